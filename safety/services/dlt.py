"""DLT windows, candidates and their alerts: judged for many participants at once, written one participant at a time.

Reading takes a constant number of statements for any number of participants. Only where something must change is the
participant's row locked, read again and written, in an act of its own: two sweeps at once, or a sweep and the work
after an event, find the same keys in the tables, and the second one nothing to do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from django.db import transaction

from safety.domain.alerts import Alert, AlertKind
from safety.domain.windows import WindowState
from safety.models import DltCandidate, DltWindow
from safety.services.dlt_outcomes import NO_LONGER, Found, Outcome, outcome_of
from safety.services.dlt_pictures import NOT_JUDGED, Picture, read_pictures
from trials.models import Participant, Study
from trials.records.domain.actors import Actor
from trials.records.models import Notification
from trials.records.services import clock
from trials.records.services.act import Act, open_act
from trials.records.services.notifications import Request, request_notifications, withdraw_notifications
from trials.services.noting import note_created, save_changes, shown

logger = logging.getLogger(__name__)

BATCH = 200
CHANNELS = (Notification.Channel.INBOX.value, Notification.Channel.EMAIL.value)
ActorFor = Callable[[UUID], Actor]


@dataclass(slots=True)
class Judged:
    """What one run did: participants looked at, changed, and those that could not be judged."""

    seen: int = 0
    changed: int = 0
    failed: list[UUID] = field(default_factory=list)


def judge_participant(participant: Participant, *, actor: Actor) -> bool:
    """Judge one participant now and write what changed; say whether anything did."""
    done = judge_participants(participant.study, [participant.pk], actor_for=lambda _: actor)
    return done.changed > 0


def judge_participants(study: Study, ids: Collection[UUID], *, actor_for: ActorFor) -> Judged:
    """Judge participants of a study; one that cannot be judged is logged, noted, told of and left for the next day."""
    done = Judged()
    for batch in _batches(sorted(ids)):
        quiet: dict[date, list[UUID]] = {}
        for picture in read_pictures(batch).values():
            done.seen += 1
            _judge_one(study, picture, actor_for(picture.participant.pk), done, quiet)
        for today, unchanged in quiet.items():
            DltWindow.objects.filter(participant__in=unchanged).exclude(judged_on=today).update(judged_on=today)
    return done


def _batches(ids: list[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _judge_one(study: Study, picture: Picture, actor: Actor, done: Judged, quiet: dict[date, list[UUID]]) -> None:
    person = picture.participant
    try:
        today = clock.local_today(study, person.site.time_zone)
        if not differs(picture, outcome_of(picture, today)):
            quiet.setdefault(today, []).append(person.pk)
            return
        done.changed += write_one(study, person.pk, actor=actor)
    except Exception as fault:
        logger.exception("dlt_not_judged", extra={"participant": str(person.pk), "study": study.oid})
        done.failed.append(person.pk)
        _note_failure(study, picture, fault, actor)


def write_one(study: Study, participant: UUID, *, actor: Actor) -> bool:
    """Lock one participant, judge again on what stands now, and write it; one act."""
    now = clock.study_now(study)
    # The savepoint takes a failed act back when this runs inside another one (a day of a simulated study).
    with (
        transaction.atomic(),
        open_act("judge DLT", chain=study.chain_key, actor=actor, study_time=now) as act,
    ):
        picture = read_pictures([participant], locked=True)[participant]
        outcome = outcome_of(picture, clock.local_today(study, picture.participant.site.time_zone))
        if not differs(picture, outcome):
            return False
        _write_window(picture, outcome, act)
        _write_candidates(picture, outcome, act)
        for kind, key in (*outcome.gone, *_overtaken(outcome)):
            withdraw_notifications(rule_id=kind, act=act, because=NO_LONGER, participant=participant, occurrence=key)
        request_notifications(missing_requests(picture, outcome))
        return True


def _overtaken(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """The alert of a closing window that one act asked for and overtook: a simulated study that skips many days."""
    closing = outcome.window.closing_on
    if outcome.state is WindowState.CLOSED and closing is not None:
        yield AlertKind.CLOSING.value, f"{AlertKind.CLOSING}:{closing}"


def differs(picture: Picture, outcome: Outcome) -> bool:
    """Whether the tables do not yet hold what an outcome says."""
    if picture.window is None or window_fields(outcome) != _held_window(picture.window):
        return True
    held = {(row.rule, row.event_id): row for row in picture.candidates}
    if any(_moves(held.get((each.rule, each.event)), each) for each in outcome.found):
        return True
    return bool(_to_withdraw(picture, outcome) or outcome.gone or missing_requests(picture, outcome))


def window_fields(outcome: Outcome) -> dict[str, object]:
    """The columns of the window's row, without the day on which it was judged."""
    window = outcome.window
    return {
        "opens": window.first_on,
        "closes": window.closes,
        "state": outcome.state.value,
        "evaluable": outcome.evaluable,
    }


def _held_window(row: DltWindow) -> dict[str, object]:
    return {"opens": row.opens, "closes": row.closes, "state": row.state, "evaluable": row.evaluable}


def _write_window(picture: Picture, outcome: Outcome, act: Act) -> None:
    person, row = picture.participant, picture.window
    fields = {**window_fields(outcome), "judged_on": outcome.today}
    if row is None:
        row = DltWindow(participant=person, study_id=person.study_id, site_id=person.site_id, **fields)
        row.save(force_insert=True)
        note_created(act, row)
        return
    before, row.participant = shown(row), person
    moved = window_fields(outcome) != _held_window(row)
    for name, value in fields.items():
        setattr(row, name, value)
    if moved:
        save_changes(act, row, before, action="judge")
    else:
        row.save(update_fields=["judged_on"])


