"""Phonons of crystals in the package: sum rule, symmetry, stability, sound, what the cards state, and the checksums."""

import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from kapitza.errors import DataError, InputError
from kapitza.matter import phonons as room
from kapitza.matter.bands import Bands
from kapitza.matter.library import elastic, material, materials
from kapitza.matter.phonons import phonon_card, phonon_crystal, phonon_names, phonons
from kapitza.units import THz

NAMES = [name for name in phonon_names() if phonon_card(name).status != "refused"]
PARTLY_FITTED = "a fit of all speeds of sound is unstable"
COMPARED = [
    name
    for name in NAMES
    if name in materials() and material(name).constants and PARTLY_FITTED not in phonon_card(name).reason
]
WAVES = np.array([v for v in np.ndindex(3, 3, 3) if any(v)]) / 4
DIRECTIONS = np.array([[1, 0, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 1, 1], [1, 2, 3]])


@pytest.mark.parametrize("name", NAMES)
def test_moving_all_atoms_together_costs_nothing(name: str):
    crystal = phonon_crystal(name)
    n = crystal.masses.size
    total = crystal.force_constants.sum(axis=0).reshape(3 * n, n, 3).sum(axis=1)
    assert np.abs(total).max() < 1e-5 * np.abs(crystal.force_constants).max()  # seven decimals are stored
    assert crystal.residual < 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_frequencies_are_those_of_the_card(name: str):
    crystal, card = phonon_crystal(name), phonon_card(name)
    frequency = crystal.frequencies(WAVES @ crystal.reciprocal) / THz
    assert frequency.max() < 1.02 * card.top
    assert frequency.max() > 0.8 * card.top
    assert frequency.min() > min(1.1 * card.lowest, -1e-3) - 0.02 * card.top
    assert card.lowest > -0.02 * card.top or "unstable" in card.reason


@pytest.mark.parametrize("name", COMPARED)
def test_sound_runs_as_the_card_states(name: str):
    card, wanted = phonon_card(name), elastic(name).speeds(DIRECTIONS)[:, ::-1]
    found = np.array([phonons(name).speeds(direction) for direction in DIRECTIONS])
    np.testing.assert_allclose(found, wanted, rtol=0.002 if card.status == "fitted" else 0.06, atol=0)


@pytest.mark.parametrize("name", ["Si", "Au", "MgO", "GaN"])
def test_sound_is_the_slope_of_the_lowest_branches(name: str):
    """An independent road: frequencies at a small wave vector."""
    bands = phonons(name, normal=(1, 2, 3))
    q = 1e-3 * np.linalg.norm(bands.crystal.reciprocal[0])
    slope = bands.crystal.frequencies(q * bands.normal)[0, :3] / q
    np.testing.assert_allclose(slope, bands.speeds(), rtol=1e-4, atol=0)


@pytest.mark.parametrize(("name", "turn"), [("Si", 4), ("W", 4), ("GaN", 6), ("Al2O3", 3)])
def test_symmetry_of_the_crystal_is_exact(name: str, turn: int):
    crystal = phonon_crystal(name)
    angle = 2 * np.pi / turn
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    q = np.array([[0.13, 0.21, 0.34]]) @ crystal.reciprocal
    np.testing.assert_allclose(crystal.frequencies(q @ rotation), crystal.frequencies(q), rtol=1e-5, atol=0)


def test_density_and_bands():
    silicon = phonons("silicon", normal=(1, 1, 1))
    assert isinstance(silicon, Bands)
    np.testing.assert_allclose(silicon.density, material("Si").density.value, rtol=1e-3, atol=0)


def test_optical_phonon_of_silicon():
    """Measured by neutrons, G. Nilsson and G. Nelin, Phys. Rev. B 6, 3777 (1972), doi:10.1103/PhysRevB.6.3777."""
    optical = phonon_crystal("Si").frequencies([0, 0, 0])[0, 3:]
    np.testing.assert_allclose(optical, 15.53 * THz, rtol=0.03, atol=0)


def test_most_of_the_library_is_there():
    assert len(NAMES) >= 80
    crystals = [name for name in materials() if material(name).lattice]
    assert len(set(crystals) & set(NAMES)) >= 0.9 * len(crystals)


def test_an_unknown_name_gets_near_ones():
    with pytest.raises(InputError, match=r"no force constants of 'GaNN'.*did you mean GaN"):
        phonons("GaNN")
    with pytest.raises(InputError, match="phonon_names"):
        phonons("unobtainium-42")


def test_one_changed_byte_is_detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        data = tmp_path / "data" / "phonons"
        shutil.copytree(str(files("kapitza.matter") / "data" / "phonons"), data)

        def elsewhere(_package: str) -> Path:
            return tmp_path

        patch.setattr(room, "files", elsewhere)
        content = (data / "Si.json").read_bytes()
        (data / "Si.json").write_bytes(content.replace(b"15", b"16", 1))
        with pytest.raises(DataError, match="SHA-256"):
            phonons("Si")


def test_no_file_is_large():
    folder = Path(str(files("kapitza.matter"))) / "data" / "phonons"
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert max(sizes.values()) < 40_000
    assert sum(sizes.values()) < 2_000_000
