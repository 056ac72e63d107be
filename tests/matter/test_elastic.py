"""Elastic crystals: laws, second roads, speeds of handbooks, refusals."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.phonons import Phonons
from kapitza.errors import InputError
from kapitza.matter.elastic import (
    Elastic,
    axes_about_z,
    azimuth_quadrature,
    hill_speeds,
    reuss_speeds,
    rotate_tensor,
    stiffness_tensor,
    unit_directions,
    voigt_speeds,
    waves_along,
)
from kapitza.matter.isotropic import Solid
from kapitza.units import GPa, THz


def cubic(c11: float, c12: float, c44: float) -> np.ndarray:
    """Voigt matrix of a cubic crystal, GPa in, Pa out."""
    c = np.diag([float(c11)] * 3 + [float(c44)] * 3)
    c[:3, :3] += c12 * (1 - np.eye(3))
    return c * GPa


def random_crystal(seed: int, normal: object = (0, 0, 1)) -> Elastic:
    """A stable crystal without any symmetry."""
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((6, 6)) * 0.25 + np.diag([2.0, 2, 2, 1.2, 1.2, 1.2])
    return Elastic("any", factor @ factor.T * 40 * GPa, 4000, 5e28, normal)


SI = Elastic("Si", cubic(165.7, 63.9, 79.6), 2329, 4.994e28)
seeds = st.integers(0, 10_000)
normals = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1)


def as_crystal(solid: Solid, normal: object = (0, 0, 1)) -> Elastic:
    """The same isotropic solid, with a stiffness matrix."""
    shear = solid.density * solid.transverse**2 / GPa
    first = solid.density * solid.longitudinal**2 / GPa - 2 * shear
    return Elastic(solid.name, cubic(first + 2 * shear, first, shear), solid.density, solid.atoms, normal)


def test_a_crystal_is_phonons():
    assert isinstance(SI, Phonons)


def test_isotropic_limit():
    """The closed form of isotropic solids, for any normal."""
    solid = Solid("Si", 2329, 9000, 5400, 4.994e28)
    omega = np.linspace(0, 14, 57) * THz
    for normal in ((0, 0, 1), (1, 0, 0), (1, 2, -0.3)):
        crystal = as_crystal(solid, normal)
        np.testing.assert_allclose(crystal.modes(omega), solid.modes(omega), rtol=1e-9, atol=0)
        np.testing.assert_allclose(crystal.cutoffs, solid.cutoffs, rtol=1e-9, atol=0)
    found = as_crystal(solid).isotropic()
    np.testing.assert_allclose([found.longitudinal, found.transverse], [9000, 5400], rtol=1e-12, atol=0)


@given(seeds, normals)
def test_modes_are_the_flux_over_all_directions(seed, normal):
    """A second road: |v_z|/c³ summed over directions spread evenly over the sphere."""
    crystal = random_crystal(seed, normal)
    n = 20_000
    polar = np.arccos(1 - 2 * (np.arange(n) + 0.5) / n)
    azimuth = np.pi * (1 + 5**0.5) * np.arange(n)
    speed, velocity = waves_along(crystal.reduced, unit_directions(polar, azimuth))
    plain = np.mean(np.abs(velocity) / speed**3, axis=0) / (2 * np.pi)
    np.testing.assert_allclose(crystal.branch_modes.sum(), plain.sum(), rtol=2e-4, atol=0)
    np.testing.assert_allclose(crystal.branch_modes, plain, rtol=2e-3, atol=0)


@given(seeds, normals)
def test_cutoffs_hold_one_mode_per_atom_and_branch(seed, normal):
    """The cutoffs do not depend on the orientation, and count the atoms."""
    upright, tilted = random_crystal(seed), random_crystal(seed, normal)
    np.testing.assert_allclose(tilted.cutoffs, upright.cutoffs, rtol=3e-4, atol=0)
    n = 20_000
    polar = np.arccos(1 - 2 * (np.arange(n) + 0.5) / n)
    speed, _ = waves_along(upright.reduced, unit_directions(polar, np.pi * (1 + 5**0.5) * np.arange(n)))
    count = upright.cutoffs**3 * np.mean(speed**-3, axis=0) / (6 * np.pi**2)
    np.testing.assert_allclose(count, upright.atoms, rtol=2e-3, atol=0)


def test_group_velocity_is_the_gradient_of_frequency():
    crystal = random_crystal(3)
    q, step = np.array([[0.3, -0.5, 0.7]]), 1e-5
    up = np.array([0, 0, step])
    n = q / np.linalg.norm(q)
    frequencies = [np.linalg.norm(p) * waves_along(crystal.reduced, p / np.linalg.norm(p))[0] for p in (q - up, q + up)]
    _, velocity = waves_along(crystal.reduced, n)
    np.testing.assert_allclose(velocity, (frequencies[1] - frequencies[0]) / (2 * step), rtol=1e-7, atol=0)


def test_cubic_speeds_in_closed_form():
    c11, c12, c44, density = 165.7 * GPa, 63.9 * GPa, 79.6 * GPa, 2329
    want = {
        (1, 0, 0): (c11, c44, c44),
        (1, 1, 0): ((c11 + c12 + 2 * c44) / 2, c44, (c11 - c12) / 2),
        (1, 1, 1): ((c11 + 2 * c12 + 4 * c44) / 3, (c11 - c12 + c44) / 3, (c11 - c12 + c44) / 3),
    }
    for direction, moduli in want.items():
        np.testing.assert_allclose(SI.speeds(direction)[0], np.sqrt(np.array(moduli) / density), rtol=1e-12, atol=0)
    np.testing.assert_allclose(SI.speeds([(1, 0, 0), (0, 2, 0)])[0], SI.speeds((0, 0, 1))[0], rtol=1e-12, atol=0)


@given(seeds)
def test_hill_lies_between_reuss_and_voigt(seed):
    crystal = random_crystal(seed)
    low, middle, high = (np.array(mean(crystal.stiffness, 4000)) for mean in (reuss_speeds, hill_speeds, voigt_speeds))
    assert (low <= middle * (1 + 1e-12)).all()
    assert (middle <= high * (1 + 1e-12)).all()


def test_polycrystal_speeds_of_the_table(data: Callable[[str], Path]):
    """Speeds of cubic metals agree with Hill's mean to what texture and samples allow."""
    with data("mismatch/materials.csv").open() as file:
        rows = [
            row for row in csv.DictReader(file) if row["symmetry"] == "cubic" and row["material"] in ("Al", "Cu", "W")
        ]
    for row in rows:
        stiffness = cubic(*(float(row[f"{c}_GPa"]) for c in ("C11", "C12", "C44")))
        found = hill_speeds(stiffness, float(row["density_kg_m3"]))
        measured = [float(row["polycrystal_vL_m_s"]), float(row["polycrystal_vT_m_s"])]
        np.testing.assert_allclose(found, measured, rtol=0.03, atol=0)
    assert len(rows) == 3


