"""Acoustic mismatch of crystals: laws, second roads, numbers."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import ValidityWarning
from kapitza.matter.elastic import Elastic
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.theory.amm import amm, amm_modes, angle_map, branch_pair_modes, critical_angles
from kapitza.theory.plane_waves import (
    LEFT_GOING,
    RIGHT_GOING,
    Interlayer,
    PlanarContact,
    anisotropic_waves,
    branch_modes,
    interface_scattering,
    solve_plane_waves,
)
from kapitza.units import GPa, THz, hbar, k_B, nm

ONCE = np.ones(1)
PER_MODE = 4 * np.pi**3 * k_B**4 / (30 * hbar**3)
AL = Solid("Al", 2700, 6420, 3040, 6.026e28)
SI = Solid("Si", 2329, 9000, 5400, 4.994e28)
HELIUM = Fluid("He", 145, 238, 2.18e28)


def voigt_matrix(c11: float, c12: float, c13: float, c33: float, c44: float, c66: float, c14: float = 0) -> np.ndarray:
    """Cubic, hexagonal or trigonal stiffness, GPa in, Pa out."""
    c = np.diag([c11, c11, c33, c44, c44, c66]).astype(float)
    c[0, 1] = c[1, 0] = c12
    c[0, 2] = c[2, 0] = c[1, 2] = c[2, 1] = c13
    c[0, 3] = c[3, 0] = c[4, 5] = c[5, 4] = c14
    c[1, 3] = c[3, 1] = -c14
    return c * GPa


def as_crystal(solid: Solid, normal: object = (0, 0, 1)) -> Elastic:
    shear = solid.density * solid.transverse**2 / GPa
    first = solid.density * solid.longitudinal**2 / GPa - 2 * shear
    stiffness = voigt_matrix(first + 2 * shear, first, first, first + 2 * shear, shear, shear)
    return Elastic(solid.name, stiffness, solid.density, solid.atoms, normal)


def random_crystal(seed: int) -> Elastic:
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((6, 6)) * 0.25 + np.diag([2.0, 2, 2, 1.2, 1.2, 1.2])
    return Elastic("any", factor @ factor.T * 40 * GPa, rng.uniform(1000, 10_000), 5e28)


GOLD = Elastic("Au", voigt_matrix(192.4, 163.0, 163.0, 192.4, 42.0, 42.0), 19300, 5.9e28, (1, 1, 0.2))
seeds = st.integers(0, 100_000)
shares = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5)
angles = st.floats(-3, 3)


@given(seeds, seeds, shares, angles)
def test_each_incoming_wave_keeps_its_energy(one, other, at, azimuth):
    left, right = random_crystal(one), random_crystal(other)
    slowness = np.array(at) / left.speeds((0, 0, 1))[0, 1]
    sides = [solve_plane_waves(side, slowness, np.full(slowness.size, azimuth)) for side in (left, right)]
    matrix = np.abs(interface_scattering(sides, PlanarContact(), ONCE)[0]) ** 2
    out = np.concatenate([sides[0].branch[:, LEFT_GOING], sides[1].branch[:, RIGHT_GOING]], axis=1) >= 0
    incoming = np.concatenate([sides[0].branch[:, RIGHT_GOING], sides[1].branch[:, LEFT_GOING]], axis=1) >= 0
    kept = np.sum(matrix * out[:, :, None], axis=1)[incoming]
    np.testing.assert_allclose(kept, 1, rtol=1e-9, atol=0)


@given(seeds, shares, angles)
def test_waves_solve_the_equation_of_motion(seed, at, azimuth):
    """A second road: each wave against Christoffel's equation and Hooke's law in crystal axes."""
    crystal = random_crystal(seed)
    slowness = np.array(at) / crystal.speeds((0, 0, 1))[0, 1]
    found = anisotropic_waves(crystal, slowness, np.full(slowness.size, azimuth))
    c, s = np.cos(azimuth), np.sin(azimuth)
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    for n, way, m in np.ndindex(found.slowness.shape):
        a, traction = turn.T @ found.state[n, way, :3, m], turn.T @ found.state[n, way, 3:, m]
        q = turn.T @ np.array([slowness[n], 0, found.slowness[n, way, m]])
        tension = crystal.density * np.einsum("ijkl,l,k->ij", crystal.reduced, q, a)
        scale = np.abs(tension).max()
        np.testing.assert_allclose(tension @ q, crystal.density * a, rtol=0, atol=1e-9 * np.abs(tension @ q).max())
        np.testing.assert_allclose(tension[2], traction, rtol=0, atol=1e-9 * scale)
        assert found.branch[n, way, m] >= 0 or (found.slowness[n, way, m].imag > 0) == (way == RIGHT_GOING)


@given(seeds, shares)
def test_branches_are_ranked_by_speed(seed, at):
    crystal = random_crystal(seed)
    slowness = np.array(at) / crystal.speeds((0, 0, 1))[0, 1]
    found = anisotropic_waves(crystal, slowness, 0 * slowness)
    for n, way, m in zip(*np.nonzero(found.branch >= 0), strict=True):
        q = np.array([slowness[n], 0, found.slowness[n, way, m].real])
        speeds = crystal.speeds(crystal.rotation.T @ q)[0]
        np.testing.assert_allclose(speeds[found.branch[n, way, m]], 1 / np.linalg.norm(q), rtol=1e-7, atol=0)


def test_isotropic_crystals_agree_with_the_closed_form():
    """Degenerate shear waves, any orientation, mixed sides, a liquid, a bond and a layer."""
    tilted = as_crystal(SI, (1, 2, 0.3))
    want = branch_pair_modes(AL, SI, ONCE)[0]
    for left, right in ((as_crystal(AL), as_crystal(SI)), (AL, tilted), (as_crystal(AL, (1, 1, 0)), tilted)):
        found = branch_pair_modes(left, right, ONCE)[0]
        np.testing.assert_allclose(found.sum(), want.sum(), rtol=1e-9, atol=0)
        np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-9 * want.max())
    wet = branch_pair_modes(HELIUM, tilted, ONCE).sum()
    np.testing.assert_allclose(wet, branch_pair_modes(HELIUM, SI, ONCE).sum(), rtol=1e-8, atol=0)
    omega = np.array([1, 4]) * THz
    spring, layer = (1e20, 3e19), Interlayer(as_crystal(Solid("Au", 19300, 3240, 1200, 5.9e28)), 0.5 * nm)
    plain = Interlayer(Solid("Au", 19300, 3240, 1200, 5.9e28), 0.5 * nm)
    one, two = as_crystal(AL), as_crystal(SI)
    np.testing.assert_allclose(
        amm(one, two, omega, spring=spring).total, amm(AL, SI, omega, spring=spring).total, rtol=1e-9
    )
    layered = amm(one, two, omega, interlayer=layer).total
    np.testing.assert_allclose(layered, amm(AL, SI, omega, interlayer=plain).total, rtol=1e-9, atol=0)


def test_nearly_isotropic_crystals_are_near_the_closed_form():
    c = as_crystal(SI).stiffness.copy()
    c[3:, 3:] *= 1 + 1e-7
    near = Elastic("Si", c, SI.density, SI.atoms)
    found = branch_pair_modes(AL, near, ONCE).sum()
    np.testing.assert_allclose(found, branch_pair_modes(AL, SI, ONCE).sum(), rtol=1e-5, atol=0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_directions_and_bounds_without_any_symmetry(seed):
    left, right = random_crystal(seed), random_crystal(seed + 50)
    there, back = branch_pair_modes(left, right, ONCE)[0], branch_pair_modes(right, left, ONCE)[0]
    np.testing.assert_allclose(there.sum(), back.sum(), rtol=1e-10, atol=0)
    np.testing.assert_allclose(there, back.T, rtol=1e-6, atol=1e-9 * there.max())
    assert (there.sum(axis=1) <= branch_modes(left) * (1 + 1e-4)).all()
    assert (there.sum(axis=0) <= branch_modes(right) * (1 + 1e-4)).all()
    result = amm(left, right)
    assert (result.total <= np.minimum(result.left, result.right)).all()


@pytest.mark.parametrize("crystal", [GOLD, random_crystal(7), as_crystal(SI)])
def test_nothing_happens_between_equal_crystals(crystal):
    pairs = branch_pair_modes(crystal, crystal, ONCE)[0]
    np.testing.assert_allclose(pairs.sum(), crystal.branch_modes.sum(), rtol=1e-4, atol=0)
    same = amm(crystal, crystal)
    np.testing.assert_allclose(same.total, same.left, rtol=1e-4, atol=0)


def test_brute_force_over_wave_vectors():
    """A second road to the quadrature: a plain grid over the whole plane of slownesses, no panels, no symmetry."""
    left, right = GOLD, as_crystal(AL, (1, 0, 0.5))
    top, n = 1 / 1000, 200
    grid = (np.arange(n) + 0.5) / n * 2 * top - top
    x, y = (g.ravel() for g in np.meshgrid(grid, grid[grid > 0]))
    slowness, azimuth = np.hypot(x, y), np.arctan2(y, x)
    sides = [solve_plane_waves(side, slowness, azimuth) for side in (left, right)]
    crossing = np.abs(interface_scattering(sides, PlanarContact(), ONCE)[0, :, 3:, :3]) ** 2
    crossing *= (sides[1].branch[:, RIGHT_GOING] >= 0)[:, :, None] * (sides[0].branch[:, RIGHT_GOING] >= 0)[:, None, :]
    plain = 2 * crossing.sum() * (2 * top / n) ** 2 / (2 * np.pi) ** 2
    np.testing.assert_allclose(branch_pair_modes(left, right, ONCE).sum(), plain, rtol=5e-3, atol=0)


def table(data: Callable[[str], Path]) -> dict[str, Elastic]:
    with data("mismatch/materials.csv").open() as file:
        rows = {row["material"]: row for row in csv.DictReader(file)}
    found: dict[str, Elastic] = {}
    for name in ("Al", "Cu", "Si", "Ge", "diamond", "Al2O3", "GaN", "AlN"):
        c = {key[:3]: float(value or 0) for key, value in rows[name].items() if key.endswith("_GPa")}
        cube = rows[name]["symmetry"] == "cubic"
        c13, c33 = (c["C12"], c["C11"]) if cube else (c["C13"], c["C33"])
        c66 = c["C44"] if cube else (c["C11"] - c["C12"]) / 2
        stiffness = voigt_matrix(c["C11"], c["C12"], c13, c33, c["C44"], c66, c["C14"])
        found[name] = Elastic(name, stiffness, float(rows[name]["density_kg_m3"]), 5e28)
    return found


def test_conductances_of_crystals(data: Callable[[str], Path], published: Callable[[str, str], dict[str, Any]]) -> None:
    crystals = table(data)
    pairs = {
        "si_ge_001": ("Si", "Ge"),
        "al_si_001": ("Al", "Si"),
        "cu_si_001": ("Cu", "Si"),
        "si_diamond_001": ("Si", "diamond"),
        "al_diamond_001": ("Al", "diamond"),
        "al_sapphire_c": ("Al", "Al2O3"),
        "gan_aln_c": ("GaN", "AlN"),
    }
    for name, (left, right) in pairs.items():
        want = published("acoustic", name)
        found = PER_MODE * branch_pair_modes(crystals[left], crystals[right], ONCE).sum()
        np.testing.assert_allclose(found, want["value"], rtol=want["tolerance"], atol=0)


def test_the_table_of_waves_sums_to_the_transmission(data: Callable[[str], Path]):
    crystals = table(data)
    for left, right in ((crystals["Si"], crystals["Ge"]), (AL, GOLD), (crystals["Al2O3"], crystals["Al"])):
        modes = amm_modes(left, right)
        summed, whole = modes.total(), amm(left, right, modes.omega[:1])
        np.testing.assert_allclose(summed.total, whole.total, rtol=1e-4, atol=0)
        np.testing.assert_allclose(summed.left, whole.left, rtol=1e-4, atol=0)
        np.testing.assert_allclose(summed.right, whole.right, rtol=1e-4, atol=0)
        assert (modes.select("left").velocity > 0).all()
        assert (modes.select("right").velocity < 0).all()


def test_angle_maps_and_critical_angles():
    found, want = angle_map(as_crystal(AL), as_crystal(SI)), angle_map(AL, SI)
    np.testing.assert_allclose(found.transmission.sum(axis=2), want.transmission.sum(axis=2), rtol=0, atol=1e-7)
    np.testing.assert_allclose(critical_angles(as_crystal(AL), as_crystal(SI)), critical_angles(AL, SI), rtol=1e-8)
    copper = Elastic("Cu", voigt_matrix(168.3, 121.2, 121.2, 168.3, 75.7, 75.7), 8960, 8.5e28)
    first, quarter, eighth = (critical_angles(copper, SI, **at) for at in ({}, {"azimuth": np.pi / 2}, {"azimuth": 1}))
    np.testing.assert_allclose(first, quarter, rtol=1e-8, atol=0)  # along an axis of the cube unless said
    assert np.abs(first - eighth).max() > 1e-3
    gold = angle_map(GOLD, SI, azimuth=0.4)
    for i, j in np.ndindex(gold.critical.shape):
        beyond = gold.angle > gold.critical[i, j] + 0.02
        t = gold.transmission[beyond, i, j]
        assert np.nan_to_num(t).max(initial=0) < 1e-12


def test_exactly_at_a_critical_slowness():
    """Grazing waves of an isotropic crystal, where the eigenvalue problem is defective."""
    left, right = Solid("a", 3000, 4000, 2000, 5e28), Solid("b", 3000, 8000, 4000, 5e28)
    at = np.arcsin([0.25, 0.5])
    want = angle_map(left, right, at).transmission.sum(axis=2)
    found = angle_map(as_crystal(left), as_crystal(right), at).transmission.sum(axis=2)
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-2)


def test_a_twist_of_equal_crystals_reflects():
    """A grain boundary of twisted cubes: nothing at multiples of 90 degrees, something between."""
    stiffness = voigt_matrix(168.3, 121.2, 121.2, 168.3, 75.7, 75.7)
    straight, turned = Elastic("Cu", stiffness, 8960, 8.5e28), Elastic("Cu", stiffness, 8960, 8.5e28, inplane=(1, 1, 0))
    quarter = Elastic("Cu", stiffness, 8960, 8.5e28, inplane=(0, 1, 0))
    whole = straight.branch_modes.sum()
    np.testing.assert_allclose(branch_pair_modes(straight, quarter, ONCE).sum(), whole, rtol=1e-4, atol=0)
    assert 0.5 < branch_pair_modes(straight, turned, ONCE).sum() / whole < 0.97


def test_a_light_liquid_on_a_crystal_is_told_to_be_out_of_range():
    """Helium on a crystal: its surface wave is too narrow; heavy liquids and isotropic solids pass."""
    crystal = as_crystal(SI, (0, 0, 1))
    for pair in ((HELIUM, crystal), (crystal, HELIUM)):
        with pytest.warns(ValidityWarning, match="surface wave"):
            amm(*pair, [1e9])
    amm(Fluid("Hg", 13_530, 1450, 4.1e28), crystal, [1e9])
    amm(HELIUM, SI, [1e9])
