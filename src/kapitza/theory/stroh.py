r"""Plane waves of an anisotropic half space: the sextic eigenvalue problem of Stroh.

With $Q_{ik} = c_{ixkx}s^2$, $R_{ik} = c_{ixkz}s$ and $T_{ik} = c_{izkz}$ the waves of in-plane slowness s obey
$N (a, l)^T = p\,(a, l)^T$,

$N = \begin{pmatrix} -T^{-1}R^T & T^{-1} \\ RT^{-1}R^T - Q + \rho & -RT^{-1} \end{pmatrix}$.

Propagating waves are sorted by the sign of their energy flux, not of p: slowness surfaces bend back.

References
----------
A. N. Stroh, J. Math. Phys. (MIT) 41, 77 (1962), doi:10.1002/sapm196241177
"""

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import ConvergenceError
from kapitza.matter.elastic import Elastic
from kapitza.matter.slowness import rotated, turned
from kapitza.theory.plane_waves import Complex, Waves

REAL = 1e-8  # |Im p| below this, in units of the slowness scale, is rounding of a double eigenvalue
GRAZING = 1e-7  # flux of a unit eigenvector below which its direction cannot be told
TIE = 1e-7  # two Christoffel eigenvalues closer than this are one


def anisotropic(crystal: Elastic, slowness: Array, azimuth: Array) -> Waves:
    """Waves of a crystal at in-plane slownesses (n,) s m⁻¹ along azimuths (n,) rad, x being that direction."""
    scale = float(np.sqrt(np.abs(crystal.reduced).max()))
    angle, which = np.unique(azimuth, return_inverse=True)
    c = rotated(crystal.reduced, turned(angle))[which] / scale**2
    s = slowness * scale
    p, vectors = eigenwaves(c, s)
    rightward, propagating = going_right(p, vectors)
    for step in (1e-9, 1e-7, 1e-5):  # exactly at grazing both directions are one wave: go a little inside
        lost = np.nonzero(rightward.sum(axis=1) != 3)[0]
        if not lost.size:
            break
        s[lost] *= 1 - step
        p[lost], vectors[lost] = eigenwaves(c[lost], s[lost])
        rightward[lost], propagating[lost] = going_right(p[lost], vectors[lost])
    else:
        raise ConvergenceError(f"{crystal.name}: no three waves of each direction at {slowness[lost[0]]:.6g} s/m")
    order = np.argsort(~rightward, axis=1, kind="stable").reshape(-1, 2, 3)
    p = np.take_along_axis(p[:, None], order, 2)
    open_ = np.take_along_axis(propagating[:, None], order, 2)
    state = np.take_along_axis(vectors[:, None], order[:, :, None], 3)
    state = sorted_pairs(unit_flux(state, open_), np.where(open_, p.real, np.nan))
    branch = np.where(open_, branches(c, s, p.real), -1)
    unit = np.sqrt(crystal.density * scale)
    state[:, :, :3] /= unit
    state[:, :, 3:] *= unit
    return Waves(p / scale, state, branch, crystal.density)


