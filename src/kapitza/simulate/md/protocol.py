"""How a run proceeds: its initial state, its length, its temperatures, and the observers that sample it."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from attrs import Factory, define, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, one_of, quantity
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.md.engine import Dynamics, MdState, Observer, Thermostats
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE, System
from kapitza.units import k_B


def thermal_state(system: System, temperature: ArrayLike, seed: int, *, double_temperature: bool = False) -> MdState:
    """Return atoms at rest positions with velocities drawn from Maxwell's distribution, without total momentum.

    `temperature` (K) is one for all or one for each atom (n,); held atoms do not move.  `double_temperature` draws
    velocities at twice the temperature, since atoms at rest positions of a solid give half of their kinetic energy to
    the springs.
    """
    kelvin = np.asarray(temperature, dtype=float)
    given: Any = seed
    if not isinstance(given, (int, np.integer)) or given < 0:
        raise InputError(f"{system.name}: seed = {seed!r}, wanted a whole number from 0 upwards")
    if kelvin.shape not in ((), (system.masses.size,)) or not (np.isfinite(kelvin).all() and (kelvin >= 0).all()):
        raise InputError(
            f"{system.name}: temperatures of shape {kelvin.shape} beginning with {kelvin.ravel()[:3].tolist()} K, "
            f"wanted one or {system.masses.size} finite ones, none below 0"
        )
    free = system.role != FIXED_ROLE
    if not free.any():
        raise InputError(f"{system.name}: all {free.size} atoms are held, none can move")
    width = np.sqrt((2 if double_temperature else 1) * k_B * kelvin / system.masses)
    velocities = np.random.default_rng(seed).normal(size=(free.size, 3)) * width[..., None] * free[:, None]
    mass = system.masses * free
    velocities -= (mass @ velocities / mass.sum()) * free[:, None]
    return MdState(system.positions.copy(), velocities)


_MAX_ENERGY_DRIFT = 0.1  # of the kinetic energy: what a block may gain or lose beyond the heat of its thermostats
MAX_KINETIC_GROWTH = 30.0  # times the kinetic energy at the start: atoms that fast have left their crystal
_MAX_TIMESTEP = 1e-13  # s: no atoms are so heavy that a longer time step follows them


def integer_from(low: int) -> Any:
    """Validate that a field holds a whole number, at least `low`."""

    def check(instance: Any, attribute: Any, value: Any) -> None:
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < low:
            given = f"{type(instance).__name__}: {attribute.name} = {value!r}"
            raise InputError(f"{given}, wanted a whole number of at least {low}")

    return check


Preparation = Literal["gradient", "uniform", "sides", "hot_group"]
_PREPARATIONS: tuple[Preparation, ...] = ("gradient", "uniform", "sides", "hot_group")


@frozen(kw_only=True)
class Protocol(BaseRecord):
    """How a run proceeds: preparation, equilibration, then blocks of one length.

    Attributes
    ----------
    thermostats : what keeps heat flowing, or brings the atoms to their temperatures
    sample_interval : divides the steps of a block
    power_interval : 0: the power is not measured
    subtract_flow : subtract the mean velocity of each plane of atoms from its temperature, as fluids require
    preparation : "gradient" starts from the straight line of temperatures between the thermostats, which stay on.  The
        others bring all atoms to their temperatures by Langevin thermostats during the equilibration and then leave
        them alone at constant energy: "uniform" at the mean temperature, "sides" the left side at the hot and the right
        side at the cold one, "hot_group" the atoms of the hot thermostat at the hot and all others at the cold one
    start : state to start from; None: atoms at rest, with velocities of the local temperature
    """

    thermostats: Thermostats = field(factory=Thermostats)
    timestep: float = field(validator=quantity(high=_MAX_TIMESTEP), metadata=about("s", "time step"))
    steps: int = field(validator=integer_from(1), metadata=about("1", "time steps of a block"))
    blocks: int = field(validator=integer_from(1), metadata=about("1", "blocks"))
    equilibration: int = field(
        default=0, validator=integer_from(0), metadata=about("1", "time steps before the first block")
    )
    sample_interval: int = field(
        default=10, validator=integer_from(1), metadata=about("1", "time steps between two samples of the temperatures")
    )
    power_interval: int = field(
        default=0,
        validator=integer_from(0),
        metadata=about("1", "time steps between two samples of the direct power through the plane"),
    )
    seed: int = field(default=0, validator=integer_from(0), metadata=about("1", "seed of the random numbers"))
    subtract_flow: bool = False
    max_energy_drift: float = field(
        default=_MAX_ENERGY_DRIFT,
        validator=quantity(),
        metadata=about("1", "largest change of the energy in a block beyond the heat given, of the kinetic energy"),
    )
    preparation: Preparation = field(default="gradient", validator=one_of(*_PREPARATIONS))
    replicas: int = field(default=1, validator=integer_from(1), metadata=about("1", "runs that differ in their seed"))
    start: MdState | None = None

    def __attrs_post_init__(self) -> None:
        for name in ("sample_interval", "power_interval"):
            every = getattr(self, name)
            if every and self.steps % every:
                block = f"the {self.steps} steps of a block"
                raise InputError(f"{name} = {every} steps does not divide {block}: take a divisor")

    @property
    def block(self) -> float:
        """Duration of a block, s."""
        return self.steps * self.timestep

    @property
    def total(self) -> int:
        """Time steps of the whole run."""
        return self.equilibration + self.blocks * self.steps


def check_thermostats(system: System, protocol: Protocol) -> None:
    """Refuse thermostats that have no atoms, or lack their numbers."""
    thermostats = protocol.thermostats
    for name in ("hot", "cold", "damping", "power", "period"):
        value = getattr(thermostats, name)
        kinds = (int, np.integer) if name == "period" else (int, float, np.integer, np.floating)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise InputError(f"thermostats: {name} = {value!r}, wanted a {'whole ' if name == 'period' else ''}number")
    if not np.isfinite([thermostats.hot, thermostats.cold]).all() or min(thermostats.hot, thermostats.cold) <= 0:
        raise InputError(
            f"thermostats at {thermostats.hot:g} and {thermostats.cold:g} K: give both above 0; where no temperature "
            "is set, the run starts from them"
        )
    if thermostats.kind == "none":
        return
    for role, side in ((HOT_ROLE, "hot"), (COLD_ROLE, "cold")):
        if not (system.role == role).any():
            raise InputError(
                f"{system.name}: no atom is in the {side} thermostat of kind {thermostats.kind!r}: build the system "
                "with thermostats"
            )
    if thermostats.kind == "langevin" and not thermostats.damping >= 2 * protocol.timestep:
        raise InputError(
            f"damping {thermostats.damping:g} s of the thermostats, wanted at least twice the time step of "
            f"{protocol.timestep:g} s"
        )
    power = thermostats.power
    if thermostats.kind == "exchange" and not (np.isfinite(power) and power != 0):
        raise InputError(f"power {power:g} W of thermostats of kind 'exchange', wanted a number other than 0")
    if thermostats.kind == "swap" and thermostats.period < 1:
        raise InputError(f"period {thermostats.period} steps of thermostats of kind 'swap', wanted at least 1")


def check_start(system: System, start: MdState) -> None:
    """Refuse a state to start from that is of other atoms, or not finite."""
    count, wanted = len(start.positions), system.masses.size
    if count != wanted:
        raise InputError(f"{system.name}: a state of {count} atoms for {wanted}: make it for this system")
    if not (np.isfinite(start.positions).all() and np.isfinite(start.velocities).all()):
        raise InputError(f"{system.name}: positions or velocities to start from are not finite")


def local_temperature(system: System, hot: float, cold: float) -> Array:
    """(n,) temperature on the straight line from thermostat to thermostat at the height of each atom, K; beyond their
    inner edges it is theirs, without any the mean.  In a system that repeats along z the line goes down and up again.
    """
    z = system.positions[:, 2]
    near = [z[system.role == role] for role in (HOT_ROLE, COLD_ROLE)]
    if not (near[0].size and near[1].size):
        return np.full(z.size, (hot + cold) / 2)
    if not system.periodic:
        return np.interp(z, [near[0].max(), near[1].min()], [hot, cold])
    knots = [near[0].min(), near[0].max(), near[1].min(), near[1].max()]
    return np.interp(z, knots, [hot, hot, cold, cold], period=float(system.lattice[2, 2]))


def gradient_state(system: System, hot: float, cold: float, seed: int) -> MdState:
    """State to start from: atoms at rest places, with velocities of twice the local temperature, as half of their
    kinetic energy becomes potential energy of vibration within a few periods.
    """
    return thermal_state(system, local_temperature(system, hot, cold), seed, double_temperature=True)


def starting_state(system: System, protocol: Protocol) -> MdState:
    """State that a protocol starts from: its own, or that of the gradient between its thermostats."""
    if protocol.start is not None:
        return protocol.start
    return gradient_state(system, protocol.thermostats.hot, protocol.thermostats.cold, protocol.seed)


@define(eq=False, kw_only=True)
class Thermometer:
    """Kinetic temperature of each plane of atoms, mean over samples; it stops a run that becomes unstable."""

    system: System
    every: int  # steps between two samples
    subtract_flow: bool = False  # whether the mean velocity of each plane is subtracted
    limit: float = np.inf  # J, kinetic energy beyond which the run is unstable
    total: Array = Factory(lambda self: np.zeros(self.system.counts.size), takes_self=True)  # (layers,) J
    samples: int = 0
    half_masses: Array = Factory(
        lambda self: np.where(self.system.role == FIXED_ROLE, 0.0, self.system.masses / 2), takes_self=True
    )

    def sample(self, _positions: Array, velocities: Array) -> None:
        """Add the kinetic energies of the planes."""
        energy = self.energies(velocities)
        if not energy.sum() < self.limit:
            raise ConvergenceError(
                f"{self.system.name}: kinetic energy {energy.sum():.3g} J, above {self.limit:.3g} J; the atoms have "
                "left their places: take a shorter time step, or start from a structure at rest"
            )
        self.total += energy
        self.samples += 1

    def energies(self, velocities: Array) -> Array:
        """(layers,) kinetic energy of each plane, J."""
        layer, layers = self.system.layer, self.total.size
        each = self.half_masses * np.einsum("ij,ij->i", velocities, velocities)
        energy: Array = np.asarray(np.bincount(layer, weights=each, minlength=layers), dtype=float)
        if not self.subtract_flow:
            return energy
        mass = np.bincount(layer, weights=2 * self.half_masses, minlength=layers)
        for axis in range(3):
            momentum = np.bincount(layer, weights=2 * self.half_masses * velocities[:, axis], minlength=layers)
            energy -= np.divide(momentum**2, 2 * mass, out=np.zeros(layers), where=mass > 0)
        return energy

    def mean(self) -> Array:
        """(layers,) mean temperature since the last time, K, 0 where atoms are held; starts anew."""
        free = np.bincount(self.system.layer, weights=self.system.role != FIXED_ROLE, minlength=self.total.size)
        freedom = 3 * (np.maximum(free - 1, 0) if self.subtract_flow else free)
        mean = np.divide(2 * self.total, k_B * freedom * self.samples, out=np.zeros(free.size), where=freedom > 0)
        self.total, self.samples = np.zeros(free.size), 0
        return mean


@define(eq=False)
class PowerMeter:
    """Mean of the direct power through the plane."""

    power: Any  # gives it from positions and velocities, W
    every: int  # steps between two samples; 0: never
    total: float = 0.0
    samples: int = 0

    def sample(self, positions: Array, velocities: Array) -> None:
        """Add one sample."""
        self.total += self.power(positions, velocities)
        self.samples += 1

    def mean(self) -> float:
        """Mean since the last time, W; starts anew."""
        mean = self.total / self.samples
        self.total, self.samples = 0.0, 0
        return mean


def advance_observed(
    motion: Dynamics, observers: Sequence[Thermometer | PowerMeter | Observer], step: int, steps: int
) -> None:
    """Do some time steps, and let each observer sample where `step`, counted on, is a multiple of its interval."""
    end = step + steps
    while step < end:
        due = min(end, *((step // observer.every + 1) * observer.every for observer in observers))
        motion.advance(due - step)
        step = due
        for one in observers:
            if step % one.every == 0:
                one.sample(motion.positions, motion.velocities)
