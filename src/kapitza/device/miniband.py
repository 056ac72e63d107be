r"""Waves in a superlattice whose mean free path covers some periods only: the minimum of the conductivity.

After M. V. Simkin and G. D. Mahan, Phys. Rev. Lett. 84, 927 (2000), arXiv:cond-mat/9907368: phonons of the
superlattice are waves of a complex wave vector $q + i/\ell$, so that they feel the periods within their mean free path
ℓ.  Short periods fold the bands and slow the waves down, the more layers the more; layers thicker than ℓ are seen one
by one.  The conductivity falls with the period first, and rises later.
"""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, number, positive, quantity, same_length
from kapitza.core.grid import legendre
from kapitza.errors import InputError

ANGLES = 16  # nodes of either wave vector along the plane
STATES = 96  # wave vectors along the normal, over all bands of a superlattice
MOST_LAYERS = 200
SHORTEST = 0.5  # free path in atomic layers


@frozen(eq=False)
class Miniband:
    """Conductivity of a superlattice by waves of finite mean free path.

    Attributes
    ----------
    layers : (n,) atomic layers of each material in a period
    value : (n,) conductivity over that of a crystal of the mean mass
    free_path : in atomic layers
    """

    layers: Array = field(converter=positive)
    value: Array = field(converter=positive, validator=same_length("layers"))
    free_path: float = field(converter=number, validator=quantity())

    @property
    def minimum(self) -> float:
        """Atomic layers of each material in a period with the least conductivity, of those asked for."""
        return float(self.layers[np.argmin(self.value)])


def miniband(mass_ratio: float, free_path: float, layers: ArrayLike) -> Miniband:
    r"""Conductivity of superlattices of equal layers in a simple cubic lattice of equal springs.

    One scalar displacement, masses 1 and r in layers of n atoms each, classical occupation:
    $\kappa = k_B\ell\sum_j\int\frac{d^3k}{(2\pi)^3}|v_j|$ with $v_j = d\,\mathrm{Re}\,\omega_j/dq$ at $q + i/\ell$.

    Parameters
    ----------
    mass_ratio : r, of the second to the first
    free_path : ℓ along the normal, in atomic layers
    layers : (n,) atomic layers of each material, whole numbers

    Returns
    -------
    Miniband, relative to the crystal of the mean mass $(1 + r)/2$ at the same ℓ

    Raises
    ------
    InputError
        for values that are not positive, layers that are not whole numbers up to 200, and free paths below half a layer
    """
    ratio, reach = float(positive(mass_ratio)[0]), float(positive(free_path)[0])
    count = positive(layers)
    if reach < SHORTEST:
        raise InputError(f"free path = {reach:g} atomic layers, expected at least {SHORTEST:g}: waves need a neighbour")
    if np.any(count != np.round(count)) or count.max() > MOST_LAYERS:
        worst = float(count[(count != np.round(count)) | (count > MOST_LAYERS)][0])
        raise InputError(f"layers = {worst:g}, expected whole numbers of atomic layers from 1 to {MOST_LAYERS}")
    bare = mean_speed(np.array([(1 + ratio) / 2]), reach)
    found = [mean_speed(np.repeat([1.0, ratio], int(n)), reach) / bare for n in count]
    return Miniband(count, np.array(found), reach)


def mean_speed(masses: Array, free_path: float) -> float:
    r"""$\sum_j\int d^3k\,|v_j|/(2\pi)^3$ of a period of layers with these masses; spring and layer are 1."""
    size = masses.size
    lateral, share = directions()
    steps = max(STATES // size, 2)
    phase = (np.arange(steps) + 0.5) * np.pi / (steps * size)
    hop = -1 / np.sqrt(masses * np.roll(masses, -1))
    diagonal = np.eye(size) * (2 + lateral[:, None, None]) / masses
    total = 0.0
    for q in phase:
        matrix, slope = bloch(hop, np.exp(1j * (q + 1j / free_path)), size)
        total += float(share @ speeds(diagonal + matrix, slope).sum(axis=1))
    return total / (steps * size)


def directions() -> tuple[Array, Array]:
    """Springs along the plane (n,), 4 - 2cos kx - 2cos ky, of wave vectors with kx <= ky, and their weights (n,)."""
    node, weight = legendre(ANGLES)
    bend = 2 - 2 * np.cos(np.pi * node)
    first, second = np.tril_indices(ANGLES)
    return bend[first] + bend[second], weight[first] * weight[second] * np.where(first == second, 1, 2)


def bloch(hop: Array, forward: complex, size: int) -> tuple[Array, Array]:
    """Coupling of neighbouring layers with an even share of the phase in each bond, and its derivative by q."""
    matrix = np.zeros((size, size), dtype=complex)
    slope = np.zeros_like(matrix)
    here = np.arange(size)
    there = (here + 1) % size
    np.add.at(matrix, (here, there), hop * forward)
    np.add.at(matrix, (there, here), hop / forward)
    np.add.at(slope, (here, there), 1j * hop * forward)
    np.add.at(slope, (there, here), -1j * hop / forward)
    return matrix, slope


def speeds(dynamical: Array, slope: Array) -> Array:
    """(n, bands) |d Re ω/dq| at wave vectors (n, bands, bands), from left and right eigenvectors."""
    square, right = np.linalg.eig(dynamical)
    change = np.einsum("nij,jk,nki->ni", np.linalg.inv(right), slope, right, optimize=True)
    return np.abs(np.real(change / (2 * np.sqrt(square))))
