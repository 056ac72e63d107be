"""Judgement of a fit: agreement of model and data, randomness of the residuals, and questions about the inputs."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about
from kapitza.core.parameter_units import format_parameter
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Layer
from kapitza.errors import InputError
from kapitza.matter.library import material
from kapitza.measure.least_squares import Solution
from kapitza.measure.likelihood import QUANTILE, Bound, interval_ends, plain_covariance
from kapitza.measure.noise.correlated import CORRELATED, CurveNoise
from kapitza.measure.problem import DataSet, FitProblem, plain_residuals, split_by_data_set

LEAST_POINTS = 8  # of a curve, below which the tests say nothing


@frozen(kw_only=True)
class ResidualTests(BaseRecord):
    """Tests of the residuals of one curve; probabilities are those of chance, where noise is random.

    Attributes
    ----------
    lag_one : correlation of neighbouring residuals
    durbin_watson : mean square of the differences of neighbours over the mean square: near 2 where they are random

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.measure.noise import examine_residuals
    >>> found = examine_residuals(np.random.default_rng(1).standard_normal(60), np.ones((60, 1)))
    >>> print(found.runs_chance > 0.05, found.durbin_watson_chance > 0.05)
    True True
    """

    lag_one: float = field(metadata=about("1", "correlation of neighbouring residuals"))
    durbin_watson: float = field(metadata=about("1", "Durbin-Watson statistic"))
    durbin_watson_chance: float = field(metadata=about("1", "probability of so low a Durbin-Watson statistic"))
    runs: int = field(metadata=about("1", "runs of residuals of one sign"))
    runs_chance: float = field(metadata=about("1", "probability of so few runs"))
    period: float = field(metadata=about("1", "points in a period of the largest line of the spectrum"))
    period_chance: float = field(metadata=about("1", "probability of so large a line"))

    @property
    def chance(self) -> float:
        """Probability that random noise makes one of the three as unlikely as the least likely (Bonferroni)."""
        return min(1.0, 3 * min(self.durbin_watson_chance, self.runs_chance, self.period_chance))


def examine_residuals(residual: Array, jacobian: NDArray[Any]) -> ResidualTests | None:
    r"""Test residuals (n,) in the order of the curve for what random noise does not do; None for less than 8 points.

    Durbin-Watson with mean and variance of the statistic for these very derivatives (J. Durbin and G. S. Watson,
    Biometrika 37, 409 (1950), doi:10.1093/biomet/37.3-4.409), taken as normal; the number of runs of one sign (A. Wald
    and J. Wolfowitz, Ann. Math. Stat. 11, 147 (1940), doi:10.1214/aoms/1177731909); and the share of the largest line
    in the periodogram (R. A. Fisher, Proc. R. Soc. Lond. A 125, 54 (1929), doi:10.1098/rspa.1929.0151).

    Parameters
    ----------
    residual : (n,) in units of their uncertainty
    jacobian : (n, p) derivatives of the residuals by what was fitted

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.measure.noise import examine_residuals
    >>> wave = np.sin(np.linspace(0, 6, 60))
    >>> found = examine_residuals(wave, np.ones((60, 1)))
    >>> print(f"Durbin-Watson {found.durbin_watson:.3f}")
    Durbin-Watson 0.009
    """
    square = float(residual @ residual)
    if residual.size < LEAST_POINTS or not square > 0:
        return None
    statistic = float(np.sum(np.diff(residual) ** 2)) / square
    runs, runs_chance = _count_runs(residual)
    power = np.abs(np.fft.rfft(residual - residual.mean())) ** 2
    power = power[1 : (residual.size - 1) // 2 + 1]
    largest = int(np.argmax(power))
    share = float(power[largest] / power.sum()) if power.sum() > 0 else 0.0
    return ResidualTests(
        lag_one=float(residual[1:] @ residual[:-1]) / square,
        durbin_watson=statistic,
        durbin_watson_chance=_durbin_watson_chance(statistic, jacobian),
        runs=runs,
        runs_chance=runs_chance,
        period=residual.size / (largest + 1),
        period_chance=min(1.0, power.size * (1 - share) ** (power.size - 1)),
    )


def _durbin_watson_chance(statistic: float, jacobian: NDArray[Any]) -> float:
    """Probability of a lower statistic, by the traces of MA and (MA)², M the projector on the residuals."""
    from scipy.special import ndtr

    n = len(jacobian)
    left, size, _ = np.linalg.svd(jacobian, full_matrices=False)
    basis = left[:, size > 1e-12 * size.max(initial=0.0)]

    def second_difference(columns: NDArray[Any]) -> NDArray[Any]:
        steps = np.diff(columns, axis=0)
        return np.vstack([-steps[:1], steps[:-1] - steps[1:], steps[-1:]])

    moved = second_difference(basis)
    inner = basis.T @ moved
    freedom = n - basis.shape[1]
    first = 2 * (n - 1) - float(np.trace(inner))
    # tr(A²) = 6n - 10 for the matrix of first differences
    second = (6 * n - 10) - 2 * float(np.sum(moved**2)) + float(np.sum(inner**2))
    mean = first / freedom
    variance = 2 * (second - freedom * mean**2) / (freedom * (freedom + 2))
    return float(ndtr((statistic - mean) / np.sqrt(max(variance, 1e-300))))


def _count_runs(residual: Array) -> tuple[int, float]:
    """Number of runs of one sign, and the probability of so few."""
    from scipy.special import ndtr

    above = residual > 0
    n, up = residual.size, int(np.count_nonzero(above))
    down = n - up
    runs = 1 + int(np.count_nonzero(above[1:] != above[:-1]))
    mean = 1 + 2 * up * down / n
    variance = (mean - 1) * (mean - 2) / (n - 1)
    if variance <= 0:  # all of one sign, or all but one
        return runs, 2.0 ** (1 - n)
    return runs, float(ndtr((runs + 0.5 - mean) / np.sqrt(variance)))


_BULK_SCATTER = 0.25  # logarithm by which samples of one bulk material differ without a question
_BULK_THICKNESS = 10e-6  # m: thinner layers conduct less than the bulk
_STEP = 1e-3  # of the logarithm of an input
_LARGEST_CHANGE = 1.1  # of the logarithm: inputs that had to be three times as large or small are not suspected
_SUSPECTS = 3  # inputs that are named
_RADII = ("pump_radius", "probe_radius", "pump_radius_y", "probe_radius_y", "radius", "half_width")
Verdict = Literal["consistent", "doubtful", "misfit"]
# scatter beyond which a trace of a lock-in or a thermometer is called noisy: of the value, of the largest value, in rad
_USUAL_SCATTER = {"ratio": 0.03, "amplitude": 0.03, "response": 0.03, "phase": 0.0175}
_USUAL_SHARE = 0.03  # of the largest value, for other kinds
_CHANCE = 0.01  # probability below which residuals are not called random
_CHI2_CHANCE = 1e-3  # probability below which chi2 is not called random
_BEYOND_NEIGHBOURS = 1.5  # scatter about the curve over that from point to point, above which the curve is missed
_SMOOTH = 0.7  # probability from which on what neighbours share is taken for a misfit, not for noise
_ROUGH_CHANCE = 0.03  # that rough noise looks as smooth, below which it is taken for a misfit
_PULL = 3.5  # standard uncertainties by which an uncertain number may move


@frozen(eq=False)
class JudgedFit(BaseRecord):
    """Lowest minimum of a fit with the noise of its curves: the attributes of a `Fit`, which documents them."""

    problem: FitProblem
    solution: Solution
    chi2: float = field(metadata=about("1", "chi2"))
    freedom: float = field(metadata=about("1", "degrees of freedom"))
    scatter: tuple[float, ...] = field(
        metadata=about("1", "(m,) factor between the scatter of each curve and the uncertainty first assumed")
    )
    bounds: Mapping[str, Bound] = field(factory=dict)
    noise: tuple[CurveNoise, ...] = field(default=(), kw_only=True)
    temperature: float = field(default=300.0, kw_only=True, metadata=about("K", "temperature of the measurement"))


def questions_of_bulk(fit: JudgedFit) -> Iterator[str]:
    """Ask about free conductivities of layers that bear the name of a material of the library.

    A wrong spot or film thickness may leave no trace in the residuals, since conductivity and conductance take up what
    it does; what it leaves are numbers that the material does not have.  A question is raised where number and library
    differ by more than a quarter (of the logarithm), by which samples of one bulk material do, and the half-length of
    the 95 % interval, added in squares; for layers thinner than 10 µm, which conduct less than the bulk, only above it.
    It names the inputs that would bring the number to the bulk if they were others by less than a factor of three, by
    how far each had to move, in the linear model.
    """
    problem = fit.problem
    if not problem.ordered:
        return
    for i, parameter in enumerate(problem.parameters):
        if parameter.known or parameter.unit is not None or parameter.name in fit.bounds:
            continue
        target = parameter.targets[0]
        sample = problem.samples[target.sample]
        known = _bulk_range(sample, target.name, fit.temperature)
        if known is None or target.base is not None:
            continue
        x, sigma = float(fit.solution.x[i]), float(fit.solution.sigma[i])
        low, high = (parameter.coordinate(one) for one in known)
        layer = _layer_of(sample, target.name)
        thin = layer is not None and layer.thickness < _BULK_THICKNESS
        gap = max(0.0, x - high) - (0.0 if thin else max(0.0, low - x))
        if abs(gap) > np.hypot(_BULK_SCATTER, QUANTILE * sigma):
            name, value, bulk = parameter.name, parameter.value(x), known[1] if gap > 0 else known[0]
            side = f"{abs(value / bulk - 1):.0%} {'above' if value > bulk else 'below'}"
            shown, of_bulk = (format_parameter(name, number, 3) for number in (value, bulk))
            suspects = _suspects(fit, i, -gap)
            yield f"{name} = {shown} is {side} the {of_bulk} of the bulk: " + (
                f"are the inputs right? It would be the bulk's with {', or '.join(suspects)}"
                if suspects
                else "is the sample what it is called?"
            )


def _layer_of(sample: DataSet, name: str) -> Layer | None:
    owner = name.rpartition(".")[0]
    return next((layer for layer in sample.stack.layers if layer.name == owner), None)


def _bulk_range(sample: DataSet, name: str, temperature: float) -> tuple[float, float] | None:
    """Lowest and highest conductivity (W m⁻¹ K⁻¹) of the bulk of a layer, over its directions; None if not known."""
    layer, attribute = _layer_of(sample, name), name.rpartition(".")[2]
    if layer is None or attribute not in ("conductivity", "in_plane"):
        return None
    try:
        known = material(layer.name)
        through, along = (float(known.conductivity(temperature, inplane=one)[0]) for one in (False, True))
    except InputError:
        return None
    if attribute == "in_plane":
        return along, along
    return (through, through) if layer.in_plane is not None else (min(through, along), max(through, along))


def _suspects(fit: JudgedFit, index: int, gap: float) -> list[str]:
    """Inputs, in words, that would move a parameter by `gap` of its logarithm, the smallest change first."""
    problem, solution = fit.problem, fit.solution
    gain = plain_covariance(problem, solution)[index] @ solution.jacobian[: problem.rows].T
    moved = {(target.sample, target.name) for p in problem.parameters for target in p.targets}
    found: list[tuple[float, str]] = []
    for name, members in _inputs(problem, moved).items():
        # derivative of the residuals by the logarithm of a factor on these inputs
        ends = [_shift_inputs(problem, solution.x, members, np.exp(step)) for step in (_STEP, -_STEP)]
        slope = -float(gain @ ((ends[0] - ends[1]) / (2 * _STEP)))
        if abs(gap) < _LARGEST_CHANGE * abs(slope):
            change = gap / slope
            found.append((abs(change), f"{name} {np.exp(change):.2g} times as large"))
    return [text for _, text in sorted(found)[:_SUSPECTS]]


def _inputs(problem: FitProblem, moved: set[tuple[int, str]]) -> dict[str, list[tuple[int, str]]]:
    """Held inputs by what they are called; those of one name, and all radii of an experiment, move together."""
    found: dict[str, list[tuple[int, str]]] = {}
    for i, sample in enumerate(problem.samples):
        prefix = f"{sample.experiment.name}."
        for name in sample.names():
            if (i, name) in moved or not sample.value(name) or not np.isfinite(sample.value(name) or np.inf):
                continue
            key = name.removeprefix(prefix)
            if name.startswith(prefix) and key in _RADII:
                found.setdefault(f"radii of {sample.experiment.name}", []).append((i, name))
            elif name.endswith((".thickness", ".heat_capacity", ".period")):
                found.setdefault(name.replace("_", " "), []).append((i, name))
    return found


def _shift_inputs(problem: FitProblem, x: Array, members: list[tuple[int, str]], factor: float) -> NDArray[Any]:
    """(n,) predictions in standard uncertainties, free of correlations, with inputs multiplied by a factor."""
    parts: list[Array] = []
    for i, (sample, sigma) in enumerate(zip(problem.samples, problem.sigma, strict=True)):
        shifts = {name: factor * (sample.value(name) or 0.0) for at, name in members if at == i}
        experiment, stack = sample.with_changes({**problem.changes(i, x), **shifts})
        part = experiment.predict(stack) / sigma
        noise = problem.noise[i] if problem.noise else None
        parts.append(part if noise is None else noise.whiten(part)[0])
    return np.concatenate(parts)


@frozen(kw_only=True)
class CurveQuality(BaseRecord):
    """How a fitted curve lies in its data.

    `scatter`, `neighbours` and `usual` are shares of the value for ratios and amplitudes, of the largest value for
    other kinds, and in rad for phases.

    Attributes
    ----------
    experiment, kind : of the curve
    stated : whether its uncertainty was stated
    usual : scatter that an instrument of this kind stays below, or the stated uncertainty
    tests : of the randomness of the residuals; None for few points or without an order
    correlated : probability that neighbouring points have noise in common; NaN where there is no telling
    misfit : probability that what they have in common is a smooth misfit, not noise; NaN where they have nothing
    rough : probability that rough noise like that of the curve looks as smooth
    nearest : scatter about the curve of the model that comes nearest, that of least squares; `scatter` where the
        uncertainty was stated
    remaining : tests of the residuals freed of the correlations that the errors were widened for; None where they were
        not

    Examples
    --------
    >>> from kapitza.examples import fitted_film
    >>> from kapitza.measure.noise import judge_fit
    >>> found = fitted_film()
    >>> print(judge_fit(found).curves[0].points, "points")
    20 points
    """

    experiment: str
    kind: str
    points: int = field(metadata=about("1", "number of points"))
    stated: bool
    scatter: float = field(metadata=about("1, rad for phases", "root mean square of the residuals"))
    neighbours: float = field(metadata=about("1, rad for phases", "scatter from point to point"))
    usual: float = field(metadata=about("1, rad for phases", "stated, or what an instrument stays below"))
    tests: ResidualTests | None
    correlated: float = field(metadata=about("1", "probability that the noise is correlated"))
    misfit: float = field(metadata=about("1", "probability that what neighbours share is a smooth misfit"))
    rough: float = field(metadata=about("1", "probability that rough noise looks as smooth"))
    nearest: float = field(metadata=about("1, rad for phases", "scatter about the nearest curve of the model"))
    remaining: ResidualTests | None

    def in_words(self, size: float) -> str:
        """A scatter in the unit of the data."""
        shown = np.degrees(size) if self.kind == "phase" else 100 * size
        number = f"{shown:.0f}" if shown >= 10 else f"{shown:.2g}"
        return f"{number}°" if self.kind == "phase" else f"{number} %"


@frozen
class FitJudgement(BaseRecord):
    """Whether model and data agree.

    Attributes
    ----------
    verdict : "consistent"; "doubtful": the residuals are neither random nor explained by noise that neighbours share,
        but no larger than usual; "misfit": the model, or a stated uncertainty, does not hold
    curves : (m,) how each curve lies in its data
    reasons : in words, the gravest first; empty where all is consistent
    questions : about fitted numbers that are not those of bulk materials, with the inputs that may be wrong; a
        consistent fit may raise them

    Examples
    --------
    >>> from kapitza.examples import fitted_film
    >>> from kapitza.measure.noise import judge_fit
    >>> found = fitted_film()
    >>> print(judge_fit(found).verdict)
    consistent
    """

    verdict: Verdict
    curves: tuple[CurveQuality, ...]
    reasons: tuple[str, ...]
    questions: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the verdict is "consistent" and no question is open."""
        return self.verdict == "consistent" and not self.questions


