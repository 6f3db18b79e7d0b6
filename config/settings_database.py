"""The database: SQLite in a file unless ``DATABASE_URL`` names PostgreSQL.

Names of test databases carry the process id, so that several test runs on one machine never meet.
"""

from __future__ import annotations

import os
from typing import Any

import dj_database_url

from config import env
from config.settings_base import DATA_DIR

# Without IMMEDIATE, a transaction that reads and then writes fails at once with "database is locked" when another one
# wrote in between, whatever the timeout. Without synchronous=FULL, WAL loses acknowledged commits at a power cut.
# recursive_triggers makes INSERT OR REPLACE fire the triggers that protect audit events.
# Trap: PRAGMA trusted_schema=OFF is left out on purpose; Django's JSON_VALID check constraints stop working with it.
SQLITE_OPTIONS: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;PRAGMA recursive_triggers=ON;"
    ),
}
_TEST_NAME = f"dayzero_test_{os.getpid()}"


def _sqlite(name: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": SQLITE_OPTIONS,
        "TEST": {"NAME": str(DATA_DIR / f"{_TEST_NAME}.sqlite3")},
    }


def _from_url(url: str) -> dict[str, Any]:
    parsed: dict[str, Any] = dict(dj_database_url.parse(url))
    if parsed["ENGINE"] == "django.db.backends.sqlite3":
        return _sqlite(parsed["NAME"])
    options = {"connect_timeout": 5, **parsed.get("OPTIONS", {})}
    return {
        **parsed,
        "OPTIONS": options,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"NAME": _TEST_NAME},
    }


def database(url: str) -> dict[str, Any]:
    """Return the settings of one database; an empty address means the SQLite file of local work."""
    if url:
        return _from_url(url)
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    return _sqlite(str(DATA_DIR / "dayzero.sqlite3"))


DATABASE_URL = env.text("DATABASE_URL")
MIGRATE_DATABASE_URL = env.text("MIGRATE_DATABASE_URL")

# Tables belong to the role that migrates, so that the role the application runs as can neither drop a trigger nor
# change an audit event. Only these two commands connect as their owner.
MIGRATES_AS_OWNER = bool(MIGRATE_DATABASE_URL) and env.command() in {"ensure_role", "migrate"}
DATABASES = {"default": database(MIGRATE_DATABASE_URL if MIGRATES_AS_OWNER else DATABASE_URL)}

# The role that gets its grants after `migrate`; empty when the application owns its tables.
DATABASE_APPLICATION_ROLE = str(dj_database_url.parse(DATABASE_URL).get("USER", "")) if MIGRATE_DATABASE_URL else ""
