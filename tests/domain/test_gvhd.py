"""Acute GVHD by MAGIC 2016: a table of patterns, not the highest stage."""

from __future__ import annotations

from itertools import product

import pytest

from safety.domain.gvhd import GvhdStages, grade_gvhd


@pytest.mark.parametrize(
    ("stages", "grade"),
    [
        ((0, 0, 0, 0), 0),
        ((1, 0, 0, 0), 1),
        ((2, 0, 0, 0), 1),
        ((3, 0, 0, 0), 2),
        ((4, 0, 0, 0), 4),
        ((0, 1, 0, 0), 2),
        ((0, 2, 0, 0), 3),
        ((0, 3, 0, 0), 3),
        ((0, 4, 0, 0), 4),
        ((0, 0, 1, 0), 2),
        ((0, 0, 0, 1), 2),
        ((0, 0, 0, 2), 3),
        ((0, 0, 0, 3), 3),
        ((0, 0, 0, 4), 4),
        ((3, 1, 1, 1), 2),
        ((2, 2, 1, 0), 3),
    ],
)
def test_every_pattern_of_the_table(stages: tuple[int, int, int, int], grade: int) -> None:
    assert grade_gvhd(GvhdStages(*stages)).grade == grade


def test_a_higher_stage_never_lowers_the_grade() -> None:
    for skin, liver, upper, lower in product(range(4), range(4), range(1), range(4)):
        grade = grade_gvhd(GvhdStages(skin, liver, upper, lower)).grade
        for raised in ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)):
            more = GvhdStages(skin + raised[0], liver + raised[1], upper + raised[2], lower + raised[3])
            worse = grade_gvhd(more).grade
            assert grade is not None
            assert worse is not None
            assert worse >= grade


def test_an_organ_that_was_not_assessed_is_never_stage_0() -> None:
    found = grade_gvhd(GvhdStages(3, 0, 0, None))
    assert (found.grade, found.at_least, found.at_most, found.missing) == (None, 2, 4, ("lower gut",))
    assert found.working == "GVHD not evaluable, at least grade 2: lower gut not recorded; known: skin stage 3"


def test_an_organ_that_could_not_raise_the_grade_does_not_block_it() -> None:
    assert grade_gvhd(GvhdStages(4, None, None, None)).grade == 4


def test_a_stage_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="upper_gut has stages 0 to 1, found 2"):
        grade_gvhd(GvhdStages(0, 0, 2, 0))
