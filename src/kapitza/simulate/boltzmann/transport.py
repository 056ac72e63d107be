r"""Steady heat through layers: the Boltzmann equation with one relaxation time per band, solved directly.

In one dimension the phonons of a layer depend on its temperature and on what enters its faces only, so that the balance
of heat is one linear system for the temperatures.  It is solved by Galerkin's method with the exact passage of every
stream through every cell, which makes the flux right to second order in the error of the temperature, at any Knudsen
number.
"""

import itertools
from collections.abc import Sequence
from typing import cast

import numpy as np
from attrs import converters, field, frozen

from kapitza.core.arrays import Array, number, quantity
from kapitza.errors import InputError
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.contacts import Crossing, Wall, crossings_of
from kapitza.simulate.boltzmann.elements import ORDER, graded_cells, values
from kapitza.simulate.boltzmann.result import Transport
from kapitza.simulate.boltzmann.solve import Inside, Slabs, Solution, inside, slabs_of, solved
from kapitza.simulate.boltzmann.streams import ANGLES, Streams, refracted_streams, streams_of

HAIR = 1e-6  # of the cell at a boundary, by which the two places at it stand apart
THICKEST = 1.0  # m
MOST_CELLS = 1_000_000
MOST_ANGLES = 1000


@frozen(eq=False)
class Film:
    """A layer.

    Attributes
    ----------
    thickness : m
    carriers : phonons of its material
    name : of the layer; that of the material if empty
    cells : number of equal cells; None: chosen and graded towards the faces
    """

    thickness: float = field(converter=number, validator=quantity(high=THICKEST))
    carriers: Carriers
    name: str = field(default="", kw_only=True)
    cells: int | None = field(default=None, kw_only=True, converter=converters.optional(int))

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.carriers, Carriers):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(f"expected the Carriers of a layer, got {self.carriers!r:.60}")
        if not self.name:
            object.__setattr__(self, "name", self.carriers.name)
        if self.cells is not None and not 2 <= self.cells <= MOST_CELLS:
            raise InputError(f"{self.name}: {self.cells} cells, expected 2 to {MOST_CELLS}")

    @property
    def widths(self) -> Array:
        """(C,) of its cells, m."""
        return graded_cells(self.thickness, self.carriers.shortest, self.cells)


def transport(
    films: Sequence[Film],
    boundaries: Sequence[object] = (),
    *,
    left: Wall | None = None,
    right: Wall | None = None,
    period: float | None = None,
    angles: int = ANGLES,
) -> Transport:
    r"""Steady heat through layers between two walls, or through one period of a stack that repeats.

    Isotropic bands and bands with their own velocities along the normal, elastic boundaries, linear response.  Exact
    for diffuse boundaries as far as bands and cells go: the gray slab is right to 1e-7 from Knudsen number 1e3 to 1e-7.

    Parameters
    ----------
    films : layers from left to right, all with the same groups of frequency
    boundaries : `Transmission` or `Crossing` of each boundary; one more where the stack repeats, that closes the period
    left, right : ends; black walls 0.5 K above and below the temperature of the bands if None
    period : K, by which the temperature falls over one period; None: there are walls
    angles : nodes in the cosine of isotropic bands per quarter turn

    Raises
    ------
    InputError
        for layers without boundaries between them, a conductance as boundary, detailed balance that is broken, bands of
        different groups or temperatures, two adiabatic walls

    References
    ----------
    M. A. Heaslet and R. F. Warming, Int. J. Heat Mass Transf. 8, 979 (1965) (gray slab)
    A. Majumdar, J. Heat Transfer 115, 673 (1993), doi:10.1115/1.2910673 (phonon radiative transfer)
    C. Hua and A. J. Minnich, J. Appl. Phys. 117, 175306 (2015), doi:10.1063/1.4919432 (cross-plane films)
    """
    slabs, crossings = joined(films, boundaries, left, right, period=period, angles=angles)
    if slabs.faces.walls is not None:
        check_walls(slabs.faces.walls)
    return told(films, slabs, solved(slabs), crossings)


