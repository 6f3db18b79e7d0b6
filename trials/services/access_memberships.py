"""Memberships: who holds which role where, from when until when; nobody grants himself."""

from __future__ import annotations

from datetime import date, timedelta

from trials import policies
from trials.domain.roles import CLINICAL_WRITES, Permission, Role, allows
from trials.models import Membership, Site, Study, User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all
from trials.records.services.act import SYSTEM_CHAIN, open_act
from trials.selectors.scope import grants_for, today
from trials.services.access import actor_of
from trials.services.access_tokens import revoke_all_tokens
from trials.services.noting import note_created, save_changes, shown


def grant_membership(
    user: User,
    *,
    study: Study,
    role: Role | str,
    actor: Actor,
    site: Site | None = None,
    valid_from: date | None = None,
    valid_until: date | None = None,
    reason: str = "",
) -> Membership:
    """Give a person a role in a study, at one site or (without ``site``) at all; it works from the next request on."""
    policies.require(actor, Permission.MANAGE_USERS, study)
    start = valid_from or today(site.time_zone if site else user.time_zone)
    with open_act("grant membership", chain=SYSTEM_CHAIN, actor=actor, reason=reason) as act:
        user = User.objects.select_for_update().get(pk=user.pk)
        raise_all(_refusals(user, study, role, site, start, valid_until, actor))
        membership = Membership(
            user=user,
            study=study,
            site=site,
            role=Role(role).value,
            valid_from=start,
            valid_until=valid_until,
            granted_by=actor.name,
            granted_at=act.at,
        )
        membership.save(force_insert=True)
        note_created(act, membership, action="grant")
        return membership


def _refusals(
    user: User,
    study: Study,
    role: Role | str,
    site: Site | None,
    start: date,
    until: date | None,
    actor: Actor,
) -> list[Refusal]:
    if role not in set(Role):
        return [Refusal("role", f"one of {', '.join(Role)}", repr(str(role)), "Choose one of them.", where="role")]
    found = []
    if actor.user_id == str(user.pk):
        found.append(
            Refusal("self_grant", "a grant to another person", "one's own account", "Ask another administrator.")
        )
    if not user.is_active:
        found.append(Refusal("user_inactive", "an active account", "a closed one", "Open the account first."))
    if site is not None and site.study_id != study.pk:
        found.append(
            Refusal("site_of_study", "a site of the study", "another's", "Choose one of its own.", where="site")
        )
    if until is not None and until < start:
        found.append(Refusal("period", f"an end on or after {start}", f"{until}", "Correct it.", where="valid_until"))
    present = list(user.memberships.filter(study=study))
    same = [each for each in present if each.role == Role(role).value and each.site_id == (site.pk if site else None)]
    if any(_overlaps(each, start, until) for each in same):
        found.append(Refusal("already_granted", "a role not held yet", "the same role there", "End that one first."))
    held = {Role(each.role) for each in present if _overlaps(each, start, until)}
    if user.is_administrator:
        held.add(Role.ADMINISTRATOR)
    if _mixes_duties(Role(role), held):
        found.append(
            Refusal(
                "segregation",
                expected="administration and clinical data in different hands",
                found="both in one account",
                action="Use an account for each.",
                where="role",
            )
        )
    return found


def _overlaps(membership: Membership, start: date, until: date | None) -> bool:
    after = until is not None and until < membership.valid_from
    before = membership.valid_until is not None and membership.valid_until < start
    return not (after or before)


def _mixes_duties(role: Role, held: set[Role]) -> bool:
    """Whoever administers users or studies neither enters nor signs clinical data in the same study."""
    both = {role, *held}
    return Role.ADMINISTRATOR in both and any(
        allows(each, permission) for each in both for permission in CLINICAL_WRITES
    )


def end_membership(membership: Membership, *, actor: Actor, reason: str) -> Membership:
    """End a role at once: its last day becomes yesterday, and tokens go when no role carries them any more."""
    policies.require(actor, Permission.MANAGE_USERS, membership)
    raise_all([] if reason.strip() else [Refusal("reason_missing", "a reason", "none", "Say why.", where="reason")])
    with open_act("end membership", chain=SYSTEM_CHAIN, actor=actor, reason=reason) as act:
        row = Membership.objects.select_for_update(of=("self",)).select_related("user", "site").get(pk=membership.pk)
        here = today(row.site.time_zone if row.site else row.user.time_zone)
        ended = row.valid_until is not None and row.valid_until < here
        raise_all(
            [Refusal("already_ended", "a role in force", "one that ended", "Nothing is to be done.")] if ended else []
        )
        before = shown(row)
        row.valid_until = here - timedelta(days=1)
        save_changes(act, row, before, action="end")
        if row.user.is_active and not grants_for(actor_of(row.user), Permission.USE_API):
            revoke_all_tokens(row.user, act=act)
        membership.valid_until = row.valid_until
        return row
