r"""Quadrature: Gauss-Legendre on panels, and the frequencies at which a spectrum is taken when the user gives none.

A spectrum of modes is smooth between a few edges (cutoffs, band edges), where it jumps.  Gauss-Legendre nodes on panels
between the edges integrate it to rounding with a few hundred points.  Towards zero the panels shrink geometrically, so
that the thermal peak is resolved from room temperature down to a microkelvin.
"""

from functools import lru_cache
from math import comb, log, pi

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, ComplexArray, about, increasing
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError

_NODES_PER_PANEL = 8  # per panel
_PANEL_RATIO = 2.0  # of neighbouring panels
_LOWEST_RELATIVE_FREQUENCY = 1e-9  # of the top frequency: 50 nK for a top of 10 THz


@frozen(eq=False)
class FrequencyGrid(BaseRecord):
    """Nodes and weights of a quadrature: omega (nω,) and weight (nω,), rad s⁻¹."""

    omega: Array = field(metadata=about("rad s^-1", "angular frequency"))
    weight: Array = field(metadata=about("rad s^-1", "weight of the quadrature"))


@lru_cache(maxsize=64)
def gauss_legendre(order: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on 0..1."""
    node, weight = np.polynomial.legendre.leggauss(order)
    return (node + 1) / 2, weight / 2


@lru_cache(maxsize=64)
def gauss_legendre_roots(order: int) -> tuple[Array, Array]:
    r"""Nodes and weights on 0..1 for functions with square roots at either end, by $x = \sin^2(\pi u/2)$."""
    node, weight = gauss_legendre(order)
    weight = weight * np.sin(np.pi * node)
    return np.sin(np.pi / 2 * node) ** 2, weight / weight.sum()  # few nodes still integrate a constant exactly


@lru_cache(maxsize=64)
def null_rules(order: int) -> Array:
    r"""(2, order) null rules of `gauss_legendre_roots`: sums that vanish for polynomials in u of low degree.

    The first vanishes up to the degree `order` - 2, the second, orthogonal to it, up to `order` - 3.  Both have the
    norm of the weights: of values without any correlation they have the variance of the integral.

    J. Berntsen and T. O. Espelid, ACM Trans. Math. Softw. 17, 233 (1991), doi:10.1145/108556.108575
    """
    node, weight = gauss_legendre(order)[0], gauss_legendre_roots(order)[1]
    if order == 1:
        return np.array([[0.0], [1.0]])
    between = node[:, None] - node + np.eye(order)
    highest = 1 / between.prod(axis=1)  # divided difference
    rules = np.stack([highest, highest * (node - 0.5)])
    return rules * np.linalg.norm(weight) / np.linalg.norm(rules, axis=1, keepdims=True)


def panel_quadrature(bounds: Array, order: int, *, roots: bool = False) -> tuple[Array, Array]:
    """(..., m order) nodes and weights on m panels within (..., m + 1) bounds; `roots`: square roots at the bounds."""
    node, weight = gauss_legendre_roots(order) if roots else gauss_legendre(order)
    width = np.diff(bounds, axis=-1)[..., None]
    shape = (*bounds.shape[:-1], (bounds.shape[-1] - 1) * order)
    return (bounds[..., :-1, None] + width * node).reshape(shape), (width * weight).reshape(shape)


def trapezoid_weights(x: Array) -> Array:
    """(n,) weights of the trapezoidal rule at increasing places (n,)."""
    weight = np.zeros_like(x)
    weight[:-1] += np.diff(x) / 2
    weight[1:] += np.diff(x) / 2
    return weight


def frequency_grid(*spectra: ArrayLike) -> FrequencyGrid:
    """Nodes and weights that integrate spectra with these edges.

    Parameters
    ----------
    spectra : (k,) increasing angular frequencies above zero between which a spectrum is smooth, rad s⁻¹, of each

    Raises
    ------
    InputError
        if there is no edge above zero
    """
    edges = increasing(spectra[0] if len(spectra) == 1 else merge_edges(*map(np.asarray, spectra)))
    edges = edges[edges > 0]
    if not edges.size:
        raise InputError(f"expected the edges of a spectrum above zero, got {edges.size}")
    lowest = _LOWEST_RELATIVE_FREQUENCY * edges[-1]
    bounds = np.concatenate([[0.0], _graded_panels(lowest, edges)])  # one panel to 0, where modes carry nothing
    return FrequencyGrid(*panel_quadrature(bounds, _NODES_PER_PANEL))


def _graded_panels(lowest: float, edges: Array) -> Array:
    """Bounds of panels from `lowest` up that contain all edges, none wider than RATIO."""
    starts, stops = np.concatenate([[lowest], edges[:-1]]), edges
    kept = stops > starts
    starts, stops = starts[kept], stops[kept]
    ratios = np.log(stops / starts)
    pieces = np.maximum(1, np.ceil(ratios / np.log(_PANEL_RATIO) - 1e-9).astype(int))  # none for rounding
    last = np.cumsum(pieces)
    number = np.arange(last[-1]) - np.repeat(last - pieces, pieces) + 1.0  # of each bound within its pair of edges
    bounds = np.repeat(starts, pieces) * np.exp(np.repeat(ratios / pieces, pieces) * number)
    bounds[last - 1] = stops  # exactly
    return np.concatenate([[lowest], bounds])


def merge_edges(*edges: Array) -> Array:
    """The edges of several spectra as one, neighbours closer than 1e-9 of the top merged, rad s⁻¹."""
    together = np.unique(np.concatenate(edges))
    return together[np.diff(together, append=np.inf) > 1e-9 * together[-1]]  # the upper of each pair: the top stays


def euler_inversion(terms: int = 11) -> tuple[Array, ComplexArray]:
    r"""Weights w and places p (2 terms + 1,) of an inverse Laplace transform: $h(t) = \sum_j
    w_j\,\mathrm{Re}\,H(p_j/t)/t$.

    Euler's summation along a line right of all singularities: 0.6 digits a term where the response is smooth, of which
    rounding takes a third of one each, thus six digits of 11 terms (J. Abate and W. Whitt, INFORMS J. Comput. 18, 408
    (2006), doi:10.1287/ijoc.1050.0137).
    """
    weight = np.ones(2 * terms + 1)
    weight[0], weight[-1] = 0.5, 2.0**-terms
    for k in range(1, terms):  # binomial means of partial sums: Euler's summation of an alternating series
        weight[2 * terms - k] = weight[2 * terms - k + 1] + 2.0**-terms * comb(terms, k)
    sign = (-1.0) ** np.arange(2 * terms + 1)
    place = np.asarray(terms * log(10) / 3 + 1j * pi * np.arange(2 * terms + 1), dtype=np.complex128)
    return 10 ** (terms / 3) * sign * weight, place
