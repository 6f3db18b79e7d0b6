"""The clock of a simulated study: it moves forward, day by day, and every day's sweeps run on that day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from trials import policies
from trials.domain.roles import Permission
from trials.models import Study
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all
from trials.records.services.act import open_act
from trials.records.services.clock import study_now
from trials.services import reminders
from trials.services.noting import save_changes, shown

Sweep = Callable[[Study], object]
_sweeps: list[Sweep] = [reminders.sweep_study]


def register_sweep(sweep: Sweep) -> None:
    """Let a room's daily work run for each day that a simulated study skips; a sweep registered twice runs once."""
    if sweep not in _sweeps:
        _sweeps.append(sweep)


def advance_clock(study: Study, *, actor: Actor, to: datetime | None = None, days: int | None = None) -> Study:
    """Move a simulated study's clock forward, to an instant or by days, in one audited act.

    The clock stops on every day between and at the end, and all sweeps run there with the study as it then stands. A
    study whose clock was never set may begin at any instant.
    """
    policies.require(actor, Permission.ADVANCE_CLOCK, study)
    with open_act("advance clock", chain=study.chain_key, actor=actor, study_time=study_now(study)) as act:
        row = Study.objects.select_for_update().get(pk=study.pk)
        goal = goal_of(row, to=to, days=days)
        before = shown(row)
        for instant in stops(row.clock, goal):
            row.clock = instant
            row.save(update_fields=["clock"])
            for sweep in _sweeps:
                sweep(row)
        save_changes(act, row, before, action="advance clock")
        study.clock = row.clock
        return row


def goal_of(study: Study, *, to: datetime | None = None, days: int | None = None) -> datetime:
    """Return where the clock would stand, or refuse as ``advance_clock`` does; nothing is written."""
    goal = to if to is not None or days is None else study_now(study) + timedelta(days=days)
    raise_all(_refusals(study, goal, both=to is not None and days is not None))
    assert goal is not None
    return goal


def stops(begin: datetime | None, goal: datetime) -> Iterator[datetime]:
    """Yield the instants at which the clock stops: every 24 hours after ``begin`` (if it was set), and ``goal``."""
    instant = (begin or goal) + timedelta(days=1)
    while instant < goal:
        yield instant
        instant += timedelta(days=1)
    yield goal


def _refusals(study: Study, goal: datetime | None, *, both: bool) -> Iterator[Refusal]:
    if not study.simulated:
        yield Refusal(
            "clock_of_real_study",
            expected="a simulated study",
            found=f"{study.oid}, which follows the real calendar",
            action="Only a simulated study has a clock of its own.",
        )
    if goal is None or both:
        found = "both" if both else "neither"
        yield Refusal("clock_goal", "an instant or a number of days", found, "Give one of the two.", where="to")
        return
    if goal.tzinfo is None:
        yield Refusal("clock_zone", "an instant with its zone", f"{goal}", "Add the offset.", where="to")
        return
    if study.clock is not None and goal <= study.clock:
        expected = f"an instant after {study.clock.isoformat(timespec='minutes')}"
        found = goal.isoformat(timespec="minutes")
        yield Refusal("clock_backwards", expected, found, "Time only moves forward.", where="to")
