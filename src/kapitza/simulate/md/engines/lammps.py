"""LAMMPS in this process: the one place that imports it.

Units are `metal` inside and SI outside.  A run that is resumed continues with the same physics, not with the same
digits: positions and velocities are kept to the last bit but one, random numbers start anew from seed and step.
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from attrs import field as attribute
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray, about, one_of
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError, KapitzaError, MissingEngine, require
from kapitza.matter.potentials.pair_styles import load_mpi
from kapitza.simulate.md.engine import Dynamics, MdState, Thermostats, swap_velocities
from kapitza.simulate.md.engines import lammps_input as deck
from kapitza.simulate.md.engines.lammps_input import LAMMPS_SPEED, AtomTypes, LammpsBox, format_number
from kapitza.simulate.md.potential import AnyPotential, LammpsCommands
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE, System
from kapitza.units import angstrom, eV, m_u, ps

_LAMMPS_PURPOSE = "running LAMMPS in this process"
_ACCELERATION_UNIT = eV / angstrom / m_u * ps**2 / angstrom  # Å ps⁻² of 1 eV Å⁻¹ u⁻¹
MAX_FIRST_MOVE = 0.5  # Å: an atom that its force would move this far in a step sits on another one
Acceleration = Literal["opt", "omp", "plain"]


@frozen(eq=False)
class LammpsEngine(BaseRecord):
    """The engine LAMMPS, one process, one thread unless asked for more.

    Attributes
    ----------
    accelerate : "opt" (its faster loops), "omp" (with `threads` threads) or "plain"
    threads : more than one is slower than one on a busy machine
    """

    accelerate: Acceleration = attribute(default="opt", validator=one_of("opt", "omp", "plain"))
    threads: int = attribute(default=1, metadata=about("1", "threads of OpenMP"))

    @property
    def name(self) -> str:
        """For legends."""
        return "LAMMPS"

    def begin(
        self, system: System, potential: AnyPotential, thermostats: Thermostats, state: MdState, *, timestep: float,
        seed: int,
    ) -> Dynamics:  # fmt: skip
        """Set a system in motion from a state; "swap" is done between two runs of LAMMPS, whose own knows slabs alone.

        Raises
        ------
        MissingEngine
            without lammps and mpich
        InputError
            with LAMMPS' message, for what it refuses; for atoms that overlap
        """
        engine = start_lammps(self)
        motion = LammpsDynamics(engine, system, thermostats, state, timestep=timestep, seed=seed)
        try:
            motion.prepare(potential)
        except KapitzaError:
            motion.close()
            raise
        return motion


def start_lammps(settings: LammpsEngine) -> Any:
    """Return a new instance of LAMMPS that says nothing."""
    load_mpi()
    module = require("lammps", extra="md", why=_LAMMPS_PURPOSE)
    styles = {"opt": "-sf opt", "omp": f"-sf omp -pk omp {settings.threads}", "plain": ""}
    try:
        return module.lammps(cmdargs=["-screen", "none", "-log", "none", *styles[settings.accelerate].split()])
    except OSError as err:
        raise MissingEngine(f"{_LAMMPS_PURPOSE} needs the library of MPI ({err}): pip install 'kapitza[md]'") from err


class LammpsDynamics:
    """Atoms that LAMMPS moves."""

    def __init__(
        self, engine: Any, system: System, thermostats: Thermostats, state: MdState, *, timestep: float, seed: int
    ) -> None:
        self._engine, self._system, self._thermostats, self._begin = engine, system, thermostats, state
        self._seed = int(state.random[0]) if state.random.size else int(seed)
        self._timestep, self._step = timestep, int(state.step)
        self._swapped = self._tare = np.zeros(2)
        self._box = deck.make_box(system, state.positions)
        self._image: NDArray[np.int32] | None = None
        self._origin = self._shift = np.zeros_like(state.positions)

    def prepare(self, potential: AnyPotential) -> None:
        """Give LAMMPS its atoms and rules; done once, by the engine."""
        kinds = deck.number_types(self._system, potential.kinds, all_kinds=isinstance(potential, LammpsCommands))
        self._say(*deck.header_commands(self._box), *_box_commands(self._box, kinds))
        self._create(kinds)
        _give_potential(self._engine, potential, kinds)
        seeds = deck.thermostat_seeds(self._seed, self._step)
        # LAMMPS counts from 0 here: only at its step 0 does it see the first half step of what its thermostats give.
        self._say(
            *deck.neighbour_commands(potential.form), *deck.group_commands(),
            f"timestep {format_number(self._timestep / ps)}",
            "fix move moving nve", *deck.thermostat_commands(self._thermostats, *seeds),
            "thermo_style custom step pe", "thermo 0", "run 0 post no",
        )  # fmt: skip
        self._origin = self._begin.positions - self.positions
        self._image = None
        system, timestep = self._system, self._timestep
        acceleration = np.abs(self._ours("f", 1.0) / (system.masses[:, None] / m_u)).max(axis=1)  # eV Å⁻¹ u⁻¹
        moved = acceleration * _ACCELERATION_UNIT * (timestep / ps) ** 2
        moved[system.role == FIXED_ROLE] = 0.0
        if not (np.isfinite(moved).all() and moved.max() < MAX_FIRST_MOVE):  # before they fly apart
            atom = int(np.argmax(np.where(np.isfinite(moved), moved, np.inf)))
            raise InputError(
                f"{system.name}: forces would move atom {atom} by {moved[atom]:.3g} Å in one step: atoms lie on "
                f"each other, or {timestep:g} s is too long a time step"
            )
        self._tare = self.heat - self._begin.heat  # what LAMMPS counted in its run of no steps is no heat

    @property
    def positions(self) -> Array:
        """(n, 3) m, not folded into the box."""
        image = self._engine.numpy.extract_atom("image")[: len(self._origin)]
        if self._image is None or not np.array_equal(image, self._image):
            self._image = image.copy()
            self._shift = self._origin + _unpack_images(image) @ self._box.vectors @ self._box.rotation * angstrom
        return self._ours("x", angstrom) + self._shift

    @property
    def velocities(self) -> Array:
        """(n, 3) m s⁻¹."""
        return self._ours("v", LAMMPS_SPEED)

    @property
    def heat(self) -> Array:
        """(2,) energy that the hot and the cold thermostat have given to the atoms so far, J."""
        kind = self._thermostats.kind
        if kind == "langevin":
            given = -np.array([self._engine.extract_fix(name, 0, 0) for name in ("hot", "cold")]) * eV
        elif kind == "exchange":
            given = np.array([1, -1]) * self._thermostats.power * self._timestep * (self._step - self._begin.step)
        else:
            given = self._swapped
        return self._begin.heat + given - self._tare

    @property
    def energy(self) -> tuple[float, float]:
        """Potential and kinetic energy, J."""
        kinetic = 0.5 * float(self._system.masses @ (self.velocities**2).sum(axis=1))
        return float(self._engine.extract_compute("thermo_pe", 0, 0)) * eV, kinetic

    def advance(self, steps: int) -> None:
        """Do some time steps; ConvergenceError with LAMMPS' message where atoms are lost or numbers overflow."""
        period = self._thermostats.period if self._thermostats.kind == "swap" else 0
        end = self._step + steps
        while self._step < end:
            stride = min(end - self._step, period - self._step % period) if period else steps
            self._say(f"run {stride} pre no post no start 0", fault=partial(_instability_error, step=self._step))
            self._step += stride
            if period and self._step % period == 0:
                system = self._system
                speeds = self._engine.numpy.extract_atom("v")[: system.masses.size]
                hot, cold = (np.flatnonzero(system.role == role) for role in (HOT_ROLE, COLD_ROLE))
                given = swap_velocities(speeds, system.masses, hot, cold) * LAMMPS_SPEED**2
                self._swapped = self._swapped + np.array([given, -given])
        if not np.isfinite(self._engine.numpy.extract_atom("x").sum()):
            raise _instability_error("positions are no longer finite", self._step)

    def state(self) -> MdState:
        """Copy of all that is needed to go on."""
        random = np.array([self._seed], dtype=np.uint64)
        return MdState(self.positions, self.velocities, self._step, self.heat, random)

    def close(self) -> None:
        """End this instance of LAMMPS."""
        self._engine.close()

    def _say(self, *commands: str, fault: Callable[[str], KapitzaError] = InputError) -> None:
        _give_commands(self._engine, *commands, fault=fault)

    def _ours(self, name: str, unit: float) -> Array:
        """(n, 3) vectors of LAMMPS in our axes and units."""
        found = self._engine.numpy.extract_atom(name)[: len(self._origin)]
        return (found if self._box.rotation[0, 0] == 1.0 else found @ self._box.rotation) * unit

    def _create(self, kinds: AtomTypes) -> None:
        """Put the atoms into the box, in our order, with their velocities; held ones rest."""
        n, box, begin = self._system.masses.size, self._box, self._begin
        if len(begin.positions) != n:
            raise InputError(f"{self._system.name}: a state of {len(begin.positions)} atoms for a system of {n}")
        x = begin.positions / angstrom @ box.rotation.T
        ids = list(range(1, n + 1))
        self._engine.create_atoms(n, ids, kinds.of.tolist(), x.ravel().tolist())
        found = self._engine.numpy.extract_atom("id")[:n]
        if self._engine.get_natoms() != n or not np.array_equal(found, ids):
            raise InputError(f"{self._system.name}: LAMMPS has {self._engine.get_natoms()} of {n} atoms in its box")
        self._say(deck.ATOM_PROPERTIES)
        known = {"layer": self._system.layer + 1, "role": self._system.role, "right": self._system.right}
        for name, values in known.items():
            self._engine.numpy.extract_atom(f"i_{name}")[:n] = values
        moving = (self._system.role != FIXED_ROLE)[:, None]
        self._engine.numpy.extract_atom("v")[:n] = moving * begin.velocities / LAMMPS_SPEED @ box.rotation.T


