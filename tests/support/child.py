"""What a child process of a test does: ``python -m tests.support.child save | ask | deliver …``; prints what it did."""

from __future__ import annotations

import sys
import threading
from datetime import timedelta
from random import Random  # noqa: TID251 - a seeded source for a test

import django
from django.db import connections

django.setup()

from tests.support.records import CHAIN, actor_for, make_user  # noqa: E402
from trials.models import User  # noqa: E402
from trials.records.models import EventCursor  # noqa: E402
from trials.records.services import clock, delivery  # noqa: E402
from trials.records.services.act import SYSTEM_CHAIN, open_act  # noqa: E402
from trials.records.services.notifications import Request, request_notifications  # noqa: E402

RECORDS = 5
USERNAME = "chen"


def prepare() -> None:
    """Make the user and the records that savers will race for; a cursor's number stands for a record's value."""
    make_user(USERNAME)
    EventCursor.objects.bulk_create([EventCursor(reader=f"r{number}", chain=CHAIN) for number in range(RECORDS)])


def save_once(source: Random) -> None:
    """Raise the values of two records by one, in an act that notes old and new, on one chain or on two."""
    actor = actor_for(User.objects.get(username=USERNAME))
    names = sorted(f"r{number}" for number in source.sample(range(RECORDS), 2))
    with open_act("save items", chain=CHAIN, actor=actor) as act:
        for row in EventCursor.objects.select_for_update().filter(reader__in=names, chain=CHAIN).order_by("reader"):
            row.seq += 1
            row.save(update_fields=["seq"])
            act.note("FormRecord", row.reader, "save", delta={"VALUE": [str(row.seq - 1), str(row.seq)]})
        if source.random() < 0.2:
            act.note("User", actor.user_id, "note", chain=SYSTEM_CHAIN)


def save(times: int, seed: int) -> None:
    source = Random(seed)
    for _ in range(times):
        save_once(source)


def save_in_threads(threads: int, times: int, seed: int) -> None:
    """Save from many threads at once, each with a connection of its own; says how many saves failed."""
    failures: list[str] = []
    start_line = threading.Barrier(threads)

    def work(number: int) -> None:
        try:
            start_line.wait()
            save(times, seed + number)
        except Exception as error:  # noqa: BLE001 - a test counts whatever goes wrong
            failures.append(f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print("failures", failures)  # noqa: T201 - read by the test


def ask(first: int, count: int) -> None:
    """Ask for mails in one act, as a save or a sweep would."""
    user = User.objects.get(username=USERNAME)
    at = clock.now()
    with open_act("save items", chain=CHAIN, actor=actor_for(user)) as act:
        act.note("FormRecord", "r1", "save", delta={"VALUE": [str(first)]})
        request_notifications(
            Request(
                "reminder", "visit-due", CHAIN, f"{number:04d}", user.pk, f"Visit {number} is due", at, channel="email"
            )
            for number in range(first, first + count)
        )
    print("asked")  # noqa: T201 - read by the test


def in_scope(recipient_id: object, chain: str, site: str, participant: str) -> bool:
    return True


def deliver(forward_minutes: float) -> None:
    """Deliver what is due, by a clock that is ahead by some minutes, so that a killed worker's lease is over."""
    delivery._scope_checks[:] = [in_scope]
    ahead = timedelta(minutes=forward_minutes)
    real = clock.now
    start = real()
    with clock.set_source(lambda: start + ahead):
        outcome = delivery.deliver_due()
    print("sent", outcome.sent, "failed", outcome.failed, "dead", outcome.dead)  # noqa: T201 - read by the test


def main(action: str, *words: str) -> None:
    match action:
        case "prepare":
            prepare()
        case "save":
            save_in_threads(int(words[0]), int(words[1]), int(words[2]))
        case "ask":
            ask(int(words[0]), int(words[1]))
        case "deliver":
            deliver(float(words[0]))
        case _:
            raise SystemExit(f"unknown action {action}")


if __name__ == "__main__":
    main(*sys.argv[1:])
