"""Each slip that was met in handbooks and databases is caught; right entries pass."""

from typing import Any

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kapitza.matter.elastic import hill_speeds
from kapitza.matter.isotropic import Solid
from kapitza.matter.library import atomic_masses, material
from kapitza.matter.material import Material, Quantity
from kapitza.matter.material_checks import debye_temperature, validate_material
from kapitza.units import GPa, hbar, k_B

MASSES = atomic_masses()


def changed(one: Material, **fields: Any) -> Material:
    """A material with other numbers."""
    new: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "constants":
            new[name] = {key: Quantity(v * GPa, "Pa", "test") for key, v in value.items()}
        else:
            new[name] = Quantity(value, "", "test")
    return evolve(one, **new)


def failed(one: Material) -> list[str]:
    return [found.check for found in validate_material(one, MASSES)]


TRAPS = {
    "density of Al ten times too large": ("Al", "density", {"density": 26970}),
    "density of Si in g/cm3": ("Si", "density", {"density": 2.329}),
    "C66 of AlN doubled": (
        "AlN",
        "shear",
        {"constants": {"C11": 410, "C12": 148.5, "C13": 98.9, "C33": 388.5, "C44": 124.6, "C66": 229.25}},
    ),
    "C66 of quartz": (
        "alpha-quartz",
        "shear",
        {"constants": {"C11": 86.1, "C12": 10.43, "C13": 12.89, "C14": -17.21, "C33": 108.55, "C44": 59.2, "C66": 44}},
    ),
    "C44 of CaF2 in a handbook": ("CaF2", "debye", {"constants": {"C11": 164.2, "C12": 43.98, "C44": 84.06}}),
    "handbook speeds of Au": ("Au", "speeds", {"longitudinal": 3613.4, "transverse": 1182.8}),
    "speeds of sapphire along c": ("Al2O3", "speeds", {"longitudinal": 11200, "transverse": 6040}),
    "C11 and C12 of Cu swapped": ("Cu", "stability", {"constants": {"C11": 121.2, "C12": 168.3, "C44": 75.7}}),
    "C14 of quartz too large": (
        "alpha-quartz",
        "stability",
        {"constants": {"C11": 86.1, "C12": 10.43, "C13": 12.89, "C14": -57.21, "C33": 108.55, "C44": 59.2}},
    ),
    "stiffness of Ge in 1e10 Pa": ("Ge", "debye", {"constants": {"C11": 12.935, "C12": 4.865, "C44": 6.694}}),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_slip_is_caught(trap: str):
    name, check, fields = TRAPS[trap]
    assert failed(material(name)) == []
    wrong = changed(material(name), **fields)
    wrong = evolve(wrong, speeds="measured") if "longitudinal" in fields else wrong
    found = {one.check: one for one in validate_material(wrong, MASSES)}
    assert check in found
    assert found[check].message.startswith(f"{name}: ")
    assert found[check].exemption == ""


def test_excuse_goes_with_the_finding():
    wrong = evolve(changed(material("Al"), density=26970), exemptions={"density": "a foam of neutron matter"})
    assert {one.check: one.exemption for one in validate_material(wrong, MASSES)}[
        "density"
    ] == "a foam of neutron matter"


def test_messages_say_what_came_and_what_was_wanted():
    found, *_ = validate_material(changed(material("Al"), density=26970), MASSES)
    np.testing.assert_allclose(found.value, 26970, rtol=0, atol=0)
    np.testing.assert_allclose(found.expected, 2698, rtol=1e-3, atol=0)
    assert "26970" in found.message
    assert "2698.6" in found.message


@given(factor=st.floats(0.2, 5))
def test_density_is_allowed_three_percent(factor: float):
    one = material("W")
    exact = 2 * MASSES["W"] * 1.66053906892e-27 / one.lattice["a"].value ** 3
    off = "density" in failed(changed(one, density=exact * factor))
    assert off == (abs(factor - 1) > 0.03)


@given(c44=st.floats(5, 500), ratio=st.floats(0.05, 0.95), between=st.floats(0, 1))
def test_hill_speeds_are_within_the_bounds(c44: float, ratio: float, between: float):
    """Law: any mean of the Voigt and Reuss moduli passes, whatever the cubic crystal."""
    constants = {"C11": 200.0, "C12": 200 * ratio, "C44": c44}
    one = evolve(changed(material("Cu"), constants=constants), debye=None, speeds="measured")
    longitudinal, transverse = hill_speeds(one.stiffness, one.density.value)
    shift = 1 + 0.02 * (between - 0.5)
    one = changed(one, longitudinal=longitudinal * shift, transverse=transverse * shift)
    assert "speeds" not in failed(one)


@given(
    longitudinal=st.floats(2000, 18000),
    ratio=st.floats(0.1, 0.8),
    atoms=st.floats(1e28, 2e29),
    density=st.floats(500, 20000),
)
def test_debye_temperature_of_an_isotropic_solid(longitudinal: float, ratio: float, atoms: float, density: float):
    """Second road: the mean over directions of a crystal that happens to be isotropic, against two speeds."""
    transverse = ratio * longitudinal
    c11, c44 = density * longitudinal**2 / GPa, density * transverse**2 / GPa
    cubic = changed(
        material("Si"), constants={"C11": c11, "C12": c11 - 2 * c44, "C44": c44}, density=density, atoms=atoms
    )
    mean = (3 / (longitudinal**-3 + 2 * transverse**-3)) ** (1 / 3)
    want = hbar / k_B * mean * (6 * np.pi**2 * atoms) ** (1 / 3)
    np.testing.assert_allclose(debye_temperature(cubic), want, rtol=1e-9, atol=0)
    glass = changed(material("a-SiO2"), longitudinal=longitudinal, transverse=transverse, atoms=atoms, density=density)
    np.testing.assert_allclose(debye_temperature(glass), want, rtol=1e-9, atol=0)
    assert isinstance(glass.solid(), Solid)


@pytest.mark.parametrize("name", ["CdTe", "Cu", "Ag", "Au", "Si", "Ge", "diamond", "W", "Al2O3"])
def test_debye_temperature_of_calorimetry(name: str, published: Any):
    number = published("library", f"{name}_debye")
    np.testing.assert_allclose(debye_temperature(material(name)), number["value"], rtol=number["tolerance"], atol=0)
