"""Transient gratings by the Boltzmann equation: Fourier's limit, a second road, decay rates, fits from files."""

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm

from kapitza.boltzmann import ScatteringRates, band_carriers, spectral_carriers
from kapitza.core.stack import Layer, Stack
from kapitza.errors import DataError, InputError
from kapitza.io.samples import read_sample
from kapitza.matter.library import solid
from kapitza.matter.phonons import phonons
from kapitza.measure.experiment import Curve
from kapitza.measure.fit import fit
from kapitza.measure.problem import Tie
from kapitza.measure.thermoreflectance.grating import TransientGrating
from kapitza.simulate.boltzmann.gratings import GratingBands, grating_decay, grating_suppression
from kapitza.units import nm, ns, um

K, CAPACITY, DEPTH = 140.0, 1.66e6, 400 * nm
MEMBRANE = Stack([Layer("Si", DEPTH, K, heat_capacity=CAPACITY)])
TWO_BANDS = GratingBands(np.array([1e6, 6e5]), np.array([300 * nm, 30 * nm]), np.array([5e-11, 2e-11]), True)


def close(got, want, atol):
    np.testing.assert_allclose(got, want, rtol=0, atol=atol)


@pytest.mark.parametrize(("path", "tolerance"), [(0.1 * nm, 1e-7), (1e-3 * nm, 1e-11)])
def test_short_paths_give_fouriers_law(path, tolerance):
    time, q = np.geomspace(0.05, 60, 12) * ns, 2 * np.pi / (4 * um)
    grating = TransientGrating(time, period=4 * um, mean_free_path=path)
    close(grating.temperature(MEMBRANE) * CAPACITY * DEPTH, np.exp(-K / CAPACITY * q**2 * time), tolerance)
    evenly = TransientGrating(time, period=4 * um).replace({"absorption_depth": 1.0})
    close(grating.predict(MEMBRANE), evenly.predict(MEMBRANE), 1e-6)


@pytest.mark.parametrize(("period", "tolerance"), [(0.3 * um, 1e-5), (1 * um, 1e-6), (4 * um, 1e-7)])
@pytest.mark.parametrize("isotropic", [True, False])
def test_phonons_of_discrete_directions_decay_alike(period, tolerance, isotropic):
    bands = GratingBands(TWO_BANDS.capacity, TWO_BANDS.path, TWO_BANDS.lifetime, isotropic)
    cosine, weight = np.polynomial.legendre.leggauss(32) if isotropic else (np.array([-1.0, 1.0]), np.ones(2))
    q, time, n = 2 * np.pi / period, np.geomspace(1e-12, 2e-9, 5), cosine.size
    rate, share = np.repeat(1 / bands.lifetime, n), np.tile(weight / 2, 2)
    drift = q * np.repeat(bands.path / bands.lifetime, n) * np.tile(cosine, 2)
    held = np.repeat(bands.capacity, n)
    balance = np.outer(rate * held, share * rate) / (share * rate * held).sum() - np.diag(rate + 1j * drift)
    want = [(share @ (expm(balance * t) @ held)).real / (share @ held) for t in time]
    close(grating_decay(bands, q, time), want, tolerance)


def test_one_band_decays_by_the_pole_of_its_response():
    # Σ (C/τ)(1 - F) = 0 for one band: arctan(x/a) = x, and sτ = x cot x - 1 exactly
    path, period, time = 100 * nm, 2 * um, np.array([2e-9, 4e-9])
    x, lifetime = 2 * np.pi * path / period, CAPACITY * path**2 / (3 * K)
    grating = TransientGrating(time, period=period, mean_free_path=path)
    rate = -np.log(grating.predict(MEMBRANE)[1]) / 2e-9
    np.testing.assert_allclose(rate, (1 - x / np.tan(x)) / lifetime, rtol=1e-5)


def test_long_paths_that_hold_little_heat_conduct_by_their_suppression():
    # heat sits in short paths and flows through long ones: k S(qΛ), S = (3/x²)(1 - arctan(x)/x)
    bands = GratingBands(np.array([1.66e6, 1e3]), np.array([1 * nm, 1 * um]), np.array([1e-12, 1.6e-10]), True)
    q, time = 2 * np.pi / (2 * um), np.array([20e-9, 40e-9])
    want, _ = quad(lambda mu: 3 * mu**2 / (1 + (q * bands.path[1] * mu) ** 2), 0, 1)
    share = bands.contribution / bands.contribution.sum()
    np.testing.assert_allclose(grating_suppression(bands, q), share @ [1.0, want], rtol=1e-5)
    energy = grating_decay(bands, q, time)
    conductivity = np.log(energy[0] / energy[1]) / (time[1] - time[0]) * bands.capacity.sum() / q**2
    np.testing.assert_allclose(conductivity, bands.contribution @ [1.0, want], rtol=2e-3)


def test_no_conductivity_is_larger_than_that_of_the_bulk():
    shares = [grating_suppression(TWO_BANDS, 2 * np.pi / period) for period in (0.1 * um, 1 * um, 10 * um, 1e3 * um)]
    assert np.all(np.diff(shares) > 0)
    assert 0 < shares[0] < shares[-1] < 1


