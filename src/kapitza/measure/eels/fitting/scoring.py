"""Compiled damped Fisher scoring, one spectrum at a time."""

import inspect
import sys
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, BoolArray, IntArray
from kapitza.measure.eels.fitting import algebra, lines, search
from kapitza.measure.eels.fitting.algebra import (
    WORKSPACE_VECTORS,
    chi2_moments,
    dot_product,
    factorise_scaled,
    four_dot_products,
    invert_information,
    scoring_step,
    spectrum_deviance,
    update_curvature,
)
from kapitza.measure.eels.fitting.lines import expected_electrons, jit, jit_cached
from kapitza.measure.eels.fitting.search import (
    CHI2_SLACK,
    FAR_STEP,
    INITIAL_DAMPING,
    LOCAL_STEP,
    MAX_CHANGE_FACTOR,
    MAX_CURVATURE_DAMPING,
    MAX_DAMPING,
    MIN_DAMPING,
    MIN_VARIANCE,
    Detector,
    ParameterConstraints,
    SearchResult,
    to_coordinates,
)


@jit
def _write_parameters(u: Array, energy: Array, owner: IntArray, x: Array, own: Array, cross: Array) -> None:
    """Write parameters, their derivatives by their own coordinate, and those of intensities by the ratio."""
    for a in range(u.size):
        x[a], own[a], cross[a] = u[a], 1.0, 0.0
        if energy[a] > 0:
            x[a] = -energy[a] / np.log(u[a])
            own[a] = x[a] * x[a] / (energy[a] * u[a])
        elif energy[a] == 0:
            x[a] = u[a] / (1 - u[a])
            own[a] = 1 / ((1 - u[a]) * (1 - u[a]))
        elif owner[a] >= 0:
            own[a] = 1 - u[owner[a]]
            cross[a] = -u[a]
            x[a] = u[a] * own[a]


@jit
def _derivatives_by_coordinates(own: Array, cross: Array, owner: IntArray, energy: Array, rows: Array) -> None:
    """Turn derivatives by parameters (p, n) into those by coordinates."""
    for a in range(own.size):
        if energy[a] >= 0:
            for i in range(rows.shape[1]):
                rows[a, i] *= own[a]
    for a in range(own.size):
        if owner[a] >= 0:
            row, ratio = rows[a], rows[owner[a]]
            for i in range(row.size):
                ratio[i] += cross[a] * row[i]
                row[i] *= own[a]


@jit
def _covariance_of_parameters(own: Array, cross: Array, owner: IntArray, energy: Array, matrix: Array) -> None:
    """Turn the covariance of coordinates into that of parameters."""
    p = own.size
    for a in range(p):
        if owner[a] >= 0:
            for b in range(p):
                matrix[a, b] = own[a] * matrix[a, b] + cross[a] * matrix[owner[a], b]
    for a in range(p):
        if owner[a] >= 0:
            for b in range(p):
                matrix[b, a] = own[a] * matrix[b, a] + cross[a] * matrix[b, owner[a]]
    for a in range(p):
        if energy[a] >= 0:
            for b in range(p):
                matrix[a, b] *= own[a]
            for b in range(p):
                matrix[b, a] *= own[a]


@jit
def _add_prior_information(own: Array, cross: Array, owner: IntArray, weight: Array, information: Array) -> None:
    """Add what priors tell to the information of the coordinates."""
    for a in range(own.size):
        information[a, a] += own[a] * own[a] * weight[a]
        if owner[a] >= 0:
            o = owner[a]
            information[o, o] += cross[a] * cross[a] * weight[a]
            information[a, o] += own[a] * cross[a] * weight[a]
            information[o, a] += own[a] * cross[a] * weight[a]


@jit
def _parameters_from_priors(own: Array, cross: Array, owner: IntArray, weight: Array, covariance: Array) -> float:
    """Return how many of the parameters priors determine, from the covariance of the coordinates."""
    total = 0.0
    for a in range(own.size):
        part = own[a] * own[a] * covariance[a, a]
        if owner[a] >= 0:
            o = owner[a]
            part += 2 * own[a] * cross[a] * covariance[a, o] + cross[a] * cross[a] * covariance[o, o]
        total += weight[a] * part
    return total


_SpectrumConstraints = tuple[
    BoolArray, Array, Array, BoolArray, BoolArray, Array, Array, Array, IntArray
]  # as in `search.Freedom`


