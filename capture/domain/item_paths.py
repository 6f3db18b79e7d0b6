"""Item paths: ``ITEM`` for an item outside repeats, ``GROUP.<row>.ITEM`` inside a group with rows."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_ROW = re.compile(r"[A-Za-z0-9_\-]{1,40}")


class ItemPath(NamedTuple):
    """A path taken apart; ``group`` and ``row`` are empty outside repeats."""

    group: str
    row: str
    item: str


@lru_cache(maxsize=65536)
def split_path(path: str) -> ItemPath:
    """Take a path apart; ValueError when it has another shape.

    >>> split_path("TEMP"), split_path("INFUSIONS.1.START")
    (ItemPath(group='', row='', item='TEMP'), ItemPath(group='INFUSIONS', row='1', item='START'))
    """
    parts = path.split(".")
    if len(parts) == 1 and parts[0]:
        return ItemPath("", "", parts[0])
    if len(parts) == 3 and all(parts) and _ROW.fullmatch(parts[1]):
        return ItemPath(*parts)
    raise ValueError(f'expected ITEM or GROUP.row.ITEM, found "{path}"')


@lru_cache(maxsize=65536)
def row_path(group: str, row: str, item: str) -> str:
    """Return the path of an item; ``group`` and ``row`` empty outside repeats.

    >>> row_path("", "", "TEMP"), row_path("INFUSIONS", "2", "END")
    ('TEMP', 'INFUSIONS.2.END')
    """
    return f"{group}.{row}.{item}" if row else item
