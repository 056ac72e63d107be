"""The verb `predict`: the best estimate of a conductance, what the models say, and what was measured."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import kapitza
from kapitza.cli.figures import Results
from kapitza.cli.options import (
    Calculator,
    CalculatorArguments,
    Figure,
    Json,
    Relax,
    Save,
    Temperatures,
    even_subset,
    parse_conductivities,
    parse_names,
    parse_normals,
    parse_observation,
    parse_temperatures,
    structure_forces,
)
from kapitza.cli.output import (
    CONDUCTANCE_UNIT,
    megawatts,
    note,
    print_record,
    print_table,
    print_text,
    quantity_json,
    terminal_columns,
)
from kapitza.errors import InputError

if TYPE_CHECKING:
    from kapitza.measure.apparent import ApparentConductance
    from kapitza.measure.catalogue import Measurement
    from kapitza.measure.interface import InterfacePrediction
    from kapitza.theory.models import Estimate

Drop = Annotated[
    Literal["emitted", "local", "extrapolated"],
    typer.Option(help="Temperature drop of models in table and figure; extrapolated: gray estimate, off by ± 50 %."),
]
Left = Annotated[
    str, typer.Argument(help="Library name, phonopy file or folder/, structure: .cif, POSCAR, or mine.toml:name.")
]
Right = Annotated[str, typer.Argument(help="The same for the other side.")]
Normal = Annotated[
    str, typer.Option("--normal", help="Interface normal in the axes of the crystal: 001, or left,right as 111,001.")
]
Models = Annotated[
    str | None,
    typer.Option("--models", "--theory", help="Names, e.g. amm,dmm; all: Debye solids too. Full bands if left out."),
]
Prepared = Annotated[
    str,
    typer.Option(
        metavar="HOW", help="The contact, for the best estimate: cleaned, epitaxial, bonded, 'van der Waals' ..."
    ),
]
Seen = Annotated[
    str | None,
    typer.Option(
        metavar="HOW",
        help="Measurement to solve for: tdtr:80nm,10MHz, sstr:80nm,10um (radius), film:1um, md:20nm. Default: tdtr.",
    ),
]
Bulk = Annotated[
    str | None,
    typer.Option(
        "--conductivities", metavar="LEFT,RIGHT", help="Of both lattices, without electrons, W/mK; -: library."
    ),
]
_MAX_COLUMNS = 7  # temperatures in a printed table
_COLUMN_WIDTH = 9  # characters of one of them
_MAX_SOURCES = 12  # rows of measured values
_ROOM_TEMPERATURE = 300.0  # K


def predict(
    left: Left,
    right: Right,
    temperature: Temperatures = "300",
    models: Models = None,
    normal: Normal = "001",
    drop: Drop = "emitted",
    statistics: Annotated[Literal["quantum", "classical"], typer.Option(help="classical: as in MD.")] = "quantum",
    calculator: Calculator = None,
    calculator_args: CalculatorArguments = None,
    relax: Relax = None,
    prepared: Prepared = "",
    seen: Seen = None,
    bulk: Bulk = None,
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Best estimate of a conductance with its interval, the models of physics, and what was measured."""
    kelvin, normals, names = parse_temperatures(temperature), parse_normals(normal), parse_names(models)
    seen = "tdtr" if seen is None and bulk is not None else seen
    observation, conductivities = None if seen is None else parse_observation(seen), parse_conductivities(bulk)
    if observation is not None and any(map(kapitza.matter.is_structure_file, (left, right))):
        raise InputError("--seen takes names and phonopy files, no structure files: a phonopy file has their phonons")
    if observation is not None and statistics == "classical" and observation.method != "md":
        raise InputError(f"--seen {seen} has quantum statistics; with --statistics classical take --seen md:20nm")
    files, forces = Results(save, plot), structure_forces((left, right), calculator, calculator_args, relax)
    chosen = "all" if names == ["all"] else names
    given: dict[str, Any] = {} if forces is None else {"calculator": forces}
    given |= {"statistics": statistics, "normals": normals, "condition": prepared}
    found = kapitza.predict(left, right, kelvin, chosen, **given)
    if observation is not None:
        from attrs import evolve

        apparent = kapitza.measure.apparent_conductance(
            left, right, kelvin, observation, conductivities=conductivities, normals=normals
        )
        found = evolve(found, apparent=apparent)
    result = {"estimate": found.estimate, "models": found.models, "measured": found.measured}
    result |= {} if found.apparent is None else {"apparent": found.apparent}
    files.keep(result)
    files.draw(lambda ax: kapitza.plot.conductance(found, drop=drop, ax=ax))
    if as_json:
        ends = found.estimate.interval
        print_record(result, {} if ends is None else {"interval": quantity_json(ends.tolist(), CONDUCTANCE_UNIT)})
        return
    for remark in found.remarks:
        note(remark)
    at = min(found.estimate.conductance.temperature.tolist(), key=lambda t: abs(t - _ROOM_TEMPERATURE))
    print_text(_headline(found, at) + "\n")
    _print_models(found, drop)
    if found.apparent is not None:
        _print_apparent(found.apparent)
    _print_measured(found, at, (left, right))
    files.announce()


