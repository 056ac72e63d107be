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
from kapitza.measure.lamella.description import COMPLEX_PAD_NAMES, Lamella, LamellaMap
from kapitza.measure.lamella.scan import (
    LamellaProblem,
    check_temperatures,
    lamella_problem,
    lamella_scan,
    pad_names,
    scan_derivatives,
    with_thickness_noise,
)
from kapitza.measure.problem import FitProblem, Prior

_MAX_STEPS = 60
_GOOD_SHARES = (0.25, 0.75)  # of the expected fall of chi2: below, steps are too long, above, too short
_LONGEST_LOG_STEP = 2.0  # of a number without a prior: a resistance that is far too small is no longer seen
_GOOD_LENGTHS = (0.8, 1.5)  # of a step, outside of which the lowest place along it is worth a look
_LONGEST_SHARE = 4.0  # of a step, up to which it is looked for
_LARGE_ERROR = 0.25  # of ln R from the maps alone, from which on its interval follows the profile of chi2
_CHI2_RISE = 3.841  # to the ends of an interval of 95 %
_LEVEL = 0.95
_RISE_TOLERANCE = 0.02  # of the root of that rise
_LONGEST_STEP = 1e3  # of the first step towards an end, as a share of the resistance
_MAX_PROFILE_STEPS = 20
_SMALL_STEP = 0.03  # of the last step, in standard deviations: of chi2 that is 0.001
_SMALL_PROFILE_STEP = 0.1  # the same along a profile: of the root of its rise that is 0.003
_SMALL_FIRST_STEP = 0.3  # the same where another search follows
_SLOW_STEP = 1e-3  # of chi2, by which the steps of a search along a curved valley lower it
_HOPELESS = 1e-6  # probability of a chi2 that no such search makes a good one
_SEARCH_FACTORS = (1.0, 0.25, 0.5, 2.0, 4.0)  # of all conductances, from which lock-in maps are searched
_SCALED_NUMBERS: Mapping[str, float] = MappingProxyType(
    {"conductivity": 1.0, "left_conductance": 1.0, "right_conductance": 1.0, "resistance": -1.0}
)


@frozen(eq=False, kw_only=True)
class LamellaFit(BaseRecord):
    """Absolute resistance of a plane in a lamella.

    Attributes
    ----------
    relative_sigma : of the resistance, from everything together: the standard deviation of its logarithm
    sources, share : (s,) where its variance comes from: pixels of all maps, "power" of each, "thickness map" where it
        has noise, then the priors
    names : (p,) fitted numbers
    lamella : with the fitted numbers
    temperature_maps, fitted : data, and (ny, nx) what the fit says of each pixel
    pulls : (p,) how far numbers moved from their priors, in standard uncertainties; 0 for free ones
    remedy_sigma : of the resistance after each, relative
    profile_ends : (2,) where the profile of chi2 has risen to 95 %, for a resistance that the maps hardly show: 0 or
        infinity where it does not rise so far; none for a good one

    Examples
    --------
    >>> from kapitza import Prior
    >>> from kapitza.examples import lamella_map, nitride_lamella
    >>> from kapitza.measure.lamella import fit_lamella, simulate_lamella
    >>> known = {"AlN.conductivity": Prior.relative(0.1), "SiC.conductivity": Prior.relative(0.1)}
    >>> seen = simulate_lamella(nitride_lamella(), lamella_map(), seed=1)
    >>> found = fit_lamella(nitride_lamella(), seen, known)
    >>> low, high = found.interval()
    >>> print(f"between {low * 1e9:.1f} and {high * 1e9:.1f} m²K/GW; the fit is good: {found.pvalue > 0.01}")
    between 4.5 and 6.1 m²K/GW; the fit is good: True
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
    profile_ends: Array = field(
        factory=lambda: np.zeros(0), converter=real_array, metadata=about("m^2 K W^-1", "ends of 95 % by the profile")
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
        """Interval of the resistance, m² K W⁻¹: normal in its logarithm, or from the profile of chi2.

        Raises InputError for another level than 95 % where only that profile describes the resistance.
        """
        from scipy.special import ndtri

        if self.profile_ends.size:
            if level != _LEVEL:
                raise InputError(f"the maps hardly show the resistance: expected level {_LEVEL:g}, got {level:g}")
            return float(self.profile_ends[0]), float(self.profile_ends[1])
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
    steps; u are the logarithms of positive numbers over their estimates.  Resistances without a prior are free.  Noise
    of the map of t/λ that `lamella` states enters the covariance of all pixels and powers, to first order.

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
        for maps without a pixel on the lamella or a gradient, temperatures that are not above 0 K or rise along the
        stated power, names that the lamella does not have, and where nothing gives the scale
    ConvergenceError
        if the search ends in no minimum
    """
    held = (maps,) if isinstance(maps, LamellaMap) else tuple(maps)
    sought = lamella.plane_names[0] if plane is None else plane
    scan = lamella_scan(lamella, held, spread or PointSpread(), columns, rows)
    problem = lamella_problem(scan, priors or {}, sought)
    check_temperatures(scan)
    modulated = any(one.frequency for one in held)
    start = _lockin_start(problem) if modulated else np.zeros(len(problem.parameters))
    problem = with_thickness_noise(problem, start)
    exact = problem.thickness is None
    found = _solve_from(problem, start, small=_SMALL_STEP if exact else _SMALL_FIRST_STEP)
    if not exact:  # once more with what the noise does at the end of the search
        problem = with_thickness_noise(problem, found.x)
        found = _solve_from(problem, found.x)
    return _summarise(problem, found, sought)


