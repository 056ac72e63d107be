"""Modes of a surface by brute force: another road to the same number, a hundred times slower."""

import numpy as np
from scipy.special import erf

from kapitza.core.arrays import Array
from kapitza.matter.crystal import Crystal
from kapitza.units import THz


def half_mesh(points: int, centred: bool) -> tuple[Array, Array]:
    """Wave vectors (m, 3) in units of the reciprocal lattice, and how many each stands for: opposite ones are alike.

    `points` is the number along each axis, an odd one, and `centred` whether the mesh goes through Γ.
    """
    axis = np.arange(points) + (0.5 - points / 2 if centred else 0.5)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    grid = grid[: len(grid) // 2 + 1]
    share = np.full(len(grid), 2.0)
    share[-1] = 1
    return grid / points, share


def brute_modes(
    crystal: Crystal, mesh: tuple[Array, Array], points: int, edges: Array, *, resolved: bool = True
) -> Array:
    """(len(edges) - 1,) means of M(ω) along z over bins, m⁻²: each mode is a Gaussian of the width of its cell.

    `mesh` are wave vectors and shares, `points` their number along each axis; unless `resolved`, velocities of
    degenerate modes are those of arbitrary mixtures.
    """
    fraction, share = mesh
    levels = crystal.levels(fraction @ crystal.reciprocal)
    omega, velocity = levels.omega, levels.velocity
    speed = np.abs(levels.velocities_along(np.array([0, 0, 1.0])) if resolved else velocity[:, :, 2])
    spread = np.maximum(np.sqrt(np.square(velocity @ (crystal.reciprocal / points).T).sum(axis=2) / 12), 0.02 * THz)
    weight = np.pi / crystal.volume / points**3 * speed * share[:, None]
    order = np.argsort(omega.ravel())
    omega, spread, weight = omega.ravel()[order], spread.ravel()[order], weight.ravel()[order]
    below = np.empty(edges.size)
    passed = np.concatenate([[0.0], np.cumsum(weight)])
    reach = 6 * spread.max()
    for k, edge in enumerate(edges):
        i, j = np.searchsorted(omega, [edge - reach, edge + reach])
        near = slice(i, j)
        below[k] = passed[i] + weight[near] @ (0.5 + 0.5 * erf((edge - omega[near]) / (np.sqrt(2) * spread[near])))
    return np.diff(below) / np.diff(edges)
