"""Where the search begins: found from the spectra themselves, no number asked of the user."""

from itertools import product
from typing import Any

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.measure.eels.model import Grid, SpectrumModel, expected
from kapitza.measure.eels.search import Detector
from kapitza.measure.eels.zero_loss import TO_SIGMA
from kapitza.units import k_B

SAMPLE = 64  # spectra that are looked at
TAILS = {
    "pseudo-voigt": [(share,) for share in (1e-4, 0.003, 0.01, 0.03, 0.1, 0.3, 0.7)],
    "split": [(one, one) for one in (1e-4, 0.003, 0.01, 0.03, 0.1, 0.3, 0.7)],
    "pearson": [(m,) for m in (0.8, 1.1, 1.6, 2.4, 4.0, 8.0, 30.0)],
    "reference": [()],
}
WIDTHS = {"pseudo-voigt": 1, "split": 2, "pearson": 1, "reference": 1}
COLD, ROOM, HOT = 30.0, 300.0, 2500.0  # K: limits of a first guess, and the guess where the gain side says nothing
FAINT = 10.0  # electrons per parameter below which a spectrum counts as empty


def alive(model: SpectrumModel, detector: Detector, counts: NDArray[Any]) -> NDArray[np.bool_]:
    """(k,) whether a spectrum holds enough electrons and channels for a fit."""
    there = np.isfinite(counts)
    electrons = np.sum(np.where(there, counts - detector.dark, 0.0), axis=1)
    noise = np.sqrt(np.sum(there * detector.variance, axis=1))
    p = len(model.names)
    return (electrons > FAINT * p) & (electrons > 5 * noise) & (there.sum(axis=1) > 4 * p)


def plain_counts(detector: Detector, counts: NDArray[Any]) -> NDArray[Any]:
    """(k, n) electrons without the dark mean, evenly efficient; only to start from."""
    response = np.where(detector.response > 0, detector.response, np.inf)
    return np.where(np.isfinite(counts), (counts - detector.dark) / response, 0.0)


def half_width(spectrum: NDArray[Any]) -> tuple[float, float]:
    """Middle and full width at half maximum of the highest peak, in channels from the first."""
    top = int(np.argmax(spectrum))
    half = spectrum[top] / 2
    left, right = top, top
    while left > 0 and spectrum[left] > half:
        left -= 1
    while right < spectrum.size - 1 and spectrum[right] > half:
        right += 1
    low = (
        left + (half - spectrum[left]) / max(spectrum[left + 1] - spectrum[left], 1e-300) if left < top else left - 0.5
    )
    high = (
        right - (half - spectrum[right]) / max(spectrum[right - 1] - spectrum[right], 1e-300) if right > top else right
    )
    return 0.5 * (low + high), max(float(high - low), 1.0)


def centres(grid: Grid, counts: NDArray[Any], width: float) -> Array:
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


def aligned(grid: Grid, counts: NDArray[Any]) -> tuple[Array, float]:
    """(n,) sum of spectra, each moved by whole channels so that the peaks meet; and the channel energy they meet at."""
    top = np.argmax(counts, axis=1)
    meet = int(np.median(top))
    total = np.zeros(grid.channels)
    for spectrum, at in zip(counts, top, strict=True):
        shift = meet - int(at)
        moved = np.roll(spectrum, shift)
        if shift > 0:
            moved[:shift] = moved[shift]
        elif shift < 0:
            moved[shift:] = moved[shift - 1]
        total += moved
    return total, grid.start + meet


