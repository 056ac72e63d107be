"""Built-in engine: compiled kernels and neighbour lists, one thread, and nothing but numba to install."""

from collections.abc import Callable

import numpy as np
from attrs import field as attribute
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray, about
from kapitza.core.compilation.machine_code import has_machine_code
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, Hint, InputError, require
from kapitza.simulate.md.engine import Dynamics, MdEngine, MdState, Thermostats
from kapitza.simulate.md.kernels.forces import (
    KERNEL_EXTRA,
    KERNEL_PURPOSE,
    NeighbourList,
    VerletList,
    map_species,
    require_kernels,
)
from kapitza.simulate.md.kernels.state import ClosePairs, ListedAtoms, MovingAtoms, StepClock, ThermostatState
from kapitza.simulate.md.potential import AnyPotential, Potential
from kapitza.simulate.md.protocol import check_start
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE, System
from kapitza.units import k_B

_MIN_DISTANCE_SIGMA = 0.5  # of σ: no solid or liquid has atoms that near
_MIN_DISTANCE_CUTOFF = 0.3  # of the cutoff, for potentials without a σ
_MAX_STEP_DISPLACEMENT = 0.05  # of the cutoff: no atom moves as far in one step, even at ten thousand kelvin
# of the kinetic and the potential energy: even a truncated potential does not jump so far
_MAX_KINETIC_JUMP, _MAX_POTENTIAL_JUMP = 0.5, 0.01
_MAX_BUILTIN_TIMESTEP = 1e-12  # s: atoms vibrate in tenths of it
_THERMOSTAT_NUMBERS = {"none": 0, "langevin": 1, "exchange": 2, "swap": 3}  # as the kernels count them
_MIN_LIST_STEPS = 100  # steps: listing neighbours takes as long as about ten
_SKIN_GROWTH, _MAX_SKIN = 1.2, 0.3  # growth of the skin, and its end, of the cutoff
_CLOSE_SKIN = 0.06  # of the cutoff: skin of the pairs that are looked at in each step
_RANDOM_WORDS = 4  # words of the state of the random numbers
_PAIR_CHUNK = 1 << 16  # pairs whose distances are looked at together
_MAX_ATOM_STEPS = 10_000_000  # atom-steps between two samples at the keyboard, a few seconds


