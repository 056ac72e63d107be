"""One reader for the spectra of every microscope: any file, one record; EMSA/MAS spectra (.msa, .emsa).

The layout of EMSA/MAS (ISO 22029): lines `#KEYWORD   : value`, then `#SPECTRUM`, the numbers, and `#ENDOFDATA`.
"""

import math
import re
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array
from kapitza.core.files import open_regular, read_limited
from kapitza.errors import DataError, Hint
from kapitza.io.eels.hyperspy import is_hspy, read_hspy
from kapitza.io.eels.nion import is_swift, read_ndata, read_swift_hdf5
from kapitza.io.eels.rosetta import HDF5_MAGIC, defer_dask, read_rosetta
from kapitza.io.eels.signals import (
    FileAxis,
    FileSignal,
    UserCalibration,
    electron_calibration,
    is_energy_axis,
    spectrum_image,
    time_in_seconds,
)
from kapitza.io.formats.arrays import HEADER_DATASET
from kapitza.io.formats.child import rehearse, run_in_child
from kapitza.io.formats.foreign_hdf5 import open_hdf5
from kapitza.measure.eels.spectrum import SpectrumImage

_ZIP_MAGIC, _TEXT_MAGIC = b"PK\x03\x04", (b"#", b"\xef\xbb\xbf#")
_SWIFT_SUFFIXES = (".ndata", ".ndata1")
_MAX_MSA_BYTES = 2**26  # bytes
_HEADER_KEYWORD = re.compile(r"#+\s*(?P<name>[\w.]+)\s*(-[^:]*)?(:(?P<value>.*))?")
_TIME_KEYWORDS = ("DWELLTIME", "INTEGTIME")  # ms
_NUMBER_WORD = re.compile(r"[^,\s]+")


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
        energy_unit=energy_unit, position_unit=position_unit, energy=energy, position=position,
        electrons_per_count=electrons_per_count, energy_scale=energy_scale,
    )  # fmt: skip
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
    if Path(path).is_dir() and Path(path).suffix == ".zspy":
        return read_rosetta(path)
    with open_regular(path) as file:
        head = file.read(512)
    if not head:
        raise DataError("is empty", file=path)
    if head.startswith(HDF5_MAGIC):
        with open_hdf5(path) as file:
            swift, hspy = is_swift(file), is_hspy(file)
            own = HEADER_DATASET in file and str(getattr(file[HEADER_DATASET], "dtype", "")) == "uint8"
        if own and not (swift or hspy):
            raise DataError("holds a result that kapitza saved, as a map, not spectra", file=path)
        return read_swift_hdf5(path) if swift else read_hspy(path) if hspy else read_rosetta(path)
    if Path(path).suffix.lower() in _SWIFT_SUFFIXES or (head.startswith(_ZIP_MAGIC) and b"data.npy" in head):
        return read_ndata(path)
    if head.lstrip().startswith(_TEXT_MAGIC) and b"EMSA" in head.upper():
        return _read_msa(path)
    return read_rosetta(path)


def _select_signal(signals: Sequence[FileSignal], title: str | None) -> FileSignal:
    names = ", ".join(repr(signal.title[:60]) for signal in signals[:20])
    if title is not None:
        chosen = [signal for signal in signals if signal.title == title]
        if len(chosen) != 1:
            raise DataError(f"has {len(chosen)} signals of the title {title!r:.60}; it has {names}")
        return chosen[0]
    if len(signals) == 1:
        return signals[0]
    spectra = [each for each in signals if each.energy is not None and is_energy_axis(each.axes[each.energy])]
    if len(spectra) != 1:
        raise DataError(
            f"holds {len(spectra)} signals with an axis of energy:",
            hint=Hint(python=f"choose one by title among {names}", command=f"choose one with --title among {names}"),
        )
    return spectra[0]


def _read_msa(path: str | PathLike[str]) -> list[FileSignal]:
    lines = read_limited(path, _MAX_MSA_BYTES).decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    known, start = _header_keywords(lines)
    values, stop = _read_numbers(lines, start, known.get("DATATYPE", "Y").upper() == "XY")
    expected = _header_number(known, "NPOINTS", len(values))
    if len(values) != expected:
        raise DataError(f"has {len(values)} points, NPOINTS says {expected:g}: cut off?", line=stop)
    if not stop < len(lines):
        raise DataError("ends without #ENDOFDATA: cut off?", line=len(lines))
    per_count, _ = electron_calibration(known.get("YUNITS", ""), 1.0, 0.0)
    times = (time_in_seconds(_header_number(known, name, math.nan), 1e-3) for name in _TIME_KEYWORDS)
    signal = FileSignal(
        counts=values[:, -1].copy(),
        axes=[_msa_axis(known, values, lines)],
        title=known.get("TITLE", ""),
        losses=known.get("SIGNALTYPE", "").upper() == "ELS",
        electrons_per_count=per_count,
        exposure=next((time for time in times if time is not None), None),
        metadata={key: value for key, value in known.items() if value and len(value) < _MAX_MSA_BYTES},
    )
    return [signal]


