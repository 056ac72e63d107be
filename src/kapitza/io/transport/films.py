"""Files of films for Boltzmann transport: layers, boundaries, walls, and measurements on them."""

import itertools
import warnings
from collections.abc import Callable, Mapping
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about
from kapitza.core.phonons import Phonons
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import DataError, InputError, KapitzaError, ValidityWarning
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.quantities import NUMBER_AND_UNIT
from kapitza.io.results import load
from kapitza.io.text_tables import TextTable, read_table
from kapitza.io.toml import TomlTable, locate_faults, material_at, read_toml
from kapitza.io.transport.lifetimes import read_transport_modes
from kapitza.matter.bands import Bands
from kapitza.matter.isotropic import Solid
from kapitza.matter.library import material, solid
from kapitza.measure.spectral_data import ApparentResistances, SpectralMeasurement, StackConductances
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering, Wall
from kapitza.simulate.boltzmann.carriers import Carriers, ScatteringRates, gray_carriers
from kapitza.simulate.boltzmann.layered.transport import Film
from kapitza.simulate.boltzmann.spectral_carriers import (
    DEFAULT_GROUPS,
    ModeTable,
    collect_modes,
    group_edges,
    group_frequencies,
    spectral_carriers,
)
from kapitza.theory.dmm import dmm
from kapitza.theory.limits import elastic_limit
from kapitza.theory.models import MODEL_REGISTER

_FILM_LAYER_KEYS = (
    "name", "thickness", "cells", "material", "bands", "normal", "conductivity", "rates", "lifetimes", "heat_capacity",
    "velocity", "mean_free_path",
)  # fmt: skip
_GRAY_KEYS = {"heat_capacity": "heat_capacity", "velocity": "speed", "mean_free_path": "length"}
_CROSSING_THEORIES: Mapping[str, Callable[[Any, Any, Array], Transmission]] = MappingProxyType(
    {"dmm": dmm, "limit": elastic_limit}
)
_UNKNOWN_TRANSMISSION = "unknown"  # a boundary that measurements shall tell
_TYPICAL_UMKLAPP = 1e-19  # s K⁻¹, umklapp scattering before it is scaled to a conductivity
_SIZE_COLUMNS = ("conductance", "conductivity")
_RATE_FACTOR = 3.0  # between the conductivity by given rates and that of the bulk, from which it is said
_LARGEST_CRYSTAL = 0.1  # m
_MAX_BINS, _MAX_FILM_CELLS, _MAX_DATA_POINTS = 2000, 4000, 10_000


@frozen(eq=False)
class FilmsFile(BaseRecord):
    """What a file of a stack says; boundaries and walls that it does not tell, the period of one stack: None."""

    title: str
    films: tuple[Film, ...]
    crossings: tuple[InterfaceScattering | None, ...]
    left: Wall | None
    right: Wall | None
    period: float | None = field(metadata=about("K", "fall of the temperature over one repeat"))


@frozen(eq=False)
class LayerPhonons(BaseRecord):
    """What a layer is made of, before its spectrum is cut into groups."""

    section: TomlTable
    matter: Solid | Bands | None = None  # None for gray layers and files of lifetimes
    modes: ModeTable | None = None  # of a file of lifetimes; None else
    lifetime: Array | None = None  # (n,) of these modes, s

    @property
    def gray(self) -> bool:
        """Whether the layer is one band."""
        return self.matter is None and self.modes is None


def read_films(path: str | PathLike[str]) -> FilmsFile:
    """Read a file of a stack and the files that it names.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers, a boundary that
        is given twice or as a conductance
    OSError
        if a file is missing or may not be read
    """
    top = read_toml(path)
    if "boxes" in top and "layers" not in top:
        raise top.fault(
            "boxes make a domain, not a stack of layers: `kapitza transport --monte-carlo` follows phonons through it",
            "boxes",
        )
    top.check_keys(("title", "temperature", "bins", "layers", "boundaries", "walls", "period"))
    temperature = top.number("temperature", "temperature", 300.0)
    sections = top.sections("layers")
    if not sections:
        raise top.fault("no [[layers]]: give at least one, from left to right", "layers")
    sides = [locate_faults(one, "", lambda s=one: read_layer_phonons(s, temperature)) for one in sections]
    edges = locate_faults(top, "", lambda: shared_group_edges(top, sides))
    films = tuple(locate_faults(one.section, "", lambda s=one: _read_film(s, edges, temperature)) for one in sides)
    period = top.optional("period", "temperature")
    pairs = list(itertools.pairwise(films))
    if period is not None:
        pairs.append((films[-1], films[0]))
    names = {film.name: side for film, side in zip(films, sides, strict=True)}
    if len(names) < len(films):
        raise top.fault("two layers have the same name: give each its own", "layers")
    crossings = _read_film_boundaries(top.section("boundaries"), [(a.name, b.name) for a, b in pairs], names, edges)
    walls = top.section("walls")
    walls.check_keys(("left", "right"))
    if period is not None and walls.table:
        raise walls.fault("a stack with a period has no walls: leave out one of them")
    left, right = (read_wall(walls, key) if key in walls else None for key in ("left", "right"))
    return FilmsFile(top.text("title", top.path.stem), films, crossings, left, right, period)


