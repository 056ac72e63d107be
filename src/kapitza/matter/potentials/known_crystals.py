"""Which crystal of the package a structure is: by its elements, its volume, its symmetry and its distances."""

from collections import Counter
from fractions import Fraction
from itertools import product

import numpy as np

from kapitza.core.arrays import Array
from kapitza.matter.phonons import named_structure, phonon_card, phonon_names
from kapitza.matter.potentials.space_group import primitive_structure, space_group
from kapitza.matter.structure import Structure
from kapitza.units import angstrom

_SAME_VOLUME = 0.07  # relative: lattice constants of calculators are up to about 2 % off the measured ones
_SITE_TOLERANCE = 0.05 * angstrom  # files of others have few digits
_REACH = 2.4  # up to which distances are compared, in cube roots of the volume of an atom, as all lengths here
_WIDTH = 0.05  # by which distances may differ
_SAME_DISTANCES = 0.97  # cosine of the angle between smeared distances of two structures


def known_crystal(given: Structure) -> str:
    """Return the name under which the package has the phonons of a structure; empty where it has none of it.

    Both have the same elements in their primitive cells, as many symmetry operations, a volume within 7 %, and the same
    distances within the error of the volume.
    """
    shares = _element_shares(given)
    for name in phonon_names():
        if _element_shares(named_structure(name)) == shares and phonon_card(name).usable:
            other = primitive_structure(named_structure(name), _SITE_TOLERANCE)
            if _are_alike(primitive_structure(given, _SITE_TOLERANCE), other):
                return name
    return ""


def _element_shares(one: Structure) -> dict[str, Fraction]:
    return {symbol: Fraction(count, len(one.symbols)) for symbol, count in Counter(one.symbols).items()}


def _are_alike(one: Structure, other: Structure) -> bool:
    """Whether two primitive cells are the same crystal, a little strained."""
    if len(one.symbols) != len(other.symbols) or abs(one.volume / other.volume - 1) > _SAME_VOLUME:
        return False
    first, second = (_smeared_distances(each) for each in (one, other))
    orders = [len(space_group(each, _SITE_TOLERANCE).turns) for each in (one, other)]
    alike = np.vdot(first, second) > _SAME_DISTANCES * np.linalg.norm(first) * np.linalg.norm(second)
    return bool(orders[0] == orders[1] and alike)


def _smeared_distances(one: Structure) -> Array:
    """(pairs of elements, nr) distances between atoms as bell curves of equal width, weighed by 1/r²."""
    unit = (abs(np.linalg.det(one.lattice)) / len(one.symbols)) ** (1 / 3)
    cells = np.array(list(product(range(-4, 5), repeat=3)), dtype=float)  # (729, 3) steps to the cells around one
    apart = one.positions[:, None, None] - one.positions[None, :, None] + cells @ one.lattice
    length = np.linalg.norm(apart, axis=-1) / unit  # (n, n, cells)
    near = (length > 0.1) & (length < _REACH)
    kinds = np.unique(one.symbols, return_inverse=True)[1]
    count = int(kinds.max()) + 1
    pair = np.broadcast_to((kinds[:, None] * count + kinds)[:, :, None], length.shape)[near]
    radius = np.arange(0.3, _REACH, _WIDTH / 2)
    found = np.zeros((count * count, radius.size))
    curves = np.exp(-(((radius - length[near][:, None]) / _WIDTH) ** 2) / 2) / length[near][:, None] ** 2
    np.add.at(found, pair, curves)
    return found
