"""The ICE score (immune effector cell-associated encephalopathy), 0 to 10 points.

Source: Lee DW et al., Biol Blood Marrow Transplant 2019;25:625-638, doi 10.1016/j.bbmt.2018.12.758, Table 4.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

POINTS: Final = {
    "year": 1,
    "month": 1,
    "city": 1,
    "hospital": 1,
    "objects_named": 3,
    "follows_command": 1,
    "writes_sentence": 1,
    "counts_backwards": 1,
}
"""Most points of each task; one point for each object that is named."""


@dataclass(frozen=True, slots=True)
class IceAnswers:
    """Points of each task; None = not assessed. ``objects_named`` 0 to 3, the others 0 or 1 (false or true)."""

    year: int | None = None
    month: int | None = None
    city: int | None = None
    hospital: int | None = None
    objects_named: int | None = None
    follows_command: int | None = None
    writes_sentence: int | None = None
    counts_backwards: int | None = None


def ice_score(answers: IceAnswers) -> int | None:
    """Add the points; None when a task was not assessed, since a blank is not a failed task.

    Raises ValueError for points outside the range of a task.

    >>> ice_score(IceAnswers(1, 1, 1, 1, 2, 1, 1, 1))
    9
    """
    points: dict[str, int | None] = asdict(answers)
    for task, most in POINTS.items():
        found = points[task]
        if found is not None and not 0 <= found <= most:
            raise ValueError(f"{task} gives 0 to {most} points, found {found}")
    assessed = [int(found) for found in points.values() if found is not None]
    return sum(assessed) if len(assessed) == len(POINTS) else None
