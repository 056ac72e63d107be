"""Files of a lamella: its materials, planes, thickness and contacts with what is known how well, and maps beside it."""

import math
from collections.abc import Mapping
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from attrs import NOTHING, evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.files import is_temporary, read_limited, write_atomically
from kapitza.core.quantity_kinds import LARGEST
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, InputError
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.results import load
from kapitza.io.toml import (
    Bounds,
    Table,
    TomlTable,
    file,
    locate_faults,
    number,
    read_toml,
    special,
    table,
    tables,
    text,
    uncertain,
    uncertain_value,
)
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.lamella.description import Lamella, LamellaMap, LamellaMaterial, LamellaPlane, RelativeThickness
from kapitza.measure.problem import Prior
from kapitza.units import nm

_MAX_MAP_BYTES = 2**27
_MAX_PIXELS = 2**20  # of a map
_THICKEST = 100.0  # t/λ: through more no electron comes out in focus
_EDGES = ("left", "right", "bottom", "top")
MATERIAL = Table(
    [
        text("name", "name of the material"),
        uncertain("conductivity", "conductivity", "conductivity", NOTHING),
        uncertain("exponent", "share", "n of a conductivity proportional to (T/300 K)ⁿ"),
        uncertain("mean_free_path", "length", "mean free path of the phonons"),
        uncertain("heat_capacity", "heat_capacity", "heat capacity per volume"),
    ],
    "Material, from the left to the right.",
)
PLANE = Table(
    [
        uncertain("position", "length", "position along x at half height", NOTHING),
        uncertain("resistance", "resistance", "resistance of the plane", NOTHING),
        uncertain("angle", "angle", "tilt of the plane"),
        uncertain("bow", "length", "bow of the plane"),
    ],
    "Plane between two materials.",
)


def _read_corner(section: TomlTable, key: str) -> list[float]:
    """Corner of the first pixel, x and y, m."""
    given = section.table[key]
    if not isinstance(given, list) or len(given) != 2:
        raise section.fault(f"expected x and y of the corner of the first pixel, got {given!r:.60}", key)
    return [evolve(section, table={key: one}).number(key, "length") for one in given]


def _read_t_over_lambda(sheet: TomlTable, key: str) -> float | str:
    """Value of t/λ, or the name of the file of its map."""
    given = sheet.table.get(key)
    return given if isinstance(given, str) else sheet.number(key, "share")


def _check_edges(sheet: TomlTable) -> None:
    """Refuse edges that are exchanged."""
    edges = {key: sheet.number(key, "length") for key in _EDGES}
    for low, high in (_EDGES[:2], _EDGES[2:]):
        if not edges[low] < edges[high]:
            raise sheet.fault(f"expected {low} below {high}, got {edges[low]:g} and {edges[high]:g} m", low)


def _check_correlation(sheet: TomlTable) -> None:
    """Refuse a correlation of noise that is not stated."""
    if "t_over_lambda_correlation" in sheet and "t_over_lambda_sigma" not in sheet:
        raise sheet.fault("expected t_over_lambda_sigma with t_over_lambda_correlation", "t_over_lambda_correlation")


def _check_planes(top: TomlTable) -> None:
    """Refuse planes that do not lie between each two materials, and a file without maps."""
    if not top.sections("map"):
        raise top.fault("expected a table [[map]] for each temperature map, got none")
    planes, materials = len(top.sections("plane")), len(top.sections("material"))
    if planes != materials - 1:
        raise top.section("lamella").fault(
            f"expected a table [[plane]] between each two tables [[material]], got {planes} and {materials}"
        )


