"""Steps, pulses and periodic heat of devices, and the networks that follow them."""

import devices
import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erf, erfc

from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, ConductivityLaw, Device, HeatSource, PeriodicPower, PulsedPower, StepPower
from kapitza.device.layered.network import FosterNetwork, cauer_network, fit_foster, foster_network
from kapitza.device.layered.pulses import pulsed_temperatures
from kapitza.device.layered.temperatures import solve_layered
from kapitza.device.layered.transient import layered_response, transient_model
from kapitza.device.shapes import Disc, GaussianSpot, Rectangle
from kapitza.errors import InputError
from kapitza.units import um

FINGER, half_space, transistor = devices.FINGER, devices.half_space, devices.transistor

DIFFUSIVITY = 100.0 / 2e6  # of the half space


def test_step_of_the_reference(data):
    want = np.loadtxt(data("device/gan_stack_step_response.csv"), delimiter=",", skiprows=1)
    got = layered_response(transistor(), want[:, 0], "step")
    np.testing.assert_allclose(got.average["finger"], want[:, 2], rtol=0, atol=5e-6)


def ierfc(x):
    return np.exp(-(x**2)) / np.sqrt(np.pi) - x * erfc(x)


def test_disc_on_a_half_space_is_carslaw_and_jaegers():
    """2q√(Dt)/k [ierfc 0 - ierfc(a/2√(Dt))] in the middle."""
    time, radius = np.geomspace(1e-9, 1e-3, 13), 3 * um
    root = np.sqrt(DIFFUSIVITY * time)
    want = 2 * root / (np.pi * radius**2 * 100) * (1 / np.sqrt(np.pi) - ierfc(radius / (2 * root)))
    got = layered_response(half_space(Disc(0, 0, radius)), time, "step")
    np.testing.assert_allclose(got.peak, want, rtol=2e-5, atol=0)


def test_gaussian_on_a_half_space():
    """P/(k w √(2π)) 2/π arctan √(8Dt/w²)."""
    time, radius = np.geomspace(1e-9, 1e-4, 11), 2 * um
    want = np.arctan(np.sqrt(8 * DIFFUSIVITY * time) / radius) * 2 / np.pi / (np.sqrt(2 * np.pi) * radius * 100)
    got = layered_response(half_space(GaussianSpot(0, 0, radius)), time, "step")
    np.testing.assert_allclose(got.peak, want, rtol=2e-6, atol=0)


def test_rectangle_without_sides_is_one_in_a_large_box():
    time = np.geomspace(1e-8, 1e-7, 4)
    shape = Rectangle((20 * um, 23 * um), (20 * um, 24 * um))
    stack = Stack([Layer("a", 1 * um, 100.0, heat_capacity=2e6), Layer("b", 30 * um, 30.0, heat_capacity=2e6)], [1e8])
    free, boxed = (Device(stack, [HeatSource("s", 1.0, shape)], box) for box in (None, Box(43 * um, 44 * um)))
    got, want = layered_response(free, time, "step"), layered_response(boxed, time, "step")
    np.testing.assert_allclose(got.peak, want.peak, rtol=1e-6, atol=0)
    np.testing.assert_allclose(got.average["s"], want.average["s"], rtol=1e-6, atol=0)


@given(st.floats(1e3, 1e8))
def test_even_periodic_heat_is_a_thermal_wave(frequency):
    """tanh(ud)/γ for one layer on a fixed temperature."""
    stack = Stack([Layer("a", 5 * um, 60.0, heat_capacity=1.5e6)])
    held = transient_model(Device(stack, [HeatSource("all", 3.0)], Box(1e-3, 2e-3)))
    gamma = np.sqrt(60.0 * 2j * np.pi * frequency * 1.5e6)
    got = held.periodic(held.readers[0], 0, np.array([frequency]))[0]
    np.testing.assert_allclose(got, 3.0 / 2e-6 * np.tanh(gamma / 60 * 5 * um) / gamma, rtol=1e-8, atol=0)


def test_periodic_spot_on_a_half_space():
    """∫ k e^{-k²w²/8} dk/2π √(k² + iω/D)/k in closed form: exp(x²) erfc(x), x² = iωw²/8D."""
    radius, frequency = 2 * um, 1e6
    held = transient_model(half_space(GaussianSpot(0, 0, radius)))
    q2 = 2j * np.pi * frequency / DIFFUSIVITY
    x = np.sqrt(q2 * radius**2 / 8)
    want = np.exp(x**2) * erfc_complex(x) / (np.sqrt(2 * np.pi) * radius * 100)
    got = held.periodic(held.readers[0], 0, np.array([frequency]))[0]
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=0)


