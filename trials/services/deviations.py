"""Drafts of deviations that the system opens by itself, and withdraws when their ground is gone.

There is one system row per visit and kind (or participant and kind) for good: it goes between draft and withdrawn, so a
visit moved in and out of its window never leaves a trail of duplicates. What a site recorded on its deviation form is a
row of its own and takes the draft's place.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from trials.domain.facts import DeviationFact
from trials.domain.schedule import Window, days_outside
from trials.models import Deviation, Participant, Visit
from trials.records.services.act import Act
from trials.services.noting import note_created, note_removed, save_changes, shown

WINDOW = "WINDOW"
State = Deviation.State


@dataclass(frozen=True, slots=True)
class Ground:
    """Why there is a deviation: its day, the signed days outside a window, and a sentence."""

    on: date
    description: str
    days: int | None = None


Key = tuple[uuid.UUID | None, str]
"""A visit's id (None: the participant as a whole) and the kind."""


def window_grounds(visits: Iterable[Visit]) -> dict[Key, Ground]:
    """Return the grounds that visits outside their windows give; a provisional window gives none."""
    grounds: dict[Key, Ground] = {}
    for visit in visits:
        if visit.actual is None or visit.provisional:
            continue
        outside = days_outside(Window(visit.target, visit.opens, visit.closes), visit.actual)
        if outside:
            side = "after" if outside > 0 else "before"
            text = f"{visit} took place {abs(outside)} d {side} its window {visit.opens} to {visit.closes}."
            grounds[visit.pk, WINDOW] = Ground(visit.actual, text, outside)
    return grounds


def judge_deviations(
    participant: Participant, grounds: Mapping[Key, Ground], *, judged: Iterable[Key], act: Act
) -> None:
    """Bring the drafts of the ``judged`` visits and kinds into line with the grounds that there are now."""
    rows = list(Deviation.objects.select_for_update().filter(participant=participant).order_by("pk"))
    recorded = {(row.visit_id, row.kind, row.on_date) for row in rows if row.record_id is not None}
    drafts = {(row.visit_id, row.kind): row for row in rows if row.record_id is None}
    for key in judged:
        ground = grounds.get(key)
        if ground is not None and (*key, ground.on) in recorded:
            ground = None
        _judge(participant, key, drafts.get(key), ground, act)


def _judge(participant: Participant, key: Key, row: Deviation | None, ground: Ground | None, act: Act) -> None:
    if row is None:
        if ground is not None:
            _open(participant, key, ground, act)
        return
    row.participant = participant
    before = shown(row)
    if ground is None:
        row.state = State.WITHDRAWN
    else:
        row.state, row.on_date, row.days, row.description = State.DRAFT, ground.on, ground.days, ground.description
    save_changes(act, row, before, action="withdraw" if ground is None else "draft")


def _open(participant: Participant, key: Key, ground: Ground, act: Act) -> None:
    row = Deviation(
        participant=participant,
        visit_id=key[0],
        kind=key[1],
        state=State.DRAFT,
        on_date=ground.on,
        days=ground.days,
        description=ground.description,
    )
    row.save(force_insert=True)
    note_created(act, row, action="draft")


def record_deviation(
    participant: Participant, record_id: uuid.UUID, fact: DeviationFact | None, *, act: Act
) -> set[Key]:
    """Replace the deviation that one form record states; return the visits and kinds to be judged again.

    A recorded window deviation of the same day as a draft's visit is that draft's: it takes its visit and its days.
    """
    row = Deviation.objects.filter(participant=participant, record_id=record_id).first()
    touched: set[Key] = set() if row is None else {(row.visit_id, row.kind)}
    if fact is None:
        if row is not None:
            row.participant = participant
            note_removed(act, row)
            row.delete()
        return touched
    twin = _draft_of(participant, fact)
    before = shown(row) if row is not None else None
    row = row or Deviation(record_id=record_id)
    row.participant, row.state, row.kind, row.on_date = participant, State.RECORDED, fact.kind, fact.on
    row.description, row.important = fact.description, fact.important
    row.visit_id, row.days = (twin.visit_id, twin.days) if twin is not None else (None, None)
    if before is None:
        row.save(force_insert=True)
        note_created(act, row, action="record")
    else:
        save_changes(act, row, before, action="record")
    return touched | {(row.visit_id, row.kind)}


def _draft_of(participant: Participant, fact: DeviationFact) -> Deviation | None:
    """Find the system's row that a recorded deviation answers; also when it was withdrawn in its favour before."""
    if fact.on is None:
        return None
    rows = Deviation.objects.filter(participant=participant, kind=fact.kind, on_date=fact.on, record_id=None)
    return rows.filter(visit__isnull=False).order_by("pk").first()
