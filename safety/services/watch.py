"""When participants are judged: after an event that touches them, and by date, whether an event came or not.

The reader of audit events moves its cursor after its participants were judged: a worker killed in between repeats the
work and finds it done. The sweep by date has no lower bound: whoever was not judged today is judged, however long no
worker ran. Both meet in the same keys.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef

from safety.models import DltCandidate, DltWindow
from safety.services.dlt import ActorFor, Judged, judge_participants
from safety.services.plans import has_safety
from trials.models import Participant, Study, StudyVersion
from trials.records.domain.actors import Actor
from trials.records.models import AuditEvent
from trials.records.services import clock
from trials.records.services.history import move_cursor, unread_events

logger = logging.getLogger(__name__)

READER = "safety.dlt"
JOB = "dlt-watch"
TOUCHING = frozenset({"FormRecord", "Participant", "Infusion", "Visit", "Assessment"})
"""Records whose change can change a window, an event or the assessment of Day 28."""
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Swept:
    """What one run over all studies did."""

    judged: int
    changed: int
    failed: int

    def __str__(self) -> str:
        return f"judged {self.judged}, changed {self.changed}, failed {self.failed}"


def sweep() -> Swept:
    """Read what happened and judge what is due, in every study; a study that fails does not stop the others."""
    judged = changed = failed = 0
    for study in Study.objects.order_by("oid"):
        try:
            for done in (read_events(study), sweep_study(study)):
                judged, changed, failed = judged + done.seen, changed + done.changed, failed + len(done.failed)
        except Exception:
            logger.exception("dlt_sweep_failed", extra={"study": study.oid})
            failed += 1
    return Swept(judged, changed, failed)


def read_events(study: Study) -> Judged:
    """Judge whoever the events since the last run touch."""
    whole = Judged()
    while True:
        events = unread_events(READER, study.chain_key, limit=PAGE)
        if not events:
            return whole
        causes = touched(events)
        if causes:
            done = judge_participants(study, list(causes), actor_for=_actor_by(causes))
            whole = Judged(whole.seen + done.seen, whole.changed + done.changed, [*whole.failed, *done.failed])
        move_cursor(READER, study.chain_key, events[-1].seq)
        if len(events) < PAGE:
            return whole


def touched(events: Iterable[AuditEvent]) -> dict[UUID, str]:
    """Participants that events touch, each with whoever acted last; what this reader wrote itself touches nobody."""
    found: dict[UUID, str] = {}
    for event in events:
        if event.participant and event.record_kind in TOUCHING and event.actor != f"system:{JOB}":
            found[UUID(event.participant)] = event.on_behalf_of or event.actor
    return found


def _actor_by(causes: Mapping[UUID, str]) -> ActorFor:
    return lambda participant: _actor(causes[participant])


def _actor(caused_by: str) -> Actor:
    return Actor.system(JOB, on_behalf_of="" if caused_by.startswith("system:") else caused_by)


def sweep_study(study: Study) -> Judged:
    """Judge whoever was not judged yet on this day of the site, as long as anything can still change by date."""
    ids = due_by_date(study)
    return judge_participants(study, ids, actor_for=lambda _: _actor("")) if ids else Judged()


def due_by_date(study: Study) -> list[UUID]:
    """Participants without a window row, or with one that was not judged today and is not settled; one statement.

    Settled: closed, judged after it closed, and without a candidate that is open or pending.
    """
    waiting = DltCandidate.objects.filter(participant=OuterRef("pk")).exclude(state=DltCandidate.State.WITHDRAWN)
    rows = (
        Participant.objects.filter(study=study)
        .annotate(waiting=Exists(waiting))
        .order_by("pk")
        .values_list(
            "pk", "version_id", "version__revision", "site__time_zone",
            "dlt_window__state", "dlt_window__closes", "dlt_window__judged_on", "waiting",
        )
    )  # fmt: skip
    found = []
    for pk, version, revision, zone, state, closes, judged_on, is_waiting in rows:
        if not has_safety(StudyVersion.from_db(None, ["id", "revision"], [version, revision])):
            continue
        settled = state == DltWindow.State.CLOSED and closes and judged_on and judged_on > closes and not is_waiting
        if judged_on is None or (not settled and judged_on < clock.local_today(study, zone)):
            found.append(pk)
    return found
