r"""Spectra of runs that LAMMPS or GPUMD did elsewhere, from the atoms near the plane or GPUMD's correlation function.

GPUMD writes of each atom a virial tensor $W_i = \sum_j r_{ij} \otimes \partial U_j/\partial r_{ji}$ with which the
heat flow of any of its potentials, machine-learned ones included, is $\sum_i W_i·v_i$ but for what atoms carry along.
Over a slab of volume V about the plane this gives the mean flux $q(\omega) = \sum_i \mathrm{Re}⟨W_i v_i^*⟩/V$, in
place of that through one plane: totals agree in steady flow, single frequencies differ by what scattering in the slab
turns into others.  Z. Fan et al., Phys. Rev. B 92, 094301 (2015), doi:10.1103/PhysRevB.92.094301; 99, 064308 (2019),
doi:10.1103/PhysRevB.99.064308.
"""

import mmap
import re
import warnings
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array, BoolArray, IntArray, positive
from kapitza.core.files import open_regular, read_limited
from kapitza.errors import DataError, InputError, KapitzaError
from kapitza.io.md.outputs import number_lines, read_gpumd, read_lammps
from kapitza.io.md.runs import RunFile
from kapitza.run.work import Progress, ignore_progress
from kapitza.simulate.md.engines.gpumd import GPUMD_PLANE_FILE, GPUMD_SPEED, SHC_FILE, Slab, slab_of_layers
from kapitza.simulate.md.engines.lammps_input import LAMMPS_SPEED, PLANE_COLUMNS, PLANE_FILE, make_box
from kapitza.simulate.md.kernels.forces import SystemForces, highest_frequencies, require_kernels
from kapitza.simulate.md.observers.plane_power import layers_near_plane
from kapitza.simulate.md.observers.sampling import SEGMENT_LENGTH, PlaneSpectrumRecipe, system_forces
from kapitza.simulate.md.observers.spectral_flux import SpectralCurrent, SpectralFlux
from kapitza.simulate.md.observers.welch import SegmentSettings
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.run import Run
from kapitza.simulate.md.system import System
from kapitza.units import angstrom, eV, fs, ps

FluxSource = Literal["virials", "kernels", "shc"]
FLUX_SOURCES: tuple[FluxSource, ...] = ("virials", "kernels", "shc")

_MAX_TRAJECTORY_BYTES = 2**43
_MAX_SHC_BYTES = 2**28
_LONGEST_LINE = 4096  # bytes
_REPORT_EVERY = 100  # samples between two reports
_TIME_TOLERANCE = 1e-2  # of the interval between two samples
_COLUMNS_WANTED = {"pos": 3, "vel": 3, "virial": 9}
_NORMAL_ROW = slice(6, 9)  # of a virial in the order xx xy xz yx yy yz zx zy zz
_MAX_SHC_NUMBERS = 5 * 10**7  # of the matrix that transforms correlations
_SHC_TOLERANCE = 1e-3  # of the largest value: printed spectra against those of the printed correlations
_FRAME = b"ITEM: TIMESTEP\n"
_ATOMS = f"ITEM: ATOMS {PLANE_COLUMNS}".encode()
_HEADER_LINES = 9  # of a frame, before its atoms
_COLUMNS = len(PLANE_COLUMNS.split())


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
    _check_same_run(record, system, file, path)
    sampling, protocol = file.sampling, file.protocol
    segment = sampling.segment or SEGMENT_LENGTH
    observer = PlaneSpectrumRecipe(protocol.timestep, sampling.every, segment)(system, potential)
    powers: list[float] = []
    tell = progress or ignore_progress
    with open_regular(path, _MAX_TRAJECTORY_BYTES) as stored:
        frames = _list_frames(stored, path, sampling.every)
        for done, (positions, velocities) in enumerate(_atoms_of_frames(stored, path, frames, system)):
            if done % _REPORT_EVERY == 0:
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


def _nearest_images(system: System, atoms: IntArray, positions: Array) -> Array:
    """Positions of atoms, m, each the image nearest to where the atom is at rest."""
    away = positions - system.positions[atoms]
    periods = np.round(away @ np.linalg.inv(system.lattice)) * [1.0, 1.0, float(system.periodic)]
    return system.positions[atoms] + (away - periods @ system.lattice)


