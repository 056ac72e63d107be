"""Files of Nion Swift, read only: .ndata and .ndata1 (a zip of data.npy and metadata.json), .h5 and .nhdf (HDF5).

Swift opens its own HDF5 files for writing; here nothing is ever written.  An array that is stored in the zip as it is
(Swift does that) becomes a memory map.
"""

import math
import struct
import zipfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from kapitza.errors import DataError
from kapitza.io import npz, text
from kapitza.io.arrays import known_shape
from kapitza.io.eels.axes import Axis
from kapitza.io.eels.guard import RATIO, SPARE, attribute, checked_dataset, child, engine, flat, members, opened
from kapitza.io.eels.signal import Signal, electrons, seconds
from kapitza.io.eels.stored import SMALL, kept_or_read

DATA, METADATA = "data.npy", "metadata.json"
FAULTS = (*npz.FAULTS, OSError, MemoryError, SyntaxError, struct.error)
UNPACKED = 2**31  # bytes of an array that is packed in the zip and has to be unpacked at once
CHECKED = 2**31  # bytes up to which the checksum of an array is verified before it is mapped
HEADER = 2**26  # bytes of metadata
PIECE = 2**22  # bytes
LOCAL = struct.Struct("<4s22xHH")  # head of a member: signature, lengths of its name and of the extra field
SIGNATURE = b"PK\x03\x04"


def read_ndata(path: str | PathLike[str]) -> list[Signal]:
    """Return the signal of an .ndata or .ndata1 file.

    Raises
    ------
    DataError
        for a damaged file, sizes that do not fit, arrays of objects
    OSError
        if it cannot be opened
    """
    size = Path(path).stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            inside = {member.filename: member for member in archive.infolist()[:1000]}
            for name in (DATA, METADATA):
                if name not in inside:
                    raise DataError(
                        f"is no file of Nion Swift: its zip has no {name}, but {', '.join(map(repr, inside))[:100]}"
                    )
            for member in (inside[DATA], inside[METADATA]):
                check_member(member, size)
            properties = parsed(archive.read(inside[METADATA]))
            counts = array_of(path, archive, inside[DATA])
    except (DataError, FileNotFoundError, PermissionError):
        raise
    except FAULTS as err:
        raise DataError(f"is no sound file of Nion Swift: {' '.join(str(err).split())}") from err
    return [signal_of(counts, properties)]


def check_member(member: zipfile.ZipInfo, size: int) -> None:
    """Refuse a member that is locked, outside of the file, or larger than what is packed could be."""
    if member.flag_bits & 1:
        raise DataError(f"{member.filename!r:.60} is encrypted")
    if member.compress_size > size or member.file_size > SPARE + RATIO * member.compress_size:
        raise DataError(f"{member.filename!r:.60} claims {member.file_size} bytes in a file of {size}")
    if member.filename == METADATA and member.file_size > HEADER:
        raise DataError(f"has metadata of {member.file_size} bytes, more than the {HEADER} that are read")


def array_of(path: str | PathLike[str], archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """Return the array: mapped where it is stored as it is and large, else in memory."""
    with archive.open(member) as file:
        shape, fortran, dtype = npz.array_header(file)
        start = file.tell()
        shape = known_shape(shape)
        if dtype.kind not in "iufb" or dtype.itemsize > 8:
            raise DataError(f"holds an array of {dtype!s:.60}, expected real numbers")
        wanted = math.prod(shape) * dtype.itemsize
        if wanted != member.file_size - start:
            raise DataError(f"{member.filename!r} claims {wanted} bytes and holds {member.file_size - start}")
        order = "F" if fortran else "C"
        if wanted <= SMALL or member.compress_type != zipfile.ZIP_STORED:
            if wanted > UNPACKED:
                raise DataError(f"packs {wanted} bytes, more than the {UNPACKED} that are unpacked: save it unpacked")
            return np.frombuffer(file.read(), dtype=dtype).reshape(shape, order=order)
        if wanted <= CHECKED:
            while file.read(PIECE):  # its end compares the checksum
                pass
    offset = place_of(path, member) + start
    return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape, order=order)


def place_of(path: str | PathLike[str], member: zipfile.ZipInfo) -> int:
    """Return where the bytes of a stored member begin in the file."""
    with Path(path).open("rb") as file:
        file.seek(member.header_offset)
        signature, name, extra = LOCAL.unpack(file.read(LOCAL.size))
    place = member.header_offset + LOCAL.size + name + extra
    if signature != SIGNATURE or place + member.file_size > Path(path).stat().st_size:
        raise DataError(f"{member.filename!r:.60} does not lie where the zip says")
    return place


