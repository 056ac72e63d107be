"""Beams on a substrate whose phonons fly far: the table and its source, Fourier's limit, spots, fits, files."""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq

from kapitza.boltzmann import band_carriers, gray_carriers
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.device.layered.laplace import harmonic_train
from kapitza.device.setup import Plane, Setup
from kapitza.errors import InputError
from kapitza.io.samples import read_sample
from kapitza.measure.experiment import Curve, simulate_curve
from kapitza.measure.fit import fit
from kapitza.measure.problem import Tie
from kapitza.measure.thermoreflectance.beams import BeamResponse, Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr, Tdtr
from kapitza.measure.thermoreflectance.sstr import Sstr
from kapitza.simulate.boltzmann.gratings import GratingBands, scaled_bands
from kapitza.simulate.boltzmann.half_space import (
    grouped_bands,
    half_space_impedance,
    impedance_beyond_fourier,
    returned_heat,
)
from kapitza.units import nm, um

K, CAPACITY, G, PATH = 140.0, 1.66e6, 2e8, 200 * nm
MILNE = 0.7104461
FILM = Stack(
    [Layer("Al", 80 * nm, 180.0, heat_capacity=2.43e6), Layer("Si", np.inf, K, heat_capacity=CAPACITY)], [Boundary(G)]
)
WIDE = band_carriers("wide", [1.5e6, 1e5, 1e4], [3000.0, 4000.0, 6000.0], [50 * nm, 500 * nm, 5000 * nm])
GRAY = gray_carriers("Si", heat_capacity=CAPACITY, velocity=3 * K / (CAPACITY * PATH), mean_free_path=PATH)


def returned_share(
    bands: GratingBands, wave_vector: float, frequency: float, directions: tuple[int, int] = (24, 16)
) -> complex:
    """Share of the heat sent into the half space that comes back."""
    return complex(returned_heat(bands, wave_vector, frequency, directions).sum() / bands.emission.sum())


def spot(radius: float, path: float | None) -> Sstr:
    return Sstr(np.array([1e-3]), Beams(radius, radius), mean_free_path=path)


def test_the_table_is_the_closed_form():
    # to 1e-4 in any range of beams, to 5e-4 where a period is a few lifetimes
    rng = np.random.default_rng(5)
    lifetime = GRAY.lifetime[0]
    bands = scaled_bands(None, CAPACITY, K, PATH)
    for fastest, tolerance in ((0.2, 1e-4), (10.0, 5e-4)):
        k, omega = 10 ** rng.uniform(-4, 0.5, 12) / PATH, fastest * 10 ** rng.uniform(-5, 0, 12) / lifetime
        want = np.array([half_space_impedance(GRAY, *both) for both in zip(k.tolist(), omega.tolist(), strict=True)])
        beyond = np.diag(impedance_beyond_fourier(bands, k, omega[:, None]))
        got = beyond + 1 / np.sqrt(K * (K * k**2 + 1j * omega * CAPACITY)) + MILNE * PATH / K
        assert np.abs(got / want - 1).max() < tolerance


def test_the_table_of_a_spectrum_is_the_closed_form():
    rng = np.random.default_rng(6)
    conductivity, emission = WIDE.conductivity, 4 * MILNE * 0.75 / (WIDE.capacity * WIDE.velocity).sum()
    k, omega = 10 ** rng.uniform(4, 7, 12), 10 ** rng.uniform(4, 9, 12)
    beyond = np.diag(
        impedance_beyond_fourier(scaled_bands(WIDE, WIDE.heat_capacity, conductivity, None), k, omega[:, None])
    )
    fourier = 1 / np.sqrt(conductivity * (conductivity * k**2 + 1j * omega * WIDE.heat_capacity))
    want = [half_space_impedance(WIDE, *both) for both in zip(k.tolist(), omega.tolist(), strict=True)]
    assert np.abs((beyond + fourier + emission) / want - 1).max() < 3e-4


def test_many_bands_are_taken_together():
    # 120 bands from 10 nm to 100 µm, to 1e-3 of what a boundary adds
    path = np.geomspace(10 * nm, 1e5 * nm, 120)
    capacity = CAPACITY * (1 / path) / (1 / path).sum()
    many = GratingBands(capacity, path, path / 4000.0, isotropic=True)
    few, _ = grouped_bands(many)
    assert few.path.size <= 40
    for sums in ("capacity", "contribution"):
        assert abs(getattr(few, sums).sum() / getattr(many, sums).sum() - 1) < 1e-9
    for k, omega in ((1e4, 1e5), (1e5, 1e8), (1e6, 1e6), (1e7, 1e8)):
        z = [1 / (returned_share(one, 0.0, 0.0, (5, 4)) - returned_share(one, k, omega, (5, 4))) for one in (many, few)]
        assert abs(z[1] - z[0]) * 4 / (capacity * 4000.0).sum() < 1e-3 * (
            1 / G + abs(z[0]) * 4 / capacity.sum() / 4000.0
        )


