"""Studies for the benchmarks: as many visits and forms as asked for, with people who may enter data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from seeds.factories.capture import document, site_of
from seeds.factories.trials import BEGIN, SYSTEM, MemberFactory, schedule_of_length
from trials.models import Participant, Site, StudyVersion, User
from trials.records.domain.actors import Actor
from trials.records.domain.canonical import digest
from trials.services.access import actor_of
from trials.services.participants import register_participant
from trials.services.publishing import publish_version
from trials.services.study_clock import advance_clock

ITEMS = tuple(f"N{number}" for number in range(30))
LOW, HIGH, MORE = "0", "100", "50"
CHECKS = {f"C{n}": (f"N{n}", f"N{n + 1}") for n in range(0, 29, 3)}


def thirty_items() -> dict[str, Any]:
    """Return a form of 30 numbers with a hard and a soft range each and ten cross checks."""
    return {
        "label": "Thirty items",
        "items": {
            name: {
                "label": f"Item {name}",
                "type": "number",
                "hard": "0..1000",
                "soft": f"{LOW}..{HIGH}",
                "decimals": 2,
            }
            for name in ITEMS
        },
        "checks": {
            name: {"when": f"{first} > {other} + {MORE}", "say": "Too far apart."}
            for name, (first, other) in CHECKS.items()
        },
    }


def publish(oid: str, forms: Mapping[str, Any], *, visits: int) -> StudyVersion:
    """Publish a simulated study with this many weekly visits and every form at each of them."""
    codes = [visit.code for visit in schedule_of_length(visits)]
    read = document(oid, forms, dict.fromkeys(forms, codes), {})
    read["schedule"]["visits"] = [asdict(visit) for visit in schedule_of_length(visits)]
    text = json.dumps(read)
    version = publish_version(
        oid=oid,
        title=oid,
        number=1,
        document=text,
        content_hash=digest(text.encode()),
        shape_hash=digest(text.encode()),
        changes="First version.",
        simulated=True,
        arms=[("MAIN", "Single arm", ["CART"])],
        dose_levels=[("MAIN", 1, {"CART": "0.5"}, "10*6 cells/kg")],
        actor=SYSTEM,
    )
    advance_clock(version.study, to=BEGIN, actor=SYSTEM)
    return version


def site_with_people(version: StudyVersion, username: str) -> tuple[Site, User]:
    """Open a site that works under the version, with one coordinator."""
    site = site_of(version)
    return site, MemberFactory(site=site, username=username)


def participants_at(site: Site, count: int) -> Sequence[Participant]:
    """Register participants through the service."""
    return [register_participant(site, actor=SYSTEM, consented_on=BEGIN.date()) for _ in range(count)]


def fresh_actor(user: User) -> Actor:
    """Return the actor as a new request has it: nothing read yet."""
    return actor_of(user)


def values_of(number: int) -> dict[str, str]:
    """Return texts for the 30 items, in range; they differ from one number to the next."""
    return {
        name: f"{10 + (number * 7 + place * 3) % 40}.{(number + place) % 90 + 10}" for place, name in enumerate(ITEMS)
    }
