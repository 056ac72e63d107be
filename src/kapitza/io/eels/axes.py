"""Axes as files describe them, and what they are in J and m."""

import math
import re
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.errors import DataError, InputError
from kapitza.units import angstrom, c_light, eV, h, meV, mm, nm, um

ENERGY = MappingProxyType(
    {
        "eV": eV,
        "electron volt": eV,
        "electron volts": eV,
        "electronvolt": eV,
        "electronvolts": eV,
        "meV": meV,
        "milli eV": meV,
        "keV": 1e3 * eV,
        "µeV": 1e-6 * eV,
        "ueV": 1e-6 * eV,
        "J": 1.0,
        "cm^-1": 100 * h * c_light,
        "cm⁻¹": 100 * h * c_light,
        "cm-1": 100 * h * c_light,
        "1/cm": 100 * h * c_light,
    }
)
LENGTH = MappingProxyType(
    {
        "m": 1.0,
        "mm": mm,
        "µm": um,
        "um": um,
        "micron": um,
        "microns": um,
        "micrometer": um,
        "nm": nm,
        "nanometer": nm,
        "nanometers": nm,
        "pm": 1e-12,
        "Å": angstrom,
        "A": angstrom,
        "angstrom": angstrom,
        "Angstrom": angstrom,
    }
)
BRACKETS = re.compile(r"[(\[](?P<unit>[^()\[\]]+)[)\]]\s*$")
NAMED = re.compile("energy|loss", re.IGNORECASE)
FINEST, COARSEST = 20e-6 * eV, 20 * eV  # channels; the finest in use are of 0.1 meV, the coarsest of some eV
SHARPEST, BROADEST = 0.5 * meV, 2.9 * eV  # zero-loss peaks; between the best monochromator and a heated filament
MOST = 2**31  # points of one axis


@frozen(eq=False)
class Axis:
    """One axis of the counts in the words and units of its file.

    Attributes
    ----------
    size : number of points
    offset, scale : first point and step, in `units`
    units : as the file spells them; empty where it says nothing
    name : as the file calls it
    signal : whether one spectrum lies along it; None where the file does not say
    values : (size,) points of an axis that the file lists one by one, in place of offset and scale
    """

    size: int
    offset: float = 0.0
    scale: float = 1.0
    units: str = ""
    name: str = ""
    signal: bool | None = None
    values: Array | None = None

    @property
    def label(self) -> str:
        """Name for messages."""
        return repr(self.name[:40]) if self.name else "without name"

    @property
    def bare(self) -> bool:
        """Whether nobody calibrated it: it counts its points, in no unit."""
        return not self.units and self.values is None and self.scale == 1 and self.offset == 0

    def points(self) -> Array:
        """(size,) points in the units of the file, as they lie: they may run downwards.

        Raises
        ------
        DataError
            for a step of zero, or points that are not finite or do not run one way
        """
        if not 0 < self.size < MOST:
            raise DataError(f"axis {self.label} has {self.size} points, expected 1 to {MOST - 1}")
        if self.values is not None:
            return listed(self, self.values)
        last = self.offset + self.scale * (self.size - 1)
        if not (math.isfinite(self.offset) and math.isfinite(self.scale) and math.isfinite(last)):
            raise DataError(
                f"axis {self.label} starts at {self.offset:g} in steps of {self.scale:g}: no finite numbers"
            )
        if self.scale == 0 or (self.size > 1 and last == self.offset):
            raise DataError(f"axis {self.label} is not calibrated: {self.size} points in steps of {self.scale:g}")
        return self.offset + self.scale * np.arange(self.size, dtype=float)


def listed(axis: Axis, values: Array) -> Array:
    """Return points that a file lists, if they run one way."""
    if values.shape != (axis.size,):
        raise DataError(f"axis {axis.label} lists {values.size} points for {axis.size}")
    steps = np.diff(values)
    if not np.isfinite(values).all() or not ((steps > 0).all() or (steps < 0).all()):
        raise DataError(f"axis {axis.label} lists points that do not run one way, from {values[0]:g} to {values[-1]:g}")
    return values


def spelled(units: str) -> str:
    """Return units in one spelling: both Greek letters for micro as one, and of "loss (eV)" what the brackets hold."""
    inside = BRACKETS.search(units)
    return (inside["unit"] if inside else units).strip().replace("\u03bc", "\u00b5")


def energy_unit(units: str) -> float | None:
    """Return what a unit of energy is worth in J, or None for no unit of energy.

    Letters may be large or small, but "MeV" is not taken for meV.
    """
    text = spelled(units)
    if text in ENERGY:
        return ENERGY[text]
    if text == "MeV":
        return 1e6 * eV
    return {name.casefold(): value for name, value in ENERGY.items() if name != "J"}.get(text.casefold())


def length_unit(units: str) -> float | None:
    """Return what a unit of length is worth in m, or None for no unit of length."""
    return LENGTH.get(spelled(units))


def typed_unit(units: str, kind: str) -> float:
    """Return what a unit that somebody typed is worth in SI.

    Raises
    ------
    InputError
        if there is none of this name
    """
    table, convert = (ENERGY, energy_unit) if kind == "energy" else (LENGTH, length_unit)
    value = convert(units)
    if value is None:
        raise InputError(f"unknown unit of {kind} {units!r:.40}: expected one of {', '.join(table)}")
    return value


def of_energy(axis: Axis) -> bool:
    """Whether the unit or the name of an axis says that it is one of energy."""
    return energy_unit(axis.units) is not None or NAMED.search(axis.name) is not None


def find_energy(axes: Sequence[Axis], *, losses: bool = False) -> int | None:
    """Return which axis is that of energy, or None where that cannot be told.

    A unit of energy says it, else a name, else what the file calls the axis of the signal, else that there is no
    other axis.  `losses` tells that the file says that these are losses of energy: then one axis of places before two
    of the signal is a stack of images, one for each energy.
    """
    signal = [i for i, axis in enumerate(axes) if axis.signal]
    for found in (
        [i for i, axis in enumerate(axes) if energy_unit(axis.units) is not None],
        [i for i, axis in enumerate(axes) if NAMED.search(axis.name)],
        [i for i in signal if length_unit(axes[i].units) is None],
        signal,
        [i for i, axis in enumerate(axes) if axis.signal is False] if losses and len(signal) > 1 else [],
        list(range(len(axes))),
    ):
        if len(found) == 1:
            return found[0]
    return None


def positions(axis: Axis, unit: str | None) -> Array:
    """(size,) positions in m; they may run downwards.

    Raises
    ------
    DataError
        if the file has no unit of length for it, and none was given
    """
    factor = typed_unit(unit, "length") if unit is not None else length_unit(axis.units)
    if factor is None:
        said = f"has the unit {axis.units!r:.40}" if axis.units else "has no unit"
        state = "is not calibrated" if axis.bare else said
        raise DataError(
            f'position axis {axis.label} of {axis.size} points {state}, expected a length: give position_unit="nm"'
            f"{' (one step a pixel)' if axis.bare else ''} or the positions themselves"
        )
    return factor * axis.points()
