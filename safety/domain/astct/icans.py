"""Neurotoxicity (ICANS) of adults, ASTCT 2019: one assessment graded by its most severe domain.

The tables, their source and their readings stand in ``icans_tables``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from itertools import product

from safety.domain.astct.icans_tables import (
    BRIEF_UP_TO,
    CANDIDATES,
    NAMES,
    SCALE,
    TEXT,
    IcansFindings,
    IcansTables,
    Seizure,
)
from safety.domain.grading import Grading, Notice, Reading, Value, join_words, read_table


def grade_icans(findings: IcansFindings, tables: IcansTables | None = None) -> Grading:
    """Grade one assessment: 0 to 5, or not evaluable when a blank could change the grade.

    Raises ValueError for an ICE score outside 0 to 10.

    >>> from safety.domain.astct.icans_tables import Consciousness, IcansFindings, Pressure, Seizure
    >>> found = IcansFindings(8, Consciousness.ALERT, None, Seizure.NONE, None, None, False, None, Pressure.NONE)
    >>> grade_icans(found).working
    'ICANS grade 1: ICE 8 (7 to 9)'
    """
    if findings.ice is not None and not 0 <= findings.ice <= 10:
        raise ValueError(f"an ICE score is 0 to 10 points, found {findings.ice}")
    use = tables or IcansTables()
    values: dict[str, Value] = {
        name: value.value if isinstance(value, StrEnum) else value for name, value in asdict(findings).items()
    }
    readings = tuple(
        read_table(table, values, candidates) for table, candidates in zip(use.all(), CANDIDATES, strict=True)
    )
    if findings.died is True:
        return _death()
    return _result(findings, values, readings, use)


def _death() -> Grading:
    return Grading(
        scale=SCALE,
        grade=5,
        evaluable=True,
        at_least=5,
        at_most=5,
        working="ICANS grade 5: death due to ICANS in which another cause is not the principal factor",
        rule_id="ICANS-DEATH",
        source=TEXT,
        active=True,
        begins=True,
    )


def _result(
    findings: IcansFindings, values: Mapping[str, Value], readings: tuple[Reading, ...], use: IcansTables
) -> Grading:
    grades = sorted({max(world) for world in product(*(reading.grades for reading in readings))})
    low, high = grades[0], grades[-1]
    missing = _missing(readings, low) if low != high else ()
    deciding = max((reading.row for reading in readings), key=lambda row: row.grade)
    known = None if low == 0 < high else low > 0
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
        warnings=_warnings(findings),
        active=known,
        begins=known,
    )


def _missing(readings: Sequence[Reading], low: int) -> tuple[str, ...]:
    """Blank findings of the domains that could still be worse than what is known."""
    return tuple(NAMES[name] for reading in readings if max(reading.grades) > low for name in reading.unknown)


def _working(values: Mapping[str, Value], readings: Sequence[Reading], grade: int, missing: Sequence[str]) -> str:
    text = {name: "not recorded" if value is None else value for name, value in values.items()}
    rows = [reading.row for reading in readings]
    shown = [row for row in rows if row.grade or row.rule_id.endswith(("OTHER", "BLEED"))]
    several = len([row for row in shown if row.grade]) > 1
    parts = [
        f"{row.words.format_map(text)} (grade {row.grade})" if several and row.grade else row.words.format_map(text)
        for row in shown
    ]
    because = join_words(parts) + ("; the most severe counts" if several else "")
    if missing:
        known = f"; known: {because}" if because else ""
        return f"ICANS not evaluable, at least grade {grade}: {join_words(missing)} not recorded{known}"
    return f"ICANS grade {grade}: {because or 'ICE 10, alert, no other feature'}"


def _would_raise(use: IcansTables, grade: int) -> tuple[str, ...]:
    """What the next grade would need."""
    rows = [row for table in use.all() for row in table if row.raises and row.grade > grade]
    following = min((row.grade for row in rows), default=None)
    return tuple(f"{row.raises} (grade {row.grade})" for row in rows if row.grade == following)


def _warnings(findings: IcansFindings) -> tuple[Notice, ...]:
    found: list[Notice] = []
    if findings.ice is None:
        text = "ICE score not recorded or not assessable: it is never taken as 0."
        found.append(Notice("icans-ice-missing", text, query=True))
    if findings.ice is not None and findings.ice < 10 and findings.ice == findings.baseline_ice:
        text = f"ICE {findings.ice} is also the score before the infusion: please confirm the grade."
        found.append(Notice("icans-baseline-ice", text, query=True, certainty="R"))
    if findings.ice is not None and findings.consciousness_other_cause and findings.ice <= 2:
        text = "ICE while drowsy of another cause: please confirm that ICE could be assessed."
        found.append(Notice("icans-ice-sedated", text, query=True, certainty="R"))
    if findings.seizure is Seizure.CLINICAL and findings.seizure_minutes == BRIEF_UP_TO:
        found.append(Notice("icans-seizure-5", "A seizure of exactly 5 minutes counts as brief.", certainty="R"))
    return tuple(found)