def joined(
    films: Sequence[Film],
    boundaries: Sequence[object],
    left: Wall | None,
    right: Wall | None,
    *,
    period: float | None = None,
    angles: int = ANGLES,
) -> tuple[Slabs, Sequence[Array]]:
    """Check layers and boundaries and join them; also return what crosses each boundary."""
    check_films(films)
    names = [f"{a.name}|{b.name}" for a, b in itertools.pairwise(films)]
    pairs = list(itertools.pairwise(films))
    base = films[0].carriers.temperature
    walls = None
    if period is None:
        walls = (wall_of(left, base + 0.5), wall_of(right, base - 0.5))
    else:
        period = number(period)
        if not period or not np.isfinite(period):
            raise InputError(f"period = {period:g} K, wanted the fall of temperature over one period, other than 0")
        if left is not None or right is not None:
            raise InputError(f"a stack that repeats (period = {period:g} K) has no walls: leave out left and right")
        names.append(f"{films[-1].name}|{films[0].name}")
        pairs.append((films[-1], films[0]))
    for wall in walls or ():
        if wall.specular.size not in (1, films[0].carriers.omega.size):
            raise InputError(f"a wall has {wall.specular.size} shares for {films[0].carriers.omega.size} groups")
    crossings = crossings_of(boundaries, names)
    flows = [flow_through(one, a, b) for one, (a, b) in zip(crossings, pairs, strict=True)]
    streams = streams_for([film.carriers for film in films], crossings, angles)
    widths = [film.widths for film in films]
    return slabs_of(streams, widths, (crossings, flows), walls, drop=period or 0.0, base=base), flows


def wall_of(value: object, usual: float) -> Wall:
    """A wall, black and at the usual temperature if None."""
    if value is None:
        return Wall(usual)
    if not isinstance(value, Wall):
        raise InputError(f"expected a Wall, such as Wall({usual:g}), got {value!r:.60}")
    return value


def streams_for(layers: Sequence[Carriers], crossings: Sequence[Crossing], angles: int) -> list[Streams]:
    """Streams of all layers; those of unlike isotropic layers continue each other where a boundary is specular."""
    if angles not in range(1, MOST_ANGLES + 1):
        raise InputError(f"angles = {angles:g}, expected a whole number from 1 to {MOST_ANGLES}")
    unlike = any(one.flow.shape != layers[0].flow.shape or (one.flow != layers[0].flow).any() for one in layers)
    if unlike and any(one.specular > 0 for one in crossings) and all(one.isotropic for one in layers):
        return refracted_streams(layers, angles)
    return [streams_of(one, angles) for one in layers]


def check_walls(walls: tuple[Wall, Wall]) -> None:
    """Refuse two walls that take up no heat: there is no steady state, or any."""
    if all(wall.temperature is None or wall.specular.min() == 1 for wall in walls):
        kinds = " and ".join("adiabatic" if wall.temperature is None else "wholly specular" for wall in walls)
        raise InputError(f"both walls let no heat pass ({kinds}): give one a temperature and a specular share below 1")


def flow_through(crossing: Crossing, left: Film, right: Film) -> Array:
    """(G,) heat that crosses a boundary per kelvin, W m⁻² K⁻¹."""
    return crossing.flow(left.carriers, right.carriers)


def check_films(films: Sequence[Film]) -> None:
    """Refuse layers whose phonons do not match: other groups of frequency, temperatures or statistics."""
    check_kinds(films)
    first = films[0].carriers
    for film in films:
        one = film.carriers
        if one.omega.size != first.omega.size or one.edges.size != first.edges.size:
            raise InputError(
                f"{film.name} has {one.omega.size} groups of frequency and {films[0].name} {first.omega.size}: "
                "elastic boundaries need the same ones; give both the same edges"
            )
        if one.edges.size and np.abs(one.edges - first.edges).max() > 1e-6 * first.edges[-1]:
            raise InputError(
                f"{film.name} has other bounds of its groups than {films[0].name}: give both the same edges"
            )
        if abs(one.temperature - first.temperature) > 1e-9 * first.temperature or one.statistics != first.statistics:
            raise InputError(
                f"{film.name} has bands at {one.temperature:g} K ({one.statistics}) and {films[0].name} at "
                f"{first.temperature:g} K ({first.statistics}): take both at one temperature"
            )


