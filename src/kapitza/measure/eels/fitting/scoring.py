"""Damped Fisher scoring, compiled, one spectrum at a time: one search for every model of a spectrum."""

import inspect
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, BoolArray, IntArray
from kapitza.core.machine_code import has_machine_code
from kapitza.measure.eels.fitting import algebra, lines, search
from kapitza.measure.eels.fitting.algebra import (
    WORKSPACE_VECTORS,
    chi2_moments,
    copy_values,
    dot_product,
    factorise_scaled,
    four_dot_products,
    invert_information,
    scoring_step,
    spectrum_deviance,
    update_curvature,
)
from kapitza.measure.eels.fitting.lines import Model, expected_electrons, jit, jit_cached
from kapitza.measure.eels.fitting.problem import FitProblem
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
    SearchCoordinates,
    SearchResult,
    to_coordinates,
)
from kapitza.measure.eels.model import TIE_CHOICES, expected_spectrum

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
            x[a] = -energy[a] / np.log(u[a])
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
        weight[i] = there[i] / max(mean + variance[i], MIN_VARIANCE)


@jit
def _chi_squared(residual: Array, weight: Array, x: Array, constraints: ParameterConstraints) -> float:
    """Chi-squared with that of the priors."""
    total = 0.0
    for i in range(residual.size):
        total += weight[i] * residual[i] * residual[i]
    for a in range(x.size):
        total += constraints.weight[a] * (x[a] - constraints.prior[a]) ** 2
    return total


@jit
def _write_gradient(
    row: Array,
    x: Array,
    derivatives: _ChartDerivatives,
    jacobian: Array,
    constraints: ParameterConstraints,
    gradient: Array,
) -> None:
    """Write the gradient of the log-likelihood; `row` is its derivative by the electrons of each channel."""
    direct, cross = derivatives
    owner = constraints.chart.owner
    gradient[:] = 0.0
    places = np.flatnonzero(constraints.free)
    for a in places:
        gradient[a] = dot_product(row, jacobian[a])
    for a in places:
        off = constraints.weight[a] * (x[a] - constraints.prior[a])
        gradient[a] -= direct[a] * off
        if owner[a] >= 0:
            gradient[owner[a]] -= cross[a] * off


@jit
def _write_information(jacobian: Array, free: BoolArray, rows: Array, information: Array) -> None:
    r"""Write the Fisher information $\sum_i s_i\,\partial_a\mu_i\,\partial_b\mu_i$ of the free parameters.

    `rows` holds two rows of workspace and the weights $s_i$.  Parameters are taken in pairs, so that each row of the
    Jacobian that is read serves twice.
    """
    row, other, weight = rows[0], rows[1], rows[2]
    information[:] = 0.0
    places = np.flatnonzero(free)
    last = places.size - 1
    for u in range(0, places.size, 2):
        a, b = places[u], places[min(u + 1, last)]
        one, two = jacobian[a], jacobian[b]
        for i in range(row.size):
            row[i] = weight[i] * one[i]
            other[i] = weight[i] * two[i]
        for v in range(0, u + 1, 2):
            c, d = places[v], places[min(v + 1, last)]
            ac, ad, bc, bd = four_dot_products(row, other, jacobian[c], jacobian[d])
            information[a, c] = information[c, a] = ac
            information[a, d] = information[d, a] = ad
            information[b, c] = information[c, b] = bc
            information[b, d] = information[d, b] = bd


