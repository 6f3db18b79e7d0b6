"""The kinds that the trials room owns: consent, demographics, condition, lymphodepletion, infusion, disposition, death,
deviation. Each reads the record's typed values and hands the facts to ``trials.services.facts``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from capture.projections.registry import PreviewLine, RecordValues, register
from trials.domain.facts import (
    ConsentFact,
    DeathFact,
    DemographicsFact,
    DeviationFact,
    DispositionFact,
    InfusionFact,
    LymphodepletionFact,
)
from trials.records.domain.dates import PartialDate, bounds, study_day
from trials.records.domain.expressions import UNKNOWN, Blank, Value
from trials.services import facts

if TYPE_CHECKING:
    from capture.domain.evaluation_context import EvaluationContext
    from capture.models import FormRecord
    from trials.records.services.act import Act

Cell = Value | Blank
Row = Mapping[str, Cell]


def text(value: Cell) -> str:
    """Return a value as the trials room keeps it: codes and dates as text, empty for a blank."""
    if isinstance(value, Blank):
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    return value.isoformat() if isinstance(value, date) else str(value)


def day(value: Cell) -> date | None:
    """Return the day of a value; the first possible one of a partial date, None for a blank."""
    return bounds(value)[0] if isinstance(value, date | PartialDate) else None


def number(value: Cell) -> Decimal | None:
    """Return a number, None for a blank."""
    return value if isinstance(value, Decimal) else None


def yes(value: Cell) -> bool | None:
    """Return a yes or no, None for a blank."""
    return value if isinstance(value, bool) else None


class _Kind:
    """What the kinds have in common: nothing to show or to offer."""

    def preview(self, values: RecordValues, context: EvaluationContext) -> Sequence[PreviewLine]:
        """Return nothing."""
        del values, context
        return ()

    def offers(self, values: RecordValues) -> Mapping[str, Cell]:
        """Return nothing."""
        del values
        return {}


class ConsentKind(_Kind):
    """Consent: the day from which everything may happen."""

    def offers(self, values: RecordValues) -> Mapping[str, Cell]:
        """Return the day of consent, until another record states an earlier one."""
        signed = day(values.value("SIGNED"))
        return {} if signed is None else {"consented_on": signed}

    def project(self, record: FormRecord, values: RecordValues, *, act: Act) -> None:
        """Replace what this record states of consent."""
        fact = ConsentFact(text(values.value("DOCUMENT")), text(values.value("SIGNED")))
        stated = fact if fact.signed and not values.removed else None
        facts.apply_consent(record.participant, record.pk, stated, act=act)


class DemographicsKind(_Kind):
    """Demographics: sex and date of birth."""

    def offers(self, values: RecordValues) -> Mapping[str, Cell]:
        """Return sex and date of birth as they stand on the form, blanks included."""
        birth = values.value("BIRTH")
        exact = birth.exact if isinstance(birth, PartialDate) else None
        return {"sex": _unless_blank(values.value("SEX")), "birth_date": exact or _unless_blank(birth)}

    def project(self, record: FormRecord, values: RecordValues, *, act: Act) -> None:
        """Replace sex and date of birth."""
        fact = DemographicsFact(text(values.value("SEX")), text(values.value("BIRTH")))
        facts.apply_demographics(record.participant, record.pk, None if values.removed else fact, act=act)


class ConditionKind(_Kind):
    """The study disease."""

    def offers(self, values: RecordValues) -> Mapping[str, Cell]:
        """Return the condition."""
        return {"condition": _unless_blank(values.value("CONDITION"))}

    def project(self, record: FormRecord, values: RecordValues, *, act: Act) -> None:
        """Replace the condition."""
        condition = text(values.value("CONDITION"))
        facts.apply_condition(record.participant, record.pk, None if values.removed else condition, act=act)


class LymphodepletionKind(_Kind):
    """Lymphodepletion: its first and last day."""

    def project(self, record: FormRecord, values: RecordValues, *, act: Act) -> None:
        """Replace the days of lymphodepletion."""
        days = [found for _, row in values.row_list("DATE") if (found := day(row["DATE"])) is not None]
        fact = LymphodepletionFact(min(days), max(days)) if days and not values.removed else None
        facts.apply_lymphodepletion(record.participant, record.pk, fact, act=act)


class InfusionKind(_Kind):
    """Infusions: the start of Day 0. What happened is recorded even if it should not have."""

    def preview(self, values: RecordValues, context: EvaluationContext) -> Sequence[PreviewLine]:
        """Say what each infusion was, and on which day of the study the later ones fall."""
        del context
        started = {row: found for row, each in values.row_list("START") if (found := day(each["START"])) is not None}
        if not started:
            return ()
        first = min(started.values())
        return tuple(
            PreviewLine(f"Infusion on Day {study_day(first, on)}", f"started on {on.isoformat()}", row=row)
            for row, on in started.items()
        )

    def offers(self, values: RecordValues) -> Mapping[str, Cell]:
        """Return the first and last day of infusion as this record states them."""
        starts = [row["START"] for _, row in values.row_list("START")]
        known = sorted(start for start in starts if isinstance(start, datetime))
        if not known:
            return {}
        return {"infused_on": known[0].date(), "infused_at": known[0], "last_infused_on": known[-1].date()}

    def project(self, record: FormRecord, values: RecordValues, *, act: Act) -> None:
        """Replace the infusions of this record."""
        rows = [_infusion(row, each) for row, each in values.row_list("START")]
        facts.apply_infusions(record.participant, record.pk, [] if values.removed else rows, act=act)


def _infusion(row: str, values: Row) -> InfusionFact:
    return InfusionFact(
        row=row,
        product=text(values.get("PRODUCT", UNKNOWN)),
        lot=text(values.get("LOT", UNKNOWN)),
        started=text(values["START"]),
        ended=text(values.get("END", UNKNOWN)),
        cells=number(values.get("CELLS", UNKNOWN)),
        dose=number(values.get("DOSE", UNKNOWN)),
        whole=yes(values.get("COMPLETE", UNKNOWN)),
    )


class DispositionKind(_Kind):
    """How the study ended."""

    def project(self, record: FormRecord, values: RecordValues, *, act: Act) -> None:
        """Replace how the study ended; nothing is stated while the status is blank."""
        status = text(values.value("STATUS"))
        words = text(values.value("WHY")) or status
        fact = DispositionFact(day(values.value("DATE")), status == "DONE", "" if status == "DONE" else words)
        stated = fact if status and not values.removed else None
        facts.apply_disposition(record.participant, record.pk, stated, act=act)


class DeathKind(_Kind):
    """The day of death."""

    def project(self, record: FormRecord, values: RecordValues, *, act: Act) -> None:
        """Replace the day of death."""
        on = day(values.value("DATE"))
        stated = DeathFact(on) if on is not None and not values.removed else None
        facts.apply_death(record.participant, record.pk, stated, act=act)


class DeviationKind(_Kind):
    """A deviation that the site recorded."""

    def project(self, record: FormRecord, values: RecordValues, *, act: Act) -> None:
        """Replace the deviation of this record; nothing is stated while its kind is blank."""
        kind = text(values.value("KIND"))
        fact = DeviationFact(kind, day(values.value("DATE")), text(values.value("WHAT")), yes(values.value("WEIGHTY")))
        facts.apply_deviation(record.participant, record.pk, fact if kind and not values.removed else None, act=act)


def _unless_blank(value: Cell) -> Cell:
    return UNKNOWN if isinstance(value, Blank) else value


def register_trials_kinds() -> None:
    """Register the kinds of the trials room; called once when the app is ready."""
    register("consent", ConsentKind())
    register("demographics", DemographicsKind())
    register("condition", ConditionKind())
    register("lymphodepletion", LymphodepletionKind())
    register("infusion", InfusionKind())
    register("disposition", DispositionKind())
    register("death", DeathKind())
    register("deviation", DeviationKind())
