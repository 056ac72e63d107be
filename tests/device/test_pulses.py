"""Trains of pulses: peak and first pulse, where they get hottest, their uncertainty and their numerical error."""

import devices
import numpy as np
import pytest
from attrs import evolve

from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, ConductivityLaw, Device, HeatSource, PulsedPower, with_mean_power
from kapitza.device.layered.pulses import pulsed_peaks_at_interval_ends, pulsed_temperatures, sample_pulsed_peaks
from kapitza.device.layered.temperatures import device_parameters, solve_layered
from kapitza.device.layered.transient import layered_response
from kapitza.device.setup import Plane
from kapitza.device.shapes import Rectangle
from kapitza.units import um

FINGER, transistor = devices.FINGER, devices.transistor
PERIOD, WIDTH = 4e-6, 1e-6
SIDE = 50 * um


def slab(uncertain=None, *, power=0.5, waveform=None):
    """A layer that is heated evenly in pulses on one face and held on the other."""
    waveform = PulsedPower(PERIOD, WIDTH) if waveform is None else waveform
    layer = Layer("a", 8 * um, 20.0, heat_capacity=2e6)
    source = HeatSource("all", power, waveform=waveform)
    return Device(Stack([layer]), [source], Box(SIDE, SIDE), uncertain=uncertain or {})


def slab_peak(power, thickness, conductivity, capacity):
    """Highest rise of that slab in an endless train, K: the sum over the modes cos (n + ½)πz/d of 1 - e^(-λw) over
    1 - e^(-λp)."""
    n = np.arange(1000)[:, None]
    rate = ((n + 0.5) * np.pi / thickness) ** 2 * conductivity / capacity
    share = 8 / np.pi**2 / (2 * n + 1) ** 2  # which add up to 1, and for all further modes the ratio is 1
    total = 1 + (share * (np.expm1(-rate * WIDTH) / np.expm1(-rate * PERIOD) - 1)).sum(axis=0)
    return power / SIDE**2 * thickness / conductivity * total


def test_peak_of_even_heat_is_the_sum_of_its_modes_within_the_stated_error():
    found = pulsed_temperatures(slab())
    want = slab_peak(0.5, 8 * um, 20.0, 2e6)[0]
    assert abs(found.peak - want) <= found.error
    assert found.error < 1e-5 * want


def test_interval_of_the_peak_holds_95_percent_of_drawn_slabs():
    """Devices drawn with numbers of their own, each by the sum of its modes."""
    relative = {"all.power": 0.03, "a.thickness": 0.05, "a.conductivity": 0.1, "a.heat_capacity": 0.08}
    device = slab()
    device = evolve(device, uncertain={name: part * device.value(name) for name, part in relative.items()})
    found = pulsed_temperatures(device)
    assert set(found.contribution) == set(relative)
    factors = np.exp(np.random.default_rng(5).standard_normal((4, 1500)) * np.array(list(relative.values()))[:, None])
    drawn = slab_peak(0.5 * factors[0], 8 * um * factors[1], 20.0 * factors[2], 2e6 * factors[3])
    held = np.mean(np.abs(drawn - found.peak) <= 1.96 * found.sigma)
    assert 0.92 <= held <= 0.98
    assert abs(found.sigma / drawn.std() - 1) < 0.06


def test_interval_of_the_peak_holds_95_percent_of_drawn_devices():
    """Two layers with a boundary, pulses beside steady heat; each drawn device is solved for itself."""
    layers = [Layer("a", 3 * um, 30.0, heat_capacity=2e6), Layer("b", 20 * um, 150.0, heat_capacity=1.6e6)]
    sources = [
        HeatSource("pulsed", 0.5, waveform=PulsedPower(PERIOD, WIDTH)),
        HeatSource("steady", 0.1, plane=Plane("b", 0.0)),
    ]
    relative = {"a.conductivity": 0.1, "a.heat_capacity": 0.08, "a|b.conductance": 0.15, "pulsed.power": 0.04}
    device = Device(Stack(layers, [3e7]), sources, Box(SIDE, SIDE))
    device = evolve(device, uncertain={name: part * device.value(name) for name, part in relative.items()})
    found = pulsed_temperatures(device)
    drawn = sample_pulsed_peaks(device, 300, seed=3)
    assert 0.92 <= np.mean(np.abs(drawn - found.peak) <= 1.96 * found.sigma) <= 0.98
    factors = np.exp(np.random.default_rng(3).standard_normal((300, 4)) * [relative[name] for name in sorted(relative)])
    for row, peak in list(zip(factors, drawn, strict=True))[:5]:
        changes = {name: device.value(name) * factor for name, factor in zip(sorted(relative), row, strict=True)}
        alone = pulsed_temperatures(evolve(device.replace(changes), uncertain={})).peak
        assert abs(peak - alone) <= 1e-6 * alone


