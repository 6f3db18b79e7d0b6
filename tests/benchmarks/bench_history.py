"""B-history: what happened to one item, against a table with an audit row per item and an index on it."""

from __future__ import annotations

from capture.services.data_entry import save_items
from tests.benchmarks.bench_save import FORM, SaveWorld
from tests.benchmarks.eav.models import EavAudit, EavForm, EavItem
from tests.benchmarks.harness import Result, compare, count, require_equal
from tests.benchmarks.worlds import ITEMS, fresh_actor, values_of
from trials.records.domain.history import HistoryRow
from trials.records.services.history import item_history

SAVES, OTHERS, ROUNDS, PER_ROUND, MOST_STATEMENTS = 20, 100, 7, 30, 1


class HistoryWorld:
    """One record saved 20 times, all 30 items each time, among 100 others; the same in both designs."""

    def __init__(self) -> None:
        world = SaveWorld("BHISTORY", 2 * OTHERS + 10)
        for number in range(OTHERS):
            world.ours(world.place(), number)
            world.audited(world.place(), number)
        visit = world.place()
        self.record = world.ours(visit, 0)
        self.form: EavForm = world.audited(visit, 0)
        for number in range(1, SAVES):
            actor = fresh_actor(world.user)
            save_items(self.record, values_of(number), actor=actor, expected_version=number)
            world.audited(visit, number)
        self.items = {item.name: item for item in EavItem.objects.filter(form_code=FORM)}

    def ours(self, name: str) -> tuple[HistoryRow, ...]:
        return item_history("FormRecord", self.record.pk, name, time_zone="Asia/Shanghai")

    def per_item(self, name: str) -> list[EavAudit]:
        return list(EavAudit.objects.filter(form=self.form, item=self.items[name]).order_by("-seq"))


def run(*, full: bool) -> list[Result]:
    """Compare look-ups; this is where a row per item is at its best, and there is no target."""
    del full
    world = HistoryWorld()
    for name in (ITEMS[0], ITEMS[17]):
        ours = [(row.old or None, row.new) for row in world.ours(name)]
        require_equal(f"history of {name}", ours, [(row.old, row.new) for row in world.per_item(name)])
    counted = count("statements, ours", lambda: world.ours(ITEMS[3]), MOST_STATEMENTS)
    name = "audit row per item, by index / ours"
    items = [ITEMS[n % len(ITEMS)] for n in range(PER_ROUND)]
    arms = {
        "ours": lambda _: [world.ours(item) for item in items],
        name: lambda _: [world.per_item(item) for item in items],
    }
    return [counted, *compare(arms, against={name: None}, rounds=ROUNDS, per=PER_ROUND, unit="look-up")]
