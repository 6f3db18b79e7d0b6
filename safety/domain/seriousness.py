"""Serious is not severe: an event is serious by its outcome or danger, whatever its grade.

Source: ICH E2A (1994) section II.B; 21 CFR 312.32(a): six criteria, any one of which is enough.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from safety.domain.grading import Notice

SOURCE: Final = "ICH E2A, II.B"


class Criterion(StrEnum):
    """Why an event is serious; the names are the codes of the item SERIOUS of the form AE."""

    DEATH = "death"
    LIFE = "danger to life at the time of the event"
    HOSPITAL = "stay in hospital, or a longer one"
    DISABILITY = "lasting or significant disability"
    ANOMALY = "congenital anomaly"
    IMPORTANT = "important medical event"


@dataclass(frozen=True, slots=True)
class Seriousness:
    """Whether an event is serious, by which criteria, and what should be asked.

    ``serious`` is None when seriousness was not assessed (a null flavour), which is never "not serious".
    """

    serious: bool | None
    criteria: tuple[Criterion, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def fatal_or_life_threatening(self) -> bool:
        """True if the shorter reporting clock applies: 7 days instead of 15."""
        return Criterion.DEATH in self.criteria or Criterion.LIFE in self.criteria


def seriousness(
    codes: Collection[str] | None,
    *,
    grade: int | None = None,
    outcome: str | None = None,
    sponsor: Collection[str] = (),
) -> Seriousness:
    """Judge an event by the criteria ticked; the grade never makes it serious, but asks the question.

    ``codes``: criteria ticked by the investigator, empty when none applies, None when not assessed. ``sponsor``:
    criteria that the sponsor adds; either may declare danger to life, neither can take back the other's. Raises
    ValueError for another code.

    >>> seriousness(["HOSPITAL"], grade=2).serious, seriousness([], grade=4).serious, seriousness(None).serious
    (True, False, None)
    """
    ticked = {_criterion(code) for code in (*(codes or ()), *sponsor)}
    criteria = tuple(criterion for criterion in Criterion if criterion in ticked)
    serious = True if criteria else (None if codes is None else False)
    return Seriousness(serious, criteria, _notices(criteria, grade, outcome))


def _criterion(code: str) -> Criterion:
    if code in Criterion.__members__:
        return Criterion[code]
    raise ValueError(f"expected one of {', '.join(Criterion.__members__)}, found {code!r}")


def _notices(criteria: tuple[Criterion, ...], grade: int | None, outcome: str | None) -> tuple[Notice, ...]:
    found: list[Notice] = []
    if (grade == 5 or outcome == "FATAL") and Criterion.DEATH not in criteria:
        found.append(Notice("serious-death", "A fatal event is serious because of death: please tick it.", query=True))
    if grade == 4 and Criterion.LIFE not in criteria:
        text = "Grade 4 is severe, not by itself serious: was life in danger at the time?"
        found.append(Notice("serious-grade-4", text, query=True))
    if Criterion.DEATH in criteria and grade is not None and grade < 5 and outcome != "FATAL":
        found.append(Notice("serious-death-grade", "Death is ticked, but the grade is below 5.", query=True))
    return tuple(found)
