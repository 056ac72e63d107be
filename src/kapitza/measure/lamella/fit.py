"""The absolute resistance of a plane in a lamella, from temperature maps and all that is known besides.

A map stays the same where conductivities, conductances and powers are all multiplied by one factor: it gives R/k, and
the scale comes from a power, a known conductivity, or a heat capacity.  All of them enter here with their priors.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, numbers, real_array
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError
from kapitza.measure.eels.intervals import chi2_probability
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.experiment import Curve
from kapitza.measure.lamella.description import Lamella, LamellaMap
from kapitza.measure.lamella.scan import (
    COMPLEX_PAD_NAMES,
    LamellaDataSet,
    LamellaScan,
    lamella_scan,
    lamella_stack,
    pad_names,
    scan_derivatives,
    split_parts,
)
from kapitza.measure.parameters import FitProblem, Free, Prior, resolve_parameters

_PAD_PRIOR = 1.0  # share of the temperature of a pad: as good as nothing known
_MAX_CACHED_SCANS = 4
_MAX_STEPS = 60
_SMALL_STEP = 0.03  # of the last step, in standard deviations: of chi2 that is 0.001
_SLOW_STEP = 1e-3  # of chi2, by which the steps of a search along a curved valley lower it
_HOPELESS = 1e-6  # probability of a chi2 that no such search makes a good one
_SEARCH_FACTORS = (1.0, 0.25, 0.5, 2.0, 4.0)  # of all conductances, from which lock-in maps are searched
_SCALED_NUMBERS: Mapping[str, float] = MappingProxyType(
    {"conductivity": 1.0, "left_conductance": 1.0, "right_conductance": 1.0, "resistance": -1.0}
)


@frozen(eq=False)
class LamellaProblem(FitProblem):
    """What a fit of a lamella minimises, with derivatives from the factors of each solution."""

    _scans: dict[bytes, LamellaScan] = field(init=False, repr=False, factory=dict)

    @property
    def scan(self) -> LamellaScan:
        """The scan with the numbers that it was given."""
        held = self.samples[0].experiment
        if not isinstance(held, LamellaScan):
            raise InputError(f"expected a scan of a lamella, got {held.name}")
        return held

    def scan_at(self, x: Array) -> LamellaScan:
        """The scan at coordinates (p,)."""
        key = np.asarray(x).tobytes()
        if key not in self._scans:
            last = next(reversed(self._scans.values()), None)
            sheet = None if last is None else last.make_sheet()
            if len(self._scans) >= _MAX_CACHED_SCANS:
                del self._scans[next(iter(self._scans))]
            self._scans[key] = evolve(self.scan, sheet=sheet).replace(self.changes(0, x))
        return self._scans[key]

    def prediction(self, sample: int, x: Array) -> Array:
        """(n,) pixels, K, and logarithms of powers at coordinates (p,); NaN where no lamella has such numbers."""
        try:
            return self.scan_at(x).predict(self.samples[sample].stack)
        except (InputError, ConvergenceError):
            return np.full(self.samples[sample].curve.value.size, np.nan)

    def derivatives(self, x: Array) -> NDArray[Any]:
        """(n + m, p) derivatives of the pixels and of the logarithms of all m powers, measured or not."""
        return scan_derivatives(self.scan_at(x), self.parameters, x)

    def weigh(self, derivatives: NDArray[Any]) -> NDArray[Any]:
        """(n, p) derivatives of the residuals of the data from those of pixels and all powers."""
        maps = self.scan.maps
        pixels = len(derivatives) - len(maps)
        rows = [*range(pixels), *(pixels + i for i, one in enumerate(maps) if one.power)]
        return derivatives[rows] / self.sigma[0][:, None]

    def jacobian(self, x: Array, order: int = 2) -> NDArray[Any]:
        """(n, p) derivatives of the residuals of the data; `order` is that of differences, not taken."""
        return self.weigh(self.derivatives(x))


@frozen(eq=False, kw_only=True)
class LamellaFit(BaseRecord):
    """Absolute resistance of a plane in a lamella.

    Attributes
    ----------
    plane : name
    relative_sigma : of the resistance, from everything together: the standard deviation of its logarithm
    sources, share : (s,) where its variance comes from: pixels of all maps, "power" of each, then the priors
    pvalue : probability of a worse chi2 when the model and the stated errors are right
    names : (p,) fitted numbers
    lamella : with the fitted numbers
    temperature_maps, fitted : data, and (ny, nx) what the fit says of each pixel
    pulls : (p,) how far numbers moved from their priors, in standard uncertainties; 0 for free ones
    remedies : further measurements
    remedy_sigma : of the resistance after each, relative
    """

    plane: str
    resistance: float = field(metadata=about("m^2 K W^-1", "Kapitza resistance"))
    relative_sigma: float = field(metadata=about("1", "relative uncertainty of the resistance"))
    sources: tuple[str, ...]
    share: Array = field(converter=numbers, metadata=about("1", "share of the variance of each source"))
    chi2: float = field(metadata=about("1", "chi2 of the data"))
    freedom: float = field(metadata=about("1", "degrees of freedom"))
    names: tuple[str, ...]
    value: Array = field(converter=numbers, metadata=about("SI", "fitted numbers"))
    sigma: Array = field(converter=numbers, metadata=about("SI", "their standard uncertainties"))
    prior_sigma: Array = field(converter=numbers, metadata=about("SI", "before the fit; infinite where free"))
    lamella: Lamella
    temperature_maps: tuple[LamellaMap, ...] = field(converter=tuple)
    fitted: tuple[NDArray[Any], ...] = field(converter=tuple, metadata=about("K", "temperatures of the fit"))
    pulls: Array = field(converter=numbers, metadata=about("1", "moves in standard uncertainties of the priors"))
    remedies: tuple[str, ...] = ()
    remedy_sigma: Array = field(
        factory=lambda: np.zeros(0), converter=real_array, metadata=about("1", "relative uncertainty after each remedy")
    )

    @property
    def conductance(self) -> float:
        """1/R, W m⁻² K⁻¹."""
        return 1 / self.resistance

    @property
    def pvalue(self) -> float:
        """Probability of a worse chi2 when the model and the stated errors are right."""
        return float(chi2_probability(max(1, round(self.freedom)), self.chi2))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of the resistance, m² K W⁻¹: normal in its logarithm."""
        from scipy.special import ndtri

        factor = float(np.exp(ndtri(0.5 + level / 2) * self.relative_sigma))
        return self.resistance / factor, self.resistance * factor