def test_with_a_spectrum_an_apparent_conductivity_falls_with_frequency():
    film = FILM.replace({"Si.conductivity": K})
    apparent: list[float] = []
    for first in (1e4, 1e6, 1e7):
        frequency = np.geomspace(first, 10 * first, 20)
        measured = Fdtr(frequency, Beams(50 * um, 50 * um), phonons=WIDE).predict(film)
        curve = Curve(frequency, measured, np.full(20, 1e-3), "phase")
        free = ["Si.conductivity", "Al|Si.conductance"]
        apparent.append(fit(Fdtr(frequency, Beams(50 * um, 50 * um)), curve, film, free, starts=1).value[0])
    assert 1.05 * apparent[1] < apparent[0] < 1.02 * K
    assert apparent[2] < 0.95 * K


def test_short_paths_give_fouriers_law():
    frequency = np.geomspace(1e4, 1e8, 12)
    wanted, got = (Fdtr(frequency, Beams(2 * um, 2 * um), mean_free_path=p).predict(FILM) for p in (None, 1e-3 * nm))
    assert np.abs(got - wanted).max() < 1e-5
    assert abs(spot(1 * um, 1e-3 * nm).predict(FILM)[0] / spot(1 * um, None).predict(FILM)[0] - 1) < 1e-5


def test_slow_heat_of_wide_beams_meets_the_boundary_that_fourier_has():
    # the emission is not counted a second time: 0.71 paths of silicon would be 20 % of this boundary
    frequency = np.geomspace(1e4, 1e5, 5)
    wanted, got = (Fdtr(frequency, Beams(1e-3, 1e-3), mean_free_path=p).predict(FILM) for p in (None, PATH))
    moved = Fdtr(frequency, Beams(1e-3, 1e-3)).predict(FILM.replace({"Al|Si.conductance": G / 1.05}))
    assert np.abs(got - wanted).max() < 0.1 * np.abs(moved - wanted).max()


def test_a_steady_spot_is_the_integral_over_wave_vectors():
    # a film without resistance or conduction, by another rule of integration
    film = Stack([Layer("film", 0.01 * nm, 1e-2, heat_capacity=1e6), FILM.layers[1]], [Boundary(G)])
    radius = 0.5 * um
    x, weight = np.polynomial.legendre.leggauss(40)
    k, width = (x + 1) / 2 * 12 / radius / np.sqrt(2), np.sqrt(2) * radius
    z = np.array([half_space_impedance(GRAY, one, 0.0).real for one in k.tolist()]) + 1 / G - MILNE * PATH / K
    want = np.sum(weight * k * z * np.exp(-((k * width) ** 2) / 8)) * 6 / width / (2 * np.pi)
    assert abs(spot(radius, PATH).signal(film) / (want + 1e-9 * 2 / (np.pi * width**2)) - 1) < 2e-4


def test_an_apparent_conductivity_falls_with_the_spot():
    apparent: list[float] = []
    for radius in (0.5 * um, 2 * um, 20 * um):
        warm = spot(radius, PATH).predict(FILM)[0]

        def cooler(k: float, radius: float = radius, warm: float = warm) -> float:
            return float(spot(radius, None).predict(FILM.replace({"Si.conductivity": k}))[0] - warm)

        apparent.append(float(brentq(cooler, 20, 200)))
    assert apparent[0] < 0.96 * apparent[1] < 0.96 * apparent[2] < 0.96 * K
    assert K - apparent[2] < 0.005 * K


DELAYS = np.concatenate([[-1e-10, -2e-11], np.geomspace(2e-11, 5e-9, 12)])


@pytest.mark.parametrize("delayed", ["pump", "probe"])
def test_a_difference_of_substrates_sums_to_that_of_their_pulse_trains(delayed):
    # by Fourier's law both are known: along the path of the pulses, and on the imaginary axis alone
    beams = Beams(5 * um, 5 * um)
    other = FILM.replace({"Si.conductivity": 100.0, "Al|Si.conductance": 1.5e8})
    tdtr = Tdtr(DELAYS, beams, modulation=1e7, repetition=8e7, delayed=delayed)
    train = harmonic_train(DELAYS, modulation=1e7, repetition=8e7)
    response = BeamResponse(train.s, (beams,), Setup())
    turn = np.exp(2j * np.pi * 1e7 * DELAYS) if delayed == "pump" else 1.0
    got = tdtr.signal(FILM) + train.signal((response.of(other) - response.of(FILM))[:, 0]) * turn
    assert np.abs(got / tdtr.signal(other) - 1).max() < 1e-4


