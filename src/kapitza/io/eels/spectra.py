"""One reader for the spectra of every microscope: any file, one record."""

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path

from numpy.typing import ArrayLike

from kapitza.core.files import open_regular
from kapitza.errors import DataError, Hint
from kapitza.io.eels.hyperspy import is_hspy, read_hspy
from kapitza.io.eels.msa import read_msa
from kapitza.io.eels.nion import is_swift, read_ndata, read_swift_hdf5
from kapitza.io.eels.rosetta import HDF5_MAGIC, defer_dask, read_rosetta
from kapitza.io.eels.signals import FileSignal, UserCalibration, is_energy_axis, spectrum_image
from kapitza.io.formats.child import rehearse, run_in_child
from kapitza.io.formats.foreign_hdf5 import open_hdf5
from kapitza.io.formats.hdf5 import HEADER_DATASET
from kapitza.measure.eels.spectrum import SpectrumImage

_ZIP_MAGIC, _TEXT_MAGIC = b"PK\x03\x04", (b"#", b"\xef\xbb\xbf#")
_SWIFT_SUFFIXES = (".ndata", ".ndata1")


def read_eels(
    path: str | PathLike[str],
    *,
    title: str | None = None,
    energy_unit: str | None = None,
    position_unit: str | None = None,
    energy: ArrayLike | None = None,
    position: Sequence[ArrayLike] | float | None = None,
    electrons_per_count: float | None = None,
    energy_scale: tuple[float, float] | None = None,
) -> SpectrumImage:
    """Read spectra of electron energy losses from the file of a microscope.

    The content says which format it is.  Nion Swift (.ndata, .ndata1, .h5, .nhdf), HyperSpy (.hspy) and EMSA/MAS (.msa)
    are read here; DigitalMicrograph (.dm3, .dm4), NeXus (.nxs), .emd and others by RosettaSciIO, if it is installed.
    Counts of more than 64 MiB stay on the disk where the format allows it, and are read block by block.

    Parameters
    ----------
    path : the file
    title : which one to take of a file with several signals
    energy_unit, position_unit : units of the axes, such as "meV" and "nm", in place of those that the file names
    energy : (channels,) centres of the channels in J, in place of those of the file
    position : positions in m along each axis, or one step from pixel to pixel along every axis, in place of those of
        the file
    electrons_per_count : electrons that one count stands for, in place of what the file says
    energy_scale : first channel and step in J, in place of `energy`

    Returns
    -------
    counts with energies in J and positions in m; single bad pixels and channels are kept for the fit to flag

    Raises
    ------
    DataError
        if the file is damaged or in no known format, holds no spectra or more than one, lacks a calibration, or names
        a unit that cannot be true; the message names the file
    InputError
        if what was given in place of the file does not fit
    MissingEngine
        if the format needs a package that is not installed; the message holds the line that installs it
    OSError
        if the file is missing or may not be read
    """
    calibration = UserCalibration(
        energy_unit=energy_unit,
        position_unit=position_unit,
        energy=energy,
        position=position,
        electrons_per_count=electrons_per_count,
        energy_scale=energy_scale,
    )
    try:
        if _is_foreign(path):
            run_in_child(rehearse_signals, fspath(path))
        signal = _select_signal(_read_signals(path), title)
        return spectrum_image(signal, calibration, Path(path).name)
    except DataError as err:
        if err.file is not None:
            raise
        raise DataError(str(err).removeprefix(f"line {err.line}: "), file=path, line=err.line) from err


def rehearse_signals(path: str) -> None:
    """Read a file in the child: HDF5 and RosettaSciIO are not trusted to survive every damage."""
    defer_dask()
    rehearse(_read_signals, path)


def _is_foreign(path: str | PathLike[str]) -> bool:
    """Whether the library of another project reads the structure of a file."""
    if Path(path).is_dir():
        return True
    with open_regular(path) as file:
        head = file.read(512)
    native = head.startswith(_ZIP_MAGIC) or (head.lstrip().startswith(_TEXT_MAGIC) and b"EMSA" in head.upper())
    return bool(head) and not native and Path(path).suffix.lower() not in _SWIFT_SUFFIXES


def _read_signals(path: str | PathLike[str]) -> list[FileSignal]:
    """Return all signals of a file, read by the reader that its content asks for."""
    if Path(path).is_dir() and Path(path).suffix == ".zspy":
        return read_rosetta(path)
    with open_regular(path) as file:
        head = file.read(512)
    if not head:
        raise DataError("is empty", file=path)
    if head.startswith(HDF5_MAGIC):
        return _read_hdf5_signals(path)
    if Path(path).suffix.lower() in _SWIFT_SUFFIXES or (head.startswith(_ZIP_MAGIC) and b"data.npy" in head):
        return read_ndata(path)
    if head.lstrip().startswith(_TEXT_MAGIC) and b"EMSA" in head.upper():
        return read_msa(path)
    return read_rosetta(path)


def _read_hdf5_signals(path: str | PathLike[str]) -> list[FileSignal]:
    """Return the signals of an HDF5 file, by the layout that it has."""
    with open_hdf5(path) as file:
        swift, hspy = is_swift(file), is_hspy(file)
        own = HEADER_DATASET in file and str(getattr(file[HEADER_DATASET], "dtype", "")) == "uint8"
    if own and not (swift or hspy):
        raise DataError("holds a result that kapitza saved, as a map, not spectra", file=path)
    if swift:
        return read_swift_hdf5(path)
    return read_hspy(path) if hspy else read_rosetta(path)


def _select_signal(signals: Sequence[FileSignal], title: str | None) -> FileSignal:
    """Return the signal of this title, or the only one with an energy axis."""
    names = ", ".join(repr(one.title[:60]) for one in signals[:20])
    if title is not None:
        found = [one for one in signals if one.title == title]
        if len(found) != 1:
            raise DataError(f"has {len(found)} signals of the title {title!r:.60}; it has {names}")
        return found[0]
    if len(signals) == 1:
        return signals[0]
    spectra = [one for one in signals if one.energy is not None and is_energy_axis(one.axes[one.energy])]
    if len(spectra) != 1:
        raise DataError(
            f"holds {len(spectra)} signals with an axis of energy:",
            hint=Hint(python=f"choose one by title among {names}", command=f"choose one with --title among {names}"),
        )
    return spectra[0]
