"""Triggers that refuse update, delete, replace and truncate of audit events, on both databases.

The one permitted update blanks the payload of an event that a redaction event of the same table names; everything else
about the row must stay. No trigger names another table: SQLite's table rebuild fails on such a trigger, and a rebuild
drops the triggers of the rebuilt table, which is why ``migrate`` installs them each time (management/commands/migrate).
On PostgreSQL they fire for replication roles too, and the application's role loses the rights as well, so that neither
the one nor the other is the only wall.
"""

from __future__ import annotations

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

from trials.records.domain.chain import EVENT_KIND, REDACT
from trials.records.models import AuditEvent

TABLE = AuditEvent._meta.db_table
COLUMNS = tuple(column.column for column in AuditEvent._meta.concrete_fields)
KEPT = tuple(column for column in COLUMNS if column != "payload")
NO_UPDATE, NO_DELETE, NO_REPLACE, NO_TRUNCATE = (
    "audit_event_no_update",
    "audit_event_no_delete",
    "audit_event_no_replace",
    "audit_event_no_truncate",
)
REFUSAL = "Audit events are never changed or deleted."
_FUNCTION = "audit_event_refuse"

_IS_NAMED = (
    f"EXISTS (SELECT 1 FROM {TABLE} AS named WHERE named.record_kind = '{EVENT_KIND}'"  # noqa: S608 - names of this house only
    f" AND named.action = '{REDACT}'"
    " AND named.record_id = OLD.chain_id || '#' || OLD.seq)"
)


def _same(is_same: str) -> str:
    return " AND ".join(f'NEW."{column}" {is_same} OLD."{column}"' for column in KEPT)


def _redaction(is_same: str) -> str:
    return f"OLD.payload <> '' AND NEW.payload = '' AND {_same(is_same)} AND {_IS_NAMED}"


_TAKEN = (
    f"EXISTS (SELECT 1 FROM {TABLE} AS held"  # noqa: S608 - names of this house only
    " WHERE held.id = NEW.id OR (held.chain_id = NEW.chain_id AND held.seq = NEW.seq))"
)

SQLITE = {
    NO_UPDATE: (
        f"CREATE TRIGGER {NO_UPDATE} BEFORE UPDATE ON {TABLE} WHEN NOT ({_redaction('IS')})"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    ),
    NO_DELETE: f"CREATE TRIGGER {NO_DELETE} BEFORE DELETE ON {TABLE} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    # INSERT OR REPLACE deletes the row it replaces without firing delete triggers unless recursive_triggers is on.
    NO_REPLACE: (
        f"CREATE TRIGGER {NO_REPLACE} BEFORE INSERT ON {TABLE} WHEN {_TAKEN}"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    ),
}

POSTGRES_BODY = f"""
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF {_redaction("IS NOT DISTINCT FROM")} THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
END
"""
POSTGRES = {
    NO_UPDATE: f"CREATE TRIGGER {NO_UPDATE} BEFORE UPDATE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {_FUNCTION}()",
    NO_DELETE: f"CREATE TRIGGER {NO_DELETE} BEFORE DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {_FUNCTION}()",
    NO_TRUNCATE: (
        f"CREATE TRIGGER {NO_TRUNCATE} BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()"
    ),
}


def missing() -> list[str]:
    """Return the names of triggers that are not there, are switched off or do not say what they should."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            return _missing_in_postgres(cursor)
        return _missing_in_sqlite(cursor)


def install() -> list[str]:
    """Install what is missing and return its names; does nothing when all is there."""
    wanted = missing()
    statements = POSTGRES if connection.vendor == "postgresql" else SQLITE
    with connection.cursor() as cursor:
        if wanted and connection.vendor == "postgresql":
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql"
                f" AS $body${POSTGRES_BODY}$body$"
            )
        for name in wanted:
            cursor.execute(_drop(name))
            cursor.execute(statements[name])
            if connection.vendor == "postgresql":
                # ALWAYS: without it a session with session_replication_role = replica would skip the trigger.
                cursor.execute(f"ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER {name}")
    return wanted


def remove() -> None:
    """Drop the triggers; only a test's flush and a restore of a whole database may want that."""
    with connection.cursor() as cursor:
        for name in POSTGRES if connection.vendor == "postgresql" else SQLITE:
            cursor.execute(_drop(name))


def grant_application_role() -> None:
    """Give the application's role its rights when another role owns the tables; those on audit events are narrow.

    Does nothing on SQLite or when the application owns its tables (``DATABASE_APPLICATION_ROLE`` is empty).
    """
    role = str(getattr(settings, "DATABASE_APPLICATION_ROLE", ""))
    if connection.vendor != "postgresql" or not role:
        return
    named = connection.ops.quote_name(role)
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {named}")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {named}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {named}")
        cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES ON {TABLE} FROM {named}, PUBLIC")
        cursor.execute(f"GRANT UPDATE (payload) ON {TABLE} TO {named}")


def _drop(name: str) -> str:
    on_table = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
    return f"DROP TRIGGER IF EXISTS {name}{on_table}"


def _missing_in_sqlite(cursor: CursorWrapper) -> list[str]:
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE])
    found = dict(cursor.fetchall())
    # A renamed table has its name quoted by SQLite in the triggers that came along.
    return [name for name, sql in SQLITE.items() if found.get(name, "").replace('"', "") != sql.replace('"', "")]


def _missing_in_postgres(cursor: CursorWrapper) -> list[str]:
    cursor.execute(
        "SELECT trigger.tgname, trigger.tgenabled, function.prosrc, pg_get_triggerdef(trigger.oid)"
        " FROM pg_trigger AS trigger JOIN pg_proc AS function ON function.oid = trigger.tgfoid"
        " WHERE trigger.tgrelid = to_regclass(%s) AND NOT trigger.tgisinternal",
        [TABLE],
    )
    found = {name: (enabled, body, definition) for name, enabled, body, definition in cursor.fetchall()}
    return [name for name, sql in POSTGRES.items() if not _is_as_wanted(found.get(name), sql)]


def _is_as_wanted(row: tuple[str, str, str] | None, sql: str) -> bool:
    if row is None:
        return False
    enabled, body, definition = row
    said = definition.replace(" ON public.", " ON ").replace("FUNCTION public.", "FUNCTION ")
    return enabled in {"A", b"A"} and body == POSTGRES_BODY and said == sql
