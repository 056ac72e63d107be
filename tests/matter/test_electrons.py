import tomllib
from pathlib import Path

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.matter.electrons import Electrons, SpinChannels, material_electrons, metal
from kapitza.matter.library import material, materials
from kapitza.units import GW

METALS = [name for name in materials() if material_electrons(material(name, unverified=True)) is not None]

PUBLISHED = tomllib.loads((Path(__file__).parents[1] / "published" / "contacts.toml").read_text("utf-8"))


def test_length_and_resistance_belong_together():
    """R_ep = l k_e/(k_p (k_e + k_p)) from the solution of the two equations in a half space."""
    al = metal("Al")
    want = al.length * al.conductivity / (al.lattice * al.total)
    np.testing.assert_allclose(al.resistance, want, rtol=1e-12, atol=0)


def test_good_electrons_give_the_published_limit():
    """k_e ≫ k_p: √(G k_p)."""
    one = Electrons("any", 1e6, 3.0, 1e17)
    np.testing.assert_allclose(1 / one.resistance, np.sqrt(3e17), rtol=1e-4, atol=0)


def electrons(name: str) -> Electrons:
    """Of a metal, with its unverified numbers."""
    return metal(material(name, unverified=True))


def test_metals_that_are_known_in_full():
    assert METALS == ["Ag", "Al", "Au", "Cu", "Ni", "Pt"]
    assert [name for name in materials() if material_electrons(material(name)) is not None] == [
        "Al", "Au", "Cu", "Ni", "Pt",
    ]  # fmt: skip


@pytest.mark.parametrize("name", METALS)
def test_lattices_conduct_as_published(name):
    """Within the range of another calculation; for Ni the two differ by 30 %."""
    low, high = (PUBLISHED["lattice_conductivity_of_metals"][key] for key in ("low", "high"))
    assert low <= electrons(name).lattice <= 1.3 * high


def test_conductances_of_good_metals_have_the_published_size():
    """0.3 to 1 GW/m²K: the geometric mean of the library lies inside, no metal is farther than a factor of 2."""
    low, high = (PUBLISHED["electron_phonon_conductance"][key] for key in ("low", "high"))
    good = [one for one in map(electrons, METALS) if one.lattice < 0.1 * one.total]
    values = np.array([1 / one.resistance for one in good]) / GW
    assert len(good) == 6
    assert low < np.exp(np.log(values).mean()) < high
    assert low / 2 < values.min() < values.max() < 2 * high


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match="Al"):
        metal("Alu")
    with pytest.raises(InputError, match="not known in full"):
        metal("W")
    with pytest.raises(
        InputError, match=r"there are Al, Au, Cu, Ni, Pt: .* metal\(kapitza\.material\('Ag', unverified=True\)\)"
    ):
        metal("Ag")
    with pytest.raises(InputError):
        Electrons("none", 0.0, 1.0, 1e17)
    with pytest.raises(InputError):
        SpinChannels("half metal", 30.0, 1e-8, 1.0)


@pytest.mark.parametrize("name", METALS)
def test_numbers_stand_in_the_library_alone(name):
    one, data = electrons(name), material(name, unverified=True).metal
    assert data.coupling is not None
    assert data.conductivity is not None
    assert one.coupling == float(data.coupling.value)
    np.testing.assert_allclose(one.total, float(data.conductivity.value), rtol=1e-14, atol=0)


def test_the_lattice_of_a_warm_metal_conducts_as_one_over_its_temperature():
    al = metal("Al")
    cold = al.at(150.0)
    assert abs(cold.lattice / (2 * al.lattice) - 1) <= 1e-14
    assert (cold.conductivity, cold.coupling, al.at(300.0).lattice) == (al.conductivity, al.coupling, al.lattice)
