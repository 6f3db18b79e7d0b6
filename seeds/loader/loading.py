"""A study folder as a whole: read, resolve, check everything, compose the canonical document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from capture.definition.sections import FormSection, OutcomesSection
from safety.definition.sections import SafetySection
from seeds.loader import checks_forms, checks_study, folder, typing
from seeds.loader.dose import dose_document, read_ladders
from seeds.loader.eligibility import EMPTY, EligibilityReader
from seeds.loader.forms import FormReader, merged
from seeds.loader.marks import KINDS, MarkReader
from seeds.loader.outcomes import outcomes_document
from seeds.loader.problems import Problem, in_order
from seeds.loader.reader import Node
from seeds.loader.schedule import ScheduleReader
from seeds.loader.shaping import Shapes
from seeds.loader.units import units_document
from seeds.loader.work import Work
from trials.definition.sections import DoseSection, EligibilitySection, ScheduleSection, StudySection
from trials.records.domain.expressions import UnitTable, nearest

FORMAT = 1
STAND_IN: Mapping[str, Any] = {
    "study": "X",
    "version": Decimal(1),
    "changes": {"1": "?"},
    "title": "?",
    "masking": "none",
    "sites": Decimal(1),
    "cap": None,
    "verify": {"fully": [], "sample": "0 %"},
    "anchor": "first infusion",
}
"""What stands in for a key that nothing else depends on, so that the rest of a file is checked as well."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A folder that was read: its problems, and the canonical document when there are none."""

    folder: str
    problems: tuple[Problem, ...]
    document: dict[str, Any] | None
    expressions: int = 0
    forms: int = 0
    translations: Mapping[str, int] = field(default_factory=dict)


def load_study(path: Path, library: Path | None = None) -> Loaded:
    """Read a study folder and list every problem of it; ``library`` defaults to the one beside ``studies/``."""
    own = folder.read_study(path)
    if not own.root.is_dir():
        return Loaded(own.name, in_order(own.problems), None)
    root = library or folder.library_of(path)
    shapes = Shapes()
    schedule_node = own.sections.get("schedule")
    wanted = _forms_in_use(schedule_node) | set(own.forms)
    work = Work(own, folder.read_library(root, wanted), shapes, folder.form_names(root))
    work.problems += [*own.problems, *work.library.problems]
    work.shapes.broken |= {Path(name).stem for name in own.broken | work.library.broken}
    _read_sections(work, wanted)
    document = _document(work)
    if document is not None:
        _check(work, document)
    problems = in_order([*work.problems, *shapes.problems])
    counted = len(work.places) if document is not None else 0
    return Loaded(own.name, problems, None if problems else document, counted, len(work.forms))


def _forms_in_use(schedule: Node | None) -> set[str]:
    blocks = {} if schedule is None else schedule.mapping("forms")
    return {form for block in blocks.values() for form in block.entries or {}}


def _read_sections(work: Work, wanted: set[str]) -> None:
    """Shape every file; what is missing or unreadable stays None."""
    files, shapes = work.own.sections, work.shapes
    for name, node in files.items():
        work.nodes[name] = without_marks(node)
    if "safety" in work.nodes:
        work.nodes["safety"] = _extended(work, "safety")
    if "study" in files:
        work.study = shapes.shape(StudySection, work.nodes["study"], also=KINDS, stand_in=STAND_IN)
    if "schedule" in files:
        work.schedule = shapes.shape(ScheduleSection, work.nodes["schedule"], also=KINDS, stand_in=STAND_IN)
    if "eligibility" in files:
        work.eligibility = shapes.shape(EligibilitySection, work.nodes["eligibility"], also=KINDS)
    if "dose" in files:
        work.dose = shapes.shape(DoseSection, work.nodes["dose"], also=KINDS)
    if "outcomes" in files:
        work.outcomes = shapes.shape(OutcomesSection, work.nodes["outcomes"], also=KINDS)
    if "safety" in files:
        work.safety = shapes.shape(SafetySection, work.nodes["safety"], also=(*KINDS, "extends", "drop"))
    _read_forms(work, wanted)


def _extended(work: Work, name: str) -> Node:
    """Return the section merged into the library's, with what ``drop`` names left out."""
    node = work.nodes[name]
    extends, base = node.get("extends"), work.library.sections.get(name)
    if extends is None:
        return node
    kept = {key: each for key, each in (node.entries or {}).items() if key not in {"extends", "drop"}}
    own = Node(node.file, node.line, node.path, entries=kept)
    if extends.raw != "library" or base is None:
        work.problems.append(extends.problem(f'"{extends.raw}" cannot be extended', expected="extends: library"))
        return own
    base = without_marks(base)
    reader = FormReader({}, {})
    reader.drop(base, node.get("drop"))
    work.problems += reader.problems
    return merged(base, own)


