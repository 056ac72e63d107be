"""The command `eels compare`: measured mode temperatures beside simulated ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import kapitza
from kapitza.cli.eels.options import check_distinct, format_probability
from kapitza.cli.layer import Option, Panel
from kapitza.cli.output import Column, Note, Part, Results, Table, note, quantity_json
from kapitza.core.parameter_units import with_error
from kapitza.errors import DataError, InputError
from kapitza.units import meV

_AGREES = 0.01  # probability from which two records agree
_RECORDS = "an occupation (`eels modes --save`), a Boltzmann solution (`transport --save`) or a run (`md --save`)"


def compare_modes(
    measured: Annotated[str, typer.Argument(metavar="MEASURED", help="Occupations, of `eels modes --save`.")],
    simulated: Annotated[list[str], typer.Argument(metavar="OTHER...", help="Of `md`, `transport` or `eels modes`.")],
    *,
    align: Annotated[
        Literal["none", "offset", "scale"],
        Option("fit a shift of the other temperatures (another mean), or also a factor (another flux)"),
    ] = "none",
    tolerance: Annotated[float, Option("largest difference of energies of one mode", "energy", "5meV")],
    offset: Annotated[float, Option("position of the measurement that is 0 in the others, 12.4nm", "length", "0nm")],
    bands: Annotated[int, Option("bands of frequency of a molecular dynamics run", low=1)] = 8,
    spread: Annotated[kapitza.eels.PointSpread, Panel("Point spread", "width share length")],
    files: Results,
) -> None:
    """Mode temperatures that were measured beside those of molecular dynamics or the Boltzmann equation, with chi²."""
    for path in simulated:
        check_distinct(measured, path, "a measurement and what is computed")
    data = _read_occupation(measured, bands)
    known: dict[str, Any] = {"align": align, "tolerance": tolerance, "spread": spread, "offset": offset}
    compared = {
        path: kapitza.eels.comparison.compare_occupations(data, _read_occupation(path, bands), **known)
        for path in simulated
    }
    if len(compared) < len(simulated):
        raise InputError(f"the same file twice: {', '.join(simulated)}")
    files.draw_figure(
        lambda figure: kapitza.plot.eels.occupation_comparison(compared, figure), height=2.6 + 1.6 * len(data.energy)
    )
    numbers = {path: quantity_json(one.pvalue, "1", meaning="of a larger chi²") for path, one in compared.items()}
    name = Path(measured).name
    printed = [part for path, one in compared.items() for part in _describe_comparison(one, name, path)]
    files.report(compared, printed, {"probability": numbers})


def _read_occupation(path: str, bands: int) -> Any:
    held = kapitza.load(path)
    for one in held.values() if isinstance(held, dict) else (held,):
        if isinstance(one, kapitza.Occupation):
            return one
        if isinstance(one, kapitza.md.Run):
            modes = kapitza.md.mode_temperatures(one, bands=bands).occupation
            if modes is None:
                raise DataError("was run without a run in equilibrium, which mode temperatures need", file=path)
            for reason in one.result().reasons:
                note(f"{Path(path).name}: the run was rejected: {reason}")
            return modes
        if isinstance(one, kapitza.boltzmann.Transport):
            return one.occupation
    raise DataError(f"holds no mode temperatures: expected {_RECORDS}", file=path)


def _describe_comparison(found: kapitza.eels.comparison.OccupationComparison, name: str, other: str) -> Iterator[Part]:
    rows = zip(found.chi2_by_mode.tolist(), found.count_by_mode.tolist(), strict=True)
    columns = [
        Column("mode", found.modes),
        Column("meV", [f"{one / meV:.4g}" for one in found.energy]),
        Column(" compared with", found.partners),
        Column("places", [f"{count:.0f}" for count in found.count_by_mode]),
        Column("chi² per place", [f"{chi2 / count:.3g}" if count else "–" for chi2, count in rows]),
    ]
    yield Table(f"{name} beside {Path(other).name}", columns)
    if found.alignment_sigma[0] > 0:
        scale = ""
        if found.alignment_sigma[1] > 0:
            scale = f" and the factor {with_error(found.factor, float(found.alignment_sigma[1]))}"
        shift = with_error(found.shift, float(found.alignment_sigma[0]))
        yield f"aligned by a shift of {shift} K{scale}"
    word = "agree" if found.pvalue > _AGREES else "do not agree"
    yield (
        f"they {word}: chi² {found.chi2:.4g} for {found.freedom} degrees of freedom "
        f"(probability {format_probability(found.pvalue)})"
    )
    if not (found.expected_sigma > 0).any():
        yield Note(f"{Path(other).name} states no uncertainties: its temperatures are taken as exact")
