"""Write the page "Measured curves": every number in it and its figures come from this script.

Usage: python docs/make_measured_curves_page.py

The curves are read from the folder of reference data, which KAPITZA_REFERENCE names; they are not part of the package.
"""

# ruff: noqa: E501  (the text of a page)

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from attrs import evolve, frozen
from matplotlib.figure import Figure

from kapitza import plot
from kapitza.core.parameter_units import rounded_outward
from kapitza.io.samples import SampleFile, read_sample
from kapitza.measure.fit import fit
from kapitza.measure.fit_result import Fit
from kapitza.measure.judgement import judge_fit
from kapitza.measure.least_squares import least_squares
from kapitza.measure.problem import Prior, Tie
from kapitza.measure.thermoreflectance.pump_probe import Fdtr
from kapitza.measure.thickness_series import ThicknessLine, ThicknessSeries
from kapitza.plot import style as style_plots
from kapitza.units import MW, nm, um

HERE = Path(__file__).resolve().parent
PAGE, SAMPLES, IMAGES = HERE / "how-to" / "measured-curves.md", HERE / "samples", HERE / "images"
REFERENCE = Path(os.environ.get("KAPITZA_REFERENCE", HERE.parents[1] / "shared" / "reference"))
CURVES = REFERENCE / "thermoreflectance" / "measured"
NAMES = "al-si-150210", "strontium-titanate", "gold-sapphire", "al-sapphire", "oxide-series"
LARGEST = 120_000  # bytes of a figure
OXIDE_BOUNDARY = 129 * MW  # Al/SiO2, held in the fits of single films


@frozen(eq=False)
class Example:
    """A sample file with its curves, fitted with the calibrated inputs held and uncertain."""

    name: str
    text: str
    held: SampleFile
    alone: Fit
    total: Fit


def independent(found: Fit) -> Fit:
    """The same fit with points that have no noise in common."""
    problem = evolve(found.problem, noise=())
    start = np.zeros(len(problem.parameters))
    solution = least_squares(problem.residual, start, limits=(problem.low, problem.high), scale=problem.scale, starts=1)
    chi2 = float(np.sum(solution.residual[: problem.rows] ** 2))
    return Fit(problem, solution, chi2, problem.rows - start.size, found.scatter)


def without(held: SampleFile, name: str) -> Fit:
    """Fit with one input less that is uncertain."""
    return fitted(evolve(held, priors={key: one for key, one in held.priors.items() if key != name}), calibrated=True)


def judged(found: Fit, what: str) -> str:
    """Scatter of the curves, in degrees from the least to the largest."""
    sizes = [np.degrees(getattr(one, what)) for one in judge_fit(found).curves]
    return " to ".join(dict.fromkeys(f"{size:.2g}°" for size in (min(sizes), max(sizes))))


def fitted(held: SampleFile, *, calibrated: bool) -> Fit:
    """Fit with or without the errors of the calibrated inputs."""
    curves = [curve for curve in held.curves if curve is not None]
    priors, ties = (held.priors, held.ties) if calibrated else ({}, {})
    return fit(held.experiments, curves, held.stacks, held.free, priors=priors, ties=ties)


def example(name: str, folder: Path) -> Example:
    """Read a sample file in the folder of its curves and fit it."""
    shutil.copy(SAMPLES / f"{name}.toml", folder)
    held = read_sample(folder / f"{name}.toml")
    text = (SAMPLES / f"{name}.toml").read_text(encoding="utf-8")
    return Example(name, text, held, fitted(held, calibrated=False), fitted(held, calibrated=True))


