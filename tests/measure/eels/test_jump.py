"""Jump at an interface: exact on straight lines, unbiased through a point spread, intervals that cover the truth."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import toy
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize

from kapitza.core.profile import Profile
from kapitza.core.student import student_quantile
from kapitza.errors import InputError, ValidityWarning
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.intervals import ratio_interval
from kapitza.measure.eels.jump import KnownQuantity, absolute_resistance, fit_jump
from kapitza.measure.eels.point_spread import PointSpread, delocalisation
from kapitza.units import meV, nm

TRUTH = np.array([420.0, 405.0, -0.18 / nm, -0.15 / nm])
SEEN_SHARP = PointSpread()
SEEN = PointSpread(1.5 * nm, 0.3, 30 * nm)


def line(count: int = 64, step: float = nm) -> np.ndarray:
    return (np.arange(-count, count) + 0.5) * step


def scan(rng: np.random.Generator, x: np.ndarray, spread: PointSpread, s: float) -> Profile:
    return Profile(x, spread.branches(x) @ TRUTH + rng.normal(0, s, x.size), np.full(x.size, s))


# laws and limits


@given(
    jump=st.floats(-30, 30),
    left=st.floats(-1e9, 1e9),
    right=st.floats(-1e9, 1e9),
    width=st.floats(0, 5 * nm),
    share=st.floats(0, 0.6),
    at=st.floats(-3 * nm, 3 * nm),
)
def test_exact_without_noise(jump: float, left: float, right: float, width: float, share: float, at: float) -> None:
    spread, x = PointSpread(width, share, 20 * nm), line()
    seen = spread.branches(x - at) @ [400 + jump / 2, 400 - jump / 2, left, right]
    found = fit_jump(Profile(x, seen, np.full(x.size, 0.1)), at, spread).jump
    np.testing.assert_allclose(found.jump, jump, rtol=0, atol=1e-7)
    np.testing.assert_allclose([found.gradient_left, found.gradient_right], [left, right], rtol=0, atol=1e1)
    np.testing.assert_allclose(found.temperature, 400, rtol=1e-9, atol=0)


def test_a_straight_line_keeps_its_shape_through_any_spread() -> None:
    x = line()
    np.testing.assert_allclose(SEEN.branches(x) @ [300.0, 300, 1e8, 1e8], 300 + 1e8 * x, rtol=1e-13, atol=0)


@pytest.mark.parametrize("count", [4, 10, 40])
def test_error_of_the_jump_in_closed_form(count: int) -> None:
    s, x = 0.7, line(count)
    found = fit_jump(Profile(x, np.full(x.size, 300.0), np.full(x.size, s)), 0.0)
    offset = 0.5  # the formula is for a plane half a step outside of the first points, as here
    assert x[count] == offset * nm
    wanted = s * np.sqrt(2 * (1 / count + 3 * count / (count**2 - 1)))
    np.testing.assert_allclose(found.jump.sigma, wanted, rtol=1e-10, atol=0)


def test_a_point_as_spread_is_the_plain_jump() -> None:
    profile = scan(np.random.default_rng(2), line(), PointSpread(), 0.3)
    one, other = fit_jump(profile, 0.0, skip=2 * nm).jump, profile.jump(0.0, skip=2 * nm)
    np.testing.assert_allclose(one.jump, other.jump, rtol=1e-9, atol=0)
    size = np.sqrt(np.outer(np.diag(other.covariance), np.diag(other.covariance)))
    assert (np.abs(one.covariance - other.covariance) <= 1e-7 * size).all()  # both gradients are independent
    np.testing.assert_allclose(one.chi2, other.chi2, rtol=1e-9, atol=0)


def test_a_shared_error_leaves_the_jump_alone() -> None:
    plain = scan(np.random.default_rng(3), line(), PointSpread(), 0.3)
    shared = Profile(plain.position, plain.temperature, covariance=np.diag(np.full(plain.position.size, 0.09)) + 4.0)
    one, other = fit_jump(plain, 0.0).jump, fit_jump(shared, 0.0).jump
    np.testing.assert_allclose(other.jump, one.jump, rtol=1e-8, atol=0)
    np.testing.assert_allclose(other.sigma, one.sigma, rtol=1e-6, atol=0)


def test_a_scale_error_cancels_in_the_kapitza_length() -> None:
    profile = scan(np.random.default_rng(4), line(), PointSpread(), 0.3)
    sharp, scaled = fit_jump(profile, 0.0), fit_jump(profile, 0.0, scale_sigma=0.05)
    assert scaled.jump.sigma > 2 * sharp.jump.sigma
    np.testing.assert_allclose(scaled.kapitza_interval("left"), sharp.kapitza_interval("left"), rtol=2e-3, atol=0)


# second roads


def test_spread_by_numerical_convolution() -> None:
    def kernel(u: float) -> float:
        local = np.exp(-((u / SEEN.width) ** 2) / 2) / (SEEN.width * np.sqrt(2 * np.pi))
        return (1 - SEEN.share) * local + SEEN.share * np.exp(-abs(u) / SEEN.length) / (2 * SEEN.length)

    for x in (-7.0 * nm, 0.6 * nm, 25 * nm):
        far = 40 * SEEN.length
        points = [-10 * SEEN.width, 0.0, 10 * SEEN.width]

        def over(low: float, high: float, x: float = x, power: int = 0, points: list[float] = points) -> float:
            inside = sorted({low, *(p for p in points if low < p < high), high})
            pieces = pairwise(inside)
            return sum(
                integrate.quad(lambda u: (x - u) ** power * kernel(u), a, b, epsabs=0, epsrel=1e-11, limit=200)[0]
                for a, b in pieces
            )

        np.testing.assert_allclose(SEEN.step(x), over(-far, x), rtol=1e-8, atol=0)
        np.testing.assert_allclose(SEEN.ramp(x), over(-far, x, power=1), rtol=1e-8, atol=0)


def test_interval_of_the_kapitza_length_is_that_of_the_profile_likelihood() -> None:
    x, s = line(20), 0.6
    profile = scan(np.random.default_rng(5), x, PointSpread(), s)
    found = fit_jump(profile, 0.0)

    def rise(length: float) -> float:  # chi2 with jump = -length * gradient_left held
        columns = PointSpread().branches(x)
        tied = np.column_stack([columns[:, 0] + columns[:, 1], columns[:, 2] + length * columns[:, 1], columns[:, 3]])
        scaled = tied / np.abs(tied).max(axis=0)
        fit, *_ = np.linalg.lstsq(scaled, profile.temperature, rcond=None)
        return float(np.sum((profile.temperature - scaled @ fit) ** 2)) / s**2 - found.jump.chi2

    centre, (low, high) = found.jump.kapitza_lengths[0], found.kapitza_interval("left")
    wanted = student_quantile(0.95, np.inf) ** 2
    ends = [optimize.brentq(lambda v: rise(v) - wanted, *sorted(pair)) for pair in ((0, centre), (centre, 10 * high))]
    np.testing.assert_allclose((low, high), ends, rtol=1e-6, atol=0)


def test_free_numbers_of_the_spread_by_a_scan_of_the_likelihood() -> None:
    soft = PointSpread(1.5 * nm, 0.3, 30 * nm, share_sigma=0.05)
    profile = scan(np.random.default_rng(6), line(), SEEN, 0.3)
    found = fit_jump(profile, 0.0, soft)
    shares = np.linspace(0.15, 0.45, 3001)
    cost = [fit_jump(profile, 0.0, PointSpread(1.5 * nm, v, 30 * nm)).jump.chi2 for v in shares[::50]]
    total = np.array(cost) + ((shares[::50] - 0.3) / 0.05) ** 2
    parabola = np.polynomial.Polynomial.fit(shares[::50], total, 4)
    best = shares[np.argmin(parabola(shares))]
    np.testing.assert_allclose(found.spread.share, best, rtol=2e-3, atol=0)
    curvature = parabola.deriv(2)(best)
    np.testing.assert_allclose(np.sqrt(found.covariance[4, 4]), np.sqrt(2 / curvature), rtol=0.03, atol=0)


@pytest.mark.parametrize(("a", "b"), [(15.0, 0.18), (15.0, 0.02), (2.0, -0.01), (0.3, 0.0)])
def test_ratio_by_brute_force(a: float, b: float) -> None:
    v = np.array([[0.25, -0.004], [-0.004, 4e-4]])
    low, high = ratio_interval(a, b, v, lowest=0.0)
    r = np.linspace(0, 5000, 2_000_001)
    inside = (a - r * b) ** 2 <= student_quantile(0.95, np.inf) ** 2 * (v[0, 0] - 2 * r * v[0, 1] + r**2 * v[1, 1])
    assert inside.any()
    np.testing.assert_allclose(low, r[inside][0], rtol=1e-3, atol=3e-3)
    if np.isinf(high):
        assert inside[-1]
    else:
        np.testing.assert_allclose(high, r[inside][-1], rtol=1e-3, atol=3e-3)


# coverage


def covered(trials: int, count: int, s: float, spread: PointSpread, seed: int) -> dict[str, float]:
    rng, x = np.random.default_rng(seed), line(count)
    wanted = (15.0, 15 / 0.18 * nm, 15 / 0.15 * nm)
    hits = np.zeros(3)
    for _ in range(trials):
        true = spread
        at = 0.0
        if spread.share_sigma:  # what carries an uncertainty differs from scan to scan
            true = PointSpread(
                abs(rng.normal(spread.width, spread.width_sigma)),
                float(np.clip(rng.normal(spread.share, spread.share_sigma), 0, 1)),
                spread.length,
            )
            at = rng.normal(0, 0.3 * nm)
        seen = Profile(x, true.branches(x - at) @ TRUTH + rng.normal(0, s, x.size), np.full(x.size, s))
        found = fit_jump(seen, 0.0, spread, at_sigma=0.3 * nm if spread.share_sigma else 0.0)
        ends = (found.interval(), found.kapitza_interval("left"), found.kapitza_interval("right"))
        hits += [low <= v <= high for (low, high), v in zip(ends, wanted, strict=True)]
    return dict(zip(("jump", "left", "right"), hits / trials, strict=True))


@pytest.mark.parametrize(
    ("count", "s", "spread"),
    [
        (64, 0.45, SEEN),
        (16, 1.8, PointSpread()),  # the gradients are not determined at all
        (64, 0.45, PointSpread(1.5 * nm, 0.3, 30 * nm, width_sigma=0.3 * nm, share_sigma=0.05)),
    ],
)
@pytest.mark.parametrize("trials", [300, pytest.param(3000, marks=pytest.mark.slow)])
def test_intervals_cover_the_truth(trials: int, count: int, s: float, spread: PointSpread) -> None:
    rates = covered(trials, count, s, spread, seed=11)
    room = 0.02 if trials >= 1000 else 0.02 + 2.5 * np.sqrt(0.95 * 0.05 / trials)
    for name, rate in rates.items():
        assert abs(rate - 0.95) <= room, (name, rates)


@pytest.mark.parametrize("trials", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_intervals_cover_the_truth_from_counts_on(trials: int) -> None:
    """Spectra are simulated, every pixel is fitted, and the intervals of T, jump and Kapitza lengths hold the truth."""
    pytest.importorskip("numba")
    count, pitch, dose = 16, 4 * nm, 6e7
    x = (np.arange(-count, count) + 0.5) * pitch
    kelvin = SEEN_SHARP.branches(x) @ TRUTH
    left, right = (toy.modes_of(*s) for s in ((4e-4, 6e-4, 1e-4), (4e-4, 1.2e-4, 5e-4)))
    means = [toy.expected_counts(side, kelvin, dose) for side in (left, right)]
    mean = np.where((x < 0)[:, None], *means)
    counts = np.random.default_rng(21).poisson(mean, (trials, *mean.shape)).astype(np.int32)
    found = fit_spectra(toy.image_of(counts, pitch), toy.modes_of(None, None, None))
    inside = np.abs(found.temperature - kelvin) < student_quantile(0.95, np.inf) * found.sigma
    wanted, hits = (15.0, 15 / 0.18 * nm, 15 / 0.15 * nm), np.zeros(3)
    for kelvins, sigmas in zip(found.temperature, found.sigma, strict=True):
        one = fit_jump(Profile(x, kelvins, sigmas), 0.0)
        ends = (one.interval(), one.kapitza_interval("left"), one.kapitza_interval("right"))
        hits += [low <= v <= high for (low, high), v in zip(ends, wanted, strict=True)]
    assert abs(inside.mean() - 0.95) < 0.02
    room = 0.02 if trials >= 1000 else 0.02 + 2.5 * np.sqrt(0.95 * 0.05 / trials)
    assert np.abs(hits / trials - 0.95).max() < room, hits / trials


# what becomes of it


def test_absolute_resistance_takes_a_flux() -> None:
    found = fit_jump(scan(np.random.default_rng(7), line(), SEEN, 0.3), 0.0, SEEN)
    with pytest.raises(InputError, match="not the resistance"):
        absolute_resistance(found)
    flux = KnownQuantity(18.0e9, 0.9e9)
    one = absolute_resistance(found, flux=flux)
    both = found.jump.conductance(18.0e9, sigma=0.9e9)
    np.testing.assert_allclose(one.conductance.value, both.value, rtol=1e-9, atol=0)
    np.testing.assert_allclose(one.conductance.sigma, both.sigma, rtol=1e-6, atol=0)
    assert np.isnan(one.pvalue)


def test_all_that_is_known_of_the_flux_is_used() -> None:
    found = fit_jump(scan(np.random.default_rng(7), line(), SEEN, 0.3), 0.0, SEEN)
    left, right, flux = KnownQuantity(100.0, 5.0), KnownQuantity(120.0, 6.0), KnownQuantity(18e9, 0.6e9)
    alone = [absolute_resistance(found, left=left), absolute_resistance(found, right=right)]
    whole = absolute_resistance(found, flux=flux, left=left, right=right)
    assert whole.pvalue > 0.01
    assert whole.flux_sigma < min(one.flux_sigma for one in alone)
    assert absolute_resistance(found, left=left, right=KnownQuantity(300.0, 6.0)).pvalue < 1e-6
    low, high = whole.interval
    assert low < 18e9 / 15 < high


def test_conductivity_of_the_lamella_gives_its_kapitza_length_over_it() -> None:
    found = fit_jump(scan(np.random.default_rng(8), line(), SEEN, 0.3), 0.0, SEEN)
    one = absolute_resistance(found, left=KnownQuantity(60.0, 15.0))
    np.testing.assert_allclose(one.resistance, found.jump.kapitza_lengths[0] / 60, rtol=1e-9, atol=0)
    low, high = one.interval
    length = found.kapitza_interval("left")
    assert low < 60 / length[1]
    assert high > 60 / length[0]


def test_bulk_conductivities_are_warned_of() -> None:
    found = fit_jump(scan(np.random.default_rng(9), line(), SEEN, 0.3), 0.0, SEEN)
    with pytest.warns(ValidityWarning, match="conductivity of bulk AlN was used for a lamella"):
        absolute_resistance(found, left=KnownQuantity(300.0, bulk=True, name="AlN"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        absolute_resistance(found, left=KnownQuantity(300.0))


def test_published_relative_resistance_is_that_of_a_layer_of_two_nanometres(published) -> None:
    low, high = published("eels", "aln_sic_jump_low"), published("eels", "aln_sic_jump_high")
    gradient, layer = published("eels", "aln_sic_gradient"), published("eels", "aln_sic_layer")
    said = published("eels", "aln_sic_ratio_low"), published("eels", "aln_sic_ratio_high")
    x = line(10)
    for jump, ratio in zip((low, high), said, strict=True):
        g = -gradient["value"] * 1e6
        seen = PointSpread().branches(x) @ [400 + jump["value"], 400, g, g]
        found = fit_jump(Profile(x, seen, np.ones(x.size)), 0.0)
        got, _ = found.relative_resistance(layer["value"] * nm)
        np.testing.assert_allclose(got, ratio["value"], rtol=ratio["tolerance"], atol=0)


def test_delocalisation_of_a_dipole_loss() -> None:
    got = [delocalisation(80 * meV, v) / nm for v in (30e3, 60e3, 200e3)]
    np.testing.assert_allclose(got, [87, 100, 118], rtol=0.01, atol=0)


# faults


def test_faults_say_what_was_wanted() -> None:
    profile = scan(np.random.default_rng(1), line(10), PointSpread(), 0.3)
    with pytest.raises(InputError, match="0 points right"):
        fit_jump(profile, 40 * nm)
    with pytest.raises(InputError, match=r"share = 1\.5"):
        PointSpread(0.0, 1.5)
    with pytest.raises(InputError, match="length = 0 m"):
        PointSpread(0.0, 0.5, 0.0)
    with pytest.raises(InputError, match="unknown side 'top'"):
        fit_jump(profile, 0.0).kapitza_interval("top")
    with pytest.raises(InputError, match="leave no scatter"):
        fit_jump(Profile(line(2), [1.0, 2, 3, 4]), 0.0)
    with pytest.raises(InputError, match="goes against the jump"):
        absolute_resistance(fit_jump(profile, 0.0), flux=KnownQuantity(-1e9))
    with pytest.raises(InputError, match="thickness = 0 m"):
        fit_jump(profile, 0.0).relative_resistance(0.0)
    with pytest.raises(InputError, match=r"level = 1\.5"):
        fit_jump(profile, 0.0).interval(1.5)


def test_scatter_gives_the_errors_where_none_are_stated() -> None:
    rng, x = np.random.default_rng(12), line(8)
    seen = PointSpread().branches(x) @ TRUTH + rng.normal(0, 0.5, x.size)
    found = fit_jump(Profile(x, seen), 0.0)
    assert found.freedom == 12
    assert np.isnan(found.pvalue)
    low, high = found.interval()
    np.testing.assert_allclose((high - low) / 2 / found.jump.sigma, 2.1788, rtol=1e-4, atol=0)