def test_pulses_far_apart_are_refused():
    tdtr = Tdtr(DELAYS, Beams(5 * um, 5 * um), modulation=1e5, repetition=1e6, delayed="pump", mean_free_path=PATH)
    with pytest.raises(InputError, match="phonons below pulses"):
        tdtr.predict(FILM)


def test_pulses_see_fouriers_law_of_short_paths_and_less_of_long_ones():
    short, none, long = (
        Tdtr(DELAYS, Beams(2 * um, 2 * um), modulation=1e7, repetition=8e7, delayed="pump", mean_free_path=p).signal(
            FILM
        )
        for p in (1e-3 * nm, None, PATH)
    )
    assert np.abs(short / none - 1).max() < 1e-5
    # less heat leaves the spot: the film is warmer at late delays
    assert 1e-3 < abs(long[-1]) / abs(none[-1]) - 1 < 0.2


def test_a_fit_of_two_spots_finds_conductivity_boundary_and_path():
    frequency = np.geomspace(1e5, 1e8, 40)
    pair = [Fdtr(frequency, Beams(w, w), mean_free_path=PATH, name=name)
            for w, name in ((1 * um, "small"), (10 * um, "large"))]  # fmt: skip
    curves = [simulate_curve(one, FILM, noise=2e-3, seed=i) for i, one in enumerate(pair)]
    begin = FILM.replace({"Si.conductivity": 120.0, "Al|Si.conductance": 1e8})
    ties = {"path": Tie(("small.mean_free_path", "large.mean_free_path"), kind="value")}
    found = fit(pair, curves, [begin] * 2, ["Si.conductivity", "Al|Si.conductance", "path"], ties=ties, starts=1)
    assert np.abs((found.value - [K, G, PATH]) / found.sigma).max() < 3
    assert (found.sigma / found.value <= [0.01, 0.01, 0.1]).all()


SAMPLE = """
[[layers]]
name = "Al"
thickness = "80 nm"
conductivity = 180
heat_capacity = "2.43 MJ/m3K"
[[layers]]
name = "Si"
conductivity = 140
heat_capacity = "1.66 MJ/m3K"
[boundaries]
"Al|Si" = "200 MW/m2K"
[[experiments]]
kind = "KIND"
pump_radius = "1 um"
probe_radius = "1 um"
POINTS
mean_free_path = "200 nm"
"""


@pytest.mark.parametrize(("kind", "points"), [
    ("fdtr", 'frequencies = ["0.1 MHz", "100 MHz", 5]'), ("steady", 'powers = ["1 mW", "2 mW"]'),
    ("tdtr", 'delays = ["100 ps", "3 ns", 5]\nmodulation = "10 MHz"\nrepetition = "80 MHz"\ndelayed = "pump"'),
])  # fmt: skip
def test_files_name_the_path(tmp_path: Path, kind: str, points: str):
    file = tmp_path / "ballistic.toml"
    file.write_text(SAMPLE.replace("KIND", kind).replace("POINTS", points))
    held = read_sample(file)
    one = held.experiments[0]
    assert one.parameters["mean_free_path"] == 200 * nm
    file.write_text(file.read_text() + 'phonons = { material = "Si" }\n')
    spectrum = read_sample(file).experiments[0].phonons
    assert spectrum is not None
    assert spectrum.isotropic
    shorter = one.replace({"mean_free_path": 1e-3 * nm})
    assert np.abs(one.predict(held.stack) / shorter.predict(held.stack) - 1).max() > 1e-3


@pytest.mark.parametrize(("stack", "setup"), [
    (Stack([Layer("Si", np.inf, K, heat_capacity=CAPACITY)]), Setup()),
    (FILM.replace({"Si.thickness": 1e-4}), Setup()),
    (FILM.replace({"Si.in_plane": 100.0}), Setup()),
    (FILM, Setup(thermometer=Plane("Si", 0.0))),
])  # fmt: skip
def test_other_stacks_are_refused(stack: Stack, setup: Setup):
    with pytest.raises(InputError, match="mean_free_path"):
        Fdtr(np.array([1e6]), Beams(1 * um, 1 * um), setup=setup, mean_free_path=PATH).predict(stack)
