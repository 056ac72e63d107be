"""Arrays are checked once, at the door: converters and validators of the records."""

import copyreg
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kapitza.core.quantity_kinds import LARGEST
from kapitza.errors import Hint, InputError

__all__ = [
    "Array",
    "BoolArray",
    "ComplexArray",
    "IntArray",
    "about",
    "above_zero",
    "check_filled",
    "number",
    "numbers",
    "one_of",
    "one_temperature",
    "temperatures",
]

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
AnyComplexArray = NDArray[np.complexfloating]  # single precision too, as LAPACK returns it
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
Int32Array = NDArray[np.int32]
IndexArray = NDArray[np.intp]

_COLDEST, _HOTTEST = 1e-12, 1e12  # K, far beyond what a laboratory has
_POSSIBLE_TEMPERATURES = f"temperatures of {_COLDEST:g} to {_HOTTEST:g} K"


def about(unit: str, meaning: str) -> dict[str, str]:
    """Metadata of an attribute: its SI unit, and what it is in the few words of a table."""
    return {"unit": unit, "meaning": meaning}


def parameter(unit: str, meaning: str, *names: str) -> dict[str, Any]:
    """Metadata of an attribute that a fit may vary, by its own name or by `names`: SI unit and meaning, as of `about`.

    `kapitza.core.parameter_units` has the units by name; a test compares both.
    """
    return {**about(unit, meaning), "parameters": names}


def without_unit(value: Any, unit: str = "") -> Any:
    """Return a number with a unit, as of pint or astropy, or several, as plain numbers in `unit`; others as they are.

    NumPy would drop the unit.  `unit` is "" where a plain number is meant, so that only what has no dimension passes.
    """
    if isinstance(value, list | tuple):
        several = cast("Sequence[Any]", value)
        return [without_unit(one, unit) for one in several] if has_unit(several) else value
    if not has_unit(value):
        return value
    try:
        same = value.to(unit)
    except Exception as err:
        if unit:
            raise InputError(f"expected a number that can be given in {unit}, got {value!s:.60}") from err
        raise InputError(
            f"expected a plain number in SI, got {value!s:.60}:",
            hint=Hint(python="in pint, value.to_base_units().magnitude; angular frequencies are in rad/s"),
        ) from err
    return same.magnitude if hasattr(same, "magnitude") else same.value


def has_unit(value: Any) -> bool:
    """Whether a value, or the first of a list or tuple, converts itself to another unit."""
    if isinstance(value, list | tuple):
        return bool(value) and has_unit(value[0])
    return hasattr(value, "to") and (hasattr(value, "units") or hasattr(value, "unit"))


def unit_text(value: Any) -> str:
    """Return the unit that a value, or the first of several, has itself."""
    if isinstance(value, list | tuple):
        return unit_text(value[0])
    return str(value.units if hasattr(value, "units") else value.unit)


def _float_array(value: ArrayLike, wanted: str, ndmin: int = 0) -> tuple[Array, ArrayLike]:
    """Return `value` as an array of floats, and as it is without a unit; what is `wanted` is for the message."""
    value = without_unit(value)
    try:
        return np.array(value, dtype=float, ndmin=ndmin), value
    except (TypeError, ValueError, OverflowError) as err:
        raise InputError(f"expected {wanted}, got {value!r:.60}") from err


def _all_good(array: Array, good: BoolArray, wanted: str, unit: str = "") -> Array:
    """Return an array all of whose numbers are good; an InputError names the first that is not."""
    if not good.all():
        raise InputError(f"expected {wanted}, got {array[~good][0]:g}{unit}")
    return array


def numbers(value: ArrayLike) -> Array:
    """Return `value` as a read-only 1-D array of floats, none of them NaN."""
    array, plain = _float_array(value, "numbers along one axis", ndmin=1)
    if array.ndim != 1 or np.isnan(array).any():
        raise InputError(f"expected numbers along one axis without NaN, got shape {array.shape} from {plain!r:.60}")
    return _possible(array)


def _possible(array: Array) -> Array:
    """Make an array read-only, unless a finite number of it is so large that its exponent must be a slip."""
    highest = np.fmax.reduce(array, axis=None, initial=0.0)  # reductions need no memory beside a map of spectra
    lowest = np.fmin.reduce(array, axis=None, initial=0.0)
    if highest > LARGEST or lowest < -LARGEST:
        absurd = np.isfinite(array) & (np.abs(array) > LARGEST)
        if absurd.any():
            raise InputError(f"{array[absurd][0]:g}: no quantity in SI units is beyond {LARGEST:g}")
    array.flags.writeable = False
    return array


