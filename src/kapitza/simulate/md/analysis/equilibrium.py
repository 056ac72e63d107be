"""Conductance from the power that fluctuates through a boundary in equilibrium.

A fit to its spectrum, where no plateau has to be picked, and the Green-Kubo integral for comparison.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from attrs import evolve, field, frozen, validators
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, finite, number, one_of, positive, quantity
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.md.analysis.relaxation import (
    MAX_LUMPED_BIOT,
    MAX_RELATIVE_SIGMA,
    SIDE_MODELS,
    SideModel,
    ThermalSlab,
    biot_number,
    boundary_admittance,
    model_slabs,
)
from kapitza.simulate.md.observers.spectral_flux import finite_table
from kapitza.units import k_B

# The energy of a side is bounded, so that its power has no low frequencies: ends of the record that do not match would
# leak into them without a taper, and still do into the first few.
_TAPERED_SHARE = 0.3
_FIRST_FREQUENCY = 5
_MISFIT_BANDS = 8
_SINGULAR = 1e12  # condition of the information from which on rounding decides
_UNKNOWN = 1e4  # variance of the logarithm of a conductance of which nothing is known
_APART = 0.1  # of the logarithms of two equal conductivities at the start of a fit
_CUTOFF_FACTORS = (0.5, 0.7, 1.2)


@frozen(eq=False)
class PowerFluctuations(BaseRecord):
    """Power through the boundaries of a closed system in equilibrium."""

    power: Array = field(converter=finite_table)  # (samples, 1 or 2) W into the left side through each boundary
    step: float = field(validator=quantity())  # distance of two samples, s
    area: float = field(validator=quantity())  # of one boundary, m²
    temperature: float = field(validator=quantity())  # K
    left: ThermalSlab  # left, right: with lengths to the far end, or to the middle where there are two boundaries
    right: ThermalSlab
    name: str = field(default="", kw_only=True)  # of the system

    def __attrs_post_init__(self) -> None:
        if self.power.shape[1] not in (1, 2) or len(self.power) < 64:
            raise InputError(
                f"{self.name}: power of shape {self.power.shape}, wanted (64 or more samples, 1 or 2 boundaries): run "
                "longer, or sample more often"
            )

    @property
    def modes(self) -> Array:
        """(samples, 1 or 2) power of one boundary, or sum and difference of two over √2: independent."""
        if self.power.shape[1] == 1:
            return self.power
        return self.power @ np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2)  # charging the sides; passing through


@frozen(eq=False)
class PowerSpectrum(BaseRecord):
    """Spectral density of the power in units of a conductance."""

    omega: Array  # (n,) rad s⁻¹
    value: Array  # (n, modes) S_q / (2 kB T² A), W m⁻² K⁻¹: a white spectrum has the value of the conductance
    variance: float  # of one value relative to the square of its expectation (1 without a taper)


@frozen(eq=False, kw_only=True)
class FluctuationFit(BaseRecord):
    """Conductance of the extrapolated drop from a spectrum."""

    conductance: Conductance  # value and total uncertainty: of the fit, and of the cut-off
    statistical: float = field(metadata=about("W m^-2 K^-1", "uncertainty of the fit alone"))
    cutoff: float = field(metadata=about("W m^-2 K^-1", "spread of the cut-offs beyond statistics"))
    model: SideModel = field(validator=one_of(*SIDE_MODELS))  # "lumped" or "slabs"
    biot: float = field(metadata=about("1", "Biot number"))  # resistance of the sides over that of the boundary
    conductivity: Array = field(metadata=about("W m^-1 K^-1", "conductivity of the sides"))  # (2,) fitted where free
    low: float = field(metadata=about("rad s^-1", "lower end of the fit"))
    high: float = field(metadata=about("rad s^-1", "upper end of the fit"))
    cutoffs: Array = field(converter=finite, metadata=about("rad s^-1", "other upper ends"))  # (n,)
    cutoff_conductances: Array = field(converter=finite, metadata=about("W m^-2 K^-1", "conductance with these"))
    probability: float = field(metadata=about("1", "probability of such a misfit if the model holds"))
    reasons: tuple[str, ...] = field(validator=validators.instance_of(tuple))  # empty: nothing speaks against it


def power_spectrum(data: PowerFluctuations) -> PowerSpectrum:
    """Periodogram of each mode, its mean taken off and its ends tapered by cosines over 15 % each."""
    from scipy.fft import rfft
    from scipy.signal.windows import tukey

    modes = data.modes
    count = len(modes)
    window = tukey(count, _TAPERED_SHARE)[:, None]
    transform: Any = rfft((modes - modes.mean(axis=0)) * window, axis=0)
    density: Any = np.abs(transform) ** 2 * data.step / float(np.sum(window**2))
    omega: Any = 2 * np.pi * np.arange(len(density)) / (count * data.step)
    variance = count * float(np.sum(window**4)) / float(np.sum(window**2)) ** 2  # the taper correlates neighbours
    scale = 2 * k_B * data.temperature**2 * data.area
    return PowerSpectrum(omega[_FIRST_FREQUENCY:], density[_FIRST_FREQUENCY:] / scale, variance)


def fit_fluctuations(
    data: PowerFluctuations, *, high: float, model: SideModel | None = None, free: bool = False, known: float = 0.0
) -> FluctuationFit:
    r"""Fit the conductance of the boundary (extrapolated drop) to the spectrum of the power, heat capacities known.

    $S_q(\omega) = 2 k_B T^2 A\, \mathrm{Re}\, Y(\omega)$ with the admittance of the boundary between its two sides
    (fluctuation-dissipation).  Of bodies with one temperature each (the lumped model)
    $\mathrm{Re}\, Y = G (\omega\tau)^2 / (1 + (\omega\tau)^2)$, $1/\tau = G (1/C_A + 1/C_B)$,
    whose integral over time is that of the Green-Kubo formula (J.-L. Barrat and F. Chiaruttini, Mol. Phys. 101, 1605
    (2003), arXiv:cond-mat/0209607); with slabs it holds at any Biot number.  Two boundaries of a periodic cell are
    taken as their sum, which fills and empties the sides, and their difference, for which the middles are held.
    Whittle's likelihood: periodograms are independent and exponentially distributed about $S_q$.

    `high` (rad s⁻¹) is the upper end of the range, below the frequencies of the phonons themselves; `model` None takes
    "lumped" below a Biot number of 0.1.  The conductivities of the sides are fitted if `free`, else they may change
    within their relative standard uncertainty `known`.  Of two sides of the same heat capacity the spectrum does not
    tell which one has which conductivity.
    """
    spectrum = power_spectrum(data)
    count = int(np.searchsorted(spectrum.omega, high, side="right"))
    if count < 20 or high > 0.5 * np.pi / data.step:
        raise InputError(
            f"{data.name}: {count} frequencies below high = {high:.3g} rad/s, wanted 20 or more, and high at most "
            f"{0.5 * np.pi / data.step:.3g}, half of what the sampling resolves"
        )
    sides = (data.left, data.right)
    lumped = all(np.isinf(side.conductivity) for side in sides)
    if model == "slabs" and lumped:
        raise InputError(f"{data.name}: model 'slabs' needs the conductivities of the sides, they are infinite")
    task = _SpectrumTask(spectrum=spectrum, count=count, sides=model_slabs(sides, model), free=free, known=known)
    first = _fit_likelihood(task)
    chosen: SideModel = model or ("lumped" if biot_number(first[0][0], *sides) < MAX_LUMPED_BIOT else "slabs")
    task = evolve(task, sides=model_slabs(sides, chosen))
    values, covariance = _fit_likelihood(task) if chosen == "lumped" and model is None else first
    return _judge_fluctuations(data, task, chosen, values, covariance)


@frozen(eq=False, kw_only=True)
class _SpectrumTask(BaseRecord):
    """The first `count` frequencies of a spectrum, and a model of the sides in which conductivities may change."""

    spectrum: PowerSpectrum
    count: int
    sides: tuple[ThermalSlab, ThermalSlab]
    free: bool
    known: float  # relative standard uncertainty of the conductivities, unless they are free


def _judge_fluctuations(
    data: PowerFluctuations, task: _SpectrumTask, model: SideModel, values: Array, covariance: Array
) -> FluctuationFit:
    from scipy.special import chdtrc

    value, bodies = float(values[0]), _with_conductivities(task.sides, values)
    chi2, freedom = _spectrum_misfit(task, bodies, value)
    probability = float(chdtrc(freedom, chi2))
    # A model that misses the spectrum is not as well known as its likelihood says.
    statistical = float(value * np.sqrt(covariance[0, 0] * max(1.0, chi2 / freedom)))
    cutoffs, scanned, spread = _scan_cutoffs(task, value, value**2 * covariance[0, 0])
    sigma = float(np.hypot(statistical, spread))
    ratio = biot_number(value, data.left, data.right)
    reasons: list[str] = []
    if sigma > MAX_RELATIVE_SIGMA * value:
        reasons.append(f"the conductance is not resolved: {value:.3g} +- {sigma:.2g} W/m2K: run longer")
    if probability < 1e-3:
        reasons.append(f"the {model} model misses the spectrum (probability {probability:.1g}): lower `high`")
    if spread > max(2 * statistical, 0.1 * value):
        reasons.append(
            f"G depends on the range: {scanned.min():.3g} to {scanned.max():.3g} W/m2K, statistics {statistical:.2g}"
        )
    if model == "lumped" and ratio > MAX_LUMPED_BIOT:
        reasons.append(f"Biot number {ratio:.2g}, the lumped model needs it below {MAX_LUMPED_BIOT:g}: take 'slabs'")
    method = f"EMD, spectrum of the power, {'bodies of one temperature' if model == 'lumped' else 'two slabs'}"
    result = Conductance([data.temperature], [value], [sigma], "extrapolated", statistics="classical", method=method)
    conductivity = np.array([side.conductivity for side in bodies])
    return FluctuationFit(
        conductance=result, statistical=statistical, cutoff=spread, model=model, biot=ratio, conductivity=conductivity,
        low=float(task.spectrum.omega[0]), high=float(task.spectrum.omega[task.count - 1]), cutoffs=cutoffs,
        cutoff_conductances=scanned, probability=probability, reasons=tuple(reasons)
    )  # fmt: skip


def _scan_cutoffs(task: _SpectrumTask, value: float, variance: float) -> tuple[Array, Array, float]:
    """Other upper ends, what they give, and the spread that statistics do not explain."""
    omega = task.spectrum.omega
    counts = [n for n in (int(task.count * f) for f in _CUTOFF_FACTORS) if 20 <= n <= len(omega)]
    fits = [_fit_likelihood(evolve(task, count=n)) for n in counts]
    conductances = np.array([fit[0][0] for fit in fits])
    own = np.array([fit[0][0] ** 2 * fit[1][0, 0] for fit in fits])
    # Of two fits to nested data the difference has the difference of the variances.
    excess = (conductances - value) ** 2 - np.abs(own - variance)
    spread = float(np.sqrt(max(0.0, float(excess.mean())))) if excess.size else 0.0
    return omega[np.array(counts, dtype=int) - 1], conductances, spread


def _spectrum_misfit(
    task: _SpectrumTask, bodies: tuple[ThermalSlab, ThermalSlab], conductance: float
) -> tuple[float, int]:
    """Chi-squared of the first `count` frequencies, averaged in bands, against a model, and its degrees of freedom."""
    spectrum, count = task.spectrum, task.count
    expected = expected_spectrum(spectrum.omega[:count], conductance, *bodies, spectrum.value.shape[1])
    ratio = spectrum.value[:count] / expected
    edges = np.unique(np.geomspace(6, count, _MISFIT_BANDS + 1).astype(int))  # Re Y is smooth in ln ω
    edges[0] = 0
    bands = list(pairwise(edges.tolist()))
    chi2 = sum(float(np.sum((ratio[a:b].mean(axis=0) - 1) ** 2) * (b - a) / spectrum.variance) for a, b in bands)
    return chi2, len(bands) * ratio.shape[1] - 1


def expected_spectrum(
    omega: ArrayLike, conductance: float, left: ThermalSlab, right: ThermalSlab, modes: int = 1
) -> Array:
    """(n, modes) Re Y of the sum mode and, with two boundaries, of the difference, W m⁻² K⁻¹."""
    fixed_end = (False, True)[:modes]
    return np.column_stack([boundary_admittance(omega, conductance, left, right, fixed_end=h).real for h in fixed_end])


def _with_conductivities(bodies: tuple[ThermalSlab, ThermalSlab], values: Array) -> tuple[ThermalSlab, ThermalSlab]:
    if values.size == 1:
        return bodies
    return evolve(bodies[0], conductivity=float(values[1])), evolve(bodies[1], conductivity=float(values[2]))


def _fit_likelihood(task: _SpectrumTask) -> tuple[Array, Array]:
    """Values of G and, where they may change, of the two conductivities; covariance of their logarithms."""
    spectrum, count, bodies = task.spectrum, task.count, task.sides
    modes = spectrum.value.shape[1]
    omega, data = spectrum.omega[:count], spectrum.value[:count]
    changing = (task.free or task.known > 0) and all(np.isfinite(side.conductivity) for side in bodies)
    # Above 1/τ the sides no longer charge, and Re Y approaches G: the upper half is the guess.
    start = [float(data[count // 2 :].mean())] + [side.conductivity for side in bodies] * changing
    centre: Any = np.log(start)
    weight = np.zeros(centre.size)
    x: Any = centre.copy()
    if changing and abs(np.ptp(centre[1:])) < _APART:  # alike, they have equal slopes, and steps would keep them alike
        x[1:] += np.array([_APART, -_APART])
    weight[1:] = 0.0 if task.free else 1 / max(task.known, 1e-6) ** 2

    def logarithm(x: Array) -> Array:
        return np.log(expected_spectrum(omega, float(np.exp(x[0])), *_with_conductivities(bodies, np.exp(x)), modes))

    information: Any = np.eye(x.size)
    # Fisher scoring in logarithms, which keeps all values positive; steps are bounded, as the start may be far off.
    for _ in range(60):
        model = logarithm(x)
        slopes = np.array([(logarithm(x + h) - logarithm(x - h)).ravel() / 2e-4 for h in 1e-4 * np.eye(x.size)])
        # Whittle: -ln L = Σ (ln S + data/S), thus only the relative misfit enters, whatever the magnitude of S.
        score = slopes @ (data / np.exp(model) - 1).ravel() / spectrum.variance - weight * (x - centre)
        information = slopes @ slopes.T / spectrum.variance + np.diag(weight)
        change: Any = np.clip(_solve_information(information, score), -0.5, 0.5)
        x = x + change
        if np.abs(change).max() < 1e-8:  # far below the statistical error of ln G
            break
    covariance: Array = np.asarray(_solve_information(information, np.eye(x.size)))
    if task.free and not covariance[0, 0] < _UNKNOWN:
        raise _unresolved_error()
    return np.exp(x), covariance


def _solve_information(information: Array, right: Array) -> Any:
    scale = np.sqrt(np.diag(information))
    if not (scale > 0).all() or not np.linalg.cond(information / np.outer(scale, scale)) < _SINGULAR:
        raise _unresolved_error()
    return np.linalg.solve(information, right)


def _unresolved_error() -> ConvergenceError:
    return ConvergenceError(
        "the spectrum does not tell the conductance of the boundary from those of the solids: run longer, or give "
        "their conductivities"
    )


@frozen(eq=False)
class GreenKuboIntegral(BaseRecord):
    r"""Running integral of the autocorrelation, $\int_0^t \langle q(t') q(0) \rangle dt' / (A k_B T^2)$.

    It rises within the periods of the phonons to the conductance of the emitted drop and falls again as the sides
    charge: in a closed system it ends at exactly zero, so that what is read from it depends on where it is read.
    """

    time: Array = field(converter=positive)  # (n,) upper ends, s
    value: Array = field(converter=finite)  # value, sigma: (n,) W m⁻² K⁻¹; the uncertainty is from segments
    sigma: Array = field(converter=finite)
    temperature: float  # K

    def at(self, time: float) -> Conductance:
        """Conductance of the emitted drop, read at a time (s) inside the range."""
        when = number(time)
        if not self.time[0] <= when <= self.time[-1]:
            raise InputError(f"time {when:.3g} s, the integral runs from {self.time[0]:.3g} to {self.time[-1]:.3g} s")
        value, sigma = (np.interp(when, self.time, array) for array in (self.value, self.sigma))
        method = f"EMD, Green-Kubo integral to {when / 1e-12:.3g} ps (a plateau that has to be picked)"
        return Conductance([self.temperature], [value], [sigma], "emitted", statistics="classical", method=method)


def green_kubo(data: PowerFluctuations, longest: float, *, segments: int = 20) -> GreenKuboIntegral:
    """Running Green-Kubo integral of the power up to `longest` (s), mean of the boundaries; errors from segments."""
    from scipy.fft import irfft, rfft

    positive([longest])
    size, lags = len(data.power) // max(segments, 1), int(longest / data.step)
    if segments < 3 or lags < 2 or size < 2 * lags:
        raise InputError(
            f"{segments} segments of {size} samples for {lags} lags: 3 or more segments of twice the lags are needed"
        )
    rest = data.power - data.power.mean(axis=0)  # a mean power would make the integral grow with t
    pieces = rest[: size * segments].reshape(segments, size, -1)
    transform: Any = rfft(pieces, 2 * size, axis=1)  # padded, so that the correlation does not wrap around
    back: Any = irfft(np.abs(transform) ** 2, axis=1)
    correlation = back[:, : lags + 1] / (size - np.arange(lags + 1))[None, :, None]
    mean = correlation.mean(axis=2)
    steps = (mean[:, 1:] + mean[:, :-1]) / 2
    running = np.cumsum(steps, axis=1) * data.step / (data.area * k_B * data.temperature**2)
    sigma = running.std(axis=0, ddof=1) / np.sqrt(segments)
    return GreenKuboIntegral(data.step * np.arange(1, lags + 1), running.mean(axis=0), sigma, data.temperature)


def convert_drop(conductance: Conductance, ballistic: Sequence[float], *, share: float = 0.5) -> Conductance:
    r"""Convert a classical conductance from the "emitted" to the "extrapolated" drop or back.

    $1/G_\mathrm{extrapolated} = 1/G_\mathrm{emitted} - s\,(1/G_{b,A} + 1/G_{b,B})$ with the classical ballistic
    (Sharvin) conductances of the solids, W m⁻² K⁻¹.  The share s is 1/2 for phonons of two streams, which reach the
    bulk distribution right away, and 0.467 for gray media with diffuse scattering (Milne's problem).
    """
    solids = positive(ballistic)
    if conductance.statistics != "classical" or conductance.drop == "local" or solids.size != 2:
        raise InputError(
            f"cannot convert a conductance with {conductance.statistics} statistics and {conductance.drop} drop and "
            f"{solids.size} ballistic conductances: wanted a classical one, emitted or extrapolated, and two"
        )
    sign, other = (-1, "extrapolated") if conductance.drop == "emitted" else (1, "emitted")
    resistance = conductance.resistance + sign * share * float(np.sum(1 / solids))
    if not (resistance > 0).all():
        raise InputError(f"1/G = {conductance.resistance.min():.3g} m2K/W is less than the solids alone leave out")
    value = 1 / resistance
    sigma = None if conductance.sigma is None else conductance.sigma * (value / conductance.value) ** 2
    method = f"{conductance.method}, as the {other} drop"
    return evolve(conductance, value=value, sigma=sigma, drop=other, method=method, gray=other == "extrapolated")
