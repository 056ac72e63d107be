"""Damped Fisher scoring, compiled, one spectrum at a time: one search for every model of a spectrum."""

import inspect
import math
import sys
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, BoolArray, IntArray
from kapitza.core.compilation.machine_code import has_machine_code
from kapitza.measure.eels.fitting import algebra, compiler, lines, search
from kapitza.measure.eels.fitting.compiler import jit, jit_cached
from kapitza.measure.eels.fitting.lines import Model, SharedStart, Spectrum, Workspace, shared_start
from kapitza.measure.eels.fitting.problem import FitProblem
from kapitza.measure.eels.fitting.search import ParameterConstraints, SearchCoordinates, SearchResult
from kapitza.measure.eels.model import (
    SHAPE_PARAMETERS,
    TIE_CHOICES,
    ZERO_LOSS_SHAPES,
    ChannelGrid,
    SpectrumModel,
    legendre_polynomials,
)
from kapitza.measure.eels.spectrum import Detector

_Observed = tuple[Array, Array]  # counts, and 1 where there is one, of each channel
_ChartDerivatives = tuple[Array, Array]  # of a parameter by its own coordinate, and by the ratio of its owner


@jit
def _write_parameters(u: Array, chart: SearchCoordinates, x: Array, derivatives: _ChartDerivatives) -> None:
    """Write parameters, their derivatives by their own coordinate, and those of intensities by the ratio."""
    energy, owner = chart
    direct, cross = derivatives
    for a in range(u.size):
        x[a], direct[a], cross[a] = u[a], 1.0, 0.0
        if energy[a] > 0:
            x[a] = -energy[a] / math.log(u[a])
            direct[a] = x[a] * x[a] / (energy[a] * u[a])
        elif energy[a] == 0:
            x[a] = u[a] / (1 - u[a])
            direct[a] = 1 / ((1 - u[a]) * (1 - u[a]))
        elif owner[a] >= 0:
            direct[a] = 1 - u[owner[a]]
            cross[a] = -u[a]
            x[a] = u[a] * direct[a]


@jit
def _derivatives_by_coordinates(derivatives: _ChartDerivatives, chart: SearchCoordinates, jacobian: Array) -> None:
    """Replace derivatives by parameters (p, n) with those by coordinates: the chain rule."""
    energy, owner = chart
    direct, cross = derivatives
    for a in range(direct.size):
        if energy[a] >= 0:
            for i in range(jacobian.shape[1]):
                jacobian[a, i] *= direct[a]
    for a in range(direct.size):  # after the ratios: cross is by the ratio, not by T
        if owner[a] >= 0:
            row, ratio = jacobian[a], jacobian[owner[a]]
            for i in range(row.size):
                ratio[i] += cross[a] * row[i]
                row[i] *= direct[a]


@jit
def _covariance_of_parameters(derivatives: _ChartDerivatives, chart: SearchCoordinates, matrix: Array) -> None:
    """Replace the covariance of coordinates with that of parameters."""
    energy, owner = chart
    direct, cross = derivatives
    p = direct.size
    for a in range(p):  # before the ratios become temperatures: cross is by the ratio
        if owner[a] >= 0:
            for b in range(p):
                matrix[a, b] = direct[a] * matrix[a, b] + cross[a] * matrix[owner[a], b]
    for a in range(p):
        if owner[a] >= 0:
            for b in range(p):
                matrix[b, a] = direct[a] * matrix[b, a] + cross[a] * matrix[b, owner[a]]
    for a in range(p):
        if energy[a] >= 0:
            for b in range(p):
                matrix[a, b] *= direct[a]
            for b in range(p):
                matrix[b, a] *= direct[a]


@jit
def _add_prior_information(derivatives: _ChartDerivatives, owner: IntArray, weight: Array, information: Array) -> None:
    """Add the information of the priors to that of the coordinates."""
    direct, cross = derivatives
    for a in range(direct.size):
        information[a, a] += direct[a] * direct[a] * weight[a]
        if owner[a] >= 0:
            o = owner[a]
            information[o, o] += cross[a] * cross[a] * weight[a]
            information[a, o] += direct[a] * cross[a] * weight[a]
            information[o, a] += direct[a] * cross[a] * weight[a]


