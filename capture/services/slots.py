"""Where a form is filled in: a slot names a record that exists, or the place where one may be made."""

from __future__ import annotations

from dataclasses import dataclass

from capture.models import FormRecord
from trials.models import Participant, StudyVersion, Visit


@dataclass(frozen=True, slots=True)
class Slot:
    """A participant's form at a visit, once, or as a new row of a log (``visit`` None).

    ``record`` is None while nothing was saved. The policies read ``study_id`` and ``site_id``.
    """

    participant: Participant
    visit: Visit | None
    form: str
    record: FormRecord | None = None

    @classmethod
    def of(cls, record: FormRecord) -> Slot:
        """Return the slot of a record that exists."""
        return cls(record.participant, record.visit, record.form, record)

    @property
    def key(self) -> str:
        """Name of the slot in drafts: ``record:<id>``, ``visit:<id>:<FORM>`` or ``log:<participant id>:<FORM>``."""
        if self.record is not None:
            return f"record:{self.record.pk}"
        if self.visit is not None:
            return f"visit:{self.visit.pk}:{self.form}"
        return f"log:{self.participant.pk}:{self.form}"

    @property
    def keys(self) -> tuple[str, ...]:
        """All draft names under which this slot may have been kept before its record existed."""
        empty = Slot(self.participant, self.visit, self.form).key
        return (self.key,) if self.record is None else (self.key, empty)

    @property
    def study_id(self) -> object:
        """The study, for the policies."""
        return self.participant.study_id

    @property
    def site_id(self) -> object:
        """The site stamped on the record; before there is one, the participant's present site."""
        return self.record.site_id if self.record is not None else self.participant.site_id

    @property
    def definition(self) -> StudyVersion:
        """The study version that the record, else the visit, else the participant is pinned to."""
        if self.record is not None:
            return self.record.definition
        return self.visit.version if self.visit is not None else self.participant.version
