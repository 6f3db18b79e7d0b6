"""The real tree, read once: every module of the house with its text and its syntax tree."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("trials", "capture", "safety", "seeds", "config")


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root, its text, its tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The folder at the top."""
        return self.path.partition("/")[0]


def _read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text))


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    """Return every module of the rooms, migrations excepted."""
    found = [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts]
    assert len(found) > 100
    return [_read(path) for path in sorted(found)]


@pytest.fixture(scope="session")
def tests_read() -> list[Source]:
    """Return every module of the tests."""
    return [_read(path) for path in sorted((ROOT / "tests").rglob("*.py"))]


@pytest.fixture(scope="session")
def kept_files() -> list[Path]:
    """Return every file that the repository keeps or would keep."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
        return [ROOT / name for name in names if (ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and not _is_left_out(path.relative_to(ROOT).parts)]


def _is_left_out(parts: tuple[str, ...]) -> bool:
    """Return whether a file of an unpacked tree, without its history, lies where nothing is kept."""
    made = {"var", "staticfiles", "__pycache__"}
    return bool(made & set(parts)) or any(part.startswith(".") and part != ".ci" for part in parts[:-1])
