"""Signals of electron microscopes as their files describe them, the one way from there to a `SpectrumImage`, and counts
that stay on the disk: read slice by slice, with axes in another order than the file has them.
"""

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, Hint, InputError, ValidityWarning
from kapitza.io.formats.foreign_hdf5 import FOREIGN_FAULTS, foreign_h5py, local_dataset, plain_or_tuple
from kapitza.measure.eels.quality import finite_median, half_height_peaks
from kapitza.measure.eels.spectrum import CountArray, SpectrumImage
from kapitza.units import angstrom, c_light, eV, h, meV, mm, nm, um


def _unit_table(units: Mapping[str, float]) -> Mapping[str, float]:
    """Values of units by each of their spellings, which commas separate."""
    return MappingProxyType({name: value for names, value in units.items() for name in names.split(", ")})


_ENERGY_UNITS = _unit_table({
    "eV, electron volt, electron volts, electronvolt, electronvolts": eV, "meV, milli eV": meV, "keV": 1e3 * eV,
    "µeV, ueV": 1e-6 * eV, "J": 1.0, "cm^-1, cm⁻¹, cm-1, 1/cm": 100 * h * c_light,
})  # fmt: skip
_LENGTH_UNITS = _unit_table({
    "m": 1.0, "mm": mm, "µm, um, micron, microns, micrometer": um, "nm, nanometer, nanometers": nm, "pm": 1e-12,
    "Å, A, angstrom, Angstrom": angstrom,
})  # fmt: skip
_UNIT_IN_BRACKETS = re.compile(r"[(\[](?P<unit>[^()\[\]]+)[)\]]\s*$")
_ENERGY_NAME = re.compile("energy|loss", re.IGNORECASE)
_FINEST_CHANNEL, _COARSEST_CHANNEL = 20e-6 * eV, 20 * eV  # the finest in use are of 0.1 meV, the coarsest of some eV
# widths of zero-loss peaks, between the best monochromator and a heated filament
_SHARPEST_ZERO_LOSS, _BROADEST_ZERO_LOSS = 0.5 * meV, 2.9 * eV
_BROADEST_NAMED = 4.0 * eV  # of a hairpin filament and a coarse detector: believed where the file names the unit
_UNDEFINED_TEXTS = ("_None_", "<undefined>")  # of HyperSpy
_MAX_AXIS_POINTS = 2**31  # points of one axis


@frozen(eq=False, kw_only=True)
class FileAxis(BaseRecord):
    """One axis of the counts in the words and units of its file."""

    size: int
    offset: float = 0.0  # first point, in `units`
    scale: float = 1.0  # step, in `units`
    units: str = ""  # as the file spells them; empty where it says nothing
    name: str = ""
    signal: bool | None = None  # whether one spectrum lies along it; None where the file does not say
    values: Array | None = None  # (size,) points of an axis that the file lists one by one

    @property
    def label(self) -> str:
        """Name for messages."""
        return repr(self.name[:40]) if self.name else "without name"

    @property
    def bare(self) -> bool:
        """Whether nobody calibrated it: it counts its points, in no unit."""
        return not self.units and self.values is None and self.scale == 1 and self.offset == 0

    def points(self) -> Array:
        """(size,) points in the units of the file, in its order: they may decrease."""
        if not 0 < self.size < _MAX_AXIS_POINTS:
            raise DataError(f"axis {self.label} has {self.size} points, expected 1 to {_MAX_AXIS_POINTS - 1}")
        if self.values is not None:
            return _listed_points(self, self.values)
        last = self.offset + self.scale * (self.size - 1)
        if not (math.isfinite(self.offset) and math.isfinite(self.scale) and math.isfinite(last)):
            raise DataError(f"axis {self.label} starts at {self.offset:g} in steps of {self.scale:g}: not finite")
        if self.scale == 0 or (self.size > 1 and last == self.offset):
            raise DataError(f"axis {self.label} is not calibrated: {self.size} points in steps of {self.scale:g}")
        return self.offset + self.scale * np.arange(self.size, dtype=float)


