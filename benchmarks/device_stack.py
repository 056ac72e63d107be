"""CPU time and accuracy of a device of layers: `OMP_NUM_THREADS=1 python benchmarks/device_stack.py`.

A quarter of a GaN transistor: 2 x 25 µm of 1.25 GW/m² on GaN | SiC | AuSn | Cu in a box of 100 x 100 µm, 20, 5 and
100 m²K/GW between them.  Its hottest point is 39.8762 K above the sink, the mean below the finger 35.93716 K.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from attrs import evolve

from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, Device, HeatSource
from kapitza.device.layered.network import foster_network
from kapitza.device.layered.temperatures import plane_map, sample_peaks, section_map, solve_layered
from kapitza.device.layered.transient import layered_response
from kapitza.device.shapes import HeatMap, Rectangle
from kapitza.units import um

PEAK, MEAN = 39.8762, 35.93716  # K


def median(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """CPU time in ms, and what came out last."""
    times, found = [], call()
    for _ in range(repeats):
        start = time.process_time()
        found = call()
        times.append(time.process_time() - start)
    return statistics.median(times) * 1e3, found


def transistor() -> Device:
    layers = [
        Layer("GaN", 2 * um, 150, heat_capacity=2.6e6),
        Layer("SiC", 100 * um, 390, in_plane=490, heat_capacity=2.2e6),
        Layer("AuSn", 20 * um, 57, heat_capacity=2.6e6),
        Layer("Cu", 200 * um, 390, heat_capacity=3.45e6),
    ]
    finger = Rectangle((0, 2 * um), (0, 25 * um))
    source = HeatSource("finger", 1.25e9 * finger.area, finger)
    return Device(Stack(layers, [5e7, 2e8, 1e7]), [source], Box(100 * um, 100 * um))


def pixels(device: Device, count: int) -> Device:
    """The same power as a map of pixels over the box."""
    value = np.zeros((count, count))
    value[: round(0.02 * count), : round(0.25 * count)] = 1.0
    shape = HeatMap(value, (0, 100 * um), (0, 100 * um))
    return evolve(device, sources=[HeatSource("finger", device.power, shape)])


def told(what: str, milliseconds: float, more: str = "") -> None:
    print(f"{what:40} {milliseconds:8.2f} ms   {more}")


def main() -> None:
    device = transistor()
    bare, found = median(lambda: solve_layered(device, sensitivity=False), 60)
    told("peak and average", bare, f"peak {found.peak:.6f} K, off {found.peak - PEAK:+.1e} K")
    mean = found.average["finger"]
    told("", bare, f"mean {mean:.6f} K, off {mean - MEAN:+.1e} K")
    told("with all sensitivities", median(lambda: solve_layered(device), 60)[0], "13 numbers, adjoint")
    for count in (512, 1024):
        points, heated = (count, count), pixels(device, count)
        for what, one in (("a rectangle", device), ("as many pixels of heat", heated)):
            spent, found = median(partial(plane_map, one, None, points), 9)
            told(f"map {count} x {count}, {what}", spent, f"highest {found.value.max():.4f} K")
    told("section, 240 x 60", median(lambda: section_map(device), 5)[0])
    times = np.geomspace(1e-8, 1e-2, 61)
    told("step response, 61 times, 2 curves", median(lambda: layered_response(device, times, "step"), 5)[0])
    spent, found = median(lambda: foster_network(device, 12, first=1e-8, last=1e-2, of="finger"), 5)
    told(f"Foster network of order {found.time.size}", spent, f"within {found.error * device.power:.1e} K")
    known = evolve(device, uncertain={"GaN|SiC.conductance": 5e6, "GaN.conductivity": 10.0})
    told("sampled uncertainty, each device", median(lambda: sample_peaks(known, 200), 3)[0] / 200)


if __name__ == "__main__":
    main()
