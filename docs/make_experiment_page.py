"""Write the page "Models and experiment": every number in it, its tables and its figure come from this script.

Usage: python docs/make_experiment_page.py

The figure of left-out contacts is that of `benchmarks/calibration.py --figure`.
"""

# ruff: noqa: E501  (the text of a page)

import sys
import textwrap
import warnings
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from attrs import evolve

from kapitza.errors import ValidityWarning
from kapitza.matter.electrons import metal
from kapitza.matter.library import material
from kapitza.matter.phonons import phonon_spectrum
from kapitza.measure.catalogue import Measurement, measured
from kapitza.measure.compare import Comparison, Prediction, compare_all
from kapitza.theory.inelastic import cubic_strength
from kapitza.theory.models import model_estimates
from kapitza.theory.sides import describe_sides
from kapitza.units import MW, GPa

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))
experiment = import_module("experiment")
PAGE = HERE / "theory" / "experiment.md"
ROWS = HERE / "images" / "experiment-rows.png"
DIAMOND = HERE / "images" / "metals-on-diamond.png"
TEMPERATURE = 300.0
METALS = ("Pb", "Bi", "Au", "Al")  # in the order of their highest frequencies
KELVIN = np.array([20, 30, 40, 50, 65, 80, 100, 130, 160, 200, 250, 300, 350, 400, 450, 500.0])
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


