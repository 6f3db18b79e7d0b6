"""The kinds that the safety room owns: adverse_event, crs, icans, gvhd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from capture.projections.registry import PreviewLine, RecordValues, register
from safety.domain.adverse_events import AdverseEvent
from safety.domain.causality import is_related
from safety.domain.grading import Grading
from safety.services.readings import KINDS, assessed_at, grade_alone, read_adverse_event
from safety.services.typed_rows import regrade, replace_adverse_event
from safety.terms.ctcae import VERSION, find_term
from trials.records.domain.expressions import UNKNOWN, Blank, Value

if TYPE_CHECKING:
    from capture.domain.evaluation_context import EvaluationContext
    from capture.models import FormRecord
    from trials.records.services.act import Act

Cell = Value | Blank
SEVERE = 3


class AssessmentKind:
    """An assessment of one scale; it is graded with all others of the participant, since they make its episode."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.scale = KINDS[kind]

    def preview(self, values: RecordValues, context: EvaluationContext) -> Sequence[PreviewLine]:
        """Say the grade with its working, what is missing, what would raise it, and what to look at."""
        del context
        if values.removed or not any(not isinstance(value, Blank) for value in values.items.values()):
            return ()
        alone = grade_alone(self.kind, values)
        going_on = grade_alone(self.kind, values, began_with_fever=True) if self.kind == "crs" else alone
        lines = [_grade_line(self.scale, alone)]
        if (going_on.at_least, going_on.at_most) != (alone.at_least, alone.at_most):
            because = f"if an earlier assessment of this episode shows fever: {going_on.working}"
            lines = [
                PreviewLine(
                    _head(self.scale, going_on) + (" or less" if going_on.evaluable else ""), because, "pending"
                ),
                PreviewLine(f"{_head(self.scale, alone)} by this assessment alone", alone.working, "pending"),
            ]
        if not assessed_at(values):
            text = "Without the time of the assessment the record has no place in the course."
            lines.append(PreviewLine("Time of the assessment not recorded", text, "pending"))
        return (*lines, *_hints(going_on))

    def offers(self, values: RecordValues) -> Mapping[str, Cell]:
        """State no fact of the participant: a grade belongs to the event."""
        del values
        return {}

    def project(self, record: FormRecord, values: RecordValues, *, act: Act) -> None:
        """Grade this and all other assessments of the scale again; a removed record is no longer among them."""
        del values
        regrade(record.participant, self.kind, record.form, act=act, saved=record.pk)


def _head(scale: str, grading: Grading) -> str:
    if grading.grade is None:
        return f"{scale} not evaluable"
    return f"{scale} grade {grading.grade}"


def _grade_line(scale: str, grading: Grading) -> PreviewLine:
    head = _head(scale, grading)
    because = grading.working.removeprefix(head).lstrip(",: ")
    if grading.grade is None:
        return PreviewLine(head, because, "pending")
    return PreviewLine(head, f"{because} ({grading.source})", "alert" if grading.grade >= SEVERE else "note")


def _hints(grading: Grading) -> list[PreviewLine]:
    lines = [PreviewLine(str(notice), level="warning" if notice.query else "note") for notice in grading.warnings]
    if grading.would_raise:
        lines.append(PreviewLine("Would raise the grade", "; ".join(grading.would_raise)))
    return lines


class AdverseEventKind:
    """An adverse event: its highest grade, its seriousness and its relation to the product."""

    def preview(self, values: RecordValues, context: EvaluationContext) -> Sequence[PreviewLine]:
        """Say the highest grade, whether it is serious and related, and what should be asked."""
        del context
        if values.removed:
            return ()
        event = read_adverse_event(values)
        lines = []
        if event.grade is not None:
            level = "alert" if event.grade >= SEVERE else "note"
            lines.append(PreviewLine(f"Grade {event.grade}", "the highest of its course", level))  # type: ignore[arg-type]
        lines.extend(_impossible_grades(event))
        if event.seriousness.serious:
            why = ", ".join(criterion.value for criterion in event.seriousness.criteria)
            lines.append(PreviewLine("Serious", why, "alert"))
        if is_related(event.causes):
            lines.append(PreviewLine("Related to the CAR-T cells", "causality is at least possible", "warning"))
        lines.extend(PreviewLine(str(notice), level="warning") for notice in event.seriousness.notices)
        return tuple(lines)

    def offers(self, values: RecordValues) -> Mapping[str, Cell]:
        """Return what checks of the form may ask of the event itself."""
        event = read_adverse_event(values)
        serious, related = event.seriousness.serious, is_related(event.causes)
        return {
            "grade": UNKNOWN if event.grade is None else Decimal(event.grade),
            "started": event.started or UNKNOWN,
            "ended": event.ended or UNKNOWN,
            "serious": UNKNOWN if serious is None else serious,
            "related": UNKNOWN if related is None else related,
        }

    def project(self, record: FormRecord, values: RecordValues, *, act: Act) -> None:
        """Replace the typed row of this event and its course."""
        del act
        replace_adverse_event(record, values)


def _impossible_grades(event: AdverseEvent) -> list[PreviewLine]:
    """Warn of grades that the catalogue does not have for the term, and say which it has."""
    term = find_term(event.term) if event.term else None
    if term is None:
        return []
    given = {period.grade for period in event.periods if period.grade is not None}
    there = ", ".join(str(grade) for grade in term.grades)
    return [
        PreviewLine(f"Grade {grade} does not exist for {term.name}", f"{VERSION} has {there}", "warning")
        for grade in sorted(given - set(term.grades))
    ]


class CrsKind(AssessmentKind):
    """Cytokine release syndrome, ASTCT 2019."""


class IcansKind(AssessmentKind):
    """Neurotoxicity, ASTCT 2019."""


class GvhdKind(AssessmentKind):
    """Acute graft-versus-host disease, MAGIC 2016."""


def register_safety_kinds() -> None:
    """Register the kinds of this room; called once when the app is ready."""
    register("adverse_event", AdverseEventKind())
    register("crs", CrsKind("crs"))
    register("icans", IcansKind("icans"))
    register("gvhd", GvhdKind("gvhd"))