def _moves(row: DltCandidate | None, found: Found) -> bool:
    """Whether a candidate's row must be written; the sentence alone is enough, since it is what a person reads."""
    if row is None:
        return True
    if (row.state, row.working, row.waits_for) != (found.state, found.working, found.waits_for):
        return True
    return bool(found.occurrence) and row.occurrence != found.occurrence


def _to_withdraw(picture: Picture, outcome: Outcome) -> list[DltCandidate]:
    standing = {(each.rule, each.event) for each in outcome.found}
    return [
        row
        for row in picture.candidates
        if (row.rule, row.event_id) not in standing and row.state != DltCandidate.State.WITHDRAWN
    ]


def _write_candidates(picture: Picture, outcome: Outcome, act: Act) -> None:
    person = picture.participant
    held = {(row.rule, row.event_id): row for row in picture.candidates}
    for each in outcome.found:
        row = held.get((each.rule, each.event))
        if row is None:
            _create_candidate(picture, each, act)
        elif _moves(row, each):
            before, row.participant = shown(row), person
            if row.state == DltCandidate.State.WITHDRAWN:
                row.found_at, row.withdrawn_at = act.at, None
            row.state, row.working, row.waits_for = each.state, each.working, each.waits_for
            row.occurrence = each.occurrence or row.occurrence
            save_changes(act, row, before, action=each.state)
    for row in _to_withdraw(picture, outcome):
        before, row.participant = shown(row), person
        row.state, row.withdrawn_at, row.waits_for = DltCandidate.State.WITHDRAWN, act.at, ""
        save_changes(act, row, before, action="withdraw", reason="The rule no longer matches the event.")


def _create_candidate(picture: Picture, found: Found, act: Act) -> None:
    person = picture.participant
    row = DltCandidate(
        study_id=person.study_id,
        site_id=person.site_id,
        participant=person,
        rule=found.rule,
        event_kind=found.kind,
        event_id=found.event,
        occurrence=found.occurrence,
        state=found.state,
        working=found.working,
        waits_for=found.waits_for,
        found_at=act.at,
    )
    row.save(force_insert=True)
    note_created(act, row, action=found.state)


def missing_requests(picture: Picture, outcome: Outcome) -> list[Request]:
    """Notifications that should exist and do not.

    Who joins later is told of what is open; of a window that closed before, only when nobody was told at all.
    """
    held = {(row.key, row.recipient, row.channel) for row in picture.raised}
    known = {row.key for row in picture.raised}
    wanted: list[Request] = []
    for alert in outcome.alerts:
        if alert.kind is AlertKind.CLOSED and alert.key in known:
            continue
        wanted.extend(
            _request(picture, alert.kind.value, alert.key, recipient, channel, _title(picture, alert))
            for recipient in picture.told
            for channel in CHANNELS
            if (alert.key, recipient, channel) not in held
        )
    return wanted


def _title(picture: Picture, alert: Alert) -> str:
    """Ids and words of the house, never a clinical value: it goes out by e-mail."""
    number = picture.participant.number
    if alert.kind is AlertKind.CANDIDATE:
        return f"{number}: DLT candidate by rule {alert.key.split(':')[2]}, for adjudication"
    if alert.kind is AlertKind.CLOSING:
        return f"{number}: DLT window closing without its last assessment"
    return f"{number}: DLT window closed"


def _request(picture: Picture, kind: str, key: str, recipient: UUID, channel: str, title: str) -> Request:
    person = picture.participant
    return Request(
        kind=kind,
        rule_id=kind,
        chain=person.study.chain_key,
        occurrence=key,
        recipient_id=recipient,
        title=title,
        due_at=clock.now(),
        channel=channel,
        link=f"/admin/studies/{person.study.oid}/dlt/#p-{person.pk}",
        urgent=kind in {AlertKind.CANDIDATE.value, NOT_JUDGED},
        site=str(person.site_id),
        participant=str(person.pk),
        rule_version=str(person.version.number),
    )


def _note_failure(study: Study, picture: Picture, fault: Exception, actor: Actor) -> None:
    """Note and tell, once a day, that a participant could not be judged; the others go on."""
    person = picture.participant
    today = clock.local_today(study, person.site.time_zone)
    name = type(fault).__name__
    with (
        transaction.atomic(),
        open_act("judge DLT", chain=study.chain_key, actor=actor, study_time=clock.study_now(study)) as act,
    ):
        window = DltWindow.objects.filter(pk=person.pk).first()
        if window is None:
            window = DltWindow(participant=person, study_id=person.study_id, site_id=person.site_id)
            window.save(force_insert=True)
            note_created(act, window)
        DltWindow.objects.filter(pk=person.pk).update(judged_on=today)
        delta = {"fault": [name], "judged_on": [today.isoformat()]}
        act.note("DltWindow", person.pk, "not judged", delta=delta, site=person.site_id, participant=person.pk)
        title = f"{person.number}: DLT rules could not be judged"
        request_notifications(
            _request(picture, NOT_JUDGED, f"{NOT_JUDGED}:{today}", recipient, channel, title)
            for recipient in picture.repairs
            for channel in CHANNELS
        )
