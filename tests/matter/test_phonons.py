"""Phonons of crystals in the package: sum rule, symmetry, stability, sound, what the cards state, and the checksums."""

import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from kapitza.errors import DataError, InputError
from kapitza.matter import phonons as room
from kapitza.matter.bands import Bands
from kapitza.matter.crystal import Crystal
from kapitza.matter.library import elastic, material, materials
from kapitza.matter.phonons import phonon_card, phonon_crystal, phonon_names, phonons
from kapitza.matter.zone.dispersion import phonon_dispersion
from kapitza.units import THz, angstrom, c_light

NAMES = [name for name in phonon_names() if phonon_card(name).status != "refused"]
PARTLY_FITTED = "a fit of all speeds of sound is unstable"
COMPARED = [
    name
    for name in NAMES
    if name in materials() and material(name).constants and PARTLY_FITTED not in phonon_card(name).reason
]
# measured by neutrons, THz, lowest first, and wave vector over 2π/a; a published model where two are given
X, L, H, N = (1, 0, 0), (0.5, 0.5, 0.5), (1, 0, 0), (0.5, 0.5, 0)
BOUNDARY = [
    ("Al", X, (5.78, 5.78, 9.69)),  # R. Stedman, G. Nilsson, Phys. Rev. 145, 492 (1966), doi:10.1103/PhysRev.145.492
    ("Al", L, (4.19, 4.19, 9.69)),
    ("Cu", X, (5.13, 5.13, 7.25)),  # E. C. Svensson et al., Phys. Rev. 155, 619 (1967), doi:10.1103/PhysRev.155.619
    ("Cu", L, (3.42, 3.42, 7.30)),
    ("Au", X, (2.75, 2.75, 4.61)),  # J. W. Lynn et al., Phys. Rev. B 8, 3493 (1973), doi:10.1103/PhysRevB.8.3493
    ("Au", L, (1.86, 1.86, 4.70)),
    (
        "Ni",
        X,
        (6.27, 6.27, 8.55),
    ),  # R. J. Birgeneau et al., Phys. Rev. 136, A1359 (1964), doi:10.1103/PhysRev.136.A1359
    ("Ni", L, (4.24, 4.24, 8.88)),
    ("Pd", X, (4.64, 4.64, 6.72)),  # A. P. Miller, B. N. Brockhouse, Can. J. Phys. 49, 704 (1971), doi:10.1139/p71-087
    ("Pt", X, (3.84, 3.84, 5.80)),  # D. H. Dutton et al., Can. J. Phys. 50, 2915 (1972), doi:10.1139/p72-387
    ("Ta", H, (5.03, 5.03, 5.03)),  # A. D. B. Woods, Phys. Rev. 136, A781 (1964), doi:10.1103/PhysRev.136.A781
    ("Nb", H, (6.49, 6.49, 6.49)),  # Y. Nakagawa, A. D. B. Woods, Phys. Rev. Lett. 11, 271 (1963)
    ("Fe", H, (8.56, 8.56, 8.56)),  # V. J. Minkiewicz et al., Phys. Rev. 162, 528 (1967), doi:10.1103/PhysRev.162.528
    ("Fe", N, (4.53, 6.45, 9.26)),
    ("Cr", H, (7.83, 7.83, 7.83)),  # W. M. Shaw, L. D. Muhlestein, Phys. Rev. B 4, 969 (1971)
]
LONGITUDINAL = [  # cm⁻¹ at the zone centre, and direction; sources in tools/phonons/materials.toml
    ("MgO", (1, 0, 0), 718.0),
    ("NaCl", (1, 0, 0), 264.0),
    ("KCl", (1, 0, 0), 214.0),
    ("GaAs", (1, 0, 0), 291.9),
    ("InP", (1, 0, 0), 345.0),
    ("3C-SiC", (1, 0, 0), 972.0),
    ("CaF2", (1, 0, 0), 463.0),
    ("GaN", (1, 0, 0), 741.0),
    ("GaN", (0, 0, 1), 734.0),
    ("AlN", (1, 0, 0), 912.0),
    ("AlN", (0, 0, 1), 890.0),
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


def test_conventional_cells_hold_the_primitive_one():
    for name in phonon_names():
        card = phonon_card(name)
        if card.status != "refused":
            multiple = card.axes @ np.linalg.inv(phonon_crystal(name).lattice)
            assert np.abs(multiple - np.round(multiple)).max() < 1e-3, name


@pytest.mark.parametrize("name", NAMES)
def test_frequencies_are_those_of_the_card(name: str):
    crystal, card = phonon_crystal(name), phonon_card(name)
    frequency = crystal.frequencies(WAVES @ crystal.reciprocal) / THz
    assert frequency.max() < 1.02 * card.top
    assert frequency.max() > 0.8 * card.top
    assert frequency.min() > min(1.1 * card.lowest, -1e-3) - 0.02 * card.top
    assert card.lowest > -0.02 * card.top or "unstable" in card.reason


@pytest.mark.parametrize("name", ["MgO", "UO2", "GaN", "graphite", "Si"])
def test_no_mode_of_the_path_or_towards_the_centre_is_above_the_highest_frequency(name: str):
    """The longitudinal modes of ions are highest where the wave vector vanishes, which no mesh meets."""
    crystal, top = phonon_crystal(name), phonon_card(name).top
    assert crystal.frequencies(1e-4 * DIRECTIONS @ crystal.reciprocal).max() / THz <= 1.0005 * top
    assert phonon_dispersion(name, 60).omega.max() / THz <= 1.003 * top  # off the mesh, in graphite


@pytest.mark.parametrize("name", COMPARED)
def test_sound_runs_as_the_card_states(name: str):
    card, wanted = phonon_card(name), elastic(name).speeds(DIRECTIONS)[:, ::-1]
    bands = [phonons(name, direction) for direction in DIRECTIONS]
    found = np.array([one.speeds() for one in bands])
    tolerance = 0.002 if card.status == "fitted" else 0.06
    if bands[0].crystal.polar is not None:  # piezoelectric ones are stiffened by the field of their ions
        tolerance = max(tolerance, 0.008 if has_inversion(bands[0].crystal) else 0.13)
    assert (np.abs(found - wanted) <= tolerance * wanted).all(), np.abs(found / wanted - 1).max()


def has_inversion(crystal: Crystal) -> bool:
    """Whether a crystal has a centre of inversion, from its structure factors."""
    waves = crystal.reciprocal.T @ np.array([v for v in np.ndindex(4, 4, 4) if any(v)]).T
    factor = np.exp(1j * crystal.positions @ waves) * crystal.masses[:, None]
    middles = (crystal.positions[:, None] + crystal.positions).reshape(-1, 3) / 2
    shifted = [np.abs((factor.sum(axis=0) * np.exp(-1j * one @ waves)).imag).max() for one in middles]
    return bool(min(shifted) < 1e-4 * crystal.masses.sum())


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


@pytest.mark.parametrize(("name", "point", "measured"), BOUNDARY)
def test_frequencies_at_the_zone_boundary_are_the_measured_ones(
    name: str, point: tuple[float, ...], measured: tuple[float, ...]
):
    crystal = phonon_crystal(name)
    edge = phonon_card(name).lattice["a"] * angstrom
    found = crystal.frequencies(np.array([point]) * 2 * np.pi / edge)[0] / THz
    assert (np.abs(found - measured) <= 0.1 * np.array(measured)).all(), found


@pytest.mark.parametrize(("name", "direction", "measured"), LONGITUDINAL)
def test_polar_crystals_are_split_at_the_zone_centre(name: str, direction: tuple[int, ...], measured: float):
    crystal = phonon_crystal(name)
    q = 1e-4 * np.linalg.norm(crystal.reciprocal[0]) * np.array([direction])
    found = crystal.frequencies(q)[0, -1] / (2 * np.pi * c_light * 100)
    assert abs(found - measured) <= 0.03 * measured, found


@pytest.mark.parametrize("name", ["NaCl", "AlN"])
def test_dipole_forces_in_the_force_constants_change_no_wave_of_their_supercell(name: str):
    apart, within = phonon_crystal(name), phonon_crystal(name, nac=False)
    assert apart.polar is not None
    assert within.polar is None
    count = np.ceil(12 * angstrom / np.linalg.norm(apart.lattice, axis=1))
    q = np.array([[1, 0, 0], [1, 1, 0], [1, 2, 1]]) / count @ apart.reciprocal
    found, wanted = within.frequencies(q), apart.frequencies(q)
    assert np.abs(found - wanted).max() <= 1e-5 * wanted.max()


def test_most_of_the_library_is_there():
    assert len(NAMES) >= 80
    crystals = [name for name in materials() if material(name).lattice]
    assert len(set(crystals) & set(NAMES)) >= 0.9 * len(crystals)


def test_speeds_of_sound_are_those_of_the_library_nearly_everywhere():
    """What is beyond the tolerance of `test_sound_runs_as_the_card_states` says so in its card."""
    cards = [phonon_card(name) for name in phonon_names()]
    compared = [card for card in cards if card.longitudinal is not None]
    near = [card.name for card in compared if max(abs(card.longitudinal - 1), abs(card.transverse - 1)) <= 0.15]
    assert len(near) >= 0.8 * len(compared)  # as computed
    assert {card.name for card in compared if PARTLY_FITTED in card.reason} == {"h-BN", "VN"}
    assert [card.name for card in cards if not card.usable] == ["VN"]


def test_unstable_crystals_say_so():
    unstable = {name for name in phonon_names() if "unstable at 0 K" in phonon_card(name).reason}
    assert unstable == {"SrTiO3", "VN"}
    assert [name for name in phonon_names() if phonon_card(name).status == "unstable"] == ["SrTiO3"]
    assert phonon_card("SrTiO3").usable  # without these modes
    for name in set(NAMES) - unstable:
        card = phonon_card(name)
        assert card.lowest >= -1e-3 * card.top, name


def test_an_unknown_name_gets_near_ones():
    with pytest.raises(InputError, match=r"no force constants of 'GaNN'.*did you mean GaN"):
        phonons("GaNN")
    with pytest.raises(InputError, match="`kapitza phonons` lists all names"):
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
