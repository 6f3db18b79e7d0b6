"""From an empty database to the first participant of a real study, as docs/operations.md tells it.

Every step is a command in a process of its own, or a page of the served house in its production settings.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django_otp.oath import totp
from psycopg import sql

from config import env
from tests.conftest import wait_for_port
from tests.support.secure_browser import HOST, SecureBrowser
from trials.records.services import clock

POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
SECRET = "k9f3Jw2pQx7Zt5Rb8Nc4Vd6Mh1Ls0Gy9Ua3Ei7To5Wq2"
ROOT_PASSWORD, SITE_PASSWORD, FIRST = "heron walks on thin ice", "amber kettle sings low", "handed over on paper"
OPERATIONS = env.BASE_DIR / "docs" / "operations.md"

pytestmark = pytest.mark.slow


@dataclass(slots=True)
class House:
    """An installation: its environment, its commands, and what it was told to do so far."""

    variables: dict[str, str]
    port: int
    said: list[str]

    def manage(self, line: str, *, code: int = 0, **more: str) -> str:
        """Run a command as it stands in the document, and return what it printed."""
        words = [sys.executable, "manage.py", *split(line)]
        variables = {**self.variables, **more}
        done = subprocess.run(
            words, cwd=env.BASE_DIR, env=env.for_child(**variables), capture_output=True, text=True, check=False
        )
        assert done.returncode == code, f"{line}: {done.stdout[-2000:]}{done.stderr[-3000:]}"
        self.said.append(line)
        return done.stdout + done.stderr


def split(line: str) -> list[str]:
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', line)]


def _postgres(name: str) -> Iterator[dict[str, str]]:
    owner, application = f"{name}_owner", f"{name}_app"
    names = [sql.Identifier(each) for each in (name, f"{name}_restored", owner, application)]
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB").format(names[2]))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(names[0], names[2]))
    try:
        yield {
            "DATABASE_URL": f"postgres://{application}@127.0.0.1:5432/{name}",
            "MIGRATE_DATABASE_URL": f"postgres://{owner}@127.0.0.1:5432/{name}",
        }
    finally:
        with psycopg.connect(POSTGRES, autocommit=True) as connection:
            for each in names[:2]:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(each))
            for each in (names[3], names[2]):
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(each))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def house(request: pytest.FixtureRequest, tmp_path: Path, free_port: int) -> Iterator[House]:
    """An empty database, and the environment of production."""
    variables = {
        "PRODUCTION": "1",
        "BEHIND_TLS_PROXY": "1",
        "SECRET_KEY": SECRET,
        "ALLOWED_HOSTS": HOST,
        "DATA_DIR": str(tmp_path),
        "STATIC_ROOT": str(tmp_path / "static"),
        "WEB_CONCURRENCY": "1",
        **dict.fromkeys(("REDIS_URL", "DATABASE_URL", "MIGRATE_DATABASE_URL"), ""),
    }
    if request.param == "sqlite":
        yield House(variables, free_port, [])
        return
    for addresses in _postgres(f"dayzero_test_{os.getpid()}_first"):
        yield House({**variables, **addresses}, free_port, [])


@pytest.fixture
def served(house: House) -> Iterator[House]:
    """The house with its tables, serving as the application's role."""
    if house.variables["MIGRATE_DATABASE_URL"]:
        house.manage("ensure_role")
    house.manage("migrate --noinput")
    house.manage("collectstatic --noinput --verbosity 0")
    running = {key: value for key, value in house.variables.items() if key != "MIGRATE_DATABASE_URL"}
    words = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{house.port}"]
    words += ["--worker-class", "gthread", "--threads", "4", "--no-control-socket"]
    process = subprocess.Popen(words, cwd=env.BASE_DIR, env=env.for_child(**running, MIGRATE_DATABASE_URL=""))
    try:
        wait_for_port(house.port, seconds=60)
        yield house
    finally:
        process.terminate()
        process.wait(timeout=60)


def sign_in(house: House, username: str, password: str, *, new: str) -> SecureBrowser:
    """Sign in with a password that somebody else made, and change it as the house asks."""
    browser = SecureBrowser(house.port)
    browser.open("/admin/login/")
    page = browser.send("/admin/login/", username=username, password=password)
    assert page.address.startswith("/admin/password/"), page
    browser.send("/admin/password/", old=password, new=new, again=new)
    return browser


