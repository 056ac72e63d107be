"""Layers between two solids: the limits that enclose them, and a search that misses none."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kapitza import dmm, load, save
from kapitza.boltzmann import group_edges, interface_conductances
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.matter.phonons import phonon_spectrum
from kapitza.screen import MaterialTable, interlayers, library_table, material_table, solve_layers
from kapitza.screen.solved_layers import _carriers
from kapitza.theory import ballistic_layers, thermalised_layers
from kapitza.theory.dmm import harmonic_sum
from kapitza.units import THz, nm

SPEEDS = st.floats(500, 9000)
SOLIDS = st.builds(lambda v, r, n: Solid("any", 3e3, v * r, v, n), SPEEDS, st.floats(1.2, 2.5), st.floats(1e28, 2e29))
OMEGA = np.linspace(0.01, 60, 400) * THz
NAMES = ("GaAs", "6H-SiC", "LiF", "Si", "Pb", "diamond", "Cu", "GaN")


@pytest.fixture(scope="module")
def table() -> MaterialTable:
    return material_table(NAMES)


@given(left=SOLIDS, layer=SOLIDS, right=SOLIDS)
def test_a_ballistic_layer_never_helps_at_any_frequency(left: Solid, layer: Solid, right: Solid) -> None:
    """1/Ξ has one more term that is not negative: so it is in the model, at each frequency by itself."""
    bare = dmm(left, right, OMEGA).total
    layered = ballistic_layers([left, layer, right], OMEGA).total
    assert (layered <= bare * (1 + 1e-12)).all()
    assert (layered[layer.modes(OMEGA) == 0] == 0).all()


@given(st.lists(st.just(0.0) | st.floats(1e-20, 1e20), min_size=3, max_size=3))
def test_the_same_for_any_modes(modes: list[float]) -> None:
    left, layer, right = (np.array([one]) for one in modes)
    assert harmonic_sum(left, layer, right)[0] <= harmonic_sum(left, right)[0] * (1 + 1e-12)


def test_both_limits_are_those_of_the_theory(table: MaterialTable) -> None:
    found = interlayers(table, 300, ends=("GaAs", "6H-SiC"))
    assert found.triples == len(found) == 6
    assert (np.diff(found.gain) <= 0).all()
    sides = {name: table.solid(i) for i, name in enumerate(table.names)}
    for row in range(len(found)):
        left, layer, right = (sides[found.names[i[row]]] for i in (found.left, found.layer, found.right))
        own = dmm(layer, layer).conductance(300).value[0] * 2  # a plane in a crystal lets half of all pass
        series = thermalised_layers([left, layer, right], 300).resistance[0]
        assert abs(found.thermalised[row] / (series - 1 / own) - 1) <= 1e-9
        ballistic = ballistic_layers([left, layer, right]).conductance(300).resistance[0]
        assert abs(found.ballistic[row] / ballistic - 1) <= 1e-9
        assert abs(found.direct[row] / dmm(left, right).conductance(300).resistance[0] - 1) <= 1e-9
        assert found.ballistic[row] >= found.direct[row]
    best = found.names[found.layer[0]]
    assert best == "LiF"
    assert found.physics(0).startswith("bridges the gap between 11.3 and 21.")


def test_of_one_substance_both_limits_are_equal() -> None:
    """Three planes' worth of modes: 2/G + 2/G - 1/G, as the ballistic 3/G."""
    gray = MaterialTable(
        names=["a", "b", "c"], formulas=[""] * 3, density=[3e3] * 3, longitudinal=[6e3] * 3, transverse=[4e3] * 3,
        atoms=[5e28] * 3, properties={"conductivity": [10.0, 20.0, np.nan]},
    )  # fmt: skip
    found = interlayers(gray, 200, ends=("a", "c"))
    assert abs(found.thermalised[0] / found.ballistic[0] - 1) <= 1e-9
    assert abs(found.direct[0] / found.ballistic[0] - 2 / 3) <= 1e-9
    assert found.physics(0) == "does not help"
    assert np.isnan(interlayers(gray, 200, ends=("a", "b")).free_path[0])
    emitted = 2 / found.direct[0]  # a plane in a crystal lets half of all pass
    assert abs(found.free_path[0] / (0.75 * 20 / emitted) - 1) <= 1e-9
    thick = interlayers(gray, 200, ends=("a", "c"), thickness=40 * nm)
    assert abs((thick.thermalised[0] - found.thermalised[0]) / (40 * nm / 20) - 1) <= 1e-9
    with pytest.raises(InputError, match="no material of 3 between the ends has a conductivity"):
        interlayers(gray, 200, ends=("a", "b"), thickness=40 * nm)


