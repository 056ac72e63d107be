"""Write the page "Models and experiment": every number in it, its tables and its figure come from this script.

Usage: python docs/make_experiment_page.py [--bands FOLDER]

With a folder of phonopy files (Al.yaml, Si.yaml, ...) the page also says what full bands change.
"""

# ruff: noqa: E501  (the text of a page)

import argparse
import textwrap
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from kapitza.errors import ValidityWarning
from kapitza.matter.bands import Bands
from kapitza.measure.catalogue import Measurement, measured
from kapitza.measure.compare import Comparison, compare, compare_all
from kapitza.theory.dmm import dmm
from kapitza.units import MW, GPa

HERE = Path(__file__).resolve().parent
PAGE = HERE / "theory" / "experiment.md"
FIGURE, ROWS = HERE / "images" / "experiment.png", HERE / "images" / "experiment-rows.png"
TEMPERATURE = 300.0
FILES = {  # phonopy files of the folder by the names of the library
    "Al": "Al.yaml",
    "Al2O3": "Al2O3.yaml",
    "AlN": "AlN_wurtzite.yaml",
    "Cr": "Cr.yaml",
    "GaN": "GaN_wurtzite.yaml",
    "Ge": "Ge.yaml",
    "Si": "Si.yaml",
    "ZnO": "ZnO.yaml",
    "diamond": "C_diamond.yaml",
}
SCORED = ("amm", "amm-crystal", "dmm", "dmm-crystal")


def number(value: float | None) -> str:
    """A conductance in MW m⁻² K⁻¹ with three digits."""
    if value is None:
        return "–"
    value /= MW
    return "∞" if np.isinf(value) else f"{value:.3g}" if value < 1000 else f"{round(value, -1):.0f}"


def times(value: float | None) -> str:
    """A factor; 1 is exactly inside."""
    if value is None:
        return "–"
    return "1" if value == 1 else f"{value:.2f}" if value < 2 else f"{value:.2g}" if value < 10 else f"{value:.0f}"


def published(one: Comparison) -> str:
    """The interval of published values, or the only one."""
    if one.interval is not None:
        return " – ".join(map(number, one.interval))
    return number(one.median)


def find(all_: Iterable[Comparison], left: str, right: str) -> Comparison:
    """The comparison of two sides."""
    return next(one for one in all_ if {one.left, one.right} == {left, right})


def factors(all_: Iterable[Comparison], model: str) -> np.ndarray:
    """(n,) factors of a model where it has one."""
    known = [one for one in all_ if any(p.model == model for p in one.predictions)]
    return np.array([f for one in known if (f := one.factor(model)) is not None])


def summary(all_: Sequence[Comparison]) -> str:
    """Table of the models that are scored."""
    titles = {p.model: p.title for one in all_ for p in one.predictions}
    lines = [
        "| model | intervals | inside | below | above | median factor | largest factor |",
        "|---|---|---|---|---|---|---|",
    ]
    for model in SCORED:
        f = factors(all_, model)
        lines.append(
            f"| {titles[model]} | {f.size} | {(f == 1).sum()} | {(f < 1).sum()} | {(f > 1).sum()} "
            f"| {times(float(np.median(f)))} | {times(float(f.max()))} |"
        )
    return "\n".join(lines)


