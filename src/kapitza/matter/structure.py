"""Arrangements of atoms before anything is known of their forces: lattice, positions, elements."""

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import product
from types import MappingProxyType

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, finite_array, positive
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.units import angstrom, m_u

_OVERLAP_DISTANCE = 0.5 * angstrom  # atoms nearer than this are one atom put twice
_MAX_COMPARED = 64  # atoms whose distances are all computed

# standard atomic weights (abridged, IUPAC 2021, doi:10.1515/pac-2019-0603)
ATOMIC_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "H": 1.008, "B": 10.81, "C": 12.011, "N": 14.007, "O": 15.999, "Ne": 20.180, "Mg": 24.305, "Al": 26.982,
        "Si": 28.085, "P": 30.974, "S": 32.06, "Ar": 39.95, "Ti": 47.867, "Cr": 51.996, "Fe": 55.845, "Ni": 58.693,
        "Cu": 63.546, "Zn": 65.38, "Ga": 69.723, "Ge": 72.630, "As": 74.922, "Se": 78.971, "Kr": 83.798, "Mo": 95.95,
        "Pd": 106.42, "Ag": 107.87, "In": 114.82, "Sn": 118.71, "Te": 127.60, "Xe": 131.29, "W": 183.84,
        "Pt": 195.08, "Au": 196.97, "Pb": 207.2,
    }
)  # fmt: skip

# crystals by name: kind, elements, lattice constants in Å from which a potential relaxes them to its own
_START_STRUCTURES: Mapping[str, tuple[str, str, float, float]] = MappingProxyType(
    {
        "C": ("diamond", "C", 3.567, 0.0),
        "graphene": ("honeycomb", "C", 2.46, 12.0),
        "Si": ("diamond", "Si", 5.431, 0.0),
        "Ge": ("diamond", "Ge", 5.658, 0.0),
        "SiC": ("zincblende", "Si C", 4.36, 0.0),
        "c-BN": ("zincblende", "B N", 3.616, 0.0),
        "2H-SiC": ("wurtzite", "Si C", 3.08, 5.05),
        "zb-AlN": ("zincblende", "Al N", 4.37, 0.0),
        "AlN": ("wurtzite", "Al N", 3.11, 4.98),
        "Al": ("fcc", "Al", 4.05, 0.0),
        "Ni": ("fcc", "Ni", 3.524, 0.0),
        "Cu": ("fcc", "Cu", 3.615, 0.0),
        "Pd": ("fcc", "Pd", 3.891, 0.0),
        "Ag": ("fcc", "Ag", 4.086, 0.0),
        "Pt": ("fcc", "Pt", 3.924, 0.0),
        "Au": ("fcc", "Au", 4.078, 0.0),
        "Ne": ("fcc", "Ne", 4.46, 0.0),
        "Ar": ("fcc", "Ar", 5.31, 0.0),
        "Kr": ("fcc", "Kr", 5.65, 0.0),
        "Xe": ("fcc", "Xe", 6.13, 0.0),
    }
)
_STRUCTURE_ALIASES: Mapping[str, str] = MappingProxyType({"diamond": "C", "cBN": "c-BN", "BN": "c-BN", "3C-SiC": "SiC"})


@frozen(eq=False)
class Structure(BaseRecord):
    """Atoms in a periodic cell.

    Attributes
    ----------
    axes : lattice vectors in rows; None: `lattice`

    Raises
    ------
    InputError
        for shapes that do not fit, a cell without volume, two atoms at one place

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.matter import Structure
    >>> from kapitza.units import nm
    >>> cell = 0.53 * nm * np.eye(3)
    >>> sites = cell @ [[0, 0, 0.5, 0.5], [0, 0.5, 0, 0.5], [0, 0.5, 0.5, 0]]
    >>> argon = Structure("argon", cell, sites.T, np.full(4, 6.63e-26), ("Ar",) * 4)
    >>> print(f"{argon.masses.sum() / np.linalg.det(cell):.0f} kg/m³")
    1781 kg/m³
    """

    name: str
    lattice: Array = field(converter=finite_array, metadata=about("m", "(3, 3) lattice vectors in rows"))
    positions: Array = field(converter=finite_array, metadata=about("m", "(n, 3) Cartesian"))
    masses: Array = field(converter=positive, metadata=about("kg", "(n,) of the atoms"))
    symbols: tuple[str, ...] = field(converter=tuple)
    axes: Array | None = field(default=None, metadata=about("m", "(3, 3) to which Miller indices refer"))

    def __attrs_post_init__(self) -> None:
        n = self.masses.size
        if self.lattice.shape != (3, 3) or self.positions.shape != (n, 3) or len(self.symbols) != n:
            raise InputError(
                f"{self.name}: lattice {self.lattice.shape}, positions {self.positions.shape} and "
                f"{len(self.symbols)} symbols for {n} masses, wanted (3, 3), ({n}, 3) and {n}"
            )
        size = float(np.abs(self.lattice).max())
        if not 1e-11 < size < 1e-5:
            raise InputError(f"{self.name}: a cell {size:.3g} m wide; wanted m (Å? multiply by 1e-10)")
        if not self.volume > 1e-4 * float(np.prod(np.linalg.norm(self.lattice, axis=1))):
            raise InputError(f"{self.name}: the lattice vectors {self.lattice.tolist()} m span no volume")
        if n < 5000:
            fraction = self.positions @ np.linalg.inv(self.lattice)
            wrapped = (fraction - np.floor(fraction)) @ self.lattice
            images = np.array(list(product((-1, 0, 1), repeat=3))) @ self.lattice
            everywhere: Array = (wrapped + images[:, None]).reshape(-1, 3)
            nearest, other = _nearest_others(wrapped, everywhere)
            if nearest.min() < _OVERLAP_DISTANCE:
                i = int(np.argmin(nearest))
                j = int(other[i]) % n
                raise InputError(
                    f"{self.name}: atoms {i} ({self.symbols[i]}) and {j} ({self.symbols[j]}) are "
                    f"{nearest[i] / angstrom:.3g} Å apart: they overlap (are the positions in m, and is no atom listed "
                    "twice?)"
                )

    @property
    def volume(self) -> float:
        """Volume of the cell, m³."""
        return float(abs(np.linalg.det(self.lattice)))

    def repeat(self, counts: tuple[int, int, int]) -> "Structure":
        """Repeat the cell; atom i of the image with index j is atom j n + i, the first image is the cell itself."""
        images = np.array(list(product(*(range(count) for count in counts))))
        return evolve(
            self,
            lattice=np.array(counts)[:, None] * self.lattice,
            positions=(images @ self.lattice)[:, None].repeat(self.masses.size, 1).reshape(-1, 3)
            + np.tile(self.positions, (len(images), 1)),
            masses=np.tile(self.masses, len(images)),
            symbols=self.symbols * len(images),
        )


