r"""Heat in two slabs that meet at a boundary, and the conductance from their approach to one temperature.

A slab of length $L$, conductivity $\kappa$ and capacity per volume $c$ answers a heat flux into its face at the rate
$s$ with the temperature $q z(s)$, where

$z = \coth(k L) / (\tilde\kappa k)$ with an insulated far end, $\tanh(k L) / (\tilde\kappa k)$ with one that is held,
$k = \sqrt{s c / \tilde\kappa}$, $\tilde\kappa = \kappa / (1 + s \tau)$, $\tau = \kappa c / (4 G_b^2)$.

With $\tau = 0$ this is diffusion.  With the ballistic (Sharvin) conductance $G_b$ of the solid it is a gas of two
streams of phonons of one speed $v = 2 G_b / c$ and one free path: above the rate $1 / \tau$ a slab looks like a
reservoir with $z = 1 / (2 G_b)$, so that the admittance $1 / (1/G + z_A + z_B)$ goes from the conductance $G$ of
the extrapolated drop to that of the emitted one, $1/G + (1/G_{b,A} + 1/G_{b,B}) / 2$ being its inverse.
"""

from typing import Any, Literal

import numpy as np
from attrs import evolve, field, frozen, validators
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, ComplexArray, about, above_zero, increasing, one_of, positive, quantity
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.analysis.profiles import block_correlation

SideModel = Literal["lumped", "slabs"]
SIDE_MODELS: tuple[SideModel, ...] = ("lumped", "slabs")
MAX_LUMPED_BIOT = 0.1  # above it the lumped model is off by more than a few per cent
MAX_RELATIVE_SIGMA = 0.5  # above it a conductance is not resolved: two standard uncertainties reach zero


@frozen(eq=False)
class ThermalSlab(BaseRecord):
    """One side of a boundary."""

    length: float = field(validator=quantity(high=1.0))  # m, to the insulated end or the middle of a periodic side
    capacity: float = field(validator=quantity())  # heat capacity per volume, J m⁻³ K⁻¹
    conductivity: float = field(default=np.inf, validator=above_zero)  # W m⁻¹ K⁻¹; infinite: one temperature
    ballistic: float = field(default=np.inf, validator=above_zero)  # Sharvin, W m⁻² K⁻¹; infinite: diffusion

    @property
    def areal_capacity(self) -> float:
        """Heat capacity per area, J m⁻² K⁻¹."""
        return self.length * self.capacity

    def impedance(self, rate: ArrayLike, *, fixed_end: bool = False) -> ComplexArray:
        """Temperature of the face per heat flux into it at complex rates (rad s⁻¹), m² K W⁻¹; far end fixed or not."""
        s: Any = np.asarray(rate, dtype=complex)
        if np.isinf(self.conductivity):
            return np.zeros_like(s) if fixed_end else 1 / (s * self.areal_capacity)
        local = self.conductivity / (1 + s * (self.conductivity * self.capacity / (4 * self.ballistic**2)))
        k = np.sqrt(s * self.capacity / local)
        tangent = np.tanh(k * self.length)  # saturates in thick slabs, where cosh and sinh overflow
        return (tangent if fixed_end else 1 / tangent) / (local * k)


def boundary_admittance(
    omega: ArrayLike, conductance: float, left: ThermalSlab, right: ThermalSlab, *, fixed_end: bool = False
) -> ComplexArray:
    """Heat flux per temperature difference put across the boundary, $Y = 1 / (1/G + z_A + z_B)$, W m⁻² K⁻¹; with
    `fixed_end` of the mode of a periodic cell in which its two boundaries carry opposite powers.
    """
    left_impedance, right_impedance = (
        side.impedance(1j * positive(omega), fixed_end=fixed_end) for side in (left, right)
    )
    return 1 / (1 / conductance + left_impedance + right_impedance)


