"""CPU time of acoustic mismatch, median of repeats: `OMP_NUM_THREADS=1 python benchmarks/amm.py`.

The anisotropic case is timed with fresh crystals, so that nothing is taken from a cache, and its error is measured
against a quadrature with eight times as many azimuths and twice as many slownesses.
"""

import statistics
import time
from collections.abc import Callable
from importlib import import_module
from unittest.mock import patch

import numpy as np

from kapitza.matter.elastic import Elastic
from kapitza.matter.isotropic import Solid
from kapitza.theory.amm import amm
from kapitza.theory.plane_waves import Interlayer
from kapitza.units import GPa, nm


def cubic(name: str, c11: float, c12: float, c44: float, density: float, atoms: float) -> Elastic:
    c = np.diag([c11] * 3 + [c44] * 3)
    c[:3, :3] += c12 * (1 - np.eye(3))
    return Elastic(name, c * GPa, density, atoms)


def silicon() -> Elastic:
    return cubic("Si", 165.7, 63.9, 79.6, 2329, 4.994e28)


def germanium() -> Elastic:
    return cubic("Ge", 128.5, 48.3, 66.8, 5323, 4.413e28)


def median(call: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def conductance() -> float:
    return float(amm(silicon(), germanium()).conductance(1.0).value[0])


def main() -> None:
    al, si = Solid("Al", 2700, 6420, 3040, 6.026e28), Solid("Si", 2329, 9000, 5400, 4.994e28)
    gold = Solid("Au", 19300, 3240, 1200, 5.9e28)
    quick = conductance()
    with (
        patch.object(import_module("kapitza.matter.elastic"), "_CIRCLE_AZIMUTHS", 768),
        patch.object(import_module("kapitza.theory.amm"), "_STROH_NODES", 18),
    ):
        fine = conductance()
    cases: dict[str, tuple[Callable[[], object], int]] = {
        "isotropic Al/Si": (lambda: amm(al, si), 50),
        "anisotropic Si/Ge (001), bar 200 ms": (conductance, 15),
        "sprung Al/Si, all frequencies": (lambda: amm(al, si, spring=(1e20, 1e20)), 5),
        "Al/2 nm Au/Si, all frequencies": (lambda: amm(al, si, interlayer=Interlayer(gold, 2 * nm)), 5),
    }
    for name, (call, repeats) in cases.items():
        print(f"{name:40s} {1e3 * median(call, repeats):8.2f} ms CPU")
    print(f"Si/Ge: G(1 K) = {quick:.3f} W/m²K, {quick / fine - 1:+.1e} from the fine quadrature (bar 5e-3)")


if __name__ == "__main__":
    main()
