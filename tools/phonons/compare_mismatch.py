"""Diffuse mismatch of the package's phonons against that of force constants of density-functional theory, all pairs."""

import argparse
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np

from kapitza.errors import ValidityWarning
from kapitza.matter.bands import Bands
from kapitza.matter.phonons import phonons
from kapitza.theory.dmm import dmm

TEMPERATURE = 300.0


def main() -> None:
    """Print the conductance of each pair, ours over theirs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="NAME=FILE: name of the crystal here and its phonopy file")
    pairs = dict(one.split("=", 1) for one in parser.parse_args().files)
    warnings.simplefilter("ignore", ValidityWarning)
    sides = {name: (phonons(name), Bands.from_phonopy(Path(path))) for name, path in pairs.items()}
    ratios = []
    for one, other in combinations(sides, 2):
        ours, theirs = (conductance(a, b) for a, b in zip(sides[one], sides[other], strict=True))
        ratios.append(ours / theirs)
        print(f"{one + '/' + other:18} {ours / 1e6:7.1f} {theirs / 1e6:7.1f} MW/m²K {ours / theirs:6.3f}", flush=True)
    off = np.abs(np.array(ratios) - 1)
    print(f"{len(off)} pairs: median {np.median(off):.3f}, worst {off.max():.3f}")


def conductance(left: Bands, right: Bands) -> float:
    """Conductance between emitting reservoirs, W m⁻² K⁻¹."""
    return float(dmm(left, right).conductance(TEMPERATURE).value[0])


if __name__ == "__main__":
    main()
