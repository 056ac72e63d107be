"""Numbers with units: right in SI, refused with one line where the unit is of another kind."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import constants

from kapitza.core.quantity_kinds import QUANTITY_KINDS
from kapitza.errors import InputError
from kapitza.io.quantities import quantity, share_or_quantity

WELL_KNOWN = [
    ("80 nm", "length", 80e-9),
    ("80nm", "length", 80e-9),
    ("0.5 µm", "length", 5e-7),
    ("-2 ps", "time", -2e-12),
    ("9.1 MHz", "frequency", 9.1e6),
    ("120 MW/m2K", "conductance", 1.2e8),
    ("120 MW/m²K", "conductance", 1.2e8),
    ("120 MW/(m² K)", "conductance", 1.2e8),
    ("1.4 W/cmK", "conductivity", 140.0),
    ("2.43 MJ/m3K", "heat_capacity", 2.43e6),
    ("2.43 J/cm3K", "heat_capacity", 2.43e6),
    ("7 m2K/GW", "resistance", 7e-9),
    ("5 mrad", "angle", 5e-3),
    ("180 deg", "angle", np.pi),
    ("3 %", "share", 0.03),
    ("50 meV", "energy", 50e-3 * 1.602176634e-19),
    (42, "length", 42.0),
    ("1e-9", "length", 1e-9),
]


PREFIXES = {"P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "c": 1e-2, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6,
            "n": 1e-9, "p": 1e-12, "f": 1e-15, "": 1.0}  # fmt: skip
WITH_PREFIX = {"m": 1.0, "s": 1.0, "Hz": 1.0, "J": 1.0, "eV": constants.e, "N": 1.0, "W": 1.0, "rad": 1.0, "A": 1.0,
               "V": 1.0, "Ohm": 1.0, "Pa": 1.0, "g": 1e-3, "l": 1e-3}  # fmt: skip
ALONE = {"K": 1.0, "min": 60.0, "u": constants.m_u, "amu": constants.m_u, "deg": np.pi / 180, "°": np.pi / 180,
         "%": 0.01, "Å": 1e-10, "angstrom": 1e-10}  # fmt: skip
SYMBOLS = ALONE | {prefix + unit: PREFIXES[prefix] * WITH_PREFIX[unit] for prefix in PREFIXES for unit in WITH_PREFIX}
TOKEN = re.compile("(/?)(" + "|".join(sorted(map(re.escape, SYMBOLS), key=len, reverse=True)) + r")(\d?)")


def by_prefixes(unit):
    """A second road to a unit: prefixes and symbols of the SI, all after the first stroke in the denominator."""
    factor, sign, read = 1.0, 1, ""
    for stroke, symbol, power in TOKEN.findall(unit):
        sign = -1 if stroke else sign
        factor *= SYMBOLS[symbol] ** (sign * int(power or 1))
        read += stroke + symbol + power
    assert read == unit
    return factor


@pytest.mark.parametrize("kind", sorted(QUANTITY_KINDS))
def test_units_are_their_prefixes(kind):
    for unit, factor in QUANTITY_KINDS[kind].accepted.items():
        assert abs(factor / by_prefixes(unit) - 1) <= 1e-8, unit  # CODATA of two years


@pytest.mark.parametrize(("text", "kind", "value"), WELL_KNOWN)
def test_well_known_quantities(text, kind, value):
    np.testing.assert_allclose(quantity(text, kind), value, rtol=1e-14, atol=0)


@given(value=st.floats(1e-12, 1e12), kind=st.sampled_from(sorted(QUANTITY_KINDS)), data=st.data())
def test_every_unit_multiplies(value, kind, data):
    unit = data.draw(st.sampled_from(sorted(QUANTITY_KINDS[kind].accepted)))
    got = quantity(f"{value!r} {unit}", kind)
    np.testing.assert_allclose(got, value * QUANTITY_KINDS[kind].accepted[unit], rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ("80 ps", "length", "'ps' is a unit of time; expected length"),
        ("80 parsec", "length", "'parsec' is not a known unit"),
        ("eighty nm", "length", "expected a number in SI or a text such as '10 mm'"),
        (float("nan"), "length", "expected a finite number"),
        ("1e999 nm", "length", "expected a finite number"),
        (1e300, "time", "no quantity is so large; expected 0, or a number between 1e-60 and 1e\\+60 in SI"),
        ("1e-99 nm", "length", "no quantity is so small"),
        (10**400, "length", "expected a finite number"),
        pytest.param(10**5000, "length", "expected a finite number", id="digits"),
        (True, "length", "expected a number"),
        (None, "length", "expected a number"),
        ([1], "length", "expected a number"),
    ],
)
def test_what_is_no_quantity(value, kind, message):
    with pytest.raises(InputError, match=message):
        quantity(value, kind, what="thickness")


def test_uncertainties_are_shares_or_quantities():
    assert share_or_quantity("3 %", "length", what="sigma") == (0.03, True)
    assert share_or_quantity("2 nm", "length", what="sigma") == (2e-9, False)