def erfc_complex(x):
    return 1 - erf(x)


def test_pulses_settle_to_the_train_without_beginning():
    pulses = PulsedPower(2e-6, 0.5e-6, 4000)
    device = evolve(transistor(), sources=[HeatSource("finger", 0.0625, FINGER, waveform=pulses)])
    inside = np.array([0.1e-6, 0.4e-6, 0.6e-6, 1.9e-6])
    late = layered_response(device, 3999 * 2e-6 + inside)
    endless = evolve(device, sources=[HeatSource("finger", 0.0625, FINGER, waveform=PulsedPower(2e-6, 0.5e-6))])
    np.testing.assert_allclose(layered_response(endless, inside).peak, late.peak, rtol=1e-5, atol=0)


def test_mean_of_a_train_is_its_duty_times_the_steady_rise():
    device = evolve(transistor(), sources=[HeatSource("finger", 0.0625, FINGER, waveform=PulsedPower(1e-5, 0.3e-5))])
    node, weight = np.polynomial.legendre.leggauss(14)
    parts = [(0, 0.3e-5), (0.3e-5, 1e-5)]
    total = 0.0
    for low, high in parts:
        x = (node + 1) / 2
        time = low + (high - low) * x**2  # the corners go as √t
        got = layered_response(device, time).average["finger"]
        total += (weight / 2 * 2 * x * got).sum() * (high - low)
    np.testing.assert_allclose(total / 1e-5, 0.3 * 35.93716, rtol=1e-4, atol=0)


def test_summary_of_a_train_is_that_of_its_pulses_one_by_one():
    """Second road: the responses to counted pulses and to a train without beginning."""
    period, width = 4e-6, 1e-6

    def heated(count):
        waveform = PulsedPower(period, width, count)
        return evolve(transistor(), sources=[HeatSource("finger", 0.0625, FINGER, waveform=waveform)])

    found = pulsed_temperatures(heated(None))
    inside = layered_response(heated(None), np.array([width, period * (1 - 1e-9)])).peak
    assert abs(found.peak - inside[0]) <= 1e-6 * inside[0]
    assert abs(found.floor - inside[1]) <= 1e-4 * inside[1]
    steady = solve_layered(transistor()).peak
    assert abs(found.mean - 0.25 * steady) <= 1e-9 * steady
    assert abs(found.always_on - steady) <= 1e-9 * steady
    last = layered_response(heated(found.settled_pulses), (found.settled_pulses - 1) * period + np.array([width])).peak
    assert 0.985 * found.peak <= last[0] <= 0.993 * found.peak
    first = layered_response(heated(1), np.array([width])).peak
    assert abs(found.first - first[0]) <= 1e-6 * first[0]


def test_rare_pulses_peak_at_their_own_source_and_not_where_the_mean_is_highest():
    """Beside a source that is always on, pulses of one percent of the time: they leave the mean where it is, and
    peak as they would alone, on top of what the steady source brings there."""
    away = Rectangle((60 * um, 62 * um), (0, 25 * um))
    pulsed = HeatSource("second", 0.25, away, waveform=PulsedPower(1e-4, 1e-6))
    steady = HeatSource("finger", 0.0625, FINGER)
    both = pulsed_temperatures(evolve(transistor(), sources=[steady, pulsed]))
    alone = pulsed_temperatures(evolve(transistor(), sources=[pulsed]))
    below = solve_layered(evolve(transistor(), sources=[steady]), sensitivity=False).peak
    assert not both.at_mean_peak
    assert away.extent[0][0] <= both.place[0] <= away.extent[0][1]
    assert alone.peak < both.peak < alone.peak + 0.5 * below
    assert both.peak > 2 * below
    assert alone.at_mean_peak


def test_trains_of_one_period_and_unlike_widths_are_added_at_each_moment():
    """The peak of two sources is that of the response over a period, not the sum of two peaks at two moments."""
    period = 4e-6
    sources = [
        HeatSource("short", 0.0625, FINGER, waveform=PulsedPower(period, 0.5e-6)),
        HeatSource("long", 0.02, FINGER, waveform=PulsedPower(period, 2e-6)),
    ]
    device = evolve(transistor(), sources=sources)
    found = pulsed_temperatures(device)
    times = np.unique(np.append(np.linspace(0, period, 81)[1:-1], [0.5e-6, 2e-6]))
    inside = layered_response(device, times).peak
    assert found.in_phase
    assert abs(found.peak - inside.max()) <= 1e-5 * inside.max()


