"""The command `predict`: the best estimate of a conductance, what the models say, and what was measured."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import typer

import kapitza
from kapitza.cli import options, output
from kapitza.cli.layer import Option
from kapitza.cli.options import Calculation, Temperatures
from kapitza.cli.output import CONDUCTANCE_UNIT, Grid, Note, Part, Results
from kapitza.errors import InputError

Left = Annotated[
    str, typer.Argument(help="Library name, phonopy file or folder/, structure: .cif, POSCAR, or mine.toml:name.")
]
Right = Annotated[str, typer.Argument(help="The same for the other side.")]
_MEASURED_AS = "As a measurement sees it"
_MAX_COLUMNS = 7  # temperatures in a printed table
_COLUMN_WIDTH = 9  # characters of one of them
_MAX_SOURCES = 12  # rows of measured values
_ROOM_TEMPERATURE = 300.0  # K


def predict(
    left: Left,
    right: Right,
    *,
    temperature: Temperatures,
    models: Annotated[
        list[str] | None,
        Option(
            "models, amm,dmm; all: Debye solids too. Full bands if omitted", options.parse_names,
            names="--models --theory", metavar="NAMES",
        ),
    ],
    normal: Annotated[
        tuple[tuple[int, ...], tuple[int, ...]],
        Option(
            "interface normal in the axes of the crystal: 001, or left,right as 111,001", options.parse_normals, "001",
            metavar="HKL",
        ),
    ],
    drop: Annotated[
        Literal["emitted", "local", "extrapolated"],
        Option("temperature drop of models in table and figure; extrapolated: gray estimate, off by ± 50 %"),
    ] = "emitted",
    statistics: Annotated[Literal["quantum", "classical"], Option("statistics; classical as in MD")] = "quantum",
    prepared: Annotated[
        str,
        Option("preparation, for the best estimate: cleaned, epitaxial, bonded, 'van der Waals' ...", metavar="HOW"),
    ] = "",
    seen: Annotated[
        str | None,
        Option(
            "measurement: tdtr:80nm,10MHz, sstr:80nm,10um (radius), film:1um, md:20nm", metavar="HOW", shown="tdtr",
            panel=_MEASURED_AS,
        ),
    ],
    conductivities: Annotated[
        tuple[float | None, float | None] | None,
        Option(
            "conductivities of both lattices, without electrons, W/mK; -: library", options.parse_conductivities,
            metavar="LEFT,RIGHT", panel=_MEASURED_AS,
        ),
    ],
    calculation: Calculation,
    files: Results,
) -> None:  # fmt: skip
    """Best estimate of a conductance with its interval, the models of physics, and what was measured."""
    seen = "tdtr" if seen is None and conductivities is not None else seen
    observation = None if seen is None else options.parse_observation(seen)
    if observation is not None and any(map(kapitza.matter.is_structure_file, (left, right))):
        raise InputError("--seen takes names and phonopy files, no structure files: a phonopy file has their phonons")
    if observation is not None and statistics == "classical" and observation.method != "md":
        raise InputError(f"--seen {seen} has quantum statistics; with --statistics classical take --seen md:20nm")
    forces = calculation.forces((left, right))
    given: dict[str, Any] = {} if forces is None else {"calculator": forces}
    given |= {"statistics": statistics, "normals": normal, "condition": prepared}
    prediction = kapitza.predict(left, right, temperature, "all" if models == ["all"] else models, **given)
    if observation is not None:
        from attrs import evolve

        apparent = kapitza.measure.apparent_conductance(
            left, right, temperature, observation, conductivities=conductivities or (None, None), normals=normal
        )
        prediction = evolve(prediction, apparent=apparent)
    records = {"estimate": prediction.estimate, "models": prediction.models, "measured": prediction.measured}
    records |= {} if prediction.apparent is None else {"apparent": prediction.apparent}
    files.draw(lambda ax: kapitza.plot.conductance(prediction, drop=drop, ax=ax))
    ends = prediction.estimate.interval
    derived = {} if ends is None else {"interval": output.quantity_json(ends.tolist(), CONDUCTANCE_UNIT)}
    files.report(records, _describe_prediction(prediction, drop, (left, right)), derived)


def _describe_prediction(
    prediction: kapitza.measure.InterfacePrediction, drop: str, typed: tuple[str, str]
) -> Iterator[Part]:
    yield from map(Note, prediction.remarks)
    kelvin = prediction.estimate.conductance.temperature.tolist()
    at = min(kelvin, key=lambda t: abs(t - _ROOM_TEMPERATURE))
    yield _headline(prediction, at) + "\n"
    yield from _describe_models(prediction, drop)
    if prediction.apparent is not None:
        yield from _describe_apparent(prediction.apparent)
    yield from _describe_measured(prediction, at, typed)


def _short_megawatts(value: float, digits: int = 3) -> str:
    return output.megawatts(float(f"{value:.{digits}g}"))


def _headline(found: kapitza.measure.InterfacePrediction, at: float) -> str:
    best = found.estimate
    index = best.conductance.temperature.tolist().index(at)
    value, interval = _short_megawatts(float(best.conductance.value[index])), best.interval
    ends = ""
    if interval is not None:
        low, high = (_short_megawatts(end, 2) for end in interval[index].tolist())
        ends = f", 95 % interval {low} to {high}"
    elif len(theories := [float(one.emitted.value[index]) for one in found if not one.limit]) > 1:
        ends = f", models from {_short_megawatts(min(theories))} to {_short_megawatts(max(theories))}"
    sides = f"{found.left} | {found.right} at {at:g} K"
    if best.phonons_alone:
        return f"{sides}: {best.reason}: {value} MW m⁻² K⁻¹"
    return f"{sides}: {value} MW m⁻² K⁻¹{ends}; {best.reason}"


def _describe_models(found: kapitza.measure.InterfacePrediction, drop: str) -> Iterator[Part]:
    kelvin = found.models[0].emitted.temperature.tolist()
    room = output.terminal_columns() - max(len(one.title) for one in found) - len("  inelastic-limit-crystal  ")
    shown = output.even_subset(len(kelvin), max(2, min(_MAX_COLUMNS, room // _COLUMN_WIDTH)))
    rows: list[list[str]] = []
    if len(kelvin) > 1:
        best = found.estimate
        index = {t: i for i, t in enumerate(best.conductance.temperature.tolist())}
        curves = {"best estimate": best.conductance.value}
        if best.interval is not None:
            curves |= {"95 % from": best.interval[:, 0], "95 % to": best.interval[:, 1]}
        for name, value in curves.items():
            cells = [_short_megawatts(value[index[kelvin[j]]]) if kelvin[j] in index else "–" for j in shown]
            rows.append([name, best.basis, *cells])
    for one in found:
        known = getattr(one, drop)
        cells = [output.megawatts(None if known is None else float(known.value[j])) for j in shown]
        rows.append([one.title, one.model, *cells])
    error = f" ± {kapitza.core.GRAY_ERROR:.0%}" if drop == "extrapolated" else ""
    head = f"models by the {drop} drop{error}, MW m⁻² K⁻¹"
    yield Grid(head, ["model", "name", *(f"{kelvin[j]:g} K" for j in shown)], rows, text=2)
    if len(shown) < len(kelvin):
        yield Note(f"{len(shown)} of {len(kelvin)} temperatures are shown; --save and --json hold all of them")
    remark = kapitza.theory.drop_remark(found.models, drop)
    if remark:
        yield Note(remark)
    if drop == "extrapolated":
        yield Note(
            f"the extrapolated drop is estimated for gray, diffuse media: ± {kapitza.core.GRAY_ERROR:.0%}, mostly too "
            "high, and farther from experiment than the emitted one; --seen solves for it"
        )


def _describe_apparent(found: kapitza.measure.ApparentConductance) -> Iterator[Part]:
    known = found.conductance
    rows = [
        [f"{t:g}", *(_short_megawatts(one[i], 2) for one in (known.value, found.low, found.high))]
        + [f"{side[i].value:.3g}{'*' * side[i].estimated}" for side in found.conductivities]
        for i, t in enumerate(known.temperature.tolist())
    ]
    head = f"apparent conductance ({found.observation.title}; Boltzmann equation of both solids), MW m⁻² K⁻¹"
    lattices = [f"κ of {name}" for name in (found.left, found.right)]
    yield Grid(head, ["T (K)", "G", "from", "to", *lattices], rows)
    yield " from, to: spread due to unknown mean free paths, no confidence interval;"
    estimated = any(one.estimated for side in found.conductivities for one in side)
    yield f" κ: of the lattice, W m⁻¹ K⁻¹{'; * estimated' * estimated}\n"


def _describe_measured(found: kapitza.measure.InterfacePrediction, at: float, typed: tuple[str, str]) -> Iterator[Part]:
    direct = [one for one in found.measured if not one.exclusion]
    by_source: dict[str, list[kapitza.Measurement]] = {}
    for one in direct:
        if one.near(at):
            by_source.setdefault(one.citation, []).append(one)
    rows: list[list[str]] = []
    for citation, entries in list(by_source.items())[:_MAX_SOURCES]:
        values = [float(one.conductance.value[i]) for one in entries for i in one.near(at)]
        ends = " – ".join(map(output.megawatts, dict.fromkeys((min(values), max(values)))))
        methods = ", ".join(dict.fromkeys(one.method for one in entries))
        prepared = dict.fromkeys(filter(None, (one.condition or one.preparation for one in entries)))
        rows.append([kapitza.plot.style.short_citation(citation), ends, methods, ", ".join(prepared)])
    if rows:
        everyone = {*found.estimate.sources, *(one.doi for entries in by_source.values() for one in entries)}
        part = f", {len(rows)} of {len(everyone)} sources" if len(rows) < len(everyone) else ""
        yield Grid(f"measured at {at:g} K, MW m⁻² K⁻¹{part}", ["source", "", " method", " prepared"], rows)
    if found.measured:
        names = (found.measured[0].left, found.measured[0].right) if any(map(kapitza.theory.is_path, typed)) else typed
        hidden = len(found.measured) - sum(map(len, list(by_source.values())[:_MAX_SOURCES]))
        more = f"{hidden} more" if rows else f"{hidden} at other temperatures or not of the bare contact"
        if hidden:
            yield Note(f"{more}: kapitza measured {' '.join(map(shlex.quote, names))}")
