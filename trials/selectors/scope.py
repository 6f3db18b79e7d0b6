"""What an actor may see: memberships in force, and querysets narrowed by them.

One statement reads a user's memberships; the answer is kept on the actor, which lives for one request or one act.
Every narrowing of every room goes through ``visible``: a foreign row is, for whoever asks, a row that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NoReturn, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import ForeignKey, Model, Q, QuerySet

from trials.domain.roles import STUDY_WIDE, Permission, Role, allows
from trials.models import Site, Study, User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError, Refusal
from trials.records.services import clock

M = TypeVar("M", bound=Model)

_CACHE = "memberships"
_WAYS = ("participant", "site", "record", "query", "visit", "event", "version", "arm")
"""Relations that lead from a row without a study of its own to one that has it, in the order of trial."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One membership in force: no ``study_id`` means every study (an administrator), no ``site_id`` every site."""

    role: Role
    study_id: UUID | None
    study_oid: str
    site_id: UUID | None

    @property
    def whole_study(self) -> bool:
        """Whether the grant reaches all sites of its study."""
        return self.site_id is None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row belongs: its study and, if any, its site; ``by_text`` when it names them as audit events do."""

    study: str
    site: str
    by_text: bool = False


def memberships_of(actor: Actor) -> tuple[Grant, ...]:
    """Return the grants in force for an actor today; an inactive or unknown user has none."""
    cached = actor.cache.get(_CACHE)
    if isinstance(cached, tuple):
        return cached
    grants = tuple(_read(actor.user_id)) if actor.user_id else ()
    actor.cache[_CACHE] = grants
    return grants


def _read(user_id: str) -> Iterable[Grant]:
    """Read a user and his memberships in one statement, and keep those whose period holds today at their place."""
    rows = User.objects.filter(pk=user_id, is_active=True).values_list(
        "is_administrator",
        "time_zone",
        "memberships__role",
        "memberships__study_id",
        "memberships__study__oid",
        "memberships__site_id",
        "memberships__site__time_zone",
        "memberships__valid_from",
        "memberships__valid_until",
    )
    administrator = False
    for is_administrator, user_zone, role, study_id, oid, site_id, site_zone, valid_from, valid_until in rows:
        if is_administrator and not administrator:
            administrator = True
            yield Grant(Role.ADMINISTRATOR, None, "", None)
        if role is not None and in_force(valid_from, valid_until, today(site_zone or user_zone)):
            yield Grant(Role(role), study_id, oid, site_id)


def today(time_zone: str) -> date:
    """Return today's date, by system time, in a time zone; access follows the real calendar, never a simulated one."""
    return clock.now().astimezone(ZoneInfo(time_zone)).date()


def in_force(valid_from: date, valid_until: date | None, on: date) -> bool:
    """Say whether a period holds on a day; both its first and its last day belong to it.

    >>> in_force(date(2026, 1, 1), date(2026, 1, 31), date(2026, 1, 31))
    True
    >>> in_force(date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 1))
    False
    """
    return valid_from <= on and (valid_until is None or on <= valid_until)


def grants_for(actor: Actor, *permissions: Permission) -> tuple[Grant, ...]:
    """Return the grants of an actor that carry all the permissions."""
    return tuple(
        grant for grant in memberships_of(actor) if all(allows(grant.role, permission) for permission in permissions)
    )


def may_anywhere(actor: Actor, permission: Permission) -> bool:
    """Say whether an actor holds a permission at any place at all; decides menus, never rows."""
    if actor.is_system:
        return permission is not Permission.SIGN_RECORD
    return bool(grants_for(actor, permission))


def visible(
    actor: Actor, queryset: QuerySet[M], permission: Permission = Permission.VIEW_RECORDS, *also: Permission
) -> QuerySet[M]:
    """Narrow a queryset to what an actor may see with a permission (and with all of ``also``)."""
    if actor.is_system:
        return queryset
    grants = grants_for(actor, permission, *also)
    if queryset.model is User:
        return queryset.filter(_users(actor, grants))
    if any(grant.study_id is None for grant in grants):
        return queryset
    return queryset.filter(_condition(queryset.model, grants, _whole_only(queryset.model, permission)))


def _whole_only(model: type[Model], permission: Permission) -> bool:
    """Study-wide permissions reach a study itself only through a grant for all of its sites."""
    return permission in STUDY_WIDE and scope_paths(model)[1] == ""


def _condition(model: type[Model], grants: tuple[Grant, ...], whole_only: bool) -> Q:
    if _names_its_chain(model):
        return _chain_condition(model, grants)
    study_path, site_path = scope_paths(model)
    if not site_path:
        wanted = [grant for grant in grants if grant.whole_study or not whole_only]
        return Q(**{f"{study_path}__in": sorted({grant.study_id for grant in wanted if grant.study_id}, key=str)})
    whole = sorted({grant.study_id for grant in grants if grant.whole_study and grant.study_id}, key=str)
    sites = sorted({grant.site_id for grant in grants if grant.site_id}, key=str)
    return Q(**{f"{study_path}__in": whole}) | Q(**{f"{site_path}__in": sites})


