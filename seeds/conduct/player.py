"""Plays lives through the services, day by day: whatever a page could refuse is refused here too."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random  # noqa: TID251 - seeds is where randomness is made

from capture.definition.compiled import FormSet, form_set
from capture.domain.null_flavours import NullFlavour
from capture.models import FormRecord
from capture.services.changes import Change
from capture.services.checking import check_items
from capture.services.completion import complete_record, declare_log_empty
from capture.services.data_entry import save_items
from capture.services.slots import Slot
from seeds.conduct.lives import Life
from seeds.conduct.values import form_values
from trials.definition.compiled import TrialDefinition, trial_definition
from trials.models import DoseLevel, Participant, Site, Study, StudyVersion, Visit
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError
from trials.services.anchoring import plan_infusion
from trials.services.dosing import assign_dose
from trials.services.participants import fail_screening, register_participant, withdraw_participant
from trials.services.study_clock import advance_clock
from trials.services.visits import start_visit

MORNING = time(1, 0, tzinfo=UTC)
"""The instant of each simulated day at which things happen: 09:00 in Shanghai."""

Deed = Callable[[], None]


@dataclass(slots=True)
class Played:
    """What was done, and what the services refused (a simulation's own mistakes, to be looked at)."""

    participants: int = 0
    forms: int = 0
    left_open: int = 0
    refused: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Player:
    """Plays the lives of one study; ``site_of`` says which site and which coordinator a participant belongs to."""

    study: Study
    version: StudyVersion
    sites: tuple[tuple[Site, Actor], ...]
    system: Actor
    source: Random
    until: date
    played: Played = field(default_factory=Played)
    forms: FormSet = field(init=False)
    trial: TrialDefinition = field(init=False)

    def __post_init__(self) -> None:
        self.forms = form_set(self.version)
        self.trial = trial_definition(self.version)

    def play(self, lives: tuple[Life, ...], *, each_day: Callable[[date], None] = lambda _day: None) -> Played:
        """Play all lives in the order of their days, then let the clock stand on the last one."""
        agenda: list[tuple[date, int, Deed]] = []
        for life in lives:
            for day, deed in self._deeds(life):
                heapq.heappush(agenda, (day, len(agenda), deed))
        present: date | None = None
        while agenda:
            day, _order, deed = heapq.heappop(agenda)
            if day > self.until:
                break
            if day != present:
                present = day
                self._go_to(day)
                each_day(day)
            try:
                deed()
            except DomainError as error:
                self.played.refused.append(f"{day}: {error}")
        self._go_to(self.until)
        return self.played

    def _go_to(self, day: date) -> None:
        instant = datetime.combine(day, MORNING)
        if self.study.clock is None or instant > self.study.clock:
            advance_clock(self.study, to=instant, actor=self.system)

    def _deeds(self, life: Life) -> Iterator[tuple[date, Deed]]:
        site, actor = self.sites[life.number % len(self.sites)]
        course = Course(self, life, site, actor)
        yield life.screened_on, course.register
        for code, day in life.visits:
            yield day, lambda code=code, day=day: course.visit(code, day)  # type: ignore[misc]
        if life.scene not in {"failed", "screening"}:
            yield life.screened_on + timedelta(days=3), course.enrol
        if life.infused_on is not None:
            yield from self._log_deeds(life, course)
        if life.ends_on is not None:
            yield life.ends_on, course.end

    def _log_deeds(self, life: Life, course: Course) -> Iterator[tuple[date, Deed]]:
        begin = life.infused_on or life.screened_on
        for finding in life.crs:
            day = begin + timedelta(days=finding.day)
            values = {"AT": f"{day.isoformat()} 08:00", **finding.values}
            yield day, lambda values=values: course.row("CRS", values)  # type: ignore[misc]
        for offset, score in life.icans:
            day = begin + timedelta(days=offset)
            yield day, lambda values=_ice(day, score): course.row("ICANS", values)  # type: ignore[misc]
        for event in life.events:
            day = begin + timedelta(days=event.day)
            ended = None if event.length is None else day + timedelta(days=event.length)
            seen = ended if ended is not None and ended <= self.until else None
            values = {
                "TERM": event.term,
                "CTCAE": event.term,
                "START": day.isoformat(),
                "ONGOING": "Y" if seen is None else "N",
                "OUTCOME": "NOT" if seen is None else "RECOVERED",
                "GRADES.1.GRADE": str(event.grade),
                "GRADES.1.FROM": day.isoformat(),
                "CART": event.cart,
                "LYMPHODEPLETION": "UNLIKELY",
                "DISEASE": "UNRELATED",
                "OTHER": "UNRELATED",
            }
            if seen is not None:
                values["END"] = seen.isoformat()
            if event.grade >= 3:
                values["SERIOUS"] = "HOSPITAL"
            yield seen or day, lambda values=values: course.row("AE", values)  # type: ignore[misc]
        yield begin + timedelta(days=14), lambda: course.empty("MH")


def _ice(day: date, score: int) -> dict[str, str]:
    """Return an ICANS assessment with this ICE score: the items that are lost are lost from the end."""
    items = ("YEAR", "MONTH", "CITY", "HOSPITAL", "COMMAND", "SENTENCE", "COUNTS", "OBJECT_1", "OBJECT_2", "OBJECT_3")
    values = {
        "AT": f"{day.isoformat()} 08:00",
        "ICE_DONE": "Y",
        "CONSCIOUSNESS": "ALERT" if score > 2 else "VOICE",
        "CONSCIOUSNESS_OTHER": "N",
        "SEIZURE": "NONE",
        "MOTOR": "N",
        "OEDEMA": "NONE",
        "DIED": "N",
    }
    return values | {item: "Y" if position < score else "N" for position, item in enumerate(items)}


@dataclass(slots=True)
class Course:
    """One participant in play."""

    player: Player
    life: Life
    site: Site
    actor: Actor
    participant: Participant | None = None

    def register(self) -> None:
        self.participant = register_participant(self.site, actor=self.actor)
        self.player.played.participants += 1
        if self.life.planned_on is not None:
            plan_infusion(self._fresh(), on=self.life.planned_on, actor=self.actor)

    def enrol(self) -> None:
        level = DoseLevel.objects.select_related("arm").filter(
            study=self.player.study, arm__code=self.life.arm, state=DoseLevel.State.OPEN
        )
        first = level.order_by("number").first()
        if first is not None:
            assign_dose(self._fresh(), arm=first.arm, dose_level=first, actor=self.actor)

    def end(self) -> None:
        if self.life.scene == "failed":
            fail_screening(self._fresh(), reason="Platelets below the limit of the protocol.", actor=self.actor)
        elif self.life.scene == "completed":
            self.visit("EOS", self.life.ends_on or self.player.until)
        else:
            withdraw_participant(self._fresh(), reason="Moved abroad and withdrew consent.", actor=self.actor)

    def visit(self, code: str, day: date) -> None:
        """Start a visit and fill its forms; the last visits of some are left in progress."""
        rows = Visit.objects.select_related("version", "study", "site", "participant").defer("version__document")
        visit = start_visit(rows.get(participant=self.participant, code=code, repeat=0), on=day, actor=self.actor)
        participant = self._fresh()
        expected = self.player.forms.expected_forms(code, participant.populations)
        codes = [each.code for each in expected if each.required]
        unfinished = self.life.scene == "screening" or (self.player.until - day).days < 2
        for position, form in enumerate(codes):
            if unfinished and position >= max(2, len(codes) // 2):
                self.fill(Slot(participant, visit, form), day, complete=False)
                break
            self.fill(Slot(participant, visit, form), day)
            if self.player.forms.forms[form].binds:
                participant = self._fresh()  # what others see of him is different now

    def row(self, form: str, values: dict[str, str]) -> None:
        if form in self.player.forms.forms:
            self.save(Slot(self._fresh(), None, form), dict(values))

    def empty(self, form: str) -> None:
        if form in self.player.forms.forms:
            declare_log_empty(self._fresh(), form, actor=self.actor)

    def fill(self, slot: Slot, day: date, *, complete: bool = True) -> None:
        """Fill one form of a visit with plausible values; what the scene leaves out becomes a reason for a blank."""
        form = self.player.forms.forms[slot.form]
        values: dict[str, Change] = dict(form_values(form, self.life, day, self.player.source))
        if form.binds == "infusion":
            values = {**values, **self._infusion(slot.participant, day)}
        for name in form.items:
            if f"{form.code}.{name}" in self.life.gaps and "ND" in form.items[name].nulls:
                values[name] = NullFlavour("ND", "sample haemolysed")
        if (
            form.code == "VS"
            and self.life.scene == "late_visit"
            and slot.visit is not None
            and slot.visit.code == "D28"
        ):
            values["WEIGHT"] = str(round(self.life.weight * 1.14))
        self.save(slot, values, complete=complete)

    def _infusion(self, participant: Participant, day: date) -> dict[str, Change]:
        """Return one row per product of the arm, at the assigned dose."""
        level = participant.dose_level
        products = self.player.trial.arms[self.life.arm].products
        values: dict[str, Change] = {}
        for row, product in enumerate(products, start=1):
            amount = float((level.amounts if level else {}).get(product, "1"))
            values |= {
                f"INFUSIONS.{row}.PRODUCT": product,
                f"INFUSIONS.{row}.LOT": f"L-26{self.life.number:02d}{row}",
                f"INFUSIONS.{row}.IDENTITY": "Y",
                f"INFUSIONS.{row}.START": f"{day.isoformat()} {9 + row:02d}:00",
                f"INFUSIONS.{row}.END": f"{day.isoformat()} {9 + row:02d}:25",
                f"INFUSIONS.{row}.CELLS": f"{amount * self.life.weight:.1f}",
                f"INFUSIONS.{row}.COMPLETE": "Y",
            }
        return values

    def save(self, slot: Slot, values: dict[str, Change], *, complete: bool = True) -> None:
        """Save what the form shows of the values, and complete the form where nothing is in the way."""
        shown = self._shown(slot, values)
        result = save_items(slot, shown, actor=self.actor, expected_version=0)
        self.player.played.forms += 1
        record: FormRecord = result.record
        if not complete:
            return
        try:
            complete_record(record, actor=self.actor, expected_version=record.version)
        except DomainError:
            self.player.played.left_open += 1

    def _shown(self, slot: Slot, values: dict[str, Change]) -> dict[str, Change]:
        """Leave out items that the form does not show with these values; two rounds settle what depends on what."""
        kept = dict(values)
        for _round in range(3):
            preview = check_items(slot, kept, actor=self.actor)
            hidden = [path for path in kept if not preview.shown.get(path, True)]
            if not hidden:
                break
            for path in hidden:
                del kept[path]
        return kept

    def _fresh(self) -> Participant:
        """Return the participant as the last act left it."""
        known = self.participant
        if known is None:
            raise LookupError(f"participant {self.life.number} was not registered")
        rows = Participant.objects.select_related("study", "site", "version", "arm", "dose_level")
        return rows.defer("version__document").get(pk=known.pk)
