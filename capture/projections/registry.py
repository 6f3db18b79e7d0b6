"""The registry of projections: the room that owns a kind registers one projection for it, in ``AppConfig.ready``.

    register("crs", CrsProjection())

``capture`` calls it from every door: ``preview`` while the page is filled in (pure, writes nothing), ``project``
inside the
act that saved the record. ``project`` replaces the typed rows of that record; called twice it leaves the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from trials.records.domain.expressions import UNKNOWN, Blank, Value

if TYPE_CHECKING:
    from capture.domain.evaluation_context import EvaluationContext
    from capture.models import FormRecord
    from trials.records.services.act import Act


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """One line that the page shows live: "CRS grade 2", because "hypotension not on vasopressors"."""

    text: str
    because: str = ""
    level: Literal["note", "good", "warning", "alert", "pending"] = "note"
    row: str = ""


@dataclass(frozen=True, slots=True)
class RecordValues:
    """The values of one record, typed and in each item's stored unit; a blank carries its reason.

    ``items`` are those outside repeats by name; ``rows`` by group: row: item. ``data`` is the stored document itself.
    ``removed``: the record is removed or not done, so its typed rows go. ``time_zone`` is the site's.

    >>> RecordValues(items={}, rows={}).value("TEMP")
    <Blank.UNKNOWN: 'unknown'>
    """

    items: Mapping[str, Value | Blank]
    rows: Mapping[str, Mapping[str, Mapping[str, Value | Blank]]]
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    removed: bool = False
    time_zone: str = "UTC"

    def value(self, item: str) -> Value | Blank:
        """Return an item outside repeats, or unknown."""
        return self.items.get(item, UNKNOWN)

    def row_list(self, item: str) -> Sequence[tuple[str, Mapping[str, Value | Blank]]]:
        """Return (row, values) of the repeating group that holds ``item``; nothing when no row has it."""
        for rows in self.rows.values():
            if any(item in values for values in rows.values()):
                return tuple(rows.items())
        return ()


class Projection(Protocol):
    """What a room does with a kind of form that it owns."""

    def preview(self, values: RecordValues, context: EvaluationContext) -> Sequence[PreviewLine]:
        """Return the lines to show while the form is filled in; pure."""

    def offers(self, values: RecordValues) -> Mapping[str, Value | Blank]:
        """Return the participant's facts (small names) that this record states; pure. Empty when it states none."""

    def project(self, record: FormRecord, values: RecordValues, *, act: Act) -> None:
        """Replace the typed rows of the record, in the act that saved it; raises DomainError to refuse the whole
        act."""


_projections: dict[str, Projection] = {}


def register(kind: str, projection: Projection) -> None:
    """Register the projection of a kind; a kind has one owner."""
    known = _projections.get(kind)
    if known is not None and type(known) is not type(projection):
        message = f'the kind "{kind}" is owned by {type(known).__name__} already, found {type(projection).__name__}'
        raise ValueError(message)
    _projections[kind] = projection


def get(kind: str) -> Projection | None:
    """Return the projection of a kind, or None when no room owns it."""
    return _projections.get(kind)


def kinds() -> tuple[str, ...]:
    """Return the kinds that are owned, in order of registration."""
    return tuple(_projections)
