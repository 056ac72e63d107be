"""A run between two baths with all that is looked at on the way: the plane, the layers near it, its vibrations.

What costs little is always recorded, so that spectra and modes need no second run: the power through the plane with its
spectrum, and the spectra of the velocities of a sample of atoms in the layers near the plane.
"""

from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.errors import InputError
from kapitza.matter.brillouin import Integers
from kapitza.run.store import Store
from kapitza.run.work import Progress, silent
from kapitza.simulate.md.campaign import ObserverMaker, Replica, replicas
from kapitza.simulate.md.checkpoint import copied
from kapitza.simulate.md.engine import Baths, Engine
from kapitza.simulate.md.field import Field
from kapitza.simulate.md.interface_analysis import InterfaceAnalysis, ModeConductance, body_modes
from kapitza.simulate.md.jump import Nemd, analysed, replicated
from kapitza.simulate.md.kernels import ROOMS, energy_and_forces, species_of
from kapitza.simulate.md.layer_spectra import LayerSpectra, Spectra
from kapitza.simulate.md.neighbours import Surroundings
from kapitza.simulate.md.nemd import nemd
from kapitza.simulate.md.plane import PlanePower
from kapitza.simulate.md.protocol import Course
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.spectral_flux import SpectralFlux
from kapitza.simulate.md.spectrum import SpectralCurrent
from kapitza.simulate.md.system import FREE, HELD, System

HERE = "kapitza.simulate.md.heat_run:"
SAMPLE = 48  # atoms of a layer whose velocities are transformed: enough for a temperature, cheap for any cross-section
LARGEST_BODY = 700  # atoms whose vibrations are found by diagonalisation
SEGMENT = 512  # looks
ROOM = 1e-12  # m, of finite differences


@frozen
class Looks:
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
    segment: int = SEGMENT
    planes: int = 6
    still: int = 0
    interface: bool = False


@frozen(eq=False)
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
    flowing: tuple[Spectra, ...] = field(default=(), converter=tuple)
    still: tuple[Spectra, ...] = field(default=(), converter=tuple)
    modes: tuple[ModeConductance, ...] = field(default=(), converter=tuple)
    equilibrated: float = 0.0
    highest: Array = field(factory=lambda: np.zeros(2))

    def __attrs_post_init__(self) -> None:
        if not self.records:
            raise InputError(f"{self.title}: no record of a run")

    def result(self) -> Nemd:
        """Jump, flux and resistance of all runs together, with a verdict."""
        found = [analysed(one, equilibrated=self.equilibrated) for one in self.records]
        return found[0] if len(found) == 1 else replicated(found)

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

    def layers(self) -> tuple[Spectra, Spectra]:
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
        return joined(self.flowing), joined(self.still)


def joined(spectra: tuple[Spectra, ...]) -> Spectra:
    """Spectra of several runs as blocks of one."""
    first = spectra[0]
    return Spectra(
        first.omega, first.place, np.concatenate([one.parts for one in spectra]),
        np.concatenate([one.counts for one in spectra]),
    )  # fmt: skip


