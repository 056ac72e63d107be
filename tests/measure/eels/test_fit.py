"""Fits of single spectra: as good as can be, honest about it, the same on every road, and never stopped by a pixel."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import toy
from attrs import evolve
from scipy import stats

from kapitza.errors import InputError, MissingEngine
from kapitza.measure.eels import fit
from kapitza.measure.eels.experiment import fisher_information
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.fitting.problem import FitConstraints
from kapitza.measure.eels.map import PixelFlag, TemperatureMap
from kapitza.measure.eels.model import SpectrumModel, TieChoice, VibrationalMode
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.measure.fit import fit as any_fit
from kapitza.measure.problem import Prior
from kapitza.run.store import Store
from kapitza.units import meV

KELVIN = 430.0
STRENGTHS = (4e-4, 6e-4, 1e-4)
MODES: tuple[VibrationalMode, ...] = toy.modes_of(None, None, None)


def scan(
    pixels: int, dose: float = 6e7, strengths: tuple[float, ...] = STRENGTHS, *, seed: int = 3, kelvin: float = KELVIN
) -> SpectrumImage:
    """A line of one temperature, with counting noise."""
    mean = toy.expected_counts(toy.modes_of(*strengths), kelvin, dose)
    return toy.image_of(np.random.default_rng(seed).poisson(mean, (pixels, mean.size)).astype(float))


def least(dose: float) -> float:
    """Standard deviation of a temperature that no unbiased estimator undercuts, K."""
    model = SpectrumModel(toy.modes_of(*STRENGTHS))
    values = {"amplitude": dose, "centre": 0.0, "fwhm": 8 * meV, "lorentzian": 0.02, "temperature": KELVIN}
    for mode in model.modes:
        values |= {f"{mode.name}.energy": mode.energy, f"{mode.name}.width": mode.width}
        values[f"{mode.name}.intensity"] = dose * (mode.intensity or 0.0)
    found = fisher_information(model, toy.ENERGY * meV, values)
    scale = 1 / np.sqrt(np.diag(found))
    covariance = np.linalg.inv(found * np.outer(scale, scale)) * np.outer(scale, scale)
    at = model.names.index("temperature")
    return float(np.sqrt(covariance[at, at]))


def share(found: TemperatureMap, flag: PixelFlag) -> float:
    return float(np.mean((found.flag & int(flag)) != 0))


@pytest.mark.parametrize("dose", [6e6, 6e7, 6e8])
def test_no_estimator_could_do_better(dose: float) -> None:
    """Scatter at the bound of Cramér and Rao, no bias, intervals that cover, p-values that are uniform."""
    found = fit_spectra(scan(1500, dose), MODES)
    assert found.good.all()
    off = found.temperature - KELVIN
    bound = least(dose)
    assert abs(off.std(ddof=1) / bound - 1) < 0.05
    assert abs(off.mean()) < 0.1 * bound
    assert 0.93 < np.mean(np.abs(off) < stats.norm.ppf(0.975) * found.sigma) < 0.97
    assert stats.kstest(found.pvalue, "uniform").pvalue > 0.01


def test_the_bound_is_the_one_that_was_found_before() -> None:
    """Published with the reference scan for this spectrum at 6e7 electrons: 3.38 K with rounded intensities."""
    np.testing.assert_allclose(least(6e7), 3.5, rtol=0.05, atol=0)
    np.testing.assert_allclose(least(6e6) / least(6e8), 10.0, rtol=1e-6, atol=0)


def test_a_missing_mode_shows() -> None:
    found = fit_spectra(scan(200, 6e8), MODES[:2])
    assert np.median(found.pvalue) < 1e-3
    assert share(found, PixelFlag.MISFIT) > 0.5


@pytest.mark.parametrize("tie", ["common", "each", "occupation"])
@pytest.mark.parametrize("strengths", [(4e-4, 6e-4, 0.0), (0.0, 6e-4, 0.0), (0.0, 0.0, 0.0)])
def test_a_search_ends_where_modes_vanish(tie: TieChoice, strengths: tuple[float, ...]) -> None:
    """Fewer than one in a thousand does not settle; what the data do not tell is flagged."""
    found = fit_spectra(scan(500, strengths=strengths, seed=7), MODES, tie=tie)
    assert np.count_nonzero(found.flag & int(PixelFlag.UNCONVERGED)) <= 1 + 3 * (strengths[0] == 0)
    if tie == "common" and strengths[1]:
        off = (found.temperature - KELVIN)[found.good]
        assert abs(off.mean()) < 4 * off.std() / np.sqrt(off.size)
        assert 0.92 < np.mean(np.abs(off) < 1.96 * found.sigma[found.good]) < 0.98


def test_workers_change_nothing() -> None:
    image = scan(700)
    one, two = fit_spectra(image, MODES), fit_spectra(image, MODES, executor=2)
    for name in ("value", "covariance", "pvalue", "deviance", "flag", "iterations"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_the_place_of_a_pixel_changes_nothing() -> None:
    """Pixels are fitted one by one: a start given, the order and the blocks do not matter."""
    image = scan(600, seed=5)
    start = {f"{m.name}.{what}": v for m in MODES for what, v in (("energy", m.energy), ("width", m.width))}
    whole = fit_spectra(image, MODES, constraints=FitConstraints(start=start))
    turned = fit_spectra(
        evolve(image, counts=np.asarray(image.counts)[::-1].copy()), MODES, constraints=FitConstraints(start=start)
    )
    np.testing.assert_allclose(turned.temperature[::-1], whole.temperature, rtol=0, atol=2e-2 * least(6e7))


KILLED = """
import sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
import toy
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.model import SpectrumModel
from kapitza.run.store import Store
image = toy.image_of(np.load(sys.argv[2]))
fit_spectra(image, SpectrumModel(toy.modes_of(None, None, None), "pearson"), store=Store(Path(sys.argv[3])))
"""


@pytest.mark.slow
def test_a_killed_fit_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = scan(24)
    np.save(tmp_path / "counts.npy", np.asarray(image.counts))
    folder = tmp_path / "store"
    (tmp_path / "run.py").write_text(
        KILLED.replace("import toy", "import toy\nimport kapitza.measure.eels.fit as f\nf._PIXELS_PER_UNIT = 2")
    )
    arguments = [str(Path(__file__).parent), str(tmp_path / "counts.npy"), str(folder)]
    driver = subprocess.Popen([sys.executable, str(tmp_path / "run.py"), *arguments])
    deadline = time.monotonic() + 120
    while len(list(folder.rglob("*.unit"))) < 3 and driver.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    kept = len(list(folder.rglob("*.unit")))
    assert 3 <= kept < 12
    monkeypatch.setattr(fit, "_PIXELS_PER_UNIT", 2)
    seen: list[tuple[int, int]] = []
    resumed = fit_spectra(
        image,
        SpectrumModel(MODES, "pearson"),
        store=Store(folder),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[0] == (kept, 12)
    assert seen[-1] == (12, 12)
    # NumPy evaluates this shape: its last digits depend on where in memory the arrays of a process begin
    again = fit_spectra(image, SpectrumModel(MODES, "pearson")).value
    np.testing.assert_allclose(resumed.value, again, rtol=1e-9, atol=0)


def test_without_the_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(MissingEngine, match=r"fit of spectra needs numba: pip install 'kapitza\[eels\]'"):
        fit_spectra(scan(3), MODES)


def test_counts_in_other_units_are_the_same_electrons() -> None:
    image = scan(20)
    halved = evolve(image, counts=np.asarray(image.counts) / 2.5, electrons_per_count=2.5)
    np.testing.assert_allclose(
        fit_spectra(halved, MODES).temperature, fit_spectra(image, MODES).temperature, rtol=1e-6, atol=0
    )


def test_dark_counts_and_an_uneven_detector_do_not_move_the_mean() -> None:
    """Counts below zero stay what they are; the readout noise is part of the uncertainty."""
    rng = np.random.default_rng(11)
    response = 1 + 0.2 * np.sin(np.arange(1024) / 40)
    mean = toy.expected_counts(toy.modes_of(*STRENGTHS), KELVIN, 6e7) * response
    counts = rng.poisson(mean, (600, 1024)) + rng.normal(3.0, 6.0, (600, 1024))
    image = evolve(toy.image_of(counts), dark=np.array([3.0]), dark_variance=np.array([36.0]), response=response)
    found = fit_spectra(image, MODES)
    off = found.temperature - KELVIN
    assert found.good.all()
    assert share(found, PixelFlag.NEGATIVE) > 0.5
    assert abs(off.mean()) < 0.1 * off.std()
    assert 0.93 < np.std(off / found.sigma) < 1.07
    assert stats.kstest(found.pvalue, "uniform").pvalue > 0.01


def test_no_pixel_stops_a_map() -> None:
    """Dropped pixels and channels, counts below zero, an empty and a hot one, drifts: flagged, the rest untouched."""
    image = scan(40)
    counts = np.array(image.counts)
    counts[0] = np.nan
    counts[1] = 0.0
    counts[2, 100:110] = np.nan
    counts[3, 5:8] = -1.0
    counts[4] = np.roll(counts[4], 9)
    counts[5] = np.roll(counts[5], -9)
    counts[6, 500 + 12 + 164] *= 30  # on the loss line of a mode
    counts[7, 3] = np.inf
    counts[8, :] = -5.0
    counts[9] = 0.0
    counts[9, 512] = 1e6
    found = fit_spectra(toy.image_of(counts), MODES)
    flag = found.flag
    assert flag[0] & PixelFlag.DEAD
    assert flag[0] & PixelFlag.MISSING
    assert flag[1] & PixelFlag.DEAD
    assert flag[2] == PixelFlag.MISSING
    assert flag[3] == PixelFlag.NEGATIVE
    assert flag[6] & PixelFlag.MISFIT
    assert flag[7] == PixelFlag.MISSING
    assert flag[8] & PixelFlag.DEAD
    assert flag[9] != 0
    assert np.isnan(found.temperature[[0, 1, 8]]).all()
    good = [2, 3, 4, 5, 7]
    assert (np.abs(found.temperature[good] - KELVIN) < 5 * found.sigma[good]).all()
    np.testing.assert_allclose(found.parameter("centre")[[4, 5]] / (0.5 * meV), [9, -9], rtol=1e-2, atol=0)
    untouched = fit_spectra(image, MODES)
    np.testing.assert_allclose(found.temperature[10:], untouched.temperature[10:], rtol=0, atol=0.1)


def test_what_is_fixed_or_foreknown_stays() -> None:
    image = scan(30)
    fixed = {"m97.intensity": 6e3, "fwhm": 8 * meV}
    found = fit_spectra(image, MODES, constraints=FitConstraints(fixed=fixed))
    for name, value in fixed.items():
        np.testing.assert_allclose(found.parameter(name), value, rtol=1e-12, atol=0)
        np.testing.assert_array_equal(found.parameter_sigma(name), 0.0)
    cold = fit_spectra(image, MODES, constraints=FitConstraints(fixed={"temperature": 300.0}))
    np.testing.assert_allclose(cold.temperature, 300.0, rtol=1e-12, atol=0)
    tight = fit_spectra(image, MODES, constraints=FitConstraints(priors={"temperature": (400.0, 0.1)}))
    np.testing.assert_allclose(tight.temperature, 400.0, rtol=0, atol=0.5)
    np.testing.assert_allclose(tight.sigma, 0.1, rtol=0.02, atol=0)
    held = fit_spectra(image, MODES, constraints=FitConstraints(bounds={"temperature": (300.0, 400.0)}))
    assert (held.temperature <= 400.0 * (1 + 1e-12)).all()
    assert share(held, PixelFlag.AT_BOUND) > 0.9


def test_a_question_without_an_answer_is_refused() -> None:
    image = scan(3)
    with pytest.raises(InputError, match=r"no parameter 'm12\.energy'"):
        fit_spectra(image, MODES, constraints=FitConstraints(fixed={"m12.energy": 1.0}))
    with pytest.raises(InputError, match="gain side"):
        fit_spectra(evolve(image, energy=image.energy + 250 * meV), MODES)
    with pytest.raises(InputError, match="no zero-loss peak"):
        fit_spectra(toy.image_of(np.full((3, 1024), 1000.0)), MODES)
    with pytest.raises(InputError, match="electrons"):
        fit_spectra(toy.image_of(np.zeros((3, 1024))), MODES)


def test_the_verb_fits_spectra() -> None:
    image, energy = scan(5, 6e7), f"{MODES[0].name}.energy"
    got = any_fit(MODES, image, priors={energy: Prior(MODES[0].energy, 0.01, fractional=True)})
    want = fit_spectra(
        image, MODES, constraints=FitConstraints(priors={energy: (MODES[0].energy, 0.01 * MODES[0].energy)})
    )
    np.testing.assert_array_equal(got.value, want.value)
    with pytest.raises(InputError, match="a fit of spectra takes no free"):
        any_fit(MODES, image, free=[energy])
    with pytest.raises(InputError, match="holds no value before the fit"):
        any_fit(MODES, image, priors={energy: Prior.relative(0.1)})
