"""Write the page "Measured pairs, atom by atom" and its figure: python docs/make_pairs_page.py.

The conductances are those of the data in the package, which `tools/pairs/compute.py` made; models and measured values
are of the package too.
"""

# ruff: noqa: E501  (the text of a page)

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
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
CAUSES = HERE.parent / "tools" / "pairs" / "causes.json"
MESH_ERROR = 1.05  # factor by which Green's functions on the mesh of a bound may miss
DRAWS = 1000  # of pairs, sources and samples


@frozen
class Comparison:
    """What models and experiments say of one interface at 300 K, MW m⁻² K⁻¹; None where they say nothing."""

    found: ComputedInterface
    dmm: float
    amm: float
    calibrated: float | None
    sources: tuple[tuple[float, ...], ...]  # samples of each source
    causes: Mapping[str, float]  # of causes.json

    @property
    def agf(self) -> float:
        """Emitted conductance by Green's functions."""
        return self.found.conductance(TEMPERATURE).value.item() / MW

    @property
    def median(self) -> float | None:
        """Median over the sources, of each the median of its samples."""
        return float(np.median([np.median(one) for one in self.sources])) if self.sources else None

    def with_electrons(self, key: str) -> float | None:
        """A conductance of causes.json with the resistance between electrons and lattice of a metal."""
        value = self.causes.get(key)
        return None if value is None else 1 / (1 / value + self.causes.get("electrons", 0.0) / 1e3)


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
    causes = json.loads(CAUSES.read_text(encoding="utf-8")).get(f"{found.left}-{found.right}", {})
    return Comparison(found, models["dmm"], models["amm"], best, measured_values(found.left, found.right), causes)


def measured_values(left: str, right: str) -> tuple[tuple[float, ...], ...]:
    """Values at 300 K of the samples without layers between, for each source of the catalogue."""
    sources: dict[str, list[float]] = {}
    for one in published_measurements(left, right):
        near = np.abs(one.conductance.temperature / TEMPERATURE - 1) < WINDOW
        if not one.exclusion and near.any():
            sources.setdefault(one.citation, []).append(float(one.conductance.value[near][0]) / MW)
    return tuple(tuple(values) for values in sources.values())


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
        across = (
            "mean, site by site" if one.kind == "sites" else f"{one.kind}, {stiffness(one)}, {SOURCES[one.stiffness]}"
        )
        cells = [one.name.replace("|", "/"), across, f"{100 * one.strain:.1f} %", f"{one.area / angstrom**2:.1f}"]
        cells += [number(value) for value in values.tolist()]
        lines.append(row([*cells, f"{100 * one.error.max():.1f} %", f"{one.seconds:.0f}"]))
    return "\n".join(lines)


SOURCES = {"potential": "Nequix", "mean": "planes in series", "": ""}


def stiffness(one: ComputedInterface) -> str:
    """Stiffness of a contact along and across the normal, in 10²⁰ N m⁻³."""
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
        seen = "–" if one.median is None else f"{one.median:.3g} ({len(one.sources)})"
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
        for kind in ("sites", "continued", "springs") if any(values[3] == kind for values in known)
    }  # fmt: skip
    named = {"sites": "site by site", "continued": "as continued crystals", "springs": "by springs"}
    by_kind = ", ".join(f"{value:.2f} for those that join {named[kind]}" for kind, value in kinds.items())
    better = "better than" if agf < dmm else "no better than"
    return (
        f"Of the {len(rows)} interfaces {len(known)} were measured near 300 K.  The median factor between Green's functions and the median of the "
        f"sources is **{agf:.2f}** ({by_kind}), {better} the **{dmm:.2f}** of the diffuse mismatch model with the full bands of the same crystals; Green's functions are nearer for "
        f"{best} of {len(known)}, and below the measured value for {low}."
    )


COLUMNS: tuple[tuple[str, Callable[[Comparison], float | None]], ...] = (
    ("springs", lambda one: one.causes.get("springs", one.agf if one.found.kind != "continued" else None)),
    ("AGF", lambda one: one.agf),
    ("AGF, local", lambda one: one.causes.get("agf local")),
    ("AGF, seen", lambda one: one.causes.get("agf seen")),
    ("AGF, seen, electrons", lambda one: one.with_electrons("agf seen")),
    ("DMM", lambda one: one.dmm),
    ("DMM, local", lambda one: one.causes.get("dmm local")),
    ("DMM, seen", lambda one: one.causes.get("dmm seen")),
    ("DMM, seen, electrons", lambda one: one.with_electrons("dmm seen")),
)


