"""Tables of the file of a run of molecular dynamics, and checks that concern several of its keys."""

import math
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any

from attrs import NOTHING, evolve

from kapitza.errors import DataError
from kapitza.io import toml
from kapitza.io.toml import Bounds, Key, Table, TomlTable
from kapitza.simulate.md.engine import THERMOSTAT_KINDS
from kapitza.simulate.md.observers.sampling import SEGMENT_LENGTH
from kapitza.simulate.md.potential import TRUNCATION_KINDS
from kapitza.units import fs, nm, ps

SAMPLING_STEPS = 10  # steps between two samples of the temperatures and of the plane
POTENTIAL_NAMES = ("lennard-jones", "stillinger-weber", "tersoff")
ENGINE_NAMES = ("builtin", "lammps")
_MIN_BLOCKS = 5
_MAX_TIMESTEP = 100 * fs
_RENAMED_KEYS = {"bath": "thermostat", "baths": "thermostats", "still": "reference"}  # since version 0.2


_ABOVE_ZERO = Bounds(0.0, math.inf, "{given}, wanted above 0", above=True)
_FROM_ZERO = Bounds(0.0, math.inf, "{given}, wanted 0 or more")


def _read_lattice_constant(section: TomlTable, key: str) -> float | str:
    return "expanded" if section.table[key] == "expanded" else section.number(key, "length", bounds=_ABOVE_ZERO)


def _read_both_sides(kind: str, section: TomlTable, key: str) -> tuple[Any, Any]:
    """Return a value for each side, or one for both; of kind "count" whole numbers, else quantities in SI."""
    given = section.table[key]
    values = given if isinstance(given, list) else [given, given]
    for value in values if kind == "count" else ():
        if type(value) is not int or value < 1:
            raise section.fault(f"expected whole numbers above 0, got {value!r:.60}", key)
    if len(values) != 2:
        raise section.fault(f"expected one value or two, got {given!r:.60}", key)
    left, right = (v if kind == "count" else toml.read_quantity(section, key, v, kind, key) for v in values)
    return left, right


def _both_sides(name: str, kind: str, meaning: str, default: Any) -> Key:
    form = "whole number" if kind == "count" else f"`{kind}`"
    return toml.special(
        name, f"{form}, or one for each side", meaning, partial(_read_both_sides, kind), (default, default)
    )


def _read_orientation(section: TomlTable, key: str) -> tuple[int, ...]:
    value: Any = section.table[key]
    if not isinstance(value, list) or len(value) not in (3, 4) or not all(isinstance(index, int) for index in value):
        raise section.fault(f"expected Miller indices such as [0, 0, 1], got {value!r:.60}", key)
    return tuple(value)


def _read_timestep(run: TomlTable, key: str) -> float:
    value = run.number(key, "time")
    if not 0 < value < _MAX_TIMESTEP:
        raise run.fault(f"{value / fs:.3g} fs, wanted above 0 and below 100 fs", key)
    return value


def potential_form(section: TomlTable) -> str:
    """Form of a potential: "file", "calculator" or the name of a formula."""
    named = next((form for form in ("file", "calculator") if form in section), None)
    return named or section.text("form", choices=POTENTIAL_NAMES)


def _check_both_parameters(section: TomlTable) -> None:
    if ("epsilon" in section) != ("sigma" in section):
        given = "epsilon" if "epsilon" in section else "sigma"
        raise section.fault(f"{given} alone: expected epsilon and sigma, or none of them", given)


