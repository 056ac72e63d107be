"""Input for LAMMPS in its `metal` units (Å, ps, eV, u): atoms and box, potentials, and complete decks for a cluster.

A deck runs with `mpiexec -n 64 lmp -in in.nemd`.  Planes of atoms are fixed lists, not slabs of space, so that their
temperatures are those of the same atoms throughout.  Where a run is cut short, `lmp -in in.continue` goes on from the
last restart file; readers join what both have written.  A. P. Thompson et al., Comput. Phys. Commun. 271, 108171
(2022), doi:10.1016/j.cpc.2021.108171.
"""

from itertools import product
from types import MappingProxyType

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array, IntArray
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.potential import AnyPotential, LammpsCommands, Potential
from kapitza.simulate.md.protocol import Protocol, check_thermostats, starting_state
from kapitza.simulate.md.record import HEADER_FILE, make_header
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE, System
from kapitza.units import angstrom, eV, m_u, ps

LAMMPS_SPEED = angstrom / ps  # m s⁻¹ of LAMMPS' unit of velocity
_BOX_MARGIN = 0.5  # Å of nothing beyond the outermost atoms where the box ends
_MAX_TYPES = 50
_MAX_SEED = 899_999_999
ATOM_PROPERTIES = "fix atoms all property/atom i_layer i_role i_right ghost no"  # what each atom is there for
_READ_DATA = "read_data system.data fix atoms NULL Layers"


@frozen(eq=False)
class AtomTypes(BaseRecord):
    """LAMMPS' atom types: kinds of atoms, parted by mass where one kind has several."""

    of: IntArray  # (n,) type of each atom, from 1
    kinds: IntArray  # (types,) kind of each type, an index of the kinds of a potential
    masses: Array  # (types,) kg


def number_types(system: System, kinds: tuple[str, ...], *, all_kinds: bool = False) -> AtomTypes:
    """Number the atom types of a system for a potential with these kinds.

    With `all_kinds` the types are the kinds of the potential in their order, those without atoms too, of one mass each.
    """
    absent = [kind for kind in system.kinds if kind not in kinds]
    if absent:
        raise InputError(f"{system.name}: the potential knows {', '.join(kinds)}, not {', '.join(absent)}")
    species = np.array([kinds.index(kind) for kind in system.kinds], dtype=np.int64)[system.species]
    table: Array = np.column_stack([species.astype(np.float64), system.masses])
    pairs, of = np.unique(table, axis=0, return_inverse=True)
    if len(pairs) > _MAX_TYPES:
        raise InputError(f"{system.name}: {len(pairs)} kinds and masses of atoms, at most {_MAX_TYPES} go to LAMMPS")
    if not all_kinds:
        return AtomTypes(of.ravel() + 1, pairs[:, 0].astype(np.int64), pairs[:, 1])
    if len(np.unique(pairs[:, 0])) < len(pairs):
        raise InputError(f"{system.name}: a kind of {', '.join(kinds)} has several masses: name a kind for each mass")
    masses = np.full(len(kinds), m_u)
    masses[pairs[:, 0].astype(np.int64)] = pairs[:, 1]
    return AtomTypes(species + 1, np.arange(len(kinds)), masses)


@frozen(eq=False)
class LammpsBox(BaseRecord):
    """The box as LAMMPS takes it: its first vector along x, the second in the plane z = 0."""

    rotation: Array  # (3, 3) about z; LAMMPS' vectors are `rotation @` ours
    low: Array  # low, high: (3,) Å
    high: Array
    tilt: Array  # xy, xz, yz, Å
    periodic: bool  # along z

    @property
    def vectors(self) -> Array:
        """(3, 3) vectors in rows, Å; the last one counts for nothing where the box ends along z."""
        length = self.high - self.low
        xy, xz, yz = self.tilt
        return np.array([[length[0], 0, 0], [xy, length[1], 0], [xz, yz, length[2]]])


def make_box(system: System, positions: Array) -> LammpsBox:
    """Box of a system, right-handed, with room for atoms at these positions (n, 3) m where it ends along z."""
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
        low = np.array([0, 0, z.min() - _BOX_MARGIN])
        return LammpsBox(
            turn, low, np.array([length, b[1], z.max() + _BOX_MARGIN]), np.array([b[0], 0, 0]), periodic=False
        )
    c = c - np.round(c[1] / b[1]) * b
    c = c - np.round(c[0] / length) * np.array([length, 0, 0])
    return LammpsBox(turn, np.zeros(3), np.array([length, b[1], c[2]]), np.array([b[0], c[0], c[1]]), periodic=True)


