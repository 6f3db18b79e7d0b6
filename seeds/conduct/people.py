"""The people of the demo studies: one account per role, the same in all studies, and a monitor of another site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from trials.domain.roles import Role
from trials.models import Membership, Site, Study, User
from trials.records.domain.actors import Actor
from trials.services.access_memberships import grant_membership
from trials.services.access_users import create_user


@dataclass(frozen=True, slots=True)
class Person:
    """One account; ``site`` is the code of the only site it sees, empty for all sites."""

    username: str
    printed_name: str
    role: Role
    site: str = ""


PEOPLE = (
    Person("coordinator", "Chen Yu", Role.COORDINATOR, "01"),
    Person("investigator", "Li Wei", Role.INVESTIGATOR, "01"),
    Person("coordinator2", "Sun Mei", Role.COORDINATOR, "02"),
    Person("monitor", "Anna Krall", Role.MONITOR, "01"),
    Person("monitor2", "Zhou Min", Role.MONITOR, "02"),
    Person("medical", "Maria Santos", Role.MEDICAL_MONITOR),
    Person("manager", "Tom Berg", Role.DATA_MANAGER),
    Person("statistician", "Nadia Frost", Role.STATISTICIAN),
    Person("api", "Data pipeline", Role.API_CLIENT),
)
ADMINISTRATOR = ("admin", "Ada Admin")
SINCE = date(2026, 1, 1)


def ensure_users(actor: Actor, *, time_zone: str = "Asia/Shanghai") -> dict[str, User]:
    """Return the accounts by username, opened where they do not exist yet; none has a password until one is set."""
    known = {user.username: user for user in User.objects.all()}
    for person in PEOPLE:
        if person.username not in known:
            known[person.username] = create_user(
                username=person.username,
                printed_name=person.printed_name,
                actor=actor,
                time_zone=time_zone,
                email=f"{person.username}@example.org",
                must_change_password=False,
            )
    name, printed = ADMINISTRATOR
    if name not in known:
        known[name] = create_user(
            username=name, printed_name=printed, actor=actor, is_administrator=True, must_change_password=False
        )
    return known


def ensure_memberships(study: Study, sites: dict[str, Site], users: dict[str, User], *, actor: Actor) -> None:
    """Grant each person the role of the table in a study, at its site where the study has that site."""
    held = set(Membership.objects.filter(study=study).values_list("user_id", "role"))
    for person in PEOPLE:
        user = users[person.username]
        if (user.pk, person.role.value) in held or (person.site and person.site not in sites):
            continue
        grant_membership(
            user, study=study, role=person.role, actor=actor, site=sites.get(person.site), valid_from=SINCE
        )