@jit
def _parameters_from_priors(derivatives: _ChartDerivatives, owner: IntArray, weight: Array, covariance: Array) -> float:
    """Return how many of the parameters priors determine, from the covariance of the coordinates."""
    direct, cross = derivatives
    total = 0.0
    for a in range(direct.size):
        part = direct[a] * direct[a] * covariance[a, a]
        if owner[a] >= 0:
            o = owner[a]
            part += 2 * direct[a] * cross[a] * covariance[a, o] + cross[a] * cross[a] * covariance[o, o]
        total += weight[a] * part
    return total


@jit
def _weigh_channels(observed: _Observed, mu: Array, detector: Detector, residual: Array, weight: Array) -> None:
    """Write residuals and weights (inverse variances) of the channels."""
    y, there = observed
    dark, response, variance = detector
    for i in range(y.size):
        mean = response[i] * mu[i]
        residual[i] = (y[i] - dark[i] - mean) * there[i]
        weight[i] = there[i] / max(mean + variance[i], search.MIN_VARIANCE)


@jit
def _chi_squared(residual: Array, weight: Array, x: Array, constraints: ParameterConstraints) -> float:
    total = 0.0
    for i in range(residual.size):
        total += weight[i] * residual[i] * residual[i]
    for a in range(x.size):
        total += constraints.weight[a] * (x[a] - constraints.prior[a]) ** 2
    return total


@jit
def _write_information(jacobian: Array, places: IntArray, rows: Array, information: Array) -> None:
    r"""Write the Fisher information $\sum_i s_i\,\partial_a\mu_i\,\partial_b\mu_i$ of the free parameters.

    Rows 2 and 3 are workspace, row 4 holds the weights $s_i$.  Free parameters are taken in pairs, so that each row of
    the Jacobian that is read serves twice.
    """
    row, other, weight = rows[2], rows[3], rows[4]
    algebra.clear_rows(information)
    last = places.size - 1
    for u in range(0, places.size, 2):
        a, b = places[u], places[min(u + 1, last)]
        one, two = jacobian[a], jacobian[b]
        for i in range(row.size):
            row[i] = weight[i] * one[i]
            other[i] = weight[i] * two[i]
        for v in range(0, u + 1, 2):
            c, d = places[v], places[min(v + 1, last)]
            ac, ad, bc, bd = algebra.four_dot_products(row, other, jacobian[c], jacobian[d])
            information[a, c] = information[c, a] = ac
            information[a, d] = information[d, a] = ad
            information[b, c] = information[c, b] = bc
            information[b, d] = information[d, b] = bd


@jit
def _write_score(
    observed: _Observed, detector: Detector, constraints: ParameterConstraints, model: Model,
    derivatives: _ChartDerivatives, rows: Array, places: IntArray, score: tuple[Array, Array],
) -> None:  # fmt: skip
    r"""Write residuals, weights (rows 0 and 1), gradient and Fisher information where the model was just evaluated.

    With the weights $w = 1/(\mu + v)$ the score of the likelihood is $\sum w (y - \mu)\,\mu'$, and its variance, the
    expected information, $\sum w\,\mu'\mu'^T$.
    """
    x, mu, jacobian = model
    gradient, information = score
    residual, weight, by_channel = rows[0], rows[1], rows[2]
    direct, cross = derivatives
    owner = constraints.chart.owner
    _derivatives_by_coordinates(derivatives, constraints.chart, jacobian)
    _weigh_channels(observed, mu, detector, residual, weight)
    response = detector.response
    for i in range(residual.size):
        by_channel[i] = weight[i] * response[i] * residual[i]
        rows[4, i] = weight[i] * response[i] * response[i]
    algebra.clear_values(gradient)
    for a in places:
        row, total = jacobian[a], 0.0
        for i in range(residual.size):
            total += by_channel[i] * row[i]
        gradient[a] = total
    for a in places:
        off = constraints.weight[a] * (x[a] - constraints.prior[a])
        gradient[a] -= direct[a] * off
        if owner[a] >= 0:
            gradient[owner[a]] -= cross[a] * off
    _write_information(jacobian, places, rows, information)
    _add_prior_information(derivatives, owner, constraints.weight, information)


