"""Records of heat that flows through layers with its thermal noise, sampled exactly: the resistance is known."""

from typing import Any

import numpy as np
from scipy.linalg import expm

from kapitza import units
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.system import COLD_ROLE, FREE_ROLE, HOT_ROLE

EPSILON, SIGMA, MASS = 1.67e-21, 3.405e-10, 39.948 * units.m_u
TAU = SIGMA * np.sqrt(MASS / EPSILON)
KELVIN = EPSILON / units.k_B
CONDUCTANCE = units.k_B / (TAU * SIGMA**2)  # the Lennard-Jones unit, W m⁻² K⁻¹
SPACING, AREA, ATOMS = 1.5712 / 2, 61.7, 50


def layered_heat(
    layers: int,
    *,
    conductance: float = 1.6,
    conductivity: float = 28.0,
    bath: int = 8,
    blocks: int = 40,
    block: float = 25.0,
    wait: float = 600.0,
    replicas: int = 1,
    seed: int = 0,
    loss: float = 0.0,
    noise: float = 1.0,
) -> list[Record]:
    """Records in SI of a run between baths at 0.30 and 0.20; all numbers in Lennard-Jones units.

    `layers` of 50 atoms a side, `bath` of them in each bath; starts at 0.25 `wait` before the first block.  `loss` is
    the share of the flux that every layer loses, as an integrator with a drift does; `noise` scales the fluctuations.
    """
    rng = np.random.default_rng(seed)
    number, dynamic = 2 * layers, _dynamics(layers, conductance, conductivity, bath, loss)
    state = np.zeros((replicas, dynamic[0].shape[0]))
    state[:, :number], state[:, -1] = 0.25, 1.0
    step = _propagator(*dynamic, block)
    for _ in range(round(wait / block)):
        state = _advanced(state, *step, rng, noise)
    means, sums, energy = [], [np.zeros((replicas, 3))], [state[:, :number].sum(axis=1)]
    for _ in range(blocks):
        state[:, number:-1] = 0.0
        state = _advanced(state, *step, rng, noise)
        means.append(state[:, number : 2 * number] / block)
        sums.append(state[:, 2 * number : 2 * number + 3].copy())
        energy.append(state[:, :number].sum(axis=1))
    profile, work, energies = np.array(means), np.array(sums), 3 * ATOMS * np.array(energy)
    roles = np.full(number, FREE_ROLE)
    roles[:bath], roles[-bath:] = HOT_ROLE, COLD_ROLE
    return [
        Record(
            name="layers", area=AREA * SIGMA**2, plane=(layers - 0.5) * SPACING * SIGMA,
            heights=np.arange(number) * SPACING * SIGMA,
            counts=np.full(number, ATOMS), roles=roles, block=block * TAU, temperature=profile[:, r] * KELVIN,
            heat=np.cumsum(work[:, r, :2], axis=0) * EPSILON, energy=energies[:, r] * EPSILON,
            power=work[1:, r, 2] / block * EPSILON / TAU,
            timestep=0.005 * TAU,
        )
        for r in range(replicas)
    ]  # fmt: skip


def _dynamics(layers: int, conductance: float, conductivity: float, bath: int, loss: float) -> tuple[Any, Any]:
    """Matrix of dz/dt and of its noise for z = (temperatures, their integrals, heat of the baths, through, 1)."""
    number, capacity = 2 * layers, 3.0 * ATOMS
    bond = np.full(number - 1, conductivity * AREA / SPACING)
    bond[layers - 1] = AREA / (1 / conductance + SPACING / conductivity)
    size = 2 * number + 4
    matrix, noise = np.zeros((size, size)), np.zeros((size, number - 1 + 2 * bath))
    for i, k in enumerate(bond):
        matrix[i, i : i + 2] += np.array([-k, k]) / capacity
        matrix[i + 1, i : i + 2] += np.array([k, -k]) / capacity
        noise[i, i], noise[i + 1, i] = (sign * np.sqrt(2 * 0.25**2 * k) / capacity for sign in (-1, 1))
    through = 2 * number + 2
    matrix[through, layers - 1 : layers + 1] = np.array([1, -1]) * bond[layers - 1]
    noise[through, layers - 1] = np.sqrt(2 * 0.25**2 * bond[layers - 1])
    for j in range(2 * bath):
        i, given = (j, 2 * number) if j < bath else (number - 1 - (j - bath), 2 * number + 1)
        matrix[i, i] -= 1.0
        matrix[i, -1] += 0.30 if j < bath else 0.20
        matrix[given, i], matrix[given, -1] = -capacity, matrix[given, -1] + capacity * (0.30 if j < bath else 0.20)
        noise[i, number - 1 + j] = np.sqrt(2 * 0.25**2 / capacity)
        noise[given, number - 1 + j] = np.sqrt(2 * 0.25**2 * capacity)
    flux = 0.1 / (1 / conductance + 2 * (layers - bath) * SPACING / conductivity)
    matrix[:number, -1] -= loss * flux * AREA / capacity / number
    matrix[number : 2 * number, :number] = np.eye(number)
    return matrix, noise


def _propagator(matrix: Any, noise: Any, time: float) -> tuple[Any, Any]:
    """Transition matrix and square root of the covariance over a time, by doubling a short one."""
    doublings = 14
    short = time / 2**doublings
    once = expm(matrix * short)
    half = expm(matrix * short / 2)
    rate = noise @ noise.T
    # Simpson's rule: the step is far below the fastest time of the chain.
    covariance = short / 6 * (rate + 4 * half @ rate @ half.T + once @ rate @ once.T)
    for _ in range(doublings):
        covariance = once @ covariance @ once.T + covariance
        once = once @ once
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return once, vectors * np.sqrt(np.maximum(values, 0.0))


def _advanced(state: Any, once: Any, root: Any, rng: np.random.Generator, noise: float) -> Any:
    return state @ once.T + noise * rng.standard_normal(state.shape) @ root.T


def powers(
    layers: int, *, conductance: float, conductivity: float, samples: int, step: float, replicas: int, seed: int
) -> Any:
    """(replicas, samples) mean power through the plane, left to right, in equilibrium without baths, reduced units."""
    rng = np.random.default_rng(seed)
    matrix, noise = _dynamics(layers, conductance, conductivity, 0, 0.0)
    once, root = _propagator(matrix, noise, step)
    number = 2 * layers
    state = np.zeros((replicas, matrix.shape[0]))
    state[:, :number] = 0.25 + 0.25 / np.sqrt(3 * ATOMS) * rng.standard_normal((replicas, number))
    state[:, -1] = 1.0
    found = np.zeros((samples, replicas))
    for i in range(samples):
        state[:, number:-1] = 0.0
        state = _advanced(state, once, root, rng, 1.0)
        found[i] = state[:, 2 * number + 2] / step
    return found.T
