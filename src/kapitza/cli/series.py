"""Verbs for tables of numbers: thickness series and temperature profiles."""

import math
from typing import Annotated

import typer

import kapitza
from kapitza.cli.figures import Results
from kapitza.cli.options import Figure, Json, Save
from kapitza.cli.output import CONDUCTANCE_UNIT, note, print_record, print_text, quantity_json
from kapitza.cli.tables import columns_of, print_values
from kapitza.errors import DataError
from kapitza.io.quantities import quantity, share_or_quantity
from kapitza.units import nm

_MIN_POINTS = 2


def thickness_series(
    table: Annotated[str, typer.Argument(metavar="FILE", help="Table (.csv) of thickness and resistance.")],
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Conductivity and boundary resistance from films of several thicknesses, with errors in both axes."""
    files = Results(save, plot)
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
    files.keep(line)
    files.draw(lambda ax: kapitza.plot.thickness_series(held, line, ax))
    found = {
        "conductivity": quantity_json(line.conductivity, "W m^-1 K^-1", sigma=line.conductivity_sigma),
        "resistance": quantity_json(
            line.resistance, "m^2 K W^-1", sigma=line.resistance_sigma, meaning="resistance of all boundaries together"
        )
        | {"resolved": line.is_resolved(), "upper_95": line.upper()},
    }
    if line.is_resolved():
        one = line.conductance()
        found["conductance"] = quantity_json(one.value, CONDUCTANCE_UNIT, sigma=one.sigma, meaning="their conductance")
    if as_json:
        probability = None if test is None else test.probability
        print_record(line, found | {"curvature_probability": probability})
        return
    print_values("straight line through the series, extrapolated drop", columns_of(found, dict.fromkeys(found, "")))
    if not line.is_resolved():
        print_text(f"zero within its error: below {line.upper() / 1e-9:.3g} m²K/GW at 95 % confidence")
    if test is not None:
        word = "no sign of" if test.probability > 0.05 else "a sign of"
        note(
            f"{word} a conductivity that changes with thickness "
            f"(as much curvature comes by chance in {100 * test.probability:.2g} % of all series)"
        )
    files.announce()


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
    if profile.position.size < _MIN_POINTS:
        raise DataError(f"wanted two points or more on either side, got {profile.position.size} in all", file=table)
    plane = quantity(at, "length", what="--at")
    far = math.inf if reach is None else quantity(reach, "length", what="--reach")
    if skip is None:
        spacing = float(profile.position[-1] - profile.position[0]) / (profile.position.size - 1)
        best = kapitza.thermometry.scan_exclusion(profile, plane, [i * spacing for i in range(6)], reach=far)
        found, width = best.best, float(best.skip[best.best_index])
    else:
        width = quantity(skip, "length", what="--skip")
        source = (
            profile
            if sigma is not None
            else kapitza.thermometry.correlate_errors(profile, plane, skip=width, reach=far)
        )
        found = source.jump(plane, skip=width, reach=far)
    numbers = {
        "jump": quantity_json(found.jump, "K", sigma=found.sigma),
        "skip": quantity_json(width, "m", meaning="left out on both sides"),
    }
    for side, length, error in zip(("left", "right"), found.kapitza_lengths, found.kapitza_length_sigmas, strict=True):
        numbers[f"kapitza_length_{side}"] = quantity_json(length, "m", sigma=error, meaning=f"Kapitza length, {side}")
    if flux is not None:
        heat = quantity(flux, "flux", what="--flux")
        size, share = (0.0, False) if flux_sigma is None else share_or_quantity(flux_sigma, "flux", what="--flux-sigma")
        one = found.conductance(heat, sigma=size * abs(heat) if share else size)
        numbers["conductance"] = quantity_json(one.value, CONDUCTANCE_UNIT, sigma=one.sigma)
    files.draw(lambda ax: kapitza.plot.profile_jump(profile, found, width, ax))
    if as_json:
        print_record(found, numbers)
        return
    title = f"profiles extrapolated to {found.at / nm:g} nm"
    print_values(title, columns_of(numbers, dict.fromkeys(numbers, "")))
    files.announce()
