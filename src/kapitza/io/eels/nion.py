"""Files of Nion Swift: .ndata, .ndata1, .h5 and .nhdf read, .ndata1 written."""

import json
import math
import struct
import zipfile
from collections.abc import Mapping
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any, cast

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.files import open_regular, regular_file_size, write_atomically
from kapitza.errors import DataError, InputError, require
from kapitza.io.eels import signals
from kapitza.io.eels.signals import (
    MAX_BYTES_IN_MEMORY,
    FileAxis,
    FileSignal,
    counts_of_dataset,
    mapping_or_empty,
    number_or_default,
)
from kapitza.io.formats import files, foreign_hdf5
from kapitza.io.formats.arrays import NPZ_FAULTS, array_header, known_shape
from kapitza.io.formats.files import known_suffix
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import e, nm

_DATA_MEMBER, _METADATA_MEMBER = "data.npy", "metadata.json"
_SWIFT_FAULTS = (*NPZ_FAULTS, OSError, MemoryError, SyntaxError, struct.error)
MAX_UNPACKED_BYTES = 2**31  # bytes of an array that is packed in the zip and has to be unpacked at once
_MAX_CHECKED_BYTES = 2**31  # bytes up to which the checksum of an array is verified before it is mapped
_MAX_METADATA_BYTES = 2**26  # bytes of metadata
_PIECE_BYTES = 2**22  # bytes
_MEMBER_HEAD = struct.Struct("<4s22xHH")  # head of a member: signature, lengths of its name and of the extra field
_MEMBER_SIGNATURE = b"PK\x03\x04"


def read_ndata(path: str | PathLike[str]) -> list[FileSignal]:
    """Return the signal of an .ndata or .ndata1 file."""
    size = regular_file_size(path)
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            inside = {member.filename: member for member in archive.infolist()[:1000]}
            for name in (_DATA_MEMBER, _METADATA_MEMBER):
                if name not in inside:
                    others = ", ".join(map(repr, inside))[:100]
                    raise DataError(f"is not a file of Nion Swift: its zip has no {name}, but {others}")
                _check_member(inside[name], size)
            properties = _parse_metadata(archive.read(inside[_METADATA_MEMBER]))
            counts = _member_array(path, archive, inside[_DATA_MEMBER])
    except (DataError, FileNotFoundError, PermissionError):
        raise
    except _SWIFT_FAULTS as err:
        raise DataError(f"is not a valid file of Nion Swift: {' '.join(str(err).split())}") from err
    return [_swift_signal(counts, properties)]


def _check_member(member: zipfile.ZipInfo, size: int) -> None:
    if member.flag_bits & 1:
        raise DataError(f"{member.filename!r:.60} is encrypted")
    if (
        member.compress_size > size
        or member.file_size > foreign_hdf5.NEGLIGIBLE_BYTES + foreign_hdf5.MAX_EXPANSION * member.compress_size
    ):
        raise DataError(f"{member.filename!r:.60} claims {member.file_size} bytes in a file of {size}")
    if member.filename == _METADATA_MEMBER and member.file_size > _MAX_METADATA_BYTES:
        raise DataError(f"has metadata of {member.file_size} bytes, more than the {_MAX_METADATA_BYTES} that are read")


