"""Dispersion along the standard path: points of symmetry, slopes, dipole forces, and published frequencies."""

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.matter.files import phonon_facts
from kapitza.matter.files.phonon_facts import measured_phonons, polar_constants
from kapitza.matter.phonons import named_structure, phonon_card, phonon_crystal, phonon_names, phonons
from kapitza.matter.potentials.space_group import find_symmetry
from kapitza.matter.zone.dispersion import (
    computed_frequencies,
    effective_charges,
    phonon_dispersion,
    polar_crystal,
    standard_path,
    supercell_multiple,
)
from kapitza.units import THz, angstrom

NAMES = [name for name in phonon_names() if phonon_card(name).status != "refused"]
LATTICES = ["Si", "Au", "W", "GaN", "Al2O3", "TiO2", "In", "Sn", "SnSe", "ZrO2", "beta-Ga2O3", "SrTiO3"]
NOT_HALVES = {"U", "K", "W", "H", "P"}  # on the surface of the zone, but no half of a reciprocal lattice vector
# the same of points that depend on the lattice constants
DEPENDENT = {"beta-Ga2O3": "CDE", "HfO2": "HM", "ZrO2": "HM", "In": "PSRG", "Sn": "PZ"}
COMPARED = [name for name in NAMES if measured_phonons(name)]
POLAR = [name for name in NAMES if polar_constants(name)]


# lengths of wave vectors at labelled points, in 2π of the lattice constants named
LENGTHS = {
    "Si": {"X": (1, "a"), "L": (np.sqrt(3) / 2, "a"), "W": (np.sqrt(5) / 2, "a"), "K": (0.75 * np.sqrt(2), "a")},
    "W": {"H": (1, "a"), "N": (np.sqrt(0.5), "a"), "P": (np.sqrt(0.75), "a")},
    "GaN": {"A": (0.5, "c"), "M": (1 / np.sqrt(3), "a"), "K": (2 / 3, "a")},
    "Al2O3": {"T": (1.5, "c")},
    "TiO2": {"X": (0.5, "a"), "Z": (0.5, "c"), "M": (np.sqrt(0.5), "a")},
    "SnSe": {"X": (0.5, "a"), "Y": (0.5, "b"), "Z": (0.5, "c")},
}


@pytest.mark.parametrize("name", NAMES)
def test_points_of_symmetry_are_halves_of_reciprocal_vectors(name: str):
    crystal = phonon_crystal(name)
    path = standard_path(crystal)
    edges = {*NOT_HALVES, *DEPENDENT.get(name, "")} - ({"H"} if {"H", "N", "P"} <= set(path.points) else set())
    for label, point in path.points.items():
        twice = crystal.lattice @ (2 * point) / (2 * np.pi)
        if label not in edges and label.isalpha():
            assert np.abs(twice - np.round(twice)).max() <= 1e-4, label
    assert {label for line in path.lines for label in line} <= set(path.points)


