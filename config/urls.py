"""All addresses: the admin, the REST interface, health."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from config import health
from trials.admin.site import site

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(url="/admin/"), name="root"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("admin/", site.urls),
]
# The REST interface is being written; the guard goes once it stands.
if find_spec("config.api_urls"):
    urlpatterns.append(path("api/v1/", include("config.api_urls")))
