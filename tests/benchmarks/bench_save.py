"""B-save: a 30-item form with permission, checks, audit and chain, against EAV row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from capture.models import FormRecord
from capture.services.data_entry import save_items
from capture.services.slots import Slot
from tests.benchmarks.eav.models import EavAudit, EavForm, EavItem, EavValue
from tests.benchmarks.eav.saving import save_audited, save_bare
from tests.benchmarks.harness import Result, compare, count, require_equal
from tests.benchmarks.worlds import (
    CHECKS,
    HIGH,
    ITEMS,
    LOW,
    MORE,
    fresh_actor,
    participants_at,
    publish,
    site_with_people,
    thirty_items,
    values_of,
)
from trials.models import Site, StudyVersion, User, Visit

FORM, VISITS, MOST_STATEMENTS = "BIG", 12, 12
PER_ROUND, ROUNDS = 40, 7


class SaveWorld:
    """Places where a form may be saved, handed out once each; and the three ways to save one there."""

    def __init__(self, oid: str, places: int) -> None:
        self.version: StudyVersion = publish(oid, {FORM: thirty_items()}, visits=VISITS)
        self.site: Site
        self.user: User
        self.site, self.user = site_with_people(self.version, f"bench-{oid.lower()}")
        make_items()
        participants = participants_at(self.site, -(-places // VISITS) + 1)
        rows = Visit.objects.filter(participant__in=participants).select_related("participant", "version")
        self.visits: Iterator[Visit] = iter(list(rows.defer("version__document").order_by("participant", "ordinal")))
        self.known = {each.pk: each for each in participants}

    def place(self) -> Visit:
        visit = next(self.visits)
        visit.participant = self.known[visit.participant_id]
        return visit

    def ours(self, visit: Visit, number: int) -> FormRecord:
        slot = Slot(visit.participant, visit, FORM)
        return save_items(slot, values_of(number), actor=fresh_actor(self.user), expected_version=0).record

    def bare(self, visit: Visit, number: int) -> EavForm:
        return save_bare(self.site.pk, visit.participant_id, visit.pk, FORM, values_of(number))

    def audited(self, visit: Visit, number: int) -> EavForm:
        checks = {name: (first, other, Decimal(MORE)) for name, (first, other) in CHECKS.items()}
        return save_audited(
            self.site.pk,
            visit.participant_id,
            visit.pk,
            FORM,
            values_of(number),
            chain=self.version.study.oid,
            user=self.user.pk,
            checks=checks,
        )


def make_items() -> None:
    """Define the form's items for the slow arms."""
    rows = [EavItem(form_code=FORM, name=name, low=Decimal(LOW), high=Decimal(HIGH)) for name in ITEMS]
    EavItem.objects.bulk_create(rows, ignore_conflicts=True)


def run(*, full: bool) -> list[Result]:
    """Compare 40 saves a round (300 with ``full``)."""
    per = 300 if full else PER_ROUND
    world = SaveWorld("BSAVE", (ROUNDS + 2) * per * 3 + 10)
    _equal(world)
    counted = [
        count("statements, ours", lambda: world.ours(world.place(), 2), MOST_STATEMENTS),
        count("statements, EAV bare", lambda: world.bare(world.place(), 2), None),
        count("statements, EAV audited", lambda: world.audited(world.place(), 2), None),
    ]
    places = {arm: [[world.place() for _ in range(per)] for _ in range(ROUNDS + 1)] for arm in ("ours", "bare", "eav")}

    def arm(name: str, save: Callable[[Visit, int], object]) -> Callable[[int], None]:
        def work(round_number: int) -> None:
            for number, visit in enumerate(places[name][round_number]):
                save(visit, number)

        return work

    arms = {"ours": arm("ours", world.ours)}
    bare, audited = "EAV row by row, bare / ours", "EAV with audit per item, chain, checks / ours"
    arms |= {bare: arm("bare", world.bare), audited: arm("eav", world.audited)}
    lines = compare(arms, against={bare: 3, audited: 8}, rounds=ROUNDS, per=per, unit="save")
    return [*counted, *lines]


def _equal(world: SaveWorld) -> None:
    """The three arms hold the same values afterwards, and both audits say the same."""
    one, two, three = world.place(), world.place(), world.place()
    record, bare, audited = world.ours(one, 1), world.bare(two, 1), world.audited(three, 1)
    values = {path: entry["v"] for path, entry in FormRecord.objects.get(pk=record.pk).data.items()}
    for form in (bare, audited):
        rows = EavValue.objects.filter(form=form).values_list("item__name", "value")
        require_equal("values", values, dict(rows))
    trail = dict(EavAudit.objects.filter(form=audited).values_list("item__name", "new"))
    require_equal("audit", values, trail)
