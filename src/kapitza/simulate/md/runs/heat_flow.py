"""A run between two baths with all that is looked at on the way: the plane, the layers near it, its vibrations.

What costs little is always recorded, so that spectra and modes need no second run: the power through the plane with its
spectrum, and the spectra of the velocities of a sample of atoms in the layers near the plane.
"""

from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, IntArray
from kapitza.core.conductance import Conductance
from kapitza.errors import InputError
from kapitza.run.store import Store
from kapitza.run.work import Progress, ignore_progress
from kapitza.simulate.md.analysis.nemd import NemdResult, analyse_nemd, combine_replicas
from kapitza.simulate.md.engine import MdEngine, Thermostats
from kapitza.simulate.md.kernels.forces import KERNEL_MODULES, energy_and_forces, map_species
from kapitza.simulate.md.kernels.neighbours import VerletList
from kapitza.simulate.md.observers.interface_modes import InterfaceModeAnalysis, ModeConductance, body_modes
from kapitza.simulate.md.observers.plane_power import PlanePower
from kapitza.simulate.md.observers.spectral_flux import SpectralCurrent, SpectralFlux
from kapitza.simulate.md.observers.velocity_spectra import LayerSpectra, VelocitySpectra
from kapitza.simulate.md.potential import Potential
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.checkpoint import observer_arrays
from kapitza.simulate.md.runs.replicas import ObserverRecipe, Replica, run_replicas
from kapitza.simulate.md.runs.single import run_nemd
from kapitza.simulate.md.system import FREE_ROLE, HELD_ROLE, System

_RECIPE_MODULE = "kapitza.simulate.md.runs.heat_flow:"
_SAMPLED_ATOMS = (
    48  # atoms of a layer whose velocities are transformed: enough for a temperature, cheap for any cross-section
)
_MAX_BODY_ATOMS = 700  # atoms whose vibrations are found by diagonalisation
_SEGMENT_LENGTH = 512  # looks
_FORCE_STEP = 1e-12  # m, of finite differences


@frozen
class Sampling:
    """What is looked at during a run.

    Attributes
    ----------
    every : steps between two looks
    segment : looks of one segment of the spectra; 0: none of the power through the plane, and `SEGMENT` looks for
        layers, with `still`, and for vibrations, with `interface`
    planes : free layers on each side of the plane whose velocities are transformed; 0: none
    still : blocks of a second run with both baths at the mean temperature, against which mode temperatures are measured
    interface : follow what each vibration of the atoms near the plane carries
    """

    every: int = 10
    segment: int = _SEGMENT_LENGTH
    planes: int = 6
    still: int = 0
    interface: bool = False


