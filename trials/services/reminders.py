"""Reminders of visits: upcoming, due, closing, overdue.

One statement per rule, channel and local date (and twenty sites) writes every reminder that holds and was not written
before, however many visits there are and however long no scan ran: there is no lower bound to catch up from. What is
there already is left out by an index before anything is hashed, so that a scan that finds nothing new is cheap. A
reminder's occurrence is the visit with its target, so a re-anchored visit is a new occurrence and what was written for
the old one is withdrawn. A visit that is awaited again, because its date or its miss was taken back, is the same
occurrence: the row that was withdrawn stands in the queue again.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DateTimeField,
    Exists,
    F,
    Func,
    OuterRef,
    PositiveSmallIntegerField,
    Q,
    QuerySet,
    TextField,
    UUIDField,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Lower
from django.db.models.sql.compiler import SQLCompiler

from trials.domain.roles import Role
from trials.models import Participant, Site, Study, Visit
from trials.records.domain.notification_states import NOTIFICATION_STATES
from trials.records.models import Notification
from trials.records.services import clock

UPCOMING_DAYS, CLOSING_DAYS = 7, 3
SITES_AT_ONCE = 20
KIND = "visit_reminder"
RECIPIENTS = (Role.COORDINATOR.value, Role.INVESTIGATOR.value)
ACTIVE = (Participant.State.SCREENING, Participant.State.ENROLLED, Participant.State.TREATED)
Channel, State = Notification.Channel, Notification.State


@dataclass(frozen=True, slots=True)
class ReminderRule:
    """When a visit without a date is written about, in words and through which channels."""

    rule_id: str
    words: str
    channels: tuple[str, ...]
    urgent: bool = False

    def condition(self, today: date) -> Q:
        """Return the visits for which the rule holds on a day at the site."""
        closing_from = today + timedelta(days=CLOSING_DAYS)
        if self.rule_id == "visit.upcoming":
            return Q(target__gt=today, target__lte=today + timedelta(days=UPCOMING_DAYS))
        if self.rule_id == "visit.due":
            return Q(opens__lte=today, closes__gt=closing_from)
        if self.rule_id == "visit.closing":
            return Q(opens__lte=today, closes__gte=today, closes__lte=closing_from)
        return Q(closes__lt=today, provisional=False)


RULES = (
    ReminderRule("visit.upcoming", "is coming up", (Channel.INBOX,)),
    ReminderRule("visit.due", "is due: its window is open", (Channel.INBOX,)),
    ReminderRule("visit.closing", "has no date and its window is closing", (Channel.INBOX, Channel.EMAIL)),
    ReminderRule("visit.overdue", "has no date and its window has passed", (Channel.INBOX, Channel.EMAIL), urgent=True),
)


class UuidText(Func):
    """A UUID as its usual text, also on SQLite, which keeps 32 digits without hyphens."""

    function = "CAST"
    template = "CAST(%(expressions)s AS varchar)"
    output_field = CharField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        del connection, extra_context
        parts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
        sql, params = compiler.compile(self.source_expressions[0])
        template = " || '-' || ".join(f"substr({sql}, {start}, {length})" for start, length in parts)
        return f"({template})", tuple(params) * len(parts)


class VisitKey(Func):
    """The visit's id that a reminder's occurrence begins with, as the column of the visit keeps it."""

    arity = 1
    output_field = UUIDField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="CAST(substr(%(expressions)s, 1, 36) AS uuid)", **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="replace(substr(%(expressions)s, 1, 36), '-', '')", **extra)


class Joined(Func):
    """Texts that are never null, one after the other; Django's Concat nests a COALESCE around each."""

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = CharField()


class Sha256(Func):
    """SHA-256 of a text as 64 hexadecimal digits; PostgreSQL's own function, without an extension."""

    function = "SHA256"
    output_field = CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="encode(sha256(convert_to(%(expressions)s, 'UTF8')), 'hex')", **extra
        )


class NewUuid(Func):
    """A fresh random id for every row."""

    arity = 0
    output_field = UUIDField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="gen_random_uuid()", **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="lower(hex(randomblob(16)))", **extra)


def sweep_reminders() -> int:
    """Write the reminders of all studies; return how many are new or hold again."""
    return _scan(Site.objects.select_related("study"))


