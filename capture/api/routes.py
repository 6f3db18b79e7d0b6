"""Addresses of the capture room, and the kinds of records of which it tells changes."""

from __future__ import annotations

from capture.api.resources import FormViewSet, QueryViewSet
from trials.api.routes import Route
from trials.domain.roles import Permission

routes: list[Route] = [
    ("forms", FormViewSet, "forms"),
    ("queries", QueryViewSet, "queries"),
]
kinds = dict.fromkeys(("FormRecord", "Query", "LogDeclaration"), Permission.VIEW_RECORDS)