@pytest.mark.parametrize("name", LENGTHS)
def test_points_of_symmetry_have_their_published_lengths(name: str):
    points, constants = standard_path(phonon_crystal(name)).points, phonon_card(name).lattice
    for label, (factor, axis) in LENGTHS[name].items():
        expected = factor * 2 * np.pi / (constants[axis] * angstrom)
        np.testing.assert_allclose(np.linalg.norm(points[label]), expected, rtol=2e-4, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_space_groups_are_those_of_the_cards(name: str):
    symmetry = find_symmetry(named_structure(name), 1e-3 * angstrom)
    assert phonon_card(name).structure.endswith(f"space group {symmetry.number}")


@pytest.mark.parametrize("name", LATTICES)
def test_frequencies_at_the_centre_are_those_of_the_bands(name: str):
    found, bands = phonon_dispersion(name, 60), phonons(name)
    centre = found.omega[np.linalg.norm(found.wavevector, axis=1) == 0]
    assert len(centre) >= 2
    wanted = bands.crystal.frequencies([0, 0, 0])[0]
    assert np.abs(centre - wanted).max() <= 1e-6 * found.omega.max()  # the root of a rounded zero


@pytest.mark.parametrize("name", ["Si", "Au", "W", "GaN", "Al2O3", "In", "SnSe"])
def test_slopes_at_the_centre_are_the_speeds_of_sound(name: str):
    found, bands = phonon_dispersion(name, 1500), phonons(name)
    step = found.wavevector[1]
    slope = np.sort(found.omega[1, :3]) / np.linalg.norm(step)
    assert np.abs(slope / bands.speeds(step) - 1).max() <= 2e-3


@pytest.mark.parametrize("name", LATTICES)
def test_one_point_has_the_same_frequencies_wherever_the_path_passes_it(name: str):
    found = phonon_dispersion(name, 60)
    seen: dict[str, np.ndarray] = {}
    for label, corner in zip(found.labels, found.corners, strict=True):
        rows = np.flatnonzero(np.abs(found.position - corner) <= 1e-9 * found.corners[-1])
        for part, row in zip(label.split("|"), (rows[0], rows[-1]), strict=False):
            omega = found.omega[row]
            assert np.abs(omega - seen.setdefault(part, omega)).max() <= 1e-6 * found.omega.max()
    assert np.all(np.diff(found.position) >= 0)


@pytest.mark.parametrize("name", COMPARED)
def test_bands_are_near_the_measured_frequencies(name: str):
    """What the reference page states: the median of each crystal within 12 %."""
    ratio = np.concatenate([computed_frequencies(one) / one.omega for one in measured_phonons(name)])
    assert np.isfinite(ratio).all()
    assert np.median(np.abs(ratio - 1)) <= 0.12
    assert ratio.min() >= 0.7
    assert ratio.max() <= 1.5


def test_bands_of_all_crystals_are_near_the_measured_frequencies():
    found = [computed_frequencies(one) / one.omega for name in COMPARED for one in measured_phonons(name)]
    assert len(found) >= 20
    assert np.median(np.abs(np.concatenate(found) - 1)) <= 0.05


def test_the_splitting_is_the_measured_one():
    """The sum over dipoles gives back the splitting from which the charges follow in closed form."""
    crystal, constants = polar_crystal("MgO"), polar_constants("MgO")
    assert crystal is not None
    assert constants is not None
    transverse, longitudinal = crystal.frequencies(1e-4 * crystal.reciprocal[:1])[0, [3, 5]]
    measured = constants.longitudinal[0] ** 2 - constants.transverse[0] ** 2
    assert abs((longitudinal**2 - transverse**2) / measured - 1) <= 2e-5  # charges have five decimals


@pytest.mark.parametrize("axis", [0, 2])
def test_the_field_adds_the_measured_splitting_to_the_trace(axis: int):
    """All charges move along the wave, across and along c: the sum of squares grows by that of the one mode."""
    plain, polar, constants = phonon_crystal("ZnO"), polar_crystal("ZnO"), polar_constants("ZnO")
    assert polar is not None
    assert constants is not None
    wave = 1e-4 * plain.reciprocal[axis : axis + 1]
    added = (polar.frequencies(wave) ** 2).sum() - (plain.frequencies(wave) ** 2).sum()
    measured = constants.longitudinal[axis] ** 2 - constants.transverse[axis] ** 2
    assert abs(added / measured - 1) <= 2e-5


@pytest.mark.parametrize("name", ["ZnO"])
def test_the_field_changes_nothing_where_waves_fit_into_the_supercell(name: str):
    plain, polar = phonon_crystal(name), polar_crystal(name)
    assert polar is not None
    multiple = supercell_multiple(plain, phonon_card(name).axes, phonon_card(name).supercell)
    waves = np.array([[1, 0, 0], [1, 2, 0], [0, 1, 1]]) @ np.linalg.inv(multiple).T @ plain.reciprocal
    change = polar.frequencies(waves) - plain.frequencies(waves)
    assert np.abs(change).max() <= 1e-6 * plain.frequencies(waves).max()


@pytest.mark.parametrize("name", POLAR)
def test_polar_modes_lie_above_and_charges_sum_to_zero(name: str):
    crystal, constants = polar_crystal(name), polar_constants(name)
    assert crystal is not None
    assert constants is not None
    found = phonon_dispersion(name, 60)
    assert found.polar_omega is not None
    centre = np.linalg.norm(found.wavevector, axis=1) == 0
    assert (found.polar_omega[centre] >= found.omega[centre] - 0.02 * THz).all()
    assert found.polar_omega[centre].max() > 1.005 * found.omega[centre].max()
    charges = effective_charges(crystal, constants)
    assert np.abs(charges.sum(axis=0)).max() <= 1e-12
    assert 0.3 < charges.max() < 3.5


def test_every_fact_has_its_source():
    facts = phonon_facts._facts()
    named = [*facts["measured"], *facts["top"].values(), *facts["polar"].values()]
    assert {one["source"] for one in named} <= set(facts["sources"])
    assert {one["crystal"] for one in facts["measured"]} | set(facts["top"]) | set(facts["polar"]) <= set(
        phonon_names()
    )
    assert all(source["citation"] for source in facts["sources"].values())


def test_what_has_no_path_is_refused():
    with pytest.raises(InputError, match="no force constants of 'Sii'"):
        phonon_dispersion("Sii")
    with pytest.raises(InputError, match="points = 1, wanted at least 2"):
        phonon_dispersion("Si", 1)
