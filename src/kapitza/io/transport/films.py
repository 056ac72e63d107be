"""Files of films for Boltzmann transport: layers, boundaries, walls, and measurements on them."""

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about
from kapitza.core.phonons import Phonons
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import DataError, InputError, KapitzaError
from kapitza.io import toml
from kapitza.io.boundaries import boundaries
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.plausibility import warn
from kapitza.io.quantities import NUMBER_AND_UNIT
from kapitza.io.results import load
from kapitza.io.text_tables import TextTable, read_table
from kapitza.io.toml import Bounds, Key, Table, TomlTable
from kapitza.io.transport.lifetimes import read_transport_modes
from kapitza.matter.bands import Bands
from kapitza.matter.isotropic import Solid
from kapitza.matter.library import material, solid
from kapitza.measure.spectral_inversion import ApparentResistances, SpectralMeasurement, StackConductances
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

_GRAY_KEYS = {"heat_capacity": "heat_capacity", "velocity": "speed", "mean_free_path": "length"}
_CROSSING_THEORIES: Mapping[str, Callable[[Any, Any, Array], Transmission]] = MappingProxyType(
    {"dmm": dmm, "limit": elastic_limit}
)
_UNKNOWN_TRANSMISSION = "unknown"  # a boundary that measurements shall tell
_TYPICAL_UMKLAPP = 1e-19  # s K⁻¹, umklapp scattering before it is scaled to a conductivity
_SIZE_COLUMNS = ("conductance", "conductivity")
_RATE_FACTOR = 3.0  # between the conductivity by given rates and that of the bulk, from which it is said
_LARGEST_COUNT = 1e15  # of what nobody counts
_MAX_BINS, _MAX_FILM_CELLS, _MAX_DATA_POINTS = 2000, 4000, 10_000


def whole_number(name: str, meaning: str, default: float, bounds: Bounds | None = None) -> Key:
    """Declare a number that is rounded down to a whole one."""

    def read(section: TomlTable, key: str) -> int:
        given = section.number(key, "share")
        if abs(given) > _LARGEST_COUNT:
            raise section.fault(f"{given:g}: expected a whole number up to {_LARGEST_COUNT:g}", key)
        value = int(given)
        if bounds is not None and (fault := bounds.check(value)):
            raise section.fault(fault, key)
        return value

    plain = toml.number(name, "share", meaning, int(default))
    return evolve(plain, form="whole number", bounds=bounds, read=read)


def _check_matter(section: TomlTable) -> None:
    kinds = [key for key in ("material", "bands", "lifetimes", "velocity") if key in section]
    if "bands" in section and "lifetimes" in section:
        kinds.remove("bands")
    if len(kinds) != 1:
        said = " and ".join(kinds) or "nothing"
        raise section.fault(f"expected a material, bands, lifetimes, or one gray band (velocity, ...); got {said}")
    if kinds == ["velocity"]:
        toml.raise_all(partial(section.number, key, kind) for key, kind in _GRAY_KEYS.items())