def test_derivatives_of_the_peak_add_up():
    """A peak is in proportion to the power, and does not change if all that conducts and stores and heats is scaled."""
    source = HeatSource("finger", 0.0625, FINGER, waveform=PulsedPower(PERIOD, WIDTH))
    device = evolve(transistor(), sources=[source])
    capacities = [f"{layer.name}.heat_capacity" for layer in device.stack.layers]
    conducting = [name for name in device_parameters(device) if not name.endswith(".thickness")]
    found = pulsed_temperatures(device, [*conducting, *capacities, "finger.power"])
    assert found.sigma is None
    assert abs(found.sensitivity["finger.power"] / found.peak - 1) < 1e-6
    total = sum(found.sensitivity[name] for name in [*conducting, *capacities])
    assert abs(total / found.peak + 1) < 1e-5


def test_derivatives_where_properties_depend_on_temperature_are_those_of_whole_solutions():
    layers = [Layer("a", 3 * um, 30.0, heat_capacity=2e6), Layer("b", 20 * um, 150.0, heat_capacity=1.6e6)]
    source = HeatSource("all", 0.5, waveform=PulsedPower(PERIOD, WIDTH))
    laws = {"a": ConductivityLaw.power(30.0, -1.4)}
    device = Device(Stack(layers, [3e7]), [source], Box(SIDE, SIDE), laws=laws)
    found = pulsed_temperatures(device, ["a|b.conductance"])
    ends = [pulsed_temperatures(device.replace({"a|b.conductance": 3e7 * one})).peak for one in (0.99, 1.01)]
    assert abs(found.sensitivity["a|b.conductance"] / ((ends[1] - ends[0]) / 0.02) - 1) < 1e-3
    assert found.error >= found.hot_peak - found.peak > 0


def test_mean_of_pulses_has_the_relative_uncertainty_of_their_power():
    mean = solve_layered(with_mean_power(slab({"all.power": 0.05 * 0.5})))
    assert abs(mean.contribution["all.power"] / mean.peak - 0.05) < 1e-9


def test_first_pulses_of_unlike_widths_are_added_at_each_moment():
    """A short and strong one beside a long one: the sum at one moment is less than that of two peaks."""
    sources = [
        HeatSource("short", 0.0625, FINGER, waveform=PulsedPower(PERIOD, 0.3e-6, 1)),
        HeatSource("long", 0.02, FINGER, waveform=PulsedPower(PERIOD, 2e-6, 1)),
    ]
    device = evolve(transistor(), sources=sources)
    found = pulsed_temperatures(device)
    times = np.unique(np.append(np.linspace(0, PERIOD, 81)[1:-1], [0.3e-6, 2e-6]))
    want = layered_response(device, times).peak.max()
    assert abs(found.first - want) <= 1e-5 * want
    alone = [layered_response(evolve(device, sources=[one]), [one.waveform.width]).peak[0] for one in sources]
    assert found.first < 0.95 * sum(alone)


def test_a_train_peaks_on_the_plane_of_its_pulses_where_the_mean_does_not():
    """Steady heat below keeps the mean highest there; read on patches, the pulses above are hotter."""
    layers = [Layer("a", 4 * um, 20.0, heat_capacity=2e6), Layer("b", 20 * um, 20.0, heat_capacity=2e6)]
    spot = Rectangle((0, 6 * um), (0, 6 * um))
    sources = [
        HeatSource("pulsed", 0.02, spot, waveform=PulsedPower(1e-6, 2e-8)),
        HeatSource("steady", 0.005, spot, Plane("b", 0.0)),
    ]
    center = Rectangle((0, 0.3 * um), (0, 0.3 * um))
    patches = {"above": (Plane("a", 0.0), center), "below": (Plane("b", 0.0), center)}
    device = Device(Stack(layers, [1e8]), sources, Box(40 * um, 40 * um), patches=patches)
    mean = solve_layered(with_mean_power(device)).average
    assert mean["below"] > mean["above"]
    found = pulsed_temperatures(device)
    read = layered_response(device, [2e-8]).average
    assert not found.at_mean_peak
    assert found.place[2] < 1e-12
    assert read["above"] > read["below"]
    assert read["above"] * (1 - 1e-6) <= found.peak <= 1.02 * read["above"]


def test_ends_of_a_wide_interval_are_those_of_devices_with_that_number():
    device = slab({"a.conductivity": 0.5 * 20.0})
    (low, high) = pulsed_peaks_at_interval_ends(device)["a.conductivity"]
    factor = np.exp(1.959963984540054 * 0.5)
    for factor_of_end, got in ((factor, low), (1 / factor, high)):
        want = slab_peak(0.5, 8 * um, 20.0 * factor_of_end, 2e6)[0]
        assert abs(got / want - 1) < 1e-5


@pytest.mark.slow
def test_stated_error_holds_for_short_pulses_in_a_wide_box():
    """Pulses shorter than the modes of a box resolve are extrapolated; the truth is a smaller box around the finger,
    whose sides such short pulses do not reach, and the mean of the large one.
    """
    period, width = 1e-7, 0.03
    large, small = (
        evolve(
            transistor(),
            box=Box(side * um, side * um),
            sources=[HeatSource("finger", 0.0625, FINGER, waveform=PulsedPower(period, width * period))],
        )
        for side in (300, 60)
    )
    found, other = pulsed_temperatures(large), pulsed_temperatures(small)
    ripples = [one.peak - one.mean for one in (found, other)]
    assert abs(ripples[0] - ripples[1]) <= found.error + other.error
