"""Write the page "Models and experiment": every number in it, its tables and its figure come from this script.

Usage: python docs/make_experiment_page.py

The figure of left-out contacts is that of `benchmarks/calibration.py --figure`.
"""

# ruff: noqa: E501  (the text of a page)

import sys
import textwrap
import warnings
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from attrs import evolve

from kapitza.errors import ValidityWarning
from kapitza.measure.catalogue import Measurement, measured
from kapitza.measure.compare import Comparison, Prediction, compare_all
from kapitza.units import MW, GPa

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))
experiment = import_module("experiment")
PAGE = HERE / "theory" / "experiment.md"
ROWS = HERE / "images" / "experiment-rows.png"
TEMPERATURE = 300.0
SCORED = ("amm", "amm-crystal", "dmm", "dmm-crystal")


def debye_solids(one: Comparison) -> Comparison:
    """A comparison with the models of Debye solids alone, under the names that they have where nobody knows bands."""
    named = {found.model: found for found in one.predictions}
    kept: list[Prediction] = []
    for name, found in named.items():
        if f"{name}-debye" in named:
            kept.append(evolve(named[f"{name}-debye"], model=name))
        elif not name.endswith("-debye"):
            kept.append(found)
    return evolve(one, predictions=tuple(kept))


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

**The gray conversion of the drop makes it worse.** What thermoreflectance measures on thick films is the extrapolated
drop.  For gray, diffuse media the conversion raises the DMM by a factor {ratio:.2f} in the median: Al/Si from
{number(diffuse.emitted)} to {number(diffuse.extrapolated)} MW m⁻² K⁻¹, against {published(al_si)} published.  A solution of
the Boltzmann equation with all free paths goes the other way for films of ordinary thickness, so that the emitted
conductance is scored here.  See [Three temperature drops](drops.md).

**Soft metals on diamond need an inelastic channel.** No elastic process can carry phonons above the cutoff of the soft
side.  For Pb/diamond the elastic limit is {number(soft[0][1].emitted)} MW m⁻² K⁻¹, and up to {number(soft[0][0][1])} was published; the inelastic radiation limit,
{number(soft[0][2].emitted)}, is far above both.  Bi on hydrogen-terminated diamond shows
{number(soft[1][0][1])} MW m⁻² K⁻¹ with an elastic limit of {number(soft[1][1].emitted)}: no proof there, although the
AMM with {number(bi.prediction("amm").emitted)} stays below it too.  The AMM reaches {times(pb.factor("amm"))} of the
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
{len(al_sapphire.direct)} values from {published(al_sapphire)}, DMM {number(al_sapphire.prediction("dmm").emitted)},
AMM {number(al_sapphire.prediction("amm").emitted)}.

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
* **The emitted conductance is scored.**  Thermoreflectance extrapolates the profiles of both sides to the interface; the
  gray estimate of that, which is listed as well, lies farther from experiment for every model.
* **Set aside** are contacts that two solids in contact do not describe: with a layer between, under pressure (up to
  {high:g} GPa), damaged by ions, with electrons that carry the heat from metal to metal, one-sided bounds, and values
  that are flagged as duplicates, outliers or computed.

## Result

{summary(all_)}

The models of this table take both sides as isotropic Debye solids or as crystals by their elastic constants.
{bands}
## What has learnt from experiment

The [calibrated estimate](calibrated.md) is another matter: it knows what was measured on other contacts.  Here each value
stands against the estimate that knew neither the contact nor anything else from the laboratories that measured it.

![Left-out estimate against measured conductance, all temperatures](../images/left-out.png)

Each point is a value of the catalogue, in the colour of its class of materials; the grey band is a factor 2 either way, the
bar at the side the typical 95 % interval of one estimate.

## Interface by interface

![Published intervals and models, one row for each interface](../images/experiment-rows.png)

## Where which model fails

{reflow(where(all_))}

## All interfaces

