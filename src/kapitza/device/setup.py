"""Planes of a stack: where heat enters, where the temperature is read, and what lies behind."""

from itertools import pairwise
from typing import Literal

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import about, one_of, parameter, quantity
from kapitza.core.records import BaseRecord, number_of
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.errors import Hint, InputError

BackCondition = Literal["adiabatic", "isothermal"]
SensedSubsystem = Literal["lattice", "electrons"]

BACK_CONDITIONS: tuple[BackCondition, ...] = ("adiabatic", "isothermal")
SENSED_SUBSYSTEMS: tuple[SensedSubsystem, ...] = ("lattice", "electrons")
_ABSORPTION_DEPTH = parameter("m", "1/e depth in which heat is absorbed")
_READOUT_DEPTH = parameter("m", "1/e depth over which the temperature is read")


@frozen
class Plane(BaseRecord):
    """A plane in a layer of a stack, or on its face."""

    layer: str
    depth: float = field(
        default=0.0, **number_of(about("m", "below the top face of the layer; above its bottom face if from_bottom"))
    )
    from_bottom: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.depth < np.inf:
            raise InputError(f"plane in {self.layer}: depth = {self.depth:g} m, wanted a finite number of at least 0")


@frozen
class Setup(BaseRecord):
    """Where heat enters a stack, where its temperature is read, and what lies behind it.

    Attributes
    ----------
    heater : plane that absorbs the heat; None for the top face of the stack
    thermometer : plane that is read; None for that of the heater
    absorption_depth : δ, m: heat enters as exp(-y/δ) from the heater's plane to the other face of its layer (downwards;
        upwards if the plane counts from the bottom face), the whole of it within this layer; 0 for a plane
    readout_depth : depth over which the thermometer averages in the same way, from the heater's plane; 0 for a plane.
        The light of a probe of another colour that enters a sample without a metal film reads so
    back : "adiabatic" or "isothermal" lower face of a last layer of finite thickness.  An infinite first or last layer
        is semi-infinite; the upper face of a first layer of finite thickness is adiabatic
    sensed : of a metal with two temperatures, the one that is read.  Heat enters its electrons
    """

    heater: Plane | None = None
    thermometer: Plane | None = None
    absorption_depth: float = field(default=0.0, kw_only=True, **number_of(_ABSORPTION_DEPTH))
    readout_depth: float = field(default=0.0, kw_only=True, **number_of(_READOUT_DEPTH))
    back: BackCondition = field(default="adiabatic", kw_only=True, validator=one_of(*BACK_CONDITIONS))
    temperature: float = field(default=300.0, kw_only=True, **number_of(about("K", "of conductances of T"), quantity()))
    sensed: SensedSubsystem = field(default="lattice", kw_only=True, validator=one_of(*SENSED_SUBSYSTEMS))

    def __attrs_post_init__(self) -> None:
        for key in ("absorption_depth", "readout_depth"):
            depth = getattr(self, key)
            if not 0 <= depth < np.inf:
                raise InputError(f"{key} = {depth:g} m, wanted a finite number of at least 0 (0: at a plane)")
        if self.readout_depth and self.thermometer not in (None, self.heater):
            raise InputError(
                f"readout_depth = {self.readout_depth:g} m with a thermometer at {self.thermometer}: a depth counts "
                "from the heater's plane, leave out one of both"
            )


@frozen
class LayerSlice(BaseRecord):
    """A piece of a layer: which one, and how thick (m)."""

    layer: Layer
    thickness: float


StackPiece = LayerSlice | Boundary


@frozen(eq=False)
class SlicedStack(BaseRecord):
    """A stack cut at some planes."""

    # (n,) slabs and boundaries from the top down; node i lies above piece i, node n below the last
    pieces: tuple[StackPiece, ...]
    owners: tuple[str, ...]  # (n,) name of the layer or boundary of each piece
    marks: tuple[int, ...]  # node of each plane that was asked for
    depths: tuple[float, ...]  # (n + 1,) of the nodes below the top face, m

    def within(self, layer: str) -> tuple[int, ...]:
        """Pieces of a layer."""
        return tuple(i for i, owner in enumerate(self.owners) if owner == layer)


