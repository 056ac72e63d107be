"""Layered devices with constant properties: responses between planes, and steady temperatures from them.

A stack cut at the planes of interest is a chain of slabs and boundaries with nodes between them.  The admittances that
a node sees upwards and downwards give the temperatures of all nodes; an integral over pseudo-time sums wave vectors.
"""

from collections.abc import Mapping

import numpy as np
from attrs import evolve, frozen

from kapitza.core.arrays import Array, ComplexArray
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Boundary, Layer
from kapitza.device.description import Device, HeatSource
from kapitza.device.layered.admittance import SlicedWaves, SpectralPoints
from kapitza.device.layered.laplace import inverse_laplace
from kapitza.device.layered.spreading import (
    LateralPoints,
    Readout,
    lateral_spread,
    point_ranges,
    rectangles_spread,
    separable_densities,
)
from kapitza.device.setup import LayerSlice, Plane, SlicedStack, StackPiece, slice_stack
from kapitza.device.shapes import Disc, HeatMap, Patch, Rectangle, SourceShape
from kapitza.errors import Hint, InputError

LOG_TIME_STEP = 0.4  # of ln τ: the integrand is analytic in |Im ln τ| < π/2, so that the error is e^(-π²/0.4)
_MIN_PSEUDO_TIME = 1e-9  # of the smallest length, squared: below it the integrand is a power
_MAX_DECAY_TIMES = 40.0  # decay times after which nothing is left
STEADY_LAPLACE_VARIABLE = 1e-13  # of the inverse decay time: p that stands for 0
_MAX_PSEUDO_TIME = 1e12  # of the largest length, squared, where nothing decays: beyond it the integrand is a power


def sliced_waves(column: SlicedStack, device: Device, at: SpectralPoints) -> SlicedWaves:
    """Return the stack of a device, cut at planes, at points of Laplace space."""
    media = {layer.name: at.wave(layer) for layer in device.stack.layers}
    return SlicedWaves(column, media, device.top_coefficient, device.coefficient)


def plane_response(medium: SlicedWaves, node: int) -> ComplexArray:
    """(n + 1, ns, nk) temperature of each node per flux into one of them, K m² W⁻¹."""
    up, down = medium.sides(node)
    found = np.zeros((len(medium.column.pieces) + 1, *medium.shape), dtype=complex)
    found[node] = 1 / (up.admittance + down.admittance)
    for side in (up, down):
        for i, theta in enumerate(side.temperatures(found[node])):
            found[node + side.sign * (i + 1)] = theta
    return found


def layer_response(medium: SlicedWaves, layer: str) -> ComplexArray:
    r"""(n + 1, ns, nk) temperature of each node per flux that a layer takes up evenly over its thickness, K m² W⁻¹.

    By reciprocity it is the mean over that layer of the response to a flux into the node, and the mean over a slab with
    the temperatures a and b of its faces is $(a + b)\tanh(ud/2)/ud$.
    """
    found = np.zeros((len(medium.column.pieces) + 1, *medium.shape), dtype=complex)
    for node in range(found.shape[0]):
        for mean in _slice_means(medium, layer, plane_response(medium, node)).values():
            found[node] += mean
    return found


def _slice_means(medium: SlicedWaves, layer: str, response: ComplexArray) -> dict[int, ComplexArray]:
    """Part of each piece of a layer, by its number, in the mean of a (n + 1, ns, nk) response over the layer."""
    pieces = {i: p for i in medium.column.within(layer) if isinstance(p := medium.column.pieces[i], LayerSlice)}
    thickness = sum(piece.thickness for piece in pieces.values())
    found: dict[int, ComplexArray] = {}
    for i, piece in pieces.items():
        ud = medium.media[layer].decay * piece.thickness
        found[i] = (response[i] + response[i + 1]) * np.tanh(ud / 2) / ud * (piece.thickness / thickness)
    return found


