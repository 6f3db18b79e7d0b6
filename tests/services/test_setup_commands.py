"""The commands of the first set-up: what they write, and that a refusal writes nothing."""

from __future__ import annotations

import io
import re
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from seeds.factories.access import SiteFactory, UserFactory
from seeds.factories.trials import small_version
from trials.domain.roles import Role
from trials.management.commands import create_admin
from trials.models import Membership, Site, SiteActivation, User
from trials.records.domain.actors import Actor
from trials.records.models import AuditEvent
from trials.services.access_users import deactivate_user

pytestmark = pytest.mark.django_db

PROMPTED = "a passphrase of one's own"


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def refused(*words: str) -> str:
    before = written()
    with pytest.raises(CommandError) as caught:
        run(*words)
    assert written() == before
    return str(caught.value)


def written() -> tuple[int, ...]:
    return tuple(each._default_manager.count() for each in (User, Site, SiteActivation, Membership, AuditEvent))


def actors(kind: str) -> list[str]:
    return list(AuditEvent.objects.filter(record_kind=kind).order_by("pk").values_list("actor", flat=True))


def test_the_first_administrator_gets_a_password_that_is_printed_once_and_must_be_changed() -> None:
    said = run("create_admin", "root.person", "--name", "Root Person", "--time-zone", "Europe/Berlin")
    user = User.objects.get()
    password = re.findall(r"log-in: (\S+)", said)[0]
    assert user.check_password(password)
    assert (user.is_administrator, user.must_change_password, user.time_zone) == (True, True, "Europe/Berlin")
    assert actors("User") == ["system:create_admin"]
    assert password not in "".join(AuditEvent.objects.values_list("payload", flat=True))


def test_a_password_that_was_asked_for_is_not_printed_and_need_not_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(create_admin, "getpass", lambda _words: PROMPTED)
    said = run("create_admin", "root.person", "--name", "Root Person", "--prompt")
    user = User.objects.get()
    assert user.check_password(PROMPTED)
    assert (user.must_change_password, PROMPTED in said) == (False, False)


def test_two_different_passwords_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["one long passphrase", "another long passphrase"])
    monkeypatch.setattr(create_admin, "getpass", lambda _words: next(typed))
    assert "the same password twice" in refused("create_admin", "root.person", "--name", "R", "--prompt")


def test_a_second_administrator_is_made_only_in_the_name_of_one() -> None:
    run("create_admin", "first", "--name", "First")
    UserFactory.create(username="plain")
    assert "expected an installation without an administrator, or the name of one, found first." in refused(
        "create_admin", "second", "--name", "Second"
    )
    assert "an administrator of the installation" in refused("create_admin", "second", "--name", "S", "--as", "plain")
    assert 'found "nobody"' in refused("create_admin", "second", "--name", "Second", "--as", "nobody")
    run("create_admin", "second", "--name", "Second", "--as", "first")
    assert User.objects.get(username="second").is_administrator
    assert AuditEvent.objects.filter(record_kind="User").order_by("pk").last().actor == "first"  # type: ignore[union-attr]


def test_a_closed_administrator_cannot_act_and_no_longer_stands_in_the_way() -> None:
    closed = UserFactory.create(username="gone", is_administrator=True)
    deactivate_user(closed, actor=Actor.system("test"), reason="left")
    assert "an active user" in refused("create_admin", "next", "--name", "Next", "--as", "gone")
    run("create_admin", "next", "--name", "Next")
    assert User.objects.get(username="next").is_administrator


def test_all_that_is_wrong_with_an_account_is_said_at_once() -> None:
    said = refused("create_admin", "x y", "--name", " ", "--email", "no", "--time-zone", "Mars")
    for word in ("username:", "printed_name:", "email:", "time_zone:"):
        assert word in said


