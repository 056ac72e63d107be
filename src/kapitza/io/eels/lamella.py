"""Files of a lamella: its materials, planes, thickness and contacts with what is known how well, and maps beside it."""

import math
from collections.abc import Mapping
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.files import is_temporary, read_limited, write_atomically
from kapitza.core.quantity_kinds import LARGEST
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, InputError
from kapitza.io.quantities import parse_uncertain
from kapitza.io.results import load
from kapitza.io.toml import TomlTable, read_toml
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.lamella.description import Lamella, LamellaMap, LamellaMaterial, LamellaPlane, RelativeThickness
from kapitza.measure.parameters import Prior
from kapitza.units import nm

_MAX_MAP_BYTES = 2**27
_MAX_PIXELS = 2**20  # of a map
_THICKEST = 100.0  # t/λ: through more no electron comes out in focus
_RESULT_SUFFIXES = (".json", ".npz", ".h5")  # of maps that a fit of spectra wrote
_MATERIAL_KINDS = {
    "conductivity": "conductivity", "exponent": "share", "mean_free_path": "length", "heat_capacity": "heat_capacity",
}  # fmt: skip
_PLANE_KINDS = {"position": "length", "resistance": "resistance", "angle": "angle", "bow": "length"}
_THICKNESS_KEYS = ("t_over_lambda", "t_over_lambda_sigma", "t_over_lambda_correlation", "pitch", "origin")
_LAMELLA_KINDS = {
    "inelastic_mean_free_path": "length", "dead_layer": "length", "left_conductance": "conductance",
    "right_conductance": "conductance", "emissivity": "share", "ambient": "temperature",
}  # fmt: skip
_EDGES = ("left", "right", "bottom", "top")
_MAP_KEYS = (
    "name", "file", "imaginary", "sigma", "pitch", "origin", "pixels", "power", "before", "after",
    "left_temperature", "right_temperature", "frequency", "mean_temperature",
)  # fmt: skip


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
    top.check_keys(("interface", "material", "plane", "lamella", "spread", "scale", "map"))
    priors: dict[str, Prior] = {}
    maps = [_read_map(section, virtual) for section in top.sections("map")]
    if not maps:
        raise top.fault("expected a table [[map]] for each temperature map, got none")
    lamella = _read_lamella(top, maps[0][0], priors)
    spread = top.section("spread")
    widths: dict[str, Any] = {
        key: _uncertain(spread, key, kind, f"spread.{key}", priors)
        for key, kind in (("width", "length"), ("share", "share"), ("length", "length"))
        if key in spread
    }
    spread.check_keys(("width", "share", "length"))
    _read_scale(top.section("scale"), priors)
    plane = top.text("interface", lamella.plane_names[0], choices=lamella.plane_names)
    thickness = top.section("lamella")
    named = isinstance(thickness.table.get("t_over_lambda"), str)
    try:
        return LamellaFile(
            lamella=lamella,
            maps=tuple(one for one, _ in maps),
            priors=priors,
            spread=PointSpread(**widths),
            plane=plane,
            thickness_file=thickness.beside("t_over_lambda") if named else None,
            map_files=tuple(files for _, files in maps),
        )
    except DataError:
        raise
    except InputError as err:
        raise spread.fault(str(err)) from err


def _uncertain(section: TomlTable, key: str, kind: str, name: str, priors: dict[str, Prior]) -> float:
    """Number of a key in SI; where it has an uncertainty, as in "5 nm +- 1 nm", that is its prior."""
    value, sigma = _value_and_sigma(section, key, kind)
    if sigma > 0:
        priors[name] = Prior(value, sigma)
    return value


def _value_and_sigma(section: TomlTable, key: str, kind: str) -> tuple[float, float]:
    """Number of a key and its uncertainty, SI."""
    given = section.table.get(key)
    if not isinstance(given, str):
        return section.number(key, kind), 0.0
    try:
        return parse_uncertain(given, kind, what="value")
    except InputError as err:
        raise section.fault(str(err), key) from err


def _read_lamella(top: TomlTable, first: LamellaMap, priors: dict[str, Prior]) -> Lamella:
    """Lamella of a file; a map of t/λ without a pitch lies on the pixels of the first temperature map."""
    sheet = top.section("lamella")
    sheet.check_keys((*_EDGES, *_THICKNESS_KEYS, *_LAMELLA_KINDS))
    materials: list[LamellaMaterial] = []
    for section in top.sections("material"):
        section.check_keys(("name", *_MATERIAL_KINDS))
        name = section.text("name")
        numbers = {
            key: _uncertain(section, key, kind, f"{name}.{key}", priors)
            for key, kind in _MATERIAL_KINDS.items()
            if key in section or key == "conductivity"
        }
        materials.append(_make(section, LamellaMaterial, {"name": name, **numbers}))
    planes: list[LamellaPlane] = []
    if len(top.sections("plane")) != len(materials) - 1:
        raise sheet.fault(
            f"expected a table [[plane]] between each two tables [[material]], got {len(top.sections('plane'))} and "
            f"{len(materials)}"
        )
    names = [f"{a.name}|{b.name}" for a, b in pairwise(materials)]
    for section, name in zip(top.sections("plane"), names, strict=True):
        section.check_keys(_PLANE_KINDS)
        numbers = {
            key: _uncertain(section, key, kind, f"{name}.{key}", priors)
            for key, kind in _PLANE_KINDS.items()
            if key in section or key not in ("angle", "bow")
        }
        planes.append(_make(section, LamellaPlane, numbers))
    edges = {key: sheet.number(key, "length") for key in _EDGES}
    for low, high in (_EDGES[:2], _EDGES[2:]):
        if not edges[low] < edges[high]:
            raise sheet.fault(f"expected {low} below {high}, got {edges[low]:g} and {edges[high]:g} m", low)
    thickness = _read_thickness(sheet, first, edges)
    numbers = {
        key: _uncertain(sheet, key, kind, key, priors)
        for key, kind in _LAMELLA_KINDS.items()
        if key in sheet or key == "inelastic_mean_free_path"
    }
    if numbers.get("emissivity", 0.0) > 1:
        raise sheet.fault(f"expected an emissivity from 0 to 1, got {numbers['emissivity']:g}", "emissivity")
    parts = {"materials": materials, "planes": planes, "thickness": thickness}
    return _make(sheet, Lamella, {**parts, **edges, **numbers})