@pytest.mark.parametrize("thickness", [None, 5 * nm])
def test_all_triples_are_searched(thickness: float | None) -> None:
    materials = library_table().select(np.arange(0, 90, 6))
    found = interlayers(materials, 300, top=8, thickness=thickness)
    count = len(materials)
    best: dict[tuple[str, str], float] = {}
    for i, j in itertools.combinations(range(count), 2):
        try:
            one = interlayers(materials, 300, ends=(materials.names[i], materials.names[j]), top=1, thickness=thickness)
        except InputError:
            continue
        best[materials.names[i], materials.names[j]] = one.gain[0]
        if len(best) > 60:
            break
    pairs = [(found.names[i], found.names[j]) for i, j in zip(found.left, found.right, strict=True)]
    for row, pair in enumerate(pairs):
        one = interlayers(materials, 300, ends=pair, top=1, thickness=thickness)
        assert abs(found.gain[row] / one.gain[0] - 1) <= 1e-9
        assert found.names[found.layer[row]] == one.names[one.layer[0]]
    assert found.gain[-1] >= max((gain for pair, gain in best.items() if pair not in pairs), default=0) * (1 - 1e-5)


def test_full_bands_and_files(tmp_path: Path) -> None:
    materials = material_table([phonon_spectrum("Au"), "Al2O3", "Ti", "Cr"])
    found = interlayers(materials, 300, ends=("Au", "Al2O3"))
    assert {found.names[i] for i in found.layer} == {"Ti", "Cr"}
    wanted = dmm(phonon_spectrum("Au"), materials.solid(1)).conductance(300).resistance[0]
    assert abs(found.direct[0] / wanted - 1) <= 2e-3
    assert found.ballistic.min() >= found.direct[0] * (1 - 2e-3)
    assert load(save(found, tmp_path / "layers.json")).columns() == found.columns()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"ends": ("GaAs", "GaAs")}, "stands twice"),
        ({"ends": ("GaAs", "Six")}, "no material 'Six' in the table"),
        ({"thickness": -1.0}, "thickness = -1 m"),
        ({"top": 0}, "top = 0"),
        ({"temperature": 0.0}, "expected temperatures above 0 K"),
    ],
)
def test_bad_requests(table: MaterialTable, call: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        interlayers(table, **({"temperature": 300.0} | call))


def test_tables_that_are_too_small(table: MaterialTable) -> None:
    with pytest.raises(InputError, match="at least three materials, the table has 2"):
        interlayers(table.select([0, 1]), 300)
    bare = evolve(table, properties={})
    with pytest.raises(InputError, match="no material of 8 has a conductivity"):
        interlayers(bare, 300, thickness=5 * nm)


def test_the_boltzmann_equation_decides_on_a_shortlist(tmp_path: Path) -> None:
    """Thick: both planes by their own solutions and t/κ.  Thin: no gain is left, where equilibrium in the layer
    promised one, and the layer alone comes down to the resistance of its emission.
    """
    materials = material_table(("GaAs", "6H-SiC", "LiF"))
    found = interlayers(materials, 300, ends=("GaAs", "6H-SiC"))
    with pytest.raises(InputError, match="LiF: no conductivity of its lattice is known at 300 K"):
        solve_layers(found, materials, thickness=1 * nm)
    materials = evolve(materials, properties={"conductivity": [np.nan, np.nan, 14.0]})
    thick, thin = (solve_layers(found, materials, thickness=size) for size in (20e-6, 1 * nm))
    sides = [materials.solid(i) for i in range(3)]
    edges = group_edges(sides[0], sides[2], sides[1])
    left, right, layer = (_carriers(materials, side, 300.0, edges) for side in sides)
    planes = [
        interface_conductances(a, b, dmm(one, other))["extrapolated"].resistance[0]
        for a, b, one, other in ((left, layer, sides[0], sides[2]), (layer, right, sides[2], sides[1]))
    ]
    assert abs(thick.layered[0] / (sum(planes) + 20e-6 / layer.conductivity) - 1) <= 2e-3
    assert abs(thick.conductivity[0] / layer.conductivity - 1) <= 0.01
    assert found.gain[0] > 1.3
    assert 0.85 < thin.gain[0] < 1
    emission = 1 / interface_conductances(layer, layer, dmm(sides[2], sides[2]))["emitted"].value[0]
    assert emission / 2 < thin.film[0] < emission
    assert load(save(thin, tmp_path / "solved.json")).gain.tolist() == thin.gain.tolist()
    with pytest.raises(InputError, match="thickness = -1 m"):
        solve_layers(found, materials, thickness=-1)
    nameless = material_table([Solid(name, 3e3, 5e3, 3e3 + 100 * i, 5e28) for i, name in enumerate("abc")])
    with pytest.raises(InputError, match="a: no conductivity of its lattice is known at 300 K"):
        solve_layers(interlayers(nameless, 300, ends=("a", "b")), nameless, thickness=1 * nm)


def test_layers_without_a_known_conductivity_are_passed_over() -> None:
    materials = material_table(("GaAs", "6H-SiC", "LiF", "MgO", "CaF2", "Ge"))
    found = interlayers(materials, 300, ends=("GaAs", "6H-SiC"))
    layers = [found.names[row] for row in found.layer]
    known = [name for name in layers if name in {"CaF2", "Ge", "MgO"}]
    assert layers != known
    assert list(solve_layers(found, materials, thickness=5 * nm, rows=1).layer) == known[:1]
