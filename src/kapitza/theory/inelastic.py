r"""The textbook channel of inelastic transmission, put on a footing that both sides agree on.

The usual phenomenology gives an arriving phonon the chance $\tau_{el} + \min(A T^q \omega^m,\ 1 - \tau_{el})$, up to
1 also above the top of the other spectrum.  Taken for phonons from the left and then from the right it yields two
conductances, which would let heat flow between bodies of one temperature.  Here the one-way equilibrium power P(T) is
defined once: of the two inelastic conductances

$$G_i = \int \frac{d\omega}{2\pi}\, c(\omega, T)\, M_i(\omega) \min\big(A T^q \omega^m,\ 1 - \Xi_{el}/M_i\big)$$

the smaller is taken for both directions: what one side would give off and the other cannot, does not cross.  Then
$G = dP/dT$ with $P(T) = \int_0^T (G_{el} + \min_i G_i)\,dT'$ is the same from both sides and continuous in T, and
stays below the conductance of all modes of either side, so that $P \le \min(P_L, P_R)$.

$T^q$ is held at the mean temperature, as everyone does who fits it: differentiating it too would raise the inelastic
part by up to a factor 1 + q and push it over the radiation limit.
"""

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, temperatures
from kapitza.core.conductance import Conductance, Drop, joined
from kapitza.core.grid import legendre
from kapitza.core.occupation import Statistics
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.theory.limits import carried_heat

POWER_PANELS = 6  # panels in temperature, each half of the next, of the integral of G that is the one-way power
POWER_NODES = 8


def capped(
    elastic: Transmission,
    temperature: float,
    *,
    amplitude: float,
    temperature_power: float = 1.0,
    frequency_power: float = 0.0,
    statistics: Statistics = "quantum",
) -> Transmission:
    r"""Add the textbook inelastic channel $\min(A T^q \omega^m, 1 - \tau_{el})$ to an elastic transmission.

    Of the spectra $M_i \min(A T^q\omega^m, 1 - \Xi/M_i)$ seen from either side, the one that carries less heat at
    this temperature is added to Ξ (why: see the head of this module).  The result is the same for both directions,
    and its conductance lies between the elastic one and the inelastic radiation limit, which it reaches for large
    amplitudes.

    Parameters
    ----------
    elastic : of any theory, with the modes of both sides
    temperature : K
    amplitude : A >= 0, K^-q (rad s⁻¹)^-m; a parameter to be fitted, no material constant
    temperature_power, frequency_power : q >= 0 and m >= 0
    statistics : "quantum", or "classical" where the conductance is taken classically too

    Returns
    -------
    Transmission that holds at this temperature alone, $0 \le \Xi$

    Raises
    ------
    InputError
        where the modes of a side are unknown, for an inelastic input, and for negative or infinite parameters
    """
    check_capped(elastic, amplitude, temperature_power, frequency_power)
    kelvin = float(temperatures(temperature)[0])
    chance = amplitude * kelvin**temperature_power * elastic.omega**frequency_power
    added = [inelastic_share(modes, elastic.total, chance) for modes in sides_of(elastic)]
    carried = [carried_heat(spectrum, elastic.omega, elastic.weight, kelvin, statistics) for spectrum in added]
    total = elastic.total + (added[0] if carried[0] <= carried[1] else added[1])
    return Transmission(
        elastic.omega,
        total,
        elastic.left,
        elastic.right,
        weight=elastic.weight,
        method=f"{elastic.method} + capped inelastic",
        elastic=False,
        temperature=kelvin,
    )


def capped_conductance(
    elastic: Transmission,
    temperature: ArrayLike,
    *,
    amplitude: float,
    temperature_power: float = 1.0,
    frequency_power: float = 0.0,
    statistics: Statistics = "quantum",
    drop: Drop = "emitted",
) -> Conductance:
    """Conductance of `capped` at many temperatures (nT,) K, increasing; parameters and errors as there."""
    parts = [
        capped(
            elastic,
            kelvin,
            amplitude=amplitude,
            temperature_power=temperature_power,
            frequency_power=frequency_power,
            statistics=statistics,
        ).conductance(kelvin, drop=drop, statistics=statistics)
        for kelvin in temperatures(temperature)
    ]
    return joined(parts)


def capped_power(
    elastic: Transmission,
    temperature: float,
    *,
    amplitude: float,
    temperature_power: float = 1.0,
    frequency_power: float = 0.0,
    statistics: Statistics = "quantum",
) -> float:
    r"""One-way equilibrium power of `capped`, $P(T) = \int_0^T G\,dT'$, W m⁻²; never above that of all modes of a side.

    Between reservoirs at $T_1$, $T_2$ the interface passes $P(T_1) - P(T_2)$: from hot to cold, and nothing at equal
    ones.
    Parameters and errors as for `capped`.
    """
    kelvin = float(temperatures(temperature)[0])
    node, weight = legendre(POWER_NODES)
    bounds = np.concatenate([[0.0], kelvin * 2.0 ** np.arange(1 - POWER_PANELS, 1)])
    width = np.diff(bounds)
    at = (bounds[:-1, None] + width[:, None] * node).ravel()
    value = capped_conductance(
        elastic,
        at,
        amplitude=amplitude,
        temperature_power=temperature_power,
        frequency_power=frequency_power,
        statistics=statistics,
    ).value
    return float(value @ (width[:, None] * weight).ravel())


def inelastic_share(modes: Array, total: Array, chance: Array) -> Array:
    """(nω,) modes of one side that cross inelastically: each with this chance, and no more than are left over, m⁻²."""
    return np.minimum(chance * modes, np.maximum(modes - total, 0.0))


def sides_of(elastic: Transmission) -> tuple[Array, Array]:
    """The modes of both sides of an elastic transmission, or an error that says what is missing."""
    if elastic.left is None or elastic.right is None:
        raise InputError(
            f"{elastic.method or 'this transmission'} does not know the modes of both sides, which bound "
            "what can cross inelastically: take one from a theory such as dmm or amm"
        )
    return elastic.left, elastic.right


def check_capped(elastic: Transmission, amplitude: float, temperature_power: float, frequency_power: float) -> None:
    """Refuse an inelastic input and parameters that are negative or not finite."""
    if not elastic.elastic:
        raise InputError(f"{elastic.method} is inelastic already: expected an elastic transmission to add to")
    for name, value in (
        ("amplitude", amplitude),
        ("temperature_power", temperature_power),
        ("frequency_power", frequency_power),
    ):
        if not (np.isfinite(value) and value >= 0):
            raise InputError(f"{name} = {value:g}, expected a finite number of at least 0")
