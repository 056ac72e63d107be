"""Spectra of a crystal from a converged mesh of wave vectors, with the long waves as a power series."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
from attrs import evolve, frozen

from kapitza.core.arrays import Array, IntArray, without_unit
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.brillouin import (
    equivalent_normals,
    hemisphere_directions,
    inscribed_radius,
    mesh_operations,
    reduced_mesh,
)
from kapitza.matter.crystal import Crystal
from kapitza.matter.longwave import LongWave
from kapitza.matter.plausibility import check_crystal
from kapitza.matter.space_groups.bond_symmetry import crystal_operations
from kapitza.units import THz, angstrom

_SPLINE_REACH = 1.5  # of the spline, in units of twice its standard deviation
_PORTION_ENTRIES = 1 << 19  # entries of bins handled at once


@frozen(eq=False)
class SampledSpectrum(BaseRecord):
    """Piecewise linear spectrum with a power series below."""

    step: float  # width of a bin, rad s⁻¹; bin k is centred at (k + 1/2) step
    value: Array  # (nb,) mean over each bin
    low: Array  # (3,) coefficients of ω², ω⁴ and ω⁶
    join: float  # the series holds up to half of it, the bins above it, rad s⁻¹; 0: no series

    def __call__(self, omega: Array) -> Array:
        """(nω,) the spectrum at angular frequencies, rad s⁻¹."""
        place = np.asarray(without_unit(omega), dtype=float) / self.step + 0.5
        padded = np.concatenate([[0.0], self.value, [0.0, 0.0]])
        index = np.clip(place.astype(int), 0, len(self.value))
        within = np.clip(place - index, 0, 1)
        high = np.where(place < len(self.value) + 1, padded[index] * (1 - within) + padded[index + 1] * within, 0)
        if not self.join:
            return high
        square = np.square(np.minimum(omega, self.join))
        series = square * (self.low[0] + square * (self.low[1] + square * self.low[2]))
        x = np.clip(2 * omega / self.join - 1, 0, 1)
        return series + (high - series) * x * x * (3 - 2 * x)


def bin_modes(omega: Array, spread: Array, weight: Array, step: float, bins: int) -> Array:
    """(bins,) weight per rad s⁻¹ of modes (n,) above zero, each spread by a standard deviation, rad s⁻¹."""
    use = (omega > 0) & (weight > 0)
    place, size, weight = omega[use] / step, 2 * spread[use] / step, weight[use]
    first = np.clip(np.floor(place - _SPLINE_REACH * size), 0, bins).astype(np.int64)
    last = np.clip(np.ceil(place + _SPLINE_REACH * size), 0, bins).astype(np.int64)
    count = np.asarray(last - first + 1, dtype=np.int64)
    total = np.zeros(bins + 1)
    stops = np.cumsum(count)
    begin = 0
    while begin < len(place):
        end = max(begin + 1, int(np.searchsorted(stops, (stops[begin - 1] if begin else 0) + _PORTION_ENTRIES)))
        _add_modes(total, place[begin:end], size[begin:end], weight[begin:end], first[begin:end], count[begin:end])
        begin = end
    return total[:-1] / step


def _add_modes(total: Array, place: Array, size: Array, weight: Array, first: IntArray, count: IntArray) -> None:
    mode = np.repeat(np.arange(len(place)), count)
    edge = np.arange(len(mode)) - np.repeat(np.cumsum(count) - count, count) + first[mode]
    part = _spline_integral((edge - place[mode]) / size[mode]) * weight[mode]
    same = mode[1:] == mode[:-1]
    total += np.bincount(edge[:-1][same], weights=(part[1:] - part[:-1])[same], minlength=len(total))[: len(total)]


def _spline_integral(u: Array) -> Array:
    """Part of a quadratic B-spline with knots at ±1/2 and ±3/2 that lies below u."""
    size = np.minimum(np.abs(u), _SPLINE_REACH)
    inner = size * (0.75 - size * size / 3)
    outer = 0.5 - (_SPLINE_REACH - size) ** 3 / 6
    return 0.5 + np.copysign(np.where(size <= 0.5, inner, outer), u)


MeshShape = tuple[int, int, int]

_FIRST_MESH_LENGTH = 50 * angstrom  # spacing of the first mesh is 2π over this
_MESH_REFINEMENT = 1.5  # the next mesh
MAX_MESH_POINTS = 400_000  # of a mesh, before symmetry
_SPECTRUM_BINS = 400  # up to the top of the spectrum
_CONVERGENCE_GROUPS = 40  # of bins, over which convergence is judged
_IMAGINARY_TOLERANCE = 1e-3  # of the top frequency: larger imaginary frequencies are reported
# of the inscribed sphere: how far long waves are followed, if their branches allow
_LONG_WAVE_SIZES = (0.35, 0.2, 0.1, 0.05)
_LONG_WAVE_RADII = (0.6, 1.0)  # of that, where they are taken


@frozen(eq=False, kw_only=True)
class MeshSpectra(BaseRecord):
    """What a mesh of wave vectors gives."""

    modes: SampledSpectrum  # per area, m⁻²
    states: SampledSpectrum  # m⁻³ rad⁻¹ s
    shape: MeshShape  # wave vectors along each reciprocal lattice vector
    top: float  # where both end, rad s⁻¹
    lowest: float  # lowest frequency, negative if imaginary, rad s⁻¹
    imaginary: float  # share of imaginary modes
    change: float = 0.0  # mean relative difference of the modes to the mesh before, 0 where there was none


def converged_spectra(
    crystal: Crystal, normal: Array, sound: LongWave, mesh: MeshShape | None, tolerance: float
) -> MeshSpectra:
    """Spectra along a unit normal (3,), from the given mesh or from one refined until M(ω) changes by less than
    `tolerance`. The change is the mean relative one in groups of 1/40 of the spectrum, between two meshes.
    """
    check_crystal(crystal, stable=False)  # imaginary modes are counted on the mesh
    operations = crystal_operations(crystal)
    length = _FIRST_MESH_LENGTH
    while np.prod(_mesh_shape(crystal, length)) > MAX_MESH_POINTS:
        length /= _MESH_REFINEMENT
    table, old = _mesh_spectra(crystal, normal, mesh or _mesh_shape(crystal, length), operations), None
    while mesh is None:
        length *= _MESH_REFINEMENT
        shape = _mesh_shape(crystal, length)
        if np.prod(shape) > MAX_MESH_POINTS:
            break
        table, old = _mesh_spectra(crystal, normal, shape, operations), table
        # mean difference of the modes of two meshes in groups of bins, over their mean
        edge = np.linspace(0, max(table.top, old.top), _CONVERGENCE_GROUPS + 1)
        one, two = (
            np.diff(np.interp(edge, np.arange(_SPECTRUM_BINS + 2) * t.modes.step, _cumulative_modes(t)))
            for t in (table, old)
        )
        table = evolve(table, change=float(np.abs(one - two).sum() / one.sum()))
        if table.change <= tolerance:
            break
    warn_of_imaginary(crystal.name, table)
    return _join_long_waves(table, old, _long_wave_series(crystal, normal, sound))


def _mesh_shape(crystal: Crystal, length: float) -> MeshShape:
    """Even numbers of wave vectors about 2π/length apart; even ones hold Γ and the zone boundary."""
    sizes = np.linalg.norm(crystal.reciprocal, axis=1) * length / (2 * np.pi)
    one, two, three = (max(2, 2 * round(size / 2)) for size in sizes.tolist())
    return one, two, three


def _mesh_spectra(crystal: Crystal, normal: Array, shape: MeshShape, operations: IntArray) -> MeshSpectra:
    kept = mesh_operations(shape, operations)
    fraction, share = reduced_mesh(shape, kept)
    levels = crystal.levels(fraction @ crystal.reciprocal)
    top = float(levels.omega.max())
    if not top > 0:
        raise InputError(f"{crystal.name} has no real frequency: its force constants are no crystal's")
    spans = levels.velocity @ (crystal.reciprocal / np.array(shape)[:, None]).T
    spread = np.sqrt(np.square(spans).sum(axis=2) / 12)
    step = float((levels.omega + 3 * spread).max()) / _SPECTRUM_BINS
    spread = np.maximum(spread, 0.1 * step)
    number = np.broadcast_to(share[:, None] / crystal.volume, levels.omega.shape)
    speed = np.zeros_like(levels.omega)  # |v_n| averaged over equivalent normals
    for direction, part in zip(*equivalent_normals(normal, crystal.lattice, kept), strict=True):
        speed += part * np.abs(levels.velocities_along(direction))
    omega, spread = levels.omega.ravel(), spread.ravel()
    modes, states = (
        SampledSpectrum(step, bin_modes(omega, spread, weight.ravel(), step, _SPECTRUM_BINS + 1), np.zeros(3), 0.0)
        for weight in (np.pi * number * speed, number)
    )
    return MeshSpectra(
        modes=modes,
        states=states,
        shape=shape,
        top=(_SPECTRUM_BINS + 1) * step,
        lowest=float(omega.min()),
        imaginary=float(share @ (levels.omega < -_IMAGINARY_TOLERANCE * top).mean(axis=1)),
    )


def warn_of_imaginary(name: str, table: MeshSpectra) -> None:
    """Warn of imaginary frequencies of a crystal."""
    if table.imaginary > 0:
        warnings.warn(
            f"{name}: {table.imaginary:.2%} of the modes are imaginary, to {-table.lowest / THz:.3g}i THz, "
            "and left out; the crystal is unstable as given, or its supercell is too small",
            ValidityWarning,
            stacklevel=2,
        )


@contextmanager
def ignore_imaginary() -> Generator[None]:
    """Keep quiet of imaginary frequencies that are said elsewhere."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* of the modes are imaginary", category=ValidityWarning)
        yield


