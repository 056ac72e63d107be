"""Classes of vibrations of a junction: limits, a bound mode by another road, and peaks beside them."""

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.matter.building.layers import chain_junction, mass_junction
from kapitza.measure.eels.comparison import assign_peaks
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.interface_modes import bound_modes
from kapitza.theory.agf.mode_classes import MODE_CLASSES, classify_modes
from kapitza.units import hbar, m_u, meV

CENTRE = np.zeros((1, 2))
M, K = 28 * m_u, 50.0
LEAD = chain_junction((M, K), (M, K), bond=K).left


def chain(left: float, right: float, middle: float | None = None):
    """Chain of two masses, with another one between."""
    device = [[left], [right]] if middle is None else [[left], [middle], [right]]
    return mass_junction(LEAD, left, right, device=device)


def test_parts_of_each_mode_sum_to_one() -> None:
    found = classify_modes(chain(M, 3 * M, 0.3 * M), periods=20, k=CENTRE)
    np.testing.assert_allclose(found.left + found.right + found.interface, 1.0, rtol=1e-12, atol=0)
    np.testing.assert_allclose(found.fractions.sum(), 1.0, rtol=1e-12, atol=0)
    np.testing.assert_allclose(sum(found.share), 1.0, rtol=1e-12, atol=0)


def test_one_crystal_has_extended_modes_alone() -> None:
    """By mirror symmetry every mode is in both halves alike."""
    found = classify_modes(chain(M, M, M), periods=30, layers=(1,), k=CENTRE)
    np.testing.assert_allclose(found.fractions, [1.0, 0, 0, 0], rtol=0, atol=1e-12)


def test_frequencies_are_those_of_a_clamped_chain() -> None:
    """A second road: ω = 2 sqrt(K/M) sin(π j/2(N + 1)) of N equal masses between walls."""
    found = classify_modes(chain(M, M, M), periods=10, layers=(1,), k=CENTRE)
    size = found.omega.size
    wanted = 2 * np.sqrt(K / M) * np.sin(np.pi * np.arange(1, size + 1) / (2 * (size + 1)))
    np.testing.assert_allclose(found.omega, wanted, rtol=1e-9, atol=0)


def test_above_the_band_of_the_heavy_side_nothing_is_extended() -> None:
    found = classify_modes(chain(M, 4 * M), periods=40, k=CENTRE)
    top = 2 * np.sqrt(K / (4 * M))
    above = found.omega > 1.02 * top
    assert above.any()
    assert not (found.kind[above] == MODE_CLASSES.index("extended")).any()
    assert (found.left[above] > 0.8).mean() > 0.95
    assert (found.kind[found.omega < 0.5 * top] == 0).mean() > 0.5


@pytest.mark.parametrize("ratio", [0.2, 0.4])
def test_a_light_atom_is_localised_where_green_functions_find_it(ratio: float) -> None:
    junction = chain(M, M, ratio * M)
    found = classify_modes(junction, periods=40, k=CENTRE)
    held = np.flatnonzero(found.kind == MODE_CLASSES.index("localised at the interface"))
    assert held.size == 1
    (bound,) = bound_modes(prepare_junction(junction), np.zeros(2))
    np.testing.assert_allclose(found.omega[held], bound.omega, rtol=1e-9, atol=0)


def test_classes_settle_with_the_size_of_the_slab() -> None:
    small, large = (classify_modes(chain(M, 3 * M), periods=n, k=CENTRE).fractions for n in (40, 80))
    np.testing.assert_allclose(small, large, rtol=0, atol=0.04)


def test_peaks_find_the_localised_vibration() -> None:
    junction = chain(M, M, 0.3 * M)
    found = classify_modes(junction, periods=30, k=CENTRE)
    energy = hbar * found.omega[found.kind == 3][0]
    near = assign_peaks([energy + 1 * meV, 0.3 * energy], [2 * meV, 1 * meV], found, scale_sigma=0.02)
    np.testing.assert_allclose(near.shift[0], 1 * meV, rtol=1e-9, atol=0)
    np.testing.assert_allclose(near.shift_sigma[0], np.hypot(2 * meV, 0.02 * (energy + 1 * meV)), rtol=1e-9, atol=0)
    assert near.share[0, 3] > 0.9
    assert np.isnan(near.shift[1])
    assert near.share[1, 3] < 0.01
    np.testing.assert_allclose(np.nansum(near.share, axis=1), 1.0, rtol=1e-9, atol=0)
    # a fit knows a peak far better than a slab has vibrations: those within a hundredth of the highest one count
    sharp = assign_peaks([energy + 0.1 * meV], [1e-3 * meV], found)
    assert sharp.share[0, 3] > 0.9
    np.testing.assert_allclose(sharp.shift, 0.1 * meV, rtol=1e-6, atol=0)
    np.testing.assert_allclose(sharp.shift_sigma, 1e-3 * meV, rtol=1e-9, atol=0)


def test_interface_density_counts_the_part_of_each_class_on_the_interface() -> None:
    found = classify_modes(chain(M, 3 * M, 0.3 * M), periods=12, k=CENTRE)
    width = 0.02 * found.omega.max()
    omega = np.linspace(-8 * width, found.omega.max() + 8 * width, 4001)
    held = np.trapezoid(found.interface_density(omega, width), omega, axis=0)
    wanted = [(found.modes * found.interface)[found.kind == kind].sum() for kind in range(len(MODE_CLASSES))]
    np.testing.assert_allclose(held, wanted, rtol=1e-9, atol=0)
    coordinates = found.share[2] * found.omega.size  # on the interface: eigenvectors are complete
    np.testing.assert_allclose(held.sum() * chain(M, 3 * M, 0.3 * M).area, coordinates, rtol=1e-9, atol=0)


def test_bad_input_is_refused() -> None:
    junction = chain(M, 2 * M)
    with pytest.raises(InputError, match="isolated <= extended"):
        classify_modes(junction, extended=0.01, isolated=0.5)
    with pytest.raises(InputError, match="fewer periods"):
        classify_modes(junction, periods=10000, k=CENTRE)
    with pytest.raises(InputError, match="from 0"):
        classify_modes(junction, layers=(9,))
    found = classify_modes(junction, periods=4, k=CENTRE)
    with pytest.raises(InputError, match="above zero"):
        assign_peaks([50 * meV], [0.0], found)
    with pytest.raises(InputError, match="above 0"):
        found.interface_density([1e13], 0.0)