def table(all_: Sequence[Comparison]) -> str:
    """Table of all interfaces."""
    lines = [
        (
            "| interface | published | values | AMM emitted | AMM extrapolated | factor | DMM emitted | DMM extrapolated "
            "| factor | elastic limit |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in all_:
        acoustic, diffuse, limit = (one.prediction(name) for name in ("amm", "dmm", "elastic-limit"))
        cells = (
            f"{one.left}/{one.right}",
            published(one),
            str(len(one.direct)),
            number(acoustic.emitted),
            number(acoustic.extrapolated),
            times(one.factor("amm")),
            number(diffuse.emitted),
            number(diffuse.extrapolated),
            times(one.factor("dmm")),
            number(limit.emitted),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def aside(all_: Sequence[Comparison]) -> str:
    """Table of the values that are shown but not scored."""
    lines = ["| interface | published | why it is not scored |", "|---|---|---|"]
    for one in all_:
        reasons: dict[str, list[float]] = {}
        for value in one.published:
            if value.measurement.exclusion:
                reasons.setdefault(value.measurement.exclusion, []).append(value.value)
        for why, values in reasons.items():
            shown = " – ".join(number(v) for v in sorted({min(values), max(values)}))
            lines.append(f"| {one.left}/{one.right} | {shown} | {why} |")
    return "\n".join(lines)


def sources() -> str:
    """List of everything that was measured."""
    cited = {entry.doi: entry for entry in measured()}
    seen = {entry.doi: entry.provenance for entry in measured() if entry.provenance in ("full text", "abstract")}
    lines = (
        f"- {entry.citation}, [{doi if doi.startswith('https') else f'doi:{doi}'}]({entry.address})"
        + (f" ({seen[doi]} read)" if doi in seen else "")
        for doi, entry in sorted(cited.items(), key=lambda item: item[1].citation)
    )
    return "\n".join(lines)


def series(all_: Sequence[Comparison], right: str, model: str) -> str:
    """Factors of a model for all films on one substrate."""
    found = [(one.left, one.factor(model)) for one in all_ if one.right == right]
    return ", ".join(f"{left} {times(f)}" for left, f in found if f is not None)


def where(all_: Sequence[Comparison]) -> str:
    """The paragraphs on where which model fails."""
    spreads = sorted((one.spread or 1.0, f"{one.left}/{one.right}") for one in all_ if one.interval)
    wide = ", ".join(f"{name} {times(value)}" for value, name in spreads[:-6:-1])
    al_si, al_sapphire = find(all_, "Al", "Si"), find(all_, "Al", "Al2O3")
    pb, bi = find(all_, "Pb", "diamond"), find(all_, "Bi", "diamond")
    gan = find(all_, "GaN", "diamond")
    diffuse, oxide = al_si.prediction("dmm"), [
        v for v in al_si.published if v.measurement.interlayer in ("native SiO2", "conformal SiO2")
        and v.measurement.condition != "irradiated"
    ]  # fmt: skip
    ratio = np.median([one.prediction("dmm").extrapolated / one.prediction("dmm").emitted for one in all_])
    epitaxial = [
        (f"{e.left}/{e.right}", find(all_, e.left, e.right).factor("dmm"), e.conductance.value[i])
        for e in measured(temperature=TEMPERATURE)
        if "epitaxial" in e.state and not e.exclusion and e.provenance != "compilation"
        for i in e.near(TEMPERATURE)[:1]
    ]
    grown = "; ".join(f"{name} {number(value)}, factor {times(f)}" for name, f, value in epitaxial if f is not None)
    soft = [
        (one.interval or (one.median, one.median), one.prediction("elastic-limit"), one.prediction("inelastic-limit"))
        for one in (pb, bi)
    ]
    au = find(all_, "Au", "Si")
    ti = max(v.value for v in au.published if v.measurement.interlayer == "Ti adhesion layer")
    return f"""
**Debye spectra carry too much heat.** The library knows materials by their density, speeds of sound and atoms; a Debye
spectrum continues these speeds up to a cutoff that holds one mode for each atom and branch.  Real branches bend down and
optical ones hardly move, so that the modes of a real solid, and with them every conductance at 300 K, are fewer.  The
DMM with Debye spectra lies above the published interval in {(factors(all_, "dmm") > 1).sum()} of
{factors(all_, "dmm").size} cases, by a median factor of {times(float(np.median(factors(all_, "dmm"))))}.  It is a formula
for low temperatures, used here outside of its range.

**The conversion of the drop makes it worse, and is right all the same.** What thermoreflectance measures on thick films
is the extrapolated drop.  The conversion raises the DMM by a factor {ratio:.2f} in the median: Al/Si from
{number(diffuse.emitted)} to {number(diffuse.extrapolated)} MW m⁻² K⁻¹, against {published(al_si)} published.  A comparison of the
emitted conductance with a measurement lets one error partly hide the other.  See
[Three temperature drops](drops.md).

**Soft metals on diamond need an inelastic channel.** No elastic process can carry phonons above the cutoff of the soft
side.  For Pb/diamond the elastic limit is {number(soft[0][1].emitted)} MW m⁻² K⁻¹ (extrapolated
{number(soft[0][1].extrapolated)}), and up to {number(soft[0][0][1])} was published; the inelastic radiation limit,
{number(soft[0][2].emitted)}, is far above both.  Bi on hydrogen-terminated diamond shows
{number(soft[1][0][1])} MW m⁻² K⁻¹ with an elastic limit of {number(soft[1][1].emitted)}: no proof there, although the
AMM with {number(bi.prediction("amm").extrapolated)} stays below it too.  The AMM reaches {times(pb.factor("amm"))} of the
lowest value for Pb/diamond.  That the DMM lands inside ({times(pb.factor("dmm"))}) says little, as it is within
{100 * (1 - pb.prediction("dmm").emitted / pb.prediction("elastic-limit").emitted):.0f} % of the elastic limit: nearly
every phonon that diamond sends below the cutoff of lead crosses.

**Weak bonds are outside the range of both models.** AMM and DMM assume welded sides.  On the basal plane of graphite, held by
van der Waals forces and treated here as an isotropic solid, the DMM is too high by these factors:
{series(all_, "graphite", "dmm")}; the AMM of the anisotropic crystal by {series(all_, "graphite", "amm-crystal")}.
Van der Waals bonded GaN/diamond is off by {times(gan.factor("dmm"))} (DMM) and {times(gan.factor("amm"))} (AMM).  The
remedy is a bond of finite stiffness, see [Describe an imperfect bond](../how-to/imperfect-bond.md).

**Oxides, roughness and adhesion layers belong to the sample, not to the pair of materials.** For Al/Si without known
oxide {published(al_si)} MW m⁻² K⁻¹ was published, with native or etched oxide
{number(min(v.value for v in oxide))} to {number(max(v.value for v in oxide))}.  A titanium layer lifts Au/Si from
{number(au.median)} to {number(ti)}.  Such values are listed below but not scored.  The largest spreads, highest over
lowest value, are: {wide}.  On diamond they follow the termination of the surface and the adhesion of the film.

**Epitaxial interfaces are closest to the models**, and they too conduct less than Debye spectra predict: {grown}
(MW m⁻² K⁻¹ published, and the factor of the DMM to the whole interval).  Al/sapphire is the best studied of all:
{len(al_sapphire.direct)} values from {published(al_sapphire)}, DMM {number(al_sapphire.prediction("dmm").extrapolated)},
AMM {number(al_sapphire.prediction("amm").extrapolated)}.

**AMM or DMM?** At room temperature neither assumption, perfect planes or complete diffusion, has a right to be true.  The
AMM is at least as near to the published interval in {nearer(all_)} of {factors(all_, "amm").size} cases, mostly where the
sides differ much, as it lets less through there.  With a Debye spectrum on both sides that is no verdict on either.
"""


def reflow(text: str) -> str:
    """Paragraphs filled to the line length of the other pages."""
    return "\n\n".join(textwrap.fill(part, 120, break_long_words=False) for part in text.strip().split("\n\n"))


def nearer(all_: Sequence[Comparison]) -> int:
    """In how many cases the AMM is at least as near to the interval as the DMM."""
    pairs = [(one.factor("amm"), one.factor("dmm")) for one in all_ if one.interval]
    return sum(abs(np.log(a)) <= abs(np.log(b)) for a, b in pairs if a is not None and b is not None)


def counts(everything: Sequence[Measurement]) -> str:
    """The item that says how many values were read where."""
    full, abstract, compiled, quoted = (
        sum(e.provenance == level for e in everything) for level in ("full text", "abstract", "compilation", "quoted")
    )
    text = (
        f"* **Published values** come from the catalogue of the package: {len(everything)} measurements, {full} of them "
        f"read in a full text, {abstract} in an abstract, {compiled} in a compilation that names the source, and {quoted} "
        "quoted in another work.  Values from 285 to 315 K count.  Uncertainties widen an interval where the source was "
        "seen to state one; elsewhere they are unknown, and the spread between laboratories takes their place."
    )
    return textwrap.fill(text, 120, subsequent_indent="  ")


def page(every: Sequence[Comparison], all_: Sequence[Comparison], bands: str) -> str:
    """The whole page."""
    scored = sum(one.interval is not None for one in all_)
    everything = measured()
    high = max(e.pressure for e in everything) / GPa
    return f"""# Models and experiment

<!-- written by docs/make_experiment_page.py: change the script, not this page -->

How far are the models from experiment? This page compares every model that needs no free parameter against the
published conductance of {len(all_)} interfaces at {TEMPERATURE:g} K.

```python
from kapitza.measure.compare import compare

found = compare("Al", "Si", temperature=300)
print(found.interval)  # (lowest, highest) published value, W/m²K
print(found.prediction("dmm").emitted, found.prediction("dmm").extrapolated)
print(found.factor("dmm"))  # 1 inside of the interval, else the ratio to its nearest end
```

## How it is done

{counts(everything)}
* **A model is scored against the interval**, never against a single number: an interface with one value and no stated
  uncertainty has no interval and gets no score.  {scored} of {len(all_)} interfaces have one.
* **Only the extrapolated conductance is scored**, as thermoreflectance extrapolates the profiles of both sides to the
  interface.  The models give it by the gray estimate of Milne's problem; the emitted one is listed as well.
* **Set aside** are contacts that two solids in contact do not describe: with a layer between, under pressure (up to
  {high:g} GPa), damaged by ions, with electrons that carry the heat from metal to metal, one-sided bounds, and values
  that are flagged as duplicates, outliers or computed.

## Result

{summary(all_)}

![Predicted against published conductance at {TEMPERATURE:g} K](../images/experiment.png)

Each bar is the interval of published values, the dot stands at their median: red where the model is too high, blue where
it is too low, green inside.  Grey dots are interfaces with a single value.

![Published intervals and models, one row for each interface](../images/experiment-rows.png)
{bands}
## Where which model fails

{reflow(where(all_))}

## All interfaces

Conductance in MW m⁻² K⁻¹ at {TEMPERATURE:g} K.  "factor" is the ratio of the extrapolated conductance to the nearest end
of the published interval, 1 inside.  AMM and DMM are those of isotropic Debye solids.

{table(all_)}

## Shown but not scored

{aside(every)}

## What is missing

The catalogue has no measured value for liquid helium: no source with numbers was accessible.  Measured spectra and
angle-resolved transmissions are not compared.  The compilation from which part of the values were taken gives no
uncertainties: Y.-J. Wu, T. Zhan, Z. Hou, L. Fang and Y. Xu, Sci. Data 7, 36 (2020),
[doi:10.1038/s41597-020-0373-2](https://doi.org/10.1038/s41597-020-0373-2).

## Sources of the measured values

{sources()}
"""


def draw(all_: Sequence[Comparison], path: Path) -> None:
    """Predicted against published, one panel for AMM and one for DMM."""
    figure, panels = plt.subplots(1, 2, figsize=(12, 6.2), sharex=True, sharey=True, layout="constrained")
    for ax, model in zip(panels, ("amm", "dmm"), strict=True):
        panel(ax, all_, model)
    panels[0].set_ylabel("predicted, extrapolated drop (MW m⁻² K⁻¹)")
    figure.canvas.draw()
    for ax, model in zip(panels, ("amm", "dmm"), strict=True):
        label(ax, all_, model)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def panel(ax: Axes, all_: Sequence[Comparison], model: str) -> None:
    """Draw one model."""
    line = np.array([2.0, 3e4])
    for ratio, style in ((1, "k-"), (10, "k:")):
        ax.plot(line, ratio * line, style, lw=0.8)
        ax.text(3.4, 4.2 * ratio, f"{ratio}:1", rotation=44, fontsize=8)
    for one in all_:
        value, median = one.prediction(model).extrapolated, one.median
        if value is None or median is None:
            continue
        f = one.factor(model)
        colour = "0.65" if f is None else "tab:green" if f == 1 else "tab:red" if f > 1 else "tab:blue"
        if one.interval is not None:
            ax.plot(np.array(one.interval) / MW, [value / MW] * 2, "-", color=colour, lw=1.2, alpha=0.6)
        ax.plot(median / MW, value / MW, "o", color=colour, ms=3.5)
    ax.set(xscale="log", yscale="log", xlim=(3, 3e3), ylim=(3, 3e4), title=f"{model.upper()}, isotropic Debye solids")
    ax.set_xlabel("published (MW m⁻² K⁻¹)")
    ax.grid(which="major", alpha=0.25)


def label(ax: Axes, all_: Sequence[Comparison], model: str) -> None:
    """Name the interfaces that have an interval, farthest from it first, as far as there is room."""
    scored = [(abs(np.log(f)), one) for one in all_ if (f := one.factor(model)) is not None]
    points = [(one.median, one.prediction(model).extrapolated) for one in all_ if one.median]
    marks = ax.transData.transform(np.array(points, dtype=float) / MW)
    taken = [Bbox.from_bounds(x - 3, y - 3, 6, 6) for x, y in marks]
    for _, one in sorted(scored, key=lambda pair: -pair[0]):
        at = (one.median / MW, one.prediction(model).extrapolated / MW)
        for shift, side in (((5, 3), "left"), ((-5, 3), "right"), ((5, -8), "left"), ((-5, -8), "right")):
            text = ax.annotate(
                f"{one.left}/{one.right}", at, shift, textcoords="offset points", fontsize=6.5, ha=side, color="0.2"
            )
            box = text.get_window_extent()
            if not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            text.remove()


def rows(all_: Sequence[Comparison], bands: Sequence[Comparison], path: Path) -> None:
    """One row for each interface with an interval: published values, models and limit."""
    scored = sorted((one for one in all_ if one.interval), key=lambda one: one.median)
    full = {frozenset((one.left, one.right)): one for one in bands}
    figure, ax = plt.subplots(figsize=(8.5, 0.215 * len(scored) + 1.2), layout="constrained")
    marks = (("amm", "o", "tab:blue", "AMM"), ("dmm", "s", "tab:orange", "DMM, Debye"))
    for y, one in enumerate(scored):
        low, high = (end / MW for end in one.interval)
        ax.plot(
            [low, high], [y, y], "-", color="0.55", lw=5, solid_capstyle="butt", label="published" if y == 0 else None
        )
        direct = [value.value / MW for value in one.direct]
        ax.plot(direct, [y] * len(direct), "k|", ms=6)
        for model, mark, colour, name in marks:
            value = one.prediction(model).extrapolated / MW
            ax.plot(value, y, mark, color=colour, ms=4, label=name if y == 0 else None)
        limit = one.prediction("elastic-limit").extrapolated / MW
        ax.plot(limit, y, ">", color="0.3", mfc="none", ms=5, label="elastic limit" if y == 0 else None)
    shown = False
    for y, one in enumerate(scored):
        if (found := full.get(frozenset((one.left, one.right)))) is not None:
            value = found.prediction("dmm").extrapolated / MW
            ax.plot(value, y, "D", color="tab:red", ms=4, label=None if shown else "DMM, full bands")
            shown = True
    ax.set_yticks(range(len(scored)), [f"{one.left}/{one.right}" for one in scored], fontsize=7.5)
    ax.set(xscale="log", ylim=(-0.7, len(scored) - 0.3), xlabel="conductance, extrapolated drop (MW m⁻² K⁻¹)")
    ax.grid(axis="x", alpha=0.3)
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, 1.06), ncols=5, fontsize=8, frameon=False)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def full_bands(all_: Sequence[Comparison], folder: Path) -> list[Comparison]:
    """The DMM with all branches, where both sides have a phonopy file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)  # an acoustic sum rule that had to be enforced
        sides = {name: Bands.from_phonopy(folder / file) for name, file in FILES.items()}
        pairs = [(one.left, one.right) for one in all_ if one.left in sides and one.right in sides]
        models = [{"dmm": dmm(sides[left], sides[right])} for left, right in pairs]
    return [compare(*pair, TEMPERATURE, model) for pair, model in zip(pairs, models, strict=True)]


def bands_section(all_: Sequence[Comparison], bands: Sequence[Comparison]) -> str:
    """What full bands change; empty without them."""
    if not bands:
        return ""
    lines = [
        "| interface | published | DMM Debye emitted | DMM full emitted | DMM full extrapolated | factor Debye | factor full |",
        "|---|---|---|---|---|---|---|",
    ]
    ratios, kept = [], []
    for one in bands:
        debye, full = find(all_, one.left, one.right), one.prediction("dmm")
        ratios.append(debye.prediction("dmm").extrapolated / full.extrapolated)
        if (f := one.factor("dmm")) is not None:
            kept.append((f, debye.factor("dmm")))
        cells = (
            f"{one.left}/{one.right}",
            published(one),
            number(debye.prediction("dmm").emitted),
            number(full.emitted),
            number(full.extrapolated),
            times(debye.factor("dmm")),
            times(one.factor("dmm")),
        )
        lines.append("| " + " | ".join(cells) + " |")
    new, old = np.array(kept).T
    text = f"""Where the force constants of both sides are at hand, the DMM can be given all branches instead of Debye's
    (normal along z, c axis of hexagonal crystals).  In {len(bands)} cases that lowers the extrapolated conductance by a
    median factor of {np.median(ratios):.2g}, and the median factor to the published interval from {times(np.median(old))}
    to {times(np.median(new))}; {(new == 1).sum()} of {new.size} are inside.  What is left, a factor of
    {times(new[new > 1].min())} to {times(new.max())}, is for the interfaces of the laboratory and for the assumption of
    the model to share."""
    return "\n## What full bands change\n\n" + reflow(" ".join(text.split())) + "\n\n" + "\n".join(lines) + "\n"


def main() -> None:
    """Write page and figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bands", type=Path, help="folder of phonopy files")
    folder = options.parse_args().bands
    every = compare_all(TEMPERATURE)
    all_ = [one for one in every if one.direct]
    bands = [] if folder is None else full_bands(all_, folder)
    FIGURE.parent.mkdir(exist_ok=True)
    draw(all_, FIGURE)
    rows(all_, bands, ROWS)
    PAGE.write_text(page(every, all_, bands_section(all_, bands)), encoding="utf-8")
    for path in (PAGE, FIGURE, ROWS):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB, {len(all_)} interfaces")


if __name__ == "__main__":
    main()
