"""The reader of phonopy files: what it must read, and what it must refuse with one line."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kapitza.errors import DataError, ValidityWarning
from kapitza.matter.files.crystals import load_crystal, miller_normal, primitive_cell_remark
from kapitza.matter.files.phonopy import read_force_constants, read_phonopy, stiffness_unit
from kapitza.units import angstrom, bohr, eV, hartree, m_u, rydberg

Data = Callable[[str], Path]


@pytest.fixture
def silicon(data: Data) -> str:
    return data("crystals/Si.yaml").read_text(encoding="utf-8")


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "phonopy.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def full_format(text: str) -> str:
    """Rewrite compact force constants of Si as the full matrix that phonopy writes with --full-fc."""
    head, _, body = text.partition("force_constants:\n  format")
    rows = re.findall(r"\[(.*)\]", body.partition("elements:")[2])
    blocks = np.array([row.split(",") for row in rows], dtype=float).reshape(2, 54, 3, 3)
    at = np.array(
        [line.partition("[")[2].rstrip().rstrip("]").split(",") for line in supercell_rows(head)], dtype=float
    )
    lines = ['force_constants:\n  format: "full"\n  shape: [ 54, 54 ]\n  elements:']
    for i in range(54):
        for j in range(54):
            shift = np.round((at[j] - at[i] + 1) * 12) % 12
            place = np.round((at - at[i // 27 * 27] + 1) * 12) % 12
            from_origin = np.flatnonzero((place == shift).all(axis=1))[0]
            lines.append(f"  - # ({i + 1}, {j + 1})")
            lines += [f"    - [ {x:.15f}, {y:.15f}, {z:.15f} ]" for x, y, z in blocks[i // 27, from_origin]]
    return head + "\n".join(lines) + "\n"


def supercell_rows(head: str) -> list[str]:
    return [line for line in head.partition("\nsupercell:")[2].splitlines() if "coordinates" in line]


def test_reads_numbers_units_and_shapes(data: Data):
    found = read_phonopy(data("crystals/Si.yaml"))
    assert found.force_constants.shape == (2, 54, 3, 3)
    assert found.primitive.symbols == ("Si", "Si")
    assert found.origins == (0, 27)
    np.testing.assert_allclose(
        found.force_constants[0, 0, 0, 0], 16.418289620369027 * eV / angstrom**2, rtol=1e-14, atol=0
    )
    np.testing.assert_allclose(found.primitive.masses, 28.085 * m_u, rtol=1e-14, atol=0)
    np.testing.assert_allclose(found.primitive.lattice[0, 1], 2.7155e-10, rtol=1e-14, atol=0)


def test_charges_of_a_polar_crystal(data: Data):
    found = read_phonopy(data("crystals/MgO.yaml"))
    assert found.born is not None
    assert found.dielectric is not None
    np.testing.assert_allclose(found.born[:, 0, 0], [1.96, -1.96], rtol=1e-14, atol=0)
    np.testing.assert_allclose(np.diag(found.dielectric), 3.1, rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    ("unit", "value"),
    [
        ("eV/angstrom^2", eV / angstrom**2),
        ("Ry/au^2", rydberg / bohr**2),
        ("mRy/au^2", rydberg / bohr**2 / 1000),
        ("hartree/au^2", hartree / bohr**2),
        ("eV/angstrom.au", eV / angstrom / bohr),
        ("hartree/angstrom.au", hartree / angstrom / bohr),
    ],
)
def test_units_of_all_calculators(unit: str, value: float):
    np.testing.assert_allclose(stiffness_unit(unit, Path("a"), 1), value, rtol=1e-15, atol=0)


def test_bohr_and_angstrom_give_the_same_crystal(silicon: str, written: Callable[[str], Path]):
    """A file in atomic units, as a Quantum ESPRESSO calculation leaves it, is the same crystal."""
    want = load_crystal(written(silicon))
    lattice, constants = angstrom / bohr, (eV / angstrom**2) / (rydberg / bohr**2)
    lines, factor = [], 0.0
    for line in silicon.splitlines():
        key = line.strip()
        if key in ("lattice:", "points:", "elements:") or key.startswith("reciprocal"):
            factor = {"lattice:": lattice, "elements:": constants}.get(key, 0.0)
        if factor and "[" in line:
            numbers = [float(x) * factor for x in line.partition("[")[2].partition("]")[0].split(",")]
            line = f"  - [ {numbers[0]:.17g}, {numbers[1]:.17g}, {numbers[2]:.17g} ]"
        lines.append(line)
    text = "\n".join(lines).replace('length: "angstrom"', 'length: "au"').replace('"eV/angstrom^2"', '"Ry/au^2"')
    got = load_crystal(written(text))
    np.testing.assert_allclose(got.density, want.density, rtol=1e-12, atol=0)
    q = np.array([[1.0, 2.0, 3.0]]) * 1e9
    np.testing.assert_allclose(got.frequencies(q), want.frequencies(q), rtol=1e-9, atol=0)


def test_the_unit_of_the_calculator_is_taken_where_none_is_written(silicon: str, written: Callable[[str], Path]):
    text = silicon.replace('  force_constants: "eV/angstrom^2"\n', "")
    got = load_crystal(written(text.replace('"2.0.0"', '"2.9.0"\n  calculator: vasp')))
    want = load_crystal(written(silicon))
    np.testing.assert_allclose(got.force_constants, want.force_constants, rtol=1e-14, atol=0)


def test_full_and_compact_force_constants_agree(silicon: str, written: Callable[[str], Path]):
    want, got = load_crystal(written(silicon)), load_crystal(written(full_format(silicon)))
    q = np.array([[1.0, 2.0, 3.0], [4.0, -1.0, 0.5]]) * 1e9
    np.testing.assert_allclose(got.frequencies(q), want.frequencies(q), rtol=1e-8, atol=0)


def test_files_of_force_constants_beside(silicon: str, tmp_path: Path):
    """FORCE_CONSTANTS and force_constants.hdf5, found beside the cells or named."""
    h5py = pytest.importorskip("h5py")
    cells, _, _ = silicon.partition("force_constants:\n  format")
    (tmp_path / "whole.yaml").write_text(silicon)
    (tmp_path / "cells.yaml").write_text(cells)
    want = read_phonopy(tmp_path / "whole.yaml")
    values = want.force_constants * angstrom**2 / eV
    with pytest.raises(DataError, match="include-fc"):
        read_phonopy(tmp_path / "cells.yaml")
    with h5py.File(tmp_path / "fc.hdf5", "w") as file:
        file["force_constants"], file["p2s_map"] = values, [0, 27]
    text = ["2 54"]
    for i, origin in enumerate((1, 28)):
        for j in range(54):
            text += [f"{origin} {j + 1}", *(" ".join(f"{x:.15f}" for x in row) for row in values[i, j])]
    (tmp_path / "FORCE_CONSTANTS").write_text("\n".join(text) + "\n")
    for given in (None, tmp_path / "fc.hdf5"):
        got = read_phonopy(tmp_path / "cells.yaml", given)
        assert got.origins == (0, 27)
        np.testing.assert_allclose(got.force_constants, want.force_constants, rtol=1e-12, atol=1e-12)


def test_hdf5_may_not_reach_out_of_its_file(tmp_path: Path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["force_constants"] = np.zeros((2, 16, 3, 3))
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["force_constants"] = h5py.ExternalLink("secret.h5", "force_constants")
    (tmp_path / "raw").write_bytes(bytes(8 * 288))
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        raw = [(str(tmp_path / "raw"), 0, 8 * 288)]
        file.create_dataset("force_constants", shape=(2, 16, 3, 3), dtype="f8", external=raw)
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file.create_dataset("force_constants", shape=(2, 10**9, 3, 3), chunks=(1, 64, 3, 3), dtype="f8")
    for name in ("link.h5", "raw.h5", "huge.h5", "none.h5"):
        with pytest.raises(DataError, match=name):
            read_force_constants(tmp_path / name, (2, 16))


def test_miller_indices_are_those_of_the_unit_cell(data: Data):
    """Planes of a cubic cell are normal to the direction of the same indices, planes of a primitive cell are not."""
    cubic = miller_normal(data("crystals/C.yaml"), (1, 1, 0))
    np.testing.assert_allclose(cubic / cubic[0], [1, 1, 0], rtol=0, atol=1e-12)
    primitive = miller_normal(data("crystals/Si.yaml"), (1, 1, 0))
    np.testing.assert_allclose(primitive / primitive[2], [0, 0, 1], rtol=0, atol=1e-12)


BROKEN = [
    ("", "", "holds no phonopy data"),
    ("primitive_cell:", "primitive_sell:", "has no 'primitive_cell'"),
    ('length: "angstrom"', 'length: "furlong"', "unknown unit of length 'furlong'"),
    ('"eV/angstrom^2"', '"eV/furlong"', "unknown unit of force constants"),
    ('atomic_mass: "AMU"', 'atomic_mass: "kg"', "unknown unit of mass"),
    ("mass: 28.085000", "mass: -28.085000", "a mass of -28.085 u"),
    ("mass: 28.085000", "mass: .nan", "finite number"),
    ("16.418289620369027", "nan", "finite number, got 'nan'"),
    ("16.418289620369027", "1e400", "finite number"),
    ("16.418289620369027", "1e39", "no crystal's"),
    ("16.418289620369027", "*anchor", "finite number"),
    ("  16.418289620369027,", "", "row of three"),
    ("shape: [ 2, 54 ]", "shape: [ 2, 999999999 ]", "wanted \\[2, 54\\]"),
    ("shape: [ 2, 54 ]", "shape: [ 2, -54 ]", "force constants of shape"),
    ("2.715500000000000", "1e300", "no crystal's"),
    ("2.715500000000000", "[[[[", "row of three numbers"),
    ("  lattice:\n", "  lattice: &a\n", "expected 'lattice'"),
    ("\nsupercell:", "\nprimitive_cell:", "comes a second time"),
]


@pytest.mark.parametrize(("old", "new", "message"), BROKEN)
def test_one_line_for_each_fault(silicon: str, written: Callable[[str], Path], old: str, new: str, message: str):
    path = written(silicon.replace(old, new) if old else "")
    with pytest.raises(DataError, match=message) as caught:
        load_crystal(path)
    assert "\n" not in str(caught.value)
    assert "phonopy.yaml" in str(caught.value)


def test_the_line_of_a_fault(silicon: str, written: Callable[[str], Path]):
    want = silicon[: silicon.index("16.418289620369027")].count("\n") + 1
    with pytest.raises(DataError) as caught:
        load_crystal(written(silicon.replace("16.418289620369027", "x", 1)))
    assert caught.value.line == want


def test_truncated_files(silicon: str, written: Callable[[str], Path]):
    for part in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        with pytest.raises(DataError, match=r"phonopy\.yaml"):
            load_crystal(written(silicon[: int(part * len(silicon))]))


def test_a_file_cut_inside_its_last_number(silicon: str, written: Callable[[str], Path]):
    """What is left of a number is a number as well: only the bracket tells."""
    last = silicon.rindex("]")
    start = silicon.rindex(",", 0, last) + 1
    for end in range(start, last + 1):
        with pytest.raises(DataError, match=r"phonopy\.yaml"):
            load_crystal(written(silicon[:end]))


def test_hostile_files(silicon: str, tmp_path: Path):
    path = tmp_path / "phonopy.yaml"
    bomb = "a: &a [x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)},*{chr(97 + i)}]\n" for i in range(20)
    )
    hostile = (b"[" * 200_000, bomb.encode(), b"\x00\xff" * 1000, b"\xef\xbb\xbf", silicon.encode("utf-16"))
    for content in hostile:
        path.write_bytes(content)
        with pytest.raises(DataError):
            load_crystal(path)
    for place in (tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(DataError, match=str(place)):
            load_crystal(place)
    with path.open("wb") as file:
        file.truncate(2**28 + 1)
    with pytest.raises(DataError, match="more than the"):
        load_crystal(path)


def test_nested_brackets_in_a_section_are_stepped_over(silicon: str, written: Callable[[str], Path]):
    """Sections that are not needed are not parsed, whatever they hold."""
    load_crystal(written(silicon.replace("space_group:", "displacements: " + "[" * 200_000 + "\nspace_group:")))


def test_swapped_units_are_noticed(silicon: str, written: Callable[[str], Path]):
    """Bohr taken for Å changes the density by 6.7; bonds then are too long or too short by 1.89."""
    with pytest.raises(DataError, match=r"Si and Si nearest at 1\.24 Å, wanted 1\.47 to .* Å taken for bohr\?"):
        load_crystal(written(silicon.replace('length: "angstrom"', 'length: "au"')))
    scaled = re.sub(r"2\.7155\d*", lambda m: f"{float(m[0]) * angstrom / bohr:.15f}", silicon)
    scaled = re.sub(r"8\.1465\d*", lambda m: f"{float(m[0]) * angstrom / bohr:.15f}", scaled)
    with pytest.raises(DataError, match=r"Si and Si nearest at 4\.44 Å, .* bohr taken for Å\?"):
        load_crystal(written(scaled))


def test_densities_of_no_solid_are_refused(silicon: str, written: Callable[[str], Path]):
    with pytest.raises(DataError, match="none of a solid"):
        load_crystal(written(silicon.replace("mass: 28.085000", "mass: 900.0").replace('"angstrom"\n', '"au"\n')))


def test_sum_rule_is_reported_and_enforced(silicon: str, written: Callable[[str], Path]):
    """An atom bound to its place by 1 eV/Å² more than to its neighbours: 6 % of the largest force constant."""
    path = written(silicon.replace("16.418289620369027", "17.418289620369027", 1))
    with pytest.warns(ValidityWarning, match="sum rule is off by 0.057 of the largest force constant .corrected"):
        enforced = load_crystal(path)
    with pytest.warns(ValidityWarning, match="kept"):
        kept = load_crystal(path, sum_rule=False)
    np.testing.assert_allclose(enforced.residual, 1 / 17.4182896, rtol=1e-6, atol=0)
    top = enforced.frequencies([0, 0, 0]).max()
    assert np.abs(enforced.frequencies([0, 0, 0])[0, :3]).max() < 1e-6 * top
    assert kept.frequencies([0, 0, 0])[0, 2] > 0.1 * top


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (
            [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]],
            "(0 0 1) is (1 1 -1) of the cubic cell, whose (0 0 1) is orient",
        ),
        ([[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]], "(0 0 1) is (1 1 0) of the cubic cell, whose (0 0 1)"),
        ([[0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1]], "of the cubic cell, whose (0 0 1) is orientation 012"),
        (np.eye(3), ""),
        ([[0.5, 0.5, 0], [-0.5, 0.5, 0], [0, 0, 1.2]], ""),
        ([[1, 0, 0], [-0.5, 0.75**0.5, 0], [0, 0, 1.6]], ""),
    ],
)
def test_primitive_cubic_cells_are_named(cell, expected, turned):
    axes = 5.431e-10 * np.array(cell)
    if turned:
        axes = axes @ np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    found = primitive_cell_remark("Si", axes, (0, 0, 1))
    assert (found != "") == (expected != "")
    assert turned or expected in found
    assert not expected or "5.431 Å" in found
