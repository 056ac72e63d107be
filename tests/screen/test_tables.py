"""Tables of materials from files, filters, and the command: every fault is one line."""

import csv
import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kapitza import cli, load, save, solid
from kapitza.errors import DataError, InputError, MissingEngine, ValidityWarning
from kapitza.io import read_materials, screening_tables
from kapitza.io.screening_tables import write_screening
from kapitza.screen import filter_table, library_table, material_table, screen
from kapitza.units import GPa, angstrom, m_u

HEAD = "name,formula,density (g/cm3),bulk_modulus (GPa),shear_modulus (GPa),ehull"
SILICON, GERMANIUM = "si,Si,2.33,98,66,0.0", "ge,Ge,5.32,75,55,0.1"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a table of text; returns its path."""

    def call(*lines: str, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return call


def near(found: Any, wanted: float) -> bool:
    return abs(float(found) / wanted - 1) <= 1e-12


def test_moduli_give_speeds_and_formulas_atoms(write: Callable[..., Path]) -> None:
    found = read_materials(write(HEAD, SILICON, GERMANIUM))
    assert found.names == ("si", "ge")
    assert near(found.transverse[0], (66 * GPa / 2330) ** 0.5)
    assert near(found.longitudinal[0], ((98 + 88) * GPa / 2330) ** 0.5)
    assert near(found.atoms[0], 2330 / (28.085 * m_u))
    assert found.properties["energy_above_hull"].tolist() == [0.0, 0.1]
    assert near(found.properties["shear"][1], 55 * GPa)


def cubic(name: str, element: str, edge: float, *, atoms: int = 8, bulk: float = 98.0) -> dict[str, Any]:
    """An entry as matcalc keeps those of the Materials Project."""
    sites = [{"species": [{"element": element, "occu": 1.0}]}] * atoms
    structure = {"lattice": {"matrix": (np.eye(3) * edge).tolist()}, "sites": sites}
    return {"mp_id": name, "formula": element, "structure": structure, "bulk_modulus_vrh": bulk,
            "shear_modulus_vrh": 66.0}  # fmt: skip


def test_databases(tmp_path: Path) -> None:
    path = tmp_path / "mp.json.gz"
    path.write_bytes(gzip.compress(json.dumps([cubic("mp-149", "Si", 5.43), cubic("mp-32", "Ge", 5.66)]).encode()))
    found = read_materials(path)
    assert near(found.atoms[0], 8 / (5.43 * angstrom) ** 3)
    assert near(found.density[0], 8 * 28.085 * m_u / (5.43 * angstrom) ** 3)
    assert found.source == "Materials Project, mp.json.gz"
    jarvis = [{"jid": "JVASP-1", "formula": "Si", "density": 2.33, "bulk_modulus_kv": 98, "shear_modulus_gv": 66,
               "ehull": 0.0}]  # fmt: skip
    aflow = [{"auid": "aflow:1", "compound": "Si2", "density": 2.33, "ael_bulk_modulus_vrh": 98,
              "ael_shear_modulus_vrh": 66, "volume_atom": 20.0}]  # fmt: skip
    for entries, atoms in ((jarvis, 2330 / (28.085 * m_u)), (aflow, 1 / (20 * angstrom**3))):
        path = tmp_path / "other.json"
        path.write_text(json.dumps(entries), encoding="utf-8")
        found = read_materials(path)
        assert near(found.density[0], 2330)
        assert near(found.atoms[0], atoms)
        assert near(found.transverse[0], (66 * GPa / 2330) ** 0.5)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((HEAD, SILICON, "ge,Ge,5.32,75,-3,0"), r"row 2 \(ge\): shear_modulus \(GPa\) = '-3', expected a finite"),
        ((HEAD, SILICON, "ge,Ge,nan,75,3,0"), r"row 2 \(ge\): density \(g/cm3\) = 'nan'"),
        ((HEAD, SILICON, "si,Ge,5.32,75,55,0"), r"row 2 \(si\): 'si' stands twice"),
        ((HEAD, SILICON, "ge,Xx,5.32,75,55,0"), "the formula 'Xx' cannot be read"),
        ((HEAD, SILICON, ",,5.32,75,55,0"), "it has no name"),
        ((HEAD.replace("shear_modulus (GPa)", "G"), SILICON), "has no column shear_modulus: expected density and"),
        ((HEAD.replace("(g/cm3)", "(lb)"), SILICON), r"column 'density \(lb\)': unknown unit, expected g/cm3, kg/m3"),
        ((HEAD.replace(" (g/cm3)", ""), SILICON), "si: density = 2.33, expected 20 to 40000 kg/m³: is it in another"),
        ((HEAD.replace("formula", "f").replace("name", "n"), SILICON), "has no column formula, atoms"),
        ((HEAD,), "has no rows"),
        ((HEAD, *[SILICON] * 4), "has more than the 3 rows that are read: choose"),
    ],
)
def test_bad_tables(
    write: Callable[..., Path], lines: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screening_tables, "MAX_MATERIALS", 3)
    with pytest.raises(DataError, match=said) as caught:
        read_materials(write(*lines))
    assert "\n" not in str(caught.value)


def test_bad_files(write: Callable[..., Path], tmp_path: Path) -> None:
    for name, text, said in (
        ("a.json", "{", "is no JSON"), ("b.json", "[1]", "expected a list of materials"), ("c.xyz", "", "expected one"),
        ("d.json.gz", "a", "is no whole gzip"), ("f.csv", f"{HEAD}\n{SILICON},7", "row 1 has more entries than the 6"),
        ("g.json", json.dumps([{"jid": "1", "formula": "Si", "density": 10**400, "bulk_modulus_kv": 1,
                                "shear_modulus_gv": 1}]), "density = 10000"),
        ("h.json", json.dumps([cubic("1", "Si", 5.4), cubic("2", "Si", 5.4) | {"structure": None}]), "no structure"),
        ("e.json", '[{"mp_id": "1", "structure": {}}]', "no column bulk"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=said):
            read_materials(write(text, name=name))
    packed = bytearray(gzip.compress(b"[1]", mtime=0))
    packed[10] ^= 0xFF
    (tmp_path / "flipped.json.gz").write_bytes(packed)
    with pytest.raises(DataError, match="is no whole gzip"):
        read_materials(tmp_path / "flipped.json.gz")
    saved = save(solid("Si"), tmp_path / "solid.json")
    with pytest.raises(DataError, match="holds a Solid, expected a table of materials"):
        read_materials(saved)
    assert read_materials(save(material_table(["Si"]), tmp_path / "table.npz")).names == ("Si",)
    entry = cubic("mp-1", "Si", 0.0)
    path = write(json.dumps([entry]), name="cell.json")
    with pytest.raises(DataError, match="a cell of 0 m³"):
        read_materials(path)


def test_too_many_rows_are_told_before_all_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows the rows that are too many would be another fault, if it were read."""
    monkeypatch.setattr(screening_tables, "MAX_MATERIALS", 3)
    monkeypatch.setattr(screening_tables, "_CHUNK_BYTES", 400)
    rows = "".join(f"si{k},Si,2.33,98,66,0\n" for k in range(60))
    entries = json.dumps([{"mp_id": f"mp-{k}", "formula": "Si"} for k in range(60)])
    text = f"{HEAD}\n{rows}".encode()
    contents = {
        "a.csv": text + b"\xff\n", "b.csv.gz": gzip.compress(text)[:-9], "c.json": entries[:-1].encode(),
        "d.json.gz": gzip.compress(entries.encode())[:-9],
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match="has more than the 3 rows that are read") as caught:
            read_materials(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_parquet_in_and_out(write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    heads, *lines = (line.split(",") for line in (HEAD, SILICON, GERMANIUM))
    columns = [[line[k] if k < 2 else float(line[k]) for line in lines] for k in range(len(heads))]
    path = tmp_path / "table.parquet"
    parquet.write_table(arrow.table(dict(zip(heads, columns, strict=True))), path)
    found, same = read_materials(path), read_materials(write(HEAD, SILICON, GERMANIUM))
    assert found.names == same.names
    assert found.transverse.tolist() == same.transverse.tolist()
    monkeypatch.setattr(screening_tables, "_ROWS_PER_BLOCK", 3)  # blocks of a long table
    ranked = screen(material_table(["Si", "Ge", "Al", "Cu"]), [77, 300])
    kept = parquet.read_table(write_screening(ranked, tmp_path / "rows.parquet"))
    assert kept.to_pydict() == ranked.columns()
    assert kept.schema.metadata[b"source"].decode() == ranked.source
    with (write_screening(ranked, tmp_path / "rows.csv")).open(encoding="utf-8", newline="") as file:
        assert [float(row["conductance"]) for row in csv.DictReader(file)] == ranked.conductance.tolist()
    monkeypatch.setattr(screening_tables, "MAX_MATERIALS", 1)
    with pytest.raises(DataError, match="has more than the 1 rows that are read"):
        read_materials(path)
    path.write_bytes(b"PAR1")
    with pytest.raises(DataError, match="is no Parquet file"):
        read_materials(path)


@pytest.mark.parametrize(("package", "convert"), [("pandas", "to_pandas"), ("polars", "to_polars")])
def test_rows_as_a_data_frame(package: str, convert: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(package)
    ranked = screen(material_table(["Si", "Ge", "Al"]), [300])
    frame = getattr(ranked, convert)()
    for name, values in ranked.columns().items():
        assert list(frame[name]) == values
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingEngine, match=rf"{package}.*kapitza\[screen\]"):
        getattr(ranked, convert)()


def test_invalid_rows_can_be_skipped(write: Callable[..., Path]) -> None:
    with pytest.warns(ValidityWarning, match=r"1 of 3 rows are left out; first row 2 \(b\)"):
        found = read_materials(write(HEAD, SILICON, "b,Ge,5.32,75,-3,0", GERMANIUM), invalid="skip")
    assert found.names == ("si", "ge")
    with pytest.raises(DataError, match="no valid material in 1 rows"):
        read_materials(write(HEAD, "b,Ge,5.32,75,-3,0"), invalid="skip")


@pytest.mark.parametrize(
    ("conditions", "kept"),
    [
        ("elements in Si C", {"Si", "diamond", "3C-SiC"}),
        ("elements with N", {"GaN"}),
        ("elements without Si, C Pb", {"GaN", "InAs", "Au", "Cu"}),
        ("elements not in {Si, C, Pb}; density < 1e4", {"GaN", "InAs", "Cu"}),
        ("no harmful and no radioactive", {"Si", "diamond", "3C-SiC", "GaN", "Au", "Cu"}),
        ("no toxic", {"Si", "diamond", "3C-SiC", "GaN", "Au", "Cu", "Pb"}),
        ("debye_temperature>=1100, density<3600", {"diamond", "3C-SiC"}),
        ("conductivity > 1000", {"diamond"}),
        ("no hydrides, density > 19000", {"Au"}),
    ],
)
def test_filters(conditions: str, kept: set[str]) -> None:
    materials = material_table(["Si", "diamond", "3C-SiC", "GaN", "InAs", "Au", "Cu", "Pb"])
    assert set(filter_table(materials, conditions).names) == kept


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ("", "has no condition: expected conditions such as"),
        ("cold", "unknown filter 'cold'"),
        ("densty < 3", "no column 'densty'; did you mean density"),
        ("density < heavy", "expected a number behind the sign"),
        ("elements of Si", "filter 'elements of': expected in, with, without"),
        ("elements in Xx", "Xx is no symbol of an element"),
        ("no cats", "unknown filter 'no cats': expected hydride"),
        (
            "stable",
            r"filter 'stable': the table has no column energy_above_hull \(eV per atom, of databases also e_above",
        ),
        ("density > 1e9", "no material of 2 is left after 'density > 1e9'"),
    ],
)
def test_unknown_filters(conditions: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        filter_table(material_table(["Si", "Ge"]), conditions)
    assert "\n" not in str(caught.value)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    status = cli.main(["screen", *map(str, words)])
    return (status, *capsys.readouterr())


def test_the_command(write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(HEAD, SILICON, GERMANIUM, "ge2,Ge,5.3,74,54,0.0")
    kept = tmp_path / "kept.npz"
    status, out, err = run(capsys, path, "-T", "100:300:100", "--with", "diamond", "--where", "stable", "--save", kept)
    assert (status, err.splitlines()[-1]) == (0, f"note: wrote {kept}")
    assert "times the model, within a factor of" in err
    assert "highest conductances at 300 K of 2 pairs of 3 materials, DMM, emitted drop" in out
    found = load(kept)
    assert found.temperature.tolist() == [100.0, 100.0, 200.0, 200.0, 300.0, 300.0]
    assert set(found.names) == {"diamond", "si", "ge2"}
    table = tmp_path / "rows.csv"
    assert (
        run(capsys, path, "--with", "Ge", "--rank", "low", "--save", table, "--plot", tmp_path / "a.svg")[0] == 0
    )  # germanium of the library
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()
    assert table.read_text("utf-8").startswith("temperature,rank,left,right,left_formula,right_formula,conductance,")
    status, out, _ = run(capsys, "library", "--between", "GaAs", "6H-SiC", "--thickness", "5nm", "--save", table)
    assert "bridges the gap between 11.3" in out
    assert table.read_text("utf-8").startswith("left,layer,right,direct,thermalised,ballistic,own,free_path,gain,")
    assert "3 triples" not in run(capsys, "library", "--layers", "--top", "2")[1]
    status, out, _ = run(capsys, path, "--top", "1", "--json")
    assert json.loads(out)["result"]["type"] == "Screening"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--where", "no cats"), "unknown filter 'no cats'"),
        (("--with", "unobtainium"), "no material 'unobtainium' in the table"),
        (("--save", "rows.xlsx"), "unknown file ending"),
        (("--top", "0"), "--top"),
        (("--thickness", "5nm"), "--thickness 5nm is that of a layer"),
        (("--layers", "--between", "Si", "Ge"), "give one of them"),
        (("--layers", "--with", "Si", "--plot", "a.png"), "--with, --plot: for lists of pairs, not"),
        (("--layers", "--rank", "low", "--best", "3", "--precision", "single"), "--rank, --best, --precision: for"),
        (("--between", "Si", "Ge", "--each", "--drop", "local", "--calibrated"), "--each, --drop, --calibrated: for"),
        (("--each", "--plot", "a.png"), "draws the ranks of one list"),
        (("--between", "Si", "Si"), "stands twice"),
        (("--between", "Si", "Ge", "--thickness", "5 K"), "is a unit of temperature"),
        (("--between", "Si", "Ge", "-T", "77,300"), "expected one"),
        (("-T", "-5"), "expected K, above 0"),
    ],
)
def test_faults_of_the_command(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "library", *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert "Traceback" not in err


def test_the_library_tells_elements() -> None:
    materials = library_table()
    assert len(filter_table(materials, "elements without H")) < len(materials)
