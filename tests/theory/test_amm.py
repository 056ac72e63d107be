"""Acoustic mismatch: laws, second roads, tables."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.theory.amm import amm, amm_modes, angle_map, branch_pair_modes, critical_angles
from kapitza.theory.dmm import dmm
from kapitza.theory.plane_waves import (
    LEFT_GOING,
    RIGHT_GOING,
    Interlayer,
    PlanarContact,
    branch_modes,
    interface_scattering,
    planar_contact,
    solve_plane_waves,
)
from kapitza.units import THz, hbar, k_B, nm

ONCE = np.ones(1)
PER_MODE = 4 * np.pi**3 * k_B**4 / (30 * hbar**3)  # G/T³ of a spectrum ω² m⁻²
AL = Solid("Al", 2700, 6420, 3040, 6.026e28)
SI = Solid("Si", 2329, 9000, 5400, 4.994e28)
AU = Solid("Au", 19300, 3240, 1200, 5.9e28)
HELIUM = Fluid("He", 145, 238, 2.18e28)
WATER = Fluid("water", 998, 1483, 3.34e28)

solids = st.builds(
    lambda density, transverse, ratio: Solid("any", density, ratio * transverse, transverse, 5e28),
    st.floats(500, 20_000),
    st.floats(500, 10_000),
    st.floats(1.2, 3),
)
fluids = st.builds(Fluid, st.just("liquid"), st.floats(100, 10_000), st.floats(200, 3000), st.just(3e28))
media = solids | fluids
shares = st.floats(1e-3, 0.999)


def arriving(one: Any, other: Any, matrix: Any) -> tuple[Any, Any]:
    """Probabilities (n, out, in) among propagating waves, and which incoming waves there are."""
    out = np.concatenate([one.branch[:, LEFT_GOING], other.branch[:, RIGHT_GOING]], axis=1) >= 0
    incoming = np.concatenate([one.branch[:, RIGHT_GOING], other.branch[:, LEFT_GOING]], axis=1) >= 0
    return np.abs(matrix) ** 2 * out[:, :, None] * incoming[:, None, :], incoming


@given(media, media, st.lists(shares, min_size=1, max_size=4, unique=True), st.floats(14, 21))
def test_each_incoming_wave_keeps_its_energy(left, right, at, stiffness):
    top = max(1 / min(getattr(side, "transverse", None) or side.speed for side in (left, right)), 0)
    slowness = np.array(at) * top
    corners = [1 / c for side in (left, right) for c in getattr(side, "speeds", [getattr(side, "speed", 0)])]
    slowness = slowness[[min(abs(s / c - 1) for c in corners) > 1e-6 for s in slowness]]
    sides = [solve_plane_waves(side, slowness, 0 * slowness) for side in (left, right)]
    for bond in (PlanarContact(), planar_contact((10**stiffness, 2 * 10**stiffness), None)):
        matrix = interface_scattering(sides, bond, np.array([1e12]))[0]
        probability, incoming = arriving(*sides, matrix)
        np.testing.assert_allclose(probability.sum(axis=1)[incoming], 1, rtol=1e-10, atol=0)
        np.testing.assert_allclose(probability, probability.swapaxes(1, 2), rtol=1e-9, atol=1e-11)


@given(solids, solids, solids, st.floats(0, 100), shares)
def test_a_layer_neither_makes_nor_takes_energy(left, layer, right, thickness, at):
    slowness = np.array([at / min(left.transverse, right.transverse)])
    assume(all(np.abs(slowness * side.speeds - 1).min() > 1e-4 for side in (left, layer, right)))
    sides = [solve_plane_waves(side, slowness, 0 * slowness) for side in (left, layer, right)]
    between = planar_contact(None, Interlayer(layer, thickness * nm))
    probability, incoming = arriving(sides[0], sides[2], interface_scattering(sides, between, np.array([10 * THz]))[0])
    deep = max(1, float(slowness[0]) * layer.longitudinal)  # both evanescent waves of a stiff layer become one
    np.testing.assert_allclose(probability.sum(axis=1)[incoming], 1, rtol=1e-9 * deep**4, atol=0)


@given(media, media)
def test_bounds_and_both_directions(left, right):
    there, back = branch_pair_modes(left, right, ONCE)[0], branch_pair_modes(right, left, ONCE)[0]
    np.testing.assert_allclose(there, back.T, rtol=1e-10, atol=1e-12 * there.max())
    assert there.min() >= -1e-13 * there.max()
    assert (there.sum(axis=1) <= branch_modes(left) * (1 + 1e-9)).all()
    assert (there.sum(axis=0) <= branch_modes(right) * (1 + 1e-9)).all()


@given(solids)
def test_nothing_happens_between_equal_media(solid):
    same = amm(solid, solid)
    np.testing.assert_allclose(same.total, same.left, rtol=1e-12, atol=0)
    np.testing.assert_allclose(same.conductance(100, drop="local").value, np.inf)


def test_detailed_balance_with_cutoffs():
    there, back = amm(AL, SI), amm(SI, AL)
    np.testing.assert_allclose(there.total, back.total, rtol=1e-11, atol=0)
    np.testing.assert_array_equal(there.left, back.right)
    np.testing.assert_allclose(there.left, AL.modes(there.omega), rtol=1e-14, atol=0)
    saturated = there.conductance([2000, 4000], statistics="quantum").value
    assert 1 < saturated[1] / saturated[0] < 1.01


def test_without_cutoffs_the_cubic_law_holds():
    free = amm(AL, SI, np.linspace(0, 30 * THz, 3001), cutoff=False)
    np.testing.assert_allclose(free.total, branch_pair_modes(AL, SI, ONCE).sum() * free.omega**2, rtol=1e-13, atol=0)
    np.testing.assert_allclose(free.conductance(20).value, 768.5071 * 20**3, rtol=1e-5, atol=0)


def test_isotropic_table(data: Callable[[str], Path]):
    """Every row of the table, to what its printed digits hold; helium and water among them."""
    with data("mismatch/amm_dmm_isotropic_T3.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 61
    for row in rows:
        left, right = (from_row(row, side) for side in "12")
        pairs = branch_pair_modes(left, right, ONCE)[0]
        back = branch_pair_modes(right, left, ONCE)[0]
        np.testing.assert_allclose(back.sum(), pairs.sum(), rtol=1e-11, atol=0)
        for name, value in (("G_AMM_over_T3", pairs.sum()), ("G_AMM_over_T3_reverse", back.sum())):
            printed = half_digit(row[name])
            np.testing.assert_allclose(PER_MODE * value, float(row[name]), rtol=2e-7, atol=printed)
        alphas = pairs.sum(axis=1) / branch_modes(left)
        for name, alpha in zip(("alpha_L_1to2", "alpha_SV_1to2", "alpha_SH_1to2"), alphas, strict=False):
            np.testing.assert_allclose(alpha, float(row[name]), rtol=0, atol=1e-6)


def half_digit(text: str) -> float:
    """Half of the last digit of a printed number."""
    return 0.51 * 10.0 ** -len(text.partition(".")[2])


def from_row(row: dict[str, str], side: str) -> Solid | Fluid:
    density, longitudinal, transverse = (float(row[key + side]) for key in ("rho", "vL", "vT"))
    if transverse:
        return Solid(row["side" + side], density, longitudinal, transverse, 5e28)
    return Fluid(row["side" + side], density, longitudinal, 2e28)


def zoeppritz(s: float, left: Solid, right: Solid) -> float:
    """Modes that cross at one slowness, from potentials and angles: a second road to P-SV, with SH in closed form."""

    def stresses(side: Solid, down: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        ca, cb = (np.sqrt(complex(1 - (s * c) ** 2)) for c in (side.longitudinal, side.transverse))
        sa, sb = s * side.longitudinal, s * side.transverse
        za, zb = side.density * side.longitudinal, side.density * side.transverse
        bulk, softer = 1 - 2 * sb**2, (side.transverse / side.longitudinal) ** 2
        p = np.array([sa, down * ca, down * 2 * za * softer * sa * ca, za * bulk])
        q = np.array([cb, -down * sb, down * zb * bulk, -2 * zb * sb * cb])
        return p, q, np.array([za * ca, zb * cb]).real

    p1, q1, flux1 = stresses(left, 1)
    r1, s1, _ = stresses(left, -1)
    p2, q2, flux2 = stresses(right, 1)
    crossing = 0.0
    for incoming, own in ((p1, flux1[0]), (q1, flux1[1])):
        if own > 0:
            out = np.linalg.solve(np.stack([-r1, -s1, p2, q2], axis=1), incoming)
            crossing += float(np.abs(out[2:]) ** 2 @ flux2 / own)
    za, zb = flux1[1], flux2[1]
    return crossing + 4 * za * zb / (za + zb) ** 2


def test_brute_force_over_wave_vectors():
    """A plain midpoint sum over in-plane wave vectors with independent P-SV coefficients."""
    for left, right in ((AL, SI), (SI, AU)):
        top = min(1 / left.transverse, 1 / right.transverse)
        s = (np.arange(6000) + 0.5) / 6000 * top
        plain = np.mean([one * zoeppritz(one, left, right) for one in s]) * top / (2 * np.pi)
        np.testing.assert_allclose(branch_pair_modes(left, right, ONCE).sum(), plain, rtol=2e-5, atol=0)


def test_normal_incidence():
    """Impedances alone count: rigid, sprung, and through a layer, each with its textbook formula."""
    z1, z2, z3 = (side.density * side.longitudinal for side in (AL, SI, AU))
    rigid = angle_map(AL, SI, [0.0]).transmission[0]
    np.testing.assert_allclose(rigid[0, 0], 4 * z1 * z2 / (z1 + z2) ** 2, rtol=1e-12, atol=0)
    omega, stiffness = 2 * THz, 3e20
    sprung = angle_map(AL, SI, [0.0], omega=omega, spring=(stiffness, stiffness / 3)).transmission[0]
    closed = 4 * z1 * z2 / ((z1 + z2) ** 2 + (omega * z1 * z2 / stiffness) ** 2)
    np.testing.assert_allclose(sprung[0, 0], closed, rtol=1e-12, atol=0)
    y1, y2 = AL.density * AL.transverse, SI.density * SI.transverse
    closed = 4 * y1 * y2 / ((y1 + y2) ** 2 + (3 * omega * y1 * y2 / stiffness) ** 2)
    np.testing.assert_allclose(np.diag(sprung)[1:], closed, rtol=1e-12, atol=0)
    thickness = 0.7 * nm
    layered = angle_map(AL, SI, [0.0], omega=omega, interlayer=Interlayer(AU, thickness)).transmission[0]
    phase = omega * thickness / AU.longitudinal
    closed = 4 * z1 * z2 / (((z1 + z2) * np.cos(phase)) ** 2 + ((z3 + z1 * z2 / z3) * np.sin(phase)) ** 2)
    np.testing.assert_allclose(layered[0, 0], closed, rtol=1e-12, atol=0)


def test_a_quarter_wave_of_the_mean_impedance_passes_all():
    middle = Solid("match", 2500, np.sqrt(AL.density * 6420 * SI.density * 9000) / 2500, 4000, 5e28)
    omega = 1 * THz
    quarter = Interlayer(middle, np.pi / 2 * middle.longitudinal / omega)
    through = angle_map(AL, SI, [0.0], omega=omega, interlayer=quarter).transmission
    np.testing.assert_allclose(through[0, 0, 0], 1, rtol=1e-12, atol=0)


def test_limits_of_the_bond():
    omega = np.linspace(0.5, 5, 4) * THz
    rigid = amm(AL, SI, omega)
    np.testing.assert_allclose(amm(AL, SI, omega, spring=(np.inf, np.inf)).total, rigid.total, rtol=1e-12, atol=0)
    np.testing.assert_allclose(amm(AL, SI, omega, spring=(1e26, 1e26)).total, rigid.total, rtol=1e-6, atol=0)
    weak, weaker = (amm(AL, SI, omega, spring=(k, k)).total for k in (1e15, 5e14))
    np.testing.assert_allclose(weak / weaker, 4, rtol=1e-3, atol=0)
    g = [float(amm(AL, SI, spring=(k, k)).conductance(100).value[0]) for k in (1e15, 2e15, 1e19, 1e21, 1e24)]
    np.testing.assert_allclose(g[1] / g[0], 4, rtol=1e-3, atol=0)
    assert np.all(np.diff(g) > 0)


def test_limits_of_a_layer():
    omega = np.linspace(0.5, 5, 4) * THz
    rigid = amm(AL, SI, omega).total
    for layer in (Interlayer(AU, 0), Interlayer(AL, 3 * nm), Interlayer(SI, 3 * nm)):
        np.testing.assert_allclose(amm(AL, SI, omega, interlayer=layer).total, rigid, rtol=1e-10, atol=0)
    halves = [Interlayer(AU, 1 * nm), Interlayer(AU, 2 * nm)]
    whole = amm(AL, SI, omega, interlayer=Interlayer(AU, 3 * nm)).total
    np.testing.assert_allclose(amm(AL, SI, omega, interlayer=halves).total, whole, rtol=1e-10, atol=0)
    there = amm(SI, AL, omega, interlayer=halves[::-1]).total
    np.testing.assert_allclose(there, whole, rtol=1e-10, atol=0)


def test_a_thin_soft_layer_is_a_spring():
    """A second road to the bond: K = modulus over thickness, while the mass of the layer vanishes."""
    soft = Solid("soft", 20.1, 300, 100, 1e28)
    thickness = 1e-13
    spring = (soft.density * soft.longitudinal**2 / thickness, soft.density * soft.transverse**2 / thickness)
    omega = np.array([0.5, 1, 2]) * THz
    layered = amm(AL, SI, omega, interlayer=Interlayer(soft, thickness)).total
    assert layered[-1] < 0.7 * amm(AL, SI, omega).total[-1]
    np.testing.assert_allclose(layered, amm(AL, SI, omega, spring=spring).total, rtol=2e-3, atol=0)


def test_evanescent_waves_tunnel_through_a_thin_stiff_layer():
    """Beyond all critical angles of the layer a thick one reflects everything, and nothing overflows."""
    stiff = Solid("diamond", 3515, 18113, 12319, 17.6e28)
    thin, thick = (
        angle_map(AL, AL, [1.2], omega=10 * THz, interlayer=Interlayer(stiff, h * nm)).transmission[0].sum(axis=1)
        for h in (0.001, 300)
    )
    assert thick.max() < 1e-30
    assert thin.min() > 0.5


def test_liquids():
    """Liquid on liquid has Snell and one impedance; shear of a solid does not enter at normal incidence."""
    pairs = branch_pair_modes(HELIUM, WATER, ONCE)[0]
    mu = (np.arange(200_000) + 0.5) / 200_000
    inside = 1 - (1 - mu**2) * (WATER.speed / HELIUM.speed) ** 2
    z1, z2 = 145 * 238 / mu, 998 * 1483 / np.sqrt(np.maximum(inside, 1e-30))
    t = np.where(inside > 0, 4 * z1 * z2 / (z1 + z2) ** 2, 0)
    np.testing.assert_allclose(pairs[0, 0] / branch_modes(HELIUM)[0], 2 * np.mean(t * mu), rtol=1e-4, atol=0)
    z3 = AL.density * AL.longitudinal
    normal = angle_map(WATER, AL, [0.0]).transmission[0, 0]
    z2 = WATER.density * WATER.speed
    np.testing.assert_allclose(normal, [4 * z2 * z3 / (z2 + z3) ** 2, 0, 0], rtol=1e-12, atol=1e-20)


def test_both_models_lie_close_for_solids_and_far_apart_for_helium(published: Callable[[str, str], dict[str, Any]]):
    copper = Solid("Cu", 8960, 4749, 2322, 8.5e28)
    cold = [0.01]
    ratio = dmm(HELIUM, copper).conductance(cold).value / amm(HELIUM, copper).conductance(cold).value
    want = published("acoustic", "helium_copper_ratio")
    np.testing.assert_allclose(ratio, want["value"], rtol=want["tolerance"], atol=0)
    assert ratio > published("acoustic", "helium_orders")["value"]
    near = published("acoustic", "solid_pairs")
    difference = amm(AL, SI).conductance([1]).value / dmm(AL, SI).conductance([1]).value - 1
    assert abs(difference[0]) < near["value"] * (1 + near["tolerance"])


@pytest.mark.parametrize(("left", "right"), [(AL, SI), (SI, AL), (HELIUM, AL), (AL, HELIUM)])
def test_the_table_of_waves_sums_to_the_transmission(left, right):
    omega = np.array([0.05, 0.3, 5, 8] if AL in (left, right) and SI in (left, right) else [0.05, 0.3]) * THz
    modes = amm_modes(left, right, omega)
    summed, whole = modes.total(), amm(left, right, omega)
    np.testing.assert_allclose(summed.total, whole.total, rtol=1e-9, atol=0)
    np.testing.assert_allclose(summed.left, whole.left, rtol=1e-9, atol=0)
    np.testing.assert_allclose(summed.right, whole.right, rtol=1e-9, atol=0)
    assert (modes.select("left").velocity > 0).all()
    assert (modes.select("right").velocity < 0).all()
    np.testing.assert_array_equal(modes.specular, modes.transmission)


def test_critical_angles_follow_snell():
    found = critical_angles(AL, SI)
    speeds = AL.speeds[:, None] / SI.speeds
    np.testing.assert_allclose(found, np.arcsin(np.minimum(speeds, 1)), rtol=1e-12, atol=0)
    modes = amm_modes(AL, SI).select("left", 2)
    assert modes.transmission[modes.angle > found[2, 2]].max() < 1e-12
    assert modes.transmission[modes.angle < found[2, 2]].min() > 1e-3


def test_exactly_at_a_critical_angle():
    """Two waves become one there; nothing may blow up or pass the bound."""
    left, right = Solid("a", 3000, 4000, 2000, 5e28), Solid("b", 3000, 8000, 4000, 5e28)
    found = angle_map(left, right, np.arcsin([0.25, 0.5]))
    near = angle_map(left, right, np.arcsin([0.25 * (1 - 1e-12), 0.5 * (1 - 1e-12)]))
    np.testing.assert_allclose(found.transmission, near.transmission, rtol=0, atol=1e-4)


def test_bad_calls_are_refused():
    with pytest.raises(InputError, match="above 0"):
        amm(AL, SI, spring=(1e20, -1))
    with pytest.raises(InputError, match="at once"):
        amm(AL, SI, spring=(1e20, 1e20), interlayer=Interlayer(AU, 1 * nm))
    with pytest.raises(InputError, match=r"-1e-09|thickness"):
        Interlayer(AU, -1 * nm)
    with pytest.raises(InputError, match="Interlayer"):
        amm(AL, SI, interlayer=[AU])
    with pytest.raises(InputError, match="acoustic mismatch needs"):
        amm("Al", SI)
    with pytest.raises(InputError, match="incidence"):
        angle_map(AL, SI, [2.0])
    with pytest.raises(InputError, match="above 0"):
        amm_modes(AL, SI, [0.0])
    with pytest.warns(ValidityWarning, match="wavelengths thick"):
        amm(AL, SI, [THz, 10 * THz], interlayer=Interlayer(AU, 300 * nm))
