"""Electron energy-loss spectra as the detector counted them, pixel by pixel, with dark count, noise and efficiency."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, finite, increasing, quantity
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.units import meV, nm

_BLOCK_BYTES = 2**25  # bytes of counts, as floats, that are held at a time
_SPACING_TOLERANCE = 1e-3  # of a channel by which a centre may miss its place, as axes written in single precision do


class CountArray(Protocol):
    """What is asked of the counts: a NumPy array, a memory map or an HDF5 dataset; read slice by slice."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape, the channels last."""
        ...

    @property
    def dtype(self) -> Any:
        """Type of one count."""
        ...

    def __getitem__(self, key: Any, /) -> Any:
        """Return a part as an array."""
        ...


class Detector(NamedTuple):
    """What stands between electrons and counts: dark mean, efficiency and dark variance, each (n,), in electrons."""

    dark: NDArray[Any]
    response: NDArray[Any]
    variance: NDArray[Any]


def _as_counts(value: Any) -> CountArray:
    if not (hasattr(value, "shape") and hasattr(value, "dtype") and hasattr(value, "__getitem__")):
        value = np.asarray(value)
    if len(value.shape) not in (1, 2, 3):
        raise InputError(f"expected counts along up to two positions and energy, got shape {tuple(value.shape)}")
    if np.dtype(value.dtype).kind not in "iufb":
        raise InputError(f"expected counts as real numbers, got {value.dtype}")
    return value


def _even_energy_axis(value: ArrayLike) -> Array:
    axis = increasing(value)
    if axis.size < 2:
        raise InputError(f"expected an energy axis of two channels or more, got {axis.size}")
    step = (axis[-1] - axis[0]) / (axis.size - 1)
    off = np.abs(axis - (axis[0] + step * np.arange(axis.size))) / step
    if off.max() > _SPACING_TOLERANCE:
        raise InputError(
            f"energy axis is not evenly spaced: channel {int(off.argmax())} is {off.max():.3g} channels off its place"
        )
    return axis


def _per_channel(instance: "SpectrumImage", attribute: Any, value: Array) -> None:
    if value.size not in (1, instance.energy.size):
        raise InputError(f"{attribute.name} has {value.size} values for {instance.energy.size} channels")


_PER_CHANNEL: dict[str, Any] = {"converter": finite, "validator": _per_channel}


