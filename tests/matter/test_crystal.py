"""Crystals: frequencies, velocities, degenerate levels, dipole forces, the elastic limit."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.matter.brillouin import equivalent_normals, hemisphere_directions, lattice_operations, reduced_mesh
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import load_crystal
from kapitza.matter.longwave import long_wave
from kapitza.matter.periodic import minkowski_basis
from kapitza.matter.space_groups.bond_symmetry import crystal_operations
from kapitza.units import THz, angstrom, m_u

Data = Callable[[str], Path]

A, SPRING, MASS = 4.0 * angstrom, 20.0, 40 * m_u


def fcc() -> Crystal:
    """Face-centred cubic crystal with central springs between nearest neighbours."""
    bonds = [np.array(b) for b in product((-1, 0, 1), repeat=3) if np.abs(b).sum() == 2]
    lattice = A / 2 * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    cells = np.round(np.array(bonds) * A / 2 @ np.linalg.inv(lattice)).astype(int)
    blocks = np.array([-SPRING / 2 * np.outer(b, b) for b in bonds])
    cells, blocks = np.vstack([cells, [[0, 0, 0]]]), np.concatenate([blocks, [-blocks.sum(axis=0)]])
    return Crystal(
        name="fcc", lattice=lattice, positions=np.zeros((1, 3)), masses=[MASS], cells=cells, force_constants=blocks
    )


def read(data: Data, name: str, *, nac: bool = True) -> Crystal:
    return load_crystal(data(f"crystals/{name}.yaml"), nac=nac)


def test_springs_between_nearest_neighbours():
    r"""Along [100]: ω² = 8K/m sin²(qa/4) and twice 4K/m sin²(qa/4)."""
    q = np.linspace(0.1, 1, 7) * 2 * np.pi / A
    got = fcc().frequencies(np.outer(q, [1, 0, 0]))
    want = np.sqrt(SPRING / MASS) * np.abs(np.sin(q * A / 4))[:, None] * np.array([2, 2, np.sqrt(8)])
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=0)


def test_sound_of_springs_between_nearest_neighbours():
    """C11 = 2K/a, C12 = C44 = K/a, in every direction."""
    density = 4 * MASS / A**3
    directions = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]]) / np.sqrt([[1], [2], [3]])
    speeds = long_wave(fcc()).speeds(directions, np.array([0, 0, 1.0]))[0]
    c11, c12, c44 = 2 * SPRING / A, SPRING / A, SPRING / A
    want = [
        [c44, c44, c11],
        [(c11 - c12) / 2, c44, (c11 + c12 + 2 * c44) / 2],
        [(c11 - c12 + c44) / 3, (c11 - c12 + c44) / 3, (c11 + 2 * c12 + 4 * c44) / 3],
    ]
    np.testing.assert_allclose(speeds, np.sqrt(np.array(want) / density), rtol=2e-6, atol=0)


@given(st.tuples(*[st.floats(-0.5, 0.5)] * 3))
def test_dynamical_matrix_is_hermitian_and_periodic(fraction: tuple[float, float, float]):
    crystal = fcc()
    q = np.array([fraction]) @ crystal.reciprocal
    matrix = crystal.dynamical(q)[0]
    top = 8 * SPRING / MASS
    np.testing.assert_allclose(matrix, matrix.conj().T, rtol=0, atol=1e-12 * top)
    np.testing.assert_allclose(crystal.dynamical(q + crystal.reciprocal[1])[0], matrix, rtol=0, atol=1e-10 * top)
    np.testing.assert_allclose(crystal.frequencies(-q), crystal.frequencies(q), rtol=0, atol=1e-6 * np.sqrt(top))


@pytest.mark.parametrize("name", ["Si", "Al", "GaN", "MgO", "AlN"])
def test_velocities_are_derivatives(data: Data, name: str):
    """The second road: central differences of the frequencies at a general wave vector."""
    crystal = read(data, name)
    q = np.array([[0.13, 0.21, -0.34]]) @ crystal.reciprocal
    _, velocity = crystal.velocities(q)
    step = 1e-4 * np.linalg.norm(crystal.reciprocal[0])
    for axis in range(3):
        shift = step * np.eye(3)[axis]
        slope = (crystal.frequencies(q + shift) - crystal.frequencies(q - shift)) / (2 * step)
        np.testing.assert_allclose(velocity[:, :, axis], slope, rtol=0, atol=2e-4 * np.abs(slope).max())


@pytest.mark.parametrize(
    ("name", "fraction"), [("Si", (0, 0.2, 0.2)), ("GaN", (0.1, 0.0, 0.5)), ("Al", (0.2, 0.2, 0.2))]
)
def test_velocities_of_degenerate_levels(data: Data, name: str, fraction: tuple[float, float, float]):
    """Along a direction that splits them, degenerate modes have the slopes of the branches on either side."""
    crystal = read(data, name)
    q = np.array([fraction]) @ crystal.reciprocal
    normal = np.array([0.3, 0.5, 0.8]) / np.linalg.norm([0.3, 0.5, 0.8])
    assert crystal.levels(q).degenerate.size == 1
    _, velocity = crystal.velocities(q, normal)
    step = 2e-4 * np.linalg.norm(crystal.reciprocal[0])
    ahead = (crystal.frequencies(q + step * normal) - crystal.frequencies(q)) / step
    behind = (crystal.frequencies(q) - crystal.frequencies(q - step * normal)) / step
    got = np.sort(velocity[0] @ normal)
    for want in (ahead, behind):
        np.testing.assert_allclose(got, np.sort(want[0]), rtol=0, atol=5e-3 * np.abs(want).max())


KEATING = {"C": (129.33, 84.76), "Si": (48.50, 13.81), "Ge": (38.67, 11.35)}  # α and β of the files, N/m


@pytest.mark.parametrize("name", list(KEATING))
def test_frequencies_of_bonds_and_angles(data: Data, name: str):
    """Closed forms of mω²: 8(α + β) at Γ; at X 8β, 4α + 8β and 8α, each twice."""
    alpha, beta = KEATING[name]
    crystal = read(data, name)
    omega = crystal.frequencies(np.array([[0, 0, 0], [0.5, 0.5, 0]]) @ crystal.reciprocal)
    np.testing.assert_allclose(crystal.masses[0] * omega[0, 3:] ** 2, 8 * (alpha + beta), rtol=1e-9, atol=0)
    want = np.repeat(np.sort([8 * beta, 4 * alpha + 8 * beta, 8 * alpha]), 2)
    np.testing.assert_allclose(crystal.masses[0] * omega[1] ** 2, want, rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    ("name", "along", "across", "charge", "screen"), [("MgO", 75.0, 15.0, 1.96, 3.1), ("KCl", 14.0, 1.5, 1.1, 2.2)]
)
def test_optical_modes_of_ions(data: Data, name: str, along: float, across: float, charge: float, screen: float):
    """Lorentz' field at an ion: μω_T² = 2A + 4B - Z²e²/3ε0εV; along the wave twice as much is added."""
    crystal = read(data, name)
    field = (1.602176634e-19 * charge) ** 2 / (3 * 8.8541878188e-12 * screen * crystal.volume)
    reduced = crystal.masses.prod() / crystal.masses.sum()
    springs = 2 * along + 4 * across
    omega = crystal.frequencies([1e6, 0, 0])[0, 3:]
    want = [springs - field, springs - field, springs + 2 * field]
    np.testing.assert_allclose(reduced * omega**2, want, rtol=1e-7, atol=0)


