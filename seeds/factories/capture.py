"""Factories of the capture room: a small published study with forms, and records saved through the services.

version = study_version("CAP1", forms=SMALL_FORMS)
participant = participant_in(version)
slot = slot_at(participant, "D14", "VS")
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from capture.definition.sections import FormSection
from capture.services.slots import Slot
from seeds.factories.trials import BEGIN, SYSTEM, MemberFactory, ParticipantFactory
from trials.domain.roles import Role
from trials.models import Participant, Site, StudyVersion, Visit
from trials.records.domain.actors import Actor
from trials.records.domain.canonical import digest
from trials.services.publishing import publish_version
from trials.services.sites import activate_version, create_site
from trials.services.study_clock import advance_clock
from trials.services.visits import start_visit

Json = dict[str, Any]
_numbers = itertools.count(1)
UNITS: Json = {
    "Cel": {"shows": "°C"},
    "kg": {},
    "cm": {},
    "kg/m2": {"shows": "kg/m²"},
    "mm[Hg]": {"shows": "mmHg"},
    "g/L": {},
    "g/dL": {"equals": "10 g/L"},
    "10*6 cells": {},
    "10*6 cells/kg": {},
}
_DAYS = (("SCR", -28, None, -6), ("D-1", -2, -1, -1), ("D0", 0, 0, 0), ("D14", 12, 14, 16), ("D28", 25, 28, 31))
VISITS = [
    *(
        {
            "code": code, "label": code, "ordinal": n, "kind": "scheduled", "anchor": "first infusion",
            "opens": opens, "target": target, "closes": closes, "alias": "", "month": None,
        }
        for n, (code, opens, target, closes) in enumerate(_DAYS, start=1)
    ),
    {
        "code": "UNS", "label": "Unscheduled", "ordinal": 6, "kind": "unscheduled", "anchor": "first infusion",
        "opens": None, "target": None, "closes": None, "alias": "", "month": None,
    },
]  # fmt: skip
EVERYWHERE = ["SCR", "D-1", "D0", "D14", "D28", "UNS"]

SMALL_FORMS: dict[str, Json] = {
    "VS": {
        "label": "Vital signs",
        "items": {
            "TEMP": {
                "label": "Temperature", "type": "number", "unit": "Cel",
                "decimals": 1, "hard": "30..45", "soft": "35..40",
            },
            "SYSBP": {"label": "Systolic", "type": "integer", "unit": "mm[Hg]", "hard": "30..300"},
            "DIABP": {"label": "Diastolic", "type": "integer", "unit": "mm[Hg]", "hard": "10..200"},
            "WEIGHT": {"label": "Weight", "type": "number", "unit": "kg", "decimals": 1, "hard": "20..300"},
            "HEIGHT": {"label": "Height", "type": "number", "unit": "cm", "hard": "100..230", "show": 'visit == "SCR"'},
            "BMI": {
                "label": "BMI", "type": "number", "unit": "kg/m2", "formula": "WEIGHT / (HEIGHT[latest] / 100) ** 2",
            },
            "NOTE": {"label": "Note", "type": "note", "required": False, "nulls": ["unknown"]},
        },
        "checks": {
            "DIA_BELOW_SYS": {"when": "DIABP >= SYSBP", "say": "Diastolic is not below systolic.", "level": "hard"},
            "WEIGHT_JUMP": {
                "when": "abs(percent_change(WEIGHT, WEIGHT[previous])) > 10",
                "say": "Weight changed by more than 10 %.",
            },
        },
    },
    "DM": {
        "label": "Demographics",
        "binds": "demographics",
        "items": {
            "BIRTH": {"label": "Date of birth", "type": "partialdate"},
            "SEX": {"label": "Sex", "type": "choice", "codes": {"F": "Female", "M": "Male"}},
            "AGE": {"label": "Age", "type": "integer", "formula": "age(consented_on)"},
            "WOCBP": {"label": "Childbearing potential", "type": "yesno", "show": 'SEX == "F"'},
        },
        "checks": {"CHILD": {"when": "AGE < 18", "say": "Under 18 at consent.", "level": "hard"}},
    },
    "INF": {
        "label": "Infusion",
        "binds": "infusion",
        "groups": {"INFUSIONS": {"label": "Infusions", "repeat": "1..4"}},
        "items": {
            "PRODUCT": {"group": "INFUSIONS", "label": "Product", "type": "choice", "codes": {"CART": "Cells"}},
            "START": {"group": "INFUSIONS", "label": "Started", "type": "datetime"},
            "END": {"group": "INFUSIONS", "label": "Ended", "type": "datetime"},
            "CELLS": {
                "group": "INFUSIONS", "label": "Cells", "type": "number", "unit": "10*6 cells", "hard": "0..5000",
            },
            "DOSE": {
                "group": "INFUSIONS", "label": "Dose", "type": "number", "unit": "10*6 cells/kg",
                "formula": "CELLS / VS.WEIGHT[latest]",
            },
            "COMPLETE": {"group": "INFUSIONS", "label": "Whole dose", "type": "yesno"},
        },
        "checks": {
            "ORDER": {
                "when": "any(INFUSIONS, END <= START)", "say": "An infusion ends before it starts.", "level": "hard",
            }
        },
    },
    "CM": {
        "label": "Medication",
        "items": {
            "NAME": {"label": "Medication", "type": "text"},
            "ONGOING": {"label": "Ongoing", "type": "yesno"},
            "END": {"label": "Stopped", "type": "partialdate", "show": "not ONGOING"},
        },
    },
    "PLAN": {
        "label": "Plan",
        "items": {
            "MANY": {"label": "Ongoing medication", "type": "integer", "formula": "count(CM, ONGOING)"},
            "SURE": {"label": "Sure", "type": "yesno"},
        },
    },
    "PREG": {
        "label": "Pregnancy test",
        "items": {"RESULT": {"label": "hCG", "type": "choice", "codes": {"NEG": "Negative", "POS": "Positive"}}},
    },
}  # fmt: skip
PLACES: dict[str, Any] = {
    "VS": EVERYWHERE, "DM": ["SCR"], "INF": ["D0"], "CM": "log", "PLAN": ["SCR"], "PREG": ["SCR"],
}  # fmt: skip


def document(oid: str, forms: Mapping[str, Json], places: Mapping[str, Any], populations: Mapping[str, str]) -> Json:
    """Return a canonical study document with these forms, each at its visits, as a log or once."""
    read = {code: FormSection.model_validate({"form": code, **form}) for code, form in forms.items()}
    return {
        "format": 1,
        "study": {
            "study": oid, "version": 1, "title": oid, "sponsor": "", "location": "", "registry": "", "source": "",
            "masking": "none", "sites": "1..", "cap": None,
            "products": {"CART": {"label": "Cells", "origin": "autologous", "targets": [], "route": "IV"}},
            "arms": {"MAIN": {"label": "Single arm", "products": ["CART"], "infusions": 1}},
            "conditions": {"SLE": "Lupus"}, "reminders": {}, "verify": {"fully": [], "sample": "0"},
            "populations": {name: {"expression": text, "from": ""} for name, text in populations.items()},
        },
        "schedule": {
            "anchor": "first infusion", "months": {}, "visits": VISITS, "epochs": {}, "sets": {},
            "forms": [_place(code, places[code]) for code in forms],
        },
        "eligibility": {"gates": {}, "policies": {}, "define": {}, "criteria": []},
        "dose": {
            "unit": "10*6 cells/kg", "allowed": None, "ladders": {"MAIN": [{"CART": "0.5"}, {"CART": "1"}]}, "start": 1,
            "cohort": 3, "replace": "nobody", "stagger": {"first": 14, "others": 0, "next_level": None},
            "design": {"method": "3+3", "target": None, "key": None, "overdose_above": None, "overdose_from": None},
        },
        "outcomes": {}, "safety": None, "labels": {}, "marks": [], "units": UNITS,
        "forms": {code: form.model_dump(mode="json", exclude={"form"}) for code, form in read.items()},
    }  # fmt: skip


def _place(form: str, place: Any) -> Json:
    kind = place if isinstance(place, str) else "visit"
    visits = [] if isinstance(place, str) else place
    return {"population": "everyone", "form": form, "kind": kind, "visits": visits, "required": True}


def study_version(
    oid: str = "",
    *,
    forms: Mapping[str, Json] | None = None,
    places: Mapping[str, Any] | None = None,
    populations: Mapping[str, str] | None = None,
) -> StudyVersion:
    """Publish a small simulated study with these forms (by default ``SMALL_FORMS``)."""
    oid = oid or f"CAPTURE{next(_numbers)}"
    named = {"childbearing": "DM.WOCBP[SCR]"} if populations is None and forms is None else populations or {}
    text = json.dumps(document(oid, forms or SMALL_FORMS, places or PLACES, named))
    version = publish_version(
        oid=oid,
        title=oid,
        number=1,
        document=text,
        content_hash=digest(text.encode()),
        shape_hash=digest(text.encode()),
        changes="First version.",
        simulated=True,
        arms=[("MAIN", "Single arm", ["CART"])],
        dose_levels=[("MAIN", 1, {"CART": "0.5"}, "10*6 cells/kg"), ("MAIN", 2, {"CART": "1"}, "10*6 cells/kg")],
        actor=SYSTEM,
    )
    if version.study.clock is None:
        advance_clock(version.study, to=BEGIN, actor=SYSTEM)
    return version


def site_of(version: StudyVersion, code: str = "01") -> Site:
    """Return a site that works under the version."""
    site = create_site(version.study, code=code, name=f"Hospital {code}", time_zone="Asia/Shanghai", actor=SYSTEM)
    activate_version(site, version, from_date=date(2026, 1, 1), actor=SYSTEM)
    return site


def participant_in(version: StudyVersion, site: Site | None = None) -> Participant:
    """Return a participant in screening, consented on the study's first day."""
    made: Participant = ParticipantFactory(site=site or site_of(version))
    return made


def slot_at(participant: Participant, visit: str, form: str, *, on: date | None = None) -> Slot:
    """Return the empty slot of a form at a visit (``visit`` empty: a log or a form kept once)."""
    if not visit:
        return Slot(participant, None, form)
    place = Visit.objects.get(participant=participant, code=visit, repeat=0)
    return Slot(participant, place if on is None else start_visit(place, on=on, actor=SYSTEM), form)


def member(site: Site, role: Role = Role.COORDINATOR, *, whole_study: bool = False) -> Actor:
    """Return the actor of a person with one role at a site."""
    user = MemberFactory(site=site, role=role, whole_study=whole_study, username=f"member{next(_numbers)}")
    return Actor(name=user.username, printed_name=user.printed_name, user_id=str(user.pk))
