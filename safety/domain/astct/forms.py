"""From the items of the forms CRS and ICANS to findings.

``values`` holds the item's Python value by item name: bool for yes/no, Decimal or int for numbers, str for a code, None
for a blank, a null flavour or a hidden item. A code that the form does not offer raises ValueError.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

from safety.domain.astct.crs_tables import CrsFindings, Oxygen, Treatment
from safety.domain.astct.icans_tables import Consciousness, IcansFindings, Pressure, Seizure
from safety.domain.astct.ice import IceAnswers, ice_score

Choice = TypeVar("Choice", bound=StrEnum)
Values = Mapping[str, object]

OXYGEN: Final = {
    "NONE": Oxygen.NONE,
    "CANNULA": Oxygen.CANNULA,
    "BLOWBY": Oxygen.BLOWBY,
    "MASK": Oxygen.MASK,
    "HFNC": Oxygen.HFNC,
    "CPAP": Oxygen.POSITIVE,
    "VENT": Oxygen.VENTILATOR,
}
TREATED: Final = {
    "NONE": Treatment.NONE,
    "ANTIPYRETIC": Treatment.ANTIPYRETIC,
    "ANTICYTOKINE": Treatment.ANTICYTOKINE,
}
CONSCIOUSNESS: Final = {level.name: level for level in Consciousness}
SEIZURE: Final = {kind.name: kind for kind in Seizure}
OEDEMA: Final = {sign.name: sign for sign in Pressure}

CRS_ITEMS: Final = (
    "AT",
    "TEMP",
    "FEVER_OTHER",
    "TREATED",
    "HYPOTENSION",
    "PRESSORS",
    "VASOPRESSIN",
    "HYPOTENSION_OTHER",
    "OXYGEN",
    "FLOW",
    "AIRWAY_ONLY",
    "HYPOXIA_OTHER",
    "DIED",
)
"""Items that a form bound as ``crs`` must have; ``FEVER_BEFORE`` is read when the form has it."""

ICANS_ITEMS: Final = (
    "AT",
    "CONSCIOUSNESS",
    "CONSCIOUSNESS_OTHER",
    "SEIZURE",
    "SEIZURE_MIN",
    "SEIZURE_OTHER",
    "MOTOR",
    "MOTOR_OTHER",
    "OEDEMA",
    "HAEMORRHAGE",
    "DIED",
    "YEAR",
    "MONTH",
    "CITY",
    "HOSPITAL",
    "COMMAND",
    "SENTENCE",
    "COUNTS",
    "OBJECT_1",
    "OBJECT_2",
    "OBJECT_3",
)
"""Items that a form bound as ``icans`` must have; ``ICE_DONE`` is read when the form has it."""


def _flag(values: Values, item: str) -> bool | None:
    value = values.get(item)
    if value is None or isinstance(value, bool):
        return value
    raise ValueError(f"{item}: expected yes or no, found {value!r}")


def _number(values: Values, item: str) -> Decimal | None:
    value = values.get(item)
    if value is None or isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise ValueError(f"{item}: expected a number, found {value!r}")


def _count(values: Values, item: str) -> int | None:
    value = _number(values, item)
    if value is None:
        return None
    if value != value.to_integral_value():
        raise ValueError(f"{item}: expected a whole number, found {value}")
    return int(value)


def _choice(values: Values, item: str, codes: Mapping[str, Choice]) -> Choice | None:
    value = values.get(item)
    if value is None:
        return None
    if not isinstance(value, str) or value not in codes:
        raise ValueError(f"{item}: expected one of {', '.join(codes)}, found {value!r}")
    return codes[value]


def stronger(first: Treatment | None, second: Treatment | None) -> Treatment | None:
    """The stronger of two treatments; a treatment that was given before is not undone by "nothing" or a blank.

    >>> stronger(Treatment.ANTICYTOKINE, Treatment.NONE).name
    'ANTICYTOKINE'
    >>> stronger(Treatment.NONE, None) is None
    True
    """
    order = (Treatment.ANTICYTOKINE, Treatment.ANTIPYRETIC)
    return next((known for known in order if known in {first, second}), second)


def crs_findings(
    values: Values, *, episode_began_with_fever: bool | None, earlier_treatment: Treatment | None = None
) -> CrsFindings:
    """Findings of one row of the form CRS.

    ``episode_began_with_fever``: the running episode began with a qualifying fever (False when there is none).
    ``earlier_treatment``: the strongest treatment recorded at an earlier assessment of the episode.

    >>> found = crs_findings({"TEMP": Decimal("38.6"), "OXYGEN": "CANNULA"}, episode_began_with_fever=False)
    >>> found.temperature, found.oxygen.name, found.flow
    (Decimal('38.6'), 'CANNULA', None)
    """
    return CrsFindings(
        temperature=_number(values, "TEMP"),
        fever_other_cause=_flag(values, "FEVER_OTHER"),
        began_with_fever=True if _flag(values, "FEVER_BEFORE") else episode_began_with_fever,
        treatment=stronger(earlier_treatment, _choice(values, "TREATED", TREATED)),
        hypotension=_flag(values, "HYPOTENSION"),
        vasopressors=_count(values, "PRESSORS"),
        vasopressin=_flag(values, "VASOPRESSIN"),
        hypotension_other_cause=_flag(values, "HYPOTENSION_OTHER"),
        oxygen=_choice(values, "OXYGEN", OXYGEN),
        flow=_number(values, "FLOW"),
        hypoxia_other_cause=_flag(values, "HYPOXIA_OTHER"),
        airway_only=_flag(values, "AIRWAY_ONLY"),
        died=_flag(values, "DIED"),
    )


def ice_of(values: Values) -> int | None:
    """ICE score of one row of the form ICANS; None when it could not be done or a task is blank, never 0 for that."""
    if _flag(values, "ICE_DONE") is False:
        return None
    objects = [_flag(values, f"OBJECT_{number}") for number in (1, 2, 3)]
    return ice_score(
        IceAnswers(
            year=_flag(values, "YEAR"),
            month=_flag(values, "MONTH"),
            city=_flag(values, "CITY"),
            hospital=_flag(values, "HOSPITAL"),
            objects_named=None if None in objects else sum(named is True for named in objects),
            follows_command=_flag(values, "COMMAND"),
            writes_sentence=_flag(values, "SENTENCE"),
            counts_backwards=_flag(values, "COUNTS"),
        )
    )


def icans_findings(values: Values, *, baseline_ice: int | None = None) -> IcansFindings:
    """Findings of one row of the form ICANS. ``baseline_ice``: the score before the infusion, where there is one.

    >>> icans_findings({"ICE_DONE": False, "CONSCIOUSNESS": "VOICE"}).ice is None
    True
    """
    return IcansFindings(
        ice=ice_of(values),
        consciousness=_choice(values, "CONSCIOUSNESS", CONSCIOUSNESS),
        consciousness_other_cause=_flag(values, "CONSCIOUSNESS_OTHER"),
        seizure=_choice(values, "SEIZURE", SEIZURE),
        seizure_minutes=_number(values, "SEIZURE_MIN"),
        seizure_other_cause=_flag(values, "SEIZURE_OTHER"),
        weakness=_flag(values, "MOTOR"),
        weakness_other_cause=_flag(values, "MOTOR_OTHER"),
        pressure=_choice(values, "OEDEMA", OEDEMA),
        haemorrhage=_flag(values, "HAEMORRHAGE"),
        died=_flag(values, "DIED"),
        baseline_ice=baseline_ice,
    )
