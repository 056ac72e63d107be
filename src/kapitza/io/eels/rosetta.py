"""Formats read through RosettaSciIO, an optional package under the GPL that is entered at this file alone."""

import logging
import os
import sys
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
from attrs import evolve

from kapitza.core.files import open_regular
from kapitza.errors import DataError, InputError, require
from kapitza.io.eels.hyperspy import describe_signal
from kapitza.io.eels.signals import (
    MAX_BYTES_IN_MEMORY,
    FileSignal,
    electron_calibration,
    file_axis,
    mapping_or_empty,
    number_or_default,
)
from kapitza.io.formats.foreign_hdf5 import check_hdf5, flatten_metadata

_EELS_EXTRA = "eels"
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_BRIGHTNESS_TAGS = ("ImageList", "TagGroup0", "ImageData", "Calibrations", "Brightness")
_UNLIKELY_FORMATS = (
    "Image", "Impulse", "JobinYvon", "Protochips", "numpy", "netCDF", "MRC", "MRCZ", "TIFF", "Arina", "Tofwerk"
)  # fmt: skip


class _DeferredModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def defer_dask() -> None:
    """Let dask, which takes over a second to load, wait until it is used: few files need it.

    The readers import it in any case.  For a process that reads one file.
    """
    sys.modules.setdefault("dask.array", _DeferredModule("dask.array"))


def read_rosetta(path: str | PathLike[str]) -> list[FileSignal]:
    """Return the signals of a file in one of the formats of RosettaSciIO, chosen by the ending of its name.

    Files larger than 64 MiB stay on the disk where the format allows it.
    """
    require("rsciio", extra=_EELS_EXTRA, why=f"reading {Path(path).suffix or 'this file'}")
    readers = reader_plugins(path)
    if not readers:
        raise DataError(
            f"is in no known format: expected Nion Swift (.ndata, .h5), .hspy, .msa, or an ending of "
            f"RosettaSciIO such as .dm3, .dm4, .emd, .nxs, got {Path(path).suffix!r:.20}"
        )
    if Path(path).is_file():
        with open_regular(path) as file:
            is_hdf5 = file.read(len(HDF5_MAGIC)) == HDF5_MAGIC
        if is_hdf5:
            check_hdf5(path)
    reasons: list[str] = []
    shortage: MemoryError | None = None
    for name, reader in readers:
        try:
            return _reader_signals(_call_reader(reader, path))
        except DataError as err:
            shortage = err.__cause__ if isinstance(err.__cause__, MemoryError) else shortage
            reasons.append(f"{name}: {err}")
    raise DataError(f"cannot be read by RosettaSciIO ({'; '.join(reasons)[:400]})") from shortage


def reader_plugins(path: str | PathLike[str]) -> list[tuple[str, ModuleType]]:
    """Return name and module of the readers for this ending; those for pictures and logs are left out."""
    rsciio = require("rsciio", extra=_EELS_EXTRA, why="reading this file")
    suffix = Path(path).suffix[1:].lower()
    found: list[tuple[str, ModuleType]] = []
    for entry in cast("list[dict[str, Any]]", rsciio.IO_PLUGINS):
        if suffix in {str(one).lower() for one in entry["file_extensions"]} and entry["name"] not in _UNLIKELY_FORMATS:
            with suppress(ImportError):  # of readers that need still another package
                found.append((str(entry["name"]), import_module(str(entry["api"]))))
    return found


def _call_reader(reader: ModuleType, path: str | PathLike[str]) -> list[dict[str, Any]]:
    """Return what a reader gives; anything that it raises is a DataError.

    A foreign reader may raise whatever its language has, from KeyError to RecursionError, and reports damage by it.
    """
    lazy = Path(path).is_file() and Path(path).stat().st_size > MAX_BYTES_IN_MEMORY
    try:
        with _silence_reader(), np.errstate(all="ignore"):
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
def _silence_reader() -> Generator[None]:
    """Keep warnings and messages of a reader to itself: what matters of them shows in what it returns."""
    log = logging.getLogger("rsciio")
    before, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        log.disabled = before


def _reader_signals(found: Sequence[Mapping[str, Any]]) -> list[FileSignal]:
    """Return the signals of what a reader gave; it may have given nothing, or something without axes."""
    signals: list[FileSignal] = []
    for one in found:
        try:
            signals.append(_rosetta_signal(one))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as err:
            if isinstance(err, DataError):
                raise
            raise DataError(f"has axes that cannot be read: {type(err).__name__} {' '.join(str(err).split())}") from err
    if not signals:
        raise DataError("holds no data")
    return signals


def _rosetta_signal(one: Mapping[str, Any]) -> FileSignal:
    counts = one["data"]
    entries = sorted(one["axes"], key=lambda entry: int(entry.get("index_in_array") or 0))
    axes = [file_axis(entry, int(size)) for entry, size in zip(entries, counts.shape, strict=True)]
    found = describe_signal(counts, axes, flatten_metadata(one.get("metadata") or {}))
    brightness: Any = one.get("original_metadata")  # the tags of DigitalMicrograph for the calibration of its counts
    for name in _BRIGHTNESS_TAGS:
        brightness = mapping_or_empty(brightness).get(name)
    tags = flatten_metadata(mapping_or_empty(brightness))
    scale, zero = number_or_default(tags.get("Scale"), 1.0), number_or_default(tags.get("Origin"), 0.0)
    per_count, dark = electron_calibration(str(tags.get("Units", "")), scale, zero)
    return evolve(found, electrons_per_count=per_count, dark=dark)