def enrol_second_factor(browser: SecureBrowser) -> None:
    """Do what production asks of administrators."""
    assert browser.page.address.startswith("/admin/second-factor/set-up/"), browser.page.address
    key = base64.b32decode(browser.find(r"<code>([A-Z2-7=]+)</code>"))
    page = browser.send("/admin/second-factor/set-up/", code=f"{totp(key):06d}")
    assert (page.status, page.text.count("<li><code>")) == (200, 10)


def test_from_an_empty_database_to_the_first_consent_of_a_real_study(served: House, tmp_path: Path) -> None:
    house, began = served, (clock.now() - timedelta(days=2)).date()
    made = house.manage('create_admin root.person --name "Root Person" --time-zone Europe/Berlin')
    password = re.findall(r"log-in: (\S+)", made)[0]
    assert "administrator, or the name of one" in house.manage('create_admin other --name "Other"', code=1)
    assert "no problem" in house.manage("load_study seeds/studies/scar02 --check")
    assert "SCAR02 version 1 published" in house.manage("load_study seeds/studies/scar02 --as root.person")
    house.manage('create_site SCAR02 01 "First Hospital" --time-zone Asia/Shanghai --as root.person')

    root = sign_in(house, "root.person", password, new=ROOT_PASSWORD)
    enrol_second_factor(root)
    activate_version(root, str(began))
    open_account(root)
    house.manage("grant li.na coordinator SCAR02 --site 01 --as root.person")
    setup = root.open("/admin/studies/SCAR02/setup/")
    assert ("Li Na" in setup.text, "Coordinator" in setup.text, 'id="clock"' in setup.text) == (True, True, False)

    register_and_consent(sign_in(house, "li.na", FIRST, new=SITE_PASSWORD), str(began))
    audit(house, tmp_path)
    ready = json.loads(SecureBrowser(house.port).open("/readyz").text)["checks"]
    assert {name for name, state in ready.items() if state == "ok"} >= {"database", "migrations", "audit triggers"}


def activate_version(root: SecureBrowser, day: str) -> None:
    page = root.open("/admin/studies/SCAR02/setup/")
    assert "No version yet: it cannot register anybody." in page.text
    form = page.text.split('id="activate"')[1].split("</form>")[0]
    site, version = re.findall(r'<option value="([0-9a-f-]{36})"', form)
    done = root.send("/admin/studies/SCAR02/setup/", deed="activate", site=site, version=version, from_date=day)
    assert "version 1 from" in done.text, done.text[-3000:]


def open_account(root: SecureBrowser) -> None:
    root.open("/admin/people/new/")
    root.send("/admin/people/new/", username="li.na", printed_name="Li Na", time_zone="Asia/Shanghai", password=FIRST)
    assert re.fullmatch(r"/admin/people/[0-9a-f-]{36}/", root.page.address), root.page.text[-3000:]


def register_and_consent(coordinator: SecureBrowser, day: str) -> None:
    page = coordinator.open("/admin/studies/SCAR02/participants/new/")
    assert page.status == 200, page
    site = coordinator.find(r'<option value="([0-9a-f-]{36})"')
    submission = coordinator.find(r'name="submission" value="([^"]+)"')
    page = coordinator.send("/admin/studies/SCAR02/participants/new/", site=site, submission=submission)
    assert "01-001" in page.text
    pk = page.address.split("/")[3]
    page = coordinator.open(f"/admin/participants/{pk}/log/CONSENT/new/")
    assert page.status == 200, page
    values = {"i:DOCUMENT": "1.0", "i:SIGNED": f"{day}T09:30", "i:COPY": "Y"}
    page = coordinator.send(page.address, act="complete", version="0", **values)
    assert page.status == 200, page.text[-4000:]
    assert "Informed consent" in page.text
    assert re.search(r"data-state=\"complete\"|Complete", page.text), page.text[-4000:]


def audit(house: House, folder: Path) -> None:
    anchor = folder / "anchor.json"
    assert "All triggers are in place." in house.manage("audit triggers")
    house.manage(f"audit anchor {anchor}")
    assert "Sound." in house.manage(f"audit verify --against {anchor}")

