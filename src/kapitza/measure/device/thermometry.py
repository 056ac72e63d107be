"""Measured temperatures of a device, what the device shows at those places, and how that depends on its numbers."""

from collections.abc import Mapping
from functools import partial
from typing import Self

import numpy as np
from attrs import converters, evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, finite, numbers, positive, square, temperatures
from kapitza.core.conductance import Conductance
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Stack
from kapitza.device.description import Device, check_inside_box
from kapitza.device.layered import linear
from kapitza.device.layered.linear import LinearDevice, plane_response, response_derivatives
from kapitza.device.layered.spreading import LateralPoints, Readout
from kapitza.device.layered.steady import SteadySolution, implicit_derivatives, solve_steady
from kapitza.device.layered.temperatures import device_parameters, scale_device
from kapitza.device.setup import Plane, locate_plane
from kapitza.device.shapes import Disc, Rectangle
from kapitza.errors import InputError
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.problem import DataSet

# standard uncertainties below the sink, beyond which a temperature cannot be one of this device
_MAX_COLD_DEVIATIONS = 10.0
_EACH_SIGMA = about("K", "(n,) standard uncertainty of each temperature")
_COVARIANCE = about("K^2", "(n, n) covariance of the temperatures")


@frozen(eq=False)
class MeasurementPlace(BaseRecord):
    """Points of a plane, or a patch of it over which a temperature is averaged.

    Examples
    --------
    >>> from kapitza.device import Plane, Rectangle
    >>> from kapitza.thermometry import MeasurementPlace
    >>> gate = MeasurementPlace(Plane("GaN"), Rectangle((0.0, 1e-6), (0.0, 1e-4)))
    >>> print(gate.plane.layer)
    GaN
    """

    plane: Plane
    at: Readout

    @property
    def count(self) -> int:
        """Number of temperatures."""
        return self.at.x.size if isinstance(self.at, LateralPoints) else 1


def _measurement_places(value: object) -> tuple[MeasurementPlace, ...]:
    found = tuple(value) if isinstance(value, (tuple, list)) else ()
    if not found or not all(isinstance(one, MeasurementPlace) for one in found):
        raise InputError(f"expected the places of measured temperatures, got {value!r:.60}")
    return found


@frozen(eq=False)
class MeasuredTemperatures(BaseRecord):
    """Temperatures and where in a device they were measured.

    Attributes
    ----------
    places : where, in the order of the temperatures
    temperature : not rises
    sigma : one number for all of them also serves
    covariance : instead of sigma, if errors are correlated, as those of a thermometer's calibration are
    name : for messages

    Raises
    ------
    InputError
        for NaN, unequal lengths, uncertainties not above zero, none or both of sigma and covariance, and an
        invalid covariance

    Examples
    --------
    >>> from kapitza.examples import gallium_nitride_chip
    >>> from kapitza.thermometry import patch_temperatures, predicted_temperatures
    >>> chip = gallium_nitride_chip()
    >>> measured = patch_temperatures(chip, {"finger": (325.0, 0.3)})
    >>> print(measured.temperature, measured.each_sigma(), predicted_temperatures(chip, measured).round(1))
    [325.] [0.3] [324.6]
    """

    places: tuple[MeasurementPlace, ...] = field(converter=_measurement_places)
    temperature: Array = field(converter=lambda t: temperatures(finite(t)), metadata=about("K", "temperature"))
    sigma: Array | None = field(default=None, converter=converters.optional(positive), metadata=_EACH_SIGMA)
    covariance: Array | None = field(
        default=None, converter=converters.optional(square), kw_only=True, metadata=_COVARIANCE
    )
    name: str = field(default="temperatures", kw_only=True)

    def __attrs_post_init__(self) -> None:
        count, size = sum(place.count for place in self.places), self.temperature.size
        if count != size:
            raise InputError(f"{self.name}: {size} temperatures for {count} places")
        if (self.sigma is None) == (self.covariance is None):
            raise InputError(f"{self.name}: expected the uncertainty as sigma or as covariance, in K, one of the two")
        if self.sigma is not None and self.sigma.size not in (1, size):
            raise InputError(f"{self.name}: {self.sigma.size} uncertainties for {size} temperatures")
        if self.covariance is not None and self.covariance.shape != (size, size):
            raise InputError(f"{self.name}: covariance {self.covariance.shape} for {size} temperatures")
        self.root()

    def each_sigma(self) -> Array:
        """(n,) standard uncertainty of each temperature, K."""
        if self.covariance is not None:
            return np.sqrt(np.diag(self.covariance))
        return np.broadcast_to(np.zeros(1) if self.sigma is None else self.sigma, self.temperature.shape).copy()

    def root(self) -> NDArray[np.float64]:
        """(n, n) lower triangle L with covariance = L Lᵀ; (n,) if no errors are correlated."""
        if self.covariance is None:
            return self.each_sigma()
        if not np.abs(self.covariance - self.covariance.T).max() <= 1e-9 * np.abs(self.covariance).max():
            raise InputError(f"{self.name}: the covariance is not symmetric")
        try:
            return np.asarray(np.linalg.cholesky(self.covariance), dtype=np.float64)
        except np.linalg.LinAlgError as err:
            low = np.linalg.eigvalsh(self.covariance)[0]
            raise InputError(f"{self.name}: the covariance has the eigenvalue {low:.3g} K², wanted above 0") from err


