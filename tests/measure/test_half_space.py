"""Half spaces under periodic heating by the Boltzmann equation: a second road, Milne's length, Fourier's law."""

import numpy as np
import pytest
from scipy.linalg import eig

from kapitza.boltzmann import band_carriers, gray_carriers
from kapitza.errors import InputError
from kapitza.simulate.boltzmann.half_space import half_space_impedance
from kapitza.units import nm

GRAY = gray_carriers("gray", heat_capacity=1.6e6, velocity=5000.0, mean_free_path=100 * nm)
TWO_BANDS = band_carriers("two", [1e6, 6e5], [6000.0, 1500.0], [300 * nm, 30 * nm])


def ordinates(bands, wave_vector, frequency, cosines=12, azimuths=10):
    """Impedance from the decaying eigenvectors of discrete directions: the same equation, none of the closed form."""
    u, w = np.polynomial.legendre.leggauss(cosines)
    mu, w = (1 + u) ** 2 / 4, w * (1 + u) / 2
    phi = np.cos((np.arange(azimuths) + 0.5) * np.pi / azimuths)
    n = bands.path.size
    mu3, phi3 = np.broadcast_to(mu[:, None], (n, cosines, azimuths)), np.broadcast_to(phi, (n, cosines, azimuths))
    path = bands.path[:, None, None]
    a = (1 + 1j * frequency * bands.lifetime)[:, None, None]
    loss = ((a + 1j * wave_vector * path * np.sqrt(1 - mu3**2) * phi3) / (path * mu3)).ravel()
    gain = np.broadcast_to(1 / (path * mu3), mu3.shape).ravel()
    weight = np.broadcast_to(w[:, None] / 2 / azimuths, mu3.shape)
    rate = (bands.capacity / bands.lifetime)[:, None, None]
    share = (rate / rate.sum() * weight).ravel()
    scatter = np.outer(gain, share)
    down = np.diag(loss) - scatter
    matrix = np.block([[-down, scatter], [-scatter, down]])
    value, vector = eig(matrix)
    vector = vector[:, np.argsort(value.real)[: loss.size]]
    amplitude = np.linalg.solve(vector[: loss.size], np.ones(loss.size))
    net = 1 - vector[loss.size :] @ amplitude
    return 1 / ((rate * path * weight * mu3).ravel() @ net)


@pytest.mark.parametrize("bands", [GRAY, TWO_BANDS])
@pytest.mark.parametrize(("wave_vector", "frequency"), [(0.0, 1e9), (1e6, 1e8), (5e6, 0.0), (1e7, 3e10)])
def test_discrete_directions_say_the_same(bands, wave_vector, frequency):
    got, want = half_space_impedance(bands, wave_vector, frequency), ordinates(bands, wave_vector, frequency)
    assert abs(got / want - 1) < 1e-3


@pytest.mark.parametrize(("wave_vector", "frequency"), [(1e4, 0.0), (0.0, 1e5), (1e4, 1e5)])
@pytest.mark.parametrize("transmission", [1.0, 0.2])
def test_slow_heat_follows_fourier_with_the_two_defects_of_a_surface(wave_vector, frequency, transmission):
    # Milne: the bulk's profile ends 0.710446 paths beyond the surface; Fuchs: flow along a diffuse surface lacks
    # that of 3/16 paths, 3/4 ∫dz∫(1 - μ²) exp(-z/Λμ) dμ
    k, path, flow = GRAY.conductivity, GRAY.path[0], 1.6e6 * 5000.0 / 4
    square = wave_vector**2 + 1j * frequency * GRAY.heat_capacity / k
    got = half_space_impedance(GRAY, wave_vector, frequency, transmission=transmission)
    surface = (got - 1 / (k * np.sqrt(square)) - (1 / transmission - 1) / flow) * k / path
    assert abs(surface - (0.710446 + 3 / 16 * wave_vector**2 / square)) < 2e-3


@pytest.mark.parametrize(("wave_vector", "frequency"), [(1e7, 0.0), (3e6, 3e8)])
def test_paths_far_longer_than_a_wave_are_followed(wave_vector, frequency):
    # 200 times the wave: the poles of the integral for H come near the real axis
    bands = band_carriers("long", [1.5e6, 2e4], [3000.0, 8000.0], [50 * nm, 20000 * nm])
    got, want = half_space_impedance(bands, wave_vector, frequency), ordinates(bands, wave_vector, frequency)
    assert abs(got / want - 1) < 2e-3


def test_ballistic_heat_leaves_for_good():
    assert abs(half_space_impedance(GRAY, 0.0, 1e15) * 1.6e6 * 5000.0 / 4 - 1) < 1e-3


@pytest.mark.parametrize(("wave_vector", "frequency", "transmission", "said"), [
    (0.0, 0.0, 1.0, "without end"), (-1.0, 1.0, 1.0, "wave_vector = -1"), (1.0, 1.0, 0.0, "transmission = 0"),
])  # fmt: skip
def test_heat_that_has_no_answer_is_refused(wave_vector, frequency, transmission, said):
    with pytest.raises(InputError, match=said):
        half_space_impedance(GRAY, wave_vector, frequency, transmission=transmission)
