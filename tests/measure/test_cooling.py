"""Cooling after a flash: closed forms, finite differences in time, published constants."""

import numpy as np
import pytest
from scipy.special import erfcx

from kapitza.core.stack import Layer, Stack
from kapitza.errors import InputError
from kapitza.measure.thermoreflectance.cooling import FilmCooling, LaserFlash, ParticleCooling
from kapitza.units import MW, mm, nm, ns, ps, us


def close(got, want, rtol):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=0)


WAYS = [(heating, readout) for heating in ("film", "surface") for readout in ("film", "surface")]
time = np.geomspace(10 * ps, 1 * us, 25)


@pytest.mark.parametrize(("heating", "readout"), WAYS)
def test_a_film_that_stays_even_on_a_cold_substrate_cools_with_one_time(heating, readout):
    stack = Stack([Layer("f", 50 * nm, 1e6, heat_capacity=2e6), Layer("s", np.inf, 1e7, heat_capacity=1e10)], [20 * MW])
    got = FilmCooling(time, heating=heating, readout=readout).predict(stack)
    want = np.exp(-time * 20e6 / (2e6 * 50 * nm))
    assert np.abs(got - want).max() < 1e-5  # the substrate is not all that cold


@pytest.mark.parametrize(("heating", "readout"), WAYS)
def test_without_a_boundary_it_cools_as_an_error_function(heating, readout):
    stack = Stack([Layer("f", 50 * nm, 1e8, heat_capacity=2e6), Layer("s", np.inf, 30.0, heat_capacity=3e6)], [np.inf])
    a = np.sqrt(30.0 * 3e6) / (2e6 * 50 * nm)
    close(FilmCooling(time, heating=heating, readout=readout).predict(stack), erfcx(a * np.sqrt(time)), 1e-6)


def cooling_on_a_grid(layers, conductances, heating, readout, at):
    """Temperature of the first layer of (thickness, conductivity, heat capacity, cells), by modes of cells in time; its
    surface is half a cell away.
    """
    film, count, capacity = layers[0][0], layers[0][3], layers[0][2]
    d, kappa, c = (np.concatenate([np.full(n, v) for *_, n, v in rows]) for rows in zip(
        *[((n, h / n), (n, k), (n, cap)) for h, k, cap, n in layers], strict=True
    ))  # fmt: skip
    ends = np.cumsum([one[3] for one in layers])[:-1] - 1
    joint = np.zeros(len(d) - 1)
    joint[ends] = 1 / np.array(conductances)
    link = 1 / (d[:-1] / 2 / kappa[:-1] + d[1:] / 2 / kappa[1:] + joint)
    inside = np.concatenate([link, [0]]) + np.concatenate([[0], link])
    held = c * d
    off = np.diag(link / np.sqrt(held[1:] * held[:-1]), 1)
    rate, modes = np.linalg.eigh(np.diag(inside / held) - off - off.T)
    start = np.zeros(len(d))
    start[: count if heating == "film" else 1] = 1
    start *= capacity * film / np.sum(held * start)
    seen = (np.arange(len(d)) < (count if readout == "film" else 1)) * held
    seen = seen / seen.sum()
    amplitude = (modes.T @ (seen / np.sqrt(held))) * (modes.T @ (start * np.sqrt(held)))
    return np.exp(-np.outer(at, rate)) @ amplitude


@pytest.mark.parametrize(("heating", "readout"), WAYS)
@pytest.mark.parametrize(
    ("layers", "conductances"),
    [
        ([(60 * nm, 20.0, 2.4e6, 120), (800 * nm, 5.0, 1.8e6, 600)], [80e6]),
        ([(60 * nm, 20.0, 2.4e6, 120), (40 * nm, 1.4, 1.6e6, 120), (400 * nm, 30.0, 1.7e6, 200)], [80e6, 30e6]),
    ],
)
def test_a_film_on_a_grid(layers, conductances, heating, readout):
    """On a substrate, and on two layers with a boundary of their own between them."""
    parts = [Layer(f"l{i}", h, k, heat_capacity=c) for i, (h, k, c, _) in enumerate(layers)]
    t = np.geomspace(30 * ps, 100 * ns, 12)
    got = FilmCooling(t, heating=heating, readout=readout).predict(Stack(parts, conductances))
    close(got, cooling_on_a_grid(layers, conductances, heating, readout, t), 3e-3)


@pytest.mark.parametrize(("heating", "readout"), WAYS)
def test_a_cut_through_the_substrate_changes_nothing(heating, readout):
    film, whole = Layer("f", 60 * nm, 20.0, heat_capacity=2.4e6), Layer("s", np.inf, 5.0, heat_capacity=1.8e6)
    cut = [Layer(name, 70 * nm, 5.0, heat_capacity=1.8e6) for name in "ab"]
    cooling = FilmCooling(time, heating=heating, readout=readout)
    got = cooling.predict(Stack([film, *cut, whole], [8e7, np.inf, np.inf]))
    close(got, cooling.predict(Stack([film, whole], [8e7])), 1e-6)


