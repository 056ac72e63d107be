"""Several spots or repeats of one sample: one hierarchical likelihood of the mean of a number and its spread."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, finite
from kapitza.core.parameter_units import format_parameter, parameter_with_error, rounded_to_error, shown_unit
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.fit_result import Fit
from kapitza.measure.likelihood import QUANTILE, plain_covariance

_SPREADS = 96  # spreads on the mesh on which the likelihood is searched
_MESH = (1e-3, 1e3)  # ends of it, in units of the least error of a spot and of the scatter of the values
_LEAST_VARIANCE = 1e-2  # of the noise, in units of that of the fit


@frozen(eq=False, kw_only=True)
class RepeatedNumber(BaseRecord):
    """A number that was fitted on several spots.

    `spread`, `spread_interval` are shares of the value where `relative`, as of every number that is positive, and in
    the unit of the number where not.

    Attributes
    ----------
    value, sigma : of the mean over all spots that the sample could have, with the errors that all spots share
    interval : 95 % interval of the mean
    shared : what the inputs that all spots share bring to sigma, which no number of spots makes smaller
    spread : most likely standard deviation between spots, without the errors of the fits
    spread_interval : 95 % interval of it
    each, each_sigma : value of each spot with the shared inputs as the data of all spots have them, and its standard
        uncertainty without theirs

    Examples
    --------
    >>> from kapitza.examples import fitted_film
    >>> from kapitza.measure.noise import combine_repeats
    >>> mean = combine_repeats([fitted_film(seed=seed) for seed in range(3)], "Al|Si.conductance")
    >>> print(f"{mean.mean_in_words()} on {mean.each.size} spots")
    100.32 ± 0.27 MW/m²K on 3 spots
    """

    name: str
    value: float = field(metadata=about("SI", "mean over spots"))
    sigma: float = field(metadata=about("SI", "standard uncertainty of the mean"))
    interval: tuple[float, float] = field(metadata=about("SI", "95 % interval of the mean"))
    shared: float = field(metadata=about("SI", "part of sigma by inputs that all spots share"))
    spread: float = field(metadata=about("1 if relative, else SI", "standard deviation between spots"))
    spread_interval: tuple[float, float] = field(
        metadata=about("1 if relative, else SI", "95 % interval of the spread")
    )
    relative: bool
    each: Array = field(converter=finite, metadata=about("SI", "(n,) value of each spot"))
    each_sigma: Array = field(converter=finite, metadata=about("SI", "(n,) uncertainty of each spot alone"))

    def mean_in_words(self) -> str:
        """The mean with its standard uncertainty, in the unit that it is shown in."""
        return parameter_with_error(self.name, self.value, self.sigma)

    def range_in_words(self, ends: tuple[float, float]) -> str:
        """From one value (SI) to another, in the unit that the mean is shown in, and as rounded."""
        size = shown_unit(self.name)[1]
        return " to ".join(rounded_to_error(end / size, self.sigma / size) for end in ends)

    def spread_in_words(self, spread: float) -> str:
        """A spread as a share of the value, or in the unit that the mean is shown in."""
        if self.relative:
            return f"{100 * spread:.2g} %" if 100 * spread < 100 else f"{100 * spread:.0f} %"
        return format_parameter(self.name, spread, 2)


@frozen(eq=False, kw_only=True)
class SpotEstimates(BaseRecord):
    """What n spots say of a number, near the minimum of each fit, and of s inputs that all of them share."""

    value: Array  # (n,) best values where all shared inputs are as stated
    variance: Array  # (n,) of them by the data and by what each spot has for itself
    slope: NDArray[Any]  # (n, s) change of the best values with the shared inputs
    information: NDArray[Any]  # (s, s) inverse covariance of the shared inputs by their priors and all data
    pull: Array  # (s,) that times their best values


@frozen(eq=False, kw_only=True)
class HierarchicalMean(BaseRecord):
    """Mean and spread of a hierarchy.

    `half` is the half-length of the 95 % interval of the mean, `shared` the part of its `sigma` by inputs that all
    spots share, and `inputs` (s,) are these inputs in the coordinates of the fits.
    """

    value: float
    sigma: float
    half: float
    shared: float
    spread: float
    spread_interval: tuple[float, float]
    inputs: Array = field(converter=finite)


def combine_repeats(fits: Sequence[Fit], name: str, *, own: Sequence[str] = ()) -> RepeatedNumber:
    r"""Mean and spread of a free number over several spots of one sample, by one likelihood for all of them.

    Spot i has the value $\theta_i = \mu + \tau z_i$ with z normal, of the logarithm where the number is positive.  Its
    data, near the minimum of its fit, are a quadratic form in $\theta_i$, in its other free numbers and in the
    uncertain inputs $\phi$.  Other free numbers, and the inputs named in `own`, are those of one spot, and are
    integrated out with their priors; the other inputs are the same on all spots and have their prior once, so that
    their errors are not averaged.  The product of these forms is the likelihood that one fit of all curves would have
    (`hierarchical_mean` says what is made of it).  The noise of each spot is that of its fit, with the errors widened
    where it is correlated or its size is not stated.

    Parameters
    ----------
    fits : of each spot, with the same free and uncertain numbers
    name : of a free number
    own : uncertain inputs that each spot has for itself, such as a phase that was set anew

    Raises
    ------
    InputError
        for less than two fits, a number that one of them does not determine, or other uncertain inputs in one of them

    Examples
    --------
    >>> from kapitza.examples import fitted_film
    >>> from kapitza.measure.noise import combine_repeats
    >>> mean = combine_repeats([fitted_film(seed=seed) for seed in range(3)], "Al|Si.conductance")
    >>> print(mean.each.size, "spots", abs(mean.value / 1e8 - 1) < 0.03)
    3 spots True
    """
    if len(fits) < 2:
        raise InputError(f"{len(fits)} fit of {name}: expected at least 2 spots to tell their mean")
    for one in fits:
        if one.names != fits[0].names:
            raise InputError(f"the fits have other numbers, {one.names} and {fits[0].names}: expected the same")
        if name in one.bounds:
            raise InputError(f"{name}: expected a number that all spots determine, one gives a bound only")
    known = {parameter.name for parameter in fits[0].problem.parameters if parameter.known}
    if unknown := sorted(set(own) - known):
        raise InputError(f"{unknown[0]!r} is no uncertain input of the fits: there are {sorted(known)}")
    spots = spot_estimates(fits, name, own)
    found = hierarchical_mean(spots)
    relative = fits[0].problem.parameters[fits[0].index(name)].unit is None

    def value(x: float) -> float:
        return float(np.exp(x)) if relative else x

    size = value(found.value) if relative else 1.0
    each = [value(one) for one in (spots.value + spots.slope @ found.inputs).tolist()]
    errors = np.sqrt(spots.variance)
    return RepeatedNumber(
        name=name,
        value=value(found.value),
        sigma=size * found.sigma,
        interval=(value(found.value - found.half), value(found.value + found.half)),
        shared=size * found.shared,
        spread=found.spread,
        spread_interval=found.spread_interval,
        relative=relative,
        each=each,
        each_sigma=errors * (np.array(each) if relative else 1.0),
    )


def spot_estimates(fits: Sequence[Fit], name: str, own: Sequence[str]) -> SpotEstimates:
    """What the fits of all spots say of a free number, of its logarithm where it is positive, and of shared inputs."""
    index, parameters = fits[0].index(name), fits[0].problem.parameters
    shared = [i for i, parameter in enumerate(parameters) if parameter.known and parameter.name not in own]
    value, variance, slope = [], [], []
    information = np.diag([np.mean([one.problem.parameters[i].width ** -2 for one in fits]) for i in shared])
    pull = np.zeros(len(shared))
    for one in fits:
        form, vector = _reduced_form(one, index, shared)
        across = form[0, 1:] / form[0, 0]
        information = information + form[1:, 1:] - np.outer(across, form[0, 1:])
        pull = pull + vector[1:] - across * vector[0]
        parameter = one.problem.parameters[index]
        unit, start = (1.0, np.log(parameter.start)) if parameter.unit is None else (parameter.unit, parameter.start)
        value.append(start + unit * vector[0] / form[0, 0])
        variance.append(unit**2 / form[0, 0])
        slope.append(-unit * across)
    return SpotEstimates(
        value=np.array(value),
        variance=np.array(variance),
        slope=np.array(slope).reshape(len(fits), len(shared)),
        information=information,
        pull=pull,
    )


def _reduced_form(fit: Fit, index: int, shared: Sequence[int]) -> tuple[NDArray[Any], Array]:
    r"""Quadratic form $\frac12x^TAx - b^Tx$ of the data in a free number and the shared inputs; A and b.

    At the minimum $\hat x$ of the fit the derivatives of data and priors P cancel, so that $b = (A + P)\hat x$.  The
    noise is taken as many times larger as widened the error that it brings to the number.
    """
    problem, solution = fit.problem, fit.solution
    jacobian = solution.jacobian[: problem.rows] * solution.inside
    form, prior = jacobian.T @ jacobian, problem.width**-2
    vector = (form @ solution.x + prior * solution.x) * solution.inside
    plain = plain_covariance(problem, solution)
    data = float(np.sum((jacobian @ plain[:, index]) ** 2))
    widened = float(solution.covariance[index, index] - plain[index, index])
    noise = max(1 + widened / data if data > 0 else 1.0, _LEAST_VARIANCE)
    form, vector = form / noise, vector / noise
    kept = [index, *shared]
    rest = [i for i in range(form.shape[0]) if i not in kept]
    if rest:
        inner = form[np.ix_(rest, rest)] + np.diag(prior[rest])
        size = np.sqrt(np.diag(inner))  # vague and sharp numbers stand side by side
        gain = np.linalg.solve(inner / np.outer(size, size), form[np.ix_(rest, kept)] / size[:, None]).T / size
        return form[np.ix_(kept, kept)] - gain @ form[np.ix_(rest, kept)], vector[kept] - gain @ vector[rest]
    return form[np.ix_(kept, kept)], vector[kept]


def hierarchical_mean(spots: SpotEstimates) -> HierarchicalMean:
    r"""Mean and spread of what n spots have, with what they share, from their joint likelihood.

    The spread $\tau$ is the most likely one of the restricted likelihood, in which mean and shared inputs are
    integrated out (H. D. Patterson and R. Thompson, Biometrika 58, 545 (1971), doi:10.1093/biomet/58.3.545); mean and
    shared inputs are those of generalised least squares with it.  A few spots tell the spread so roughly that no
    interval may rest on it: the error of the mean that spots do not share is multiplied by the root q of chi2 over its
    n - 1 degrees of freedom and has the quantile of Student's t, which is exact for spots of equal errors whatever the
    spread and whatever these errors are in truth (J. Hartung and G. Knapp, Stat. Med. 20, 1771 (2001),
    doi:10.1002/sim.791; K. Sidik and J. N. Jonkman, Stat. Med. 21, 3153 (2002), doi:10.1002/sim.1262).  A prior for the
    spread, flat or half a Cauchy distribution, would take a view of it that two or three spots do not correct.  With
    shared errors the quantile is the mean of Student's and of the normal one, weighted by the variances (W. G. Cochran,
    Biometrics 20, 191 (1964), doi:10.2307/2527624).  Spots that agree better by chance than their errors let them
    have an interval of no less than one standard uncertainty to both sides.

    The interval of the spread has all $\tau$ for which chi2 lies between the quantiles of its distribution (W.
    Viechtbauer, Stat. Med. 26, 37 (2007), doi:10.1002/sim.2514).  That chi2 is so small is divided by how often it is
    without any spread (A. L. Read, J. Phys. G 28, 2693 (2002), doi:10.1088/0954-3899/28/10/313), so that spots that
    agree by chance do not exclude spreads that are smaller than their errors.
    """
    from scipy.special import chdtr, chdtri, stdtrit

    freedom = spots.value.size - 1
    least = float(np.sqrt(spots.variance.min()))
    scale = max(float(np.std(spots.value)), least)
    mesh = np.concatenate([[0.0], np.geomspace(_MESH[0] * least, _MESH[1] * scale, _SPREADS)])
    rise, chi2 = _likelihoods(spots, mesh)
    spread = _refined_maximum(spots, mesh, rise)
    tails = 0.025, 1 - 0.025 * float(chdtr(freedom, chi2[0]))
    ends = [_spread_at(spots, mesh, chi2, float(chdtri(freedom, tail))) for tail in tails]
    weight, matrix, vector = _normal_equations(spots, np.array([spread]))
    covariance, own = np.linalg.inv(matrix[0]), float(1 / weight.sum())
    best = covariance @ vector[0]
    sigma, shared = float(np.sqrt(covariance[0, 0])), float(np.sqrt(max(covariance[0, 0] - own, 0.0)))
    scatter = float(_likelihoods(spots, np.array([spread]))[1][0]) / freedom
    lone = own * scatter
    total = lone + shared**2
    student = float(stdtrit(freedom, 0.975))
    quantile = (student * lone + QUANTILE * shared**2) / total if total > 0 else 0.0
    half = max(quantile * float(np.sqrt(total)), sigma)
    return HierarchicalMean(
        value=float(best[0]),
        sigma=sigma,
        half=half,
        shared=shared,
        spread=spread,
        spread_interval=(ends[0], ends[1]),
        inputs=best[1:],
    )


def _normal_equations(spots: SpotEstimates, spread: Array) -> tuple[Array, NDArray[Any], NDArray[Any]]:
    """(k, n) weights, (k, 1 + s, 1 + s) matrices and (k, 1 + s) vectors of mean and shared inputs for spreads (k,)."""
    rows = np.column_stack([np.ones(spots.value.size), -spots.slope])
    weight = 1 / (spots.variance + spread[:, None] ** 2)
    matrix = np.einsum("kn,ni,nj->kij", weight, rows, rows)
    matrix[:, 1:, 1:] += spots.information
    vector = (weight * spots.value) @ rows
    vector[:, 1:] += spots.pull
    return weight, matrix, vector


def _likelihoods(spots: SpotEstimates, spread: Array) -> tuple[Array, Array]:
    """(k,) restricted logarithmic likelihoods and (k,) chi2 of n - 1 degrees of freedom for spreads (k,)."""
    weight, matrix, vector = _normal_equations(spots, spread)
    best = np.linalg.solve(matrix, vector[..., None])[..., 0]
    alone = float(spots.pull @ np.linalg.solve(spots.information, spots.pull)) if spots.pull.size else 0.0
    chi2 = np.maximum(weight @ spots.value**2 + alone - np.sum(vector * best, axis=1), 0.0)
    return 0.5 * (np.log(weight).sum(axis=1) - np.linalg.slogdet(matrix)[1] - chi2), chi2


def _refined_maximum(spots: SpotEstimates, mesh: Array, likelihood: Array) -> float:
    """Spread of the highest likelihood; 0 where it falls from there."""
    from scipy.optimize import minimize_scalar

    i = int(np.argmax(likelihood))
    if i == 0:
        return 0.0

    def rise(spread: float) -> float:
        return -float(_likelihoods(spots, np.array([spread]))[0][0])

    bounds = float(mesh[i - 1]), float(mesh[min(i + 1, mesh.size - 1)])
    found: Any = minimize_scalar(rise, bounds=bounds, method="bounded")
    return float(found.x) if found.fun <= -likelihood[0] else 0.0


def _spread_at(spots: SpotEstimates, mesh: Array, chi2: Array, wanted: float) -> float:
    """Spread at which chi2, which falls with it, has a value; 0 where it is never as large."""
    from scipy.optimize import brentq

    if chi2[0] <= wanted:
        return 0.0
    i = int(np.argmax(chi2 <= wanted)) or mesh.size - 1

    def gap(x: float) -> float:
        return float(_likelihoods(spots, np.array([x]))[1][0]) - wanted

    if gap(float(mesh[i])) > 0:
        return float(mesh[i])
    found: Any = brentq(gap, float(mesh[i - 1]), float(mesh[i]))
    return float(found)
