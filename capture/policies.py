"""Who may enter data, and who may move a query: the matrix decides, and a query's origin narrows it."""

from __future__ import annotations

from django.db.models import Model

from capture.models import Query
from trials.domain.roles import Permission
from trials.policies import can, require
from trials.records.domain.actors import Actor
from trials.records.domain.errors import refuse


def require_entry(actor: Actor, place: Model) -> None:
    """Refuse unless the actor may enter data at the site of a participant or record."""
    require(actor, Permission.ENTER_DATA, place)


def require_answer(actor: Actor, query: Query) -> None:
    """Refuse unless the actor may answer queries at the query's site."""
    require(actor, Permission.ANSWER_QUERY, query)


def require_open(actor: Actor, place: Model) -> None:
    """Refuse unless the actor may open queries."""
    require(actor, Permission.OPEN_QUERY, place)


def require_close(actor: Actor, query: Query) -> None:
    """Refuse unless the actor may close the query; whoever enters data never closes one that a person asked."""
    require(actor, Permission.CLOSE_QUERY, query)
    if query.origin == Query.Origin.PERSON and not actor.is_system and can(actor, Permission.ENTER_DATA, query):
        raise refuse(
            "close_own_query",
            expected="somebody who does not enter data",
            found=actor.name,
            action="Answer the query; the one who monitors closes it.",
            kind="forbidden",
        )
