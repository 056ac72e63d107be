r"""Stiffness of a crystal class from its independent constants, and the volume of its cell."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import InputError

# which entries of the Voigt matrix each independent constant fills, with its sign
VOIGT_ENTRIES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "isotropic": {"C11": "11 22 33", "C44": "44 55 66"},
        "cubic": {"C11": "11 22 33", "C12": "12 13 23", "C44": "44 55 66"},
        "hexagonal": {"C11": "11 22", "C12": "12", "C13": "13 23", "C33": "33", "C44": "44 55"},
        "trigonal": {
            "C11": "11 22", "C12": "12", "C13": "13 23", "C33": "33", "C44": "44 55",
            "C14": "14 -24 56", "C15": "15 -25 -46",
        },
        "tetragonal": {
            "C11": "11 22", "C12": "12", "C13": "13 23", "C33": "33", "C44": "44 55", "C66": "66", "C16": "16 -26",
        },
        "orthorhombic": {f"C{ij}": str(ij) for ij in (11, 12, 13, 22, 23, 33, 44, 55, 66)},
        "monoclinic": {f"C{ij}": str(ij) for ij in (11, 12, 13, 15, 22, 23, 25, 33, 35, 44, 46, 55, 66)},
    }
)  # fmt: skip
_OPTIONAL_CONSTANTS = ("C15", "C16")  # zero in the crystal classes of higher symmetry
REDUNDANT_CONSTANTS: Mapping[str, str] = MappingProxyType(
    {"hexagonal": "C66", "trigonal": "C66"}
)  # (C11 - C12)/2, may be stated
LATTICE_PARAMETERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cubic": ("a",),
        "hexagonal": ("a", "c"),
        "trigonal": ("a", "c"),
        "tetragonal": ("a", "c"),
        "orthorhombic": ("a", "b", "c"),
        "monoclinic": ("a", "b", "c", "beta"),
    }
)


def stiffness_matrix(symmetry: str, constants: Mapping[str, float]) -> Array:
    """(6, 6) Voigt matrix of a crystal class, Pa: J. F. Nye, Physical Properties of Crystals (Oxford, 1957), table 9.

    Axes: z is the four-, six- or threefold axis; in monoclinic crystals y is the unique axis b. In trigonal crystals x
    is a twofold axis (a), and the sign of $C_{14}$ says which of the two settings of the rhombohedron is meant: a turn
    by 180° about z reverses $C_{14}$ and $C_{15}$. $C_{66} = (C_{11} - C_{12})/2$ of hexagonal and trigonal crystals
    may be among the `constants` and is then taken as it stands; C15 (trigonal) and C16 (tetragonal) may be left out.
    """
    if symmetry not in VOIGT_ENTRIES:
        raise InputError(f"no stiffness for symmetry {symmetry!r}; known are {', '.join(VOIGT_ENTRIES)}")
    fills, extra = VOIGT_ENTRIES[symmetry], REDUNDANT_CONSTANTS.get(symmetry)
    missing = [name for name in fills if name not in constants and name not in _OPTIONAL_CONSTANTS]
    surplus = [name for name in constants if name not in fills and name != extra]
    if missing or surplus:
        wrong = f"{', '.join(missing)} missing" if missing else f"{', '.join(surplus)} not independent"
        raise InputError(f"{symmetry} stiffness: {wrong}; wanted {', '.join(fills)}")
    matrix = np.zeros((6, 6))
    for name, places in fills.items():
        for place in places.split():
            i, j = int(place[-2]) - 1, int(place[-1]) - 1
            matrix[i, j] = matrix[j, i] = (-1 if place[0] == "-" else 1) * constants.get(name, 0.0)
    if symmetry == "isotropic":
        matrix[:3, :3] += (constants["C11"] - 2 * constants["C44"]) * (1 - np.eye(3))
    if extra is not None:
        matrix[5, 5] = constants.get(extra, (constants["C11"] - constants["C12"]) / 2)
    if not np.isfinite(matrix).all():
        raise InputError(f"{symmetry} stiffness: expected finite constants, got {dict(constants)}")
    return matrix


def cell_volume(symmetry: str, lattice: Mapping[str, float]) -> float:
    """Volume of the conventional cell, m³, from a, b, c (m) and beta (rad); trigonal cells in hexagonal axes."""
    names = LATTICE_PARAMETERS.get(symmetry, ())
    if not names or set(names) != set(lattice):
        raise InputError(f"{symmetry} cell: got {', '.join(lattice) or 'nothing'}, wanted {', '.join(names) or 'none'}")
    a = lattice["a"]
    volume = a * lattice.get("b", a) * lattice.get("c", a) * float(np.sin(lattice.get("beta", np.pi / 2)))
    return volume * (np.sqrt(3) / 2 if symmetry in ("hexagonal", "trigonal") else 1.0)
