"""Compiled search: the same steps and decisions as the plain NumPy road in `search`, one spectrum at a time."""

import inspect
import sys
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.measure.eels import kernel, kernel_algebra, kernel_chart, kernel_quality, search
from kapitza.measure.eels.chart import bent
from kapitza.measure.eels.kernel import Floats, expected, jit, kept
from kapitza.measure.eels.kernel_algebra import VECTORS, dot, four_dots, invert, learn, scaled, stepped
from kapitza.measure.eels.kernel_chart import Integers, foreknown, informed, spread_out, straight, turn
from kapitza.measure.eels.kernel_quality import deviance_of, moments
from kapitza.measure.eels.search import (
    CURVED,
    DAMPING,
    FAR,
    FLOOR,
    LOCAL,
    SLACK,
    STUCK,
    UNDAMPED,
    WILD,
    Detector,
    Found,
    Freedom,
)

Bools = NDArray[np.bool_]
Known = tuple[Bools, Floats, Floats, Bools, Bools, Floats, Floats, Floats, Integers]  # as in `search.Freedom`


@jit
def weigh(
    y: Floats, there: Floats, mu: Floats, detector: tuple[Floats, Floats, Floats], residual: Floats, weight: Floats
) -> None:
    """Write residuals and weights of the channels."""
    dark, response, variance = detector
    for i in range(y.size):
        mean = response[i] * mu[i]
        residual[i] = (y[i] - dark[i] - mean) * there[i]
        weight[i] = there[i] / max(mean + variance[i], FLOOR)


@jit
def chi_squared(residual: Floats, weight: Floats, x: Floats, prior: Floats, prior_weight: Floats) -> float:
    """Chi-squared with that of the priors."""
    total = 0.0
    for i in range(residual.size):
        total += weight[i] * residual[i] * residual[i]
    for a in range(x.size):
        total += prior_weight[a] * (x[a] - prior[a]) ** 2
    return total


