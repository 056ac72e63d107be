"""Speed and memory of screenings, beside the model called in a loop and a join in DuckDB.

Usage: python benchmarks/screening.py [--large]

Random Debye solids, 3 temperatures, the best 100 pairs; processor time of one thread, and the largest memory of the
process so far.  `--large` adds 5·10⁹ pairs, and all triples of 10⁴ materials.
"""

import argparse
import resource
import time
from collections.abc import Callable
from importlib import import_module

import numpy as np

from kapitza import dmm
from kapitza.screen import MaterialTable, Ranking, interlayers, screen
from kapitza.screen.conductances import compute_pairs
from kapitza.screen.table import cell_edges
from kapitza.screen.tabulation import tabulate_pairs

KELVIN = np.array([77.0, 300.0, 600.0])
RNG = np.random.default_rng(19)


def random_table(count: int, *, bands: bool = False) -> MaterialTable:
    transverse = RNG.uniform(500, 8000, count)
    longitudinal = transverse * RNG.uniform(1.4, 2.0, count)
    atoms = RNG.uniform(2e28, 1.8e29, count)
    spectra = {}
    if bands:  # spectra of solids with lines that soften towards the top
        wave = (6 * np.pi**2 * atoms) ** (1 / 3)
        edges = cell_edges((longitudinal * wave / 1.3).tolist())
        middle = (edges[1:] + edges[:-1]) / 2
        modes, slopes = (np.zeros((count, middle.size)) for _ in range(2))
        for k in range(count):
            top = longitudinal[k] * wave[k] / 1.3
            s = (1 / longitudinal[k] ** 2 + 2 / transverse[k] ** 2) / (4 * np.pi)
            modes[k] = s * np.maximum(1 - (middle / top) ** 2, 0) * (1 + 0.3 * np.sin(9 * middle / top))
            slopes[k] = np.gradient(modes[k]) / np.sqrt(12)
        spectra = {"edges": edges, "band_rows": np.arange(count), "reduced_modes": modes, "slopes": slopes}
    return MaterialTable(
        names=[f"m{k}" for k in range(count)], formulas=[""] * count, density=np.full(count, 3e3),
        longitudinal=longitudinal, transverse=transverse, atoms=atoms, **spectra,
    )  # fmt: skip


def report(title: str, pairs: float, work: Callable[[], object]) -> None:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    processor = time.process_time() - processor
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{title:44} {pairs:8.2g} pairs {processor:8.2f} s CPU {time.perf_counter() - wall:8.2f} s wall "
        f"{1e9 * processor / pairs:10.2f} ns/pair {memory:6.2f} GB",
        flush=True,
    )


def duckdb_join(materials: MaterialTable) -> Callable[[], object] | None:
    """The same integral as SQL over a table crossed with itself, at 3 temperatures."""
    try:
        duckdb = import_module("duckdb")
    except ImportError:
        return None
    tables = tabulate_pairs(materials, KELVIN)
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    names = ["below", "between", *(f"{side}{t}" for t in range(3) for side in ("low", "high"))]
    rows = [tables.below, tables.between]
    rows += [one[t] for t in range(3) for one in (tables.transverse, tables.longitudinal)]
    connection.execute(f"create table m (id integer, {', '.join(f'{name} double' for name in names)})")
    values = np.column_stack([np.arange(len(materials)), *rows]).tolist()
    connection.executemany(f"insert into m values ({', '.join('?' * (len(names) + 1))})", values)
    parts = []
    for t in range(3):
        a, b = f"a.low{t}, a.high{t}".split(", "), f"b.low{t}, b.high{t}".split(", ")
        parts.append(
            f"least({a[0]}, {b[0]})/(a.below + b.below) + greatest(0, least({a[1]}, {b[0]}) - least({a[0]}, {b[0]}))"
            f"/(a.between + b.below) + greatest(0, least({b[1]}, {a[0]}) - least({a[0]}, {b[0]}))/(a.below + b.between)"
            f" + greatest(0, least({a[1]}, {b[1]}) - greatest({a[0]}, {b[0]}))/(a.between + b.between)"
        )
    query = [
        f"select a.id, b.id, {part} as g from m a, m b where a.id < b.id order by g desc limit 100" for part in parts
    ]
    return lambda: [connection.execute(one).fetchall() for one in query]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="5e9 pairs and 1.7e11 triples too")
    arguments = parser.parse_args()
    small = random_table(200)
    start = time.process_time()
    screen(small, KELVIN)
    print(f"compilation, or loading what was compiled: {time.process_time() - start:.2f} s")
    loop = [dmm(small.solid(k), small.solid(k + 1)) for k in range(100)]
    report(
        "dmm(...).conductance(3 T) in a loop",
        100,
        lambda: [dmm(small.solid(k), small.solid(k + 1)).conductance(KELVIN) for k in range(100)],
    )
    wanted = np.array([one.conductance(KELVIN).value for one in loop]).T
    number = np.arange(100)
    found = compute_pairs(tabulate_pairs(small, KELVIN), number, number + 1)
    print(f"  worst relative difference from it: {np.abs(found / wanted - 1).max():.1e}")
    found = compute_pairs(tabulate_pairs(small, KELVIN, precision="single"), number, number + 1)
    print(f"  in single precision: {np.abs(found / wanted - 1).max():.1e}")
    join = duckdb_join(random_table(2000))
    if join is None:
        print("DuckDB is not installed")
    else:
        report("DuckDB, one thread", 2000 * 1999 / 2, join)
    table = random_table(10_001)
    # first the lists of each material, since the peak of memory never falls again
    report("Debye solids, best 100 of each", 1e8, lambda: screen(table, KELVIN, ranking=Ranking(each=True)))
    report("Debye solids, best 100", 5e7, lambda: screen(table, KELVIN))
    single = Ranking(precision="single")
    screen(small, KELVIN, ranking=single)  # compilation
    report("Debye solids, best 100, single precision", 5e7, lambda: screen(table, KELVIN, ranking=single))
    report("Debye solids, best 100, local drop", 5e7, lambda: screen(table, KELVIN, ranking=Ranking(drop="local")))
    full = random_table(10_001, bands=True)
    report("full bands, best 100", 5e7, lambda: screen(full, KELVIN))
    if arguments.large:
        triples = random_table(10_000)
        report("all triples of 10⁴", 1e12 / 6, lambda: interlayers(triples, 300))
        large = random_table(100_001)
        report("Debye solids, best 100", 5e9, lambda: screen(large, KELVIN))


if __name__ == "__main__":
    main()