def point_temperatures(
    plane: Plane,
    x: ArrayLike,
    y: ArrayLike,
    temperature: ArrayLike,
    sigma: ArrayLike | None = None,
    *,
    covariance: ArrayLike | None = None,
    name: str = "temperatures",
) -> MeasuredTemperatures:
    """Temperatures at points of a plane, such as a map of the surface.

    Parameters
    ----------
    plane : of the device, `Device.top()` for its surface
    x, y : (n,) along the layers, m
    temperature : (n,) K; NaN is refused: omit such pixels
    sigma : (n,) or one number, K
    covariance : (n, n) K², instead
    name : for messages
    """
    spots = LateralPoints(finite(np.ravel(x)), finite(np.ravel(y)))
    if spots.x.size != spots.y.size:
        raise InputError(f"{name}: {spots.x.size} x for {spots.y.size} y")
    errors, places = None if sigma is None else np.ravel(sigma), [MeasurementPlace(plane, spots)]
    return MeasuredTemperatures(places, np.ravel(temperature), errors, covariance=covariance, name=name)


def patch_temperatures(device: Device, measured: Mapping[str, tuple[float, float]]) -> MeasuredTemperatures:
    """Temperatures averaged over patches or sources of a device, by name: (K, standard uncertainty in K).

    Examples
    --------
    >>> from kapitza.examples import gallium_nitride_chip
    >>> from kapitza.thermometry import fit_device, patch_temperatures
    >>> chip = gallium_nitride_chip()
    >>> found = fit_device(chip, patch_temperatures(chip, {"finger": (325.0, 0.3)}), free=["GaN|SiC.conductance"])
    >>> print(f"{found.value[0] / 1e6:.1f} ± {found.sigma[0] / 1e6:.1f} MW/m²K")
    45.7 ± 2.7 MW/m²K
    """
    known = linear.averaging_patches(device)
    for name in measured:
        if name not in known:
            raise InputError(f"{device.title} has no patch {name!r}: there are {', '.join(known) or 'none'}")
    places = [MeasurementPlace(*known[name]) for name in measured]
    return MeasuredTemperatures(places, [t for t, _ in measured.values()], [s for _, s in measured.values()])


