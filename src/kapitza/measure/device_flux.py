"""Flux through a boundary of a fitted device, and its absolute resistance: jump over flux, with errors."""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.device.linear import Linear
from kapitza.device.shapes import Patch
from kapitza.device.spread import Observed, Spots
from kapitza.errors import InputError
from kapitza.measure.device_fit import DeviceProblem, finite_boundary, problem_of
from kapitza.measure.device_measured import MeasuredTemperatures, Place, check_places
from kapitza.measure.device_sight import adjoint, node_changes
from kapitza.measure.fit import Fit
from kapitza.measure.likelihood import Bound

STEP = 1e-3  # of differences, of the coordinates


@frozen(eq=False)
class BoundaryFlux:
    """Heat through a boundary.

    Attributes
    ----------
    boundary : name
    jump : of the temperature, K
    flux : W m⁻²
    resistance : jump over flux, m² K W⁻¹; NaN where the data give a bound only
    covariance : (3, 3) of these three; NaN for a resistance that is not determined
    bound : of the resistance, then
    """

    boundary: str
    jump: float
    flux: float
    resistance: float
    covariance: NDArray[np.float64]
    bound: Bound | None = None

    @property
    def sigma(self) -> Array:
        """(3,) standard uncertainties of jump, flux and resistance."""
        return np.sqrt(np.diag(self.covariance))


def boundary_flux(found: Fit, boundary: str, at: Patch | tuple[float, float] = (0.0, 0.0)) -> BoundaryFlux:
    r"""Flux through a boundary at a point or averaged over a patch, and the resistance that jump over flux gives.

    Errors are those of the fit, of data and calibrated inputs together, carried on to first order:
    $q = G\,\Delta$, $\partial q/\partial u = G\,\partial\Delta/\partial u + q\,\partial\ln G/\partial u$.

    Parameters
    ----------
    found : as `fit_device` gives it
    boundary : name, such as "GaN|SiC"
    at : x and y (m), or a patch

    Raises
    ------
    InputError
        for a boundary without resistance, or a place outside of the device
    """
    problem = problem_of(found)
    observed = observed_at(problem, boundary, at)
    x = found.solution.x
    jump, flux = jump_and_flux(problem, boundary, observed, x)
    slopes = flux_slopes(problem, boundary, observed, x)
    resistance = jump / flux
    rows = np.array([*slopes, slopes[0] / flux - slopes[1] * resistance / flux])
    covariance = np.asarray(rows @ found.solution.covariance @ rows.T, dtype=float)
    limit = found.bounds.get(f"{boundary}.conductance")
    if limit is None:
        return BoundaryFlux(boundary, jump, flux, resistance, covariance)
    covariance[2, :] = covariance[:, 2] = np.nan
    low, high = (None if v is None else 1 / v for v in (limit.high, limit.low))
    return BoundaryFlux(boundary, jump, flux, np.nan, covariance, Bound(low, high, limit.confidence))


def sampled_flux(
    found: Fit,
    boundary: str,
    at: Patch | tuple[float, float] = (0.0, 0.0),
    *,
    samples: int = 400,
    seed: int = 0,
) -> NDArray[np.float64]:
    """(samples, 3) jump (K), flux (W m⁻²) and resistance (m² K W⁻¹) for numbers drawn from the covariance of a fit.

    Parameters
    ----------
    found, boundary, at : as for `boundary_flux`
    samples : how many
    seed : of the draws
    """
    problem = problem_of(found)
    observed = observed_at(problem, boundary, at)
    if found.bounds:
        raise InputError(f"{', '.join(found.bounds)}: bounded only, there is no distribution to draw from")
    generator = np.random.default_rng(seed)
    drawn = generator.multivariate_normal(found.solution.x, found.solution.covariance, samples, method="eigh")
    pairs = np.array([jump_and_flux(problem, boundary, observed, x) for x in drawn])
    return np.column_stack([pairs, pairs[:, 0] / pairs[:, 1]])


def observed_at(problem: DeviceProblem, boundary: str, at: Patch | tuple[float, float]) -> Observed:
    """Place on a boundary, checked."""
    device = problem.thermometry.device
    finite_boundary(device, boundary)
    observed = Spots(*(np.array([v], dtype=float) for v in at)) if isinstance(at, tuple) else at
    check_places(device, MeasuredTemperatures([Place(device.top(), observed)], [device.sink], [1.0], name=boundary))
    return observed


def node_above(ready: Linear, boundary: str) -> int:
    """Node right above a boundary; the next one lies below it."""
    return ready.column.owners.index(boundary)


def jump_and_flux(problem: DeviceProblem, boundary: str, at: Observed, x: Array) -> tuple[float, float]:
    """Jump (K) and flux (W m⁻²) at coordinates (p,)."""
    ready = problem.sight(x).ready()
    node = node_above(ready, boundary)
    jump = float(ready.rise(at, node)[0] - ready.rise(at, node + 1)[0])
    return jump, jump * ready.device.value(f"{boundary}.conductance")


def flux_slopes(problem: DeviceProblem, boundary: str, at: Observed, x: Array) -> NDArray[np.float64]:
    """(2, p) derivatives of jump and flux by the coordinates."""
    sight = problem.sight(x)
    names = tuple(parameter.targets[0].name for parameter in problem.parameters)
    if not all(adjoint(sight.device, sight.places, name) for name in names):
        columns: list[Array] = []
        for i in range(x.size):
            step = np.zeros(x.size)
            step[i] = STEP
            up, down = (np.array(jump_and_flux(problem, boundary, at, x + s * step)) for s in (1, -1))
            columns.append((up - down) / (2 * STEP))
        return np.column_stack(columns)
    ready = sight.ready()
    node, seen = node_above(ready, boundary), ready.seen(at)
    above, below = (node_changes(ready, i, seen, names) for i in (node, node + 1))
    jumps = np.array([above[name][0] - below[name][0] for name in names])
    jump, flux = jump_and_flux(problem, boundary, at, x)
    conductance = flux / jump
    own = np.array([1.0 if name == f"{boundary}.conductance" else 0.0 for name in names])
    return np.array([jumps, conductance * jumps + flux * own])
