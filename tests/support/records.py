"""What tests of the records room share: people, acts and a clock that stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.contrib.auth import get_user_model

from trials.models import User
from trials.records.domain.actors import Actor
from trials.records.models import AuditEvent
from trials.records.services.act import open_act

CHAIN = "study:D0-TEST"
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PASSWORD = "a long enough passphrase"


class StandingClock:
    """A clock for ``clock.set_source``: shows ``at`` until it is moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


def make_user(username: str = "chen", *, printed_name: str = "Chen Yu", email: str = "chen@example.test") -> User:
    """Create a user with ``PASSWORD``."""
    user = get_user_model()(username=username, printed_name=printed_name, email=email, created_at=START)
    user.set_password(PASSWORD)
    user.save(force_insert=True)
    return user


def actor_for(user: User) -> Actor:
    return Actor(name=user.username, printed_name=user.printed_name, user_id=str(user.pk))


ACTOR = Actor(name="chen", printed_name="Chen Yu", user_id="6f2f3c7e-0000-4000-8000-000000000001")


def note_values(record_id: str, *values: str, chain: str = CHAIN, actor: Actor = ACTOR, site: str = "s1") -> None:
    """Close one act that notes a change of TEMP on a record for each value after the first."""
    old: str | None = None
    for value in values:
        with open_act("save items", chain=chain, actor=actor) as act:
            delta = {"TEMP": [value] if old is None else [old, value, "misread"]}
            act.note("FormRecord", record_id, "save", delta=delta, site=site, participant="p1")
        old = value


def events(chain: str = CHAIN) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(chain_id=chain).order_by("seq"))
