"""A calculator of ASE that knows one crystal by its force constants: forces are exactly harmonic about its sites."""

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from kapitza.matter.files.crystals import load_crystal
from kapitza.units import angstrom, eV

calls: list[int] = []  # atoms of each evaluation of forces


class Springs(Calculator):
    """Forces of the force constants of a phonopy file, without its charges."""

    implemented_properties = ("energy", "forces")

    def __init__(self, path: str, scale: float = 1.0):
        super().__init__()
        self.crystal = load_crystal(path, nac=False)
        self.scale = scale

    def calculate(self, atoms=None, properties=("forces",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        one, lattice = self.crystal, self.crystal.lattice / angstrom
        inside = (atoms.positions[:, None] - one.positions / angstrom) @ np.linalg.inv(lattice)
        away = (inside - np.round(inside)) @ lattice
        kind = np.argmin(np.linalg.norm(away, axis=2), axis=1)
        number = np.arange(len(atoms))
        move, cell = away[number, kind], np.round(inside[number, kind]).astype(int)
        repeats = lattice @ np.linalg.inv(atoms.cell[:])
        names = {place: i for i, place in enumerate(zip(kind.tolist(), spots(cell @ repeats), strict=True))}
        constants = one.force_constants.reshape(len(one.cells), len(one.masses), 3, len(one.masses), 3)
        force = np.zeros_like(move)
        for r, step in enumerate(one.cells):
            there = spots((cell + step) @ repeats)
            for j in range(len(one.masses)):
                other = [names[j, place] for place in there]
                force -= np.einsum("kab,kb->ka", constants[r, kind, :, j], move[other])
        force *= self.scale / (eV / angstrom**2)
        calls.append(len(atoms))
        self.results = {"energy": float(-0.5 * (force * move).sum()), "forces": force}


def spots(fraction):
    """Places in a supercell as whole numbers."""
    return [tuple(row) for row in np.round(fraction * 5040).astype(int) % 5040]
