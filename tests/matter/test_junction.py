"""Junctions: what is refused, what stays the same, and how cells fold."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.matter.building.layers import (
    chain_junction,
    cut_into_layers,
    junction_from_layers,
    lead_from_force_constants,
    mass_junction,
)
from kapitza.matter.junction import Lead, supercell_cells
from kapitza.units import angstrom, eV, m_u
from matter_samples import repeat_device

SPRING = eV / angstrom**2


@pytest.fixture
def source(data):
    """Lattice, masses, cells and force constants of silicon in SI."""
    blocks = np.load(data("agf/si_sw_prim001_fc.npz"))
    return blocks["cell"] * angstrom, np.full(2, 28.085 * m_u), blocks["R"], blocks["Phi"] * SPRING


@pytest.fixture
def lead(source):
    return lead_from_force_constants("Si", *source)


def dynamical(lead, k, phase):
    onsite, hop = lead.blocks(k)
    moved = hop * np.exp(1j * phase)
    return onsite + moved + moved.conj().swapaxes(1, 2)


def test_layers_have_the_frequencies_of_the_crystal(source, lead):
    lattice, masses, cells, values = source
    k = np.array([0.12, -0.31, 0.27])
    phase = np.exp(2j * np.pi * cells @ k)
    matrix = np.tensordot(phase, values, axes=1) / np.sqrt(np.outer(*[np.repeat(masses, 3)] * 2)) * 1e-24
    found = dynamical(lead, k[:2], 2 * np.pi * k[2])
    np.testing.assert_allclose(np.linalg.eigvalsh(found[0]), np.linalg.eigvalsh(matrix), rtol=1e-10, atol=0)
    thick = lead_from_force_constants("Si", lattice, masses, cells, values, layers=3)
    both = np.sort(
        np.concatenate(
            [np.linalg.eigvalsh(dynamical(lead, k[:2], 2 * np.pi * (k[2] + n) / 1)[0]) for n in (0, 1 / 3, 2 / 3)]
        )
    )
    np.testing.assert_allclose(
        np.linalg.eigvalsh(dynamical(thick, k[:2], 6 * np.pi * k[2])[0]), both, rtol=1e-9, atol=0
    )
    np.testing.assert_allclose(thick.thickness, 3 * lead.thickness, rtol=1e-14, atol=0)


def test_stress_free_shift_costs_nothing(lead):
    assert lead.violation < 1e-12
    assert lead.residual < 1e-12
    lowest = np.linalg.eigvalsh(dynamical(lead, np.zeros(2), 0.0)[0])[:3]
    assert np.abs(lowest).max() < 1e-9 * np.linalg.eigvalsh(dynamical(lead, np.zeros(2), 0.0)[0])[-1]


def test_sum_rule_is_enforced_and_what_was_wrong_is_told(source):
    lattice, masses, cells, values = source
    spoiled = values.copy()
    own = np.flatnonzero((cells == 0).all(axis=1))[0]
    spoiled[own, 0, 0] *= 1.01
    found = lead_from_force_constants("Si", lattice, masses, cells, spoiled)
    np.testing.assert_allclose(found.residual, 0.01, rtol=0.02, atol=0)
    assert found.violation < 1e-12
    spoiled[own, 0, 0] *= 1.1
    with pytest.raises(InputError, match=r"sum rule is broken by 9\.99e-02"):
        lead_from_force_constants("Si", lattice, masses, cells, spoiled)


def test_broken_sum_rule_of_a_record_is_refused(lead):
    spoiled = lead.onsite.copy()
    centre = np.flatnonzero((lead.shifts == 0).all(axis=1))[0]
    spoiled[centre, 1, 1] *= 1.001
    with pytest.raises(InputError, match=r"sum rule is broken by 9\.99e-04"):
        evolve(lead, onsite=spoiled)


def test_force_constants_that_are_not_symmetric_are_refused(lead):
    spoiled = lead.onsite.copy()
    spoiled[0, 0, 4] += 0.3
    with pytest.raises(InputError, match=r"differ from those of the mirrored pair by 0\.3 N/m"):
        evolve(lead, onsite=spoiled)


def test_layers_shorter_than_the_forces_are_refused(source):
    lattice, masses, cells, values = source
    half = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0.5]])  # the same crystal, counted in cells of half the height
    longer = np.concatenate([cells, [[0, 0, 2], [0, 0, -2]]])
    more = np.concatenate([values, np.full((2, 6, 6), 0.5)])
    with pytest.raises(InputError, match=r"0\.5 N/m .* reach 2 cells along the normal, the principal layer has 1"):
        lead_from_force_constants("Si", half @ lattice, masses, longer, more, layers=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masses": [28.085, 28.085]}, "wanted kg"),
        ({"masses": [np.nan, 1e-26]}, "nan"),
        ({"masses": [-1e-26, 1e-26]}, "above zero"),
        ({"step": [0, 0, -1e-10]}, "above 0"),
        ({"step": [0, 0]}, "wanted"),
        ({"periods": np.eye(3)}, "periods of shape"),
    ],
)
def test_wrong_units_and_shapes_are_told(lead, change, message):
    with pytest.raises(InputError, match=message) as caught:
        evolve(lead, **change)
    assert "\n" not in str(caught.value)


def test_nan_and_units_of_force_constants_are_told(lead):
    with pytest.raises(InputError, match="finite"):
        evolve(lead, onsite=lead.onsite * np.nan)
    with pytest.raises(InputError, match=r"atoms vibrate at .* force constants in N/m"):
        evolve(lead, onsite=lead.onsite * 1e20, hop=lead.hop * 1e20)


def test_cells_that_do_not_match_are_told(lead):
    other = evolve(lead, periods=1.01 * lead.periods)
    ends = mass_junction(lead, 28 * m_u, 70 * m_u).device
    with pytest.raises(InputError, match="strain the lead to fit"):
        junction_from_layers("bad", lead, other, lead.periods, ends)


def test_device_that_differs_from_the_lead_is_told(lead):
    soft = evolve(lead, onsite=0.9 * lead.onsite, hop=0.9 * lead.hop)
    ends = mass_junction(lead, 28 * m_u, 70 * m_u).device
    with pytest.raises(InputError, match=r"broken|differs from the bulk"):
        junction_from_layers("bad", soft, lead, lead.periods, ends)


def test_device_of_other_atoms_is_told(lead):
    junction = mass_junction(lead, 28 * m_u, 70 * m_u)
    with pytest.raises(InputError, match="must be the same atoms"):
        evolve(junction, periods=2 * junction.periods)
    with pytest.raises(InputError, match="every layer of the device but the last"):
        evolve(junction, device=junction.device[:1])


def test_superlattice_is_cut_into_layers(data):
    blocks = np.load(data("agf/si_ge_tersoff001_fc.npz"))
    masses = np.full(40, 30 * m_u)
    made = cut_into_layers(masses, blocks["R"][:, :2], blocks["Phi"] * SPRING, [4] * 10)
    assert [slab.masses.size for slab in made] == [4] * 10
    assert made[-1].hop is None
    with pytest.raises(InputError, match="beyond the next one"):
        cut_into_layers(masses, blocks["R"][:, :2], blocks["Phi"] * SPRING, [1] * 40)
    with pytest.raises(InputError, match="are not the 40 atoms"):
        cut_into_layers(masses, blocks["R"][:, :2], blocks["Phi"] * SPRING, [4] * 9)


tilings = st.lists(st.integers(-3, 3), min_size=4, max_size=4).map(lambda v: np.array(v).reshape(2, 2))


@given(tiling=tilings.filter(lambda n: 0.5 < np.linalg.det(n) < 9.5))
def test_tiles_are_one_of_each_kind(tiling):
    cells = supercell_cells(tiling)
    assert len(cells) == round(np.linalg.det(tiling))
    inside = cells @ np.linalg.inv(tiling)
    assert (np.abs(inside[:, None] - inside - np.round(inside[:, None] - inside)).max(axis=2) < 1e-9).sum() == len(
        cells
    )


@pytest.mark.parametrize("tiling", [[[2, 0], [0, 1]], [[1, 1], [-1, 1]], [[2, 1], [0, 2]]])
def test_folded_and_unfolded_waves_are_the_same(lead, tiling):
    whole = repeat_device(mass_junction(lead, 28 * m_u, 70 * m_u), tiling)
    k = np.array([[0.13, -0.29], [0.4, 0.05]])
    inside, waves = whole.unfold(k, "left")
    for i in range(2):
        onsite, _ = whole.left.blocks(inside[i])
        m = len(onsite)
        np.testing.assert_allclose(waves[i] @ waves[i].conj().T, np.eye(m), rtol=0, atol=1e-13)
        folded = np.einsum("ab,bij,cb->aicj", waves[i], onsite, waves[i].conj()).reshape(6 * m, 6 * m)
        direct = whole.blocks(k[i]).onsite[0][0]
        np.testing.assert_allclose(direct, folded, rtol=0, atol=1e-12 * np.abs(folded).max())


def test_chain_is_a_junction_of_one_direction():
    made = chain_junction((28 * m_u, 50.0), (70 * m_u, 40.0), bond=30.0, area=1e-19)
    assert made.directions == 1
    np.testing.assert_allclose(made.area, 1e-19, rtol=1e-14, atol=0)
    assert isinstance(made.left, Lead)
    with pytest.raises(InputError, match="above zero"):
        chain_junction((28 * m_u, 50.0), (70 * m_u, 40.0), bond=30.0, area=0.0)