def judge_fit(fit: JudgedFit) -> FitJudgement:
    """Judge a fit by the size and the order of its residuals, and by how far uncertain numbers had to move.

    A misfit is named where chi2 of stated uncertainties is larger than in 999 of 1000 measurements; where unstated
    scatter is larger than instruments have and more than half as large again as from point to point; where an uncertain
    number moved by more than 3.5 of its uncertainties; and where a free one ran into a limit of the search.

    Residuals that are not random leave a fit doubtful, unless the correlation is that of rough noise for which its
    errors were widened: what neighbours share must not be a smooth curve, as of a misfit, with a probability above 0.7
    (`CurveNoise.misfit`) and smoother than 97 of 100 simulated curves of such noise (`CurveNoise.rough`), and what is
    left beside it must be random.  Conductivities far from those of the library's
    bulk raise questions (`questions_of_bulk`).
    """
    from scipy.special import chdtr

    curves = tuple(_curve_qualities(fit))
    grave = [*_reasons_of_size(fit, curves), *_reasons_of_parameters(fit)]
    light = list(_reasons_of_order(curves))
    if all(one.stated for one in curves) and fit.freedom > 0 and chdtr(fit.freedom, fit.chi2) < _CHI2_CHANCE:
        light.append(f"{_chi2_in_words(fit)}: the stated uncertainties are too large, or the data were smoothed")
    verdict: Verdict = "misfit" if grave else "doubtful" if light else "consistent"
    return FitJudgement(verdict, curves, (*grave, *light), tuple(questions_of_bulk(fit)))


