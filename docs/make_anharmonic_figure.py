"""Draw the figure of docs/theory/agf.md: argon on heavy argon with scattering, beside molecular dynamics.

Usage: python docs/make_anharmonic_figure.py [FOLDER]; two minutes of CPU.  The runs between thermostats are in
docs/md-results.toml, [argon_temperatures]; those of the crystals at rest, whose lifetimes and force constants enter,
are made here, and kept in FOLDER.
"""

import itertools
import sys
import tomllib
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np

import kapitza
from kapitza import md
from kapitza.matter.building.layers import lead_from_force_constants, mass_junction
from kapitza.matter.building.mixed_junction import junction_from_crystals
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import Junction
from kapitza.simulate.md.runs.lifetimes import RestingRun, ThermalModes, thermal_modes
from kapitza.theory.agf.buttiker_probes import ProbedJunction, ProbeSettings, anharmonic_conductance
from kapitza.theory.agf.conductance import agf
from kapitza.theory.agf.relaxation import RelaxationRate
from kapitza.units import MW, angstrom, fs, m_u

DOCS = Path(__file__).parent
EPSILON, SIGMA, CONSTANT = 1.67e-21, 3.405 * angstrom, 5.34994 * angstrom
MASS, RATIO = 39.948 * m_u, 3.0
MODE_STEPS = 60_000  # of the crystals at rest
LAYERS = 8  # of three planes each: 6.4 nm, the length of the sides of the runs
STEPS, EXPONENT = 4, 1.2  # of the search for the strengths of the probes


class Budget(NamedTuple):
    """Conductances at one temperature, W m⁻² K⁻¹."""

    quantum: float  # harmonic, forces of the crystal at rest
    classical: float
    thermal: float  # the same, forces of the temperature
    tuned: float  # probes with the conductivities of the run, forces at rest
    simulated: float  # probes with simulated lifetimes, forces at rest
    probes: float  # both simulated
    probes_quantum: float  # the same, quantum statistics
    excess: float  # of `probes`, over two homogeneous crystals
    conductivity: np.ndarray  # of `probes`, W m⁻¹ K⁻¹


def crystal_modes(folder: Path, temperature: float) -> ThermalModes:
    """Light argon at the lattice constant of the runs, without an interface."""
    path = folder / f"argon-{temperature:g}.h5"
    if path.exists():
        return kapitza.load(path)
    potential = md.lennard_jones(["Ar"], EPSILON, SIGMA, end="truncated")
    run = RestingRun(timestep=10.73 * fs, steps=MODE_STEPS)
    found = thermal_modes("Ar", potential, md.BuiltinEngine(), temperature, run, lattice_constant=CONSTANT)
    kapitza.save(found, path)
    return found


def junction_at_rest() -> Junction:
    """Argon against argon of three times the mass, with the curvature of the potential, cut at 2.5 σ."""
    half = CONSTANT / 2
    lattice = np.array([[half, half, 0], [-half, half, 0], [0, half, half]])
    cells, springs, own = [], [], np.zeros((3, 3))
    for cell in itertools.product(range(-5, 6), repeat=3):
        bond = np.array(cell) @ lattice
        length = np.linalg.norm(bond)
        if not 0 < length <= 2.5 * SIGMA:
            continue
        power = (SIGMA / length) ** 6
        slope = 4 * EPSILON * (6 * power - 12 * power**2) / length**2  # V'/r
        curvature = 4 * EPSILON * (156 * power**2 - 42 * power) / length**2
        along = np.outer(bond, bond) / length**2
        spring = curvature * along + slope * (np.eye(3) - along)
        cells.append(cell)
        springs.append(-spring)
        own += spring
    lead = lead_from_force_constants("Ar", lattice, [MASS], [*cells, (0, 0, 0)], [*springs, own])
    return mass_junction(lead, MASS, RATIO * MASS)


def thermal_junction(modes: ThermalModes) -> Junction:
    """The same with the force constants of a temperature."""
    light: Crystal = modes.crystal
    return junction_from_crystals(light, modes.heavier(RATIO).crystal)


def jump_conductance(found: ProbedJunction) -> float:
    """Flux over the jump of straight lines, as runs have it, W m⁻² K⁻¹."""
    return found.flux / found.jump


def probes_as_conductive(junction: Junction, temperature: float, wanted: np.ndarray) -> ProbedJunction:
    """Probes 1/τ = Aω² with which both sides have the conductivities of the run, W m⁻¹ K⁻¹."""
    strength = np.full(2, 5e-15)
    settings = ProbeSettings(layers=LAYERS, statistics="classical")
    for _ in range(STEPS):
        rates = RelaxationRate.quadratic(float(strength[0])), RelaxationRate.quadratic(float(strength[1]))
        found = anharmonic_conductance(junction, rates, temperature, settings=settings)
        strength *= (found.conductivity / wanted) ** EXPONENT
    return found


