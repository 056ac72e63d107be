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
from itertools import pairwise
from os import PathLike

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import about
from kapitza.core.conductance import Conductance
from kapitza.core.parameter_units import kind_of_parameter
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.io.boundaries import BoundarySides, read_conductance
from kapitza.io.experiments import ReadExperiment, read_experiment
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
from kapitza.io.toml import TomlTable, locate_faults, material_at, read_toml
from kapitza.measure.experiment import Curve, Experiment
from kapitza.measure.parameters import DataSet, Free, Prior, Tie

_SAMPLE_LAYER_KEYS = (
    "name", "material", "thickness", "conductivity", "in_plane", "in_plane_y", "heat_capacity", "xy", "xz", "yz",
    "electron_conductivity", "electron_heat_capacity", "coupling",
)  # fmt: skip


_ELECTRON_KEYS = _SAMPLE_LAYER_KEYS[-3:]


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
    top.check_keys(("title", "temperature", "layers", "boundaries", "samples", "experiments", "fit", "repeats"))
    temperature = top.number("temperature", "temperature", 300.0)
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
        title=top.text("title", top.path.stem),
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
    for section in sections:
        section.check_keys(("name", "layers", "boundaries"))
        name = section.text("name")
        if not name or name in found:
            raise section.fault(f"{name!r}: expected a name that no other sample has", "name")
        found[name] = _located_stack(section, temperature)
    return found


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
    section.check_keys(("experiment", "data"))
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
    if not sections:
        raise top.fault("no [[layers]]: give at least one, from the heated side down", "layers")
    layers = [_read_layer(s, temperature, last=i == len(sections) - 1) for i, s in enumerate(sections)]
    named = top.section("boundaries")
    materials = [one.text("material", one.text("name", "")) for one in sections]
    both = zip(pairwise(layers), pairwise(materials), strict=True)
    wanted = [BoundarySides(a.name, b.name, *of) for (a, b), of in both]
    named.check_keys([side.name for side in wanted])
    missing = [side.name for side in wanted if side.name not in named]
    if missing:
        raise named.fault(f'the boundary {missing[0]!r} has no conductance, such as "100 MW/m2K"')
    return Stack(layers, [_read_boundary(named, side, temperature) for side in wanted])


def _read_layer(section: TomlTable, temperature: float, *, last: bool) -> Layer:
    """One layer; what is not stated comes from the library where a material is named."""
    section.check_keys(_SAMPLE_LAYER_KEYS)
    known = material_at(section, temperature) if "material" in section else None

    def of_library(key: str) -> float | None:
        if key in section or known is None:
            return None
        table = known.conductivity if key == "conductivity" else known.heat_capacity
        return locate_faults(section, "material", lambda: float(np.atleast_1d(table(temperature))[0]))

    thickness = np.inf if last and "thickness" not in section else section.number("thickness", "length")
    conductivity = of_library("conductivity") or section.number("conductivity", "conductivity")
    layer = locate_faults(
        section,
        "",
        lambda: Layer(
            section.text("name", section.text("material", "") or None),
            thickness,
            conductivity,
            in_plane=section.optional("in_plane", "conductivity"),
            in_plane_y=section.optional("in_plane_y", "conductivity"),
            heat_capacity=of_library("heat_capacity") or section.optional("heat_capacity", "heat_capacity"),
            **{key: section.number(key, "conductivity", 0.0) for key in ("xy", "xz", "yz")},
            **{key: section.optional(key, kind_of_parameter(key)) for key in _ELECTRON_KEYS},
        ),
    )
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
    section.check_keys(("free", "uncertain", "ties", "per_spot"))
    held = section.table.get("free", [])
    if isinstance(held, dict):
        inside = section.section("free")
        free = {name: _read_free(inside.section(name), name) for name in inside.table}
    else:
        named = section.texts("free")
        if twice := next((name for i, name in enumerate(named) if name in named[:i]), None):
            raise section.fault(f"{twice!r} is named twice: a number is free once", "free")
        free = {name: Free() for name in named}
    uncertain, ties = section.section("uncertain"), section.section("ties")
    priors = {
        name: locate_faults(uncertain, name, lambda n=name: _read_prior(uncertain, n)) for name in uncertain.table
    }
    per_spot = tuple(section.texts("per_spot")) if "per_spot" in section else ()
    if unknown := [name for name in per_spot if name not in priors]:
        raise section.fault(f"{unknown[0]!r} is not uncertain: say how well it is known in [fit.uncertain]", "per_spot")
    return free, priors, {name: _read_tie(ties.section(name)) for name in ties.table}, per_spot


def _read_free(section: TomlTable, name: str) -> Free:
    """Start and limits of a free number."""
    section.check_keys(("start", "low", "high"))
    kind = kind_of_parameter(name)
    return Free(*(section.optional(key, kind) for key in ("start", "low", "high")))


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
    for table, name, key, value in stated:
        held = name.rpartition(":")[2]
        for one in sets if value is not None and value <= 0 else ():
            if held in one.names() and not one.may_be_negative(held):
                fault = f"{key} = {value:g}: expected a number above 0"
                raise section.section(table).fault(fault, name)


def _warn_of_wide_priors(stacks: Sequence[Stack], priors: Mapping[str, Prior]) -> None:
    """Warn of uncertainties of layers that are larger than what they belong to, as in "3 um" for a film of 80 nm."""
    layers = {layer.name: layer for stack in stacks for layer in stack.layers}
    for name, prior in priors.items():
        owner, _, attribute = name.rpartition(".")
        value = getattr(layers.get(owner), attribute, None)
        if prior.value is None and isinstance(value, float) and np.isfinite(value):
            warn_of_prior(name, prior.width(value) / value if not prior.fractional else 0.0)


def _read_tie(section: TomlTable) -> Tie:
    """Several numbers that are one."""
    section.check_keys(("names", "kind"), {"how": "kind"})
    kind = section.text("kind", "factor", choices=("factor", "value"))
    return Tie(section.texts("names"), "factor" if kind == "factor" else "value")
