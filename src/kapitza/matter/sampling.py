"""Spectra of a crystal from a mesh of wave vectors, refined until they keep still, and its long waves."""

import warnings

import numpy as np
from attrs import evolve, frozen

from kapitza.core.arrays import Array
from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.brillouin import (
    Integers,
    hemisphere,
    inscribed,
    mapping,
    reduced_mesh,
    spectrum_operations,
    star,
)
from kapitza.matter.crystal import Crystal, Levels
from kapitza.matter.longwave import LongWave
from kapitza.matter.spectrum import Spectrum, binned
from kapitza.units import THz, angstrom

Mesh = tuple[int, int, int]

FIRST = 50 * angstrom  # spacing of the first mesh is 2π over this
FINER = 1.5  # the next mesh
MOST_POINTS = 400_000  # of a mesh, before symmetry
BINS = 400  # up to the top of the spectrum
GROUPS = 40  # of bins, over which convergence is judged
IMAGINARY = 1e-3  # of the top frequency: larger imaginary frequencies are reported
SIZES = (0.35, 0.2, 0.1, 0.05)  # of the inscribed sphere: how far long waves are followed, if their branches allow
RADII = (0.6, 1.0)  # of that, where they are taken


@frozen(eq=False)
class Table:
    """What a mesh gives.

    Attributes
    ----------
    modes, states : modes per area (m⁻²) and density of states (m⁻³ rad⁻¹ s)
    shape : wave vectors along each reciprocal lattice vector
    top : where both end, rad s⁻¹
    lowest : lowest frequency, negative if imaginary, rad s⁻¹
    imaginary : part of all modes that is imaginary
    change : mean relative difference of the modes to the mesh before, 0 where there was none
    """

    modes: Spectrum
    states: Spectrum
    shape: Mesh
    top: float
    lowest: float
    imaginary: float
    change: float = 0.0


@frozen(eq=False)
class Series:
    """Coefficients of ω², ω⁴, ω⁶ in the modes and in the density of states, and up to which frequency they hold."""

    modes: Array
    states: Array
    join: float


def spectra(crystal: Crystal, normal: Array, sound: LongWave, mesh: Mesh | None, tolerance: float) -> Table:
    """Spectra along a normal from the given mesh, or from one that is fine enough.

    Parameters
    ----------
    crystal, normal, sound : lattice, direction (3,) of length 1, elastic limit
    mesh : wave vectors along each reciprocal lattice vector, or None
    tolerance : mean relative change of the modes, in groups of 1/40 of the spectrum, between two meshes

    Raises
    ------
    InputError
        for a crystal without vibrations
    """
    operations = spectrum_operations(crystal.lattice, crystal.frequencies)
    length = FIRST
    while not affordable(mesh_shape(crystal, length)):
        length /= FINER
    table, old = sampled(crystal, normal, mesh or mesh_shape(crystal, length), operations), None
    while mesh is None:
        length *= FINER
        shape = mesh_shape(crystal, length)
        if not affordable(shape):
            break
        table, old = sampled(crystal, normal, shape, operations), table
        table = evolve(table, change=difference(table, old))
        if table.change <= tolerance:
            break
    report(crystal, table)
    return joined(table, old, long_waves(crystal, normal, sound))


def mesh_shape(crystal: Crystal, length: float) -> Mesh:
    """Even numbers of wave vectors about 2π/length apart; even ones hold Γ and the zone boundary."""
    sizes = np.linalg.norm(crystal.reciprocal, axis=1) * length / (2 * np.pi)
    one, two, three = (max(2, 2 * round(size / 2)) for size in sizes.tolist())
    return one, two, three


def affordable(shape: Mesh) -> bool:
    """Whether a mesh has not too many points."""
    return shape[0] * shape[1] * shape[2] <= MOST_POINTS


def sampled(crystal: Crystal, normal: Array, shape: Mesh, operations: Integers) -> Table:
    """Spectra of one mesh, without long waves."""
    kept = mapping(shape, operations)
    fraction, share = reduced_mesh(shape, kept)
    levels = crystal.levels(fraction @ crystal.reciprocal)
    top = float(levels.omega.max())
    if not top > 0:
        raise InputError(f"{crystal.name} has no real frequency: its force constants are no crystal's")
    spans = levels.velocity @ (crystal.reciprocal / np.array(shape)[:, None]).T
    spread = np.sqrt(np.square(spans).sum(axis=2) / 12)
    step = float((levels.omega + 3 * spread).max()) / BINS
    spread = np.maximum(spread, 0.1 * step)
    number = np.broadcast_to(share[:, None] / crystal.volume, levels.omega.shape)
    flux = np.pi * number * mean_speed(levels, *star(normal, crystal.lattice, kept))
    modes, states = (
        Spectrum(step, binned(levels.omega.ravel(), spread.ravel(), weight.ravel(), step, BINS + 1), np.zeros(3), 0.0)
        for weight in (flux, number)
    )
    unstable = levels.omega < -IMAGINARY * top
    imaginary = float(share @ unstable.mean(axis=1))
    return Table(modes, states, shape, (BINS + 1) * step, float(levels.omega.min()), imaginary)


