r"""Thermal networks of resistances and capacities that follow the response of a device.

**Foster.**  $Z(t) = \sum_i R_i (1 - e^{-t/\tau_i})$: any response of a device to a step is such a sum with positive
terms, of infinitely many.  For a given order the time constants are sought for which the best positive resistances
leave the smallest largest error; the sum of the resistances is the steady one.

**Cauer.**  The same impedance as a ladder with capacities to ground, by its continued fraction
$1/Z = sC_1 + 1/(R_1 + 1/(sC_2 + \dots))$, in exact rational arithmetic: in floating point it would lose all digits.
"""

from fractions import Fraction

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike
from scipy.optimize import least_squares, nnls

from kapitza.core.arrays import Array, about, positive, same_length
from kapitza.core.records import BaseRecord, one_for_each
from kapitza.device.description import Device
from kapitza.device.layered.transient import transient_model
from kapitza.errors import InputError

_POINTS_PER_DECADE = 12  # of the response in each decade
_REWEIGHTING_ROUNDS = 12  # of weighing the largest errors more
_STEADY_WEIGHT = 30.0  # weight of the steady value
_MAX_NETWORK_ORDER = 40


@frozen(eq=False)
class FosterNetwork(BaseRecord):
    """A chain of cells of a resistance beside a capacity: what the junction rises by per watt."""

    resistance: Array = field(converter=positive, metadata=about("K W^-1", "of each element"))
    time: Array = field(converter=positive, validator=same_length("resistance"), metadata=about("s", "time constants"))
    error: float = field(default=0.0, metadata=about("K W^-1", "largest difference between `first` and `last`"))
    first: float = field(default=0.0, metadata=about("s", "time from which it was fitted"))
    last: float = field(default=0.0, metadata=about("s", "time up to which it was fitted"))
    of: str = "peak"  # what it follows: "peak", or the name of a patch

    @property
    def capacity(self) -> Array:
        """(n,) heat capacity of each cell, J K⁻¹."""
        return self.time / self.resistance

    def rise(self, time: ArrayLike) -> Array:
        """(nt,) rise per watt at times (s) after a step, K W⁻¹."""
        return -np.expm1(-np.divide.outer(positive(time), self.time)) @ self.resistance


@frozen(eq=False)
class CauerNetwork(BaseRecord):
    """A ladder from the junction to the sink: a capacity to ground, then a resistance, n times."""

    resistance: Array = field(converter=positive, metadata=about("K W^-1", "of each element"))
    capacity: Array = field(converter=positive, **one_for_each("resistance", "J K^-1", "heat capacities"))

    def impedance(self, s: complex) -> complex:
        """Rise of the junction per watt at a Laplace variable (s⁻¹), K W⁻¹."""
        z = 0j
        for r, c in zip(self.resistance[::-1], self.capacity[::-1], strict=True):  # from the sink, at rise 0
            z = 1 / (s * c + 1 / (r + z))
        return z


def foster_network(device: Device, order: int = 12, *, first: float, last: float, of: str = "peak") -> FosterNetwork:
    """Fit a Foster network to the step response of a device, all sources together, between two times, s.

    `order` is the largest number of cells: fewer where more would have no resistance.  It follows the "peak" or a
    patch.
    """
    if not 1 <= order <= _MAX_NETWORK_ORDER:
        raise InputError(f"a network of order {order}: expected 1 to {_MAX_NETWORK_ORDER}")
    if not 0 < first < last:
        raise InputError(f"times from {first:g} to {last:g} s: expected two that increase, above 0")
    model = transient_model(device)
    if of not in model.names:
        raise InputError(f"no {of!r} to follow: expected {' or '.join(map(repr, model.names))}")
    reader = model.readers[model.names.index(of)]
    time = np.geomspace(first, last, int(_POINTS_PER_DECADE * np.log10(last / first)) + 2)
    rises = np.sum([model.step_rise(reader, i, time) for i in range(len(reader.steady))], axis=0) / device.power
    return fit_foster(time, rises, sum(reader.steady) / device.power, order, of)


def fit_foster(time: Array, rises: Array, steady: float, order: int, of: str = "peak") -> FosterNetwork:
    """Fit a Foster network to rises (nt,) at times (nt,), s, and to the steady rise, K W⁻¹."""
    scale = np.ones(time.size)
    limits = time[0] / 30, time[-1] * 10
    start = np.geomspace(time[0] / 2, time[-1] / 5, order)
    best: tuple[float, Array, Array] | None = None
    for _ in range(_REWEIGHTING_ROUNDS):  # weight moves to the largest errors: least squares then approach minimax
        given = (time, rises, steady, scale)
        logs = least_squares(_network_residual, np.log(start), bounds=np.log(limits), args=given, max_nfev=40).x
        tau = np.exp(np.sort(logs))
        resistance, off = _fit_resistances(np.log(tau), time, rises, steady, scale)
        worst = float(np.abs(off).max())
        if best is None or worst < best[0]:  # reweighting is not monotonic: the best round counts
            best = worst, resistance, tau
        scale = scale * np.sqrt(0.2 + np.abs(off) / worst)  # 0.2: no time ever loses all of its weight
        scale, start = scale / scale.mean(), tau
    if best is None:
        raise AssertionError  # there is at least one round
    kept = best[1] > 0
    network = FosterNetwork(best[1][kept] * (steady / best[1].sum()), best[2][kept])  # exact at steady state
    error = float(np.abs(network.rise(time) - rises).max())
    return FosterNetwork(network.resistance, network.time, error, float(time[0]), float(time[-1]), of)


def _fit_resistances(logs: Array, time: Array, rises: Array, steady: float, scale: Array) -> tuple[Array, Array]:
    """Best resistances that are not negative for time constants exp(logs), and what they leave, (nt,) K W⁻¹."""
    terms = -np.expm1(-np.divide.outer(time, np.exp(logs)))
    matrix = np.vstack([terms * scale[:, None], np.full(logs.size, _STEADY_WEIGHT)])
    resistance, _ = nnls(matrix, np.append(rises * scale, _STEADY_WEIGHT * steady))
    return resistance, terms @ resistance - rises


def _network_residual(logs: Array, time: Array, rises: Array, steady: float, scale: Array) -> Array:
    resistance, off = _fit_resistances(logs, time, rises, steady, scale)
    return np.append(off * scale, _STEADY_WEIGHT * (resistance.sum() - steady)) / steady


def cauer_network(network: FosterNetwork) -> CauerNetwork:
    """Return the ladder with the impedance of a Foster network."""
    zero, one = np.array([Fraction(0)]), Fraction(1)
    top, bottom = zero, np.array([one])  # of Z, coefficients from the constant up
    for r, tau in zip(network.resistance.tolist(), network.time.tolist(), strict=True):
        cell = np.array([one, Fraction(tau)])
        top = np.convolve(top, cell)
        top[: bottom.size] += Fraction(r) * bottom
        bottom = np.convolve(bottom, cell)
    resistance: list[float] = []
    capacity: list[float] = []
    top = top[: len(bottom) - 1]  # Z falls as 1/s at large s: its leading coefficient is zero
    while len(top):  # Euclid's algorithm from s = ∞, where the first capacity alone is seen: junction to sink
        c = bottom[-1] / top[-1]
        rest = (bottom - np.concatenate([zero, c * top]))[: len(top)]
        r = top[-1] / rest[-1]
        capacity.append(float(c))
        resistance.append(float(r))
        top, bottom = (top - r * rest)[: len(top) - 1], rest
    return CauerNetwork(np.array(resistance), np.array(capacity))
