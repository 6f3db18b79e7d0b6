"""Factories of the trials room, shared by tests and simulated conduct; every row comes from a service, audited."""

# mypy: disable-error-code="no-untyped-call, override, type-arg"
from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from factory.base import Factory
from factory.declarations import LazyAttribute, SubFactory
from factory.declarations import Sequence as Numbered

from trials.definition.compiled import VisitPlan
from trials.domain.facts import InfusionFact
from trials.domain.roles import Role
from trials.models import DoseLevel, Membership, Participant, Site, StudyVersion, User, Visit
from trials.records.domain.actors import Actor
from trials.records.domain.canonical import digest
from trials.records.services import clock
from trials.records.services.act import open_act
from trials.services.dosing import assign_dose
from trials.services.facts import apply_infusions
from trials.services.participants import register_participant
from trials.services.publishing import publish_version
from trials.services.sites import activate_version, create_site
from trials.services.study_clock import advance_clock
from trials.services.visits import start_visit

SYSTEM = Actor.system("factory")
UNIT = "10*6 cells/kg"
AMOUNTS = ("0.5", "1", "2")
BEGIN = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
"""The instant at which the studies made here start: Monday 5 January 2026, 10:00 in Shanghai."""


def _plan(ordinal: int, code: str, first: int | None, day: int | None, last: int | None, **more: Any) -> VisitPlan:
    given: dict[str, Any] = {"label": code, "kind": "scheduled", "anchor": "first infusion", **more}
    return VisitPlan(code=code, ordinal=ordinal, target=day, opens=first, closes=last, **given)


_SCHEDULE: tuple[tuple[str, int | None, int | None, int | None, dict[str, Any]], ...] = (
    ("SCR", -28, None, -6, {}),
    ("LD", -5, None, -3, {}),
    ("D-1", -2, -1, -1, {}),
    ("D0", 0, 0, 0, {}),
    ("D14", 12, 14, 16, {}),
    ("D21", 19, 21, 23, {}),
    ("D28", 25, 28, 31, {"alias": "M1"}),
    ("M2", 54, 61, 68, {}),
    ("M3", 84, 91, 98, {}),
    ("M6", 169, 183, 197, {}),
    ("M9", 260, 274, 288, {}),
    ("M12", 351, 365, 379, {}),
    ("M18", 518, 548, 578, {}),
    ("M24", 700, 730, 760, {}),
    ("UNS", None, None, None, {"kind": "unscheduled"}),
    ("EOS", None, None, None, {"kind": "end"}),
)
SCHEDULE = tuple(_plan(n, *row[:4], **row[4]) for n, row in enumerate(_SCHEDULE, start=1))


def schedule_of_length(visits: int) -> tuple[VisitPlan, ...]:
    """Return a schedule of this many visits, one each week, a day wide."""
    return tuple(_plan(n, f"V{n}", 7 * n, 7 * n, 7 * n) for n in range(1, visits + 1))


def small_document(oid: str, *, number: int, cap: int | None, visits: Sequence[VisitPlan]) -> dict[str, Any]:
    """Return a canonical document with what the trials room needs: one arm, three levels, no forms and no criteria."""
    product = {"label": "Cells", "origin": "autologous", "targets": [], "route": "IV"}
    study = {
        **{"study": oid, "version": number, "title": oid, "masking": "none", "sites": "1..", "cap": cap},
        **dict.fromkeys(("sponsor", "location", "registry", "source"), ""),
        "products": {"CART": product},
        "arms": {"MAIN": {"label": "Single arm", "products": ["CART"], "infusions": 1}},
        "conditions": {"SLE": "Systemic lupus erythematosus"},
        **{"populations": {}, "reminders": {}, "verify": {"fully": [], "sample": "0"}},
    }
    empty: dict[str, Any] = {"months": {}, "epochs": {}, "sets": {}, "forms": []}
    dose = {
        **{"unit": UNIT, "allowed": None, "start": 1, "cohort": 3, "replace": "nobody"},
        "ladders": {"MAIN": [{"CART": amount} for amount in AMOUNTS]},
        "stagger": {"first": 14, "others": 0, "next_level": None},
        "design": {"method": "3+3", "target": None, "key": None, "overdose_above": None, "overdose_from": None},
    }
    return {
        **{"format": 1, "study": study, "dose": dose},
        "schedule": {"anchor": "first infusion", "visits": [asdict(visit) for visit in visits], **empty},
        "eligibility": {"gates": {}, "policies": {}, "define": {}, "criteria": []},
        **{"outcomes": {}, "safety": None, "labels": {}, "marks": [], "units": {UNIT: {}}, "forms": {}},
    }


