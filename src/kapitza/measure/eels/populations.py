"""Occupations of the modes of a map, and the test whether all vibrations share one temperature."""

from typing import Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, BoolArray, about, check_choice, real_array, square
from kapitza.core.occupation import Occupation
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.intervals import chi2_probability
from kapitza.measure.eels.jump import InterfaceJump
from kapitza.measure.eels.map import UNUSABLE_OR_MISFIT, TemperatureMap, fitted_modes
from kapitza.measure.eels.point_spread import mode_information, side_strengths, usable_pixels, visible_modes
from kapitza.units import k_B

Correction = Literal["holm", "benjamini-hochberg", "none"]

_MIN_VISIBLE_SHARE = 0.95  # of the pixels of a column that have to show a mode

_CORRECTION_METHODS: tuple[Correction, ...] = ("holm", "benjamini-hochberg", "none")


@frozen(eq=False)
class DepartureTest(BaseRecord):
    """Likelihood-ratio test of one temperature for all modes, pixel by pixel.

    Attributes
    ----------
    statistic : (...) twice the log-likelihood gained by a temperature for each mode; NaN where a fit failed
    adjusted_pvalue : (...) the same after the correction for the number of pixels
    correction : "holm": at most `level` chance of any false alarm in the whole map.  "benjamini-hochberg": at most this
        share of false ones among the alarms.  "none": each pixel on its own

    Examples
    --------
    >>> from kapitza.eels import EelsExperiment, VibrationalMode, departure_test, fit_spectra, simulate_spectra
    >>> from kapitza.units import meV
    >>> two = [VibrationalMode("TO", 82 * meV, 5 * meV, 1e-3), VibrationalMode("LA", 45 * meV, 5 * meV, 1e-3)]
    >>> plan = EelsExperiment(left=two, right=two, temperature=400.0, columns=6, rows=1, electrons=1e9)
    >>> scan = simulate_spectra(plan, seed=1)
    >>> test = departure_test(fit_spectra(scan, two), fit_spectra(scan, two, tie="each"))
    >>> print(test.significant.sum(), "of", test.pvalue.size, "pixels out of equilibrium")
    0 of 12 pixels out of equilibrium
    """

    statistic: Array = field(converter=real_array, metadata=about("1", "test statistic"))
    freedom: int = field(metadata=about("1", "degrees of freedom"))
    pvalue: Array = field(converter=real_array, metadata=about("1", "(...) probability in equilibrium"))
    adjusted_pvalue: Array = field(converter=real_array, metadata=about("1", "probability corrected for many pixels"))
    correction: Correction
    level: float = field(metadata=about("1", "level of the test"))

    @property
    def significant(self) -> BoolArray:
        """(...) pixels in which some mode is out of equilibrium with the others."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.adjusted_pvalue <= self.level)

    def combined_pvalue(self, where: ArrayLike | None = None) -> float:
        """Probability of statistics as large in some pixels together, all of them if None.

        The sum of the statistics is chi-squared with as many times the degrees of freedom.

        Raises InputError if no pixel is left.
        """
        chosen = np.isfinite(self.statistic) & (True if where is None else np.asarray(where, dtype=bool))
        if not chosen.any():
            raise InputError(f"no pixel of {self.statistic.shape} is left to combine")
        return float(chi2_probability(self.freedom * int(chosen.sum()), self.statistic[chosen].sum()))


def departure_test(
    common: TemperatureMap,
    by_mode: TemperatureMap,
    *,
    level: float = 0.05,
    correction: Correction = "holm",
    drop: int = UNUSABLE_OR_MISFIT,
) -> DepartureTest:
    r"""Test the same spectra fitted with one temperature against a temperature (or an occupation) for each mode.

    The deviances of nested fits differ by a chi-squared number with $M - 1$ degrees of freedom when all $M$ modes are
    in equilibrium (Wilks).

    Parameters
    ----------
    common : fit with one temperature
    by_mode : fit of the same image with a temperature for each mode
    level : chance of a false alarm
    correction : for many pixels, see `DepartureTest`
    drop : bits of `PixelFlag` of pixels that are left out, in either fit; a misfit of the first is what is looked for

    Raises
    ------
    InputError
        for maps of different images or fewer than two modes

    Sources
    -------
    S. S. Wilks, Ann. Math. Stat. 9, 60 (1938), doi:10.1214/aoms/1177732360; S. Holm, Scand. J. Stat. 6, 65 (1979);
    Y. Benjamini and Y. Hochberg, J. R. Stat. Soc. B 57, 289 (1995), doi:10.1111/j.2517-6161.1995.tb02031.x
    """
    if common.shape != by_mode.shape:
        raise InputError(f"maps of {common.shape} and {by_mode.shape} pixels are not of the same image")
    freedom = len(by_mode.names) - len(common.names)
    if freedom < 1:
        raise InputError(
            f"the second fit has {len(by_mode.names)} parameters and the first {len(common.names)}: expected a "
            "temperature for each of two modes or more against one for all"
        )
    bad = ((by_mode.flag & drop) != 0) | ~common.good
    statistic = np.where(bad, np.nan, np.maximum(common.deviance - by_mode.deviance, 0.0))
    pvalue = chi2_probability(freedom, statistic)
    return DepartureTest(statistic, freedom, pvalue, adjust_pvalues(pvalue, correction), correction, level)


def adjust_pvalues(pvalue: ArrayLike, correction: Correction = "holm") -> Array:
    """(...) probabilities corrected for their number, see `DepartureTest`; NaN stays and does not count."""
    check_choice(correction, _CORRECTION_METHODS, "correction")
    values = real_array(pvalue)
    flat = values.ravel()
    tested = np.flatnonzero(np.isfinite(flat))
    order = tested[np.argsort(flat[tested], kind="stable")]
    n, found = order.size, flat.copy()
    if correction == "holm":
        found[order] = np.minimum(np.maximum.accumulate((n - np.arange(n)) * flat[order]), 1.0)
    elif correction == "benjamini-hochberg":
        scaled = n / np.arange(1, n + 1) * flat[order]
        found[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return real_array(found.reshape(values.shape))


def departure_power(covariance: ArrayLike, departure: ArrayLike, *, level: float = 0.05) -> float:
    r"""Chance that the test finds modes that are off by `departure` (M,) in K, in one pixel.

    The statistic is noncentral chi-squared with $\lambda = \min_t (\delta - t)^T C^{-1} (\delta - t)$, where $C$ is
    the (M, M) covariance of the temperatures of the modes, K².
    """
    from scipy.special import chdtri
    from scipy.stats import ncx2

    matrix, off = square(covariance), np.asarray(departure, dtype=float)
    if off.shape != (len(matrix),) or off.size < 2:
        raise InputError(f"departure has shape {off.shape} for {len(matrix)} modes: expected one each of two or more")
    weight = np.linalg.inv(matrix)
    apart = off - (weight @ off).sum() / weight.sum()
    noncentral = float(apart @ weight @ apart)
    return float(ncx2.sf(chdtri(off.size - 1, level), off.size - 1, noncentral))


def mode_occupations(
    by_mode: TemperatureMap, *, energy: ArrayLike | None = None, drop: int = UNUSABLE_OR_MISFIT
) -> Occupation:
    r"""Occupation of each mode along a map, the mean over the rows at each x.

    From "<mode>.occupation" where it was fitted as $n = G/(L - G)$ without Bose-Einstein, else from
    "<mode>.temperature", of which it is another name.

    Parameters
    ----------
    by_mode : fit with an occupation or a temperature for each mode, along (y, x), (x,) or of a single spectrum
    energy : (M,) of the modes, J; the mean fitted "<mode>.energy" if None
    drop : bits of `PixelFlag` of pixels that are left out

    Returns
    -------
    Occupation; places without a good pixel are left out, and a mode is NaN where more than one good pixel in
    twenty does not show it, as where the material hardly has it

    Raises
    ------
    InputError
        if the fit had one temperature for all modes, energies are unknown, or no pixel is good
    """
    good, quanta = fitted_modes(by_mode, energy, drop)
    value, sigma, determined = np.empty((3, *by_mode.shape, quanta.size))
    for j, (mode, quantum) in enumerate(zip(by_mode.modes, quanta.tolist(), strict=True)):
        name = population_name(by_mode, mode)
        value[..., j], slope = mode_occupation(by_mode.parameter(name), name, quantum)
        sigma[..., j], determined[..., j] = slope * by_mode.parameter_sigma(name), by_mode.is_determined(name)
    rows = by_mode.rows
    shown = good[..., None] & np.isfinite(value) & np.isfinite(sigma) & (determined > 0)
    pixels = np.atleast_1d(good.sum(axis=rows))
    size = (pixels.size, quanta.size)
    count = shown.sum(axis=rows).reshape(size)
    # where a mode is hardly there, the pixels that show it by chance are too hot: the cold ones lie on a limit
    per = np.where((count > 0) & (count >= _MIN_VISIBLE_SHARE * pixels[:, None]), count, np.nan)
    mean = np.where(shown, value, 0.0).sum(axis=rows).reshape(size) / per
    error = np.sqrt(np.where(shown, sigma**2, 0.0).sum(axis=rows)).reshape(size) / per
    use = np.isfinite(mean).any(axis=1)
    if not use.any():
        raise InputError(f"none of the {good.size} pixels of the map shows the occupation of any mode")
    x = by_mode.position[-1] if by_mode.position else np.zeros(1)
    return Occupation(x[use], quanta, mean[use], error[use], modes=by_mode.modes, method=by_mode.method or "STEM-EELS")


def population_name(by_mode: TemperatureMap, mode: str) -> str:
    """Name of the occupation, or else of the temperature, of a mode in a map."""
    names = [f"{mode}.{word}" for word in ("occupation", "temperature") if f"{mode}.{word}" in by_mode.names]
    if not names:
        raise InputError(
            f"{mode!r} has neither an occupation nor a temperature of its own in this map: fit one for each"
        )
    return names[0]


def mode_occupation(value: Array, name: str, quantum: float) -> tuple[Array, Array]:
    """(...) occupation of a mode of a quantum (J) by its fitted value, and its derivative by this value."""
    if name.endswith("occupation"):
        return value, np.ones(value.shape)
    n = 1 / np.expm1(np.minimum(quantum / (k_B * value), 700.0))
    return n, n * (n + 1) * quantum / (k_B * value**2)


def mixed_temperatures(by_mode: TemperatureMap, jump_fit: InterfaceJump, *, drop: int = UNUSABLE_OR_MISFIT) -> Array:
    r"""(nx, M) temperature that each mode shows when both sides are in equilibrium and seen through the point spread.

    $T_j(x) = \sum_s S_{js}\int_s K(x - x')T_s(x')dx' / \sum_s S_{js}\int_s K(x - x')dx'$ with the branches $T_s$ and
    the point spread $K$ of the jump, and strengths $S_{js}$ from the intensities of the map.
    """
    x = by_mode.position[-1]
    sides = side_strengths(by_mode, jump_fit.jump.at, jump_fit.spread, usable_pixels(by_mode, drop))
    branches = jump_fit.spread.branches(x - jump_fit.jump.at)
    kelvins = branches * jump_fit.value[:4]
    share = branches[:, :2] @ sides
    return real_array((kelvins[:, :2] + kelvins[:, 2:]) @ sides / np.where(share > 0, share, np.nan))


def mixture_test(
    by_mode: TemperatureMap,
    jump_fit: InterfaceJump,
    *,
    level: float = 0.05,
    correction: Correction = "holm",
    drop: int = UNUSABLE_OR_MISFIT,
) -> DepartureTest:
    r"""Test whether the modes of a map depart by more than two temperatures in one spectrum explain.

    `jump_fit` is a jump fitted with the point spread to the same map.  With $\delta_j = 1/T_j - 1/T_j^\mathrm{mix}$ and
    its covariance $C$, the statistic is $\delta^TC^{-1}\delta - (1^TC^{-1}\delta)^2/1^TC^{-1}1$, chi-squared with $M -
    1$ degrees of freedom: an offset that all modes share is left free.  Inverse temperatures are used since their
    errors are nearly normal.  Errors of the jump are neglected beside those of a pixel.  A mode that a pixel does not
    show (its material lacks it) counts as in equilibrium, which makes the test there more cautious than its level.
    """
    mixed = mixed_temperatures(by_mode, jump_fit, drop=drop)
    shown = visible_modes(by_mode) & usable_pixels(by_mode, drop)[..., None] & np.isfinite(mixed)
    good = shown.sum(axis=-1) > 1
    mixed = np.where(shown, mixed, 1.0)
    kelvin = np.where(shown, by_mode.value[..., by_mode.mode_parameters("temperature")], 1.0)
    weight = mode_information(by_mode, shown) * mixed[..., :, None] ** 2 * mixed[..., None, :] ** 2
    departure = 1 / kelvin - 1 / mixed
    pull = np.einsum("...ij,...j->...i", weight, departure)
    total = np.where(good, weight.sum(axis=(-2, -1)), 1.0)
    statistic = (departure * pull).sum(axis=-1) - pull.sum(axis=-1) ** 2 / total
    statistic, freedom = np.where(good, np.maximum(statistic, 0.0), np.nan), len(by_mode.modes) - 1
    pvalue = chi2_probability(freedom, statistic)
    return DepartureTest(statistic, freedom, pvalue, adjust_pvalues(pvalue, correction), correction, level)