@jit
def _write_score(
    observed: _Observed,
    detector: Detector,
    constraints: ParameterConstraints,
    model: Model,
    derivatives: _ChartDerivatives,
    rows: Array,
    gradient: Array,
    information: Array,
) -> None:
    r"""Write residuals, weights (rows 0 and 1), gradient and Fisher information where the model was just evaluated.

    With the weights $w = 1/(\mu + v)$ the score of the likelihood is $\sum w (y - \mu)\,\mu'$, and its variance, the
    expected information, $\sum w\,\mu'\mu'^T$.
    """
    x, mu, jacobian = model
    residual, weight, by_channel = rows[0], rows[1], rows[2]
    _derivatives_by_coordinates(derivatives, constraints.chart, jacobian)
    _weigh_channels(observed, mu, detector, residual, weight)
    response = detector.response
    for i in range(residual.size):
        by_channel[i] = weight[i] * response[i] * residual[i]
        rows[4, i] = weight[i] * response[i] * response[i]
    _write_gradient(by_channel, x, derivatives, jacobian, constraints, gradient)
    _write_information(jacobian, constraints.free, rows[2:5], information)
    _add_prior_information(derivatives, constraints.chart.owner, constraints.weight, information)


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
    """Write the coordinates after a step, within the limits."""
    for a in range(u.size):
        value = u[a] + step[a]
        if constraints.limited_change[a]:
            value = min(max(value, u[a] / MAX_CHANGE_FACTOR), u[a] * MAX_CHANGE_FACTOR)
        new[a] = min(max(value, constraints.low[a]), constraints.high[a])


@jit
def _next_step(
    u: Array,
    gradient: Array,
    information: Array,
    curvature: Array,
    constraints: ParameterConstraints,
    damping: float,
    blocked: BoolArray,
    small: Array,
) -> float:
    """Write the next step and return its length in standard uncertainties, below zero where there is none."""
    p = u.size
    step, full, scale, matrix = small[1], small[2], small[3], small[WORKSPACE_VECTORS : WORKSPACE_VECTORS + p]
    _mark_blocked(u, gradient, information, constraints, blocked)
    if not factorise_scaled(information, curvature, blocked, damping, matrix, scale):
        return -1.0
    length = scoring_step(gradient, matrix, scale, step)
    if length > FAR_STEP:
        # far off, the zero-loss peak and the intensities come first: moved with them, lines run into one another
        copy_values(step, full)
        for a in range(p):
            blocked[a] = blocked[a] or constraints.held_when_far[a]
        sound = factorise_scaled(information, curvature, blocked, damping, matrix, scale)
        held = scoring_step(gradient, matrix, scale, step) if sound else 0.0
        if held > LOCAL_STEP:
            return held
        copy_values(full, step)
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
    if length < 0 and damping > MAX_CURVATURE_DAMPING and curvature.any():
        curvature[:] = 0.0
        return False, 0.1 * MAX_CURVATURE_DAMPING * 10.0**refused, False, flat
    if length < 0:
        updated = bool(curvature.any())
        return False, max(10 * damping, INITIAL_DAMPING), updated, not updated
    if damping == 0 or flat:
        return True, damping, saddle, flat
    if saddle:  # short only by damping, which proves nothing: again with the information alone
        curvature[:] = 0.0
        return False, 0.0, False, flat
    return False, 0.0 if damping < 10 * MIN_DAMPING else 0.1 * damping, False, flat


