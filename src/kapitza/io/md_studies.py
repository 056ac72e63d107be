"""A file of a run at several lengths, or as a deck for another program."""

from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from kapitza.errors import InputError
from kapitza.io.md_runs import RunFile
from kapitza.run.store import Store
from kapitza.run.work import Progress
from kapitza.simulate.md.campaign import longer_course, size_runs
from kapitza.simulate.md.closed_analysis import Sizes
from kapitza.simulate.md.gpumd_text import gpumd_deck
from kapitza.simulate.md.heat_run import HeatRun
from kapitza.simulate.md.lammps_deck import lammps_deck
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.sizes import size_series
from kapitza.simulate.md.system import COLD, HELD, HOT, System


def size_study(
    held: RunFile,
    lengths: Sequence[float],
    *,
    count: int = 1,
    folder: str | Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Sizes:
    """Run the interface of a file between longer and longer sides, and extrapolate its resistance.

    Parameters
    ----------
    held : from `read_run`; its course is long enough for the lengths of the file, and is made longer by their square
    lengths : of each side, bath included, m; three or more
    count : runs of each length that differ in their seed
    folder : where results are kept, and what runs in progress need to go on
    workers : processes over which the runs are spread
    progress : called with the number of finished and of all runs

    Raises
    ------
    InputError
        for fewer than three lengths, or sides too short for their baths
    """
    if len(set(lengths)) < 3:
        raise InputError(f"{len(set(lengths))} lengths: an extrapolation with a check needs three or more")
    base = side_length(held.system())
    factors = sorted(length / base for length in lengths)
    systems = [held.system(factor=factor) for factor in factors]
    true = [side_length(system) / base for system in systems]
    courses = [longer_course(held.course, factor) for factor in true]
    found = size_runs(
        systems, held.field, held.engine, held.baths, courses, count,
        store=None if folder is None else Store(Path(folder)), workers=workers, progress=progress,
    )  # fmt: skip
    runs = tuple(
        HeatRun(
            system.name, tuple(one.record for one in each), equilibrated=course.equilibration * course.timestep
        )
        for system, course, each in zip(systems, courses, found, strict=True)
    )  # fmt: skip
    results = tuple(run.result() for run in runs)
    series = size_series(
        [one.resistance for one in results], [one.sigma for one in results],
        [between_baths(run.records[0]) for run in runs],
    )  # fmt: skip
    return Sizes(runs, results, series)


def side_length(system: System) -> float:
    """Length of the left side from the first plane that moves to the interface, m."""
    return system.plane - float(system.heights[system.roles != HELD].min())


def between_baths(record: Record) -> float:
    """Distance of the inner planes of the two baths, m."""
    hot, cold = record.heights[record.roles == HOT], record.heights[record.roles == COLD]
    return float(cold.min() - hot.max())


def run_deck(held: RunFile, engine: str, *, potential: str | None = None) -> dict[str, str]:
    """Files of a run for another program, by name.

    Parameters
    ----------
    held : from `read_run`
    engine : "lammps" or "gpumd"
    potential : path of the potential as GPUMD shall open it

    Raises
    ------
    InputError
        for baths that the program lacks, another engine, GPUMD without a potential
    """
    system = held.system()
    if engine == "gpumd":
        if potential is None:
            raise InputError(f"{held.title}: GPUMD needs a file of the potential, got {potential}")
        return gpumd_deck(system, potential, held.baths, evolve(held.course, power=0))
    if engine != "lammps":
        raise InputError(f"no decks for {engine!r:.40}: expected 'lammps' or 'gpumd'")
    # LAMMPS tallies the power of pair forces alone.
    course = held.course if held.field.form == "lennard-jones" else evolve(held.course, power=0)
    return lammps_deck(system, held.field, held.baths, course)