_PITCH = number(
    "pitch",
    "length",
    "distance of two pixels",
    None,
    bounds=Bounds(0.0, np.inf, "expected a pitch above 0, got {value:g} m", above=True),
)
_ORIGIN = special("origin", "two lengths", "x and y of the corner of the first pixel", _read_corner, (0.0, 0.0))
SHEET = Table(
    [
        *(number(key, "length", f"position of the {key} edge") for key in _EDGES),
        special(
            "t_over_lambda",
            "number or file",
            "thickness over the inelastic mean free path t/λ",
            _read_t_over_lambda,
            NOTHING,
        ),
        special("t_over_lambda_sigma", "percentage or file", "standard uncertainty of the pixels of t/λ"),
        number("t_over_lambda_correlation", "length", "length over which they are correlated", 0.0),
        evolve(_PITCH, meaning="distance of two pixels of t/λ; those of the first map if omitted"),
        _ORIGIN,
        uncertain("inelastic_mean_free_path", "length", "inelastic mean free path λ", NOTHING),
        uncertain("dead_layer", "length", "thickness of both dead layers"),
        uncertain("left_conductance", "conductance", "conductance of the left pad"),
        uncertain("right_conductance", "conductance", "conductance of the right pad"),
        uncertain("emissivity", "share", "emissivity of the faces"),
        uncertain("ambient", "temperature", "temperature of the surroundings"),
    ],
    "Edges and thickness of the lamella.",
    checks=(_check_edges, _check_correlation),
)
MAP = Table(
    [
        text("name", "name of the map", "map"),
        file("file", "temperatures: rows of numbers (.csv), or a saved map"),
        file("imaginary", "imaginary parts of temperatures at a frequency", None),
        special("sigma", "`temperature` or file", "standard uncertainty of the pixels"),
        _PITCH,
        _ORIGIN,
        special("pixels", "list of 2", "columns and rows of a map to be simulated"),
        special("power", "`power` with ±", "power through the lamella"),
        special("before", "`power` with ±", "power of the heater before the cut, instead of `power`"),
        special("after", "`power` with ±", "power of the heater after the cut"),
        number("left_temperature", "temperature", "rise of the left pad over the mean", 0.0),
        number("right_temperature", "temperature", "rise of the right pad over the mean", 0.0),
        number("frequency", "frequency", "frequency of the heating", 0.0),
        number("mean_temperature", "temperature", "mean temperature", 300.0),
    ],
    "Temperature map.",
)
_SPREAD = Table(
    [
        uncertain("width", "length", "width of the core"),
        uncertain("share", "share", "fraction of the tails"),
        uncertain("length", "length", "length of the tails"),
    ],
    "Point spread of the beam.",
)
_FRACTION = Bounds(0.0, 1.0, "expected a share between 0 and 1, got {value:g}", above=True, below=True)
_SCALE = Table(
    [
        number("temperature", "share", "common uncertainty of all temperatures", None, bounds=_FRACTION),
        number("power", "share", "common uncertainty of all powers", None, bounds=_FRACTION),
    ],
    "Relative uncertainties that all pixels share.",
)
LAMELLA = Table(
    [
        text("interface", "plane whose resistance is sought; the first one if omitted", None),
        tables("material", MATERIAL),
        tables("plane", PLANE),
        table("lamella", SHEET, NOTHING),
        table("spread", _SPREAD),
        table("scale", _SCALE),
        tables("map", MAP),
    ],
    checks=(_check_planes,),
)


@frozen(eq=False, kw_only=True)
class LamellaFile(BaseRecord):
    """What a file of a lamella says; `plane` is whose resistance is sought."""

    lamella: Lamella
    maps: tuple[LamellaMap, ...]
    priors: Mapping[str, Prior]
    spread: PointSpread
    plane: str
    thickness_file: Path | None = None
    map_files: tuple[tuple[Path, ...], ...] = field(default=())  # of each map: temperatures, and imaginary parts


