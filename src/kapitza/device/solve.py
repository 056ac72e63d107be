"""Steady solution of a device, with properties at the temperatures that they then have."""

from collections.abc import Mapping

from attrs import frozen

from kapitza.core.conductance import Conductance
from kapitza.device.description import Device
from kapitza.device.hot_spot import hottest
from kapitza.device.linear import Linear, linear, numeric
from kapitza.device.means import inner_planes, weighted_means
from kapitza.device.setup import Plane
from kapitza.device.spread import Spots
from kapitza.errors import ConvergenceError

SETTLED = 1e-8  # relative change of the hottest rise between two solutions
LIMIT = 60


@frozen(eq=False)
class Solved:
    """A device with the numbers that its layers and boundaries take at their temperatures.

    Attributes
    ----------
    linear : the device with plain numbers, ready to be asked
    spot, node : the hottest point and its node
    peak : its rise, K
    kelvin : temperature of each layer and boundary with properties of T, by name, K
    values : conductivity or conductance of each of these, by name, SI
    iterations : solutions until these settled
    """

    linear: Linear
    spot: Spots
    node: int
    peak: float
    kelvin: Mapping[str, float]
    values: Mapping[str, float]
    iterations: int


def solved(device: Device, planes: tuple[Plane, ...] = (), start: Mapping[str, float] | None = None) -> Solved:
    r"""Solve a device, with conductivities and conductances at the temperatures that they then have.

    A layer whose conductivity depends on temperature is taken with the one number that to first order leaves the peak
    where it is (`kapitza.device.means`), a boundary likewise, until these settle.  The remaining error is of second
    order in how much the property varies within the layer where the heat flows.

    Parameters
    ----------
    device : any
    planes : to cut at, besides those of sources and patches
    start : values of layers and boundaries to start from, by name

    Raises
    ------
    ConvergenceError
        if the temperatures do not settle: the device runs away
    InputError
        where a temperature leaves the range in which a property is known
    """
    values = dict(start or {})
    varies = bool(device.laws) or any(isinstance(b.conductance, Conductance) for b in device.stack.boundaries)
    cuts = (*planes, *(inner_planes(device) if varies else ()))
    last = 0.0
    for i in range(LIMIT):
        ready = linear(numeric(device, values), cuts)
        spot, node, peak = hottest(ready)
        means = weighted_means(device, ready, spot, node) if varies else {}
        if not varies or abs(peak - last) < SETTLED * abs(peak):
            return Solved(ready, spot, node, peak, {name: one[0] for name, one in means.items()}, values, i + 1)
        values, last = {name: one[1] for name, one in means.items()}, peak
    raise ConvergenceError(
        f"{device.title}: after {LIMIT} solutions the hottest point still moves, now {last:.6g} K above the sink: "
        "heat is conducted worse the hotter it gets, and there may be no steady state",
        last=last,
    )
