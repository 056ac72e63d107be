r"""Any calculator of ASE as an engine: slow, for potentials that nothing else here knows, machine-learned ones.

Velocity Verlet.  Langevin thermostats act before and after each step, $v' = c v + \sqrt{(1 - c^2) k_B T/m}\,ξ$ with
$c = e^{-Δt/2τ}$, so that their heat is the change of the kinetic energy, exactly: G. Bussi and M. Parrinello,
Phys. Rev. E 75, 056707 (2007), doi:10.1103/PhysRevE.75.056707.  "exchange" scales the velocities of a thermostat
about its drift: T. Ikeshoji and B. Hafskjold, Mol. Phys. 81, 251 (1994), doi:10.1080/00268979400100171; without the
correction of eHEX, which is of third order in the time step.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import field as attribute
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError, require
from kapitza.simulate.md.engine import Dynamics, MdState, Thermostats, swap_velocities
from kapitza.simulate.md.potential import AnyPotential, CalculatorPotential
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE, System
from kapitza.units import angstrom, eV, k_B

MAX_FIRST_MOVE = 0.5 * angstrom  # an atom that its force would move this far in a step sits on another one


def _check_calculator(instance: Any, attribute: Any, calculator: Any) -> None:
    if calculator is not None and not callable(getattr(calculator, "get_forces", None)):
        raise InputError(f"expected a calculator of ASE, got {calculator!r:.60}")


@frozen(eq=False)
class AseEngine(BaseRecord):
    """An engine made of a calculator.

    Attributes
    ----------
    calculator : of ASE; None: that of a `CalculatorPotential`
    symbols : chemical symbol of each kind of atoms; the kinds themselves if left out
    """

    calculator: Any = attribute(default=None, validator=_check_calculator)
    symbols: tuple[str, ...] = attribute(default=(), converter=tuple)

    @property
    def name(self) -> str:
        """For legends."""
        return "ASE" if self.calculator is None else f"ASE {type(self.calculator).__name__}"

    def begin(
        self, system: System, potential: AnyPotential, thermostats: Thermostats, state: MdState, *, timestep: float,
        seed: int,
    ) -> Dynamics:  # fmt: skip
        """Set a system in motion from a state; where the engine has a calculator `potential` counts for nothing.

        Raises
        ------
        MissingEngine
            without ase
        InputError
            with the calculator's message where it refuses the atoms; for atoms that overlap
        """
        symbols = self.symbols or system.kinds
        if len(symbols) != len(system.kinds):
            raise InputError(f"{len(symbols)} symbols for the kinds {', '.join(system.kinds)}: give one for each")
        calculator = self.calculator
        if calculator is None:
            if not isinstance(potential, CalculatorPotential):
                raise InputError(f"no calculator for {potential.form!r}: give the engine one")
            calculator = potential.calculator()
        atoms = _ase_atoms(system, symbols, state.positions)
        return AseDynamics(atoms, calculator, system, thermostats, state, timestep=timestep, seed=seed)


def _ase_atoms(system: System, symbols: Sequence[str], positions: Array) -> Any:
    module = require("ase", extra="atoms", why="running a calculator of ASE")
    names, periodic = [symbols[s] for s in system.species], (True, True, system.periodic)
    try:
        return module.Atoms(names, positions / angstrom, cell=system.lattice / angstrom, pbc=periodic)
    except KeyError as err:
        raise InputError(f"{err} is no chemical symbol: name the symbol of each kind of {', '.join(symbols)}") from err


class AseDynamics:
    """Atoms that the forces of a calculator move; the next step writes over `positions` and `velocities`."""

    def __init__(
        self, atoms: Any, calculator: Any, system: System, thermostats: Thermostats, state: MdState, *, timestep: float,
        seed: int,
    ) -> None:  # fmt: skip
        self._atoms, self._calculator, self._system, self._thermostats = atoms, calculator, system, thermostats
        self._timestep, self._step = timestep, int(state.step)
        self._seed = int(state.random[0]) if state.random.size else int(seed)
        self._random = np.random.default_rng([self._seed, self._step])  # with the step: a resumed run draws new numbers
        self._free = (system.role != FIXED_ROLE)[:, None]
        self._members = [np.flatnonzero(system.role == role) for role in (HOT_ROLE, COLD_ROLE)]
        self.positions, self.velocities = state.positions.copy(), np.where(self._free, state.velocities, 0.0)
        self.heat = state.heat.copy()
        self._a, self._potential = self._evaluate_forces()
        moved = np.abs(self._a).max() * timestep**2
        if not moved < MAX_FIRST_MOVE:
            raise InputError(
                f"{system.name}: forces would move an atom by {moved / angstrom:.3g} Å in one step: atoms lie on each "
                f"other, or {timestep:g} s is too long a time step"
            )

    @property
    def energy(self) -> tuple[float, float]:
        """Potential and kinetic energy, J."""
        return self._potential, 0.5 * float(self._system.masses @ (self.velocities**2).sum(axis=1))

    def advance(self, steps: int) -> None:
        """Do some time steps; ConvergenceError where forces are no longer finite."""
        for _ in range(steps):
            self._bathe()  # half before, half after Verlet: symmetric in time
            self.velocities += 0.5 * self._timestep * self._a
            self.positions += self._timestep * self.velocities
            self._a, self._potential = self._evaluate_forces()
            self.velocities += 0.5 * self._timestep * self._a
            self._bathe()
            self._step += 1
            if self._thermostats.kind == "swap" and self._step % self._thermostats.period == 0:
                given = swap_velocities(self.velocities, self._system.masses, *self._members)
                self.heat = self.heat + np.array([given, -given])
        if not np.isfinite(self.velocities).all():
            raise ConvergenceError(
                f"velocities are no longer finite after step {self._step}: shorten the time step, or relax the atoms"
            )

    def state(self) -> MdState:
        """Copy of all that is needed to go on."""
        random = np.array([self._seed], dtype=np.uint64)
        return MdState(self.positions.copy(), self.velocities.copy(), self._step, self.heat.copy(), random)

    def close(self) -> None:
        """Nothing to release."""

    def _evaluate_forces(self) -> tuple[Array, float]:
        """(n, 3) accelerations, m s⁻², and potential energy, J."""
        self._atoms.positions = self.positions / angstrom
        try:
            force = np.asarray(self._calculator.get_forces(self._atoms)) * (eV / angstrom)
            energy = float(self._calculator.get_potential_energy(self._atoms)) * eV
        except Exception as err:
            words = " ".join(f"{type(err).__name__} {err}".split())
            raise InputError(f"{type(self._calculator).__name__} does not take {self._system.name}: {words}") from err
        return np.where(self._free, force / self._system.masses[:, None], 0.0), energy

    def _bathe(self) -> None:
        """Let the thermostats act for half a step."""
        thermostats, given = self._thermostats, np.zeros(2)
        if thermostats.kind not in ("langevin", "exchange"):
            return
        for k, atoms in enumerate(self._members):
            mass, v = self._system.masses[atoms], self.velocities[atoms]
            if thermostats.kind == "langevin":
                c = np.exp(-0.5 * self._timestep / thermostats.damping)
                heat = k_B * (thermostats.hot, thermostats.cold)[k]
                spread = np.sqrt((1 - c**2) * heat / mass)[:, None]  # fluctuation-dissipation: <mv²> stays k_BT
                after = c * v + spread * self._random.standard_normal(v.shape)
            else:
                after = self._rescale(v, mass, k)
            self.velocities[atoms] = after
            given[k] = 0.5 * float(mass @ (after**2).sum(axis=1)) - 0.5 * float(mass @ (v**2).sum(axis=1))
        self.heat = self.heat + given

    def _rescale(self, v: Array, mass: Array, thermostat: int) -> Array:
        """Velocities scaled about their drift so as to hold half a step's worth of heat more, or less."""
        drift = mass @ v / mass.sum()  # conserved: only motion about it is heat
        kinetic = 0.5 * float(mass @ ((v - drift) ** 2).sum(axis=1))
        wanted = kinetic + (1, -1)[thermostat] * 0.5 * self._timestep * self._thermostats.power
        if not wanted > 0:
            raise ConvergenceError(f"a thermostat holds {kinetic:.3g} J, less than is taken from it: lower the power")
        return drift + np.sqrt(wanted / kinetic) * (v - drift)
