"""Visits with their days, sets and epochs as lists of visits, and the schedule of assessments line by line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from seeds.loader.problems import Problem
from seeds.loader.reader import Node
from trials.definition.sections import ANY_TIME, ScheduleSection, VisitSection
from trials.records.domain.expressions import nearest

SPAN_OF_VISITS = re.compile(r"(?P<first>[A-Z][A-Z0-9-]*)\.\.(?P<last>[A-Z][A-Z0-9-]*)")


@dataclass(slots=True)
class ScheduleReader:
    """Resolves the schedule against its own visits; ``node`` is the file, ``section`` its shape."""

    node: Node
    section: ScheduleSection
    problems: list[Problem] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)
    sets: dict[str, list[str]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the schedule in canonical shape."""
        visits = [self.visit(number, code) for number, code in enumerate(self.section.visits, start=1)]
        self.name_visits(visits)
        for name in self.section.sets:
            self.sets[name] = self.visits_of(self.node.find("sets", name), self.section.sets[name], name)
        epochs = {
            name: self.visits_of(self.node.find("epochs", name), given, "")
            for name, given in self.section.epochs.items()
        }
        return {
            "anchor": self.section.anchor,
            "months": dict(self.section.months),
            "visits": visits,
            "epochs": epochs,
            "sets": self.sets,
            "forms": self.slots(),
        }

    def name_visits(self, visits: list[dict[str, Any]]) -> None:
        """Keep which code each name means; a name that stands for two visits is a problem."""
        for visit in visits:
            for name in filter(None, (visit["code"], visit["alias"])):
                if name in self.codes:
                    place = self.node.find("visits", visit["code"], "alias")
                    self.problems.append(place.problem(f'"{name}" is the name of two visits', expected="one name each"))
                self.codes[name] = visit["code"]

    def visit(self, ordinal: int, code: str) -> dict[str, Any]:
        """Return one visit with its days counted from its anchor."""
        section = self.section.visits[code]
        target, opens, closes = self.days(code, section)
        kind = "scheduled"
        if section.when is not None:
            kind = "unscheduled" if section.when == ANY_TIME else "end"
        return {
            "code": code,
            "label": section.label or default_label(code),
            "ordinal": ordinal,
            "kind": kind,
            "anchor": section.anchor or self.section.anchor,
            "target": target,
            "opens": opens,
            "closes": closes,
            "alias": section.alias or "",
            "month": section.month,
        }

    def days(self, code: str, visit: VisitSection) -> tuple[int | None, int | None, int | None]:
        """Return target, first and last day."""
        if visit.when is not None:
            return None, None, None
        if visit.days is not None:
            return None, int(visit.days.low or 0), int(visit.days.high or 0)
        target = visit.day
        if visit.month is not None:
            table = self.section.months
            if str(visit.month) not in table:
                place = self.node.find("visits", code, "month")
                expected = f"one of {', '.join(table) or 'the months of the table'}"
                self.problems.append(
                    place.problem(f"month {visit.month} is not in the table months", expected=expected)
                )
                return None, None, None
            target = table[str(visit.month)]
        assert target is not None
        window = visit.window
        low, high = (window.low, window.high) if window is not None else (Decimal(0), Decimal(0))
        return target, target + int(low or 0), target + int(high or 0)

    def visits_of(self, place: Node, given: list[str], own: str) -> list[str]:
        """Return the codes that names, sets, ranges and lists of these mean, in schedule order."""
        wanted: set[str] = set()
        for index, name in enumerate(given):
            part = place.find(index) if place.parts is not None else place
            found = self.visit_codes(name, own)
            if found is None:
                known = [each for each in (*self.codes, *self.section.sets) if each != own]
                near = nearest(name, known)
                # The path is that of the line: a part of a list has no name of its own.
                self.problems.append(
                    Problem(part.file, part.line, place.path, f'"{name}" is neither a visit nor a set', near=near)
                )
            wanted |= set(found or ())
        return [code for code in self.section.visits if code in wanted]

    def visit_codes(self, name: str, own: str = "") -> list[str] | None:
        """Return the codes that one name means; None when it means nothing."""
        if name in self.codes:
            return [self.codes[name]]
        if name in self.sets and name != own:
            return self.sets[name]
        span = SPAN_OF_VISITS.fullmatch(name)
        if span is None or span["first"] not in self.codes or span["last"] not in self.codes:
            return None
        order = list(self.section.visits)
        first, last = order.index(self.codes[span["first"]]), order.index(self.codes[span["last"]])
        return order[first : last + 1] or None

    def slots(self) -> list[dict[str, Any]]:
        """Return one line for each population and form."""
        lines = []
        for population, forms in self.section.forms.items():
            for form, places in forms.items():
                place = self.node.find("forms", population, form)
                kind = places.at[0] if places.at in (["log"], ["once"]) else "visit"
                at = place.get("at") or place
                visits = [] if kind != "visit" else self.visits_of(at, places.at, "")
                line = {"population": population, "form": form, "kind": kind}
                lines.append({**line, "visits": visits, "required": places.required})
                if places.offered:
                    offered = self.visits_of(place.find("offered"), places.offered, "")
                    lines.append({**line, "visits": offered, "required": False})
        return lines


def default_label(code: str) -> str:
    """Return the label of a visit that has none: Day 14, Month 6, else its code.

    >>> default_label("D-1"), default_label("M6"), default_label("UNS")
    ('Day -1', 'Month 6', 'UNS')
    """
    found = re.fullmatch(r"([DM])(-?\d+)", code)
    if found is None:
        return code
    return f"{'Day' if found[1] == 'D' else 'Month'} {found[2]}"
