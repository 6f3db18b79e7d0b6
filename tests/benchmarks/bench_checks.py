"""B-checks: 50 edit checks over 30 items, against simpleeval with its expressions parsed beforehand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simpleeval import SimpleEval

from capture.definition.compiled import form_set
from capture.domain.evaluation_context import EvaluationContext
from capture.domain.form_plan import form_plan
from capture.domain.surroundings import Surroundings
from tests.benchmarks.harness import Result, compare, require_equal
from tests.benchmarks.worlds import ITEMS, publish

CHECKS, RECORDS, ROUNDS = 50, 300, 9
Data = dict[str, dict[str, str]]


def expressions() -> tuple[str, ...]:
    """Return 50 checks that both languages read alike: comparisons, arithmetic, ranges, ``and`` and ``or``."""
    shapes = (
        "{a} > {b} + 50",
        "{a} < 12 or {b} > 95",
        "{a} * 2 > {b} + {c}",
        "abs({a} - {b}) > 60 and {c} < 20",
        "{a} >= {b} and {b} >= {c} and {a} - {c} > 40",
    )
    found = []
    for number in range(CHECKS):
        names = {key: ITEMS[(number * 7 + place * 11) % len(ITEMS)] for place, key in enumerate("abc")}
        found.append(shapes[number % len(shapes)].format(**names))
    return tuple(found)


def records() -> list[Data]:
    """Return stored documents, all items answered."""
    return [
        {name: {"v": f"{10 + (n * 13 + place * 29) % 88}.{(n + place) % 10}"} for place, name in enumerate(ITEMS)}
        for n in range(RECORDS)
    ]


class Ours:
    """The checks of a published form, run as a save runs them."""

    def __init__(self, checks: tuple[str, ...]) -> None:
        form = {
            "label": "Checked",
            "items": {name: {"label": name, "type": "number", "decimals": 1} for name in ITEMS},
            "checks": {f"C{n}": {"when": text, "say": "Look again."} for n, text in enumerate(checks)},
        }
        self.forms = form_set(publish("BCHECKS", {"CHK": form}, visits=1))
        self.form = self.forms.forms["CHK"]
        self.checks = tuple(check for check, _ in form_plan(self.form).checks)

    def __call__(self, data: Data) -> list[bool]:
        context = EvaluationContext(self.forms, self.form, dict(data), Surroundings())
        return [check.when.evaluate(context) is True for check in self.checks]


class Simple:
    """The same with simpleeval: parsed once, numbers as Decimal."""

    def __init__(self, checks: tuple[str, ...]) -> None:
        self.parsed = [(text, SimpleEval.parse(text)) for text in checks]

    def __call__(self, data: Data) -> list[bool]:
        names: dict[str, Any] = {name: Decimal(value["v"]) for name, value in data.items()}
        engine = SimpleEval(names=names, functions={"abs": abs})
        return [bool(engine.eval(text, previously_parsed=tree)) for text, tree in self.parsed]


def run(*, full: bool) -> list[Result]:
    """Compare 300 forms a round; both begin with the stored document."""
    del full
    checks, rows = expressions(), records()
    ours, simple = Ours(checks), Simple(checks)
    answers = [ours(row) for row in rows]
    require_equal("fired checks", answers, [simple(row) for row in rows])
    fired = sum(sum(answer) for answer in answers)
    require_equal("some checks fire and some do not", 0 < fired < RECORDS * CHECKS, other=True)
    name = "simpleeval, parsed beforehand / ours"
    arms = {"ours": lambda _: [ours(row) for row in rows], name: lambda _: [simple(row) for row in rows]}
    return [*compare(arms, against={name: 2}, rounds=ROUNDS, per=RECORDS, unit="form")]
