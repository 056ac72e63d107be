"""Occupations and the test of equilibrium: corrections that keep their promise, power that is what is said."""

from typing import Any

import numpy as np
import pytest
import toy
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kapitza.errors import InputError
from kapitza.measure.eels.experiment import EelsExperiment, cramer_rao, planned_model
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.map import PixelFlag, TemperatureMap
from kapitza.measure.eels.populations import adjust_pvalues, departure_power, departure_test, mode_occupations
from kapitza.units import k_B, meV, nm

MODES = ("a", "b", "c")
QUANTA = np.array([47.0, 82.0, 97.0]) * meV
COVARIANCE = np.diag([5.9, 4.2, 20.0]) ** 2 + 4.0  # K², as three modes at 6e7 electrons have


def made(
    temperature: np.ndarray, deviance: np.ndarray, *, each: bool, flag: np.ndarray | None = None
) -> TemperatureMap:
    """A map with one temperature (...), or one for each mode (..., 3), and the energies of the modes."""
    shape = deviance.shape
    axes = tuple(np.arange(n) * nm for n in shape)
    own = tuple(f"{m}.temperature" for m in MODES) if each else ("temperature",)
    names = (*own, *(f"{m}.energy" for m in MODES))
    kelvin = temperature if each else temperature[..., None]
    value = np.concatenate([kelvin, np.broadcast_to(QUANTA, (*shape, 3))], axis=-1)
    covariance = np.zeros((*shape, len(names), len(names)))
    block = COVARIANCE if each else np.array([[1 / np.linalg.inv(COVARIANCE).sum()]])
    covariance[..., : len(own), : len(own)] = block
    flag = np.zeros(shape, int) if flag is None else flag
    return TemperatureMap(
        position=axes,
        names=names,
        value=value,
        covariance=covariance,
        flag=flag,
        pvalue=np.full(shape, 0.5),
        deviance=deviance,
        iterations=np.ones(shape, int),
        modes=MODES,
    )


def fitted(rng: np.random.Generator, shape: tuple[int, ...], off: np.ndarray) -> tuple[TemperatureMap, TemperatureMap]:
    """Maps as fits of normal temperatures would give them: the common one is the best mean."""
    kelvin = 400 + off + rng.multivariate_normal(np.zeros(3), COVARIANCE, shape)
    weight = np.linalg.inv(COVARIANCE)
    common = kelvin @ weight.sum(axis=0) / weight.sum()
    left = kelvin - common[..., None]
    deviance = np.einsum("...i,ij,...j->...", left, weight, left)
    return made(common, 1000 + deviance, each=False), made(kelvin, np.full(shape, 1000.0), each=True)


def test_alarm_rate_in_equilibrium_is_nominal() -> None:
    test = departure_test(*fitted(np.random.default_rng(1), (100, 200), np.zeros(3)), correction="none")
    assert test.freedom == 2
    assert abs(test.significant.mean() - 0.05) < 0.005
    assert stats.kstest(test.pvalue.ravel(), "uniform").pvalue > 0.01


def test_correction_keeps_the_whole_map_quiet() -> None:
    rng = np.random.default_rng(2)
    alarms = [departure_test(*fitted(rng, (8, 32), np.zeros(3))).significant.any() for _ in range(400)]
    assert abs(np.mean(alarms) - 0.05) < 0.035


def test_false_discovery_rate() -> None:
    rng = np.random.default_rng(3)
    share = []
    for _ in range(60):
        p = np.concatenate([rng.uniform(size=400), stats.norm.sf(rng.normal(4, 1, 100)) * 2])
        found = adjust_pvalues(p, "benjamini-hochberg") <= 0.05
        share.append(found[:400].sum() / max(found.sum(), 1))
    np.testing.assert_allclose(np.mean(share), 0.05 * 0.8, rtol=0.25, atol=0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_corrections_never_sharpen_and_keep_the_order(values: list[float]) -> None:
    p = np.array(values)
    holm, rate = adjust_pvalues(p), adjust_pvalues(p, "benjamini-hochberg")
    assert (holm >= p).all()
    assert (rate >= p * (1 - 1e-12)).all()
    assert (holm >= rate * (1 - 1e-12)).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(holm[order]) >= 0).all()
    assert (np.diff(rate[order]) >= 0).all()
    if np.unique(p).size == p.size:  # by the definition: reject in turn until the first that is above level/(n - k)
        for level in (0.01, 0.05, 0.5):
            steps = p[order] <= level / (p.size - np.arange(p.size))
            first = p.size if steps.all() else int(np.argmin(steps))
            assert (holm <= level).sum() >= first
            inside = p[order] * (p.size - np.arange(p.size)) <= level
            assert (holm <= level).sum() == (p.size if inside.all() else int(np.argmin(inside)))


