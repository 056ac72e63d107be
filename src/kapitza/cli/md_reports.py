"""What the verbs of molecular dynamics between two baths print."""

from typing import TYPE_CHECKING, Any

import typer

import kapitza
from kapitza.cli.output import conductance_json, megawatts, print_table
from kapitza.units import MW, THz, nm, ps

if TYPE_CHECKING:
    from kapitza.simulate.md.jump import Nemd

WAYS = ("hot bath", "cold bath", "plane")
GK = 1e-9  # m² K W⁻¹ of one m² K GW⁻¹
FINITE = 1e300  # W m⁻²


def flux_agreement(found: "Nemd") -> str:
    """One line that says whether the three heat flows agree."""
    apart = found.fluxes.disagreements()
    return "; ".join(apart) if apart else "agree within 3 sigma and 10 %"


def drift_of(run: "kapitza.HeatRun") -> float:
    """Largest share of the heat flow that came from nowhere, of all runs."""
    return max((kapitza.conservation(one).share for one in run.records), key=abs)


def run_json(run: "kapitza.HeatRun", found: "Nemd") -> dict[str, Any]:
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
            "value": dict(zip(WAYS, found.fluxes.value.tolist(), strict=True)),
            "sigma": dict(zip(WAYS, found.fluxes.sigma.tolist(), strict=True)),
            "agree": not found.fluxes.disagreements(),
        },
        "drift": {"unit": "of the heat flow", "value": drift_of(run)},
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
            "extrapolated": conductance_json(positive(found, "conductance")),
            "between baths": conductance_json(positive(found, "conductance_between_baths")),
        },
        "conductivity": {
            "unit": "W m^-1 K^-1",
            "value": found.conductivity.tolist(),
            "sigma": found.conductivity_sigma.tolist(),
        },
        "position": {"unit": "m", "value": found.profile.position.tolist(), "plane": found.plane},
        "profile": {"unit": "K", "value": found.profile.temperature.tolist(), "sigma": sigmas(found)},
    }


def sigmas(found: "Nemd") -> list[float] | None:
    """Uncertainties of the profile, K."""
    sigma = found.profile.sigma
    return None if sigma is None else sigma.tolist()


def positive(found: "Nemd", name: str) -> "kapitza.Conductance | None":
    """Conductance of a result; None where the resistance is not above zero."""
    value = found.resistance if name == "conductance" else float(found.between_baths[0])
    if not value > 0:
        return None
    made: kapitza.Conductance = getattr(found, name)()
    return made


def with_sigma(one: "kapitza.Conductance | None") -> str:
    """Conductance with its uncertainty in MW m⁻² K⁻¹."""
    if one is None:
        return "–"
    sigma = one.sigma
    value = megawatts(float(one.value[0]))
    return value if sigma is None else f"{value} ± {float(sigma[0]) / MW:.2g}"


def print_run(run: "kapitza.HeatRun", found: "Nemd") -> None:
    """Print jump, flux, conductance and verdict of a run."""
    hot, cold = run.records[0].bath_temperatures
    steady = found.steady
    parts = (
        f"{found.statistical / GK:.2g} statistics, {found.window / GK:.2g} layers, {found.imbalance / GK:.2g} energy"
    )
    low, high = found.interval()
    conductivity = " and ".join(
        f"{k:.3g} ± {s:.1g}" if abs(k) < FINITE else "–"
        for k, s in zip(found.conductivity, found.conductivity_sigma, strict=True)
    )
    rows = [
        ["baths", f"{hot:.4g} and {cold:.4g} K", f"kinetic; {found.temperature:.4g} K at the plane"],
        *(
            [f"heat flow, {name}", f"{value / MW:.4g} ± {sigma / MW:.2g} MW m⁻²", ""]
            for name, value, sigma in zip(WAYS, found.fluxes.value, found.fluxes.sigma, strict=True)
            if abs(value) < FINITE  # NaN where it was not measured
        ),
        ["energy from nowhere", f"{drift_of(run):+.2%}", "of the heat flow"],
        [
            "slowest mode",
            f"{steady.slowest / ps:.3g} ps",
            f"{steady.waited / ps:.4g} ps waited, {steady.sampled / ps:.4g} ps sampled in {steady.blocks} blocks",
        ],
        ["conductivity", f"{conductivity} W m⁻¹ K⁻¹", "left and right, from the gradients"],
        ["jump", f"{found.jump:.3g} K", "of the extrapolated branches"],
        ["resistance", f"{found.resistance / GK:.3g} ± {found.sigma / GK:.2g} m² K GW⁻¹", parts],
        ["", "", f"95 %: {low / GK:.3g} to {high / GK:.3g}"],
        ["G, extrapolated", f"{with_sigma(positive(found, 'conductance'))} MW m⁻² K⁻¹", "classical"],
        [
            "G, bath to bath",
            f"{with_sigma(positive(found, 'conductance_between_baths'))} MW m⁻² K⁻¹",
            "with the solids between",
        ],
    ]
    runs = f", {len(run.records)} runs" if len(run.records) > 1 else ""
    print_table(f"{run.title}: {found.method}{runs}", ["", " value", " remark"], rows)
    typer.echo(f"heat flows: {flux_agreement(found)}")
    if found.accepted:
        typer.echo("accepted: the heat flows agree, the profile is steady, the jump is resolved")
    for reason in found.reasons:
        typer.echo(f"rejected: {reason}")


def frequency(omega: float) -> str:
    """Angular frequency as THz."""
    return f"{omega / THz:.3g}"


def height(position: float) -> str:
    """Height in nm."""
    return f"{position / nm:.4g}"