def flux_response(medium: SlicedWaves, node: int, source: int | str, *, above: bool) -> ComplexArray:
    r"""(ns, nk) flux down through a node per flux into a node, or per flux that a layer takes up evenly.

    Heat that enters above passes as Yθ into the admittance Y below, heat from below likewise upwards; `above`: the flux
    is that above heat which enters at the node itself.  What goes straight on in the shortest waves is left out
    (`direct_share`).
    """
    up, down = medium.sides(node)
    response = plane_response(medium, node)  # by reciprocity also what this node reads of heat elsewhere
    if isinstance(source, str):
        parts = _slice_means(medium, source, response).items()
        return np.sum([part * (down.admittance if i < node else -up.admittance) for i, part in parts], axis=0)
    falls = source < node or (source == node and not above)
    flux = response[source] * (down.admittance if falls else -up.admittance)
    return flux - direct_share(medium.column, node, source, above=above)


def direct_share(column: SlicedStack, node: int, source: int, *, above: bool) -> float:
    """Flux down through a node per flux into another one in the shortest waves: 0 unless both are at one place."""
    between = column.pieces[min(node, source) : max(node, source)]
    if any(isinstance(piece, LayerSlice) or piece.resistance() for piece in between):
        return 0.0
    up, down = (_short_wave_admittance(side) for side in (column.pieces[:node][::-1], column.pieces[node:]))
    return down / (up + down) - (source > node or (source == node and above))


def _short_wave_admittance(pieces: tuple[StackPiece, ...]) -> float:
    """Admittance over the wave number of short waves along x; none cross a resistance or leave through a face."""
    first = next((piece for piece in pieces if isinstance(piece, LayerSlice) or piece.resistance()), None)
    return float(np.sqrt(first.layer.conductivity * first.layer.tensor[0, 0])) if isinstance(first, LayerSlice) else 0.0


def response_derivatives(
    medium: SlicedWaves, column_names: tuple[str, ...], a: ComplexArray, b: ComplexArray
) -> dict[str, ComplexArray]:
    r"""Change of the response between two nodes with the logarithm of each number, by name, (ns, nk) K m² W⁻¹.

    From the (n + 1, ns, nk) responses a and b to fluxes into either; names are such as "GaN.conductivity",
    "coefficient".  Conduction is self-adjoint: a change of one piece changes the temperature that node m reads per flux
    into node n by

    $$\frac{\partial Z_{mn}}{\partial p} = -\frac{\partial B_p}{\partial p}(\theta^m, \theta^n),$$

    with the temperatures $\theta^m$, $\theta^n$ that unit fluxes into m and n would give at the two faces of the piece,
    and its two-port $B$: for a boundary $G D D'$, for a slab of wave admittance γ, decay u and thickness d

    $$B = \tfrac{\gamma}{2}\left[\tanh\tfrac{ud}{2}\,SS' + \coth\tfrac{ud}{2}\,DD'\right],\qquad
    S = a + b,\; D = a - b .$$

    Two solutions give the derivatives with respect to all numbers at once; nothing is perturbed.
    """
    column = medium.column
    found: dict[str, ComplexArray] = {}
    for name in column_names:
        owner, _, attribute = name.rpartition(".")
        total: ComplexArray = np.zeros(medium.shape, dtype=complex)
        numbers = [i for i, other in enumerate(column.owners) if other == owner]
        if attribute == "thickness":
            numbers = numbers[-1:]  # planes keep their depth from the top face: only the last slice grows
        for i in numbers:
            total = total - _two_port_derivative(medium, i, attribute, (a[i], a[i + 1]), (b[i], b[i + 1]))
        for face, coefficient in ((0, "top_coefficient"), (-1, "coefficient")):
            value = medium.top if face == 0 else medium.bottom
            if name == coefficient and np.isfinite(value):
                total = total - value * a[face] * b[face]
        found[name] = total
    return found


