"""Steady solution of a device, with properties at the temperatures that they then have."""

from collections.abc import Mapping

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.device.description import Device
from kapitza.device.hot_spot import hottest
from kapitza.device.linear import Linear, linear, numeric
from kapitza.device.setup import Plane
from kapitza.device.spread import Spots
from kapitza.errors import ConvergenceError

SETTLED = 1e-9  # relative change of the hottest rise between two solutions
LIMIT = 60
NODES = 12  # of the mean of a conductivity between two temperatures


@frozen(eq=False)
class Solved:
    """A device with the numbers that its layers and boundaries take at their temperatures.

    Attributes
    ----------
    linear : the device with plain numbers, ready to be asked
    spot, node : the hottest point and its node
    peak : its rise, K
    kelvin : temperature of each layer and boundary with properties of T, by name, K
    iterations : solutions until these settled
    """

    linear: Linear
    spot: Spots
    node: int
    peak: float
    kelvin: Mapping[str, float]
    iterations: int


def solved(device: Device, planes: tuple[Plane, ...] = ()) -> Solved:
    r"""Solve a device, with conductivities and conductances at the temperatures that they then have.

    What depends on temperature is taken on the line below the hottest point: a layer with its mean over the
    temperatures between its faces there, $\int k\,dT/\Delta T$, as Kirchhoff's transform has it, a boundary at the
    mean of its two sides.  Away from that line a layer is cooler; where it conducts worse the hotter it is, the peak
    comes out too high.

    Raises
    ------
    ConvergenceError
        if the temperatures do not settle: the device runs away
    InputError
        where a temperature leaves the range in which a property is known
    """
    values: dict[str, float] = {}
    last = 0.0
    for i in range(LIMIT):
        ready = linear(numeric(device, values), planes)
        spot, node, peak = hottest(ready)
        means = line_means(device, ready, device.sink + ready.rise(spot)[:, 0])
        if not means or abs(peak - last) < SETTLED * abs(peak):
            return Solved(ready, spot, node, peak, {name: mean[0] for name, mean in means.items()}, i + 1)
        values, last = {name: mean[1] for name, mean in means.items()}, peak
    raise ConvergenceError(
        f"{device.title}: after {LIMIT} solutions the hottest point still moves, now {last:.6g} K above the sink: "
        "heat is conducted worse the hotter it gets, and there may be no steady state",
        last=last,
    )


def line_means(device: Device, ready: Linear, kelvin: Array) -> dict[str, tuple[float, float]]:
    """Temperature (K) and value of each layer and boundary with properties of T, from the temperatures of all nodes."""
    found: dict[str, tuple[float, float]] = {}
    for name, law in device.laws.items():
        pieces = ready.column.within(name)
        top, bottom = kelvin[pieces[0]], kelvin[pieces[-1] + 1]
        node, weight = np.polynomial.legendre.leggauss(NODES)
        between = (top + bottom) / 2 + (top - bottom) / 2 * node
        found[name] = float((top + bottom) / 2), float(weight @ law.at(between)) / 2
    for name, boundary in zip(device.stack.boundary_names, device.stack.boundaries, strict=True):
        if isinstance(boundary.conductance, Conductance):
            i = ready.column.owners.index(name)
            middle = float(kelvin[i] + kelvin[i + 1]) / 2
            found[name] = middle, float(boundary.conductance.at(middle)[0])
    return found
