"""Periodic images of atoms: reduced lattices, nearest images and sites, and nearest distances held against the radii of
the elements, where lengths in the wrong unit show.
"""

from itertools import product
from os import PathLike

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array, IntArray
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError
from kapitza.units import angstrom

_IMAGE_TOLERANCE = 1e-4 * angstrom  # by which equally near images may differ
_NEIGHBOUR_CELLS = np.array(list(product((-1, 0, 1), repeat=3)))
# Covalent radii in pm: B. Cordero et al., Dalton Trans. 2008, 2832, doi:10.1039/b801115j (low-spin where two are given)
_COVALENT_TABLE = """
H:31 He:28 Li:128 Be:96 B:84 C:76 N:71 O:66 F:57 Ne:58 Na:166 Mg:141 Al:121 Si:111 P:107 S:105 Cl:102 Ar:106 K:203
Ca:176 Sc:170 Ti:160 V:153 Cr:139 Mn:139 Fe:132 Co:126 Ni:124 Cu:132 Zn:122 Ga:122 Ge:120 As:119 Se:120 Br:120 Kr:116
Rb:220 Sr:195 Y:190 Zr:175 Nb:164 Mo:154 Tc:147 Ru:146 Rh:142 Pd:139 Ag:145 Cd:144 In:142 Sn:139 Sb:139 Te:138 I:139
Xe:140 Cs:244 Ba:215 La:207 Ce:204 Pr:203 Nd:201 Pm:199 Sm:198 Eu:198 Gd:196 Tb:194 Dy:192 Ho:192 Er:189 Tm:190
Yb:187 Lu:187 Hf:175 Ta:170 W:162 Re:151 Os:144 Ir:141 Pt:136 Au:136 Hg:132 Tl:145 Pb:146 Bi:148 Po:140 At:150 Rn:150
Fr:260 Ra:221 Ac:215 Th:206 Pa:200 U:196 Np:190 Pu:187
"""
COVALENT_RADII = {symbol: int(radius) for symbol, radius in (entry.split(":") for entry in _COVALENT_TABLE.split())}
# Van der Waals radii in pm, for two atoms of noble gases: S. Alvarez, Dalton Trans. 42, 8617, doi:10.1039/c3dt50599e
_NOBLE_RADII = {"He": 143, "Ne": 158, "Ar": 183, "Kr": 225, "Xe": 206}
# Shortest distance over the sum of the radii: 0.67 (U=O of uranyl) to 1.34 (TlCl), helium 1.28; of the crystals of the
# library 0.84 to 1.20.  Bohr taken for Å makes it 1.89 times as large, Å taken for bohr 0.53 times.
BOND_RATIO_RANGE = (0.66, 1.5)
_MAX_ATOMS = 200  # whose neighbours are looked at


def nearest_images(vector: Array, lattice: Array) -> tuple[IntArray, Array, Array]:
    """Shortest images of vectors (m, 3) on a reduced lattice: index of the vector, image, its share."""
    fraction = vector @ np.linalg.inv(lattice)
    images = (fraction - np.round(fraction))[:, None] @ lattice + _NEIGHBOUR_CELLS @ lattice
    length = np.linalg.norm(images, axis=2)
    pair, which = np.nonzero(length <= length.min(axis=1, keepdims=True) + _IMAGE_TOLERANCE)
    return pair, images[pair, which], 1 / np.bincount(pair, minlength=len(vector))[pair]


def minkowski_basis(lattice: Array, path: str | PathLike[str] | None = None) -> Array:
    """Shortest vectors that span the lattice: the nearest image is then within one step in each."""
    reduced = lattice.copy()
    for _ in range(200):
        before = np.linalg.norm(reduced, axis=1)
        for i in range(3):
            j, k = (i + 1) % 3, (i + 2) % 3
            for other in (j, k):
                reduced[i] -= np.round(reduced[i] @ reduced[other] / (reduced[other] @ reduced[other])) * reduced[other]
            steps = _NEIGHBOUR_CELLS[:, 1:]
            trial = reduced[i] + steps @ reduced[[j, k]]
            reduced[i] = trial[np.argmin(np.linalg.norm(trial, axis=1) * (1 + 1e-9 * np.abs(steps).sum(axis=1)))]
        if np.linalg.norm(reduced, axis=1).sum() >= before.sum() * (1 - 1e-9):
            return reduced
    raise DataError(f"the lattice of the supercell {lattice.tolist()!s:.100} is too skewed", file=path)


def nearest_sites(points: Array, sites: Array) -> IntArray:
    """(n,) nearest of the `sites` (m, 3) to each of the `points` (n, 3) of a periodic cell, both in units of its
    lattice vectors, in which distances count.
    """
    from scipy.spatial import KDTree

    inside = [one - np.floor(one) for one in (sites, points)]
    known, wanted = (np.where(one < 1, one, 0.0) for one in inside)  # the floor of a tiny negative number is -1
    return np.asarray(KDTree(known, boxsize=1.0).query(wanted)[1], dtype=np.int64)


@frozen
class ShortestBond(BaseRecord):
    """The two atoms of a crystal that are nearest for their kind, their distance and the sum of their radii, m."""

    first: str
    second: str
    length: float
    radii: float

    @property
    def fault(self) -> str:
        """What is wrong with their distance, what was wanted and what to do; empty where nothing is."""
        ratio = self.length / self.radii
        low, high = BOND_RATIO_RANGE
        if low <= ratio <= high:
            return ""
        swapped = "bohr taken for Å" if ratio > high else "Å taken for bohr"
        return (
            f"{self.first} and {self.second} nearest at {self.length / angstrom:.3g} Å, wanted "
            f"{low * self.radii / angstrom:.2f} to {high * self.radii / angstrom:.2f} Å ({low:g} to {high:g} times the "
            f"sum of their radii): check the unit of lengths, {swapped}?"
        )


def shortest_bond(positions: Array, symbols: tuple[str, ...], lattice: Array) -> ShortestBond | None:
    """Return the pair of atoms of a crystal with the least distance over the sum of their radii, which are covalent,
    between atoms of noble gases those of van der Waals; None where an element is not known, whose bonds may be shorter
    than all others. `positions` (n, 3) and `lattice` (3, 3), in rows, in m.
    """
    if len(symbols) != len(positions) or not all(symbol in COVALENT_RADII for symbol in symbols):
        return None
    covalent = np.array([COVALENT_RADII[symbol] for symbol in symbols]) * 1e-12
    noble = np.array([_NOBLE_RADII.get(symbol, 0) for symbol in symbols]) * 1e-12
    reduced = minkowski_basis(lattice)
    least, pair = np.inf, None
    for i in range(min(len(symbols), _MAX_ATOMS)):
        index, images, _ = nearest_images(positions - positions[i], reduced)
        length = np.linalg.norm(images, axis=1)
        length[length < 1e-3 * angstrom] = np.linalg.norm(reduced, axis=1).min()  # the atom itself, in the next cell
        radii = np.where(noble[i] * noble[index] > 0, noble[i] + noble[index], covalent[i] + covalent[index])
        near = int(np.argmin(length / radii))
        if length[near] / radii[near] < least:
            least = float(length[near] / radii[near])
            pair = ShortestBond(symbols[i], symbols[index[near]], float(length[near]), float(radii[near]))
    return pair


def bond_fault(positions: Array, symbols: tuple[str, ...], lattice: Array) -> str:
    """What is wrong with the nearest distances of a crystal, as in `shortest_bond`; empty where nothing is."""
    bond = shortest_bond(positions, symbols, lattice)
    return "" if bond is None else bond.fault
