"""Results as files, addressed by what went in.

A unit of work is a mapping of inputs.  Its address is the SHA-256 of them and of the version of the kernel; its result
is one file, written to a temporary name, flushed to the disk and renamed, with its own checksum.  What exists is never
computed again, a late or repeated writer writes the same bytes, and a damaged file counts as absent.

What is computed once for each user is kept in a store in the folder where the system keeps caches.
"""

import hashlib
import io
import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tokenize import TokenError

import attrs
import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.files import read_limited, write_atomically
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, InputError

UnitResult = dict[str, NDArray[np.generic]]
UnitInputs = Mapping[str, object]

_FILE_MAGIC = "kapitza-unit"
_FILE_FORMAT = 1
CACHE_VARIABLE = "KAPITZA_CACHE"  # names another folder; empty: nothing is kept


@frozen
class Store(BaseRecord):
    """A folder of results, created when the first one is written."""

    folder: Path = field(converter=Path)

    def path(self, address: str) -> Path:
        """File of a unit; 256 folders keep each of them small."""
        return self.folder / address[:2] / f"{address[2:]}.unit"

    def write(self, address: str, result: UnitResult) -> None:
        """Write a result whole or not at all."""
        path = self.path(address)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise self._refusal(err) from err
        write_atomically(path, serialize_arrays(result), follow_link=False)

    def read(self, address: str) -> UnitResult | None:
        """Return the result of a unit, or None where there is none or the file is damaged."""
        try:
            return deserialize_arrays(read_limited(self.path(address)))
        except DataError:
            return None
        except NotADirectoryError as err:
            raise self._refusal(err) from err

    def _refusal(self, err: OSError) -> InputError:
        """Say why results cannot be kept in the folder: what is in the way, or what the system says."""
        present = next(path for path in (self.folder, *self.folder.absolute().parents) if path.exists())
        why = f"takes no new folder ({err.strerror})" if present.is_dir() else "is not a folder"
        return InputError(f"{self.folder} cannot be a store: {present} {why}; give a folder that you may write to")

    def has(self, address: str) -> bool:
        """Tell whether a unit is there, whole and undamaged."""
        return self.read(address) is not None


StoreLike = Store | str | Path


def open_store(store: StoreLike | None = None) -> Store | None:
    """Return the store of an argument `store=`: as given, in the folder of this name, or None to keep nothing."""
    if store is None or isinstance(store, Store):
        return store
    if not isinstance(store, (str, Path)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"store = {store!r:.60}: expected a Store or the name of a folder")
    return Store(store)


def unit_address(inputs: UnitInputs, *, version: str) -> str:
    """SHA-256 of the inputs of a unit and of the version of the kernel, which changes with its results.

    Inputs are strings, numbers, booleans, None, arrays, bytes, records (by the names of their class and attributes),
    and lists, tuples and mappings of them; the order of keys does not matter.  Others have no canonical form and are
    refused.
    """
    digest = hashlib.sha256()
    _hash_value(digest.update, {"version": version, "inputs": inputs})
    return digest.hexdigest()


def unit_seed(address: str) -> int:
    """Seed of the random numbers of a unit: it follows from its address, so that a repetition gives the same."""
    return int(address[:16], 16)


def _hash_value(update: Callable[[bytes], None], value: object) -> None:
    """Pass a canonical form of a value to a hash, each item with its kind and length."""
    if isinstance(value, np.ndarray):
        update(f"array {value.dtype.str} {value.shape};".encode())
        update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, bytes):
        update(f"bytes {len(value)};".encode() + value)
    elif isinstance(value, Mapping):
        update(f"map {len(value)};".encode())
        for key in sorted(value, key=str):
            _hash_value(update, str(key))
            _hash_value(update, value[key])
    elif isinstance(value, (list, tuple)):
        update(f"list {len(value)};".encode())
        for item in value:
            _hash_value(update, item)
    elif attrs.has(type(value)):
        kind = type(value)
        held = {one.name: getattr(value, one.name) for one in attrs.fields(kind) if one.init}
        update(f"record {kind.__qualname__};".encode())
        _hash_value(update, held)
    elif value is None or isinstance(value, (str, bool, int, float, np.number)):
        plain = value.item() if isinstance(value, np.number) else value
        text = repr(plain).encode()
        update(f"{type(plain).__name__} {len(text)};".encode() + text)
    else:
        raise InputError(
            f"a unit of work cannot hold {type(value).__name__} ({value!r:.60}): give arrays, plain values and records"
        )


