"""Checks of a temperature map: residuals, scatter, and the energy scale and gain of the detector."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, BoolArray, about, positive, real_array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.map import PixelFlag, TemperatureMap, fitted_energies
from kapitza.measure.eels.model import SpectrumModel, channel_grid, expected_spectrum
from kapitza.measure.eels.spectrum import SpectrumImage, image_detector

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
_MISFIT_PROBABILITY = 1e-4  # of the flag of a single pixel when the model is right
_CHANCE = 1e-3  # probability below which the number of misfits in a map is no accident
_MOST_QUIET = 0.9  # mean dispersion below which errors are more than 5 % too large
_LEAST_PROBABILITY = 1e-15  # so that a score is finite
_SURE_SCORE, _LEAST_SCORE = 4.0, 0.5  # standard normal scores of all pixels together, and of the mean pixel
_SAMPLE_PIXELS = 256  # pixels that give the scale of a scan
_LEAST_SHIFT, _SURE_ERRORS = 5e-3, 4.0  # relative, and in standard uncertainties: less is nothing to speak of
_COMMON_SHARE = 0.25  # of a shift by which one mode may differ from that of all
_UNEVEN, _MOST_UNEVEN = 0.5, 0.1  # off the median of all channels, and the share of channels that may be
_LEAST_ELECTRONS = 100.0  # summed over the pixels, from which a channel says something of its gain
_SMOOTH_WIDTHS = 2.0  # full widths of the zero-loss peak on either side: what is smooth over them is no gain
_PASSES = 4
_MAX_DEVIATION = 0.5  # of a gain from 1: more is no gain but a dead or hot channel


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
    where: BoolArray | None = None,
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
    grid, detector = channel_grid(model, image.energy), image_detector(image)
    values = found.value.reshape(-1, len(found.names)) / model.units(image.step)
    counted, expected, variance = np.zeros((3, image.energy.size))
    for first in range(0, pixels.size, _BLOCK_PIXELS):
        some = pixels[first : first + _BLOCK_PIXELS]
        counts = image.spectra(some)
        mean = expected_spectrum(model, grid, values[some])[0] * detector.response
        there = np.isfinite(counts)
        counted += np.where(there, counts - detector.dark, 0.0).sum(axis=0)
        expected += np.where(there, mean, 0.0).sum(axis=0)
        variance += np.where(there, np.maximum(mean + detector.variance, 0.0), 0.0).sum(axis=0)
    centre = float(values[pixels, 1].mean()) * image.step
    widths = [i for i, name in enumerate(found.names) if name.startswith("fwhm")]
    fwhm = float(np.median(values[pixels][:, widths])) * image.step
    energy = image.energy - centre
    return SummedResiduals(energy=energy, counted=counted, expected=expected, variance=variance, fwhm=fwhm)


def misfit_cause(seen: SummedResiduals, found: TemperatureMap, model: SpectrumModel) -> MisfitCause:
    """Likely cause of a misfit, from where the summed residuals are.

    Without structure in the sum the spectra merely scatter too much; with one from channel to channel it is a gain
    pattern; else the region with the largest share of the strongest residuals names it.
    """
    score = seen.score
    known = found.dispersion[found.good & np.isfinite(found.dispersion)]
    dispersion = max(float(known.mean()) if known.size else 1.0, 1.0)
    if float(np.mean(score**2)) < _STRUCTURE * dispersion:
        return "noise"
    cut = np.clip(score, -_MAX_SCORE, _MAX_SCORE)  # else the few channels of the zero-loss peak alone would decide
    if float(np.mean(cut[1:] * cut[:-1])) < _ROUGH * float(np.mean(cut**2)):
        return "pattern"
    excess = np.convolve(score, np.full(5, 1 / np.sqrt(5)), mode="same") ** 2
    near = np.zeros(score.size, dtype=bool)  # channels near the line of a mode
    for mode in model.modes:
        sigma = float(np.hypot(mode.width, seen.fwhm / 2.355))
        near |= np.abs(np.abs(seen.energy) - mode.energy) < _MODE_SIGMAS * sigma
    flank = (np.abs(seen.energy) < _TAIL_WIDTHS * seen.fwhm) & ~near
    strong = np.where(excess >= np.quantile(excess, _STRONGEST), excess, 0.0)
    regions: dict[MisfitCause, BoolArray] = {"mode": near, "tail": flank, "background": ~(near | flank)}
    return max(regions, key=lambda name: float(strong[regions[name]].sum()))


@frozen(kw_only=True)
class FitVerdict(BaseRecord):
    """How well the spectra of a map are described by what was fitted.

    Attributes
    ----------
    misfits : of these, how many fit worse than one in 10⁴ would
    dispersion : mean of chi-squared over its expected value; 1 where model and counting statistics are right
    too_good : whether the spectra scatter less than electrons do
    too_bad : whether all pixels together fit badly, though hardly one does so on its own
    """

    pixels: int = field(metadata=about("1", "usable pixels"))
    misfits: int = field(metadata=about("1", "pixels that fit badly"))
    dispersion: float = field(metadata=about("1", "chi-squared over its expected value"))
    too_good: bool = False
    too_bad: bool = False

    @property
    def doubtful(self) -> bool:
        """Whether more pixels are misfits than chance makes."""
        from scipy.special import bdtrc

        return self.misfits > 0 and float(bdtrc(self.misfits - 1, self.pixels, _MISFIT_PROBABILITY)) < _CHANCE

    @property
    def text(self) -> str:
        """The verdict in a few words; empty where nothing speaks against the map."""
        if self.doubtful:
            share = f"{self.misfits} of {self.pixels} misfit"
            return f"not to be trusted: {share}" if 2 * self.misfits > self.pixels else f"in doubt: {share}"
        if self.too_bad:
            return f"in doubt: chi-squared is {self.dispersion:.3g} of what is expected"
        return "errors too large: fits too well" if self.too_good else ""


def fit_verdict(found: TemperatureMap) -> FitVerdict:
    """Verdict on a map, from the flags, goodness of fit and dispersion of its usable pixels.

    The goodness of fit of all pixels is combined as a sum of standard normal scores (Stouffer).
    """
    from scipy.special import ndtri

    good = found.good & np.isfinite(found.pvalue)
    known = found.dispersion[good & np.isfinite(found.dispersion)]
    dispersion = float(known.mean()) if known.size else np.nan
    score = -ndtri(np.clip(found.pvalue[good], _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY))
    mean = float(score.mean()) if score.size else 0.0
    sure = abs(mean) * np.sqrt(score.size) > _SURE_SCORE and abs(mean) > _LEAST_SCORE
    return FitVerdict(
        pixels=int(good.sum()),
        misfits=int(np.count_nonzero(found.flag[good] & int(PixelFlag.MISFIT))),
        dispersion=dispersion,
        too_good=bool(sure and dispersion < _MOST_QUIET),
        too_bad=bool(sure and mean > 0),
    )


def widen_misfits(found: TemperatureMap) -> TemperatureMap:
    """Return a map whose misfits are kept: their covariance is widened by the dispersion, and the flag taken off.

    As if the counts scattered more than electrons do.  What a wrong model does to all pixels alike is not in these
    errors.

    Raises
    ------
    InputError
        for a map of an earlier version, which does not hold the dispersion
    """
    misfit = found.good & ((found.flag & int(PixelFlag.MISFIT)) != 0)
    unknown = misfit & ~np.isfinite(found.dispersion)
    if unknown.any():
        raise InputError(f"{int(unknown.sum())} misfits of the map have no dispersion: fit the spectra again")
    factor = np.where(misfit, np.maximum(found.dispersion, 1.0), 1.0)
    flag = np.where(misfit, found.flag & ~int(PixelFlag.MISFIT), found.flag)
    return evolve(found, covariance=found.covariance * factor[..., None, None], flag=flag)


@frozen(eq=False)
class EnergyScale(BaseRecord):
    r"""Fitted over expected energies of the modes; temperatures go with it, since $T = E/k_B\ln(L/G)$.

    Attributes
    ----------
    by_mode, by_mode_sigma : (m,) of each mode
    """

    modes: tuple[str, ...]
    value: float = field(metadata=about("1", "energy scale"))
    sigma: float = field(metadata=about("1", "its statistical uncertainty"))
    by_mode: Array = field(converter=positive, metadata=about("1", "energy scale by mode"))
    by_mode_sigma: Array = field(converter=positive, metadata=about("1", "its uncertainty by mode"))

    @property
    def wrong(self) -> bool:
        """Whether all modes lie off their energies by one factor, as a wrong dispersion moves them."""
        shift = abs(self.value - 1)
        together = np.abs(self.by_mode - self.value) < _COMMON_SHARE * shift + _SURE_ERRORS * self.by_mode_sigma
        return bool(shift > max(_LEAST_SHIFT, _SURE_ERRORS * self.sigma) and together.all())


def energy_scale(found: TemperatureMap) -> EnergyScale:
    """Energy scale of a fitted map: weighted mean of fitted over expected energies.

    Parameters
    ----------
    found : fit of spectra whose modes were free to move

    Raises
    ------
    InputError
        if no pixel shows the energy of any mode, or the map does not hold what was expected
    """
    if not found.expected_energy.size:
        raise InputError("the map holds no expected energies of its modes: fit the spectra again")
    expected = dict(zip(found.modes, found.expected_energy.tolist(), strict=True))
    shown = fitted_energies(found)
    if not shown:
        raise InputError(f"none of {found.good.size} pixels shows the energy of a mode: there is nothing to go by")
    by_mode = [_weighted_mean(energy / expected[m], sigma / expected[m]) for m, (energy, sigma) in shown.items()]
    ratio, error = map(np.array, zip(*by_mode, strict=True))
    return EnergyScale(tuple(shown), *_weighted_mean(ratio, error), ratio, error)


def _weighted_mean(value: Array, sigma: Array) -> tuple[float, float]:
    weight = sigma**-2
    return float(np.sum(weight * value) / weight.sum()), float(1 / np.sqrt(weight.sum()))


def with_energy_scale(image: SpectrumImage, scale: float) -> SpectrumImage:
    """Return spectra whose energy axis is divided by a scale."""
    if not 0 < scale < np.inf:
        raise InputError(f"energy scale {scale:g}: expected a number above 0")
    return evolve(image, energy=image.energy / scale)


def sample_pixels(image: SpectrumImage, most: int = _SAMPLE_PIXELS) -> SpectrumImage:
    """Return pixels from all over an image, as a line."""
    counts = image.sample(most) / image.electrons_per_count
    return evolve(image, counts=counts, position=(np.arange(len(counts), dtype=float),))


def with_gain_reference(image: SpectrumImage, reference: SpectrumImage) -> SpectrumImage:
    """Return spectra with the relative efficiency of each channel, the mean of evenly lit reference spectra.

    Raises
    ------
    InputError
        for another number of channels, a reference without counts, or one that is not evenly lit
    """
    if reference.energy.size != image.energy.size:
        raise InputError(f"the gain reference has {reference.energy.size} channels, the spectra {image.energy.size}")
    gain = reference.total() - image_detector(reference).dark * reference.pixels
    if not (np.isfinite(gain).all() and gain.min() >= 0 and gain.max() > 0):
        raise InputError(f"the gain reference runs from {gain.min():g} to {gain.max():g} counts, wanted 0 or more")
    apart = float(np.mean(np.abs(gain / np.median(gain[gain > 0]) - 1) > _UNEVEN))
    if apart > _MOST_UNEVEN:
        raise InputError(
            f"{100 * apart:.0f} % of the channels of the gain reference are more than {100 * _UNEVEN:.0f} % off their "
            "median: expected evenly lit spectra, not those of a specimen"
        )
    return evolve(image, response=gain / gain.mean())


def scan_response(seen: SummedResiduals) -> Array:
    r"""(channels,) relative efficiency from the summed counts of a scan over the summed fits.

    What is smooth over some widths of the zero-loss peak is taken off the ratio by a local parabola: there it is the
    model that is wrong, not the gain.  The rest is reduced by $\tau^2/(\tau^2 + v)$, with its variance $\tau^2$ over
    the channels and the counting noise $v$ of each (Wiener).  What a change of the fitted parameters would do,
    temperature included, is not seen: it is common to all pixels.

    Parameters
    ----------
    seen : of the fits without this response
    """
    use = (seen.expected > _LEAST_ELECTRONS) & (seen.variance > 0)
    expected = np.where(use, seen.expected, 1.0)
    ratio = np.where(use, seen.counted / expected, 1.0)
    noise = np.where(use, seen.variance / expected**2, np.inf)
    use &= np.abs(ratio - 1) < _MAX_DEVIATION
    reach = max(round(_SMOOTH_WIDTHS * seen.fwhm / float(seen.energy[1] - seen.energy[0])), 4)
    weight, variance = np.where(use, 1 / noise, 0.0), 0.0
    rest = np.zeros(ratio.size)
    for _ in range(_PASSES):  # the weights of the channels follow from the variance that they give
        rest, share = _without_smooth(ratio, weight, reach)
        excess = np.where(use, rest**2 / share - np.where(use, noise, 0.0), 0.0)
        variance = max(float(np.sum(weight**2 * excess) / np.sum(weight**2)), 0.0)
        weight = np.where(use, 1 / (noise + variance), 0.0)
    return real_array(1 + np.where(use, rest * variance / (variance + np.where(use, noise, np.inf)), 0.0))


def _without_smooth(value: Array, weight: Array, reach: int) -> tuple[Array, Array]:
    """(n,) values less a weighted parabola through the channels within reach, and the share of variance left."""
    rest, share = np.zeros(value.size), np.ones(value.size)
    for i in range(value.size):
        near = slice(max(i - reach, 0), min(i + reach + 1, value.size))
        away = (np.arange(near.start, near.stop) - i) / reach
        rows = np.stack([np.ones_like(away), away, away**2])
        held = weight[near] * np.square(1 - np.minimum(np.abs(away), 1) ** 2)
        normal = (rows * held) @ rows.T
        if weight[i] == 0 or np.count_nonzero(held) < 6:
            continue
        hat = np.linalg.solve(normal, rows * held)[0]
        rest[i] = value[i] - hat @ value[near]
        own = i - near.start
        share[i] = max(float(1 - 2 * hat[own] + hat @ hat), 0.1)
    return rest, share
