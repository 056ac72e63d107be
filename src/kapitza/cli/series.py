"""Verbs for tables of numbers: thickness series and temperature profiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli.figures import Results
from kapitza.cli.options import Figure, Json
from kapitza.cli.output import conductance_json, note, print_json
from kapitza.io.quantities import quantity, share_or_quantity
from kapitza.units import MW, nm

if TYPE_CHECKING:
    from kapitza.core.conductance import Conductance
    from kapitza.core.profile import Jump
    from kapitza.measure.thickness_series import SizeEffectTest, ThicknessLine


def thickness_series(
    table: Annotated[str, typer.Argument(metavar="FILE", help="Table (.csv) of thickness and resistance.")],
    plot: Figure = None,
    as_json: Json = False,
) -> None:
    """Conductivity and boundary resistance from films of several thicknesses, with errors in both axes."""
    files = Results(plot=plot)
    columns = kapitza.io.read_table(table)
    errors = [
        columns.values(kind, *names) if any(name in columns for name in names) else None
        for kind, names in (
            ("length", ("thickness_sigma", "sigma_thickness")),
            ("resistance", ("resistance_sigma", "sigma_resistance")),
        )
    ]
    held = kapitza.thermoreflectance.ThicknessSeries(
        columns.values("length", "thickness", "d"), columns.values("resistance", "resistance", "R"), *errors
    )
    line = held.line()
    test = held.size_test() if held.thickness.size > 3 or errors[1] is not None else None
    files.draw(lambda ax: kapitza.plot.thickness_series(held, line, ax))
    if as_json:
        print_json(_series_json(line, test))
        return
    _print_series(line, test)
    files.announce()


def _series_json(line: ThicknessLine, test: SizeEffectTest | None) -> dict[str, Any]:
    """Return a thickness series with its units."""
    return {
        "conductivity": {"unit": "W m^-1 K^-1", "value": line.conductivity, "sigma": line.conductivity_sigma},
        "resistance": {
            "unit": "m^2 K W^-1",
            "value": line.resistance,
            "sigma": line.resistance_sigma,
            "resolved": line.resolved(),
            "upper_95": line.upper(),
        },
        "chi2": line.chi2,
        "freedom": line.freedom,
        "curvature_probability": None if test is None else test.probability,
    }


def _print_series(line: ThicknessLine, test: SizeEffectTest | None) -> None:
    """Print what a thickness series says, and what it does not."""
    typer.echo(f"conductivity {line.conductivity:.4g} ± {line.conductivity_sigma:.2g} W/mK")
    both = f"{line.resistance / 1e-9:.4g} ± {line.resistance_sigma / 1e-9:.2g} m²K/GW"
    typer.echo(f"resistance of all boundaries together {both}")
    if line.resolved():
        conductance = line.conductance()
        sigma = 0.0 if conductance.sigma is None else float(conductance.sigma[0])
        typer.echo(f"their conductance {conductance.value[0] / 1e6:.4g} ± {sigma / 1e6:.2g} MW/m²K (extrapolated drop)")
    else:
        typer.echo(
            f"zero within its error: below {line.upper() / 1e-9:.3g} m²K/GW at 95 % confidence, no more is known"
        )
    if test is not None:
        word = "no sign of" if test.probability > 0.05 else "a sign of"
        note(
            f"{word} a conductivity that changes with thickness "
            f"(as much curvature comes by chance in {100 * test.probability:.2g} % of all series)"
        )


def profile_jump(
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
    files = Results(plot=plot)
    columns = kapitza.io.read_table(table)
    names = ("temperature_sigma", "sigma_temperature", "sigma")
    sigma = columns.values("temperature", *names) if any(name in columns for name in names) else None
    profile = kapitza.Profile(
        columns.increasing("length", "position", "x", "z"), columns.values("temperature", "temperature", "T"), sigma
    )
    plane = quantity(at, "length", what="--at")
    far = math.inf if reach is None else quantity(reach, "length", what="--reach")
    if skip is None:
        spacing = float(profile.position[-1] - profile.position[0]) / (profile.position.size - 1)
        best = kapitza.thermometry.scan_exclusion(profile, plane, [i * spacing for i in range(6)], reach=far)
        found, width = best.best, float(best.skip[best.chosen])
    else:
        width = quantity(skip, "length", what="--skip")
        source = (
            profile
            if sigma is not None
            else kapitza.thermometry.correlate_errors(profile, plane, skip=width, reach=far)
        )
        found = source.jump(plane, skip=width, reach=far)
    heat = None if flux is None else quantity(flux, "flux", what="--flux")
    conductance = None
    if heat is not None:
        size, share = (0.0, False) if flux_sigma is None else share_or_quantity(flux_sigma, "flux", what="--flux-sigma")
        conductance = found.conductance(heat, sigma=size * abs(heat) if share else size)
    files.draw(lambda ax: kapitza.plot.profile_jump(profile, found, width, ax))
    if as_json:
        print_json(_jump_json(found, width, conductance))
        return
    _print_jump(found, width, conductance)
    files.announce()


def _jump_json(found: Jump, width: float, conductance: Conductance | None) -> dict[str, Any]:
    """Return a jump with its units."""
    content: dict[str, Any] = {
        "at": {"unit": "m", "value": found.at},
        "skip": {"unit": "m", "value": width},
        "jump": {"unit": "K", "value": found.jump, "sigma": found.sigma},
        "gradients": {"unit": "K m^-1", "value": [found.gradient_left, found.gradient_right]},
        "kapitza_lengths": {
            "unit": "m",
            "value": list(found.kapitza_lengths),
            "sigma": list(found.kapitza_length_sigmas),
        },
    }
    if conductance is not None:
        content["conductance"] = conductance_json(conductance)
    return content


def _print_jump(found: Jump, width: float, conductance: Conductance | None) -> None:
    """Print a jump and what follows from it."""
    place = f"at {found.at / nm:g} nm, {width / nm:.3g} nm left out on both sides"
    typer.echo(f"jump {found.jump:.4g} ± {found.sigma:.2g} K {place}")
    lengths = zip(("left", "right"), found.kapitza_lengths, found.kapitza_length_sigmas, strict=True)
    for side, length, error in lengths:
        typer.echo(f"Kapitza length, {side}: {length / nm:.4g} ± {error / nm:.2g} nm")
    if conductance is not None and conductance.sigma is not None:
        value, sigma = conductance.value[0] / MW, conductance.sigma[0] / MW
        typer.echo(f"conductance {value:.4g} ± {sigma:.2g} MW/m²K (extrapolated drop)")
