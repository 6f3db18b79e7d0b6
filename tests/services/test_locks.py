from __future__ import annotations

import pytest

from tests.support.records import ACTOR, CHAIN, events
from trials.records.domain.errors import DomainError
from trials.records.models import Lock
from trials.records.services.act import open_act
from trials.records.services.locks import lift_lock, lock_over, locks_over, place_lock, require_unlocked

pytestmark = pytest.mark.django_db
SCOPES = [("FormRecord", "r1"), ("Visit", "v1"), ("Participant", "p1"), ("Site", "s1"), ("Study", "d0")]


def place(kind: str = "Visit", identity: str = "v1", level: str = "locked", reason: str = "cleaned") -> Lock:
    return place_lock(kind, identity, level=level, chain=CHAIN, actor=ACTOR, reason=reason, site="s1")


@pytest.mark.parametrize(("kind", "identity"), SCOPES)
def test_a_lock_on_any_level_covers_the_record_until_it_is_lifted(kind: str, identity: str) -> None:
    assert lock_over(SCOPES) is None
    lock = place(kind, identity)
    assert lock_over(SCOPES) == lock
    with pytest.raises(DomainError) as refused:
        require_unlocked(SCOPES)
    assert (refused.value.kind, refused.value.codes) == ("locked", ("locked",))
    assert "locked by chen (cleaned)" in str(refused.value)
    assert lock_over([(kind, "another")]) is None
    lift_lock(lock, actor=ACTOR, reason="a late result")
    require_unlocked(SCOPES)


def test_a_chain_of_scopes_is_asked_in_one_statement(django_assert_num_queries: object) -> None:
    place("Site", "s1", level="frozen")
    strongest = place("Study", "d0", level="locked")
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert lock_over(SCOPES) == strongest
    assert set(locks_over(SCOPES)) == {("Site", "s1"), ("Study", "d0")}


def test_placing_and_lifting_are_audited_with_their_reasons() -> None:
    lock = place()
    lift_lock(lock, actor=ACTOR, reason="a late result")
    assert [(event.action, event.record_kind, event.record_id, event.reason) for event in events()] == [
        ("place", "Lock", str(lock.pk), "cleaned"),
        ("lift", "Lock", str(lock.pk), "a late result"),
    ]
    lock.refresh_from_db()
    assert (lock.lifted_by, lock.lifted_because) == ("chen", "a late result")


@pytest.mark.parametrize("reason", ["", "  ", "."])
def test_a_lock_without_a_reason_is_refused_and_nothing_is_written(reason: str) -> None:
    with pytest.raises(DomainError) as refused:
        place(reason=reason)
    assert refused.value.codes == ("reason",)
    assert (Lock.objects.count(), events()) == (0, [])


def test_a_lock_replaces_a_freeze_but_neither_repeats_nor_weakens() -> None:
    place(level="frozen")
    locked = place(level="locked")
    assert lock_over(SCOPES) == locked
    assert Lock.objects.filter(lifted_at=None).count() == 1
    for level in ("locked", "frozen"):
        with pytest.raises(DomainError) as refused:
            place(level=level)
        assert (refused.value.kind, refused.value.codes) == ("conflict", ("already_locked",))
    assert [event.action for event in events()] == ["place", "lift", "place"]


def test_lifting_twice_or_an_unknown_level_is_refused() -> None:
    lock = place()
    lift_lock(lock, actor=ACTOR, reason="a late result")
    with pytest.raises(DomainError) as refused:
        lift_lock(lock, actor=ACTOR, reason="again")
    assert refused.value.codes == ("lock_not_in_force",)
    with pytest.raises(DomainError) as refused:
        place(level="welded")
    assert refused.value.codes == ("lock_level",)
    assert len(events()) == 2


def _save_while_a_lock_is_placed() -> None:
    with open_act("save items", chain=CHAIN, actor=ACTOR) as act:
        require_unlocked(SCOPES, act=act)
        act.note("FormRecord", "r1", "save", delta={"TEMP": ["1"]})
        Lock.objects.create(
            chain=CHAIN, scope_kind="Site", scope_id="s1", level="locked", reason="x", placed_by="y", placed_at=act.at
        )


def test_a_lock_that_appears_between_the_check_and_the_end_of_the_act_refuses_the_act() -> None:
    with pytest.raises(DomainError) as refused:
        _save_while_a_lock_is_placed()
    assert refused.value.kind == "locked"
    assert events() == []
