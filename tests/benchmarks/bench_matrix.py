"""B-matrix: the casebook of a study, against EAV read cell by cell."""

from __future__ import annotations

from datetime import timedelta

from capture.models import FormRecord
from capture.selectors.casebook import read_casebook
from tests.benchmarks.eav.models import EavForm, EavItem, EavValue
from tests.benchmarks.harness import Result, compare, count, require_equal
from tests.benchmarks.worlds import fresh_actor, participants_at, publish, site_with_people
from trials.models import Participant, Site, Study, User, Visit
from trials.records.services import clock

PARTICIPANTS, VISITS, FORMS, ITEMS, ROUNDS, MOST_STATEMENTS = 30, 12, 6, 30, 7, 3
Matrix = dict[tuple[str, str], str]
"""Participant's number and visit's code to "forms done/forms expected" of a visit that took place."""


class MatrixWorld:
    """30 participants x 12 visits x 6 forms of 30 items, two of three visits held, each sixth form not complete."""

    def __init__(self) -> None:
        items = {f"N{n}": {"label": f"Item {n}", "type": "number"} for n in range(ITEMS)}
        self.forms = tuple(f"F{n}" for n in range(FORMS))
        forms = {code: {"label": code, "items": items} for code in self.forms}
        version = publish("BMATRIX", forms, visits=VISITS)
        self.site: Site
        self.user: User
        self.site, self.user = site_with_people(version, "bench-matrix")
        self.study: Study = version.study
        participants_at(self.site, PARTICIPANTS)
        self._fill()

    def _fill(self) -> None:
        now = clock.now()
        known = {code: self._items(code) for code in self.forms}
        visits = [visit for visit in Visit.objects.filter(study=self.study).order_by("pk") if visit.ordinal % 3]
        for number, visit in enumerate(visits):
            visit.actual = now.date() - timedelta(days=number % 5)
            for place, code in enumerate(self.forms):
                self._record(visit, code, known[code], complete=(number + place) % 6 != 0)
        Visit.objects.bulk_update(visits, ["actual"])

    def _items(self, code: str) -> list[EavItem]:
        rows = [EavItem(form_code=code, name=f"N{n}", low=0, high=0) for n in range(ITEMS)]
        return EavItem.objects.bulk_create(rows)

    def _record(self, visit: Visit, code: str, items: list[EavItem], *, complete: bool) -> None:
        """Put the same form into both designs, past the services: what is measured here only reads."""
        now, given = clock.now(), items if complete else items[: ITEMS // 2]
        state = FormRecord.State.COMPLETE if complete else FormRecord.State.IN_PROGRESS
        FormRecord.objects.create(
            study_id=visit.study_id,
            site_id=visit.site_id,
            participant_id=visit.participant_id,
            visit=visit,
            definition_id=visit.version_id,
            form=code,
            state=state,
            data={item.name: {"v": "1.5"} for item in given},
            required=ITEMS,
            answered=len(given),
            created_at=now,
            changed_at=now,
        )
        form = EavForm.objects.create(site=visit.site_id, participant=visit.participant_id, visit=visit.pk, code=code)
        EavValue.objects.bulk_create(EavValue(form=form, item=item, value="1.5") for item in given)

    def ours(self) -> Matrix:
        """Read the casebook as its page does, with the state of every cell."""
        book = read_casebook(self.study, actor=fresh_actor(self.user))
        found: Matrix = {}
        for row in book.rows:
            for code, visit in row.visits.items():
                if visit.cell.state in {"in_progress", "complete", "out_of_window"}:
                    found[row.number, code] = visit.cell.small if visit.cell.state == "in_progress" else "6/6"
        return found

    def naive(self) -> Matrix:
        """Ask for the visits of each participant, the forms of each visit, the number of values of each form."""
        found: Matrix = {}
        for participant in Participant.objects.filter(study=self.study):
            for visit in Visit.objects.filter(participant=participant):
                forms = {form.code: form for form in EavForm.objects.filter(visit=visit.pk)}
                done = sum(
                    EavValue.objects.filter(form=forms[code]).count() == ITEMS for code in self.forms if code in forms
                )
                if visit.actual is not None:
                    found[participant.number, visit.code] = f"{done}/{FORMS}"
        return found


def run(*, full: bool) -> list[Result]:
    """Compare whole matrices; ``full`` changes nothing."""
    del full
    world = MatrixWorld()
    require_equal("matrix", world.ours(), world.naive())
    actor = fresh_actor(world.user)
    read_casebook(world.study, actor=actor)
    counted = [
        count("statements, ours (memberships known)", lambda: read_casebook(world.study, actor=actor), MOST_STATEMENTS),
        count("statements, ours, a request's first", world.ours, MOST_STATEMENTS + 1),
        count("statements, EAV cell by cell", world.naive, None),
    ]
    arms = {"ours": lambda _: world.ours(), "EAV cell by cell / ours": lambda _: world.naive()}
    return [*counted, *compare(arms, against={"EAV cell by cell / ours": 20}, rounds=ROUNDS, unit="matrix")]
