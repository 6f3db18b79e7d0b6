"""The files of a study folder and of the library, found and read. A file of another name is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from seeds.loader.problems import Problem
from seeds.loader.reader import Node, read_text
from trials.records.domain.expressions import nearest

LIBRARY = Path(__file__).resolve().parent.parent / "library"
REQUIRED = ("study", "schedule", "eligibility", "dose", "outcomes", "safety")
OPTIONAL = ("conduct",)
NAME = re.compile(r"[A-Z][A-Z0-9]{0,7}")
LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")


@dataclass(slots=True)
class Files:
    """One folder's files: ``sections`` by name, ``forms`` by code, ``labels`` by language; ``broken``: unreadable."""

    name: str
    root: Path
    sections: dict[str, Node] = field(default_factory=dict)
    forms: dict[str, Node] = field(default_factory=dict)
    labels: dict[str, Node] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def read(self, relative: str) -> Node | None:
        """Read one file below the root; a file that cannot be read leaves a problem and is remembered as broken."""
        shown = f"{self.name}/{relative}"
        try:
            text = (self.root / relative).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            self.problems.append(Problem(shown, 1, "", "not readable as text", "UTF-8"))
            self.broken.add(relative)
            return None
        node, problems = read_text(text, shown)
        self.problems.extend(problems)
        if node is None:
            self.broken.add(relative)
        return node


def library_of(folder: Path) -> Path:
    """Return the library beside ``studies/`` when the folder has one, else the library that comes with the system."""
    beside = folder.resolve().parent.parent / "library"
    return beside if (beside / "units.yaml").is_file() else LIBRARY


def read_study(folder: Path) -> Files:
    """Read all files of a study folder."""
    files = Files(folder.name, folder)
    if not folder.is_dir():
        files.problems.append(Problem(str(folder), 1, "", "there is no such folder", "the folder of one study"))
        return files
    allowed = {f"{name}.yaml" for name in (*REQUIRED, *OPTIONAL)}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if path.is_file() and not _known(relative, allowed):
            name = relative.rpartition("/")[2]
            near = nearest(name, allowed) if "/" not in relative else ""
            expected = "study files, forms/FORM.yaml or labels/LANGUAGE.yaml"
            files.problems.append(
                Problem(f"{files.name}/{relative}", 1, "", "a file of this name is not read", expected, near)
            )
    for name in (*REQUIRED, *OPTIONAL):
        _section(files, name, required=name in REQUIRED)
    for path in sorted(folder.glob("forms/*.yaml")):
        _form(files, path.stem)
    _labels(files)
    return files


def read_library(root: Path, forms: set[str]) -> Files:
    """Read the library's shared files and those of its forms that a study uses."""
    files = Files("library", root)
    for name in ("units", "codelists", "safety"):
        _section(files, name, required=True)
    for code in sorted(forms):
        if (root / "forms" / f"{code}.yaml").is_file():
            _form(files, code)
    _labels(files)
    return files


def form_names(root: Path) -> tuple[str, ...]:
    """Return the codes of all forms of a folder."""
    return tuple(path.stem for path in sorted(root.glob("forms/*.yaml")))


def _known(relative: str, allowed: set[str]) -> bool:
    if relative in allowed:
        return True
    folder, _, name = relative.rpartition("/")
    stem = name.removesuffix(".yaml")
    if folder == "forms" and name.endswith(".yaml"):
        return True
    return folder == "labels" and name.endswith(".yaml") and LANGUAGE.fullmatch(stem) is not None


def _section(files: Files, name: str, *, required: bool) -> None:
    relative = f"{name}.yaml"
    if not (files.root / relative).is_file():
        if required:
            files.problems.append(Problem(f"{files.name}/{relative}", 1, "", "the file is missing"))
            files.broken.add(relative)
        return
    node = files.read(relative)
    if node is not None:
        files.sections[name] = node


def _form(files: Files, code: str) -> None:
    node = files.read(f"forms/{code}.yaml")
    if node is None:
        return
    named = node.get("form")
    if named is None or (named.raw != code and NAME.fullmatch(named.raw)):
        place = named or node
        found = f'the form is called "{named.raw}"' if named is not None else "form is missing"
        files.problems.append(Problem(place.file, place.line, "form", found, f"{code}, the name of the file"))
    files.forms[code] = node


def _labels(files: Files) -> None:
    for path in sorted(files.root.glob("labels/*.yaml")):
        node = files.read(f"labels/{path.name}")
        if node is not None:
            files.labels[path.stem] = node
