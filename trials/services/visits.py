"""Visits: their dates, plans, misses, and the unscheduled ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from django.db.models import Max

from trials import policies
from trials.domain.roles import Permission
from trials.domain.schedule import VisitKind
from trials.domain.states import ParticipantState
from trials.models import Participant, Visit
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, refuse
from trials.records.services.act import Act, open_act
from trials.records.services.clock import local_today, study_now
from trials.services.anchoring import is_cancelled, judge_visits
from trials.services.guards import date_refusals, lock_refusals, raise_refusals, reason_refusals, watch_locks
from trials.services.noting import Shown, note_created, save_changes, shown
from trials.services.participants import lock_participant
from trials.services.plans import schedule_of


@dataclass(frozen=True, slots=True)
class Work:
    """A visit locked for one act, with its participant's locked row and the day at the site."""

    act: Act
    visit: Visit
    participant: Participant
    today: date
    before: Shown

    def save(self, action: str, reason: str = "") -> Visit:
        """Write and note what changed, and judge the visit's window again."""
        watch_locks(self.act, self.participant, self.visit)
        self.visit.cancelled = is_cancelled(self.visit, self.participant)
        if save_changes(self.act, self.visit, self.before, action=action, reason=reason):
            judge_visits(self.participant, [self.visit], act=self.act)
        return self.visit


@contextmanager
def _work(visit: Visit, name: str, *, actor: Actor, reason: str = "") -> Iterator[Work]:
    policies.require(actor, Permission.CHANGE_VISIT, visit)
    study = visit.study
    with open_act(name, chain=study.chain_key, actor=actor, study_time=study_now(study), reason=reason) as act:
        participant = lock_participant(visit.participant)
        row = Visit.objects.select_for_update().get(pk=visit.pk)
        row.participant, row.study, row.site = participant, participant.study, participant.site
        today = local_today(participant.study, participant.site.time_zone)
        yield Work(act, row, participant, today, shown(row))


def start_visit(visit: Visit, *, on: date, actor: Actor, reason: str = "") -> Visit:
    """Enter the day on which a visit took place; changing a day already entered needs a reason.

    A day outside the window is kept and makes one deviation draft; a day inside it withdraws that draft.
    """
    with _work(visit, "start visit", actor=actor, reason=reason) as work:
        row = work.visit
        if row.actual == on:
            return row
        refusals = [*_open_refusals(work), *_not_missed(row), *date_refusals(on, work.participant, today=work.today)]
        raise_refusals([*refusals, *(reason_refusals(reason) if row.actual is not None else ())])
        action = "start" if row.actual is None else "change date"
        row.actual = on
        return work.save(action, reason)


def change_visit_date(visit: Visit, *, on: date, actor: Actor, reason: str) -> Visit:
    """Correct the day of a visit that has one."""
    with _work(visit, "change visit date", actor=actor, reason=reason) as work:
        row = work.visit
        refusals = [*_open_refusals(work), *_has_date(row), *date_refusals(on, work.participant, today=work.today)]
        raise_refusals([*refusals, *reason_refusals(reason)])
        row.actual = on
        return work.save("change date", reason)


def clear_visit_date(visit: Visit, *, actor: Actor, reason: str) -> Visit:
    """Take back a visit's day that was entered by mistake."""
    with _work(visit, "clear visit date", actor=actor, reason=reason) as work:
        raise_refusals([*_open_refusals(work), *_has_date(work.visit), *reason_refusals(reason)])
        work.visit.actual = None
        return work.save("clear date", reason)


def miss_visit(visit: Visit, *, reason: str, actor: Actor) -> Visit:
    """Mark a visit as missed, with the reason; a visit that took place cannot be missed."""
    with _work(visit, "miss visit", actor=actor, reason=reason) as work:
        row = work.visit
        raise_refusals([*_open_refusals(work), *_not_missed(row), *_no_date(row), *reason_refusals(reason)])
        row.missed, row.missed_reason = True, reason.strip()
        return work.save("miss", reason)


