"""A superconducting chip in liquid helium: operating points, thermal runaway and quench."""

import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from kapitza.core.arrays import Array, about, number, one_of, quantity, without_unit
from kapitza.core.quadrature import panel_quadrature
from kapitza.core.records import BaseRecord, default_number
from kapitza.errors import InputError, ValidityWarning

HeatingModel = Literal["sharing", "step"]
HEATING_MODELS: tuple[HeatingModel, ...] = ("sharing", "step")
_MINIMUM_TRISECTIONS = 60
_ROOT_TOLERANCE = 1e-15  # of a temperature
_INTERVAL_MARGIN = 1e-12  # of a temperature: how far from its edges a piece is taken
_HELIUM_CRITICAL_POINT = 5.2  # K, of helium-4; of helium-3 3.3 K
_MAX_OPERATING_TEMPERATURE = 1e4  # K, up to which steady states are sought


@frozen(kw_only=True)
class HeliumBath(BaseRecord):
    r"""Liquid helium at a surface, with the Kapitza resistance $1/nAT^{n-1}$; $A = \sigma/4$ of a T³ law.

    Raises
    ------
    InputError
        for values outside of their range, or a recovery that is not below the critical flux and above its temperature
    """

    temperature: float = field(converter=number, validator=quantity(), metadata=about("K", "of the bath"))
    coefficient: float = field(converter=number, validator=quantity(), metadata=about("W m^-2 K^-n", "A of A(Tⁿ-T_bⁿ)"))
    exponent: float = field(default=4.0, converter=number, validator=quantity(high=8.0), metadata=about("1", "n"))
    critical: float = field(default=np.inf, converter=number, metadata=about("W m^-2", "where a film of vapour forms"))
    recovery: float = default_number(0.0, about("W m^-2", "at which the film collapses again"))
    film: float = field(default=0.0, converter=number, metadata=about("W m^-2 K^-1", "heat transfer through the film"))
    recovery_rise: float | None = field(default=None, metadata=about("K", "where the film collapses, or recovery/film"))

    def __attrs_post_init__(self) -> None:
        if self.exponent < 1:
            raise InputError(f"exponent = {self.exponent:g}, wanted at least 1 (4 for a resistance that falls with T³)")
        if not self.critical > 0:
            raise InputError(f"critical = {self.critical:g} W/m², wanted above 0")
        if np.isinf(self.critical):
            return
        if not (0 < self.recovery < self.critical and 0 < self.film < np.inf):
            raise InputError(
                f"boiling needs a recovery below the critical {self.critical:g} W/m² and a film coefficient, got "
                f"recovery = {self.recovery:g} W/m² and film = {self.film:g} W/m²K"
            )
        if not self.collapse > self.burnout:
            raise InputError(
                f"the film collapses at {self.collapse:.4g} K, below the {self.burnout:.4g} K where it forms: give a "
                "lower film coefficient or a larger recovery_rise"
            )

    @property
    def burnout(self) -> float:
        """Temperature of the surface at the critical flux, K."""
        return float((self.critical / self.coefficient + self.temperature**self.exponent) ** (1 / self.exponent))

    @property
    def collapse(self) -> float:
        """Temperature of the surface where the film collapses, K."""
        rise = self.recovery / self.film if self.recovery_rise is None else self.recovery_rise
        return self.temperature + rise

    @property
    def corners(self) -> tuple[float, ...]:
        """Temperatures at which another law starts, K."""
        return () if np.isinf(self.critical) else (self.burnout, self.collapse)

    def flux(self, surface: ArrayLike) -> Array:
        """(n,) heat flux from a surface (K) into the bath, W m⁻²."""
        kelvin = np.asarray(without_unit(surface, "K"), dtype=float)
        kapitza = self.coefficient * (kelvin**self.exponent - self.temperature**self.exponent)
        if np.isinf(self.critical):
            return kapitza
        along = (kelvin - self.burnout) / (self.collapse - self.burnout)
        transition = self.critical + along * (self.recovery - self.critical)
        film = self.recovery + self.film * (kelvin - self.collapse)
        return np.where(kelvin <= self.burnout, kapitza, np.where(kelvin < self.collapse, transition, film))

    def kapitza_resistance(self, temperature: ArrayLike) -> Array:
        """(n,) 1/nATⁿ⁻¹ for small differences, m² K W⁻¹."""
        kelvin = np.asarray(without_unit(temperature, "K"), dtype=float)
        return 1 / (self.exponent * self.coefficient * kelvin ** (self.exponent - 1))


