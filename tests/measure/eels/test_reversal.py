"""Forward against reverse heat flow: exact parts, intervals that cover, and a mode that follows the heat."""

import numpy as np
import pytest
import toy

from kapitza.core.occupation import Occupation
from kapitza.errors import InputError
from kapitza.measure.eels.experiment import EelsExperiment, simulate_spectra
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.heat_flow.reversal import FlowReversal
from kapitza.measure.eels.heat_flow.sides import ModeSides, mode_sides
from kapitza.measure.eels.model import SpectrumModel
from kapitza.units import k_B, meV, nm

QUANTA = np.array([47.0, 70.0, 90.0]) * meV
NAMES = ("acoustic", "alpha", "beta")
X = (np.arange(-4, 5)) * nm
STRENGTH = np.array([4e-4, 2e-4, 3e-4])


def sides(kelvin: np.ndarray, dose: float, rng: np.random.Generator | None = None) -> ModeSides:
    """Counts of three isolated modes without background, Poisson, over `dose` electrons."""
    n = 1 / np.expm1(QUANTA / (k_B * kelvin))
    gain, loss = dose * STRENGTH * n, dose * STRENGTH * (n + 1)
    variance = np.concatenate([gain, loss], axis=1) / dose**2
    if rng is not None:
        gain, loss = rng.poisson(gain), rng.poisson(loss)
    covariance = np.eye(6)[None] * variance[:, None, :]
    return ModeSides(position=X, energy=QUANTA, modes=NAMES, gain=gain / dose, loss=loss / dose, covariance=covariance)


def temperatures(sign: float) -> np.ndarray:
    """A step across the plane, with alpha hotter in reverse flow and beta in forward flow near it, and 5 K even."""
    base = np.repeat((380 - sign * (7 * np.sign(X) + 0.15 * X / nm))[:, None], 3, axis=1)
    near = np.abs(X) < 1.5 * nm
    base[near] += sign * np.array([0.0, -12.0, 12.0])
    base[near, 0] += 5
    return base


def test_temperatures_by_detailed_balance_do_not_depend_on_thickness() -> None:
    kelvin = temperatures(1.0)
    found = sides(kelvin, 1e9)
    np.testing.assert_allclose(found.temperature(), kelvin, rtol=1e-12, atol=0)
    thick = ModeSides(
        position=X,
        energy=QUANTA,
        modes=NAMES,
        gain=3 * found.gain,
        loss=3 * found.loss,
        covariance=9 * found.covariance,
    )
    np.testing.assert_allclose(thick.temperature(), kelvin, rtol=1e-12, atol=0)
    np.testing.assert_allclose(thick.temperature_covariance(), found.temperature_covariance(), rtol=1e-12, atol=1e-9)


def test_errors_of_one_mode_are_the_closed_form() -> None:
    """sigma_T/T = sqrt(2 sinh x)/(x sqrt S) of an isolated mode."""
    kelvin = np.full((X.size, 3), 350.0)
    dose = 1e9
    sigma = np.sqrt(np.einsum("xii->xi", sides(kelvin, dose).temperature_covariance()))
    x = QUANTA / (k_B * 350.0)
    np.testing.assert_allclose(
        sigma[0], 350 * np.sqrt(2 * np.sinh(x)) / (x * np.sqrt(dose * STRENGTH)), rtol=1e-9, atol=0
    )


@pytest.mark.parametrize("ratio", [1.0, 0.7, 1.4])
def test_odd_and_even_parts_are_exact(ratio: float) -> None:
    even, odd = temperatures(0.0), temperatures(1.0) - temperatures(0.0)
    found = FlowReversal(forward=sides(even + odd, 1e9), reverse=sides(even - ratio * odd, 1e9), flux_ratio=ratio)
    got_odd, got_even = found.temperature()
    np.testing.assert_allclose(got_even, even, rtol=1e-11, atol=0)
    np.testing.assert_allclose(got_odd, odd, rtol=0, atol=1e-8)


def test_modes_that_follow_the_heat_are_named_by_its_direction() -> None:
    rng = np.random.default_rng(3)
    found = FlowReversal(forward=sides(temperatures(1.0), 3e9, rng), reverse=sides(temperatures(-1.0), 3e9, rng))
    near, far = found.zone(0.0, 1.5 * nm, ("acoustic",)), found.zone(-3.5 * nm, 0.8 * nm)
    assert near.classes() == ("neither", "alpha", "beta")
    # without it no two modes agree, and which of them depart cannot be said
    assert found.zone(0.0, 1.5 * nm).classes() == ("undecided",) * 3
    assert far.classes() == ("neither",) * 3
    assert max(near.odd_pvalue, near.even_pvalue) < 0.01
    assert far.odd_pvalue > 0.001