def is_parabolic(fit: JudgedFit, name: str) -> bool:
    """Whether value and standard uncertainty describe a parameter of a fit.

    Chi2 is a parabola over the 95 % interval of the parameter, of its logarithm where it is positive: the ends of the
    profile likelihood are those of the covariance, within a tenth of the half-length.  Where not, `Fit.interval`
    follows the profile, and the report says so.

    Raises
    ------
    InputError
        for a name that was not fitted

    Examples
    --------
    >>> from kapitza.examples import fitted_film
    >>> from kapitza.measure.noise import is_parabolic
    >>> found = fitted_film()
    >>> print(is_parabolic(found, "Al|Si.conductance"))
    True
    """
    names = [parameter.name for parameter in fit.problem.parameters]
    if name not in names:
        raise InputError(f"{name!r} was not fitted: there are {', '.join(names)}")
    return interval_ends(fit.problem, fit.solution, names.index(name), QUANTILE)[1]


def _curve_qualities(fit: JudgedFit) -> Iterator[CurveQuality]:
    problem, x = fit.problem, fit.solution.x
    white = split_by_data_set(problem, problem.data_residual(x))
    plain = plain_residuals(problem, x) if problem.ordered else white
    jacobians = split_by_data_set(problem, fit.solution.jacobian[: problem.rows])
    for i, (sample, residual, jacobian) in enumerate(zip(problem.samples, plain, jacobians, strict=True)):
        ordered = problem.ordered and residual.size > 2
        size = _unit_size(problem, i)
        stated = sample.curve.sigma is not None
        kind = sample.curve.kind
        usual = _USUAL_SCATTER.get(kind, _USUAL_SHARE)
        scatter = size * float(np.sqrt(np.mean(residual**2)))
        noise = fit.noise[i] if fit.noise else None
        is_white = noise is not None and noise.probability > CORRELATED and noise.noise.smooth == 0
        widened_for = problem.noise[i] if problem.noise else None
        yield CurveQuality(
            experiment=sample.experiment.name,
            kind=kind,
            points=residual.size,
            stated=stated,
            scatter=scatter,
            neighbours=size * _neighbour_scatter(residual) if ordered else float("nan"),
            usual=size if stated else usual,
            tests=examine_residuals(residual, jacobian) if ordered else None,
            correlated=float("nan") if noise is None else 0.0 if is_white else noise.probability,
            misfit=float("nan") if noise is None else noise.misfit,
            rough=1.0 if noise is None else noise.rough,
            nearest=scatter if stated else min(size, scatter),
            remaining=examine_residuals(white[i], jacobian) if widened_for and widened_for.smooth > 0 else None,
        )


