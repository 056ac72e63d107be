"""Gain of each channel of a detector: from a reference, or from the scan itself."""

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from kapitza.core.arrays import Array, real_array
from kapitza.errors import InputError
from kapitza.measure.eels.diagnosis.residuals import SummedResiduals
from kapitza.measure.eels.spectrum import SpectrumImage

_UNEVEN, _MOST_UNEVEN = 0.5, 0.1  # off the median of all channels, and the share of channels that may be
_LEAST_ELECTRONS = 100.0  # summed over the pixels, from which a channel says something of its gain
_SMOOTH_WIDTHS = 2.0  # full widths of the zero-loss peak on either side: what is smooth over them is no gain
_PASSES = 4
_MAX_DEVIATION = 0.5  # of a gain from 1: more is no gain but a dead or hot channel


def with_gain_reference(image: SpectrumImage, reference: SpectrumImage) -> SpectrumImage:
    """Return spectra with the relative efficiency of each channel, the mean of evenly lit reference spectra.

    Raises
    ------
    InputError
        for another number of channels, a reference without counts, or one that is not evenly lit
    """
    n = image.energy.size
    if reference.energy.size != n:
        raise InputError(f"the gain reference has {reference.energy.size} channels, the spectra {n}")
    dark = np.broadcast_to(reference.dark, n) * reference.electrons_per_count * reference.pixels
    gain = reference.total() - dark
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


def _without_smooth(value: Array, weight: Array, reach: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
