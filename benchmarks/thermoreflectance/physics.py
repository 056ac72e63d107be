"""Curves of TDTR, FDTR, SSTR, 3-omega and Raman thermometry from the heat equation, in numpy and scipy alone.

Nothing of kapitza is used, and no step is that of its fit: at each frequency and wave vector the amplitudes of all
thermal waves come from one linear system (the fit carries an admittance from layer to layer), beams are averaged by
Gauss panels in k (the fit: equal steps of a power of ln k), pulses by the plain sum over 19,000 harmonics (the fit: an
integral in the complex plane).  `tests/measure/test_thermoreflectance_benchmark.py` compares both to 1e-6.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import j0

CUT = 5e11  # Hz: harmonics are weighted by exp(-(f/CUT)^6), which leaves delays from 100 ps on as they are
FREQUENCIES = 240  # on which H is computed before it is interpolated over ln f


@dataclass(frozen=True)
class Layer:
    """A layer: thickness (m, infinite at the end of a stack), conductivities (W/mK), heat capacity (J/m3K)."""

    thickness: float
    conductivity: float
    heat_capacity: float
    in_plane: float | None = None


def surface_temperature(
    layers: list[Layer], conductances: list[float], frequency: np.ndarray, k: np.ndarray
) -> np.ndarray:
    """(nf, nk) temperature of the top face per heat flux into it, K m2/W, at frequencies (Hz) and wave vectors (1/m).

    In layer i, theta = A e^(-uz) + B e^(-u(d-z)); the unknowns are all A and B, the equations the flux at the top, and
    flux and temperature drop at each interface.
    """
    count = len(layers)
    shape = (frequency.size, k.size)
    matrix = np.zeros((*shape, 2 * count - 1, 2 * count - 1), dtype=complex)
    u, gamma, fade = [], [], []
    for layer in layers:
        along = layer.conductivity if layer.in_plane is None else layer.in_plane
        root = np.sqrt((along * k**2 + 2j * np.pi * frequency[:, None] * layer.heat_capacity) / layer.conductivity)
        u.append(root)
        gamma.append(layer.conductivity * root)
        fade.append(np.exp(-root * layer.thickness) if np.isfinite(layer.thickness) else np.zeros(shape))
    matrix[..., 0, 0] = gamma[0]
    if count > 1:
        matrix[..., 0, 1] = -gamma[0] * fade[0]
    for i, conductance in enumerate(conductances):
        a, b, below, last = 2 * i, 2 * i + 1, 2 * i + 2, i + 1 == count - 1
        flux, drop = 2 * i + 1, 2 * i + 2
        matrix[..., flux, a], matrix[..., flux, b] = gamma[i] * fade[i], -gamma[i]
        matrix[..., flux, below] = -gamma[i + 1]
        matrix[..., drop, a] = fade[i] - gamma[i] * fade[i] / conductance
        matrix[..., drop, b] = 1 + gamma[i] / conductance
        matrix[..., drop, below] = -1.0
        if not last:
            matrix[..., flux, below + 1] = gamma[i + 1] * fade[i + 1]
            matrix[..., drop, below + 1] = -fade[i + 1]
    right = np.zeros((*shape, 2 * count - 1, 1), dtype=complex)
    right[..., 0, 0] = 1.0
    amplitude = np.linalg.solve(matrix, right)[..., 0]
    return amplitude[..., 0] + (amplitude[..., 1] * fade[0] if count > 1 else 0.0)


def panels(edges: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights on panels."""
    x, w = np.polynomial.legendre.leggauss(order)
    half = np.diff(edges) / 2
    middle = (edges[1:] + edges[:-1]) / 2
    return (middle[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()


def beam_average(
    pump: np.ndarray, probe: np.ndarray, offset: np.ndarray, order: int = 12
) -> tuple[np.ndarray, np.ndarray]:
    """Wave vectors (nk,) and weights (nb, nk) of nb pairs of Gaussian beams, 1/e2 radii and offset in m."""
    width = np.hypot(pump, probe)
    k, step = panels(np.concatenate([[0.0], np.geomspace(1e-5 / width.max(), 12.5 / width.min(), 15)]), order)
    shape = np.exp(-((k * width[:, None]) ** 2) / 8) * j0(k * offset[:, None])
    return k, shape * k * step / (2 * np.pi)


def tdtr(
    layers: list[Layer], conductances: list[float], delay: np.ndarray, beams: tuple[np.ndarray, np.ndarray, np.ndarray],
    *, modulation: float, repetition: float, pump_delayed: bool,
) -> np.ndarray:  # fmt: skip
    """(n,) complex lock-in signal per absorbed watt; `beams` are radii of pump and probe and their offset, (1,) or (n,)
    for beams that change along the delays (s).
    """
    k, weight = beam_average(*beams)
    top = np.ceil(1.5 * CUT / repetition)
    f = modulation + repetition * np.arange(-top, top + 1)
    grid = np.geomspace(0.9 * np.abs(f).min(), 1.1 * np.abs(f).max(), FREQUENCIES)
    response = surface_temperature(layers, conductances, grid, k) @ weight.T
    h = CubicSpline(np.log(grid), response)(np.log(np.abs(f)))
    h = np.where(f[:, None] < 0, h.conj(), h) * np.exp(-((f / CUT) ** 6))[:, None]
    turn = np.exp(2j * np.pi * np.outer(delay, f - modulation))
    z = 2 * (turn @ h)[:, 0] if weight.shape[0] == 1 else 2 * np.sum(turn * h.T, axis=1)
    return z * np.exp(2j * np.pi * modulation * delay) if pump_delayed else z


def fdtr(
    layers: list[Layer], conductances: list[float], frequency: np.ndarray,
    beams: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> np.ndarray:  # fmt: skip
    """(n,) complex temperature per absorbed watt at frequencies (Hz)."""
    k, weight = beam_average(*beams)
    return np.sum(surface_temperature(layers, conductances, frequency, k) * weight, axis=1)


def steady(
    layers: list[Layer], conductances: list[float], beams: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> np.ndarray:
    """(nb,) temperature that nb pairs of beams read in the steady state per absorbed watt, K/W."""
    k, weight = beam_average(*beams)
    return (weight @ surface_temperature(layers, conductances, np.zeros(1), k)[0]).real


def three_omega(
    layers: list[Layer], conductances: list[float], frequency: np.ndarray, *, half_width: float, length: float,
    power: float,
) -> np.ndarray:  # fmt: skip
    """(n,) complex temperature at 2 omega of a strip that carries a current of the frequency (Hz), K."""
    period = np.pi / half_width
    k, step = panels(period * np.concatenate([[0.0], np.geomspace(1e-6, 1, 20), np.arange(2, 301)]), 10)
    far, far_step = panels(np.geomspace(300 * period, 3e8 * period, 40), 8)
    weight = np.concatenate([step * np.sinc(k * half_width / np.pi) ** 2, far_step / (2 * (far * half_width) ** 2)])
    z = surface_temperature(layers, conductances, 2 * frequency, np.concatenate([k, far]))
    return power / (np.pi * length) * (z @ weight)
