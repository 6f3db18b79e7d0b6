"""B-page: the page of a 40-item form, against Unfold's own change page of a 40-field model, both in the whole admin."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.test import Client
from django.urls import reverse
from unfold.admin import ModelAdmin

from capture.services.data_entry import save_items
from capture.services.slots import Slot
from seeds.factories.trials import SYSTEM
from tests.benchmarks.eav.models import FIELDS, Wide
from tests.benchmarks.harness import Result, compare, count
from tests.benchmarks.worlds import participants_at, publish, site_with_people
from trials.admin.site import site
from trials.models import Visit

ROUNDS, PER_ROUND = 9, 10


class StockAdmin(ModelAdmin):  # type: ignore[misc]
    """What Unfold makes of a model by itself; marked as scoped only so that this benchmark's site takes it."""

    is_scoped = True

    def has_module_permission(self, request: Any) -> bool:
        return True

    def has_view_permission(self, request: Any, obj: object = None) -> bool:
        return True

    has_change_permission = has_view_permission


site.register(Wide, StockAdmin)


def value(number: int) -> Any:
    """Return the value of a field: a number, a text, a choice, a date, in turn."""
    day = date(2026, 1, 5) + timedelta(days=number)
    return (Decimal(f"{40 + number}.25"), f"Text number {number}", "Y", day)[number % 4]


def form() -> dict[str, Any]:
    """Return the same 40 fields as items of a form."""
    kinds: tuple[dict[str, Any], ...] = (
        {"type": "number", "decimals": 2},
        {"type": "text"},
        {"type": "choice", "codes": {"Y": "Yes", "N": "No"}},
        {"type": "date"},
    )
    items = {name.upper(): {"label": f"Item {n}", **kinds[n % 4]} for n, name in enumerate(FIELDS)}
    return {"label": "Forty items", "items": items}


def run(*, full: bool) -> list[Result]:
    """Compare GET requests through the whole middleware, in one session of a coordinator."""
    del full
    version = publish("BPAGE", {"WIDE": form()}, visits=1)
    place, user = site_with_people(version, "bench-page")
    participant = participants_at(place, 1)[0]
    visit = Visit.objects.get(participant=participant)
    texts = {name.upper(): str(value(n)) for n, name in enumerate(FIELDS)}
    save_items(Slot(participant, visit, "WIDE"), texts, actor=SYSTEM, expected_version=0)
    row = Wide.objects.create(**{name: value(n) for n, name in enumerate(FIELDS)})
    client = Client()
    client.force_login(user)
    ours = reverse("admin:visit", args=[visit.pk])
    stock = reverse("admin:benchmarks_wide_change", args=[row.pk])
    for url in (ours, stock):
        _require_values(client, url)
    name = "Unfold's change page of 40 fields / ours"
    arms = {
        "ours": lambda _: [client.get(ours) for _ in range(PER_ROUND)],
        name: lambda _: [client.get(stock) for _ in range(PER_ROUND)],
    }
    counted: list[Result] = [
        count("statements, ours", lambda: client.get(ours), None),
        count("statements, Unfold's change page", lambda: client.get(stock), None),
    ]
    return [*counted, *compare(arms, against={name: 5}, rounds=ROUNDS, per=PER_ROUND, unit="page")]


def _require_values(client: Client, url: str) -> None:
    """Each page shows all numbers and texts; dates and choices it may write its own way."""
    answer = client.get(url)
    html = answer.content.decode()
    missing = [str(value(n)) for n in range(len(FIELDS)) if n % 4 < 2 and str(value(n)) not in html]
    if answer.status_code != 200 or missing:
        raise AssertionError(f"{url}: status {answer.status_code}, missing {missing[:5]}")
