"""Make `modes_z.npz` and `dmm_z.csv` of `tests/data/crystals`: modes and conductances by way of phonopy.

Run as `python tests/data/make_modes.py`; it needs phonopy (made with 4.10.0) and numpy, and nothing of the package.

Frequencies and group velocities are phonopy's, on meshes that are shifted off all planes of symmetry.  Each mode is
smeared by a Gaussian of the width of its cell of the mesh into bins of 0.05 THz:
M(ν) = π ∫ |v_z| δ(ω - ω_q) d³q/(2π)³ in m⁻².
"""

import csv
from itertools import combinations
from math import erf
from pathlib import Path

import numpy as np
import phonopy

FOLDER = Path(__file__).parent / "crystals"
POINTS = {"Al": 24, "Si": 20, "Ge": 20, "C": 36, "MgO": 20, "KCl": 18, "AlN": 16, "GaN": 14}
SHIFT = np.array([0.17, 0.29, 0.41])
STEP, BINS, LEAST = 0.05, 1000, 0.02  # THz
PLANCK, BOLTZMANN = 6.62607015e-34, 1.380649e-23
ERF = np.vectorize(erf)


def modes(name, points):
    """M of the bins, m⁻²."""
    phonon = phonopy.load(FOLDER / f"{name}.yaml", symmetrize_fc=False, log_level=0)
    axis = np.arange(points) / points
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3) + SHIFT / points
    phonon.run_qpoints(grid, with_group_velocities=True)
    nu, velocity = phonon.qpoints.frequencies, phonon.qpoints.group_velocities  # THz, Å THz
    lattice = np.array(phonon.primitive.cell)
    reciprocal = np.linalg.inv(lattice).T / points
    spread = np.sqrt(np.square(np.einsum("qma,ia->qmi", velocity, reciprocal)).sum(axis=2) / 12)
    volume = abs(np.linalg.det(lattice)) * 1e-30
    weight = (
        np.pi / volume / len(grid) * np.abs(velocity[:, :, 2]).ravel() * 100 / (2 * np.pi * 1e12)
    )  # over ω, then bins of ν
    nu, spread = nu.ravel(), np.maximum(spread.ravel(), LEAST)
    total = np.zeros(BINS)
    edges = np.arange(BINS + 1) * STEP
    for start in range(0, len(nu), 2000):
        part = slice(start, start + 2000)
        low = max(int((nu[part] - 6 * spread[part]).min() / STEP), 0)
        high = min(int((nu[part] + 6 * spread[part]).max() / STEP) + 2, BINS)
        below = 0.5 + 0.5 * ERF((edges[low : high + 1, None] - nu[part]) / (np.sqrt(2) * spread[part]))
        total[low:high] += np.diff(below, axis=0) @ weight[part]
    return total / STEP


def capacity(nu, temperature):
    """Heat capacity of a mode, J/K."""
    x = PLANCK * nu * 1e12 / (BOLTZMANN * temperature)
    return BOLTZMANN * (x / 2 / np.sinh(x / 2)) ** 2


def main():
    """Write the table of modes and that of conductances."""
    found = {name: modes(name, points) for name, points in POINTS.items()}
    centre = (np.arange(BINS) + 0.5) * STEP
    kept = {name: values.astype(np.float32) for name, values in found.items()}
    np.savez_compressed(FOLDER / "modes_z.npz", nu_THz=centre, **kept)
    with (FOLDER / "dmm_z.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["A", "B", "T_K", "G_DMM_MW_m2K", "G_rad_A", "G_rad_B", "G_maxtrans"])
        for one, two in combinations(kept, 2):
            left, right = kept[one].astype(float), kept[two].astype(float)
            both = np.divide(left * right, left + right, out=np.zeros(BINS), where=left + right > 0)
            for temperature in (100, 300, 1000):
                part = capacity(centre, temperature) * STEP * 1e12 / 1e6  # c dω/2π = c dν
                values = [part @ m for m in (both, left, right, np.minimum(left, right))]
                table.writerow([one, two, temperature, *(f"{x:.6g}" for x in values)])


if __name__ == "__main__":
    main()
