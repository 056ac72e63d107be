"""Interatomic potentials: as plain numbers, which our own kernels and other engines read alike, or as LAMMPS' lines."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import field, frozen

from kapitza.core.arrays import Array, quantity
from kapitza.errors import InputError

Form = Literal["lennard-jones", "stillinger-weber", "tersoff", "harmonic", "other"]


@frozen(eq=False)
class Field:
    """One interatomic potential for some kinds of atoms.

    Attributes
    ----------
    form : which formula; "other" where an engine brings its own and this is but a name
    kinds : names of the kinds of atoms, in the order of the tables
    cutoff : largest distance of two atoms that stand in one term, m
    parameters : arrays of the formula in SI, in the order that its kernels take them
    source : what to cite
    """

    form: Form
    kinds: tuple[str, ...] = field(converter=tuple)
    cutoff: float = field(validator=quantity(high=1e-7))
    parameters: tuple[Array, ...] = field(converter=tuple)
    source: str = field(default="", kw_only=True)

    @property
    def half(self) -> bool:
        """Whether its kernels want each pair of neighbours once; otherwise each atom has all of its own."""
        return self.form == "lennard-jones"


def one_line(text: str) -> str:
    """Refuse what would be more than one command."""
    if not text.strip() or any(c in text for c in "\n\r&\0"):
        raise InputError(f"expected one line of LAMMPS, got {text!r:.60}: give each pair_coeff as a line of its own")
    return text.strip()


def lines(texts: Sequence[str]) -> tuple[str, ...]:
    """Return commands, each of one line."""
    return tuple(one_line(text) for text in texts)


def named(files: Mapping[str, str] | Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return names and texts of files, in order; names are plain, so that they stay in their folder."""
    pairs = tuple(files.items()) if isinstance(files, Mapping) else tuple(files)
    for name, _ in pairs:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise InputError(f"{name!r:.60} as the name of a file: expected letters, digits, dots, dashes")
    return pairs


@frozen(eq=False)
class Commands:
    """A potential as LAMMPS' own lines, for what has no formula here: EAM, AIREBO, hybrids, machine-learned ones.

    Attributes
    ----------
    pair_style : the words after `pair_style`, such as "eam/alloy"
    pair_coeff : the words after `pair_coeff`, one text a line; atom types are numbered in the order of `kinds` from 1
    kinds : names of the kinds of atoms, in the order of LAMMPS' atom types
    cutoff : largest distance of two atoms that act on each other, m
    files : names and texts of files that the lines name, or a dictionary; files elsewhere are named by their full path
    source : what to cite

    Raises
    ------
    InputError
        for a text of more than one line
    """

    pair_style: str = field(converter=one_line)
    pair_coeff: tuple[str, ...] = field(converter=lines)
    kinds: tuple[str, ...] = field(converter=tuple)
    cutoff: float = field(validator=quantity(high=1e-7))
    files: tuple[tuple[str, str], ...] = field(default=(), converter=named, kw_only=True)
    source: str = field(default="", kw_only=True)

    @property
    def form(self) -> str:
        """For legends."""
        return self.pair_style.split()[0]


Potential = Field | Commands
