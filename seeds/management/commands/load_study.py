"""``manage.py load_study FOLDER``: check a study folder, and publish it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from seeds.loader.loading import Loaded, load_study
from seeds.loader.publishing import Published, publish_study
from trials.models import User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError
from trials.services.access import actor_of


class Command(BaseCommand):
    """Read a study folder, list every problem with its file and line, or publish it as a version."""

    help = "Check a study folder and publish it. Prints every problem and exits with 1 when there is one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the folder and the options."""
        parser.add_argument("folder", type=Path, help="the study's folder, for example seeds/studies/scar02")
        parser.add_argument("--check", action="store_true", help="only check; write nothing")
        parser.add_argument("--as", dest="user", default="", help="the user who publishes (default: the system)")
        parser.add_argument("--simulated", action="store_true", help="publish as a simulated study, for good")

    def handle(self, *_: Any, **options: Any) -> None:
        """Load, then publish unless there are problems or ``--check`` was given."""
        loaded = load_study(options["folder"])
        if loaded.problems:
            self.refuse(loaded)
        if options["check"]:
            self.stdout.write(f"{loaded.folder}: {_counted(loaded)}, no problem. Nothing was written.")
            return
        try:
            published = publish_study(loaded, actor=_actor(options["user"]), simulated=options["simulated"])
        except DomainError as error:
            raise CommandError("\n".join(str(refusal) for refusal in error)) from error
        self.stdout.write(_summary(loaded, published))
        for line in published.changes:
            self.stdout.write(f"    {line}")

    def refuse(self, loaded: Loaded) -> None:
        """Print all problems and end with 1."""
        for problem in loaded.problems:
            self.stderr.write(str(problem))
        count = len(loaded.problems)
        raise CommandError(f"{loaded.folder}: {count} {'problem' if count == 1 else 'problems'}; nothing was written.")


def _actor(name: str) -> Actor:
    if not name:
        return Actor.system("load_study")
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f'There is no user "{name}"; expected the name of an active user.')
    return actor_of(user)


def _counted(loaded: Loaded) -> str:
    return f"{loaded.forms} forms, {loaded.expressions} expressions"


def _summary(loaded: Loaded, published: Published) -> str:
    version = published.version
    name = f"{version.study.oid} version {version.number}"
    if published.outcome == "same":
        return f"{name} is published already; nothing changed."
    if published.outcome == "words":
        return f"{name}: words replaced in place (revision {version.revision})."
    return f"{name} published: {_counted(loaded)}."
