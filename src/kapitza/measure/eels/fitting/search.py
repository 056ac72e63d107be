"""Most likely parameters of many spectra at once, by damped Fisher scoring."""

from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

_MAX_REDUCED_ENERGY = 700.0  # E/k_B T beyond which a ratio is taken as that there
_MIN_RATIO_MARGIN = 1e-6  # by which a ratio of gain to loss stays below 1


@frozen(eq=False)
class SearchCoordinates:
    """Which parameters (p,) are bent, and how.

    Attributes
    ----------
    energy : of a temperature, the energy E at which its ratio is taken, in its unit; 0 for an occupation; below 0 for
        all other parameters
    owner : of an intensity, the place of the temperature or occupation that it is bent by; below 0 for all others
    """

    energy: NDArray[Any]
    owner: NDArray[np.int64]

    @property
    def ratios(self) -> NDArray[np.int64]:
        """Places of temperatures and occupations."""
        return np.flatnonzero(self.energy >= 0)

    @property
    def losses(self) -> NDArray[np.int64]:
        """Places of bent intensities."""
        return np.flatnonzero(self.owner >= 0)


def to_coordinates(chart: SearchCoordinates, x: NDArray[Any]) -> NDArray[Any]:
    """(..., p) coordinates of parameters."""
    u = np.array(x, dtype=float)
    for a in chart.ratios:
        energy = chart.energy[a]
        tie = np.minimum(x[..., a], 1 / _MIN_RATIO_MARGIN if energy == 0 else np.inf)
        ratio = np.exp(-np.minimum(energy / tie, _MAX_REDUCED_ENERGY)) if energy > 0 else tie / (tie + 1)
        u[..., a] = np.minimum(ratio, 1 - _MIN_RATIO_MARGIN)
    for a in chart.losses:
        u[..., a] = x[..., a] / (1 - u[..., chart.owner[a]])
    return u


def to_parameters(chart: SearchCoordinates, u: NDArray[Any]) -> NDArray[Any]:
    """(..., p) parameters of coordinates."""
    x = np.array(u, dtype=float)
    for a in chart.ratios:
        ratio = u[..., a]
        x[..., a] = -chart.energy[a] / np.log(ratio) if chart.energy[a] > 0 else ratio / (1 - ratio)
    for a in chart.losses:
        x[..., a] = u[..., a] * (1 - u[..., chart.owner[a]])
    return x


def coordinate_jacobians(chart: SearchCoordinates, u: NDArray[Any]) -> NDArray[Any]:
    """(k, p, p) derivatives of parameters (first) by coordinates (second)."""
    k, p = u.shape
    found = np.zeros((k, p, p))
    found[:, np.arange(p), np.arange(p)] = 1.0
    x = to_parameters(chart, u)
    for a in chart.ratios:
        ratio, energy = u[:, a], chart.energy[a]
        found[:, a, a] = x[:, a] ** 2 / (energy * ratio) if energy > 0 else 1 / (1 - ratio) ** 2
    for a in chart.losses:
        found[:, a, a] = 1 - u[:, chart.owner[a]]
        found[:, a, chart.owner[a]] = -u[:, a]
    return found