@jit
def _mark_blocked(
    u: Array, gradient: Array, information: Array, constraints: ParameterConstraints, blocked: BoolArray
) -> None:
    """Mark parameters that do not move: fixed, pressed against a limit, or without any effect."""
    for a in range(u.size):
        down = u[a] <= constraints.low[a] and gradient[a] < 0
        up = u[a] >= constraints.high[a] and gradient[a] > 0
        blocked[a] = (not constraints.free[a]) or down or up or information[a, a] <= 0


@jit
def _step_within_limits(u: Array, step: Array, constraints: ParameterConstraints, new: Array) -> None:
    for a in range(u.size):
        value = u[a] + step[a]
        if constraints.limited_change[a]:
            value = min(max(value, u[a] / search.MAX_CHANGE_FACTOR), u[a] * search.MAX_CHANGE_FACTOR)
        new[a] = min(max(value, constraints.low[a]), constraints.high[a])


@jit
def _next_step(
    u: Array, gradient: Array, information: Array, curvature: Array, constraints: ParameterConstraints, damping: float,
    blocked: BoolArray, small: Array,
) -> float:  # fmt: skip
    """Write the next step and return its length in standard uncertainties, below zero where there is none."""
    p = u.size
    step, full, scale, matrix = (
        small[1],
        small[2],
        small[3],
        small[algebra.WORKSPACE_VECTORS : algebra.WORKSPACE_VECTORS + p],
    )
    _mark_blocked(u, gradient, information, constraints, blocked)
    if not algebra.factorise_scaled(information, curvature, blocked, damping, matrix, scale):
        return -1.0
    length = algebra.scoring_step(gradient, matrix, scale, step)
    if length > search.FAR_STEP:
        # far off, the zero-loss peak and the intensities come first: moved with them, lines run into one another
        algebra.copy_values(step, full)
        for a in range(p):
            blocked[a] = blocked[a] or constraints.held_when_far[a]
        sound = algebra.factorise_scaled(information, curvature, blocked, damping, matrix, scale)
        held = algebra.scoring_step(gradient, matrix, scale, step) if sound else 0.0
        if held > search.LOCAL_STEP:
            return held
        algebra.copy_values(full, step)
    return length


@jit
def _update_damping(
    length: float, damping: float, refused: int, saddle: bool, flat: bool, curvature: Array
) -> tuple[bool, float, bool, bool]:
    """Whether a search has converged where no step or only a short one is left, and its next damping, saddle and flat.

    As in the method of Levenberg and Marquardt, damping rises tenfold where the matrix has no Cholesky factor and falls
    tenfold where a step is short; a short step ends the search if it is undamped, or if the information alone is
    singular.  A curvature update that only damping keeps positive definite is discarded.
    """
    updated = False
    for row in range(len(curvature)):
        updated = updated or curvature[row, row] != 0
    if length < 0 and damping > search.MAX_CURVATURE_DAMPING and updated:
        algebra.clear_rows(curvature)
        return False, 0.1 * search.MAX_CURVATURE_DAMPING * 10.0**refused, False, flat
    if length < 0:
        return False, max(10 * damping, search.INITIAL_DAMPING), updated, not updated
    if damping == 0 or flat:
        return True, damping, saddle, flat
    if saddle:  # short only by damping, which proves nothing: again with the information alone
        algebra.clear_rows(curvature)
        return False, 0.0, False, flat
    return False, 0.0 if damping < 10 * search.MIN_DAMPING else 0.1 * damping, False, flat