def _check_same_run(record: Record, system: System, file: RunFile, path: Path) -> None:
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
    positions, velocities = system.positions.copy(), np.zeros_like(system.positions)
    for last, (start, end) in zip([*[False] * (len(frames) - 1), True], frames, strict=True):
        stored.seek(start)
        rows = _read_frame(stored.read(end - start), path, start, len(positions), last=last)
        if rows is None:
            return
        atoms: IntArray = rows[:, 0].astype(np.int64) - 1
        positions[atoms] = _nearest_images(system, atoms, rows[:, 1:4] * angstrom @ rotation)
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


def read_gpumd_run(
    folder: str | PathLike[str],
    file: RunFile,
    *,
    source: FluxSource = "virials",
    waited: float = 0.0,
    progress: Progress | None = None,
) -> Run:
    r"""Read a run of GPUMD with its spectral heat flux.

    Parameters
    ----------
    folder : with what `kapitza.io.md.runs.run_deck` wrote with a spectrum, and GPUMD beside it
    file : of the same run
    source : "virials": mean over the slab about the plane of the flux by GPUMD's virials in `plane.xyz`, for any
        potential.  "kernels": exact flux through the plane by the kernels of the potential of the file, which must be
        the one that GPUMD had.  "shc": mean over the slab from `shc.out`, without an error unless it holds several runs
    waited : time under the same thermostats before the first block, s
    progress : called with samples done and all

    Returns
    -------
    Run with its record and flux; the samples were taken in front of its blocks

    Raises
    ------
    DataError
        with the file, for samples that are missing, cut short, of another run or another interval
    InputError
        for a potential without kernels, if they are to be used
    """
    if source not in FLUX_SOURCES:
        raise InputError(f"source {source!r:.40}, wanted {', '.join(FLUX_SOURCES)}")
    place = Path(folder)
    record, system = read_gpumd(place), file.system()
    _check_same_run(record, system, file, place / GPUMD_PLANE_FILE)
    slab = slab_of_layers(system, layers_near_plane(system, file.potential.cutoff))
    highest = np.zeros(2)
    if source == "kernels":
        highest = highest_frequencies(system, SystemForces(system, require_kernels(file.potential)))
    if source == "shc":
        flux = read_shc(place / SHC_FILE, slab.volume, method=record.method)
    else:
        every, timestep = file.sampling.every, file.protocol.timestep
        segment = file.sampling.segment or SEGMENT_LENGTH
        if source == "kernels":
            recipe = PlaneSpectrumRecipe(timestep, every, segment)
            observer = recipe(system, require_kernels(file.potential))
        else:
            crossing = _SlabForces(slab.atoms, system.right[slab.atoms], slab.thickness)
            settings = SegmentSettings(timestep=timestep, every=every, segment=segment)
            observer = SpectralCurrent(crossing, system.masses, settings, area=system.area)
        _observe_samples(place / GPUMD_PLANE_FILE, file, system, slab, observer, progress or ignore_progress)
        flux = observer.flux(record.method)
    return Run(
        title=record.name, records=(record,), fluxes=(flux,), equilibration_time=waited, highest_frequency=highest
    )


class _SlabForces:
    """The rows of the virials that carry heat along the normal, over the thickness, as forces across a plane."""

    def __init__(self, atoms: IntArray, right: BoolArray, thickness: float) -> None:
        self.atoms, self.right = atoms, right
        self.scale = np.where(right, 1.0, -1.0)[:, None] * eV / thickness
        self.held = np.zeros((atoms.size, 3))

    def hold(self, virials: Array) -> None:
        """Take those of a sample, (k, 3) eV."""
        self.held = self.scale * virials

    def forces(self, positions: Array) -> Array:
        """(k, 3) N of the sample that is held."""
        return self.held


def _observe_samples(
    path: Path, file: RunFile, system: System, slab: Slab, observer: SpectralCurrent, tell: Progress
) -> None:
    positions, velocities = system.positions.copy(), np.zeros_like(system.positions)
    interval = file.sampling.every * file.protocol.timestep
    with open_regular(path, _MAX_TRAJECTORY_BYTES) as stored:
        stored.seek(0, 2)
        size = stored.tell()
        stored.seek(0)
        names = [system.kinds[kind] for kind in system.species[slab.atoms]]
        for done, (x, v, w) in enumerate(_samples(stored, path, names, interval)):
            if done % _REPORT_EVERY == 0:
                tell(done, round(done * size / stored.tell()))
            positions[slab.atoms] = _nearest_images(system, slab.atoms, x * angstrom)
            velocities[slab.atoms] = v * GPUMD_SPEED
            if isinstance(observer.crossing, _SlabForces):
                observer.crossing.hold(w)
            try:
                observer.sample(positions, velocities)
            except KapitzaError as err:
                raise DataError(f"sample {done + 1}: {err}", file=path) from err