def _unit_size(problem: FitProblem, i: int) -> float:
    """Median uncertainty of a curve: of the value, of the largest value, or in rad."""
    curve, sigma = problem.samples[i].curve, problem.sigma[i]
    size = np.abs(curve.value)
    if curve.kind == "phase":
        return float(np.median(sigma))
    if curve.kind in _USUAL_SCATTER and (size > 0).all():
        return float(np.median(sigma / size))
    return float(np.median(sigma)) / (float(size.max()) or 1.0)


def _neighbour_scatter(residual: Array) -> float:
    """Scatter (1) by the distances of points from the middle of their neighbours, which no smooth misfit changes.

    T. Gasser, L. Sroka and C. Jennen-Steinmetz, Biometrika 73, 625 (1986), doi:10.1093/biomet/73.3.625.
    """
    bend = residual[1:-1] - (residual[:-2] + residual[2:]) / 2
    return float(np.sqrt(np.mean(bend**2) / 1.5))


def _reasons_of_size(fit: JudgedFit, curves: tuple[CurveQuality, ...]) -> Iterator[str]:
    """Residuals that are larger than the instrument makes them."""
    from scipy.special import chdtrc

    if all(one.stated for one in curves) and fit.freedom > 0 and chdtrc(fit.freedom, fit.chi2) < _CHI2_CHANCE:
        yield f"{_chi2_in_words(fit)}: the model misses the data, or the stated uncertainties are too small"
    for one in curves:
        # noise that neighbours share may draw the likeliest curve off the data, though another comes near
        beyond = one.nearest > one.usual and not one.nearest <= _BEYOND_NEIGHBOURS * one.neighbours
        if not one.stated and beyond:
            yield (
                f"{one.experiment}: points lie {one.in_words(one.nearest)} off the curve, but scatter by "
                f"{one.in_words(one.neighbours)} from point to point, where {one.in_words(one.usual)} is usual at "
                "most: the model misses the data"
            )