def test_a_site_is_added_and_works_under_the_last_version_from_a_day() -> None:
    version = small_version("SETUP1")
    UserFactory.create(username="root.person", is_administrator=True)
    said = run(
        *("create_site", "SETUP1", "01", "Hospital One", "--time-zone", "Asia/Shanghai"),
        *("--active-from", "2026-03-01", "--as", "root.person"),
    )
    site = Site.objects.get()
    assert (site.code, site.name, site.time_zone) == ("01", "Hospital One", "Asia/Shanghai")
    activation = site.activations.get()
    assert (activation.version, activation.from_date) == (version, date(2026, 3, 1))
    assert "It works under version 1 from 2026-03-01." in said
    assert actors("Site") == actors("SiteActivation") == ["root.person"]


def test_a_site_without_a_day_is_added_by_the_system_and_works_under_nothing_yet() -> None:
    small_version("SETUP1")
    run("create_site", "SETUP1", "01", "Hospital One", "--time-zone", "UTC")
    assert (actors("Site"), SiteActivation.objects.count()) == (["system:create_site"], 0)


def test_a_refused_site_says_every_reason() -> None:
    small_version("SETUP1")
    said = refused("create_site", "SETUP1", "a b", "X", "--time-zone", "Mars")
    assert "1 to 8 capitals or digits" in said
    assert "a zone such as Asia/Shanghai" in said
    assert 'Expected a study (SETUP1); found "OTHER"' in refused(
        "create_site", "OTHER", "01", "X", "--time-zone", "UTC"
    )


def test_a_site_of_a_study_without_a_version_cannot_begin() -> None:
    study = SiteFactory.create().study
    words = ("create_site", study.oid, "01", "X", "--time-zone", "UTC", "--active-from", "2026-01-01")
    assert "Expected a published version" in refused(*words)


def test_a_plain_user_adds_no_site() -> None:
    small_version("SETUP1")
    UserFactory.create(username="plain")
    said = refused("create_site", "SETUP1", "01", "X", "--time-zone", "UTC", "--as", "plain")
    assert "Not found, or not yours to see." in said


def test_a_role_is_granted_at_a_site_for_a_period() -> None:
    site = SiteFactory.create(study__oid="SETUP1", code="01")
    UserFactory.create(username="root.person", is_administrator=True)
    person = UserFactory.create(username="li")
    period = ("--from", "2026-01-01", "--until", "2026-12-31")
    said = run(
        "grant", "li", "coordinator", "SETUP1", "--site", "01", *period, "--as", "root.person", "--reason", "new"
    )
    row = person.memberships.get()
    assert (row.site, row.role, row.granted_by) == (site, Role.COORDINATOR, "root.person")
    assert (row.valid_from, row.valid_until) == (date(2026, 1, 1), date(2026, 12, 31))
    assert said == "li: coordinator in SETUP1, site 01, from 2026-01-01 until 2026-12-31.\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("nobody", "monitor", "SETUP1"), 'Expected the name of a user; found "nobody"'),
        (("li", "boss", "SETUP1"), "expected one of coordinator"),
        (("li", "monitor", "OTHER"), 'Expected a study (SETUP1); found "OTHER"'),
        (("li", "monitor", "SETUP1", "--site", "09"), 'Expected a site of SETUP1 (01); found "09"'),
        (("li", "monitor", "SETUP1", "--until", "1999-01-01"), "an end on or after"),
        (("li", "monitor", "SETUP1", "--from", "soon"), "expected a day such as 2026-11-23, found 'soon'"),
        (("li", "monitor", "SETUP1", "--as", "li"), "Not found, or not yours to see."),
        (("root.person", "monitor", "SETUP1", "--as", "root.person"), "a grant to another person"),
        (("root.person", "coordinator", "SETUP1"), "administration and clinical data in different hands"),
    ],
)
def test_a_refused_grant_says_why_and_writes_nothing(words: tuple[str, ...], expected: str) -> None:
    SiteFactory.create(study__oid="SETUP1", code="01")
    UserFactory.create(username="root.person", is_administrator=True)
    UserFactory.create(username="li")
    assert expected in refused("grant", *words)
