"""The grid of CRS and ICANS: the worst grade of each study day, with its working on focus, and as a table."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from safety.selectors.grid import SCALES, Grid, GridCell, GridRow, assessments_grid
from trials.admin.site import site
from trials.admin.study_pages import StudyPage, crumb
from trials.domain.roles import Permission

MINUS = "\N{MINUS SIGN}"


class AssessmentsPage(StudyPage):
    """One row per participant and scale, one column per day; a number in every cell, unassessed days dashed."""

    permission = Permission.VIEW_SAFETY
    template_name = "safety/assessments.html"

    def get(self, request: HttpRequest, oid: str) -> HttpResponse:
        study = self.get_study(oid)
        grid = assessments_grid(self.actor, study)
        as_table = request.GET.get("view") == "table"
        return self.show(
            title=_("CRS and ICANS"),
            crumbs=[crumb(oid, "study", oid)],
            study=study,
            grid=grid,
            days=[str(day).replace("-", MINUS) for day in grid.days],
            lines=list(table_lines(grid)) if as_table else list(heat_lines(grid)),
            as_table=as_table,
        )


def heat_lines(grid: Grid) -> Iterator[dict[str, object]]:
    """Yield the lines of the heat map: the cells of one participant and scale."""
    for row in grid.rows:
        for scale in SCALES:
            cells = [_cell(row, scale, day) for day in grid.days]
            yield {"row": row, "scale": scale, "cells": cells, "first": scale == SCALES[0]}


def _cell(row: GridRow, scale: str, day: int) -> dict[str, object]:
    """Return one cell: its grade, "?" where a blank could make it worse, nothing where nobody looked."""
    found = row.cells[scale].get(day)
    name = _("%(number)s %(scale)s Day %(day)s") % {"number": row.number, "scale": scale, "day": day}
    if found is None:
        word = _("not assessed") if day <= row.lived else _("not yet")
        return {"kind": "none" if day <= row.lived else "future", "label": f"{name}: {word}"}
    word = _("grade %s") % found.grade if found.grade is not None else _("not evaluable")
    working = " · ".join(f"{at} {text}" for _pk, at, text in found.records)
    return {
        "kind": "grade" if found.grade is not None else "unknown",
        "grade": found.grade,
        "at_least": found.at_least,
        "label": f"{name}: {word}. {working}",
        "record": found.records[-1][0],
    }


def table_lines(grid: Grid) -> Iterator[dict[str, object]]:
    """Yield the same cells as rows of a table."""
    for row in grid.rows:
        for scale in SCALES:
            for day, cell in sorted(row.cells[scale].items()):
                yield {"row": row, "scale": scale, "day": day, "cell": cell, "words": _words(cell)}


def _words(cell: GridCell) -> str:
    return "; ".join(f"{at} {text}" for _pk, at, text in cell.records)


site.register_page("studies/<str:oid>/assessments/", AssessmentsPage, "assessments")