def going_right(p: Complex, vectors: Complex) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which waves (n, 6) run or decay to the right (none at all where one is grazing), and which propagate."""
    propagating = np.abs(p.imag) < REAL
    flux = np.einsum("nim,nim->nm", vectors[:, 3:], vectors[:, :3].conj()).real
    grazing = np.any(propagating & (np.abs(flux) < GRAZING), axis=1, keepdims=True)
    return np.where(propagating, flux > 0, p.imag > 0) & ~grazing, propagating


def eigenwaves(c: Array, s: Array) -> tuple[Complex, Complex]:
    """(n, 6) eigenvalues and (n, 6, 6) eigenvectors as columns of the sextic problem."""
    found = np.linalg.eig(sextic(c, s))
    return np.asarray(found[0], dtype=complex), np.asarray(found[1], dtype=complex)


def sextic(c: Array, s: Array) -> Array:
    """(n, 6, 6) matrix of the eigenvalue problem in units of unit density; c (n, 3, 3, 3, 3), s (n,)."""
    q = c[:, :, 0, :, 0] * np.square(s)[:, None, None]
    r = c[:, :, 0, :, 2] * s[:, None, None]
    inverse = np.linalg.inv(c[:, :, 2, :, 2])
    mixed = inverse @ r.transpose(0, 2, 1)
    matrix = np.empty((s.size, 6, 6))
    matrix[:, :3, :3], matrix[:, :3, 3:] = -mixed, inverse
    matrix[:, 3:, :3], matrix[:, 3:, 3:] = r @ mixed - q + np.eye(3), -mixed.transpose(0, 2, 1)
    return matrix


def unit_flux(state: Complex, propagating: NDArray[np.bool_]) -> Complex:
    """Mix and scale the propagating waves of each direction so that each carries unit flux and no two share any.

    Waves of different p never share flux; those of one p come from the eigensolver in any mixture.
    """
    shape, traction = state[:, :, :3], state[:, :, 3:]
    cross = shape.conj().swapaxes(-1, -2) @ traction
    gram = (cross + cross.conj().swapaxes(-1, -2)) / 2
    sign = np.array([1.0, -1.0])[:, None, None]
    both = propagating[..., :, None] & propagating[..., None, :]
    gram = np.where(both, gram * sign, np.eye(3))
    mixing = np.linalg.inv(np.linalg.cholesky(gram)).conj().swapaxes(-1, -2)
    return state @ mixing


def sorted_pairs(state: Complex, p: Array) -> Complex:
    """Choose a basis of two waves of one p (n, 2, 3): the second holds all it can of the motion across the plane.

    This makes vertical and horizontal shear of isotropic crystals, whatever mixture the eigensolver returned.
    """
    for i, j in ((0, 1), (0, 2), (1, 2)):
        tied = np.abs(p[:, :, i] - p[:, :, j]) < TIE
        if not tied.any():
            continue
        pair = state[..., [i, j]][tied]  # (k, 6, 2)
        across = pair[:, 1]
        mean = across[:, 0].conj() * across[:, 1]
        angle = np.arctan2(2 * np.abs(mean), np.abs(across[:, 0]) ** 2 - np.abs(across[:, 1]) ** 2) / 2
        phase = np.exp(-1j * np.angle(mean))
        most, least = (
            np.stack([np.cos(angle), np.sin(angle) * phase]),
            np.stack([-np.sin(angle), np.cos(angle) * phase]),
        )
        new = np.einsum("kfi,ijk->kfj", pair, np.stack([least, most], axis=1))
        state[tied, :, i], state[tied, :, j] = new[..., 0], new[..., 1]
    return state


def branches(c: Array, s: Array, p: Array) -> NDArray[np.intp]:
    """(n, 2, m) rank by speed of the waves of slowness (s, 0, p), 0 the fastest.

    One eigenvalue of the Christoffel matrix of a slowness vector is 1; the faster branches are those with larger ones.
    """
    x, z, xz = c[:, :, 0, :, 0], c[:, :, 2, :, 2], c[:, :, 0, :, 2]
    cross = (xz + xz.swapaxes(-1, -2))[:, None, None]
    square = (
        x[:, None, None] * np.square(s)[:, None, None, None, None] + cross * (s[:, None, None] * p)[..., None, None]
    )
    matrix = square + z[:, None, None] * np.square(p)[..., None, None]
    total = np.trace(matrix, axis1=-2, axis2=-1) - 1  # sum and product of the other two eigenvalues
    between = 1 - total + np.linalg.det(matrix)
    tied = np.abs(between) < TIE
    second = tied & (np.cumsum(tied, axis=-1) % 2 == 0)
    rank = np.where(between < 0, 1, np.where(total > 2, 2, 0))
    return np.where(tied, np.where(total > 2, 1, 0) + second, rank).astype(np.intp)
