"""The view Thermoreflectance: a sample file with its data, the numbers that sliders move, and the fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from attrs import evolve, field, frozen

import kapitza
from kapitza import Fit, measure
from kapitza.core import BaseRecord, parse_toml
from kapitza.core.arrays import Array, about
from kapitza.core.files import read_limited
from kapitza.core.parameter_units import format_parameter, kind_of_parameter, shown_unit, with_error
from kapitza.errors import InputError
from kapitza.io import MAX_TOML_BYTES, SampleFile, own_folder_only, read_sample
from kapitza.io.quantities import quantity
from kapitza.measure.noise import judge_fit
from kapitza.web.models.toml_text import format_toml

_FREE_REACH = math.log(10.0)  # of the slider of a free number, in its logarithm, to both sides
_KNOWN_REACH = 4.0  # standard uncertainties of an uncertain number that its slider reaches
_SIMULATED_NOISE = 0.01  # of points where the file names no data: a share, or rad
VERDICTS: Mapping[str, str] = {
    "consistent": "model and data agree", "doubtful": "doubtful", "misfit": "the model does not fit"
}  # fmt: skip


@frozen(eq=False)
class Trial(BaseRecord):
    """A sample with the numbers that sliders move.

    Attributes
    ----------
    sample : what the file says
    path : of the file
    problem : data, numbers that can be moved, and uncertainties of the points
    simulated : whether the points are simulated, since the file names no data
    remarks : what was taken for what the file leaves open
    """

    sample: SampleFile
    path: Path
    problem: measure.FitProblem
    simulated: bool = False
    remarks: tuple[str, ...] = field(default=(), converter=tuple)

    @property
    def parameters(self) -> tuple[measure.Parameter, ...]:
        """(p,) numbers that can be moved, the free ones first."""
        return self.problem.parameters

    @property
    def start(self) -> Array:
        """(p,) coordinates of what the file says."""
        return np.zeros(len(self.parameters))


@frozen(eq=False, kw_only=True)
class TrialCurves(BaseRecord):
    """Curves at one place of the sliders.

    Attributes
    ----------
    value : (m,) of (n,) predictions
    residual : (m,) of (n,) data less prediction, in standard uncertainties of the points
    """

    value: tuple[Array, ...] = field(metadata=about("of the signals", "predictions"))
    residual: tuple[Array, ...] = field(metadata=about("1", "in standard uncertainties"))

    @property
    def chi2(self) -> float:
        """Sum of the squared residuals."""
        return float(sum(float(one @ one) for one in self.residual))


def open_trial(path: Path) -> Trial:
    """Read a sample file, which names files of its own folder only.  InputError: if it has no experiments."""
    with own_folder_only():
        sample = read_sample(path)
    if not sample.experiments:
        raise InputError("the file has no [[experiments]]: there is nothing to draw")
    remarks: list[str] = []
    measured = [i for i, curve in enumerate(sample.curves) if curve is not None]
    chosen = measured or range(len(sample.experiments))
    sets: list[measure.DataSet] = []
    for i in chosen:
        experiment, stack = sample.experiments[i], sample.stacks[i]
        curve = sample.curves[i] or measure.simulate_curve(experiment, stack, noise=_SIMULATED_NOISE)
        sets.append(measure.DataSet(experiment, curve, stack))
    if not measured:
        remarks.append("the file names no data: the points are simulated from its own numbers, with 1 % of noise")
    if sample.repeats:
        remarks.append(f"{len(sample.repeats)} repeats on other spots are left to `kapitza fit`")
    free = sample.free or {one: measure.Free() for one in _conductances(sets[0])}
    if not sample.free:
        remarks.append(f"the file leaves nothing free: here it is {', '.join(free)}")
    problem = measure.FitProblem(tuple(sets), measure.resolve_parameters(sets, free, sample.priors, sample.ties))
    return Trial(evolve(sample, free=free), path, problem, not measured, remarks)


def _conductances(one: measure.DataSet) -> list[str]:
    """Conductances that could be fitted: those of boundaries that resist; else of layers."""
    found = [f"{name}.conductance" for name in one.stack.boundary_names]
    found = [name for name in found if math.isfinite(one.value(name) or math.inf)]
    return found or [f"{layer.name}.conductivity" for layer in one.stack.layers]


def slider_range(parameter: measure.Parameter) -> tuple[float, float]:
    """Lowest and highest coordinate of a slider."""
    reach = _KNOWN_REACH * parameter.width if parameter.known else _FREE_REACH if parameter.unit is None else 1.0
    return max(parameter.low, -reach), min(parameter.high, reach)


def number_text(parameter: measure.Parameter, coordinate: float) -> str:
    """Value of a number at a coordinate, with its unit."""
    return format_parameter(parameter.name, parameter.value(coordinate), 4)


def coordinate_of_text(parameter: measure.Parameter, text: str) -> float:
    """Coordinate of a typed number in the unit that is shown, or with a unit of its own.

    InputError: for what is no number in such a unit, or no value that the number can have.
    """
    unit, size, _ = shown_unit(parameter.name)
    try:
        value = float(text) * size
    except ValueError:
        value = quantity(text.strip(), kind_of_parameter(parameter.name), what=parameter.name)
    if not math.isfinite(value):
        raise InputError(f"{parameter.name} = {text!r:.40}: expected a finite number, in {unit or 'no unit'}")
    return parameter.coordinate(value)


def trial_curves(trial: Trial, x: Array) -> TrialCurves:
    """Curves and residuals at coordinates (p,)."""
    value = tuple(trial.problem.prediction(i, x) for i in range(len(trial.problem.samples)))
    return TrialCurves(value=value, residual=tuple(-one for one in measure.plain_residuals(trial.problem, x)))


def trial_sensitivity(trial: Trial, number: int, x: Array) -> tuple[measure.Sensitivity, Array]:
    """Sensitivities of one experiment at coordinates (p,), and (n,) what it varies, SI."""
    held = trial.problem.samples[number]
    experiment, stack = held.with_changes(trial.problem.changes(number, x))
    found = measure.sensitivity(experiment, stack, kind=str(getattr(experiment, "kind", held.curve.kind)))
    return found, measure.independent_variable(experiment)[1]


def fit_trial(path: Path, starts: Mapping[str, float]) -> Fit:
    """Fit a sample file, as `kapitza fit` does, from other starts of the free numbers (SI, by name)."""
    trial = open_trial(path)
    free = dict(trial.sample.free)
    for name, start in starts.items():
        one = free.get(name)
        if one is not None and (one.low is None or start > one.low) and (one.high is None or start < one.high):
            free[name] = evolve(one, start=start)
    sets = trial.problem.samples
    experiments, curves, stacks = ([getattr(one, part) for one in sets] for part in ("experiment", "curve", "stack"))
    found = kapitza.fit(experiments, curves, stacks, free, priors=trial.sample.priors, ties=trial.sample.ties)
    return evolve(found, temperature=trial.sample.temperature)


def with_fit(trial: Trial, found: Fit) -> tuple[Trial, Array]:
    """Return the trial with the uncertainties that a fit found, and (p,) the coordinates of its minimum in it."""
    problem = evolve(trial.problem, sigma=found.problem.sigma)
    values = found.problem.values(found.solution.x).tolist()
    x = [one.coordinate(value) for one, value in zip(problem.parameters, values, strict=True)]
    return evolve(trial, problem=problem), np.array(x)


def fit_rows(found: Fit) -> list[dict[str, str]]:
    """The numbers of a fit with their total uncertainties, a row each; a bound where the data do not determine one."""
    rows: list[dict[str, str]] = []
    numbers = zip(found.problem.parameters, found.value.tolist(), found.sigma.tolist(), strict=True)
    for one, value, sigma in numbers:
        unit, size, _ = shown_unit(one.name)
        text = f"{with_error(value / size, sigma / size)} {unit}".strip()
        if one.name in found.bounds:
            text = measure.format_bound(found.bounds[one.name], one.name)
        rows.append({"name": one.name, "value": text, "kind": "uncertain" if one.known else "free"})
    return rows


def verdict_of(found: Fit) -> tuple[str, str, tuple[str, ...]]:
    """Verdict on a fit, in words, and its reasons and questions."""
    judged = judge_fit(found)
    questions = tuple(f"question: {one}" for one in judged.questions)
    return judged.verdict, VERDICTS[judged.verdict], (*judged.reasons, *questions)


def sample_texts(trial: Trial, x: Array) -> dict[str, str]:
    """What is on the screen as Python, TOML and command line; the free numbers start where the sliders stand."""
    name = trial.path.name
    table = parse_toml(read_limited(trial.path, MAX_TOML_BYTES), trial.path)
    values = {one.name: one.value(u) for one, u in zip(trial.parameters, x.tolist(), strict=True) if not one.known}
    fit = dict(table.get("fit", {}))
    limits = {
        key: {end: getattr(one, end) for end in ("low", "high") if getattr(one, end) is not None}
        for key, one in trial.sample.free.items()
    }
    fit["free"] = {key: {"start": float(f"{value:.6g}"), **limits.get(key, {})} for key, value in values.items()}
    curves, simulation = "list(sample.curves)", ""
    command = f"kapitza fit {name} --plot fit.png\n"
    if trial.simulated:
        command, curves = f"kapitza simulate {name}\n", "curves"
        simulation = (
            "curves = [\n"
            f"    kapitza.measure.simulate_curve(one, stack, noise={_SIMULATED_NOISE})\n"
            "    for one, stack in zip(sample.experiments, sample.stacks)\n"
            "]\n"
        )
    python = (
        "import kapitza\n\n"
        f'sample = kapitza.io.read_sample("{name}")  # the TOML beside\n'
        f"{simulation}found = kapitza.fit(\n"
        f"    list(sample.experiments), {curves}, list(sample.stacks), sample.free,\n"
        "    priors=sample.priors, ties=sample.ties,\n"
        ")\n"
        "print(kapitza.measure.fit_report(found))\n"
    )
    command += f"kapitza sensitivity {name}\n"
    return {"Python": python, "TOML": format_toml({**table, "fit": fit}), "Command line": command}


def curves_table(trial: Trial, curves: TrialCurves) -> str:
    """Data, curve and residuals as CSV, SI."""
    lines = ["experiment,kind,x,data,sigma,curve,residual"]
    parts = (trial.problem.samples, trial.problem.sigma, curves.value, curves.residual)
    for one, sigma, value, residual in zip(*parts, strict=True):
        rows = zip(one.curve.x, one.curve.value, sigma, value, residual, strict=True)
        lines += [",".join([one.experiment.name, one.curve.kind, *(f"{number:.8g}" for number in row)]) for row in rows]
    return "\n".join(lines) + "\n"