def read_h5(path: str | PathLike[str]) -> list[Signal]:
    """Return the signals of an .h5 file of Nion Swift, or of an .nhdf file that it exported.

    Raises
    ------
    DataError
        for a damaged file, links to other files, sizes that nobody stored, metadata that are no JSON
    MissingEngine
        without h5py
    """
    with opened(path) as file:
        data = child(file, "data")
        alone = isinstance(data, engine().Dataset)
        signals: list[Signal] = []
        for name in ["data"] if alone else members(data):
            dataset = checked_dataset(file if alone else data, name)
            properties = attribute(dataset, "properties")
            if not isinstance(properties, str):
                raise DataError(f"dataset {dataset.name!r:.60} has no attribute 'properties' with its calibrations")
            signals.append(signal_of(kept_or_read(path, dataset), parsed(properties.encode())))
    return signals


def is_swift(file: Any) -> bool:
    """Whether an open HDF5 file is one of Nion Swift."""
    if "data" not in members(file):
        return False
    data = child(file, "data")
    if isinstance(data, engine().Dataset):
        return "properties" in data.attrs
    return any("properties" in data[name].attrs for name in members(data)[:1] if data.get(name) is not None)


def parsed(data: bytes) -> dict[str, Any]:
    """Return metadata; NaN and Infinity, which Swift writes, stand for nothing."""
    tree = text.parsed(data, constant=nothing)
    if not isinstance(tree, dict):
        raise DataError(f"has metadata that are no mapping but {tree!r:.60}")
    return cast("dict[str, Any]", tree)


def nothing(_literal: str) -> None:
    """Stand for a number that is none."""


def signal_of(counts: Any, properties: Mapping[str, Any]) -> Signal:
    """Return counts with the axes and numbers that the properties give them; older versions nest these one deeper."""
    check_promise(counts, properties)
    source = properties.get("data_source") or first(properties.get("data_sources")) or {}
    known: dict[str, Any] = {**properties, **(source if isinstance(source, Mapping) else {})}
    hardware = mapping(mapping(known.get("metadata")).get("hardware_source")) or mapping(known.get("properties"))
    brightness = mapping(known.get("intensity_calibration"))
    scale, offset = number(brightness.get("scale"), 1.0), number(brightness.get("offset"), 0.0)
    per_count, dark = electrons(str(brightness.get("units")), scale, -offset / scale if scale else 0.0)
    counts_per_electron = number(hardware.get("counts_per_electron"), 1.0)
    if per_count == 1 and counts_per_electron > 0:
        per_count = 1 / counts_per_electron
    return Signal(
        counts,
        axes_of(tuple(counts.shape), known),
        title=str(known.get("title") or ""),
        losses="eels" in str(hardware.get("signal_type", "")).casefold(),
        electrons_per_count=per_count,
        dark=dark,
        exposure=seconds(hardware.get("exposure")),
        metadata=flat(mapping(known.get("metadata"))),
    )


def check_promise(counts: Any, properties: Mapping[str, Any]) -> None:
    """Refuse counts that are not what the metadata promise, where they promise something."""
    shape, kind = properties.get("data_shape"), properties.get("data_dtype")
    if shape is not None and shape != [int(size) for size in counts.shape]:
        raise DataError(f"holds an array of shape {tuple(counts.shape)}, its metadata say {shape!r:.60}")
    if kind is not None and kind not in (np.dtype(counts.dtype).name, np.dtype(counts.dtype).str):
        raise DataError(f"holds an array of {counts.dtype}, its metadata say {kind!r:.40}")


def axes_of(shape: tuple[int, ...], known: Mapping[str, Any]) -> list[Axis]:
    """Return the axes: first the collection (positions), last the datum (the spectrum)."""
    found = known.get("dimensional_calibrations") or known.get("spatial_calibrations")
    if found is not None and not (isinstance(found, list) and len(found) == len(shape)):
        raise DataError(f"has calibrations {found!r:.60} for an array of shape {shape}")
    datum = number(known.get("datum_dimension_count"), 1.0)
    names = ["x", "y"] if datum == 1 else []
    axes: list[Axis] = []
    for i, size in enumerate(shape):
        back = len(shape) - 1 - i
        name = "energy loss" if back == 0 and datum == 1 else names[back - 1] if 0 < back <= len(names) else f"axis {i}"
        if found is None:
            axes.append(Axis(size, name=name, signal=back < datum))
            continue
        entry = mapping(found[i])
        offset, scale = number(entry.get("offset")), number(entry.get("scale"))
        if not np.isfinite([offset, scale]).all():
            raise DataError(f"has the calibration {found[i]!r:.80}, expected numbers offset and scale")
        axes.append(Axis(size, offset, scale, str(entry.get("units") or ""), name, back < datum))
    return axes


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping, or an empty one for anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def first(value: Any) -> Any:
    """Return the first item of a list, or None."""
    return value[0] if isinstance(value, list) and value else None


def number(value: Any, default: float = math.nan) -> float:
    """Return a number; `default` where there is none."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else default