def budget(
    folder: Path, rest: Junction, harmonic: kapitza.Transmission, temperature: float, wanted: np.ndarray
) -> Budget:
    """All conductances at a temperature; `harmonic` of the junction at rest."""
    modes = crystal_modes(folder, temperature)
    warm = thermal_junction(modes)
    rates = RelaxationRate(*modes.rates()), RelaxationRate(*modes.heavier(RATIO).rates())
    classical = ProbeSettings(layers=LAYERS, statistics="classical")
    simulated, probes = (anharmonic_conductance(one, rates, temperature, settings=classical) for one in (rest, warm))
    quantum = anharmonic_conductance(warm, rates, temperature, settings=ProbeSettings(layers=LAYERS))
    thermal = agf(warm, temperature=[15.0, 45.0], tolerance=5e-3)
    return Budget(
        quantum=float(harmonic.conductance(temperature, drop="local").value[0]),
        classical=float(harmonic.conductance(temperature, drop="local", statistics="classical").value[0]),
        thermal=float(thermal.conductance(temperature, drop="local", statistics="classical").value[0]),
        tuned=jump_conductance(probes_as_conductive(rest, temperature, wanted)),
        simulated=jump_conductance(simulated),
        probes=jump_conductance(probes),
        probes_quantum=jump_conductance(quantum),
        excess=float(probes.conductance.value[0]),
        conductivity=probes.conductivity,
    )


def draw(kelvin: np.ndarray, runs: dict[str, list[float]], rows: list[Budget], harmonic: list[np.ndarray]) -> None:
    """Conductances against temperature, and what each step adds."""
    figure, (ax, bars) = plt.subplots(1, 2, figsize=(9.6, 4.4), layout="constrained")
    at, sigma = np.array(runs["temperature"]), np.array(runs["sigma"])
    ax.errorbar(at, runs["conductance"], sigma, fmt="o", color="black", label="molecular dynamics")
    ax.plot(at, [one.probes / MW for one in rows], "s--", color="#c44e00", label="probes, lifetimes and forces of runs")
    ax.plot(at, [one.tuned / MW for one in rows], "^:", color="#b08d57", label=r"probes, $\kappa$ of the runs")
    ax.plot(kelvin, harmonic[0] / MW, color="#0b6fb8", label="harmonic, classical statistics")
    ax.plot(kelvin, harmonic[1] / MW, color="#0b6fb8", linestyle=":", label="harmonic, quantum statistics")
    ax.set(xlabel="temperature (K)", ylabel="conductance (MW m⁻² K⁻¹)", xlim=(0, 50), ylim=(0, 150))
    ax.legend(frameon=False, loc="upper left")
    base = np.zeros(len(rows))
    parts = {
        "harmonic, quantum": ("#0b6fb8", [one.quantum for one in rows]),
        "classical statistics": ("#9cc4e4", [one.classical - one.quantum for one in rows]),
        "anharmonic: forces of the temperature": ("#f2b48a", [one.thermal - one.classical for one in rows]),
        "anharmonic: scattering of phonons": ("#c44e00", [one.probes - one.thermal for one in rows]),
    }
    place = np.arange(len(rows))
    for label, (color, values) in parts.items():
        bars.bar(place, np.array(values) / MW, 0.6, bottom=base, color=color, label=label)
        base += np.array(values) / MW
    bars.errorbar(place, runs["conductance"], sigma, fmt="o", color="black", label="molecular dynamics")
    bars.set_xticks(place, [f"{one + 1e-6:.1f} K" for one in at])
    bars.set(ylabel="conductance (MW m⁻² K⁻¹)", ylim=(0, 150))
    bars.legend(frameon=False, loc="upper left")
    figure.savefig(DOCS / "images" / "anharmonic.png", dpi=150)


def main() -> None:
    """Draw and print."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp())
    runs = tomllib.loads((DOCS / "md-results.toml").read_text(encoding="utf-8"))["argon_temperatures"]
    rest = junction_at_rest()
    found = agf(rest, temperature=[15.0, 45.0], tolerance=5e-3)
    rows = [
        budget(folder, rest, found, at, np.array(pair))
        for at, pair in zip(runs["temperature"], runs["conductivity"], strict=True)
    ]
    kelvin = np.linspace(2, 50, 49)
    lines = [
        found.conductance(kelvin, drop="local", statistics=statistics).value for statistics in ("classical", "quantum")
    ]
    draw(kelvin, runs, rows, lines)
    for at, one in zip(runs["temperature"], rows, strict=True):
        numbers = ", ".join(f"{name} {value / MW:.1f}" for name, value in zip(one._fields, one[:-1], strict=False))
        print(f"{at:g} K: {numbers}, κ {one.conductivity.round(3)}")


if __name__ == "__main__":
    main()
