"""What no module may do: hidden imports, signals, swallowed errors, writes outside their place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

SIGNAL_MODULES = ("django.db.models.signals", "django.core.signals", "django.contrib.auth.signals", "django.dispatch")
# Places that may write rows. Projections write the typed rows of a form record; factories build worlds for tests.
WRITING_PLACES = re.compile(
    r"^(trials/records|trials|capture|safety)/(services|projections)(/|\.py$)|^seeds/factories/"
)
WRITES = frozenset({"save", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create"})
MANAGER_WRITES = frozenset({"create", "update", "acreate", "aupdate"})
AUDIT_WRITER = "trials/records/services/act.py"


def imports_inside(tree: ast.Module) -> list[int]:
    """Return the lines of imports that stand inside a function.

    ``ready`` of an app is the one place for them: models cannot be imported before the apps are loaded.
    """
    return sorted(
        {
            inner.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "ready"
            for inner in ast.walk(node)
            if isinstance(inner, ast.Import | ast.ImportFrom)
        }
    )


def signals(tree: ast.Module) -> list[int]:
    """Return the lines that import the framework's signals or its receiver decorator."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        if any(name.startswith(SIGNAL_MODULES) for name in names):
            found.append(node.lineno)
    return found


def swallowed(tree: ast.Module) -> list[int]:
    """Return the lines of handlers that name no exception, or that catch everything and do nothing."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (
                isinstance(node.type, ast.Name)
                and node.type.id in {"Exception", "BaseException"}
                and all(isinstance(line, ast.Pass) for line in node.body)
            )
        )
    ]


def overridden_saves(tree: ast.Module) -> list[int]:
    """Return the lines where a model, form, serializer or view set has a ``save`` or ``delete`` of its own.

    One that only refuses says so by its annotation and is left alone.
    """
    return [
        line.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and re.search(r"Model|Serializer|ViewSet|Form|Manager", " ".join(ast.unparse(base) for base in node.bases))
        for line in node.body
        if isinstance(line, ast.FunctionDef)
        and line.name in {"save", "delete", "perform_create", "perform_update"}
        and not (isinstance(line.returns, ast.Name) and line.returns.id == "NoReturn")
    ]


def writes(tree: ast.Module, *, in_model: bool = True) -> Iterator[tuple[int, str]]:
    """Give every call that writes rows: instance and manager methods, and updates of querysets.

    Outside of models ``self.save`` is a method of the caller's own, whose body is read like every other.
    """
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name, owner = node.func.attr, node.func.value
        own = not in_model and ast.unparse(owner) == "self"
        if (name in WRITES and not own and not _is_plain(owner)) or (name in MANAGER_WRITES and _is_query(owner)):
            yield node.lineno, name


def _is_plain(owner: ast.expr) -> bool:
    """Return whether the owner is no model: a session, a workbook, ``super()``."""
    text = ast.unparse(owner)
    return text == "super()" or text.rpartition(".")[2] in {"session", "cache", "storage", "workbook"}


def _is_query(owner: ast.expr) -> bool:
    text = ast.unparse(owner)
    return ".objects" in text or ".filter(" in text or text.endswith("_set") or "queryset" in text


def _found(sources: list[Any], rule: Any) -> dict[str, list[int]]:
    return {source.path: lines for source in sources if (lines := rule(source.tree))}


def test_no_function_imports(sources: list[Any], tests_read: list[Any]) -> None:
    assert _found([*sources, *tests_read], imports_inside) == {}


def test_no_module_uses_signals(sources: list[Any]) -> None:
    assert _found(sources, signals) == {}


def test_no_handler_swallows_errors(sources: list[Any], tests_read: list[Any]) -> None:
    assert _found([*sources, *tests_read], swallowed) == {}


def test_no_model_and_no_serializer_has_a_save_of_its_own(sources: list[Any]) -> None:
    assert _found(sources, overridden_saves) == {}


def test_rows_are_written_by_services_and_projections_only(sources: list[Any]) -> None:
    edges = [source for source in sources if not WRITING_PLACES.match(source.path)]

    found = {source.path: list(writes(source.tree, in_model="/models/" in source.path)) for source in edges}

    assert {path: lines for path, lines in found.items() if lines} == {}


def test_audit_events_are_made_in_one_place(sources: list[Any]) -> None:
    making = re.compile(r"(^|\.)AuditEvent(\.objects\.(bulk_)?create)?$")

    made = [
        source.path
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and making.search(ast.unparse(node.func))
    ]

    assert set(made) == {AUDIT_WRITER}


def test_no_module_is_called_utils(sources: list[Any], tests_read: list[Any]) -> None:
    names = {source.path for source in [*sources, *tests_read]}

    assert {name for name in names if re.search(r"(^|[/_])(utils?|helpers?|misc|common)(\.py|/)", name)} == set()


def test_only_one_module_reads_the_environment(sources: list[Any]) -> None:
    readers = {source.path for source in sources if re.search(r"os\.environ|os\.getenv|environ\[", source.text)}

    assert readers == {"config/env.py"}


def test_only_the_clock_service_reads_the_clock(sources: list[Any]) -> None:
    pattern = re.compile(r"datetime\.now\(|date\.today\(|datetime\.today\(|utcnow\(|timezone\.now\(|\btime\.time\(")

    readers = {source.path for source in sources if pattern.search(source.text)}

    assert readers == {"trials/records/services/clock.py"}


def test_nothing_evaluates_text_as_code(sources: list[Any]) -> None:
    called = {
        source.path
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec"}
    }

    assert called == set()


def test_the_forbidden_names_of_people_in_studies_are_not_used(sources: list[Any]) -> None:
    found = {
        f"{source.path}:{getattr(node, 'lineno', 0)} {name}"
        for source in sources
        for node in ast.walk(source.tree)
        for name in _names(node)
        if re.search(r"(^|_)(patient|subject)s?(_|$)|Patient|Subject", name)
    }

    # An e-mail has a subject; the CDISC export writes its own names; scales of that standard have "patient" in a name.
    allowed = re.compile(r"/exports/|email|mail|message|patient_global|patient_reported")
    assert {line for line in found if not allowed.search(line)} == set()


def _names(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Name(id=name):
            return [name]
        case ast.arg(arg=name):
            return [name]
        case _:
            return []


def test_the_rules_find_what_they_look_for() -> None:
    bad = ast.parse(
        "from django.db.models.signals import post_save\n"
        "def f():\n"
        "    import os\n"
        "    try:\n"
        "        f()\n"
        "    except:\n"
        "        pass\n"
        "    visit.save()\n"
        "    Visit.objects.filter(a=1).update(b=2)\n"
        "    Visit.objects.create()\n"
        "class A(models.Model):\n"
        "    def save(self): ...\n"
    )

    assert imports_inside(bad) == [3]
    assert signals(bad) == [1]
    assert swallowed(bad) == [6]
    assert overridden_saves(bad) == [12]
    assert sorted(writes(bad)) == [(8, "save"), (9, "update"), (10, "create")]


def test_the_rules_leave_alone_what_is_no_row() -> None:
    good = ast.parse("seen.update(other)\nrequest.session.save()\nsuper().delete()\nhash_.update(b'x')\n")

    assert list(writes(good)) == []
