"""Constants against scipy's table (a second source) and the definitions of the SI."""

import ast
import re
from collections.abc import Iterator

import numpy as np
from scipy import constants

from kapitza import units
from syntax_trees import nodes, parse_package

SYMBOLS = "m|s|kg|K|J|W|N|Pa|V|A|Hz|THz|rad|ohm|Å|\\(rad/ps\\)|electrons|counts|layers|bits|1,?|0|SI,?|any,?|of|as"
UNIT = re.compile(rf"({SYMBOLS}|B)(\^-?\d)?,?( |$)")
NUMBERS = re.compile(r"\b(float|int|complex|ndarray|Array|IntArray|ArrayLike)\b")
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


def described_attributes() -> Iterator[tuple[str, str, str, str]]:
    """Place, annotation, unit and meaning of each attribute of a record that has metadata."""
    for path, tree in parse_package().items():
        for node in nodes(tree):
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.value, ast.Call):
                continue
            for keyword in node.value.keywords:
                call = keyword.value
                if keyword.arg == "metadata" and isinstance(call, ast.Call) and ast.unparse(call.func) == "about":
                    texts = [part.value for part in call.args[:2] if isinstance(part, ast.Constant)]
                    if len(texts) == 2:
                        yield f"{path}:{node.lineno}", ast.unparse(node.annotation), *texts


def test_every_attribute_names_a_unit_first_and_then_its_meaning() -> None:
    """Only a choice or a flag has no unit."""
    attributes = list(described_attributes())
    assert len(attributes) > 500
    wrong = [
        (place, unit, meaning)
        for place, kind, unit, meaning in attributes
        if not (UNIT.match(unit) or (unit == "" and not NUMBERS.search(kind))) or ALONE.fullmatch(meaning)
    ]
    assert wrong == []
