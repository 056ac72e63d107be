"""The verb `agf`: transmission and conductance of a junction by atomistic Green's functions."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli import figures, reports
from kapitza.cli.options import parse_temperatures, subset
from kapitza.cli.output import conductance_json, megawatts, note, print_json, print_table
from kapitza.units import THz

if TYPE_CHECKING:
    from kapitza.core.conductance import Conductance

app = typer.Typer()

SHOWN = 12  # temperatures in the printed table


@app.command()
def agf(
    junction: Annotated[str, typer.Argument(help="TOML file of a junction, or a saved one (.h5, .npz, .json).")],
    temperature: Annotated[str, typer.Option("--temperature", "-T", help="K: 300, 77,300 or 50:600:10.")] = "300",
    tolerance: Annotated[float, typer.Option(help="Relative error of the conductance.")] = 2e-3,
    workers: Annotated[int, typer.Option(help="Processes to share the work.", min=1)] = 1,
    resume: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Keep finished units here, and take those that are there.")
    ] = None,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw the spectrum: .png, .pdf or .svg.")] = None,
    save: Annotated[str | None, typer.Option(metavar="FILE", help="Save everything: .json, .npz or .h5.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output, with units.")] = False,
) -> None:
    """Conductance of a junction by atomistic Green's functions, exact for its force constants."""
    kelvin = parse_temperatures(temperature)
    figures.check(plot)
    reports.check_save(save)
    held = kapitza.read_junction(junction)
    store = None if resume is None else kapitza.Store(resume)
    found = kapitza.agf(
        held, tolerance=tolerance, temperature=kelvin, workers=workers, store=store, progress=shown_progress
    )
    drops = tuple(found.conductance(kelvin, drop) for drop in kapitza.DROPS)
    if save is not None:
        kapitza.save({"transmission": found, "conductance": drops}, save)
    if plot is not None:
        figures.write(plot, lambda ax: kapitza.plot.transmission(found, ax=ax))
    if as_json:
        print_json(agf_json(found, drops))
        return
    print_agf(found.method, drops)
    for path in (save, plot):
        if path is not None:
            note(f"wrote {path}")


def shown_progress(done: int, total: int) -> None:
    """Show how much is done on a terminal, and nothing elsewhere."""
    if sys.stderr.isatty():
        typer.echo(f"\r{done} of {total} units" + ("\n" if done == total else ""), nl=False, err=True)


def agf_json(found: Any, drops: "tuple[Conductance, ...]") -> dict[str, Any]:
    """Return spectrum and conductances with their units."""
    return {
        "method": found.method,
        "frequency": {"unit": "THz", "value": (found.omega / THz).tolist()},
        "transmission": {"unit": "m^-2", "value": found.total.tolist()},
        "temperature": {"unit": "K", "value": drops[0].temperature.tolist()},
        "conductance": {one.drop: conductance_json(one) for one in drops},
    }


def print_agf(method: str, drops: "tuple[Conductance, ...]") -> None:
    """Print conductances by their drops."""
    kelvin = drops[0].temperature
    rows = [
        [f"{kelvin[j]:g} K", *(megawatts(float(one.value[j])) for one in drops)] for j in subset(kelvin.size, SHOWN)
    ]
    print_table(f"{method}, conductance in MW m⁻² K⁻¹", ["at", *(one.drop for one in drops)], rows)
    note("harmonic: no energy is exchanged between frequencies; the extrapolated drop is that of gray, diffuse media")
