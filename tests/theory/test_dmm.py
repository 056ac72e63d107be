"""Diffuse mismatch: laws, a second road, tables."""

import csv
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.arrays import Array
from kapitza.core.heat_flow import equilibrium_power, finite_drop_conductance
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.theory.dmm import ballistic_layers, common_grid, dmm, harmonic_sum
from kapitza.theory.limits import elastic_limit, radiation_limit
from kapitza.units import MW, THz, hbar, k_B

SOLIDS = {
    name: Solid(name, density, vl, vt, atoms * 1e28)
    for name, density, vl, vt, atoms in (
        ("Al", 2700, 6420, 3040, 6.026),
        ("Si", 2329, 9000, 5400, 4.994),
        ("Ge", 5323, 5324.2, 3258.8, 4.413),
        ("Au", 19300, 3296, 1196, 5.90),
        ("Pb", 11340, 2230, 872, 3.30),
        ("diamond", 3515, 18113, 12319, 17.63),
        ("sapphire", 3970, 11200, 6040, 11.72),
    )
}
# MW m⁻² K⁻¹ at 10, 30, 100, 300, 1000 K, computed independently for this project
DEBYE = {
    ("Al", "Si"): (0.617322, 16.5764, 291.062, 800.600, 960.881),
    ("Si", "Ge"): (0.605686, 16.2532, 279.930, 649.685, 738.703),
    ("Al", "sapphire"): (0.507596, 13.6347, 264.666, 894.905, 1124.23),
    ("Au", "sapphire"): (0.613722, 13.5526, 151.621, 259.249, 278.202),
    ("Pb", "diamond"): (0.163582, 3.56411, 15.3578, 18.5812, 19.0080),
    ("Au", "Si"): (0.781786, 16.6860, 177.225, 301.597, 323.488),
}


@st.composite
def solids(draw: st.DrawFn) -> Solid:
    transverse = draw(st.floats(300, 12_000))
    ratio = draw(st.floats(1.2, 3.0))
    return Solid("any", 3000, min(ratio * transverse, 4e4), transverse, draw(st.floats(1e28, 2e29)))


@frozen(eq=False)
class Tabulated:
    """Modes from a table, constant over each bin."""

    name: str
    edges: Array
    table: Array

    def modes(self, omega: Array) -> Array:
        width = 0.05 * THz
        index = np.floor(omega / width).astype(int)
        return np.where(index < self.table.size, self.table[np.minimum(index, self.table.size - 1)], 0.0)


@pytest.fixture(scope="session")
def tables(data: Callable[[str], Path]) -> dict[str, Tabulated]:
    with np.load(data("crystals/modes_z.npz")) as table:
        centre = table["nu_THz"] * THz
        return {name: Tabulated(name, centre[-1:], table[name].astype(float)) for name in table if name != "nu_THz"}


@given(left=solids(), right=solids())
def test_as_much_crosses_in_either_direction(left: Solid, right: Solid) -> None:
    there, back = dmm(left, right), dmm(right, left)
    np.testing.assert_allclose(there.total, back.total, rtol=1e-13, atol=0)
    np.testing.assert_allclose(there.conductance(300).value, back.conductance(300).value, rtol=1e-12, atol=0)


@given(left=solids(), right=solids())
def test_each_phonon_goes_somewhere_and_no_bound_is_passed(left: Solid, right: Solid) -> None:
    result = dmm(left, right)
    assert result.left is not None
    assert result.right is not None
    assert (result.total >= 0).all()
    assert (result.total <= np.minimum(result.left, result.right)).all()
    both = (result.left > 0) & (result.right > 0)
    np.testing.assert_allclose(
        (result.coefficient("left") + result.coefficient("right"))[both], 1.0, rtol=1e-14, atol=0
    )


