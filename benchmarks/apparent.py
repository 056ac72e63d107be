"""What an experiment sees of a boundary, against the thickness of the layers and the modulation of the laser.

Usage: python benchmarks/apparent.py

Resistance over the emitted one (elastic diffuse mismatch with full bands, 300 K), solved by the Boltzmann equation of
both bulks with rates that grow as ω², and the gray estimate of the extrapolated drop beside it.  The last column is the
CPU time of one solution, spectra and their paths included.
"""

import os
import time

os.environ["KAPITZA_CACHE"] = ""  # nothing is taken from earlier runs

from kapitza.measure.apparent import Observation, apparent_conductance
from kapitza.theory.models import find_model

PAIRS = (("Si", "Ge"), ("Al", "Si"), ("Al", "diamond"), ("Al", "6H-SiC"), ("Al", "GaN"), ("GaN", "diamond"))
LAYERS = (5e-8, 1e-7, 1e-6, 1e-5, 1e-4)  # m
LASERS = (1e6, 1e7, 1e8)  # Hz


def main() -> None:
    heads = [f"{1e9 * h:g} nm" for h in LAYERS] + [f"{1e-6 * f:g} MHz" for f in LASERS]
    print("| interface | emitted, m² K GW⁻¹ | gray | " + " | ".join(heads) + " | CPU, s |")
    print("|---" * (len(heads) + 4) + "|")
    for left, right in PAIRS:
        elastic = find_model("dmm").transmission(left, right)
        emitted, gray = (elastic.conductance(300.0, drop).resistance[0] for drop in ("emitted", "extrapolated"))
        seen = [Observation(method="film", thickness=h) for h in LAYERS] + [Observation(frequency=f) for f in LASERS]
        ratios: list[str] = []
        spent: list[float] = []
        for one in seen:
            start = time.process_time()
            found = apparent_conductance(left, right, [300.0], one)
            spent.append(time.process_time() - start)
            excess = found.conductance.resistance[0] - found.emitted.resistance[0]
            ratios.append(f"{1 + excess / emitted:.2f}")
        cost = sorted(spent)[len(spent) // 2]
        print(
            f"| {left}/{right} | {1e9 * emitted:.2f} | {gray / emitted:.2f} | "
            + " | ".join(ratios)
            + f" | {cost:.2f} |"
        )


if __name__ == "__main__":
    main()
