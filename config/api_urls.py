"""Addresses of the REST interface: what the rooms offer, joined."""

from __future__ import annotations

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from capture.api.resources import FormDefinitionsView
from capture.api.routes import kinds as capture_kinds
from capture.api.routes import routes as capture_routes
from safety.api.routes import kinds as safety_kinds
from safety.api.routes import routes as safety_routes
from trials.api.access import MeView, ProblemsView, TokensView, TokenView
from trials.api.authentication import READING
from trials.api.events import KINDS, ChangesView
from trials.api.resources import OID
from trials.api.routes import routes as trials_routes
from trials.api.views import UnknownAddress

app_name = "api"

router = SimpleRouter()
for prefix, viewset, basename in (*trials_routes, *capture_routes, *safety_routes):
    router.register(prefix, viewset, basename=basename)

changes = ChangesView.as_view(kinds={**KINDS, **capture_kinds, **safety_kinds})
document = SpectacularAPIView.as_view(authentication_classes=READING)
explorer = SpectacularSwaggerSplitView.as_view(authentication_classes=READING, url_name="api:schema")

urlpatterns = [
    path("token/", TokensView.as_view(), name="tokens"),
    re_path(r"^token/(?P<key>[0-9a-zA-Z]{1,25})/$", TokenView.as_view(), name="token"),
    path("me/", MeView.as_view(), name="me"),
    path("problems/", ProblemsView.as_view(), name="problems"),
    re_path(rf"^studies/(?P<oid>{OID})/changes/$", changes, name="changes"),
    re_path(
        rf"^studies/(?P<oid>{OID})/versions/(?P<number>[0-9]{{1,6}})/forms/$",
        FormDefinitionsView.as_view(),
        name="form-definitions",
    ),
    path("schema/", document, name="schema"),
    path("docs/", explorer, name="docs"),
    path("", include(router.urls)),
    re_path(r"^.*$", UnknownAddress.as_view(), name="unknown"),
]
