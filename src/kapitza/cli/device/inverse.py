"""What the verb device prints of a fit to measured temperatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import kapitza
from kapitza.cli import deferred
from kapitza.cli.output import note, print_json, print_table
from kapitza.errors import InputError
from kapitza.io.device.sweeps import format_device_number

if TYPE_CHECKING:
    from kapitza.measure.device.fit import BoundaryFlux
    from kapitza.measure.fit_result import Fit


def report_inverse(path: str, measured: str, free: str | None, *, save: str | None, as_json: bool) -> None:
    """Fit a device file to measured temperatures."""
    names = [name.strip() for name in (free or "").split(",") if name.strip()]
    if not names:
        raise InputError("--fit needs --free with the numbers to find, such as --free 'GaN|SiC.conductance'")
    device = kapitza.io.read_device(path)
    found = kapitza.thermometry.fit_device(device, kapitza.io.read_measured_temperatures(measured, device), names)
    owners = [name.rpartition(".")[0] for name in names if name.endswith(".conductance")]
    x, y = (float(v) for v in kapitza.solve(device, sensitivity=False).place[:2])
    fluxes = [kapitza.thermometry.boundary_flux(found, owner, (x, y)) for owner in owners]
    if save is not None:
        kept: dict[str, Any] = {"device": kapitza.thermometry.fitted_device(found)}
        kept |= {
            owner: found.conductance(owner, device.sink)
            for owner in owners
            if f"{owner}.conductance" not in found.bounds
        }
        kapitza.save(kept, save)
    if as_json:
        print_json(_inverse_json(device.title, found, fluxes))
        return
    _print_inverse(device.title, found, fluxes)
    if save is not None:
        note(f"wrote {save}")


def _inverse_json(title: str, found: Fit, fluxes: list[BoundaryFlux]) -> dict[str, Any]:
    """A fit with its units, and jump, flux and resistance of each boundary at the hottest point."""
    parameters: dict[str, Any] = {}
    for parameter, value, sigma in zip(found.problem.parameters, found.value, found.sigma, strict=True):
        name = parameter.name
        known = {"bound": found.bounds[name]} if name in found.bounds else {"value": value, "sigma": sigma}
        parameters[name] = {"free": not parameter.known, **known}
    boundaries: dict[str, Any] = {}
    for one in fluxes:
        jump, flux, resistance = one.sigma.tolist()
        known = {"value": one.resistance, "sigma": resistance} if one.bound is None else {"bound": one.bound}
        boundaries[one.boundary] = {
            "jump": {"unit": "K", "value": one.jump, "sigma": jump},
            "flux": {"unit": "W m^-2", "value": one.flux, "sigma": flux},
            "resistance": {"unit": "m^2 K W^-1", **known},
        }
    return {
        "title": title,
        "parameters": {"unit": "SI", "value": parameters},
        "chi2": found.chi2,
        "freedom": found.freedom,
        "boundaries": boundaries,
        "drop_definition": "extrapolated",
    }


def _print_inverse(title: str, found: Fit, fluxes: list[BoundaryFlux]) -> None:
    """Print a fit: numbers with total errors, then the flux through each boundary and its resistance."""
    rows: list[list[str]] = []
    for parameter, value, sigma in zip(found.problem.parameters, found.value, found.sigma, strict=True):
        name, kind = parameter.name, "uncertain" if parameter.known else "free"
        if name in found.bounds:
            rows.append([name, kind, deferred.format_bound(found.bounds[name], name), "not determined"])
        else:
            rows.append([name, kind, format_device_number(name, float(value)), f"± {100 * sigma / abs(value):.2g} %"])
    print_table(
        f"{title}: fit of {found.problem.rows} temperatures", ("number", "", "value", "total error"), rows, text=2
    )
    for one in fluxes:
        jump, flux, resistance = one.sigma.tolist()
        shown = f"{1e9 * one.resistance:.4g} ± {1e9 * resistance:.2g} m²K/GW"
        if one.bound is not None:
            shown = deferred.format_bound(one.bound, "resistance")
        note(
            f"{one.boundary} below the hottest point: {one.jump:.4g} ± {jump:.2g} K over "
            f"{1e-6 * one.flux:.4g} ± {1e-6 * flux:.2g} MW/m² is {shown}"
        )
    note(f"chi² = {found.chi2:.4g} for {found.freedom:.1f} degrees of freedom")
