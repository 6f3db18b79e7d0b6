from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.admin.policy import FILE
from trials.management.commands.write_permissions import PAGE, permissions_page


def test_the_page_of_permissions_is_what_the_matrix_and_the_policy_say() -> None:
    expected = permissions_page(tomllib.loads(FILE.read_text()))
    stale = (Path(settings.BASE_DIR) / PAGE).read_text() != expected
    assert not stale, "docs/permissions.md is stale; run manage.py write_permissions"


def test_the_check_fails_on_a_stale_page_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "tests/admin").mkdir(parents=True)
    (tmp_path / "tests/admin/url_policy.toml").write_text(FILE.read_text())
    (tmp_path / PAGE).write_text("old")
    with override_settings(BASE_DIR=tmp_path):
        with pytest.raises(CommandError):
            call_command("write_permissions", "--check")
        assert (tmp_path / PAGE).read_text() == "old"
        call_command("write_permissions")
        call_command("write_permissions", "--check")
