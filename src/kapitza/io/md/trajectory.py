"""Spectra of runs that LAMMPS did elsewhere, from what it wrote of the atoms near the plane."""

import mmap
import warnings
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array, IntArray
from kapitza.core.files import open_regular
from kapitza.errors import DataError, KapitzaError
from kapitza.io.md.outputs import read_lammps
from kapitza.io.md.runs import RunFile
from kapitza.run.work import Progress, ignore_progress
from kapitza.simulate.md.engines.lammps_input import LAMMPS_SPEED, PLANE_COLUMNS, PLANE_FILE, make_box
from kapitza.simulate.md.kernels.forces import highest_frequencies
from kapitza.simulate.md.observers.sampling import SEGMENT_LENGTH, PlaneSpectrumRecipe, system_forces
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.run import Run
from kapitza.simulate.md.system import System
from kapitza.units import angstrom, ps

_MAX_TRAJECTORY_BYTES = 2**43
_FRAME = b"ITEM: TIMESTEP\n"
_ATOMS = f"ITEM: ATOMS {PLANE_COLUMNS}".encode()
_HEADER_LINES = 9  # of a frame, before its atoms
_COLUMNS = len(PLANE_COLUMNS.split())
_FRAMES_BETWEEN_REPORTS = 100


def read_lammps_run(
    folder: str | PathLike[str], file: RunFile, *, waited: float = 0.0, progress: Progress | None = None
) -> Run:
    r"""Read a run of LAMMPS with the spectral heat flux through the plane.

    The forces between the sides are computed anew from the positions that `plane.dump` holds, by the kernels of the
    built-in engine or, for potentials that it does not know, by LAMMPS in this process: the power is exact for
    many-body potentials, too, of which LAMMPS tallies the pair part alone.

    Parameters
    ----------
    folder : with what `kapitza.io.md.runs.run_deck` wrote with a spectrum, and LAMMPS beside it
    file : of the same run
    waited : time under the same thermostats before the first block, s
    progress : called with samples done and all

    Returns
    -------
    Run with its record, fluxes and highest frequencies, and the power of the samples where they cover all blocks

    Raises
    ------
    DataError
        with the file, for samples that are missing, cut short, of another run or another interval
    MissingEngine
        where LAMMPS is needed and not installed
    """
    record = read_lammps(folder)
    system, potential = file.system(), file.potential
    path = Path(folder) / PLANE_FILE
    check_same_run(record, system, file, path)
    sampling, protocol = file.sampling, file.protocol
    segment = sampling.segment or SEGMENT_LENGTH
    observer = PlaneSpectrumRecipe(protocol.timestep, sampling.every, segment)(system, potential)
    powers: list[float] = []
    tell = progress or ignore_progress
    with open_regular(path, _MAX_TRAJECTORY_BYTES) as stored:
        frames = _list_frames(stored, path, sampling.every)
        for done, (positions, velocities) in enumerate(_atoms_of_frames(stored, path, frames, system)):
            if done % _FRAMES_BETWEEN_REPORTS == 0:
                tell(done, len(frames))
            try:
                observer.sample(positions, velocities)
            except KapitzaError as err:
                raise DataError(f"sample {done + 1}: {err}", file=path) from err
            powers.append(float(observer.last_power))
    tell(len(frames), len(frames))
    per_block = protocol.steps // sampling.every
    blocks = len(record.power)
    if protocol.steps % sampling.every == 0 and len(powers) >= blocks * per_block:
        record = evolve(record, power=np.array(powers[: blocks * per_block]).reshape(blocks, per_block).mean(axis=1))
    return Run(
        title=record.name, records=(record,), fluxes=(observer.flux(record.method),), equilibration_time=waited,
        highest_frequency=highest_frequencies(system, system_forces(system, potential)),
    )  # fmt: skip


def check_same_run(record: Record, system: System, file: RunFile, path: Path) -> None:
    """Refuse the file of another run than that of the deck."""
    same = (
        record.heights.shape == system.heights.shape
        and np.abs(record.heights - system.heights).max() < 1e-3 * angstrom
        and np.array_equal(record.counts, system.counts)
        and abs(record.area / system.area - 1) < 1e-6
        and abs(record.timestep / file.protocol.timestep - 1) < 1e-9
    )
    if not same:
        raise DataError(
            f"{file.title!r:.60} has {system.masses.size} atoms in {system.heights.size} planes and steps of "
            f"{file.protocol.timestep / ps:g} ps, the deck {record.counts.sum()} in {record.heights.size} and "
            f"{record.timestep / ps:g} ps: give the file that the deck was made from",
            file=path.with_name("kapitza.json"),
        )