def _lockin_start(problem: LamellaProblem) -> Array:
    """Coordinates (p,) from which lock-in maps are searched: the best of several diffusivities, with their phases.

    For given materials a map is linear in the complex amplitudes of both pads, so that their phases follow and are
    never searched for: a free phase has a minimum at every turn.
    """
    best, lowest = np.zeros(len(problem.parameters)), np.inf
    words = [one.name.rpartition(".")[2] for one in problem.parameters]
    pads = [i for i, word in enumerate(words) if word in COMPLEX_PAD_NAMES]
    amplitudes = tuple(problem.parameters[i] for i in pads)
    # conductances all times one factor leave the shape of a steady map as it is
    signs = np.array([_SCALED_NUMBERS.get(word, 0.0) for word in words])
    for factor in _SEARCH_FACTORS:
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


def _solve_from(problem: LamellaProblem, x: Array, held: int | None = None, small: float = _SMALL_STEP) -> _Minimum:
    """Minimum that damped Gauss-Newton steps from coordinates (p,) end in; the free one of index `held` stays.

    A step that lowers chi2 is taken, any other is tried again with more damping (Marquardt); the end is where the next
    step is small beside the errors, or where a model that does not describe the maps hardly gets better.
    """
    residual, damping, lowered = problem.residual(x), 0.0, 1.0
    if not np.isfinite(residual).all():
        raise InputError("the lamella has no temperatures with the numbers given: check powers, thickness, and planes")
    for _ in range(_MAX_STEPS):
        derivatives = problem.derivatives(x)
        full = np.vstack([problem.weigh(derivatives), np.diag(1 / problem.width)])
        jacobian, pull = _free_part(problem, full, residual, x, held)
        size = np.linalg.norm(jacobian, axis=0)
        scaled = jacobian / size
        curvature, slope = scaled.T @ scaled, scaled.T @ pull
        ended = float(slope @ np.linalg.solve(curvature, slope)) < small**2
        # data so far from the model that only another model can describe them
        hopeless = chi2_probability(problem.rows, np.sum(residual[: problem.rows] ** 2)) < _HOPELESS
        if ended or (lowered < _SLOW_STEP and hopeless):
            break
        while damping < 1e8:
            steps = np.linalg.solve(curvature + damping * np.eye(x.size), scaled.T) / size[:, None]
            there, found = _try_step(problem, x, residual, full, steps, pull)
            fall = float(residual @ residual) - float(found @ found)
            if fall >= 0:  # not for NaN
                moved = (there - x) * size
                share = fall / max(float(-2 * slope @ moved - moved @ curvature @ moved), 1e-30)
                lowered = fall / float(residual @ residual)
                x, residual = there, found
                if share < _GOOD_SHARES[0]:  # chi2 fell by little of what its parabola said
                    damping = max(3 * damping, 1e-3)
                elif share >= _GOOD_SHARES[1]:
                    damping = damping / 10 if damping > 1e-6 else 0.0
                break
            damping = max(10 * damping, 1e-3)
        else:
            break  # at rounding
    else:
        raise ConvergenceError(
            f"the search for the resistance did not end after {_MAX_STEPS} steps: check the priors", x
        )
    length = np.linalg.norm(full, axis=0)
    covariance = np.linalg.inv((full / length).T @ (full / length)) / np.outer(length, length)
    return _Minimum(x, residual, derivatives, covariance)


