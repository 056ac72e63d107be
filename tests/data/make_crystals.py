"""Make the crystals of `tests/data/crystals`: harmonic models of springs and charges, written as phonopy writes them.

Run as `python tests/data/make_crystals.py`; it needs numpy only and nothing of the package.

* Tetrahedral crystals have the bonds and angles of P. N. Keating, Phys. Rev. 145, 637 (1966),
  doi:10.1103/PhysRev.145.637, for C, Si and Ge with the two constants of R. M. Martin, Phys. Rev. B 1, 4005 (1970),
  doi:10.1103/PhysRevB.1.4005; those of the nitrides are our own choice.
* Aluminium has central springs to first and second neighbours, fitted to C11 and C44.
* Crystals of rock salt have springs along and across the bonds between nearest neighbours.
* Ions are point dipoles in a medium of the dielectric constant: Z and ε are our own choice, of the size of real ones.

Lengths in Å, force constants in N/m until they are written (eV/Å²), masses in u.
"""

from itertools import combinations, product
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "crystals"
UNIT = 16.02176634  # N/m of 1 eV/Å²
COULOMB = 14.3996454784  # e²/4πε0, eV Å
MASS = {"Al": 26.9815385, "Si": 28.085, "Ge": 72.63, "C": 12.011, "N": 14.007, "Ga": 69.723, "Mg": 24.305, "O": 15.999,
        "K": 39.0983, "Cl": 35.45}  # fmt: skip

FCC = np.array([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])
CUBE = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
HEXAGON = np.array([[1, 0, 0], [-0.5, np.sqrt(0.75), 0], [0, 0, np.sqrt(8 / 3)]])
WURTZITE = np.array([[1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, 0.5], [1 / 3, 2 / 3, 0.375], [2 / 3, 1 / 3, 0.875]])
SALT, FLAT, TALL = (4, 4, 4), (4, 4, 2), (3, 3, 4)  # supercells of the crystals with charges


class Model:
    """Atoms of a primitive cell and the force constants between them, by pair and lattice vector.

    `lattice` (3, 3) in rows, `points` (n, 3) in units of it, `symbols`, Born charges `born` (n, 3, 3), `dielectric`
    (3, 3); `blocks[i, j, R]` (3, 3) is what atom j of cell R does to atom i of cell 0.
    """

    def __init__(self, lattice, points, symbols, born=None, dielectric=None):
        self.lattice, self.points, self.symbols = np.array(lattice), np.array(points), symbols
        self.positions = self.points @ self.lattice
        self.born, self.dielectric = born, dielectric
        self.blocks = {}

    def add(self, members, matrix):
        """Add the second derivative `matrix` (3k, 3k) of the energy of a group of k atoms, each (atom, cell)."""
        for (a, (i, r)), (b, (j, s)) in product(enumerate(members), repeat=2):
            key = i, j, tuple(np.subtract(s, r))
            part = matrix[3 * a : 3 * a + 3, 3 * b : 3 * b + 3]
            self.blocks[key] = self.blocks.get(key, 0) + part

    def neighbours(self, i, low, high):
        """Atoms between two distances of atom i: (atom, cell) and vector."""
        for cell in product(range(-2, 3), repeat=3):
            for j, place in enumerate(self.positions):
                vector = place + np.array(cell) @ self.lattice - self.positions[i]
                if low < np.linalg.norm(vector) < high:
                    yield (j, cell), vector

    def springs(self, low, high, along, across=0.0):
        """Springs (N/m) between all pairs of atoms of such a distance."""
        for i in range(len(self.positions)):
            for other, vector in self.neighbours(i, low, high):
                unit = np.outer(vector, vector) / (vector @ vector)
                half = (along * unit + across * (np.eye(3) - unit)) / 2  # each pair is met twice
                self.add([(i, (0, 0, 0)), other], np.block([[half, -half], [-half, half]]))

    def keating(self, alpha, beta, length):
        """Stretch bonds of a length and bend the angles between them; both constants in N/m.

        E = 3α/8r² Σ (Δ(r·r))² over bonds + 3β/8r² Σ (Δ(r_ij·r_ik))² over angles.
        """
        self.springs(0.9 * length, 1.1 * length, 3 * alpha)
        for i in range(len(self.positions)):
            for (j, one), (k, two) in combinations(self.neighbours(i, 0.9 * length, 1.1 * length), 2):
                slope = np.concatenate([-(one + two), two, one])
                self.add([(i, (0, 0, 0)), j, k], 3 * beta / (4 * length**2) * np.outer(slope, slope))

    def dipoles(self, repeats):
        """Add the forces of dipoles, as a supercell of so many repeats of the cell holds them."""
        cells = np.array(list(product(*(range(m) for m in repeats))))
        q = 2 * np.pi * (cells / repeats) @ np.linalg.inv(self.lattice).T
        phase = np.exp(-1j * q @ (cells @ self.lattice).T) / len(cells)
        constants = np.einsum("qiajb,qr->rijab", dipole_sum(self, q), phase).real * UNIT
        for (r, cell), i, j in product(enumerate(cells), range(len(self.points)), range(len(self.points))):
            key = i, j, tuple(cell)
            self.blocks[key] = self.blocks.get(key, 0) + constants[r, i, j]

    def folded(self, lattice):
        """Force constants by atom and fractional place of the other one in a supercell, in 1/288 of its vectors."""
        found = {}
        for (i, j, cell), block in self.blocks.items():
            key = i, spot((self.positions[j] + np.array(cell) @ self.lattice - self.positions[i]), lattice)
            found[key] = found.get(key, 0) + block
        return found