def layer_extent(stack: Stack, index: int) -> tuple[float, float]:
    """Depths of the faces of a layer, m: from 0 down, from -infinity to 0 for an infinite layer on top of others."""
    thickness = stack.layers[index].thickness
    if np.isinf(thickness) and index == 0 and len(stack.layers) > 1:
        return -np.inf, 0.0
    return 0.0, thickness


def heat_capacity_of(layer: Layer) -> float:
    """Heat capacity of a layer or block, J m⁻³ K⁻¹; one without is refused."""
    if layer.heat_capacity is None:
        raise InputError(f"layer {layer.name} has no heat_capacity (J/m³K), which all that changes with time needs")
    return layer.heat_capacity


def check_plane(plane: object) -> None:
    """Refuse what is no plane."""
    if not isinstance(plane, Plane):
        raise InputError(
            f"expected a plane, got {plane!r:.60}:", hint=Hint(python="write Plane(layer, depth), with the depth in m")
        )


def locate_plane(plane: Plane, stack: Stack) -> tuple[int, float]:
    """Index of the layer of a plane, and its depth there as `layer_extent` counts it, m.

    A plane in no layer of the stack, beyond the end of its layer or at infinity is refused.
    """
    check_plane(plane)
    names = [layer.name for layer in stack.layers]
    if plane.layer not in names:
        raise InputError(f"no layer {plane.layer!r} for a plane: the stack has {', '.join(names)}")
    index = names.index(plane.layer)
    top, bottom = layer_extent(stack, index)
    depth = bottom - plane.depth if plane.from_bottom else top + plane.depth
    if np.isinf(depth):
        other = "top" if plane.from_bottom else "bottom"
        raise InputError(f"layer {plane.layer} is infinitely thick: place the plane from its {other} face")
    if not top <= depth <= bottom:
        raise InputError(f"plane at {plane.depth:g} m in {plane.layer}, which is only {bottom - top:g} m thick")
    return index, depth


def slice_stack(stack: Stack, planes: tuple[Plane, ...]) -> SlicedStack:
    """Cut a stack at planes; only its first and last layers may be infinite."""
    for layer in stack.layers[1:-1]:
        if np.isinf(layer.thickness):
            raise InputError(f"layer {layer.name} is infinitely thick: only the first and the last of a stack may be")
    places = [locate_plane(plane, stack) for plane in planes]
    pieces: list[StackPiece] = []
    owners: list[str] = []
    depths = [0.0]
    nodes: dict[tuple[int, float], int] = {}
    for i, layer in enumerate(stack.layers):
        cuts = sorted({depth for index, depth in places if index == i} | {*layer_extent(stack, i)})
        nodes[i, cuts[0]] = len(pieces)
        start = depths[-1]
        for top, bottom in pairwise(cuts):
            pieces.append(LayerSlice(layer, bottom - top))
            owners.append(layer.name)
            depths.append(start + bottom)
            nodes[i, bottom] = len(pieces)
        if i < len(stack.boundaries):
            pieces.append(stack.boundaries[i])
            owners.append(stack.boundary_names[i])
            depths.append(depths[-1])  # a boundary resists but has no thickness
    return SlicedStack(tuple(pieces), tuple(owners), tuple(nodes[place] for place in places), tuple(depths))


def boundary_lengths(stack: Stack, temperature: float = 300.0) -> dict[str, float]:
    """Thickness of each layer below which its boundaries resist more than it does through its thickness, by name, m."""
    r = [0.0, *(boundary.resistance(temperature) for boundary in stack.boundaries), 0.0]
    return {layer.name: layer.conductivity * (r[i] + r[i + 1]) for i, layer in enumerate(stack.layers)}
