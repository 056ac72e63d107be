"""Modes localised at an interface: closed forms of chains, dense slabs, widths by the golden rule, a measured one."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import InputError
from kapitza.matter.building.layers import chain_block, chain_junction, mass_junction
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, JunctionLayer
from kapitza.theory.agf.green_functions import contact_waves, lead_contact, prepare_junction
from kapitza.theory.agf.interface_modes import at_wavevector, bound_modes, frequency_gaps, interface_modes
from kapitza.theory.agf.transmission import lead_bands
from kapitza.units import THz, m_u

CENTRE = np.zeros(2)
M, K = 28 * m_u, 50.0


def impurity(mass):
    """Chain of equal masses with another one in the middle."""
    return mass_junction(chain_junction((M, K), (M, K), bond=K).left, M, M, device=[[M], [mass], [M]])


@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.9, 0.97])
def test_a_light_atom_in_a_chain(ratio):
    """ω² = 4K/M/(1 - ε²) with ε = 1 - M'/M, amplitudes that fall by (1 - ε)/(1 + ε) an atom."""
    (mode,) = bound_modes(prepare_junction(impurity(ratio * M)), CENTRE)
    eps = 1 - ratio
    np.testing.assert_allclose(mode.omega, np.sqrt(4 * K / M / (1 - eps**2)), rtol=1e-12, atol=0)
    factor = (1 - eps) / (1 + eps)
    np.testing.assert_allclose(mode.decay, -1e-10 / np.log(factor), rtol=1e-7, atol=0)
    np.testing.assert_allclose(mode.weight.sum() + sum(mode.tails), 1.0, rtol=1e-12, atol=0)
    np.testing.assert_allclose(mode.tails[0] / mode.weight[0], factor**2 / (1 - factor**2), rtol=1e-8, atol=0)
    assert mode.kind == 2


@pytest.mark.parametrize("bond", [55.0, 80.0, 400.0])
def test_a_stiff_bond_in_a_chain(bond):
    """Both ends against each other: λ = K/(K - 2K'), ω² = K/M (2 - λ - 1/λ)."""
    (mode,) = bound_modes(prepare_junction(chain_junction((M, K), (M, K), bond=bond)), CENTRE)
    factor = K / (K - 2 * bond)
    np.testing.assert_allclose(mode.omega, np.sqrt(K / M * (2 - factor - 1 / factor)), rtol=1e-12, atol=0)
    np.testing.assert_allclose(mode.decay, -1e-10 / np.log(abs(factor)), rtol=1e-6, atol=0)


def test_heavy_atoms_and_soft_bonds_bind_nothing():
    assert bound_modes(prepare_junction(impurity(1.5 * M)), CENTRE) == []
    assert bound_modes(prepare_junction(chain_junction((M, K), (M, K), bond=20.0)), CENTRE) == []


