"""Constants against scipy's table (a second source) and the definitions of the SI."""

import re
from pathlib import Path

import numpy as np
from scipy import constants

from kapitza import units

SYMBOLS = "m|s|kg|K|J|W|N|Pa|V|A|Hz|THz|rad|ohm|Å|\\(rad/ps\\)|electrons|counts|layers|bits|1,?|0|SI,?|any,?|of|as"
UNIT = re.compile(rf"({SYMBOLS}|B)(\^-?\d)?,?( |$)")
ALONE = re.compile(rf"(({SYMBOLS})(\^-?\d)? ?)+")


def test_constants_equal_a_second_table():
    for got, want, tolerance in (
        (units.h, constants.h, 0),
        (units.hbar, constants.hbar, 1e-15),
        (units.k_B, constants.k, 0),
        (units.e, constants.e, 0),
        (units.N_A, constants.N_A, 0),
        (units.c_light, constants.c, 0),
        (units.m_u, constants.m_u, 1e-8),
        (units.bohr, constants.physical_constants["Bohr radius"][0], 1e-8),
        (units.rydberg, constants.physical_constants["Rydberg constant times hc in J"][0], 1e-10),
    ):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=0)


def test_terahertz_are_angular():
    np.testing.assert_allclose(units.hbar * units.THz / units.meV, 4.135667696, rtol=1e-9, atol=0)


def test_every_attribute_names_a_unit_first_and_then_its_meaning() -> None:
    sources = sorted(Path(units.__file__).parent.rglob("*.py"))
    pair = re.compile(r"""metadata=about\(\s*["']([^"']*)["'],\s*["']([^"']*)""")
    found = [(path.name, *both) for path in sources for both in pair.findall(path.read_text(encoding="utf-8"))]
    assert len(found) > 500
    assert [one for one in found if not UNIT.match(one[1]) or ALONE.fullmatch(one[2])] == []
