"""Measured temperatures of a device from a text table: x, y, depth, temperature, sigma, with units in the heads."""

from os import PathLike

import numpy as np

from kapitza.device.description import Device
from kapitza.device.layered.spreading import LateralPoints
from kapitza.device.setup import Plane
from kapitza.errors import DataError, InputError
from kapitza.io.text_tables import read_table, row_fault
from kapitza.measure.device.temperatures import MeasuredTemperatures, MeasurementPlace


def read_measured_temperatures(path: str | PathLike[str], device: Device) -> MeasuredTemperatures:
    """Read the temperatures that were measured on a device.

    Columns "temperature (K)" and "sigma (K)", "x (um)" and "y (um)" (0 where there is none), and "depth (nm)" below the
    top face (0 where there is none).

    Raises
    ------
    DataError
        for columns that are missing, units of another kind, rows without a number, and depths outside of the device
    """
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
