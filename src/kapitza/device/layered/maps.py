r"""Temperatures on planes and on sections through a device.

On a plane of a box the temperature is a double cosine series, $T = \sum_{nm} Z(k_n, k_m) F_{nm} \cos k_nx \cos k_my$,
and a cosine transform sums it for all points at once, for any sources and conductivities along x and y.  A few
rectangles or Gaussian spots need no series: their closed forms in pseudo-time factor into x and y, and each point is
exact.
"""

import numpy as np
from attrs import asdict, evolve
from scipy.fft import dctn, idctn

from kapitza.core.arrays import Array, ComplexArray, number
from kapitza.device.description import Box, Device
from kapitza.device.layered.admittance import SpectralPoints
from kapitza.device.layered.linear import (
    STEADY_LAPLACE_VARIABLE,
    decay_time_bound,
    direct_share,
    flux_response,
    lateral_anisotropy,
    linear_device,
    rises_on_lines,
    sliced_waves,
    source_plane,
)
from kapitza.device.layered.spreading import AxisRanges, LateralPoints, box_wave_numbers, cosine_moments, source_density
from kapitza.device.layered.steady import solve_steady
from kapitza.device.results import BoundaryJump, PlaneFlux, TemperatureField, flux_on_plane
from kapitza.device.setup import Plane, slice_stack
from kapitza.device.shapes import Disc, HeatMap, SourceShape
from kapitza.errors import InputError

_MAX_CLOSED_FORM_SOURCES = 3  # separable sources up to which closed forms are faster than the transform
_MAX_MAP_POINTS = 4096  # points along an axis
_FIXED_FACE_COEFFICIENT = 1e20  # W m⁻² K⁻¹, 1e9 times that of the thinnest film that conducts best
_MAP_WINDOW_SIZES = 3.0  # sizes of the sources that a map shows where there is no box


def plane_map(device: Device, plane: Plane | None = None, points: tuple[int, int] = (256, 256)) -> TemperatureField:
    """Steady temperatures on a plane, the top face if None, in the middles of nx x ny equal cells.

    Properties of T are taken below the hottest point of the device, as `solve_layered` does.
    """
    plane = device.top() if plane is None else plane
    cells, numbers = _map_cells(device, points), _constant_device(device)
    x, y = ((line.low + line.high) / 2 for line in cells)
    cut = slice_stack(device.stack, (plane,))
    if numbers.box is None or _has_closed_forms(numbers):
        linear = linear_device(numbers, (plane,))
        node = linear.node(plane)
        value = rises_on_lines(linear, x, y, slice(node, node + 1))[0]
    else:
        value = _cosine_map(numbers, numbers.box, plane, points)
    return TemperatureField(plane.layer, x, y, value, cut.depths[cut.marks[0]])


def flux_map(device: Device, plane: Plane | None = None, points: tuple[int, int] = (256, 256)) -> PlaneFlux:
    """Steady heat flux down through a plane, the top face if None, in nx x ny equal cells.

    The admittance of what lies behind the plane times the temperature of each wave; on the side of the layer that the
    plane names, and below heat that enters on a plane within a layer: of what enters on the plane itself the mean over
    each cell, of the rest the flux in its middle.  Properties of T as for `plane_map`.
    """
    plane = device.top() if plane is None else plane
    cells, numbers = _map_cells(device, points), _constant_device(device)
    x, y = ((line.low + line.high) / 2 for line in cells)
    # flux into a face of fixed temperature is infinity times 0: a very large coefficient stands for it
    finite = {name: min(getattr(numbers, name), _FIXED_FACE_COEFFICIENT) for name in ("coefficient", "top_coefficient")}
    numbers = evolve(numbers, **finite)
    above = _is_bottom_face(numbers, plane)
    if numbers.box is None or _has_closed_forms(numbers):
        linear = linear_device(numbers, (plane,))
        responses: list[ComplexArray] = []
        for source in numbers.sources:
            hot_plane = source_plane(numbers, source)
            at = hot_plane.layer if source.volumetric else linear.node(hot_plane)
            responses.append(flux_response(linear.medium, linear.node(plane), at, above=above))
        value = rises_on_lines(evolve(linear, responses=tuple(responses)), x, y)[0]
    else:
        value = _cosine_map(numbers, numbers.box, plane, points, flux=True)
    cut = slice_stack(numbers.stack, (plane, *(source_plane(numbers, source) for source in numbers.sources)))
    node, *source_nodes = cut.marks
    for source, at in zip(numbers.sources, source_nodes, strict=True):
        share = 0.0 if source.volumetric else direct_share(cut, node, at, above=above)
        if share:
            value = value + share * source.power * source_density(source.shape, cells, numbers.box)
    return flux_on_plane(x, y, cut.depths[node], value, np.outer(*(line.high - line.low for line in cells)))


