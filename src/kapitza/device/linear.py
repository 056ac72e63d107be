"""Steady temperatures of a device whose conductivities and conductances are plain numbers."""

from collections.abc import Mapping

import numpy as np
from attrs import evolve, frozen

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.core.stack import Stack
from kapitza.device.column import (
    Column,
    Medium,
    column,
    derivatives,
    layer_response,
    medium,
    plane_response,
)
from kapitza.device.description import Device, HeatSource
from kapitza.device.pseudo_time import PseudoTime, pseudo_time
from kapitza.device.setup import Plane
from kapitza.device.shapes import Disc, Rectangle
from kapitza.device.spread import Observed, Spots, rectangles_spread, spread
from kapitza.device.waves import Complex
from kapitza.errors import InputError

FEW = 64  # points up to which many rectangles are taken at once


@frozen(eq=False)
class Linear:
    """A device ready to be asked for steady temperatures.

    Attributes
    ----------
    device : with plain numbers
    column : its stack, cut at the planes of sources, patches and others that were asked for
    planes : (n,) what was cut at, in the order of `column.marks`
    nodes : of the integral over pseudo-time
    medium : the column at these nodes
    responses : of each source, (n + 1, np + 1) K m² W⁻¹
    """

    device: Device
    column: Column
    planes: tuple[Plane, ...]
    nodes: PseudoTime
    medium: Medium
    responses: tuple[Complex, ...]

    @property
    def area(self) -> float | None:
        """Of the box, m²."""
        return None if self.device.box is None else self.device.box.area

    def node(self, plane: Plane) -> int:
        """Node of a plane that was cut at."""
        return self.column.marks[self.planes.index(plane)]

    def spread(self, source: HeatSource, at: Observed) -> Array:
        """(nτ, n) spread of a source as seen at points or over a patch, m⁻²."""
        return spread(source.shape, at, self.nodes.tau, self.device.box, self.nodes.ratio)

    def seen(self, at: Observed) -> tuple[Array, ...]:
        """(nτ, n) spread of each source as seen at points or over a patch, m⁻²."""
        return tuple(self.spread(source, at) for source in self.device.sources)

    def rise(self, at: Observed, node: int | None = None) -> Array:
        """(n,) rise at points of a node, or (nodes, n) at all nodes, K."""
        together: dict[int, list[int]] = {}
        for i, response in enumerate(self.responses):
            together.setdefault(id(response), []).append(i)
        total: Array = np.zeros(1)
        for group in together.values():
            sources = [self.device.sources[i] for i in group]
            response = self.responses[group[0]]
            power = sum(source.power for source in sources)
            found = self.summed(sources, at) / power
            total = total + power * self.nodes.averaged(response if node is None else response[node], found, self.area)
        return total

    def summed(self, sources: list[HeatSource], at: Observed) -> Array:
        """(nτ, n) spread of several sources, each times its power, W m⁻²."""
        flat = [(source.power, source.shape) for source in sources if isinstance(source.shape, Rectangle)]
        if len(flat) < 2 or isinstance(at, Disc) or (isinstance(at, Spots) and at.x.size > FEW):
            return np.sum([source.power * self.spread(source, at) for source in sources], axis=0)
        others = [source for source in sources if not isinstance(source.shape, Rectangle)]
        found = rectangles_spread(flat, at, self.nodes.tau, self.device.box, self.nodes.ratio)
        return found + np.sum([source.power * self.spread(source, at) for source in others], axis=0)

    def shares(self, at: Observed, node: int) -> dict[str, float]:
        """Rise at one point from each source, K."""
        return {
            source.name: source.power * float(self.nodes.averaged(response[node], found, self.area)[0])
            for source, response, found in zip(self.device.sources, self.responses, self.seen(at), strict=True)
        }

    def changes(self, at: Observed, node: int, names: tuple[str, ...]) -> dict[str, float]:
        """Change of the rise at one point with the logarithm of each number, by name, K."""
        own = plane_response(self.medium, node)
        found = dict.fromkeys(names, 0.0)
        for source, response, found_spread in zip(self.device.sources, self.responses, self.seen(at), strict=True):
            for name, change in derivatives(self.medium, names, own, response[:, None, :]).items():
                found[name] += source.power * float(self.nodes.averaged(change[0], found_spread, self.area)[0])
        return found


def linear(device: Device, planes: tuple[Plane, ...] = ()) -> Linear:
    """Prepare a device with plain numbers.

    Parameters
    ----------
    device : as `numeric` gives it
    planes : to cut at, besides those of the sources and patches

    Raises
    ------
    InputError
        for a device without sources of heat
    """
    if not device.sources:
        raise InputError(f"{device.title} has no source: give one or more sources of heat")
    own = [plane_of(device, source) for source in device.sources]
    wanted = tuple(dict.fromkeys([*own, *(plane for plane, _ in device.patches.values()), *planes]))
    cut = column(device.stack, wanted)
    nodes = pseudo_time(device, cut, sizes(device))
    held = medium(cut, device.stack, nodes.points, top=device.top_coefficient, bottom=device.coefficient)
    known: dict[tuple[Plane, bool], Complex] = {}
    keys = [(plane, source.through) for plane, source in zip(own, device.sources, strict=True)]
    for plane, through in keys:
        if (plane, through) not in known:
            node = cut.marks[wanted.index(plane)]
            found = layer_response(held, plane.layer) if through else plane_response(held, node)
            known[plane, through] = found[:, 0]
    responses = tuple(known[key] for key in keys)
    return Linear(device, cut, wanted, nodes, held, responses)


def plane_of(device: Device, source: HeatSource) -> Plane:
    """Plane of a source."""
    return source.plane or device.top()


def sizes(device: Device) -> tuple[float, ...]:
    """Smallest lengths of the sources and patches along the layers, m."""
    shapes = [source.shape for source in device.sources if source.shape is not None]
    return tuple(shape.size for shape in (*shapes, *(patch for _, patch in device.patches.values())))


def numeric(device: Device, values: Mapping[str, float]) -> Device:
    """The device with numbers instead of what depends on temperature.

    Parameters
    ----------
    device : any
    values : conductivity of layers and conductance of boundaries, by name; those at the temperature of the sink where
        there is none
    """
    changes: dict[str, float | Conductance] = {}
    for layer in device.stack.layers:
        if layer.name in device.laws:
            new = values.get(layer.name) or float(device.laws[layer.name].at(device.sink)[0])
            changes[f"{layer.name}.conductivity"] = new
            for name in ("in_plane", "in_plane_y"):
                old = getattr(layer, name)
                if old is not None:
                    changes[f"{layer.name}.{name}"] = old * new / layer.conductivity
    for name, boundary in zip(device.stack.boundary_names, device.stack.boundaries, strict=True):
        if isinstance(boundary.conductance, Conductance):
            held = values.get(name) or float(boundary.conductance.at(device.sink)[0])
            changes[f"{name}.conductance"] = held
    stack: Stack = device.stack.replace(changes) if changes else device.stack
    return evolve(device, stack=stack, laws={})
