"""Readers of runs between two thermostats that LAMMPS or GPUMD did elsewhere, from decks written here.

A folder holds the header `kapitza.json` of its deck and what the engine wrote beside it.  A run that was cut short and
resumed has written some blocks twice: the later ones count.
"""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, positive
from kapitza.core.files import read_limited
from kapitza.errors import DataError, KapitzaError
from kapitza.io.formats.files import parse_json
from kapitza.simulate.md.engines.lammps_input import HEAT_FILE, POWER_FILE, PROFILE_FILE
from kapitza.simulate.md.record import HEADER_FILE, Record, RunHeader
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE
from kapitza.units import eV, ps

_MAX_OUTPUT_BYTES = 2**28  # bytes of a file of numbers
_MAX_OUTPUT_LAYERS = 10**6
_MAX_TEMPERATURE = 1e7  # K
_MAX_ENERGY = 1e12  # eV
_THERMO_COLUMNS = (12, 18)  # columns of GPUMD's thermo.out, of upright and of slanted boxes

AnyPath = str | PathLike[str]
_OutputRows = list[tuple[int, Array]]  # number of the line, numbers on it


def read_lammps(folder: AnyPath) -> Record:
    r"""Read a run of LAMMPS from a deck of `lammps_deck`.

    Parameters
    ----------
    folder : with `kapitza.json`, `profile.txt`, `heat.txt` and, where power was measured, `power.txt`

    Returns
    -------
    Record of the blocks that were finished; heat counts from the first one on

    Raises
    ------
    DataError
        with file and line, for what is missing, cut short or does not fit together

    Examples
    --------
    >>> from pathlib import Path
    >>> from kapitza.io import read_lammps
    >>> from kapitza.simulate.md.engines.lammps_input import lammps_deck
    >>> from kapitza import md
    >>> from kapitza.examples import argon_interface, argon_protocol
    >>> (system, potential), protocol = argon_interface(), argon_protocol(0)
    >>> files = lammps_deck(system, potential, protocol)
    >>> for name, text in files.items():
    ...     _ = Path(name).write_text(text)
    >>> planes = system.heights.size
    >>> rows = "".join(f"{plane} 30.0\n" for plane in range(1, planes + 1))
    >>> _ = Path("profile.txt").write_text("".join(f"{100 * block} {planes}\n{rows}" for block in range(1, 17)))
    >>> _ = Path("heat.txt").write_text("".join(f"{100 * n} {0.5 * n} {-0.4 * n} -90 3\n" for n in range(17)))
    >>> record = read_lammps(".")
    >>> print(record.temperature.shape, (record.heat[-1] / 1.602176634e-19).round(1), "eV given by hot and cold")
    (16, 20) [ 8.  -6.4] eV given by hot and cold
    """
    place = Path(folder)
    header = _read_header(place / HEADER_FILE)
    stride = round(header.block / header.timestep)
    temperature = _read_profiles(place / PROFILE_FILE, header, stride)
    heat, energy = _read_energy_balance(place / HEAT_FILE, stride)
    count = min(len(temperature), len(energy) - 1)
    if len(temperature) > count:
        raise DataError(f"ends with block {count}, the profile with {len(temperature)}", file=place / HEAT_FILE)
    if len(energy) - 1 > count + 1:
        raise DataError(f"ends with block {count}, the heat with {len(energy) - 1}", file=place / PROFILE_FILE)
    power = _read_powers(place / POWER_FILE, stride, count) if (place / POWER_FILE).exists() else None
    return _heat_run(place, header, temperature, heat[: count + 1] * eV, energy[: count + 1] * eV, power)


def read_gpumd(folder: AnyPath) -> Record:
    """Read a run of GPUMD from a deck of `gpumd_deck`.

    GPUMD counts the energy that thermostats lose, to seven digits; the sign is turned here.

    Parameters
    ----------
    folder : with `kapitza.json`, `compute.out` and `thermo.out`

    Returns
    -------
    Record of the blocks that were finished; its direct power is NaN

    Raises
    ------
    DataError
        with file and line, for what is missing, cut short or does not fit together

    Examples
    --------
    >>> from pathlib import Path
    >>> from kapitza.io import read_gpumd
    >>> from kapitza.simulate.md.engines.gpumd import gpumd_deck
    >>> import numpy as np
    >>> from kapitza import md
    >>> from kapitza.examples import argon_interface, argon_protocol
    >>> (system, potential), protocol = argon_interface(), argon_protocol(0)
    >>> files = gpumd_deck(system, "nep.txt", protocol, symbols=("Ar",))
    >>> for name, text in files.items():
    ...     _ = Path(name).write_text(text)
    >>> planes = system.heights.size
    >>> lost = np.outer(np.arange(1, 17), [-0.5, 0.4])  # eV, as the thermostats count it
    >>> np.savetxt("compute.out", np.hstack([np.full((16, planes), 30.0), lost]))
    >>> np.savetxt("thermo.out", np.tile([30.0, 2.5, -90.0, *[0.0] * 6, 16.0, 16.0, 32.0], (17, 1)))
    >>> record = read_gpumd(".")
    >>> print(record.temperature.shape, (record.heat[-1] / 1.602176634e-19).round(1), "eV given by hot and cold")
    (16, 20) [ 8.  -6.4] eV given by hot and cold
    """
    place = Path(folder)
    header = _read_header(place / HEADER_FILE)
    layers = header.heights.size
    rows = _read_rows(place / "compute.out", layers + 2)
    thermo = _read_rows(place / "thermo.out", *_THERMO_COLUMNS)
    if len(thermo) != len(rows) + 1:
        raise DataError(
            f"has {len(thermo)} lines for {len(rows)} blocks, wanted {len(rows) + 1}, the first one from before them: "
            "the run was cut short, or others wrote into its files",
            file=place / "thermo.out",
        )
    moving = np.where(header.roles == FIXED_ROLE, 0.0, rows[:, :layers])
    temperature = _check_temperatures(moving, place / "compute.out")
    heat = np.vstack([np.zeros(2), -rows[:, layers:]])
    energy = thermo[:, 1] + thermo[:, 2]
    for name, values in (("compute.out", heat), ("thermo.out", energy)):
        _check_energies(values, place / name)
    return _heat_run(place, header, temperature, heat * eV, energy * eV, None)


