"""Transition tables: every state, every event, and what each pair means, as data that services ask and tests walk."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from trials.records.domain.errors import DomainError, Refusal, raise_all, refuse


@dataclass(frozen=True, slots=True)
class Transition:
    """One permitted move: who may make it, which guards must hold, and whether it needs a reason or a signature.

    ``roles`` empty: any role that the caller's own policy lets through (or the system). ``guards`` are names; the
    service evaluates them and hands in the answers.
    """

    state: str
    event: str
    to: str
    roles: frozenset[str] = frozenset()
    guards: tuple[str, ...] = ()
    needs_reason: bool = False
    needs_signature: bool = False


@dataclass(frozen=True)
class TransitionTable:
    """A state machine as a table; a pair that is not in it is refused.

    >>> table = TransitionTable("query", "open", (Transition("open", "answer", "answered"),
    ...                                           Transition("answered", "close", "closed")))
    >>> table.next("open", "answer").to
    'answered'
    >>> table.allowed("answered")
    ('close',)
    >>> sorted(table.final)
    ['closed']
    """

    name: str
    initial: str
    transitions: tuple[Transition, ...]
    _by_pair: dict[tuple[str, str], Transition] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_pair = {(row.state, row.event): row for row in self.transitions}
        if len(by_pair) != len(self.transitions):
            message = f"The table {self.name} was expected to name each state and event once; found a pair twice."
            raise ValueError(message)
        object.__setattr__(self, "_by_pair", by_pair)
        stranded = self.states - self.reachable
        if stranded:
            message = f"The table {self.name} has states that nothing leads to: {', '.join(sorted(stranded))}."
            raise ValueError(message)

    @property
    def states(self) -> frozenset[str]:
        """Every state the table names."""
        return frozenset(
            {self.initial, *(row.state for row in self.transitions), *(row.to for row in self.transitions)}
        )

    @property
    def events(self) -> frozenset[str]:
        """Every event the table names."""
        return frozenset(row.event for row in self.transitions)

    @property
    def final(self) -> frozenset[str]:
        """The states that nothing leads out of."""
        return self.states - {row.state for row in self.transitions}

    @property
    def reachable(self) -> frozenset[str]:
        """The states that can be reached from the initial one."""
        seen, open_ = {self.initial}, [self.initial]
        while open_:
            state = open_.pop()
            for row in self.transitions:
                if row.state == state and row.to not in seen:
                    seen.add(row.to)
                    open_.append(row.to)
        return frozenset(seen)

    def find(self, state: str, event: str) -> Transition | None:
        """Return the transition of a pair, None when the table does not permit it."""
        return self._by_pair.get((state, event))

    def allowed(self, state: str, role: str | None = None) -> tuple[str, ...]:
        """Return the events that are possible in a state (for a role), in the order of the table."""
        return tuple(
            row.event
            for row in self.transitions
            if row.state == state and (role is None or not row.roles or role in row.roles)
        )

    def sources(self, event: str) -> tuple[str, ...]:
        """Return the states in which an event is possible, in the order of the table.

        >>> TransitionTable("door", "shut", (Transition("shut", "open", "ajar"),)).sources("open")
        ('shut',)
        """
        return tuple(row.state for row in self.transitions if row.event == event)

    def next(self, state: str, event: str) -> Transition:
        """Return the transition of a pair; raise a refusal of kind ``conflict`` when there is none."""
        found = self.find(state, event)
        if found is None:
            raise self._impossible(state, event)
        return found

    def decide(
        self,
        state: str,
        event: str,
        *,
        roles: Collection[str] | None = None,
        reason: str = "",
        signed: bool = False,
        guards: Mapping[str, Refusal | None] | None = None,
    ) -> Transition:
        """Return the transition when everything it asks for is there, else raise all refusals at once.

        ``roles`` None: the caller's policy already judged who acts. ``guards`` maps every guard's name to its refusal,
        or to None when it holds; a guard without an answer is a mistake of the program.
        """
        row = self.next(state, event)
        answers = dict(guards or {})
        unanswered = [name for name in row.guards if name not in answers]
        if unanswered:
            message = f"{self.name}: {event} in {state} needs answers for the guards {', '.join(unanswered)}."
            raise KeyError(message)
        refusals = [*_missing(row, roles, reason, signed=signed)]
        refusals += [refusal for name in row.guards if (refusal := answers[name]) is not None]
        forbidden = bool(refusals) and refusals[0].code == "transition_role"
        raise_all(refusals, kind="forbidden" if forbidden else "invalid")
        return row

    def product(self) -> Iterator[tuple[str, str, Transition | None]]:
        """Yield every state with every event, with its transition or None: what a test of the machine walks."""
        for state, event in product(sorted(self.states), sorted(self.events)):
            yield state, event, self.find(state, event)

    def markdown(self) -> str:
        """Return the table as Markdown, for the generated page of states."""
        lines = [
            f"## {self.name}",
            "",
            f"Initial: {self.initial}. Final: {', '.join(sorted(self.final)) or 'none'}.",
            "",
            "| state | event | to | roles | guards | needs |",
            "|---|---|---|---|---|---|",
        ]
        for row in self.transitions:
            needs = [
                word for word, asked in (("reason", row.needs_reason), ("signature", row.needs_signature)) if asked
            ]
            cells = (
                row.state,
                row.event,
                row.to,
                ", ".join(sorted(row.roles)),
                ", ".join(row.guards),
                ", ".join(needs),
            )
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    def _impossible(self, state: str, event: str) -> DomainError:
        where_possible = self.sources(event)
        return refuse(
            "transition",
            expected=f"{event} in one of the states {', '.join(where_possible)}" if where_possible else "a known event",
            found=f"{self.name} in the state {state}",
            action=f"Possible now: {', '.join(self.allowed(state)) or 'nothing'}.",
            kind="conflict",
        )


def _missing(row: Transition, roles: Collection[str] | None, reason: str, *, signed: bool) -> Iterator[Refusal]:
    if roles is not None and row.roles and not row.roles.intersection(roles):
        yield Refusal(
            "transition_role",
            expected=f"one of the roles {', '.join(sorted(row.roles))}",
            found=", ".join(sorted(roles)) or "no role",
            action="Ask somebody who has that role.",
        )
    if row.needs_reason and not is_reason(reason):
        yield reason_needed(reason)
    if row.needs_signature and not signed:
        yield Refusal("signature_needed", expected="a signature", found="none", action="Sign it.")


def is_reason(text: str) -> bool:
    """Return whether a text says something: at least two letters or digits in all.

    >>> is_reason("typo"), is_reason(" . "), is_reason("--"), is_reason("ok.")
    (True, False, False, True)
    """
    return sum(letter.isalnum() for letter in text) >= 2


def reason_needed(found: str) -> Refusal:
    """Return the refusal of a missing or empty reason."""
    return Refusal(
        "reason", expected="a reason for it, in words", found=found.strip() or "none", action="Say why.", where="reason"
    )
