"""Summed residuals of a map, and what they say is wrong with its spectra."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, real_array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.eels.model import SpectrumModel, channel_grid, expected_spectrum
from kapitza.measure.eels.spectrum import SpectrumImage

MisfitCause = Literal["pattern", "noise", "tail", "mode", "background"]

_BLOCK_PIXELS = 64  # whose spectra are evaluated together
_ROUGH = 0.25  # correlation of neighbouring residuals below which they are a pattern of single channels
_MAX_SCORE = 6.0  # standard deviations: a larger residual counts as much as this for the order from channel to channel
_STRUCTURE = 2.0  # mean square of summed residuals, over the dispersion, below which they show nothing but noise
_STRONGEST = 0.95  # quantile of the squared residuals from which on they say where the misfit is
_TAIL_WIDTHS = 6.0  # full widths from the centre within which a residual belongs to the zero-loss peak
_MODE_SIGMAS = 2.5  # standard deviations of a line, resolution included, within which one belongs to a mode

CAUSES: Mapping[MisfitCause, str] = MappingProxyType(
    {
        "pattern": "from channel to channel without order: a fixed pattern of channel gain",
        "noise": "at random: the counts scatter more than electrons do",
        "tail": "on the flanks of the zero-loss peak: its shape is another",
        "mode": "at a mode: a line of another shape, or a mode that is missing",
        "background": "far from all lines: a dark count, a background or a mode that was left out",
    }
)


@frozen(eq=False, kw_only=True)
class SummedResiduals(BaseRecord):
    """Counts of many pixels and what was fitted to them, summed channel by channel.

    Attributes
    ----------
    energy : (channels,) from the mean centre of the zero-loss peak
    counted, expected : (channels,) electrons without dark counts; missing channels count in neither
    variance : (channels,) of `counted`
    fwhm : median full width at half maximum of the zero-loss peak
    """

    energy: Array = field(converter=real_array, metadata=about("J", "energy loss"))
    counted: Array = field(converter=real_array, metadata=about("electrons", "counted"))
    expected: Array = field(converter=real_array, metadata=about("electrons", "expected by the fits"))
    variance: Array = field(converter=real_array, metadata=about("electrons^2", "variance of the counts"))
    fwhm: float = field(metadata=about("J", "full width at half maximum of the zero-loss peak"))

    @property
    def score(self) -> Array:
        """(channels,) residuals in standard deviations; 0 where no channel was counted."""
        sigma = np.sqrt(np.where(self.variance > 0, self.variance, np.inf))
        return (self.counted - self.expected) / sigma


def summed_residuals(
    image: SpectrumImage,
    found: TemperatureMap,
    model: SpectrumModel,
    *,
    most: int = 1024,
    where: NDArray[np.bool_] | None = None,
) -> SummedResiduals:
    """Sum counts and fitted spectra over usable pixels, at most so many from all over the image, or of a part of it.

    Raises
    ------
    InputError
        if no pixel is usable
    """
    usable = found.good.ravel() & np.isfinite(found.value).reshape(found.good.size, -1).all(axis=1)
    pixels = np.flatnonzero(usable if where is None else usable & where.ravel())
    if not pixels.size:
        raise InputError(f"none of {found.good.size} pixels holds a fit")
    pixels = pixels[np.unique(np.linspace(0, pixels.size - 1, most).astype(int))]
    grid, n, unit = channel_grid(model, image.energy), image.energy.size, image.electrons_per_count
    values = found.value.reshape(-1, len(found.names)) / model.units(image.step)
    dark, noise = np.broadcast_to(image.dark, n) * unit, np.broadcast_to(image.dark_variance, n) * unit**2
    counted, expected, variance = np.zeros(n), np.zeros(n), np.zeros(n)
    for first in range(0, pixels.size, _BLOCK_PIXELS):
        some = pixels[first : first + _BLOCK_PIXELS]
        counts = np.concatenate([image.block(int(i), int(i) + 1) for i in some])
        mean = expected_spectrum(model, grid, values[some])[0] * image.response
        there = np.isfinite(counts)
        counted += np.where(there, counts - dark, 0.0).sum(axis=0)
        expected += np.where(there, mean, 0.0).sum(axis=0)
        variance += np.where(there, np.maximum(mean + noise, 0.0), 0.0).sum(axis=0)
    centre = float(values[pixels, 1].mean()) * image.step
    widths = [i for i, name in enumerate(found.names) if name.startswith("fwhm")]
    fwhm = float(np.median(values[pixels][:, widths])) * image.step
    return SummedResiduals(
        energy=image.energy - centre, counted=counted, expected=expected, variance=variance, fwhm=fwhm
    )


def misfit_cause(seen: SummedResiduals, found: TemperatureMap, model: SpectrumModel) -> MisfitCause:
    """Likely cause of a misfit, from where the summed residuals are.

    Without structure in the sum the spectra merely scatter too much; with one from channel to channel it is a gain
    pattern; else the region with the largest share of the strongest residuals names it.
    """
    score = seen.score
    known = found.dispersion[found.good & np.isfinite(found.dispersion)]
    dispersion = max(float(known.mean()) if known.size else 1.0, 1.0)
    power = float(np.mean(score**2))
    if power < _STRUCTURE * dispersion:
        return "noise"
    cut = np.clip(score, -_MAX_SCORE, _MAX_SCORE)  # else the few channels of the zero-loss peak alone would decide
    if float(np.mean(cut[1:] * cut[:-1])) < _ROUGH * float(np.mean(cut**2)):
        return "pattern"
    excess = np.convolve(score, np.full(5, 1 / np.sqrt(5)), mode="same") ** 2
    regions = _energy_regions(seen.energy, seen.fwhm, model)
    strong = excess >= np.quantile(excess, _STRONGEST)
    held: dict[MisfitCause, float] = {name: float(excess[at & strong].sum()) for name, at in regions.items()}
    return max(held, key=lambda name: held[name])


def _energy_regions(energy: Array, fwhm: float, model: SpectrumModel) -> dict[MisfitCause, NDArray[np.bool_]]:
    """Channels near the lines of modes, of the zero-loss peak and its flanks, and all others."""
    near = np.zeros(energy.size, dtype=bool)
    for mode in model.modes:
        sigma = float(np.hypot(mode.width, fwhm / 2.355))
        near |= np.abs(np.abs(energy) - mode.energy) < _MODE_SIGMAS * sigma
    flank = (np.abs(energy) < _TAIL_WIDTHS * fwhm) & ~near
    return {"mode": near, "tail": flank, "background": ~(near | flank)}
