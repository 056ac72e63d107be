r"""The average over wave vectors for what changes with time: weights on equal steps of ln κ.

What a point or a patch reads is $\sum W(k_x, k_y)\,g(\kappa)$ over the modes of a box, or an integral where there is
none, with $\kappa^2 = k_x^2 + r k_y^2$ and g smooth in ln κ.  The weights of all modes are handed to a few hundred
nodes of equal steps of ln κ, each to the eight nearest by Lagrange's polynomials: g is then needed at these nodes only,
for all times and frequencies at once.
"""

import numpy as np
from attrs import frozen
from scipy.special import j0

from kapitza.core.arrays import Array
from kapitza.device.description import Box, Device
from kapitza.device.shapes import Disc, HeatMap, Shape
from kapitza.device.spread import Observed, Ranges, Spots, airy, mean_cosine, point_ranges, source_ranges, wave_numbers
from kapitza.errors import InputError

STEP = 0.03  # of ln κ: with eight nodes the error is below 1e-8 for what has no singularity within 22° of the axis
ORDER = 8
MOST = 6000  # modes along an axis
BLOCK = 2**18  # modes that are handed over at once
NODES = 10  # of Gauss and Legendre on each panel
EMPTY = 1e-4  # of the inverse of the largest length, below which wave vectors weigh nothing


@frozen(eq=False)
class Radial:
    """Weights of an average over wave vectors.

    Attributes
    ----------
    kappa : (nk,) rad m⁻¹
    weight : (nk,) m⁻²
    """

    kappa: Array
    weight: Array


