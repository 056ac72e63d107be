r"""Shapes of the zero-loss peak, each of unit area, with their derivatives.

All functions take energies in any one unit and give a density in its inverse.  A shape is even about 0 or split there:
$R(x)$ with loss at $x > 0$.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, finite, increasing, quantity, same_length
from kapitza.errors import InputError

Shape = Literal["pseudo-voigt", "split", "pearson", "reference"]
Shaped = tuple[NDArray[Any], NDArray[Any], list[NDArray[Any]]]

SHAPES: tuple[Shape, ...] = get_args(Shape)

PARAMETERS: dict[str, tuple[str, ...]] = {
    "pseudo-voigt": ("fwhm", "lorentzian"),
    "split": ("fwhm_gain", "fwhm_loss", "lorentzian_gain", "lorentzian_loss"),
    "pearson": ("fwhm", "exponent"),
    "reference": ("fwhm",),
}

LN2 = float(np.log(2))
PEAK_GAUSS = 2 * np.sqrt(LN2 / np.pi)  # height of a normal distribution times its full width at half maximum
PEAK_LORENTZ = 2 / np.pi
TO_SIGMA = 1 / np.sqrt(8 * LN2)  # standard deviation of a normal distribution of full width 1


@frozen(eq=False)
class ZeroLoss:
    r"""Measured shape of the zero-loss peak: a cubic spline through the logarithm of its density.

    Beyond the last knots the logarithm goes on as a straight line.

    Attributes
    ----------
    energy : (k,) knots, increasing, 0 at the centre, J
    log_density : (k,) $\ln(R / \mathrm{J}^{-1})$ at the knots
    fwhm : full width at half maximum, J
    """

    energy: Array = field(converter=increasing)
    log_density: Array = field(converter=finite, validator=same_length("energy"))
    fwhm: float = field(validator=quantity())

    def pieces(self, unit: float) -> tuple[Array, Array]:
        """(k,) knots and (k + 1, 4) cubics about the knot to the left, both in a unit of energy (J); ends straight."""
        from scipy.interpolate import CubicSpline

        knots = self.energy / unit
        spline: Any = CubicSpline(knots, self.log_density + np.log(unit), bc_type="natural")
        first, last = spline(knots[[0, -1]], 1)
        cubics = np.zeros((knots.size + 1, 4))
        cubics[1:-1] = spline.c.T
        cubics[0, 2:] = first, spline(knots[0])
        cubics[-1, 2:] = last, spline(knots[-1])
        return knots, cubics


def zero_loss_shape(
    shape: Shape, x: Any, values: Sequence[Any], reference: tuple[Array, Array, float] | None
) -> Shaped:
    """Density of a zero-loss peak, its slope, and its derivative by each parameter of the shape.

    Parameters
    ----------
    shape : one of `SHAPES`
    x : (..., n) energies from the centre
    values : parameters in the order of `PARAMETERS`, each to be broadcast against `x`
    reference : knots, cubics and full width of a measured peak, in the unit of `x`

    Returns
    -------
    (..., n) density, dR/dx, and dR/dp of each parameter

    Raises
    ------
    InputError
        for the shape "reference" without one
    """
    if shape == "pseudo-voigt":
        return pseudo_voigt(x, values[0], values[1])
    if shape == "split":
        return split_pseudo_voigt(x, values)
    if shape == "pearson":
        return pearson(x, values[0], values[1])
    if reference is None:
        raise InputError(f"the shape {shape!r} needs a measured zero-loss peak: give reference")
    return stretched(x, values[0], reference)


def gaussian(x: Any, sigma: Any) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Normal distribution, its slope and its derivative by the standard deviation."""
    t = x / sigma
    value = np.exp(-0.5 * t * t) / (np.sqrt(2 * np.pi) * sigma)
    return value, -value * t / sigma, value * (t * t - 1) / sigma


def lorentzian(x: Any, width: Any) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Lorentzian of full width `width`, its slope and its derivative by the width."""
    half = width / 2
    square = x * x + half * half
    value = half / (np.pi * square)
    return value, -2 * x * value / square, (0.5 / np.pi) * (x * x - half * half) / square**2


def pseudo_voigt(x: Any, width: Any, share: Any) -> Shaped:
    r"""$(1 - \eta) G + \eta L$, both of the same full width at half maximum."""
    g, gx, gs = gaussian(x, width * TO_SIGMA)
    v, vx, vw = lorentzian(x, width)
    keep = 1 - share
    return keep * g + share * v, keep * gx + share * vx, [keep * gs * TO_SIGMA + share * vw, v - g]


def split_pseudo_voigt(x: Any, values: Sequence[Any]) -> Shaped:
    """Two halves of pseudo-Voigts of different width and share, of one height at 0."""
    peaks = [((1 - s) * PEAK_GAUSS + s * PEAK_LORENTZ) / w for w, s in zip(values[:2], values[2:], strict=True)]
    height = 2 / (1 / peaks[0] + 1 / peaks[1])
    right = x > 0
    found, slope = np.zeros(np.shape(x)), np.zeros(np.shape(x))
    by: list[NDArray[Any]] = []
    for side, on in ((0, ~right), (1, right)):
        w, s = values[side], values[2 + side]
        value, along, (by_w, by_s) = pseudo_voigt(x, w, s)
        scale = height / peaks[side]
        found, slope = np.where(on, scale * value, found), np.where(on, scale * along, slope)
        by += [np.where(on, scale * by_w, 0.0), np.where(on, scale * by_s, 0.0)]
    derivatives = [by[0], by[2], by[1], by[3]]
    for side in (0, 1):
        w, s = values[side], values[2 + side]
        for place, change in ((side, -1 / w), (2 + side, (PEAK_LORENTZ - PEAK_GAUSS) / (w * peaks[side]))):
            # the height goes with both peaks, the scale of this side against its own
            own = np.where(right == bool(side), found, 0.0) * change
            derivatives[place] = derivatives[place] + found * (change * height / (2 * peaks[side])) - own
    return found, slope, derivatives


def pearson(x: Any, width: Any, exponent: Any) -> Shaped:
    r"""Pearson VII, $\propto (1 + 4 (2^{1/m} - 1) x^2/w^2)^{-m}$: Lorentzian at m = 1, normal for large m."""
    from scipy.special import digamma, gammaln

    power = np.exp2(1 / exponent)
    b, by_m = power - 1, -LN2 * power / exponent**2
    norm = 2 * np.sqrt(b / np.pi) * np.exp(gammaln(exponent) - gammaln(exponent - 0.5))
    u = 4 * b * (x / width) ** 2
    value = norm / width * np.exp(-exponent * np.log1p(u))
    slope = -value * exponent * 8 * b * x / width**2 / (1 + u)
    log_norm = by_m / (2 * b) + digamma(exponent) - digamma(exponent - 0.5)
    by_exponent = value * (log_norm - np.log1p(u) - exponent * u / (1 + u) * by_m / b)
    return value, slope, [-(value + x * slope) / width, by_exponent]


def stretched(x: Any, width: Any, reference: tuple[Array, Array, float]) -> Shaped:
    """A measured peak, stretched to another full width."""
    knots, cubics, measured = reference
    stretch = width / measured
    y = x / stretch
    piece = np.searchsorted(knots, y)
    t = y - knots[np.maximum(piece - 1, 0)]
    a, b, c, d = np.moveaxis(cubics[piece], -1, 0)
    value = np.exp(((a * t + b) * t + c) * t + d) / stretch
    slope = value * ((3 * a * t + 2 * b) * t + c) / stretch
    return value, slope, [-(value + x * slope) / width]
