"""Tables of the verbs `md nemd`, `md spectrum` and `md modes`, and the numbers that they add to the saved records."""

from math import isnan
from typing import TYPE_CHECKING, Any

import typer

import kapitza
from kapitza.cli import deferred
from kapitza.cli.output import megawatts, note, print_table, quantity_json
from kapitza.cli.tables import columns_of
from kapitza.units import MW, THz, nm, ps

if TYPE_CHECKING:
    from kapitza.simulate.md.analysis.nemd import NemdResult
    from kapitza.simulate.md.analysis.transmission import ElasticSplit
    from kapitza.simulate.md.runs.heat_spectra import HeatSpectrum, ModeTemperatures

_FLUX_NAMES = ("hot thermostat", "cold thermostat", "plane")
_RESISTANCE_UNIT = 1e-9  # m² K W⁻¹ of one m² K GW⁻¹
_MAX_FINITE_FLUX = 1e300  # W m⁻²


def _flux_agreement(found: "NemdResult") -> str:
    """One line that says whether the three heat flows agree."""
    apart = found.fluxes.disagreements()
    return "; ".join(apart) if apart else "agree within 3 sigma and 10 %"


def _largest_drift(run: "kapitza.md.Run") -> float:
    """Largest energy drift (unaccounted heat) of all runs, as a share of the heat flow."""
    return max((deferred.energy_conservation(one).share for one in run.records), key=abs)


def run_numbers(run: "kapitza.md.Run", found: "NemdResult") -> dict[str, Any]:
    """Return what follows from the result of a run, with units."""
    return {
        "title": run.title,
        "accepted": found.accepted,
        "seeds": [one.seed for one in run.records],
        "thermostats": quantity_json(list(run.records[0].thermostat_temperatures), "K"),
        "energy_drift": quantity_json(_largest_drift(run), "1", meaning="unaccounted heat over the heat flow"),
        "total_resistance": quantity_json(found.resistance, "m^2 K W^-1", sigma=found.sigma),
        "interval": quantity_json(list(found.interval()), "m^2 K W^-1", meaning="95 % interval of the resistance"),
        "conductance": _positive_conductance(found, "conductance"),
        "between_thermostats": _positive_conductance(found, "conductance_between_thermostats"),
    }


def _positive_conductance(found: "NemdResult", name: str) -> "kapitza.Conductance | None":
    """Conductance of a result; None where the resistance is not above zero."""
    value = found.resistance if name == "conductance" else float(found.between_thermostats[0])
    if not value > 0:
        return None
    made: kapitza.Conductance = getattr(found, name)()
    return made


def conductance_text(one: "kapitza.Conductance | None") -> str:
    """Conductance with its uncertainty."""
    if one is None:
        return "–"
    sigma = "" if one.sigma is None else f" ± {float(one.sigma[0]) / MW:.2g}"
    return f"{megawatts(float(one.value[0]))}{sigma} MW m⁻² K⁻¹"


def print_run(run: "kapitza.md.Run", found: "NemdResult") -> None:
    """Print jump, flux, conductance and verdict of a run."""
    hot, cold = run.records[0].thermostat_temperatures
    steady = found.steady
    shares = {"statistics": found.statistical, "layers": found.window, "energy": found.imbalance}
    parts = ", ".join(f"{share / _RESISTANCE_UNIT:.2g} {name}" for name, share in shares.items())
    low, high = found.interval()
    conductivity = " and ".join(
        f"{k:.3g} ± {s:.1g}" if abs(k) < _MAX_FINITE_FLUX else "–"
        for k, s in zip(found.conductivity, found.conductivity_sigma, strict=True)
    )
    rows = [
        ["thermostats", f"{hot:.4g} and {cold:.4g} K", f"kinetic; {found.temperature:.4g} K at the plane"],
        *(
            [f"heat flow, {name}", f"{value / MW:.4g} ± {sigma / MW:.2g} MW m⁻²", ""]
            for name, value, sigma in zip(_FLUX_NAMES, found.fluxes.value, found.fluxes.sigma, strict=True)
            if abs(value) < _MAX_FINITE_FLUX  # NaN where it was not measured
        ),
        ["energy drift", f"{_largest_drift(run):+.2%}", "unaccounted heat, of the heat flow"],
        [
            "slowest mode",
            f"{steady.slowest / ps:.3g} ps",
            f"{steady.waited / ps:.4g} ps waited, {steady.sampled / ps:.4g} ps sampled in {steady.blocks} blocks",
        ],
        ["conductivity", f"{conductivity} W m⁻¹ K⁻¹", "left and right, from the gradients"],
        ["jump", f"{found.jump:.3g} K", "of the extrapolated branches"],
        [
            "resistance",
            f"{found.resistance / _RESISTANCE_UNIT:.3g} ± {found.sigma / _RESISTANCE_UNIT:.2g} m² K GW⁻¹",
            parts,
        ],
        ["", "", f"95 %: {low / _RESISTANCE_UNIT:.3g} to {high / _RESISTANCE_UNIT:.3g}"],
        ["G, extrapolated", conductance_text(_positive_conductance(found, "conductance")), "classical"],
        [
            "G, between thermostats",
            conductance_text(_positive_conductance(found, "conductance_between_thermostats")),
            "with the solids between",
        ],
    ]
    runs = f", {len(run.records)} runs" if len(run.records) > 1 else ""
    print_table(f"{run.title}: {found.method}{runs}", ["", " value", " remark"], rows)
    typer.echo(f"heat flows: {_flux_agreement(found)}")
    if found.accepted:
        typer.echo("accepted: the heat flows agree, the profile is steady, the jump is resolved")
    for reason in found.reasons:
        typer.echo(f"rejected: {reason}")


