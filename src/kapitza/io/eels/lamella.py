"""Files of a lamella: its materials, planes, thickness and contacts with what is known how well, and maps beside it."""

from collections.abc import Mapping
from functools import partial
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
from kapitza.errors import InputError
from kapitza.io import toml
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.results import load
from kapitza.io.text_tables import number_rows
from kapitza.io.toml import Bounds, Table, TomlTable
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
        toml.text("name", "name of the material"),
        toml.uncertain("conductivity", "conductivity", "conductivity", NOTHING),
        toml.uncertain("exponent", "share", "n of a conductivity proportional to (T/300 K)ⁿ"),
        toml.uncertain("mean_free_path", "length", "mean free path of the phonons"),
        toml.uncertain("heat_capacity", "heat_capacity", "heat capacity per volume"),
    ],
    "Material, from the left to the right.",
)
PLANE = Table(
    [
        toml.uncertain("position", "length", "position along x at half height", NOTHING),
        toml.uncertain("resistance", "resistance", "resistance of the plane", NOTHING),
        toml.uncertain("angle", "angle", "tilt of the plane"),
        toml.uncertain("bow", "length", "bow of the plane"),
    ],
    "Plane between two materials.",
)


def _read_corner(section: TomlTable, key: str) -> list[float]:
    given = section.table[key]
    if not isinstance(given, list) or len(given) != 2:
        raise section.fault(f"expected x and y of the corner of the first pixel, got {given!r:.60}", key)
    return [toml.read_quantity(section, key, length, "length") for length in given]


def _number_or_file(kind: str, bounds: Bounds, section: TomlTable, key: str) -> float | Path:
    given = section.table.get(key)
    named = isinstance(given, str) and given.lower().endswith((".csv", ".txt", ".tsv"))
    return section.beside(key) if named else section.number(key, kind, bounds=bounds)


def _check_edges(sheet: TomlTable) -> None:
    edges = {key: sheet.number(key, "length") for key in _EDGES}
    for low, high in (_EDGES[:2], _EDGES[2:]):
        if not edges[low] < edges[high]:
            raise sheet.fault(f"expected {low} below {high}, got {edges[low]:g} and {edges[high]:g} m", low)


def _check_map(section: TomlTable) -> None:
    checks = [partial(section.beside, "imaginary")] if section.number("frequency", "frequency", 0.0) else []
    if not section.text("file").lower().endswith(RESULT_SUFFIXES):
        checks += [partial(section.number, "pitch", "length"), partial(section.number, "sigma", "temperature")]
    toml.raise_all(check for check in checks if check.args[0] not in section)


def _check_planes(top: TomlTable) -> None:
    if not top.sections("map"):
        raise top.fault("expected a table [[map]] for each temperature map, got none")
    planes, materials = len(top.sections("plane")), len(top.sections("material"))
    if planes != materials - 1:
        raise top.section("lamella").fault(
            f"expected a table [[plane]] between each two tables [[material]], got {planes} and {materials}"
        )


