"""B-writers: eight people save different forms of one study at once; nobody is refused, the chain has no gap."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from django.db import connections

from capture.models import FormRecord
from tests.benchmarks.bench_save import SaveWorld
from tests.benchmarks.eav.models import EavAudit, EavForm
from tests.benchmarks.harness import Count, Result, compare, require_equal
from trials.models import Visit
from trials.records.models import AuditEvent
from trials.records.services.verify import verify_chains

WRITERS, EACH, ROUNDS = 8, 6, 5
Save = Callable[[Visit, int], object]


def save_at_once(save: Save, places: Sequence[Visit], failures: list[str]) -> None:
    """Let eight threads, each with a connection of its own, save their share."""
    line = threading.Barrier(WRITERS)

    def write(mine: Sequence[Visit]) -> None:
        try:
            line.wait()
            for number, visit in enumerate(mine):
                save(visit, number)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is a failure of this benchmark
            failures.append(f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=[places[n::WRITERS]]) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run(*, full: bool) -> list[Result]:
    """Compare eight writers with six saves each; then look at what they left."""
    del full
    share = WRITERS * EACH
    world = SaveWorld("BWRITERS", 2 * share * (ROUNDS + 1) + 20)
    places: Iterator[list[Visit]] = iter([[world.place() for _ in range(share)] for _ in range(2 * (ROUNDS + 1))])
    failures: list[str] = []
    name = "EAV with audit per item, chain, checks / ours"
    arms = {
        "ours": lambda _: save_at_once(world.ours, next(places), failures),
        name: lambda _: save_at_once(world.audited, next(places), failures),
    }
    lines = compare(arms, against={name: None}, rounds=ROUNDS, per=share, unit="save")
    require_equal("failures", failures, [])
    saved = FormRecord.objects.filter(study=world.version.study).count()
    require_equal("forms saved", saved, EavForm.objects.filter(site=world.site.pk).count())
    require_equal("audit of values", saved * 30, EavAudit.objects.filter(form__site=world.site.pk).count())
    events = AuditEvent.objects.filter(chain_id=world.version.study.chain_key)
    numbers = list(events.order_by("seq").values_list("seq", flat=True))
    require_equal("chain without gaps", numbers, list(range(1, len(numbers) + 1)))
    require_equal("chain is sound", verify_chains().is_sound, other=True)
    return [Count("saves refused or failed, of both arms", len(failures), 0), *lines]
