"""Closed forms of the best possible errors of thermometry by energy gain and loss."""

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.measure.eels.map import plain
from kapitza.units import k_B


def temperature_sigma(energy: ArrayLike, temperature: ArrayLike, electrons: ArrayLike) -> Array:
    r"""Least standard uncertainty of a temperature from one isolated mode without background, K.

    $\sigma_T/T = \sqrt{2\sinh x}\,/\,(x\sqrt S)$ with $x = E/k_BT$, for gain $Sn$ and loss $S(n + 1)$.

    Parameters
    ----------
    energy : of the mode, J
    temperature : K
    electrons : scattered spontaneously, $S = L - G$

    Raises
    ------
    InputError
        for numbers that are not above zero
    """
    quantum, kelvin, s = (np.asarray(one, dtype=float) for one in (energy, temperature, electrons))
    for name, one in (("energy", quantum), ("temperature", kelvin), ("electrons", s)):
        if not (one > 0).all():
            raise InputError(f"{name} = {one.min():g}, wanted above 0")
    x = quantum / (k_B * kelvin)
    return plain(kelvin * np.sqrt(2 * np.sinh(x)) / (x * np.sqrt(s)))


def past_optimum(x: float) -> float:
    """Condition of the best energy, 0 there."""
    return float(np.tanh(x) - x / 2)


def optimum_energy(temperature: float) -> float:
    r"""Energy of the mode that makes the best thermometer at equal scattering, J: $\tanh x = x/2$, $x = 1.9150$.

    Parameters
    ----------
    temperature : K

    Raises
    ------
    InputError
        for a temperature that is not above zero
    """
    from scipy.optimize import brentq

    if not temperature > 0:
        raise InputError(f"temperature = {temperature:g} K, wanted above 0")
    return float(brentq(past_optimum, 1.0, 3.0, xtol=1e-14)) * k_B * temperature  # pyright: ignore[reportArgumentType]


def jump_sigma(sigma: float, count: int) -> float:
    r"""Standard uncertainty of a jump from two lines, K: $s\sqrt{2(1/N + 3N/(N^2 - 1))}$, near $s\sqrt{8/N}$.

    Parameters
    ----------
    sigma : of each point, K
    count : points on each side, evenly spaced, the first half a step from the plane

    Raises
    ------
    InputError
        for fewer than two points, or an error that is not above zero
    """
    if count < 2 or not sigma > 0:
        raise InputError(f"{count} points of {sigma:g} K on each side, wanted 2 or more with errors above 0")
    return sigma * np.sqrt(2 * (1 / count + 3 * count / (count**2 - 1)))
