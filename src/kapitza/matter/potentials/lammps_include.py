"""Files of commands with which a potential is included into an input of LAMMPS, such as the `.snap` files of SNAP.

The coefficients of SNAP (A. P. Thompson et al., J. Comput. Phys. 285, 316 (2015), doi:10.1016/j.jcp.2014.12.018) are
often but a part of a potential, whose repulsion at short distance is a term of its own: the file of commands says so.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from kapitza.core.files import read_limited
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError
from kapitza.matter.library import atomic_masses

_MAX_BYTES = 2**20
_PLAIN_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_COEFFICIENT_FILES = 2  # of SNAP, in front of the elements


@frozen
class IncludedPotential(BaseRecord):
    """The commands of a file.

    Attributes
    ----------
    style : the words after `pair_style`
    coefficients : the words after `pair_coeff`, a text a line; files beside that of the commands have their full path
    elements : of the atom types, in their order
    """

    style: str
    coefficients: tuple[str, ...]
    elements: tuple[str, ...]


def read_snap_commands(path: Path) -> IncludedPotential:
    """Read a file of commands that has a pair style, its coefficients, those of SNAP among them, and numbers.

    Raises
    ------
    DataError
        with file and line, for other commands, unknown variables, and atom types that have no element
    """
    style, coefficients = "", list[tuple[int, list[str]]]()
    values: dict[str, str] = {}
    for line, words in _commands(read_limited(path, _MAX_BYTES).decode(errors="replace")):
        found = [_substitute(word, values, path, line) for word in words]
        match found:
            case ["variable", name, "equal" | "index", number] if _PLAIN_NUMBER.fullmatch(number):
                values[name] = number
            case ["pair_style", *rest] if rest and not style:
                style = " ".join(rest)
            case ["pair_coeff", *rest] if rest:
                # full paths of the files that lie beside that of the commands; other words as they are
                beside = [path.parent / word for word in rest]
                full = [
                    str(file) if "/" not in word and file.is_file() else word
                    for file, word in zip(beside, rest, strict=True)
                ]
                coefficients.append((line, full))
            case _:
                raise DataError(
                    f"{' '.join(words)!r:.60}: expected one pair_style, pair_coeff, and variable NAME equal NUMBER",
                    file=path,
                    line=line,
                )
    elements = _snap_elements(style, coefficients, path)
    return IncludedPotential(style, tuple(" ".join(words) for _, words in coefficients), elements)


def _commands(text: str) -> Iterator[tuple[int, list[str]]]:
    """Words of each command, and the line on which it begins."""
    begun, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.partition("#")[0].rstrip()
        start = start if begun else number
        begun += plain.removesuffix("&") + " "
        if not plain.endswith("&"):
            if words := begun.split():
                yield start, words
            begun = ""
    if words := begun.split():
        yield start, words


def _substitute(word: str, values: Mapping[str, str], path: Path, line: int) -> str:

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name not in values:
            raise DataError(f"no variable {name or '$'!r:.40} before {word!r:.40}", file=path, line=line)
        return values[name]

    return re.sub(r"\$(?:\{(\w+)\}|(\w?))", value, word)


def _snap_elements(style: str, coefficients: list[tuple[int, list[str]]], path: Path) -> tuple[str, ...]:
    """Elements of the atom types, as the coefficients of SNAP name them."""
    words = style.split()
    own = ["snap"] if words[:1] and words[0].startswith("hybrid") else []
    begin = ["*", "*", *own]
    for line, found in coefficients:
        if "snap" in words and found[: len(begin)] == begin:
            elements = found[len(begin) + _COEFFICIENT_FILES :]
            unknown = sorted(set(elements) - set(atomic_masses()))
            if not elements or unknown:
                wrong = f"{unknown[0]!r:.20} is no element" if unknown else "no elements"
                raise DataError(
                    f"{wrong}: expected one for each atom type, after the two files of SNAP", file=path, line=line
                )
            return tuple(elements)
    raise DataError(
        "no coefficients of SNAP for all atom types: expected pair_style snap, or hybrid/overlay with snap, and "
        "pair_coeff * * with two files and an element for each type", file=path,
    )  # fmt: skip