def _try_step(
    problem: LamellaProblem, x: Array, residual: Array, derivatives: NDArray[Any], steps: NDArray[Any], pull: Array
) -> tuple[Array, Array]:
    """Coordinates (p,) and residual after the step that `steps` (p, n + p) makes of a `pull` (n + p,).

    In a curved valley a straight step ends on the slope: what the residual then has beyond its derivatives is taken
    back by the same `steps`.  Where residuals themselves are curved, steps go too far, and to the other side each time,
    or not far enough: the parabola through chi2 at both ends and its slope at the first says how far.
    """
    reach = np.array([np.inf if one.known else _LONGEST_LOG_STEP for one in problem.parameters])
    there = np.clip(x - np.clip(steps @ pull, -reach, reach), problem.low, problem.high)
    found, wanted = problem.residual(there), residual + derivatives @ (there - x)
    chi2, present = found @ found, residual @ residual
    if present - chi2 < _GOOD_SHARES[0] * (present - wanted @ wanted):  # not for NaN
        nearer = np.clip(there - steps @ (found - wanted), problem.low, problem.high)
        other = problem.residual(nearer)
        if other @ other < chi2:
            return nearer, other
    slope = 2 * residual @ (wanted - residual)
    bend = chi2 - present - slope
    share = -slope / (2 * bend) if bend > 0 else _LONGEST_SHARE
    if chi2 < present and not _GOOD_LENGTHS[0] < share < _GOOD_LENGTHS[1]:
        better = np.clip(x + min(share, _LONGEST_SHARE) * (there - x), problem.low, problem.high)
        other = problem.residual(better)
        if other @ other < chi2:
            return better, other
    return there, found


def _free_part(
    problem: LamellaProblem, jacobian: NDArray[Any], residual: Array, x: Array, held: int | None
) -> tuple[NDArray[Any], Array]:
    """Derivatives and residuals of the numbers that may move: neither is `held`, nor at a limit that it would cross."""
    slope = jacobian.T @ residual
    fixed = ((x <= problem.low) & (slope > 0)) | ((x >= problem.high) & (slope < 0))
    if held is not None:
        fixed[held] = True
    if not fixed.any():
        return jacobian, residual
    moving, pull = np.where(fixed, 0.0, jacobian), np.array(residual)
    rows = problem.rows + np.flatnonzero(fixed)
    moving[rows, np.flatnonzero(fixed)], pull[rows] = 1.0, 0.0  # a prior of no width, which asks for no step
    return moving, pull


def _profile_end(problem: LamellaProblem, solution: _Minimum, sought: int, limit: float) -> float | None:
    """Coordinate towards a limit at which the least chi2 has risen to 95 %; None where it has not at the limit."""
    best, wanted = float(solution.x[sought]), _CHI2_RISE**0.5
    side = np.sign(limit - best)
    step = side * float(np.log1p(min(solution.sigma[sought], _LONGEST_STEP)))
    nearest, inside, outside = solution, (best, 0.0), None
    u = limit if side < 0 else best + step  # mostly a resistance of nothing is not excluded
    for _ in range(_MAX_PROFILE_STEPS):
        u = min(u, limit) if side > 0 else max(u, limit)
        # about the least chi2 at u, a logarithm, by the covariance
        row = nearest.covariance[sought]
        start = nearest.x + row / row[sought] * np.expm1(u - nearest.x[sought])
        start[sought] = u
        start = np.clip(start, problem.low, problem.high)
        found = _solve_from(problem, start, held=sought, small=_SMALL_PROFILE_STEP)
        rise = max(found.chi2 - solution.chi2, 0.0) ** 0.5
        if abs(rise - wanted) < _RISE_TOLERANCE:
            return u
        if rise < wanted and u == limit:
            return None
        if rise > wanted:
            outside = (u, rise)
        else:
            nearest, inside, step = found, (u, rise), 2 * step
        # temperatures follow a small resistance rather than its logarithm: so does the root of the rise
        if outside is not None:
            share = (wanted - inside[1]) / (outside[1] - inside[1])
            u = float(np.log((1 - share) * np.exp(inside[0]) + share * np.exp(outside[0])))
        else:
            line = np.exp(best) + (np.exp(inside[0]) - np.exp(best)) * wanted / max(inside[1], 1e-3)
            u = min(float(np.log(line)), inside[0] + step)
    return inside[0] if outside is None else outside[0]


