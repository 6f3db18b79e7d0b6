"""Acute graft-versus-host disease, MAGIC 2016: the overall grade from the stages of four organs.

The grade is a table of patterns, not the highest stage: skin 3 alone is grade 2, lower gut 2 alone grade 3.
Source: Harris AC et al., Biol Blood Marrow Transplant 2016;22:4-10 (MAGIC), read in copies of its table.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

from safety.domain.grading import Condition, Grading, Row, Table, Value, first_row, join_words

SCALE: Final = "MAGIC 2016"
SOURCE: Final = "Harris 2016 (MAGIC)"


@dataclass(frozen=True, slots=True)
class GvhdStages:
    """Stages of the organs; None = not assessed. Skin, liver and lower gut 0 to 4, upper gut 0 or 1."""

    skin: int | None = None
    liver: int | None = None
    upper_gut: int | None = None
    lower_gut: int | None = None


def _row(number: int, grade: int, organ: str, least: int) -> Row:
    words = {"skin": "skin", "liver": "liver", "upper_gut": "upper gut", "lower_gut": "lower gut"}[organ]
    text = f"{words} stage {{{organ}}}"
    when = (Condition(organ, ">=", least),)
    return Row(f"GVHD-{grade}-{number}", grade, when, text, SOURCE, f"{words} stage {least}")


MAGIC: Final[Table] = (
    _row(1, 4, "skin", 4),
    _row(2, 4, "liver", 4),
    _row(3, 4, "lower_gut", 4),
    _row(1, 3, "liver", 2),
    _row(2, 3, "lower_gut", 2),
    _row(1, 2, "skin", 3),
    _row(2, 2, "liver", 1),
    _row(3, 2, "upper_gut", 1),
    _row(4, 2, "lower_gut", 1),
    _row(1, 1, "skin", 1),
    Row("GVHD-0", 0, (), "no stage of any organ", SOURCE),
)
"""Patterns from the most severe; the first that fits decides."""

_MOST: Final = {"skin": 4, "liver": 4, "upper_gut": 1, "lower_gut": 4}


def grade_gvhd(stages: GvhdStages) -> Grading:
    """Overall grade, 0 to 4, or not evaluable when an organ that was not assessed could change it.

    Raises ValueError for a stage that does not exist.

    >>> grade_gvhd(GvhdStages(3, 0, 0, 0)).working
    'GVHD grade 2: skin stage 3'
    """
    values: dict[str, Value] = {organ: getattr(stages, organ) for organ in _MOST}
    for organ, most in _MOST.items():
        stage = getattr(stages, organ)
        if stage is not None and not 0 <= stage <= most:
            raise ValueError(f"{organ} has stages 0 to {most}, found {stage}")
    blank = tuple(organ for organ, value in values.items() if value is None)
    mildest = first_row(MAGIC, {organ: 0 if organ in blank else value for organ, value in values.items()})
    worlds = product(*(range(_MOST[organ] + 1) for organ in blank))
    high = max(first_row(MAGIC, {**values, **dict(zip(blank, world, strict=True))}).grade for world in worlds)
    low = mildest.grade
    missing = tuple(organ.replace("_", " ") for organ in blank) if high > low else ()
    because = mildest.words.format_map({organ: str(value) for organ, value in values.items()})
    if missing:
        working = f"GVHD not evaluable, at least grade {low}: {join_words(missing)} not recorded; known: {because}"
    else:
        working = f"GVHD grade {low}: {because}"
    known = None if low == 0 < high else low > 0
    return Grading(
        scale=SCALE,
        grade=None if missing else low,
        evaluable=not missing,
        at_least=low,
        at_most=high,
        working=working,
        rule_id=mildest.rule_id,
        source=SOURCE,
        missing=missing,
        would_raise=_would_raise(low),
        active=known,
        begins=known,
    )


def _would_raise(grade: int) -> tuple[str, ...]:
    rows = [row for row in MAGIC if row.grade > grade]
    following = min((row.grade for row in rows), default=None)
    return tuple(f"{row.raises} (grade {row.grade})" for row in rows if row.grade == following)
