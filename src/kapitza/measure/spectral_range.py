"""Least and greatest weighted sum of a spectrum that data allow, on the exact model rather than the linearised one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from kapitza.core.arrays import Array, finite
from kapitza.errors import ConvergenceError, InputError
from kapitza.measure.spectral_data import SpectralMeasurement
from kapitza.measure.spectral_inverse import SpectralEstimate, Square, linearised, reach_of

STEPS = 200
SLACK = 1e-3  # sigma, by which a spectrum may miss the interval


def attained_spectra(
    found: SpectralEstimate,
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
    found : the estimate
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
    if weight.size != found.share.size or not size:
        raise InputError(f"{weight.size} weights of sum {size:g} for {found.share.size} groups, wanted as many, not 0")
    reach = reach_of(found.residual, confidence)
    held: dict[bytes, tuple[Array, Square]] = {}

    def model(share: Array) -> tuple[Array, Square]:
        inside = np.clip(share, 0.0, 1.0)
        key = inside.tobytes()
        if key not in held:
            held.clear()  # residuals and derivatives at one place come from one solution
            off, slope = linearised(measurements, inside, found.limit)
            held[key] = found.whitening @ off, found.whitening @ slope
        return held[key]

    def room(share: Array) -> Array:
        return np.concatenate([reach - model(share)[0], reach + model(share)[0]])

    def room_slope(share: Array) -> Square:
        return np.concatenate([-model(share)[1], model(share)[1]])

    within: Any = {"type": "ineq", "fun": room, "jac": room_slope}
    ends: list[Array] = []
    for sign in (1.0, -1.0):
        end = lowest(sign * weight / size, found.share, within)
        worst = float(np.abs(model(end.x)[0]).max())
        if not end.success or worst > reach + SLACK:
            raise ConvergenceError(f"a spectrum {worst:.3g} sigma off after {end.nit} steps: {end.message}", end.x)
        ends.append(np.clip(end.x, 0.0, 1.0))
    return ends[0], ends[1]


def lowest(target: Array, start: Array, within: Any) -> Any:
    """Least of a weighted sum within the limits 0 and 1 and the room that the data leave."""

    def summed(share: Array) -> float:
        return float(target @ share)

    def slope(_share: Array) -> Array:
        return target

    limits = [(0.0, 1.0)] * target.size
    options = {"maxiter": STEPS, "ftol": 1e-6}
    call: Any = minimize  # its stub knows no constraints given as a mapping
    return call(summed, start, jac=slope, bounds=limits, constraints=[within], method="SLSQP", options=options)