def _samples(stored: BinaryIO, path: Path, names: list[str], interval: float) -> Iterator[tuple[Array, Array, Array]]:
    """Positions, Å, velocities, Å fs⁻¹, and normal rows of the virials, eV, (k, 3) of each sample in turn."""
    last: float | None = None
    number = 0
    while first := stored.readline(_LONGEST_LINE):
        number += 1
        where = f"sample {number}"
        if first.strip() != str(len(names)).encode():
            raise DataError(f"{where}: expected {len(names)} atoms, got {first[:40]!r}", file=path)
        head = stored.readline(_LONGEST_LINE)
        lines = [stored.readline(_LONGEST_LINE) for _ in names]
        if not lines[-1].endswith(b"\n"):
            if stored.read(1):
                raise DataError(f"{where}: a line of more than {_LONGEST_LINE} bytes", file=path)
            if number == 1:
                raise DataError(f"{where} is cut short, and it is the only one", file=path)
            return  # the last one, of a run that was killed while it wrote
        columns, time = _read_head(head, path, where)
        if last is not None and abs(time - last - interval / fs) > _TIME_TOLERANCE * interval / fs:
            raise DataError(
                f"{where} is {time - last:g} fs after the one before, wanted {interval / fs:g} fs: was it cut short, "
                "appended to, or written with another [spectrum] interval?",
                file=path,
            )
        last = time
        table = _sample_numbers(lines, columns, names, path, where)
        yield table[:, :3], table[:, 3:6], table[:, 6:]
    if number == 0:
        raise DataError("is empty: has the run come to its first sample?", file=path)


def _read_head(head: bytes, path: Path, where: str) -> tuple[list[int], float]:
    """Columns of positions, velocities and normal rows of the virials, how many there are (last), and the time, fs."""
    text = head.decode("ascii", errors="replace")
    time = re.search(r"\bTime=([-+.\deE]+)", text)
    properties = re.search(r"\bproperties=(\S+)", text, re.IGNORECASE)
    if time is None or properties is None:
        raise DataError(f"{where}: no Time= and Properties= in {text[:60]!r}", file=path)
    words = properties[1].split(":")
    places, start = dict[str, int](), 0
    for name, kind, count in zip(words[::3], words[1::3], words[2::3], strict=False):
        if not (count.isdigit() and len(count) < 4 and kind in ("S", "R", "I", "L")):
            raise DataError(f"{where}: {properties[1]:.80} names no columns", file=path)
        if _COLUMNS_WANTED.get(name) == int(count):
            places[name] = start
        start += int(count)
    missing = [name for name in _COLUMNS_WANTED if name not in places]
    if missing or words[:3] != ["species", "S", "1"] or len(words) % 3:
        raise DataError(f"{where}: {properties[1]:.80} lacks {', '.join(missing) or 'the species'}", file=path)
    try:
        when = float(time[1])
    except ValueError as err:
        raise DataError(f"{where}: a time of {time[1]:.40}", file=path) from err
    virial = range(places["virial"] + _NORMAL_ROW.start, places["virial"] + _NORMAL_ROW.stop)
    return [*range(places["pos"], places["pos"] + 3), *range(places["vel"], places["vel"] + 3), *virial, start], when


def _sample_numbers(lines: list[bytes], columns: list[int], names: list[str], path: Path, where: str) -> Array:
    """(k, 9) numbers of all atoms of a sample."""
    *wanted, width = columns
    words = b"".join(lines).split()
    if len(words) != width * len(names):
        raise DataError(f"{where} has {len(words)} words, wanted {width} for each of {len(names)} atoms", file=path)
    table = np.array(words).reshape(-1, width)
    try:
        numbers = table[:, wanted].astype(float)
    except ValueError as err:
        raise DataError(f"{where}: {err}", file=path) from err
    if not np.isfinite(numbers).all():
        raise DataError(f"{where} holds a number that is not finite", file=path)
    for name in dict.fromkeys(names):
        elements = {word.decode("ascii", "replace") for word in set(table[np.array(names) == name, 0].tolist())}
        if len(elements) != 1:
            raise DataError(f"{where}: atoms of kind {name} are {', '.join(sorted(elements))[:60]}", file=path)
    return numbers


