"""``manage.py grant USERNAME ROLE STUDY``: a role for a person, at one site or at all of them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from trials.domain.roles import Role
from trials.management.acting import acting, add_actor, day, find_site, find_study, find_user, refusals_end_it
from trials.services.access_memberships import grant_membership


class Command(BaseCommand):
    """The same act as on the pages, with the same refusals."""

    help = "Grant a person a role in a study, at one site or (without --site) at all of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take who, what and where."""
        parser.add_argument("username")
        parser.add_argument("role", help=f"one of {', '.join(Role)}")
        parser.add_argument("study", help="the study's OID, for example SCAR02")
        parser.add_argument("--site", default="", help="the code of one site (default: all sites)")
        parser.add_argument("--from", dest="valid_from", type=day, help="the first day (default: today)")
        parser.add_argument("--until", dest="valid_until", type=day, help="the last day (default: no end)")
        parser.add_argument("--reason", default="")
        add_actor(parser, "grants it")

    def handle(self, *_: Any, **options: Any) -> None:
        """Grant it, and say from when until when it holds."""
        study = find_study(options["study"])
        site = find_site(study, options["site"]) if options["site"] else None
        with refusals_end_it():
            held = grant_membership(
                find_user(options["username"]),
                study=study,
                site=site,
                role=options["role"],
                valid_from=options["valid_from"],
                valid_until=options["valid_until"],
                reason=options["reason"],
                actor=acting(options["actor"], "grant"),
            )
        where = f"site {site.code}" if site else "all sites"
        until = f" until {held.valid_until}" if held.valid_until else ""
        self.stdout.write(f"{held.user.username}: {held.role} in {study.oid}, {where}, from {held.valid_from}{until}.")
