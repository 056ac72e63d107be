r"""A domain as flat tables, from which particles of energy are drawn and moved.

Deviational particles carry the difference of the phonons to those at one temperature.  In linear response they move
independently of each other, from where they are set free until a wall takes them, without a time step:
J.-P. M. Péraud and N. G. Hadjiconstantinou, Appl. Phys. Lett. 101, 153114 (2012), doi:10.1063/1.4757607.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.boltzmann.boundaries import AngularTransmission, InterfaceScattering, Wall
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.domain import Domain, DomainCells, HotSpot

KernelTables = Mapping[str, Any]

_MIN_BAND_VELOCITY = 1e-9  # of the highest velocity: what moves less is taken to move that much
_BAND_FLOW_TOLERANCE = 1e-6  # relative difference of the flows of bands that continue each other
BLACK_WALL, ADIABATIC_WALL, INNER_BOUNDARY = 0, 1, 2  # kinds of surfaces


@frozen(eq=False)
class BandTables(BaseRecord):
    """Bands of all materials, sorted by group, in tables of one length."""

    velocity: Array  # (M, B) m s⁻¹; one where a material has fewer bands
    path: Array  # (M, B) m; one there
    capacity: Array  # (M, B) J m⁻³ K⁻¹, zero there
    group: IntArray  # (M, B)
    start: IntArray  # (M, G + 1) first band of each group

    @property
    def flow(self) -> Array:
        """(M, B) heat carried one way per kelvin, W m⁻² K⁻¹."""
        return self.capacity * self.velocity / 4

    @property
    def groups(self) -> int:
        """Number of groups of frequency."""
        return self.start.shape[1] - 1

    def by_group(self, value: Array) -> Array:
        """(M, G) sums of (M, B) over the bands of each group."""
        ends = np.concatenate([np.zeros((value.shape[0], 1)), np.cumsum(value, axis=1)], axis=1)
        return np.diff(np.take_along_axis(ends, self.start, axis=1), axis=1)


def tabulate_bands(materials: Sequence[Carriers]) -> BandTables:
    """Tables of the bands that hold heat."""
    used = [np.flatnonzero(material.capacity > 0) for material in materials]
    used = [u[np.argsort(one.group[u], kind="stable")] for u, one in zip(used, materials, strict=True)]
    shape = len(materials), max(u.size for u in used)
    velocity, path, capacity = np.ones(shape), np.ones(shape), np.zeros(shape)
    group = np.zeros(shape, dtype=np.int64)
    groups = materials[0].omega.size
    start = np.zeros((shape[0], groups + 1), dtype=np.int64)
    for m, (u, one) in enumerate(zip(used, materials, strict=True)):
        speed = np.maximum(one.velocity[u], _MIN_BAND_VELOCITY * one.velocity.max())
        velocity[m, : u.size], path[m, : u.size] = speed, speed * one.lifetime[u]
        capacity[m, : u.size], group[m, : u.size] = one.capacity[u], one.group[u]
        start[m] = np.searchsorted(one.group[u], np.arange(groups + 1))
    return BandTables(velocity, path, capacity, group, start)


def _cumulative_distribution(weight: Array) -> Array:
    """Distributions along the last axis; zeros stay without a share, rounding never passes the end."""
    total = np.cumsum(weight, axis=-1)
    end = total[..., -1:]
    distribution = np.divide(total, end, out=np.ones_like(total), where=end > 0)
    return np.where(total >= end, 1.0, distribution)


def _guide_tables(cumulative: Array) -> IntArray:
    """(..., K) for each of K equal parts of 0..1, the first entry that reaches into it."""
    count = 2 ** int(np.ceil(np.log2(2 * cumulative.shape[-1])))  # a power of two, by which u is multiplied exactly
    parts = np.arange(count) / count
    flat = cumulative.reshape(-1, cumulative.shape[-1])
    entries = np.array([np.searchsorted(row, parts, side="right") for row in flat])
    return np.minimum(entries, cumulative.shape[-1] - 1).reshape(*cumulative.shape[:-1], count)


def surface_tables(grid: DomainCells, materials: Sequence[Carriers], bands: BandTables) -> dict[str, NDArray[Any]]:
    """What each surface does with what arrives, by group.

    `specular` (S, G) share that is specular; `through` (S, G) share of it that crosses; `cross` (S, M, G) share of the
    diffuse that crosses from each material; `first` (S,) the region from which flux counts as positive.
    """
    count, groups = len(grid.surfaces), bands.groups
    kind = np.full(count, ADIABATIC_WALL, dtype=np.int64)
    first = np.full(count, -1, dtype=np.int64)
    specular, through = np.zeros((count, groups)), np.zeros((count, groups))
    cross = np.zeros((count, len(materials), groups))
    for s, (wall, boundary) in enumerate(zip(grid.walls, grid.crossings, strict=True)):
        if wall is not None:
            if wall.specular.size not in (1, groups):
                raise InputError(f"wall {grid.surfaces[s]}: {wall.specular.size} specular shares for {groups} groups")
            kind[s] = ADIABATIC_WALL if wall.temperature is None else BLACK_WALL
            specular[s] = wall.specular
        if boundary is not None:
            crossing, i, j = boundary
            kind[s], first[s] = INNER_BOUNDARY, i
            specular[s] = crossing.specular
            sides = materials[i], materials[j]
            through[s], cross[s, i], cross[s, j] = _crossing_probabilities(crossing, sides, grid.surfaces[s])
            if crossing.specular:
                _check_same_bands(bands, i, j, grid.surfaces[s])
    return {"kind": kind, "first": first, "specular": specular, "through": through, "cross": cross}


def _crossing_probabilities(
    crossing: InterfaceScattering, sides: tuple[Carriers, Carriers], name: str
) -> tuple[Array, Array, Array]:
    """Share (G,) of the specular that crosses, and of the diffuse from either side."""
    if isinstance(crossing.specular_transmission, AngularTransmission):
        raise InputError(
            f"boundary {name}: a share against the angle is for layers (`transport`); Monte Carlo takes "
            "one share of the specular phonons that cross"
        )
    flow, flows = crossing.flow(*sides), [side.flow for side in sides]
    p = crossing.specular
    through = np.zeros_like(flow)
    if p and crossing.specular_transmission is not None:
        through = np.full_like(flow, crossing.specular_transmission)
    elif p:
        straight = np.where(flows[1] > 0, flows[0], 0.0)
        through = np.minimum(np.divide(flow, straight, out=np.zeros_like(flow), where=straight > 0), 1.0)
    rests: list[Array] = []
    for one in flows:
        rest = np.zeros_like(flow)
        if p < 1:
            np.divide(flow - p * through * one, (1 - p) * one, out=rest, where=one > 0)  # the two add up to `flow`
        if rest.min() < -_BAND_FLOW_TOLERANCE or rest.max() > 1 + _BAND_FLOW_TOLERANCE:
            raise InputError(
                f"boundary {name}: specular = {p:g} leaves {rest.min():.4g} to {rest.max():.4g} of the "
                "diffuse phonons that cross, expected 0 to 1"
            )
        rests.append(np.clip(rest, 0, 1))
    return through, rests[0], rests[1]


def _check_same_bands(bands: BandTables, i: int, j: int, name: str) -> None:
    one, other = bands.flow[[i, j]]
    if (bands.group[i] != bands.group[j]).any() or np.abs(one - other).max() > _BAND_FLOW_TOLERANCE * one.max():
        raise InputError(
            f"boundary {name}: specular crossing between unlike bands ({one.sum():.4g} and {other.sum():.4g} "
            "W/m²K): only the same bands on both sides continue each other; take specular = 0"
        )


def source_spectrum(source: HotSpot, bands: BandTables, region: int) -> Array:
    """(B,) power of each band of a source in a material, in shares."""
    capacity = bands.capacity[region]
    if source.spectrum is None:
        return capacity
    if source.spectrum.size != bands.groups:
        raise InputError(f"source: {source.spectrum.size} shares for {bands.groups} groups of frequency")
    held = bands.by_group(bands.capacity)[region]
    if (held[source.spectrum > 0] <= 0).any():
        g = int(np.argmax((source.spectrum > 0) & (held <= 0)))
        raise InputError(f"source: heats group {g}, in which the material there has no phonons")
    return capacity * np.divide(source.spectrum, held, out=np.zeros_like(held), where=held > 0)[bands.group[region]]


@frozen(eq=False)
class Emission(BaseRecord):
    """Where particles are set free."""

    cell: IntArray  # (E,)
    face: IntArray  # (E,) -1: inside
    power: Array  # (E,) W, signed
    table: IntArray  # (E,) number of the spectrum
    spectra: Array  # (T, B) weights of the bands


def _emitting_faces(
    grid: DomainCells, bands: BandTables, specular: Array
) -> Iterator[tuple[float, tuple[IntArray, IntArray], Array, Array]]:
    """Yield the faces of all walls with a temperature, material by material: temperature, K; cells and faces (E,); heat
    (E,) that each emits per kelvin, W K⁻¹; weights of bands (B,).
    """
    for s, wall in enumerate(grid.walls):
        if wall is None or wall.temperature is None:
            continue
        for m in range(bands.flow.shape[0]):
            cell, face = np.nonzero((grid.surface == s) & (grid.region == m)[:, None])
            weight = bands.flow[m] * (1 - specular[s])[bands.group[m]]
            if cell.size and weight.sum() > 0:
                yield wall.temperature, (cell, face), grid.area[cell, face] * weight.sum(), weight


def reference_temperature(grid: DomainCells, bands: BandTables, specular: Array) -> float:
    """Temperature about which the walls emit least, K: the fewer particles start at walls, the smaller the noise."""
    held = [(temperature, float(power.sum())) for temperature, _, power, _ in _emitting_faces(grid, bands, specular)]
    if not held:
        raise InputError(f"{len(grid.walls)} walls, none with a temperature that touches a material: heat cannot leave")
    temperature, power = (np.array(one) for one in zip(*held, strict=True))
    cost = np.abs(temperature[:, None] - temperature) @ power  # least at a weighted median, hence at a wall
    best = temperature[cost <= cost.min() * (1 + 1e-9)]
    return float((best.min() + best.max()) / 2)  # between two minima the cost is flat: their middle


def tabulate_emission(
    domain: Domain, grid: DomainCells, bands: BandTables, specular: Array, reference: float
) -> Emission:
    """All walls with another temperature than `reference`, and all sources."""
    parts: list[tuple[IntArray, IntArray, Array, IntArray]] = []
    spectra: list[Array] = []
    for temperature, (cell, face), power, weight in _emitting_faces(grid, bands, specular):
        if temperature != reference:
            parts.append((cell, face, power * (temperature - reference), np.full(cell.size, len(spectra))))
            spectra.append(weight)
    for source in domain.sources:
        inside = np.flatnonzero(grid.within(source.low, source.high))
        where = grid.region[inside]
        share = grid.volume[inside] / np.prod(source.high - source.low)
        if not inside.size or where.min() < 0 or abs(share.sum() - 1) > 1e-6:
            raise InputError(f"source at {source.low!r:.40}: reaches out of the materials; {share.sum():.4g} is inside")
        for m in np.unique(where):
            chosen = where == m
            cell = inside[chosen]
            parts.append((cell, np.full(cell.size, -1), source.power * share[chosen], np.full(cell.size, len(spectra))))
            spectra.append(source_spectrum(source, bands, int(m)))
    if not parts:
        raise InputError(f"nothing drives heat: no source, and all walls are at {reference:g} K")
    cell, face, power, table = (np.concatenate(one) for one in zip(*parts, strict=True))
    return Emission(cell, face, power, table, np.array(spectra))


def kernel_tables(
    grid: DomainCells, materials: Sequence[Carriers], bands: BandTables, emission: Emission
) -> dict[str, NDArray[Any]]:
    """Everything that a batch of particles needs, as arrays."""
    scatter = _cumulative_distribution(bands.capacity * bands.velocity / bands.path)
    leave = np.cumsum(bands.flow, axis=1)
    spectra = _cumulative_distribution(emission.spectra)
    return {
        **grid.geometry, "region": grid.region, "other": grid.neighbour, "surface": grid.surface,
        "velocity": bands.velocity, "path": bands.path, "group": bands.group, "start": bands.start,
        "scatter": scatter, "scatter_guide": _guide_tables(scatter),
        "leave": np.concatenate([np.zeros((leave.shape[0], 1)), leave], axis=1),
        **surface_tables(grid, materials, bands),
        "at_cell": emission.cell, "at_face": emission.face, "table": emission.table,
        "sign": np.sign(emission.power), "chosen": _cumulative_distribution(np.abs(emission.power)),
        "spectra": spectra, "spectra_guide": _guide_tables(spectra),
    }  # fmt: skip


def reservoirs(grid: DomainCells) -> list[tuple[int, Wall]]:
    """Walls that take heat, by number of the surface, where a material touches them."""
    touched = set(np.unique(grid.surface[grid.region >= 0]).tolist())
    walls = [(s, wall) for s, wall in enumerate(grid.walls) if wall is not None and s in touched]
    return [(s, wall) for s, wall in walls if wall.temperature is not None]