def _terahertz_text(omega: float) -> str:
    """Angular frequency as THz."""
    return f"{omega / THz:.3g}"


def _nanometre_text(position: float) -> str:
    """Height in nm."""
    return f"{position / nm:.4g}"


_MIN_SEGMENTS = 10  # segments from which a standard deviation is known to a quarter


def spectrum_numbers(found: "HeatSpectrum") -> dict[str, Any]:
    """Return what follows from a spectrum, with units."""
    total, sigma = found.flux.total
    above = None if found.above is None else quantity_json(found.above[0], "1", sigma=found.above[1])
    return {
        "title": found.title,
        "total": quantity_json(total, "W m^-2", sigma=sigma),
        "direct": quantity_json(found.direct, "W m^-2"),
        "thermostats": quantity_json(found.result.fluxes.value[:2], "W m^-2"),
        "highest": quantity_json(found.highest, "rad s^-1"),
        "share_above": above,
        "reasons": list(found.result.reasons),
    }


def print_spectrum(found: "HeatSpectrum") -> None:
    """Print the heat carried by bands of frequency."""
    whole, sigma = found.flux.total
    rows = [
        [
            f"{_terahertz_text(a)} to {_terahertz_text(b)}",
            f"{h / whole:.1%}",
            f"{s / whole:.1%}",
            f"{c:.1%}",
            *_split_cells(found, i),
        ]
        for i, (a, b, h, s, c) in enumerate(
            zip(found.edges, found.edges[1:], found.heat, found.heat_sigma, found.below, strict=False)
        )
    ]
    split = ["Ξ (nm⁻²)", "elastic"] if found.split is not None else []
    print_table(f"{found.title}: heat through the plane", ["THz", "share", "±", "below", *split], rows)
    power = "not measured" if found.direct is None else f"{found.direct / MW:.5g}"
    given = " and ".join(f"{one / MW:.5g}" for one in found.result.fluxes.value[:2])
    typer.echo(f"heat flow: {whole / MW:.5g} ± {sigma / MW:.2g} MW m⁻² integrated over frequencies")
    typer.echo(f"           {power} by the direct power of the same samples, {given} by the thermostats")
    if found.above is not None:
        side = "left" if found.highest[0] < found.highest[1] else "right"
        typer.echo(
            f"{found.above[0]:.1%} ± {found.above[1]:.1%} above {_terahertz_text(float(found.highest.min()))} THz, the "
            f"highest frequency of the {side} crystal at rest: no elastic process brings it"
        )
    if found.split is not None:
        typer.echo(_split_text(found.split))
    for name, one in (
        ("across the jump", found.extrapolated),
        ("between the thermostats, with the solids", found.between),
    ):
        kelvin, value = columns_of(one, {"temperature": "", "value": ""})
        for i in range(len(kelvin.values)):
            typer.echo(f"G at {kelvin.cell(i)} K, quantum-corrected, {name}: {value.cell(i)} {value.unit}")
    segments = int(found.flux.counts.sum())
    if segments < _MIN_SEGMENTS:
        note(f"errors from {segments} segments are themselves uncertain: take a longer run, or shorter segments")
    for reason in found.result.reasons:
        note(f"the run was rejected: {reason}")


def _split_text(split: "ElasticSplit") -> str:
    """Say how much heat an elastic theory leaves to others, or how much more it has than the run."""
    if split.share >= 0:
        share = f"{split.share:.1%} ± {split.share_sigma:.1%}"
        return f"{share} of the heat between the thermostats is not in the elastic theory"
    more = f"{1 - split.share:.1%} ± {split.share_sigma:.1%}"
    return f"the elastic theory has {more} of the heat between the thermostats, where the solids resist too"


def _split_cells(found: "HeatSpectrum", i: int) -> list[str]:
    """Cells of a band for the split."""
    if found.split is None:
        return []
    total, sigma, elastic = (nm**2 * float(x[i]) for x in (found.split.total, found.split.sigma, found.split.elastic))
    return [f"{total:.3g} ± {sigma:.1g}", f"{elastic:.3g}"]


def mode_numbers(found: "ModeTemperatures") -> dict[str, Any]:
    """Return what follows from the occupation of modes, with units."""
    numbers: dict[str, Any] = {"title": found.title}
    if found.occupation is not None:
        numbers |= {
            "edges": quantity_json(found.edges, "rad s^-1"),
            "plane": quantity_json(found.plane, "m"),
            "layer": quantity_json(found.layer, "K"),
            "temperature": quantity_json(found.temperature, "K", sigma=found.sigma),
            "departure": quantity_json(found.departure, "K"),
        }
    if found.share is not None:
        numbers["interface_modes"] = {"share": found.share, "number": found.near, "of": found.vibrations}
    return numbers


def _kelvin_text(value: float, sigma: float) -> str:
    """Temperature with its uncertainty, where they are known."""
    if isnan(value):
        return "–"
    return f"{value:.3g}" if isnan(sigma) else f"{value:.3g} ± {sigma:.1g}"


def print_modes(found: "ModeTemperatures") -> None:
    """Print mode temperatures."""
    if found.occupation is not None:
        one, sigma = found.temperature, found.sigma
        heads = [
            f"{_terahertz_text(a)}–{_terahertz_text(b)}" for a, b in zip(found.edges, found.edges[1:], strict=False)
        ]
        rows = [
            [
                _nanometre_text(z - found.plane),
                f"{kelvin:.3g}",
                *(_kelvin_text(t, s) for t, s in zip(one[i].tolist(), sigma[i].tolist(), strict=True)),
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
