"""Where a device is hottest."""

from itertools import product

import numpy as np

from kapitza.core.arrays import Array
from kapitza.device.description import Box
from kapitza.device.linear import Linear, plane_of
from kapitza.device.shapes import HeatMap, Shape
from kapitza.device.spread import Spots

FEW = 8  # sources, up to which each is looked at closely
ROUNDS = 5
PIXELS = 40  # of a map that are tried


def hottest(solved: Linear) -> tuple[Spots, int, float]:
    """The hottest point: where it lies along the layers, its node, and its rise (K).

    It is looked for on the planes that heat enters, at and around the sources, on ever finer grids.
    """
    best: tuple[Spots, int, float] | None = None
    for node in heated_nodes(solved):
        spots, step = candidates(solved)
        found = solved.rise(spots, node)
        for _ in range(ROUNDS):
            i = int(np.argmax(found))
            top = Spots(spots.x[i : i + 1], spots.y[i : i + 1])
            if best is None or found[i] > best[2]:
                best = top, node, float(found[i])
            if step == 0:
                break
            spots, step = around(top, step, solved.device.box), step / 4
            found = solved.rise(spots, node)
    if best is None:
        raise AssertionError  # a device has a source
    return best


def heated_nodes(solved: Linear) -> tuple[int, ...]:
    """Nodes at which heat enters; for a layer that is heated throughout, all that lie in it."""
    nodes: set[int] = set()
    for source in solved.device.sources:
        plane = plane_of(solved.device, source)
        if source.through:
            for i in solved.column.within(plane.layer):
                nodes |= {i, i + 1}
        else:
            nodes.add(solved.node(plane))
    return tuple(sorted(nodes))


def candidates(solved: Linear) -> tuple[Spots, float]:
    """Points to start from, and how far apart they lie, m."""
    shapes = [source.shape for source in solved.device.sources if source.shape is not None]
    if not shapes:
        return Spots(np.zeros(1), np.zeros(1)), 0.0
    side = 9 if len(shapes) <= FEW else 3
    places = [tried(shape, side, solved.device.box) for shape in shapes]
    x, y = (np.concatenate([place[axis] for place in places]) for axis in (0, 1))
    widths = [max(high - low for low, high in shape.extent) for shape in shapes]
    return Spots(x, y), max(widths) / (side - 1)


def tried(shape: Shape, side: int, box: Box | None) -> tuple[Array, Array]:
    """Points of a shape that may be the hottest: a grid over it, or the pixels with most heat around them."""
    if isinstance(shape, HeatMap):
        order = np.argsort(shape.value, axis=None)[-PIXELS:]
        i, j = np.unravel_index(order, shape.value.shape)
        middles = [(edges[:-1] + edges[1:]) / 2 for edges in shape.edges]
        return middles[0][i], middles[1][j]
    ends = shape.extent if box is None else ((0.0, box.width), (0.0, box.depth))
    both = zip(shape.extent, ends, strict=True)
    lines = [np.linspace(max(low, start), min(high, end), side) for (low, high), (start, end) in both]
    pairs = np.array(list(product(*lines)))
    return pairs[:, 0], pairs[:, 1]


def around(top: Spots, step: float, box: Box | None) -> Spots:
    """A grid of 5 x 5 points around one, inside of the box."""
    offsets = np.array(list(product((-1, -0.5, 0, 0.5, 1), repeat=2))) * step
    x, y = top.x[0] + offsets[:, 0], top.y[0] + offsets[:, 1]
    if box is not None:
        x, y = np.clip(x, 0, box.width), np.clip(y, 0, box.depth)
    pairs = np.unique(np.stack([x, y]), axis=1)
    return Spots(pairs[0], pairs[1])