def number(found: Fit, name: str) -> str:
    """A number of a fit with its uncertainty, or its bound."""
    size, unit = (MW, "MW m⁻² K⁻¹") if name.endswith("conductance") else (1.0, "W m⁻¹ K⁻¹")
    if name in found.bounds:
        bound = found.bounds[name]
        low, high = rounded_outward((bound.low or -np.inf) / size, (bound.high or np.inf) / size)
        ends = f"above {low}" if bound.high is None else f"below {high}" if bound.low is None else f"{low} to {high}"
        return f"{ends} {unit} ({bound.confidence:.0%} confidence)"
    i = found.index(name)
    value, sigma = found.value[i] / size, found.sigma[i] / size
    digits = max(0, 1 - int(np.floor(np.log10(sigma))))
    return f"{value:.{digits}f} ± {sigma:.{digits}f} {unit} ({100 * sigma / value:.2g} %)"


def pumps(held: SampleFile) -> str:
    """Table of what pumps of other forms make of the phases, with points that have no noise in common."""
    radii = tuple(f"{one.name}.pump_radius" for one in held.experiments)
    apart = tuple(f"{one.name}.offset" for one in held.experiments)
    phases = {f"{one.name}.phase": Prior(0.0, np.radians(1.0)) for one in held.experiments}
    matter = "Au.conductivity", "Au.heat_capacity"
    one_spot, small = {"pump": Tie(radii, kind="value")}, {"probe_radius": 5 * um}
    flat = small | {"pump_profile": "top-hat"}
    lines = ["| pump | χ² | found | conductivity of STO | amplitude off by |", "|---|---|---|---|---|"]
    for words, beams, free, ties, priors in (
        ("Gaussian, pump and probe 10.4 µm (authors)", {}, (), {}, {}),
        ("Gaussian, 10.4 µm, probe 5 µm (files)", small, (), {}, {}),
        ("Gaussian, free radius", small, ("pump",), one_spot, {}),
        ("Gaussian, free radius, phases ± 1°", small, ("pump",), one_spot, phases),
        ("Gaussian, free radius, k and C of gold", small, ("pump", *matter), one_spot, {}),
        ("top hat, 10.4 µm, probe 5 µm (files)", flat, (), {}, {}),
        ("top hat, free radius", flat, ("pump",), one_spot, {}),
        ("top hat, free radius at each place, phases ± 1°", flat, radii, {}, phases),
        ("Gaussian, free radius and displacements", small | {"offset": 5 * um}, ("pump", *apart), one_spot, {}),
    ):
        experiments = [
            evolve(one, beams=evolve(one.beams, **beams)) for one in held.experiments if isinstance(one, Fdtr)
        ]
        names, curves = [*held.free, *free], [curve for curve in held.curves if curve is not None]
        found = independent(fit(experiments, curves, held.stacks, names, ties=ties, priors=priors, starts=1))
        lines.append(
            f"| {words} | {found.chi2:.1f} | {moved(found, [one for one in free if one not in matter], tuple(priors))} | "
            f"{number(found, 'STO.conductivity')} | {amplitude_errors(found)} |"
        )
    return "\n".join(lines)


def moved(found: Fit, lengths: Sequence[str], phases: Sequence[str]) -> str:
    """What a fit makes of radii and displacements, in µm, and of phases."""
    value = dict(zip(found.names, found.value.tolist(), strict=True))
    parts = [", ".join(f"{abs(value[name]) / um:.1f}" for name in lengths) + " µm"] if lengths else []
    parts += [" and ".join(f"{np.degrees(value[name]):.1f}°" for name in phases)] if phases else []
    return "; ".join(parts)


def amplitude_errors(found: Fit) -> str:
    """Standard deviation of the measured amplitudes from those of a fit to the phases, but for one factor a curve."""
    errors: list[float] = []
    for i, sample in enumerate(found.problem.samples):
        experiment, stack = sample.with_changes(found.problem.changes(i, found.solution.x))
        assert isinstance(experiment, Fdtr)
        table = np.loadtxt(CURVES / f"claro_{experiment.name}.csv", delimiter=",", skiprows=3)
        measured = np.interp(experiment.frequency, table[:, 0], table[:, 1])
        errors.append(float(np.std(np.log(measured / np.abs(experiment.signal(stack))))))
    return " and ".join(f"{100 * size:.1f} %" for size in errors)


