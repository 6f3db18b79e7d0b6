"""A table rebuild of SQLite drops the triggers of the rebuilt table; ``migrate`` puts them back."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, models
from django.db.utils import DatabaseError

from tests.support.own_database import own_database, run
from tests.support.records import events, note_values
from trials.records import triggers
from trials.records.models import AuditEvent, Chain
from trials.records.services import verify

TABLE = triggers.TABLE


def _alter_reason_to(field: models.Field[str, str]) -> None:
    """Alter a column as a migration's AlterField does: on SQLite that rebuilds the whole table."""
    old = AuditEvent._meta.get_field("reason")
    field.set_attributes_from_name("reason")
    field.model = AuditEvent
    with connection.schema_editor() as editor:
        editor.alter_field(AuditEvent, old, field, strict=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_a_table_rebuild_keeps_the_events_and_migrate_puts_the_triggers_back() -> None:
    note_values("r1", "36.6", "38.6")
    before = [(event.pk, event.seq, event.hash) for event in events()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [TABLE])
        schema = cursor.fetchone()
    _alter_reason_to(models.CharField(max_length=999, blank=True, default=""))
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [TABLE])
        assert cursor.fetchone() != schema
    assert triggers.missing() == list(triggers.SQLITE)
    call_command("migrate", verbosity=0)
    assert triggers.missing() == []
    assert [(event.pk, event.seq, event.hash) for event in events()] == before
    assert verify.verify_chains().is_sound
    with pytest.raises(DatabaseError, match=r"never changed or deleted"), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE}")
    note_values("r2", "37.0")
    assert len(events()) == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_a_rebuild_of_the_chains_table_leaves_the_triggers_of_the_events_alone() -> None:
    note_values("r1", "36.6")
    old = Chain._meta.get_field("head_hash")
    field = models.CharField(max_length=99, default="", blank=True)
    field.set_attributes_from_name("head_hash")
    field.model = Chain
    with connection.schema_editor() as editor:
        editor.alter_field(Chain, old, field, strict=True)
    assert triggers.missing() == []
    note_values("r1", "37.0")
    assert len(events()) == 2


@pytest.mark.slow
@pytest.mark.postgres
def test_on_postgresql_the_application_role_can_append_and_redact_but_own_nothing(tmp_path: Path) -> None:
    role = f"dayzero_app_{tmp_path.name.replace('-', '_')}"[:60]
    with own_database(tmp_path) as url, psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN")
        try:
            server = url.partition("@")[2]
            application = f"postgres://{role}@{server}"
            run(application, "manage", "migrate", "--verbosity", "0", MIGRATE_DATABASE_URL=url)
            run(application, "tests.support.child", "prepare")
            run(application, "tests.support.child", "save", "2", "3", "1")
            assert "Sound." in run(application, "manage", "audit", "verify")
            with psycopg.connect(application, autocommit=True) as mine:
                for sql in (
                    f"DELETE FROM {TABLE}",
                    f"TRUNCATE {TABLE} CASCADE",
                    f"UPDATE {TABLE} SET actor = 'mallory'",
                    f"ALTER TABLE {TABLE} DISABLE TRIGGER ALL",
                    f"DROP TRIGGER audit_event_no_delete ON {TABLE}",
                    f"CREATE TRIGGER mine BEFORE INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()",
                    "CREATE OR REPLACE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
                    "SET session_replication_role = replica",
                ):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        mine.execute(sql)
                with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="never changed"):
                    mine.execute(f"UPDATE {TABLE} SET payload = ''")
        finally:
            owner.execute(f"DROP OWNED BY {role}")
            owner.execute(f"DROP ROLE {role}")
