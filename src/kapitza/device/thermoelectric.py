r"""A thermoelectric leg between two contacts that resist current and heat.

Contacts cost twice: electrical ones add to the resistance of the leg, thermal ones take a share of the temperature
difference.  With symmetric contacts the figure of merit falls to
$$ZT_{eff} = \frac{ZT}{(1 + 2\rho_c/\rho L)(1 + 2\kappa R_K/L)},$$
so that every leg has a length below which it is not worth making.

The sign of heat and current is that of the way from the hot to the cold end; a Peltier cooler has a current against it.
"""

from typing import Literal

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, finite, increasing, known, number, quantity, same_length, temperatures
from kapitza.core.conductance import Conductance
from kapitza.core.stack import Boundary
from kapitza.device.golden import highest
from kapitza.errors import InputError

Goal = Literal["power", "efficiency", "cooling", "cop"]
GOALS: tuple[Goal, ...] = ("power", "efficiency", "cooling", "cop")
SPAN = 1e6  # between the shortest and the longest leg that are tried


@frozen(eq=False)
class Property:
    """A property of a leg against temperature, linear between points and constant beyond them.

    Attributes
    ----------
    temperature : (n,) K, increasing
    value : (n,) in SI
    """

    temperature: Array = field(converter=lambda t: increasing(temperatures(t)))
    value: Array = field(converter=finite, validator=same_length("temperature"))

    def at(self, temperature: ArrayLike) -> Array:
        """(nT,) value."""
        return np.interp(np.asarray(temperature, dtype=float), self.temperature, self.value)

    def slope(self, temperature: ArrayLike) -> Array:
        """(nT,) derivative by temperature; 0 beyond the points."""
        wanted = np.asarray(temperature, dtype=float)
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


def as_property(value: "float | Property") -> Property:
    """Return a number as a property that is the same at all temperatures."""
    return value if isinstance(value, Property) else Property([300.0], [value])


def above(_instance: object, attribute: object, value: Property) -> None:
    """Validate that a property is above zero everywhere."""
    if not (value.value > 0).all():
        raise InputError(f"{getattr(attribute, 'name', '')} = {value.value.min():g}, wanted values above 0")


def not_below(_instance: object, attribute: object, value: float) -> None:
    """Validate that a field is finite and not below zero."""
    if not 0 <= value < np.inf:
        raise InputError(f"{getattr(attribute, 'name', '')} = {value:g}, wanted a finite number of at least 0")


@frozen(eq=False)
class Leg:
    """A leg with its contacts.

    Attributes
    ----------
    length : m
    area : m²
    seebeck : V K⁻¹, above or below zero; a number or a Property
    resistivity : Ω m; a number or a Property
    conductivity : W m⁻¹ K⁻¹; a number or a Property
    hot_resistivity, cold_resistivity : electrical resistance times area of the contacts, Ω m²
    hot_conductance, cold_conductance : of the contacts to heat, W m⁻² K⁻¹: numbers, infinite for none, or Conductances
        of T with the extrapolated drop

    Raises
    ------
    InputError
        for values outside of their range
    """

    length: float = field(converter=number, validator=quantity())
    area: float = field(converter=number, validator=quantity())
    seebeck: Property = field(converter=as_property)
    resistivity: Property = field(converter=as_property, validator=above)
    conductivity: Property = field(converter=as_property, validator=above)
    hot_resistivity: float = field(default=0.0, converter=number, validator=not_below)
    cold_resistivity: float = field(default=0.0, converter=number, validator=not_below)
    hot_conductance: float | Conductance = np.inf
    cold_conductance: float | Conductance = np.inf

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


@frozen
class LegState:
    """A leg at work between two reservoirs.

    Attributes
    ----------
    hot, cold : temperatures of the reservoirs, K
    hot_junction, cold_junction : of the ends of the leg, inside of the thermal contacts, K
    current : A, and voltage at the terminals, V
    heat_in : that the hot reservoir gives, W
    heat_out : that the cold reservoir takes, W
    """

    hot: float
    cold: float
    hot_junction: float
    cold_junction: float
    current: float
    voltage: float
    heat_in: float
    heat_out: float

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