@given(left=solids(), right=solids(), kelvin=st.floats(2e-3, 0.05))
def test_cubic_law_and_its_prefactor(left: Solid, right: Solid, kelvin: float) -> None:
    s_left, s_right = np.sum(left.speeds**-2.0), np.sum(right.speeds**-2.0)
    want = np.pi**2 * k_B**4 / (30 * hbar**3) * s_left * s_right / (s_left + s_right) * kelvin**3
    np.testing.assert_allclose(dmm(left, right).conductance(kelvin).value, want, rtol=1e-6, atol=0)


@given(left=solids(), right=solids())
def test_conductance_rises_to_its_classical_value(left: Solid, right: Solid) -> None:
    result = dmm(left, right)
    value = result.conductance(np.geomspace(0.01, 1e7, 40)).value
    assert (np.diff(value) > -1e-12 * value[1:]).all()
    classical = result.conductance(300, statistics="classical").value
    np.testing.assert_allclose(value[-1], classical, rtol=1e-7, atol=0)
    np.testing.assert_allclose(classical, k_B / (2 * np.pi) * result.total @ result.weights, rtol=1e-13, atol=0)


@given(one=solids(), kelvin=st.floats(1, 1000))
def test_one_material_on_both_sides_lets_half_pass(one: Solid, kelvin: float) -> None:
    """The local drop takes out exactly the reservoirs' share: half of the two-probe resistance is left."""
    result = dmm(one, one)
    emitted, local = (result.conductance(kelvin, drop=drop).value for drop in ("emitted", "local"))
    np.testing.assert_allclose(result.coefficient(), 0.5, rtol=1e-14, atol=0)
    np.testing.assert_allclose(local, 2 * emitted, rtol=1e-12, atol=0)


@given(left=solids(), right=solids(), kelvin=st.floats(1, 2000))
def test_three_roads_to_the_conductance(left: Solid, right: Solid, kelvin: float) -> None:
    """Landauer, the derivative of the one-way power (fourth order), and a plain trapezoid on a fine grid."""
    result = dmm(left, right)
    landauer = result.conductance(kelvin).value.item()
    h = 1e-3 * kelvin
    p = equilibrium_power(result, kelvin + h * np.array([-2, -1, 1, 2]))
    np.testing.assert_allclose((p[0] - 8 * p[1] + 8 * p[2] - p[3]) / (12 * h), landauer, rtol=1e-8, atol=0)
    np.testing.assert_allclose(finite_drop_conductance(result, kelvin, 1e-3 * kelvin), landauer, rtol=1e-5, atol=0)
    bounds = np.unique([0.0, *left.edges, *right.edges])  # spectra jump there: the trapezoid stops and starts anew
    pieces = [np.linspace(np.nextafter(a, np.inf), b, 10_001) for a, b in itertools.pairwise(bounds)]
    fine = dmm(left, right, np.unique(np.concatenate(pieces))).conductance(kelvin).value
    np.testing.assert_allclose(fine, landauer, rtol=3e-3, atol=0)


@pytest.mark.parametrize("pair", DEBYE, ids="|".join)
def test_debye_table(pair: tuple[str, str]) -> None:
    got = dmm(SOLIDS[pair[0]], SOLIDS[pair[1]]).conductance([10, 30, 100, 300, 1000]).value / MW
    np.testing.assert_allclose(got, DEBYE[pair], rtol=5e-6, atol=0)  # rounding of six digits


def test_table_of_cubic_coefficients(data: Callable[[str], Path]) -> None:
    path = data("mismatch/amm_dmm_isotropic_T3.csv")
    kelvin = 0.01
    rows = 0
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if any(float(row[f"vT{side}"]) == 0 for side in "12"):  # liquids are not Debye solids
                continue
            left, right = (
                Solid(row[f"side{side}"], *(float(row[f"{what}{side}"]) for what in ("rho", "vL", "vT")), atoms=5e28)
                for side in "12"
            )
            diffuse = dmm(left, right).conductance(kelvin).value / kelvin**3
            np.testing.assert_allclose(diffuse, float(row["G_DMM_over_T3"]), rtol=1e-6, atol=0)
            for side, column in (("left", "G_rad1_over_T3"), ("right", "G_rad2_over_T3")):
                black = radiation_limit(left, right, side).conductance(kelvin).value / kelvin**3
                np.testing.assert_allclose(black, float(row[column]), rtol=1e-6, atol=0)
            rows += 1
    assert rows > 50