def table(one: Example, known: Mapping[str, str]) -> str:
    """Table of the free numbers beside what is known of them."""
    lines = ["| number | scatter of the curve alone | total | known |", "|---|---|---|---|"]
    lines += [f"| {name} | {number(one.alone, name)} | {number(one.total, name)} | {known[name]} |" for name in known]
    return "\n".join(lines).replace("Al|", "Al\\|").replace("Au|", "Au\\|")


def shares(one: Example, name: str) -> str:
    """The largest sources of the variance of a number, in words."""
    parts = list(one.total.budget().of(name).items())[:3]
    return ", ".join(f"{source} {100 * share:.0f} %" for source, share in parts)


def figure(one: Example) -> None:
    """Write data, fit and residuals."""
    drawn = style_plots.new_figure(height=5.2)
    plot.fit(one.total, drawn)
    written(drawn, f"{one.name}.png")


def written(drawn: Figure, name: str) -> None:
    """Write a figure that is not too large for the page."""
    drawn.savefig(IMAGES / name, dpi=100)
    size = (IMAGES / name).stat().st_size
    assert size < LARGEST, f"{name} has {size} bytes, wanted below {LARGEST}"


def contours(one: Example) -> None:
    """Write the joint likelihood of the first two free numbers."""
    first, second = list(one.held.free)[:2]
    drawn = style_plots.new_figure(height=4.6)
    plot.likelihood(one.total.contours(first, second, points=11, span=3.6), drawn.add_subplot())
    written(drawn, f"{one.name}-contours.png")


def oxide_line(held: SampleFile) -> tuple[ThicknessLine, Sequence[float]]:
    """Straight line through the films fitted one by one, with the nominal thicknesses known to 2 nm."""
    thickness = np.array([stack.layers[1].thickness for stack in held.stacks])
    name = "SiO2.conductivity"
    fits = [
        fit(one, curve, stack, [name])
        for one, curve, stack in zip(held.experiments, held.curves, held.stacks, strict=True)
        if curve is not None
    ]
    k = np.array([found.value[0] for found in fits])
    sigma = np.array([found.sigma[0] for found in fits]) * thickness / k**2
    series = ThicknessSeries(thickness, thickness / k + 1 / OXIDE_BOUNDARY, np.full(k.size, 2 * nm), sigma)
    line = series.line()
    drawn = style_plots.new_figure(height=4.2)
    plot.thickness_series(series, line, drawn.add_subplot())
    written(drawn, "oxide-series-line.png")
    return line, k.tolist()


def shown(one: Example) -> str:
    """The sample file as a block."""
    return f'```toml title="{one.name}.toml"\n{one.text}```'


