"""How often fits with a wrong model are named as misfits, and how often right ones are.

Usage: python benchmarks/fit_misfit.py [--cases 200] [--seed 7] [--correlation 0.9] [--unnamed]

Wrong models: layers exchanged, sign of the data reversed, spot of another size, oxide left out, in TDTR, FDTR and both,
with conductances, conductivities, spots and noise drawn at random.  The substrate is a crystal of the library, its
conductivity within 5 % (standard deviation) of the tabulated one; `--unnamed` draws any conductivity for a substrate
that no library knows.  Named is a wrong model by the verdict, or by a question that a fitted number raises; a question
at a right model is a false alarm.  `--correlation` makes the noise autoregressive.

A wrong model whose free numbers take up all of the difference cannot be told by residuals: beside the share that is
named stands the share among those whose best curve without noise lies more than the noise away from the truth (root
mean square).  The right models are the same samples.
"""

import argparse

import numpy as np
from attrs import evolve, frozen

from kapitza.core.stack import Layer, Stack
from kapitza.errors import ConvergenceError
from kapitza.matter.library import material
from kapitza.measure.experiment import Curve, Experiment, independent_variable
from kapitza.measure.fit import fit
from kapitza.measure.judgement import judge_fit
from kapitza.measure.least_squares import least_squares
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr, Tdtr
from kapitza.units import nm, um

SUBSTRATES = ("Si", "Ge", "GaAs", "GaN", "sapphire", "MgO", "InP", "GaP", "6H-SiC", "AlN")
SPREAD = 0.05  # of the conductivity of samples of one substrate
KINDS = ("exchanged", "sign", "spot", "oxide")


@frozen
class Setting:
    """What is drawn: the correlation of the noise, and whether the substrate has a name."""

    correlation: float = 0.0
    named: bool = True


def sample(rng: np.random.Generator, *, named: bool) -> tuple[Stack, dict[str, float], str]:
    """Aluminium, a film and a substrate, drawn at random."""
    numbers = {
        "film": float(np.exp(rng.uniform(np.log(1.0), np.log(20.0)))),
        "thickness": rng.uniform(100, 400) * nm,
        "substrate": float(np.exp(rng.uniform(np.log(30.0), np.log(300.0)))),
        "conductance": float(np.exp(rng.uniform(np.log(50e6), np.log(300e6)))),
        "spot": rng.uniform(3, 8) * um,
        "noise": float(np.exp(rng.uniform(np.log(0.002), np.log(0.01)))),
    }
    base = "S"
    if named:
        base = str(rng.choice(SUBSTRATES))
        numbers["substrate"] = float(material(base).conductivity(300.0)[0] * np.exp(SPREAD * rng.standard_normal()))
    return stack_of(numbers, base), numbers, base


def stack_of(numbers: dict[str, float], name: str, *, exchanged: bool = False, oxide: bool = True) -> Stack:
    """The sample, with the film on top of the metal or left out if asked."""
    metal = Layer("Al", 80 * nm, 180.0, heat_capacity=2.43e6)
    film = Layer("film", numbers["thickness"], numbers["film"], heat_capacity=2.2e6)
    base = Layer(name, np.inf, numbers["substrate"], heat_capacity=1.9e6)
    if not oxide:
        return Stack([metal, Layer("film", 1 * nm, 100.0, heat_capacity=2e6), base], [numbers["conductance"], 1e10])
    if exchanged:
        film = Layer("film", 80 * nm, 180.0, heat_capacity=2.43e6)
        metal = Layer("Al", numbers["thickness"], numbers["film"], heat_capacity=2.2e6)
    return Stack([metal, film, base], [numbers["conductance"], 300e6])


def experiment_of(kind: str, spot: float) -> Tdtr | Fdtr:
    """TDTR or FDTR with beams of one size."""
    beams = Beams(spot, spot)
    if kind == "tdtr":
        delays = np.geomspace(100e-12, 3.6e-9, 40)
        return Tdtr(delays, beams, modulation=1.1e6, repetition=80e6, delayed="pump")
    return Fdtr(np.geomspace(5e3, 2e7, 40), beams)


