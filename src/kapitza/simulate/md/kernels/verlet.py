"""Compiled time steps: thermostats, half a kick, drift, forces, half a kick.  Importing this module needs numba.

Velocity Verlet conserves a shadow of the energy, to which heat given at frequency ω counts 1 + (ω Δt)²/6 times.  The
thermostats act between its steps and count the energy itself: between sides of other frequencies the energy thus drifts
by (ω_A² - ω_B²) Δt²/6 of the heat moved, 1e-3 in a usual run; eHEX corrects for it.  G. Bussi and M. Parrinello, Phys.
Rev. E 75, 056707 (2007), doi:10.1103/PhysRevE.75.056707.  A harmonic solid keeps exactly the kinetic temperature of its
Langevin thermostat.

The random numbers are those of xoshiro256+, D. Blackman and S. Vigna, ACM Trans. Math. Softw. 47, 36 (2021),
doi:10.1145/3460772, made normal by the method of Box and Muller.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.simulate.md.kernels import embedded_atom, harmonic, lennard_jones, stillinger_weber, tersoff
from kapitza.simulate.md.kernels.cell_lists import place_ghosts
from kapitza.simulate.md.kernels.compiler import compile_inner, compile_kernel, inner_copy
from kapitza.simulate.md.kernels.state import KernelFunctions, ListedAtoms, MovingAtoms, StepClock, ThermostatState

RandomState = NDArray[np.uint64]

_NO_THERMOSTAT, LANGEVIN_THERMOSTAT, EXCHANGE_THERMOSTAT, SWAP_THERMOSTAT = range(4)
_RANDOM_UNIT = 2.0**-53
_TOP_BITS, _ROTATED_BITS, _SHIFTED_BITS, _REMAINING_BITS = (np.uint64(k) for k in (11, 45, 17, 64 - 45))


@compile_inner
def _uniform_random(random: RandomState) -> float:
    """Next random number, above 0 and not above 1."""
    result = random[0] + random[3]
    shifted = random[1] << _SHIFTED_BITS
    random[2] ^= random[0]
    random[3] ^= random[1]
    random[1] ^= random[2]
    random[0] ^= random[3]
    random[2] ^= shifted
    random[3] = (random[3] << _ROTATED_BITS) | (random[3] >> _REMAINING_BITS)
    return ((result >> _TOP_BITS) + 1) * _RANDOM_UNIT  # low bits are the weakest; + 1, as the logarithm is taken


@compile_inner
def langevin_step(v: Array, mass: Array, atoms: IntArray, keep: float, heat: float, random: RandomState) -> float:
    r"""Exact step of $dv = -v\,dt/τ + \sqrt{2 k_BT/(mτ)}\,dW$; keep = $e^{-Δt/τ}$, heat = $k_BT$; energy given, J."""
    given, width, even = 0.0, np.sqrt((1 - keep * keep) * heat), 3 * atoms.size
    for p in range(0, even, 2):  # Box and Muller give normal numbers in pairs
        radius, angle = np.sqrt(-2 * np.log(_uniform_random(random))), 2 * np.pi * _uniform_random(random)
        for q in range(p, min(p + 2, even)):
            i, c = atoms[q // 3], q % 3
            normal = radius * (np.cos(angle) if q == p else np.sin(angle))
            old = v[i, c]
            v[i, c] = keep * old + width / np.sqrt(mass[i]) * normal
            given += 0.5 * mass[i] * (v[i, c] - old) * (v[i, c] + old)  # v² - v₀² factorized: no cancellation
    return given


@compile_inner
def exchange_step(r: Array, v: Array, f: Array, mass: Array, atoms: IntArray, power: float, dt: float) -> float:
    """Give a thermostat power times dt by scaling its velocities about their mean; returns the energy, J, or NaN.

    Positions r are corrected in the third order of dt, which keeps the total energy from drifting: eq. (20) of P.
    Wirnsberger, D. Frenkel and C. Dellago, J. Chem. Phys. 143, 124104 (2015), doi:10.1063/1.4931597.
    """
    total, moments = 0.0, np.empty((2, 3))
    mean, push = moments[0], moments[1]
    for c in range(3):
        mean[c] = push[c] = 0.0
    for i in atoms:
        total += mass[i]
        for c in range(3):
            mean[c] += mass[i] * v[i, c]
            push[c] += f[i, c]
    kinetic = work = 0.0
    for i in atoms:
        for c in range(3):
            own = v[i, c] - mean[c] / total  # scaled about the mean: momentum is conserved
            kinetic += 0.5 * mass[i] * own * own
            work += f[i, c] * own
    scale = 1 + power * dt / kinetic
    if not scale > 0:  # the thermostat holds less kinetic energy than is to be removed
        return np.nan
    scale, rate, cube = np.sqrt(scale), power / kinetic, dt * dt * dt
    for i in atoms:
        for c in range(3):
            own = v[i, c] - mean[c] / total
            shift = 0.5 * rate * own / kinetic * (power / 48 + work / 6)
            shift -= rate / 12 * (f[i, c] / mass[i] - push[c] / total)
            r[i, c] -= cube * shift
            v[i, c] += (scale - 1) * own
    return power * dt


@compile_inner
def _extreme_atom(v: Array, mass: Array, atoms: IntArray, sign: float) -> int:
    """Atom of a thermostat with the largest (sign 1) or smallest (-1) kinetic energy."""
    best, found = -np.inf, -1
    for i in atoms:
        energy = sign * mass[i] * (v[i, 0] ** 2 + v[i, 1] ** 2 + v[i, 2] ** 2)
        if energy > best:
            best, found = energy, i
    return found


@compile_inner
def swap_step(v: Array, mass: Array, hot: IntArray, cold: IntArray) -> float:
    """Let the slowest hot and the fastest cold thermostatted atom collide; energy given to the hot one, J; nothing is
    done where heat would flow to the cold thermostat.  The relative velocity is turned round in the frame of their
    centre of mass, which keeps energy and momentum of unequal masses: C. Nieto-Draghi and J. B. Avalos, Mol. Phys. 101,
    2303 (2003).
    """
    i, j = _extreme_atom(v, mass, hot, -1.0), _extreme_atom(v, mass, cold, 1.0)
    given = 0.0
    both = mass[i] + mass[j]
    for c in range(3):
        mean = (mass[i] * v[i, c] + mass[j] * v[j, c]) / both
        given += 2 * mass[i] * mean * (mean - v[i, c])  # m/2 of (2V - v)² - v²
    if not given > 0:
        return 0.0
    for c in range(3):
        mean = (mass[i] * v[i, c] + mass[j] * v[j, c]) / both
        v[i, c], v[j, c] = 2 * mean - v[i, c], 2 * mean - v[j, c]
    return given


_place_ghosts = inner_copy(place_ghosts)
_lennard_jones_forces = inner_copy(lennard_jones.lennard_jones_forces)
_stillinger_weber_forces = inner_copy(stillinger_weber.stillinger_weber_forces)
_tersoff_forces = inner_copy(tersoff.tersoff_forces)
_embedded_atom_forces = inner_copy(embedded_atom.embedded_atom_forces)
_harmonic_forces = inner_copy(harmonic.harmonic_forces)


@compile_inner
def _apply_thermostats(step: int, dt: float, atoms: MovingAtoms, thermostats: ThermostatState) -> None:
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
    """Choose the pairs of the list that can come below the cutoff soon, where those chosen before no longer hold; they
    keep the order of the list, which is dear and lasts long, so that forces are the same to the last bit.
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
    """Compile the loop over steps for one form of potential, a constant of which numba compiles the branch only: a loop
    that gets its force kernel from outside would be compiled again in each process, as numba keeps none of its machine
    code.
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
