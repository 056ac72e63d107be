"""Files of stacks for Boltzmann transport: layers with their phonons, boundaries with their transmission, walls.

temperature = 300

[[layers]]
name = "Si"
thickness = "50 nm"
material = "Si"                     # Debye solid of the library; or bands = "Si.yaml" (phonopy), normal = [0, 0, 1]
conductivity = "148 W/mK"           # of the bulk, which umklapp scattering is scaled to; of the library if left out
rates = { umklapp = 1.2e-19, onset = 140, impurity = 1.3e-45, boundary = "1 mm" }

[[layers]]
name = "film"
thickness = "100 nm"                # one gray band
heat_capacity = "1.66 MJ/m3K"
velocity = "6.4 km/s"
mean_free_path = "41 nm"

[boundaries]
"Si|film" = "dmm"                   # or the path of a saved transmission, or { coefficient = 0.5, specular = 0.2 };
                                    # "unknown": to be found from measurements

[walls]
left = { temperature = 301 }        # no temperature: adiabatic
right = { temperature = 299, specular = 0.3 }
# instead of walls: period = "1 K" repeats the stack, with one more boundary "film|Si"
"""

import itertools
from collections.abc import Callable, Mapping
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.core.phonons import Phonons
from kapitza.core.transmission import Transmission
from kapitza.errors import KapitzaError
from kapitza.io.lifetimes import read_modes_of_transport
from kapitza.io.results import load
from kapitza.io.samples import SAVED, guarded
from kapitza.io.sections import Section, read_sections
from kapitza.matter.bands import Bands
from kapitza.matter.library import material, solid
from kapitza.matter.solid import Solid
from kapitza.simulate.boltzmann.carriers import Carriers, gray_carriers
from kapitza.simulate.boltzmann.contacts import Crossing, Wall
from kapitza.simulate.boltzmann.rates import Rates
from kapitza.simulate.boltzmann.spectra import BINS, Modes, carriers, collected, group_edges, group_frequencies
from kapitza.simulate.boltzmann.transport import Film
from kapitza.theory.dmm import dmm
from kapitza.theory.limits import elastic_limit

LAYER = (
    "name", "thickness", "cells", "material", "bands", "normal", "conductivity", "rates", "lifetimes", "heat_capacity",
    "velocity", "mean_free_path",
)  # fmt: skip
GRAY = ("heat_capacity", "velocity", "mean_free_path")
THEORIES: Mapping[str, Callable[[Any, Any, Array], Transmission]] = MappingProxyType(
    {"dmm": dmm, "limit": elastic_limit}
)
UNKNOWN = "unknown"  # a boundary that measurements shall tell
USUAL = 1e-19  # s K⁻¹, umklapp scattering before it is scaled to a conductivity
MOST_BINS, MOST_CELLS = 2000, 4000


@frozen(eq=False)
class FilmFile:
    """What a file of a stack says.

    Attributes
    ----------
    title : of the stack
    films : layers with their phonons
    crossings : boundaries; None for one that is "unknown"
    left, right : walls; None where the file names none, or the stack repeats
    period : K, by which the temperature falls over one period; None where the stack does not repeat
    """

    title: str
    films: tuple[Film, ...]
    crossings: tuple[Crossing | None, ...]
    left: Wall | None
    right: Wall | None
    period: float | None


@frozen(eq=False)
class Side:
    """What a layer is made of, before its spectrum is cut into groups.

    Attributes
    ----------
    section : of the file
    matter : solid or bands; None for gray layers and files of lifetimes
    modes, lifetime : of a file of lifetimes; None else
    """

    section: Section
    matter: Solid | Bands | None = None
    modes: Modes | None = None
    lifetime: Array | None = None

    @property
    def gray(self) -> bool:
        """Whether the layer is one band."""
        return self.matter is None and self.modes is None


