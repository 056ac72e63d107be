"""Save and load results: one header, three formats, never half a file."""

from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from kapitza import __version__
from kapitza.core.files import read_limited, regular_file_size, write_atomically
from kapitza.errors import DataError
from kapitza.io.formats import arrays as stored_arrays
from kapitza.io.formats import files
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.formats.records import list_array, pack, unpack

_FORMAT_NAME = "kapitza"
_FORMAT_VERSION = 2
_UNSEALED_VERSION = 1  # of files of version 0.1, and of what --json prints


def save(result: Any, path: str | PathLike[str]) -> Path:
    """Save a result, or a tuple or dict of results, in the format that the name asks for.

    Every file has one header: format, its version, type, method, version of kapitza, date, and the unit of each field.
    All formats keep every bit, and carry a SHA-256 over the bytes of the file, which `load` compares.  The file is
    written under another name and moved into place, so that a crash leaves the old file or the new one, never a part of
    it.

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
        for another ending, something that is not a result, or a path of a folder
    OSError
        if the file cannot be written
    MissingEngine
        for HDF5 without h5py
    """
    return write_atomically(path, encode_result(result, files.known_suffix(path, RESULT_SUFFIXES)))


def load(path: str | PathLike[str]) -> Any:
    """Return what `save` wrote: records equal to the saved ones bit by bit; lists come back as tuples.

    Files are taken as hostile: nothing in them is run, sizes are checked before memory is asked for, and every record
    passes the checks of its own type.

    Raises
    ------
    DataError
        if the file is damaged (its checksum does not fit), of a newer format, or no result at all; the message names
        the file.  Files of version 0.1 have no checksum
    InputError
        for an ending that is not ``.json``, ``.npz`` or ``.h5``, or what is not a path
    MissingFile
        if there is no such file (a FileNotFoundError too)
    OSError
        if the file cannot be read
    MissingEngine
        for HDF5 without h5py
    """
    suffix = files.known_suffix(path, RESULT_SUFFIXES)
    regular_file_size(path)  # one error for a missing or locked file, whatever the format
    try:
        return decode_result(path, suffix)
    except DataError as err:
        if err.file is not None:
            raise
        raise DataError(str(err), file=path) from err


def file_header(result: Any, version: int = _FORMAT_VERSION) -> dict[str, Any]:
    """Return what stands at the head of every file."""
    return {
        "format": _FORMAT_NAME,
        "format_version": version,
        "type": type(result).__name__,
        "method": str(getattr(result, "method", "")),
        "kapitza": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def result_tree(result: Any) -> dict[str, Any]:
    """Return what a saved JSON file would hold, with the shapes of large arrays in their place: what --json prints."""
    return file_header(result, _UNSEALED_VERSION) | {"result": pack(result, list_array)}


def encode_result(result: Any, suffix: str) -> bytes:
    """Return the bytes of a file of this ending."""
    if suffix == ".json":
        return files.seal(
            files.dump_json(
                {"checksum": files.EMPTY_SEAL}
                | file_header(result)
                | {"result": pack(result, stored_arrays.array_to_json)}
            )
        )
    arrays: dict[str, NDArray[Any]] = {}

    def store(place: str, array: NDArray[Any]) -> dict[str, str]:
        name = place or "value"
        arrays[name] = array
        return {"$stored": name}

    tree = file_header(result) | {"result": pack(result, store)}
    header = files.dump_json(tree)
    if suffix == ".npz":
        return files.seal(stored_arrays.npz_bytes(header, arrays, files.EMPTY_SEAL))
    return files.seal(stored_arrays.own_hdf5_bytes(header, arrays, stored_units(tree["result"]), files.EMPTY_SEAL))


def stored_units(node: Any) -> dict[str, str]:
    """Units of the stored arrays by their names."""
    stored: dict[str, str] = {}
    if isinstance(node, dict):
        units, fields = node.get("units", {}), node.get("fields")
        for key, value in fields.items() if isinstance(fields, dict) else ():
            if isinstance(value, dict) and "$stored" in value:
                stored[value["$stored"]] = units.get(key, "")
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        stored |= stored_units(value)
    return stored


def decode_result(path: str | PathLike[str], suffix: str) -> Any:
    """Return the result that a file of this ending holds; its checksum is compared before anything is read from it."""
    sealed = files.check_seal(path, text=suffix == ".json")
    if suffix == ".json":
        tree = files.parse_json(read_limited(path, files.MAX_JSON_BYTES))
        return unpack(result_of_header(tree, sealed=sealed), stored_arrays.array_from_json)
    header, arrays = stored_arrays.read_npz(path) if suffix == ".npz" else stored_arrays.read_own_hdf5(path)

    def fetch(node: dict[str, Any]) -> NDArray[Any] | None:
        if "$stored" not in node:
            return None
        name = node["$stored"]
        if not isinstance(name, str) or name not in arrays:
            raise DataError(f"has no array {name!r:.60}")
        return arrays[name]

    return unpack(result_of_header(files.parse_json(header), sealed=sealed), fetch)


def result_of_header(tree: Any, *, sealed: bool) -> Any:
    """Return the result of a file whose header is ours and not newer than this program."""
    if not isinstance(tree, dict) or tree.get("format") != _FORMAT_NAME or "result" not in tree:
        raise DataError('is not a result of kapitza: its header does not say "format": "kapitza"')
    version = tree.get("format_version")
    if type(version) is not int or version < 1:
        raise DataError(f"has the format version {version!r:.40}, expected 1 to {_FORMAT_VERSION}")
    if version > _FORMAT_VERSION:
        raise DataError(
            f"was written in format {version} by kapitza {tree.get('kapitza')!r:.20}; this one reads up to "
            f"{_FORMAT_VERSION}: install a newer kapitza"
        )
    if version > _UNSEALED_VERSION and not sealed:
        raise DataError("damaged: it has lost its checksum; restore it from a copy")
    return tree["result"]
