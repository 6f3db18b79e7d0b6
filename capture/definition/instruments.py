"""The registry of named scores: which results each one has, and whether this version of the system computes it.

A study file may name any of them. What is not ``available`` is published with its form and shown as "scored in a later
version"; the item then has no value, which is never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InstrumentEntry:
    """One score. ``results`` are the names after the dot; empty when it has a single result without a name."""

    name: str
    results: tuple[str, ...] = ()
    available: bool = False
    cites: str = ""


def _table(*entries: InstrumentEntry) -> Mapping[str, InstrumentEntry]:
    return {entry.name: entry for entry in entries}


REGISTRY = _table(
    InstrumentEntry("ACR_RESPONSE", cites="Felson et al., Arthritis Rheum 1995;38:727"),
    InstrumentEntry("BILAG_2004", ("total",), cites="Isenberg et al., Rheumatology 2005;44:902"),
    InstrumentEntry("BVAS_V3", ("total",), cites="Mukhtyar et al., Ann Rheum Dis 2009;68:1827"),
    InstrumentEntry("DORIS_2021", cites="van Vollenhoven et al., Lupus Sci Med 2021;8:e000538"),
    InstrumentEntry("GC_EQUIV"),
    InstrumentEntry("GC_FREE"),
    InstrumentEntry("HAQ_DI", ("standard", "alternative"), cites="ARAMIS HAQ instructions 2009"),
    InstrumentEntry("PLT_RESPONSE"),
    InstrumentEntry("QMG", ("total", "ocular"), cites="Jaretzki et al., Neurology 2000;55:16"),
    InstrumentEntry("REMISSION_001", ("remission",)),
    InstrumentEntry("SJC_TJC", ("tender_68", "swollen_66", "tender_28", "swollen_28")),
    InstrumentEntry("TIS", cites="Aggarwal et al., Arthritis Rheumatol 2017;69:898"),
)
