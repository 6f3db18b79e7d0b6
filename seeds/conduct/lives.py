"""What happens to each simulated participant, and when: pure, decided by one seeded source of randomness.

This is enough for every page to have something to show. Dates are local to the site; offsets count from the infusion.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random  # noqa: TID251 - seeds is where randomness is made
from typing import Literal

from trials.definition.compiled import TrialDefinition, VisitPlan

Scene = Literal[
    "follow_up", "late_visit", "missing", "withdrawn", "dlt", "closing", "screening", "failed", "waiting", "completed"
]

FIRST_SCENES: tuple[tuple[Scene, int | None], ...] = (("dlt", 14), ("screening", None), ("late_visit", 76))
"""Scene and days since the infusion at the end of the simulation, of the first participants of every study."""
SCENES: tuple[tuple[Scene, int | None], ...] = (
    ("closing", 25),
    ("missing", 40),
    ("failed", None),
    ("completed", 68),
    ("waiting", -5),
    ("withdrawn", 60),
    ("follow_up", 50),
    ("follow_up", 72),
)
"""The same of those who follow, turn by turn; each study begins at another place, so that a few show all."""
TURN = 3

SCREENED_BEFORE = 20
CONSENT_TO_DOSE = 8
COMPLETED_AFTER = 66
"""Days from infusion to the end of study. Shorter than any of the protocols: it keeps the simulation short."""


@dataclass(frozen=True, slots=True)
class CrsDay:
    """Findings of one day's CRS assessment, as the form's texts."""

    day: int
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Event:
    """One adverse event: CTCAE term, day of onset, length (None: ongoing), grade, cause."""

    term: str
    day: int
    length: int | None
    grade: int
    cart: str = "POSSIBLE"


@dataclass(frozen=True, slots=True)
class Life:
    """One participant's course. ``infused_on`` None: not infused; visits happen on ``visit_days`` (code, day)."""

    number: int
    scene: Scene
    condition: str
    arm: str
    sex: str
    born: date
    weight: int
    screened_on: date
    infused_on: date | None
    planned_on: date | None
    ends_on: date | None
    visits: tuple[tuple[str, date], ...]
    crs: tuple[CrsDay, ...] = ()
    icans: tuple[tuple[int, int], ...] = ()
    events: tuple[Event, ...] = ()
    gaps: frozenset[str] = field(default_factory=frozenset)


GAPS: dict[Scene, frozenset[str]] = {
    "missing": frozenset({"CHEM.CRP", "HEM.ALC"}),
    "late_visit": frozenset({"CHEM.CRP"}),
}
"""Items that stay blank, with a reason."""


def plan_lives(
    trial: TrialDefinition, participants: int, *, until: date, source: Random, turn: int = 0
) -> tuple[Life, ...]:
    """Return the lives of a study's participants; the same source and arguments give the same lives."""
    return tuple(_life(trial, number, turn, until=until, source=source) for number in range(participants))


