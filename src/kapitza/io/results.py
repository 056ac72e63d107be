"""Save and load results: one header, three formats, never half a file."""

from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from kapitza import __version__
from kapitza.errors import DataError, InputError
from kapitza.io import hdf5, npz, text
from kapitza.io.arrays import as_json, from_json
from kapitza.io.files import ordinary_size, read_limited, write_whole
from kapitza.io.tree import UNITS, packed, unpacked

FORMAT = "kapitza"
VERSION = 1
SUFFIXES = (".json", ".npz", ".h5", ".hdf5")


def save(result: Any, path: str | PathLike[str]) -> Path:
    """Save a result, or a tuple or dict of results, in the format that the name asks for.

    Every file has one header: format, its version, type, method, version of kapitza, date, and the unit of each field.
    All formats keep every bit.  The file is written under another name and moved into place, so that a crash leaves the
    old file or the new one, never a part of it.

    Parameters
    ----------
    result : a record such as `Transmission`, `Conductance`, `Profile` or `Stack`; tuples and dicts of records
    path : ending in ``.json`` (small, readable), ``.npz`` or ``.h5`` (arrays; needs h5py)

    Returns
    -------
    the path that was written

    Raises
    ------
    InputError
        for another ending, something that is no result, or a path that is no file
    OSError
        if the file cannot be written
    MissingEngine
        for HDF5 without h5py
    """
    return write_whole(path, encoded(result, suffix_of(path)))


def load(path: str | PathLike[str]) -> Any:
    """Return what `save` wrote: records equal to the saved ones bit by bit; lists come back as tuples.

    Files are taken as hostile: nothing in them is run, sizes are checked before memory is asked for, and every record
    passes the checks of its own type.

    Raises
    ------
    DataError
        if the file is damaged, of a newer format, or no result at all; the message names the file
    InputError
        for an ending that is none of ``.json``, ``.npz``, ``.h5``
    OSError
        if the file cannot be read
    MissingEngine
        for HDF5 without h5py
    """
    suffix = suffix_of(path)
    ordinary_size(path)
    with Path(path).open("rb"):
        pass  # one error for a missing or locked file, whatever the format
    try:
        return decoded(path, suffix)
    except DataError as err:
        if err.file is not None:
            raise
        raise DataError(str(err), file=path) from err


def suffix_of(path: str | PathLike[str]) -> str:
    """Return the ending of a file name, if it is one of a format."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"the ending of {str(path)!r} says no format: expected .json, .npz or .h5")
    return suffix


def header_of(result: Any) -> dict[str, Any]:
    """Return what stands at the head of every file."""
    return {
        "format": FORMAT,
        "format_version": VERSION,
        "type": type(result).__name__,
        "method": str(getattr(result, "method", "")),
        "kapitza": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def encoded(result: Any, suffix: str) -> bytes:
    """Return the bytes of a file of this ending."""
    if suffix == ".json":
        return text.dumped(header_of(result) | {"result": packed(result, as_json)})
    arrays: dict[str, NDArray[Any]] = {}

    def store(place: str, array: NDArray[Any]) -> dict[str, str]:
        name = place or "value"
        arrays[name] = array
        return {"$stored": name}

    tree = header_of(result) | {"result": packed(result, store)}
    header = text.dumped(tree)
    if suffix == ".npz":
        return npz.written(header, arrays)
    return hdf5.written(header, arrays, stored_units(tree["result"]))


def stored_units(node: Any) -> dict[str, str]:
    """Units of the stored arrays by their names."""
    found: dict[str, str] = {}
    if isinstance(node, list):
        for item in node:
            found |= stored_units(item)
    if isinstance(node, dict):
        units = UNITS.get(str(node.get("type")), {})
        fields = node.get("fields")
        for key, value in fields.items() if isinstance(fields, dict) else ():
            if isinstance(value, dict) and "$stored" in value:
                found[value["$stored"]] = units.get(key, "")
        for value in node.values():
            found |= stored_units(value)
    return found


def decoded(path: str | PathLike[str], suffix: str) -> Any:
    """Return the result that a file of this ending holds."""
    if suffix == ".json":
        return unpacked(checked(text.parsed(read_limited(path, text.LARGEST))), from_json)
    header, arrays = npz.read(path) if suffix == ".npz" else hdf5.read(path)

    def fetch(node: dict[str, Any]) -> NDArray[Any] | None:
        if "$stored" not in node:
            return None
        name = node["$stored"]
        if not isinstance(name, str) or name not in arrays:
            raise DataError(f"has no array {name!r:.60}")
        return arrays[name]

    return unpacked(checked(text.parsed(header)), fetch)


def checked(tree: Any) -> Any:
    """Return the result of a file whose header is ours and not newer than this program."""
    if not isinstance(tree, dict) or tree.get("format") != FORMAT or "result" not in tree:
        raise DataError('is no result of kapitza: its header does not say "format": "kapitza"')
    version = tree.get("format_version")
    if type(version) is not int or version < 1:
        raise DataError(f"has the format version {version!r:.40}, expected 1 to {VERSION}")
    if version > VERSION:
        raise DataError(
            f"was written in format {version} by kapitza {tree.get('kapitza')!r:.20}; this one reads up to {VERSION}: "
            "install a newer kapitza"
        )
    return tree["result"]
