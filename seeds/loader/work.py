"""What is known of a study folder while it is being read."""

from __future__ import annotations

from dataclasses import dataclass, field

from capture.definition.sections import FormSection, OutcomesSection
from safety.definition.sections import SafetySection
from seeds.loader.folder import Files
from seeds.loader.problems import Problem
from seeds.loader.reader import Node
from seeds.loader.shaping import Shapes
from trials.definition.sections import DoseSection, EligibilitySection, ScheduleSection, StudySection
from trials.records.domain.expressions import Compiled, Scope


@dataclass(frozen=True, slots=True)
class Place:
    """An expression where it stands: what it must give, and the visits at which it is judged (empty: its form's)."""

    node: Node
    text: str
    scope: Scope
    expects: str | None = "boolean"
    unit: str | None = None
    form: str = ""
    item: str = ""
    visits: tuple[str, ...] = ()


@dataclass(slots=True)
class Work:
    """Files, sections and forms of one study; ``nodes`` and ``form_nodes`` are resolved and keep their places."""

    own: Files
    library: Files
    shapes: Shapes
    library_forms: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    form_nodes: dict[str, Node] = field(default_factory=dict)
    forms: dict[str, FormSection] = field(default_factory=dict)
    study: StudySection | None = None
    schedule: ScheduleSection | None = None
    eligibility: EligibilitySection | None = None
    dose: DoseSection | None = None
    outcomes: OutcomesSection | None = None
    safety: SafetySection | None = None
    visit_codes: dict[str, str] = field(default_factory=dict)
    populations: tuple[str, ...] = ()
    leaves: list[tuple[Node, str, tuple[str, ...]]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    compiled: list[tuple[Place, Compiled]] = field(default_factory=list)

    def translations(self) -> dict[str, dict[str, str]]:
        """Return the labels of each language, the study's own over the library's; only those this study can show."""
        languages = sorted({*self.library.labels, *self.own.labels})
        return {language: self._labels(language) for language in languages}

    def label_keys(self) -> set[str]:
        """Return all keys that a label file may translate."""
        keys = set(self.forms)
        for code, form in self.forms.items():
            keys |= {f"{code}.{name}" for name in (*form.items, *form.groups, *form.checks)}
            for item in form.items.values():
                keys |= {f"{item.code_list}.{each}" for each in item.codes if item.code_list}
        return keys

    def _labels(self, language: str) -> dict[str, str]:
        known = self.label_keys()
        found: dict[str, str] = {}
        for files, strict in ((self.library, False), (self.own, True)):
            node = files.labels.get(language)
            for key, label in {} if node is None else (node.entries or {}).items():
                if key in known:
                    found[key] = label.raw
                elif strict:
                    self.problems.append(label.problem(f'nothing is called "{key}" in this study'))
        return dict(sorted(found.items()))
