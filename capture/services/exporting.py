"""An export is an act: who took which form's data out, and when, stands in the study's audit trail."""

from __future__ import annotations

from collections.abc import Iterator

from capture.exports.csv import export_form
from trials.models import StudyVersion
from trials.records.domain.actors import Actor
from trials.records.services import clock
from trials.records.services.act import open_act


def take_out_form(version: StudyVersion, form: str, *, actor: Actor) -> Iterator[str]:
    """Note the export and return its lines; refused before anything is noted."""
    lines = export_form(version, form, actor=actor)
    study = version.study
    with open_act("export form", chain=study.chain_key, actor=actor, study_time=clock.study_now(study)) as act:
        act.note("Export", act.id, "export", delta={"study": [study.oid], "form": [form], "format": ["csv"]})
    return lines
