"""CPU time of fits of thermoreflectance, median of repeats: `OMP_NUM_THREADS=1 python benchmarks/fit_tdtr.py`.

A curve of 40 delays on Al / boundary / 500 nm SiO2 / boundary / Si; the derivatives of it by 7 parameters; and a fit of
2 parameters to 62 delays with a pump that loses its focus, from three starting points with all checks.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from kapitza.core.stack import Layer, Stack
from kapitza.measure.experiment import Curve
from kapitza.measure.fit import fit
from kapitza.measure.problem import DataSet, FitProblem, Free, Prior, Tie, resolve_parameters
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Tdtr
from kapitza.units import nm, ns, ps, um


def median(call: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def oxide() -> tuple[Tdtr, Stack]:
    layers = [
        Layer("Al", 80 * nm, 180.0, heat_capacity=2.43e6),
        Layer("SiO2", 500 * nm, 1.32, heat_capacity=1.62e6),
        Layer("Si", np.inf, 142.0, heat_capacity=1.64e6),
    ]
    delays = np.geomspace(100, 3600, 40) * ps
    return Tdtr(delays, Beams(10 * um, 10 * um), modulation=9.8e6, repetition=80e6, delayed="pump"), Stack(
        layers, [150e6, 300e6]
    )


def jacobian(tdtr: Tdtr, stack: Stack) -> Callable[[], object]:
    clean = tdtr.predict(stack)
    sample = DataSet(tdtr, Curve(tdtr.delay, clean), stack)
    free = {name: Free() for name in ("Al|SiO2.conductance", "SiO2|Si.conductance", "SiO2.conductivity")}
    priors = {name: Prior.relative(0.03) for name in ("Al.thickness", "Al.heat_capacity", "SiO2.thickness", "spot")}
    ties = {"spot": Tie(("tdtr.pump_radius", "tdtr.probe_radius"))}
    priors["spot"] = Prior(1, 0.04)
    parameters = resolve_parameters((sample,), free, priors, ties)

    def call() -> object:
        # a new problem each time: nothing may come out of its memory
        return FitProblem((sample,), parameters, (0.01 * clean,)).jacobian(np.zeros(7))

    return call


def silicon() -> tuple[Tdtr, Curve, Stack]:
    layers = [Layer("Al", 92 * nm, 185.0, heat_capacity=2.43e6), Layer("Si", np.inf, 140.0, heat_capacity=1.64e6)]
    stack = Stack(layers, [177e6])
    delays = np.geomspace(100, 3950, 62) * ps
    tdtr = Tdtr(delays, Beams(6.7 * um, 6.7 * um), modulation=9.1e6, repetition=74.82e6, delayed="pump",
                defocus=0.16 / (3.6 * ns))  # fmt: skip
    noise = 1 + 0.014 * np.random.default_rng(1).standard_normal(62)
    return tdtr, Curve(delays, tdtr.predict(stack) * noise), stack


def main() -> None:
    tdtr, stack = oxide()
    tdtr.predict(stack)
    print(f"curve of 40 delays, again        {1e3 * median(lambda: tdtr.predict(stack), 50):8.2f} ms")
    print(f"derivatives by 7 parameters      {1e3 * median(jacobian(tdtr, stack), 20):8.2f} ms (bar 8)")
    pump, curve, on = silicon()
    start = on.replace({"Al|Si.conductance": 100e6, "Si.conductivity": 100.0})
    free = ["Al|Si.conductance", "Si.conductivity"]
    print(f"fit of 2 parameters with defocus {median(lambda: fit(pump, curve, start, free), 5):8.3f} s (bar 0.5)")


if __name__ == "__main__":
    main()