def number(value: Any) -> float:
    """Return `value` as one float; a text or a truth value is no number."""
    plain = value
    if type(value) is not float:
        if isinstance(value, (str, bytes, bool, np.bool_)):
            hint = ": give a number in SI units, without its unit" if isinstance(value, str) else ""
            raise InputError(f"expected one number, got {value!r:.60}{hint}")
        plain = without_unit(value)
        try:
            plain = float(plain)
        except (TypeError, ValueError, OverflowError) as err:
            raise InputError(f"expected one number, got {plain!r:.60}") from err
    if LARGEST < abs(plain) < np.inf:
        raise InputError(f"{plain:g}: no quantity in SI units is beyond {LARGEST:g}")
    return plain


def check_plausible(what: str, value: float, low: float, high: float, unit: str, name: str) -> None:
    """Refuse a value that no body has: it came in another unit."""
    if not low <= value <= high:
        raise InputError(f"{name}: {what} = {value:g}, expected {low:g} to {high:g} {unit}: is it in another unit?")


def finite(value: ArrayLike) -> Array:
    """Return `value` as `numbers`, all of them finite."""
    array = numbers(value)
    return _all_good(array, np.isfinite(array), "finite numbers")


def square(value: ArrayLike) -> Array:
    """Return `value` as a read-only square matrix of finite floats."""
    array, plain = _float_array(value, "a square matrix of numbers")
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not np.isfinite(array).all():
        raise InputError(f"expected a square matrix of finite numbers, got shape {array.shape} from {plain!r:.60}")
    return _possible(array)


def float_table(value: ArrayLike) -> Array:
    """Return `value` as a read-only table of floats along two axes; NaN stands where there is no value."""
    array, _ = _float_array(value, "numbers along two axes")
    if array.ndim != 2 or np.isinf(array).any():
        raise InputError(f"expected finite numbers (or NaN) along two axes, got shape {array.shape}")
    array.flags.writeable = False
    return array


def finite_table(value: ArrayLike) -> Array:
    """Return `value` as a read-only table (n, m) of finite numbers."""
    array = real_array(value)
    if array.ndim != 2 or not np.isfinite(array).all():
        raise InputError(f"expected a finite table (n, m), got shape {array.shape}")
    return array


def real_array(value: ArrayLike) -> Array:
    """Return `value` as a read-only array of floats of any shape; NaN stands where there is no value."""
    return _possible(np.array(without_unit(value), dtype=float))


def finite_array(value: ArrayLike) -> Array:
    """Return `value` as a read-only array of finite floats of any shape."""
    array = real_array(value)
    if not np.isfinite(array).all():
        raise InputError(
            f"expected finite numbers, got an array of shape {array.shape} with {np.isnan(array).sum()} NaN"
        )
    return array


def integer_array(value: ArrayLike) -> IntArray:
    """Return `value` as a read-only array of integers of any shape."""
    array = np.array(without_unit(value))
    integers = np.array(np.round(array), dtype=np.int64)
    if not np.array_equal(array, integers):
        raise InputError(f"expected integers, got {value!r:.60}")
    integers.flags.writeable = False
    return integers


def labels(value: ArrayLike) -> IndexArray:
    """Return `value` as read-only whole numbers (n,)."""
    array = np.array(value, dtype=np.intp, ndmin=1)
    array.flags.writeable = False
    return array


def positive(value: ArrayLike) -> Array:
    """Return `value` as `numbers`, all of them finite and above zero."""
    array = numbers(value)
    return _all_good(array, np.isfinite(array) & (array > 0), "finite numbers above zero")


def temperatures(value: ArrayLike) -> Array:
    """Return `value` as temperatures in K: above zero, and such as solids and liquids have."""
    array = numbers(without_unit(value, "K"))
    _all_good(array, np.isfinite(array) & (array > 0), "temperatures above 0 K", " K (°C? add 273.15)")
    possible = (array >= _COLDEST) & (array <= _HOTTEST)
    return _all_good(array, possible, _POSSIBLE_TEMPERATURES, " K")


def one_temperature(value: ArrayLike) -> float:
    """Return the one temperature in K that `value` is."""
    array = temperatures(value)
    if array.size != 1:
        raise InputError(f"expected one temperature, got {array.size} of them: call this once for each")
    return float(array[0])


def increasing(value: ArrayLike) -> Array:
    """Return `value` as finite `numbers` that increase strictly."""
    array = numbers(value)
    good = np.isfinite(array)
    good[1:] &= np.diff(array) > 0
    if not good.all():
        first = int(np.argmin(good))
        raise InputError(f"expected numbers that increase, got {array[first]:g} at index {first}")
    return array


def is_increasing(array: NDArray[Any]) -> bool:
    """Tell whether each number along an axis is above the one before; two that are infinite are not."""
    return bool((array[1:] > array[:-1]).all())