@given(seeds, normals)
def test_orientation_turns_the_tensor(seed, normal):
    """Stiffness along the normal is the same number from either frame."""
    crystal = random_crystal(seed, normal)
    n = np.array(normal) / np.linalg.norm(normal)
    along = np.einsum("ijkl,i,j,k,l", stiffness_tensor(crystal.stiffness), n, n, n, n) / crystal.density
    np.testing.assert_allclose(crystal.reduced[2, 2, 2, 2], along, rtol=1e-10, atol=0)
    np.testing.assert_allclose(crystal.rotation @ crystal.rotation.T, np.eye(3), rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(crystal.rotation), 1, rtol=1e-12, atol=0)


def test_inplane_direction():
    crystal = Elastic("Si", SI.stiffness, 2329, 5e28, normal=(1, 1, 0), inplane=(1, 0, 0))
    np.testing.assert_allclose(crystal.rotation[0], np.array([1, -1, 0]) / 2**0.5, rtol=0, atol=1e-15)
    np.testing.assert_allclose(
        crystal.branch_modes, Elastic("Si", SI.stiffness, 2329, 5e28, (0, 1, 1)).branch_modes, rtol=1e-6
    )


def test_symmetry_shrinks_the_sector():
    sizes = {(0, 0, 1): 12, (1, 1, 1): 8, (1, 1, 0): 24, (1, 2, 0.3): 48}
    for normal, size in sizes.items():
        azimuth, weight = azimuth_quadrature(Elastic("Si", SI.stiffness, 2329, 5e28, normal).reduced)
        assert azimuth.size == size
        np.testing.assert_allclose(weight.sum(), 2 * np.pi, rtol=1e-12, atol=0)
    quarter = rotate_tensor(SI.reduced, axes_about_z(np.array(np.pi / 4)))
    assert azimuth_quadrature(SI.reduced, quarter)[0].size == 12
    assert azimuth_quadrature(SI.reduced, rotate_tensor(SI.reduced, axes_about_z(np.array(0.2))))[0].size == 24


def test_bad_crystals_are_refused():
    good = {"name": "x", "stiffness": SI.stiffness, "density": 2329, "atoms": 5e28}
    skew = SI.stiffness.copy()
    skew[0, 3] = 5 * GPa
    cases = [
        ({"stiffness": cubic(100, 150, 50)}, "-50 GPa"),
        ({"stiffness": skew}, "not symmetric: C14 = 5 GPa, C41 = 0 GPa"),
        ({"stiffness": SI.stiffness / GPa}, "GPa given as Pa"),
        ({"density": 2.329}, "density = 2.329, expected 20 to 40000 kg/m³"),
        ({"density": 2.329e6}, "another unit"),
        ({"stiffness": 1e3 * SI.stiffness}, "g/cm³"),
        ({"atoms": 4.994e22}, "atoms = 4.994e\\+22"),
        ({"density": "heavy"}, "one number, got 'heavy'"),
        ({"normal": "nonsense"}, "direction"),
        ({"normal": [[1, 0], 2]}, "direction"),
        ({"stiffness": np.eye(3)}, "Voigt"),
        ({"density": -1}, "density"),
        ({"density": np.nan}, "density"),
        ({"atoms": 0}, "atoms"),
        ({"normal": (0, 0, 0)}, "direction"),
        ({"inplane": (0, 0, 2)}, "along the normal"),
    ]
    for change, message in cases:
        with pytest.raises(InputError, match=message):
            Elastic(**{**good, **change})
