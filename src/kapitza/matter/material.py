r"""A material: every number that is known of it, each with its unit, its source and its uncertainty."""

import re
import warnings
from collections.abc import Mapping

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, increasing, positive, read_only_mapping, same_length, temperatures
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError, ValidityWarning
from kapitza.matter.elastic import Elastic, stiffness_matrix
from kapitza.matter.isotropic import Fluid, Solid

LIQUID_SYMMETRY, GLASS_SYMMETRY = "liquid", "isotropic"
_ROOM_TEMPERATURE = 300.0  # K
_FORMULA_PATTERN = re.compile(r"([A-Z][a-z]?)(\d+\.?\d*)?")


@frozen
class Quantity(BaseRecord):
    """One number with where it comes from.

    Attributes
    ----------
    unit : SI unit, for tables
    source : key into the sources, or what the file of a user says
    verified : whether the number was read in the source, or in a text that quotes it, or was compared with such a
        number (then the note says "remembered; compared with ..."); False: from memory alone
    note : what a reader has to know to use it

    Examples
    --------
    >>> from kapitza import material
    >>> speed = material("Al").longitudinal
    >>> print(speed.value, speed.unit, speed.verified)
    6420.0 m s⁻¹ True
    """

    value: float = field(metadata=about("as unit", "the number"))
    unit: str
    source: str
    sigma: float | None = field(
        default=None, metadata=about("as unit", "standard uncertainty; None where nobody states one")
    )
    verified: bool = True
    note: str = ""


@frozen(eq=False, kw_only=True)
class PropertyTable(BaseRecord):
    """A property against temperature.

    Attributes
    ----------
    name : of the property, for messages
    unit, source, verified, note : as in `Quantity`

    Examples
    --------
    >>> from kapitza import material
    >>> table = material("Si").conductivity
    >>> print(table([300.0, 400.0]).round())
    [148.  99.]
    """

    name: str
    temperature: Array = field(converter=lambda t: increasing(temperatures(t)), metadata=about("K", "(n,) increasing"))
    value: Array = field(
        converter=positive, validator=same_length("temperature"), metadata=about("as unit", "(n,) above zero")
    )
    unit: str = ""
    source: str = ""
    verified: bool = True
    note: str = ""

    def at(self, temperature: ArrayLike, *, logarithmic: bool = False) -> Array:
        """(nT,) value, piecewise linear in ln T (`logarithmic`: a power law between points); InputError outside of the
        table.
        """
        temperature = temperatures(temperature)
        low, high = self.temperature[0], self.temperature[-1]
        outside = temperature[(temperature < low) | (temperature > high)]
        if outside.size:
            raise InputError(f"{self.name} at {outside[0]:g} K: known from {low:g} to {high:g} K only ({self.source})")
        value = np.log(self.value) if logarithmic else self.value
        between = np.interp(np.log(temperature), np.log(self.temperature), value)
        return np.exp(between) if logarithmic else between


@frozen
class MetalProperties(BaseRecord):
    """Electrons of a metal, where they are known.

    Attributes
    ----------
    conductivity : thermal conductivity of electrons and lattice near 300 K, W m⁻¹ K⁻¹
    coupling : electron-phonon coupling near 300 K, W m⁻³ K⁻¹
    sommerfeld : electronic heat capacity over temperature, J m⁻³ K⁻²
    lattice : thermal conductivity of the lattice near 300 K, W m⁻¹ K⁻¹

    Examples
    --------
    >>> from kapitza import material
    >>> print(material("Al").metal.coupling.value, "W m⁻³ K⁻¹ between electrons and phonons")
    2.41e+17 W m⁻³ K⁻¹ between electrons and phonons
    """

    conductivity: Quantity | None = None
    coupling: Quantity | None = None
    sommerfeld: Quantity | None = None
    lattice: Quantity | None = None


@frozen(kw_only=True)
class StateRange(BaseRecord):
    """Temperatures between which a material is what its numbers describe, at one atmosphere or its vapour pressure."""

    low: Quantity | None = None  # ends, K; None where there is none, or none is known
    high: Quantity | None = None
    below: str = ""  # what it is beyond them, in words: "frozen", "molten", "a gas"
    above: str = ""

    def departure(self, temperature: ArrayLike) -> str:
        """What becomes of the material at some of the temperatures (nT,) K, in words; empty where all are inside."""
        kelvin = temperatures(temperature)
        coldest, hottest = float(kelvin.min(initial=np.inf)), float(kelvin.max(initial=0.0))
        parts: list[str] = []
        if self.high is not None and hottest > self.high.value:
            parts.append(f"above {self.high.value:.4g} K it is {self.above}, asked for at {hottest:.6g} K")
        if self.low is not None and coldest < self.low.value:
            parts.append(f"below {self.low.value:.4g} K it is {self.below}, asked for at {coldest:.6g} K")
        return "; ".join(parts)


