"""How often intervals of an absolute resistance hold the truth, for five designs and for four wrong models.

Usage: python benchmarks/lamella.py [--cases 200] [--only lock-in] [--wrong]

Virtual lamellae of AlN on SiC, 1.2 x 2 um (5 um for lock-in), 80 nm thick, with all numbers drawn from their priors
(the resistance by 30 %), are fitted from the best estimates.  The fifth design is the third with a map of t/λ whose
noise is 5 % a pixel, alike over 100 nm.  For each design the share of truths in the 68 and 95 %
intervals, the mean and the rms of the deviation in standard uncertainties, the mean relative uncertainty, and the
CPU time of a fit are printed.  With --wrong data come from another model than the fit has, and the share that is
inside of 95 % or rejected by chi2 (probability below 1 %) is printed, with maps of 1 K a pixel.
"""

import argparse
import time
from typing import Any

import numpy as np
from attrs import evolve

from kapitza import Prior
from kapitza.eels import PointSpread
from kapitza.measure.lamella import (
    Lamella,
    LamellaMap,
    LamellaMaterial,
    LamellaPlane,
    RelativeThickness,
    draw_numbers,
    draw_thickness,
    fit_lamella,
    simulate_lamella,
)
from kapitza.units import nm

SPREAD = PointSpread(10 * nm)
DESIGNS = ("power", "strip", "differential power", "lock-in", "noisy thickness")
WRONG = ("conductivity by place", "ballistic near the plane", "finer grid", "drift of the scale")
PIXELS = (20, 40)


def sample(design: str) -> tuple[Lamella, LamellaMap, dict[str, Prior]]:
    """Lamella, map to be filled, and priors of a design."""
    length = (5000 if design == "lock-in" else 1200) * nm
    x = (np.arange(PIXELS[1]) + 0.5) * length / PIXELS[1]
    y = (np.arange(PIXELS[0]) + 0.5) * 2000 * nm / PIXELS[0]
    materials = [
        LamellaMaterial(name="AlN", conductivity=100.0, heat_capacity=2.4e6),
        LamellaMaterial(name="SiC", conductivity=60.0, heat_capacity=2.2e6),
    ]
    planes = [LamellaPlane(position=length / 2, resistance=3e-9 if design == "lock-in" else 1.2e-9)]
    if design == "strip":
        materials.append(LamellaMaterial(name="strip", conductivity=50.0))
        planes = [evolve(planes[0], position=450 * nm), LamellaPlane(position=800 * nm, resistance=5e-10)]
    lamella = Lamella(
        materials=materials,
        planes=planes,
        left=0.0,
        right=length,
        bottom=0.0,
        top=2000 * nm,
        thickness=RelativeThickness(x, y, 0.8 * np.ones(PIXELS)),
        inelastic_mean_free_path=100 * nm,
        dead_layer=5 * nm,
        left_conductance=2e9,
        right_conductance=4e9,
    )
    priors = {f"{one.name}.conductivity": Prior.relative(0.44) for one in materials}
    priors |= {
        "inelastic_mean_free_path": Prior.relative(0.1),
        "dead_layer": Prior.relative(0.2),
        "left_conductance": Prior.relative(0.7),
        "right_conductance": Prior.relative(0.7),
        "AlN|SiC.position": Prior(None, 4 * nm),
        "AlN|SiC.angle": Prior(None, 0.005 if design == "lock-in" else 0.02),
        "temperature_scale": Prior.relative(0.005),
        "spread.width": Prior.relative(0.1),
    }
    if design == "noisy thickness":
        held = lamella.thickness
        lamella = evolve(lamella, thickness=evolve(held, sigma=0.05 * held.value, correlation=100 * nm))
    drive: dict[str, Any] = {"pad_temperatures": (485.0, 300.0)}
    if design == "strip":
        priors["strip.conductivity"] = Prior.relative(0.05)
    elif design == "lock-in":
        priors |= {f"{one.name}.heat_capacity": Prior.relative(0.05) for one in materials}
        drive = {"pad_temperatures": (12 - 16j, 1 + 0.1j), "frequency": 1e6}
    else:
        drive |= {"power": 1.4e-3, "power_sigma": 0.3 if design == "power" else 0.05}
    sigma = np.full(PIXELS, 0.2 if design == "lock-in" else 1.5)
    kind = complex if design == "lock-in" else float
    plan = LamellaMap(name="map", x=x, y=y, temperature=np.zeros(PIXELS, dtype=kind), sigma=sigma, **drive)
    return lamella, plan, priors


