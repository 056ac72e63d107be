"""Two temperatures in one spectrum are no departure from equilibrium: what a pixel next to a jump shows by itself.

Where a spectrum sees both sides of an interface with a jump, a mode that only one of them has shows the temperature of
that side.  A test of one temperature for all modes then fires without any mode being out of equilibrium.
"""

import numpy as np

from kapitza.core.arrays import Array
from kapitza.measure.eels.contrast import mode_information, shown_modes, side_strengths, usable
from kapitza.measure.eels.gradients import SPOILT
from kapitza.measure.eels.jump import InterfaceJump
from kapitza.measure.eels.map import TemperatureMap, plain
from kapitza.measure.eels.populations import Correction, DepartureTest, adjusted


def mixed_temperatures(each: TemperatureMap, found: InterfaceJump, *, drop: int = SPOILT) -> Array:
    r"""(nx, M) temperature that each mode shows when both sides are in equilibrium and seen through the point spread.

    $T_j(x) = \sum_s S_{js}\int_s K(x - x')T_s(x')dx' / \sum_s S_{js}\int_s K(x - x')dx'$ with the branches $T_s$ and
    the point spread $K$ of the jump, and strengths $S_{js}$ from the intensities of the map.

    Parameters
    ----------
    each : fit with a temperature for each mode, along (y, x) or (x,)
    found : of `fit_jump` on the same map
    drop : bits of `Flag` of pixels that are left out
    """
    x = each.position[-1]
    sides = side_strengths(each, found.jump.at, found.spread, usable(each, drop))
    branches = found.spread.branches(x - found.jump.at)
    kelvins = branches * found.value[:4]
    share = branches[:, :2] @ sides
    mixed = (kelvins[:, [0]] + kelvins[:, [2]]) * sides[0] + (kelvins[:, [1]] + kelvins[:, [3]]) * sides[1]
    return plain(mixed / np.where(share > 0, share, np.nan))


def mixture_test(
    each: TemperatureMap,
    found: InterfaceJump,
    *,
    level: float = 0.05,
    correction: Correction = "holm",
    drop: int = SPOILT,
) -> DepartureTest:
    r"""Test whether the modes depart by more than two temperatures in one spectrum explain.

    With $\delta_j = 1/T_j - 1/T_j^\mathrm{mix}$ and its covariance $C$, the statistic is
    $\delta^TC^{-1}\delta - (1^TC^{-1}\delta)^2/1^TC^{-1}1$, chi-squared with $M - 1$ degrees of freedom: an offset that
    all modes share is left free.  Inverse temperatures are used since their errors are nearly normal.  Errors of the
    jump are neglected beside those of a pixel.  A mode that a pixel does not show (its material lacks it) counts as in
    equilibrium, which makes the test there more cautious than its level.

    Parameters
    ----------
    each : fit with a temperature for each mode
    found : of `fit_jump`, with the point spread, on the same map
    level : chance of a false alarm
    correction : for many pixels, see `DepartureTest`
    drop : bits of `Flag` of pixels that are left out

    Returns
    -------
    DepartureTest

    Raises
    ------
    InputError
        for a fit with one temperature
    """
    from scipy.special import chdtrc

    mixed = mixed_temperatures(each, found, drop=drop)
    shown = shown_modes(each) & usable(each, drop)[..., None] & np.isfinite(mixed)
    good = shown.sum(axis=-1) > 1
    mixed = np.where(shown, mixed, 1.0)
    kelvin = np.where(shown, np.stack([each.parameter(f"{mode}.temperature") for mode in each.modes], axis=-1), 1.0)
    weight = mode_information(each, shown) * mixed[..., :, None] ** 2 * mixed[..., None, :] ** 2
    departure = 1 / kelvin - 1 / mixed
    pull = np.einsum("...ij,...j->...i", weight, departure)
    total = np.where(good, weight.sum(axis=(-2, -1)), 1.0)
    statistic = (departure * pull).sum(axis=-1) - pull.sum(axis=-1) ** 2 / total
    freedom = len(each.modes) - 1
    statistic = np.where(good, np.maximum(statistic, 0.0), np.nan)
    pvalue = np.where(good, chdtrc(freedom, np.nan_to_num(statistic)), np.nan)
    return DepartureTest(statistic, freedom, pvalue, adjusted(pvalue, correction), correction, level)