def _two_port_derivative(
    medium: SlicedWaves,
    index: int,
    attribute: str,
    a: tuple[ComplexArray, ComplexArray],
    b: tuple[ComplexArray, ComplexArray],
) -> ComplexArray:
    """Change of the two-port of one piece with the logarithm of a number, (ns, nk)."""
    piece = medium.column.pieces[index]
    falls = (a[0] - a[1]) * (b[0] - b[1])
    if isinstance(piece, Boundary):
        resistance = piece.resistance()
        return falls / resistance if resistance else np.zeros_like(falls)
    wave, layer = medium.media[piece.layer.name], piece.layer
    gamma, ud = _logarithmic_derivatives(layer, attribute, piece.thickness)
    if np.isinf(piece.thickness):
        return gamma * wave.gamma * a[0] * b[0]  # nothing comes back from infinity: the two-port is γ alone
    half = wave.decay * (piece.thickness / 2)
    t = np.tanh(half)
    sums = (a[0] + a[1]) * (b[0] + b[1])
    grown = half * (1 - t**2) * (sums - falls / t**2)  # ∂[...]/∂ln(ud)
    return wave.gamma / 2 * (gamma * (t * sums + falls / t) + ud * grown)


def _logarithmic_derivatives(layer: Layer, attribute: str, thickness: float) -> tuple[float, float]:
    """∂ln γ/∂ln p and ∂ln(ud)/∂ln p of a slab for a number of its layer, in steady state."""
    both = attribute == "conductivity" and layer.in_plane is None and layer.in_plane_y is None
    if both:
        return 1.0, 0.0  # γ = kκ and u = κ: only γ contains k
    if attribute == "conductivity":
        return 0.5, -0.5  # γ² = k_z k_x κ² and u² = κ² k_x/k_z
    if attribute == "in_plane":
        return 0.5, 0.5
    return 0.0, layer.thickness / thickness if attribute == "thickness" and np.isfinite(thickness) else 0.0


@frozen(eq=False)
class PseudoTimeQuadrature(BaseRecord):
    """Nodes of the integral over τ and of the hyperbola."""

    tau: Array  # (nτ,) m²
    p: ComplexArray  # (np + 1,) m⁻²; the last stands for 0
    weight: ComplexArray  # (nτ, np) such that $T = Re Σ M(τ) weight Z(p)$
    ratio: float  # conductivity along y over that along x

    @property
    def points(self) -> SpectralPoints:
        """Where the response of the stack is needed."""
        return SpectralPoints(np.zeros((1, 1), dtype=complex), np.sqrt(self.p), np.zeros(1))  # pyright: ignore[reportArgumentType]

    def impulse(self, response: ComplexArray) -> Array:
        """(..., nτ) h(τ) times the weight of each node, from the response (..., np + 1)."""
        return np.real(response[..., :-1] @ self.weight.T)

    def unit_rise(self, response: ComplexArray, spread: Array, area: float | None) -> Array:
        """(..., n) temperature per watt from the response (..., np + 1) and M (nτ, n); `area` of the box, m²."""
        if area is None:
            return self.impulse(response) @ spread
        # M tends to 1/area and never decays: this mean is taken out, and carries Z(0), the resistances in series
        return self.impulse(response) @ (spread - 1 / area) + np.real(response[..., -1:]) / area