def section_temperatures(
    device: Device,
    measured: Profile | TemperatureMap,
    boundary: str,
    at: float,
    *,
    x: float = 0.0,
    y: float = 0.0,
    normal: int = 0,
    skip: float = 0.0,
) -> MeasuredTemperatures:
    """Temperatures against depth across a boundary, as an electron microscope takes them.

    Parameters
    ----------
    device : whose boundary is seen
    measured : profile, or map of one or two axes; pixels whose temperature is not determined are left out
    boundary : name, such as "GaN|SiC"
    at : position of the boundary on the axis across it, which runs downwards, m
    x, y : where the section lies along the layers, m; the other axis of a map of two counts from x
    normal : axis of a map that runs across the boundary
    skip : m, half width around the boundary in which a probe sees both sides: left out

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Device, Layer, Profile, Stack
    >>> from kapitza.device import Box, HeatSource, Rectangle
    >>> from kapitza.thermometry import section_temperatures
    >>> whole = Rectangle((0, 10e-6), (0, 10e-6))
    >>> layers = [Layer("GaN", 2e-6, 150.0), Layer("SiC", 100e-6, 390.0)]
    >>> chip = Device(Stack(layers, [5e7]), [HeatSource("top", 0.1, whole)], Box(10e-6, 10e-6), sink=300.0)
    >>> depth = np.linspace(0.5e-6, 3.5e-6, 7)
    >>> profile = Profile(depth, np.full(7, 350.0), sigma=np.full(7, 1.0))
    >>> places = section_temperatures(chip, profile, "GaN|SiC", 2e-6).places
    >>> for place in (places[0], places[-1]):
    ...     side = "above the bottom" if place.plane.from_bottom else "below the top"
    ...     print(f"{place.plane.depth * 1e6:.1f} µm {side} of {place.plane.layer}")
    1.5 µm above the bottom of GaN
    1.5 µm below the top of SiC
    """
    if boundary not in device.stack.boundary_names:
        raise InputError(f"no boundary {boundary!r}: the device has {', '.join(device.stack.boundary_names) or 'none'}")
    if isinstance(measured, Profile):
        use = np.abs(measured.position - at) > skip
        planes = [_plane_beside(device, boundary, d) for d in (measured.position - at)[use].tolist()]
        spot = LateralPoints(numbers(x), numbers(y))
        sigma = None if measured.sigma is None else measured.sigma[use]
        joint = None if measured.covariance is None else measured.covariance[np.ix_(use, use)]
        at_planes, name = [MeasurementPlace(plane, spot) for plane in planes], measured.method or "profile"
        return MeasuredTemperatures(at_planes, measured.temperature[use], sigma, covariance=joint, name=name)
    if len(measured.position) not in (1, 2) or normal >= len(measured.position):
        raise InputError(f"a section needs a map of one or two axes, got {len(measured.position)}, normal = {normal}")
    depth = measured.position[normal] - at
    along = measured.position[1 - normal] if len(measured.position) == 2 else np.zeros(1)
    shape = (depth.size, along.size)
    kelvin, sigma = ((a.T if normal else a).reshape(shape) for a in (measured.temperature, measured.sigma))
    good = measured.is_determined("temperature")
    good = (good.T if normal else good).reshape(shape)
    places: list[MeasurementPlace] = []
    kept = good & (np.abs(depth) > skip)[:, None]
    for row in np.flatnonzero(kept.any(axis=1)):
        across = x + along[kept[row]]
        plane = _plane_beside(device, boundary, float(depth[row]))
        places.append(MeasurementPlace(plane, LateralPoints(across, np.full(across.size, y))))
    return MeasuredTemperatures(places, kelvin[kept], sigma[kept], name=measured.method or "map")


def map_temperatures(measured: TemperatureMap, plane: Plane, *, x: float = 0.0, y: float = 0.0) -> MeasuredTemperatures:
    """Temperatures of a map of two axes that lies in a plane; pixels that are not determined are left out.

    Parameters
    ----------
    measured : map; its axes run along x and y
    plane : of the device
    x, y : where the zeros of its axes lie in the device, m

    Examples
    --------
    >>> from kapitza.device import Plane
    >>> from kapitza.eels import EelsExperiment, VibrationalMode, fit_spectra, simulate_spectra
    >>> from kapitza.thermometry import map_temperatures
    >>> from kapitza.units import meV
    >>> to = VibrationalMode("TO", 82 * meV, 5 * meV, 1e-3)
    >>> plan = EelsExperiment(left=[to], right=[to], temperature=400.0, columns=3, rows=2, electrons=1e9)
    >>> scan = fit_spectra(simulate_spectra(plan, seed=1), [to])
    >>> places = map_temperatures(scan, Plane("GaN"))
    >>> print(
    ...     places.temperature.size,
    ...     "temperatures on top of GaN,",
    ...     (abs(places.temperature - 400) < 4 * places.sigma).all(),
    ... )
    12 temperatures on top of GaN, True
    """
    if len(measured.position) != 2:
        raise InputError(f"a map of a plane has two axes, this one {len(measured.position)}: take a section")
    good = measured.is_determined("temperature")
    across, along = np.meshgrid(*measured.position, indexing="ij")
    kelvin, sigma = measured.temperature[good], measured.sigma[good]
    return point_temperatures(plane, x + across[good], y + along[good], kelvin, sigma, name=measured.method or "map")


