"""Cytokine release syndrome, ASTCT 2019: the findings and the tables.

Source: Lee DW et al., Biol Blood Marrow Transplant 2019;25:625-638, doi 10.1016/j.bbmt.2018.12.758, Table 2 and its
footnotes. Organ toxicities are graded by CTCAE and never change this grade. CTCAE has a term of the same name with
other limits; the two are never mixed, so every grade carries its scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from safety.domain.grading import Condition, Row, Table, Value

SCALE: Final = "ASTCT 2019"
SOURCE: Final = "Lee 2019, Table 2"
FOOTNOTE: Final = "Lee 2019, Table 2, footnotes"
TEXT: Final = "Lee 2019, text"
FEVER_FROM: Final = Decimal("38.0")
"""Lowest temperature that is fever, in °C; the edge belongs to it."""
LOW_FLOW_UP_TO: Final = Decimal(6)
"""Highest flow that is low flow, in L/min; the edge belongs to it."""


class Oxygen(StrEnum):
    """How oxygen was given; the most supportive device in use."""

    NONE = "none"
    CANNULA = "nasal cannula"
    BLOWBY = "blow-by"
    MASK = "mask"
    HFNC = "high-flow device"
    POSITIVE = "CPAP or BiPAP"
    VENTILATOR = "ventilator"


class Treatment(StrEnum):
    """What had been given before the assessment that can hide a fever; the strongest one."""

    NONE = "nothing"
    ANTIPYRETIC = "an antipyretic"
    ANTICYTOKINE = "tocilizumab or steroids"


@dataclass(frozen=True, slots=True)
class CrsFindings:
    """What was found at one assessment; None = not recorded.

    ``temperature`` in °C, ``flow`` in L/min (0 to 80). ``vasopressors`` counts vasopressors other than vasopressin.
    ``began_with_fever``: the episode that this assessment belongs to began with a qualifying fever. ``*_other_cause``:
    the finding is attributed to another cause. ``airway_only``: intubated to protect the airway or for a procedure,
    without hypoxia. ``died``: died of CRS with no other principal cause (a blank is no statement of death).
    """

    temperature: Decimal | None = None
    fever_other_cause: bool | None = None
    began_with_fever: bool | None = None
    treatment: Treatment | None = None
    hypotension: bool | None = None
    vasopressors: int | None = None
    vasopressin: bool | None = None
    hypotension_other_cause: bool | None = None
    oxygen: Oxygen | None = None
    flow: Decimal | None = None
    hypoxia_other_cause: bool | None = None
    airway_only: bool | None = None
    died: bool | None = None


HYPOTENSION: Final[Table] = (
    Row(
        "CRS-BP-OTHER", 0, (Condition("hypotension_other_cause", "is", True),), "hypotension of another cause", FOOTNOTE
    ),
    Row(
        "CRS-BP-4",
        4,
        (Condition("vasopressors", ">=", 2),),
        "{vasopressors} vasopressors",
        SOURCE,
        "a second vasopressor (vasopressin is not counted)",
    ),
    Row("CRS-BP-3", 3, (Condition("vasopressors", ">=", 1),), "one vasopressor", SOURCE, "a vasopressor"),
    Row("CRS-BP-3V", 3, (Condition("vasopressin", "is", True),), "vasopressin alone", SOURCE, certainty="R"),
    Row(
        "CRS-BP-2",
        2,
        (Condition("hypotension", "is", True),),
        "hypotension without a vasopressor",
        SOURCE,
        "hypotension",
    ),
    Row("CRS-BP-0", 0, (), "no hypotension", SOURCE),
)
"""Hypotension, the most severe row first."""

_FLOW_DEVICES: Final = (Oxygen.CANNULA.value, Oxygen.HFNC.value)
HYPOXIA: Final[Table] = (
    Row("CRS-O2-OTHER", 0, (Condition("hypoxia_other_cause", "is", True),), "oxygen for another cause", FOOTNOTE),
    Row(
        "CRS-O2-AIRWAY",
        0,
        (Condition("oxygen", "is", Oxygen.VENTILATOR.value), Condition("airway_only", "is", True)),
        "intubated without hypoxia",
        TEXT,
        certainty="M",
    ),
    Row(
        "CRS-O2-4",
        4,
        (Condition("oxygen", "in", (Oxygen.POSITIVE.value, Oxygen.VENTILATOR.value)),),
        "positive pressure ({oxygen})",
        SOURCE,
        "CPAP, BiPAP or a ventilator",
    ),
    Row(
        "CRS-O2-3M",
        3,
        (Condition("oxygen", "is", Oxygen.MASK.value),),
        "oxygen by mask, at any flow",
        SOURCE,
        "oxygen by mask",
    ),
    Row(
        "CRS-O2-3",
        3,
        (Condition("oxygen", "in", _FLOW_DEVICES), Condition("flow", ">", LOW_FLOW_UP_TO)),
        "high-flow oxygen ({oxygen} {flow} L/min, above 6)",
        FOOTNOTE,
        "oxygen above 6 L/min",
    ),
    Row(
        "CRS-O2-2",
        2,
        (Condition("oxygen", "in", _FLOW_DEVICES), Condition("flow", "<=", LOW_FLOW_UP_TO)),
        "low-flow oxygen ({oxygen} {flow} L/min, at most 6)",
        FOOTNOTE,
        "oxygen of up to 6 L/min",
    ),
    Row("CRS-O2-2B", 2, (Condition("oxygen", "is", Oxygen.BLOWBY.value),), "blow-by oxygen", SOURCE),
    Row("CRS-O2-0", 0, (), "no oxygen", SOURCE),
)
"""Hypoxia, the most severe row first within a device; flow beats the name of the device for cannulae."""

FEVER: Final[Table] = (
    Row(
        "CRS-FEVER-OTHER",
        0,
        (Condition("fever_other_cause", "is", True), Condition("temperature", ">=", FEVER_FROM)),
        "fever of {temperature} °C of another cause",
        SOURCE,
    ),
    Row(
        "CRS-FEVER",
        1,
        (Condition("temperature", ">=", FEVER_FROM),),
        "fever {temperature} °C",
        SOURCE,
        "fever of 38.0 °C or more without another cause",
    ),
    Row("CRS-FEVER-0", 0, (), "no fever ({temperature} °C, below 38.0)", SOURCE),
)
"""Fever now: 1 = qualifying. Its height does not matter."""

TREATED: Final[Table] = (
    Row(
        "CRS-TREATED",
        1,
        (
            Condition("began_with_fever", "is", True),
            Condition("treatment", "in", (Treatment.ANTIPYRETIC.value, Treatment.ANTICYTOKINE.value)),
        ),
        "fever is no longer required after {treatment}",
        FOOTNOTE,
    ),
    Row("CRS-UNTREATED", 0, (), "fever is required", SOURCE),
)
"""Whether fever is no longer required: 1 = graded by hypotension and hypoxia alone."""

_YES_NO: Final[Sequence[Value]] = (False, True)
CANDIDATES: Final[Mapping[str, Mapping[str, Sequence[Value]]]] = {
    "fever": {"temperature": (Decimal("37.9"), Decimal("38.0")), "fever_other_cause": _YES_NO},
    "treated": {
        "began_with_fever": _YES_NO,
        "treatment": (Treatment.NONE.value, Treatment.ANTIPYRETIC.value, Treatment.ANTICYTOKINE.value),
    },
    "hypotension": {
        "hypotension": _YES_NO,
        "vasopressors": (0, 1, 2),
        "vasopressin": _YES_NO,
        "hypotension_other_cause": _YES_NO,
    },
    "hypoxia": {
        "oxygen": tuple(device.value for device in Oxygen),
        "flow": (Decimal(6), Decimal("6.1")),
        "airway_only": _YES_NO,
        "hypoxia_other_cause": _YES_NO,
    },
}
"""One value on each side of every limit, for findings that were not recorded."""

NAMES: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "fever_other_cause": "another cause of the fever",
    "began_with_fever": "fever at the start of the episode",
    "treatment": "antipyretic or anti-cytokine treatment",
    "hypotension": "hypotension",
    "vasopressors": "number of vasopressors",
    "vasopressin": "vasopressin",
    "hypotension_other_cause": "another cause of the hypotension",
    "oxygen": "oxygen device",
    "flow": "oxygen flow",
    "hypoxia_other_cause": "another cause of the hypoxia",
    "airway_only": "reason of the intubation",
}
"""What a finding is called in a sentence."""


@dataclass(frozen=True, slots=True)
class CrsTables:
    """The four tables of the scale, so that a test can show what each limit decides."""

    fever: Table = FEVER
    treated: Table = TREATED
    hypotension: Table = HYPOTENSION
    hypoxia: Table = HYPOXIA
