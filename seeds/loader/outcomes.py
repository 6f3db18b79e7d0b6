"""Outcome measures with their visits, in canonical shape."""

from __future__ import annotations

from typing import Any

from seeds.loader.schedule import ScheduleReader
from seeds.loader.work import Work
from trials.records.domain.expressions import nearest

LEVELS = ("primary", "secondary", "other")


def outcomes_document(work: Work, schedule: ScheduleReader) -> dict[str, Any]:
    """Return outcome: level, label, measures, visits; unknown visits and populations become problems."""
    found: dict[str, Any] = {}
    assert work.outcomes is not None
    for level in LEVELS:
        for name, outcome in getattr(work.outcomes, level).items():
            place = work.nodes["outcomes"].find(level, name)
            if name in found:
                work.problems.append(place.problem(f'the outcome "{name}" stands twice', expected="one entry each"))
            before = len(schedule.problems)
            visits = schedule.visits_of(place.find("at"), outcome.at, "")
            work.problems += schedule.problems[before:]
            until = schedule.codes.get(outcome.until, "")
            if outcome.until and not until:
                near = nearest(outcome.until, schedule.codes)
                work.problems.append(place.find("until").problem(f'"{outcome.until}" is not a visit', near=near))
            for population in outcome.populations:
                if population not in work.populations:
                    near = nearest(population, work.populations)
                    message = f'"{population}" is not a population of the study'
                    work.problems.append(place.find("for").problem(message, near=near))
            found[name] = {
                "level": level,
                "label": outcome.label,
                "measures": outcome.measure,
                "instrument": outcome.instrument,
                "where": outcome.model_dump(mode="json")["where"],
                "visits": visits,
                "until": until,
                "populations": outcome.populations,
                "kinds": outcome.kinds,
            }
    return found
