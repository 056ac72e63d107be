"""Tags of DigitalMicrograph files (.dm3, .dm4), walked through before another reader is let at them.

Sizes in damaged tags make a reader loop or fill the memory; here every tag has to lie in the file, and no list may be
longer than such lists are.  Layout: tags are groups (20) or data (21); data carry a list of whole numbers, big-endian,
that says their type: simple, string (18), struct (15), array (20).
"""

import mmap
import struct
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from types import MappingProxyType

from kapitza.errors import DataError

GROUP, DATA = 20, 21
STRUCT, STRING, ARRAY = 15, 18, 20
SIZES = MappingProxyType({2: 2, 3: 4, 4: 2, 5: 4, 6: 4, 7: 8, 8: 1, 9: 1, 10: 1, 11: 8, 12: 8})  # bytes
NARROW, WIDE = struct.Struct(">i"), struct.Struct(">q")
LABEL = struct.Struct(">BH")
TAGS = 1_000_000
DEPTH = 64
NUMBERS = 4_000  # of the description of one tag
LIST = 2**23  # items of an array that is no image
IMAGE = b"Data"


def is_dm(head: bytes) -> bool:
    """Whether a file starts as one of DigitalMicrograph, version 3 or 4."""
    return head[:4] in (NARROW.pack(3), NARROW.pack(4))


def check_dm(path: str | PathLike[str]) -> None:
    """Refuse a file of DigitalMicrograph whose tags do not lie one behind the other within it.

    Raises
    ------
    DataError
        naming the place of the first fault
    """
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        if not is_dm(view[:4]):
            raise DataError(f"is no file of DigitalMicrograph: starts with {view[:4]!r}")
        try:
            walk(view, NARROW.unpack_from(view, 0)[0] == 4)
        except (struct.error, IndexError) as err:
            raise DataError("is cut off: its tags go on behind its end") from err


def walk(view: mmap.mmap, wide: bool) -> None:
    """Follow all tags of a file."""
    whole = WIDE if wide else NARROW
    place = 8 + whole.size + 2  # version, size, byte order; two flags of the root
    waiting = [whole.unpack_from(view, place)[0]]
    place, seen = place + whole.size, 0
    while waiting:
        if waiting[-1] <= 0:
            waiting.pop()
            continue
        waiting[-1] -= 1
        seen += 1
        if seen > TAGS or len(waiting) > DEPTH or waiting[-1] > len(view):
            raise DataError(f"has more tags at byte {place} than such files have: {max(seen, waiting[-1])}")
        kind, length = LABEL.unpack_from(view, place)
        label = view[place + LABEL.size : place + LABEL.size + length]
        place += LABEL.size + length + (whole.size if wide else 0)
        if kind == GROUP:
            waiting.append(whole.unpack_from(view, place + 2)[0])
            place += 2 + whole.size
        elif kind == DATA:
            place = behind(view, place, whole, label)
        else:
            raise DataError(f"has a tag of kind {kind} at byte {place}, expected {GROUP} or {DATA}: damaged")


def behind(view: mmap.mmap, place: int, whole: struct.Struct, label: bytes) -> int:
    """Return the place behind the data of a tag."""
    (count,) = whole.unpack_from(view, place + 4)
    if view[place : place + 4] != b"%%%%" or not 0 < count <= NUMBERS:
        raise DataError(f"has a damaged tag {label[:20]!r} at byte {place}")
    start = place + 4 + whole.size
    numbers = [one for (one,) in whole.iter_unpack(view[start : start + count * whole.size])]
    size = size_of(numbers) if len(numbers) == count else None
    end = start + count * whole.size + (size or 0)
    if size is None or not start <= end <= len(view):
        raise DataError(f"tag {label[:20]!r} at byte {place} claims {size} bytes in a file of {len(view)}")
    if label != IMAGE and numbers[0] == ARRAY and numbers[-1] > LIST:
        raise DataError(
            f"tag {label[:20]!r} at byte {place} has {numbers[-1]} items, more than the {LIST} that are read"
        )
    return end


def size_of(numbers: Sequence[int]) -> int | None:
    """Return the bytes that a description stands for, or None for one that makes no sense."""
    kind = numbers[0]
    if len(numbers) == 1:
        return SIZES.get(kind)
    if kind == STRING and len(numbers) == 2:
        return numbers[1] if numbers[1] >= 0 else None
    if kind == STRUCT and len(numbers) >= 3 and len(numbers) == 3 + 2 * numbers[2]:
        fields = [SIZES.get(one) for one in numbers[4::2]]
        return None if None in fields else sum(one for one in fields if one is not None)
    if kind == ARRAY and len(numbers) >= 3 and numbers[-1] >= 0:
        item = size_of(numbers[1:-1])
        return None if item is None else item * numbers[-1]
    return None
