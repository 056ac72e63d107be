"""Steady heat through layers: the Boltzmann equation with one relaxation time per band, solved directly.

In one dimension the phonons of a layer depend on its temperature and on what enters its faces only, so that the balance
of heat is one linear system for the temperatures.  It is solved by Galerkin's method with the exact passage of every
stream through every cell, which makes the flux right to second order in the error of the temperature, at any Knudsen
number.  The result holds temperatures, spectra, and the three resistances of each boundary.
"""

import itertools
from collections.abc import Sequence
from typing import Self, cast

import numpy as np
from attrs import converters, evolve, field, frozen

from kapitza.core.arrays import Array, about, check_choice, finite, increasing, number, one_of, quantity
from kapitza.core.conductance import TEMPERATURE_DROPS, Conductance, Drop
from kapitza.core.occupation import STATISTICS_NAMES, Occupation, Statistics, float_table
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering, Wall, to_all_scattering
from kapitza.simulate.boltzmann.carriers import Carriers, check_matching
from kapitza.simulate.boltzmann.layered import solver
from kapitza.simulate.boltzmann.layered.faces import Faces, make_channels
from kapitza.simulate.boltzmann.layered.solver import LayeredSolution, LayeredSystem
from kapitza.simulate.boltzmann.layered.streams import (
    CELL_POLYNOMIALS,
    DEFAULT_ANGLES,
    Streams,
    graded_cells,
    legendre_values,
    make_streams,
    refracted_streams,
)
from kapitza.units import hbar


