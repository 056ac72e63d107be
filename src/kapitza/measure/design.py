"""What a measurement would tell: sensitivities, and the settings that determine a number best."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, overload

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, finite, name_tuple, numbers
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Stack
from kapitza.device.description import Device
from kapitza.errors import InputError
from kapitza.measure.device.fit import device_priors, device_problem
from kapitza.measure.device.thermometry import MeasuredTemperatures, change_device, check_places, movable_numbers
from kapitza.measure.eels.design import EelsDesign, design_eels
from kapitza.measure.eels.experiment import EelsExperiment
from kapitza.measure.experiment import Curve, Experiment, as_records
from kapitza.measure.problem import RELATIVE_KINDS, DataSet, FitProblem, Free, Prior, Tie, resolve_parameters

_LOGARITHM_STEP = 1e-4  # of the logarithm; the error of the differences is about 1e-9


@frozen(eq=False)
class Sensitivity(BaseRecord):
    r"""Logarithmic derivatives of a signal.

    Attributes
    ----------
    names : (p,) of the numbers
    value : (p, n) $S_p = \partial\ln f/\partial\ln p$; for phases $\partial\phi/\partial\ln p$ in rad; per unit of p
        where p is 0 or may be negative
    kind : of the signal

    Examples
    --------
    >>> from kapitza.examples import aluminium_on_silicon
    >>> from kapitza.measure import sensitivity
    >>> from kapitza.thermoreflectance import FilmCooling
    >>> film = aluminium_on_silicon()
    >>> found = sensitivity(FilmCooling([1e-9, 3e-9]), film, ["Al|Si.conductance"], kind="temperature")
    >>> print(found.names, found.of("Al|Si.conductance").round(2))
    ('Al|Si.conductance',) [-0.36 -0.74]
    """

    names: tuple[str, ...]
    value: NDArray[np.float64] = field(metadata=about("1, rad for phases", "logarithmic sensitivity"))
    kind: str = "ratio"

    def of(self, name: str) -> Array:
        """(n,) sensitivity to one number."""
        if name not in self.names:
            raise InputError(f"no sensitivity to {name!r}: there are {', '.join(self.names)}")
        return finite(self.value[self.names.index(name)])


def sensitivity(
    experiment: Experiment, stack: Stack, names: str | Sequence[str] | None = None, *, kind: str = "ratio"
) -> Sensitivity:
    r"""Sensitivity of what an experiment would measure to numbers of its own and of the stack.

    Central differences of $\ln f$ over $\ln p$, after the definition of Gundrum, Cahill and Averback, Phys. Rev. B 72,
    245426 (2005), doi:10.1103/PhysRevB.72.245426.

    Parameters
    ----------
    experiment, stack : what is measured on what
    names : of the numbers; all that have a finite value, and are not 0, where None
    kind : of the signal; absolute derivatives for "phase"

    Raises
    ------
    InputError
        for a name that neither has, or a number without a finite value
    """
    sample = DataSet(experiment, Curve([], [], kind=kind), stack)
    wanted = (n for n in sample.names() if _has_finite_value(sample, n)) if names is None else names
    chosen = name_tuple(wanted)
    return Sensitivity(chosen, np.array([_sensitivity_row(sample, name) for name in chosen]), kind)


def _has_finite_value(sample: DataSet, name: str) -> bool:
    value = sample.value(name)
    return value is not None and bool(np.isfinite(value)) and value != 0


def _sensitivity_row(sample: DataSet, name: str) -> Array:
    present = sample.value(name)
    if present is None or not np.isfinite(present):
        known = ", ".join(n for n in sample.names() if _has_finite_value(sample, n))
        raise InputError(f"{name!r} has no finite value here: there are {known}")
    signed = sample.may_be_negative(name) or present == 0
    ends = (
        (present + _LOGARITHM_STEP, present - _LOGARITHM_STEP)
        if signed
        else (present * np.exp(_LOGARITHM_STEP), present * np.exp(-_LOGARITHM_STEP))
    )
    signals: list[Array] = []
    for end in ends:
        experiment, stack = sample.with_changes({name: float(end)})
        signal = experiment.predict(stack)
        signals.append(signal if sample.curve.kind == "phase" else np.log(np.abs(signal)))
    return (signals[0] - signals[1]) / (2 * _LOGARITHM_STEP)


@frozen(eq=False)
class Design(BaseRecord):
    """What one choice of settings would give.

    Attributes
    ----------
    sigma : relative standard uncertainty of each free number, with those of the uncertain ones in it
    merit : -ln det of the covariance of the logarithms of the free numbers (D-optimality), for which an error that all
        free numbers share counts once
    pareto : whether no other choice measures one of the free numbers better and none worse

    Examples
    --------
    >>> from kapitza import design
    >>> from kapitza.examples import aluminium_on_silicon, film_cooling
    >>> film = aluminium_on_silicon()
    >>> best, *_ = design(
    ...     film_cooling(), film, ["Al|Si.conductance"], settings={"Al.thickness": [40e-9, 80e-9]}, kind="temperature"
    ... )
    >>> print({name: f"{value * 1e9:.0f} nm" for name, value in best.settings.items()})
    {'Al.thickness': '40 nm'}
    """

    settings: Mapping[str, float] = field(metadata=about("SI, by name", "settings"))
    sigma: Mapping[str, float] = field(metadata=about("1, by name", "relative uncertainty"))
    merit: float = field(metadata=about("1", "-ln det of the covariance"))
    pareto: bool = field(default=True)


@overload
def design(
    subject: Experiment | Sequence[Experiment],
    on: Stack,
    free: str | Sequence[str],
    *,
    settings: Mapping[str, ArrayLike],
    priors: Mapping[str, Prior] | None = None,
    ties: Mapping[str, Tie] | None = None,
    noise: float = 0.005,
    kind: str = "ratio",
) -> tuple[Design, ...]: ...
@overload
def design(
    subject: Device,
    on: MeasuredTemperatures | Sequence[MeasuredTemperatures],
    free: str | Sequence[str],
    *,
    settings: Mapping[str, ArrayLike],
    priors: Mapping[str, Prior] | None = None,
) -> tuple[Design, ...]: ...
@overload
def design(subject: EelsExperiment, *, settings: Mapping[str, ArrayLike] | None = None) -> EelsDesign: ...
def design(
    subject: Any,
    on: Any = None,
    free: str | Sequence[str] = (),
    *,
    settings: Mapping[str, ArrayLike] | None = None,
    priors: Mapping[str, Prior] | None = None,
    ties: Mapping[str, Tie] | None = None,
    noise: float = 0.005,
    kind: str = "ratio",
) -> tuple[Design, ...] | EelsDesign:
    r"""Rank all combinations of settings by what they would tell of the free numbers.

    The Fisher information $J^TJ + \mathrm{diag}(s^{-2})$ of data and priors is inverted and its block of the free
    numbers kept, $C$.  Designs are ranked by the errors of the free numbers: first the Pareto front, the designs that
    no other beats in one number without losing in another, then the rest, each by the product of the errors.  The
    determinant of C (D-optimality; Kiefer and Wolfowitz, Ann. Math. Stat. 30, 271 (1959),
    doi:10.1214/aoms/1177706252) ranks by the volume of the joint region instead, and may put a design first that
    measures every single number worse.  A prior given as a share follows the setting.

    A planned scan of spectra has its Cramér-Rao bounds instead (`design_eels`, which has further options).

    Parameters
    ----------
    subject : experiment, or several that are made together on the stack, each with the settings; a `Device` with the
        expected values; or an `EelsExperiment`
    on : stack that the experiments are made on, with the expected values; or `MeasuredTemperatures`, whose places and
        uncertainties are those of the plan, while their temperatures do not matter
    free : names of what is to be measured
    settings : candidates by name, for example {"tdtr.modulation": [...], "Al.thickness": [...]}; of a device its
        numbers, as {"finger.power": [...]}; of spectra the resolutions, as {"fwhm": [...]}
    priors : uncertain numbers
    ties : names for several numbers that are one
    noise : of experiments, standard uncertainty of each point, relative; for kind "phase" in rad
    kind : of their signal

    Returns
    -------
    designs, those of the Pareto front first

    Raises
    ------
    InputError
        for unknown names, no candidates, or noise not above zero
    """
    if isinstance(subject, EelsExperiment):
        if unknown := sorted(set(settings or {}) - {"fwhm"}):
            raise InputError(f"no setting {unknown[0]!r} of a scan of spectra: there is fwhm")
        return design_eels(subject, widths=(settings or {}).get("fwhm"))
    sets: tuple[MeasuredTemperatures, ...] = ()
    if isinstance(subject, Device):
        needs = "a design of a device needs MeasuredTemperatures, one set or a list"
        sets = as_records(on, MeasuredTemperatures, needs)
    else:
        known = "an experiment such as thermoreflectance.Tdtr or a list of them, a Device, or an EelsExperiment"
        subject = as_records(subject, Experiment, f"a design takes {known}")
        as_records(on, Stack, "a design of experiments needs the Stack that they are made on")
    if not noise > 0:
        raise InputError(f"noise = {noise:g}, wanted above 0")
    if not settings:
        raise InputError("no settings to choose from: give candidates by name, as {'Al.thickness': [60e-9, 90e-9]}")
    names, given = {name: Free() for name in name_tuple(free)}, priors or {}
    designs: list[Design] = []
    choices = {name: numbers(values).tolist() for name, values in settings.items()}
    for values in product(*choices.values()):
        chosen: dict[str, float] = dict(zip(choices, values, strict=True))
        if isinstance(subject, Device):
            _check_settings(chosen, movable_numbers(subject))
            changed = change_device(subject, chosen)
            for measured in sets:
                check_places(changed, measured)
            problem: FitProblem = device_problem(changed, sets, names, device_priors(changed, names, given))
        else:
            samples = _data_sets_at(subject, on, chosen, noise, kind)
            sigmas = tuple(s.curve.sigma for s in samples if s.curve.sigma is not None)
            problem = FitProblem(samples, resolve_parameters(samples, names, given, ties or {}), sigmas)
        jacobian = problem.jacobian(np.zeros(len(problem.parameters)))
        information = jacobian.T @ jacobian + np.diag(problem.width**-2)
        # columns at equal size before the inversion: logarithms of vague and of sharp numbers stand side by side
        size = np.sqrt(np.diag(information))
        covariance = np.linalg.inv(information / np.outer(size, size)) / np.outer(size, size)
        own = covariance[: len(names), : len(names)]
        sigma = {name: float(np.sqrt(own[i, i])) for i, name in enumerate(names)}
        designs.append(Design(chosen, sigma, -float(np.linalg.slogdet(own)[1])))
    return _rank(designs)


def _rank(designs: Sequence[Design]) -> tuple[Design, ...]:
    """Designs with their place on the Pareto front, the front first, and each part by the product of the errors."""
    errors = np.log([list(one.sigma.values()) for one in designs])
    rounded = np.round(errors, 9)  # equal designs do not beat each other by rounding
    marked = [
        evolve(one, pareto=not ((rounded <= row).all(axis=1) & (rounded < row).any(axis=1)).any())
        for one, row in zip(designs, rounded, strict=True)
    ]
    order = sorted(range(len(designs)), key=lambda i: (not marked[i].pareto, float(errors[i].sum())))
    return tuple(marked[i] for i in order)


def _check_settings(settings: Mapping[str, float], known: Iterable[str]) -> None:
    names = sorted(set(known))
    if unknown := [name for name in settings if name not in names]:
        raise InputError(f"no setting {unknown[0]!r}: there are {', '.join(names)}")


def _data_sets_at(
    experiments: Sequence[Experiment], stack: Stack, settings: dict[str, float], noise: float, kind: str
) -> tuple[DataSet, ...]:
    blank = [DataSet(each, Curve([], []), stack) for each in experiments]
    _check_settings(settings, (name for one in blank for name in one.names()))
    samples: list[DataSet] = []
    for one in blank:
        changed, on = one.with_changes({name: value for name, value in settings.items() if name in one.names()})
        signal = changed.predict(on)
        # noise is a share of each value, or of the largest one for kinds that cross zero
        size = np.abs(signal) if kind in RELATIVE_KINDS else np.full(signal.shape, np.abs(signal).max())
        sigma = np.full(signal.shape, noise) if kind == "phase" else noise * size
        samples.append(DataSet(changed, Curve(np.arange(signal.size), signal, sigma, kind), on))
    return tuple(samples)