@jit
def _search_spectrum(
    observed: _Observed,
    detector: Detector,
    constraints: ParameterConstraints,
    goal: tuple[float, int],
    u: Array,
    model: Model,
    end: tuple[Array, BoolArray, Array],
    workspace: tuple[Array, Array],
) -> Iterator[None]:
    """Search from u, which is overwritten by what is found; at each `yield`, mu and jacobian are wanted at x.

    `end` takes the information and the blocked parameters at the last evaluation, and whether the search converged, the
    number of evaluations, and what the last step takes off the deviance.
    """
    tolerance, limit = goal
    x = model[0]
    information, blocked, outcome = end
    channels, small = workspace
    p = u.size
    gradient, step, new, trial_gradient = small[0], small[1], small[2], small[4]
    moved, change, rest, derivatives = small[5], small[6], small[7], (small[8], small[9])
    curvature = small[WORKSPACE_VECTORS + p : WORKSPACE_VECTORS + 2 * p]
    trial_information = small[WORKSPACE_VECTORS + 2 * p :]
    chart = constraints.chart
    for a in range(p):
        u[a] = min(max(u[a], constraints.low[a]), constraints.high[a])
    _write_parameters(u, chart, x, derivatives)
    yield
    _write_score(observed, detector, constraints, model, derivatives, channels, gradient, information)
    residual, trial_weight, weight = channels[0], channels[1], channels[5]
    copy_values(trial_weight, weight)
    chi2 = _chi_squared(residual, weight, x, constraints)
    damping, iterations, stale, converged, refused = 0.0, 1, False, False, 0
    saddle, flat = False, False  # only damping keeps the updated curvature positive; the information alone is singular
    length = np.inf
    curvature[:] = 0.0
    while damping <= MAX_DAMPING and iterations < limit:
        length = _next_step(u, gradient, information, curvature, constraints, damping, blocked, small)
        if length < tolerance:
            converged, damping, saddle, flat = _update_damping(length, damping, refused, saddle, flat, curvature)
            if converged:
                break
            continue
        _step_within_limits(u, step, constraints, new)
        _write_parameters(new, chart, x, derivatives)
        yield
        iterations += 1
        _write_score(observed, detector, constraints, model, derivatives, channels, trial_gradient, trial_information)
        # the old weights, as in the step: with its own a point is better just because its expected variance is larger
        better = _chi_squared(residual, weight, x, constraints) <= chi2 + CHI2_SLACK
        stale, saddle, flat = not better, False, False
        for a in range(p):
            moved[a] = new[a] - u[a]
            change[a] = gradient[a] - trial_gradient[a]
        # a refused step tells the curvature as well as one that is taken
        near = trial_information if better else information
        update_curvature(near, curvature, moved, change, length < LOCAL_STEP, constraints.free, rest)
        if better:
            copy_values(new, u)
            copy_values(trial_gradient, gradient)
            for a in range(p):
                copy_values(trial_information[a], information[a])
            copy_values(trial_weight, weight)
            chi2 = _chi_squared(residual, weight, x, constraints)  # by the weights of the next step
            damping *= 0.1
            refused = 0
        else:
            refused += 1
            if refused > 1 or length >= LOCAL_STEP:  # a first refusal nearby is left to the new curvature
                damping = max(10 * damping, INITIAL_DAMPING)
        damping = 0.0 if damping < MIN_DAMPING else damping
    if stale:
        _write_parameters(u, chart, x, derivatives)
        yield
        _derivatives_by_coordinates(derivatives, chart, model[2])
    _mark_blocked(u, gradient, information, constraints, blocked)
    if converged:
        # the last step is shorter than the tolerance: it is taken, but the model is not evaluated again
        _step_within_limits(u, step, constraints, new)
        copy_values(new, u)
        _write_parameters(u, chart, x, derivatives)
    outcome[0], outcome[1], outcome[2] = converged, iterations, length**2 if converged else 0.0


def _source_checksum() -> int:
    """Checksum of all source that is compiled: machine code of older source is not used."""
    return zlib.crc32(
        "".join(inspect.getsource(module) for module in (lines, algebra, search, sys.modules[__name__])).encode()
    )


