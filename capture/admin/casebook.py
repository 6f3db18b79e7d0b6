"""The casebook page: participants x visits, one cached string per state of a cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from capture.selectors.casebook import Casebook, CasebookRow, CasebookVisit, read_casebook
from trials.admin.site import site
from trials.admin.study_pages import StudyPage, crumb
from trials.definition.compiled import trial_definition
from trials.domain.roles import Permission
from trials.domain.vocabulary import status_of
from trials.models import StudyVersion
from trials.selectors.studies import latest_version
from trials.templatetags.dayzero import powers

TINTED = frozenset({"window_open", "in_progress", "closing", "overdue"})
"""States that can or must be acted on; everything else is a bare glyph."""

FILTERS = ("closing", "in_progress", "queries", "out_of_window", "overdue")


class CasebookPage(StudyPage):
    """State of every participant and visit at a glance; opens what is tinted."""

    permission = Permission.VIEW_RECORDS
    template_name = "capture/casebook.html"

    def get(self, request: HttpRequest, oid: str) -> HttpResponse:
        study = self.get_study(oid)
        book = read_casebook(study, actor=self.actor)
        rows = select_rows(book, request.GET)
        return self.show(
            title=_("Casebook"),
            crumbs=[crumb(oid, "study", oid)],
            study=study,
            heads=column_heads(book.columns, latest_version(study)),
            table=render_rows(book.columns, rows, anchor_of(latest_version(study))),
            shown=len(rows),
            total=len(book.rows),
            chips=chips(request, count_states(book)),
            find=request.GET.get("find", ""),
            conditions=sorted({row.condition for row in book.rows if row.condition}),
            condition=request.GET.get("condition", ""),
            legend=legend(),
            may_register=self.may(Permission.REGISTER_PARTICIPANT, study),
        )


def count_states(book: Casebook) -> dict[str, int]:
    """Count participants with at least one cell in each state that can be filtered for."""
    counts = dict.fromkeys(FILTERS, 0)
    for row in book.rows:
        for name in row_states(row) & set(FILTERS):
            counts[name] += 1
    return counts


def row_states(row: CasebookRow) -> set[str]:
    cells = [visit.cell for visit in (*row.visits.values(), *row.unscheduled)]
    return {cell.state for cell in cells} | ({"queries"} if any(cell.queries for cell in cells) else set())


def select_rows(book: Casebook, query: Mapping[str, Any]) -> list[CasebookRow]:
    """Return the rows that pass the filters of the address: ``find`` in the number, ``condition``, ``state``."""
    find, condition, state = (str(query.get(key, "")).strip() for key in ("find", "condition", "state"))
    return [
        row
        for row in book.rows
        if find.lower() in row.number.lower()
        and (not condition or row.condition == condition)
        and (state not in FILTERS or state in row_states(row))
    ]


def chips(request: HttpRequest, counts: Mapping[str, int]) -> list[dict[str, object]]:
    """Return the filter chips; each keeps the other filters and toggles its own."""
    words = {"queries": (_("With queries"), "flag", "warn")}
    found = []
    for name in FILTERS:
        word, glyph, tone = words.get(name) or _status_words(name)
        query = request.GET.copy()
        chosen = query.get("state") == name
        query.pop("state", None)
        if not chosen:
            query["state"] = name
        found.append(
            {
                "url": f"?{query.urlencode()}",
                "word": word,
                "glyph": glyph,
                "tone": tone,
                "n": counts[name],
                "on": chosen,
            }
        )
    return found


def _status_words(name: str) -> tuple[str, str, str]:
    status = status_of("visit", name)
    return _(status.word), status.glyph, status.tone


def legend() -> list[tuple[str, str, str]]:
    """Return glyph, tone and word of every state that a cell can show."""
    names = (
        "not_due", "planned", "window_open", "closing", "in_progress", "complete", "out_of_window", "overdue", "missed",
        "not_applicable",
    )  # fmt: skip
    return [(status.glyph, status.tone, _(status.word)) for status in (status_of("visit", name) for name in names)]


def column_heads(columns: Iterable[str], version: StudyVersion | None) -> list[dict[str, object]]:
    """Return the head of each column: code, window in study days, whether Day 0 begins there."""
    visits = {visit.code: visit for visit in trial_definition(version).visits} if version else {}
    heads = []
    for code in columns:
        visit = visits.get(code)
        window = "" if visit is None or visit.opens is None else _days(visit.opens, visit.closes)
        label = visit.label if visit else code
        heads.append(
            {"code": _minus(code), "label": label, "window": window, "anchor": bool(visit and visit.target == 0)}
        )
    return heads


def _days(opens: int, closes: int | None) -> str:
    if opens == closes:
        return _minus(str(opens))
    return f"{_minus(str(opens))}…{_minus(str(closes))}"


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def anchor_of(version: StudyVersion | None) -> str:
    """Return the code of the visit that Day 0 is, before which the matrix draws its line."""
    visits = trial_definition(version).visits if version else ()
    return next((visit.code for visit in visits if visit.target == 0), "")


def band_order(row: CasebookRow) -> tuple[bool, str, int, str]:
    """Return the place of a row: the highest dose level first, whoever has none last."""
    return (not row.dose, row.arm, -row.dose_number, row.number)


def render_rows(columns: tuple[str, ...], rows: Iterable[CasebookRow], anchor: str = "") -> SafeString:
    """Return the body of the matrix, grouped by arm and dose level, as one string joined from cached cells."""
    language = get_language() or ""
    parts: list[str] = []
    last: tuple[str, int] | None = None
    for row in sorted(rows, key=band_order):
        band = (row.arm, row.dose_number)
        if band != last:
            last = band
            parts.append(_band(row, len(columns)))
        parts.append(_render_row(columns, row, language, anchor))
    return mark_safe("".join(parts))  # noqa: S308 - every part is escaped by format_html


def _band(row: CasebookRow, width: int) -> str:
    label = f"{row.arm} · {powers(row.dose)}" if row.dose else _("No dose level yet")
    return format_html(
        '<tr class="dz-band"><th class="dz-f" scope="colgroup">{}</th><td colspan="{}"></td></tr>', label, width + 4
    )


def _render_row(columns: tuple[str, ...], row: CasebookRow, language: str, anchor: str) -> str:
    cells = []
    for code in columns:
        visit = row.visits.get(code)
        start = '<td role="gridcell" class="dz-anchor">' if code == anchor else '<td role="gridcell">'
        cells.append(f"{start}{_cell(visit, row.number, language) if visit else ''}</td>")
    return _row_head(row, language) + "".join(cells) + _tail(row, language) + "</tr>"


def _row_head(row: CasebookRow, language: str) -> str:
    day = _("Day %(day)s") % {"day": _minus(str(row.study_day))} if row.study_day is not None else ""
    glyph, tone, word = _participant_words(row.state, language)
    return format_html(
        '<tr data-participant="{}"><th class="dz-f" scope="row"><a class="dz-b dz-t13" href="{}">{}</a> '
        '<span class="dz-m">{}</span><span class="dz-t12 dz-nw dz-block">'
        '<svg class="dz-g dz-{} dz-s" aria-hidden="true"><use href="#g-{}"/></svg> {}{}</span></th>',
        row.number, reverse("admin:participant", args=[row.id]), row.number, row.condition, tone, glyph, word,
        f" · {day}" if day else "",
    )  # fmt: skip


@lru_cache(maxsize=256)
def _participant_words(state: str, _language: str) -> tuple[str, str, str]:
    status = status_of("participant", state)
    return status.glyph, status.tone, _(status.word)


def _cell(visit: CasebookVisit, number: str, language: str) -> str:
    """Join a cell from its cached inside, and the two things that are its own: the visit and the participant."""
    cell = visit.cell
    before, after = _cell_inside(visit.code, cell.state, cell.small, cell.queries, language)
    link = f'<a data-visit="{visit.id}" href="/admin/visits/{visit.id}/"{before}'
    return f"{link}{conditional_escape(number)} {after}"


@lru_cache(maxsize=4096)
def _cell_inside(code: str, state: str, small: str, queries: int, _language: str) -> tuple[str, str]:
    status = status_of("visit", state)
    tint = f" dz-{status.tone}" if state in TINTED else f" dz-ink-{status.tone}"
    word = _(status.word)
    name = f"{_minus(code)}: {word}"
    if small:
        name += f", {small}"
    if queries:
        name += ", " + _("%(n)s open queries") % {"n": queries}
    after = format_html(
        '{}"><svg class="dz-g" aria-hidden="true"><use href="#g-{}"/></svg>{}{}</a>',
        name,
        status.glyph,
        format_html("<small>{}</small>", small) if small else "",
        format_html('<span class="dz-q">{}</span>', queries) if queries else "",
    )
    return f' class="dz-cell{tint}" tabindex="-1" aria-label="', str(after)


def _tail(row: CasebookRow, language: str) -> str:
    """Return the unscheduled visits and the columns of safety: worst CRS and ICANS grade, number of adverse events."""
    unscheduled = "".join(_unscheduled(visit, row.number, language) for visit in row.unscheduled)
    grades = "".join(_grade(name, row, edge) for name, edge in (("CRS", 1), ("ICANS", 2)))
    events = row.extra.get("AE") or 0
    link = format_html('<a href="{}">{}</a>', reverse("admin:log", args=[row.id, "AE"]), events) if events else "–"
    return f'<td class="dz-unscheduled">{unscheduled}</td>{grades}<td class="dz-mono dz-e3">{link}</td>'


def _unscheduled(visit: CasebookVisit, number: str, language: str) -> str:
    return _cell(visit, number, language)


def _grade(scale: str, row: CasebookRow, edge: int) -> str:
    grade, most = row.extra.get(scale), row.extra.get(f"{scale}_MOST")
    if grade is None:
        return f'<td class="dz-m dz-e{edge}">–</td>'
    url = reverse("admin:log", args=[row.id, scale])
    if most is not None and most > grade:
        label = escape(_("Worst %(scale)s grade at least %(grade)s, not settled") % {"scale": scale, "grade": grade})
        box = f'<a class="dz-gr dz-gr-unknown" href="{url}" aria-label="{label}">≥{grade}?</a>'
        return f'<td class="dz-e{edge}">{box}</td>'
    label = escape(_("Worst %(scale)s grade %(grade)s") % {"scale": scale, "grade": grade})
    return f'<td class="dz-e{edge}"><a class="dz-gr dz-gr{grade}" href="{url}" aria-label="{label}">{grade}</a></td>'


site.register_page("studies/<str:oid>/casebook/", CasebookPage, "casebook")