@frozen
class Superconductor(BaseRecord):
    r"""A film or wire that heats itself where it is normal.

    Attributes
    ----------
    heating : "sharing": current in excess of $I_c(T)$, which falls linearly to 0 at $T_c$, flows in the normal metal
        beside it.  "step": all of it is normal above $T_c(I)$
    """

    critical_temperature: float = field(converter=number, validator=quantity(), metadata=about("K", "without current"))
    critical_current: float = field(converter=number, validator=quantity(), metadata=about("A", "at bath temperature"))
    resistance: float = field(converter=number, validator=quantity(), metadata=about("ohm m^-1", "normal, per length"))
    perimeter: float = field(converter=number, validator=quantity(), metadata=about("m", "of what the helium touches"))
    heating: HeatingModel = field(default="sharing", validator=one_of(*HEATING_MODELS))

    def sharing_temperature(self, current: float, bath: float) -> float:
        """Temperature at which a current (A) leaves the superconductor, K; below the bath for one too large."""
        share = abs(current) / self.critical_current
        return self.critical_temperature - share * (self.critical_temperature - bath)

    def heat(self, temperature: ArrayLike, current: float, bath: float) -> Array:
        """(n,) heat per area of its surface, W m⁻², at temperatures (K) and a current (A)."""
        kelvin = np.asarray(without_unit(temperature, "K"), dtype=float)
        start = self.sharing_temperature(current, bath)
        full = current**2 * self.resistance / self.perimeter
        if self.heating == "step" or not start < self.critical_temperature:
            return np.asarray(full * (kelvin > start), dtype=float)
        share = np.clip((kelvin - start) / (self.critical_temperature - start), 0.0, 1.0)
        return np.asarray(full * share, dtype=float)

    def corners(self, current: float, bath: float) -> tuple[float, ...]:
        """Temperatures at which another law starts, K."""
        return self.sharing_temperature(current, bath), self.critical_temperature


@frozen
class OperatingPoint(BaseRecord):
    """A temperature at which heat and cooling are equal; stable where small deviations die out.

    Examples
    --------
    >>> from kapitza.applications import HeliumBath, Superconductor, operating_points
    >>> bath = HeliumBath(temperature=4.2, coefficient=40.0, critical=1e4, recovery=3e3, film=600.0)
    >>> niobium = Superconductor(9.2, 10.0, 2.0, 10e-3)
    >>> for point in operating_points(bath, niobium, 8.0):
    ...     print(f"{point.temperature:.1f} K, {point.regime}, {'stable' if point.stable else 'unstable'}")
    4.2 K, Kapitza, stable
    7.2 K, transition, unstable
    25.5 K, film, stable
    """

    temperature: float = field(metadata=about("K", "of the surface"))
    flux: float = field(metadata=about("W m^-2", "heat flux through the surface"))
    stable: bool
    regime: str  # "Kapitza", "transition" or "film"


def surface_temperature(bath: HeliumBath, flux: float) -> float:
    """Coldest steady temperature of a surface that gives off a heat flux (W m⁻²), K."""
    states = operating_points(bath, load=flux)
    if not states:
        raise InputError(
            f"the helium cannot take up {flux:g} W/m² from a surface below {_MAX_OPERATING_TEMPERATURE:g} K"
        )
    return states[0].temperature