def _heat_run(
    place: Path, header: RunHeader, temperature: Array, heat: Array, energy: Array, power: Array | None
) -> Record:  # fmt: skip
    if len(temperature) > header.blocks:
        both = f"{len(temperature)} blocks in the files, {header.blocks} in the header"
        raise DataError(f"{both}: are they of one run?", file=place)
    try:
        return header.record(temperature, heat, energy, power)
    except KapitzaError as err:
        raise DataError(str(err), file=place) from err


def _read_header(path: Path) -> RunHeader:
    try:
        tree = parse_json(_read_text(path))
    except DataError as err:
        raise DataError(str(err), file=path) if err.file is None else err from err
    if not isinstance(tree, dict) or tree.get("kapitza") != "molecular dynamics":
        raise DataError("is not a header of a run of molecular dynamics", file=path)
    try:
        for key in ("name", "method"):
            if not isinstance(tree[key], str) or len(tree[key]) > 1000:
                raise TypeError(f"has no text for {key}")
        numbers: dict[str, Any] = {key: float(tree[key]) for key in ("area", "plane", "block", "timestep")}
        lists: dict[str, Any] = {key: np.array(tree[key]) for key in ("counts", "roles")}
        for key, values in lists.items():
            if values.ndim != 1 or values.dtype != np.int64:
                raise TypeError(f"has no list of whole numbers for {key}")
        for key in ("seed", "blocks", "ways"):
            if type(tree[key]) is not int or not 0 <= tree[key] < 2**63:
                raise TypeError(f"has no whole number for {key}")
        texts_and_counts: dict[str, Any] = {key: tree[key] for key in ("name", "method", "seed", "blocks")}
        heights = np.array(tree["heights"], dtype=float)
        header = RunHeader(heights=heights, interface_count=tree["ways"], **texts_and_counts, **numbers, **lists)
        _check_header(header)
    except (KeyError, TypeError, ValueError, OverflowError) as err:
        what = f"lacks {err}" if isinstance(err, KeyError) else str(err)
        raise DataError(f"the header {what}", file=path) from err
    return header


def _check_header(header: RunHeader) -> None:
    positive([header.area, header.block, header.timestep])
    steps = header.block / header.timestep
    layers = header.heights.size
    faults = {
        "holds a height that is not a number": not (np.isfinite(header.heights).all() and np.isfinite(header.plane)),
        f"has {layers} planes, {header.counts.size} counts and {header.roles.size} roles": not (
            header.heights.shape == header.counts.shape == header.roles.shape and 0 < layers <= _MAX_OUTPUT_LAYERS
        ),
        f"has blocks of {steps:g} time steps": not (abs(steps - round(steps)) < 1e-6 * steps and 1 <= steps < 2**53),
        "has a plane without atoms": not header.counts.all() or header.counts.min() < 0,
        "has an unknown role": not set(header.roles.tolist()) <= {0, HOT_ROLE, COLD_ROLE, FIXED_ROLE},
        f"has {header.interface_count} ways and {header.blocks} blocks": header.interface_count not in (1, 2)
        or header.blocks < 1,
    }
    for fault, found in faults.items():
        if found:
            raise ValueError(fault)


def _read_text(path: Path) -> bytes:
    if not path.is_file():
        raise DataError("is missing: give the folder of a deck with what the engine wrote into it", file=path)
    return read_limited(path, _MAX_OUTPUT_BYTES)