def _read_forms(work: Work, wanted: set[str]) -> None:
    """Resolve and shape the forms in use."""
    study = work.nodes.get("study")
    products = {} if study is None else {code: each.find("label") for code, each in study.mapping("products").items()}
    conditions = {} if study is None else study.mapping("conditions")
    codelists = work.library.sections.get("codelists")
    lists = {} if codelists is None else codelists.entries or {}
    reader = FormReader(lists, {"products": products, "conditions": conditions})
    for code in sorted(wanted):
        own, library = work.own.forms.get(code), work.library.forms.get(code)
        if own is None and library is None:
            continue
        flat = reader.resolve(own, library if own is None or own.get("extends") is not None else None)
        work.form_nodes[code] = flat
        section = work.shapes.shape(FormSection, flat, also=(*KINDS, "extends", "drop"))
        if section is not None:
            work.forms[code] = section
        else:
            work.shapes.broken.add(code)
    work.problems += reader.problems
    work.shapes.broken |= {key for problem in reader.problems for key in problem.path.split(".")}
    _forms_exist(work)


def _forms_exist(work: Work) -> None:
    """Every scheduled form exists, and every form of the folder is scheduled."""
    schedule = work.nodes.get("schedule")
    known = {*work.form_nodes, *work.library_forms, *work.own.forms}
    unreadable = {Path(name).stem for name in work.own.broken | work.library.broken}
    for population in {} if schedule is None else schedule.mapping("forms"):
        for code, place in (schedule.find("forms", population).entries or {}).items() if schedule else ():
            if code not in work.form_nodes and code not in unreadable:
                near = nearest(code, known)
                expected = "" if near else "a form of this study or of the library"
                work.problems.append(place.problem(f'there is no form "{code}"', near=near, expected=expected))
                work.shapes.broken |= {code, near}
    scheduled = _forms_in_use(schedule)
    for code, node in work.own.forms.items():
        if code not in scheduled and schedule is not None:
            named = node.find("form")
            work.problems.append(
                named.problem(f"form {code} is nowhere in the schedule", expected="a line in schedule.yaml")
            )


def without_marks(node: Node) -> Node:
    """Return the node without its marks, which are read apart."""
    kept = {key: each for key, each in (node.entries or {}).items() if key not in KINDS}
    return Node(node.file, node.line, node.path, entries=kept)


def _document(work: Work) -> dict[str, Any] | None:
    """Return the canonical document as far as the files allow; None while identity or schedule is missing."""
    if work.study is None or work.schedule is None:
        return None
    schedule = ScheduleReader(work.nodes["schedule"], work.schedule)
    work.visit_codes = schedule.codes
    document: dict[str, Any] = {
        "format": FORMAT,
        "study": work.study.model_dump(mode="json"),
        "schedule": schedule.document(),
        "eligibility": EMPTY,
        "dose": {"unit": None},
        "outcomes": {},
        "safety": None,
        "forms": {code: form.model_dump(mode="json", exclude={"form"}) for code, form in work.forms.items()},
        "units": units_document(work),
    }
    work.problems += schedule.problems
    # A line whose visits could not be read says nothing about where its form is captured.
    work.shapes.broken |= {problem.path.rpartition(".")[2] for problem in schedule.problems}
    work.populations = ("everyone", *work.study.conditions, *work.study.arms, *work.study.populations)
    if work.eligibility is not None:
        reader = EligibilityReader(work.nodes["eligibility"], work.eligibility, schedule.codes, work.populations)
        document["eligibility"] = reader.document()
        work.problems += reader.problems
        work.leaves = reader.leaves
    if work.dose is not None:
        ladders, problems = read_ladders(work.nodes["dose"], work.dose, work.study)
        document["dose"] = dose_document(work.dose, ladders)
        work.problems += problems
    if work.safety is not None:
        document["safety"] = work.safety.model_dump(mode="json")
    if work.outcomes is not None:
        document["outcomes"] = outcomes_document(work, schedule)
    document["labels"] = work.translations()
    document["marks"] = _marks(work)
    return document


def _marks(work: Work) -> list[dict[str, Any]]:
    reader = MarkReader()
    for name, node in work.own.sections.items():
        if name != "conduct":
            library = work.library.sections.get(name) if node.get("extends") is not None else None
            reader.read(name, work.nodes[name], node, library)
    for code, flat in work.form_nodes.items():
        own, library = work.own.forms.get(code), work.library.forms.get(code)
        inherited = library if own is not None and own.get("extends") is not None else None
        reader.read(f"forms.{code}", flat, own or library, inherited)
    work.problems += reader.problems
    return reader.marks


def _check(work: Work, document: dict[str, Any]) -> None:
    """Everything that needs the whole: types of expressions, then consistency."""
    checks_forms.check_items(work, UnitTable(document["units"]))
    typing.type_all(work, document)
    checks_study.check(work, document)
    checks_forms.check(work, document)