def format_number(value: float) -> str:
    """Digits that give the same float again."""
    return f"{float(value):.17g}"


def header_commands(box: LammpsBox) -> list[str]:
    """Commands before there is a box."""
    boundary = f"boundary {'p p p' if box.periodic else 'p p s'}"
    return ["units metal", "atom_style atomic", boundary, "atom_modify map array sort 0 0.0", "box tilt large"]


def group_commands() -> list[str]:
    """Commands that name the atoms of each role and side, as `fix property/atom` knows them."""
    tests = {name: f"role == {role}" for name, role in (("hot", HOT_ROLE), ("cold", COLD_ROLE), ("held", FIXED_ROLE))}
    made: list[str] = []
    for name, test in (tests | {"right": "right == 1"}).items():
        made += [f'variable is{name} atom "i_{test}"', f"group {name} variable is{name}", f"variable is{name} delete"]
    return [*made, "group moving subtract all held", "group left subtract all right"]


def thermostat_commands(thermostats: Thermostats, first: int, second: int) -> list[str]:
    """Commands of the two thermostats, with a seed for each."""
    if thermostats.kind == "langevin":
        damping = format_number(thermostats.damping / ps)
        return [
            f"fix {name} {name} langevin {format_number(T)} {format_number(T)} {damping} {seed} tally yes"
            for name, T, seed in (("hot", thermostats.hot, first), ("cold", thermostats.cold, second))
        ]
    if thermostats.kind == "exchange":
        power = thermostats.power * ps / eV
        return [f"fix hot hot ehex 1 {format_number(power)}", f"fix cold cold ehex 1 {format_number(-power)}"]
    return []


def thermostat_seeds(seed: int, step: int) -> tuple[int, int]:
    """Seeds of the two thermostats, new for each step at which a run resumes."""
    words = np.random.SeedSequence([seed, step]).generate_state(2)
    return int(words[0]) % _MAX_SEED + 1, int(words[1]) % _MAX_SEED + 1


def neighbour_commands(form: str) -> list[str]:
    """Commands for lists of neighbours."""
    return [f"neighbor {neighbour_skin(form):.1f} bin", "neigh_modify delay 0 every 1"]


def neighbour_skin(form: str) -> float:
    """How far beyond its cutoff a potential lists neighbours, Å: short ranges get a thin skin."""
    return 1.0 if form in ("stillinger-weber", "tersoff") else 2.0


def _data_file(system: System, kinds: AtomTypes, positions: Array, velocities: Array) -> str:
    """Text of a data file with the layer, role and side of each atom, to be read as `_READ_DATA` says."""
    box = make_box(system, positions)
    x = positions / angstrom @ box.rotation.T
    v = velocities / LAMMPS_SPEED @ box.rotation.T
    n = len(x)
    (xl, yl, zl), (xh, yh, zh), tilt = box.low, box.high, " ".join(map(format_number, box.tilt))
    bounds = [f"{format_number(xl)} {format_number(xh)} xlo xhi", f"{format_number(yl)} {format_number(yh)} ylo yhi"]
    bounds += [f"{format_number(zl)} {format_number(zh)} zlo zhi", f"{tilt} xy xz yz"]
    masses = [f"{i} {format_number(m / m_u)}" for i, m in enumerate(kinds.masses, 1)]
    places = [" ".join(map(format_number, row)) for row in x]
    atoms = [f"{i} {t} {place}" for i, (t, place) in enumerate(zip(kinds.of, places, strict=True), 1)]
    speeds = [f"{i} {' '.join(map(format_number, row))}" for i, row in enumerate(v, 1)]
    known = zip(system.layer + 1, system.role, system.right.astype(int), strict=True)
    layers = [f"{i} {layer} {role} {right}" for i, (layer, role, right) in enumerate(known, 1)]
    parts = [
        f"# {' '.join(system.name.split())[:100] or 'system'}", "", f"{n} atoms", f"{kinds.masses.size} atom types", "",
        *bounds, "", "Masses", "", *masses, "", "Atoms # atomic", "", *atoms, "", "Velocities", "", *speeds,
        "", "Layers", "", *layers, "",
    ]  # fmt: skip
    return "\n".join(parts)


