r"""Two-dimensional sheets: in-plane sound and a flexural branch.

A sheet has no modes that arrive from a bulk, so what it can exchange has to be said.  Each vibration of the sheet
counts as half a vibration on its way to either face, with the attempt rate $v_z/d$ of a stack of such sheets.  That is
the frequency of a sheet on the springs to its neighbour, $\sqrt{k/\rho_s}$:

$M(\omega) = \pi\, g(\omega) \sqrt{k/\rho_s}$, with $g$ the states per area and angular frequency.

This is what the diffuse mismatch model of layered crystals (two-dimensional spectrum, one speed across) makes of one
layer.  A flexural branch brings a constant number, down to zero frequency.  Diffuse mismatch takes the bond for as
strong as any: for sheets held by van der Waals forces it gives several times what is measured, and `sheet_on_solid` is
the model to trust.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, about, quantity
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.units import GPa, angstrom, eV, m_u


@frozen(kw_only=True)
class Sheet(BaseRecord):
    r"""Isotropic sheet with longitudinal, transverse and flexural branches, one mode of each per atom.

    In-plane branches are linear; the flexural one is $\omega = \sqrt{D/\rho_s}\, q^2$.  A `Phonons`: `dmm` takes it.

    Attributes
    ----------
    cells : their zone is where the flexural branch of a supported sheet ends
    spring : stiffness per area, $k = C_{33}/d$

    Raises
    ------
    InputError
        for values that are not finite and positive, or more cells than atoms

    References
    ----------
    J. C. Duda, J. L. Smoyer, P. M. Norris, P. E. Hopkins, Appl. Phys. Lett. 95, 031912 (2009)
    (diffuse mismatch of layered crystals; the reduction to one layer is derived above)

    Examples
    --------
    >>> from kapitza.matter import sheet
    >>> graphene = sheet("graphene")
    >>> print(f"{graphene.longitudinal:.0f} m/s along the sheet, {graphene.density:.2g} kg/m²")
    21438 m/s along the sheet, 7.6e-07 kg/m²
    """

    name: str
    density: float = field(validator=quantity(), metadata=about("kg m^-2", "mass per area"))
    rigidity: float = field(validator=quantity(), metadata=about("J", "bending rigidity"))
    longitudinal: float = field(validator=quantity(), metadata=about("m s^-1", "in-plane speed of sound"))
    transverse: float = field(validator=quantity(), metadata=about("m s^-1", "in-plane speed of sound"))
    atoms: float = field(validator=quantity(), metadata=about("m^-2", "atoms per area"))
    cells: float = field(validator=quantity(), metadata=about("m^-2", "unit cells per area"))
    spring: float = field(validator=quantity(), metadata=about("N m^-3", "to an equal sheet in a stack"))
    source: str = ""

    def __attrs_post_init__(self) -> None:
        if self.density > 1e-3:
            raise InputError(f"{self.name}: density = {self.density:g}, expected kg/m² (graphene 7.6e-7), not kg/m³")
        if self.rigidity > 1e-12:
            raise InputError(f"{self.name}: rigidity = {self.rigidity:g}, expected J (1 eV = 1.6e-19 J): is it in eV?")
        if self.cells > self.atoms:
            raise InputError(f"{self.name}: {self.cells:g} cells for {self.atoms:g} atoms per area, wanted no more")

    @property
    def attempt_rate(self) -> float:
        r"""Frequency of the sheet on the springs to an equal one, $\sqrt{k/\rho_s}$, rad s⁻¹."""
        return float(np.sqrt(self.spring / self.density))

    @property
    def flexural(self) -> float:
        r"""Coefficient $\sqrt{D/\rho_s}$ of the flexural branch $\omega = \alpha q^2$, m² s⁻¹."""
        return float(np.sqrt(self.rigidity / self.density))

    @property
    def cutoffs(self) -> Array:
        """(3,) top of the longitudinal, transverse and flexural branch, rad s⁻¹."""
        radius = np.sqrt(4 * np.pi * self.atoms)
        return np.array([self.longitudinal * radius, self.transverse * radius, self.flexural * radius**2])

    @property
    def edges(self) -> Array:
        """(3,) tops of the branches, rad s⁻¹."""
        return np.unique(self.cutoffs)

    def density_of_states(self, omega: Array) -> Array:
        r"""(nω,) states per area and ω, $\sum\omega/2\pi c^2 + \frac{1}{4\pi}\sqrt{\rho_s/D}$, s m⁻²."""
        omega = np.asarray(omega)
        speeds = (self.longitudinal, self.transverse)
        plane = sum(np.where(omega <= c, omega / v**2, 0.0) for v, c in zip(speeds, self.cutoffs[:2], strict=True))
        return plane / (2 * np.pi) + np.where(omega <= self.cutoffs[2], 1 / (4 * np.pi * self.flexural), 0.0)

    def modes(self, omega: Array) -> Array:
        r"""(nω,) modes per area that the sheet offers to one face, $\pi g(\omega)\sqrt{k/\rho_s}$, m⁻²."""
        return np.pi * self.attempt_rate * self.density_of_states(omega)


class _Monolayer(NamedTuple):
    """What is tabulated for hexagonal monolayers and their layered crystals."""

    lattice: float  # in-plane lattice constant a, m
    masses: tuple[float, ...]  # atoms of the cell, kg
    stiffness: float  # two-dimensional Young's modulus Y, N m⁻¹
    poisson: float  # ratio ν
    rigidity: float  # J
    cross_stiffness: float  # C33 of the layered crystal, Pa
    spacing: float  # distance of its layers d, m
    source: str


def _hexagonal_sheet(name: str, layer: _Monolayer) -> Sheet:
    r"""Sheet with $\rho_s = \sum m/\frac{\sqrt 3}{2} a^2$, $k = C_{33}/d$ and the speeds of its elastic constants.

    $c_L^2 = Y/\rho_s(1-\nu^2)$, $c_T^2 = Y/2\rho_s(1+\nu)$.
    """
    area = np.sqrt(3) / 2 * layer.lattice**2
    density = sum(layer.masses) / area
    return Sheet(
        name=name, density=float(density), rigidity=layer.rigidity,
        longitudinal=float(np.sqrt(layer.stiffness / density / (1 - layer.poisson**2))),
        transverse=float(np.sqrt(layer.stiffness / density / 2 / (1 + layer.poisson))),
        atoms=float(len(layer.masses) / area), cells=float(1 / area),
        spring=layer.cross_stiffness / layer.spacing, source=layer.source,
    )  # fmt: skip


# Young's modulus: Lee 2008 (graphene), Kudin 2001 (h-BN), Bertolazzi 2011 (MoS2).  Rigidity: Jiang 2013; h-BN is 16 %
# below graphene (Singh 2013).  C33: Bosak 2007 (graphite), Bosak 2006 (h-BN), Feldman 1976 (MoS2).
_MONOLAYERS = {
    "graphene": _Monolayer(
        2.461 * angstrom, (12.011 * m_u,) * 2, 340.0, 0.165, 1.4 * eV, 38.7 * GPa, 3.35 * angstrom,
        "doi:10.1126/science.1157996, doi:10.1088/0957-4484/24/43/435705, doi:10.1103/PhysRevB.75.153408",
    ),
    "h-BN": _Monolayer(
        2.504 * angstrom, (10.81 * m_u, 14.007 * m_u), 271.0, 0.211, 0.84 * 1.4 * eV, 27.0 * GPa, 3.33 * angstrom,
        "doi:10.1103/PhysRevB.64.235406, doi:10.1103/PhysRevB.87.184106, doi:10.1103/PhysRevB.73.041402",
    ),
    "MoS2": _Monolayer(
        3.16 * angstrom, (95.95 * m_u, 32.06 * m_u, 32.06 * m_u), 180.0, 0.25, 9.61 * eV, 52.0 * GPa, 6.15 * angstrom,
        "doi:10.1021/nn203879f, doi:10.1088/0957-4484/24/43/435705, "
        "J. L. Feldman, J. Phys. Chem. Solids 37, 1141 (1976)",
    ),
}  # fmt: skip
LIBRARY_SHEETS: Mapping[str, Sheet] = MappingProxyType(
    {name: _hexagonal_sheet(name, layer) for name, layer in _MONOLAYERS.items()}
)

# Normal stiffness to amorphous SiO2, N m⁻³, after doi:10.1103/PhysRevB.94.165427: with them and a damping of 0.01 the
# conductances of its abstract come out within 11 % (graphene) and 1 % (MoS2).
SPRINGS_ON_SILICA: Mapping[str, float] = MappingProxyType({"graphene": 1.23e20, "MoS2": 4.94e19})


def sheet(name: str) -> Sheet:
    """Return a sheet of the library.

    Raises
    ------
    InputError
        for an unknown name; the message offers near ones
    """
    if name not in LIBRARY_SHEETS:
        close = get_close_matches(name, LIBRARY_SHEETS, n=3, cutoff=0.3) or sorted(LIBRARY_SHEETS)
        raise InputError(f"no sheet {name!r} in the library; did you mean {' or '.join(close)}?")
    return LIBRARY_SHEETS[name]
