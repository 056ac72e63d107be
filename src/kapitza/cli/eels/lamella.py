"""The command `eels lamella`: from maps of a lamella to the absolute resistance of its interface."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

import kapitza
from kapitza.cli.eels.options import format_probability, format_short
from kapitza.cli.layer import Option
from kapitza.cli.output import Column, Note, Part, Results, Table, Values, print_json, print_text, quantity_json
from kapitza.core.parameter_units import rounded_outward
from kapitza.errors import InputError
from kapitza.units import MW

_LEAST_SHARE = 0.0005  # of the variance, for a line of its own
_SMALLEST_CHANCE = 0.01  # of a worse chi2, below which the model is doubted
_LARGEST_PULL = 3.0  # standard uncertainties by which a number may move


def lamella_file(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Lamella, priors and maps (.toml).")],
    *,
    simulate: Annotated[
        str | None, Option("write a virtual experiment of this file into a new folder", metavar="FOLDER")
    ],
    draw: Annotated[bool, Option("simulate with values drawn from their priors")],
    seed: Annotated[int, Option("random seed of the simulation", low=0)] = 0,
    files: Results,
) -> None:
    """Absolute resistance of an interface from temperature maps of a lamella and all that is known besides."""
    if simulate is not None:
        _simulate(path, simulate, seed, draw, files.as_json)
        return
    if draw:
        raise InputError("--draw is of a simulation: give --simulate FOLDER with it")
    held = kapitza.io.eels.read_lamella(path)
    fitted = kapitza.measure.lamella.fit_lamella(
        held.lamella, held.maps, held.priors, plane=held.plane, spread=held.spread
    )
    files.draw_figure(lambda figure: kapitza.plot.lamella_fit(fitted, figure), width=11.0, height=8.0)
    derived = {
        "interval": quantity_json(list(fitted.interval()), "m^2 K W^-1", meaning="of 95 %"),
        "conductance": quantity_json(fitted.conductance, "W m^-2 K^-1"),
        "probability": quantity_json(fitted.pvalue, "1", meaning="of a worse fit"),
    }
    files.report(fitted, _describe_fit(fitted, Path(path).name), derived)


def _simulate(path: str, folder: str, seed: int, draw: bool, as_json: bool) -> None:
    held = kapitza.io.eels.read_lamella(path, virtual=True)
    lamella, changes = held.lamella, dict[str, float]()
    if draw:
        from attrs import evolve

        changes = kapitza.measure.lamella.draw_numbers(lamella, held.priors, spread=held.spread, seed=seed)
        lamella = evolve(lamella, thickness=kapitza.measure.lamella.draw_thickness(lamella.thickness, seed=seed))
    maps = kapitza.measure.lamella.simulate_lamella(lamella, held.maps, changes=changes, spread=held.spread, seed=seed)
    kapitza.io.eels.write_virtual_scan(path, held, maps, folder)
    name = f"{held.plane}.resistance"
    truth = changes.get(name, held.lamella.parameters[name])
    if as_json:
        numbers = {key: value for key, value in changes.items() if key != name}
        print_json({"folder": folder, "seed": seed, name: quantity_json(truth, "m^2 K W^-1"), "drawn": numbers})
        return
    print_text(f"{folder}: {len(maps)} {'map' if len(maps) == 1 else 'maps'}, seed {seed}")
    print_text(f"true resistance of {held.plane}: {format_short(truth * 1e9)} m²K/GW")


def _describe_fit(found: kapitza.measure.lamella.LamellaFit, name: str) -> Iterator[Part]:
    pixels = sum(int((image == image).sum()) for image in (one.temperature for one in found.temperature_maps))
    maps = len(found.temperature_maps)
    headline = f"{name}: {maps} {'map' if maps == 1 else 'maps'}, {pixels} pixels on the lamella"
    low, high = found.interval()
    if found.profile_ends.size:
        yield headline
        yield f"resistance of {found.plane}: {_between(low * 1e9, high * 1e9)} m²K/GW (95 %, hardly seen)"
        yield f"conductance {_between(1 / high / MW, 1 / low / MW if low else math.inf)} MW/m²K (95 %)"
    else:
        size, share = found.resistance * 1e9, found.relative_sigma
        ends = (low * 1e9, high * 1e9), (1 / high / MW, 1 / low / MW)
        rows = [
            Column(f"resistance of {found.plane}", [size], "m² K GW⁻¹", [size * share], interval=ends[0]),
            Column("its relative uncertainty", [100 * share], "%"),
            Column("conductance", [found.conductance / MW], "MW m⁻² K⁻¹", interval=ends[1]),
        ]
        yield Values(headline, rows, digits=3)
    yield (
        f"chi-squared {found.chi2:.4g} with {found.freedom:.4g} degrees of freedom "
        f"(probability {format_probability(found.pvalue)})"
    )
    yield from _describe_doubts(found)
    order = sorted(zip(found.share.tolist(), found.sources, strict=True), reverse=True)
    kept = [(share, source) for share, source in order if share > _LEAST_SHARE]
    columns = [
        Column("source", [source.replace("_", " ") for _, source in kept]),
        Column("share of variance, %", [f"{100 * share:.1f}" for share, _ in kept]),
        Column("uncertainty of R, %", [f"{100 * found.relative_sigma * share**0.5:.1f}" for share, _ in kept]),
    ]
    yield Table("where the uncertainty comes from", columns, digits=3)
    rows = list(zip(found.remedies, found.remedy_sigma.tolist(), strict=True))
    halves = [words for words, sigma in rows if sigma <= found.relative_sigma / 2]
    heads = [Column("with", [words for words, _ in rows]), Column("R to, %", [f"{100 * s:.1f}" for _, s in rows])]
    yield Table("further measurements", heads, digits=3)
    yield f"half the error or less: {'; '.join(halves) if halves else 'none of these alone'}"


def _between(low: float, high: float) -> str:
    """An interval, rounded outward, one-sided where an end is 0 or infinite."""
    least, most = rounded_outward(low or -math.inf, high)
    if low == 0:
        return f"below {most}" if math.isfinite(high) else "anything"
    return f"{least} to {most}" if math.isfinite(high) else f"above {least}"


def _describe_doubts(found: kapitza.measure.lamella.LamellaFit) -> Iterator[Part]:
    if found.profile_ends.size:
        yield Note(
            "the maps hardly show the resistance: a larger power, smaller pixels or more electrons show its jump"
        )
    if found.pvalue < _SMALLEST_CHANCE:
        yield Note(
            f"the model does not describe the maps (probability {format_probability(found.pvalue)}), and the "
            "resistance is not to be trusted: look at the residuals (--plot) for a thickness, conductivity or plane "
            "that is not as the file says"
        )
    known = dict(zip(found.sources, found.share, strict=True))
    for i, name in enumerate(found.names):
        if name in known and abs(found.pulls[i]) > _LARGEST_PULL:
            yield Note(
                f"{name} moved by {abs(found.pulls[i]):.1f} times its uncertainty: check what the file says of it"
            )