def trial(design: str, seed: int, wrong: str = "") -> tuple[float, float, float, float]:
    """Deviation in standard uncertainties, relative uncertainty, probability of chi2, and CPU time of one fit."""
    lamella, plan, priors = sample(design)
    rng = np.random.default_rng((seed, 7))
    truth = draw_numbers(lamella, priors, spread=SPREAD, seed=seed)
    resistance = lamella.planes[0].resistance * float(np.exp(0.3 * rng.standard_normal()))
    truth["AlN|SiC.resistance"] = resistance
    if design == "lock-in":
        plan = evolve(plan, pad_temperatures=plan.pad_temperatures * np.exp(2j * np.pi * rng.random()))
    if wrong:
        plan = evolve(plan, sigma=np.full(PIXELS, 1.0))
    given, mesh = misread(lamella, wrong), {"columns": 160, "rows": 40} if wrong == "finer grid" else {}
    given = evolve(given, thickness=draw_thickness(given.thickness, seed=seed))
    one = simulate_lamella(given, plan, changes=truth, spread=SPREAD, seed=seed, **mesh)[0]
    if wrong == "drift of the scale":  # 1 % from the first to the last row
        one = evolve(one, temperature=one.temperature * np.linspace(0.995, 1.005, PIXELS[0])[:, None])
    one = evolve(one, pad_temperatures=np.zeros(2))
    start = time.process_time()
    found = fit_lamella(lamella, one, priors, spread=SPREAD)
    spent = time.process_time() - start
    pull = float(np.log(found.resistance / resistance)) / found.relative_sigma
    return pull, found.relative_sigma, found.pvalue, spent


def misread(lamella: Lamella, wrong: str) -> Lamella:
    """The lamella that is there; conductivities by place stand in its thickness."""
    x = lamella.thickness.x
    factor = np.ones(x.size)
    if wrong == "conductivity by place":  # ten per cent up and down along x
        factor = np.linspace(0.9, 1.1, x.size)
    elif wrong == "ballistic near the plane":  # half the conductivity at the plane, back within 100 nm
        factor = 1 - 0.5 * np.exp(-np.abs(x - lamella.planes[0].position) / (100 * nm))
    return evolve(lamella, thickness=evolve(lamella.thickness, value=lamella.thickness.value * factor))


def main() -> None:
    """Print a line for each design, or for each wrong model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--only", choices=DESIGNS)
    parser.add_argument("--wrong", action="store_true")
    given = parser.parse_args()
    if given.wrong:
        for wrong in WRONG:
            rows = np.array([trial("differential power", seed, wrong) for seed in range(given.cases)])
            inside, rejected = np.abs(rows[:, 0]) < 1.96, rows[:, 2] < 0.01
            print(
                f"{wrong}: inside of 95 % {inside.mean():.1%}, rejected {rejected.mean():.1%}, "
                f"one or the other {(inside | rejected).mean():.1%}, mean {rows[:, 0].mean():+.2f} sigma",
                flush=True,
            )
        return
    for design in [given.only] if given.only else DESIGNS:
        rows = np.array([trial(design, seed) for seed in range(given.cases)])
        pull = rows[:, 0]
        print(
            f"{design}: 68 % {np.mean(np.abs(pull) < 0.9945):.1%}, 95 % {np.mean(np.abs(pull) < 1.96):.1%}, "
            f"mean {pull.mean():+.3f}, rms {np.sqrt(np.mean(pull**2)):.3f}, sigma {rows[:, 1].mean():.1%}, "
            f"CPU {rows[:, 3].mean():.2f} s (most {rows[:, 3].max():.2f} s)",
            flush=True,
        )


if __name__ == "__main__":
    main()
