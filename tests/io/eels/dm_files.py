"""Write files of DigitalMicrograph (.dm3, .dm4): the tags that a spectrum or a spectrum image needs, no more."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# https://www.er-c.org/cbb/info/dmformat/ : kind of a number in a tag, and of the pixels of an image
NUMBERS = {"<i4": (3, 7), "<u2": (4, 10), "<f4": (6, 2), "<f8": (7, 12)}
TEXT = 4  # characters are u2

Axis = tuple[float, float, str]  # origin in channels, scale, unit


def written(path: Path, counts: NDArray[Any], axes: Sequence[Axis]) -> Path:
    """Write counts of which the last axis of `axes` is the one that the file stores last, outermost.

    The sizes in the file go the other way round than those of numpy: its first axis is the one that runs fastest.
    """
    wide = path.suffix == ".dm4"
    root = group(tree(counts, axes), wide)
    size = struct.pack(">q" if wide else ">i", len(root))
    path.write_bytes(struct.pack(">i", 4 if wide else 3) + size + struct.pack(">i", 1) + root + bytes(8))
    return path


def tree(counts: NDArray[Any], axes: Sequence[Axis]) -> dict[str, Any]:
    """Return the tags: groups by name, lists for the numbered ones."""
    dimensions = [{"Origin": origin, "Scale": scale, "Units": unit} for origin, scale, unit in reversed(axes)]
    data = {
        "DataType": NUMBERS[counts.dtype.str][1],
        "PixelDepth": counts.itemsize,
        "Dimensions": list(reversed(counts.shape)),
        "Data": counts,
        "Calibrations": {"Dimension": dimensions, "Brightness": {"Origin": 0.0, "Scale": 1.0, "Units": ""}},
    }
    name = "Spectrum" if counts.ndim == 1 else "Spectrum image"
    image = {"ImageData": data, "ImageTags": {"Meta Data": {"Format": name, "Signal": "EELS"}}, "Name": "made"}
    shown = {"ImageSource": 0, "AnnotationType": 20}
    return {
        "ImageList": [image],
        "ImageSourceList": [{"ClassName": "ImageSource:Simple", "Id": [0], "ImageRef": 0}],
        "DocumentObjectList": [shown],
        "InImageMode": 1,
    }


def group(entries: Mapping[str, Any] | Sequence[Any], wide: bool) -> bytes:
    """Return a group: two flags (sorted, open), the number of tags, the tags."""
    pairs = list(entries.items()) if isinstance(entries, Mapping) else [("", entry) for entry in entries]
    flags = b"\1\0" if isinstance(entries, Mapping) else b"\0\0"
    return flags + whole(wide, len(pairs)) + b"".join(tag(name, entry, wide) for name, entry in pairs)


def tag(name: str, entry: Any, wide: bool) -> bytes:
    """Return one tag; a wide one says its own length."""
    grouped = isinstance(entry, (Mapping, list))
    body = group(entry, wide) if grouped else value(entry, wide)
    label = name.encode("latin-1")
    return (
        struct.pack(">BH", 20 if grouped else 21, len(label)) + label + (whole(wide, len(body)) if wide else b"") + body
    )


def value(entry: Any, wide: bool) -> bytes:
    """Return the description of a value and its bytes."""
    if isinstance(entry, str):
        info, data = [20, TEXT, len(entry)], entry.encode("utf-16-le")
    elif isinstance(entry, np.ndarray):
        info, data = [20, NUMBERS[entry.dtype.str][0], entry.size], entry.tobytes()
    elif isinstance(entry, float):
        info, data = [7], struct.pack("<d", entry)
    else:
        info, data = [3], struct.pack("<i", entry)
    return b"%%%%" + whole(wide, len(info), *info) + data


def whole(wide: bool, *numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}{'q' if wide else 'i'}", *numbers)