def test_full_band_table(data: Callable[[str], Path], tables: dict[str, Tabulated]) -> None:
    """From the tabulated modes of full bands: diffuse mismatch, both radiation limits and the elastic limit."""
    with data("crystals/dmm_z.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    omega = (np.arange(1000) + 0.5) * 0.05 * THz
    for row in rows:
        left, right, kelvin = tables[row["A"]], tables[row["B"]], float(row["T_K"])
        results: dict[str, Transmission] = {
            "G_DMM_MW_m2K": dmm(left, right, omega),
            "G_rad_A": radiation_limit(left, right, "left", omega),
            "G_rad_B": radiation_limit(left, right, "right", omega),
            "G_maxtrans": elastic_limit(left, right, omega),
        }
        for column, result in results.items():
            got = result.conductance(kelvin).value / MW
            np.testing.assert_allclose(got, float(row[column]), rtol=2e-3, atol=0, err_msg=str(row))


def test_the_users_frequencies_are_kept() -> None:
    omega = np.linspace(0, 10 * THz, 51)
    result = dmm(SOLIDS["Al"], SOLIDS["Si"], omega)
    assert result.weight is None
    np.testing.assert_array_equal(result.omega, omega)
    assert result.method == "DMM Al|Si"


def test_frequencies_must_increase_from_zero() -> None:
    with pytest.raises(InputError, match="increase"):
        dmm(SOLIDS["Al"], SOLIDS["Si"], [3e12, 1e12])
    with pytest.raises(InputError, match="from 0"):
        dmm(SOLIDS["Al"], SOLIDS["Si"], [-1e12, 1e12])


@given(values=st.lists(st.floats(1e10, 1e25), min_size=1, max_size=6))
def test_harmonic_sum_is_below_each_part(values: list[float]) -> None:
    parts = [np.array([v, 0.0]) for v in values]
    got = harmonic_sum(*parts)
    assert got[1] == 0
    assert got[0] <= min(values) * (1 + 1e-14)
    np.testing.assert_allclose(got[0], 1 / np.sum(1 / np.array(values)), rtol=1e-13, atol=0)


def test_chosen_grid_integrates_a_debye_spectrum() -> None:
    """∫M dω has the closed form Σ ω_j³/12πc_j²."""
    si = SOLIDS["Si"]
    omega, weight = common_grid(None, si, SOLIDS["Ge"])
    assert weight is not None
    want = np.sum(si.cutoffs**3 / (12 * np.pi * si.speeds**2))
    np.testing.assert_allclose(si.modes(omega) @ weight, want, rtol=1e-12, atol=0)


def test_a_name_is_no_side_and_the_message_says_how_to_get_one() -> None:
    one = Solid("Al", 2700, 6420, 3040, 6.026e28)
    with pytest.raises(InputError, match=r"take kapitza\.solid\('Si'\)"):
        dmm(one, "Si")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"take a Solid, Elastic, Fluid, Bands"):
        dmm(one, 3.0)  # type: ignore[arg-type]


def test_modes_of_layers_are_those_of_the_outer_materials() -> None:
    sides = [SOLIDS[name] for name in ("Al", "Si", "Au")]
    found = ballistic_layers(sides, [1e12, 5e12])
    np.testing.assert_allclose(found.left, sides[0].modes(found.omega), rtol=1e-14, atol=0)
    np.testing.assert_allclose(found.right, sides[2].modes(found.omega), rtol=1e-14, atol=0)
