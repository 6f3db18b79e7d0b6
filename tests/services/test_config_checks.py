"""Settings that cannot be right together are refused, each with its number; what is right is not."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import registry
from pytest_django import Settings

from config import checks

SECRET = "k9f3Jw2pQx7Zt5Rb8Nc4Vd6Mh1Ls0Gy9Ua3Ei7To5Wq2"
SQLITE = {"ENGINE": "django.db.backends.sqlite3"}
POSTGRES = {"ENGINE": "django.db.backends.postgresql"}
GOOD: dict[str, Any] = {
    "PRODUCTION": True,
    "DEBUG": False,
    "SECRET_KEY": SECRET,
    "ALLOWED_HOSTS": ["edc.invalid"],
    "CSRF_TRUSTED_ORIGINS": ["https://edc.invalid"],
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "WEB_PROCESSES": 4,
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "DATABASES": {"default": POSTGRES},
    "DATABASE_URL": "postgres://app@db/dayzero",
    "MIGRATE_DATABASE_URL": "postgres://owner@db/dayzero",
    "EMAIL_BACKEND": checks.SMTP,
    "EMAIL_HOST": "mail.invalid",
    "PUBLIC_URL": "https://edc.invalid",
    "EMAIL_USE_TLS": True,
    "EMAIL_USE_SSL": False,
}
ALL = (
    checks.check_secret,
    checks.check_hosts,
    checks.check_cookies,
    checks.check_processes,
    checks.check_mail,
    checks.check_database,
    checks.check_deployment,
)


def found_with(settings: Settings, **changes: Any) -> list[str]:
    """Return the numbers of what the checks find in a good production installation with changes."""
    for name, value in {**GOOD, **changes}.items():
        setattr(settings, name, value)
    return [str(message.id) for check in ALL for message in check()]


def test_a_good_installation_has_nothing_found(settings: Settings) -> None:
    assert found_with(settings) == []


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"SECRET_KEY": ""}, "config.E001"),
        ({"SECRET_KEY": SECRET[:39]}, "config.E002"),
        ({"SECRET_KEY": "change-me-" + SECRET}, "config.E002"),
        ({"ALLOWED_HOSTS": []}, "config.E003"),
        ({"ALLOWED_HOSTS": ["*"]}, "config.E004"),
        ({"DEBUG": True}, "config.E006"),
        ({"SESSION_COOKIE_SECURE": False}, "config.E007"),
        ({"CSRF_COOKIE_SECURE": False}, "config.E007"),
        ({"CSRF_TRUSTED_ORIGINS": ["http://edc.invalid"]}, "config.E008"),
        ({"REDIS_URL": ""}, "config.E009"),
        ({"REDIS_URL": "amqp://127.0.0.1"}, "config.E011"),
        ({"EMAIL_HOST": ""}, "config.E012"),
        ({"EMAIL_USE_SSL": True}, "config.E013"),
        ({"PUBLIC_URL": ""}, "config.E017"),
        ({"PUBLIC_URL": "http://edc.invalid"}, "config.E018"),
        ({"PUBLIC_URL": "https://edc.invalid/admin"}, "config.E018"),
        ({"PUBLIC_URL": "edc.invalid"}, "config.E018"),
        ({"MIGRATE_DATABASE_URL": "postgres://owner@db/other"}, "config.E015"),
        ({"MIGRATE_DATABASE_URL": "postgres://app@db/dayzero"}, "config.E016"),
        ({"MIGRATE_DATABASE_URL": ""}, "config.W002"),
    ],
)
def test_what_cannot_be_right_is_found_by_its_number(settings: Settings, changes: dict[str, Any], number: str) -> None:
    assert found_with(settings, **changes) == [number]


def test_a_real_host_without_production_is_refused(settings: Settings) -> None:
    assert found_with(settings, PRODUCTION=False) == ["config.E005", "config.W001"]


def test_several_processes_on_sqlite_without_redis_are_refused_and_one_is_not(settings: Settings) -> None:
    options = {"transaction_mode": "IMMEDIATE", "init_command": ";".join(f"PRAGMA {p}" for p in checks.SQLITE_PRAGMAS)}
    sqlite = {"default": {**SQLITE, "OPTIONS": options}}
    alone = {"DATABASES": sqlite, "REDIS_URL": "", "MIGRATE_DATABASE_URL": ""}

    assert found_with(settings, **alone, WEB_PROCESSES=2) == ["config.E009", "config.E010"]
    assert found_with(settings, **alone, WEB_PROCESSES=1) == []


@pytest.mark.parametrize("pragma", checks.SQLITE_PRAGMAS)
def test_sqlite_without_one_of_its_pragmas_is_refused(settings: Settings, pragma: str) -> None:
    rest = ";".join(f"PRAGMA {one}" for one in checks.SQLITE_PRAGMAS if one != pragma)
    default = {**SQLITE, "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": rest}}

    numbers = found_with(settings, DATABASES={"default": default}, WEB_PROCESSES=1, MIGRATE_DATABASE_URL="")

    assert numbers == ["config.E014"]


def test_every_message_says_what_was_expected_found_and_what_to_do(settings: Settings) -> None:
    found_with(settings, SECRET_KEY="", ALLOWED_HOSTS=["*"], REDIS_URL="", EMAIL_HOST="")

    for check in ALL:
        for message in check():
            assert message.msg.startswith("Expected ")
            assert "; found " in message.msg
            assert message.hint


def test_every_check_is_registered() -> None:
    registered = registry.registry.get_checks(include_deployment_checks=True)

    assert set(ALL) <= set(registered)