_PITCH_BOUNDS = Bounds(0.0, np.inf, "expected a pitch above 0, got {value:g} m", above=True)
_SIGMA_BOUNDS = Bounds(0.0, np.inf, "expected an uncertainty above 0, got {value:g} K", above=True)
_NOISE_FAULT = "expected a share of t/λ between 0 and 1, such as '3 %', got {value:g}"
_NOISE_BOUNDS = Bounds(0.0, 1.0, _NOISE_FAULT, above=True, below=True)
_PITCH = toml.number("pitch", "length", "distance of two pixels", None, bounds=_PITCH_BOUNDS)
_ORIGIN = toml.special("origin", "two lengths", "x and y of the corner of the first pixel", _read_corner, (0.0, 0.0))
SHEET = Table(
    [
        *(toml.number(key, "length", f"position of the {key} edge") for key in _EDGES),
        toml.special(
            "t_over_lambda", "number or file", "thickness over the inelastic mean free path t/λ",
            lambda sheet, key: (
                sheet.beside(key) if isinstance(sheet.table.get(key), str) else sheet.number(key, "share")
            ), NOTHING,
        ),
        toml.special(
            "t_over_lambda_sigma", "percentage or file", "standard uncertainty of the pixels of t/λ",
            partial(_number_or_file, "share", _NOISE_BOUNDS),
        ),
        toml.number("t_over_lambda_correlation", "length", "length over which they are correlated", 0.0),
        evolve(_PITCH, meaning="distance of two pixels of t/λ; those of the first map if omitted"),
        _ORIGIN,
        toml.uncertain("inelastic_mean_free_path", "length", "inelastic mean free path λ", NOTHING),
        toml.uncertain("dead_layer", "length", "thickness of both dead layers"),
        toml.uncertain("left_conductance", "conductance", "conductance of the left pad"),
        toml.uncertain("right_conductance", "conductance", "conductance of the right pad"),
        toml.uncertain("emissivity", "share", "emissivity of the faces"),
        toml.uncertain("ambient", "temperature", "temperature of the surroundings"),
    ],
    "Edges and thickness of the lamella.",
    checks=(
        _check_edges,
        toml.refuse_if(
            lambda sheet: "t_over_lambda_correlation" in sheet and "t_over_lambda_sigma" not in sheet,
            "expected t_over_lambda_sigma with t_over_lambda_correlation", "t_over_lambda_correlation",
        ),
    ),
)  # fmt: skip
MAP = Table(
    [
        toml.text("name", "name of the map", "map"),
        toml.file("file", "temperatures: rows of numbers (.csv), or a saved map"),
        toml.file("imaginary", "imaginary parts of temperatures at a frequency", None),
        toml.special(
            "sigma", "`temperature` or file", "standard uncertainty of the pixels",
            partial(_number_or_file, "temperature", _SIGMA_BOUNDS),
        ),
        _PITCH,
        _ORIGIN,
        toml.special("pixels", "list of 2", "columns and rows of a map to be simulated"),
        toml.special("power", "`power` with ±", "power through the lamella"),
        toml.special("before", "`power` with ±", "power of the heater before the cut, instead of `power`"),
        toml.special("after", "`power` with ±", "power of the heater after the cut"),
        toml.number("left_temperature", "temperature", "rise of the left pad over the mean", 0.0),
        toml.number("right_temperature", "temperature", "rise of the right pad over the mean", 0.0),
        toml.number("frequency", "frequency", "frequency of the heating", 0.0),
        toml.number("mean_temperature", "temperature", "mean temperature", 300.0),
    ],
    "Temperature map.",
    checks=(_check_map,),
)  # fmt: skip
_SPREAD = Table(
    [
        toml.uncertain("width", "length", "width of the core"),
        toml.uncertain("share", "share", "fraction of the tails"),
        toml.uncertain("length", "length", "length of the tails"),
    ],
    "Point spread of the beam.",
)
_FRACTION = Bounds(0.0, 1.0, "expected a share between 0 and 1, got {value:g}", above=True, below=True)
_SCALE = Table(
    [
        toml.number("temperature", "share", "common uncertainty of all temperatures", None, bounds=_FRACTION),
        toml.number("power", "share", "common uncertainty of all powers", None, bounds=_FRACTION),
    ],
    "Relative uncertainties that all pixels share.",
)
LAMELLA = Table(
    [
        toml.text("interface", "plane whose resistance is sought; the first one if omitted", None),
        toml.tables("material", MATERIAL),
        toml.tables("plane", PLANE),
        toml.table("lamella", SHEET, NOTHING),
        toml.table("spread", _SPREAD),
        toml.table("scale", _SCALE),
        toml.tables("map", MAP),
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
    top = toml.read_toml(path)
    LAMELLA.check(top)
    priors: dict[str, Prior] = {}
    maps = [_read_map(section, virtual) for section in top.sections("map")]
    lamella = _read_lamella(top, maps[0][0], priors)
    spread, sheet = top.section("spread"), top.section("lamella")
    widths = _stated_values(_SPREAD, spread, "spread.", priors)
    scale = _SCALE.read(top.section("scale"))
    for key, name in (("temperature", "temperature_scale"), ("power", "power_factor")):
        if scale[key] is not None:
            priors[name] = Prior(1.0, scale[key])
    thickness = SHEET.value(sheet, "t_over_lambda")
    return LamellaFile(
        lamella=lamella,
        maps=tuple(temperatures for temperatures, _ in maps),
        priors=priors,
        spread=spread.locate("", lambda: PointSpread(**widths)),
        plane=top.text("interface", lamella.plane_names[0], choices=lamella.plane_names),
        thickness_file=thickness if isinstance(thickness, Path) else None,
        map_files=tuple(files for _, files in maps),
    )


def _stated_values(keys: Table, section: TomlTable, prefix: str, priors: dict[str, Prior]) -> dict[str, Any]:
    """Numbers of the keys of a table that are there; where one has an uncertainty, that is its prior."""
    stated: dict[str, Any] = {}
    for key, value in keys.read(section).items():
        if key in section and isinstance(value, tuple) and key != "origin":
            stated[key], sigma = value
            if sigma > 0:
                priors[f"{prefix}{key}"] = Prior(stated[key], sigma)
    return stated


def _read_lamella(top: TomlTable, first: LamellaMap, priors: dict[str, Prior]) -> Lamella:
    """Lamella of a file; a map of t/λ without a pitch lies on the pixels of the first temperature map."""
    sheet = top.section("lamella")
    materials: list[LamellaMaterial] = []
    for section in top.sections("material"):
        name = section.text("name")
        values = _stated_values(MATERIAL, section, f"{name}.", priors)
        materials.append(section.locate("", partial(LamellaMaterial, name=name, **values)))
    planes: list[LamellaPlane] = []
    names = [f"{left.name}|{right.name}" for left, right in pairwise(materials)]
    for section, name in zip(top.sections("plane"), names, strict=True):
        values = _stated_values(PLANE, section, f"{name}.", priors)
        planes.append(section.locate("", partial(LamellaPlane, **values)))
    edges = {key: sheet.number(key, "length") for key in _EDGES}
    thickness = _read_thickness(sheet, first, edges)
    values = _stated_values(SHEET, sheet, "", priors)
    if values.get("emissivity", 0.0) > 1:
        raise sheet.fault(f"expected an emissivity from 0 to 1, got {values['emissivity']:g}", "emissivity")
    return sheet.locate("", lambda: Lamella(materials=materials, planes=planes, thickness=thickness, **edges, **values))


def _read_thickness(sheet: TomlTable, first: LamellaMap, edges: Mapping[str, float]) -> RelativeThickness:
    """Map of t/λ: one number everywhere, or a file; with its noise and the length of its correlation if stated."""
    values = SHEET.read(sheet)
    given, noise = values["t_over_lambda"], values["t_over_lambda_sigma"]
    if isinstance(given, Path):
        table = read_matrix(given)
        if "pitch" in sheet:
            x, y = _pixel_axes(sheet, values, table.shape)
        elif table.shape == (first.y.size, first.x.size):
            x, y = first.x, first.y
        else:
            raise sheet.fault(
                f"{sheet.text('t_over_lambda')} has {_size(table.shape)} pixels, the map {first.name!r} "
                f"{first.y.size} x {first.x.size}: expected the same, or the pitch of the map of t/λ",
                "t_over_lambda",
            )
    else:
        if not 0 < given <= _THICKEST:
            raise sheet.fault(f"expected t/λ above 0, and at most {_THICKEST:g}, got {given:g}", "t_over_lambda")
        _check_pads(sheet, first, edges)
        x, y = (np.array([edges[low], edges[high]]) for low, high in (_EDGES[:2], _EDGES[2:]))
        if noise is not None:  # of pixels as large as those of the first temperature map
            x, y = (_even_pixels(*axis, of[1] - of[0]) for axis, of in ((x, first.x), (y, first.y)))
        table = np.full((y.size, x.size), given)
    if noise is None:
        return sheet.locate("", lambda: RelativeThickness(x=x, y=y, value=table))
    in_file = isinstance(noise, Path)
    sigma = _read_pixels(sheet, "t_over_lambda_sigma", noise, "t/λ", table.shape) if in_file else noise * table
    length = values["t_over_lambda_correlation"]
    return sheet.locate("", lambda: RelativeThickness(x=x, y=y, value=table, sigma=sigma, correlation=length))


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _read_pixels(
    section: TomlTable, key: str, path: Path, what: str, shape: tuple[int, ...], *, missing: bool = False
) -> NDArray[Any]:
    table = read_matrix(path, missing=missing)
    if table.shape != shape:
        sizes = f"{_size(table.shape)} pixels, {what} {_size(shape)}"
        raise section.fault(f"{section.text(key)} has {sizes}: expected the same", key)
    return table


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


def _pixel_axes(section: TomlTable, values: Mapping[str, Any], shape: tuple[int, ...]) -> list[NDArray[Any]]:
    """Centres of pixels along x and y, m; the corner of the first one is at the origin."""
    pitch = section.number("pitch", "length", values["pitch"])
    ends = zip(values["origin"], shape[::-1], strict=True)
    return [start + pitch * (np.arange(count) + 0.5) for start, count in ends]


def _read_map(section: TomlTable, virtual: bool) -> tuple[LamellaMap, tuple[Path, ...]]:
    values = MAP.read(section)
    frequency, files, sigma = values["frequency"], [values["file"]], None
    if frequency:
        files.append(values["imaginary"])
    if not virtual and files[0].suffix.lower() in RESULT_SUFFIXES:
        x, y, temperature, sigma = _read_fitted_map(section, files[0])
    else:
        if virtual:
            temperature = np.zeros(_pixel_counts(section), dtype=complex if frequency else float)
        else:
            parts = [read_matrix(file, missing=True) for file in files]
            if len({part.shape for part in parts}) > 1:
                sizes = " and ".join(_size(part.shape) for part in parts)
                raise section.fault(f"real and imaginary parts have {sizes} pixels: expected the same", "imaginary")
            temperature = parts[0] + 1j * parts[1] if frequency else parts[0]
        x, y = _pixel_axes(section, values, temperature.shape)
    if isinstance(values["sigma"], Path):
        sigma = _read_pixels(section, "sigma", values["sigma"], "the map", temperature.shape, missing=True)
    elif sigma is None or "sigma" in section:
        sigma = np.full(temperature.shape, section.number("sigma", "temperature", values["sigma"]))
    power, share = _read_power(section)
    temperatures = section.locate("", lambda: LamellaMap(
        name=values["name"], x=x, y=y, temperature=temperature, sigma=sigma, power=power, power_sigma=share or 0.05,
        frequency=frequency, mean_temperature=values["mean_temperature"],
        pad_temperatures=[values["left_temperature"], values["right_temperature"]],
    ))  # fmt: skip
    return temperatures, tuple(files)


def _pixel_counts(section: TomlTable) -> tuple[int, int]:
    given = section.table.get("pixels")
    counts: list[Any] = given if isinstance(given, list) and len(given) == 2 else [0, 0]
    if not all(type(n) is int and n >= 2 for n in counts) or counts[0] * counts[1] > _MAX_PIXELS:
        needs = f"a simulation needs pixels = [columns, rows], at most {_MAX_PIXELS} in all"
        raise section.fault(f"{needs}, got {given!r:.60}", "pixels")
    return counts[1], counts[0]


def _read_fitted_map(section: TomlTable, path: Path) -> tuple[Any, Any, Any, Any]:
    """Axes, temperatures and uncertainties of a map that a fit of spectra wrote."""
    saved = load(path)
    fitted = saved.get("common") if isinstance(saved, dict) else saved
    if not isinstance(fitted, TemperatureMap) or len(fitted.position) != 2:
        raise section.fault(f"{path.name} holds no map in x and y with one temperature for all modes", "file")
    (y, x), good = fitted.position, fitted.good
    return x, y, np.where(good, fitted.temperature, np.nan), np.where(good, fitted.sigma, np.nan)


def _read_power(section: TomlTable) -> tuple[float | None, float]:
    """Power through the lamella and its relative uncertainty: as it is, or the heater's before and after cutting it."""
    given = [key for key in ("power", "before", "after") if key in section]
    if not given:
        return None, 0.0
    if given not in (["power"], ["before", "after"]):
        raise section.fault(f"expected power, or before and after, got {' and '.join(given)}", given[0])
    numbers: list[tuple[float, float]] = []
    for key in given:
        text = section.table[key]
        if not isinstance(text, str) or not any(letter.isalpha() for letter in text):
            expected = "a number with its unit and uncertainty, such as '1.3 mW +- 5 %'"
            raise section.fault(f"expected {expected}, got {text!r:.60}", key)
        value, sigma = toml.read_uncertain(section, key, "power")
        if not sigma > 0:
            raise section.fault(f"expected an uncertainty, such as '{text} +- 5 %'", key)
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
    return number_rows(path, _MAX_MAP_BYTES, largest=LARGEST, missing=missing)


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
    names = {beside.name for beside in named}
    unfinished = target.is_dir() and all(each.name in names or is_temporary(each.name) for each in target.iterdir())
    if target.exists() and not unfinished:  # a simulation that was stopped left nothing but maps
        raise InputError(f"{folder!r} exists: expected a new folder for a virtual experiment")
    target.mkdir(parents=True, exist_ok=True)
    if held.thickness_file is not None:
        write_atomically(target / held.thickness_file.name, read_limited(held.thickness_file, _MAX_MAP_BYTES))
    for one, files in zip(maps, held.map_files, strict=True):
        for target_file, part in zip(files, (np.real(one.temperature), np.imag(one.temperature)), strict=False):
            rows = "\n".join(",".join(f"{number:.4f}" for number in row) for row in part)
            write_atomically(target / target_file.name, (rows + "\n").encode())
    write_atomically(target / source.name, read_limited(source))  # last: a folder without it is unfinished
