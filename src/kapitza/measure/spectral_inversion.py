r"""The transmission of a boundary by frequency from what is measured on stacks, and what the data leave open.

Few numbers are measured, each a sum over the spectrum: most of $t(\omega)$ stays open.  So the answer is not one curve.
It is what the data and a stated assumption of smoothness make likely (estimate, covariance, samples), how much of it
comes from the data (averaging kernels, their trace), what the data alone exclude (range, linearised or exact), and sums
over the spectrum that they do determine (conductance).
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol, cast

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares, linprog, lsq_linear, minimize
from scipy.stats import norm

from kapitza.core.arrays import Array, about, finite, finite_table, square
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.layered.response import apparent_resistance_derivatives, conductance_derivatives
from kapitza.simulate.boltzmann.layered.transport import Film


class SpectralMeasurement(Protocol):
    """Data that depend on what crosses one boundary.

    Examples
    --------
    >>> from kapitza.examples import silicon_on_germanium
    >>> from kapitza.thermoreflectance import SpectralMeasurement
    >>> blank, left, right, flow = silicon_on_germanium()
    >>> one: SpectralMeasurement = blank.simulate(flow, seed=1)
    >>> residual, slope = one.residuals(flow)
    >>> print(residual.shape, slope.shape, (abs(residual) < 4).all())
    (6,) (6, 4) True
    """

    def residuals(self, flow: Array) -> tuple[Array, Array]:
        """Prediction less data over sigma, (m,), and its derivatives (m, G) with respect to the flow, m² K W⁻¹."""
        ...

    def simulate(self, flow: Array, seed: int) -> "SpectralMeasurement":
        """The same measurement of a known boundary, with noise of the stated sigma."""
        ...

    def with_lifetimes(self, medium: Carriers, factor: float) -> "SpectralMeasurement":
        """The same data, on layers of one medium whose lifetimes are all longer by a factor."""
        ...


def _scale_lifetimes(films: Sequence[Film], medium: Carriers, factor: float) -> list[Film]:
    """Layers, those of one medium with lifetimes that are longer by a factor."""
    other = evolve(medium, lifetime=medium.lifetime * factor)
    return [evolve(one, carriers=other) if one.carriers is medium else one for one in films]


def _finite_complex(value: object) -> NDArray[np.complex128]:
    array = np.array(value, dtype=complex, ndmin=1)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise InputError(f"expected finite numbers along one axis, got {value!r:.60}")
    array.flags.writeable = False
    return array


def _check_sigma(sigma: Array, count: int) -> None:
    if sigma.size != count or not (sigma > 0).all():
        raise InputError(f"{sigma.size} uncertainties from {sigma.min(initial=np.inf):g} for {count} data, wanted > 0")


@frozen(eq=False)
class StackConductances(BaseRecord):
    """Conductances of stacks of several thicknesses, from end to end between black walls.

    Attributes
    ----------
    stacks : (n,) layers of each
    boundaries : of each stack, None for each that is the unknown one
    value : (n,) W m⁻² K⁻¹; a conductivity over the thickness of the stack

    Raises
    ------
    InputError
        for columns of unequal length
    """

    stacks: Sequence[Sequence[Film]]
    boundaries: Sequence[object]
    value: Array = field(converter=finite, metadata=about("W m^-2 K^-1", "conductance"))
    sigma: Array = field(converter=finite, metadata=about("W m^-2 K^-1", "uncertainty"))

    def __attrs_post_init__(self) -> None:
        if self.value.size != len(self.stacks):
            raise InputError(f"{self.value.size} conductances for {len(self.stacks)} stacks")
        _check_sigma(self.sigma, self.value.size)

    def residuals(self, flow: Array) -> tuple[Array, Array]:
        """Prediction less data over sigma, (n,), and its derivatives (n, G), m² K W⁻¹."""
        found = [conductance_derivatives(stack, self.boundaries, flow) for stack in self.stacks]
        value = np.array([one.value.real for one in found])
        slope = np.array([np.real(one.slope) for one in found])
        return (value - self.value) / self.sigma, slope / self.sigma[:, None]

    def simulate(self, flow: Array, seed: int) -> "StackConductances":
        """The same measurement of a known boundary, with noise."""
        exact = self.value + self.sigma * self.residuals(flow)[0]
        noise = np.random.default_rng(seed).standard_normal(exact.size)
        return evolve(self, value=exact + self.sigma * noise)

    def with_lifetimes(self, medium: Carriers, factor: float) -> "StackConductances":
        """The same data, on layers of one medium whose lifetimes are all longer by a factor."""
        return evolve(self, stacks=[_scale_lifetimes(one, medium, factor) for one in self.stacks])


@frozen(eq=False)
class ApparentResistances(BaseRecord):
    """Boundary resistances that thermoreflectance reports against the frequency of modulation.

    Attributes
    ----------
    films : the film, which is heated evenly, and the substrate
    value : (n,) m² K W⁻¹, complex: what is left when film and substrate are taken off by Fourier's law
    sigma : (n,) standard uncertainty of the real and of the imaginary part, m² K W⁻¹

    Raises
    ------
    InputError
        for columns of unequal length

    Examples
    --------
    >>> from kapitza.examples import silicon_on_germanium
    >>> blank, left, right, flow = silicon_on_germanium()
    >>> seen = blank.simulate(flow, seed=1)
    >>> print((seen.value.real * 1e9).round(1), "m²K/GW at 1, 10 and 100 MHz")
    [3.1 2.7 2.2] m²K/GW at 1, 10 and 100 MHz
    """

    films: Sequence[Film]
    frequency: Array = field(converter=finite, metadata=about("Hz", "frequency"))
    value: NDArray[Any] = field(converter=_finite_complex, metadata=about("m^2 K W^-1", "apparent resistance"))
    sigma: Array = field(converter=finite, metadata=about("m^2 K W^-1", "uncertainty"))

    def __attrs_post_init__(self) -> None:
        if self.value.size != self.frequency.size:
            raise InputError(f"{self.value.size} resistances for {self.frequency.size} frequencies")
        _check_sigma(self.sigma, self.value.size)

    def residuals(self, flow: Array) -> tuple[Array, Array]:
        """Prediction less data over sigma, (2n,), real parts first, and its derivatives (2n, G), m² K W⁻¹."""
        found = [apparent_resistance_derivatives(self.films, flow, float(f)) for f in self.frequency]
        off = (np.array([one.value for one in found]) - self.value) / self.sigma
        slope = np.array([one.slope for one in found]) / self.sigma[:, None]
        return np.concatenate([off.real, off.imag]), np.concatenate([slope.real, slope.imag])

    def simulate(self, flow: Array, seed: int) -> "ApparentResistances":
        """The same measurement of a known boundary, with noise."""
        n = self.value.size
        off = self.residuals(flow)[0] + np.random.default_rng(seed).standard_normal(2 * n)
        return evolve(self, value=self.value + self.sigma * (off[:n] + 1j * off[n:]))

    def with_lifetimes(self, medium: Carriers, factor: float) -> "ApparentResistances":
        """The same data, on layers of one medium whose lifetimes are all longer by a factor."""
        return evolve(self, films=_scale_lifetimes(self.films, medium, factor))


_PRIOR_MEAN = 0.5  # mean of the prior: half of what could cross
LIFETIME_STEP = 0.02  # relative change of lifetimes for differences
_LENGTHS = (0.25, 0.12, 0.06, 0.0)  # correlation lengths that samples take where nobody states one, alike before data
_PRIOR_FLOOR = 1e-9  # of the prior variance, that keeps its matrix regular
MatrixArray = NDArray[Any]


@frozen(eq=False)
class Smoothness(BaseRecord):
    r"""What is assumed of a spectrum before anything is measured: a Gaussian process.

    The share x of what could cross has the mean 1/2 at all frequencies, the standard deviation `spread`, and a
    correlation $\exp(-d^2/2\ell^2)$ between groups that lie the share d of all groups apart.

    Attributes
    ----------
    length : ℓ, as a share of the spectrum, 0 for none

    Examples
    --------
    >>> from kapitza.examples import silicon_on_germanium
    >>> from kapitza.thermoreflectance import Smoothness, spectral_transmission
    >>> blank, left, right, flow = silicon_on_germanium()
    >>> seen = blank.simulate(flow, seed=1)
    >>> for spread in (0.05, 0.3):
    ...     found = spectral_transmission([seen], left, right, prior=Smoothness(spread=spread, length=0.25), samples=20)
    ...     print(f"{found.freedom:.1f} numbers from the data if shares vary by {spread}")
    1.1 numbers from the data if shares vary by 0.05
    1.8 numbers from the data if shares vary by 0.3
    """

    spread: float = field(default=0.3, metadata=about("1", "standard deviation"))
    length: float = field(default=0.25, metadata=about("1", "correlation length"))

    def __attrs_post_init__(self) -> None:
        if not (0 < self.spread < np.inf and 0 <= self.length < np.inf):
            raise InputError(f"spread = {self.spread:g} and length = {self.length:g}: expected above 0, and 0 or more")

    def covariance(self, count: int) -> MatrixArray:
        """(G, G) of the shares."""
        place = np.arange(count) / count
        apart = place[:, None] - place
        close = np.exp(-((apart / self.length) ** 2) / 2) if self.length else np.eye(count)
        return self.spread**2 * (close + _PRIOR_FLOOR * np.eye(count))


def _check_shapes(instance: "SpectralEstimate", _attribute: object, _value: MatrixArray) -> None:
    groups, data = instance.share.size, instance.residual.size
    shapes = {
        "omega": (groups,), "covariance": (groups, groups), "samples": (len(instance.samples), groups),
        "kernel": (groups, groups), "limit": (groups,), "left": (groups,), "slope": (data, groups),
        "whitening": (data, data),
    }  # fmt: skip
    for name, shape in shapes.items():
        if getattr(instance, name).shape != shape:
            raise InputError(f"{name} has the shape {getattr(instance, name).shape}, expected {shape}")


@frozen(eq=False, kw_only=True)
class SpectralEstimate(BaseRecord):
    """Share of the phonons that could cross a boundary, by frequency, with what the data leave open.

    Attributes
    ----------
    kernel : (G, G) averaging kernels: the estimate is this, times the truth, and the prior for the rest
    whitening : (m, m) that takes data over their sigma to independent ones, where lifetimes are uncertain too; else 1

    Examples
    --------
    >>> from kapitza.examples import silicon_on_germanium
    >>> from kapitza.thermoreflectance import spectral_transmission
    >>> blank, left, right, flow = silicon_on_germanium()
    >>> found = spectral_transmission([blank.simulate(flow, seed=1)], left, right, samples=20)
    >>> value, sigma = found.conductance
    >>> print(
    ...     f"{value / 1e6:.0f} ± {sigma / 1e6:.0f} MW m⁻² K⁻¹, put in {flow.sum() / 1e6:.0f}; "
    ...     f"{found.freedom:.1f} numbers from the data"
    ... )
    519 ± 16 MW m⁻² K⁻¹, put in 524; 1.8 numbers from the data
    """

    omega: Array = field(converter=finite, metadata=about("rad s^-1", "(G,) angular frequency, 0 where there is none"))
    share: Array = field(converter=finite, metadata=about("1", "(G,) most likely heat that crosses over the limit"))
    covariance: MatrixArray = field(converter=square, metadata=about("1", "(G, G) of the shares without bounds"))
    samples: MatrixArray = field(converter=finite_table, metadata=about("1", "(n, G) shares within the limits"))
    kernel: MatrixArray = field(converter=square, metadata=about("1", "(G, G) averaging kernels"))
    limit: Array = field(converter=finite, metadata=about("W m^-2 K^-1", "(G,) most that detailed balance lets cross"))
    left: Array = field(converter=finite, metadata=about("W m^-2 K^-1", "(G,) heat that the left side carries one way"))
    residual: Array = field(converter=finite, metadata=about("1", "(m,) misfit over sigma, whitened"))
    slope: MatrixArray = field(converter=finite_table, metadata=about("1", "(m, G) derivatives of the residual"))
    whitening: MatrixArray = field(converter=square, validator=_check_shapes, metadata=about("1", "(m, m) whitening"))

    @property
    def count(self) -> int:
        """Number of data."""
        return self.residual.size

    @property
    def chi2(self) -> float:
        """Sum of the squares of the residuals of the data."""
        return float(self.residual @ self.residual)

    @property
    def sigma(self) -> Array:
        """(G,) standard uncertainty of the shares, without the limits."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def freedom(self) -> float:
        """Number of independent numbers about the spectrum that come from the data rather than the prior."""
        return float(np.trace(self.kernel))

    @property
    def flow(self) -> Array:
        """(G,) heat that crosses per kelvin, W m⁻² K⁻¹."""
        return self.share * self.limit

    @property
    def coefficient(self) -> Array:
        """(G,) share of the phonons from the left that cross."""
        return np.divide(self.flow, self.left, out=np.zeros_like(self.left), where=self.left > 0)

    @property
    def conductance(self) -> tuple[float, float]:
        """Emitted conductance, sum of the flow, and its standard uncertainty, W m⁻² K⁻¹."""
        return float(self.flow.sum()), float(np.sqrt(self.limit @ self.covariance @ self.limit))

    def band(self, confidence: float = 0.95) -> tuple[Array, Array]:
        """Lowest and highest share (G,) each, between which the samples lie with a probability."""
        low, high = np.quantile(self.samples, _interval_ends(confidence), axis=0, method="weibull")
        return low, high

    def sum_range(self, weights: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
        """Least and greatest weighted sum of the shares at which all data stay within their joint interval: that of
        `extreme_spectra`.
        """
        least, most = self.extreme_spectra(weights, confidence)
        weight = finite(weights)
        return float(weight @ least), float(weight @ most)

    def extreme_spectra(self, weights: ArrayLike, confidence: float = 0.95) -> tuple[Array, Array]:
        """Spectra of shares (G,) with the least and the greatest weighted sum that all data still allow.

        Nothing but the limits 0 and 1 is assumed; the model is the one linearised at the estimate.

        Parameters
        ----------
        weights : (G,)
        confidence : that all data together lie in the interval; it is widened to the largest residual

        Raises
        ------
        InputError
            for another number of weights, or a confidence outside of 0..1
        ConvergenceError
            if the linear programme has no solution
        """
        weight = finite(weights)
        if weight.size != self.share.size:
            raise InputError(f"{weight.size} weights for {self.share.size} groups, wanted as many")
        reach = joint_interval(self.residual, confidence)
        middle = self.slope @ self.share - self.residual
        matrix, bound = np.concatenate([self.slope, -self.slope]), np.concatenate([middle + reach, reach - middle])
        ends: list[Array] = []
        for sign in (1.0, -1.0):
            found: Any = linprog(sign * weight, matrix, bound, bounds=(0.0, 1.0), method="highs")
            if not found.success:
                raise ConvergenceError(f"no share within {reach:.3g} sigma of all data: {found.message}", self.share)
            ends.append(np.clip(found.x, 0.0, 1.0))
        return ends[0], ends[1]

    def extremes(self, confidence: float = 0.95) -> tuple[Array, Array]:
        """Least and greatest share (G,) of each group that data and limits leave, without any smoothness."""
        least, greatest = np.transpose([self.sum_range(row, confidence) for row in np.eye(self.share.size)])
        return least, greatest

    def conductance_range(self, confidence: float = 0.95) -> tuple[float, float]:
        """Emitted conductance from the samples: bounds of an interval, W m⁻² K⁻¹."""
        low, high = np.quantile(self.samples @ self.limit, _interval_ends(confidence), method="weibull")
        return float(low), float(high)


def _interval_ends(confidence: float) -> tuple[float, float]:
    if not 0 < confidence < 1:
        raise InputError(f"confidence = {confidence:g}, expected between 0 and 1")
    return (1 - confidence) / 2, (1 + confidence) / 2


def joint_interval(residual: Array, confidence: float) -> float:
    """Sigma within which all data lie together with a probability; no less than the largest residual (m,)."""
    _interval_ends(confidence)
    return float(max(norm.ppf((1 + confidence ** (1 / residual.size)) / 2), 1.001 * np.abs(residual).max()))


def spectral_transmission(
    measurements: Sequence[SpectralMeasurement],
    left: Carriers,
    right: Carriers,
    *,
    prior: Smoothness | None = None,
    lifetimes: float | tuple[float, float] = 0.0,
    samples: int = 200,
    seed: int = 0,
) -> SpectralEstimate:
    r"""Transmission of a diffuse boundary by frequency, from sizes or modulation frequencies, with what stays open.

    The unknowns are the shares $x_g = F_g/\min(E_{1g}, E_{2g})$ from 0 to 1, in detailed balance by themselves.  The
    estimate makes $\chi^2$ plus the misfit to the prior least within the limits, by Gauss-Newton steps with the
    derivatives of the adjoint.  Samples repeat it with data and prior mean drawn anew, on the model linearised at the
    estimate, and with correlation lengths from a quarter of the spectrum to none, as likely as the data make them:
    few data hardly tell a smooth spectrum from a step or a resonance, and a band of smooth ones alone covers those
    too seldom.

    Parameters
    ----------
    measurements : `StackConductances` and `SeenResistances` with the same boundary
    left, right : phonons of its sides
    prior : assumed smoothness, of the samples too; if None, `Smoothness()` for the estimate and several lengths for the
        samples
    lifetimes : relative standard uncertainty of the lifetimes of both sides, or of either: one unknown factor for all
        bands of a side, which adds to the covariance of the data as far as they depend on it
    samples : number of samples
    seed : of the samples

    Raises
    ------
    InputError
        for no measurements, sides with other groups, or an uncertainty below zero
    ConvergenceError
        if no set of shares is found

    References
    ----------
    I. M. Gamba, Q. Li and A. Nair, arXiv:2011.13047 (reflection coefficient by adjoint from surface temperatures)
    P. Chen, I. M. Gamba, Q. Li and A. Nair, arXiv:2512.24394 (it becomes ill-posed as layers grow thick)
    """
    if not measurements:
        raise InputError(f"{len(measurements)} measurements: expected at least one")
    if left.omega.size != right.omega.size:
        raise InputError(f"{left.name} has {left.omega.size} groups and {right.name} {right.omega.size}")
    limit = np.minimum(left.flow, right.flow)
    chosen = (prior or Smoothness()).covariance(limit.size)
    root = np.linalg.inv(np.linalg.cholesky(chosen))
    spread = np.broadcast_to(np.asarray(lifetimes, dtype=float), 2)
    if not (np.isfinite(spread).all() and (spread >= 0).all()):
        raise InputError(f"lifetimes = {lifetimes!r:.40}: expected relative uncertainties from 0 up")
    white = np.eye(linearise(measurements, np.full(limit.size, _PRIOR_MEAN), limit)[0].size)
    share = _most_likely_shares(measurements, limit, root, white)
    if spread.any():  # the data depend on lifetimes about alike at all shares: the second estimate is the last
        white = _whitening_matrix(measurements, share * limit, ((left, spread[0]), (right, spread[1])))
        share = _most_likely_shares(measurements, limit, root, white)
    off, slope = (white @ one for one in linearise(measurements, share, limit))
    gain = chosen @ slope.T @ np.linalg.inv(slope @ chosen @ slope.T + np.eye(off.size))
    kernel = gain @ slope
    priors = [Smoothness(length=length) for length in _LENGTHS] if prior is None else [prior]
    drawn = _draw_from_priors(np.random.default_rng(seed), samples, share, (off, slope), priors)
    return SpectralEstimate(
        omega=left.omega,
        share=share,
        covariance=(np.eye(limit.size) - kernel) @ chosen,
        samples=drawn,
        kernel=kernel,
        limit=limit,
        left=left.flow,
        residual=off,
        slope=slope,
        whitening=white,
    )


def _whitening_matrix(
    measurements: Sequence[SpectralMeasurement], flow: Array, sides: Sequence[tuple[Carriers, float]]
) -> MatrixArray:
    """(m, m) inverse of the Cholesky factor of the covariance of data over sigma, with lifetimes uncertain."""
    count = sum(one.residuals(flow)[0].size for one in measurements)
    covariance = np.eye(count)
    for medium, spread in sides:
        ends = [
            np.concatenate([one.with_lifetimes(medium, factor).residuals(flow)[0] for one in measurements])
            for factor in (1 - LIFETIME_STEP, 1 + LIFETIME_STEP)
        ]
        change = (ends[1] - ends[0]) / (2 * LIFETIME_STEP)
        covariance += spread**2 * np.outer(change, change)
    return np.linalg.inv(np.linalg.cholesky(covariance))


@frozen(eq=False)
class _WhitenedModel(BaseRecord):
    """Independent residuals of all data and their derivatives, both from one solution at the shares asked for last."""

    measurements: Sequence[SpectralMeasurement]
    limit: Array
    white: MatrixArray
    _last: dict[bytes, tuple[Array, MatrixArray]] = field(init=False, factory=dict)

    def __call__(self, share: Array) -> tuple[Array, MatrixArray]:
        if share.tobytes() not in self._last:
            self._last.clear()
            off, slope = linearise(self.measurements, share, self.limit)
            self._last[share.tobytes()] = self.white @ off, self.white @ slope
        return self._last[share.tobytes()]


def linearise(measurements: Sequence[SpectralMeasurement], share: Array, limit: Array) -> tuple[Array, MatrixArray]:
    """Residuals (m,) and derivatives (m, G) with respect to the shares."""
    parts = [one.residuals(share * limit) for one in measurements]
    return np.concatenate([one[0] for one in parts]), np.concatenate([one[1] for one in parts]) * limit


def _most_likely_shares(
    measurements: Sequence[SpectralMeasurement], limit: Array, root: MatrixArray, white: MatrixArray
) -> Array:
    """(G,) shares within the limits at the least sum of squares of data and prior."""
    model = _WhitenedModel(measurements, limit, white)

    def residual(share: Array) -> Array:
        return np.concatenate([model(share)[0], root @ (share - _PRIOR_MEAN)])

    def slopes(share: Array) -> MatrixArray:
        return np.concatenate([model(share)[1], root])

    start = np.full(limit.size, _PRIOR_MEAN)
    found: Any = least_squares(residual, start, cast("Any", slopes), (0.0, 1.0), xtol=1e-10, ftol=1e-10, gtol=1e-10)
    if not found.success:
        raise ConvergenceError(f"no least chi2 after {found.nfev} evaluations: {found.message}", found.x)
    return np.asarray(found.x, dtype=float)


def _draw_from_priors(
    generator: np.random.Generator,
    count: int,
    share: Array,
    model: tuple[Array, MatrixArray],
    priors: Sequence[Smoothness],
) -> MatrixArray:
    """(count, G) shares as of `_draw_shares`, of each prior as many as the data make it likely.

    Priors are equally likely before the data; their evidence is that of the linearised model, without limits.
    """
    off, slope = model
    apart = slope @ (share - _PRIOR_MEAN) - off  # of the data from what the mean of the prior predicts
    covariances = [prior.covariance(share.size) for prior in priors]
    evidence: list[float] = []
    for covariance in covariances:
        matrix = slope @ covariance @ slope.T + np.eye(off.size)
        evidence.append(-float(apart @ np.linalg.solve(matrix, apart) + np.linalg.slogdet(matrix)[1]) / 2)
    weights = np.exp(np.array(evidence) - max(evidence))
    counts = generator.multinomial(count, weights / weights.sum()) if len(priors) > 1 else [count]
    roots = [np.linalg.inv(np.linalg.cholesky(covariance)) for covariance in covariances]
    parts = [_draw_shares(generator, int(n), share, model, root) for n, root in zip(counts, roots, strict=True)]
    return np.concatenate(parts)


def _draw_shares(
    generator: np.random.Generator, count: int, share: Array, model: tuple[Array, MatrixArray], root: MatrixArray
) -> MatrixArray:
    """(count, G) shares fitted to data and prior means drawn anew."""
    off, slope = model
    matrix = np.concatenate([slope, root])
    wanted = np.concatenate([slope @ share - off, np.full(share.size, _PRIOR_MEAN) @ root.T])
    drawn = np.empty((count, share.size))
    for i in range(count):
        found: Any = lsq_linear(matrix, wanted + generator.standard_normal(wanted.size), (0.0, 1.0), method="bvls")
        drawn[i] = np.clip(found.x, 0.0, 1.0)
    return drawn


_MAX_STEPS = 200
_INTERVAL_SLACK = 1e-3  # sigma, by which a spectrum may miss the interval


def exact_extreme_spectra(
    estimate: SpectralEstimate,
    measurements: Sequence[SpectralMeasurement],
    weights: ArrayLike,
    *,
    confidence: float = 0.95,
) -> tuple[Array, Array]:
    """Spectra of shares (G,) with the least and the greatest weighted sum that fit all data on the exact model.

    Sequential quadratic programming from the estimate, with the derivatives of the adjoint.  Both spectra do fit, so
    that the range between them is open for sure; another valley might reach further.

    Parameters
    ----------
    estimate : the estimate
    measurements : that it came from
    weights : (G,)
    confidence : that all data together lie in the interval; it is widened to the largest residual of the estimate

    Raises
    ------
    InputError
        for another number of weights, or weights that are all zero
    ConvergenceError
        if no spectrum is found; `last` holds the best iterate
    """
    weight = finite(weights)
    size = float(np.abs(weight).sum())
    if weight.size != estimate.share.size or not size:
        raise InputError(
            f"{weight.size} weights of sum {size:g} for {estimate.share.size} groups, wanted as many, not 0"
        )
    reach = joint_interval(estimate.residual, confidence)
    model = _WhitenedModel(measurements, estimate.limit, estimate.whitening)

    def both_signs(share: Array, part: int) -> MatrixArray:
        """Residuals (part 0) or their derivatives (1), negative and positive, for the two ends of the interval."""
        value = model(np.clip(share, 0.0, 1.0))[part]
        return np.concatenate([-value, value])

    def room(share: Array) -> MatrixArray:
        return reach + both_signs(share, 0)

    def weighted_sum(share: Array, target: Array) -> tuple[float, Array]:
        return float(target @ share), target

    search: Any = minimize  # its stub knows no constraints given as a mapping
    within = {"type": "ineq", "fun": room, "jac": partial(both_signs, part=1)}
    settings = {"method": "SLSQP", "jac": True, "options": {"maxiter": _MAX_STEPS, "ftol": 1e-6}}
    settings |= {"bounds": [(0.0, 1.0)] * weight.size, "constraints": [within]}
    ends: list[Array] = []
    for sign in (1.0, -1.0):
        end = search(weighted_sum, estimate.share, (sign * weight / size,), **settings)
        worst = float(both_signs(end.x, 0).max())
        if not end.success or worst > reach + _INTERVAL_SLACK:
            raise ConvergenceError(f"a spectrum {worst:.3g} sigma off after {end.nit} steps: {end.message}", end.x)
        ends.append(np.clip(end.x, 0.0, 1.0))
    return ends[0], ends[1]
