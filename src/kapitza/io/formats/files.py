"""Plain parts of the files of results: JSON without traps, endings of names, and checksums.

A file carries a checksum over its own bytes, so that a flipped bit never passes for a number.  The seal is the text
``kapitza-sha256:`` and 64 hexadecimal digits: the SHA-256 of the file with zeros in the place of these digits (FIPS
180-4, doi:10.6028/NIST.FIPS.180-4).  It stands where the format has room for a text: beside the header of JSON, in the
comment of a zip, in a dataset of HDF5.
"""

import hashlib
import json
import mmap
import os
import re
from collections.abc import Callable, Collection
from os import PathLike
from typing import Any

from kapitza.core.files import file_path, open_regular
from kapitza.core.quantity_kinds import LARGEST
from kapitza.errors import DataError, InputError

RESULT_SUFFIXES = (".json", ".npz", ".h5", ".hdf5")  # of files that `save` writes
MAX_JSON_BYTES = 2**28  # bytes of JSON; arrays beyond that belong into .npz or .h5


def dump_json(tree: Any, *, indent: int | None = 1) -> bytes:
    """Return a tree of plain values as JSON; floats keep every digit."""
    return (json.dumps(tree, indent=indent, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _refuse_constant(text: str) -> Any:
    """Refuse what Python's reader takes although it is not JSON."""
    raise DataError(f"holds {text}, which is not valid JSON")


def parse_json(data: bytes, *, constant: Callable[[str], Any] = _refuse_constant) -> Any:
    """Return what a JSON text holds; `constant` says what NaN and Infinity stand for, which JSON does not have."""
    if len(data) > MAX_JSON_BYTES:
        raise DataError(f"has {len(data)} bytes of JSON, more than the {MAX_JSON_BYTES} that are read")
    try:
        return json.loads(data.decode(), parse_constant=constant, parse_float=_finite_float)
    except UnicodeDecodeError as err:
        raise DataError(f"is not valid JSON: byte {err.start} is not UTF-8") from err
    except json.JSONDecodeError as err:
        raise DataError(f"is not valid JSON: line {err.lineno}: {err.msg}") from err
    except RecursionError as err:
        raise DataError("is nested too deeply: this is not a result of kapitza") from err
    except ValueError as err:
        if isinstance(err, DataError):
            raise
        raise DataError(f"holds a number that cannot be read: {err}") from err


def _finite_float(text: str) -> float:
    value = float(text)
    if not abs(value) <= LARGEST:
        raise DataError(f"holds {text:.40}, which is too large for any quantity")
    return value


def known_suffix(path: object, suffixes: Collection[str]) -> str:
    """Return the ending of a file name in lower case, if it is one of `suffixes`."""
    suffix = file_path(path).suffix.lower()
    if suffix not in suffixes:
        *others, last = suffixes
        expected = f"{', '.join(others)} or {last}" if others else last
        raise InputError(f"{str(path)!r} has an unknown file ending: expected {expected}")
    return suffix


_MARK = b"kapitza-sha256:"
_SEAL = re.compile(re.escape(_MARK) + rb"([0-9a-f]{64})")
EMPTY_SEAL = _MARK.decode() + "0" * 64  # what a writer puts where the seal shall be


def seal(data: bytes) -> bytes:
    """Return the bytes of a file with the digits of its first empty seal filled in."""
    start = data.index(EMPTY_SEAL.encode()) + len(_MARK)
    return data[:start] + hashlib.sha256(data).hexdigest().encode() + data[start + 64 :]


def check_seal(path: str | PathLike[str], *, text: bool = False) -> bool:
    """Whether a file has a seal, which has to fit its bytes; False for those of version 0.1, which had none.

    The ends of the lines of a `text` may be those of Windows, which some tools put in.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size == 0:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found = _SEAL.search(content)
            if found is None:
                return False
            digits, start = found[1], found.start(1)
            fits = _digest(content, start) == digits
            if not fits and text and content.find(b"\r\n") >= 0:
                plain = content[:].replace(b"\r\n", b"\n")
                fits = _digest(plain, plain.index(_MARK) + len(_MARK)) == digits
    if not fits:
        raise DataError("damaged: its checksum does not fit; restore it from a copy", file=path)
    return True


def _digest(content: bytes | mmap.mmap, start: int) -> bytes:
    """SHA-256 of a file with zeros in the place of the digits that begin at `start`."""
    with memoryview(content) as view:
        digest = hashlib.sha256(view[:start])
        digest.update(b"0" * 64)
        digest.update(view[start + 64 :])
    return digest.hexdigest().encode()