def _compile_search(
    version: int, compiler: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> Callable[..., Iterator[None]]:
    """Compile the search of many spectra; `version` is part of the name under which the machine code is kept."""

    def search_spectra(
        counts: Array,
        detector: Detector,
        constraints: ParameterConstraints,
        goal: tuple[float, int],
        result: SearchResult,
        model: Model,
    ) -> Iterator[None]:
        """Fit spectrum after spectrum; `result.value` holds the starts, as coordinates, and then what is found."""
        if version < 0:  # never: the number is here to be part of the function
            return
        x, mu, jacobian = model
        p, n = jacobian.shape
        channels, small = np.zeros((6, n)), np.zeros((WORKSPACE_VECTORS + 3 * p, p))
        y, there, u, outcome, information = np.zeros(n), np.zeros(n), np.zeros(p), np.zeros(3), np.zeros((p, p))
        derivatives, chart = (small[8], small[9]), constraints.chart
        for k in range(counts.shape[0]):
            for i in range(n):
                good = np.isfinite(counts[k, i])
                there[i] = 1.0 if good else 0.0
                y[i] = counts[k, i] if good else 0.0
            copy_values(result.value[k], u)
            covariance, blocked = result.covariance[k], result.fixed_or_bound[k]
            end = (information, blocked, outcome)
            for _ in _search_spectrum((y, there), detector, constraints, goal, u, model, end, (channels, small)):
                yield
            copy_values(x, result.value[k])
            result.converged[k], result.iterations[k] = outcome[0] > 0, int(outcome[1])
            sound = invert_information(information, blocked, small, covariance)
            _weigh_channels((y, there), mu, detector, channels[0], channels[1])
            known = _parameters_from_priors(derivatives, chart.owner, constraints.weight, covariance)
            chi2_moments(
                there, model, channels[0], detector, covariance, blocked, known, (small[0], result.chi2_moments[k])
            )
            result.deviance[k] = spectrum_deviance(y, there, mu, detector) - outcome[2]
            if sound:
                _covariance_of_parameters(derivatives, chart, covariance)
            for a in range(p):
                if constraints.free[a] and information[a, a] <= 0:
                    covariance[a, a] = np.inf

    return compiler(search_spectra)


_search_spectra = _compile_search(_source_checksum(), jit_cached)
# numba cannot compile a call of a generator that it took from its cache: the search inside of the fit has its own
_search_inside = _compile_search(_source_checksum(), jit)


def _compile_pseudo_voigt(version: int) -> Callable[..., None]:
    """Compile the search together with the model whose zero-loss peak is a pseudo-Voigt."""

    def fit_pseudo_voigt(
        counts: Array,
        detector: Detector,
        constraints: ParameterConstraints,
        goal: tuple[float, int],
        result: SearchResult,
        spectrum: tuple[float, int, int, Array],
    ) -> None:
        if version < 0:
            return
        n, p = counts.shape[1], result.value.shape[1]
        model = np.zeros(p), np.zeros(n), np.zeros((p, n))
        workspace = np.zeros((14, n)), np.zeros((4, n))
        for _ in _search_inside(counts, detector, constraints, goal, result, model):
            expected_electrons(spectrum, model, workspace)

    return jit_cached(fit_pseudo_voigt)


_fit_pseudo_voigt = _compile_pseudo_voigt(_source_checksum())


def is_compiled(shape: str) -> bool:
    """Whether machine code for a shape of the zero-loss peak is there, in memory or on the disk."""
    search_function = _fit_pseudo_voigt if shape == "pseudo-voigt" else _search_spectra
    return has_machine_code(search_function)


def fisher_scoring(
    problem: FitProblem, counts: NDArray[Any], start: NDArray[Any], *, tolerance: float, limit: int
) -> SearchResult:
    """Most likely parameters of each spectrum of counts (k, n), electrons, NaN where missing, from starts (k, p).

    The search is compiled; so is the model if the zero-loss peak is a pseudo-Voigt.  Models with another peak are
    evaluated by NumPy, at each point that the search asks for.  It ends when the next step is shorter than `tolerance`
    standard uncertainties, or after `limit` evaluations of a spectrum.
    """
    k, p = start.shape
    result = SearchResult(
        value=to_coordinates(problem.constraints.chart, start),
        covariance=np.empty((k, p, p)),
        fixed_or_bound=np.empty((k, p), dtype=np.bool_),
        converged=np.empty(k, dtype=np.bool_),
        iterations=np.empty(k, dtype=np.int64),
        chi2_moments=np.empty((k, 4)),
        deviance=np.empty(k),
    )
    model, grid, goal = problem.model, problem.grid, (tolerance, limit)
    if model.shape == "pseudo-voigt":
        spectrum = (grid.start, len(model.modes), TIE_CHOICES.index(model.tie), problem.smooth)
        _fit_pseudo_voigt(counts, problem.detector, problem.constraints, goal, result, spectrum)
        return result
    x, mu, jacobian = np.zeros(p), np.zeros(grid.channels), np.zeros((p, grid.channels))
    for _ in _search_spectra(counts, problem.detector, problem.constraints, goal, result, (x, mu, jacobian)):
        electrons, derivatives = expected_spectrum(model, grid, x[None])
        mu[:], jacobian[:] = electrons[0], derivatives[0]
    return result
