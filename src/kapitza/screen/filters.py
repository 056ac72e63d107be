r"""Choose materials of a table by conditions in words: ``elements in Si C N, density < 4000, no hydrides``.

Toxicity is told by the elements with an entry for all, or nearly all, of their compounds in Annex VI of Regulation (EC)
No 1272/2008 (CLP), in the class of the worst acute hazard: fatal (Be, Hg, Tl, U), toxic (As, Se), harmful (Ba, Cd, Pb,
Sb).  It is no assessment of a compound.  Radioactive are elements without a stable isotope.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

import numpy as np

from kapitza.core.arrays import Array, BoolArray
from kapitza.errors import InputError
from kapitza.matter.library import atomic_masses
from kapitza.matter.material import composition
from kapitza.screen.table import MaterialTable

STABLE_HULL = 0.025  # eV per atom above the hull: about k_B T at 300 K, the usual limit of what may be made
_HULL_COLUMN = "energy_above_hull"
FATAL, TOXIC, HARMFUL = (frozenset(text.split()) for text in ("Be Hg Tl U", "As Se", "Ba Cd Pb Sb"))
_UNSTABLE_NUCLEI = "Tc Pm Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr"
_ELEMENT_CLASSES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "hydride": frozenset({"H", "D"}),
        "fatal": FATAL,
        "toxic": FATAL | TOXIC,
        "harmful": FATAL | TOXIC | HARMFUL,
        "radioactive": frozenset(_UNSTABLE_NUCLEI.split()),
    }
)
_COMPARISONS: Mapping[str, Callable[[Array, float], Any]] = MappingProxyType(
    {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "==": operator.eq,
     "!=": operator.ne}
)  # fmt: skip
_TOKEN = re.compile(r"<=|>=|==|!=|[<>=]|[,;&{}()\[\]]|[^\s,;&<>={}()\[\]!]+|!")
_SEPARATORS = frozenset(",;&{}()[]")
_WANTED = (
    "expected conditions such as 'elements in Si C N', 'elements without Pb', 'density < 4000', 'stable', "
    "'no hydrides', 'no toxic'"
)


def filter_table(materials: MaterialTable, conditions: str) -> MaterialTable:
    """Return the materials of a table that meet all conditions.

    Parameters
    ----------
    materials : the table
    conditions : separated by commas, semicolons or "and":
        ``elements in Si C N`` (of these alone), ``elements with O`` (all of these), ``elements without Pb Cd``;
        a column and a number, ``density < 4000``, in SI or in the unit of its source; materials without a number fail;
        ``stable`` (at most 0.025 eV per atom above the hull);
        ``no hydrides``, ``no fatal``, ``no toxic``, ``no harmful``, ``no radioactive`` (elements of the class)

    Raises
    ------
    InputError
        for what is no condition, a column that is not there, a formula that cannot be read, and if nothing is left
    """
    chosen = np.ones(len(materials), dtype=bool)
    for condition, kept in _read_conditions(materials, conditions):
        chosen &= kept
        if not chosen.any():
            raise InputError(f"no material of {len(materials)} is left after {condition!r:.80}")
    return materials.select(chosen)


def element_sets(materials: MaterialTable) -> tuple[frozenset[str], ...]:
    """(n,) elements of each material; InputError where a formula is not known or cannot be read."""
    known = atomic_masses()
    found: list[frozenset[str]] = []
    for name, formula in zip(materials.names, materials.formulas, strict=True):
        try:
            elements = frozenset(composition(formula))
        except InputError as err:
            raise InputError(f"{name}: {err}; elements cannot be told") from None
        if unknown := elements - known.keys():
            raise InputError(f"{name}: no element {', '.join(sorted(unknown))} in {formula!r:.40}")
        found.append(elements)
    return tuple(found)


def _read_conditions(materials: MaterialTable, text: str) -> Iterator[tuple[str, BoolArray]]:
    tokens = [one for one in _TOKEN.findall(text) if one not in _SEPARATORS and one.lower() != "and"]
    if not tokens:
        raise InputError(f"filter {text!r:.60} has no condition: {_WANTED}")
    while tokens:
        word = tokens.pop(0)
        if word == "elements":
            yield _element_condition(materials, tokens)
        elif word == "stable":
            if _HULL_COLUMN not in materials.properties:
                raise InputError(
                    f"filter 'stable': the table has no column {_HULL_COLUMN} (eV per atom, of databases also "
                    "e_above_hull or ehull): add it, or leave this condition out"
                )
            yield word, _compare_column(materials, _HULL_COLUMN, "<=", STABLE_HULL)
        elif word in ("no", "not"):
            name = tokens.pop(0) if tokens else ""
            key = name.removesuffix("s")
            if key not in _ELEMENT_CLASSES:
                raise InputError(f"unknown filter 'no {name}'"[:60] + f": expected {', '.join(_ELEMENT_CLASSES)}")
            yield f"{word} {name}", np.array([not have & _ELEMENT_CLASSES[key] for have in element_sets(materials)])
        elif tokens and tokens[0] in _COMPARISONS:
            sign, number = tokens.pop(0), tokens.pop(0) if tokens else ""
            try:
                limit = float(number)
            except ValueError:
                limit = np.nan
            if np.isnan(limit):
                raise InputError(f"filter '{word} {sign} {number}'"[:90] + ": expected a number behind the sign")
            yield f"{word} {sign} {number}", _compare_column(materials, word, sign, limit)
        else:
            raise InputError(f"unknown filter {word!r:.40}: {_WANTED}")


def _element_condition(materials: MaterialTable, tokens: list[str]) -> tuple[str, BoolArray]:
    relation = tokens.pop(0) if tokens else ""
    if relation == "not" and tokens[:1] == ["in"]:
        relation = f"not {tokens.pop(0)}"
    tests: Mapping[str, Callable[[frozenset[str], frozenset[str]], bool]] = {
        "in": lambda have, wanted: have <= wanted,
        "with": lambda have, wanted: have >= wanted,
        "without": lambda have, wanted: not have & wanted,
        "not in": lambda have, wanted: not have & wanted,
    }
    if relation not in tests:
        raise InputError(
            f"filter 'elements {relation}'"[:60] + f": expected {', '.join(tests)} and symbols of elements"
        )
    known, symbols = atomic_masses(), list[str]()
    while tokens and tokens[0] in known and tokens[1:2] != ["<"]:
        symbols.append(tokens.pop(0))
    if not symbols:
        raise InputError(f"filter 'elements {relation}': {tokens[0] if tokens else '':.30} is no symbol of an element")
    wanted = frozenset(symbols)
    kept = [tests[relation](have, wanted) for have in element_sets(materials)]
    return f"elements {relation} {' '.join(symbols)}", np.array(kept)


def _compare_column(materials: MaterialTable, name: str, sign: str, number: float) -> BoolArray:
    """Materials whose number in a column compares; those without a number do not."""
    with np.errstate(invalid="ignore"):
        return np.asarray(_COMPARISONS[sign](material_column(materials, name), number), dtype=bool)


def material_column(materials: MaterialTable, name: str) -> Array:
    """(n,) column of a table by name: one of its own, of its properties, or `debye_temperature`, K."""
    own = ("density", "longitudinal", "transverse", "atoms", "debye_temperature")
    if name in own:
        return getattr(materials, name)
    if name in materials.properties:
        return materials.properties[name]
    known = [*own, *materials.properties]
    close = get_close_matches(name, known, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)}"
    raise InputError(f"unknown filter: the table has no column {name!r:.40}; {hint}")
