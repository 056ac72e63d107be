"""The temperature of all cells from the balance of heat, solved at once: no iteration, at any Knudsen number."""

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.simulate.boltzmann.carriers import Integers
from kapitza.simulate.boltzmann.closure import Faces, channels_of, closed, exchange_of
from kapitza.simulate.boltzmann.contacts import Crossing, Wall
from kapitza.simulate.boltzmann.elements import ORDER, Field, cell_integrals, values
from kapitza.simulate.boltzmann.streams import Streams, layer_matrices
from kapitza.simulate.boltzmann.sweeps import conjugate_gradients, correction_of, sweep_of

MOST_AT_ONCE = 1500  # unknowns of a system that is solved directly
SPLIT = 2  # parts of a cell at whose bounds results are given


@frozen(eq=False)
class Slabs:
    """Layers cut into cells, with their streams and faces.

    Attributes
    ----------
    streams : of each layer
    widths : (C,) of the cells of each layer, m
    faces : what joins them
    base : temperature that deviations refer to, K
    """

    streams: Sequence[Streams]
    widths: Sequence[Array]
    faces: Faces
    base: float

    @property
    def stops(self) -> Integers:
        """(M + 1,) first unknown of each layer, and their number."""
        return np.cumsum([0, *(ORDER * one.size for one in self.widths)])


@frozen(eq=False)
class Solution:
    """Temperatures of the cells and what crosses the faces.

    Attributes
    ----------
    slabs : what was solved
    temperature : (N,) coefficients of the polynomials of all cells, K above base
    entering, arriving : (G, F, n) at each face, K above base
    flow : (G, F, n) heat per kelvin of each channel, W m⁻² K⁻¹
    steps : of the iteration; 0 where the balance was solved at once
    heated : whether heat was given to the lattice
    """

    slabs: Slabs
    temperature: Field
    entering: Field
    arriving: Field
    flow: Array
    steps: int = 0
    heated: bool = False

    def face_flux(self) -> Field:
        """(G, F) heat flux to the right through each face, W m⁻²."""
        inwards = np.sum(self.flow * (self.entering - self.arriving), axis=2)
        return inwards * np.where(np.arange(inwards.shape[1]) % 2 == 0, 1.0, -1.0)


def slabs_of(
    streams: Sequence[Streams],
    widths: Sequence[Array],
    joints: tuple[Sequence[Crossing], Sequence[Array]],
    walls: tuple[Wall, Wall] | None,
    *,
    drop: float = 0.0,
    base: float = 300.0,
) -> Slabs:
    """Join streams, cells and boundaries."""
    ends = () if walls is None else walls
    apart = any(np.any(wall.specular > 0) for wall in ends) or any(one.specular > 0 for one in joints[0])
    channels = [channels_of(one, apart) for one in streams]
    return Slabs(streams, widths, Faces(channels, joints[0], joints[1], walls, drop), base)


def solved(slabs: Slabs, heat: Field | None = None, rate: complex = 0.0) -> Solution:
    """Solve for the temperatures.

    Parameters
    ----------
    slabs : layers and faces
    heat : (N,) heat given to each polynomial of each cell, W m⁻²; None: none
    rate : s of changes in time as $e^{st}$, s⁻¹
    """
    if slabs.stops[-1] > MOST_AT_ONCE and not rate:
        return swept(slabs, heat)
    layers = [layer_matrices(one, cells, rate) for one, cells in zip(slabs.streams, slabs.widths, strict=True)]
    closure = closed(slabs.faces, layers, slabs.base)
    back, given = closure.exchange()
    balance = -back
    for i, one in enumerate(layers):
        inside = slice(slabs.stops[i], slabs.stops[i + 1])
        balance[inside, inside] += one.balance
    if slabs.faces.walls is None and not rate:
        balance = pinned(balance, slabs)
    temperature = np.linalg.solve(balance, given if heat is None else given + heat)
    entering = closure.entering(temperature)
    arriving = closure.arriving(temperature, entering)
    return Solution(slabs, temperature, entering, arriving, closure.flow, heated=heat is not None)


def swept(slabs: Slabs, heat: Field | None = None) -> Solution:
    """Solve for the temperatures of very many cells by conjugate gradients: cost grows with streams and cells."""
    sweeps = [sweep_of(one, cells) for one, cells in zip(slabs.streams, slabs.widths, strict=True)]
    faces, stops = slabs.faces, slabs.stops
    between, emitted, passed, flow = exchange_of(faces, [one.transmitted() for one in sweeps], slabs.base)

    def parts(temperature: Array) -> list[Array]:
        return [temperature[stops[i] : stops[i + 1]].reshape(-1, ORDER) for i in range(len(sweeps))]

    def outwards(temperature: Array) -> tuple[list[Array], Array]:
        balance, leaving = [], np.zeros(emitted.shape)
        for i, (one, held) in enumerate(zip(sweeps, parts(temperature), strict=True)):
            inner, left, right = one.balance(held)
            balance.append(inner)
            for face, part in ((2 * i, left), (2 * i + 1, right)):
                gathered = faces.channels[i].gathered(part)
                leaving[:, face, : gathered.shape[1]] = gathered
        return balance, leaving

    def inwards(entering: Array) -> Array:
        return np.concatenate(
            [
                one.inflow(*(faces.channels[i].spread(entering[:, face]) for face in (2 * i, 2 * i + 1))).ravel()
                for i, one in enumerate(sweeps)
            ]
        )

    def applied(temperature: Array) -> Array:
        balance, leaving = outwards(temperature)
        back = np.matmul(between, leaving.reshape(len(between), -1, 1)).reshape(emitted.shape)
        return np.concatenate([one.ravel() for one in balance]) - inwards(back)

    given = inwards(emitted) if heat is None else inwards(emitted) + heat
    temperature, steps = conjugate_gradients(applied, given, correction_of(sweeps, conductances_at(slabs)))
    if faces.walls is None:  # any temperature may be added
        widths = np.concatenate(list(slabs.widths))
        temperature[::ORDER] -= widths @ temperature[::ORDER] / widths.sum()
    leaving = outwards(temperature)[1]
    entering = emitted + np.matmul(between, leaving.reshape(len(between), -1, 1)).reshape(emitted.shape)
    opposite = np.arange(emitted.shape[1]) ^ 1
    arriving = (passed * entering)[:, opposite] + leaving
    return Solution(slabs, temperature, entering, arriving, flow, steps, heat is not None)


