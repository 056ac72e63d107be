"""Arrays of files of ours: in JSON, in NPZ (a zip of plain arrays, not compressed), and in HDF5 (a dataset each).

NPZ and HDF5 have a header in JSON besides; in HDF5 each array has its unit as an attribute.
"""

import io
import math
import os
import zipfile
from os import PathLike
from pathlib import Path
from tokenize import TokenError
from types import ModuleType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from kapitza.core.files import open_regular
from kapitza.errors import DataError, InputError, require
from kapitza.io.formats.files import EMPTY_SEAL, MAX_JSON_BYTES

_STORABLE_DTYPES = ("<f8", "<i8", "|b1", "<c16", "|u1", "|i1", "<i4", "<u4", "<u8", "<i2", "<u2", "<f4")
_MAX_AXES = 8
_HEADER_MEMBER = "header.json"
_MAX_MEMBERS = 100_000
NPZ_FAULTS = (
    zipfile.BadZipFile,
    OSError,  # a damaged directory points before the start of the file
    TokenError,
    ValueError,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    RecursionError,
    MemoryError,  # of the header of an array that is nested too deeply
)
HEADER_DATASET = "header"
_CHECKSUM_DATASET = "kapitza checksum"
HDF5_FAULTS = (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, OverflowError)
_WHY_H5PY = "reading and writing HDF5"


