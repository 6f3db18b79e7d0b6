"""What is installed and from where: bounds, the lock's hosts, tools, and nothing of the place it was written in."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

HOSTS = {"https://pypi.org", "https://files.pythonhosted.org"}
DJANGO_ADD_ON = re.compile(r"^(django|djangorestframework|drf)\b|^whitenoise$|^psycopg$|^celery$")


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def unbounded(requirements: list[str]) -> list[str]:
    """Return the add-ons that lack a lower bound, or an upper one."""
    found = []
    for requirement in map(Requirement, requirements):
        signs = {part.operator for part in requirement.specifier}
        if DJANGO_ADD_ON.search(requirement.name) and not (signs & {">=", "==", "~="} and signs & {"<", "==", "~="}):
            found.append(requirement.name)
    return found


def foreign_hosts(lock: str) -> set[str]:
    """Return the hosts of a lock file that are not the public index's."""
    return set(re.findall(r"https?://[^/\"\s]+", lock)) - HOSTS


def test_every_django_add_on_has_a_lower_and_an_upper_bound(project: dict[str, Any]) -> None:
    assert unbounded(project["project"]["dependencies"]) == []
    assert unbounded(project["dependency-groups"]["dev"]) == []


def test_an_add_on_without_a_bound_is_found() -> None:
    assert unbounded(["django-axes>=8", "django-csp", "django-otp>=1.7,<2", "segno"]) == ["django-axes", "django-csp"]


def test_the_project_runs_on_python_3_11_and_is_not_a_package(project: dict[str, Any]) -> None:
    assert project["project"]["requires-python"] == ">=3.11"
    assert project["tool"]["uv"] == {"package": False, "default-groups": ["dev"]}


def test_the_lock_names_the_public_index_only(root: Path) -> None:
    lock = (root / "uv.lock").read_text(encoding="utf-8")

    assert foreign_hosts(lock) == set()
    assert "https://files.pythonhosted.org" in lock


def test_a_foreign_host_in_a_lock_is_found() -> None:
    assert foreign_hosts('url = "https://mirror.invalid/simple/a.whl"') == {"https://mirror.invalid"}


def test_the_lock_holds_every_dependency_within_its_bounds(root: Path, project: dict[str, Any]) -> None:
    lock = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))
    locked = {package["name"]: Version(package["version"]) for package in lock["package"] if "version" in package}
    wanted = map(Requirement, [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]])

    outside = [
        str(one) for one in wanted if one.name.lower() not in locked or locked[one.name.lower()] not in one.specifier
    ]

    assert outside == []


def test_one_version_of_each_package_serves_every_python(root: Path) -> None:
    lock = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))
    names = [package["name"] for package in lock["package"]]

    # The theme is the one that would fork by Python version, into two pages to test.
    assert names.count("django-unfold") == 1
    assert names.count("django") == 1


def test_types_are_checked_strictly_and_no_import_contract_is_softened(project: dict[str, Any]) -> None:
    assert project["tool"]["mypy"]["strict"] is True
    softened = [row["id"] for row in project["tool"]["importlinter"]["contracts"] if "ignore_imports" in row]
    assert softened == []


def test_every_pure_folder_is_under_the_purity_contract(root: Path, project: dict[str, Any]) -> None:
    contracts = {row["id"]: row for row in project["tool"]["importlinter"]["contracts"]}
    pure = [path for room in ("trials", "capture", "safety") for path in (root / room).rglob("*") if path.is_dir()]
    names = {
        path.relative_to(root).as_posix().replace("/", ".")
        for path in pure
        if path.name in {"domain", "designs", "instruments"} and any(path.glob("*.py"))
    }

    assert names <= set(contracts["purity"]["source_modules"])
    assert {"django", "rest_framework", "celery", "redis", "structlog", "random"} <= set(
        contracts["purity"]["forbidden_modules"]
    )


def test_nothing_kept_names_the_place_it_was_written_in(kept_files: list[Path], root: Path) -> None:
    # Put together from parts, so that this file does not find itself.
    places = ["/" + "root/", "/home/" + "[a-z]+/", "/" + "work/", "/Users/" + "[A-Za-z]+/", "C:" + r"\\Users"]
    tools = ["cop" + "ilot", "chat" + "gpt", "clau" + "de", "open" + "ai", "lang" + "uage model"]
    pattern = re.compile("|".join([*places, *(rf"\b{tool}\b" for tool in tools)]), re.IGNORECASE)
    found = {}

    for path in kept_files:
        if path.name == "uv.lock" or path.stat().st_size > 2_000_000:
            continue
        hit = pattern.search(path.read_bytes().decode("utf-8", errors="replace"))
        if hit:
            found[path.relative_to(root).as_posix()] = hit[0]

    assert found == {}
