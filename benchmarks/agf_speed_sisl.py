"""Self-energies by sisl, for `agf_speed.py`: `python benchmarks/agf_speed_sisl.py points.npz`, prints JSON.

Needs numpy, scipy and sisl only, so that it can run in an environment of its own.  The recursion of sisl is told the
same matrices, wave vectors and energies, with an imaginary part of 1e-6 of the energy (it needs one).
"""

import json
import statistics
import sys
import time

import numpy as np

ETA = 1e-6


def matrices(shifts: np.ndarray, onsite: np.ndarray, hop: np.ndarray) -> object:
    """The lead as a sisl Hamiltonian of one orbital for each coordinate."""
    import sisl
    from scipy.sparse import csr_matrix

    size = onsite.shape[-1]
    cells = [2 * int(np.abs(shifts[:, i]).max()) + 1 for i in (0, 1)]
    lattice = sisl.Lattice([10.0, 10.0, 10.0], nsc=[*cells, 3])
    places = np.random.default_rng(0).uniform(0, 10, (size, 3))
    whole = np.zeros((size, size * lattice.n_s))
    for shift, here, ahead in zip(shifts, onsite, hop, strict=True):
        for cell, block in (([*shift, 0], here), ([*shift, 1], ahead), ([*(-shift), -1], ahead.T)):
            start = size * lattice.sc_index(cell)
            whole[:, start : start + size] = block
    geometry = sisl.Geometry(places, sisl.Atom(14, R=[1.0]), lattice=lattice)
    return sisl.Hamiltonian.fromsp(geometry, csr_matrix(whole))


def measured(case: dict[str, np.ndarray]) -> dict[str, float]:
    """Median CPU time of a point (s), and the largest difference from the self-energies given."""
    import sisl

    lead = sisl.RecursiveSI(matrices(case["shifts"], case["onsite"], case["hop"]), "+C", eta=0)
    times, errors = [], []
    for k, energy, wanted in zip(case["k"], case["energy"], case["sigma"], strict=True):
        start = time.process_time()
        found = lead.self_energy(complex(energy * (1 + 1j * ETA)), k=[*k, 0])
        times.append(time.process_time() - start)
        errors.append(np.abs(found - wanted).max() / np.abs(wanted).max())
    return {"seconds": statistics.median(times), "difference": float(np.median(errors))}


def main() -> None:
    try:
        import sisl
    except ImportError:
        print(json.dumps({"missing": f"sisl is not installed for {sys.executable}: pip install sisl"}))
        return
    with np.load(sys.argv[1]) as file:
        cases = {name: file[name] for name in file.files}
    report: dict[str, object] = {"version": sisl.__version__}
    for size in cases["sizes"]:
        names = ("shifts", "onsite", "hop", "k", "energy", "sigma")
        report[str(size)] = measured({name: cases[f"{name}{size}"] for name in names})
    print(json.dumps(report))


if __name__ == "__main__":
    main()
