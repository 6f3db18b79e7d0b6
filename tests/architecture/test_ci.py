"""The script of the full check names what the README promises and every tool of the house."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands


@pytest.fixture(scope="module")
def script(root: Path) -> str:
    return (root / ".ci" / "run").read_text(encoding="utf-8")


def steps(script: str) -> list[str]:
    """Return the commands of the script's steps, in order."""
    return re.findall(r'^step "[^"]+" (.+)$', script, re.MULTILINE)


def test_the_script_runs(root: Path) -> None:
    assert os.access(root / ".ci" / "run", os.X_OK)
    assert subprocess.run(["bash", "-n", root / ".ci" / "run"], check=False).returncode == 0


def test_the_readme_s_test_command_is_the_first_thing_that_runs(root: Path, script: str) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8")

    assert "pip install uv && uv run pytest" in readme
    assert steps(script)[:2] == ["have_uv", "uv run pytest"]
    assert "pip install uv && command -v uv >/dev/null && return" in script


def test_every_tool_of_the_house_has_its_step(script: str) -> None:
    told = "\n".join(steps(script))

    for words in (
        "ruff check .",
        "ruff format --check .",
        "mypy manage.py config trials capture safety seeds tests",
        "lint-imports",
        "uv lock --check",
        "makemigrations --check",
        "write_docs --check",
        "production uv run manage.py check --deploy --fail-level WARNING",
        "spectacular --validate --fail-on-warn",
        'on_services uv run pytest -n 2 -m "not browser"',
        "in_browser uv run pytest -m browser",
    ):
        assert words in told


def test_a_missing_service_is_a_failure_there(script: str) -> None:
    assert re.search(r"on_services\(\) \{.*DAYZERO_REQUIRE_SERVICES=1", script)
    assert re.search(r"in_browser\(\) \{.*DAYZERO_REQUIRE_SERVICES=1", script)


def test_every_management_command_of_the_script_exists(script: str) -> None:
    named = set(re.findall(r"uv run manage\.py (\w+)", script))

    assert named == {"makemigrations", "write_docs", "check", "spectacular"}
    assert named <= set(get_commands())


def test_the_steps_end_in_a_failure_when_one_failed(script: str, tmp_path: Path) -> None:
    head, _, _ = script.partition('step "install uv"')
    tail = script[script.index("if [ ${#FAILED[@]}") :]
    trial = tmp_path / ".ci" / "run"
    trial.parent.mkdir()
    trial.write_text(head.replace("trap tidy EXIT", "") + 'step "good" true\nstep "bad" false\n' + tail)

    done = subprocess.run(["bash", trial], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "FAILED: bad" in done.stdout
    assert "FAILED: good" not in done.stdout
