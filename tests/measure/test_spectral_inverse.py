"""The transmission of a boundary by frequency from sizes and modulation frequencies, and what stays open."""

import numpy as np
import pytest
from attrs import evolve, frozen

from kapitza.errors import InputError
from kapitza.measure.spectral_inversion import (
    ApparentResistances,
    Smoothness,
    StackConductances,
    exact_extreme_spectra,
    joint_interval,
    spectral_transmission,
)
from kapitza.simulate.boltzmann.carriers import band_carriers
from kapitza.simulate.boltzmann.layered.response import (
    apparent_resistance,
    apparent_resistance_derivatives,
    conductance_derivatives,
    diffuse_scattering,
)
from kapitza.simulate.boltzmann.layered.transport import Film, transport

SPEED = 5000.0  # m/s
COUNT = 12


def media(count=COUNT, longest=2e-6):
    """Two media whose slow groups carry little and far, as those of acoustic phonons."""
    path = np.geomspace(longest, 3e-9, count)
    flows = 6e7 * np.linspace(0.2, 1, count), 5e7 * np.linspace(1, 0.3, count)
    return [
        band_carriers(name, 4 * flow / SPEED, np.full(count, SPEED), length)
        for name, flow, length in zip("ab", flows, (path, 0.4 * path), strict=True)
    ]


LEFT, RIGHT = media()
LIMIT = np.minimum(LEFT.flow, RIGHT.flow)
SHARE = np.linspace(0.8, 0.2, COUNT)


def sizes(thicknesses, sides=(LEFT, RIGHT), sigma=0.01, share=SHARE, cells=4):
    """Exact conductances of two layers of each thickness, with relative uncertainties."""
    stacks = [tuple(Film(h, one, cells=cells) for one in sides) for h in thicknesses]
    limit = np.minimum(*(one.flow for one in sides))
    exact = np.array([conductance_derivatives(stack, [None], share * limit).value.real for stack in stacks])
    return StackConductances(stacks, [None], exact, sigma * exact)


def central(function, flow, group, step=1e-2):
    """Derivative by a central difference of fourth order."""
    shift = np.zeros(flow.size)
    shift[group] = step * flow[group]
    near, far = (function(flow + k * shift) - function(flow - k * shift) for k in (1, 2))
    return (8 * near - far) / (12 * shift[group])


@pytest.mark.parametrize("thickness", [1e-8, 1e-6])
@pytest.mark.parametrize("group", [0, 6, 11])
def test_derivatives_of_a_conductance_are_those_of_differences(thickness, group):
    """Three layers with the unknown boundary twice, once from either side."""
    films = [Film(thickness, LEFT), Film(2 * thickness, RIGHT), Film(thickness, LEFT, name="c")]
    flow = SHARE * LIMIT
    got = conductance_derivatives(films, [None, None], flow)
    want = central(lambda f: conductance_derivatives(films, [None, None], f).value.real, flow, group)
    np.testing.assert_allclose(got.slope[group], want, rtol=1e-6, atol=0)
    solved = transport(films, [diffuse_scattering(flow, films[0]), diffuse_scattering(flow, films[1])])
    np.testing.assert_allclose(got.value.real, solved.flux / solved.difference, rtol=1e-12, atol=0)


@pytest.mark.parametrize("frequency", [1e6, 1e8, 1e9])
def test_derivatives_of_a_modulated_response_are_those_of_differences(frequency):
    films, flow = [Film(3e-8, LEFT), Film(1e-5, RIGHT)], SHARE * LIMIT
    got = apparent_resistance_derivatives(films, flow, frequency)
    reported = apparent_resistance(films, diffuse_scattering(flow, films[0]), [frequency])[0]
    np.testing.assert_allclose(got.value, reported, rtol=1e-9, atol=0)
    for group in (0, 6, 11):
        want = central(lambda f: apparent_resistance_derivatives(films, f, frequency).value, flow, group)
        np.testing.assert_allclose(got.slope[group], want, rtol=1e-6, atol=0)


def test_thin_layers_weigh_all_groups_alike():
    """Without scattering the conductance between black walls is the sum of the flows."""
    films, flow = [Film(1e-13, LEFT), Film(1e-13, RIGHT)], SHARE * LIMIT
    np.testing.assert_allclose(conductance_derivatives(films, [None], flow).slope, 1.0, rtol=1e-3, atol=0)


def test_as_many_exact_data_as_groups_give_the_truth():
    """Three groups of very different paths, three thicknesses, no noise: the prior has nothing to say."""
    sides, share = media(3), np.array([0.9, 0.3, 0.6])
    exact = sizes([3e-9, 1e-7, 3e-6], sides, 1e-8, share)
    found = spectral_transmission([exact], *sides, samples=2)
    np.testing.assert_allclose(found.share, share, rtol=1e-5, atol=0)
    np.testing.assert_allclose(found.freedom, 3, rtol=1e-5, atol=0)
    np.testing.assert_allclose(found.coefficient * sides[0].flow, share * found.limit, rtol=1e-5, atol=0)


