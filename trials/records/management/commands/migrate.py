"""``migrate``, followed by the triggers that protect the audit events.

Chosen over a receiver of ``post_migrate``: signals are banned in this house, and ``flush`` sends that one too. An
application's command takes the place of Django's own wherever it is called by name, also when a test database is made.
"""

from __future__ import annotations

from typing import Any

from django.core.management.commands.migrate import Command as Migrate
from django.db import DEFAULT_DB_ALIAS, connection

from trials.records import triggers


class Command(Migrate):
    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, then install what a table rebuild dropped and grant the application's role its rights."""
        super().handle(*args, **options)
        if options["database"] != DEFAULT_DB_ALIAS or options["plan"] or options["check_unapplied"]:
            return
        if triggers.TABLE not in connection.introspection.table_names():
            return
        installed = triggers.install()
        triggers.grant_application_role()
        if installed and options["verbosity"] > 0:
            self.stdout.write(f"  Installed triggers: {', '.join(installed)}")