def read_lamella(path: str | PathLike[str], *, virtual: bool = False) -> LamellaFile:
    """Read a lamella, what is known of it how well, and its maps.

    Parameters
    ----------
    path : TOML file; maps stand beside it
    virtual : whether the maps are still to be simulated: only their pixels and uncertainties are read

    Raises
    ------
    DataError
        for unknown keys, numbers without a unit or of another one, and files that do not fit
    """
    top = read_toml(path)
    LAMELLA.check(top)
    priors: dict[str, Prior] = {}
    maps = [_read_map(section, virtual) for section in top.sections("map")]
    lamella = _read_lamella(top, maps[0][0], priors)
    spread, sheet = top.section("spread"), top.section("lamella")
    widths = _stated_values(_SPREAD, spread, "spread.", priors)
    for key, name in (("temperature", "temperature_scale"), ("power", "power_factor")):
        share = _SCALE.read(top.section("scale"))[key]
        if share is not None:
            priors[name] = Prior(1.0, share)
    plane = top.text("interface", lamella.plane_names[0], choices=lamella.plane_names)
    named = isinstance(sheet.table.get("t_over_lambda"), str)
    return LamellaFile(
        lamella=lamella,
        maps=tuple(one for one, _ in maps),
        priors=priors,
        spread=locate_faults(spread, "", lambda: PointSpread(**widths)),
        plane=plane,
        thickness_file=sheet.beside("t_over_lambda") if named else None,
        map_files=tuple(files for _, files in maps),
    )


def _stated_values(keys: Table, section: TomlTable, prefix: str, priors: dict[str, Prior]) -> dict[str, Any]:
    """Numbers of the keys of a table that are there; where one has an uncertainty, that is its prior."""
    found: dict[str, Any] = {}
    for key, value in keys.read(section).items():
        if key in section and isinstance(value, tuple) and key != "origin":
            number_, sigma = value
            found[key] = number_
            if sigma > 0:
                priors[f"{prefix}{key}"] = Prior(number_, sigma)
    return found


def _read_lamella(top: TomlTable, first: LamellaMap, priors: dict[str, Prior]) -> Lamella:
    """Lamella of a file; a map of t/λ without a pitch lies on the pixels of the first temperature map."""
    sheet = top.section("lamella")
    materials: list[LamellaMaterial] = []
    for section in top.sections("material"):
        name = section.text("name")
        values = _stated_values(MATERIAL, section, f"{name}.", priors)
        materials.append(locate_faults(section, "", lambda n=name, v=values: LamellaMaterial(name=n, **v)))
    planes: list[LamellaPlane] = []
    names = [f"{a.name}|{b.name}" for a, b in pairwise(materials)]
    for section, name in zip(top.sections("plane"), names, strict=True):
        values = _stated_values(PLANE, section, f"{name}.", priors)
        planes.append(locate_faults(section, "", lambda v=values: LamellaPlane(**v)))
    edges = {key: sheet.number(key, "length") for key in _EDGES}
    thickness = _read_thickness(sheet, first, edges)
    values = _stated_values(SHEET, sheet, "", priors)
    if values.get("emissivity", 0.0) > 1:
        raise sheet.fault(f"expected an emissivity from 0 to 1, got {values['emissivity']:g}", "emissivity")
    return locate_faults(
        sheet, "", lambda: Lamella(materials=materials, planes=planes, thickness=thickness, **edges, **values)
    )


