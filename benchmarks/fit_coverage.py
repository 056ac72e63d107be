"""How often 95 % intervals of thermoreflectance fits hold the truth, over experiments, noise and its correlation.

Usage: python benchmarks/fit_coverage.py [--sets 1000] [--only tdtr] [--noise 0.01] [--white | --correlated]
       [--processes 4]

For {TDTR, FDTR, SSTR, 3-omega} x {0.3, 1, 3, 10 %} x {white, AR(1) with 0.9}: simulated curves of 40 points without any
stated uncertainty are fitted, and the share of what is reported of each free number, the interval or the one-sided
bound, that holds the truth is printed, that of value ± 1.96 standard uncertainties, the median width of the intervals
(length over 3.92, of the logarithm), the number of bounds, of intervals that follow the profile as chi2 is not a
parabola, and how often the report says that model and data do not agree.  Noise is a share of the value for ratios, of
the largest value for temperatures, and in rad for phases (0.3 %: 3 mrad).
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from kapitza.core.stack import Layer, Stack
from kapitza.measure.experiment import Curve, independent_variable
from kapitza.measure.fit import fit
from kapitza.measure.fit_result import Fit
from kapitza.measure.noise.judgement import judge_fit
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.fdtr import Fdtr
from kapitza.measure.thermoreflectance.sstr import Sstr
from kapitza.measure.thermoreflectance.tdtr import Tdtr
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega
from kapitza.units import nm, um

POINTS, CORRELATION, PART = 40, 0.9, 20
NOISES = (0.003, 0.01, 0.03, 0.1)


def film_on(conductivity: float, heat_capacity: float, conductance: float) -> Stack:
    """Aluminium on a substrate."""
    film = Layer("Al", 80 * nm, 180.0, heat_capacity=2.43e6)
    return Stack([film, Layer("S", np.inf, conductivity, heat_capacity=heat_capacity)], [conductance])


def setups() -> dict[str, tuple[object, Stack, tuple[str, ...]]]:
    """Experiments with their sample and what is free."""
    silicon = film_on(140.0, 1.65e6, 150e6)
    strip = Stack(
        [Layer("oxide", 300 * nm, 1.35, heat_capacity=1.65e6), Layer("S", np.inf, 140.0, heat_capacity=1.65e6)], [1e9]
    )
    delays, frequencies = np.geomspace(100e-12, 3.6e-9, POINTS), np.geomspace(2e4, 2e7, POINTS)
    beams = Beams(10 * um, 10 * um)
    both = ("Al|S.conductance", "S.conductivity")
    return {
        "tdtr": (Tdtr(delays, beams, modulation=9.8e6, repetition=80e6, delayed="pump"), silicon, both),
        "fdtr": (Fdtr(frequencies, Beams(4 * um, 4 * um)), silicon, both),
        "sstr": (Sstr(np.linspace(1e-3, 20e-3, POINTS), beams), silicon, ("S.conductivity",)),
        "3-omega": (
            ThreeOmega(np.geomspace(100.0, 1e4, POINTS), half_width=10 * um, length=1e-3, power=20e-3), strip,
            ("oxide.conductivity", "S.conductivity"),
        ),
    }  # fmt: skip


def noise_of(rng: np.random.Generator, correlation: float) -> np.ndarray:
    """(n,) noise of unit variance."""
    found = rng.standard_normal(POINTS)
    for i in range(1, POINTS):
        found[i] = correlation * found[i - 1] + np.sqrt(1 - correlation**2) * found[i]
    return found


def row(name: str, noise: float, correlation: float, sets: int, processes: int) -> str:
    """One line of the table, the same for any number of processes."""
    parts = range(0, sets, PART)
    work = partial(reports, name, noise, correlation)
    with ProcessPoolExecutor(processes) as executor:
        made = list(executor.map(work, parts, [min(PART, sets - first) for first in parts]))
    found = np.ma.masked_invalid(np.concatenate([part for part, _ in made]))
    inside, linear, width, profiled = found.transpose(2, 1, 0)
    how = "AR(1) 0.9" if correlation else "white"
    widths, bounds = shares(np.ma.median(width, axis=1)), np.ma.getmaskarray(width).sum()
    return (
        f"{name:8} {noise:6.1%} {how:10} {sets:5} sets: {shares(inside.mean(axis=1))} "
        f"(± alone {shares(linear.mean(axis=1))}), sigma {widths}, {bounds} bounds, "
        f"{profiled.sum():.0f} profiled, {sum(doubts for _, doubts in made)} doubted"
    )


def reports(name: str, noise: float, correlation: float, first: int, sets: int) -> tuple[np.ndarray, int]:
    """What is reported of each free number in simulated sets, (sets, numbers, 4), and how many fits are doubted."""
    experiment, stack, free = setups()[name]
    clean = experiment.predict(stack)
    kind = getattr(experiment, "kind", "temperature")
    size = {"ratio": np.abs(clean), "phase": np.ones(POINTS)}.get(kind, np.full(POINTS, np.abs(clean).max()))
    truth = [150e6 if one.endswith("conductance") else 1.35 if "oxide" in one else 140.0 for one in free]
    rng, made, doubts = np.random.default_rng([1, first]), [], 0
    for _ in range(sets):
        value = clean + noise * size * noise_of(rng, correlation)
        found = fit(experiment, Curve(independent_variable(experiment)[1], value, None, kind), stack, free, starts=1)
        doubts += judge_fit(found).verdict != "consistent"
        made.append([report(found, one, want) for one, want in zip(free, truth, strict=True)])
    return np.array(made), doubts


def report(found: Fit, name: str, truth: float) -> tuple[float, float, float, float]:
    """Whether what a fit says of a number holds the truth, whether the covariance alone does, width of the interval,
    whether it follows the profile.

    A bound has the first of these only, NaN where not even a bound is given.
    """
    if name in found.bounds:
        low, high = found.bounds[name].low, found.bounds[name].high
        none = low is None and high is None
        return (np.nan if none else float((low or 0.0) <= truth <= (high or np.inf))), np.nan, np.nan, np.nan
    (low, high), (below, above) = found.interval(name), found.interval(name, profiled=False)
    profiled = (low, high) != (below, above)
    return float(low <= truth <= high), float(below <= truth <= above), float(np.log(high / low)) / 3.92, profiled


def shares(values: np.ma.MaskedArray) -> str:
    """Numbers in percent."""
    return " ".join("-" if one is np.ma.masked else f"{100 * one:.1f} %" for one in values)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--only", choices=sorted(setups()))
    parser.add_argument("--noise", type=float, nargs="*", default=NOISES)
    parser.add_argument("--processes", type=int, default=1)
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--white", action="store_true")
    kinds.add_argument("--correlated", action="store_true")
    options = parser.parse_args()
    correlations = [0.0] * (not options.correlated) + [CORRELATION] * (not options.white)
    for name in [options.only] if options.only else setups():
        for correlation in correlations:
            for noise in options.noise:
                print(row(name, noise, correlation, options.sets, options.processes), flush=True)


if __name__ == "__main__":
    main()