def number_lines(path: Path, data: bytes) -> _OutputRows:
    """Return the lines of numbers of a file, without those that begin with #."""
    rows: _OutputRows = []
    for number, line in enumerate(data.decode("ascii", errors="replace").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            values = np.array(line.split(), dtype=float)
        except ValueError as err:
            raise DataError(f"expected numbers, got {line:.60}", file=path, line=number) from err
        if not np.isfinite(values).all():
            raise DataError(f"holds a number that is not finite: {line:.60}", file=path, line=number)
        rows.append((number, values))
    if not rows:
        raise DataError("holds no numbers: has the run come to its first block?", file=path)
    if not data.endswith(b"\n"):
        raise DataError("ends within a line: it was cut short", file=path, line=rows[-1][0])
    return rows


def _read_rows(path: Path, *columns: int) -> Array:
    lines = number_lines(path, _read_text(path))
    width = lines[0][1].size
    for number, values in lines:
        if values.size not in columns or values.size != width:
            wanted = " or ".join(map(str, columns))
            raise DataError(f"has {values.size} numbers, wanted {wanted}", file=path, line=number)
    return np.array([values for _, values in lines])


def _read_profiles(path: Path, header: RunHeader, stride: int) -> Array:
    """(blocks, layers) temperatures, K."""
    layers = header.heights.size
    blocks: dict[int, Array] = {}
    lines = number_lines(path, _read_text(path))
    for k in range(0, len(lines), layers + 1):
        number, title = lines[k]
        if title.size != 2 or title[1] != layers:
            raise DataError(f"expected a step and {layers} rows, got {title.tolist()}", file=path, line=number)
        rows = [values for _, values in lines[k + 1 : k + 1 + layers]]
        if len(rows) < layers:
            raise DataError(f"ends after {len(rows)} of {layers} planes: it was cut short", file=path, line=number)
        if any(row.size != 2 or row[0] != i for i, row in enumerate(rows, 1)):
            raise DataError(f"expected rows 1 to {layers} with a value each", file=path, line=number)
        step = _block_end_step(title[0], stride, path, number)
        _drop_rewritten_rows(blocks, step)
        if step:  # an average of one sample is written before the first block, too
            blocks[step] = np.array([row[1] for row in rows])
    return _check_temperatures(_consecutive_rows(blocks, path, stride, 1), path)


def _drop_rewritten_rows(rows: dict[int, Array], step: int) -> None:
    """Drop what a resumed run writes anew; steps increase."""
    while rows and next(reversed(rows)) >= step:
        rows.popitem()


def _block_end_step(value: float, stride: int, path: Path, line: int) -> int:
    if not 0 <= value < 2**53 or value % stride:
        raise DataError(f"step {value:g} is no multiple of the {stride} steps of a block", file=path, line=line)
    return int(value)


def _consecutive_rows(rows: dict[int, Array], path: Path, stride: int, first: int) -> Array:
    steps = list(rows)
    wanted = [stride * (first + k) for k in range(len(steps))]
    if steps != wanted or not steps:
        missing = next((b for a, b in zip(steps, wanted, strict=True) if a != b), stride * first)
        raise DataError(f"lacks the block that ends at step {missing}", file=path)
    return np.array([rows[step] for step in steps])


def _read_energy_balance(path: Path, stride: int) -> tuple[Array, Array]:
    """(blocks + 1, 2) heat given by the thermostats since the start and (blocks + 1,) total energy, eV.

    A restarted run counts its heat anew from the step that it begins with.
    """
    rows: dict[int, Array] = {}
    offset = np.zeros(2)
    for number, values in number_lines(path, _read_text(path)):
        if values.size != 5:
            raise DataError(f"has {values.size} numbers, wanted a step, 2 heats and 2 energies", file=path, line=number)
        step = _block_end_step(values[0], stride, path, number)
        if step in rows:
            offset = rows[step][:2] - values[1:3]
        elif rows and step < next(reversed(rows)):
            message = f"step {step} comes after {next(reversed(rows))}, but was not there before"
            raise DataError(message, file=path, line=number)
        _drop_rewritten_rows(rows, step)
        rows[step] = np.append(values[1:3] + offset, values[3] + values[4])
    found = _check_energies(_consecutive_rows(rows, path, stride, 0), path)
    return found[:, :2] - found[0, :2], found[:, 2]


def _read_powers(path: Path, stride: int, count: int) -> Array:
    """(blocks,) direct power through the plane, W."""
    rows: dict[int, Array] = {}
    for number, values in number_lines(path, _read_text(path)):
        if values.size != 2:
            raise DataError(f"has {values.size} numbers, wanted a step and a power", file=path, line=number)
        step = _block_end_step(values[0], stride, path, number)
        _drop_rewritten_rows(rows, step)
        rows[step] = values[1:]
    found = _consecutive_rows({step: rows[step] for step in rows if 0 < step <= count * stride}, path, stride, 1)
    if len(found) != count:
        raise DataError(f"ends with block {len(found)}, the profile with {count}", file=path)
    return _check_energies(found[:, 0], path) * eV / ps


def _check_temperatures(values: Array, path: Path) -> Array:
    if values.min() < 0 or values.max() > _MAX_TEMPERATURE:
        raise DataError(f"holds temperatures from {values.min():g} to {values.max():g} K", file=path)
    return values


def _check_energies(values: NDArray[np.float64], path: Path) -> Array:
    if np.abs(values).max() > _MAX_ENERGY:
        raise DataError(f"holds {np.abs(values).max():g}, wanted at most {_MAX_ENERGY:g} eV", file=path)
    return values