_FORM = toml.text("form", "formula with published parameters", choices=POTENTIAL_NAMES)
POTENTIALS = {
    "file": Table([toml.text("file", "file of LAMMPS, such as Si.tersoff")], "Potential of a file of LAMMPS."),
    "calculator": Table(
        [
            toml.text("calculator", "name or import path of a calculator of ASE"),
            toml.special("arguments", "table", "arguments of the calculator", TomlTable.section),
        ],
        "Calculator of ASE.",
    ),
    "lennard-jones": Table(
        [
            _FORM,
            toml.text("end", "end of the potential at the cutoff", "smooth", choices=TRUNCATION_KINDS),
            toml.number("epsilon", "energy", "depth of the well; of the library if omitted", None),
            toml.number("sigma", "length", "distance at which the energy is 0; of the library if omitted", None),
            toml.number("cutoff", "share", "cutoff in units of `sigma`", 2.5),
        ],
        "Lennard-Jones potential.",
        checks=(_check_both_parameters,),
    ),
    **dict.fromkeys(POTENTIAL_NAMES[1:], Table([_FORM], "Formula with published parameters.")),
}
SYSTEMS = {
    "crystal": Table(
        [
            toml.text("crystal", "crystal on both sides"),
            toml.number("ratio", "share", "mass on the right over the mass on the left", bounds=_ABOVE_ZERO),
            _both_sides("cells", "count", "cells along x and y", 5),
            _both_sides("length", "count", "cells along z of each side", 12),
            toml.count("thermostat", "cells of each thermostat", 4, low=1),
            toml.count("wall", "cells of each wall", 1),
            toml.special(
                "lattice_constant", "`length` or `expanded`", "lattice constant; at rest if omitted",
                _read_lattice_constant,
            ),
        ],
        "One crystal that is heavier on its right.",
        renamed=_RENAMED_KEYS,
    ),
    "left and right": Table(
        [
            toml.text("left", "left crystal", None),
            toml.text("right", "right crystal", None),
            toml.special(
                "orientation", "list of 3 or 4", "Miller indices of the interface", _read_orientation, (0, 0, 1)
            ),
            toml.text("strain", "crystal that is strained", "right", choices=("right", "left", "both")),
            _both_sides("length", "length", "length of each side", 5 * nm),
            toml.number("width", "length", "width of the system", 2 * nm, bounds=_ABOVE_ZERO),
            toml.number("thermostat", "length", "length of each thermostat", 2 * nm, bounds=_ABOVE_ZERO),
            toml.number("wall", "length", "length of each wall", 1 * nm, bounds=_FROM_ZERO),
        ],
        "Two crystals.",
        renamed=_RENAMED_KEYS,
    ),
}  # fmt: skip
PROTOCOL = Table(
    [
        toml.special("engine", "`builtin` or `lammps`", "program that moves the atoms; builtin if omitted"),
        evolve(toml.number("timestep", "time", "timestep", 1 * fs), read=_read_timestep),
        toml.number("equilibration", "time", "time before the first sample", 0.0, bounds=_FROM_ZERO),
        toml.number("time", "time", "time of the measurement", bounds=_ABOVE_ZERO),
        toml.count("blocks", "blocks of the time, for the errors", 40, low=_MIN_BLOCKS),
        toml.count("replicas", "independent runs", 1, low=1),
        toml.count("seed", "random seed", 1),
    ],
    "Times of the run.",
    renamed=_RENAMED_KEYS,
)  # fmt: skip
THERMOSTATS = Table(
    [
        toml.text("kind", "kind of both thermostats", "langevin", choices=THERMOSTAT_KINDS),
        toml.number("damping", "time", "damping time; 200 timesteps if omitted", None, bounds=_ABOVE_ZERO),
        toml.number("power", "power", "power of thermostats of kind `exchange`", 0.0),
        toml.count("period", "steps between swaps of kind `swap`", 0),
    ],
    "Thermostats.",
    renamed=_RENAMED_KEYS,
)
SPECTRUM = Table(
    [
        toml.number("interval", "time", "time between two samples; 10 timesteps if omitted", None, bounds=_ABOVE_ZERO),
        toml.count("segment", "samples of a segment; 0 for no spectra", 512),
    ],
    "Spectrum of the heat current.",
    renamed=_RENAMED_KEYS,
)
MODES = Table(
    [
        toml.count("planes", "planes of atoms on each side whose modes are sampled", 6),
        toml.number("reference", "time", "time of the run in equilibrium", 0.0, bounds=_FROM_ZERO),
        toml.flag("interface", "sample the modes of the interface"),
    ],
    "Modes near the interface.",
    renamed=_RENAMED_KEYS,
)


def _check_temperatures(top: TomlTable) -> None:
    mean = top.number("temperature", "temperature")
    if not mean > 0:
        raise top.fault(f"{mean:g} K, wanted above 0 K", "temperature")
    difference = top.number("difference", "temperature", 0.0)
    if not abs(difference) < 2 * mean:
        raise top.fault(f"{difference:g} K around {mean:g} K leaves a thermostat at 0 K or below", "difference")


