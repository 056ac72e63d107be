"""Result of a fit: values with the errors of calibrated inputs, report, samples of the posterior, and the solver."""

from functools import partial
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, check_count, finite
from kapitza.core.conductance import Conductance
from kapitza.core.parameter_units import interval_in_words, parameter_with_error, shown_unit
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError, require
from kapitza.measure import likelihood
from kapitza.measure.judgement import JudgedFit, is_parabolic, judge_fit, judgement_lines
from kapitza.measure.least_squares import JacobianFunction, Minimum
from kapitza.measure.noise.correlated import CurveNoise, refit_with_noise
from kapitza.measure.problem import FitProblem, lowest_minimum, plain_residuals
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, run_units


@frozen(eq=False)
class ErrorBudget(BaseRecord):
    """Where the variance of the fitted numbers comes from.

    Attributes
    ----------
    names : (f,) free parameters
    sources : (s,) "data", then the uncertain parameters
    share : (f, s) part of the variance that each source brings; the rows add up to 1

    Examples
    --------
    >>> from kapitza import Prior
    >>> from kapitza.examples import fitted_film
    >>> share = fitted_film(priors={"Al.thickness": Prior.relative(0.03)}).budget().of("Al|Si.conductance")
    >>> print({source: round(part, 2) for source, part in share.items()})
    {'data': 0.89, 'Al.thickness': 0.11}
    """

    names: tuple[str, ...]
    sources: tuple[str, ...]
    share: NDArray[np.float64] = field(metadata=about("1", "share of the variance"))

    def of(self, name: str) -> dict[str, float]:
        """Shares of one free parameter, the largest first."""
        if name not in self.names:
            raise InputError(f"no free parameter {name!r}: there are {', '.join(self.names)}")
        row = dict(zip(self.sources, self.share[self.names.index(name)].tolist(), strict=True))
        return dict(sorted(row.items(), key=lambda item: -item[1]))