def read_shc(path: str | PathLike[str], volume: float, *, method: str = "GPUMD") -> SpectralFlux:
    r"""Read the spectral heat flux of a slab from `shc.out` of GPUMD.

    The file holds $K(t) = ⟨\sum_i W_i(0)·v_i(t)⟩$ in eV Å/ps from $-t_m$ to $t_m$, under a window of Hann, and its
    transform $J(\omega) = 2\int K \cos\omega t\,dt$ in eV Å at multiples of a lowest frequency.  The flux is
    $J/(2\pi V)$, whose integral up to $\pi/\Delta t$ is $K(0)/V$; the value at zero frequency comes from K(t).

    Parameters
    ----------
    path : of the file; several runs in it are parts of the spectrum
    volume : of the group of atoms, m³
    method : for legends

    Raises
    ------
    DataError
        with file and line, for a file that is cut short or damaged, and for spectra that are not those of its K(t)

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from kapitza.io.md.trajectory import read_shc
    >>> time = 0.01 * np.arange(-99, 100)  # ps
    >>> correlation = np.exp(-((time / 0.2) ** 2)) * np.cos(10 * time)
    >>> omega = np.pi / 0.01 / 100 * np.arange(1, 101)  # rad/ps
    >>> spectrum = 2 * 0.01 * np.cos(np.outer(omega, time)) @ correlation
    >>> rows = [(t, 0, k) for t, k in zip(time, correlation)] + [(w, 0, j) for w, j in zip(omega, spectrum)]
    >>> _ = Path("shc.out").write_text("".join("%.9g %g %.9g\n" % row for row in rows))
    >>> flux = read_shc("shc.out", 1e-27)
    >>> print(f"{flux.weights @ flux.value:.4g} W/m2, K(0)/V is {1.602176634e-17 / 1e-27 * 1e12 * 1e-12:.4g}")
    1.602e+10 W/m2, K(0)/V is 1.602e+10
    """
    positive([volume])
    place = Path(path)
    lines = number_lines(place, read_limited(place, _MAX_SHC_BYTES))
    for line, values in lines:
        if values.size != 3:
            raise DataError(f"expected three finite numbers, got {values.size}", file=place, line=line)
    rows = np.array([values for _, values in lines])
    starts = np.flatnonzero((rows[:, 0] < 0) & np.append(True, rows[:-1, 0] > 0))  # of runs: a negative time
    if not starts.size or starts[0] != 0:
        raise DataError("does not begin with a negative correlation time", file=place)
    runs = [_shc_run(part, place) for part in np.split(rows, starts[1:])]
    omega = runs[0][0]
    if any(one.shape != omega.shape or np.abs(one - omega).max() > 1e-5 * omega[-1] for one, _, _ in runs):
        raise DataError("holds runs with other frequencies: keep one of them", file=place)
    scale = eV * angstrom / (2 * np.pi * volume)
    parts = np.array([values for _, values, _ in runs]) * scale
    direct = np.array([start for _, _, start in runs]) * eV * angstrom / ps / volume
    counts = np.ones(len(runs), dtype=np.int64)
    return SpectralFlux(omega / ps, parts, direct, counts, np.zeros((2, omega.size)), method=method)


def _shc_run(rows: Array, path: Path) -> tuple[Array, Array, float]:
    """Angular frequencies from 0 on, rad ps⁻¹, J(ω), eV Å, and K(0), eV Å ps⁻¹, of one run."""
    before = int((rows[:, 0] < 0).sum())  # negative times come first, and no frequency is
    step = -rows[0, 0] / max(before, 1)
    lags = 2 * before + 1
    times = step * np.arange(-before, before + 1)
    if before < 1 or len(rows) <= lags or np.abs(rows[:lags, 0] - times).max() > 1e-4 * step * (before + 1):
        raise DataError(f"{len(rows)} rows with {before} negative times: it was cut short or damaged", file=path)
    omega = rows[lags:, 0]
    grid = omega[0] * np.arange(1, omega.size + 1)
    if not omega[0] > 0 or np.abs(omega - grid).max() > 1e-4 * omega[-1]:
        raise DataError("its frequencies are not multiples of the first one: it was cut short or damaged", file=path)
    if lags * omega.size > _MAX_SHC_NUMBERS:
        raise DataError(f"{omega.size} frequencies of {lags} correlation times are too many", file=path)
    correlation, values = rows[:lags, 1:].sum(axis=1), rows[lags:, 1:].sum(axis=1)
    transform = 2 * step * np.cos(np.outer(np.append(0.0, grid), times)) @ correlation
    if np.abs(transform[1:] - values).max() > _SHC_TOLERANCE * max(np.abs(transform).max(), np.finfo(float).tiny):
        raise DataError("its spectrum is not that of its correlation function: it was damaged", file=path)
    return np.append(0.0, grid), np.append(transform[0], values), float(correlation[before])
