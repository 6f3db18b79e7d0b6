"""When a DLT window ends, and who counts for the dose decision once it has."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from safety.models import DltCandidate, DltWindow
from safety.services import watch
from seeds.factories.trials import SYSTEM, ParticipantFactory
from tests.support.safety import DAY_0, change, event, infused, published, save_log, set_clock, site_in
from trials.domain.facts import InfusionFact
from trials.models import DoseLevel, Participant
from trials.records.services.act import open_act
from trials.services.dosing import assign_dose
from trials.services.facts import apply_infusions

pytestmark = pytest.mark.django_db


@pytest.fixture
def participant() -> Participant:
    return infused(site_in(published()))


def day(participant: Participant, number: int) -> None:
    """Let the study's clock stand on a study day, and run the sweep."""
    at = datetime(DAY_0.year, DAY_0.month, DAY_0.day, 10, tzinfo=UTC) + timedelta(days=number)
    set_clock(participant.study, at)
    watch.sweep()


def window(participant: Participant) -> DltWindow:
    return DltWindow.objects.get(pk=participant.pk)


def candidates() -> list[tuple[str, str]]:
    return list(DltCandidate.objects.order_by("rule").values_list("rule", "state"))


def infuse_products(participant: Participant, record: uuid.UUID, *rows: tuple[str, int]) -> None:
    """State infusions in one record: pairs of product (empty = not recorded) and study day."""
    found = [
        InfusionFact(str(n), product, "LOT1", f"{DAY_0 + timedelta(days=on)}T10:00")
        for n, (product, on) in enumerate(rows, start=1)
    ]
    with open_act("save items", chain=participant.study.chain_key, actor=SYSTEM) as act:
        apply_infusions(participant, record, found, act=act)


@pytest.mark.parametrize(
    ("second", "closes"),
    [("CD19-U", None), ("", None), ("BCMA-U", DAY_0 + timedelta(days=29))],
)
def test_a_window_has_no_end_until_every_product_of_the_arm_was_infused(second: str, closes: date | None) -> None:
    made = ParticipantFactory(site=site_in(published("ucart-neuro")), consented_on=DAY_0 - timedelta(days=40))
    level = DoseLevel.objects.select_related("arm").get(study=made.study, arm__code="BOTH", number=1)
    participant = assign_dose(made, arm=level.arm, dose_level=level, actor=SYSTEM)
    record = uuid.uuid4()
    infuse_products(participant, record, ("CD19-U", 0))
    day(participant, 1)
    assert (window(participant).state, window(participant).closes) == ("open", None)
    infuse_products(participant, record, ("CD19-U", 0), (second, 1))
    day(participant, 40)
    row = window(participant)
    assert (row.closes, row.state) == (closes, "open" if closes is None else "closed")


def test_an_infusion_without_a_product_leaves_the_course_of_one_product_incomplete(participant: Participant) -> None:
    infuse_products(participant, participant.infusions.get().record_id, ("", 0))
    day(participant, 40)
    assert (window(participant).closes, window(participant).state) == (None, "open")


def test_evaluability_is_open_until_the_window_has_closed(participant: Participant) -> None:
    participant.infusions.update(whole=True)
    day(participant, 28)
    assert window(participant).evaluable is None
    day(participant, 29)
    assert window(participant).evaluable is True


def test_a_dose_not_given_whole_is_not_evaluable_once_closed(participant: Participant) -> None:
    participant.infusions.update(whole=False)
    day(participant, 29)
    assert window(participant).evaluable is False


@pytest.mark.parametrize(
    ("values", "state"),
    [(event(("3", "2026-10-12"), ("1", "2026-10-25")), "candidate"),
     (event(("3", "2026-10-12"), ("1", "2026-10-25"), CART=None), "pending")],
)  # fmt: skip
def test_nobody_is_not_evaluable_while_a_candidate_or_a_pending_rule_stands(
    participant: Participant, values: dict[str, str], state: str
) -> None:
    participant.infusions.update(whole=False)
    record = save_log(participant, "AE", values)
    day(participant, 29)
    assert candidates() == [("ORGAN", state)]
    assert (window(participant).state, window(participant).evaluable) == ("closed", None)
    change(record, CART="UNRELATED")
    watch.sweep()
    assert (candidates(), window(participant).evaluable) == ([("ORGAN", "withdrawn")], False)
