"""What is sampled during a run, and how the observers that do so are made, in this process or in another."""

from abc import abstractmethod
from collections.abc import Callable

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray, about
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.engine import Observer
from kapitza.simulate.md.engines.lammps import LammpsForces
from kapitza.simulate.md.kernels.forces import KERNEL_FORMS, SystemForces, require_kernels
from kapitza.simulate.md.observers import plane_power
from kapitza.simulate.md.observers.mode_energies import InterfaceModeAnalysis, body_modes
from kapitza.simulate.md.observers.plane_power import DividedForcePower, PlanePower, ase_member_forces
from kapitza.simulate.md.observers.spectral_flux import LayerSpectra, SpectralCurrent
from kapitza.simulate.md.observers.welch import Precision, SegmentSettings
from kapitza.simulate.md.potential import AnyPotential, CalculatorPotential, LammpsCommands, Potential
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.system import FIXED_ROLE, FREE_ROLE, System

_LIST_SKIN = 0.3  # of the cutoff: lists of the few atoms near the plane may be long, and last
_SAMPLED_ATOMS = 48  # of a layer, whose velocities are transformed: enough for a temperature of any cross-section
_MAX_BODY_ATOMS = 700  # atoms whose vibrations are found by diagonalisation
SEGMENT_LENGTH = 512  # samples


@frozen
class Sampling(BaseRecord):
    """What is sampled during a run between two thermostats, and how often; of a closed cell, only `every` counts.

    Attributes
    ----------
    segment : 0: none of the power through the plane, and 512 samples for layers,
        with `reference`, and for vibrations, with `interface`
    reference : the second run has both thermostats at the mean temperature; mode temperatures are measured against it
    interface : follow what each vibration of the atoms near the plane carries
    """

    every: int = field(default=10, metadata=about("1", "steps between two samples"))
    segment: int = field(default=SEGMENT_LENGTH, metadata=about("1", "samples of one segment of the spectra"))
    planes: int = field(default=6, metadata=about("1", "free layers on each side whose velocities are transformed"))
    reference: int = field(default=0, metadata=about("1", "blocks of a second run, in equilibrium"))
    interface: bool = False


class ObserverRecipe(BaseRecord):
    """Base of records that make an observer, in this process or another, of a system and its potential."""

    __slots__ = ()

    @abstractmethod
    def __call__(self, system: System, potential: AnyPotential) -> Observer:
        """Make it for a system."""


def check_sampling(name: str, sampling: Sampling, protocol: Protocol) -> None:
    """Refuse, before the first step, a run that ends within the first segment of its spectra."""
    wanted = sampling.segment or SEGMENT_LENGTH
    for what, blocks in (("run", protocol.blocks), ("run in equilibrium ([modes] reference)", sampling.reference)):
        samples = blocks * protocol.steps // sampling.every
        if 0 < samples < wanted:
            raise InputError(
                f"{name}: the {what} ends after {samples} samples, a segment of its spectra takes {wanted}: take "
                f"longer, or a smaller [spectrum] {'interval' if not sampling.segment else 'segment'}"
            )


def has_power(potential: AnyPotential) -> bool:
    """Whether the power through the plane is known: by our kernels, or by forces of LAMMPS or a named calculator."""
    return not isinstance(potential, Potential) or potential.form in KERNEL_FORMS


def missing_spectra(potential: AnyPotential, sampling: Sampling) -> str:
    """Say what of the wanted sampling a potential cannot have, and why; empty if it has all."""
    wanted = [name for name, on in (("spectrum", sampling.segment), ("interface vibrations", sampling.interface)) if on]
    if not wanted or has_power(potential):
        return ""
    return (
        f"no power through the plane, {' and '.join(wanted)} of {potential.form!r:.40}: what atoms of one side do to "
        f"each atom of the other is known for {', '.join(KERNEL_FORMS)}, for potentials of LAMMPS and for "
        "calculators by name; heat flow of both thermostats, jump and temperatures of modes by layer are measured"
    )