def conductances_at(slabs: Slabs) -> list[Array]:
    """About what passes each wall and boundary from left to right, per kelvin, W m⁻² K⁻¹.

    The ends of a stack that repeats are taken to be held: one wave more for the iteration, and no cyclic matrix.
    """
    if slabs.faces.walls is None:
        return [slabs.faces.flows[-1], *slabs.faces.flows]
    ends: list[Array] = []
    for wall, side in zip(slabs.faces.walls, (slabs.faces.channels[0], slabs.faces.channels[-1]), strict=True):
        taken = 2 * (1 - wall.specular) / (1 + wall.specular) if wall.temperature is not None else np.zeros(1)
        ends.append(taken * side.flow.sum(axis=1))
    return [ends[0], *slabs.faces.flows, ends[1]]


def pinned(balance: Field, slabs: Slabs) -> Field:
    """Hold the mean temperature of a stack that repeats at the base."""
    mean = np.zeros(balance.shape[0])
    mean[::ORDER] = np.concatenate(list(slabs.widths))
    mean /= np.linalg.norm(mean)
    return balance + np.abs(np.diag(balance)).max() * np.outer(mean, mean)


@frozen(eq=False)
class Inside:
    """Distribution inside of a layer, at the bounds of the parts of its cells.

    Attributes
    ----------
    position : (nx,) from the left face, m
    modes : (nx, G) temperature of each group, K above base; NaN where a group has no bands
    flux : (nx, G) heat flux to the right, W m⁻²
    mean : (nx,) temperature of the energy density, K above base
    lattice : (nx,) temperature that scattering drives the bands to, K above base
    """

    position: Array
    modes: Field
    flux: Field
    mean: Field
    lattice: Field


def refined(widths: Array, temperature: Field) -> tuple[Array, Field]:
    """Parts of cells, and the polynomials (C, ORDER) in them."""
    node, weight = np.polynomial.legendre.leggauss(ORDER)
    place, weight = (node + 1) / 2, weight / 2
    onto = (values(place) * weight[:, None]).T * (2 * np.arange(ORDER) + 1)[:, None]
    pieces = [temperature @ (onto @ values((place + k) / SPLIT)).T for k in range(SPLIT)]
    return np.repeat(widths / SPLIT, SPLIT), np.stack(pieces, axis=1).reshape(-1, ORDER)


def inside(solution: Solution, layer: int, rate: complex = 0.0) -> Inside:
    """Follow all streams through a layer."""
    slabs = solution.slabs
    streams, channels = slabs.streams[layer], slabs.faces.channels[layer]
    first, last = slabs.stops[layer], slabs.stops[layer + 1]
    held = solution.temperature[first:last].reshape(-1, ORDER)
    widths, held = refined(slabs.widths[layer], held)
    slowed = 1 + rate * streams.lifetime if rate else np.ones(streams.lifetime.size)
    passed, moment, _ = cell_integrals(widths * (slowed / streams.reach)[:, None])
    source = moment * (widths / streams.reach[:, None])[:, :, None]
    right = np.empty((streams.reach.size, widths.size + 1), solution.temperature.dtype)
    left = np.empty_like(right)
    right[:, 0] = channels.spread(solution.entering[:, 2 * layer, :])
    left[:, -1] = channels.spread(solution.entering[:, 2 * layer + 1, :])
    sign = (-1.0) ** np.arange(ORDER)
    for c in range(widths.size):
        right[:, c + 1] = passed[:, c] * right[:, c] + source[:, c] @ (sign * held[c])
        back = widths.size - 1 - c
        left[:, back] = passed[:, back] * left[:, back + 1] + source[:, back] @ held[back]
    capacity = streams.summed(streams.capacity)
    energy = streams.summed(streams.capacity[:, None] * (right + left) / 2)
    flux = streams.summed(streams.flow[:, None] * (right - left))
    with np.errstate(invalid="ignore", divide="ignore"):
        modes = np.where(capacity[:, None] > 0, energy / capacity[:, None], np.nan)
    if solution.heated:
        ends = values(np.array([0.0, 1.0]))
        lattice = np.concatenate([held @ ends[0], held[-1:] @ ends[1]])
        lattice[1:-1] = (lattice[1:-1] + (held @ ends[1])[:-1]) / 2
    else:  # from the streams, by the balance: right to a higher order than the polynomials, which end at the faces
        exchange = streams.capacity / streams.lifetime
        lattice = exchange @ (right + left) / (2 * exchange.sum())
    position = np.concatenate([[0.0], np.cumsum(widths)])
    return Inside(position, modes.T, flux.T, energy.sum(axis=0) / capacity.sum(), lattice)