def unmiss_visit(visit: Visit, *, reason: str, actor: Actor) -> Visit:
    """Await a visit again that was marked as missed."""
    with _work(visit, "unmiss visit", actor=actor, reason=reason) as work:
        row = work.visit
        refusals = [*_open_refusals(work), *reason_refusals(reason)]
        if not row.missed:
            refusals.append(
                Refusal("visit_not_missed", "a visit marked as missed", f"{row}, awaited", "Nothing to undo.")
            )
        raise_refusals(refusals)
        row.missed, row.missed_reason = False, ""
        return work.save("unmiss", reason)


def plan_visit(visit: Visit, *, on: date | None, actor: Actor) -> Visit:
    """Book a visit for a day, or (``on`` None) drop the booking; a booking is no date and makes no deviation."""
    with _work(visit, "plan visit", actor=actor) as work:
        row = work.visit
        refusals = [*_open_refusals(work), *_not_missed(row), *_no_date(row)]
        if on is not None and on < work.today:
            expected = f"a day from today, {work.today}"
            refusals.append(
                Refusal("plan_in_past", expected, f"{on}", "Enter the date if it took place.", where="date")
            )
        raise_refusals(refusals)
        row.planned = on
        return work.save("plan")


def add_unscheduled_visit(participant: Participant, *, on: date, actor: Actor, code: str = "") -> Visit:
    """Record a visit that the schedule did not foresee, on the day it took place."""
    policies.require(actor, Permission.CHANGE_VISIT, participant)
    study = participant.study
    with open_act("add visit", chain=study.chain_key, actor=actor, study_time=study_now(study)) as act:
        row = lock_participant(participant)
        ordinal, name = _unscheduled_place(row, code)
        today = local_today(row.study, row.site.time_zone)
        raise_refusals([*_alive_refusals(row), *lock_refusals(row), *date_refusals(on, row, today=today)])
        last = Visit.objects.filter(participant=row, code=name).aggregate(last=Max("repeat"))["last"] or 0
        visit = Visit(
            study=row.study,
            site=row.site,
            participant=row,
            version_id=row.version_id,
            code=name,
            ordinal=ordinal,
            repeat=last + 1,
            kind=Visit.Kind.UNSCHEDULED,
            actual=on,
        )
        visit.save(force_insert=True)
        note_created(act, visit, action="add")
        return visit


def _unscheduled_place(participant: Participant, code: str) -> tuple[int, str]:
    """Return ordinal and code of the schedule's unscheduled visit (the first, or the one that is named)."""
    for ordinal, plan in enumerate(schedule_of(participant.version), start=1):
        if plan.kind is VisitKind.UNSCHEDULED and code in ("", plan.code):
            return ordinal, plan.code
    raise refuse(
        "no_unscheduled_visit",
        expected="a schedule with an unscheduled visit" + (f" {code}" if code else ""),
        found="none in the participant's study version",
        action="Enter the data at a scheduled visit, or ask for a new study version.",
        where="code",
    )


def _open_refusals(work: Work) -> Iterator[Refusal]:
    yield from _alive_refusals(work.participant)
    yield from lock_refusals(work.participant, work.visit)


def _alive_refusals(participant: Participant) -> Iterator[Refusal]:
    if participant.state == ParticipantState.TAKEN_BACK.value:
        found = f"{participant.number}, taken back"
        yield Refusal("participant_taken_back", "a participant's record in use", found, "Check the number.")


def _not_missed(visit: Visit) -> Iterator[Refusal]:
    if visit.missed:
        found = f"{visit}, missed: {visit.missed_reason}"
        yield Refusal("visit_missed", "a visit that is not missed", found, "Undo the miss first.", where="missed")


def _no_date(visit: Visit) -> Iterator[Refusal]:
    if visit.actual is not None:
        found = f"{visit} on {visit.actual}"
        yield Refusal("visit_has_date", "a visit without a date", found, "Clear the date first.", where="date")


def _has_date(visit: Visit) -> Iterator[Refusal]:
    if visit.actual is None:
        yield Refusal("visit_has_no_date", "a visit with a date", f"{visit}, none", "Enter its date.", where="date")
