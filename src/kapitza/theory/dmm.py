"""Diffuse mismatch model."""

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, frequencies
from kapitza.core.grid import Grid, frequency_grid, joined_edges
from kapitza.core.phonons import Phonons
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError


def dmm(left: Phonons, right: Phonons, omega: ArrayLike | None = None) -> Transmission:
    r"""Diffuse mismatch model: a phonon forgets at the interface where it came from.

    A mode of frequency ω leaves to either side in proportion to the modes open there, so that
    $\Xi = M_L M_R / (M_L + M_R)$, the same seen from both sides.  Elastic.

    Parameters
    ----------
    left, right : the two sides: Debye solids, elastic crystals, dispersion fits, full bands, sheets
    omega : (nω,) increasing angular frequency, rad s⁻¹; chosen from the edges of both spectra if None

    Returns
    -------
    Transmission with (nω,) values

    Raises
    ------
    InputError
        for a side without phonons, such as a name

    References
    ----------
    E. T. Swartz and R. O. Pohl, Rev. Mod. Phys. 61, 605 (1989), doi:10.1103/RevModPhys.61.605
    P. Reddy, K. Castelino and A. Majumdar, Appl. Phys. Lett. 87, 211908 (2005), doi:10.1063/1.2133890 (full bands)
    """
    omega, weight = chosen_grid(omega, left, right)
    m_left, m_right = left.modes(omega), right.modes(omega)
    total = harmonic(m_left, m_right)
    return Transmission(omega, total, m_left, m_right, weight=weight, method=f"DMM {left.name}|{right.name}")


def harmonic(*modes: Array) -> Array:
    """(nω,) 1/Σ(1/M) of spectra of modes, 0 where one of them is 0, m⁻²."""
    closed = np.any([m <= 0 for m in modes], axis=0)
    return np.where(closed, 0.0, 1 / np.sum([1 / np.where(closed, 1.0, m) for m in modes], axis=0))


def chosen_grid(omega: ArrayLike | None, *sides: Phonons) -> tuple[Array, Array | None]:
    """The user's frequencies, or nodes and weights that suit all sides; what is no side is refused."""
    check_sides(*sides)
    if omega is not None:
        return frequencies(omega), None
    grid: Grid = frequency_grid(joined_edges(*(side.edges for side in sides)))
    return grid.omega, grid.weight


def check_sides(*sides: object) -> None:
    """Refuse what has no phonons, such as a name."""
    for side in sides:
        if not isinstance(side, Phonons):
            hint = f"take solid({side!r:.40})" if isinstance(side, str) else "a Solid, Elastic, Fluid, Bands, ..."
            raise InputError(f"expected phonons for a side, got {side!r:.60}: {hint}")
