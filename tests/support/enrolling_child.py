"""What a child process of the enrolment races does: ``python -m tests.support.enrolling_child prepare | race …``."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import date

import django
from django.db import connections

django.setup()

from seeds.factories.trials import SYSTEM, ParticipantFactory, SiteFactory  # noqa: E402
from trials.models import DoseLevel, Participant, Site  # noqa: E402
from trials.records.domain.errors import DomainError  # noqa: E402
from trials.services.dosing import assign_dose  # noqa: E402
from trials.services.participants import register_participant  # noqa: E402

OID = "RACE"


def prepare(cap: int, waiting: int) -> None:
    """Make a study with a cap and a site, and consented participants who wait for a dose level."""
    site = SiteFactory(oid=OID, code="01", cap=cap)
    for _ in range(waiting):
        ParticipantFactory(site=site)


def register(_number: int) -> None:
    site = Site.objects.select_related("study").get(study__oid=OID)
    register_participant(site, actor=SYSTEM, consented_on=date(2026, 1, 5))


def enrol(number: int) -> None:
    participant = Participant.objects.select_related("study", "site", "version").get(study__oid=OID, sequence=number)
    level = DoseLevel.objects.select_related("arm").get(study__oid=OID, number=1)
    assign_dose(participant, arm=level.arm, dose_level=level, actor=SYSTEM)


ACTS: dict[str, Callable[[int], None]] = {"register": register, "enrol": enrol}


def race(name: str, first: int, count: int) -> None:
    """Do an act in many threads at once; says how often it was done, refused with which codes, or failed."""
    outcomes: Counter[str] = Counter()
    start_line = threading.Barrier(count)

    def work(number: int) -> None:
        try:
            start_line.wait()
            ACTS[name](number)
            outcomes["done"] += 1
        except DomainError as error:
            outcomes[",".join(error.codes)] += 1
        except Exception as error:  # noqa: BLE001 - a test counts whatever goes wrong
            outcomes[f"{type(error).__name__}: {error}"] += 1
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work, args=(first + number,)) for number in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(sorted(outcomes.items()))  # noqa: T201 - read by the test


def main(action: str, *words: str) -> None:
    match action:
        case "prepare":
            prepare(int(words[0]), int(words[1]))
        case "race":
            race(words[0], int(words[1]), int(words[2]))
        case _:
            raise SystemExit(f"unknown action {action}")


if __name__ == "__main__":
    main(*sys.argv[1:])
