"""Who may do what: one role x permission matrix, asked about one object.

``visible`` (re-exported) answers the same question for many rows at once, from the same grants.
"""

from __future__ import annotations

from django.db.models import Model

from trials.domain.roles import OWN_SITE_SUFFICES, Permission
from trials.models import User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError, refuse
from trials.selectors.scope import (
    find_visible,
    grants_for,
    holds_at,
    may_anywhere,
    memberships_of,
    place_of,
    unknown,
    visible,
)

__all__ = ["can", "find_visible", "may_anywhere", "may_see", "memberships_of", "require", "unknown", "visible"]


def can(actor: Actor, permission: Permission, obj: Model) -> bool:
    """Say whether an actor may do something with an object.

    A system actor may do everything but sign. About a study as a whole, a grant for one site answers yes only to the
    permissions whose rows are narrowed further on (reading, exporting, registering); the others ask for all its sites.
    """
    if actor.is_system:
        return permission is not Permission.SIGN_RECORD
    grants = grants_for(actor, permission)
    if not grants:
        return False
    if isinstance(obj, User):
        return visible(actor, User.objects.all(), permission).filter(pk=obj.pk).exists()
    return holds_at(grants, place_of(obj), whole_only=permission not in OWN_SITE_SUFFICES)


def may_see(actor: Actor, obj: Model) -> bool:
    """Say whether an actor may know that an object exists."""
    if isinstance(obj, User):
        return can(actor, Permission.MANAGE_USERS, obj) or str(obj.pk) == actor.user_id
    place = place_of(obj)
    permission = Permission.VIEW_PARTICIPANTS if place.site and _clinical(obj) else Permission.VIEW_STUDY
    return can(actor, permission, obj)


def _clinical(obj: Model) -> bool:
    """A site, a membership and an activation belong to the study's organisation, all else to a participant."""
    return type(obj).__name__ not in {"Site", "Membership", "SiteActivation"}


def require(actor: Actor, permission: Permission, obj: Model) -> None:
    """Refuse unless the actor may: ``forbidden`` when he may see the object, ``unknown`` when he may not even that."""
    if can(actor, permission, obj):
        return
    if not may_see(actor, obj):
        raise unknown()
    raise forbidden(actor, permission)


def forbidden(actor: Actor, permission: Permission) -> DomainError:
    """Return the refusal of an act on something that the actor may see."""
    roles = sorted({grant.role.value.replace("_", " ") for grant in memberships_of(actor)})
    return refuse(
        "forbidden",
        expected=f"a role with the right to {permission.value} here",
        found=", ".join(roles) or "no role",
        action="Ask whoever holds that role, or an administrator for the role.",
        kind="forbidden",
    )
