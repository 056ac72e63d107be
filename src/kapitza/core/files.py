"""Files: read only if they are ordinary ones of a known size, and written whole or not at all."""

import os
import re
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from errno import ENOENT
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from kapitza.errors import DataError, InputError, MissingFile

__all__ = ["check_replaceable", "is_temporary", "read_limited", "regular_file_size", "write_atomically"]

MAX_FILE_BYTES = 2**32  # bytes of a file that is read
_TEMPORARY_NAME = re.compile(r"\..+\.[0-9a-f]{12}\.part")
_PIECE_BYTES = 2**20  # read at once of a file whose size is not known
_DEFAULT_MODE = 0o666  # of a new file, less what the umask takes away


def file_path(path: object) -> Path:
    """Return what a caller gave as the path of a file; an InputError for what is neither a text nor a path."""
    text = fspath(path) if isinstance(path, PathLike) else path
    if not isinstance(text, str) or "\0" in text:
        raise InputError(f"expected the path of a file, got {path!r:.60}")
    return Path(text)


def open_regular(path: str | PathLike[str], limit: int = MAX_FILE_BYTES) -> BinaryIO:
    """Open a file for reading, if it is an ordinary one of at most `limit` bytes.

    A pipe might block for ever and a device never end; the kind of the file and its size are those of what was opened,
    so that nobody can exchange it in between.  Raises a DataError for a folder, a pipe, a device or a file that is too
    large, a MissingFile if there is none, and an OSError if it may not be read.
    """
    place = file_path(path)
    try:
        handle = os.open(place, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as err:
        raise MissingFile(place) from err
    except OSError:
        _check_kind(place, place.stat())  # a folder on Windows, a socket: they cannot be opened
        raise
    try:
        status = os.fstat(handle)
        _check_kind(place, status)
        if status.st_size > limit:
            raise DataError(f"has {status.st_size} bytes, more than the {limit} that are read", file=place)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_limited(path: str | PathLike[str], limit: int = MAX_FILE_BYTES) -> bytes:
    """Read an ordinary file whose size is no larger than `limit` bytes; the errors are those of `open_regular`."""
    with open_regular(path, limit) as file:
        size = os.fstat(file.fileno()).st_size  # what is asked for is allocated at once, and the limit is large
        data = file.read(size + 1)
        pieces, left = [data], limit + 1 - len(data) if len(data) > size else 0
        while left > 0 and (piece := file.read(min(left, _PIECE_BYTES))):  # files of the system claim to be empty
            pieces.append(piece)
            left -= len(piece)
    data = b"".join(pieces) if len(pieces) > 1 else data
    if len(data) > limit:
        raise DataError(f"has more than the {limit} bytes that are read", file=path)
    return data


def regular_file_size(path: str | PathLike[str], limit: int = MAX_FILE_BYTES) -> int:
    """Size of an ordinary file in bytes; the errors are those of `open_regular`."""
    with open_regular(path, limit) as file:
        return os.fstat(file.fileno()).st_size


def _check_kind(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise DataError("is a folder: give the name of a file in it", file=path)
    if not stat.S_ISREG(status.st_mode):
        raise DataError("is not a regular file", file=path)


def write_atomically(path: str | PathLike[str], data: bytes | memoryview, *, follow_link: bool = True) -> Path:
    """Write a file so that its name always holds the old content or the new one; a link is followed, or replaced.

    The bytes go to a new file of a random name in the same folder, are forced to the disk, and are then moved over the
    old file, whose permissions they take.  A process that is killed in between leaves at most a stray file ending in
    ``.part``, which the next call for this folder removes.  Raises an InputError for a folder, device or pipe of this
    name, and an OSError that names the file if it cannot be written.
    """
    place = file_path(path)
    target = Path(os.path.realpath(place if follow_link else place.parent)) / ("" if follow_link else place.name)
    check_replaceable(target)
    if not target.parent.is_dir():
        raise FileNotFoundError(ENOENT, f"there is no folder {str(target.parent)!r} to write into", str(target))
    _remove_stray_files(target.parent)
    try:
        with _temporary_file(target) as (part, file):
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if os.name != "posix":  # Windows moves no open file; elsewhere it stays locked until it has its name
                file.close()
            part.replace(target)
        if os.name == "posix":  # where the system can force the new name of a folder to the disk
            handle = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
    except OSError as err:  # in the words of the system, but with the name that was asked for
        raise OSError(err.errno, err.strerror or str(err), str(target)) from err
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


@contextmanager
def _temporary_file(target: Path) -> Generator[tuple[Path, BinaryIO], None, None]:
    """Create a file beside the target under a name that nobody can have guessed; it is gone afterwards, or moved."""
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    stem = target.name.encode("utf-8", "ignore")[:100].decode("utf-8", "ignore")  # file systems limit bytes
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        part = target.with_name(f".{stem}.{uuid4().hex[:12]}.part")
        with os.fdopen(os.open(part, flags, _DEFAULT_MODE if mode is None else mode & 0o700), "wb") as file:
            try:
                _lock(file.fileno(), wait=True)
                if os.name == "posix" and os.fstat(file.fileno()).st_nlink == 0:
                    continue  # another process took it for a stray file before it was locked
                if mode is not None and os.name == "posix":
                    os.fchmod(file.fileno(), mode)
                yield part, file
            finally:
                with suppress(OSError):
                    part.unlink(missing_ok=True)
        return


def is_temporary(name: str) -> bool:
    """Whether a file name is one under which `write_atomically` writes before the file gets its own."""
    return _TEMPORARY_NAME.fullmatch(name) is not None


def _remove_stray_files(folder: Path) -> None:
    """Remove temporary files whose writers were killed: those that no process holds locked."""
    if os.name != "posix":
        return
    with os.scandir(folder) as entries:
        found = [Path(one.path) for one in entries if is_temporary(one.name)]
    for stray in found:
        with suppress(OSError):  # gone already, or of another user
            handle = os.open(stray, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                if stat.S_ISREG(os.fstat(handle).st_mode) and _lock(handle, wait=False):
                    stray.unlink()
            finally:
                os.close(handle)


def _lock(handle: int, *, wait: bool) -> bool:
    """Lock a file for this process, until it is closed or the process ends; False where that cannot be done."""
    if os.name != "posix":
        return False
    fcntl = import_module("fcntl")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held by another, or a file system without locks
        return False
    return True
