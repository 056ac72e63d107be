"""The theme of the documentation: every text stands out from every ground, and nothing comes from another host."""

import itertools
import re
from pathlib import Path

import pytest

THEME = Path(__file__).resolve().parents[2] / "docs" / "theme"
SHEET = (THEME / "style.css").read_text(encoding="utf-8")
COLORS = {name: pair for name, *pair in re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", SHEET)}
GROUNDS = ("page", "panel", "mark")
TEXTS = tuple(name for name in COLORS if name not in (*GROUNDS, "bar", "bar-ink", "line"))
PAIRS = [*itertools.product(TEXTS, GROUNDS), ("bar-ink", "bar")]


def luminance(color: str) -> float:
    """Relative luminance of `#rrggbb`, after the Web Content Accessibility Guidelines 2.2."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Ratio of the brighter to the darker, each with 5 % of glare."""
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def test_contrast_of_black_on_white_is_21() -> None:
    assert abs(contrast("#000000", "#ffffff") - 21) < 1e-12


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out(scheme: int) -> None:
    found = {pair: contrast(*(COLORS[name][scheme] for name in pair)) for pair in PAIRS}
    assert min(found.values()) >= 4.5, {pair: round(ratio, 2) for pair, ratio in found.items() if ratio < 4.5}


def test_no_color_beside_the_variables() -> None:
    """What is computed above is all that is shown."""
    rules = re.sub(r"/\*.*?\*/", "", SHEET, flags=re.DOTALL).split("}", 1)[1]
    texts = set(re.findall(r"[{;\s]color: ([^;}]+)", rules)) - {"inherit"}
    grounds = set(re.findall(r"background(?:-color)?: ([^;}]+)", rules))
    assert texts == {f"var(--{name})" for name in (*TEXTS, "bar-ink")}
    plain = {"none", "none !important", "#fff"}  # white below the figures
    assert grounds - plain == {f"var(--{name})" for name in (*GROUNDS, "bar")}


def test_nothing_comes_from_another_host() -> None:
    for path in THEME.iterdir():
        text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"(src|href)=\"(https?:)?//|url\(|@import|fetch\(", text), path.name


def test_theme_is_small() -> None:
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in THEME.iterdir()) <= 600
