"""The verb `transport`: heat through layers of a file by the Boltzmann equation."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli import figures, reports
from kapitza.cli.monte_carlo import monte_carlo_of_file
from kapitza.cli.output import note, print_json, print_table
from kapitza.cli.transport_inverse import invert_file
from kapitza.errors import InputError

if TYPE_CHECKING:
    from kapitza.simulate.boltzmann.result import Transport

app = typer.Typer()

TALL = 7.6  # inches, of a figure with two axes
DROPS = ("emitted", "local", "extrapolated")


@app.command()
def transport(
    stack: Annotated[str, typer.Argument(metavar="FILE", help="Stack (.toml): layers, boundaries, walls.")],
    definitions: Annotated[
        bool, typer.Option("--definitions", help="Resistance of each boundary by all three temperature drops.")
    ] = False,
    monte_carlo: Annotated[
        bool, typer.Option("--monte-carlo", help="FILE holds boxes in one to three dimensions: follow phonons.")
    ] = False,
    invert: Annotated[
        str | None,
        typer.Option(metavar="DATA", help='Table of measurements: find the boundary that FILE calls "unknown".'),
    ] = None,
    lifetimes: Annotated[
        float, typer.Option("--lifetimes", help="With --invert: relative uncertainty of the lifetimes of both sides.")
    ] = 0.0,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw a figure: .png, .pdf or .svg.")] = None,
    save: Annotated[str | None, typer.Option(metavar="FILE", help="Save everything: .json, .npz or .h5.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output, with units.")] = False,
) -> None:
    """Heat through films, superlattices and stacks between 1 nm and 1 mm, by the Boltzmann equation."""
    if monte_carlo and definitions:
        raise InputError(
            "--definitions with --monte-carlo: resistances by definition are those of layers; give one of the two"
        )
    if invert is None and lifetimes:
        raise InputError("--lifetimes without --invert: their uncertainty matters to what is found from data alone")
    if invert is not None:
        if monte_carlo or definitions:
            raise InputError("--invert with --monte-carlo or --definitions: give one of them")
        figures.check(plot)
        reports.check_save(save)
        invert_file(stack, invert, lifetimes=lifetimes, plot=plot, save=save, as_json=as_json)
        return
    if monte_carlo:
        monte_carlo_of_file(stack, plot=plot, save=save, as_json=as_json)
        return
    figures.check(plot)
    reports.check_save(save)
    held = kapitza.read_films(stack)
    if None in held.crossings:
        name = "|".join(film.name for film in held.films[held.crossings.index(None) :][:2])
        raise InputError(f'the boundary {name} is "unknown": give it a transmission, or data with --invert DATA')
    found = kapitza.transport(held.films, held.crossings, left=held.left, right=held.right, period=held.period)
    thick = thick_resistances(held) if definitions else {}
    if save is not None:
        kapitza.save(found, save)
    if plot is not None:
        figures.write_figure(
            plot,
            lambda figure: kapitza.plot.transport_figure(found, figure),
            height=TALL if found.bounds.size else 4.4,
        )
    if as_json:
        print_json(transport_json(found, thick))
        return
    print_transport(held.title, found)
    if found.boundary_names:
        print_definitions(found, thick)
    if definitions and held.period is None and held.left is None and held.right is None:
        off = kapitza.fourier_error(held.films, held.crossings)
        note(f"Fourier's law with the resistances in thick layers, and slips at the walls, is off by {off:+.2%}")
    for path in (save, plot):
        if path is not None:
            note(f"wrote {path}")


def thick_resistances(held: Any) -> dict[str, float]:
    """Extrapolated resistance of each boundary between thick layers, m² K W⁻¹."""
    found: dict[str, float] = {}
    films = [*held.films, *held.films[:1]]
    for one, other, crossing in zip(films, films[1:], held.crossings, strict=False):
        parts = kapitza.interface_conductances(one.carriers, other.carriers, crossing)
        found[f"{one.name}|{other.name}"] = float(parts["extrapolated"].resistance[0])
    return found


def transport_json(found: "Transport", thick: dict[str, float]) -> dict[str, Any]:
    """Return the solution with its units."""
    return {
        "method": found.method,
        "temperature": {"unit": "K", "value": found.base},
        "flux": {"unit": "W m^-2", "value": found.flux},
        "difference": {"unit": "K", "value": found.difference},
        "effective_conductivity": {"unit": "W m^-1 K^-1", "value": found.effective_conductivity},
        "layers": list(found.names),
        "bulk_conductivity": {"unit": "W m^-1 K^-1", "value": found.conductivity.tolist()},
        "resistance": {"unit": "m^2 K W^-1", "value": found.resistances()},
        "thick_resistance": {"unit": "m^2 K W^-1", "value": thick},
        "position": {"unit": "m", "value": found.position.tolist()},
        "profile": {"unit": "K", "value": found.temperature.tolist()},
    }


def print_transport(title: str, found: "Transport") -> None:
    """Print what the whole stack does, and its layers."""
    rows = [
        ["heat flux per kelvin", f"{1e-6 / found.resistance:.5g}", "MW m⁻² K⁻¹"],
        ["resistance", f"{found.resistance * 1e9:.5g}", "m² K GW⁻¹"],
        ["effective conductivity", f"{found.effective_conductivity:.5g}", "W m⁻¹ K⁻¹"],
    ]
    bulk = [
        [name, thickness_text(float(b - a)), f"{k:.4g}"]
        for name, a, b, k in zip(found.names, found.edges, found.edges[1:], found.conductivity, strict=False)
    ]
    print_table(f"{title} at {found.base:g} K", ["layer", "thickness", "bulk (W m⁻¹ K⁻¹)"], bulk)
    print_table("as a whole", ["", "value", " unit"], rows)


def print_definitions(found: "Transport", thick: dict[str, float]) -> None:
    """Print the resistances of all boundaries."""
    rows = [
        [name, *(f"{held[drop] * 1e9:.4g}" for drop in DROPS), *([f"{thick[name] * 1e9:.4g}"] if thick else [])]
        for name, held in found.resistances().items()
    ]
    heads = ["boundary", *DROPS, *(["in thick layers"] if thick else [])]
    print_table("resistance in m² K GW⁻¹ by temperature drop", heads, rows)
    if thick:
        note("extrapolated: with the bulk gradient of these layers; in thick layers: of 10 µm or more on both sides")


def thickness_text(thickness: float) -> str:
    """Return a thickness in the unit in which it is read most easily."""
    for size, unit in ((1e-3, "mm"), (1e-6, "µm"), (1e-9, "nm")):
        if thickness >= size:
            return f"{thickness / size:.4g} {unit}"
    return f"{thickness / 1e-9:.4g} nm"
