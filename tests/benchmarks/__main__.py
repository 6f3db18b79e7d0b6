"""``uv run python -m tests.benchmarks [NAME ...] [--db sqlite|pg|both] [--full]``.

Each database gets one process of its own in which all arms run, interleaved. Ratios are what counts: milliseconds are
printed for orientation and differ between machines and hours.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from config import env
from tests.benchmarks.worker import NAMES
from tests.support.own_database import ROOT, child_environment, run

LOCAL_POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"


def main() -> int:
    """Make a database for each kind asked for, run the worker on it, remove it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure against slower designs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--db", choices=("sqlite", "pg", "both"), default="sqlite", help="database (sqlite)")
    parser.add_argument("--full", action="store_true", help="1 million visits and 300 saves a round; takes minutes")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"expected some of {', '.join(NAMES)}; found {', '.join(unknown)}")
    words = [*(options.names or NAMES), *(["--full"] if options.full else [])]
    code = 0
    for kind in ("sqlite", "pg") if options.db == "both" else (options.db,):
        with _sqlite() if kind == "sqlite" else _postgresql() as url:
            run(url, "manage", "migrate", "--verbosity", "0")
            command = [sys.executable, "-m", "tests.benchmarks.worker", *words]
            code |= subprocess.run(command, cwd=ROOT, env=child_environment(url), check=False).returncode
    return code


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="dayzero-bench-") as folder:
        yield f"sqlite:///{Path(folder) / 'bench.sqlite3'}"


@contextmanager
def _postgresql() -> Iterator[str]:
    """Give a database of its own on the server of DATABASE_URL, else on this machine's."""
    server = env.text("DATABASE_URL")
    server = server if server.startswith("postgres") else LOCAL_POSTGRES
    name = f"dayzero_bench_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


if __name__ == "__main__":
    sys.exit(main())