def fit_lamella(
    lamella: Lamella,
    maps: LamellaMap | Sequence[LamellaMap],
    priors: Mapping[str, Prior] | None = None,
    *,
    plane: str | None = None,
    spread: PointSpread | None = None,
    columns: int = 48,
    rows: int = 16,
) -> LamellaFit:
    r"""Most likely resistance of a plane from maps of a lamella, powers, and priors, with its total error.

    Minimises $\sum(T_i - T_i^m)^2/\sigma_i^2 + \sum(\ln P - \ln P^m)^2/\sigma_P^2 + \sum u_j^2/s_j^2$ by Gauss-Newton
    steps; u are the logarithms of positive numbers over their estimates.  Resistances without a prior are free.

    Parameters
    ----------
    lamella : with the best estimates of its numbers
    maps : one, or several of other powers, directions or frequencies
    priors : what is known how well, by name as in `Lamella.parameters`; "power_factor" is common to all powers,
        "temperature_scale" to all temperatures, "spread.width" (m) is of the point spread; what has no prior is exact
    plane : whose resistance is sought; the first one if None
    spread : point spread, pixel and probe together; a point if None
    columns, rows : of the mesh

    Raises
    ------
    InputError
        for maps without a pixel on the lamella, names that it does not have, and where nothing gives the scale
    ConvergenceError
        if the search ends in no minimum
    """
    held = (maps,) if isinstance(maps, LamellaMap) else tuple(maps)
    sought = lamella.plane_names[0] if plane is None else plane
    scan = lamella_scan(lamella, held, spread or PointSpread(), columns, rows)
    problem = lamella_problem(scan, priors or {}, sought)
    modulated = any(one.frequency for one in held)
    start = _lockin_start(problem) if modulated else np.zeros(len(problem.parameters))
    return _summarise(problem, _solve_from(problem, start), sought)


