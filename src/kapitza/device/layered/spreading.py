r"""How a patch of heat spreads along the layers: closed forms in pseudo-time.

A source of the distribution f(x, y), one watt, spreads for a pseudo-time τ (m²) as heat does in a plane,
$f \leftarrow e^{\tau\nabla^2} f$, and is then looked at in points or averaged over a patch: M(τ), m⁻².  For rectangles,
Gaussian spots and pixels of maps the two directions separate; each is a heat kernel, an error function or its integral,
with mirror images at the sides of a box, or a short cosine series once the spread is no longer small against the box.
A disc is one integral over its chords.
"""

from functools import lru_cache
from itertools import product

import numpy as np
from attrs import frozen
from scipy.special import erf, i0e, i1e, j1

from kapitza.core.arrays import Array
from kapitza.core.quadrature import panel_quadrature
from kapitza.core.records import BaseRecord
from kapitza.device.description import Box
from kapitza.device.shapes import Disc, GaussianSpot, HeatMap, Patch, Rectangle, SourceShape
from kapitza.errors import InputError

_MAX_IMAGE_RATIO = 36.0  # L²/τ above which mirror images beyond the next ones weigh less than 1e-15
_MAX_KERNEL_EXPONENT = 37.0  # of the exponent at which a kernel is gone
_COSINE_TERMS = 13  # cosines needed at that L²/τ
_SHARP_SPREAD = 1e-6  # of a cell, by which heat has spread where it enters
_CHORD_NODES = 48  # on the chords of a disc
_MANY_DISTANCES, _DISTANCE_TERMS = 160, 72  # from which the spread of a disc is a polynomial, and its terms
_MANY_POINTS, _KEPT_SPREADS = 256, 8  # points from which the spread of a disc is kept: properties of T ask again


@frozen(eq=False)
class LateralPoints(BaseRecord):
    """Points along the layers, x and y (n,), m."""

    x: Array
    y: Array


@frozen(eq=False)
class AxisRanges(BaseRecord):
    """Ranges on one axis, low and high (n,), m; points where both are the same."""

    low: Array
    high: Array

    @property
    def points(self) -> bool:
        """Whether these are points."""
        return bool((self.low == self.high).all())

    def image(self, shift: float, *, reflected: bool) -> "AxisRanges":
        """Moved by a shift, after a reflection at 0 if `reflected`."""
        if reflected:
            return AxisRanges(shift - self.high, shift - self.low)
        return AxisRanges(shift + self.low, shift + self.high)


Readout = LateralPoints | Patch


def point_ranges(x: Array) -> AxisRanges:
    """Return points as ranges."""
    return AxisRanges(x, x)


def source_ranges(shape: SourceShape | None, axis: int, side: float | None) -> tuple[AxisRanges, float]:
    """Ranges that a separable source takes on an axis, and the pseudo-time that its own width stands for, m²."""
    if isinstance(shape, GaussianSpot):
        centre = np.array([(shape.x, shape.y)[axis]])
        return point_ranges(centre), shape.radii[axis] ** 2 / 8  # exp(-2x²/w²) = exp(-x²/4τ)
    if isinstance(shape, HeatMap):
        edges = shape.edges[axis]
        return AxisRanges(edges[:-1], edges[1:]), 0.0
    low, high = (0.0, side or 0.0) if shape is None else shape.extent[axis]
    return AxisRanges(np.array([low]), np.array([high])), 0.0


def _axis_density(source: AxisRanges, at: AxisRanges, tau: Array, side: float | None) -> Array:
    """(nτ, ns, n) density on one axis at `at`, or averaged over it, of heat from each range of a source, m⁻¹.

    `tau` (nτ,) is the pseudo-time, m²; `side` that of the box, m, None where there is none.
    """
    found = np.zeros((tau.size, source.low.size, at.low.size))
    near = np.ones(tau.shape, dtype=bool) if side is None else tau < side**2 / _MAX_IMAGE_RATIO
    for shift, reflect in [(0.0, False)] if side is None else product((0.0, 2 * side, -2 * side), (False, True)):
        image = source.image(shift, reflected=reflect)
        gap = max(at.low.min() - image.high.max(), image.low.min() - at.high.max(), 0.0)
        reached = near & (gap**2 < 4 * _MAX_KERNEL_EXPONENT * tau)
        if reached.any():
            found[reached] += _unbounded_density(image, at, tau[reached])
    if side is not None and not near.all():
        k = np.pi / side * np.arange(1, _COSINE_TERMS + 1, dtype=np.float64)  # modes of the box
        decay = np.exp(-np.outer(tau[~near], k**2))
        modes = np.einsum("tk,ks,kn->tsn", decay, mean_cosine(k, source), mean_cosine(k, at))
        found[~near] = (1 + 2 * modes) / side
    return found


