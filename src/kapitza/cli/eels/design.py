"""The verbs of planned scans: `eels design` and `eels simulate`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli.eels.options import PlanFile
from kapitza.cli.figures import Results, check_output
from kapitza.cli.options import Figure, Json
from kapitza.cli.output import note, print_json, print_record, print_table, print_text, quantity_json
from kapitza.cli.tables import Column, print_columns
from kapitza.units import meV, nm

if TYPE_CHECKING:
    from kapitza.measure.eels.design import EelsDesign

_COMPONENT_UNITS = {
    "amplitude": ("electrons", 1.0), "intensity": ("electrons", 1.0), "centre": ("meV", meV), "fwhm": ("meV", meV),
    "energy": ("meV", meV), "width": ("meV", meV),
}  # fmt: skip
_TARGET_UNITS = {"jump": ("K", 1.0), "kapitza_left": ("nm", nm), "kapitza_right": ("nm", nm)}
_SPECTRUM_SUFFIXES = (".h5", ".ndata")


def design_plan(
    plan: PlanFile,
    floor: Annotated[float, typer.Option(help="Share of the time spread evenly.", min=0, max=1)] = 0.2,
    lamella: Annotated[
        bool, typer.Option("--lamella", help="FILE is of `eels lamella`: rank experiments by the error of R.")
    ] = False,
    plot: Figure = None,
    as_json: Json = False,
) -> None:
    """Dose, resolution, pixels and time for a wanted uncertainty of temperature, jump and Kapitza length."""
    files = Results(plot=plot)
    if lamella:
        _rank_lamellae(plan, files, as_json)
        return
    held = kapitza.io.eels.read_eels_experiment(plan)
    found = kapitza.eels.design_eels(held.experiment, targets=held.targets, floor=floor)
    files.draw_figure(lambda figure: kapitza.plot.eels.eels_design(found, figure))
    if as_json:
        time, position = held.experiment.time, held.experiment.position.tolist()
        print_json(found, {"time": quantity_json(time, "s"), "position": quantity_json(position, "m")})
        return
    _print_design(found, Path(plan).name)
    files.announce()


def _rank_lamellae(path: str, files: Results, as_json: bool) -> None:
    """Print experiments on a lamella, the best first."""
    held = kapitza.io.eels.read_lamella(path, virtual=True)
    found = kapitza.measure.lamella.design_lamella(
        held.lamella, held.maps, held.priors, plane=held.plane, spread=held.spread
    )
    files.draw_figure(lambda figure: kapitza.plot.lamella_design(found, figure))
    if as_json:
        print_record(found)
        return
    print_text(f"{Path(path).name}: uncertainty of the resistance of {found.plane} by experiment")
    rows = [f"{100 * sigma:.1f}" for sigma in found.relative_sigma]
    print_columns("", [Column("experiment", list(found.names)), Column("R to, %", rows)])
    files.announce()


def _print_design(found: EelsDesign, name: str) -> None:
    """Print a plan."""
    plan = found.experiment
    print_text(
        f"{name}: {plan.rows} rows of 2 x {plan.columns} pixels, {plan.dose:.3g} electrons in {plan.dwell:.3g} s each, "
        f"{_format_duration(plan.time)}"
    )
    print_columns("least uncertainty in one pixel", _bound_columns(found), digits=3)
    print_text(
        f"resolution of the smallest error where the current goes with it: {found.best_width / meV:.3g} meV "
        f"({found.sigma_with_slit.min():.3g} K; the plan has {plan.fwhm / meV:.3g} meV)"
    )
    rows: list[list[str]] = []
    for target, (unit, size) in _TARGET_UNITS.items():
        if target not in found.best_precision:
            continue
        value, best = (getattr(one, target) / size for one in (found.precision, found.best_precision[target]))
        wanted = found.targets.get(target)
        needed = ["", "", ""]
        if wanted is not None:
            needed = [f"{wanted / size:.3g} {unit}", *(_format_duration(time) for time in found.required_time[target])]
        rows.append([target.replace("_", " "), f"{value:.3g} {unit}", f"{best:.3g} {unit}", *needed])
    heads = ["uncertainty of", "even", "best layout", "wanted", "takes", "takes, best layout"]
    print_table("", heads, rows)


def _bound_columns(found: EelsDesign) -> list[Column]:
    """Return the least uncertainty of every parameter of the spectrum of one pixel, and of each mode on its own."""
    pairs = {name: found.sigma(name) for name in found.names}
    pairs |= {f"temperature, {mode} alone": pair for mode, pair in found.modes.items()}
    words = [name.rpartition(".")[2] for name in pairs]
    units = [("K", 1.0) if word.startswith("temperature") else _COMPONENT_UNITS.get(word, ("", 1.0)) for word in words]
    shown = [
        [sigma / size if math.isfinite(sigma) else "not seen" for sigma in pair]
        for pair, (_, size) in zip(pairs.values(), units, strict=True)
    ]
    return [
        Column("parameter", [name.replace(".", ", ") for name in pairs]),
        Column("left", [left for left, _ in shown]),
        Column("right", [right for _, right in shown]),
        Column("unit", [unit for unit, _ in units]),
    ]


def _format_duration(seconds: float) -> str:
    """A time for people."""
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def simulate_plan(
    plan: PlanFile,
    save: Annotated[str, typer.Option(metavar="FILE", help="Write the spectra: .h5 or .ndata, as Nion Swift.")],
    seed: Annotated[int, typer.Option(help="Of the counting noise.", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Spectra of a planned scan with counting noise, drift and point spread."""
    import numpy as np
    from attrs import evolve

    check_output(save, _SPECTRUM_SUFFIXES)
    held = kapitza.io.eels.read_eels_experiment(plan)
    image = kapitza.eels.simulate_spectra(held.experiment, held.source, seed=seed)
    counts: Any = image.counts
    if (counts == np.rint(counts)).all() and np.abs(counts).max() < 2**31:
        image = evolve(image, counts=counts.astype(np.int32))
    if image.dark_variance.any():
        noise = float(np.sqrt(image.dark_variance.max()))
        note(f"the file holds the dark mean, not its noise: fit with --dark {image.dark.max():g}+-{noise:.4g}")
    kapitza.eels.write_eels(image, save)
    if as_json:
        print_json({"file": save, "pixels": list(image.shape), "channels": image.energy.size, "seed": seed})
        return
    print_text(f"{save}: {image.title}, {held.experiment.dose:.3g} electrons a pixel, seed {seed}")
