"""The terms of CTCAE v5.0: name, system organ class and which grades exist.

Source: Common Terminology Criteria for Adverse Events (CTCAE) v5.0, U.S. National Cancer Institute, 27 November 2017.
Only facts are carried over: neither the descriptions of grades nor MedDRA codes (which are licensed) are in the file.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from pathlib import Path
from typing import Final

VERSION: Final = "CTCAE 5.0"
_FILE: Final = Path(__file__).with_name("ctcae_v5.csv")

BLOOD_CLASS: Final = "Blood and lymphatic system disorders"
BLOOD_COUNTS: Final = frozenset(
    {
        "CD4 lymphocytes decreased",
        "Hemoglobin increased",
        "Lymphocyte count decreased",
        "Lymphocyte count increased",
        "Neutrophil count decreased",
        "Platelet count decreased",
        "White blood cell decreased",
    }
)
"""Terms of the class Investigations that count blood cells; the class of the others says what they are [R]."""


@dataclass(frozen=True, slots=True)
class Term:
    """One CTCAE term. ``grades``: the grades that exist, rising; only these may be offered or recorded."""

    name: str
    organ_class: str
    grades: tuple[int, ...]

    @property
    def haematological(self) -> bool:
        """True for the whole class of blood disorders and for the blood counts among the investigations [R]."""
        return self.organ_class == BLOOD_CLASS or self.name in BLOOD_COUNTS


def parse_grades(text: str) -> tuple[int, ...]:
    """Read the grades of a term.

    >>> parse_grades("1 3-5")
    (1, 3, 4, 5)
    """
    found: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return tuple(found)


@cache
def catalogue() -> Mapping[str, Term]:
    """All 837 terms by name, in the order of the source (by organ class)."""
    with _FILE.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(line for line in lines if not line.startswith("#"))
        return {row["term"]: Term(row["term"], row["soc"], parse_grades(row["grades"])) for row in rows}


@cache
def _by_folded_name() -> Mapping[str, str]:
    return {name.casefold(): name for name in catalogue()}


def find_term(name: str) -> Term | None:
    """The term of this name, in whatever case; None when there is none.

    >>> find_term("febrile NEUTROPENIA").grades
    (3, 4, 5)
    """
    known = _by_folded_name().get(name.strip().casefold())
    return catalogue()[known] if known else None


def suggest_terms(text: str, limit: int = 5) -> tuple[str, ...]:
    """Names near to what was typed: those that contain every word first, then those that are spelt alike.

    >>> suggest_terms("platelet")
    ('Platelet count decreased',)
    >>> suggest_terms("Nausae", 1)
    ('Nausea',)
    """
    folded = text.strip().casefold()
    words = folded.split()
    if not words:
        return ()
    holding = [name for key, name in _by_folded_name().items() if all(word in key for word in words)]
    holding.sort(key=lambda name: -SequenceMatcher(None, folded, name.casefold()).ratio())
    alike = [_by_folded_name()[key] for key in get_close_matches(folded, _by_folded_name(), n=limit, cutoff=0.7)]
    return tuple(dict.fromkeys([*holding, *(name for name in alike if not holding)]))[:limit]


def is_haematological(term: str | None) -> bool | None:
    """Whether a term is haematological; None without a term or for one that is not of the catalogue.

    >>> is_haematological("Platelet count decreased"), is_haematological("Fatigue"), is_haematological(None)
    (True, False, None)
    """
    found = find_term(term) if term else None
    return None if found is None else found.haematological


def organ_classes() -> tuple[str, ...]:
    """The 26 system organ classes in the order of the source."""
    return tuple(dict.fromkeys(term.organ_class for term in catalogue().values()))