def _chain_condition(model: type[Model], grants: tuple[Grant, ...]) -> Q:
    """Rows of the records' spine name their chain and site as text; what has no site is read by whole-study grants."""
    field = "chain_id" if isinstance(model._meta.get_field("chain"), ForeignKey) else "chain"
    whole = sorted({f"study:{grant.study_oid}" for grant in grants if grant.whole_study})
    condition = Q(**{f"{field}__in": whole})
    for grant in grants:
        if not grant.whole_study:
            condition |= Q(**{field: f"study:{grant.study_oid}", "site": str(grant.site_id)})
    return condition


def _users(actor: Actor, grants: tuple[Grant, ...]) -> Q:
    """Everyone sees himself; whoever holds the permission in a study sees its people; an administrator sees all."""
    if any(grant.study_id is None for grant in grants):
        return Q()
    whole = [grant.study_id for grant in grants if grant.whole_study]
    sites = [grant.site_id for grant in grants if grant.site_id]
    return Q(pk=actor.user_id or None) | Q(
        pk__in=User.objects.filter(Q(memberships__study_id__in=whole) | Q(memberships__site_id__in=sites)).values("pk")
    )


@lru_cache(maxsize=256)
def scope_paths(model: type[Model]) -> tuple[str, str]:
    """Return the look-ups that lead from a model to its study and its site (empty: it belongs to the study alone)."""
    if model is Study:
        return "pk", ""
    if model is Site:
        return "study_id", "pk"
    if _has(model, "study"):
        return "study_id", "site_id" if _has(model, "site") else ""
    for way in _WAYS:
        field = _relation(model, way)
        if field is not None:
            study, site = scope_paths(field)
            return f"{way}__{study}", f"{way}__{site}" if site else ""
    message = f"{model._meta.label} leads to no study; expected a relation named study, or one of {', '.join(_WAYS)}."
    raise LookupError(message)


def _has(model: type[Model], name: str) -> bool:
    return _relation(model, name) is not None


def _relation(model: type[Model], name: str) -> type[Model] | None:
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field.related_model if isinstance(field, ForeignKey) and isinstance(field.related_model, type) else None


def _names_its_chain(model: type[Model]) -> bool:
    try:
        model._meta.get_field("chain")
    except FieldDoesNotExist:
        return False
    return True


def place_of(obj: Model) -> Place:
    """Return where an object belongs.

    Raises ``LookupError`` when nothing leads from it to a study: such an object is nobody's to see.
    """
    model = type(obj)
    if _names_its_chain(model):
        row: Any = obj
        chain = row.chain_id if hasattr(row, "chain_id") else row.chain
        return Place(str(chain).removeprefix("study:"), str(row.site), by_text=True)
    study_path, site_path = scope_paths(model)
    return Place(_follow(obj, study_path), _follow(obj, site_path) if site_path else "")


def _follow(obj: Model, path: str) -> str:
    value: Any = obj
    for step in path.split("__"):
        value = getattr(value, step)
        if value is None:
            return ""
    return str(value)


def holds_at(grants: Iterable[Grant], place: Place, *, whole_only: bool) -> bool:
    """Say whether one of the grants reaches a place; ``whole_only`` asks for all sites when the place has none."""
    for grant in grants:
        if grant.study_id is None:
            return True
        same_study = place.study == (grant.study_oid if place.by_text else str(grant.study_id))
        if not same_study:
            continue
        if grant.whole_study or (place.site == str(grant.site_id) if place.site else not whole_only):
            return True
    return False


def find_visible(
    actor: Actor, queryset: QuerySet[M], permission: Permission = Permission.VIEW_RECORDS, /, **lookup: object
) -> M:
    """Return the one visible row that matches, or refuse with the one answer for foreign and unknown rows alike."""
    try:
        found = visible(actor, queryset, permission).filter(**lookup).first()
    except (ValueError, ValidationError):
        found = None
    if found is None:
        refuse_unknown()
    return found


def unknown() -> DomainError:
    """Return the refusal that foreign and unknown things share, word for word."""
    return DomainError(
        (
            Refusal(
                "unknown",
                expected="something that exists and is yours to see",
                found="nothing",
                action="Not found, or not yours to see.",
            ),
        ),
        kind="unknown",
    )


def refuse_unknown() -> NoReturn:
    raise unknown()


def studies_of(actor: Actor) -> QuerySet[Study]:
    """Return the studies that an actor may see, by name."""
    return visible(actor, Study.objects.order_by("oid"), Permission.VIEW_STUDY)
