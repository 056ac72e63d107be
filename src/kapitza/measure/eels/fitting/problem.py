"""The fit of one spectrum as a problem: limits, priors, fixed values, and where the search starts."""

import warnings
from collections.abc import Mapping
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, BoolArray, about
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError, ValidityWarning
from kapitza.measure.eels.fitting.search import ParameterConstraints, SearchCoordinates, to_coordinates
from kapitza.measure.eels.model import (
    TO_SIGMA,
    ChannelGrid,
    SpectrumModel,
    channel_grid,
    expected_spectrum,
    zero_loss_shape,
)
from kapitza.measure.eels.spectrum import Detector, SpectrumImage, image_detector
from kapitza.units import k_B, meV

_MAX_TEMPERATURE = 2e4  # K: upper limit of temperatures, and of the occupations that belong to them
# E/k_B T at the lower limit, at least 1 K: gain there is 4e-18 of loss, below all that can be counted
_MAX_LIMIT_REDUCED_ENERGY = 40.0
_SHORTEST_DECAY, _LONGEST_DECAY = 4 * meV, 400 * meV  # of a tail: a shorter one is the peak, a longer one a background
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@frozen(eq=False, kw_only=True)
class FitConstraints(BaseRecord):
    """What is known of the parameters of spectra before a fit, by name, SI.

    Attributes
    ----------
    bounds : without them intensities are kept from below zero
    prior_factor : energy and width of a mode are expected within so many times its width of what the mode says, so that
        they stay put where it vanishes; where it does not, the counts outweigh this by far.  0 for no such expectation
    """

    fixed: Mapping[str, float] = field(default=_NOTHING, metadata=about("SI", "parameters that are not fitted"))
    bounds: Mapping[str, tuple[float, float]] = field(default=_NOTHING, metadata=about("SI", "lowest and highest"))
    priors: Mapping[str, tuple[float, float]] = field(
        default=_NOTHING, metadata=about("SI", "expected value and standard uncertainty")
    )
    start: Mapping[str, float] = field(default=_NOTHING, metadata=about("SI", "starting values"))
    prior_factor: float = field(default=1.0, metadata=about("1", "reach of the expected energies and widths"))


@frozen(eq=False, kw_only=True)
class FitProblem(BaseRecord):
    """All that the fit of one pixel needs beside its counts, in channels and electrons."""

    model: SpectrumModel
    grid: ChannelGrid
    detector: Detector
    constraints: ParameterConstraints
    step: float
    start: Array = field(factory=lambda: np.zeros(0))
    plateau: float = np.inf  # electrons of a channel from which on the detector was full


def pose_problem(image: SpectrumImage, model: SpectrumModel, known: FitConstraints) -> FitProblem:
    """Everything that does not depend on the counts."""
    check_parameter_names(model, known.fixed, known.bounds, known.priors, known.start)
    if ((image.dark > 0) & (image.dark_variance == 0)).any():
        warnings.warn(
            ValidityWarning(
                f"a dark count of {image.dark.max():.3g} without any noise makes the errors of the fit too small:",
                hint=Hint(
                    python="give the dark_variance of the image, readout and dark current together, or dark spectra "
                    "(with_dark)",
                    command="give --dark with the noise of a channel, as 100+-6, or a file of dark spectra",
                ),
            ),
            stacklevel=3,
        )
    units = model.units(image.step)
    low, high, prior, weight = _parameter_limits(model, units, known.prior_factor)
    place = {name: i for i, name in enumerate(model.names)}
    for name, (least, most) in known.bounds.items():
        if not least < most:
            raise InputError(f"bounds of {name} = ({least:g}, {most:g}), wanted the lower one first")
        low[place[name]], high[place[name]] = least / units[place[name]], most / units[place[name]]
    for name, (value, sigma) in known.priors.items():
        if not sigma > 0:
            raise InputError(f"prior of {name} has the uncertainty {sigma:g}, wanted above 0 (or put it into `fixed`)")
        prior[place[name]], weight[place[name]] = value / units[place[name]], (units[place[name]] / sigma) ** 2
    free = np.array([name not in known.fixed for name in model.names])
    words = ("energy", "width", "fwhm", "fwhm_gain", "fwhm_loss", "exponent", "decay")
    limited_change = np.array([name.rsplit(".", 1)[-1] in words for name in model.names])
    held_when_far = np.zeros(free.size, dtype=bool)
    held_when_far[model.first_mode : model.first_tie] = np.tile([True, True, False], len(model.modes))
    weight[~free] = 0.0
    chart = _coordinates_of_search(model, units, low, high, free)
    without_owner = chart._replace(owner=np.full_like(chart.owner, -1))
    low, high = (to_coordinates(without_owner, end) for end in (low, high))
    constraints = ParameterConstraints(
        free=free, low=low, high=high, limited_change=limited_change, held_when_far=held_when_far, prior=prior,
        weight=weight, chart=chart,
    )  # fmt: skip
    grid, detector = channel_grid(model, image.energy), image_detector(image)
    return FitProblem(model=model, grid=grid, detector=detector, constraints=constraints, step=image.step)


