"""``manage.py demo``: five simulated studies with participants, accounts to log in with, and the pages served."""

from __future__ import annotations

from argparse import ArgumentParser
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from seeds.conduct.demo import give_passwords, quick_commits, refuse_real, wipe
from seeds.conduct.seeding import seed_study, study_folders
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError

HOST = "127.0.0.1"


class Command(BaseCommand):
    """Repeatable: a second start destroys nothing and seeds nothing twice; only the passwords are new each time."""

    help = "Prepare a database with simulated studies, print accounts with fresh passwords, and serve on 127.0.0.1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to seed and where to listen."""
        parser.add_argument("--participants", type=int, default=6, help="participants per study (6)")
        parser.add_argument("--seed", type=int, default=1, help="number that decides everything (1)")
        parser.add_argument("--port", type=int, default=8000, help="port on 127.0.0.1 (8000)")
        parser.add_argument("--reset", action="store_true", help="delete the demo database first (SQLite)")
        parser.add_argument("--no-serve", action="store_true", help="only prepare the database")

    def handle(self, *_: Any, **options: Any) -> None:
        """Prepare, print the accounts, serve."""
        if options["participants"] < 1:
            raise CommandError(f"Expected at least 1 participant per study; found {options['participants']}.")
        if settings.MIGRATE_DATABASE_URL:
            raise CommandError(
                "Expected a database that the demo owns; found MIGRATE_DATABASE_URL set. "
                "Unset it, or use another database."
            )
        try:
            given = self._prepare(options)
        except DomainError as error:
            raise CommandError("\n".join(str(refusal) for refusal in error)) from error
        self.stdout.write("\nAccounts (the passwords are new at each start):")
        for role, username, password in given:
            self.stdout.write(f"  {role:<24} {username:<14} {password}")
        self.stdout.write(f"\nOpen http://{HOST}:{options['port']}/ and log in with one of them.")
        self.stdout.flush()
        if not options["no_serve"]:
            call_command("serve", host=HOST, port=options["port"])

    def _prepare(self, options: dict[str, Any]) -> list[tuple[str, str, str]]:
        """Make the database if it is not there, and fill what is empty."""
        began = perf_counter()
        if options["reset"]:
            wipe()
        refuse_real()
        call_command("migrate", verbosity=0)
        actor = Actor.system("demo")
        folders = study_folders()
        with quick_commits():
            for number, folder in enumerate(folders, start=1):
                self.stdout.write(f"[{number}/{len(folders)}] {folder.name} ...")
                self.stdout.flush()
                seed_study(
                    folder,
                    participants=options["participants"],
                    seed=options["seed"],
                    actor=actor,
                    say=self._say,
                )
            given = give_passwords(actor)
        self.stdout.write(f"Ready after {perf_counter() - began:.0f} s.")
        return given

    def _say(self, line: str) -> None:
        self.stdout.write(f"      {line}")
        self.stdout.flush()
