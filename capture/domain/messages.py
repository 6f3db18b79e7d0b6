"""What the page, the interface and a command say about an item: one shape for ranges, checks, refusals and notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MessageLevel = Literal["refusal", "hard", "soft", "note", "fault"]
"""refusal: the text is no value of the item's type. hard, soft, note: a check fired. fault: a rule could not run."""

RANGE = "range"
REQUIRED = "required"
RULE = "rule"
"""Keys of the built-in checks; keys of a form's own checks are capitals. ``RULE`` prefixes a rule that broke."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message beside one item (``path``; empty: the whole form).

    ``code`` is stable (``range``, ``check``, ``not_a_number`` …), ``check`` the key of the query it belongs to
    (empty for a refusal). ``text`` says what is odd, ``expected`` against what, ``action`` what to do; ``found`` is the
    value alone where a single one is odd.
    """

    path: str
    level: MessageLevel
    code: str
    text: str
    expected: str = ""
    action: str = ""
    check: str = ""
    found: str = ""

    @property
    def key(self) -> str:
        """``path/check``: how an explanation names the check it explains.

        >>> Message("TEMP", "soft", "range", "41 is outside 35..40", check="range").key
        'TEMP/range'
        """
        return f"{self.path}/{self.check}"

    @property
    def sentence(self) -> str:
        """The whole message as one text."""
        parts = (self.text, f"Expected {self.expected}." if self.expected else "", self.action)
        return " ".join(part for part in parts if part)