def test_absorption_over_a_depth_starts_between_surface_and_film():
    stack = Stack([Layer("f", 60 * nm, 20.0, heat_capacity=2.4e6), Layer("s", np.inf, 5.0, heat_capacity=1.8e6)], [8e7])
    t = np.array([5 * ps])
    surface = FilmCooling(t, heating="surface", readout="surface")
    between = surface.replace({"absorption_depth": 10 * nm}).predict(stack)
    assert FilmCooling(t, heating="film", readout="surface").predict(stack) < between < surface.predict(stack)


def test_a_film_alone_keeps_its_heat():
    alone = Stack([Layer("f", 50 * nm, 10.0, heat_capacity=2e6)])
    close(FilmCooling(time).predict(alone), 1.0, 1e-8)
    close(FilmCooling(time[12:], heating="surface", readout="surface").predict(alone), 1.0, 1e-5)


def test_a_particle_that_stays_even_in_a_liquid_that_carries_all_away():
    stack = Stack(
        [Layer("Au", 10 * nm, 1e6, heat_capacity=2.5e6), Layer("w", np.inf, 1e6, heat_capacity=1e9)], [100 * MW]
    )
    want = np.exp(-time * 3 * 100e6 / (2.5e6 * 10 * nm))
    assert np.abs(ParticleCooling(time).predict(stack) - want).max() < 1e-4


def test_late_a_particle_is_a_point_of_heat():
    """V/(4πDt)^{3/2} of the heat, in the ratio of the heat capacities, whatever the boundary."""
    for g in (np.inf, 100 * MW):
        stack = Stack(
            [Layer("Au", 10 * nm, 300.0, heat_capacity=2.5e6), Layer("w", np.inf, 0.6, heat_capacity=4.2e6)], [g]
        )
        t = np.array([3 * us])
        want = 2.5 / 4.2 * 4 / 3 * np.pi * (10 * nm) ** 3 / (4 * np.pi * 0.6 / 4.2e6 * t) ** 1.5
        close(ParticleCooling(t).predict(stack), want, 2e-2)


def test_a_solid_sphere_with_a_cold_surface():
    """6/π² Σ n⁻² exp(-n²π²Dt/r²) of its mean temperature."""
    stack = Stack([Layer("x", 1e-6, 2.0, heat_capacity=2e6), Layer("cold", np.inf, 1e9, heat_capacity=1e9)], [np.inf])
    t = np.geomspace(1 * ns, 1 * us, 15)
    n = np.arange(1, 3000)
    want = 6 / np.pi**2 * np.exp(-np.outer(t, n**2) * np.pi**2 * 1e-6 / 1e-12) @ (1 / n**2.0)
    assert np.abs(ParticleCooling(t).predict(stack) - want).max() < 1e-4


def test_half_the_rise_of_a_laser_flash(published):
    entry = published("stacks", "laser_flash_half_time")
    stack = Stack([Layer("x", 2 * mm, 40.0, heat_capacity=3e6)])
    half = entry["value"] * (2 * mm) ** 2 / (40 / 3e6)
    low, high = LaserFlash([half * (1 - entry["tolerance"]), half * (1 + entry["tolerance"])]).predict(stack)
    assert low < 0.5 < high


def test_a_laser_flash_is_a_series_of_exponentials_and_a_cut_changes_nothing():
    t = np.geomspace(1e-3, 3, 20)
    n = np.arange(1, 400)[:, None]
    want = 1 + 2 * np.sum((-1.0) ** n * np.exp(-(n**2) * np.pi**2 * (40 / 3e6) * t / (2 * mm) ** 2), axis=0)
    whole = Stack([Layer("x", 2 * mm, 40.0, heat_capacity=3e6)])
    parts = Stack(
        [Layer("a", 0.5 * mm, 40.0, heat_capacity=3e6), Layer("b", 1.5 * mm, 40.0, heat_capacity=3e6)], [np.inf]
    )
    for stack in (whole, parts):
        assert np.abs(LaserFlash(t).predict(stack) - want).max() < 1e-8
    slower = LaserFlash(t).predict(parts.replace({"a|b.conductance": 3e4}))
    assert (slower < want + 1e-9).all()


def test_names_and_refusals():
    endless = Stack([Layer("x", np.inf, 1.0, heat_capacity=1.0)])
    bare = Stack([Layer("x", 1.0, 1.0)])
    for experiment in (FilmCooling([1.0]), LaserFlash([1.0])):
        for stack in (endless, bare):
            with pytest.raises(InputError, match="needs both finite"):
                experiment.predict(stack)
    with pytest.raises(InputError, match=r"two layers, the second one infinite, got x \(1 m\)"):
        ParticleCooling([1.0]).predict(bare)
    liquid = Stack([Layer("x", 1e-9, 1.0, heat_capacity=1.0), Layer("w", np.inf, 1.0)], [1.0])
    with pytest.raises(InputError, match="layer w has no heat_capacity"):
        ParticleCooling([1.0]).predict(liquid)
    for kind in (FilmCooling, ParticleCooling, LaserFlash):
        assert kind([1.0]).kind == "temperature"
        assert kind([1.0], scale=2.0).replace({"scale": 3.0}).parameters["scale"] == 3.0
        for wrong in ([0.0], [2.0, 1.0], [-1.0], [np.nan]):
            with pytest.raises(InputError):
                kind(wrong)
    with pytest.raises(InputError, match="heating"):
        FilmCooling([1.0], heating="substrate")
