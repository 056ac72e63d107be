"""The commands of planned scans: `eels design` and `eels simulate`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import kapitza
from kapitza.cli import output
from kapitza.cli.eels.options import PlanFile
from kapitza.cli.layer import Option, Panel
from kapitza.cli.output import Column, Grid, Part, Results, Table
from kapitza.units import meV, nm

_COMPONENT_UNITS = {
    "amplitude": ("electrons", 1.0), "intensity": ("electrons", 1.0), "centre": ("meV", meV), "fwhm": ("meV", meV),
    "energy": ("meV", meV), "width": ("meV", meV),
}  # fmt: skip
_TARGET_UNITS = {"jump": ("K", 1.0), "kapitza_left": ("nm", nm), "kapitza_right": ("nm", nm)}
_SPECTRUM_SUFFIXES = (".h5", ".ndata")


def design_plan(
    plan: PlanFile,
    *,
    floor: Annotated[float, Option("fraction of the time that is spread evenly", low=0, high=1)] = 0.2,
    lamella: Annotated[bool, Option("FILE is of `eels lamella`: rank experiments by the error of R")],
    files: Annotated[Results, Panel(names="plot as_json")],
) -> None:
    """Dose, resolution, pixels and time for a wanted uncertainty of temperature, jump and Kapitza length."""
    if lamella:
        lamellae = kapitza.io.eels.read_lamella(plan, virtual=True)
        ranked = kapitza.measure.lamella.design_lamella(
            lamellae.lamella, lamellae.maps, lamellae.priors, plane=lamellae.plane, spread=lamellae.spread
        )
        files.draw_figure(lambda figure: kapitza.plot.lamella_design(ranked, figure))
        rows = [f"{100 * sigma:.1f}" for sigma in ranked.relative_sigma]
        title = f"{Path(plan).name}: uncertainty of the resistance of {ranked.plane} by experiment"
        files.show(ranked, [title, Table("", [Column("experiment", list(ranked.names)), Column("R to, %", rows)])])
        return
    held = kapitza.io.eels.read_eels_experiment(plan)
    design = kapitza.eels.design_eels(held.experiment, targets=held.targets, floor=floor)
    files.draw_figure(lambda figure: kapitza.plot.eels.eels_design(design, figure))
    time, position = held.experiment.time, held.experiment.position.tolist()
    derived = {"time": output.quantity_json(time, "s"), "position": output.quantity_json(position, "m")}
    files.show(design, _describe_design(design, Path(plan).name), derived, plain=True)


def _describe_design(found: kapitza.eels.EelsDesign, name: str) -> Iterator[Part]:
    plan = found.experiment
    yield (
        f"{name}: {plan.rows} rows of 2 x {plan.columns} pixels, {plan.dose:.3g} electrons in {plan.dwell:.3g} s each, "
        f"{_format_duration(plan.time)}"
    )
    yield Table("least uncertainty in one pixel", _bound_columns(found), digits=3)
    yield (
        f"resolution of the smallest error where the current goes with it: {found.best_width / meV:.3g} meV "
        f"({found.sigma_with_slit.min():.3g} K; the plan has {plan.fwhm / meV:.3g} meV)"
    )
    rows: list[list[str]] = []
    for target, (unit, size) in _TARGET_UNITS.items():
        if target in found.best_precision:
            values = [getattr(one, target) / size for one in (found.precision, found.best_precision[target])]
            wanted, needed = found.targets.get(target), ["", "", ""]
            if wanted is not None:
                times = map(_format_duration, found.required_time[target])
                needed = [f"{wanted / size:.3g} {unit}", *times]
            rows.append([target.replace("_", " "), *(f"{value:.3g} {unit}" for value in values), *needed])
    heads = ["uncertainty of", "even", "best layout", "wanted", "takes", "takes, best layout"]
    yield Grid("", heads, rows)


def _bound_columns(found: kapitza.eels.EelsDesign) -> list[Column]:
    """Return the least uncertainty of every parameter of the spectrum of one pixel, and of each mode on its own."""
    pairs = {name: found.sigma(name) for name in found.names}
    pairs |= {f"temperature, {mode} alone": pair for mode, pair in found.modes.items()}
    words = [name.rpartition(".")[2] for name in pairs]
    units = [("K", 1.0) if word.startswith("temperature") else _COMPONENT_UNITS.get(word, ("", 1.0)) for word in words]
    columns = [Column("parameter", [name.replace(".", ", ") for name in pairs])]
    for i, side in enumerate(("left", "right")):
        sizes = zip((pair[i] for pair in pairs.values()), units, strict=True)
        columns.append(Column(side, [one / size if math.isfinite(one) else "not seen" for one, (_, size) in sizes]))
    return [*columns, Column("unit", [unit for unit, _ in units])]


def _format_duration(seconds: float) -> str:
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def simulate_plan(
    plan: PlanFile,
    *,
    save: Annotated[str, Option("spectra: .h5 or .ndata, as Nion Swift", metavar="FILE")],
    seed: Annotated[int, Option("random seed of the counting noise", low=0)] = 0,
    files: Annotated[Results, Panel(names="as_json")],
) -> None:
    """Spectra of a planned scan with counting noise, drift and point spread."""
    import numpy as np
    from attrs import evolve

    output.check_output(save, _SPECTRUM_SUFFIXES)
    held = kapitza.io.eels.read_eels_experiment(plan)
    image = kapitza.eels.simulate_spectra(held.experiment, held.source, seed=seed)
    counts: Any = image.counts
    if (counts == np.rint(counts)).all() and np.abs(counts).max() < 2**31:
        image = evolve(image, counts=counts.astype(np.int32))
    if image.dark_variance.any():
        noise = float(np.sqrt(image.dark_variance.max()))
        output.note(f"the file holds the dark mean, not its noise: fit with --dark {image.dark.max():g}+-{noise:.4g}")
    kapitza.eels.write_eels(image, save)
    if files.as_json:
        output.print_json({"file": save, "pixels": list(image.shape), "channels": image.energy.size, "seed": seed})
        return
    output.print_text(f"{save}: {image.title}, {held.experiment.dose:.3g} electrons a pixel, seed {seed}")