def gray_ratio(left: str, right: str) -> float:
    """Extrapolated over emitted conductance by the estimate for gray, diffuse media, DMM of Debye solids."""
    (found,) = model_estimates(left, right, TEMPERATURE, ["dmm-debye"])
    return float((found.extrapolated or found.emitted).value[0] / found.emitted.value[0])


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
        ("| interface | published | values | AMM | factor | DMM | factor | elastic limit |"),
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in all_:
        acoustic, diffuse, limit = (one.prediction(name) for name in ("amm", "dmm", "elastic-limit"))
        cells = (
            f"{one.left}/{one.right}",
            published(one),
            str(len(one.direct)),
            number(acoustic.emitted),
            times(one.factor("amm")),
            number(diffuse.emitted),
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
    gray = [gray_ratio(one.left, one.right) for one in all_]
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
drop.  For gray, diffuse media the conversion raises the DMM by a factor {np.median(gray):.2f} in the median: Al/Si from
{number(diffuse.emitted)} to {number(diffuse.emitted * gray_ratio("Al", "Si"))} ± 50 % MW m⁻² K⁻¹, against {published(al_si)} published.  A solution of
the Boltzmann equation with all free paths goes the other way for films of ordinary thickness; without it, as for the Debye solids
of this table, the emitted conductance is scored.  See [Three temperature drops](drops.md).

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
print(found.prediction("dmm").emitted, found.prediction("dmm").extrapolated)  # the second as TDTR sees it
print(found.factor("dmm"))  # 1 inside of the interval, else the ratio to its nearest end
```

## How it is done

{counts(everything)}
* **A model is scored against the interval**, never against a single number: an interface with one value and no stated
  uncertainty has no interval and gets no score.  {scored} of {len(all_)} interfaces have one.
* **The drop of the measurement is scored where it is known.**  Thermoreflectance extrapolates the profiles of both sides to the
  interface: for diffuse models with full bands the Boltzmann equation of both solids is solved.  In the table of all interfaces the emitted
  conductance is scored, as nothing more is known for Debye solids.
* **Set aside** are contacts that two solids in contact do not describe: with a layer between, under pressure (up to
  {high:g} GPa), damaged by ions, with electrons that carry the heat from metal to metal, one-sided bounds, and values
  that are flagged as duplicates, outliers or computed.

## Result

{summary(all_)}

The models of this table take both sides as isotropic Debye solids or as crystals by their elastic constants.
{bands}
## What has learnt from experiment

The [calibrated estimate](calibrated.md) is another matter: it knows what was measured on other contacts.  Here each value
stands against the estimate that knew neither the contact nor anything else from the papers that measured it.

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


def curves(name: str) -> dict[str, np.ndarray]:
    """Conductance of each model against the temperatures of the figure, W m⁻² K⁻¹."""
    sides = describe_sides(name, "diamond")
    each = [experiment.estimates(*sides, float(t)) for t in KELVIN]
    return {model: np.array([one[model] for one in each]) for model in each[0]}


def on_diamond(path: Path) -> None:
    """Four metals on diamond against temperature: measured values, models, and limits."""
    lines = (
        ("dmm", "-", "tab:blue", "DMM, elastic"),
        ("dmm-anharmonic", "--", "tab:orange", "with three phonons"),
        (experiment.FULLEST, "-.", "tab:green", "with three phonons and electrons"),
        ("three-phonon", ":", "tab:red", "with three phonons, s = 1"),
        ("inelastic-limit", "-", "0.6", "inelastic radiation limit"),
    )
    marks = {
        "oxygen terminated": ("^", "O-terminated"),
        "hydrogen terminated": ("v", "H-terminated"),
        "": ("s", "bare"),
    }
    figure, axes = plt.subplots(2, 2, figsize=(8.5, 7.2), sharex=True, layout="constrained")
    for ax, name in zip(axes.flat, METALS, strict=True):
        found = curves(name)
        for model, style, colour, label in lines:
            ax.plot(KELVIN, found[model] / MW, style, color=colour, lw=1.8, label=label)
        for one in measured(name, "diamond"):
            if not one.exclusion:
                mark, label = marks.get(one.condition, ("o", "cleaned"))
                ax.plot(one.conductance.temperature, one.conductance.value / MW, "k" + mark, ms=4.5, label=label)
        ax.set(title=f"{name} | diamond", yscale="log", xlim=(0, 520))
        ax.grid(alpha=0.3)
    axes[0, 0].set_ylabel("conductance (MW m⁻² K⁻¹)")
    axes[1, 0].set_ylabel("conductance (MW m⁻² K⁻¹)")
    for ax in axes[1]:
        ax.set_xlabel("temperature (K)")
    handles = {label: handle for ax in axes.flat for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def worst(found: Sequence[experiment.Scored]) -> str:
    """Table of the ten contacts that are farthest from the fullest model, with the likely reason."""
    ordered = sorted(found, key=lambda one: -abs(np.log(one.ratio(experiment.FULLEST))))[:10]
    lines = ["| contact | published | fullest model | over the median | likely reason |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.name} | {published(one.published)} | {number(one.values[experiment.FULLEST])} "
        f"| {one.ratio(experiment.FULLEST):.2g} | {REASONS.get(one.name, '–')} |"
        for one in ordered
    ]
    return "\n".join(lines)


REASONS = {
    "GaN/diamond": "bonded by van der Waals forces",
    "beta-Ga2O3/diamond": "exfoliated membrane, van der Waals forces",
    "beta-Ga2O3/GaN": "oxide grown by annealing GaN in air, polycrystalline",
    "GaSb/GaAs": "lattices differ by 8 %: a dense array of misfit dislocations",
    "Al/GaAs": "native oxide of GaAs, not said to be removed",
    "Al/GaSb": "native oxide of GaSb, not said to be removed",
    "Y2O3/Si": "oxide deposited on Si, which forms a silica or silicate layer",
    "Pb/diamond": "spectra hardly overlap: see below",
    "Pb/Al2O3": "spectra hardly overlap: see below",
    "Au/TiO2": "gold hardly bonds to oxides",
    "Au/Ge": "native oxide of Ge, not said to be removed",
    "Cu/diamond": "copper hardly bonds to diamond",
    "Al/Y2O3": "surface of the oxide not described",
    "diamond/AlN": "first layers of grown diamond: fine grains, carbon of other bonds",
    "3C-SiC/diamond": "bonded wafers, with a layer that was amorphous",
    "AlN/6H-SiC": "films of differing roughness on a nucleation layer",
}


def bands_section() -> str:
    """What full bands and further channels change."""
    found = experiment.interfaces()
    welded = [one for one in found if not one.weak]
    by_name = {one.name: one for one in found}
    soft = [by_name[f"{name}/diamond"] for name in METALS]
    rows_ = [
        "| contact | published | " + " | ".join(experiment.MODELS.values()) + " | inelastic radiation limit |",
        "|---" * (len(experiment.MODELS) + 3) + "|",
        *(
            f"| {one.name} | {published(one.published)} | "
            + " | ".join(number(one.values[model]) for model in (*experiment.MODELS, "inelastic-limit"))
            + " |"
            for one in soft
        ),
    ]
    return f"""
## What full bands change

`kapitza predict` takes all branches where both sides have force constants in the package (`kapitza.matter.phonons`).
Against the median of the published values of each interface, without any fitted number; by the emitted drop, but for the
three rows of the apparent conductance:

{experiment.table(found)}

"Scatter" is the median factor that is left after all are divided by their common one.  [Three phonons](inelastic.md) are
exchanged at a strength from the thermal expansion of the softer side, [electrons](electrons.md) of a metal stand in series with its
lattice, for Ag with a coupling that the library [leaves out](../reference/materials-library.md) by default; where either is not known, the model without it counts.  The same models against the values on clean surfaces
(cleaned, stripped of oxide, epitaxial, cleaved, oxygen-terminated diamond) where an interface has some:

{experiment.table(found, clean=True)}

Contacts that are bonded by van der Waals forces or at room temperature, basal planes that were cleaved, and surfaces of
which an oxide is known are no welded interfaces; without them:

{experiment.table(welded)}

{reflow(bands_text(found, by_name))}

{worst(found)}

### Metals on diamond

![Conductance of Pb, Bi, Au and Al on diamond against temperature: measured values, models and limit](../images/metals-on-diamond.png)

{reflow(diamond_text(by_name))}

{chr(10).join(rows_)}
"""


def bands_text(found: Sequence[experiment.Scored], by_name: Mapping[str, experiment.Scored]) -> str:
    """What the tables say."""
    error, seen, low, high = (
        np.abs(np.log([one.ratio(name) for one in found]))
        for name in (experiment.FULLEST, experiment.SEEN, experiment.SEEN_LOW, experiment.SEEN_HIGH)
    )
    al, gold = by_name["Al/Si"], by_name["Au/Si"]
    return f"""
Bands remove most of what Debye spectra have too much.  Electrons matter where they couple weakly to a lattice that conducts
badly: gold above all, where that alone is as resistive as a contact of {number(1 / metal("Au").resistance)} MW m⁻² K⁻¹, then silver, copper and
aluminium ({number(1 / metal("Al").resistance)}).  They bring Al/Si from {number(al.values["dmm"])} to {number(al.values[experiment.FULLEST])} MW m⁻² K⁻¹ (published
{published(al.published)}) and Au/Si from {number(gold.values["dmm"])} to {number(gold.values[experiment.FULLEST])} ({number(gold.median)} in the median).
Three phonons matter where the spectra differ most, and are a few per cent elsewhere.

With all channels about half of the interfaces ({np.mean(error < np.log(2)):.0%}) lie within a factor 2 of the median of what was published, and the median factor is
{np.exp(np.median(error)):.2f}.  What is left is mostly no matter of the plane: thermoreflectance subtracts the temperature drop in both solids by Fourier's law, and its
apparent conductance is [less than the emitted one](drops.md).  With the Boltzmann equation of both solids solved (TDTR at 10 MHz, a film of 100 nm), {np.mean(seen < np.log(2)):.0%} lie within a factor 2 and the median
factor is {np.exp(np.median(seen)):.2f}, where laboratories differ among themselves by 1.8; at the bounds over what is not known of the
mean free paths it is {np.exp(np.median(low)):.2f} and {np.exp(np.median(high)):.2f}.  Too high are mostly contacts that conduct less than complete diffuse
mismatch lets one expect: films on GaAs, GaSb and Ge, whose oxides are hard to remove, basal planes of graphite, chromium on
whatever it was sputtered, and wafers bonded at room temperature.  Too low are, at the other end, soft metals on diamond and
sapphire, carbide formers on diamond, and epitaxial contacts of like crystals (TiN/MgO, AlN/GaN, ZnO/GaN, Si/Ge), of whose
phonons diffuse mismatch sends half back even where nothing changes.  The orientation of the metal is not the reason: full bands of (111) films
give within 1 % what (001) films give.  The ten farthest, in MW m⁻² K⁻¹:
"""


def diamond_text(by_name: Mapping[str, experiment.Scored]) -> str:
    """The paragraph on the metals that differ most from diamond."""
    pb, bi, au, al = (by_name[f"{name}/diamond"] for name in METALS)
    s = {name: cubic_strength(phonon_spectrum(name), material(name)) for name in METALS}
    ended = [one.measurement for one in al.published.direct]
    oxygen = np.median([m.conductance.value[0] for m in ended if m.condition == "oxygen terminated"])
    full = experiment.FULLEST
    return f"""
An elastic model cannot bring the heat of diamond into a soft metal above its highest frequency, and what
anharmonic bonds add is known in size: s = {s["Pb"]:.3f} for Pb, {s["Bi"]:.3f} for Bi, {s["Au"]:.3f} for Au, {s["Al"]:.3f} for Al, thus
{number(pb.values[full] - pb.values["dmm"])} MW m⁻² K⁻¹ for Pb/diamond at 300 K, where {published(pb.published)} was measured.  Even s = 1, where every phonon that has not crossed
elastically takes part, gives {number(pb.values["three-phonon"])}, near enough to experiment but without a reason; it misses Al by a factor
{al.ratio("three-phonon"):.2g} the other way.  So Pb/diamond, by a factor {1 / pb.ratio(full):.2g} too low, and Pb/sapphire stay unexplained by phonons that cross at
one plane.  Electrons that give their heat to diamond directly, by states at the surface (T. Lu et al.,
[doi:10.48550/arXiv.1507.05745](https://doi.org/10.48550/arXiv.1507.05745)), need their coupling there as a further number; and Bi, with hardly any electrons, conducts about half as well as Pb
on diamond, silicon and sapphire alike (H.-K. Lyeo and D. G. Cahill,
[doi:10.1103/PhysRevB.73.144301](https://doi.org/10.1103/PhysRevB.73.144301)).  A disordered layer, in which phonons change their frequency on the way, is described by no
number here either; cleaned by another laboratory, Pb/diamond conducts three times as well at 100 K.  Bi/diamond ({bi.ratio(full):.2g} of the measured value) and
Au/diamond ({au.ratio(full):.2g}) are within a factor 2, gold on the elastic curve up to 100 K and rising with $T$ above it, between the two
strengths.  Al/diamond follows the termination of the surface: the model is {al.ratio(full):.2g} times the median of all,
{al.values[full] / oxygen:.2g} times the values on oxygen-terminated diamond, which bonds to Al, and {al.values[full] / (19 * MW):.2g} times those on hydrogen, which hardly does.
"""


def main() -> None:
    """Write page and figure."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)  # imaginary modes of crystals unstable at 0 K are left out
        every = compare_all(TEMPERATURE, observation=None)
        section = bands_section()
    full = [one for one in every if one.direct and any(p.model == "dmm-debye" for p in one.predictions)]
    every = tuple(debye_solids(one) for one in every)
    all_ = [one for one in every if one.direct]
    rows(all_, full, ROWS)
    on_diamond(DIAMOND)
    PAGE.write_text(page(every, all_, section), encoding="utf-8")
    for path in (PAGE, ROWS, DIAMOND):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB, {len(all_)} interfaces")


if __name__ == "__main__":
    main()
