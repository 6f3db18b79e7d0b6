"""The same seed gives the same content, on SQLite and on PostgreSQL; ``advance`` moves the clock of a simulation."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.core.management import CommandError, call_command

from config import env
from seeds.factories.trials import BEGIN, SYSTEM, small_version
from tests.support.own_database import run
from trials.models import Study
from trials.records.models import AuditEvent
from trials.services.study_clock import advance_clock


def digest_on(url: str, seed: int) -> str:
    """Seed one study in a database, in a process of its own, and return the digest of the content."""
    run(url, "manage", "migrate", "--verbosity", "0")
    said = run(url, "manage", "seed", "--study", "ucart-neuro", "--participants", "3", "--seed", str(seed))
    return said.split("content digest ")[1].strip()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_digest_and_another_seed_another(tmp_path: Path) -> None:
    found = [digest_on(f"sqlite:///{tmp_path / f'{n}.sqlite3'}", seed) for n, seed in enumerate((5, 5, 6))]
    assert found[0] == found[1]
    assert found[1] != found[2]
    assert len(found[0]) == 64


@pytest.mark.slow
@pytest.mark.postgres
def test_sqlite_and_postgresql_hold_the_same_content_after_the_same_seed(tmp_path: Path) -> None:
    server, name = env.text("DATABASE_URL"), f"dayzero_seed_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        on_postgresql = digest_on(urlunsplit(urlsplit(server)._replace(path=f"/{name}")), 5)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    assert on_postgresql == digest_on(f"sqlite:///{tmp_path / 'own.sqlite3'}", 5)


def advance(*words: str) -> str:
    out = StringIO()
    call_command("advance", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def study() -> Study:
    found = small_version("CLOCK1").study
    advance_clock(found, to=BEGIN, actor=SYSTEM)
    return found


@pytest.mark.django_db
def test_advance_moves_the_clock_by_days_or_to_a_day(study: Study) -> None:
    assert advance("CLOCK1", "--days", "3").startswith("CLOCK1 stands at Thursday, 08 January 2026")
    study.refresh_from_db()
    assert study.clock == BEGIN + timedelta(days=3)
    advance("CLOCK1", "--to", "2026-02-01")
    study.refresh_from_db()
    assert study.clock == datetime.fromisoformat("2026-02-01T01:00+00:00")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("NOWHERE", "--days", "1"), r"Expected a simulated study \(CLOCK1\)"),
        (("CLOCK1", "--days", "0"), "at least 1 day"),
        (("CLOCK1", "--to", "2026-01-02"), "Time only moves forward"),
        (("CLOCK1", "--days", "1", "--as", "nobody"), 'no user "nobody"'),
    ],
)
def test_advance_says_what_it_cannot_do_and_leaves_the_clock(
    study: Study, words: tuple[str, ...], expected: str
) -> None:
    events = AuditEvent.objects.count()
    with pytest.raises(CommandError, match=expected):
        advance(*words)
    study.refresh_from_db()
    assert (study.clock, AuditEvent.objects.count()) == (BEGIN, events)


@pytest.mark.django_db
def test_a_real_study_has_no_clock_to_advance() -> None:
    small_version("REAL3", simulated=False)
    with pytest.raises(CommandError, match="REAL3, which follows the real calendar"):
        advance("REAL3", "--days", "1")
    assert Study.objects.get(oid="REAL3").clock is None