def frequencies(value: ArrayLike) -> Array:
    """Return `value` as increasing angular frequencies in rad s⁻¹, none below zero."""
    array = increasing(value)
    return _all_good(array, array >= 0, "angular frequencies from 0 upwards in rad/s")


def quantity(*, low: float = 0.0, high: float = np.inf) -> Callable[[Any, Any, float], None]:
    """Validate that a field holds one finite number above `low` and not above `high`."""

    def check(instance: Any, attribute: Any, value: float) -> None:
        if not (math.isfinite(number(value)) and low < value <= high):
            limit = f" above {low:g}" if np.isfinite(low) else ""
            limit = " of 0 or more" if -1e-99 < low < 0 else limit
            limit += f" and at most {high:g}" if np.isfinite(high) else ""
            unit = attribute.metadata.get("unit", "")
            shown = f"{value:g}" if unit in ("", "1", "SI") else f"{value:g} {unit}"
            raise InputError(f"{type(instance).__name__}: {attribute.name} = {shown}, wanted a finite number{limit}")

    return check


def one_of(*names: str) -> Callable[[Any, Any, str], None]:
    """Validate that a field is one of these words."""

    def check(instance: Any, attribute: Any, value: str) -> None:
        check_choice(value, names, attribute.name)

    return check


def check_choice(value: str, names: tuple[str, ...], what: str) -> None:
    """Refuse a word that is not one of `names`."""
    if value not in names:
        raise InputError(f"unknown {what} {value!r}: expected {' or '.join(map(repr, names))}")


def check_not_negative(name: str, value: float, unit: str = "") -> None:
    """Refuse a number that is negative or not finite."""
    if not (np.isfinite(value) and value >= 0):
        raise InputError(f"{name} = {value:g}{unit and f' {unit}'}, expected a finite number of at least 0")


def check_count(name: str, value: object) -> None:
    """Refuse what is not a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"{name} = {value!r:.60}, expected a whole number of at least 1")


def name_tuple(value: Any) -> tuple[str, ...]:
    """Return several names as a tuple; a single text is one name."""
    several = (value,) if isinstance(value, str) or not isinstance(value, Iterable) else tuple(value)
    if not all(isinstance(one, str) for one in several):
        raise InputError(f"expected a name or a list of names, got {value!r:.60}")
    return several


def find_name(name: object, known: Collection[str], what: str) -> str:
    """Return the known name that is meant, whatever its case and underscores; an InputError offers near ones."""
    wanted = str(name).strip().lower().replace("_", "-")
    if isinstance(name, str) and wanted in known:
        return wanted
    close = get_close_matches(wanted, known, n=3, cutoff=0.5) if isinstance(name, str) else []
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)}"
    raise InputError(f"no {what} {name!r:.60}; {hint}")


def check_record(value: object, kinds: type | tuple[type, ...], *, python: str) -> None:
    """Refuse what is not one of these records; `python` says how to make one, as no command passes anything else."""
    if not isinstance(value, kinds):
        names = [kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,))]
        raise InputError(
            f"expected {' or '.join(names)}, got {value!r:.60} of type {type(value).__name__}:",
            hint=Hint(python=python),
        )


def above_zero(instance: Any, attribute: Any, value: float) -> None:
    """Validate that a field is above zero; infinity is allowed."""
    if not number(value) > 0:
        raise InputError(f"{type(instance).__name__}: {attribute.name} = {value:g}, wanted above 0")


def text(instance: Any, attribute: Any, value: object) -> None:
    """Validate that a field is a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{type(instance).__name__}: {attribute.name} = {value!r:.60}, wanted a text")


def filled(instance: Any, attribute: Any, value: Array) -> None:
    """Validate that a field holds at least one number."""
    check_filled(f"{type(instance).__name__}: {attribute.name}", value)


def check_filled(name: str, value: Array) -> None:
    """Refuse an array without a number."""
    if not value.size:
        raise InputError(f"{name} is empty, expected at least one number")


def same_length(name: str) -> Callable[[Any, Any, Array], None]:
    """Validate that a field has one value for each of `name`."""

    def check(instance: Any, attribute: Any, value: Array) -> None:
        other = getattr(instance, name)
        if value.size != other.size:
            raise InputError(f"{attribute.name} has {value.size} values for {other.size} of {name}")

    return check


def read_only_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a mapping that nobody can change."""
    return MappingProxyType(dict(value))


# pickle cannot take a read-only mapping of a record to another process on its own
copyreg.pickle(MappingProxyType, lambda value: (read_only_mapping, (dict(value),)))  # pyright: ignore[reportUnknownLambdaType, reportArgumentType]