def test_false_discovery_rate_against_another_implementation() -> None:
    p = np.random.default_rng(4).uniform(size=57) ** 2
    np.testing.assert_allclose(
        adjust_pvalues(p, "benjamini-hochberg"), stats.false_discovery_control(p), rtol=1e-12, atol=0
    )


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_power_is_the_rate_of_alarms(mode: int) -> None:
    off = np.zeros(3)
    off[mode] = 30.0
    test = departure_test(*fitted(np.random.default_rng(5), (60, 100), off), correction="none")
    power = departure_power(COVARIANCE, off)
    np.testing.assert_allclose(test.significant.mean(), power, rtol=0, atol=4 * np.sqrt(0.25 / 6000))


def test_power_of_no_departure_is_the_level() -> None:
    np.testing.assert_allclose(departure_power(COVARIANCE, np.full(3, 30.0)), 0.05, rtol=1e-6, atol=0)


def test_pixels_together_see_more() -> None:
    weak = departure_test(*fitted(np.random.default_rng(6), (8, 32), np.array([6.0, 0.0, 0.0])))
    assert weak.significant.mean() < 0.02
    assert weak.combined_pvalue() < 1e-3
    where = np.zeros((8, 32), bool)
    where[:, :4] = True
    assert weak.combined_pvalue(where) > weak.combined_pvalue()


def test_failed_fits_are_left_out() -> None:
    common, each = fitted(np.random.default_rng(7), (4, 5), np.zeros(3))
    flag = np.zeros((4, 5), int)
    flag[1, 2] = int(PixelFlag.UNCONVERGED)
    spoilt = made(common.temperature, common.deviance, each=False, flag=flag)
    test = departure_test(spoilt, each)
    assert np.isnan(test.pvalue[1, 2])
    assert np.isnan(test.adjusted_pvalue[1, 2])
    assert not test.significant[1, 2]
    assert np.isfinite(test.adjusted_pvalue).sum() == 19


@pytest.mark.parametrize("strengths", [(4e-4, 6e-4, 1e-4), (4e-4, 1.2e-4, 5e-4)])
@pytest.mark.parametrize("pixels", [600, pytest.param(20000, marks=pytest.mark.slow)])
def test_alarm_rate_of_fitted_spectra_in_equilibrium(strengths: tuple[float, ...], pixels: int) -> None:
    pytest.importorskip("numba")
    test = departure_test(*fits(strengths, 400.0, pixels, seed=3), correction="none")
    tested = np.isfinite(test.pvalue)
    assert tested.mean() > 0.99
    rate = test.significant[tested].mean()
    assert abs(rate - 0.05) < (0.01 if pixels > 5000 else 0.01 + 2 * np.sqrt(0.05 * 0.95 / pixels))
    assert stats.kstest(test.pvalue[tested], "uniform").pvalue > 1e-3


