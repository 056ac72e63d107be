"""The command `eels apertures`: phonons of opposite wave vectors by a pair of apertures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import kapitza
from kapitza.cli import output
from kapitza.cli.eels.jump import load_mode_map
from kapitza.cli.eels.options import PlanFile, check_distinct, format_short
from kapitza.cli.layer import Option
from kapitza.cli.output import Column, Note, Part, Results, Table
from kapitza.core.parameter_units import with_error
from kapitza.errors import InputError
from kapitza.io.quantities import quantity
from kapitza.units import meV, nm

if TYPE_CHECKING:
    from kapitza.eels import EelsExperiment
    from kapitza.eels.heat_flow import ApertureDesign, OppositeOccupations

_EXAMPLE_PATH = 100 * nm
_MAX_ROWS = 24  # places in a printed table


def _parse_free_paths(text: str) -> list[float]:
    paths = [quantity(part, "length", what="--free-path") for part in text.split(",")]
    if not min(paths) > 0:
        raise InputError(f"--free-path = {text!r:.60}: expected lengths above 0")
    return paths


def aperture_pair(
    plan: PlanFile,
    *,
    offset: Annotated[float, Option("angle of the centre of either aperture", "angle", "20mrad")],
    radius: Annotated[float, Option("half angle of the apertures of the plan", "angle", "6mrad")],
    convergence: Annotated[float, Option("half angle of the beam", "angle", "0mrad")],
    free_path: Annotated[
        list[float] | None,
        Option("mean free path along the heat flow, or one for each mode: 80nm,20nm", _parse_free_paths),
    ],
    significance: Annotated[float, Option("significance, in standard uncertainties", low=0.1)] = 3.0,
    simulate: Annotated[
        tuple[str, str] | None, Option("write spectra of both apertures (.h5, .ndata)", metavar="PLUS MINUS")
    ],
    maps: Annotated[
        tuple[str, str] | None,
        Option("maps of both apertures, of `eels fit --tie occupation` or each", metavar="PLUS MINUS"),
    ],
    seed: Annotated[int, Option("random seed of the counting noise", low=0)] = 0,
    files: Results,
) -> None:
    """Phonons along and against the heat flow, by apertures at +q and -q: what they resolve, spectra, temperatures."""
    experiment = kapitza.io.eels.read_eels_experiment(plan).experiment
    paths = free_path or [_EXAMPLE_PATH]
    if len(paths) not in (1, len(experiment.left)):
        raise InputError(f"--free-path: {len(paths)} numbers for {len(experiment.left)} modes")
    if maps is not None:
        check_distinct(*maps, "maps of the apertures at +q and at -q")
        pair = kapitza.eels.heat_flow.opposite_occupations(
            *(load_mode_map(name, expected="occupation or each") for name in maps)
        )
        files.draw(lambda ax: kapitza.plot.eels.opposite_temperatures(pair, ax=ax))
        value, sigma = pair.temperature_difference()
        derived = {"temperature_difference": output.quantity_json(value, "K", sigma=sigma)}
        files.report(pair, _describe_difference(pair), derived)
        return
    if not experiment.gradient_left:
        raise InputError(f"{plan} has no gradient_left in [sample]: without a gradient both wave vectors are alike")
    angles = {"offset": offset, "radius": radius, "convergence": convergence}
    design = kapitza.eels.heat_flow.design_apertures(
        experiment, paths, experiment.gradient_left, significance=significance, **angles
    )
    if simulate is not None:
        _simulate_pair(experiment, design, simulate, seed)
    files.draw_figure(lambda figure: kapitza.plot.eels.aperture_design(design, figure), width=9.6, height=4.2)
    printed = [*_describe_design(design, Path(plan).name, abs(experiment.gradient_left), radius)]
    if free_path is None:
        example = f"{_EXAMPLE_PATH / nm:g}nm"
        printed.append(
            Note(f"a free path of {example} along the flow is only an example: --free-path gives that of each mode")
        )
    files.report(design, printed)


def _simulate_pair(experiment: EelsExperiment, found: ApertureDesign, names: tuple[str, str], seed: int) -> None:
    """Write spectra of both apertures, with the temperatures of the design at the size of the plan."""
    import numpy as np

    for name in names:
        output.check_output(name, (".h5", ".ndata"))
    profile = experiment.profile
    energy = np.array([mode.energy for mode in experiment.left])
    apart = found.difference[found.best]
    records: list[Any] = []
    for sign in (1, -1):
        kelvin = profile.temperature[:, None] + sign * apart / 2
        n = 1 / np.expm1(np.minimum(energy / (kapitza.units.k_B * kelvin), 700.0))
        records.append(kapitza.Occupation(profile.position, energy, n, modes=found.modes))
    images = kapitza.eels.heat_flow.simulate_aperture_pair(experiment, *records, seed=seed)
    for image, name in zip(images, names, strict=True):
        kapitza.eels.write_eels(image, name)
        output.note(f"wrote {name}")


def _describe_design(found: ApertureDesign, name: str, gradient: float, radius: float) -> Iterator[Part]:
    best = found.best
    yield (
        f"{name}: {format_short(gradient * nm)} K/nm; best half angle {1e3 * found.radii[best]:.3g} mrad (the plan is "
        f"for {1e3 * radius:.3g}), mean cosine {found.direction[best]:.3g}"
    )
    columns = [
        Column("mode", found.modes),
        Column("T along +q less -q (K)", found.difference[best]),
        Column("error of a pixel (K)", found.sigma[best]),
        Column(f"pixels for {found.significance:g} sigma", [f"{one:.0f}" for one in found.required_pixels]),
    ]
    yield Table("", columns, digits=3)


def _describe_difference(found: OppositeOccupations) -> Iterator[Part]:
    import numpy as np

    value, sigma = found.temperature_difference()
    shown = output.even_subset(found.position.size, _MAX_ROWS)
    columns = [Column("x (nm)", [f"{found.position[i] / nm:.4g}" for i in shown])]
    for j, mode in enumerate(found.modes):
        cells = output.error_cells(value[shown, j], sigma[shown, j])
        columns.append(Column(f" {mode} {found.energy[j] / meV:.4g} meV", cells))
    yield Table("temperature of the phonons along +q less that along -q (K)", columns)
    for j, mode in enumerate(found.modes):
        weight = np.where(np.isfinite(value[:, j]) & (sigma[:, j] > 0), 1 / sigma[:, j] ** 2, 0.0)
        if weight.sum() > 0:
            mean = float(np.nansum(weight * np.nan_to_num(value[:, j])) / weight.sum())
            yield f"{mode}: mean {with_error(mean, float(weight.sum() ** -0.5))} K"