def sweep_study(study: Study) -> int:
    """Write the reminders of one study by its own clock; return how many are new or hold again."""
    return _scan(Site.objects.filter(study=study).select_related("study"))


def _scan(sites: QuerySet[Site]) -> int:
    """Withdraw what no longer holds and write what does, grouped by the dates that it is at the sites now."""
    found = list(sites)
    withdraw_stale(sorted({site.study.chain_key for site in found}))
    return sum(
        _write(ids[start : start + SITES_AT_ONCE], today=today, real_today=real_today)
        for (today, real_today), ids in _by_date(found).items()
        for start in range(0, len(ids), SITES_AT_ONCE)
    )


def _write(site_ids: Sequence[uuid.UUID], *, today: date, real_today: date) -> int:
    """Write what is due at some sites and keep it: a worker that is stopped later has not worked for nothing."""
    with transaction.atomic():
        again = revive_withdrawn(site_ids, today=today, real_today=real_today)
        return again + sum(
            _insert(due_reminders(rule, channel, site_ids, today=today, real_today=real_today))
            for rule in RULES
            for channel in rule.channels
        )


def _by_date(sites: Iterable[Site]) -> dict[tuple[date, date], list[uuid.UUID]]:
    """Group sites by their date in study time and in system time; memberships follow the latter."""
    groups: dict[tuple[date, date], list[uuid.UUID]] = defaultdict(list)
    for site in sites:
        real = clock.now().astimezone(ZoneInfo(site.time_zone)).date()
        groups[clock.local_today(site.study, site.time_zone), real].append(site.pk)
    return groups


def awaited_visits() -> QuerySet[Visit]:
    """Return the visits that are still awaited: no date, not missed, not cancelled, of participants under study."""
    return Visit.objects.filter(actual=None, missed=False, cancelled=False, participant__state__in=ACTIVE)


def _occurrence() -> Joined:
    """The visit and its target; for a visit on any day of a range, the day its window opens."""
    return Joined(UuidText(F("id")), Value(":"), _text(Coalesce("target", "opens")), output_field=CharField())


def _text(expression: Any) -> Cast:
    return Cast(expression, CharField())


def _told(rule: ReminderRule, site_ids: Sequence[uuid.UUID], *, today: date, real_today: date) -> QuerySet[Visit]:
    """Return the visits for which a rule holds, once for each membership of those who are written to."""
    member = "study__memberships__"
    return awaited_visits().filter(
        rule.condition(today),
        Q(**{f"{member}site": None}) | Q(**{f"{member}site": F("site_id")}),
        Q(**{f"{member}valid_until": None}) | Q(**{f"{member}valid_until__gte": real_today}),
        site_id__in=site_ids,
        **{
            f"{member}role__in": RECIPIENTS,
            f"{member}valid_from__lte": real_today,
            f"{member}user__is_active": True,
        },
    )


def due_reminders(
    rule: ReminderRule, channel: str, site_ids: Sequence[uuid.UUID], *, today: date, real_today: date
) -> QuerySet[Visit, dict[str, Any]]:
    """Return, as rows of the notification table, every reminder of a rule that holds at these sites on a day."""
    wanted = _told(rule, site_ids, today=today, real_today=real_today).annotate(
        w_participant=UuidText(F("participant_id")),
        w_occurrence=_occurrence(),
        w_recipient=F("study__memberships__user_id"),
    )
    # Trap: with the channel as a plain column SQLite looks in the recipient's whole inbox, once for each visit.
    written = Notification.objects.annotate(through=Lower("channel")).filter(
        participant=OuterRef("w_participant"),
        rule_id=rule.rule_id,
        occurrence=OuterRef("w_occurrence"),
        recipient_id=OuterRef("w_recipient"),
        through=channel,
    )
    new = wanted.filter(~Exists(written)).order_by().values(**_columns(rule, channel))
    return cast("QuerySet[Visit, dict[str, Any]]", new)