def heat_run(
    system: System,
    field: Field,
    engine: Engine,
    baths: Baths,
    course: Course,
    looks: Looks | None = None,
    *,
    count: int = 1,
    folder: str | Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> HeatRun:
    """Run a system between two baths, and keep all that spectra and modes need.

    Parameters
    ----------
    system, field, engine, baths, course : as in `nemd`
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
    seen = looks or Looks()
    plane_known = field.form in ROOMS
    makers = makers_of(seen, course, plane_known)
    if makers:
        check_looks(system.name, seen, course)
    quiet = evolve(baths, kind="langevin", hot=(baths.hot + baths.cold) / 2, cold=(baths.hot + baths.cold) / 2)
    still = evolve(course, blocks=max(seen.still, 1), power=0) if seen.still else None
    still_makers = {name: maker for name, maker in makers.items() if name == "layers"}
    tell = Counted(progress or silent, (course.blocks, seen.still if still_makers else 0), alone=count == 1)
    where = None if folder is None else Path(folder)
    flows = several(system, field, engine, baths, course, makers, count, where, workers, tell)
    rests: list[Replica] = []
    if still is not None and still_makers:
        rest = None if where is None else where / "still"
        rests = several(system, field, engine, quiet, still, still_makers, count, rest, workers, tell.second())
    found = {name: [restored(system, field, makers, name, one) for one in flows] for name in makers}
    calm = [restored(system, field, still_makers, "layers", one) for one in rests]
    method = f"{engine.name}, {baths.kind}, {field.form}"
    return HeatRun(
        system.name,
        tuple(one.record for one in flows),
        tuple(one.flux(method) for one in found.get("plane", [])),
        tuple(one.spectra() for one in found.get("layers", [])),
        tuple(one.spectra() for one in calm),
        tuple(one.result() for one in found.get("interface", [])),
        course.equilibration * course.timestep,
        highest_frequencies(system, field) if plane_known else np.zeros(2),
    )


def check_looks(name: str, looks: Looks, course: Course) -> None:
    """Refuse, before the first step, a run that ends within the first segment of its spectra."""
    wanted = looks.segment or SEGMENT
    for what, blocks in (("run", course.blocks), ("run in equilibrium ([modes] still)", looks.still)):
        found = blocks * course.steps // looks.every
        if 0 < found < wanted:
            raise InputError(
                f"{name}: the {what} ends after {found} looks, a segment of its spectra takes {wanted}: take longer, "
                f"or a smaller [spectrum] {'interval' if not looks.segment else 'segment'}"
            )


class Counted:
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

    def second(self) -> "Counted":
        """Go on with the second run."""
        self.before = self.blocks[0]
        return self


def several(
    system: System, field: Field, engine: Engine, baths: Baths, course: Course, makers: dict[str, ObserverMaker],
    count: int, folder: Path | None, workers: int, tell: Progress,
) -> list[Replica]:  # fmt: skip
    """One run in this process, block by block, or several as units of work."""
    if count > 1:
        store = None if folder is None else Store(folder)
        return replicas(
            system, field, engine, baths, course, count, observers=list(makers.values()), store=store, workers=workers,
            progress=tell,
        )  # fmt: skip
    observers = [maker(system, field) for maker in makers.values()]
    record = nemd(system, field, engine, baths, course, observers=observers, folder=folder, progress=tell)
    return [Replica(record, tuple(copied(observers)))]


def makers_of(looks: Looks, course: Course, plane_known: bool) -> dict[str, ObserverMaker]:
    """How to make the observers, by name."""
    common = {"timestep": course.timestep, "every": looks.every, "segment": looks.segment or SEGMENT}
    found: dict[str, ObserverMaker] = {}
    if plane_known and looks.segment:
        found["plane"] = ObserverMaker(HERE + "plane_spectrum", common)
    if plane_known and looks.interface:
        found["interface"] = ObserverMaker(HERE + "interface_modes", common)
    if looks.planes and (looks.segment or looks.still):
        found["layers"] = ObserverMaker(HERE + "near_layers", {**common, "planes": looks.planes})
    return found


def restored(system: System, field: Field, makers: dict[str, ObserverMaker], name: str, run: Replica) -> Any:
    """Return an observer as a run left it."""
    one: Any = makers[name](system, field)
    one.restore(run.seen[list(makers).index(name)])
    return one


def plane_spectrum(system: System, field: Field, *, timestep: float, every: int, segment: int) -> SpectralCurrent:
    """Observer of the spectral flux through the plane."""
    crossing = PlanePower(system, field, skin=0.3 * field.cutoff)
    return SpectralCurrent(
        crossing, system.masses, area=system.area, timestep=timestep, every=every, segment=segment, precision="single"
    )


def near_layers(
    system: System, _field: Field, *, timestep: float, every: int, segment: int, planes: int
) -> LayerSpectra:
    """Observer of the velocities of some atoms in the free layers near the plane."""
    free = np.flatnonzero((system.roles == FREE) & (system.counts > 0))
    height = system.heights[free]
    left, right = free[height < system.plane][-planes:], free[height > system.plane][:planes]
    layers = [np.flatnonzero(system.layer == one)[:SAMPLE] for one in [*left, *right]]
    return LayerSpectra(layers, system.positions, system.masses, timestep=timestep, every=every, segment=segment)


def interface_modes(system: System, field: Field, *, timestep: float, every: int, segment: int) -> InterfaceAnalysis:
    """Observer of the heat that each vibration of the atoms near the plane carries.

    Raises
    ------
    InputError
        for more atoms than can be diagonalised
    """
    crossing = PlanePower(system, field, skin=0.3 * field.cutoff)
    modes = body_modes(Forces(system, field), system.positions, system.masses, body(system, crossing.atoms))
    return InterfaceAnalysis(
        crossing, system.masses, modes, area=system.area, timestep=timestep, every=every, segment=segment,
        lags=min(64, segment // 2),
    )  # fmt: skip


def body(system: System, near: Integers) -> Integers:
    """Atoms about the plane whose vibrations are found: those near it, and as many planes beyond as can be solved.

    Raises
    ------
    InputError
        for more atoms than can be diagonalised
    """
    if 3 * near.size > 2 * LARGEST_BODY:
        raise InputError(
            f"{system.name}: {near.size} atoms near the plane, at most {2 * LARGEST_BODY // 3} leave room for others "
            f"among the {LARGEST_BODY} whose vibrations are found: leave interface out, or take a smaller cross-section"
        )
    away = np.abs(system.heights - system.plane)
    away[system.roles == HELD] = np.inf
    away[np.unique(system.layer[near])] = 0.0
    order = np.argsort(away, kind="stable")
    fits = order[(np.cumsum(system.counts[order]) <= LARGEST_BODY) & np.isfinite(away[order])]
    return np.flatnonzero(np.isin(system.layer, fits))


class Forces:
    """Forces of a potential on the atoms of a system, from positions alone."""

    def __init__(self, system: System, field: Field) -> None:
        self.field, self.species = field, species_of(system, field)
        self.around = Surroundings(system, field)

    def __call__(self, positions: Array) -> Array:
        """(n, 3) N at positions (n, 3) m."""
        return energy_and_forces(self.field, self.around.at(positions), positions, self.species)[1]


def highest_frequencies(system: System, field: Field) -> Array:
    r"""(2,) highest angular frequency of each side, rad s⁻¹.

    The largest eigenvalue of $-\partial F_i/\partial r_j/\sqrt{m_i m_j}$ among the atoms of one side, all others at
    rest, by Lanczos' method with central differences of the forces at rest.  Above the lower of the two no elastic
    process takes heat across.

    Parameters
    ----------
    system : atoms at rest
    field : a potential with kernels of its own
    """
    forces = Forces(system, field)
    return np.array([highest(forces, system, np.flatnonzero(side)) for side in (~system.right, system.right)])


def highest(forces: Forces, system: System, side: Integers) -> float:
    """Highest angular frequency of some atoms among others at rest, rad s⁻¹."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    atoms = side[system.role[side] != HELD]
    root = np.sqrt(system.masses[atoms])[:, None]

    def pulled(vector: Array) -> Array:
        shift = np.zeros_like(system.positions)
        shift[atoms] = vector.reshape(-1, 3) / root
        scale = ROOM / float(np.abs(shift).max())
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