def _headline(found: InterfacePrediction, at: float) -> str:
    """Return the best estimate at a temperature (K), its interval, and on what it rests."""
    best = found.estimate
    index = best.conductance.temperature.tolist().index(at)
    value = megawatts(float(f"{best.conductance.value[index]:.3g}"))
    interval = best.interval
    ends = ""
    if interval is not None:
        low, high = (megawatts(float(f"{end:.2g}")) for end in interval[index].tolist())
        ends = f", 95 % interval {low} to {high}"
    elif len(theories := [float(one.emitted.value[index]) for one in found if not one.limit]) > 1:
        ends = f", models from {megawatts(float(f'{min(theories):.3g}'))} to {megawatts(float(f'{max(theories):.3g}'))}"
    sides = f"{found.left} | {found.right} at {at:g} K"
    if best.phonons_alone:
        return f"{sides}: {best.reason}: {value} MW m⁻² K⁻¹"
    return f"{sides}: {value} MW m⁻² K⁻¹{ends}; {best.reason}"


def _print_models(found: InterfacePrediction, drop: str) -> None:
    """Print what the models say by one drop, temperatures side by side, below the best estimate if there are many."""
    kelvin = found.models[0].emitted.temperature.tolist()
    shown = even_subset(len(kelvin), _fitting_columns(max(len(one.title) for one in found)))
    rows = [[one.title, one.model, *(_drop_value(one, drop, j) for j in shown)] for one in found]
    if len(kelvin) > 1:
        rows = _best_rows(found, [kelvin[j] for j in shown]) + rows
    error = f" ± {kapitza.core.GRAY_ERROR:.0%}" if drop == "extrapolated" else ""
    head = f"models by the {drop} drop{error}, MW m⁻² K⁻¹"
    print_table(head, ["model", "name", *(f"{kelvin[j]:g} K" for j in shown)], rows, text=2)
    if len(shown) < len(kelvin):
        note(f"{len(shown)} of {len(kelvin)} temperatures are shown; --save and --json hold all of them")
    remark = kapitza.theory.drop_remark(found.models, drop)
    if remark:
        note(remark)
    if drop == "extrapolated":
        note(
            f"the extrapolated drop is estimated for gray, diffuse media: ± {kapitza.core.GRAY_ERROR:.0%}, mostly too "
            "high, and farther from experiment than the emitted one; --seen solves for it"
        )