def storable_array(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array little-endian and in C order, if it holds numbers or truth values."""
    little = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    if little.dtype.str not in _STORABLE_DTYPES:
        raise InputError(f"cannot save an array of {array.dtype}: expected numbers or truth values")
    return little


def known_dtype(text: Any) -> np.dtype[Any]:
    """Return the dtype of this name, if it is one that a file of ours may hold."""
    if text not in _STORABLE_DTYPES:
        raise DataError(f"holds an array of {text!r:.40}, which is not read")
    return np.dtype(text)


def known_shape(shape: Any) -> tuple[int, ...]:
    """Return a shape of a few axes, none negative."""
    if not isinstance(shape, (list, tuple)) or len(shape) > _MAX_AXES:
        raise DataError(f"expected the shape of an array, got {shape!r:.60}")
    for size in shape:
        if type(size) is not int or not 0 <= size < 2**48:
            raise DataError(f"expected the shape of an array, got {shape!r:.60}")
    return tuple(shape)


def frozen_array(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array read-only, as records hold theirs."""
    array.flags.writeable = False
    return array


def array_to_json(_place: str, array: NDArray[Any]) -> dict[str, Any]:
    """Return an array as JSON: its dtype, shape and flat data; infinite numbers as text, complex ones as pairs."""
    array = storable_array(array)
    flat = array.ravel()
    if flat.dtype.kind == "c":
        flat = flat.view(np.float64)
    data = flat.tolist()
    if flat.dtype.kind == "f":
        data = [item if math.isfinite(item) else repr(item) for item in data]
    return {"$array": array.dtype.str, "shape": list(array.shape), "data": data}


def array_from_json(node: dict[str, Any]) -> NDArray[Any] | None:
    """Return the array of a JSON node, or None if it is no array; data that do not fill it are a DataError."""
    if "$array" not in node:
        return None
    if "left_out" in node:
        raise DataError("is the output of --json without its large arrays: --save FILE keeps them")
    dtype, shape, data = known_dtype(node["$array"]), known_shape(node.get("shape")), node.get("data")
    wanted = math.prod(shape) * (2 if dtype.kind == "c" else 1)
    if not isinstance(data, list) or len(data) != wanted:
        raise DataError(f"an array of shape {shape} needs {wanted} numbers, got {data!r:.60}")
    allowed = {"f": (int, float, str), "c": (int, float, str), "b": (bool,)}.get(dtype.kind, (int,))
    for item in data:
        wrong_text = isinstance(item, str) and item not in ("inf", "-inf", "nan")
        if type(item) not in allowed or wrong_text:
            raise DataError(f"expected numbers of type {dtype}, got {item!r:.60}")
    try:
        flat = np.array(data, dtype=np.float64 if dtype.kind == "c" else dtype)
    except (OverflowError, ValueError) as err:
        raise DataError(f"numbers do not fit into {dtype}: {err}") from err
    return frozen_array((flat.view(np.complex128) if dtype.kind == "c" else flat).reshape(shape))


def npz_bytes(header: bytes, arrays: dict[str, NDArray[Any]], comment: str = "") -> bytes:
    """Return the bytes of an NPZ file with a comment; `numpy.load` reads its arrays as well."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        archive.writestr(_HEADER_MEMBER, header)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, storable_array(array), allow_pickle=False)
        archive.comment = comment.encode()
    return buffer.getvalue()


def read_npz(path: str | PathLike[str]) -> tuple[bytes, dict[str, NDArray[Any]]]:
    """Return header and arrays of an NPZ file.

    Nothing is unpacked before its size is known: compressed members are refused, since ours are stored as they are,
    and all of them together cannot be larger than the file.
    """
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            _check_sizes(archive, os.fstat(file.fileno()).st_size)
            header = archive.read(_HEADER_MEMBER)
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            return header, {name.removesuffix(".npy"): _member_array(archive, name) for name in names}
    except DataError:
        raise
    except NPZ_FAULTS as err:
        raise DataError(f"is not a valid NPZ file of kapitza: {err}") from err


def _check_sizes(archive: zipfile.ZipFile, size: int) -> None:
    members = archive.infolist()
    if len(members) > _MAX_MEMBERS:
        raise DataError(f"has {len(members)} members, more than the {_MAX_MEMBERS} that are read")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise DataError(f"member {member.filename!r:.60} is compressed, which kapitza never writes")
        if member.filename == _HEADER_MEMBER and member.file_size > MAX_JSON_BYTES:
            raise DataError(f"has a header of {member.file_size} bytes, more than the {MAX_JSON_BYTES} that are read")
    claimed = sum(member.file_size for member in members)
    if claimed > size:
        raise DataError(f"claims {claimed} bytes in a file of {size}")


def _member_array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Return one array, if its header claims just what follows it."""
    total = archive.getinfo(name).file_size
    with archive.open(name) as member:
        shape, order, dtype = array_header(member)
        shape = known_shape(shape)
        wanted = math.prod(shape) * known_dtype(dtype.str).itemsize
        if order or wanted != total - member.tell():
            raise DataError(f"{name!r:.60} claims {wanted} bytes and holds {total - member.tell()}")
        return frozen_array(np.frombuffer(member.read(), dtype=dtype).reshape(shape))


def array_header(member: IO[bytes]) -> tuple[Any, bool, np.dtype[Any]]:
    """Return shape, order and dtype that the header of an array claims."""
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(member)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(member)
    raise DataError(f"has an array of version {version}, wanted (1, 0) or (2, 0)")


def own_hdf5_bytes(
    header: bytes, arrays: dict[str, NDArray[Any]], units: dict[str, str], checksum: str = EMPTY_SEAL
) -> bytes:
    """Return the bytes of an HDF5 file with header, checksum and the arrays as contiguous datasets at its root."""
    h5py = require("h5py", extra="hdf5", why=_WHY_H5PY)
    with h5py.File("in memory", "w", driver="core", backing_store=False) as file:
        file.attrs["format"] = "kapitza"
        file.create_dataset(_CHECKSUM_DATASET, data=np.frombuffer(checksum.encode(), dtype=np.uint8))
        file.create_dataset(HEADER_DATASET, data=np.frombuffer(header, dtype=np.uint8))
        for name, array in arrays.items():
            dataset = file.create_dataset(name, data=storable_array(array))
            dataset.attrs["units"] = units.get(name, "")
        file.flush()
        return file.id.get_file_image()


def read_own_hdf5(path: str | PathLike[str]) -> tuple[bytes, dict[str, NDArray[Any]]]:
    """Return header and arrays of an HDF5 file.

    Links to other files, storage in other files, virtual and compressed datasets are refused, and all datasets
    together may not claim more than the file holds.
    """
    h5py = require("h5py", extra="hdf5", why=_WHY_H5PY)
    size = Path(path).stat().st_size
    try:
        with h5py.File(path, "r") as file:
            datasets = {name: _own_dataset(h5py, file, name) for name in file}
            claimed = sum(dataset.nbytes for dataset in datasets.values())
            if claimed > size:
                raise DataError(f"claims {claimed} bytes in a file of {size}")
            arrays = {name: frozen_array(np.asarray(dataset[()])) for name, dataset in datasets.items()}
    except (DataError, FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except HDF5_FAULTS as err:
        raise DataError(f"is not a valid HDF5 file: {' '.join(str(err).split())}") from err
    arrays.pop(_CHECKSUM_DATASET, None)
    header = arrays.pop(HEADER_DATASET, None)
    if header is None or header.dtype != np.uint8 or header.size > MAX_JSON_BYTES:
        raise DataError(f"is not an HDF5 file of kapitza: no dataset {HEADER_DATASET!r} of bytes")
    return header.tobytes(), arrays


def _own_dataset(h5py: ModuleType, file: Any, name: str) -> Any:
    """Return one dataset, unread, if it is an array of ours that lies in this file."""
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise DataError(f"{name!r:.60} is a link ({type(link).__name__}), which is not followed")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise DataError(f"{name!r:.60} is not a dataset")
    if dataset.external or dataset.is_virtual:
        raise DataError(f"{name!r:.60} is stored in another file, which is not read")
    if dataset.chunks is not None:
        raise DataError(f"{name!r:.60} is stored in chunks, which kapitza never writes")
    known_dtype(dataset.dtype.str)
    known_shape(dataset.shape)
    return dataset
