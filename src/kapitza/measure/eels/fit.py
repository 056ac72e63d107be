"""Spectra to temperatures: every pixel fitted by maximum likelihood in the domain of counts."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.errors import InputError, require
from kapitza.measure.eels.fitting.problem import (
    SAMPLE_SPECTRA,
    FitConstraints,
    FitProblem,
    first_guess,
    pose_problem,
    single_starts,
    sufficient_spectra,
)
from kapitza.measure.eels.fitting.search import SearchResult, to_coordinates
from kapitza.measure.eels.map import PixelFlag, TemperatureMap, count_flags
from kapitza.measure.eels.model import SpectrumModel, TieChoice, VibrationalMode
from kapitza.measure.eels.quality import saturated_channels, saturation_level
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress, run_units, thread_executor
from kapitza.units import meV

_SEARCH_VERSION = "eels-fit-4"  # of the search: part of the address of stored results
_PIXELS_PER_UNIT = 256  # pixels of one unit of work
_START_SPECTRA = 25  # spectra that are fitted for the start of all others
_MISFIT_PROBABILITY = 1e-4  # goodness of fit below which a pixel is flagged
_MAX_EVALUATIONS = 60  # evaluations of one spectrum
_STEP_TOLERANCE = 3e-2  # standard uncertainties: shorter than this, a step is the last; what is left then is far less


def fit_spectra(
    image: SpectrumImage,
    modes: Sequence[VibrationalMode] | SpectrumModel,
    *,
    tie: TieChoice = "common",
    constraints: FitConstraints | None = None,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
) -> TemperatureMap:
    r"""Temperature and all other parameters of each pixel, by Poisson maximum likelihood.

    The model of `kapitza.measure.eels.model` is fitted to the counts as they are: dark counts and efficiencies are part
    of the model, the zero-loss peak has a centre, a width and a tail in each pixel, nothing is subtracted or resampled.
    Search: damped Fisher scoring with analytic derivatives from starts found automatically (`fitting`).

    Search and model are compiled by numba, for every shape of the zero-loss peak.

    Parameters
    ----------
    image : the spectra; read in blocks
    modes : the vibrations, or a model with its zero-loss peak, background and tie
    tie : of vibrations, how their temperatures are tied, see `SpectrumModel`
    constraints : what is known of the parameters beforehand
    executor : any `concurrent.futures.Executor`, or a number of threads; the result is the same to the last digit
    store : where finished blocks are kept, so that an interrupted fit goes on where it was
    progress : called with the number of finished and of all blocks

    Returns
    -------
    TemperatureMap; pixels that cannot be fitted are flagged, never an error

    Raises
    ------
    InputError
        for unknown names, an energy axis without a gain side, or an image without electrons
    MissingEngine
        if numba is missing
    """
    model = modes if isinstance(modes, SpectrumModel) else SpectrumModel(tuple(modes), tie=tie)
    known = constraints or FitConstraints()
    lowest = min(mode.energy for mode in model.modes)
    if image.energy[0] > -lowest:
        raise InputError(
            f"the energy axis begins at {image.energy[0] / meV:.4g} meV: without a gain side down "
            f"to -{lowest / meV:.4g} meV or beyond there is no temperature in the spectra; record or keep it"
        )
    require("numba", extra="eels", why="the fit of spectra")
    problem = pose_problem(image, model, known)
    sample = image.sample(SAMPLE_SPECTRA)
    problem = evolve(problem, plateau=saturation_level(sample))
    sample, _ = _without_saturated(sample, problem.plateau)
    problem = evolve(problem, start=_typical_parameters(sample, problem, {**known.start, **known.fixed}))
    ends = [(first, min(first + _PIXELS_PER_UNIT, image.pixels)) for first in range(0, image.pixels, _PIXELS_PER_UNIT)]
    units = [_work_unit(image, problem, *pixels, hashed=store is not None) for pixels in ends]
    work, attach = partial(_fit_unit, problem), partial(_attach_spectra, image)
    with thread_executor(executor) as pool:
        parts = run_units(
            work, units, version=_SEARCH_VERSION, store=store, executor=pool, progress=progress, attach=attach
        )
    merged = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    arrays: dict[str, Any] = {name: part.reshape((*image.shape, *part.shape[1:])) for name, part in merged.items()}
    return TemperatureMap(
        **arrays,
        position=image.position,
        names=model.names,
        modes=tuple(mode.name for mode in model.modes),
        expected_energy=np.array([mode.energy for mode in model.modes]),
        method=f"STEM-EELS, {model.shape}, {len(model.modes)} modes, {model.tie} tie",
    )


def is_compiled() -> bool:
    """Whether machine code of the fit is there, in memory or on the disk; else a first fit makes it."""
    scoring = require("kapitza.measure.eels.fitting.scoring", extra="eels", why="the fit of spectra")
    return scoring.is_compiled()


def _without_saturated(counts: NDArray[Any], plateau: float) -> tuple[NDArray[Any], IntArray]:
    """Spectra with NaN where the detector was full, and (n,) their flags."""
    full = saturated_channels(counts, plateau)
    return np.where(full, np.nan, counts), np.where(full.any(axis=1), int(PixelFlag.SATURATED), 0)


def _typical_parameters(counts: NDArray[Any], problem: FitProblem, start: Mapping[str, float]) -> Array:
    """(p,) start of all pixels from the fits of a few.

    The median; the mean of intensities, which may change across an interface; of the energies and widths of modes the
    mean weighted by their precision, which is that of the places where the mode is strong.
    """
    first, units = _six_digits(first_guess(problem, counts)), problem.model.units(problem.step)
    for name, value in start.items():
        first[problem.model.names.index(name)] = value / units[problem.model.names.index(name)]
    counts = counts[sufficient_spectra(problem.model, problem.detector, counts)]
    counts = counts[np.unique(np.linspace(0, len(counts) - 1, _START_SPECTRA).astype(int))]
    found = _search_spectra(evolve(problem, start=first), counts)
    converged = found.converged & np.isfinite(found.value).all(axis=1)
    if not converged.any():
        return first
    known, lines = problem.constraints, problem.constraints.held_when_far
    intensities = slice(problem.model.first_mode + 2, problem.model.first_tie, 3)
    value = np.median(found.value[converged], axis=0)
    value[intensities] = np.mean(found.value[converged][:, intensities], axis=0)
    variance = np.diagonal(found.covariance[converged], axis1=1, axis2=2)[:, lines]
    trust = np.where(variance > 0, 1 / np.where(variance > 0, variance, 1.0), 1e-12)
    value[lines] = np.sum(trust * found.value[converged][:, lines], axis=0) / trust.sum(axis=0)
    value = _six_digits(value)
    u = to_coordinates(known.chart, value)
    return np.where((u > known.low) & (u < known.high) & known.free, value, first)


def _six_digits(value: Array) -> Array:
    """Round to six digits, so that every process finds the same start, which is part of the address of results.

    The last digits of NumPy's sums depend on where in memory its arrays begin.
    """
    return np.array([float(f"{number:.6g}") for number in value])


def _search_spectra(problem: FitProblem, counts: NDArray[Any]) -> SearchResult:
    """Fit spectra, each from the start of all with its own dose and centre."""
    scoring = require("kapitza.measure.eels.fitting.scoring", extra="eels", why="the fit of spectra")
    start = single_starts(problem.model, problem.grid, problem.detector, counts, problem.start)
    start = np.where(problem.constraints.free, start, problem.start)
    return scoring.fisher_scoring(problem, counts, start, tolerance=_STEP_TOLERANCE, limit=_MAX_EVALUATIONS)


def _work_unit(image: SpectrumImage, problem: FitProblem, first: int, stop: int, *, hashed: bool) -> UnitInputs:
    """Inputs of one unit of work; with a hash of its counts and of the plan where results are kept."""
    inputs: dict[str, object] = {"first": first, "stop": stop}
    if hashed:
        inputs["counts"] = hashlib.sha256(np.ascontiguousarray(image.block(first, stop)).tobytes()).digest()
        model, grid = problem.model, problem.grid
        inputs["model"] = [model.names, model.shape, problem.step, grid.start, grid.parts]
        inputs["reference"] = [] if grid.reference is None else list(grid.reference)
        inputs["detector"] = list(problem.detector)
        # these names are those of version 0.1.0, so that what it stored is found
        inputs["freedom"] = [*problem.constraints[:-1], *problem.constraints.chart]
        inputs["plateau"] = problem.plateau
        inputs["start"] = problem.start
    return inputs


def _attach_spectra(image: SpectrumImage, inputs: UnitInputs) -> UnitInputs:
    """Return the inputs of a unit with its electrons, which may lie on a disk of this machine alone."""
    first, stop = inputs["first"], inputs["stop"]
    if not (isinstance(first, int) and isinstance(stop, int)):
        raise InputError(f"expected whole numbers for the pixels of a unit, got {first!r} to {stop!r}")
    return {**inputs, "electrons": image.block(first, stop)}


def _fit_unit(problem: FitProblem, inputs: UnitInputs) -> UnitResult:
    from scipy.special import gammaincc

    recorded = np.asarray(inputs["electrons"], dtype=float)
    counts, full = _without_saturated(recorded, problem.plateau)
    good = sufficient_spectra(problem.model, problem.detector, counts)
    k, p = len(counts), len(problem.model.names)
    flag = np.where(good, 0, int(PixelFlag.DEAD)) | count_flags(recorded) | full
    result: UnitResult = {"value": np.full((k, p), np.nan), "covariance": np.full((k, p, p), np.nan)}
    result |= {name: np.full(k, np.nan) for name in ("pvalue", "deviance", "dispersion")}
    result |= {"iterations": np.zeros(k, dtype=np.int64), "flag": flag}
    if good.any():
        found = _search_spectra(problem, counts[good])
        units = problem.model.units(problem.step)
        result["value"][good] = found.value * units
        result["covariance"][good] = found.covariance * np.outer(units, units)
        # of a gamma distribution with the right three moments
        chi2, mean, variance, third = found.chi2_moments.T
        shape, scale = 4 * variance**3 / third**2, 0.5 * third / variance
        pvalue = gammaincc(shape, np.maximum((chi2 - mean) / scale + shape, 0.0))
        result["pvalue"][good] = pvalue
        result["deviance"][good] = found.deviance
        result["dispersion"][good] = chi2 / mean
        result["iterations"][good] = found.iterations
        free, ties = problem.constraints.free, problem.model.tie_places
        sigma2 = np.diagonal(found.covariance, axis1=1, axis2=2)
        blind = ~np.isfinite(sigma2[:, ties]).any(axis=1)
        # a temperature pressed against its limit, or one that all intensities leave at zero, is none
        held = (found.fixed_or_bound[:, ties] & free[ties]).all(axis=1) & free[ties].any()
        at_bound = (found.fixed_or_bound & free & np.isfinite(sigma2)).any(axis=1)
        flag[good] |= int(PixelFlag.UNCONVERGED) * ~found.converged | int(PixelFlag.SINGULAR) * (blind | held)
        flag[good] |= int(PixelFlag.AT_BOUND) * at_bound | int(PixelFlag.MISFIT) * (pvalue < _MISFIT_PROBABILITY)
    return result