def _summarise(problem: LamellaProblem, solution: _Minimum, plane: str) -> LamellaFit:
    names = tuple(one.name for one in problem.parameters)
    sought = names.index(f"{plane}.resistance")
    covariance, jacobian = solution.covariance, problem.weigh(solution.derivatives)
    scan = problem.scan_at(solution.x)
    powers = [one.name for one in scan.maps if one.power]
    gain = problem.whiten(jacobian @ covariance[:, sought])
    pulls = gain**2
    pattern, variance = problem.thickness_modes()
    pixels = problem.rows - len(powers)
    pads = {name for one in scan.maps for name in pad_names(one)}
    known = [i for i, one in enumerate(problem.parameters) if one.known and one.name not in pads]
    parts = [float(pulls[:pixels].sum()), *pulls[pixels:].tolist()]
    several = len(scan.maps) > 1
    labels = ["maps" if several else "map", *(f"power of {name}" if several else "power" for name in powers)]
    if problem.thickness is not None:
        parts.append(float(variance @ (pattern.T @ gain) ** 2))
        labels.append("thickness map")
    parts += ((covariance[sought, known] / problem.width[known]) ** 2).tolist()
    slope = np.array([one.slope(float(u)) for one, u in zip(problem.parameters, solution.x, strict=True)])
    width = np.array([one.width * abs(one.slope(0.0)) if one.known else np.inf for one in problem.parameters])
    share = np.array(parts)
    remedies = forecast_remedies(problem, solution.derivatives, plane)
    # what maps show is linear in a small resistance, where priors are normal in its logarithm
    profile: tuple[float, ...] = ()
    if parts[0] > _LARGE_ERROR**2:
        low, high = (_profile_end(problem, solution, sought, float(v[sought])) for v in (problem.low, problem.high))
        value = problem.parameters[sought].value
        profile = 0.0 if low is None else value(low), np.inf if high is None else value(high)
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
        fitted=_fitted_images(problem, solution.x),
        pulls=np.array([u / p.width if p.known else 0.0 for p, u in zip(problem.parameters, solution.x, strict=True)]),
        remedies=tuple(remedies),
        remedy_sigma=np.array(list(remedies.values())),
        profile_ends=profile,
    )


def _fitted_images(problem: LamellaProblem, x: Array) -> tuple[NDArray[Any], ...]:
    """(ny, nx) temperatures of each map at coordinates (p,), with the likeliest errors of the map of t/λ, K."""
    scan = problem.scan_at(x)
    pattern, variance = problem.thickness_modes()
    residual = FitProblem.data_residual(problem, x)
    shift = -problem.sigma[0] * (pattern @ (variance / (1 + variance) * (pattern.T @ residual)))
    found: list[NDArray[Any]] = []
    start = 0
    for image, used in zip(scan.images(), scan.measured_pixels, strict=True):
        here, count = np.array(image), int(used.sum())
        here[used] += shift[start : start + count]
        start += count
        if np.iscomplexobj(here):
            here[used] += 1j * shift[start : start + count]
            start += count
        found.append(here)
    return tuple(found)


def resistance_sigma(jacobian: NDArray[Any], width: Array, sought: int) -> float:
    """Relative uncertainty of a resistance of index `sought`, from derivatives of residuals and widths of priors."""
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
    present = resistance_sigma(jacobian, width, sought)
    maps = problem.scan.maps
    logs = np.where([name == "power_factor" for name in names], 0.0, derivatives[-len(maps) :])
    found: dict[str, float] = {}
    for share in (0.05, 0.01):
        better = problem.weigh(derivatives, logs, share)
        found[f"power known to {100 * share:.0f} %"] = resistance_sigma(better, width, sought)
    lamella = problem.scan.lamella
    goals = [
        *((f"{m.name}.conductivity", 0.05, f"conductivity of {m.name} known to 5 %") for m in lamella.materials),
        ("inelastic_mean_free_path", 0.03, "inelastic mean free path known to 3 %"),
        ("dead_layer", 0.5e-9 / max(lamella.dead_layer, 1e-12), "dead layers known to 0.5 nm"),
    ]
    for name, share, words in goals:
        if name in names and share < width[names.index(name)]:
            sharper = np.array(width)
            sharper[names.index(name)] = share
            found[words] = resistance_sigma(jacobian, sharper, sought)
    powers = sum(1 for one in maps if one.power)
    sigma = np.concatenate([problem.sigma[0][: problem.rows - powers] / 2, problem.sigma[0][problem.rows - powers :]])
    better = evolve(problem, sigma=(sigma,)).weigh(derivatives)
    found["four times the electrons"] = resistance_sigma(better, width, sought)
    if problem.thickness is not None:
        better = evolve(problem, thickness=problem.thickness / 2).weigh(derivatives)
        found["half the noise of the map of t/λ"] = resistance_sigma(better, width, sought)
    return {key: value for key, value in sorted(found.items(), key=lambda one: one[1]) if value < present * (1 - 1e-3)}
