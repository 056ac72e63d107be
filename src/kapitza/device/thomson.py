r"""A thermoelectric leg whose properties depend on temperature, solved along its length.

Current density J and heat flux q obey $q = STJ - \kappa T'$ and $q' = J(\rho J + ST')$; where S depends on temperature
this holds the heat of Thomson, $-TS'(T)\,JT'$.
"""

import numpy as np
from scipy.integrate import solve_bvp

from kapitza.core.arrays import Array, known
from kapitza.device.golden import highest
from kapitza.device.thermoelectric import GOALS, Goal, Leg, LegState, check_ends, largest_current, leg_state, worth
from kapitza.errors import ConvergenceError, InputError

NODES = 41
TOLERANCE = 1e-8
MOST = 20_000  # nodes


def solved_leg(leg: Leg, hot: float, cold: float, current: float) -> LegState:
    """A leg at a current, with properties of the local temperature.

    Parameters
    ----------
    leg : the leg
    hot, cold : temperatures of the reservoirs, K
    current : A, positive from the hot to the cold end

    Raises
    ------
    InputError
        for temperatures that are not above zero or in the wrong order
    ConvergenceError
        where no profile is found: the current is far beyond what the leg bears

    References
    ----------
    H. B. Callen, Phys. Rev. 73, 1349 (1948)
    """
    check_ends(hot, cold)
    density = current / leg.area
    first, second = leg.thermal(hot, cold)
    hot_joule, cold_joule = density**2 * leg.hot_resistivity, density**2 * leg.cold_resistivity
    flux = leg.conductivity.mean(cold, hot) * (hot - cold) / leg.length  # the unit of q; that of T is `hot`

    def change(_: Array, y: Array) -> Array:
        kelvin = y[0] * hot
        thermopower = leg.seebeck.at(kelvin)
        gradient = (thermopower * kelvin * density - y[1] * flux) / leg.conductivity.at(kelvin)
        source = density * (leg.resistivity.at(kelvin) * density + thermopower * gradient)
        return np.stack([gradient * leg.length / hot, source * leg.length / flux])

    def ends(here: Array, there: Array) -> Array:
        given, taken = here[1] * flux - hot_joule, there[1] * flux + cold_joule
        return np.array([here[0] * hot - hot + first * given, there[0] * hot - cold - second * taken]) / hot

    x, guess = start(leg, hot, cold, current, flux)
    solved = solve_bvp(change, ends, x, guess, tol=TOLERANCE, max_nodes=MOST)
    if not solved.success or not np.isfinite(solved.y).all() or solved.y[0].min() <= 0:
        raise ConvergenceError(
            f"no temperature profile at {current:.4g} A between {hot:g} and {cold:g} K: {solved.message}; "
            "take a smaller current",
            last=solved.y[0] * hot,
        )
    given, taken = solved.y[1, 0] * flux - hot_joule, solved.y[1, -1] * flux + cold_joule
    edges = float(solved.y[0, 0] * hot), float(solved.y[0, -1] * hot)
    power = (given - taken) * leg.area
    voltage = power / current if current else seebeck_voltage(leg, edges[0], edges[1])
    return LegState(
        hot, cold, edges[0], edges[1], current, float(voltage), float(given * leg.area), float(taken * leg.area)
    )


def start(leg: Leg, hot: float, cold: float, current: float, flux: float) -> tuple[Array, Array]:
    """Nodes along the leg, at the points of its properties too, and a first profile from averaged properties."""
    averaged = leg_state(leg, hot, cold, current)
    x = np.linspace(0, 1, NODES)
    line = np.linspace(averaged.hot_junction, averaged.cold_junction, NODES)
    heat = np.linspace(averaged.heat_in, averaged.heat_out, NODES) / leg.area
    return x, np.stack([np.maximum(line, 1e-3 * cold) / hot, heat / flux])


def seebeck_voltage(leg: Leg, hot: float, cold: float) -> float:
    """Voltage of the open leg between its junctions, ∫S dT, V."""
    if hot >= cold:
        return leg.seebeck.mean(cold, hot) * (hot - cold)
    return -leg.seebeck.mean(hot, cold) * (cold - hot)


def best_solved(leg: Leg, hot: float, cold: float, goal: Goal = "power") -> LegState:
    """The leg at the current that is best for something, with properties of the local temperature.

    Parameters
    ----------
    leg, hot, cold, goal : as for `best_state`

    Raises
    ------
    InputError
        for a leg without thermopower, or a cooler that cannot cool between these temperatures
    ConvergenceError
        where no profile is found
    """
    known(goal, GOALS, "goal")
    largest = largest_current(leg, hot, cold, goal)

    def value(share: float) -> float:
        return worth(solved_leg(leg, hot, cold, share * largest), goal)

    state = solved_leg(leg, hot, cold, highest(value, 0, 0.95, tolerance=1e-5) * largest)
    if goal in ("cooling", "cop") and state.cooling <= 0:
        raise InputError(f"this leg cannot cool from {hot:g} to {cold:g} K: it takes up {state.cooling:.3g} W at most")
    return state
