"""Boundaries that let some phonons of a substrate pass: a second road, one band, limits, fits, files, experiments."""

from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from scipy.linalg import eig

from kapitza.boltzmann import band_carriers, gray_carriers
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.errors import DataError, InputError
from kapitza.io.samples import read_sample
from kapitza.measure.experiment import simulate_curve
from kapitza.measure.fit import fit
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr, OffsetScan, Tdtr
from kapitza.measure.thermoreflectance.sstr import Sstr
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega
from kapitza.simulate.boltzmann.gratings import scaled_bands
from kapitza.simulate.boltzmann.half_space import PassingShares, half_space_impedance, impedance_beyond_fourier
from kapitza.units import nm, um

K, CAPACITY, PATH, SHARE = 140.0, 1.66e6, 200 * nm, 0.3
GRAY = gray_carriers("Si", heat_capacity=CAPACITY, velocity=3 * K / (CAPACITY * PATH), mean_free_path=PATH)
RESISTANCE = (1 / SHARE - 1) / GRAY.flow[0] + 0.7104461 * PATH / K  # between extrapolated profiles
BANDS = band_carriers(
    "bands", [1e6, 5e5, 5e4], [2500.0, 4000.0, 7000.0], [30 * nm, 200 * nm, 3000 * nm], omega=[6e13, 3e13, 1e13]
)


def film(boundary: float) -> Stack:
    substrate = Layer("Si", np.inf, K, heat_capacity=CAPACITY)
    return Stack([Layer("Al", 80 * nm, 180.0, heat_capacity=2.43e6), substrate], [Boundary(boundary)])


def ordinates(wave_vector: float, frequency: float, transmission: np.ndarray) -> complex:
    """Impedance from the decaying eigenvectors of discrete directions, with each band sent back by the boundary."""
    u, w = np.polynomial.legendre.leggauss(10)
    mu, w = (1 + u) ** 2 / 4, w * (1 + u) / 2
    phi = np.cos((np.arange(8) + 0.5) * np.pi / 8)
    shape = (BANDS.path.size, 10, 8)
    mu3, phi3 = np.broadcast_to(mu[:, None], shape), np.broadcast_to(phi, shape)
    path, rate = BANDS.path[:, None, None], (BANDS.capacity / BANDS.lifetime)[:, None, None]
    a = (1 + 1j * frequency * BANDS.lifetime)[:, None, None]
    loss = ((a + 1j * wave_vector * path * np.sqrt(1 - mu3**2) * phi3) / (path * mu3)).ravel()
    weight = np.broadcast_to(w[:, None] / 2 / 8, shape)
    scatter = np.outer(np.broadcast_to(1 / (path * mu3), shape).ravel(), (rate / rate.sum() * weight).ravel())
    down = np.diag(loss) - scatter
    value, vector = eig(np.block([[-down, scatter], [-scatter, down]]))
    vector = vector[:, np.argsort(value.real)[: loss.size]]
    carried = (rate * path * weight * mu3).reshape(shape[0], -1)
    mean = np.kron(np.eye(shape[0]), np.ones((carried.shape[1], 1))) * 1.0  # directions of a band leave alike
    arriving = mean @ (
        np.vstack([np.kron(row, part / part.sum()) for row, part in zip(np.eye(3), carried, strict=True)])
    )
    share = np.repeat(transmission, carried.shape[1])
    out, back = vector[: loss.size], vector[loss.size :]
    amplitude = np.linalg.solve(out - (1 - share)[:, None] * (arriving @ back), share.astype(complex))
    return 1 / (carried.ravel() @ (out - back) @ amplitude)


@pytest.mark.parametrize(("wave_vector", "frequency"), [(0.0, 1e9), (1e6, 1e8), (5e6, 0.0)])
def test_discrete_directions_say_the_same(wave_vector, frequency):
    share = np.array([0.2, 0.5, 0.9])
    got = half_space_impedance(BANDS, wave_vector, frequency, transmission=share)
    assert abs(got / ordinates(wave_vector, frequency, share) - 1) < 2e-3


