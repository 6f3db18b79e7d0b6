"""Reads of the audit trail: a record's and an item's history, the study's trail, and the cursors of its readers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Q, QuerySet

from trials.records.domain.history import HistoryRow, rows_of
from trials.records.models import AuditEvent, EventCursor

PAGE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One page of history, newest first; ``older_than`` is the number to ask the next page with, None on the last."""

    rows: tuple[HistoryRow, ...]
    older_than: int | None


@dataclass(frozen=True, slots=True)
class Filters:
    """What to show of a trail; an empty field does not filter. ``sites`` None means all of the chain."""

    chain: str
    sites: Collection[str] | None = None
    participant: str = ""
    actor: str = ""
    record_kind: str = ""
    record_id: str = ""
    action: str = ""
    path: str = ""
    since: datetime | None = None
    until: datetime | None = None


def record_history(
    record_kind: str, record_id: object, *, time_zone: str, older_than: int | None = None, size: int = PAGE
) -> Page:
    """Return one page of a record's history, newest first; two statements, the second for printed names."""
    events = AuditEvent.objects.filter(record_kind=record_kind, record_id=str(record_id))
    return _page(events, time_zone=time_zone, older_than=older_than, size=size)


def item_history(record_kind: str, record_id: object, path: str, *, time_zone: str) -> tuple[HistoryRow, ...]:
    """Return an item's whole history, newest first; one statement that reads this record's events by index.

    Who acted is shown by username; ``printed_names`` gives the printed ones where a page wants them.
    """
    events = _touching(AuditEvent.objects.filter(record_kind=record_kind, record_id=str(record_id)), path)
    return tuple(rows_of(events.order_by("-seq"), time_zone=time_zone, path=path))


def trail(filters: Filters, *, time_zone: str, older_than: int | None = None, size: int = PAGE) -> Page:
    """Return one page of a study's (or the system's) audit trail, newest first."""
    return _page(trail_events(filters), time_zone=time_zone, older_than=older_than, size=size, path=filters.path)


def trail_events(filters: Filters) -> QuerySet[AuditEvent]:
    """Return the events that the filters ask for, unordered; for exports too."""
    events = AuditEvent.objects.filter(chain_id=filters.chain)
    exact = ("participant", "actor", "record_kind", "record_id", "action")
    events = events.filter(**{name: value for name in exact if (value := getattr(filters, name))})
    if filters.sites is not None:
        events = events.filter(site__in=[*filters.sites])
    if filters.since:
        events = events.filter(at__gte=filters.since)
    if filters.until:
        events = events.filter(at__lt=filters.until)
    return _touching(events, filters.path) if filters.path else events


def printed_names(usernames: Iterable[str]) -> dict[str, str]:
    """Return printed names by username; jobs have none."""
    wanted = {name for name in usernames if name and not name.startswith("system:")}
    users = get_user_model().objects.filter(username__in=wanted) if wanted else ()
    return {user.get_username(): str(user) for user in users}


def events_after(chain: str, seq: int, *, limit: int = 1000) -> tuple[AuditEvent, ...]:
    """Return the next events of a chain after a number, in commit order: what the ``changes`` of REST read."""
    return tuple(AuditEvent.objects.filter(chain_id=chain, seq__gt=seq).order_by("seq")[:limit])


def unread_events(reader: str, chain: str, *, limit: int = 1000) -> tuple[AuditEvent, ...]:
    """Return what one reader has not yet handled, with its cursor locked until the caller's transaction ends.

    Numbers have no gaps and appear in commit order, so that a cursor never steps over an event that commits later. A
    second run of the same reader waits here and then finds nothing.
    """
    EventCursor.objects.bulk_create([EventCursor(reader=reader, chain=chain)], ignore_conflicts=True)
    cursors = EventCursor.objects.filter(reader=reader, chain=chain)
    if connection.in_atomic_block:
        cursors = cursors.select_for_update()
    return events_after(chain, cursors.get().seq, limit=limit)


def move_cursor(reader: str, chain: str, seq: int) -> None:
    """Note that a reader has handled everything up to a number; never moves back."""
    EventCursor.objects.filter(reader=reader, chain=chain, seq__lt=seq).update(seq=seq)


def _touching(events: QuerySet[AuditEvent], path: str) -> QuerySet[AuditEvent]:
    """Keep events whose payload names an item; canonical JSON has no blanks, so that a key always looks the same."""
    quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '":['
    return events.filter(payload__contains=quoted)


def _page(events: QuerySet[AuditEvent], *, time_zone: str, older_than: int | None, size: int, path: str = "") -> Page:
    if older_than is not None:
        events = events.filter(Q(seq__lt=older_than))
    found = list(events.order_by("-seq")[: size + 1])
    shown = found[:size]
    names = printed_names({name for event in shown for name in (event.actor, event.on_behalf_of)})
    rows = tuple(rows_of(shown, time_zone=time_zone, names=names, path=path))
    return Page(rows, shown[-1].seq if len(found) > size else None)
