"""What an adverse event is attributed to, and what follows from it.

Five-point scale; "possible" or stronger is a suspected causal relation [R] (ICH E2A asks for a reasonable possibility).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import IntEnum
from typing import Final


class Causality(IntEnum):
    """How likely one agent is the cause, from the weakest."""

    UNRELATED = 0
    UNLIKELY = 1
    POSSIBLE = 2
    PROBABLE = 3
    DEFINITE = 4


RELATED_FROM: Final = Causality.POSSIBLE
PRODUCT: Final = "CART"
"""The item of the group CAUSES that asks for the product under study."""

Causes = Mapping[str, Causality | None]
"""Causality by item of the group CAUSES (CART, LYMPHODEPLETION, DISEASE, OTHER); None = not assessed."""


def causality(code: object) -> Causality | None:
    """Read a code of the form; None stays None. Raises ValueError for another code.

    >>> causality("POSSIBLE").name
    'POSSIBLE'
    """
    if code is None:
        return None
    if isinstance(code, str) and code in Causality.__members__:
        return Causality[code]
    raise ValueError(f"expected one of {', '.join(Causality.__members__)}, found {code!r}")


def is_related(causes: Causes, agents: Collection[str] = (PRODUCT,)) -> bool | None:
    """Whether the event is related to any of the agents; None while an assessment that could say so is missing.

    >>> is_related({"CART": Causality.UNLIKELY}), is_related({"CART": Causality.POSSIBLE}), is_related({})
    (False, True, None)
    """
    found = [causes.get(agent) for agent in agents]
    if any(value is not None and value >= RELATED_FROM for value in found):
        return True
    return None if None in found else False


def is_due_to(causes: Causes, agent: str) -> bool | None:
    """Whether another agent explains the event: at least possible, and more likely than the product under study [R].

    An equal likelihood does not excuse the product, so that a doubt ends in adjudication and not in silence.

    >>> is_due_to({"CART": Causality.POSSIBLE, "DISEASE": Causality.PROBABLE}, "DISEASE")
    True
    >>> is_due_to({"CART": Causality.POSSIBLE, "DISEASE": Causality.POSSIBLE}, "DISEASE")
    False
    """
    other, product = causes.get(agent), causes.get(PRODUCT)
    if other is not None and other < RELATED_FROM:
        return False
    if product is Causality.DEFINITE:
        return False
    if other is None or product is None:
        return None
    return other > product


def combined(investigator: Causality | None, sponsor: Causality | None) -> Causality | None:
    """The stronger of two assessments: a sponsor may raise the investigator's causality, never lower it.

    >>> combined(Causality.PROBABLE, Causality.UNRELATED).name
    'PROBABLE'
    """
    return max((value for value in (investigator, sponsor) if value is not None), default=None)
