"""Measured temperatures of a device: a text table of x, y, depth, temperature, sigma, with units in the heads, or a
saved map or profile.
"""

from os import PathLike
from typing import NamedTuple

import numpy as np

from kapitza.core.profile import Profile
from kapitza.device.description import Device
from kapitza.device.layered.spreading import LateralPoints
from kapitza.device.setup import Plane
from kapitza.errors import DataError, Hint, InputError
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.results import load
from kapitza.io.text_tables import read_table, row_fault
from kapitza.measure.device.thermometry import (
    MeasuredTemperatures,
    MeasurementPlace,
    map_temperatures,
    section_temperatures,
)
from kapitza.measure.eels.map import TemperatureMap


class Crossing(NamedTuple):
    """Where a section lies: the boundary that it crosses, its position along the section, and the half width around it
    in which a probe sees both sides, m.
    """

    boundary: str
    at: float
    skip: float = 0.0


def read_measured_temperatures(
    path: str | PathLike[str], device: Device, crossing: Crossing | None = None
) -> MeasuredTemperatures:
    """Read the temperatures that were measured on a device.

    A table has columns "temperature (K)" and "sigma (K)", "x (um)" and "y (um)" (0 where there is none), and
    "depth (nm)" below the top face (0 where there is none): points of Raman, pixels of a thermoreflectance map.  A file
    (.h5, .npz, .json) holds a saved `TemperatureMap` of spectra, or a `Profile`: a section across a boundary where
    there is a `crossing`, along the first axis; else a map of two axes on the top face.

    Raises
    ------
    DataError
        for columns that are missing, units of another kind, rows without a number, depths outside of the device, and a
        file that holds something else
    InputError
        for a table with a crossing
    """
    if str(path).lower().endswith(RESULT_SUFFIXES):
        return _from_saved(path, device, crossing)
    if crossing is not None:
        raise InputError(f"{path} is a table with depths of its own: a boundary is crossed by saved maps and profiles")
    table = read_table(path)
    kelvin, sigma = table.values("temperature", "temperature", "T"), table.values("temperature", "sigma")
    nothing = np.zeros(kelvin.size)
    x, y, depth = (table.values("length", name) if name in table else nothing for name in ("x", "y", "depth"))
    places: list[MeasurementPlace] = []
    order: list[int] = []
    for value in dict.fromkeys(depth.tolist()):
        rows = np.flatnonzero(depth == value)
        try:
            plane = _plane_at_depth(device, value)
        except InputError as err:
            raise row_fault(table, str(err), int(rows[0])) from err
        places.append(MeasurementPlace(plane, LateralPoints(x[rows], y[rows])))
        order += rows.tolist()
    try:
        return MeasuredTemperatures(places, kelvin[order], sigma[order], name=str(path))
    except InputError as err:
        raise DataError(str(err), file=path) from err


def _from_saved(path: str | PathLike[str], device: Device, crossing: Crossing | None) -> MeasuredTemperatures:
    saved = load(path)
    if not isinstance(saved, (TemperatureMap, Profile)):
        expected = "a map of temperatures, a profile, or a table"
        raise DataError(f"holds a {type(saved).__name__}, expected {expected}", file=path)
    try:
        if crossing is not None:
            return section_temperatures(device, saved, crossing.boundary, crossing.at, skip=crossing.skip)
        if isinstance(saved, Profile):
            rest = "which boundary it crosses, and where"
            hint = Hint(python=f"say by crossing {rest}", command=f"say by --across 'GaN|SiC=12nm' {rest}")
            raise InputError("holds a profile:", hint=hint)
        return map_temperatures(saved, device.top())
    except InputError as err:
        raise DataError(str(err), file=path) from err


def _plane_at_depth(device: Device, depth: float) -> Plane:
    """Plane at a depth below the top face, m; not on a boundary, where there are two temperatures."""
    left = depth
    for layer in device.stack.layers:
        if 0 <= left < layer.thickness or (left == layer.thickness and layer is device.stack.layers[-1]):
            if left == 0 and layer is not device.stack.layers[0]:
                raise InputError(f"depth {depth:g} m is on the top face of {layer.name}, where the temperature jumps")
            return Plane(layer.name, left)
        left -= layer.thickness
    raise InputError(f"depth {depth:g} m is outside of the layers")
