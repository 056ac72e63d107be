"""How likely coordinates of a fit are when size and correlation of the noise of its curves are integrated out."""

from functools import cached_property
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.measure.experiment import AutoregressiveNoise
from kapitza.measure.noise.estimate import LinearCurve, NoisePosterior, posterior_of_noise, tangent_curves
from kapitza.measure.problem import FitProblem


@frozen(eq=False)
class IntegratedNoise(BaseRecord):
    """What integrating out the noise of the curves of a fit adds to chi2.

    `problem` was fitted with the likeliest noise, `x` (p,) is its minimum, `used` (u,) are the indices of coordinates
    that are not on a limit.
    """

    problem: FitProblem
    x: Array
    used: NDArray[np.intp]

    @cached_property
    def _at_minimum(self) -> dict[int, float]:
        """Of the minimum, by the coordinate that is profiled."""
        return {}

    def correction(self, x: Array, held: int) -> float:
        """At coordinates (p,) of the profile of one, less what is added at the minimum."""
        if held not in self._at_minimum:
            self._at_minimum[held] = integrated_noise(self.problem, self.x, held, self.used)
        return integrated_noise(self.problem, x, held, self.used) - self._at_minimum[held]

    def linear_rise(self, held: int, steps: Array) -> Array:
        """(k,) rises so far (k,) from the minimum along one coordinate of a linear model."""
        return linear_rise(self.problem, self.x, held, self._with(held), steps, beyond=held not in self.used)

    def linear_deviation(self, held: int) -> float:
        """Standard deviation of one coordinate of a linear model, all noises in proportion to how likely they are."""
        used = self._with(held)
        place = int(np.flatnonzero(used == held)[0])
        found = [
            _moments(curve, place)
            for curve, noise in zip(tangent_curves(self.problem, self.x, used), self.problem.noise, strict=True)
            if noise is not None
        ]
        return float(np.sqrt(max(variance for _, variance in found)))

    def _with(self, held: int) -> NDArray[np.intp]:
        """The coordinates that move, and one that may be on a limit."""
        return np.union1d(self.used, [held])


def integrated_noise(problem: FitProblem, x: Array, held: int, used: NDArray[np.intp]) -> float:
    r"""What is added to chi2 at coordinates (p,) for noise that is integrated out in place of the likeliest one.

    Chi2 of correlated noise is that of the noise which the residuals at the minimum have.  Another value of a
    coordinate leaves others, with another noise: what neighbours share then takes up more.  For each curve

    $$-2\ln\sum_q p_q \lvert C_q\rvert^{-1/2} \lvert I_q\rvert^{-1/2} e^{-\chi^2_q/2}$$

    over the noises q of `estimate_noise`, less the term of the noise of the fit alone; $I_q$ is the inverse covariance
    of all coordinates but the one that is held, over which is integrated on the tangent.

    Parameters
    ----------
    held : index of the coordinate that is profiled
    used : (u,) indices of the coordinates that are not on a limit
    """
    added = 0.0
    for curve, noise in zip(tangent_curves(problem, x, used[used != held]), problem.noise, strict=True):
        if noise is not None:
            found = posterior_of_noise(curve, curve.residual[:, None], curve.gradient[:, None])
            added -= 2 * (_log_density(found) - _log_density_of_one(curve, noise))
    return added


def linear_rise(
    problem: FitProblem, x: Array, held: int, used: NDArray[np.intp], steps: Array, *, beyond: bool = False
) -> Array:
    """(k,) rises of chi2 with the noise integrated out, so far (k,) from the minimum along one coordinate of a linear
    model, all others at their best; from the minimum that is `beyond` the limit on which the coordinate is.
    """
    place = int(np.flatnonzero(used == held)[0])
    curves = tangent_curves(problem, x, used)
    total = np.zeros(steps.size)
    variance = np.inf
    for curve, noise in zip(curves, problem.noise, strict=True):
        if noise is not None:
            found = posterior_of_noise(curve, curve.residual[:, None], curve.gradient[:, None])
            variance = _variance_of_one(curve, noise, place)
            weight = np.where(found.extended, found.log_density, -np.inf)[:, 0]
            spread, shift = found.variances()[:, 0, :, place], found.shift[:, 0, :, place]
            shift = shift - shift.ravel()[np.argmax(weight)] * beyond
            at = [weight - 0.5 * (np.log(spread) + (u - shift) ** 2 / spread) for u in (0.0, *steps.tolist())]
            rise = np.array([-2 * np.logaddexp.reduce(one, axis=None) for one in at])
            total += rise[1:] - rise[0] - steps**2 / variance
    return np.maximum(total + steps**2 / variance, 0.0)


def _moments(curve: LinearCurve, place: int) -> tuple[float, float]:
    """Mean and variance of a coordinate over all noises of the extended kind."""
    found = posterior_of_noise(curve, curve.residual[:, None], curve.gradient[:, None])
    weight = np.where(found.extended, found.log_density, -np.inf)[:, 0]
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()
    shift = found.shift[:, 0, :, place]
    mean = float(np.sum(weight * shift))
    return mean, float(np.sum(weight * (found.variances()[:, 0, :, place] + (shift - mean) ** 2)))


def _log_density(found: NoisePosterior) -> float:
    """Logarithm of the density of the residuals over all noises of the extended kind."""
    return float(np.logaddexp.reduce(found.log_density[:, 0][found.extended[:, 0]], axis=None))


def _log_density_of_one(curve: LinearCurve, noise: AutoregressiveNoise) -> float:
    """The same for one noise."""
    columns, determinant = noise.whiten(np.column_stack([curve.residual, curve.jacobian]))
    residual, jacobian = columns[:, 0], columns[:, 1:]
    curvature = jacobian.T @ jacobian + curve.information
    slope = jacobian.T @ residual + curve.gradient
    gain = float(slope @ np.linalg.solve(curvature, slope)) - float(residual @ residual)
    return 0.5 * (gain - determinant - float(np.linalg.slogdet(curvature)[1]))


def _variance_of_one(curve: LinearCurve, noise: AutoregressiveNoise, place: int) -> float:
    """Variance of a coordinate with one noise."""
    jacobian: NDArray[Any] = noise.whiten(curve.jacobian)[0]
    return float(np.linalg.inv(jacobian.T @ jacobian + curve.information)[place, place])