@jit
def _weigh_channels(
    y: Array,
    there: Array,
    mu: Array,
    detector: tuple[Array, Array, Array],
    residual: Array,
    weight: Array,
) -> None:
    """Write residuals and weights of the channels."""
    dark, response, variance = detector
    for i in range(y.size):
        mean = response[i] * mu[i]
        residual[i] = (y[i] - dark[i] - mean) * there[i]
        weight[i] = there[i] / max(mean + variance[i], MIN_VARIANCE)


@jit
def _chi_squared(residual: Array, weight: Array, x: Array, prior: Array, prior_weight: Array) -> float:
    """Chi-squared with that of the priors."""
    total = 0.0
    for i in range(residual.size):
        total += weight[i] * residual[i] * residual[i]
    for a in range(x.size):
        total += prior_weight[a] * (x[a] - prior[a]) ** 2
    return total


@jit
def _gradient_and_information(
    x: Array,
    turned: tuple[Array, Array],
    jacobian: Array,
    residual: Array,
    weight: Array,
    response: Array,
    known: _SpectrumConstraints,
    gradient: Array,
    information: Array,
    rows: Array,
) -> None:
    """Write the gradient of the log-likelihood and the Fisher information of the free parameters."""
    free, prior, prior_weight, owner = known[0], known[5], known[6], known[8]
    own, cross = turned
    row, other, seen = rows[0], rows[1], rows[2]
    for i in range(row.size):
        row[i] = weight[i] * response[i] * residual[i]
        seen[i] = weight[i] * response[i] * response[i]
    information[:] = 0.0
    gradient[:] = 0.0
    places = np.flatnonzero(free)
    for a in places:
        gradient[a] = dot_product(row, jacobian[a])
    for a in places:
        off = prior_weight[a] * (x[a] - prior[a])
        gradient[a] -= own[a] * off
        if owner[a] >= 0:
            gradient[owner[a]] -= cross[a] * off
    last = places.size - 1
    for u in range(0, places.size, 2):
        a, b = places[u], places[min(u + 1, last)]
        one, two = jacobian[a], jacobian[b]
        for i in range(row.size):
            row[i] = seen[i] * one[i]
            other[i] = seen[i] * two[i]
        for v in range(0, u + 1, 2):
            c, d = places[v], places[min(v + 1, last)]
            ac, ad, bc, bd = four_dot_products(row, other, jacobian[c], jacobian[d])
            information[a, c] = information[c, a] = ac
            information[a, d] = information[d, a] = ad
            information[b, c] = information[c, b] = bc
            information[b, d] = information[d, b] = bd
    _add_prior_information(own, cross, owner, prior_weight, information)


@jit
def _mark_blocked(
    u: Array,
    gradient: Array,
    information: Array,
    known: _SpectrumConstraints,
    blocked: BoolArray,
) -> None:
    """Mark parameters that do not move: fixed, pressed against a limit, or without any effect."""
    free, low, high = known[0], known[1], known[2]
    for a in range(u.size):
        down = u[a] <= low[a] and gradient[a] < 0
        up = u[a] >= high[a] and gradient[a] > 0
        blocked[a] = (not free[a]) or down or up or information[a, a] <= 0


@jit
def _step_within_limits(u: Array, step: Array, known: _SpectrumConstraints, new: Array) -> None:
    """Write the point after a step, within the limits."""
    low, high, curved = known[1], known[2], known[3]
    for a in range(u.size):
        value = u[a] + step[a]
        if curved[a]:
            value = min(max(value, u[a] / MAX_CHANGE_FACTOR), u[a] * MAX_CHANGE_FACTOR)
        new[a] = min(max(value, low[a]), high[a])


@jit
def _next_step(
    u: Array,
    gradient: Array,
    information: Array,
    learnt: Array,
    known: _SpectrumConstraints,
    damping: float,
    blocked: BoolArray,
    small: Array,
) -> float:
    """Write the next step and return its length in standard uncertainties, below zero where there is none."""
    p = u.size
    step, whole, scale, matrix = small[1], small[2], small[3], small[WORKSPACE_VECTORS : WORKSPACE_VECTORS + p]
    _mark_blocked(u, gradient, information, known, blocked)
    if not factorise_scaled(information, learnt, blocked, damping, matrix, scale):
        return -1.0
    length = scoring_step(gradient, matrix, scale, step)
    if length > FAR_STEP:
        whole[:] = step
        for a in range(p):
            blocked[a] = blocked[a] or known[4][a]
        sound = factorise_scaled(information, learnt, blocked, damping, matrix, scale)
        held = scoring_step(gradient, matrix, scale, step) if sound else 0.0
        if held > LOCAL_STEP:
            return held
        step[:] = whole
    return length


