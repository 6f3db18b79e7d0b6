"""``manage.py audit verify | anchor | new-epoch | triggers``: whether the audit trail is the one that was written."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from trials.records import triggers
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError
from trials.records.services import verify
from trials.records.services.act import SYSTEM_CHAIN

SHOWN = 20
BROKEN = 1


class Command(BaseCommand):
    help = "Verify the audit chains, write an anchor of them, open a new epoch after a restore, check the triggers."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="what", required=True)
        check = actions.add_parser("verify", help="verify every chain; exit code 1 when anything is wrong")
        check.add_argument("--study", default="", help="only the chain of this study (its OID), or: system")
        check.add_argument("--against", type=Path, help="an anchor file that was kept elsewhere")
        anchor = actions.add_parser("anchor", help="write the heads of all chains to a file, to be kept elsewhere")
        anchor.add_argument("file", type=Path)
        epoch = actions.add_parser("new-epoch", help="open a new epoch of every chain, after a restore")
        epoch.add_argument("--reason", required=True)
        epoch.add_argument("--as", dest="on_behalf_of", default="", help="the username of whoever restored")
        actions.add_parser("triggers", help="say which triggers are missing; exit code 1 when any is")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run one of the actions."""
        try:
            getattr(self, "do_" + options["what"].replace("-", "_"))(options)
        except DomainError as error:
            raise CommandError(str(error)) from error

    def do_verify(self, options: dict[str, Any]) -> None:
        """Verify, print what was found and the first bad event; exit code 1 when anything is wrong."""
        study = options["study"]
        key = study if study in {"", SYSTEM_CHAIN} else f"study:{study}"
        started = time.perf_counter()
        report = verify.verify_chains(key, anchor=_read(options["against"]))
        seconds = max(time.perf_counter() - started, 1e-9)
        verify.verify_signatures(report)
        for name, count in report.events.items():
            self.stdout.write(f"{name}: {count} events")
        total = sum(report.events.values())
        self.stdout.write(f"{total} events in {seconds:.2f} s ({total / seconds:,.0f} a second)")
        self.stdout.write(f"{report.signatures} signatures")
        missing = triggers.missing()
        if missing:
            self.stdout.write(f"Missing triggers: {', '.join(missing)}")
        self._judge(report, missing=missing, has_anchor=options["against"] is not None)

    def do_anchor(self, options: dict[str, Any]) -> None:
        """Write the anchor; refuse to overwrite one."""
        path: Path = options["file"]
        held = verify.make_anchor()
        try:
            with path.open("xb") as file:
                file.write(orjson.dumps(held, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
        except FileExistsError as error:
            raise CommandError(f"Expected a new file, found {path}. An anchor is never overwritten.") from error
        self.stdout.write(f"Anchored {len(held['chains'])} chains in {path}. Keep it where this server cannot write.")

    def do_new_epoch(self, options: dict[str, Any]) -> None:
        """Open a new epoch of every chain."""
        actor = Actor.system("audit", on_behalf_of=options["on_behalf_of"])
        for key in verify.open_new_epoch(actor=actor, reason=options["reason"]):
            self.stdout.write(f"{key}: new epoch")

    def do_triggers(self, options: dict[str, Any]) -> None:
        """Say which triggers are missing."""
        del options
        missing = triggers.missing()
        self.stdout.write(f"Missing: {', '.join(missing)}. Run migrate." if missing else "All triggers are in place.")
        if missing:
            raise SystemExit(BROKEN)

    def _judge(self, report: verify.Report, *, missing: list[str], has_anchor: bool) -> None:
        first = report.first_bad
        if first is not None:
            self.stdout.write(f"NOT SOUND. First: {first}")
            for finding in report.findings[1:SHOWN]:
                self.stdout.write(f"  also: {finding}")
        if not has_anchor:
            self.stdout.write(verify.HONEST)
        if first is not None or missing:
            raise SystemExit(BROKEN)
        self.stdout.write("Sound.")


def _read(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        return dict(orjson.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise CommandError(f"Expected an anchor file, could not read {path}: {error}.") from error