def page(all_: Mapping[str, Example], line: ThicknessLine, single: Sequence[float]) -> str:
    """The whole page."""
    silicon, titanate, gold, aluminium, oxide = (all_[name] for name in NAMES)
    g, k = "Al|Si.conductance", "Si.conductivity"
    spot, bond, turn = (
        gold.total.value[gold.total.index(name)] for name in ("spot", "Au|sapphire.conductance", "fdtr.phase")
    )
    phase, exact = np.degrees(turn), without(gold.held, "fdtr.phase")
    plain = independent(titanate.alone)
    return f"""# Fit measured curves

<!-- written by docs/make_measured_curves_page.py: change the script, not this page -->

Five curves of other groups, fitted through sample files such as you would write for your own, beside what is known of
them.  The curves are public but not part of the package: each section says where they come from.  With a curve beside
its sample file,

`kapitza fit al-si-150210.toml --plot fit.png --budget budget.png --contours "{g},{k}" both.png`

gives the numbers and figures of a section.  "Scatter of the curve alone" holds every input at its value, as is common;
"total" has the errors of all inputs under `[fit.uncertain]` in it.

## Aluminium on silicon

One TDTR curve with a pump that grows along the delay.  The film's top 40 nm are lumped into an absorbing layer, as the
authors of the curve do.  Source: `150210_edit` of
[gthohensee/TDTR_vH3_pub](https://github.com/gthohensee/TDTR_vH3_pub); known: least squares with an independent model,
near the values that its authors set by hand (180 and 140).

{shown(silicon)}

{table(silicon, {g: "177.4 MW m⁻² K⁻¹ (0.8 %); total 5.1 %", k: "139.6 W m⁻¹ K⁻¹; total 9.7 %"})}

![Ratio of aluminium on silicon with fit and residuals](../images/al-si-150210.png)

The scatter of the curve brings less than a fifth of the variance.  Conductance: {shares(silicon, g)}; conductivity:
{shares(silicon, k)}.  Known totals are those of the same errors with an independent model.  The two numbers hang
together:

![Joint likelihood of conductance and conductivity](../images/al-si-150210-contours.png)

## Two places of one crystal

Two FDTR phase curves of gold on strontium titanate: one conductivity for both, one conductance for each, by the name of
the experiment before that of the boundary.  Source: `sampledata` of
[marcelclaro/FDTR](https://github.com/marcelclaro/FDTR); known: the optimum of an independent model; the analysis of its
authors, a capped search, gave 9.04, 87.8 and 78.5.

{shown(titanate)}

{
        table(
            titanate,
            {
                "STO.conductivity": "8.910 W m⁻¹ K⁻¹",
                "STO1:Au|STO.conductance": "79.86 MW m⁻² K⁻¹",
                "STO2:Au|STO.conductance": "73.84 MW m⁻² K⁻¹",
            },
        )
    }

![Phases of gold on strontium titanate with fit and residuals](../images/strontium-titanate.png)

The model does not describe these curves, and `kapitza fit` calls them a MISFIT: neighbouring points scatter by
{judged(titanate.total, "neighbours")}, but lie {
        judged(titanate.total, "scatter")
    } off the best curve, a smooth difference that no number of
the sample takes up.  Its errors are widened for it, and the shape of the curves then weighs more than their level.  That matters more
than any input: with independent points and inputs held the conductivity is
{number(plain, "STO.conductivity")} (χ² {plain.chi2:.1f}, known: 148.5), with differences that neighbours share
{number(titanate.alone, "STO.conductivity")}, and with the inputs uncertain, the phase of the lock-in to 1° among them,
{number(titanate.total, "STO.conductivity")}.

What the model misses is most likely where the pump puts its heat.  The heads of the files give it a radius of 10.4 µm and the probe 5 µm; the authors took 10.4 µm for both.  With `pump_profile = "top-hat"`, an
even intensity within that radius, and nothing else changed, χ² of independent points falls from 408 to 38, and the amplitudes of the files, which no fit has
seen, agree with the fit to 1 % over a fiftyfold range in place of 5 %:

{pumps(titanate.held)}

A Gaussian pump of 6 µm that stands 6 µm beside the probe, with three numbers free, does better still.  Its heat lies farther out than that of a Gaussian around the probe, too: the data tell this, not the exact form, and nobody has
published a picture of the beam.  No other cause that was tried brings a Gaussian pump near: conductivity and heat capacity of gold go to values that it does not have, and a phase that is free takes off χ², but puts the
amplitudes wrong by several percent, since heat that no layer holds back shows in one without the other.  What is left of the top hat, up to 0.9° where neighbours scatter by 0.05°, keeps such a fit
doubtful, and the conductivity between 9 and 11 W m⁻¹ K⁻¹.

## Gold on sapphire

Phases of gold on sapphire at 300 K, same source.  Its authors held the conductance at 50 MW m⁻² K⁻¹ and found
28.117 ± 1.80 W m⁻¹ K⁻¹.

{shown(gold)}

{table(gold, {"sapphire.conductivity": "28.117 W m⁻¹ K⁻¹ (6.4 %)"})}

![Phases of gold on sapphire with fit and residuals](../images/gold-sapphire.png)

The authors' number is that of a phase that is exact.  A lock-in whose phase is known to 1° lets the curve choose: it asks for
{phase:.1f}°, a spot of {spot:.2f} times the stated one, {bond / MW:.0f} MW m⁻² K⁻¹ for the boundary, and {
        number(gold.total, "sapphire.conductivity")
    } for the
crystal, near the 33.15 that its authors hold along the layer.  With an exact phase it would be {
        number(exact, "sapphire.conductivity")
    } and a spot of
{exact.value[exact.index("spot")]:.2f} times the stated one, {
        abs(np.log(exact.value[exact.index("spot")]))
        / 0.04:.0f} of its standard uncertainties away: an error of the phase that is left out is taken up by the spot.

## Aluminium on sapphire

Ratio with the probe delayed; residuals of several percent, partly systematic.  Source: `SampleData` of
[VladimirVKornienko/TDTR-analysis-Groups-MQS-EILB](https://github.com/VladimirVKornienko/TDTR-analysis-Groups-MQS-EILB)
(© 2023 Vladimir Kornienko, MIT); known: an independent model.

{shown(aluminium)}

{table(aluminium, {"Al|sapphire.conductance": "176 MW m⁻² K⁻¹ (3 %)", "sapphire.conductivity": "30.6 W m⁻¹ K⁻¹ (2 %)"})}

![Ratio of aluminium on sapphire with fit and residuals](../images/al-sapphire.png)

## Films of oxide: a boundary that is not resolved

Three films of oxide on silicon, same source.  Film by film, with the boundary held at {
        OXIDE_BOUNDARY / MW:.0f} MW m⁻² K⁻¹, the
conductivities are {
        ", ".join(f"{value:.3f}" for value in single)
    } W m⁻¹ K⁻¹ (known: 1.427, 1.207, 1.026): a boundary or a
thickness that is wrong shows as a conductivity that changes with thickness.  The straight line through the total
resistances gives

* conductivity {line.conductivity:.3f} ± {line.conductivity_sigma:.3f} W m⁻¹ K⁻¹ (known: 0.931 ± 0.035),
* resistance of all boundaries {line.resistance / 1e-9:.1f} ± {
        line.resistance_sigma / 1e-9:.1f} m² K GW⁻¹ (known: -2.8 ± 2.7): {
        "resolved"
        if line.is_resolved()
        else f"zero within its error, below {rounded_outward(-np.inf, line.upper() / 1e-9)[1]} at 95 % confidence"
    }.

![Total resistance against thickness](../images/oxide-series-line.png)

Better are all curves at once, where every input is counted once.  `changes` gives each experiment its film:

{shown(oxide)}

{table(oxide, {"SiO2.conductivity": "0.931 ± 0.035 W m⁻¹ K⁻¹ from the line", "Al|SiO2.conductance": "not resolved"})}

![Ratios of three films with fit and residuals](../images/oxide-series.png)

The boundary has bounds in place of a value, with thicknesses that are held at their nominal values as with ± 2 nm each: a perfect one is less than four standard deviations away.  The fit then takes the films for {
        ", ".join(f"{oxide.total.value[oxide.total.index(f'ox{d}:SiO2.thickness')] / nm:.1f}" for d in (25, 50, 100))
    } nm.
"""


def main() -> None:
    """Fit all, draw all, write the page."""
    all_: dict[str, Example] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for curve in CURVES.glob("*.csv"):
            shutil.copy(curve, folder)
        for sample in NAMES:
            all_[sample] = example(sample, folder)
    for one in all_.values():
        figure(one)
    contours(all_["al-si-150210"])
    line, single = oxide_line(all_["oxide-series"].held)
    PAGE.write_text(page(all_, line, single), encoding="utf-8")


if __name__ == "__main__":
    main()