@frozen(eq=False)
class SeriesLaw:
    """A law in place of a solution: each group crosses in series with its layers, 1/G = 1/F + h r, all in parallel."""

    thickness: np.ndarray
    value: np.ndarray
    sigma: np.ndarray

    @property
    def layers(self):
        """(n, G) m² K W⁻¹"""
        return self.thickness[:, None] * (1 / LEFT.contribution + 1 / RIGHT.contribution)

    def residuals(self, flow):
        through = 1 / (1 + flow * self.layers)
        return ((flow * through).sum(axis=1) - self.value) / self.sigma, through**2 / self.sigma[:, None]

    def simulate(self, flow, seed):
        exact = self.value + self.sigma * self.residuals(flow)[0]
        sigma = 0.01 * exact
        noise = np.random.default_rng(seed).standard_normal(exact.size)
        return evolve(self, value=exact + sigma * noise, sigma=sigma)

    def with_lifetimes(self, medium, factor):
        return self


def boundaries_of_the_prior(count):
    """Shares drawn from the prior, within the limits."""
    root = np.linalg.cholesky(Smoothness().covariance(COUNT))
    generator = np.random.default_rng(5)
    for _ in range(count):
        share = np.full(COUNT, 2.0)
        while share.min() < 0 or share.max() > 1:
            share = 0.5 + root @ generator.standard_normal(COUNT)
        yield share


def stepped_boundaries(count):
    """All groups below a frequency cross to one share, those above to another."""
    generator = np.random.default_rng(7)
    for _ in range(count):
        low, high = generator.uniform(0, 1, 2)
        yield np.where(np.arange(COUNT) < generator.integers(2, COUNT - 1), low, high)


def resonant_boundaries(count):
    """An even share with one or two lines, up or down, of a width of 0.7 groups."""
    generator = np.random.default_rng(8)
    for _ in range(count):
        even = generator.uniform(0.1, 0.9)
        share = np.full(COUNT, even)
        for _ in range(generator.integers(1, 3)):
            off = (np.arange(COUNT) - generator.integers(0, COUNT)) / 0.7
            share += (generator.uniform(0, 1) - even) / (1 + off**2)
        yield np.clip(share, 0, 1)


def coverage(blank, count, strict, boundaries=boundaries_of_the_prior, prior=None):
    """How often bands of shares, bands of the conductance, and strict ranges hold what was simulated."""
    covered, summed, possible = [], [], []
    for case, share in enumerate(boundaries(count)):
        found = spectral_transmission([blank.simulate(share * LIMIT, case)], LEFT, RIGHT, samples=100, prior=prior)
        low, high = found.band()
        covered.append((low <= share) & (share <= high))
        one, other = found.conductance_range()
        summed.append(one <= share @ LIMIT <= other)
        if case < strict:
            least, most = found.extremes()
            possible.append((least <= share) & (share <= most))
    return np.mean(covered), np.mean(summed), np.mean(possible)


def test_bands_cover_the_truth_as_often_as_they_say():
    """Fifty boundaries from the prior, five thicknesses with 1 % noise; also the conductance and the strict range."""
    blank = SeriesLaw(np.geomspace(5e-9, 2e-6, 5), np.ones(5), np.ones(5))
    covered, summed, possible = coverage(blank, 50, strict=5, prior=Smoothness())
    assert 0.90 <= covered <= 0.98
    assert 0.86 <= summed <= 1.0
    assert possible == 1


@pytest.mark.parametrize("boundaries", [stepped_boundaries, resonant_boundaries])
def test_bands_cover_spectra_that_are_not_smooth(boundaries):
    """Where nobody states how smooth a spectrum is; a band of smooth ones alone holds 80 to 83 % of these shares."""
    blank = SeriesLaw(np.geomspace(5e-9, 2e-6, 5), np.ones(5), np.ones(5))
    covered, summed, _ = coverage(blank, 12, 1, boundaries)
    assert covered >= 0.9
    assert summed >= 0.75  # of 12
    assert coverage(blank, 12, 1, boundaries, Smoothness())[0] <= covered - 0.05


@pytest.mark.slow
@pytest.mark.parametrize("boundaries", [boundaries_of_the_prior, stepped_boundaries, resonant_boundaries])
def test_bands_cover_what_they_say_in_many_cases(boundaries):
    """Three hundred boundaries of each kind: at least 95 %, less two standard errors of the mean over boundaries."""
    blank = SeriesLaw(np.geomspace(5e-9, 2e-6, 5), np.ones(5), np.ones(5))
    covered, summed, _ = coverage(blank, 300, 1, boundaries)
    assert covered >= 0.94
    assert summed >= 0.90


