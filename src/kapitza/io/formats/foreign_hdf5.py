"""HDF5 files of other programs, opened with care: external data and sizes that nobody stored are refused."""

import math
import mmap
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from os import PathLike
from types import ModuleType
from typing import Any

import numpy as np

from kapitza.core.files import open_regular, regular_file_size
from kapitza.errors import DataError, require
from kapitza.io.formats.arrays import HDF5_FAULTS, known_shape

FOREIGN_FAULTS = (*HDF5_FAULTS, MemoryError, RecursionError, EOFError)
MAX_EXPANSION = 1100  # bytes that a stored one can become: deflate packs no better than 1 to 1032
NEGLIGIBLE_BYTES = 2**20  # bytes that are worth no question
_MAX_CHUNK_BYTES = 2**28  # bytes of the largest piece that has to be unpacked at once
_MAX_CHUNKS, _FEW_CHUNKS = 2**22, 500
_MAX_MEMBERS = 10_000  # of one group
_MAX_OBJECTS = 100_000  # of a file
MAX_DEPTH = 12  # of groups and of metadata
MAX_ENTRIES = 5_000  # of metadata
_MAX_METADATA_LIST = 64  # values of a list that is still metadata
_MAX_METADATA_TEXT = 2_000  # characters of a text that is still metadata
_MAX_ATTRIBUTE_BYTES = 2**24  # bytes of one attribute
_TABLE_SIGNATURES = (b"HEAP" + bytes(4), b"SNOD\x01\x00", b"GCOL\x01" + bytes(3))  # of names, symbols and texts
_SEARCHED_BYTES = 2**26  # bytes at either end of the data: a wrong address covers what lies beside them


def foreign_h5py() -> ModuleType:
    """Return h5py, or say how to get it."""
    return require("h5py", extra="hdf5", why="reading this file (HDF5)")


