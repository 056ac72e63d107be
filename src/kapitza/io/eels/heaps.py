"""Heaps of HDF5 files, checked before the HDF5 library reads them.

Texts in attributes lie in "global heap collections".  In one whose sizes are damaged the library (1.14 as well as 2.0)
runs in a circle without end, and nothing can stop it from inside of the process; and for a text that claims two
gigabytes it takes them before it looks.  So the sizes are added up here first.
Layout: HDF5 file format specification 3.0, section III.E; a text is a length (4 bytes), the place of its collection (8)
and a number there (4).
"""

import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from kapitza.errors import DataError

SIGNATURE = b"GCOL\x01\x00\x00\x00"
HEAD = struct.Struct("<8xQ")  # signature, size of the collection
OBJECT = struct.Struct("<HH4xQ")  # index (0: what is free), references, size
ALIGNED = 8
LARGEST = 2**28  # bytes of a collection
PIECE, OVERLAP = 2**24, 2**16  # bytes that are looked at together
REFERENCE = struct.Struct("<IQI")  # length, place of the collection, index there
TEXT = re.compile(rb"\x19.[\x00\x01]\x00\x10\x00\x00\x00", re.DOTALL)  # a type: texts of any length, by references
KIND, PADDED = 20, 24  # bytes of such a type
AXES, MOST = 8, 1024  # of an attribute, and texts in it that are looked at

Heaps = Mapping[int, Mapping[int, int]]  # place of a collection: index: size


def check_heaps(path: str | PathLike[str]) -> Heaps:
    """Return the sizes of the objects in all global heap collections of a file.

    Raises
    ------
    DataError
        for a collection whose objects do not add up, naming the place
    """
    size = Path(path).stat().st_size
    with Path(path).open("rb") as file:
        return {place: objects_of(file, place, size) for place in list(collections(file, size))}


def collections(file: BinaryIO, size: int) -> Iterator[int]:
    """Yield the places where collections start."""
    for start in range(0, size, PIECE):
        file.seek(start)
        piece = file.read(PIECE + len(SIGNATURE) - 1)
        found = piece.find(SIGNATURE)
        while found >= 0:
            yield start + found
            found = piece.find(SIGNATURE, found + len(SIGNATURE))


def objects_of(file: BinaryIO, start: int, size: int) -> dict[int, int]:
    """Return the sizes of the objects of a collection by their index, if they fill it one behind the other."""
    found: dict[int, int] = {}
    file.seek(start)
    head = file.read(HEAD.size)
    length = HEAD.unpack(head)[0] if len(head) == HEAD.size else 0
    sound = HEAD.size <= length <= min(size - start, LARGEST)
    data, place = file.read(length - HEAD.size) if sound else b"", 0
    while sound and place + OBJECT.size <= len(data):
        index, _, held = OBJECT.unpack_from(data, place)
        found[index] = held
        needed = OBJECT.size + -(-held // ALIGNED) * ALIGNED if index else held
        sound = OBJECT.size <= needed <= len(data) - place
        place += needed
    if not sound:
        raise DataError(f"is no sound HDF5 file: its heap at byte {start} is damaged")
    return found


def check_texts(path: str | PathLike[str], heaps: Heaps, data: Sequence[tuple[int, int]]) -> None:
    """Refuse attributes with texts that are not in the heap, or claim to be longer than they are there.

    Parameters
    ----------
    path : the file
    heaps : sizes in its collections
    data : place and size of the data, where no attribute stands

    Raises
    ------
    DataError
        naming the length
    """
    size = Path(path).stat().st_size
    for place in heaps:
        if any(start <= place < start + length for start, length in data):
            raise DataError(f"is no sound HDF5 file: its data cover the heap at byte {place}")
    with Path(path).open("rb") as file:
        for start, stop in gaps(size, data):
            for place in range(start, stop, PIECE):
                file.seek(place)
                piece = file.read(min(PIECE + OVERLAP, stop - place))
                for match in TEXT.finditer(piece):
                    check_references(behind(piece, match.start()), heaps)


def check_references(data: bytes, heaps: Heaps) -> None:
    """Refuse references to texts that are not in the heap, or claim to be longer than they are there."""
    for length, address, index in REFERENCE.iter_unpack(data[: len(data) // REFERENCE.size * REFERENCE.size]):
        held = heaps.get(address, {}).get(index, 0)
        if length > held:
            raise DataError(f"is no sound HDF5 file: a text claims {length} bytes and has {held}")


def behind(piece: bytes, place: int) -> bytes:
    """Return the references of an attribute whose type stands at `place`; nothing where none follows.

    The type is followed by the shape (version 1: padded to 8 bytes, version 2: not) and the references.
    """
    for start in (place + PADDED, place + KIND):
        head = piece[start : start + 8]
        if len(head) < 8 or head[0] not in (1, 2) or head[1] > AXES or head[2] > 1:
            continue
        if head[0] == 1 and any(head[3:]):
            continue
        if head[0] == 2 and head[3] > 1:
            continue
        begin = start + (8 if head[0] == 1 else 4)
        sizes = struct.unpack_from(f"<{head[1]}Q", piece.ljust(begin + 8 * head[1], b"\0"), begin)
        begin += 8 * head[1] * (1 + head[2])
        return piece[begin : begin + REFERENCE.size * min(math.prod(sizes), MOST)]
    return b""


def gaps(size: int, data: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield start and end of what lies between pieces of data."""
    start = 0
    for place, length in sorted(data):
        if start < place:
            yield start, min(place, size)
        start = max(start, place + length)
    if start < size:
        yield start, size