@frozen(eq=False, kw_only=True)
class Transport(BaseRecord):
    """Steady transport of heat through layers.

    Attributes
    ----------
    names : (M,) of the layers
    difference : temperature of the left end less that of the right end, or fall over one period, K
    position : (nx,) increasing, m; two places a hair apart at each boundary
    temperature : (nx,) of the energy density of all phonons, K
    lattice : (nx,) to which scattering drives the phonons (pseudo-temperature), K
    bounds : (G + 1,) of the groups, rad s⁻¹; empty where they have none
    modes : (nx, G) temperature of each group, K; NaN where it has no phonons
    flow : (M, G) heat that the phonons of each layer carry one way per kelvin, W m⁻² K⁻¹
    boundary_flow : (B, G) heat that crosses each boundary per kelvin, W m⁻² K⁻¹
    incident_temperature, outgoing_temperature : (B, 2, G) mean of the phonons that arrive at and leave either side, K
    statistics : "quantum" or "classical"
    method : for legends and tables

    Raises
    ------
    InputError
        for numbers that are not finite

    Examples
    --------
    >>> from kapitza import transport
    >>> from kapitza.boltzmann import Film, InterfaceScattering, gray_carriers
    >>> silicon = gray_carriers("Si", heat_capacity=1.66e6, velocity=6400.0, mean_free_path=42e-9)
    >>> germanium = gray_carriers("Ge", heat_capacity=1.67e6, velocity=3900.0, mean_free_path=28e-9)
    >>> found = transport([Film(50e-9, silicon), Film(50e-9, germanium)], [InterfaceScattering(coefficient=0.4)])
    >>> print(
    ...     f"{found.effective_conductivity:.1f} W/mK; at the boundary {found.conductance().value[0] / 1e6:.0f} MW/m²K"
    ... )
    46.3 W/mK; at the boundary 2099 MW/m²K
    """

    names: tuple[str, ...] = field(converter=tuple)
    edges: Array = field(converter=increasing, metadata=about("m", "faces of the layers"))
    conductivity: Array = field(converter=finite, metadata=about("W m^-1 K^-1", "bulk conductivity"))
    flux: float = field(converter=number, metadata=about("W m^-2", "heat flux"))
    difference: float = field(converter=number, metadata=about("K", "temperature difference"))
    base: float = field(converter=number, metadata=about("K", "reference temperature"))
    position: Array = field(converter=increasing, metadata=about("m", "position"))
    temperature: Array = field(converter=finite, metadata=about("K", "temperature"))
    lattice: Array = field(converter=finite, metadata=about("K", "lattice temperature"))
    omega: Array = field(converter=finite, metadata=about("rad s^-1", "angular frequency"))
    bounds: Array = field(converter=finite, metadata=about("rad s^-1", "bounds of the groups"))
    modes: Array = field(converter=float_table, metadata=about("K", "temperature of each group"))
    spectral_flux: Array = field(converter=float_table, metadata=about("W m^-2", "heat flux of each group"))
    midplane_temperature: Array = field(converter=finite, metadata=about("K", "lattice temperature at mid-layer"))
    flow: Array = field(converter=float_table, metadata=about("W m^-2 K^-1", "one-way heat flow"))
    boundary_flow: Array = field(converter=float_table, metadata=about("W m^-2 K^-1", "heat flow across"))
    incident_temperature: tuple[Array, Array] = field(converter=converters.pipe(tuple), metadata=about("K", "incident"))
    outgoing_temperature: tuple[Array, Array] = field(converter=converters.pipe(tuple), metadata=about("K", "outgoing"))
    statistics: Statistics = field(default="quantum", kw_only=True, validator=one_of(*STATISTICS_NAMES))
    method: str = field(default="Boltzmann", kw_only=True)

    @property
    def profile(self) -> Profile:
        """Temperature of the energy density against position."""
        return Profile(self.position, self.temperature, method=self.method)

    @property
    def occupation(self) -> Occupation:
        """Phonons of each group at each place.

        Raises
        ------
        InputError
            for bands without a frequency, such as gray ones
        """
        if self.omega.min() <= 0:
            raise InputError(f"{self.method}: a group has the frequency {self.omega.min():g}: occupation needs one")
        energy = hbar * self.omega
        empty = Occupation(self.position, energy, np.zeros(self.modes.shape), statistics=self.statistics)
        # linear response: modes differ little from the base, where the occupation has this slope
        step = 0.01 * self.base  # of a central difference, of second order in 1/100
        n, above, below = (empty.equilibrium(self.base + x) for x in (0.0, step, -step))
        slope = (above - below) / (2 * step)
        return evolve(empty, value=n + slope * (self.modes - self.base), method=self.method)

    @property
    def boundary_names(self) -> tuple[str, ...]:
        """(B,) "left|right" of each boundary."""
        after = (*self.names[1:], self.names[0])
        return tuple(f"{a}|{b}" for a, b in zip(self.names, after, strict=True))[: len(self.boundary_flow)]

    @property
    def effective_conductivity(self) -> float:
        """Flux times thickness over the temperature difference of the ends, W m⁻¹ K⁻¹.

        Raises
        ------
        InputError
            where the ends have one temperature, or one of them has none
        """
        return float(self.edges[-1] - self.edges[0]) / self.resistance

    @property
    def resistance(self) -> float:
        """Temperature difference of the ends over the flux, m² K W⁻¹.

        Raises
        ------
        InputError
            where no heat flows: ends of one temperature, an adiabatic one, or a boundary that nothing crosses
        """
        return self.difference / self._nonzero_flux()

    def _nonzero_flux(self) -> float:
        closed = self.boundary_flow.size and not self.boundary_flow.sum(axis=1).all()
        if closed or not self.difference or not np.isfinite(self.difference):
            why = f"its ends differ by {self.difference:g} K"
            if not np.isfinite(self.difference):
                why = "a wall without a temperature takes no heat up; give both walls one, or leave both out"
            elif closed:
                why = "a boundary lets nothing pass"
            raise InputError(f"no heat flows through {' | '.join(self.names):.80}: {why}; there is no resistance")
        return self.flux

    def boundary(self, name: str | int) -> int:
        """Number of a boundary from its name.

        Raises
        ------
        InputError
            for a boundary that is not there
        """
        names = self.boundary_names
        if isinstance(name, str):
            if name not in names:
                raise InputError(f"no boundary {name!r}: there are {', '.join(names) or 'none'}")
            return names.index(name)
        if not 0 <= name < len(names):
            raise InputError(f"no boundary {name}: there are {len(names)}")
        return name

    def drop(self, name: str | int, drop: Drop = "extrapolated") -> float:
        r"""Temperature drop at a boundary, K.

        Parameters
        ----------
        name : "left|right", or the number of the boundary
        drop : "emitted": mean temperature of what arrives, weighted with what crosses, each frequency and angle by
            itself, so that the conductance is the Landauer integral.  "local": mean of the phonons that arrive at and
            leave the plane, weighted with what they carry; gray: $1/G = 1/G_e - \frac12(1/G_L + 1/G_R)$ exactly.
            "extrapolated": from the middle of both layers to the plane with the bulk gradient; in layers thinner than
            several mean free paths it holds for these layers only, and `interface_conductances` gives that of thick
            ones

        Raises
        ------
        InputError
            for an unknown boundary or drop; "emitted" where no heat flows
        """
        check_choice(drop, TEMPERATURE_DROPS, "temperature drop")
        i = self.boundary(name)
        j = (i + 1) % len(self.names)
        apart = self.difference if j <= i else 0.0  # the first layer of the next period is as much colder
        if drop == "emitted":  # heat is what crosses times the gap: an identity, in any solution
            return self._nonzero_flux() / float(self.boundary_flow[i].sum())
        if drop == "local":
            both = [self.incident_temperature[side][i] + self.outgoing_temperature[side][i] for side in (0, 1)]
            left, right = (
                np.sum(self.flow[k] * sums) / self.flow[k].sum() / 2 for k, sums in zip((i, j), both, strict=True)
            )
            return float(left - right) + apart
        fall = self.flux * sum(float(np.diff(self.edges)[k] / 2 / self.conductivity[k]) for k in (i, j))
        return float(self.midplane_temperature[i] - self.midplane_temperature[j]) + apart - fall

    def conductance(self, drop: Drop = "extrapolated", name: str | int = 0) -> Conductance:
        """Conductance of a boundary by one of the three temperature drops; see `drop`.

        Raises
        ------
        InputError
            for a boundary or drop that is not there, or a drop that is not above zero
        """
        gap = self.drop(name, drop)
        if gap / self.flux < 0:
            raise InputError(f"{self.boundary_names[self.boundary(name)]}: the {drop} drop {gap:g} K runs against heat")
        value = self.flux / gap if gap else np.inf
        label = f"{self.method} {self.boundary_names[self.boundary(name)]}"
        return Conductance([self.base], [value], drop=drop, statistics=self.statistics, method=label)

    def resistances(self) -> dict[str, dict[Drop, float]]:
        """Resistance of each boundary by name and drop, m² K W⁻¹."""
        return {
            name: {drop: self.drop(i, drop) / self._nonzero_flux() for drop in TEMPERATURE_DROPS}
            for i, name in enumerate(self.boundary_names)
        }

    def scale(self, factor: float) -> Self:
        """The same transport driven `factor` times as strongly: the equations are linear."""
        moved = {
            name: self.base + factor * (getattr(self, name) - self.base)
            for name in ("temperature", "lattice", "modes", "midplane_temperature")
        }
        sides = {
            name: tuple(self.base + factor * (one - self.base) for one in getattr(self, name))
            for name in ("incident_temperature", "outgoing_temperature")
        }
        scaled = {name: factor * getattr(self, name) for name in ("flux", "difference", "spectral_flux")}
        return evolve(self, **scaled, **moved, **sides)


