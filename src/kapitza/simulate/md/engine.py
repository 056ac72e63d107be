"""What every engine of molecular dynamics provides, and the velocity exchange that several of them share.

F. Müller-Plathe, J. Chem. Phys. 106, 6082 (1997), doi:10.1063/1.473271; for unequal masses, as a collision that
conserves energy and momentum: C. Nieto-Draghi and J. B. Avalos, Mol. Phys. 101, 2303 (2003).
"""

from typing import Literal, Protocol

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray, about, one_of
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.potential import AnyPotential
from kapitza.simulate.md.system import System

ThermostatKind = Literal["langevin", "exchange", "swap", "none"]
THERMOSTAT_KINDS: tuple[ThermostatKind, ...] = ("langevin", "exchange", "swap", "none")


@frozen(eq=False)
class MdState(BaseRecord):
    """All that a run needs to go on.

    Raises
    ------
    InputError
        for shapes that do not fit
    """

    positions: Array = field(metadata=about("m", "(n, 3) positions, not folded into the box"))
    velocities: Array = field(metadata=about("m s^-1", "(n, 3) velocities"))
    step: int = field(default=0, metadata=about("1", "time steps done"))
    heat: Array = field(
        factory=lambda: np.zeros(2), metadata=about("J", "(2,) given to the atoms by the hot and the cold thermostat")
    )
    random: NDArray[np.uint64] = field(
        factory=lambda: np.zeros(0, dtype=np.uint64), metadata=about("1", "state of the random numbers; may be empty")
    )

    def __attrs_post_init__(self) -> None:
        shapes = np.shape(self.positions), np.shape(self.velocities), np.shape(self.heat)
        if len(shapes[0]) != 2 or shapes != ((len(self.positions), 3), (len(self.positions), 3), (2,)):
            raise InputError(
                f"a state with positions {shapes[0]}, velocities {shapes[1]} and heat {shapes[2]}: wanted (n, 3), "
                "(n, 3) and (2,)"
            )


@frozen(eq=False)
class Thermostats(BaseRecord):
    """What keeps heat flowing.

    Attributes
    ----------
    kind : "langevin" (temperatures are set), "exchange" (eHEX: power is set), "swap" (Müller-Plathe: velocities are
        exchanged every `period` steps) or "none" (energy is conserved)
    """

    kind: ThermostatKind = field(default="langevin", validator=one_of(*THERMOSTAT_KINDS))
    hot: float = field(default=0.0, metadata=about("K", "temperature of the left thermostat"))
    cold: float = field(default=0.0, metadata=about("K", "temperature of the right thermostat"))
    damping: float = field(default=0.0, metadata=about("s", "relaxation time of a Langevin thermostat"))
    power: float = field(default=0.0, metadata=about("W", "taken from the cold and given to the hot side by exchange"))
    period: int = field(default=0, metadata=about("1", "steps between two swaps"))


class Dynamics(Protocol):
    """Atoms in motion: the one object whose state changes.

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import md
    >>> from kapitza.examples import argon_interface
    >>> system, potential = argon_interface()
    >>> rest = md.MdState(system.positions, np.full_like(system.positions, 10.0))
    >>> motion = md.BuiltinEngine().begin(system, potential, md.Thermostats("none"), rest, timestep=1e-14, seed=0)
    >>> before = sum(motion.energy)
    >>> motion.advance(50)
    >>> print("energy is conserved:", abs(sum(motion.energy) / before - 1) < 1e-5)
    energy is conserved: True
    >>> motion.close()
    """

    @property
    def positions(self) -> Array:
        """(n, 3) m, not folded into the box; may be a view that the next step overwrites."""
        ...

    @property
    def velocities(self) -> Array:
        """(n, 3) m s⁻¹; may be a view that the next step overwrites."""
        ...

    @property
    def heat(self) -> Array:
        """(2,) energy that the hot and the cold thermostat have given to the atoms so far, J."""
        ...

    @property
    def energy(self) -> tuple[float, float]:
        """Potential and kinetic energy, J."""
        ...

    def advance(self, steps: int) -> None:
        """Do some time steps."""
        ...

    def state(self) -> MdState:
        """Copy of all that is needed to go on."""
        ...

    def close(self) -> None:
        """Release memory."""
        ...


class MdEngine(Protocol):
    """An engine of molecular dynamics."""

    @property
    def name(self) -> str:
        """For legends and messages."""
        ...

    def begin(
        self, system: System, potential: AnyPotential, thermostats: Thermostats, state: MdState, *, timestep: float,
        seed: int,
    ) -> Dynamics:  # fmt: skip
        """Set a system in motion from a state; `seed` matters where the state has no random numbers yet."""
        ...


class Observer(Protocol):
    """An observer samples the atoms every few steps and keeps sums, so that no trajectory need be written.

    Examples
    --------
    >>> import numpy as np
    >>> class Displacement:
    ...     every = 10
    ...
    ...     def __init__(self, system):
    ...         self.rest, self.values = system.positions, []
    ...
    ...     def sample(self, positions, velocities):
    ...         self.values.append(float(np.mean((positions - self.rest) ** 2)))
    ...
    ...     def arrays(self):
    ...         return {"values": np.array(self.values)}
    ...
    ...     def restore(self, arrays):
    ...         self.values = list(arrays["values"])
    >>> from kapitza import md
    >>> from kapitza.examples import argon_interface, argon_protocol
    >>> (system, potential), protocol = argon_interface(), argon_protocol()
    >>> displacement = Displacement(system)
    >>> _ = md.run(system, potential, md.BuiltinEngine(), protocol, [displacement])
    >>> print(len(displacement.values), "samples")
    160 samples
    """

    @property
    def every(self) -> int:
        """Steps between two samples."""
        ...

    def sample(self, positions: Array, velocities: Array) -> None:
        """Take one sample."""
        ...

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All that it holds, to be written and restored."""
        ...

    def restore(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        """Continue where another one left off."""
        ...


def swap_velocities(velocities: Array, masses: Array, hot: IntArray, cold: IntArray) -> float:
    """Make the slowest atom of the hot thermostat and the fastest of the cold one collide, in place.

    $v' = 2 v_c - v$ with the velocity $v_c$ of their centre of mass; equal masses exchange their velocities.  Returns
    the energy given to the hot side, in units of mass times velocity squared; 0 where the exchange would cool it.
    """
    kinetic = 0.5 * masses * (velocities**2).sum(axis=1)
    pair = np.array([hot[np.argmin(kinetic[hot])], cold[np.argmax(kinetic[cold])]])
    mass, before = masses[pair], velocities[pair]
    after = 2 * (mass @ before) / mass.sum() - before
    given = 0.5 * float(mass[0] * (after[0] @ after[0] - before[0] @ before[0]))
    if given <= 0:
        return 0.0
    velocities[pair] = after
    return given