class LammpsForces:
    """Forces of a potential on some atoms of a system without the others, by LAMMPS, from positions alone.

    Each set of atoms has an instance of its own, made when it is first asked for, whose lists of neighbours last.
    """

    def __init__(self, system: System, potential: AnyPotential, settings: LammpsEngine | None = None) -> None:
        self.system, self.potential, self.settings = system, potential, settings or LammpsEngine()
        self.kinds = deck.number_types(system, potential.kinds, all_kinds=isinstance(potential, LammpsCommands))
        self._sets: dict[bytes, _AtomSet] = {}

    def __call__(self, positions: Array, members: IntArray | None = None) -> Array:
        """(m, 3) N on atoms (m,), of all alone if None, at positions (n, 3) m of all."""
        chosen = np.arange(len(positions)) if members is None else np.asarray(members, dtype=np.int64)
        key = chosen.tobytes()
        if key not in self._sets:
            self._sets[key] = self._begin(positions, chosen)
        return self._sets[key].forces(positions[chosen])

    @property
    def cutoff(self) -> float:
        """How far LAMMPS looks for neighbours of an atom in this potential, without its skin, m."""
        one = self._begin(self.system.positions, np.arange(self.system.masses.size))
        with TemporaryDirectory() as folder:
            said = Path(folder) / "said"
            _give_commands(one.engine, f"info communication out overwrite {said}")
            found = re.search(r"Communication cutoff = (\S+)", said.read_text(encoding="utf-8"))
        one.engine.close()
        if found is None:
            raise InputError(f"LAMMPS does not say how far {self.potential.form!r} reaches: take another version of it")
        return (float(found[1]) - deck.neighbour_skin(self.potential.form)) * angstrom

    def close(self) -> None:
        """End the instances of LAMMPS."""
        for one in self._sets.values():
            one.engine.close()
        self._sets.clear()

    def _begin(self, positions: Array, members: IntArray) -> "_AtomSet":
        engine, box = start_lammps(self.settings), deck.make_box(self.system, positions)
        x = positions[members] / angstrom @ box.rotation.T
        try:
            _give_commands(engine, *deck.header_commands(box), *_box_commands(box, self.kinds))
            ids = list(range(1, members.size + 1))
            engine.create_atoms(members.size, ids, self.kinds.of[members].tolist(), x.ravel().tolist())
            _give_potential(engine, self.potential, self.kinds)
            _give_commands(engine, *deck.neighbour_commands(self.potential.form), "thermo 0", "run 0 post no")
        except KapitzaError:
            engine.close()
            raise
        found = _AtomSet(engine, box, np.zeros_like(x))
        return _AtomSet(engine, box, x - engine.numpy.extract_atom("x")[: members.size] - found.shift())


