"""What a device shows where its temperature was measured, and how that depends on its numbers."""

from collections.abc import Mapping
from functools import partial
from typing import Self

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Stack
from kapitza.device.description import Device
from kapitza.device.layered.green_functions import plane_response, response_derivatives
from kapitza.device.layered.linear import LinearDevice, linear_device, source_plane, with_constant_properties
from kapitza.device.layered.steady import SteadySolution, implicit_derivatives, solve_steady
from kapitza.device.layered.temperatures import device_parameters, scale_device
from kapitza.device.setup import Plane
from kapitza.measure.device.temperatures import MeasurementPlace
from kapitza.measure.parameters import DataSet


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
            self._solution.append(_solve_with_cuts(self.device, self.places))
        found = self._solution[0]
        return found.linear if isinstance(found, SteadySolution) else found

    def log_derivatives(self, names: tuple[str, ...]) -> NDArray[np.float64]:
        """(n, p) change of the temperatures with the logarithms of numbers, K."""
        solved = self.solution()
        exact = tuple(name for name in names if has_adjoint(self.device, self.places, name))
        found = _adjoint_derivatives(solved, self.places, exact)
        others = tuple(name for name in names if name not in found)
        found |= self._numerical_derivatives(others) if others else {}
        return np.column_stack([found[name] for name in names])

    def _numerical_derivatives(self, names: tuple[str, ...]) -> dict[str, Array]:
        """(n,) the same for some numbers by differences, by name, to second order."""
        steady = self._solution[0]
        if not isinstance(steady, SteadySolution):
            steady = solve_steady(self.device, _planes(self.places))

        def with_factor(name: str, factor: float) -> Device:
            return change_device(self.device, {name: self.device.value(name) * factor})

        def places(device: Device) -> tuple[MeasurementPlace, ...]:
            return tuple(_clip_place(device, place) for place in self.places)

        numbers = {name: partial(with_factor, name) for name in names}
        return implicit_derivatives(
            self.device,
            steady,
            numbers,
            lambda ready: _place_temperatures(ready, places(ready.device)),
            lambda device: _planes(places(device)),
        )


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


def _solve_with_cuts(device: Device, places: tuple[MeasurementPlace, ...]) -> LinearDevice | SteadySolution:
    if device.is_nonlinear:
        return solve_steady(device, _planes(places))
    return linear_device(with_constant_properties(device, {}), _planes(places))


def has_adjoint(device: Device, places: tuple[MeasurementPlace, ...], name: str) -> bool:
    """Whether the change with a number follows from responses alone: no property of T, no layer heated throughout."""
    if name in ("width", "depth") or device.is_nonlinear or any(source.volumetric for source in device.sources):
        return False
    owner, _, attribute = name.rpartition(".")
    planes = [*(source_plane(device, source) for source in device.sources), *(place.plane for place in places)]
    # a plane that keeps its distance from the bottom face moves with the thickness
    return attribute != "thickness" or not any(plane.from_bottom and plane.layer == owner for plane in planes)


def _place_temperatures(solved: LinearDevice, places: tuple[MeasurementPlace, ...]) -> Array:
    """(n,) temperatures at places, K."""
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


def _adjoint_derivatives(
    solved: LinearDevice, places: tuple[MeasurementPlace, ...], names: tuple[str, ...]
) -> dict[str, Array]:
    """(n,) change of the temperatures with the logarithm of each number, by name: one solution for each plane."""
    spreads = _source_spreads(solved, places)
    columns: dict[str, list[Array]] = {name: [] for name in names}
    for place in places:
        found = node_derivatives(solved, solved.node(place.plane), spreads[id(place.at)], names)
        for name in names:
            columns[name].append(found[name])
    return {name: np.concatenate(parts) for name, parts in columns.items()}


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