def _plane_beside(device: Device, boundary: str, distance: float) -> Plane:
    """Plane at a distance below a boundary (above it if negative), m."""
    if distance == 0:
        raise InputError(f"a temperature on the boundary {boundary} itself, where it jumps: omit it by skip")
    index = device.stack.boundary_names.index(boundary)
    below, left = distance > 0, abs(distance)
    inwards = device.stack.layers[index + 1 :] if below else device.stack.layers[index::-1]
    for layer in inwards:
        if left <= layer.thickness:
            return Plane(layer.name, left, from_bottom=not below)
        left -= layer.thickness
    side = "below" if below else "above"
    raise InputError(f"a temperature {abs(distance):g} m {side} {boundary}, outside of the device: lengths are in m")


def check_places(device: Device, measured: MeasuredTemperatures) -> None:
    """Refuse temperatures outside of a device, and those that it cannot have."""
    for place in measured.places:
        locate_plane(place.plane, device.stack)
        if isinstance(place.at, (Rectangle, Disc)):
            check_inside_box(device.box, place.at, f"{measured.name}: patch")
        elif device.box is not None:
            for axis, end, value in (("x", device.box.width, place.at.x), ("y", device.box.depth, place.at.y)):
                bad = value[(value < -1e-9 * end) | (value > end * (1 + 1e-9))]
                if bad.size:
                    raise InputError(
                        f"{measured.name}: a point at {axis} = {bad[0]:g} m, outside of the box from 0 to {end:g} m"
                    )
    cold = measured.temperature < device.sink - _MAX_COLD_DEVIATIONS * measured.each_sigma()
    if np.mean(cold) > 0.5:
        raise InputError(
            f"{measured.name}: {cold.sum()} of {cold.size} temperatures lie below the sink of {device.sink:g} K, such "
            f"as {measured.temperature[cold][0]:g}: give temperatures in K, not rises or °C"
        )


@frozen(eq=False)
class Thermometry(BaseRecord):
    """Thermometers at places on a device: the measurement that a fit of a device takes as its experiment."""

    device: Device
    places: tuple[MeasurementPlace, ...]
    name: str = "thermometry"
    _solution: list[LinearDevice | SteadySolution] = field(init=False, repr=False, factory=list)

    @property
    def parameters(self) -> dict[str, float]:
        """Numbers on which steady temperatures depend, by name, SI."""
        return {name: self.device.value(name) for name in movable_numbers(self.device)}

    def predict(self, stack: Stack) -> Array:
        """(n,) temperatures, K; `stack` is that of the device already."""
        return _place_temperatures(self.solution(), self.places)

    def replace(self, changes: dict[str, float]) -> Self:
        """The same with other numbers of the device, by name."""
        device = change_device(self.device, changes)
        return evolve(self, device=device, places=tuple(_clip_place(device, place) for place in self.places))

    def solution(self) -> LinearDevice:
        """The device solved, with cuts at all places."""
        if not self._solution:
            device, planes = self.device, _planes(self.places)
            if device.is_nonlinear:
                self._solution.append(solve_steady(device, planes))
            else:
                plain = linear.with_constant_properties(device, {})
                self._solution.append(linear.linear_device(plain, planes))
        solved = self._solution[0]
        return solved.linear if isinstance(solved, SteadySolution) else solved

    def log_derivatives(self, names: tuple[str, ...]) -> NDArray[np.float64]:
        """(n, p) change of the temperatures with the logarithms of numbers, K.

        Exact where one adjoint solution for each plane gives it, else by differences to second order.
        """
        solved, places = self.solution(), self.places
        spreads = _source_spreads(solved, places)
        exact = tuple(name for name in names if has_adjoint(self.device, places, name))
        at_places = [node_derivatives(solved, solved.node(p.plane), spreads[id(p.at)], exact) for p in places]
        columns = {name: np.concatenate([part[name] for part in at_places]) for name in exact}
        others = tuple(name for name in names if name not in columns)
        if others:
            steady = self._solution[0]
            if not isinstance(steady, SteadySolution):
                steady = solve_steady(self.device, _planes(places))

            def with_factor(name: str, factor: float) -> Device:
                return change_device(self.device, {name: self.device.value(name) * factor})

            def clip_places(device: Device) -> tuple[MeasurementPlace, ...]:
                return tuple(_clip_place(device, place) for place in places)

            columns |= implicit_derivatives(
                self.device,
                steady,
                {name: partial(with_factor, name) for name in others},
                lambda ready: _place_temperatures(ready, clip_places(ready.device)),
                lambda device: _planes(clip_places(device)),
            )
        return np.column_stack([columns[name] for name in names])


