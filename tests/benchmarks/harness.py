"""How arms are compared: interleaved in one process, their order turned each round, one ratio for each round."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from django.db import connection
from django.test.utils import CaptureQueriesContext

FRAME = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
Arm = Callable[[int], object]
"""One round of work; the argument is the round's number, 0 for the one that warms up and is not counted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison: ratio = slow arm / ours, a round at a time; times are seconds for one ``unit``."""

    name: str
    target: float | None
    ratios: tuple[float, ...]
    ours: tuple[float, ...]
    slow: tuple[float, ...]
    unit: str

    @property
    def passed(self) -> bool:
        """Whether the median reaches the target; what has no target is only shown."""
        return self.target is None or median(self.ratios) >= self.target

    def __str__(self) -> str:
        target = "no target" if self.target is None else f"target {self.target:g}"
        verdict = "" if self.target is None else "PASS" if self.passed else "FAIL"
        ratio = f"median {median(self.ratios):8.2f}  min {min(self.ratios):8.2f}"
        return (
            f"  {self.name:<52} {ratio}  {target:<11} {verdict:<4}"
            f"  ours {_milliseconds(self.ours)}, other {_milliseconds(self.slow)} per {self.unit}, n={len(self.ratios)}"
        )


@dataclass(frozen=True, slots=True)
class Count:
    """A number that must not be above its limit, such as SQL statements."""

    name: str
    found: int
    limit: int | None

    @property
    def passed(self) -> bool:
        """Whether the limit holds."""
        return self.limit is None or self.found <= self.limit

    def __str__(self) -> str:
        limit = "" if self.limit is None else f"at most {self.limit}"
        verdict = "" if self.limit is None else "PASS" if self.passed else "FAIL"
        return f"  {self.name:<52} {self.found:15}                {limit:<11} {verdict}"


Result = Line | Count


def _milliseconds(times: Sequence[float]) -> str:
    return f"{1000 * median(times):.2f} ms"


def compare(
    arms: Mapping[str, Arm], *, against: Mapping[str, float | None], rounds: int, per: int = 1, unit: str = "call"
) -> list[Line]:
    """Run all arms in every round, one after the other, and return the ratio of each other arm to ``ours``."""
    names = list(arms)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        turn = names[number % len(names) :] + names[: number % len(names)]
        for name in turn:
            gc.collect()
            began = perf_counter()
            arms[name](number)
            taken = perf_counter() - began
            if number:
                times[name].append(taken / per)
    ours = tuple(times["ours"])
    return [
        Line(
            name=name,
            target=target,
            ratios=tuple(slow / mine for slow, mine in zip(times[name], ours, strict=True)),
            ours=ours,
            slow=tuple(times[name]),
            unit=unit,
        )
        for name, target in against.items()
    ]


def count(name: str, work: Callable[[], object], limit: int | None) -> Count:
    """Count the SQL statements of a piece of work, without the frame of its transaction."""
    with CaptureQueriesContext(connection) as captured:
        work()
    return Count(name, sum(not each["sql"].startswith(FRAME) for each in captured.captured_queries), limit)


def require_equal(what: str, ours: object, other: object) -> None:
    """Stop unless the arms gave the same answer: a wrong answer has no speed."""
    if ours != other:
        raise AssertionError(f"{what}: the arms disagree.\nours:  {str(ours)[:600]}\nother: {str(other)[:600]}")