@frozen(eq=False)
class _AtomSet(BaseRecord):
    """Atoms of an instance of LAMMPS, which rest where they are put."""

    engine: Any
    box: LammpsBox
    origin: Array  # (m, 3) Å, from where LAMMPS first had each atom to where it was put

    def shift(self) -> Array:
        """(m, 3) from where LAMMPS has each atom to where it was put last, Å."""
        image = self.engine.numpy.extract_atom("image")[: len(self.origin)]
        return self.origin + _unpack_images(image) @ self.box.vectors

    def forces(self, positions: Array) -> Array:
        """(m, 3) N at positions (m, 3) m; a step of atoms that nothing moves renews lists where that is due."""
        m = len(self.origin)
        self.engine.numpy.extract_atom("x")[:m] = positions / angstrom @ self.box.rotation.T - self.shift()
        _give_commands(self.engine, "run 1 pre no post no", fault=ConvergenceError)
        found: Array = self.engine.numpy.extract_atom("f")[:m] @ self.box.rotation * (eV / angstrom)
        return found


def _give_commands(engine: Any, *commands: str, fault: Callable[[str], KapitzaError] = InputError) -> None:
    """Give LAMMPS commands; what it objects to becomes an error of ours, in one line."""
    for command in commands:
        try:
            engine.command(command)
        except Exception as err:
            text = " ".join(str(err).split()).removeprefix("ERROR: ").removeprefix("ERROR on proc 0: ")
            objection = re.sub(r"\s*\(src/.*$", "", text)[:300]  # without its place in the code of LAMMPS
            raise fault(f"LAMMPS at {command!r:.80}: {objection}") from err


