"""Sample files: a stack, the experiments made on it with their data, what is free and how well the rest is known.

temperature = 300

[[layers]]                          # from the heated side down; the last one without thickness is semi-infinite
name = "Al"
thickness = "80 nm"
conductivity = 180                  # W/mK; numbers without unit are SI
heat_capacity = "2.43 MJ/m3K"

[[layers]]
name = "Si"
material = "Si"                     # conductivity and heat capacity of the library at `temperature`

[boundaries]
"Al|Si" = "150 MW/m2K"              # or the path of a saved result, two materials "Al|Si", or "perfect"

[[experiments]]
kind = "tdtr"
modulation = "9.8 MHz"
repetition = "80 MHz"
pump_radius = "10 um"
probe_radius = "10 um"
delayed = "pump"
data = "al_si.csv"                  # or, for a simulation, delays = ["100 ps", "3.6 ns", 40]
from = "100 ps"

[fit]
free = ["Al|Si.conductance", "Si.conductivity"]

[fit.uncertain]
"Al.thickness" = "3 %"
"tdtr.phase" = "5 mrad"

[[repeats]]                         # the same on other spots, all fitted alike
experiment = "tdtr"                 # may be left out where there is one
data = "al_si_spot2.csv"

With repeats, uncertain numbers are the same on all spots; `per_spot = ["tdtr.phase"]` in [fit] names those that each
spot has for itself.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from os import PathLike
from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import about
from kapitza.core.conductance import Conductance
from kapitza.core.parameter_units import kind_of_parameter
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.io import toml
from kapitza.io.boundaries import BoundarySides, boundaries, read_conductance
from kapitza.io.experiments import EXPERIMENTS, ReadExperiment, experiment_kind, read_experiment
from kapitza.io.plausibility import check_measured_delays, check_sample, warn_of_celsius, warn_of_material
from kapitza.io.quantities import share_or_quantity
from kapitza.io.toml import Table, TomlTable
from kapitza.measure.experiment import Curve, Experiment
from kapitza.measure.problem import DataSet, Free, Prior, Tie


def _check_samples(top: TomlTable) -> None:
    names: list[str] = []
    for section in top.sections("samples"):
        name = section.text("name")
        if not name or name in names:
            raise section.fault(f"{name!r}: expected a name that no other sample has", "name")
        names.append(name)
    if not names or "layers" in top:
        _CHECK_STACK(top)


def _read_free(section: TomlTable, key: str) -> dict[str, Free]:
    if isinstance(section.table[key], dict):
        inside, free = section.section(key), dict[str, Free]()
        for name in inside.table:
            limits = [toml.number(limit, kind_of_parameter(name), "", None) for limit in ("start", "low", "high")]
            free[name] = Free(*Table(limits).read(inside.section(name)).values())
        return free
    named = section.texts(key)
    if twice := next((name for i, name in enumerate(named) if name in named[:i]), None):
        raise section.fault(f"{twice!r} is named twice: a number is free once", key)
    return {name: Free() for name in named}


def _read_priors(section: TomlTable, key: str) -> dict[str, Prior]:
    uncertain = section.section(key)
    return {name: uncertain.locate(name, _read_prior, uncertain, name) for name in uncertain.table}


def _read_prior(section: TomlTable, name: str) -> Prior:
    """Uncertainty of a number: "3 %", "2 nm", or { value = "80 nm", sigma = "2 nm" }."""
    kind, given = kind_of_parameter(name), section.table[name]
    if not isinstance(given, dict):
        sigma, share = share_or_quantity(given, kind, what="uncertainty")
        return Prior(None, sigma, fractional=share)
    inside = section.section(name)
    toml.check_keys(inside, ("value", "sigma"))
    sigma, share = share_or_quantity(inside.table.get("sigma"), kind, what="sigma")
    return Prior(inside.number("value", kind), sigma, fractional=share)


_TIE = Table(
    [
        toml.texts("names", "parameters that vary together"),
        toml.text("kind", "keep their ratio, or give them one value", "factor", choices=("factor", "value")),
    ],
    "Parameters that are fitted as one.",
    renamed={"how": "kind"},
)
FIT = Table(
    [
        toml.special(
            "free", "list of texts, or tables", "fitted parameters; with `start`, `low` and `high` as tables",
            _read_free, {},
        ),
        toml.special(
            "uncertain", "table", "standard uncertainty by parameter: `\"3 %\"`, `\"2 nm\"`, or `value` and `sigma`",
            _read_priors, {},
        ),
        toml.named_tables("ties", _TIE),
        toml.texts("per_spot", "uncertain parameters that each spot has for itself"),
    ],
    "What a fit determines.",
)  # fmt: skip
SAMPLE_LAYER = Table(
    [
        toml.filling(toml.text("name", "name of the layer; its material if omitted", unless=("material",))),
        toml.text("material", "material of the library", None),
        evolve(
            toml.attribute(Layer, "thickness", meaning="thickness; infinite if the last layer has none"), default=None
        ),
        evolve(toml.attribute(Layer, "conductivity"), unless=("material",)),
        *toml.attributes(
            Layer, "in_plane", "in_plane_y", "heat_capacity", "xy", "xz", "yz", "electron_conductivity",
            "electron_heat_capacity", "coupling"
        ),
    ],
    "Layer, from the heated side down.",
)  # fmt: skip
_CHECK_STACK = partial(
    toml.check_stack, order="from the heated side down", boundary='conductance, such as "100 MW/m2K"',
    layer=SAMPLE_LAYER,
)  # fmt: skip
_STACK = (toml.tables("layers", SAMPLE_LAYER), boundaries("conductance of each boundary"))
SAMPLE = Table(
    [
        toml.TITLE,
        toml.number("temperature", "temperature", "temperature", 300.0),
        *_STACK,
        toml.tables(
            "samples",
            Table([toml.text("name", "name of the sample"), *_STACK], "Another stack.", checks=(_CHECK_STACK,)),
        ),
        toml.tables("experiments", EXPERIMENTS, choose=experiment_kind),
        toml.table("fit", FIT),
        toml.tables(
            "repeats",
            Table(
                [
                    toml.text("experiment", "name of the experiment; the only one if omitted", None),
                    toml.text("data", "table of the curve of this spot"),
                ],
                "The same experiment on another spot.",
            ),
        ),
    ],
    checks=(_check_samples,),
)


@frozen(eq=False, kw_only=True)
class OtherSpot(BaseRecord):
    """An experiment made again on another spot: its number, its record, curve and stack, and what its trace told."""

    experiment_number: int
    experiment: Experiment
    curve: Curve
    stack: Stack
    priors: Mapping[str, Prior]


@frozen(eq=False, kw_only=True)
class SampleFile(BaseRecord):
    """What a sample file says: a stack, and the stack, experiment and data of each experiment made on it.

    Curves are None where the file names no data; `free`, `priors` and `ties` are for a fit.  `repeats` are the same
    experiments on other spots, and `per_spot` the uncertain numbers that each spot has for itself.  `notes` say what
    traces told of themselves, such as their phase.

    Examples
    --------
    >>> from pathlib import Path
    >>> from kapitza.io import read_sample
    >>> file = '''
    ... [[layers]]
    ... material = "Al"
    ... thickness = "80 nm"
    ... [[layers]]
    ... material = "Si"
    ... [boundaries]
    ... "Al|Si" = "150 MW/m2K"
    ... [[experiments]]
    ... kind = "fdtr"
    ... pump_radius = "5 um"
    ... probe_radius = "5 um"
    ... frequencies = ["10 kHz", "10 MHz", 20]
    ... [fit]
    ... free = ["Al|Si.conductance"]
    ... [fit.uncertain]
    ... "Al.thickness" = "3 %"
    ... '''
    >>> _ = Path("film.toml").write_text(file)
    >>> held = read_sample("film.toml")
    >>> print(list(held.free), list(held.priors), f"{held.stack.layers[1].conductivity:.0f} W/mK")
    ['Al|Si.conductance'] ['Al.thickness'] 148 W/mK
    """

    title: str
    stack: Stack
    stacks: tuple[Stack, ...]
    experiments: tuple[Experiment, ...]
    curves: tuple[Curve | None, ...]
    free: Mapping[str, Free]
    priors: Mapping[str, Prior]
    ties: Mapping[str, Tie]
    temperature: float = field(metadata=about("K", "temperature"))
    repeats: tuple[OtherSpot, ...] = ()
    per_spot: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_sample(path: str | PathLike[str]) -> SampleFile:
    """Read a sample file and the data that it names.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers, missing data
    OSError
        if the file is missing, or one may not be read
    """
    top = toml.read_toml(path)
    values = SAMPLE.read(top)
    temperature = values["temperature"]
    warn_of_celsius(top.table.get("temperature"))
    sections = top.sections("samples")
    samples = {} if sections and "layers" not in top else {"": top.locate("layers", _read_stack, top, temperature)}
    for section in sections:
        samples[section.text("name")] = section.locate("layers", _read_stack, section, temperature)
    tables = top.sections("experiments")
    read = [section.locate("", read_experiment, section, temperature) for section in tables]
    names = [each.experiment.name for each in read]
    for i, (section, name) in enumerate(zip(tables, names, strict=True)):
        if name in names[:i]:  # their parameters could not be told apart
            raise section.fault(f"two experiments are called {name!r}: give each a name of its own", "name")
    stacks = [
        _changed_stack(section, _sample_of(section, samples), each.findings.changes)
        for section, each in zip(tables, read, strict=True)
    ]
    fit = top.section("fit")
    parts, ties = FIT.read(fit), fit.section("ties")
    free, priors = parts["free"], parts["uncertain"]
    tied = {name: Tie(*_TIE.read(ties.section(name)).values()) for name in ties.table}
    if unknown := [name for name in parts["per_spot"] if name not in priors]:
        raise fit.fault(f"{unknown[0]!r} is not uncertain: say how well it is known in [fit.uncertain]", "per_spot")
    measured = [
        (section, each.experiment, stack, each.curve is not None)
        for section, each, stack in zip(tables, read, stacks, strict=True)
    ]
    check_sample(top, tuple(samples.values()), measured, priors)
    _check_signs(fit, free, priors, [DataSet(experiment, Curve([], []), on) for _, experiment, on, _ in measured])
    of_traces, notes = _findings_in_fit(read, free, priors, tied)
    alone = {name: prior for name, prior in of_traces.items() if name not in priors}
    repeats = [_read_repeat(section, tables, samples, temperature, alone) for section in top.sections("repeats")]
    return SampleFile(
        title=values["title"] or top.path.stem,
        stack=stacks[0] if len(stacks) == 1 else next(iter(samples.values())),
        stacks=tuple(stacks),
        experiments=tuple(each.experiment for each in read),
        curves=tuple(each.curve for each in read),
        free=free,
        priors=of_traces | priors,
        ties=tied,
        temperature=temperature,
        repeats=tuple(repeats),
        per_spot=tuple(dict.fromkeys([*parts["per_spot"], *(name for name in alone if name.endswith(".phase"))])),
        notes=notes,
    )


def _sample_of(section: TomlTable, samples: Mapping[str, Stack]) -> Stack:
    named = [name for name in samples if name]
    if "sample" not in section:
        if "" in samples or len(named) == 1:
            return next(iter(samples.values()))
        raise section.fault(f"on which sample? Give sample = one of {', '.join(map(repr, named))}", "sample")
    name = section.text("sample")
    if name not in named:
        raise section.fault(f"{name!r} is no sample of the file: there are {', '.join(named) or 'none'}", "sample")
    return samples[name]


def _findings_in_fit(
    read: Sequence[ReadExperiment], free: Mapping[str, Free], stated: Mapping[str, Prior], ties: Mapping[str, Tie]
) -> tuple[dict[str, Prior], tuple[str, ...]]:
    """Uncertainties that traces gave, by the names of the fit, but for what the file frees or ties; all notes."""
    of_traces: dict[str, Prior] = {}
    unused: list[str] = []
    fitted = {*free, *(name for tie in ties.values() for name in tie.names)}
    for each in read:
        for name, prior in each.findings.priors.items():
            full = _name_in_fit(each, name, len(read))
            if not {full, name} & fitted:
                of_traces[full] = prior
            if full in stated:
                unused.append(f"{full}: [fit.uncertain] states its error, that of the trace is not used")
            elif full not in of_traces:
                unused.append(f"{full} is free or tied: the error that the trace gives is not used")
    return of_traces, (*(f"{each.experiment.name}: {note}" for each in read for note in each.findings.notes), *unused)


def _name_in_fit(read: ReadExperiment, name: str, count: int) -> str:
    """What the fit calls a number that a trace told, among so many experiments."""
    if name == "phase":
        return f"{read.experiment.name}.{name}"
    return name if count == 1 else f"{read.experiment.name}:{name}"


def _read_repeat(
    section: TomlTable, experiments: Sequence[TomlTable], samples: Mapping[str, Stack], temperature: float,
    used: Mapping[str, Prior],
) -> OtherSpot:  # fmt: skip
    """An experiment made again on another spot: all as in its own table, but the data and what its trace tells."""
    names = [table.text("name", table.text("kind")) for table in experiments]
    wanted = section.text("experiment", names[0] if len(names) == 1 else None)
    if wanted not in names:
        there = ", ".join(names) or "none"
        raise section.fault(f"{wanted!r} is no experiment of the file: there are {there}", "experiment")
    at = names.index(wanted)
    again = evolve(section, table={**experiments[at].table, "data": section.text("data")})
    read = section.locate("data", read_experiment, again, temperature)
    if read.curve is None:
        raise section.fault("is missing: give the data of this spot", "data")
    stack = _changed_stack(again, _sample_of(again, samples), read.findings.changes)
    check_measured_delays(section, read.experiment, stack)
    of_traces = {_name_in_fit(read, name, len(experiments)): prior for name, prior in read.findings.priors.items()}
    return OtherSpot(
        experiment_number=at,
        experiment=read.experiment,
        curve=read.curve,
        stack=stack,
        priors={name: prior for name, prior in of_traces.items() if name in used},
    )


def _read_stack(top: TomlTable, temperature: float) -> Stack:
    sections = top.sections("layers")
    layers = [_read_layer(section, temperature, last=section is sections[-1]) for section in sections]
    named = top.section("boundaries")
    materials = [section.text("material", section.text("name", "")) for section in sections]
    both = zip(pairwise(layers), pairwise(materials), strict=True)
    return Stack(layers, [_read_boundary(named, a.name, b.name, of, temperature) for (a, b), of in both])


def _read_layer(section: TomlTable, temperature: float, *, last: bool) -> Layer:
    """One layer; what is not stated comes from the library where a material is named."""
    known = toml.material_at(section, temperature) if "material" in section else None
    given: dict[str, Any] = {"thickness": np.inf} if last else {}
    if known is not None:
        given["name"] = section.text("material")
        for key, law in (("conductivity", known.conductivity), ("heat_capacity", known.heat_capacity)):
            if key not in section:
                given[key] = float(section.locate("material", law, temperature)[0])
    layer = SAMPLE_LAYER.make(section, Layer, given)
    of_all = "conductivity" in section and layer.coupling is None  # else that of the lattice alone
    warn_of_material(layer, known, temperature, section.text("material", layer.name) if of_all else "")
    return layer


def _read_boundary(
    section: TomlTable, upper: str, lower: str, materials: tuple[str, str], temperature: float
) -> Boundary:
    """A boundary as in all files, without an uncertainty: a fit starts from it; what electrons of a metal with a
    temperature of their own carry across stands beside it.
    """
    electrons, of_lattice, name = 0.0, section, f"{upper}|{lower}"
    if isinstance(section.table[name], dict):
        inside = section.section(name)
        electrons = inside.number("electron_conductance", "conductance", 0.0)
        rest = {key: value for key, value in inside.table.items() if key != "electron_conductance"}
        of_lattice = evolve(section, table={**section.table, name: rest})
    value, sigma = read_conductance(of_lattice, BoundarySides(upper, lower, *materials), temperature)
    if sigma is not None:
        raise section.fault(f'what is known how well stands under [fit.uncertain]: "{name}.conductance"', name)
    return section.locate(name, lambda: Boundary(value, electron_conductance=electrons))


def _changed_stack(section: TomlTable, stack: Stack, echo: Mapping[str, float]) -> Stack:
    """The stack of one experiment, from changes = { "SiO2.thickness" = "50 nm" } and the echo of its film."""
    inside = section.section("changes")
    changes = {name: inside.number(name, kind_of_parameter(name)) for name in inside.table}
    for key, values in (("changes", changes), ("echo", echo)):
        if values:
            stack = section.locate(key, stack.replace, dict[str, float | Conductance](values))
    return stack


def _check_signs(
    section: TomlTable, free: Mapping[str, Free], priors: Mapping[str, Prior], sets: Sequence[DataSet]
) -> None:
    stated = [("uncertain", name, "value", prior.value) for name, prior in priors.items()]
    for name, each in free.items():
        stated += [("free", name, key, getattr(each, key)) for key in ("start", "low", "high")]
    for place, name, key, value in stated:
        bare = name.rpartition(":")[2]
        for each in sets if value is not None and value <= 0 else ():
            if bare in each.names() and not each.may_be_negative(bare):
                fault = f"{key} = {value:g}: expected a number above 0"
                raise section.section(place).fault(fault, name)
