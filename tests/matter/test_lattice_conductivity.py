"""Thermal conductivity of lattices: tables, metals, and the estimate of Slack."""

from math import pi

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import InputError
from kapitza.matter.lattice_conductivity import lattice_conductivity, slack_conductivity
from kapitza.matter.library import material
from kapitza.matter.material import Quantity
from kapitza.matter.phonons import phonon_names
from kapitza.units import hbar, k_B

# linear thermal expansion near 300 K, K⁻¹: pages of the Ioffe Institute, for CaF2 Crystran
EXPANSION = {"Si": 2.6e-6, "Ge": 5.9e-6, "GaAs": 5.73e-6, "GaSb": 7.75e-6, "InP": 4.60e-6, "CaF2": 18.85e-6}
# those that no number of the library leads to
UNKNOWN = {
    "4H-SiC", "BAs", "Bi2Te3", "CeO2", "HfO2", "KCl", "LiF", "MoS2", "NaCl", "NaF", "PbSe", "PbTe",
    "Sb2Te3", "ScN", "SnSe", "SrTiO3", "TiC", "TiO2", "VN", "WC", "WS2", "Y2O3", "ZnS", "ZnSe",
    "ZrC", "ZrN", "ZrO2", "cBN",
}  # fmt: skip


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
    known = material("Al").metal.lattice
    found = lattice_conductivity("Al", 150.0)
    assert found is not None
    assert known is not None
    assert not found.estimated
    assert abs(found.value - 2 * known.value) <= 1e-12 * found.value
    assert found.value < 0.1 * float(material("Al").conductivity(150.0)[0])


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


def test_slack_against_first_principles_for_metals() -> None:
    """Median of eight metals, stated in the module, to 0.1; each within a factor of three."""
    known = {"Ag": 5.2, "Al": 5.8, "Au": 2.6, "Cu": 16.9, "Ni": 23.2, "Pt": 5.8, "Mo": 37.0, "W": 46.0}  # W m⁻¹ K⁻¹
    ratios = [one / known[name] for name in known if (one := slack_conductivity(name, 300.0)) is not None]
    assert len(ratios) == 8
    assert abs(np.median(ratios) - 1.5) <= 0.1
    assert min(ratios) >= 0.85
    assert max(ratios) <= 3.0


def test_slack_against_measurements() -> None:
    """Median of six crystals with their thermal expansion, stated in the module, to 0.1; each within 1.3 to 3.5."""
    ratios = []
    for name, expansion in EXPANSION.items():
        one = evolve(material(name), expansion=Quantity(expansion, "K⁻¹", "test"))
        estimate, known = slack_conductivity(one, 300.0), lattice_conductivity(name, 300.0)
        assert estimate is not None
        assert known is not None
        assert not known.estimated
        ratios.append(estimate / known.value)
    assert abs(np.median(ratios) - 1.8) <= 0.1
    assert min(ratios) >= 1.3
    assert max(ratios) <= 3.5


def test_crystals_with_phonons_have_a_conductivity() -> None:
    """All but those that are listed here; metals never more than 0.4 of the whole conductivity."""
    found = {name: lattice_conductivity(name, 300.0) for name in phonon_names()}
    assert {name for name, one in found.items() if one is None} == UNKNOWN
    for name in set(found) - UNKNOWN:
        one, total = found[name], material(name).metal.conductivity
        assert one is not None
        assert 0.5 <= one.value <= 3000
        assert total is None or one.value <= 0.4 * total.value * (1 + 1e-9)


def test_a_table_reaches_a_tenth_beyond_its_ends() -> None:
    """BaF2 was measured at 286 K alone: known at 300 K, an estimate at 400 K; both as 1/T."""
    near, far = lattice_conductivity("BaF2", 300.0), lattice_conductivity("BaF2", 400.0)
    assert near is not None
    assert far is not None
    assert (near.estimated, far.estimated) == (False, True)
    assert abs(near.value * 300.0 - 286.0 * 11.72) <= 1e-9 * 286.0 * 11.72
    assert abs(far.value * 400.0 - 286.0 * 11.72) <= 1e-9 * 286.0 * 11.72


def test_the_share_of_a_metal_is_bounded() -> None:
    """Slack's estimate of titanium is above its whole conductivity, which includes the electrons'."""
    total = material("Ti").metal.conductivity
    slack, found = slack_conductivity("Ti", 600.0), lattice_conductivity("Ti", 600.0)
    assert total is not None
    assert slack is not None
    assert found is not None
    assert slack > total.value / 2
    assert found.estimated
    assert "0.4 of the whole conductivity" in found.source
    assert abs(found.value - 0.2 * total.value) <= 1e-12 * total.value