def _check_thermostats(top: TomlTable) -> None:
    section = top.section("thermostats")
    kind = THERMOSTATS.value(section, "kind")
    if kind == "exchange" and not section.number("power", "power", 0.0):
        raise section.fault("is missing or 0; thermostats of kind 'exchange' give and take it", "power")
    if kind == "swap":
        section.count("period", 0, low=1)


def _check_damping(top: TomlTable) -> None:
    section = top.section("thermostats")
    damping = THERMOSTATS.value(section, "damping")
    if damping is None or THERMOSTATS.value(section, "kind") != "langevin":
        return
    least = 2 * PROTOCOL.value(top.section("run"), "timestep")
    if damping < least:
        message = f"{damping / fs:.3g} fs, wanted at least twice the timestep, {least / fs:.3g} fs"
        raise section.fault(message, "damping")


def _check_blocks(top: TomlTable) -> None:
    run = top.section("run")
    timestep, total, blocks = (PROTOCOL.value(run, key) for key in ("timestep", "time", "blocks"))
    least = blocks * SAMPLING_STEPS * timestep
    if not total > 0.5 * least:
        each = f"less than {SAMPLING_STEPS} steps of {timestep / fs:.3g} fs to each"
        remedy = f"take longer, {least / ps:.4g} ps, or fewer blocks"
        raise run.fault(f"{total / ps:.4g} ps in {blocks} blocks leave {each}: {remedy}", "time")


def _check_difference(top: TomlTable) -> None:
    difference = top.number("difference", "temperature", 0.0)
    if not (difference > 0 or top.section("thermostats").number("power", "power", 0.0) > 0):
        raise top.fault(f"{difference:g} K, wanted above 0 K: the hot thermostat is on the left", "difference")


def _check_segment(top: TomlTable, place: str, key: str) -> None:
    section, spectrum = top.section(place), top.section("spectrum")
    segment, interval = SPECTRUM.value(spectrum, "segment"), SPECTRUM.value(spectrum, "interval")
    if interval is None:
        interval = SAMPLING_STEPS * PROTOCOL.value(top.section("run"), "timestep")
    if not segment and not MODES.value(top.section("modes"), "planes"):
        return
    samples, time = segment or SEGMENT_LENGTH, section.number(key, "time", 0.0)
    if 0 < time < (samples - 0.5) * interval:
        raise section.fault(
            f"{time / ps:.4g} ps ends after {round(time / interval)} samples, a segment of its spectra takes "
            f"{samples}: take longer, {samples * interval / ps:.4g} ps, or a smaller [spectrum] segment",
            key,
        )


_CHECK_SIDES = toml.refuse_if(
    lambda top: "crystal" not in (system := top.section("system")) and not ("left" in system and "right" in system),
    '[system] needs crystal = "Ar" with a ratio, or left = "Si" and right = "Ge"',
    "system",
)
RUN = Table(
    [
        toml.TITLE,
        toml.number("temperature", "temperature", "mean temperature"),
        toml.number("difference", "temperature", "temperature difference of the thermostats", 0.0),
        toml.table("potential", POTENTIALS, NOTHING, choose=potential_form),
        toml.table("system", SYSTEMS, choose=lambda inside: "crystal" if "crystal" in inside else "left and right"),
        toml.table("thermostats", THERMOSTATS),
        toml.table("run", PROTOCOL, NOTHING),
        toml.table("spectrum", SPECTRUM),
        toml.table("modes", MODES),
    ],
    checks=(_check_temperatures, _check_thermostats, _check_damping, _CHECK_SIDES, _check_blocks),
    renamed=_RENAMED_KEYS,
)


def run_faults(top: TomlTable, *, gradient: bool) -> Iterator[DataError]:
    """Yield the errors of a file; `gradient` says that heat is to flow between the thermostats."""
    more = [
        partial(_check_difference, top),
        partial(_check_segment, top, "run", "time"),
        partial(_check_segment, top, "modes", "reference"),
    ]
    return chain(RUN.faults(top), toml.faults_of(more if gradient else []))
