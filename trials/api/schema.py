"""The OpenAPI document: parameters from the declared filters, and the problem documents of every operation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from trials.api.problems import CONTENT_TYPE

_TEXT: dict[str, Any] = {"type": "string"}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "errors"],
    "properties": {
        "type": {**_TEXT, "format": "uri-reference", "description": "Kind of problem; /api/v1/problems/ lists them."},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "instance": {**_TEXT, "format": "uri-reference"},
        "request_id": {**_TEXT, "description": "Of a fault of the server."},
        "context": {"type": "object", "additionalProperties": True},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "expected", "found", "action", "where"],
                "properties": dict.fromkeys(("code", "expected", "found", "action", "where"), _TEXT),
            },
        },
    },
}
_ALWAYS = {
    "401": "Not signed in",
    "403": "Not permitted",
    "404": "Not found, or not yours to see",
    "406": "No such form of answer",
    "429": "Too many requests; see Retry-After",
}
_READING = {"400": "Not valid", **_ALWAYS}
_WRITING = {**_READING, "415": "No such form of request"}


class ApiSchema(AutoSchema):
    """Describes the filters of a list, the keys in an address, and the headers of a read."""

    def get_override_parameters(self) -> list[Any]:
        filters = getattr(self.view, "query", {}) if self._is_list_view() or not hasattr(self.view, "action") else {}
        given = [each.parameter(name) for name, each in filters.items()]
        keys = getattr(self.view, "keys", {})
        places = [
            OpenApiParameter(name, kind, OpenApiParameter.PATH)
            for name, kind in keys.items()
            if f"{{{name}}}" in self.path
        ]
        return [*super().get_override_parameters(), *given, *places, *self._conditional()]

    def _conditional(self) -> list[OpenApiParameter]:
        if self.method != "GET":
            return []
        words = "ETag of an answer that you have: 304 if it is still the same"
        return [OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description=words)]


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tokens of the interface."""

    target_class = "trials.api.authentication.ApiToken"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        del auto_schema
        words = 'The word "Token", a blank, and the token.'
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": words}


class BasicScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Name and password, for getting a token only."""

    target_class = "trials.api.authentication.BasicLogIn"
    name = "password"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        del auto_schema
        return {"type": "http", "scheme": "basic"}


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the problem documents and 304 to every operation: one place says them for all."""
    del generator, request, public
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for path in result.get("paths", {}).values():
        for method, operation in path.items():
            _add_to(operation, writes=method in {"post", "delete"})
    return result


def _add_to(operation: dict[str, Any], *, writes: bool) -> None:
    responses = operation.setdefault("responses", {})
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, words in (_WRITING if writes else _READING).items():
        responses.setdefault(status, {"description": words, "content": content})
    if not writes:
        responses.setdefault("304", {"description": "Still the same (If-None-Match)"})
