r"""Structures at rest: the cell of a crystal, free or held in the plane, and the atoms between two crystals.

Both are minima of the energy, found by L-BFGS (D. C. Liu and J. Nocedal, Math. Program. 45, 503 (1989),
doi:10.1007/BF01589116) in Å and eV, where the numbers are of order 1.  The optimisers of ASE do the same for atoms
alone; here the lattice vectors, and the crystal on the right of a junction as one rigid body, move with them.

A potential in single precision knows energies to some 1e-4 eV, so that no line search along them comes to its end.
Where forces change as all atoms move together, the search follows the forces alone, down to what they resolve.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array, BoolArray
from kapitza.errors import ConvergenceError, InputError
from kapitza.matter.potentials.force_field import FORCE_UNIT, ForceField
from kapitza.matter.structure import Structure
from kapitza.run.store import UnitResult, compute_once
from kapitza.units import angstrom, eV

_REST_VERSION = "rest-1"
_FORCE_LIMIT = 1e-5 * FORCE_UNIT  # N: forces left on relaxed atoms
_CELL_LIMIT = 1e-7 * FORCE_UNIT  # N: forces left on a crystal, whose symmetry they break
_MAX_MINIMISER_STEPS = 4000
# coordinates up to which a minimum is polished by Newton's method, beyond the rounding of the energy
_NEWTON_COORDINATES = 60
_GRADIENT_STEP = 1e-3  # Å: differences of the gradient for that
_DOUBLE_PRECISION = 1e-8 * FORCE_UNIT  # N: changes of forces by a common translation that double precision explains
_RESOLUTIONS_LEFT = 3.0  # times the change of the gradient by a common translation: what may be left of it
_TRIAL_SHIFTS = (0.37 * angstrom, 0.71 * angstrom)  # m: of all atoms along (1, 1, 1)
_RATTLE, _RATTLE_SEED = 0.01, 7  # Å: of all coordinates, before the rounding of the gradient is measured
_MAX_FORCE_STEPS = 1000
_PATIENCE = 80  # steps without the gradient becoming smaller, after which the search ends
_FIRST_STEP = 0.01  # Å: before anything is known of the stiffness
_LONGEST_STEP = 0.1  # Å: change of any coordinate in a step
_STEPS_REMEMBERED = 60
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

    def energy(x: Array, shift: float = 0.0) -> tuple[float, Array]:
        try:
            now = unpack(x)
        except InputError as err:
            raise ConvergenceError(
                f"{what}: relaxation brings atoms onto each other: the potential is not for this crystal, or lacks the "
                "repulsion at short distance that belongs to it"
            ) from err
        state = force_field.state(evolve(now, positions=now.positions + shift), stress=True)
        assert state.stress is not None  # noqa: S101
        lattice = now.lattice / angstrom
        stress = state.stress / (eV / angstrom**3)
        slope = now.volume / angstrom**3 * np.linalg.inv(lattice).T @ stress
        on_points = -(state.forces / FORCE_UNIT) @ lattice.T @ inverse.T
        return state.energy / eV, np.concatenate([slope[moving].ravel(), on_points[1:].ravel()])

    x0 = np.concatenate([lattice0[moving].ravel(), np.zeros(3 * (n - 1))])
    what = f"{start.name} ({force_field.name})"
    if _is_rounded(force_field, start):
        found = unpack(_follow_forces(energy, x0, force / FORCE_UNIT, what))
    else:
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
    mobile: BoolArray,
    right: BoolArray,
    *,
    force: float = _FORCE_LIMIT,
    closed: bool = False,
) -> Structure:
    r"""Relax the `mobile` atoms (n,) between two crystals, and the right one as a rigid body (`right`, (n,)).

    The energy depends on the place of that body exactly as if it were half-infinite, as long as it is thicker than the
    forces reach: what acts within it and on its far end does not change.

    `closed`: the crystals follow one another periodically along the third lattice vector, which moves with the body. So
    their distance changes at the interface between them, and at the one on the far side of both, which is only there to
    do without a surface, it does not.  A move d of the body costs
    $[VA^{-T}\sigma]_3\cdot d + \sum_if_{i3}F_i\cdot d - \sum_{i\in\text{body}}F_i\cdot d$, with the fractional
    coordinates $f_{i3}$, since the first term is that of atoms that move with the lattice.
    """
    if bool((mobile & right).any()):
        raise InputError(
            f"{int((mobile & right).sum())} atoms are to move both on their own and with the right crystal"
        )
    origin = start.positions / angstrom

    def unpack(x: Array) -> Structure:
        places, lattice = origin.copy(), start.lattice.copy()
        places[mobile] += x[3:].reshape(-1, 3)
        places[right] += x[:3]
        lattice[2] += closed * x[:3] * angstrom
        return evolve(start, positions=places * angstrom, lattice=lattice)

    def energy(x: Array, shift: float = 0.0) -> tuple[float, Array]:
        now = unpack(x)
        state = force_field.state(evolve(now, positions=now.positions + shift), periodic=closed, stress=closed)
        forces = state.forces / FORCE_UNIT
        on_body = -forces[right].sum(axis=0)
        if state.stress is not None:
            inverse = np.linalg.inv(now.lattice / angstrom)
            with_lattice = now.volume / angstrom**3 * (inverse.T @ (state.stress / (eV / angstrom**3)))[2]
            on_body = on_body + with_lattice + now.positions / angstrom @ inverse[:, 2] @ forces
        return state.energy / eV, np.concatenate([on_body, -forces[mobile].ravel()])

    x0 = np.zeros(3 + 3 * int(mobile.sum()))
    search = _follow_forces if _is_rounded(force_field, start, periodic=closed) else _minimise_energy
    return unpack(search(energy, x0, force / FORCE_UNIT, start.name))


def relax_once(
    start: Structure,
    force_field: ForceField,
    relax: Callable[[Structure, ForceField], Structure],
    choices: Mapping[str, str | BoolArray],
) -> Structure:
    """Return a structure that was brought to rest by `relax`, from the cache of this user where it is there; `choices`
    are what it depends on beside the structure and the forces.
    """

    def kernel() -> UnitResult:
        rest = relax(start, force_field)
        return {"lattice": rest.lattice, "positions": rest.positions}

    if force_field.identity is None:
        return relax(start, force_field)
    inputs: dict[str, Any] = {
        "calculator": force_field.identity, "symbols": start.symbols, "lattice": start.lattice,
        "positions": start.positions, **choices,
    }  # fmt: skip
    found = compute_once(kernel, inputs, version=_REST_VERSION)
    lattice = np.asarray(found["lattice"], dtype=float)
    axes = start.axes
    if axes is not None and choices.get("free") == "all":
        axes = axes @ np.linalg.inv(start.lattice) @ lattice
    return evolve(start, lattice=lattice, positions=np.asarray(found["positions"], dtype=float), axes=axes)


def _is_rounded(force_field: ForceField, start: Structure, *, periodic: bool = True) -> bool:
    """Whether forces are rounded to less than double precision, so that energies lead no search to its end."""
    return not force_field.analytic and force_field.resolution(start, periodic=periodic) > _DOUBLE_PRECISION


def _follow_forces(energy: Callable[..., tuple[float, Array]], start: Array, limit: float, what: str) -> Array:
    """Return where the gradient (eV Å⁻¹) of an energy is below `limit`, or below what it resolves, by L-BFGS without a
    line search; the gradient is that of all atoms moved by the second argument of `energy`, m, too.
    """
    # largest change of the gradient as all atoms move together; a little off the start, since distances between the
    # sites of a crystal are rounded in the same way wherever they are
    off = start + np.random.default_rng(_RATTLE_SEED).uniform(-_RATTLE, _RATTLE, start.size)
    unmoved = energy(off)[1]
    resolved = max(float(np.abs(energy(off, shift)[1] - unmoved).max()) for shift in _TRIAL_SHIFTS)
    x, slope = start, energy(start)[1]
    goal = max(limit, _RESOLUTIONS_LEFT * resolved)
    best, least, idle = x, float(np.abs(slope).max(initial=0.0)), 0
    steps: deque[tuple[Array, Array]] = deque(maxlen=_STEPS_REMEMBERED)
    for _ in range(_MAX_FORCE_STEPS):
        if least <= goal or idle > _PATIENCE:
            break
        move = -_inverse_curvature(steps, slope)
        move *= min(1.0, _LONGEST_STEP / np.abs(move).max())
        after = energy(x + move)[1]
        change = after - slope
        if move @ change > 0 and np.abs(change).max() > _RESOLUTIONS_LEFT * resolved:  # else noise, or a saddle
            steps.append((move, change))
        x, slope = x + move, after
        left = float(np.abs(slope).max())
        idle = 0 if left < 0.9 * least else idle + 1
        if left < least:
            best, least = x, left
    if not least <= 10 * goal:
        raise ConvergenceError(
            f"{what}: forces of {least:.2g} eV/Å are left after relaxation, wanted {goal:.0e} (the potential resolves "
            f"{resolved:.0e}); start nearer to rest, or take more layers",
            last=best,
        )
    return best


def _inverse_curvature(steps: Sequence[tuple[Array, Array]], slope: Array) -> Array:
    """Product of the inverse Hessian, known from steps and the changes of the gradient over them, with a gradient."""
    result = slope.copy()
    shares: list[float] = []
    for move, change in reversed(steps):
        shares.append(float(move @ result / (move @ change)))
        result = result - shares[-1] * change
    if steps:
        result = result * float(steps[-1][0] @ steps[-1][1]) / float(steps[-1][1] @ steps[-1][1])
    else:
        result = result * _FIRST_STEP / np.abs(slope).max()
    for (move, change), share in zip(steps, reversed(shares), strict=True):
        result = result + (share - float(change @ result / (move @ change))) * move
    return result


def _minimise_energy(energy: Callable[..., tuple[float, Array]], start: Array, limit: float, what: str) -> Array:
    """Return the minimum of an energy (eV) given with its gradient (eV Å⁻¹), forces below `limit`; where energies that
    jump, as those of tables that do not end at zero, stop the search, it goes on by the forces alone.
    """
    from scipy.optimize import minimize

    steps = {"maxiter": _MAX_MINIMISER_STEPS, "maxfun": 2 * _MAX_MINIMISER_STEPS, "maxcor": 30, "maxls": 50}
    options = {"gtol": limit, "ftol": 1e-16, **steps}
    x = np.asarray(minimize(energy, start, jac=True, method="L-BFGS-B", options=options).x, dtype=float)
    left = float(np.abs(energy(x)[1]).max(initial=0.0))
    return x if left <= 10 * limit else _follow_forces(energy, x, limit, what)


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
