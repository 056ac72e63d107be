"""Counts that stay on the disk: read slice by slice, with axes in another order than the file has them."""

import math
from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, InputError
from kapitza.io.formats.foreign_hdf5 import FOREIGN_FAULTS, foreign_h5py, local_dataset
from kapitza.measure.eels.spectrum import CountArray

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
