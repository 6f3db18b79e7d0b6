"""Facts projected from form records (interface; see the docstrings). Called inside an open act, never refused."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from trials.domain.facts import (
    ConsentFact,
    DeathFact,
    DemographicsFact,
    DeviationFact,
    DispositionFact,
    InfusionFact,
    LymphodepletionFact,
)
from trials.models import Participant
from trials.records.services.act import Act


def apply_consent(participant: Participant, record_id: uuid.UUID, fact: ConsentFact | None, *, act: Act) -> None:
    """Replace what one consent record states; None when the record was removed."""
    raise NotImplementedError


def apply_demographics(
    participant: Participant, record_id: uuid.UUID, fact: DemographicsFact | None, *, act: Act
) -> None:
    """Replace sex and date of birth."""
    raise NotImplementedError


def apply_condition(participant: Participant, record_id: uuid.UUID, condition: str | None, *, act: Act) -> None:
    """Replace the condition (its code in the study version)."""
    raise NotImplementedError


def apply_lymphodepletion(
    participant: Participant, record_id: uuid.UUID, fact: LymphodepletionFact | None, *, act: Act
) -> None:
    """Judge lymphodepletion against enrolment."""
    raise NotImplementedError


def apply_infusions(participant: Participant, record_id: uuid.UUID, rows: Sequence[InfusionFact], *, act: Act) -> None:
    """Replace the infusions of one record; no rows when it was removed."""
    raise NotImplementedError


def apply_disposition(
    participant: Participant, record_id: uuid.UUID, fact: DispositionFact | None, *, act: Act
) -> None:
    """Replace how the study ended."""
    raise NotImplementedError


def apply_death(participant: Participant, record_id: uuid.UUID, fact: DeathFact | None, *, act: Act) -> None:
    """Replace the day of death."""
    raise NotImplementedError


def apply_deviation(participant: Participant, record_id: uuid.UUID, fact: DeviationFact | None, *, act: Act) -> None:
    """Replace the deviation that one record states."""
    raise NotImplementedError
