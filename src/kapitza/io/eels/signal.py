"""What a reader found in a file, and the one way from there to a `SpectrumImage`."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array
from kapitza.errors import DataError, InputError, ValidityWarning
from kapitza.io.eels import axes as ax
from kapitza.io.eels.axes import Axis
from kapitza.io.eels.stored import arranged
from kapitza.measure.eels.spectrum import Counts, SpectrumImage
from kapitza.measure.eels.survey import half_height, middle
from kapitza.units import eV, meV

SAMPLE = 9  # spectra that are looked at to see whether an energy axis can be true
ELECTRONS = ("e", "e-", "e⁻", "electron", "electrons")


@frozen(eq=False)
class Signal:
    """Counts and axes as a file has them.

    Attributes
    ----------
    counts : array, memory map, or something on the disk that can be sliced
    axes : one for each axis of the counts
    title : name that the file gives it
    losses : whether the file says that these are losses of energy of electrons
    electrons_per_count : electrons that one count stands for
    dark : count without electrons
    exposure : time of one pixel, s; None where unknown
    metadata : plain values by name
    """

    counts: Any
    axes: tuple[Axis, ...] = field(converter=tuple)
    title: str = ""
    losses: bool = False
    electrons_per_count: float = 1.0
    dark: float = 0.0
    exposure: float | None = None
    metadata: Mapping[str, Any] = field(factory=dict[str, Any])

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the counts."""
        return tuple(int(size) for size in self.counts.shape)

    @property
    def energy(self) -> int | None:
        """Which axis is that of energy, None where that cannot be told."""
        return ax.find_energy(self.axes, losses=self.losses)

    @property
    def words(self) -> str:
        """Axes in short, for messages."""
        return ", ".join(f"{one.label} of {one.size} ({one.units[:20] or 'no unit'})" for one in self.axes)


@frozen(eq=False)
class Calibration:
    """What the user says in place of the file, or where the file says nothing."""

    energy_unit: str | None = None
    position_unit: str | None = None
    energy: ArrayLike | None = None
    position: Sequence[ArrayLike] | None = None
    electrons_per_count: float | None = None
    energy_scale: tuple[float, float] | None = None
    pitch: float | None = None


def spectrum_image(signal: Signal, calibration: Calibration, source: str = "") -> SpectrumImage:
    """Return the record of what a reader found: energies in J, positions in m, energy last, axes increasing.

    Axes of one point are left out.

    Raises
    ------
    DataError
        if the axes do not fit the counts, no energy axis can be told, a calibration is missing or cannot be true
    InputError
        if what the user says does not fit
    """
    if signal.shape != tuple(one.size for one in signal.axes):
        raise DataError(f"counts have the shape {signal.shape}, the axes are {signal.words}")
    if isinstance(signal.counts, np.ndarray) and not isinstance(signal.counts, np.memmap) and not signal.counts.any():
        raise DataError(f"holds nothing but zeros in {signal.counts.size} channels: damaged, or nothing was recorded")
    where = signal.energy
    if where is None:
        raise DataError(f"no axis of energy can be told among {signal.words}: expected one in eV or meV")
    places = [i for i, one in enumerate(signal.axes) if i != where and one.size > 1]
    if len(places) > 2:
        raise DataError(f"has {len(places)} axes besides energy, expected up to two positions, got {signal.words}")
    position = position_axes([signal.axes[i] for i in places], calibration)
    energy_given = calibration.energy
    if calibration.energy_scale is not None:
        energy_given = evenly(*calibration.energy_scale, signal.axes[where].size, "energy_scale", "J")
    energy = axis_points(signal.axes[where], energy_given)
    backwards = [*(axis[0] > axis[-1] for axis in position), energy[0] > energy[-1]]
    counts = arranged(signal.counts, [*places, where], [bool(one) for one in backwards])
    energy, *position = (np.sort(axis) for axis in (energy, *position))
    if energy_given is None:
        energy = energy * energy_factor(signal.axes[where], energy, counts, calibration.energy_unit)
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


def position_axes(found: Sequence[Axis], calibration: Calibration) -> list[Array]:
    """Return the positions along each axis in m, as the user or the file says."""
    given = calibration.position
    if calibration.pitch is not None:
        given = [evenly(0.0, calibration.pitch, one.size, "pitch", "m") for one in found]
    if given is None:
        return [ax.positions(one, calibration.position_unit) for one in found]
    if len(given) != len(found):
        raise InputError(f"positions were given along {len(given)} axes, the file has {len(found)}")
    return [axis_points(one, values) for one, values in zip(found, given, strict=True)]


