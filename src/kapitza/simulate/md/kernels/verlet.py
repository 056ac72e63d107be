"""Compiled time steps: baths, half a kick, drift, forces, half a kick.  Importing this module needs numba.

Velocity Verlet conserves a shadow of the energy, to which heat given at frequency ω counts 1 + (ω Δt)²/6 times.  The
baths act between its steps and count the energy itself: between sides of other frequencies the energy thus drifts by
(ω_A² - ω_B²) Δt²/6 of the heat moved, 1e-3 in a usual run; eHEX corrects for it.  G. Bussi and M. Parrinello, Phys.
Rev. E 75, 056707 (2007), doi:10.1103/PhysRevE.75.056707.  A harmonic solid keeps exactly the kinetic temperature of its
Langevin bath.
"""

from typing import Any

from kapitza.core.arrays import Array, Int32Array, IntArray
from kapitza.simulate.md.kernels import harmonic, lennard_jones, stillinger_weber, tersoff
from kapitza.simulate.md.kernels.cell_lists import place_ghosts
from kapitza.simulate.md.kernels.compiler import compile_kernel
from kapitza.simulate.md.kernels.thermostats import (
    EXCHANGE_THERMOSTAT,
    LANGEVIN_THERMOSTAT,
    SWAP_THERMOSTAT,
    RandomState,
    exchange_step,
    langevin_step,
    swap_step,
)

_AtomArrays = tuple[Array, Array, Array, Array]  # positions, velocities, masses, inverse masses (0 of what is held)
_ListArrays = tuple[Int32Array, Array, Array, Int32Array, IntArray, Int32Array, Array, float]
_ThermostatArguments = tuple[int, IntArray, IntArray, Array, int]  # kind, hot and cold atoms, keep kT kT power, period


@compile_kernel
def _apply_thermostats(
    step: int, dt: float, atoms: _AtomArrays, f: Array, bath: _ThermostatArguments, heat: Array, random: RandomState
) -> None:
    """Let the baths act, and add what they give to `heat`."""
    r, v, mass, _ = atoms
    kind, hot, cold, numbers, period = bath
    if kind == LANGEVIN_THERMOSTAT:
        heat[0] += langevin_step(v, mass, hot, numbers[0], numbers[1], random)
        heat[1] += langevin_step(v, mass, cold, numbers[0], numbers[2], random)
    elif kind == EXCHANGE_THERMOSTAT:
        heat[0] += exchange_step(r, v, f, mass, hot, numbers[3], dt)
        heat[1] += exchange_step(r, v, f, mass, cold, -numbers[3], dt)
    elif kind == SWAP_THERMOSTAT and (step + 1) % period == 0:
        given = swap_step(v, mass, hot, cold)
        heat[0] += given
        heat[1] -= given


@compile_kernel
def _drift_step(dt: float, atoms: _AtomArrays, around: _ListArrays, f: Array) -> bool:
    """Half a kick and the drift; whether the list of neighbours still holds."""
    r, v, _, inverse = atoms
    owner, shift, x, _, _, _, reference, limit = around
    largest = 0.0
    for i in range(len(r)):
        kick, far = 0.5 * dt * inverse[i], 0.0
        for c in range(3):
            v[i, c] += kick * f[i, c]
            r[i, c] += dt * v[i, c]
            moved = r[i, c] - reference[i, c]
            far += moved * moved
        if not far <= largest:
            largest = far
            if not far <= limit:  # NaN, too
                limit = -1.0
    place_ghosts(r, owner, shift, x)
    f[:] = 0.0
    return limit >= 0.0


@compile_kernel
def _kick_step(dt: float, atoms: _AtomArrays, around: _ListArrays, f: Array) -> None:
    """Give the forces on ghosts to their owners, and the second half of the kick."""
    v, inverse, owner = atoms[1], atoms[3], around[0]
    n = len(v)
    for g in range(n, len(owner)):
        for c in range(3):
            f[owner[g], c] += f[g, c]
    for i in range(n):
        for c in range(3):
            v[i, c] += 0.5 * dt * inverse[i] * f[i, c]


