"""Spectra of electrons into files that Nion Swift, and `read_eels`, open."""

import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import InputError, require
from kapitza.io.files import write_whole
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import e, nm

EVEN = 1e-6  # of a step by which a position may miss its place


def write_eels(image: SpectrumImage, path: str | PathLike[str]) -> Path:
    """Write spectra as Nion Swift does, whole or not at all.

    Energies are in eV, positions in nm.  The layout knows a dark mean, and no dark variance or response: these are
    kept among the metadata and not applied on reading.

    Parameters
    ----------
    image : spectra on evenly spaced positions
    path : ending in .h5 (needs h5py) or .ndata

    Returns
    -------
    the path that was written

    Raises
    ------
    InputError
        for another ending or uneven positions
    MissingEngine
        for .h5 without h5py
    OSError
        if the file cannot be written
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".h5", ".ndata"):
        raise InputError(f"the ending of {str(path)!r} says no format of spectra: expected .h5 or .ndata")
    counts = np.ascontiguousarray(image.counts[...])
    properties = json.dumps(properties_of(image, counts))
    buffer = BytesIO()
    if suffix == ".h5":
        h5py = require("h5py", extra="hdf5", why="writing spectra as HDF5")
        with h5py.File(buffer, "w") as file:
            file.create_dataset("data", data=counts).attrs["properties"] = properties
    else:
        array = BytesIO()
        np.save(array, counts, allow_pickle=False)
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("data.npy", array.getvalue())
            archive.writestr("metadata.json", properties)
    return write_whole(path, buffer.getvalue())


def properties_of(image: SpectrumImage, counts: Any) -> dict[str, Any]:
    """Calibrations and metadata as Swift stores them."""
    scale = image.electrons_per_count
    axes = [calibration(axis, nm, "nm") for axis in image.position] + [calibration(image.energy, e, "eV")]
    hardware: dict[str, Any] = {"signal_type": "eels"}
    if image.exposure is not None:
        hardware["exposure"] = image.exposure
    kept = {name: value for name, value in image.metadata.items() if isinstance(value, (str, int, float, bool))}
    if image.dark_variance.any():
        kept["dark_variance"] = float(image.dark_variance.mean())
    return {
        "type": "data-item",
        "data_shape": list(counts.shape),
        "data_dtype": np.dtype(counts.dtype).name,
        "is_sequence": False,
        "collection_dimension_count": len(image.position),
        "datum_dimension_count": 1,
        "intensity_calibration": {"offset": -float(image.dark.mean()) * scale, "scale": scale, "units": "e"},
        "dimensional_calibrations": axes,
        "metadata": {"hardware_source": hardware, "kapitza": kept},
        "title": str(image.metadata.get("title", "")),
        "version": 13,
    }


def calibration(axis: Array, unit: float, name: str) -> Mapping[str, Any]:
    """Offset and scale of an evenly spaced axis."""
    step = float(axis[-1] - axis[0]) / (axis.size - 1) if axis.size > 1 else unit
    off = np.abs(axis - (axis[0] + step * np.arange(axis.size))).max()
    if axis.size > 1 and off > EVEN * step:
        raise InputError(f"positions are not evenly spaced: one is {off / step:.3g} steps off its place")
    return {"offset": float(axis[0]) / unit, "scale": step / unit, "units": name}