def in_slab(slab, junction, k, layers=14):
    """Modes of a slab that are at home in its middle, in the gaps of both crystals."""
    matrix, first, last = slab(junction, k, layers)
    square, vector = np.linalg.eigh(matrix)
    omega = np.sqrt(np.abs(square) / SQUARE_PICOSECOND)
    weight = np.square(np.abs(vector))
    ends = weight[: first // 2].sum(axis=0) + weight[-first // 2 :].sum(axis=0)
    open_ = [
        (omega > low) & (omega < high)
        for low, high, _ in frequency_gaps(at_wavevector(prepare_junction(junction), np.array(k)))
    ]
    inside = np.any(open_, axis=0) & (ends < 1e-6)
    return omega[inside], weight[first:last, inside].T


@pytest.mark.parametrize("k", [[0.5, 0.5], [0.5, 0.0], [0.4, 0.3]])
def test_slabs_have_the_same_modes(si_ge, dense_slab, k):
    """A second road: a dense slab, the device between many layers of the crystals."""
    found = bound_modes(prepare_junction(si_ge), np.array(k))
    omega, weight = in_slab(dense_slab, si_ge, k)
    deep = [mode for mode in found if max(mode.decay) < 1.5 * si_ge.left.thickness]
    assert len(omega) >= len(deep) > 0
    for mode in deep:
        at = np.argmin(np.abs(omega - mode.omega))
        np.testing.assert_allclose(mode.omega, omega[at], rtol=1e-9, atol=0)
        alone = np.abs(omega - omega[at]).argsort()
        if len(omega) < 2 or abs(omega[alone[1]] / omega[at] - 1) > 1e-6:
            np.testing.assert_allclose(mode.weight, weight[at], rtol=0, atol=1e-6)
    frequencies = np.array([mode.omega for mode in found])
    for one in omega:  # no mode of the slab is missed
        assert np.abs(frequencies / one - 1).min() < 1e-6


@pytest.mark.parametrize("seed", range(2))
def test_random_crystals_have_the_modes_of_their_slabs(network, dense_slab, seed):
    lead = network(seed)
    rng = np.random.default_rng(seed)
    masses = [lead.masses, lead.masses * rng.uniform(0.2, 0.6), lead.masses * 1.4]
    junction = mass_junction(lead, lead.masses, lead.masses * 1.4, device=masses)
    k = rng.uniform(-0.5, 0.5, 2)
    found = bound_modes(prepare_junction(junction), k)
    omega, _ = in_slab(dense_slab, junction, k, 22)
    close = [mode for mode in found if max(mode.decay) < 2 * lead.thickness]
    for mode in close:
        assert np.abs(omega / mode.omega - 1).min() < 1e-7
    frequencies = np.array([mode.omega for mode in found])
    for one in omega:
        assert np.abs(frequencies / one - 1).min() < 1e-5


def loose_atom(mass, weak):
    """An atom on weak springs k between two chains: ω² = 2k/m, and an energy that decays at the rate k/Z."""
    one = chain_junction((M, K), (M, K), bond=K)
    ends = JunctionLayer([M], one.left.shifts, chain_block(K + weak), chain_block(-weak))
    middle = JunctionLayer([mass], one.left.shifts, chain_block(2 * weak), chain_block(-weak))
    last = JunctionLayer([M], one.left.shifts, chain_block(K + weak), None)
    return Junction("loose", one.periods, one.left, one.right, (ends, middle, last)), np.sqrt(2 * weak / mass)


def test_a_loose_atom_leaks_by_the_golden_rule():
    """A resonance whose width is known."""
    weak = 0.05
    loose, expected = loose_atom(20 * m_u, weak)
    found = interface_modes(loose, np.linspace(0.05, 3, 80) * expected, k=[[0, 0]], layers=(1,))
    assert found.kind.tolist() == [3]
    np.testing.assert_allclose(found.omega, expected, rtol=0.02, atol=0)
    np.testing.assert_allclose(found.width, weak / np.sqrt(M * K), rtol=0.02, atol=0)
    assert found.share[0] > 0.98
    assert np.isinf(found.left_decay[0])


@pytest.mark.parametrize("weak", [1e-5, 1e-6])
def test_a_resonance_sharper_than_the_last_broadening_has_its_width(weak):
    """The same Lorentzian, too narrow to be resolved: all of the broadening, and no part of it twice, is taken off."""
    loose, expected = loose_atom(20 * m_u, weak)
    omega = np.linspace(0.05, 3, 80) * expected
    found = interface_modes(loose, omega, k=[[0, 0]], layers=(1,))
    finest = (omega[1] - omega[0]) / 4**4  # broadening of the fifth and last look
    assert found.width[0] < 6 * finest
    # a fifth: frequencies around the peak lie half a broadening apart
    np.testing.assert_allclose(found.width, weak / np.sqrt(M * K), rtol=0, atol=0.2 * finest)


def test_the_mode_of_silicon_on_germanium(si_ge, published):
    """Electron energy loss and Raman spectra show a mode of the interface; an empirical potential is 5 % too stiff."""
    wanted = published("agf", "si-ge-interface-mode")
    found = interface_modes(si_ge, np.linspace(10.5, 14.5, 25) * THz, k=[[0.19, 0.19], [0.06, 0.31]])
    strong = (found.kind == 3) & (found.omega > 11 * THz) & (found.omega < 14 * THz)
    assert strong.any()
    middle = np.average(found.omega[strong], weights=found.modes[strong]) / (2 * np.pi)
    np.testing.assert_allclose(middle, wanted["value"], rtol=wanted["tolerance"], atol=0)
    assert (found.share[strong] > 0.7).all()
    families = found.families()
    np.testing.assert_allclose(sum(one.modes for one in families), found.modes.sum(), rtol=1e-12, atol=0)
    assert all(str(one).startswith(one.name) for one in families)
    np.testing.assert_allclose(
        found.character.sum(axis=(1, 2)) + found.left_tail + found.right_tail, 1.0, rtol=1e-8, atol=0
    )


def test_tables_check_themselves(si_ge):
    found = interface_modes(si_ge, np.linspace(1, 16, 5) * THz, k=[[0.4, 0.3]])
    assert found.omega.size
    for change in ({"k": [[0, 0, 0]]}, {"kind": found.kind + 4}, {"symbol": ("Si",)}, {"width": [0.0] * 99}):
        with pytest.raises(InputError):
            evolve(found, **change)
    with pytest.raises(InputError, match="layers of the device"):
        interface_modes(si_ge, layers=(99,))


def test_bands_that_cross_between_samples_leave_no_false_gap(network):
    """Layers of three atoms are folded bands: they cross, or nearly do, wherever they like."""
    rng = np.random.default_rng(4)
    k = rng.uniform(-0.5, 0.5, (12, 2))
    lead = network(1, atoms=3)
    junction = mass_junction(lead, lead.masses, lead.masses * 1.4, device=[lead.masses])
    what = prepare_junction(junction)
    sides = lead_contact(what, k, "left"), lead_contact(what, k, "right")
    for i, bands in enumerate(lead_bands(sides, fine=True)):
        omega = np.linspace(0.02, 1.02, 300) * bands.edges[-1]
        counted = bands.counts(omega)
        for side, twice in zip(sides, counted, strict=True):
            found = contact_waves(side, np.full(omega.size, i), omega).count
            assert (2 * found != twice).sum() <= 1  # of 300


@pytest.mark.parametrize(("low", "high", "count"), [(0.05, 3, 60), (0.5, 1.5, 300), (0.9, 1.1, 600)])
def test_the_width_of_a_resonance_is_that_above_the_crystal(low, high, count):
    """A second road: closed forms of the densities of a loose atom and of the chain, which is not small; on grids much
    finer than the resonance, too.
    """
    mass, weak = 20 * m_u, 8.0
    loose, expected = loose_atom(mass, weak)
    looked = np.linspace(low, high, count) * expected
    found = interface_modes(loose, looked, k=[[0, 0]], layers=(1,))
    omega, broadening = np.linspace(0.5, 1.5, 40_001) * expected, looked[1] - looked[0]
    square = (omega + 1j * broadening) ** 2
    root = np.sqrt((M * square - 2 * K) ** 2 - 4 * K**2)
    ends = [(M * square - 2 * K + sign * root) / (2 * K**2) for sign in (1, -1)]
    end = np.where(ends[0].imag < 0, *ends)  # of a half chain
    beside = 1 / (M * square - K - weak - K**2 * end)
    density = -mass * (1 / (mass * square - 2 * weak - 2 * weak**2 * beside)).imag
    crystal = -M * (1 / (M * square - 2 * K - 2 * K**2 * end)).imag
    excess = omega * (density - crystal)
    assert crystal[excess.argmax()] > 0.05 * density[excess.argmax()]
    width = np.ptp(omega[excess > excess.max() / 2]) - 2 * broadening
    np.testing.assert_allclose(found.width, width, rtol=0.03, atol=0)
