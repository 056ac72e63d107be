"""Draw the figure of docs/theory/agf.md: argon on heavy argon with scattering, beside molecular dynamics.

Usage: python docs/make_anharmonic_figure.py; half a minute of CPU.  The runs of molecular dynamics are
in docs/md-results.toml, [argon_temperatures].
"""

import itertools
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from kapitza.matter.building.layers import lead_from_force_constants, mass_junction
from kapitza.matter.junction import Junction
from kapitza.theory.agf.buttiker_probes import ProbedJunction, ProbeSettings, anharmonic_conductance
from kapitza.theory.agf.conductance import agf
from kapitza.theory.agf.relaxation import RelaxationRate
from kapitza.units import MW, m_u

DOCS = Path(__file__).parent
EPSILON, SIGMA, CONSTANT, MASS = 1.67e-21, 3.405e-10, 5.34994e-10, 39.948 * m_u
LAYERS = 8  # of three planes each: 6.4 nm, the length of the sides of the runs
STEPS, EXPONENT = 4, 1.2  # of the search for the strengths of the probes


def argon_junction() -> Junction:
    """Argon against argon of three times the mass: harmonic forces of the crystal of the runs, cut at 2.5 σ."""
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
    return mass_junction(lead, MASS, 3 * MASS)


def probes_as_conductive(junction: Junction, temperature: float, wanted: np.ndarray) -> ProbedJunction:
    """Probes 1/τ = Aω² with which both sides have the conductivities of the run, W m⁻¹ K⁻¹."""
    strength = np.full(2, 5e-15)
    settings = ProbeSettings(layers=LAYERS, statistics="classical")
    for _ in range(STEPS):
        rates = RelaxationRate.quadratic(float(strength[0])), RelaxationRate.quadratic(float(strength[1]))
        found = anharmonic_conductance(junction, rates, temperature, settings=settings)
        strength *= (found.conductivity / wanted) ** EXPONENT
    return found


def main() -> None:
    """Draw and print."""
    runs = tomllib.loads((DOCS / "md-results.toml").read_text(encoding="utf-8"))["argon_temperatures"]
    junction = argon_junction()
    harmonic = agf(junction, temperature=[15.0, 45.0], tolerance=5e-3)
    kelvin = np.linspace(2, 50, 49)
    probed = [
        probes_as_conductive(junction, at, np.array(pair))
        for at, pair in zip(runs["temperature"], runs["conductivity"], strict=True)
    ]
    figure, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    ax.errorbar(
        runs["temperature"], runs["conductance"], runs["sigma"], fmt="o", color="black", label="molecular dynamics"
    )
    ax.plot(
        runs["temperature"],
        [one.conductance.value[0] / MW for one in probed],
        "s--",
        color="#c44e00",
        label="Büttiker probes, κ of the runs",
    )
    classical, quantum = (
        harmonic.conductance(kelvin, drop="local", statistics=statistics).value / MW
        for statistics in ("classical", "quantum")
    )
    ax.plot(kelvin, classical, color="#0b6fb8", label="harmonic, classical statistics")
    ax.plot(kelvin, quantum, color="#0b6fb8", linestyle=":", label="harmonic, quantum statistics")
    ax.set(xlabel="temperature (K)", ylabel="conductance (MW m⁻² K⁻¹)", xlim=(0, 50), ylim=(0, 130))
    ax.legend(frameon=False, loc="upper left")
    figure.savefig(DOCS / "images" / "anharmonic.png", dpi=150)
    for at, one in zip(runs["temperature"], probed, strict=True):
        quiet = np.interp(at, kelvin, classical), np.interp(at, kelvin, quantum)
        print(f"{at:g} K: probes {one.conductance.value[0] / MW:.1f}, κ {one.conductivity}, harmonic {quiet}")


if __name__ == "__main__":
    main()
