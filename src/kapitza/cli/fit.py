"""Verbs for sample files: fit, sensitivity, design, simulate; and for tables: series, jump."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kapitza
from kapitza.cli import deferred, figures
from kapitza.cli.figures import check_folder
from kapitza.cli.output import note, print_json, print_table
from kapitza.errors import InputError
from kapitza.io.formats.files import write_atomically
from kapitza.io.quantities import kind_of_parameter, quantity

if TYPE_CHECKING:
    from kapitza.io.samples import SampleFile
    from kapitza.measure.design import Design
    from kapitza.measure.fit import Fit
from typing import Annotated

import typer

from kapitza.cli.device.layers import report_design
from kapitza.cli.series import jump_profile, series_table

# unit in which a number of a kind is shown, and its size in SI
_SHOWN_UNITS = {
    "conductance": ("MW/m²K", 1e6, "W m^-2 K^-1"),
    "conductivity": ("W/mK", 1.0, "W m^-1 K^-1"),
    "heat_capacity": ("MJ/m³K", 1e6, "J m^-3 K^-1"),
    "length": ("nm", 1e-9, "m"),
    "frequency": ("MHz", 1e6, "Hz"),
    "angle": ("mrad", 1e-3, "rad"),
    "time": ("ps", 1e-12, "s"),
    "power": ("mW", 1e-3, "W"),
    "share": ("", 1.0, "1"),
}
_ABSCISSA_UNITS = {
    "delay": "s",
    "frequency": "Hz",
    "time": "s",
    "thickness": "m",
    "radius": "m",
    "power": "W",
}  # what experiments vary, and its unit


def _shown_value(name: str, value: float) -> str:
    """Return a number of a sample for a table."""
    unit, size, _ = _SHOWN_UNITS[kind_of_parameter(name)]
    if not math.isfinite(value):
        return f"– {unit}".rstrip()
    return f"{value / size:.5g} {unit}".rstrip()


def _check_table(path: str | None) -> None:
    """Refuse, before anything is computed, a path that cannot become a table."""
    if path is None:
        return
    if Path(path).suffix.lower() != ".csv":
        raise InputError(f"the ending of {path!r} says no format: expected .csv")
    check_folder(path)


def _fit_sample(
    path: str,
    *,
    starts: int,
    seed: int,
    plot: str | None,
    budget: str | None,
    contours: tuple[str, str] | None,
    as_json: bool,
) -> None:
    """Fit the data of a sample file and tell what came out."""
    held = kapitza.io.read_sample(path)
    curves = [curve for curve in held.curves if curve is not None]
    made = [i for i, curve in enumerate(held.curves) if curve is not None]
    experiments, stacks = [held.experiments[i] for i in made], [held.stacks[i] for i in made]
    if not curves:
        raise InputError(f'{path}: no experiment names its data, as in data = "curve.csv"')
    if not held.free:
        raise InputError(f'{path}: nothing is free; give [fit] free = ["Al|Si.conductance"]')
    found = kapitza.fit(
        experiments, curves, stacks, held.free, priors=held.priors, ties=held.ties, starts=starts, seed=seed
    )
    if plot is not None:
        figures.write_figure(plot, lambda figure: kapitza.plot.fit(found, figure), height=5.6)
    if budget is not None:
        figures.write_axes(
            budget, lambda ax: kapitza.plot.uncertainty_budget(found.budget(), ax), height=1.2 + 0.7 * len(held.free)
        )
    if contours is not None:
        one, _, other = contours[0].partition(",")
        joint = found.contours(one.strip(), other.strip(), points=11, span=3.6)
        figures.write_axes(contours[1], lambda ax: kapitza.plot.likelihood(joint, ax))
    if as_json:
        print_json(_fit_json(held, found))
        return
    _print_fit(held, found)
    for written in (plot, budget, contours[1] if contours else None):
        if written is not None:
            note(f"wrote {written}")


def _fit_json(held: SampleFile, found: Fit) -> dict[str, Any]:
    """Return a fit with its units."""
    parameters: dict[str, Any] = {}
    for parameter, value, sigma in zip(found.problem.parameters, found.value, found.sigma, strict=True):
        entry: dict[str, Any] = {
            "unit": _SHOWN_UNITS[kind_of_parameter(parameter.name)][2],
            "free": not parameter.known,
        }
        if parameter.name in found.bounds:
            bound = found.bounds[parameter.name]
            entry |= {"low": bound.low, "high": bound.high, "confidence": bound.confidence}
        else:
            entry |= {"value": float(value), "sigma": float(sigma)}
        parameters[parameter.name] = entry
    budget = found.budget()
    return {
        "title": held.title,
        "temperature": {"unit": "K", "value": held.temperature},
        "parameters": parameters,
        "chi2": found.chi2,
        "freedom": found.freedom,
        "budget": {name: budget.of(name) for name in budget.names},
        "drop": "extrapolated",
    }


def _print_fit(held: SampleFile, found: Fit) -> None:
    """Print a fit: numbers with their total errors, where these come from, and what else should be known."""
    rows: list[list[str]] = []
    for parameter, value, sigma in zip(found.problem.parameters, found.value, found.sigma, strict=True):
        name, kind = parameter.name, "uncertain" if parameter.known else "free"
        if name in found.bounds:
            unit, size, _ = _SHOWN_UNITS[kind_of_parameter(name)]
            bound = found.bounds[name]
            low, high = (None if v is None else v / size for v in (bound.low, bound.high))
            scaled = type(bound)(low, high, bound.confidence)
            rows.append([name, kind, deferred.format_bound(scaled, unit), "not determined", ""])
            continue
        relative = f"{100 * sigma / abs(value):.2g} %" if abs(value) > sigma else ""
        rows.append([name, kind, _shown_value(name, value), f"± {_shown_value(name, sigma)}", relative])
    columns = ("number", "", "value", "standard uncertainty", "share")
    print_table(f"{held.title} at {held.temperature:g} K, total uncertainties", columns, rows, text=2)
    budget = found.budget()
    if len(budget.sources) > 1 and len(found.bounds) < len(budget.names):
        rows = [
            [name, *(f"{source} {100 * share:.0f} %" for source, share in list(budget.of(name).items())[:4])]
            for name in budget.names
            if name not in found.bounds
        ]
        width = max(map(len, rows))
        padded = [row + [""] * (width - len(row)) for row in rows]
        print_table("\nshare of the variance", ("number", "largest", *[""] * (width - 2)), padded, text=width)
    note(f"chi² = {found.chi2:.4g} for {found.freedom:.1f} degrees of freedom")
    for sample in found.problem.samples:
        if sample.curve.sigma is None:
            note(f"{sample.experiment.name}: the scatter of the points about the fit is taken for their uncertainty")
    if len({round(m.chi2 / max(found.minima[0].chi2, 1e-300), 3) for m in found.minima}) > 1:
        note(f"{len(found.minima)} minima of different depth were found; the deepest is shown")


def _sensitivity_sample(path: str, *, plot: str | None, as_json: bool) -> None:
    """Tell the sensitivities of all experiments of a sample file."""
    held = kapitza.io.read_sample(path)
    if not held.experiments:
        raise InputError(f"{path}: no [[experiments]]")
    found = [
        kapitza.measure.sensitivity(one, stack, kind=str(getattr(one, "kind", "ratio")))
        for one, stack in zip(held.experiments, held.stacks, strict=True)
    ]
    points = [kapitza.measure.independent_variable(one) for one in held.experiments]
    if plot is not None:

        def draw(figure: Any) -> None:
            axes = figure.subplots(len(found), 1, squeeze=False)[:, 0]
            for ax, one, experiment in zip(axes, found, held.experiments, strict=True):
                label, factor, logarithmic = deferred.experiment_axis(experiment)
                x = kapitza.measure.independent_variable(experiment)[1]
                scale = logarithmic and bool((x > 0).all())
                kapitza.plot.sensitivity(one, x * factor, label, logarithmic=scale, ax=ax)

        figures.write_figure(plot, draw, height=0.6 + 3.8 * len(found))
    if as_json:
        print_json(
            {
                one.name: {
                    name: {"unit": _ABSCISSA_UNITS.get(name, "1"), "value": x.tolist()},
                    "kind": s.kind,
                    "sensitivity": dict(zip(s.names, s.value.tolist(), strict=True)),
                }
                for one, s, (name, x) in zip(held.experiments, found, points, strict=True)
            }
        )
        return
    for one, s, (name, x) in zip(held.experiments, found, points, strict=True):
        columns = [0, len(x) // 3, 2 * len(x) // 3, len(x) - 1]
        order = sorted(range(len(s.names)), key=lambda i: -float(abs(s.value[i]).max()))
        rows = [[s.names[i], *(f"{s.value[i, j]:+.3f}" for j in columns)] for i in order]
        heads = [f"{x[j]:.3g} {_ABSCISSA_UNITS.get(name, '')}".rstrip() for j in columns]
        what = "∂φ/∂ln p (rad)" if s.kind == "phase" else f"∂ln({s.kind})/∂ln p"
        print_table(f"{one.name}: {what} against {name}", ("number", *heads), rows)
    if plot is not None:
        note(f"wrote {plot}")


def _design_sample(path: str, *, free: str | None, over: list[str], noise: float, as_json: bool) -> None:
    """Rank settings of the experiments of a sample file."""
    held = kapitza.io.read_sample(path)
    wanted = [name.strip() for name in free.split(",")] if free else list(held.free)
    settings = dict(_parse_candidates(text) for text in over) or _usual_settings(held)
    kinds = {getattr(one, "kind", "ratio") for one in held.experiments}
    if len(kinds) != 1:
        raise InputError(
            f"{path}: the experiments give {', '.join(sorted(kinds)) or 'nothing'}; a design takes one kind"
        )
    ranked = kapitza.design(
        held.experiments,
        held.stack,
        wanted,
        settings=settings,
        priors=held.priors,
        ties=held.ties,
        noise=noise,
        kind=kinds.pop(),
    )
    if as_json:
        print_json(
            {"designs": [{"settings": dict(d.settings), "sigma": dict(d.sigma), "merit": d.merit} for d in ranked]}
        )
        return
    _print_designs(ranked[:12], wanted)


def _usual_settings(held: SampleFile) -> dict[str, list[float]]:
    """Half and twice the present modulation and spot, and a third thinner and thicker first layer."""
    settings: dict[str, list[float]] = {}
    for one in held.experiments:
        for key, factors in (("modulation", (0.2, 0.5, 1, 2)), ("pump_radius", (0.5, 1, 2))):
            if one.parameters.get(key):
                settings[f"{one.name}.{key}"] = [one.parameters[key] * f for f in factors]
    first = held.stack.layers[0]
    if math.isfinite(first.thickness):
        settings[f"{first.name}.thickness"] = [first.thickness * f for f in (0.7, 1, 1.4)]
    return settings


def _parse_candidates(text: str) -> tuple[str, list[float]]:
    """Name and values of a setting such as tdtr.modulation=1,3,10MHz."""
    name, equals, values = text.partition("=")
    if not equals or not values:
        raise InputError(f"{text!r:.60}: expected a setting and candidates, such as tdtr.modulation=1,3,10MHz")
    parts = values.split(",")
    unit = parts[-1].strip().lstrip("+-0123456789.eE")
    kind = kind_of_parameter(name.strip())
    return name.strip(), [quantity(p if p.strip().endswith(unit) else p + unit, kind, what=name) for p in parts]


def _print_designs(ranked: tuple[Design, ...], wanted: list[str]) -> None:
    """Print designs, the best first."""
    settings = list(ranked[0].settings)
    rows = [
        [
            *(_shown_value(name, d.settings[name]) for name in settings),
            *(f"{100 * d.sigma[name]:.3g} %" for name in wanted),
        ]
        for d in ranked
    ]
    print_table(
        "best settings first, with the relative uncertainty that they would give", (*settings, *wanted), rows, text=0
    )


def _simulate_sample(path: str, *, noise: float, seed: int, save: str | None, as_json: bool) -> None:
    """Tell what the experiments would measure, with noise on request."""
    held = kapitza.io.read_sample(path)
    tables = {
        one.name: (
            *kapitza.measure.independent_variable(one),
            kapitza.measure.simulate_curve(one, stack, noise=noise, seed=seed + i),
        )
        for i, (one, stack) in enumerate(zip(held.experiments, held.stacks, strict=True))
    }
    if save is not None:
        if len(tables) != 1:
            raise InputError(f"{path} has {len(tables)} experiments: a table holds one, use --json for all")
        ((name, x, curve),) = tables.values()
        column = {"phase": "phase_rad", "temperature": "temperature_K"}.get(curve.kind, curve.kind)
        column = "response_KW" if name == "radius" else column
        rows = "".join(f"{a!r},{b!r}\n" for a, b in zip(x.tolist(), curve.value.tolist(), strict=True))
        head = f"# {held.title}, simulated, noise {noise:g}, seed {seed}\n{name}_{_ABSCISSA_UNITS[name]},{column}\n"
        write_atomically(save, (head + rows).encode())
        note(f"wrote {save}")
    if as_json:
        print_json(
            {
                one: {name: {"unit": _ABSCISSA_UNITS[name], "value": x.tolist()}, curve.kind: curve.value.tolist()}
                for one, (name, x, curve) in tables.items()
            }
        )
    elif save is None:
        for one, (name, x, curve) in tables.items():
            rows = [[f"{a:.4g}", f"{b:.6g}"] for a, b in zip(x, curve.value, strict=True)]
            heads = (f"{name} ({_ABSCISSA_UNITS[name]})", curve.kind)
            print_table(f"{one}, per absorbed watt where it matters", heads, rows, text=0)


measurements_app = typer.Typer()

_SampleArgument = Annotated[str, typer.Argument(metavar="FILE", help="Sample file (.toml): stack, experiments, data.")]
_Json = Annotated[bool, typer.Option("--json", help="Machine-readable output, with units.")]
_Figure = Annotated[str | None, typer.Option("--plot", metavar="FILE", help="Draw a figure: .png, .pdf or .svg.")]


@measurements_app.command()
def fit(
    sample: _SampleArgument,
    starts: Annotated[int, typer.Option(help="Number of starting points.", min=1)] = 3,
    seed: Annotated[int, typer.Option(help="Of the scatter of the starting points.")] = 0,
    plot: _Figure = None,
    budget: Annotated[
        str | None, typer.Option(metavar="FILE", help="Figure of what brings how much of the variance.")
    ] = None,
    contours: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A,B FILE", help="Figure of the joint likelihood of two numbers."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Conductances and conductivities from thermoreflectance data, with total errors."""
    figures.check_figure(plot)
    figures.check_figure(budget)
    figures.check_figure(contours[1] if contours else None)
    _fit_sample(sample, starts=starts, seed=seed, plot=plot, budget=budget, contours=contours, as_json=as_json)