def read_layer_phonons(section: TomlTable, temperature: float) -> LayerPhonons:
    """What one layer is made of."""
    section.check_keys(_FILM_LAYER_KEYS)
    kinds = [key for key in ("material", "bands", "lifetimes", "velocity") if key in section]
    if "bands" in section and "lifetimes" in section:
        kinds.remove("bands")
    if len(kinds) != 1:
        said = " and ".join(kinds) or "nothing"
        raise section.fault(f"expected a material, bands, lifetimes, or one gray band (velocity, ...); got {said}")
    if kinds[0] == "velocity":
        return LayerPhonons(section)
    if kinds[0] == "lifetimes":
        modes, lifetime = read_transport_modes(section.beside("lifetimes"), temperature)
        return LayerPhonons(section, None, modes, lifetime)
    if kinds[0] == "bands":
        normal = section.table.get("normal", [0, 0, 1])
        return LayerPhonons(section, Bands.from_phonopy(section.beside("bands"), normal))
    return LayerPhonons(section, solid(material_at(section, temperature)))


def shared_group_edges(top: TomlTable, sides: list[LayerPhonons]) -> Array:
    """Bounds of the groups of all layers, rad s⁻¹; empty for gray layers."""
    gray = [one.gray for one in sides]
    if all(gray):
        return np.empty(0)
    if any(gray):
        section = sides[gray.index(True)].section
        raise section.fault("one gray band beside layers with a spectrum: phonons of a boundary need one frequency")
    bins = int(top.number("bins", "share", DEFAULT_GROUPS))
    if not 2 <= bins <= _MAX_BINS:
        raise top.fault(f"{bins} bins, expected 2 to {_MAX_BINS}", "bins")
    tops: list[Solid | Bands | float] = []
    for one in sides:
        if one.matter is not None:
            tops.append(one.matter)
        elif one.modes is not None:
            tops.append(float(one.modes.omega.max()) * (1 + 1e-9))
    return group_edges(*tops, bins=bins)


def _read_film(side: LayerPhonons, edges: Array, temperature: float) -> Film:
    """One layer."""
    section = side.section
    name = section.text("name", section.text("material", "") or None)
    cells = int(section.number("cells", "share", 0.0))
    if cells > _MAX_FILM_CELLS:
        raise section.fault(f"{cells} cells, expected at most {_MAX_FILM_CELLS}", "cells")
    held = read_carriers(side, name, edges, temperature)
    return Film(section.number("thickness", "length"), held, name=name, cells=cells or None)


def read_carriers(side: LayerPhonons, name: str, edges: Array, temperature: float) -> Carriers:
    """Phonons of a layer."""
    section = side.section
    if side.gray:
        values = {key: section.number(key, kind) for key, kind in _GRAY_KEYS.items()}
        return gray_carriers(name, **values, temperature=temperature)
    if side.modes is not None and side.lifetime is not None:
        return collect_modes(name, side.modes, side.lifetime, edges, isotropic=True, temperature=temperature)
    if side.matter is None:
        raise section.fault("has no phonons")
    bulk = _bulk_conductivity(section, temperature)
    found = spectral_carriers(
        side.matter, _read_rates(section), temperature=temperature, edges=edges, conductivity=bulk
    )
    if bulk is None:
        _warn_of_rates(section, found.conductivity, temperature)
    return found