def _print_apparent(found: ApparentConductance) -> None:
    """Print an apparent conductance, its bounds over what is not known, and the conductivities it rests on."""
    known = found.conductance
    rows = [
        [f"{t:g}", *(megawatts(float(f"{one[i]:.2g}")) for one in (known.value, found.low, found.high))]
        + [f"{side[i].value:.3g}{'*' * side[i].estimated}" for side in found.conductivities]
        for i, t in enumerate(known.temperature.tolist())
    ]
    head = f"apparent conductance ({found.observation.title}; Boltzmann equation of both solids), MW m⁻² K⁻¹"
    lattices = [f"κ of {name}" for name in (found.left, found.right)]
    print_table(head, ["T (K)", "G", "from", "to", *lattices], rows)
    print_text(" from, to: spread due to unknown mean free paths, no confidence interval;")
    estimated = any(one.estimated for side in found.conductivities for one in side)
    print_text(f" κ: of the lattice, W m⁻¹ K⁻¹{'; * estimated' * estimated}\n")


def _best_rows(found: InterfacePrediction, kelvin: list[float]) -> list[list[str]]:
    """Return the best estimate and the ends of its interval against temperature, as rows of a table."""
    best = found.estimate
    known = {t: i for i, t in enumerate(best.conductance.temperature.tolist())}
    curves = {"best estimate": best.conductance.value}
    if best.interval is not None:
        curves |= {"95 % from": best.interval[:, 0], "95 % to": best.interval[:, 1]}
    return [
        [name, best.basis, *(megawatts(float(f"{value[known[t]]:.3g}")) if t in known else "–" for t in kelvin)]
        for name, value in curves.items()
    ]


def _print_measured(found: InterfacePrediction, at: float, typed: tuple[str, str]) -> None:
    """Print what was measured near a temperature (K), one row a source."""
    direct = [one for one in found.measured if not one.exclusion]
    by_source: dict[str, list[Measurement]] = {}
    for one in direct:
        if one.near(at):
            by_source.setdefault(one.citation, []).append(one)
    rows = [_source_row(citation, entries, at) for citation, entries in list(by_source.items())[:_MAX_SOURCES]]
    if rows:
        everyone = {*found.estimate.sources, *(one.doi for entries in by_source.values() for one in entries)}
        part = f", {len(rows)} of {len(everyone)} sources" if len(rows) < len(everyone) else ""
        print_table(f"measured at {at:g} K, MW m⁻² K⁻¹{part}", ["source", "", " method", " prepared"], rows)
    if found.measured:
        names = (found.measured[0].left, found.measured[0].right) if any(map(kapitza.theory.is_path, typed)) else typed
        hidden = len(found.measured) - sum(map(len, list(by_source.values())[:_MAX_SOURCES]))
        more = f"{hidden} more" if rows else f"{hidden} at other temperatures or not of the bare contact"
        if hidden:
            note(f"{more}: kapitza measured {' '.join(map(shlex.quote, names))}")


def _source_row(citation: str, entries: list[Measurement], at: float) -> list[str]:
    """Return the range of values of one source, how and on what it measured."""
    values = [float(one.conductance.value[i]) for one in entries for i in one.near(at)]
    ends = [megawatts(end) for end in dict.fromkeys((min(values), max(values)))]
    methods = ", ".join(dict.fromkeys(one.method for one in entries))
    prepared = dict.fromkeys(filter(None, (one.condition or one.preparation for one in entries)))
    return [kapitza.plot.style.short_citation(citation), " – ".join(ends), methods, ", ".join(prepared)]


def _fitting_columns(text: int) -> int:
    """Return how many columns of temperatures stand beside titles of this length without being cut."""
    room = terminal_columns() - text - len("  inelastic-limit-crystal  ")
    return max(2, min(_MAX_COLUMNS, room // _COLUMN_WIDTH))


def _drop_value(one: Estimate, drop: str, index: int) -> str:
    """Return one value of an estimate for a table."""
    conductance = getattr(one, drop)
    return megawatts(None if conductance is None else float(conductance.value[index]))