@frozen(eq=False, kw_only=True)
class Material(BaseRecord):
    """What is known of a material, in SI units.

    Attributes
    ----------
    name, title, aliases, formula : what it is called
    symmetry : crystal class, "isotropic" for glasses and polymers, "liquid"
    density : kg m⁻³
    atoms : number density, m⁻³: of all atoms in a solid, of molecules in a liquid
    lattice : constants of the conventional cell, m (beta in rad); empty where there is none
    constants : independent elastic constants by name, Pa
    longitudinal, transverse : speeds of sound of the polycrystal, glass or liquid, m s⁻¹
    speeds : "measured", or "hill" where they follow from the elastic constants
    debye : Debye temperature at low temperature, K
    expansion : mean linear coefficient of thermal expansion near 300 K, K⁻¹
    conductivity_table, inplane_table : thermal conductivity through the plane (of the layers, or along the axis
        that the note names) and in the plane, W m⁻¹ K⁻¹
    heat_capacity_table : specific heat at constant pressure, J kg⁻¹ K⁻¹
    metal : electrons
    state : temperatures between which it is what these numbers describe
    exemptions : checks that this entry fails, with the reason
    note : what a reader has to know

    Examples
    --------
    >>> from kapitza import material
    >>> copper = material("Cu")
    >>> print(copper.formula, copper.density.value, copper.density.unit)
    Cu 8960.0 kg m⁻³
    """

    name: str
    title: str
    formula: str
    symmetry: str
    density: Quantity
    atoms: Quantity
    aliases: tuple[str, ...] = ()
    lattice: Mapping[str, Quantity] = field(factory=dict, converter=read_only_mapping)
    cell: float | None = field(default=None, metadata=about("1", "formula units in the conventional cell"))
    constants: Mapping[str, Quantity] = field(factory=dict, converter=read_only_mapping)
    longitudinal: Quantity | None = None
    transverse: Quantity | None = None
    speeds: str = "measured"
    debye: Quantity | None = None
    expansion: Quantity | None = None
    conductivity_table: PropertyTable | None = None
    inplane_table: PropertyTable | None = None
    heat_capacity_table: PropertyTable | None = None
    metal: MetalProperties = field(factory=MetalProperties)
    state: StateRange = field(factory=StateRange)
    exemptions: Mapping[str, str] = field(factory=dict, converter=read_only_mapping)
    note: str = ""

    @property
    def stiffness(self) -> Array:
        """(6, 6) Voigt matrix in the axes of `stiffness_matrix`, Pa; InputError for a liquid or where none is known."""
        constants = {name: one.value for name, one in self.constants.items()}
        if not constants and self.symmetry == GLASS_SYMMETRY and self.longitudinal and self.transverse:
            constants = {
                "C11": self.density.value * self.longitudinal.value**2,
                "C44": self.density.value * self.transverse.value**2,
            }
        if self.symmetry == LIQUID_SYMMETRY:
            hint = Hint(python=f"use fluid({self.name!r})")
            raise InputError(f"{self.name} is a liquid, which has no stiffness", hint=hint)
        if not constants:
            hint = Hint(python=f"use solid({self.name!r})")
            raise InputError(f"{self.name} has no elastic constants here", hint=hint)
        return stiffness_matrix(self.symmetry, constants)

    @property
    def gruneisen(self) -> float | None:
        r"""Grüneisen parameter at 300 K, $\gamma = 3\alpha K/C$, with the linear expansion α, the bulk modulus K and
        the heat capacity C per volume; None where one of them is not known.
        """
        table = self.heat_capacity_table
        if self.expansion is None or table is None or not self.constants:
            return None
        if not table.temperature[0] <= _ROOM_TEMPERATURE <= table.temperature[-1]:
            return None
        bulk = 1 / float(np.linalg.inv(self.stiffness)[:3, :3].sum())
        return 3 * self.expansion.value * bulk / float(self.heat_capacity(_ROOM_TEMPERATURE)[0])

    def solid(self) -> Solid:
        """The isotropic Debye solid of this density, speeds and number of atoms; InputError for a liquid or unknown
        speeds.
        """
        self._refuse_liquid("solid")
        longitudinal, transverse = self.longitudinal, self.transverse
        if longitudinal is None or transverse is None:
            raise InputError(f"{self.name}: no speeds of sound are known")
        return Solid(self.name, self.density.value, longitudinal.value, transverse.value, self.atoms.value)

    def elastic(self, normal: ArrayLike = (0, 0, 1)) -> Elastic:
        """The anisotropic crystal; `normal` is Cartesian, in the axes of the crystal. InputError for a liquid."""
        self._refuse_liquid("elastic")
        return Elastic(self.name, self.stiffness, self.density.value, self.atoms.value, normal)

    def fluid(self) -> Fluid:
        """The liquid of this density and speed of sound; InputError for a solid."""
        if self.symmetry != LIQUID_SYMMETRY or self.longitudinal is None:
            hint = Hint(python=f"use solid({self.name!r}) or elastic({self.name!r})")
            raise InputError(f"{self.name} is not a liquid", hint=hint)
        return Fluid(self.name, self.density.value, self.longitudinal.value, self.atoms.value)

    def media(self, normal: ArrayLike = (0, 0, 1)) -> tuple[Solid | None, Elastic | None, Fluid | None]:
        """The media that the known numbers allow, each None where they do not; `normal` as in `elastic`."""
        if self.symmetry == LIQUID_SYMMETRY:
            return None, None, self.fluid()
        has_speeds = self.longitudinal is not None and self.transverse is not None
        return self.solid() if has_speeds else None, self.elastic(normal) if self.constants else None, None

    def conductivity(self, temperature: ArrayLike, *, inplane: bool = False) -> Array:
        """(nT,) thermal conductivity, W m⁻¹ K⁻¹, a power law between the tabulated temperatures, InputError outside of
        them. `inplane`: in the plane of a layered or hexagonal crystal; the same as through it where no other is
        known.
        """
        table = self.inplane_table if inplane and self.inplane_table is not None else self.conductivity_table
        if table is None:
            raise InputError(f"{self.name}: no conductivity against temperature is known")
        return table.at(temperature, logarithmic=True)

    def heat_capacity(self, temperature: ArrayLike) -> Array:
        """(nT,) heat capacity per volume, J m⁻³ K⁻¹, with the stated density; InputError outside of the tabulated
        temperatures.
        """
        if self.heat_capacity_table is None:
            raise InputError(f"{self.name}: no heat capacity against temperature is known")
        return self.density.value * self.heat_capacity_table.at(temperature)

    def numbers(self) -> dict[str, Quantity | PropertyTable]:
        """All that is known, by name, in the order of a data sheet."""
        metal, state = self.metal, self.state
        single = {"density": self.density, "atoms": self.atoms, **self.lattice, **self.constants}
        single |= {
            "longitudinal speed": self.longitudinal,
            "transverse speed": self.transverse,
            "Debye temperature": self.debye,
            "thermal expansion": self.expansion,
            f"{state.below} below": state.low,
            f"{state.above} above": state.high,
            "electronic conductivity": metal.conductivity,
            "lattice conductivity": metal.lattice,
            "electron-phonon coupling": metal.coupling,
            "Sommerfeld constant": metal.sommerfeld,
        }
        tables = (self.conductivity_table, self.inplane_table, self.heat_capacity_table)
        known: dict[str, Quantity | PropertyTable] = {name: one for name, one in single.items() if one is not None}
        return known | {table.name.split(": ")[-1]: table for table in tables if table is not None}

    def _refuse_liquid(self, wanted: str) -> None:
        if self.symmetry == LIQUID_SYMMETRY:
            python = f"use fluid({self.name!r}) instead of {wanted}()"
            hint = Hint(python=python, command="this command takes solids only")
            raise InputError(f"{self.name} is a liquid, not a solid", hint=hint)


def warn_of_state(found: Material, temperature: ArrayLike, *, stacklevel: int = 2) -> None:
    """Warn of temperatures (nT,) K at which a material is not what its numbers describe.

    Warns
    -----
    ValidityWarning
        with what it melts, boils or turns into, and where
    """
    departure = found.state.departure(temperature)
    if departure:
        text = f"{found.name}: {departure}; the numbers of the library do not hold there"
        warnings.warn(text, ValidityWarning, stacklevel=stacklevel + 1)


def composition(formula: str) -> dict[str, float]:
    """Atoms of each element in a formula unit, e.g. Al2O3, or Zr0.85Y0.15O1.925."""
    pieces = list(_FORMULA_PATTERN.finditer(formula))
    if not pieces or "".join(piece[0] for piece in pieces) != formula:
        raise InputError(f"cannot read the formula {formula!r}: expected elements and numbers, such as Al2O3")
    counts: dict[str, float] = {}
    for piece in pieces:
        counts[piece[1]] = counts.get(piece[1], 0.0) + float(piece[2] or 1)
    return counts