def _warn_of_rates(section: TomlTable, conductivity: float, temperature: float) -> None:
    """Warn of scattering rates that make a conductivity (W m⁻¹ K⁻¹) which the bulk does not have."""
    try:
        known = float(material(section.text("material", "")).conductivity(temperature)[0])
    except KapitzaError:  # bands of a file, or nothing that the library knows at this temperature
        return
    if max(conductivity / known, known / conductivity) > _RATE_FACTOR:
        warnings.warn(
            f"{section.text('material')}: these rates conduct {conductivity:.4g} W/mK at {temperature:g} K, the bulk "
            f"{known:.4g}: give all that scatters (umklapp, impurity, boundary), or leave out rates",
            ValidityWarning,
            stacklevel=2,
        )


def _read_rates(section: TomlTable) -> ScatteringRates:
    """Scattering rates of a layer; umklapp alone, to be scaled, where none are given."""
    if "rates" not in section:
        return ScatteringRates(umklapp=_TYPICAL_UMKLAPP)
    inside = section.section("rates")
    inside.check_keys(("umklapp", "onset", "impurity", "boundary"))
    umklapp, impurity = (inside.number(key, "share", 0.0) for key in ("umklapp", "impurity"))
    onset, boundary = inside.number("onset", "temperature", 0.0), inside.optional("boundary", "length")
    if boundary is not None and not 0 < boundary <= _LARGEST_CRYSTAL:
        raise inside.fault(f"{boundary:g} m, expected the size of a crystal above 0 and up to 0.1 m", "boundary")
    return ScatteringRates(umklapp, onset, impurity, np.inf if boundary is None else boundary)


def _bulk_conductivity(section: TomlTable, temperature: float) -> float | None:
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


def _read_film_boundaries(
    section: TomlTable, pairs: list[tuple[str, str]], sides: Mapping[str, LayerPhonons], edges: Array
) -> tuple[InterfaceScattering | None, ...]:
    """Boundaries in their order; each once, none as a conductance."""
    names = [f"{a}|{b}" for a, b in pairs]
    for one, other in pairs:
        reverse = f"{other}|{one}"
        if reverse in section and f"{one}|{other}" in section and reverse not in names:
            raise section.fault(f"the boundary {one}|{other} is given twice, also as {reverse}: give it once", reverse)
    section.check_keys(names)
    missing = [name for name in names if name not in section]
    if missing:
        raise section.fault(f'the boundary {missing[0]!r} has no transmission, such as "dmm"')
    return tuple(
        None
        if section.table[name] == _UNKNOWN_TRANSMISSION
        else locate_faults(
            section, name, lambda n=name, p=pair: read_film_boundary(section, n, (sides[p[0]], sides[p[1]]), edges)
        )
        for name, pair in zip(names, pairs, strict=True)
    )


def read_film_boundary(
    section: TomlTable, name: str, sides: tuple[LayerPhonons, LayerPhonons], edges: Array
) -> InterfaceScattering:
    """One boundary: a theory, a saved transmission, or shares."""
    held = section.table[name]
    if isinstance(held, str):
        return InterfaceScattering(_read_transmission(section, name, held, sides, edges))
    if not isinstance(held, dict):
        share = (
            f"{{ coefficient = {held!r:.20} }}"
            if isinstance(held, float) and 0 <= held <= 1
            else "{ coefficient = ... }"
        )
        raise section.fault(
            f'{held!r:.40} has no unit and is no transmission: give "dmm", "limit", a saved transmission, or {share} '
            "for the share that crosses; a conductance would count the transport near the boundary twice",
            name,
        )
    inside = section.section(name)
    keys = ("transmission", "coefficient", "specular", "specular_transmission")
    inside.check_keys(keys, {"through": "specular_transmission"})
    specular = inside.number("specular", "share", 0.0)
    specular_transmission = inside.optional("specular_transmission", "share")
    coefficient = inside.optional("coefficient", "share")
    theory = inside.text("transmission") if "transmission" in inside else None
    spectrum = None if theory is None else _read_transmission(inside, "transmission", theory, sides, edges)
    return InterfaceScattering(
        spectrum, coefficient=coefficient, specular=specular, specular_transmission=specular_transmission
    )


