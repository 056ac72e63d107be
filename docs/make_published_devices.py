"""Draw applications beside published values: python docs/make_published_devices.py.

The numbers are those of the first block of the page, which is run here; dark bars are published ranges, pale ones the
tolerances of the tests where a single number is published.  The mark says what a row tests.
"""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from kapitza.plot import style as style_plots

DOCS = Path(__file__).resolve().parent
TOLERANCE = {  # of single numbers, as in tests/published/devices.toml
    "GaN": 0.2, "LaMnO₃": 0.4, "diamond": 0.1, "h-BN": 0.2, "nanocrystalline": 0.01, "leg": 0.3,
    "memory: saved at 20": 0.3, "memory: saved at 120": 0.1, "nanotube": 0.1, "helium": 0.05, "spin": 0.5,
}  # fmt: skip
MARKS = {  # what a row tests: mark, colour, face
    "prediction": ("o", "#0072B2", "#0072B2", "prediction"),
    "chosen number": ("D", "#D55E00", "white", "with a chosen number"),
    "identity": ("s", "0.45", "white", "identity of published numbers"),
}


def rows() -> list[tuple[str, float, float, float, str]]:
    """Name, our value, the published range, and what the row tests, as the page has them."""
    text = (DOCS / "theory" / "published-devices.md").read_text(encoding="utf-8")
    block = re.search(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    space: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(block[1], space)
    return [(*row, kind) for row, kind in zip(space["rows"], space["kinds"], strict=True)]


def main() -> None:
    """Draw our values over the published ones, a row for each."""
    held = rows()[::-1]
    figure = style_plots.new_figure(width=8.2, height=0.42 * len(held) + 1.1)
    ax = figure.subplots()
    named: set[str] = set()
    for i, (name, ours, low, high, kind) in enumerate(held):
        centre = (low + high) / 2
        share = next((t for start, t in TOLERANCE.items() if name.startswith(start)), 0.0) if low == high else 0.0
        left, right = low * (1 - share) / centre, high * (1 + share) / centre
        bar = "published value, with the tolerance of the test" if low == high else "published range"
        shade = "0.82" if low == high else "0.5"
        ax.plot(
            [left, right],
            [i, i],
            color=shade,
            lw=5,
            solid_capstyle="butt",
            label=None if bar in named else bar,
            zorder=1,
        )
        named.add(bar)
        ax.plot(1, i, "|", color="0.2", ms=13, mew=1.6)
        mark, colour, face, label = MARKS[kind]
        ax.plot(
            ours / centre, i, mark, color=colour, mfc=face, ms=6.5, label=None if kind in named else f"ours, {label}"
        )
        named.add(kind)
    ax.axvline(1, color="0.7", lw=0.8, zorder=0)
    ax.set_yticks(range(len(held)), [name for name, *_ in held], fontsize="small")
    ax.set(xlabel="our value over the published one, or over the middle of its range", xlim=(0.35, 1.75))
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.25, 1.0), ncol=2, fontsize="small")
    ax.grid(axis="x", alpha=0.3)
    figure.savefig(DOCS / "images" / "published-devices.png", dpi=150)


if __name__ == "__main__":
    main()
