"""NPZ: a zip of plain arrays, stored without compression, and a header in JSON."""

import io
import math
import os
import zipfile
from os import PathLike
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from kapitza.core.files import open_regular
from kapitza.errors import DataError
from kapitza.io.formats.arrays import frozen_array, known_dtype, known_shape, storable_array
from kapitza.io.formats.files import MAX_JSON_BYTES

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
