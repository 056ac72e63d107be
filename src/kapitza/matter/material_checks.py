r"""Checks of materials: what no crystal can be, and what two numbers of one material say against each other.

Numbers of handbooks and databases carry slips: a density ten times too large, a modulus twice its value, speeds of
another direction.  Each check compares two numbers of an entry that have to agree.
"""

from collections.abc import Mapping

import numpy as np
from attrs import frozen

from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.elastic import REDUNDANT_CONSTANTS, cell_volume, reuss_speeds, voigt_speeds
from kapitza.matter.material import GLASS_SYMMETRY, LIQUID_SYMMETRY, Material, composition
from kapitza.units import GPa, angstrom, hbar, k_B, m_u

_SHEAR_TOLERANCE = 0.02  # relative: C66 against (C11 - C12)/2
_DENSITY_TOLERANCE = 0.03  # relative: stated density against that of the cell
_SPEED_TOLERANCE = 0.03  # relative: how far beyond the bounds of Voigt and Reuss a measured speed may lie
_DEBYE_TOLERANCE = 0.15  # relative: measured Debye temperature against that of the elastic waves
_LOWEST_DEBYE_TEMPERATURE, _HIGHEST_DEBYE_TEMPERATURE = 5.0, 2600.0  # K: Debye temperatures of solids


@frozen
class Finding(BaseRecord):
    """A check that a material fails."""

    material: str  # its name
    check: str  # stability, shear, density, speeds or debye
    value: float  # what the check found, SI units
    expected: float  # what it was compared with
    message: str  # one line for a reader
    exemption: str = ""  # why the entry is right all the same; empty where it gives no reason


def _check_stability(material: Material) -> Finding | None:
    """Positive definite stiffness: F. Mouhat and F.-X. Coudert, doi:10.1103/PhysRevB.90.224104."""
    if not material.constants:
        return None
    lowest = float(np.linalg.eigvalsh(material.stiffness)[0])
    text = f"stiffness with an eigenvalue of {lowest / GPa:.3g} GPa is unstable"
    return None if lowest > 0 else _make_finding(material, "stability", lowest, 0.0, text)


def _check_shear(material: Material) -> Finding | None:
    r"""$C_{66} = (C_{11} - C_{12})/2$ about a three- or sixfold axis, to 2 %, where an entry states it."""
    stated = material.constants.get(REDUNDANT_CONSTANTS.get(material.symmetry, ""))
    if stated is None:
        return None
    wanted = (material.constants["C11"].value - material.constants["C12"].value) / 2
    if abs(stated.value - wanted) <= _SHEAR_TOLERANCE * abs(wanted):
        return None
    text = f"C66 = {stated.value / GPa:.4g} GPa, but (C11 - C12)/2 = {wanted / GPa:.4g} GPa ({material.symmetry})"
    return _make_finding(material, "shear", stated.value, wanted, text)


def _check_density(material: Material, masses: Mapping[str, float]) -> Finding | None:
    """Stated density against that of the conventional cell, to 3 %; `masses` by element, u."""
    if not material.lattice or material.cell is None:
        return None
    weight = sum(masses[element] * n for element, n in composition(material.formula).items()) * m_u
    lattice = {name: one.value for name, one in material.lattice.items()}
    wanted = material.cell * weight / cell_volume(material.symmetry, lattice)
    value = material.density.value
    if abs(value - wanted) <= _DENSITY_TOLERANCE * wanted:
        return None
    size = f"a = {lattice['a'] / angstrom:.4g} Å with {material.cell:g} × {material.formula}"
    text = f"{value:.5g} kg/m³, but the cell ({size}) has {wanted:.5g} kg/m³"
    return _make_finding(material, "density", value, wanted, text)


def _check_speeds(material: Material) -> Finding | None:
    """Measured speeds within the bounds of equal strain and stress to 3 %: R. Hill, doi:10.1088/0370-1298/65/5/307."""
    if material.speeds != "measured" or not material.constants or _check_stability(material) is not None:
        return None
    upper = voigt_speeds(material.stiffness, material.density.value)
    lower = reuss_speeds(material.stiffness, material.density.value)
    kinds = (("longitudinal", material.longitudinal), ("transverse", material.transverse))
    for (kind, speed), low, high in zip(kinds, lower, upper, strict=True):
        if speed is not None and not low * (1 - _SPEED_TOLERANCE) <= speed.value <= high * (1 + _SPEED_TOLERANCE):
            bounds = f"{low:.4g} (Reuss) to {high:.4g} m/s (Voigt)"
            text = f"{kind} speed {speed.value:.4g} m/s, but a polycrystal has {bounds}"
            return _make_finding(material, "speeds", speed.value, low if speed.value < low else high, text)
    return None


def _check_debye(material: Material) -> Finding | None:
    r"""Stated Debye temperature against that of the elastic waves, to 15 %; and plausible in itself."""
    if material.symmetry == LIQUID_SYMMETRY or _check_stability(material) is not None:
        return None
    try:
        elastic = debye_temperature(material)
    except InputError as err:
        text = str(err).removeprefix(f"{material.name}: ")
        return _make_finding(material, "debye", float("nan"), _HIGHEST_DEBYE_TEMPERATURE, text)
    stated = material.debye.value if material.debye is not None else elastic
    plausible = _LOWEST_DEBYE_TEMPERATURE <= elastic <= _HIGHEST_DEBYE_TEMPERATURE
    if plausible and abs(elastic - stated) <= _DEBYE_TOLERANCE * stated:
        return None
    text = f"Debye temperature {stated:.4g} K, but sound waves give {elastic:.4g} K"
    return _make_finding(material, "debye", elastic, stated, text)


def debye_temperature(material: Material) -> float:
    r"""Debye temperature of long waves, $\Theta = (\hbar/k_B) (18\pi^2 n / \sum_b \langle c_b^{-3}\rangle)^{1/3}$, K:
    O. L. Anderson, J. Phys. Chem. Solids 24, 909 (1963), doi:10.1016/0022-3697(63)90067-2. Crystals take the mean
    over all directions, glasses and polymers their two speeds.
    """
    crystalline = material.constants and material.symmetry != GLASS_SYMMETRY
    cutoffs = (material.elastic() if crystalline else material.solid()).cutoffs
    return float(hbar / k_B * (3 / np.sum(cutoffs**-3.0)) ** (1 / 3))


def validate_material(material: Material, masses: Mapping[str, float]) -> tuple[Finding, ...]:
    """Return all checks that a material fails, those with an exemption included."""
    findings = (
        _check_stability(material),
        _check_shear(material),
        _check_density(material, masses),
        _check_speeds(material),
        _check_debye(material),
    )
    return tuple(finding for finding in findings if finding is not None)


def _make_finding(material: Material, check: str, value: float, wanted: float, text: str) -> Finding:
    return Finding(material.name, check, value, wanted, f"{material.name}: {text}", material.exemptions.get(check, ""))
