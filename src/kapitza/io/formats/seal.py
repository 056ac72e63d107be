"""A checksum that a file carries over its own bytes, so that a flipped bit never passes for a number.

The seal is the text ``kapitza-sha256:`` and 64 hexadecimal digits: the SHA-256 of the file with zeros in the place of
these digits (FIPS 180-4, doi:10.6028/NIST.FIPS.180-4).  It stands where the format has room for a text: beside
the header of JSON, in the comment of a zip, in a dataset of HDF5.
"""

import hashlib
import mmap
import os
import re
from os import PathLike

from kapitza.core.files import open_regular
from kapitza.errors import DataError

_MARK = b"kapitza-sha256:"
_SEAL = re.compile(re.escape(_MARK) + rb"([0-9a-f]{64})")
EMPTY_SEAL = _MARK.decode() + "0" * 64  # what a writer puts where the seal shall be


def seal(data: bytes) -> bytes:
    """Return the bytes of a file with the digits of its first empty seal filled in."""
    start = data.index(EMPTY_SEAL.encode()) + len(_MARK)
    return data[:start] + hashlib.sha256(data).hexdigest().encode() + data[start + 64 :]


def check_seal(path: str | PathLike[str], *, text: bool = False) -> bool:
    """Whether a file has a seal; False for those of version 0.1, which had none.

    The ends of the lines of a `text` may be those of Windows, which some tools put in.

    Raises
    ------
    DataError
        if the bytes of the file are not those that were sealed
    MissingFile, OSError
        if it cannot be read
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size == 0:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found = _SEAL.search(content)
            if found is None:
                return False
            digits, start = found[1], found.start(1)
            fits = _digest(content, start) == digits
            if not fits and text and content.find(b"\r\n") >= 0:
                plain = content[:].replace(b"\r\n", b"\n")
                fits = _digest(plain, plain.index(_MARK) + len(_MARK)) == digits
    if not fits:
        raise DataError("damaged: its checksum does not fit; restore it from a copy", file=path)
    return True


def _digest(content: bytes | mmap.mmap, start: int) -> bytes:
    """SHA-256 of a file with zeros in the place of the digits that begin at `start`."""
    with memoryview(content) as view:
        digest = hashlib.sha256(view[:start])
        digest.update(b"0" * 64)
        digest.update(view[start + 64 :])
    return digest.hexdigest().encode()
