"""Monte Carlo of the verb `transport`: what it prints of a domain."""

import os
from typing import TYPE_CHECKING, Any

import kapitza
from kapitza.cli import figures, reports
from kapitza.cli.output import note, print_json, print_table
from kapitza.errors import InputError

if TYPE_CHECKING:
    from kapitza.simulate.boltzmann.transport_map import TransportMap

TALL = 7.6  # inches
ROUNDING = 1e-12  # of a sum over particles that is the same in all batches, as all heat ends in the only sink
UNITS = ("W m^-2", "W m^-1", "W")  # of power, by dimension
SHOWN = ("W m⁻²", "W m⁻¹", "W")


def monte_carlo_of_file(path: str, *, plot: str | None, save: str | None, as_json: bool) -> None:
    """Run the domain of a file and tell what came out.

    Parameters
    ----------
    path : of the domain
    plot, save : files to write, or None
    as_json : machine-readable output
    """
    figures.check(plot)
    reports.check_save(save)
    held = kapitza.read_domain(path)
    spacing = held.spacing[0] if len(held.spacing) == 1 else held.spacing
    cores = os.cpu_count() or 1  # the digits are the same with any number of threads
    flights = kapitza.Flights(held.flights.particles, held.flights.seed, held.flights.batches, cores)
    found = kapitza.monte_carlo(held.domain, spacing=spacing, flights=flights)
    try:
        fourier = kapitza.fourier_temperature(held.domain, spacing)
    except InputError as err:  # too many cells: Monte Carlo stands alone
        fourier = None
        note(f"without Fourier's law: {err}")
    if save is not None:
        kapitza.save(found, save)
    if plot is not None:
        if fourier is None:
            figures.write(plot, lambda ax: kapitza.plot.transport_map(found, ax))
        else:
            figures.write_figure(
                plot, lambda figure: kapitza.plot.transport_map_figure(found, fourier, figure), height=TALL
            )
    if as_json:
        print_json(json_of(found, fourier))
        return
    print_map(held.title, found, fourier)
    for written in (save, plot):
        if written is not None:
            note(f"wrote {written}")


def json_of(found: "TransportMap", fourier: Any) -> dict[str, Any]:
    """Return the solution with its units."""
    unit = UNITS[len(found.edges) - 1]
    held = found.region >= 0
    return {
        "method": found.method,
        "particles": found.particles,
        "events": found.events,
        "seed": found.seed,
        "edges": {"unit": "m", "value": [one.tolist() for one in found.edges]},
        "regions": list(found.names),
        "region": found.region.tolist(),
        "temperature": {"unit": "K", "value": filled(found.temperature, held)},
        "temperature_sigma": {"unit": "K", "value": filled(found.temperature_sigma, held)},
        "fourier": None if fourier is None else {"unit": "K", "value": filled(fourier, held)},
        "power": {"unit": unit, "value": dict(zip(found.surfaces, found.power.tolist(), strict=True))},
        "power_sigma": {"unit": unit, "value": dict(zip(found.surfaces, found.power_sigma.tolist(), strict=True))},
    }


def filled(value: Any, held: Any) -> Any:
    """Nested lists of the cells, None in walls and voids."""
    masked = value.astype(object)
    masked[~held] = None
    return masked.tolist()


def print_map(title: str, found: "TransportMap", fourier: Any) -> None:
    """Print the temperatures of the regions and the heat through walls and boundaries."""
    rows: list[list[str]] = []
    for k, name in enumerate(found.names):
        inside = found.region == k
        if not inside.any():
            continue
        warm = found.temperature[inside]
        sigma = found.temperature_sigma[inside][warm.argmax()]
        law = "" if fourier is None else f"{fourier[inside].max():.4f}"
        rows.append([name, f"{warm.min():.4f}", f"{warm.max():.4f}", f"{sigma:.4f}", law])
    heads = ["region", "coldest cell (K)", "hottest cell (K)", "± (K)", "hottest by Fourier (K)"]
    print_table(f"{title}: {found.particles} particles, {found.events} events, seed {found.seed}", heads, rows)
    unit = SHOWN[len(found.edges) - 1]
    passed = [
        [name, f"{power:.5g}", f"{sigma:.2g}" if sigma > ROUNDING * abs(power) else "exact"]
        for name, power, sigma in zip(found.surfaces, found.power, found.power_sigma, strict=True)
        if power or sigma
    ]
    print_table(
        "heat that walls take, and that crosses boundaries from left to right", ["at", f"heat ({unit})", "±"], passed
    )