def figure_of_merit(leg: Leg, hot: float, cold: float) -> tuple[float, float]:
    r"""ZT of the material and of the leg with its contacts, at the mean temperature.

    $ZT = S^2\bar T/\rho\kappa$ with properties averaged between both temperatures; contacts divide it by
    $(1 + \sum\rho_c/\rho L)(1 + \kappa\sum R/L)$.

    Parameters
    ----------
    leg : the leg
    hot, cold : temperatures of the reservoirs, K
    """
    check_ends(hot, cold)
    s, rho, k = means(leg, hot, cold)
    bare = s**2 * (hot + cold) / 2 / (rho * k)
    electrical = 1 + (leg.hot_resistivity + leg.cold_resistivity) / (rho * leg.length)
    thermal = 1 + k * sum(leg.thermal(hot, cold)) / leg.length
    return bare, bare / (electrical * thermal)


def ideal_efficiency(merit: float, hot: float, cold: float) -> float:
    r"""Largest efficiency of a leg of constant properties,
    $\frac{T_h - T_c}{T_h}\,\frac{\sqrt{1 + ZT} - 1}{\sqrt{1 + ZT} + T_c/T_h}$.

    Parameters
    ----------
    merit : ZT at the mean temperature
    hot, cold : K

    References
    ----------
    A. F. Ioffe, Semiconductor Thermoelements and Thermoelectric Cooling (Infosearch, London, 1957)
    """
    check_ends(hot, cold)
    root = np.sqrt(1 + merit)
    return float((hot - cold) / hot * (root - 1) / (root + cold / hot))


def ideal_cop(merit: float, hot: float, cold: float) -> float:
    r"""Largest coefficient of performance of a cooler of constant properties,
    $\frac{T_c}{T_h - T_c}\,\frac{\sqrt{1 + ZT} - T_h/T_c}{\sqrt{1 + ZT} + 1}$.
    """
    check_ends(hot, cold)
    root = np.sqrt(1 + merit)
    return float(cold / (hot - cold) * (root - hot / cold) / (root + 1))


def leg_state(leg: Leg, hot: float, cold: float, current: float) -> LegState:
    r"""A leg at a current, its properties averaged between the reservoirs: exact where they are constant.

    With $K = \kappa A/L$ and $R = \rho L/A$, $Q_1 = SIT_1 + K(T_1 - T_2) - \tfrac12I^2R - I^2\rho_{c1}/A$ and
    $Q_2 = SIT_2 + K(T_1 - T_2) + \tfrac12I^2R + I^2\rho_{c2}/A$, $T_h - T_1 = R_1Q_1/A$, $T_2 - T_c = R_2Q_2/A$.

    Parameters
    ----------
    leg : the leg
    hot, cold : temperatures of the reservoirs, K
    current : A, positive from the hot to the cold end

    Raises
    ------
    InputError
        for temperatures that are not above zero or in the wrong order
    """
    check_ends(hot, cold)
    s, rho, k = means(leg, hot, cold)
    conduction, inside = k * leg.area / leg.length, rho * leg.length / leg.area
    ends = [leg.hot_resistivity / leg.area, leg.cold_resistivity / leg.area]
    first, second = (one / leg.area for one in leg.thermal(hot, cold))
    peltier, joule = s * current, current**2 * inside / 2
    fixed = [-joule - current**2 * ends[0], joule + current**2 * ends[1]]
    matrix = np.array(
        [
            [1 + first * (peltier + conduction), -first * conduction],
            [-second * conduction, 1 - second * (peltier - conduction)],
        ]
    )
    one, two = np.linalg.solve(matrix, np.array([hot - first * fixed[0], cold + second * fixed[1]]))
    passed = conduction * (one - two)
    voltage = s * (one - two) - current * (inside + sum(ends))
    heat = peltier * one + passed + fixed[0], peltier * two + passed + fixed[1]
    return LegState(hot, cold, float(one), float(two), current, float(voltage), float(heat[0]), float(heat[1]))


