r"""The inverse of a device: its conductances, conductivities and powers from temperatures measured on it.

The model is the exact solution of the layers; its derivatives with respect to all numbers come from one adjoint
solution for each plane that was looked at.  Everything else is the fit of `kapitza.measure.fit`: numbers that are known
only so well are priors and bring their errors along, what the data do not determine gets a one-sided bound.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray
from scipy.linalg import block_diag, solve_triangular

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.device.description import Device
from kapitza.device.solve import solved
from kapitza.device.uncertainty import uncertainties
from kapitza.errors import ConvergenceError, InputError
from kapitza.measure.device_measured import MeasuredTemperatures, check_places
from kapitza.measure.device_sight import DeviceSample, Thermometry, movable, varies
from kapitza.measure.experiment import Curve
from kapitza.measure.fit import CLOSURE, Fit, optimum
from kapitza.measure.least_squares import least_squares
from kapitza.measure.likelihood import Bound, bound
from kapitza.measure.parameters import Free, Prior, resolve
from kapitza.measure.problem import Problem

KEPT = 4  # solutions remembered


@frozen(eq=False)
class DeviceProblem(Problem):
    """What a fit of a device minimises, with exact derivatives.

    Attributes
    ----------
    root : (n, n) lower triangle L of the covariance L Lᵀ of the temperatures, K; (n,) where none go together
    """

    root: NDArray[np.float64] = field(kw_only=True)
    _seen: dict[bytes, Thermometry] = field(init=False, repr=False, factory=dict)

    def sight(self, x: Array) -> Thermometry:
        """Thermometers on the device of coordinates (p,)."""
        key = np.asarray(x).tobytes()
        if key not in self._seen:
            if len(self._seen) >= KEPT:
                del self._seen[next(iter(self._seen))]
            self._seen[key] = self.thermometry.replace(self.changes(0, x))
        return self._seen[key]

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
            return self.sight(x).predict(self.samples[sample].stack)
        except (InputError, ConvergenceError):
            return np.full(self.samples[sample].curve.value.size, np.nan)

    def data_residual(self, x: Array) -> Array:
        """(n,) differences from the temperatures at coordinates (p,), free of correlations, in standard deviations."""
        return self.whitened(self.prediction(0, x) - self.samples[0].curve.value)

    def jacobian(self, x: Array, order: int = 2) -> NDArray[Any]:
        """(n, p) derivatives of the data residuals by the coordinates; `order` is that of differences, not taken."""
        targets = tuple(parameter.targets[0].name for parameter in self.parameters)
        if np.isnan(self.prediction(0, x)).any():
            return np.zeros((self.rows, x.size))  # a search that begins here ends here
        return self.whitened(self.sight(x).changes(targets))

    def whitened(self, difference: NDArray[Any]) -> NDArray[Any]:
        """Differences (n, ...) from the data in standard deviations."""
        if self.root.ndim == 1:
            return (difference.T / self.root).T
        return solve_triangular(self.root, difference, lower=True, check_finite=False)

    def all_slopes(self, x: Array) -> NDArray[Any]:
        """(n + p, p) derivatives of the residuals of data and priors."""
        return np.vstack([self.jacobian(x), np.diag(1 / self.width)])


def fit_device(
    device: Device,
    measured: MeasuredTemperatures | Sequence[MeasuredTemperatures],
    free: Sequence[str] | Mapping[str, Free],
    *,
    priors: Mapping[str, Prior] | None = None,
    confidence: float = 0.95,
    closure: float = CLOSURE,
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
        their start and limits by name.  An uncertainty that the device has for one of them is left out
    priors : uncertain numbers besides, or instead of, those of the device
    confidence : of one-sided bounds
    closure : rise of chi2 by which both limits of a free number must be excluded for it to be called determined
    starts : number of starting points
    seed : of their scatter

    Raises
    ------
    InputError
        for temperatures outside of the device, and names that it does not have
    ConvergenceError
        if no starting point leads to a minimum
    """
    sets = (measured,) if isinstance(measured, MeasuredTemperatures) else tuple(measured)
    if not sets:
        raise InputError("no temperatures were given: expected one or more sets of them")
    for one in sets:
        check_places(device, one)
    wanted = free if isinstance(free, Mapping) else {name: Free() for name in free}
    problem = device_problem(device, sets, wanted, known_numbers(device, wanted, priors or {}))
    problem.sight(np.zeros(len(problem.parameters))).ready()  # what is wrong with the device is told here
    solution = least_squares(
        problem.residual,
        np.zeros(len(problem.parameters)),
        jacobian=problem.all_slopes,
        low=problem.low,
        high=problem.high,
        scale=problem.scale,
        starts=starts,
        seed=seed,
    )
    rows = solution.jacobian[: problem.rows]
    used = float(np.sum((rows @ solution.covariance) * rows))
    chi2 = float(np.sum(solution.residual[: problem.rows] ** 2))
    bounds: dict[str, Bound] = {}
    for i, parameter in enumerate(problem.parameters):
        if not parameter.known:
            limit = bound(problem, optimum(solution), i, confidence=confidence, closure=closure)
            if limit is not None:
                bounds[parameter.name] = limit
    return evolve(Fit(problem, solution, chi2, problem.rows - used, (1.0,)), bounds=bounds)


