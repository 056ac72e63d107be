"""Steady temperatures of a device: the hottest point, averages, what each layer and boundary takes, how sure it is."""

import numpy as np

from kapitza.device.description import Device
from kapitza.device.linear import Linear, plane_of
from kapitza.device.result import DeviceTemperatures
from kapitza.device.setup import Plane
from kapitza.device.shapes import Disc, Patch, Rectangle
from kapitza.device.solve import solved
from kapitza.device.uncertainty import contributions, sensitivities


def device_temperatures(device: Device, *, sensitivity: bool = True) -> DeviceTemperatures:
    """Steady temperatures of a device with constant power: all sources on.

    Exact for numbers that do not depend on temperature: every point is a single integral over all wave vectors at once
    (`kapitza.device.pseudo_time`), without a grid.  With properties of T see `solved`.

    Parameters
    ----------
    device : its layers, boundaries, sources and ways out
    sensitivity : whether to add how the peak depends on each number, from one adjoint solution (from differences where
        properties depend on T or layers are heated throughout)

    Raises
    ------
    InputError, ConvergenceError
        as `solved`
    """
    held = solved(device)
    ready = held.linear
    rises = ready.rise(held.spot)[:, 0]
    drops: dict[str, float] = {}
    for i in range(held.node, len(ready.column.pieces)):
        owner = ready.column.owners[i]
        drops[owner] = drops.get(owner, 0.0) + float(rises[i] - rises[i + 1])
    if np.isfinite(device.coefficient) and rises[-1]:
        drops["sink"] = float(rises[-1])
    slopes = sensitivities(device, held) if sensitivity else {}
    return DeviceTemperatures(
        device.title,
        device.sink,
        device.power,
        held.peak,
        [float(held.spot.x[0]), float(held.spot.y[0]), ready.column.depths[held.node]],
        layer_at(ready, held.node),
        averages(device, ready),
        drops,
        slopes,
        contributions(device, slopes, held.kelvin),
        held.kelvin,
        held.iterations,
    )


def layer_at(ready: Linear, node: int) -> str:
    """Layer that a node lies in, or on the face of."""
    i = min(node, len(ready.column.pieces) - 1)
    plane = next((p for p, mark in zip(ready.planes, ready.column.marks, strict=True) if mark == node), None)
    return ready.column.owners[i] if plane is None else plane.layer


def averages(device: Device, ready: Linear) -> dict[str, float]:
    """Rise averaged over the patch of each source that has one, and over each patch of the device, by name, K."""
    found: dict[str, float] = {}
    for name, (plane, patch) in patches_of(device).items():
        found[name] = float(ready.rise(patch, ready.node(plane))[0])
    return found


def patches_of(device: Device) -> dict[str, tuple[Plane, Patch]]:
    """Where temperatures are averaged: sources that are rectangles or discs or take all of a box, and patches."""
    found: dict[str, tuple[Plane, Patch]] = {}
    for source in device.sources:
        plane = plane_of(device, source)
        if isinstance(source.shape, (Rectangle, Disc)):
            found[source.name] = plane, source.shape
        elif source.shape is None and device.box is not None:
            found[source.name] = plane, Rectangle((0.0, device.box.width), (0.0, device.box.depth))
    return found | dict(device.patches)
