"""How often 95 % intervals of thermoreflectance fits hold the truth, over experiments, noise and its correlation.

Usage: python benchmarks/fit_coverage.py [--sets 1000] [--only tdtr] [--noise 0.01] [--white | --correlated]
       [--store coverage.jsonl] [--table] [--linear] [--limits] [--correlation 0.98] [--seed 1] [--processes 16]

For {TDTR, FDTR, SSTR, 3-omega} x {0.3, 1, 3, 10 %} x {white, AR(1) with 0.9}: simulated curves of 40 points without any
stated uncertainty are fitted, and the share of what is reported of each free number, the interval or the one-sided
bound, that holds the truth is printed, that of value ± 1.96 standard uncertainties, the median width of the intervals
(length over 3.92, of the logarithm), the number of bounds, of intervals that follow the profile as chi2 is not a
parabola, and how often the report says that model and data do not agree.  Noise is a share of the value for ratios, of
the largest value for temperatures, and in rad for phases (0.3 %: 3 mrad).

Each set is a line of the store, written when it is done; a run continues where another ended, and `--table` only prints
what is there as the table of docs/theory/intervals.md.  `--linear` estimates the same noise on the tangents of the
experiments, which is what small noise sees, in a hundredth of the time, and `--limits` counts how often the ratio of
likelihoods stays below its quantile near limits.  `--only spectrum` is a boundary whose transmission is fitted.
`--processes` shares the sets out, 0 over all cores; each set is the same whoever simulates it.

The fits are those of `kapitza.fit`; the curves that they ask for are interpolated by polynomials (`Tabulated`),
to 1e-7 of the value.  Set k has the same noise in all cells, so that chance moves them together.
"""

import argparse
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from copy import copy
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import numpy as np
from numpy.polynomial import chebyshev

from kapitza.core.likelihood_ratio import least_chi2, ratio_quantile
from kapitza.core.stack import Layer, Stack
from kapitza.io.samples import read_sample
from kapitza.measure.experiment import Curve, Experiment, independent_variable
from kapitza.measure.fit import fit
from kapitza.measure.fit_result import Fit
from kapitza.measure.judgement import judge_fit
from kapitza.measure.noise.correlated import LinearCurve, coverage_factors, posterior_of_noise
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr, Tdtr
from kapitza.measure.thermoreflectance.sstr import Sstr
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega
from kapitza.units import nm, um

POINTS, CORRELATION = 40, 0.9
CHUNK = 4  # sets that a process takes at once
PASSES = (50, 100, 300)  # sets of each cell after which the next cell is taken first
NOISES = (0.003, 0.01, 0.03, 0.1)
PATCH, ORDER = 0.5, 9  # width of a patch of the table, of the logarithm, and its number of nodes in each direction
INTERPOLATION_ERROR = 1e-7
NAMES = ("tdtr", "fdtr", "sstr", "3-omega")
BEAMS = Beams(10 * um, 10 * um)
BOTH = ("Al|S.conductance", "S.conductivity")
BOUNDARY = """
layers = [
    { name = "Al", thickness = "80 nm", conductivity = 180, heat_capacity = "2.43 MJ/m3K" },
    { name = "S", conductivity = 148, heat_capacity = "1.66 MJ/m3K" },
]
boundaries = { "Al|S" = "perfect" }

[[experiments]]
kind = "fdtr"
pump_radius = "2 um"
probe_radius = "2 um"
frequencies = ["0.1 MHz", "200 MHz", 40]
phonons = { material = "Si" }
transmission = [0.6, 0.08]
transmission_edges = ["5 THz"]
"""


