from __future__ import annotations

import pytest

from trials.domain.roles import CLINICAL_WRITES, MATRIX, OWN_SITE_SUFFICES, STUDY_WIDE, Permission, Role, allows


def test_every_role_stands_in_the_matrix() -> None:
    assert set(MATRIX) == set(Role)


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.COORDINATOR, Role.INVESTIGATOR}])
def test_only_site_staff_hold_clinical_writes(role: Role) -> None:
    assert not MATRIX[role] & CLINICAL_WRITES


def test_the_investigator_is_the_only_one_who_signs() -> None:
    assert [role for role in Role if allows(role, Permission.SIGN_RECORD)] == [Role.INVESTIGATOR]


def test_the_administrator_reads_and_writes_nothing_clinical() -> None:
    assert MATRIX[Role.ADMINISTRATOR] == {Permission.VIEW_STUDY, Permission.MANAGE_USERS, Permission.PUBLISH_STUDY}


def test_the_statistician_only_reads_and_exports() -> None:
    reads = {permission for permission in Permission if permission.value.startswith("view")} - {Permission.VIEW_AUDIT}
    assert MATRIX[Role.STATISTICIAN] == reads | {Permission.EXPORT_DATA, Permission.USE_API}


def test_only_the_administrator_manages_users() -> None:
    assert [role for role in Role if allows(role, Permission.MANAGE_USERS)] == [Role.ADMINISTRATOR]


def test_whoever_answers_queries_neither_opens_nor_closes_them() -> None:
    for role in Role:
        if allows(role, Permission.ANSWER_QUERY):
            assert not allows(role, Permission.OPEN_QUERY)
            assert not allows(role, Permission.CLOSE_QUERY)


def test_no_permission_is_both_study_wide_and_satisfied_by_one_site() -> None:
    assert not STUDY_WIDE & OWN_SITE_SUFFICES