def _unbounded_density(source: AxisRanges, at: AxisRanges, tau: Array) -> Array:
    order = (not source.points) + (not at.points)  # each range integrates the kernel once more
    root = np.sqrt(tau)[:, None, None]

    def integral(z: Array) -> Array:
        scaled = z[None] / (2 * root)
        if order == 0:
            return np.exp(-(scaled**2)) / (2 * np.sqrt(np.pi) * root)
        if order == 1:
            return 0.5 * erf(scaled)
        return 0.5 * z * erf(scaled) + root / np.sqrt(np.pi) * np.exp(-(scaled**2))

    a, b = source.low[:, None], source.high[:, None]
    if source.points and at.points:
        return integral(at.low - a)
    if at.points:
        return (integral(at.low - a) - integral(at.low - b)) / (b - a)
    width = at.high - at.low
    if source.points:
        return (integral(at.high - a) - integral(at.low - a)) / width
    spread = integral(at.high - a) - integral(at.high - b) - integral(at.low - a) + integral(at.low - b)
    return spread / ((b - a) * width)


def box_wave_numbers(box: Box, counts: tuple[int, int]) -> tuple[Array, Array]:
    """Wave numbers of the first modes of a box along x and y, rad m⁻¹."""
    x, y = (np.arange(count, dtype=np.float64) for count in counts)
    return np.pi / box.width * x, np.pi / box.depth * y


def mean_cosine(k: Array, over: AxisRanges) -> Array:
    """(nk, n) mean of cos(k x) over ranges."""
    middle, half = (over.low + over.high) / 2, (over.high - over.low) / 2
    return np.cos(np.outer(k, middle)) * np.sinc(np.outer(k, half) / np.pi)


def cosine_moments(what: SourceShape | Readout | None, box: Box, kx: Array, ky: Array) -> Array:
    """(nx, ny) mean of cos kx cos ky over a source or a patch, or its value in one point."""
    if isinstance(what, LateralPoints):
        return np.outer(np.cos(kx * what.x[0]), np.cos(ky * what.y[0]))
    if isinstance(what, HeatMap):
        left, right = (mean_cosine(k, source_ranges(what, axis, None)[0]) for axis, k in enumerate((kx, ky)))
        return left @ (what.value / what.value.sum()) @ right.T
    if isinstance(what, Disc):
        middle = np.outer(np.cos(kx * what.x), np.cos(ky * what.y))
        return middle * jinc(np.hypot(kx[:, None], ky) * what.radius)
    factors: list[Array] = []
    for axis, (k, side) in enumerate(((kx, box.width), (ky, box.depth))):
        ranges, own = source_ranges(what, axis, side)
        factors.append(mean_cosine(k, ranges)[:, 0] * np.exp(-(k**2) * own))
    return np.outer(*factors)


def separable_densities(
    shape: SourceShape | None, at: tuple[AxisRanges, AxisRanges], tau: Array, box: Box | None, ratio: float = 1.0
) -> tuple[Array, Array]:
    """(nτ, nsx, nx) and (nτ, nsy, ny) of a separable source, m⁻¹ each; it spreads `ratio` times as fast along y."""
    sides = (None, None) if box is None else (box.width, box.depth)
    found: list[Array] = []
    for axis, speed in enumerate((1.0, ratio)):
        ranges, own = source_ranges(shape, axis, sides[axis])
        found.append(_axis_density(ranges, at[axis], tau * speed + own, sides[axis]))
    return found[0], found[1]


def lateral_spread(shape: SourceShape | None, at: Readout, tau: Array, box: Box | None, ratio: float = 1.0) -> Array:
    """(nτ, n) density of the heat of a source at points, or (nτ, 1) averaged over a patch, per watt, m⁻².

    Discs in layers that conduct differently along x and y are refused.
    """
    if isinstance(shape, Disc):
        if ratio != 1:
            raise InputError(f"a disc on layers with k_y/k_x = {ratio:.4g} is not modelled: take a rectangle")
        if isinstance(at, LateralPoints) and at.x.size >= _MANY_POINTS:
            return _kept_disc_spread(shape, at.x.tobytes(), at.y.tobytes(), tau.tobytes(), box)
        return _disc_spread(shape, at, tau, box)
    if isinstance(at, Disc):
        return lateral_spread(shape, _patch_points(at), tau, box, ratio).mean(axis=1, keepdims=True)
    x, y = separable_densities(shape, _readout_ranges(at), tau, box, ratio)
    if isinstance(shape, HeatMap):
        pixel = shape.share * np.outer(*(np.diff(edges) for edges in shape.edges))
        return np.einsum("tin,ij,tjn->tn", x, pixel, y, optimize=True)
    return x[:, 0] * y[:, 0]


