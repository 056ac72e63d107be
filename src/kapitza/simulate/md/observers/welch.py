"""Spectra on the fly: samples of many signals go in, sums over segments stay, nothing is dumped.

P. D. Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967), doi:10.1109/TAU.1967.1161901.
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal, cast

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray
from scipy import fft

from kapitza.core.arrays import Array, about, one_of, quantity
from kapitza.core.records import BaseRecord
from kapitza.core.student import student_widening
from kapitza.errors import InputError

Window = Literal["hann", "sine", "none"]
Precision = Literal["double", "single"]
Arrays = dict[str, NDArray[np.generic]]
Signals = NDArray[np.floating[Any]]
ComplexSignals = NDArray[np.complexfloating[Any, Any]]

_WINDOW_KINDS: tuple[Window, ...] = ("hann", "sine", "none")
_PRECISION_KINDS: tuple[Precision, ...] = ("double", "single")
_SIGNAL_CHUNK = 96  # signals transformed at once: their samples stay in the cache
_MIN_SEGMENT = 8  # samples of a segment
_MAX_GROUPS = 40  # at most, of segments, for the error of a mean


@frozen(kw_only=True)
class SegmentSettings(BaseRecord):
    """How often an observer samples, and the segments of its spectra; π / interval must lie above all vibrations."""

    timestep: float = field(validator=quantity(), metadata=about("s", "time step of the run"))
    every: int = field(default=10, validator=quantity(), metadata=about("1", "steps between two samples"))
    segment: int = field(default=512, metadata=about("1", "samples of one segment"))
    window: Window = field(default="hann", validator=one_of(*_WINDOW_KINDS))
    precision: Precision = field(default="double", validator=one_of(*_PRECISION_KINDS))  # of samples and transforms

    def __attrs_post_init__(self) -> None:
        if self.segment < _MIN_SEGMENT or self.segment % 4:
            raise InputError(f"a segment of {self.segment} samples: wanted a multiple of 4 from {_MIN_SEGMENT} upwards")

    @property
    def interval(self) -> float:
        """Time between two samples, s."""
        return self.timestep * self.every


class SegmentBuffer:
    """The samples of the segment that is being filled, (length, signals); with a window, segments overlap by half.

    It holds 8 (single: 4) · length · signals bytes.
    """

    def __init__(self, signals: int, settings: SegmentSettings) -> None:
        length, t = settings.segment, np.arange(settings.segment)
        # The squares of "sine" add up to one at half overlap, so that every sample but the first and the last few
        # counts alike; "hann" leaks less; "none" has no overlap.
        self.weights = np.ones(length)
        if settings.window != "none":
            sine, hann = np.sin(np.pi * (t + 0.5) / length), 0.5 * (1 - np.cos(2 * np.pi * t / length))
            self.weights = sine if settings.window == "sine" else hann
        self.kept = 0 if settings.window == "none" else length // 2
        self.samples = np.zeros((length, signals), dtype=np.float64 if settings.precision == "double" else np.float32)
        self.filled = 0

    def add(self, row: Signals) -> bool:
        """Take one sample of every signal; whether the segment is full."""
        self.samples[self.filled] = row
        self.filled += 1
        return self.filled == len(self.samples)

    def advance(self) -> None:
        """Begin the next segment, with the second half of this one where segments overlap."""
        self.samples[: self.kept] = self.samples[len(self.samples) - self.kept :]
        self.filled = self.kept

    def transforms(self, *groups: slice) -> Iterator[tuple[slice, list[ComplexSignals]]]:
        """Fourier transforms of several groups of as many signals, (≤ 96, length/2 + 1) each, portion by portion."""
        weights = self.weights.astype(self.samples.dtype)
        count = groups[0].stop - groups[0].start
        for start in range(0, count, _SIGNAL_CHUNK):
            part = slice(start, min(start + _SIGNAL_CHUNK, count))
            spectra: list[ComplexSignals] = []
            for g in groups:
                rows = np.ascontiguousarray(self.samples[:, g.start + part.start : g.start + part.stop].T)
                spectra.append(cast("ComplexSignals", fft.rfft(rows * weights)))
            yield part, spectra

    @property
    def one_sided(self) -> Array:
        r"""(length/2 + 1,) factors that turn products of transforms into shares of the mean product of two signals.

        $\sum_t w_t^2 a_t b_t / \sum_t w_t^2 = \sum_k c_k \mathrm{Re}\,A_k B_k^*$ (Parseval), for any window.
        """
        factor = np.full(len(self.weights) // 2 + 1, 2.0)
        factor[[0, -1]] = 1.0  # zero and Nyquist frequency have no partner at -ω
        return factor / (len(self.weights) * np.square(self.weights).sum())

    def mean(self, series: Array) -> float:
        """Mean of a series of the segment's length with the weights that the spectrum gives to its samples."""
        weight = np.square(self.weights)
        return float(series @ weight / weight.sum())


