"""Files of many-body potentials in the formats of LAMMPS, as fields of molecular dynamics.

Each entry names a centre and two neighbours and gives, in units of eV and Å: for `.sw` ε, σ, a, λ, γ, cos θ₀, A, B, p,
q and a tolerance; for `.tersoff` m, γ, λ₃, c, d, cos θ₀, n, β, λ₂, B, R, D, λ₁ and A.  A. P. Thompson et al., Comput.
Phys. Commun. 271, 108171 (2022), doi:10.1016/j.cpc.2021.108171.
"""

import re
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.files import read_limited
from kapitza.core.quantity_kinds import LARGEST
from kapitza.errors import DataError
from kapitza.simulate.md.potential import Potential
from kapitza.units import angstrom, eV

_ENTRY_SIZES = {".sw": 11, ".tersoff": 14}  # numbers of an entry
_EQUAL_LENGTH_TOLERANCE = 1e-9  # two lengths that should be one differ by no more than that
_MAX_POTENTIAL_BYTES = 2**24  # bytes of a file: 10⁵ entries
_PotentialEntries = Mapping[tuple[str, str, str], Array]


def read_potential(path: str | PathLike[str], kinds: Sequence[str], elements: Sequence[str] = ()) -> Potential:
    """Read a potential of Stillinger and Weber (`.sw`) or of Tersoff (`.tersoff`).

    Parameters
    ----------
    path : file in the units `metal` of LAMMPS
    kinds : names of the kinds of atoms
    elements : name of each kind in the file, such as "Si(D)"; the kinds themselves if left out

    Returns
    -------
    Field
        with the tables that `stillinger_weber` and `tersoff` describe; a tolerance other than 0, with which LAMMPS
        ends a Stillinger-Weber potential a little earlier, is left out

    Raises
    ------
    DataError
        for another format or other units, entries that are missing or damaged, or numbers that the formula has no
        place for
    """
    file = Path(path)
    names = tuple(elements) or tuple(kinds)
    if file.suffix not in _ENTRY_SIZES:
        raise DataError(f"a potential in a file {file.suffix or 'without suffix'}, wanted .sw or .tersoff", file=file)
    if len(names) != len(kinds) or not names:
        raise DataError(f"{len(names)} elements for the kinds {list(kinds)}: give one for each kind", file=file)
    found = _potential_entries(file, _ENTRY_SIZES[file.suffix])
    triples = [(a, b, c) for a in names for b in names for c in names]
    missing = [triple for triple in triples if triple not in found]
    if missing:
        known = dict.fromkeys(name for triple in found for name in triple)
        raise DataError(
            f"no entry {' '.join(missing[0])}; the file is about {', '.join(known) or 'nothing'}", file=file
        )
    table = np.array([found[triple] for triple in triples])
    table = table.reshape(len(names), len(names), len(names), -1)
    return (_stillinger_weber_potential if file.suffix == ".sw" else _tersoff_potential)(table, tuple(kinds), file)


def _potential_entries(file: Path, size: int) -> _PotentialEntries:
    """Numbers of each triple of names; the last entry of a triple counts."""
    try:
        text = read_limited(file, _MAX_POTENTIAL_BYTES).decode(errors="replace")
    except DataError:
        raise
    except OSError as reason:
        raise DataError(f"the file cannot be read: {reason.strerror}", file=file) from reason
    units = re.search(r"UNITS:\s*(\w+)", text)
    if units and units[1] != "metal":
        raise DataError(f"the units are {units[1]!r}, wanted 'metal'", file=file)
    entries: dict[tuple[str, str, str], Array] = {}
    words: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        words += line.partition("#")[0].split()
        if len(words) > size + 3:
            message = f"an entry of {len(words)} words, wanted 3 names and {size} numbers"
            raise DataError(message, file=file, line=number)
        if len(words) == size + 3:
            shown = " ".join(words[3:])
            try:
                numbers = np.array([float(word) for word in words[3:]])
            except ValueError as reason:
                raise DataError(f"{shown}: wanted numbers", file=file, line=number) from reason
            if not (np.abs(numbers) <= LARGEST).all():
                raise DataError(f"{shown}: wanted finite numbers", file=file, line=number)
            entries[words[0], words[1], words[2]] = numbers
            words = []
    if words:
        raise DataError(f"the last entry has {len(words)} words, wanted 3 names and {size} numbers", file=file)
    return entries


def _stillinger_weber_potential(table: Array, kinds: tuple[str, ...], file: Path) -> Potential:
    """Field of entries (s, s, s, 11)."""
    _check_symmetric(table[..., [0, 3, 5]], np.swapaxes(table[..., [0, 3, 5]], 1, 2), "ε, λ or cos θ₀", file)
    epsilon, sigma, reach, _, gamma, _, strong, b, p, q, _ = np.moveaxis(_pair_entries(table), -1, 0)
    pair = [strong * epsilon * eV, b, p, q, sigma * angstrom, reach * sigma * angstrom, gamma]
    two = np.ascontiguousarray(np.stack(pair, axis=-1))
    _check_symmetric(two[..., :6], np.swapaxes(two[..., :6], 0, 1), "A, B, p, q, σ or a", file)
    three = np.stack([table[..., 0] * table[..., 3] * eV, table[..., 5]], axis=-1)
    return Potential("stillinger-weber", kinds, float(two[..., 5].max()), (two, three), source=file.name)


def _tersoff_potential(table: Array, kinds: tuple[str, ...], file: Path) -> Potential:
    """Field of entries (s, s, s, 14)."""
    inner, outer = table[..., 10] - table[..., 11], table[..., 10] + table[..., 11]
    pair = _pair_entries(table)
    near, far = pair[..., 10] - pair[..., 11], pair[..., 10] + pair[..., 11]
    _check_symmetric(inner, np.broadcast_to(near[:, None], inner.shape), "R - D of the third atom", file)
    _check_symmetric(outer, np.broadcast_to(far[:, None], outer.shape), "R + D of the third atom", file)
    columns = [pair[..., 13] * eV, pair[..., 12] / angstrom, pair[..., 9] * eV, pair[..., 8] / angstrom]
    two = np.stack([*columns, pair[..., 7], pair[..., 6], near * angstrom, far * angstrom], axis=-1)
    m = table[..., 0]
    if not np.isin(m, (1.0, 3.0)).all():
        raise DataError(f"m = {np.unique(m).tolist()}, wanted 1 or 3", file=file)
    three = np.stack([table[..., 1], *np.moveaxis(table[..., 3:6], -1, 0), table[..., 2] / angstrom, m], axis=-1)
    return Potential("tersoff", kinds, float(two[..., 7].max()), (two, three), source=file.name)


def _pair_entries(table: Array) -> Array:
    """(s, s, numbers) of the entries whose neighbours are of one kind: those of pairs."""
    every = np.arange(table.shape[1])
    return table[:, every, every]


def _check_symmetric(value: Array, other: Array, name: str, file: Path) -> None:
    """Refuse numbers that depend on the order of atoms where the formula has one number."""
    if np.abs(value - other).max() > _EQUAL_LENGTH_TOLERANCE * max(float(np.abs(value).max()), np.finfo(float).tiny):
        raise DataError(f"{name} depends on which atoms stand where in an entry: our formula has one number", file=file)
