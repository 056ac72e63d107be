"""Choose one or two saved records of each type, and list their content: see `keep_records.py`.

python tools/saved/write_examples.py FOLDER_OF_RECORDS tests/data/saved-X.Y.Z
"""

import json
import math
import shutil
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from kapitza.io.formats import saved_types
from kapitza.io.results import load, save

BYTES_WORTH_AN_ATTRIBUTE = 3000
MAX_SECOND = 5000  # bytes of a second record
MAX_HDF5 = 12_000  # bytes of a record in JSON that is saved as HDF5, too
SAMPLES = 6  # values of an array that are listed


def describe(value: Any) -> Any:
    """Return the content of a value as `expected.json` lists it."""
    if isinstance(value, np.ndarray):
        return describe_array(value)
    if isinstance(value, np.generic):
        return describe(value.item())
    if isinstance(value, tuple | list):
        return {"items": [describe(item) for item in value]}
    if attrs.has(type(value)):
        fields = {a.name: describe(getattr(value, a.name)) for a in attrs.fields(type(value)) if a.init}
        return {"type": type(value).__name__, "attributes": fields}
    if hasattr(value, "items"):
        return {"mapping": {key: describe(item) for key, item in value.items()}}
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def describe_array(array: Any) -> dict[str, Any]:
    """Return shape, kind and some values of an array."""
    flat = array.ravel()
    at = sorted({int(i) for i in np.linspace(0, flat.size - 1, SAMPLES)}) if flat.size else []
    values = [str(flat[i]) for i in at] if array.dtype.kind in "OSU" else [describe(float(flat[i])) for i in at]
    return {"shape": list(array.shape), "kind": array.dtype.kind, "at": at, "values": values}


def attributes_set(record: Any) -> list[bool]:
    """Return for each attribute whether it has a value of its own."""
    values = ((getattr(record, a.name), a.default) for a in attrs.fields(type(record)) if a.init)
    return [isinstance(value, np.ndarray) or not (value is None or value == default) for value, default in values]


def choose(paths: list[Path]) -> list[tuple[Path, Any]]:
    """Return the record with most attributes for its size, and a small one in which others are set."""
    records = [(path, path.stat().st_size, load(path)) for path in paths]

    def worth(differences: int, space: int) -> float:
        return differences - space / BYTES_WORTH_AN_ATTRIBUTE

    first = max(records, key=lambda row: worth(sum(attributes_set(row[2])), row[1]))
    pattern = attributes_set(first[2])

    def difference(row: tuple[Path, int, Any]) -> float:
        return worth(sum(np.not_equal(attributes_set(row[2]), pattern)), row[1])

    others = [row for row in records if row is not first and row[1] < MAX_SECOND and difference(row) > 0]
    return [(row[0], row[2]) for row in (first, *sorted(others, key=difference)[-1:])]


def main(records: Path, folder: Path) -> None:
    """Write the examples and their list."""
    folder.mkdir(parents=True)
    by_type: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(records.glob("*.json")):
        by_type[path.stem.rpartition("-")[0]].append(path)
    files: dict[str, Any] = {}
    for number, (name, paths) in enumerate(sorted(by_type.items())):
        for suffix, (path, record) in zip(("", "-2"), choose(paths), strict=False):
            shutil.copy(path, folder / f"{name}{suffix}.json")
            files[f"{name}{suffix}.json"] = describe(record)
        _, record = choose(paths)[0]
        small = (folder / f"{name}.json").stat().st_size < MAX_HDF5
        other = {0: ".npz", 1: ".h5" if small else ".npz"}.get(number % 4)
        if other is not None:
            save(record, folder / f"{name}{other}")
            files[f"{name}{other}"] = describe(record)
    listing = {"now": {}, "attributes": {}, "types": len(by_type), "files": files}
    text = json.dumps(listing, ensure_ascii=False, separators=(",", ":"))
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")
    print(f"{len(by_type)} types; none of {', '.join(sorted(set(dir(saved_types)) - set(by_type))) or 'none'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