def _give_potential(engine: Any, potential: AnyPotential, kinds: AtomTypes) -> None:
    pair = deck.write_potential(potential, kinds)
    with TemporaryDirectory() as folder:
        paths = {name: Path(folder) / name for name in pair.files}
        for name, path in paths.items():
            path.write_text(pair.files[name], encoding="utf-8")
        lines = (" ".join(str(paths.get(word, word)) for word in line.split()) for line in pair.commands)
        _give_commands(engine, *lines)


def _box_commands(box: LammpsBox, kinds: AtomTypes) -> list[str]:
    low, high = box.low, box.high
    bounds = " ".join(f"{format_number(a)} {format_number(b)}" for a, b in zip(low, high, strict=True))
    tilt = " ".join(map(format_number, box.tilt))
    masses = [f"mass {i} {format_number(m / m_u)}" for i, m in enumerate(kinds.masses, 1)]
    return [f"region box prism {bounds} {tilt} units box", f"create_box {kinds.masses.size} box", *masses]


def _unpack_images(image: NDArray[np.int32]) -> Array:
    """(n, 3) boxes that each atom has crossed: LAMMPS packs three numbers of ten bits, with 512 as none."""
    return np.stack([((image >> shift) & 1023) - 512 for shift in (0, 10, 20)], axis=1).astype(np.float64)


def _instability_error(message: str, step: int) -> KapitzaError:
    remedy = "shorten the time step, or relax the atoms and heat them slowly"
    return ConvergenceError(f"{message} (after step {step}): {remedy}")