@contextmanager
def open_hdf5(path: str | PathLike[str]) -> Generator[Any]:
    """Open an HDF5 file for reading; what goes wrong in it is a DataError.

    What the library does not survive, it meets before in `kapitza.io.formats.child`.
    """
    h5py = foreign_h5py()
    regular_file_size(path)
    try:
        with h5py.File(path, "r") as file:
            for one in _all_objects(file):
                if hasattr(one, "chunks") and one.shape is not None:
                    _check_chunks(one)
            yield file
    except (DataError, FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except FOREIGN_FAULTS as err:
        raise DataError(f"is not a valid HDF5 file: {' '.join(str(err).split()) or type(err).__name__}") from err


def local_member(group: Any, name: str) -> Any:
    """Return a member of a group, if it lies in this file."""
    link = group.get(name, getlink=True) if name in member_names(group) else None
    if link is None:
        raise DataError(f"has no {name!r:.60} in {group.name!r:.60}")
    if not isinstance(link, foreign_h5py().HardLink):
        raise DataError(f"{name!r:.60} is a link ({type(link).__name__}), which is not followed")
    return group[name]


def member_names(group: Any) -> list[str]:
    """Names in a group."""
    if len(group) > _MAX_MEMBERS:
        raise DataError(f"{group.name!r:.60} has {len(group)} members, more than the {_MAX_MEMBERS} that are read")
    return [str(name) for name in group]


def local_groups(group: Any) -> dict[str, Any]:
    """Groups in a group; links are left out."""
    h5py = foreign_h5py()
    hard = [name for name in member_names(group) if isinstance(group.get(name, getlink=True), h5py.HardLink)]
    return {name: group[name] for name in hard if group.get(name, getclass=True) is h5py.Group}


def local_dataset(group: Any, name: str) -> Any:
    """Return a dataset of real numbers, unread, if it lies in this file and its size can be true."""
    for part in name.strip("/").split("/")[:-1]:
        group = local_member(group, part)
    dataset = local_member(group, name.strip("/").split("/")[-1])
    if not isinstance(dataset, foreign_h5py().Dataset):
        raise DataError(f"{name!r:.60} is not a dataset")
    _check_storage(dataset)
    if dataset.dtype.kind not in "iufb" or dataset.dtype.itemsize > 8:
        raise DataError(f"{name!r:.60} holds {dataset.dtype!s:.60}, expected real numbers")
    kind = dataset.id.get_type()
    if dataset.dtype.kind != "b" and not kind.equal(foreign_h5py().h5t.py_create(dataset.dtype)):
        raise DataError(f"{name!r:.60} holds numbers of no usual kind, like {dataset.dtype} but not the same: damaged?")
    return dataset


def _check_storage(dataset: Any) -> None:
    """Refuse a dataset that lies elsewhere, claims more than the file can hold, or needs a filter that is missing."""
    name = str(dataset.name)
    if dataset.external or dataset.is_virtual:
        raise DataError(f"{name!r:.60} is stored in another file, which is not read")
    if dataset.shape is None:
        raise DataError(f"{name!r:.60} is empty")
    known_shape(tuple(int(size) for size in dataset.shape))
    claimed = math.prod(dataset.shape) * max(1, dataset.dtype.itemsize)
    stored = dataset.id.get_storage_size()
    if claimed > NEGLIGIBLE_BYTES + MAX_EXPANSION * stored or (
        dataset.chunks is None and claimed > NEGLIGIBLE_BYTES + stored
    ):
        raise DataError(f"{name!r:.60} claims {claimed} bytes and stores {stored}")
    if stored > dataset.file.id.get_filesize():
        raise DataError(f"{name!r:.60} stores {stored} bytes in a file of {dataset.file.id.get_filesize()}")
    if dataset.chunks is not None and math.prod(dataset.chunks) * dataset.dtype.itemsize > _MAX_CHUNK_BYTES:
        raise DataError(f"{name!r:.60} comes in pieces of {dataset.chunks}, more than {_MAX_CHUNK_BYTES} bytes each")
    _check_address(dataset, name)
    plist = dataset.id.get_create_plist()
    for code in (plist.get_filter(i)[0] for i in range(plist.get_nfilters())):
        if not foreign_h5py().h5z.filter_avail(code):
            remedy = "pip install hdf5plugin, and import it first"
            raise DataError(f"{name!r:.60} is compressed with HDF5 filter {code}, which is not installed: {remedy}")


def _check_address(dataset: Any, name: str) -> None:
    """Refuse data in one piece that cover tables of the file itself: the library does not notice a wrong address."""
    start = dataset.id.get_offset()
    if start is None:
        return
    end = start + dataset.id.get_storage_size()
    with (
        open_regular(dataset.file.filename) as stored,
        mmap.mmap(stored.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        for low, high in ((start, min(end, start + _SEARCHED_BYTES)), (max(start, end - _SEARCHED_BYTES), end)):
            if any(content.find(signature, low, high) >= 0 for signature in _TABLE_SIGNATURES):
                raise DataError(f"{name!r:.60} covers tables of the file: the address of its data is damaged")


def _check_chunks(dataset: Any) -> None:
    """Refuse pieces outside of the data, and those stored as they are but not in their size: their index is damaged."""
    if dataset.chunks is None or 0 in dataset.shape:
        return
    name = str(dataset.name)
    grid = [range(0, size, step) for size, step in zip(dataset.shape, dataset.chunks, strict=True)]
    few = math.prod(map(len, grid)) <= _FEW_CHUNKS  # so few that each is looked up where it has to be
    there = [dataset.id.get_chunk_info_by_coord(corner) for corner in product(*grid)] if few else []
    count = dataset.id.get_num_chunks()
    if count > _MAX_CHUNKS or (few and sum(one.size > 0 for one in there) != count):
        raise DataError(
            f"{name!r:.60} has an index of {count} pieces that does not fit its shape {dataset.shape}: damaged"
        )
    chunk_bytes = math.prod(dataset.chunks) * dataset.dtype.itemsize
    skipped = (1 << dataset.id.get_create_plist().get_nfilters()) - 1
    wrong: list[int] = []

    def look(piece: Any) -> bool | None:
        corner = zip(piece.chunk_offset, dataset.shape, dataset.chunks, strict=True)
        inside = all(start < size and start % step == 0 for start, size, step in corner)
        if not inside or (piece.filter_mask & skipped == skipped and piece.size != chunk_bytes):
            wrong.append(int(piece.size))
        return bool(wrong) or None  # True ends the search

    dataset.id.chunk_iter(look)
    if wrong:
        raise DataError(f"{name!r:.60} has a piece of {wrong[0]} bytes in a wrong place or of a wrong size: damaged")


def _all_objects(file: Any) -> Iterator[Any]:
    """Yield all groups and datasets of a file, each once; links to other files are refused."""
    h5py = foreign_h5py()
    waiting, seen = [file], set[int]()
    while waiting:
        group = waiting.pop()
        yield group
        for name in member_names(group):
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise DataError(f"{name!r:.60} is a link to another file, which is not followed")
            if not isinstance(link, h5py.HardLink):
                continue
            one = group[name]
            address = h5py.h5o.get_info(one.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > _MAX_OBJECTS:
                raise DataError(f"has more than the {_MAX_OBJECTS} objects that are read")
            if isinstance(one, h5py.Group):
                waiting.append(one)
            elif isinstance(one, h5py.Dataset):
                yield one


def check_hdf5(path: str | PathLike[str]) -> None:
    """Refuse an HDF5 file, meant for another reader, that leads out of itself or claims more than it holds."""
    with open_hdf5(path) as file:
        for one in _all_objects(file):
            if len(one.attrs) > _MAX_MEMBERS:
                many = f"{len(one.attrs)} attributes, more than the {_MAX_MEMBERS} that are read"
                raise DataError(f"{one.name!r:.60} has {many}")
            for name in one.attrs:
                _check_attribute(one.attrs.get_id(name), name)
            if hasattr(one, "chunks") and one.shape is not None:
                _check_storage(one)


def _check_attribute(found: Any, name: str) -> None:
    """Refuse an attribute of more than 16 MiB, or of lists of any length, which the library cannot be trusted with."""
    h5t = foreign_h5py().h5t
    claimed = math.prod(found.shape or ()) * max(1, found.dtype.itemsize)
    if claimed > _MAX_ATTRIBUTE_BYTES:
        raise DataError(f"attribute {name!r:.60} claims {claimed} bytes")
    kind = found.get_type()
    if kind.get_class() == h5t.VLEN and kind.get_super().get_class() != h5t.REFERENCE:
        raise DataError(f"attribute {name!r:.60} holds {found.dtype!s:.40} of any length, expected text or numbers")


def plain_attribute(thing: Any, name: str, default: Any = None) -> Any:
    """Return an attribute as a plain value: text, number, truth value or list of them."""
    if name not in thing.attrs:
        return default
    _check_attribute(thing.attrs.get_id(name), name)
    return _plain_value(thing.attrs[name])


def _plain_value(value: Any) -> Any:
    """Return a value of HDF5 or NumPy as one of Python, or None for what is no plain value."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        return (
            _plain_value(value[()])
            if value.shape == ()
            else [_plain_value(item) for item in value.ravel()[: _MAX_METADATA_LIST + 1]]
        )
    return value if isinstance(value, (str, bool, int, float)) else None


def flatten_metadata(tree: Mapping[Any, Any]) -> dict[str, Any]:
    """Return nested metadata as plain values by dotted names, without long lists and texts and what is too many."""
    found: dict[str, Any] = {}
    waiting: list[tuple[str, Mapping[Any, Any], int]] = [("", tree, 0)]
    while waiting and len(found) < MAX_ENTRIES:
        place, node, depth = waiting.pop()
        for key, value in node.items():
            name = f"{place}{str(key)[:100]}"
            if isinstance(value, Mapping):
                if depth < MAX_DEPTH and len(waiting) < MAX_ENTRIES:
                    waiting.append((f"{name}.", value, depth + 1))
            elif len(found) < MAX_ENTRIES and _is_small_metadata(item := plain_or_tuple(value)):
                found[name] = item
    return found


def plain_or_tuple(value: Any) -> Any:
    """Return a plain value, or a tuple of plain values, or None."""
    if isinstance(value, (list, tuple)):
        return tuple(_plain_value(item) for item in value[: _MAX_METADATA_LIST + 1])
    value = _plain_value(value)
    return tuple(value) if isinstance(value, list) else value


def _is_small_metadata(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_METADATA_TEXT
    if isinstance(value, tuple):
        return 0 < len(value) <= _MAX_METADATA_LIST and all(
            item is not None and _is_small_metadata(item) for item in value
        )
    return value is not None
