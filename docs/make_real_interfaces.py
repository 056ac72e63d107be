"""Compute the tables of docs/theory/real-interfaces.md and draw its figure: python docs/make_real_interfaces.py FOLDER.

FOLDER holds GaN_wurtzite.yaml, AlN_wurtzite.yaml and C_diamond.yaml, phonopy files with force constants.
"""

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from attrs import evolve

from kapitza import Crystal, Junction, agf
from kapitza.lattice import (
    JunctionPlan,
    SiteMixing,
    build_junction,
    crystal_from_potential,
    junction_from_crystals,
    published_potential,
)
from kapitza.matter import load_crystal, structure
from kapitza.matter.building.surface import truncate_force_constants
from kapitza.matter.files.crystals import extend_dipole_forces
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.plot.style import LINE_COLOURS, new_figure
from kapitza.units import MW, angstrom, m_u

IMAGES = Path(__file__).resolve().parent / "images"
GALLIUM = 1.14  # charge over the root of the dielectric constant, with which least is left of the tail of the forces
UP, DOWN = (0, 0, 1), (0, 0, -1)
SPHERES = (3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 8.0)
PUBLISHED = 300.0  # MW/m²K, doi:10.1103/PhysRevB.99.075202


def conductance(junction: Junction, tolerance: float = 1e-2, statistics: str = "quantum") -> list[float]:
    """Emitted, local and extrapolated conductance at 300 K, MW m⁻² K⁻¹."""
    found = agf(junction, tolerance=tolerance)
    return [
        found.conductance(300, drop, statistics=statistics).value.item() / MW
        for drop in ("emitted", "local", "extrapolated")
    ]


def line(name: str, junction: Junction, statistics: str = "quantum") -> list[float]:
    """Print one line of the table."""
    found = conductance(junction, statistics=statistics)
    print(f"{name:48} " + " ".join(f"{value:8.0f}" for value in found), flush=True)
    return found


def layered(crystal: Crystal, cells: int) -> Crystal:
    """Crystal with forces between layers up to so many cells of the c axis."""
    return truncate_force_constants(crystal, (cells + 0.1) * crystal.lattice[2, 2], normal=UP).crystal


def relaxed(name: str, forces: str) -> Crystal:
    """Crystal of a potential, at rest."""
    one = structure(name)
    engine = published_potential(forces, one.symbols)
    return crystal_from_potential(relax_cell(one, engine), engine)


def nitrides(folder: Path) -> dict[str, list[Crystal]]:
    """GaN and AlN: as the files have them, with dipole forces in space, and without any dipole forces."""
    paths = [folder / f"{name}_wurtzite.yaml" for name in ("GaN", "AlN")]
    charges = [([GALLIUM, GALLIUM, -GALLIUM, -GALLIUM], 1.0), None]
    whole = [load_crystal(path, charges=charge) for path, charge in zip(paths, charges, strict=True)]
    return {
        "file": [load_crystal(path, nac=False) for path in paths],
        "wide": [extend_dipole_forces(one, (8, 8, 6)) for one in whole],
        "bare": [evolve(one, polar=None) for one in whole],
    }


def gallium_nitride(kinds: dict[str, list[Crystal]]) -> None:
    """Truncation of GaN|AlN, and the figure."""
    spheres = [
        conductance(
            junction_from_crystals(*(truncate_force_constants(one, r * angstrom).crystal for one in kinds["file"])),
            2e-2,
        )[0]
        for r in SPHERES
    ]
    print("spheres", dict(zip(SPHERES, np.round(spheres).tolist(), strict=True)))
    layers: dict[str, list[float]] = {}
    for name, counts in (("file", (1, 2)), ("wide", (1, 2)), ("bare", (1,))):
        pairs = [junction_from_crystals(*(layered(one, cells) for one in kinds[name])) for cells in counts]
        layers[name] = [line(f"GaN|AlN {name}, {n} cells", pair)[0] for n, pair in zip(counts, pairs, strict=True)]
    ax = new_figure(width=6.4, height=4.0).subplots()
    ax.plot(SPHERES, spheres, "o-", color=LINE_COLOURS[1], label="sphere, between ions")
    for name, colour, label in (("file", 0, "layers of whole cells"), ("wide", 2, "the same, dipoles to 13 Å")):
        ax.plot([5.1, 10.2], layers[name], "s--", color=LINE_COLOURS[colour], label=label)
    ax.axhline(PUBLISHED, color="0.4", label="published")
    ax.set(xlabel="forces up to (Å)", ylabel="emitted conductance at 300 K (MW m$^{-2}$ K$^{-1}$)", ylim=(0, 420))
    ax.legend(loc="lower right", frameon=False)
    ax.figure.savefig(IMAGES / "truncation.png", dpi=150, bbox_inches="tight")


def main(folder: Path) -> None:
    """Print all lines, then draw."""
    kinds = nitrides(folder)
    gallium_nitride(kinds)
    for mixing in ("left", "right"):
        pair = [layered(one, 1) for one in kinds["wide"]]
        line(f"GaN|AlN, bonds of the {mixing}", junction_from_crystals(*pair, sites=SiteMixing(mixing=mixing)))
    line("Si|Ge Tersoff", build_junction(JunctionPlan(left="Si", right="Ge", potential="tersoff")))
    aluminium = layered(kinds["wide"][1], 1)
    for forces in ("erhart-albe", "tersoff"):
        carbide = relaxed("2H-SiC", forces)
        line(f"SiC|AlN {forces}, Si face", junction_from_crystals(carbide, aluminium, UP, DOWN))
        line(f"SiC|AlN {forces}, C face", junction_from_crystals(carbide, aluminium, DOWN, UP))
    for element in ("B", "N"):
        junction = build_junction(JunctionPlan(left="C", right="c-BN", potential="matsunaga", contact=("C", element)))
        for statistics in ("quantum", "classical"):
            line(f"C|c-BN, C-{element} bonds, {statistics}", junction, statistics)
    diamond = load_crystal(folder / "C_diamond.yaml")
    heavier = evolve(diamond, name="c-BN", masses=np.array([10.81, 14.007]) * m_u, symbols=("B", "N"))
    for statistics in ("quantum", "classical"):
        line(f"C|c-BN, masses only, {statistics}", junction_from_crystals(diamond, heavier), statistics)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