@jit
def slopes(
    x: Floats,
    turned: tuple[Floats, Floats],
    jacobian: Floats,
    residual: Floats,
    weight: Floats,
    response: Floats,
    known: Known,
    gradient: Floats,
    information: Floats,
    rows: Floats,
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
        gradient[a] = dot(row, jacobian[a])
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
            ac, ad, bc, bd = four_dots(row, other, jacobian[c], jacobian[d])
            information[a, c] = information[c, a] = ac
            information[a, d] = information[d, a] = ad
            information[b, c] = information[c, b] = bc
            information[b, d] = information[d, b] = bd
    informed(own, cross, owner, prior_weight, information)


@jit
def block(
    u: Floats,
    gradient: Floats,
    information: Floats,
    known: Known,
    blocked: Bools,
) -> None:
    """Mark parameters that do not move: fixed, pressed against a limit, or without any effect."""
    free, low, high = known[0], known[1], known[2]
    for a in range(u.size):
        down = u[a] <= low[a] and gradient[a] < 0
        up = u[a] >= high[a] and gradient[a] > 0
        blocked[a] = (not free[a]) or down or up or information[a, a] <= 0


@jit
def advance(u: Floats, step: Floats, known: Known, new: Floats) -> None:
    """Write the point after a step, within the limits."""
    low, high, curved = known[1], known[2], known[3]
    for a in range(u.size):
        value = u[a] + step[a]
        if curved[a]:
            value = min(max(value, u[a] / CURVED), u[a] * CURVED)
        new[a] = min(max(value, low[a]), high[a])


@jit
def aim(
    u: Floats,
    gradient: Floats,
    information: Floats,
    learnt: Floats,
    known: Known,
    damping: float,
    blocked: Bools,
    small: Floats,
) -> float:
    """Write the next step and return its length in standard uncertainties, below zero where there is none."""
    p = u.size
    step, whole, scale, matrix = small[1], small[2], small[3], small[VECTORS : VECTORS + p]
    block(u, gradient, information, known, blocked)
    if not scaled(information, learnt, blocked, damping, matrix, scale):
        return -1.0
    length = stepped(gradient, matrix, scale, step)
    if length > FAR:
        whole[:] = step
        for a in range(p):
            blocked[a] = blocked[a] or known[4][a]
        sound = scaled(information, learnt, blocked, damping, matrix, scale)
        held = stepped(gradient, matrix, scale, step) if sound else 0.0
        if held > LOCAL:
            return held
        step[:] = whole
    return length


@jit
def seen_from(
    u: Floats,
    known: Known,
    spectrum: tuple[float, int, int, Floats],
    x: Floats,
    turned: tuple[Floats, Floats],
    mu: Floats,
    jacobian: Floats,
    line: Floats,
    near: Floats,
) -> None:
    """Write the parameters of coordinates, the electrons, and their derivatives by the coordinates."""
    start, modes, tie, smooth = spectrum
    own, cross = turned
    straight(u, known[7], known[8], x, own, cross)
    expected(start, x, modes, tie, smooth, mu, jacobian, line, near)
    turn(own, cross, known[8], known[7], jacobian)


@jit
def damped(
    length: float, damping: float, refused: int, saddle: bool, flat: bool, learnt: Floats
) -> tuple[bool, float, bool, bool]:
    """Whether a search has settled where no step or only a short one is left, and its next damping, saddle and flat."""
    if length < 0 and damping > WILD and learnt.any():
        learnt[:] = 0.0
        return False, 0.1 * WILD * 10.0**refused, False, flat
    if length < 0:
        taught = bool(learnt.any())
        return False, max(10 * damping, DAMPING), taught, not taught
    if damping == 0 or flat:
        return True, damping, saddle, flat
    if saddle:
        learnt[:] = 0.0
        return False, 0.0, False, flat
    return False, 0.0 if damping < 10 * UNDAMPED else 0.1 * damping, False, flat


@jit
def fit_one(
    y: Floats,
    there: Floats,
    detector: tuple[Floats, Floats, Floats],
    known: Known,
    spectrum: tuple[float, int, int, Floats],
    goal: tuple[float, int],
    u: Floats,
    x: Floats,
    information: Floats,
    blocked: Bools,
    mu: Floats,
    jacobian: Floats,
    work: Floats,
    small: Floats,
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
    learnt, beyond = small[VECTORS + p : VECTORS + 2 * p], small[VECTORS + 2 * p :]
    for a in range(p):
        u[a] = min(max(u[a], known[1][a]), known[2][a])
    seen_from(u, known, spectrum, x, turned, mu, jacobian, line, near)
    weigh(y, there, mu, detector, residual, weight)
    slopes(x, turned, jacobian, residual, weight, detector[1], known, gradient, information, rows)
    chi2 = chi_squared(residual, weight, x, known[5], known[6])
    damping, iterations, stale, settled, refused = 0.0, 1, False, False, 0
    saddle, flat = False, False  # damping keeps a learnt saddle at bay; the information alone is singular
    length = np.inf
    learnt[:] = 0.0
    while damping <= STUCK and iterations < limit:
        length = aim(u, gradient, information, learnt, known, damping, blocked, small)
        if length < tolerance:
            settled, damping, saddle, flat = damped(length, damping, refused, saddle, flat, learnt)
            if settled:
                break
            continue
        advance(u, step, known, new)
        seen_from(new, known, spectrum, x, turned, mu, jacobian, line, near)
        iterations += 1
        weigh(y, there, mu, detector, row, trial)
        better = chi_squared(row, weight, x, known[5], known[6]) <= chi2 + SLACK
        slopes(x, turned, jacobian, row, trial, detector[1], known, after, beyond, rows)
        stale, saddle, flat = not better, False, False
        for a in range(p):
            rest[a] = new[a] - u[a]
            change[a] = gradient[a] - after[a]
        learn(beyond if better else information, learnt, rest, change, length < LOCAL, known[0], left)
        if better:
            u[:] = new
            gradient[:] = after
            information[:] = beyond
            residual[:] = row
            weight[:] = trial
            chi2 = chi_squared(residual, weight, x, known[5], known[6])
            damping *= 0.1
            refused = 0
        else:
            refused += 1
            if refused > 1 or length >= LOCAL:
                damping = max(10 * damping, DAMPING)
        damping = 0.0 if damping < UNDAMPED else damping
    if stale:
        seen_from(u, known, spectrum, x, turned, mu, jacobian, line, near)
    block(u, gradient, information, known, blocked)
    if settled:
        advance(u, step, known, new)
        u[:] = new
        straight(u, known[7], known[8], x, turned[0], turned[1])
    return settled, iterations, length**2 if settled else 0.0


def stamp() -> int:
    """Checksum of all source that is compiled: machine code of older source is not used."""
    return zlib.crc32(
        "".join(
            inspect.getsource(module)
            for module in (kernel, kernel_algebra, kernel_chart, kernel_quality, search, sys.modules[__name__])
        ).encode()
    )


def made(version: int) -> Callable[..., None]:
    """Compile the fit of many spectra; `version` is part of the name under which the machine code is kept."""

    def fit_many(
        counts: Floats,
        detector: tuple[Floats, Floats, Floats],
        known: Known,
        spectrum: tuple[float, int, int, Floats],
        goal: tuple[float, int],
        value: Floats,
        covariance: Floats,
        blocked: Bools,
        settled: Bools,
        iterations: NDArray[np.int64],
        fit: Floats,
        deviance: Floats,
    ) -> None:
        """Fit spectrum after spectrum; `value` holds the starts and then what is found."""
        if version < 0:  # never: the number is here to be part of the function
            return
        n, p = counts.shape[1], value.shape[1]
        work, jacobian, mu = np.zeros((25, n)), np.zeros((p, n)), np.zeros(n)
        small, information = np.zeros((VECTORS + 3 * p, p)), np.zeros((p, p))
        y, there, u = np.zeros(n), np.zeros(n), np.zeros(p)
        own, cross, weight, energy, owner = small[8], small[9], known[6], known[7], known[8]
        for k in range(counts.shape[0]):
            for i in range(n):
                good = np.isfinite(counts[k, i])
                there[i] = 1.0 if good else 0.0
                y[i] = counts[k, i] if good else 0.0
            u[:] = value[k]
            x, matrix, off = value[k], covariance[k], blocked[k]
            settled[k], iterations[k], gained = fit_one(
                y, there, detector, known, spectrum, goal, u, x, information, off, mu, jacobian, work, small
            )
            sound = invert(information, off, small, matrix)
            weigh(y, there, mu, detector, work[0], work[1])
            taken = foreknown(own, cross, owner, weight, matrix)
            moments(there, mu, jacobian, work[0], detector, matrix, off, taken, small[0], fit[k])
            deviance[k] = deviance_of(y, there, mu, detector) - gained
            if sound:
                spread_out(own, cross, owner, energy, matrix)
            for a in range(p):
                if known[0][a] and information[a, a] <= 0:
                    matrix[a, a] = np.inf

    return kept(fit_many)


fit_many = made(stamp())


def compiled_search(
    counts: NDArray[Any],
    detector: Detector,
    freedom: Freedom,
    start: NDArray[Any],
    spectrum: tuple[float, int, int, NDArray[Any]],
    *,
    tolerance: float,
    limit: int,
) -> Found:
    """Most likely parameters of each spectrum, as `search.search` finds them.

    Parameters
    ----------
    counts, detector, freedom, start, tolerance, limit : as there
    spectrum : first channel's energy, number of modes, how they are tied (0 common, 1 each, 2 occupation), and (terms,
        n) the terms of the background
    """
    k, p = start.shape
    value = bent(freedom.chart, start)
    covariance, blocked = np.empty((k, p, p)), np.empty((k, p), dtype=np.bool_)
    settled, iterations = np.empty(k, dtype=np.bool_), np.empty(k, dtype=np.int64)
    fit, deviance = np.empty((k, 4)), np.empty(k)
    known = (freedom.free, freedom.low, freedom.high, freedom.curved, freedom.late, freedom.prior, freedom.weight)
    parts = (*known, freedom.chart.energy, freedom.chart.owner)
    seen = (detector.dark, detector.response, detector.variance)
    goal = (tolerance, limit)
    fit_many(counts, seen, parts, spectrum, goal, value, covariance, blocked, settled, iterations, fit, deviance)
    return Found(value, covariance, blocked, settled, iterations, fit, deviance)
