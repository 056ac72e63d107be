"""Devices that several tests share."""

import numpy as np

from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, Device, HeatSource
from kapitza.device.shapes import Rectangle
from kapitza.units import um

FINGER = Rectangle((0, 2 * um), (0, 25 * um))


def transistor(first: float = 5e7, **more: object) -> Device:
    """A quarter of a GaN transistor on silicon carbide: one finger, three boundaries."""
    layers = [
        Layer("GaN", 2 * um, 150, heat_capacity=2.6e6),
        Layer("SiC", 100 * um, 390, in_plane=490, heat_capacity=2.2e6),
        Layer("AuSn", 20 * um, 57, heat_capacity=2.6e6),
        Layer("Cu", 200 * um, 390, heat_capacity=3.45e6),
    ]
    power = 1.25e9 * FINGER.area
    return Device(
        Stack(layers, [first, 2e8, 1e7]), [HeatSource("finger", power, FINGER)], Box(100 * um, 100 * um), **more
    )


def half_space(shape: object, power: float = 1.0, *, conductivity: float = 100.0, **more: float) -> Device:
    """One shape on one infinite layer."""
    layer = Layer("body", np.inf, conductivity, heat_capacity=2e6, **more)
    return Device(Stack([layer]), [HeatSource("spot", power, shape)])
