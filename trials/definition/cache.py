"""A small bounded cache of compiled study versions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from trials.models import StudyVersion

Compiled = TypeVar("Compiled")


class VersionCache(Generic[Compiled]):
    """Keeps the last ``size`` compiled versions, by version and revision.

    The document of a version changes only together with its revision, so a key never goes stale.
    """

    def __init__(self, build: Callable[[StudyVersion], Compiled], size: int = 32) -> None:
        self._build = build
        self._size = size
        self._kept: OrderedDict[tuple[str, int], Compiled] = OrderedDict()
        self._lock = Lock()

    def get(self, version: StudyVersion) -> Compiled:
        """Return the compiled form of a version, building it on first use."""
        key = (str(version.pk), version.revision)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        built = self._build(version)
        with self._lock:
            self._kept[key] = built
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return built

    def clear(self) -> None:
        """Forget everything, for tests."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)