def test_the_table_is_the_closed_form():
    share = np.array([0.15, 0.8])
    k, omega = np.array([1e4, 1e5, 1e6, 5e6]), np.array([[1e5], [1e7], [1e9]])
    held = PassingShares(np.array([1, 1, 0]), share)
    bands = scaled_bands(BANDS, BANDS.heat_capacity, BANDS.conductivity, None)
    fourier = 1 / np.sqrt(BANDS.conductivity * (BANDS.conductivity * k**2 + 1j * omega * BANDS.heat_capacity))
    got = impedance_beyond_fourier(bands, k, omega, held) + fourier
    want = [[half_space_impedance(BANDS, q, w, transmission=share[held.group]) for q in k] for w in omega.ravel()]
    assert np.abs(got / np.array(want) - 1).max() < 5e-4


FREQUENCY, DELAY = np.geomspace(1e4, 1e8, 8), np.geomspace(1e-10, 3.6e-9, 6)
SPOT = Beams(2 * um, 2 * um)
EXPERIMENTS = {
    "fdtr": Fdtr(FREQUENCY, SPOT, mean_free_path=PATH),
    "tdtr": Tdtr(DELAY, SPOT, modulation=1e7, repetition=8e7, delayed="pump", mean_free_path=PATH),
    "steady": Sstr([1e-3], SPOT, mean_free_path=PATH),
    "offset": OffsetScan([0.0, 1e-6, 3e-6], SPOT, modulation=1e7, mean_free_path=PATH),
    "pulsed offset": OffsetScan(
        [0.0, 1e-6, 3e-6], SPOT, modulation=1e7, repetition=8e7, delay=-1e-10, delayed="pump", mean_free_path=PATH
    ),
    "omega": ThreeOmega([1e3, 1e5], half_width=2 * um, length=1e-3, power=0.02, mean_free_path=PATH),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_one_band_has_the_resistance_of_its_boundary(name):
    # the same in all experiments: (1/t - 1)/(Cv/4) and Milne's length are those of a boundary with a conductance
    one = EXPERIMENTS[name]
    want = one.predict(film(1 / RESISTANCE))
    with_share = evolve(one, transmission=SHARE)
    assert np.abs(with_share.predict(film(np.inf)) / want - 1).max() < 2e-5
    assert np.abs(one.replace({"mean_free_path": 1e-3 * nm}).predict(film(1 / RESISTANCE)) / want - 1).max() > 1e-3
    assert with_share.parameters["transmission_1"] == SHARE
    assert with_share.replace({"transmission_1": 0.5}).transmission == (0.5,)


def test_conductances_of_groups_add_to_that_of_a_theory():
    two = Fdtr(FREQUENCY, SPOT, phonons=BANDS, transmission=[0.9, 0.2], transmission_edges=[2e13])
    found = two.boundary_conductances(film(np.inf).replace({"Si.conductivity": BANDS.conductivity,
                                                             "Si.heat_capacity": BANDS.heat_capacity}))  # fmt: skip
    emission = BANDS.capacity * BANDS.velocity / 4
    np.testing.assert_allclose(found, [0.9 * emission[2], 0.2 * (emission[0] + emission[1])], rtol=1e-12)


def test_which_phonons_pass_shows_where_the_sum_is_the_same():
    # two boundaries with one Landauer conductance: fast phonons through, or slow ones
    emission = BANDS.capacity * BANDS.velocity / 4
    low, high = emission[2], emission[0] + emission[1]
    stack = film(np.inf)
    shares = [(0.9, 0.2), (0.9 - 0.6, 0.2 + 0.6 * low / high)]
    one, other = (Fdtr(FREQUENCY, SPOT, phonons=BANDS, transmission=both, transmission_edges=[2e13]) for both in shares)
    sums = [each.boundary_conductances(stack).sum() for each in (one, other)]
    assert abs(sums[1] / sums[0] - 1) < 1e-12
    assert np.abs(one.predict(stack) - other.predict(stack)).max() > 0.01


def test_a_fit_finds_the_spectrum_of_a_boundary():
    truth = np.array([0.7, 0.25])
    one = Fdtr(np.geomspace(1e5, 2e8, 40), SPOT, phonons=BANDS, transmission=truth, transmission_edges=[2e13])
    curve = simulate_curve(one, film(np.inf), noise=1e-3, seed=2)
    begin = one.replace({"transmission_1": 0.4, "transmission_2": 0.4})
    found = fit(begin, curve, film(np.inf), ["fdtr.transmission_1", "fdtr.transmission_2"], starts=1)
    assert np.abs((found.value - truth) / found.sigma).max() < 3
    assert (found.sigma < [0.15, 0.01]).all()


def test_a_share_that_all_but_fills_its_range_has_a_bound():
    one = Fdtr(FREQUENCY, SPOT, mean_free_path=PATH, transmission=1.0)
    curve = simulate_curve(one, film(np.inf), noise=5e-3, seed=1)
    found = fit(one.replace({"transmission_1": 0.5}), curve, film(np.inf), "fdtr.transmission_1", starts=1)
    assert np.isnan(found.value[0])  # not determined: above a bound
    low = found.bounds["fdtr.transmission_1"].low
    assert low is not None
    assert 0.5 < low < 1


@pytest.mark.parametrize(("changes", "said"), [
    ({"transmission": [0.5, 0.2]}, "one edge less"),
    ({"transmission": [0.5, 0.2], "transmission_edges": [9e13]}, "no phonons"),
    ({"transmission": 0.5, "phonons": None}, "give phonons"), ({"transmission": 1.5}, "up to 1"),
    ({"transmission": [0.5, 0.2], "transmission_edges": [-1.0]}, "increase from above 0"),
])  # fmt: skip
def test_what_has_no_meaning_is_refused(changes, said):
    with pytest.raises(InputError, match=said):
        Fdtr(FREQUENCY, SPOT, **{"phonons": BANDS, **changes}).predict(film(np.inf))


def test_a_boundary_is_not_counted_twice():
    with pytest.raises(InputError, match="count twice"):
        Fdtr(FREQUENCY, SPOT, mean_free_path=PATH, transmission=0.5).predict(film(1e8))


SAMPLE = """
[[layers]]
name = "Al"
thickness = "80 nm"
conductivity = 180
heat_capacity = "2.43 MJ/m3K"
[[layers]]
name = "Si"
conductivity = 148
heat_capacity = "1.66 MJ/m3K"
[boundaries]
"Al|Si" = "perfect"
[[experiments]]
kind = "KIND"
POINTS
phonons = { material = "Si" }
transmission = [0.9, "35 %"]
transmission_edges = ["5 THz"]
"""
BEAMS = 'pump_radius = "2 um"\nprobe_radius = "2 um"\n'


@pytest.mark.parametrize(("kind", "points"), [
    ("fdtr", BEAMS + 'frequencies = ["0.1 MHz", "100 MHz", 5]'),
    ("beam-offset", BEAMS + 'offsets = ["0 um", "4 um", 5]\nmodulation = "10 MHz"'),
    ("three-omega", 'half_width = "5 um"\nlength = "1 mm"\npower = "20 mW"\nfrequencies = ["1 kHz", "100 kHz", 5]'),
])  # fmt: skip
def test_files_name_the_shares_and_the_edges(tmp_path: Path, kind: str, points: str):
    file = tmp_path / "boundary.toml"
    file.write_text(SAMPLE.replace("KIND", kind).replace("POINTS", points))
    one = read_sample(file).experiments[0]
    np.testing.assert_allclose(one.transmission, [0.9, 0.35], rtol=1e-12)
    np.testing.assert_allclose(one.transmission_edges, 2 * np.pi * 5e12, rtol=1e-12)
    assert {"transmission_1", "transmission_2"} <= set(one.parameters)


@pytest.mark.parametrize(("old", "new", "said"), [
    ('["5 THz"]', '["5 THz", "8 THz"]', "one less"), ('"35 %"', "1.2", "up to 1"), ('"35 %"', '"3 nm"', "share"),
])  # fmt: skip
def test_a_file_with_other_shares_is_refused(tmp_path: Path, old: str, new: str, said: str):
    file = tmp_path / "boundary.toml"
    file.write_text(
        SAMPLE.replace("KIND", "fdtr").replace("POINTS", BEAMS + "frequencies = [1e5, 1e6]").replace(old, new)
    )
    with pytest.raises(DataError, match=said):
        read_sample(file)