class Tabulated:
    """An experiment whose curves are interpolated between those of another, over the logarithms of free numbers.

    Products of Chebyshev polynomials on patches, each made when it is first asked for and checked at points between the
    nodes; where a patch is not smooth enough, the experiment itself answers.
    """

    def __init__(self, experiment: Experiment, stack: Stack, free: tuple[str, ...]):
        self.experiment, self.free = experiment, free
        self.name = experiment.name
        owned = [name.partition(".")[2] for name in free if is_owned(experiment, name)]
        self.parameters = {name: experiment.parameters[name] for name in owned}
        self.kind = getattr(experiment, "kind", "temperature")
        variable, values = independent_variable(experiment)
        setattr(self, variable, values)
        # patches of a share end at 1
        self.start = np.array([-PATCH / 2 if is_owned(experiment, n) else np.log(number_of(stack, n)) for n in free])
        self.highest = np.array([0 if is_owned(experiment, name) else 99 for name in free])
        self.patches: dict[tuple[int, ...], np.ndarray | None] = {}

    def replace(self, changes: dict[str, float]) -> "Tabulated":
        """The same with other numbers of the experiment, by one table."""
        self.experiment.replace(changes)  # which refuses what has no meaning
        found = copy(self)
        found.parameters = self.parameters | changes
        return found

    def predict(self, stack: Stack) -> np.ndarray:
        """(n,) curve."""
        here = [number_of(stack, name, self.parameters) for name in self.free]
        place = (np.log(here) - self.start) / PATCH
        patch = tuple(np.minimum(np.round(place).astype(int), self.highest).tolist())
        if patch not in self.patches:
            self.patches[patch] = self.coefficients(stack, np.array(patch))
        series = self.patches[patch]
        return self.exact(stack, here) if series is None else value_of(series, 2 * (place - patch))

    def exact(self, stack: Stack, values: list[float]) -> np.ndarray:
        """(n,) curve of the experiment itself with free numbers (p,)."""
        named = dict(zip(self.free, values, strict=True))
        owned = {name.partition(".")[2]: named.pop(name) for name in self.free if is_owned(self.experiment, name)}
        return self.experiment.replace(owned).predict(stack.replace(named))

    def coefficients(self, stack: Stack, patch: np.ndarray) -> np.ndarray | None:
        """(ORDER, [ORDER,] n) of a patch; None where they are not exact enough."""

        def at(y: np.ndarray) -> np.ndarray:
            return self.exact(stack, np.exp(self.start + PATCH * (patch + y / 2)).tolist())

        nodes = chebyshev.chebpts1(ORDER)
        mesh = np.stack(np.meshgrid(*[nodes] * len(self.free), indexing="ij"), axis=-1)
        series = np.apply_along_axis(at, -1, mesh)
        inverse = np.linalg.inv(chebyshev.chebvander(nodes, ORDER - 1))
        for axis in range(len(self.free)):
            series = np.moveaxis(np.tensordot(inverse, series, axes=(1, axis)), 0, axis)
        for y in np.random.default_rng(0).uniform(-1, 1, (6, len(self.free))):
            exact = at(y)
            if not np.abs(value_of(series, y) - exact).max() <= INTERPOLATION_ERROR * np.abs(exact).max():
                return None
        return series


