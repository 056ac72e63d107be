"""Several spots or repeats of one sample: the mean of a number and its spread between the spots, as one hierarchy."""

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, finite
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.fit_result import Fit

_SPREADS = 400  # spreads on the mesh
_WIDEST = 5.0  # times the scatter of the values, the widest spread of the mesh


@frozen(eq=False, kw_only=True)
class RepeatedNumber(BaseRecord):
    """A number that was fitted on several spots.

    Attributes
    ----------
    value, sigma : of the mean over all spots that the sample could have, with the errors that all spots share
    spread : median of the standard deviation between spots, relative, without the errors of the fits
    spread_interval : 95 % interval of it

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Boundary, Layer, Stack, fit
    >>> from kapitza.measure import simulate_curve
    >>> from kapitza.measure.noise import combine_repeats
    >>> from kapitza.thermoreflectance import FilmCooling
    >>> film = Stack(
    ...     [Layer("Al", 80e-9, 180.0, heat_capacity=2.43e6), Layer("Si", np.inf, 130.0, heat_capacity=1.66e6)],
    ...     [Boundary(1e8)],
    ... )
    >>> cooling = FilmCooling(np.geomspace(0.1e-9, 10e-9, 20))
    >>> spots = [simulate_curve(cooling, film, noise=0.01, seed=seed) for seed in range(3)]
    >>> mean = combine_repeats([fit(cooling, spot, film, ["Al|Si.conductance"]) for spot in spots], "Al|Si.conductance")
    >>> print(f"{mean.value / 1e6:.0f} ± {mean.sigma / 1e6:.0f} MW/m²K on {mean.each.size} spots")
    100 ± 1 MW/m²K on 3 spots
    """

    name: str
    value: float = field(metadata=about("SI", "mean over spots"))
    sigma: float = field(metadata=about("SI", "standard uncertainty of the mean"))
    spread: float = field(metadata=about("1", "relative standard deviation between spots"))
    spread_interval: tuple[float, float] = field(metadata=about("1", "95 % interval of the spread"))
    each: Array = field(converter=finite, metadata=about("SI", "(n,) value of each spot"))
    each_sigma: Array = field(converter=finite, metadata=about("SI", "(n,) total uncertainty of each spot"))


def combine_repeats(fits: Sequence[Fit], name: str) -> RepeatedNumber:
    r"""Mean and spread of a positive free number over fits of several spots of one sample.

    The logarithms of the fitted values are $x = \mu + \tau z + e$, z normal and e with the covariance of the fits: the
    errors that the data bring are independent, those of uncertain inputs, such as the thickness of the film, are the
    same on all spots.  The mean has a flat prior, and so has the spread $\tau$ (A. Gelman, Bayesian Anal. 1, 515
    (2006), doi:10.1214/06-BA117A); the error of the mean is that of all spreads in proportion to their probability.

    Parameters
    ----------
    fits : of each spot, with the same free and uncertain numbers
    name : of a free number

    Raises
    ------
    InputError
        for less than three fits, numbers that are not positive, or not determined by one of them

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Boundary, Layer, Stack, fit
    >>> from kapitza.measure import simulate_curve
    >>> from kapitza.measure.noise import combine_repeats
    >>> from kapitza.thermoreflectance import FilmCooling
    >>> film = Stack(
    ...     [Layer("Al", 80e-9, 180.0, heat_capacity=2.4e6), Layer("Si", np.inf, 148.0, heat_capacity=1.64e6)],
    ...     [Boundary(1e8)],
    ... )
    >>> cooling = FilmCooling(np.geomspace(0.1e-9, 10e-9, 20))
    >>> spots = [simulate_curve(cooling, film, noise=0.01, seed=seed) for seed in range(3)]
    >>> mean = combine_repeats([fit(cooling, one, film, ["Al|Si.conductance"]) for one in spots], "Al|Si.conductance")
    >>> print(mean.each.size, "spots", abs(mean.value / 1e8 - 1) < 0.03)
    3 spots True
    """
    if len(fits) < 3:
        raise InputError(f"{len(fits)} repeats: expected at least 3 to tell their spread")
    x, sigma, shared = _logarithms(fits, name)
    own = np.maximum(sigma**2 - np.diag(shared), 0.0)
    scale = max(float(np.std(x, ddof=1)), float(sigma.min()))
    spreads = np.linspace(0, _WIDEST * scale, _SPREADS)
    log_density, means, variances = np.empty((3, _SPREADS))
    for i, spread in enumerate(spreads.tolist()):
        # what all spots share moves the mean alone: it is added to its variance, and tells nothing of the spread
        weight = 1 / (own + spread**2 + 1e-30)
        variances[i] = 1 / weight.sum()
        means[i] = weight @ x * variances[i]
        rest = x - means[i]
        log_density[i] = 0.5 * (np.log(weight).sum() + np.log(variances[i]) - weight @ rest**2)
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    mean = float(density @ means)
    variance = float(density @ (variances + (means - mean) ** 2)) + float(np.mean(shared))
    low, middle, high = np.interp([0.025, 0.5, 0.975], np.cumsum(density), spreads).tolist()
    value = float(np.exp(mean))
    return RepeatedNumber(
        name=name,
        value=value,
        sigma=value * float(np.sqrt(variance)),
        spread=middle,
        spread_interval=(low, high),
        each=np.exp(x),
        each_sigma=np.exp(x) * sigma,
    )


def _logarithms(fits: Sequence[Fit], name: str) -> tuple[Array, Array, NDArray[np.float64]]:
    """(n,) logarithms of a number, (n,) their uncertainties, and (n, n) their covariance by inputs that all share."""
    values: list[float] = []
    sigmas: list[float] = []
    parts: list[Array] = []
    for one in fits:
        i = one.index(name)
        parameter = one.problem.parameters[i]
        if parameter.unit is not None or name in one.bounds:
            raise InputError(f"{name}: expected a positive number that all repeats determine")
        known = np.array([p.known for p in one.problem.parameters])
        values.append(float(np.log(one.value[i])))
        sigmas.append(float(one.solution.sigma[i]))
        parts.append(one.solution.covariance[i, known] / one.problem.width[known])
    if len({part.size for part in parts}) != 1:
        raise InputError(f"the repeats have {[part.size for part in parts]} uncertain numbers: expected the same")
    together = np.array(parts)
    return np.array(values), np.array(sigmas), together @ together.T
