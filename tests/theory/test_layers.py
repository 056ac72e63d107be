"""Stacks of layers: ballistic and thermalised."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.theory.dmm import ballistic_layers, dmm, thermalised_layers
from kapitza.units import MW, THz

BRIDGE = ("KCl", "Al", "C")


@st.composite
def solids(draw: st.DrawFn) -> Solid:
    transverse = draw(st.floats(300, 12_000))
    ratio = draw(st.floats(1.2, 3.0))
    return Solid("any", 3000, min(ratio * transverse, 4e4), transverse, draw(st.floats(1e28, 2e29)))


@frozen(eq=False)
class Tabulated:
    """Modes from a table of bins of 0.05 THz."""

    name: str
    table: Array
    edges: Array

    def modes(self, omega: Array) -> Array:
        return self.table[np.minimum(np.floor(omega / (0.05 * THz)).astype(int), 999)]


@given(left=solids(), right=solids())
def test_two_materials_are_the_plain_model(left: Solid, right: Solid) -> None:
    plain = dmm(left, right)
    np.testing.assert_allclose(ballistic_layers([left, right]).total, plain.total, rtol=1e-14, atol=0)
    got = thermalised_layers([left, right], [77, 300])
    np.testing.assert_allclose(got.value, plain.conductance([77, 300]).value, rtol=1e-13, atol=0)


@given(sides=st.lists(solids(), min_size=3, max_size=5))
def test_order_does_not_matter_and_layers_never_help_ballistically(sides: list[Solid]) -> None:
    whole, reverse = ballistic_layers(sides), ballistic_layers(sides[::-1])
    np.testing.assert_allclose(whole.total, reverse.total, rtol=1e-13, atol=0)
    bare = ballistic_layers([sides[0], sides[-1]], whole.omega)
    assert (whole.total <= bare.total).all()
    thermal = thermalised_layers(sides, [30, 300]).value
    np.testing.assert_allclose(thermal, thermalised_layers(sides[::-1], [30, 300]).value, rtol=1e-12, atol=0)


@given(left=solids(), layer=solids(), right=solids(), share=st.floats(0.01, 0.9))
def test_ballistic_layer_by_following_the_phonons(left: Solid, layer: Solid, right: Solid, share: float) -> None:
    """Second road: count reflections to and fro inside the layer one by one."""
    omega = np.array([share * min(s.edges[-1] for s in (left, layer, right))])
    a, c, b = (side.modes(omega).item() for side in (left, layer, right))
    into, on, back = c / (a + c), b / (c + b), a / (a + c)
    crossed, inside = 0.0, into
    for _ in range(200_000):
        crossed += inside * on
        inside *= (1 - on) * (1 - back)
        if inside < 1e-13 * into:
            break
    np.testing.assert_allclose(ballistic_layers([left, layer, right], omega).coefficient(), crossed, rtol=1e-9, atol=0)


def test_a_phonon_bridge_depends_on_the_assumption(data: Callable[[str], Path]) -> None:
    """Law: a layer that thermalises phonons helps, one that lets them pass hinders.  Second road: sums of the table."""
    with np.load(data("crystals/modes_z.npz")) as table:
        kcl, al, diamond = (Tabulated(name, table[name].astype(float), np.array([50 * THz])) for name in BRIDGE)
        omega = table["nu_THz"] * THz
    with data("crystals/dmm_z.csv").open(encoding="utf-8") as file:
        want = {
            frozenset((row["A"], row["B"])): float(row["G_DMM_MW_m2K"]) * MW
            for row in csv.DictReader(file)
            if row["T_K"] == "300"
        }
    direct = ballistic_layers([kcl, diamond], omega).conductance(300).value.item()
    ballistic = ballistic_layers([kcl, al, diamond], omega).conductance(300).value.item()
    thermalised = thermalised_layers(
        [kcl, al, diamond], 300, theory=lambda left, right: dmm(left, right, omega)
    ).value.item()
    np.testing.assert_allclose(direct, want[frozenset(("KCl", "C"))], rtol=2e-3, atol=0)
    series = 1 / sum(1 / want[frozenset((side, "Al"))] for side in ("KCl", "C"))
    np.testing.assert_allclose(thermalised, series, rtol=2e-3, atol=0)
    assert ballistic < direct < thermalised


def test_labels_tell_the_two_apart() -> None:
    al, si = Solid("Al", 2700, 6420, 3040, 6.026e28), Solid("Si", 2329, 9000, 5400, 4.994e28)
    assert ballistic_layers([al, si, al]).method == "ballistic DMM Al|Si|Al"
    thermal = thermalised_layers([al, si, al], 300, drop="local")
    assert thermal.method == "thermalised layers Al|Si|Al"
    assert thermal.drop == "local"


def test_one_material_is_no_stack() -> None:
    al = Solid("Al", 2700, 6420, 3040, 6.026e28)
    with pytest.raises(InputError, match="at least two materials, got 1"):
        ballistic_layers([al])
    with pytest.raises(InputError, match="at least two materials, got 1"):
        thermalised_layers([al], 300)