def _make(section: TomlTable, kind: Any, numbers: Mapping[str, Any]) -> Any:
    """Record of a table, whose faults are those of the table."""
    try:
        return kind(**numbers)
    except DataError:
        raise
    except InputError as err:
        raise section.fault(str(err)) from err


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
        return _make(sheet, RelativeThickness, {"x": x, "y": y, "value": table, **_read_noise(sheet, table)})
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
    return _make(sheet, RelativeThickness, {"x": x, "y": y, "value": table, **_read_noise(sheet, table)})


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
        if words in sheet:
            raise sheet.fault(f"expected {key} with {words}", words)
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
    pitch = section.number("pitch", "length")
    if not pitch > 0:
        raise section.fault(f"expected a pitch above 0, got {pitch:g} m", "pitch")
    corner = [0.0, 0.0]
    if "origin" in section:
        given = section.table["origin"]
        if not isinstance(given, list) or len(given) != 2:
            raise section.fault(f"expected x and y of the corner of the first pixel, got {given!r:.60}", "origin")
        corner = [_quantity(section, "origin", one) for one in given]
    return tuple(start + pitch * (np.arange(n) + 0.5) for start, n in zip(corner, shape[::-1], strict=True))  # pyright: ignore[reportReturnType]


def _quantity(section: TomlTable, key: str, given: object) -> float:
    """Length of a list."""
    return TomlTable(section.path, section.lines, section.place, {key: given}).number(key, "length")


def _read_map(section: TomlTable, virtual: bool) -> tuple[LamellaMap, tuple[Path, ...]]:
    """Temperature map of a table, and its files."""
    section.check_keys(_MAP_KEYS)
    frequency = section.number("frequency", "frequency", 0.0)
    files = [section.beside("file")]
    if frequency:
        files.append(section.beside("imaginary"))
    if virtual:
        shape = _pixel_counts(section)
        temperature, sigma = np.zeros(shape, dtype=complex if frequency else float), None
        x, y = _pixel_axes(section, shape)
    elif files[0].suffix.lower() in _RESULT_SUFFIXES:
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
    pads = [section.number(key, "temperature", 0.0) for key in ("left_temperature", "right_temperature")]
    numbers = {
        "name": section.text("name", "map"),
        "x": x,
        "y": y,
        "temperature": temperature,
        "sigma": sigma,
        "power": power,
        "power_sigma": share or 0.05,
        "frequency": frequency,
        "mean_temperature": section.number("mean_temperature", "temperature", 300.0),
        "pad_temperatures": pads,
    }
    return _make(section, LamellaMap, numbers), tuple(files)


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
        value, sigma = _value_and_sigma(section, key, "power")
        if not sigma > 0:
            raise section.fault(f"expected an uncertainty, such as '{section.table[key]} +- 5 %'", key)
        numbers.append((value, sigma))
    power = numbers[0][0] - (numbers[1][0] if len(numbers) > 1 else 0.0)
    if power == 0:
        raise section.fault("no power flows through the lamella: expected another than 0", given[0])
    return power, float(np.linalg.norm([sigma for _, sigma in numbers])) / abs(power)


def _read_scale(section: TomlTable, priors: dict[str, Prior]) -> None:
    """Relative uncertainties that are common to all temperatures, and to all powers."""
    section.check_keys(("temperature", "power"))
    for key, name in (("temperature", "temperature_scale"), ("power", "power_factor")):
        if key in section:
            share = section.number(key, "share")
            if not 0 < share < 1:
                raise section.fault(f"expected a share between 0 and 1, got {share:g}", key)
            priors[name] = Prior(1.0, share)


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
    for file in named:
        if file.parent != source.parent or file.suffix.lower() in _RESULT_SUFFIXES:
            raise InputError(f"a simulation writes maps as text beside the file, such as 'map.csv', not {str(file)!r}")
    if target.exists() and not _is_unfinished(target, {file.name for file in named}):
        raise InputError(f"{folder!r} exists: expected a new folder for a virtual experiment")
    target.mkdir(parents=True, exist_ok=True)
    if held.thickness_file is not None:
        write_atomically(target / held.thickness_file.name, read_limited(held.thickness_file, _MAX_MAP_BYTES))
    for one, files in zip(maps, held.map_files, strict=True):
        for file, part in zip(files, (np.real(one.temperature), np.imag(one.temperature)), strict=False):
            rows = "\n".join(",".join(f"{number:.4f}" for number in row) for row in part)
            write_atomically(target / file.name, (rows + "\n").encode())
    write_atomically(target / source.name, read_limited(source))  # last: a folder without it is unfinished


def _is_unfinished(folder: Path, names: set[str]) -> bool:
    """Whether a folder holds nothing but maps of a simulation that was stopped before its file was written."""
    return folder.is_dir() and all(one.name in names or is_temporary(one.name) for one in folder.iterdir())