def _pseudo_time_quadrature(
    device: Device, column: SlicedStack, sizes: tuple[float, ...], step: float
) -> PseudoTimeQuadrature:
    """Nodes `step` apart in ln τ for constant properties; `sizes` are the smallest lengths of its sources, m."""
    thick = [piece.thickness for piece in column.pieces if isinstance(piece, LayerSlice)]
    lengths = [*(d for d in thick if np.isfinite(d)), *sizes]
    if device.box is not None:
        lengths.append(min(device.box.width, device.box.depth))
    low = _MIN_PSEUDO_TIME * min(lengths) ** 2
    settling = decay_time_bound(device, column)
    if device.box is not None:  # the slowest lateral mode decays as exp(-π²τ/L²)
        settling = min(settling, max(device.box.width, device.box.depth / np.sqrt(lateral_anisotropy(device))) ** 2 / 4)
    if np.isfinite(settling):
        high = _MAX_DECAY_TIMES * settling
    else:
        distances = [max(map(abs, (*shape.extent[0], *shape.extent[1]))) for shape in device.shapes]
        high = _MAX_PSEUDO_TIME * max([*lengths, *distances]) ** 2
    count = int(np.ceil(np.log(high / low) / step)) + 1
    tau = low * np.exp(step * np.arange(count))
    p, weight = inverse_laplace(tau)
    steps = step * tau
    steps[0] *= 1 / (1 - np.exp(-step / 2))  # the integrand goes as τ^½ below: a geometric series
    if not np.isfinite(settling):
        steps[-1] *= 1 / (1 - np.exp(-step / 2))  # and as τ^-½ above
    lowest = STEADY_LAPLACE_VARIABLE / decay_time_bound(device, column) if device.box is not None else 1 / high
    return PseudoTimeQuadrature(tau, np.append(p, lowest), weight * steps[:, None], lateral_anisotropy(device))


def decay_time_bound(device: Device, column: SlicedStack) -> float:
    """Upper bound of the decay time of h, m²: what each layer stores times the resistance to a sink, or infinite."""
    below = _elmore_delay(column.pieces, device.coefficient)
    return min(below, _elmore_delay(column.pieces[::-1], device.top_coefficient))  # two sinks only speed decay


def _elmore_delay(pieces: tuple[LayerSlice | Boundary, ...], coefficient: float) -> float:
    """Sum of storage times resistance to the face behind the last piece, m²."""
    if coefficient == 0:
        return np.inf
    resistance, total = (0.0 if np.isinf(coefficient) else 1 / coefficient), 0.0
    for piece in reversed(pieces):  # the sum of C_i R_i is that of all time constants: it bounds the slowest
        if isinstance(piece, Boundary):
            resistance += piece.resistance()
            continue
        if np.isinf(piece.thickness):
            return np.inf
        own = piece.thickness / piece.layer.conductivity
        total += piece.layer.tensor[0, 0] * piece.thickness * (resistance + own / 2)  # p takes the place of sC
        resistance += own
    return total


def lateral_anisotropy(device: Device) -> float:
    """Conductivity along y over that along x, the same in all layers; refused where it differs between them."""
    ratios: list[float] = []
    for layer in device.stack.layers:
        if layer.oblique or layer.coupling is not None:
            what = "an oblique tensor" if layer.oblique else "electrons with a temperature of their own"
            raise InputError(f"{layer.name} has {what}: devices are solved with conductivities along x, y and z")
        ratios.append(float(layer.tensor[1, 1] / layer.tensor[0, 0]))
    if max(ratios) > min(ratios) * (1 + 1e-9):
        raise InputError(
            f"conductivity along y over that along x is {min(ratios):.4g} in one layer, {max(ratios):.4g} in another: "
            "single temperatures need one ratio",
            hint=Hint(python="`plane_map` takes any"),
        )
    return ratios[0]


_MAX_JOINT_POINTS = 64  # points up to which many rectangles are taken at once


