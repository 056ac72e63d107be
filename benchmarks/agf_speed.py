"""Atomistic Green's functions: CPU time beside sisl and the LAPACK floor, growth with the device, and memory.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/agf_speed.py                       # sisl if importable
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/agf_speed.py --peer env/bin/python  # sisl elsewhere
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/agf_speed.py --long                 # growth and memory

Prints JSON.  The crystal is Stillinger-Weber silicon (001), needs kapitza[atoms], in cells of 6, 24, 96 and 384
coordinates; the last is unfolded, as leads of supercells are.  All times are medians on one thread, per wave vector,
frequency and lead: the blocks at the wave vector are made, the waves found, the self-energy formed in full.  The floor
is the eigenvalue call for the same matrices alone, and one product of two complex matrices of the size of the cell.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from attrs import evolve

from kapitza.core.arrays import AnyComplexArray, Array
from kapitza.matter.building.junction_cost import structure_lead
from kapitza.matter.building.layers import lead_from_force_constants, mass_junction, repeat_blocks
from kapitza.matter.building.surface import orient_structure
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, Lead, inverse_root_masses
from kapitza.matter.potentials.published import published_potential
from kapitza.matter.structure import build_prototype
from kapitza.theory.agf.conductance import refine_to_tolerance
from kapitza.theory.agf.green_functions import block_diagonal, contact_waves, lead_contact, prepare_junction
from kapitza.theory.agf.leads import CouplingBasis, coupling_basis, dagger, lead_layers, solve_lead_waves
from kapitza.theory.agf.transmission import point_transmissions
from kapitza.units import MW, THz, angstrom, m_u

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "tests")]

from matter_samples import repeat_device  # noqa: E402

SI, GE = 28.085 * m_u, 72.630 * m_u
CUBE = np.array([[1, -1], [1, 1]])  # periods of the cubic cell in those of the smallest layer
BARS = {6: 1e-4, 24: 6e-4, 96: 1.1e-2, 384: 4e-2}  # s
RATIOS = {24: 3.0, 96: 4.0, 384: 30.0}  # times as fast as sisl
POINTS = {6: 500, 24: 200, 96: 20, 384: 5}
LENGTHS = (10, 20, 40, 80, 160, 320)
GIB = 2.0**30


def silicon() -> Lead:
    """Layers (001) of two atoms."""
    return structure_lead(
        orient_structure(build_prototype("Si", "diamond", ["Si"], a=5.431 * angstrom), (0, 0, 1)),
        published_potential("sw"),
    )


def wide(lead: Lead, tiling: Array, tall: int) -> Lead:
    """The same crystal in a larger cell: `tiling` (2, 2) in the plane, `tall` layers in one."""
    cells = [[*shift, 0] for shift in lead.shifts]
    cells += [[*shift, 1] for shift in lead.shifts] + [[*(-shift), -1] for shift in lead.shifts]
    values = np.concatenate([lead.onsite, lead.hop, lead.hop.swapaxes(1, 2)])
    lattice = np.vstack([lead.periods, lead.step])
    thick = lead_from_force_constants("tall", lattice, lead.masses, cells, values, layers=tall)
    shifts, onsite = repeat_blocks(thick.shifts, thick.onsite, tiling)
    masses = np.tile(thick.masses, round(np.linalg.det(tiling)))
    hop = repeat_blocks(thick.shifts, thick.hop, tiling)[1]
    return Lead(
        name="Si", periods=tiling @ lead.periods, step=thick.step, masses=masses, shifts=shifts, onsite=onsite, hop=hop
    )


def median(call: Callable[[], object], repeats: int = 5) -> float:
    """CPU time, s."""
    call()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def plain_sigma(lead: Lead, basis: CouplingBasis, k: Array, omega: Array) -> AnyComplexArray:
    """Self-energies (b, n, n) of a lead on the right."""
    at = lead_layers(lead, k, basis)
    return at.a @ solve_lead_waves(at, omega).right @ dagger(at.a)


def unfolded_sigma(junction: Junction, k: Array, omega: Array) -> AnyComplexArray:
    """Self-energies (b, n, n) of a lead on the right that is unfolded to the wave vectors of its smallest cell."""
    at = lead_contact(prepare_junction(junction), k, "right")
    sigma = block_diagonal(contact_waves(at, np.arange(len(k)), omega).right, at.copies)
    return at.port @ sigma @ dagger(at.port)


def floor(matrix_size: int, real: bool, size: int) -> dict[str, float]:
    """CPU time of the two calls of LAPACK and BLAS that cannot be avoided, s."""
    rng = np.random.default_rng(0)
    count = max(1, 2000 // matrix_size)
    matrix = rng.normal(size=(count, matrix_size, matrix_size))
    matrix = matrix if real else matrix + 1j * rng.normal(size=matrix.shape)
    one = rng.normal(size=(max(1, 2000 // size), size, size)) + 0j
    return {
        "eigenvalues alone (s)": median(lambda: np.linalg.eig(matrix)) / count,
        "one product of matrices (s)": median(lambda: one @ one) / len(one),
    }


def self_energies(lead: Lead) -> tuple[dict[int, dict[str, float]], dict[str, Array]]:
    """Times of all sizes, and what sisl is to do."""
    rng = np.random.default_rng(1)
    times: dict[int, dict[str, float]] = {}
    cases: dict[str, Array] = {"sizes": np.array(sorted(BARS))}
    for size, points in POINTS.items():
        tiling, tall = {6: (np.eye(2, dtype=int), 1), 24: (CUBE, 2), 96: (2 * CUBE, 2), 384: (4 * CUBE, 2)}[size]
        whole = wide(lead, tiling, tall)
        k, omega = rng.uniform(-0.5, 0.5, (points, 2)), rng.uniform(0.5, 12, points) * THz
        if size == 384:
            small = wide(lead, np.eye(2, dtype=int), tall)
            made = repeat_device(mass_junction(small, SI, SI), tiling)
            basis = prepare_junction(made).right
            seconds = median(lambda made=made, k=k, omega=omega: unfolded_sigma(made, k, omega))
            sigma = unfolded_sigma(made, k, omega)
        else:
            basis = coupling_basis(whole)
            seconds = median(lambda w=whole, b=basis, k=k, omega=omega: plain_sigma(w, b, k, omega))
            sigma = plain_sigma(whole, basis, k, omega)
        slow = evolve(basis, gauge=None)
        times[size] = {"seconds": seconds / points, **floor(2 * basis.rank, basis.gauge is not None, size)}
        if size != 384:
            without = median(lambda w=whole, b=slow, k=k, omega=omega: plain_sigma(w, b, k, omega))
            times[size]["with complex matrices (s)"] = without / points
        weight = inverse_root_masses(whole.masses, whole.directions)
        few = min(points, 20 if size < 384 else 3)
        blocks = {"onsite": whole.onsite * weight[:, None] * weight, "hop": whole.hop * weight[:, None] * weight}
        blocks |= {
            "shifts": whole.shifts,
            "k": k[:few],
            "energy": omega[:few] ** 2 * SQUARE_PICOSECOND,
            "sigma": sigma[:few],
        }
        cases |= {f"{name}{size}": value for name, value in blocks.items()}
    return times, cases


def peer(python: str, cases: dict[str, Array]) -> dict[str, object]:
    """What `agf_speed_sisl.py` finds, run by another interpreter."""
    script = Path(__file__).with_name("agf_speed_sisl.py")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "points.npz"
        np.savez(path, **cases)
        done = subprocess.run([python, str(script), str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"missing": f"{python} agf_speed_sisl.py failed: {done.stderr.strip().splitlines()[-1:]}"}
    return json.loads(done.stdout)


def table(times: dict[int, dict[str, float]], other: dict[str, object]) -> dict[str, object]:
    """One line for each size, with the bars."""
    lines: dict[str, object] = {}
    for size, one in times.items():
        line: dict[str, object] = {"ours (s)": one["seconds"], "bar (s)": BARS[size]}
        line |= {name: value for name, value in one.items() if name != "seconds"}
        found = other.get(str(size))
        if isinstance(found, dict):
            line |= {"sisl (s)": found["seconds"], "difference from sisl": found["difference"]}
            line["times as fast as sisl"] = found["seconds"] / one["seconds"]
            line |= {"bar (times)": RATIOS[size]} if size in RATIOS else {}
        lines[f"{size} coordinates"] = {name: float(f"{value:.3g}") for name, value in line.items()}
    return lines


def conductance(lead: Lead) -> dict[str, float]:
    """G(300 K) of silicon and silicon with the mass of germanium, asked for to 0.2 %."""
    junction = mass_junction(lead, SI, GE)
    times = []
    for _ in range(3):
        start = time.process_time()
        found = refine_to_tolerance(junction)
        times.append(time.process_time() - start)
    fine = refine_to_tolerance(junction, tolerance=7e-4)
    value, wanted = (one.transmission.conductance(300.0).value[0] / MW for one in (found, fine))
    return {
        "conductance (MW m⁻² K⁻¹)": round(value, 2),
        "stated error": float(f"{found.error[0]:.2g}"),
        "deviation from a finer one": float(f"{value / wanted - 1:.2g}"),
        "stated error of the finer one": float(f"{fine.error[0]:.2g}"),
        "points": found.points,
        "CPU (s)": round(statistics.median(times), 3),
        "bar (s)": 1.5,
    }


def length(lead: Lead) -> dict[str, object]:
    """CPU time of 100 points of a device of many layers of random masses, in ms each."""
    rng = np.random.default_rng(2)
    index, omega = np.zeros(100, dtype=np.intp), np.linspace(1, 4, 100) * THz
    times: dict[int, float] = {}
    for count in LENGTHS:
        masses = [lead.masses, *(rng.choice([SI, GE], 2) for _ in range(count - 2)), lead.masses]
        what = prepare_junction(mass_junction(lead, SI, SI, device=masses))
        times[count] = median(lambda what=what: point_transmissions(what, np.array([[0.1, 0.2]]), index, omega), 3) * 10
    slope = np.polyfit(list(times), list(times.values()), 1)
    fitted = np.polyval(slope, list(times))
    return {
        "ms per point": {str(count): round(value, 3) for count, value in times.items()},
        "ms per layer": float(f"{slope[0]:.3g}"),
        "largest deviation from a line": float(f"{np.abs(np.array(list(times.values())) / fitted - 1).max():.2g}"),
        "320 layers over 160": round(times[320] / times[160], 2),
    }


def large() -> dict[str, float]:
    """One point of an intermixed interface of 400 atoms a layer, in this process: CPU time and the most memory."""
    lead = silicon()
    made = repeat_device(mass_junction(lead, SI, GE, device=[SI, SI, GE, GE]), [10, 20])
    rng = np.random.default_rng(3)
    mixed = [evolve(slab, masses=rng.choice([SI, GE], 400)) for slab in made.device[1:-1]]
    made = evolve(made, device=(made.device[0], *mixed, made.device[-1]))
    start = time.process_time()
    found = point_transmissions(
        prepare_junction(made), np.array([[0.1, 0.2]]), np.zeros(1, np.intp), np.array([3 * THz])
    )
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "coordinates of a layer": 1200,
        "transmission": round(float(found.total[0]), 3),
        "modes": float(min(found.left[0], found.right[0])),
        "CPU of a point (s)": round(seconds, 2),
        "peak memory (GiB)": round(peak / GIB, 2),
        "bar (GiB)": 2.0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default=sys.executable, help="Python interpreter that has sisl")
    parser.add_argument("--long", action="store_true", help="also growth with the device and memory")
    parser.add_argument("--large", action="store_true", help="only the large interface, in this process")
    given = parser.parse_args()
    if given.large:
        print(json.dumps(large(), ensure_ascii=False))
        return
    lead = silicon()
    times, cases = self_energies(lead)
    other = peer(given.peer, cases)
    report: dict[str, object] = {
        "self-energies": table(times, other),
        "sisl": other.get("missing", other.get("version")),
        "conductance of Si and Si with the mass of Ge": conductance(lead),
    }
    if given.long:
        report["growth"] = length(lead)
        fresh = subprocess.run([sys.executable, __file__, "--large"], capture_output=True, text=True, check=True)
        report["400 atoms a layer"] = json.loads(fresh.stdout)
    print(json.dumps(report, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
