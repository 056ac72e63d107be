r"""Transmission of a junction over all wave vectors and frequencies, to a stated error of its conductance.

$\Xi(\omega) = \frac1A\int_{BZ} d^2k\,T(k, \omega)$ with k in fractions of the reciprocal vectors.  The range of
frequencies that adds most to the error of the conductance is refined first, in wave vectors and frequencies at once.
Errors of the ranges are added, not their squares: their meshes are alike, and so are their errors.

`agf_decimated` treats many points at once by decimation: only products and solutions, which graphics processors do
well.

The waves of `leads` are faster on ordinary processors and exact on the real axis; this method has a finite broadening,
whose error is of its relative size times the number of layers that a wave near a band edge needs to decay.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from types import ModuleType
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, frequencies, temperatures
from kapitza.core.transmission import Transmission
from kapitza.errors import ConvergenceError, InputError, require
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction
from kapitza.run.store import Store, UnitInputs
from kapitza.run.work import Progress
from kapitza.theory.agf.adaptive_quadrature import (
    REFINEMENT_LEVELS,
    FrequencyRange,
    RangeSampler,
    RangeSpectrum,
    UnitRunner,
    frequency_ranges,
    merge_spectra,
    mesh_size,
)
from kapitza.theory.agf.green_functions import (
    LeadContact,
    PreparedJunction,
    check_junction,
    lead_contact,
    prepare_junction,
)
from kapitza.theory.agf.k_mesh import check_symmetry, disperses, find_symmetry, wavevector_mesh
from kapitza.theory.agf.leads import dagger
from kapitza.theory.agf.transmission import UNIT_SECONDS, junction_arrays, point_seconds, transmission_at_frequencies

_MAX_ERROR_DECAY = 6  # the most that one level is trusted to take off the error: two may agree by chance
_MIN_ORBITS = 1.5  # orbits of points that must carry a range, until it is trusted that no others would
_MAX_UNSEEN_SHARE = (
    0.05  # of what a range carries: what the one below may carry unseen, where the law of long waves says less
)
_SINGLE_POINT_ERROR = 0.17  # relative error of a range carried by one point; falls with the square of the spacing


@frozen(eq=False)
class ConvergedTransmission:
    """A transmission with what is known of its error.

    Attributes
    ----------
    transmission : sum over all wave vectors
    temperature : (nT,) K
    error : (nT,) estimated relative error of the emitted conductance
    points : wave vectors times frequencies that were solved
    """

    transmission: Transmission
    temperature: Array
    error: Array
    points: int


def agf(
    junction: Junction,
    omega: ArrayLike | None = None,
    *,
    k_mesh: tuple[int, int] | None = None,
    tolerance: float = 2e-3,
    temperature: ArrayLike = 300.0,
    symmetry: ArrayLike | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    store: Store | None = None,
    progress: Progress | None = None,
) -> Transmission:
    r"""Atomistic Green's functions: harmonic transmission of a junction, exact for its force constants.

    Parameters
    ----------
    junction : leads and device
    omega : (nω,) increasing angular frequency above zero, rad s⁻¹; None chooses frequencies and wave vectors so that
        the emitted conductance has the error `tolerance` at all of `temperature`
    k_mesh : points along either in-plane reciprocal vector, over the whole zone, of which no error is then known; None
        refines (24 a side for given frequencies and the smallest cell)
    tolerance : relative error of the conductance
    temperature : (nT,) K at which the error is controlled
    symmetry : (m, 2, 2) integer operations on wave vector fractions, from the right; None finds them
    workers, executor, store, progress : as in `run_units`; results do not depend on them

    Returns
    -------
    Transmission with the modes of both sides, per area of the interface

    Raises
    ------
    InputError
        for frequencies that are not above zero, an error not between 0 and 1, or matrices that are no symmetries
    ConvergenceError
        where the error is not reached on the finest mesh; `last` is the transmission that was reached

    References
    ----------
    N. Mingo and L. Yang, Phys. Rev. B 68, 245406 (2003), doi:10.1103/PhysRevB.68.245406
    W. Zhang, T. S. Fisher, N. Mingo, Numer. Heat Transf. B 51, 333 (2007), doi:10.1080/10407790601144755
    """
    check_junction(junction)
    run = UnitRunner(workers, executor, store, progress)
    if omega is not None:
        return _zone_transmission(junction, omega, k_mesh, symmetry, run)
    return refine_to_tolerance(junction, k_mesh, tolerance, temperature, symmetry, run).transmission


def _zone_transmission(
    junction: Junction, omega: ArrayLike, k_mesh: tuple[int, int] | None, symmetry: ArrayLike | None, run: UnitRunner
) -> Transmission:
    """Transmission at given frequencies, all of them at each wave vector of a mesh over the whole zone."""
    wanted = frequencies(omega)
    if not wanted.size or wanted[0] <= 0:
        raise InputError(f"expected frequencies above 0 rad/s, got {wanted[:1]}")
    what = prepare_junction(junction)
    size = mesh_size(junction, 24, np.full(2, 0.5)) if k_mesh is None else check_mesh_size(k_mesh)
    points = wavevector_mesh(size, np.full(2, 0.5), symmetry_operations(what, symmetry))
    plain = junction_arrays(junction)
    step = max(1, int(UNIT_SECONDS / point_seconds(what) / wanted.size))
    units: list[UnitInputs] = [
        {"junction": plain, "k": points.k[i : i + step], "omega": wanted} for i in range(0, len(points.k), step)
    ]
    found = run(transmission_at_frequencies, units)
    total, left, right = (points.weight @ found[name] / junction.area for name in ("total", "left", "right"))
    return Transmission(wanted, total, left, right, method=f"AGF {junction.name}")


def refine_to_tolerance(
    junction: Junction,
    k_mesh: tuple[int, int] | None = None,
    tolerance: float = 2e-3,
    temperature: ArrayLike = 300.0,
    symmetry: ArrayLike | None = None,
    run: UnitRunner | None = None,
) -> ConvergedTransmission:
    """Refine octave by octave until the emitted conductance has the relative error `tolerance`; as in `agf`."""
    wanted = temperatures(temperature)
    if not 0 < tolerance < 1:
        raise InputError(f"tolerance = {tolerance:g}: expected a relative error between 0 and 1")
    what = prepare_junction(junction)
    fixed = None if k_mesh is None else check_mesh_size(k_mesh)
    sampler = RangeSampler(
        what, symmetry_operations(what, symmetry), fixed, run or UnitRunner(), junction_arrays(junction)
    )
    parts = frequency_ranges(junction, float(wanted.min()), float(wanted.max()), whole=k_mesh is not None)
    level = [0] * len(parts)
    bands = [sampler(part, 0) for part in parts]
    change = np.array([band.conducted(wanted) for band in bands])
    used = sum(band.points for band in bands)
    while True:
        carried = np.array([band.conducted(wanted) for band in bands])
        error = (
            change
            if fixed
            else np.maximum(change, _undetected_error(junction, parts, bands, wanted, len(sampler.symmetry)))
        )
        share = error / np.maximum(carried.sum(axis=0), 1e-300)
        reached = share.sum(axis=0)
        if (reached <= tolerance).all():
            return ConvergedTransmission(merge_spectra(bands, junction), wanted, reached, used)
        worst = int(np.argmax(share.max(axis=1) / np.maximum([band.points for band in bands], 1)))
        if level[worst] + 1 == len(REFINEMENT_LEVELS):
            raise ConvergenceError(
                f"conductance of {junction.name} known to {reached.max():.2g} after {used} points (wanted "
                f"{tolerance:g}): allow a larger error, or give the wave vectors by k_mesh",
                merge_spectra(bands, junction),
            )
        level[worst] += 1
        bands[worst] = sampler(parts[worst], level[worst])
        used += bands[worst].points
        moved = np.abs(bands[worst].conducted(wanted) - carried[worst])
        change[worst] = np.maximum(moved, change[worst] / _MAX_ERROR_DECAY)


def _undetected_error(
    junction: Junction,
    parts: Sequence[FrequencyRange],
    bands: Sequence[RangeSpectrum],
    temperature: Array,
    symmetry: int,
) -> Array:
    """Error of each range that two levels may hide from each other, (ranges, nT), W m⁻² K⁻¹.

    A mesh can miss the waves that carry a range: of one carried by hardly more than one point and those equal to it by
    symmetry nothing is known, and it may carry what the law of long waves makes of the ranges beside it.
    """
    directions = int(disperses(junction).sum())
    carried = np.array([band.conducted(temperature) for band in bands])
    if directions == 0:
        return np.zeros_like(carried)
    spread = np.array([band.spread(temperature) for band in bands])
    law = np.maximum(np.array([part.debye(temperature) for part in parts]), 1e-300)
    unseen = np.zeros_like(carried)
    unseen[1:] = carried[:-1] * np.maximum(_MAX_UNSEEN_SHARE, law[1:] / law[:-1])
    unseen[:-1] = np.maximum(unseen[:-1], carried[1:] / law[1:] * law[:-1])
    known = carried * _SINGLE_POINT_ERROR / np.maximum(spread, 1) ** (2 / directions)
    return np.where(spread <= _MIN_ORBITS * symmetry, np.maximum(carried, unseen), known)


def check_mesh_size(k_mesh: tuple[int, int]) -> tuple[int, int]:
    """Check the numbers of points that a user gives."""
    given = tuple(int(n) for n in k_mesh)
    if len(given) != 2 or min(given) < 1:
        raise InputError(f"k_mesh = {k_mesh!r}: expected two numbers of points, at least 1 each")
    return given[0], given[1]


def symmetry_operations(what: PreparedJunction, symmetry: ArrayLike | None) -> IntArray:
    """Operations found, or those that the user vouches for."""
    return find_symmetry(what) if symmetry is None else check_symmetry(symmetry, what.junction.periods)


MAX_DECIMATION_STEPS = 100  # of a decimation: 2^100 layers
_COUPLING_TOLERANCE = 1e-13  # of the coupling


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
    check_junction(junction)
    wanted = frequencies(omega)
    if not wanted.size or wanted[0] <= 0:
        raise InputError(f"expected frequencies above 0 rad/s, got {wanted[:1]}")
    if not 1e-14 < broadening < 0.1:
        raise InputError(f"broadening = {broadening:g}: expected η of ω²(1 + iη) between 1e-14 and 0.1")
    xp: Any = require("cupy", extra="gpu", why="decimation on a graphics processor") if arrays is None else arrays
    if xp.asarray(np.ones(1, dtype=np.complex128)).dtype != np.complex128:
        raise InputError(f"arrays of {xp.__name__} are of single precision: enable 64 bits first")
    what = prepare_junction(junction)
    points = wavevector_mesh(check_mesh_size(k_mesh), np.full(2, 0.5), find_symmetry(what))
    energy = wanted**2 * SQUARE_PICOSECOND * (1 + 1j * broadening)
    total = np.zeros(wanted.size)
    for k, weight in zip(points.k, points.weight, strict=True):
        for start in range(0, wanted.size, batch):
            some = slice(start, start + batch)
            total[some] += weight * _decimated_transmission(xp, what, k, energy[some])
    return Transmission(wanted, total / junction.area, method=f"AGF {junction.name}, decimation")


def _decimated_transmission(xp: Any, what: PreparedJunction, k: Array, energy: Any) -> Array:
    """(b,) modes that cross at one wave vector."""
    sides = lead_contact(what, k, "left"), lead_contact(what, k, "right")
    blocks = what.junction.blocks(k)
    z = xp.asarray(energy)[:, None, None]
    left, right = (_decimated_self_energy(xp, side, z, at) for side, at in zip(("left", "right"), sides, strict=True))
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


def _decimated_self_energy(xp: Any, side: str, z: Any, at: LeadContact) -> Any:
    """(b, M r, M r) self-energy of a lead between the factors of its coupling, block by block of its wave vectors."""
    blocks: list[Any] = []
    for onsite, a, b in zip(at.layers.onsite, at.layers.a, at.layers.b, strict=True):
        away = a @ b.conj().T if side == "right" else b @ a.conj().T
        factor = xp.asarray(b if side == "right" else a)
        edge = _surface_green_inverse(xp, z * xp.eye(len(onsite)) - xp.asarray(onsite), xp.asarray(away))
        blocks.append(dagger(factor) @ xp.linalg.solve(edge, factor + 0 * edge[:, :, :1]))
    if len(blocks) == 1:
        return blocks[0]
    b, r = blocks[0].shape[:2]
    whole = xp.stack(blocks, axis=1)[:, :, :, None, :] * xp.eye(len(blocks))[None, :, None, :, None]
    return whole.reshape(b, len(blocks) * r, len(blocks) * r)


def _surface_green_inverse(xp: Any, here: Any, out: Any) -> Any:
    """(b, f, f) inverse of the Green's function of the outermost layer, by decimation; `out` couples away from it."""
    out = out + 0 * here
    edge, back = here, dagger(out)
    scale, left = float(xp.abs(out).max()), 1.0
    for _ in range(MAX_DECIMATION_STEPS):
        forth = xp.linalg.solve(here, xp.concatenate([out, back], axis=2))
        to, fro = forth[:, :, : out.shape[2]], forth[:, :, out.shape[2] :]
        edge, here = edge - out @ fro, here - out @ fro - back @ to
        out, back = out @ to, back @ fro
        left = float(xp.maximum(xp.abs(out).max(), xp.abs(back).max())) / scale
        if left < _COUPLING_TOLERANCE:
            return edge
    raise ConvergenceError(
        f"decimation left {left:.1e} of the coupling after {MAX_DECIMATION_STEPS} steps: a larger broadening helps",
        edge,
    )