def model_slabs(sides: tuple[ThermalSlab, ThermalSlab], model: SideModel | None) -> tuple[ThermalSlab, ThermalSlab]:
    """Return the two sides as a model has them: bodies of one temperature where it is "lumped"."""
    if model == "lumped":
        return evolve(sides[0], conductivity=np.inf), evolve(sides[1], conductivity=np.inf)
    return sides


def biot_number(conductance: float, left: ThermalSlab, right: ThermalSlab) -> float:
    r"""Resistance of the slabs over that of the boundary, $G (L_A/\kappa_A + L_B/\kappa_B)$."""
    return conductance * (left.length / left.conductivity + right.length / right.conductivity)


def relaxation_modes(conductance: float, left: ThermalSlab, right: ThermalSlab, count: int = 40) -> tuple[Array, Array]:
    r"""Rates λ (count,) rad s⁻¹ and weights with which the mean temperatures of two slabs approach by diffusion.

    Both slabs start with one temperature each and have insulated far ends.  The rates are the zeros of
    $f(\lambda) = 1/G - \sum_i \cot(p_i L_i) / (\kappa_i p_i)$, $p_i = \sqrt{\lambda c_i / \kappa_i}$, one between each
    two neighbouring poles; $\Delta \bar T(t) = \Delta T_0 \sum_n a_n e^{-\lambda_n t}$ with
    $a_n = (1/C_A + 1/C_B) / (\lambda_n^2 f'(\lambda_n))$.  A single mode where both conductivities are infinite.
    """
    capacity = 1 / left.areal_capacity + 1 / right.areal_capacity
    slabs = [slab for slab in (left, right) if np.isfinite(slab.conductivity)]
    if not slabs:
        return np.array([conductance * capacity]), np.ones(1)
    diffusion = [slab.conductivity / slab.capacity / slab.length**2 for slab in slabs]
    order = np.arange(1, count + 1) * np.pi
    poles = np.unique(np.concatenate([order**2 * d for d in diffusion]))[:count]
    low, high = np.concatenate([[0.0], poles[:-1]]), np.array(poles)
    for _ in range(16):  # f rises from -∞ to ∞ between neighbouring poles: bisection cannot fail
        middle = (low + high) / 2
        above = _secular(middle, conductance, left, right)[0] > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    rates = (low + high) / 2  # 1e-5 of the bracket; three Newton steps square the error each
    for _ in range(3):  # Newton's steps, which may not leave the bracket
        value, slope = _secular(rates, conductance, left, right)
        rates = np.clip(rates - value / slope, low, high)
    slope = _secular(rates, conductance, left, right)[1]
    return rates, capacity / (rates**2 * slope)


def _secular(rate: Array, conductance: float, left: ThermalSlab, right: ThermalSlab) -> tuple[Array, Array]:
    """F of `relaxation_modes` and its derivative."""
    value, slope = np.full(rate.shape, 1 / conductance), np.zeros(rate.shape)
    for slab in (left, right):
        if np.isinf(slab.conductivity):
            value, slope = value - 1 / (rate * slab.areal_capacity), slope + 1 / (rate**2 * slab.areal_capacity)
            continue
        x = slab.length * np.sqrt(rate * slab.capacity / slab.conductivity)
        scale = slab.length / slab.conductivity
        sine, cosine = np.sin(x), np.cos(x)
        value = value - scale * cosine / (sine * x)
        slope = slope + scale * (x + sine * cosine) / (x**2 * sine**2) / (2 * rate / x)
    return value, slope


_MIN_TIMES = 10
_RELAXATION_MODES = 20