def _coordinates_of_search(
    model: SpectrumModel, units: Array, low: Array, high: Array, free: BoolArray
) -> SearchCoordinates:
    """Coordinates of the search; an intensity that is fixed or has limits of its own is not bent."""
    energy, owner = np.full(free.size, -1.0), np.full(free.size, -1, dtype=np.int64)
    for j, mode in enumerate(model.modes):
        place = model.first_tie + (0 if model.tie == "common" else j)
        # of modes that share a temperature, the lowest: its ratio of gain to loss changes most evenly
        quantum = mode.energy / units[model.first_mode + 3 * j]
        lowest = quantum if energy[place] < 0 else min(quantum, energy[place])
        energy[place] = 0.0 if model.tie == "occupation" else lowest
        at = model.first_mode + 3 * j + 2
        if free[at] and low[at] == 0.0 and np.isinf(high[at]):
            owner[at] = place
    return SearchCoordinates(energy, owner)


def check_parameter_names(model: SpectrumModel, *named: Mapping[str, Any]) -> None:
    """Refuse parameters that the model does not have."""
    for name in (name for some in named for name in some):
        if name not in model.names:
            raise InputError(f"no parameter {name!r} in the model: expected one of {', '.join(model.names)}")


def _parameter_limits(model: SpectrumModel, units: Array, prior_factor: float) -> tuple[Array, Array, Array, Array]:
    """(p,) lowest, highest, expected value and inverse variance of the parameters, in channels."""
    p = len(model.names)
    low, high, prior, weight = np.full(p, -np.inf), np.full(p, np.inf), np.zeros(p), np.zeros(p)
    decays = _SHORTEST_DECAY / float(units[1]), _LONGEST_DECAY / float(units[1])
    limits = {"exponent": (0.6, 500.0), "tail": (0.0, 0.9), "decay": decays}
    limits |= dict.fromkeys(("amplitude", "intensity"), (0.0, np.inf))
    limits |= dict.fromkeys(("fwhm", "fwhm_gain", "fwhm_loss"), (1e-2, np.inf))
    limits |= dict.fromkeys(("lorentzian", "lorentzian_gain", "lorentzian_loss"), (0.0, 1.0))
    for i, name in enumerate(model.names):
        low[i], high[i] = limits.get(name.rsplit(".", 1)[-1], (-np.inf, np.inf))
    energies = [mode.energy for mode in model.modes]
    for i in range(model.first_tie, model.first_tie + model.ties):
        quanta = energies if model.tie == "common" else [energies[i - model.first_tie]]
        coldest = max(1.0, min(quanta) / (_MAX_LIMIT_REDUCED_ENERGY * k_B))
        low[i], high[i] = coldest / units[i], _MAX_TEMPERATURE / units[i]
        if model.tie == "occupation":
            low[i], high[i] = -0.45, 1 / np.expm1(quanta[0] / (k_B * _MAX_TEMPERATURE))
    for j, mode in enumerate(model.modes):
        at = model.first_mode + 3 * j
        for i, value in ((at, mode.energy), (at + 1, mode.width)):
            prior[i] = value / units[i]
            weight[i] = (units[i] / (prior_factor * mode.width)) ** 2 if prior_factor else 0.0
        # half way to its neighbours, so that modes do not change places
        half_way = [0.5 * (mode.energy + energy) for energy in energies if energy != mode.energy]
        low[at] = max([0.5 * mode.energy, *(value for value in half_way if value < mode.energy)]) / units[at]
        high[at] = min([1.5 * mode.energy, *(value for value in half_way if value > mode.energy)]) / units[at]
        low[at + 1], high[at + 1] = 0.1 * prior[at + 1], 10 * prior[at + 1]
    return low, high, prior, weight