def _header_keywords(lines: Sequence[str]) -> tuple[dict[str, str], int]:
    """Return what the head says, and the line of the first number (from 0)."""
    known: dict[str, str] = {}
    for i, line in enumerate(lines):
        if not line.strip():
            continue
        match = _HEADER_KEYWORD.fullmatch(line.strip())
        if match is None:
            raise DataError(f"expected '#KEYWORD : value', got {line!r:.60}", line=i + 1)
        name, value = match["name"].upper(), (match["value"] or "").strip()
        if name == "SPECTRUM":
            if not known.get("FORMAT", "").upper().startswith("EMSA/MAS"):
                raise DataError(f"has the format {known.get('FORMAT', '')!r:.60}, expected EMSA/MAS", line=1)
            if known.get("DATATYPE", "").upper() not in ("Y", "XY"):
                raise DataError(f"has the DATATYPE {known.get('DATATYPE', '')!r:.40}, expected Y or XY", line=i + 1)
            if missing := [key for key in ("NPOINTS", "XPERCHAN", "OFFSET") if key not in known]:
                raise DataError(f"does not say {missing[0]}", line=i + 1)
            return known, i + 1
        known[name] = f"{known[name]} {value}".strip() if name in known and name in ("TITLE", "COMMENT") else value
    raise DataError("has no line #SPECTRUM: cut off?", line=len(lines))


def _read_numbers(lines: Sequence[str], start: int, pairs: bool) -> tuple[Array, int]:
    """Return the numbers, (n, 1) or (n, 2) with their energies, and the line of #ENDOFDATA (from 0)."""
    values: list[float] = []
    stop = len(lines)
    for i in range(start, len(lines)):
        line = lines[i]
        if line.lstrip().startswith("#"):
            if not line.lstrip("# ").upper().startswith("ENDOFDATA"):
                raise DataError(f"expected numbers or #ENDOFDATA, got {line!r:.60}", line=i + 1)
            stop = i
            break
        try:
            numbers = [float(word) for word in _NUMBER_WORD.findall(line)]
        except ValueError as err:
            raise DataError(f"expected numbers, got {line.strip()!r:.60}", line=i + 1) from err
        if "_" in line or any(map(math.isinf, numbers)):
            raise DataError(f"expected finite numbers, got {line.strip()!r:.60}", line=i + 1)
        values.extend(numbers)
    if pairs and len(values) % 2:
        raise DataError(f"has {len(values)} numbers, expected pairs of energy and count", line=stop)
    return np.array(values, dtype=float).reshape(-1, 2 if pairs else 1), stop


def _header_number(known: dict[str, str], name: str, default: float) -> float:
    if not known.get(name):
        return default
    try:
        value = float(known[name].split()[0])
    except ValueError as err:
        raise DataError(f"{name} is {known[name]!r:.40}, expected a number") from err
    if not math.isfinite(value):
        raise DataError(f"{name} is {known[name]!r:.40}, expected a finite number")
    return value


def _msa_axis(known: dict[str, str], values: Array, lines: Sequence[str]) -> FileAxis:
    """Return the energy axis, checked against the energies where the file has them."""
    offset, scale = _header_number(known, "OFFSET", math.nan), _header_number(known, "XPERCHAN", math.nan)
    name = known.get("XLABEL", "") or "energy"
    axis = FileAxis(size=len(values), offset=offset, scale=scale, units=known.get("XUNITS", ""), name=name, signal=True)
    if values.shape[1] == 2:
        off = np.abs(values[:, 0] - axis.points())
        if not off.max() < abs(scale) / 2:
            i = int(np.argmax(~(off < abs(scale) / 2)))
            text = f"point {i} lies at {values[i, 0]:g}, OFFSET and XPERCHAN say {axis.points()[i]:g}"
            raise DataError(text, line=len(lines))
    return axis
