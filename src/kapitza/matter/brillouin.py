"""Wave vectors at which a spectrum is taken: a mesh through Γ, thinned by the symmetry of the spectrum."""

from itertools import product

import numpy as np

from kapitza.core.arrays import Array, IntArray
from kapitza.core.quadrature import gauss_legendre

_TILT_TOLERANCE = 1e-4  # rad, by which an operation may tilt the normal
_INVERSE_GOLDEN_RATIO = 0.6180339887498949
_LENGTH_TOLERANCE = 1e-4  # relative: lattice vectors that count as equally long


def lattice_operations(lattice: Array) -> IntArray:
    """(k, 3, 3) integer matrices W, at most 48, for which W @ `lattice` has the same lengths and angles. Operations of
    very skewed cells with entries above 3 are left out: they would only save time.
    """
    steps = np.array(list(product(range(-3, 4), repeat=3)))
    metric = lattice @ lattice.T
    square = np.einsum("ki,ij,kj->k", steps, metric, steps)
    alike = [steps[np.abs(square - metric[i, i]) < _LENGTH_TOLERANCE * metric[i, i]] for i in range(3)]
    loose = _LENGTH_TOLERANCE * np.sqrt(np.outer(np.diag(metric), np.diag(metric)))
    found = [
        np.array([a, b, c])
        for a, b in product(alike[0], alike[1])
        if abs(a @ metric @ b - metric[0, 1]) < loose[0, 1]
        for c in alike[2]
        if abs(a @ metric @ c - metric[0, 2]) < loose[0, 2] and abs(b @ metric @ c - metric[1, 2]) < loose[1, 2]
    ]
    return np.array(found)


def equivalent_normals(normal: Array, lattice: Array, operations: IntArray) -> tuple[Array, Array]:
    """Directions that are equivalent to ± `normal` under operations on wave vectors, and the share of each (sum 1)."""
    reciprocal = 2 * np.pi * np.linalg.inv(lattice).T
    images = normal @ (np.linalg.inv(reciprocal) @ operations @ reciprocal).swapaxes(1, 2)
    same = np.abs(np.abs(images @ images.T) - 1) < _TILT_TOLERANCE**2
    first = np.argmax(same, axis=1)
    chosen, count = np.unique(first, return_counts=True)
    return images[chosen], count / len(operations)


def mesh_operations(shape: tuple[int, int, int], operations: IntArray) -> IntArray:
    """Those operations that map a mesh of this shape on itself."""
    size = np.array(shape)
    scaled = operations * size / size[:, None]
    return operations[(np.abs(scaled - np.round(scaled)) < 1e-9).all(axis=(1, 2))]


def reduced_mesh(shape: tuple[int, int, int], operations: IntArray) -> tuple[Array, Array]:
    """(m, 3) fractional wave vectors of a mesh through Γ that stand for all others, Γ first; their shares (sum 1)."""
    size = np.array(shape)
    maps = np.round(operations * size / size[:, None]).astype(np.int64)
    steps = np.array([shape[1] * shape[2], shape[2], 1])
    mesh = np.indices(shape).reshape(3, -1)
    place = np.arange(mesh.shape[1])
    kept = np.zeros(mesh.shape[1], dtype=np.int64)
    for operation in maps[::-1]:  # the least of equivalent points stays; the first few sort out most
        image = steps @ (operation.T @ mesh % size[:, None])
        stays = image >= place
        mesh, place, kept = mesh[:, stays], place[stays], (kept + (image == place))[stays]
    share = len(maps) / (kept * size.prod())
    fraction = mesh.T / size
    return fraction - np.round(fraction), share


def inversion_representatives(operations: IntArray) -> IntArray:
    """One of each pair W, -W."""
    first = np.array([w.ravel()[np.flatnonzero(w)[0]] for w in operations])
    return operations[first > 0]


def hemisphere_directions(normal: Array, rings: int, spokes: int) -> tuple[Array, Array]:
    """(n, 3) directions with a positive component along `normal`, and the solid angle of each with its opposite (sum
    4π). Gauss-Legendre in the cosine to the normal (`rings`), trapezoid around it (`spokes`).
    """
    cosine, share = gauss_legendre(rings)
    turn = _INVERSE_GOLDEN_RATIO * np.arange(rings)[:, None]  # no two rings have the same mirror lines
    angle = (np.arange(spokes) + turn) * 2 * np.pi / spokes
    side = np.eye(3)[np.argmin(np.abs(normal))]
    one = side - normal * (normal @ side)
    one /= np.linalg.norm(one)
    other = np.cross(normal, one)
    around = np.cos(angle)[:, :, None] * one + np.sin(angle)[:, :, None] * other
    sine = np.sqrt(1 - cosine**2)
    directions = cosine[:, None, None] * normal + sine[:, None, None] * around
    return directions.reshape(-1, 3), np.repeat(share, spokes) * 4 * np.pi / spokes


def inscribed_radius(reciprocal: Array) -> float:
    """Radius of the largest sphere around Γ inside the Brillouin zone of a reduced cell, rad m⁻¹."""
    steps = np.array([step for step in product((-2, -1, 0, 1, 2), repeat=3) if any(step)])
    return float(np.linalg.norm(steps @ reciprocal, axis=1).min()) / 2