def _cumulative_modes(table: MeshSpectra) -> Array:
    return np.concatenate([[0.0], np.cumsum(table.modes.value)]) * table.modes.step


def _join_long_waves(
    table: MeshSpectra, coarser: MeshSpectra | None, series: tuple[Array, Array, float]
) -> MeshSpectra:
    """Join bins and long waves, and take off the common error of the mesh.

    A sum over a mesh misses the kinks of |v_n|, by a part that falls with the square of the spacing and is much the
    same at all frequencies: the coarser mesh tells its size.
    """
    scale = 1.0
    if coarser is not None:
        ratio = (np.prod(table.shape, dtype=float) / np.prod(coarser.shape, dtype=float)) ** (2 / 3)
        scale += (1 - _cumulative_modes(coarser)[-1] / _cumulative_modes(table)[-1]) / (ratio - 1)
    low_modes, low_states, join = series
    modes = evolve(table.modes, value=table.modes.value * scale, low=low_modes, join=join)
    return evolve(table, modes=modes, states=evolve(table.states, low=low_states, join=join))


def _long_wave_series(crystal: Crystal, normal: Array, sound: LongWave) -> tuple[Array, Array, float]:
    """Series of the spectra below the lowest frequencies that a mesh resolves: (3,) coefficients of ω², ω⁴ and ω⁶ in
    the modes and in the density of states, and the frequency up to which they hold.

    In each direction, flux and number of each acoustic branch over ω² are parabolas in ω² through the elastic limit
    and two wave vectors.  Without a restoring force of every sound wave there is no series.
    """
    modes, states = sound.integrals(normal)
    if not np.isfinite([modes, states]).all():
        return np.zeros(3), np.zeros(3), 0.0
    directions, share = hemisphere_directions(normal, 10, 20)
    speed, group = sound.speeds(directions, normal)
    start = np.stack([np.abs(group) / speed**3, speed**-3])
    for size in _LONG_WAVE_SIZES:
        rays = [
            _long_wave_shell(crystal, normal, directions, r * size * inscribed_radius(crystal.reciprocal))
            for r in _LONG_WAVE_RADII
        ]
        if all((square > 0).all() for square, _ in rays):
            squares = np.stack([np.zeros_like(speed), *(square for square, _ in rays)])
            # parabolas through three points, the first of which is at 0: their coefficients of ω² and ω⁴
            one, two = ((value - start) / square for square, value in rays)
            two = (two - one) / (squares[2] - squares[1])
            curves = np.stack([one - two * squares[1], two])
            bend = curves.sum(axis=-1) @ share / np.array([8 * np.pi**2, 8 * np.pi**3])
            join = float(np.sqrt(squares[-1].min()))
            return np.array([modes, *bend[:, 0]]), np.array([states, *bend[:, 1]]), join
    return np.array([modes, 0, 0]), np.array([states, 0, 0]), 0.0


def _long_wave_shell(crystal: Crystal, normal: Array, directions: Array, q: float) -> tuple[Array, Array]:
    """(n, 3) squared acoustic frequencies at a distance q from Γ, zero where a branch does not rise outwards as sound
    does, and (2, n, 3) flux and number of modes over ω².
    """
    omega, velocity = crystal.velocities(q * directions, normal)
    omega, velocity = omega[:, :3], velocity[:, :3]
    outward = np.einsum("qbi,qi->qb", velocity, directions)
    sound = (omega > 0) & (outward > 0.2 * omega / q)
    number = np.divide(q**2, outward * omega**2, out=np.zeros_like(omega), where=sound)
    return np.where(sound, omega**2, 0), np.stack([np.abs(velocity @ normal) * number, number])
