"""CPU time and accuracy of one TDTR curve: `OMP_NUM_THREADS=1 python benchmarks/tdtr_curve.py`.

40 delays from 0.1 to 3.6 ns on Al / boundary / 500 nm SiO2 / boundary / Si, median of repeats.  The fastest public code
known, a MATLAB kernel of 35 wave vectors, takes 146 ms in GNU Octave 7.3 on the same kind of machine, and is good to
1e-3.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from itertools import cycle

import numpy as np
from attrs import evolve

from kapitza.core.stack import Layer, Stack
from kapitza.device.layered.admittance import impedance
from kapitza.measure.experiment import simulate_curve
from kapitza.measure.problem import DataSet, FitProblem, resolve_parameters
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr, Tdtr
from kapitza.units import MW, nm, ns, um

PUBLIC = 146.0  # ms


def median(call: Callable[[], object], repeats: int = 300) -> float:
    """CPU time in ms."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times) * 1e3


def sample() -> Stack:
    layers = [
        Layer("Al", 80 * nm, 180.0, heat_capacity=2.43e6),
        Layer("SiO2", 500 * nm, 1.35, heat_capacity=1.65e6),
        Layer("Si", np.inf, 142.0, heat_capacity=1.64e6),
    ]
    return Stack(layers, [100 * MW, 300 * MW])


def experiment(**more: float) -> Tdtr:
    delay = np.geomspace(0.1, 3.6, 40) * ns
    return Tdtr(delay, Beams(10 * um, 10 * um), modulation=9.8e6, repetition=80e6, delayed="pump", **more)


def finer(tdtr: Tdtr, stack: Stack) -> np.ndarray:
    """The same with three times the wave vectors."""
    average = tdtr.quadrature(stack, nodes=150)
    z = tdtr.pulse_train.signal(impedance(stack, tdtr.pulse_train.s, average.kx, average.ky) @ average.weight[0])
    return z * np.exp(2j * np.pi * tdtr.modulation * tdtr.delay)


SEVEN = (
    "Al|SiO2.conductance", "SiO2|Si.conductance", "SiO2.conductivity", "Si.conductivity", "Al.thickness",
    "Al.heat_capacity", "tdtr.pump_radius",
)  # fmt: skip


def derivatives(curve: Tdtr, stack: Stack) -> np.ndarray:
    """(40, 7) derivatives of a curve as a fit takes them, with nothing remembered from before."""
    samples = (DataSet(curve, simulate_curve(curve, stack, noise=0.003), stack),)
    parameters = resolve_parameters(samples, SEVEN, {}, {})
    problem = FitProblem(samples, parameters)
    return problem.jacobian(np.zeros(len(SEVEN)))


def others_of(stack: Stack) -> Iterator[Stack]:
    """Stacks of which no layer was seen before, as what is kept of a layer would make a curve cheaper."""
    made: list[Stack] = []
    for i in range(2000):
        factor = 1 + 1e-4 * (i + 1)
        layers = [evolve(one, conductivity=one.conductivity * factor) for one in stack.layers]
        made.append(Stack(layers, stack.boundaries))
    return cycle(made)


def main() -> None:
    stack, curve, grown = sample(), experiment(), experiment(defocus=4e7)
    fdtr = Fdtr(np.geomspace(1e4, 5e7, 49), Beams(4 * um, 4 * um))
    others = others_of(stack)
    fast = median(lambda: curve.predict(next(others)))
    print(f"curve, 40 delays, all numbers new    {fast:6.2f} ms   {PUBLIC / fast:.0f} x the public code (bar 0.5 ms)")
    for what, call in (
        ("the same again", lambda: curve.predict(stack)),
        ("another conductance", lambda: curve.predict(stack.replace({"Al|SiO2.conductance": 200 * MW}))),
        ("another spot", lambda: curve.replace({"pump_radius": 9 * um}).predict(stack)),
        ("pump that loses its focus", lambda: grown.predict(next(others))),
        ("FDTR, 49 frequencies", lambda: fdtr.predict(next(others))),
    ):
        print(f"{what:36} {median(call):6.2f} ms")
    print(f"derivatives by seven numbers         {median(lambda: derivatives(curve, stack), 60):6.2f} ms   (bar 8 ms)")
    print(f"points in Laplace space              {curve.pulse_train.s.size:6d}")
    print(f"change with three times the nodes    {np.abs(curve.signal(stack) / finer(curve, stack) - 1).max():6.1e}")


if __name__ == "__main__":
    main()
