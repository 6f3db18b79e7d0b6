"""Roles, permissions and the one matrix that answers who may do what.

A permission is a verb and a noun. A membership gives a role in one study, at one site or at all of them; the matrix
says what the role may do there. Nothing outside this table grants anything.
"""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The roles of a study team (ICH E6(R3) terms)."""

    COORDINATOR = "coordinator"
    INVESTIGATOR = "investigator"
    MONITOR = "monitor"
    MEDICAL_MONITOR = "medical_monitor"
    DATA_MANAGER = "data_manager"
    STATISTICIAN = "statistician"
    API_CLIENT = "api_client"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """What can be permitted; each service names the one it needs."""

    VIEW_STUDY = "view study"
    VIEW_PARTICIPANTS = "view participants"
    VIEW_RECORDS = "view records"
    VIEW_SAFETY = "view safety"
    VIEW_AUDIT = "view audit"
    EXPORT_DATA = "export data"
    REGISTER_PARTICIPANT = "register participant"
    CHANGE_PARTICIPANT = "change participant"
    ASSIGN_DOSE = "assign dose"
    CHANGE_VISIT = "change visit"
    ENTER_DATA = "enter data"
    ANSWER_QUERY = "answer query"
    OPEN_QUERY = "open query"
    CLOSE_QUERY = "close query"
    SIGN_RECORD = "sign record"
    LOCK_RECORD = "lock record"
    ADVANCE_CLOCK = "advance study clock"
    PUBLISH_STUDY = "publish study"
    MANAGE_USERS = "manage users"
    USE_API = "use api"


_READS = frozenset(
    {Permission.VIEW_STUDY, Permission.VIEW_PARTICIPANTS, Permission.VIEW_RECORDS, Permission.VIEW_SAFETY}
)
_SITE_WORK = _READS | {
    Permission.VIEW_AUDIT,
    Permission.EXPORT_DATA,
    Permission.REGISTER_PARTICIPANT,
    Permission.CHANGE_PARTICIPANT,
    Permission.ASSIGN_DOSE,
    Permission.CHANGE_VISIT,
    Permission.ENTER_DATA,
    Permission.ANSWER_QUERY,
    Permission.USE_API,
}

MATRIX: dict[Role, frozenset[Permission]] = {
    Role.COORDINATOR: _SITE_WORK,
    Role.INVESTIGATOR: _SITE_WORK | {Permission.SIGN_RECORD},
    Role.MONITOR: _READS
    | {
        Permission.VIEW_AUDIT,
        Permission.EXPORT_DATA,
        Permission.OPEN_QUERY,
        Permission.CLOSE_QUERY,
        Permission.USE_API,
    },
    Role.MEDICAL_MONITOR: _READS
    | {
        Permission.VIEW_AUDIT,
        Permission.EXPORT_DATA,
        Permission.OPEN_QUERY,
        Permission.CLOSE_QUERY,
        Permission.USE_API,
    },
    Role.DATA_MANAGER: _READS
    | {
        Permission.VIEW_AUDIT,
        Permission.EXPORT_DATA,
        Permission.OPEN_QUERY,
        Permission.CLOSE_QUERY,
        Permission.LOCK_RECORD,
        Permission.PUBLISH_STUDY,
        Permission.ADVANCE_CLOCK,
        Permission.USE_API,
    },
    Role.STATISTICIAN: _READS | {Permission.EXPORT_DATA, Permission.USE_API},
    Role.API_CLIENT: _READS | {Permission.VIEW_AUDIT, Permission.USE_API},
    Role.ADMINISTRATOR: frozenset({Permission.VIEW_STUDY, Permission.MANAGE_USERS, Permission.PUBLISH_STUDY}),
}


STUDY_WIDE: frozenset[Permission] = frozenset(
    {Permission.ADVANCE_CLOCK, Permission.PUBLISH_STUDY, Permission.MANAGE_USERS, Permission.LOCK_RECORD}
)
"""Acts on a study as a whole: a grant for one site does not carry them to the study."""

CLINICAL_WRITES: frozenset[Permission] = frozenset(
    {
        Permission.REGISTER_PARTICIPANT,
        Permission.CHANGE_PARTICIPANT,
        Permission.ASSIGN_DOSE,
        Permission.CHANGE_VISIT,
        Permission.ENTER_DATA,
        Permission.ANSWER_QUERY,
        Permission.SIGN_RECORD,
    }
)
"""What only a site does; no account holds one of these and administers users in the same study."""

OWN_SITE_SUFFICES: frozenset[Permission] = frozenset(
    {
        Permission.VIEW_STUDY,
        Permission.VIEW_PARTICIPANTS,
        Permission.VIEW_RECORDS,
        Permission.VIEW_SAFETY,
        Permission.VIEW_AUDIT,
        Permission.EXPORT_DATA,
        Permission.REGISTER_PARTICIPANT,
        Permission.USE_API,
    }
)
"""Asked about a study, these are answered yes to whoever holds them at one of its sites; rows are narrowed later."""


def allows(role: Role, permission: Permission) -> bool:
    """Say whether a role carries a permission.

    >>> allows(Role.MONITOR, Permission.ENTER_DATA)
    False
    >>> allows(Role.INVESTIGATOR, Permission.SIGN_RECORD)
    True
    """
    return permission in MATRIX[role]
