"""Tables and JSON of the verbs `md nemd`, `md spectrum` and `md modes`."""

from typing import TYPE_CHECKING, Any

import typer

import kapitza
from kapitza.cli import deferred
from kapitza.cli.output import conductance_json, megawatts, print_table
from kapitza.units import MW, THz, nm, ps

if TYPE_CHECKING:
    from kapitza.simulate.md.analysis.nemd import NemdResult
    from kapitza.simulate.md.analysis.transmission import ElasticSplit
from math import isnan
from typing import TYPE_CHECKING

from kapitza.cli.output import note

if TYPE_CHECKING:
    from kapitza.core.conductance import Conductance
    from kapitza.simulate.md.runs.heat_spectra import HeatSpectrum, ModeTemperatures


_FLUX_NAMES = ("hot bath", "cold bath", "plane")
_RESISTANCE_UNIT = 1e-9  # m² K W⁻¹ of one m² K GW⁻¹
_MAX_FINITE_FLUX = 1e300  # W m⁻²


def _flux_agreement(found: "NemdResult") -> str:
    """One line that says whether the three heat flows agree."""
    apart = found.fluxes.disagreements()
    return "; ".join(apart) if apart else "agree within 3 sigma and 10 %"


def _largest_drift(run: "kapitza.md.Run") -> float:
    """Largest share of the heat flow that came from nowhere, of all runs."""
    return max((deferred.energy_conservation(one).share for one in run.records), key=abs)


def run_json(run: "kapitza.md.Run", found: "NemdResult") -> dict[str, Any]:
    """Return a run with its units."""
    first = run.records[0]
    low, high = found.interval()
    return {
        "title": run.title,
        "method": found.method,
        "accepted": found.accepted,
        "reasons": list(found.reasons),
        "runs": len(run.records),
        "seeds": [one.seed for one in run.records],
        "temperature": {"unit": "K", "value": found.temperature, "baths": list(first.bath_temperatures)},
        "flux": {
            "unit": "W m^-2",
            "value": dict(zip(_FLUX_NAMES, found.fluxes.value.tolist(), strict=True)),
            "sigma": dict(zip(_FLUX_NAMES, found.fluxes.sigma.tolist(), strict=True)),
            "agree": not found.fluxes.disagreements(),
        },
        "drift": {"unit": "of the heat flow", "value": _largest_drift(run)},
        "steady": {
            "unit": "s",
            "value": found.steady.steady,
            "slowest": found.steady.slowest,
            "waited": found.steady.waited,
            "sampled": found.steady.sampled,
        },
        "jump": {"unit": "K", "value": found.jump},
        "resistance": {
            "unit": "m^2 K W^-1",
            "value": found.resistance,
            "sigma": found.sigma,
            "statistical": found.statistical,
            "layers": found.window,
            "energy": found.imbalance,
            "interval": [low, high],
        },
        "conductance": {
            "extrapolated": conductance_json(_positive_conductance(found, "conductance")),
            "between baths": conductance_json(_positive_conductance(found, "conductance_between_baths")),
        },
        "conductivity": {
            "unit": "W m^-1 K^-1",
            "value": found.conductivity.tolist(),
            "sigma": found.conductivity_sigma.tolist(),
        },
        "position": {"unit": "m", "value": found.profile.position.tolist(), "plane": found.plane},
        "profile": {"unit": "K", "value": found.profile.temperature.tolist(), "sigma": _profile_sigmas(found)},
    }


def _profile_sigmas(found: "NemdResult") -> list[float] | None:
    """Uncertainties of the profile, K."""
    sigma = found.profile.sigma
    return None if sigma is None else sigma.tolist()


def _positive_conductance(found: "NemdResult", name: str) -> "kapitza.Conductance | None":
    """Conductance of a result; None where the resistance is not above zero."""
    value = found.resistance if name == "conductance" else float(found.between_baths[0])
    if not value > 0:
        return None
    made: kapitza.Conductance = getattr(found, name)()
    return made