EvaluateModel = Callable[[NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]

MIN_VARIANCE = 1e-3  # electrons: least variance of a channel, so that a stray electron has a finite weight
MAX_CHANGE_FACTOR = 3.0  # factor by which widths and energies may change in one step
CHI2_SLACK = 1e-3  # by which chi-squared may rise in a step; statistically nothing
INITIAL_DAMPING = 1e-3  # the first, on a matrix of unit diagonal
MIN_DAMPING = 1e-7  # below this it is left off
MAX_CURVATURE_DAMPING = 0.5  # what needs more than this is not how a spectrum bends: it is forgotten
MAX_DAMPING = 1e8  # above this no step is left
MIN_PIVOT = 1e-13  # of a matrix of unit diagonal: below this it is singular
FAR_STEP = 150.0  # standard uncertainties: while a step is longer, the lines of the modes keep their places and widths,
LOCAL_STEP = (
    5.0  # if the others still move by more than this; changes of the gradient along shorter steps tell how it bends
)
MAX_CURVATURE_RATIO = 1e3  # times the expected information: what bends more is a kink, not a curvature
MIN_EXPECTED_ELECTRONS = 5.0  # expected electrons from which on channels are taken together for the goodness of fit


@frozen(eq=False)
class Detector:
    """What stands between electrons and counts: dark mean, efficiency and dark variance, each (n,), in electrons."""

    dark: NDArray[Any]
    response: NDArray[Any]
    variance: NDArray[Any]


@frozen(eq=False, kw_only=True)
class ParameterConstraints:
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
    chart: SearchCoordinates


@frozen(eq=False, kw_only=True)
class SearchResult:
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


@frozen(eq=False, kw_only=True)
class _SearchState:
    """A point of the search: residuals, weights, gradient and information of k spectra."""

    mu: NDArray[Any]
    jacobian: NDArray[Any]
    residual: NDArray[Any]
    weight: NDArray[Any]
    gradient: NDArray[Any]
    information: NDArray[Any]
    chi2: NDArray[Any]


def fisher_scoring(
    evaluate: EvaluateModel,
    counts: NDArray[Any],
    detector: Detector,
    freedom: ParameterConstraints,
    start: NDArray[Any],
    *,
    tolerance: float,
    limit: int,
) -> SearchResult:
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
    u = np.clip(to_coordinates(freedom.chart, start), freedom.low, freedom.high)
    state = _evaluate_state(evaluate, counts, detector, freedom, u)
    k, p = u.shape
    damping, settled, iterations = np.zeros(k), np.zeros(k, dtype=bool), np.ones(k, dtype=np.int64)
    learnt, refused, left = np.zeros((k, p, p)), np.zeros(k, dtype=np.int64), np.zeros(k)
    # saddle: what was learnt makes a matrix that only damping makes sound; flat: the information alone does
    saddle, flat = np.zeros(k, dtype=bool), np.zeros(k, dtype=bool)
    while True:
        busy = np.flatnonzero(~settled & (damping <= MAX_DAMPING) & (iterations < limit))
        if not busy.size:
            break
        part = _take_states(state, busy)
        step, length, solved = _damped_step(freedom, u[busy], part, learnt[busy], damping[busy])
        done = solved & (length < tolerance)
        ended = done & ((damping[busy] == 0) | flat[busy])
        u[busy[ended]] = _moved_coordinates(freedom, u[busy[ended]], step[ended])
        left[busy[ended]] = length[ended]
        settled[busy[ended]] = True
        _relax_damping(busy[done & ~ended], damping, learnt, saddle)
        failed = busy[~solved]
        wild = failed[(damping[failed] > MAX_CURVATURE_DAMPING) & learnt[failed].any(axis=(1, 2))]
        learnt[wild], saddle[wild] = 0.0, False
        damping[wild] = 0.1 * MAX_CURVATURE_DAMPING * 10.0 ** refused[wild]
        failed = np.setdiff1d(failed, wild)
        damping[failed] = np.maximum(10 * damping[failed], INITIAL_DAMPING)
        saddle[failed] = learnt[failed].any(axis=(1, 2))
        flat[failed] = ~saddle[failed]
        moving = solved & ~done
        trial = busy[moving]
        if trial.size:
            new = _moved_coordinates(freedom, u[trial], step[moving])
            after = _evaluate_state(evaluate, counts[trial], detector, freedom, new)
            better = _state_chi2(after.residual, part.weight[moving], freedom, new) <= part.chi2[moving] + CHI2_SLACK
            local = length[moving] < LOCAL_STEP
            near = np.where(better[:, None, None], after.information, part.information[moving])
            change = part.gradient[moving] - after.gradient
            learnt[trial] = _update_curvatures(near, learnt[trial], new - u[trial], change, local, freedom.free)
            iterations[trial] += 1
            saddle[trial], flat[trial] = False, False
            u[trial[better]] = new[better]
            _put_states(state, trial[better], _take_states(after, better))
            refused[trial] = np.where(better, 0, refused[trial] + 1)
            raised = ~better & (~local | (refused[trial] > 1))
            damping[trial[better]] *= 0.1
            damping[trial[raised]] = np.maximum(10 * damping[trial[raised]], INITIAL_DAMPING)
        damping[damping < MIN_DAMPING] = 0.0
    return _final_result(counts, detector, freedom, u, state, settled, iterations, left)


def _relax_damping(some: NDArray[Any], damping: NDArray[Any], learnt: NDArray[Any], saddle: NDArray[np.bool_]) -> None:
    """Take damping off where a damped step is short; where it kept a learnt saddle at bay, forget that instead."""
    damping[some] = np.where(saddle[some], 0.0, 0.1 * damping[some])
    learnt[some[saddle[some]]] = 0.0
    saddle[some] = False


def _final_result(
    counts: NDArray[Any],
    detector: Detector,
    freedom: ParameterConstraints,
    u: NDArray[Any],
    state: _SearchState,
    settled: NDArray[np.bool_],
    iterations: NDArray[np.int64],
    left: NDArray[Any],
) -> SearchResult:
    """Covariance and goodness of fit where the search ended; `left` is the length of the last step."""
    blocked = _blocked_parameters(freedom, u, state)
    inverse = np.array([_free_covariance(one, off) for one, off in zip(state.information, blocked, strict=True)])
    turn = coordinate_jacobians(freedom.chart, u)
    covariance = turn @ np.where(np.isfinite(inverse), inverse, 0.0) @ np.swapaxes(turn, 1, 2)
    there = state.weight > 0
    fit = np.empty((len(u), 4))
    for i in range(len(u)):
        seen = (state.residual[i], there[i], state.mu[i], state.jacobian[i])
        known = float(np.sum(np.diagonal(covariance[i]) * freedom.weight))
        fit[i] = _fit_moments(*seen, inverse[i], blocked[i], detector, known)
    places = np.flatnonzero(freedom.free)
    without = np.diagonal(state.information, axis1=1, axis2=2)[:, places] <= 0
    unknown = without | ~np.isfinite(np.diagonal(inverse, axis1=1, axis2=2)[:, places])
    covariance[:, places, places] = np.where(unknown, np.inf, covariance[:, places, places])
    spread = np.maximum(detector.response * state.mu + detector.variance, MIN_VARIANCE)
    value = to_parameters(freedom.chart, u)
    return SearchResult(
        value=value,
        covariance=covariance,
        blocked=blocked,
        settled=settled,
        iterations=iterations,
        fit=fit,
        deviance=_deviance(counts, detector, spread) - left**2,
    )


def _free_covariance(information: NDArray[Any], blocked: NDArray[np.bool_]) -> NDArray[Any]:
    """(p, p) inverse of the information of the parameters that move; infinite where it is singular."""
    found, use = np.zeros(information.shape), ~blocked
    scale = 1 / np.sqrt(np.diagonal(information)[use])
    matrix = information[np.ix_(use, use)] * np.outer(scale, scale)
    try:
        if (np.diagonal(np.linalg.cholesky(matrix)) ** 2 > MIN_PIVOT).all():
            found[np.ix_(use, use)] = np.linalg.inv(matrix) * np.outer(scale, scale)
            return found
    except np.linalg.LinAlgError:
        pass
    found[use, use] = np.inf
    return found


def _evaluate_state(
    evaluate: EvaluateModel, counts: NDArray[Any], detector: Detector, freedom: ParameterConstraints, u: NDArray[Any]
) -> _SearchState:
    """Evaluate model, residuals, gradient and information at a state of the search."""
    x, turn = to_parameters(freedom.chart, u), coordinate_jacobians(freedom.chart, u)
    mu, jacobian = evaluate(x)
    jacobian = np.swapaxes(turn, 1, 2) @ jacobian
    mean = detector.response * mu
    there = np.isfinite(counts)
    residual = np.where(there, counts - detector.dark - mean, 0.0)
    weight = there / np.maximum(mean + detector.variance, MIN_VARIANCE)
    by = weight * detector.response
    gradient = (jacobian @ (by * residual)[..., None])[..., 0]
    gradient = gradient - ((freedom.weight * (x - freedom.prior))[:, None] @ turn)[:, 0]
    information = (jacobian * (by * detector.response)[:, None]) @ np.swapaxes(jacobian, 1, 2)
    information = information + (np.swapaxes(turn, 1, 2) * freedom.weight) @ turn
    return _SearchState(
        mu=mu,
        jacobian=jacobian,
        residual=residual,
        weight=weight,
        gradient=gradient,
        information=information,
        chi2=_state_chi2(residual, weight, freedom, u),
    )


def _state_chi2(
    residual: NDArray[Any], weight: NDArray[Any], freedom: ParameterConstraints, u: NDArray[Any]
) -> NDArray[Any]:
    """Return chi-squared with the terms of the priors, one a spectrum."""
    off = to_parameters(freedom.chart, u) - freedom.prior
    return np.sum(weight * residual**2, axis=1) + np.sum(freedom.weight * off**2, axis=1)


def _take_states(state: _SearchState, some: NDArray[Any]) -> _SearchState:
    """Select some of the spectra."""
    return _SearchState(**{name: getattr(state, name)[some] for name in _SearchState.__annotations__})


def _put_states(state: _SearchState, some: NDArray[Any], new: _SearchState) -> None:
    """Replace some of the spectra."""
    for name in _SearchState.__annotations__:
        getattr(state, name)[some] = getattr(new, name)


def _blocked_parameters(freedom: ParameterConstraints, u: NDArray[Any], state: _SearchState) -> NDArray[np.bool_]:
    """Parameters that do not move: fixed, pressed against a limit, or without any effect."""
    down, up = (u <= freedom.low) & (state.gradient < 0), (u >= freedom.high) & (state.gradient > 0)
    none = np.diagonal(state.information, axis1=1, axis2=2) <= 0
    return ~freedom.free | down | up | none


def _damped_step(
    freedom: ParameterConstraints, u: NDArray[Any], state: _SearchState, learnt: NDArray[Any], damping: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """(k, p) damped step, (k,) its length in standard uncertainties, and (k,) whether there is one."""
    blocked = _blocked_parameters(freedom, u, state)
    step, length, solved = _solve_damped(state, learnt, damping, blocked)
    far = solved & (length > FAR_STEP)
    if far.any():
        held = _solve_damped(_take_states(state, far), learnt[far], damping[far], blocked[far] | freedom.late)
        some = np.flatnonzero(far)[held[2] & (held[1] > LOCAL_STEP)]
        step[some], length[some] = (part[held[2] & (held[1] > LOCAL_STEP)] for part in held[:2])
    return step, length, solved


def _solve_damped(
    state: _SearchState, learnt: NDArray[Any], damping: NDArray[Any], blocked: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """(k, p) damped step, (k,) its length in standard uncertainties, and (k,) whether there is one."""
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
        solved[i] = np.diagonal(root).min() ** 2 > MIN_PIVOT
        step[i] = np.linalg.solve(matrix[i], right[i])
    return step * scale, np.sqrt(np.maximum(np.sum(step * right, axis=1), 0.0)), solved


def _update_curvatures(
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
    use = local & (np.abs(along) * MAX_CURVATURE_RATIO > size) & (size > 0)
    update = rest[:, :, None] * rest[:, None, :] / np.where(use, along, 1.0)[:, None, None]
    return np.where(use[:, None, None], learnt + update, np.where(local[:, None, None], learnt, 0.0))


def _moved_coordinates(freedom: ParameterConstraints, u: NDArray[Any], step: NDArray[Any]) -> NDArray[Any]:
    """Return the coordinates after a step, within limits and a largest factor of change."""
    new = u + step
    new = np.where(freedom.curved, np.clip(new, u / MAX_CHANGE_FACTOR, u * MAX_CHANGE_FACTOR), new)
    return np.clip(new, freedom.low, freedom.high)


def _deviance(counts: NDArray[Any], detector: Detector, spread: NDArray[Any]) -> NDArray[Any]:
    r"""(k,) $2 \sum_i [y_i \ln(y_i/V_i) - (y_i - V_i)]$ of counts less dark mean plus dark variance.

    V is their expected value.

    Where a channel with its variance is not above zero, the first logarithm is left out: it is the same for all models.
    """
    y = counts - detector.dark + detector.variance
    there = np.isfinite(y)
    y = np.where(there, y, 1.0)
    own = np.log(np.where(y > 0, y, 1.0))
    return 2 * np.sum(there * (y * (own - np.log(spread)) - y + spread), axis=1)


def _fit_moments(
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
    spread = there * np.maximum(mean + detector.variance, MIN_VARIANCE)
    starts = _channel_groups(spread)
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


def _channel_groups(spread: NDArray[Any]) -> NDArray[np.int64]:
    """First channel of each group that holds enough; what is left at the end goes with the last one."""
    starts, held = [0], 0.0
    for i, value in enumerate(spread):
        if held >= MIN_EXPECTED_ELECTRONS:
            starts.append(i)
            held = 0.0
        held += value
    if held < MIN_EXPECTED_ELECTRONS and len(starts) > 1:
        starts.pop()
    return np.array(starts)
