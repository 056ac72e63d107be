"""Diffuse mismatch of the package's phonons against that of force constants of density-functional theory, all pairs.

Where a pair is off, exchanging one side at a time shows which crystal it is, and the crystals are first held against
what was measured: density and speeds of sound of the materials library.
"""

import argparse
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
from attrs import evolve
from publish import compare_speeds, debye, library_debye, mesh

from kapitza.errors import ValidityWarning
from kapitza.matter.bands import Bands
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import load_crystal
from kapitza.matter.library import elastic, material
from kapitza.matter.phonons import phonon_card, phonons
from kapitza.theory.dmm import dmm
from kapitza.units import THz

TEMPERATURE = 300.0  # K
LARGE = 0.15  # of the conductance: differences that are taken apart
COMPRESSED = 0.05  # of the density: lattice constants that are not those of the crystal at room temperature


def main() -> None:
    """Print crystals, then the conductance of each pair, ours over theirs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="NAME=FILE: name of the crystal here and its phonopy file")
    warnings.simplefilter("ignore", ValidityWarning)
    ours, theirs = {}, {}
    for name, path in (one.split("=", 1) for one in parser.parse_args().files):
        ours[name] = phonons(name)
        theirs[name] = Bands(evolve(load_crystal(Path(path)), name=name))
        print(describe(name, ours[name].crystal), describe(name, theirs[name].crystal), sep="\n", flush=True)
    strange = {name for name, side in theirs.items() if abs(density_ratio(side.crystal) - 1) > COMPRESSED}
    found = {pair: compare(pair, ours, theirs) for pair in combinations(ours, 2)}
    print(summary("all", list(found.values())))
    if strange:
        usual = [ratio for pair, ratio in found.items() if not strange.intersection(pair)]
        print(summary(f"without {', '.join(strange)} (density of the reference)", usual))


def describe(name: str, crystal: Crystal) -> str:
    """Density and sound over those of the library, Debye temperature and top frequency of a crystal."""
    speeds = compare_speeds(crystal, elastic(name))
    measured, top = phonon_card(name).measured_top, crystal.frequencies(mesh(crystal)).max() / THz
    return (
        f"{name:9} density {density_ratio(crystal):5.3f}, speeds: longitudinal {speeds['longitudinal']:5.3f}, "
        f"transverse {speeds['transverse']:5.3f}, farthest {speeds['worst_speed']:5.3f} of the library's; Debye "
        f"temperature {debye(crystal)} K (library {library_debye(name)}), top {top:.2f} THz "
        f"(measured {measured[0] if measured else '-'})"
    )


def density_ratio(crystal: Crystal) -> float:
    """Density over that of the library."""
    return crystal.density / material(crystal.name).density.value


def compare(pair: tuple[str, str], ours: dict[str, Bands], theirs: dict[str, Bands]) -> float:
    """Ratio of the two conductances of a pair, printed; where it is large, with one side exchanged at a time."""
    one, other = pair
    here, there = conductance(ours[one], ours[other]), conductance(theirs[one], theirs[other])
    text = f"{one + '/' + other:18} {here / 1e6:7.1f} {there / 1e6:7.1f} MW/m²K {here / there:6.3f}"
    if abs(here / there - 1) > LARGE:
        first, second = conductance(ours[one], theirs[other]), conductance(theirs[one], ours[other])
        text += f"   {one} alone {first / there:5.3f}, {other} alone {second / there:5.3f}"
    print(text, flush=True)
    return here / there


def conductance(left: Bands, right: Bands) -> float:
    """Conductance between emitting reservoirs, W m⁻² K⁻¹."""
    return float(dmm(left, right).conductance(TEMPERATURE).value[0])


def summary(what: str, ratios: list[float]) -> str:
    """Median and largest deviation of ratios from 1."""
    off = np.abs(np.array(ratios) - 1)
    return (
        f"{what}: {len(off)} pairs, median {np.median(off):.3f}, worst {off.max():.3f}, over 25 %: {(off > 0.25).sum()}"
    )


if __name__ == "__main__":
    main()