POTENTIAL_FILE = "potential.txt"
_QUADRATIC_KIND = 2  # of the shift of Lennard-Jones: energy, force and stiffness end at zero


@frozen(eq=False)
class PairCommands(BaseRecord):
    """A potential for LAMMPS."""

    commands: tuple[str, ...]  # `pair_style` and `pair_coeff`
    files: dict[str, str]  # text of each file that they name


def write_potential(potential: AnyPotential, kinds: AtomTypes) -> PairCommands:
    """Write a potential for these atom types; a form without a counterpart in LAMMPS is refused."""
    # files of the embedded-atom method set masses of their own
    masses = [f"mass {i} {format_number(mass / m_u)}" for i, mass in enumerate(kinds.masses, 1)]
    if isinstance(potential, LammpsCommands):
        coefficients = [f"pair_coeff {line}" for line in potential.pair_coeff]
        return PairCommands((f"pair_style {potential.pair_style}", *coefficients, *masses), dict(potential.files))
    if not isinstance(potential, Potential):
        raise InputError(f"LAMMPS knows no calculator of ASE such as {potential.form!r}: run it here")
    if potential.form == "lennard-jones":
        return PairCommands(_lennard_jones_commands(potential, kinds), {})
    if potential.form in _FILE_STYLES:
        style, text_of = _FILE_STYLES[potential.form]
        text = text_of(potential)
        elements = " ".join(element_label(int(kind)) for kind in kinds.kinds)
        commands = (f"pair_style {style}", f"pair_coeff * * {POTENTIAL_FILE} {elements}", *masses)
        return PairCommands(commands, {POTENTIAL_FILE: text})
    raise InputError(
        f"LAMMPS has no {potential.form!r} of ours: expected 'lennard-jones', {', '.join(map(repr, _FILE_STYLES))}, or "
        "give its own commands as LammpsCommands; harmonic lattices run in the built-in engine"
    )


def element_label(kind: int) -> str:
    """Name of a kind in files of potentials: names of kinds are free text, these are not."""
    return f"K{kind}"


def _lennard_jones_commands(potential: Potential, kinds: AtomTypes) -> tuple[str, ...]:
    r"""Commands of Lennard-Jones; the quadratic shift, which brings energy, force and stiffness to zero at the cutoff,
    is the sum of `lj/smooth/linear` and a spring $-V''(r_c)\,(r_c - r)^2 / 2$.
    """
    epsilon, sigma, cutoff, kind = potential.parameters
    style = ("lj/cut", "lj/smooth/linear", "lj/smooth/linear")[int(kind[0])]
    quadratic = int(kind[0]) == _QUADRATIC_KIND
    reach = format_number(cutoff.max() / angstrom)
    styles = [f"pair_style hybrid/overlay {style} {reach} harmonic/cut" if quadratic else f"pair_style {style} {reach}"]
    for i, j in product(range(kinds.kinds.size), repeat=2):
        if j < i:
            continue
        pair = int(kinds.kinds[i]), int(kinds.kinds[j])
        e, s, r = float(epsilon[pair]) / eV, float(sigma[pair]) / angstrom, float(cutoff[pair]) / angstrom
        types, numbers = f"pair_coeff {i + 1} {j + 1}", " ".join(map(format_number, (e, s, r)))
        styles.append(f"{types} {style + ' ' if quadratic else ''}{numbers}")
        if quadratic:
            six = (s / r) ** 6
            stiffness = 4 * e * (156 * six**2 - 42 * six) / r**2  # V'' at the cutoff
            styles.append(f"{types} harmonic/cut {format_number(-stiffness / 2)} {format_number(r)}")
    return tuple(styles)


def _stillinger_weber_file(potential: Potential) -> str:
    """Text of a file of `pair_style sw`: ε = 1 eV, σ, a, λ, γ, cos θ₀, A, B, p, q, tolerance."""
    two, three = potential.parameters
    rows: list[str] = []
    for i, j, k in product(range(len(potential.kinds)), repeat=3):
        strength, b, p, q, sigma, reach, gamma = two[i, j]
        angle, cosine = three[i, j, k]
        values = [1.0, sigma / angstrom, reach / sigma, angle / eV, gamma, cosine, strength / eV, b, p, q, 0.0]
        rows.append(_file_entry(i, j, k, np.array(values)))
    return "\n".join(["# Stillinger-Weber, metal units", *rows, ""])


