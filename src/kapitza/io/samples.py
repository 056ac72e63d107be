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

from collections.abc import Iterator, Mapping, Sequence
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
from kapitza.io.boundaries import BoundarySides, boundaries, read_conductance
from kapitza.io.experiments import EXPERIMENTS, ReadExperiment, experiment_kind, read_experiment
from kapitza.io.plausibility import (
    check_measured_delays,
    warn_of_bulk,
    warn_of_celsius,
    warn_of_contacts,
    warn_of_experiment,
    warn_of_layers,
    warn_of_prior,
    warn_of_thin_layer,
)
from kapitza.io.quantities import share_or_quantity
from kapitza.io.toml import (
    TITLE,
    Table,
    TomlTable,
    attribute,
    check_boundary_names,
    filling,
    locate_faults,
    material_at,
    named_tables,
    number,
    raise_all,
    read_toml,
    special,
    table,
    tables,
    text,
    texts,
)
from kapitza.measure.experiment import Curve, Experiment
from kapitza.measure.problem import DataSet, Free, Prior, Tie


def _check_layers(section: TomlTable) -> None:
    """Refuse a stack without layers, a film without thickness, and boundaries that are missing or unknown."""
    layers = section.sections("layers")
    if not layers:
        raise section.fault("no [[layers]]: give at least one, from the heated side down", "layers")
    names = [one.text("name", one.text("material", "")) for one in layers]

    def check_boundaries() -> None:
        if all(names):
            pairs = [f"{a}|{b}" for a, b in pairwise(names)]
            check_boundary_names(section.section("boundaries"), pairs, 'conductance, such as "100 MW/m2K"')

    known = set(SAMPLE_LAYER.names)  # a key that is not known may stand for the thickness
    films = [one for one in layers[:-1] if known.issuperset(one.table)]
    raise_all([*(partial(one.number, "thickness", "length") for one in films), check_boundaries])


def _check_samples(top: TomlTable) -> None:
    """Refuse two samples of one name, and check the stack of the file itself."""
    names: list[str] = []
    for section in top.sections("samples"):
        name = section.text("name")
        if not name or name in names:
            raise section.fault(f"{name!r}: expected a name that no other sample has", "name")
        names.append(name)
    if not names or "layers" in top:
        _check_layers(top)


def _read_free(section: TomlTable, key: str) -> dict[str, Free]:
    """Free parameters: their names, or tables of their start and limits."""
    if isinstance(section.table[key], dict):
        inside = section.section(key)
        return {name: _read_limits(inside.section(name), name) for name in inside.table}
    named = section.texts(key)
    if twice := next((name for i, name in enumerate(named) if name in named[:i]), None):
        raise section.fault(f"{twice!r} is named twice: a number is free once", key)
    return {name: Free() for name in named}


def _read_limits(section: TomlTable, name: str) -> Free:
    """Start and limits of a free parameter."""
    kind = kind_of_parameter(name)
    values = Table([number(key, kind, "", None) for key in ("start", "low", "high")]).read(section)
    return Free(*values.values())


def _read_priors(section: TomlTable, key: str) -> dict[str, Prior]:
    """Uncertainties of parameters."""
    uncertain = section.section(key)
    return {name: locate_faults(uncertain, name, lambda n=name: _read_prior(uncertain, n)) for name in uncertain.table}


def _read_prior(section: TomlTable, name: str) -> Prior:
    """Uncertainty of a number: "3 %", "2 nm", or { value = "80 nm", sigma = "2 nm" }."""
    kind, held = kind_of_parameter(name), section.table[name]
    if not isinstance(held, dict):
        sigma, share = share_or_quantity(held, kind, what="uncertainty")
        if share:
            warn_of_prior(name, sigma)
        return Prior(None, sigma, fractional=share)
    inside = section.section(name)
    inside.check_keys(("value", "sigma"))
    sigma, share = share_or_quantity(inside.table.get("sigma"), kind, what="sigma")
    return Prior(inside.number("value", kind), sigma, fractional=share)


