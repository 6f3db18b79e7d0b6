"""What the trials room understands of a form: the items each kind needs, with their types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NeededItem:
    """An item that a bound form must have: one of ``types``; ``codes``, where the system reads exactly these codes."""

    name: str
    types: tuple[str, ...]
    codes: tuple[str, ...] = ()


DATES = ("date", "datetime")
KINDS: Mapping[str, tuple[NeededItem, ...]] = {
    "consent": (NeededItem("DOCUMENT", ("text",)), NeededItem("SIGNED", ("datetime",))),
    "demographics": (
        NeededItem("BIRTH", ("partialdate", "date")),
        NeededItem("SEX", ("choice",), ("F", "M")),
    ),
    "condition": (NeededItem("CONDITION", ("choice",)),),
    "lymphodepletion": (NeededItem("DRUG", ("choice",)), NeededItem("DATE", DATES)),
    "infusion": (
        NeededItem("PRODUCT", ("choice",)),
        NeededItem("LOT", ("text",)),
        NeededItem("START", ("datetime",)),
        NeededItem("END", ("datetime",)),
        NeededItem("CELLS", ("number",)),
        NeededItem("DOSE", ("number",)),
        NeededItem("COMPLETE", ("yesno",)),
    ),
    "disposition": (NeededItem("DATE", DATES), NeededItem("STATUS", ("choice",))),
    "death": (NeededItem("DATE", DATES), NeededItem("DISEASE", ("yesno",))),
    "deviation": (
        NeededItem("DATE", DATES),
        NeededItem("KIND", ("choice",)),
        NeededItem("WHAT", ("text", "note")),
        NeededItem("WEIGHTY", ("yesno",)),
    ),
}
"""Kind: needed items. Other items of a bound form are free."""

REQUIRED_KINDS = ("consent", "demographics", "infusion", "disposition", "death")
"""Every study needs a form of each of these kinds."""
