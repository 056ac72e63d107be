"""Draw the figures of Boltzmann transport: python docs/make_transport_figures.py."""

from itertools import combinations
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from scipy.stats import norm

import kapitza as kz
from kapitza.matter.building.contacts import spring_junction
from kapitza.matter.building.junction_cost import structure_lead
from kapitza.matter.building.surface import orient_structure
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.plot.style import LINE_COLOURS, legend_beside, new_figure

IMAGES = Path(__file__).resolve().parent / "images"
RATES = kz.boltzmann.ScatteringRates(umklapp=1.2e-19, impurity=1.3e-45, boundary=1e-3)
LOOKS = {"emitted": (LINE_COLOURS[0], "-"), "local": (LINE_COLOURS[1], "--"), "extrapolated": (LINE_COLOURS[2], "-.")}
THICKNESS = np.geomspace(1e-8, 1e-5, 13)
FREQUENCY = np.geomspace(1e5, 1e8, 7)


def lead_and_bands(name, engine):
    cell = orient_structure(relax_cell(kz.matter.structure(name), engine), (0, 0, 1))
    return structure_lead(cell, engine), kz.Bands(kz.lattice.crystal_from_potential(kz.matter.structure(name), engine))


def sides(left, right, conductivities):
    edges = kz.boltzmann.group_edges(left, right)
    found = [
        kz.boltzmann.spectral_carriers(one, RATES, edges=edges, conductivity=k)
        for one, k in zip((left, right), conductivities, strict=True)
    ]
    return edges, found


def silicon_germanium():
    tersoff = [kz.lattice.published_potential("tersoff", [name]) for name in ("Si", "Ge")]
    bands = [
        kz.Bands(kz.lattice.crystal_from_potential(kz.matter.structure(n), p))
        for n, p in zip(("Si", "Ge"), tersoff, strict=True)
    ]
    edges, found = sides(*bands, (148.0, 60.0))
    junction = kz.lattice.build_junction(kz.lattice.JunctionPlan(left="Si", right="Ge", potential="tersoff", layers=4))
    theories = {
        "DMM": kz.dmm(*bands, kz.boltzmann.group_frequencies(edges)),
        "AGF": kz.agf(junction, tolerance=1e-2, temperature=[300.0]),
    }
    return found, theories


def aluminium_silicon():
    (first, al), (second, si) = (
        lead_and_bands(name, kz.lattice.published_potential(engine, [name]))
        for name, engine in (("Al", "emt"), ("Si", "tersoff"))
    )
    edges, found = sides(al, si, (10.0, 148.0))
    junction = spring_junction(first, second, kz.lattice.ContactSprings(3e20, 1e20), limit=0.06, area=2e-19)
    theories = {
        "DMM": kz.dmm(al, si, kz.boltzmann.group_frequencies(edges)),
        "AGF": kz.agf(junction, tolerance=2e-2, temperature=[300.0]),
    }
    return found, theories


def definitions(ax, found, theories):
    for theory, transmission in theories.items():
        for drop, (colour, dash) in LOOKS.items():
            value = []
            for thickness in THICKNESS:
                films = [kz.boltzmann.Film(thickness, one) for one in found]
                held = kz.transport(films, [transmission])
                value.append(1e9 * held.drop(0, drop) / held.flux)
            width = 2.2 if theory == "DMM" else 1.1
            ax.plot(1e9 * THICKNESS, value, color=colour, linestyle=dash, linewidth=width, label=f"{theory}, {drop}")
    ax.set(xscale="log", xlabel="thickness of both layers (nm)", ylabel="resistance (m² K GW⁻¹)", ylim=(0, None))


def seen(ax, found, theories):
    films = [kz.boltzmann.Film(8e-8, found[0]), kz.boltzmann.Film(1e-3, found[1])]
    levels = []
    for theory, transmission in theories.items():
        value = 1e9 * kz.boltzmann.apparent_resistance(films, transmission, FREQUENCY).real
        width = 2.2 if theory == "DMM" else 1.1
        ax.plot(FREQUENCY / 1e6, value, color="black", linewidth=width, label=f"{theory}, seen")
        for drop in ("emitted", "local"):
            colour, dash = LOOKS[drop]
            level = 1e9 * kz.boltzmann.interface_conductances(*found, transmission, thickness=1e-6)[drop].resistance[0]
            name = f"{theory}, {drop}"
            ax.axhline(level, color=colour, linestyle=dash, linewidth=width, zorder=1, label=name)
            levels.append((float(level), name))
    for (one, first), (other, second) in combinations(levels, 2):
        if abs(one / other - 1) < 0.02:
            ax.annotate(
                f"{first} and {second} coincide", (0.12, one), (0, 3), textcoords="offset points", fontsize="x-small"
            )
    ax.set(xscale="log", xlabel="modulation (MHz)", ylabel="resistance (m² K GW⁻¹)", ylim=(0, None))