def _member_array(path: str | PathLike[str], archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """Return the array: mapped where it is stored as it is and large, else in memory."""
    with archive.open(member) as file:
        shape, fortran, dtype = array_header(file)
        start = file.tell()
        shape = known_shape(shape)
        if dtype.kind not in "iufb" or dtype.itemsize > 8:
            raise DataError(f"holds an array of {dtype!s:.60}, expected real numbers")
        wanted = math.prod(shape) * dtype.itemsize
        if wanted != member.file_size - start:
            raise DataError(f"{member.filename!r} claims {wanted} bytes and holds {member.file_size - start}")
        order = "F" if fortran else "C"
        if wanted <= MAX_BYTES_IN_MEMORY or member.compress_type != zipfile.ZIP_STORED:
            if wanted > MAX_UNPACKED_BYTES:
                raise DataError(
                    f"packs {wanted} bytes, more than the {MAX_UNPACKED_BYTES} that are unpacked: save it unpacked"
                )
            return np.frombuffer(file.read(), dtype=dtype).reshape(shape, order=order)
        if wanted <= _MAX_CHECKED_BYTES:
            while file.read(_PIECE_BYTES):  # its end compares the checksum
                pass
    with open_regular(path) as file:
        file.seek(member.header_offset)
        signature, name, extra = _MEMBER_HEAD.unpack(file.read(_MEMBER_HEAD.size))
    place = member.header_offset + _MEMBER_HEAD.size + name + extra
    if signature != _MEMBER_SIGNATURE or place + member.file_size > Path(path).stat().st_size:
        raise DataError(f"{member.filename!r:.60} does not lie where the zip says")
    return np.memmap(path, dtype=dtype, mode="r", offset=place + start, shape=shape, order=order)


def read_swift_hdf5(path: str | PathLike[str]) -> list[FileSignal]:
    """Return the signals of an .h5 file of Nion Swift, or of an .nhdf file that it exported."""
    with foreign_hdf5.open_hdf5(path) as file:
        data = foreign_hdf5.local_member(file, "data")
        alone = isinstance(data, foreign_hdf5.foreign_h5py().Dataset)
        found: list[FileSignal] = []
        for name in ["data"] if alone else foreign_hdf5.member_names(data):
            dataset = foreign_hdf5.local_dataset(file if alone else data, name)
            properties = foreign_hdf5.plain_attribute(dataset, "properties")
            if not isinstance(properties, str):
                raise DataError(f"dataset {dataset.name!r:.60} has no attribute 'properties' with its calibrations")
            found.append(_swift_signal(counts_of_dataset(path, dataset), _parse_metadata(properties.encode())))
    return found


def is_swift(file: Any) -> bool:
    """Whether an open HDF5 file is one of Nion Swift."""
    if "data" not in foreign_hdf5.member_names(file):
        return False
    data = foreign_hdf5.local_member(file, "data")
    if isinstance(data, foreign_hdf5.foreign_h5py().Dataset):
        return "properties" in data.attrs
    return any(
        "properties" in data[name].attrs for name in foreign_hdf5.member_names(data)[:1] if data.get(name) is not None
    )


def _parse_metadata(data: bytes) -> dict[str, Any]:
    """Return metadata; NaN and Infinity, which Swift writes, stand for nothing."""
    tree = files.parse_json(data, constant=lambda _literal: None)
    if not isinstance(tree, dict):
        raise DataError(f"has metadata that are not a mapping but {tree!r:.60}")
    return cast("dict[str, Any]", tree)


def _swift_signal(counts: Any, properties: Mapping[str, Any]) -> FileSignal:
    """Return counts with the axes and numbers that the properties give them; older versions nest these one deeper."""
    declared, kind = properties.get("data_shape"), properties.get("data_dtype")
    if declared is not None and declared != [int(size) for size in counts.shape]:
        raise DataError(f"holds an array of shape {tuple(counts.shape)}, its metadata say {declared!r:.60}")
    if kind is not None and kind not in (np.dtype(counts.dtype).name, np.dtype(counts.dtype).str):
        raise DataError(f"holds an array of {counts.dtype}, its metadata say {kind!r:.40}")
    sources = properties.get("data_sources")
    source = properties.get("data_source") or (sources[0] if isinstance(sources, list) and sources else None)
    known: dict[str, Any] = {**properties, **mapping_or_empty(source)}
    metadata = mapping_or_empty(known.get("metadata"))
    hardware = mapping_or_empty(metadata.get("hardware_source")) or mapping_or_empty(known.get("properties"))
    brightness = mapping_or_empty(known.get("intensity_calibration"))
    scale, offset = number_or_default(brightness.get("scale"), 1.0), number_or_default(brightness.get("offset"), 0.0)
    per_count, dark = signals.electron_calibration(
        str(brightness.get("units")), scale, -offset / scale if scale else 0.0
    )
    counts_per_electron = number_or_default(hardware.get("counts_per_electron"), 1.0)
    if per_count == 1 and counts_per_electron > 0:
        per_count = 1 / counts_per_electron
    return FileSignal(
        counts=counts,
        axes=_swift_axes(tuple(counts.shape), known),
        title=str(known.get("title") or ""),
        losses="eels" in str(hardware.get("signal_type", "")).casefold(),
        electrons_per_count=per_count,
        dark=dark,
        exposure=signals.time_in_seconds(hardware.get("exposure")),
        metadata=foreign_hdf5.flatten_metadata(metadata),
    )


def _swift_axes(shape: tuple[int, ...], known: Mapping[str, Any]) -> list[FileAxis]:
    """Return the axes: first the collection (positions), last the datum (the spectrum)."""
    found = known.get("dimensional_calibrations") or known.get("spatial_calibrations")
    if found is not None and not (isinstance(found, list) and len(found) == len(shape)):
        raise DataError(f"has calibrations {found!r:.60} for an array of shape {shape}")
    datum = number_or_default(known.get("datum_dimension_count"), 1.0)
    names = ["x", "y"] if datum == 1 else []
    axes: list[FileAxis] = []
    for i, size in enumerate(shape):
        back = len(shape) - 1 - i
        name = "energy loss" if back == 0 and datum == 1 else names[back - 1] if 0 < back <= len(names) else f"axis {i}"
        axis = FileAxis(size=size, name=name, signal=back < datum)
        if found is not None:
            entry = mapping_or_empty(found[i])
            offset, scale = number_or_default(entry.get("offset")), number_or_default(entry.get("scale"))
            if not np.isfinite([offset, scale]).all():
                raise DataError(f"has the calibration {found[i]!r:.80}, expected numbers offset and scale")
            axis = evolve(axis, offset=offset, scale=scale, units=str(entry.get("units") or ""))
        axes.append(axis)
    return axes


_POSITION_TOLERANCE = 1e-6  # of a step by which a position may miss its place


def write_eels(image: SpectrumImage, path: str | PathLike[str]) -> Path:
    """Write spectra as Nion Swift does, whole or not at all.

    Energies are in eV, positions in nm.  The layout knows a dark mean, and no dark variance or response: these are
    kept among the metadata and not applied on reading.

    Parameters
    ----------
    image : spectra on evenly spaced positions
    path : ending in .h5 (needs h5py) or .ndata

    Returns
    -------
    the path that was written

    Raises
    ------
    InputError
        for another ending or uneven positions
    MissingEngine
        for .h5 without h5py
    OSError
        if the file cannot be written
    """
    suffix = known_suffix(path, (".h5", ".ndata"))
    counts = np.ascontiguousarray(image.counts[...])
    properties = json.dumps(_swift_properties(image, counts))
    buffer = BytesIO()
    if suffix == ".h5":
        h5py = require("h5py", extra="hdf5", why="writing spectra as HDF5")
        with h5py.File(buffer, "w") as file:
            file.create_dataset("data", data=counts).attrs["properties"] = properties
    else:
        array = BytesIO()
        np.save(array, counts, allow_pickle=False)
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("data.npy", array.getvalue())
            archive.writestr("metadata.json", properties)
    return write_atomically(path, buffer.getvalue())


def _swift_properties(image: SpectrumImage, counts: Any) -> dict[str, Any]:
    scale = image.electrons_per_count
    axes = [_axis_calibration(axis, nm, "nm") for axis in image.position] + [_axis_calibration(image.energy, e, "eV")]
    hardware: dict[str, Any] = {"signal_type": "eels"}
    if image.exposure is not None:
        hardware["exposure"] = image.exposure
    kept = {name: value for name, value in image.metadata.items() if isinstance(value, (str, int, float, bool))}
    if image.dark_variance.any():
        kept["dark_variance"] = float(image.dark_variance.mean())
    return {
        "type": "data-item",
        "data_shape": list(counts.shape),
        "data_dtype": np.dtype(counts.dtype).name,
        "is_sequence": False,
        "collection_dimension_count": len(image.position),
        "datum_dimension_count": 1,
        "intensity_calibration": {"offset": -float(image.dark.mean()) * scale, "scale": scale, "units": "e"},
        "dimensional_calibrations": axes,
        "metadata": {"hardware_source": hardware, "kapitza": kept},
        "title": str(image.metadata.get("title", "")),
        "version": 13,
    }


def _axis_calibration(axis: Array, unit: float, name: str) -> Mapping[str, Any]:
    step = float(axis[-1] - axis[0]) / (axis.size - 1) if axis.size > 1 else unit
    off = np.abs(axis - (axis[0] + step * np.arange(axis.size))).max()
    if axis.size > 1 and off > _POSITION_TOLERANCE * step:
        raise InputError(f"positions are not evenly spaced: one is {off / step:.3g} steps off its place")
    return {"offset": float(axis[0]) / unit, "scale": step / unit, "units": name}
