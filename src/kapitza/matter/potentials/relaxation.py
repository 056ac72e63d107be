r"""Structures at rest: the cell of a crystal, free or held in the plane, and the atoms between two crystals.

Both are minima of the energy, found by L-BFGS (D. C. Liu and J. Nocedal, Math. Program. 45, 503 (1989),
doi:10.1007/BF01589116) in Å and eV, where the numbers are of order 1.  The optimisers of ASE do the same for atoms
alone; here the lattice vectors, and the crystal on the right of a junction as one rigid body, move with them.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import ConvergenceError, InputError
from kapitza.matter.potentials.force_field import FORCE_UNIT, ForceField
from kapitza.matter.structure import Structure
from kapitza.units import angstrom, eV

_FORCE_LIMIT = 1e-5 * FORCE_UNIT  # N: forces left on relaxed atoms
_CELL_LIMIT = 1e-7 * FORCE_UNIT  # N: forces left on a crystal, whose symmetry they break
_MAX_MINIMISER_STEPS = 4000
# coordinates up to which a minimum is polished by Newton's method, beyond the rounding of the energy
_NEWTON_COORDINATES = 60
_GRADIENT_STEP = 1e-3  # Å: differences of the gradient for that
_MAX_RELAXATION_STRAIN = 0.25  # principal strain on relaxation: more is another crystal


def relax_cell(
    start: Structure, force_field: ForceField, free: Literal["all", "normal"] = "all", *, force: float = _CELL_LIMIT
) -> Structure:
    r"""Relax the lattice and atoms of a crystal, or ("normal") its third lattice vector and atoms, strained coherently.

    With $x' = x(1 + \varepsilon)$ the gradient of the energy is $\partial E/\partial A = V A^{-T}\sigma$, A the lattice
    vectors in rows. `force` is what may be left on atoms and, likewise, on the lattice vectors, N.
    """
    n, moving = start.masses.size, slice(0, 3) if free == "all" else slice(2, 3)
    rows = 3 if free == "all" else 1
    lattice0 = start.lattice / angstrom
    inverse = np.linalg.inv(lattice0)
    points = start.positions / angstrom @ inverse

    def unpack(x: Array) -> Structure:
        lattice = lattice0.copy()
        lattice[moving] = x[: 3 * rows].reshape(rows, 3)
        inside = points + np.vstack([np.zeros((1, 3)), x[3 * rows :].reshape(n - 1, 3)]) @ inverse
        return evolve(start, lattice=lattice * angstrom, positions=inside @ lattice * angstrom)

    def energy(x: Array) -> tuple[float, Array]:
        now = unpack(x)
        state = force_field.state(now, stress=True)
        assert state.stress is not None  # noqa: S101
        lattice = now.lattice / angstrom
        stress = state.stress / (eV / angstrom**3)
        slope = now.volume / angstrom**3 * np.linalg.inv(lattice).T @ stress
        on_points = -(state.forces / FORCE_UNIT) @ lattice.T @ inverse.T
        return state.energy / eV, np.concatenate([slope[moving].ravel(), on_points[1:].ravel()])

    x0 = np.concatenate([lattice0[moving].ravel(), np.zeros(3 * (n - 1))])
    what = f"{start.name} ({force_field.name})"
    x = _minimise_energy(energy, x0, _FORCE_LIMIT / FORCE_UNIT, what)
    found = unpack(_newton_minimum(energy, x, force / FORCE_UNIT) if x.size <= _NEWTON_COORDINATES else x)
    change = float(np.abs(np.linalg.svd(np.linalg.inv(start.lattice) @ found.lattice)[1] - 1).max())
    if not change < _MAX_RELAXATION_STRAIN:
        raise ConvergenceError(
            f"{start.name}: the potential {force_field.name!r} changes the lattice by {100 * change:.0f} %; it does "
            "not hold this crystal together: take another potential",
            last=found,
        )
    if start.axes is None or free != "all":
        return found
    return evolve(found, axes=start.axes @ np.linalg.inv(start.lattice) @ found.lattice)


def relax_interface(
    start: Structure,
    force_field: ForceField,
    mobile: NDArray[np.bool_],
    right: NDArray[np.bool_],
    *,
    force: float = _FORCE_LIMIT,
) -> Structure:
    """Relax the `mobile` atoms (n,) between two crystals, the one on the `right` (n,) as a rigid body; others are held.

    The energy depends on the place of that body exactly as if it were half-infinite, as long as it is thicker than the
    forces reach: what acts within it and on its far end does not change.
    """
    if bool((mobile & right).any()):
        raise InputError(
            f"{int((mobile & right).sum())} atoms are to move both on their own and with the right crystal"
        )
    origin = start.positions / angstrom

    def unpack(x: Array) -> Structure:
        places = origin.copy()
        places[mobile] += x[3:].reshape(-1, 3)
        places[right] += x[:3]
        return evolve(start, positions=places * angstrom)

    def energy(x: Array) -> tuple[float, Array]:
        state = force_field.state(unpack(x), periodic=False)
        slope = -state.forces / FORCE_UNIT
        return state.energy / eV, np.concatenate([slope[right].sum(axis=0), slope[mobile].ravel()])

    return unpack(_minimise_energy(energy, np.zeros(3 + 3 * int(mobile.sum())), force / FORCE_UNIT, start.name))


def _minimise_energy(energy: Callable[[Array], tuple[float, Array]], start: Array, limit: float, what: str) -> Array:
    """Return the minimum of an energy (eV) given with its gradient (eV Å⁻¹), forces below `limit`."""
    from scipy.optimize import minimize

    result = minimize(
        energy,
        start,
        jac=True,
        method="L-BFGS-B",
        options={
            "gtol": limit,
            "ftol": 1e-16,
            "maxiter": _MAX_MINIMISER_STEPS,
            "maxfun": 2 * _MAX_MINIMISER_STEPS,
            "maxcor": 30,
            "maxls": 50,
        },
    )
    x = np.asarray(result.x, dtype=float)
    left = float(np.abs(energy(x)[1]).max(initial=0.0))
    if not left <= 10 * limit:
        raise ConvergenceError(
            f"{what}: forces of {left:.2g} eV/Å are left after {result.nit} steps of relaxation, wanted "
            f"{limit:.0e}; start nearer to rest, or take more layers",
            last=x,
        )
    return x


def _newton_minimum(energy: Callable[[Array], tuple[float, Array]], start: Array, limit: float) -> Array:
    """Return a minimum to the rounding of the forces, by Newton steps with a differentiated gradient."""
    x = start
    slope = energy(x)[1]
    for _ in range(5):
        if np.abs(slope).max() <= limit:
            break
        steps = _GRADIENT_STEP * np.eye(x.size)
        curvature = np.array([(energy(x + h)[1] - energy(x - h)[1]) / (2 * _GRADIENT_STEP) for h in steps])
        trial = x - np.linalg.pinv((curvature + curvature.T) / 2, rcond=1e-6, hermitian=True) @ slope
        after = energy(trial)[1]
        if not np.abs(after).max() < np.abs(slope).max():
            break
        x, slope = trial, after
    return x
