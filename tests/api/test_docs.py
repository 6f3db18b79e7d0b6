"""The guide's examples, run in one shell against a running server, and its table against the code."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import re
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from capture.services.data_entry import save_items
from config import settings_rest
from seeds.factories.access import PASSWORD, MembershipFactory, UserFactory
from seeds.factories.capture import VISITS, participant_in, site_of, slot_at, study_version
from seeds.factories.trials import SYSTEM
from trials.api.problems import PROBLEMS
from trials.domain.roles import Role

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"
TEXT = GUIDE.read_text()
MARK = "---- next example ----"
EXPECTED = [
    "64 characters",
    "GUIDE coordinator",
    "\n".join(str(visit["code"]) for visit in VISITS if visit["kind"] != "unscheduled"),
    '{"value":"36.8","unit":"Cel","null_flavour":null,"reason":"","derived":false}\nTemperature, °C',
    "304",
    "save 36.8",
    "400\nstate: one of in_progress, complete, not_done, removed",
    "204\n401",
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq (apt-get install)")
def test_every_example_of_the_guide_does_what_it_says(live_server: Any) -> None:
    site = site_of(study_version("GUIDE"))
    slot = slot_at(participant_in(site.activations.get().version, site), "SCR", "VS", on=date(2026, 1, 5))
    save_items(slot, {"TEMP": "36.8"}, actor=SYSTEM, expected_version=0)
    MembershipFactory(user=UserFactory(username="chen"), study=site.study, site=site, role=Role.COORDINATOR)
    examples = re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len(examples) == len(EXPECTED)
    given = {"DAYZERO": live_server.url, "STUDY": "GUIDE", "NAME": "chen", "PASSWORD": PASSWORD}
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"\necho '{MARK}'\n".join(examples)],
        env={**given, "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert [part.strip() for part in ran.stdout.split(MARK)] == EXPECTED


def test_the_guide_lists_the_problems_of_the_code() -> None:
    rows = re.findall(r"^\| ([a-z-]+) \| (\d+) \| (.+) \|$", TEXT, flags=re.MULTILINE)
    assert rows == [(problem.slug, str(problem.status), problem.meaning) for problem in PROBLEMS]


def test_the_guide_names_the_rates_of_the_settings() -> None:
    rates = settings_rest.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    assert rates == {"person": "600/min", "log_in": "10/min", "failure": "30/min"}
    for number, name in (("600", "PERSON"), ("10", "LOG_IN"), ("30", "FAILURE")):
        assert re.search(rf"{number} \S+\s[^`]*\(`API_RATE_{name}`\)", TEXT)