@frozen(eq=False, kw_only=True)
class HeatRun:
    """What one system left behind between two baths, in one or several runs.

    Attributes
    ----------
    title : for legends
    records : block averages of each run
    fluxes : spectral flux through the plane of each run; empty where nobody looked
    flowing : spectra of the layers near the plane between the baths, of each run
    still : the same in equilibrium at the mean temperature
    modes : what each vibration of the atoms near the plane carried, of each run
    equilibrated : time under the same baths before the blocks began, s
    highest : (2,) highest angular frequency of the left and the right crystal at rest, rad s⁻¹; 0 where unknown
    """

    title: str
    records: tuple[Record, ...] = field(converter=tuple)
    fluxes: tuple[SpectralFlux, ...] = field(default=(), converter=tuple)
    flowing: tuple[VelocitySpectra, ...] = field(default=(), converter=tuple)
    still: tuple[VelocitySpectra, ...] = field(default=(), converter=tuple)
    modes: tuple[ModeConductance, ...] = field(default=(), converter=tuple)
    equilibrated: float = field(default=0.0, metadata={"unit": "s"})
    highest: Array = field(factory=lambda: np.zeros(2), metadata={"unit": "rad s^-1"})

    def __attrs_post_init__(self) -> None:
        if not self.records:
            raise InputError(f"{self.title}: no record of a run")

    def result(self) -> NemdResult:
        """Jump, flux and resistance of all runs together, with a verdict."""
        found = [analyse_nemd(one, equilibrated=self.equilibrated) for one in self.records]
        return found[0] if len(found) == 1 else combine_replicas(found)

    @property
    def conductance(self) -> Conductance:
        """Of the jump of the extrapolated branches, classical."""
        return self.result().conductance()

    def flux(self) -> SpectralFlux:
        """Spectral flux of all runs together.

        Raises
        ------
        InputError
            where nobody looked
        """
        if not self.fluxes:
            raise InputError(
                f"{self.title}: no spectrum was taken: run `kapitza md nemd` with [spectrum] segment = 512 in the "
                "file; decks for a cluster take none"
            )
        if len(self.fluxes) == 1:
            return self.fluxes[0]
        direct = [one.direct for one in self.fluxes]
        weights = [float(one.counts.sum()) for one in self.fluxes]
        return evolve(
            self.fluxes[0],
            parts=np.concatenate([one.parts for one in self.fluxes]),
            direct=None if any(one is None for one in direct) else np.concatenate([d for d in direct if d is not None]),
            counts=np.concatenate([one.counts for one in self.fluxes]),
            motion=np.average([one.motion for one in self.fluxes], axis=0, weights=weights),
        )

    def layers(self) -> tuple[VelocitySpectra, VelocitySpectra]:
        """Spectra of the layers near the plane between the baths and in equilibrium, of all runs together.

        Raises
        ------
        InputError
            where one of them is missing
        """
        if not self.flowing:
            raise InputError(
                f"{self.title}: no spectra of layers were taken: run `kapitza md nemd` with [modes] planes = 6 in the "
                "file; decks for a cluster take none"
            )
        if not self.still:
            raise InputError(
                f"{self.title}: no run in equilibrium to measure mode temperatures against: put [modes] still = "
                '"400 ps" into the file and give the same command again; the run between the baths is kept'
            )
        return _concatenate_spectra(self.flowing), _concatenate_spectra(self.still)


def _concatenate_spectra(spectra: tuple[VelocitySpectra, ...]) -> VelocitySpectra:
    """Spectra of several runs as blocks of one."""
    first = spectra[0]
    return VelocitySpectra(
        first.omega, first.place, np.concatenate([one.parts for one in spectra]),
        np.concatenate([one.counts for one in spectra]),
    )  # fmt: skip


