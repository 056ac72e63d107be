"""Quality of spectra before anything is fitted: dose, zero-loss peak, bad pixels, and what prevents a fit."""

from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, BoolArray, IntArray, about, integer_array, real_array
from kapitza.core.records import BaseRecord
from kapitza.measure.eels.map import PixelFlag, count_flags
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import meV

BLOCK_BYTES = 2**22  # bytes of counts that are assessed together
_MIN_PEAK_ELECTRONS = 50.0  # electrons in the highest channel from which a width means something
_FAINT_DOSE_SHARE = 0.01  # of the usual dose: a pixel that lost the beam
_BROAD_ZERO_LOSS = 30 * meV  # of zero-loss peak, from which phonons drown in it
_SHALLOW_GAIN_SIDE = 30 * meV  # of gain side, where no optical phonon shows
_CLIPPED_CHANNELS, _MIN_CLIPPED_ELECTRONS = 3, 1e3  # channels of equal height that top a clipped peak; least electrons
_CLEARLY_CLIPPED = 5  # channels of equal height that no noise makes: enough where other spectra do not show the plateau


@frozen(eq=False, kw_only=True)
class SpectrumQuality(BaseRecord):
    """Overview of a spectrum image.

    Attributes
    ----------
    electrons : (...) dark counts taken off; channels without a finite count left out
    centre, fwhm : (...) of the zero-loss peak at half its height; NaN where there is none
    flag : (...) bits of `PixelFlag`: DEAD (nothing, or less than a hundredth of the usual dose), MISSING (counts that
        are not finite), NEGATIVE (counts below zero)
    warnings : what a user has to know, most important first

    Examples
    --------
    >>> from kapitza.eels import assess_spectra, simulate_spectra
    >>> from kapitza.examples import scan_plan
    >>> from kapitza.units import meV
    >>> quality = assess_spectra(simulate_spectra(scan_plan(), seed=1))
    >>> print(f"resolution {quality.resolution / meV:.1f} meV, {len(quality.warnings)} warnings")
    resolution 8.0 meV, 0 warnings
    """

    electrons: Array = field(converter=real_array, metadata=about("electrons", "electrons of the pixel"))
    centre: Array = field(converter=real_array, metadata=about("J", "centre of the zero-loss peak"))
    fwhm: Array = field(converter=real_array, metadata=about("J", "full width at half maximum"))
    flag: IntArray = field(converter=integer_array, metadata=about("bits", "flags of the pixel"))
    clipped: BoolArray = field(metadata=about("1", "whether the peak is cut flat, as a full detector does"))
    gain: float = field(metadata=about("J", "reach on the gain side"))
    loss: float = field(metadata=about("J", "reach on the loss side"))
    step: float = field(metadata=about("J", "channel width"))
    warnings: tuple[str, ...] = ()

    @property
    def resolution(self) -> float:
        """Median width of the zero-loss peaks, J; NaN where no pixel has one."""
        return finite_median(self.fwhm)

    @property
    def offset(self) -> float:
        """Median centre of the zero-loss peaks, J; NaN where no pixel has one."""
        return finite_median(self.centre)

    def count(self, flag: PixelFlag) -> int:
        """Pixels with this flag."""
        return int(np.count_nonzero(self.flag & int(flag)))


