"""Signals of HyperSpy by their shape: whatever has `.data` and `.axes_manager` is taken, and given back on request.

HyperSpy (GPL) is imported only to give signals back, and only when it is installed.
"""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import InputError, MissingEngine
from kapitza.io.eels.axes import Axis
from kapitza.io.eels.guard import flat
from kapitza.io.eels.hspy import described
from kapitza.io.eels.signal import Calibration, spectrum_image
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import eV, nm

UNDEFINED = "<undefined>"
INSTRUMENT = "Acquisition_instrument."


def from_hyperspy(signal: Any, *, energy_unit: str | None = None, position_unit: str | None = None) -> SpectrumImage:
    """Return the spectra of a signal of HyperSpy, or of anything with its `.data` and `.axes_manager`.

    Lazy signals stay lazy: they are computed block by block.

    Parameters
    ----------
    signal : spectra on up to two axes of navigation
    energy_unit, position_unit : units of the axes in place of those that the signal names

    Raises
    ------
    InputError
        if it has no data or axes
    DataError
        if its axes are not those of spectra, or not calibrated
    """
    data, manager = getattr(signal, "data", None), getattr(signal, "axes_manager", None)
    if data is None or manager is None:
        raise InputError(f"expected a signal with .data and .axes_manager, got {type(signal).__name__}")
    found = [*manager.navigation_axes, *manager.signal_axes]
    axes = [axis_of(one) for one in sorted(found, key=lambda one: int(one.index_in_array))]
    metadata = flat(as_mapping(getattr(signal, "metadata", None)))
    whole = described(data, axes, metadata)
    title = str(metadata.get("General.title", ""))
    return spectrum_image(whole, Calibration(energy_unit, position_unit), title or type(signal).__name__)


def axis_of(one: Any) -> Axis:
    """Return one axis of a signal."""
    name, units = (text if isinstance(text := getattr(one, key, ""), str) else "" for key in ("name", "units"))
    name, units = ("" if text == UNDEFINED else text for text in (name, units))
    if getattr(one, "is_uniform", hasattr(one, "scale")):
        return Axis(int(one.size), float(one.offset), float(one.scale), units, name, not one.navigate)
    return Axis(
        int(one.size), units=units, name=name, signal=not one.navigate, values=np.asarray(one.axis, dtype=float)
    )


def as_mapping(metadata: Any) -> Mapping[str, Any]:
    """Return metadata as nested mappings; none where they are something else."""
    if hasattr(metadata, "as_dictionary"):
        metadata = metadata.as_dictionary()
    return metadata if isinstance(metadata, Mapping) else {}


def to_hyperspy(image: SpectrumImage) -> Any:
    """Return spectra as a signal of HyperSpy: of type EELS where eXSpy is installed, energies in eV, positions in nm.

    The counts are not copied where they lie in memory.

    Raises
    ------
    MissingEngine
        without HyperSpy
    """
    api = engine()
    axes = [*position_axes(image.position), axis_entry(image.energy / eV, "Energy loss", "eV")]
    axes[-1] |= {"navigate": False, "is_binned": True}
    signal = api.signals.Signal1D(
        np.asarray(image.counts[...]), axes=axes, metadata=named(str(image.metadata.get("title", "")))
    )
    for name, value in image.metadata.items():
        if name.startswith(INSTRUMENT):
            signal.metadata.set_item(name, value)
    if importable("exspy"):
        signal.set_signal_type("EELS")
    return signal


def map_to_hyperspy(found: TemperatureMap, name: str = "temperature", *, sigma: bool = False) -> Any:
    """Return one parameter of a map, or its standard uncertainty, as a signal of HyperSpy over the positions in nm.

    Raises
    ------
    InputError
        if the map has no such parameter, or is of a single spectrum
    MissingEngine
        without HyperSpy
    """
    if not found.shape:
        raise InputError(f"a map of a single spectrum has no axes: take .parameter({name!r}) itself")
    values = found.parameter_sigma(name) if sigma else found.parameter(name)
    api = engine()
    kind = api.signals.Signal2D if len(found.shape) == 2 else api.signals.Signal1D
    entries = [entry | {"navigate": False} for entry in position_axes(found.position)]
    return kind(values.copy(), axes=entries, metadata=named(f"{'sigma of ' if sigma else ''}{name}"))


def engine() -> ModuleType:
    """Return the interface of HyperSpy, or say how to get it."""
    try:
        return import_module("hyperspy.api")
    except ImportError as err:
        raise MissingEngine("giving signals back needs hyperspy: pip install hyperspy exspy") from err


def importable(package: str) -> bool:
    """Whether a package is installed and works."""
    try:
        import_module(package)
    except ImportError:
        return False
    return True


def named(title: str) -> dict[str, Any]:
    """Return metadata with a title."""
    return {"General": {"title": title}}


def position_axes(position: tuple[Array, ...]) -> list[dict[str, Any]]:
    """Return axes of position in nm; the last one is x."""
    names = ("y", "x")[2 - len(position) :]
    return [axis_entry(axis / nm, name, "nm") | {"navigate": True} for axis, name in zip(position, names, strict=True)]


def axis_entry(points: Array, name: str, units: str) -> dict[str, Any]:
    """Return an axis as HyperSpy is told of it: uniform where it is, else by its points."""
    step = float(points[-1] - points[0]) / max(1, points.size - 1) or 1.0
    entry: dict[str, Any] = {"name": name, "units": units}
    if np.abs(points - (points[0] + step * np.arange(points.size))).max() < 1e-6 * abs(step):
        return entry | {"size": points.size, "offset": float(points[0]), "scale": step}
    return entry | {"axis": points.copy()}