def _list_frames(stored: BinaryIO, path: Path, every: int) -> list[tuple[int, int]]:
    """Where each sample begins and ends in the file, in the order of time; of a run that was resumed the later ones."""
    found: dict[int, tuple[int, int]] = {}
    try:
        content = mmap.mmap(stored.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise DataError("is empty: has the run come to its first sample?", file=path) from None
    with content:
        start = content.find(_FRAME)
        while start >= 0:
            after = content.find(_FRAME, start + len(_FRAME))
            line = content[start + len(_FRAME) : start + len(_FRAME) + 25].split(b"\n")[0]
            if not line.strip().isdigit():
                raise DataError(f"expected the number of a step after byte {start}, got {line!r:.40}", file=path)
            step = int(line)
            while found and next(reversed(found)) >= step:
                found.popitem()
            if step:
                found[step] = (start, after if after >= 0 else len(content))
            start = after
    steps = list(found)
    wanted = range(every, every * (len(steps) + 1), every)
    missing = next((b for a, b in zip(steps, wanted, strict=True) if a != b), None)
    if missing is not None or not steps:
        raise DataError(
            f"lacks the sample of step {every if missing is None else missing}, of one every {every} steps: was it cut "
            "short, or written with another [spectrum] interval?",
            file=path,
        )
    return list(found.values())


def _atoms_of_frames(
    stored: BinaryIO, path: Path, frames: list[tuple[int, int]], system: System
) -> Iterator[tuple[Array, Array]]:
    """Positions, m, and velocities, m s⁻¹, (n, 3) of all atoms in each sample; those not in it are at rest."""
    rotation = make_box(system, system.positions).rotation
    inverse = np.linalg.inv(system.lattice)
    periods = np.array([1.0, 1.0, float(system.periodic)])
    positions, velocities = system.positions.copy(), np.zeros_like(system.positions)
    for last, (start, end) in zip([*[False] * (len(frames) - 1), True], frames, strict=True):
        stored.seek(start)
        rows = _read_frame(stored.read(end - start), path, start, len(positions), last=last)
        if rows is None:
            return
        atoms: IntArray = rows[:, 0].astype(np.int64) - 1
        away = rows[:, 1:4] * angstrom @ rotation - system.positions[atoms]
        away -= np.round(away @ inverse) * periods @ system.lattice
        positions[atoms] = system.positions[atoms] + away
        velocities[atoms] = rows[:, 4:] * LAMMPS_SPEED @ rotation
        yield positions, velocities


def _read_frame(text: bytes, path: Path, start: int, atoms: int, *, last: bool) -> Array | None:
    """(k, 7) number, position and velocity of each atom of a sample; None for a last one that was cut short."""
    lines = text.split(b"\n", _HEADER_LINES)
    if len(lines) == _HEADER_LINES + 1 and lines[8].strip() != _ATOMS:
        raise DataError(f"byte {start}: expected {_ATOMS.decode()}, got {lines[8]!r:.60}", file=path)
    complete = len(lines) == _HEADER_LINES + 1 and lines[3].strip().isdigit() and text.endswith(b"\n")
    values = _numbers(lines[-1]) if complete else np.zeros(0)
    if not complete or values.size != _COLUMNS * int(lines[3]):
        if last:
            return None
        raise DataError(f"the sample at byte {start} is cut short or damaged", file=path)
    rows = values.reshape(-1, _COLUMNS)
    numbers = rows[:, 0]
    if not (np.isfinite(rows).all() and (numbers % 1 == 0).all() and 1 <= numbers.min() <= numbers.max() <= atoms):
        raise DataError(f"the sample at byte {start} holds what is no atom of the {atoms} of the run", file=path)
    return rows


def _numbers(text: bytes) -> Array:
    """Numbers of a text, up to the first word that is none."""
    with warnings.catch_warnings(action="error"):
        try:
            return np.fromstring(text.decode("ascii", errors="replace"), sep=" ")
        except (DeprecationWarning, ValueError):
            return np.zeros(0)
