"""What a demo may do to a database: never touch one with a real study, wipe only what it could make again."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import OperationalError, connection

from seeds.conduct.people import ADMINISTRATOR, PEOPLE, Person
from trials.models import Study, User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import refuse
from trials.services.access_passwords import set_demo_password


def _place(person: Person) -> str:
    role = person.role.value.replace("_", " ").capitalize()
    return f"{role}, site {person.site}" if person.site else role


ACCOUNTS = (*((person.username, _place(person)) for person in PEOPLE), (ADMINISTRATOR[0], "Administrator"))
"""Username and role of every account that a demo opens, in the order in which they are printed."""
PASSWORD_BYTES = 9
"""72 random bits, printed as 12 characters."""


def refuse_real() -> None:
    """Refuse a database that holds anything a demo did not make: a real study, or people without any study."""
    if not _has_table(Study):
        return
    real = list(Study.objects.filter(simulated=False).order_by("oid").values_list("oid", flat=True))
    if real:
        raise refuse(
            "real_study",
            expected="a database without any real study",
            found=", ".join(real),
            action="Run the demo on another database: set DATABASE_URL or DATA_DIR.",
        )
    strangers = User.objects.exclude(username__in=[name for name, _ in ACCOUNTS])
    if not Study.objects.exists() and strangers.exists():
        raise refuse(
            "not_a_demo",
            expected="an empty database or one that a demo made",
            found="accounts of people, and no study yet",
            action="Run the demo on another database: set DATABASE_URL or DATA_DIR.",
        )


def _has_table(model: type[Study]) -> bool:
    return model._meta.db_table in connection.introspection.table_names()


def wipe() -> None:
    """Delete the demo's database; refused for whatever ``refuse_real`` refuses, while it is in use, and on a server."""
    refuse_real()
    if connection.vendor != "sqlite":
        name = connection.settings_dict["NAME"]
        raise refuse(
            "reset_on_server",
            expected="a demo in a SQLite file",
            found=f"the {connection.vendor} database {name}, whose audit trail cannot be deleted row by row",
            action=f"As its owner: DROP DATABASE {name}; CREATE DATABASE {name}; then start the demo again.",
        )
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=DELETE")  # needs the file for itself: fails while another has it open
    except OperationalError as error:
        raise refuse(
            "demo_in_use",
            expected="a database that no other process has open",
            found=str(error),
            action="Stop the running demo first.",
        ) from error
    connection.close()
    file = Path(str(connection.settings_dict["NAME"]))
    for ending in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


@contextmanager
def quick_commits() -> Iterator[None]:
    """Let SQLite wait for the disk once at the end, not at each of thousands of acts: a demo can be made again."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=NORMAL")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA wal_checkpoint(FULL)")


def give_passwords(actor: Actor) -> list[tuple[str, str, str]]:
    """Give every demo account a fresh random password; return role, username and password of each."""
    users = {user.username: user for user in User.objects.filter(username__in=[name for name, _ in ACCOUNTS])}
    given = []
    for username, role in ACCOUNTS:
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        set_demo_password(users[username], new=password, actor=actor)
        given.append((role, username, password))
    return given
