"""Numbers that no crystal has are refused in one line, with what is wrong; models are exempt."""

from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

from kapitza import Bands, agf
from kapitza.errors import InputError, ValidityWarning
from kapitza.matter import load_crystal
from kapitza.matter.building.layers import lead_from_force_constants, mass_junction
from kapitza.matter.junction import Junction, Lead
from kapitza.matter.periodic import shortest_bond
from kapitza.matter.phonons import named_structure, phonon_crystal, phonon_names
from kapitza.matter.plausibility import check_crystal, check_junction_values
from kapitza.units import THz, angstrom, bohr, eV, m_u

SI = 28.085 * m_u
CRYSTALS = Path(__file__).parents[1] / "data" / "crystals"


@pytest.fixture
def silicon(data) -> Lead:
    blocks = np.load(data("agf/si_sw_prim001_fc.npz"))
    lattice, values = blocks["cell"] * angstrom, blocks["Phi"] * eV / angstrom**2
    return lead_from_force_constants("Si", lattice, [SI] * 2, blocks["R"], values)


def changed(lead: Lead, stiffness: float = 1.0, length: float = 1.0, *, model: bool = False) -> Junction:
    """Two masses of a lead in other units."""
    other = evolve(
        lead,
        onsite=lead.onsite * stiffness,
        hop=lead.hop * stiffness,
        periods=lead.periods * length,
        step=lead.step * length,
        model=model,
    )
    return mass_junction(other, SI, 2 * SI)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stiffness": 1 / 16.0218}, "density of Si, but a mean speed of sound of 14"),
        ({"length": 1e10}, "atoms 2.72 m apart, wanted 0.5 to 30 Å"),
        ({"length": 0.1}, "atoms 2.72e-11 m apart"),
        ({"stiffness": 1e3}, "a top of .* THz, wanted 0.1 to 200"),
        ({"stiffness": -1.0}, "modes are imaginary, to 17.*i THz .*unstable"),
        ({"stiffness": 1e-5}, "wanted 0.1 to 200: give force constants"),
    ],
)
def test_units_are_asked_about(silicon, change, message):
    with pytest.raises(InputError, match=message) as caught:
        agf(changed(silicon, **change), [THz], k_mesh=(2, 2))
    assert "\n" not in str(caught.value)


def test_force_constants_of_the_wrong_sign_are_unstable():
    crystal = load_crystal(CRYSTALS / "Si.yaml")
    with pytest.raises(InputError, match=r"modes are imaginary, to .*i THz .*unstable"):
        _ = Bands(evolve(crystal, force_constants=-crystal.force_constants)).table


def test_models_and_heavy_silicon_pass(silicon):
    check_junction_values(mass_junction(silicon, SI, 20 * SI))
    for change in ({"stiffness": 1 / 16.0218}, {"length": 1e10}):
        check_junction_values(changed(silicon, **change, model=True))
    with pytest.raises(InputError, match="unstable"):  # no model either
        check_junction_values(changed(silicon, -1.0, model=True))


@pytest.mark.parametrize("swap", [bohr / angstrom, angstrom / bohr])
def test_bohr_and_angstrom_in_each_others_place_are_seen_in_every_crystal(swap):
    for one in map(named_structure, phonon_names()):
        found = shortest_bond(one.positions, one.symbols, one.lattice)
        assert found is not None
        assert not found.fault, one.name
        assert shortest_bond(swap * one.positions, one.symbols, swap * one.lattice).fault, one.name


@pytest.mark.parametrize("swap", [bohr / angstrom, angstrom / bohr])
@pytest.mark.parametrize("name", ["Si", "NaCl", "Cu"])
def test_crystals_with_lengths_in_the_wrong_unit_are_refused(name, swap):
    crystal = evolve(phonon_crystal(name), polar=None)
    swapped = evolve(crystal, lattice=swap * crystal.lattice, positions=swap * crystal.positions)
    with pytest.raises(InputError, match=r"nearest at .* Å, wanted .* check the unit of lengths, (bohr|Å) taken for"):
        check_crystal(swapped, stable=False)
    check_crystal(evolve(swapped, model=True), stable=False)


MULTIPLE_BONDS = {("N", "N"), ("U", "O"), ("V", "O")}  # so short that 1.89 times as long they are in bounds
LOOSE_BONDS = {("He", "He"), ("Tl", "Cl"), ("Li", "H")}  # so long that 0.53 times as long they are


