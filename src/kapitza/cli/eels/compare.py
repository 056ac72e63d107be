"""The verb `eels compare`: measured mode temperatures beside simulated ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import kapitza
from kapitza.cli.eels.options import check_distinct, format_probability
from kapitza.cli.figures import Results
from kapitza.cli.options import Figure, Json, Save
from kapitza.cli.output import note, print_record, print_text, quantity_json
from kapitza.cli.tables import Column, print_columns
from kapitza.core.parameter_units import with_error
from kapitza.errors import DataError, InputError
from kapitza.io.quantities import quantity
from kapitza.units import meV

if TYPE_CHECKING:
    from kapitza.measure.eels.comparison.occupations import OccupationComparison

_AGREES = 0.01  # probability from which two records agree
_RECORDS = "an occupation (`eels modes --save`), a Boltzmann solution (`transport --save`) or a run (`md --save`)"


def compare_modes(
    measured: Annotated[str, typer.Argument(metavar="MEASURED", help="Occupations, of `eels modes --save`.")],
    simulated: Annotated[list[str], typer.Argument(metavar="OTHER...", help="Of `md`, `transport` or `eels modes`.")],
    align: Annotated[
        Literal["none", "offset", "scale"],
        typer.Option(
            help="Fit a shift of the other temperatures, or a shift and a factor: another mean, another flux."
        ),
    ] = "none",
    tolerance: Annotated[str, typer.Option(help="Largest difference of energies of one mode.")] = "5meV",
    offset: Annotated[str, typer.Option(help="Position of the measurement that is 0 in the others, 12.4nm.")] = "0nm",
    width: Annotated[str, typer.Option(help="Point spread: standard deviation of the local part, 1nm.")] = "0nm",
    share: Annotated[str, typer.Option(help="Point spread: delocalised share.")] = "0",
    length: Annotated[str, typer.Option(help="Point spread: length of the delocalised part.")] = "50nm",
    bands: Annotated[int, typer.Option(help="Bands of frequency of a molecular dynamics run.", min=1)] = 8,
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Mode temperatures that were measured beside those of molecular dynamics or the Boltzmann equation, with chi²."""
    files = Results(save, plot)
    spread = kapitza.eels.PointSpread(
        quantity(width, "length", what="--width"),
        quantity(share, "share", what="--share"),
        quantity(length, "length", what="--length"),
    )
    known: dict[str, Any] = {
        "align": align,
        "tolerance": quantity(tolerance, "energy", what="--tolerance"),
        "spread": spread,
        "offset": quantity(offset, "length", what="--offset"),
    }
    for path in simulated:
        check_distinct(measured, path, "a measurement and what is computed")
    data = _read_occupation(measured, bands)
    found = {
        path: kapitza.eels.comparison.compare_occupations(data, _read_occupation(path, bands), **known)
        for path in simulated
    }
    if len(found) < len(simulated):
        raise InputError(f"the same file twice: {', '.join(simulated)}")
    files.keep(found)
    files.draw_figure(
        lambda figure: kapitza.plot.eels.occupation_comparison(found, figure), height=2.6 + 1.6 * len(data.energy)
    )
    if as_json:
        numbers = {path: quantity_json(one.pvalue, "1", meaning="of a larger chi²") for path, one in found.items()}
        print_record(found, {"probability": numbers})
        return
    for path, one in found.items():
        _print_comparison(one, Path(measured).name, path)
    files.announce()


def _read_occupation(path: str, bands: int) -> Any:
    """Occupation of a file, or of what a file holds."""
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


def _print_comparison(found: OccupationComparison, name: str, other: str) -> None:
    """Print how well two records agree, mode by mode."""
    rows = zip(found.chi2_by_mode.tolist(), found.count_by_mode.tolist(), strict=True)
    columns = [
        Column("mode", found.modes),
        Column("meV", [f"{one / meV:.4g}" for one in found.energy]),
        Column(" compared with", found.partners),
        Column("places", [f"{count:.0f}" for count in found.count_by_mode]),
        Column("chi² per place", [f"{chi2 / count:.3g}" if count else "–" for chi2, count in rows]),
    ]
    print_columns(f"{name} beside {Path(other).name}", columns)
    if found.alignment_sigma[0] > 0:
        scale = ""
        if found.alignment_sigma[1] > 0:
            scale = f" and the factor {with_error(found.factor, float(found.alignment_sigma[1]))}"
        shift = with_error(found.shift, float(found.alignment_sigma[0]))
        print_text(f"aligned by a shift of {shift} K{scale}")
    word = "agree" if found.pvalue > _AGREES else "do not agree"
    print_text(
        f"they {word}: chi² {found.chi2:.4g} for {found.freedom} degrees of freedom "
        f"(probability {format_probability(found.pvalue)})"
    )
    if not (found.expected_sigma > 0).any():
        note(f"{Path(other).name} states no uncertainties: its temperatures are taken as exact")
