"""Dark spectra, recorded without the beam, as part of what a fit is told; nothing is subtracted."""

import numpy as np
from attrs import evolve

from kapitza.errors import InputError
from kapitza.measure.eels.spectrum import SpectrumImage

FEWEST = 8  # dark spectra from which a variance means something
MANY = 200  # from which on each channel has its own


def with_dark(image: SpectrumImage, dark: SpectrumImage) -> SpectrumImage:
    r"""Return spectra with the mean and the variance of a series of dark ones, for the likelihood of a fit.

    The mean is that of each channel.  The variance of one pixel is the scatter $s^2$ of the series, of each channel
    from 200 spectra on and one for all below, times $1 + 1/n$ for the error of the mean of $n$ spectra.  That error is
    the same in all pixels; a series longer than a few ten makes it small beside the noise.

    Parameters
    ----------
    image : spectra, dark counts still in them
    dark : spectra of the same detector, exposure and channels without the beam

    Raises
    ------
    InputError
        for other channels, or fewer than 8 complete dark spectra
    """
    if dark.energy.size != image.energy.size:
        raise InputError(f"dark spectra have {dark.energy.size} channels, the spectra {image.energy.size}")
    total, squares, number = np.zeros(dark.energy.size), np.zeros(dark.energy.size), 0
    near = np.nan_to_num(dark.block(0, 1)[0]) / dark.electrons_per_count  # sums about a spectrum lose no digits
    for _, part in dark.blocks():
        counts = part[np.isfinite(part).all(axis=1)] / dark.electrons_per_count - near
        total += counts.sum(axis=0)
        squares += np.square(counts).sum(axis=0)
        number += len(counts)
    if number < FEWEST:
        raise InputError(f"{number} complete dark spectra, wanted {FEWEST} or more to know their noise")
    mean = total / number
    variance = np.maximum(squares - number * mean**2, 0.0) / (number - 1)
    if number < MANY:
        variance = np.full(variance.size, variance.mean())
    return evolve(image, dark=near + mean, dark_variance=variance * (1 + 1 / number))


def with_dark_count(image: SpectrumImage, mean: float, noise: float) -> SpectrumImage:
    """Return spectra with a dark count of this mean and standard deviation in each channel of each pixel, counts.

    Raises
    ------
    InputError
        for a noise below zero or numbers that are not finite
    """
    if not (np.isfinite(mean) and 0 <= noise < np.inf):
        raise InputError(f"dark count {mean:g} ± {noise:g}, wanted finite numbers and a noise of 0 or more")
    return evolve(image, dark=[mean], dark_variance=[noise**2])
