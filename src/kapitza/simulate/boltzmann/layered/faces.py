r"""Faces of layers joined: what enters each, given the temperatures inside and the walls.

At every face of a layer, phonons arrive from inside and enter from outside.  With P the passage of what enters a layer
to its other face, R the redistribution at walls and boundaries, V the emission of the inside towards the faces and b
that of the walls, what enters obeys $x = R(Px + VT) + b$ for each frequency group by itself.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, IndexArray
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering, Wall
from kapitza.simulate.boltzmann.layered.streams import LayerMatrices, RealOrComplexArray, Streams

_MAX_MATRIX_BYTES = 2**31  # bytes of the redistribution at all faces
_SPECULAR_FLOW_TOLERANCE = 1e-2  # of the largest flow of a group: what a wholly specular boundary may miss
_FLOW_TOLERANCE = 1e-6  # relative difference of the flows of two layers that a specular boundary may join


@frozen(eq=False)
class Channels(BaseRecord):
    """How the streams of a layer are distinguished at its faces: by group only, or each by itself."""

    streams: Streams
    resolved: bool  # each stream is a channel; else a group is one, which diffuse boundaries allow
    flow: Array  # (G, n) heat that each channel carries one way per kelvin, W m⁻² K⁻¹
    channel: IndexArray  # (S,) channel of each stream within its group

    @property
    def size(self) -> int:
        """Number of channels of a group."""
        return self.flow.shape[1]

    def from_streams(self, value: RealOrComplexArray) -> RealOrComplexArray:
        """(G, n, ...) values of channels from those of streams (S, ...)."""
        if self.resolved:
            values = np.zeros((self.streams.groups, self.size, *value.shape[1:]), value.dtype)
            values[self.streams.group, self.channel] = value
            return values
        share = self.streams.flow.reshape(-1, *[1] * (value.ndim - 1))  # weight Cv/2: the mean conserves heat
        total = self.streams.integrate_directions(share * value)
        flow = self.flow[:, 0].reshape(-1, *[1] * (value.ndim - 1))
        return np.divide(total, flow, out=np.zeros_like(total), where=flow > 0)[:, None]

    def to_streams(self, value: RealOrComplexArray) -> RealOrComplexArray:
        """(S, ...) values of streams from those of channels (G, n, ...)."""
        return value[self.streams.group, self.channel]


def make_channels(streams: Streams, resolved: bool) -> Channels:
    """Return the channels of a layer."""
    if not resolved:
        flow = streams.integrate_directions(streams.flow)[:, None]
        return Channels(streams, resolved, np.asarray(flow, dtype=float), np.zeros(streams.group.size, dtype=np.intp))
    flow = np.zeros((streams.groups, streams.channels))
    flow[streams.group, streams.channel] = streams.flow
    return Channels(streams, resolved, flow, streams.channel)


def _diffuse_redistribution(share: Array, arriving: Array, leaving: int) -> Array:
    """(G, m, n) a share (G,) of what arrives with the flows (G, n), spread evenly over m leaving channels."""
    total = arriving.sum(axis=1)
    weight = np.divide(arriving, total[:, None], out=np.zeros_like(arriving), where=total[:, None] > 0)
    return np.broadcast_to((share[:, None] * weight)[:, None, :], (share.size, leaving, arriving.shape[1]))


@frozen(eq=False)
class Faces(BaseRecord):
    """Redistribution at all faces of a stack: left and right face of each layer in turn."""

    channels: Sequence[Channels]  # of each layer
    crossings: Sequence[InterfaceScattering]
    flows: Sequence[Array]  # (G,) heat that crosses each boundary per kelvin
    walls: tuple[Wall, Wall] | None  # None where the stack repeats: the last crossing joins its ends
    drop: float = 0.0  # K, by which the temperature falls from one period to the next
    size: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "size", max(channel.size for channel in self.channels))

    @property
    def groups(self) -> int:
        """Number of frequency groups."""
        return self.channels[0].flow.shape[0]

    def matrices(self, base: float) -> tuple[Array, Array]:
        """Redistribution R (G, F, n, F, n) and emission b (G, F, n) in kelvin above `base`."""
        count, n = 2 * len(self.channels), self.size
        if 8 * self.groups * (count * n) ** 2 > _MAX_MATRIX_BYTES:
            raise InputError(
                f"{len(self.channels)} layers with {self.groups} groups of {n} streams are too many for boundaries "
                "that keep directions: take one period that repeats, fewer groups or angles, or specular = 0"
            )
        matrix = np.zeros((self.groups, count, n, count, n))
        emission = np.zeros((self.groups, count, n))
        for face, wall in zip((0, count - 1), self.walls or (), strict=False):
            inside, m = self.channels[face // 2], self.channels[face // 2].size
            specular = np.broadcast_to(wall.specular, (self.groups,))
            matrix[:, face, :m, face, :m] += specular[:, None, None] * np.eye(m)
            if wall.temperature is None:
                matrix[:, face, :m, face, :m] += _diffuse_redistribution(1 - specular, inside.flow, m)
            else:
                emission[:, face, :m] = ((1 - specular) * (wall.temperature - base))[:, None]
        for i, (crossing, flow) in enumerate(zip(self.crossings, self.flows, strict=True)):
            one, other = 2 * i + 1, (2 * i + 2) % count
            blocks = boundary_redistribution(crossing, flow, self.channels[i], self.channels[other // 2])
            for (row, column), block in zip(product((one, other), repeat=2), blocks, strict=True):
                matrix[:, row, : block.shape[1], column, : block.shape[2]] += block
            if other == 0:  # beyond the seam of the period all temperatures differ by the drop
                emission[:, one, : blocks[1].shape[1]] -= self.drop * blocks[1].sum(axis=2)
                emission[:, 0, : blocks[2].shape[1]] += self.drop * blocks[2].sum(axis=2)
        return matrix, emission


def boundary_redistribution(
    crossing: InterfaceScattering, flow: Array, left: Channels, right: Channels
) -> tuple[Array, Array, Array, Array]:
    """Redistribution left to left, right to left, left to right and right to right, (G, n, n) each."""
    flows = left.flow.sum(axis=1), right.flow.sum(axis=1)
    p = crossing.specular

    def diffuse(shares: Sequence[Array]) -> tuple[Array, Array, Array, Array]:
        return (
            _diffuse_redistribution((1 - p) * (1 - shares[0]), left.flow, left.size),
            _diffuse_redistribution((1 - p) * shares[0], right.flow, left.size),
            _diffuse_redistribution((1 - p) * shares[1], left.flow, right.size),
            _diffuse_redistribution((1 - p) * (1 - shares[1]), right.flow, right.size),
        )

    if not p:
        return diffuse([np.divide(flow, one, out=np.zeros_like(flow), where=one > 0) for one in flows])
    shared = pair_streams(left, right)
    straight_flow = shared.sum(axis=(1, 2))
    even = np.divide(flow, straight_flow, out=np.zeros_like(flow), where=straight_flow > 0)
    transmitted = _specular_transmission(crossing, left, right, np.minimum(even, 1.0))[:, :, None] * shared
    rests = diffuse([_diffuse_transmission(flow, transmitted.sum(axis=(1, 2)), p, one) for one in flows])
    return (
        _specular_reflection(p, transmitted.sum(axis=2), left) + rests[0],
        _specular_passage(p, transmitted, left) + rests[1],
        _specular_passage(p, transmitted.swapaxes(1, 2), right) + rests[2],
        _specular_reflection(p, transmitted.sum(axis=1), right) + rests[3],
    )


def _specular_passage(specular: float, transmitted: Array, into: Channels) -> Array:
    """(G, m, n) redistribution of the specular part to m leaving channels, by the heat (G, m, n) they receive."""
    flow = into.flow[:, :, None]
    return specular * np.divide(transmitted, flow, out=np.zeros_like(transmitted), where=flow > 0)


def _specular_reflection(specular: float, transmitted: Array, side: Channels) -> Array:
    """(G, n, n) redistribution of the specular part that stays on its side, of which the heat (G, n) crosses."""
    share = np.divide(transmitted, side.flow, out=np.zeros_like(transmitted), where=side.flow > 0)
    return np.einsum("gn,nm->gnm", specular * (1 - share), np.eye(side.size))


def _specular_transmission(crossing: InterfaceScattering, left: Channels, right: Channels, even: Array) -> Array:
    """(G, n) share of the specular phonons of each channel that cross; `even` (G,) where the boundary does not say."""
    if crossing.specular_transmission is None:
        return np.broadcast_to(even[:, None], left.flow.shape)
    if isinstance(crossing.specular_transmission, (int, float)):
        return np.full(left.flow.shape, float(crossing.specular_transmission))
    missing = sum(int(np.isnan(side.streams.cosine).sum()) for side in (left, right))
    if missing:
        raise InputError(f"a share by angle needs isotropic bands on both sides; {missing} streams have no angle")
    cosine = np.zeros(left.flow.shape)
    cosine[left.streams.group, left.streams.channel] = left.streams.cosine
    return crossing.specular_transmission.at(cosine)


def _diffuse_transmission(total: Array, matched: Array, specular: float, flow: Array) -> Array:
    """(G,) share of the diffuse phonons of a side that cross, from the heat that crosses and its specular part."""
    if specular == 1:
        off = np.abs(total - matched)
        if off.max() > _SPECULAR_FLOW_TOLERANCE * total.max():
            i = int(off.argmax())
            raise InputError(
                f"specular = 1: of group {i}, {total[i]:.4g} W/m²K are to cross, and {matched[i]:.4g} can without a "
                "change of direction; give a transmission that fits, or a smaller share"
            )
        return np.zeros_like(total)
    # diffuse phonons make up for the specular ones: the group passes `total`, as detailed balance requires
    rest = np.divide(total - specular * matched, (1 - specular) * flow, out=np.zeros_like(total), where=flow > 0)
    if rest.min() < -_FLOW_TOLERANCE or rest.max() > 1 + _FLOW_TOLERANCE:
        i = int(np.argmax(np.abs(rest - 0.5)))
        raise InputError(
            f"specular = {specular:g}: of group {i}, {total[i]:.4g} W/m²K cross in all and {matched[i]:.4g} would if "
            f"all were specular, so that {rest[i]:.4g} of the diffuse ones cross, expected 0 to 1; take a smaller share"
        )
    return np.clip(rest, 0, 1)


def pair_streams(left: Channels, right: Channels) -> Array:
    """(G, n, m) heat per kelvin of the streams of one side that may go straight on as streams of the other.

    Streams of one place continue each other where both carry as much: the same bands, or refracted isotropic ones.
    """
    if left.flow.shape == right.flow.shape:
        both = np.where((left.flow > 0) & (right.flow > 0), left.flow, 0.0)
        if np.abs(both - np.where(both > 0, right.flow, 0.0)).max() <= _FLOW_TOLERANCE * left.flow.max():
            return np.einsum("gn,nm->gnm", both, np.eye(left.size))
    # Others are paired by heat, counted from the fastest along the normal: the heat that a group carries one way counts
    # its waves along the plane.  In one isotropic band those faster than vμ carry E(1 - μ²) ∝ k∥², so that equal counts
    # are Snell's law, and what is left over on one side is reflected totally.
    (low, high), (floor, top) = _cumulative_flow(left), _cumulative_flow(right)
    shared = np.minimum(high[:, :, None], top[:, None, :]) - np.maximum(low[:, :, None], floor[:, None, :])
    return np.maximum(shared, 0.0)


def _cumulative_flow(side: Channels) -> tuple[Array, Array]:
    """(G, n) heat per kelvin of all streams of a group that are faster along the normal, without and with each."""
    velocity = np.zeros(side.flow.shape)
    velocity[side.streams.group, side.channel] = side.streams.velocity
    order = np.argsort(-velocity, axis=1, kind="stable")  # fastest along z first, as k∥ grows with the count
    above = np.empty_like(side.flow)
    np.put_along_axis(above, order, np.cumsum(np.take_along_axis(side.flow, order, axis=1), axis=1), axis=1)
    return above - side.flow, above


@frozen(eq=False)
class FaceResponse(BaseRecord):
    """What enters the faces, $x = x_0 + ZVT$, and what of it the layers take."""

    emitted: RealOrComplexArray  # (G, F, n) x₀: entering for T = 0
    response: RealOrComplexArray  # (G, F n, N) ZV
    emission: RealOrComplexArray  # (G, F n, N) V
    flow: Array  # (G, F, n) heat per kelvin of each channel
    passed: RealOrComplexArray  # (G, F, n) what enters through a face and is left at the opposite one

    def exchange(self) -> tuple[RealOrComplexArray, RealOrComplexArray]:
        """(N, N) heat that comes back from the faces, and (N,) heat from the walls, W m⁻² K⁻¹ and W m⁻²."""
        weight = self.flow.reshape(*self.response.shape[:2], 1)
        tested = (self.emission * weight).reshape(-1, self.emission.shape[2])  # reciprocity: cells take as they emit
        return tested.T @ self.response.reshape(tested.shape), tested.T @ self.emitted.ravel()

    def entering(self, temperature: RealOrComplexArray) -> RealOrComplexArray:
        """(G, F, n) what enters each face, K above base."""
        return self.emitted + (self.response @ temperature).reshape(self.emitted.shape)

    def arriving(self, temperature: RealOrComplexArray, entering: RealOrComplexArray) -> RealOrComplexArray:
        """(G, F, n) what arrives at each face from inside, K above base."""
        count = entering.shape[1]
        opposite = np.arange(count) ^ 1
        return (self.passed * entering)[:, opposite] + (self.emission @ temperature).reshape(entering.shape)


def solve_faces(faces: Faces, layers: Sequence[LayerMatrices], base: float) -> FaceResponse:
    """Solve the faces of all groups for what enters them."""
    redistribution, system, walls, passed, flow = _face_system(faces, [layer.passed for layer in layers], base)
    groups, count, n = flow.shape
    stops = np.cumsum([0, *(layer.balance.shape[0] for layer in layers)])
    emission = np.zeros((groups, count, n, stops[-1]), passed.dtype)
    for i, (one, channels) in enumerate(zip(layers, faces.channels, strict=True)):
        inside = slice(stops[i], stops[i + 1])
        for face, part in ((2 * i, one.left), (2 * i + 1, one.right)):
            emission[:, face, : channels.size, inside] = channels.from_streams(part)
    emission = emission.reshape(groups, count * n, -1)
    right = np.concatenate([redistribution @ emission, walls.reshape(groups, -1, 1)], axis=2)
    solved = np.linalg.solve(system, right)  # one system per group: elastic faces do not mix frequencies
    return FaceResponse(solved[:, :, -1].reshape(walls.shape), solved[:, :, :-1], emission, flow, passed)


def face_exchange(faces: Faces, transmitted: Sequence[Array], base: float) -> tuple[Array, Array, Array, Array]:
    """The faces without what the inside emits, for solutions that never form its matrix.

    From what is left of each stream (S,) behind each layer: what enters from what the inside sends to the faces
    (G, F n, F n), what enters for a stack at `base` (G, F, n), K, and `passed` and `flow` of `FaceResponse`.
    """
    redistribution, system, walls, passed, flow = _face_system(faces, transmitted, base)
    right = np.concatenate([redistribution, walls.reshape(len(walls), -1, 1)], axis=2)
    solved: Array = np.linalg.solve(system, right).astype(float)
    return solved[:, :, :-1], solved[:, :, -1].reshape(walls.shape), passed, flow


def _face_system(
    faces: Faces, transmitted: Sequence[RealOrComplexArray], base: float
) -> tuple[Array, RealOrComplexArray, Array, RealOrComplexArray, Array]:
    """R and 1 - RP (G, F n, F n), the emission b of the walls, P and the flow of channels (G, F, n)."""
    count, n, groups = 2 * len(transmitted), faces.size, faces.groups
    passed, flow = np.zeros((groups, count, n), transmitted[0].dtype), np.zeros((groups, count, n))
    for i, (one, channels) in enumerate(zip(transmitted, faces.channels, strict=True)):
        for face in (2 * i, 2 * i + 1):
            passed[:, face, : channels.size] = channels.from_streams(one)
            flow[:, face, : channels.size] = channels.flow
    matrix, walls = faces.matrices(base)
    # what arrives at a face entered through the opposite one: faces 2i and 2i + 1 belong to one layer
    through = matrix[:, :, :, np.arange(count) ^ 1] * passed[:, None, None]
    shape = groups, count * n, count * n
    return matrix.reshape(shape), np.eye(count * n) - through.reshape(shape), walls, passed, flow
