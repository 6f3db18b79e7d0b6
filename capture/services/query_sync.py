"""System queries: opened, reopened and closed by the save itself, from the messages that stand."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from capture.domain.messages import REQUIRED, Message
from capture.domain.query_states import LIVE, QUERY_STATES
from capture.models import FormRecord, Query, QueryEntry
from capture.services.sheets import Sheet, items_of
from trials.records.services.act import Act

AUTHOR = "system:checks"
State, Record = Query.State, FormRecord.State


@dataclass(slots=True)
class QueryPlan:
    """What will be written: new queries, moved ones, their entries; and how many are open per record afterwards."""

    created: list[Query] = field(default_factory=list)
    moved: list[tuple[Query, str]] = field(default_factory=list)
    entries: list[QueryEntry] = field(default_factory=list)
    open_counts: dict[uuid.UUID, int] = field(default_factory=dict)

    @property
    def opened(self) -> tuple[uuid.UUID, ...]:
        """Queries that ask something now and did not before."""
        moved = [query.pk for query, before in self.moved if query.state in LIVE and before not in LIVE]
        return (*(query.pk for query in self.created), *moved)

    @property
    def closed(self) -> tuple[uuid.UUID, ...]:
        """Queries that no longer ask."""
        return tuple(query.pk for query, before in self.moved if query.state not in LIVE and before in LIVE)


def plan_queries(sheets: Sequence[Sheet], *, act: Act, explanations: Mapping[str, str] | None = None) -> QueryPlan:
    """Decide what happens to the queries of these records; reads them in one statement, none for new records."""
    plan = QueryPlan()
    known: dict[uuid.UUID, list[Query]] = {sheet.record.pk: [] for sheet in sheets}
    stored = [sheet.record.pk for sheet in sheets if not sheet.is_new]
    if stored:
        for query in Query.objects.filter(record__in=stored).order_by("opened_at", "id"):
            known[query.record_id].append(query)
    by_itself = _closed_by_themselves(sheets, known)
    for sheet in sheets:
        _plan_sheet(plan, sheet, known[sheet.record.pk], act, explanations or {}, by_itself=by_itself)
    return plan


def _plan_sheet(
    plan: QueryPlan,
    sheet: Sheet,
    queries: list[Query],
    act: Act,
    explanations: Mapping[str, str],
    *,
    by_itself: Set[uuid.UUID],
) -> None:
    live, ever = _of_system(queries)
    changed = items_of(sheet.changed)
    standing: set[tuple[str, str]] = set()
    for message in asking(sheet):
        key = (message.path, message.check)
        if key in standing:
            continue
        standing.add(key)
        fresh = _is_fresh(sheet, message, changed)
        if key in live:
            _keep(plan, sheet, live[key], message, act, explanations, fresh=fresh)
        elif key not in ever or fresh or ever[key].pk in by_itself:
            live[key] = _create(plan, sheet, message, act, explanations)
            queries.append(live[key])
    for key, query in live.items():
        if key not in standing:
            _move(plan, query, "resolve", act, AUTHOR, "The check no longer fires.")
    if sheet.record.state == Record.REMOVED:
        for query in queries:
            if query.origin == Query.Origin.PERSON and query.state in LIVE:
                _move(plan, query, "resolve", act, AUTHOR, "The record was removed.")
    plan.open_counts[sheet.record.pk] = sum(query.state == State.OPEN for query in queries)


def _of_system(queries: Sequence[Query]) -> tuple[dict[tuple[str, str], Query], dict[tuple[str, str], Query]]:
    """Return the system's queries by path and check: those that live, and the last of each that ever was."""
    ever = {(query.path, query.check_key): query for query in queries if query.origin == Query.Origin.SYSTEM}
    live = {
        (query.path, query.check_key): query
        for query in queries
        if query.origin == Query.Origin.SYSTEM and query.state in LIVE
    }
    return live, ever


def _is_fresh(sheet: Sheet, message: Message, changed: Set[str]) -> bool:
    """Whether a value that the check reads was changed by this save."""
    return bool(sheet.found.inputs.get(message.key, frozenset()) & changed)


def _closed_by_themselves(sheets: Sequence[Sheet], known: Mapping[uuid.UUID, Sequence[Query]]) -> Set[uuid.UUID]:
    """Return the closed queries whose check stands again and had stopped firing, in one statement and none without.

    A query that a person closed is not among them: it is not asked again for the same values.
    """
    closed: set[uuid.UUID] = set()
    for sheet in sheets:
        live, ever = _of_system(known[sheet.record.pk])
        changed = items_of(sheet.changed)
        for message in asking(sheet) if ever else ():
            key = (message.path, message.check)
            if key in ever and key not in live and not _is_fresh(sheet, message, changed):
                closed.add(ever[key].pk)
    if not closed:
        return closed
    entries = QueryEntry.objects.filter(query__in=closed).order_by("at", "id").values_list("query_id", "author")
    last = dict(entries)
    return {pk for pk in closed if last.get(pk) == AUTHOR}


