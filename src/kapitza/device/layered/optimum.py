"""Numbers of a device for which its hottest point is coolest."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from attrs import field, frozen
from scipy.optimize import minimize, minimize_scalar

from kapitza.core.arrays import Array, about
from kapitza.core.records import BaseRecord
from kapitza.device.description import Device
from kapitza.device.layered.steady import solve_steady
from kapitza.errors import InputError

_SCAN_POINTS = 17  # values of one number before the best is refined
_DESIGN_SAMPLES = 48  # points of several numbers before the best is refined
_BOUND_TOLERANCE = 1e-3  # relative, of a number at the end of its range
_PeakFunction = Callable[[Array], float]


@frozen(eq=False)
class Optimum(BaseRecord):
    """The coolest device."""

    device: Device  # with the numbers found
    values: Mapping[str, float] = field(metadata=about("SI", "optimised parameters by name"))
    peak: float = field(metadata=about("K", "highest temperature rise"))
    before: float = field(metadata=about("K", "highest temperature rise before the search"))
    limited: tuple[str, ...]  # names of the numbers that stand at an end of their range


def minimize_peak(device: Device, ranges: Mapping[str, tuple[float, float]]) -> Optimum:
    """Minimise the hottest rise over numbers within ranges: their lowest and highest values by name, SI, above zero.

    One number is tried at 17 values and refined around the best; several at 48 points of a Latin square and refined by
    a simplex.  Numbers are taken on a logarithmic scale.
    """
    if not ranges:
        raise InputError(f"{device.title}: no number to choose; give some, such as 'buffer.thickness=10:500nm'")
    for name, (low, high) in ranges.items():
        device.value(name)
        if not 0 < low < high:
            raise InputError(f"{name} from {low:g} to {high:g}: expected a range that increases from above 0")
    names = list(ranges)
    bounds = np.log(np.array([ranges[name] for name in names]))

    def peak(logs: Array) -> float:
        return solve_steady(device.replace(dict(zip(names, np.exp(logs).tolist(), strict=True)))).peak

    best = _minimize_one(peak, bounds[0]) if len(names) == 1 else _minimize_many(peak, bounds)
    values = dict(zip(names, np.exp(best).tolist(), strict=True))
    at_end = np.minimum(best - bounds[:, 0], bounds[:, 1] - best) < _BOUND_TOLERANCE * (bounds[:, 1] - bounds[:, 0])
    limited = tuple(name for name, end in zip(names, at_end, strict=True) if end)
    return Optimum(device.replace(values), values, peak(best), solve_steady(device).peak, limited)


def _minimize_one(peak: _PeakFunction, bounds: Array) -> Array:
    tried = np.linspace(bounds[0], bounds[1], _SCAN_POINTS)  # a scan first: the peak may have several minima
    peaks = [peak(np.array([x])) for x in tried]
    i = int(np.argmin(peaks))
    low, high = tried[max(i - 1, 0)], tried[min(i + 1, _SCAN_POINTS - 1)]

    def scalar(x: float) -> float:
        return peak(np.array([x]))

    found: Any = minimize_scalar(scalar, bounds=(low, high), method="bounded", options={"xatol": 1e-4})
    return np.array([found.x if found.fun < peaks[i] else tried[i]])  # the bounded search never tries the ends


def _minimize_many(peak: _PeakFunction, bounds: Array) -> Array:
    generator = np.random.default_rng(0)
    cells = np.array([generator.permutation(_DESIGN_SAMPLES) for _ in bounds]).T
    points = bounds[:, 0] + (cells + 0.5) / _DESIGN_SAMPLES * (bounds[:, 1] - bounds[:, 0])
    peaks = [peak(point) for point in points]
    options = {"xatol": 1e-4, "fatol": 1e-6, "maxfev": 120 * len(bounds)}
    start = points[int(np.argmin(peaks))]
    found = minimize(peak, start, method="Nelder-Mead", bounds=bounds, options=options)  # kinks, hence no derivatives
    return np.array(found.x)
