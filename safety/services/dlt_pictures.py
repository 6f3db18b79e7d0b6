"""Everything the DLT rules need to know of participants, read for many at once in a constant number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from safety.definition.compiled import safety_plan
from safety.domain.alerts import AlertKind
from safety.models import DltCandidate, DltWindow
from safety.services.plans import has_safety
from safety.services.records import BoundRecord, read_bound
from trials.definition.compiled import TrialDefinition, trial_definition
from trials.domain.roles import Role
from trials.models import Infusion, Membership, Participant, StudyVersion, Visit
from trials.records.models import Notification
from trials.selectors.scope import in_force, today

NOT_JUDGED = "dlt-not-judged"
ALERT_KINDS = tuple(kind.value for kind in AlertKind)
TOLD = (Role.MEDICAL_MONITOR, Role.INVESTIGATOR)
"""Who is told of candidates and windows: the study's medical monitors and the site's investigators."""
REPAIRS = (Role.MEDICAL_MONITOR, Role.DATA_MANAGER)
"""Who is told that a participant could not be judged."""


@dataclass(frozen=True, slots=True)
class Raised:
    """One notification row of an alert."""

    kind: str
    key: str
    recipient: UUID
    channel: str
    state: str
    acknowledged: bool
    because: str


@dataclass(slots=True)
class Picture:
    """One participant as the rules see him, with what stands in the tables of DLT windows and candidates."""

    participant: Participant
    infusions: list[tuple[str, str, bool | None]] = field(default_factory=list)
    assessed: bool = False
    records: list[BoundRecord] = field(default_factory=list)
    window: DltWindow | None = None
    candidates: list[DltCandidate] = field(default_factory=list)
    raised: list[Raised] = field(default_factory=list)
    told: tuple[UUID, ...] = ()
    repairs: tuple[UUID, ...] = ()


def read_pictures(ids: Collection[UUID], *, locked: bool = False) -> dict[UUID, Picture]:
    """Read participants with all that their windows, candidates and alerts rest on; ``locked`` locks their rows."""
    rows = Participant.objects.select_related("study", "site", "version", "arm", "dose_level")
    rows = rows.defer("version__document").filter(pk__in=ids).order_by("pk")
    if locked:
        rows = rows.select_for_update(of=("self",))
    pictures = {row.pk: Picture(row) for row in rows if has_safety(row.version)}
    if pictures:
        _read_facts(pictures)
        _read_standing(pictures)
        _read_people(pictures.values())
    return pictures


def _read_facts(pictures: dict[UUID, Picture]) -> None:
    infusions = Infusion.objects.filter(participant__in=pictures).order_by("started", "record_id", "row")
    for participant, product, started, whole in infusions.values_list("participant_id", "product", "started", "whole"):
        pictures[participant].infusions.append((started, product, whole))
    versions = _versions(pictures.values())
    for participant, records in read_bound(list(pictures), versions).items():
        pictures[participant].records = records
    _read_last_visits(pictures)


def _versions(pictures: Iterable[Picture]) -> list[StudyVersion]:
    """The versions that these participants' studies ever had: a record keeps the one it was entered under."""
    studies = {each.participant.study_id for each in pictures}
    return list(StudyVersion.objects.filter(study__in=studies).only("id", "revision"))


def last_visits(plan: TrialDefinition, days: int) -> tuple[str, ...]:
    """Codes of the visits that assess the end of the window: the one on Day ``days``, else the first one after it [R].

    >>> last_visits.__name__
    'last_visits'
    """
    planned = [visit for visit in plan.visits if visit.kind == "scheduled" and visit.target is not None]
    exact = tuple(visit.code for visit in planned if visit.target == days)
    later = sorted((visit.target or 0, visit.code) for visit in planned if (visit.target or 0) > days)
    return exact or tuple(code for _, code in later[:1])


def _read_last_visits(pictures: dict[UUID, Picture]) -> None:
    wanted: dict[UUID, tuple[str, ...]] = {}
    for pk, each in pictures.items():
        version = each.participant.version
        try:
            wanted[pk] = last_visits(trial_definition(version), safety_plan(version).dlt.days_after_last)
        except Exception:  # noqa: BLE001 - a version that does not compile is reported when its participant is judged
            wanted[pk] = ()
    codes = {code for found in wanted.values() for code in found}
    held = Visit.objects.filter(participant__in=pictures, code__in=codes, actual__isnull=False, cancelled=False)
    seen = set(held.values_list("participant_id", "code"))
    for pk, each in pictures.items():
        each.assessed = not wanted[pk] or any((pk, code) in seen for code in wanted[pk])


def _read_standing(pictures: dict[UUID, Picture]) -> None:
    for window in DltWindow.objects.filter(participant__in=pictures):
        pictures[window.participant_id].window = window
    for candidate in DltCandidate.objects.filter(participant__in=pictures).order_by("found_at", "id"):
        pictures[candidate.participant_id].candidates.append(candidate)
    rows = Notification.objects.filter(participant__in=[str(pk) for pk in pictures], rule_id__in=ALERT_KINDS)
    for participant, kind, key, recipient, channel, state, acknowledged, because in rows.values_list(
        "participant", "rule_id", "occurrence", "recipient_id", "channel", "state", "acknowledged_at", "last_error"
    ):
        found = Raised(kind, key, recipient, channel, state, acknowledged is not None, because)
        pictures[UUID(participant)].raised.append(found)


def _read_people(pictures: Iterable[Picture]) -> None:
    found = list(pictures)
    rows = Membership.objects.filter(
        study__in={each.participant.study_id for each in found},
        role__in=[role.value for role in {*TOLD, *REPAIRS}],
        user__is_active=True,
    ).values_list("study_id", "site_id", "role", "user_id", "valid_from", "valid_until")
    members: defaultdict[UUID, list[tuple[UUID | None, Role, UUID, date, date | None]]] = defaultdict(list)
    for study, site, role, user, since, until in rows.order_by("user_id"):
        members[study].append((site, Role(role), user, since, until))
    for each in found:
        site_id, on = each.participant.site_id, today(each.participant.site.time_zone)
        here = [
            (role, user)
            for site, role, user, since, until in members[each.participant.study_id]
            if site in {None, site_id} and in_force(since, until, on)
        ]
        each.told = tuple(dict.fromkeys(user for role, user in here if role in TOLD))
        each.repairs = tuple(dict.fromkeys(user for role, user in here if role in REPAIRS))
