r"""Slowness surfaces of elastic crystals: speeds, and where a surface turns back along an interface normal.

A stiffness tensor divided by the density, $c_{ijkl}$ in m² s⁻², holds all that is needed.  Axes are those of the
interface: z is its normal.  Branches run from the fastest (quasi-longitudinal) to the slowest.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array

VOIGT = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])  # Voigt index of each pair of axes
CIRCLE = 96  # azimuths on the full circle; divisible by 2, 3, 4 and 6 so that every point symmetry keeps the set
POLAR = 120  # polar angles between which turning points are looked for
HALVINGS = 20  # of a polar step: the slowness is stationary there, so its error is below 1e-13


def tensor(stiffness: Array) -> Array:
    """(3, 3, 3, 3) tensor of a (6, 6) Voigt matrix, same unit."""
    return stiffness[VOIGT[:, :, None, None], VOIGT[None, None]]


def rotated(full: Array, rotation: Array) -> Array:
    """(..., 3, 3, 3, 3) tensor in the axes that are the rows of `rotation` (..., 3, 3)."""
    half = np.einsum("...ia,...jb,abcd->...ijcd", rotation, rotation, full, optimize=True)
    return np.einsum("...kc,...ld,...ijcd->...ijkl", rotation, rotation, half, optimize=True)


def turned(azimuth: Array) -> Array:
    """(..., 3, 3) axes turned by an angle about z, rad."""
    axes = np.zeros((*np.shape(azimuth), 3, 3))
    axes[..., 0, 0] = axes[..., 1, 1] = np.cos(azimuth)
    axes[..., 0, 1] = np.sin(azimuth)
    axes[..., 1, 0] = -axes[..., 0, 1]
    axes[..., 2, 2] = 1
    return axes


def waves_along(reduced: Array, direction: Array) -> tuple[Array, Array]:
    r"""Speeds and normal group velocities of the plane waves along given directions.

    Parameters
    ----------
    reduced : (3, 3, 3, 3) stiffness over density, m² s⁻²
    direction : (n, 3) unit vectors

    Returns
    -------
    (n, 3) phase speeds and (n, 3) z components of the group velocity, m s⁻¹, fastest branch first
    """
    half = (direction @ reduced.transpose(3, 0, 1, 2).reshape(3, 27)).reshape(-1, 3, 3, 3)  # c_ijkl n_l
    square, shape = np.linalg.eigh(np.einsum("nijk,nj->nik", half, direction))
    speed = np.sqrt(np.maximum(square, 0))[:, ::-1]
    shape = shape[:, :, ::-1]
    velocity = np.einsum("nib,nik,nkb->nb", shape, half[:, :, 2], shape, optimize=True) / speed
    return speed, velocity


def directions(polar: Array, azimuth: Array) -> Array:
    """(n, 3) unit vectors of polar angles from z and azimuths from x, rad."""
    return np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=-1)


@frozen(eq=False)
class Turns:
    """Where slowness sheets turn back: the normal group velocity vanishes and the in-plane slowness is extreme.

    Attributes
    ----------
    azimuth : (n,) index of the azimuth
    branch : (n,) branch, 0 the fastest
    slowness : (n,) in-plane slowness, s m⁻¹
    sign : (n,) +1 for a largest, −1 for a smallest slowness
    """

    azimuth: NDArray[np.intp]
    branch: NDArray[np.intp]
    slowness: Array
    sign: Array


def turning_points(reduced: Array, azimuth: Array) -> Turns:
    """Turning points of all three sheets in the half planes of these azimuths (nφ,), rad."""
    polar = np.linspace(0, np.pi, POLAR + 1)
    both = np.meshgrid(polar, azimuth)
    speed, velocity = waves_along(reduced, directions(both[0].ravel(), both[1].ravel()))
    up = (velocity > 0).reshape(azimuth.size, polar.size, 3)
    up[:, 0], up[:, -1] = True, False  # along the normal the sheets rise, whatever rounding says
    where, step, branch = np.nonzero(up[:, :-1] != up[:, 1:])
    sign = np.where(up[where, step, branch], 1.0, -1.0)
    low, high, row = polar[step], polar[step + 1], np.arange(where.size)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        _, velocity = waves_along(reduced, directions(middle, azimuth[where]))
        before = velocity[row, branch] * sign > 0
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    speed, _ = waves_along(reduced, directions((low + high) / 2, azimuth[where]))
    return Turns(where, branch, np.sin((low + high) / 2) / speed[row, branch], sign)


def azimuths(*reduced: Array, inversion: bool = True) -> tuple[Array, Array]:
    """Azimuths and weights (rad, sum 2π) that integrate over the circle, in the sector that symmetry leaves.

    A symmetry counts if all the tensors have it.

    Parameters
    ----------
    reduced : (3, 3, 3, 3) tensors in interface axes
    inversion : whether opposite azimuths are known to give the same: elasticity itself is even under inversion
    """
    if kept(reduced, turned(np.array(0.7))):
        return np.array([0.0]), np.array([2 * np.pi])
    fold = max(n for n in (1, 2, 3, 4, 6) if kept(reduced, turned(np.array(2 * np.pi / n))))
    fold *= 2 if inversion and fold % 2 else 1
    sector = 2 * fold if kept(reduced, np.diag([1.0, -1.0, 1.0])) else fold
    count = CIRCLE // sector
    return (np.arange(count) + 0.5) * 2 * np.pi / CIRCLE, np.full(count, 2 * np.pi / count)


def kept(reduced: tuple[Array, ...], rotation: Array) -> bool:
    """Whether all tensors look the same from turned axes, to 1e-9 of their largest entry."""
    return all(np.abs(rotated(one, rotation) - one).max() <= 1e-9 * np.abs(one).max() for one in reduced)
