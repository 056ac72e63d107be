"""How `md spectrum` and `md modes` print what they found."""

from math import isnan
from typing import TYPE_CHECKING, Any

import typer

from kapitza.cli.md_reports import frequency, height
from kapitza.cli.output import conductance_json, note, print_table
from kapitza.units import MW, nm

if TYPE_CHECKING:
    from kapitza.core.conductance import Conductance
    from kapitza.simulate.md.heat_analysis import HeatSpectrum, ModeTemperatures
    from kapitza.simulate.md.transmissions import Split

ENOUGH = 10  # segments from which a standard deviation is known to a quarter


def spectrum_json(found: "HeatSpectrum") -> dict[str, Any]:
    """Return a spectrum with its units."""
    cumulative, spread = found.flux.cumulative()
    total, sigma = found.flux.total
    content: dict[str, Any] = {
        "title": found.title,
        "omega": {"unit": "rad s^-1", "value": found.flux.omega.tolist()},
        "flux": {"unit": "W s rad^-1 m^-2", "value": found.flux.value.tolist(), "sigma": found.flux.sigma.tolist()},
        "cumulative": {"unit": "W m^-2", "value": cumulative.tolist(), "sigma": spread.tolist()},
        "total": {"unit": "W m^-2", "value": total, "sigma": sigma, "direct": found.direct},
        "reasons": list(found.result.reasons),
        "baths": {"unit": "W m^-2", "value": found.result.fluxes.value[:2].tolist()},
        "highest": {"unit": "rad s^-1", "value": found.highest.tolist()},
        "share above": None if found.above is None else {"value": found.above[0], "sigma": found.above[1]},
        "conductance": {
            "temperature": {"unit": "K", "value": found.extrapolated.temperature.tolist()},
            "extrapolated": conductance_json(found.extrapolated),
            "between baths": conductance_json(found.between),
        },
    }
    if found.transmission is not None:
        one = found.transmission
        content["transmission"] = {"unit": "m^-2", "omega": one.omega.tolist(), "value": one.total.tolist()}
    if found.split is not None:
        split = found.split
        content["split"] = {
            "edges": {"unit": "rad s^-1", "value": split.edges.tolist()},
            "total": {"unit": "m^-2", "value": split.total.tolist(), "sigma": split.sigma.tolist()},
            "elastic": {"unit": "m^-2", "value": split.elastic.tolist()},
            "share not elastic": {"value": split.share, "sigma": split.share_sigma},
        }
    return content


def print_spectrum(found: "HeatSpectrum") -> None:
    """Print who carries the heat."""
    whole, sigma = found.flux.total
    rows = [
        [
            f"{frequency(a)} to {frequency(b)}",
            f"{h / whole:.1%}",
            f"{s / whole:.1%}",
            f"{c:.1%}",
            *split_cells(found, i),
        ]
        for i, (a, b, h, s, c) in enumerate(
            zip(found.edges, found.edges[1:], found.heat, found.heat_sigma, found.below, strict=False)
        )
    ]
    split = ["Ξ (nm⁻²)", "elastic"] if found.split is not None else []
    print_table(f"{found.title}: heat through the plane", ["THz", "share", "±", "below", *split], rows)
    power = "not measured" if found.direct is None else f"{found.direct / MW:.5g}"
    baths = " and ".join(f"{one / MW:.5g}" for one in found.result.fluxes.value[:2])
    typer.echo(f"heat flow: {whole / MW:.5g} ± {sigma / MW:.2g} MW m⁻² summed over frequencies")
    typer.echo(f"           {power} by the direct power of the same looks, {baths} by the baths")
    if found.above is not None:
        side = "left" if found.highest[0] < found.highest[1] else "right"
        typer.echo(
            f"{found.above[0]:.1%} ± {found.above[1]:.1%} above {frequency(float(found.highest.min()))} THz, the "
            f"highest frequency of the {side} crystal at rest: no elastic process brings it"
        )
    if found.split is not None:
        typer.echo(split_text(found.split))
    print_corrected(found.extrapolated, "across the jump")
    print_corrected(found.between, "bath to bath, with the solids between")
    segments = int(found.flux.counts.sum())
    if segments < ENOUGH:
        note(f"errors from {segments} segments are themselves uncertain: take a longer run, or shorter segments")
    for reason in found.result.reasons:
        note(f"the run was rejected: {reason}")


