"""Sites, and the study version under which each works from a date."""

from __future__ import annotations

import re
from datetime import date
from zoneinfo import available_timezones

from trials import policies
from trials.domain.roles import Permission
from trials.models import Site, SiteActivation, Study, StudyVersion
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all
from trials.records.services.act import open_act
from trials.records.services.clock import study_now
from trials.services.noting import note_created, save_changes, shown

_CODE = re.compile(r"[A-Z0-9]{1,8}")


def create_site(study: Study, *, code: str, name: str, time_zone: str, actor: Actor) -> Site:
    """Add a site to a study; its code will prefix its participants' numbers and never changes."""
    policies.require(actor, Permission.PUBLISH_STUDY, study)
    with open_act("create site", chain=study.chain_key, actor=actor, study_time=study_now(study)) as act:
        study = Study.objects.select_for_update().get(pk=study.pk)
        raise_all(_site_refusals(study, code=code, name=name, time_zone=time_zone))
        site = Site(study=study, code=code, name=name.strip(), time_zone=time_zone, created_at=act.at)
        site.save(force_insert=True)
        note_created(act, site)
        return site


def _site_refusals(study: Study, *, code: str, name: str, time_zone: str) -> list[Refusal]:
    found = []
    if not _CODE.fullmatch(code):
        found.append(
            Refusal("site_code", "1 to 8 capitals or digits", repr(code), "Shorten or change it.", where="code")
        )
    elif Site.objects.filter(study=study, code=code).exists():
        found.append(Refusal("site_code_taken", "a code new to the study", code, "Choose another.", where="code"))
    if not name.strip():
        found.append(Refusal("site_name", "the site's name", "none", "Enter it.", where="name"))
    if time_zone not in available_timezones():
        expected = "a zone such as Asia/Shanghai"
        found.append(Refusal("time_zone", expected, repr(time_zone), "Choose one of the list.", where="time_zone"))
    return found


def activate_version(site: Site, version: StudyVersion, *, from_date: date, actor: Actor) -> SiteActivation:
    """Let a site work under a version from a date; participants registered from then on are pinned to it."""
    policies.require(actor, Permission.PUBLISH_STUDY, site.study)
    with open_act("activate version", chain=site.study.chain_key, actor=actor, study_time=study_now(site.study)) as act:
        site = Site.objects.select_for_update(of=("self",)).select_related("study").get(pk=site.pk)
        existing = list(SiteActivation.objects.filter(site=site).select_related("version"))
        raise_all(_activation_refusals(site, version, existing, from_date))
        same = next((each for each in existing if each.version_id == version.pk), None)
        if same is None:
            same = SiteActivation(site=site, version=version, from_date=from_date)
            same.save(force_insert=True)
            note_created(act, same)
            return same
        before = shown(same)
        same.from_date = from_date
        save_changes(act, same, before)
        return same


def _activation_refusals(
    site: Site, version: StudyVersion, existing: list[SiteActivation], from_date: date
) -> list[Refusal]:
    found = []
    if version.study_id != site.study_id:
        expected = "a version of the site's own study"
        found.append(Refusal("version_of_study", expected, "another study's", "Choose one of its own."))
    for each in existing:
        backwards = each.version.number > version.number and each.from_date <= from_date
        overtaken = each.version.number < version.number and each.from_date > from_date
        if each.version_id != version.pk and (backwards or overtaken):
            found.append(
                Refusal(
                    "activation_order",
                    expected="versions activated in their order",
                    found=f"version {version.number} from {from_date}, {each.version.number} from {each.from_date}",
                    action="Choose a date that keeps the order.",
                    where="from_date",
                )
            )
    return found


def version_in_force(site: Site, on: date) -> StudyVersion | None:
    """Return the version under which a site works on a day; None before its first activation."""
    return (
        StudyVersion.objects.filter(activations__site=site, activations__from_date__lte=on)
        .order_by("-activations__from_date", "-number")
        .first()
    )
