"""JSON without traps, and the endings of the files of results."""

import json
from collections.abc import Callable, Collection
from typing import Any

from kapitza.core.files import file_path
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
    """Return a float, or refuse one that is too large for any quantity."""
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