def tersoff_file(potential: Potential) -> str:
    """Text of a file of `pair_style tersoff`: m, γ, λ₃, c, d, cos θ₀, n, β, λ₂, B, R, D, λ₁, A."""
    two, three = potential.parameters
    rows: list[str] = []
    for i, j, k in product(range(len(potential.kinds)), repeat=3):
        strength, steep, bond, slope, beta, n, _, _ = two[i, j]
        near, far = two[i, k, 6:] / angstrom
        gamma, c, d, h, alpha, m = three[i, j, k]
        values = [m, gamma, alpha * angstrom, c, d, h, n, beta, slope * angstrom, bond / eV]
        values += [(near + far) / 2, (far - near) / 2, steep * angstrom, strength / eV]
        rows.append(_file_entry(i, j, k, np.array(values)))
    return "\n".join(["# Tersoff, metal units", *rows, ""])


def embedded_atom_file(potential: Potential) -> str:
    """Text of a file of `pair_style eam/fs`: what stands at the points of the tables, a density for each pair."""
    embedding, density, pair, steps = potential.parameters
    kinds, numbers = [element_label(i) for i in range(len(potential.kinds))], map(format_number, steps[1:] / angstrom)
    sizes = f"{embedding.shape[1]} {format_number(steps[0])} {pair.shape[2]} {' '.join(numbers)}"
    lines = ["# embedded-atom method, metal units", "", "", f"{len(kinds)} {' '.join(kinds)}", sizes]
    for i, energies in enumerate(embedding):
        lines.append("1 1.0 1.0 none")
        tables = [energies[:, 0] / eV, *density[i, :, :, 0]]
        lines += [format_number(value) for table in tables for value in table]
    for i, row in enumerate(pair):
        lines += [format_number(value) for table in row[: i + 1, :, 0] / (eV * angstrom) for value in table]
    return "\n".join([*lines, ""])


def _file_entry(i: int, j: int, k: int, values: Array) -> str:
    return " ".join([element_label(i), element_label(j), element_label(k), *map(format_number, values)])


_FILE_STYLES = MappingProxyType({
    "stillinger-weber": ("sw", _stillinger_weber_file), "tersoff": ("tersoff", tersoff_file),
    "embedded-atom": ("eam/fs", embedded_atom_file),
})  # fmt: skip


PROFILE_FILE, HEAT_FILE, POWER_FILE = "profile.txt", "heat.txt", "power.txt"
PLANE_FILE = "plane.dump"  # positions and velocities of the atoms near the plane
PLANE_COLUMNS = "id xu yu zu vx vy vz"
_LAMMPS_RESTARTS = 20  # restart files of a run


@frozen(eq=False)
class PlaneTrajectory(BaseRecord):
    """Atoms near the plane, whose positions and velocities a deck writes."""

    layers: IntArray  # planes of atoms, increasing
    every: int  # steps between two samples
    steps: int  # from the first block on

    def commands(self) -> list[str]:
        """Commands that write them; nothing more after the last step."""
        pieces = np.split(self.layers, np.flatnonzero(np.diff(self.layers) > 1) + 1)
        test = " || ".join(f"(i_layer >= {piece[0] + 1} && i_layer <= {piece[-1] + 1})" for piece in pieces)
        due = f"stride(0,{self.steps},{self.every})"
        return [
            f'variable isnear atom "{test}"', "group near variable isnear", "variable isnear delete",
            f"variable due equal {due}",
            f"dump near near custom {self.every} {PLANE_FILE} {PLANE_COLUMNS}",
            "dump_modify near every v_due append yes format float %.10g",
        ]  # fmt: skip


