"""What a form file and outcomes.yaml may hold, after ``extends``, ``each`` and code lists are resolved.

A resolved form is flat: every item names its group.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from trials.definition.fields import (
    Labels,
    Number,
    Range,
    Rule,
    Section,
    Span,
    Text,
    Whole,
    Words,
    name_like,
    one_of,
    refusal,
)
from trials.definition.sections import CAPITALS, FormName

ITEM_TYPES = (
    "text",
    "note",
    "integer",
    "number",
    "date",
    "partialdate",
    "time",
    "datetime",
    "yesno",
    "choice",
    "choices",
    "file",
)
OUTCOME_KINDS = (
    "change",
    "percent change",
    "log2 change",
    "value",
    "counts",
    "response",
    "proportion",
    "rate",
    "relapse rate",
    "time to event",
    "events",
    "participants",
    "worst grade",
    "Cmax",
    "Tmax",
    "Tlast",
    "AUC",
    "decision",
    "file",
)
NULLS = {"not done": "ND", "not applicable": "NA", "unknown": "UNK"}
NUMBERS = {"integer", "number"}

ItemName = Annotated[str, name_like("item, group or check", r"[A-Z][A-Z0-9_]{0,31}", "capitals, digits and _")]
OutcomeName = Annotated[str, name_like("outcome", r"[A-Z][A-Z0-9_-]{0,19}", CAPITALS)]


def _nulls(value: Any) -> list[str]:
    given = value if isinstance(value, list) else [value]
    for each in given:
        if each not in NULLS:
            raise refusal(f'"{each}" is not a reason for a blank', f"any of {', '.join(NULLS)}")
    return [NULLS[each] for each in given]


def _required(value: Any) -> Any:
    return {"expression": str(value), "from": getattr(value, "file", "")} if isinstance(value, str) else value


def _repeat(value: Any) -> list[int]:
    span = Span.read(value) if isinstance(value, str) else None
    if span is None or span.low is None or span.high is None or span.low < 0 or span.high > 200:
        raise refusal(f'"{value}" is not a number of rows', "a range such as 1..10, at most 200")
    return [int(span.low), int(span.high)]


class ItemSection(Section):
    """One item; ``group`` is set by the reader."""

    group: str = ""
    label: Text
    heading: Text = ""
    help: Text = ""
    type: Annotated[str, one_of("type", *ITEM_TYPES)]
    unit: Text | None = None
    also: dict[str, Number | None] = {}
    decimals: Annotated[Whole, Field(ge=0, le=9)] | None = None
    codes: Labels = {}
    codes_from: str = ""
    code_list: str = ""
    hard: Range | None = None
    soft: Range | None = None
    required: Annotated[bool | dict[str, str], BeforeValidator(_required)] = True
    show: Rule | None = None
    nulls: Annotated[list[str], PlainValidator(_nulls)] = ["ND", "NA", "UNK"]
    formula: Rule | None = None
    instrument: Text | None = None
    weight: Number | None = None
    lab: Text = ""
    sdtm: Text = ""

    @model_validator(mode="after")
    def keys_fit(self) -> ItemSection:
        """Refuse keys that do not go with the item's type, and ranges that contradict each other."""
        if self.type not in NUMBERS:
            given = [key for key in ("unit", "hard", "soft", "decimals") if getattr(self, key) is not None]
            if given and not _scale(self):
                raise refusal(f"{given[0]} does not go with the type {self.type}", "an integer or a number")
        if self.formula is not None and self.instrument is not None:
            raise refusal("the item has a formula and an instrument", "one of the two")
        if self.type in {"choice", "choices"} and not self.codes and not self.codes_from:
            raise refusal(f"an item of the type {self.type} needs codes", "codes: a list, or code: label pairs")
        if self.also and self.unit is None:
            raise refusal("also needs a unit", "unit: the unit that is stored")
        if self.hard is not None and self.soft is not None and not _inside(self.soft, self.hard):
            raise refusal(f"soft {self.soft} reaches outside hard {self.hard}", "a soft range inside the hard one")
        return self


def _scale(item: ItemSection) -> bool:
    return item.type == "choice" and item.hard is None and item.soft is None and item.unit is None


def _inside(inner: Span, outer: Span) -> bool:
    low = outer.low is None or (inner.low if inner.low is not None else outer.low) >= outer.low
    high = outer.high is None or (inner.high if inner.high is not None else outer.high) <= outer.high
    return low and high


class GroupSection(Section):
    """A group of items; the items themselves stand in the form's ``items``."""

    label: Text = ""
    help: Text = ""
    repeat: Annotated[list[int], PlainValidator(_repeat)] | None = None
    rows: Labels = {}
    show: Rule | None = None

    @model_validator(mode="after")
    def one_kind_of_rows(self) -> GroupSection:
        """Rows are added or fixed, not both."""
        if self.repeat is not None and self.rows:
            raise refusal("the group has repeat and rows", "one of the two")
        return self


class CheckSection(Section):
    """One edit check."""

    when: Rule
    say: Text
    level: Annotated[str, one_of("level", "hard", "soft", "note")] = "soft"
    on: Text = ""


class FormSection(Section):
    """A form, resolved and flat."""

    form: FormName
    label: Text
    help: Text = ""
    domain: Text = ""
    binds: Text = ""
    cites: Text = ""
    groups: dict[ItemName, GroupSection] = {}
    items: dict[ItemName, ItemSection]
    checks: dict[ItemName, CheckSection] = {}


class OutcomeSection(Section):
    """One outcome measure."""

    label: Text
    measure: Words = []
    instrument: Text = ""
    where: Rule | None = None
    at: Words = []
    until: Text = ""
    populations: Words = Field(default=[], alias="for")
    kinds: Words = Field(alias="as")

    @model_validator(mode="after")
    def complete(self) -> OutcomeSection:
        """An outcome says what it measures and when, and as what."""
        if bool(self.measure) == bool(self.instrument):
            raise refusal("the outcome needs a measure or an instrument", "exactly one of the two")
        if bool(self.at) == bool(self.until):
            raise refusal("the outcome needs a time", "exactly one of at and until")
        wrong = [kind for kind in self.kinds if kind not in OUTCOME_KINDS]
        if wrong:
            raise refusal(f'"{wrong[0]}" is not a way to show an outcome', f"one of {', '.join(OUTCOME_KINDS)}")
        return self


class OutcomesSection(Section):
    """outcomes.yaml."""

    primary: dict[OutcomeName, OutcomeSection] = {}
    secondary: dict[OutcomeName, OutcomeSection] = {}
    other: dict[OutcomeName, OutcomeSection] = {}
