"""Why an item has no value: not done, not applicable, unknown (HL7 null flavours ND, NA, UNK)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from trials.records.domain.expressions import NOT_APPLICABLE, NOT_DONE, UNKNOWN, Blank

Flavour = Literal["ND", "NA", "UNK"]

LABELS: Final[dict[str, str]] = {"ND": "Not done", "NA": "Not applicable", "UNK": "Unknown"}
BLANKS: Final[dict[str, Blank]] = {"ND": NOT_DONE, "NA": NOT_APPLICABLE, "UNK": UNKNOWN}


@dataclass(frozen=True, slots=True)
class NullFlavour:
    """A reason for a blank, and the site's words for it (``why`` may be empty).

    >>> NullFlavour("ND", "machine broken").stored
    {'n': 'ND', 'why': 'machine broken'}
    """

    flavour: Flavour
    why: str = ""

    @property
    def stored(self) -> dict[str, str]:
        """The value as it stands in the record."""
        return {"n": self.flavour, "why": self.why}