@frozen(eq=False)
class DeviceDataSet(DataSet):
    """Thermometry of a device, all numbers of which go by the names that the device has for them."""

    def split_changes(self, changes: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float | Conductance]]:
        """All changes are those of the experiment, which holds the device."""
        return dict(changes), {}

    def names(self) -> tuple[str, ...]:
        """All numbers that a fit could move here."""
        return tuple(self.experiment.parameters)

    def value(self, name: str) -> float | None:
        """Present value of a number."""
        return self.experiment.parameters.get(name)

    def may_be_negative(self, name: str) -> bool:
        """No number of a device is negative."""
        return False


def movable_numbers(device: Device) -> tuple[str, ...]:
    """Names of the numbers on which steady temperatures depend."""
    box = () if device.box is None else ("width", "depth")
    return (*device_parameters(device), *(f"{source.name}.power" for source in device.sources), "sink", *box)


def change_device(device: Device, changes: Mapping[str, float]) -> Device:
    """The device with other numbers; a conductance of T as a whole, by its value at the temperature of the sink."""
    plain: dict[str, float | Conductance] = {}
    for name, new in changes.items():
        owner = name.rpartition(".")[0]
        if name in ("sink", "width", "depth") or owner not in device.stack.boundary_names:
            plain[name] = new
        else:
            device = scale_device(device, name, new / device.value(name))
    return device.replace(plain) if plain else device


def _clip_place(device: Device, place: MeasurementPlace) -> MeasurementPlace:
    """A place, on the face of its layer where a search has made the layer thinner than it lies deep."""
    thickness = next(layer.thickness for layer in device.stack.layers if layer.name == place.plane.layer)
    return place if place.plane.depth <= thickness else evolve(place, plane=evolve(place.plane, depth=thickness))


def _planes(places: tuple[MeasurementPlace, ...]) -> tuple[Plane, ...]:
    return tuple(dict.fromkeys(place.plane for place in places))


def has_adjoint(device: Device, places: tuple[MeasurementPlace, ...], name: str) -> bool:
    """Whether the change with a number follows from responses alone: no property of T, no layer heated throughout."""
    if name in ("width", "depth") or device.is_nonlinear or any(source.volumetric for source in device.sources):
        return False
    owner, _, attribute = name.rpartition(".")
    planes = [*(linear.source_plane(device, source) for source in device.sources), *(place.plane for place in places)]
    # a plane that keeps its distance from the bottom face moves with the thickness
    return attribute != "thickness" or not any(plane.from_bottom and plane.layer == owner for plane in planes)


def _place_temperatures(solved: LinearDevice, places: tuple[MeasurementPlace, ...]) -> Array:
    spreads = _source_spreads(solved, places)
    parts = [_source_rises(solved, solved.node(place.plane), spreads[id(place.at)]).sum(axis=0) for place in places]
    return solved.device.sink + np.concatenate(parts)


def _source_spreads(solved: LinearDevice, places: tuple[MeasurementPlace, ...]) -> dict[int, tuple[Array, ...]]:
    """Spread of each source as seen from each set of points or patch, by its identity: many planes share one."""
    return {key: solved.spreads(at) for key, at in {id(place.at): place.at for place in places}.items()}


def _source_rises(solved: LinearDevice, node: int, spreads: tuple[Array, ...]) -> NDArray[np.float64]:
    """(sources, n) rise at a node from each source, K."""
    rows = zip(solved.device.sources, solved.responses, spreads, strict=True)
    return np.array([s.power * solved.nodes.unit_rise(z[node], m, solved.area) for s, z, m in rows])


def node_derivatives(
    solved: LinearDevice, node: int, spreads: tuple[Array, ...], names: tuple[str, ...]
) -> dict[str, Array]:
    """(n,) change of the rise at a node with the logarithm of each number, by name, K."""
    found = {name: np.zeros(spreads[0].shape[1]) for name in names}
    rises = _source_rises(solved, node, spreads)
    own = plane_response(solved.medium, node)
    inner = tuple(name for name in names if name != "sink" and not name.endswith(".power"))
    for source, response, spread, rise in zip(solved.device.sources, solved.responses, spreads, rises, strict=True):
        if f"{source.name}.power" in found:
            found[f"{source.name}.power"] = rise
        for name, change in response_derivatives(solved.medium, inner, own, response[:, None, :]).items():
            found[name] = found[name] + source.power * solved.nodes.unit_rise(change[0], spread, solved.area)
    if "sink" in found:
        found["sink"] = found["sink"] + solved.device.sink
    return found