def serialize_arrays(result: UnitResult) -> bytes:
    """Bytes of a result: a line with a checksum, a line with names, arrays in npy form.  Equal results, equal bytes."""
    body = io.BytesIO()
    names = sorted(result)
    body.write(json.dumps(names).encode() + b"\n")
    for name in names:
        np.lib.format.write_array(body, np.asarray(result[name]), version=(1, 0), allow_pickle=False)
    content = body.getvalue()
    return f"{_FILE_MAGIC} {_FILE_FORMAT} {hashlib.sha256(content).hexdigest()}\n".encode() + content


def deserialize_arrays(data: bytes) -> UnitResult:
    """Arrays of a result; a DataError if the bytes are not those that were written, or were written by another."""
    head, _, content = data.partition(b"\n")
    if head != f"{_FILE_MAGIC} {_FILE_FORMAT} {hashlib.sha256(content).hexdigest()}".encode():
        raise DataError(f"not a whole result of format {_FILE_FORMAT}: {head[:40]!r}")
    line, _, arrays = content.partition(b"\n")
    stream = io.BytesIO(arrays)
    try:
        names = json.loads(line)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataError(f"expected the names of arrays, got {line[:40]!r}")
        result = {name: _read_array(stream, len(arrays)) for name in names}
    except DataError:
        raise
    except (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError, OverflowError) as err:
        raise DataError(f"not a result of format {_FILE_FORMAT}: {err!s:.100}") from err
    if stream.read(1) or len(result) != len(names):
        raise DataError(f"not a result of format {_FILE_FORMAT}: it holds more than {len(result)} arrays")
    return result


def _read_array(stream: io.BytesIO, total: int) -> NDArray[np.generic]:
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise DataError(f"holds an array of version {version}, expected (1, 0)")
    shape, column_major, dtype = np.lib.format.read_array_header_1_0(stream)
    size = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or not dtype.itemsize or min(shape, default=0) < 0 or size > total - stream.tell():
        raise DataError(f"claims an array of {dtype} and shape {shape!s:.60} in {total - stream.tell()} bytes")
    values = np.frombuffer(bytearray(stream.read(size)), dtype)
    return values.reshape(shape, order="F" if column_major else "C")


def cache_store() -> Store | None:
    """The store of this user; None where the environment variable KAPITZA_CACHE is empty."""
    named = os.environ.get(CACHE_VARIABLE)
    if named is not None:
        return Store(Path(named)) if named else None
    try:  # where programs of this system keep what can be computed again
        if sys.platform == "win32":
            folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif sys.platform == "darwin":
            folder = Path.home() / "Library" / "Caches"
        else:
            folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return Store(folder / "kapitza")
    except RuntimeError:  # nobody knows where this user is at home
        return None


def compute_once(kernel: Callable[[], UnitResult], inputs: UnitInputs, *, version: str) -> UnitResult:
    """Result of a kernel, from the cache where it was computed before.

    `inputs` are all arrays and plain values that the result depends on; with the version of the kernel they make its
    address.  A folder that cannot be read or written costs the time of the computation and nothing else.
    """
    kept = read_kept(inputs, version=version)
    if kept is None:
        kept = kernel()
        keep_result(inputs, kept, version=version)
    return kept


def read_kept(inputs: UnitInputs, *, version: str) -> UnitResult | None:
    """Result of these inputs in the cache; None where there is none, or the folder cannot be read."""
    store = cache_store()
    with suppress(InputError, OSError):
        return None if store is None else store.read(unit_address(inputs, version=version))
    return None


def keep_result(inputs: UnitInputs, found: UnitResult, *, version: str) -> None:
    """Keep a result in the cache, where that can be written."""
    store = cache_store()
    if store is not None:
        with suppress(InputError, OSError):
            store.write(unit_address(inputs, version=version), found)


def writable_store() -> Store | None:
    """The store of this user where results can be kept, else None."""
    store = cache_store()
    try:
        if store is not None:
            store.folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return store if store is not None and os.access(store.folder, os.W_OK) else None