def _read_thickness(sheet: TomlTable, first: LamellaMap, edges: Mapping[str, float]) -> RelativeThickness:
    """Map of t/λ: one number everywhere, or a file; with its noise where that is stated."""
    given = sheet.table.get("t_over_lambda")
    if not isinstance(given, str):
        value = sheet.number("t_over_lambda", "share")
        if not 0 < value <= _THICKEST:
            raise sheet.fault(f"expected t/λ above 0, and at most {_THICKEST:g}, got {value:g}", "t_over_lambda")
        _check_pads(sheet, first, edges)
        axes = [np.array([edges[low], edges[high]]) for low, high in (("left", "right"), ("bottom", "top"))]
        if "t_over_lambda_sigma" in sheet:  # noise of pixels as large as those of the first temperature map
            axes = [_even_pixels(*axis, of[1] - of[0]) for axis, of in zip(axes, (first.x, first.y), strict=True)]
        x, y = axes
        table = np.full((y.size, x.size), value)
        return _make_thickness(sheet, x, y, table)
    table = read_matrix(sheet.beside("t_over_lambda"))
    if "pitch" not in sheet:
        if table.shape != (first.y.size, first.x.size):
            raise sheet.fault(
                f"{given} has {table.shape[0]} x {table.shape[1]} pixels, the map {first.name!r} {first.y.size} x "
                f"{first.x.size}: expected the same, or the pitch of the map of t/λ",
                "t_over_lambda",
            )
        x, y = first.x, first.y
    else:
        x, y = _pixel_axes(sheet, table.shape)
    return _make_thickness(sheet, x, y, table)


def _check_pads(sheet: TomlTable, first: LamellaMap, edges: Mapping[str, float]) -> None:
    """Refuse pads that the first temperature map does not reach, as a map of t/λ has to."""
    if first.x.size < 2:
        return
    half = 0.5 * (first.x[1] - first.x[0]) * (1 + 1e-6)
    low, high = float(first.x[0] - half), float(first.x[-1] + half)
    for key in _EDGES[:2]:
        if not low <= edges[key] <= high:
            raise sheet.fault(
                f"the pad at x = {edges[key] / nm:g} nm is outside of the map {first.name!r}, which reaches from "
                f"{low / nm:.6g} to {high / nm:.6g} nm: check the pad, and pitch and origin of the map",
                key,
            )


def _even_pixels(low: float, high: float, pitch: float) -> NDArray[Any]:
    """Centres of pixels of about this pitch between two edges, m."""
    count = max(2, min(round((high - low) / pitch), 2**10))
    return low + (high - low) * (np.arange(count) + 0.5) / count


def _read_noise(sheet: TomlTable, value: NDArray[Any]) -> dict[str, Any]:
    """Uncertainty of each pixel of a map of t/λ, a share of it or a file, and the length of their correlation."""
    key, words = "t_over_lambda_sigma", "t_over_lambda_correlation"
    if key not in sheet:
        return {}
    length = sheet.number(words, "length", 0.0)
    given = sheet.table[key]
    if isinstance(given, str) and given.lower().endswith((".csv", ".txt", ".tsv")):
        table = read_matrix(sheet.beside(key))
        if table.shape != value.shape:
            sizes = [" x ".join(map(str, one.shape)) for one in (table, value)]
            raise sheet.fault(f"{given} has {sizes[0]} pixels, t/λ {sizes[1]}: expected the same", key)
        return {"sigma": table, "correlation": length}
    share = sheet.number(key, "share")
    if not 0 < share < 1:
        raise sheet.fault(f"expected a share of t/λ between 0 and 1, such as '3 %', got {share:g}", key)
    return {"sigma": share * value, "correlation": length}


