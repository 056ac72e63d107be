"""The inverse of a device: its conductances, conductivities and powers from temperatures measured on it.

The model is the exact solution of the layers; its derivatives with respect to all numbers come from one adjoint
solution for each plane that was looked at.  Everything else is the same for all fits (`kapitza.measure.fit_result`):
numbers that are known only so well are priors and bring their errors along, what the data do not determine gets a
one-sided bound.  From a fit follow the flux through a boundary and its absolute resistance, jump over flux, with
errors.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray
from scipy.linalg import block_diag, solve_triangular

from kapitza.core.arrays import Array, about, parameter
from kapitza.core.conductance import Conductance, constant_conductance
from kapitza.core.records import BaseRecord
from kapitza.device.description import Device
from kapitza.device.layered.spreading import LateralPoints, Readout
from kapitza.device.layered.steady import solve_steady
from kapitza.device.layered.temperatures import relative_uncertainties, solve_layered
from kapitza.device.shapes import Patch
from kapitza.errors import ConvergenceError, Hint, InputError
from kapitza.measure.device import thermometry
from kapitza.measure.device.thermometry import MeasuredTemperatures, MeasurementPlace, Thermometry
from kapitza.measure.experiment import Curve
from kapitza.measure.fit_result import Fit, solve_problem
from kapitza.measure.likelihood import Bound
from kapitza.measure.problem import FitProblem, Free, Prior, free_numbers, resolve_parameters

_MAX_CACHED_SOLUTIONS = 4  # solutions remembered


@frozen(eq=False)
class DeviceProblem(FitProblem):
    """Objective of the fit of a device, with exact derivatives.

    `root` is the lower triangle L (n, n) of the covariance L Lᵀ of the temperatures, K; (n,) where none are correlated.
    """

    root: NDArray[np.float64] = field(kw_only=True)
    _solutions: dict[bytes, Thermometry] = field(init=False, repr=False, factory=dict)

    def thermometry_at(self, x: Array) -> Thermometry:
        """Thermometers on the device of coordinates (p,)."""
        key = np.asarray(x).tobytes()
        if key not in self._solutions:
            if len(self._solutions) >= _MAX_CACHED_SOLUTIONS:
                del self._solutions[next(iter(self._solutions))]
            self._solutions[key] = self.thermometry.replace(self.changes(0, x))
        return self._solutions[key]

    @property
    def thermometry(self) -> Thermometry:
        """Thermometers on the device as it was given."""
        held = self.samples[0].experiment
        if not isinstance(held, Thermometry):
            raise InputError(f"expected thermometry of a device, got {held.name}")
        return held

    def prediction(self, sample: int, x: Array) -> Array:
        """(n,) temperatures at coordinates (p,), K; NaN where the search left the numbers that a device can have."""
        try:
            return self.thermometry_at(x).predict(self.samples[sample].stack)
        except (InputError, ConvergenceError):
            return np.full(self.samples[sample].curve.value.size, np.nan)

    def data_residual(self, x: Array) -> Array:
        """(n,) differences from the temperatures at coordinates (p,), free of correlations, in standard deviations."""
        return self.whiten(self.prediction(0, x) - self.samples[0].curve.value)

    def jacobian(self, x: Array, order: int = 2) -> NDArray[Any]:
        """(n, p) derivatives of the data residuals by the coordinates; `order` is that of differences, not taken."""
        targets = tuple(parameter.targets[0].name for parameter in self.parameters)
        if np.isnan(self.prediction(0, x)).any():
            return np.zeros((self.rows, x.size))  # a search that begins here ends here
        return self.whiten(self.thermometry_at(x).log_derivatives(targets))

    def whiten(self, difference: NDArray[Any]) -> NDArray[Any]:
        """Differences (n, ...) from the data in standard deviations."""
        if self.root.ndim == 1:
            return (difference.T / self.root).T
        return solve_triangular(self.root, difference, lower=True, check_finite=False)

    def full_jacobian(self, x: Array) -> NDArray[Any]:
        """(n + p, p) derivatives of the residuals of data and priors, from the adjoint solutions."""
        return np.vstack([self.jacobian(x), np.diag(1 / self.width)])


def fit_device(
    device: Device,
    measured: MeasuredTemperatures | Sequence[MeasuredTemperatures],
    free: str | Sequence[str] | Mapping[str, Free] = (),
    *,
    priors: Mapping[str, Prior] | None = None,
    starts: int = 3,
    seed: int = 0,
) -> Fit:
    r"""Most likely numbers of a device from temperatures that were measured on it in steady state.

    Minimises $r^T C^{-1} r + \sum_j (u_j/s_j)^2$, r the differences of the temperatures, C their covariance, u the
    logarithms of the numbers over what they were taken for and s their relative uncertainties.  All uncertain numbers
    of the device move along, so that their errors are in those of the free ones.

    Where a conductivity depends on temperature it is the constant that leaves the hottest point in place (`solved`):
    elsewhere the model is then of first order only.

    Parameters
    ----------
    device : with the values to start from, and with `uncertain` what is known how well
    measured : temperatures, one set or several
    free : names of the numbers to find, as "GaN|SiC.conductance", "buffer.conductivity", "finger.power", "sink"; or
        their start and limits by name.  An uncertainty that the device has for one of them is ignored.  With none, the
        temperatures update what is known: all uncertain numbers, such as a boundary by its calibrated estimate, from
        where they were taken to be
    priors : uncertain numbers besides, or instead of, those of the device
    starts : number of starting points
    seed : of their scatter

    Raises
    ------
    InputError
        for temperatures outside of the device, names that it does not have, and nothing that is free or uncertain
    ConvergenceError
        if no starting point leads to a minimum
    """
    sets = (measured,) if isinstance(measured, MeasuredTemperatures) else tuple(measured)
    if not sets:
        raise InputError("no temperatures were given: expected one or more sets of them")
    for one in sets:
        thermometry.check_places(device, one)
    wanted = free_numbers(free)
    problem = device_problem(device, sets, wanted, device_priors(device, wanted, priors or {}))
    problem.thermometry_at(np.zeros(len(problem.parameters))).solution()  # raises what is wrong with the device
    return solve_problem(problem, starts=starts, seed=seed, jacobian=problem.full_jacobian)


def device_priors(device: Device, free: Mapping[str, Free], priors: Mapping[str, Prior]) -> dict[str, Prior]:
    """Uncertain numbers of a device on which its temperatures depend, less the free ones, and those given besides."""
    kelvin = solve_steady(device).property_temperature if device.is_nonlinear else {}
    movable = thermometry.movable_numbers(device)
    own = {
        name: Prior.relative(share)
        for name, share in relative_uncertainties(device, kelvin).items()
        if share > 0 and name in movable and name not in free
    }
    return own | dict(priors)


def device_problem(
    device: Device, sets: tuple[MeasuredTemperatures, ...], free: Mapping[str, Free], priors: Mapping[str, Prior]
) -> DeviceProblem:
    """Objective of the fit of a device to sets of temperatures."""
    movable = thermometry.movable_numbers(device)
    for name in (*free, *priors):
        if name not in movable:
            device.value(name)  # tells what the device has
            raise InputError(f"steady temperatures do not depend on {name}: there are {', '.join(movable)}")
    temperature = np.concatenate([one.temperature for one in sets])
    sigma = np.concatenate([one.each_sigma() for one in sets])
    roots = [one.root() for one in sets]
    together = any(root.ndim == 2 for root in roots)
    root = block_diag(*[r if r.ndim == 2 else np.diag(r) for r in roots]) if together else np.concatenate(roots)
    places = tuple(place for one in sets for place in one.places)
    curve = Curve(np.arange(temperature.size), temperature, sigma, kind="temperature")
    sample = thermometry.DeviceDataSet(Thermometry(device, places), curve, device.stack)
    parameters = resolve_parameters((sample,), free, priors, {}, update=True)
    # places stand in any order, and `root` holds what is known of their correlations
    return DeviceProblem((sample,), parameters, (sigma,), root=np.asarray(root), ordered=False)


def predicted_temperatures(device: Device, measured: MeasuredTemperatures) -> Array:
    """(n,) temperatures of a device where others were measured, K: for residuals and for simulated maps."""
    thermometry.check_places(device, measured)
    return Thermometry(device, measured.places).predict(device.stack)


def fitted_device(fit: Fit) -> Device:
    """The device with the numbers of a fit; those that are not determined as at the lowest chi2.

    Raises
    ------
    InputError
        for a fit of something else
    """
    return _fitted_problem(fit).thermometry_at(fit.solution.x).device


def _fitted_problem(fit: Fit) -> DeviceProblem:
    if not isinstance(fit.problem, DeviceProblem):
        raise InputError("expected a fit of a device", hint=Hint(python="`fit_device` returns one"))
    return fit.problem


_COORDINATE_STEP = 1e-3  # of differences, of the coordinates


@frozen(eq=False)
class BoundaryFlux(BaseRecord):
    """Heat through a boundary.

    Attributes
    ----------
    boundary : name
    resistance : jump over flux, m² K W⁻¹; NaN where the data give a bound only
    covariance : (3, 3) of these three; NaN for a resistance that is not determined
    bound : of the resistance, then

    Examples
    --------
    >>> from kapitza.examples import gallium_nitride_chip
    >>> from kapitza.thermometry import boundary_flux, fit_device, patch_temperatures
    >>> chip = gallium_nitride_chip()
    >>> found = fit_device(chip, patch_temperatures(chip, {"finger": (325.0, 0.3)}), free=["GaN|SiC.conductance"])
    >>> there = boundary_flux(found, "GaN|SiC")
    >>> print(f"{there.jump:.1f} ± {there.sigma[0]:.1f} K over {there.flux / 1e6:.0f} MW/m²")
    9.4 ± 0.4 K over 430 MW/m²
    """

    boundary: str
    jump: float = field(metadata=about("K", "temperature jump"))
    flux: float = field(metadata=about("W m^-2", "heat flux"))
    resistance: float = field(metadata=parameter("m^2 K W^-1", "resistance"))
    covariance: NDArray[np.float64] = field(metadata=about("of (jump, flux, resistance)", "covariance"))
    bound: Bound | None = None

    @property
    def sigma(self) -> Array:
        """(3,) standard uncertainties of jump, flux and resistance."""
        return np.sqrt(np.diag(self.covariance))


def boundary_flux(fit: Fit, boundary: str, at: Patch | tuple[float, float] = (0.0, 0.0)) -> BoundaryFlux:
    r"""Flux through a boundary at a point or averaged over a patch, and the resistance that jump over flux gives.

    Errors are those of the fit, of data and calibrated inputs together, carried on to first order:
    $q = G\,\Delta$, $\partial q/\partial u = G\,\partial\Delta/\partial u + q\,\partial\ln G/\partial u$.

    Parameters
    ----------
    fit : as `fit_device` gives it
    boundary : name, such as "GaN|SiC"
    at : x and y (m), or a patch

    Raises
    ------
    InputError
        for a boundary without resistance, or a place outside of the device
    """
    problem = _fitted_problem(fit)
    observed = _place_on_boundary(problem, boundary, at)
    x = fit.solution.x
    jump, flux = _jump_and_flux(problem, boundary, observed, x)
    slopes = _flux_derivatives(problem, boundary, observed, x)
    resistance = jump / flux
    rows = np.array([*slopes, slopes[0] / flux - slopes[1] * resistance / flux])
    covariance = np.asarray(rows @ fit.solution.covariance @ rows.T, dtype=float)
    limit = fit.bounds.get(f"{boundary}.conductance")
    if limit is None:
        return BoundaryFlux(boundary, jump, flux, resistance, covariance)
    covariance[2, :] = covariance[:, 2] = np.nan
    low, high = (None if v is None else 1 / v for v in (limit.high, limit.low))
    return BoundaryFlux(boundary, jump, flux, np.nan, covariance, Bound(low, high, limit.confidence))


def sampled_flux(
    fit: Fit, boundary: str, at: Patch | tuple[float, float] = (0.0, 0.0), *, samples: int = 400, seed: int = 0
) -> NDArray[np.float64]:
    """(samples, 3) jump (K), flux (W m⁻²) and resistance (m² K W⁻¹) for numbers drawn from the covariance of a fit.

    Parameters
    ----------
    fit, boundary, at : as for `boundary_flux`
    samples : how many
    seed : of the draws
    """
    problem = _fitted_problem(fit)
    observed = _place_on_boundary(problem, boundary, at)
    if fit.bounds:
        raise InputError(f"{', '.join(fit.bounds)}: only bounded; there is no distribution to sample")
    generator = np.random.default_rng(seed)
    drawn = generator.multivariate_normal(fit.solution.x, fit.solution.covariance, samples, method="eigh")
    pairs = np.array([_jump_and_flux(problem, boundary, observed, x) for x in drawn])
    return np.column_stack([pairs, pairs[:, 0] / pairs[:, 1]])


def _place_on_boundary(problem: DeviceProblem, boundary: str, at: Patch | tuple[float, float]) -> Readout:
    device = problem.thermometry.device
    names = device.stack.boundary_names
    if boundary not in names:
        raise InputError(f"no boundary {boundary!r}: the device has {', '.join(names) or 'none'}")
    conductance = device.stack.boundaries[names.index(boundary)].conductance
    if not isinstance(conductance, Conductance) and np.isinf(conductance):
        raise InputError(f"{boundary} has no resistance in this device: without a jump its flux is not determined")
    observed = LateralPoints(*(np.array([v], dtype=float) for v in at)) if isinstance(at, tuple) else at
    thermometry.check_places(
        device, MeasuredTemperatures([MeasurementPlace(device.top(), observed)], [device.sink], [1.0], name=boundary)
    )
    return observed


def _jump_and_flux(problem: DeviceProblem, boundary: str, at: Readout, x: Array) -> tuple[float, float]:
    """Jump (K) and flux (W m⁻²) at coordinates (p,)."""
    solved = problem.thermometry_at(x).solution()
    node = solved.column.owners.index(boundary)
    jump = float(solved.rise(at, node)[0] - solved.rise(at, node + 1)[0])
    return jump, jump * solved.device.value(f"{boundary}.conductance")


def _flux_derivatives(problem: DeviceProblem, boundary: str, at: Readout, x: Array) -> NDArray[np.float64]:
    """(2, p) derivatives of jump and flux by the coordinates."""
    readings = problem.thermometry_at(x)
    names = tuple(parameter.targets[0].name for parameter in problem.parameters)
    if not all(thermometry.has_adjoint(readings.device, readings.places, name) for name in names):
        columns: list[Array] = []
        for i in range(x.size):
            step = np.zeros(x.size)
            step[i] = _COORDINATE_STEP
            up, down = (np.array(_jump_and_flux(problem, boundary, at, x + s * step)) for s in (1, -1))
            columns.append((up - down) / (2 * _COORDINATE_STEP))
        return np.column_stack(columns)
    solved = readings.solution()
    node, spreads = solved.column.owners.index(boundary), solved.spreads(at)
    above, below = (thermometry.node_derivatives(solved, i, spreads, names) for i in (node, node + 1))
    jumps = np.array([above[name][0] - below[name][0] for name in names])
    jump, flux = _jump_and_flux(problem, boundary, at, x)
    conductance = flux / jump
    own = np.array([1.0 if name == f"{boundary}.conductance" else 0.0 for name in names])
    return np.array([jumps, conductance * jumps + flux * own])


@frozen(kw_only=True)
class UpdatedPeak(BaseRecord):
    """The hottest point of a device before and after temperatures were measured on it.

    Examples
    --------
    >>> from kapitza.examples import gallium_nitride_chip
    >>> from kapitza.thermometry import fit_device, patch_temperatures, updated_peak
    >>> chip = gallium_nitride_chip(uncertain={"GaN|SiC.conductance": 1.5e7})
    >>> peak = updated_peak(fit_device(chip, patch_temperatures(chip, {"finger": (325.0, 0.3)})))
    >>> print(
    ...     f"{peak.before:.1f} ± {peak.before_sigma:.1f} K before, {peak.after:.1f} ± {peak.after_sigma:.1f} K after"
    ... )
    27.8 ± 1.6 K before, 28.3 ± 0.3 K after
    """

    before: float = field(metadata=about("K", "rise above the sink with the numbers as they were taken to be"))
    before_sigma: float | None = field(metadata=about("K", "its standard uncertainty; None where no number has one"))
    after: float = field(metadata=about("K", "rise above the sink with the numbers of the fit"))
    after_sigma: float = field(metadata=about("K", "its standard uncertainty"))


def updated_peak(fit: Fit) -> UpdatedPeak:
    r"""The hottest point with the numbers of a fit: its error follows from all numbers of the fit and their
    correlations, to first order, $s^T C s$ with the slopes s by the logarithms of the numbers.

    Parameters
    ----------
    fit : as `fit_device` gives it

    Raises
    ------
    InputError
        for a fit of something else, and one in which a free number is only bounded
    """
    stated, device = _fitted_problem(fit).thermometry.device, fitted_device(fit)
    if fit.bounds:
        raise InputError(f"{', '.join(fit.bounds)}: only bounded; the hottest point has no uncertainty")
    before = solve_layered(stated)
    after = solve_layered(device)
    slopes = np.array([after.sensitivity.get(one.targets[0].name, 0.0) for one in fit.problem.parameters])
    sigma = float(np.sqrt(slopes @ fit.solution.covariance @ slopes))
    return UpdatedPeak(before=before.peak, before_sigma=before.sigma, after=after.peak, after_sigma=sigma)


def fitted_conductance(fit: Fit, boundary: str) -> Conductance:
    """The conductance of a boundary after a fit of a device, with its uncertainty, at all temperatures at which the
    device has it: what a stack or another device takes.

    Parameters
    ----------
    fit : as `fit_device` gives it
    boundary : name, such as "GaN|SiC"

    Raises
    ------
    InputError
        for a fit of something else, a boundary that was neither free nor uncertain, and one that is only bounded

    Examples
    --------
    >>> from kapitza.examples import gallium_nitride_chip
    >>> from kapitza.thermometry import fit_device, fitted_conductance, patch_temperatures
    >>> chip = gallium_nitride_chip()
    >>> found = fit_device(chip, patch_temperatures(chip, {"finger": (325.0, 0.3)}), free=["GaN|SiC.conductance"])
    >>> print(fitted_conductance(found, "GaN|SiC").drop)
    extrapolated
    """
    device = fitted_device(fit)
    i = fit.index(f"{boundary}.conductance")
    share = float(np.sqrt(fit.solution.covariance[i, i]))
    method = fit.conductance(boundary, device.sink).method  # refuses what is only bounded
    held = device.stack.boundaries[device.stack.boundary_names.index(boundary)].conductance
    if not isinstance(held, Conductance):
        return constant_conductance(float(fit.value[i]), share * float(fit.value[i]), method)
    return evolve(held, sigma=share * held.value, method=method)
