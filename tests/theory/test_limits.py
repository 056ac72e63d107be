"""Upper limits: their order, their symmetry, a numerical road to the closed forms."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.arrays import Array
from kapitza.core.transmission import Side
from kapitza.errors import InputError
from kapitza.matter.elastic import Elastic
from kapitza.matter.isotropic import Solid
from kapitza.matter.library import elastic, solid
from kapitza.matter.sheet import sheet
from kapitza.theory.dmm import dmm
from kapitza.theory.limits import (
    branch_wavenumbers,
    elastic_limit,
    inelastic_radiation_limit,
    mode_conductance,
    radiation_limit,
    specular_limit,
)
from kapitza.units import hbar, k_B

Published = Callable[[str, str], dict[str, Any]]
PB = Solid("Pb", 11340, 2230, 872, 3.30e28)
DIAMOND = Solid("diamond", 3515, 18113, 12319, 17.63e28)
AL, SI = Solid("Al", 2700, 6420, 3040, 6.026e28), Solid("Si", 2329, 9000, 5400, 4.994e28)


@st.composite
def solids(draw: st.DrawFn) -> Solid:
    transverse = draw(st.floats(300, 12_000))
    ratio = draw(st.floats(1.2, 3.0))
    return Solid("any", 3000, min(ratio * transverse, 4e4), transverse, draw(st.floats(1e28, 2e29)))


def counted(left: Solid, right: Solid, omega: float, rings: int = 20_000) -> float:
    """∫d²k/(2π)² min(m_L, m_R) by counting open branches on rings of equal area."""
    reach = omega / min(left.transverse, right.transverse)
    k = reach * np.sqrt((np.arange(rings) + 0.5) / rings)
    counts: list[Array] = []
    for side in (left, right):
        wave_numbers = np.where(omega <= side.cutoffs, omega / side.speeds, 0.0)
        counts.append(np.sum(k[:, None] < wave_numbers, axis=1))
    return float(np.mean(np.minimum(*counts)) * reach**2 / (4 * np.pi))


@given(left=solids(), right=solids(), kelvin=st.floats(1, 1000))
def test_order_of_the_limits(left: Solid, right: Solid, kelvin: float) -> None:
    specular, elastic = specular_limit(left, right), elastic_limit(left, right)
    assert (specular.total <= elastic.total * (1 + 1e-12)).all()
    black = [radiation_limit(left, right, side).conductance(kelvin).value.item() for side in ("left", "right")]
    inelastic = inelastic_radiation_limit(left, right, kelvin).conductance(kelvin).value.item()
    assert elastic.conductance(kelvin).value.item() <= inelastic * (1 + 1e-12)
    np.testing.assert_allclose(inelastic, min(black), rtol=1e-14, atol=0)
    diffuse = dmm(left, right)
    assert (diffuse.total <= elastic.total).all()
    assert (diffuse.total >= elastic.total / 2 * (1 - 1e-12)).all()  # the poorer side passes at least half


@given(left=solids(), right=solids(), kelvin=st.floats(1, 1000))
def test_the_same_from_both_sides(left: Solid, right: Solid, kelvin: float) -> None:
    for limit in (specular_limit, elastic_limit):
        np.testing.assert_allclose(limit(left, right).total, limit(right, left).total, rtol=1e-14, atol=0)
    there, back = (inelastic_radiation_limit(*pair, kelvin) for pair in ((left, right), (right, left)))
    np.testing.assert_allclose(there.conductance(kelvin).value, back.conductance(kelvin).value, rtol=1e-14, atol=0)


@given(left=solids(), right=solids(), share=st.floats(0.02, 1.0))
def test_conserving_modes_by_counting_circles(left: Solid, right: Solid, share: float) -> None:
    omega = share * max(left.edges[-1], right.edges[-1])
    got = specular_limit(left, right, [omega]).total
    largest = max(left.modes(np.array([omega]))[0], right.modes(np.array([omega]))[0])
    np.testing.assert_allclose(got, counted(left, right, omega), rtol=0, atol=3e-4 * max(largest, 1.0))


@given(one=solids())
def test_one_material_passes_all_of_its_modes(one: Solid) -> None:
    for limit in (specular_limit(one, one), elastic_limit(one, one)):
        np.testing.assert_allclose(limit.coefficient(), 1.0, rtol=1e-13, atol=0)


def test_a_smooth_plane_counts_each_polarisation_of_its_own() -> None:
    """With all branches open Ξ = (ω²/4π)(2/c_T² + 1/c_L²) of the larger speed of each kind."""
    omega = np.array([1e12])
    want = omega**2 / (4 * np.pi) * (2 / 5400**2 + 1 / 9000**2)
    np.testing.assert_allclose(specular_limit(AL, SI, omega).total, want, rtol=1e-13, atol=0)


@pytest.mark.parametrize("side", ["left", "right"])
def test_radiation_limit_at_low_temperature(side: Side) -> None:
    solid = AL if side == "left" else SI
    want = np.pi**2 * k_B**4 / (30 * hbar**3) * np.sum(solid.speeds**-2.0) * 1e-6
    np.testing.assert_allclose(radiation_limit(AL, SI, side).conductance(0.01).value, want, rtol=1e-9, atol=0)


def test_elastic_limit_of_lead_on_diamond(published: Published) -> None:
    """Measured conductances pass the elastic limit and stay far below the inelastic one."""
    elastic = elastic_limit(PB, DIAMOND).conductance(300).value.item()
    computed, measured = published("diffuse", "pb_diamond_elastic_limit"), published("diffuse", "pb_diamond_stoner")
    np.testing.assert_allclose(elastic, computed["value"], rtol=computed["tolerance"], atol=0)
    assert elastic < measured["value"] < inelastic_radiation_limit(PB, DIAMOND, 300).conductance(300).value.item()


def test_a_closed_branch_has_no_radius() -> None:
    radii = branch_wavenumbers(PB, np.array([1e10, 0.999 * PB.edges[-1], 1.1 * PB.edges[-1]]))
    np.testing.assert_allclose(radii[0], 1e10 / np.array([872, 872, 2230]), rtol=1e-14, atol=0)
    assert (radii[1] > 0).sum() == 1
    assert (radii[2] == 0).all()


def test_carried_heat_on_the_users_frequencies() -> None:
    """Without weights the trapezoidal rule is meant: for a linear classical spectrum it is exact."""
    omega = np.linspace(0, 1e13, 11)
    got = mode_conductance(1e5 * omega, omega, None, 300.0, "classical")
    np.testing.assert_allclose(got, k_B / (2 * np.pi) * 1e5 * 0.5e26, rtol=1e-13, atol=0)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="unknown side 'top'"):
        radiation_limit(AL, SI, "top")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="above 0 K"):
        inelastic_radiation_limit(AL, SI, -5.0)
    with pytest.raises(InputError, match="holds at 300 K, not at 77 K"):
        inelastic_radiation_limit(AL, SI, 300.0).conductance(77)


def as_crystal(one: Solid) -> Elastic:
    """The same solid, told by its stiffness."""
    longitudinal, shear = one.density * one.longitudinal**2, one.density * one.transverse**2
    stiffness = np.diag([longitudinal] * 3 + [shear] * 3)
    stiffness[:3, :3] += (longitudinal - 2 * shear) * (1 - np.eye(3))
    return Elastic(one.name, stiffness, one.density, one.atoms)


def test_counting_sheets_gives_the_circles_of_isotropic_solids():
    """Two roads: radii of circles in closed form, and open waves of Stroh's problem counted over slownesses."""
    left, right = solid("Al"), solid("Si")
    kelvin = [10.0, 300.0]
    want = specular_limit(left, right).conductance(kelvin).value
    for pair in ((as_crystal(left), as_crystal(right)), (left, as_crystal(right))):
        np.testing.assert_allclose(specular_limit(*pair).conductance(kelvin).value, want, rtol=1e-9, atol=0)


def test_equal_crystals_share_all_modes():
    one = elastic("Cu", (1, 1, 1))
    got = specular_limit(one, one)
    want = one.modes(got.omega)
    np.testing.assert_allclose(got.total, want, rtol=2e-3, atol=1e-3 * want.max())


def test_specular_limit_refuses_sides_without_sound():
    with pytest.raises(InputError, match="no branches"):
        specular_limit(elastic("Si"), sheet("graphene"))  # pyright: ignore[reportArgumentType]
