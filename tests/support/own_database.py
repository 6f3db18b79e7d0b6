"""A database of a test's own, outside of Django's, for processes that are killed and connections that race.

It is PostgreSQL when the test run's DATABASE_URL names one, else a SQLite file.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from config import env

ROOT = Path(__file__).resolve().parents[2]


def child_environment(url: str, **more: str) -> dict[str, str]:
    """Return the environment of a child process that works on the database."""
    return env.for_child(DATABASE_URL=url, DJANGO_SETTINGS_MODULE="config.settings", PYTHONPATH=str(ROOT), **more)


def start(url: str, *words: str, **more: str) -> subprocess.Popen[str]:
    """Start ``python -m`` something on the database, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=child_environment(url, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str], *, seconds: float = 120) -> str:
    """Wait for a process, fail with what it said when it failed, and return that."""
    said, _ = process.communicate(timeout=seconds)
    assert process.returncode == 0, said
    return said


def run(url: str, *words: str, **more: str) -> str:
    return finish(start(url, *words, **more))


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query, read past the application."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20) as connection:
            return list(connection.execute(sql).fetchall())
    with psycopg.connect(url) as connection:
        return list(connection.execute(sql).fetchall())


@contextmanager
def own_database(folder: Path) -> Iterator[str]:
    """Make and migrate a database, give its address, and remove it."""
    server = env.text("DATABASE_URL")
    if not server.startswith("postgres"):
        url = f"sqlite:///{folder / 'own.sqlite3'}"
        run(url, "manage", "migrate", "--verbosity", "0")
        yield url
        return
    name = f"dayzero_own_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    try:
        run(url, "manage", "migrate", "--verbosity", "0")
        yield url
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
