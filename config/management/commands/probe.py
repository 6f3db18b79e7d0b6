"""Ask one part of the house whether it works; container health checks run this."""

from __future__ import annotations

import http.client
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from config import health
from config.celery import app

SECONDS = 5


class Command(BaseCommand):
    """``manage.py probe web|worker|beat``."""

    help = "Exit with 0 when the named part works, with 1 and the cause when not."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the part's name."""
        parser.add_argument("part", choices=["web", "worker", "beat"])
        parser.add_argument("--port", default=8000, type=int, help="port of the web server on this machine (8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask the part."""
        match options["part"]:
            case "web":
                self._web(options["port"])
            case "worker":
                self._worker()
            case _:
                self._beat()
        self.stdout.write("ok")

    def _web(self, port: int) -> None:
        """Ask the web server on this machine for its pulse, under the first host name it answers to."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        try:
            connection.request("GET", "/healthz", headers={"Host": _host(), "X-Forwarded-Proto": "https"})
            status = connection.getresponse().status
        except OSError as error:
            raise CommandError(f"Expected a web server on port {port}; found: {error}.") from error
        finally:
            connection.close()
        if status != 200:
            raise CommandError(f"Expected status 200 from /healthz; found {status}.")

    def _worker(self) -> None:
        """Ask all workers for a sign of life."""
        if not app.control.ping(timeout=SECONDS):
            raise CommandError(f"Expected a worker to answer within {SECONDS} s; none did.")

    def _beat(self) -> None:
        """Look at the age of the heartbeat that the beat has a worker write."""
        try:
            health.check_beat()
        except (health.NotReadyError, Error) as error:
            raise CommandError(f"Expected a young heartbeat of the beat; found: {error}.") from error


def _host() -> str:
    """Return the first name this installation answers to."""
    return next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"), "127.0.0.1")
