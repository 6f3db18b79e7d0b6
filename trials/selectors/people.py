"""Who holds which role in a study, today or as of a past day; and what the list of accounts shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django_otp.plugins.otp_totp.models import TOTPDevice

from trials.domain.roles import Permission, Role
from trials.models import Membership, Site, Study, User
from trials.policies import visible
from trials.records.domain.actors import Actor
from trials.records.models import AuditEvent
from trials.selectors.scope import in_force, today

_SWITCHES = ("deactivate", "reactivate")


@dataclass(frozen=True, slots=True)
class Holding:
    """One role of one person in a study; without ``membership_id`` that of an administrator of the installation."""

    user: User
    role: Role
    site: Site | None
    valid_from: date
    valid_until: date | None
    granted_by: str
    membership_id: UUID | None
    state: str
    """``in force``, ``later``, ``ended`` or ``closed`` (the account is)."""

    @property
    def label(self) -> str:
        """The role in words."""
        return self.role.value.replace("_", " ").capitalize()

    @property
    def may_end(self) -> bool:
        """Whether there is a grant that can still be ended."""
        return self.membership_id is not None and self.state != "ended"


def holdings_of(study: Study) -> list[Holding]:
    """Return everybody's roles in a study, those in force first; two statements."""
    found = [_of_membership(row, today(_zone(row)), is_active=row.user.is_active) for row in _memberships(study)]
    for user in _administrators():
        on = today(user.time_zone)
        found.append(_of_administrator(user, on, is_active=user.is_active))
    return _sorted(found)


def holdings_on(study: Study, on: date) -> list[Holding]:
    """Return the roles that were in force at the end of a day, by the local calendar of each; three statements.

    A grant counts from the moment at which it was made, whatever period it names. An ended one has its last day moved
    to the day before, so every day on which it was in force to the end still lies in its period. Whether an account
    was open follows from the first act after that day that closed or opened it.
    """
    rows = [row for row in _memberships(study) if row.granted_at < _end_of(on, _zone(row))]
    administrators = [user for user in _administrators() if user.created_at < _end_of(on, user.time_zone)]
    switches = _switches_after(on, {row.user_id for row in rows} | {user.pk for user in administrators})
    found = [
        _of_membership(row, on, is_active=_was_active(row.user, _end_of(on, _zone(row)), switches)) for row in rows
    ]
    found += [
        _of_administrator(user, on, is_active=_was_active(user, _end_of(on, user.time_zone), switches))
        for user in administrators
    ]
    return _sorted(each for each in found if each.state == "in force")


def _memberships(study: Study) -> QuerySet[Membership]:
    return Membership.objects.filter(study=study).select_related("user", "site")


def _administrators() -> QuerySet[User]:
    return User.objects.filter(is_administrator=True)


def _zone(row: Membership) -> str:
    return row.site.time_zone if row.site else row.user.time_zone


def _end_of(day: date, zone: str) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _of_membership(row: Membership, on: date, *, is_active: bool) -> Holding:
    if in_force(row.valid_from, row.valid_until, on):
        state = "in force" if is_active else "closed"
    else:
        state = "later" if on < row.valid_from and (row.valid_until is None or on <= row.valid_until) else "ended"
    return Holding(row.user, Role(row.role), row.site, row.valid_from, row.valid_until, row.granted_by, row.pk, state)


def _of_administrator(user: User, on: date, *, is_active: bool) -> Holding:
    begun = user.created_at.astimezone(ZoneInfo(user.time_zone)).date()
    state = "in force" if is_active and begun <= on else "closed"
    return Holding(user, Role.ADMINISTRATOR, None, begun, None, "", None, state)


def _switches_after(on: date, users: Iterable[UUID]) -> list[AuditEvent]:
    """Return the closings and openings of accounts since that day began anywhere on earth."""
    since = datetime.combine(on, time(), tzinfo=UTC)
    keys = [str(pk) for pk in users]
    events = AuditEvent.objects.filter(record_kind="User", record_id__in=keys, action__in=_SWITCHES, at__gte=since)
    return list(events.only("record_id", "action", "at").order_by("seq"))


def _was_active(user: User, at: datetime, switches: list[AuditEvent]) -> bool:
    for event in switches:
        if event.record_id == str(user.pk) and event.at >= at:
            return event.action == "deactivate"
    return user.is_active


_ORDER = {"in force": 0, "later": 1, "closed": 2, "ended": 3}


def _sorted(found: Iterable[Holding]) -> list[Holding]:
    return sorted(
        found,
        key=lambda each: (_ORDER[each.state], each.user.username, each.role, str(each.site or ""), each.valid_from),
    )


def accounts_of(actor: Actor) -> QuerySet[User]:
    """Return the accounts that an actor may manage, with ``second_factor`` and, in ``roles``, his view of their roles.

    Two statements whatever their number.
    """
    roles = visible(actor, Membership.objects.select_related("study", "site"), Permission.MANAGE_USERS)
    device = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
    return (
        visible(actor, User.objects.all(), Permission.MANAGE_USERS)
        .annotate(second_factor=Exists(device))
        .prefetch_related(Prefetch("memberships", queryset=roles.order_by("study__oid", "role"), to_attr="roles"))
        .order_by("username")
    )