def _pixel_axes(section: TomlTable, shape: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Centres of pixels along x and y, m; the corner of the first one is at the origin."""
    pitch = _PITCH.read(section, "pitch")
    corner = _ORIGIN.value(section)
    return tuple(start + pitch * (np.arange(n) + 0.5) for start, n in zip(corner, shape[::-1], strict=True))  # pyright: ignore[reportReturnType]


def _make_thickness(sheet: TomlTable, x: NDArray[Any], y: NDArray[Any], value: NDArray[Any]) -> RelativeThickness:
    """The map of t/λ with its noise."""
    noise = _read_noise(sheet, value)
    return locate_faults(sheet, "", lambda: RelativeThickness(x=x, y=y, value=value, **noise))


def _read_map(section: TomlTable, virtual: bool) -> tuple[LamellaMap, tuple[Path, ...]]:
    """Temperature map of a table, and its files."""
    values = MAP.read(section)
    frequency, files = values["frequency"], [values["file"]]
    if frequency:
        files.append(section.beside("imaginary"))
    if virtual:
        shape = _pixel_counts(section)
        temperature, sigma = np.zeros(shape, dtype=complex if frequency else float), None
        x, y = _pixel_axes(section, shape)
    elif files[0].suffix.lower() in RESULT_SUFFIXES:
        x, y, temperature, sigma = _read_fitted_map(section, files[0])
    else:
        parts = [read_matrix(file, missing=True) for file in files]
        if len({part.shape for part in parts}) > 1:
            sizes = " and ".join(" x ".join(map(str, part.shape)) for part in parts)
            raise section.fault(f"real and imaginary parts have {sizes} pixels: expected the same", "imaginary")
        temperature, sigma = parts[0] + 1j * parts[1] if frequency else parts[0], None
        x, y = _pixel_axes(section, temperature.shape)
    if sigma is None or "sigma" in section:
        sigma = _read_sigma(section, temperature.shape)
    power, share = _read_power(section)
    made = locate_faults(
        section,
        "",
        lambda: LamellaMap(
            name=values["name"],
            x=x,
            y=y,
            temperature=temperature,
            sigma=sigma,
            power=power,
            power_sigma=share or 0.05,
            frequency=frequency,
            mean_temperature=values["mean_temperature"],
            pad_temperatures=[values["left_temperature"], values["right_temperature"]],
        ),
    )
    return made, tuple(files)


def _pixel_counts(section: TomlTable) -> tuple[int, int]:
    """Rows and columns of a map to be simulated, from pixels = [columns, rows]."""
    given = section.table.get("pixels")
    counts: list[Any] = given if isinstance(given, list) and len(given) == 2 else [0, 0]
    if not all(type(n) is int and n >= 2 for n in counts) or counts[0] * counts[1] > _MAX_PIXELS:
        raise section.fault(
            f"a simulation needs pixels = [columns, rows], at most {_MAX_PIXELS} in all, got {given!r:.60}", "pixels"
        )
    return counts[1], counts[0]


def _read_fitted_map(section: TomlTable, path: Path) -> tuple[Any, Any, Any, Any]:
    """Axes, temperatures and uncertainties of a map that a fit of spectra wrote."""
    held = load(path)
    if isinstance(held, dict):
        held = held.get("common")
    if not isinstance(held, TemperatureMap) or len(held.position) != 2:
        raise section.fault(f"{path.name} holds no map in x and y with one temperature for all modes", "file")
    y, x = held.position
    good = held.good
    return x, y, np.where(good, held.temperature, np.nan), np.where(good, held.sigma, np.nan)


def _read_sigma(section: TomlTable, shape: tuple[int, ...]) -> NDArray[Any]:
    """Uncertainty of each pixel: one number, or a file."""
    given = section.table.get("sigma")
    if isinstance(given, str) and given.lower().endswith((".csv", ".txt", ".tsv")):
        table = read_matrix(section.beside("sigma"), missing=True)
        if table.shape != shape:
            raise section.fault(f"{given} has {table.shape} pixels, the map {shape}: expected the same", "sigma")
        return table
    value = section.number("sigma", "temperature")
    if not value > 0:
        raise section.fault(f"expected an uncertainty above 0, got {value:g} K", "sigma")
    return np.full(shape, value)


def _read_power(section: TomlTable) -> tuple[float | None, float]:
    """Power through the lamella and its relative uncertainty: as it is, or the heater's before and after cutting it."""
    given = [key for key in ("power", "before", "after") if key in section]
    if not given:
        return None, 0.0
    if given not in (["power"], ["before", "after"]):
        raise section.fault(f"expected power, or before and after, got {' and '.join(given)}", given[0])
    numbers: list[tuple[float, float]] = []
    for key in given:
        if not isinstance(section.table[key], str) or not any(letter.isalpha() for letter in section.table[key]):
            raise section.fault(
                f"expected a number with its unit and uncertainty, such as '1.3 mW +- 5 %', got "
                f"{section.table[key]!r:.60}",
                key,
            )
        value, sigma = uncertain_value("power", section, key)
        if not sigma > 0:
            raise section.fault(f"expected an uncertainty, such as '{section.table[key]} +- 5 %'", key)
        numbers.append((value, sigma))
    power = numbers[0][0] - (numbers[1][0] if len(numbers) > 1 else 0.0)
    if power == 0:
        raise section.fault("no power flows through the lamella: expected another than 0", given[0])
    return power, float(np.linalg.norm([sigma for _, sigma in numbers])) / abs(power)


def read_matrix(path: str | PathLike[str], *, missing: bool = False) -> NDArray[np.float64]:
    """Numbers of a text file in rows, separated by commas or blanks; lines behind # are left out.

    Parameters
    ----------
    path : of the file
    missing : whether NaN may stand where there is no number

    Raises
    ------
    DataError
        for rows of unequal length, and what is no finite number, with the line
    """
    try:
        text = read_limited(path, _MAX_MAP_BYTES).decode()
    except UnicodeDecodeError as err:
        raise DataError("is not text: expected rows of numbers", file=path) from err
    rows: list[list[float]] = []
    for i, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].replace(",", " ").split()
        if not words:
            continue
        try:
            row = [float(word) for word in words]
        except ValueError as err:
            raise DataError(f"expected numbers, got {line!r:.60}", file=path, line=i) from err
        if rows and len(row) != len(rows[0]):
            raise DataError(f"{len(row)} numbers, expected {len(rows[0])} as above", file=path, line=i)
        if not all(abs(number) <= LARGEST or (missing and math.isnan(number)) for number in row):
            wanted = f"finite numbers up to {LARGEST:g}" + (", or NaN where there is none" if missing else "")
            raise DataError(f"expected {wanted}, got {line.strip()!r:.60}", file=path, line=i)
        rows.append(row)
    if not rows:
        raise DataError("holds no numbers: expected rows of them", file=path)
    return np.array(rows)


