"""EMSA/MAS spectra (.msa, .emsa): a text with one spectrum.

Layout (ISO 22029): lines `#KEYWORD   : value`, then `#SPECTRUM`, the numbers, and `#ENDOFDATA`.
"""

import math
import re
from collections.abc import Sequence
from os import PathLike

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.files import read_limited
from kapitza.errors import DataError
from kapitza.io.eels.signals import FileAxis, FileSignal, electron_calibration, time_in_seconds

_MAX_MSA_BYTES = 2**26  # bytes
_HEADER_KEYWORD = re.compile(r"#+\s*(?P<name>[\w.]+)\s*(-[^:]*)?(:(?P<value>.*))?")
_TIME_KEYWORDS = ("DWELLTIME", "INTEGTIME")  # ms
_NUMBER_WORD = re.compile(r"[^,\s]+")


def read_msa(path: str | PathLike[str]) -> list[FileSignal]:
    """Return the signal of an .msa file."""
    lines = read_limited(path, _MAX_MSA_BYTES).decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    known, start = _header_keywords(lines)
    values, stop = _read_numbers(lines, start, known.get("DATATYPE", "Y").upper() == "XY")
    expected = _header_number(known, "NPOINTS", len(values))
    if len(values) != expected:
        raise DataError(f"has {len(values)} points, NPOINTS says {expected:g}: cut off?", line=stop)
    if not stop < len(lines):
        raise DataError("ends without #ENDOFDATA: cut off?", line=len(lines))
    axis = _msa_axis(known, values, lines)
    per_count, _ = electron_calibration(known.get("YUNITS", ""), 1.0, 0.0)
    times = (time_in_seconds(_header_number(known, name, math.nan), 1e-3) for name in _TIME_KEYWORDS)
    signal = FileSignal(
        counts=values[:, -1].copy(),
        axes=[axis],
        title=known.get("TITLE", ""),
        losses=known.get("SIGNALTYPE", "").upper() == "ELS",
        electrons_per_count=per_count,
        exposure=next((one for one in times if one is not None), None),
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
            _check_keywords(known, i + 1)
            return known, i + 1
        known[name] = f"{known[name]} {value}".strip() if name in known and name in ("TITLE", "COMMENT") else value
    raise DataError("has no line #SPECTRUM: cut off?", line=len(lines))


def _check_keywords(known: dict[str, str], line: int) -> None:
    """Refuse a head that is none of a single spectrum."""
    if not known.get("FORMAT", "").upper().startswith("EMSA/MAS"):
        raise DataError(f"has the format {known.get('FORMAT', '')!r:.60}, expected EMSA/MAS", line=1)
    if known.get("DATATYPE", "").upper() not in ("Y", "XY"):
        raise DataError(f"has the DATATYPE {known.get('DATATYPE', '')!r:.40}, expected Y or XY", line=line)
    for name in ("NPOINTS", "XPERCHAN", "OFFSET"):
        if name not in known:
            raise DataError(f"does not say {name}", line=line)


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
        values.extend(_line_numbers(line, i + 1))
    if pairs and len(values) % 2:
        raise DataError(f"has {len(values)} numbers, expected pairs of energy and count", line=stop)
    return np.array(values, dtype=float).reshape(-1, 2 if pairs else 1), stop


def _line_numbers(line: str, place: int) -> list[float]:
    """Return the numbers of a line."""
    try:
        found = [float(word) for word in _NUMBER_WORD.findall(line)]
    except ValueError as err:
        raise DataError(f"expected numbers, got {line.strip()!r:.60}", line=place) from err
    if "_" in line or any(map(math.isinf, found)):
        raise DataError(f"expected finite numbers, got {line.strip()!r:.60}", line=place)
    return found


def _header_number(known: dict[str, str], name: str, default: float) -> float:
    """Return a number of the head."""
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
    axis = FileAxis(
        size=len(values),
        offset=offset,
        scale=scale,
        units=known.get("XUNITS", ""),
        name=known.get("XLABEL", "") or "energy",
        signal=True,
    )
    if values.shape[1] == 2:
        off = np.abs(values[:, 0] - axis.points())
        if not off.max() < abs(scale) / 2:
            i = int(np.argmax(~(off < abs(scale) / 2)))
            text = f"point {i} lies at {values[i, 0]:g}, OFFSET and XPERCHAN say {axis.points()[i]:g}"
            raise DataError(text, line=len(lines))
    return axis