def spot(vector, lattice):
    """Where a vector leads in a supercell, in 1/288 of its lattice vectors."""
    return tuple(np.rint(vector @ np.linalg.inv(lattice) * 288).astype(int) % 288)


def dipole_sum(model, q):
    """(nq, n, 3, n, 3) forces of dipoles at wave vectors that are not beyond the zone, without the field at Γ; eV/Å².

    Charges have the shape of Gaussians so narrow that no two of them touch: only waves are summed.
    """
    reciprocal = 2 * np.pi * np.linalg.inv(model.lattice).T
    nearest = min(np.linalg.norm(v) for i in range(len(model.points)) for _, v in model.neighbours(i, 0.1, 6))
    epsilon, inverse = model.dielectric, np.linalg.inv(model.dielectric)
    narrow = 5.6 / (nearest * np.sqrt(np.linalg.eigvalsh(inverse)[0]))  # exp(-5.6²) = 2e-14
    longest = 2 * narrow * 5.7 / np.sqrt(np.linalg.eigvalsh(epsilon)[0])
    reach = np.ceil(longest * np.linalg.norm(model.lattice, axis=1) / (2 * np.pi)).astype(int)
    steps = np.array(list(product(*(range(-m, m + 1) for m in reach)))) @ reciprocal
    n, volume = len(model.points), abs(np.linalg.det(model.lattice))

    def total(one):
        waves = one + steps
        square = np.einsum("ki,ij,kj->k", waves, epsilon, waves)
        keep = (square > 1e-12) & (square < (2 * narrow * 5.7) ** 2)
        waves, weight = waves[keep], np.exp(-square[keep] / (2 * narrow) ** 2) / square[keep]
        seen = np.einsum("ki,nia->kna", waves, model.born) * np.exp(1j * waves @ model.positions.T)[:, :, None]
        flat = seen.reshape(len(waves), -1)
        return 4 * np.pi * COULOMB / volume * ((flat * weight[:, None]).T @ flat.conj()).reshape(n, 3, n, 3)

    onsite = total(np.zeros(3)).real.sum(axis=2)
    found = np.array([total(one) for one in q])
    for i in range(n):
        found[:, i, :, i] -= onsite[i]
    return found


def row(numbers):
    """Three numbers as phonopy writes them."""
    return "[ " + ", ".join(f"{x + 0.0:19.15f}" for x in numbers) + " ]"


def atoms(symbols, points, reduced=None):
    """Lines of the atoms of a cell."""
    lines = ["  points:"]
    for i, (symbol, point) in enumerate(zip(symbols, points, strict=True)):
        lines += [f"  - symbol: {symbol} # {i + 1}", f"    coordinates: {row(point)}", f"    mass: {MASS[symbol]:.6f}"]
        if reduced is not None:
            lines.append(f"    reduced_to: {reduced[i] + 1}")
    return lines


def matrix(key, values, form="{:4d}"):
    """Lines of a matrix."""
    return [f"{key}:", *("- [ " + ", ".join(form.format(x) for x in line) + " ]" for line in values), ""]


def cell(key, lattice, lines):
    """Lines of a cell."""
    return [f"{key}:", "  lattice:", *(f"  - {row(v)} # {x}" for v, x in zip(lattice, "abc", strict=True)), *lines, ""]


def charges(model):
    """Lines of Born charges and dielectric constant."""
    lines = ["nac:", "  born_effective_charge:"]
    for i, (symbol, born) in enumerate(zip(model.symbols, model.born, strict=True)):
        lines += [f"  - # {i + 1} ({symbol})", *(f"    - {row(line)}" for line in born)]
    return [*lines, "  dielectric_constant:", *(f"    - {row(line)}" for line in model.dielectric),
            f"  unit_conversion_factor: {COULOMB:.6f}", ""]  # fmt: skip