def noise_of(rng: np.random.Generator, size: int, correlation: float) -> np.ndarray:
    """(n,) noise of unit variance."""
    found = rng.standard_normal(size)
    for i in range(1, size):
        found[i] = correlation * found[i - 1] + np.sqrt(1 - correlation**2) * found[i]
    return found


def case(kind: str, rng: np.random.Generator, setting: Setting) -> tuple[bool, bool, bool]:
    """Whether the right model is doubted, the wrong one named, and the wrong one far enough to be seen."""
    truth, numbers, base = sample(rng, named=setting.named)
    method = "tdtr" if rng.random() < 0.5 else "fdtr"
    right = experiment_of(method, numbers["spot"])
    clean, kind_of_data = right.predict(truth), right.kind
    size = numbers["noise"] * (np.abs(clean) if method == "tdtr" else np.ones(clean.size))
    value = clean + size * noise_of(rng, clean.size, setting.correlation)
    wrong, stack, sign = right, truth, 1.0
    if kind == "sign":
        sign = -1.0
    elif kind == "spot":
        wrong = experiment_of(method, numbers["spot"] * (1.6 if rng.random() < 0.5 else 0.6))
    else:
        stack = stack_of(numbers, base, exchanged=kind == "exchanged", oxide=kind != "oxide")
    x = independent_variable(right)[1]
    doubted = verdict(right, Curve(x, value, None, kind_of_data), truth)
    named = verdict(wrong, Curve(x, sign * value, None, kind_of_data), stack)
    best = distance(wrong, Curve(x, sign * clean, size, kind_of_data), stack)
    return doubted, named, best > 1.0


def verdict(experiment: Experiment, curve: Curve, stack: Stack) -> bool:
    """Whether model and data are said not to agree.

    A fit that ends with the error that there is no minimum names the misfit, too.
    """
    try:
        found = fit(experiment, curve, stack, free_of(stack), starts=1)
    except ConvergenceError:
        return True
    return not judge_fit(found).accepted


def distance(experiment: Experiment, curve: Curve, stack: Stack) -> float:
    """Root mean square of the least squares of independent residuals, in units of the noise.

    A fit takes a smooth difference for noise that neighbours share, and then comes less close to the points.
    """
    try:
        problem = evolve(fit(experiment, curve, stack, free_of(stack), starts=1).problem, noise=())
    except ConvergenceError:
        return np.inf
    start, limits = np.zeros(len(problem.parameters)), (problem.low, problem.high)
    best = least_squares(problem.residual, start, limits=limits, scale=problem.scale, starts=3)
    return float(np.sqrt(np.mean(best.residual[: problem.rows] ** 2)))


def free_of(stack: Stack) -> tuple[str, str]:
    """Conductance below the metal and conductivity of the substrate."""
    return "Al|film.conductance", f"{stack.layers[-1].name}.conductivity"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--correlation", type=float, default=0.0)
    parser.add_argument("--unnamed", action="store_true", help="substrates that no library knows")
    given = parser.parse_args()
    rng, each = np.random.default_rng(given.seed), given.cases // len(KINDS)
    setting = Setting(given.correlation, not given.unnamed)
    everything = []
    for kind in KINDS:
        found = np.array([case(kind, rng, setting) for _ in range(each)])
        everything.append(found)
        print(line(kind, found), flush=True)
    print(line("all", np.concatenate(everything)))


def line(name: str, found: np.ndarray) -> str:
    """One line of the table."""
    doubted, named, visible = found.T
    seen = f"{named[visible].mean():.1%} of {visible.sum()} visible" if visible.any() else "none visible"
    return f"{name:10} named {named.mean():.1%} of {named.size} ({seen}); right models doubted {doubted.mean():.1%}"


if __name__ == "__main__":
    main()
