"""What a device shows where its temperature was measured, and how that depends on its numbers."""

from collections.abc import Mapping
from typing import Self

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.core.stack import Stack
from kapitza.device.column import derivatives, plane_response
from kapitza.device.description import Device
from kapitza.device.linear import Linear, linear, numeric, plane_of
from kapitza.device.solve import solved
from kapitza.device.uncertainty import parameters, scaled
from kapitza.measure.device_measured import Place
from kapitza.measure.parameters import Sample

STEP = 1e-3  # of differences, relative


@frozen(eq=False)
class Thermometry:
    """Thermometers on a device: the measurement that a fit of a device takes as its experiment.

    Attributes
    ----------
    device : with all numbers at hand
    places : where it is looked at
    name : of the experiment
    """

    device: Device
    places: tuple[Place, ...]
    name: str = "thermometry"
    _ready: list[Linear] = field(init=False, repr=False, factory=list)

    @property
    def parameters(self) -> dict[str, float]:
        """Numbers on which steady temperatures depend, by name, SI."""
        return {name: self.device.value(name) for name in movable(self.device)}

    def predict(self, stack: Stack) -> Array:
        """(n,) temperatures, K; `stack` is that of the device already."""
        return sights(self.ready(), self.places)

    def replace(self, changes: dict[str, float]) -> Self:
        """The same with other numbers of the device, by name."""
        device = changed(self.device, changes)
        return evolve(self, device=device, places=tuple(within(device, place) for place in self.places))

    def ready(self) -> Linear:
        """The device solved, with cuts at all places."""
        if not self._ready:
            self._ready.append(ready_for(self.device, self.places))
        return self._ready[0]

    def changes(self, names: tuple[str, ...]) -> NDArray[np.float64]:
        """(n, p) change of the temperatures with the logarithms of numbers, K."""
        exact = tuple(name for name in names if adjoint(self.device, self.places, name))
        found = adjoints(self.ready(), self.places, exact)
        for name in names:
            if name not in found:
                found[name] = self.difference(name)
        return np.column_stack([found[name] for name in names])

    def difference(self, name: str) -> Array:
        """(n,) the same for one number from four solutions, to fourth order."""
        present = self.device.value(name)

        def slope(step: float) -> Array:
            up, down = (self.replace({name: present * np.exp(s)}).predict(self.device.stack) for s in (step, -step))
            return (up - down) / (2 * step)

        return (4 * slope(STEP) - slope(2 * STEP)) / 3


@frozen(eq=False)
class DeviceSample(Sample):
    """Thermometry of a device, all numbers of which go by the names that the device has for them."""

    def parted(self, changes: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float | Conductance]]:
        """All changes are those of the experiment, which holds the device."""
        return dict(changes), {}

    def names(self) -> tuple[str, ...]:
        """All numbers that a fit could move here."""
        return tuple(self.experiment.parameters)

    def value(self, name: str) -> float | None:
        """Present value of a number."""
        return self.experiment.parameters.get(name)

    def signed(self, name: str) -> bool:
        """No number of a device is negative."""
        return False


def movable(device: Device) -> tuple[str, ...]:
    """Names of the numbers on which steady temperatures depend."""
    box = () if device.box is None else ("width", "depth")
    return (*parameters(device), *(f"{source.name}.power" for source in device.sources), "sink", *box)


def changed(device: Device, changes: Mapping[str, float]) -> Device:
    """The device with other numbers; a conductance of T as a whole, by its value at the temperature of the sink."""
    plain: dict[str, float | Conductance] = {}
    for name, new in changes.items():
        owner = name.rpartition(".")[0]
        if name in ("sink", "width", "depth") or owner not in device.stack.boundary_names:
            plain[name] = new
        else:
            device = scaled(device, name, owner, new / device.value(name))
    return device.replace(plain) if plain else device


def within(device: Device, place: Place) -> Place:
    """A place, on the face of its layer where a search has made the layer thinner than it lies deep."""
    thickness = next(layer.thickness for layer in device.stack.layers if layer.name == place.plane.layer)
    return place if place.plane.depth <= thickness else evolve(place, plane=evolve(place.plane, depth=thickness))


def varies(device: Device) -> bool:
    """Whether any property depends on temperature."""
    return bool(device.laws) or any(isinstance(b.conductance, Conductance) for b in device.stack.boundaries)


def ready_for(device: Device, places: tuple[Place, ...]) -> Linear:
    """The device solved, with cuts at places."""
    planes = tuple(dict.fromkeys(place.plane for place in places))
    return solved(device, planes).linear if varies(device) else linear(numeric(device, {}), planes)


def adjoint(device: Device, places: tuple[Place, ...], name: str) -> bool:
    """Whether the change with a number follows from responses alone: no property of T, no layer heated throughout."""
    if name in ("width", "depth") or varies(device) or any(source.through for source in device.sources):
        return False
    owner, _, attribute = name.rpartition(".")
    planes = [*(plane_of(device, source) for source in device.sources), *(place.plane for place in places)]
    # a plane that keeps its distance from the bottom face moves with the thickness
    return attribute != "thickness" or not any(plane.from_bottom and plane.layer == owner for plane in planes)


def sights(ready: Linear, places: tuple[Place, ...]) -> Array:
    """(n,) temperatures at places, K."""
    seen = spreads(ready, places)
    parts = [shares(ready, ready.node(place.plane), seen[id(place.at)]).sum(axis=0) for place in places]
    return ready.device.sink + np.concatenate(parts)


def spreads(ready: Linear, places: tuple[Place, ...]) -> dict[int, tuple[Array, ...]]:
    """Spread of each source as seen from each set of points or patch, by its identity: many planes share one."""
    return {key: ready.seen(at) for key, at in {id(place.at): place.at for place in places}.items()}


def shares(ready: Linear, node: int, seen: tuple[Array, ...]) -> NDArray[np.float64]:
    """(sources, n) rise at a node from each source, K."""
    rows = zip(ready.device.sources, ready.responses, seen, strict=True)
    return np.array([s.power * ready.nodes.averaged(z[node], m, ready.area) for s, z, m in rows])


def adjoints(ready: Linear, places: tuple[Place, ...], names: tuple[str, ...]) -> dict[str, Array]:
    """(n,) change of the temperatures with the logarithm of each number, by name: one solution for each plane."""
    seen = spreads(ready, places)
    columns: dict[str, list[Array]] = {name: [] for name in names}
    for place in places:
        found = node_changes(ready, ready.node(place.plane), seen[id(place.at)], names)
        for name in names:
            columns[name].append(found[name])
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def node_changes(ready: Linear, node: int, seen: tuple[Array, ...], names: tuple[str, ...]) -> dict[str, Array]:
    """(n,) change of the rise at a node with the logarithm of each number, by name, K."""
    found = {name: np.zeros(seen[0].shape[1]) for name in names}
    rises = shares(ready, node, seen)
    own = plane_response(ready.medium, node)
    inner = tuple(name for name in names if name != "sink" and not name.endswith(".power"))
    for source, response, spread, rise in zip(ready.device.sources, ready.responses, seen, rises, strict=True):
        if f"{source.name}.power" in found:
            found[f"{source.name}.power"] = rise
        for name, change in derivatives(ready.medium, inner, own, response[:, None, :]).items():
            found[name] = found[name] + source.power * ready.nodes.averaged(change[0], spread, ready.area)
    if "sink" in found:
        found["sink"] = found["sink"] + ready.device.sink
    return found
