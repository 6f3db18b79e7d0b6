"""Publishing a study version: immutable in shape, its words replaceable in place."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trials import policies
from trials.domain.roles import Permission
from trials.models import Arm, DoseLevel, Study, StudyVersion
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all
from trials.records.services import clock
from trials.records.services.act import Act, open_act
from trials.services.noting import note_created, save_changes, shown

ArmRow = tuple[str, str, Sequence[str]]
LevelRow = tuple[str, int, Mapping[str, str], str]


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published: a canonical document with its hashes, and the rows that participants are assigned to."""

    number: int
    document: str
    content_hash: str
    shape_hash: str
    changes: str


def publish_version(
    *,
    oid: str,
    title: str,
    number: int,
    document: str,
    content_hash: str,
    shape_hash: str,
    changes: str,
    simulated: bool,
    arms: Sequence[ArmRow] = (),
    dose_levels: Sequence[LevelRow] = (),
    start: int | None = None,
    actor: Actor,
) -> StudyVersion:
    """Publish a study document and return its version.

    The same content does nothing; the same shape under the same number replaces the words in place (``revision`` + 1);
    another shape needs a higher number. ``start`` numbers the level at which each ladder opens (default: its lowest).
    """
    publication = Publication(number, document, content_hash, shape_hash, changes)
    with open_act("publish study", chain=f"study:{oid}", actor=actor) as act:
        study = Study.objects.select_for_update().filter(oid=oid).first()
        _require(actor, study)
        versions = list(StudyVersion.objects.filter(study=study).order_by("number")) if study else []
        raise_all(_refusals(study, versions, publication, simulated=simulated))
        same = next((each for each in versions if each.number == number), None)
        if same is not None and same.content_hash == content_hash:
            return same
        study = _put_study(act, study, oid=oid, title=title, simulated=simulated)
        version = _put_version(act, study, same, publication)
        rows = _put_arms(act, study, arms)
        _put_levels(act, study, rows, dose_levels, start)
        return version


def _require(actor: Actor, study: Study | None) -> None:
    """A study that does not exist yet has no members: whoever may publish anywhere may begin one."""
    if study is not None:
        policies.require(actor, Permission.PUBLISH_STUDY, study)
    elif not policies.may_anywhere(actor, Permission.PUBLISH_STUDY):
        raise policies.forbidden(actor, Permission.PUBLISH_STUDY)


def _refusals(
    study: Study | None, versions: Sequence[StudyVersion], new: Publication, *, simulated: bool
) -> list[Refusal]:
    found = []
    if study is not None and study.simulated != simulated:
        kind = {True: "a simulated study", False: "a real study"}
        found.append(
            Refusal("study_kind", kind[study.simulated], kind[simulated], "Publish it under another study name.")
        )
    latest = versions[-1] if versions else None
    same = next((each for each in versions if each.number == new.number), None)
    if new.number < 1 or (latest is not None and new.number < latest.number and same is None):
        least = latest.number if latest else 1
        found.append(Refusal("version_number", f"{least} or higher", f"{new.number}", "Count up.", where="version"))
    if same is not None and same.shape_hash != new.shape_hash and latest is not None:
        found.append(
            Refusal(
                "version_shape",
                expected=f"a version above {latest.number}, since more than words changed",
                found=f"version {new.number} with another shape than the one published",
                action="Raise the version and say under changes what is new.",
                where="version",
            )
        )
    if same is None and not new.changes.strip():
        found.append(
            Refusal("changes_missing", "a line that says what is new", "none", "Fill in changes.", where="changes")
        )
    return found


def _put_study(act: Act, study: Study | None, *, oid: str, title: str, simulated: bool) -> Study:
    if study is None:
        study = Study(oid=oid, title=title, simulated=simulated, created_at=act.at)
        study.save(force_insert=True)
        note_created(act, study)
        return study
    before = shown(study)
    study.title = title
    save_changes(act, study, before)
    return study


def _put_version(act: Act, study: Study, same: StudyVersion | None, new: Publication) -> StudyVersion:
    if same is None:
        version = StudyVersion(
            study=study,
            number=new.number,
            document=new.document,
            content_hash=new.content_hash,
            shape_hash=new.shape_hash,
            changes=new.changes,
            published_at=clock.now(),
            published_by=act.actor.name,
        )
        version.save(force_insert=True)
        note_created(act, version, action="publish")
        return version
    before = shown(same)
    same.revision += 1
    same.document, same.content_hash, same.changes = new.document, new.content_hash, new.changes
    save_changes(act, same, before, action="publish text")
    same.save(update_fields=["document"])
    return same


def _put_arms(act: Act, study: Study, arms: Sequence[ArmRow]) -> dict[str, Arm]:
    """Add and relabel arms; one that is no longer named stays, since participants may stand in it."""
    rows = {arm.code: arm for arm in Arm.objects.filter(study=study)}
    for position, (code, label, products) in enumerate(arms):
        arm = rows.get(code)
        if arm is None:
            arm = rows[code] = Arm(study=study, code=code, label=label, products=list(products), position=position)
            arm.save(force_insert=True)
            note_created(act, arm)
            continue
        before = shown(arm)
        arm.label, arm.products, arm.position = label, list(products), position
        save_changes(act, arm, before)
    return rows


def _put_levels(act: Act, study: Study, arms: Mapping[str, Arm], levels: Sequence[LevelRow], start: int | None) -> None:
    """Add dose levels and correct amounts; a new ladder's first level opens, every other waits for a decision."""
    rows = {(level.arm_id, level.number): level for level in DoseLevel.objects.filter(study=study)}
    raise_all(_level_refusals(arms, levels, rows))
    laddered = {arm_id for arm_id, _ in rows}
    for code, number, amounts, unit in levels:
        arm = arms[code]
        level = rows.get((arm.pk, number))
        if level is None:
            first = start if start is not None else min(each[1] for each in levels if each[0] == code)
            opened = number == first and arm.pk not in laddered
            state = DoseLevel.State.OPEN if opened else DoseLevel.State.NOT_OPEN
            level = DoseLevel(study=study, arm=arm, number=number, amounts=dict(amounts), unit=unit, state=state)
            level.save(force_insert=True)
            note_created(act, level)
            continue
        before = shown(level)
        level.amounts, level.unit = dict(amounts), unit
        save_changes(act, level, before)


def _level_refusals(
    arms: Mapping[str, Arm], levels: Sequence[LevelRow], rows: Mapping[tuple[uuid.UUID, int], DoseLevel]
) -> list[Refusal]:
    """A level at which somebody stands keeps its amounts: what was assigned is not rewritten."""
    found = []
    touched = []
    for code, number, amounts, unit in levels:
        row = rows.get((arms[code].pk, number))
        if row is not None and (row.amounts, row.unit) != (dict(amounts), unit):
            touched.append(row)
    in_use = DoseLevel.objects.filter(pk__in=[row.pk for row in touched], participants__isnull=False)
    used = set(in_use.values_list("pk", flat=True))
    for level in touched:
        if level.pk in used:
            found.append(
                Refusal(
                    "dose_level_in_use",
                    expected=f"the amounts under which participants were assigned: {level}",
                    found="other amounts",
                    action="Add a level with the new amounts.",
                    where=f"level {level.number}",
                )
            )
    return found