@frozen(eq=False)
class Fit(JudgedFit):
    """Result of a fit.

    Attributes
    ----------
    problem : samples, parameters and uncertainties that were fitted
    solution : the minimum in the coordinates of the parameters, with the checks that it passed; its covariance has
        in it that size and correlation of the noise are known only so well
    chi2, freedom : of the data alone, and the number of data less the number of parameters they determine
    scatter : 1 where the uncertainty was stated
    bounds : of the free parameters that the data do not determine, most often on one side
    noise : (m,) whether the noise of each curve is correlated, and how; empty for devices
    temperature : at which the conductances of boundaries hold

    Examples
    --------
    >>> from kapitza import fit
    >>> from kapitza.examples import aluminium_on_silicon, cooling_curve, film_cooling
    >>> found = fit(film_cooling(), cooling_curve(), aluminium_on_silicon(), ["Al|Si.conductance"])
    >>> print(found.names, abs(found.value[0] / 1e8 - 1) < 3 * found.sigma[0] / 1e8)
    ('Al|Si.conductance',) True
    """

    @property
    def names(self) -> tuple[str, ...]:
        """(p,) parameters, the free ones first, then the uncertain ones."""
        return tuple(p.name for p in self.problem.parameters)

    @property
    def value(self) -> Array:
        """(p,) most likely values, SI; NaN where the data do not determine the number (see `bounds`)."""
        values = self.problem.values(self.solution.x)
        values[[name in self.bounds for name in self.names]] = np.nan
        return values

    @property
    def covariance(self) -> NDArray[Any]:
        """(p, p) covariance of the values (Laplace), SI; NaN where the data do not determine the number."""
        pairs = zip(self.problem.parameters, self.solution.x.tolist(), strict=True)
        slope = [parameter.slope(u) for parameter, u in pairs]
        covariance = self.solution.covariance * np.outer(slope, slope)
        undetermined = np.array([name in self.bounds for name in self.names])
        covariance[undetermined | undetermined[:, None]] = np.nan
        return covariance

    @property
    def sigma(self) -> Array:
        """(p,) standard uncertainties, with those of all uncertain inputs in them, SI."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def minima(self) -> tuple[Minimum, ...]:
        """All minima found from the several starting points, the lowest first."""
        return self.solution.minima

    def numbers(self) -> dict[str, Any]:
        """What `kapitza.save` keeps of a fit: values (SI) with covariance and units, bounds, error budget and chi2, and
        the conductance of each boundary by the name of the boundary.
        """
        determined = [p.name for p in self.problem.parameters if not p.known and p.name not in self.bounds]
        fitted = [name.removesuffix(".conductance") for name in determined if name.endswith(".conductance")]
        boundaries = [name for name in fitted if "|" in name]
        return {
            **{one: self.conductance(one) for one in boundaries},
            "names": self.names,
            "free": tuple(p.name for p in self.problem.parameters if not p.known),
            "value": self.value,
            "covariance": self.covariance,
            "units": tuple(shown_unit(name)[2] for name in self.names),
            "bounds": dict(self.bounds),
            "budget": self.budget(),
            "chi2": self.chi2,
            "freedom": self.freedom,
            "scatter": self.scatter,
            "intervals": {one: self.interval(one) for one in determined},
            "judgement": judge_fit(self),
        }

    def index(self, name: str) -> int:
        """Place of a parameter among `names`; an InputError names those that were fitted."""
        if name not in self.names:
            raise InputError(f"{name!r} was not fitted: there are {', '.join(self.names)}")
        return self.names.index(name)

    def interval(self, name: str, confidence: float = 0.95, *, profiled: bool | None = None) -> tuple[float, float]:
        """Two-sided confidence interval of a parameter, SI.

        Parameters
        ----------
        name : of the parameter
        confidence : that the interval covers the number
        profiled : from the profile likelihood rather than the covariance (for positive numbers that of the logarithm);
            where None, if chi2 is not a parabola over the interval

        Raises
        ------
        InputError
            for a number that the data do not determine: it has bounds only
        """
        from scipy.special import ndtri

        i = _determined_index(self, name)
        z = float(ndtri(0.5 + confidence / 2))
        if profiled is None:
            ends, _ = likelihood.interval_ends(self.problem, self.solution, i, z)
        elif profiled:
            ends = likelihood.profile_ends(self.problem, self.solution, i, z)
        else:
            ends = likelihood.linear_ends(self.solution, i, z)
        parameter = self.problem.parameters[i]
        return parameter.value(ends[0]), parameter.value(ends[1])

    def conductance(self, boundary: str, temperature: float | None = None, *, source: str = "") -> Conductance:
        """Conductance of a boundary at a temperature (K; None: that of the measurement), with its total uncertainty:
        where the interval is not symmetric, by its larger side.  An InputError if the data give no more than a bound,
        or the boundary was not fitted.
        """
        i = _determined_index(self, boundary if boundary in self.names else f"{boundary}.conductance")
        if not self.names[i].endswith(".conductance"):
            raise InputError(f"{self.names[i]!r} is not a conductance")
        value, sigma = float(self.value[i]), float(self.sigma[i])
        if not is_parabolic(self, self.names[i]):
            low, high = self.interval(self.names[i], profiled=True)
            sigma = max(sigma, (value - low) / likelihood.QUANTILE, (high - value) / likelihood.QUANTILE)
        names = {self.problem.samples[target.sample].experiment.name for target in self.problem.parameters[i].targets}
        method = f"{', '.join(sorted(names))} fit"
        kelvin = self.temperature if temperature is None else temperature
        return Conductance([kelvin], [value], [sigma], method=method, source=source)

    def profile_likelihood(
        self, name: str, values: ArrayLike | None = None, *, span: float = 3.0
    ) -> likelihood.ProfileLikelihood:
        """Rise of chi2 along one parameter, all others at their best, at `values` or `span` sigmas to both sides."""
        return likelihood.profile_likelihood(self.problem, self.solution, self.index(name), values, span=span)

    def contours(self, first: str, second: str, *, points: int = 15, span: float = 3.0) -> likelihood.Contours:
        """Rise of chi2 over two parameters, all others at their best."""
        pair = self.index(first), self.index(second)
        return likelihood.likelihood_contours(self.problem, self.solution, pair, points=points, span=span)

    def budget(self) -> ErrorBudget:
        r"""Share of the data and of each uncertain parameter in the variance of each free one.

        With $C = (J^TJ + \mathrm{diag}(s^{-2}))^{-1}$, source i with prior width $s_i$ brings $C_{fi}^2/s_i^2$ and the
        data bring $(C J^TJ C)_{ff}$; together they are $C_{ff}$, so that the shares add up to one.  What the data do
        not tell of their noise is counted with the data.
        """
        problem, solution = self.problem, self.solution
        jacobian = solution.jacobian[: problem.rows]
        covariance = likelihood.plain_covariance(problem, solution)
        free = [i for i, p in enumerate(problem.parameters) if not p.known]
        known = [i for i, p in enumerate(problem.parameters) if p.known]
        widened = np.diag(solution.covariance - covariance)[free]
        data = np.maximum(np.sum((jacobian @ covariance[:, free]) ** 2, axis=0) + widened, 0.0)
        priors = (covariance[np.ix_(free, known)] / problem.width[known]) ** 2
        parts = np.column_stack([data, priors])
        sources = ("data", *(self.names[i] for i in known))
        total = np.where(parts.sum(axis=1) > 0, parts.sum(axis=1), 1.0)
        return ErrorBudget(tuple(self.names[i] for i in free), sources, parts / total[:, None])


def _determined_index(fit: Fit, name: str) -> int:
    i = fit.index(name)
    if name in fit.bounds:
        raise InputError(f"the data do not determine {name}: {format_bound(fit.bounds[name], name)}; see Fit.bounds")
    return i


def format_bound(bound: likelihood.Bound, name: str) -> str:
    """Bounds of a parameter in words, rounded to the safe side (`rounded_outward`)."""
    if bound.low is None and bound.high is None:
        return f"no bound at {bound.confidence:.0%} confidence"
    return f"{interval_in_words(name, bound.low, bound.high)} ({bound.confidence:.0%} confidence)"


def solve_problem(problem: FitProblem, *, starts: int, seed: int, jacobian: JacobianFunction | None = None) -> Fit:
    """Lowest minimum of a problem, with bounds of what the data do not determine.

    `jacobian` gives exact derivatives (n + p, p) of the residuals of data whose uncertainties are known.
    """
    check_count("starts", starts)
    problem, solution, scatter, freedom = lowest_minimum(problem, starts=starts, seed=seed, jacobian=jacobian)
    noise: tuple[CurveNoise, ...] = ()
    chi2 = float(np.sum(solution.residual[: problem.rows] ** 2))
    if problem.ordered:
        problem, solution, noise = refit_with_noise(problem, solution, scatter)
        chi2 = float(sum(part @ part for part in plain_residuals(problem, solution.x)))
    bounds = likelihood.undetermined_bounds(problem, solution)
    return Fit(problem, solution, chi2, freedom, tuple(scatter.tolist()), bounds, noise=noise)


def fit_report(fit: Fit) -> str:
    """Report of a fit in lines: values, bounds, error budget, quality, and all minima where several were found."""
    lines = [*judgement_lines(fit), "", *_value_lines(fit), ""]
    budget = fit.budget()
    determined = [name for name in budget.names if name not in fit.bounds]
    if determined:
        lines.append("share of the variance, %")
    for name in determined:
        parts = [f"{source} {100 * share:.1f}" for source, share in budget.of(name).items()]
        lines.append(f"  {name}: " + ", ".join(parts))
    if len(fit.minima) > 1:
        lines += ["", f"{len(fit.minima)} minima were found; the lowest is taken:"]
        for minimum in fit.minima:
            pairs = zip(fit.problem.parameters, fit.problem.values(minimum.x), strict=True)
            free = [f"{parameter.name} = {value:.4g}" for parameter, value in pairs if not parameter.known]
            lines.append(f"  chi2 = {minimum.chi2:.5g} from {minimum.hits} starts: " + ", ".join(free))
    return "\n".join(lines)


def _value_lines(fit: Fit) -> list[str]:
    width = max(len(name) for name in fit.names)
    lines: list[str] = []
    for parameter, value, sigma in zip(fit.problem.parameters, fit.value, fit.sigma, strict=True):
        name = parameter.name
        if name in fit.bounds:
            lines.append(f"{name:<{width}}  {format_bound(fit.bounds[name], name)}; not determined by the data")
            continue
        share = f"  ({abs(sigma / value):.2%})" if parameter.unit is None else ""
        kind = "  uncertain" if parameter.known else ""
        lines.append(f"{name:<{width}}  {parameter_with_error(name, value, sigma)}{share}{kind}")
        if not (parameter.known or is_parabolic(fit, name)):
            ends = interval_in_words(name, *fit.interval(name, profiled=True))
            lines[-1] += f"  ± does not hold (chi2 is not a parabola): 95 % interval {ends}"
    return lines


_SAMPLER_VERSION = "posterior-1"  # part of the address of stored results


@frozen(eq=False)
class PosteriorSamples(BaseRecord):
    """Draws from the posterior.

    Attributes
    ----------
    names : (p,) parameters
    value : (n, p) draws, SI
    acceptance : share of the proposed moves that were taken
    autocorrelation : (p,) steps over which a walker forgets each parameter

    Examples
    --------
    >>> from kapitza.examples import fitted_film
    >>> from kapitza.measure import sample_posterior
    >>> found = fitted_film()
    >>> draws = sample_posterior(found, walkers=8, steps=100, burn=50)
    >>> low, high = draws.interval("Al|Si.conductance")
    >>> print(f"{draws.of('Al|Si.conductance').size} draws; the fit lies between: {low < found.value[0] < high}")
    800 draws; the fit lies between: True
    """

    names: tuple[str, ...]
    value: NDArray[np.float64] = field(metadata=about("SI", "samples"))
    acceptance: float = field(metadata=about("1", "share of accepted steps"))
    autocorrelation: Array = field(metadata=about("1", "autocorrelation time in steps"))

    def of(self, name: str) -> Array:
        """(n,) draws of one parameter."""
        if name not in self.names:
            raise InputError(f"no samples of {name!r}: there are {', '.join(self.names)}")
        return finite(self.value[:, self.names.index(name)])

    def interval(self, name: str, confidence: float = 0.95) -> tuple[float, float]:
        """Central interval that holds this share of the draws, SI."""
        low, high = np.quantile(self.of(name), [0.5 - confidence / 2, 0.5 + confidence / 2]).tolist()
        return low, high


def sample_posterior(
    fit: Fit,
    *,
    walkers: int = 32,
    steps: int = 1500,
    burn: int = 300,
    seed: int = 0,
    ensembles: int = 1,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
) -> PosteriorSamples:
    """Sample the posterior of a fit with walkers that stretch towards each other (emcee).

    Flat priors of the logarithms of free numbers within their limits, normal ones of uncertain numbers, as in the fit.
    Goodman and Weare, Commun. Appl. Math. Comput. Sci. 5, 65 (2010), doi:10.2140/camcos.2010.5.65; Foreman-Mackey et
    al., Publ. Astron. Soc. Pac. 125, 306 (2013), doi:10.1086/670067.

    Parameters
    ----------
    fit : gives the problem, and where the walkers begin
    walkers : number of them, at least twice the number of parameters
    steps, burn : steps kept and steps thrown away before
    seed : makes the draws reproducible
    ensembles : independent ensembles of so many walkers, whose draws are taken together
    executor : any `concurrent.futures.Executor`, or a number of processes, over which the ensembles are spread
    store : where finished ensembles are kept and looked for

    Raises
    ------
    MissingEngine
        without emcee
    InputError
        for too few walkers
    """
    solution = fit.solution
    if walkers < 2 * solution.x.size:
        raise InputError(f"walkers = {walkers} for {solution.x.size} parameters: wanted {2 * solution.x.size} or more")
    require("emcee", extra="mcmc", why="sampling of a posterior")
    # what was fitted enters the address by its residuals and derivatives at the minimum
    common = {
        "names": fit.names, "x": solution.x, "covariance": solution.covariance, "residual": solution.residual,
        "jacobian": solution.jacobian, "walkers": walkers, "steps": steps, "burn": burn,
    }  # fmt: skip
    units = [common | {"seed": seed + i} for i in range(ensembles)]
    work = partial(_sample_ensemble, fit.problem)
    parts = run_units(work, units, version=_SAMPLER_VERSION, store=store, executor=executor)
    value = np.array([fit.problem.values(x) for part in parts for x in np.asarray(part["x"], dtype=float)])
    means = [[np.asarray(part[key], dtype=float) for part in parts] for key in ("acceptance", "autocorrelation")]
    acceptance, forget = (np.mean(values, axis=0) for values in means)
    return PosteriorSamples(fit.names, value, float(acceptance), finite(forget))


def _sample_ensemble(problem: FitProblem, unit: UnitInputs) -> UnitResult:
    """Kernel: draws (n, p) of the coordinates by one ensemble of walkers."""
    emcee: Any = require("emcee", extra="mcmc", why="sampling of a posterior")
    center, covariance = np.asarray(unit["x"], dtype=float), np.asarray(unit["covariance"], dtype=float)
    walkers, steps, burn, seed = (int(np.asarray(unit[key])) for key in ("walkers", "steps", "burn", "seed"))

    def log_probability(x: Array) -> float:
        if (x < problem.low).any() or (x > problem.high).any():
            return -np.inf
        residual = problem.residual(x)
        return -0.5 * float(residual @ residual)  # priors of uncertain numbers are residuals, too

    # half a standard deviation about the minimum: wide enough to forget it, inside of the basin of the fit
    rng = np.random.default_rng(seed)
    spread = 0.5 * np.minimum(np.sqrt(np.diag(covariance)), 1.0) + 1e-6
    begin = np.clip(center + spread * rng.standard_normal((walkers, center.size)), problem.low, problem.high)
    sampler = emcee.EnsembleSampler(walkers, center.size, log_probability)
    sampler.random_state = np.random.RandomState(seed).get_state()
    sampler.run_mcmc(begin, burn + steps, progress=False)
    return {
        "x": sampler.get_chain(discard=burn, flat=True),
        "acceptance": np.mean(sampler.acceptance_fraction),
        "autocorrelation": sampler.get_autocorr_time(discard=burn, quiet=True, tol=0),
    }