@jit
def _evaluate_spectrum(
    u: Array,
    known: _SpectrumConstraints,
    spectrum: tuple[float, int, int, Array],
    x: Array,
    turned: tuple[Array, Array],
    mu: Array,
    jacobian: Array,
    line: Array,
    near: Array,
) -> None:
    """Write the parameters of coordinates, the electrons, and their derivatives by the coordinates."""
    start, modes, tie, smooth = spectrum
    own, cross = turned
    _write_parameters(u, known[7], known[8], x, own, cross)
    expected_electrons(start, x, modes, tie, smooth, mu, jacobian, line, near)
    _derivatives_by_coordinates(own, cross, known[8], known[7], jacobian)


@jit
def _update_damping(
    length: float, damping: float, refused: int, saddle: bool, flat: bool, learnt: Array
) -> tuple[bool, float, bool, bool]:
    """Whether a search has settled where no step or only a short one is left, and its next damping, saddle and flat."""
    if length < 0 and damping > MAX_CURVATURE_DAMPING and learnt.any():
        learnt[:] = 0.0
        return False, 0.1 * MAX_CURVATURE_DAMPING * 10.0**refused, False, flat
    if length < 0:
        taught = bool(learnt.any())
        return False, max(10 * damping, INITIAL_DAMPING), taught, not taught
    if damping == 0 or flat:
        return True, damping, saddle, flat
    if saddle:
        learnt[:] = 0.0
        return False, 0.0, False, flat
    return False, 0.0 if damping < 10 * MIN_DAMPING else 0.1 * damping, False, flat


@jit
def _fit_spectrum(
    y: Array,
    there: Array,
    detector: tuple[Array, Array, Array],
    known: _SpectrumConstraints,
    spectrum: tuple[float, int, int, Array],
    goal: tuple[float, int],
    u: Array,
    x: Array,
    information: Array,
    blocked: BoolArray,
    mu: Array,
    jacobian: Array,
    work: Array,
    small: Array,
) -> tuple[bool, int, float]:
    """Search from u, which is overwritten by what is found; the other arrays hold the state at the last evaluation.

    Returns whether it settled, the number of evaluations, and what the last step takes off the deviance.
    """
    tolerance, limit = goal
    residual, weight, row, trial, rows = work[0], work[1], work[2], work[3], work[22:25]
    line, near = work[4:18], work[18:22]
    p = u.size
    gradient, step, new, after = small[0], small[1], small[2], small[4]
    rest, change, left = small[5], small[6], small[7]
    turned = (small[8], small[9])
    learnt, beyond = small[WORKSPACE_VECTORS + p : WORKSPACE_VECTORS + 2 * p], small[WORKSPACE_VECTORS + 2 * p :]
    for a in range(p):
        u[a] = min(max(u[a], known[1][a]), known[2][a])
    _evaluate_spectrum(u, known, spectrum, x, turned, mu, jacobian, line, near)
    _weigh_channels(y, there, mu, detector, residual, weight)
    _gradient_and_information(x, turned, jacobian, residual, weight, detector[1], known, gradient, information, rows)
    chi2 = _chi_squared(residual, weight, x, known[5], known[6])
    damping, iterations, stale, settled, refused = 0.0, 1, False, False, 0
    saddle, flat = False, False  # damping keeps a learnt saddle at bay; the information alone is singular
    length = np.inf
    learnt[:] = 0.0
    while damping <= MAX_DAMPING and iterations < limit:
        length = _next_step(u, gradient, information, learnt, known, damping, blocked, small)
        if length < tolerance:
            settled, damping, saddle, flat = _update_damping(length, damping, refused, saddle, flat, learnt)
            if settled:
                break
            continue
        _step_within_limits(u, step, known, new)
        _evaluate_spectrum(new, known, spectrum, x, turned, mu, jacobian, line, near)
        iterations += 1
        _weigh_channels(y, there, mu, detector, row, trial)
        better = _chi_squared(row, weight, x, known[5], known[6]) <= chi2 + CHI2_SLACK
        _gradient_and_information(x, turned, jacobian, row, trial, detector[1], known, after, beyond, rows)
        stale, saddle, flat = not better, False, False
        for a in range(p):
            rest[a] = new[a] - u[a]
            change[a] = gradient[a] - after[a]
        update_curvature(beyond if better else information, learnt, rest, change, length < LOCAL_STEP, known[0], left)
        if better:
            u[:] = new
            gradient[:] = after
            information[:] = beyond
            residual[:] = row
            weight[:] = trial
            chi2 = _chi_squared(residual, weight, x, known[5], known[6])
            damping *= 0.1
            refused = 0
        else:
            refused += 1
            if refused > 1 or length >= LOCAL_STEP:
                damping = max(10 * damping, INITIAL_DAMPING)
        damping = 0.0 if damping < MIN_DAMPING else damping
    if stale:
        _evaluate_spectrum(u, known, spectrum, x, turned, mu, jacobian, line, near)
    _mark_blocked(u, gradient, information, known, blocked)
    if settled:
        _step_within_limits(u, step, known, new)
        u[:] = new
        _write_parameters(u, known[7], known[8], x, turned[0], turned[1])
    return settled, iterations, length**2 if settled else 0.0


