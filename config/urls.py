"""All addresses: the admin, the REST interface, health."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from config import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(url="/admin/"), name="root"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
]
# Both are being written; the guards go once they stand.
if find_spec("trials.admin.site"):
    urlpatterns.append(path("admin/", import_module("trials.admin.site").site.urls))
if find_spec("config.api_urls"):
    urlpatterns.append(path("api/v1/", include("config.api_urls")))
