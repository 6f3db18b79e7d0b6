"""The commands of the compose file, run as real processes against PostgreSQL and Redis; and the one-process house."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from config import env

ROOT = env.BASE_DIR
BIN = Path(sys.executable).parent
POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
SECRET = "k9f3Jw2pQx7Zt5Rb8Nc4Vd6Mh1Ls0Gy9Ua3Ei7To5Wq2"

pytestmark = pytest.mark.slow


def answer(port: int, path: str) -> tuple[int, dict[str, Any]]:
    """Return status and body of a health page; 0 while nobody listens."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": "edc.invalid"})
    try:
        with urllib.request.urlopen(request, timeout=5) as found:
            return found.status, _body(found.read())
    except urllib.error.HTTPError as error:
        return error.code, _body(error.read())
    except OSError:
        return 0, {}


def _body(text: bytes) -> dict[str, Any]:
    return dict(json.loads(text)) if text.startswith(b"{") else {}


def wait_until_ready(port: int, *, seconds: float) -> dict[str, Any]:
    """Return the health page once it says ready, or as it was last."""
    until = time.monotonic() + seconds
    status, body = answer(port, "/readyz")
    while status != 200 and time.monotonic() < until:
        time.sleep(0.5)
        status, body = answer(port, "/readyz")
    return body


def compose_command(service: str) -> list[str]:
    """Return what the compose file, or for the web the image, runs."""
    if service == "web":
        line = next(line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("CMD"))
        return list(yaml.safe_load(line.removeprefix("CMD ")))
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return list(document["services"][service]["command"])


@pytest.fixture
def installation(free_port: int, own_redis: subprocess.Popen[bytes], tmp_path: Path) -> Iterator[dict[str, str]]:
    """Give a database of its own with an owner, and the environment of a container."""
    name = f"dayzero_test_{os.getpid()}_compose"
    owner, application = f"{name}_owner", f"{name}_app"
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(sql.Identifier(owner)))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner)))
    try:
        yield {
            "PRODUCTION": "1",
            "BEHIND_TLS_PROXY": "1",
            "SECRET_KEY": SECRET,
            "ALLOWED_HOSTS": "edc.invalid",
            "DATABASE_URL": f"postgres://{application}@127.0.0.1:5432/{name}",
            "MIGRATE_DATABASE_URL": f"postgres://{owner}@127.0.0.1:5432/{name}",
            "REDIS_URL": f"redis://127.0.0.1:{free_port}/0",
            "WEB_CONCURRENCY": "2",
            "DATA_DIR": str(tmp_path),
            "PATH": f"{BIN}:{env.text('PATH')}",
        }
    finally:
        with psycopg.connect(POSTGRES, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            for role in (application, owner):
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def run(command: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in an environment."""
    return subprocess.run(
        command, cwd=ROOT, env=env.for_child(**variables), capture_output=True, text=True, check=False, timeout=300
    )


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """End processes in good order, and by force those that stay."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free() -> int:
    """Return another port nobody listens on."""
    found = subprocess.run(
        [sys.executable, "-c", "import socket; s=socket.socket(); s.bind(('127.0.0.1',0)); print(s.getsockname()[1])"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(found.stdout)


@pytest.mark.postgres
@pytest.mark.redis_server
def test_the_commands_of_the_compose_file_make_a_house_that_is_ready(installation: dict[str, str]) -> None:
    migrated = run(compose_command("migrate"), installation)
    assert migrated.returncode == 0, migrated.stderr[-3000:]
    running = {key: value for key, value in installation.items() if key != "MIGRATE_DATABASE_URL"}
    port = free()
    web = [word.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for word in compose_command("web")]
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=env.for_child(**running))
        for command in (web, compose_command("worker"), compose_command("beat"))
    ]
    try:
        found = wait_until_ready(port, seconds=90)
        assert found["status"] == "ready", found
        for part in (["web", "--port", str(port)], ["worker"], ["beat"]):
            probed = run([sys.executable, "manage.py", "probe", *part], running)
            assert (probed.returncode, probed.stdout) == (0, "ok\n"), probed.stderr[-2000:]
    finally:
        stop(processes)


@pytest.mark.postgres
@pytest.mark.redis_server
def test_the_application_s_role_owns_nothing_and_cannot_change_an_audit_event(installation: dict[str, str]) -> None:
    for _ in range(2):
        done = run(compose_command("migrate"), installation)
        assert done.returncode == 0, done.stderr[-3000:]

    with psycopg.connect(installation["DATABASE_URL"], autocommit=True) as connection:
        owned = connection.execute("SELECT count(*) FROM pg_tables WHERE tableowner = current_user").fetchone()
        assert owned == (0,)
        for statement in (
            b"UPDATE records_auditevent SET actor = 'x'",
            b"DELETE FROM records_auditevent",
            b"TRUNCATE records_auditevent",
            b"ALTER TABLE records_auditevent DISABLE TRIGGER ALL",
            b"CREATE TABLE own (id int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_one_process_serves_pages_worker_and_beat_and_stops_when_told(tmp_path: Path) -> None:
    variables = {"DATA_DIR": str(tmp_path), "DATABASE_URL": "", "REDIS_URL": "", "MIGRATE_DATABASE_URL": ""}
    assert run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], variables).returncode == 0
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", "0"],
        cwd=ROOT,
        env=env.for_child(**variables, ALLOWED_HOSTS="edc.invalid,127.0.0.1", PRODUCTION="1", SECRET_KEY=SECRET),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        port = int(re.findall(r"http://127\.0\.0\.1:(\d+)/", line)[0])
        assert answer(port, "/healthz") == (200, {"status": "ok"})
        assert wait_until_ready(port, seconds=60)["status"] == "ready"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read().endswith("Stopped.\n")
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()


def test_a_port_that_is_taken_is_told_with_what_to_do(tmp_path: Path, free_port: int) -> None:
    variables = {"DATA_DIR": str(tmp_path), "DATABASE_URL": "", "REDIS_URL": ""}
    holder = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(free_port), "--bind", "127.0.0.1"],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        while answer(free_port, "/")[0] == 0 and holder.poll() is None:
            time.sleep(0.1)
        done = run([sys.executable, "manage.py", "serve", "--port", str(free_port)], variables)
    finally:
        holder.kill()
        holder.wait()

    assert done.returncode == 1
    assert "Choose another port with --port" in done.stderr