@pytest.mark.parametrize("pixels", [300, pytest.param(4000, marks=pytest.mark.slow)])
def test_power_at_a_mode_that_is_thirty_kelvin_off(pixels: int) -> None:
    """6e7 electrons: the strong mode of 82 meV is found in most pixels, the weak one of 97 meV hardly."""
    pytest.importorskip("numba")
    strengths = (4e-4, 6e-4, 1e-4)
    plan = EelsExperiment(
        left=toy.modes_of(*strengths), right=toy.modes_of(*strengths), temperature=400.0, electrons=6e7
    )
    place = planned_model(plan, "left", "each").first_tie
    bound = cramer_rao(plan, tie="each")[place:, place:]
    said = {}
    for j, least, most in ((0, 0.9, 1.0), (1, 0.9, 1.0), (2, 0.1, 0.4)):
        off = np.zeros(3)
        off[j] = 30.0
        said[j] = departure_power(bound, off)
        test = departure_test(*fits(strengths, 400.0 + off, pixels, seed=4 + j), correction="none")
        rate = np.mean(test.significant[np.isfinite(test.pvalue)])
        assert least < said[j] <= most, said
        np.testing.assert_allclose(rate, said[j], rtol=0, atol=0.02 + 3 * np.sqrt(0.25 / pixels))


def fits(strengths: tuple[float, ...], kelvin: Any, pixels: int, seed: int) -> tuple[TemperatureMap, TemperatureMap]:
    """The same simulated spectra fitted with one temperature and with three."""
    rows = np.broadcast_to(np.asarray(kelvin, dtype=float), (1, 3))
    mean = toy.expected_counts(toy.modes_of(*strengths), rows, 6e7)[0]
    counts = np.random.default_rng(seed).poisson(mean, (pixels, mean.size)).astype(np.int32)
    free = toy.modes_of(None, None, None)
    return fit_spectra(toy.image_of(counts), free), fit_spectra(toy.image_of(counts), free, tie="each")


def test_occupations_are_means_over_rows() -> None:
    _, each = fitted(np.random.default_rng(8), (16, 6), np.array([0.0, 30.0, 0.0]))
    found = mode_occupations(each)
    assert found.modes == MODES
    np.testing.assert_allclose(found.energy, QUANTA, rtol=1e-12, atol=0)
    x = QUANTA / (k_B * each.value[..., :3])
    np.testing.assert_allclose(found.value, (1 / np.expm1(x)).mean(axis=0), rtol=1e-10, atol=0)
    off = (found.temperature()[:, 1] - 430) / found.temperature_sigma()[:, 1]
    assert np.abs(off).max() < 4
    wanted = np.sqrt(COVARIANCE[0, 0] / 16)
    np.testing.assert_allclose(found.temperature_sigma()[:, 0], wanted, rtol=0.05, atol=0)


def test_occupations_that_were_fitted_are_taken_as_they_are() -> None:
    value = np.array([[0.45, 0.1, 47 * meV, 82 * meV], [0.40, 0.09, 47 * meV, 82 * meV]])
    covariance = np.zeros((2, 4, 4))
    covariance[:, 0, 0], covariance[:, 1, 1] = 1e-4, 4e-6
    names = ("a.occupation", "b.occupation", "a.energy", "b.energy")
    found = mode_occupations(
        TemperatureMap(
            position=(np.arange(2) * nm,),
            names=names,
            value=value,
            covariance=covariance,
            flag=[0, 0],
            pvalue=[1, 1],
            deviance=[1, 1],
            iterations=[1, 1],
            modes=("a", "b"),
        )
    )
    np.testing.assert_allclose(found.value, value[:, :2], rtol=1e-12, atol=0)
    np.testing.assert_allclose(found.sigma, [[1e-2, 2e-3]] * 2, rtol=1e-12, atol=0)


def test_faults_say_what_was_wanted() -> None:
    common, each = fitted(np.random.default_rng(10), (4, 5), np.zeros(3))
    with pytest.raises(InputError, match="not of the same image"):
        departure_test(fitted(np.random.default_rng(1), (2, 2), np.zeros(3))[0], each)
    with pytest.raises(InputError, match="against one for all"):
        departure_test(each, common)
    with pytest.raises(InputError, match="neither an occupation nor a temperature"):
        mode_occupations(common)
    with pytest.raises(InputError, match="2 energies for 3 modes"):
        mode_occupations(each, energy=[1.0, 2.0])
    with pytest.raises(InputError, match="unknown correction"):
        adjust_pvalues([0.1], "bonferroni")

    with pytest.raises(InputError, match="expected one each"):
        departure_power(COVARIANCE, [1.0])
