"""What LAMMPS is told about atoms and their box, in its `metal` units (Å, ps, eV, u).

A. P. Thompson et al., Comput. Phys. Commun. 271, 108171 (2022), doi:10.1016/j.cpc.2021.108171.
"""

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.matter.brillouin import Integers
from kapitza.simulate.md.engine import Baths
from kapitza.simulate.md.system import COLD, HELD, HOT, System
from kapitza.units import angstrom, eV, m_u, ps

SPEED = angstrom / ps  # m s⁻¹ of LAMMPS' unit of velocity
MARGIN = 0.5  # Å of nothing beyond the outermost atoms where the box ends
MOST_TYPES = 50
LARGEST_SEED = 899_999_999
ATOMS = "fix atoms all property/atom i_layer i_role i_right ghost no"  # what each atom is there for
READ = "read_data system.data fix atoms NULL Layers"


@frozen(eq=False)
class Types:
    """LAMMPS' atom types: kinds of atoms, parted by mass where one kind has several.

    Attributes
    ----------
    of : (n,) type of each atom, from 1
    kinds : (types,) kind of each type, an index of the kinds of a potential
    masses : (types,) kg
    """

    of: Integers
    kinds: Integers
    masses: Array


def types(system: System, kinds: tuple[str, ...], *, whole: bool = False) -> Types:
    """Number the atom types of a system for a potential with these kinds.

    Parameters
    ----------
    system : the atoms
    kinds : of the potential
    whole : whether types are the kinds of the potential in their order, also those without atoms

    Raises
    ------
    InputError
        for a kind that the potential does not know, more than 50 types, or two masses of a kind where `whole`
    """
    absent = [kind for kind in system.kinds if kind not in kinds]
    if absent:
        raise InputError(f"{system.name}: the potential knows {', '.join(kinds)}, not {', '.join(absent)}")
    species = np.array([kinds.index(kind) for kind in system.kinds], dtype=np.int64)[system.species]
    table: Array = np.column_stack([species.astype(np.float64), system.masses])
    pairs, of = np.unique(table, axis=0, return_inverse=True)
    if len(pairs) > MOST_TYPES:
        raise InputError(
            f"{system.name}: {len(pairs)} kinds and masses of atoms, at most {MOST_TYPES} are written for LAMMPS"
        )
    if not whole:
        return Types(of.ravel() + 1, pairs[:, 0].astype(np.int64), pairs[:, 1])
    if len(np.unique(pairs[:, 0])) < len(pairs):
        raise InputError(f"{system.name}: a kind of {', '.join(kinds)} has several masses: name a kind for each mass")
    masses = np.full(len(kinds), m_u)
    masses[pairs[:, 0].astype(np.int64)] = pairs[:, 1]
    return Types(species + 1, np.arange(len(kinds)), masses)


@frozen(eq=False)
class Box:
    """The box as LAMMPS wants it: its first vector along x, the second in the plane z = 0.

    Attributes
    ----------
    turn : (3, 3) rotation about z; LAMMPS' vectors are `turn @` ours
    low, high : (3,) Å
    tilt : xy, xz, yz, Å
    periodic : along z
    """

    turn: Array
    low: Array
    high: Array
    tilt: Array
    periodic: bool

    @property
    def vectors(self) -> Array:
        """(3, 3) vectors in rows, Å; the last one counts for nothing where the box ends along z."""
        length = self.high - self.low
        xy, xz, yz = self.tilt
        return np.array([[length[0], 0, 0], [xy, length[1], 0], [xz, yz, length[2]]])

    @property
    def boundary(self) -> str:
        """Words after `boundary`."""
        return "p p p" if self.periodic else "p p s"


def box_of(system: System, positions: Array) -> Box:
    """Box of a system, with room for atoms at these positions (n, 3) m where it ends along z.

    Raises
    ------
    InputError
        for vectors that are left-handed or whose first two leave the plane z = 0
    """
    a, b, c = system.lattice / angstrom
    if np.abs([a[2], b[2]]).max() > 1e-6 or np.linalg.det(system.lattice) <= 0:
        raise InputError(
            f"{system.name}: expected right-handed vectors, the first two in the plane z = 0, got "
            f"{np.round(system.lattice / angstrom, 3).tolist()} Å"
        )
    length = np.hypot(a[0], a[1])
    cos, sin = a[0] / length, a[1] / length
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    b, c = turn @ b, turn @ c
    b = b - np.round(b[0] / length) * np.array([length, 0, 0])
    if not system.periodic:
        z = positions[:, 2] / angstrom
        low = np.array([0, 0, z.min() - MARGIN])
        return Box(turn, low, np.array([length, b[1], z.max() + MARGIN]), np.array([b[0], 0, 0]), periodic=False)
    c = c - np.round(c[1] / b[1]) * b
    c = c - np.round(c[0] / length) * np.array([length, 0, 0])
    return Box(turn, np.zeros(3), np.array([length, b[1], c[2]]), np.array([b[0], c[0], c[1]]), periodic=True)