def file_axis(entry: Mapping[str, Any], size: int) -> FileAxis:
    """Return an axis of so many points from its entries name, units, navigate, and axis or size, offset and scale."""
    plain: dict[str, Any] = {key: plain_or_tuple(value) for key, value in entry.items() if key != "axis"}
    name, units = (
        text if isinstance(text := plain.get(key), str) and text not in _UNDEFINED_TEXTS else ""
        for key in ("name", "units")
    )
    navigate = plain.get("navigate")
    signal = None if navigate is None else not navigate
    if entry.get("axis") is not None:
        values = np.asarray(entry["axis"], dtype=float)
        return FileAxis(size=size, units=units, name=name, signal=signal, values=values)
    if plain.get("size") != size:
        raise DataError(f"axis {name!r:.40} has the size {plain.get('size')!r:.40} for {size} counts")
    first, step = plain.get("offset"), plain.get("scale")
    offset, scale = number_or_default(first), number_or_default(step)
    if math.isnan(offset) or math.isnan(scale):
        raise DataError(f"axis {name!r:.40} starts at {first!r:.40} in steps of {step!r:.40}, expected numbers")
    return FileAxis(size=size, offset=offset, scale=scale, units=units, name=name, signal=signal)


def mapping_or_empty(value: Any) -> Mapping[str, Any]:
    """Return a mapping, or an empty one for anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def number_or_default(value: Any, default: float = math.nan) -> float:
    """Return a number, or `default` for anything else."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else default


def _listed_points(axis: FileAxis, values: Array) -> Array:
    """Return points that a file lists, if they run one way."""
    if values.shape != (axis.size,):
        raise DataError(f"axis {axis.label} lists {values.size} points for {axis.size}")
    steps = np.diff(values)
    if not np.isfinite(values).all() or not ((steps > 0).all() or (steps < 0).all()):
        raise DataError(f"axis {axis.label} lists points that do not run one way, from {values[0]:g} to {values[-1]:g}")
    return values


def _normalise_unit(units: str) -> str:
    """Return units in one spelling: both Greek letters for micro as one, and of "loss (eV)" what the brackets hold."""
    inside = _UNIT_IN_BRACKETS.search(units)
    return (inside["unit"] if inside else units).strip().replace("\u03bc", "\u00b5")


def energy_unit(units: str) -> float | None:
    """Return a unit of energy in J, or None; letters may be large or small, but "MeV" is not taken for meV."""
    text = _normalise_unit(units)
    if text in _ENERGY_UNITS:
        return _ENERGY_UNITS[text]
    if text == "MeV":
        return 1e6 * eV
    return {name.casefold(): value for name, value in _ENERGY_UNITS.items() if name != "J"}.get(text.casefold())


def length_unit(units: str) -> float | None:
    """Return what a unit of length is worth in m, or None for no unit of length."""
    return _LENGTH_UNITS.get(_normalise_unit(units))


def _typed_unit(units: str, kind: str) -> float:
    table, convert = (_ENERGY_UNITS, energy_unit) if kind == "energy" else (_LENGTH_UNITS, length_unit)
    value = convert(units)
    if value is None:
        raise InputError(f"unknown unit of {kind} {units!r:.40}: expected one of {', '.join(table)}")
    return value


def is_energy_axis(axis: FileAxis) -> bool:
    """Whether the unit or the name of an axis says that it is one of energy."""
    return energy_unit(axis.units) is not None or _ENERGY_NAME.search(axis.name) is not None


def find_energy(axes: Sequence[FileAxis], *, losses: bool = False) -> int | None:
    """Return which axis is that of energy, or None where it cannot be identified.

    A unit of energy says it, else a name, else what the file calls the axis of the signal, else that there is no other
    axis.  Where the file says that these are energy losses, one axis of places before two of the signal is a stack of
    images, one for each energy.
    """
    signal = [i for i, axis in enumerate(axes) if axis.signal]
    for found in (
        [i for i, axis in enumerate(axes) if energy_unit(axis.units) is not None],
        [i for i, axis in enumerate(axes) if _ENERGY_NAME.search(axis.name)],
        [i for i in signal if length_unit(axes[i].units) is None],
        signal,
        [i for i, axis in enumerate(axes) if axis.signal is False] if losses and len(signal) > 1 else [],
        list(range(len(axes))),
    ):
        if len(found) == 1:
            return found[0]
    return None


def _axis_positions(axis: FileAxis, unit: str | None) -> Array:
    """(size,) positions in m, in the order of the file: they may decrease."""
    factor = _typed_unit(unit, "length") if unit is not None else length_unit(axis.units)
    if factor is None:
        said = f"has the unit {axis.units!r:.40}" if axis.units else "has no unit"
        state, pixel = ("is not calibrated", " (one step a pixel)") if axis.bare else (said, "")
        raise DataError(
            f"position axis {axis.label} of {axis.size} points {state}, expected a length:",
            hint=Hint(
                python=f'give position_unit="nm"{pixel} or the positions themselves',
                command=f"give --position-unit nm{pixel} or --pitch",
            ),
        )
    return factor * axis.points()


