"""The verbs of the command line: each reads its options, calls one public function and prints."""

from typing import Annotated, Any, Literal

import typer

import kapitza
from kapitza.cli import figures, reports
from kapitza.cli.options import parse_names, parse_normals, parse_temperature, parse_temperatures
from kapitza.cli.output import note, print_json

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, name="kapitza")

_Json = Annotated[bool, typer.Option("--json", help="Machine-readable output, with units.")]
_Drop = Annotated[Literal["emitted", "local", "extrapolated"], typer.Option(help="Temperature drop of the figure.")]
_Figure = Annotated[str | None, typer.Option("--plot", metavar="FILE", help="Draw a figure: .png, .pdf or .svg.")]
_Save = Annotated[str | None, typer.Option("--save", metavar="FILE", help="Save everything: .json, .npz or .h5.")]
_Left = Annotated[str, typer.Argument(help="Name of the library, or a phonopy file (.yaml).")]
_Right = Annotated[str, typer.Argument(help="The same for the other side.")]
_Normal = Annotated[
    str, typer.Option("--normal", help="Interface normal in the axes of the crystal: 001, or left,right as 111,001.")
]


def _show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        typer.echo(f"kapitza {kapitza.__version__}")
        raise typer.Exit


@app.callback()
def kapitza_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Predict thermal boundary (Kapitza) conductance, and hold it against experiment."""


@app.command()
def predict(
    left: _Left,
    right: _Right,
    temperature: Annotated[str, typer.Option("--temperature", "-T", help="K: 300, 77,300 or 50:600:10.")] = "300",
    theory: Annotated[str | None, typer.Option(help="Names of models, e.g. amm,dmm; all that fit if left out.")] = None,
    normal: _Normal = "001",
    drop: _Drop = "extrapolated",
    statistics: Annotated[Literal["quantum", "classical"], typer.Option(help="classical: as in MD.")] = "quantum",
    plot: _Figure = None,
    save: _Save = None,
    as_json: _Json = False,
) -> None:
    """Conductance of an interface by every model that the two sides allow."""
    kelvin, normals, names = parse_temperatures(temperature), parse_normals(normal), parse_names(theory)
    figures.check_figure(plot)
    reports.check_save(save)
    found = kapitza.predict(left, right, kelvin, names, statistics=statistics, normals=normals)
    published = reports.published_measurements(left, right, found[0])
    if save is not None:
        kapitza.save({"estimates": found, "measured": published}, save)
    if plot is not None:
        figures.write_axes(plot, lambda ax: kapitza.plot.conductance(*found, measured=published, drop=drop, ax=ax))
    if as_json:
        print_json(reports.estimates_json(found))
        return
    reports.print_estimates(found, published, reports.typed_names(left, right, found[0]))
    for path in (save, plot):
        if path is not None:
            note(f"wrote {path}")


@app.command()
def compare(
    left: _Left,
    right: _Right,
    temperature: Annotated[str, typer.Option("--temperature", "-T", help="K, one temperature.")] = "300",
    plot: _Figure = None,
    save: _Save = None,
    as_json: _Json = False,
) -> None:
    """Models beside published measurements, with their spread and sources."""
    figures.check_figure(plot)
    reports.check_save(save)
    found = kapitza.compare(left, right, parse_temperature(temperature))
    if save is not None:
        kapitza.save(found, save)
    if plot is not None:
        rows = len(found.predictions) + len(found.published)
        figures.write_axes(plot, lambda ax: kapitza.plot.comparison(found, ax=ax), height=1.6 + 0.27 * rows)
    if as_json:
        print_json(reports.comparison_json(found))
        return
    reports.print_comparison(found)


@app.command()
def materials(
    name: Annotated[str | None, typer.Argument(help="A material; all of them if left out.")] = None,
    as_json: _Json = False,
) -> None:
    """List the library, or all that it knows of one material, with the source of each number."""
    content: dict[str, Any] = reports.library_json() if name is None else reports.material_json(name)
    if as_json:
        print_json(content)
    elif name is None:
        reports.print_library(content)
    else:
        reports.print_material(content)


@app.command()
def measured(
    left: Annotated[str | None, typer.Argument(help="A material; all interfaces if left out.")] = None,
    right: Annotated[str | None, typer.Argument(help="The other side.")] = None,
    temperature: Annotated[str | None, typer.Option("--temperature", "-T", help="K, within 5 %.")] = None,
    as_json: _Json = False,
) -> None:
    """Published measurements, each with its source."""
    kelvin = None if temperature is None else parse_temperature(temperature)
    reports.print_measured(kapitza.measured(left, right, kelvin), as_json=as_json)


@app.command()
def cite(
    theory: Annotated[str | None, typer.Argument(help="Name of a model; the list of all if left out.")] = None,
    as_json: _Json = False,
) -> None:
    """What to cite for a model, as BibTeX."""
    reports.print_citation(theory, as_json=as_json)