_CRYSTAL_SIZE = Bounds(0.0, 0.1, "{value:g} m, expected the size of a crystal above 0 and up to {high:g} m", above=True)
RATES = Table(
    [
        toml.number("umklapp", "share", "B of the umklapp rate Bω²T exp(-onset/T), in s/K", 0.0),
        toml.number("onset", "temperature", "onset of umklapp scattering", 0.0),
        toml.number("impurity", "share", "A of the impurity rate Aω⁴, in s³", 0.0),
        toml.number("boundary", "length", "size of the crystal; infinite if omitted", None, bounds=_CRYSTAL_SIZE),
    ],
    "Scattering rates.",
)
PHONON_KEYS = (
    toml.text("material", "material of the library", None),
    toml.file("bands", "force constants of phonopy", None),
    toml.special("normal", "list of 3", "surface normal of `bands`, Miller indices; [0, 0, 1] if omitted"),
    toml.number(
        "conductivity", "conductivity", "bulk conductivity to which rates are scaled; of the library if omitted", None
    ),
    toml.table("rates", RATES),
    toml.file("lifetimes", "lifetimes of phono3py, ShengBTE or almaBTE", None),
    toml.number("heat_capacity", "heat_capacity", "heat capacity of one gray band", None),
    toml.number("velocity", "speed", "group velocity of one gray band", None),
    toml.number("mean_free_path", "length", "mean free path of one gray band", None),
)
_NAME = toml.text("name", "name; the material if omitted", None)
FILM_LAYER = Table(
    [
        _NAME,
        toml.number("thickness", "length", "thickness"),
        whole_number(
            "cells", "number of cells; chosen if omitted", 0,
            Bounds(-np.inf, _MAX_FILM_CELLS, "{value} cells, expected at most {high}"),
        ),
        *PHONON_KEYS,
    ],
    "Layer, from left to right: a material, bands of a file, lifetimes of a file, or one gray band.",
    checks=(_check_matter,),
)  # fmt: skip
DOMAIN_MATERIAL = Table([_NAME, *PHONON_KEYS], "Material, as a layer of a stack of films.", checks=(_check_matter,))
PHONONS = Table(PHONON_KEYS, "Phonons of the layer, as of a layer of a stack of films.", checks=(_check_matter,))
FILM_BOUNDARY = Table(
    [
        toml.text("transmission", "`dmm`, `limit` or a saved transmission", None),
        toml.number("coefficient", "share", "fraction of the phonons that cross, instead of `transmission`", None),
        toml.number("specular", "share", "fraction of the reflection that is specular", 0.0),
        toml.number("specular_transmission", "share", "fraction of the transmission that is specular", None),
    ],
    "Boundary as a table; otherwise `dmm`, `limit`, a saved transmission, or `unknown` for a fit.",
    renamed={"through": "specular_transmission"},
)
WALL_TABLE = Table(
    [
        toml.number("temperature", "temperature", "temperature of a black wall; adiabatic if omitted", None),
        toml.number("specular", "share", "fraction of the reflection that is specular", 0.0),
    ],
    "Wall.",
)
FREQUENCY_BINS = whole_number(
    "bins", "number of frequency groups", DEFAULT_GROUPS,
    Bounds(2, _MAX_BINS, "{value} bins, expected {low} to {high}"),
)  # fmt: skip


def _check_names(top: TomlTable) -> None:
    names = [layer.name for layer in top.sections("layers")]
    around = [*names, *names[:1]] if "period" in top else names
    pairs, section = list(itertools.pairwise(around)), top.section("boundaries")
    for left, right in pairs if all(names) else ():
        name, reverse = f"{left}|{right}", f"{right}|{left}"
        if reverse in section and name in section and (right, left) not in pairs:
            raise section.fault(f"the boundary {name} is given twice, also as {reverse}: give it once", reverse)
    toml.check_stack(top, "from left to right", 'transmission, such as "dmm"', period="period" in top)


FILMS = Table(
    [
        toml.TITLE,
        toml.number("temperature", "temperature", "mean temperature", 300.0),
        FREQUENCY_BINS,
        toml.tables("layers", FILM_LAYER),
        boundaries("transmission of each boundary"),
        toml.table(
            "walls",
            Table([toml.table("left", WALL_TABLE), toml.table("right", WALL_TABLE)], "Walls; black if omitted."),
        ),
        toml.number("period", "temperature", "temperature drop over one repeat of an infinite stack", None),
    ],
    checks=(_check_names,),
)


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
    top = toml.read_toml(path)
    if "boxes" in top and "layers" not in top:
        raise top.fault(
            "boxes make a domain, not a stack of layers: `kapitza transport --monte-carlo` follows phonons through it",
            "boxes",
        )
    values = FILMS.read(top)
    temperature, period = values["temperature"], values["period"]
    sides = [section.locate("", read_layer_phonons, section, temperature) for section in values["layers"]]
    edges = top.locate("", shared_group_edges, sides, values["bins"])
    films = tuple(side.section.locate("", _read_film, side, edges, temperature) for side in sides)
    named = {film.name: side for film, side in zip(films, sides, strict=True)}
    if len(named) < len(films):
        raise top.fault("two layers have the same name: give each its own", "layers")
    around = [*named, films[0].name] if period is not None else [*named]
    section, crossings = top.section("boundaries"), list[InterfaceScattering | None]()
    for pair in itertools.pairwise(around):
        key, both = "|".join(pair), (named[pair[0]], named[pair[1]])
        known = section.table[key] != _UNKNOWN_TRANSMISSION
        crossings.append(section.locate(key, read_film_boundary, section, key, both, edges) if known else None)
    walls = top.section("walls")
    if period is not None and walls.table:
        raise walls.fault("a stack with a period has no walls: leave out one of them")
    left, right = (read_wall(walls, key) if key in walls else None for key in ("left", "right"))
    return FilmsFile(values["title"] or top.path.stem, films, tuple(crossings), left, right, period)


