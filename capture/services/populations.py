"""Which populations of the study version a participant belongs to, judged again when what they read has changed."""

from __future__ import annotations

from collections.abc import Collection

from capture.definition.compiled import FormDefinition, form_set
from capture.domain.evaluation_context import EvaluationContext
from capture.selectors.surroundings import read_surroundings
from trials.definition.compiled import TrialDefinition, trial_definition
from trials.models import Participant, StudyVersion
from trials.records.services.act import Act

NOWHERE = FormDefinition(
    code="",
    label="",
    help="",
    domain="",
    binds="",
    is_log=False,
    once=False,
    plain=(),
    groups={},
    items={},
    checks=(),
    derived=(),
    reads=(),
    facts=frozenset(),
)
"""A form without items: a population's rule stands in no record."""


def judge_populations(
    participant: Participant,
    version: StudyVersion,
    *,
    form: str,
    items: Collection[str],
    facts: Collection[str],
    act: Act,
) -> bool:
    """Judge the populations again when they read any of these items or facts; note and write a change."""
    definition = trial_definition(version)
    if not _touched(definition, form, items, facts):
        return False
    forms = form_set(version)
    needs = {each.form for rule in definition.populations.values() for each in rule.references if each.form}
    around = read_surroundings(participant, version, forms, needs=needs)
    context = EvaluationContext(forms, NOWHERE, {}, around)
    arm = participant.arm.code if participant.arm_id and participant.arm else ""
    given = definition.given_populations(condition=participant.condition, arm=arm)
    judged = [name for name, rule in definition.populations.items() if rule.evaluate(context) is True]
    after = list(dict.fromkeys((*given, *judged)))
    before = list(participant.populations)
    if after == before:
        return False
    participant.populations = after
    Participant.objects.filter(pk=participant.pk).update(populations=after)
    act.note(
        "Participant",
        participant.pk,
        "populations",
        delta={"populations": [before, after]},
        site=participant.site_id,
        participant=participant.pk,
    )
    return True


def _touched(definition: TrialDefinition, form: str, items: Collection[str], facts: Collection[str]) -> bool:
    if {"condition", "arm"} & set(facts):
        return True
    return any(
        set(rule.facts) & set(facts)
        or any(each.form == form and (each.item in items or not each.item) for each in rule.references)
        for rule in definition.populations.values()
    )
