"""A mail server of a test's own, in a thread: keeps what it accepts, and answers as it is told to."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

ACCEPT = b"250 ok"


@dataclass
class Sink:
    """What a mail server saw: each accepted message as text. ``answer`` decides per message (None: drop the line)."""

    port: int = 0
    messages: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answer_recipient: Callable[[str], bytes] = field(default=lambda address: ACCEPT)
    answer_data: Callable[[str], bytes | None] = field(default=lambda message: ACCEPT)

    @property
    def message_ids(self) -> list[str]:
        return [re.findall(r"(?im)^Message-ID: <([^@]+)@", message)[0] for message in self.messages]


class _Conversation(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.say(b"220 sink")
        address = ""
        for line in self.rfile:
            word = line[:4].upper()
            if word in {b"EHLO", b"HELO"}:
                self.say(b"250 sink")
            elif word == b"RCPT":
                address = line.decode().partition("<")[2].partition(">")[0]
                self.say(self.server.sink.answer_recipient(address))
            elif word == b"DATA":
                self.say(b"354 go on")
                if not self.take(address):
                    return
            elif word == b"QUIT":
                self.say(b"221 bye")
                return
            else:
                self.say(ACCEPT)

    def take(self, address: str) -> bool:
        lines: list[bytes] = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line)
        message = b"".join(lines).decode()
        answer = self.server.sink.answer_data(message)
        if answer is None or answer.startswith(b"2"):
            with self.server.lock:
                self.server.sink.messages.append(message)
                self.server.sink.recipients.append(address)
        if answer is None:
            return False
        self.say(answer)
        return True

    def say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")
        self.wfile.flush()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", sink.port), _Conversation)


@contextmanager
def running_sink(sink: Sink | None = None) -> Iterator[Sink]:
    """Run a mail server for the length of a block; its port is in ``sink.port``."""
    held = sink or Sink()
    with _Server(held) as server:
        held.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield held
        finally:
            server.shutdown()
            thread.join()
