"""What the safety room understands of a form: the items each kind needs, with their types and the codes it reads."""

from __future__ import annotations

from collections.abc import Mapping

from trials.definition.kinds import NeededItem

CAUSALITY = ("UNRELATED", "UNLIKELY", "POSSIBLE", "PROBABLE", "DEFINITE")
STAGES = ("0", "1", "2", "3", "4")


def _yes(*names: str) -> tuple[NeededItem, ...]:
    return tuple(NeededItem(name, ("yesno",)) for name in names)


KINDS: Mapping[str, tuple[NeededItem, ...]] = {
    "adverse_event": (
        NeededItem("TERM", ("text",)),
        NeededItem("CTCAE", ("choice",)),
        NeededItem("START", ("partialdate", "date")),
        NeededItem("START_TIME", ("time",)),
        NeededItem("PHASE", ("choice",), ("BEFORE", "DURING", "AFTER")),
        NeededItem("ONGOING", ("yesno",)),
        NeededItem("END", ("partialdate", "date")),
        NeededItem("OUTCOME", ("choice",), ("RECOVERED", "RECOVERING", "NOT", "SEQUELAE", "FATAL", "UNKNOWN")),
        NeededItem("SERIOUS", ("choices",), ("DEATH", "LIFE", "HOSPITAL", "DISABILITY", "ANOMALY", "IMPORTANT")),
        NeededItem("GRADE", ("choice",), ("1", "2", "3", "4", "5")),
        NeededItem("FROM", ("partialdate", "date")),
        *(NeededItem(cause, ("choice",), CAUSALITY) for cause in ("CART", "LYMPHODEPLETION", "DISEASE", "OTHER")),
    ),
    "crs": (
        NeededItem("AT", ("datetime",)),
        NeededItem("TEMP", ("number",)),
        NeededItem("TREATED", ("choice",), ("NONE", "ANTIPYRETIC", "ANTICYTOKINE")),
        NeededItem("PRESSORS", ("integer",)),
        NeededItem("OXYGEN", ("choice",), ("NONE", "CANNULA", "BLOWBY", "MASK", "HFNC", "CPAP", "VENT")),
        NeededItem("FLOW", ("number",)),
        *_yes("FEVER_OTHER", "HYPOTENSION", "VASOPRESSIN", "HYPOTENSION_OTHER"),
        *_yes("AIRWAY_ONLY", "HYPOXIA_OTHER", "DIED"),
    ),
    "icans": (
        NeededItem("AT", ("datetime",)),
        NeededItem(
            "CONSCIOUSNESS", ("choice",), ("ALERT", "SPONTANEOUS", "VOICE", "TACTILE", "VIGOROUS", "UNAROUSABLE")
        ),
        NeededItem("SEIZURE", ("choice",), ("NONE", "CLINICAL", "EEG", "REPETITIVE")),
        NeededItem("SEIZURE_MIN", ("number",)),
        NeededItem("OEDEMA", ("choice",), ("NONE", "FOCAL", "DIFFUSE", "POSTURING", "CN6", "PAPILLOEDEMA", "CUSHING")),
        NeededItem("SCORE", ("integer",)),
        *_yes("ICE_DONE", "CONSCIOUSNESS_OTHER", "SEIZURE_OTHER", "MOTOR", "MOTOR_OTHER", "HAEMORRHAGE", "DIED"),
        *_yes("YEAR", "MONTH", "CITY", "HOSPITAL", "COMMAND", "SENTENCE", "COUNTS", "OBJECT_1", "OBJECT_2", "OBJECT_3"),
    ),
    "gvhd": (
        NeededItem("AT", ("date", "datetime")),
        NeededItem("SKIN", ("choice",), STAGES),
        NeededItem("LIVER", ("choice",), STAGES),
        NeededItem("UPPER_GUT", ("choice",), ("0", "1")),
        NeededItem("LOWER_GUT", ("choice",), STAGES),
    ),
}
"""Kind: needed items. Other items of a bound form are free."""

REQUIRED_KINDS = ("adverse_event", "crs", "icans")
"""Every study needs a form of each of these kinds."""
