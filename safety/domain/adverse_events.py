"""An adverse event of the form AE: its periods of grade, its causes, and what the system understands of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final, Literal

from safety.domain.causality import Causality, Causes, causality
from safety.domain.courses import Course, Segment
from safety.domain.seriousness import Seriousness, seriousness
from trials.records.domain.dates import PartialDate

Phase = Literal["before", "during", "after"]
"""Where an onset on the day of infusion (or with a partial date) lies relative to the infusion."""

CAUSES: Final = ("CART", "LYMPHODEPLETION", "DISEASE", "OTHER")
FIRST_DAY: Final = date.min.toordinal()
LAST_DAY: Final = date.max.toordinal()


@dataclass(frozen=True, slots=True)
class Period:
    """One period at a grade (1 to 5; None = not recorded) from a date that may be partial or unknown."""

    grade: int | None
    since: PartialDate | None


@dataclass(frozen=True, slots=True)
class AdverseEvent:
    """One adverse event as recorded. ``ongoing`` None = neither an end nor "ongoing" was recorded."""

    term: str | None
    started: PartialDate | None
    phase: Phase | None
    ended: PartialDate | None
    ongoing: bool | None
    periods: tuple[Period, ...]
    causes: Causes
    seriousness: Seriousness

    @property
    def grade(self) -> int | None:
        """The highest grade recorded; None when none is."""
        return max((period.grade for period in self.periods if period.grade is not None), default=None)

    def course(self, today: date) -> Course:
        """The grades on a line of days.

        An event recorded as ongoing has lasted until ``today`` (the site's date); one with neither an end nor "ongoing"
        is known only up to the latest start of a grade.
        """
        periods = self.periods or (Period(None, self.started),)
        segments = tuple(_segment(period, self.started if n == 0 else None, n == 0) for n, period in enumerate(periods))
        if self.ended is not None:
            return Course("days", segments, self.ended.lo.toordinal(), self.ended.hi.toordinal())
        until = (
            today.toordinal() if self.ongoing else max((s.latest for s in segments if s.latest < LAST_DAY), default=0)
        )
        return Course("days", segments, until, None)


def _segment(period: Period, fallback: PartialDate | None, first: bool) -> Segment:
    since = period.since or fallback
    earliest, latest = (since.lo.toordinal(), since.hi.toordinal()) if since else (FIRST_DAY, LAST_DAY)
    low, high = (period.grade, period.grade) if period.grade is not None else (1, 5)
    return Segment(earliest, latest, low, high, first)


def phase_of(started: PartialDate | None, at: time | None, infused_at: datetime | None) -> Phase | None:
    """Whether an onset on the day of the first infusion lies before or after its start (local wall times of the site).

    None when the times do not settle it, or the onset is certainly on another day.

    >>> phase_of(PartialDate.parse("2026-11-02"), time(9, 0), datetime.fromisoformat("2026-11-02T10:00"))
    'before'
    """
    if started is None or started.exact is None or at is None or infused_at is None:
        return None
    if started.exact != infused_at.date():
        return None
    return "before" if at < infused_at.time() else "after"


def adverse_event(
    values: Mapping[str, object],
    grades: Sequence[Mapping[str, object]],
    *,
    infused_at: datetime | None = None,
    complete: bool = True,
) -> AdverseEvent:
    """Read one record of the form AE.

    ``values`` by item name (None = blank), ``grades`` the rows of the group GRADES in order of time. Partial dates come
    as ``PartialDate``. ``SERIOUS`` is an optional item: in a complete record an empty collection and a blank both mean
    that no criterion was ticked [R]; until the record is ``complete`` nobody answered, which is never "not serious".
    ``infused_at``: start of the first infusion, local wall time.

    >>> event = adverse_event({"CTCAE": "Nausea", "SERIOUS": ()}, [{"GRADE": 2, "FROM": PartialDate.parse("2026-11")}])
    >>> event.grade, event.seriousness.serious, event.causes["CART"]
    (2, False, None)
    """
    started = _date(values, "START")
    onset = values.get("START_TIME")
    periods = _in_order([Period(_grade(row.get("GRADE")), _date(row, "FROM")) for row in grades])
    outcome = values.get("OUTCOME")
    ticked = _ticked(values.get("SERIOUS"), complete=complete)
    worst = max((period.grade for period in periods if period.grade is not None), default=None)
    ended = _date(values, "END")
    return AdverseEvent(
        term=_text(values.get("CTCAE")),
        started=started,
        phase=phase_of(started, onset if isinstance(onset, time) else None, infused_at),
        ended=ended,
        ongoing=False if ended is not None else _yes(values.get("ONGOING")),
        periods=periods,
        causes=_causes(values),
        seriousness=seriousness(ticked, grade=worst, outcome=_text(outcome)),
    )


def _ticked(value: object, *, complete: bool) -> Collection[str] | None:
    found = value if isinstance(value, Collection) and not isinstance(value, str) else ()
    return found if found or complete else None


def _in_order(periods: Sequence[Period]) -> tuple[Period, ...]:
    """Periods by date when every date is known, else in the order of the rows."""
    dated = [(period.since.lo, period.since.hi, period) for period in periods if period.since is not None]
    if len(dated) < len(periods):
        return tuple(periods)
    return tuple(period for _, _, period in sorted(dated, key=lambda each: each[:2]))


def _causes(values: Mapping[str, object]) -> dict[str, Causality | None]:
    return {agent: causality(values.get(agent)) for agent in CAUSES}


def _date(values: Mapping[str, object], item: str) -> PartialDate | None:
    value = values.get(item)
    if value is None or isinstance(value, PartialDate):
        return value
    if isinstance(value, date):
        return PartialDate.of(value)
    raise ValueError(f"{item}: expected a date, found {value!r}")


def _grade(value: object) -> int | None:
    if value is None:
        return None
    grade = int(str(value))
    if not 1 <= grade <= 5:
        raise ValueError(f"GRADE: expected 1 to 5, found {value}")
    return grade


def _text(value: object) -> str | None:
    return str(value) if value is not None else None


def _yes(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