@frozen(eq=False)
class LinearDevice(BaseRecord):
    """A device ready to be asked for steady temperatures."""

    device: Device  # with plain numbers
    column: SlicedStack  # its stack, cut at the planes of sources, patches and others that were asked for
    planes: tuple[Plane, ...]  # (n,) what was cut at, in the order of `column.marks`
    nodes: PseudoTimeQuadrature  # of the integral over pseudo-time
    medium: SlicedWaves  # the column at these nodes
    responses: tuple[ComplexArray, ...]  # of each source, (n + 1, np + 1) K m² W⁻¹

    @property
    def area(self) -> float | None:
        """Of the box, m²."""
        return None if self.device.box is None else self.device.box.area

    def node(self, plane: Plane) -> int:
        """Node of a plane that was cut at."""
        return self.column.marks[self.planes.index(plane)]

    def spread(self, source: HeatSource, at: Readout) -> Array:
        """(nτ, n) spread of a source at points or over a patch, m⁻²."""
        return lateral_spread(source.shape, at, self.nodes.tau, self.device.box, self.nodes.ratio)

    def spreads(self, at: Readout) -> tuple[Array, ...]:
        """(nτ, n) spread of each source at points or over a patch, m⁻²."""
        return tuple(self.spread(source, at) for source in self.device.sources)

    def rise(self, at: Readout, node: int | None = None) -> Array:
        """(n,) rise at points of a node, or (nodes, n) at all nodes, K."""
        together: dict[int, list[int]] = {}  # sources on one plane share a response, and one integral over τ
        for i, response in enumerate(self.responses):
            together.setdefault(id(response), []).append(i)
        total: Array = np.zeros(1)
        for group in together.values():
            sources = [self.device.sources[i] for i in group]
            response = self.responses[group[0]]
            power = sum(source.power for source in sources)
            found = self.sum_of_sources(sources, at) / power
            total = total + power * self.nodes.unit_rise(response if node is None else response[node], found, self.area)
        return total

    def sum_of_sources(self, sources: list[HeatSource], at: Readout) -> Array:
        """(nτ, n) spread of several sources, each times its power, W m⁻²."""
        flat = [(source.power, source.shape) for source in sources if isinstance(source.shape, Rectangle)]
        if len(flat) < 2 or isinstance(at, Disc) or (isinstance(at, LateralPoints) and at.x.size > _MAX_JOINT_POINTS):
            return np.sum([source.power * self.spread(source, at) for source in sources], axis=0)
        others = [source for source in sources if not isinstance(source.shape, Rectangle)]
        found = rectangles_spread(flat, at, self.nodes.tau, self.device.box, self.nodes.ratio)
        return found + np.sum([source.power * self.spread(source, at) for source in others], axis=0)

    def shares(self, at: Readout, node: int) -> dict[str, float]:
        """Rise at one point from each source, K."""
        shares: dict[str, float] = {}
        for source, response in zip(self.device.sources, self.responses, strict=True):
            unit_rise = self.nodes.unit_rise(response[node], self.spread(source, at), self.area)
            shares[source.name] = source.power * float(unit_rise[0])
        return shares

    def changes(self, at: Readout, node: int, names: tuple[str, ...]) -> dict[str, float]:
        """Change of the rise at one point with the logarithm of each number, by name, K."""
        own = plane_response(self.medium, node)  # the adjoint: unit heat at the point that is read
        changes = dict.fromkeys(names, 0.0)
        for source, response in zip(self.device.sources, self.responses, strict=True):
            spread = self.spread(source, at)
            for name, change in response_derivatives(self.medium, names, own, response[:, None, :]).items():
                changes[name] += source.power * float(self.nodes.unit_rise(change[0], spread, self.area)[0])
        return changes


def rises_on_lines(linear: LinearDevice, x: Array, y: Array, nodes: slice | list[int] = slice(None)) -> Array:
    """(nodes, nx, ny) rises from all sources at all x and y, K."""
    responses = [response[nodes] for response in linear.responses]
    total = np.zeros((len(responses[0]), x.size, y.size))
    for source, response in zip(linear.device.sources, responses, strict=True):
        total += source.power * rise_of_shape(linear, source.shape, response, x, y)
    return total