def sampling_cost(potential: AnyPotential, sampling: Sampling) -> str:
    """Say before a run what the power through the plane costs where our kernels do not give it; empty where they do."""
    if isinstance(potential, Potential):
        return ""
    share = 2 * (1 + bool(sampling.interface)) / sampling.every  # of all atoms and of either side: as many atoms twice
    evaluations = f"up to {6 * _MAX_BODY_ATOMS} evaluations before the first step"
    vibrations = f", and for the vibrations near the plane {evaluations}" if sampling.interface else ""
    return (
        f"the power through the plane takes the forces of {potential.form!r:.40} with and without the other side every "
        f"{sampling.every} steps: up to {100 * share:.0f} % more time{vibrations}"
    )


def crossing_power(system: System, potential: AnyPotential) -> PlanePower | DividedForcePower:
    """Power through the plane of a system in any potential that has it; not of a calculator in a cell that repeats
    along z.

    Potentials with kernels share their energies among sites; of all others the forces with and without the other side
    are taken: of LAMMPS' on the atoms near the plane, of a calculator, whose range is not known, on all.
    """
    if isinstance(potential, LammpsCommands):
        forces = LammpsForces(system, potential)
        near = plane_power.atoms_near_plane(system, forces.cutoff)
        return DividedForcePower(forces, plane_power.divide_at_plane(system).right, near)
    if isinstance(potential, CalculatorPotential):
        if system.periodic:
            raise InputError(
                f"{system.name} repeats along z with two boundaries, and how far forces of {potential.form!r:.60} "
                "reach is not known, which would tell the powers through them apart: take kapitza md nemd or relax, or "
                "a potential of LAMMPS or of ours"
            )
        member_forces = ase_member_forces(potential.calculator(), system)
        return DividedForcePower(member_forces, plane_power.divide_at_plane(system).right)
    known = require_kernels(potential)
    return PlanePower(system, known, skin=_LIST_SKIN * known.cutoff)


def system_forces(system: System, potential: AnyPotential) -> Callable[[Array], Array]:
    """Forces (n, 3) N on the atoms of a system, as a function of positions (n, 3) m."""
    if isinstance(potential, LammpsCommands):
        return LammpsForces(system, potential)
    if isinstance(potential, CalculatorPotential):
        of_members, every = ase_member_forces(potential.calculator(), system), np.arange(system.masses.size)
        return lambda positions: of_members(positions, every)
    return SystemForces(system, require_kernels(potential))


def observer_recipes(sampling: Sampling, protocol: Protocol, potential: AnyPotential) -> dict[str, ObserverRecipe]:
    """How to make the observers of a run, by name."""
    known = has_power(potential)
    if protocol.preparation != "gradient":
        wanted = known and protocol.preparation == "uniform"
        return {"boundaries": BoundaryPowersRecipe(sampling.every)} if wanted else {}
    common = protocol.timestep, sampling.every, sampling.segment or SEGMENT_LENGTH
    recipes: dict[str, ObserverRecipe] = {}
    if known and sampling.segment:
        recipes["plane"] = PlaneSpectrumRecipe(*common)
    if known and sampling.interface:
        recipes["interface"] = InterfaceModesRecipe(*common)
    if sampling.planes and (sampling.segment or sampling.reference):
        recipes["layers"] = LayerSpectraRecipe(*common, sampling.planes)
    return recipes


@frozen(eq=False)
class SpectrumRecipe(ObserverRecipe):
    """Base of recipes of observers that transform segments of samples."""

    timestep: float = field(metadata=about("s", "time step"))
    every: int = field(metadata=about("1", "steps between two samples"))
    segment: int = field(metadata=about("1", "samples of one segment"))

    def settings(self, precision: Precision = "double") -> SegmentSettings:
        """Settings of the segments."""
        return SegmentSettings(timestep=self.timestep, every=self.every, segment=self.segment, precision=precision)


@frozen(eq=False)
class PlaneSpectrumRecipe(SpectrumRecipe):
    """Makes the observer of the spectral flux through the plane."""

    def __call__(self, system: System, potential: AnyPotential) -> SpectralCurrent:
        """Make it for a system."""
        crossing = crossing_power(system, potential)
        return SpectralCurrent(crossing, system.masses, self.settings("single"), area=system.area)


