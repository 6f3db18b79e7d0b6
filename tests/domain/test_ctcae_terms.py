"""The CTCAE v5.0 catalogue: counts of the source, grades that exist, haematological terms, near names."""

from __future__ import annotations

from collections import Counter

import pytest

from safety.terms.ctcae import (
    BLOOD_COUNTS,
    catalogue,
    find_term,
    is_haematological,
    organ_classes,
    parse_grades,
    suggest_terms,
)

PER_CLASS = {
    "Blood": 12,
    "Cardiac": 34,
    "Congenital": 1,
    "Ear": 8,
    "Endocrine": 14,
    "Eye": 26,
    "Gastrointestinal": 122,
    "General": 25,
    "Hepatobiliary": 18,
    "Immune": 6,
    "Infections": 88,
    "Injury": 79,
    "Investigations": 42,
    "Metabolism": 26,
    "Musculoskeletal": 44,
    "Neoplasms": 7,
    "Nervous": 68,
    "Pregnancy": 4,
    "Psychiatric": 21,
    "Renal": 23,
    "Reproductive": 49,
    "Respiratory": 62,
    "Skin": 39,
    "Social": 1,
    "Surgical": 1,
    "Vascular": 17,
}


def test_the_catalogue_holds_837_terms_in_26_organ_classes() -> None:
    assert (len(catalogue()), len(organ_classes())) == (837, 26)


def test_every_organ_class_holds_as_many_terms_as_its_source() -> None:
    counts = Counter(term.organ_class.replace(",", " ").split()[0] for term in catalogue().values())
    assert dict(counts) == PER_CLASS


def test_grades_that_do_not_exist_are_left_out_1000_of_them() -> None:
    assert sum(5 - len(term.grades) for term in catalogue().values()) == 1000
    assert all(term.grades == tuple(sorted(set(term.grades))) != () for term in catalogue().values())


@pytest.mark.parametrize(
    ("name", "grades"),
    [
        ("Anemia", (1, 2, 3, 4, 5)),
        ("Platelet count decreased", (1, 2, 3, 4)),
        ("Febrile neutropenia", (3, 4, 5)),
        ("Lymphocyte count increased", (2, 3)),
        ("Alopecia", (1, 2)),
        ("Disseminated intravascular coagulation", (2, 3, 4, 5)),
        ("Cytokine release syndrome", (1, 2, 3, 4, 5)),
        ("Hypermagnesemia", (1, 3, 4, 5)),
    ],
)
def test_the_grades_of_known_terms(name: str, grades: tuple[int, ...]) -> None:
    term = find_term(name)
    assert term is not None
    assert term.grades == grades


def test_grades_with_a_gap_are_read() -> None:
    assert (parse_grades("5"), parse_grades("1 4-5"), parse_grades("1-3 5")) == ((5,), (1, 4, 5), (1, 2, 3, 5))


def test_haematological_are_the_blood_class_and_the_blood_counts_alone() -> None:
    found = [term.name for term in catalogue().values() if term.haematological]
    assert len(found) == 12 + 7
    assert set(found) >= BLOOD_COUNTS
    assert {term.organ_class for term in catalogue().values() if term.name in BLOOD_COUNTS} == {"Investigations"}
    assert is_haematological("Fibrinogen decreased") is False
    assert is_haematological("No such term") is None


def test_near_names_are_suggested() -> None:
    assert "Neutrophil count decreased" in suggest_terms("neutrophil")
    assert suggest_terms("Anaemia", 1) == ("Anemia",)
    assert suggest_terms("count decreased lymphocyte") == ("Lymphocyte count decreased",)
    assert suggest_terms("  ") == ()
