r"""Temperatures at all planes of a stack from heat that enters at one of them, and what they depend on.

A stack cut at the planes of interest is a chain of slabs and boundaries with nodes between them.  The admittances that
a node sees upwards and downwards are those of `device.layered.admittance`; from them follow the temperatures of all
nodes.

**What a response depends on.**  Conduction is self-adjoint: a change of one piece changes the temperature that node m
reads per flux into node n by

$$\frac{\partial Z_{mn}}{\partial p} = -\frac{\partial B_p}{\partial p}(\theta^m, \theta^n),$$

with the temperatures $\theta^m$, $\theta^n$ that unit fluxes into m and n would give at the two faces of the piece, and
its two-port $B$: for a boundary $G D D'$, for a slab of wave admittance γ, decay u and thickness d

$$B = \tfrac{\gamma}{2}\left[\tanh\tfrac{ud}{2}\,SS' + \coth\tfrac{ud}{2}\,DD'\right],\qquad S = a + b,\; D = a - b .$$

Two solutions give the derivatives with respect to all numbers at once; nothing is perturbed.
"""

import numpy as np
from attrs import frozen

from kapitza.core.arrays import ComplexArray
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.device.layered.admittance import (
    HalfStack,
    SpectralPoints,
    ThermalWave,
    half_stack,
    temperature_beyond,
    temperatures_along,
    thermal_waves,
)
from kapitza.device.setup import LayerSlice, SlicedStack, StackPiece


@frozen(eq=False)
class SlicedWaves(BaseRecord):
    """A column at some points of Laplace space."""

    column: SlicedStack  # pieces and nodes
    media: dict[str, ThermalWave]  # waves of each layer
    # top, bottom: heat transfer coefficients of the outer faces, W m⁻² K⁻¹; infinite where a temperature is held
    top: float
    bottom: float
    shape: tuple[int, int]  # (ns, nk) of the points

    def sides(self, node: int) -> tuple[HalfStack, HalfStack]:
        """What a node sees upwards and downwards."""
        kind = next(iter(self.media.values())).gamma.dtype  # real numbers stay real: steady maps take half the time
        up, down = (np.full((1, 1), value, dtype=kind) for value in (self.top, self.bottom))
        pieces = self.column.pieces
        return half_stack(pieces[:node][::-1], up, -1, self.media, 0.0), half_stack(
            pieces[node:], down, 1, self.media, 0.0
        )


def sliced_waves(column: SlicedStack, stack: Stack, at: SpectralPoints, *, top: float, bottom: float) -> SlicedWaves:
    """Return the column at points of Laplace space."""
    return SlicedWaves(column, thermal_waves(stack, at), top, bottom, (at.s.shape[0], max(at.kx.size, at.ky.size)))


def plane_response(medium: SlicedWaves, node: int) -> ComplexArray:
    """(n + 1, ns, nk) temperature of each node per flux into one of them, K m² W⁻¹."""
    sides = medium.sides(node)
    found = np.zeros((len(medium.column.pieces) + 1, *medium.shape), dtype=complex)
    found[node] = 1 / (sides[0].admittance + sides[1].admittance)
    for side in sides:
        for i, theta in enumerate(temperatures_along(found[node], side, medium.media, 0.0)):
            found[node + side.sign * (i + 1)] = theta
    return found


def node_response(medium: SlicedWaves, source: int, target: int) -> ComplexArray:
    """(ns, nk) temperature of one node per flux into another, K m² W⁻¹."""
    up, down = medium.sides(source)
    theta = 1 / (up.admittance + down.admittance)
    return temperature_beyond(theta, down if target >= source else up, abs(target - source), medium.media, 0.0)


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
    """Change of the response between two nodes with the logarithm of each number, by name, (ns, nk) K m² W⁻¹.

    From the (n + 1, ns, nk) responses a and b to fluxes into either; names are such as "GaN.conductivity",
    "coefficient".
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