def lamella_problem(scan: LamellaScan, priors: Mapping[str, Prior], plane: str) -> LamellaProblem:
    """What is to be minimised."""
    lamella = scan.lamella
    if plane not in lamella.plane_names:
        raise InputError(f"no plane {plane!r}: the lamella has {', '.join(lamella.plane_names)}")
    _check_maps(scan)
    _check_scale(scan, priors)
    free = [f"{name}.resistance" for name in lamella.plane_names if f"{name}.resistance" not in priors]
    if f"{plane}.resistance" not in free:
        raise InputError(f"{plane}.resistance has a prior: what is sought has none")
    scan = evolve(scan, maps=tuple(_with_pad_estimates(one) for one in scan.maps))
    pads: dict[str, Prior] = {}
    for one in scan.maps:
        size = 10 * float(np.nanmax(np.abs(one.temperature)))
        for name in pad_names(one):
            pads[name] = Prior(None, size) if one.frequency else Prior.relative(_PAD_PRIOR)
    used = scan.measured_pixels
    value = np.concatenate([split_parts(one.temperature[at]) for one, at in zip(scan.maps, used, strict=True)])
    sigma = [np.tile(one.sigma[at], 2 if one.frequency else 1) for one, at in zip(scan.maps, used, strict=True)]
    shares = np.array([one.power_sigma for one in scan.maps if one.power])
    value, sigmas = np.concatenate([value, np.zeros(shares.size)]), np.concatenate([*sigma, shares])
    curve = Curve(np.arange(value.size), value, sigmas, kind="temperature")
    sample = LamellaDataSet(scan, curve, lamella_stack(lamella))
    parameters = resolve_parameters((sample,), {name: Free() for name in free}, pads | dict(priors), {})
    return LamellaProblem((sample,), parameters, (sigmas,), ordered=False)


def _check_maps(scan: LamellaScan) -> None:
    """Refuse maps that a fit cannot use."""
    if not scan.maps or len({one.name for one in scan.maps}) < len(scan.maps):
        raise InputError("expected one map or more, each with a name of its own")
    for one, used in zip(scan.maps, scan.measured_pixels, strict=True):
        if used.sum() < 8:
            raise InputError(f"map {one.name!r} has {used.sum()} pixels with a temperature on the lamella: expected 8")


def _check_scale(scan: LamellaScan, priors: Mapping[str, Prior]) -> None:
    """Refuse a fit in which nothing says how large the conductivities are."""
    known = any(f"{one.name}.conductivity" not in priors for one in scan.lamella.materials)
    with_prior = any(name.endswith(".conductivity") for name in priors)
    if not (known or with_prior or any(one.power or one.frequency for one in scan.maps)):
        raise InputError("a map gives R/k only: give a power, a prior of a conductivity, or a lock-in map")


def _with_pad_estimates(one: LamellaMap) -> LamellaMap:
    """A map with estimates of the temperatures of its pads, the outermost columns where none were given."""
    if one.pad_temperatures.all():
        return one
    columns = np.flatnonzero(np.isfinite(one.temperature).any(axis=0))
    ends = [np.nanmean(one.temperature[:, i]) for i in (columns[0], columns[-1])]
    return evolve(one, pad_temperatures=np.where(one.pad_temperatures == 0, ends, one.pad_temperatures))


def _lockin_start(problem: LamellaProblem) -> Array:
    """Coordinates (p,) from which lock-in maps are searched: the best of several diffusivities, with their phases.

    For given materials a map is linear in the complex amplitudes of both pads, so that their phases follow and are
    never searched for: a free phase has a minimum at every turn.
    """
    best, lowest = np.zeros(len(problem.parameters)), np.inf
    words = [one.name.rpartition(".")[2] for one in problem.parameters]
    pads = [i for i, word in enumerate(words) if word in COMPLEX_PAD_NAMES]
    amplitudes = tuple(problem.parameters[i] for i in pads)
    for factor in _SEARCH_FACTORS:
        # conductances all times one factor, which leaves the shape of a steady map as it is
        signs = np.array([_SCALED_NUMBERS.get(word, 0.0) for word in words])
        x = np.clip(signs * np.log(factor), problem.low, problem.high)
        found = scan_derivatives(problem.scan_at(x), amplitudes, x[pads])
        jacobian = np.vstack([problem.weigh(found), np.diag(1 / problem.width)[:, pads]])
        x[pads] -= np.linalg.lstsq(jacobian, problem.residual(x), rcond=None)[0]
        chi2 = float(np.sum(problem.residual(x) ** 2))
        if chi2 < lowest:
            best, lowest = x, chi2
    return best


