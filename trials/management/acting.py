"""What the commands of the set-up share: who acts, how a day is written, how a refusal ends a command."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.core.management.base import CommandError

from trials.models import Site, Study, User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError
from trials.services.access import actor_of


def add_actor(parser: ArgumentParser, verb: str) -> None:
    """Take ``--as``."""
    parser.add_argument("--as", dest="actor", default="", help=f"the user who {verb} (default: the system)")


def acting(name: str, command: str) -> Actor:
    """Return the actor of a command: the named active user, else the system under the command's name."""
    with refusals_end_it():
        return actor_of(find_user(name)) if name else Actor.system(command)


def find_user(name: str) -> User:
    """Return the account of that name, or end the command."""
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f'Expected the name of a user; found "{name}". Check the spelling, or open the account.')
    return user


def find_study(oid: str) -> Study:
    """Return the study of that name, or end the command."""
    study = Study.objects.filter(oid=oid).first()
    if study is None:
        known = ", ".join(Study.objects.order_by("oid").values_list("oid", flat=True)) or "none yet"
        raise CommandError(f'Expected a study ({known}); found "{oid}". Publish it with load_study first.')
    return study


def find_site(study: Study, code: str) -> Site:
    """Return the study's site of that code, or end the command."""
    site = Site.objects.filter(study=study, code=code).first()
    if site is None:
        known = (
            ", ".join(Site.objects.filter(study=study).order_by("code").values_list("code", flat=True)) or "none yet"
        )
        raise CommandError(f'Expected a site of {study.oid} ({known}); found "{code}". Add it with create_site.')
    return site


def day(text: str) -> date:
    """Read a day; anything else ends the command with what was expected."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"expected a day such as 2026-11-23, found {text!r}"
        raise ArgumentTypeError(message) from None


@contextmanager
def refusals_end_it() -> Iterator[None]:
    """End the command with every reason of a refusal, one a line."""
    try:
        yield
    except DomainError as error:
        raise CommandError("\n".join(str(refusal) for refusal in error)) from error
