"""Files of HyperSpy (.hspy, HDF5), read with h5py alone.

Layout (format 2 and 3): /Experiments/<title>/data, one group `axis-k` for each of its axes, and `metadata` as nested
groups with attributes.
"""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import DataError
from kapitza.io.eels.axes import Axis
from kapitza.io.eels.guard import DEPTH, ENTRIES, attribute, checked_dataset, child, flat, members, opened, subgroups
from kapitza.io.eels.signal import Signal, seconds
from kapitza.io.eels.stored import kept_or_read

EXPERIMENTS = "Experiments"
NONE = "_None_"
DETECTOR = "Acquisition_instrument.TEM.Detector.EELS."
EXPOSURES = (f"{DETECTOR}dwell_time", f"{DETECTOR}exposure", f"{DETECTOR}exposure_time")  # s
TYPE = "Signal.signal_type"


def read_hspy(path: str | PathLike[str]) -> list[Signal]:
    """Return the signals of an .hspy file.

    Raises
    ------
    DataError
        for a damaged file, links to other files, sizes that nobody stored, ragged data, axes given by an expression
    MissingEngine
        without h5py
    """
    with opened(path) as file:
        experiments = child(file, EXPERIMENTS)
        signals: list[Signal] = []
        for title in members(experiments):
            group = child(experiments, title)
            dataset = checked_dataset(group, "data")
            metadata = flat(tree(group, "metadata"))
            axes = [axis_of(group, i, size) for i, size in enumerate(dataset.shape)]
            signals.append(described(kept_or_read(path, dataset), axes, metadata, title))
        return signals


def described(counts: Any, axes: list[Axis], metadata: dict[str, Any], title: str = "") -> Signal:
    """Return counts with what the metadata of HyperSpy and RosettaSciIO say of them."""
    times = [seconds(metadata.get(name)) for name in EXPOSURES]
    return Signal(
        counts,
        axes,
        title=title or str(metadata.get("General.title", "")),
        losses=str(metadata.get(TYPE, "")).upper() == "EELS",
        exposure=next((one for one in times if one is not None), None),
        metadata={key: value for key, value in metadata.items() if not key.startswith(("_HyperSpy", "General.FileIO"))},
    )


def is_hspy(file: Any) -> bool:
    """Whether an open HDF5 file is one of HyperSpy."""
    return EXPERIMENTS in members(file)


def axis_of(group: Any, number: int, size: int) -> Axis:
    """Return one axis of the data."""
    entry = child(group, f"axis-{number}")
    kind = str(attribute(entry, "_type", "UniformDataAxis"))
    name, units = worded(entry, "name"), worded(entry, "units")
    navigate = attribute(entry, "navigate")
    signal = None if navigate is None else not navigate
    if kind == "FunctionalDataAxis":
        raise DataError(
            f"axis {name!r:.40} is given by an expression, which is not evaluated: convert it to points first"
        )
    if kind == "DataAxis":
        return Axis(size, units=units, name=name, signal=signal, values=points(entry))
    if attribute(entry, "size") != size:
        raise DataError(f"axis {name!r:.40} has the size {attribute(entry, 'size')!r:.40} for {size} counts")
    offset, scale = attribute(entry, "offset"), attribute(entry, "scale")
    if type(offset) not in (int, float) or type(scale) not in (int, float):
        raise DataError(f"axis {name!r:.40} starts at {offset!r:.40} in steps of {scale!r:.40}, expected numbers")
    return Axis(size, float(offset), float(scale), units, name, signal)


def worded(entry: Any, name: str) -> str:
    """Return a word of an axis, empty where there is none."""
    value = attribute(entry, name)
    return value if isinstance(value, str) and value not in (NONE, "<undefined>") else ""


def points(entry: Any) -> Array:
    """Return the points of an axis that lists them."""
    dataset = checked_dataset(entry, "axis")
    if len(dataset.shape) != 1:
        raise DataError(f"{dataset.name!r:.60} has the shape {dataset.shape}, expected points along one axis")
    return np.asarray(dataset[()], dtype=float)


def tree(group: Any, name: str, depth: int = 0) -> Mapping[str, Any]:
    """Return nested groups of attributes as a mapping; links and what lies too deep are left out."""
    groups = subgroups(group)
    if name not in groups or depth > DEPTH:
        return {}
    node = groups[name]
    found: dict[str, Any] = {}
    for i, key in enumerate(node.attrs):
        if i >= ENTRIES:
            break
        found[str(key)] = attribute(node, key)
    return found | {inner: tree(node, inner, depth + 1) for inner in subgroups(node)}
