"""Fills simulated studies: publishes a folder, opens its sites, names its people, plays its participants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeds is where randomness is made

from seeds.conduct.lives import plan_lives
from seeds.conduct.people import ensure_memberships, ensure_users
from seeds.conduct.player import MORNING, Played, Player
from seeds.loader.loading import load_study
from seeds.loader.publishing import publish_study
from trials.definition.compiled import trial_definition
from trials.models import Participant, Site, StudyVersion
from trials.records.domain.actors import Actor
from trials.records.domain.errors import refuse
from trials.services.access import actor_of
from trials.services.sites import activate_version, create_site
from trials.services.study_clock import advance_clock

STUDIES = Path(__file__).resolve().parent.parent / "studies"
UNTIL = date(2026, 11, 23)
"""The day on which simulated studies stand unless told otherwise: a Monday."""
HOSPITALS = (("01", "First University Hospital"), ("02", "Riverside Hospital"))
TIME_ZONE = "Asia/Shanghai"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Seeded:
    """One study as seeding left it."""

    version: StudyVersion
    played: Played


def study_folders() -> tuple[Path, ...]:
    """Return the folders of the studies that come with the product, in the order of their names."""
    return tuple(sorted(path for path in STUDIES.iterdir() if (path / "study.yaml").exists()))


def seed_study(folder: Path, *, participants: int, seed: int, until: date = UNTIL, actor: Actor, say: Say) -> Seeded:
    """Publish a folder as a simulated study and play participants in it; a study that has some is left alone."""
    version = _published(folder, actor)
    study = version.study
    if Participant.objects.filter(study=study).exists():
        say(f"{study.oid}: has participants already, left as it is")
        return Seeded(version, Played())
    source = Random(f"{seed}/{study.oid}")  # noqa: S311 - a simulation, not a secret
    turn = [each.name for each in study_folders()].index(folder.name) if folder.parent == STUDIES else 0
    lives = plan_lives(trial_definition(version), participants, until=until, source=source, turn=turn)
    begins = min(life.screened_on for life in lives) - timedelta(days=1)
    if study.clock is None:
        advance_clock(study, to=datetime.combine(begins, MORNING), actor=actor)
    users = ensure_users(actor)
    sites = _sites(version, from_date=begins, actor=actor)
    ensure_memberships(study, sites, users, actor=actor)
    coordinators = {"01": actor_of(users["coordinator"]), "02": actor_of(users["coordinator2"])}
    pairs = tuple((site, coordinators[code]) for code, site in sorted(sites.items()))
    played = Player(study, version, pairs, actor, source, until).play(lives)
    say(f"{study.oid}: {played.participants} participants, {played.forms} forms, {len(played.refused)} refused")
    for line in played.refused:
        say(f"    {line}")
    return Seeded(version, played)


def _published(folder: Path, actor: Actor) -> StudyVersion:
    """Publish a folder as a simulated study; refused when it has problems or the study is real."""
    loaded = load_study(folder)
    if loaded.problems:
        raise refuse(
            "study_folder",
            expected="a study folder without problems",
            found="; ".join(str(problem) for problem in loaded.problems[:3]),
            action=f"Run: manage.py load_study {folder} --check",
        )
    version = publish_study(loaded, actor=actor, simulated=True).version
    if not version.study.simulated:
        raise refuse(
            "real_study",
            expected="a simulated study",
            found=f"{version.study.oid}, a real one",
            action="Seed another database.",
        )
    return version


def _sites(version: StudyVersion, *, from_date: date, actor: Actor) -> dict[str, Site]:
    """Return the study's sites by code: two where the study may have several, else one."""
    study = version.study
    most = trial_definition(version).sites[1]
    wanted = HOSPITALS if most is None or most > 1 else HOSPITALS[:1]
    sites = {site.code: site for site in Site.objects.filter(study=study)}
    for code, name in wanted:
        if code not in sites:
            sites[code] = create_site(study, code=code, name=name, time_zone=TIME_ZONE, actor=actor)
            activate_version(sites[code], version, from_date=from_date, actor=actor)
    return sites
