r"""Thermal runaway of a superconductor in helium: the currents at which normal zones live, grow and die.

A hot zone and a cold one meet in a front.  It moves towards the cold side where the heat between both temperatures
exceeds the cooling, $\int_{T_c}^{T_h}(Q - P)\,k\,dT < 0$, and stands still where both areas are equal (Maddock, James
and Norris).  Below that current every normal zone shrinks; above it, one long enough grows.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.device.cryogenic import Bath, SteadyState, Superconductor, steady_states, surface_temperature
from kapitza.errors import InputError

STEPS = 44
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


@frozen
class Runaway:
    """What current a device bears.

    Attributes
    ----------
    holding : below which no normal state exists, A; the critical current if there is none at all
    propagating : below which every normal zone shrinks, A; the critical current if all do
    critical : from which the device heats itself even when cold, A
    quench : from which no state near the bath is left, A
    hot : normal state at the propagating current, or None
    """

    holding: float
    propagating: float
    critical: float
    quench: float
    hot: SteadyState | None

    @property
    def stable(self) -> bool:
        """Whether normal zones shrink up to the critical current."""
        return self.propagating >= self.critical * (1 - 1e-9)


def runaway(bath: Bath, device: Superconductor, *, load: float = 0.0) -> Runaway:
    """Currents at which a normal zone can live, grow, and take over.

    Parameters
    ----------
    bath : the helium
    device : the superconductor; its heat conductivity does not depend on temperature
    load : heat per area from elsewhere, W m⁻²

    Raises
    ------
    InputError
        where the load alone makes the device normal

    References
    ----------
    B. J. Maddock, G. B. James and W. T. Norris, Cryogenics 9, 261 (1969)
    W. J. Skocpol, M. R. Beasley and M. Tinkham, J. Appl. Phys. 45, 4054 (1974)
    """
    critical = cold_current(bath, device, load)
    bounds = 1e-6 * device.critical_current, critical * (1 - 1e-9)

    def has_hot(current: float) -> bool:
        return hot_state(bath, device, current, load) is not None

    def grows(current: float) -> bool:
        hot = hot_state(bath, device, current, load)
        return hot is not None and front_balance(bath, device, current, load=load) < 0

    def escapes(current: float) -> bool:
        states = [one for one in steady_states(bath, device, current, load=load) if one.stable]
        return not states or states[0].temperature >= device.critical_temperature

    holding = first_current(has_hot, *bounds)
    propagating = first_current(grows, *bounds)
    quench = first_current(escapes, bounds[0], 20 * device.critical_current)
    return Runaway(holding, propagating, critical, quench, hot_state(bath, device, propagating, load))


def cold_current(bath: Bath, device: Superconductor, load: float) -> float:
    """Current from which the device, as warm as the load makes it, is no longer free of resistance, A."""
    surface = surface_temperature(bath, load)
    if surface >= device.critical_temperature:
        raise InputError(
            f"the load of {load:g} W/m² alone warms the device to {surface:.4g} K, above its "
            f"{device.critical_temperature:g} K"
        )
    return (
        device.critical_current
        * (device.critical_temperature - surface)
        / (device.critical_temperature - bath.temperature)
    )


def hot_state(bath: Bath, device: Superconductor, current: float, load: float) -> SteadyState | None:
    """Coldest stable state above where the current starts to leave the superconductor, if there is one."""
    start = device.sharing_temperature(current, bath.temperature)
    states = steady_states(bath, device, current, load=load)
    return next((one for one in states if one.stable and one.temperature > start), None)


def front_balance(bath: Bath, device: Superconductor, current: float, *, load: float = 0.0) -> float:
    """Cooling less heat, summed from the cold to the hot state, W m⁻² K; below 0 the hot side advances.

    Parameters
    ----------
    bath, device, current, load : as for `steady_states`

    Raises
    ------
    InputError
        where there is no hot state, and so no front
    """
    hot = hot_state(bath, device, current, load)
    if hot is None:
        raise InputError(f"at {current:g} A there is no normal state, and so no front")
    cold = steady_states(bath, device, current, load=load)[0].temperature
    corners = {*bath.corners, *device.corners(current, bath.temperature)}
    edges = [cold, *sorted(c for c in corners if cold < c < hot.temperature), hot.temperature]
    total = 0.0
    for low, high in pairwise(edges):
        kelvin: Array = (low + high) / 2 + (high - low) / 2 * NODES
        excess = bath.flux(kelvin) - device.heat(kelvin, current, bath.temperature) - load
        total += float(excess @ WEIGHTS) * (high - low) / 2
    return total


def first_current(test: Callable[[float], bool], low: float, high: float) -> float:
    """Smallest current from which a test holds, A; the upper bound if it does not hold there."""
    if not test(high):
        return high
    if test(low):
        return low
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if test(middle) else (middle, high)
    return high
