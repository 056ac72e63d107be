r"""Transmission of many points at once by decimation: only products and solutions, which graphics processors do well.

The waves of `leads` are faster on ordinary processors and exact on the real axis; this road has a finite broadening,
whose error is of its relative size times the number of layers that a wave near a band edge needs to decay.
"""

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, frequencies
from kapitza.core.transmission import Transmission
from kapitza.errors import ConvergenceError, InputError, require
from kapitza.matter.junction import PS2, Junction
from kapitza.theory.agf.conductance import counts
from kapitza.theory.agf.device import Contact, Prepared, contact, prepared
from kapitza.theory.agf.kmesh import mesh, operations

STEPS = 100  # of a decimation: 2^100 layers
LEFT_OVER = 1e-13  # of the coupling


def agf_decimated(
    junction: Junction,
    omega: ArrayLike,
    k_mesh: tuple[int, int],
    *,
    broadening: float = 1e-8,
    arrays: ModuleType | None = None,
    batch: int = 4096,
) -> Transmission:
    r"""Harmonic transmission of a junction by decimation in batches, as graphics processors like it.

    Parameters
    ----------
    junction : leads and device
    omega : (nω,) increasing angular frequency above zero, rad s⁻¹
    k_mesh : points along either in-plane reciprocal vector, over the whole zone
    broadening : η of $\omega^2(1 + i\eta)$; the error of the transmission is proportional to it
    arrays : module with NumPy's functions and `linalg.solve` of batches in double precision, such as cupy, jax.numpy
        with 64 bits enabled, or numpy itself; None takes cupy
    batch : points solved at once; bounds the memory

    Returns
    -------
    Transmission without the modes of the sides, which decimation does not count

    Raises
    ------
    InputError
        for frequencies that are not above zero, a broadening out of range, or arrays of single precision
    MissingEngine
        where cupy is wanted and missing
    ConvergenceError
        where layers stay coupled: the broadening is too small

    References
    ----------
    M. P. López Sancho, J. M. López Sancho and J. Rubio, J. Phys. F 15, 851 (1985), doi:10.1088/0305-4608/15/4/009
    """
    wanted = frequencies(omega)
    if not wanted.size or wanted[0] <= 0:
        raise InputError(f"expected frequencies above 0 rad/s, got {wanted[:1]}")
    if not 1e-14 < broadening < 0.1:
        raise InputError(f"broadening = {broadening:g}: expected η of ω²(1 + iη) between 1e-14 and 0.1")
    xp: Any = require("cupy", extra="gpu", why="decimation on a graphics processor") if arrays is None else arrays
    if xp.asarray(np.ones(1, dtype=np.complex128)).dtype != np.complex128:
        raise InputError(f"arrays of {xp.__name__} are of single precision: enable 64 bits first")
    what = prepared(junction)
    points = mesh(counts(k_mesh), np.full(2, 0.5), operations(what))
    energy = wanted**2 * PS2 * (1 + 1j * broadening)
    total = np.zeros(wanted.size)
    for k, weight in zip(points.k, points.weight, strict=True):
        for start in range(0, wanted.size, batch):
            some = slice(start, start + batch)
            total[some] += weight * crossing(xp, what, k, energy[some])
    return Transmission(wanted, total / junction.area, method=f"AGF {junction.name}, decimation")


def crossing(xp: Any, what: Prepared, k: Array, energy: Any) -> Array:
    """(b,) modes that cross at one wave vector."""
    sides = contact(what, k, "left"), contact(what, k, "right")
    blocks = what.junction.blocks(k)
    z = xp.asarray(energy)[:, None, None]
    left, right = (surface(xp, side, z, at) for side, at in zip(("left", "right"), sides, strict=True))
    first, last = (xp.asarray(at.port[0]) for at in sides)
    here = z * xp.eye(blocks.onsite[0].shape[-1]) - xp.asarray(blocks.onsite[0][0]) - first @ left @ dagger(first)
    source = first + 0 * here[:, :, :1]
    for onsite, coupling in zip(blocks.onsite[1:], blocks.hop, strict=True):
        hop = xp.asarray(coupling[0])
        both = xp.concatenate([hop + 0 * here[:, :, :1], source], axis=2)
        pushed = dagger(hop) @ xp.linalg.solve(here, both)
        here = z * xp.eye(onsite.shape[-1]) - xp.asarray(onsite[0]) - pushed[:, :, : hop.shape[1]]
        source = pushed[:, :, hop.shape[1] :]
    green = dagger(last) @ xp.linalg.solve(here - last @ right @ dagger(last), source)
    gamma_left, gamma_right = (1j * (sigma - dagger(sigma)) for sigma in (left, right))
    found = ((gamma_right @ green @ gamma_left) * green.conj()).sum(axis=(1, 2)).real
    return np.asarray(found.get() if hasattr(found, "get") else found, dtype=float)


def surface(xp: Any, side: str, z: Any, at: Contact) -> Any:
    """(b, M r, M r) self-energy of a lead between the factors of its coupling, block by block of its wave vectors."""
    blocks: list[Any] = []
    for onsite, a, b in zip(at.layers.onsite, at.layers.a, at.layers.b, strict=True):
        away = a @ b.conj().T if side == "right" else b @ a.conj().T
        factor = xp.asarray(b if side == "right" else a)
        edge = surface_inverse(xp, z * xp.eye(len(onsite)) - xp.asarray(onsite), xp.asarray(away))
        blocks.append(dagger(factor) @ xp.linalg.solve(edge, factor + 0 * edge[:, :, :1]))
    if len(blocks) == 1:
        return blocks[0]
    b, r = blocks[0].shape[:2]
    whole = xp.stack(blocks, axis=1)[:, :, :, None, :] * xp.eye(len(blocks))[None, :, None, :, None]
    return whole.reshape(b, len(blocks) * r, len(blocks) * r)


def surface_inverse(xp: Any, here: Any, out: Any) -> Any:
    """(b, f, f) inverse of the Green's function of the outermost layer, by decimation; `out` couples away from it."""
    out = out + 0 * here
    edge, back = here, dagger(out)
    scale, left = float(xp.abs(out).max()), 1.0
    for _ in range(STEPS):
        forth = xp.linalg.solve(here, xp.concatenate([out, back], axis=2))
        to, fro = forth[:, :, : out.shape[2]], forth[:, :, out.shape[2] :]
        edge, here = edge - out @ fro, here - out @ fro - back @ to
        out, back = out @ to, back @ fro
        left = float(xp.maximum(xp.abs(out).max(), xp.abs(back).max())) / scale
        if left < LEFT_OVER:
            return edge
    raise ConvergenceError(
        f"decimation left {left:.1e} of the coupling after {STEPS} steps: a larger broadening helps", edge
    )


def dagger(matrix: Any) -> Any:
    """Conjugate transpose of the last two axes."""
    return matrix.conj().swapaxes(-1, -2)
