"""Refusals that say what was expected, what was found and what to do.

A service collects every refusal it can find and raises them together, so that a page, an admin action, a REST client
and a command all show the same list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why an act was refused.

    ``code`` is stable and documented (``docs/errors.md``); ``expected``, ``found`` and ``action`` are sentences for a
    person; ``where`` names the place (an item path, a field, a file and line), empty when the whole act is meant.

    >>> str(Refusal("range", expected="30 to 45", found="52", action="Correct the value.", where="TEMP"))
    'TEMP: expected 30 to 45, found 52. Correct the value.'
    """

    code: str
    expected: str
    found: str
    action: str
    where: str = ""
    link: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}expected {self.expected}, found {self.found}. {self.action}"


@dataclass(eq=False)
class DomainError(Exception):
    """One or more refusals; nothing was written.

    ``kind`` decides how an edge answers: ``invalid`` (400), ``forbidden`` (403), ``unknown`` (404), ``conflict`` (409),
    ``locked`` (423), ``unavailable`` (503).
    """

    refusals: tuple[Refusal, ...]
    kind: str = "invalid"
    detail: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__("; ".join(str(refusal) for refusal in self.refusals))

    def __iter__(self) -> Iterator[Refusal]:
        return iter(self.refusals)

    @property
    def codes(self) -> tuple[str, ...]:
        """The stable codes, in the order in which they were found."""
        return tuple(refusal.code for refusal in self.refusals)


def refuse(
    code: str, *, expected: str, found: str, action: str, where: str = "", kind: str = "invalid", link: str = ""
) -> DomainError:
    """Return an error of a single refusal, to be raised by the caller."""
    return DomainError((Refusal(code, expected, found, action, where, link),), kind=kind)


def raise_all(refusals: Iterable[Refusal], *, kind: str = "invalid") -> None:
    """Raise one error that carries all refusals; do nothing when there are none."""
    found = tuple(refusals)
    if found:
        raise DomainError(found, kind=kind)