def mean_speed(levels: Levels, directions: Array, parts: Array) -> Array:
    """(nq, 3n) |v_n| averaged over equivalent normals (k, 3) with shares (k,), m s⁻¹."""
    total = np.zeros_like(levels.omega)
    for direction, part in zip(directions, parts, strict=True):
        total += part * np.abs(levels.along(direction))
    return total


def report(crystal: Crystal, table: Table) -> None:
    """Warn of imaginary frequencies."""
    if table.imaginary > 0:
        warnings.warn(
            f"{crystal.name}: {table.imaginary:.2%} of the modes are imaginary, to {-table.lowest / THz:.3g}i THz, "
            "and left out; the crystal is unstable as given, or its supercell is too small",
            ValidityWarning,
            stacklevel=2,
        )


def difference(new: Table, old: Table) -> float:
    """Mean difference of the modes of two meshes in groups of bins, over their mean."""
    edge = np.linspace(0, max(new.top, old.top), GROUPS + 1)
    one, two = (np.diff(np.interp(edge, np.arange(BINS + 2) * t.modes.step, running(t))) for t in (new, old))
    return float(np.abs(one - two).sum() / one.sum())


def running(table: Table) -> Array:
    """Integral of the modes up to each edge of a bin."""
    return np.concatenate([[0.0], np.cumsum(table.modes.value)]) * table.modes.step


def joined(table: Table, coarser: Table | None, series: Series) -> Table:
    """Join bins and long waves, and take off the common error of the mesh.

    A sum over a mesh misses the kinks of |v_n|, by a part that falls with the square of the spacing and is much the
    same at all frequencies: the coarser mesh tells its size.
    """
    scale = 1.0
    if coarser is not None:
        ratio = (np.prod(table.shape, dtype=float) / np.prod(coarser.shape, dtype=float)) ** (2 / 3)
        scale += (1 - running(coarser)[-1] / running(table)[-1]) / (ratio - 1)
    return evolve(
        table,
        modes=evolve(table.modes, value=table.modes.value * scale, low=series.modes, join=series.join),
        states=evolve(table.states, low=series.states, join=series.join),
    )


def long_waves(crystal: Crystal, normal: Array, sound: LongWave) -> Series:
    """Series of the spectra below the lowest frequencies that a mesh resolves.

    In each direction, flux and number of each acoustic branch over ω² are parabolas in ω² through the elastic limit
    and two wave vectors.  Without a restoring force of every sound wave there is no series.
    """
    modes, states = sound.integrals(normal)
    if not np.isfinite([modes, states]).all():
        return Series(np.zeros(3), np.zeros(3), 0.0)
    directions, share = hemisphere(normal, 10, 20)
    speed, group = sound.speeds(directions, normal)
    start = np.stack([np.abs(group) / speed**3, speed**-3])
    for size in SIZES:
        rays = [ray(crystal, normal, directions, r * size * inscribed(crystal.reciprocal)) for r in RADII]
        if all((square > 0).all() for square, _ in rays):
            squares = np.stack([np.zeros_like(speed), *(square for square, _ in rays)])
            curves = parabola(squares, np.stack([start, *(value for _, value in rays)]))
            bend = curves[1:].sum(axis=-1) @ share / np.array([8 * np.pi**2, 8 * np.pi**3])
            join = float(np.sqrt(squares[-1].min()))
            return Series(np.array([modes, *bend[:, 0]]), np.array([states, *bend[:, 1]]), join)
    return Series(np.array([modes, 0, 0]), np.array([states, 0, 0]), 0.0)


def ray(crystal: Crystal, normal: Array, directions: Array, q: float) -> tuple[Array, Array]:
    """(n, 3) squared acoustic frequencies at a distance q from Γ, and (2, n, 3) flux and number of modes over ω².

    The squares are zero where a branch does not rise outwards as sound does.
    """
    omega, velocity = crystal.velocities(q * directions, normal)
    omega, velocity = omega[:, :3], velocity[:, :3]
    outward = np.einsum("qbi,qi->qb", velocity, directions)
    sound = (omega > 0) & (outward > 0.2 * omega / q)
    number = np.divide(q**2, outward * omega**2, out=np.zeros_like(omega), where=sound)
    return np.where(sound, omega**2, 0), np.stack([np.abs(velocity @ normal) * number, number])


def parabola(x: Array, y: Array) -> Array:
    """Coefficients of 1, x, x² through three points (first axis) with x[0] = 0, on a new first axis."""
    one = (y[1] - y[0]) / x[1]
    two = ((y[2] - y[0]) / x[2] - one) / (x[2] - x[1])
    return np.stack([y[0], one - two * x[1], two])