_SAMPLE_SPECTRA = 9  # spectra that are sampled to see whether an energy axis is plausible
_ELECTRON_UNITS = ("e", "e-", "e⁻", "electron", "electrons")


@frozen(eq=False, kw_only=True)
class FileSignal(BaseRecord):
    """Counts and axes as a file has them."""

    counts: Any  # array, memory map, or something on the disk that can be sliced
    axes: tuple[FileAxis, ...] = field(converter=tuple)
    title: str = ""
    losses: bool = False  # whether the file says that these are energy losses of electrons
    electrons_per_count: float = 1.0  # electrons that one count stands for
    dark: float = 0.0  # count without electrons
    exposure: float | None = None  # time of one pixel, s; None where unknown
    metadata: Mapping[str, Any] = field(factory=dict[str, Any])  # plain values by name

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the counts."""
        return tuple(int(size) for size in self.counts.shape)

    @property
    def energy(self) -> int | None:
        """Which axis is that of energy, None where that cannot be told."""
        return find_energy(self.axes, losses=self.losses)

    @property
    def words(self) -> str:
        """Axes in short, for messages."""
        return ", ".join(f"{axis.label} of {axis.size} ({axis.units[:20] or 'no unit'})" for axis in self.axes)


@frozen(eq=False, kw_only=True)
class UserCalibration(BaseRecord):
    """What the user says in place of the file, or where the file says nothing; as in `read_eels`."""

    energy_unit: str | None = None
    position_unit: str | None = None
    energy: ArrayLike | None = None
    position: Sequence[ArrayLike] | float | None = None
    electrons_per_count: float | None = None
    energy_scale: tuple[float, float] | None = None


def spectrum_image(signal: FileSignal, calibration: UserCalibration, source: str = "") -> SpectrumImage:
    """Return the record of what a reader found: energies in J, positions in m, energy last, axes increasing.

    Axes of one point are left out.
    """
    if signal.shape != tuple(axis.size for axis in signal.axes):
        raise DataError(f"counts have the shape {signal.shape}, the axes are {signal.words}")
    if isinstance(signal.counts, np.ndarray) and not isinstance(signal.counts, np.memmap) and not signal.counts.any():
        raise DataError(f"holds nothing but zeros in {signal.counts.size} channels: damaged, or nothing was recorded")
    where = signal.energy
    if where is None:
        raise DataError(f"no axis of energy can be told among {signal.words}: expected one in eV or meV")
    places = [i for i, axis in enumerate(signal.axes) if i != where and axis.size > 1]
    if len(places) > 2:
        raise DataError(f"has {len(places)} axes besides energy, expected up to two positions, got {signal.words}")
    position = _signal_positions([signal.axes[i] for i in places], calibration)
    energy_given = calibration.energy
    if calibration.energy_scale is not None:
        energy_given = _evenly_spaced(*calibration.energy_scale, signal.axes[where].size, "energy_scale", "J")
    energy = _axis_points(signal.axes[where], energy_given)
    backwards = [bool(axis[0] > axis[-1]) for axis in (*position, energy)]
    counts = rearrange(signal.counts, [*places, where], backwards)
    energy, *position = (np.sort(axis) for axis in (energy, *position))
    if energy_given is None:
        energy = energy * _energy_factor(signal.axes[where], energy, counts, calibration.energy_unit)
    if energy[0] >= 0:
        text = f"the energy axis starts at {energy[0] / meV:.4g} meV: without a gain side no temperature can be had"
        warnings.warn(text, ValidityWarning, stacklevel=3)
    try:
        return SpectrumImage(
            counts,
            energy,
            tuple(position),
            electrons_per_count=calibration.electrons_per_count or signal.electrons_per_count,
            dark=np.array([signal.dark]),
            exposure=signal.exposure,
            metadata=dict(signal.metadata) | ({"title": signal.title} if signal.title else {}),
            source=source,
        )
    except InputError as err:
        raise DataError(str(err)) from err


def _signal_positions(found: Sequence[FileAxis], calibration: UserCalibration) -> list[Array]:
    """Return the positions along each axis in m, as the user or the file says."""
    given = calibration.position
    if given is None:
        return [_axis_positions(one, calibration.position_unit) for one in found]
    if isinstance(given, (int, float)):
        return [_evenly_spaced(0.0, given, one.size, "pitch", "m") for one in found]
    if len(given) != len(found):
        raise InputError(f"positions were given along {len(given)} axes, the file has {len(found)}")
    return [_axis_points(one, values) for one, values in zip(found, given, strict=True)]


def _evenly_spaced(first: float, step: float, size: int, name: str, unit: str) -> Array:
    """(size,) points in even steps that the user gave."""
    if not (np.isfinite(first) and 0 < step < np.inf):
        raise InputError(f"{name}: first point {first:g} {unit}, step {step:g} {unit}; wanted a step above 0")
    return first + step * np.arange(size, dtype=float)


def _axis_points(axis: FileAxis, given: ArrayLike | None) -> Array:
    """Return the points of an axis in the units of the file, or those that the user gave in SI."""
    if given is None:
        return axis.points()
    values = np.asarray(given, dtype=float)
    if values.shape != (axis.size,):
        raise InputError(f"{values.size} points were given for axis {axis.label} of {axis.size}")
    return _listed_points(axis, values)


def _energy_factor(axis: FileAxis, points: Array, counts: CountArray, unit: str | None) -> float:
    """Return the unit of an energy axis in J; one that the file names has to be plausible."""
    if unit is not None:
        return _typed_unit(unit, "energy")
    remedy = Hint(python='give energy_unit="eV" or "meV"', command="give --energy-unit eV or meV")
    if axis.bare:
        raise DataError(
            f"energy axis {axis.label} is not calibrated: it counts channels 0 to {axis.size - 1}",
            hint=Hint(python="give energy_scale, the first channel and the step", command="give --energy FIRST,STEP"),
        )
    named = energy_unit(axis.units)
    step, width = _sample_resolution(points, counts)
    if named is not None:
        reason = _implausible_axis(step * named, width * named, _BROADEST_NAMED)
        if not reason and width * named > _BROADEST_ZERO_LOSS:
            text = f"{width * named / eV:.3g} eV is broad for a zero-loss peak: if {axis.units} is wrong,"
            warnings.warn(ValidityWarning(text, hint=remedy), stacklevel=4)
        if reason:
            raise DataError(f"energy axis {axis.label} in {axis.units} would have {reason}: a wrong unit?", hint=remedy)
        return named
    if axis.units:
        raise DataError(f"energy axis {axis.label} has the unit {axis.units!r:.40}, expected an energy:", hint=remedy)
    units = (("eV", eV), ("meV", meV))
    possible = [(name, value) for name, value in units if not _implausible_axis(step * value, width * value)]
    if len(possible) != 1:
        raise DataError(f"energy axis {axis.label} has no unit, from {points[0]:g} to {points[-1]:g}:", hint=remedy)
    name, value = possible[0]
    text = f"energy axis {axis.label} has no unit and is taken for {name}, as only that can be true; if it is not,"
    warnings.warn(ValidityWarning(text, hint=remedy), stacklevel=4)
    return value


def _sample_resolution(points: Array, counts: CountArray) -> tuple[float, float]:
    """Step of an energy axis and width of the zero-loss peak of a few spectra, in its own units; NaN without a peak."""
    step = float(points[-1] - points[0]) / max(1, points.size - 1)
    shape = tuple(int(size) for size in counts.shape[:-1])
    pixels = np.unique(np.linspace(0, np.prod(shape, dtype=np.int64) - 1, _SAMPLE_SPECTRA).astype(np.int64))
    keys = [tuple(int(i) for i in np.unravel_index(pixel, shape)) if shape else ... for pixel in pixels]
    centre, width = half_height_peaks(np.array([np.asarray(counts[key], dtype=float) for key in keys]))
    near = np.abs(points[0] + centre * step) < 4 * width * step
    return step, finite_median(np.where(near, width * step, np.nan))


def _implausible_axis(step: float, width: float, broadest: float = _BROADEST_ZERO_LOSS) -> str:
    """Return why an energy axis cannot be true, or nothing; step and zero-loss width in J, NaN for an unknown width."""
    if not _FINEST_CHANNEL <= step <= _COARSEST_CHANNEL:
        return f"channels of {step / meV:.3g} meV"
    if width < _SHARPEST_ZERO_LOSS or width > broadest:
        return f"a zero-loss peak {width / meV:.3g} meV wide"
    return ""


def electron_calibration(units: str, scale: float, zero: float) -> tuple[float, float]:
    """Electrons per count and dark count of a calibration of intensity; one and none unless it is in electrons.

    `scale` is the calibrated intensity of one count, `zero` the count at which that intensity is zero.
    """
    if units.strip().casefold() in _ELECTRON_UNITS and np.isfinite([scale, zero]).all() and scale > 0:
        return scale, zero
    return 1.0, 0.0


def time_in_seconds(value: Any, unit: float = 1.0) -> float | None:
    """Return a time that a file gives in s, or None for what is no time."""
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < np.inf
    return float(value) * unit if usable else None


MAX_BYTES_IN_MEMORY = 2**26  # bytes of counts that are read at once and for good


@frozen(eq=False)
class DatasetOnDisk(BaseRecord):
    """A dataset of an HDF5 file, opened anew for each slice.

    So no handle stays open, other processes can be given it, and each time it is checked that it lies in this file.
    """

    path: str
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Return a part; DataError if the file is damaged there, or changed meanwhile."""
        try:
            with foreign_h5py().File(self.path, "r") as file:
                found = local_dataset(file, self.name)
                if found.shape != self.shape or found.dtype != self.dtype:
                    raise DataError(f"{self.name!r:.60} was {self.shape} and is {found.shape} now", file=self.path)
                return np.asarray(found[key])
        except DataError:
            raise
        except FOREIGN_FAULTS as err:
            raise DataError(f"{self.name!r:.60} cannot be read: {' '.join(str(err).split())}", file=self.path) from err