def cause_table(rows: Sequence[Comparison]) -> str:
    """Contact, drop and electrons, one after another, and the median factor of each to measured values."""
    head = ["interface", *(name for name, _ in COLUMNS), "measured"]
    lines = [row(head), "|---" * len(head) + "|"]
    known = [one for one in rows if one.median is not None]
    for one in known:
        names = f"{one.found.left}/{one.found.right}"
        lines.append(row([names, *(number(value(one)) for _, value in COLUMNS), number(one.median)]))
    factors = [column_factors(known, value) for _, value in COLUMNS]
    lines.append(row(["**median factor**", *(f"**{np.median(one):.2f}** ({len(one)})" for one in factors), ""]))
    return "\n".join(lines)


def column_factors(known: Sequence[Comparison], value: Callable[[Comparison], float | None]) -> list[float]:
    """Factors to the measured values, where there is a value."""
    return [factor(found, one.median) for one in known if (found := value(one)) is not None and one.median is not None]


def bound_table(rows: Sequence[Comparison]) -> str:
    """What can cross at most."""
    keys = ("same wave vector", "same wave vector seen", "elastic", "elastic seen", "any")
    head = ["interface", "AGF", "same wave vector", "as seen", "same frequency", "as seen", "any frequency", "measured"]
    lines = [row(head), "|---" * len(head) + "|"]
    for one in rows:
        names = f"{one.found.left}/{one.found.right}"
        coarse = factor(one.causes.get("same wave vector, crossing", one.agf), one.agf) > MESH_ERROR
        cells = [number(None if coarse and key.startswith("same") else one.causes.get(key)) for key in keys]
        lines.append(row([names, number(one.agf), *cells, number(one.median)]))
    return "\n".join(lines)


def probe_table(rows: Sequence[Comparison]) -> str:
    """Inelastic exchange by probes."""
    head = ["interface", "emitted", "contacts taken off", "with scattering", "gain", "measured"]
    lines = [row(head), "|---" * len(head) + "|"]
    for one in rows:
        found = [one.causes.get(f"probes, {key}") for key in ("harmonic", "four-probe", "scattering")]
        if found[1] is not None and found[2] is not None:
            names = f"{one.found.left}/{one.found.right}"
            gain = f"{100 * (found[2] / found[1] - 1):+.0f} %"
            lines.append(row([names, *map(number, found), gain, number(one.median)]))
    return "\n".join(lines)


@frozen
class Spread:
    """Median factors of two models over draws of pairs, sources and samples."""

    first: tuple[float, float]  # interval of 95 %
    second: tuple[float, float]
    ratio: tuple[float, float]  # of both
    better: float  # share of draws in which the first one is nearer


def spread(
    rows: Sequence[Comparison],
    first: Callable[[Comparison], float | None],
    second: Callable[[Comparison], float | None],
) -> Spread:
    """Draw pairs, of each its sources, of these their samples; a single source varies as sources of others do."""
    rng = np.random.default_rng(20)
    known = [
        (one.sources, a, b)
        for one in rows
        if one.sources and (a := first(one)) is not None and (b := second(one)) is not None
    ]
    scatter = source_scatter(rows)
    found = np.empty((DRAWS, 2))
    for i in range(DRAWS):
        misses: list[tuple[float, float]] = []
        for j in rng.integers(len(known), size=len(known)):
            sources, one, other = known[j]
            values = [
                float(np.median(rng.choice(sources[k], len(sources[k]))))
                for k in rng.integers(len(sources), size=len(sources))
            ]
            seen = float(np.median(values)) * (np.exp(scatter * rng.normal()) if len(sources) == 1 else 1.0)
            misses.append((factor(one, seen), factor(other, seen)))
        found[i] = np.median(misses, axis=0)
    ends = [tuple(np.quantile(values, (0.025, 0.975)).tolist()) for values in (*found.T, found[:, 0] / found[:, 1])]
    return Spread(ends[0], ends[1], ends[2], float((found[:, 0] < found[:, 1]).mean()))