def first_guess(model: SpectrumModel, grid: Grid, detector: Detector, counts: NDArray[Any], step: float) -> Array:
    """Parameters (p,) of a typical spectrum, in channels.

    The zero-loss peak gives centre and width; for each of several tails, amplitudes of the peak and of the loss and
    gain line of every mode follow linearly, and the best tail wins.  Loss over gain is the first temperature.

    Raises
    ------
    InputError
        if no spectrum holds electrons
    """
    good = alive(model, detector, counts)
    if not good.any():
        raise InputError(
            f"none of {len(counts)} spectra looked at holds enough electrons for {len(model.names)} parameters"
        )
    counts = plain_counts(detector, counts[good])
    total, _ = aligned(grid, counts)
    middle, width = half_width(total)
    if width > grid.channels / 2:
        raise InputError(
            f"the highest peak fills more than half of {grid.channels} channels: these spectra show no zero-loss peak"
        )
    x = np.zeros(len(model.names))
    x[1] = grid.start + middle
    for j, mode in enumerate(model.modes):
        at = model.first_mode + 3 * j
        x[at : at + 3] = mode.energy / step, mode.width / step, 1.0
    best = np.inf
    found = x
    for tail, stretch in product(TAILS[model.shape], (0.94, 1.0)):
        trial = np.array(x)
        trial[2 : model.first_mode] = *([width * stretch] * WIDTHS[model.shape]), *tail
        chi2, filled = filled_in(model, grid, total, trial, step)
        if chi2 < best:
            best, found = chi2, filled
    scale = np.ones(found.size)
    linear = [0, *range(model.first_mode + 2, model.first_tie, 3), *range(model.first_tie + model.ties, found.size)]
    scale[linear] = 1 / len(counts)
    return found * scale


def filled_in(
    model: SpectrumModel, grid: Grid, total: Array, x: NDArray[Any], step: float
) -> tuple[float, NDArray[Any]]:
    """Chi-squared and parameters of the best amplitudes for given shapes."""
    from scipy.optimize import nnls

    free = evolve(model, tie="occupation")
    bare = np.zeros(len(free.names))
    bare[: model.first_tie] = x[: model.first_tie]
    _, rows = expected(free, grid, bare[None])
    strengths = rows[0, model.first_mode + 2 : model.first_tie : 3]
    gains = rows[0, free.first_tie : free.first_tie + free.ties] - strengths
    smooth = rows[0, free.first_tie + free.ties :]
    columns = np.vstack([rows[0, :1], strengths, gains, smooth, -smooth])
    weight = 1 / np.sqrt(np.maximum(total, 1.0) + (1e-3 * total) ** 2)  # shapes on a grid are right to a share only
    amounts, residual = nnls((columns * weight).T, total * weight)
    m = len(model.modes)
    loss, gain = amounts[1 : 1 + m], amounts[1 + m : 1 + 2 * m]
    filled = np.array(x)
    filled[0] = amounts[0]
    energy = x[model.first_mode : model.first_tie : 3]
    kelvin = guess_temperature(loss, gain, energy * step) * k_B / step
    common = model.tie == "common"
    shared = float(np.sum(kelvin * gain) / gain.sum()) if gain.sum() > 0 else ROOM * k_B / step
    kelvin = np.full(m, shared) if common else np.where(gain > 0, kelvin, shared)
    n = 1 / np.expm1(energy / kelvin)
    filled[model.first_mode + 2 : model.first_tie : 3] = np.maximum((loss + gain) / (2 * n + 1), 1e-4 * amounts[0])
    tied = n if model.tie == "occupation" else kelvin
    filled[model.first_tie : model.first_tie + model.ties] = tied[:1] if common else tied
    k = model.background
    filled[model.first_tie + model.ties :] = amounts[1 + 2 * m : 1 + 2 * m + k] - amounts[1 + 2 * m + k :]
    return float(residual), filled


def guess_temperature(loss: Array, gain: Array, energy: Array) -> Array:
    """(m,) temperature from loss over gain, K, kept within reason."""
    sound = (gain > 0) & (loss > gain)
    ratio = np.where(sound, loss / np.where(sound, gain, 1.0), np.e)
    return np.where(sound, np.clip(energy / (k_B * np.log(ratio)), COLD, HOT), ROOM)


def own_start(model: SpectrumModel, grid: Grid, detector: Detector, counts: NDArray[Any], x: Array) -> NDArray[Any]:
    """(k, p) starts of single spectra: the typical one with the dose and the centre of each."""
    found = np.repeat(np.asarray(x, dtype=float)[None], len(counts), axis=0)
    bare = plain_counts(detector, counts)
    linear = [0, *range(model.first_mode + 2, model.first_tie, 3)]
    usual = x[0] + np.sum(x[linear[1:]])
    found[:, linear] *= np.maximum(bare.sum(axis=1) / usual, 1e-12)[:, None]
    widths = x[2 : 2 + WIDTHS[model.shape]]
    found[:, 1] = centres(grid, bare, float(np.mean(widths)))
    return found