def lammps_deck(
    system: System, potential: AnyPotential, protocol: Protocol, trajectory: PlaneTrajectory | None = None
) -> dict[str, str]:
    """Return the files of a run, by name; the direct power only of Lennard-Jones.

    With a trajectory the atoms near the plane are written too, from which spectra are computed afterwards.

    Refused are "swap", whose slabs LAMMPS lays by height and not by role, and the direct power of a many-body
    potential, of which LAMMPS tallies the pair part alone without a message.
    """
    thermostats = protocol.thermostats
    check_thermostats(system, protocol)
    if thermostats.kind == "swap":
        raise InputError(f"{system.name}: no deck for thermostats of kind 'swap': take 'exchange' instead")
    if protocol.power_interval and not (isinstance(potential, Potential) and potential.form == "lennard-jones"):
        raise InputError(
            f"power every {protocol.power_interval} steps with {potential.form!r}: LAMMPS counts only the pair part of "
            "many-body forces (of silicon after Stillinger and Weber less than half of the power): leave it out"
        )
    state = starting_state(system, protocol)
    kinds = number_types(system, potential.kinds, all_kinds=isinstance(potential, LammpsCommands))
    pair = write_potential(potential, kinds)
    rules = [*pair.commands, *neighbour_commands(potential.form), *group_commands()]
    rules += [f"timestep {format_number(protocol.timestep / ps)}", "fix move moving nve"]
    rules += thermostat_commands(thermostats, *thermostat_seeds(protocol.seed, state.step))
    start = [*header_commands(make_box(system, state.positions)), ATOM_PROPERTIES, _READ_DATA, "include in.rules"]
    start += ["thermo 1000", "thermo_style custom step temp pe etotal", "thermo_modify norm no flush yes"]
    start += [f"run {protocol.equilibration}", "reset_timestep 0", "include in.output"]
    commands = ["read_restart restart.*", ATOM_PROPERTIES, "include in.rules", "include in.output"]
    files = {
        "in.nemd": _command_text([*start, f"run {protocol.steps * protocol.blocks}"]),
        "in.continue": _command_text([*commands, f"run {protocol.steps * protocol.blocks} upto"]),
        "in.rules": _command_text(rules),
        "in.output": _command_text(_output_commands(protocol) + ([] if trajectory is None else trajectory.commands())),
        "system.data": _data_file(system, kinds, state.positions, state.velocities),
        HEADER_FILE: make_header(system, protocol, f"LAMMPS, {thermostats.kind}, {potential.form}").text,
    }
    return files | pair.files


def _command_text(commands: list[str]) -> str:
    return "\n".join([*commands, ""])


def _output_commands(protocol: Protocol) -> list[str]:
    """Commands that write the blocks: temperatures of planes, heat of the thermostats and energies, direct power."""
    flow = "com yes" if protocol.subtract_flow else "com no"
    samples = f"{protocol.sample_interval} {protocol.steps // protocol.sample_interval} {protocol.steps}"
    written, sums = "format ' %.15g'", "v_given v_taken c_thermo_pe c_kinetic"
    commands = [
        "compute layer all property/atom i_layer",
        "compute planes all chunk/atom c_layer nchunk once ids every compress no",
        f"compute planetemp moving temp/chunk planes temp {flow} adof 3 cdof {-3 if protocol.subtract_flow else 0}",
        f"fix profile all ave/time {samples} c_planetemp[1] mode vector append {PROFILE_FILE} {written}",
        *(f"variable {name} equal {given}" for name, given in _heat_formulas(protocol.thermostats)),
        "compute kinetic all ke",
        f"fix heat all ave/time 1 1 {protocol.steps} {sums} append {HEAT_FILE} {written}",
    ]
    if protocol.power_interval:
        every = f"{protocol.power_interval} {protocol.steps // protocol.power_interval} {protocol.steps}"
        commands += [
            "compute flow right heat/flux/virial/tally left",  # what the right side gains
            f"fix power all ave/time {every} c_flow append {POWER_FILE} {written}",
        ]
    restart = protocol.steps * max(1, protocol.blocks // _LAMMPS_RESTARTS)
    return [*commands, f"restart {restart} restart.*", "thermo 1000"]


def _heat_formulas(thermostats: Thermostats) -> list[tuple[str, str]]:
    """Formulas of the energy that each thermostat has given, eV."""
    if thermostats.kind == "langevin":
        return [("given", "-f_hot"), ("taken", "-f_cold")]
    power = thermostats.power * ps / eV if thermostats.kind == "exchange" else 0.0
    return [("given", f"{format_number(power)}*dt*step"), ("taken", f"{format_number(-power)}*dt*step")]