_FACE_OFFSET = 1e-6  # of the cell at a boundary, by which the two places at it stand apart
MAX_THICKNESS = 1.0  # m
_SHORTEST_PATH_SHARE = 1e-3  # of the heat: shorter mean free paths do not make cells smaller
_MAX_LAYER_CELLS = 1_000_000
_MAX_ANGLES = 1000


@frozen(eq=False)
class Film(BaseRecord):
    """A layer.

    Attributes
    ----------
    carriers : phonons of its material
    name : of the layer; that of the material if empty
    cells : None: chosen and graded towards the faces
    """

    thickness: float = field(converter=number, validator=quantity(high=MAX_THICKNESS), metadata=about("m", "thickness"))
    carriers: Carriers
    name: str = field(default="", kw_only=True)
    cells: int | None = field(
        default=None, kw_only=True, converter=converters.optional(int), metadata=about("1", "number of equal cells")
    )

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.carriers, Carriers):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(f"expected the Carriers of a layer, got {self.carriers!r:.60}")
        if not self.name:
            object.__setattr__(self, "name", self.carriers.name)
        if self.cells is not None and not 2 <= self.cells <= _MAX_LAYER_CELLS:
            raise InputError(f"{self.name}: {self.cells} cells, expected 2 to {_MAX_LAYER_CELLS}")

    @property
    def widths(self) -> Array:
        """(C,) of its cells, m."""
        return graded_cells(self.thickness, self.carriers.path_quantile(_SHORTEST_PATH_SHARE), self.cells)


