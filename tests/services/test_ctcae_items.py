"""The item CTCAE takes only terms of the catalogue, and a grade that a term does not have is warned of."""

from __future__ import annotations

from datetime import date

import pytest

from capture.definition.shapes import ItemDefinition
from capture.domain import code_sources
from capture.domain.code_sources import CodeSource
from capture.domain.parsing import parse_value
from capture.models import FormRecord
from capture.services.checking import check_items
from capture.services.slots import Slot
from safety.terms.ctcae import catalogue
from seeds.factories.trials import SYSTEM
from tests.support.safety import event, infused, published, save_log, site_in
from trials.models import Participant
from trials.records.domain.errors import DomainError, Refusal
from trials.records.models import AuditEvent

TODAY = date(2026, 11, 22)
TERM = ItemDefinition("CTCAE", "AE", "", False, "CTCAE term", "choice", codes_from="ctcae")


@pytest.fixture
def participant() -> Participant:
    return infused(site_in(published()))


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("Nausea", "Nausea"), (" febrile NEUTROPENIA ", "Febrile neutropenia"), ("alopecia", "Alopecia")],
)
def test_a_term_is_stored_as_the_catalogue_spells_it(typed: str, stored: str) -> None:
    assert parse_value(TERM, typed, today=TODAY) == {"v": stored}


def test_every_term_of_the_catalogue_is_taken() -> None:
    assert len(catalogue()) == 837
    assert [name for name in catalogue() if parse_value(TERM, name, today=TODAY) != {"v": name}] == []


@pytest.mark.parametrize(
    ("typed", "action"),
    [
        ("Nausae", "Did you mean Nausea?"),
        ("platelet", "Did you mean Platelet count decreased?"),
        ("qqqq", "Choose one of the list."),
        ("1", "Choose one of the list."),
    ],
)
def test_an_unknown_term_is_refused_with_the_nearest_names(typed: str, action: str) -> None:
    refusal = parse_value(TERM, typed, today=TODAY)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.expected, refusal.found, refusal.where) == (
        "not_a_code",
        "a term of CTCAE 5.0",
        typed,
        "CTCAE",
    )
    assert refusal.action.startswith(action)


def test_a_list_that_no_room_registered_refuses_and_never_lets_a_text_through() -> None:
    lost = ItemDefinition("X", "F", "", False, "X", "choice", codes_from="moods")
    refusal = parse_value(lost, "glad", today=TODAY)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "list_unavailable"


def test_a_list_of_another_room_is_asked_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    held = CodeSource("an organ", {"liver": "Liver"}.get, lambda _text: ("Liver", "Lung"))
    monkeypatch.setitem(code_sources._sources, "organs", held)
    organ = ItemDefinition("ORGAN", "F", "", False, "Organ", "choices", codes_from="organs")
    assert parse_value(organ, "liver", today=TODAY) == {"v": "Liver"}
    refusal = parse_value(organ, "spleen", today=TODAY)
    assert isinstance(refusal, Refusal)
    assert (refusal.expected, refusal.action) == ("an organ", "Did you mean Liver or Lung?")


@pytest.mark.django_db
def test_an_unknown_term_reaches_no_record(participant: Participant) -> None:
    before = AuditEvent.objects.count()
    with pytest.raises(DomainError) as refused:
        save_log(participant, "AE", event(("2", "2026-10-12"), CTCAE="Feeling sick"))
    assert [(each.code, each.where) for each in refused.value] == [("not_a_code", "CTCAE")]
    assert (FormRecord.objects.filter(form="AE").count(), AuditEvent.objects.count()) == (0, before)
    record = save_log(participant, "AE", event(("2", "2026-10-12"), CTCAE="nausea"))
    assert record.data["CTCAE"] == {"v": "Nausea"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("term", "grade", "warned"),
    [
        ("Alopecia", "2", False),
        ("Alopecia", "3", True),
        ("Febrile neutropenia", "2", True),
        ("Febrile neutropenia", "3", False),
        ("Nausea", "3", False),
        ("Nausea", "4", True),
    ],
)
def test_a_grade_that_the_term_does_not_have_is_warned_of_while_it_is_typed(
    participant: Participant, term: str, grade: str, warned: bool
) -> None:
    found = check_items(Slot(participant, None, "AE"), event((grade, "2026-10-12"), CTCAE=term), actor=SYSTEM).previews
    odd = [(line.text, line.level) for line in found if "does not exist" in line.text]
    assert odd == ([(f"Grade {grade} does not exist for {term}", "warning")] if warned else [])


@pytest.mark.django_db
def test_the_warning_says_which_grades_exist(participant: Participant) -> None:
    values = event(("1", "2026-10-12"), ("4", "2026-10-14"), CTCAE="Alopecia")
    found = check_items(Slot(participant, None, "AE"), values, actor=SYSTEM).previews
    (line,) = [line for line in found if "does not exist" in line.text]
    assert (line.text, line.because) == ("Grade 4 does not exist for Alopecia", "CTCAE 5.0 has 1, 2")
