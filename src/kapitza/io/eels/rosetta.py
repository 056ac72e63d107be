"""Formats read through RosettaSciIO, an optional package under the GPL that is entered at this file alone.

It gives dictionaries of data, axes and metadata.  Whatever it raises on a damaged file becomes a DataError.
"""

import logging
import os
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np

from kapitza.errors import DataError, InputError, require
from kapitza.io.eels.axes import Axis
from kapitza.io.eels.dm import check_dm
from kapitza.io.eels.guard import as_plain, check_file, flat
from kapitza.io.eels.hspy import described
from kapitza.io.eels.signal import Signal, electrons
from kapitza.io.eels.stored import SMALL

EXTRA = "eels"
DM = (".dm3", ".dm4")
MAGIC = b"\x89HDF\r\n\x1a\n"
BRIGHTNESS = "ImageList.TagGroup0.ImageData.Calibrations.Brightness."
UNLIKELY = ("Image", "Impulse", "JobinYvon", "Protochips", "numpy", "netCDF", "MRC", "MRCZ", "TIFF", "Arina", "Tofwerk")


def read_rosetta(path: str | PathLike[str]) -> list[Signal]:
    """Return the signals of a file in one of the formats of RosettaSciIO, chosen by the ending of its name.

    Files larger than 64 MiB stay on the disk where the format allows it.

    Raises
    ------
    DataError
        for a damaged file, or an ending that no reader of spectra has
    MissingEngine
        without RosettaSciIO
    """
    require("rsciio", extra=EXTRA, why=f"reading {Path(path).suffix or 'this file'}")
    readers = plugins(path)
    if not readers:
        raise DataError(
            f"is in no known format: expected Nion Swift (.ndata, .h5), .hspy, .msa, or an ending of "
            f"RosettaSciIO such as .dm3, .dm4, .emd, .nxs, got {Path(path).suffix!r:.20}"
        )
    if Path(path).is_file():
        if starts_with(path, MAGIC):
            check_file(path)
        if Path(path).suffix.lower() in DM:
            check_dm(path)
    reasons: list[str] = []
    for name, reader in readers:
        try:
            return signals(call(reader, path))
        except DataError as err:
            reasons.append(f"{name}: {err}")
    raise DataError(f"cannot be read by RosettaSciIO ({'; '.join(reasons)[:400]})")


def starts_with(path: str | PathLike[str], magic: bytes) -> bool:
    """Whether a file starts with these bytes."""
    with Path(path).open("rb") as file:
        return file.read(len(magic)) == magic


def plugins(path: str | PathLike[str]) -> list[tuple[str, ModuleType]]:
    """Return name and module of the readers for this ending; those for pictures and logs are left out."""
    rsciio = require("rsciio", extra=EXTRA, why="reading this file")
    suffix = Path(path).suffix[1:].lower()
    found: list[tuple[str, ModuleType]] = []
    for entry in cast("list[dict[str, Any]]", rsciio.IO_PLUGINS):
        if suffix in {str(one).lower() for one in entry["file_extensions"]} and entry["name"] not in UNLIKELY:
            with suppress(ImportError):  # of readers that need still another package
                found.append((str(entry["name"]), import_module(str(entry["api"]))))
    return found


def call(reader: ModuleType, path: str | PathLike[str]) -> list[dict[str, Any]]:
    """Return what a reader gives; anything that it raises is a DataError.

    A foreign reader may raise whatever its language has, from KeyError to RecursionError, and reports damage by it.
    """
    lazy = Path(path).is_file() and Path(path).stat().st_size > SMALL
    try:
        with silence(), np.errstate(all="ignore"):
            try:
                return list(reader.file_reader(os.fspath(path), lazy=lazy))
            except NotImplementedError:
                if not lazy:
                    raise
                return list(reader.file_reader(os.fspath(path), lazy=False))
    except (InputError, FileNotFoundError, PermissionError):
        raise
    except Exception as err:
        said = " ".join(str(err).split())
        raise DataError(f"{type(err).__name__} {said[:200]}".strip()) from err


@contextmanager
def silence() -> Generator[None]:
    """Keep warnings and messages of a reader to itself: what matters of them shows in what it returns."""
    log = logging.getLogger("rsciio")
    before, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = before


def signals(found: Sequence[Mapping[str, Any]]) -> list[Signal]:
    """Return the signals of what a reader gave.

    Raises
    ------
    DataError
        if it gave nothing, or something that has no axes
    """
    out: list[Signal] = []
    for one in found:
        try:
            out.append(signal_of(one))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as err:
            if isinstance(err, DataError):
                raise
            raise DataError(f"has axes that cannot be read: {type(err).__name__} {' '.join(str(err).split())}") from err
    if not out:
        raise DataError("holds no data")
    return out


def signal_of(one: Mapping[str, Any]) -> Signal:
    """Return one signal."""
    counts = one["data"]
    entries = sorted(one["axes"], key=lambda entry: int(entry.get("index_in_array") or 0))
    axes = [axis_of(entry, int(size)) for entry, size in zip(entries, counts.shape, strict=True)]
    found = described(counts, axes, flat(one.get("metadata") or {}))
    tags = flat(brightness(one.get("original_metadata") or {}))
    scale, zero = (
        as_number(tags.get(BRIGHTNESS + name), default) for name, default in (("Scale", 1.0), ("Origin", 0.0))
    )
    per_count, dark = electrons(str(tags.get(f"{BRIGHTNESS}Units", "")), scale, zero)
    return Signal(
        counts,
        axes,
        title=found.title,
        losses=found.losses,
        electrons_per_count=per_count,
        dark=dark,
        exposure=found.exposure,
        metadata=found.metadata,
    )


def brightness(tags: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return of the tags of DigitalMicrograph the calibration of its counts, at the place where it stood."""
    names = BRIGHTNESS.strip(".").split(".")
    node: Any = tags
    for name in names:
        if not isinstance(node, Mapping) or name not in node:
            return {}
        node = node[name]
    for name in reversed(names):
        node = {name: node}
    return node


def axis_of(entry: Mapping[str, Any], size: int) -> Axis:
    """Return one axis."""
    navigate = entry.get("navigate")
    name, units = (value if isinstance(value := as_plain(entry.get(key)), str) else "" for key in ("name", "units"))
    signal = None if navigate is None else not navigate
    if entry.get("axis") is not None:
        values = np.asarray(entry["axis"], dtype=float)
        return Axis(size, units=units, name=name, signal=signal, values=values)
    if int(entry["size"]) != size:
        raise DataError(f"axis {name!r:.40} has the size {entry['size']!r:.40} for {size} counts")
    return Axis(size, float(entry["offset"]), float(entry["scale"]), units, name, signal)


def as_number(value: Any, default: float) -> float:
    """Return a number; `default` where there is none."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else default