def known_numbers(device: Device, free: Mapping[str, Free], priors: Mapping[str, Prior]) -> dict[str, Prior]:
    """Uncertain numbers of a device on which its temperatures depend, less the free ones, and those given besides."""
    kelvin = solved(device).kelvin if varies(device) else {}
    able = movable(device)
    own = {
        name: Prior.relative(share)
        for name, share in uncertainties(device, kelvin).items()
        if share > 0 and name in able and name not in free
    }
    return own | dict(priors)


def device_problem(
    device: Device, sets: tuple[MeasuredTemperatures, ...], free: Mapping[str, Free], priors: Mapping[str, Prior]
) -> DeviceProblem:
    """What is to be minimised."""
    able = movable(device)
    for name in (*free, *priors):
        if name not in able:
            device.value(name)  # tells what the device has
            raise InputError(f"steady temperatures do not depend on {name}: there are {', '.join(able)}")
    kelvin = np.concatenate([one.temperature for one in sets])
    sigma = np.concatenate([one.each_sigma() for one in sets])
    roots = [one.root() for one in sets]
    together = any(root.ndim == 2 for root in roots)
    root = block_diag(*[r if r.ndim == 2 else np.diag(r) for r in roots]) if together else np.concatenate(roots)
    places = tuple(place for one in sets for place in one.places)
    curve = Curve(np.arange(kelvin.size), kelvin, sigma, kind="temperature")
    sample = DeviceSample(Thermometry(device, places), curve, device.stack)
    return DeviceProblem((sample,), resolve((sample,), free, priors, {}), (sigma,), root=np.asarray(root))


def predicted_temperatures(device: Device, measured: MeasuredTemperatures) -> Array:
    """(n,) temperatures of a device where others were measured, K: for residuals and for simulated maps."""
    check_places(device, measured)
    return Thermometry(device, measured.places).predict(device.stack)


def fitted_device(found: Fit) -> Device:
    """The device with the numbers of a fit; those that are not determined as at the lowest chi2.

    Raises
    ------
    InputError
        for a fit of something else
    """
    return problem_of(found).sight(found.solution.x).device


def problem_of(found: Fit) -> DeviceProblem:
    """What a fit of a device minimised."""
    if not isinstance(found.problem, DeviceProblem):
        raise InputError("expected a fit of a device, as fit_device gives it")
    return found.problem


def finite_boundary(device: Device, boundary: str) -> float | Conductance:
    """Conductance of a boundary through which heat flows with a jump."""
    names = device.stack.boundary_names
    if boundary not in names:
        raise InputError(f"no boundary {boundary!r}: the device has {', '.join(names) or 'none'}")
    held = device.stack.boundaries[names.index(boundary)].conductance
    if not isinstance(held, Conductance) and np.isinf(held):
        raise InputError(f"{boundary} has no resistance in this device: there is no jump whose flux could be told")
    return held
