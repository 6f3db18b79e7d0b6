"""Queries of people: opened and closed by those who monitor, answered by the site."""

from __future__ import annotations

from capture.definition.compiled import form_set
from capture.domain.query_states import LIVE, QUERY_STATES
from capture.models import FormRecord, Query, QueryEntry
from capture.policies import require_answer, require_close, require_open
from capture.selectors.seals import lock_scopes
from capture.services.changes import find_item
from capture.services.locking import require_not_locked
from capture.services.query_sync import note_query
from trials.records.domain.actors import Actor
from trials.records.domain.errors import raise_all, refuse
from trials.records.domain.transitions import is_reason, reason_needed
from trials.records.services import clock
from trials.records.services.act import Act, open_act


def open_query(record: FormRecord, *, path: str = "", text: str, actor: Actor) -> Query:
    """Ask about an item of a record, or about the record as a whole (``path`` empty)."""
    require_open(actor, record)
    raise_all([] if is_reason(text) else [reason_needed(text)])
    form = form_set(record.definition).forms[record.form]
    if path and find_item(form, path) is None:
        raise refuse("unknown_item", expected=f"an item of {form.code}", found=path, action="Choose one.", where=path)
    study = record.participant.study
    with open_act("open query", chain=study.chain_key, actor=actor, study_time=clock.study_now(study)) as act:
        held = FormRecord.objects.select_for_update().get(pk=record.pk)
        require_not_locked(lock_scopes(held), act=act)
        if held.state == FormRecord.State.REMOVED:
            raise refuse(
                "removed", expected="a record in use", found="a removed one", action="Nothing.", kind="conflict"
            )
        query = Query.objects.create(
            study_id=held.study_id,
            site_id=held.site_id,
            participant_id=held.participant_id,
            record=held,
            path=path,
            origin=Query.Origin.PERSON,
            state=Query.State.OPEN,
            text=text.strip(),
            opened_by=actor.name,
            opened_at=act.at,
        )
        note_query(act, query, [_add(query, "open", text, act)], None)
        _recount(held, act)
        return query


def answer_query(query: Query, *, text: str, actor: Actor) -> Query:
    """Answer a query; on a candidate it is the explanation that keeps the value ("data confirmed")."""
    return _move(query, "answer", text, actor=actor, needs_text=True)


def close_query(query: Query, *, actor: Actor, text: str = "") -> Query:
    """Close a query; one that nobody answered asks for the reason."""
    return _move(query, "close", text, actor=actor, needs_text=False)


def reopen_query(query: Query, *, text: str, actor: Actor) -> Query:
    """Ask again, with the words that say why the answer does not do."""
    return _move(query, "reopen", text, actor=actor, needs_text=True)


def cancel_query(query: Query, *, text: str, actor: Actor) -> Query:
    """Withdraw a query that should not have been asked."""
    return _move(query, "cancel", text, actor=actor, needs_text=True)


def _move(query: Query, event: str, text: str, *, actor: Actor, needs_text: bool) -> Query:
    if event == "answer":
        require_answer(actor, query)
    else:
        require_close(actor, query)
    study = query.study
    with open_act(f"{event} query", chain=study.chain_key, actor=actor, study_time=clock.study_now(study)) as act:
        record = FormRecord.objects.select_for_update().get(pk=query.record_id)
        require_not_locked(lock_scopes(record), act=act)
        held = Query.objects.select_for_update().get(pk=query.pk)
        row = QUERY_STATES.next(held.state, event)
        if (needs_text or row.needs_reason) and not is_reason(text):
            raise_all([reason_needed(text)])
        before = held.state
        held.state = row.to
        held.closed_at = None if row.to in LIVE else act.at
        held.save(update_fields=["state", "closed_at"])
        note_query(act, held, [_add(held, event, text, act)], before)
        _recount(record, act)
    query.state, query.closed_at = held.state, held.closed_at
    return held


def _add(query: Query, action: str, text: str, act: Act) -> QueryEntry:
    return QueryEntry.objects.create(query=query, at=act.at, author=act.actor.name, action=action, text=text.strip())


def _recount(record: FormRecord, act: Act) -> None:
    """Bring the record's counter of open queries up to date; the record's version, which counts saves, stays."""
    count = Query.objects.filter(record=record, state=Query.State.OPEN).count()
    if count == record.open_queries:
        return
    delta = {"open_queries": [str(record.open_queries), str(count)]}
    FormRecord.objects.filter(pk=record.pk).update(open_queries=count)
    act.note("FormRecord", record.pk, "count", delta=delta, site=record.site_id, participant=record.participant_id)