def test_figure_and_summary_of_a_train_have_the_same_properties():
    """Conductivities that fall with temperature: the drawn train peaks where the summary says, below what the hotter
    state of the power always on would give."""
    period, width = 4e-6, 1e-6
    held = transistor()
    law = ConductivityLaw.power(held.stack.layers[0].conductivity, -1.4)
    source = HeatSource("finger", 0.0625, FINGER, waveform=PulsedPower(period, width))
    device = evolve(held, sources=[source], laws={held.stack.layers[0].name: law})
    found = pulsed_temperatures(device)
    drawn = layered_response(device, np.array([width])).peak[0]
    assert abs(found.peak - drawn) <= 1e-6 * drawn
    assert found.hot_peak > 1.02 * found.peak
    assert abs(found.always_on - solve_layered(device).peak) <= 1e-9 * found.always_on


def test_courses_add():
    steady = HeatSource("base", 0.03, FINGER)
    step = HeatSource("step", 0.02, FINGER, waveform=StepPower())
    wave = HeatSource("wave", 0.01, FINGER, waveform=PeriodicPower(1e5))
    device = evolve(transistor(), sources=[steady, step, wave])
    got = layered_response(device, [1e-1 + 1.25e-6])
    constant = solve_layered(evolve(device, sources=[steady, step]), sensitivity=False)
    held = transient_model(device)
    wavy = held.periodic(held.readers[0], 2, np.array([1e5]))[0]
    np.testing.assert_allclose(
        got.peak[0] - constant.peak, np.real(wavy * np.exp(2j * np.pi * 0.125)), rtol=1e-4, atol=0
    )


def test_foster_network_of_the_transistor():
    """Order 12 within 0.02 K of 35.9 K over six decades; it holds where it was not fitted."""
    device = transistor()
    network = foster_network(device, 12, first=1e-8, last=1e-2, of="finger")
    assert network.resistance.size <= 12
    assert network.error * device.power < 0.02
    time = np.geomspace(1.3e-8, 0.9e-2, 29)
    got = network.rise(time) * device.power
    np.testing.assert_allclose(got, layered_response(device, time, "step").average["finger"], rtol=0, atol=0.02)
    np.testing.assert_allclose(network.resistance.sum() * device.power, 35.93716, rtol=1e-6, atol=0)


def test_fit_finds_the_network_that_made_the_data():
    made = FosterNetwork([3.0, 1.0, 2.0], [1e-6, 1e-4, 3e-3])
    time = np.geomspace(1e-7, 1e-1, 60)
    got = fit_foster(time, made.rise(time), 6.0, 3)
    np.testing.assert_allclose(got.resistance, made.resistance, rtol=1e-4, atol=0)
    np.testing.assert_allclose(got.time, made.time, rtol=1e-4, atol=0)


@given(
    st.lists(
        st.tuples(st.floats(0.1, 10), st.floats(-9, -1)), min_size=1, max_size=12, unique_by=lambda p: round(p[1], 1)
    )
)
def test_ladder_has_the_same_impedance(cells):
    chain = FosterNetwork([r for r, _ in cells], [10**t for _, t in cells])
    ladder = cauer_network(chain)
    assert ladder.resistance.size == len(cells)
    np.testing.assert_allclose(ladder.resistance.sum(), chain.resistance.sum(), rtol=1e-9, atol=0)
    for s in (1.0, 1e3, 1e6j, 1e9):
        want = np.sum(chain.resistance / (1 + s * chain.time))
        np.testing.assert_allclose(ladder.impedance(s), want, rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PulsedPower(1e-6, 2e-6), "pulses shorter"),
        (lambda: PulsedPower(1e-6, 1e-7, 0), "0 pulses"),
        (lambda: layered_response(transistor(), [0.0], "step"), "above zero"),
        (lambda: layered_response(transistor(), [1e-14], "step"), "ask for later times"),
        (
            lambda: layered_response(evolve(transistor(), stack=Stack([Layer("a", 1e-6, 1.0)])), [1e-6], "step"),
            "no heat_capacity",
        ),
        (lambda: foster_network(transistor(), 0, first=1e-8, last=1e-2), "order 0"),
        (lambda: foster_network(transistor(), 3, first=1e-2, last=1e-8), "two that increase"),
        (lambda: foster_network(transistor(), 3, first=1e-8, last=1e-2, of="drain"), "no 'drain' to follow"),
    ],
)
def test_faults_are_told_in_one_line(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
