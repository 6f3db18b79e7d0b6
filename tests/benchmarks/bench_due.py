"""B-due: reminders of visits over a million visits, set-based, against a loop over the visits that are awaited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from uuid import UUID

from django.db import connection, transaction

from seeds.factories.trials import BEGIN, MemberFactory, SiteFactory, schedule_of_length
from tests.benchmarks.harness import Result, compare, require_equal
from trials.domain.roles import Role
from trials.models import Membership, Participant, Site, Visit
from trials.records.models import Notification
from trials.records.services import clock
from trials.records.services.notifications import Request
from trials.services.reminders import CLOSING_DAYS, KIND, RECIPIENTS, RULES, UPCOMING_DAYS, awaited_visits, sweep_study

VISITS, ROUNDS, DAYS, NEVER_HELD = 12, 5, 700, 97
FEW, MANY = 100_000, 1_000_000
"""Visits without and with ``--full``."""


def world(visits: int) -> Site:
    """Fill one site with participants of the last two years: what is past was held, one visit in 97 was not."""
    site = SiteFactory(oid="BDUE", visits=schedule_of_length(VISITS))
    for role in (Role.COORDINATOR, Role.INVESTIGATOR):
        MemberFactory(site=site, role=role, username=f"bench-due-{role.value}")
    version = site.study.versions.defer("document").get()
    count = -(-visits // VISITS)
    people = (
        Participant(
            study_id=site.study_id,
            site=site,
            version=version,
            sequence=number,
            number=f"{site.code}-{number:06d}",
            state=Participant.State.TREATED,
            created_at=BEGIN,
        )
        for number in range(1, count + 1)
    )
    today = clock.local_today(site.study, site.time_zone)
    for batch in batches(people, 2000):
        Participant.objects.bulk_create(batch)
        Visit.objects.bulk_create((visit for one in batch for visit in planned(one, today)), batch_size=6000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return site


def batches(rows: Iterator[Participant], size: int) -> Iterator[list[Participant]]:
    """Yield lists of at most ``size`` rows."""
    batch: list[Participant] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def planned(one: Participant, today: date) -> Iterator[Visit]:
    """Yield weekly visits, three days wide on each side, from a first day spread over two years."""
    first = today - timedelta(days=DAYS - (one.sequence * 37) % (DAYS + 60))
    for number in range(1, VISITS + 1):
        target = first + timedelta(days=7 * number)
        held = target < today and (one.sequence * VISITS + number) % NEVER_HELD != 0
        yield Visit(
            study_id=one.study_id,
            site_id=one.site_id,
            participant=one,
            version_id=one.version_id,
            code=f"V{number}",
            ordinal=number,
            target=target,
            opens=target - timedelta(days=3),
            closes=target + timedelta(days=3),
            actual=target if held else None,
        )


def rules_that_hold(visit: Visit, today: date) -> Iterator[int]:
    """Yield the places of the rules that hold for a visit, in plain Python."""
    assert visit.target is not None
    assert visit.opens is not None
    assert visit.closes is not None
    soon = today + timedelta(days=CLOSING_DAYS)
    if today < visit.target <= today + timedelta(days=UPCOMING_DAYS):
        yield 0
    if visit.opens <= today and visit.closes > soon:
        yield 1
    if visit.opens <= today <= visit.closes <= soon:
        yield 2
    if visit.closes < today and not visit.provisional:
        yield 3


def row_by_row(site: Site) -> None:
    """Look at every awaited visit and get or create each of its reminders."""
    today = clock.local_today(site.study, site.time_zone)
    recipients: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for member in Membership.objects.filter(study=site.study, role__in=RECIPIENTS, user__is_active=True):
        recipients[member.site_id or site.pk].append(member.user_id)
    now = clock.now()
    rows = awaited_visits().filter(study=site.study).select_related("participant", "study")
    for visit in rows.iterator():
        for place in rules_that_hold(visit, today):
            rule = RULES[place]
            for recipient in recipients[visit.site_id]:
                for channel in rule.channels:
                    request = Request(
                        kind=KIND,
                        rule_id=rule.rule_id,
                        chain=visit.study.chain_key,
                        occurrence=f"{visit.pk}:{visit.target}",
                        recipient_id=recipient,
                        title=f"Visit {visit.code} of {visit.participant.number} {rule.words}",
                        due_at=now,
                        channel=channel,
                        link=f"/admin/visits/{visit.pk}/",
                        urgent=rule.urgent,
                        site=str(visit.site_id),
                        participant=str(visit.participant_id),
                    )
                    _get_or_create(request)


def _get_or_create(request: Request) -> None:
    now = request.due_at
    names = ("kind", "rule_id", "chain", "occurrence", "recipient_id", "title", "due_at", "channel", "link", "urgent")
    given = {name: getattr(request, name) for name in (*names, "site", "participant")}
    Notification.objects.get_or_create(key=request.key, defaults={**given, "created_at": now, "next_attempt_at": now})


def undone(work: Callable[[], object]) -> set[tuple[str, str, str]]:
    """Do the work in a transaction that is taken back; return what it had written: key, title and link."""
    with transaction.atomic():
        work()
        found = set(Notification.objects.values_list("key", "title", "link"))
        transaction.set_rollback(True)
    return found


def taken_back(work: Callable[[], object]) -> Callable[[int], None]:
    """Return the work as an arm: written, not committed, so that every round begins alike."""

    def arm(_number: int) -> None:
        with transaction.atomic():
            work()
            transaction.set_rollback(True)

    return arm


def run(*, full: bool) -> list[Result]:
    """Compare scans of 100,000 visits (1 million with ``full``) that find nothing written yet."""
    site = world(MANY if full else FEW)
    ours, slow = undone(lambda: sweep_study(site.study)), undone(lambda: row_by_row(site))
    require_equal("reminders", len(ours), len(slow))
    require_equal("reminders", ours == slow, other=True)
    print(f"  {Visit.objects.count()} visits, {len(ours)} reminders", flush=True)  # noqa: T201
    name = "row by row / ours"
    arms = {"ours": taken_back(lambda: sweep_study(site.study)), name: taken_back(lambda: row_by_row(site))}
    return [*compare(arms, against={name: 50}, rounds=ROUNDS, unit="scan")]