def check_kinds(films: object) -> None:
    """Refuse anything but layers in a row."""
    if not isinstance(films, (list, tuple)) or not films:
        raise InputError(f"expected at least one layer, as a list of Film, got {films!r:.60}")
    for i, one in enumerate(cast("Sequence[object]", films)):
        if not isinstance(one, Film):
            raise InputError(f"layer {i}: expected a Film, got {one!r:.60}")


def told(films: Sequence[Film], slabs: Slabs, solution: Solution, crossings: Sequence[Array]) -> Transport:
    """Put a solution into words of the field."""
    base, walls = slabs.base, slabs.faces.walls
    flux = face_fluxes(solution)
    held = [inside(solution, i) for i in range(len(films))]
    edges = np.concatenate([[0.0], np.cumsum([film.thickness for film in films])])
    ends = [None if wall is None else wall.temperature for wall in walls or (None, None)]
    difference = slabs.faces.drop if walls is None else (ends[0] or np.nan) - (ends[1] or np.nan)
    arriving, leaving = boundary_temperatures(solution, crossings, base)
    return Transport(
        tuple(film.name for film in films),
        edges,
        np.array([film.carriers.conductivity for film in films]),
        float(flux.mean()),
        difference,
        base,
        np.concatenate([places(one, edge) for one, edge in zip(held, edges, strict=False)]),
        base + np.concatenate([one.mean for one in held]),
        base + np.concatenate([one.lattice for one in held]),
        films[0].carriers.omega,
        films[0].carriers.edges,
        base + np.concatenate([one.modes for one in held]),
        np.concatenate([one.flux for one in held]),
        base + middles(solution),
        np.array([film.carriers.flow for film in films]),
        np.array(crossings).reshape(len(crossings), films[0].carriers.omega.size),
        arriving,
        leaving,
        statistics=films[0].carriers.statistics,
    )


def face_fluxes(solution: Solution) -> Array:
    """(F,) heat flux through all faces, checked to be one, W m⁻²."""
    flux = np.real(solution.face_flux().sum(axis=0))
    if not np.isfinite(flux).all():
        raise InputError(f"no steady state: {flux[0]:g} W/m² through the first face; one wall needs a temperature")
    return flux


def places(held: Inside, start: float) -> Array:
    """(nx,) positions in the stack, those at the faces moved inside by a hair, m."""
    place = start + held.position
    place[0] += HAIR * (held.position[1] - held.position[0])
    place[-1] -= HAIR * (held.position[-1] - held.position[-2])
    return place


def middles(solution: Solution) -> Array:
    """(M,) lattice temperature in the middle of each layer, K above base."""
    found: list[float] = []
    for i, widths in enumerate(solution.slabs.widths):
        start = solution.slabs.stops[i]
        cells = np.real(solution.temperature[start : solution.slabs.stops[i + 1]]).reshape(-1, ORDER)
        edge = np.cumsum(widths)
        half = edge[-1] / 2
        c = min(int(np.searchsorted(edge, half * (1 - 1e-12))), widths.size - 1)
        place = np.array([1 - (edge[c] - half) / widths[c]])
        found.append(float((values(place) @ cells[c]).item()))
    return np.array(found)


def boundary_temperatures(
    solution: Solution, crossings: Sequence[Array], base: float
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Mean temperatures (B, G) of what arrives at and leaves the left and right side of each boundary, K."""
    flow = solution.flow
    total = flow.sum(axis=2)

    def mean(value: Array) -> Array:
        summed = np.sum(flow * np.real(value), axis=2)
        return base + np.divide(summed, total, out=np.zeros_like(total), where=total > 0)

    count = flow.shape[1]
    arriving, leaving = mean(solution.arriving), mean(solution.entering)
    lefts = [2 * i + 1 for i in range(len(crossings))]
    rights = [(2 * i + 2) % count for i in range(len(crossings))]
    return (
        (arriving[:, lefts].T, arriving[:, rights].T),
        (leaving[:, lefts].T, leaving[:, rights].T),
    )