SAMPLE_SPECTRA = 64
_TAIL_TRIALS = {
    "pseudo-voigt": [(share,) for share in (1e-4, 0.003, 0.01, 0.03, 0.1, 0.3, 0.7)],
    "split": [(one, one) for one in (1e-4, 0.003, 0.01, 0.03, 0.1, 0.3, 0.7)],
    "pearson": [(m,) for m in (0.8, 1.1, 1.6, 2.4, 4.0, 8.0, 30.0)],
    "tail": [(share, tail, 2.5) for share in (1e-4, 0.01, 0.03, 0.1) for tail in (3e-4, 0.003, 0.03)],
    "reference": [()],
}
_NUMBER_OF_WIDTHS = {"pseudo-voigt": 1, "split": 2, "pearson": 1, "tail": 1, "reference": 1}
_COLDEST_GUESS, _HOTTEST_GUESS = 30.0, 2500.0  # K
_DEFAULT_GUESS = 300.0  # K, where the gain side says nothing
_BRIDGE_CHANNELS, _MIN_BRIDGED_ELECTRONS = 4, 20.0  # on either side of a gap, and the least of each for a peak in it
_MIN_ELECTRONS_PER_PARAMETER = 10.0  # electrons per parameter below which a spectrum counts as empty


def sufficient_spectra(model: SpectrumModel, detector: Detector, counts: NDArray[Any]) -> BoolArray:
    """(k,) whether a spectrum holds enough electrons and channels for a fit."""
    there = np.isfinite(counts)
    electrons = np.sum(np.where(there, counts - detector.dark, 0.0), axis=1)
    noise = np.sqrt(np.sum(there * detector.variance, axis=1))
    p = len(model.names)
    return (electrons > _MIN_ELECTRONS_PER_PARAMETER * p) & (electrons > 5 * noise) & (there.sum(axis=1) > 4 * p)


def _corrected_counts(detector: Detector, counts: NDArray[Any]) -> NDArray[Any]:
    """(k, n) electrons without the dark mean, evenly efficient, gaps bridged; only to start from."""
    response = np.where(detector.response > 0, detector.response, np.inf)
    found = np.where(np.isfinite(counts), (counts - detector.dark) / response, np.nan)
    for i in np.flatnonzero(~np.isfinite(found).all(axis=1)):
        _bridge_gaps(found[i])
    return np.nan_to_num(found)


def _bridge_gaps(spectrum: NDArray[Any]) -> None:
    """Fill gaps of one spectrum in place: by a normal peak through the channels on both sides, where they make one."""
    gap = np.concatenate([[False], ~np.isfinite(spectrum), [False]])
    edges = np.flatnonzero(gap[1:] != gap[:-1])
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        near = np.r_[max(first - _BRIDGE_CHANNELS, 0) : first, end : min(end + _BRIDGE_CHANNELS, spectrum.size)]
        near = near[np.isfinite(spectrum[near])]
        if near.size == 0:
            continue
        inside, middle, y = np.arange(first, end), 0.5 * (first + end), spectrum[near]
        if y.min() > _MIN_BRIDGED_ELECTRONS and near[0] < first and near[-1] > end:
            curve = np.polyfit(near - middle, np.log(y), 2, w=np.sqrt(y))
            if curve[0] < 0:
                spectrum[first:end] = np.exp(np.polyval(curve, inside - middle))
                continue
        spectrum[first:end] = np.interp(inside, near, y)


