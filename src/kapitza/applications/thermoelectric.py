"""A thermoelectric leg between contacts that resist current and heat, with averaged or local properties."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike
from scipy.integrate import solve_bvp
from scipy.optimize import minimize_scalar

from kapitza.core.arrays import (
    Array,
    about,
    check_choice,
    finite,
    increasing,
    number,
    quantity,
    same_length,
    temperatures,
    without_unit,
)
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord, default_number
from kapitza.core.stack import Boundary
from kapitza.errors import ConvergenceError, InputError


def _best_point(value: Callable[[float], float], low: float, high: float, *, tolerance: float) -> float:
    """Place of the maximum of a function with one peak between two numbers, to a tolerance (Brent)."""

    def loss(x: float) -> float:
        return -value(float(x))

    found: Any = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": tolerance})
    return float(found.x)


LegGoal = Literal["power", "efficiency", "cooling", "cop"]
LegModel = Literal["averaged", "local"]
_LEG_GOALS: tuple[LegGoal, ...] = ("power", "efficiency", "cooling", "cop")
_LEG_MODELS: tuple[LegModel, ...] = ("averaged", "local")
# share of the current limit up to which a goal is sought, and the tolerance of that share
_SEARCHES: dict[LegModel, tuple[float, float]] = {"averaged": (1.0, 1e-9), "local": (0.95, 1e-5)}
_LENGTH_SPAN = 1e6  # between the shortest and the longest leg that are tried


@frozen(eq=False)
class LegProperty(BaseRecord):
    """A property of a leg against temperature, linear between points and constant beyond them."""

    temperature: Array = field(converter=lambda t: increasing(temperatures(t)), metadata=about("K", "(n,) increasing"))
    value: Array = field(converter=finite, validator=same_length("temperature"), metadata=about("SI", "(n,) at these"))

    def at(self, temperature: ArrayLike) -> Array:
        """(nT,) value."""
        return np.interp(np.asarray(without_unit(temperature, "K"), dtype=float), self.temperature, self.value)

    def slope(self, temperature: ArrayLike) -> Array:
        """(nT,) derivative by temperature; 0 beyond the points."""
        wanted = np.asarray(without_unit(temperature, "K"), dtype=float)
        if self.temperature.size == 1:
            return np.zeros_like(wanted)
        steps = np.concatenate([[0.0], np.diff(self.value) / np.diff(self.temperature), [0.0]])
        return steps[np.searchsorted(self.temperature, wanted)]

    def mean(self, low: float, high: float) -> float:
        """Mean between two temperatures, exact."""
        if high <= low:
            return float(self.at(low))
        inner = self.temperature[(self.temperature > low) & (self.temperature < high)]
        nodes = np.concatenate([[low], inner, [high]])
        return float(np.trapezoid(self.at(nodes), nodes) / (high - low))


def _as_leg_property(value: "float | LegProperty") -> LegProperty:
    return value if isinstance(value, LegProperty) else LegProperty([300.0], [value])


def _check_positive_property(_instance: object, attribute: object, value: LegProperty) -> None:
    if not (value.value > 0).all():
        raise InputError(f"{getattr(attribute, 'name', '')} = {value.value.min():g}, wanted values above 0")


def check_not_negative(_instance: object, attribute: object, value: float) -> None:
    """Validate that a field is finite and not below zero."""
    if not 0 <= value < np.inf:
        raise InputError(f"{getattr(attribute, 'name', '')} = {value:g}, wanted a finite number of at least 0")


@frozen(eq=False, kw_only=True)
class ThermoelectricLeg(BaseRecord):
    """A leg with its contacts.

    Attributes
    ----------
    hot_conductance, cold_conductance : numbers, infinite for none, or Conductances of T with the extrapolated drop

    Raises
    ------
    InputError
        for values outside of their range
    """

    length: float = field(converter=number, validator=quantity(), metadata=about("m", "of the leg"))
    area: float = field(converter=number, validator=quantity(), metadata=about("m^2", "of its cross section"))
    seebeck: LegProperty = field(converter=_as_leg_property, metadata=about("V K^-1", "coefficient, of either sign"))
    resistivity: LegProperty = field(
        converter=_as_leg_property, validator=_check_positive_property, metadata=about("ohm m", "electrical")
    )
    conductivity: LegProperty = field(
        converter=_as_leg_property, validator=_check_positive_property, metadata=about("W m^-1 K^-1", "thermal")
    )
    hot_resistivity: float = default_number(
        0.0, about("ohm m^2", "electrical resistance times area of the hot contact"), check_not_negative
    )
    cold_resistivity: float = default_number(0.0, about("ohm m^2", "the same of the cold contact"), check_not_negative)
    hot_conductance: float | Conductance = field(
        default=np.inf, metadata=about("W m^-2 K^-1", "of the hot contact to heat")
    )
    cold_conductance: float | Conductance = field(
        default=np.inf, metadata=about("W m^-2 K^-1", "of the cold contact to heat")
    )

    def __attrs_post_init__(self) -> None:
        Boundary(self.hot_conductance)
        Boundary(self.cold_conductance)

    @property
    def constant(self) -> bool:
        """Whether no property depends on temperature."""
        return all(one.temperature.size == 1 for one in (self.seebeck, self.resistivity, self.conductivity))

    def thermal(self, hot: float, cold: float) -> tuple[float, float]:
        """Resistance of both contacts to heat at the temperatures of the reservoirs, m² K W⁻¹."""
        return Boundary(self.hot_conductance).resistance(hot), Boundary(self.cold_conductance).resistance(cold)


@frozen(kw_only=True)
class LegState(BaseRecord):
    """A leg at work between two reservoirs.

    Examples
    --------
    >>> from kapitza.applications import ThermoelectricLeg, leg_state
    >>> leg = ThermoelectricLeg(length=1e-3, area=1e-6, seebeck=200e-6, resistivity=1e-5, conductivity=1.5)
    >>> state = leg_state(leg, 450.0, 300.0, 1.0)
    >>> print(f"{state.power * 1e3:.1f} mW of {state.heat_in:.3f} W: {state.efficiency:.1%}")
    20.0 mW of 0.310 W: 6.5%
    >>> print(abs(state.heat_in - state.heat_out - state.power) < 1e-12)
    True
    """

    hot: float = field(metadata=about("K", "temperature of the hot reservoir"))
    cold: float = field(metadata=about("K", "temperature of the cold reservoir"))
    hot_junction: float = field(metadata=about("K", "of the hot end of the leg, inside of the thermal contact"))
    cold_junction: float = field(metadata=about("K", "of the cold end of the leg, inside of the thermal contact"))
    current: float = field(metadata=about("A", "electric current"))
    voltage: float = field(metadata=about("V", "voltage at the terminals"))
    heat_in: float = field(metadata=about("W", "that the hot reservoir gives"))
    heat_out: float = field(metadata=about("W", "that the cold reservoir takes"))

    @property
    def power(self) -> float:
        """Electrical power that the leg gives, W; below zero where it takes power."""
        return self.current * self.voltage

    @property
    def efficiency(self) -> float:
        """Power over heat from the hot reservoir."""
        return self.power / self.heat_in

    @property
    def cooling(self) -> float:
        """Heat that is taken from the cold reservoir, W."""
        return -self.heat_out

    @property
    def cop(self) -> float:
        """Heat taken from the cold reservoir over the power for it."""
        return self.cooling / -self.power


def figure_of_merit(leg: ThermoelectricLeg, hot: float, cold: float) -> tuple[float, float]:
    r"""ZT of the material and of the leg with its contacts, at the mean of both temperatures (K).

    $ZT = S^2\bar T/\rho\kappa$ with properties averaged between both temperatures; contacts divide it by $(1 +
    \sum\rho_c/\rho L)(1 + \kappa\sum R/L)$.
    """
    _check_reservoirs(hot, cold)
    s, rho, k = _mean_leg_properties(leg, hot, cold)
    bare = s**2 * (hot + cold) / 2 / (rho * k)
    electrical = 1 + (leg.hot_resistivity + leg.cold_resistivity) / (rho * leg.length)
    thermal = 1 + k * sum(leg.thermal(hot, cold)) / leg.length
    return bare, bare / (electrical * thermal)


def leg_state(
    leg: ThermoelectricLeg, hot: float, cold: float, current: float, *, properties: LegModel = "averaged"
) -> LegState:
    r"""A leg at a current.

    With $K = \kappa A/L$ and $R = \rho L/A$, $Q_1 = SIT_1 + K(T_1 - T_2) - \tfrac12I^2R - I^2\rho_{c1}/A$ and
    $Q_2 = SIT_2 + K(T_1 - T_2) + \tfrac12I^2R + I^2\rho_{c2}/A$, $T_h - T_1 = R_1Q_1/A$, $T_2 - T_c = R_2Q_2/A$;
    with local properties the equations of H. B. Callen, Phys. Rev. 73, 1349 (1948), along the leg.

    Parameters
    ----------
    leg : the leg
    hot, cold : temperatures of the reservoirs, K
    current : A, positive from the hot to the cold end
    properties : "averaged" between the reservoirs, exact if they are constant, or "local": of the local temperature

    Raises
    ------
    InputError
        for temperatures that are not above zero or in the wrong order
    ConvergenceError
        if no profile with local properties is found: the current is far beyond what the leg bears
    """
    check_choice(properties, _LEG_MODELS, "properties")
    _check_reservoirs(hot, cold)
    return (_averaged_leg if properties == "averaged" else _local_leg)(leg, hot, cold, current)


def _averaged_leg(leg: ThermoelectricLeg, hot: float, cold: float, current: float) -> LegState:
    s, rho, k = _mean_leg_properties(leg, hot, cold)
    conduction, inside = k * leg.area / leg.length, rho * leg.length / leg.area
    ends = [leg.hot_resistivity / leg.area, leg.cold_resistivity / leg.area]
    first, second = (one / leg.area for one in leg.thermal(hot, cold))
    peltier, joule = s * current, current**2 * inside / 2
    fixed = [-joule - current**2 * ends[0], joule + current**2 * ends[1]]  # Joule heat leaves half by either end
    at_hot = [1 + first * (peltier + conduction), -first * conduction]
    at_cold = [-second * conduction, 1 - second * (peltier - conduction)]
    given = np.array([hot - first * fixed[0], cold + second * fixed[1]])
    one, two = np.linalg.solve(np.array([at_hot, at_cold]), given).tolist()
    passed = conduction * (one - two)
    return LegState(
        hot=hot,
        cold=cold,
        hot_junction=one,
        cold_junction=two,
        current=current,
        voltage=s * (one - two) - current * (inside + sum(ends)),
        heat_in=peltier * one + passed + fixed[0],
        heat_out=peltier * two + passed + fixed[1],
    )


def best_leg_state(
    leg: ThermoelectricLeg, hot: float, cold: float, goal: LegGoal = "power", *, properties: LegModel = "averaged"
) -> LegState:
    """The leg at the current that is best for something.

    Parameters
    ----------
    leg, hot, cold, properties : as for `leg_state`
    goal : "power" or "efficiency" of a generator, "cooling" (heat taken up) or "cop" of a cooler

    Raises
    ------
    InputError
        for a leg without thermopower, or a cooler that cannot cool between these temperatures
    ConvergenceError
        if no profile with local properties is found
    """
    check_choice(goal, _LEG_GOALS, "goal")
    check_choice(properties, _LEG_MODELS, "properties")
    # near the limit of the current a local profile may not exist, hence the shorter reach
    largest, (reach, tolerance) = current_limit(leg, hot, cold, goal), _SEARCHES[properties]

    def state_at(share: float) -> LegState:
        return leg_state(leg, hot, cold, share * largest, properties=properties)

    state = state_at(_best_point(lambda share: _goal_value(state_at(share), goal), 0, reach, tolerance=tolerance))
    if goal in ("cooling", "cop") and state.cooling <= 0:
        raise InputError(
            f"this leg cannot cool from {hot:g} to {cold:g} K: its largest uptake is {state.cooling:.3g} W; "
            "take a smaller difference or better contacts"
        )
    return state


def current_limit(leg: ThermoelectricLeg, hot: float, cold: float, goal: LegGoal) -> float:
    """Current up to which a goal is sought: the short circuit of a generator, twice the best of a bare cooler, A."""
    _check_reservoirs(hot, cold)
    s, rho, _ = _mean_leg_properties(leg, hot, cold)
    if s == 0:
        raise InputError(f"the leg has a mean thermopower of {s:g} V/K: it neither generates nor cools")
    resistance = (rho * leg.length + leg.hot_resistivity + leg.cold_resistivity) / leg.area
    if goal in ("power", "efficiency"):
        return s * (hot - cold) / resistance
    return -2 * s * cold / resistance  # a cooler is driven against the current that the leg would generate


def _goal_value(state: LegState, goal: LegGoal) -> float:
    """What is to be made large; a cooler that heats is worth what it takes up."""
    if goal == "cop":
        return state.cop if state.cooling > 0 and state.power < 0 else min(state.cooling, 0.0) * 1e3 - 1e-9
    return {"power": state.power, "efficiency": state.efficiency, "cooling": state.cooling}[goal]


def best_leg_length(
    leg: ThermoelectricLeg, hot: float, cold: float, goal: Literal["power", "cooling"] = "power"
) -> float:
    """Length at which a leg gives most power, or takes up most heat, per area, m; the search starts at the length of
    `leg`.
    """

    def value(x: float) -> float:
        tried = evolve(leg, length=float(np.exp(x)))
        largest = current_limit(tried, hot, cold, goal)

        def at(share: float) -> float:
            return _goal_value(leg_state(tried, hot, cold, share * largest), goal)

        return at(_best_point(at, 0, 1, tolerance=1e-8))

    grid = np.log(leg.length) + np.linspace(-np.log(_LENGTH_SPAN), np.log(_LENGTH_SPAN), 57)
    values = [value(float(x)) for x in grid]  # brackets the maximum for the local search below
    best = int(np.argmax(values))
    if best in (0, grid.size - 1):
        side = "shorter" if best == 0 else "longer"
        raise InputError(f"{side} than {np.exp(grid[best]):.3g} m is always better here: the contacts set no length")
    return float(np.exp(_best_point(value, float(grid[best - 1]), float(grid[best + 1]), tolerance=1e-5)))


def _mean_leg_properties(leg: ThermoelectricLeg, hot: float, cold: float) -> tuple[float, float, float]:
    """Thermopower, resistivity and conductivity, each averaged over temperature."""
    return leg.seebeck.mean(cold, hot), leg.resistivity.mean(cold, hot), leg.conductivity.mean(cold, hot)


def _check_reservoirs(hot: float, cold: float) -> None:
    temperatures([hot, cold])
    if not hot > cold:
        raise InputError(f"hot = {hot:g} K is not above cold = {cold:g} K")


_LEG_NODES = 41
_LEG_TOLERANCE = 1e-8
_MAX_LEG_NODES = 20_000


def _local_leg(leg: ThermoelectricLeg, hot: float, cold: float, current: float) -> LegState:
    density = current / leg.area
    first, second = leg.thermal(hot, cold)
    hot_joule, cold_joule = density**2 * leg.hot_resistivity, density**2 * leg.cold_resistivity
    flux = leg.conductivity.mean(cold, hot) * (hot - cold) / leg.length  # the unit of q; that of T is `hot`

    def change(_: Array, y: Array) -> Array:
        kelvin = y[0] * hot
        thermopower = leg.seebeck.at(kelvin)
        gradient = (thermopower * kelvin * density - y[1] * flux) / leg.conductivity.at(kelvin)
        source = density * (leg.resistivity.at(kelvin) * density + thermopower * gradient)  # q' = jE (Callen 1948)
        return np.stack([gradient * leg.length / hot, source * leg.length / flux])

    def ends(here: Array, there: Array) -> Array:
        given, taken = here[1] * flux - hot_joule, there[1] * flux + cold_joule
        return np.array([here[0] * hot - hot + first * given, there[0] * hot - cold - second * taken]) / hot

    # the averaged leg is near enough for the Newton iteration of collocation to converge
    averaged = _averaged_leg(leg, hot, cold, current)
    x = np.linspace(0, 1, _LEG_NODES)
    line = np.linspace(averaged.hot_junction, averaged.cold_junction, _LEG_NODES)
    heat = np.linspace(averaged.heat_in, averaged.heat_out, _LEG_NODES) / leg.area
    guess = np.stack([np.maximum(line, 1e-3 * cold) / hot, heat / flux])  # the averaged leg may fall below 0 K
    solved = solve_bvp(change, ends, x, guess, tol=_LEG_TOLERANCE, max_nodes=_MAX_LEG_NODES)
    if not solved.success or not np.isfinite(solved.y).all() or solved.y[0].min() <= 0:
        raise ConvergenceError(
            f"no temperature profile at {current:.4g} A between {hot:g} and {cold:g} K: {solved.message}; "
            "take a smaller current",
            last=solved.y[0] * hot,
        )
    given, taken = solved.y[1, 0] * flux - hot_joule, solved.y[1, -1] * flux + cold_joule
    edges = float(solved.y[0, 0] * hot), float(solved.y[0, -1] * hot)
    power = (given - taken) * leg.area  # first law: the heats of both ends differ by the electrical power
    voltage = power / current if current else _seebeck_voltage(leg, edges[0], edges[1])
    return LegState(
        hot=hot,
        cold=cold,
        hot_junction=edges[0],
        cold_junction=edges[1],
        current=current,
        voltage=float(voltage),
        heat_in=float(given * leg.area),
        heat_out=float(taken * leg.area),
    )


def _seebeck_voltage(leg: ThermoelectricLeg, hot: float, cold: float) -> float:
    """Voltage of the open leg between its junctions, ∫S dT, V."""
    if hot >= cold:
        return leg.seebeck.mean(cold, hot) * (hot - cold)
    return -leg.seebeck.mean(hot, cold) * (cold - hot)
