"""Full-band G(300 K) of Al/Si from phonopy files: CPU time, and against a phonopy mesh with a histogram.

    OMP_NUM_THREADS=1 python benchmarks/fullband_dmm.py Al.yaml Si.yaml
    OMP_NUM_THREADS=1 python benchmarks/fullband_dmm.py Al.yaml Si.yaml --peer 31      # needs phonopy, takes a minute

Prints JSON.  Both are timed in this process on one thread, the package several times (median), the peer once for each
mesh.
The peer is what scripts do: group velocities of a phonopy mesh, sorted into bins of 0.05 THz.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

from kapitza.core.occupation import mode_heat_capacity
from kapitza.matter.bands import Bands
from kapitza.theory.dmm import dmm
from kapitza.units import MW, THz, angstrom

BIN = 0.05  # THz


def ours(left: Path, right: Path) -> tuple[float, float]:
    """Conductance (MW m⁻² K⁻¹) and CPU time (s), both files read."""
    start = time.process_time()
    transmission = dmm(Bands.from_phonopy(left), Bands.from_phonopy(right))
    value = transmission.conductance(300.0, drop="emitted").value[0] / MW
    return float(value), time.process_time() - start


def converged(left: Path, right: Path) -> float:
    """Conductance (MW m⁻² K⁻¹) on meshes of about eight times as many points."""
    sides = [Bands.from_phonopy(path, mesh=(70, 70, 70)) for path in (left, right)]
    return float(dmm(*sides).conductance(300.0, drop="emitted").value[0] / MW)


def histogram(path: Path, points: int) -> np.ndarray:
    """Modes per bin (m⁻²) from a whole phonopy mesh."""
    import phonopy

    crystal = phonopy.load(path, log_level=0)
    crystal.run_mesh([points] * 3, is_mesh_symmetry=False, with_group_velocities=True)
    mesh = crystal.mesh
    speed = np.abs(mesh.group_velocities[:, :, 2]).ravel() * THz / (2 * np.pi) * angstrom
    bins = np.arange(0, 20 + BIN, BIN)
    total, _ = np.histogram(mesh.frequencies.ravel(), bins=bins, weights=speed)
    volume = crystal.primitive.volume * angstrom**3
    return np.pi / volume * total / (len(mesh.frequencies) * BIN * THz)


def peer(left: Path, right: Path, points: int) -> tuple[float, float]:
    """Conductance (MW m⁻² K⁻¹) and CPU time (s) of phonopy and a histogram."""
    start = time.process_time()
    one, two = histogram(left, points), histogram(right, points)
    both = np.divide(one * two, one + two, out=np.zeros_like(one), where=one + two > 0)
    middle = (np.arange(len(one)) + 0.5) * BIN * THz
    value = mode_heat_capacity(middle, 300.0)[0] @ both * BIN * THz / (2 * np.pi) / MW
    return float(value), time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("left", type=Path)
    parser.add_argument("right", type=Path)
    parser.add_argument("--peer", type=int, nargs="*", default=[], help="meshes of the peer, e.g. 11 21 31")
    parser.add_argument("--repeat", type=int, default=7)
    given = parser.parse_args()
    runs = [ours(given.left, given.right) for _ in range(given.repeat)]
    cpu = statistics.median(seconds for _, seconds in runs)
    want = converged(given.left, given.right)
    report: dict[str, object] = {
        "conductance (MW m⁻² K⁻¹)": round(runs[0][0], 2),
        "converged (MW m⁻² K⁻¹)": round(want, 2),
        "deviation": round(runs[0][0] / want - 1, 5),
        "first CPU (s)": round(runs[0][1], 4),
        "median CPU (s)": round(cpu, 4),
    }
    if given.peer:
        try:
            report["phonopy and histogram"] = [
                {
                    "mesh": points,
                    "conductance (MW m⁻² K⁻¹)": round(value, 2),
                    "deviation": round(value / want - 1, 5),
                    "CPU (s)": round(seconds, 2),
                    "times ours": round(seconds / cpu, 1),
                }
                for points in given.peer
                for value, seconds in [peer(given.left, given.right, points)]
            ]
        except ImportError:
            report["phonopy and histogram"] = "skipped: phonopy is not installed"
    print(json.dumps(report, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
