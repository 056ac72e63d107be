"""CPU time of Boltzmann transport on one thread: `OMP_NUM_THREADS=1 python benchmarks/transport.py`.

Published peers, measured once on the same kind of machine (CPU s): a silicon film of 15 bands took GiftBTE 4.4 and
OpenBTE 3.8 to 11.6, the latter stopped unconverged at 1 µm; Si/Ge of 50 + 50 nm with 134 bands took GiftBTE 263.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from kapitza.matter.isotropic import Solid
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering
from kapitza.simulate.boltzmann.carriers import Carriers, ScatteringRates, gray_carriers
from kapitza.simulate.boltzmann.layered.solver import solve_by_sweeps
from kapitza.simulate.boltzmann.layered.transport import Film, assemble_layers, transport
from kapitza.simulate.boltzmann.spectral_carriers import group_edges, group_frequencies, spectral_carriers
from kapitza.theory.dmm import dmm

SILICON = Solid("Si", 2329, 8970, 5332, 4.994e28)
GERMANIUM = Solid("Ge", 5323, 5310, 3250, 4.42e28)
RATES = ScatteringRates(umklapp=1.2e-19, impurity=1.3e-45, boundary=1e-3)


def cpu(call: Callable[[], object], repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def banded(material: Solid, bins: int) -> Carriers:
    """One branch, `bins` bands."""
    edges = np.linspace(0, material.edges[-1], bins + 1)
    return spectral_carriers(material, RATES, edges=edges, conductivity=148.0)


def grown_with_bands(rounds: int = 7) -> None:
    """Sizes in turn, so that what else runs on the machine meets all of them alike."""
    stacks: list[list[Film]] = []
    for bins in (25, 50, 100, 200, 400):
        edges = group_edges(SILICON, GERMANIUM, bins=bins)
        stacks.append([Film(5e-8, spectral_carriers(s, RATES, edges=edges)) for s in (SILICON, GERMANIUM)])
    joint = InterfaceScattering(coefficient=1e-3)
    spent = np.array([[cpu(lambda f=one: transport(f, [joint]), 1) for one in stacks] for _ in range(rounds)])
    counts = [sum(film.carriers.capacity.size for film in one) for one in stacks]
    print(
        "growth with bands, two layers: bands of both (times the first), CPU time (times the first, median of rounds)"
    )
    for k, count in enumerate(counts):
        ratio = np.median(spent[:, k] / spent[:, 0])
        print(f"  {count:5d} ({count / counts[0]:5.2f})  {1e3 * spent[:, k].min():9.1f} ms ({ratio:5.2f})")


def main() -> None:
    film_bands = banded(SILICON, 7)
    print(f"Si film of {film_bands.capacity.size} bands, bar for 15: 0.2 s at any thickness")
    for thickness in (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3):
        film = [Film(thickness, film_bands)]
        print(f"  {thickness:7.0e} m  {1e3 * cpu(lambda f=film: transport(f)):8.1f} ms")
    edges = group_edges(SILICON, GERMANIUM, bins=55)
    pair = [spectral_carriers(s, RATES, edges=edges, conductivity=k) for s, k in ((SILICON, 148.0), (GERMANIUM, 60.0))]
    crossing = dmm(SILICON, GERMANIUM, group_frequencies(edges))
    films = [Film(5e-8, one) for one in pair]
    count = max(one.capacity.size for one in pair)
    print(
        f"Si/Ge 50 + 50 nm, {count} bands, bar for 134: 5 s; {1e3 * cpu(lambda: transport(films, [crossing])):.1f} ms"
    )
    grown_with_bands()
    print(f"growth with cells, by sweeps, {film_bands.capacity.size} bands, L = 10 µm")
    for cells in (100, 200, 400, 800, 1600):
        slabs, _ = assemble_layers([Film(1e-5, film_bands, cells=cells)], [], None, None)
        steps = solve_by_sweeps(slabs).steps
        print(f"  {cells:5d} cells {1e3 * cpu(lambda s=slabs: solve_by_sweeps(s), 3):9.1f} ms, {steps} steps")
    gray = gray_carriers("gray", heat_capacity=4e6, velocity=1000.0, mean_free_path=1e-8)
    print("steps against Knudsen number, 400 cells: ", end="")
    for knudsen in (1e3, 1e2, 1e1, 1.0, 1e-1, 1e-2, 1e-3, 1e-4):
        slabs, _ = assemble_layers([Film(1e-8 / knudsen, gray, cells=400)], [], None, None)
        print(f"{knudsen:g}: {solve_by_sweeps(slabs).steps}", end="  ")
    print()


if __name__ == "__main__":
    main()
