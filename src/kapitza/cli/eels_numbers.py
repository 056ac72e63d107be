"""Numbers with an uncertainty, as options give them."""

import math
import re

from kapitza.errors import InputError
from kapitza.io.quantities import quantity

UNCERTAIN = re.compile(r"(?P<value>.+?)\s*(?:\+-|\+/-|±)\s*(?P<sigma>.+)")
UNIT = re.compile(r"[A-Za-zµμ°%Å].*")


def uncertain(text: str, kind: str, *, what: str) -> tuple[float, float]:
    """Return a number and its uncertainty from ``12.4nm+-0.3nm``, ``60±15`` or ``60 W/mK``."""
    match = UNCERTAIN.fullmatch(text.strip())
    if match is None:
        return quantity(number_of(text), kind, what=what), 0.0
    sigma = match["sigma"].strip()
    value = quantity(number_of(match["value"]), kind, what=what)
    if sigma.endswith("%"):
        return value, abs(value) * quantity(sigma, "share", what=what)
    # a bare number on one side of the sign is in the unit of the other: 12.4 +- 0.3 nm
    unit = UNIT.search(strip_exponent(sigma))
    if unit is not None and UNIT.search(strip_exponent(match["value"])) is None:
        value = quantity(match["value"].strip() + unit[0], kind, what=what)
    own = UNIT.search(strip_exponent(match["value"]))
    if own is not None and unit is None:
        sigma += own[0]
    found = quantity(number_of(sigma), kind, what=what)
    if found < 0:
        raise InputError(f"{what} = {text!r:.60}: expected an uncertainty of 0 or more")
    return value, found


def strip_exponent(text: str) -> str:
    """Text without the exponent of a number, whose letter is no unit."""
    return re.sub(r"(?<=[\d.])[eE](?=[-+]?\d)", "", text)


def number_of(text: str) -> str | float:
    """A bare number as such, everything else as the text it is."""
    try:
        return float(text)
    except ValueError:
        return text.strip()


def with_error(value: float, sigma: float) -> str:
    """A number with its uncertainty, both to the second digit of the latter: ``14.27 ± 0.36``, ``820 ± 210``."""
    if not (math.isfinite(value) and math.isfinite(sigma) and sigma > 0):
        return f"{value:.4g} ± {sigma:.2g}"
    digits = 1 - math.floor(math.log10(sigma))
    if digits < 0:
        value, sigma, digits = round(value, digits), round(sigma, digits), 0
    return f"{value:.{digits}f} ± {sigma:.{digits}f}"


def chance(value: float) -> str:
    """A probability; what is smaller than anybody believes is called that."""
    return f"{value:.2g}" if value >= 1e-9 else "below 1e-9"


def short(value: float) -> str:
    """A number to three digits, without an exponent where people read none: ``1090``."""
    return f"{float(f'{value:.3g}'):g}"