def highest_peak(spectrum: NDArray[Any]) -> tuple[float, float]:
    """Middle and full width at half maximum of the highest peak, in channels from the first."""
    top = int(np.argmax(spectrum))
    half = spectrum[top] / 2
    left, right = top, top
    while left > 0 and spectrum[left] > half:
        left -= 1
    while right < spectrum.size - 1 and spectrum[right] > half:
        right += 1
    low, high = left - 0.5, float(right)  # where the peak is at an end of the axis
    if left < top:
        low = left + (half - spectrum[left]) / max(spectrum[left + 1] - spectrum[left], 1e-300)
    if right > top:
        high = right - (half - spectrum[right]) / max(spectrum[right - 1] - spectrum[right], 1e-300)
    return 0.5 * (low + high), max(float(high - low), 1.0)


def zero_loss_centres(grid: ChannelGrid, counts: NDArray[Any], width: float) -> Array:
    """(k,) centre of the zero-loss peak of each spectrum, in channels, from its highest channel and those about it."""
    sigma = width * TO_SIGMA
    reach = min(int(np.ceil(1.5 * sigma)), grid.channels)
    away = np.arange(-reach, reach + 1)
    weight = np.exp(-0.5 * (away / sigma) ** 2)
    top = np.argmax(counts, axis=1)
    near = np.clip(top[:, None] + away, 0, grid.channels - 1)
    part = np.maximum(np.take_along_axis(counts, near, axis=1), 0.0) * weight
    # of a normal peak seen through a normal window of its width, the mean shows half of a shift; cut, it shows less
    seen = part @ away / np.maximum(part.sum(axis=1), 1e-300)
    shown = (weight**2 @ away**2) / (weight**2).sum() / sigma**2
    return grid.start + top + np.clip(seen / shown, -reach, reach)


def aligned_sum(counts: NDArray[Any]) -> Array:
    """(n,) sum of spectra (k, n), each moved by whole channels so that the peaks meet at the median of their places."""
    top = np.argmax(counts, axis=1)
    total = np.zeros(counts.shape[1])
    for spectrum, shift in zip(counts, int(np.median(top)) - top, strict=True):
        moved = np.roll(spectrum, shift)
        if shift > 0:
            moved[:shift] = moved[shift]
        elif shift < 0:
            moved[shift:] = moved[shift - 1]
        total += moved
    return total


def first_guess(problem: FitProblem, counts: NDArray[Any]) -> Array:
    """Parameters (p,) of a typical spectrum, in channels.

    The zero-loss peak gives centre and width; for each of several tails, amplitudes of the peak and of the loss and
    gain line of every mode follow linearly, and the best tail wins.  Loss over gain is the first temperature.
    """
    model, grid = problem.model, problem.grid
    good = sufficient_spectra(model, problem.detector, counts)
    if not good.any():
        raise InputError(
            f"none of {len(counts)} sampled spectra holds enough electrons for {len(model.names)} parameters"
        )
    counts = _corrected_counts(problem.detector, counts[good])
    total = aligned_sum(counts)
    middle, width = highest_peak(total)
    if width > grid.channels / 2:
        raise InputError(
            f"the highest peak fills more than half of {grid.channels} channels: these spectra show no zero-loss peak"
        )
    x = np.zeros(len(model.names))
    x[1] = grid.start + middle
    for j, mode in enumerate(model.modes):
        at = model.first_mode + 3 * j
        x[at : at + 3] = mode.energy / problem.step, mode.width / problem.step, 1.0
    best, found = np.inf, x
    for tail, stretch in product(_TAIL_TRIALS[model.shape], (0.94, 1.0)):
        trial = np.array(x)
        trial[2 : model.first_mode] = *([width * stretch] * _NUMBER_OF_WIDTHS[model.shape]), *tail
        if model.shape == "tail":
            trial[5] *= width  # decays are tried in full widths
        chi2, filled = _best_amplitudes(problem, total, trial)
        if chi2 < best:
            best, found = chi2, filled
    scale = np.ones(found.size)
    linear = [0, *range(model.first_mode + 2, model.first_tie, 3), *range(model.first_tie + model.ties, found.size)]
    scale[linear] = 1 / len(counts)
    return found * scale


