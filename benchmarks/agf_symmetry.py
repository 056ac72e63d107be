"""Whether symmetry and stated error of a conductance by Green's functions hold, against the full zone.

    OMP_NUM_THREADS=1 python benchmarks/agf_symmetry.py agf-symmetry.jsonl           # 50 random junctions, Si|r x mass
    OMP_NUM_THREADS=1 python benchmarks/agf_symmetry.py agf-symmetry.jsonl --seeds 50 100   # other junctions
    OMP_NUM_THREADS=1 python benchmarks/agf_symmetry.py agf-symmetry.jsonl --table   # what the file holds so far

One line a case is added to the file; the same call takes up where an earlier one was stopped.  Random junctions are
those of tests/theory/test_agf_symmetry.py: seven lattices of springs with random masses in every layer, at 30, 300 or
10 000 K.  Silicon is that of Stillinger and Weber (needs kapitza[atoms]), joined along (001) to itself with r times the
mass, 300 K.  The full zone uses k and -k alone, which time reversal makes equal, and a third of the tolerance.
"""

import argparse
import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from kapitza.matter.building.layers import mass_junction
from kapitza.matter.junction import Junction, Lead
from kapitza.theory.agf.conductance import refine_to_tolerance
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.k_mesh import ZoneMesh, find_symmetry

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests" / "theory")]
agf_speed: Any = import_module("agf_speed")
cases: Any = import_module("test_agf_symmetry")

FULL_ZONE = ZoneMesh(symmetry=[[[1, 0], [0, 1]]])
SEEDS = (0, 50)
RATIOS = (*range(1, 21), 3.5)
TEMPERATURES, TOLERANCES = (30.0, 300.0, 1e4), (5e-3, 2e-2)


def compare(junction: Junction, temperature: float, tolerance: float) -> dict[str, float]:
    """Conductance with symmetry beside that of the full zone, and both stated errors."""
    start = time.process_time()
    found = refine_to_tolerance(junction, None, tolerance, temperature)
    spent = time.process_time() - start
    plain = refine_to_tolerance(junction, FULL_ZONE, tolerance / 3, temperature)
    one, other = (float(run.transmission.conductance(temperature).value[0]) for run in (found, plain))
    return {
        "operations": len(find_symmetry(prepare_junction(junction))),
        "temperature": temperature,
        "G": one,
        "G full zone": other,
        "deviation": one / other - 1,
        "stated error": float(found.error[0]),
        "stated error full zone": float(plain.error[0]),
        "CPU (s)": round(spent, 2),
        "CPU full zone (s)": round(time.process_time() - start - spent, 2),
    }


def run_case(name: str, lead: Lead) -> dict[str, float]:
    """One case by its name: `random 7` or `silicon 3.5`."""
    kind, number = name.split()
    if kind == "silicon":
        return compare(mass_junction(lead, agf_speed.SI, float(number) * agf_speed.SI), 300.0, 2e-3)
    seed = int(number)
    return compare(cases.random_junction(seed), TEMPERATURES[seed % 3], TOLERANCES[seed % 2])


def show(found: dict[str, dict[str, Any]]) -> None:
    """Every case, and how many deviate by more than the stated error and its double."""
    print(f"{'case':14s}{'T (K)':>8s}{'operations':>12s}{'deviation':>12s}{'stated':>10s}{'ratio':>8s}")
    for name, one in found.items():
        ratio = abs(one["deviation"]) / one["stated error"]
        print(
            f"{name:14s}{one['temperature']:8.0f}{one['operations']:12d}"
            f"{one['deviation']:+12.2e}{one['stated error']:10.1e}{ratio:8.2f}"
        )
    for kind in ("random", "silicon"):
        some = [abs(one["deviation"]) / one["stated error"] for name, one in found.items() if name.startswith(kind)]
        if some:
            print(
                f"{kind}: {len(some)} cases, deviation over stated error: median {np.median(some):.2f}, largest "
                f"{max(some):.2f}; {sum(r > 1 for r in some)} above 1, {sum(r > 2 for r in some)} above 2"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="lines of JSON, one a case; made where there is none")
    parser.add_argument(
        "--seeds", type=int, nargs=2, metavar=("FIRST", "END"), help="of random junctions, without silicon"
    )
    parser.add_argument("--table", action="store_true", help="compute nothing")
    given = parser.parse_args()
    lines = given.file.read_text(encoding="utf-8").splitlines() if given.file.exists() else []
    found = {one.pop("case"): one for one in map(json.loads, lines)}
    names = [f"random {seed}" for seed in range(*(given.seeds or SEEDS))]
    names += [] if given.seeds else [f"silicon {ratio:g}" for ratio in RATIOS]
    lead = agf_speed.silicon()
    for name in [] if given.table else [name for name in names if name not in found]:
        found[name] = run_case(name, lead)
        with given.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"case": name} | found[name]) + "\n")
        print(name, f"{found[name]['deviation']:+.2e}, stated {found[name]['stated error']:.1e}", flush=True)
    show(found if given.table else {name: found[name] for name in names if name in found})


if __name__ == "__main__":
    main()