def read_films(path: str | PathLike[str]) -> FilmFile:
    """Read a file of a stack and the files that it names.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers, a boundary that
        is given twice or as a conductance
    OSError
        if a file is missing or may not be read
    """
    top = read_sections(path)
    if "boxes" in top and "layers" not in top:
        raise top.fault(
            "boxes make a domain, not a stack of layers: follow phonons through it with --monte-carlo", "boxes"
        )
    top.known(("title", "temperature", "bins", "layers", "boundaries", "walls", "period"))
    temperature = top.number("temperature", "temperature", 300.0)
    sections = top.sections("layers")
    if not sections:
        raise top.fault("no [[layers]]: give at least one, from left to right", "layers")
    sides = [guarded(one, "", lambda s=one: read_side(s, temperature)) for one in sections]
    edges = guarded(top, "", lambda: shared_edges(top, sides))
    films = tuple(guarded(one.section, "", lambda s=one: read_film(s, edges, temperature)) for one in sides)
    period = top.optional("period", "temperature")
    pairs = list(itertools.pairwise(films))
    if period is not None:
        pairs.append((films[-1], films[0]))
    names = {film.name: side for film, side in zip(films, sides, strict=True)}
    if len(names) < len(films):
        raise top.fault("two layers have the same name: give each its own", "layers")
    crossings = read_crossings(top.section("boundaries"), [(a.name, b.name) for a, b in pairs], names, edges)
    walls = top.section("walls")
    walls.known(("left", "right"))
    if period is not None and walls.table:
        raise walls.fault("a stack with a period has no walls: leave out one of them")
    left, right = (read_wall(walls, key) for key in ("left", "right"))
    return FilmFile(top.text("title", top.path.stem), films, crossings, left, right, period)


def read_side(section: Section, temperature: float) -> Side:
    """What one layer is made of."""
    section.known(LAYER)
    kinds = [key for key in ("material", "bands", "lifetimes", "velocity") if key in section]
    if "bands" in section and "lifetimes" in section:
        kinds.remove("bands")
    if len(kinds) != 1:
        said = " and ".join(kinds) or "nothing"
        raise section.fault(f"expected a material, bands, lifetimes, or one gray band (velocity, ...); got {said}")
    if kinds[0] == "velocity":
        return Side(section)
    if kinds[0] == "lifetimes":
        modes, lifetime = read_modes_of_transport(section.beside("lifetimes"), temperature)
        return Side(section, None, modes, lifetime)
    if kinds[0] == "bands":
        normal = section.table.get("normal", [0, 0, 1])
        return Side(section, Bands.from_phonopy(section.beside("bands"), normal))
    return Side(section, solid(section.text("material")))


def shared_edges(top: Section, sides: list[Side]) -> Array:
    """Bounds of the groups of all layers, rad s⁻¹; empty for gray layers."""
    gray = [one.gray for one in sides]
    if all(gray):
        return np.empty(0)
    if any(gray):
        section = sides[gray.index(True)].section
        raise section.fault("one gray band beside layers with a spectrum: phonons of a boundary need one frequency")
    bins = int(top.number("bins", "share", BINS))
    if not 2 <= bins <= MOST_BINS:
        raise top.fault(f"{bins} bins, expected 2 to {MOST_BINS}", "bins")
    tops: list[Solid | Bands | float] = []
    for one in sides:
        if one.matter is not None:
            tops.append(one.matter)
        elif one.modes is not None:
            tops.append(float(one.modes.omega.max()) * (1 + 1e-9))
    return group_edges(*tops, bins=bins)


def read_film(side: Side, edges: Array, temperature: float) -> Film:
    """One layer."""
    section = side.section
    name = section.text("name", section.text("material", "") or None)
    cells = int(section.number("cells", "share", 0.0))
    if cells > MOST_CELLS:
        raise section.fault(f"{cells} cells, expected at most {MOST_CELLS}", "cells")
    held = read_carriers(side, name, edges, temperature)
    return Film(section.number("thickness", "length"), held, name=name, cells=cells or None)


def read_carriers(side: Side, name: str, edges: Array, temperature: float) -> Carriers:
    """Phonons of a layer."""
    section = side.section
    if side.gray:
        values = [section.number(*pair) for pair in zip(GRAY, ("heat_capacity", "speed", "length"), strict=True)]
        return gray_carriers(
            name, heat_capacity=values[0], velocity=values[1], mean_free_path=values[2], temperature=temperature
        )
    if side.modes is not None and side.lifetime is not None:
        return collected(name, side.modes, side.lifetime, edges, isotropic=True, temperature=temperature)
    if side.matter is None:
        raise section.fault("has no phonons")
    return carriers(
        side.matter,
        read_rates(section),
        temperature=temperature,
        edges=edges,
        conductivity=bulk_conductivity(section, temperature),
    )


