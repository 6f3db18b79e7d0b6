"""Serious is not severe: the six criteria decide, the grade only asks."""

from __future__ import annotations

import pytest

from safety.domain.causality import Causality, combined, is_due_to, is_related
from safety.domain.seriousness import Criterion, seriousness


@pytest.mark.parametrize("code", [criterion.name for criterion in Criterion])
def test_any_one_of_the_six_criteria_makes_an_event_serious_at_grade_1(code: str) -> None:
    found = seriousness([code], grade=1)
    assert (found.serious, [criterion.name for criterion in found.criteria]) == (True, [code])


def test_there_are_six_criteria() -> None:
    assert [c.name for c in Criterion] == ["DEATH", "LIFE", "HOSPITAL", "DISABILITY", "ANOMALY", "IMPORTANT"]


def test_a_grade_4_without_a_criterion_is_not_serious_but_asks() -> None:
    found = seriousness([], grade=4)
    assert (found.serious, [(n.code, n.query) for n in found.notices]) == (False, [("serious-grade-4", True)])
    assert seriousness([], grade=3).notices == ()
    assert seriousness(["LIFE"], grade=4).notices == ()


def test_seriousness_that_was_not_assessed_is_unknown_and_never_no() -> None:
    assert seriousness(None, grade=1).serious is None


def test_death_and_danger_to_life_take_the_shorter_clock() -> None:
    short = [c.name for c in Criterion if seriousness([c.name]).fatal_or_life_threatening]
    assert short == ["DEATH", "LIFE"]


def test_the_sponsor_adds_a_criterion_and_takes_none_back() -> None:
    found = seriousness(["HOSPITAL"], sponsor=["LIFE"])
    assert found.criteria == (Criterion.LIFE, Criterion.HOSPITAL)
    assert seriousness(None, sponsor=["LIFE"]).serious is True


def test_a_fatal_event_without_death_ticked_asks_and_so_does_the_reverse() -> None:
    assert [n.code for n in seriousness(["HOSPITAL"], grade=5).notices] == ["serious-death"]
    assert [n.code for n in seriousness([], outcome="FATAL").notices] == ["serious-death"]
    assert [n.code for n in seriousness(["DEATH"], grade=3).notices] == ["serious-death-grade"]
    assert seriousness(["DEATH"], grade=5, outcome="FATAL").notices == ()


def test_an_unknown_code_says_what_was_expected() -> None:
    with pytest.raises(ValueError, match=r"expected one of DEATH, LIFE, HOSPITAL, .* found 'SEVERE'"):
        seriousness(["SEVERE"])


def test_one_related_agent_is_enough_and_a_missing_one_leaves_it_open() -> None:
    causes = {"CART": Causality.UNLIKELY, "LYMPHODEPLETION": Causality.POSSIBLE}
    assert is_related(causes) is False
    assert is_related(causes, ("CART", "LYMPHODEPLETION")) is True
    assert is_related(causes, ("CART", "OTHER")) is None


@pytest.mark.parametrize(
    ("product", "other", "expected"),
    [
        (Causality.UNRELATED, Causality.POSSIBLE, True),
        (Causality.POSSIBLE, Causality.POSSIBLE, False),
        (Causality.POSSIBLE, Causality.PROBABLE, True),
        (Causality.DEFINITE, Causality.DEFINITE, False),
        (Causality.UNRELATED, Causality.UNLIKELY, False),
        (None, Causality.UNLIKELY, False),
        (None, Causality.DEFINITE, None),
        (Causality.UNRELATED, None, None),
        (Causality.DEFINITE, None, False),
    ],
)
def test_another_agent_explains_an_event_only_when_more_likely_than_the_product(
    product: Causality | None, other: Causality | None, expected: bool | None
) -> None:
    assert is_due_to({"CART": product, "DISEASE": other}, "DISEASE") is expected


def test_a_sponsor_raises_a_causality_and_never_lowers_it() -> None:
    assert combined(Causality.UNLIKELY, Causality.POSSIBLE) is Causality.POSSIBLE
    assert combined(Causality.PROBABLE, Causality.UNRELATED) is Causality.PROBABLE
    assert combined(None, None) is None