def _is_bottom_face(device: Device, plane: Plane) -> bool:
    cut = slice_stack(device.stack, (plane,))
    return cut.marks[0] == len(cut.pieces) or cut.owners[cut.marks[0]] != plane.layer


def _constant_device(device: Device) -> Device:
    """The device with constant properties: those below its hottest point."""
    return solve_steady(device).linear.device if device.is_nonlinear else device


def _has_closed_forms(device: Device) -> bool:
    """Whether the sources are few and separable, and all layers have one ratio of the conductivities along y and x."""
    separable = all(not isinstance(source.shape, (Disc, HeatMap)) for source in device.sources)
    if not separable or len(device.sources) > _MAX_CLOSED_FORM_SOURCES:
        return False
    try:
        lateral_anisotropy(device)
    except InputError:
        return False
    return True


def _map_cells(device: Device, points: tuple[int, int]) -> tuple[AxisRanges, AxisRanges]:
    if not all(1 <= n <= _MAX_MAP_POINTS for n in points):
        raise InputError(f"a map of {points[0]} x {points[1]} points: expected 1 to {_MAX_MAP_POINTS} along each axis")
    along_x, along_y = (np.linspace(*ends, n + 1) for ends, n in zip(_map_window(device), points, strict=True))
    return AxisRanges(along_x[:-1], along_x[1:]), AxisRanges(along_y[:-1], along_y[1:])


def _map_window(device: Device) -> tuple[tuple[float, float], tuple[float, float]]:
    """What a map shows: the box, or the surroundings of the sources."""
    if device.box is not None:
        return (0.0, device.box.width), (0.0, device.box.depth)
    ends = np.array([shape.extent for shape in device.shapes])
    low, high = ends[..., 0].min(axis=0), ends[..., 1].max(axis=0)
    middle, half = (low + high) / 2, _MAP_WINDOW_SIZES * (high - low) / 2
    (left, front), (right, back) = (middle - half).tolist(), (middle + half).tolist()
    return (left, right), (front, back)


def _cosine_map(device: Device, box: Box, plane: Plane, points: tuple[int, int], *, flux: bool = False) -> Array:
    """(nx, ny) rises, or fluxes down without `direct_share`, from a cosine transform."""
    planes = tuple(dict.fromkeys([plane, *(source_plane(device, source) for source in device.sources)]))
    cut = slice_stack(device.stack, planes)
    kx, ky = box_wave_numbers(box, points)
    x, y = np.repeat(kx, ky.size), np.tile(ky, kx.size)
    # at k = 0, where γ = 0, the recursion would be 0/0
    x[0] = np.sqrt(STEADY_LAPLACE_VARIABLE / decay_time_bound(device, cut))
    at = SpectralPoints(np.zeros((1, 1)), x, y)  # pyright: ignore[reportArgumentType]
    total, medium = np.zeros(points), sliced_waves(cut, device, at)
    for hot_plane, through in dict.fromkeys((source_plane(device, s), s.volumetric) for s in device.sources):
        if through:
            raise InputError(
                f"a map with {hot_plane.layer} heated throughout takes at most {_MAX_CLOSED_FORM_SOURCES} rectangles "
                "or spots"
            )
        own = [s for s in device.sources if source_plane(device, s) == hot_plane and not s.volumetric]
        heat = np.sum([s.power * _source_modes(s.shape, box, kx, ky) for s in own], axis=0)
        nodes = cut.marks[planes.index(hot_plane)], cut.marks[planes.index(plane)]
        if flux:
            found = flux_response(medium, *nodes[::-1], above=_is_bottom_face(device, plane))
        else:
            found = medium.response(*nodes)
        total += heat * np.real(found).reshape(kx.size, ky.size)
    # every mode but the first counts twice, of which the transform takes half; it divides by 2n along each axis
    total *= 4 * points[0] * points[1] / box.area
    return np.asarray(idctn(total, type=2, overwrite_x=True), dtype=np.float64)