def small_version(
    oid: str,
    *,
    number: int = 1,
    cap: int | None = None,
    visits: Sequence[VisitPlan] = SCHEDULE,
    simulated: bool = True,
    words: str = "",
) -> StudyVersion:
    """Publish a small version with one arm and three dose levels, the first one open; ``words`` change no shape."""
    read = small_document(oid, number=number, cap=cap, visits=visits)
    shape = json.dumps(read, sort_keys=True)
    text = json.dumps({**read, "labels": {"zh": {"words": words}} if words else {}}, sort_keys=True)
    return publish_version(
        oid=oid,
        title=f"Study {oid}",
        number=number,
        document=text,
        content_hash=digest(text.encode()),
        shape_hash=digest(shape.encode()),
        changes="First version.",
        simulated=simulated,
        arms=[("MAIN", "Single arm", ["CART"])],
        dose_levels=[("MAIN", n, {"CART": amount}, UNIT) for n, amount in enumerate(AMOUNTS, start=1)],
        actor=SYSTEM,
    )


class _SiteFactory(Factory):
    """A site of a fresh simulated study whose clock stands at ``BEGIN``, working under version 1 since 2026."""

    class Meta:
        model = Site

    oid = Numbered(lambda n: f"STUDY{n}")
    cap: int | None = None
    visits = SCHEDULE
    simulated = True
    code = "01"
    time_zone = "Asia/Shanghai"
    version = LazyAttribute(lambda one: small_version(one.oid, cap=one.cap, visits=one.visits, simulated=one.simulated))

    @classmethod
    def _create(cls, _model: type[Any], *_args: Any, **given: Any) -> Site:
        version: StudyVersion = given["version"]
        if version.study.simulated and version.study.clock is None:
            advance_clock(version.study, to=BEGIN, actor=SYSTEM)
        code, zone = given["code"], given["time_zone"]
        site = create_site(version.study, code=code, name=f"Hospital {code}", time_zone=zone, actor=SYSTEM)
        activate_version(site, version, from_date=date(2026, 1, 1), actor=SYSTEM)
        return site


class _ParticipantFactory(Factory):
    """A participant in screening; ``enrolled`` assigns the first dose level, ``infused_on`` records an infusion."""

    class Meta:
        model = Participant

    site = SubFactory(_SiteFactory)
    consented_on = date(2026, 1, 5)
    enrolled = False
    infused_on: date | None = None
    actor = SYSTEM

    @classmethod
    def _create(cls, _model: type[Any], *_args: Any, **given: Any) -> Participant:
        actor: Actor = given["actor"]
        participant = register_participant(given["site"], consented_on=given["consented_on"], actor=actor)
        if given["enrolled"]:
            level = DoseLevel.objects.select_related("arm").get(study=participant.study, number=1)
            participant = assign_dose(participant, arm=level.arm, dose_level=level, actor=actor)
        if given["infused_on"] is not None:
            infuse(participant, given["infused_on"])
        return participant


def infuse(participant: Participant, *days: date, record_id: uuid.UUID | None = None) -> uuid.UUID:
    """Apply infusions on these days as one record would state them; return the record's id."""
    record_id = record_id or uuid.uuid4()
    level = participant.dose_level
    product = next(iter(level.amounts), "CART") if level is not None else "CART"
    rows = [
        InfusionFact(str(n), product, "LOT1", f"{day}T10:00", f"{day}T10:30") for n, day in enumerate(days, start=1)
    ]
    with open_act("save items", chain=participant.study.chain_key, actor=SYSTEM) as act:
        apply_infusions(participant, record_id, rows, act=act)
    return record_id


class _VisitFactory(Factory):
    """The visit ``code`` of a participant, with a date when ``on`` is given."""

    class Meta:
        model = Visit

    participant = SubFactory(_ParticipantFactory)
    code = "D14"
    on: date | None = None
    actor = SYSTEM

    @classmethod
    def _create(cls, _model: type[Any], *_args: Any, **given: Any) -> Visit:
        visit = Visit.objects.get(participant=given["participant"], code=given["code"], repeat=0)
        return visit if given["on"] is None else start_visit(visit, on=given["on"], actor=given["actor"])


class _MemberFactory(Factory):
    """An active user with one role at a site (or, ``whole_study``, at all of them)."""

    class Meta:
        model = User

    site = SubFactory(_SiteFactory)
    role = Role.COORDINATOR
    username = Numbered(lambda n: f"user{n}")
    whole_study = False

    @classmethod
    def _create(cls, _model: type[Any], *_args: Any, **given: Any) -> User:
        site, name = given["site"], given["username"]
        user = User(username=name, printed_name=name.title(), created_at=clock.now(), is_active=True)
        user.set_unusable_password()
        user.save(force_insert=True)
        Membership.objects.create(
            user=user,
            study=site.study,
            site=None if given["whole_study"] else site,
            role=given["role"].value,
            valid_from=date(2000, 1, 1),
            granted_by=SYSTEM.name,
            granted_at=clock.now(),
        )
        return user


# Calling a factory makes a row: to the type checker each is the function that it is used as.
SiteFactory: Callable[..., Site] = _SiteFactory  # type: ignore[assignment]
ParticipantFactory: Callable[..., Participant] = _ParticipantFactory  # type: ignore[assignment]
VisitFactory: Callable[..., Visit] = _VisitFactory  # type: ignore[assignment]
MemberFactory: Callable[..., User] = _MemberFactory  # type: ignore[assignment]