def membranes(si) -> None:
    """Along suspended silicon: measured shares, the Debye solid, and free paths fitted to two membranes."""
    thickness = np.geomspace(5e-9, 1e-5, 60)
    quantile = norm.ppf((np.arange(400) + 0.5) / 400)
    fitted = kz.applications.FreePaths(6.954e-7 * np.exp(1.799 * quantile), np.full(400, 1 / 400))
    used = si.contribution > 0
    debye = kz.applications.FreePaths(si.path[used], si.contribution[used] / si.conductivity)
    ax = new_figure(width=7.6, height=4.2).subplots()
    ax.semilogx(
        1e9 * thickness,
        kz.applications.film_in_plane(debye, thickness),
        color="0.5",
        label="Debye solid, one umklapp rate",
    )
    ax.semilogx(
        1e9 * thickness,
        kz.applications.film_in_plane(fitted, thickness),
        color="black",
        label="free paths from two membranes",
    )
    ax.plot([15, 1500], [0.13, 0.74], "o", color=LOOKS["emitted"][0], label="transient gratings (Cuffe 2015)")
    ax.errorbar([9], [9 / 148], [2 / 148], fmt="s", color=LOOKS["extrapolated"][0], label="Raman (Chávez-Ángel)")
    ax.set(xlabel="thickness (nm)", ylabel="conductivity along, share of the bulk", ylim=(0, 1))
    legend_beside(ax)
    ax.figure.savefig(IMAGES / "silicon-membranes.png", dpi=130)


def main() -> None:
    figure = new_figure(width=9.6, height=7.2)
    axes = figure.subplots(2, 2)
    for row, name, make in zip(axes, ("Si/Ge", "Al/Si"), (silicon_germanium, aluminium_silicon), strict=True):
        found, theories = make()
        definitions(row[0], found, theories)
        seen(row[1], found, theories)
        row[0].set_title(f"{name}: three temperature drops", fontsize="medium")
        row[1].set_title(f"{name}: 80 nm film, by thermoreflectance", fontsize="medium")
        row[0].legend(frameon=False, fontsize="x-small")
        row[1].legend(frameon=False, fontsize="x-small", ncol=2, loc="upper right")
    figure.savefig(IMAGES / "three-drops.png", dpi=130)

    edges = kz.boltzmann.group_edges(kz.solid("Si"), kz.solid("Ge"))
    si, ge = (
        kz.boltzmann.spectral_carriers(kz.solid(n), RATES, edges=edges, conductivity=k)
        for n, k in (("Si", 148.0), ("Ge", 60.0))
    )
    crossing = kz.dmm(kz.solid("Si"), kz.solid("Ge"), kz.boltzmann.group_frequencies(edges))
    period = np.geomspace(1e-9, 1e-5, 25)
    exact = kz.boltzmann.superlattice_conductivities(si, ge, crossing, period)
    gap = kz.boltzmann.interface_conductances(si, ge, crossing)
    ax = new_figure(width=7.6, height=4.2).subplots()
    ax.loglog(1e9 * period, exact, color="black", linewidth=2, label="Boltzmann")
    series = 1 / (0.5 / si.conductivity + 0.5 / ge.conductivity)
    for drop, (colour, dash) in LOOKS.items():
        fourier = period / (period / series + 2 * gap[drop].resistance[0])
        ax.loglog(1e9 * period, fourier, color=colour, linestyle=dash, label=f"Fourier and R {drop}")
    ax.axhline(series, color="0.7", linewidth=0.8)
    ax.set(xlabel="period (nm)", ylabel="conductivity (W m⁻¹ K⁻¹)")
    legend_beside(ax)
    ax.figure.savefig(IMAGES / "superlattice-boltzmann.png", dpi=130)
    membranes(si)


if __name__ == "__main__":
    main()
