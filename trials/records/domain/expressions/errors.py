"""What is wrong with an expression (at publication) and what went wrong in one (at run time)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(eq=False)
class ExpressionError(Exception):
    """An expression that may not be published.

    ``message`` says what was found, ``expected`` what would do, ``near`` the valid name that lies nearest (or empty).

    >>> str(ExpressionError('nothing is called "SISBP" here', near="SYSBP"))
    'nothing is called "SISBP" here; did you mean: SYSBP?'
    """

    message: str
    expected: str = ""
    near: str = ""

    def __post_init__(self) -> None:
        super().__init__(str(self))

    def __str__(self) -> str:
        expected = f"; expected: {self.expected}" if self.expected else ""
        near = f"; did you mean: {self.near}?" if self.near else ""
        return f"{self.message}{expected}{near}"


class ExpressionFault(Exception):  # noqa: N818 - "error" is kept for what publication refuses
    """A rule that broke while it ran, never a blank. ``Compiled.evaluate`` turns it into ``NotEvaluable``.

    A Context may raise it, for example when a stored value does not have the type its item was published with.
    """


@dataclass(frozen=True, slots=True)
class NotEvaluable:
    """The answer of a rule that broke: the caller opens a system query. Never the same as unknown.

    It is neither true nor false: asking for its truth raises TypeError.
    """

    text: str
    cause: str

    def __bool__(self) -> bool:
        raise TypeError("a rule that could not be evaluated is neither true nor false")


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the valid name that lies nearest to ``name``, or an empty text.

    >>> nearest("SISBP", ["DIABP", "SYSBP"]), nearest("weight", ["WEIGHT"]), nearest("XYZ", ["WEIGHT"])
    ('SYSBP', 'WEIGHT', '')
    """
    folded = {each.casefold(): each for each in names}
    found = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else ""
