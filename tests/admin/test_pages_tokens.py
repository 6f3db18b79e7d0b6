"""Contrast of the colour tokens, computed from the stylesheet: text 4.5, borders of fields, focus and glyphs 3.0."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).resolve().parents[2] / "config/static/dayzero/dayzero.css").read_text()
TONES = ("neutral", "info", "ok", "warn", "danger", "sealed")
TEXT = [
    *((ink, ground) for ink in ("ink", "text", "muted") for ground in ("surface", "sunken", "raised", "hover")),
    *((tone, f"{tone}-bg") for tone in TONES),
    *((tone, "surface") for tone in TONES),
    *((f"gr{grade}t", f"gr{grade}") for grade in range(5)),
    ("brand", "surface"),
    ("brand", "brand-bg"),
    ("on-brand", "brand"),
]
EDGES = [("field", "surface"), ("focus", "surface"), ("focus", "sunken"), ("brand", "sunken")]


def tokens(selector: str) -> dict[str, str]:
    """Return the colours declared under a selector."""
    found = re.search(rf"^{re.escape(selector)}\{{(.*?)\}}", CSS, re.DOTALL | re.MULTILINE)
    assert found
    return dict(re.findall(r"--([a-z0-9-]+):(#[0-9a-f]{6})", found[1]))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_defines_it() -> None:
    assert contrast("#ffffff", "#000000") == 21
    assert round(contrast("#ffffff", "#767676"), 2) == 4.54


@pytest.mark.parametrize("selector", [":root", ".dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT, ids=str)
def test_text_stands_out_from_its_ground(selector: str, ink: str, ground: str) -> None:
    colours = tokens(":root") | tokens(selector)
    assert contrast(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("selector", [":root", ".dark"])
@pytest.mark.parametrize(("edge", "ground"), EDGES, ids=str)
def test_edges_of_controls_stand_out_from_their_ground(selector: str, edge: str, ground: str) -> None:
    colours = tokens(":root") | tokens(selector)
    assert contrast(colours[edge], colours[ground]) >= 3


def test_every_rule_of_the_stylesheet_uses_tokens_for_its_colours() -> None:
    rules = CSS[CSS.index("/* base") :]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", rules) == []


def test_no_text_is_smaller_than_twelve_pixels() -> None:
    sizes = [float(size) for size in re.findall(r"font-size:([\d.]+)px", CSS)]
    assert min(sizes) >= 12