@frozen(eq=False)
class Grid:
    """Nodes of equal steps of ln κ: the first at `low` (rad m⁻¹), `count` of them."""

    low: float
    count: int

    @property
    def kappa(self) -> Array:
        """(count,) rad m⁻¹."""
        return self.low * np.exp(STEP * np.arange(self.count))

    def handed(self, kappa: Array, weight: Array) -> Array:
        """(count,) weights of the nodes from those of any κ within them."""
        place = np.log(kappa / self.low) / STEP
        first = np.clip(np.floor(place).astype(int) - ORDER // 2 + 1, 0, self.count - ORDER)
        apart = place - first
        total = np.zeros(self.count)
        for i in range(ORDER):
            basis = weight.copy()
            for j in range(ORDER):
                if j != i:
                    basis *= (apart - j) / (i - j)
            total += np.bincount(first + i, basis, minlength=self.count)
        return total


def grid(low: float, high: float) -> Grid:
    """Nodes for all κ from `low` to `high`."""
    return Grid(low * np.exp(-STEP * ORDER), int(np.ceil(np.log(high / low) / STEP)) + 2 * ORDER + 1)


def radial(
    device: Device, shape: Shape | None, at: Observed, highest: float, *, ratio: float, longest: float
) -> Radial:
    """Weights with which a point or a patch reads a source of one watt, without the mean over a box.

    Parameters
    ----------
    device : its box, if there is one
    shape : of the source
    at : one point or a patch
    highest : κ up to which it is wanted, rad m⁻¹
    ratio : conductivity along y over that along x
    longest : m, how far heat goes in the longest time, for layers without sides
    """
    if device.box is None:
        return unbounded(shape, at, highest, ratio, longest)
    return boxed(device.box, shape, at, highest, ratio)


def boxed(box: Box, shape: Shape | None, at: Observed, highest: float, ratio: float) -> Radial:
    """Weights of the modes of a box."""
    if shape is None:
        return Radial(np.array([np.pi / box.width]), np.zeros(1))  # even heat has no other mode than the mean
    least = np.pi / max(box.width, box.depth / np.sqrt(ratio))
    nodes = grid(least, max(highest, 10 * np.pi / min(box.width, box.depth)))
    top = nodes.kappa[-ORDER]
    counts = int(top * box.width / np.pi) + 1, int(top * box.depth / np.pi / np.sqrt(ratio)) + 1
    if max(counts) > MOST:
        raise InputError(
            f"so short a time needs {max(counts)} modes along a side of {max(box.width, box.depth):g} m, at most "
            f"{MOST}: ask for later times, or take a smaller box around the source"
        )
    kx, ky = wave_numbers(box, counts)
    total = np.zeros(nodes.count)
    rows = max(1, BLOCK // ky.size)
    factors_y = np.where(ky > 0, 2.0, 1.0) / box.area
    for start in range(0, kx.size, rows):
        part = kx[start : start + rows]
        weight = modes(shape, box, part, ky) * modes(at, box, part, ky)
        weight *= np.outer(np.where(part > 0, 2.0, 1.0), factors_y)
        kappa = np.hypot(part[:, None], np.sqrt(ratio) * ky)
        kept = (kappa > 0) & (kappa <= top)
        total += nodes.handed(kappa[kept], weight[kept])
    return Radial(nodes.kappa, total)


def modes(what: Shape | Observed | None, box: Box, kx: Array, ky: Array) -> Array:
    """(nx, ny) mean of cos kx cos ky over a source or a patch, or its value in one point."""
    if isinstance(what, Spots):
        return np.outer(np.cos(kx * what.x[0]), np.cos(ky * what.y[0]))
    if isinstance(what, HeatMap):
        share = what.value / what.value.sum()
        sides = zip((kx, ky), what.edges, strict=True)
        left, right = (mean_cosine(k, Ranges(edges[:-1], edges[1:])) for k, edges in sides)
        return left @ share @ right.T
    if isinstance(what, Disc):
        middle = np.outer(np.cos(kx * what.x), np.cos(ky * what.y))
        return middle * airy(np.hypot(kx[:, None], ky) * what.radius)
    factors: list[Array] = []
    for axis, (k, side) in enumerate(((kx, box.width), (ky, box.depth))):
        ranges, own = source_ranges(what, axis, side)
        factors.append(mean_cosine(k, ranges)[:, 0] * np.exp(-(k**2) * own))
    return np.outer(*factors)


def unbounded(shape: Shape | None, at: Observed, highest: float, ratio: float, longest: float) -> Radial:
    """Weights of wave vectors in layers without sides."""
    if isinstance(shape, HeatMap) or shape is None:
        raise InputError(f"what changes with time in layers without sides takes no {shape!r:.20}: give a box")
    if isinstance(shape, Disc) or isinstance(at, Disc):
        return ring(shape, at, highest, longest)
    axes = [axis_weights(shape, at, axis, highest, longest) for axis in (0, 1)]
    (kx, x), (ky, y) = axes
    ky = ky * np.sqrt(ratio)
    nodes = grid(min(kx[0], ky[0]), 1.5 * max(kx[-1], ky[-1]))
    total = np.zeros(nodes.count)
    rows = max(1, BLOCK // ky.size)
    for start in range(0, kx.size, rows):
        part = slice(start, start + rows)
        kappa = np.hypot(kx[part, None], ky)
        weight = np.outer(x[part], y)
        total += nodes.handed(kappa.ravel(), weight.ravel())
    return Radial(nodes.kappa, total)


def ring(shape: Shape, at: Observed, highest: float, longest: float) -> Radial:
    """Weights of Hankel's integral for a disc read at a point, or averaged over itself."""
    same = isinstance(at, Disc) and isinstance(shape, Disc) and (at.x, at.y) == (shape.x, shape.y)
    if not isinstance(shape, Disc) or not (isinstance(at, Spots) or same):
        raise InputError(f"in layers without sides a disc is read at points or over itself, got {at!r:.60}")
    apart = 0.0 if not isinstance(at, Spots) else float(np.hypot(at.x[0] - shape.x, at.y[0] - shape.y))
    own = at.radius if isinstance(at, Disc) else 0.0
    reach = shape.radius + own + apart
    edges = panels(EMPTY / max(longest, reach), highest, np.pi / reach)
    k, dk = gauss(edges)
    weight = k * dk / (2 * np.pi) * airy(k * shape.radius) * airy(k * own) * j0(k * apart)
    nodes = grid(k[0], 1.01 * k[-1])
    return Radial(nodes.kappa, nodes.handed(k, weight))


def axis_weights(shape: Shape, at: Observed, axis: int, highest: float, longest: float) -> tuple[Array, Array]:
    """Nodes k and weights on one axis: what is read of cos k(x - x') of the source, times dk/π."""
    source, own = source_ranges(shape, axis, None)
    seen = point_ranges((at.x, at.y)[axis][:1]) if isinstance(at, Spots) else source_ranges(at, axis, None)[0]
    middle = float((source.low[0] + source.high[0] - seen.low[0] - seen.high[0]) / 2)
    widths = [float(r.high[0] - r.low[0]) / 2 for r in (source, seen)]
    reach = abs(middle) + sum(widths) + np.sqrt(own)
    edges = panels(EMPTY / max(longest, reach), highest, np.pi / reach)
    k, dk = gauss(edges)
    value = np.cos(k * middle) * np.sinc(k * widths[0] / np.pi) * np.sinc(k * widths[1] / np.pi) * np.exp(-(k**2) * own)
    return k, value * dk / np.pi


def gauss(edges: Array) -> tuple[Array, Array]:
    """Nodes and weights on panels."""
    node, weight = np.polynomial.legendre.leggauss(NODES)
    k = (edges[1:] + edges[:-1])[:, None] / 2 + np.diff(edges)[:, None] / 2 * node
    return k.ravel(), (np.diff(edges)[:, None] / 2 * weight).ravel()


def panels(low: float, high: float, widest: float) -> Array:
    """Edges of panels from 0 to `high` that double from `low` and are never wider than `widest`."""
    edges = [0.0, low]
    while edges[-1] < high:
        edges.append(edges[-1] + min(edges[-1], widest))
    if len(edges) * NODES > 4 * MOST:
        raise InputError(f"so short a time needs {len(edges) * NODES} wave vectors on an axis: ask for later times")
    return np.array(edges)
