"""The strict part of YAML that study files are written in."""

from __future__ import annotations

from decimal import Decimal

import pytest

from seeds.loader.problems import Problem, in_order
from seeds.loader.reader import Node, read_text
from trials.definition.fields import Sourced


def node_of(text: str) -> Node:
    node, problems = read_text(text, "scar02/study.yaml")
    assert problems == []
    assert node is not None
    return node


def problem_of(text: str) -> Problem:
    _, problems = read_text(text, "scar02/study.yaml")
    assert len(problems) == 1
    return problems[0]


def test_only_true_and_false_are_yes_and_no() -> None:
    read = node_of("a: true\nb: false\nc: yes\nd: no\ne: NO\nf: on\ng: off\nh: True\ni: FALSE\n").plain()
    assert read == {
        "a": True,
        "b": False,
        "c": "yes",
        "d": "no",
        "e": "NO",
        "f": "on",
        "g": "off",
        "h": "True",
        "i": "FALSE",
    }


def test_numbers_become_decimals_from_their_own_text() -> None:
    read = node_of("a: 1.50\nb: -3\nc: 0.5e6\nd: 0.1\ne: 10\n").plain()
    assert read == {
        "a": Decimal("1.50"),
        "b": Decimal("-3"),
        "c": Decimal("0.5e6"),
        "d": Decimal("0.1"),
        "e": Decimal(10),
    }
    assert str(read["a"]) == "1.50"


def test_what_only_looks_like_a_number_stays_text() -> None:
    read = node_of("a: 007\nb: 0x10\nc: 1_000\nd: '5'\ne: .5\nf: 1:30\ng: 2026-11-22\nh: .inf\n").plain()
    assert read == {
        "a": "007",
        "b": "0x10",
        "c": "1_000",
        "d": "5",
        "e": ".5",
        "f": "1:30",
        "g": "2026-11-22",
        "h": ".inf",
    }


def test_none_as_a_label_is_a_word_and_an_empty_value_is_nothing() -> None:
    assert node_of("codes: {0: None, 1: Mild}\nempty:\n").plain() == {
        "codes": {"0": "None", "1": "Mild"},
        "empty": None,
    }


def test_keys_are_words_even_when_they_look_like_numbers_or_yes() -> None:
    assert list(node_of("1: a\n1.5: b\nyes: c\ntrue: d\n").plain()) == ["1", "1.5", "yes", "true"]


def test_texts_know_their_file_and_nodes_their_line_and_path() -> None:
    node = node_of("a:\n  - x\n  - b: y\n")
    inner = node.find("a", 1, "b")
    assert (inner.file, inner.line, inner.path) == ("scar02/study.yaml", 3, "a.1.b")
    assert isinstance(inner.plain(), Sourced)
    assert inner.plain().file == "scar02/study.yaml"


@pytest.mark.parametrize(
    ("text", "line", "message", "path"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, '"a" stands twice', "a"),
        ("a: {b: 1, b: 2}\n", 1, '"b" stands twice', "a.b"),
        ("a: !!str 5\n", 1, "the tag tag:yaml.org,2002:str is not allowed", "a"),
        ("a: !python/object:os.system x\n", 1, "the tag !python/object:os.system is not allowed", "a"),
        ("a: &x 5\n", 1, "the anchor &x is not allowed", "a"),
        ("a: &x {b: 1}\n", 1, "the anchor &x is not allowed", "a"),
        ("a: 1\n<<: {b: 2}\n", 2, "the merge key << is not allowed", "<<"),
        ("a: 1\n---\nb: 2\n", 2, "a second YAML document begins here", ""),
        ("? [x, y]\n: 1\n", 1, "a key must be a word", ""),
    ],
)
def test_what_yaml_allows_and_study_files_do_not(text: str, line: int, message: str, path: str) -> None:
    problem = problem_of(text)
    assert (problem.line, problem.message, problem.path) == (line, message, path)
    assert problem.expected


def test_an_alias_is_refused_together_with_its_anchor() -> None:
    _, problems = read_text("a: &x 5\nb: *x\n", "f.yaml")
    assert [problem.message for problem in problems] == ["the anchor &x is not allowed", "the alias *x is not allowed"]


def test_a_bomb_of_aliases_is_refused_without_being_unfolded() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 30)]
    _, problems = read_text("\n".join(lines) + "\n", "f.yaml")
    assert len(problems) == 30 + 58


@pytest.mark.parametrize(
    ("text", "message", "expected"),
    [
        ("a: %x\n", "found character '%' that cannot start any token", 'put % in quotes: "%"'),
        ("a:\n\tb: 1\n", "found character '\\t' that cannot start any token", "two spaces instead of a tab"),
        ("a: b: c\n", "mapping values are not allowed here", 'a text with ": " inside in quotes'),
    ],
)
def test_unreadable_yaml_says_what_would_do(text: str, message: str, expected: str) -> None:
    problem = problem_of(text)
    assert problem.message == f"not readable as YAML: {message}"
    assert problem.expected == expected


def test_a_file_that_is_nested_too_deeply_is_refused() -> None:
    problem = problem_of("a: " + "[" * 60 + "]" * 60 + "\n")
    assert problem.message == "the file is nested too deeply"


def test_a_control_character_is_refused() -> None:
    assert problem_of("a: x\x07\n").message.startswith("not readable as YAML: ")


@pytest.mark.parametrize("text", ["", "# only a comment\n", "- a\n- b\n", "word\n"])
def test_a_file_without_keys_is_refused(text: str) -> None:
    assert problem_of(text).message == "the file holds no keys"


def test_a_file_that_is_too_long_is_refused_unread() -> None:
    assert problem_of("a: " + "x" * 1_000_001).message == "the file is too long"


def test_the_same_mistake_in_an_each_block_is_listed_once() -> None:
    first = Problem("a.yaml", 3, "items.A.unit", 'unknown unit "x"')
    second = Problem("a.yaml", 3, "items.B.unit", 'unknown unit "x"')
    other = Problem("a.yaml", 2, "label", "label is missing")
    assert in_order([first, second, other]) == (other, first)
