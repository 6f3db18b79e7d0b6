"""``manage.py seed``: fill simulated studies with demo participants."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from seeds.conduct.digest import content_digest
from seeds.conduct.seeding import UNTIL, seed_study, study_folders
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError


class Command(BaseCommand):
    """Play participants through the services; the same seed gives the same content."""

    help = "Fill simulated studies with participants, through the services only. Same seed, same content."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take studies, number and seed."""
        names = ", ".join(folder.name for folder in study_folders())
        parser.add_argument("--study", action="append", default=[], help=f"folder name, may be repeated ({names})")
        parser.add_argument("--participants", type=int, default=10, help="participants per study (10)")
        parser.add_argument("--seed", type=int, default=1, help="number that decides everything (1)")
        parser.add_argument("--until", type=date.fromisoformat, default=UNTIL, help=f"last simulated day ({UNTIL})")

    def handle(self, *_: Any, **options: Any) -> None:
        """Seed each study and print the digest of the content."""
        known = {folder.name: folder for folder in study_folders()}
        unknown = [name for name in options["study"] if name not in known]
        if unknown:
            raise CommandError(f"Expected one of {', '.join(known)}; found {', '.join(unknown)}.")
        seeded = []
        for name in options["study"] or known:
            try:
                done = seed_study(
                    known[name],
                    participants=options["participants"],
                    seed=options["seed"],
                    until=options["until"],
                    actor=Actor.system("seed"),
                    say=self.stdout.write,
                )
            except DomainError as error:
                raise CommandError("\n".join(str(refusal) for refusal in error)) from error
            seeded.append(done.version.study)
        self.stdout.write(f"content digest {content_digest(seeded)}")
