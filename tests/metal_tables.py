"""A potential of the embedded-atom method with formulas of our own, and its tables as LAMMPS reads them."""

import numpy as np

CUTOFF, POINTS = 4.6, 2001  # Å: up to the second neighbours of both metals
NUMBERS = {"Cu": (29, 63.546, 2.556, 1.0), "Ni": (28, 58.693, 2.492, 1.25)}  # Z, u, nearest neighbours in Å, strength


def window(r):
    return np.where(r < CUTOFF, (1 - np.minimum(r, CUTOFF) / CUTOFF) ** 4, 0.0) * 16


def density(one, other, r):
    """Of an atom of `one` at the site of `other`: the latter counts in files of eam/fs alone."""
    return NUMBERS[one][3] * NUMBERS[other][3] ** 0.5 * np.exp(-2.3 * (r / NUMBERS[one][2] - 1)) * window(r)


def repulsion(one, other, r):
    strength = 0.16 * (NUMBERS[one][3] * NUMBERS[other][3]) ** 0.5
    return strength * np.exp(-9.5 * (2 * r / (NUMBERS[one][2] + NUMBERS[other][2]) - 1)) * window(r)


def embedding(one, rho):
    return -0.7 * NUMBERS[one][3] * np.sqrt(rho + 1e-2)


def write_tables(path):
    """Write analytic functions as a file of LAMMPS."""
    names, each = list(NUMBERS), path.name.endswith(".fs")
    r, rho = np.arange(POINTS) * CUTOFF / (POINTS - 1), np.arange(POINTS) * 0.02
    lines = ["# CITATION: nobody", "", "", f"2 {' '.join(names)}", f"{POINTS} 0.02 {POINTS} {r[1]:.17g} {CUTOFF}"]
    for one in names:
        lines.append(f"{NUMBERS[one][0]} {NUMBERS[one][1]} 3.6 fcc")
        tables = [embedding(one, rho), *(density(one, other, r) for other in (names if each else [one]))]
        lines += [f"{value:.17g}" for table in tables for value in table]
    for i, one in enumerate(names):
        lines += [f"{value:.17g}" for other in names[: i + 1] for value in r * repulsion(one, other, r)]
    path.write_text("\n".join(lines) + "\n")
    return str(path)
