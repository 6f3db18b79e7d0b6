"""B-enrol: the statements of a registration do not grow with the schedule."""

from __future__ import annotations

from uuid import uuid4

from django.db import transaction

from seeds.factories.trials import BEGIN, SYSTEM, SiteFactory, schedule_of_length
from tests.benchmarks.eav.models import EavForm
from tests.benchmarks.harness import Result, compare, count, require_equal
from trials.models import Participant, Site, SiteStay, Visit
from trials.records.services import clock
from trials.services.participants import register_participant

MOST_STATEMENTS, ROUNDS, PER_ROUND, FORMS = 12, 7, 10, 6


def ours(site: Site) -> int:
    """Register through the service; return the number of visits."""
    return Visit.objects.filter(participant=register_participant(site, actor=SYSTEM, consented_on=BEGIN.date())).count()


def row_by_row(site: Site) -> int:
    """Save a participant, each visit and each form slot one after the other, as a signal handler would."""
    model = Visit.objects.filter(site=site).select_related("participant").order_by("-participant__sequence")[0]
    plan = list(Visit.objects.filter(participant=model.participant_id).order_by("ordinal"))
    with transaction.atomic():
        locked = Site.objects.select_for_update().get(pk=site.pk)
        one = Participant.objects.get(pk=model.participant_id)
        one.pk, one.sequence, one.number = uuid4(), locked.next_sequence, f"{site.code}-{locked.next_sequence:03d}"
        one.created_at, one._state.adding = clock.now(), True
        one.save(force_insert=True)
        SiteStay.objects.create(participant=one, site=locked, from_date=BEGIN.date())
        for visit in plan:
            visit.pk, visit.participant, visit._state.adding = uuid4(), one, True
            visit.save(force_insert=True)
            for number in range(FORMS):
                EavForm.objects.create(site=site.pk, participant=one.pk, visit=visit.pk, code=f"F{number}")
        locked.next_sequence += 1
        locked.save(update_fields=["next_sequence"])
    return Visit.objects.filter(participant=one).count()


def run(*, full: bool) -> list[Result]:
    """Count at 12 and at 60 visits; compare with form slots row by row. Ours makes none: forms appear when begun."""
    del full
    counted: list[Result] = []
    sites = {length: SiteFactory(visits=schedule_of_length(length)) for length in (12, 60)}
    for length, site in sites.items():
        register_participant(site, actor=SYSTEM, consented_on=BEGIN.date())
        counted.append(
            count(
                f"statements, ours, {length} visits",
                lambda site=site: register_participant(site, actor=SYSTEM, consented_on=BEGIN.date()),  # type: ignore[misc]
                MOST_STATEMENTS,
            )
        )
    site = sites[12]
    require_equal("visits", ours(site), row_by_row(site))
    name = "12 visits with 72 slots row by row / ours"
    arms = {
        "ours": lambda _: [ours(site) for _ in range(PER_ROUND)],
        name: lambda _: [row_by_row(site) for _ in range(PER_ROUND)],
    }
    return [*counted, *compare(arms, against={name: None}, rounds=ROUNDS, per=PER_ROUND, unit="enrolment")]