def structure(name: str) -> Structure:
    """Return a crystal by name, such as "Si", "SiC" or "AlN" (wurtzite), or any fcc or diamond element of the table.

    The lattice constants are values to start from: a potential relaxes them to its own.

    Raises
    ------
    InputError
        for an unknown name; the message offers near ones
    """
    key = _STRUCTURE_ALIASES.get(name, name)
    if key not in _START_STRUCTURES:
        close = get_close_matches(key, _START_STRUCTURES, n=3, cutoff=0.4) or sorted(_START_STRUCTURES)
        raise InputError(f"no crystal structure {name!r} by name; did you mean {' or '.join(close)}?")
    kind, elements, a, c = _START_STRUCTURES[key]
    return build_prototype(key, kind, elements.split(), a=a * angstrom, c=c * angstrom)


def build_prototype(name: str, kind: str, elements: list[str], *, a: float, c: float = 0.0) -> Structure:
    """Build an "fcc", "diamond", "zincblende", "rocksalt", "bcc", "wurtzite" or "honeycomb" (a sheet) crystal; a and c
    in m, c of a sheet being the height of the empty cell.
    """
    cubic = {"fcc": 0.0, "diamond": 0.25, "zincblende": 0.25, "rocksalt": 0.5}
    half = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    if kind == "wurtzite":
        lattice = np.array([[a, 0, 0], [-a / 2, a * np.sqrt(0.75), 0], [0, 0, c]])
        points = np.array([[1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, 0.5], [1 / 3, 2 / 3, 0.375], [2 / 3, 1 / 3, 0.875]])
        chosen, axes = [elements[0], elements[0], elements[1], elements[1]], lattice
    elif kind == "honeycomb":
        lattice = np.array([[a, 0, 0], [-a / 2, a * np.sqrt(0.75), 0], [0, 0, c]])
        points = np.array([[0, 0, 0], [1 / 3, 2 / 3, 0]])
        chosen, axes = [elements[0], elements[-1]], lattice
    elif kind in cubic or kind == "bcc":
        lattice = a * (half if kind in cubic else np.ones((3, 3)) / 2 - np.eye(3))
        single = kind in ("fcc", "bcc")
        points = np.zeros((1, 3)) if single else np.array([[0.0] * 3, [cubic[kind]] * 3])
        chosen = elements[:1] if single else [elements[0], elements[-1]]
        axes = a * np.eye(3)
        return structure_from_symbols(name, lattice, points @ (a * np.eye(3)), chosen, axes)
    else:
        raise InputError(f"unknown kind of structure {kind!r}: expected {', '.join(cubic)}, bcc, wurtzite or honeycomb")
    return structure_from_symbols(name, lattice, points @ lattice, chosen, axes)


def structure_from_symbols(
    name: str, lattice: ArrayLike, positions: ArrayLike, symbols: list[str], axes: Array | None = None
) -> Structure:
    """Return a structure with the standard masses of its elements."""
    return Structure(
        name, finite_array(lattice), finite_array(positions), element_masses(symbols), tuple(symbols), axes
    )


def element_masses(symbols: list[str] | tuple[str, ...]) -> Array:
    """(n,) standard atomic masses of elements, kg."""
    unknown = sorted(set(symbols) - set(ATOMIC_WEIGHTS))
    if unknown:
        raise InputError(f"no mass of {', '.join(unknown)} in the table: give the masses (kg) yourself")
    return np.array([ATOMIC_WEIGHTS[symbol] for symbol in symbols]) * m_u


def _nearest_others(atoms: Array, everywhere: Array) -> tuple[Array, NDArray[np.int64]]:
    """(n,) distance of each atom to the nearest other one, m, and the place of that in (m, 3) `everywhere`."""
    if len(atoms) <= _MAX_COMPARED:  # the tree takes longer to load than that
        distances: Array = np.linalg.norm(atoms[:, None] - everywhere, axis=-1)
    else:
        from scipy.spatial import KDTree

        tree, found = KDTree(everywhere).query(atoms, k=2)
        return tree[:, 1], np.asarray(found, dtype=np.int64)[:, 1]
    second = np.argpartition(distances, 1, axis=1)[:, 1]  # the nearest is the atom itself
    return np.take_along_axis(distances, second[:, None], axis=1)[:, 0], second
