"""What a bound form must hold for the system to understand it: the items of each kind.

``required`` are the item names without which the kind's typed row cannot be written; ``optional`` are read when the
form has them. A name may stand in any group of the form; ``rows`` names items that are read row by row of their
repeating group. The loader refuses a bound form that lacks a required item.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class KindItems:
    """The items that a kind needs and reads, and the small names that it offers in return."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()


KINDS: Final[Mapping[str, KindItems]] = {
    "consent": KindItems(("SIGNED",), ("DOCUMENT", "COPY"), ("consented_on",)),
    "demographics": KindItems(("BIRTH", "SEX"), ("AGE", "WOCBP", "PARTNER"), ("birth_date", "sex")),
    "condition": KindItems(("CONDITION",), (), ("condition",)),
    "lymphodepletion": KindItems(("DRUG", "DATE", "DOSE"), ("CHANGED", "WHY")),
    "infusion": KindItems(
        ("PRODUCT", "START", "END", "CELLS", "DOSE", "COMPLETE"),
        ("LOT", "IDENTITY", "WHY"),
        ("infused_on", "infused_at", "last_infused_on"),
    ),
    "disposition": KindItems(("DATE", "STATUS"), ("WHY",)),
    "death": KindItems(("DATE",), ("CAUSE", "DISEASE", "AUTOPSY")),
    "deviation": KindItems(("DATE", "KIND", "WHAT"), ("WEIGHTY",)),
    "adverse_event": KindItems(
        ("TERM", "CTCAE", "START", "ONGOING", "END", "OUTCOME", "SERIOUS", "GRADE", "FROM"),
        ("START_TIME", "CART", "LYMPHODEPLETION", "DISEASE", "OTHER"),
        ("grade", "started", "ended", "serious", "related"),
    ),
    "crs": KindItems(
        ("AT", "TEMP", "TREATED", "HYPOTENSION", "PRESSORS", "VASOPRESSIN", "OXYGEN", "FLOW", "DIED"),
        ("FEVER_OTHER", "FEVER_BEFORE", "HYPOTENSION_OTHER", "AIRWAY_ONLY", "HYPOXIA_OTHER"),
        ("grade", "started", "ended"),
    ),
    "icans": KindItems(
        ("AT", "ICE_DONE", "CONSCIOUSNESS", "SEIZURE", "MOTOR", "OEDEMA", "DIED", "SCORE"),
        ("CONSCIOUSNESS_OTHER", "SEIZURE_MIN", "SEIZURE_OTHER", "MOTOR_OTHER", "HAEMORRHAGE"),
        ("grade", "started", "ended"),
    ),
    "gvhd": KindItems(("AT", "SKIN", "LIVER", "UPPER_GUT", "LOWER_GUT"), (), ("grade", "started", "ended")),
}
"""Kind: its items. ``labs`` and kinds of later rooms are added here, never in a form."""


def missing_items(kind: str, names: frozenset[str] | set[str]) -> tuple[str, ...]:
    """Return the required items of a kind that a form does not have; KeyError for an unknown kind.

    >>> missing_items("demographics", {"SEX", "AGE"})
    ('BIRTH',)
    """
    return tuple(name for name in KINDS[kind].required if name not in names)
