"""Compiled time steps: thermostats, half a kick, drift, forces, half a kick.

Importing this module needs numba.

Velocity Verlet conserves a shadow of the energy, to which heat given at frequency ω counts 1 + (ω Δt)²/6 times.  The
thermostats act between its steps and count the energy itself: between sides of other frequencies the energy thus drifts
by (ω_A² - ω_B²) Δt²/6 of the heat moved, 1e-3 in a usual run; eHEX corrects for it.  G. Bussi and M. Parrinello, Phys.
Rev. E 75, 056707 (2007), doi:10.1103/PhysRevE.75.056707.  A harmonic solid keeps exactly the kinetic temperature of its
Langevin thermostat.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from kapitza.simulate.md.kernels import embedded_atom, harmonic, lennard_jones, stillinger_weber, tersoff
from kapitza.simulate.md.kernels.cell_lists import place_ghosts
from kapitza.simulate.md.kernels.compiler import compile_inner, compile_kernel, inner_copy
from kapitza.simulate.md.kernels.state import KernelFunctions, ListedAtoms, MovingAtoms, StepClock, ThermostatState
from kapitza.simulate.md.kernels.thermostats import (
    EXCHANGE_THERMOSTAT,
    LANGEVIN_THERMOSTAT,
    SWAP_THERMOSTAT,
    exchange_step,
    langevin_step,
    swap_step,
)

_place_ghosts = inner_copy(place_ghosts)
_lennard_jones_forces = inner_copy(lennard_jones.lennard_jones_forces)
_stillinger_weber_forces = inner_copy(stillinger_weber.stillinger_weber_forces)
_tersoff_forces = inner_copy(tersoff.tersoff_forces)
_embedded_atom_forces = inner_copy(embedded_atom.embedded_atom_forces)
_harmonic_forces = inner_copy(harmonic.harmonic_forces)


@compile_inner
def _apply_thermostats(step: int, dt: float, atoms: MovingAtoms, thermostats: ThermostatState) -> None:
    """Let the thermostats act, and add what they give to their heat."""
    v, mass, heat = atoms.velocities, atoms.masses, thermostats.heat
    keep, hot_energy, cold_energy, power = thermostats.numbers
    if thermostats.kind == LANGEVIN_THERMOSTAT:
        heat[0] += langevin_step(v, mass, thermostats.hot, keep, hot_energy, thermostats.random)
        heat[1] += langevin_step(v, mass, thermostats.cold, keep, cold_energy, thermostats.random)
    elif thermostats.kind == EXCHANGE_THERMOSTAT:
        heat[0] += exchange_step(atoms.positions, v, atoms.forces, mass, thermostats.hot, power, dt)
        heat[1] += exchange_step(atoms.positions, v, atoms.forces, mass, thermostats.cold, -power, dt)
    elif thermostats.kind == SWAP_THERMOSTAT and (step + 1) % thermostats.period == 0:
        given = swap_step(v, mass, thermostats.hot, thermostats.cold)
        heat[0] += given
        heat[1] -= given  # an elastic collision: the two add to zero


@compile_inner
def _drift_step(dt: float, atoms: MovingAtoms, around: ListedAtoms) -> bool:
    """Half a kick and the drift; whether the list of neighbours still holds."""
    r, v, inverse, f = atoms.positions, atoms.velocities, atoms.inverse_masses, atoms.forces
    largest, limit = 0.0, around.limit
    for i in range(len(r)):
        kick, far = 0.5 * dt * inverse[i], 0.0
        for c in range(3):
            v[i, c] += kick * f[i, c]
            r[i, c] += dt * v[i, c]
            moved = r[i, c] - around.reference[i, c]
            far += moved * moved
        if not far <= largest:
            largest = far
            if not far <= limit:  # NaN, too
                limit = -1.0
    _place_ghosts(r, around.owner, around.shift, around.positions)
    f[:] = 0.0
    return limit >= 0.0


@compile_inner
def _kick_step(dt: float, atoms: MovingAtoms, around: ListedAtoms) -> None:
    """Give the forces on ghosts to their owners, and the second half of the kick."""
    v, inverse, f, owner = atoms.velocities, atoms.inverse_masses, atoms.forces, around.owner
    n = len(v)
    for g in range(n, len(owner)):
        for c in range(3):
            f[owner[g], c] += f[g, c]
    for i in range(n):
        for c in range(3):
            v[i, c] += 0.5 * dt * inverse[i] * f[i, c]  # inverse mass 0 holds an atom at rest


@compile_inner
def _start_step(
    done: int, clock: StepClock, atoms: MovingAtoms, around: ListedAtoms, thermostats: ThermostatState
) -> bool:
    """Do a step up to its forces; whether the list of neighbours holds for these."""
    if clock.drifted and done == 0:  # thermostats and drift preceded the renewal of the list
        return True
    _apply_thermostats(clock.step + done, clock.timestep, atoms, thermostats)  # between steps r and v are of one time
    return _drift_step(clock.timestep, atoms, around)


@compile_inner
def _choose_close_pairs(atoms: MovingAtoms, around: ListedAtoms) -> None:
    """Choose the pairs of the list that can come below the cutoff soon, where those chosen before no longer hold.

    The list itself, which is dear, has a wide skin and lasts long.  Chosen pairs keep its order, and all that are
    below the cutoff are among them: forces are the same to the last bit.
    """
    r, x, start, near, close = atoms.positions, around.positions, around.start, around.near, around.close
    holds = True
    for i in range(len(r)):
        dx, dy = r[i, 0] - close.reference[i, 0], r[i, 1] - close.reference[i, 1]
        dz = r[i, 2] - close.reference[i, 2]
        holds &= dx * dx + dy * dy + dz * dz <= close.limit  # no NaN
    if holds:
        return
    m = np.uint64(0)
    for i in range(len(r)):
        for c in range(3):
            close.reference[i, c] = r[i, c]
        for k in range(np.uint64(start[i]), np.uint64(start[i + 1])):
            j = np.uint64(np.uint32(near[k]))
            dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
            close.near[m] = near[k]
            m += np.uint64(dx * dx + dy * dy + dz * dz < close.reach)  # one that is too far is overwritten by the next
        close.start[i + 1] = m


def _compile_loop(form: str) -> Callable[..., int]:
    """Compile the loop over steps for one form of potential.

    The form is a constant of the loop, and numba compiles the branch of that form only.  A loop that gets its force
    kernel from outside would be compiled again in each process: numba keeps no machine code of such a function on disk.
    """

    def advance(
        clock: StepClock, atoms: MovingAtoms, around: ListedAtoms, parameters: Any, thermostats: ThermostatState
    ) -> int:
        """Do some steps, up to the end or until the neighbours must be listed anew; return how many are done."""
        x, species, start, near, close = around.positions, around.species, around.start, around.near, around.close
        for done in range(clock.steps):
            if not _start_step(done, clock, atoms, around, thermostats):
                return done
            if form == "lennard-jones":
                _choose_close_pairs(atoms, around)
                energy = _lennard_jones_forces(x, species, close.start, close.near, parameters, atoms.forces)
            elif form == "embedded-atom":
                _choose_close_pairs(atoms, around)
                energy = _embedded_atom_forces(x, species, close.start, close.near, parameters, atoms.forces)
            elif form == "stillinger-weber":
                energy = _stillinger_weber_forces(x, species, start, near, parameters, atoms.forces)
            elif form == "tersoff":
                energy = _tersoff_forces(x, species, start, near, parameters, atoms.forces)
            else:
                energy = _harmonic_forces(x, species, start, near, parameters, atoms.forces)
            atoms.energy[0] = energy
            _kick_step(clock.timestep, atoms, around)
        return clock.steps

    # numba names the file of the machine code after the function
    advance.__qualname__ = f"advance_{form.replace('-', '_')}"
    return compile_kernel(advance)


KERNELS = {
    "lennard-jones": KernelFunctions(lennard_jones.lennard_jones_forces, lennard_jones.lennard_jones_partial),
    "stillinger-weber": KernelFunctions(
        stillinger_weber.stillinger_weber_forces, stillinger_weber.stillinger_weber_partial
    ),
    "tersoff": KernelFunctions(tersoff.tersoff_forces, tersoff.tersoff_partial),
    "embedded-atom": KernelFunctions(embedded_atom.embedded_atom_forces, embedded_atom.embedded_atom_partial),
    "harmonic": KernelFunctions(harmonic.harmonic_forces, harmonic.harmonic_partial),
}
ADVANCE_BY_FORM = {form: _compile_loop(form) for form in KERNELS}
