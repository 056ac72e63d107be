"""Spin heat accumulation along a pillar."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.applications.spin_pillar import SpinContact, SpinLayer, SpinPillar, spin_profile, valve_signal
from kapitza.errors import InputError
from kapitza.matter.electrons import SpinChannels
from kapitza.theory.spin import spin_kapitza
from kapitza.units import nm, um

PY, CU = SpinChannels("permalloy", 25.0, 5 * nm, 0.3), SpinChannels("Cu", 300.0, 100 * nm)
VALVE = SpinPillar(
    [SpinLayer(CU, 50 * nm), SpinLayer(PY, 15 * nm), SpinLayer(CU, 15 * nm), SpinLayer(PY, 15 * nm),
     SpinLayer(CU, 50 * nm)]
)  # fmt: skip
resistances = st.floats(0, 1e-8)


@given(resistances, resistances)
def test_one_boundary_of_thick_metals_has_a_closed_form(up, down):
    """A second road: the formula of a single boundary."""
    want = spin_kapitza(PY, CU, resistance_up=up, resistance_down=down)
    pillar = SpinPillar([SpinLayer(PY, 200 * nm), SpinLayer(CU, 5 * um)], [SpinContact(up, down)])
    got = spin_profile(pillar, 1.0)
    resistance = got.resistance - 200 * nm / 25 - 5 * um / 300
    np.testing.assert_allclose(resistance, want.resistance, rtol=1e-9, atol=1e-20)
    np.testing.assert_allclose(got.accumulation[41], want.accumulation, rtol=1e-9, atol=1e-22)
    np.testing.assert_allclose(got.accumulation[40], want.accumulation_magnet, rtol=1e-9, atol=1e-22)
    np.testing.assert_allclose(got.spin_flux[40:42], want.polarisation, rtol=1e-9, atol=0)


def test_the_profile_agrees_with_finite_volumes():
    """A second road: two chains of cells, one for each direction, that exchange heat."""
    cells, conductance = [], []
    flipped = [VALVE.layers[0], VALVE.layers[1], VALVE.layers[2], VALVE.layers[3].reversed, VALVE.layers[4]]
    step = 0.1 * nm
    for layer in flipped:
        n = round(layer.thickness / step)
        p, k, length = layer.metal.polarisation, layer.metal.conductivity, layer.metal.length
        both = k * (1 + p) / 2, k * (1 - p) / 2
        exchange = both[0] * both[1] / k / length**2
        cells += [(both[0], both[1], exchange)] * n
    n = len(cells)
    matrix, given_ = np.zeros((2 * n, 2 * n)), np.zeros(2 * n)
    for s in (0, 1):
        conductance = np.array([one[s] for one in cells]) / step
        between = 2 / (1 / conductance[1:] + 1 / conductance[:-1]) / 2 * 1.0
        between = 1 / (0.5 / conductance[1:] + 0.5 / conductance[:-1])
        for i in range(n - 1):
            a, b = 2 * i + s, 2 * (i + 1) + s
            matrix[[a, b], [a, b]] += between[i]
            matrix[a, b] -= between[i]
            matrix[b, a] -= between[i]
        matrix[s, s] += 2 * conductance[0]
        given_[s] += 2 * conductance[0]  # hot end at 1 K, cold end at 0
        matrix[-2 + s, -2 + s] += 2 * conductance[-1]
    for i, (_, _, exchange) in enumerate(cells):
        pair = np.array([[1, -1], [-1, 1]]) * exchange * step
        matrix[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] += pair
    solved = np.linalg.solve(matrix, given_)
    flux = sum(2 * cells[-1][s] / step * solved[-2 + s] for s in (0, 1))
    got = spin_profile(SpinPillar(flipped), float(flux))
    np.testing.assert_allclose(got.resistance, 1 / flux, rtol=1e-4, atol=0)
    gap = solved[0::2] - solved[1::2]
    np.testing.assert_allclose(got.largest, gap[np.argmax(np.abs(gap))], rtol=1e-3, atol=0)


def test_a_turned_magnet_traps_the_accumulation():
    turned = SpinPillar([layer.reversed if i == 3 else layer for i, layer in enumerate(VALVE.layers)])
    alike, opposite = spin_profile(VALVE, 1e9), spin_profile(turned, 1e9)
    assert abs(opposite.largest) > 2 * abs(alike.largest)
    signal = valve_signal(VALVE, [3], 1e9)
    np.testing.assert_allclose(signal, opposite.mean[0] - opposite.mean[-1] - (alike.mean[0] - alike.mean[-1]),
                               rtol=1e-9, atol=0)  # fmt: skip
    assert signal > 0
    np.testing.assert_allclose(valve_signal(VALVE, [1, 3], 1e9), 0, rtol=0, atol=1e-12)


@given(st.floats(-0.8, 0.8), resistances)
def test_nothing_accumulates_without_a_difference(polarisation, resistance):
    metal = SpinChannels("any", 50.0, 10 * nm, polarisation)
    pillar = SpinPillar([SpinLayer(metal, 20 * nm), SpinLayer(metal, 30 * nm)])
    got = spin_profile(pillar, 1e9)
    np.testing.assert_allclose(got.accumulation, 0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(got.resistance, 50 * nm / 50, rtol=1e-12, atol=0)
    normal = SpinPillar([SpinLayer(CU, 20 * nm), SpinLayer(CU, 30 * nm)], [SpinContact(resistance, resistance)])
    np.testing.assert_allclose(spin_profile(normal, 1.0).resistance, 50 * nm / 300 + resistance / 2, rtol=1e-9, atol=0)


def test_published_share_of_the_bias(published):
    """Accumulation in the spacer of a spin valve with opposite magnets, over the temperature bias."""
    entry = published("devices", "spin_heat_share")
    turned = SpinPillar([layer.reversed if i == 3 else layer for i, layer in enumerate(VALVE.layers)])
    got = spin_profile(turned, 1e9)
    share = abs(got.largest) / abs(got.mean[-1])
    np.testing.assert_allclose(share, entry["value"], rtol=entry["tolerance"], atol=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SpinPillar([]),
        lambda: SpinPillar([SpinLayer(CU, 1 * nm)], [SpinContact()]),
        lambda: SpinLayer(CU, 0.0),
        lambda: SpinContact(-1.0),
        lambda: spin_profile(VALVE, np.inf),
        lambda: valve_signal(VALVE, [7], 1e9),
    ],
)
def test_wrong_input_is_refused(make):
    with pytest.raises(InputError):
        make()