@frozen(eq=False)
class RelaxationData(BaseRecord):
    """Difference of the mean temperatures of two sides that were heated apart and left alone."""

    time: Array = field(converter=increasing)  # (n,) since they were left alone, s
    difference: Array = field()  # (replicas, n) mean temperature of the left less that of the right side, K
    left: ThermalSlab  # left, right: lengths to the insulated end, or to the middle of each side of a periodic cell
    right: ThermalSlab
    temperature: float = field(validator=quantity())  # to which they settle, K
    name: str = field(default="", kw_only=True)  # of the system

    def __attrs_post_init__(self) -> None:
        if self.difference.ndim != 2 or self.difference.shape[1] != self.time.size or not len(self.difference):
            raise InputError(
                f"{self.name}: differences of shape {self.difference.shape}, wanted (replicas, {self.time.size} times)"
            )
        if not np.isfinite(self.difference).all():
            raise InputError(f"{self.name}: {int((~np.isfinite(self.difference)).sum())} differences are not finite")


@frozen(eq=False, kw_only=True)
class RelaxationFit(BaseRecord):
    """Conductance of the extrapolated drop from a relaxation."""

    conductance: Conductance  # value and total uncertainty
    statistical: float = field(metadata=about("W m^-2 K^-1", "standard uncertainty, of the noise"))
    start: float = field(metadata=about("W m^-2 K^-1", "spread with the first time"))
    freedom: float = field(metadata=about("1", "degrees of freedom of the noise"))
    model: SideModel = field(validator=one_of(*SIDE_MODELS))  # "lumped" or "slabs"
    biot: float = field(metadata=about("1", "Biot number"))  # resistance of the sides over that of the boundary
    conductivity: Array = field(metadata=about("W m^-1 K^-1", "conductivity of the sides"))  # (2,) fitted where free
    amplitude: float = field(metadata=about("K", "difference at time 0 by the fit"))
    decay: Array = field(metadata=about("K", "difference by the fit"))  # (n,)
    time: Array = field(metadata=about("s", "times used"))  # (n,)
    reasons: tuple[str, ...] = field(validator=validators.instance_of(tuple))  # empty: nothing speaks against it


def slab_decay(time: ArrayLike, conductance: float, left: ThermalSlab, right: ThermalSlab) -> Array:
    r"""(n,) share of the difference of the mean temperatures that is left, $\sum_n a_n e^{-\lambda_n t}$ with the exact
    modes of two slabs; $e^{-t/\tau}$ with $1/\tau = G (1/C_A + 1/C_B)$ for bodies of one temperature each.
    """
    rates, weights = relaxation_modes(conductance, left, right, _RELAXATION_MODES)
    # What the modes beyond the last have is gone at all times but the very first.
    return np.exp(-np.outer(np.asarray(time, dtype=float), rates)) @ (weights / weights.sum())


def fit_relaxation(
    data: RelaxationData, *, after: float = 0.0, model: SideModel | None = None, free: bool = False
) -> RelaxationFit:
    r"""Fit the conductance of the boundary to the approach of two temperatures, heat capacities known.

    $\Delta \bar T(t) = \Delta T_0 \sum_n a_n e^{-\lambda_n t}$ with the exact modes of two slabs; the lumped model is
    its limit for a Biot number $G (L_A/\kappa_A + L_B/\kappa_B) \ll 1$.  $\Delta T_0$ is fitted, too, since a run does
    not start with one temperature in each slab to its very faces.

    Errors are those of three replicas or more, each weighed through the slopes of the fit; else those of the residuals,
    taken as a first-order autoregression.  Times before `after` (s) are left out, as a heated lattice takes some
    periods of vibration to thermalise; `model` None takes "lumped" below a Biot number of 0.1; `free` fits one factor
    for both conductivities, too.
    """
    use = data.time >= after
    if int(use.sum()) < _MIN_TIMES:
        raise InputError(f"{data.name}: {int(use.sum())} times after {after:.3g} s, wanted {_MIN_TIMES} or more")
    sides = data.left, data.right
    if model == "slabs" and all(np.isinf(side.conductivity) for side in sides):
        raise InputError(f"{data.name}: model 'slabs' needs the conductivities of the sides, they are infinite")
    time, curves = data.time[use], data.difference[:, use]
    task = _RelaxationTask(data.name, time, curves, model_slabs(sides, model), free)
    values, covariance, freedom = _fit_curves(task)
    chosen: SideModel = model or ("lumped" if biot_number(values[1], *sides) < MAX_LUMPED_BIOT else "slabs")
    task = evolve(task, sides=model_slabs(sides, chosen))
    if chosen == "lumped" and model is None:
        values, covariance, freedom = _fit_curves(task)
    return _result(data, task, chosen, values, covariance, freedom)


