"""Reads what a form's rules need around a record: one statement for visits with their records, one for logs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import FilteredRelation, Q

from capture.definition.compiled import FormSet
from capture.domain.surroundings import OtherRecord, Surroundings, VisitMoment, in_order
from capture.models import FormRecord, LogDeclaration
from trials.definition.compiled import trial_definition
from trials.models import Participant, StudyVersion, Visit
from trials.records.domain.dates import PartialDate
from trials.records.domain.expressions import UNKNOWN, Blank, Value

Fact = Callable[[Participant, StudyVersion], Value | None]
_FACTS: dict[str, Fact] = {
    "sex": lambda one, _: one.sex,
    "birth_date": lambda one, _: _birth(one.birth_date),
    "condition": lambda one, _: one.condition,
    "arm": lambda one, _: _arm(one),
    "site": lambda one, _: one.site.code,
    "dose_level": lambda one, _: _level(one),
    "consented_on": lambda one, _: one.consented_on,
    "enrolled_on": lambda one, _: one.enrolled_on,
    "infused_on": lambda one, _: one.infused_on,
    "infused_at": lambda one, _: datetime.fromisoformat(one.infused_at) if "T" in one.infused_at else None,
    "last_infused_on": lambda one, _: one.last_infused_on,
    "universal": lambda one, version: trial_definition(version).universal(_arm(one)),
}
ALL_FACTS = tuple(_FACTS)
STANDING = (FormRecord.State.IN_PROGRESS, FormRecord.State.COMPLETE, FormRecord.State.NOT_DONE)


def participant_facts(
    participant: Participant, version: StudyVersion, names: Collection[str] = ALL_FACTS
) -> dict[str, Value | Blank]:
    """Return these facts of a participant (by default all); what is not known is unknown."""
    found: dict[str, Value | Blank] = {}
    for name in names:
        read = _FACTS.get(name)
        if read is not None:
            value = read(participant, version)
            found[name] = UNKNOWN if value is None or value == "" else value
    return found


def _arm(participant: Participant) -> str:
    return participant.arm.code if participant.arm_id and participant.arm else ""


def _level(participant: Participant) -> Decimal | None:
    return Decimal(participant.dose_level.number) if participant.dose_level_id and participant.dose_level else None


def _birth(text: str) -> date | PartialDate | None:
    if not text:
        return None
    partial = PartialDate.parse(text)
    return partial.exact or partial


def read_surroundings(
    participant: Participant,
    version: StudyVersion,
    forms: FormSet,
    *,
    needs: Collection[str],
    facts: Collection[str] = ALL_FACTS,
    doses: bool = True,
    visit: VisitMoment | None = None,
    except_record: UUID | None = None,
) -> Surroundings:
    """Return what stands around a record; ``needs`` are the forms whose records are read, none of them costs
    nothing."""
    around = Surroundings(
        facts=participant_facts(participant, version, {"infused_on", *facts}),
        visits=(visit,) if visit is not None else (),
        doses=_doses(participant) if doses else {},
    )
    if needs:
        _read_visits(around, participant, [code for code in needs if not _outside(forms, code)], except_record)
        logs = [code for code in needs if _outside(forms, code)]
        if logs:
            _read_logs(around, participant, logs, except_record)
        around.expected = frozenset(
            (slot.form, code) for slot in forms.slots if slot.kind == "visit" for code in slot.visits
        )
    return around


def _outside(forms: FormSet, code: str) -> bool:
    form = forms.forms.get(code)
    return form is not None and (form.is_log or form.once)


def _doses(participant: Participant) -> dict[str, Decimal]:
    level = participant.dose_level if participant.dose_level_id else None
    return {product: Decimal(str(amount)) for product, amount in level.amounts.items()} if level is not None else {}


def _read_visits(around: Surroundings, participant: Participant, codes: list[str], leave_out: UUID | None) -> None:
    wanted = Q(records__form__in=codes, records__state__in=STANDING)
    rows = (
        Visit.objects.filter(participant=participant, cancelled=False)
        .annotate(read=FilteredRelation("records", condition=wanted))
        .order_by()
        .values_list(
            "pk", "code", "ordinal", "repeat", "actual", "opens", "target", "read__pk", "read__form", "read__data"
        )
    )
    visits: dict[str, VisitMoment] = {}
    records: list[OtherRecord] = []
    for pk, code, ordinal, repeat, actual, opens, target, record, form, data in rows:
        visits[str(pk)] = VisitMoment(str(pk), code, ordinal, repeat, actual, opens or target)
        if record is not None and record != leave_out:
            records.append(OtherRecord(str(record), form, str(pk), None, data))
    around.visits = in_order(visits.values())
    around.records = (*around.records, *records)


def _read_logs(around: Surroundings, participant: Participant, codes: list[str], leave_out: UUID | None) -> None:
    rows = (
        FormRecord.objects.filter(participant=participant, visit=None, form__in=codes)
        .exclude(state=FormRecord.State.REMOVED)
        .order_by("form", "row")
        .values_list("pk", "form", "row", "data")
    )
    found = [OtherRecord(str(pk), form, "", row, data) for pk, form, row, data in rows if pk != leave_out]
    around.records = (*around.records, *found)
    if {record.form for record in found} != set(codes):
        declared = LogDeclaration.objects.filter(participant=participant, form__in=codes, nothing=True)
        around.nothing = frozenset(declared.values_list("form", flat=True))
