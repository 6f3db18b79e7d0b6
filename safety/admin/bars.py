"""The bar of a DLT window as SVG: days 0 to N on one axis for all rows, drawn without script."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from safety.selectors.board import BoardRow, EpisodeBar

WIDTH, LEFT, SPAN = 420, 8, 404
TOP, HEIGHT = 16, 14


def place(day: float, days: int) -> float:
    """Return the position of a day on the axis, kept within it.

    >>> place(0, 28), place(28, 28), place(40, 28)
    (8.0, 412.0, 412.0)
    """
    return round(LEFT + SPAN * min(max(day, 0), days) / days, 1)


def axis(days: int) -> SafeString:
    """Return the head of the column: each week's day."""
    marks = format_html_join(
        "",
        '<text x="{}" y="11" text-anchor="{}">{}</text>',
        (
            (
                place(day, days),
                "start" if day == 0 else "end" if day == days else "middle",
                _("Day 0") if day == 0 else day,
            )
            for day in range(0, days + 1, 7)
        ),
    )
    return format_html(
        '<svg class="dz-axis" width="100%" viewBox="0 0 {} 14" aria-hidden="true">{}</svg>', WIDTH, marks
    )


def window_bar(row: BoardRow, days: int, summary: str) -> SafeString:
    """Return one bar: dashed the whole window, filled what was lived, CRS inside, ICANS under, candidates above."""
    parts = [
        format_html('<rect class="dz-w-all" x="{}" y="{}" width="{}" height="{}" rx="3"/>', LEFT, TOP, SPAN, HEIGHT)
    ]
    if row.day is not None:
        lived = max(place(row.day, days) - LEFT, 2)
        parts.append(
            format_html(
                '<rect class="dz-w-lived dz-w-{}" x="{}" y="{}" width="{}" height="{}" rx="3"/>',
                row.status, LEFT, TOP, lived, HEIGHT,
            )
        )  # fmt: skip
    parts.extend(_marks(row, days))
    body = format_html_join("", "{}", ((part,) for part in parts))
    return format_html(
        '<svg class="dz-window" width="100%" viewBox="0 0 {} 40" role="img" aria-label="{}">{}</svg>',
        WIDTH,
        summary,
        body,
    )


def _marks(row: BoardRow, days: int) -> Iterator[SafeString]:
    for episode in row.episodes:
        yield _episode(episode, days)
    for candidate, day in row.candidates:
        if day is None:
            continue  # an event whose onset is not known has no place on the axis; the list beside it holds it
        x = place(day, days)
        kind = "cand" if candidate.state == "candidate" else "hour"
        yield format_html('<use class="dz-w-mark" href="#g-{}" x="{}" y="0" width="14" height="14"/>', kind, x - 7)
    if row.day is not None and (row.left is None or row.left >= 0):
        x = place(row.day, days)
        yield format_html('<line class="dz-w-today" x1="{}" y1="{}" x2="{}" y2="{}"/>', x, TOP - 4, x, TOP + HEIGHT + 8)


def _episode(episode: EpisodeBar, days: int) -> SafeString:
    x = place(episode.first, days)
    words = f"{episode.scale} {episode.shown}: {episode.working}"
    if not episode.settled:
        words = f"{words} · {_('not settled: an assessment that is not evaluable could raise the grade')}"
    width = max(place(episode.last + 0.5, days) - x, 14 if episode.scale == "CRS" else 8)
    if episode.scale == "ICANS":
        return format_html(
            '<rect class="dz-w-gr{}" x="{}" y="{}" width="{}" height="6" rx="2"><title>{}</title></rect>',
            episode.grade, x, TOP + HEIGHT + 2, width, words,
        )  # fmt: skip
    return format_html(
        '<g><title>{}</title><rect class="dz-w-gr{}" x="{}" y="{}" width="{}" height="{}" rx="2"/>'
        '<text class="dz-w-n{}" x="{}" y="{}">{}</text></g>',
        words, episode.grade, x, TOP, width, HEIGHT, episode.grade, x + 4, TOP + 11, episode.shown,
    )  # fmt: skip
