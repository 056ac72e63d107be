"""What `predict --seen` says against the Boltzmann equation solved with finer spectra, by the public solver alone.

Usage: python benchmarks/drops.py [--quick]

Si/Ge, and Al/Si with 10 and 237 W/mK for the lattice of aluminium, at 300 K: layers of 50 nm to 100 µm, and a laser of
1, 10 and 100 MHz on a film of 100 nm.  The finer solution has four times the groups of frequency, wave vectors on a
denser mesh, and for layers twice the angles; its films are set up here, by the rules that docs/theory/drops.md states.
Printed is the apparent resistance of `--seen` over that of the finer solution (elastic diffuse mismatch); `--quick`
leaves out every second column.
"""

import argparse
import os
from functools import cache

import numpy as np
from attrs import evolve

os.environ["KAPITZA_CACHE"] = ""  # nothing is taken from earlier runs

from kapitza import transport
from kapitza.boltzmann import Carriers, Film, ScatteringRates, Wall, apparent_resistance, group_edges, spectral_carriers
from kapitza.core.transmission import Transmission
from kapitza.matter.electrons import metal
from kapitza.matter.lattice_conductivity import lattice_conductivity
from kapitza.matter.library import material
from kapitza.matter.phonons import phonons
from kapitza.measure.apparent import Observation, apparent_conductance
from kapitza.theory.models import find_model

TEMPERATURE = 300.0  # K
PAIRS = (("Si", "Ge", None), ("Al", "Si", 10.0), ("Al", "Si", 237.0))  # the last: W/mK of the left lattice
LAYERS = (5e-8, 1e-7, 1e-6, 1e-5, 1e-4)  # m
LASERS = (1e6, 1e7, 1e8)  # Hz
FILM, SUBSTRATE = 1e-7, 1e-3  # m
GROUPS, MESH, ANGLES = 240, 36, 32


@cache
def fine_carriers(left: str, right: str, given: float | None) -> tuple[Carriers, Carriers]:
    """Phonons of both sides in many groups, with the same conductivities."""
    bands = phonons(left), phonons(right)
    edges = group_edges(*bands, bins=GROUPS)
    known = [lattice_conductivity(material(name), TEMPERATURE) for name in (left, right)]
    wanted = [given or (known[0].value if known[0] else np.nan), known[1].value if known[1] else np.nan]
    rates = ScatteringRates(umklapp=1e-19, boundary=1e-3)
    one, other = (
        spectral_carriers(each, rates, edges=edges, conductivity=k, mesh=MESH)
        for each, k in zip(bands, wanted, strict=True)
    )
    return one, other


def fine_resistance(left: str, right: str, given: float | None, seen: Observation) -> float:
    """Apparent resistance of the elastic diffuse boundary, m² K W⁻¹."""
    one, other = fine_carriers(left, right, given)
    boundary: Transmission = find_model("dmm").transmission(left, right)
    is_metal = material(left).metal.conductivity is not None
    depth = seen.thickness
    if is_metal:  # the lattice takes its heat from the electrons within this depth
        depth = min(depth, evolve(metal(left), lattice=one.conductivity).length)
    if seen.method == "tdtr" and is_metal:
        films = [Film(depth, one), Film(SUBSTRATE, other)]
        return float(apparent_resistance(films, boundary, seen.frequency)[0].real)
    films = [Film(depth, one), Film(seen.thickness, other)]
    hot, cold = Wall(TEMPERATURE + 0.5), Wall(TEMPERATURE - 0.5)
    found = transport(films, [boundary], left=hot, right=cold, angles=ANGLES)
    return found.drop(0, "extrapolated") / found.flux


def seen_resistance(left: str, right: str, given: float | None, seen: Observation) -> float:
    """The same by `--seen`: what both solids add to the emitted one, with the emitted one of the same boundary."""
    found = apparent_conductance(left, right, TEMPERATURE, seen, conductivities=(given, None))
    excess = found.conductance.resistance[0] - found.emitted.resistance[0]
    if given is not None and material(left).metal.conductivity is not None:
        known = metal(left)
        excess -= evolve(known, lattice=given).resistance - known.resistance
    return float(find_model("dmm").transmission(left, right).conductance(TEMPERATURE).resistance[0] + excess)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="every second column alone")
    step = 2 if parser.parse_args().quick else 1
    seen = [Observation(method="film", thickness=h) for h in LAYERS[::step]]
    seen += [Observation(thickness=FILM, frequency=f) for f in LASERS[::step]]
    print("| interface | " + " | ".join(one.title for one in seen) + " |")
    print("|---" * (len(seen) + 1) + "|")
    worst = 0.0
    for left, right, given in PAIRS:
        ratios = [seen_resistance(left, right, given, one) / fine_resistance(left, right, given, one) for one in seen]
        worst = max(worst, *(abs(one - 1) for one in ratios))
        name = f"{left}/{right}" + (f", {given:g} W/mK" if given else "")
        print(f"| {name} | " + " | ".join(f"{one:.4f}" for one in ratios) + " |", flush=True)
    print(f"\nlargest difference {worst:.2%}")


if __name__ == "__main__":
    main()
