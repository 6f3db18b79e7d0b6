"""Settings as a process of their own reads them: local work, production, SQLite, PostgreSQL, mail."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from config import env
from config.settings_mail import BACKENDS

SECRET = "k9f3Jw2pQx7Zt5Rb8Nc4Vd6Mh1Ls0Gy9Ua3Ei7To5Wq2"
PRODUCTION = {"PRODUCTION": "1", "SECRET_KEY": SECRET, "ALLOWED_HOSTS": "edc.invalid"}


def read_settings(tmp_path: Path, *names: str, arguments: Any = (), **variables: str) -> dict[str, Any]:
    """Return settings as a fresh process sees them under an environment of its own."""
    program = (
        "import json, sys; sys.argv = json.loads(sys.argv[1]); from django.conf import settings;"
        "print(json.dumps({name: getattr(settings, name) for name in sys.argv.pop().split(',')}, default=str))"
    )
    cleared = {"DATABASE_URL": "", "MIGRATE_DATABASE_URL": "", "REDIS_URL": "", "EMAIL_URL": "", "PRODUCTION": ""}
    argv = json.dumps(["manage.py", *arguments, ",".join(names)])
    done = subprocess.run(
        [sys.executable, "-c", program, argv],
        env=env.for_child(
            **{**cleared, "DJANGO_SETTINGS_MODULE": "config.settings", "DATA_DIR": str(tmp_path), **variables}
        ),
        cwd=env.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


def test_local_work_answers_on_loopback_without_tls_and_keeps_one_secret(tmp_path: Path) -> None:
    names = ("DEBUG", "ALLOWED_HOSTS", "SESSION_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECRET_KEY")
    first, second = read_settings(tmp_path, *names), read_settings(tmp_path, *names)

    assert first == second
    assert first["DEBUG"] is False
    assert first["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]
    assert (first["SESSION_COOKIE_SECURE"], first["SECURE_SSL_REDIRECT"]) == (False, False)
    assert len(first["SECRET_KEY"]) >= 50
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600


def test_production_closes_cookies_and_transport(tmp_path: Path) -> None:
    found = read_settings(
        tmp_path,
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SESSION_COOKIE_HTTPONLY",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
        "SECURE_PROXY_SSL_HEADER",
        "SESSION_COOKIE_AGE",
        "SESSION_ENGINE",
        **PRODUCTION,
    )

    assert found == {
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SECURE_PROXY_SSL_HEADER": None,
        "SESSION_COOKIE_AGE": 43_200,
        "SESSION_ENGINE": "django.contrib.sessions.backends.db",
    }


def test_a_forwarded_header_is_believed_only_behind_a_proxy(tmp_path: Path) -> None:
    found = read_settings(tmp_path, "SECURE_PROXY_SSL_HEADER", **PRODUCTION, BEHIND_TLS_PROXY="1")

    assert found["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]


def test_sqlite_keeps_acknowledged_commits_and_serialises_writers(tmp_path: Path) -> None:
    default = read_settings(tmp_path, "DATABASES")["DATABASES"]["default"]

    assert default["NAME"] == str(tmp_path / "dayzero.sqlite3")
    assert default["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert default["OPTIONS"]["timeout"] == 20


@pytest.mark.django_db
@pytest.mark.skipif("sqlite" not in settings.DATABASES["default"]["ENGINE"], reason="pragmas are SQLite's")
def test_the_pragmas_are_in_force_on_the_connection() -> None:
    with connection.cursor() as cursor:
        found = {}
        for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers"):
            cursor.execute(f"PRAGMA {name}")
            found[name] = cursor.fetchone()[0]

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}


def test_only_migrate_and_ensure_role_connect_as_the_owner_of_the_tables(tmp_path: Path) -> None:
    addresses = {
        "DATABASE_URL": "postgres://application@127.0.0.1/dayzero",
        "MIGRATE_DATABASE_URL": "postgres://owner@127.0.0.1/dayzero",
    }

    def user(*arguments: str) -> str:
        found = read_settings(tmp_path, "DATABASES", arguments=arguments, **addresses)
        return str(found["DATABASES"]["default"]["USER"])

    assert user("migrate") == "owner"
    assert user("ensure_role") == "owner"
    assert user("serve") == "application"
    assert user() == "application"
    assert read_settings(tmp_path, "DATABASE_APPLICATION_ROLE", **addresses) == {
        "DATABASE_APPLICATION_ROLE": "application"
    }


def test_each_process_has_a_test_database_of_its_own(tmp_path: Path) -> None:
    url = "postgres://postgres@127.0.0.1/postgres"
    names = {
        read_settings(tmp_path, "DATABASES", DATABASE_URL=url)["DATABASES"]["default"]["TEST"]["NAME"] for _ in range(2)
    }

    assert len(names) == 2
    assert all(name.startswith("dayzero_test_") for name in names)


def test_mail_goes_to_the_console_unless_a_server_is_named(tmp_path: Path) -> None:
    assert read_settings(tmp_path, "EMAIL_BACKEND") == {"EMAIL_BACKEND": BACKENDS["console"]}


def test_a_mail_address_gives_host_port_credentials_and_tls(tmp_path: Path) -> None:
    found = read_settings(
        tmp_path,
        "EMAIL_BACKEND",
        "EMAIL_HOST",
        "EMAIL_PORT",
        "EMAIL_HOST_USER",
        "EMAIL_HOST_PASSWORD",
        "EMAIL_USE_TLS",
        "EMAIL_USE_SSL",
        EMAIL_URL="smtp+tls://post%40site:p%2Fw@mail.invalid",
    )

    assert found == {
        "EMAIL_BACKEND": BACKENDS["smtp"],
        "EMAIL_HOST": "mail.invalid",
        "EMAIL_PORT": 587,
        "EMAIL_HOST_USER": "post@site",
        "EMAIL_HOST_PASSWORD": "p/w",
        "EMAIL_USE_TLS": True,
        "EMAIL_USE_SSL": False,
    }


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PRODUCTION", "maybe", "one of 1, true"),
        ("WEB_CONCURRENCY", "0", "at least 1"),
        ("EMAIL_URL", "ftp://a", "smtp:"),
    ],
)
def test_a_variable_that_can_mean_nothing_is_refused_with_what_to_do(
    tmp_path: Path, name: str, value: str, expected: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        env=env.for_child(DATA_DIR=str(tmp_path), **{name: value}),
        cwd=env.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert name in last
    assert expected in last
    assert "Correct or unset it." in last


def test_the_content_policy_names_no_other_host_and_no_inline_script() -> None:
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]

    assert directives["script-src"] == ["'self'", "'unsafe-eval'"]
    assert directives["default-src"] == ["'self'"]
    words = {word for sources in directives.values() for word in sources}
    assert words == {"'self'", "'none'", "'unsafe-eval'", "'unsafe-inline'", "data:"}


def test_the_apps_of_the_house_come_after_the_framework_and_the_theme_before_its_admin() -> None:
    apps = list(settings.INSTALLED_APPS)

    assert apps.index("unfold") < apps.index("django.contrib.admin")
    assert apps.index("config") < apps.index("django.contrib.admin")
    assert apps[-5:] == ["trials.records", "trials", "capture", "safety", "seeds"]
