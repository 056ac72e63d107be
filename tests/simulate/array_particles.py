"""A second road to the settings of Monte Carlo: all particles of a batch take one step after the other together."""

import numpy as np
from attrs import define
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.errors import ConvergenceError
from kapitza.simulate.boltzmann.monte_carlo.tables import ADIABATIC_WALL, BLACK_WALL, INNER_BOUNDARY, KernelTables


@define(eq=False, kw_only=True)
class _Particles:
    """Particles under way: n of them.

    Attributes
    ----------
    cell, band : (n,)
    sign : (n,) +1 or -1
    place, way : (n, 3) m, and direction
    left : (n,) what is left of the flight, m
    events : (n,) of each so far
    """

    cell: IntArray
    band: IntArray
    sign: Array
    place: Array
    way: Array
    left: Array
    events: IntArray

    def kept(self, alive: NDArray[np.bool_]) -> "_Particles":
        """Those that go on."""
        return _Particles(
            cell=self.cell[alive],
            band=self.band[alive],
            sign=self.sign[alive],
            place=self.place[alive],
            way=self.way[alive],
            left=self.left[alive],
            events=self.events[alive],
        )


def simulate_batch(tables, groups, slots, unit):
    """Tallies of one batch, as `monte_carlo` takes them."""
    rng = np.random.default_rng(np.random.SeedSequence([unit["seed"], unit["batch"]]))
    found = follow_particles(rng, unit["count"], tables, groups, slots)
    return {name: value if name == "events" else value / unit["count"] for name, value in found.items()}


def follow_particles(
    rng: np.random.Generator, count: int, tables: KernelTables, groups: int, slots: int
) -> dict[str, Array]:
    """Follow `count` particles and return the tallies, as the compiled kernel does.

    Raises
    ------
    ConvergenceError
        where a particle has `max_events` events
    """
    cells, dimension = tables["low"].shape
    tallies = {
        "heat": np.zeros(cells),
        "lattice": np.zeros(cells),
        "flow": np.zeros((cells, dimension)),
        "power": np.zeros((tables["kind"].size, groups)),
        "probe": np.zeros((slots, groups)),
    }
    swarm = _release_particles(rng, count, tables, tallies)
    events = 0
    while swarm.cell.size:
        face = _move_particles(swarm, tables, tallies)
        alive = np.ones(face.size, dtype=bool)
        scattered = np.flatnonzero(face < 0)
        _scatter_particles(rng, swarm, scattered, tables)
        crossing = np.flatnonzero(face >= 0)
        met = tables["surface"][swarm.cell[crossing], face[crossing]] >= 0
        free, hit = crossing[~met], crossing[met]
        _enter_cells(swarm, free, face[free], tables)
        alive[hit] = _meet_surfaces(rng, swarm, hit, face[hit], tables, tallies)
        events += scattered.size + hit.size
        swarm.events[scattered] += 1
        swarm.events[hit] += 1
        if swarm.events.max() >= tables["max_events"]:
            raise ConvergenceError(
                f"a particle had {swarm.events.max()} events: is it trapped in a closed region?", tallies
            )
        swarm = swarm.kept(alive)
    return {**tallies, "events": np.array(float(events))}


def _draw_directions(rng: np.random.Generator, count: int) -> Array:
    """(count, 3) any direction alike."""
    way = rng.standard_normal((count, 3))
    return way / np.linalg.norm(way, axis=1)[:, None]


def draw_cosine_directions(rng: np.random.Generator, axis: IntArray, sense: Array) -> Array:
    """(n, 3) directions away from planes, by the cosine law."""
    way = np.zeros((axis.size, 3))
    u, angle = rng.random(axis.size), 2 * np.pi * rng.random(axis.size)
    row = np.arange(axis.size)
    way[row, axis] = sense * np.sqrt(1 - u)
    way[row, (axis + 1) % 3], way[row, (axis + 2) % 3] = np.sqrt(u) * np.cos(angle), np.sqrt(u) * np.sin(angle)
    return way


def _draw_entries(rng: np.random.Generator, cumulative: Array, row: IntArray) -> IntArray:
    """Entries by their shares, of the distribution `row` of each."""
    found = np.zeros(row.size, dtype=np.int64)
    u = rng.random(row.size)
    for k in np.unique(row):
        found[row == k] = np.searchsorted(cumulative[k], u[row == k], side="right")
    return found


def _release_particles(
    rng: np.random.Generator, count: int, tables: KernelTables, tallies: dict[str, Array]
) -> _Particles:
    """Particles at walls and in sources."""
    element = np.searchsorted(tables["chosen"], (np.arange(count) + rng.random(count)) / count, side="right")
    element = np.minimum(element, tables["chosen"].size - 1)
    cell, face, sign = tables["at_cell"][element], tables["at_face"][element], tables["sign"][element]
    band = _draw_entries(rng, tables["spectra"], tables["table"][element])
    low, high = tables["low"][cell], tables["high"][cell]
    place = np.zeros((count, 3))
    place[:, : low.shape[1]] = low + rng.random(low.shape) * (high - low)
    way = _draw_directions(rng, count)
    wall = np.flatnonzero(face >= 0)
    axis, up = face[wall] // 2, face[wall] % 2 == 1
    place[wall, axis] = np.where(up, high[wall, axis], low[wall, axis])
    way[wall] = draw_cosine_directions(rng, axis, np.where(up, -1.0, 1.0))
    material = tables["region"][cell]
    group = tables["group"][material, band]
    np.add.at(tallies["power"], (tables["surface"][cell[wall], face[wall]], group[wall]), -sign[wall])
    left = tables["path"][material, band] * rng.standard_exponential(count)
    return _Particles(
        cell=cell, band=band, sign=sign, place=place, way=way, left=left, events=np.zeros(count, dtype=np.int64)
    )