class SearchState(NamedTuple):
    """A search that is under way, and its workspace."""

    y: Array  # (n,) counts
    there: Array  # (n,) 1 where there is one
    u: Array  # (p,) coordinates
    information: Array  # (p, p) at the last coordinates that were taken
    blocked: BoolArray  # (p,)
    channels: Array  # (6, n) workspace
    small: Array  # (., p) workspace
    groups: IntArray  # (n + 1,) workspace
    places: IntArray  # of the free parameters
    # (9,) chi2, damping, evaluations, stale, refused, saddle, flat, length of the step, whether converged
    numbers: Array


def _new_search(n: int, free: BoolArray) -> SearchState:
    p = free.size
    return SearchState(
        np.zeros(n), np.zeros(n), np.zeros(p), np.zeros((p, p)), np.zeros(p, np.bool_), np.zeros((6, n)),
        np.zeros((algebra.WORKSPACE_VECTORS + 3 * p, p)), np.zeros(n + 1, np.int64), np.flatnonzero(free), np.zeros(9),
    )  # fmt: skip


@jit
def _begin_search(counts: Array, start: Array, constraints: ParameterConstraints, state: SearchState, x: Array) -> None:
    """Take up a spectrum of counts (n,), NaN where missing, at coordinates (p,); the model is wanted at x."""
    y, there, u = state.y, state.there, state.u
    for i in range(y.size):
        good = math.isfinite(counts[i])
        there[i] = 1.0 if good else 0.0
        y[i] = counts[i] if good else 0.0
    for a in range(u.size):
        u[a] = min(max(start[a], constraints.low[a]), constraints.high[a])
    algebra.clear_values(state.numbers)
    state.numbers[2], state.numbers[7] = 1.0, math.inf
    _write_parameters(u, constraints.chart, x, (state.small[8], state.small[9]))


@jit
def _judge_step(
    detector: Detector, constraints: ParameterConstraints, state: SearchState, model: Model, first: bool
) -> None:
    """Score the model that was just evaluated, and take the step that led there, or not; the first one is taken."""
    small, channels, numbers, u = state.small, state.channels, state.numbers, state.u
    p = u.size
    gradient, new, trial_gradient = small[0], small[2], small[4]
    moved, change, rest = small[5], small[6], small[7]
    matrices = small[algebra.WORKSPACE_VECTORS :]
    curvature, trial_information = matrices[p : 2 * p], matrices[2 * p :]
    observed, derivatives = (state.y, state.there), (small[8], small[9])
    residual, trial_weight, weight = channels[0], channels[1], channels[5]
    score = trial_gradient, trial_information
    _write_score(observed, detector, constraints, model, derivatives, channels, state.places, score)
    better = True
    if first:
        algebra.clear_rows(curvature)
    else:
        # the old weights, as in the step: with its own a point is better just because its expected variance is larger
        better = _chi_squared(residual, weight, model[0], constraints) <= numbers[0] + search.CHI2_SLACK
        for a in range(p):
            moved[a] = new[a] - u[a]
            change[a] = gradient[a] - trial_gradient[a]
        # a refused step tells the curvature as well as one that is taken
        near = trial_information if better else state.information
        algebra.update_curvature(near, curvature, moved, change, numbers[7] < search.LOCAL_STEP, constraints.free, rest)
        numbers[3], numbers[5], numbers[6] = not better, 0.0, 0.0
    if better:
        if not first:
            algebra.copy_values(new, u)
            numbers[1] *= 0.1
        algebra.copy_values(trial_gradient, gradient)
        for a in range(p):
            algebra.copy_values(trial_information[a], state.information[a])
        algebra.copy_values(trial_weight, weight)
        numbers[0] = _chi_squared(residual, weight, model[0], constraints)  # by the weights of the next step
        numbers[4] = 0.0
    else:
        numbers[4] += 1
        if numbers[4] > 1 or numbers[7] >= search.LOCAL_STEP:  # a first refusal nearby is left to the new curvature
            numbers[1] = max(10 * numbers[1], search.INITIAL_DAMPING)
    if numbers[1] < search.MIN_DAMPING:
        numbers[1] = 0.0


