"""``manage.py create_site STUDY CODE NAME``: a site of a study, and the version it works under."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from trials.management.acting import acting, add_actor, day, find_study, refusals_end_it
from trials.selectors.studies import latest_version
from trials.services.sites import activate_version, create_site


class Command(BaseCommand):
    """Both acts are done or none."""

    help = "Add a site to a study and, with --active-from, let it work under the version last published."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the site."""
        parser.add_argument("study", help="the study's OID, for example SCAR02")
        parser.add_argument("code", help="1 to 8 capitals or digits; begins every participant's number")
        parser.add_argument("name")
        parser.add_argument("--time-zone", required=True, help="for example Asia/Shanghai")
        parser.add_argument("--active-from", type=day, help="the first day under the version last published")
        add_actor(parser, "adds it")

    def handle(self, *_: Any, **options: Any) -> None:
        """Add the site."""
        study, actor, begins = (
            find_study(options["study"]),
            acting(options["actor"], "create_site"),
            options["active_from"],
        )
        version = latest_version(study)
        if begins is not None and version is None:
            raise CommandError(f"Expected a published version of {study.oid}; found none. Publish it with load_study.")
        with refusals_end_it(), transaction.atomic():
            site = create_site(
                study, code=options["code"], name=options["name"], time_zone=options["time_zone"], actor=actor
            )
            if begins is not None and version is not None:
                activate_version(site, version, from_date=begins, actor=actor)
        self.stdout.write(f"{study.oid}: site {site} ({site.time_zone}) was added.")
        if begins is not None and version is not None:
            self.stdout.write(f"It works under version {version.number} from {begins}.")