def _columns(rule: ReminderRule, channel: str) -> dict[str, Any]:
    """Name every column of the notification; the key is the one that a single request of the same would have."""
    now = Value(clock.now(), DateTimeField())
    participant, user = UuidText(F("participant_id")), UuidText(F("study__memberships__user_id"))
    start, end = f'["{rule.rule_id}","', f'","{channel}",""]'
    quote = Value('","')
    parts = [Value(start), participant, quote, _occurrence(), quote, user, Value(end)]
    return {
        "n_id": NewUuid(),
        "n_key": Sha256(Joined(*parts, output_field=TextField())),
        "n_kind": Value(KIND),
        "n_rule_id": Value(rule.rule_id),
        "n_rule_version": Value(""),
        "n_chain": Joined(Value("study:"), "study__oid", output_field=CharField()),
        "n_site": UuidText(F("site_id")),
        "n_participant": participant,
        "n_occurrence": _occurrence(),
        "n_recipient_id": F("study__memberships__user_id"),
        "n_channel": Value(channel),
        "n_urgent": Value(rule.urgent, BooleanField()),
        "n_title": Joined(Value("Visit "), "code", Value(" of "), "participant__number", Value(f" {rule.words}")),
        "n_link": Joined(Value("/admin/visits/"), UuidText(F("id")), Value("/"), output_field=CharField()),
        "n_due_at": now,
        "n_created_at": now,
        "n_state": Value(State.QUEUED.value),
        "n_next_attempt_at": now,
        "n_attempts": Value(0, PositiveSmallIntegerField()),
        "n_last_error": Value(""),
    }


def _insert(rows: QuerySet[Visit, dict[str, Any]]) -> int:
    """Insert the rows of a query that are not there yet, in one statement; return how many were."""
    names = [name.removeprefix("n_") for name in rows.query.annotation_select]
    sql, params = rows.query.sql_with_params()
    table = connection.ops.quote_name(Notification._meta.db_table)
    columns = ", ".join(connection.ops.quote_name(name) for name in names)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) {sql} ON CONFLICT DO NOTHING", params)
        return int(cursor.rowcount)


def withdraw_stale(chains: Sequence[str]) -> int:
    """Withdraw unread reminders whose visit took place, is no longer awaited, or has another target now."""
    waiting = Notification.objects.filter(
        kind=KIND, chain__in=chains, acknowledged_at=None, state__in=[State.QUEUED, State.FAILED, State.SENT]
    )
    holding = (
        awaited_visits().annotate(said=_occurrence()).filter(pk=OuterRef("key_of_visit"), said=OuterRef("occurrence"))
    )
    gone = _with_visit(waiting).filter(~Exists(holding))
    return gone.update(state=State.WITHDRAWN, lease_until=None)


def revive_withdrawn(site_ids: Sequence[uuid.UUID], *, today: date, real_today: date) -> int:
    """Queue again, as if asked for now, what was withdrawn and whose rule holds again for the same recipient."""
    again = Q(pk__in=[])
    for rule in RULES:
        told = _told(rule, site_ids, today=today, real_today=real_today).annotate(
            said=_occurrence(), whom=F("study__memberships__user_id")
        )
        # Trap: a filter by the membership would join the memberships once more and find those that are over too.
        same = told.filter(pk=OuterRef("key_of_visit"), said=OuterRef("occurrence"), whom=OuterRef("recipient_id"))
        again |= Q(Exists(same), rule_id=rule.rule_id)
    withdrawn = Notification.objects.filter(
        kind=KIND, state__in=NOTIFICATION_STATES.sources("ask again"), site__in=[str(key) for key in site_ids]
    )
    now = clock.now()
    # The day on which delivery is given up counts from ``due_at``.
    return (
        _with_visit(withdrawn)
        .filter(again)
        .update(
            state=State.QUEUED,
            due_at=now,
            next_attempt_at=now,
            attempts=0,
            last_error="",
            lease_until=None,
            sent_at=None,
            acknowledged_at=None,
        )
    )


def _with_visit(rows: QuerySet[Notification]) -> QuerySet[Any]:
    """Name the visit of each reminder: by the occurrence alone each would be compared with every visit."""
    # The case keeps PostgreSQL from reading a key out of the occurrence of another kind.
    return rows.annotate(key_of_visit=Case(When(kind=KIND, then=VisitKey(F("occurrence"))), output_field=UUIDField()))
