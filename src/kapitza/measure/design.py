"""Which settings of an experiment measure something best."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import numbers
from kapitza.core.stack import Stack
from kapitza.errors import InputError
from kapitza.measure.experiment import Curve, Experiment
from kapitza.measure.parameters import Free, Prior, Sample, Tie, resolve
from kapitza.measure.problem import RELATIVE, Problem


@frozen(eq=False)
class Design:
    """What one choice of settings would give.

    Attributes
    ----------
    settings : value of each setting, SI
    sigma : relative standard uncertainty of each free number, with those of the uncertain ones in it
    merit : -ln det of the covariance of the logarithms of the free numbers (D-optimality); the larger the better
    """

    settings: Mapping[str, float]
    sigma: Mapping[str, float]
    merit: float


def design(
    experiment: Experiment | Sequence[Experiment],
    stack: Stack,
    free: Sequence[str],
    *,
    settings: Mapping[str, ArrayLike],
    priors: Mapping[str, Prior] | None = None,
    ties: Mapping[str, Tie] | None = None,
    noise: float = 0.005,
    kind: str = "ratio",
) -> tuple[Design, ...]:
    r"""Rank all combinations of settings by what they would tell of the free numbers.

    The Fisher information $J^TJ + \mathrm{diag}(s^{-2})$ of data and priors is inverted and its block of the free
    numbers kept, $C$; designs are ranked by $-\ln\det C$ (D-optimality; Kiefer and Wolfowitz, Ann. Math. Stat. 30, 271
    (1959), doi:10.1214/aoms/1177706252).  A prior given as a share follows the setting.

    Parameters
    ----------
    experiment : or several that are made together on the stack, each with the settings
    stack : what it is made on, with the expected values
    free : names of what is to be measured
    settings : candidates by name, for example {"tdtr.modulation": [...], "Al.thickness": [...]}
    priors : uncertain numbers
    ties : names for several numbers that are one
    noise : standard uncertainty of each point, relative; for kind "phase" in rad
    kind : of the signal

    Returns
    -------
    designs, the best first

    Raises
    ------
    InputError
        for unknown names, no candidates, or noise not above zero
    """
    if not noise > 0:
        raise InputError(f"noise = {noise:g}, wanted above 0")
    if not settings:
        raise InputError("no settings to choose from: give candidates by name, as {'Al.thickness': [60e-9, 90e-9]}")
    choices = {name: numbers(values).tolist() for name, values in settings.items()}
    together = tuple(experiment) if isinstance(experiment, Sequence) else (experiment,)
    found: list[Design] = []
    for values in product(*choices.values()):
        chosen = dict(zip(choices, values, strict=True))
        samples = _samples(together, stack, chosen, noise, kind)
        found.append(_judged(samples, free, priors or {}, ties or {}, chosen))
    return tuple(sorted(found, key=lambda d: -d.merit))


def _samples(
    experiments: Sequence[Experiment], stack: Stack, chosen: dict[str, float], noise: float, kind: str
) -> tuple[Sample, ...]:
    known = {name for e in experiments for name in Sample(e, Curve([], []), stack).names()}
    if unknown := [name for name in chosen if name not in known]:
        raise InputError(f"no setting {unknown[0]!r}: there are {', '.join(sorted(known))}")
    samples: list[Sample] = []
    for each in experiments:
        names = Sample(each, Curve([], []), stack).names()
        changed, on = Sample(each, Curve([], []), stack).changed({n: v for n, v in chosen.items() if n in names})
        signal = changed.predict(on)
        size = np.abs(signal) if kind in RELATIVE else np.full(signal.shape, np.abs(signal).max())
        sigma = np.full(signal.shape, noise) if kind == "phase" else noise * size
        samples.append(Sample(changed, Curve(np.arange(signal.size), signal, sigma, kind), on))
    return tuple(samples)


def _judged(
    samples: tuple[Sample, ...],
    free: Sequence[str],
    priors: Mapping[str, Prior],
    ties: Mapping[str, Tie],
    chosen: dict[str, float],
) -> Design:
    parameters = resolve(samples, {name: Free() for name in free}, priors, ties)
    sigmas = tuple(s.curve.sigma for s in samples if s.curve.sigma is not None)
    problem = Problem(samples, parameters, sigmas)
    jacobian = problem.jacobian(np.zeros(len(parameters)))
    information = jacobian.T @ jacobian + np.diag(problem.width**-2)
    # columns at equal size before the inversion: logarithms of vague and of sharp numbers stand side by side
    size = np.sqrt(np.diag(information))
    covariance = np.linalg.inv(information / np.outer(size, size)) / np.outer(size, size)
    own = covariance[: len(free), : len(free)]
    sigma = {name: float(np.sqrt(own[i, i])) for i, name in enumerate(free)}
    return Design(chosen, sigma, -float(np.linalg.slogdet(own)[1]))
