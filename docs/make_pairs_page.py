"""Write the page "Measured pairs, atom by atom" and its figure: python docs/make_pairs_page.py.

The conductances are those of the data in the package, which `tools/pairs/compute.py` made; models and measured values
are of the package too.
"""

# ruff: noqa: E501  (the text of a page)

import warnings
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import numpy as np
from attrs import frozen

import kapitza
from kapitza.errors import InputError, ValidityWarning
from kapitza.measure.calibration.estimate import calibrated_conductance
from kapitza.measure.interface import published_measurements
from kapitza.plot.style import new_figure
from kapitza.routes import ComputedInterface, computed_interface, list_computed_interfaces
from kapitza.units import MW, angstrom

HERE = Path(__file__).resolve().parent
PAGE, FIGURE = HERE / "theory" / "measured-pairs.md", HERE / "images" / "measured-pairs.png"
TEMPERATURE = 300.0  # K
WINDOW = 0.05  # relative: measured temperatures that count as this one


@frozen
class Comparison:
    """What models and experiments say of one interface at 300 K, MW m⁻² K⁻¹; None where they say nothing."""

    found: ComputedInterface
    dmm: float
    amm: float
    calibrated: float | None
    measured: tuple[float, ...]  # one value a source: the median of its samples

    @property
    def agf(self) -> float:
        """Emitted conductance by Green's functions."""
        return self.found.conductance(TEMPERATURE).value.item() / MW

    @property
    def median(self) -> float | None:
        """Median over the sources."""
        return float(np.median(self.measured)) if self.measured else None


def interfaces() -> list[ComputedInterface]:
    """All interfaces of the package."""
    found = [computed_interface(*pair) for pair in list_computed_interfaces()]
    return [one for one in found if one is not None]


def compare(found: ComputedInterface) -> Comparison:
    """Models and measurements beside the Green's functions of an interface."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)
        models = {
            one.model: one.emitted.value.item() / MW
            for one in kapitza.predict(found.left, found.right, [TEMPERATURE], ["dmm", "amm"]).models
        }
        try:
            best = calibrated_conductance(found.left, found.right, [TEMPERATURE]).conductance.value.item() / MW
        except InputError:
            best = None
    return Comparison(found, models["dmm"], models["amm"], best, measured_values(found.left, found.right))


def measured_values(left: str, right: str) -> tuple[float, ...]:
    """One value at 300 K for each source of the catalogue: the median of its samples without layers between."""
    sources: dict[str, list[float]] = {}
    for one in published_measurements(left, right):
        near = np.abs(one.conductance.temperature / TEMPERATURE - 1) < WINDOW
        if not one.exclusion and near.any():
            sources.setdefault(one.citation, []).append(float(one.conductance.value[near][0]) / MW)
    return tuple(float(np.median(values)) for values in sources.values())


def factor(value: float, wanted: float) -> float:
    """By what factor a value misses another, at least 1."""
    return float(np.exp(np.abs(np.log(value / wanted))))


def number(value: float | None) -> str:
    """A conductance in a table."""
    return "–" if value is None else f"{value:.3g}"


def row(cells: Sequence[object]) -> str:
    """One row of a table."""
    return "| " + " | ".join(map(str, cells)) + " |"


def agf_table(found: Sequence[ComputedInterface]) -> str:
    """Conductance against temperature, with what it rests on."""
    head = [
        "interface",
        "across",
        "strain",
        "cell (Å²)",
        "50 K",
        "100 K",
        "200 K",
        "300 K",
        "500 K",
        "error",
        "CPU (s)",
    ]
    lines = [row(head), "|---" * len(head) + "|"]
    for one in found:
        values = one.conductance([50, 100, 200, 300, 500]).value / MW
        across = "mean, site by site" if one.kind == "sites" else f"springs {stiffness(one)}, {SPRINGS[one.springs]}"
        cells = [one.name.replace("|", "/"), across, f"{100 * one.strain:.1f} %", f"{one.area / angstrom**2:.1f}"]
        cells += [number(value) for value in values.tolist()]
        lines.append(row([*cells, f"{100 * one.error.max():.1f} %", f"{one.seconds:.0f}"]))
    return "\n".join(lines)


SPRINGS = {"potential": "Nequix", "mean": "planes in series", "": ""}


def stiffness(one: ComputedInterface) -> str:
    """Stiffness of springs along and across the normal, in 10²⁰ N m⁻³."""
    assert one.normal is not None
    assert one.shear is not None
    return f"{one.normal / 1e20:.2g}/{one.shear / 1e20:.2g}"


def comparison_table(rows: Sequence[Comparison]) -> str:
    """Green's functions, models and measurements at 300 K."""
    head = [
        "interface",
        "AGF",
        "DMM, full bands",
        "AMM",
        "calibrated",
        "measured: median (sources)",
        "AGF off by",
        "DMM off by",
    ]
    lines = [row(head), "|---" * len(head) + "|"]
    for one in rows:
        seen = "–" if one.median is None else f"{one.median:.3g} ({len(one.measured)})"
        off = ["–", "–"] if one.median is None else [f"{factor(value, one.median):.2f}" for value in (one.agf, one.dmm)]
        names = f"{one.found.left}/{one.found.right}"
        lines.append(row([names, *map(number, (one.agf, one.dmm, one.amm, one.calibrated)), seen, *off]))
    return "\n".join(lines)