def _move_particles(swarm: _Particles, tables: KernelTables, tallies: dict[str, Array]) -> IntArray:
    """Move all to the next face or the end of their flight; return the face, -1 for the end."""
    low, high = tables["low"][swarm.cell], tables["high"][swarm.cell]
    d = low.shape[1]
    way = swarm.way[:, :d]
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(way > 0, high - swarm.place[:, :d], low - swarm.place[:, :d]) / way
    reach = np.where(way == 0, np.inf, reach)
    axis = np.argmin(reach, axis=1)
    nearest = reach[np.arange(axis.size), axis]
    ends = nearest >= swarm.left
    step = np.maximum(np.where(ends, swarm.left, nearest), 0.0)
    face = np.where(ends, -1, 2 * axis + (way[np.arange(axis.size), axis] > 0))
    material = tables["region"][swarm.cell]
    weight = swarm.sign * step
    time = weight / tables["velocity"][material, swarm.band]
    np.add.at(tallies["heat"], swarm.cell, time)
    np.add.at(tallies["lattice"], swarm.cell, weight / tables["path"][material, swarm.band])
    np.add.at(tallies["flow"], swarm.cell, weight[:, None] * way)
    slot = tables["slot"][swarm.cell]
    seen = slot >= 0
    group = tables["group"][material, swarm.band]
    np.add.at(tallies["probe"], (slot[seen], group[seen]), time[seen])
    swarm.place += step[:, None] * swarm.way
    swarm.left -= step
    return face


def _scatter_particles(rng: np.random.Generator, swarm: _Particles, which: IntArray, tables: KernelTables) -> None:
    """New band, direction and flight of those that scatter inside."""
    material = tables["region"][swarm.cell[which]]
    swarm.band[which] = _draw_entries(rng, tables["scatter"], material)
    swarm.way[which] = _draw_directions(rng, which.size)
    swarm.left[which] = tables["path"][material, swarm.band[which]] * rng.standard_exponential(which.size)


def _enter_cells(swarm: _Particles, which: IntArray, face: IntArray, tables: KernelTables) -> None:
    """Put particles into the cells behind their faces."""
    cell = tables["other"][swarm.cell[which], face]
    axis = face // 2
    swarm.cell[which] = cell
    swarm.place[which, axis] = np.where(face % 2 == 1, tables["low"][cell, axis], tables["high"][cell, axis])


def _meet_surfaces(
    rng: np.random.Generator,
    swarm: _Particles,
    which: IntArray,
    face: IntArray,
    tables: KernelTables,
    tallies: dict[str, Array],
) -> NDArray[np.bool_]:
    """What surfaces do with those that meet them; return who goes on."""
    s = tables["surface"][swarm.cell[which], face]
    material = tables["region"][swarm.cell[which]]
    group = tables["group"][material, swarm.band[which]]
    kind, sign = tables["kind"][s], swarm.sign[which]
    specular = rng.random(which.size) < tables["specular"][s, group]
    share = np.where(specular, tables["through"][s, group], tables["cross"][s, material, group])
    crossed = (kind == INNER_BOUNDARY) & (rng.random(which.size) < share)
    taken = (kind == BLACK_WALL) & ~specular
    np.add.at(tallies["power"], (s[taken], group[taken]), sign[taken])
    toward = np.where(material == tables["first"][s], sign, -sign)
    np.add.at(tallies["power"], (s[crossed], group[crossed]), toward[crossed])
    back = specular & ~crossed
    swarm.way[which[back], face[back] // 2] *= -1
    _enter_cells(swarm, which[crossed], face[crossed], tables)
    mixed = ~specular & ((kind == ADIABATIC_WALL) | (kind == INNER_BOUNDARY))
    material = tables["region"][swarm.cell[which]]
    swarm.band[which[mixed]] = _draw_bands_of_groups(rng, material[mixed], group[mixed], tables)
    sense = np.where((face % 2 == 1) == crossed, 1.0, -1.0)
    swarm.way[which[mixed]] = draw_cosine_directions(rng, face[mixed] // 2, sense[mixed])
    fresh = mixed | crossed
    path = tables["path"][material[fresh], swarm.band[which[fresh]]]
    swarm.left[which[fresh]] = path * rng.standard_exponential(int(fresh.sum()))
    return ~taken


def _draw_bands_of_groups(
    rng: np.random.Generator, material: IntArray, group: IntArray, tables: KernelTables
) -> IntArray:
    """Bands of the same groups that leave a surface into materials, by what each carries."""
    found = np.zeros(material.size, dtype=np.int64)
    u = rng.random(material.size)
    for m in np.unique(material):
        here = material == m
        leave, start = tables["leave"][m], tables["start"][m]
        first, last = start[group[here]], start[group[here] + 1]
        x = leave[first] + u[here] * (leave[last] - leave[first])
        found[here] = np.clip(np.searchsorted(leave, x, side="right") - 1, first, last - 1)
    return found