def evenly(first: float, step: float, size: int, name: str, unit: str) -> Array:
    """(size,) points in even steps that the user gave."""
    if not (np.isfinite(first) and 0 < step < np.inf):
        raise InputError(f"{name}: first point {first:g} {unit}, step {step:g} {unit}; wanted a step above 0")
    return first + step * np.arange(size, dtype=float)


def axis_points(axis: Axis, given: ArrayLike | None) -> Array:
    """Return the points of an axis in the units of the file, or those that the user gave in SI."""
    if given is None:
        return axis.points()
    values = np.asarray(given, dtype=float)
    if values.shape != (axis.size,):
        raise InputError(f"{values.size} points were given for axis {axis.label} of {axis.size}")
    return ax.listed(axis, values)


def energy_factor(axis: Axis, points: Array, counts: Counts, unit: str | None) -> float:
    """Return what the unit of an energy axis is worth in J.

    Raises
    ------
    DataError
        if the file has none, or one that cannot be true
    """
    if unit is not None:
        return ax.typed_unit(unit, "energy")
    remedy = 'give energy_unit="eV" or "meV"'
    if axis.bare:
        raise DataError(
            f"energy axis {axis.label} is not calibrated: it counts channels 0 to {axis.size - 1}; "
            "give energy_scale, the first channel and the step"
        )
    named = ax.energy_unit(axis.units)
    step, width = sample(points, counts)
    if named is not None:
        reason = impossible(step * named, width * named)
        if reason:
            raise DataError(f"energy axis {axis.label} in {axis.units} would have {reason}: a wrong unit? {remedy}")
        return named
    if axis.units:
        raise DataError(f"energy axis {axis.label} has the unit {axis.units!r:.40}, expected an energy: {remedy}")
    possible = {
        name: value for name, value in (("eV", eV), ("meV", meV)) if not impossible(step * value, width * value)
    }
    if len(possible) != 1:
        raise DataError(f"energy axis {axis.label} has no unit, from {points[0]:g} to {points[-1]:g}: {remedy}")
    (name, value), *_ = possible.items()
    text = f"energy axis {axis.label} has no unit and is taken for {name}, as only that can be true; else {remedy}"
    warnings.warn(text, ValidityWarning, stacklevel=4)
    return value


def sample(points: Array, counts: Counts) -> tuple[float, float]:
    """Step of an energy axis and width of the zero-loss peak of a few spectra, in its own units; NaN without a peak."""
    step = float(points[-1] - points[0]) / max(1, points.size - 1)
    shape = tuple(int(size) for size in counts.shape[:-1])
    pixels = np.unique(np.linspace(0, np.prod(shape, dtype=np.int64) - 1, SAMPLE).astype(np.int64))
    keys = [tuple(int(i) for i in np.unravel_index(pixel, shape)) if shape else ... for pixel in pixels]
    centre, width = half_height(np.array([np.asarray(counts[key], dtype=float) for key in keys]))
    near = np.abs(points[0] + centre * step) < 4 * width * step
    return step, middle(np.where(near, width * step, np.nan))


def impossible(step: float, width: float) -> str:
    """Return why an energy axis cannot be true, or nothing; step and zero-loss width in J, NaN for an unknown width."""
    if not ax.FINEST <= step <= ax.COARSEST:
        return f"channels of {step / meV:.3g} meV"
    if width < ax.SHARPEST or width > ax.BROADEST:
        return f"a zero-loss peak {width / meV:.3g} meV wide"
    return ""


def electrons(units: str, scale: float, zero: float) -> tuple[float, float]:
    """Electrons per count and dark count of a calibration of intensity; one and none unless it is in electrons.

    Parameters
    ----------
    units : of the calibrated intensity
    scale : calibrated intensity of one count
    zero : count at which the calibrated intensity is zero
    """
    if units.strip().casefold() in ELECTRONS and np.isfinite([scale, zero]).all() and scale > 0:
        return scale, zero
    return 1.0, 0.0


def seconds(value: Any, unit: float = 1.0) -> float | None:
    """Return a time that a file gives in s, or None for what is no time."""
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < np.inf
    return float(value) * unit if usable else None
