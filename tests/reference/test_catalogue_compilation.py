"""The catalogue agrees with the compilation that it was taken from in part."""

import csv
from collections import defaultdict

import numpy as np
import pytest

from kapitza.measure.catalogue import load_catalogue, measured
from kapitza.units import MW

ENTRIES = load_catalogue()

# Names of the sides in the compilation that differ from those of the library.
SYNONYMS = {
    "Al2O3 (0001)": "Al2O3",
    "Al2O3 (1120)": "Al2O3",
    "Sapphire": "Al2O3",
    "sapphire": "Al2O3",
    "Diamond": "diamond",
    "H-diamond": "diamond",
    "O-diamond": "diamond",
    "H-Si(100)": "Si",
    "H-Si(111)": "Si",
    "Si (100)": "Si",
    "Si (111)": "Si",
    "Si(001)": "Si",
    "Si(111)": "Si",
    "Pb(111)": "Pb",
}


@pytest.fixture(scope="module")
def compilation(reference):
    """Conductances (MW m⁻² K⁻¹) of the compilation by source, sides and temperature."""
    table = defaultdict(list)
    with reference("mismatch/measured_tbc_itr_dataset.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            table[row["ref_doi"]].append((row["interface"], float(row["T_K"]), float(row["G_MW_m2K"])))
    return table


def test_values_taken_from_the_compilation_agree_with_it(compilation):
    """Each stands there with the same source and temperature, to the rounding of entry."""
    for entry in ENTRIES:
        if entry.provenance != "compilation" or entry.doi not in compilation:
            continue
        rows = compilation[entry.doi]
        for temperature, value in zip(entry.conductance.temperature, entry.conductance.value / MW, strict=True):
            near = [abs(g / value - 1) for _, t, g in rows if abs(t - temperature) < 1]
            assert near, (entry.left, entry.right, temperature, value)
            assert min(near) < 0.01, (entry.left, entry.right, temperature, value)


@pytest.mark.parametrize(
    ("left", "right"),
    [("Al", "Si"), ("Au", "Al2O3"), ("Pb", "diamond"), ("Cr", "Si"), ("Cu", "diamond"), ("Si", "Ge"), ("AlN", "GaN")],
)
def test_range_lies_within_that_of_the_compilation(compilation, left, right):
    """The whole table, which was not copied, spans what was picked; its median lies within the picked range."""
    sides = {left, right}
    theirs = [
        g
        for rows in compilation.values()
        for name, t, g in rows
        if {SYNONYMS.get(part.strip(), part.strip()) for part in name.split("/")} == sides and 285 <= t <= 315
    ]
    picked = [e for e in measured(left, right, 300) if not e.exclusion and e.provenance == "compilation"]
    ours = np.concatenate([e.conductance.value[list(e.near(300))] / MW for e in picked])
    assert min(theirs) * 0.99 <= ours.min() <= np.median(theirs) <= ours.max() <= max(theirs) * 1.01