@frozen(eq=False)
class _Minimum(BaseRecord):
    """Where a search ended: coordinates (p,), residuals of data and priors, derivatives of pixels and powers."""

    x: Array
    residual: Array
    derivatives: NDArray[Any]
    covariance: NDArray[Any]

    @property
    def chi2(self) -> float:
        """Of data and priors."""
        return float(self.residual @ self.residual)

    @property
    def sigma(self) -> Array:
        """(p,) standard deviations of the coordinates."""
        return np.sqrt(np.diag(self.covariance))


def _solve_from(problem: LamellaProblem, x: Array) -> _Minimum:
    """Minimum that damped Gauss-Newton steps from coordinates (p,) end in.

    A step that lowers chi2 is taken and the damping relaxed, any other is tried again with more (Marquardt); the end is
    where the next step is small beside the errors, or where a model that does not describe the maps hardly gets better.
    """
    residual, damping, lowered = problem.residual(x), 0.0, 1.0
    if not np.isfinite(residual).all():
        raise InputError("the lamella has no temperatures with the numbers given: check powers, thickness, and planes")
    for _ in range(_MAX_STEPS):
        derivatives = problem.derivatives(x)
        jacobian = np.vstack([problem.weigh(derivatives), np.diag(1 / problem.width)])
        size = np.linalg.norm(jacobian, axis=0)
        scaled = jacobian / size
        curvature, slope = scaled.T @ scaled, scaled.T @ residual
        covariance = np.linalg.inv(curvature) / np.outer(size, size)
        ended = float((slope * size) @ covariance @ (slope * size)) < _SMALL_STEP**2
        if ended or (lowered < _SLOW_STEP and _is_hopeless(problem, residual)):
            return _Minimum(x, residual, derivatives, covariance)
        while damping < 1e8:
            step = -np.linalg.solve(curvature + damping * np.eye(x.size), slope) / size
            there = np.clip(x + step, problem.low, problem.high)
            found = problem.residual(there)
            if float(found @ found) <= float(residual @ residual):  # not for NaN
                lowered = 1 - float(found @ found) / float(residual @ residual)
                x, residual, damping = there, found, damping / 10 if damping > 1e-6 else 0.0
                break
            damping = max(10 * damping, 1e-4)
        else:
            return _Minimum(x, residual, derivatives, covariance)  # at rounding
    raise ConvergenceError(f"the search for the resistance did not end after {_MAX_STEPS} steps: check the priors", x)


def _is_hopeless(problem: LamellaProblem, residual: Array) -> bool:
    """Whether data are so far from a model that only another model can describe them."""
    return bool(chi2_probability(problem.rows, float(np.sum(residual[: problem.rows] ** 2))) < _HOPELESS)


