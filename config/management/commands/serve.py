"""Serve the pages in this one process; without Redis its worker and beat run in it too."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from contextlib import nullcontext
from typing import Any

import waitress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.wsgi import get_wsgi_application
from waitress.server import BaseWSGIServer, MultiSocketServer

from config import embedded

THREADS = 8


class Command(BaseCommand):
    """``manage.py serve [--host 127.0.0.1] [--port 8000]``."""

    help = "Serve the pages with waitress; without REDIS_URL the worker and the beat run in the same process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
        parser.add_argument("--port", default=8000, type=int, help="port to listen on; 0 takes a free one (8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen, start the jobs, print the address, and serve until told to stop."""
        server = self._listen(options["host"], options["port"])
        previous = signal.signal(signal.SIGTERM, _interrupt)
        try:
            with embedded.running_jobs() if settings.EMBEDDED_WORKER else nullcontext():
                self.stdout.write(f"Day Zero answers at http://{options['host']}:{_port(server)}/ (Ctrl+C stops it)")
                self.stdout.flush()
                server.run()
        except KeyboardInterrupt:
            pass
        finally:
            signal.signal(signal.SIGTERM, previous)
            server.close()
        self.stdout.write("Stopped.")

    def _listen(self, host: str, port: int) -> BaseWSGIServer | MultiSocketServer:
        try:
            # clear_untrusted_proxy_headers: nobody in front of it may say who asks. ident: no name, no version.
            return waitress.create_server(
                get_wsgi_application(),
                host=host,
                port=port,
                threads=THREADS,
                ident=None,
                clear_untrusted_proxy_headers=True,
            )
        except OSError as error:
            raise CommandError(
                f"Expected to listen on {host}:{port}; found: {error.strerror}. "
                "Choose another port with --port, or stop what listens there."
            ) from error


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _port(server: BaseWSGIServer | MultiSocketServer) -> int:
    """Return the port that was taken; a name with two addresses listens on several sockets."""
    if isinstance(server, MultiSocketServer):
        return int(server.effective_listen[0][1])
    return int(server.effective_port)