@compile_kernel
def advance_lennard_jones(
    steps: int, step: int, dt: float, late: bool, atoms: _AtomArrays, around: _ListArrays, f: Array,
    parameters: Any, bath: _ThermostatArguments, heat: Array, random: RandomState, energy: Array,
) -> int:  # fmt: skip
    """Do some steps, up to the end or until the neighbours must be listed anew; return how many are done.

    Parameters
    ----------
    steps : to be done
    step : done before, of the whole run
    dt : s
    late : whether the first of them has drifted already, and only the list was to be made anew
    atoms : positions, velocities (n, 3), masses, inverse masses (n,)
    around : owners (N,), displacements and positions (N, 3), species (N,), starts and neighbours, positions for which
        the list was made (n, 3), square of the distance that an atom may have moved since, m²
    f : (N, 3) forces, N; the first n rows hold those of the present positions
    parameters : of the field
    bath : kind; hot and cold atoms; numbers: e^(-dt/τ), k_B T of both, J, power, W; period of swaps
    heat, random : changed
    energy : (1,) potential energy, J, changed
    """
    for done in range(steps):
        if not (late and done == 0):
            _apply_thermostats(step + done, dt, atoms, f, bath, heat, random)
            if not _drift_step(dt, atoms, around, f):
                return done
        energy[0] = lennard_jones.lennard_jones_forces(around[2], around[3], around[4], around[5], parameters, f)
        _kick_step(dt, atoms, around, f)
    return steps


@compile_kernel
def advance_stillinger_weber(
    steps: int, step: int, dt: float, late: bool, atoms: _AtomArrays, around: _ListArrays, f: Array,
    parameters: Any, bath: _ThermostatArguments, heat: Array, random: RandomState, energy: Array,
) -> int:  # fmt: skip
    """Do the same as `advance_lennard_jones`: a compiled function that was handed over could not be kept on disk."""
    for done in range(steps):
        if not (late and done == 0):
            _apply_thermostats(step + done, dt, atoms, f, bath, heat, random)
            if not _drift_step(dt, atoms, around, f):
                return done
        energy[0] = stillinger_weber.stillinger_weber_forces(around[2], around[3], around[4], around[5], parameters, f)
        _kick_step(dt, atoms, around, f)
    return steps


@compile_kernel
def advance_tersoff(
    steps: int, step: int, dt: float, late: bool, atoms: _AtomArrays, around: _ListArrays, f: Array,
    parameters: Any, bath: _ThermostatArguments, heat: Array, random: RandomState, energy: Array,
) -> int:  # fmt: skip
    """Do the same as `advance_lennard_jones`: a compiled function that was handed over could not be kept on disk."""
    for done in range(steps):
        if not (late and done == 0):
            _apply_thermostats(step + done, dt, atoms, f, bath, heat, random)
            if not _drift_step(dt, atoms, around, f):
                return done
        energy[0] = tersoff.tersoff_forces(around[2], around[3], around[4], around[5], parameters, f)
        _kick_step(dt, atoms, around, f)
    return steps


@compile_kernel
def advance_harmonic(
    steps: int, step: int, dt: float, late: bool, atoms: _AtomArrays, around: _ListArrays, f: Array,
    parameters: Any, bath: _ThermostatArguments, heat: Array, random: RandomState, energy: Array,
) -> int:  # fmt: skip
    """Do the same as `advance_lennard_jones`: a compiled function that was handed over could not be kept on disk."""
    for done in range(steps):
        if not (late and done == 0):
            _apply_thermostats(step + done, dt, atoms, f, bath, heat, random)
            if not _drift_step(dt, atoms, around, f):
                return done
        energy[0] = harmonic.harmonic_forces(around[2], around[3], around[4], around[5], parameters, f)
        _kick_step(dt, atoms, around, f)
    return steps
