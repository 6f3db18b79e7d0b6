"""From nodes to the sections of the rooms: what pydantic refuses becomes a problem with its file, line and path."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from seeds.loader.problems import Problem
from seeds.loader.reader import Node
from trials.records.domain.expressions import nearest

Shaped = TypeVar("Shaped", bound=BaseModel)
EXPECTED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a block of names",
    "model_type": "a block of keys",
    "model_attributes_type": "a block of keys",
    "decimal_type": "a number",
}


ROUNDS = 12
INTERNAL = {"group", "codes_from", "code_list"}


@dataclass(slots=True)
class Shapes:
    """Shapes nodes into sections and collects what is wrong.

    A faulty entry is taken out and the rest is shaped nevertheless, so that one mistake gives one message and hides no
    other. ``broken`` are the names on the way to what was taken out: what else is said about them is passed over.
    """

    problems: list[Problem] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def shape(
        self, model: type[Shaped], node: Node, *, also: tuple[str, ...] = (), stand_in: Mapping[str, Any] | None = None
    ) -> Shaped | None:
        """Return the section; None when nothing of it can be kept.

        ``also`` are keys that the reader has taken out. ``stand_in`` are values for required keys that had to be taken
        out; a section made with one is never published, since its problem is listed.
        """
        plain = node.plain()
        for turn in range(ROUNDS):
            try:
                return model.model_validate(plain)
            except ValidationError as error:
                found: list[dict[str, Any]] = [dict(each) for each in error.errors(include_url=False)]
                if turn == 0:
                    self.problems += _told(found, [_problem(model, node, each, also) for each in found])
                for each in found:
                    self.broken |= {str(part) for part in each["loc"]}
                    key = each["loc"][0] if each["type"] == "missing" and len(each["loc"]) == 1 else None
                    if key is not None and key in (stand_in or {}):
                        plain[key] = (stand_in or {})[key]
                    elif not _take_out(plain, each):
                        return None
        return None


def _told(errors: list[dict[str, Any]], problems: list[Problem]) -> list[Problem]:
    """Return the problems without those keys that are missing because they are misspelt beside it."""
    misspelt = {
        (error["loc"][:-1], problem.near)
        for error, problem in zip(errors, problems, strict=True)
        if error["type"] == "extra_forbidden"
    }
    return [
        problem
        for error, problem in zip(errors, problems, strict=True)
        if error["type"] != "missing" or (error["loc"][:-1], error["loc"][-1]) not in misspelt
    ]


def _take_out(plain: Any, error: dict[str, Any]) -> bool:
    """Take the faulty entry out of the plain value; say whether there was one."""
    where = [part for part in error["loc"] if part != "[key]"]
    if error["type"] == "missing":
        where = where[:-1]
    holder: Any = None
    last: Any = None
    below = plain
    for part in where:
        inside = isinstance(below, dict) and part in below
        inside = inside or (isinstance(below, list) and isinstance(part, int) and part < len(below))
        if not inside:
            break
        holder, last, below = below, part, below[part]
    if holder is None:
        # A second fault in the same entry: it has been taken out already.
        return bool(where)
    if isinstance(holder, dict):
        del holder[last]
    else:
        holder[last] = None
    return True


def _problem(model: type[BaseModel], root: Node, error: dict[str, Any], also: tuple[str, ...]) -> Problem:
    kind, where = error["type"], [part for part in error["loc"] if part != "[key]"]
    node = root.find(*where)
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        valid = (*keys_of(_block(model, where[:-1])), *(also if len(where) == 1 else ()))
        near = nearest(str(where[-1]), valid)
        return node.problem(
            f'unknown key "{where[-1]}"', near=near, expected="" if near else f"one of {', '.join(valid)}"
        )
    if kind == "missing":
        return node.problem(f"{where[-1]} is missing", expected=f"the key {where[-1]} in this block")
    if kind == "study_file":
        return node.problem(context["message"], expected=context["expected"], near=context["near"])
    if kind in {"greater_than_equal", "less_than_equal"}:
        bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
        return node.problem(f'"{node.raw}" is out of range', expected=bound)
    expected = EXPECTED.get(kind, "")
    return node.problem(f"{_found(node)} does not fit here", expected=expected or error["msg"].lower())


def _found(node: Node) -> str:
    if node.entries is not None:
        return "a block"
    if node.parts is not None:
        return "a list"
    return f'"{node.raw}"' if node.raw else "nothing"


def keys_of(model: type[BaseModel] | None) -> tuple[str, ...]:
    """Return the keys a block may have, as they are written."""
    fields = {} if model is None else model.model_fields
    return tuple(info.alias or name for name, info in fields.items() if name not in INTERNAL)


def _block(model: type[BaseModel], where: list[Any]) -> type[BaseModel] | None:
    current: Any = model
    for part in where:
        current = _below(current, part)
    return next((each for each in _parts(current) if isinstance(each, type) and issubclass(each, BaseModel)), None)


def _below(current: Any, key: Any) -> Any:
    for each in _parts(current):
        if isinstance(each, type) and issubclass(each, BaseModel):
            for name, info in each.model_fields.items():
                if key in {name, info.alias}:
                    return info.annotation
        elif get_origin(each) is dict:
            return get_args(each)[1]
        elif get_origin(each) is list:
            return get_args(each)[0]
    return None


def _parts(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _parts(get_args(annotation)[0])
    elif origin in {Union, types.UnionType}:
        for each in get_args(annotation):
            yield from _parts(each)
    elif annotation is not None:
        yield annotation
