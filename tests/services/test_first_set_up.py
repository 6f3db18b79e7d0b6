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
from dataclasses import dataclass, field
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
    safe: Path
    ran: set[str] = field(default_factory=set)

    def manage(self, line: str, *, code: int = 0, **more: str) -> str:
        """Run a management command as it stands in the document, and return what it printed."""
        return self.run(f"python manage.py {line}", code=code, **more)

    def run(self, line: str, *, code: int = 0, **more: str) -> str:
        """Run a line of the document in a shell; ``/safe`` is a folder of this test's own."""
        variables = {**self.variables, "PATH": f"{Path(sys.executable).parent}:{env.text('PATH')}", **more}
        done = subprocess.run(
            ["/bin/sh", "-c", line.replace("/safe", str(self.safe))],
            cwd=env.BASE_DIR,
            env=env.for_child(**variables),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{line}: {done.stdout[-2000:]}{done.stderr[-3000:]}"
        self.ran.add(line)
        return done.stdout + done.stderr


def lines_of_the_document() -> set[str]:
    """Return every command of docs/operations.md but those of blocks that say that no test runs them."""
    blocks = re.findall(r"^```\n(.*?)^```$", OPERATIONS.read_text(), re.MULTILINE | re.DOTALL)
    return {line for block in blocks if not block.startswith("# not run by a test") for line in block.splitlines()}


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
            "RESTORED_NAME": f"{name}_restored",
            "RESTORED_URL": f"postgres://{owner}@127.0.0.1:5432/{name}_restored",
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
        yield House(variables, free_port, tmp_path)
        return
    for addresses in _postgres(f"dayzero_test_{os.getpid()}_first"):
        yield House({**variables, **addresses}, free_port, tmp_path)


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


def test_from_an_empty_database_to_the_first_consent_of_a_real_study(served: House) -> None:
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
    guard(house)
    is_postgres = bool(house.variables["MIGRATE_DATABASE_URL"])
    if is_postgres:
        restore(house)
    house.manage('audit new-epoch --reason "Restored from the backup of the night" --as root.person')
    house.manage("audit verify --against /safe/anchor.json")
    owed = {line for line in lines_of_the_document() if is_postgres or line.startswith("python manage.py")}
    assert owed - house.ran == (set() if is_postgres else {"python manage.py ensure_role"})
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
    sheet = coordinator.open("/admin/go/?q=1+SCR")
    assert re.fullmatch(r"/admin/visits/[0-9a-f-]{36}/", sheet.address), sheet
    address = coordinator.find(r'action="(/admin/visits/[0-9a-f-]{36}/[^"]*CONSENT[^"]*)"')
    values = {"i:DOCUMENT": "1.0", "i:SIGNED": f"{day}T09:30", "i:COPY": "Y"}
    page = coordinator.send(address, act="complete", version="0", **values)
    assert page.status == 200, page.text[-4000:]
    assert "Informed consent: " in page.text, page.text[-4000:]


def guard(house: House) -> None:
    """Check the deployment, anchor the chains, and verify them against the anchor."""
    said = house.manage("check --deploy")
    assert ("config.W001" in said, "config.W002" in said) == (False, False), said
    assert "All triggers are in place." in house.manage("audit triggers")
    house.manage("audit anchor /safe/anchor.json")
    assert "Sound." in house.manage("audit verify --against /safe/anchor.json")


def restore(house: House) -> None:
    """Back the database up while it is served, and go on in the restored one."""
    house.run("pg_dump --format=custom --file=/safe/dayzero.dump $MIGRATE_DATABASE_URL")
    house.run("createdb --maintenance-db=$MIGRATE_DATABASE_URL $RESTORED_NAME")
    house.run("pg_restore --no-owner --no-privileges --exit-on-error --dbname=$RESTORED_URL /safe/dayzero.dump")
    name = house.variables["RESTORED_NAME"]
    for key in ("DATABASE_URL", "MIGRATE_DATABASE_URL"):
        house.variables[key] = house.variables[key].rsplit("/", 1)[0] + f"/{name}"
    house.manage("migrate --noinput")
    assert "Sound." in house.manage("audit verify --against /safe/anchor.json")
    with psycopg.connect(house.variables["DATABASE_URL"], autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM trials_participant").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM records_auditevent")
