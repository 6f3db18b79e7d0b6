"""``manage.py advance STUDY``: move the clock of a simulated study forward."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError

from seeds.conduct.player import MORNING
from trials.models import Study, User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError
from trials.services.access import actor_of
from trials.services.study_clock import advance_clock


class Command(BaseCommand):
    """Every day between is lived through: its reminders and alerts are those of that day."""

    help = "Move the clock of a simulated study forward, by days or to a day; all sweeps run on every day between."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the study and how far."""
        parser.add_argument("study", help="the study's OID, for example C-CAR168")
        far = parser.add_mutually_exclusive_group(required=True)
        far.add_argument("--days", type=int, help="number of days, at least 1")
        far.add_argument("--to", type=date.fromisoformat, help="a day, for example 2026-12-01 (its morning)")
        parser.add_argument("--as", dest="user", default="", help="the user who advances it (default: the system)")

    def handle(self, *_: Any, **options: Any) -> None:
        """Advance, and say where the clock stands."""
        study = Study.objects.filter(oid=options["study"]).first()
        if study is None:
            known = ", ".join(Study.objects.filter(simulated=True).values_list("oid", flat=True)) or "none yet"
            raise CommandError(f'Expected a simulated study ({known}); found "{options["study"]}".')
        days, to = options["days"], options["to"]
        if days is not None and days < 1:
            raise CommandError(f"Expected at least 1 day; found {days}. Time only moves forward.")
        try:
            goal = datetime.combine(to, MORNING) if to is not None else None
            advance_clock(study, to=goal, days=days, actor=_actor(options["user"]))
        except DomainError as error:
            raise CommandError("\n".join(str(refusal) for refusal in error)) from error
        assert study.clock is not None
        zone = next((site.time_zone for site in study.sites.order_by("code")), "UTC")
        at = study.clock.astimezone(ZoneInfo(zone))
        self.stdout.write(f"{study.oid} stands at {at:%A, %d %B %Y, %H:%M} ({zone}).")


def _actor(name: str) -> Actor:
    if not name:
        return Actor.system("advance")
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f'There is no user "{name}"; expected the name of an active user.')
    return actor_of(user)
