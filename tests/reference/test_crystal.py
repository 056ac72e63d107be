"""Crystals whose force constants are others', beside frozen numbers of other codes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import load_crystal
from kapitza.units import THz

Reference = Callable[[str], Path]
Published = Callable[[str, str], dict[str, Any]]


def read(reference: Reference, name: str) -> Crystal:
    return load_crystal(reference(f"mismatch/force_constants/{name}.yaml"))


@pytest.mark.parametrize(
    ("name", "fraction", "key"),
    [
        ("Si", (0, 0, 0), "si_gamma"),
        ("Si", (0.5, 0.5, 0), "si_ta_x"),
        ("Ge", (0, 0, 0), "ge_gamma"),
        ("Ge", (0.5, 0, 0.5), "ge_ta_x"),
        ("C_diamond", (0, 0, 0), "diamond_gamma"),
        ("C_diamond", (0.5, 0.5, 0), "diamond_ta_x"),
    ],
)
def test_known_frequencies(
    reference: Reference, published: Published, name: str, fraction: tuple[float, float, float], key: str
):
    crystal = read(reference, name)
    omega = crystal.frequencies(np.array(fraction) @ crystal.reciprocal)[0] / THz
    want = published("bands", key)
    got = omega[-1] if "gamma" in key else omega[0]
    np.testing.assert_allclose(got, want["value"], rtol=want["tolerance"], atol=0)


def test_frequencies_of_gan_at_the_zone_centre(reference: Reference, published: Published):
    """As another lattice dynamics code gives them for the same force constants, in cm⁻¹."""
    omega = read(reference, "GaN_wurtzite").frequencies([0, 0, 0])[0] / (100 * 299792458 * 2 * np.pi)
    for number in range(1, 7):
        want = published("bands", f"gan_gamma_{number}")
        assert np.abs(omega / want["value"] - 1).min() < want["tolerance"]


PHONOPY = {  # frequencies (THz) at q = (0.1, 0.2, 0.3) and the velocity of the first three modes (Å THz): phonopy 4.8.6
    "GaN_wurtzite": (
        [3.79677744, 4.13876885, 5.0853713, 5.97095489, 7.10129644, 8.39022505, 16.01030502, 16.58533115, 16.94637406],
        [
            [3.22452863, 10.07421729, 20.31974531],
            [18.0229125, 19.84345398, 15.62449312],
            [15.42369067, 14.59347682, -7.61412103],
        ],
        2e-6,
    ),
    "MgO": (
        [5.43254696, 6.24693164, 8.85472235, 11.09922054, 11.88355022, 18.69304872],
        [[46.1582513, 8.31810276, 0], [40.9289307, 31.3426030, 0], [54.4494137, 35.7330093, 0]],
        2e-5,
    ),
    "AlN_wurtzite": (
        [
            6.01255656,
            6.79603474,
            8.83078073,
            10.10518647,
            11.24504979,
            13.87342351,
            19.16016068,
            19.88050858,
            19.98731457,
        ],
        [
            [4.81925268, 21.13424891, 31.92410732],
            [32.80418937, 37.52174162, 29.38298349],
            [28.72617353, 29.15326392, -16.78315233],
        ],
        6e-3,
    ),
}


@pytest.mark.parametrize("name", list(PHONOPY))
def test_phonopy_gives_the_same(reference: Reference, name: str):
    """Frozen numbers of an independent code; where dipole forces are split off, it does so at another width."""
    omega, velocity, tolerance = PHONOPY[name]
    crystal = read(reference, name)
    got, speed = crystal.velocities(np.array([0.1, 0.2, 0.3]) @ crystal.reciprocal)
    np.testing.assert_allclose(got[0, : len(omega)] / THz, omega, rtol=tolerance / 5, atol=0)
    np.testing.assert_allclose(speed[0, :3] / 100, velocity, rtol=0, atol=tolerance * 50)
