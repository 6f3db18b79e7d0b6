"""Nothing derived goes stale in silence: what reads a changed item or fact is derived and checked again in the
same act.

Bounded by the study version, not by the form's size: only forms that the index of dependents names are read, all
of them in
one statement; passes repeat while a derived value still changes another, at most ``MOST_PASSES`` times. A rule
that does not
settle by then is a fault with a query of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from capture.definition.compiled import FormSet, form_set
from capture.domain.form_plan import Dependents, dependents
from capture.domain.messages import RULE, Message
from capture.models import FormRecord
from capture.selectors.seals import lock_scopes
from capture.selectors.surroundings import participant_facts, read_surroundings
from capture.services.locking import require_not_locked
from capture.services.opening import lock_participant, locked_records, require_open
from capture.services.query_sync import QueryPlan, plan_queries, write_queries
from capture.services.sheets import Sheet, fields_of, items_of
from capture.services.writing import (
    count_items,
    drop_signatures,
    project,
    set_open_queries,
    write_refreshed,
)
from trials.models import Participant, StudyVersion
from trials.records.domain.actors import Actor
from trials.records.domain.expressions import Blank, Value
from trials.records.services import clock
from trials.records.services.act import Act, open_act

MOST_PASSES = 10
MOST_ROUNDS = 4
Facts = dict[str, Value | Blank]


@dataclass(slots=True)
class Refreshed:
    """The other records that were brought up to date, and what happened to their queries."""

    sheets: list[Sheet] = field(default_factory=list)
    plans: list[QueryPlan] = field(default_factory=list)
    signatures: int = 0


def changed_facts(before: Facts, after: Facts) -> frozenset[str]:
    """Return the names of facts that differ; facts of the infusion day move the study day of every visit."""
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return frozenset(names | ({"study_day"} if "infused_on" in names else set()))


def refresh(
    participant: Participant,
    version: StudyVersion,
    *,
    form: str = "",
    items: Collection[str] = (),
    facts: Collection[str] = (),
    saved: object = None,
    act: Act,
    because: str,
) -> Refreshed:
    """Bring up to date what reads these items of ``form`` or these facts; rounds follow while typed facts change.

    ``saved`` is the record whose save led here: it is current, and run again only when what it reads moves in turn.
    """
    done = Refreshed()
    for _ in range(MOST_ROUNDS):
        first = _readers(form_set(version), form, items, facts)
        if not first:
            break
        before = participant_facts(participant, version)
        if not _round(participant, version, first, saved, act, because, done):
            break
        form, items, saved = "", (), None
        facts = changed_facts(before, participant_facts(participant, version))
    return done


def _readers(forms: FormSet, form: str, items: Collection[str], facts: Collection[str]) -> frozenset[str]:
    """Return the forms that read any of these items or facts."""
    index = dependents(forms)
    first = index.of(form, items) if form else frozenset()
    first = first.union(*(index.facts.get(fact, frozenset()) for fact in facts))
    return first | _relative_readers(forms) if "infused_on" in facts else first


def _round(
    participant: Participant,
    version: StudyVersion,
    first: frozenset[str],
    saved: object,
    act: Act,
    because: str,
    done: Refreshed,
) -> bool:
    forms = form_set(version)
    index = dependents(forms)
    sheets = _desk(participant, version, forms, index, _closure(first, index, forms))
    seen = _settle(sheets, first, index, saved)
    if not seen:
        return False
    plan = plan_queries(seen, act=act)
    for sheet in seen:
        count_items(sheet)
    set_open_queries(seen, plan)
    changed = [sheet for sheet in seen if sheet.changed or fields_of(sheet.record) != sheet.was]
    _require_unsealed(changed, act)
    write_refreshed(changed, act=act, because=because)
    write_queries(plan, act=act)
    done.plans.append(plan)
    done.sheets.extend(changed)
    for sheet in changed:
        done.signatures += drop_signatures(sheet, act=act, because=because)
        if sheet.changed:
            project(sheet, act=act)
    return bool(changed)


def _require_unsealed(sheets: Iterable[Sheet], act: Act) -> None:
    """Refuse when a value under a freeze or lock would move, or anything else of a record under a lock."""
    valued: list[tuple[str, str]] = []
    counted: list[tuple[str, str]] = []
    for sheet in sheets:
        (valued if sheet.changed else counted).extend(lock_scopes(sheet.record))
    if valued:
        require_open(valued, act)
    if counted:
        require_not_locked(counted, act=act)


def _relative_readers(forms: FormSet) -> frozenset[str]:
    """Return the forms that read ``[baseline]``, which moves with the first infusion."""
    return frozenset(form.code for form in forms.forms.values() if any("baseline" in each.when for each in form.reads))


def _closure(first: Iterable[str], index: Dependents, forms: FormSet) -> frozenset[str]:
    found, pending = set(first), list(first)
    while pending:
        code = pending.pop()
        if code in forms.forms:
            fresh = index.of(code, forms.forms[code].derived) - found
            found |= fresh
            pending.extend(fresh)
    return frozenset(found)


def _desk(
    participant: Participant, version: StudyVersion, forms: FormSet, index: Dependents, codes: frozenset[str]
) -> list[Sheet]:
    """Return the records of these forms, locked, in the order of their visits; they share one view of the others."""
    needs = codes.union(*(index.reads.get(code, frozenset()) for code in codes))
    facts = frozenset[str]().union(*(forms.forms[code].facts for code in codes))
    around = read_surroundings(participant, version, forms, needs=needs, facts=facts)
    by_id = {record.id: record for record in around.records}
    places = {visit.id: number for number, visit in enumerate(around.visits)}
    moments = {visit.id: visit for visit in around.visits}
    records = locked_records().filter(
        participant=participant, form__in=codes, state__in=[FormRecord.State.IN_PROGRESS, FormRecord.State.COMPLETE]
    )
    sheets = []
    for record in records:
        other = by_id.get(str(record.pk))
        if other is None:
            continue
        record.participant = participant
        own_forms = form_set(record.definition)
        if record.form in own_forms.forms:
            visit = moments.get(str(record.visit_id)) if record.visit_id else None
            before = record.data
            sheets.append(Sheet(record, own_forms, own_forms.forms[record.form], around, visit, before, other.data))
    return sorted(sheets, key=lambda sheet: (places.get(str(sheet.record.visit_id), -1), sheet.record.form))


def _settle(sheets: list[Sheet], first: frozenset[str], index: Dependents, saved: object) -> list[Sheet]:
    """Run the rules of dirty records until no derived value moves; return the records that were run."""
    dirty = {id(sheet): sheet for sheet in sheets if sheet.record.form in first and sheet.record.pk != saved}
    seen: dict[int, Sheet] = {}
    for _ in range(MOST_PASSES):
        if not dirty:
            break
        now, dirty = list(dirty.values()), {}
        for sheet in now:
            old = dict(sheet.data)
            sheet.run()
            seen[id(sheet)] = sheet
            paths = tuple(path for path in {**old, **sheet.data} if old.get(path) != sheet.data.get(path))
            readers = index.of(sheet.record.form, items_of(paths)) if paths else frozenset()
            dirty |= {id(each): each for each in sheets if each.record.form in readers}
    for sheet in dirty.values():
        sheet.found.say(_unsettled(sheet), frozenset())
    return list(seen.values())


def _unsettled(sheet: Sheet) -> Message:
    return Message(
        "",
        "fault",
        "not_settled",
        f"The derived values of {sheet.record.form} change each other without end.",
        action="The study's data manager has to correct the rules.",
        check=f"{RULE}:settle",
    )


MOMENT = ("visit_date", "study_day", "infused_on")


def refresh_participant(
    participant: Participant, *, actor: Actor, because: str, facts: Collection[str] = MOMENT
) -> Refreshed:
    """Bring every record up to date that uses these facts, after an act of another room changed them.

    The trials room cannot call this one, so whoever moves a visit's date or an anchor calls this in the same act.
    """
    study = participant.study
    with open_act("refresh records", chain=study.chain_key, actor=actor, study_time=clock.study_now(study)) as act:
        locked = lock_participant(participant)
        return refresh(locked, locked.version, facts=facts, act=act, because=because)
