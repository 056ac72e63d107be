"""Numbers by Green's functions that the pages print, beside what the present code gives.

    OMP_NUM_THREADS=1 python benchmarks/agf_tables.py              # all junctions below, and the pairs of the package
    OMP_NUM_THREADS=1 python benchmarks/agf_tables.py Si/Ge twist  # those whose names hold one of these words
    OMP_NUM_THREADS=1 python benchmarks/agf_tables.py --files DIR  # those of force constants in files, too

What is printed is read from the pages, and of the pairs from the data of the package; stated errors are those of the
present run.  DIR holds GaN_wurtzite.yaml and AlN_wurtzite.yaml, phonopy files with force constants.  Ten
minutes of CPU, most of them for pairs with aluminium and quartz; a few seconds for most others.
"""

import argparse
import re
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from kapitza.core.conductance import Drop
from kapitza.core.occupation import Statistics
from kapitza.errors import KapitzaError, ValidityWarning
from kapitza.lattice import JunctionPlan, build_junction
from kapitza.matter.junction import Junction
from kapitza.routes import computed_interface
from kapitza.theory.agf.conductance import refine_to_tolerance
from kapitza.units import MW

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "tools" / "pairs")]
real: Any = import_module("make_real_interfaces")
pairs: Any = import_module("compute")
NUMBER = r"([\d.,]+)"
Column = tuple[float, Drop, Statistics]  # temperature (K), which drop, statistics
EMITTED: Column = (300.0, "emitted", "quantum")
LOCAL: Column = (300.0, "local", "quantum")
GRAY: Column = (300.0, "extrapolated", "quantum")
CLASSICAL: Column = (300.0, "emitted", "classical")


class Row(NamedTuple):
    """A printed row: its place on a page, what its numbers are, and how its junction is made."""

    name: str
    page: str
    pattern: str
    columns: tuple[Column, ...]
    make: Callable[[], Junction]
    tolerance: float = 1e-2


def planned(**options: Any) -> Callable[[], Junction]:
    return lambda: build_junction(JunctionPlan(**options))


TERSOFF = planned(left="Si", right="Ge", potential="tersoff")
BORON = planned(left="C", right="c-BN", potential="matsunaga", contact=("C", "B"))
TWIST = planned(left="Ar", right="Ar", potential="lj", twist=np.radians(36.87), layers=4)
METALS = planned(left="Al", right="Cu", potential="AlCu.eam.alloy")
REAL, JUNCTION = "theory/real-interfaces.md", "how-to/junction.md"
ROWS = [
    Row("Si/Ge", REAL, r"\| Si/Ge.*relaxed" + f" \\| {NUMBER}" * 3, (EMITTED, LOCAL, GRAY), TERSOFF),
    Row("Si/Ge", "tutorial/agf.md", rf"About {NUMBER} .* and {NUMBER} MW", ((100.0, *EMITTED[1:]), EMITTED), TERSOFF),
    Row("C/c-BN", REAL, r"B–C bonds \| Matsunaga" + f" \\| {NUMBER}" * 3, (EMITTED, LOCAL, GRAY), BORON),
    Row("C/c-BN", JUNCTION, rf"Matsunaga \| {NUMBER} \(classical {NUMBER}", (EMITTED, CLASSICAL), BORON),
    Row("Ar twist", "how-to/junction-kinds.md", rf"argon has {NUMBER} .*\({NUMBER} emitted", (LOCAL, EMITTED), TWIST),
    Row("Al/Cu", "theory/md-results.md", rf"local, 300 K \| {NUMBER} and {NUMBER}", (EMITTED, LOCAL), METALS, 5e-2),
]  # fmt: skip


def file_rows(folder: Path) -> list[Row]:
    """Rows of force constants in files: GaN/AlN, cut between layers of one and two cells."""
    crystals = real.nitrides(folder)

    def nitrides(kind: str, cells: int) -> Callable[[], Junction]:
        return lambda: real.junction_from_crystals(*(real.layered(one, cells) for one in crystals[kind]))

    one, first = (EMITTED,), rf".*?\| {NUMBER}"
    return [
        Row("GaN/AlN", REAL, rf"\| as far as{first}", one, nitrides("file", 1)),
        Row("GaN/AlN, 2 cells", REAL, rf"\| as far as.*?\|.*?\| {NUMBER}", one, nitrides("file", 2)),
        Row("GaN/AlN, dipoles", REAL, rf"\| restored{first}", one, nitrides("wide", 1)),
        Row("GaN/AlN, none", REAL, rf"\| removed{first}", one, nitrides("bare", 1)),
    ]


def show(name: str, column: Column, printed: float, now: float, error: float) -> None:
    kelvin, drop, statistics = column
    what = f"{kelvin:g} K, {drop}{', classical' if statistics == 'classical' else ''}"
    print(f"{name:42s}{what:26s}{printed:10.5g}{now:10.5g}{now / printed - 1:+9.1%}{error:8.1%}", flush=True)


def check_row(row: Row) -> None:
    found = re.search(row.pattern, (ROOT / "docs" / row.page).read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit(f"{row.page} has no {row.pattern}")
    kelvin = sorted({column[0] for column in row.columns})
    run = refine_to_tolerance(row.make(), None, row.tolerance, kelvin)
    for column, text in zip(row.columns, found.groups(), strict=True):
        value = run.transmission.conductance(column[0], column[1], statistics=column[2]).value.item() / MW
        show(f"{row.name}, {row.page}", column, float(text.strip(",.").replace(",", "")), value, run.error.max())


def check_pair(row: dict[str, Any]) -> None:
    known = computed_interface(row["left"], row["right"])
    assert known is not None
    run = pairs.refine_to_tolerance(
        pairs.build(row)[0], None, row.get("tolerance", pairs.TOLERANCE), pairs.TEMPERATURE, pairs.UnitRunner()
    )
    for kelvin in (50.0, 300.0):
        values = [one.conductance(kelvin).value.item() / MW for one in (known.transmission, run.transmission)]
        error = float(run.error[np.searchsorted(pairs.TEMPERATURE, kelvin)])
        show(f"{row['name']}, package", (kelvin, "emitted", "quantum"), values[0], values[1], error)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="words, one of which the name of a row must hold")
    parser.add_argument("--files", type=Path, help="folder with force constants of GaN and AlN")
    given = parser.parse_args()
    warnings.simplefilter("ignore", ValidityWarning)
    work: list[tuple[str, Callable[[Any], None], Any]] = [(one.name, check_row, one) for one in ROWS]
    try:
        work += [(one.name, check_row, one) for one in (file_rows(given.files) if given.files else [])]
    except KapitzaError as err:
        parser.error(f"--files: {err}")
    work += [(one["name"], check_pair, one) for one in pairs.read_pairs()]
    wanted = [one for one in work if not given.names or any(word in one[0] for word in given.names)]
    if not wanted:
        known = ", ".join(dict.fromkeys(name for name, *_ in work))
        parser.error(f"no row has {' or '.join(given.names)} in its name: take words of {known}")
    print(f"{'':68s}{'printed':>10s}{'now':>10s}{'change':>9s}{'error':>8s}")
    for name, check, row in wanted:
        try:
            check(row)
        except KapitzaError as err:  # a potential or package that is not there
            print(f"{name}: {err}")
    print(f"{process_time():.0f} s of CPU")


if __name__ == "__main__":
    main()
