"""What a child process of a sweep test does: ``python -m tests.support.safety_child prepare | sweep | stall …``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import django

django.setup()

from safety.services import dlt, watch  # noqa: E402
from seeds.factories.trials import MemberFactory  # noqa: E402
from tests.support.safety import DAY_0, FEBRILE, infused, published, save_log, set_clock, site_in  # noqa: E402
from trials.domain.roles import Role  # noqa: E402
from trials.models import Study  # noqa: E402

PEOPLE = 6
PRESSORS = {**FEBRILE, "HYPOTENSION": "Y", "PRESSORS": "2", "HYPOTENSION_OTHER": "N"}
POINTS = {"before the commit": (dlt, "request_notifications"), "before the cursor": (watch, "move_cursor")}


def prepare() -> None:
    """Make participants with CRS of grade 4 whom nobody has judged yet, and two people to be told."""
    site = site_in(published())
    MemberFactory(site=site, role=Role.MEDICAL_MONITOR, whole_study=True, username="liu")
    MemberFactory(site=site, role=Role.INVESTIGATOR, username="wang")
    for _ in range(PEOPLE):
        save_log(infused(site), "CRS", PRESSORS, at="2026-10-13T08:00")


def on_day(number: int) -> None:
    at = datetime(DAY_0.year, DAY_0.month, DAY_0.day, 10, tzinfo=UTC) + timedelta(days=number)
    set_clock(Study.objects.get(), at)


def stall(point: str, after: int) -> None:
    """Sweep, and stop for ever at the ``after``-th passing of a point, so that the process can be killed there."""
    module, name = POINTS[point]
    real: Callable[..., Any] = getattr(module, name)
    passed = 0

    def pause(*given: Any, **named: Any) -> Any:
        nonlocal passed
        passed += 1
        if passed == after:
            print("reached", flush=True)  # noqa: T201 - read by the test
            time.sleep(300)
        return real(*given, **named)

    setattr(module, name, pause)
    watch.sweep()


def main(action: str, *words: str) -> None:
    match action:
        case "prepare":
            prepare()
        case "day":
            on_day(int(words[0]))
        case "sweep":
            print("swept:", watch.sweep())  # noqa: T201 - read by the test
        case "stall":
            stall(words[0], int(words[1]))
        case _:
            raise SystemExit(f"unknown action {action}")


if __name__ == "__main__":
    main(*sys.argv[1:])