@frozen(eq=False)
class LayerSpectraRecipe(SpectrumRecipe):
    """Makes the observer of the velocities of some atoms in the free layers near the plane."""

    planes: int = field(metadata=about("1", "layers on each side"))

    def __call__(self, system: System, potential: AnyPotential) -> LayerSpectra:
        """Make it for a system."""
        free = np.flatnonzero((system.roles == FREE_ROLE) & (system.counts > 0))
        height = system.heights[free]
        left, right = free[height < system.plane][-self.planes :], free[height > system.plane][: self.planes]
        layers = [np.flatnonzero(system.layer == layer)[:_SAMPLED_ATOMS] for layer in [*left, *right]]
        return LayerSpectra(layers, system.positions, system.masses, self.settings("single"))


@frozen(eq=False)
class InterfaceModesRecipe(SpectrumRecipe):
    """Makes the observer of the heat that each vibration of the atoms near the plane carries."""

    def __call__(self, system: System, potential: AnyPotential) -> InterfaceModeAnalysis:
        """Make it for a system."""
        crossing = crossing_power(system, potential)
        body = _select_body(system, crossing.atoms)
        modes = body_modes(system_forces(system, potential), system.positions, system.masses, body)
        lags = min(64, self.segment // 2)
        return InterfaceModeAnalysis(crossing, system.masses, modes, self.settings(), area=system.area, lags=lags)


def _select_body(system: System, near: IntArray) -> IntArray:
    """Atoms about the plane whose vibrations are found: those near it, and as many planes beyond as can be solved."""
    if 3 * near.size > 2 * _MAX_BODY_ATOMS:
        raise InputError(
            f"{system.name}: {near.size} atoms near the plane, at most {2 * _MAX_BODY_ATOMS // 3} leave room for "
            f"others among the {_MAX_BODY_ATOMS} whose vibrations are found: leave interface out, or take a smaller "
            "cross-section"
        )
    away = np.abs(system.heights - system.plane)
    away[system.roles == FIXED_ROLE] = np.inf
    away[np.unique(system.layer[near])] = 0.0
    order = np.argsort(away, kind="stable")
    fits = order[(np.cumsum(system.counts[order]) <= _MAX_BODY_ATOMS) & np.isfinite(away[order])]
    return np.flatnonzero(np.isin(system.layer, fits))


class BoundaryPowers:
    """Observer of the power into the left side through both boundaries of a cell that repeats along z."""

    def __init__(self, system: System, potential: AnyPotential, *, every: int) -> None:
        self.every, self.values = every, np.zeros((1024, 2))
        self.filled = 0
        self.first = crossing_power(system, potential)
        # Seen from the other boundary, the left side has moved up by a box and is on the right.
        self.shift = np.where(system.right, 0.0, system.lattice[2, 2])[:, None] * np.array([0.0, 0.0, 1.0])
        moved = system.positions + self.shift
        low, high = moved[system.right, 2].max(), moved[~system.right, 2].min()
        self.second = crossing_power(evolve(system, positions=moved, plane=float(low + high) / 2), potential)

    @property
    def powers(self) -> Array:
        """(samples, 2) so far, W."""
        return self.values[: self.filled].copy()

    def sample(self, positions: Array, velocities: Array) -> None:
        """Take one sample."""
        if self.filled == len(self.values):
            self.values = np.concatenate([self.values, np.zeros_like(self.values)])
        into = -self.first.power(positions, velocities), self.second.power(positions + self.shift, velocities)
        self.values[self.filled] = into
        self.filled += 1

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All that it holds, to be written and restored."""
        return {"values": self.values[: self.filled].copy()}

    def restore(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        """Continue where another one left off."""
        self.values = np.asarray(arrays["values"], dtype=float).reshape(-1, 2)
        self.filled = len(self.values)
        self.values = np.concatenate([self.values, np.zeros((1024, 2))])


@frozen(eq=False)
class BoundaryPowersRecipe(ObserverRecipe):
    """Makes the observer of the power through both boundaries."""

    every: int = field(metadata=about("1", "steps between two samples"))

    def __call__(self, system: System, potential: AnyPotential) -> BoundaryPowers:
        """Make it for a system."""
        return BoundaryPowers(system, potential, every=self.every)