def read_rates(section: Section) -> Rates:
    """Scattering rates of a layer; umklapp alone, to be scaled, where none are given."""
    if "rates" not in section:
        return Rates(umklapp=USUAL)
    inside = section.section("rates")
    inside.known(("umklapp", "onset", "impurity", "boundary"))
    umklapp, impurity = (inside.number(key, "share", 0.0) for key in ("umklapp", "impurity"))
    onset, boundary = inside.number("onset", "temperature", 0.0), inside.optional("boundary", "length")
    return Rates(umklapp, onset, impurity, np.inf if boundary is None else boundary)


def bulk_conductivity(section: Section, temperature: float) -> float | None:
    """Conductivity that the rates are scaled to; None where the rates themselves are given, W m⁻¹ K⁻¹."""
    if "conductivity" in section:
        return section.number("conductivity", "conductivity")
    if "rates" in section:
        return None
    name = section.text("material", "")
    if not name:
        raise section.fault("has no lifetimes: give rates, a file of lifetimes, or the conductivity of the bulk")
    try:
        return float(material(name).conductivity(temperature)[0])
    except KapitzaError as err:
        raise section.fault(f"{err}; give the conductivity of the bulk, or rates") from err


def read_crossings(
    section: Section, pairs: list[tuple[str, str]], sides: Mapping[str, Side], edges: Array
) -> tuple[Crossing | None, ...]:
    """Boundaries in their order; each once, none as a conductance."""
    names = [f"{a}|{b}" for a, b in pairs]
    for one, other in pairs:
        turned = f"{other}|{one}"
        if turned in section and f"{one}|{other}" in section and turned not in names:
            raise section.fault(f"the boundary {one}|{other} is given twice, also as {turned}: give it once", turned)
    section.known(names)
    missing = [name for name in names if name not in section]
    if missing:
        raise section.fault(f'the boundary {missing[0]!r} has no transmission, such as "dmm"')
    return tuple(
        None
        if section.table[name] == UNKNOWN
        else guarded(section, name, lambda n=name, p=pair: read_crossing(section, n, (sides[p[0]], sides[p[1]]), edges))
        for name, pair in zip(names, pairs, strict=True)
    )


def read_crossing(section: Section, name: str, sides: tuple[Side, Side], edges: Array) -> Crossing:
    """One boundary: a theory, a saved transmission, or shares."""
    held = section.table[name]
    if isinstance(held, str):
        return Crossing(read_transmission(section, name, held, sides, edges))
    if not isinstance(held, dict):
        raise section.fault(
            f'{held!r:.40} is no transmission: a conductance would count the transport twice; give "dmm", a saved '
            "transmission, or { coefficient = ... }",
            name,
        )
    inside = section.section(name)
    inside.known(("transmission", "coefficient", "specular", "through"))
    specular, through = inside.number("specular", "share", 0.0), inside.optional("through", "share")
    coefficient = inside.optional("coefficient", "share")
    theory = inside.text("transmission") if "transmission" in inside else None
    spectrum = None if theory is None else read_transmission(inside, "transmission", theory, sides, edges)
    return Crossing(spectrum, coefficient=coefficient, specular=specular, through=through)


def read_transmission(section: Section, key: str, text: str, sides: tuple[Side, Side], edges: Array) -> Transmission:
    """A transmission by theory, or one that was saved."""
    if text.lower().endswith(SAVED):
        held = load(section.beside(key))
        if not isinstance(held, Transmission):
            raise section.fault(f"{text} holds a {type(held).__name__}, expected a Transmission", key)
        return held
    if text not in THEORIES:
        known = " or ".join(map(repr, THEORIES))
        raise section.fault(
            f"{text!r:.40} is no transmission: expected {known}, or a saved one (.json, .npz, .h5); a conductance "
            "would count the transport near the boundary twice",
            key,
        )
    left, right = (one.matter for one in sides)
    if not (isinstance(left, Phonons) and isinstance(right, Phonons)):
        raise section.fault(f"{text} needs materials or bands on both sides; give a saved transmission", key)
    return THEORIES[text](left, right, group_frequencies(edges))


def read_wall(section: Section, key: str) -> Wall | None:
    """One end of the stack, None where the file says nothing of it."""
    if key not in section:
        return None
    inside = section.section(key)
    inside.known(("temperature", "specular"))
    try:
        return Wall(inside.optional("temperature", "temperature"), inside.number("specular", "share", 0.0))
    except KapitzaError as err:
        raise section.fault(str(err), key) from err
