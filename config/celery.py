"""The Celery app ``config``; its settings are the ones named CELERY_ in the Django settings."""

from __future__ import annotations

from celery import Celery
from django_structlog.celery.steps import DjangoStructLogInitStep

from config import env

env.use_settings()

app = Celery("config")
# Trap: the current app is kept per thread. Without a default one, a web server's threads would publish to a Celery app
# of their own that knows no settings and looks for a broker on another port.
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)