_TIE = Table(
    [
        texts("names", "parameters that vary together"),
        text("kind", "keep their ratio, or give them one value", "factor", choices=("factor", "value")),
    ],
    "Parameters that are fitted as one.",
    renamed={"how": "kind"},
)
FIT = Table(
    [
        special(
            "free", "list of texts, or tables", "fitted parameters; with `start`, `low` and `high` as tables",
            _read_free, {},
        ),
        special(
            "uncertain", "table", "standard uncertainty by parameter: `\"3 %\"`, `\"2 nm\"`, or `value` and `sigma`",
            _read_priors, {},
        ),
        named_tables("ties", _TIE),
        texts("per_spot", "uncertain parameters that each spot has for itself"),
    ],
    "What a fit determines.",
)  # fmt: skip
SAMPLE_LAYER = Table(
    [
        filling(text("name", "name of the layer; its material if omitted", unless=("material",))),
        text("material", "material of the library", None),
        evolve(attribute(Layer, "thickness", meaning="thickness; infinite if the last layer has none"), default=None),
        evolve(attribute(Layer, "conductivity"), unless=("material",)),
        *(attribute(Layer, name) for name in (
            "in_plane", "in_plane_y", "heat_capacity", "xy", "xz", "yz", "electron_conductivity",
            "electron_heat_capacity", "coupling",
        )),
    ],
    "Layer, from the heated side down.",
)  # fmt: skip
_STACK = (tables("layers", SAMPLE_LAYER), boundaries("conductance of each boundary"))
SAMPLE = Table(
    [
        TITLE,
        number("temperature", "temperature", "temperature", 300.0),
        *_STACK,
        tables(
            "samples", Table([text("name", "name of the sample"), *_STACK], "Another stack.", checks=(_check_layers,))
        ),
        tables("experiments", EXPERIMENTS, choose=experiment_kind),
        table("fit", FIT),
        tables(
            "repeats",
            Table(
                [
                    text("experiment", "name of the experiment; the only one if omitted", None),
                    text("data", "table of the curve of this spot"),
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
    top = read_toml(path)
    values = SAMPLE.read(top)
    temperature = values["temperature"]
    warn_of_celsius(top.table.get("temperature"))
    samples = _read_samples(top, temperature)
    sections = top.sections("experiments")
    read = [locate_faults(section, "", lambda s=section: read_experiment(s, temperature)) for section in sections]
    _check_distinct_names([one.experiment.name for one in read], sections)
    for stack in samples.values():
        locate_faults(top, "", lambda s=stack: warn_of_layers(s))
        locate_faults(top, "", lambda s=stack: warn_of_contacts(s))
    stacks = [
        _changed_stack(section, _sample_of(section, samples), one) for section, one in zip(sections, read, strict=True)
    ]
    for one, stack, section in zip(read, stacks, sections, strict=True):
        if one.curve is not None:
            locate_faults(section, "data", lambda e=one.experiment, s=stack: check_measured_delays(e.name, e, s))
        locate_faults(section, "", lambda e=one.experiment, s=stack: warn_of_experiment(e.name, e, s))
    free, priors, ties, per_spot = _read_fit(top.section("fit"))
    sets = [DataSet(one.experiment, Curve([], []), stack) for one, stack in zip(read, stacks, strict=True)]
    _check_signs(top.section("fit"), free, priors, sets)
    _warn_of_wide_priors(tuple(samples.values()), priors)
    traces = _priors_of_traces(read, free, ties)
    alone = {name: prior for name, prior in traces.items() if name not in priors}
    repeats = [_read_repeat(one, sections, samples, temperature, alone) for one in top.sections("repeats")]
    return SampleFile(
        title=values["title"] or top.path.stem,
        stack=stacks[0] if len(stacks) == 1 else next(iter(samples.values())),
        stacks=tuple(stacks),
        experiments=tuple(one.experiment for one in read),
        curves=tuple(one.curve for one in read),
        free=free,
        priors=traces | priors,
        ties=ties,
        temperature=temperature,
        repeats=tuple(repeats),
        per_spot=tuple(dict.fromkeys([*per_spot, *(name for name in alone if name.endswith(".phase"))])),
        notes=(
            *(f"{one.experiment.name}: {note}" for one in read for note in one.findings.notes),
            *_unused_errors(read, traces, priors),
        ),
    )


def _read_samples(top: TomlTable, temperature: float) -> dict[str, Stack]:
    """Stacks by name: that of the file, "", and its [[samples]]."""
    sections = top.sections("samples")
    found = {} if sections and "layers" not in top else {"": _located_stack(top, temperature)}
    return found | {section.text("name"): _located_stack(section, temperature) for section in sections}


def _located_stack(section: TomlTable, temperature: float) -> Stack:
    return locate_faults(section, "layers", lambda: _read_stack(section, temperature))


def _sample_of(section: TomlTable, samples: Mapping[str, Stack]) -> Stack:
    """The stack that an experiment was made on."""
    named = [name for name in samples if name]
    if "sample" not in section:
        if "" in samples or len(named) == 1:
            return next(iter(samples.values()))
        raise section.fault(f"on which sample? Give sample = one of {', '.join(map(repr, named))}", "sample")
    name = section.text("sample")
    if name not in named:
        raise section.fault(f"{name!r} is no sample of the file: there are {', '.join(named) or 'none'}", "sample")
    return samples[name]


def _priors_of_traces(
    read: Sequence[ReadExperiment], free: Mapping[str, Free], ties: Mapping[str, Tie]
) -> dict[str, Prior]:
    """Uncertainties of what traces told, by the names of the fit; none for what the file frees or ties."""
    found: dict[str, Prior] = {}
    said = {*free, *(name for tie in ties.values() for name in tie.names)}
    for one in read:
        for name, prior in one.findings.priors.items():
            alone = _name_in_fit(one, name, len(read))
            if not {alone, name} & said:
                found[alone] = prior
    return found


def _name_in_fit(one: ReadExperiment, name: str, count: int) -> str:
    """What the fit calls a number that a trace told, among so many experiments."""
    if name == "phase":
        return f"{one.experiment.name}.{name}"
    return name if count == 1 else f"{one.experiment.name}:{name}"


def _unused_errors(
    read: Sequence[ReadExperiment], used: Mapping[str, Prior], stated: Mapping[str, Prior]
) -> Iterator[str]:
    """What is said of errors that traces told, and that something else in the file takes the place of."""
    for one in read:
        for name in one.findings.priors:
            alone = _name_in_fit(one, name, len(read))
            if alone in stated:
                yield f"{alone}: [fit.uncertain] states its error, that of the trace is not used"
            elif alone not in used:
                yield f"{alone} is free or tied: the error that the trace gives is not used"


def _read_repeat(
    section: TomlTable, experiments: Sequence[TomlTable], samples: Mapping[str, Stack], temperature: float,
    used: Mapping[str, Prior],
) -> OtherSpot:  # fmt: skip
    """An experiment made again on another spot: all as in its own table, but the data and what its trace tells."""
    names = [one.text("name", one.text("kind")) for one in experiments]
    wanted = section.text("experiment", names[0] if len(names) == 1 else None)
    if wanted not in names:
        raise section.fault(
            f"{wanted!r} is no experiment of the file: there are {', '.join(names) or 'none'}", "experiment"
        )
    at = names.index(wanted)
    again = evolve(section, table={**experiments[at].table, "data": section.text("data")})
    found = locate_faults(section, "data", lambda: read_experiment(again, temperature))
    if found.curve is None:
        raise section.fault("is missing: give the data of this spot", "data")
    stack = _changed_stack(again, _sample_of(again, samples), found)
    locate_faults(section, "data", lambda: check_measured_delays(found.experiment.name, found.experiment, stack))
    findings = {_name_in_fit(found, name, len(experiments)): prior for name, prior in found.findings.priors.items()}
    return OtherSpot(
        experiment_number=at,
        experiment=found.experiment,
        curve=found.curve,
        stack=stack,
        priors={name: prior for name, prior in findings.items() if name in used},
    )


def _read_stack(top: TomlTable, temperature: float) -> Stack:
    """Layers and boundaries of a file."""
    sections = top.sections("layers")
    layers = [_read_layer(s, temperature, last=i == len(sections) - 1) for i, s in enumerate(sections)]
    named = top.section("boundaries")
    materials = [one.text("material", one.text("name", "")) for one in sections]
    both = zip(pairwise(layers), pairwise(materials), strict=True)
    sides = [BoundarySides(a.name, b.name, *of) for (a, b), of in both]
    return Stack(layers, [_read_boundary(named, side, temperature) for side in sides])


def _read_layer(section: TomlTable, temperature: float, *, last: bool) -> Layer:
    """One layer; what is not stated comes from the library where a material is named."""
    known = material_at(section, temperature) if "material" in section else None
    given: dict[str, Any] = {"thickness": np.inf} if last else {}
    if known is not None:
        given["name"] = section.text("material")
        for key, law in (("conductivity", known.conductivity), ("heat_capacity", known.heat_capacity)):
            if key not in section:
                given[key] = locate_faults(section, "material", lambda law=law: float(law(temperature)[0]))
    layer = SAMPLE_LAYER.make(section, Layer, given)
    if known is not None:
        warn_of_thin_layer(layer, known)
    if "conductivity" in section and layer.coupling is None:  # else that of the lattice alone
        warn_of_bulk(layer, section.text("material", layer.name), temperature)
    return layer


def _read_boundary(section: TomlTable, side: BoundarySides, temperature: float) -> Boundary:
    """A boundary as in all files, without an uncertainty: a fit starts from it; what electrons of a metal with a
    temperature of their own carry across stands beside it.
    """
    electrons, of_lattice = 0.0, section
    if isinstance(section.table[side.written], dict):
        inside = section.section(side.written)
        electrons = inside.number("electron_conductance", "conductance", 0.0)
        rest = {key: value for key, value in inside.table.items() if key != "electron_conductance"}
        of_lattice = evolve(section, table={**section.table, side.written: rest})
    value, sigma = read_conductance(of_lattice, side, temperature)
    if sigma is not None:
        raise section.fault(
            f'what is known how well stands under [fit.uncertain]: "{side.name}.conductance"', side.name
        )
    return locate_faults(section, side.name, lambda: Boundary(value, electron_conductance=electrons))


def _check_distinct_names(names: Sequence[str], sections: Sequence[TomlTable]) -> None:
    """Refuse experiments of one name: their numbers could not be told apart."""
    for i, name in enumerate(names):
        if name in names[:i]:
            raise sections[i].fault(f"two experiments are called {name!r}: give each a name of its own", "name")


def _changed_stack(section: TomlTable, stack: Stack, read: ReadExperiment) -> Stack:
    """The stack of one experiment, from changes = { "SiO2.thickness" = "50 nm" } and the echo of its film."""
    inside = section.section("changes")
    changes: dict[str, float | Conductance] = {
        name: inside.number(name, kind_of_parameter(name)) for name in inside.table
    }
    found = locate_faults(section, "changes", lambda: stack.replace(changes)) if changes else stack
    echo: dict[str, float | Conductance] = dict(read.findings.changes)
    return locate_faults(section, "echo", lambda: found.replace(echo)) if echo else found


def _read_fit(section: TomlTable) -> tuple[dict[str, Free], dict[str, Prior], dict[str, Tie], tuple[str, ...]]:
    """What is free, uncertain and tied, and what of the uncertain each spot has for itself."""
    values, ties = FIT.read(section), section.section("ties")
    priors = values["uncertain"]
    if unknown := [name for name in values["per_spot"] if name not in priors]:
        raise section.fault(f"{unknown[0]!r} is not uncertain: say how well it is known in [fit.uncertain]", "per_spot")
    tied = {name: Tie(*_TIE.read(ties.section(name)).values()) for name in ties.table}
    return values["free"], priors, tied, values["per_spot"]


def _check_signs(
    section: TomlTable, free: Mapping[str, Free], priors: Mapping[str, Prior], sets: Sequence[DataSet]
) -> None:
    """Refuse values of 0 and below for numbers that are always positive, with their place in the file."""
    stated = [("uncertain", name, "value", prior.value) for name, prior in priors.items()]
    stated += [
        ("free", name, key, value)
        for name, one in free.items()
        for key, value in (("start", one.start), ("low", one.low), ("high", one.high))
    ]
    for place, name, key, value in stated:
        held = name.rpartition(":")[2]
        for one in sets if value is not None and value <= 0 else ():
            if held in one.names() and not one.may_be_negative(held):
                fault = f"{key} = {value:g}: expected a number above 0"
                raise section.section(place).fault(fault, name)


def _warn_of_wide_priors(stacks: Sequence[Stack], priors: Mapping[str, Prior]) -> None:
    """Warn of uncertainties of layers that are larger than what they belong to, as in "3 um" for a film of 80 nm."""
    layers = {layer.name: layer for stack in stacks for layer in stack.layers}
    for name, prior in priors.items():
        owner, _, attribute = name.rpartition(".")
        value = getattr(layers.get(owner), attribute, None)
        if prior.value is None and isinstance(value, float) and np.isfinite(value):
            warn_of_prior(name, prior.width(value) / value if not prior.fractional else 0.0)
