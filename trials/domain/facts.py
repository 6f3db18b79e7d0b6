"""Facts that form records state about a participant, as the projections hand them over.

Times are local wall time of the site (``YYYY-MM-DDTHH:MM``, or a date where the time is not known). A blank is an empty
text or None: a fact may be recorded before it is complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ConsentFact:
    """A signed consent document."""

    document: str = ""
    signed: str = ""


@dataclass(frozen=True, slots=True)
class DemographicsFact:
    """Sex as coded (F, M) and date of birth, which may be partial (``1980``, ``1980-05``)."""

    sex: str = ""
    birth_date: str = ""


@dataclass(frozen=True, slots=True)
class LymphodepletionFact:
    """First and last day of lymphodepletion."""

    first_on: date | None = None
    last_on: date | None = None


@dataclass(frozen=True, slots=True)
class InfusionFact:
    """One product given: ``row`` is the row's code in its record; cells in 10*6, dose in 10*6 per kg of body weight."""

    row: str
    product: str = ""
    lot: str = ""
    started: str = ""
    ended: str = ""
    cells: Decimal | None = None
    dose: Decimal | None = None
    whole: bool | None = None


@dataclass(frozen=True, slots=True)
class DispositionFact:
    """How the study ended for the participant: ``completed`` as planned or not, with the reason when not."""

    on: date | None = None
    completed: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DeathFact:
    """The day of death."""

    on: date | None = None


@dataclass(frozen=True, slots=True)
class DeviationFact:
    """A deviation that the site recorded: ``kind`` as coded on the form (WINDOW, DOSE, CONSENT, ELIGIBILITY, …)."""

    kind: str
    on: date | None = None
    description: str = ""
    important: bool | None = None
