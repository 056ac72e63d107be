"""Compiled time steps: baths, half a kick, drift, forces, half a kick.  Importing this module needs numba.

Velocity Verlet conserves a shadow of the energy, to which heat given at frequency ω counts 1 + (ω Δt)²/6 times.  The
baths act between its steps and count the energy itself: between sides of other frequencies the energy thus drifts by
(ω_A² - ω_B²) Δt²/6 of the heat moved, 1e-3 in a usual run; eHEX corrects for it.  G. Bussi and M. Parrinello, Phys.
Rev. E 75, 056707 (2007), doi:10.1103/PhysRevE.75.056707.  A harmonic solid keeps exactly the kinetic temperature of its
Langevin bath.
"""

from typing import Any

from kapitza.core.arrays import Array
from kapitza.simulate.md import kernels_harmonic, kernels_lj, kernels_sw, kernels_tersoff
from kapitza.simulate.md.compiling import Indices, Starts, compiled
from kapitza.simulate.md.neighbours_kernel import extend
from kapitza.simulate.md.thermostats_kernel import EXCHANGE, LANGEVIN, SWAP, Numbers, Random, exchange, langevin, swap

Atoms = tuple[Array, Array, Array, Array]  # positions, velocities, masses, inverse masses (0 of what is held)
Around = tuple[Indices, Array, Array, Indices, Starts, Indices, Array, float]
Bath = tuple[int, Numbers, Numbers, Array, int]  # kind, hot and cold atoms, keep kT kT power, period


@compiled
def stir(step: int, dt: float, atoms: Atoms, f: Array, bath: Bath, heat: Array, random: Random) -> None:
    """Let the baths act, and add what they give to `heat`."""
    r, v, mass, _ = atoms
    kind, hot, cold, numbers, period = bath
    if kind == LANGEVIN:
        heat[0] += langevin(v, mass, hot, numbers[0], numbers[1], random)
        heat[1] += langevin(v, mass, cold, numbers[0], numbers[2], random)
    elif kind == EXCHANGE:
        heat[0] += exchange(r, v, f, mass, hot, numbers[3], dt)
        heat[1] += exchange(r, v, f, mass, cold, -numbers[3], dt)
    elif kind == SWAP and (step + 1) % period == 0:
        given = swap(v, mass, hot, cold)
        heat[0] += given
        heat[1] -= given


@compiled
def drift(dt: float, atoms: Atoms, around: Around, f: Array) -> bool:
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
    extend(r, owner, shift, x)
    f[:] = 0.0
    return limit >= 0.0


@compiled
def kick(dt: float, atoms: Atoms, around: Around, f: Array) -> None:
    """Give the forces on ghosts to their owners, and the second half of the kick."""
    v, inverse, owner = atoms[1], atoms[3], around[0]
    n = len(v)
    for g in range(n, len(owner)):
        for c in range(3):
            f[owner[g], c] += f[g, c]
    for i in range(n):
        for c in range(3):
            v[i, c] += 0.5 * dt * inverse[i] * f[i, c]


@compiled
def go_lj(
    steps: int, step: int, dt: float, late: bool, atoms: Atoms, around: Around, f: Array,
    parameters: Any, bath: Bath, heat: Array, random: Random, energy: Array,
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
            stir(step + done, dt, atoms, f, bath, heat, random)
            if not drift(dt, atoms, around, f):
                return done
        energy[0] = kernels_lj.forces(around[2], around[3], around[4], around[5], parameters, f)
        kick(dt, atoms, around, f)
    return steps


@compiled
def go_sw(
    steps: int, step: int, dt: float, late: bool, atoms: Atoms, around: Around, f: Array,
    parameters: Any, bath: Bath, heat: Array, random: Random, energy: Array,
) -> int:  # fmt: skip
    """Do the same as `go_lj`: a compiled function that was handed over could not be kept on disk."""
    for done in range(steps):
        if not (late and done == 0):
            stir(step + done, dt, atoms, f, bath, heat, random)
            if not drift(dt, atoms, around, f):
                return done
        energy[0] = kernels_sw.forces(around[2], around[3], around[4], around[5], parameters, f)
        kick(dt, atoms, around, f)
    return steps


@compiled
def go_tersoff(
    steps: int, step: int, dt: float, late: bool, atoms: Atoms, around: Around, f: Array,
    parameters: Any, bath: Bath, heat: Array, random: Random, energy: Array,
) -> int:  # fmt: skip
    """Do the same as `go_lj`: a compiled function that was handed over could not be kept on disk."""
    for done in range(steps):
        if not (late and done == 0):
            stir(step + done, dt, atoms, f, bath, heat, random)
            if not drift(dt, atoms, around, f):
                return done
        energy[0] = kernels_tersoff.forces(around[2], around[3], around[4], around[5], parameters, f)
        kick(dt, atoms, around, f)
    return steps


@compiled
def go_harmonic(
    steps: int, step: int, dt: float, late: bool, atoms: Atoms, around: Around, f: Array,
    parameters: Any, bath: Bath, heat: Array, random: Random, energy: Array,
) -> int:  # fmt: skip
    """Do the same as `go_lj`: a compiled function that was handed over could not be kept on disk."""
    for done in range(steps):
        if not (late and done == 0):
            stir(step + done, dt, atoms, f, bath, heat, random)
            if not drift(dt, atoms, around, f):
                return done
        energy[0] = kernels_harmonic.forces(around[2], around[3], around[4], around[5], parameters, f)
        kick(dt, atoms, around, f)
    return steps
