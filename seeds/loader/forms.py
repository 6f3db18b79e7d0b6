"""From a form file (and the library form it extends) to one flat form: every item has all its keys, and its group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from seeds.loader.problems import Problem
from seeds.loader.reader import Node
from trials.records.domain.expressions import nearest

MARKS = ("stated", "assumed", "open")
VALUE_KEYS = ("type", "unit", "also", "decimals", "hard", "soft")
STUDY_LISTS = ("products", "conditions")


@dataclass(slots=True)
class FormReader:
    """Resolves forms against code lists and the study's own products and conditions (code: label nodes)."""

    codelists: Mapping[str, Node]
    own_lists: Mapping[str, dict[str, Node]]
    problems: list[Problem] = field(default_factory=list)

    def resolve(self, own: Node | None, library: Node | None) -> Node:
        """Return the flat form. ``own`` stands in the study's folder; with ``extends`` it changes the library form."""
        base = flatten(library, self.problems) if library is not None else None
        if own is None:
            assert base is not None
            return self.finished(base)
        extends = own.get("extends")
        flat = flatten(own, self.problems)
        if extends is None:
            return self.finished(flat)
        if extends.raw != "library" or base is None:
            expected = "extends: library, and a form of this name in the library"
            self.problems.append(extends.problem(f'the form "{extends.raw}" cannot be extended', expected=expected))
            return self.finished(flat)
        self.drop(base, own.get("drop"))
        return self.finished(merged(base, flat))

    def drop(self, base: Node, paths: Node | None) -> None:
        """Leave out what ``drop`` names; a path that points at nothing is a problem."""
        for part in [] if paths is None else (paths.parts or [paths]):
            keys = part.raw.split(".")
            parent = base.find(*keys[:-1])
            if parent.entries is None or keys[-1] not in parent.entries or len(keys) < 1:
                self.problems.append(part.problem(f'"{part.raw}" points at nothing in the library form'))
                continue
            del parent.entries[keys[-1]]
            if keys[0] == "groups" and len(keys) == 2:
                items = base.mapping("items")
                for name in [n for n, item in items.items() if item.find("group").raw == keys[1]]:
                    del items[name]

    def finished(self, form: Node) -> Node:
        """Resolve code lists, shorthands and the order of items."""
        for name, item in form.mapping("items").items():
            self.item(name, item)
        for group in form.mapping("groups").values():
            rows = group.get("rows")
            if rows is not None and group.entries is not None:
                group.entries["rows"] = self.codes(rows)
        self.order(form)
        return form

    def item(self, name: str, item: Node) -> None:
        """Fill in what follows from other keys of an item."""
        entries = item.entries
        if entries is None:
            return
        codes = entries.get("codes")
        if codes is not None:
            if codes.entries is None and codes.parts is None:
                entries["codes_from" if codes.raw in {*STUDY_LISTS, "ctcae"} else "code_list"] = codes
            entries["codes"] = self.codes(codes)
        if "type" not in entries:
            inferred = "choice" if codes is not None else ("number" if "unit" in entries else "")
            if inferred:
                entries["type"] = text_node(item, "type", inferred)
        lab = entries.get("lab")
        if lab is not None and isinstance(lab.value, bool):
            entries["lab"] = text_node(lab, "", name if lab.value else "")
        also = entries.get("also")
        if also is not None and also.entries is None:
            factors = {part.raw: replace(part, value=None) for part in (also.parts or [also])}
            entries["also"] = replace(also, entries=factors, parts=None)

    def codes(self, node: Node) -> Node:
        """Return ``code: label`` entries of a list's name, a plain list, or pairs."""
        if node.parts is not None:
            return replace(node, parts=None, entries={part.raw: text_node(part, "", part.raw) for part in node.parts})
        if node.entries is not None:
            return node
        if node.raw in self.own_lists:
            return replace(node, value=None, entries=dict(self.own_lists[node.raw]))
        if node.raw == "ctcae":
            return replace(node, value=None, entries={})
        found = self.codelists.get(node.raw)
        if found is None:
            known = (*self.codelists, *self.own_lists, "ctcae")
            near = nearest(node.raw, known)
            expected = "" if near else "a list of codelists.yaml, code: label pairs, or a plain list"
            self.problems.append(node.problem(f'"{node.raw}" is not a code list', expected=expected, near=near))
            return replace(node, value=None, entries={"?": text_node(node, "", "?")})
        return self.codes(replace(found, line=found.line))

    def order(self, form: Node) -> None:
        """Put items with ``after`` behind the item they name."""
        items = form.mapping("items")
        for name in [n for n, item in items.items() if item.get("after") is not None]:
            entries = items[name].entries
            assert entries is not None
            after = entries.pop("after")
            if after.raw not in items or after.raw == name:
                near = nearest(after.raw, items)
                self.problems.append(after.problem(f'there is no item "{after.raw}"', near=near))
                continue
            moved = items.pop(name)
            before = dict(items)
            items.clear()
            for key, item in before.items():
                items[key] = item
                if key == after.raw:
                    items[name] = moved


def text_node(at: Node, key: str, text: str) -> Node:
    """Return a text that follows from the node ``at``, standing in the same place."""
    path = f"{at.path}.{key}" if key else at.path
    return Node(at.file, at.line, path, text, text)


def flatten(form: Node, problems: list[Problem]) -> Node:
    """Return the form with all items in ``items``, each naming its group, and with ``each`` spread."""
    flat = replace(form, entries={})
    entries, source = flat.entries, form.entries or {}
    assert entries is not None
    entries.update(
        {key: node for key, node in source.items() if key not in {"items", "groups", "extends", "drop", *MARKS}}
    )
    items: dict[str, Node] = {}
    groups: dict[str, Node] = {}
    for name, item in form.mapping("items").items():
        _put(items, name, _item(item, None, ""), problems)
    for group_name, group in form.mapping("groups").items():
        kept = {key: node for key, node in (group.entries or {}).items() if key not in {"items", "each"}}
        groups[group_name] = replace(group, entries=kept if group.entries is not None else None)
        for name, item in group.mapping("items").items():
            _put(items, name, _item(item, group.get("each"), group_name), problems)
    if "items" in source or "groups" in source:
        entries["items"] = replace(source.get("items") or form, entries=items, value=None, parts=None, path="items")
    if groups:
        entries["groups"] = replace(source["groups"], entries=groups)
    return flat


def _put(items: dict[str, Node], name: str, item: Node, problems: list[Problem]) -> None:
    if name in items:
        first = f"one entry; the first is on line {items[name].line}"
        problems.append(item.problem(f'"{name}" stands twice', expected=first))
        return
    items[name] = item


def _item(item: Node, each: Node | None, group: str) -> Node:
    if item.entries is None and item.parts is None and item.value is not None:
        label = replace(item, value=item.raw)
        own = {"label": label}
    elif item.entries is None:
        return item
    else:
        own = dict(item.entries)
    shared = dict(each.entries) if each is not None and each.entries is not None else {}
    if "codes" in own:
        shared = {key: node for key, node in shared.items() if key not in VALUE_KEYS}
    entries = {**shared, **own}
    if group:
        entries["group"] = text_node(item, "", group)
    return replace(item, entries=entries, value=None, raw="")


def merged(base: Node, own: Node) -> Node:
    """Return the library's block with the study's changes: mappings merge by name, everything else is replaced."""
    if base.entries is None or own.entries is None:
        return own
    entries = dict(base.entries)
    for key, node in own.entries.items():
        entries[key] = merged(entries[key], node) if key in entries else node
    return replace(own, entries=entries, line=own.line)
