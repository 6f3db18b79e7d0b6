"""Pages of a list: how long, from where, and how they look."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.views import APIView

from trials.records.domain.errors import Refusal

USUAL, MOST = 100, 1000
LIMIT: dict[str, Any] = {
    "name": "limit",
    "in": "query",
    "description": "Most rows to return.",
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
}
CURSOR: dict[str, Any] = {
    "name": "cursor",
    "in": "query",
    "description": "next_cursor of the page before.",
    "schema": {"type": "string"},
}


class CursorPages(BasePagination):
    """Describes the pages for the OpenAPI document; the lists make them themselves."""

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> None:
        """Nothing: a list reads its columns and takes one page of them."""

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["items", "next_cursor"],
            "properties": {
                "items": schema,
                "next_cursor": {"type": "string", "nullable": True, "description": "null on the last page"},
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        del view
        return [LIMIT, CURSOR]


def limit_of(request: Request, *, usual: int = USUAL) -> int | Refusal:
    """Return the page size that a request asks for, or why it cannot be read."""
    text = request.query_params.get("limit", str(usual))
    if text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST:
        return int(text)
    found = text[:20] if text.isprintable() else "control characters"
    return Refusal("limit", f"a whole number from 1 to {MOST}", f'"{found}"', "Correct it.", where="limit")


def undeclared(request: Request, declared: AbstractSet[str]) -> list[Refusal]:
    """Return refusals of parameters that mean nothing here, or are given twice: ignoring one would show too much."""
    known = ", ".join(sorted(declared)) or "no parameter"
    query = request.query_params
    wrong = [
        Refusal("parameter", f"one of: {known}", "another parameter", "Leave it out.", where=name[:40])
        for name in sorted(set(query) - declared)
    ]
    twice = [
        Refusal("parameter_twice", "each parameter once", "several", "Give it once.", where=name)
        for name in sorted(set(query) & declared)
        if len(query.getlist(name)) > 1
    ]
    return [*wrong, *twice]