def read_layer_phonons(section: TomlTable, temperature: float) -> LayerPhonons:
    """What one layer is made of."""
    if "velocity" in section:
        return LayerPhonons(section)
    if "lifetimes" in section:
        modes, lifetime = read_transport_modes(section.beside("lifetimes"), temperature)
        return LayerPhonons(section, None, modes, lifetime)
    if "bands" in section:
        normal = section.table.get("normal", [0, 0, 1])
        return LayerPhonons(section, Bands.from_phonopy(section.beside("bands"), normal))
    return LayerPhonons(section, solid(toml.material_at(section, temperature)))


def shared_group_edges(sides: list[LayerPhonons], bins: int = DEFAULT_GROUPS) -> Array:
    """Bounds of the groups of all layers, rad s⁻¹; empty for gray layers."""
    gray = [side.gray for side in sides]
    if all(gray):
        return np.empty(0)
    if any(gray):
        section = sides[gray.index(True)].section
        raise section.fault("one gray band beside layers with a spectrum: phonons of a boundary need one frequency")
    tops: list[Solid | Bands | float] = []
    for side in sides:
        if side.matter is not None:
            tops.append(side.matter)
        elif side.modes is not None:
            tops.append(float(side.modes.omega.max()) * (1 + 1e-9))
    return group_edges(*tops, bins=bins)


def _read_film(side: LayerPhonons, edges: Array, temperature: float) -> Film:
    values = FILM_LAYER.read(side.section)
    name = side.section.text("name", values["material"])
    carriers = read_carriers(side, name, edges, temperature)
    return Film(values["thickness"], carriers, name=name, cells=values["cells"] or None)


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
    rates = ScatteringRates(umklapp=_TYPICAL_UMKLAPP)  # to be scaled
    if "rates" in section:
        umklapp, onset, impurity, size = RATES.read(section.section("rates")).values()
        rates = ScatteringRates(umklapp, onset, impurity, np.inf if size is None else size)
    carriers = spectral_carriers(side.matter, rates, temperature=temperature, edges=edges, conductivity=bulk)
    if bulk is None:
        _warn_of_rates(section, carriers.conductivity, temperature)
    return carriers


def _warn_of_rates(section: TomlTable, conductivity: float, temperature: float) -> None:
    try:
        known = float(material(section.text("material", "")).conductivity(temperature)[0])
    except KapitzaError:  # bands of a file, or nothing that the library knows at this temperature
        return
    if max(conductivity / known, known / conductivity) > _RATE_FACTOR:
        warn(
            f"{section.text('material')}: these rates conduct {conductivity:.4g} W/mK at {temperature:g} K, the bulk "
            f"{known:.4g}: give all that scatters (umklapp, impurity, boundary), or leave out rates"
        )


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