def _best_amplitudes(problem: FitProblem, total: Array, x: NDArray[Any]) -> tuple[float, NDArray[Any]]:
    """Chi-squared and parameters of the best amplitudes for given shapes."""
    from scipy.optimize import nnls

    model, step = problem.model, problem.step
    free = evolve(model, tie="occupation")  # linear in S(n + 1) and Sn: needs no temperature
    bare = np.zeros(len(free.names))
    bare[: model.first_tie] = x[: model.first_tie]
    _, rows = expected_spectrum(free, problem.grid, bare[None])
    strengths = rows[0, model.first_mode + 2 : model.first_tie : 3]
    gains = rows[0, free.tie_places] - strengths  # ∂/∂n: loss and gain line
    smooth = rows[0, free.first_tie + free.ties :]
    columns = np.vstack([rows[0, :1], strengths, gains, smooth, -smooth])  # ±: background of either sign
    weight = 1 / np.sqrt(np.maximum(total, 1.0) + (1e-3 * total) ** 2)  # shapes on a grid are right to a share only
    amounts, residual = nnls((columns * weight).T, total * weight)
    m = len(model.modes)
    loss, gain = amounts[1 : 1 + m], amounts[1 + m : 1 + 2 * m]
    filled = np.array(x)
    filled[0] = amounts[0]
    energy = x[model.first_mode : model.first_tie : 3]
    sound = (gain > 0) & (loss > gain)
    log_ratio = np.log(np.where(sound, loss / np.where(sound, gain, 1.0), np.e))
    guess = np.clip(energy * step / (k_B * log_ratio), _COLDEST_GUESS, _HOTTEST_GUESS)
    kelvin = np.where(sound, guess, _DEFAULT_GUESS) * k_B / step
    common = model.tie == "common"
    shared = float(np.sum(kelvin * gain) / gain.sum()) if gain.sum() > 0 else _DEFAULT_GUESS * k_B / step
    kelvin = np.full(m, shared) if common else np.where(gain > 0, kelvin, shared)
    n = 1 / np.expm1(energy / kelvin)
    filled[model.first_mode + 2 : model.first_tie : 3] = np.maximum((loss + gain) / (2 * n + 1), 1e-4 * amounts[0])
    tied = n if model.tie == "occupation" else kelvin
    filled[model.tie_places] = tied[:1] if common else tied
    k = model.background
    filled[model.first_tie + model.ties :] = amounts[1 + 2 * m : 1 + 2 * m + k] - amounts[1 + 2 * m + k :]
    return float(residual), filled


def single_starts(
    model: SpectrumModel, grid: ChannelGrid, detector: Detector, counts: NDArray[Any], x: Array
) -> NDArray[Any]:
    """(k, p) starts of single spectra: the typical one with the dose and the centre of each."""
    found = np.repeat(np.asarray(x, dtype=float)[None], len(counts), axis=0)
    bare = _corrected_counts(detector, counts)
    linear = [0, *range(model.first_mode + 2, model.first_tie, 3)]
    usual = x[0] + np.sum(x[linear[1:]])
    found[:, linear] *= np.maximum(bare.sum(axis=1) / usual, 1e-12)[:, None]
    width = float(np.mean(x[2 : 2 + _NUMBER_OF_WIDTHS[model.shape]]))
    # by how much centres are off for a peak that is not even
    middle = grid.start + (grid.channels - 1) // 2
    peak, _, _ = zero_loss_shape(model.shape, grid.energy - middle, list(x[2 : model.first_mode]), grid.reference)
    offset = zero_loss_centres(grid, np.atleast_2d(peak), width)[0] - middle
    found[:, 1] = zero_loss_centres(grid, bare, width) - float(offset)
    return found