def _conductance_with_sigma(one: "kapitza.Conductance | None") -> str:
    """Conductance with its uncertainty in MW m⁻² K⁻¹."""
    if one is None:
        return "–"
    sigma = one.sigma
    value = megawatts(float(one.value[0]))
    return value if sigma is None else f"{value} ± {float(sigma[0]) / MW:.2g}"


def print_run(run: "kapitza.md.Run", found: "NemdResult") -> None:
    """Print jump, flux, conductance and verdict of a run."""
    hot, cold = run.records[0].bath_temperatures
    steady = found.steady
    shares = {"statistics": found.statistical, "layers": found.window, "energy": found.imbalance}
    parts = ", ".join(f"{share / _RESISTANCE_UNIT:.2g} {name}" for name, share in shares.items())
    low, high = found.interval()
    conductivity = " and ".join(
        f"{k:.3g} ± {s:.1g}" if abs(k) < _MAX_FINITE_FLUX else "–"
        for k, s in zip(found.conductivity, found.conductivity_sigma, strict=True)
    )
    rows = [
        ["baths", f"{hot:.4g} and {cold:.4g} K", f"kinetic; {found.temperature:.4g} K at the plane"],
        *(
            [f"heat flow, {name}", f"{value / MW:.4g} ± {sigma / MW:.2g} MW m⁻²", ""]
            for name, value, sigma in zip(_FLUX_NAMES, found.fluxes.value, found.fluxes.sigma, strict=True)
            if abs(value) < _MAX_FINITE_FLUX  # NaN where it was not measured
        ),
        ["energy from nowhere", f"{_largest_drift(run):+.2%}", "of the heat flow"],
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
        [
            "G, extrapolated",
            f"{_conductance_with_sigma(_positive_conductance(found, 'conductance'))} MW m⁻² K⁻¹",
            "classical",
        ],
        [
            "G, bath to bath",
            f"{_conductance_with_sigma(_positive_conductance(found, 'conductance_between_baths'))} MW m⁻² K⁻¹",
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
    baths = " and ".join(f"{one / MW:.5g}" for one in found.result.fluxes.value[:2])
    typer.echo(f"heat flow: {whole / MW:.5g} ± {sigma / MW:.2g} MW m⁻² summed over frequencies")
    typer.echo(f"           {power} by the direct power of the same looks, {baths} by the baths")
    if found.above is not None:
        side = "left" if found.highest[0] < found.highest[1] else "right"
        typer.echo(
            f"{found.above[0]:.1%} ± {found.above[1]:.1%} above {_terahertz_text(float(found.highest.min()))} THz, the "
            f"highest frequency of the {side} crystal at rest: no elastic process brings it"
        )
    if found.split is not None:
        typer.echo(_split_text(found.split))
    _print_corrected(found.extrapolated, "across the jump")
    _print_corrected(found.between, "bath to bath, with the solids between")
    segments = int(found.flux.counts.sum())
    if segments < _MIN_SEGMENTS:
        note(f"errors from {segments} segments are themselves uncertain: take a longer run, or shorter segments")
    for reason in found.result.reasons:
        note(f"the run was rejected: {reason}")


def _split_text(split: "ElasticSplit") -> str:
    """Say how much heat an elastic theory leaves to others, or how much more it has than the run."""
    if split.share >= 0:
        return f"{split.share:.1%} ± {split.share_sigma:.1%} of the heat between the baths is not in the elastic theory"
    more = f"{1 - split.share:.1%} ± {split.share_sigma:.1%}"
    return f"the elastic theory has {more} of the heat between the baths, where the solids resist too"


def _print_corrected(one: "Conductance", name: str) -> None:
    """Print quantum-corrected conductances."""
    for i, kelvin in enumerate(one.temperature):
        spread = "" if one.sigma is None else f" ± {one.sigma[i] / MW:.2g}"
        typer.echo(f"G at {kelvin:.4g} K, quantum-corrected, {name}: {one.value[i] / MW:.4g}{spread} MW m⁻² K⁻¹")


def _split_cells(found: "HeatSpectrum", i: int) -> list[str]:
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
