"""Thermal conductivity of lattices: tables, metals, and the estimate of Slack."""

from math import pi

import pytest
from attrs import evolve

from kapitza.errors import InputError
from kapitza.matter.lattice_conductivity import lattice_conductivity, slack_conductivity
from kapitza.matter.library import material
from kapitza.units import hbar, k_B


@pytest.mark.parametrize(("name", "atoms"), [("Cu", 1), ("Mg", 2), ("W", 1)])
def test_slack_is_the_formula_of_leibfried_and_schloemann(name: str, atoms: int) -> None:
    """SI units and the constant of theory, acoustic phonons: C. Toher et al., doi:10.1103/PhysRevB.90.174107."""
    one = material(name)
    gamma, debye = one.gruneisen, one.debye
    assert gamma is not None
    assert debye is not None
    mass, cell = one.density.value / one.atoms.value, atoms / one.atoms.value
    acoustic = k_B * debye.value * atoms ** (-1 / 3) / hbar  # rad s⁻¹
    constant = 0.849 * 3 * 4 ** (1 / 3) / (20 * pi**3 * (1 - 0.514 / gamma + 0.228 / gamma**2))
    wanted = constant * acoustic**3 * hbar / k_B * k_B * mass * cell ** (1 / 3) / (hbar * gamma**2) / 400.0
    found = slack_conductivity(name, 400.0)
    assert found is not None
    assert abs(found - wanted) <= 1e-3 * wanted  # 2.43e-6 is rounded


def test_metals_have_the_part_of_the_phonons() -> None:
    known = material("Cu").metal.lattice
    found = lattice_conductivity("Cu", 150.0)
    assert found is not None
    assert known is not None
    assert not found.estimated
    assert abs(found.value - 2 * known.value) <= 1e-12 * found.value
    assert found.value < 0.1 * float(material("Cu").conductivity(150.0)[0])


def test_metals_without_it_have_an_estimate() -> None:
    one = material("Cu")
    found = lattice_conductivity(evolve(one, metal=evolve(one.metal, lattice=None)), 300.0)
    assert found is not None
    assert found.estimated
    assert "Slack" in found.source
    assert found.value == slack_conductivity("Cu", 300.0)


def test_tables_are_taken_where_they_reach() -> None:
    silicon = material("Si")
    table = silicon.conductivity_table
    assert table is not None
    inside, high = float(silicon.conductivity(250.0)[0]), float(table.temperature[-1])
    found, beyond = lattice_conductivity(silicon, 250.0), lattice_conductivity(silicon, 2 * high)
    assert found is not None
    assert beyond is not None
    assert (found.value, found.source, found.estimated) == (inside, table.source, False)
    assert beyond.estimated
    assert abs(beyond.value - table.value[-1] / 2) <= 1e-12 * beyond.value


def test_nothing_is_made_up() -> None:
    glass = material("a-SiO2")
    assert slack_conductivity(glass, 300.0) is None
    assert lattice_conductivity(evolve(glass, conductivity_table=None), 300.0) is None
    assert lattice_conductivity("SnSe", 300.0) is None  # phonons alone, no entry in the library


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="no material 'unobtainium'"):
        lattice_conductivity("unobtainium", 300.0)
    with pytest.raises(InputError, match="above 0 K"):
        slack_conductivity("Cu", 0.0)
