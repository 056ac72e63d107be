"""Flip one bit in saved results and units of a store, and see that none is read as if nothing had happened.

    python tools/fuzz/flips.py --flips 1000

In each format that many bits are flipped, one at a time, at places drawn at random over files of several records; flip
n is the same on every machine.  A flip is accepted if the file is read and holds something else, and harmless if it
holds the same, as in the date of a member of an archive.  The exit status is 1 if any is accepted.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "src")]

import seeds  # noqa: E402

from kapitza.errors import KapitzaError  # noqa: E402
from kapitza.io.formats.records import record_tree  # noqa: E402
from kapitza.io.results import load  # noqa: E402
from kapitza.run.store import deserialize_arrays  # noqa: E402


def content_of_result(path: Path) -> str:
    """What a saved result holds, as text."""
    return json.dumps(record_tree(load(path)), sort_keys=True)


def content_of_unit(path: Path) -> str:
    """What a unit of a store holds, as text."""
    return str({name: (array.tolist(), array.dtype) for name, array in deserialize_arrays(path.read_bytes()).items()})


FORMATS: dict[str, tuple[Callable[[Path], None], Callable[[Path], str]]] = {
    "json": (seeds.saved(".json", sealed=True), content_of_result),
    "npz": (seeds.saved(".npz", sealed=True), content_of_result),
    "hdf5": (seeds.saved(".h5", sealed=True), content_of_result),
    "unit": (seeds.unit, content_of_unit),
}


def flip(name: str, flips: int) -> Counter[str]:
    """Number of flips in one format that were refused, harmless and accepted."""
    make, content = FORMATS[name]
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="flips") as folder:
        make(Path(folder))
        files = sorted(Path(folder).iterdir())
        good: dict[Path, tuple[bytes, Any]] = {path: (path.read_bytes(), content(path)) for path in files}
        for number in range(flips):
            rng = Random(f"{name} {number}")
            path = files[number % len(files)]
            data, held = good[path]
            at = rng.randrange(len(data))
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :])
            try:
                kind = "harmless" if content(path) == held else "accepted"
            except KapitzaError:
                kind = "refused"
            counts[kind] += 1
            if kind == "accepted":
                print(f"  {name}: flip {number} in {path.name} is accepted")
            path.write_bytes(data)
    return counts


def main() -> int:
    """Flip bits in every format."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--flips", type=int, default=1000, help="in each format")
    chosen = arguments.parse_args()
    accepted = 0
    for name in FORMATS:
        counts = flip(name, chosen.flips)
        accepted += counts["accepted"]
        print(
            f"{name}: {chosen.flips} flips, " + ", ".join(f"{n} {kind}" for kind, n in counts.most_common()), flush=True
        )
    return 1 if accepted else 0


if __name__ == "__main__":
    sys.exit(main())
