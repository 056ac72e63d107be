"""Damage files of spectra, read them, and say what became of each: a program, so that a crash is its own alone.

    python mutations.py FILE FIRST LAST

Prints one line of JSON.  The address space is limited to 3 GiB: whoever asks for more gets a MemoryError.
"""

import hashlib
import json
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import h5py  # noqa: F401  # before the forks, so that none of them has to
import numpy as np

import kapitza
from kapitza.io.eels import rosetta, spectra

LONGEST = 5  # s, of a child
STOPPED: list[str] = []  # files on which the library went on without end, until the limit of the child
ADDRESSES = 3 * 2**30

HUGE = (b"\xff\xff\xff\x7f\xff\xff\xff\x7f", b"\xff" * 8, b"\x00" * 7 + b"\x40", b"\x7f" + b"\xff" * 7)


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def flip(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 3, 30))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def head(data: bytes, rng: random.Random) -> bytes:
    """Change bytes near the start or the end, where the structure stands."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 8))):
        i = rng.randrange(min(len(out), 4096))
        out[len(out) - 1 - i if rng.random() < 0.4 else i] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
    return bytes(out)


def over(data: bytes, rng: random.Random) -> bytes:
    i, n = rng.randrange(len(data)), rng.choice((1, 4, 8, 64, 1000))
    new = rng.randbytes(n) if rng.random() < 0.5 else rng.choice((b"\xff", b"\x00", b"\x7f")) * n
    return (data[:i] + new + data[i + n :])[: len(data)]


def drop(data: bytes, rng: random.Random) -> bytes:
    i = rng.randrange(min(len(data), 8192)) if rng.random() < 0.7 else rng.randrange(len(data))
    return data[:i] + data[i + rng.choice((1, 8, 100)) :]


def huge(data: bytes, rng: random.Random) -> bytes:
    i, n = rng.randrange(min(len(data), 8192)), rng.choice((4, 8))
    return (data[:i] + rng.choice(HUGE)[:n] + data[i + n :])[: len(data)]


MUTATIONS = (cut, flip, flip, head, head, over, drop, huge)


def expected(data: bytes, original: bytes, good: np.ndarray) -> np.ndarray | None:
    """What the counts of a damaged file are by another road, or None where there is none.

    Formats with checksums (zip, zlib) can only give the original.  The others store the plain numbers at a known place,
    or as text.
    """
    payload = original.find(good.tobytes())
    if original.startswith(b"#"):
        text = re.split(rb"#SPECTRUM[^\n]*\n", data)[-1].split(b"#")[0].decode("latin-1")
        return np.array([float(word) for word in text.replace(",", " ").split()])
    if payload < 0 or original.startswith(b"PK"):
        return good
    if len(data) != len(original):
        return None  # moved by a few bytes: whatever is read is what now stands at the place
    return np.frombuffer(data[payload : payload + good.nbytes], dtype=good.dtype).reshape(good.shape)


def peak() -> float:
    """Most memory that this program ever held, MiB; what the system counts for its parent is left out where it can."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_a_fork(function: Callable[[str], object], *arguments: str) -> None:
    """`run_in_child` with a copy of this process in place of a new interpreter: a hundred times as fast."""
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(LONGEST)
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
            function(*arguments)
        except BaseException:  # noqa: BLE001  # whatever it is, the file is refused
            os._exit(3)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status == signal.SIGALRM:
        STOPPED.append(arguments[0])
    if status != 0:
        raise kapitza.errors.DataError(f"cannot be read: its reader ended with status {status}")


def main(name: str, first: int, last: int) -> None:
    original = Path(name).read_bytes()
    stored = np.asarray(kapitza.eels.read_eels(name).counts[...])
    if "energy-first" in name:
        stored = None  # its energies lie first in the file
    found = {"read": 0, "refused": 0, "wrong": [], "odd": [], "slowest": 0.0, "files": 0}
    seen = set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        for seed in range(first, last):
            rng = random.Random(seed)
            data = original
            for _ in range(rng.choice((1, 1, 1, 2))):
                data = rng.choice(MUTATIONS)(data, rng) or b"\n"
            path.write_bytes(data)
            seen.add(hashlib.sha256(data).digest())
            start, stopped = time.perf_counter(), len(STOPPED)
            try:
                image = kapitza.eels.read_eels(path)
                counts = np.asarray(image.counts[...])
                found["read"] += 1
                want = None if stored is None else expected(data, original, stored)
                sound = np.isfinite(image.energy).all() and counts.shape == (*image.shape, image.energy.size)
                if not sound or (want is not None and not np.array_equal(counts, want, equal_nan=True)):
                    found["wrong"].append(seed)
            except kapitza.errors.DataError as error:
                found["refused"] += 1
                if "\n" in str(error) or len(str(error)) > 800 or str(path) not in str(error):
                    found["odd"].append([seed, str(error)[:200]])
            except Exception as error:  # noqa: BLE001  # whatever is no DataError is reported
                found["odd"].append([seed, f"{type(error).__name__}: {error}"])
            if len(STOPPED) == stopped:
                found["slowest"] = max(found["slowest"], time.perf_counter() - start)
    found["files"] = len(seen)
    found["stopped"] = len(STOPPED)
    found["memory"] = peak()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    spectra.run_in_child = in_a_fork
    rosetta.defer_dask()
    resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
    seconds = 60 + (int(sys.argv[3]) - int(sys.argv[2])) // 10
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    warnings.simplefilter("ignore")
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
