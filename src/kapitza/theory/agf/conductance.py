r"""Transmission of a junction over all wave vectors and frequencies, to a stated error of its conductance.

$\Xi(\omega) = \frac1A\int_{BZ} d^2k\,T(k, \omega)$ with k in fractions of the reciprocal vectors.  The range of
frequencies that adds most to the error of the conductance is refined first, in wave vectors and frequencies at once.
Errors of the ranges are added, not their squares: their meshes are alike, and so are their errors.
"""

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, frequencies, temperatures
from kapitza.core.transmission import Transmission
from kapitza.errors import ConvergenceError, InputError
from kapitza.matter.brillouin import Integers
from kapitza.matter.junction import Junction
from kapitza.run.store import Inputs, Store
from kapitza.run.work import Progress
from kapitza.theory.agf.device import Prepared, prepared
from kapitza.theory.agf.kmesh import checked, disperses, mesh, operations
from kapitza.theory.agf.octaves import LADDER, Band, Range, Runner, Sampler, collected, ranges, sizes
from kapitza.theory.agf.points import SECONDS, junction_arrays, seconds
from kapitza.theory.agf.points import at_frequencies as points_at

DECAY = 6  # the most that one level is trusted to take off the error: two may agree by chance
FEW = 1.5  # orbits of points that must carry a range, until it is trusted that no others would
BELOW = 0.05  # of what a range carries: what the one below may carry unseen, where the law of long waves says less
SPACING = 0.17  # relative error of a range carried by one point; falls with the square of the spacing


@frozen(eq=False)
class Converged:
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
        for frequencies that are not above zero, an error not between 0 and 1, or symmetries that are none
    ConvergenceError
        where the error is not reached on the finest mesh; `last` is the transmission that was reached

    References
    ----------
    N. Mingo and L. Yang, Phys. Rev. B 68, 245406 (2003), doi:10.1103/PhysRevB.68.245406
    W. Zhang, T. S. Fisher, N. Mingo, Numer. Heat Transf. B 51, 333 (2007), doi:10.1080/10407790601144755
    """
    run = Runner(workers, executor, store, progress)
    if omega is not None:
        return at_frequencies(junction, omega, k_mesh, symmetry, run)
    return converged(junction, k_mesh, tolerance, temperature, symmetry, run).transmission


def at_frequencies(
    junction: Junction, omega: ArrayLike, k_mesh: tuple[int, int] | None, symmetry: ArrayLike | None, run: Runner
) -> Transmission:
    """Transmission at given frequencies, all of them at each wave vector of a mesh over the whole zone."""
    wanted = frequencies(omega)
    if not wanted.size or wanted[0] <= 0:
        raise InputError(f"expected frequencies above 0 rad/s, got {wanted[:1]}")
    what = prepared(junction)
    size = sizes(junction, 24, np.full(2, 0.5)) if k_mesh is None else counts(k_mesh)
    points = mesh(size, np.full(2, 0.5), group(what, symmetry))
    plain = junction_arrays(junction)
    step = max(1, int(SECONDS / seconds(what) / wanted.size))
    units: list[Inputs] = [
        {"junction": plain, "k": points.k[i : i + step], "omega": wanted} for i in range(0, len(points.k), step)
    ]
    found = run(points_at, units)
    total, left, right = (points.weight @ found[name] / junction.area for name in ("total", "left", "right"))
    return Transmission(wanted, total, left, right, method=f"AGF {junction.name}")


def converged(
    junction: Junction,
    k_mesh: tuple[int, int] | None = None,
    tolerance: float = 2e-3,
    temperature: ArrayLike = 300.0,
    symmetry: ArrayLike | None = None,
    run: Runner | None = None,
) -> Converged:
    """Refine octave by octave until the emitted conductance has the relative error `tolerance`; as in `agf`."""
    wanted = temperatures(temperature)
    if not 0 < tolerance < 1:
        raise InputError(f"tolerance = {tolerance:g}: expected a relative error between 0 and 1")
    what = prepared(junction)
    fixed = None if k_mesh is None else counts(k_mesh)
    sampler = Sampler(what, group(what, symmetry), fixed, run or Runner(), junction_arrays(junction))
    parts = ranges(junction, float(wanted.min()), float(wanted.max()), whole=k_mesh is not None)
    level = [0] * len(parts)
    bands = [sampler(part, 0) for part in parts]
    change = np.array([band.conducted(wanted) for band in bands])
    used = sum(band.points for band in bands)
    while True:
        carried = np.array([band.conducted(wanted) for band in bands])
        error = change if fixed else np.maximum(change, doubt(junction, parts, bands, wanted, len(sampler.symmetry)))
        share = error / np.maximum(carried.sum(axis=0), 1e-300)
        reached = share.sum(axis=0)
        if (reached <= tolerance).all():
            return Converged(collected(bands, junction), wanted, reached, used)
        worst = int(np.argmax(share.max(axis=1) / np.maximum([band.points for band in bands], 1)))
        if level[worst] + 1 == len(LADDER):
            raise ConvergenceError(
                f"conductance of {junction.name} known to {reached.max():.2g} after {used} points (wanted "
                f"{tolerance:g}): allow a larger error, or give the wave vectors by k_mesh",
                collected(bands, junction),
            )
        level[worst] += 1
        bands[worst] = sampler(parts[worst], level[worst])
        used += bands[worst].points
        moved = np.abs(bands[worst].conducted(wanted) - carried[worst])
        change[worst] = np.maximum(moved, change[worst] / DECAY)


def doubt(
    junction: Junction, parts: Sequence[Range], bands: Sequence[Band], temperature: Array, symmetry: int
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
    unseen[1:] = carried[:-1] * np.maximum(BELOW, law[1:] / law[:-1])
    unseen[:-1] = np.maximum(unseen[:-1], carried[1:] / law[1:] * law[:-1])
    known = carried * SPACING / np.maximum(spread, 1) ** (2 / directions)
    return np.where(spread <= FEW * symmetry, np.maximum(carried, unseen), known)


def counts(k_mesh: tuple[int, int]) -> tuple[int, int]:
    """Check the numbers of points that a user gives."""
    given = tuple(int(n) for n in k_mesh)
    if len(given) != 2 or min(given) < 1:
        raise InputError(f"k_mesh = {k_mesh!r}: expected two numbers of points, at least 1 each")
    return given[0], given[1]


def group(what: Prepared, symmetry: ArrayLike | None) -> Integers:
    """Operations found, or those that the user vouches for."""
    return operations(what) if symmetry is None else checked(symmetry, what.junction.periods)
