r"""Thermal conductivity of the lattice of a solid: tabulated where it is known, else estimated after Slack.

Slack's formula is that of Leibfried and Schlömann for acoustic phonons that scatter from one another,

$$\kappa = A\,\frac{\bar M\,\theta_a^3\,\delta\,n^{1/3}}{\gamma^2 T}
         = A\,\frac{\bar M\,\Theta^3\,\delta}{\gamma^2 n^{2/3}\,T}, \qquad
A = \frac{2.43\times10^{-6}}{1 - 0.514/\gamma + 0.228/\gamma^2}$$

in W m⁻¹ K⁻¹, with the mean atomic mass in u, the acoustic Debye temperature $\theta_a = \Theta n^{-1/3}$ in K of a
crystal with n atoms in its primitive cell, the root δ of the volume per atom in Å, and the Grüneisen parameter γ:
D. T. Morelli and G. A. Slack in High Thermal Conductivity Materials, ed. S. L. Shindé and J. S. Goela (Springer, New
York, 2006), p. 37, doi:10.1007/0-387-25100-6_2.  The same constant follows from
$0.849 \cdot 3\sqrt[3]{4}\,k_B^3 /(20\pi^3\hbar^3)$ in C. Toher et al., Phys. Rev. B 90, 174107 (2014),
doi:10.1103/PhysRevB.90.174107, equation 17.

From the Debye temperature of low temperatures and the Grüneisen parameter of thermal expansion the estimate is
1.5 times the conductivity of the lattice by first principles in the median of eight metals (0.9 for gold to 3.0 for
molybdenum), and 1.8 times the measured one in the median of Si, Ge, GaAs, GaSb, InP and CaF2 (1.3 to 3.5).
"""

from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import about, one_temperature
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.library import material as library_material
from kapitza.matter.material import Material, PropertyTable
from kapitza.matter.material_checks import debye_temperature
from kapitza.matter.phonons import has_phonons, primitive_atoms
from kapitza.units import angstrom, m_u

_ROOM_TEMPERATURE = 300.0  # K: of the lattice conductivities of metals
_SLACK_CONSTANT = 2.43e-6  # W m⁻¹ K⁻¹ for u, K and Å
# largest share of the phonons in the conductivity of 18 metals at room temperature, by first principles:
# Z. Tong et al., Phys. Rev. B 100, 144306 (2019), doi:10.1103/PhysRevB.100.144306
_LARGEST_METAL_SHARE = 0.4
_TABLE_MARGIN = 0.1  # relative: how far beyond a table its last value still counts as known
_SLACK_SOURCE = "estimate of Slack, doi:10.1007/0-387-25100-6_2"


@frozen
class LatticeConductivity(BaseRecord):
    """Thermal conductivity of a lattice at one temperature.

    Attributes
    ----------
    source : key of the library's sources with what was done to the number, or the formula of an estimate
    estimated : whether nobody has measured or computed it near this temperature: after Slack, or more than a tenth
        beyond the ends of a table

    Examples
    --------
    >>> from kapitza.phonons import lattice_conductivity
    >>> one = lattice_conductivity("Si", 300.0)
    >>> print(round(one.value), "W m⁻¹ K⁻¹", one.estimated)
    148 W m⁻¹ K⁻¹ False
    """

    value: float = field(metadata=about("W m^-1 K^-1", "thermal conductivity of the lattice"))
    source: str
    estimated: bool


def slack_conductivity(material: str | Material, temperature: ArrayLike) -> float | None:
    """Return the estimate of Slack from the numbers of the library, W m⁻¹ K⁻¹.

    Parameters
    ----------
    material : name or alias, or a record
    temperature : K, one number; the formula is made for temperatures from about the acoustic Debye temperature up

    Returns
    -------
    None where the Grüneisen parameter, the Debye temperature or the primitive cell is not known

    Raises
    ------
    InputError
        for a name that is not known, or a temperature that is not above zero
    """
    kelvin, found = one_temperature(temperature), _find_material(material)
    gamma = None if found is None else found.gruneisen
    if found is None or gamma is None or gamma <= 0 or not has_phonons(found.name):
        return None
    debye = found.debye.value if found.debye is not None else debye_temperature(found)
    spacing = found.atoms.value ** (-1 / 3) / angstrom
    mass = found.density.value / found.atoms.value / m_u
    strength = _SLACK_CONSTANT / (1 - 0.514 / gamma + 0.228 / gamma**2) / gamma**2
    return float(strength * mass * debye**3 * spacing / (primitive_atoms(found.name) ** (2 / 3) * kelvin))


def lattice_conductivity(material: str | Material, temperature: ArrayLike) -> LatticeConductivity | None:
    """Return the thermal conductivity of the lattice, through the plane of a layered crystal.

    Metals have the part of the phonons alone, known at 300 K and scaled as 1/T; other solids what the library has
    tabulated.  Beyond the ends of a table the last value is scaled as 1/T, the law of phonons that scatter from one
    another, which holds from about a third of the Debye temperature up.  Where no conductivity is known, it is Slack's,
    in a metal at most 0.4 of the whole conductivity at 300 K: Slack leaves out that electrons scatter phonons.

    Parameters
    ----------
    material : name or alias, or a record
    temperature : K, one number

    Returns
    -------
    None where nothing is known

    Raises
    ------
    InputError
        for a name that is not known, or a temperature that is not above zero
    """
    kelvin, found = one_temperature(temperature), _find_material(material)
    if found is None:
        return None
    lattice, total, table = found.metal.lattice, found.metal.conductivity, found.conductivity_table
    if lattice is not None:
        value, source = lattice.value * _ROOM_TEMPERATURE / kelvin, f"{lattice.source}, as 1/T from 300 K"
        return LatticeConductivity(value, source, False)
    has_electrons = any(one is not None for one in (total, found.metal.coupling, found.metal.sommerfeld))
    if not has_electrons and table is not None:
        return _tabulated_conductivity(table, kelvin)
    estimate = slack_conductivity(found, kelvin)
    if estimate is None:
        return None
    if total is not None:
        largest = _LARGEST_METAL_SHARE * total.value * _ROOM_TEMPERATURE / kelvin
        if estimate > largest:
            source = f"{_LARGEST_METAL_SHARE:g} of the whole conductivity ({total.source}), below the {_SLACK_SOURCE}"
            return LatticeConductivity(largest, source, True)
    return LatticeConductivity(estimate, _SLACK_SOURCE, True)


def _tabulated_conductivity(table: PropertyTable, kelvin: float) -> LatticeConductivity:
    low, high = float(table.temperature[0]), float(table.temperature[-1])
    nearest = min(max(kelvin, low), high)
    value = float(table.at(nearest, logarithmic=True)[0])
    if nearest == kelvin:
        return LatticeConductivity(value, table.source, False)
    source = f"{table.source}, as 1/T from {nearest:g} K"
    return LatticeConductivity(value * nearest / kelvin, source, abs(kelvin / nearest - 1) > _TABLE_MARGIN)


def _find_material(material: str | Material) -> Material | None:
    """The material of a name; None for crystals with phonons that the library does not know."""
    if isinstance(material, Material):
        return material
    try:
        return library_material(material)
    except InputError:
        if has_phonons(material):
            return None
        raise