@jit
def _wants_trial(goal: tuple[float, int], constraints: ParameterConstraints, state: SearchState, x: Array) -> bool:
    """Write the next trial into x, or find that the search is at its end."""
    tolerance, limit = goal
    small, numbers, u = state.small, state.numbers, state.u
    p = u.size
    gradient, step, new = small[0], small[1], small[2]
    curvature = small[algebra.WORKSPACE_VECTORS + p : algebra.WORKSPACE_VECTORS + 2 * p]
    while numbers[1] <= search.MAX_DAMPING and numbers[2] < limit:
        length = _next_step(u, gradient, state.information, curvature, constraints, numbers[1], state.blocked, small)
        numbers[7] = length
        if length >= tolerance:
            _step_within_limits(u, step, constraints, new)
            _write_parameters(new, constraints.chart, x, (small[8], small[9]))
            numbers[2] += 1
            return True
        refused, saddle, flat = int(numbers[4]), numbers[5] > 0, numbers[6] > 0
        converged, damping, saddle, flat = _update_damping(length, numbers[1], refused, saddle, flat, curvature)
        numbers[1], numbers[5], numbers[6] = damping, saddle, flat
        if converged:
            numbers[8] = 1.0
            break
    return False


@jit
def _write_result(
    k: int,
    detector: Detector,
    constraints: ParameterConstraints,
    state: SearchState,
    model: Model,
    result: SearchResult,
) -> None:
    small, channels, owner = state.small, state.channels, constraints.chart.owner
    covariance, blocked, derivatives = result.covariance[k], result.fixed_or_bound[k], (small[8], small[9])
    converged = state.numbers[8] > 0
    _mark_blocked(state.u, small[0], state.information, constraints, blocked)
    if converged:
        # the last step is shorter than the tolerance: it is taken, but the model is not evaluated again
        _step_within_limits(state.u, small[1], constraints, small[2])
        _write_parameters(small[2], constraints.chart, model[0], derivatives)
    algebra.copy_values(model[0], result.value[k])
    result.converged[k], result.iterations[k] = converged, int(state.numbers[2])
    sound = algebra.invert_information(state.information, blocked, small, covariance)
    _weigh_channels((state.y, state.there), model[1], detector, channels[0], channels[1])
    known = _parameters_from_priors(derivatives, owner, constraints.weight, covariance)
    out = (small[0], result.chi2_moments[k], state.groups)
    algebra.chi2_moments(state.there, model, channels[0], detector, covariance, blocked, known, out)
    gained = state.numbers[7] ** 2 if converged else 0.0
    result.deviance[k] = algebra.spectrum_deviance(state.y, state.there, model[1], detector) - gained
    if sound:
        _covariance_of_parameters(derivatives, constraints.chart, covariance)
    for a in range(blocked.size):
        if constraints.free[a] and state.information[a, a] <= 0:
            covariance[a, a] = math.inf


