"""A world to look for leaks in: two studies of three sites, with a canary in every text away from the first site.

Rows are put straight into the tables: a leak must be found whatever the services would have allowed. One query at the
first site refers to a record of the second, as a corrupt or transferred row would.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from django.db import models
from django.test import Client

from capture.models import FormRecord, Query, QueryEntry
from safety.models import AdverseEvent, Assessment, DltCandidate, DltWindow, Episode
from seeds.factories.access import MembershipFactory, UserFactory
from seeds.factories.trials import small_version
from trials.domain.roles import Role
from trials.models import Arm, DoseLevel, Participant, Site, Study, StudyVersion, User, Visit
from trials.records.services import clock

CANARY = "CANARY"
UNKNOWN = UUID("00000000-0000-4000-8000-000000000000")
PLACES = ("own", "foreign_site", "foreign_study")


@dataclass(slots=True)
class Corner:
    """One site with one row of everything."""

    study: Study
    version: StudyVersion
    site: Site
    rows: dict[str, models.Model] = field(default_factory=dict)

    def key(self, kind: str) -> str:
        return str(self.rows[kind].pk)


@dataclass(slots=True)
class World:
    """The three corners that a member of the first site can stand to: his own, another site's, another study's."""

    own: Corner
    foreign_site: Corner
    foreign_study: Corner
    users: dict[str, User] = field(default_factory=dict)

    def corner(self, place: str) -> Corner:
        found = getattr(self, place)
        assert isinstance(found, Corner)
        return found

    def user(self, role: Role) -> User:
        """Return the person who holds a role at the first site alone."""
        if role not in self.users:
            user = UserFactory.create(username=f"own.{role.value}")
            MembershipFactory.create(user=user, study=self.own.study, site=self.own.site, role=role)
            self.users[role] = user
        return self.users[role]

    def client(self, role: Role | None) -> Client:
        """Return a browser in which that person is signed in (None: nobody)."""
        client = Client(raise_request_exception=True)
        self.sign_in(client, role)
        return client

    def sign_in(self, client: Client, role: Role | None) -> None:
        """Begin a new session in a browser, whatever the last page did to the old one."""
        client.cookies.clear()
        if role is not None:
            client.force_login(self.user(role), backend="trials.backends.PasswordBackend")


def build_world() -> World:
    one, two = small_version("OWNSTUDY"), small_version("CANARYST")
    Study.objects.filter(pk=two.study_id).update(title=f"{CANARY} study")
    corners = [_corner(one, "01", ""), _corner(one, "02", CANARY), _corner(one, "03", CANARY)]
    others = [_corner(two, code, CANARY) for code in ("11", "12", "13")]
    return World(own=corners[0], foreign_site=corners[1], foreign_study=others[0])


def _corner(version: StudyVersion, code: str, mark: str) -> Corner:
    study = Study.objects.get(pk=version.study_id)
    site = Site.objects.create(
        study=study, code=code, name=f"{mark or 'Own'} {code}", time_zone="Europe/Berlin", created_at=clock.now()
    )
    corner = Corner(study=study, version=version, site=site)
    corner.rows |= {"study": study, "version": version, "site": site}
    _add_people(corner, mark)
    here: dict[str, Any] = {"study": study, "site": site, "participant": _participant(corner, mark)}
    _add_captured(corner, here, mark)
    _add_harm(corner.rows, here, mark)
    return corner


def _add_people(corner: Corner, mark: str) -> None:
    rows, code = corner.rows, corner.site.code
    member = UserFactory.create(username=f"{mark or 'member'}.{code}", printed_name=f"{mark or 'Member'} {code}")
    rows["user"] = member
    rows["membership"] = MembershipFactory.create(user=member, study=corner.study, site=corner.site, role=Role.MONITOR)
    rows["arm"] = Arm.objects.filter(study=corner.study).get()
    rows["dose_level"] = DoseLevel.objects.filter(study=corner.study).order_by("number")[0]


def _participant(corner: Corner, mark: str) -> Participant:
    person = Participant.objects.create(
        study=corner.study,
        site=corner.site,
        version=corner.version,
        sequence=1,
        number=f"{mark or 'P'}{corner.site.code}-001",
        state_reason=mark,
        consented_on=date(2026, 1, 5),
        created_at=clock.now(),
    )
    corner.rows["participant"] = person
    return person


def _add_captured(corner: Corner, here: dict[str, Any], mark: str) -> None:
    rows, code = corner.rows, corner.site.code
    visit = Visit.objects.create(**here, version=corner.version, code="D14", ordinal=5, missed_reason=mark)
    record = FormRecord.objects.create(
        **here,
        visit=visit,
        definition=corner.version,
        form=f"{mark or 'VS'}{code}"[:8],
        state_reason=mark,
        data={"TEMP": {"v": mark or "37.0"}},
        created_at=clock.now(),
        changed_at=clock.now(),
    )
    query = _query(here, record, f"{mark} query {code}")
    rows |= {"visit": visit, "record": record, "query": query}
    QueryEntry.objects.create(query=query, at=clock.now(), author="x", action="open", text=f"{mark} entry")


def _add_harm(rows: dict[str, models.Model], here: dict[str, Any], mark: str) -> None:
    rows["adverse_event"] = AdverseEvent.objects.create(
        record_id=uuid4(), **here, number=1, text=f"{mark} event", grade=3
    )
    rows["episode"] = Episode.objects.create(
        **here, scale="CRS", number=1, started="2026-02-01T10:00", grade=2, working=mark
    )
    rows["assessment"] = Assessment.objects.create(
        record_id=uuid4(),
        **here,
        scale="CRS",
        time_zone="Europe/Berlin",
        grade=2,
        evaluable=True,
        working=mark,
        rule="x",
    )
    rows["dlt_window"] = DltWindow.objects.create(**here)
    rows["dlt_candidate"] = DltCandidate.objects.create(
        **here,
        rule="R1",
        event_kind="AE",
        event_id=uuid4(),
        occurrence="1",
        state="candidate",
        working=mark,
        found_at=clock.now(),
    )


def _query(here: dict[str, Any], record: FormRecord, text: str) -> Query:
    return Query.objects.create(
        **here,
        record=record,
        path="TEMP",
        origin="person",
        state="open",
        text=text,
        opened_by="x",
        opened_at=clock.now(),
    )


def add_crossed_query(world: World) -> Query:
    """Put a query of the first site that refers to a record of the second."""
    person = world.own.rows["participant"]
    here = {"study": world.own.study, "site": world.own.site, "participant": person}
    record = world.foreign_site.rows["record"]
    assert isinstance(record, FormRecord)
    return _query(here, record, "crossed")