def write(name, model, repeats, *, unit=None, nac=True):
    """Write a file.

    `unit` (m, 3) are the primitive lattice points of a unit cell, in units of its cube, where it is not primitive;
    `repeats` are those of the unit cell; `nac=False` leaves the charges out of the file, not out of the forces.
    """
    n = len(model.points)
    lattice = model.lattice if unit is None else model.lattice @ np.linalg.inv(FCC)
    inner = np.zeros((1, 3)) if unit is None else unit
    inside = model.positions @ np.linalg.inv(lattice)
    unit_points = np.array([(inside[i] + shift) % 1 for i in range(n) for shift in inner])
    kinds = [i for i in range(n) for _ in inner]
    shifts = np.array(list(product(*(range(m) for m in repeats[::-1]))))[:, ::-1]
    points = np.array([(point + shift) / repeats for point in unit_points for shift in shifts])
    symbols = [model.symbols[i] for i in kinds for _ in shifts]
    first = [i * len(inner) * len(shifts) for i in range(n)]
    reduced = [first[i] for i in kinds for _ in shifts]

    big = np.diag(repeats) @ lattice
    away, constants = points @ big, model.folded(big)
    elements = ["force_constants:", '  format: "compact"', f"  shape: [ {n}, {len(points)} ]", "  elements:"]
    for i in range(n):
        for j in range(len(points)):
            block = constants.get((i, spot(away[j] - away[first[i]], big)), np.zeros((3, 3))) / UNIT
            elements += [f"  - # ({first[i] + 1}, {j + 1})", *(f"    - {row(line)}" for line in block)]
    turned = np.eye(3) if unit is None else FCC
    text = [
        "phonopy:", '  version: "2.0.0"', "", "physical_unit:", '  atomic_mass: "AMU"', '  length: "angstrom"',
        '  force: "eV/angstrom"', '  force_constants: "eV/angstrom^2"', "", "space_group:", '  type: "any"', "",
        *matrix("primitive_matrix", turned.T, "{:18.15f}"), *matrix("supercell_matrix", np.diag(repeats)),
        *cell("primitive_cell", model.lattice, atoms(model.symbols, model.points)),
        *cell("unit_cell", lattice, atoms([model.symbols[i] for i in kinds], unit_points,
                                          [i * len(inner) for i in kinds])),
        *cell("supercell", big, atoms(symbols, points, reduced)),
        *(charges(model) if nac and model.born is not None else []), *elements,
    ]  # fmt: skip
    (FOLDER / f"{name}.yaml").write_text("\n".join(text) + "\n", encoding="utf-8")


def diamond(symbol, a, alpha, beta):
    """Keating's crystal."""
    model = Model(a * FCC, [[0, 0, 0], [0.25, 0.25, 0.25]], (symbol, symbol))
    model.keating(alpha, beta, np.sqrt(3) / 4 * a)
    return model


def metal(symbol, a, first, second):
    """Face-centred cubic springs."""
    model = Model(a * FCC, [[0, 0, 0]], (symbol,))
    model.springs(0.6 * a, 0.8 * a, first)
    model.springs(0.9 * a, 1.1 * a, second)
    return model


def salt(symbols, a, along, across, charge, dielectric):
    """Rock salt."""
    born = np.array([charge, -charge])[:, None, None] * np.eye(3)
    model = Model(a * FCC, [[0, 0, 0], [0.5, 0.5, 0.5]], symbols, born, dielectric * np.eye(3))
    model.springs(0.4 * a, 0.6 * a, along, across)
    model.dipoles(SALT)
    return model


def nitride(symbol, a, bonds, charge, dielectric, repeats):
    """Wurtzite of ideal tetrahedra; `charge` and `dielectric` across and along the axis, `repeats` of the file."""
    turn = np.diag([charge[0], charge[0], charge[1]])
    born = np.array([turn, turn, -turn, -turn])
    screen = np.diag([dielectric[0], dielectric[0], dielectric[1]])
    model = Model(a * HEXAGON, WURTZITE, (symbol, symbol, "N", "N"), born, screen)
    model.keating(*bonds, 0.375 * np.sqrt(8 / 3) * a)
    model.dipoles(repeats)
    return model


def main():
    """Write all crystals."""
    FOLDER.mkdir(exist_ok=True)
    write("Al", metal("Al", 4.05, 17.5, 3.2), (3, 3, 3))
    write("Si", diamond("Si", 5.431, 48.50, 13.81), (3, 3, 3))
    write("Ge", diamond("Ge", 5.658, 38.67, 11.35), (3, 3, 3))
    write("C", diamond("C", 3.567, 129.33, 84.76), (2, 2, 2), unit=CUBE)
    write("MgO", salt(("Mg", "O"), 4.212, 75.0, 15.0, 1.96, 3.1), SALT)
    write("KCl", salt(("K", "Cl"), 6.293, 14.0, 1.5, 1.1, 2.2), SALT)
    write("AlN", nitride("Al", 3.11, (66.0, 11.0), (2.52, 2.68), (4.5, 4.7), FLAT), FLAT)
    write("GaN", nitride("Ga", 3.19, (60.0, 10.0), (2.6, 2.6), (5.2, 5.2), TALL), TALL, nac=False)


if __name__ == "__main__":
    main()
