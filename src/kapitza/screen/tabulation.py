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

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import field, fields, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray, about
from kapitza.core.occupation import Statistics
from kapitza.core.phonons import Phonons
from kapitza.core.quadrature import gauss_legendre, panel_quadrature
from kapitza.core.records import BaseRecord
from kapitza.units import hbar, k_B

FloatTable = NDArray[np.floating]

_PANEL_WIDTH = 0.5  # of the reduced energy, in which few nodes integrate to rounding
_PANEL_NODES = 6
_LARGEST_ENERGY = 120.0  # ħω/k_B T from which nothing is added: x⁴ e^-x is 2e-44 there
_CELL_NODES = 8  # at which a spectrum is averaged over a cell
_CELL_EXPONENT = 2  # of the edges of cells: soft crystals have enough of them beside stiff ones
CELL_COUNT = 640
MODE_SCALE = 1e9  # brings s near 1, so that its third power is a number of single precision


@frozen(eq=False, kw_only=True)
class PairTables(BaseRecord):
    """What the kernels take: Debye solids first, then full bands, each material with a number.

    Attributes
    ----------
    below, between : 1/s below the transverse cutoff and from there to the longitudinal one, of Debye solids
    transverse, longitudinal : F at both cutoffs
    leads : share of the one-sided resistances that the temperature drop leaves out, of all materials
    transverse_cell, longitudinal_cell : cell of the grid in which a cutoff lies
    cells, slopes : s of full bands in the cells of the grid, and its standard deviation with the sign of its slope
    cell_count : number of cells up to the top of each spectrum of full bands
    edges, steps : F at the edges of the cells, and its increase over each cell; s is times, F over `MODE_SCALE` there
    """

    below: FloatTable = field(metadata=about("m^2 rad^2 s^-2", "inverse reduced modes below the transverse cutoff"))
    between: FloatTable = field(metadata=about("m^2 rad^2 s^-2", "inverse reduced modes between the cutoffs"))
    transverse: FloatTable = field(metadata=about("W K^-1 rad^-2 s^2", "primitive at the transverse cutoff"))
    longitudinal: FloatTable = field(metadata=about("W K^-1 rad^-2 s^2", "primitive at the longitudinal cutoff"))
    leads: FloatTable = field(metadata=about("m^2 K W^-1", "one-sided resistances that are left out"))
    transverse_cell: IntArray = field(metadata=about("1", "cell of the transverse cutoff"))
    longitudinal_cell: IntArray = field(metadata=about("1", "cell of the longitudinal cutoff"))
    cells: FloatTable = field(metadata=about("m^-2 rad^-2 s^2", "10⁹ times the reduced modes of full bands"))
    slopes: FloatTable = field(metadata=about("m^-2 rad^-2 s^2", "10⁹ times their change within a cell"))
    cell_count: IntArray = field(metadata=about("1", "number of cells of each spectrum"))
    edges: FloatTable = field(metadata=about("W K^-1 rad^-2 s^2", "primitive at the edges of the cells over 10⁹"))
    steps: FloatTable = field(metadata=about("W K^-1 rad^-2 s^2", "increase of the primitive over a cell, over 10⁹"))

    def arrays(self) -> dict[str, Any]:
        """All arrays by name, in order."""
        return {one.name: getattr(self, one.name) for one in fields(PairTables)}


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

    Parameters
    ----------
    omega : (n,) angular frequencies, rad s⁻¹
    temperature : (nT,) K
    statistics : "quantum", or "classical" with $k_B$ in every mode
    """
    if statistics == "classical":
        return np.tile(k_B * omega**3 / (6 * np.pi), (temperature.size, 1))
    thermal = k_B * temperature[:, None] / hbar
    return k_B / (2 * np.pi) * thermal**3 * reduced_primitive(omega / thermal)


def cell_edges(tops: Sequence[float], count: int = CELL_COUNT) -> Array:
    """(count + 1,) edges of the cells of a common grid up to the highest of the tops, rad s⁻¹."""
    return max(tops) * np.linspace(0.0, 1.0, count + 1) ** _CELL_EXPONENT


def average_reduced_modes(phonons: Phonons, edges: Array) -> tuple[Array, Array]:
    r"""Mean of $M(\omega)/\omega^2$ in each cell, and its standard deviation by a straight line, (m,) m⁻² rad⁻² s².

    Both are weighted with ω²; the second has the sign of the slope.
    """
    omega, weight = (one.reshape(-1, _CELL_NODES) for one in panel_quadrature(edges, _CELL_NODES))
    reduced = phonons.modes(omega.ravel()).reshape(omega.shape) / omega**2
    share = weight * omega**2
    share = share / share.sum(axis=1, keepdims=True)
    mean = (reduced * share).sum(axis=1)
    away = omega - (omega * share).sum(axis=1, keepdims=True)
    slope = (reduced * share * away).sum(axis=1) / np.sqrt((share * away**2).sum(axis=1))
    return mean, slope