@measurements_app.command()
def sensitivity(sample: _SampleArgument, plot: _Figure = None, as_json: _Json = False) -> None:
    """How much each experiment says about each number of the sample."""
    figures.check_figure(plot)
    _sensitivity_sample(sample, plot=plot, as_json=as_json)


@measurements_app.command()
def design(
    sample: _SampleArgument,
    free: Annotated[str | None, typer.Option(help="What is to be measured, separated by commas.")] = None,
    over: Annotated[
        list[str] | None,
        typer.Option(help="Setting and candidates, e.g. tdtr.modulation=1,3,10MHz, or range; may be given again."),
    ] = None,
    minimise: Annotated[
        str | None, typer.Option(help="hotspot: of a device file, over ranges such as buffer.thickness=10:500nm.")
    ] = None,
    noise: Annotated[float, typer.Option(help="Of each point, relative; in rad for phases.")] = 0.005,
    as_json: _Json = False,
) -> None:
    """Rank modulation, spot and film thickness by how well they measure something; or cool a device."""
    if minimise is not None:
        report_design(sample, minimise, over or [], as_json=as_json)
        return
    _design_sample(sample, free=free, over=over or [], noise=noise, as_json=as_json)


@measurements_app.command()
def simulate(
    sample: _SampleArgument,
    noise: Annotated[float, typer.Option(help="Of each point, relative; in rad for phases.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the noise.")] = 0,
    save: Annotated[str | None, typer.Option(metavar="FILE", help="Write a table (.csv).")] = None,
    as_json: _Json = False,
) -> None:
    """What the experiments of a sample file would measure."""
    _check_table(save)
    _simulate_sample(sample, noise=noise, seed=seed, save=save, as_json=as_json)