def run_heat_flow(
    system: System,
    field: Potential,
    engine: MdEngine,
    baths: Thermostats,
    course: Protocol,
    looks: Sampling | None = None,
    *,
    count: int = 1,
    folder: str | Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> HeatRun:
    """Run a system between two baths, and keep all that spectra and modes need.

    Parameters
    ----------
    system, field, engine, baths, course : as in `run_nemd`
    looks : what is looked at; None: the power and its spectrum, and the layers near the plane
    count : runs that differ in their seed
    folder : where runs in progress are kept; the same call goes on from there
    workers : processes over which several runs are spread
    progress : called with what is done and what there is to do: blocks of one run, or runs of several

    Raises
    ------
    InputError
        for inputs that do not fit, or a folder of a run with other inputs
    ConvergenceError
        if atoms leave the crystal, or energy is not conserved
    """
    seen = looks or Sampling()
    plane_known = field.form in KERNEL_MODULES
    makers = _observer_recipes(seen, course, plane_known)
    if makers:
        _check_sampling(system.name, seen, course)
    quiet = evolve(baths, kind="langevin", hot=(baths.hot + baths.cold) / 2, cold=(baths.hot + baths.cold) / 2)
    still = evolve(course, blocks=max(seen.still, 1), power=0) if seen.still else None
    still_makers = {name: maker for name, maker in makers.items() if name == "layers"}
    tell = _TwoStageProgress(
        progress or ignore_progress, (course.blocks, seen.still if still_makers else 0), alone=count == 1
    )
    where = None if folder is None else Path(folder)
    flows = _run_several(system, field, engine, baths, course, makers, count, where, workers, tell)
    rests: list[Replica] = []
    if still is not None and still_makers:
        rest = None if where is None else where / "still"
        rests = _run_several(system, field, engine, quiet, still, still_makers, count, rest, workers, tell.second())
    found = {name: [_restore_observer(system, field, makers, name, one) for one in flows] for name in makers}
    calm = [_restore_observer(system, field, still_makers, "layers", one) for one in rests]
    method = f"{engine.name}, {baths.kind}, {field.form}"
    return HeatRun(
        title=system.name,
        records=tuple(one.record for one in flows),
        fluxes=tuple(one.flux(method) for one in found.get("plane", [])),
        flowing=tuple(one.spectra() for one in found.get("layers", [])),
        still=tuple(one.spectra() for one in calm),
        modes=tuple(one.result() for one in found.get("interface", [])),
        equilibrated=course.equilibration * course.timestep,
        highest=highest_frequencies(system, field) if plane_known else np.zeros(2),
    )


def _check_sampling(name: str, looks: Sampling, course: Protocol) -> None:
    """Refuse, before the first step, a run that ends within the first segment of its spectra."""
    wanted = looks.segment or _SEGMENT_LENGTH
    for what, blocks in (("run", course.blocks), ("run in equilibrium ([modes] still)", looks.still)):
        found = blocks * course.steps // looks.every
        if 0 < found < wanted:
            raise InputError(
                f"{name}: the {what} ends after {found} looks, a segment of its spectra takes {wanted}: take longer, "
                f"or a smaller [spectrum] {'interval' if not looks.segment else 'segment'}"
            )


class _TwoStageProgress:
    """Progress of two runs, one after the other, as one."""

    def __init__(self, tell: Progress, blocks: tuple[int, int], *, alone: bool) -> None:
        self.tell, self.alone = tell, alone
        self.blocks, self.before = blocks, 0

    def __call__(self, done: int, total: int) -> None:
        """Tell how much is done of both."""
        if self.alone:
            self.tell(self.before + done, sum(self.blocks))
        else:
            self.tell(done, total)

    def second(self) -> "_TwoStageProgress":
        """Go on with the second run."""
        self.before = self.blocks[0]
        return self


def _run_several(
    system: System, field: Potential, engine: MdEngine, baths: Thermostats, course: Protocol,
    makers: dict[str, ObserverRecipe],
    count: int, folder: Path | None, workers: int, tell: Progress,
) -> list[Replica]:  # fmt: skip
    """One run in this process, block by block, or several as units of work."""
    if count > 1:
        store = None if folder is None else Store(folder)
        return run_replicas(
            system, field, engine, baths, course, count, observers=list(makers.values()), store=store, workers=workers,
            progress=tell,
        )  # fmt: skip
    observers = [maker(system, field) for maker in makers.values()]
    record = run_nemd(system, field, engine, baths, course, observers=observers, folder=folder, progress=tell)
    return [Replica(record, tuple(observer_arrays(observers)))]


def _observer_recipes(looks: Sampling, course: Protocol, plane_known: bool) -> dict[str, ObserverRecipe]:
    """How to make the observers, by name."""
    common = {"timestep": course.timestep, "every": looks.every, "segment": looks.segment or _SEGMENT_LENGTH}
    found: dict[str, ObserverRecipe] = {}
    if plane_known and looks.segment:
        found["plane"] = ObserverRecipe(_RECIPE_MODULE + "make_plane_spectrum", common)
    if plane_known and looks.interface:
        found["interface"] = ObserverRecipe(_RECIPE_MODULE + "make_interface_modes", common)
    if looks.planes and (looks.segment or looks.still):
        found["layers"] = ObserverRecipe(_RECIPE_MODULE + "make_layer_spectra", {**common, "planes": looks.planes})
    return found


def _restore_observer(
    system: System, field: Potential, makers: dict[str, ObserverRecipe], name: str, run: Replica
) -> Any:
    """Return an observer as a run left it."""
    one: Any = makers[name](system, field)
    one.restore(run.seen[list(makers).index(name)])
    return one


def make_plane_spectrum(
    system: System, field: Potential, *, timestep: float, every: int, segment: int
) -> SpectralCurrent:
    """Observer of the spectral flux through the plane."""
    crossing = PlanePower(system, field, skin=0.3 * field.cutoff)
    return SpectralCurrent(
        crossing, system.masses, area=system.area, timestep=timestep, every=every, segment=segment, precision="single"
    )


def make_layer_spectra(
    system: System, _field: Potential, *, timestep: float, every: int, segment: int, planes: int
) -> LayerSpectra:
    """Observer of the velocities of some atoms in the free layers near the plane."""
    free = np.flatnonzero((system.roles == FREE_ROLE) & (system.counts > 0))
    height = system.heights[free]
    left, right = free[height < system.plane][-planes:], free[height > system.plane][:planes]
    layers = [np.flatnonzero(system.layer == one)[:_SAMPLED_ATOMS] for one in [*left, *right]]
    return LayerSpectra(layers, system.positions, system.masses, timestep=timestep, every=every, segment=segment)


def make_interface_modes(
    system: System, field: Potential, *, timestep: float, every: int, segment: int
) -> InterfaceModeAnalysis:
    """Observer of the heat that each vibration of the atoms near the plane carries.

    Raises
    ------
    InputError
        for more atoms than can be diagonalised
    """
    crossing = PlanePower(system, field, skin=0.3 * field.cutoff)
    modes = body_modes(
        _SystemForces(system, field), system.positions, system.masses, _select_body(system, crossing.atoms)
    )
    return InterfaceModeAnalysis(
        crossing, system.masses, modes, area=system.area, timestep=timestep, every=every, segment=segment,
        lags=min(64, segment // 2),
    )  # fmt: skip


def _select_body(system: System, near: IntArray) -> IntArray:
    """Atoms about the plane whose vibrations are found: those near it, and as many planes beyond as can be solved.

    Raises
    ------
    InputError
        for more atoms than can be diagonalised
    """
    if 3 * near.size > 2 * _MAX_BODY_ATOMS:
        raise InputError(
            f"{system.name}: {near.size} atoms near the plane, at most {2 * _MAX_BODY_ATOMS // 3} leave room "
            "for others "
            f"among the {_MAX_BODY_ATOMS} whose vibrations are found: leave interface out, or take a smaller "
            "cross-section"
        )
    away = np.abs(system.heights - system.plane)
    away[system.roles == HELD_ROLE] = np.inf
    away[np.unique(system.layer[near])] = 0.0
    order = np.argsort(away, kind="stable")
    fits = order[(np.cumsum(system.counts[order]) <= _MAX_BODY_ATOMS) & np.isfinite(away[order])]
    return np.flatnonzero(np.isin(system.layer, fits))


class _SystemForces:
    """Forces of a potential on the atoms of a system, from positions alone."""

    def __init__(self, system: System, field: Potential) -> None:
        self.field, self.species = field, map_species(system, field)
        self.around = VerletList(system, field)

    def __call__(self, positions: Array) -> Array:
        """(n, 3) N at positions (n, 3) m."""
        return energy_and_forces(self.field, self.around.at(positions), positions, self.species)[1]


def highest_frequencies(system: System, field: Potential) -> Array:
    r"""(2,) highest angular frequency of each side, rad s⁻¹.

    The largest eigenvalue of $-\partial F_i/\partial r_j/\sqrt{m_i m_j}$ among the atoms of one side, all others at
    rest, by Lanczos' method with central differences of the forces at rest.  Above the lower of the two no elastic
    process takes heat across.

    Parameters
    ----------
    system : atoms at rest
    field : a potential with kernels of its own
    """
    forces = _SystemForces(system, field)
    return np.array(
        [_largest_eigenfrequency(forces, system, np.flatnonzero(side)) for side in (~system.right, system.right)]
    )


def _largest_eigenfrequency(forces: _SystemForces, system: System, side: IntArray) -> float:
    """Highest angular frequency of some atoms among others at rest, rad s⁻¹."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    atoms = side[system.role[side] != HELD_ROLE]
    root = np.sqrt(system.masses[atoms])[:, None]

    def pulled(vector: Array) -> Array:
        shift = np.zeros_like(system.positions)
        shift[atoms] = vector.reshape(-1, 3) / root
        scale = _FORCE_STEP / float(np.abs(shift).max())
        there, back = (forces(system.positions + sign * scale * shift)[atoms] for sign in (1, -1))
        return ((back - there) / (2 * scale) / root).ravel()

    size = 3 * atoms.size
    # A fixed start, so that the same system gives the same number.
    start = np.random.default_rng(0).normal(size=size)
    make: Any = LinearOperator  # whose types know of subclasses alone
    find: Any = eigsh
    operator = make((size, size), matvec=pulled, dtype=float)
    value = find(operator, k=1, which="LA", v0=start, tol=1e-3, return_eigenvectors=False)
    return float(np.sqrt(max(0.0, float(value[0]))))
