"""``manage.py rebuild_projections``: make the typed rows anew from the form records that state them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from capture.services.projecting import rebuild_projections
from trials.models import Study
from trials.records.domain.actors import Actor


class Command(BaseCommand):
    """Rebuild one study, or all; what stands already is left as it is."""

    help = "Make typed rows (infusions, adverse events, grades …) anew from the form records; needed after an upgrade."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the study."""
        parser.add_argument("--study", default="", help="OID of the only study to rebuild (default: all)")

    def handle(self, *_: Any, **options: Any) -> None:
        """Rebuild, one act for each participant, and count what states something."""
        studies = Study.objects.filter(oid=options["study"]) if options["study"] else Study.objects.all()
        if not studies:
            known = ", ".join(Study.objects.values_list("oid", flat=True)) or "no study yet"
            raise CommandError(f'Expected the OID of a study, found "{options["study"]}". There is: {known}.')
        for study in studies.order_by("oid"):
            count = rebuild_projections(study, actor=Actor.system("rebuild_projections"))
            self.stdout.write(f"{study.oid}: {count} records state typed rows, all rebuilt.")