# nearest distances in Å: R. W. G. Wyckoff, Crystal Structures (1963), but for helium at 25 bar (T = 1 K) and uranyl
@pytest.mark.parametrize(
    ("pair", "distance"),
    [
        (("He", "He"), 3.65), (("Ne", "Ne"), 3.16), (("Ar", "Ar"), 3.76), (("Kr", "Kr"), 3.99), (("Xe", "Xe"), 4.34),
        (("Li", "Li"), 3.04), (("Cs", "Cs"), 5.24), (("Tl", "Cl"), 3.32), (("Cs", "I"), 3.96), (("Li", "H"), 2.04),
        (("N", "N"), 1.10), (("U", "O"), 1.76), (("V", "O"), 1.58), (("Hg", "Hg"), 3.00), (("Xe", "F"), 2.00),
    ],
)  # fmt: skip
def test_nearest_atoms_of_real_crystals_are_in_bounds(pair, distance):
    cell, apart = 12 * angstrom * np.eye(3), distance * angstrom
    found = shortest_bond(np.array([[0, 0, 0], [0, 0, apart]]), pair, cell)
    assert found is not None
    np.testing.assert_allclose(found.length, apart, rtol=1e-9, atol=0)
    assert not found.fault
    assert "bohr taken for Å" in evolve(found, length=apart * angstrom / bohr).fault or pair in MULTIPLE_BONDS
    assert "Å taken for bohr" in evolve(found, length=apart * bohr / angstrom).fault or pair in LOOSE_BONDS


@pytest.mark.parametrize("length", [bohr / angstrom, angstrom / bohr])
def test_a_lead_in_the_wrong_unit_is_refused_by_distance_or_density(silicon, length):
    swapped = changed(silicon, length=length)
    with pytest.raises(InputError, match=r"a density of .* with the masses of Si, wanted about 2329: .* taken for"):
        check_junction_values(swapped)
    check_junction_values(changed(silicon, length=length, model=True))
    at = np.array([[0, 0, 0], [0.25, 0.25, 0.25]]) @ np.vstack([silicon.periods, silicon.step])
    placed = evolve(swapped.left, positions=at * length, symbols=("Si", "Si"))
    with pytest.raises(InputError, match=r"Si and Si nearest at .* Å, wanted 1.47 to 3.33 Å"):
        check_junction_values(evolve(swapped, left=placed))


def test_other_masses_on_a_lattice_are_no_swap_of_units(silicon):
    """A mass interface is a model of many: twice argon is bromine by mass, and no element decides."""
    for mass in (2 * SI, 3 * SI, 79.9 * m_u, 119.8 * m_u, 137.3 * m_u):
        check_junction_values(mass_junction(silicon, SI, mass))


@pytest.mark.parametrize("path", sorted(CRYSTALS.glob("*.yaml")), ids=lambda path: path.stem)
def test_crystals_from_files_are_crystals(path):
    crystal = load_crystal(path)
    check_crystal(crystal)
    softer = evolve(crystal, force_constants=crystal.force_constants / 16.0218, polar=None)
    if crystal.polar is None and path.stem != "C":  # diamond has another name in the library
        with pytest.raises(InputError, match="masses and density of"):
            check_crystal(softer)
    with pytest.raises(InputError, match=r"wanted 0\.5 to 30 Å"):
        _ = Bands(evolve(crystal, lattice=crystal.lattice * 1e10, polar=None)).table


def test_all_that_is_wrong_is_said_at_once(silicon):
    masses = 1e6 * m_u * np.ones(2) / 21
    wrong = evolve(silicon, masses=masses, periods=silicon.periods * 100, step=silicon.step * 100)
    with pytest.raises(InputError, match=r"atoms .* apart.*; masses 4\.76e.04 to"):
        check_junction_values(mass_junction(wrong, masses, masses))


@pytest.mark.parametrize(("strength", "expected"), [(-100.0, ValidityWarning), (-600.0, InputError)])
def test_negative_springs_of_an_interface_are_named(silicon, strength, expected):
    """A spring of negative strength between two layers keeps the sum rule and makes an imaginary mode there."""
    junction = mass_junction(silicon, SI, 2 * SI, device=[SI, SI, SI, 2 * SI, 2 * SI])
    layers = list(junction.device)
    home = int(np.flatnonzero((layers[1].shifts == 0).all(axis=1))[0])
    hop, here, there = layers[1].hop.copy(), layers[1].onsite.copy(), layers[2].onsite.copy()
    hop[home, 5, 2] -= strength
    here[home, 5, 5] += strength
    there[home, 2, 2] += strength
    layers[1], layers[2] = evolve(layers[1], hop=hop, onsite=here), evolve(layers[2], onsite=there)
    raises = pytest.warns if issubclass(expected, Warning) else pytest.raises
    with raises(expected, match=r"device between fixed leads: .* modes are imaginary, to [\d.]+i THz"):
        check_junction_values(evolve(junction, device=tuple(layers)))