def test_spectra_are_scaled_to_the_layer():
    phonons = band_carriers("two", [1e6, 6e5], [6000.0, 1500.0], [300 * nm, 30 * nm])
    time = np.geomspace(0.1, 5, 8) * ns
    plain = TransientGrating(time, period=2 * um, phonons=phonons)
    own = Stack([Layer("Si", DEPTH, phonons.conductivity, heat_capacity=phonons.heat_capacity)])
    share = phonons.contribution / phonons.conductivity
    mean = float(np.exp(share @ np.log(phonons.path)))
    # the paths that the spectrum has, stated: nothing changes
    close(plain.predict(own), TransientGrating(time, period=2 * um, phonons=phonons, mean_free_path=mean).predict(own),
          1e-10)  # fmt: skip
    # twice the conductivity by longer lifetimes: the grating is finer in units of the paths, and twice as wide alike
    double = own.replace({"Si.conductivity": 2 * phonons.conductivity})
    wider = TransientGrating(2 * time, period=4 * um, phonons=phonons)
    close(wider.predict(double), plain.predict(own), 1e-7)


def test_a_fit_finds_bulk_and_path_of_two_periods():
    pair = [
        TransientGrating(np.geomspace(5, 200, 20) * ns, period=15 * um, mean_free_path=300 * nm, name="coarse"),
        TransientGrating(np.geomspace(0.2, 4, 20) * ns, period=2 * um, mean_free_path=300 * nm, name="fine"),
    ]
    rng = np.random.default_rng(3)
    curves = [Curve(one.time, one.predict(MEMBRANE) + 0.003 * rng.standard_normal(20), None, "temperature")
              for one in pair]  # fmt: skip
    begin = MEMBRANE.replace({"Si.conductivity": 100.0})
    found = fit(pair, curves, [begin] * 2, ["Si.conductivity", "path", "coarse.scale", "fine.scale"],
                ties={"path": Tie(("coarse.mean_free_path", "fine.mean_free_path"))}, starts=1)  # fmt: skip
    pull = (found.value[:2] - [K, 1.0]) / found.sigma[:2]
    assert np.abs(pull).max() < 3
    assert (found.sigma[:2] / found.value[:2]).max() < 0.03


SAMPLE = """
[[layers]]
name = "Si"
thickness = "400 nm"
conductivity = 148
heat_capacity = "1.66 MJ/m3K"
[[experiments]]
kind = "grating"
period = "3 um"
times = ["0.5 ns", "10 ns", 5]
"""


def test_files_name_phonons(tmp_path: Path):
    file = tmp_path / "grating.toml"
    file.write_text(SAMPLE + 'phonons = { material = "Si" }\nmean_free_path = "200 nm"\n')
    held = read_sample(file)
    assert held.experiments[0].parameters["mean_free_path"] == 200 * nm
    assert 0.5 < held.experiments[0].suppression(held.stack) < 0.95


@pytest.mark.parametrize(("text", "message"), [
    (SAMPLE + 'phonons = { materiall = "Si" }', "did you mean 'material'"),
    (SAMPLE + 'phonons = { material = "Si", velocity = "6 km/s" }', "got material and velocity"),
    (SAMPLE.replace("grating", "fdtr") + 'phonons = { material = "Si" }', "unknown key"),
])  # fmt: skip
def test_files_with_other_phonons_are_refused(tmp_path: Path, text: str, message: str):
    file = tmp_path / "grating.toml"
    file.write_text(text)
    with pytest.raises(DataError, match=message):
        read_sample(file)


@pytest.mark.parametrize(("stack", "changes"), [
    (Stack([Layer("Si", np.inf, K, heat_capacity=CAPACITY)]), {}),
    (Stack([Layer("a", DEPTH, K, heat_capacity=CAPACITY), Layer("b", DEPTH, K, heat_capacity=CAPACITY)], [1e8]), {}),
    (MEMBRANE, {"absorption_depth": 1e-7}),
])  # fmt: skip
def test_other_layers_than_one_are_refused(stack: Stack, changes: dict[str, float]):
    grating = TransientGrating([1e-9], period=2 * um, mean_free_path=100 * nm).replace(changes)
    with pytest.raises(InputError, match="phonons in a grating"):
        grating.predict(stack)


def test_a_grating_in_gallium_arsenide_decays_as_published(published):
    # half a period from hot to cold; at 300 K, with the scattering ∝ ω² that gives the bulk's conductivity
    entry, conductivity, heat = published("measure", "gaas_grating"), 46.0, 1.74e6
    layer = Stack([Layer("GaAs", DEPTH, conductivity, heat_capacity=heat)])
    rates = ScatteringRates(umklapp=1e-19)
    found = {}
    for name, of in (("bands", phonons("GaAs")), ("Debye", solid("GaAs"))):
        carriers = spectral_carriers(of, rates, conductivity=conductivity)
        found[name] = TransientGrating([1 * ns], period=2 * um, phonons=carriers).suppression(layer)
    assert abs(found["bands"] / entry["value"] - 1) < entry["tolerance"]
    assert found["Debye"] > found["bands"]  # sound up to the edge of the zone in place of optical branches: short paths
