"""Best possible errors of thermometry by energy gain and loss: Fisher information and closed forms."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, real_array
from kapitza.errors import InputError
from kapitza.measure.eels.fitting.problem import check_parameter_names
from kapitza.measure.eels.model import SpectrumModel, channel_grid, expected_spectrum
from kapitza.units import k_B


def fisher_information(
    model: SpectrumModel,
    energy: Array,
    values: Mapping[str, float],
    *,
    fixed: Sequence[str] = (),
    dark_variance: ArrayLike = 0.0,
    response: ArrayLike = 1.0,
) -> NDArray[np.float64]:
    r"""(p, p) Fisher information of one spectrum, $\sum_i \partial_a\mu_i \partial_b\mu_i/(\mu_i + v_i)$.

    Its inverse is the bound of Cramér and Rao: no unbiased estimator has a smaller covariance.  `values` gives every
    parameter by name in SI; rows of `fixed` ones are zero; `dark_variance` is that of one channel, electrons².
    """
    check_parameter_names(model, values, dict.fromkeys(fixed, 0.0))
    missing = [name for name in model.names if name not in values]
    if missing:
        raise InputError(f"no value for {missing[0]!r}: the information depends on all of {', '.join(model.names)}")
    units = model.units(float(energy[-1] - energy[0]) / (energy.size - 1))
    x = np.array([values[name] for name in model.names]) / units
    mu, jacobian = expected_spectrum(model, channel_grid(model, energy), x[None])
    noise, efficiency = np.asarray(dark_variance, dtype=float), np.asarray(response, dtype=float)
    rows = efficiency * jacobian[0] / units[:, None]
    rows[[model.names.index(name) for name in fixed]] = 0.0
    return (rows / np.maximum(efficiency * mu[0] + noise, 1e-12)) @ rows.T


def temperature_sigma(energy: ArrayLike, temperature: ArrayLike, electrons: ArrayLike) -> Array:
    r"""Least standard uncertainty of a temperature from one isolated mode without background, K.

    $\sigma_T/T = \sqrt{2\sinh x}\,/\,(x\sqrt S)$ with $x = E/k_BT$, for gain $Sn$ and loss $S(n + 1)$: `electrons` is
    the number scattered spontaneously, $S = L - G$.
    """
    quantum, kelvin, s = (np.asarray(one, dtype=float) for one in (energy, temperature, electrons))
    for name, one in (("energy", quantum), ("temperature", kelvin), ("electrons", s)):
        if not (one > 0).all():
            raise InputError(f"{name} = {one.min():g}, wanted above 0")
    x = quantum / (k_B * kelvin)
    return real_array(kelvin * np.sqrt(2 * np.sinh(x)) / (x * np.sqrt(s)))


def optimum_energy(temperature: float) -> float:
    r"""Energy of the mode that makes the best thermometer at equal scattering, J: $\tanh x = x/2$, $x = 1.9150$."""
    from scipy.optimize import brentq

    if not temperature > 0:
        raise InputError(f"temperature = {temperature:g} K, wanted above 0")

    def condition(x: float) -> float:
        return float(np.tanh(x) - x / 2)

    return float(brentq(condition, 1.0, 3.0, xtol=1e-14)) * k_B * temperature  # pyright: ignore[reportArgumentType]


def jump_sigma(sigma: float, count: int) -> float:
    r"""Standard uncertainty of a jump from two lines, K: $s\sqrt{2(1/N + 3N/(N^2 - 1))}$, near $s\sqrt{8/N}$.

    Each side has `count` evenly spaced points of uncertainty `sigma` (K), the first half a step from the plane.
    """
    if count < 2 or not sigma > 0:
        raise InputError(f"{count} points of {sigma:g} K on each side, wanted 2 or more with errors above 0")
    return sigma * np.sqrt(2 * (1 / count + 3 * count / (count**2 - 1)))