def operating_points(
    bath: HeliumBath, device: Superconductor | None = None, current: float = 0.0, *, load: float = 0.0
) -> tuple[OperatingPoint, ...]:
    """All temperatures up to 10,000 K at which a chip is steady, the coldest first; stable and unstable ones.

    Parameters
    ----------
    bath : the helium
    device : what heats itself; None for a load alone
    current : through the device, A
    load : heat per area that is there at any temperature, W m⁻²

    Raises
    ------
    InputError
        for a load below 0, or a device that is normal in the bath

    Warns
    -----
    ValidityWarning
        for a bath above the critical point of helium, 5.2 K
    """
    if not 0 <= load < np.inf:
        raise InputError(f"load = {load:g} W/m², wanted a finite number of at least 0")
    if bath.temperature > _HELIUM_CRITICAL_POINT:
        warnings.warn(
            f"a bath of {bath.temperature:g} K: helium is not a liquid above {_HELIUM_CRITICAL_POINT:g} K",
            ValidityWarning,
            stacklevel=2,
        )
    if device is not None and not device.critical_temperature > bath.temperature:
        raise InputError(
            f"the device is normal above {device.critical_temperature:g} K, and the bath has {bath.temperature:g} K"
        )

    def heat(kelvin: Array) -> Array:
        own = 0.0 if device is None else device.heat(kelvin, current, bath.temperature)
        return load + own + np.zeros_like(kelvin)

    corners = set(bath.corners) | (set() if device is None else set(device.corners(current, bath.temperature)))
    inner = sorted(c for c in corners if bath.temperature < c < _MAX_OPERATING_TEMPERATURE)
    places = _balance_roots(lambda t: bath.flux(t) - heat(t), [bath.temperature, *inner, _MAX_OPERATING_TEMPERATURE])
    return tuple(_classify_point(bath, heat, kelvin) for kelvin in places)


def _classify_point(bath: HeliumBath, heat: Callable[[Array], Array], kelvin: float) -> OperatingPoint:
    step = 1e-7 * kelvin  # either side by itself, as heat may jump here
    near = np.array([kelvin - step, kelvin, kelvin + step])
    excess = bath.flux(near) - heat(near)
    below = excess[0] < 0 or kelvin <= bath.temperature * (1 + 1e-12)
    regime = "Kapitza"
    if bath.corners and kelvin > bath.burnout:
        regime = "film" if kelvin >= bath.collapse else "transition"
    return OperatingPoint(kelvin, float(bath.flux(near)[1]), bool(below and excess[2] > 0), regime)


def _balance_roots(excess: Callable[[Array], Array], edges: Sequence[float]) -> list[float]:
    """All places where cooling equals heat, of a function that is convex or straight between each two edges.

    Such a piece has two zeros at most, one on either side of its minimum.  Each piece is taken a little inside of its
    edges, as heat may jump there; a sign that differs on the two sides of an edge is a zero at the edge.  Below the
    first edge, the bath, everything warms up.
    """

    def excess_at(kelvin: float) -> float:
        return float(excess(np.array([kelvin]))[0])

    def root(low: float, high: float) -> float:
        kelvin: Any = brentq(excess_at, low, high, xtol=_ROOT_TOLERANCE * low)
        return float(kelvin)

    roots: list[float] = []
    before = -1.0
    for low, high in pairwise(edges):
        start, stop = low + _INTERVAL_MARGIN * low, high - _INTERVAL_MARGIN * high
        if not start < stop:
            continue
        first, last = excess(np.array([start, stop])).tolist()
        if before * first < 0:
            roots.append(low)
        if first * last < 0:
            roots.append(root(start, stop))
        elif first > 0 and (lowest := _negative_point(excess, start, stop)) is not None:
            roots += [root(start, lowest), root(lowest, stop)]
        before = last
    return roots


def _negative_point(excess: Callable[[Array], Array], low: float, high: float) -> float | None:
    """Place where a convex function that is positive at both ends is negative, by thirds; None if it is nowhere."""
    for _ in range(_MINIMUM_TRISECTIONS):
        third = (high - low) / 3
        one, other = excess(np.array([low + third, high - third]))
        if min(one, other) < 0:  # any negative point brackets both zeros: the minimum itself is not needed
            return low + third if one < 0 else high - third
        low, high = (low + third, high) if one > other else (low, high - third)
    return None


_CURRENT_BISECTIONS = 44
_AREA_NODES = 24  # of each piece of the balance of a front


