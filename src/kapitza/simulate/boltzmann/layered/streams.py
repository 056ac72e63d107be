r"""Layers cut into cells with Legendre polynomials, and their phonons into streams that pass them exactly.

An isotropic band becomes streams of one velocity along the normal each, at the nodes of a quadrature in
$\mu = \cos\theta$, dense at grazing angles, where the kernels $E_n$ of the exact solution are singular.  A stream obeys
$\ell f' = T - a f$ with $\ell = |v_z|\tau$ and $a = 1 + s\tau$.  In a cell of width h, with T a polynomial of
$\xi = x/h$, everything follows from $t = ah/\ell$:

$$e_i = \int_0^1 \varphi_i e^{-t\xi} d\xi, \qquad D_{ij} = m_{ij} - t\int_0^1\!\int_0^\xi
\varphi_i(\xi)\,e^{-t(\xi-\xi')} \varphi_j(\xi')\,d\xi' d\xi$$

with $m_{ij} = \delta_{ij}/(2i + 1)$.  Small t: a power series; large t: the exact form in powers of 1/t.  D is formed
as a difference nowhere, so that it stays right however thick the cell is.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import factorial
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.polynomial import Legendre, Polynomial, legendre, polynomial
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IndexArray
from kapitza.core.quadrature import gauss_legendre
from kapitza.core.records import BaseRecord
from kapitza.simulate.boltzmann.carriers import Carriers

RealOrComplexArray = NDArray[Any]  # float64, or complex128 where something changes in time

CELL_POLYNOMIALS = 4  # polynomials of a cell: up to the third degree
_MASS = np.diag(1 / (2 * np.arange(CELL_POLYNOMIALS) + 1.0))  # (P, P) m, integrals of products of two polynomials
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


def cell_integrals(thickness: RealOrComplexArray) -> tuple[RealOrComplexArray, RealOrComplexArray, RealOrComplexArray]:
    """Attenuation $e^{-t}$ (...), moments e (..., P) and collision matrix D (..., P, P) of cells of optical thickness t
    (...), whose real part is above zero.
    """
    t = thickness.ravel()
    passed = np.exp(-t)
    moment = np.empty((t.size, CELL_POLYNOMIALS), t.dtype)
    collision = np.empty((t.size, CELL_POLYNOMIALS * CELL_POLYNOMIALS), t.dtype)
    for first in range(0, t.size, CHUNK_SIZE):  # in parts that stay near the processor: time grows as their number
        some = slice(first, first + CHUNK_SIZE)
        moment[some], collision[some] = _cell_moments(t[some], passed[some])
    shape = *thickness.shape, CELL_POLYNOMIALS
    return passed.reshape(shape[:-1]), moment.reshape(shape), collision.reshape(*shape, CELL_POLYNOMIALS)


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
            collision[small] = _MASS.ravel() - t[small, None] * (powers @ double[:terms])
    large = reach >= _ASYMPTOTIC_THICKNESS  # in thinner cells the powers of 1/t would cancel
    if large.any():
        start, stop, inner = _asymptotic_coefficients()
        powers = np.vander(1 / t[large], CELL_POLYNOMIALS, increasing=True)
        signed = powers * (-1.0) ** np.arange(CELL_POLYNOMIALS)
        found = powers[:, 1:2] * (powers @ start - passed[large, None] * (powers @ stop))
        moment[large] = found
        both = (found[:, :, None] * (signed @ start)[:, None, :]).reshape(len(found), -1)
        collision[large] = both - signed[:, 1:] @ inner[1:]  # the term k = 0 is m_ij, which drops out: nothing cancels
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


DEFAULT_ANGLES = 16  # per quarter turn: the flux through a gray slab is right to 5e-8
_SAME_FLOW_TOLERANCE = 1e-9  # relative difference of flows that count as one
_MIN_SQUARED_COSINE = 1e-12  # least square of a cosine
_MAX_KEPT_ELEMENTS = 2**17  # of each matrix of a layer that is kept, 1 MiB if real: 32 layers take 96 MiB at most
_MIN_STREAM_VELOCITY = 1e-9  # of the highest velocity: what moves less is taken to move that much


@frozen(eq=False, kw_only=True)
class Streams(BaseRecord):
    """The streams of a layer, sorted by group."""

    capacity: Array  # (S,) heat capacity of both directions, J m⁻³ K⁻¹
    velocity: Array  # (S,) |v_z|, m s⁻¹
    lifetime: Array  # (S,) s
    group: IndexArray  # (S,) increasing
    groups: int  # number of groups
    channel: IndexArray  # (S,) channel within its group; streams of one channel in two layers continue each other
    channels: int  # number of channels of a group
    cosine: Array  # (S,) of the angle to the normal; NaN where bands have velocities of their own

    @property
    def normal_path(self) -> Array:
        """(S,) mean free path along the normal, m."""
        return self.velocity * self.lifetime

    @property
    def flow(self) -> Array:
        """(S,) heat carried one way per kelvin, W m⁻² K⁻¹."""
        return self.capacity * self.velocity / 2

    def integrate_directions(self, value: NDArray[np.inexact]) -> NDArray[np.inexact]:
        """(G, ...) sums over the streams (S, ...) of each group."""
        total = np.zeros((self.groups, *value.shape[1:]), value.dtype)
        if value.shape[0]:
            first = np.flatnonzero(np.diff(self.group, prepend=-1))
            total[self.group[first]] = np.add.reduceat(value, first, axis=0)
        return total


def make_streams(carriers: Carriers, angles: int = DEFAULT_ANGLES) -> Streams:
    """Streams of all bands; bands without heat are left out."""
    used = np.flatnonzero(carriers.capacity > 0)
    used = used[np.argsort(carriers.group[used], kind="stable")]  # stable: channels of a group pair in band order
    capacity, velocity = carriers.capacity[used], carriers.velocity[used]
    lifetime, group = carriers.lifetime[used], carriers.group[used]
    velocity = np.maximum(velocity, _MIN_STREAM_VELOCITY * velocity.max())  # optical thickness h/vτ stays finite
    angle = np.full(capacity.size, np.nan)
    if carriers.isotropic:
        node, weight = gauss_legendre(angles)
        cosine, share = node**2, 2 * node * weight  # dense at grazing angles, where attenuation is singular
        angle = np.tile(cosine, capacity.size)
        capacity = (capacity[:, None] * share).ravel()
        velocity = (velocity[:, None] * cosine).ravel()
        lifetime, group = np.repeat(lifetime, angles), np.repeat(group, angles)
    counts = np.bincount(group, minlength=carriers.omega.size)
    channel = np.arange(group.size) - (np.cumsum(counts) - counts)[group]
    return Streams(
        capacity=capacity, velocity=velocity, lifetime=lifetime, group=group, groups=carriers.omega.size,
        channel=channel, channels=int(counts.max()), cosine=angle,
    )  # fmt: skip


def refracted_streams(layers: Sequence[Carriers], angles: int = DEFAULT_ANGLES) -> list[Streams]:
    r"""Streams of several isotropic layers that continue each other across specular boundaries.

    A specular boundary keeps the wave vector along the plane.  An isotropic band carries $E$ one way, of which
    $U = E(1 - \mu^2)$ by waves with less than a given $k_\parallel$, $U \propto k_\parallel^2$ alike in all layers
    (Snell's law).  So streams are nodes in U, in panels of `angles` nodes that end where a layer has no such waves.
    The bands of a group pair up in their order.
    """
    columns: list[list[tuple[float, ...]]] = [[] for _ in layers]
    most = 0
    for group in range(layers[0].omega.size):
        rows = [np.flatnonzero((layer.group == group) & (layer.capacity * layer.velocity > 0)) for layer in layers]
        channel = 0
        for band in range(max(row.size for row in rows)):
            held = [(i, int(row[band])) for i, row in enumerate(rows) if row.size > band]
            tops = {i: float(layers[i].capacity[k] * layers[i].velocity[k] / 4) for i, k in held}
            for edge, width, cosine_of in _refraction_panels(sorted(tops.values()), angles):
                for i, k in held:
                    if tops[i] < edge * (1 - _SAME_FLOW_TOLERANCE):  # no waves of this k∥ here: total reflection
                        continue
                    cosine, one = cosine_of(tops[i]), layers[i]
                    velocity = one.velocity[k] * cosine  # with C = 2w/v the flow Cv/2 = w is alike in all layers
                    for n in range(angles):
                        columns[i].append(
                            (2 * width[n] / velocity[n], velocity[n], one.lifetime[k], group, channel + n, cosine[n])
                        )
                channel += angles
        most = max(most, channel)
    return [
        Streams(
            capacity=capacity, velocity=velocity, lifetime=lifetime, group=group.astype(np.intp),
            groups=layer.omega.size, channel=channel.astype(np.intp), channels=most, cosine=angle,
        )
        for layer, column in zip(layers, columns, strict=True)
        for capacity, velocity, lifetime, group, channel, angle in [np.array(column).T]
    ]  # fmt: skip


def _refraction_panels(tops: list[float], angles: int) -> Iterator[tuple[float, Array, Callable[[float], Array]]]:
    """Panels between increasing tops: upper end, (n,) weights, and the cosines (n,) in a layer with a given top."""
    node, weight = gauss_legendre(angles)
    low = 0.0
    for high in tops:
        if high <= low * (1 + _SAME_FLOW_TOLERANCE):
            continue
        below, width = high - (high - low) * node**2, 2 * (high - low) * node * weight  # √(1 - U/E) is smooth in node

        def cosine_of(top: float, below: Array = below) -> Array:
            return np.sqrt(np.maximum(1 - below / top, _MIN_SQUARED_COSINE))

        yield high, width, cosine_of
        low = high


@frozen(eq=False)
class LayerMatrices(BaseRecord):
    """What a layer does to streams, its temperature a polynomial in each cell.

    `balance` is the heat that leaves the lattice of each place (row) for others, per kelvin there (column), W m⁻² K⁻¹.
    `left` and `right` are what streams that leave through a face carry of the temperature of each place; also what
    streams that enter there give to it.
    """

    balance: RealOrComplexArray  # (N, N)
    left: RealOrComplexArray  # (S, N)
    right: RealOrComplexArray  # (S, N)
    passed: RealOrComplexArray  # (S,) what is left of a stream behind the layer


@frozen
class _LayerOfCells(BaseRecord):
    """Streams and cells, equal where their numbers are."""

    content: tuple[bytes, ...]
    streams: Streams = field(eq=False)
    widths: Array = field(eq=False)


def layer_matrices(streams: Streams, widths: Array, rate: complex = 0.0) -> LayerMatrices:
    """Matrices of a layer of cells (C,), m, for changes in time as $e^{st}$; s is 0 or has no negative real part, s⁻¹.
    Those of small layers are kept: an inversion solves the same layers for many boundaries between them.
    """
    size = widths.size * CELL_POLYNOMIALS
    if size * max(size, streams.capacity.size) > _MAX_KEPT_ELEMENTS:
        return _compute_layer(streams, widths, rate)
    numbers = (streams.normal_path, streams.lifetime, streams.capacity, widths)
    return _kept_layer(_LayerOfCells(tuple(number.tobytes() for number in numbers), streams, widths), rate)


@lru_cache(maxsize=32)
def _kept_layer(layer: _LayerOfCells, rate: complex) -> LayerMatrices:
    matrices = _compute_layer(layer.streams, layer.widths, rate)
    for part in (matrices.balance, matrices.left, matrices.right, matrices.passed):
        part.flags.writeable = False
    return matrices


def _compute_layer(streams: Streams, widths: Array, rate: complex) -> LayerMatrices:
    kind = np.complex128 if rate else np.float64
    size, count = widths.size * CELL_POLYNOMIALS, streams.normal_path.size
    left, right = np.empty((2, count, size), kind)
    matrices = LayerMatrices(np.zeros((size, size), kind), left, right, np.empty(count, kind))
    step = max(1, CHUNK_SIZE // widths.size)  # bounds the memory for matrices of streams times cells
    for first in range(0, count, step):
        some = slice(first, first + step)
        reach, lifetime = streams.normal_path[some], streams.lifetime[some]
        slowed = 1 + rate * lifetime if rate else np.ones(lifetime.size)
        passed, moment, collision = cell_integrals(widths * (slowed / reach)[:, None])
        if rate:
            # T - <f> with f' = (T - a f)/l: the collision matrix holds T - a f
            collision = collision / slowed[:, None, None, None] + (1 - 1 / slowed)[:, None, None, None] * _MASS
        part = _assemble_layer(reach, widths, (passed, moment, collision), streams.capacity[some] / lifetime)
        matrices.balance[...] += part.balance
        matrices.left[some], matrices.right[some], matrices.passed[some] = part.left, part.right, part.passed
    return matrices


def _assemble_layer(
    reach: Array, widths: Array, cells: tuple[RealOrComplexArray, ...], lattice_coupling: Array
) -> LayerMatrices:
    """Join the cells of a layer: streams of a reach (S,) pass from one to the next, attenuated."""
    passed, moment, collision = cells
    size, count = widths.size * CELL_POLYNOMIALS, widths.size
    local = np.tensordot(lattice_coupling, collision, axes=(0, 0))
    given = widths[:, None] * moment
    taken = given * (-1.0) ** np.arange(CELL_POLYNOMIALS)  # leaving at ξ = 1, and φ_j(1 - ξ) = (-1)^j φ_j(ξ)
    weighted = (lattice_coupling / (2 * reach))[:, None, None] * given
    balance = np.zeros((size, size), passed.dtype)
    carried = np.zeros((reach.size, size), passed.dtype)
    for c in range(count):
        here, before = slice(c * CELL_POLYNOMIALS, (c + 1) * CELL_POLYNOMIALS), slice(0, c * CELL_POLYNOMIALS)
        balance[here, here] = widths[c] / 2 * (local[c] + local[c].T)  # transpose: streams the other way (reciprocity)
        if c:
            balance[here, before] = -weighted[:, c].T @ carried[:, before]
            balance[before, here] = balance[here, before].T
            carried[:, before] *= passed[:, c, None]
        carried[:, here] = taken[:, c]
    ahead = np.cumprod(np.concatenate([np.ones((passed.shape[0], 1)), passed], axis=1), axis=1)
    left = (ahead[:, :-1, None] * given).reshape(-1, size)
    return LayerMatrices(balance, left / reach[:, None], carried / reach[:, None], ahead[:, -1])