def read_film_boundary(
    section: TomlTable, name: str, sides: tuple[LayerPhonons, LayerPhonons], edges: Array
) -> InterfaceScattering:
    """One boundary: a theory, a saved transmission, or shares."""
    given = section.table[name]
    if isinstance(given, str):
        return InterfaceScattering(_read_transmission(section, name, given, sides, edges))
    if not isinstance(given, dict):
        number = f"{given!r:.20}" if isinstance(given, float) and 0 <= given <= 1 else "..."
        share = f"{{ coefficient = {number} }}"
        raise section.fault(
            f'{given!r:.40} has no unit and is no transmission: give "dmm", "limit", a saved transmission, or {share} '
            "for the share that crosses; a conductance would count the transport near the boundary twice",
            name,
        )
    inside = section.section(name)
    values = FILM_BOUNDARY.read(inside)
    theory = values.pop("transmission")
    spectrum = None if theory is None else _read_transmission(inside, "transmission", theory, sides, edges)
    return InterfaceScattering(spectrum, **values)


def _read_transmission(
    section: TomlTable, key: str, text: str, sides: tuple[LayerPhonons, LayerPhonons], edges: Array
) -> Transmission:
    if text.lower().endswith(RESULT_SUFFIXES):
        saved = load(section.beside(key))
        if not isinstance(saved, Transmission):
            raise section.fault(f"{text} holds a {type(saved).__name__}, expected a Transmission", key)
        return saved
    if text not in _CROSSING_THEORIES:
        known = " or ".join(map(repr, _CROSSING_THEORIES))
        why = "is no transmission"
        if text in {model.name for model in MODEL_REGISTER}:
            why = (
                "is a model of flat interfaces; boundaries here scatter in all directions, or let a share pass straight"
            )
        elif NUMBER_AND_UNIT.fullmatch(text):
            why = "is no transmission, and a conductance would count the transport near the boundary twice"
        raise section.fault(f"{text!r:.40} {why}: expected {known}, or a saved transmission (.json, .npz, .h5)", key)
    left, right = (side.matter for side in sides)
    if not (isinstance(left, Phonons) and isinstance(right, Phonons)):
        raise section.fault(f"{text} needs materials or bands on both sides; give a saved transmission", key)
    return _CROSSING_THEORIES[text](left, right, group_frequencies(edges))


def read_wall(section: TomlTable, key: str) -> Wall:
    """A wall with its temperature, if any, and its specular share."""
    temperature, specular = WALL_TABLE.read(section.section(key)).values()
    return section.locate(key, Wall, temperature, specular)


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
    for column in table.columns:
        if column.name not in names:
            raise DataError(f"unknown column {column.name!r}: expected {', '.join(names)}", file=table.path)


def _thickness_series(table: TextTable, stack: FilmsFile) -> StackConductances:
    layers = tuple(film.name for film in stack.films)
    _check_columns(table, (*layers, *_SIZE_COLUMNS, "sigma"))
    kinds = [name for name in _SIZE_COLUMNS if name in table]
    if len(kinds) != 1:
        said = "both" if kinds else "none"
        raise DataError(f"expected a column conductance or conductivity, got {said} of them", file=table.path)
    value, sigma = table.values(kinds[0], kinds[0]), table.values(kinds[0], "sigma")
    columns = [
        table.values("length", film.name) if film.name in table else np.full(value.size, film.thickness)
        for film in stack.films
    ]
    stacks = [
        [evolve(film, thickness=float(size)) for film, size in zip(stack.films, row, strict=True)]
        for row in zip(*columns, strict=True)
    ]
    if kinds[0] == "conductivity":
        total = np.sum(columns, axis=0)
        value, sigma = value / total, sigma / total
    return StackConductances(stacks, stack.crossings, value, sigma)


def _frequency_series(table: TextTable, stack: FilmsFile) -> ApparentResistances:
    _check_columns(table, ("frequency", "resistance", "imaginary", "sigma"))
    if len(stack.films) != 2:
        message = f"{stack.title} has {len(stack.films)} layers, expected a film and a substrate"
        raise DataError(message, file=table.path)
    frequency, sigma = table.values("frequency", "frequency"), table.values("resistance", "sigma")
    value = table.values("resistance", "resistance") + 1j * table.values("resistance", "imaginary")
    return ApparentResistances(stack.films, frequency, value, sigma)