def _source_modes(shape: SourceShape | None, box: Box, kx: Array, ky: Array) -> Array:
    """(nx, ny) mean of cos kx cos ky over a source: by a transform for a map whose pixels are those of the box."""
    sides = (0.0, box.width), (0.0, box.depth)
    if not isinstance(shape, HeatMap) or shape.value.shape != (kx.size, ky.size) or shape.extent != sides:
        return cosine_moments(shape, box, kx, ky)
    share = shape.value / shape.value.sum()
    pixel = np.outer(*(np.sinc(np.arange(n) / (2 * n)) for n in share.shape))  # from middles of pixels to their means
    return np.asarray(dctn(share, type=2), dtype=np.float64) / 4 * pixel  # type 2 doubles each axis


def section_map(device: Device, y: float | None = None, *, points: int = 241, per_layer: int = 15) -> TemperatureField:
    """Steady temperatures on a section along x and down through all layers, at y, m; through the hottest point if None.

    `per_layer` depths lie in each layer, denser at its faces; the depth of a boundary stands there twice, above and
    below.
    """
    solution = solve_steady(device, _section_planes(device, per_layer))
    place = float(solution.spot.y[0]) if y is None else number(y)
    low, high = (-np.inf, np.inf) if device.box is None else (0.0, device.box.depth)
    if not (low <= place <= high and np.isfinite(place)):
        raise InputError(f"a section at y = {place:g} m: the device reaches from {low:g} to {high:g} m")
    (left, right), middle = _map_window(device)[0], float(solution.spot.x[0])
    reach = (right - left) * np.geomspace(1e-4, 1, points // 4)  # half of the places lie close to the hottest point
    lines = [np.linspace(left, right, points // 2), [middle], middle + reach, middle - reach]
    x = np.unique(np.clip(np.concatenate(lines), left, right))
    rises = solution.linear.rise(LateralPoints(x, np.full(x.size, place)))
    depths = np.array(solution.linear.column.depths)
    ends = np.isfinite(depths)
    return TemperatureField("section", x, depths[ends], rises[ends].T, place)


def boundary_jumps(device: Device, points: tuple[int, int] = (64, 64)) -> dict[str, BoundaryJump]:
    """Temperature jumps at the boundaries that resist, by name "one|other", on a map of nx x ny points."""
    numbers = _constant_device(device)
    (left, right), (front, back) = _map_window(numbers)
    area = np.full(points, (right - left) * (back - front) / (points[0] * points[1]))
    jumps: dict[str, BoundaryJump] = {}
    for i, (name, boundary) in enumerate(zip(numbers.stack.boundary_names, numbers.stack.boundaries, strict=True)):
        resistance = boundary.resistance(numbers.sink)
        if not resistance:
            continue
        upper, lower = numbers.stack.layers[i : i + 2]
        maps = [plane_map(numbers, plane, points) for plane in (Plane(upper.name, from_bottom=True), Plane(lower.name))]
        first, second = (field.value for field in maps)
        through = flux_on_plane(maps[0].x, maps[0].y, maps[0].at, (first - second) / resistance, area)
        jumps[name] = BoundaryJump(**asdict(through), first=first.ravel(), second=second.ravel())
    return jumps


def _section_planes(device: Device, per_layer: int) -> tuple[Plane, ...]:
    """Planes in all layers, denser at the faces; in an infinite last one as deep as the sources are wide."""
    share = (1 - np.cos(np.pi * np.arange(1, per_layer) / per_layer)) / 2
    (left, right), _ = _map_window(device)
    planes: list[Plane] = []
    for layer in device.stack.layers:
        infinite = np.isinf(layer.thickness)
        depths = (right - left) * share[: per_layer // 2] * 2 if infinite else layer.thickness * share
        planes += [Plane(layer.name, float(depth)) for depth in depths]
    return tuple(planes)
