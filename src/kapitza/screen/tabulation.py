r"""Primitives by which the diffuse mismatch integral of a pair becomes a few differences.

With $s(\omega) = M(\omega)/\omega^2$ the emitted conductance of the diffuse mismatch model is

$$G = \int \frac{s_i s_j}{s_i + s_j}\,dF, \qquad
F_T(\omega) = \frac1{2\pi}\int_0^\omega \omega'^2 c(\omega', T)\,d\omega'.$$

Between the cutoffs of a Debye solid s is constant: $a$ below the transverse one, $b$ from there to the longitudinal
one.  So a pair of Debye solids takes four values of $1/(1/s_i + 1/s_j)$ and differences of F at four cutoffs, which are
tabulated once for each material and temperature.  Spectra of full bands are taken in the cells of a common grid by
their mean and their slope: to second order the mean over a cell with slopes $\sigma$ is

$$\left\langle\frac{s_i s_j}{s_i + s_j}\right\rangle = \frac{s_i s_j}{s_i + s_j}
- \frac{(s_j\sigma_i - s_i\sigma_j)^2}{(s_i + s_j)^3}.$$

A cutoff of a Debye solid divides its cell exactly.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.core.conductance import Drop
from kapitza.core.occupation import Statistics
from kapitza.core.quadrature import gauss_legendre, panel_quadrature
from kapitza.core.transmission import DROP_CORRECTION
from kapitza.screen.result import Precision
from kapitza.screen.table import MaterialTable
from kapitza.units import hbar, k_B

FloatTable = NDArray[np.floating]

_PANEL_WIDTH = 0.5  # of the reduced energy, in which few nodes integrate to rounding
_PANEL_NODES = 6
_LARGEST_ENERGY = 120.0  # ħω/k_B T from which nothing is added: x⁴ e^-x is 2e-44 there
MODE_SCALE = 1e9  # brings s near 1, so that its third power is a number of single precision


class PairTables(NamedTuple):
    """What the kernels take: Debye solids first, then full bands, each material with a number."""

    # of Debye solids: 1/s below the transverse cutoff and from there to the longitudinal one, m² rad² s⁻²
    below: FloatTable
    between: FloatTable
    # (nT, n) F at both cutoffs, W K⁻¹ rad⁻² s²
    transverse: FloatTable
    longitudinal: FloatTable
    leads: FloatTable  # (nT, n) share of the one-sided resistances that the drop leaves out, of all materials, m² K W⁻¹
    # cell of the grid in which either cutoff lies
    transverse_cell: IntArray
    longitudinal_cell: IntArray
    # (nb, m) 10⁹ s of full bands in the cells of the grid, and its standard deviation with the sign of its slope
    cells: FloatTable
    slopes: FloatTable
    cell_count: IntArray  # (nb,) cells up to the top of each spectrum of full bands
    # (nT, ...) F at the edges of the cells, and its increase over each cell, over 10⁹
    edges: FloatTable
    steps: FloatTable


def reduced_primitive(energy: Array) -> Array:
    r"""Integral of $x^4 / 4\sinh^2(x/2)$ from 0 to each reduced energy $\hbar\omega/k_B T$; $4\pi^4/15$ at the end."""
    shape, flat = energy.shape, np.minimum(energy.ravel(), _LARGEST_ENERGY)
    bounds = np.arange(0.0, _LARGEST_ENERGY + _PANEL_WIDTH, _PANEL_WIDTH)
    node, weight = panel_quadrature(bounds, _PANEL_NODES)
    steps = (_reduced_integrand(node) * weight).reshape(-1, _PANEL_NODES).sum(axis=1)
    start = np.concatenate([[0.0], np.cumsum(steps)])
    panel = np.minimum((flat / _PANEL_WIDTH).astype(np.int64), bounds.size - 2)
    rest = flat - bounds[panel]
    value = start[panel]
    for place, part in zip(*gauss_legendre(_PANEL_NODES), strict=True):
        value = value + part * rest * _reduced_integrand(bounds[panel] + place * rest)
    return value.reshape(shape)


def _reduced_integrand(x: Array) -> Array:
    half = np.maximum(0.5 * x, 1e-8)  # at 0 the limit of x/sinh(x) is 1
    return np.square(x * half / np.sinh(half))


def landauer_primitive(omega: Array, temperature: Array, statistics: Statistics) -> Array:
    r"""(nT, n) $F_T(\omega) = \frac1{2\pi}\int_0^\omega \omega'^2 c(\omega', T)\,d\omega'$, W K⁻¹ rad⁻² s².

    Of angular frequencies (n,), rad s⁻¹, and temperatures (nT,), K; classical with $k_B$ in every mode.
    """
    if statistics == "classical":
        return np.tile(k_B * omega**3 / (6 * np.pi), (temperature.size, 1))
    thermal = k_B * temperature[:, None] / hbar
    return k_B / (2 * np.pi) * thermal**3 * reduced_primitive(omega / thermal)


def debye_first(materials: MaterialTable) -> IntArray:
    """(n,) materials in the order of the kernels: Debye solids, then full bands."""
    bands = materials.band_rows.astype(np.int64)
    return np.concatenate([np.setdiff1d(np.arange(len(materials)), bands), bands])


def tabulate_pairs(
    materials: MaterialTable,
    temperature: Array,
    drop: Drop = "emitted",
    statistics: Statistics = "quantum",
    precision: Precision = "double",
) -> PairTables:
    """Primitives of a table in which Debye solids stand first, then those with full bands.

    `precision` is that of the tables and sums of Debye solids; the cells of full bands are always single.
    """
    solids = len(materials) - materials.band_rows.size
    longitudinal, transverse = materials.longitudinal[:solids], materials.transverse[:solids]
    wave = (6 * np.pi**2 * materials.atoms[:solids]) ** (1 / 3)
    between = 1 / (4 * np.pi * longitudinal**2)
    below = between + 1 / (2 * np.pi * transverse**2)
    low = landauer_primitive(transverse * wave, temperature, statistics)
    high = landauer_primitive(longitudinal * wave, temperature, statistics)
    edges = landauer_primitive(materials.edges, temperature, statistics)
    last = max(materials.edges.size - 2, 0)
    cells = [np.zeros(wave.size, np.int64)] * 2  # of either cutoff; one past the last for those above all
    if materials.edges.size:
        tops = (transverse * wave, longitudinal * wave)
        cells = [np.minimum(np.searchsorted(materials.edges, top, side="right") - 1, last + 1) for top in tops]
    modes = materials.reduced_modes
    share = DROP_CORRECTION[drop]
    leads = np.zeros((0, 0))
    if share:
        sides = [below * low + between * (high - low)]
        sides += [np.diff(edges) @ modes.T] if modes.size else []
        leads = share / np.concatenate(sides, axis=1)
    kind = np.float32 if precision == "single" else np.float64
    return PairTables(
        *(np.asarray(column, dtype=kind) for column in (1 / below, 1 / between, low, high, leads)),
        transverse_cell=cells[0],
        longitudinal_cell=cells[1],
        cells=(modes * MODE_SCALE).astype(np.float32),
        slopes=(materials.slopes * MODE_SCALE).astype(np.float32),
        cell_count=np.where(modes > 0, np.arange(1, modes.shape[1] + 1), 0).max(axis=1, initial=0),
        edges=edges / MODE_SCALE,
        steps=(np.diff(edges) / MODE_SCALE).astype(np.float32),
    )
