"""JSON without traps: no NaN literals, no overflow to infinity, no endless nesting."""

import json
import math
from collections.abc import Callable
from typing import Any

from kapitza.errors import DataError

LARGEST = 2**28  # bytes of JSON; arrays beyond that belong into .npz or .h5


def dumped(tree: Any, *, indent: int | None = 1) -> bytes:
    """Return a tree of plain values as JSON; floats keep every digit."""
    return (json.dumps(tree, indent=indent, ensure_ascii=False, allow_nan=False) + "\n").encode()


def refused(text: str) -> Any:
    """Refuse what is no JSON although Python's reader takes it."""
    raise DataError(f"holds {text}, which is no JSON")


def parsed(data: bytes, *, constant: Callable[[str], Any] = refused) -> Any:
    """Return what a JSON text holds; `constant` says what NaN and Infinity stand for, which are no JSON.

    Raises
    ------
    DataError
        if it is no JSON, holds NaN, Infinity or a number too large for a float, or is nested without end
    """
    if len(data) > LARGEST:
        raise DataError(f"has {len(data)} bytes of JSON, more than the {LARGEST} that are read")
    try:
        return json.loads(data.decode(), parse_constant=constant, parse_float=finite_float)
    except UnicodeDecodeError as err:
        raise DataError(f"is no JSON: byte {err.start} is no text") from err
    except json.JSONDecodeError as err:
        raise DataError(f"is no JSON in line {err.lineno}: {err.msg}") from err
    except RecursionError as err:
        raise DataError("is nested too deeply: this is no result of kapitza") from err
    except ValueError as err:
        if isinstance(err, DataError):
            raise
        raise DataError(f"holds a number that cannot be read: {err}") from err


def finite_float(text: str) -> float:
    """Return a float, or refuse one that is too large."""
    value = float(text)
    if not math.isfinite(value):
        raise DataError(f"holds {text:.40}, which is too large for a float")
    return value
