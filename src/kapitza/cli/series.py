"""Commands for tables of numbers: thickness series and temperature profiles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

import typer

import kapitza
from kapitza.cli.layer import Option, Panel
from kapitza.cli.output import CONDUCTANCE_UNIT, Note, Part, Results, Values, columns_of, quantity_json
from kapitza.core.parameter_units import rounded_outward
from kapitza.errors import DataError
from kapitza.io.quantities import parse_uncertain, quantity, share_or_quantity
from kapitza.units import nm

_MIN_POINTS = 2
_SUSPICIOUS_PROBABILITY = 0.01  # of a worse fit, below which a remark says so


def thickness_series(
    table: Annotated[str, typer.Argument(metavar="FILE", help="Table (.csv) of thickness and resistance.")],
    *,
    files: Results,
) -> None:
    """Conductivity and boundary resistance from films of several thicknesses, with errors in both axes."""
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
    resistance = quantity_json(
        line.resistance, "m^2 K W^-1", sigma=line.resistance_sigma, meaning="resistance of all boundaries together"
    )
    numbers = {
        "conductivity": quantity_json(line.conductivity, "W m^-1 K^-1", sigma=line.conductivity_sigma),
        "resistance": resistance | {"resolved": line.is_resolved(), "upper_95": line.upper()},
    }
    if line.is_resolved():
        one = line.conductance()
        conductance = quantity_json(one.value, CONDUCTANCE_UNIT, sigma=one.sigma, meaning="their conductance")
        numbers["conductance"] = conductance

    def printout() -> Iterator[Part]:
        yield Values("straight line through the series, extrapolated drop", columns_of(numbers))
        if not line.is_resolved():
            bound = rounded_outward(-math.inf, line.upper() / 1e-9)[1]
            yield f"zero within its error: below {bound} m²K/GW at 95 % confidence"
        if test is not None:
            word = "no sign of" if test.probability > 0.05 else "a sign of"
            percent = 100 * test.probability
            share = f"{percent:.0f}" if percent > 10 else f"{percent:.2g}"
            yield Note(
                f"{word} a conductivity that changes with thickness "
                f"(as much curvature comes by chance in {share} % of all series)"
            )

    files.report(line, printout(), numbers | {"curvature_probability": None if test is None else test.probability})


def profile_jump(
    table: Annotated[
        str, typer.Argument(metavar="FILE", help="Table (.csv) of position and temperature, or scan of a tip (.toml).")
    ],
    *,
    at: Annotated[str, Option("position of the interface, 50nm; of a tip also 50nm+-2nm, to fit it", metavar="LENGTH")],
    skip: Annotated[float | None, Option("excluded on both sides, 4nm; scanned if omitted", "length")],
    reach: Annotated[float | None, Option("largest distance used on both sides, 40nm", "length")],
    flux: Annotated[float | None, Option("heat flux, 3.1GW/m2, for the conductance", "flux")],
    flux_sigma: Annotated[
        tuple[float, bool] | None,
        Option(
            "uncertainty of the flux, 0.1GW/m2 or 3%",
            partial(share_or_quantity, kind="flux", what="--flux-sigma"), metavar="FLUX",
        ),
    ],
    files: Annotated[Results, Panel(names="plot as_json")],
) -> None:  # fmt: skip
    """Temperature jump at an interface from a profile, extrapolated from both sides."""
    far = math.inf if reach is None else reach
    if table.endswith(".toml"):
        _scanned_jump(table, at, (skip or 0.0, far), (flux, flux_sigma), files)
        return
    profile = kapitza.io.profile_from_table(kapitza.io.read_table(table))
    if profile.position.size < _MIN_POINTS:
        raise DataError(f"wanted two points or more on either side, got {profile.position.size} in all", file=table)
    plane = quantity(at, "length", what="--at")
    if skip is None:
        spacing = float(profile.position[-1] - profile.position[0]) / (profile.position.size - 1)
        best = kapitza.thermometry.scan_exclusion(profile, plane, [i * spacing for i in range(6)], reach=far)
        jump, width = best.best, float(best.skip[best.best_index])
    else:
        source, width = profile, skip
        if profile.sigma is None:
            source = kapitza.thermometry.correlate_errors(profile, plane, skip=width, reach=far)
        jump = source.jump(plane, skip=width, reach=far)
    numbers = _jump_numbers(jump, width, flux, flux_sigma)
    files.draw(lambda ax: kapitza.plot.profile_jump(profile, jump, width, ax))
    title = f"profiles extrapolated to {jump.at / nm:g} nm"
    files.show(jump, [Values(title, columns_of(numbers))], numbers)


def _jump_numbers(
    found: kapitza.core.Jump, width: float, flux: float | None, flux_sigma: tuple[float, bool] | None
) -> dict[str, Any]:
    numbers = {
        "jump": quantity_json(found.jump, "K", sigma=found.sigma),
        "skip": quantity_json(width, "m", meaning="left out on both sides"),
    }
    for side, length, error in zip(("left", "right"), found.kapitza_lengths, found.kapitza_length_sigmas, strict=True):
        numbers[f"kapitza_length_{side}"] = quantity_json(length, "m", sigma=error, meaning=f"Kapitza length, {side}")
    if flux is not None:
        size, share = flux_sigma or (0.0, False)
        one = found.conductance(flux, sigma=size * abs(flux) if share else size)
        numbers["conductance"] = quantity_json(one.value, CONDUCTANCE_UNIT, sigma=one.sigma)
    return numbers


def _assumptions(probe: kapitza.thermometry.ThermalProbe | kapitza.thermometry.RamanProbe) -> list[str]:
    """What a tip is taken to do where its file is silent, and what its errors leave out."""
    if isinstance(probe, kapitza.thermometry.RamanProbe):
        none = probe.near_field_sigma == probe.far_share_sigma == 0
        return ["near field and far share are taken as exact: `15 nm +- 2 nm` states an error"] if none else []
    if probe.response_left == probe.response_right == 1:
        return ["the tip is taken to read all of the temperature: `response` in the file says what share it reads"]
    exact = probe.left_sigma == probe.right_sigma == 0
    return ["the responses are taken as exact: `0.30 +- 0.01` states an error"] if exact else []


def _scanned_jump(
    path: str, at: str, used: tuple[float, float], heat: tuple[float | None, tuple[float, bool] | None], files: Results
) -> None:
    held = kapitza.io.read_probe_profile(path)
    plane, sigma = parse_uncertain(at, "length", what="--at")
    fit = kapitza.thermometry.fit_probe_jump(
        held.profile, plane, held.probe, at_sigma=sigma, skip=used[0], reach=used[1]
    )
    numbers = _jump_numbers(fit.jump, used[0], *heat)
    specimen = kapitza.thermometry.specimen_profile(held.profile, fit, held.probe)

    def draw(ax: Any) -> None:
        kapitza.plot.eels.interface_jump(specimen, fit, ax=ax)
        for text in ax.get_legend().get_texts() if ax.get_legend() else ():
            text.set_text(text.get_text().replace("rows averaged", "tip, response taken off"))

    files.draw(draw)

    def printout() -> Iterator[Part]:
        title = f"specimen at {fit.jump.at / nm:g} nm, seen through the tip"
        yield Values(title, columns_of(numbers))
        yield from map(Note, _assumptions(held.probe))
        if fit.pvalue < _SUSPICIOUS_PROBABILITY:
            yield Note(
                f"the branches fit badly (probability {fit.pvalue:.2g}): another kernel, or more structure at the plane"
            )

    files.show(fit, printout(), numbers)