def test_one_mode_that_follows_the_heat_makes_no_other_depart() -> None:
    """A hot mode raises the mean of all: the others are compared among themselves."""
    rng, kelvin = np.random.default_rng(9), np.full((X.size, 3), 380.0)
    shift = 15.0 * (np.arange(3) == 2)
    found = FlowReversal(forward=sides(kelvin + shift, 1e9, rng), reverse=sides(kelvin - shift, 1e9, rng))
    near = found.zone(0.0, 4.5 * nm)
    assert near.classes() == ("neither", "neither", "beta")
    assert near.reference == NAMES[:2]
    np.testing.assert_allclose(near.departure_odd[2], 15.0, rtol=0, atol=4 * near.odd_sigma[2])


def test_reversal_exchanges_alpha_and_beta() -> None:
    rng = np.random.default_rng(3)
    one, other = sides(temperatures(1.0), 3e9, rng), sides(temperatures(-1.0), 3e9, rng)
    near, turned = (FlowReversal(forward=f, reverse=r).zone(0.0, 1.5 * nm) for f, r in ((one, other), (other, one)))
    np.testing.assert_allclose(turned.departure_odd, -near.departure_odd, rtol=1e-12, atol=0)
    np.testing.assert_allclose(turned.departure_even, near.departure_even, rtol=1e-12, atol=0)


def test_intervals_cover_and_false_classes_are_rare() -> None:
    """From Poisson counts and a ratio of the fluxes that is uncertain: 93 to 97 % of 95 % intervals hold the truth."""
    rng = np.random.default_rng(8)
    even, odd = temperatures(0.0), temperatures(1.0) - temperatures(0.0)
    inside, false = [], 0
    for _ in range(150):
        ratio = 1 + 0.03 * rng.standard_normal()
        found = FlowReversal(
            forward=sides(even + odd, 1e8, rng), reverse=sides(even - ratio * odd, 1e8, rng), flux_ratio_sigma=0.03
        )
        for value, sigma, truth in zip(found.temperature(), found.temperature_sigma(), (odd, even), strict=True):
            inside.append(np.abs(value - truth) < 1.96 * sigma)
        quiet = FlowReversal(
            forward=sides(np.full((9, 3), 380.0), 1e8, rng), reverse=sides(np.full((9, 3), 370.0), 1e8, rng)
        )
        false += quiet.zone(0.0, 1.5 * nm).classes() != ("neither",) * 3
    assert 0.93 < np.mean(inside) < 0.97
    assert false / 150 < 0.10  # 5 % expected, three standard deviations above


def test_sides_of_a_fit_hold_what_was_simulated() -> None:
    """End to end: spectra, fits with an occupation for each mode, gain and loss of each within their errors."""
    modes = toy.modes_of(4e-4, 6e-4, 5e-4)
    plan = EelsExperiment(left=modes, electrons=3e8, columns=6, rows=12, temperature=400.0, energy=toy.ENERGY * meV)
    kelvin = np.array([400.0, 420.0, 380.0])
    x = (np.arange(-6, 6) + 0.5) * nm
    energy = toy.QUANTA * meV
    n = 1 / np.expm1(energy / (k_B * kelvin))
    source = Occupation(x, energy, np.tile(n, (x.size, 1)))
    image = simulate_spectra(plan, source, seed=5)
    for tie in ("occupation", "each"):
        found = mode_sides(fit_spectra(image, SpectrumModel(modes, tie=tie)))
        strength = np.array([4e-4, 6e-4, 5e-4])
        pulls = np.concatenate([found.gain / (strength * n) - 1, found.loss / (strength * (n + 1)) - 1], axis=1)
        sigma = np.sqrt(np.einsum("xii->xi", found.covariance)) / np.concatenate([strength * n, strength * (n + 1)])
        assert 0.7 < np.std(pulls / sigma) < 1.3
        assert np.abs(np.mean(pulls / sigma)) < 0.5
        pulls = (found.temperature() - kelvin) / np.sqrt(np.einsum("xii->xi", found.temperature_covariance()))
        assert 0.7 < np.std(pulls) < 1.3


def test_bad_input_is_refused() -> None:
    one = sides(temperatures(1.0), 1e9)
    short = ModeSides(
        position=X[:5], energy=QUANTA, modes=NAMES, gain=one.gain[:5], loss=one.loss[:5], covariance=one.covariance[:5]
    )
    with pytest.raises(InputError, match="same places"):
        FlowReversal(forward=one, reverse=short)
    with pytest.raises(InputError, match="widen the zone"):
        FlowReversal(forward=one, reverse=one).zone(0.4 * nm, 0.1 * nm)
    with pytest.raises(InputError, match="flux_ratio"):
        FlowReversal(forward=one, reverse=one, flux_ratio=-1.0)
