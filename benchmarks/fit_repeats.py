"""How often the 95 % interval of a mean over spots holds the truth: `python benchmarks/fit_repeats.py`.

Spots of one sample, each a TDTR curve of 40 points with its noise not stated; conductance and conductivity are free and
differ from spot to spot by the spread tau, in units of the error that the noise gives the conductance of one spot.  The
film is the same on all of them: its thickness is known to 3 %, or exactly.  On the tangent of the curve (`--sets`), or
by complete fits of curves (`--fits`).
"""

import argparse
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from kapitza.core.stack import Layer, Stack
from kapitza.measure.experiment import Curve
from kapitza.measure.fit import fit
from kapitza.measure.fit_result import Fit
from kapitza.measure.problem import DataSet, FitProblem, Prior, resolve_parameters
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Tdtr
from kapitza.measure.thermoreflectance.repeats import combine_repeats, hierarchical_mean, spot_estimates
from kapitza.units import nm, ns, um

FREE = ("Al|Si.conductance", "Si.conductivity")
SPOTS, SPREADS = (2, 3, 4, 7), (0.0, 1.0, 5.0)
NOISE, SHARE = 0.01, 0.03
TDTR = Tdtr(np.geomspace(0.1, 3.6, 40) * ns, Beams(10 * um, 10 * um), modulation=9.8e6, repetition=80e6, delayed="pump")


def sample(conductance: float = 170e6, conductivity: float = 140.0, thickness: float = 80 * nm) -> Stack:
    film = Layer("Al", thickness, 180.0, heat_capacity=2.43e6)
    return Stack([film, Layer("Si", np.inf, conductivity, heat_capacity=1.64e6)], [conductance])


def problem_of(priors: dict[str, Prior]) -> FitProblem:
    stack = sample()
    samples = (DataSet(TDTR, Curve(TDTR.delay, TDTR.predict(stack)), stack),)
    return FitProblem(samples, resolve_parameters(samples, FREE, priors, {}))


def error_of_one(problem: FitProblem) -> float:
    """Standard deviation of the logarithm of the conductance of one spot by its noise, the film known exactly."""
    jacobian = problem.jacobian(np.zeros(len(problem.parameters)))[:, :2] * 0.01 / NOISE
    return float(np.sqrt(np.linalg.inv(jacobian.T @ jacobian)[0, 0]))


def tangent_fits(problem: FitProblem, spots: int, tau: float, rng: np.random.Generator) -> tuple[Fit, ...]:
    """Fits of the linear model with noise, a spread between spots and one error of the film."""
    p = len(problem.parameters)
    jacobian, prior = problem.jacobian(np.zeros(p)) * 0.01 / NOISE, problem.width**-2
    shared = problem.width[2:] * rng.standard_normal(p - 2)
    made = []
    for _ in range(spots):
        truth = np.concatenate([tau * rng.standard_normal(2), shared])
        data, size, x = jacobian @ truth + rng.standard_normal(problem.rows), 1.0, np.zeros(p)
        for _ in range(4):  # the scatter gives the size of the noise, and that the weight of the prior
            x = np.linalg.solve(jacobian.T @ jacobian / size**2 + np.diag(prior), jacobian.T @ data / size**2)
            size = float(np.sqrt(np.sum((data - jacobian @ x) ** 2) / (problem.rows - 2)))
        covariance = np.linalg.inv(jacobian.T @ jacobian / size**2 + np.diag(prior))
        inside = np.ones(p, bool)
        solution = SimpleNamespace(x=x, jacobian=jacobian / size, inside=inside, covariance=covariance)
        made.append(SimpleNamespace(problem=problem, solution=solution, index=FREE.index))
    return tuple(cast("list[Any]", made))


def linear_coverage(spots: int, tau: float, sets: int, seed: int, *, film: bool) -> tuple[float, float, float]:
    """Shares of sets in which the intervals of mean and spread hold the truth, and the median half-length (1)."""
    problem = problem_of({"Al.thickness": Prior.relative(SHARE)} if film else {})
    rng, error = np.random.default_rng(seed), error_of_one(problem)
    held, spread, half = 0, 0, []
    for _ in range(sets):
        estimates = spot_estimates(tangent_fits(problem, spots, tau * error, rng), FREE[0], ())
        found = hierarchical_mean(estimates)
        held += abs(found.value - np.log(problem.parameters[0].start)) <= found.half
        low, high = found.spread_interval
        spread += low <= tau * error <= high
        half.append(found.half)
    return held / sets, spread / sets, float(np.median(half))


def fitted_coverage(spots: int, tau: float, sets: int, seed: int, *, film: bool) -> tuple[float, float, float]:
    """The same by complete fits of simulated curves."""
    priors = {"Al.thickness": Prior.relative(SHARE)} if film else {}
    rng, error = np.random.default_rng(seed), error_of_one(problem_of(priors))
    held, spread, half = 0, 0, []
    for _ in range(sets):
        thickness = 80 * nm * np.exp(SHARE * rng.standard_normal() * film)
        measured = curves(spots, tau * error, thickness, rng)
        fits = [fit(TDTR, curve, sample(), FREE, priors=priors, starts=1) for curve in measured]
        found = combine_repeats(fits, FREE[0])
        held += found.interval[0] <= 170e6 <= found.interval[1]
        spread += found.spread_interval[0] <= tau * error <= found.spread_interval[1]
        half.append(np.log(found.interval[1] / found.interval[0]) / 2)
    return held / sets, spread / sets, float(np.median(half))


def curves(spots: int, tau: float, thickness: float, rng: np.random.Generator) -> Iterator[Curve]:
    """Curves of spots with numbers of their own on one film."""
    for _ in range(spots):
        conductance, conductivity = np.exp(tau * rng.standard_normal(2)) * (170e6, 140.0)
        clean = TDTR.predict(sample(conductance, conductivity, thickness))
        yield Curve(TDTR.delay, clean * (1 + NOISE * rng.standard_normal(clean.size)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1000, help="of each row on the tangent")
    parser.add_argument("--fits", type=int, default=0, help="sets of complete fits of each row instead")
    parser.add_argument("--seed", type=int, help="of the noise; 5 on the tangent and 6 of complete fits if not given")
    parser.add_argument("--spots", type=int, nargs="*", default=SPOTS)
    asked = parser.parse_args()
    count, coverage = (asked.fits, fitted_coverage) if asked.fits else (asked.sets, linear_coverage)
    seed = asked.seed if asked.seed is not None else 6 if asked.fits else 5
    error = error_of_one(problem_of({}))
    print(f"error of one spot by its noise: {error:.2%}")
    print("| thickness | spots | spread / error of one | mean held | spread held | half-length / error of one | sets |")
    print("|---|---|---|---|---|---|---|")
    for film in (False, True):
        for spots in asked.spots:
            for tau in SPREADS:
                mean, spread, half = coverage(spots, tau, count, seed, film=film)
                known = f"{SHARE:.0%}" if film else "exact"
                row = f"{100 * mean:.1f} % | {100 * spread:.1f} % | {half / error:.2f} | {count:,}"
                print(f"| {known} | {spots} | {tau:g} | {row} |", flush=True)


if __name__ == "__main__":
    main()
