"""Files written whole or not at all, read with a limit, and JSON without traps."""

import json
import math
import os
import stat
from collections.abc import Callable, Collection
from errno import ENOENT
from os import PathLike, fspath
from pathlib import Path
from typing import Any
from uuid import uuid4

from kapitza.errors import DataError, InputError, MissingFile

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
    """Return a float, or refuse one that is too large."""
    value = float(text)
    if not math.isfinite(value):
        raise DataError(f"holds {text:.40}, which is too large for a float")
    return value


def file_path(path: object) -> Path:
    """Return what a caller gave as the path of a file, if it can be one."""
    text = fspath(path) if isinstance(path, PathLike) else path
    if not isinstance(text, str):
        raise InputError(f"expected the path of a file, got {path!r:.60}")
    return Path(text)


def known_suffix(path: object, suffixes: Collection[str]) -> str:
    """Return the ending of a file name in lower case, if it is one of `suffixes`."""
    suffix = file_path(path).suffix.lower()
    if suffix not in suffixes:
        *others, last = suffixes
        expected = f"{', '.join(others)} or {last}" if others else last
        raise InputError(f"{str(path)!r} has an unknown file ending: expected {expected}")
    return suffix


_MAX_FILE_BYTES = 2**32  # bytes of a file that is read


def write_atomically(path: str | PathLike[str], data: bytes) -> Path:
    """Write a file so that its name always holds the old content or the new one; a link is followed.

    The bytes go to a new name in the same folder, are forced to the disk, and are then moved over the old file: a
    process killed in between leaves at most a stray file that ends in ``.part``.
    """
    target = Path(os.path.realpath(file_path(path)))
    check_replaceable(target)
    if not target.parent.is_dir():
        raise FileNotFoundError(ENOENT, f"there is no folder {str(target.parent)!r} to write into", str(target))
    part = target.with_name(f".{target.name[:100]}.{uuid4().hex[:12]}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as err:  # in the words of the system, but with the name that was asked for
        part.unlink(missing_ok=True)
        raise OSError(err.errno, err.strerror, str(target)) from err
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)
    return target


def check_replaceable(target: Path) -> None:
    """Refuse to write over a folder or device, or over a file that its owner protected."""
    if target.is_dir():
        raise InputError(f"{target} is a folder: give the name of a file in it")
    if not target.exists():
        return
    if not stat.S_ISREG(target.stat().st_mode):
        raise InputError(f"{target} is not a regular file: give another name")
    if not os.access(target, os.W_OK):
        raise PermissionError(13, "the file there may not be changed", str(target))


def _sync_folder(folder: Path) -> None:
    """Force the new name to the disk, where the system can do that for folders."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_limited(path: str | PathLike[str], limit: int = _MAX_FILE_BYTES) -> bytes:
    """Read an ordinary file (others might never end) whose size is no larger than `limit` bytes."""
    size = regular_file_size(path)
    if size > limit:
        raise DataError(f"has {size} bytes, more than the {limit} that are read", file=path)
    with Path(path).open("rb") as file:
        return file.read(limit)


def regular_file_size(path: str | PathLike[str]) -> int:
    """Size of an ordinary file in bytes; a folder, a pipe or a device is a DataError, nothing at all a MissingFile."""
    place = file_path(path)
    try:
        status = place.stat()
    except FileNotFoundError as err:
        raise MissingFile(place) from err
    if stat.S_ISDIR(status.st_mode):
        raise DataError("is a folder: give the name of a file in it", file=path)
    if not stat.S_ISREG(status.st_mode):
        raise DataError("is not a regular file", file=path)
    return status.st_size
