"""Bodies of requests: small JSON, read by a parser that neither depth nor odd numbers bring down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

LARGEST = 10_000


class SmallJsonParser(BaseParser):
    """Reads a JSON body of at most ``LARGEST`` bytes."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        del media_type, parser_context
        text = stream.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise ParseError(f"The body is longer than {LARGEST} bytes.")
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as fault:
            raise ParseError("The body is no JSON.") from fault
