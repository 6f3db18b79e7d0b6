"""``manage.py create_admin USERNAME``: the first account of an installation, and further administrators."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from trials.management.acting import acting, add_actor, refusals_end_it
from trials.services.access_users import create_administrator


class Command(BaseCommand):
    """The system makes the first one alone; afterwards the name of an administrator is asked."""

    help = "Open the account of an administrator of the installation. Prints a random password once, or asks for one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the person and how the password comes."""
        parser.add_argument("username")
        parser.add_argument("--name", required=True, help="the name as it is printed")
        parser.add_argument("--email", default="")
        parser.add_argument("--time-zone", default="UTC", help="for example Europe/Berlin (UTC)")
        parser.add_argument("--prompt", action="store_true", help="ask for the password instead of making one")
        add_actor(parser, "opens it: an administrator, once there is one")

    def handle(self, *_: Any, **options: Any) -> None:
        """Open the account; whoever was given a password that a machine printed changes it at the first log-in."""
        password = _asked() if options["prompt"] else secrets.token_urlsafe(18)
        with refusals_end_it():
            user = create_administrator(
                username=options["username"],
                printed_name=options["name"],
                email=options["email"],
                time_zone=options["time_zone"],
                password=password,
                must_change_password=not options["prompt"],
                actor=acting(options["actor"], "create_admin"),
            )
        self.stdout.write(f"{user.username} administers this installation.")
        if not options["prompt"]:
            self.stdout.write(f"Password, shown this once and to be changed at the first log-in: {password}")


def _asked() -> str:
    first = getpass("Password (12 characters or more): ")
    if first != getpass("Again: "):
        raise CommandError("Expected the same password twice; found two. Nothing was written.")
    return first