def finite_median(values: Array) -> float:
    """Median of the finite values, NaN without any."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else np.nan


def half_height_peaks(counts: Array) -> tuple[Array, Array]:
    """(n,) centre and (n,) full width at half maximum of the highest peak of spectra (n, channels), in channels.

    Both flanks are crossed at half the highest count, linearly between channels; NaN where a flank is missing or
    nothing was counted.  What is not finite counts as zero.
    """
    known = np.where(np.isfinite(counts), counts, 0.0)
    rows, channels = np.arange(known.shape[0]), known.shape[1]
    peak = known.argmax(axis=1)
    half = known[rows, peak] / 2
    below, place = known < half[:, None], np.arange(channels)
    left = np.where(below & (place < peak[:, None]), place, -1).max(axis=1)
    right = np.where(below & (place > peak[:, None]), place, channels).min(axis=1)
    good = (half > 0) & (left >= 0) & (right < channels)
    left, right = np.where(good, left, 0), np.where(good, right, 1)
    rising, falling = np.where(good, left + 1, 1), np.where(good, right - 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = left + (half - known[rows, left]) / (known[rows, rising] - known[rows, left])
        high = right - (half - known[rows, right]) / (known[rows, falling] - known[rows, right])
        return np.where(good, (low + high) / 2, np.nan), np.where(good, high - low, np.nan)


def assess_spectra(image: SpectrumImage) -> SpectrumQuality:
    """Assess all pixels of an image, block by block.

    Parameters
    ----------
    image : spectra, in memory or on a disk

    Returns
    -------
    dose, zero-loss peak and flags of each pixel, and the warnings that follow

    Notes
    -----
    Widths and centres are estimates at half height; a fit gives better ones.  Pixels whose highest channel holds fewer
    than 50 electrons have none; if no pixel has, the peak of the sum of all spectra stands for it.
    """
    parts = [_assess_block(image, part) for _, part in image.blocks(max(1, BLOCK_BYTES // (8 * image.energy.size)))]
    electrons, centre, fwhm, flag, clipped = map(np.concatenate, zip(*parts, strict=True))
    if not np.isfinite(fwhm).any():
        centre, fwhm = (np.repeat(one, flag.size) for one in half_height_peaks(image.total()[None]))
    centre, fwhm = image.energy[0] + centre * image.step, fwhm * image.step
    usual = float(np.median(electrons[electrons > 0])) if (electrons > 0).any() else 0.0
    flag[~(electrons > _FAINT_DOSE_SHARE * usual)] |= int(PixelFlag.DEAD)
    zero = finite_median(centre) if np.isfinite(centre).any() else 0.0
    maps: dict[str, Any] = {"electrons": electrons, "centre": centre, "fwhm": fwhm, "flag": flag, "clipped": clipped}
    found = SpectrumQuality(
        **{name: values.reshape(image.shape) for name, values in maps.items()},
        gain=max(0.0, zero - float(image.energy[0])),
        loss=max(0.0, float(image.energy[-1]) - zero),
        step=image.step,
    )
    reasons = {
        "hold (nearly) no electrons": found.count(PixelFlag.DEAD),
        "have channels without a finite count (NaN or infinite)": found.count(PixelFlag.MISSING),
        "have channels below zero, as after a subtraction of the dark count": found.count(PixelFlag.NEGATIVE),
        "have a zero-loss peak that is cut flat: the detector was full": int(np.count_nonzero(found.clipped)),
    }
    faulty = [f"{count} of {image.pixels} pixels {reason}" for reason, count in reasons.items() if count]
    return evolve(found, warnings=(*_energy_axis_problems(image, found), *faulty))


def _assess_block(image: SpectrumImage, block: Array) -> tuple[Array, Array, Array, IntArray, BoolArray]:
    """Electrons, centre and width in channels, flags and clipping of some pixels."""
    finite = np.isfinite(block)
    clear = np.where(finite, np.where(finite, block, 0.0) - image.dark * image.electrons_per_count, 0.0)
    top = clear.max(axis=1)
    bright = top >= _MIN_PEAK_ELECTRONS
    centre, fwhm = (np.where(bright, value, np.nan) for value in half_height_peaks(clear))
    clipped = _top_channels(clear, top) >= _CLIPPED_CHANNELS
    return clear.sum(axis=1), centre, fwhm, count_flags(block), clipped


def _top_channels(counts: Array, top: Array) -> IntArray:
    """(n,) channels of spectra that share their highest count; 0 where that is low, or of a spectrum without a peak."""
    equal = (counts == top[:, None]).sum(axis=1)
    return integer_array(np.where((top >= _MIN_CLIPPED_ELECTRONS) & (2 * equal < counts.shape[1]), equal, 0))


def saturation_level(counts: Array) -> float:
    """Electrons at which a detector was full, from spectra (n, channels); infinite where none shows a plateau.

    Two spectra or more have to be cut at the same height, in three channels each: noise alone makes three equal
    channels at the top of a faint spectrum once in a while, but not twice at one height.
    """
    known = np.where(np.isfinite(counts), counts, -np.inf)
    top = known.max(axis=1)
    levels, number = np.unique(top[_top_channels(known, top) >= _CLIPPED_CHANNELS], return_counts=True)
    shared = levels[number > 1]
    return float(shared.min()) if shared.size else np.inf


def saturated_channels(counts: Array, level: float) -> BoolArray:
    """(n, channels) channels at the plateau of a full detector, which is at `level` or shows in five channels."""
    known = np.where(np.isfinite(counts), counts, -np.inf)
    top = known.max(axis=1)
    alone = _top_channels(known, top) >= _CLEARLY_CLIPPED
    full = known >= level
    narrow = 2 * full.sum(axis=1) < counts.shape[1]
    return (full & narrow[:, None]) | ((known == top[:, None]) & alone[:, None])


def _energy_axis_problems(image: SpectrumImage, quality: SpectrumQuality) -> list[str]:
    width, offset, low = quality.resolution, quality.offset, float(image.energy[0])
    said: list[str] = []
    if low >= 0 or quality.gain <= 0:
        start = f"{low / meV:.4g} meV"
        said.append(f"no gain side: the energy axis starts at {start}, so no temperature can be had from it")
    elif quality.gain < _SHALLOW_GAIN_SIDE:
        said.append(f"the gain side ends {quality.gain / meV:.3g} meV from the zero-loss peak: few phonons show there")
    if not np.isfinite(width):
        return [*said, "no zero-loss peak with both flanks was found"]
    if width > _BROAD_ZERO_LOSS:
        said.append(f"the zero-loss peak is {width / meV:.4g} meV wide: too broad for vibrational losses")
    if width < 3 * quality.step:
        said.append(f"the zero-loss peak is {width / quality.step:.2g} channels wide: too few to fit its shape")
    if abs(offset) > width:
        said.append(f"the zero-loss peak lies at {offset / meV:.4g} meV: the zero of the energy axis is off")
    drift = float(np.nanstd(quality.centre))
    if drift > width:
        said.append(f"the zero-loss peak moves by {drift / meV:.3g} meV (standard deviation) from pixel to pixel")
    return said