@frozen(eq=False)
class RearrangedArray(BaseRecord):
    """Another view of an array that can only be sliced: axes in another order, some of them reversed or left out."""

    source: Any
    order: tuple[int, ...]  # axes of the source; those that are not named have one point and are left out
    backwards: tuple[bool, ...]  # for each axis here, whether it is reversed
    shape: tuple[int, ...] = field(init=False)
    dtype: np.dtype[Any] = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(self.source.shape[axis]) for axis in self.order))
        object.__setattr__(self, "dtype", np.dtype(self.source.dtype))

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Return a part; whole numbers, slices of step one and `...` are understood."""
        given, axes = list(key) if isinstance(key, tuple) else [key], len(self.shape)
        if Ellipsis in given:
            i = given.index(Ellipsis)
            given[i : i + 1] = [slice(None)] * (axes - len(given) + 1)
        keys = [int(one) if isinstance(one, np.integer) else one for one in given]
        keys += [slice(None)] * (axes - len(given))
        source: list[int | slice] = [0] * len(self.source.shape)
        for axis, size, one, reverse in zip(self.order, self.shape, keys, self.backwards, strict=True):
            start, stop = _slice_bounds(one, size)
            source[axis] = slice(size - stop, size - start) if reverse else slice(start, stop)
        try:
            part = np.asarray(self.source[tuple(source)])  # the axes that are left out are gone
        except DataError:
            raise
        except FOREIGN_FAULTS as err:
            raise DataError(f"counts cannot be read: {' '.join(str(err).split())}") from err
        kept = sorted(self.order)
        part = part.transpose([kept.index(axis) for axis in self.order])
        flips = tuple(slice(None, None, -1) if reverse else slice(None) for reverse in self.backwards)
        return part[flips][tuple(0 if isinstance(one, int) else slice(None) for one in keys)]


def _slice_bounds(key: int | slice, size: int) -> tuple[int, int]:
    """Return first and last + 1 of what a key takes of an axis."""
    if isinstance(key, int):
        place = key + size if key < 0 else key
        if not 0 <= place < size:
            raise IndexError(f"{key} is no place on an axis of {size}")
        return place, place + 1
    start, stop, step = key.indices(size)
    if step != 1:
        raise InputError(f"counts on a disk are read in steps of one, got {step}")
    return start, max(start, stop)


def rearrange(counts: Any, order: Sequence[int], backwards: Sequence[bool]) -> CountArray:
    """Return counts with their axes in this order; arrays and memory maps by NumPy, others slice by slice."""
    # slices of dask are tasks that still have to be computed
    if tuple(order) == tuple(range(len(counts.shape))) and not any(backwards) and not hasattr(counts, "compute"):
        return counts
    if not isinstance(counts, np.ndarray):
        return RearrangedArray(counts, tuple(order), tuple(backwards))
    dropped_axes = tuple(axis for axis in range(counts.ndim) if axis not in order)
    kept = sorted(order)
    moved = np.squeeze(counts, axis=dropped_axes).transpose([kept.index(axis) for axis in order])
    return moved[tuple(slice(None, None, -1) if reverse else slice(None) for reverse in backwards)]


def counts_of_dataset(path: str | PathLike[str], dataset: Any) -> CountArray:
    """Return the counts of a checked dataset: in memory where they are few, else on the disk."""
    small = math.prod(dataset.shape) * dataset.dtype.itemsize <= MAX_BYTES_IN_MEMORY
    if small:
        return np.asarray(dataset[()])
    return DatasetOnDisk(fspath(path), str(dataset.name), tuple(dataset.shape), np.dtype(dataset.dtype))
