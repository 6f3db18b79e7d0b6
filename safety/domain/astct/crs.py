"""Cytokine release syndrome, ASTCT 2019: one assessment graded by fever, hypotension and hypoxia.

The tables, their source and their readings stand in ``crs_tables``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import product

from safety.domain.astct.crs_tables import (
    CANDIDATES,
    LOW_FLOW_UP_TO,
    NAMES,
    SCALE,
    TEXT,
    CrsFindings,
    CrsTables,
    Oxygen,
    Treatment,
)
from safety.domain.grading import Grading, Notice, Reading, Row, Value, join_words, read_table


@dataclass(frozen=True, slots=True)
class _Readings:
    fever: Reading
    treated: Reading
    hypotension: Reading
    hypoxia: Reading

    def grades(self) -> set[int]:
        """All grades that the recorded findings still allow."""
        parts = (self.fever.grades, self.treated.grades, self.hypotension.grades, self.hypoxia.grades)
        return {_combine(*world) for world in product(*parts)}

    def missing(self) -> tuple[str, ...]:
        """Blank findings of the parts on which the grade depends."""
        parts = (self.fever, self.treated, self.hypotension, self.hypoxia)
        grades = [part.grades for part in parts]
        unknown: list[str] = []
        for position, part in enumerate(parts):
            others = product(*(g if i != position else (None,) for i, g in enumerate(grades)))
            if any(len({_combine(*_put(world, position, grade)) for grade in part.grades}) > 1 for world in others):
                unknown.extend(part.unknown)
        return tuple(NAMES[name] for name in unknown)


def _put(world: tuple[int | None, ...], position: int, grade: int) -> tuple[int, int, int, int]:
    first, second, third, fourth = (grade if i == position else (value or 0) for i, value in enumerate(world))
    return first, second, third, fourth


def _combine(fever: int, treated: int, hypotension: int, hypoxia: int) -> int:
    """Grade of one world: the more severe of hypotension and hypoxia, if there is CRS at all (rules 1, 2 and 6)."""
    return max(fever, hypotension, hypoxia) if fever or treated else 0


def _as_mapping(findings: CrsFindings) -> dict[str, Value]:
    """Findings as plain values. A high-flow device without a flow is high flow by its name."""
    values: dict[str, Value] = {
        name: value.value if isinstance(value, StrEnum) else value for name, value in asdict(findings).items()
    }
    if findings.oxygen is Oxygen.HFNC and findings.flow is None:
        values["flow"] = LOW_FLOW_UP_TO + 1
    return values


def grade_crs(findings: CrsFindings, tables: CrsTables | None = None) -> Grading:
    """Grade one assessment: 0 to 5, or not evaluable when a blank could change the grade.

    The grade of an event is the highest of its assessments; see ``safety.domain.episodes``.

    >>> from dataclasses import replace
    >>> from decimal import Decimal
    >>> from safety.domain.astct.crs_tables import CrsFindings, Oxygen, Treatment
    >>> febrile = CrsFindings(Decimal("38.6"), False, True, Treatment.NONE, False, 0, False)
    >>> grade_crs(replace(febrile, oxygen=Oxygen.CANNULA, flow=Decimal(3), hypoxia_other_cause=False)).working
    'CRS grade 2: fever 38.6 °C and low-flow oxygen (nasal cannula 3 L/min, at most 6)'
    """
    use = tables or CrsTables()
    values = _as_mapping(findings)
    readings = _Readings(
        read_table(use.fever, values, CANDIDATES["fever"]),
        read_table(use.treated, values, CANDIDATES["treated"]),
        read_table(use.hypotension, values, CANDIDATES["hypotension"]),
        read_table(use.hypoxia, values, CANDIDATES["hypoxia"]),
    )
    if findings.died is True:
        return _death(readings)
    grades = sorted(readings.grades())
    return _result(findings, values, readings, grades, use)


def _death(readings: _Readings) -> Grading:
    return Grading(
        scale=SCALE,
        grade=5,
        evaluable=True,
        at_least=5,
        at_most=5,
        working="CRS grade 5: death due to CRS in which another cause is not the principal factor",
        rule_id="CRS-DEATH",
        source=TEXT,
        certainty="M",
        active=True,
        begins=_begins(readings),
    )


def _begins(readings: _Readings) -> bool | None:
    """True if this assessment shows the qualifying fever that an episode begins with."""
    return None if len(readings.fever.grades) > 1 else readings.fever.grades == (1,)


def _active(readings: _Readings) -> bool | None:
    """True if fever, hypotension or hypoxia of CRS is present now; None if that is not known."""
    parts = (readings.fever, readings.hypotension, readings.hypoxia)
    if any(min(part.grades) > 0 for part in parts):
        return True
    return None if any(max(part.grades) > 0 for part in parts) else False


def _result(
    findings: CrsFindings, values: Mapping[str, Value], readings: _Readings, grades: Sequence[int], use: CrsTables
) -> Grading:
    low, high = grades[0], grades[-1]
    missing = readings.missing() if low != high else ()
    deciding = _deciding(readings, low)
    return Grading(
        scale=SCALE,
        grade=low if low == high else None,
        evaluable=low == high,
        at_least=low,
        at_most=high,
        working=_working(values, readings, low, missing),
        rule_id=deciding.rule_id,
        source=deciding.source,
        certainty=deciding.certainty,
        missing=missing,
        would_raise=_would_raise(use, low),
        warnings=_warnings(findings, readings, low),
        active=_active(readings),
        begins=_begins(readings),
    )


def _deciding(readings: _Readings, grade: int) -> Row:
    """The row that gives the grade: the more severe organ, or the fever, or why there is no CRS."""
    organ = max(readings.hypotension.row, readings.hypoxia.row, key=lambda row: row.grade)
    if grade > 1 and organ.grade == grade:
        return organ
    if grade == 0 and organ.grade and not readings.treated.row.grade:
        return readings.treated.row
    return readings.fever.row


def _words(row: Row, values: Mapping[str, Value]) -> str:
    return row.words.format_map({name: "not recorded" if value is None else value for name, value in values.items()})


def _working(values: Mapping[str, Value], readings: _Readings, grade: int, missing: Sequence[str]) -> str:
    fever = _fever_words(values, readings)
    organs = [
        reading.row
        for reading in (readings.hypotension, readings.hypoxia)
        if reading.row.grade or reading.row.rule_id.endswith(("OTHER", "AIRWAY"))
    ]
    both = len([row for row in organs if row.grade]) > 1
    parts = [fever] + [
        f"{_words(row, values)} (grade {row.grade})" if both and row.grade else _words(row, values) for row in organs
    ]
    because = join_words(parts) + ("; the more severe counts" if both else "")
    if missing:
        return f"CRS not evaluable, at least grade {grade}: {join_words(missing)} not recorded; known: {because}"
    return f"CRS grade {grade}: {because}"


def _fever_words(values: Mapping[str, Value], readings: _Readings) -> str:
    if len(readings.fever.grades) > 1 and values["temperature"] is None:
        words = "temperature not recorded"
    elif len(readings.fever.grades) > 1:
        words = f"{values['temperature']} °C, cause of the fever not recorded"
    else:
        words = _words(readings.fever.row, values)
    if readings.treated.grades == (1,) and readings.fever.grades != (1,):
        return f"{words}, {_words(readings.treated.row, values)}"
    return words


def _would_raise(use: CrsTables, grade: int) -> tuple[str, ...]:
    """What the next grade would need. Only the next grade is said: what raises it further follows from there."""
    if grade == 0:
        return tuple(f"{row.raises} (grade 1)" for row in use.fever if row.raises)
    rows = [row for row in (*use.hypotension, *use.hypoxia) if row.raises and row.grade > grade]
    following = min((row.grade for row in rows), default=None)
    return tuple(f"{row.raises} (grade {row.grade})" for row in rows if row.grade == following)


def _warnings(findings: CrsFindings, readings: _Readings, grade: int) -> tuple[Notice, ...]:
    organ = max(readings.hypotension.row.grade, readings.hypoxia.row.grade)
    found: list[Notice] = []
    if grade == 0 and organ and readings.fever.grades == (0,):
        found.extend(_no_fever_notice(findings))
    if findings.oxygen is Oxygen.HFNC and findings.flow is None:
        text = "Flow not recorded: a high-flow device counts as high flow."
        found.append(Notice("crs-flow-missing", text, query=True))
    if findings.oxygen is Oxygen.HFNC and findings.flow is not None and findings.flow <= LOW_FLOW_UP_TO:
        text = "High-flow device at 6 L/min or less counts as low flow."
        found.append(Notice("crs-device-low-flow", text, certainty="R"))
    if readings.hypotension.row.rule_id == "CRS-BP-3V":
        found.append(Notice("crs-vasopressin-alone", "Vasopressin alone counts as one vasopressor.", certainty="R"))
    if readings.hypoxia.row.rule_id == "CRS-O2-AIRWAY":
        found.append(Notice("crs-airway-only", "Intubation without hypoxia is not counted.", certainty="M"))
    return tuple(found)


def _no_fever_notice(findings: CrsFindings) -> tuple[Notice, ...]:
    """Why hypotension or hypoxia without fever is grade 0, and what to ask (rules 2 and 6)."""
    if findings.began_with_fever is False:
        text = "Hypotension or hypoxia without any fever is not CRS: please check for a fever before, or another cause."
        return (Notice("crs-never-fever", text, query=True, certainty="M"),)
    if findings.began_with_fever is True and findings.treatment is Treatment.NONE:
        text = "Fever has gone without treatment, hypotension or hypoxia has not: please have it adjudicated."
        return (Notice("crs-untreated-afebrile", text, query=True, certainty="R"),)
    return ()
