"""The atoms of a simulation: positions, masses, roles in the thermostats, and the plane between two sides."""

from typing import Final

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, BoolArray, IntArray, about, finite_array, integer_array, positive
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError

FREE_ROLE: Final = 0
HOT_ROLE: Final = 1
COLD_ROLE: Final = 2
FIXED_ROLE: Final = 3

_FLATNESS_TOLERANCE = 1e-6  # of lengths: what rounding leaves


@frozen(eq=False, kw_only=True)
class System(BaseRecord):
    """Two materials, their plane, and what each atom is there for.

    Attributes
    ----------
    name : for legends and messages
    lattice : the first two vectors lie in the plane z = 0
    kinds : names of the kinds, such as "Si" or "Ar"; two kinds may differ in mass alone
    layer : from 0 on the left, none without atoms
    role : FREE, HOT (left thermostat), COLD (right thermostat) or HELD (never moves)
    plane : midway between the last plane of the left side and the first of the right
    periodic : whether the box repeats along z, too; then there is a second interface where it closes

    Raises
    ------
    InputError
        for shapes or numbers that do not fit, a box without volume, or a plane with no atoms on one side

    Examples
    --------
    >>> from kapitza import md
    >>> from kapitza.examples import argon_interface
    >>> system, potential = argon_interface()
    >>> print(system.masses.size, "atoms in", system.heights.size, "planes;", system.right.sum(), "on the right")
    160 atoms in 20 planes; 80 on the right
    """

    name: str
    lattice: Array = field(converter=finite_array, metadata=about("m", "(3, 3) vectors of the box in rows"))
    positions: Array = field(converter=finite_array, metadata=about("m", "(n, 3) positions at rest"))
    masses: Array = field(converter=positive, metadata=about("kg", "(n,) masses"))
    species: IntArray = field(converter=integer_array, metadata=about("1", "(n,) kind of each atom, index of `kinds`"))
    kinds: tuple[str, ...] = field(converter=tuple)
    layer: IntArray = field(converter=integer_array, metadata=about("1", "(n,) plane of atoms of each atom"))
    role: IntArray = field(converter=integer_array, metadata=about("1", "(n,) role of each atom"))
    plane: float = field(metadata=about("m", "height of the Gibbs plane"))
    periodic: bool = False

    def __attrs_post_init__(self) -> None:
        n = self.masses.size
        shapes = {"lattice": (3, 3), "positions": (n, 3), "species": (n,), "layer": (n,), "role": (n,)}
        for name, wanted in shapes.items():
            found = getattr(self, name).shape
            if found != wanted:
                raise InputError(f"{self.name}: {name} of shape {found} for {n} masses, wanted {wanted}")
        _check_system(self)
        if not 0 < int(self.right.sum()) < n:
            raise InputError(f"{self.name}: all {n} atoms are on one side of the plane at {self.plane:g} m")

    @property
    def right(self) -> BoolArray:
        """(n,) whether the atom belongs to the right side."""
        return self.positions[:, 2] > self.plane

    @property
    def area(self) -> float:
        """Cross-section, m²."""
        return float(np.linalg.norm(np.cross(self.lattice[0], self.lattice[1])))

    @property
    def counts(self) -> IntArray:
        """(layers,) atoms of each plane."""
        return np.bincount(self.layer)

    @property
    def heights(self) -> Array:
        """(layers,) mean height of each plane, m."""
        return np.bincount(self.layer, weights=self.positions[:, 2]) / self.counts

    @property
    def roles(self) -> IntArray:
        """(layers,) largest role of the atoms of each plane."""
        found = np.zeros(self.counts.size, dtype=np.int64)
        np.maximum.at(found, self.layer, self.role)
        return found


def _check_system(system: System) -> None:
    """Refuse kinds, roles and planes of atoms that do not exist, and a box without volume."""
    name, (a, b, c) = system.name, system.lattice
    for what, numbers, last in (("species", system.species, len(system.kinds) - 1), ("role", system.role, FIXED_ROLE)):
        if numbers.size and not 0 <= numbers.min() <= numbers.max() <= last:
            raise InputError(f"{name}: {what} from {numbers.min()} to {numbers.max()}, wanted from 0 to {last}")
    layers = np.unique(system.layer)
    if not np.array_equal(layers, np.arange(layers.size)):
        raise InputError(
            f"{name}: atoms in {layers.size} layers numbered {layers[0]} to {layers[-1]}, wanted 0 to {layers.size - 1}"
        )
    volume = abs(float(np.linalg.det(system.lattice)))
    if not volume > _FLATNESS_TOLERANCE * float(np.prod(np.linalg.norm(system.lattice, axis=1))):
        raise InputError(f"{name}: the box {a}, {b}, {c} m has no volume")
    if max(abs(a[2]), abs(b[2])) > _FLATNESS_TOLERANCE * float(np.linalg.norm(system.lattice)):
        raise InputError(f"{name}: the first two vectors of the box, {a} and {b} m, wanted in the plane z = 0")
