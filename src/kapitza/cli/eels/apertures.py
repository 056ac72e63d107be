"""The verb `eels apertures`: phonons of opposite wave vectors, by a pair of apertures: design, simulation and data."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli.eels.jump import load_maps
from kapitza.cli.eels.options import PlanFile, check_distinct, format_short
from kapitza.cli.figures import Results, check_output
from kapitza.cli.options import Figure, Json, Save, even_subset
from kapitza.cli.output import note, print_record, print_text, quantity_json
from kapitza.cli.tables import Column, print_columns
from kapitza.core.parameter_units import with_error
from kapitza.errors import DataError, InputError
from kapitza.io.quantities import quantity
from kapitza.units import meV, nm

if TYPE_CHECKING:
    from kapitza.measure.eels.experiment import EelsExperiment
    from kapitza.measure.eels.heat_flow.apertures import ApertureDesign, OppositeOccupations

_EXAMPLE_PATH = "100nm"
_MAX_ROWS = 24  # places in a printed table


def aperture_pair(
    plan: PlanFile,
    offset: Annotated[str, typer.Option(help="Angle of the middle of either aperture, e.g. 20mrad.")] = "20mrad",
    radius: Annotated[
        str, typer.Option(help="Half angle of the apertures for which the plan is, e.g. 6mrad.")
    ] = "6mrad",
    convergence: Annotated[str, typer.Option(help="Half angle of the beam, e.g. 4mrad.")] = "0mrad",
    path: Annotated[
        str,
        typer.Option("--free-path", help="Of the phonons along the heat flow, one or one for each mode: 80nm,20nm."),
    ] = _EXAMPLE_PATH,
    significance: Annotated[float, typer.Option(help="Wanted, in standard uncertainties.", min=0.1)] = 3.0,
    simulate: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="PLUS MINUS", help="Write spectra of both apertures (.h5, .ndata)."),
    ] = None,
    maps: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="PLUS MINUS", help="Maps of both apertures, of `eels fit --tie occupation` or each."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the counting noise.", min=0)] = 0,
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Phonons along and against the heat flow, by apertures at +q and -q: what they resolve, spectra, temperatures."""
    files = Results(save, plot)
    experiment = kapitza.io.eels.read_eels_experiment(plan).experiment
    free_path = [quantity(part, "length", what="--free-path") for part in path.split(",")]
    if not min(free_path) > 0:
        raise InputError(f"--free-path = {path!r:.60}: expected lengths above 0")
    if len(free_path) not in (1, len(experiment.left)):
        raise InputError(f"--free-path = {path!r:.60}: {len(free_path)} numbers for {len(experiment.left)} modes")
    if maps is not None:
        check_distinct(*maps, "maps of the apertures at +q and at -q")
        _report_maps(maps, files, as_json)
        return
    angles = {
        name: quantity(text, "angle", what=f"--{name}")
        for name, text in (("offset", offset), ("radius", radius), ("convergence", convergence))
    }
    if not experiment.gradient_left:
        raise InputError(f"{plan} has no gradient_left in [sample]: without a gradient both wave vectors are alike")
    found = kapitza.eels.heat_flow.design_apertures(
        experiment, free_path, experiment.gradient_left, significance=significance, **angles
    )
    if simulate is not None:
        _simulate_pair(experiment, found, simulate, seed)
    files.keep(found)
    files.draw_figure(lambda figure: kapitza.plot.eels.aperture_design(found, figure), width=9.6, height=4.2)
    if as_json:
        print_record(found)
        return
    _print_design(found, Path(plan).name, abs(experiment.gradient_left), angles["radius"])
    if path == _EXAMPLE_PATH:
        note(f"a free path of {path} along the flow is only an example: --free-path gives that of each mode")
    files.announce()


def _simulate_pair(experiment: EelsExperiment, found: ApertureDesign, names: tuple[str, str], seed: int) -> None:
    """Write spectra of both apertures, with the temperatures of the design at the size of the plan."""
    import numpy as np

    for name in names:
        check_output(name, (".h5", ".ndata"))
    profile = experiment.profile
    energy = np.array([mode.energy for mode in experiment.left])
    apart = found.difference[found.best]
    records: list[Any] = []
    for sign in (1, -1):
        kelvin = profile.temperature[:, None] + sign * apart / 2
        n = 1 / np.expm1(np.minimum(energy / (kapitza.units.k_B * kelvin), 700.0))
        records.append(kapitza.Occupation(profile.position, energy, n, modes=found.modes))
    for image, name in zip(
        kapitza.eels.heat_flow.simulate_aperture_pair(experiment, *records, seed=seed), names, strict=True
    ):
        kapitza.eels.write_eels(image, name)
        note(f"wrote {name}")


def _print_design(found: ApertureDesign, name: str, gradient: float, radius: float) -> None:
    """Print what a pair of apertures resolves."""
    best = found.best
    print_text(
        f"{name}: {format_short(gradient * nm)} K/nm; best half angle {1e3 * found.radii[best]:.3g} mrad (the plan is "
        f"for {1e3 * radius:.3g}), mean cosine {found.direction[best]:.3g}"
    )
    columns = [
        Column("mode", found.modes),
        Column("T along +q less -q (K)", found.difference[best]),
        Column("error of a pixel (K)", found.sigma[best]),
        Column(f"pixels for {found.significance:g} sigma", [f"{one:.0f}" for one in found.required_pixels]),
    ]
    print_columns("", columns, digits=3)


def _report_maps(names: tuple[str, str], files: Results, as_json: bool) -> None:
    """Print the difference of the temperatures along +q and -q in two maps."""
    maps: list[Any] = []
    for name in names:
        held = load_maps(name)
        one = next((held[key] for key in ("occupation", "each") if key in held), None)
        if one is None:
            raise DataError("has one temperature for all modes only: fit with --tie occupation or each", file=name)
        maps.append(one)
    found = kapitza.eels.heat_flow.opposite_occupations(*maps)
    files.keep(found)
    files.draw(lambda ax: kapitza.plot.eels.opposite_temperatures(found, ax=ax))
    value, sigma = found.temperature_difference()
    if as_json:
        print_record(found, {"temperature_difference": quantity_json(value, "K", sigma=sigma)})
        return
    _print_difference(found)
    files.announce()


def _print_difference(found: OppositeOccupations) -> None:
    """Print the difference of each mode against position, and its mean."""
    import numpy as np

    value, sigma = found.temperature_difference()
    shown = even_subset(found.position.size, _MAX_ROWS)
    columns = [Column("x (nm)", [f"{found.position[i] / nm:.4g}" for i in shown])]
    for j, mode in enumerate(found.modes):
        cells = [
            with_error(float(value[i, j]), float(sigma[i, j])) if math.isfinite(value[i, j]) else "–" for i in shown
        ]
        columns.append(Column(f" {mode} {found.energy[j] / meV:.4g} meV", cells))
    print_columns("temperature of the phonons along +q less that along -q (K)", columns)
    for j, mode in enumerate(found.modes):
        weight = np.where(np.isfinite(value[:, j]) & (sigma[:, j] > 0), 1 / sigma[:, j] ** 2, 0.0)
        if weight.sum() > 0:
            mean = float(np.nansum(weight * np.nan_to_num(value[:, j])) / weight.sum())
            print_text(f"{mode}: mean {with_error(mean, float(weight.sum() ** -0.5))} K")