def _chi2_in_words(fit: JudgedFit) -> str:
    return f"chi2 = {fit.chi2:.4g} for {fit.freedom:.4g} degrees of freedom"


def _reasons_of_parameters(fit: JudgedFit) -> Iterator[str]:
    """Uncertain numbers that had to move far, and free ones on a limit."""
    problem, solution = fit.problem, fit.solution
    for parameter, x, inside in zip(problem.parameters, solution.x.tolist(), solution.inside.tolist(), strict=True):
        value = format_parameter(parameter.name, parameter.value(x), 4)
        pull = abs(x) / parameter.width
        if parameter.known and pull > _PULL:
            yield f"{parameter.name} moved to {value}, {pull:.1f} of its standard uncertainties from what was stated"
        if not parameter.known and not inside:
            yield f"{parameter.name} ran into the limit of its search at {value}"


def _reasons_of_order(curves: tuple[CurveQuality, ...]) -> Iterator[str]:
    """Residuals that are not random, and noise that is larger than usual."""
    for one in curves:
        tests, remaining = one.tests, one.remaining
        if one.misfit > _SMOOTH and one.rough < _ROUGH_CHANCE:
            yield (
                f"{one.experiment}: the residuals are not random ({_order_in_words(tests)}), and smooth as those of a "
                "model that misses the data, or of a slow drift"
            )
        elif remaining is not None:
            if remaining.chance < _CHANCE:
                order = _order_in_words(remaining)
                yield f"{one.experiment}: beside noise that neighbours share, the residuals are not random ({order})"
        elif (tests is not None and tests.chance < _CHANCE) or one.correlated > CORRELATED:
            yield f"{one.experiment}: the residuals are not random ({_order_in_words(tests)})"
        elif not one.stated and one.scatter > one.usual and one.scatter <= _BEYOND_NEIGHBOURS * one.neighbours:
            yield (
                f"{one.experiment}: {one.in_words(one.scatter)} of noise, more than the "
                f"{one.in_words(one.usual)} that instruments usually stay below"
            )