@frozen(eq=False)
class BuiltinEngine(BaseRecord):
    """Built-in engine: compiled kernels and neighbour lists, one thread.

    Velocity Verlet; Langevin thermostats take an exact step of Ornstein and Uhlenbeck before each step of Verlet, and
    count the energy that they give to the last bit.  A run that is saved and resumed continues as if never interrupted,
    bit for bit on the same processor: neighbours are summed in an order that does not depend on when they were listed.

    Attributes
    ----------
    skin : None starts at 0.12 of the cutoff and enlarges it while lists must be made anew too often
    name : for legends and messages
    """

    skin: float | None = attribute(
        default=None, metadata=about("m", "how much farther than the cutoff neighbours are listed")
    )
    name: str = attribute(default="built-in engine", kw_only=True)

    def begin(
        self, system: System, potential: AnyPotential, thermostats: Thermostats, state: MdState, *, timestep: float,
        seed: int = 0,
    ) -> Dynamics:  # fmt: skip
        """Set a system in motion from a state.

        Raises
        ------
        InputError
            for a potential without kernels, kinds that it does not know, atoms that overlap, thermostats without atoms,
            values that are not numbers
        MissingEngine
            without numba
        """
        require("numba", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
        potential = require_kernels(potential)
        if not 0 < timestep < _MAX_BUILTIN_TIMESTEP:
            bounds = f"above 0 and below {_MAX_BUILTIN_TIMESTEP:g} s (fs? multiply by 1e-15)"
            raise InputError(f"timestep = {timestep:g} s, wanted {bounds}")
        check_start(system, state)
        if state.random.size not in (0, _RANDOM_WORDS) or (state.random.size and not state.random.any()):
            raise InputError(
                f"{system.name}: random numbers of {state.random.size} words, wanted none or {_RANDOM_WORDS} that are "
                "not all 0: a state of another engine? Start from its positions and velocities alone"
            )
        if not (self.skin is None or 0 <= self.skin < np.inf):
            raise InputError(
                f"skin = {self.skin!r} m, wanted a length from 0 upwards", hint=Hint(python="None: chosen by itself")
            )
        return BuiltinDynamics(system, potential, thermostats, state, (timestep, seed, self.skin))


class BuiltinDynamics:
    """Atoms in motion under compiled kernels; `positions` and `velocities` are views that the next step overwrites."""

    def __init__(
        self, system: System, potential: Potential, thermostats: Thermostats, state: MdState,
        how: tuple[float, int, float | None],
    ) -> None:  # fmt: skip
        self.system, self.potential, self.thermostats = system, potential, thermostats
        self.timestep, seed, self.skin = how
        self.stepper = _load_stepper(potential)
        self.kinds = map_species(system, potential)
        free = system.role != FIXED_ROLE
        self.positions = np.array(state.positions, dtype=float, order="C")
        self.velocities = np.array(state.velocities * free[:, None], dtype=float, order="C")
        self.inverse = free / system.masses
        self.given = np.array(state.heat, dtype=float)
        seeded = np.random.SeedSequence(seed).generate_state(_RANDOM_WORDS, np.uint64)
        self.random = np.array(state.random if state.random.size else seeded, dtype=np.uint64)
        self.thermostat_state = ThermostatState(
            *_thermostat_arguments(system, thermostats, self.timestep), self.given, self.random
        )
        self.step = self.renewed = state.step
        self.potential_energy = np.zeros(1)
        self.surroundings = VerletList(system, potential, self.skin)
        self.use_list(self.surroundings.renew(self.positions))
        _check_close_pairs(system, potential, self.near, self.x, self.kinds)
        # by the code of all later forces, or a resumed run would differ by rounding
        self.advance_listed(1, 0.0, late=True)
        f = self.f[: len(self.positions)]
        if not (np.isfinite(f).all() and np.isfinite(self.potential_energy[0])):
            worst = int(np.argmin(np.isfinite(f).all(axis=1)))
            raise InputError(f"{self.system.name}: the force on atom {worst} is not finite: do atoms overlap?")

    def use_list(self, near: NeighbourList) -> None:
        """Use a new list of neighbours."""
        self.near = near
        self.x = near.extend(self.positions)
        self.species = self.kinds[near.owner]
        self.f = np.zeros_like(self.x)
        reach, never = self.potential.cutoff * (1 + _CLOSE_SKIN), np.full_like(self.positions, np.nan)
        limit = (self.potential.cutoff * _CLOSE_SKIN / 2) ** 2
        self.close_pairs = ClosePairs(np.zeros_like(near.start), np.empty_like(near.near), never, reach**2, limit)

    @property
    def heat(self) -> Array:
        """(2,) energy that the hot and the cold thermostat have given to the atoms so far, J."""
        return self.given.copy()

    @property
    def energy(self) -> tuple[float, float]:
        """Potential and kinetic energy, J."""
        kinetic = 0.5 * float(self.system.masses @ np.einsum("ia,ia->i", self.velocities, self.velocities))
        return float(self.potential_energy[0]), kinetic

    def advance(self, steps: int) -> None:
        """Do some time steps; stops where atoms fly apart, energy drifts, or a thermostat has none left to remove."""
        potential, kinetic = self.energy
        before = potential + kinetic - self.given.sum()  # conserved but for the error of the integrator
        chunk = _MAX_ATOM_STEPS // len(self.positions) + 1
        for done in range(0, steps, chunk):
            self.advance_chunk(min(chunk, steps - done))
        potential, moving = self.energy
        jump = potential + moving - float(self.given.sum()) - before
        if not abs(jump) <= _MAX_KINETIC_JUMP * max(kinetic, moving) + _MAX_POTENTIAL_JUMP * abs(potential):
            raise ConvergenceError(
                f"{self.system.name}: in {steps} steps up to {self.step} the energy changed by {jump:.3g} J beyond the "
                f"heat of the thermostats, with {moving:.3g} J in motion: take a timestep below {self.timestep:g} s"
            )

    def advance_chunk(self, steps: int) -> None:
        """Do some time steps; lists of neighbours are made anew where they no longer hold."""
        late = False
        while steps > 0:
            done = self.advance_listed(steps, self.timestep, late=late)
            self.step, steps = self.step + done, steps - done
            late = steps > 0  # the step that outran the list has drifted: only its forces are missing
            if late:
                self.check_displacements()  # atoms that fly apart outrun every list, thus here
                if self.skin is None and self.step - self.renewed < _MIN_LIST_STEPS:  # let lists last longer
                    widest = _MAX_SKIN * self.potential.cutoff
                    self.surroundings.skin = min(_SKIN_GROWTH * self.surroundings.skin, widest)
                self.renewed = self.step
                self.use_list(self.surroundings.renew(self.positions))

    def check_displacements(self) -> None:
        """Stop a run whose atoms fly apart or whose thermostats have no kinetic energy left to remove."""
        if not np.isfinite(self.given).all():
            raise ConvergenceError(
                f"{self.system.name}: at step {self.step} a thermostat has no kinetic energy left to remove: take a "
                f"power below {self.thermostats.power:g} W, or a larger thermostat"
            )
        leap = self.timestep * float(np.abs(self.velocities).max())
        longest = _MAX_STEP_DISPLACEMENT * self.potential.cutoff
        if not leap <= longest:
            raise ConvergenceError(
                f"{self.system.name}: at step {self.step} an atom moves {leap:.3g} m at once, and may move "
                f"{longest:.3g} m: take a timestep below {self.timestep:g} s, or atoms that start further apart"
            )

    def advance_listed(self, steps: int, timestep: float, *, late: bool) -> int:
        """Do time steps while the list of neighbours holds; how many are done."""
        near, limit = self.near, (self.surroundings.skin / 2) ** 2
        moving = self.positions, self.velocities, self.system.masses
        atoms = MovingAtoms(*moving, self.inverse, self.f, self.potential_energy)
        around = ListedAtoms(
            near.owner, near.shift, self.x, self.species, near.start, near.near, self.surroundings.reference, limit,
            self.close_pairs,
        )  # fmt: skip
        return self.stepper(
            StepClock(steps, self.step, timestep, late), atoms, around, self.potential.parameters, self.thermostat_state
        )

    def state(self) -> MdState:
        """Copy of all that is needed to go on."""
        moving = self.positions.copy(), self.velocities.copy()
        return MdState(*moving, self.step, self.given.copy(), self.random.copy())

    def close(self) -> None:
        """Do nothing: memory is given back with the object."""


def _load_stepper(potential: Potential) -> Callable[..., int]:
    stepping = require("kapitza.simulate.md.kernels.verlet", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    return stepping.ADVANCE_BY_FORM[potential.form]


def has_compiled_steps(engine: MdEngine, potential: AnyPotential) -> bool:
    """Whether machine code of the steps of an engine is there; else the first step under this form of potential makes
    it. Only the built-in engine has any to make.
    """
    return not isinstance(engine, BuiltinEngine) or has_machine_code(_load_stepper(require_kernels(potential)))


def _thermostat_arguments(
    system: System, thermostats: Thermostats, timestep: float
) -> tuple[int, IntArray, IntArray, Array, int]:
    """Kind, atoms and numbers of the thermostats, as the compiled loop takes them; what their kind needs is checked."""
    hot, cold = (np.flatnonzero(system.role == role) for role in (HOT_ROLE, COLD_ROLE))
    needs = {
        "langevin": {"hot": thermostats.hot, "cold": thermostats.cold, "damping": thermostats.damping},
        "exchange": {"power": abs(thermostats.power)},
        "swap": {"period": thermostats.period},
        "none": {},
    }[thermostats.kind]
    kind = thermostats.kind
    for name, value in needs.items():
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{system.name}: thermostats of kind {kind!r} need {name} above 0, got {value:g}")
    if kind != "none" and not (hot.size and cold.size):
        counts = f"{hot.size} atoms in the hot and {cold.size} in the cold thermostat"
        raise InputError(f"{system.name}: {counts}: give each layer its role")
    keep = np.exp(-timestep / thermostats.damping) if kind == "langevin" else 1.0  # exact, not 1 - Δt/τ
    numbers = np.array([keep, k_B * thermostats.hot, k_B * thermostats.cold, thermostats.power])
    return _THERMOSTAT_NUMBERS[kind], hot.astype(np.int64), cold.astype(np.int64), numbers, int(thermostats.period)


def _check_close_pairs(
    system: System, potential: Potential, near: NeighbourList, x: Array, kinds: NDArray[np.int32]
) -> None:
    if potential.form == "harmonic":
        return
    count = len(potential.kinds)
    bound = np.full((count, count), _MIN_DISTANCE_CUTOFF * potential.cutoff)
    if potential.form == "lennard-jones":
        bound = _MIN_DISTANCE_SIGMA * potential.parameters[1]
    i, j = _find_close_pair(x, kinds[near.owner], near, bound)
    if i >= 0:
        distance = float(np.linalg.norm(x[i] - x[j]))
        raise InputError(
            f"{system.name}: atoms {i} and {near.owner[j]} are {distance:.3g} m apart, at least "
            f"{bound[kinds[i], kinds[near.owner[j]]]:.3g} m wanted: two atoms at one place, or a box too small?"
        )


def _find_close_pair(x: Array, species: NDArray[np.int32], near: NeighbourList, bound: Array) -> tuple[int, int]:
    """First two neighbours nearer to each other than the bound (s, s) m of their kinds; -1, -1 where there are none."""
    for start in range(0, near.near.size, _PAIR_CHUNK):
        j = near.near[start : start + _PAIR_CHUNK]
        i = np.searchsorted(near.start, np.arange(start, start + j.size), side="right") - 1
        square = np.square(x[i] - x[j]).sum(axis=1)
        close = np.flatnonzero(square < np.square(bound[species[i], species[j]]))
        if close.size:
            return int(i[close[0]]), int(j[close[0]])
    return -1, -1
