"""Symmetry of in-plane wave vectors: kept where the force constants have it, whatever a few transmissions say."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.matter.building.layers import lead_from_force_constants, mass_junction
from kapitza.matter.junction import Junction, Lead
from kapitza.theory.agf.conductance import refine_to_tolerance
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.k_mesh import ZoneMesh, find_symmetry, lattice_operations
from kapitza.theory.agf.transmission import point_transmissions
from kapitza.units import THz, m_u
from matter_samples import repeat_device

IDENTITY = ZoneMesh(symmetry=[[[1, 0], [0, 1]]])
SI = 28.085 * m_u
LATTICES = {
    "fcc": ([[0.5, 0.5, 0], [-0.5, 0.5, 0], [0, 0.5, 0.5]], [[0, 0, 0]]),
    "cubic": (np.eye(3), [[0, 0, 0]]),
    "zincblende": ([[0.5, 0.5, 0], [-0.5, 0.5, 0], [0, 0.5, 0.5]], [[0, 0, 0], [0.25, 0.25, 0.25]]),
    "hexagonal": ([[1, 0, 0], [-0.5, 0.75**0.5, 0], [0, 0, 1.5]], [[0, 0, 0], [0.5, 0.75**0.5 / 3, 0.7]]),
    "tetragonal": (np.diag([1, 1, 1.3]), [[0, 0, 0], [0.5, 0.5, 0.6]]),
    "monoclinic": ([[1, 0, 0], [0, 1.2, 0], [0.2, 0, 1.1]], [[0, 0, 0], [0.4, 0.6, 0.5]]),
    "triclinic": ([[1, 0, 0], [0.3, 1, 0], [0.1, 0.2, 1]], [[0, 0, 0], [0.45, 0.55, 0.5]]),
}


def spring_crystal(kind: str, rng: np.random.Generator) -> Lead:
    """A crystal of springs to neighbours up to 1.6 of the shortest distance, along and across each bond."""
    lattice, positions = (4e-10 * np.array(part, dtype=float) for part in LATTICES[kind])
    n = len(positions)
    cells = np.indices((5, 5, 3)).reshape(3, -1).T - [2, 2, 1]
    bonds = (cells @ lattice)[:, None, None] + positions[None, None] - positions[None, :, None]
    length = np.linalg.norm(bonds, axis=-1)
    nearest = length[length > 0].min()
    along, across = 60 * rng.uniform(0.5, 1.5), 60 * rng.uniform(0.05, 0.3)
    blocks = np.zeros((len(cells), n, 3, n, 3))
    home = int(np.flatnonzero((cells == 0).all(axis=1))[0])
    for c, i, j in np.argwhere((length > 0) & (length < 1.6 * nearest)):
        unit = bonds[c, i, j] / length[c, i, j]
        spring = (nearest / length[c, i, j]) ** 6 * (along * np.outer(unit, unit) + across * np.eye(3))
        blocks[c, i, :, j] -= spring
        blocks[home, i, :, i] += spring
    lead = lead_from_force_constants(kind, lattice, [40 * m_u] * n, cells, blocks.reshape(-1, 3 * n, 3 * n))
    return evolve(lead, model=True)  # by chance it may weigh what some metal does, without its springs


def random_junction(seed: int) -> Junction:
    """A crystal of springs whose masses are random in each layer, one side up to eight times as heavy."""
    rng = np.random.default_rng(seed)
    kind = list(LATTICES)[seed % len(LATTICES)]
    lead = spring_crystal(kind, rng)
    n = lead.masses.size
    sides = [rng.uniform(20, 60) * m_u * (np.ones(n) if rng.random() < 0.5 else rng.uniform(0.5, 1.5, n)) for _ in "lr"]
    sides[1] = sides[1] * rng.choice([1, 2, 4, 8])
    middle = [rng.uniform(20, 200, n) * m_u for _ in range(rng.integers(0, 3))]
    return mass_junction(lead, sides[0], sides[1], device=[sides[0], *middle, sides[1]])


def transmissions(junction: Junction, k: np.ndarray, omega: np.ndarray) -> np.ndarray:
    """(nk, 3, nω) transmission and modes of both sides."""
    index = np.repeat(np.arange(len(k)), omega.size)
    found = point_transmissions(prepare_junction(junction), k, index, np.tile(omega, len(k)))
    return np.stack([found.total, found.left, found.right]).reshape(3, len(k), omega.size).swapaxes(0, 1)


@pytest.mark.parametrize("ratio", [1.0, 3.5, 5.0, 20.0])
def test_silicon_and_heavy_silicon_have_two_mirrors(silicon, ratio):
    """A layer (001) of two atoms has no fourfold axis, however heavy the other side."""
    junction = mass_junction(silicon, SI, ratio * SI)
    kept = {tuple(w.ravel().tolist()) for w in find_symmetry(prepare_junction(junction))}
    assert kept == {(1, 0, 0, 1), (-1, 0, 0, -1), (1, 0, 0, -1), (-1, 0, 0, 1)}


def test_fourfold_axis_changes_the_transmission_where_few_points_did_not_show_it(silicon):
    junction = mass_junction(silicon, SI, 3.5 * SI)
    k = np.array([[0.07, 0.31], [0.31, -0.07]])
    found = transmissions(junction, k, np.linspace(1, 8, 60) * THz)
    assert np.abs(found[0, 0] - found[1, 0]).max() > 0.3
    np.testing.assert_allclose(found[0, 1:], found[1, 1:], rtol=0, atol=0.1)  # each crystal alone has the axis


def test_operations_keep_the_transmission_at_any_wave_vector():
    rng = np.random.default_rng(7)
    seen: set[int] = set()
    for seed in range(50):
        junction = random_junction(seed)
        kept = find_symmetry(prepare_junction(junction))
        seen.add(len(kept))
        k, omega = rng.uniform(-0.5, 0.5, (1, 2)), rng.uniform(0.5, 6, 5) * THz
        found = transmissions(junction, np.concatenate([k @ w for w in kept]), omega)
        np.testing.assert_allclose(found, np.broadcast_to(found[:1], found.shape), rtol=0, atol=1e-6)
    assert seen == {2, 4, 8, 12}, seen


def test_symmetry_of_larger_cells(silicon):
    """Atoms of repeated cells may be exchanged from layer to layer: a mirror is one all the same, disorder is none."""
    junction = mass_junction(silicon, SI, 2 * SI)
    for tiling, count in (([2, 2], 4), ([3, 3], 4), ([[1, -1], [1, 1]], 4), ([3, 1], 4)):
        assert len(find_symmetry(prepare_junction(repeat_device(junction, tiling)))) == count
    large = repeat_device(mass_junction(silicon, SI, 2 * SI, device=[SI, SI, 2 * SI]), [2, 2])
    layers = list(large.device)
    masses = layers[1].masses.copy()
    masses[1] *= 1.01
    layers[1] = type(layers[1])(masses, layers[1].shifts, layers[1].onsite, layers[1].hop)
    uneven = Junction("uneven", large.periods, large.left, large.right, tuple(layers))
    found = find_symmetry(prepare_junction(uneven))
    assert len(found) in (2, 4)  # a mirror through the heavy atom may be left
    k = np.array([[0.11, 0.27]])
    rows = transmissions(uneven, np.concatenate([k @ w for w in found]), np.array([2.0, 5.0]) * THz)
    np.testing.assert_allclose(rows, np.broadcast_to(rows[:1], rows.shape), rtol=0, atol=1e-6)


def test_weak_springs_break_symmetry_as_strong_ones_do(fcc):
    """A spring along one axis that is a hundred thousandth of the others counts."""
    assert len(find_symmetry(prepare_junction(mass_junction(fcc, m_u, 2 * m_u)))) == 8
    onsite = fcc.onsite.copy()
    weak = 1e-5 * np.abs(onsite).max() * np.diag([1.0, 2.0, 3.0])
    along = [int(np.flatnonzero((fcc.shifts == w).all(axis=1))[0]) for w in ([0, 0], [1, 0], [-1, 0])]
    onsite[along] += np.array([2, -1, -1])[:, None, None] * weak
    bent = Lead(
        name="bent",
        periods=fcc.periods,
        step=fcc.step,
        masses=fcc.masses,
        shifts=fcc.shifts,
        onsite=onsite,
        hop=fcc.hop,
    )
    assert len(lattice_operations(bent.periods)) == 8
    assert len(find_symmetry(prepare_junction(mass_junction(bent, m_u, 2 * m_u)))) == 2


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [2.0, 3.5, 5.0, 6.0, 8.0, 14.0, 20.0])
def test_conductance_of_heavy_silicon_is_that_of_the_full_zone(silicon, ratio):
    junction = mass_junction(silicon, SI, ratio * SI)
    found, plain = refine_to_tolerance(junction), refine_to_tolerance(junction, IDENTITY, 1e-3)
    one, other = (run.transmission.conductance(300.0).value[0] for run in (found, plain))
    assert abs(one / other - 1) <= 2 * found.error[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
def test_stated_error_covers_the_full_zone(seed):
    temperature, tolerance = [30.0, 300.0, 1e4][seed % 3], [5e-3, 2e-2][seed % 2]
    junction = random_junction(seed)
    found = refine_to_tolerance(junction, None, tolerance, temperature)
    plain = refine_to_tolerance(junction, IDENTITY, tolerance / 3, temperature)
    one, other = (run.transmission.conductance(temperature).value[0] for run in (found, plain))
    assert abs(one / other - 1) <= 2 * found.error[0]


def test_two_levels_that_agree_by_chance_do_not_end_the_refinement():
    """Of this junction two levels agree to 2 % where both are 4 % off; finer meshes settle at 15.31 MW/m2K."""
    found = refine_to_tolerance(random_junction(25), None, 2e-2, 300.0)
    value = float(found.transmission.conductance(300.0).value[0])
    assert abs(value / 15.31e6 - 1) <= found.error[0] <= 2e-2  # refined to 0.24 %