def number(value: float) -> str:
    """Digits that give the same float again."""
    return f"{float(value):.17g}"


def head(box: Box) -> list[str]:
    """Commands before there is a box."""
    return [
        "units metal",
        "atom_style atomic",
        f"boundary {box.boundary}",
        "atom_modify map array sort 0 0.0",
        "box tilt large",
    ]


def groups() -> list[str]:
    """Commands that name the atoms of each role and side, as `fix property/atom` knows them."""
    tests = {"hot": f"role == {HOT}", "cold": f"role == {COLD}", "held": f"role == {HELD}", "right": "right == 1"}
    made: list[str] = []
    for name, test in tests.items():
        made += [f'variable is{name} atom "i_{test}"', f"group {name} variable is{name}", f"variable is{name} delete"]
    return [*made, "group moving subtract all held", "group left subtract all right"]


def thermostats(baths: Baths, first: int, second: int) -> list[str]:
    """Commands of the two baths, with a seed for each."""
    if baths.kind == "langevin":
        damping = number(baths.damping / ps)
        return [
            f"fix {name} {name} langevin {number(T)} {number(T)} {damping} {seed} tally yes"
            for name, T, seed in (("hot", baths.hot, first), ("cold", baths.cold, second))
        ]
    if baths.kind == "exchange":
        power = baths.power * ps / eV
        return [f"fix hot hot ehex 1 {number(power)}", f"fix cold cold ehex 1 {number(-power)}"]
    return []


def seeds(seed: int, step: int) -> tuple[int, int]:
    """Seeds of the two baths, new for each step at which a run is taken up."""
    words = np.random.SeedSequence([seed, step]).generate_state(2)
    return int(words[0]) % LARGEST_SEED + 1, int(words[1]) % LARGEST_SEED + 1


def neighbours(form: str) -> list[str]:
    """Commands for lists of neighbours: short ranges get a thin skin."""
    return [
        f"neighbor {'1.0' if form in ('stillinger-weber', 'tersoff') else '2.0'} bin",
        "neigh_modify delay 0 every 1",
    ]


def data_file(system: System, kinds: Types, positions: Array, velocities: Array) -> str:
    """Text of a data file with the layer, role and side of each atom, to be read as `READ` says.

    Parameters
    ----------
    system : the atoms
    kinds : their types
    positions, velocities : (n, 3) m and m s⁻¹
    """
    box = box_of(system, positions)
    x = positions / angstrom @ box.turn.T
    v = velocities / SPEED @ box.turn.T
    n = len(x)
    (xl, yl, zl), (xh, yh, zh), tilt = box.low, box.high, " ".join(map(number, box.tilt))
    bounds = [f"{number(xl)} {number(xh)} xlo xhi", f"{number(yl)} {number(yh)} ylo yhi"]
    bounds += [f"{number(zl)} {number(zh)} zlo zhi", f"{tilt} xy xz yz"]
    masses = [f"{i} {number(m / m_u)}" for i, m in enumerate(kinds.masses, 1)]
    atoms = [f"{i} {t} {rounded(*row)}" for i, (t, row) in enumerate(zip(kinds.of, x, strict=True), 1)]
    speeds = [f"{i} {rounded(*row)}" for i, row in enumerate(v, 1)]
    known = zip(system.layer + 1, system.role, system.right.astype(int), strict=True)
    layers = [f"{i} {layer} {role} {right}" for i, (layer, role, right) in enumerate(known, 1)]
    parts = [
        f"# {one_word(system.name)}", "", f"{n} atoms", f"{kinds.masses.size} atom types", "", *bounds,
        "", "Masses", "", *masses, "", "Atoms # atomic", "", *atoms, "", "Velocities", "", *speeds,
        "", "Layers", "", *layers, "",
    ]  # fmt: skip
    return "\n".join(parts)


def rounded(x: float, y: float, z: float) -> str:
    """Three numbers of a line with all their digits."""
    return f"{x:.17g} {y:.17g} {z:.17g}"


def one_word(name: str) -> str:
    """Return a name as it may stand in a comment of one line."""
    return " ".join(name.split())[:100] or "system"
