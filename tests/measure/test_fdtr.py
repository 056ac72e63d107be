"""Frequency-domain thermoreflectance: phases of a second code, limits of low and high frequency, convergence."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ellipe

from kapitza.core.stack import Layer, Stack
from kapitza.device.setup import Setup
from kapitza.errors import InputError
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr, Tdtr
from kapitza.measure.thermoreflectance.sstr import Sstr
from kapitza.units import nm, um


def stack_of(rows) -> Stack:
    """Layers, with the conductances that stand between them."""
    layers, conductances = [], []
    for i, row in enumerate(rows):
        if "G_W_m2K" in row:
            conductances.append(row["G_W_m2K"])
            continue
        layers.append(
            Layer(str(i), row["d_m"] or np.inf, row["kz_W_mK"], in_plane=row["kr_W_mK"], heat_capacity=row["C_J_m3K"])
        )
    return Stack(layers, conductances)


def close(got, want, rtol):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=0)


@pytest.mark.parametrize("name", ["Au60_sapphire50um_adiabatic_back", "Au70_fused_silica", "Au77_Si", "Au75_graphite"])
def test_phases(data, name):
    case = json.loads(data("thermoreflectance/fdtr_phases.json").read_text(encoding="utf-8"))[name]
    experiment = Fdtr(case["frequency_Hz"], Beams(case["w_pump_m"], case["w_probe_m"]))
    got = np.degrees(experiment.predict(stack_of(case["layers"])))
    assert np.abs(got - case["phase_deg"]).max() < 1e-5


def film_on_tensor(frequency, films, tensor, capacity, width, offset):
    """Second road: transfer matrices of isotropic films (d, k, C), the root of the half-space's own quadratic, and a
    plain sum over both components of the wave vector.
    """
    node, weight = np.polynomial.legendre.leggauss(160)
    edge = 10.5 / width
    kx, ky = (edge * one for one in np.meshgrid(node, node, indexing="ij"))
    k, s = np.stack([kx, ky]), 2j * np.pi * frequency
    tilt = np.einsum("i,i...->...", tensor[:2, 2], k)
    plane = np.einsum("ij,i...,j...->...", tensor[:2, :2], k, k) + s * capacity
    roots = 1j * tilt + np.array([1, -1])[:, None, None] * np.sqrt(tensor[2, 2] * plane - tilt**2 + 0j)
    decay = np.where(roots[0].real > 0, roots[0], roots[1]) / tensor[2, 2]
    warm, flux = np.ones_like(decay), tensor[2, 2] * decay - 1j * tilt
    for thickness, conductivity, heat in reversed(films):
        u = np.sqrt(kx**2 + ky**2 + s * heat / conductivity)
        up, side = np.cosh(u * thickness), np.sinh(u * thickness)
        warm, flux = up * warm + side * flux / (u * conductivity), u * conductivity * side * warm + up * flux
    spots = np.exp(-((kx**2 + ky**2) * width**2) / 4 + 1j * (kx * offset[0] + ky * offset[1]))
    return edge**2 * np.einsum("i,j,ij", weight, weight, warm / flux * spots) / (2 * np.pi) ** 2


@pytest.mark.parametrize("apart", [(0.0, 0.0), (4 * um, 2 * um)])
@pytest.mark.parametrize("tensor", [np.diag([12, 6.5, 10.0]), [[12, 1.5, 2], [1.5, 6.5, 1], [2, 1, 10]]])
def test_a_full_tensor(tensor, apart):
    frequency = [1e5, 1e6, 1.1e6, 1e7]
    stack = Stack(
        [
            Layer("Al", 80 * nm, 170, heat_capacity=2.42e6),
            Layer("fake", 1 * nm, 0.1, heat_capacity=0.1e6),
            Layer.from_tensor("x", np.inf, tensor, heat_capacity=2e6),
        ],
        [np.inf, np.inf],
    )
    films = [(80 * nm, 170, 2.42e6), (1 * nm, 0.1, 0.1e6)]
    want = np.array([film_on_tensor(f, films, np.array(tensor), 2e6, 5 * um, apart) for f in frequency])
    for sign in (1, -1):
        beams = Beams(5 * um, 5 * um, offset=sign * apart[0], offset_y=sign * apart[1])
        assert np.abs(Fdtr(frequency, beams).signal(stack) / want - 1).max() < 1e-6


def gold() -> Stack:
    return Stack(
        [Layer("Au", 70 * nm, 145, heat_capacity=2.49e6), Layer("Si", np.inf, 110, heat_capacity=1.64e6)], [9e7]
    )


def test_slow_modulation_is_the_steady_state():
    beams = Beams(3 * um, 2 * um)
    got = Fdtr([1e-6], beams, kind="amplitude").predict(gold())
    close(got, Sstr([1.0], beams).predict(gold()), 1e-5)


def test_a_half_space_heated_fast_lags_by_45_degrees_and_a_film_by_90():
    wide = Beams(100 * um, 100 * um)
    half = Stack([Layer("x", np.inf, 1.0, heat_capacity=2e6)])
    close(np.degrees(Fdtr([1e8], wide).predict(half)), -45, 1e-4)
    alone = Stack([Layer("x", 10 * nm, 300.0, heat_capacity=2e6)])
    got = Fdtr([1e8], wide, kind="amplitude").predict(alone)
    close(got, 1 / (2 * np.pi * 1e8 * 2e6 * 10 * nm * np.pi * (100 * um) ** 2), 1e-4)
    close(np.degrees(Fdtr([1e8], wide).predict(alone)), -90, 1e-3)


def test_harmonics_of_the_same_response_make_tdtr():
    """A film that is heated evenly and cools slowly: few harmonics matter, and their plain sum is near."""
    beams = Beams(5 * um, 5 * um)
    stack = Stack([Layer("x", 50 * nm, 500.0, heat_capacity=2e6), Layer("y", np.inf, 1.0, heat_capacity=2e6)], [1e8])
    m = np.arange(-30_000, 30_001)
    f = 7e6 + m * 80e6
    nodes = np.geomspace(7e6, np.abs(f).max() * 1.001, 400)
    signal = Fdtr(nodes, beams).signal(stack)
    response = np.interp(np.log(np.abs(f)), np.log(nodes), (signal * nodes).real) / np.abs(f)
    response = response + 1j * np.interp(np.log(np.abs(f)), np.log(nodes), (signal * nodes).imag) / np.abs(f)
    response = np.where(f < 0, response.conj(), response)
    t = np.array([1e-9, 6e-9])
    want = [2 * np.sum(response * np.exp(2j * np.pi * m * 80e6 * u)) for u in t]
    got = Tdtr(t, beams, modulation=7e6, repetition=80e6, delayed="probe").signal(stack)
    assert np.abs(got / np.array(want) - 1).max() < 1e-3


def test_numbers_by_name():
    experiment = Fdtr([1e4, 1e6], Beams(3 * um, 2 * um), phase=0.02)
    close(experiment.predict(gold()) - experiment.replace({"phase": 0.0}).predict(gold()), 0.02, 1e-9)
    close(experiment.replace({"scale": 3.0}).signal(gold()), 3 * experiment.signal(gold()), 1e-13)
    with pytest.raises(InputError, match="Fdtr has no number 'defocus'"):
        experiment.replace({"defocus": 1.0})
    for wrong in ([], [0.0], [-1.0], [2.0, 1.0], [np.inf]):
        if wrong:
            with pytest.raises(InputError):
                Fdtr(wrong, Beams(3 * um, 2 * um))


def decades(low, high):
    return st.floats(np.log10(low), np.log10(high)).map(lambda x: 10**x)


rows = st.builds(
    lambda d, k, r, c: {"thickness": d, "conductivity": k, "in_plane": r, "heat_capacity": c},
    decades(1e-10, 1e-3), decades(0.01, 5000), decades(0.01, 5000), decades(1e4, 5e6),
)  # fmt: skip


@given(
    st.lists(rows, min_size=1, max_size=4), st.lists(decades(1e3, 1e16), min_size=3, max_size=3), st.booleans(),
    decades(5e-7, 1e-4), decades(5e-7, 1e-4), st.sampled_from(["adiabatic", "isothermal"]),
)  # fmt: skip
def test_every_stack_converges_at_every_frequency(found, conductances, endless, pump, probe, back):
    layers = [Layer(str(i), **row) for i, row in enumerate(found)]
    if endless:
        layers[-1] = Layer("last", **{**found[-1], "thickness": np.inf})
    stack = Stack(layers, conductances[: len(layers) - 1])
    experiment = Fdtr(np.geomspace(1, 1e10, 21), Beams(pump, probe), setup=Setup(back=back))
    got, finer = experiment.signal(stack), experiment.signal(stack, nodes=96)
    assert np.isfinite(got).all()
    close(np.abs(got - finer) / np.abs(finer) + 1, 1, 1e-6)
    assert np.degrees(np.abs(np.angle(got / finer))).max() < 1e-4
    assert (got.real > 0).all()
    assert (got.imag <= 0).all()


def test_a_pump_with_an_edge_is_a_disc_on_a_half_space() -> None:
    """Second road: the temperature within an evenly heated disc, 2qa/(πk) E(r²/a²) with the complete elliptic integral
    (H. S. Carslaw and J. C. Jaeger, Conduction of Heat in Solids, 8.2), averaged over a probe inside of it.
    """
    a, k = 10 * um, 100.0
    ground = Stack([Layer("ground", np.inf, k, heat_capacity=2e6)], [])
    for w in (2.5 * um, 0.5 * um):
        steady = Fdtr([1e-11], Beams(a, w, pump_profile="top-hat")).signal(ground)[0]

        def weighed(r: float, w: float = w) -> float:
            return 4 * r / w**2 * np.exp(-2 * (r / w) ** 2) * 2 / (np.pi**2 * a * k) * ellipe((r / a) ** 2)

        close(steady.real, quad(weighed, 0, min(a, 6 * w), epsrel=1e-12, epsabs=0)[0], 2e-7)
    close(steady.real, 1 / (np.pi * a * k), 4e-4)  # the centre


def test_a_pump_with_an_edge_on_quadratures_of_other_kinds() -> None:
    """The same number by nodes in all directions, with an offset too; a small disc is as good as a small Gaussian."""
    frequency = np.geomspace(1e3, 1e8, 6)

    def film(along: float) -> Stack:
        gold = Layer("Au", 60 * nm, 66, heat_capacity=2.5e6)
        return Stack([gold, Layer("x", np.inf, 10, in_plane=10, in_plane_y=along, heat_capacity=2.7e6)], [7e7])

    for beams in (
        Beams(10 * um, 2 * um, pump_profile="top-hat"),
        Beams(10 * um, 2 * um, offset=7 * um, pump_profile="top-hat"),
        Beams(14 * um, 2 * um, pump_radius_y=7 * um, offset=7 * um, pump_profile="top-hat"),
    ):
        found = Fdtr(frequency, beams).signal(film(10.0))
        close(Fdtr(frequency, beams).signal(film(10 * (1 + 1e-9))), found, 1e-8)
    small = [Fdtr(frequency, Beams(50 * nm, 5 * um, pump_profile=one)) for one in ("top-hat", "gaussian")]
    close(small[0].signal(film(10.0)), small[1].signal(film(10.0)), 1e-8)
    for along, across in ((0.4 * um, 0.1 * um), (0.1 * um, 0.4 * um)):  # along each axis the second moment is its own
        flat, round_off = (
            Fdtr(frequency, Beams(along, 5 * um, pump_radius_y=across, offset=7 * um, pump_profile=one))
            for one in ("top-hat", "gaussian")
        )
        close(flat.signal(film(10.0)), round_off.signal(film(10.0)), 2e-4)
    with pytest.raises(InputError, match="pump_profile 'flat': expected 'gaussian' or 'top-hat'"):
        Beams(10 * um, 2 * um, pump_profile="flat")