def _readout_ranges(at: LateralPoints | Rectangle) -> tuple[AxisRanges, AxisRanges]:
    if isinstance(at, LateralPoints):
        return point_ranges(at.x), point_ranges(at.y)
    along_x, along_y = (AxisRanges(np.array([low]), np.array([high])) for low, high in at.extent)
    return along_x, along_y


def source_density(shape: SourceShape | None, cells: tuple[AxisRanges, AxisRanges], box: Box | None) -> Array:
    """(nx, ny) density of the heat of a source per watt, m⁻²: its mean over cells."""
    if isinstance(shape, Disc):
        images = [_disc_overlap(shape.radius, middle, cells) for middle in _disc_images(shape, box)]
        return np.sum(images, axis=0) / shape.area / np.outer(*(line.high - line.low for line in cells))
    start = _SHARP_SPREAD * min(float((line.high - line.low).min()) for line in cells)
    x, y = (one[0] for one in separable_densities(shape, cells, np.array([start**2]), box))
    if isinstance(shape, HeatMap):
        return x.T @ (shape.value / shape.value.sum()) @ y
    return np.outer(x, y)


def _disc_overlap(radius: float, middle: tuple[float, float], cells: tuple[AxisRanges, AxisRanges]) -> Array:
    """(nx, ny) area of a disc in each of adjacent cells, m²."""

    def half_segment(t: Array) -> Array:
        return (t * np.sqrt(1 - t**2) + np.arcsin(t)) / 2  # integral of (1 - t²)^½ from 0

    edges = (np.append(line.low, line.high[-1]) - at for line, at in zip(cells, middle, strict=True))
    x, y = (np.clip(edge / radius, -1, 1) for edge in edges)
    corner = np.sqrt(1 - y**2)  # a line at y bounds the disc up to this x, its rim beyond
    rim = np.maximum(half_segment(np.abs(x))[:, None] - half_segment(corner), 0.0)
    area = np.abs(y) * np.minimum(np.abs(x)[:, None], corner) + rim  # between the axes and lines at x and y
    return radius**2 * np.diff(np.diff(np.outer(np.sign(x), np.sign(y)) * area, axis=0), axis=1)


def rectangles_spread(
    flat: list[tuple[float, Rectangle]], at: LateralPoints | Rectangle, tau: Array, box: Box | None, ratio: float
) -> Array:
    """(nτ, n) sum of the spreads of many rectangles, each times its power, W m⁻²."""
    power = np.array([one for one, _ in flat])
    sides = (None, None) if box is None else (box.width, box.depth)
    factors: list[Array] = []
    for axis, (speed, seen) in enumerate(zip((1.0, ratio), _readout_ranges(at), strict=True)):
        low, high = np.array([shape.extent[axis] for _, shape in flat]).T
        factors.append(_axis_density(AxisRanges(low, high), seen, tau * speed, sides[axis]))
    return np.einsum("s,tsn,tsn->tn", power, *factors)


def _patch_points(patch: Patch) -> LateralPoints:
    if isinstance(patch, Disc):
        rings, turns = 16, 24
        radius = patch.radius * np.sqrt((np.arange(rings) + 0.5) / rings)  # rings of equal area
        angle = 2 * np.pi * (np.arange(turns) + 0.5) / turns
        x, y = (np.outer(radius, turn).ravel() for turn in (np.cos(angle), np.sin(angle)))
        return LateralPoints(patch.x + x, patch.y + y)
    count = (np.arange(24) + 0.5) / 24
    x, y = (low + (high - low) * count for low, high in patch.extent)
    return LateralPoints(np.repeat(x, 24), np.tile(y, 24))


@lru_cache(maxsize=_KEPT_SPREADS)
def _kept_disc_spread(disc: Disc, x: bytes, y: bytes, tau: bytes, box: Box | None) -> Array:
    """`lateral_spread` of a disc at points (n,) and times (nτ,), the same for all numbers of the layers."""
    found = _disc_spread(disc, LateralPoints(np.frombuffer(x), np.frombuffer(y)), np.frombuffer(tau), box)
    found.flags.writeable = False
    return found


def _disc_spread(disc: Disc, at: Readout, tau: Array, box: Box | None) -> Array:
    spots = at if isinstance(at, LateralPoints) else _patch_points(at)
    found = np.zeros((tau.size, spots.x.size))
    near = np.ones(tau.shape, dtype=bool) if box is None else tau < min(box.width, box.depth) ** 2 / _MAX_IMAGE_RATIO
    concentric = 0
    for x, y in _disc_images(disc, box):
        if isinstance(at, Disc) and at.radius == disc.radius and np.hypot(x - at.x, y - at.y) < 1e-9 * disc.radius:
            concentric += 1
            continue
        distance = np.hypot(spots.x - x, spots.y - y)
        gap = max(float(distance.min()) - disc.radius, 0.0)
        reached = near & (gap**2 < 4 * _MAX_KERNEL_EXPONENT * tau)
        if reached.any():
            found[reached] += _chord_integral(disc.radius, distance, tau[reached])
    if isinstance(at, LateralPoints):
        total = found
    else:
        total = found.mean(axis=1, keepdims=True)
        z = disc.radius**2 / (2 * tau[near])
        total[near, 0] += concentric * (1 - i0e(z) - i1e(z)) / disc.area
    if box is not None and not near.all():
        total[~near] = _disc_mode_sum(disc, at, tau[~near], box)
    return total


