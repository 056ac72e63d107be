"""Files of LAMMPS' dynamical matrix: the same crystal comes back, damaged files are refused with their line."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import DataError
from kapitza.matter.files.lammps import METAL_DYNAMICAL_UNIT, crystal_from_lammps
from kapitza.matter.potentials.force_constants import crystal_from_potential
from kapitza.matter.potentials.published import published_potential
from kapitza.matter.structure import build_prototype
from kapitza.units import angstrom

pytest.importorskip("matscipy")

SIC = build_prototype("SiC", "zincblende", ["Si", "C"], a=4.32 * angstrom)


@pytest.fixture
def written(tmp_path):
    """A file as the command writes it, atoms in an order of its own."""
    engine = published_potential("tersoff", ["Si", "C"])
    cell = SIC.repeat((4, 4, 4))
    order = np.random.default_rng(0).permutation(cell.masses.size)
    cell = evolve(
        cell, positions=cell.positions[order], masses=cell.masses[order], symbols=tuple(cell.symbols[i] for i in order)
    )
    n = cell.masses.size
    values = engine.hessian(cell, np.arange(n)) / METAL_DYNAMICAL_UNIT
    matrix = values / np.sqrt(np.outer(cell.masses, cell.masses))[:, :, None, None]
    path = tmp_path / "dynmat.dat"
    np.savetxt(path, matrix.transpose(0, 2, 1, 3).reshape(-1, 3), fmt="%.8f")
    return path, cell, engine


def test_the_same_crystal_comes_back(written):
    """Second road: the crystal from the Hessian itself; the file has eight decimals."""
    path, cell, engine = written
    got = crystal_from_lammps(path, SIC, cell)
    want = crystal_from_potential(SIC, engine)
    q = np.random.default_rng(1).uniform(-0.5, 0.5, (10, 3)) @ SIC.lattice / np.linalg.norm(SIC.lattice[0]) ** 2 * 6
    omega = want.frequencies(q)
    np.testing.assert_allclose(got.frequencies(q), omega, rtol=1e-6, atol=1e-5 * omega.max())


def test_damaged_files_are_one_clear_line(written, tmp_path):
    path, cell, _ = written
    lines = path.read_text(encoding="ascii").splitlines()
    broken = tmp_path / "broken.dat"
    for change, match in ((["1.0 2.0"], "three finite numbers"), (["1.0 nan 2.0"], "three finite numbers")):
        broken.write_text("\n".join([*lines[:7], *change, *lines[8:]]), encoding="ascii")
        with pytest.raises(DataError, match=match) as caught:
            crystal_from_lammps(broken, SIC, cell)
        assert caught.value.line == 8
    broken.write_text("\n".join(lines[:-1]), encoding="ascii")
    with pytest.raises(DataError, match="lines, wanted"):
        crystal_from_lammps(broken, SIC, cell)
    moved = evolve(SIC, positions=SIC.positions + np.array([[0, 0, 0], [3e-11, 0, 0]]))
    with pytest.raises(DataError, match="no image of the atom"):
        crystal_from_lammps(path, moved, cell)
