r"""Most likely parameters of many spectra at once, by damped Fisher scoring, and how well they fit.

The counts $y_i$ of a channel are a Poisson number of electrons of mean $\mu_i$ plus a dark count of mean $d_i$ and
variance $v_i$.  Their likelihood is that of $y_i - d_i + v_i$ as a Poisson number of mean $\mu_i + v_i$, which has the
right mean and variance (D. L. Snyder et al., J. Opt. Soc. Am. A 12, 272 (1995), doi:10.1364/JOSAA.12.000272).  Its
score, $\sum_i \partial\mu_i (y_i - d_i - \mu_i)/(\mu_i + v_i)$, is linear in the counts: values below zero stay what
they are, and their mean is not moved.  Without dark noise it is the exact Poisson likelihood.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.measure.eels.chart import Chart, bent, slopes, straight

Evaluate = Callable[[NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]

FLOOR = 1e-3  # electrons: least variance of a channel, so that a stray electron has a finite weight
CURVED = 3.0  # factor by which widths and energies may change in one step
SLACK = 1e-3  # by which chi-squared may rise in a step; statistically nothing
DAMPING = 1e-3  # the first, on a matrix of unit diagonal
UNDAMPED = 1e-7  # below this it is left off
WILD = 0.5  # what needs more than this is not how a spectrum bends: it is forgotten
STUCK = 1e8  # above this no step is left
PIVOT = 1e-13  # of a matrix of unit diagonal: below this it is singular
FAR = 150.0  # standard uncertainties: while a step is longer, the lines of the modes keep their places and widths,
LOCAL = 5.0  # if the others still move by more than this; changes of the gradient along shorter steps tell how it bends
BEND = 1e3  # times the expected information: what bends more is a kink, not a curvature
TOGETHER = 5.0  # expected electrons from which on channels are taken together for the goodness of fit


@frozen(eq=False)
class Detector:
    """What stands between electrons and counts: dark mean, efficiency and dark variance, each (n,), in electrons."""

    dark: NDArray[Any]
    response: NDArray[Any]
    variance: NDArray[Any]


@frozen(eq=False)
class Freedom:
    """What is known of the parameters (p,) beforehand, in channels.

    Attributes
    ----------
    free : which are fitted
    low, high : limits of the coordinates
    curved : which may change by no more than a factor in one step
    late : which are held while the others are still far off
    prior, weight : expected value, and the inverse of its variance (0 where nothing is known)
    chart : coordinates of the search
    """

    free: NDArray[np.bool_]
    low: NDArray[Any]
    high: NDArray[Any]
    curved: NDArray[np.bool_]
    late: NDArray[np.bool_]
    prior: NDArray[Any]
    weight: NDArray[Any]
    chart: Chart


@frozen(eq=False)
class Found:
    """Result for k spectra.

    Attributes
    ----------
    value : (k, p) parameters
    covariance : (k, p, p) inverse of the Fisher information with that of the priors; zero where a parameter was fixed
        or at a limit, infinite where the data do not determine it
    blocked : (k, p) parameters that were fixed, at a limit, or not determined
    settled : (k,) whether the search ended
    iterations : (k,) evaluations
    fit : (k, 4) chi-squared, and its expected mean, variance and third central moment when the model is right
    deviance : (k,)
    """

    value: NDArray[Any]
    covariance: NDArray[Any]
    blocked: NDArray[np.bool_]
    settled: NDArray[np.bool_]
    iterations: NDArray[np.int64]
    fit: NDArray[Any]
    deviance: NDArray[Any]


@frozen(eq=False)
class _State:
    """A point of the search: residuals, weights, gradient and information of k spectra."""

    mu: NDArray[Any]
    jacobian: NDArray[Any]
    residual: NDArray[Any]
    weight: NDArray[Any]
    gradient: NDArray[Any]
    information: NDArray[Any]
    chi2: NDArray[Any]


def search(
    evaluate: Evaluate,
    counts: NDArray[Any],
    detector: Detector,
    freedom: Freedom,
    start: NDArray[Any],
    *,
    tolerance: float,
    limit: int,
) -> Found:
    """Most likely parameters of each spectrum, in plain NumPy, all spectra side by side.

    Parameters
    ----------
    evaluate : function of (k, p) parameters that returns (k, n) electrons before the detector and (k, p, n) derivatives
    counts : (k, n) electrons; NaN where missing
    detector, freedom : see there
    start : (k, p)
    tolerance : the search ends when the next step is shorter than this many standard uncertainties
    limit : evaluations of a spectrum

    Returns
    -------
    Found
    """
    u = np.clip(bent(freedom.chart, start), freedom.low, freedom.high)
    state = _state(evaluate, counts, detector, freedom, u)
    k, p = u.shape
    damping, settled, iterations = np.zeros(k), np.zeros(k, dtype=bool), np.ones(k, dtype=np.int64)
    learnt, refused, left = np.zeros((k, p, p)), np.zeros(k, dtype=np.int64), np.zeros(k)
    # saddle: what was learnt makes a matrix that only damping makes sound; flat: the information alone does
    saddle, flat = np.zeros(k, dtype=bool), np.zeros(k, dtype=bool)
    while True:
        busy = np.flatnonzero(~settled & (damping <= STUCK) & (iterations < limit))
        if not busy.size:
            break
        part = _take(state, busy)
        step, length, solved = _step(freedom, u[busy], part, learnt[busy], damping[busy])
        done = solved & (length < tolerance)
        ended = done & ((damping[busy] == 0) | flat[busy])
        u[busy[ended]] = _moved(freedom, u[busy[ended]], step[ended])
        left[busy[ended]] = length[ended]
        settled[busy[ended]] = True
        _relax(busy[done & ~ended], damping, learnt, saddle)
        failed = busy[~solved]
        wild = failed[(damping[failed] > WILD) & learnt[failed].any(axis=(1, 2))]
        learnt[wild], saddle[wild] = 0.0, False
        damping[wild] = 0.1 * WILD * 10.0 ** refused[wild]
        failed = np.setdiff1d(failed, wild)
        damping[failed] = np.maximum(10 * damping[failed], DAMPING)
        saddle[failed] = learnt[failed].any(axis=(1, 2))
        flat[failed] = ~saddle[failed]
        moving = solved & ~done
        trial = busy[moving]
        if trial.size:
            new = _moved(freedom, u[trial], step[moving])
            after = _state(evaluate, counts[trial], detector, freedom, new)
            better = _chi2(after.residual, part.weight[moving], freedom, new) <= part.chi2[moving] + SLACK
            local = length[moving] < LOCAL
            near = np.where(better[:, None, None], after.information, part.information[moving])
            change = part.gradient[moving] - after.gradient
            learnt[trial] = learn(near, learnt[trial], new - u[trial], change, local, freedom.free)
            iterations[trial] += 1
            saddle[trial], flat[trial] = False, False
            u[trial[better]] = new[better]
            _put(state, trial[better], _take(after, better))
            refused[trial] = np.where(better, 0, refused[trial] + 1)
            raised = ~better & (~local | (refused[trial] > 1))
            damping[trial[better]] *= 0.1
            damping[trial[raised]] = np.maximum(10 * damping[trial[raised]], DAMPING)
        damping[damping < UNDAMPED] = 0.0
    return _judged(counts, detector, freedom, u, state, settled, iterations, left)


def _relax(some: NDArray[Any], damping: NDArray[Any], learnt: NDArray[Any], saddle: NDArray[np.bool_]) -> None:
    """Take damping off where a damped step is short; where it kept a learnt saddle at bay, forget that instead."""
    damping[some] = np.where(saddle[some], 0.0, 0.1 * damping[some])
    learnt[some[saddle[some]]] = 0.0
    saddle[some] = False


def _judged(
    counts: NDArray[Any],
    detector: Detector,
    freedom: Freedom,
    u: NDArray[Any],
    state: _State,
    settled: NDArray[np.bool_],
    iterations: NDArray[np.int64],
    left: NDArray[Any],
) -> Found:
    """Covariance and goodness of fit where the search ended; `left` is the length of the last step."""
    blocked = _blocked(freedom, u, state)
    inverse = np.array([covariance_of(one, off) for one, off in zip(state.information, blocked, strict=True)])
    turn = slopes(freedom.chart, u)
    covariance = turn @ np.where(np.isfinite(inverse), inverse, 0.0) @ np.swapaxes(turn, 1, 2)
    there = state.weight > 0
    fit = np.empty((len(u), 4))
    for i in range(len(u)):
        seen = (state.residual[i], there[i], state.mu[i], state.jacobian[i])
        known = float(np.sum(np.diagonal(covariance[i]) * freedom.weight))
        fit[i] = fit_moments(*seen, inverse[i], blocked[i], detector, known)
    places = np.flatnonzero(freedom.free)
    without = np.diagonal(state.information, axis1=1, axis2=2)[:, places] <= 0
    unknown = without | ~np.isfinite(np.diagonal(inverse, axis1=1, axis2=2)[:, places])
    covariance[:, places, places] = np.where(unknown, np.inf, covariance[:, places, places])
    spread = np.maximum(detector.response * state.mu + detector.variance, FLOOR)
    value = straight(freedom.chart, u)
    return Found(value, covariance, blocked, settled, iterations, fit, deviance(counts, detector, spread) - left**2)


def covariance_of(information: NDArray[Any], blocked: NDArray[np.bool_]) -> NDArray[Any]:
    """(p, p) inverse of the information of the parameters that move; infinite where it is singular."""
    found, use = np.zeros(information.shape), ~blocked
    scale = 1 / np.sqrt(np.diagonal(information)[use])
    matrix = information[np.ix_(use, use)] * np.outer(scale, scale)
    try:
        if (np.diagonal(np.linalg.cholesky(matrix)) ** 2 > PIVOT).all():
            found[np.ix_(use, use)] = np.linalg.inv(matrix) * np.outer(scale, scale)
            return found
    except np.linalg.LinAlgError:
        pass
    found[use, use] = np.inf
    return found


def _state(evaluate: Evaluate, counts: NDArray[Any], detector: Detector, freedom: Freedom, u: NDArray[Any]) -> _State:
    x, turn = straight(freedom.chart, u), slopes(freedom.chart, u)
    mu, jacobian = evaluate(x)
    jacobian = np.swapaxes(turn, 1, 2) @ jacobian
    mean = detector.response * mu
    there = np.isfinite(counts)
    residual = np.where(there, counts - detector.dark - mean, 0.0)
    weight = there / np.maximum(mean + detector.variance, FLOOR)
    by = weight * detector.response
    gradient = (jacobian @ (by * residual)[..., None])[..., 0]
    gradient = gradient - ((freedom.weight * (x - freedom.prior))[:, None] @ turn)[:, 0]
    information = (jacobian * (by * detector.response)[:, None]) @ np.swapaxes(jacobian, 1, 2)
    information = information + (np.swapaxes(turn, 1, 2) * freedom.weight) @ turn
    return _State(mu, jacobian, residual, weight, gradient, information, _chi2(residual, weight, freedom, u))


def _chi2(residual: NDArray[Any], weight: NDArray[Any], freedom: Freedom, u: NDArray[Any]) -> NDArray[Any]:
    off = straight(freedom.chart, u) - freedom.prior
    return np.sum(weight * residual**2, axis=1) + np.sum(freedom.weight * off**2, axis=1)


def _take(state: _State, some: NDArray[Any]) -> _State:
    return _State(*(getattr(state, name)[some] for name in _State.__annotations__))


def _put(state: _State, some: NDArray[Any], new: _State) -> None:
    for name in _State.__annotations__:
        getattr(state, name)[some] = getattr(new, name)


def _blocked(freedom: Freedom, u: NDArray[Any], state: _State) -> NDArray[np.bool_]:
    """Parameters that do not move: fixed, pressed against a limit, or without any effect."""
    down, up = (u <= freedom.low) & (state.gradient < 0), (u >= freedom.high) & (state.gradient > 0)
    none = np.diagonal(state.information, axis1=1, axis2=2) <= 0
    return ~freedom.free | down | up | none


def _step(
    freedom: Freedom, u: NDArray[Any], state: _State, learnt: NDArray[Any], damping: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """(k, p) damped step, (k,) its length in standard uncertainties, and (k,) whether there is one."""
    blocked = _blocked(freedom, u, state)
    step, length, solved = _solved(state, learnt, damping, blocked)
    far = solved & (length > FAR)
    if far.any():
        held = _solved(_take(state, far), learnt[far], damping[far], blocked[far] | freedom.late)
        some = np.flatnonzero(far)[held[2] & (held[1] > LOCAL)]
        step[some], length[some] = (part[held[2] & (held[1] > LOCAL)] for part in held[:2])
    return step, length, solved


def _solved(
    state: _State, learnt: NDArray[Any], damping: NDArray[Any], blocked: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    diagonal = np.diagonal(state.information, axis1=1, axis2=2)
    scale = np.where(blocked, 0.0, 1 / np.sqrt(np.where(blocked, 1.0, diagonal)))
    matrix = (state.information + learnt) * scale[:, :, None] * scale[:, None, :]
    places = np.arange(blocked.shape[1])
    matrix[:, places, places] = np.where(blocked, 1.0, matrix[:, places, places]) + damping[:, None]
    right = state.gradient * scale
    step, solved = np.zeros(right.shape), np.ones(len(right), dtype=bool)
    for i in range(len(right)):
        try:
            root = np.linalg.cholesky(matrix[i])
        except np.linalg.LinAlgError:
            solved[i] = False
            continue
        solved[i] = np.diagonal(root).min() ** 2 > PIVOT
        step[i] = np.linalg.solve(matrix[i], right[i])
    return step * scale, np.sqrt(np.maximum(np.sum(step * right, axis=1), 0.0)), solved


def learn(
    information: NDArray[Any],
    learnt: NDArray[Any],
    moved: NDArray[Any],
    change: NDArray[Any],
    local: NDArray[np.bool_],
    free: NDArray[np.bool_],
) -> NDArray[Any]:
    r"""(k, p, p) what the observed information is more than the expected one, as changes of the gradient show it.

    Where a mode is weak the two differ by as much as themselves, and steps by the expected one alone would swing.
    Symmetric update of rank one: $C + rr^T/r\cdot d$ with $r = y - (I + C)d$ for a step d that took y off
    the gradient.
    """
    rest = np.where(free, change - np.einsum("kij,kj->ki", information + learnt, moved), 0.0)
    along = np.sum(rest * moved, axis=1)
    own = np.diagonal(information, axis1=1, axis2=2)
    size = np.sum(np.where(own > 0, rest**2 / np.where(own > 0, own, 1.0), 0.0), axis=1)
    use = local & (np.abs(along) * BEND > size) & (size > 0)
    update = rest[:, :, None] * rest[:, None, :] / np.where(use, along, 1.0)[:, None, None]
    return np.where(use[:, None, None], learnt + update, np.where(local[:, None, None], learnt, 0.0))


def _moved(freedom: Freedom, u: NDArray[Any], step: NDArray[Any]) -> NDArray[Any]:
    new = u + step
    new = np.where(freedom.curved, np.clip(new, u / CURVED, u * CURVED), new)
    return np.clip(new, freedom.low, freedom.high)


def deviance(counts: NDArray[Any], detector: Detector, spread: NDArray[Any]) -> NDArray[Any]:
    r"""(k,) $2 \sum_i [y_i \ln(y_i/V_i) - (y_i - V_i)]$ of counts less dark mean plus dark variance.

    V is their expected value.

    Where a channel with its variance is not above zero, the first logarithm is left out: it is the same for all models.
    """
    y = counts - detector.dark + detector.variance
    there = np.isfinite(y)
    y = np.where(there, y, 1.0)
    own = np.log(np.where(y > 0, y, 1.0))
    return 2 * np.sum(there * (y * (own - np.log(spread)) - y + spread), axis=1)


def fit_moments(
    residual: NDArray[Any],
    there: NDArray[np.bool_],
    mu: NDArray[Any],
    jacobian: NDArray[Any],
    covariance: NDArray[Any],
    blocked: NDArray[np.bool_],
    detector: Detector,
    known: float,
) -> NDArray[Any]:
    r"""(4,) chi-squared of one spectrum, and its mean, variance and third central moment when the model is right.

    Channels are taken together until they hold `TOGETHER` expected electrons.  For such a sum of counts of mean m and
    variance $V = m + v$, $(y - m)^2/V$ has the mean 1, the variance $2 + m/V^2$ and the third central moment
    $8 + (m + 12 m V + 10 m^2)/V^3$.  The parameters, of covariance C fitted to the single channels, take
    $\mathrm{tr}(C I_\mathrm{together})$ off the mean; `known` of them are known from priors.
    """
    mean = there * detector.response * mu
    spread = there * np.maximum(mean + detector.variance, FLOOR)
    starts = groups(spread)
    m, v = np.add.reduceat(mean, starts), np.add.reduceat(spread, starts)
    square = np.add.reduceat(residual, starts) ** 2 / v
    if starts.size == mean.size:
        used = float((~blocked).sum() - known)
    else:
        rows = np.add.reduceat(jacobian[~blocked] * (there * detector.response), starts, axis=1)
        used = float(np.sum(covariance[np.ix_(~blocked, ~blocked)] * ((rows / v) @ rows.T)))
    used = used if np.isfinite(used) else float((~blocked).sum())
    left = max(1 - used / v.size, 1 / v.size)
    third = np.sum(8 + (m + 12 * m * v + 10 * m * m) / v**3)
    return np.array([square.sum(), v.size * left, np.sum(2 + m / v**2) * left, third * left])


def groups(spread: NDArray[Any]) -> NDArray[np.int64]:
    """First channel of each group that holds enough; what is left at the end goes with the last one."""
    starts, held = [0], 0.0
    for i, value in enumerate(spread):
        if held >= TOGETHER:
            starts.append(i)
            held = 0.0
        held += value
    if held < TOGETHER and len(starts) > 1:
        starts.pop()
    return np.array(starts)
