"""A strict part of YAML 1.2, read into nodes that remember where they stand.

``true`` and ``false`` are the only yes/no values, numbers become Decimal from their own text, dates stay text. Keys
that stand twice, tags, anchors, aliases and merge keys are refused. Order is meaning and is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml
from yaml import events as ev

from seeds.loader.problems import Problem
from trials.definition.fields import Sourced

NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
MAX_DEPTH = 40
MAX_CHARACTERS = 1_000_000


@dataclass(slots=True)
class Node:
    """A value with its place.

    A mapping has ``entries``, a list ``parts``, a scalar its ``value`` and the ``raw`` text. ``line`` is the line of
    the key (or of the list's part), ``path`` the dotted path in the file where it was written.
    """

    file: str
    line: int
    path: str = ""
    value: str | Decimal | bool | None = None
    raw: str = ""
    entries: dict[str, Node] | None = None
    parts: list[Node] | None = None

    def get(self, key: str) -> Node | None:
        """Return the entry of a mapping, None when there is none (or when this is no mapping)."""
        return None if self.entries is None else self.entries.get(key)

    def mapping(self, key: str) -> dict[str, Node]:
        """Return the entries of the mapping under ``key``, empty when it is missing or no mapping."""
        found = self.get(key)
        return {} if found is None or found.entries is None else found.entries

    def find(self, *keys: str | int) -> Node:
        """Return the node that the keys lead to, or the last one on the way."""
        node = self
        for key in keys:
            following = node.get(str(key))
            if following is None and node.parts is not None and str(key).isdigit() and int(key) < len(node.parts):
                following = node.parts[int(key)]
            if following is None:
                return node
            node = following
        return node

    def texts(self) -> list[str]:
        """Return the texts of a list, or the one text of a scalar."""
        return [part.raw for part in self.parts] if self.parts is not None else [self.raw]

    def plain(self) -> Any:
        """Return dicts, lists, ``Sourced`` texts, Decimals, booleans and None."""
        if self.entries is not None:
            return {key: node.plain() for key, node in self.entries.items()}
        if self.parts is not None:
            return [node.plain() for node in self.parts]
        return Sourced.of(self.value, self.file) if isinstance(self.value, str) else self.value

    def problem(self, message: str, *, expected: str = "", near: str = "", under: str = "") -> Problem:
        """Return a problem at this place (``under``: a key below it)."""
        path = ".".join(part for part in (self.path, under) if part)
        return Problem(self.file, self.line, path, message, expected, near)


def scalar(text: str, *, plain: bool) -> str | Decimal | bool | None:
    """Return what a scalar means; a quoted one is always text.

    >>> scalar("NO", plain=True), scalar("1.50", plain=True), scalar("1.50", plain=False), scalar("true", plain=True)
    ('NO', Decimal('1.50'), '1.50', True)
    >>> scalar("2026-11-22", plain=True), scalar("0.5e6", plain=True), scalar("007", plain=True)
    ('2026-11-22', Decimal('5E+5'), '007')
    """
    if not plain:
        return text
    if text in {"true", "false"}:
        return text == "true"
    if text in {"", "null", "~"}:
        return None
    return Decimal(text) if NUMBER.fullmatch(text) else text


class TooDeepError(Exception):
    """A file is nested deeper than any study file needs to be; ``line`` is where."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def line_of(event: ev.Event) -> int:
    """Return the line on which an event of the parser begins, counted from 1."""
    return 1 if event.start_mark is None else event.start_mark.line + 1


@dataclass(slots=True)
class _Composer:
    file: str
    stream: Iterator[ev.Event]
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, event: ev.Event, path: str, message: str, expected: str) -> None:
        self.problems.append(Problem(self.file, line_of(event), path, message, expected))

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self.stream:
            if isinstance(event, ev.DocumentStartEvent) and root is not None:
                self.refuse(event, "", "a second YAML document begins here", "one document in a file")
                break
            if isinstance(event, ev.NodeEvent):
                root = self.node(event, "", line_of(event), 0)
        return root

    def node(self, event: ev.Event, path: str, line: int, depth: int) -> Node:
        node = Node(self.file, line, path)
        if isinstance(event, ev.AliasEvent):
            self.refuse(event, path, f"the alias *{event.anchor} is not allowed", "the value itself")
            return node
        self.plainness(event, path)
        if depth > MAX_DEPTH:
            raise TooDeepError(line)
        if isinstance(event, ev.ScalarEvent):
            node.raw = event.value
            node.value = scalar(event.value, plain=event.implicit[0])
        elif isinstance(event, ev.SequenceStartEvent):
            node.parts = self.parts(path, depth)
        else:
            node.entries = self.entries(path, depth)
        return node

    def plainness(self, event: ev.Event, path: str) -> None:
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            self.refuse(event, path, f"the anchor &{anchor} is not allowed", "each, extends, sets or define")
        if tag is not None:
            self.refuse(event, path, f"the tag {tag} is not allowed", "the plain value")

    def parts(self, path: str, depth: int) -> list[Node]:
        found: list[Node] = []
        while not isinstance(event := next(self.stream), ev.SequenceEndEvent):
            below = f"{path}.{len(found)}" if path else str(len(found))
            found.append(self.node(event, below, line_of(event), depth + 1))
        return found

    def entries(self, path: str, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while not isinstance(key := next(self.stream), ev.MappingEndEvent):
            line = line_of(key)
            name = key.value if isinstance(key, ev.ScalarEvent) else "?"
            below = f"{path}.{name}" if path else name
            if not isinstance(key, ev.ScalarEvent):
                self.refuse(key, path, "a key must be a word", "a single word or number")
                self.node(key, below, line, depth + 1)
            else:
                self.plainness(key, below)
            value = self.node(next(self.stream), below, line, depth + 1)
            if name == "<<" and isinstance(key, ev.ScalarEvent) and key.implicit[0]:
                self.refuse(key, below, "the merge key << is not allowed", "each, extends, sets or define")
            elif name in found:
                first = f"one entry; the first is on line {found[name].line}"
                self.refuse(key, below, f'"{name}" stands twice', first)
            else:
                found[name] = value
        return found


def read_text(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """Read one file. The node is None when the text could not be read as YAML at all."""
    if len(text) > MAX_CHARACTERS:
        return None, [Problem(file, 1, "", "the file is too long", f"at most {MAX_CHARACTERS} characters")]
    composer = _Composer(file, iter(yaml.parse(text, Loader=yaml.SafeLoader)))
    try:
        root = composer.document()
    except TooDeepError as error:
        problem = Problem(file, error.line, "", "the file is nested too deeply", f"at most {MAX_DEPTH} levels")
        return None, [*composer.problems, problem]
    except yaml.YAMLError as error:
        return None, [*composer.problems, _unreadable(error, file)]
    if root is None or root.entries is None:
        return None, [*composer.problems, Problem(file, 1, "", "the file holds no keys", "lines such as key: value")]
    return root, composer.problems


def _unreadable(error: yaml.YAMLError, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else 1
    cause = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not YAML"
    character = re.search(r"found character '(.+?)' that cannot start", cause)
    if character is not None and character[1] == "\\t":
        expected = "two spaces instead of a tab"
    elif character is not None:
        expected = f'put {character[1]} in quotes: "{character[1]}"'
    elif "mapping values are not allowed" in cause:
        expected = 'a text with ": " inside in quotes'
    else:
        expected = "indentation by two spaces, and brackets and quotes that are closed"
    return Problem(file, line, "", f"not readable as YAML: {cause}", expected)
