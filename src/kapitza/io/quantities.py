"""Numbers with units as they stand in files and options: the door at which they become SI.

``"80 nm"``, ``"9.1 MHz"``, ``"120 MW/m2K"``; a bare number is SI.  A unit of another kind is refused with both named.
"""

import math
import re

from kapitza.core.quantity_kinds import QUANTITY_KINDS, kind_of, unit_factor
from kapitza.errors import InputError

__all__ = ["NUMBER_AND_UNIT", "parse_uncertain", "quantity", "share_or_quantity", "stepped_range"]

NUMBER_AND_UNIT = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")

_UNCERTAIN_PATTERN = re.compile(r"(?P<value>.+?)\s*(?:\+-|\+/-|±)\s*(?P<sigma>.+)")
_EXPONENT_LETTER = re.compile(r"(?<=[\d.])[eE](?=[-+]?\d)")  # of a number, which is no unit
_UNIT_PATTERN = re.compile(r"[A-Za-zµμ°%Å].*")

_SMALLEST, _LARGEST = 1e-60, 1e60  # in SI: squares, cubes and quotients of such numbers are still floats

_CELSIUS = "°C", "degC", "C"


def quantity(value: object, kind: str, *, what: str = "number") -> float:
    """Return a number, or a text such as "80 nm", in SI; `kind` is in `QUANTITY_KINDS`, `what` is for messages."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            value = found = float(value)
        except OverflowError:  # an integer beyond all floats
            value = found = math.inf
    else:
        match = NUMBER_AND_UNIT.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            units = QUANTITY_KINDS[kind].accepted
            unit = next((u for u, size in units.items() if u and size != 1.0), next(iter(units)))
            example = repr(f"10 {unit}")
            raise InputError(f"{what} = {value!r:.60}: expected a number in SI or a text such as {example}")
        factor = 1.0 if not match[2] else unit_factor(match[2], kind)
        if factor is None:
            other = kind_of(match[2])
            said = f"is a unit of {other.replace('_', ' ')}" if other else "is not a known unit"
            hint = " (a temperature in °C and 273.15)" if match[2] in _CELSIUS and kind == "temperature" else ""
            expected = f"expected {kind.replace('_', ' ')}, {known_units(kind)}{hint}"
            raise InputError(f"{what} = {value!r:.60}: {match[2]!r} {said}; {expected}")
        found = float(match[1]) * factor
    if not math.isfinite(found):
        raise InputError(f"{what} = {value!r:.60}: expected a finite number")
    if found and not _SMALLEST <= abs(found) <= _LARGEST:
        raise InputError(
            f"{what} = {value!r:.60}: no quantity is so {'large' if abs(found) > 1 else 'small'}; expected 0, or a "
            f"number between {_SMALLEST:g} and {_LARGEST:g} in SI"
        )
    return found


def stepped_range(start: float, stop: float, step: float, *, what: str, most: int) -> list[float]:
    """Numbers from `start` up by `step`, with `stop` where a step meets it; `most` of them, `what` is for messages."""
    if not start < stop:
        raise InputError(f"{what} runs from {start:g} to {stop:g}: expected start:stop:step with start below stop")
    if not (math.isfinite(step) and step > 0):
        raise InputError(f"{what} has the step {step:g}: expected one above 0")
    count = (stop - start) / step
    if count >= most:
        raise InputError(f"{what} has {count:.3g} points: expected at most {most:,}")
    return [start + i * step for i in range(int(count + 1e-9) + 1)]


def share_or_quantity(value: object, kind: str, *, what: str) -> tuple[float, bool]:
    """Return an uncertainty and whether it is a share: "3 %" or "2 nm"."""
    if isinstance(value, str) and value.strip().endswith("%"):
        return quantity(value, "share", what=what), True
    return quantity(value, kind, what=what), False


def parse_uncertain(text: str, kind: str, *, what: str) -> tuple[float, float]:
    """Return a number and its uncertainty from ``12.4nm+-0.3nm``, ``60±15`` or ``60 W/mK``."""
    match = _UNCERTAIN_PATTERN.fullmatch(text.strip())
    if match is None:
        return quantity(_parse_bare_number(text), kind, what=what), 0.0
    sigma = match["sigma"].strip()
    value = quantity(_parse_bare_number(match["value"]), kind, what=what)
    if sigma.endswith("%"):
        share = quantity(sigma, "share", what=what)
        if share < 0:
            raise InputError(f"{what} = {text!r:.60}: expected an uncertainty of 0 or more")
        return value, abs(value) * share
    # a bare number on one side of the sign is in the unit of the other: 12.4 +- 0.3 nm
    unit, unit_of_value = (_UNIT_PATTERN.search(_EXPONENT_LETTER.sub("", part)) for part in (sigma, match["value"]))
    if unit is not None and unit_of_value is None:
        value = quantity(match["value"].strip() + unit[0], kind, what=what)
    if unit_of_value is not None and unit is None:
        sigma += unit_of_value[0]
    uncertainty = quantity(_parse_bare_number(sigma), kind, what=what)
    if uncertainty < 0:
        raise InputError(f"{what} = {text!r:.60}: expected an uncertainty of 0 or more")
    return value, uncertainty


def _parse_bare_number(text: str) -> str | float:
    """A bare number as such, everything else as the text it is."""
    try:
        return float(text)
    except ValueError:
        return text.strip()


def known_units(kind: str) -> str:
    """Return the units of a kind in words."""
    return "in " + ", ".join(unit or "plain numbers" for unit in QUANTITY_KINDS[kind].accepted)


def first_unit(kind: str) -> str:
    """Return the SI unit of a kind in words, and that there are others."""
    unit, *others = QUANTITY_KINDS[kind].accepted
    if not unit:
        return f"a plain number or in {', '.join(others)}"
    return f"in {unit} or another unit" if others else f"in {unit}"
