"""Compiled thermostats: they change velocities and count the energy that they give.  Importing this module needs numba.

The random numbers are those of xoshiro256+, D. Blackman and S. Vigna, ACM Trans. Math. Softw. 47, 36 (2021),
doi:10.1145/3460772, made normal by the method of Box and Muller.
"""

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.simulate.md.kernels.compiler import compile_inner

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
    """Let the slowest hot and the fastest cold thermostatted atom collide; energy given to the hot one, J.

    The relative velocity is turned round in the frame of their centre of mass, which exchanges the velocities of equal
    masses and keeps energy and momentum of unequal ones: C. Nieto-Draghi and J. B. Avalos, Mol. Phys. 101, 2303 (2003).
    Nothing is done where heat would flow to the cold thermostat.
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