def _read_transmission(
    section: TomlTable, key: str, text: str, sides: tuple[LayerPhonons, LayerPhonons], edges: Array
) -> Transmission:
    """A transmission by theory, or one that was saved."""
    if text.lower().endswith(RESULT_SUFFIXES):
        held = load(section.beside(key))
        if not isinstance(held, Transmission):
            raise section.fault(f"{text} holds a {type(held).__name__}, expected a Transmission", key)
        return held
    if text not in _CROSSING_THEORIES:
        known = " or ".join(map(repr, _CROSSING_THEORIES))
        why = "is no transmission"
        if text in {one.name for one in MODEL_REGISTER}:
            why = (
                "is a model of flat interfaces; boundaries here scatter in all directions, or let a share pass straight"
            )
        elif NUMBER_AND_UNIT.fullmatch(text):
            why = "is no transmission, and a conductance would count the transport near the boundary twice"
        raise section.fault(f"{text!r:.40} {why}: expected {known}, or a saved transmission (.json, .npz, .h5)", key)
    left, right = (one.matter for one in sides)
    if not (isinstance(left, Phonons) and isinstance(right, Phonons)):
        raise section.fault(f"{text} needs materials or bands on both sides; give a saved transmission", key)
    return _CROSSING_THEORIES[text](left, right, group_frequencies(edges))


def read_wall(section: TomlTable, key: str) -> Wall:
    """A wall with its temperature, if any, and its specular share."""
    inside = section.section(key)
    inside.check_keys(("temperature", "specular"))
    try:
        return Wall(inside.optional("temperature", "temperature"), inside.number("specular", "share", 0.0))
    except KapitzaError as err:
        raise section.fault(str(err), key) from err


def read_spectral_measurements(path: str | PathLike[str], stack: FilmsFile) -> SpectralMeasurement:
    """Read what was measured on stacks like the one of a file, with an unknown boundary between black walls."""
    if None not in stack.crossings:
        raise InputError(f'{stack.title}: no boundary is "unknown": nothing is left to find; mark it in the file')
    if stack.period is not None or stack.left is not None or stack.right is not None:
        raise InputError(f"{stack.title}: data are those between black walls: leave out the walls and the period")
    table = read_table(path)
    if table.columns[0].value.size > _MAX_DATA_POINTS:
        raise DataError(f"{table.columns[0].value.size} rows, expected at most {_MAX_DATA_POINTS}", file=path)
    try:
        return _frequency_series(table, stack) if "frequency" in table else _thickness_series(table, stack)
    except InputError as err:
        raise DataError(str(err), file=path) from err


def _check_columns(table: TextTable, names: tuple[str, ...]) -> None:
    """Refuse columns that mean nothing."""
    for one in table.columns:
        if one.name not in names:
            raise DataError(f"unknown column {one.name!r}: expected {', '.join(names)}", file=table.path)


def _thickness_series(table: TextTable, stack: FilmsFile) -> StackConductances:
    """Conductances of stacks of several thicknesses."""
    layers = tuple(film.name for film in stack.films)
    _check_columns(table, (*layers, *_SIZE_COLUMNS, "sigma"))
    kinds = [name for name in _SIZE_COLUMNS if name in table]
    if len(kinds) != 1:
        said = "both" if kinds else "none"
        raise DataError(f"expected a column conductance or conductivity, got {said} of them", file=table.path)
    value, sigma = table.values(kinds[0], kinds[0]), table.values(kinds[0], "sigma")
    thickness: dict[str, Array] = {name: table.values("length", name) for name in layers if name in table}
    columns = [thickness.get(film.name, np.full(value.size, film.thickness)) for film in stack.films]
    stacks = [
        [evolve(film, thickness=float(one)) for film, one in zip(stack.films, row, strict=True)]
        for row in zip(*columns, strict=True)
    ]
    if kinds[0] == "conductivity":
        total = np.array([sum(film.thickness for film in stack) for stack in stacks])
        value, sigma = value / total, sigma / total
    return StackConductances(stacks, stack.crossings, value, sigma)


def _frequency_series(table: TextTable, stack: FilmsFile) -> ApparentResistances:
    """Resistances of a film on its substrate against the frequency of modulation."""
    _check_columns(table, ("frequency", "resistance", "imaginary", "sigma"))
    if len(stack.films) != 2:
        raise DataError(
            f"{stack.title} has {len(stack.films)} layers, expected a film and a substrate", file=table.path
        )
    value = table.values("resistance", "resistance") + 1j * table.values("resistance", "imaginary")
    return ApparentResistances(
        stack.films, table.values("frequency", "frequency"), value, table.values("resistance", "sigma")
    )
