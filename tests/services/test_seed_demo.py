"""The demo: refuses what is not its own, repeats without harm, and the simulation leaves something for every page."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from capture.models import FormRecord, Query
from safety.models import Assessment, DltCandidate, DltWindow
from seeds.conduct.demo import ACCOUNTS, give_passwords
from seeds.conduct.lives import SCENES, scene_of
from seeds.conduct.seeding import STUDIES, UNTIL, seed_study
from seeds.factories.trials import small_version
from trials.models import Deviation, Participant, Study, User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent
from trials.services.access_passwords import set_demo_password

ACTOR = Actor.system("test")


def quiet(_line: str) -> None:
    """Say nothing."""


def demo(**options: Any) -> str:
    out = StringIO()
    call_command("demo", participants=1, no_serve=True, stdout=out, **options)
    return out.getvalue()


def count_all() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Study, User, Participant, FormRecord, Query, AuditEvent))


@pytest.mark.django_db
def test_a_demo_refuses_a_database_with_a_real_study_and_writes_nothing() -> None:
    small_version("REAL1", simulated=False)
    before = count_all()
    for more in ({}, {"reset": True}):
        with pytest.raises(CommandError, match="expected a database without any real study, found REAL1"):
            demo(**more)
    assert count_all() == before


@pytest.mark.django_db
def test_a_demo_refuses_a_database_with_people_and_no_study() -> None:
    User.objects.create(username="somebody", printed_name="Somebody", created_at="2026-01-01T00:00Z")
    with pytest.raises(CommandError, match="accounts of people, and no study yet"):
        demo()
    assert count_all() == (0, 1, 0, 0, 0, 0)


@pytest.mark.django_db
def test_a_demo_needs_at_least_one_participant() -> None:
    with pytest.raises(CommandError, match="at least 1 participant"):
        call_command("demo", participants=0, no_serve=True)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_second_demo_seeds_nothing_twice_destroys_nothing_and_gives_new_passwords() -> None:
    first = demo()
    assert first.count("1 participants") == 5
    stood = count_all()[:5]
    second = demo()
    assert second.count("has participants already") == 5
    assert count_all()[:5] == stood
    words = [line.split() for line in second.splitlines() if line.startswith("  ") and "coordinator " in line]
    username, password = words[0][-2:]
    assert authenticate(RequestFactory().post("/"), username=username, password=password) is not None
    assert password not in first


@pytest.mark.django_db
def test_demo_passwords_work_need_no_change_and_are_noted_without_the_password() -> None:
    for username, _ in ACCOUNTS:
        User.objects.create(username=username, printed_name=username.title(), created_at="2026-01-01T00:00Z")
    given = give_passwords(ACTOR)
    assert [username for _, username, _ in given] == [username for username, _ in ACCOUNTS]
    for _, username, password in given:
        user = User.objects.get(username=username)
        assert user.check_password(password)
        assert not user.must_change_password
    events = AuditEvent.objects.filter(action="set demo password")
    assert events.count() == len(ACCOUNTS)
    assert not any(password in event.payload for event in events for _, _, password in given)


@pytest.mark.django_db
def test_only_the_system_sets_demo_passwords_and_never_beside_a_real_study() -> None:
    user = User.objects.create(username="somebody", printed_name="Somebody", created_at="2026-01-01T00:00Z")
    person = Actor(name="chen", printed_name="Chen Yu", user_id=str(user.pk))
    small_version("REAL2", simulated=False)
    events = AuditEvent.objects.count()
    with pytest.raises(DomainError) as refused:
        set_demo_password(user, new="long enough for anyone", actor=person)
    assert refused.value.codes == ("not_the_system", "real_study")
    user.refresh_from_db()
    assert (user.password, AuditEvent.objects.count()) == ("", events)


def test_the_scenes_of_five_studies_with_six_participants_show_everything() -> None:
    shown = {scene_of(number, turn)[0] for turn in range(5) for number in range(6)}
    assert shown == {"dlt", "screening", "late_visit", *(scene for scene, _ in SCENES)}


@pytest.mark.slow
@pytest.mark.django_db
def test_eleven_participants_leave_something_on_every_page() -> None:
    done = seed_study(STUDIES / "scar02", participants=11, seed=1, actor=ACTOR, say=quiet)
    study = done.version.study
    assert done.played.refused == []
    states = set(Participant.objects.filter(study=study).values_list("state", flat=True))
    assert states == {"screening", "enrolled", "treated", "withdrawn", "screen_failed", "completed"}
    scales = set(Assessment.objects.filter(study=study).values_list("scale", flat=True))
    assert {"CRS", "ICANS"} <= scales
    late = Deviation.objects.get(participant__study=study, kind="WINDOW", visit__code="M2")
    assert (late.state, late.days) == ("draft", 4)
    assert Query.objects.filter(study=study, state="open").exists()
    blanks = [
        value["why"]
        for data in FormRecord.objects.filter(study=study, form="CHEM").values_list("data", flat=True)
        for value in data.values()
        if value.get("n") == "ND"
    ]
    assert set(blanks) == {"sample haemolysed"}
    windows = DltWindow.objects.filter(study=study, state="open")
    assert windows.filter(closes__gte=UNTIL, opens__lte=UNTIL).exists()
    assert DltCandidate.objects.filter(study=study, rule="ICANS3", state="candidate").exists()
    assert FormRecord.objects.filter(study=study, state="in_progress").exists()
