"""Make the role that the application runs as, so that another one can own its tables."""

from __future__ import annotations

from typing import Any

import dj_database_url
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from psycopg import sql


class Command(BaseCommand):
    """``manage.py ensure_role``: runs as the role of MIGRATE_DATABASE_URL; repeatable."""

    help = "Make the database role of DATABASE_URL, or set its password; its rights come with migrate."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the role if it is missing, and give it the password of the address."""
        if not settings.MIGRATES_AS_OWNER or connection.vendor != "postgresql":
            raise CommandError(
                "Expected MIGRATE_DATABASE_URL and DATABASE_URL, both of PostgreSQL; found that one is unset. Set both."
            )
        address = dj_database_url.parse(settings.DATABASE_URL)
        role, password = str(address["USER"]), str(address["PASSWORD"])
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [role])
            found = cursor.fetchone()
            if found and found[0]:
                raise CommandError(
                    f"Expected a plain role in DATABASE_URL; found that {role} is a superuser. Name another role."
                )
            verb = sql.SQL("ALTER" if found else "CREATE")
            statement = verb + sql.SQL(" ROLE {} WITH LOGIN").format(sql.Identifier(role))
            if password:
                statement += sql.SQL(" PASSWORD {}").format(sql.Literal(password))
            cursor.execute(statement)
        self.stdout.write(f"The role {role} is there.")
