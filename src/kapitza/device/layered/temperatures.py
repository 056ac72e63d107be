"""Steady temperatures of a layered device and the views on them: maps, sections, fluxes, sensitivities, uncertainty."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import cast

import numpy as np
from attrs import asdict, evolve, field, frozen
from numpy.typing import ArrayLike
from scipy.fft import dctn, idctn

from kapitza.core.arrays import Array, ComplexArray, about, check_count, name_tuple, number
from kapitza.core.conductance import Conductance
from kapitza.core.records import values_by_name
from kapitza.device.description import Box, Device
from kapitza.device.layered.admittance import SpectralPoints
from kapitza.device.layered.linear import (
    LOG_TIME_STEP,
    STEADY_LAPLACE_VARIABLE,
    averaging_patches,
    decay_time_bound,
    direct_share,
    flux_response,
    lateral_anisotropy,
    linear_device,
    rises_on_lines,
    sliced_waves,
    source_plane,
    with_constant_properties,
)
from kapitza.device.layered.spreading import AxisRanges, LateralPoints, box_wave_numbers, cosine_moments, source_density
from kapitza.device.layered.steady import SteadySolution, implicit_derivatives, property_error, solve_steady
from kapitza.device.layered.transient import layered_response
from kapitza.device.layout import scale_conductance
from kapitza.device.results import (
    BoundaryJump,
    DeviceTemperatures,
    PlaneFlux,
    TemperatureField,
    TransientTemperatures,
    WaveformChoice,
    flux_on_plane,
)
from kapitza.device.setup import Plane, slice_stack
from kapitza.device.shapes import Disc, HeatMap, SourceShape
from kapitza.errors import InputError
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress, run_units

FINER_STEP = 0.6  # of the steps of the integral over pseudo-time, to see how exact it is
_ROUNDING = 1e-11  # of the rise: of sums, and of the inverse Laplace transform
_MAX_LINEAR_UNCERTAINTY = 0.3  # of a number, relative: the ends of its interval are then a factor 1.8 away
_DEVICES_PER_UNIT = 50  # devices that are drawn and solved together
_MAX_SAMPLES = 1_000_000  # devices that are drawn: half an hour, and more digits than anyone knows the inputs to
_SAMPLE_VERSION = "device-samples-1"  # part of the address of stored results
_QUANTILE = 1.959963984540054  # of 95 %


def device_parameters(
    device: Device, of_layers: tuple[str, ...] = ("conductivity", "in_plane", "thickness")
) -> tuple[str, ...]:
    """Names of all numbers on which the rise of a device depends, beside its power."""
    values = {f"{layer.name}.{name}": getattr(layer, name) for layer in device.stack.layers for name in of_layers}
    names = [name for name, value in values.items() if value is not None and np.isfinite(value)]
    boundaries = [f"{name}.conductance" for name in device.stack.boundary_names]
    names += [name for name in boundaries if np.isfinite(device.value(name))]
    names += [name for name in ("coefficient", "top_coefficient") if 0 < getattr(device, name) < np.inf]
    return tuple(names)


def _peak_sensitivities(device: Device, solution: SteadySolution) -> dict[str, float]:
    """Change of the peak with the logarithm of each number, by name, K; from differences where T matters."""
    names, at = device_parameters(device), (solution.spot, solution.node)
    if device.is_nonlinear or any(source.volumetric for source in device.sources):
        powers = [f"{source.name}.power" for source in device.sources]
        scaled = {name: partial(scale_device, device, name) for name in (*names, *powers)}
        slopes = implicit_derivatives(device, solution, scaled, lambda ready: ready.rise(*at))
        return {name: float(slope[0]) for name, slope in slopes.items()}
    powers = {f"{name}.power": rise for name, rise in solution.linear.shares(*at).items()}
    return solution.linear.changes(*at, names) | powers


def scale_device(device: Device, name: str, factor: float) -> Device:
    """The device with one number times a factor; a conductance of T as a whole."""
    owner = name.rpartition(".")[0]
    if owner in device.stack.boundary_names:
        boundary = device.stack.boundaries[device.stack.boundary_names.index(owner)]
        return device.replace({name: scale_conductance(boundary.conductance, factor)})
    return device.replace({name: device.value(name) * factor})


def relative_uncertainties(device: Device, kelvin: Mapping[str, float]) -> dict[str, float]:
    """Relative standard uncertainty of each number that has one, by name; of a saved conductance at its temperature."""
    relative = {name: sigma / abs(device.value(name)) for name, sigma in device.uncertain.items()}
    for name, boundary in zip(device.stack.boundary_names, device.stack.boundaries, strict=True):
        g, key = boundary.conductance, f"{name}.conductance"
        if isinstance(g, Conductance) and g.sigma is not None and key not in relative:
            relative[key] = float(np.interp(kelvin.get(name, device.sink), g.temperature, g.sigma / g.value))
    return relative


_NOT_SENSED = ("width", "depth", "sink")  # of a device: geometry that other lengths follow, and what rises count from


def sensed_numbers(relative: Mapping[str, float]) -> dict[str, float]:
    """Relative uncertainties of numbers on which the rise is known to depend, by name."""
    return {name: size for name, size in relative.items() if name not in _NOT_SENSED}


def sample_peaks(
    device: Device,
    samples: int = 400,
    seed: int = 0,
    *,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> Array:
    """(samples,) peak rises of devices with numbers drawn from their uncertainties, K.

    Each number is drawn from the log-normal distribution of which it is the median and its relative uncertainty the
    standard deviation of the logarithm: for small ones a normal distribution, and never below zero.

    Parameters
    ----------
    device : with uncertainties
    samples : devices that are drawn
    seed : of the random numbers
    store, executor, progress : as in `run_units`; groups of devices are its units

    Raises
    ------
    InputError
        for less than one sample or more than a million, and where no number of the device has an uncertainty
    """
    solution = solve_steady(device)
    relative = sensed_numbers(relative_uncertainties(device, solution.property_temperature))
    units = sample_units(device, relative, samples, seed, _DEVICES_PER_UNIT)
    work = partial(unit_peaks, partial(_scaled_peak, device, solution))
    parts = run_units(work, units, version=_SAMPLE_VERSION, store=store, executor=executor, progress=progress)
    return np.concatenate([np.asarray(part["peak"], dtype=float) for part in parts])


def sample_units(
    device: Device, relative: Mapping[str, float], samples: int, seed: int, per_unit: int
) -> list[UnitInputs]:
    """Names of uncertain numbers, and the factors (n, names) with which they are drawn: see `sample_peaks`."""
    check_count("samples", samples)
    if samples > _MAX_SAMPLES:
        raise InputError(f"samples = {samples:,}: expected at most {_MAX_SAMPLES:,}, at some milliseconds each")
    if not relative:
        raise InputError(f"no number of {device.title} has an uncertainty: there is nothing to sample")
    names = sorted(relative)
    widths = np.array([relative[name] for name in names])
    factors = np.exp(np.random.default_rng(seed).standard_normal((samples, len(names))) * widths)
    starts = range(0, samples, per_unit)
    return [{"device": device, "names": names, "factors": factors[i : i + per_unit]} for i in starts]


def unit_peaks(peak: Callable[[Mapping[str, float]], float], unit: UnitInputs) -> UnitResult:
    """Kernel: `peak` of the factors of a unit by name, K."""
    names, factors = cast("Sequence[str]", unit["names"]), np.asarray(unit["factors"], dtype=float)
    return {"peak": np.array([peak(dict(zip(names, row, strict=True))) for row in factors.tolist()])}


def peaks_at_interval_ends(device: Device) -> dict[str, tuple[float, float]]:
    """Lowest and highest peak rise with one number at the ends of its 95 % interval, K, by the name of the number.

    For each number of which the relative uncertainty is above 0.3, such as the calibrated estimate of a conductance:
    there the rise is far from a straight line in the number, and a standard deviation says little.  The number is
    log-normal, as in `sample_peaks`; all others stay as they are.
    """
    solution = solve_steady(device)
    relative = sensed_numbers(relative_uncertainties(device, solution.property_temperature))
    return interval_ends(relative, partial(_scaled_peak, device, solution))


def interval_ends(
    relative: Mapping[str, float], peak: Callable[[Mapping[str, float]], float]
) -> dict[str, tuple[float, float]]:
    """Lowest and highest `peak` of factors by name, each number of a large relative uncertainty at its ends, K."""
    ends: dict[str, tuple[float, float]] = {}
    for name, size in relative.items():
        if size > _MAX_LINEAR_UNCERTAINTY:
            factor = float(np.exp(_QUANTILE * size))
            low, high = sorted(peak({name: end}) for end in (1 / factor, factor))
            ends[name] = low, high
    return ends


def measured_uncertainties(device: Device, found: DeviceTemperatures, relative: float = 0.2) -> dict[str, float]:
    """Standard uncertainty of the peak rise if one boundary were measured, K, by its conductance, the least first.

    To first order, as that of `found`; boundaries that are known better than `relative` are left out.
    """
    known, total = relative_uncertainties(device, found.property_temperature), found.sigma or 0.0
    squares: dict[str, float] = {}
    for name, share in found.contribution.items():
        size = known.get(name, 0.0)
        if name.endswith(".conductance") and size > relative:
            squares[name] = total**2 - share**2 * (1 - (relative / size) ** 2)
    return {name: float(np.sqrt(max(squares[name], 0.0))) for name in sorted(squares, key=squares.__getitem__)}


def _scaled_peak(device: Device, solution: SteadySolution, factors: Mapping[str, float]) -> float:
    """Peak of a device with numbers times factors: at the same place where nothing depends on T, else solved anew."""
    changed = device
    for name, factor in factors.items():
        changed = scale_device(changed, name, factor)
    if device.is_nonlinear:
        return solve_steady(changed, start=solution.values).peak
    return float(linear_device(with_constant_properties(changed, {})).rise(solution.spot, solution.node)[0])


@frozen(eq=False, kw_only=True)
class LayeredTemperatures(DeviceTemperatures):
    """Steady temperatures of a layered device, which any plane, section and boundary can be asked for.

    With a tolerance (`solve`) the peak, averages and drops hold what properties of T change by varying within layers;
    planes, sections, jumps and sensitivities are those with one number for each.

    Examples
    --------
    >>> from kapitza import Device, Layer, Stack, solve
    >>> from kapitza.device import Box, HeatSource, Rectangle
    >>> finger = Rectangle((0, 2e-6), (0, 25e-6))
    >>> layers = [Layer("GaN", 2e-6, 150.0), Layer("SiC", 100e-6, 390.0)]
    >>> chip = Device(Stack(layers, [5e7]), [HeatSource("finger", 0.05, finger)], Box(100e-6, 100e-6))
    >>> found = solve(chip)
    >>> print(f"{found.peak:.1f} K above the sink")
    27.8 K above the sink
    >>> print({name: f"{share:.0%}" for name, share in found.share.items()})
    {'GaN': '33%', 'GaN|SiC': '32%', 'SiC': '35%'}
    """

    device: Device
    cells: int = field(default=0, metadata=about("1", "of the finest grid that this variation came from; 0 for none"))
    error: Mapping[str, float] = values_by_name(about("K", "estimated with it, by name"))

    def errors(self) -> dict[str, float]:
        """Estimated numerical error of the hottest point, "peak", and of the rise of each patch, by name, K.

        Where properties depend on temperature that of the peak alone: what one number for each layer leaves out, to the
        next order, or as it came with the tolerance.  Else the change on finer steps of the integral over pseudo-time.
        """
        if self.error:
            return dict(self.error)
        solution = solve_steady(self.device)
        linear = solution.linear
        finer = linear_device(linear.device, linear.planes, FINER_STEP * LOG_TIME_STEP)
        change = abs(float(finer.rise(solution.spot, solution.node)[0]) - self.peak)
        if self.device.is_nonlinear:
            return {"peak": change + property_error(self.device, solution)}
        errors: dict[str, float] = {}
        for name, (at, patch) in averaging_patches(self.device).items():
            errors[name] = abs(float(finer.rise(patch, finer.node(at))[0]) - self.average[name])
        errors["peak"] = change
        return {name: size + _ROUNDING * self.peak for name, size in errors.items()}

    @property
    def jumps(self) -> Mapping[str, BoundaryJump]:
        """Temperature jumps at all boundaries that resist, by name "one|other", on 64 x 64 points."""
        device = _constant_device(self.device)
        (left, right), (front, back) = _map_window(device)
        area = np.full(_JUMP_POINTS, (right - left) * (back - front) / np.prod(_JUMP_POINTS))
        jumps: dict[str, BoundaryJump] = {}
        for i, (name, boundary) in enumerate(zip(device.stack.boundary_names, device.stack.boundaries, strict=True)):
            resistance = boundary.resistance(device.sink)
            if not resistance:
                continue
            upper, lower = device.stack.layers[i : i + 2]
            above = plane_map(device, Plane(upper.name, from_bottom=True), _JUMP_POINTS)
            first, second = above.value, plane_map(device, Plane(lower.name), _JUMP_POINTS).value
            through = flux_on_plane(above.x, above.y, above.at, (first - second) / resistance, area)
            jumps[name] = BoundaryJump(**asdict(through), first=first.ravel(), second=second.ravel())
        return jumps

    def plane(self, plane: Plane | None = None, points: tuple[int, int] = (256, 256)) -> TemperatureField:
        """Rises on a plane, the top face if None: as `plane_map`."""
        return plane_map(self.device, plane, points)

    def flux(self, plane: Plane | None = None, points: tuple[int, int] = (256, 256)) -> PlaneFlux:
        """Heat down through a plane, the top face if None; just below a source on it: as `flux_map`."""
        return flux_map(self.device, plane, points)

    def section(self, y: float | None = None, *, points: int = 241, per_layer: int = 15) -> TemperatureField:
        """Rises on a section along x and down through all layers: as `section_map`."""
        return section_map(self.device, y, points=points, per_layer=per_layer)

    def respond(self, time: ArrayLike, waveform: WaveformChoice = "stated") -> TransientTemperatures:
        """Rises against time, with properties of T at the steady state.

        Parameters
        ----------
        time : (nt,) s, above zero; may span many decades
        waveform : "stated", each source on its own waveform: steady ones have been on for ever, steps and counted
            pulses begin at t = 0, trains of pulses have no beginning, a periodic source adds the real part of its
            response; "step", all switched on together at t = 0

        Raises
        ------
        InputError
            for layers without heat capacity, or times so short that the box would need too many modes
        """
        return layered_response(self.device, time, waveform)

    def sensitivities(self, names: str | Sequence[str] | None = None) -> dict[str, float]:
        """Change of the peak per relative change of each number, ∂T/∂ln p, by name, K."""
        found = dict(self.sensitivity) or _peak_sensitivities(self.device, solve_steady(self.device))
        wanted = found if names is None else name_tuple(names)
        unknown = [name for name in wanted if name not in found]
        if unknown:
            raise InputError(f"{self.title} has no sensitivity to {unknown[0]!r}: it has {', '.join(found)}")
        return {name: found[name] for name in wanted}


def solve_layered(device: Device, *, sensitivity: bool = True) -> LayeredTemperatures:
    """Steady temperatures of a device with constant power: all sources on.

    Exact for numbers that do not depend on temperature: every point is a single integral over all wave vectors at once
    (`kapitza.device.layered.linear`), without a grid.  For properties that depend on temperature see `solve_steady`.
    The `sensitivity` of the peak to each number comes from one adjoint solution (from differences where properties
    depend on T or layers are heated throughout).
    """
    solution = solve_steady(device)
    linear, column = solution.linear, solution.linear.column
    rises = linear.rise(solution.spot)[:, 0]
    drops: dict[str, float] = {}
    for i in range(solution.node, len(column.pieces)):
        drops[column.owners[i]] = drops.get(column.owners[i], 0.0) + float(rises[i] - rises[i + 1])
    if np.isfinite(device.coefficient) and rises[-1]:
        drops["sink"] = float(rises[-1])
    on_planes = zip(linear.planes, column.marks, strict=True)
    plane = next((plane for plane, mark in on_planes if mark == solution.node), None)
    slopes = _peak_sensitivities(device, solution) if sensitivity else {}
    relative = relative_uncertainties(device, solution.property_temperature)
    patches = averaging_patches(device).items()
    return LayeredTemperatures(
        device=device,
        title=device.title,
        sink=device.sink,
        power=device.power,
        peak=solution.peak,
        place=[float(solution.spot.x[0]), float(solution.spot.y[0]), column.depths[solution.node]],
        layer=column.owners[min(solution.node, len(column.pieces) - 1)] if plane is None else plane.layer,
        average={name: float(linear.rise(patch, linear.node(at))[0]) for name, (at, patch) in patches},
        drop=drops,
        sensitivity=slopes,
        contribution={name: abs(slopes[name]) * part for name, part in relative.items() if part and name in slopes},
        property_temperature=solution.property_temperature,
        iterations=solution.iterations,
    )


_MAX_CLOSED_FORM_SOURCES = 3  # separable sources up to which closed forms are faster than the transform
_MAX_MAP_POINTS = 4096  # points along an axis
_JUMP_POINTS = (64, 64)  # of the map of a jump
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
    return solve_steady(device).linear.device if device.is_nonlinear else device


def _has_closed_forms(device: Device) -> bool:
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
    r"""(nx, ny) rises, or fluxes down without `direct_share`, from a cosine transform.

    On a plane of a box the temperature is a double cosine series, $T = \sum_{nm} Z(k_n, k_m) F_{nm} \cos k_nx \cos
    k_my$, and the transform sums it for all points at once, for any sources and conductivities along x and y.
    """
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
    (left, right), _ = _map_window(device)
    share = (1 - np.cos(np.pi * np.arange(1, per_layer) / per_layer)) / 2
    planes: list[Plane] = []
    for layer in device.stack.layers:  # in an infinite last one as deep as the sources are wide
        infinite = np.isinf(layer.thickness)
        depths = (right - left) * share[: per_layer // 2] * 2 if infinite else layer.thickness * share
        planes += [Plane(layer.name, float(depth)) for depth in depths]
    solution = solve_steady(device, tuple(planes))
    place = float(solution.spot.y[0]) if y is None else number(y)
    low, high = (-np.inf, np.inf) if device.box is None else (0.0, device.box.depth)
    if not (low <= place <= high and np.isfinite(place)):
        raise InputError(f"a section at y = {place:g} m: the device reaches from {low:g} to {high:g} m")
    middle = float(solution.spot.x[0])
    reach = (right - left) * np.geomspace(1e-4, 1, points // 4)  # half of the places lie close to the hottest point
    lines = [np.linspace(left, right, points // 2), [middle], middle + reach, middle - reach]
    x = np.unique(np.clip(np.concatenate(lines), left, right))
    rises = solution.linear.rise(LateralPoints(x, np.full(x.size, place)))
    depths = np.array(solution.linear.column.depths)
    ends = np.isfinite(depths)
    return TemperatureField("section", x, depths[ends], rises[ends].T, place)