def summary(rows: Sequence[Comparison]) -> str:
    """Median factors by which Green's functions and the mismatch model miss measured values."""
    known = [(one.agf, one.dmm, one.median, one.found.kind) for one in rows if one.median is not None]
    agf, dmm = (np.median([factor(values[i], values[2]) for values in known]) for i in (0, 1))
    low = sum(values[0] < values[2] for values in known)
    best = sum(factor(values[0], values[2]) < factor(values[1], values[2]) for values in known)
    kinds = {
        kind: np.median([factor(values[0], values[2]) for values in known if values[3] == kind])
        for kind in ("sites", "springs") if any(values[3] == kind for values in known)
    }  # fmt: skip
    named = {"sites": "site by site", "springs": "by springs"}
    by_kind = " and ".join(f"{value:.2f} for those that join {named[kind]}" for kind, value in kinds.items())
    better = "better than" if agf < dmm else "no better than"
    return (
        f"Of the {len(rows)} interfaces {len(known)} were measured near 300 K.  The median factor between Green's functions and the median of the "
        f"sources is **{agf:.2f}** ({by_kind}), {better} the **{dmm:.2f}** of the diffuse mismatch model with the full bands of the same crystals; Green's functions are nearer for "
        f"{best} of {len(known)}, and below the measured value for {low}."
    )


def draw(rows: Sequence[Comparison]) -> None:
    """Computed against measured conductance at 300 K."""
    figure = new_figure(width=7.2, height=5.2)
    axes = figure.add_subplot()
    known = [one for one in rows if one.median is not None]
    x = np.array([one.median for one in known])
    ends = np.array([0.7 * min(x.min(), *(one.agf for one in known)), 1.4 * max(x.max(), *(one.dmm for one in known))])
    axes.plot(ends, ends, color="0.6", lw=1)
    for name, marker, values in (
        ("AGF", "o", [one.agf for one in known]),
        ("DMM, full bands", "^", [one.dmm for one in known]),
    ):
        axes.plot(x, values, marker, label=name, ms=6, mfc="none" if marker == "^" else None)
    for one, value in zip(known, x, strict=True):
        axes.plot([value, value], [one.agf, one.dmm], color="0.85", lw=0.8, zorder=0)
        name = f"{one.found.left}/{one.found.right}"
        axes.annotate(name, (value, one.agf), (-7, 0), textcoords="offset points", ha="right", va="center", fontsize=7)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="measured at 300 K, median of the sources (MW m⁻² K⁻¹)",
        ylabel="computed, emitted (MW m⁻² K⁻¹)",
    )
    axes.legend(frameon=False)
    figure.savefig(FIGURE, dpi=130)


def page(rows: Sequence[Comparison]) -> str:
    """Text of the page."""
    found = [one.found for one in rows]
    text = (HERE / "pairs-page.txt").read_text(encoding="utf-8")
    return text.format(agf=agf_table(found), comparison=comparison_table(rows), summary=summary(rows), count=len(rows))


def main() -> None:
    """Write page and figure."""
    rows = [compare(found) for found in interfaces()]
    PAGE.write_text(page(rows), encoding="utf-8")
    draw(rows)


if __name__ == "__main__":
    main()