PHONOPY = {  # frequencies (THz) at q = (0.1, 0.2, 0.3) and velocities of the first three modes (Å THz): phonopy 4.10.0
    "GaN": (
        [
            4.55219956,
            4.68889169,
            6.12330142,
            6.35220767,
            6.80112554,
            7.9026785,
            16.81426315,
            17.10347603,
            17.42161702,
            17.68836862,
            20.18247048,
            21.01855965,
        ],
        [
            [8.2409703, 20.460622, 21.7684175],
            [15.4036147, 27.1153804, 19.7016058],
            [10.3383692, 19.6497233, -7.9535857],
        ],
        2e-6,
    ),
    "MgO": (
        [5.98356709, 6.93979177, 7.40496175, 14.24904461, 14.34189485, 21.1790185],
        [[48.5708017, 15.0662533, 0], [49.8058175, 35.2360811, 0], [45.772305, 36.3308861, 0]],
        2e-5,
    ),
    "AlN": (
        [
            6.96314665,
            7.2842112,
            9.83839841,
            10.02884851,
            10.98433343,
            12.62527508,
            18.56204833,
            18.89169228,
            19.06662388,
            19.47240893,
            22.57828732,
            24.92344955,
        ],
        [
            [12.1824415, 35.5295976, 34.0560888],
            [25.5059218, 44.9807194, 32.1991254],
            [16.8707493, 45.4151647, 5.1568673],
        ],
        6e-3,
    ),
}