Conductance in MW m⁻² K⁻¹ at {TEMPERATURE:g} K.  "factor" is the ratio of the emitted conductance to the nearest end of
the published interval, 1 inside.  AMM and DMM are those of isotropic Debye solids.

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
            value = one.prediction(model).emitted / MW
            ax.plot(value, y, mark, color=colour, ms=4, label=name if y == 0 else None)
        limit = one.prediction("elastic-limit").emitted / MW
        ax.plot(limit, y, ">", color="0.3", mfc="none", ms=5, label="elastic limit" if y == 0 else None)
    shown = False
    for y, one in enumerate(scored):
        if (found := full.get(frozenset((one.left, one.right)))) is not None:
            value = found.prediction("dmm").emitted / MW
            ax.plot(value, y, "D", color="tab:red", ms=4, label=None if shown else "DMM, full bands")
            shown = True
    ax.set_yticks(range(len(scored)), [f"{one.left}/{one.right}" for one in scored], fontsize=7.5)
    ax.set(xscale="log", ylim=(-0.7, len(scored) - 0.3), xlabel="conductance, models by the emitted drop (MW m⁻² K⁻¹)")
    ax.grid(axis="x", alpha=0.3)
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, 1.06), ncols=5, fontsize=8, frameon=False)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def bands_section() -> str:
    """What full bands change."""
    found = experiment.interfaces()
    welded = [one for one in found if not one.weak]
    soft = {one.name: one for one in found if one.name in ("Pb/diamond", "Au/diamond", "Al/diamond", "Bi/diamond")}
    rows_ = [
        "| contact | published | DMM, full bands | with three phonons, s = 1 | DMM, Debye |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {published(one.published)} | "
            + " | ".join(number(one.values[model]) for model in experiment.MODELS)
            + " |"
            for name, one in soft.items()
        ),
    ]
    return f"""
## What full bands change

`kapitza predict` takes all branches where both sides have force constants in the package (`kapitza.matter.phonons`).
Against the median of the published values of each interface, by the emitted drop and without any fitted number:

{experiment.table(found)}

"Scatter" is the median factor that is left after all are divided by their common one.  Contacts that are bonded by van
der Waals forces or at room temperature, basal planes that were cleaved, and surfaces of which an oxide is known are no
welded interfaces; without them:

{experiment.table(welded)}

{reflow(BANDS_TEXT)}

{chr(10).join(rows_)}
"""


BANDS_TEXT = """
Bands remove most of what Debye spectra have too much.  What is left is mostly contacts that conduct less than complete
diffuse mismatch lets one expect: films on GaAs, GaSb and Ge, whose oxides are hard to remove, basal planes of graphite, and
wafers bonded at room temperature.  Too low are, at the other end, soft metals on diamond and sapphire, and epitaxial TiN.

The scatter of bands about their own median is no smaller than that of Debye solids.  The order of interfaces is thus
predicted by either; bands come nearer in size.

Elastic models cannot bring the heat of diamond or sapphire into a soft metal above its highest frequency.  The exchange of
two phonons for one of twice the frequency, at its largest possible strength s = 1, raises Pb/diamond and Au/diamond to within
a factor 2.5 of what was measured, but it raises all others as well, and lies above experiment by a larger factor than the
elastic model.  Its strength is a number that nobody knows: it stays out of the default set.
"""


def main() -> None:
    """Write page and figure."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)  # imaginary modes of crystals unstable at 0 K are left out
        every = compare_all(TEMPERATURE)
        section = bands_section()
    full = [one for one in every if one.direct and any(p.model == "dmm-debye" for p in one.predictions)]
    every = tuple(debye_solids(one) for one in every)
    all_ = [one for one in every if one.direct]
    rows(all_, full, ROWS)
    PAGE.write_text(page(every, all_, section), encoding="utf-8")
    for path in (PAGE, ROWS):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB, {len(all_)} interfaces")


if __name__ == "__main__":
    main()