def _summarise(problem: LamellaProblem, solution: _Minimum, plane: str) -> LamellaFit:
    """Answer of a fit."""
    names = tuple(one.name for one in problem.parameters)
    sought = names.index(f"{plane}.resistance")
    covariance, jacobian = solution.covariance, problem.weigh(solution.derivatives)
    scan = problem.scan_at(solution.x)
    powers = [one.name for one in scan.maps if one.power]
    pulls = (jacobian @ covariance[:, sought]) ** 2
    pixels = problem.rows - len(powers)
    pads = {name for one in scan.maps for name in pad_names(one)}
    known = [i for i, one in enumerate(problem.parameters) if one.known and one.name not in pads]
    parts = [float(pulls[:pixels].sum()), *pulls[pixels:].tolist()]
    parts += ((covariance[sought, known] / problem.width[known]) ** 2).tolist()
    labels = ["map" if len(scan.maps) == 1 else "maps"]
    labels += ["power" if len(scan.maps) == 1 else f"power of {name}" for name in powers]
    slope = np.array([one.slope(float(u)) for one, u in zip(problem.parameters, solution.x, strict=True)])
    width = np.array([one.width * abs(one.slope(0.0)) if one.known else np.inf for one in problem.parameters])
    share = np.array(parts)
    remedies = forecast_remedies(problem, solution.derivatives, plane)
    return LamellaFit(
        plane=plane,
        resistance=problem.parameters[sought].value(float(solution.x[sought])),
        relative_sigma=float(solution.sigma[sought]),
        sources=(*labels, *(names[i] for i in known)),
        share=share / share.sum(),
        chi2=float(np.sum(solution.residual[: problem.rows] ** 2)),
        freedom=problem.rows - float(np.sum((jacobian @ covariance) * jacobian)),
        names=names,
        value=problem.values(solution.x),
        sigma=np.abs(slope) * solution.sigma,
        prior_sigma=width,
        lamella=scan.lamella,
        temperature_maps=scan.maps,
        fitted=scan.images(),
        pulls=np.array([u / p.width if p.known else 0.0 for p, u in zip(problem.parameters, solution.x, strict=True)]),
        remedies=tuple(remedies),
        remedy_sigma=np.array(list(remedies.values())),
    )


def resistance_sigma(problem: LamellaProblem, x: Array, plane: str) -> float:
    """Relative uncertainty of a resistance that data and priors leave at coordinates (p,), before any measurement."""
    names = [one.name for one in problem.parameters]
    return _sigma_of(problem.jacobian(x), problem.width, names.index(f"{plane}.resistance"))


def _sigma_of(jacobian: NDArray[Any], width: Array, sought: int) -> float:
    """Standard deviation of one coordinate from derivatives of residuals and widths of priors."""
    size = np.sqrt(np.sum(jacobian**2, axis=0) + width**-2.0)
    scaled = (jacobian / size).T @ (jacobian / size) + np.diag((width * size) ** -2.0)
    return float(np.sqrt(np.linalg.inv(scaled)[sought, sought]) / size[sought])


def forecast_remedies(problem: LamellaProblem, derivatives: NDArray[Any], plane: str) -> dict[str, float]:
    """Relative uncertainty of a resistance after each of the usual further measurements, the best first.

    `derivatives` (n + m, p) are those of pixels and powers at the fit.
    """
    names = [one.name for one in problem.parameters]
    sought = names.index(f"{plane}.resistance")
    jacobian, width = problem.weigh(derivatives), problem.width
    present = _sigma_of(jacobian, width, sought)
    maps = problem.scan.maps
    logs = derivatives[-len(maps) :]
    factor = names.index("power_factor") if "power_factor" in names else None
    found: dict[str, float] = {}
    for share in (0.05, 0.01):
        rows = logs.copy()
        if factor is not None:
            rows[:, factor] = 0.0
        found[f"power known to {100 * share:.0f} %"] = _sigma_of(np.vstack([jacobian, rows / share]), width, sought)
    goals = [(f"{one.name}.conductivity", 0.05, f"conductivity of {one.name} known to 5 %")
             for one in problem.scan.lamella.materials]  # fmt: skip
    goals += [("inelastic_mean_free_path", 0.03, "inelastic mean free path known to 3 %")]
    goals += [("dead_layer", 0.5e-9 / max(problem.scan.lamella.dead_layer, 1e-12), "dead layers known to 0.5 nm")]
    for name, share, words in goals:
        if name in names and share < width[names.index(name)]:
            sharper = np.array(width)
            sharper[names.index(name)] = share
            found[words] = _sigma_of(jacobian, sharper, sought)
    powers = sum(1 for one in maps if one.power)
    counts = np.array(jacobian)
    counts[: len(counts) - powers] *= 2
    found["four times the electrons"] = _sigma_of(counts, width, sought)
    return {key: value for key, value in sorted(found.items(), key=lambda one: one[1]) if value < present * (1 - 1e-3)}
