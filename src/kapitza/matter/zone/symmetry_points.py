"""Points of high symmetry of the Brillouin zone, and the path along which dispersion is usually drawn.

Coordinates refer to the reciprocal vectors of the conventional cell, with labels after C. J. Bradley and
A. P. Cracknell, The Mathematical Theory of Symmetry in Solids (Oxford 1972); paths after W. Setyawan and S. Curtarolo,
Comput. Mater. Sci. 49, 299 (2010), doi:10.1016/j.commatsci.2010.05.010, and Y. Hinuma et al., Comput. Mater. Sci. 128,
140 (2017), doi:10.1016/j.commatsci.2016.10.015.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError

_HALF, _THIRD = 1 / 2, 1 / 3
_FACE_CENTRED = frozenset({196, 202, 203, 209, 210, 216, 219, 225, 226, 227, 228})
_BODY_CENTRED_CUBIC = frozenset({197, 199, 204, 206, 211, 214, 217, 220, 229, 230})
_BODY_CENTRED_TETRAGONAL = frozenset({79, 80, 82, 87, 88, 97, 98, *range(107, 111), *range(119, 123), *range(139, 143)})
_RHOMBOHEDRAL = frozenset({146, 148, 155, 160, 161, 166, 167})
_BASE_CENTRED_MONOCLINIC = frozenset({5, 8, 9, 12, 15})
_CENTRED_ORTHORHOMBIC = frozenset({20, 21, 22, 23, 24, *range(35, 47), *range(63, 75)})


@frozen
class ZonePath(BaseRecord):
    """Labelled points and the lines between them.

    Attributes
    ----------
    points : (3,) coordinates of each labelled point
    lines : connected stretches of the path, each as the labels of its corners
    """

    points: Mapping[str, tuple[float, float, float]]
    lines: tuple[tuple[str, ...], ...]


def _zone_path(lines: str, points: Mapping[str, tuple[float, float, float]]) -> ZonePath:
    """Path from a text such as ``Γ X U|K Γ L``, with its points beside Γ."""
    stretches = tuple(tuple(part.split()) for part in lines.split("|"))
    return ZonePath(MappingProxyType({"Γ": (0.0, 0.0, 0.0), **points}), stretches)


_PATHS: Mapping[str, ZonePath] = MappingProxyType(
    {
        "simple cubic": _zone_path(
            "Γ X M Γ R X|M R", {"X": (0, _HALF, 0), "M": (_HALF, _HALF, 0), "R": (_HALF, _HALF, _HALF)}
        ),
        "face-centred cubic": _zone_path(
            "Γ X U|K Γ L W X",
            {
                "X": (0, 1, 0), "U": (1 / 4, 1, 1 / 4), "K": (3 / 4, 3 / 4, 0), "L": (_HALF, _HALF, _HALF),
                "W": (_HALF, 1, 0),
            },
        ),
        "body-centred cubic": _zone_path(
            "Γ H N Γ P H|P N", {"H": (0, 1, 0), "N": (_HALF, _HALF, 0), "P": (_HALF, _HALF, _HALF)}
        ),
        "hexagonal": _zone_path(
            "Γ M K Γ A L H A|L M|K H",
            {
                "M": (_HALF, 0, 0), "K": (_THIRD, _THIRD, 0), "A": (0, 0, _HALF), "L": (_HALF, 0, _HALF),
                "H": (_THIRD, _THIRD, _HALF),
            },
        ),
        "rhombohedral": _zone_path("Γ T F Γ L", {"T": (0, 0, 3 / 2), "F": (0, _HALF, 1), "L": (_HALF, 0, _HALF)}),
        "simple tetragonal": _zone_path(
            "Γ X M Γ Z R A Z|X R|M A",
            {
                "X": (0, _HALF, 0), "M": (_HALF, _HALF, 0), "Z": (0, 0, _HALF), "R": (0, _HALF, _HALF),
                "A": (_HALF, _HALF, _HALF),
            },
        ),
        "body-centred tetragonal": _zone_path(
            "Γ X P N Γ M",
            {"X": (_HALF, _HALF, 0), "P": (_HALF, _HALF, _HALF), "N": (_HALF, 0, _HALF), "M": (0, 0, 1)},
        ),
        "simple orthorhombic": _zone_path(
            "Γ X S Y Γ Z U R T Z|Y T|U X|S R",
            {
                "X": (_HALF, 0, 0), "Y": (0, _HALF, 0), "Z": (0, 0, _HALF), "S": (_HALF, _HALF, 0),
                "T": (0, _HALF, _HALF), "U": (_HALF, 0, _HALF), "R": (_HALF, _HALF, _HALF),
            },
        ),
        "simple monoclinic": _zone_path(
            "Γ Z D B Γ A E Z C Y Γ",
            {
                "Z": (0, _HALF, 0), "B": (0, 0, _HALF), "D": (0, _HALF, _HALF), "A": (-_HALF, 0, _HALF),
                "E": (-_HALF, _HALF, _HALF), "Y": (-_HALF, 0, 0), "C": (-_HALF, _HALF, 0),
            },
        ),
        "base-centred monoclinic": _zone_path(
            "V Γ A M Y Γ L",
            {
                "V": (_HALF, _HALF, 0), "A": (0, 0, _HALF), "M": (1, 0, _HALF), "Y": (1, 0, 0),
                "L": (_HALF, _HALF, _HALF),
            },
        ),
    }
)  # fmt: skip


def bravais_lattice(space_group: int) -> str:
    """Bravais lattice of a space group by its number, such as "face-centred cubic".

    Raises
    ------
    InputError
        for a lattice without a standard path here: triclinic and centred orthorhombic ones
    """
    if space_group >= 195:
        centred = "body-centred cubic" if space_group in _BODY_CENTRED_CUBIC else "simple cubic"
        return "face-centred cubic" if space_group in _FACE_CENTRED else centred
    if space_group >= 143:
        return "rhombohedral" if space_group in _RHOMBOHEDRAL else "hexagonal"
    if space_group >= 75:
        return "body-centred tetragonal" if space_group in _BODY_CENTRED_TETRAGONAL else "simple tetragonal"
    if space_group < 3 or space_group in _CENTRED_ORTHORHOMBIC:
        raise InputError(f"space group {space_group}: triclinic and centred orthorhombic lattices have no path here")
    if space_group >= 16:
        return "simple orthorhombic"
    return "base-centred monoclinic" if space_group in _BASE_CENTRED_MONOCLINIC else "simple monoclinic"


def standard_path(space_group: int, reciprocal: Array, lattice: Array) -> ZonePath:
    """Points and path of a crystal's Bravais lattice.

    Parameters
    ----------
    space_group : number
    reciprocal : (3, 3) reciprocal vectors of the conventional cell in rows, with the 2π
    lattice : (3, 3) primitive lattice vectors in rows, in the inverse unit
    """
    name = bravais_lattice(space_group)
    path = _PATHS[name]
    points = {label: np.array(point) for label, point in path.points.items()}
    if name == "body-centred tetragonal" and np.linalg.norm(reciprocal[0]) < np.linalg.norm(reciprocal[2]):
        points["M"] = np.array([1.0, 0.0, 0.0])  # the nearest image of M
    if name == "rhombohedral":
        twice = lattice @ (2 * points["L"] @ reciprocal) / (2 * np.pi)
        if np.abs(twice - np.round(twice)).max() > 1e-3:  # the reverse setting: turned by 180° about c
            points = {label: point * (-1, -1, 1) for label, point in points.items()}
    fixed = {label: (float(x), float(y), float(z)) for label, (x, y, z) in points.items()}
    return ZonePath(MappingProxyType(fixed), path.lines)


def conventional_lattice(constants: Mapping[str, float], space_group: int) -> Array:
    """(3, 3) vectors of the conventional cell in rows, in the unit of the constants: a along x and c along z; in
    monoclinic crystals b along y and c along z.

    `constants` has a, and b, c and beta (degrees) where they are not fixed by symmetry.
    """
    a = constants["a"]
    b, c = constants.get("b", a), constants.get("c", a)
    if 143 <= space_group < 195:
        return np.array([[a, 0, 0], [-a / 2, np.sqrt(3) / 2 * a, 0], [0, 0, c]])
    beta = np.radians(constants.get("beta", 90.0))
    return np.array([[a * np.sin(beta), 0, a * np.cos(beta)], [0, b, 0], [0, 0, c]])