@pytest.mark.parametrize("name", list(PHONOPY))
def test_phonopy_gives_the_same(data: Data, name: str):
    """Frozen numbers of an independent code; where dipole forces are split off, it does so at another width."""
    omega, velocity, tolerance = PHONOPY[name]
    crystal = read(data, name)
    got, speed = crystal.velocities(np.array([0.1, 0.2, 0.3]) @ crystal.reciprocal)
    np.testing.assert_allclose(got[0, : len(omega)] / THz, omega, rtol=tolerance / 5, atol=0)
    np.testing.assert_allclose(speed[0, :3] / 100, velocity, rtol=0, atol=tolerance * 50)


def test_longitudinal_optical_splitting(data: Data):
    """The field of a longitudinal wave lifts the optical mode of MgO by ω_L² - ω_T² = e²Z²/(ε0 ε V μ)."""
    with_field, without = read(data, "MgO"), read(data, "MgO", nac=False)
    q = np.array([1e7, 0, 0])
    transverse, longitudinal = with_field.frequencies(q)[0][[3, 5]]
    np.testing.assert_allclose(without.frequencies([0, 0, 0])[0, 3:], transverse, rtol=1e-6, atol=0)
    charge, screen = 1.96, 3.1
    reduced = with_field.masses.prod() / with_field.masses.sum()
    want = (1.602176634e-19 * charge) ** 2 / (8.8541878188e-12 * screen * with_field.volume * reduced)
    np.testing.assert_allclose(longitudinal**2 - transverse**2, want, rtol=1e-4, atol=0)


def test_dipole_forces_change_nothing_at_commensurate_wave_vectors(data: Data):
    """There the supercell already holds them, apart from the field of a wave."""
    with_field, without = read(data, "MgO"), read(data, "MgO", nac=False)
    q = np.array([[0.5, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.5, 0.5]]) @ with_field.reciprocal
    np.testing.assert_allclose(with_field.frequencies(q), without.frequencies(q), rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", ["Si", "GaN", "AlN", "MgO"])
def test_sound_is_the_limit_of_the_acoustic_branches(data: Data, name: str):
    crystal = read(data, name)
    directions = np.array([[0, 0, 1.0], [0.6, 0.48, 0.64]])
    speeds, along = long_wave(crystal).speeds(directions, np.array([0, 0, 1.0]))
    q = 4e8
    omega, velocity = crystal.velocities(q * directions)
    np.testing.assert_allclose(speeds, omega[:, :3] / q, rtol=2.5e-2, atol=0)
    np.testing.assert_allclose(along[0], velocity[0, :3, 2], rtol=2e-2, atol=0)


def test_symmetry_of_lattices():
    cubic = np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    hexagonal = np.array([[1, 0, 0], [-0.5, np.sqrt(0.75), 0], [0, 0, 1.6]])
    assert len(lattice_operations(cubic)) == 48
    assert len(lattice_operations(hexagonal)) == 24
    assert len(lattice_operations(np.array([[1, 0, 0], [0.1, 1.2, 0], [0.2, 0.3, 1.5]]))) == 2


def test_reduced_mesh_keeps_every_mean():
    """The mean of a symmetric function is the same on all points and on those that stand for them."""
    crystal = fcc()
    operations = crystal_operations(crystal)
    assert len(operations) == 48
    fraction, share = reduced_mesh((6, 6, 6), operations)
    whole = np.array(list(product(range(6), repeat=3))) / 6
    np.testing.assert_allclose(share.sum(), 1, rtol=1e-14, atol=0)
    got = share @ crystal.frequencies(fraction @ crystal.reciprocal)
    want = crystal.frequencies(whole @ crystal.reciprocal).mean(axis=0)
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=0)
    assert len(share) < len(whole) / 10


