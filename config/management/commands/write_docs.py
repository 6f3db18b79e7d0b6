"""``manage.py write_docs [--check]``: the generated pages of docs/."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.documents.refusals import errors_page
from config.documents.states import states_page
from trials.management.commands.write_permissions import POLICY, permissions_page

PAGES: Mapping[str, Callable[[Path], str]] = {
    "docs/errors.md": errors_page,
    "docs/permissions.md": lambda base: permissions_page(tomllib.loads((base / POLICY).read_text("utf-8"))),
    "docs/states.md": lambda _base: states_page(),
}


def stale_pages(base: Path) -> dict[str, str]:
    """Return the pages that do not say what the house does, with the text they should have."""
    wanted = {name: make(base) for name, make in PAGES.items()}
    return {
        name: text
        for name, text in wanted.items()
        if not (base / name).is_file() or (base / name).read_text("utf-8") != text
    }


class Command(BaseCommand):
    """Writes the pages, or with ``--check`` says which are stale."""

    help = "Write docs/errors.md, docs/permissions.md and docs/states.md from the source."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; fail when a page is stale.")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        base = Path(settings.BASE_DIR)
        stale = stale_pages(base)
        if stale and options["check"]:
            raise CommandError(f"Stale: {', '.join(stale)}. Run manage.py write_docs.")
        for name, text in stale.items():
            (base / name).parent.mkdir(parents=True, exist_ok=True)
            (base / name).write_text(text, "utf-8")
            self.stdout.write(f"Wrote {name}.")
