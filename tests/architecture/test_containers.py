"""The image and the compose file, as far as structure goes; their commands run against real services elsewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from gunicorn.config import KNOWN_SETTINGS

SECRETS = re.compile(r"SECRET|PASSWORD|TOKEN")


@pytest.fixture(scope="module")
def compose(root: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((root / "docker-compose.yml").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def dockerfile(root: Path) -> list[str]:
    text = (root / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def defaulted_secrets(text: str) -> list[str]:
    """Return the secrets of a compose file that have a default or stand in it."""
    return [
        name
        for name, rest in re.findall(r"\$\{(\w+)([^}]*)\}", text)
        if SECRETS.search(name) and not rest.startswith(":?")
    ]


def test_the_services_are_those_of_a_whole_installation(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"postgres", "redis", "migrate", "web", "worker", "beat"}


def test_every_service_that_stays_has_a_health_check(compose: dict[str, Any]) -> None:
    staying = {name: row for name, row in compose["services"].items() if name != "migrate"}

    assert [name for name, row in staying.items() if not row.get("healthcheck", {}).get("test")] == []


def test_no_secret_has_a_default(root: Path, compose: dict[str, Any]) -> None:
    text = (root / "docker-compose.yml").read_text(encoding="utf-8")

    assert defaulted_secrets(text) == []
    for row in compose["services"].values():
        for name, value in row.get("environment", {}).items():
            assert not SECRETS.search(name) or str(value).startswith("${"), name


def test_a_default_secret_is_found() -> None:
    assert defaulted_secrets("${SECRET_KEY:-abc} ${DB_PASSWORD} ${REDIS_PASSWORD:?set it}") == [
        "SECRET_KEY",
        "DB_PASSWORD",
    ]


def test_only_the_web_service_is_reachable_and_only_from_this_machine(compose: dict[str, Any]) -> None:
    ports = {name: row["ports"] for name, row in compose["services"].items() if "ports" in row}

    assert ports == {"web": ["127.0.0.1:8000:8000"]}


def test_data_outlives_its_containers(compose: dict[str, Any]) -> None:
    named = {mount.partition(":")[0] for row in compose["services"].values() for mount in row.get("volumes", [])}

    assert named == set(compose["volumes"]) == {"database", "files", "redis"}


def test_nothing_starts_before_the_tables_are_migrated(compose: dict[str, Any]) -> None:
    for name in ("web", "worker", "beat"):
        needs = compose["services"][name]["depends_on"]
        assert needs["migrate"] == {"condition": "service_completed_successfully"}
        assert needs["redis"] == {"condition": "service_healthy"}


def test_only_the_migrating_service_knows_the_owner(compose: dict[str, Any]) -> None:
    knowing = {
        name for name, row in compose["services"].items() if "MIGRATE_DATABASE_URL" in row.get("environment", {})
    }

    assert knowing == {"migrate"}
    assert "dayzero_app" in compose["services"]["web"]["environment"]["DATABASE_URL"]


def test_our_containers_may_write_nothing_but_their_volume(compose: dict[str, Any]) -> None:
    for name in ("migrate", "web", "worker", "beat"):
        row = compose["services"][name]
        assert row["read_only"] is True
        assert row["cap_drop"] == ["ALL"]


def test_every_management_command_named_in_the_files_exists(root: Path, compose: dict[str, Any]) -> None:
    texts = [(root / name).read_text(encoding="utf-8") for name in ("Dockerfile", "docker-compose.yml")]
    plain = re.sub(r"[\",\[\]]", " ", " ".join(texts))

    named = set(re.findall(r"manage\.py\s+(\w+)", plain))

    assert named == {"collectstatic", "ensure_role", "migrate", "probe"}
    assert named <= set(get_commands())


def test_the_image_runs_as_nobody_in_particular_and_installs_the_lock(dockerfile: list[str]) -> None:
    users = [line.split()[1] for line in dockerfile if line.startswith("USER")]
    syncs = [line for line in dockerfile if "uv sync" in line]

    assert users == ["dayzero"]
    assert dockerfile.index("USER dayzero") < next(i for i, line in enumerate(dockerfile) if line.startswith("CMD"))
    assert len(syncs) == 1
    assert {"--locked", "--no-dev"} <= set(shlex.split(syncs[0]))


def test_the_image_holds_no_secret(dockerfile: list[str]) -> None:
    kept = [line for line in dockerfile if line.startswith(("ENV", "ARG"))]

    assert [line for line in kept if SECRETS.search(line)] == []


def test_the_web_command_uses_options_that_gunicorn_knows(dockerfile: list[str]) -> None:
    command = next(line for line in dockerfile if line.startswith("CMD"))
    words = list(yaml.safe_load(command.removeprefix("CMD ")))
    known = {option for setting in KNOWN_SETTINGS for option in setting.cli or ()}

    assert words[:2] == ["gunicorn", "config.wsgi:application"]
    assert "--no-control-socket" in words
    assert {word for word in words if word.startswith("--")} <= known


def test_the_image_leaves_out_what_an_installation_does_not_need(root: Path) -> None:
    left_out = set((root / ".dockerignore").read_text(encoding="utf-8").split())

    assert {".git", ".env", "tests", "var", ".venv"} <= left_out