def _order_in_words(tests: ResidualTests | None) -> str:
    if tests is None:
        return "neighbours have noise in common"
    parts = [f"Durbin-Watson {tests.durbin_watson:.2g}, correlation of neighbours {tests.lag_one:.2f}"]
    if tests.runs_chance < _CHANCE:
        parts.append(f"{tests.runs} runs of one sign")
    if tests.period_chance < _CHANCE:
        parts.append(f"a line of {tests.period:.3g} points in the spectrum")
    return ", ".join(parts)


def judgement_lines(fit: JudgedFit) -> list[str]:
    """Quality of a fit in words: points, scatter beside what the instrument should have, order, verdict."""
    found = judge_fit(fit)
    stated = all(one.stated for one in found.curves)
    chi2 = f", chi2 = {fit.chi2:.4g} for {fit.freedom:.4g}" if stated else ""
    lines = [f"{fit.problem.rows} points, {len(fit.problem.parameters)} parameters{chi2}"]
    for one, noise in zip(found.curves, fit.noise or (None,) * len(found.curves), strict=True):
        beside = "stated" if one.stated else "usual: up to"
        near = "" if np.isnan(one.neighbours) else f", {one.in_words(one.neighbours)} from point to point"
        lines.append(
            f"  {one.experiment}: {one.points} points of {one.kind}, {one.in_words(one.scatter)} off the curve{near} "
            f"({beside} {one.in_words(one.usual)})"
        )
        if noise is not None and noise.probability > CORRELATED:
            rough = (
                f"correlation {noise.noise.lag_one:.2f} from the residuals; if it lasts longer than half of the curve,"
            )
            shared = f"noise that neighbours share ({rough} 95 % intervals hold 85 to 98 %)"
            larger = f"scatter {np.sqrt(noise.noise.white):.3g} times the stated"
            lines.append(f"  {one.experiment}: errors are widened for {shared if noise.noise.smooth else larger}")
    shared = any(one.remaining is not None for one in found.curves)
    agreed = "model and data agree" + (", with noise that neighbours share" if shared else "")
    said = {"consistent": agreed, "doubtful": "doubtful", "misfit": "MISFIT"}[found.verdict]
    lines.append(f"verdict: {said}" + "".join(f"\n  {reason}" for reason in found.reasons))
    return [*lines, *(f"question: {one}" for one in found.questions)]
