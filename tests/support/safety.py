"""SCAR02 as its folder says, with a site, a participant and rows of its safety logs saved through the one door."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from capture.models import FormRecord
from capture.services.data_entry import save_items
from capture.services.slots import Slot
from seeds.factories.trials import SYSTEM, ParticipantFactory, infuse
from seeds.loader.loading import Loaded, load_study
from seeds.loader.publishing import publish_study
from trials.models import Participant, Site, Study, StudyVersion
from trials.services.sites import activate_version, create_site

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
DAY_0 = date(2026, 10, 10)
NOON_OF_DAY_0 = datetime(2026, 10, 10, 10, 0, tzinfo=UTC)

FEBRILE = {
    "TEMP": "38.6", "FEVER_OTHER": "N", "TREATED": "NONE", "HYPOTENSION": "N", "PRESSORS": "0", "VASOPRESSIN": "N",
    "OXYGEN": "NONE", "DIED": "N",
}  # fmt: skip
WELL = {**FEBRILE, "TEMP": "36.8"}
WELL.pop("FEVER_OTHER")
ALERT_ICANS = {
    "ICE_DONE": "Y", "CONSCIOUSNESS": "ALERT", "SEIZURE": "NONE", "MOTOR": "N", "OEDEMA": "NONE", "DIED": "N",
    **dict.fromkeys(("YEAR", "MONTH", "CITY", "HOSPITAL", "COMMAND", "SENTENCE", "COUNTS"), "Y"),
    **dict.fromkeys(("OBJECT_1", "OBJECT_2", "OBJECT_3"), "Y"),
}  # fmt: skip


@cache
def _loaded(name: str) -> Loaded:
    return load_study(SEEDS / "studies" / name)


def published(name: str = "scar02", *, at: datetime = NOON_OF_DAY_0) -> StudyVersion:
    """Publish a study folder as a simulated study whose clock stands at an instant."""
    version = publish_study(_loaded(name), actor=SYSTEM, simulated=True).version
    set_clock(version.study, at)
    return version


def set_clock(study: Study, at: datetime) -> None:
    """Set the clock past ``advance_clock``, as if no worker had run on the days between."""
    Study.objects.filter(pk=study.pk).update(clock=at)
    study.clock = at


def site_in(version: StudyVersion, code: str = "01", time_zone: str = "Europe/Berlin") -> Site:
    site = create_site(version.study, code=code, name=f"Hospital {code}", time_zone=time_zone, actor=SYSTEM)
    activate_version(site, version, from_date=date(2026, 1, 1), actor=SYSTEM)
    return site


def infused(site: Site, on: date = DAY_0) -> Participant:
    """Return a participant infused at 10:00 of a day."""
    made: Participant = ParticipantFactory(site=site, consented_on=on - timedelta(days=40), enrolled=True)
    infuse(made, on)
    return Participant.objects.select_related("study", "site", "version").get(pk=made.pk)


def save_log(participant: Participant, form: str, values: dict[str, Any], *, at: str = "") -> FormRecord:
    """Save a new row of a log; ``at`` is its item AT."""
    changes = {**({"AT": at} if at else {}), **values}
    return save_items(Slot(participant, None, form), changes, actor=SYSTEM, expected_version=0).record


def change(record: FormRecord, reason: str = "", **values: Any) -> FormRecord:
    """Save changed items of a record."""
    record = FormRecord.objects.select_related("participant__study", "participant__site", "definition").get(
        pk=record.pk
    )
    return save_items(record, values, actor=SYSTEM, reason=reason, expected_version=record.version).record


def event(*grades: tuple[str, str], **values: Any) -> dict[str, Any]:
    """Values of an adverse event with its course: pairs of grade and date."""
    course: dict[str, Any] = {}
    for number, (grade, since) in enumerate(grades, start=1):
        course |= {f"GRADES.{number}.GRADE": grade, f"GRADES.{number}.FROM": since}
    start = {"START": grades[0][1]} if grades and grades[0][1] else {}
    plain = {
        "TERM": "Liver enzymes up",
        "CTCAE": "Alanine aminotransferase increased",
        "ONGOING": "Y",
        "CART": "PROBABLE",
    }
    return {**plain, **start, **course, **values}