def value_of(series: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(n,) value of a series at a point between -1 and 1 in each direction."""
    for one in y:
        series = np.tensordot(chebyshev.chebvander([one], ORDER - 1)[0], series, axes=1)
    return series


def is_owned(experiment: Experiment, name: str) -> bool:
    """Whether a free number is one of the experiment."""
    return name.startswith(f"{experiment.name}.")


def number_of(stack: Stack, name: str, owned: Mapping[str, float] = MappingProxyType({})) -> float:
    """A conductance or a conductivity of a stack, or a number of an experiment, which come in `owned`."""
    owner, _, attribute = name.rpartition(".")
    if attribute in owned:
        return owned[attribute]
    if attribute == "conductance":
        return 1 / stack.boundaries[stack.boundary_names.index(owner)].resistance()
    return float(next(layer for layer in stack.layers if layer.name == owner).conductivity)


def film_on(conductivity: float, heat_capacity: float, conductance: float) -> Stack:
    """Aluminium on a substrate."""
    film = Layer("Al", 80 * nm, 180.0, heat_capacity=2.43e6)
    return Stack([film, Layer("S", np.inf, conductivity, heat_capacity=heat_capacity)], [conductance])


@cache
def setup_of(name: str) -> tuple[Experiment, Stack, tuple[str, ...]]:
    """One of `NAMES`: an experiment with its sample and what is free."""
    made = {"tdtr": delayed_pulses, "fdtr": phases, "sstr": steady_heating, "3-omega": heated_strip,
            "spectrum": passing_phonons}[name]()  # fmt: skip
    return Tabulated(*made), *made[1:]


def delayed_pulses() -> tuple[Experiment, Stack, tuple[str, ...]]:
    """Ratio against delay; conductance and conductivity are free."""
    tdtr = Tdtr(np.geomspace(100e-12, 3.6e-9, POINTS), BEAMS, modulation=9.8e6, repetition=80e6, delayed="pump")
    return tdtr, film_on(140.0, 1.65e6, 150e6), BOTH


def phases() -> tuple[Experiment, Stack, tuple[str, ...]]:
    """Phase against frequency."""
    return Fdtr(np.geomspace(2e4, 2e7, POINTS), Beams(4 * um, 4 * um)), film_on(140.0, 1.65e6, 150e6), BOTH


def steady_heating() -> tuple[Experiment, Stack, tuple[str, ...]]:
    """Temperature against power."""
    return Sstr(np.linspace(1e-3, 20e-3, POINTS), BEAMS), film_on(140.0, 1.65e6, 150e6), ("S.conductivity",)


def heated_strip() -> tuple[Experiment, Stack, tuple[str, ...]]:
    """Temperature of a strip on an oxide against frequency."""
    layers = [Layer("oxide", 300 * nm, 1.35, heat_capacity=1.65e6), Layer("S", np.inf, 140.0, heat_capacity=1.65e6)]
    omega = ThreeOmega(np.geomspace(100.0, 1e4, POINTS), half_width=10 * um, length=1e-3, power=20e-3)
    return omega, Stack(layers, [1e9]), ("oxide.conductivity", "S.conductivity")


def passing_phonons() -> tuple[Experiment, Stack, tuple[str, ...]]:
    """Phase against frequency for a boundary that lets pass 60 % of the phonons of silicon below 5 THz, 8 % of those
    above; both shares and the conductivity of silicon are free.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "boundary.toml"
        file.write_text(BOUNDARY)
        sample = read_sample(file)
    free = ("fdtr.transmission_1", "fdtr.transmission_2", "S.conductivity")
    return sample.experiments[0], sample.stack, free


def noise_of(rng: np.random.Generator, correlation: float) -> np.ndarray:
    """(n,) noise of unit variance."""
    found = rng.standard_normal(POINTS)
    for i in range(1, POINTS):
        found[i] = correlation * found[i - 1] + np.sqrt(1 - correlation**2) * found[i]
    return found


def unit_noise(kind: str, clean: np.ndarray) -> np.ndarray:
    """(n,) size of noise of one."""
    return {"ratio": np.abs(clean), "phase": np.ones(POINTS)}.get(kind, np.full(POINTS, np.abs(clean).max()))


def simulate(name: str, noise: float, correlation: float, number: int, seed: int) -> dict[str, object]:
    """What is reported of each free number in one simulated set, and whether the fit is doubted."""
    experiment, stack, free = setup_of(name)
    clean = experiment.predict(stack)
    kind = experiment.kind
    value = clean + noise * unit_noise(kind, clean) * noise_of(np.random.default_rng([seed, number]), correlation)
    found = fit(experiment, Curve(independent_variable(experiment)[1], value, None, kind), stack, free, starts=1)
    return {
        "cell": [name, noise, correlation],
        "set": number,
        "found": [report(found, one, number_of(stack, one, experiment.parameters)) for one in free],
        "doubted": judge_fit(found).verdict != "consistent",
    }


def describe_linear(name: str, correlation: float, sets: int) -> str:
    """One line: the same noise on the tangent of an experiment at the truth, which is what small noise sees."""
    experiment, stack, free = setup_of(name)
    clean = experiment.predict(stack)
    size = unit_noise(experiment.kind, clean)
    step = 1e-4
    slopes = [
        (
            experiment.predict(stack.replace({one: number_of(stack, one) * np.exp(step)}))
            - experiment.predict(stack.replace({one: number_of(stack, one) * np.exp(-step)}))
        )
        / (2 * step * size)
        for one in free
    ]
    noise = np.array([noise_of(np.random.default_rng([1, k]), correlation) for k in range(sets)]).T
    p = len(free)
    jacobian, known = np.array(slopes).T, 1e-6 * np.eye(p)
    curves = [
        LinearCurve(residual=one, jacobian=jacobian, information=known, gradient=np.zeros(p), stated=False)
        for one in noise.T
    ]
    found = posterior_of_noise(curves[0], noise, np.zeros((p, sets)))
    weight, correlated, _ = found.select()
    shape, scale = found.best(weight)
    best = found.shift[shape, np.arange(sets), scale]
    variance = np.sum(weight[..., None] * (found.variances() + (found.shift - best[:, None, :]) ** 2), axis=(0, 2))
    factor = np.array([coverage_factors(curves[k]) if correlated[k] else np.ones(p) for k in range(sets)])
    inside = np.abs(best) <= 1.96 * factor * np.sqrt(variance)
    plain = np.abs(best) <= 1.96 * np.sqrt(variance)
    how = f"AR(1) {correlation:g}" if correlation else "white"
    return (
        f"{name:8} small  {how:10} {sets:5} sets: {shares(np.ma.array(inside.mean(axis=0)))} "
        f"(before calibration {shares(np.ma.array(plain.mean(axis=0)))}), {correlated.sum()} taken as correlated"
    )


def describe_limits(correlation: float, distance: tuple[float, float], sets: int) -> str:
    """One row: two numbers with normal estimates, so many standard deviations below their limits; how often the rise of
    chi2 to the true value of the first stays below 3.84, and below its quantile with the other at its likeliest.
    """
    spread = np.array([[1.0, correlation], [correlation, 1.0]])
    information, high, low = np.linalg.inv(spread), np.array(distance), np.full(2, -np.inf)
    drawn = np.random.default_rng(1).standard_normal((sets, 2)) @ np.linalg.cholesky(spread).T
    held = np.minimum(drawn[:, 1] - correlation * drawn[:, 0], high[1])
    away = np.column_stack([np.zeros(sets), held]) - drawn
    rise = np.sum((away @ information) * away, axis=1) - least_chi2(information, drawn, low, high)
    quantile = [ratio_quantile(information, -low, high - [0.0, one], 0.95) for one in held.tolist()]
    return (
        f"| {correlation:g} | {distance[0]:g}, {distance[1]:g} | {100 * np.mean(rise < 3.8415):.1f} % "
        f"| {100 * np.mean(rise <= quantile):.1f} % | {sets:,} |"
    )


def report(found: Fit, name: str, truth: float) -> tuple[float | None, ...]:
    """Whether what a fit says of a number holds the truth, whether the covariance alone does, width of the interval,
    whether it follows the profile.

    A bound has the first of these only, None where not even a bound is given.
    """
    if name in found.bounds:
        low, high = found.bounds[name].low, found.bounds[name].high
        none = low is None and high is None
        return (None if none else float((low or 0.0) <= truth <= (high or np.inf))), None, None, None
    (low, high), (below, above) = found.interval(name), found.interval(name, profiled=False)
    profiled = float((low, high) != (below, above))
    return float(low <= truth <= high), float(below <= truth <= above), float(np.log(high / low)) / 3.92, profiled


def shares(values: np.ma.MaskedArray) -> str:
    """Numbers in percent."""
    return " ".join("-" if one is np.ma.masked else f"{100 * one:.1f} %" for one in values)


def stored(store: Path | None) -> Iterator[dict[str, object]]:
    """Sets that were simulated before; a last line that was cut short is left out."""
    if store is not None and store.exists():
        for line in store.read_text().splitlines():
            if line.endswith("}"):
                yield json.loads(line)


def describe(cell: tuple[str, float, float], sets: list[dict[str, object]]) -> str:
    """One line for a cell."""
    found = np.ma.masked_invalid(np.array([one["found"] for one in sets], dtype=float))
    inside, linear, width, profiled = found.transpose(2, 1, 0)
    name, noise, correlation = cell
    how = f"AR(1) {correlation:g}" if correlation else "white"
    widths, bounds = shares(np.ma.median(width, axis=1)), np.ma.getmaskarray(width).sum()
    return (
        f"{name:8} {noise:6.1%} {how:10} {len(sets):5} sets: {shares(inside.mean(axis=1))} "
        f"(± alone {shares(linear.mean(axis=1))}), sigma {widths}, {bounds} bounds, "
        f"{profiled.sum():.0f} profiled, {sum(bool(one['doubted']) for one in sets)} doubted"
    )


def markdown(cells: dict[tuple[str, float, float], list[dict[str, object]]]) -> Iterator[str]:
    """Rows of the table of the documentation."""
    yield "| experiment | noise | correlation | in the 95 % interval | bounds | sets |"
    yield "|---|---|---|---|---|---|"
    for (name, noise, correlation), sets in sorted(
        cells.items(), key=lambda item: (item[0][0], item[0][2], item[0][1])
    ):
        found = np.ma.masked_invalid(np.array([one["found"] for one in sets], dtype=float))
        how = f"AR(1) {correlation:g}" if correlation else "white"
        held = shares(found[:, :, 0].mean(axis=0)).replace(" % ", ", ")
        bounds = np.ma.getmaskarray(found[:, :, 2]).sum()
        yield f"| {name} | {100 * noise:g} % | {how} | {held} | {bounds} | {len(sets):,} |"


def simulated(
    tasks: list[tuple[tuple[str, float, float], int]], seed: int, pool: ProcessPoolExecutor | None
) -> Iterable[dict[str, object]]:
    """Sets of cells by number, in the order of the tasks."""
    if pool is None:
        return (simulate(*cell, number, seed) for cell, number in tasks)
    columns = list(zip(*((*cell, number, seed) for cell, number in tasks), strict=True)) or [()] * 5
    return pool.map(simulate, *columns, chunksize=CHUNK)


def main() -> None:
    """Simulate what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--only", choices=(*NAMES, "spectrum"), nargs="*", default=NAMES)
    parser.add_argument("--noise", type=float, nargs="*", default=NOISES)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--table", action="store_true", help="print what is in the store")
    parser.add_argument("--linear", action="store_true", help="on the tangents of the experiments: small noise, quick")
    parser.add_argument("--limits", action="store_true", help="linear problems of two numbers near their limits")
    parser.add_argument("--correlation", type=float, default=CORRELATION)
    parser.add_argument("--seed", type=int, default=1, help="of the noise; a store holds sets of one seed")
    parser.add_argument("--processes", type=int, default=1, help="that simulate at once; 0: as many as there are cores")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--white", action="store_true")
    kinds.add_argument("--correlated", action="store_true")
    options = parser.parse_args()
    cells: dict[tuple[str, float, float], list[dict[str, object]]] = {}
    for one in stored(options.store):
        cells.setdefault(tuple(one["cell"]), []).append(one)
    if options.table:
        print("\n".join(markdown(cells)))
        return
    if options.limits:
        for case in product((-0.95, 0.0, 0.7), ((9.0, 0.0), (9.0, 1.0), (1.0, 1.0), (0.3, 0.3))):
            print(describe_limits(*case, options.sets), flush=True)
        return
    correlations = [options.correlation] * (not options.white) + [0.0] * (not options.correlated)
    if options.linear:
        for correlation in correlations:
            for name in options.only:
                print(describe_linear(name, correlation, options.sets), flush=True)
        return
    wanted = [(n, s, c) for c in correlations for s in sorted(options.noise, reverse=True) for n in options.only]
    processes = options.processes or len(os.sched_getaffinity(0))
    pool = ProcessPoolExecutor(processes) if processes > 1 else None
    for upto in sorted({min(part, options.sets) for part in (*PASSES, options.sets)}):  # all cells a little, then more
        for cell in wanted:
            sets = cells.setdefault(cell, [])
            for one in simulated([(cell, number) for number in range(len(sets), upto)], options.seed, pool):
                sets.append(one)
                if options.store is not None:
                    with options.store.open("a") as file:
                        file.write(json.dumps(one) + "\n")
            print(describe(cell, sets), flush=True)


if __name__ == "__main__":
    main()