class SegmentSums:
    """Sums of the rows of successive segments in a bounded number of rows; full, neighbours are added."""

    def __init__(self, width: int, most: int = 256) -> None:
        self.rows = np.zeros((most, width))
        self.counts = np.zeros(most, dtype=np.int64)
        self.fold = 1

    def add(self, row: Array) -> None:
        """Take the row of one more segment."""
        if self.counts[-1] == self.fold:
            self.rows[: len(self.rows) // 2] = self.rows[::2] + self.rows[1::2]
            self.rows[len(self.rows) // 2 :] = 0
            self.fold *= 2  # memory is bounded: rows grow coarser, as errors need only long blocks
            self.counts[: len(self.rows) // 2] = self.fold
            self.counts[len(self.rows) // 2 :] = 0
        at = int(np.searchsorted(-self.counts, -self.fold, side="right"))
        self.rows[at] += row
        self.counts[at] += 1

    def arrays(self) -> Arrays:
        """All that it holds."""
        return {"rows": self.rows.copy(), "counts": self.counts.copy(), "fold": np.array([self.fold])}

    def restore(self, arrays: Arrays) -> None:
        """Go on from what `arrays` gave."""
        restore_array("rows", arrays, self.rows)
        restore_array("counts", arrays, self.counts)
        fold = np.ones(1, dtype=np.int64)
        restore_array("fold", arrays, fold)
        self.fold = int(fold[0])

    def blocks(self) -> tuple[Array, NDArray[np.int64]]:
        """(blocks, width) means of the rows, and the segments in each."""
        some = self.counts > 0
        return self.rows[some] / self.counts[some, None], self.counts[some]


def group_rows(rows: Array, counts: NDArray[np.int64]) -> tuple[Array, Array]:
    """Means and weights of at most 40 groups of successive rows: long ones are hardly correlated."""
    parts = np.array_split(np.arange(len(rows)), min(_MAX_GROUPS, len(rows)))
    weights = np.array([float(counts[p].sum()) for p in parts])
    return np.array([np.average(rows[p], axis=0, weights=counts[p]) for p in parts]), weights


def jackknife(rows: Array, weights: Array, statistic: Callable[[Array], Array]) -> tuple[Array, Array]:
    """A function of the mean of the rows, and its standard uncertainty by leaving out one row after the other.

    Few rows leave the uncertainty uncertain: it is widened by Student's t, so that 1.96 of it hold 95 % for any number
    of rows.  NaN where there are fewer than two.  B. Efron and C. Stein, Ann. Statist. 9, 586 (1981),
    doi:10.1214/aos/1176345462.
    """
    total, weight = np.tensordot(weights, rows, axes=1), weights.sum()
    value = np.asarray(statistic(total / weight), dtype=float)
    n = len(rows)
    if n < 2:
        return value, np.full_like(value, np.nan)
    left = np.array([statistic((total - w * row) / (weight - w)) for row, w in zip(rows, weights, strict=True)])
    return value, student_widening(n - 1) * np.sqrt((n - 1) / n * np.square(left - left.mean(axis=0)).sum(axis=0))


def restore_array(name: str, arrays: Arrays, into: NDArray[Any]) -> None:
    """Copy one of several arrays into one that is there, if it fits."""
    found = arrays.get(name)
    if found is None or found.shape != into.shape:
        shape = None if found is None else found.shape
        raise InputError(f"the saved {name} has shape {shape}, wanted {into.shape}: the settings of the run differ")
    into[...] = found


class SegmentObserver:
    """Observer that fills segments of samples of some signals, and keeps sums of their rows of one width."""

    def __init__(self, settings: SegmentSettings, signals: int, width: int, most: int = 256) -> None:
        self.every, self.interval = settings.every, settings.interval
        self.ring = SegmentBuffer(signals, settings)
        self.sums = SegmentSums(width, most)

    def frequency_grid(self) -> tuple[Array, Array]:
        """(nω,) frequencies of the segments and their widths, rad s⁻¹, once there is a full segment."""
        length = len(self.ring.samples)
        if not self.sums.counts[0]:
            raise InputError(f"{self.ring.filled} samples do not fill the first segment of {length}: run longer")
        omega: Array = np.asarray(2 * np.pi * fft.rfftfreq(length, self.interval), dtype=float)
        width = np.full(omega.size, omega[1])
        width[[0, -1]] /= 2  # half a bin at zero and at Nyquist
        return omega, width

    def arrays(self) -> Arrays:
        """All that it holds, to be written and restored."""
        ring = self.ring
        return {"samples": ring.samples[: ring.filled].copy(), **self.sums.arrays(), "weights": ring.weights.copy()}

    def restore(self, arrays: Arrays) -> None:
        """Continue where another one left off."""
        ring = self.ring
        samples: NDArray[Any] = np.asarray(arrays.get("samples", np.zeros(0)))
        if samples.ndim != 2 or samples.shape[1] != ring.samples.shape[1] or len(samples) >= len(ring.samples):
            raise InputError(
                f"the saved samples have shape {samples.shape}, wanted fewer than {len(ring.samples)} of "
                f"{ring.samples.shape[1]} signals: the settings of the run differ"
            )
        weights = np.empty_like(ring.weights)
        restore_array("weights", arrays, weights)
        if not np.array_equal(weights, ring.weights):
            raise InputError(f"saved window {weights[:3]}, wanted {ring.weights[:3]}: the settings differ")
        self.sums.restore(arrays)
        ring.filled = len(samples)
        ring.samples[: ring.filled] = samples
