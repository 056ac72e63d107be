r"""Harmonic crystals: force constants on the lattice, frequencies, group velocities.

Conventions: $D(q) = \sum_R e^{i q\cdot R}\, M^{-1/2}\,\Phi(R)\,M^{-1/2}$ with the lattice vectors $R$ alone in the
phase, so that $D$ is periodic in $q$.  Wave vectors are Cartesian, rad m⁻¹.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from attrs import evolve, field, fields, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, ComplexArray, IntArray, about, finite_array, integer_array, positive
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.polar import DipoleForces

_DEGENERACY_TOLERANCE = 1e-6  # of the top frequency: modes closer than this are one level
_ACOUSTIC_TOLERANCE = 1e-6  # of the top frequency: slower modes are acoustic at Γ up to rounding and have no velocity
_CHUNK_ENTRIES = 1 << 21  # numbers of one array of phases or matrices


@frozen(eq=False)
class ModeLevels(BaseRecord):
    """Modes at nq wave vectors, with degenerate ones kept together.

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.phonons import phonon_crystal
    >>> from kapitza.units import THz
    >>> silicon = phonon_crystal("Si")
    >>> levels = silicon.levels(0.1 * silicon.reciprocal[:1])
    >>> print((levels.omega[0] / THz).round(1), "THz;", levels.degenerate.size, "wave vector with a degenerate level")
    [ 1.6  1.6  3.  15.2 15.2 15.2] THz; 1 wave vector with a degenerate level
    """

    omega: Array = field(metadata=about("rad s^-1", "(nq, 3n), imaginary ones negative"))
    velocity: Array = field(metadata=about("m s^-1", "(nq, 3n, 3); of degenerate modes in an arbitrary basis"))
    degenerate: IntArray = field(metadata=about("1", "(ns,) wave vectors that have a degenerate level"))
    mixing: ComplexArray = field(
        metadata=about("m s^-1", "(ns, 3, 3n, 3n) velocity matrices of these, zero between levels")
    )
    level: IntArray = field(metadata=about("1", "(ns, 3n) number of the level of each mode"))

    def velocities_along(self, direction: Array) -> Array:
        """(nq, 3n) velocities of the modes that have a definite one in a direction (3,) of length 1, m s⁻¹."""
        velocity = self.velocity @ direction
        if self.degenerate.size:
            velocity[self.degenerate] = self.diagonalise(direction)[0]
        return velocity

    def diagonalise(self, direction: Array) -> tuple[Array, ComplexArray]:
        """(ns, 3n) velocities within the degenerate levels and (ns, 3n, 3n) rotations of their modes.

        One diagonalisation serves all levels of a wave vector: multiples of the number of a level, larger than any
        velocity, keep them in order.
        """
        inside = np.tensordot(self.mixing, direction, axes=(1, 0))
        apart = (4 * np.abs(inside).sum(axis=2).max(axis=1, initial=0) + 1e-300)[:, None] * self.level
        diagonal = np.arange(inside.shape[1])
        inside[:, diagonal, diagonal] += apart
        value, rotation = np.linalg.eigh(inside)
        return value - apart, rotation


@frozen(eq=False, kw_only=True)
class Crystal(BaseRecord):
    r"""A periodic lattice of atoms with harmonic force constants.

    Attributes
    ----------
    polar : charges of a polar crystal, whose dipole forces come on top of `force_constants`, which are then the
        short-range part; None: `force_constants` are all there is
    force_constants : $\Phi_{i\alpha,j\beta}(R) = \partial^2 E/\partial u_{i\alpha}(0)\,\partial u_{j\beta}(R)$; indices
        run over atoms, then directions; $\Phi(-R) = \Phi(R)^T$
    model : whether the numbers are those of a model, not held against the physical bounds of `matter.plausibility`

    Raises
    ------
    InputError
        for shapes that do not fit, numbers that are not finite, masses that are not positive, a lattice without volume
    """

    name: str
    lattice: Array = field(converter=finite_array, metadata=about("m", "(3, 3) primitive lattice vectors in rows"))
    positions: Array = field(converter=finite_array, metadata=about("m", "(n, 3) Cartesian"))
    masses: Array = field(converter=positive, metadata=about("kg", "(n,) of the atoms"))
    cells: IntArray = field(converter=integer_array, metadata=about("of the lattice vectors", "(nR, 3) of the blocks"))
    force_constants: Array = field(converter=finite_array, metadata=about("N m^-1", "(nR, 3n, 3n) Φ(R)"))
    symbols: tuple[str, ...] = ()
    polar: DipoleForces | None = None
    residual: float = field(
        default=0.0,
        metadata=about("of the largest force constant", "largest violation of the acoustic sum rule in the source"),
    )
    model: bool = False

    def __attrs_post_init__(self) -> None:
        n, count = self.masses.size, len(self.cells)
        wanted = {"lattice": (3, 3), "positions": (n, 3), "cells": (count, 3), "force_constants": (count, 3 * n, 3 * n)}
        for what, shape in wanted.items():
            if getattr(self, what).shape != shape:
                raise InputError(f"{what} of shape {getattr(self, what).shape} for {n} atoms, wanted {shape}")
        span = float(np.prod(np.linalg.norm(self.lattice, axis=1)))
        if not self.volume > 1e-4 * span:
            raise InputError(f"the lattice vectors {self.lattice.tolist()} m span no volume")

    @cached_property
    def volume(self) -> float:
        """Volume of the primitive cell, m³."""
        return float(abs(np.linalg.det(self.lattice)))

    @property
    def density(self) -> float:
        """Mass density, kg m⁻³."""
        return float(self.masses.sum()) / self.volume

    @property
    def atoms(self) -> float:
        """Atoms per volume, m⁻³."""
        return self.masses.size / self.volume

    @cached_property
    def reciprocal(self) -> Array:
        """(3, 3) reciprocal lattice vectors in rows, with the 2π, rad m⁻¹."""
        return np.asarray(2 * np.pi * np.linalg.inv(self.lattice).T, dtype=float)

    @cached_property
    def weights(self) -> Array:
        r"""(3n, 3n) $1/\sqrt{m_i m_j}$, kg⁻¹."""
        weight = 1 / np.sqrt(np.repeat(self.masses, 3))
        return weight[:, None] * weight

    @cached_property
    def blocks(self) -> Array:
        r"""(nR, 4, (3n)²) mass-weighted $\Phi(R)$ and $R_\alpha \Phi(R)$, rad² s⁻² and m rad² s⁻²."""
        value = (self.force_constants * self.weights).reshape(len(self.cells), 1, -1)
        return np.concatenate([value, (self.cells @ self.lattice)[:, :, None] * value], axis=1)

    def dynamical(self, wavevector: ArrayLike) -> ComplexArray:
        r"""(nq, 3n, 3n) $D_{i\alpha,j\beta}(q) = \sum_R \Phi_{i\alpha,j\beta}(R)\,e^{iq\cdot R}/\sqrt{m_i m_j}$,
        Hermitian, rad² s⁻², at Cartesian wave vectors (nq, 3), rad m⁻¹.
        """
        size = 3 * self.masses.size
        q = _as_wavevectors(wavevector)
        angle = q @ (self.cells @ self.lattice).T
        block = self.blocks[:, 0]
        short = (np.cos(angle) @ block + 1j * (np.sin(angle) @ block)).reshape(len(q), size, size)
        return short if self.polar is None else short + self.polar.matrix(q) * self.weights

    def gradient(self, wavevector: ArrayLike) -> ComplexArray:
        r"""(nq, 3, 3n, 3n) gradient $\partial D/\partial q_\alpha$ of the dynamical matrix at wave vectors (nq, 3), m
        rad² s⁻².
        """
        size = 3 * self.masses.size
        q = _as_wavevectors(wavevector)
        angle = q @ (self.cells @ self.lattice).T
        block = self.blocks[:, 1:].reshape(len(self.cells), -1)
        slope = np.cos(angle) @ block * 1j - np.sin(angle) @ block
        short = np.asarray(slope, dtype=np.complex128).reshape(len(q), 3, size, size)
        return short if self.polar is None else short + self.polar.gradient(q) * self.weights

    def frequencies(self, wavevector: ArrayLike) -> Array:
        """(nq, 3n) angular frequencies in increasing order, rad s⁻¹; imaginary ones as negative numbers.

        `wavevector` is (nq, 3), Cartesian, rad m⁻¹.
        """
        chunks = _wavevector_chunks(self, wavevector)
        return np.concatenate([_signed_root(np.asarray(np.linalg.eigvalsh(self.dynamical(q)))) for q in chunks])

    def velocities(self, wavevector: ArrayLike, normal: ArrayLike = (0, 0, 1)) -> tuple[Array, Array]:
        r"""Frequencies and group velocities $v_\alpha = \langle u|\partial D/\partial q_\alpha|u\rangle/2\omega$.

        Modes of one degenerate level are those that have definite velocities along `normal`, which are the
        derivatives of the branches in that direction; the other components are their expectation values.

        Parameters
        ----------
        wavevector : (nq, 3) Cartesian, rad m⁻¹
        normal : (3,) direction in which degenerate levels are resolved

        Returns
        -------
        omega : (nq, 3n) rad s⁻¹, imaginary ones negative
        velocity : (nq, 3n, 3) m s⁻¹; zero where the frequency is (the acoustic modes at Γ, where it has no limit)
        """
        levels = self.levels(wavevector)
        velocity = levels.velocity.copy()
        if levels.degenerate.size:
            rotation = levels.diagonalise(unit_vector(normal))[1]
            rotated = rotation.conj().swapaxes(1, 2)[:, None] @ levels.mixing @ rotation[:, None]
            velocity[levels.degenerate] = np.einsum("qabb->qba", rotated).real
        return levels.omega, velocity

    def levels(self, wavevector: ArrayLike) -> ModeLevels:
        """Frequencies, velocities and what mixes degenerate modes, at wave vectors (nq, 3), rad m⁻¹."""
        parts = [_mode_levels(self, q) for q in _wavevector_chunks(self, wavevector)]
        before = np.cumsum([0, *(len(part.omega) for part in parts[:-1])])
        parts = [evolve(part, degenerate=part.degenerate + start) for part, start in zip(parts, before, strict=True)]
        return ModeLevels(
            *(np.concatenate([getattr(part, name.name) for part in parts]) for name in fields(ModeLevels))
        )


def _wavevector_chunks(crystal: Crystal, wavevector: ArrayLike) -> Iterator[Array]:
    """Wave vectors in portions that keep the working arrays small."""
    q = _as_wavevectors(wavevector)
    waves = 0 if crystal.polar is None else len(crystal.polar.waves[0]) * 9 * crystal.masses.size
    step = max(1, _CHUNK_ENTRIES // max(len(crystal.cells), 36 * crystal.masses.size**2, waves))
    for start in range(0, max(len(q), 1), step):
        yield q[start : start + step]


def _mode_levels(crystal: Crystal, q: Array) -> ModeLevels:
    square, vectors = np.linalg.eigh(crystal.dynamical(q))
    omega, gradient = _signed_root(square), crystal.gradient(q)
    top = max(float(np.abs(omega).max(initial=0)), 1.0)
    steps = np.diff(omega, axis=1, prepend=omega[:, :1]) > _DEGENERACY_TOLERANCE * top
    level = np.cumsum(steps, axis=1, dtype=np.int64)
    shared = np.flatnonzero((np.diff(level, axis=1) == 0).any(axis=1))
    least = _ACOUSTIC_TOLERANCE * top
    slope = np.where(np.abs(omega) > least, 1 / np.sqrt(2 * np.maximum(np.abs(omega), least)), 0)
    moved = gradient @ vectors[:, None]
    velocity = np.einsum("qib,qaib->qba", vectors.conj(), moved).real * slope[:, :, None] ** 2
    mixing = vectors[shared].conj().swapaxes(1, 2)[:, None] @ moved[shared]
    mixing *= (slope[shared][:, None, :] * slope[shared][:, :, None])[:, None]
    mixing *= (level[shared][:, :, None] == level[shared][:, None, :])[:, None]
    return ModeLevels(omega, velocity, shared, mixing, level[shared])


def _signed_root(square: NDArray[np.floating]) -> Array:
    return np.asarray(np.copysign(np.sqrt(np.abs(square)), square), dtype=float)


def _as_wavevectors(value: ArrayLike) -> Array:
    array = np.asarray(value, dtype=float)
    array = array[None] if array.ndim == 1 else array
    if array.ndim != 2 or array.shape[1] != 3 or not np.isfinite(array).all():
        raise InputError(f"expected wave vectors of shape (nq, 3), finite, got shape {np.shape(value)}")
    return array


def unit_vector(direction: ArrayLike) -> Array:
    """Return a direction as a read-only vector (3,) of length 1."""
    try:
        array = np.array(direction, dtype=float)
    except (TypeError, ValueError):
        array = np.empty(0)
    length = np.linalg.norm(array) if array.shape == (3,) else np.nan
    if not (np.isfinite(length) and length > 0):
        raise InputError(
            f"expected a direction of three finite numbers such as (0, 0, 1), not all zero, got {direction!r:.60}"
        )
    array /= length
    array.flags.writeable = False
    return array


def z_axis() -> Array:
    """The direction along z."""
    return np.array([0.0, 0.0, 1.0])
