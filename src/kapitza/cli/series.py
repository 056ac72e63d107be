"""Verbs for tables of numbers: thickness series and temperature profiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli.figures import Results
from kapitza.cli.options import Figure, Json, Save
from kapitza.cli.output import CONDUCTANCE_UNIT, note, print_record, print_text, quantity_json
from kapitza.cli.tables import columns_of, print_values
from kapitza.core.parameter_units import rounded_outward
from kapitza.errors import DataError
from kapitza.io.quantities import parse_uncertain, quantity, share_or_quantity
from kapitza.units import nm

if TYPE_CHECKING:
    from kapitza.core.profile import Jump, Profile
    from kapitza.measure.eels.jump import InterfaceJump
    from kapitza.measure.probes import RamanProbe, ThermalProbe

_MIN_POINTS = 2
_SUSPICIOUS_PROBABILITY = 0.01  # of a worse fit, below which a remark says so


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
        bound = rounded_outward(-math.inf, line.upper() / 1e-9)[1]
        print_text(f"zero within its error: below {bound} m²K/GW at 95 % confidence")
    if test is not None:
        word = "no sign of" if test.probability > 0.05 else "a sign of"
        percent = 100 * test.probability
        share = f"{percent:.0f}" if percent > 10 else f"{percent:.2g}"
        note(
            f"{word} a conductivity that changes with thickness "
            f"(as much curvature comes by chance in {share} % of all series)"
        )
    files.announce()


def profile_jump(
    table: Annotated[
        str, typer.Argument(metavar="FILE", help="Table (.csv) of position and temperature, or scan of a tip (.toml).")
    ],
    at: Annotated[str, typer.Option(help="Position of the interface, e.g. 50nm; of a tip also 50nm+-2nm, to fit it.")],
    skip: Annotated[str | None, typer.Option(help="Left out on both sides, e.g. 4nm; scanned if not given.")] = None,
    reach: Annotated[str | None, typer.Option(help="Used up to here on both sides, e.g. 40nm.")] = None,
    flux: Annotated[str | None, typer.Option(help="Heat flux, e.g. 3.1GW/m2; gives the conductance.")] = None,
    flux_sigma: Annotated[str | None, typer.Option(help="Its uncertainty, e.g. 0.1GW/m2 or 3%.")] = None,
    plot: Figure = None,
    as_json: Json = False,
) -> None:
    """Temperature jump at an interface from a profile, extrapolated from both sides."""
    files = Results(plot=plot)
    if table.endswith(".toml"):
        _scanned_jump(table, at, (skip, reach), (flux, flux_sigma), files, as_json)
        return
    profile = kapitza.io.profile_from_table(kapitza.io.read_table(table))
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
            if profile.sigma is not None
            else kapitza.thermometry.correlate_errors(profile, plane, skip=width, reach=far)
        )
        found = source.jump(plane, skip=width, reach=far)
    numbers = _jump_numbers(found, width, flux, flux_sigma)
    files.draw(lambda ax: kapitza.plot.profile_jump(profile, found, width, ax))
    if as_json:
        print_record(found, numbers)
        return
    title = f"profiles extrapolated to {found.at / nm:g} nm"
    print_values(title, columns_of(numbers, dict.fromkeys(numbers, "")))
    files.announce()


def _jump_numbers(found: Jump, width: float, flux: str | None, flux_sigma: str | None) -> dict[str, Any]:
    """Jump, Kapitza lengths and, with a flux, the conductance."""
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
    return numbers


def _assumptions(probe: ThermalProbe | RamanProbe) -> list[str]:
    """What a tip is taken to do where its file is silent, and what its errors leave out."""
    if isinstance(probe, kapitza.thermometry.RamanProbe):
        none = probe.near_field_sigma == probe.far_share_sigma == 0
        return ["near field and far share are taken as exact: `15 nm +- 2 nm` states an error"] if none else []
    if probe.response_left == probe.response_right == 1:
        return ["the tip is taken to read all of the temperature: `response` in the file says what share it reads"]
    exact = probe.left_sigma == probe.right_sigma == 0
    return ["the responses are taken as exact: `0.30 +- 0.01` states an error"] if exact else []


def _scanned_jump(
    path: str,
    at: str,
    used: tuple[str | None, str | None],
    heat: tuple[str | None, str | None],
    files: Results,
    as_json: bool,
) -> None:
    """Jump of a specimen from what a scanning tip reads."""
    held = kapitza.io.read_probe_profile(path)
    plane, at_sigma = parse_uncertain(at, "length", what="--at")
    skip = 0.0 if used[0] is None else quantity(used[0], "length", what="--skip")
    reach = math.inf if used[1] is None else quantity(used[1], "length", what="--reach")
    found = kapitza.thermometry.fit_probe_jump(
        held.profile, plane, held.probe, at_sigma=at_sigma, skip=skip, reach=reach
    )
    numbers = _jump_numbers(found.jump, skip, *heat)
    specimen = kapitza.thermometry.specimen_profile(held.profile, found, held.probe)
    files.draw(lambda ax: _draw_specimen(ax, specimen, found))
    if as_json:
        print_record(found, numbers)
        return
    print_values(
        f"specimen at {found.jump.at / nm:g} nm, seen through the tip", columns_of(numbers, dict.fromkeys(numbers, ""))
    )
    for remark in _assumptions(held.probe):
        note(remark)
    if found.pvalue < _SUSPICIOUS_PROBABILITY:
        note(f"the branches fit badly (probability {found.pvalue:.2g}): another kernel, or more structure at the plane")
    files.announce()


def _draw_specimen(ax: Any, specimen: Profile, found: InterfaceJump) -> None:
    """Draw a scan, its response taken off, with the fit as it is seen through the tip and both branches."""
    kapitza.plot.eels.interface_jump(specimen, found, ax=ax)
    for text in ax.get_legend().get_texts() if ax.get_legend() else ():
        text.set_text(text.get_text().replace("rows averaged", "tip, response taken off"))
