"""From smooth to rough: reciprocity, conservation, both ends, and the mixture with a constant share."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.theory.amm import amm
from kapitza.theory.dmm import dmm
from kapitza.theory.roughness import interface_processes, rough_interface, specular_mixture, split_specular
from kapitza.units import THz, nm

AL, SI = Solid("Al", 2700, 6420, 3040, 6.026e28), Solid("Si", 2329, 9000, 5400, 4.994e28)
HELIUM = Fluid("He", 145, 238, 2.18e28)
OMEGA = np.geomspace(0.01, 12, 25) * THz
lengths = st.floats(1e-12, 1e-7)


@st.composite
def solids(draw: st.DrawFn) -> Solid:
    transverse = draw(st.floats(500, 9000))
    ratio = draw(st.floats(1.25, 2.5))
    density = draw(st.floats(1000, 20_000))
    return Solid("any", density, ratio * transverse, transverse, draw(st.floats(1e28, 2e29)))


@given(left=solids(), right=solids(), roughness=lengths)
@settings(max_examples=25)
def test_as_much_crosses_in_either_direction(left: Solid, right: Solid, roughness: float):
    there, back = (rough_interface(*pair, OMEGA, roughness=roughness).total for pair in ((left, right), (right, left)))
    np.testing.assert_allclose(there, back, rtol=1e-11, atol=0)


@given(left=solids(), right=solids(), roughness=lengths)
@settings(max_examples=25)
def test_pairwise_reciprocity_and_conservation(left: Solid, right: Solid, roughness: float):
    """Each specular process is as likely as its reverse; what is kept and what is lost make up all that arrives."""
    table = interface_processes(left, right)
    np.testing.assert_allclose(table.probability, table.probability.swapaxes(1, 2), rtol=0, atol=1e-11)
    np.testing.assert_allclose(np.abs(table.change), np.abs(table.change.swapaxes(1, 2)), rtol=1e-12, atol=1e-20)
    arriving = np.sum(table.probability, axis=1)
    np.testing.assert_allclose(arriving[table.cutoff_in > 0], 1.0, rtol=1e-10, atol=0)
    omega = np.array([0.5 * min(left.edges[0], right.edges[0])])
    _, lost, _ = np.square(omega) * split_specular(table, omega, roughness)
    assert 0 <= lost.item() <= left.modes(omega).item() * (1 + 1e-10)


@given(left=solids(), right=solids())
@settings(max_examples=15)
def test_smooth_is_acoustic_and_rough_is_diffuse_mismatch(left: Solid, right: Solid):
    smooth = rough_interface(left, right, OMEGA, roughness=0)
    np.testing.assert_allclose(smooth.total, amm(left, right, OMEGA).total, rtol=1e-9, atol=0)
    assume(np.abs(left.speeds[:, None] / right.speeds - 1).min() > 0.02)  # waves of one slowness stay specular
    diffuse = dmm(left, right, OMEGA).total
    scattered = rough_interface(left, right, OMEGA, roughness=1.0)
    np.testing.assert_allclose(scattered.total, diffuse, rtol=1e-5, atol=0)


@given(one=solids(), roughness=lengths)
@settings(max_examples=15)
def test_a_rough_plane_inside_one_material_scatters_nothing(one: Solid, roughness: float):
    got = rough_interface(one, one, OMEGA, roughness=roughness)
    np.testing.assert_allclose(got.coefficient()[got.left > 0], 1.0, rtol=1e-10, atol=0)


def test_long_waves_do_not_see_the_roughness() -> None:
    """The loss of specular waves goes as (ηω)²."""
    omega = np.array([0.01, 0.02]) * THz
    table = interface_processes(AL, SI)
    lost = split_specular(table, omega, 0.1 * nm)[1]
    np.testing.assert_allclose(lost[1] / lost[0], 4, rtol=1e-3, atol=0)
    kelvin = 0.05
    got = rough_interface(AL, SI, roughness=0.1 * nm).conductance(kelvin).value
    np.testing.assert_allclose(got, amm(AL, SI).conductance(kelvin).value, rtol=1e-6, atol=0)


def test_first_order_loss_by_hand() -> None:
    """Second road at normal incidence: reflection keeps exp(-4η²k²), transmission exp(-η²(k₁ - k₂)²)."""
    eta, omega = 0.2 * nm, 1.0 * THz
    table = interface_processes(AL, SI)
    first = int(np.argmin(np.abs(table.change[:, 0, 0] + 2 / AL.longitudinal)))  # the node closest to the normal
    p = np.exp(-((eta * omega * table.change[first]) ** 2))
    k1, k2 = omega / AL.longitudinal, omega / SI.longitudinal
    np.testing.assert_allclose(p[0, 0], np.exp(-4 * eta**2 * k1**2), rtol=1e-4, atol=0)
    np.testing.assert_allclose(p[3, 0], np.exp(-(eta**2) * (k1 - k2) ** 2), rtol=1e-4, atol=0)
    z1, z2 = AL.density * AL.longitudinal, SI.density * SI.longitudinal
    np.testing.assert_allclose(table.probability[first, 3, 0], 4 * z1 * z2 / (z1 + z2) ** 2, rtol=1e-4, atol=0)


def test_between_the_models_roughness_need_not_be_monotonic_but_is_bounded() -> None:
    values = [rough_interface(AL, SI, roughness=r * nm).conductance(300).value.item() for r in (0, 0.1, 1, 100)]
    assert max(values) < amm(AL, AL).conductance(300).value.item()
    np.testing.assert_allclose(values[-1], dmm(AL, SI).conductance(300).value.item(), rtol=1e-3, atol=0)


def test_liquid_helium_on_a_rough_solid_conducts_better() -> None:
    """Helium is the case where a diffuse interface opens what the critical cone closes."""
    smooth, coarse = (rough_interface(HELIUM, SI, roughness=r).conductance(0.5).value.item() for r in (0, 100 * nm))
    assert coarse > 10 * smooth


@given(p=st.floats(0, 1))
def test_constant_share_is_a_straight_mixture(p: float):
    acoustic, diffuse = amm(AL, SI), dmm(AL, SI)
    got = specular_mixture(acoustic, diffuse, p)
    np.testing.assert_allclose(got.total, p * acoustic.total + (1 - p) * diffuse.total, rtol=1e-14, atol=0)
    both = (acoustic.conductance(300).value, diffuse.conductance(300).value)
    np.testing.assert_allclose(got.conductance(300).value, p * both[0] + (1 - p) * both[1], rtol=1e-13, atol=0)


def test_equal_losses_make_the_kernel_a_straight_mixture() -> None:
    """With one p for all waves, D = (1 - p)M, and the diffuse kernel is that of diffuse mismatch."""
    omega = np.array([2.0]) * THz
    m_left, m_right, p = AL.modes(omega), SI.modes(omega), 0.3
    lost_left, lost_right = (1 - p) * m_left, (1 - p) * m_right
    diffuse = lost_left * lost_right / (lost_left + lost_right)
    np.testing.assert_allclose(diffuse, (1 - p) * dmm(AL, SI, omega).total, rtol=1e-13, atol=0)


def test_bad_input_is_refused() -> None:
    acoustic, diffuse = amm(AL, SI, OMEGA), dmm(AL, SI, OMEGA)
    with pytest.raises(InputError, match=r"specularity = -0\.1"):
        specular_mixture(acoustic, diffuse, -0.1)
    with pytest.raises(InputError, match="2 values for 25"):
        specular_mixture(acoustic, diffuse, [0.1, 0.2])
    with pytest.raises(InputError, match="same omega"):
        specular_mixture(acoustic, dmm(AL, SI), 0.5)
    with pytest.raises(InputError, match="roughness = nan"):
        rough_interface(AL, SI, roughness=float("nan"))
    with pytest.raises(InputError, match="expected 0"):
        specular_mixture(Transmission([1, 2], [1, 1]), Transmission([1, 2], [1, 1]), 2)
