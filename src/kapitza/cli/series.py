"""What the verbs for tables of numbers do: thickness series and temperature profiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import typer

import kapitza
from kapitza.cli import figures
from kapitza.cli.output import conductance_json, note, print_json
from kapitza.io.quantities import quantity, share_or_quantity
from kapitza.units import MW, nm

if TYPE_CHECKING:
    from kapitza.core.conductance import Conductance
    from kapitza.core.profile import Jump
    from kapitza.measure.thickness_series import SizeEffectTest, ThicknessLine


def series_table(path: str, *, plot: str | None, as_json: bool) -> None:
    """Straight line through a thickness series."""
    table = kapitza.io.read_table(path)
    errors = [
        table.values(kind, *names) if any(name in table for name in names) else None
        for kind, names in (
            ("length", ("thickness_sigma", "sigma_thickness")),
            ("resistance", ("resistance_sigma", "sigma_resistance")),
        )
    ]
    held = kapitza.thermoreflectance.ThicknessSeries(
        table.values("length", "thickness", "d"), table.values("resistance", "resistance", "R"), *errors
    )
    line = held.line()
    test = held.size_test() if held.thickness.size > 3 or errors[1] is not None else None
    if plot is not None:
        figures.write_axes(plot, lambda ax: kapitza.plot.thickness_series(held, line, ax))
    if as_json:
        print_json(_series_json(line, test))
        return
    _print_series(line, test)
    if plot is not None:
        note(f"wrote {plot}")


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


def jump_profile(
    path: str,
    *,
    at: str,
    skip: str | None,
    reach: str | None,
    flux: tuple[str | None, str | None],
    plot: str | None,
    as_json: bool,
) -> None:
    """Temperature jump of a profile."""
    table = kapitza.io.read_table(path)
    names = ("temperature_sigma", "sigma_temperature", "sigma")
    sigma = table.values("temperature", *names) if any(name in table for name in names) else None
    profile = kapitza.Profile(
        table.increasing("length", "position", "x", "z"), table.values("temperature", "temperature", "T"), sigma
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
    heat = None if flux[0] is None else quantity(flux[0], "flux", what="--flux")
    conductance = None
    if heat is not None:
        size, share = (0.0, False) if flux[1] is None else share_or_quantity(flux[1], "flux", what="--flux-sigma")
        conductance = found.conductance(heat, sigma=size * abs(heat) if share else size)
    if plot is not None:
        figures.write_axes(plot, lambda ax: kapitza.plot.profile_jump(profile, found, width, ax))
    if as_json:
        print_json(_jump_json(found, width, conductance))
        return
    _print_jump(found, width, conductance)
    if plot is not None:
        note(f"wrote {plot}")


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