def asking(sheet: Sheet) -> Iterable[Message]:
    """Yield the messages that deserve a query: everything but notes, and blanks of a form that counts as complete."""
    if sheet.record.state in {Record.REMOVED, Record.NOT_DONE}:
        return
    yield from (message for message in sheet.found.messages if message.level != "note")
    if sheet.record.state == Record.COMPLETE:
        yield from missing_messages(sheet)


def missing_messages(sheet: Sheet) -> Iterable[Message]:
    """Yield one message for each required item without a value."""
    for path in sheet.found.missing:
        item = sheet.form.items[path.rsplit(".", 1)[-1]]
        action = "Enter it, or say why it is missing." if item.nulls else "Enter it."
        yield Message(path, "soft", "missing", f"{item.label} is missing.", "a value", action, REQUIRED)


def _create(plan: QueryPlan, sheet: Sheet, message: Message, act: Act, explanations: Mapping[str, str]) -> Query:
    record = sheet.record
    counts = record.state == Record.COMPLETE or message.level == "fault"
    explained = explanations.get(message.key, "").strip()
    query = Query(
        study_id=record.study_id,
        site_id=record.site_id,
        participant_id=record.participant_id,
        record=record,
        path=message.path,
        check_key=message.check[:80],
        origin=Query.Origin.SYSTEM,
        state=State.OPEN if counts else State.CANDIDATE,
        text=message.sentence,
        opened_by=AUTHOR,
        opened_at=act.at,
    )
    plan.created.append(query)
    plan.entries.append(_entry(query, "open" if counts else "candidate", act, AUTHOR, message.sentence))
    if explained:
        query.state = QUERY_STATES.next(query.state, "answer").to
        plan.entries.append(_entry(query, "answer", act, act.actor.name, explained))
    return query


def _keep(
    plan: QueryPlan,
    sheet: Sheet,
    query: Query,
    message: Message,
    act: Act,
    explanations: Mapping[str, str],
    *,
    fresh: bool,
) -> None:
    """A check still fires: its candidate opens at completion, its answer is in doubt when the values changed."""
    explained = explanations.get(message.key, "").strip()
    counts = sheet.record.state == Record.COMPLETE
    if explained:
        _move(plan, query, "answer", act, act.actor.name, explained)
    elif query.state == State.CANDIDATE and counts:
        _move(plan, query, "open", act, AUTHOR, message.sentence)
    elif query.state == State.ANSWERED and fresh:
        _move(
            plan, query, "reopen" if counts else "doubt", act, AUTHOR, "The values changed and the check still fires."
        )


def _move(plan: QueryPlan, query: Query, event: str, act: Act, author: str, text: str) -> None:
    before = query.state
    query.state = QUERY_STATES.next(before, event).to
    query.closed_at = None if query.state in LIVE else act.at
    plan.moved.append((query, before))
    plan.entries.append(_entry(query, event, act, author, text))


def _entry(query: Query, action: str, act: Act, author: str, text: str) -> QueryEntry:
    return QueryEntry(query=query, at=act.at, author=author, action=action, text=text)


def write_queries(plan: QueryPlan, *, act: Act) -> None:
    """Write a plan: at most three statements, and one event for each query."""
    if plan.created:
        Query.objects.bulk_create(plan.created)
    if plan.moved:
        Query.objects.bulk_update([query for query, _ in plan.moved], ["state", "closed_at"])
    if plan.entries:
        QueryEntry.objects.bulk_create(plan.entries)
    entries: dict[uuid.UUID, list[QueryEntry]] = {}
    for entry in plan.entries:
        entries.setdefault(entry.query_id, []).append(entry)
    for query in plan.created:
        note_query(act, query, entries.get(query.pk, []), None)
    for query, before in plan.moved:
        note_query(act, query, entries.get(query.pk, []), before)


FIELDS = ("study_id", "site_id", "participant_id", "record_id", "path", "check_key", "origin", "text", "opened_by")


def note_query(act: Act, query: Query, entries: Sequence[QueryEntry], before: str | None) -> None:
    """Note a query on the act: all its fields when it is new (``before`` None), else its move; and its thread's
    steps."""
    delta: dict[str, list[Any]] = {}
    if before is None:
        delta = {name: [str(getattr(query, name))] for name in FIELDS}
        delta |= {"state": [query.state], "opened_at": [query.opened_at.isoformat()]}
    else:
        delta["state"] = [before, query.state]
        delta["closed_at"] = [None, query.closed_at.isoformat() if query.closed_at else None]
    for number, entry in enumerate(entries, start=1):
        delta[f"entry.{number}"] = [
            {"action": entry.action, "author": entry.author, "text": entry.text, "at": entry.at.isoformat()}
        ]
    action = entries[-1].action if entries else "change"
    act.note("Query", query.pk, action, delta=delta, site=query.site_id, participant=query.participant_id)
