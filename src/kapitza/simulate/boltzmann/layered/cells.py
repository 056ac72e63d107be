r"""Cells with Legendre polynomials, and what a stream of phonons does in them, exactly.

A stream obeys $\ell f' = T - a f$ with $\ell = |v_z|\tau$ and $a = 1 + s\tau$.  In a cell of width h, with T a
polynomial of $\xi = x/h$, everything follows from $t = ah/\ell$:

$$e_i = \int_0^1 \varphi_i e^{-t\xi} d\xi, \qquad D_{ij} = m_{ij} - t\int_0^1\!\int_0^\xi
\varphi_i(\xi)\,e^{-t(\xi-\xi')} \varphi_j(\xi')\,d\xi' d\xi$$

with $m_{ij} = \delta_{ij}/(2i + 1)$.  Small t: a power series; large t: the exact form in powers of 1/t.  D is formed
as a difference nowhere, so that it stays right however thick the cell is.
"""

from functools import lru_cache
from math import factorial
from typing import Any

import numpy as np
from numpy.polynomial import Legendre, Polynomial, legendre, polynomial
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.quadrature import gauss_legendre

RealOrComplexArray = NDArray[Any]  # float64, or complex128 where something changes in time

CELL_POLYNOMIALS = 4  # polynomials of a cell: up to the third degree
_ASYMPTOTIC_THICKNESS = 4.0  # optical thickness above which the exact form in 1/t is used
_SERIES_TERMS = 48  # of the power series below it: 4⁴⁸/48! = 6e-33
_SHORT_SERIES_THICKNESS = 0.5  # below which fewer terms are enough
_SHORT_SERIES_TERMS = 16  # 0.5¹⁶/16! = 7e-19
CHUNK_SIZE = 4096  # cells times streams of one step
_WIDTH_RATIO = 2.0  # of the widths of neighbouring cells, from a wall inwards
_FIRST_WIDTH = 1e-2  # of the shorter of mean free path and thickness: the cell at a wall
_MIN_LAYER_CELLS = 12  # no cell is wider than the layer over this


def legendre_values(xi: Array) -> Array:
    """(n, P) polynomials at places ξ from 0 to 1 in a cell."""
    return np.asarray(legendre.legvander(2 * xi - 1, CELL_POLYNOMIALS - 1), dtype=float)


@lru_cache(maxsize=1)
def _series_coefficients() -> tuple[Array, Array]:
    """Coefficients of the power series in t: of e (TERMS, P), and of the double integral (TERMS, P²)."""
    node, weight = gauss_legendre(40)  # exact: integrands are polynomials of degree 54 at most, below 2·40
    at = legendre_values(node)
    power = np.arange(_SERIES_TERMS)
    scale = np.array([1 / factorial(n) for n in power])
    single = ((-node[:, None]) ** power * weight[:, None]).T @ at
    inner_places = node[:, None] * node  # ξ' = ξ·u
    inner = legendre_values(inner_places.ravel()).reshape(node.size, node.size, CELL_POLYNOMIALS)
    gap = -(node[:, None] - inner_places)
    swept = np.einsum("x,u,xun,xuj->xnj", node, weight, gap[:, :, None] ** power, inner)
    double = np.einsum("x,xi,xnj->nij", weight, at, swept)
    return single * scale[:, None], double.reshape(_SERIES_TERMS, -1) * scale[:, None]


@lru_cache(maxsize=1)
def _asymptotic_coefficients() -> tuple[Array, Array, Array]:
    """Derivatives φ_j^(k) at 0 and at 1, (P, P), and their integrals with φ_i, (P, P²)."""
    start, stop = np.zeros((CELL_POLYNOMIALS, CELL_POLYNOMIALS)), np.zeros((CELL_POLYNOMIALS, CELL_POLYNOMIALS))
    inner = np.zeros((CELL_POLYNOMIALS, CELL_POLYNOMIALS, CELL_POLYNOMIALS))
    # in powers of ξ; whole numbers, so that the integrals below are exact
    basis = [np.round(Legendre.basis(j)(Polynomial([-1.0, 2.0])).coef) for j in range(CELL_POLYNOMIALS)]
    for j, one in enumerate(basis):
        for k in range(j + 1):
            slope = polynomial.polyder(one, k)
            start[k, j], stop[k, j] = polynomial.polyval(0.0, slope), polynomial.polyval(1.0, slope)
            for i, other in enumerate(basis):
                inner[k, i, j] = polynomial.polyval(1.0, polynomial.polyint(polynomial.polymul(other, slope)))
    return start, stop, inner.reshape(CELL_POLYNOMIALS, -1)