@frozen(eq=False)
class _RelaxationTask(BaseRecord):
    """Differences (replicas, n) at the times of a fit, and the model of the two sides."""

    name: str
    time: Array
    curves: Array
    sides: tuple[ThermalSlab, ThermalSlab]
    free: bool  # whether one factor of both conductivities is fitted, too


def _result(
    data: RelaxationData, task: _RelaxationTask, model: SideModel, values: Array, covariance: Array, freedom: float
) -> RelaxationFit:
    value, statistical = float(values[1]), float(values[1] * np.sqrt(covariance[1, 1]))
    spread = _start_spread(task, values, values[1] ** 2 * covariance[1, 1])
    bodies = _scale_conductivities(task.sides, values)
    decay = float(values[0]) * slab_decay(task.time, value, *bodies)
    sides = bodies if model == "slabs" else (data.left, data.right)
    number = biot_number(value, *sides)
    sigma = float(np.hypot(statistical, spread))
    reasons: list[str] = []
    if sigma > MAX_RELATIVE_SIGMA * value:
        reasons.append(f"the conductance is not resolved: {value:.3g} +- {sigma:.2g} W/m2K: more replicas")
    if model == "lumped" and number > MAX_LUMPED_BIOT:
        reasons.append(f"Biot number {number:.2g}, the lumped model needs it below {MAX_LUMPED_BIOT:g}: take 'slabs'")
    if spread > max(2 * statistical, 0.1 * value):
        reasons.append(f"G changes with the first time used by {spread:.2g} W/m2K, statistics {statistical:.2g}")
    left_over = abs(decay[-1] / values[0])
    if left_over > 0.5:
        reasons.append(f"{left_over:.0%} of the difference is left at the last time: run longer")
    method = f"relaxation of {'bodies of one temperature' if model == 'lumped' else 'two slabs'}"
    result = Conductance([data.temperature], [value], [sigma], "extrapolated", statistics="classical", method=method)
    conductivity = np.array([side.conductivity for side in bodies])
    return RelaxationFit(
        conductance=result, statistical=statistical, start=spread, freedom=freedom, model=model, biot=number,
        conductivity=conductivity, amplitude=float(values[0]), decay=decay, time=task.time,
        reasons=tuple(reasons),
    )  # fmt: skip


def _scale_conductivities(bodies: tuple[ThermalSlab, ThermalSlab], values: Array) -> tuple[ThermalSlab, ThermalSlab]:
    if values.size == 2:
        return bodies
    left, right = (evolve(side, conductivity=side.conductivity * float(values[2])) for side in bodies)
    return left, right


