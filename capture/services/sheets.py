"""A sheet: one record on the desk of an act, with its form, what stood in it before, and what its rules find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from capture.definition.compiled import FormDefinition, FormSet
from capture.domain.evaluation import Evaluation, evaluate
from capture.domain.evaluation_context import EvaluationContext, rows_present
from capture.domain.item_paths import row_path, split_path
from capture.domain.surroundings import Surroundings, VisitMoment
from capture.domain.values import Data, typed_value
from capture.models import FormRecord
from capture.projections import registry
from trials.models import Visit
from trials.records.domain.expressions import Blank, Value

TRACKED = ("state", "state_reason", "version", "ever_completed", "required", "answered", "open_queries", "changed_at")


def text_of(value: Any) -> str | None:
    """Return a column's value as text, as events hold it."""
    if value is None:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def fields_of(record: FormRecord) -> dict[str, str | None]:
    """Return the columns beside the document that a save may change, as text."""
    return {name: text_of(getattr(record, name)) for name in TRACKED}


@dataclass(slots=True)
class Sheet:
    """``data`` is the working copy; ``before`` and ``was`` are the document and the columns that the database holds."""

    record: FormRecord
    forms: FormSet
    form: FormDefinition
    around: Surroundings
    visit: VisitMoment | None
    before: Data
    data: Data
    is_new: bool = False
    found: Evaluation = field(default_factory=Evaluation)
    was: dict[str, str | None] = field(init=False)

    def __post_init__(self) -> None:
        self.was = fields_of(self.record)

    def run(self, *, removed: bool = False) -> None:
        """Run the form's rules over the working copy."""
        offered = self.offers(removed=removed)
        self.found = evaluate(self.context(offered))

    def context(self, offered: Mapping[str, Value | Blank] | None = None) -> EvaluationContext:
        """Return the context of the working copy; facts that the record itself states come before the stored ones."""
        return EvaluationContext(
            self.forms,
            self.form,
            self.data,
            self.around,
            visit=self.visit,
            record_id=str(self.record.pk),
            own_facts=offered,
        )

    def offers(self, *, removed: bool = False) -> Mapping[str, Value | Blank]:
        """Return the facts that this record states about the participant."""
        projection = registry.get(self.form.binds) if self.form.binds else None
        return {} if projection is None or removed else projection.offers(self.values())

    def values(self, *, removed: bool = False) -> registry.RecordValues:
        """Return the working copy as projections read it."""
        return record_values(self.form, self.data, removed=removed, time_zone=self.record.participant.site.time_zone)

    @property
    def changed(self) -> tuple[str, ...]:
        """Paths whose value is another than before."""
        paths = dict.fromkeys((*self.before, *self.data))
        return tuple(path for path in paths if self.before.get(path) != self.data.get(path))


def record_values(
    form: FormDefinition, data: Mapping[str, Mapping[str, Any]], *, removed: bool = False, time_zone: str = "UTC"
) -> registry.RecordValues:
    """Return a record's document typed, as projections read it; a removed record has no values."""
    shown = {} if removed else data
    items = {name: typed_value(item, shown.get(name)) for name, item in form.items.items() if not item.repeats}
    rows: dict[str, dict[str, dict[str, Value | Blank]]] = {}
    for name, group in form.groups.items():
        if group.repeats:
            rows[name] = {
                row: {each: typed_value(form.items[each], shown.get(row_path(name, row, each))) for each in group.items}
                for row in rows_present(shown, name)
            }
    return registry.RecordValues(items=items, rows=rows, data=shown, removed=removed, time_zone=time_zone)


def moment_of(visit: Visit | None) -> VisitMoment | None:
    """Return a visit as rules see it."""
    if visit is None:
        return None
    due = visit.opens or visit.target
    return VisitMoment(str(visit.pk), visit.code, visit.ordinal, visit.repeat, visit.actual, due)


def items_of(paths: tuple[str, ...]) -> frozenset[str]:
    """Return the item names of paths."""
    return frozenset(split_path(path).item for path in paths)