def _legendre_norms() -> Array:
    """(P,) integrals of the squares of the polynomials."""
    return 1 / (2 * np.arange(CELL_POLYNOMIALS) + 1.0)


def cell_integrals(thickness: RealOrComplexArray) -> tuple[RealOrComplexArray, RealOrComplexArray, RealOrComplexArray]:
    """Attenuation $e^{-t}$ (...), moments e (..., P) and collision matrix D (..., P, P) of cells of
    optical
    thickness t (...), whose real part is above zero.
    """
    t = thickness.ravel()
    passed = np.exp(-t)
    moment = np.empty((t.size, CELL_POLYNOMIALS), t.dtype)
    collision = np.empty((t.size, CELL_POLYNOMIALS * CELL_POLYNOMIALS), t.dtype)
    for first in range(0, t.size, CHUNK_SIZE):  # in parts that stay near the processor: time grows as their number
        some = slice(first, first + CHUNK_SIZE)
        moment[some], collision[some] = _cell_moments(t[some], passed[some])
    shape = thickness.shape
    return (
        passed.reshape(shape),
        moment.reshape(*shape, CELL_POLYNOMIALS),
        collision.reshape(*shape, CELL_POLYNOMIALS, CELL_POLYNOMIALS),
    )


def _cell_moments(t: RealOrComplexArray, passed: RealOrComplexArray) -> tuple[RealOrComplexArray, RealOrComplexArray]:
    """Moments (n, P) and collision matrices (n, P²) of cells of optical thickness t (n,)."""
    moment = np.empty((t.size, CELL_POLYNOMIALS), t.dtype)
    collision = np.empty((t.size, CELL_POLYNOMIALS * CELL_POLYNOMIALS), t.dtype)
    reach = np.abs(t)
    for low, high, terms in (
        (-1.0, _SHORT_SERIES_THICKNESS, _SHORT_SERIES_TERMS),
        (_SHORT_SERIES_THICKNESS, _ASYMPTOTIC_THICKNESS, _SERIES_TERMS),
    ):
        small = (reach >= low) & (reach < high)
        if small.any():
            single, double = _series_coefficients()
            powers = np.vander(t[small], terms, increasing=True)
            moment[small] = powers @ single[:terms]
            collision[small] = np.diag(_legendre_norms()).ravel() - t[small, None] * (powers @ double[:terms])
    large = reach >= _ASYMPTOTIC_THICKNESS  # in thinner cells the powers of 1/t would cancel
    if large.any():
        start, stop, inner = _asymptotic_coefficients()
        powers = np.vander(1 / t[large], CELL_POLYNOMIALS, increasing=True)
        signed = powers * (-1.0) ** np.arange(CELL_POLYNOMIALS)
        found = powers[:, 1:2] * (powers @ start - passed[large, None] * (powers @ stop))
        moment[large] = found
        collision[large] = (found[:, :, None] * (signed @ start)[:, None, :]).reshape(
            -1, CELL_POLYNOMIALS * CELL_POLYNOMIALS
        )
        collision[large] -= signed[:, 1:] @ inner[1:]  # the term k = 0 is m_ij, which drops out: nothing cancels
    return moment, collision


def graded_cells(thickness: float, path: float, cells: int | None = None) -> Array:
    """(C,) widths of the cells of a layer, m: narrow at both faces by the shortest path that matters (m), or equal."""
    if cells is not None:
        return np.full(cells, thickness / cells)
    widest, width, reached = thickness / _MIN_LAYER_CELLS, _FIRST_WIDTH * min(thickness, path), 0.0
    widths: list[float] = []
    while reached + width < thickness / 2:
        widths.append(width)
        reached += width
        width = min(width * _WIDTH_RATIO, widest)  # T bends only within a few mean free paths of the faces
    rest = thickness / 2 - reached
    if rest > widths[-1] / 2:  # a thinner rest widens its neighbour: no sliver in the middle
        widths.append(rest)
    else:
        widths[-1] += rest
    half = np.array(widths)
    return np.concatenate([half, half[::-1]])
