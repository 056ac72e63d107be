"""The search of the spectra once more, in NumPy: a second road to what the compiled one finds."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.measure.eels.fitting.problem import FitProblem
from kapitza.measure.eels.fitting.search import (
    CHI2_SLACK,
    FAR_STEP,
    INITIAL_DAMPING,
    LOCAL_STEP,
    MAX_CHANGE_FACTOR,
    MAX_CURVATURE_DAMPING,
    MAX_CURVATURE_RATIO,
    MAX_DAMPING,
    MIN_DAMPING,
    MIN_EXPECTED_ELECTRONS,
    MIN_PIVOT,
    MIN_VARIANCE,
    ParameterConstraints,
    SearchCoordinates,
    SearchResult,
    to_coordinates,
)
from kapitza.measure.eels.model import expected_spectrum
from kapitza.measure.eels.spectrum import Detector


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
    problem: FitProblem, counts: NDArray[Any], start: NDArray[Any], *, tolerance: float, limit: int
) -> SearchResult:
    """As `kapitza.measure.eels.fitting.scoring.fisher_scoring`, 16 spectra side by side."""
    evaluate = partial(expected_spectrum, problem.model, problem.grid)
    goal = (tolerance, limit)
    parts = [
        search_side_by_side(
            evaluate, counts[i : i + 16], problem.detector, problem.constraints, start[i : i + 16], goal
        )
        for i in range(0, len(counts), 16)
    ]
    return SearchResult(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def search_side_by_side(
    evaluate: EvaluateModel,
    counts: NDArray[Any],
    detector: Detector,
    constraints: ParameterConstraints,
    start: NDArray[Any],
    goal: tuple[float, int],
) -> SearchResult:
    """Search of some spectra in NumPy, all side by side."""
    tolerance, limit = goal
    u = np.clip(to_coordinates(constraints.chart, start), constraints.low, constraints.high)
    state = _evaluate_state(evaluate, counts, detector, constraints, u)
    k, p = u.shape
    damping, converged, iterations = np.zeros(k), np.zeros(k, dtype=bool), np.ones(k, dtype=np.int64)
    excess, refused, left = np.zeros((k, p, p)), np.zeros(k, dtype=np.int64), np.zeros(k)
    # saddle: what was excess makes a matrix that only damping makes sound; flat: the information alone does
    saddle, flat = np.zeros(k, dtype=bool), np.zeros(k, dtype=bool)
    while True:
        busy = np.flatnonzero(~converged & (damping <= MAX_DAMPING) & (iterations < limit))
        if not busy.size:
            break
        part = _take_states(state, busy)
        step, length, solved = _damped_step(constraints, u[busy], part, excess[busy], damping[busy])
        done = solved & (length < tolerance)
        ended = done & ((damping[busy] == 0) | flat[busy])
        u[busy[ended]] = _moved_coordinates(constraints, u[busy[ended]], step[ended])
        left[busy[ended]] = length[ended]
        converged[busy[ended]] = True
        _relax_damping(busy[done & ~ended], damping, excess, saddle)
        failed = busy[~solved]
        wild = failed[(damping[failed] > MAX_CURVATURE_DAMPING) & excess[failed].any(axis=(1, 2))]
        excess[wild], saddle[wild] = 0.0, False
        damping[wild] = 0.1 * MAX_CURVATURE_DAMPING * 10.0 ** refused[wild]
        failed = np.setdiff1d(failed, wild)
        damping[failed] = np.maximum(10 * damping[failed], INITIAL_DAMPING)
        saddle[failed] = excess[failed].any(axis=(1, 2))
        flat[failed] = ~saddle[failed]
        moving = solved & ~done
        trial = busy[moving]
        if trial.size:
            new = _moved_coordinates(constraints, u[trial], step[moving])
            after = _evaluate_state(evaluate, counts[trial], detector, constraints, new)
            better = (
                _state_chi2(after.residual, part.weight[moving], constraints, new) <= part.chi2[moving] + CHI2_SLACK
            )
            local = length[moving] < LOCAL_STEP
            near = np.where(better[:, None, None], after.information, part.information[moving])
            change = part.gradient[moving] - after.gradient
            excess[trial] = _update_excess(near, excess[trial], new - u[trial], change, local, constraints.free)
            iterations[trial] += 1
            saddle[trial], flat[trial] = False, False
            u[trial[better]] = new[better]
            _put_states(state, trial[better], _take_states(after, better))
            refused[trial] = np.where(better, 0, refused[trial] + 1)
            raised = ~better & (~local | (refused[trial] > 1))
            damping[trial[better]] *= 0.1
            damping[trial[raised]] = np.maximum(10 * damping[trial[raised]], INITIAL_DAMPING)
        damping[damping < MIN_DAMPING] = 0.0
    return _final_result(counts, detector, constraints, u, state, converged, iterations, left)


def _relax_damping(some: NDArray[Any], damping: NDArray[Any], excess: NDArray[Any], saddle: NDArray[np.bool_]) -> None:
    """Take damping off where a damped step is short; where it kept a excess saddle at bay, forget that instead."""
    damping[some] = np.where(saddle[some], 0.0, 0.1 * damping[some])
    excess[some[saddle[some]]] = 0.0
    saddle[some] = False


def _final_result(
    counts: NDArray[Any],
    detector: Detector,
    constraints: ParameterConstraints,
    u: NDArray[Any],
    state: _SearchState,
    converged: NDArray[np.bool_],
    iterations: NDArray[np.int64],
    left: NDArray[Any],
) -> SearchResult:
    """Covariance and goodness of fit where the search ended; `left` is the length of the last step."""
    blocked = _blocked_parameters(constraints, u, state)
    inverse = np.array([_free_covariance(one, off) for one, off in zip(state.information, blocked, strict=True)])
    turn = coordinate_jacobians(constraints.chart, u)
    covariance = turn @ np.where(np.isfinite(inverse), inverse, 0.0) @ np.swapaxes(turn, 1, 2)
    there = state.weight > 0
    fit = np.empty((len(u), 4))
    for i in range(len(u)):
        seen = (state.residual[i], there[i], state.mu[i], state.jacobian[i])
        known = float(np.sum(np.diagonal(covariance[i]) * constraints.weight))
        fit[i] = _fit_moments(*seen, inverse[i], blocked[i], detector, known)
    places = np.flatnonzero(constraints.free)
    without = np.diagonal(state.information, axis1=1, axis2=2)[:, places] <= 0
    unknown = without | ~np.isfinite(np.diagonal(inverse, axis1=1, axis2=2)[:, places])
    covariance[:, places, places] = np.where(unknown, np.inf, covariance[:, places, places])
    spread = np.maximum(detector.response * state.mu + detector.variance, MIN_VARIANCE)
    value = to_parameters(constraints.chart, u)
    return SearchResult(
        value=value,
        covariance=covariance,
        fixed_or_bound=blocked,
        converged=converged,
        iterations=iterations,
        chi2_moments=fit,
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
    evaluate: EvaluateModel,
    counts: NDArray[Any],
    detector: Detector,
    constraints: ParameterConstraints,
    u: NDArray[Any],
) -> _SearchState:
    """Evaluate model, residuals, gradient and information at a state of the search."""
    x, turn = to_parameters(constraints.chart, u), coordinate_jacobians(constraints.chart, u)
    mu, jacobian = evaluate(x)
    jacobian = np.swapaxes(turn, 1, 2) @ jacobian
    mean = detector.response * mu
    there = np.isfinite(counts)
    residual = np.where(there, counts - detector.dark - mean, 0.0)
    weight = there / np.maximum(mean + detector.variance, MIN_VARIANCE)
    by = weight * detector.response
    gradient = (jacobian @ (by * residual)[..., None])[..., 0]
    gradient = gradient - ((constraints.weight * (x - constraints.prior))[:, None] @ turn)[:, 0]
    information = (jacobian * (by * detector.response)[:, None]) @ np.swapaxes(jacobian, 1, 2)
    information = information + (np.swapaxes(turn, 1, 2) * constraints.weight) @ turn
    return _SearchState(
        mu=mu,
        jacobian=jacobian,
        residual=residual,
        weight=weight,
        gradient=gradient,
        information=information,
        chi2=_state_chi2(residual, weight, constraints, u),
    )


def _state_chi2(
    residual: NDArray[Any], weight: NDArray[Any], constraints: ParameterConstraints, u: NDArray[Any]
) -> NDArray[Any]:
    """Return chi-squared with the terms of the priors, one a spectrum."""
    off = to_parameters(constraints.chart, u) - constraints.prior
    return np.sum(weight * residual**2, axis=1) + np.sum(constraints.weight * off**2, axis=1)


def _take_states(state: _SearchState, some: NDArray[Any]) -> _SearchState:
    """Select some of the spectra."""
    return _SearchState(**{name: getattr(state, name)[some] for name in _SearchState.__annotations__})


def _put_states(state: _SearchState, some: NDArray[Any], new: _SearchState) -> None:
    """Replace some of the spectra."""
    for name in _SearchState.__annotations__:
        getattr(state, name)[some] = getattr(new, name)


def _blocked_parameters(constraints: ParameterConstraints, u: NDArray[Any], state: _SearchState) -> NDArray[np.bool_]:
    """Parameters that do not move: fixed, pressed against a limit, or without any effect."""
    down, up = (u <= constraints.low) & (state.gradient < 0), (u >= constraints.high) & (state.gradient > 0)
    none = np.diagonal(state.information, axis1=1, axis2=2) <= 0
    return ~constraints.free | down | up | none


def _damped_step(
    constraints: ParameterConstraints, u: NDArray[Any], state: _SearchState, excess: NDArray[Any], damping: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """(k, p) damped step, (k,) its length in standard uncertainties, and (k,) whether there is one."""
    blocked = _blocked_parameters(constraints, u, state)
    step, length, solved = _solve_damped(state, excess, damping, blocked)
    far = solved & (length > FAR_STEP)
    if far.any():
        held = _solve_damped(
            _take_states(state, far), excess[far], damping[far], blocked[far] | constraints.held_when_far
        )
        some = np.flatnonzero(far)[held[2] & (held[1] > LOCAL_STEP)]
        step[some], length[some] = (part[held[2] & (held[1] > LOCAL_STEP)] for part in held[:2])
    return step, length, solved


def _solve_damped(
    state: _SearchState, excess: NDArray[Any], damping: NDArray[Any], blocked: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """(k, p) damped step, (k,) its length in standard uncertainties, and (k,) whether there is one."""
    diagonal = np.diagonal(state.information, axis1=1, axis2=2)
    scale = np.where(blocked, 0.0, 1 / np.sqrt(np.where(blocked, 1.0, diagonal)))
    matrix = (state.information + excess) * scale[:, :, None] * scale[:, None, :]
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


def _update_excess(
    information: NDArray[Any],
    excess: NDArray[Any],
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
    rest = np.where(free, change - np.einsum("kij,kj->ki", information + excess, moved), 0.0)
    along = np.sum(rest * moved, axis=1)
    own = np.diagonal(information, axis1=1, axis2=2)
    size = np.sum(np.where(own > 0, rest**2 / np.where(own > 0, own, 1.0), 0.0), axis=1)
    use = local & (np.abs(along) * MAX_CURVATURE_RATIO > size) & (size > 0)
    update = rest[:, :, None] * rest[:, None, :] / np.where(use, along, 1.0)[:, None, None]
    return np.where(use[:, None, None], excess + update, np.where(local[:, None, None], excess, 0.0))


def _moved_coordinates(constraints: ParameterConstraints, u: NDArray[Any], step: NDArray[Any]) -> NDArray[Any]:
    """Return the coordinates after a step, within limits and a largest factor of change."""
    new = u + step
    new = np.where(constraints.limited_change, np.clip(new, u / MAX_CHANGE_FACTOR, u * MAX_CHANGE_FACTOR), new)
    return np.clip(new, constraints.low, constraints.high)


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
