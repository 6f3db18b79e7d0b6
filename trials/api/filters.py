"""What a client may filter a list by: each parameter is declared with its look-up and the form of its text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from trials.records.domain.errors import Refusal

Kind = Literal["text", "id", "whole", "instant", "truth"]
_LONGEST = 100
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter: the exact look-up it stands for and how its text is read; ``choices`` empty: any text.

    ``stored`` turns what was read into what the column holds, where the two differ.
    """

    lookup: str
    help: str
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    stored: Callable[[Any], Any] | None = None

    def condition(self, name: str, text: str) -> dict[str, Any] | Refusal:
        """Return the look-up that the text asks for, or why it cannot be read."""
        if self.kind == "truth" and text == "unknown":
            return {f"{self.lookup}__isnull": True}
        if self.choices and text not in self.choices:
            return _refusal(name, f"one of {', '.join(self.choices)}", text)
        expected, read = _READERS[self.kind]
        try:
            value = read(text)
            return {self.lookup: self.stored(value) if self.stored else value}
        except (ValueError, OverflowError, KeyError):
            return _refusal(name, expected, text)

    def parameter(self, name: str) -> OpenApiParameter:
        """Describe the parameter for the OpenAPI document."""
        allowed = ("true", "false", "unknown") if self.kind == "truth" else self.choices
        return OpenApiParameter(name, _TYPES[self.kind], description=self.help, enum=allowed or None)


def _refusal(name: str, expected: str, text: str) -> Refusal:
    found = "".join(sign for sign in text[:_LONGEST] if sign.isprintable())
    return Refusal("filter", expected, f'"{found}"', "Correct the parameter.", where=name)


def _text(text: str) -> str:
    if len(text) > _LONGEST or not text.isprintable():
        raise ValueError(text)
    return text


def _whole(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
    if not 0 <= number <= _MOST:
        raise ValueError(text)
    return number


def _instant(text: str) -> datetime:
    # In a query string an unescaped + is a blank.
    read = datetime.fromisoformat(text.replace(" ", "+"))
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


_READERS: Mapping[Kind, tuple[str, Callable[[str], Any]]] = {
    "text": (f"printable text of at most {_LONGEST} characters", _text),
    "id": ("a UUID", UUID),
    "whole": (f"a whole number from 0 to {_MOST}", _whole),
    "instant": ("an instant such as 2026-03-01T00:00:00Z", _instant),
    "truth": ("true, false or unknown", {"true": True, "false": False}.__getitem__),
}
_TYPES: Mapping[Kind, Any] = {
    "text": OpenApiTypes.STR,
    "id": OpenApiTypes.UUID,
    "whole": OpenApiTypes.INT,
    "instant": OpenApiTypes.DATETIME,
    "truth": OpenApiTypes.STR,
}

STUDY = Filter("study__oid", "OID of the study")
SITE = Filter("site__code", "Code of the site")
PARTICIPANT = Filter("participant_id", "Id of the participant", "id")
PLACE: Mapping[str, Filter] = {"study": STUDY, "site": SITE}
CLINICAL: Mapping[str, Filter] = {**PLACE, "participant": PARTICIPANT}