def write_virtual_scan(path: str | PathLike[str], held: LamellaFile, maps: tuple[LamellaMap, ...], folder: str) -> None:
    """Write a virtual experiment into a folder: the file itself, its map of t/λ, and the maps that it names.

    Parameters
    ----------
    path : of the file that was read
    held : what it said
    maps : simulated
    folder : a new one

    Raises
    ------
    InputError
        for a folder that exists, and for maps that do not lie beside the file or are no text
    """
    source, target = Path(path), Path(folder)
    named = [*(file for files in held.map_files for file in files), *filter(None, [held.thickness_file])]
    for beside in named:
        if beside.parent != source.parent or beside.suffix.lower() in RESULT_SUFFIXES:
            raise InputError(
                f"a simulation writes maps as text beside the file, such as 'map.csv', not {str(beside)!r}"
            )
    if target.exists() and not _is_unfinished(target, {beside.name for beside in named}):
        raise InputError(f"{folder!r} exists: expected a new folder for a virtual experiment")
    target.mkdir(parents=True, exist_ok=True)
    if held.thickness_file is not None:
        write_atomically(target / held.thickness_file.name, read_limited(held.thickness_file, _MAX_MAP_BYTES))
    for one, files in zip(maps, held.map_files, strict=True):
        for target_file, part in zip(files, (np.real(one.temperature), np.imag(one.temperature)), strict=False):
            rows = "\n".join(",".join(f"{number:.4f}" for number in row) for row in part)
            write_atomically(target / target_file.name, (rows + "\n").encode())
    write_atomically(target / source.name, read_limited(source))  # last: a folder without it is unfinished


def _is_unfinished(folder: Path, names: set[str]) -> bool:
    """Whether a folder holds nothing but maps of a simulation that was stopped before its file was written."""
    return folder.is_dir() and all(one.name in names or is_temporary(one.name) for one in folder.iterdir())