def rise_of_shape(linear: LinearDevice, shape: SourceShape | None, response: ComplexArray, x: Array, y: Array) -> Array:
    """(nodes, nx, ny) rise per watt of one shape, from closed forms, K W⁻¹."""
    nodes, area, box = linear.nodes, linear.area, linear.device.box
    if isinstance(shape, (Disc, HeatMap)):
        spots = LateralPoints(np.repeat(x, y.size), np.tile(y, x.size))
        found = nodes.unit_rise(response, lateral_spread(shape, spots, nodes.tau, box, nodes.ratio), area)
        return found.reshape(-1, x.size, y.size)
    along_x, along_y = separable_densities(shape, (point_ranges(x), point_ranges(y)), nodes.tau, box, nodes.ratio)
    impulse = nodes.impulse(response)
    found = np.swapaxes(along_x[:, 0] * impulse[:, :, None], 1, 2) @ along_y[:, 0]
    if area is not None:
        found += ((np.real(response[:, -1]) - impulse.sum(axis=1)) / area)[:, None, None]
    return found


def linear_device(device: Device, planes: tuple[Plane, ...] = (), step: float = LOG_TIME_STEP) -> LinearDevice:
    """Prepare a device with constant properties, cut at its sources and patches and at `planes`.

    `step` is that of the logarithm of pseudo-time in the integral over it.
    """
    if not device.sources:
        raise InputError(f"{device.title} has no source: give one or more sources of heat")
    own = [source_plane(device, source) for source in device.sources]
    wanted = tuple(dict.fromkeys([*own, *(plane for plane, _ in device.patches.values()), *planes]))
    cut = slice_stack(device.stack, wanted)
    shapes = [*device.shapes, *(patch for _, patch in device.patches.values())]
    nodes = _pseudo_time_quadrature(device, cut, tuple(shape.size for shape in shapes), step)
    medium = sliced_waves(cut, device, nodes.points)
    known: dict[tuple[Plane, bool], ComplexArray] = {}
    keys = [(plane, source.volumetric) for plane, source in zip(own, device.sources, strict=True)]
    for plane, through in keys:
        if (plane, through) not in known:
            node = cut.marks[wanted.index(plane)]
            response = layer_response(medium, plane.layer) if through else plane_response(medium, node)
            known[plane, through] = response[:, 0]
    return LinearDevice(device, cut, wanted, nodes, medium, tuple(known[key] for key in keys))


def source_plane(device: Device, source: HeatSource) -> Plane:
    """Plane of a source."""
    return device.top() if source.plane is None else source.plane


def averaging_patches(device: Device) -> dict[str, tuple[Plane, Patch]]:
    """Where temperatures are averaged: sources that are rectangles or discs or take all of a box, and patches."""
    found: dict[str, tuple[Plane, Patch]] = {}
    for source in device.sources:
        plane = source_plane(device, source)
        if isinstance(source.shape, (Rectangle, Disc)):
            found[source.name] = plane, source.shape
        elif source.shape is None and device.box is not None:
            found[source.name] = plane, Rectangle((0.0, device.box.width), (0.0, device.box.depth))
    return found | dict(device.patches)


def with_constant_properties(device: Device, values: Mapping[str, float]) -> Device:
    """The device with numbers instead of what depends on temperature: `values` by name, else those at the sink."""
    changes: dict[str, float | Conductance] = {}
    for layer in device.stack.layers:
        if layer.name in device.laws:
            new = values.get(layer.name) or float(device.laws[layer.name].at(device.sink)[0])
            changes[f"{layer.name}.conductivity"] = new
            for name in ("in_plane", "in_plane_y"):
                old = getattr(layer, name)
                if old is not None:
                    changes[f"{layer.name}.{name}"] = old * new / layer.conductivity  # anisotropy is kept
    for name, boundary in zip(device.stack.boundary_names, device.stack.boundaries, strict=True):
        if isinstance(boundary.conductance, Conductance):
            held = values.get(name) or float(boundary.conductance.at(device.sink)[0])
            changes[f"{name}.conductance"] = held
    return evolve(device, stack=device.stack.replace(changes) if changes else device.stack, laws={})