def test_strain_breaks_symmetry():
    """What counts is the spectrum: unequal springs in a cubic lattice leave less than cubic symmetry."""
    crystal = fcc()
    blocks = crystal.force_constants.copy()
    flat = (crystal.cells @ crystal.lattice)[:, 2] == 0
    blocks[flat] *= 1.1
    blocks[-1] = -blocks[:-1].sum(axis=0)
    strained = Crystal(
        name="strained",
        lattice=crystal.lattice,
        positions=crystal.positions,
        masses=crystal.masses,
        cells=crystal.cells,
        force_constants=blocks,
    )
    assert len(crystal_operations(strained)) == 16
    directions, part = equivalent_normals(np.array([0, 0, 1.0]), strained.lattice, crystal_operations(strained))
    assert len(directions) == 1
    np.testing.assert_allclose(part, 1, rtol=1e-14, atol=0)


def test_directions_integrate_polynomials():
    directions, share = hemisphere_directions(np.array([0.6, 0.0, 0.8]), 8, 16)
    np.testing.assert_allclose(share.sum(), 4 * np.pi, rtol=1e-13, atol=0)
    np.testing.assert_allclose(share @ directions**2, 4 * np.pi / 3 * np.ones(3), rtol=1e-12, atol=0)


@given(st.lists(st.integers(-3, 3), min_size=3, max_size=3))
def test_reduced_lattices_are_short(steps: list[int]):
    lattice = np.array([[1.0, 0, 0], [0.2, 1.1, 0], [0.1, 0.3, 0.9]])
    skewed = lattice.copy()
    skewed[0] += steps[0] * lattice[1]
    skewed[1] += steps[1] * skewed[0]
    skewed[2] += steps[2] * skewed[1]
    reduced = minkowski_basis(skewed)
    np.testing.assert_allclose(abs(np.linalg.det(reduced)), np.linalg.det(lattice), rtol=1e-10, atol=0)
    assert np.linalg.norm(reduced, axis=1).sum() <= np.linalg.norm(lattice, axis=1).sum() + 1e-9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masses": [-1.0]}, "above zero"),
        ({"lattice": np.ones((3, 3))}, "span no volume"),
        ({"positions": np.zeros((2, 3))}, "positions of shape"),
        ({"force_constants": np.full((13, 3, 3), np.nan)}, "finite"),
        ({"cells": np.full((13, 3), 0.5)}, "integers"),
    ],
)
def test_bad_crystals(change: dict[str, Any], message: str):
    crystal = fcc()
    names = ("name", "lattice", "positions", "masses", "cells", "force_constants")
    fields = {name: getattr(crystal, name) for name in names} | change
    with pytest.raises(InputError, match=message):
        Crystal(**fields)


def test_bad_wave_vectors():
    with pytest.raises(InputError, match="wave vectors"):
        fcc().frequencies([1.0, 2.0])
    with pytest.raises(InputError, match="direction"):
        fcc().velocities([0, 0, 1e9], (0, 0, 0))