@frozen(eq=False)
class SpectrumImage(BaseRecord):
    """Counted spectra on a line, an area or at a single place.

    Attributes
    ----------
    counts : (..., channels) as recorded, in the detector's counts; sliced block by block, so that it may lie on a disk;
        NaN and values below zero are kept
    energy : (channels,) centre of each channel, even steps, loss positive and gain negative, J
    position : axes of position, one for each leading axis of `counts` (none for a single spectrum), m
    dark : mean dark count of one channel in one pixel, one value or (channels,), counts
    dark_variance : variance of the dark count of one channel in one pixel: readout, dark current, and that of the mean
        itself, one value or (channels,), counts²
    response : relative efficiency of each channel (gain reference), one value or (channels,)
    metadata : what else the file says: plain values by name

    Raises
    ------
    InputError
        for shapes that do not fit, an uneven energy axis, counts that are no real numbers
    """

    counts: CountArray = field(converter=_as_counts, metadata=about("1", "recorded counts"))
    energy: Array = field(converter=_even_energy_axis, metadata=about("J", "energy loss"))
    position: tuple[Array, ...] = field(
        default=(), converter=lambda axes: tuple(map(increasing, axes)), metadata=about("m", "position")
    )
    electrons_per_count: float = field(
        default=1.0, validator=quantity(), kw_only=True, metadata=about("1", "electrons of a count")
    )
    dark: Array = field(default=np.zeros(1), **_PER_CHANNEL, kw_only=True, metadata=about("1", "dark count"))
    dark_variance: Array = field(default=np.zeros(1), **_PER_CHANNEL, kw_only=True, metadata=about("1", "its variance"))
    response: Array = field(default=np.ones(1), **_PER_CHANNEL, kw_only=True, metadata=about("1", "efficiency"))
    exposure: float | None = field(default=None, kw_only=True, metadata=about("s", "time of one pixel"))
    metadata: Mapping[str, Any] = field(factory=dict[str, Any], kw_only=True)
    source: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        wanted = (*(axis.size for axis in self.position), self.energy.size)
        if tuple(self.counts.shape) != wanted:
            raise InputError(f"counts have shape {tuple(self.counts.shape)}, the axes of position and energy {wanted}")
        if (self.dark_variance < 0).any() or (self.response < 0).any():
            low = min(float(self.dark_variance.min()), float(self.response.min()))
            raise InputError(f"a variance or a response below zero: {low:g}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels along each axis of position."""
        return tuple(axis.size for axis in self.position)

    @property
    def pixels(self) -> int:
        """Number of spectra."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def step(self) -> float:
        """Width of one channel, J."""
        return float(self.energy[-1] - self.energy[0]) / (self.energy.size - 1)

    @property
    def title(self) -> str:
        """What it is, in one line."""
        axes = " x ".join(f"{axis.size} over {(axis[-1] - axis[0]) / nm:.4g} nm" for axis in self.position)
        low, high = self.energy[0] / meV, self.energy[-1] / meV
        return f"{axes or 'one place'}; {self.energy.size} channels from {low:.4g} to {high:.4g} meV"

    def block(self, start: int, stop: int) -> Array:
        """(n, channels) electrons of the pixels from `start` to before `stop`, counted row by row.

        No dark count is taken off.
        """
        if not self.shape:
            part = np.asarray(self.counts[...])[None]
        elif len(self.shape) == 1:
            part = np.asarray(self.counts[start:stop])
        else:  # only the rows that hold the pixels are read
            width, stop = self.shape[1], min(stop, self.pixels)
            first, last = start // width, -(-stop // width)
            columns = slice(start - first * width, stop - first * width)
            if last - first == 1:
                part = np.asarray(self.counts[first, columns])
            else:
                part = np.asarray(self.counts[first:last]).reshape(-1, self.energy.size)[columns]
        return np.asarray(part, dtype=float) * self.electrons_per_count

    def spectra(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """(n, channels) electrons of some pixels, by their numbers row by row; only these are read."""
        return np.concatenate([self.block(i, i + 1) for i in np.asarray(pixels).tolist()])

    def sample(self, most: int) -> NDArray[np.float64]:
        """(n, channels) electrons of pixels from all over the image, at most so many."""
        return self.spectra(np.unique(np.linspace(0, self.pixels - 1, most).astype(int)))

    def blocks(self, size: int | None = None) -> Iterator[tuple[int, Array]]:
        """Yield the first pixel and the electrons (n, channels) of block after block; `size` pixels each."""
        size = size or max(1, _BLOCK_BYTES // (8 * self.energy.size))
        for start in range(0, self.pixels, size):
            yield start, self.block(start, min(start + size, self.pixels))

    def total(self) -> Array:
        """(channels,) electrons of all pixels together; missing ones count as zero."""
        found = np.zeros(self.energy.size)
        for _, part in self.blocks():
            found += np.nansum(np.where(np.isfinite(part), part, 0.0), axis=0)
        return found


def image_detector(image: SpectrumImage) -> Detector:
    """Dark mean, efficiency and dark variance of each channel, in electrons.

    They are copies: the search of a fit is compiled for writable arrays, and would be compiled again for others.
    """
    n, unit = image.energy.size, image.electrons_per_count
    dark, response, variance = (np.broadcast_to(v, n) for v in (image.dark, image.response, image.dark_variance))
    return Detector(dark * unit, np.array(response), variance * unit**2)


_MIN_DARK_SPECTRA = 8  # dark spectra from which a variance means something
_MIN_SPECTRA_PER_CHANNEL = 200  # from which on each channel has its own


def with_dark(image: SpectrumImage, dark: SpectrumImage) -> SpectrumImage:
    """Return spectra with the mean and the variance of a series of dark ones, for the likelihood of a fit.

    The mean is that of each channel.  The variance of one pixel is the scatter $s^2$ of the series, of each channel
    from 200 spectra on and one for all below, times $1 + 1/n$ for the error of the mean of $n$ spectra.  That error is
    the same in all pixels; a series longer than a few ten makes it small beside the noise.
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
    if number < _MIN_DARK_SPECTRA:
        raise InputError(f"{number} complete dark spectra, wanted {_MIN_DARK_SPECTRA} or more to know their noise")
    mean = total / number
    variance = np.maximum(squares - number * mean**2, 0.0) / (number - 1)
    if number < _MIN_SPECTRA_PER_CHANNEL:
        variance = np.full(variance.size, variance.mean())
    return evolve(image, dark=near + mean, dark_variance=variance * (1 + 1 / number))


def with_dark_count(image: SpectrumImage, mean: float, noise: float) -> SpectrumImage:
    """Return spectra with a dark count of this mean and standard deviation in each channel of each pixel, counts."""
    if not (np.isfinite(mean) and 0 <= noise < np.inf):
        raise InputError(f"dark count {mean:g} ± {noise:g}, wanted finite numbers and a noise of 0 or more")
    return evolve(image, dark=[mean], dark_variance=[noise**2])
