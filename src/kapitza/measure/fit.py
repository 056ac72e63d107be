"""One verb for all fits: thermoreflectance and other experiments on stacks, temperatures of a device, spectra."""

from collections.abc import Mapping, Sequence
from typing import Any, overload

from kapitza.core.arrays import check_record
from kapitza.core.stack import Stack
from kapitza.device.description import Device
from kapitza.errors import InputError
from kapitza.measure.device.fit import fit_device
from kapitza.measure.device.thermometry import MeasuredTemperatures
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.fitting.problem import FitConstraints
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.eels.model import SpectrumModel, VibrationalMode
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.measure.experiment import Curve, Experiment, as_records
from kapitza.measure.fit_result import Fit, solve_problem
from kapitza.measure.problem import GIVE_PRIOR, DataSet, FitProblem, Free, Prior, Tie, resolve_parameters

_FreeNames = str | Sequence[str] | Mapping[str, Free]


@overload
def fit(
    subject: Experiment | Sequence[Experiment],
    data: Curve | Sequence[Curve],
    stack: Stack | Sequence[Stack],
    free: _FreeNames,
    *,
    priors: Mapping[str, Prior] | None = None,
    ties: Mapping[str, Tie] | None = None,
    starts: int = 3,
    seed: int = 0,
) -> Fit: ...
@overload
def fit(
    subject: Device,
    data: MeasuredTemperatures | Sequence[MeasuredTemperatures],
    *,
    free: _FreeNames,
    priors: Mapping[str, Prior] | None = None,
    starts: int = 3,
    seed: int = 0,
) -> Fit: ...
@overload
def fit(
    subject: SpectrumModel | Sequence[VibrationalMode],
    data: SpectrumImage,
    *,
    priors: Mapping[str, Prior] | None = None,
) -> TemperatureMap: ...
def fit(
    subject: Any,
    data: Any,
    stack: Stack | Sequence[Stack] | None = None,
    free: _FreeNames = (),
    *,
    priors: Mapping[str, Prior] | None = None,
    ties: Mapping[str, Tie] | None = None,
    starts: int = 3,
    seed: int = 0,
) -> Fit | TemperatureMap:
    r"""Most likely values of free and uncertain numbers, from measurements of any kind.

    Minimises $\sum_i [(y_i - f_i)/\sigma_i]^2 + \sum_j [(u_j - u_j^0)/s_j]^2$ over free numbers (no prior) and
    uncertain ones (a finite prior); u is the logarithm of a positive number, else the number itself.  Where a curve
    comes without uncertainty, its scatter about the fit gives it: as a share of the fitted curve for ratios and
    amplitudes, equal for all points of other kinds.  The covariance is the inverse of the second derivatives
    (Laplace), so that it contains the uncertainty of every calibrated input, as in Yang, Ziade and Schmidt, Rev. Sci.
    Instrum. 87, 014901 (2016), doi:10.1063/1.4939671.

    Temperatures of a device are fitted in the same way, with exact derivatives (`fit_device`).  Spectra are fitted
    pixel by pixel by Poisson maximum likelihood (`fit_spectra`, which has further options).

    Parameters
    ----------
    subject : what is fitted: experiments, one or one for each curve (several of one name share the parameters of that
        name); a `Device`; or the `VibrationalMode` records or `SpectrumModel` of spectra
    data : curve or curves; `MeasuredTemperatures`, one set or several; or a `SpectrumImage`
    stack : of experiments, one for all or one for each curve
    free : name or names of the free numbers, or their start and limits by name (see `resolve_parameters`)
    priors : uncertain numbers; for spectra with value and uncertainty
    ties : names for several numbers that are one
    starts : number of starting points
    seed : of their scatter

    Raises
    ------
    InputError
        if subject and data do not belong together, or names, numbers of curves and stacks, or sizes do not fit
    ConvergenceError
        if no starting point leads to a minimum
    """
    if isinstance(subject, Device):
        _check_unused("a device", {"stack": stack, "ties": ties})
        sets = as_records(data, MeasuredTemperatures, "a fit of a device needs MeasuredTemperatures, one set or a list")
        return fit_device(subject, sets, free, priors=priors, starts=starts, seed=seed)
    several = subject if isinstance(subject, (tuple, list)) and subject else (subject,)
    if all(isinstance(model, (SpectrumModel, VibrationalMode)) for model in several):
        _check_unused("spectra", {"stack": stack, "free": free, "ties": ties})
        image = as_records(data, SpectrumImage, "a fit of spectra needs one SpectrumImage")[0]
        known: dict[str, tuple[float, float]] = {}
        for name, prior in (priors or {}).items():
            check_record(prior, Prior, python=f"give {name!r} as Prior(value, sigma)")
            if prior.value is None:
                raise InputError(f"{name}: a spectrum holds no value before the fit,", hint=GIVE_PRIOR)
            known[name] = prior.value, prior.width(prior.value)
        return fit_spectra(image, subject, constraints=FitConstraints(priors=known))
    samples = _make_data_sets(subject, data, stack)
    parameters = resolve_parameters(samples, free, priors or {}, ties or {})
    return solve_problem(FitProblem(samples, parameters), starts=starts, seed=seed)


def _check_unused(what: str, given: Mapping[str, object]) -> None:
    for name, value in given.items():
        if value:
            raise InputError(f"a fit of {what} takes no {name}: omit it")


def _make_data_sets(subject: object, data: object, stack: object) -> tuple[DataSet, ...]:
    """Experiments with their curves and stacks; a single experiment or stack serves for all curves."""
    known = "an experiment such as thermoreflectance.Tdtr or a list of them, a Device, or a list of VibrationalMode"
    experiments = as_records(subject, Experiment, f"a fit takes {known}")
    if stack is None:
        raise InputError(f"a fit of {experiments[0].name!r} needs the stack that was measured; a device needs none")
    curves = as_records(data, Curve, "a fit of experiments needs a Curve, or a list with one for each")
    stacks = as_records(stack, Stack, "a fit of experiments needs a Stack, or a list with one for each curve")
    if isinstance(stack, Stack):
        stacks *= len(curves)
    if not isinstance(subject, (tuple, list)):
        experiments *= len(curves)
    counts = len(experiments), len(curves), len(stacks)
    if min(counts) == 0 or len(set(counts)) > 1:
        raise InputError("{} experiments, {} curves and {} stacks do not fit together".format(*counts))
    for each, curve in zip(experiments, curves, strict=True):
        kind = getattr(each, "kind", curve.kind)
        if kind != curve.kind:
            raise InputError(f"{each.name} predicts the {kind}, its curve holds the {curve.kind}: make them the same")
    return tuple(map(DataSet, experiments, curves, stacks))
