from __future__ import annotations

import pytest

from trials.records.domain.errors import DomainError, Refusal
from trials.records.domain.transitions import Transition, TransitionTable, is_reason

TABLE = TransitionTable(
    "query",
    "open",
    (
        Transition("open", "answer", "answered", roles=frozenset({"coordinator", "investigator"})),
        Transition("open", "close", "closed", roles=frozenset({"monitor"}), needs_reason=True),
        Transition("answered", "close", "closed", roles=frozenset({"monitor"}), guards=("author", "site_is_open")),
        Transition("answered", "ask again", "open", needs_reason=True, needs_signature=True),
    ),
)


def test_the_whole_product_of_states_and_events_is_permitted_or_refused_as_the_table_says() -> None:
    permitted = {
        ("open", "answer"): "answered",
        ("open", "close"): "closed",
        ("answered", "close"): "closed",
        ("answered", "ask again"): "open",
    }
    seen = 0
    for state, event, row in TABLE.product():
        seen += 1
        assert (row.to if row else None) == permitted.get((state, event))
        if row is None:
            with pytest.raises(DomainError) as refused:
                TABLE.next(state, event)
            assert refused.value.codes == ("transition",)
            assert refused.value.kind == "conflict"
    assert seen == 3 * 3


def test_a_refused_transition_says_what_is_possible_now() -> None:
    with pytest.raises(DomainError) as refused:
        TABLE.next("open", "ask again")
    assert str(refused.value) == (
        "expected ask again in one of the states answered, found query in the state open. Possible now: answer, close."
    )
    with pytest.raises(DomainError) as refused:
        TABLE.next("closed", "answer")
    assert str(refused.value).endswith("Possible now: nothing.")


def test_role_reason_signature_and_guards_are_refused_all_at_once() -> None:
    with pytest.raises(DomainError) as refused:
        TABLE.decide("open", "close", roles=["coordinator"], reason=" . ")
    assert refused.value.codes == ("transition_role", "reason")
    assert refused.value.kind == "forbidden"
    with pytest.raises(DomainError) as refused:
        TABLE.decide("answered", "ask again")
    assert refused.value.codes == ("reason", "signature_needed")
    assert refused.value.kind == "invalid"
    author = Refusal("author", "its author", "somebody else", "Ask the author.")
    with pytest.raises(DomainError) as refused:
        TABLE.decide("answered", "close", roles=["monitor"], guards={"author": author, "site_is_open": None})
    assert refused.value.codes == ("author",)


def test_a_decision_is_the_transition_when_everything_is_there() -> None:
    guards = {"author": None, "site_is_open": None}
    assert TABLE.decide("answered", "close", roles=["monitor", "coordinator"], guards=guards).to == "closed"
    assert TABLE.decide("answered", "ask again", reason="unclear", signed=True).to == "open"
    assert TABLE.decide("open", "answer").to == "answered"


def test_a_guard_without_an_answer_is_a_mistake_of_the_program() -> None:
    with pytest.raises(KeyError, match="site_is_open"):
        TABLE.decide("answered", "close", guards={"author": None})


def test_the_events_of_a_state_can_be_narrowed_to_a_role() -> None:
    assert TABLE.allowed("open") == ("answer", "close")
    assert TABLE.allowed("open", "monitor") == ("close",)
    assert TABLE.allowed("answered", "coordinator") == ("ask again",)
    assert TABLE.final == {"closed"}


def test_a_table_with_a_pair_twice_or_a_state_that_nothing_leads_to_is_refused() -> None:
    with pytest.raises(ValueError, match="a pair twice"):
        TransitionTable("t", "a", (Transition("a", "go", "b"), Transition("a", "go", "c")))
    with pytest.raises(ValueError, match="nothing leads to: z"):
        TransitionTable("t", "a", (Transition("a", "go", "b"), Transition("z", "go", "b")))


def test_the_table_is_written_as_markdown() -> None:
    text = TABLE.markdown()
    assert text.startswith("## query\n\nInitial: open. Final: closed.\n")
    assert "| answered | close | closed | monitor | author, site_is_open |  |" in text
    assert "| answered | ask again | open |  |  | reason, signature |" in text


@pytest.mark.parametrize(
    ("text", "says_something"),
    [("", False), ("   ", False), (".", False), ("...", False), ("x", False), ("ok", True), ("错误", True)],
)
def test_blanks_and_full_stops_are_no_reason(text: str, says_something: bool) -> None:
    assert is_reason(text) is says_something
