"""Neurotoxicity (ICANS) of adults, ASTCT 2019: the findings and the tables.

Source: Lee DW et al., Biol Blood Marrow Transplant 2019;25:625-638, doi 10.1016/j.bbmt.2018.12.758, Table 5 (adults)
and its footnotes. Tremor and myoclonus are graded by CTCAE and never change this grade; nor does intracranial
haemorrhage. Children under 12 need another score (CAPD) and are outside this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from safety.domain.grading import Condition, Row, Table, Value

SCALE: Final = "ASTCT 2019"
SOURCE: Final = "Lee 2019, Table 5"
FOOTNOTE: Final = "Lee 2019, Table 5, footnotes"
TEXT: Final = "Lee 2019, text"
BRIEF_UP_TO: Final = Decimal(5)
"""Longest seizure that resolves rapidly, in minutes; the edge belongs to it [R]."""


class Consciousness(StrEnum):
    """The strongest level of consciousness that was seen."""

    ALERT = "alert"
    SPONTANEOUS = "drowsy, awakens spontaneously"
    VOICE = "awakens to voice"
    TACTILE = "awakens only to touch"
    VIGOROUS = "awakens only to vigorous or repeated touch"
    UNAROUSABLE = "unarousable"


class Seizure(StrEnum):
    """The most severe seizure since the assessment before."""

    NONE = "no seizure"
    CLINICAL = "clinical seizure"
    EEG = "non-convulsive seizure on the EEG that resolves with treatment"
    REPETITIVE = "repeated seizures without return to baseline"


class Pressure(StrEnum):
    """The most severe sign of raised intracranial pressure or oedema."""

    NONE = "none"
    FOCAL = "focal oedema on imaging"
    DIFFUSE = "diffuse oedema on imaging"
    POSTURING = "decerebrate or decorticate posture"
    CN6 = "sixth nerve palsy"
    PAPILLOEDEMA = "papilloedema"
    CUSHING = "Cushing's triad"


@dataclass(frozen=True, slots=True)
class IcansFindings:
    """What was found at one assessment; None = not recorded.

    ``ice``: ICE score, 0 to 10 points; None also when it could not be done, which is never 0. ``baseline_ice``: score
    before the infusion. ``seizure_minutes``: length of the longest clinical seizure. ``weakness``: deep focal weakness
    (hemiparesis, paraparesis). ``haemorrhage``: oedema or pressure is explained by intracranial haemorrhage.
    ``died``: died of ICANS with no other principal cause (a blank is no statement of death).
    """

    ice: int | None = None
    consciousness: Consciousness | None = None
    consciousness_other_cause: bool | None = None
    seizure: Seizure | None = None
    seizure_minutes: Decimal | None = None
    seizure_other_cause: bool | None = None
    weakness: bool | None = None
    weakness_other_cause: bool | None = None
    pressure: Pressure | None = None
    haemorrhage: bool | None = None
    died: bool | None = None
    baseline_ice: int | None = None


ICE: Final[Table] = (
    Row("ICANS-ICE-3", 3, (Condition("ice", "<=", 2),), "ICE {ice} (0 to 2)", SOURCE, "an ICE score of 2 or less"),
    Row("ICANS-ICE-2", 2, (Condition("ice", "<=", 6),), "ICE {ice} (3 to 6)", SOURCE, "an ICE score of 6 or less"),
    Row("ICANS-ICE-1", 1, (Condition("ice", "<=", 9),), "ICE {ice} (7 to 9)", SOURCE, "an ICE score of 9 or less"),
    Row("ICANS-ICE-0", 0, (), "ICE 10", SOURCE),
)
"""ICE score. Grade 4 by ICE 0 asks for an unarousable participant, which the row ICANS-LOC-4 already grades."""

CONSCIOUSNESS: Final[Table] = (
    Row(
        "ICANS-LOC-OTHER",
        0,
        (
            Condition("consciousness_other_cause", "is", True),
            Condition("consciousness", "in", tuple(level.value for level in Consciousness)[1:]),
        ),
        "{consciousness}, of another cause",
        FOOTNOTE,
    ),
    Row(
        "ICANS-LOC-4",
        4,
        (Condition("consciousness", "in", (Consciousness.UNAROUSABLE.value, Consciousness.VIGOROUS.value)),),
        "{consciousness}",
        SOURCE,
        "not arousable, or only by vigorous or repeated touch",
    ),
    Row(
        "ICANS-LOC-3",
        3,
        (Condition("consciousness", "is", Consciousness.TACTILE.value),),
        "{consciousness}",
        SOURCE,
        "waking only to touch",
    ),
    Row(
        "ICANS-LOC-2",
        2,
        (Condition("consciousness", "is", Consciousness.VOICE.value),),
        "{consciousness}",
        SOURCE,
        "waking only to voice",
    ),
    Row(
        "ICANS-LOC-1",
        1,
        (Condition("consciousness", "is", Consciousness.SPONTANEOUS.value),),
        "{consciousness}",
        SOURCE,
        "drowsiness",
        certainty="R",
    ),
    Row("ICANS-LOC-0", 0, (), "alert", SOURCE),
)
"""Depressed level of consciousness without another cause, such as sedation."""

SEIZURE: Final[Table] = (
    Row(
        "ICANS-SEIZURE-OTHER",
        0,
        (
            Condition("seizure_other_cause", "is", True),
            Condition("seizure", "in", tuple(kind.value for kind in Seizure)[1:]),
        ),
        "{seizure}, of another cause",
        FOOTNOTE,
    ),
    Row(
        "ICANS-SEIZURE-4R",
        4,
        (Condition("seizure", "is", Seizure.REPETITIVE.value),),
        "{seizure}",
        SOURCE,
        "repeated seizures without return to baseline",
    ),
    Row(
        "ICANS-SEIZURE-4",
        4,
        (Condition("seizure", "is", Seizure.CLINICAL.value), Condition("seizure_minutes", ">", BRIEF_UP_TO)),
        "{seizure} of {seizure_minutes} min (over 5)",
        SOURCE,
        "a seizure of more than 5 minutes",
    ),
    Row(
        "ICANS-SEIZURE-3",
        3,
        (Condition("seizure", "is", Seizure.CLINICAL.value),),
        "{seizure} of {seizure_minutes} min (at most 5)",
        SOURCE,
        "a seizure",
    ),
    Row("ICANS-SEIZURE-3E", 3, (Condition("seizure", "is", Seizure.EEG.value),), "{seizure}", SOURCE),
    Row("ICANS-SEIZURE-0", 0, (), "no seizure", SOURCE),
)
"""Seizures without another cause."""

WEAKNESS: Final[Table] = (
    Row(
        "ICANS-MOTOR-OTHER",
        0,
        (Condition("weakness", "is", True), Condition("weakness_other_cause", "is", True)),
        "deep focal weakness of another cause",
        FOOTNOTE,
    ),
    Row("ICANS-MOTOR-4", 4, (Condition("weakness", "is", True),), "deep focal weakness", SOURCE, "deep focal weakness"),
    Row("ICANS-MOTOR-0", 0, (), "no deep focal weakness", SOURCE),
)
"""Motor findings."""

PRESSURE: Final[Table] = (
    Row(
        "ICANS-ICP-BLEED",
        0,
        (Condition("haemorrhage", "is", True), Condition("pressure", "in", tuple(sign.value for sign in Pressure)[1:])),
        "{pressure}, by intracranial haemorrhage",
        FOOTNOTE,
    ),
    Row(
        "ICANS-ICP-4",
        4,
        (Condition("pressure", "in", tuple(sign.value for sign in Pressure)[2:]),),
        "{pressure}",
        SOURCE,
        "diffuse oedema or a sign of raised pressure",
    ),
    Row(
        "ICANS-ICP-3",
        3,
        (Condition("pressure", "is", Pressure.FOCAL.value),),
        "{pressure}",
        SOURCE,
        "focal oedema on imaging",
    ),
    Row("ICANS-ICP-0", 0, (), "no oedema or raised pressure", SOURCE),
)
"""Raised intracranial pressure and oedema; haemorrhage is graded by CTCAE."""

_YES_NO: Final[Sequence[Value]] = (False, True)
CANDIDATES: Final[tuple[Mapping[str, Sequence[Value]], ...]] = (
    {"ice": tuple(range(11))},
    {"consciousness": tuple(level.value for level in Consciousness), "consciousness_other_cause": _YES_NO},
    {
        "seizure": tuple(kind.value for kind in Seizure),
        "seizure_minutes": (Decimal(5), Decimal("5.1")),
        "seizure_other_cause": _YES_NO,
    },
    {"weakness": _YES_NO, "weakness_other_cause": _YES_NO},
    {"pressure": tuple(sign.value for sign in Pressure), "haemorrhage": _YES_NO},
)
"""One value on each side of every limit, for findings that were not recorded; in the order of the domains."""

NAMES: Final[Mapping[str, str]] = {
    "ice": "ICE score",
    "consciousness": "consciousness",
    "consciousness_other_cause": "another cause of the drowsiness",
    "seizure": "seizure",
    "seizure_minutes": "length of the seizure",
    "seizure_other_cause": "another cause of the seizure",
    "weakness": "deep focal weakness",
    "weakness_other_cause": "another cause of the weakness",
    "pressure": "raised pressure or oedema",
    "haemorrhage": "intracranial haemorrhage",
}
"""What a finding is called in a sentence."""


@dataclass(frozen=True, slots=True)
class IcansTables:
    """The five domains of the scale, so that a test can show what each limit decides."""

    ice: Table = ICE
    consciousness: Table = CONSCIOUSNESS
    seizure: Table = SEIZURE
    weakness: Table = WEAKNESS
    pressure: Table = PRESSURE

    def all(self) -> tuple[Table, ...]:
        """The tables in the order of ``CANDIDATES``."""
        return (self.ice, self.consciousness, self.seizure, self.weakness, self.pressure)
