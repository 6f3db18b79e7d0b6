"""Visits as a page or a command moves them: the visit itself, and the records whose values follow its date.

A derived value may read the visit's date or the study day; moving a visit brings such records up to date in the same
act.
"""

from __future__ import annotations

from datetime import date

from capture.models import FormRecord
from capture.services.refreshing import refresh_participant
from trials.models import Visit
from trials.records.domain.actors import Actor
from trials.records.domain.errors import refuse
from trials.records.services import clock
from trials.records.services.act import open_act
from trials.services import visits


def start_visit(visit: Visit, *, on: date, actor: Actor, reason: str = "") -> Visit:
    """Give a visit its date, or change it (then with a reason)."""
    return _follow(visit, actor=actor, name="start visit", on=on, reason=reason)


def clear_visit_date(visit: Visit, *, actor: Actor, reason: str) -> Visit:
    """Take a visit's date back; refused while forms of it are filled in, since they would have no day."""
    filled = (
        FormRecord.objects.filter(visit=visit).exclude(state=FormRecord.State.REMOVED).values_list("form", flat=True)
    )
    if filled:
        raise refuse(
            "visit_has_forms",
            expected="a visit without forms",
            found=", ".join(sorted(filled)),
            action="Change the date instead, or remove these forms first, each with its reason.",
            kind="conflict",
        )
    return _follow(visit, actor=actor, name="clear visit date", on=None, reason=reason)


def _follow(visit: Visit, *, actor: Actor, name: str, on: date | None, reason: str) -> Visit:
    study = visit.study
    with open_act(name, chain=study.chain_key, actor=actor, study_time=clock.study_now(study), reason=reason):
        if on is None:
            moved = visits.clear_visit_date(visit, actor=actor, reason=reason)
        else:
            moved = visits.start_visit(visit, on=on, actor=actor, reason=reason)
        if FormRecord.objects.filter(visit=visit).exists():
            refresh_participant(visit.participant, actor=actor, because=f"follows the date of {visit}")
        return moved
