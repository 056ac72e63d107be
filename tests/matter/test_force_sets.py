"""Forces on displaced atoms: the force constants that made them come back, faults are one line."""

import numpy as np
import pytest

from kapitza.errors import DataError
from kapitza.matter.files.crystals import load_crystal
from kapitza.matter.files.phonopy import read_phonopy
from kapitza.units import angstrom, eV

STIFF = eV / angstrom**2


def written(folder, source, moved):
    """A phonopy.yaml without force constants, and FORCE_SETS of atoms of the primitive cell that were moved."""
    data = read_phonopy(source)
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if line.startswith("force_constants:"))
    end = next((i for i in range(start + 1, len(lines)) if lines[i][:1].isalpha()), len(lines))
    (folder / "phonopy.yaml").write_text("".join(lines[:start] + lines[end:]), encoding="utf-8")
    text = [f"{len(data.supercell.masses)}\n{len(moved)}\n"]
    assert data.origins is not None
    for atom, direction in moved:
        u = 0.01 * np.array(direction)
        forces = -np.einsum("jab,a->jb", data.force_constants[atom], u) / STIFF
        rows = "\n".join(" ".join(f"{x:.14e}" for x in row) for row in forces)
        text.append(f"\n{data.origins[atom] + 1}\n{' '.join(map(str, u))}\n{rows}\n")
    (folder / "FORCE_SETS").write_text("".join(text), encoding="utf-8")
    return folder / "phonopy.yaml"


@pytest.mark.parametrize(
    ("name", "moved"),
    [("Si", [(0, (1, 0, 0))]), ("AlN", [(0, (1, 0, 0)), (0, (0, 0, 1)), (2, (1, 0, 0)), (2, (0, 0, 1))])],
)
def test_few_displacements_and_symmetry_give_all_force_constants(tmp_path, data, name, moved):
    source = data(f"crystals/{name}.yaml")
    want = load_crystal(source, nac=False)
    got = load_crystal(written(tmp_path, source, moved), nac=False)
    q = np.random.default_rng(1).random((5, 3)) @ want.reciprocal
    np.testing.assert_allclose(
        got.frequencies(q), want.frequencies(q), rtol=2e-4, atol=1e-4 * want.frequencies(q).max()
    )


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda text: text.replace("54\n", "63\n", 1), "expected 54 atoms"),
        (lambda text: text[: len(text) // 2], "finite ones for 1 displacements"),
        (lambda text: text.replace("e-", "x-", 1), "expected numbers only"),
        (lambda text: text.replace("\n1\n0.01", "\n99\n0.01", 1), "wanted 1 to 54, each moved"),
    ],
)
def test_damaged_files_are_one_clear_line(tmp_path, data, change, match):
    path = written(tmp_path, data("crystals/Si.yaml"), [(0, (1.0, 0, 0))])
    sets = tmp_path / "FORCE_SETS"
    sets.write_text(change(sets.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(DataError, match=match) as caught:
        load_crystal(path)
    assert "\n" not in str(caught.value)


def test_too_few_displacements_are_told(tmp_path, data):
    path = written(tmp_path, data("crystals/AlN.yaml"), [(0, (0, 0, 1)), (2, (0, 0, 1))])
    with pytest.raises(DataError, match="displaced in too few directions"):
        load_crystal(path)
    path = written(tmp_path, data("crystals/AlN.yaml"), [(0, (1, 0, 0)), (0, (0, 0, 1))])
    with pytest.raises(DataError, match="no displaced atom is that of site"):
        load_crystal(path)
