"""Verbs for measured data: fit, sensitivity, design, simulate, series, jump."""

from typing import Annotated

import typer

from kapitza.cli import figures
from kapitza.cli.device_reports import report_design
from kapitza.cli.sample_reports import check_table, design_sample, fit_sample, sensitivity_sample, simulate_sample
from kapitza.cli.table_reports import jump_profile, series_table

app = typer.Typer()

SampleFile = Annotated[str, typer.Argument(metavar="FILE", help="Sample file (.toml): stack, experiments, data.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output, with units.")]
Figure = Annotated[str | None, typer.Option("--plot", metavar="FILE", help="Draw a figure: .png, .pdf or .svg.")]


@app.command()
def fit(
    sample: SampleFile,
    starts: Annotated[int, typer.Option(help="Number of starting points.", min=1)] = 3,
    seed: Annotated[int, typer.Option(help="Of the scatter of the starting points.")] = 0,
    plot: Figure = None,
    budget: Annotated[
        str | None, typer.Option(metavar="FILE", help="Figure of what brings how much of the variance.")
    ] = None,
    contours: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A,B FILE", help="Figure of the joint likelihood of two numbers."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Conductances and conductivities from thermoreflectance data, with total errors."""
    figures.check(plot)
    figures.check(budget)
    figures.check(contours[1] if contours else None)
    fit_sample(sample, starts=starts, seed=seed, plot=plot, budget=budget, contours=contours, as_json=as_json)


@app.command()
def sensitivity(sample: SampleFile, plot: Figure = None, as_json: Json = False) -> None:
    """How much each experiment says about each number of the sample."""
    figures.check(plot)
    sensitivity_sample(sample, plot=plot, as_json=as_json)


@app.command()
def design(
    sample: SampleFile,
    free: Annotated[str | None, typer.Option(help="What is to be measured, separated by commas.")] = None,
    over: Annotated[
        list[str] | None,
        typer.Option(help="Setting and candidates, e.g. tdtr.modulation=1,3,10MHz, or range; may be given again."),
    ] = None,
    minimise: Annotated[
        str | None, typer.Option(help="hotspot: of a device file, over ranges such as buffer.thickness=10:500nm.")
    ] = None,
    noise: Annotated[float, typer.Option(help="Of each point, relative; in rad for phases.")] = 0.005,
    as_json: Json = False,
) -> None:
    """Rank modulation, spot and film thickness by how well they measure something; or cool a device."""
    if minimise is not None:
        report_design(sample, minimise, over or [], as_json=as_json)
        return
    design_sample(sample, free=free, over=over or [], noise=noise, as_json=as_json)


@app.command()
def simulate(
    sample: SampleFile,
    noise: Annotated[float, typer.Option(help="Of each point, relative; in rad for phases.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the noise.")] = 0,
    save: Annotated[str | None, typer.Option(metavar="FILE", help="Write a table (.csv).")] = None,
    as_json: Json = False,
) -> None:
    """What the experiments of a sample file would measure."""
    check_table(save)
    simulate_sample(sample, noise=noise, seed=seed, save=save, as_json=as_json)


@app.command()
def series(
    table: Annotated[str, typer.Argument(metavar="FILE", help="Table (.csv) of thickness and resistance.")],
    plot: Figure = None,
    as_json: Json = False,
) -> None:
    """Conductivity and boundary resistance from films of several thicknesses, with errors in both axes."""
    figures.check(plot)
    series_table(table, plot=plot, as_json=as_json)


@app.command()
def jump(
    table: Annotated[str, typer.Argument(metavar="FILE", help="Table (.csv) of position and temperature.")],
    at: Annotated[str, typer.Option(help="Position of the interface, e.g. 50nm.")],
    skip: Annotated[str | None, typer.Option(help="Left out on both sides, e.g. 4nm; scanned if not given.")] = None,
    reach: Annotated[str | None, typer.Option(help="Used up to here on both sides, e.g. 40nm.")] = None,
    flux: Annotated[str | None, typer.Option(help="Heat flux, e.g. 3.1GW/m2; gives the conductance.")] = None,
    flux_sigma: Annotated[str | None, typer.Option(help="Its uncertainty, e.g. 0.1GW/m2 or 3%.")] = None,
    plot: Figure = None,
    as_json: Json = False,
) -> None:
    """Temperature jump at an interface from a profile, extrapolated from both sides."""
    figures.check(plot)
    jump_profile(table, at=at, skip=skip, reach=reach, flux=(flux, flux_sigma), plot=plot, as_json=as_json)