def _fit_curves(task: _RelaxationTask, near: Array | None = None) -> tuple[Array, Array, float]:
    """Values of the amplitude, G and, if free, the factor of both conductivities; covariance of their logarithms."""
    time, curves, bodies = task.time, task.curves, task.sides
    mean = curves.mean(axis=0)
    changing = task.free and any(np.isfinite(side.conductivity) for side in bodies)
    guess = _guess(task.name, time, mean, bodies) + [1.0] * changing if near is None else np.abs(near)
    x: Any = np.log(guess)
    sign = np.sign(mean[: max(1, mean.size // 10)].mean())

    def decay(x: Any) -> Array:
        values = np.exp(x)
        return sign * values[0] * slab_decay(time, float(values[1]), *_scale_conductivities(bodies, values))

    slopes: Any = np.zeros((time.size, x.size))
    # Gauss-Newton in logarithms, which keeps all values positive; steps are bounded, as the guess may be far off.
    for _ in range(60):
        slopes = np.column_stack([(decay(x + h) - decay(x - h)) / 2e-4 for h in 1e-4 * np.eye(x.size)])
        change, *_ = np.linalg.lstsq(slopes, mean - decay(x), rcond=None)
        x = x + np.clip(change, -0.5, 0.5)
        if np.abs(change).max() < 1e-5:
            break
    values = np.exp(x)
    values[0] *= sign
    return values, *_errors(np.linalg.pinv(slopes), curves - decay(x))


def _errors(inverse: Array, residuals: Array) -> tuple[Array, float]:
    """Covariance of the logarithms and its degrees of freedom: from three replicas or more, else from the residuals."""
    from scipy.signal import lfilter

    if len(residuals) >= 3:
        shares = residuals @ inverse.T
        return np.atleast_2d(np.cov(shares, rowvar=False)) / len(shares), float(len(shares) - 1)
    mean = residuals.mean(axis=0)
    rho = max(0.0, float(block_correlation(mean[:, None])[0]))  # chance anticorrelation would shrink the error
    # Sum over j of rho^|i - j| a_j by running along the series and back.
    along, back = (np.asarray(lfilter([1.0], [1.0, -rho], one, axis=1)) for one in (inverse, inverse[:, ::-1]))
    spread = along + back[:, ::-1] - inverse
    freedom = max(1.0, mean.size * (1 - rho) / (1 + rho) - inverse.shape[0])
    variance = float(mean @ mean) / mean.size * (freedom + inverse.shape[0]) / freedom
    return variance * inverse @ spread.T, freedom


def _guess(name: str, time: Array, mean: Array, bodies: tuple[ThermalSlab, ThermalSlab]) -> list[float]:
    """Amplitude and conductance from the time in which the difference falls to 1/e of what it is first."""
    first = float(mean[: max(1, mean.size // 50)].mean())
    if not abs(first) > 0:
        raise InputError(f"{name}: the difference is {first:g} K at first: heat the sides apart before")
    fraction = mean / first
    below = np.flatnonzero(fraction < np.exp(-1))
    if not below.size and fraction[-max(1, mean.size // 10) :].mean() > 0.9:
        raise InputError(f"{name}: the difference goes from {first:.3g} K to {mean[-1]:.3g} K: run until it decays")
    last = float(fraction[-max(1, mean.size // 10) :].mean())
    span = float(time[below[0]] - time[0]) if below.size else float(np.ptp(time)) / -np.log(max(last, 0.05))
    rate = 1 / max(span, float(time[1] - time[0]))
    capacity = 1 / bodies[0].areal_capacity + 1 / bodies[1].areal_capacity
    slab = sum(side.length / (3 * side.conductivity) for side in bodies)  # mean to face of a slab: L/3κ
    resistance = max(capacity / rate - slab, 0.1 * capacity / rate)  # its logarithm is the start: above zero
    return [abs(first) * float(np.exp(min(1.0, time[0] * rate))), 1 / resistance]


def _start_spread(task: _RelaxationTask, best: Array, variance: float) -> float:
    """Spread of G over later first times that statistics do not explain."""
    time, curves = task.time, task.curves
    mean = np.abs(curves.mean(axis=0))
    late = int(np.argmax(mean < 0.6 * mean[0])) or time.size // 4
    gaps: list[float] = []
    for first in {late // 3, 2 * late // 3, late} - {0}:
        if time.size - first < _MIN_TIMES:
            continue
        values, covariance, _ = _fit_curves(evolve(task, time=time[first:], curves=curves[:, first:]), best)
        # Nested data: the variance of the difference is the difference of the variances; the rest is systematic.
        gaps.append((values[1] - best[1]) ** 2 - abs(values[1] ** 2 * covariance[1, 1] - variance))
    return float(np.sqrt(max(0.0, float(np.mean(gaps))))) if gaps else 0.0
