"""What every test stands on: services that are there or named as missing, and databases that leave nothing behind."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connections

from config import env
from tests.support.audit_flush import flush_without_triggers  # noqa: F401 - a fixture for every test

collect_ignore = ["benchmarks"]
"""The benchmarks are a program with models of its own; nothing in it is a test."""

LOCAL_REDIS = "redis://127.0.0.1:6379/0"
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
HOW = {
    "postgres": "needs PostgreSQL: start one and set DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres",
    "redis": "needs Redis: start one on 127.0.0.1:6379 (Debian: apt-get install redis-server) or set REDIS_URL",
    "redis_server": "needs the program redis-server (Debian: apt-get install redis-server)",
    "browser": "needs Chromium (Debian: apt-get install chromium)",
}


def redis_address() -> str:
    """Return the address of the Redis that tests may use."""
    return env.text("REDIS_URL") or LOCAL_REDIS


def _answers(url: str) -> bool:
    found = urlsplit(url)
    try:
        with socket.create_connection((found.hostname or "127.0.0.1", found.port or 6379), timeout=1):
            return True
    except OSError:
        return False


def chromium() -> str:
    """Return the path of the browser, empty when there is none."""
    return next((path for path in CHROMIUM if Path(path).exists()), "")


def _is_there(service: str) -> bool:
    match service:
        case "postgres":
            return "postgresql" in settings.DATABASES["default"]["ENGINE"]
        case "redis":
            return _answers(redis_address())
        case "redis_server":
            return shutil.which("redis-server") is not None
        case _:
            return bool(chromium())


def pytest_configure(config: pytest.Config) -> None:
    """Make passwords cheap, and remove what test runs that were killed have left."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True  # else every test client reads all static files
    for left in Path(settings.DATA_DIR).glob("dayzero_test_*.sqlite3*"):
        number = left.name.removeprefix("dayzero_test_").partition(".")[0].partition("_")[0]
        if number.isdigit() and not _is_alive(int(number)):
            left.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a service that is missing, and say how to get it.

    With DAYZERO_REQUIRE_SERVICES=1 nothing is skipped for that: those tests run, and fail.
    """
    if env.flag("DAYZERO_REQUIRE_SERVICES"):
        return
    asked = {name for item in items for name in HOW if item.get_closest_marker(name)}
    missing = {name for name in asked if not _is_there(name)}
    for item in items:
        for name in missing:
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=HOW[name]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test whose service is missing where services are required, with the words that the skip would have."""
    if not env.flag("DAYZERO_REQUIRE_SERVICES"):
        return
    for name, how in HOW.items():
        if item.get_closest_marker(name) and not _is_there(name):
            pytest.fail(f"DAYZERO_REQUIRE_SERVICES is set and this test {how}", pytrace=False)


@pytest.fixture
def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def redis_url() -> str:
    """Return the address of the shared Redis: use keys and queues of your own, and remove them."""
    return redis_address()


@pytest.fixture
def own_redis(free_port: int, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Redis of this test's own at ``free_port``, which it may stop, freeze or kill."""
    process = subprocess.Popen(
        ["redis-server", "--port", str(free_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for_port(free_port)
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for_port(port: int, *, seconds: float = 20.0) -> None:
    """Return when somebody listens on a port of this machine."""
    until = time.monotonic() + seconds
    while not _answers(f"tcp://127.0.0.1:{port}"):
        if time.monotonic() > until:
            pytest.fail(f"nobody listened on port {port} within {seconds:.0f} s")
        time.sleep(0.05)


@pytest.fixture(scope="session", autouse=True)
def close_threads_connections() -> Iterator[None]:
    """Close what is open at the end, so that a PostgreSQL test database can be dropped."""
    yield
    connections.close_all()
