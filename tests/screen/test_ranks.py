"""Probabilities of ranks: against brute force, limits, and what a list may claim."""

import numpy as np
import pytest

from kapitza import dmm, measured, solid
from kapitza.screen import Ranking, library_table, screen
from kapitza.screen.kernels import BIN_COUNT, BINS_PER_OCTAVE, LOWEST_OCTAVE, count_conductances
from kapitza.screen.ranks import bin_logarithms, calibrated_errors, catalogue_error, rank_probabilities


def test_probabilities_are_those_of_all_pairs_drawn() -> None:
    """A list of 5 of 300 pairs, the others known by their histogram, as if all had been drawn one by one."""
    rng = np.random.default_rng(1)
    center = np.sort(rng.normal(0, 1.5, 300))[::-1]
    sigma, best = 0.7, 10
    drawn = center + sigma * rng.standard_normal((4000, 300))
    wanted = np.mean(drawn >= np.sort(drawn, axis=1)[:, -best][:, None], axis=0)[:5]
    counts, edges = np.histogram(center[5:], 400)
    others = ((edges[1:] + edges[:-1]) / 2, counts.astype(float), sigma)
    found = rank_probabilities(center[:5], np.full(5, sigma), others, best, sign=1)
    assert np.abs(found - wanted).max() <= 0.04
    mirrored = rank_probabilities(-center[:5], np.full(5, sigma), (-others[0], others[1], sigma), best, sign=-1)
    assert np.abs(mirrored - found).max() <= 0.03


def test_limits_of_probabilities() -> None:
    nobody = (np.zeros(0), np.zeros(0), 0.9)
    median, spread = np.array([3.0, 1.0, 0.0]), np.full(3, 1e-6)
    assert rank_probabilities(median, spread, nobody, 5, sign=1).tolist() == [1, 1, 1]
    assert rank_probabilities(median, spread, nobody, 2, sign=1).tolist() == [1, 1, 0]
    assert rank_probabilities(median, spread, nobody, 1, sign=-1).tolist() == [0, 0, 1]
    crowd = (np.array([2.9]), np.array([1e7]), 0.9)
    assert rank_probabilities(median, np.full(3, 0.9), crowd, 10, sign=1).max() <= 0.01


def test_bins_hold_their_conductances() -> None:
    value = np.exp(np.linspace(-10, 30, 500))
    middle = bin_logarithms(LOWEST_OCTAVE, BINS_PER_OCTAVE, BIN_COUNT)
    for one in value[::50]:
        counts = np.zeros((1, BIN_COUNT), np.int64)
        count_conductances(np.array([[one]]), counts)
        assert abs(middle[counts[0].argmax()] - np.log(one)) <= 0.5 / BINS_PER_OCTAVE


def test_the_error_of_the_model_is_that_of_the_catalogue() -> None:
    error = catalogue_error(300.0, "emitted", "quantum")
    assert error.contacts >= 60
    assert 0.05 <= error.ratio <= 0.5  # Debye solids conduct too well
    assert 1.5 <= np.exp(error.spread) <= 4
    assert catalogue_error(2000.0, "emitted", "quantum") == error  # nobody measures there
    one = next(m for m in measured("Al", "Si", 300) if not m.exclusion)
    ratio = one.conductance.value[one.near(300)[0]] / dmm(solid("Al"), solid("Si")).conductance(300).value
    assert abs(np.log(ratio / error.ratio)) <= 3 * error.spread


@pytest.mark.parametrize("order", ["high", "low"])
def test_a_longer_list_claims_the_same(order: str) -> None:
    materials = library_table()
    short, long = (
        screen(materials, 300, partners=["Si"], ranking=Ranking(top=top, order=order))  # pyright: ignore[reportArgumentType]
        for top in (8, 100)
    )
    assert np.abs(long.probability[:8] - short.probability).max() <= 0.1  # few others are no Poisson process
    assert abs(long.probability.sum() - 10) <= 1e-9
    ratio = catalogue_error(300.0, "emitted", "quantum").ratio
    assert np.abs(short.expected / (ratio * short.conductance) - 1).max() <= 1e-12
    if order == "high":
        all_pairs = screen(materials, 300, ranking=Ranking(top=5))
        assert all_pairs.probability.max() < 0.2 < long.probability[0]  # the best of many are less certain
    assert np.isnan(screen(materials.select([0, 1, 2]), 300, ranking=Ranking(each=True)).probability).all()


@pytest.mark.slow
def test_calibrated_pairs_have_their_own_error() -> None:
    materials = library_table()
    row = {name: i for i, name in enumerate(materials.names)}
    pair = row["Al"], row["Si"]
    found = calibrated_errors(materials, [pair, (row["Al"], row["Cu"])], np.array([300.0]))
    assert list(found) == [pair]  # electrons cross between metals
    assert 4e7 <= found[pair][0][0] <= 4e8
    assert found[pair][1][0] < catalogue_error(300.0, "emitted", "quantum").spread
