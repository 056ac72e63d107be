"""The calibrated estimate in a stack and in a device file: its median sets the drop, its interval the uncertainty."""

import numpy as np
import pytest

from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, Device, HeatSource
from kapitza.device.layered.temperatures import peaks_at_interval_ends, sample_peaks, solve_layered
from kapitza.errors import DataError
from kapitza.io.device.layers import read_device
from kapitza.measure.calibration.estimate import calibrated_conductance
from kapitza.units import um

FLUX = 1e8  # W/m²
FILE = """
[box]
width = "10 um"
[[layers]]
name = "film"
material = "GaN"
thickness = "1 um"
conductivity = 150
heat_capacity = "2.6 MJ/m3K"
[[layers]]
name = "wafer"
material = "{wafer}"
thickness = "50 um"
conductivity = 390
heat_capacity = "2.2 MJ/m3K"
[boundaries]
"film|wafer" = {boundary}
[[sources]]
name = "heater"
flux = "100 MW/m2"
"""


def stacked():
    """A film on a wafer heated evenly, the estimate between them."""
    found = calibrated_conductance("GaN", "Si", [250, 300, 350])
    stack = Stack([Layer("film", 1 * um, 150.0), Layer("wafer", 50 * um, 390.0)], [found.conductance])
    return found, Device(stack, [HeatSource("heater", FLUX * (10 * um) ** 2)], Box(10 * um, 10 * um))


def test_median_of_the_estimate_sets_the_drop_and_its_spread_the_uncertainty():
    """q/G, whose logarithm has the spread of ln G."""
    found, device = stacked()
    got = solve_layered(device)
    kelvin = got.property_temperature["film|wafer"]
    spread = np.interp(kelvin, found.temperature, found.spread)
    assert abs(got.drop["film|wafer"] * found.conductance.at(kelvin)[0] / FLUX - 1) < 1e-6
    assert got.sigma is not None
    assert abs(got.sigma / (got.drop["film|wafer"] * spread) - 1) < 0.02  # G varies a little with temperature


def test_ends_of_the_interval_of_the_estimate_are_those_of_the_peak():
    """q/G at both ends of the interval of G above what the rest of the device adds: one lies far, one near."""
    found, device = stacked()
    got = solve_layered(device)
    drop = got.drop["film|wafer"]
    ((name, ends),) = peaks_at_interval_ends(device).items()
    assert name == "film|wafer.conductance"
    factor = np.interp(got.property_temperature["film|wafer"], found.temperature, found.factor)
    for end, times in zip(ends, (1 / factor, factor), strict=True):
        assert abs((end - got.peak + drop) / (drop * times) - 1) <= 0.02  # G varies a little with temperature
    assert ends[1] - got.peak > 1.5 * (got.peak - ends[0])


@pytest.mark.slow
def test_drawn_peaks_have_the_median_and_the_interval_of_the_estimate():
    found, device = stacked()
    drop = solve_layered(device).drop["film|wafer"]
    above = solve_layered(device).peak - drop
    drawn = np.sort(sample_peaks(device, 2000, seed=1) - above)
    low, middle, high = np.quantile(drawn, [0.025, 0.5, 0.975])
    factor = found.factor[1]
    assert abs(middle / drop - 1) < 0.06  # 1.25 spread/√2000 = 2 % of the median, three times
    assert abs(np.log(high / drop) / np.log(factor) - 1) < 0.15
    assert abs(np.log(drop / low) / np.log(factor) - 1) < 0.15


@pytest.mark.parametrize("boundary", ['"calibrated"', '{ theory = "calibrated", left = "GaN", right = "Si" }'])
def test_device_file_asks_for_the_estimate(tmp_path, boundary):
    path = tmp_path / "chip.toml"
    path.write_text(FILE.format(wafer="Si", boundary=boundary), encoding="utf-8")
    got = solve_layered(read_device(path))
    want = solve_layered(stacked()[1])
    assert abs(got.peak / want.peak - 1) < 1e-3
    assert set(got.contribution) == {"film|wafer.conductance"}
    assert abs(got.sigma / want.sigma - 1) < 1e-2


def test_device_file_says_in_its_line_why_there_is_no_estimate(tmp_path):
    path = tmp_path / "chip.toml"
    path.write_text(FILE.format(wafer="PMMA", boundary='"calibrated"'), encoding="utf-8")
    with pytest.raises(DataError, match=r"line 17: boundaries\.film\|wafer: no calibrated estimate: PMMA is organic"):
        read_device(path)
