"""HDF5: one dataset an array, with its unit as an attribute, and a header in JSON."""

from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.errors import DataError, require
from kapitza.io.formats.arrays import frozen_array, known_dtype, known_shape, storable_array
from kapitza.io.formats.files import EMPTY_SEAL, MAX_JSON_BYTES

HEADER_DATASET = "header"
_CHECKSUM_DATASET = "kapitza checksum"
HDF5_FAULTS = (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, OverflowError)


def _h5py_engine() -> ModuleType:
    return require("h5py", extra="hdf5", why="reading and writing HDF5")


def own_hdf5_bytes(
    header: bytes, arrays: dict[str, NDArray[Any]], units: dict[str, str], checksum: str = EMPTY_SEAL
) -> bytes:
    """Return the bytes of an HDF5 file with header, checksum and the arrays as contiguous datasets at its root."""
    h5py = _h5py_engine()
    with h5py.File("in memory", "w", driver="core", backing_store=False) as file:
        file.attrs["format"] = "kapitza"
        file.create_dataset(_CHECKSUM_DATASET, data=np.frombuffer(checksum.encode(), dtype=np.uint8))
        file.create_dataset(HEADER_DATASET, data=np.frombuffer(header, dtype=np.uint8))
        for name, array in arrays.items():
            dataset = file.create_dataset(name, data=storable_array(array))
            dataset.attrs["units"] = units.get(name, "")
        file.flush()
        return file.id.get_file_image()


def read_own_hdf5(path: str | PathLike[str]) -> tuple[bytes, dict[str, NDArray[Any]]]:
    """Return header and arrays of an HDF5 file.

    Links to other files, storage in other files, virtual and compressed datasets are refused, and all datasets
    together may not claim more than the file holds.
    """
    h5py = _h5py_engine()
    size = Path(path).stat().st_size
    try:
        with h5py.File(path, "r") as file:
            datasets = {name: _own_dataset(h5py, file, name) for name in file}
            claimed = sum(dataset.nbytes for dataset in datasets.values())
            if claimed > size:
                raise DataError(f"claims {claimed} bytes in a file of {size}")
            arrays = {name: frozen_array(np.asarray(dataset[()])) for name, dataset in datasets.items()}
    except (DataError, FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except HDF5_FAULTS as err:
        raise DataError(f"is not a valid HDF5 file: {' '.join(str(err).split())}") from err
    arrays.pop(_CHECKSUM_DATASET, None)
    header = arrays.pop(HEADER_DATASET, None)
    if header is None or header.dtype != np.uint8 or header.size > MAX_JSON_BYTES:
        raise DataError(f"is not an HDF5 file of kapitza: no dataset {HEADER_DATASET!r} of bytes")
    return header.tobytes(), arrays


def _own_dataset(h5py: ModuleType, file: Any, name: str) -> Any:
    """Return one dataset, unread, if it is an array of ours that lies in this file."""
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise DataError(f"{name!r:.60} is a link ({type(link).__name__}), which is not followed")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise DataError(f"{name!r:.60} is not a dataset")
    if dataset.external or dataset.is_virtual:
        raise DataError(f"{name!r:.60} is stored in another file, which is not read")
    if dataset.chunks is not None:
        raise DataError(f"{name!r:.60} is stored in chunks, which kapitza never writes")
    known_dtype(dataset.dtype.str)
    known_shape(dataset.shape)
    return dataset