def _source_checksum() -> int:
    """Checksum of all source that is compiled: machine code of older source is not used."""
    return zlib.crc32(
        "".join(inspect.getsource(module) for module in (lines, algebra, search, sys.modules[__name__])).encode()
    )


def _compile_fit(version: int) -> Callable[..., None]:
    """Compile the fit of many spectra; `version` is part of the name under which the machine code is kept."""

    def fit_many(
        counts: Array,
        detector: tuple[Array, Array, Array],
        known: _SpectrumConstraints,
        spectrum: tuple[float, int, int, Array],
        goal: tuple[float, int],
        value: Array,
        covariance: Array,
        blocked: BoolArray,
        settled: BoolArray,
        iterations: NDArray[np.int64],
        fit: Array,
        deviance: Array,
    ) -> None:
        """Fit spectrum after spectrum; `value` holds the starts and then what is found."""
        if version < 0:  # never: the number is here to be part of the function
            return
        n, p = counts.shape[1], value.shape[1]
        work, jacobian, mu = np.zeros((25, n)), np.zeros((p, n)), np.zeros(n)
        small, information = np.zeros((WORKSPACE_VECTORS + 3 * p, p)), np.zeros((p, p))
        y, there, u = np.zeros(n), np.zeros(n), np.zeros(p)
        own, cross, weight, energy, owner = small[8], small[9], known[6], known[7], known[8]
        for k in range(counts.shape[0]):
            for i in range(n):
                good = np.isfinite(counts[k, i])
                there[i] = 1.0 if good else 0.0
                y[i] = counts[k, i] if good else 0.0
            u[:] = value[k]
            x, matrix, off = value[k], covariance[k], blocked[k]
            settled[k], iterations[k], gained = _fit_spectrum(
                y, there, detector, known, spectrum, goal, u, x, information, off, mu, jacobian, work, small
            )
            sound = invert_information(information, off, small, matrix)
            _weigh_channels(y, there, mu, detector, work[0], work[1])
            taken = _parameters_from_priors(own, cross, owner, weight, matrix)
            chi2_moments(there, mu, jacobian, work[0], detector, matrix, off, taken, small[0], fit[k])
            deviance[k] = spectrum_deviance(y, there, mu, detector) - gained
            if sound:
                _covariance_of_parameters(own, cross, owner, energy, matrix)
            for a in range(p):
                if known[0][a] and information[a, a] <= 0:
                    matrix[a, a] = np.inf

    return jit_cached(fit_many)


_fit_many_spectra = _compile_fit(_source_checksum())


def compiled_fisher_scoring(
    counts: NDArray[Any],
    detector: Detector,
    freedom: ParameterConstraints,
    start: NDArray[Any],
    spectrum: tuple[float, int, int, NDArray[Any]],
    *,
    tolerance: float,
    limit: int,
) -> SearchResult:
    """Most likely parameters of each spectrum, as `search.search` finds them.

    Parameters
    ----------
    counts, detector, freedom, start, tolerance, limit : as there
    spectrum : first channel's energy, number of modes, how they are tied (0 common, 1 each, 2 occupation), and (terms,
        n) the terms of the background
    """
    k, p = start.shape
    value = to_coordinates(freedom.chart, start)
    covariance, blocked = np.empty((k, p, p)), np.empty((k, p), dtype=np.bool_)
    settled, iterations = np.empty(k, dtype=np.bool_), np.empty(k, dtype=np.int64)
    fit, deviance = np.empty((k, 4)), np.empty(k)
    known = (freedom.free, freedom.low, freedom.high, freedom.curved, freedom.late, freedom.prior, freedom.weight)
    parts = (*known, freedom.chart.energy, freedom.chart.owner)
    seen = (detector.dark, detector.response, detector.variance)
    goal = (tolerance, limit)
    _fit_many_spectra(
        counts, seen, parts, spectrum, goal, value, covariance, blocked, settled, iterations, fit, deviance
    )
    return SearchResult(
        value=value,
        covariance=covariance,
        blocked=blocked,
        settled=settled,
        iterations=iterations,
        fit=fit,
        deviance=deviance,
    )