def scene_of(number: int, turn: int) -> tuple[Scene, int | None, int]:
    """Return the scene of a study's participant, its days since the infusion, and how often it came before."""
    if number < len(FIRST_SCENES):
        return (*FIRST_SCENES[number], 0)
    place = number - len(FIRST_SCENES)
    return (*SCENES[(place + TURN * turn) % len(SCENES)], place // len(SCENES))


def _life(trial: TrialDefinition, number: int, turn: int, *, until: date, source: Random) -> Life:
    scene, since, before = scene_of(number, turn)
    later = 3 * before
    infused = until - timedelta(days=since + later) if since is not None and since >= 0 else None
    planned = until - timedelta(days=since) if since is not None and since < 0 else infused
    screened = (planned or until) - timedelta(days=SCREENED_BEFORE if planned else 3 + later)
    ends = None
    if scene == "withdrawn" and infused:
        ends = infused + timedelta(days=33)
    elif scene == "completed" and infused:
        ends = infused + timedelta(days=COMPLETED_AFTER)
    elif scene == "failed":
        screened = until - timedelta(days=30 + later)
        ends = screened + timedelta(days=6)
    conditions, arms = tuple(trial.conditions), tuple(trial.arms)
    sex = source.choice("FM")
    return Life(
        number=number,
        scene=scene,
        condition=conditions[number % len(conditions)],
        arm=arms[number % len(arms)],
        sex=sex,
        born=date(until.year - source.randint(22, 66), source.randint(1, 12), source.randint(1, 28)),
        weight=source.randint(48, 74) if sex == "F" else source.randint(58, 92),
        screened_on=screened,
        infused_on=infused,
        planned_on=planned,
        ends_on=ends,
        visits=tuple(_visits(trial, scene, screened, infused, planned, ends, until=until, source=source)),
        crs=_crs(scene, infused, until),
        icans=_icans(scene, infused, until),
        events=_events(scene, infused, until, source),
        gaps=GAPS.get(scene, frozenset()),
    )


def _visits(
    trial: TrialDefinition,
    scene: Scene,
    screened: date,
    infused: date | None,
    planned: date | None,
    ends: date | None,
    *,
    until: date,
    source: Random,
) -> list[tuple[str, date]]:
    """Return the visits that took place: each within its window, one late where the scene says so."""
    found = [("SCR", screened)]
    anchor = infused or planned
    for visit in trial.visits:
        if visit.kind != "scheduled" or visit.code == "SCR" or anchor is None or visit.opens is None:
            continue
        day = anchor + timedelta(days=_day(visit, source))
        if scene == "late_visit" and visit.code == "M2":
            day = anchor + timedelta(days=(visit.closes or 0) + 4)
        waits = scene == "dlt" and visit.code == "D14"
        past = day <= until and (ends is None or day <= ends) and day >= screened
        if past and not waits and (infused is not None or day < until):
            found.append((visit.code, day))
    return sorted(found, key=lambda each: each[1])


def _day(visit: VisitPlan, source: Random) -> int:
    opens, closes = visit.opens or 0, visit.closes or 0
    if visit.target is None:
        return max(opens, min(closes, -15)) if opens < -15 <= closes else opens
    spread = min(visit.target - opens, closes - visit.target, 2)
    return visit.target + source.randint(-spread, spread) if spread > 0 else visit.target


def _crs(scene: Scene, infused: date | None, until: date) -> tuple[CrsDay, ...]:
    if infused is None or scene == "closing":
        return ()
    worst = {"dlt": "2", "late_visit": "2"}.get(scene, "1")
    days = [
        CrsDay(1, _findings("37.4")),
        CrsDay(3, _findings("38.6")),
        CrsDay(4, _findings("39.1", oxygen="CANNULA", flow="3") if worst == "2" else _findings("38.9")),
        CrsDay(5, _findings("38.1")),
        CrsDay(7, _findings("36.8")),
    ]
    return tuple(each for each in days if infused + timedelta(days=each.day) <= until)


def _findings(temperature: str, *, oxygen: str = "NONE", flow: str = "") -> dict[str, str]:
    values = {
        "TEMP": temperature,
        "FEVER_OTHER": "N",
        "TREATED": "NONE",
        "HYPOTENSION": "N",
        "PRESSORS": "0",
        "VASOPRESSIN": "N",
        "OXYGEN": oxygen,
        "HYPOXIA_OTHER": "N",
        "DIED": "N",
    }
    return {**values, "FLOW": flow} if flow else values


def _icans(scene: Scene, infused: date | None, until: date) -> tuple[tuple[int, int], ...]:
    """Return (day, ICE score) of each ICANS assessment."""
    if infused is None:
        return ()
    scores = {"dlt": ((5, 9), (6, 2), (7, 6), (9, 10)), "late_visit": ((6, 8), (8, 10))}.get(scene, ((6, 10),))
    return tuple(each for each in scores if infused + timedelta(days=each[0]) <= until)


def _events(scene: Scene, infused: date | None, until: date, source: Random) -> tuple[Event, ...]:
    if infused is None:
        return ()
    found = [
        Event("Fever", 3, 3, 1 if scene != "dlt" else 2, "PROBABLE"),
        Event("Neutrophil count decreased", 6, 9, source.choice((2, 3)), "POSSIBLE"),
        Event("Fatigue", 2, None if scene == "dlt" else 12, 1, "POSSIBLE"),
    ]
    if scene == "late_visit":
        found.append(Event("Lung infection", 45, 10, 3, "POSSIBLE"))
    if scene == "closing":
        found.append(Event("Alanine aminotransferase increased", 12, None, 3, "PROBABLE"))
    return tuple(each for each in found if infused + timedelta(days=each.day) <= until)