def _disc_images(disc: Disc, box: Box | None) -> list[tuple[float, float]]:
    if box is None:
        return [(disc.x, disc.y)]
    xs = [shift + sign * disc.x for shift in (0.0, 2 * box.width, -2 * box.width) for sign in (1, -1)]
    ys = [shift + sign * disc.y for shift in (0.0, 2 * box.depth, -2 * box.depth) for sign in (1, -1)]
    return list(product(xs, ys))


def _chord_integral(radius: float, distance: Array, tau: Array) -> Array:
    """(nτ, n) density at a distance (n,) from the middle of a disc, m⁻².

    Of many distances by a polynomial over those that the rim has reached: smooth in units of τ^½, to 1e-11.
    """
    if distance.size <= _MANY_DISTANCES:
        return _chord_sum(radius, distance, tau)
    from numpy.polynomial import chebyshev

    reach = np.sqrt(4 * _MAX_KERNEL_EXPONENT * tau)[:, None]
    low = np.maximum(np.maximum(radius - reach, 0.0), min(float(distance.min()), radius))
    high = np.maximum(np.minimum(radius + reach, float(distance.max())), low + 1e-9 * radius)
    place = np.cos(np.pi * (np.arange(_DISTANCE_TERMS) + 0.5) / _DISTANCE_TERMS)
    sampled = _chord_sum(radius, low + (high - low) * (place + 1) / 2, tau)
    terms = np.linalg.solve(chebyshev.chebvander(place, _DISTANCE_TERMS - 1), sampled.T)
    x = (2 * distance - low - high) / (high - low)
    found = chebyshev.chebval(np.clip(x, -1, 1), terms[:, :, None], tensor=False)
    return np.asarray(np.where(distance > radius + reach, 0.0, found), dtype=np.float64)


def _chord_sum(radius: float, distance: Array, tau: Array) -> Array:
    """The same at distances (n,), or (nτ, n) of their own for each time: an integral over chords x = a sin φ."""
    reach = np.sqrt(4 * _MAX_KERNEL_EXPONENT * tau)[:, None]  # nodes only where the kernel counts
    ends = [np.arcsin(np.clip((distance + sign * reach) / radius, -1, 1)) for sign in (-1, 1)]
    phi, weight = panel_quadrature(np.stack(ends, axis=-1), _CHORD_NODES)
    root = np.sqrt(4 * tau)[:, None, None]
    away = (distance[..., None] - radius * np.sin(phi)) / root
    chord = erf(radius * np.cos(phi) / root)
    inner = np.exp(-(away**2)) * chord * np.cos(phi) * radius / (np.sqrt(np.pi) * root)
    return np.sum(weight * inner, axis=-1) / (np.pi * radius**2)


def _disc_mode_sum(disc: Disc, at: Readout, tau: Array, box: Box) -> Array:
    least = min(box.width, box.depth)
    k = [np.pi / side * np.arange(int(np.ceil(_COSINE_TERMS * side / least)) + 1) for side in (box.width, box.depth)]
    size = np.hypot(k[0][:, None], k[1])
    twice = np.outer(np.where(k[0] > 0, 2.0, 1.0), np.where(k[1] > 0, 2.0, 1.0)) / box.area
    weight = twice * np.outer(np.cos(k[0] * disc.x), np.cos(k[1] * disc.y)) * jinc(size * disc.radius)
    spots = at if isinstance(at, LateralPoints) else _patch_points(at)
    if isinstance(at, Disc):
        seen = np.outer(np.cos(k[0] * at.x), np.cos(k[1] * at.y))[..., None] * jinc(size * at.radius)[..., None]
    else:
        seen = np.cos(np.outer(k[0], spots.x))[:, None] * np.cos(np.outer(k[1], spots.y))
        seen = seen if isinstance(at, LateralPoints) else seen.mean(axis=-1, keepdims=True)
    decay = np.exp(-np.multiply.outer(tau, size**2))
    return np.einsum("tij,ij,ijn->tn", decay, weight, seen, optimize=True)


def jinc(x: Array) -> Array:
    """2 J₁(x)/x."""
    small = np.where(x > 0, x, 1.0)
    return np.where(x > 0, 2 * j1(small) / small, 1.0)