@pytest.mark.slow
def test_bands_cover_the_truth_of_boltzmann_solutions():
    """The same with data that are solutions."""
    covered, summed, possible = coverage(sizes(np.geomspace(5e-9, 2e-6, 5)), 50, strict=10, prior=Smoothness())
    assert 0.90 <= covered <= 0.98
    assert 0.86 <= summed <= 1.0
    assert possible == 1


def test_two_spectra_with_the_same_data_lie_in_the_band():
    """What the data cannot see may be added: they stay, and the band and the range hold both."""
    data = sizes(np.geomspace(5e-9, 2e-6, 5))
    found = spectral_transmission([data], LEFT, RIGHT)
    blind = np.linalg.svd(found.slope)[2][data.value.size :]
    low, high = found.band()
    seen = found.covariance @ np.eye(COUNT)[5]
    step = blind.T @ (blind @ seen)
    step *= 0.02 / np.abs(step).max()
    other = found.share + step
    assert np.abs(data.residuals(other * LIMIT)[0] - found.residual).max() < 0.05
    assert ((low <= other) & (other <= high)).all()
    least, most = found.extremes()
    assert ((least <= other) & (other <= most)).all()


def test_spectra_that_have_nothing_in_common_fit_the_same_data():
    """No group crosses in one, all of it in the other: the exact model agrees with the data in both."""
    data = sizes(np.geomspace(5e-9, 2e-6, 5))
    found = spectral_transmission([data], LEFT, RIGHT, samples=2)
    one = np.eye(COUNT)[6]
    pair = exact_extreme_spectra(found, [data], one)
    assert pair[1][6] - pair[0][6] > 0.999
    for share in pair:
        assert np.abs(data.residuals(share * LIMIT)[0]).max() < joint_interval(found.residual, 0.95) + 1e-3
    np.testing.assert_allclose(joint_interval(found.residual, 0.95), 2.5688, rtol=1e-3, atol=0)
    # the data are concave functions of what crosses, so that the linear model puts both ends of a sum too low
    least, most = exact_extreme_spectra(found, [data], LIMIT)
    low, high = found.sum_range(LIMIT)
    assert low < least @ LIMIT < 1.06 * low
    assert high < most @ LIMIT < 1.06 * high


def test_a_sum_is_known_better_than_its_parts():
    found = spectral_transmission([sizes(np.geomspace(5e-9, 2e-6, 5))], LEFT, RIGHT)
    value, sigma = found.conductance
    assert sigma / value < 0.5 * np.mean(found.sigma / found.share)
    assert 1 < found.freedom < 5
    one, other = found.sum_range(LIMIT)
    least, most = found.extremes()
    assert (other - one) / value < 0.4
    assert np.mean(most - least) > 0.8
    assert one < SHARE @ LIMIT < other


def test_a_laser_of_many_frequencies_says_less_than_thin_layers():
    """Thick substrates blur the groups: fewer independent numbers from more data."""
    films = [Film(3e-8, LEFT, cells=4), Film(1e-5, RIGHT, cells=16)]
    blank = ApparentResistances(films, np.geomspace(1e6, 1e9, 4), np.ones(4), np.ones(4))
    off = blank.residuals(SHARE * LIMIT)[0]
    exact = blank.value + off[:4] + 1j * off[4:]
    noisy = ApparentResistances(blank.films, blank.frequency, exact, 0.01 * np.abs(exact)).simulate(SHARE * LIMIT, 0)
    laser = spectral_transmission([noisy], LEFT, RIGHT, samples=100)
    thin = sizes(np.geomspace(5e-9, 2e-6, 5))
    both = spectral_transmission([noisy, thin], LEFT, RIGHT, samples=2)
    alone = spectral_transmission([thin], LEFT, RIGHT, samples=2)
    assert 1 <= laser.freedom < alone.freedom < both.freedom
    low, high = laser.conductance_range(0.99)
    assert low < SHARE @ LIMIT < high


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="at least one"):
        spectral_transmission([], LEFT, RIGHT)
    with pytest.raises(InputError, match="mark the unknown"):
        conductance_derivatives([Film(1e-8, LEFT)], [], LIMIT)
    with pytest.raises(InputError, match="2 conductances for 1 stacks"):
        StackConductances([(Film(1e-8, LEFT),)], [], [1.0, 2.0], [0.1, 0.1])
    with pytest.raises(InputError, match="wanted > 0"):
        StackConductances([(Film(1e-8, LEFT),)], [], [1.0], [0.0])
    with pytest.raises(InputError, match="12 groups and b 3"):
        spectral_transmission([sizes([1e-8])], LEFT, media(3)[1])
    found = spectral_transmission([sizes([1e-8])], LEFT, RIGHT, samples=2)
    with pytest.raises(InputError, match="3 weights for 12 groups"):
        found.sum_range([1.0, 1.0, 1.0])
    with pytest.raises(InputError, match="confidence = 1"):
        found.band(1.0)
    with pytest.raises(InputError, match="spread = 0"):
        Smoothness(spread=0.0)
