"""Samples of the posterior of a fit, where a parabola is not to be trusted."""

from functools import partial
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, finite
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError, require
from kapitza.measure.fit_result import Fit
from kapitza.measure.problem import FitProblem
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, run_units

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