@measurements_app.command()
def series(
    table: Annotated[str, typer.Argument(metavar="FILE", help="Table (.csv) of thickness and resistance.")],
    plot: _Figure = None,
    as_json: _Json = False,
) -> None:
    """Conductivity and boundary resistance from films of several thicknesses, with errors in both axes."""
    figures.check_figure(plot)
    series_table(table, plot=plot, as_json=as_json)


@measurements_app.command()
def jump(
    table: Annotated[str, typer.Argument(metavar="FILE", help="Table (.csv) of position and temperature.")],
    at: Annotated[str, typer.Option(help="Position of the interface, e.g. 50nm.")],
    skip: Annotated[str | None, typer.Option(help="Left out on both sides, e.g. 4nm; scanned if not given.")] = None,
    reach: Annotated[str | None, typer.Option(help="Used up to here on both sides, e.g. 40nm.")] = None,
    flux: Annotated[str | None, typer.Option(help="Heat flux, e.g. 3.1GW/m2; gives the conductance.")] = None,
    flux_sigma: Annotated[str | None, typer.Option(help="Its uncertainty, e.g. 0.1GW/m2 or 3%.")] = None,
    plot: _Figure = None,
    as_json: _Json = False,
) -> None:
    """Temperature jump at an interface from a profile, extrapolated from both sides."""
    figures.check_figure(plot)
    jump_profile(table, at=at, skip=skip, reach=reach, flux=(flux, flux_sigma), plot=plot, as_json=as_json)