@frozen
class RunawayCurrents(BaseRecord):
    """What current a device bears.

    Attributes
    ----------
    holding : below which no normal state exists, A; the critical current if there is none at all
    propagating : below which every normal zone shrinks, A; the critical current if all do
    hot : normal state at the propagating current, or None

    Examples
    --------
    >>> from kapitza.applications import HeliumBath, Superconductor, runaway_currents
    >>> bath = HeliumBath(temperature=4.2, coefficient=40.0, critical=1e4, recovery=3e3, film=600.0)
    >>> niobium = Superconductor(9.2, 10.0, 2.0, 10e-3)
    >>> limits = runaway_currents(bath, niobium)
    >>> print(f"normal zones shrink below {limits.propagating:.2f} A; stable to the critical current: {limits.stable}")
    normal zones shrink below 6.24 A; stable to the critical current: False
    """

    holding: float = field(metadata=about("A", "no normal zone lives below"))
    propagating: float = field(metadata=about("A", "normal zones shrink below"))
    critical: float = field(metadata=about("A", "free of resistance up to"))
    quench: float = field(metadata=about("A", "no cold state from"))
    hot: OperatingPoint | None

    @property
    def stable(self) -> bool:
        """Whether normal zones shrink up to the critical current."""
        return self.propagating >= self.critical * (1 - 1e-9)


def runaway_currents(bath: HeliumBath, device: Superconductor, *, load: float = 0.0) -> RunawayCurrents:
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
    surface = surface_temperature(bath, load)
    if surface >= device.critical_temperature:
        raise InputError(
            f"the load of {load:g} W/m² alone warms the device to {surface:.4g} K, above its "
            f"{device.critical_temperature:g} K"
        )
    room = device.critical_temperature - bath.temperature  # warmed by the load, it resists from a smaller current on
    critical = device.critical_current * (device.critical_temperature - surface) / room
    bounds = 1e-6 * device.critical_current, critical * (1 - 1e-9)

    def has_hot(current: float) -> bool:
        return _hot_state(bath, device, current, load) is not None

    def grows(current: float) -> bool:
        hot = _hot_state(bath, device, current, load)
        return hot is not None and front_balance(bath, device, current, load=load) < 0

    def escapes(current: float) -> bool:
        states = [point for point in operating_points(bath, device, current, load=load) if point.stable]
        return not states or states[0].temperature >= device.critical_temperature

    holding = _first_current(has_hot, *bounds)
    propagating = _first_current(grows, *bounds)  # equal areas: Maddock, James and Norris 1969
    quench = _first_current(escapes, bounds[0], 20 * device.critical_current)
    return RunawayCurrents(holding, propagating, critical, quench, _hot_state(bath, device, propagating, load))


def _hot_state(bath: HeliumBath, device: Superconductor, current: float, load: float) -> OperatingPoint | None:
    """Coldest stable state above where the current starts to leave the superconductor, if there is one."""
    start = device.sharing_temperature(current, bath.temperature)
    states = operating_points(bath, device, current, load=load)
    return next((point for point in states if point.stable and point.temperature > start), None)


def front_balance(bath: HeliumBath, device: Superconductor, current: float, *, load: float = 0.0) -> float:
    """Cooling less heat, integrated from the cold to the hot state, W m⁻² K; below 0 the hot side advances."""
    hot = _hot_state(bath, device, current, load)
    if hot is None:
        raise InputError(f"at {current:g} A there is no normal state and hence no front")
    cold = operating_points(bath, device, current, load=load)[0].temperature
    corners = {*bath.corners, *device.corners(current, bath.temperature)}
    edges = [cold, *sorted(c for c in corners if cold < c < hot.temperature), hot.temperature]
    kelvin, weight = panel_quadrature(np.array(edges), _AREA_NODES)
    excess = bath.flux(kelvin) - device.heat(kelvin, current, bath.temperature) - load
    return float(excess @ weight)  # the heat conductivity, being constant, drops out of the sign


def _first_current(test: Callable[[float], bool], low: float, high: float) -> float:
    """Smallest current from which a test holds, A; the upper bound if it does not hold there."""
    if not test(high):
        return high
    if test(low):
        return low
    for _ in range(_CURRENT_BISECTIONS):  # more current only adds heat: a test that holds goes on holding
        middle = (low + high) / 2
        low, high = (low, middle) if test(middle) else (middle, high)
    return high
