"""Arrays of a file: which ones there can be, and what JSON makes of them."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.errors import DataError, InputError

_STORABLE_DTYPES = ("<f8", "<i8", "|b1", "<c16", "|u1", "|i1", "<i4", "<u4", "<u8", "<i2", "<u2", "<f4")
_MAX_AXES = 8


def storable_array(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array little-endian and in C order, if it holds numbers or truth values."""
    little = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    if little.dtype.str not in _STORABLE_DTYPES:
        raise InputError(f"cannot save an array of {array.dtype}: expected numbers or truth values")
    return little


def known_dtype(text: Any) -> np.dtype[Any]:
    """Return the dtype of this name, if it is one that a file of ours may hold."""
    if text not in _STORABLE_DTYPES:
        raise DataError(f"holds an array of {text!r:.40}, which is not read")
    return np.dtype(text)


def known_shape(shape: Any) -> tuple[int, ...]:
    """Return a shape of a few axes, none negative."""
    if not isinstance(shape, (list, tuple)) or len(shape) > _MAX_AXES:
        raise DataError(f"expected the shape of an array, got {shape!r:.60}")
    for size in shape:
        if type(size) is not int or not 0 <= size < 2**48:
            raise DataError(f"expected the shape of an array, got {shape!r:.60}")
    return tuple(shape)


def frozen_array(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array read-only, as records hold theirs."""
    array.flags.writeable = False
    return array


def array_to_json(_place: str, array: NDArray[Any]) -> dict[str, Any]:
    """Return an array as JSON: its dtype, shape and flat data; infinite numbers as text, complex ones as pairs."""
    array = storable_array(array)
    flat = array.ravel()
    if flat.dtype.kind == "c":
        flat = flat.view(np.float64)
    data = flat.tolist()
    if flat.dtype.kind == "f":
        data = [item if math.isfinite(item) else repr(item) for item in data]
    return {"$array": array.dtype.str, "shape": list(array.shape), "data": data}


def array_from_json(node: dict[str, Any]) -> NDArray[Any] | None:
    """Return the array of a JSON node, or None if it is no array; data that do not fill it are a DataError."""
    if "$array" not in node:
        return None
    if "left_out" in node:
        raise DataError("is the output of --json without its large arrays: --save FILE keeps them")
    dtype, shape, data = known_dtype(node["$array"]), known_shape(node.get("shape")), node.get("data")
    wanted = math.prod(shape) * (2 if dtype.kind == "c" else 1)
    if not isinstance(data, list) or len(data) != wanted:
        raise DataError(f"an array of shape {shape} needs {wanted} numbers, got {data!r:.60}")
    allowed = {"f": (int, float, str), "c": (int, float, str), "b": (bool,)}.get(dtype.kind, (int,))
    for item in data:
        wrong_text = isinstance(item, str) and item not in ("inf", "-inf", "nan")
        if type(item) not in allowed or wrong_text:
            raise DataError(f"expected numbers of type {dtype}, got {item!r:.60}")
    try:
        flat = np.array(data, dtype=np.float64 if dtype.kind == "c" else dtype)
    except (OverflowError, ValueError) as err:
        raise DataError(f"numbers do not fit into {dtype}: {err}") from err
    return frozen_array((flat.view(np.complex128) if dtype.kind == "c" else flat).reshape(shape))