def split_text(split: "Split") -> str:
    """Say how much heat an elastic theory leaves to others, or how much more it has than the run."""
    if split.share >= 0:
        return f"{split.share:.1%} ± {split.share_sigma:.1%} of the heat between the baths is not in the elastic theory"
    more = f"{1 - split.share:.1%} ± {split.share_sigma:.1%}"
    return f"the elastic theory has {more} of the heat between the baths, where the solids resist too"


def print_corrected(one: "Conductance", name: str) -> None:
    """Print quantum-corrected conductances."""
    for i, kelvin in enumerate(one.temperature):
        spread = "" if one.sigma is None else f" ± {one.sigma[i] / MW:.2g}"
        typer.echo(f"G at {kelvin:.4g} K, quantum-corrected, {name}: {one.value[i] / MW:.4g}{spread} MW m⁻² K⁻¹")


def split_cells(found: "HeatSpectrum", i: int) -> list[str]:
    """Cells of a band for the split."""
    if found.split is None:
        return []
    total, sigma, elastic = (nm**2 * float(x[i]) for x in (found.split.total, found.split.sigma, found.split.elastic))
    return [f"{total:.3g} ± {sigma:.1g}", f"{elastic:.3g}"]


def modes_json(found: "ModeTemperatures") -> dict[str, Any]:
    """Return mode temperatures with their units."""
    content: dict[str, Any] = {"title": found.title}
    if found.occupation is not None:
        content |= {
            "edges": {"unit": "rad s^-1", "value": found.edges.tolist()},
            "position": {"unit": "m", "value": found.occupation.position.tolist(), "plane": found.plane},
            "layer": {"unit": "K", "value": found.layer.tolist()},
            "temperature": {"unit": "K", "value": found.temperature.tolist(), "sigma": found.sigma.tolist()},
            "departure": {"unit": "K", "value": found.departure.tolist()},
        }
    if found.share is not None:
        content["interface modes"] = {"share": found.share, "number": found.near, "of": found.vibrations}
    return content


def kelvin_text(value: float, sigma: float) -> str:
    """Temperature with its uncertainty, where they are known."""
    if isnan(value):
        return "–"
    return f"{value:.3g}" if isnan(sigma) else f"{value:.3g} ± {sigma:.1g}"


def print_modes(found: "ModeTemperatures") -> None:
    """Print mode temperatures."""
    if found.occupation is not None:
        one, sigma = found.temperature, found.sigma
        heads = [f"{frequency(a)}–{frequency(b)}" for a, b in zip(found.edges, found.edges[1:], strict=False)]
        rows = [
            [
                height(z - found.plane),
                f"{kelvin:.3g}",
                *(kelvin_text(t, s) for t, s in zip(one[i].tolist(), sigma[i].tolist(), strict=True)),
            ]
            for i, (z, kelvin) in enumerate(zip(found.occupation.position, found.layer, strict=True))
        ]
        print_table(f"{found.title}: temperature (K) of frequencies (THz) by layer", ["nm", "all", *heads], rows)
        if all(map(isnan, sigma.ravel().tolist())):
            typer.echo(
                "no uncertainties: the run, or that in equilibrium, holds one segment of its spectra; run longer"
            )
        else:
            apart = f"{found.apart()} of {one.size} values are"
            typer.echo(f"{apart} more than 3 sigma from the temperature of their layer")
    if found.share is not None:
        typer.echo(
            f"{found.near} of {found.vibrations} vibrations lie by more than half near the plane and carry "
            f"{found.share:.1%} of the heat"
        )