def best_state(leg: Leg, hot: float, cold: float, goal: Goal = "power") -> LegState:
    """The leg at the current that is best for something, with averaged properties.

    Parameters
    ----------
    leg : the leg
    hot, cold : temperatures of the reservoirs, K
    goal : "power" or "efficiency" of a generator, "cooling" (heat taken up) or "cop" of a cooler

    Raises
    ------
    InputError
        for a leg without thermopower, or a cooler that cannot cool between these temperatures
    """
    known(goal, GOALS, "goal")
    largest = largest_current(leg, hot, cold, goal)

    def value(share: float) -> float:
        return worth(leg_state(leg, hot, cold, share * largest), goal)

    state = leg_state(leg, hot, cold, highest(value, 0, 1, tolerance=1e-9) * largest)
    if goal in ("cooling", "cop") and state.cooling <= 0:
        raise InputError(
            f"this leg cannot cool from {hot:g} to {cold:g} K: its largest uptake is {state.cooling:.3g} W; "
            "take a smaller difference or better contacts"
        )
    return state


def largest_current(leg: Leg, hot: float, cold: float, goal: Goal) -> float:
    """Current up to which a goal is sought: the short circuit of a generator, twice the best of a bare cooler, A."""
    check_ends(hot, cold)
    s, rho, _ = means(leg, hot, cold)
    if s == 0:
        raise InputError(f"the leg has a mean thermopower of {s:g} V/K: it neither generates nor cools")
    resistance = (rho * leg.length + leg.hot_resistivity + leg.cold_resistivity) / leg.area
    if goal in ("power", "efficiency"):
        return s * (hot - cold) / resistance
    return -2 * s * cold / resistance


def worth(state: LegState, goal: Goal) -> float:
    """What is to be made large; a cooler that heats is worth what it takes up."""
    if goal == "cop":
        return state.cop if state.cooling > 0 and state.power < 0 else min(state.cooling, 0.0) * 1e3 - 1e-9
    return {"power": state.power, "efficiency": state.efficiency, "cooling": state.cooling}[goal]


def best_length(leg: Leg, hot: float, cold: float, goal: Literal["power", "cooling"] = "power") -> float:
    """Length at which a leg gives most power, or takes up most heat, per area, m.

    Parameters
    ----------
    leg : its length is where the search starts
    hot, cold : temperatures of the reservoirs, K
    goal : "power" or "cooling"

    Raises
    ------
    InputError
        where shorter is always better (contacts without resistance), or longer
    """

    def value(x: float) -> float:
        tried = evolve(leg, length=float(np.exp(x)))
        largest = largest_current(tried, hot, cold, goal)

        def at(share: float) -> float:
            return worth(leg_state(tried, hot, cold, share * largest), goal)

        return at(highest(at, 0, 1, tolerance=1e-8))

    grid = np.log(leg.length) + np.linspace(-np.log(SPAN), np.log(SPAN), 57)
    values = [value(float(x)) for x in grid]
    best = int(np.argmax(values))
    if best in (0, grid.size - 1):
        side = "shorter" if best == 0 else "longer"
        raise InputError(f"{side} than {np.exp(grid[best]):.3g} m is always better here: the contacts set no length")
    return float(np.exp(highest(value, float(grid[best - 1]), float(grid[best + 1]), tolerance=1e-5)))


def means(leg: Leg, hot: float, cold: float) -> tuple[float, float, float]:
    """Thermopower, resistivity and conductivity, each averaged over temperature."""
    properties = (leg.seebeck, leg.resistivity, leg.conductivity)
    s, rho, k = (one.mean(cold, hot) for one in properties)
    return s, rho, k


def check_ends(hot: float, cold: float) -> None:
    """Refuse temperatures that are none, or in the wrong order."""
    temperatures([hot, cold])
    if not hot > cold:
        raise InputError(f"hot = {hot:g} K is not above cold = {cold:g} K")