def transport(
    films: Sequence[Film],
    boundaries: Sequence[object] = (),
    *,
    left: Wall | None = None,
    right: Wall | None = None,
    period: float | None = None,
    angles: int = DEFAULT_ANGLES,
) -> Transport:
    r"""Steady heat through layers between two walls, or through one period of a stack that repeats.

    Isotropic bands and bands with their own velocities along the normal, elastic boundaries, linear response.  Exact
    for diffuse boundaries as far as bands and cells go: the gray slab is right to 1e-7 from Knudsen number 1e3 to 1e-7.

    Parameters
    ----------
    films : layers from left to right, all with the same groups of frequency
    boundaries : `Transmission` or `InterfaceScattering` of each boundary; one more, that closes the period, where the
        stack repeats
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
    slabs, crossings = assemble_layers(films, boundaries, left, right, period=period, angles=angles)
    walls = slabs.faces.walls
    if walls is not None and all(wall.temperature is None or wall.specular.min() == 1 for wall in walls):
        kinds = " and ".join("adiabatic" if wall.temperature is None else "wholly specular" for wall in walls)
        raise InputError(f"both walls let no heat pass ({kinds}): give one a temperature and a specular share below 1")
    return _make_transport(films, slabs, solver.solve_balance(slabs), crossings)


def assemble_layers(
    films: Sequence[Film], boundaries: Sequence[object], left: Wall | None, right: Wall | None, *,
    period: float | None = None, angles: int = DEFAULT_ANGLES,
) -> tuple[LayeredSystem, Sequence[Array]]:  # fmt: skip
    """Check layers and boundaries and join them; also return what crosses each boundary."""
    _check_films(films)
    pairs = list(itertools.pairwise(films))
    base = films[0].carriers.temperature
    walls = None
    if period is None:
        walls = (_wall_or_default(left, base + 0.5), _wall_or_default(right, base - 0.5))
    else:
        period = number(period)
        if not period or not np.isfinite(period):
            raise InputError(f"period = {period:g} K, wanted the fall of temperature over one period, other than 0")
        if left is not None or right is not None:
            raise InputError(f"a stack that repeats (period = {period:g} K) has no walls: leave out left and right")
        pairs.append((films[-1], films[0]))
    for wall in walls or ():
        if wall.specular.size not in (1, films[0].carriers.omega.size):
            raise InputError(f"a wall has {wall.specular.size} shares for {films[0].carriers.omega.size} groups")
    crossings = to_all_scattering(boundaries, [f"{a.name}|{b.name}" for a, b in pairs])
    flows = [one.flow(a.carriers, b.carriers) for one, (a, b) in zip(crossings, pairs, strict=True)]
    streams = _layer_streams([film.carriers for film in films], crossings, angles)
    widths = [film.widths for film in films]
    # diffuse boundaries forget directions, so that a group may be one channel
    resolved = any(np.any(face.specular > 0) for face in (*(walls or ()), *crossings))
    faces = Faces([make_channels(stream, resolved) for stream in streams], crossings, flows, walls, period or 0.0)
    return LayeredSystem(streams, widths, faces, base), flows


def _wall_or_default(value: object, default: float) -> Wall:
    if value is None:
        return Wall(default)
    if not isinstance(value, Wall):
        python = f"expected a Wall, such as Wall({default:g}), got {value!r:.60}"
        raise InputError("", hint=Hint(python=python, command=f"expected a wall, got {value!r:.60}"))
    return value


def _layer_streams(layers: Sequence[Carriers], crossings: Sequence[InterfaceScattering], angles: int) -> list[Streams]:
    """Streams of all layers; those of unlike isotropic layers continue each other where a boundary is specular."""
    if angles not in range(1, _MAX_ANGLES + 1):
        raise InputError(f"angles = {angles:g}, expected a whole number from 1 to {_MAX_ANGLES}")
    unlike = any(layer.flow.shape != layers[0].flow.shape or (layer.flow != layers[0].flow).any() for layer in layers)
    if unlike and any(crossing.specular > 0 for crossing in crossings) and all(layer.isotropic for layer in layers):
        return refracted_streams(layers, angles)  # only these keep k∥ between unlike media (Snell's law)
    return [make_streams(layer, angles) for layer in layers]


def _check_films(films: object) -> None:
    if not isinstance(films, (list, tuple)) or not films:
        raise InputError(f"expected at least one layer, as a list of Film, got {films!r:.60}")
    layers = cast("Sequence[object]", films)
    for i, one in enumerate(layers):
        if not isinstance(one, Film):
            raise InputError(f"layer {i}: expected a Film, got {one!r:.60}")
    chosen = [layer for layer in layers if isinstance(layer, Film)]
    check_matching([one.carriers for one in chosen], [one.name for one in chosen])


def _make_transport(
    films: Sequence[Film], slabs: LayeredSystem, solution: LayeredSolution, crossings: Sequence[Array]
) -> Transport:
    base, walls = slabs.base, slabs.faces.walls
    flux = face_fluxes(solution)
    held = [solver.layer_distribution(solution, i) for i in range(len(films))]
    edges = np.concatenate([[0.0], np.cumsum([film.thickness for film in films])])
    ends = [None if wall is None else wall.temperature for wall in walls or (None, None)]
    difference = slabs.faces.drop if walls is None else (ends[0] or np.nan) - (ends[1] or np.nan)
    incident, outgoing = boundary_temperatures(solution, crossings, base)
    first = films[0].carriers
    places: list[Array] = []
    for layer, edge in zip(held, edges, strict=False):  # places at the faces are moved inside by a hair
        position = edge + layer.position
        position[0] += _FACE_OFFSET * (layer.position[1] - layer.position[0])
        position[-1] -= _FACE_OFFSET * (layer.position[-1] - layer.position[-2])
        places.append(position)
    return Transport(
        names=tuple(film.name for film in films), edges=edges,
        conductivity=np.array([film.carriers.conductivity for film in films]),
        flux=float(flux.mean()),  # steady: equal at all faces up to the residual
        difference=difference, base=base, position=np.concatenate(places),
        temperature=base + np.concatenate([one.mean for one in held]),
        lattice=base + np.concatenate([one.lattice for one in held]), omega=first.omega, bounds=first.edges,
        modes=base + np.concatenate([one.modes for one in held]),
        spectral_flux=np.concatenate([one.flux for one in held]),
        midplane_temperature=base + _midplane_temperatures(solution),
        flow=np.array([film.carriers.flow for film in films]),
        boundary_flow=np.array(crossings).reshape(len(crossings), first.omega.size), incident_temperature=incident,
        outgoing_temperature=outgoing, statistics=first.statistics,
    )  # fmt: skip


def face_fluxes(solution: LayeredSolution) -> Array:
    """(F,) heat flux through all faces, checked to be one, W m⁻²."""
    flux = np.real(solution.face_flux().sum(axis=0))
    if not np.isfinite(flux).all():
        raise InputError(f"no steady state: {flux[0]:g} W/m² through the first face; one wall needs a temperature")
    return flux


def _midplane_temperatures(solution: LayeredSolution) -> Array:
    """(M,) lattice temperature in the middle of each layer, K above base."""
    middles: list[float] = []
    for i, widths in enumerate(solution.slabs.widths):
        start = solution.slabs.stops[i]
        cells = np.real(solution.temperature[start : solution.slabs.stops[i + 1]]).reshape(-1, CELL_POLYNOMIALS)
        edge = np.cumsum(widths)
        half = edge[-1] / 2
        c = min(int(np.searchsorted(edge, half * (1 - 1e-12))), widths.size - 1)  # a middle on a bound: left of it
        place = np.array([1 - (edge[c] - half) / widths[c]])
        middles.append(float((legendre_values(place) @ cells[c]).item()))
    return np.array(middles)


def boundary_temperatures(
    solution: LayeredSolution, crossings: Sequence[Array], base: float
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Mean temperatures (B, G) of what arrives at and leaves the left and right side of each boundary, K."""
    flow = solution.flow
    total = flow.sum(axis=2)

    def mean(value: Array) -> Array:
        weighted = np.sum(flow * np.real(value), axis=2)
        return base + np.divide(weighted, total, out=np.zeros_like(total), where=total > 0)

    count = flow.shape[1]
    incident, outgoing = mean(solution.arriving), mean(solution.entering)
    lefts = [2 * i + 1 for i in range(len(crossings))]
    rights = [(2 * i + 2) % count for i in range(len(crossings))]
    return (incident[:, lefts].T, incident[:, rights].T), (outgoing[:, lefts].T, outgoing[:, rights].T)