def source_scatter(rows: Sequence[Comparison]) -> float:
    """Standard deviation of the logarithm of sources about their mean, where an interface has several."""
    logs = [np.log([np.median(values) for values in one.sources]) for one in rows if len(one.sources) > 1]
    squares = sum(float(np.square(one - one.mean()).sum()) for one in logs)
    return float(np.sqrt(squares / sum(one.size - 1 for one in logs)))


def spread_text(rows: Sequence[Comparison]) -> str:
    """Intervals of the median factors, emitted and in one definition of the drop."""
    columns = dict(COLUMNS)
    texts: list[str] = []
    for what, one, other in (
        ("Emitted, as in the table above", "AGF", "DMM"),
        ("As an experiment sees them, with electrons", "AGF, seen, electrons", "DMM, seen, electrons"),
    ):
        found = spread(rows, columns[one], columns[other])
        middle = [np.median(column_factors([x for x in rows if x.sources], columns[name])) for name in (one, other)]
        texts.append(
            f"{what}: AGF {middle[0]:.2f} ({found.first[0]:.2f} to {found.first[1]:.2f}), DMM {middle[1]:.2f} "
            f"({found.second[0]:.2f} to {found.second[1]:.2f}), ratio of both {found.ratio[0]:.2f} to {found.ratio[1]:.2f}; "
            f"AGF is nearer in {100 * found.better:.0f} % of the draws."
        )
    return "\n".join(f"* {text}" for text in texts)


def without_sites(rows: Sequence[Comparison]) -> tuple[float, float, int]:
    """Median factors of Green's functions and of diffuse mismatch where lattices differ, and of how many."""
    known = [one for one in rows if one.sources and one.found.kind != "sites"]
    columns = dict(COLUMNS)
    agf, dmm = (float(np.median(column_factors(known, columns[name]))) for name in ("AGF", "DMM"))
    return agf, dmm, len(known)


def choice_text(rows: Sequence[Comparison]) -> str:
    """What other choices of the contact change."""
    texts = [
        f"{one.found.left}/{one.found.right} {one.agf:.3g}, {one.causes['twice the spread']:.3g} with twice the spread of the sites, "
        f"{one.causes['half the stiffness']:.3g} with half the stiffness"
        for one in rows
        if "twice the spread" in one.causes
    ]
    return "; ".join(texts)


def strain_text(rows: Sequence[Comparison]) -> str:
    """What the strain of a metal changes."""
    texts = [
        f"{one.found.left}/{one.found.right} ({100 * one.found.strain:.1f} %) {one.causes['aluminium, strained']:.3g} in place of "
        f"{one.causes['aluminium, own lattice']:.3g}"
        for one in rows
        if "aluminium, strained" in one.causes
    ]
    return "; ".join(texts)


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
        samples = np.concatenate(one.sources)
        label = "measured, each sample" if one is known[0] else None
        axes.plot(samples, 0 * samples + one.agf, "|-", color="0.35", lw=0.9, ms=6, mew=0.9, zorder=1, label=label)
        axes.annotate(
            f"{one.found.left}/{one.found.right}", (samples.min(), one.agf), (-7, 0), textcoords="offset points",
            ha="right", va="center", fontsize=7, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(0.5 * ends[0], 3 * ends[1]),
        xlabel="measured at 300 K, median of the sources (MW m⁻² K⁻¹)",
        ylabel="computed, emitted (MW m⁻² K⁻¹)",
    )
    axes.legend(frameon=False)
    figure.savefig(FIGURE, dpi=130)


def page(rows: Sequence[Comparison]) -> str:
    """Text of the page."""
    found = [one.found for one in rows]
    text = (HERE / "pairs-page.txt").read_text(encoding="utf-8")
    return text.format(
        agf=agf_table(found), comparison=comparison_table(rows), summary=summary(rows), count=len(rows),
        causes=cause_table(rows), bounds=bound_table(rows), probes=probe_table(rows), spread=spread_text(rows),
        scatter=f"{np.exp(source_scatter(rows)):.2f}", without=without_sites(rows), choices=choice_text(rows),
        strain=strain_text(rows),
    )  # fmt: skip


def main() -> None:
    """Write page and figure."""
    rows = [compare(found) for found in interfaces()]
    PAGE.write_text(page(rows), encoding="utf-8")
    draw(rows)


if __name__ == "__main__":
    main()