def _compile_search(version: int) -> Callable[..., None]:
    """Compile the search; `version` is part of the name under which the machine code is kept."""

    def search_spectra(
        counts: Array, detector: Detector, constraints: ParameterConstraints, goal: tuple[float, int],
        result: SearchResult, state: SearchState, spectrum: Spectrum, evaluated: tuple[Model, Workspace, SharedStart],
    ) -> None:  # fmt: skip
        """Fit spectra (k, n), from the coordinates in the result to parameters there."""
        if version < 0:  # never: the number is here to be part of the function
            return
        model, workspace, shared = evaluated
        x, _mu, jacobian = model
        common = shared.centre.size
        for k in range(-common, counts.shape[0]):  # first the starts that are shared
            if k < 0:
                algebra.copy_values(shared.x, x)
                x[1] = shared.centre[k + common]
            else:
                _begin_search(counts[k], result.value[k], constraints, state, x)
            first, rough, last = True, False, False
            while True:
                rough = first and k >= 0 and common > 0
                if rough:
                    lines.interpolate_start(shared, model)
                else:
                    lines.expected_electrons(spectrum, model, workspace)
                if k < 0:
                    for a in range(x.size):
                        algebra.copy_values(jacobian[a], shared.jacobian[k + common, a])
                    break
                if last:
                    _derivatives_by_coordinates((state.small[8], state.small[9]), constraints.chart, jacobian)
                    break
                _judge_step(detector, constraints, state, model, first)
                first = False
                if _wants_trial(goal, constraints, state, x):
                    continue
                if state.numbers[3] == 0 and not rough:
                    break
                # the last step was refused, or there was none: mu and jacobian are not those at u
                _write_parameters(state.u, constraints.chart, x, (state.small[8], state.small[9]))
                last = True
            if k >= 0:
                _write_result(k, detector, constraints, state, model, result)

    return jit_cached(search_spectra)


# checksum of all source that is compiled: machine code of older source is not used
_SOURCE = "".join(inspect.getsource(module) for module in (compiler, lines, algebra, search, sys.modules[__name__]))
_search_spectra = _compile_search(zlib.crc32(_SOURCE.encode()))


def is_compiled() -> bool:
    """Whether machine code of the search is there, in memory or on the disk."""
    return has_machine_code(_search_spectra)


def fisher_scoring(
    problem: FitProblem, counts: NDArray[Any], start: NDArray[Any], *, tolerance: float, limit: int
) -> SearchResult:
    """Most likely parameters of each spectrum of counts (k, n), electrons, NaN where missing, from starts (k, p).

    Search and model are compiled.  The search ends when the next step is shorter than `tolerance` standard
    uncertainties, or after `limit` evaluations of a spectrum.
    """
    k, p = start.shape
    result = SearchResult(
        value=search.to_coordinates(problem.constraints.chart, start), covariance=np.empty((k, p, p)),
        fixed_or_bound=np.empty((k, p), dtype=np.bool_), converged=np.empty(k, dtype=np.bool_),
        iterations=np.empty(k, dtype=np.int64), chi2_moments=np.empty((k, 4)), deviance=np.empty(k),
    )  # fmt: skip
    state = _new_search(problem.grid.channels, problem.constraints.free)
    smooth = np.ascontiguousarray(legendre_polynomials(problem.grid.channels, problem.model.background))
    spectrum, *evaluated = model_arrays(problem.model, problem.grid, smooth)
    evaluated = (*evaluated, shared_start(problem, start, result.value))
    goal = tolerance, limit
    _search_spectra(counts, problem.detector, problem.constraints, goal, result, state, spectrum, evaluated)
    return result


def model_arrays(model: SpectrumModel, grid: ChannelGrid, smooth: NDArray[Any]) -> tuple[Spectrum, Model, Workspace]:
    """What `expected_electrons` takes: the spectrum, arrays of the model, and workspace."""
    n, p, lags = grid.channels, len(model.names), grid.channels + 2 * grid.reach
    shape = ZERO_LOSS_SHAPES.index(model.shape)
    reference = (np.zeros(1), np.zeros((2, 4)), 1.0)
    if grid.reference is not None:
        reference = (grid.reference[0].copy(), grid.reference[1].copy(), float(grid.reference[2]))
    most = 2 * grid.reach * grid.parts + 8
    nodes = np.zeros((3, most)), np.zeros(most, np.int64), np.zeros(most, np.int64)
    spectrum = (grid.start, shape, len(model.modes), TIE_CHOICES.index(model.tie), smooth, reference)
    peak = np.zeros((grid.parts, 2 + len(SHAPE_PARAMETERS[model.shape]), lags))
    return spectrum, (np.zeros(p), np.zeros(n), np.zeros((p, n))), (np.zeros((6, n)), peak, nodes)
