"""Screening of pairs: the same numbers as the models one by one, complete lists, files."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kapitza import dmm, load, save, solid
from kapitza.core.conductance import Drop
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.matter.phonons import phonon_spectrum
from kapitza.screen import MaterialTable, Ranking, combine_tables, library_table, material_table, screen
from kapitza.screen import pairs as pair_module
from kapitza.screen.conductances import compute_pairs
from kapitza.screen.result import PRECISIONS, Screening
from kapitza.screen.tabulation import debye_first, landauer_primitive, reduced_primitive, tabulate_pairs

KELVIN = np.array([20.0, 300.0])
NAMES = ("Al", "Si", "Ge", "Cu", "Au", "Pb", "diamond", "GaN", "MgO", "PMMA")
BANDS = ("Si", "Au")


@pytest.fixture(scope="module")
def table() -> MaterialTable:
    return material_table(NAMES)


def worst(found: Any, wanted: Any) -> float:
    return float(np.abs(np.asarray(found) / np.asarray(wanted) - 1).max())


def test_pairs_of_the_library_are_those_of_the_model(table: MaterialTable) -> None:
    materials = library_table()
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, len(materials), (2, 60))
    found = compute_pairs(tabulate_pairs(materials, KELVIN), first, second)
    for k in range(first.size):
        wanted = dmm(materials.solid(first[k]), materials.solid(second[k])).conductance(KELVIN).value
        assert worst(found[:, k], wanted) <= 1e-9


def pair_values(found: Screening) -> dict[tuple[str, str, float], float]:
    """Conductance by the names of both sides, in order, and the temperature."""
    columns = found.columns()
    keys = zip(columns["left"], columns["right"], columns["temperature"], strict=True)
    return {
        (min(one, other), max(one, other), kelvin): value
        for (one, other, kelvin), value in zip(keys, columns["conductance"], strict=True)
    }


def test_single_precision_is_right_to_1e_4() -> None:
    """All 1,035 pairs of 46 random solids of the library beside double precision, and some beside the model itself."""
    rng = np.random.default_rng(4)
    everything = library_table()
    runs: tuple[tuple[Drop, int], ...] = (("emitted", 46), ("extrapolated", 12))
    for drop, count in runs:
        materials = everything.select(rng.choice(len(everything), count, replace=False))
        double, single = (
            screen(materials, KELVIN, ranking=Ranking(top=2000, drop=drop, precision=kind)) for kind in PRECISIONS
        )
        assert len(single) == len(double) == count * (count - 1)
        wanted = pair_values(double)
        found = pair_values(single)
        assert wanted.keys() == found.keys()
        assert 1e-9 < max(abs(found[pair] / value - 1) for pair, value in wanted.items()) <= 1e-4
        for left, right, kelvin in list(found)[::50]:
            one, other = (materials.solid(materials.names.index(name)) for name in (left, right))
            value = dmm(one, other).conductance(kelvin, drop).value[0]
            assert abs(found[left, right, kelvin] / value - 1) <= 1e-4


@pytest.mark.parametrize("drop", ["local", "extrapolated"])
def test_pairs_by_other_drops(table: MaterialTable, drop: Any) -> None:
    for statistics in ("quantum", "classical"):
        tables = tabulate_pairs(table, KELVIN, drop, statistics)
        found = compute_pairs(tables, np.array([0, 6]), np.array([1, 5]))
        for k, (one, other) in enumerate([("Al", "Si"), ("diamond", "Pb")]):
            wanted = dmm(solid(one), solid(other)).conductance(KELVIN, drop, statistics).value
            assert worst(found[:, k], wanted) <= 1e-9


def test_the_primitive_ends_at_its_integral() -> None:
    x = np.array([0.01, 1.0, 200.0])
    got = reduced_primitive(x)
    assert worst(got[2], 4 * np.pi**4 / 15) <= 1e-12
    assert worst(got[0], x[0] ** 3 / 3 * (1 - x[0] ** 2 / 20)) <= 1e-10  # of x² (1 - x²/12)
    hot = landauer_primitive(np.array([1e13]), np.array([1e6]), "quantum")
    assert worst(hot, landauer_primitive(np.array([1e13]), np.array([1e6]), "classical")) <= 1e-6


def test_full_bands_and_mixed_pairs() -> None:
    """Within a thousandth; at 20 K no heat is left at the cutoffs of stiff solids, whose cells then have no width."""
    sides = [*map(phonon_spectrum, (*BANDS, "diamond")), *map(solid, ("Al", "Pb", "PMMA", "LiF"))]
    materials = material_table(sides)
    order = debye_first(materials)
    tables = tabulate_pairs(materials.select(order), KELVIN)
    place = np.argsort(order)
    pairs = [(i, j) for i, j in itertools.permutations(range(len(sides)), 2)]
    found = compute_pairs(tables, *(place[list(part)] for part in zip(*pairs, strict=True)))
    for k, (i, j) in enumerate(pairs):
        if i < j:
            assert worst(found[:, k], dmm(sides[i], sides[j]).conductance(KELVIN).value) <= 1e-3
    same = [pairs.index((j, i)) for i, j in pairs]
    assert worst(found[:, same], found) <= 1e-5  # single precision of the cells


def brute(materials: MaterialTable, sign: int) -> list[tuple[float, frozenset[str]]]:
    """All pairs at the last temperature by the model, best first."""
    pairs = itertools.combinations(range(len(materials)), 2)
    values = [
        (dmm(materials.solid(i), materials.solid(j)).conductance(KELVIN[-1]).value.item(), i, j) for i, j in pairs
    ]
    return [
        (value, frozenset({materials.names[i], materials.names[j]}))
        for value, i, j in sorted(values, key=lambda one: -sign * one[0])
    ]


@pytest.mark.parametrize(("order", "sign"), [("high", 1), ("low", -1)])
def test_lists_are_complete(table: MaterialTable, order: Any, sign: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_module, "_UNIT_COST", 7.0)  # many units
    wanted = brute(table, sign)
    found = screen(table, KELVIN, ranking=Ranking(top=12, order=order))
    rows = np.flatnonzero(found.temperature == KELVIN[-1])
    assert [frozenset({found.names[found.left[r]], found.names[found.right[r]]}) for r in rows] == [
        pair for _, pair in wanted[:12]
    ]
    assert worst(found.conductance[rows], [value for value, _ in wanted[:12]]) <= 1e-9
    assert found.rank[rows].tolist() == list(range(1, 13))
    assert (found.pairs, found.materials, len(found)) == (45, 10, 24)
    mine = [one for one in wanted if {"Si", "Cu"} & one[1]]
    found = screen(table, KELVIN, partners=["Si", "Cu"], ranking=Ranking(top=100, order=order))
    rows = np.flatnonzero(found.temperature == KELVIN[-1])
    assert [frozenset({found.names[found.left[r]], found.names[found.right[r]]}) for r in rows] == [
        pair for _, pair in mine
    ]
    assert found.pairs == len(mine) == 17
    own = screen(table, KELVIN, ranking=Ranking(top=2, order=order, each=True))
    for number in range(10):
        rows = np.flatnonzero((own.owner == number) & (own.temperature == KELVIN[-1]))
        name = own.names[number]
        best = [one for one in wanted if name in one[1]][:2]
        assert worst(own.conductance[rows], [value for value, _ in best]) <= 1e-9
        assert {own.names[i] for i in own.left[rows]} == {name}


def test_a_screening_is_long_work(
    table: MaterialTable, check_long_work: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_module, "_UNIT_COST", 12.0)
    first = check_long_work(lambda **work: screen(table, KELVIN, ranking=Ranking(top=5), **work))
    assert first.conductance.tobytes() == screen(table, KELVIN, ranking=Ranking(top=5)).conductance.tobytes()


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_screenings_and_tables_are_saved(table: MaterialTable, tmp_path: Path, suffix: str) -> None:
    found = screen(table, KELVIN, partners=["Si"], ranking=Ranking(top=3, drop="local"))
    again = load(save(found, tmp_path / f"found{suffix}"))
    assert again.columns() == found.columns()
    assert again.ranking == found.ranking
    bands = material_table([phonon_spectrum("Si"), "Al"])
    kept = load(save(bands, tmp_path / f"table{suffix}"))
    assert kept.names == bands.names
    assert kept.reduced_modes.tobytes() == bands.reduced_modes.tobytes()


def test_tables_are_combined_and_chosen_from(table: MaterialTable) -> None:
    both = combine_tables(table, material_table([phonon_spectrum("Ge"), "W"]))
    assert both.names == (*NAMES, "W")  # Ge of the first
    with_bands = combine_tables(material_table([phonon_spectrum("Ge"), "W"]), table)
    assert with_bands.names[:2] == ("Ge", "W")
    assert with_bands.band_rows.tolist() == [0]
    assert with_bands.select([3, 0]).band_rows.tolist() == [1]
    assert with_bands.select(np.arange(len(with_bands)) > 0).band_rows.size == 0
    found = screen(with_bands, 300, partners=["Si"])
    kinds = {found.names[found.right[row]]: found.spectra(row) for row in range(len(found))}
    assert kinds["Ge"] == "Debye|bands"
    assert kinds["W"] == "Debye"


def rows(**changes: Any) -> MaterialTable:
    """A table of two solids with changes."""
    columns: dict[str, Any] = {
        "names": ["a", "b"], "formulas": ["Si", "Ge"], "density": [2e3, 3e3], "longitudinal": [8e3, 5e3],
        "transverse": [5e3, 3e3], "atoms": [5e28, 4e28],
    }  # fmt: skip
    return MaterialTable(**(columns | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"names": ["a", "a"]}, "'a' stands twice"),
        ({"density": [2e3, -1.0]}, "b: density = -1, expected 20 to 40000 kg/m³"),
        ({"density": [2.3, 3e3]}, "a: density = 2.3"),
        ({"atoms": [np.nan, 4e28]}, "a: atoms = nan"),
        ({"transverse": [8e3, 3e3]}, "a: longitudinal over transverse speed = 1, expected 1.1548"),
        ({"formulas": ["Si"]}, "formulas has 1 values for 2 materials"),
        ({"properties": {"hull": [1.0]}}, "hull has 1 values"),
        ({"band_rows": [0]}, "full bands have the shape"),
    ],
)
def test_bad_tables(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        rows(**changes)


def test_bad_requests(table: MaterialTable) -> None:
    with pytest.raises(InputError, match="at least two materials, the table has 1"):
        screen(table.select([0]), 300)
    with pytest.raises(InputError, match="no material 'diamnd' in the table; did you mean diamond"):
        screen(table, 300, partners=["diamnd"])
    with pytest.raises(InputError, match="2 materials have the formula 'Si': choose one by its name: a, b"):
        screen(rows(formulas=["Si", "Si"]), 300, partners=["Si"])
    with pytest.raises(InputError, match="10000000 materials are 5e\\+13 pairs, at most 2e\\+10 are compared"):
        pair_module.pair_count(SizedTable(), None)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="top = 0"):
        Ranking(top=0)
    with pytest.raises(InputError, match="expected temperatures above 0 K"):
        screen(table, -3)
    with pytest.raises(InputError, match="expected MaterialTable"):
        screen(Solid("a", 2e3, 8e3, 5e3, 5e28), 300)  # pyright: ignore[reportArgumentType]


class SizedTable:
    """As many materials as nobody compares."""

    def __len__(self) -> int:
        return 10**7
