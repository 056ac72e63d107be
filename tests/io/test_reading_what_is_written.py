"""`kapitza.read` knows every file that the package writes: each writer, found in the source, is tried here."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapitza
from kapitza.cli import main
from kapitza.errors import DataError
from kapitza.run.store import Store

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "kapitza"
SAMPLES = ROOT / "docs" / "samples"
CONDUCTANCE = kapitza.Conductance([100.0, 300.0], [1e8, 2e8])


def command(*words: str) -> None:
    assert main(list(words)) == 0


def result(folder: Path) -> None:
    for suffix in (".json", ".npz", ".h5"):
        np.testing.assert_array_equal(kapitza.read(kapitza.save(CONDUCTANCE, folder / f"g{suffix}")).value, [1e8, 2e8])


def screening(folder: Path) -> None:
    pytest.importorskip("pyarrow")
    names = [folder / f"best{suffix}" for suffix in (".csv", ".parquet")]
    for name in names:
        command("screen", "library", "--with", "diamond", "--top", "3", "--save", str(name))
    text, parquet = (kapitza.read(name) for name in names)
    assert list(text["left"]) == list(parquet["left"])
    np.testing.assert_allclose(text["conductance"], parquet["conductance"], rtol=1e-15, atol=0)
    screened = folder / "best.json"
    command("screen", "library", "--with", "diamond", "--top", "3", "--save", str(screened))
    assert type(kapitza.read(screened)).__name__ == "Screening"


def simulated_curve(folder: Path) -> None:
    sample = folder / "sample.toml"
    text = (SAMPLES / "al-si-150210.toml").read_text(encoding="utf-8")
    head = text[: text.index("[[experiments]]")]
    points = 'kind = "steady"\npowers = ["1 mW", "3 mW", 5]\npump_radius = "9 um"\nprobe_radius = "9 um"\n'
    sample.write_text(f"{head}[[experiments]]\n{points}", encoding="utf-8")
    command("simulate", str(sample), "--save", str(folder / "curve.csv"))
    assert kapitza.read(folder / "curve.csv").values("power", "power").size == 5


def lamella(folder: Path) -> None:
    command("eels", "lamella", str(SAMPLES / "lamella.toml"), "--simulate", str(folder / "new"))
    assert type(kapitza.read(folder / "new" / "lamella.toml")).__name__ == "LamellaFile"


def device(folder: Path) -> None:
    command("export", str(SAMPLES / "chip-gan-sic.toml"), "--comsol", str(folder / "boundaries.csv"))
    assert "GaN|SiC" in list(kapitza.read(folder / "boundaries.csv")["boundary"])


def crystal(folder: Path) -> None:
    one = kapitza.read(ROOT / "tests" / "data" / "crystals" / "Si.yaml")
    kapitza.phonons.write_phonopy(one, folder / "Si.yaml")
    np.testing.assert_allclose(kapitza.read(folder / "Si.yaml").masses, one.masses, rtol=1e-9, atol=0)


def scan(folder: Path) -> None:
    pytest.importorskip("h5py")
    image = kapitza.read(ROOT / "tests" / "data" / "eels" / "vib_line_nion.ndata")
    kapitza.eels.write_eels(image, folder / "scan.ndata")
    np.testing.assert_array_equal(kapitza.read(folder / "scan.ndata").counts[...], image.counts[...])


def unit(folder: Path) -> None:
    store = Store(folder)
    store.write("ab12", {"value": np.arange(3.0)})
    state = folder / "run.state"
    state.write_bytes(store.path("ab12").read_bytes())
    for path in (store.path("ab12"), state):
        with pytest.raises(DataError, match="is a part of long work: the command that wrote it takes its folder"):
            kapitza.read(path)


def other_program(name: str) -> Callable[[Path], None]:
    """A file for people or other programs: one line says what it is."""

    def check(folder: Path) -> None:
        (folder / name).write_text("any\n", encoding="utf-8")
        with pytest.raises(DataError, match="; read the result that was saved beside it"):
            kapitza.read(folder / name)

    return check


def elsewhere(folder: Path) -> None:
    """Tried in a test of its own: decks by `test_reading.py`, devices and examples of the local page by its tests."""


WRITERS: dict[str, Callable[[Path], Any]] = {  # modules that write files, and what becomes of these
    "cli/experiments": simulated_curve,
    "cli/interface": other_program("report.md"),
    "cli/md/deck": elsewhere,
    "cli/output": other_program("figure.png"),
    "io/device/circuits": device,
    "io/device/moose": other_program("device.i"),
    "io/device/vtk": other_program("field.vtr"),
    "io/eels/lamella": lamella,
    "io/eels/nion": scan,
    "io/results": result,
    "io/screening_tables": screening,
    "matter/files/phonopy_output": crystal,
    "run/store": unit,
    "simulate/md/runs/checkpoint": unit,
    "simulate/md/runs/single": unit,
    "web/models/device": elsewhere,
    "web/models/examples": elsewhere,
}


def writing_modules() -> set[str]:
    """Modules that call what writes files."""
    found = set[str]()
    for path in SOURCE.rglob("*.py"):
        if re.search(r"(?<!def )\bwrite_atomically\(", path.read_text(encoding="utf-8")):
            found.add(path.relative_to(SOURCE).with_suffix("").as_posix())
    return found


def test_every_writer_is_tried() -> None:
    assert writing_modules() == set(WRITERS)


@pytest.mark.parametrize("module", sorted(WRITERS))
def test_what_the_package_writes_is_read(module: str, tmp_path: Path) -> None:
    WRITERS[module](tmp_path)
