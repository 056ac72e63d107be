"""What the verb device prints of a fit to measured temperatures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kapitza
from kapitza.cli.fit import parameter_numbers
from kapitza.cli.output import Grid, Note, Part, Results, quantity_json
from kapitza.core.parameter_units import with_error
from kapitza.errors import InputError
from kapitza.io.device import format_device_number
from kapitza.io.quantities import quantity


def report_inverse(path: str, measured: str, names: list[str], across: str | None, files: Results) -> None:
    """Fit a device file to measured temperatures, which without free numbers update all that is uncertain in it."""
    device = kapitza.io.read_device(path)
    for one in device.sources:
        if not isinstance(one.waveform, kapitza.device.SteadyPower):
            raise InputError(
                f"{path}: {one.name} is not steady ({one.waveform}), and a fit takes temperatures of steady heat: give "
                "it the mean power, without a course in time"
            )
    crossing = None if across is None else _parse_crossing(across)
    data = kapitza.io.read_measured_temperatures(measured, device, crossing)
    try:
        found = kapitza.thermometry.fit_device(device, data, names)
    except InputError as err:
        if names or "nothing is free" not in str(err):
            raise
        raise InputError(
            f"{path} says of no number how well it is known: give --free with the numbers to find, such as "
            "--free 'GaN|SiC.conductance'"
        ) from err
    owners = [name.rpartition(".")[0] for name in (names or found.names) if name.endswith(".conductance")]
    x, y = (float(v) for v in kapitza.solve(device, sensitivity=False).place[:2])
    fluxes = [kapitza.thermometry.boundary_flux(found, owner, (x, y)) for owner in owners]
    determined = [owner for owner in owners if f"{owner}.conductance" not in found.bounds]
    kept: dict[str, Any] = {"device": kapitza.thermometry.fitted_device(found)}
    kept |= {owner: kapitza.thermometry.fitted_conductance(found, owner) for owner in determined}
    peak = None if found.bounds else kapitza.thermometry.updated_peak(found)
    boundaries: dict[str, Any] = {}  # jump, flux and resistance at the hottest point; NaN where it has a bound only
    for one in fluxes:
        values = zip(
            ("jump", "flux", "resistance"), (one.jump, one.flux, one.resistance), one.sigma.tolist(), strict=True
        )
        units = {"jump": "K", "flux": "W m^-2", "resistance": "m^2 K W^-1"}
        boundaries[one.boundary] = {
            name: quantity_json(value, units[name], sigma=sigma) for name, value, sigma in values
        }
        boundaries[one.boundary] |= {} if one.bound is None else {"bound": one.bound}
    derived = {"chi2": found.chi2, "freedom": found.freedom, "parameters": parameter_numbers(found)}
    derived |= {"bounds": found.bounds, "boundaries": boundaries, "drop": "extrapolated"}
    derived |= {} if peak is None else {"peak": peak}

    def printout() -> Iterator[Part]:
        yield from _describe_inverse(device.title, found, fluxes)
        if peak is not None:
            before = f"{peak.before:.4g}"
            if peak.before_sigma is not None:
                before = with_error(peak.before, peak.before_sigma)
            yield Note(
                f"hottest point: {before} K above the sink as the file says, "
                f"{with_error(peak.after, peak.after_sigma)} K with these temperatures"
            )

    files.report(kept, printout(), derived)


def _parse_crossing(text: str) -> kapitza.io.device.Crossing:
    """The boundary that a section crosses, and where: "GaN|SiC=12nm", or "GaN|SiC=12nm+-2nm"."""
    boundary, sign, place = text.partition("=")
    if not sign or "|" not in boundary:
        raise InputError(f"--across {text!r:.60}: expected a boundary and its position, such as 'GaN|SiC=12nm+-2nm'")
    at, _, skip = place.replace("±", "+-").partition("+-")
    position, half = (quantity(one or "0 m", "length", what="position") for one in (at.strip(), skip.strip()))
    return kapitza.io.device.Crossing(boundary.strip(), position, half)


def _describe_inverse(title: str, found: kapitza.Fit, fluxes: list[kapitza.thermometry.BoundaryFlux]) -> Iterator[Part]:
    rows: list[list[str]] = []
    for parameter, value, sigma in zip(found.problem.parameters, found.value, found.sigma, strict=True):
        name, known = parameter.name, parameter.known
        share = f"{100 * parameter.width:.{0 if parameter.width >= 0.1 else 1}f} %"
        prior = f"{format_device_number(name, parameter.start)} ± {share}" if known else "free"
        cells = format_device_number(name, float(value)), f"± {100 * sigma / abs(value):.2g} %"
        if name in found.bounds:
            cells = kapitza.measure.format_bound(found.bounds[name], name), "not determined"
        rows.append([name, prior, *cells])
    heads = ("number", "known before", "value", "total error")
    yield Grid(f"{title}: fit of {found.problem.rows} temperatures", heads, rows, text=2)
    for one in fluxes:
        jump, flux, resistance = one.sigma.tolist()
        shown = f"{with_error(1e9 * one.resistance, 1e9 * resistance)} m²K/GW"
        if one.bound is not None:
            shown = kapitza.measure.format_bound(one.bound, "resistance")
        yield Note(
            f"{one.boundary} below the hottest point: {with_error(one.jump, jump)} K over "
            f"{with_error(1e-6 * one.flux, 1e-6 * flux)} MW/m² is {shown}"
        )
    yield Note(f"chi² = {found.chi2:.4g} for {found.freedom:.1f} degrees of freedom")
