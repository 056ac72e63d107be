"""The view Spectra without its page: maps, a pixel with its fit, the jump, and the figures that are drawn."""

from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.errors import DataError, InputError
from kapitza.io.results import save
from kapitza.measure.eels.map import PixelFlag, TemperatureMap
from kapitza.measure.eels.model import SpectrumModel, VibrationalMode, channel_grid, expected_spectrum
from kapitza.measure.eels.quality import assess_spectra
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import meV, nm
from kapitza.web.figures.spectra import map_figure, modes_figure, profile_figure, spectrum_figure
from kapitza.web.figures.style import coarse_map, round_numbers
from kapitza.web.models.spectra import (
    JumpSettings,
    Scan,
    is_map_file,
    jump_rows,
    map_choices,
    mode_rows,
    modes_of_rows,
    nearest_pixel,
    occupations,
    open_maps,
    pixel_counts,
    pixel_spectrum,
    pixel_text,
    profile_table,
    see_jump,
    spectra_texts,
    verdict_lines,
)

MODES = (VibrationalMode("LA", 47 * meV, 5 * meV), VibrationalMode("TO", 90 * meV, 5 * meV))
ENERGY = np.arange(-200, 200.5, 1.0) * meV
Y, X = np.arange(3) * 2 * nm, np.arange(-10, 10) * 2 * nm + 1 * nm
KELVIN = np.where(X < 0, 388 - 0.2 / nm * X, 372 - 0.15 / nm * X) * np.ones((3, 1))  # a jump of 16 K at 0


def made_map(tie: str) -> TemperatureMap:
    """A map without noise, as a perfect fit would give it, with errors of 1 K."""
    model = SpectrumModel(MODES, tie=tie)  # pyright: ignore[reportArgumentType]
    ties = [KELVIN] * model.ties
    flat = [1e7, 0.3 * meV, 8 * meV, 0.02, 47 * meV, 5 * meV, 5e3, 90 * meV, 5 * meV, 6e3]
    value = np.stack([*(np.full(KELVIN.shape, one) for one in flat), *ties], axis=-1)
    sigma = np.array([*(1e-3 * one for one in flat), *[1.0] * model.ties])
    covariance = np.broadcast_to(np.diag(sigma**2), (*KELVIN.shape, sigma.size, sigma.size))
    ones = np.ones(KELVIN.shape)
    return TemperatureMap(
        position=(Y, X), names=model.names, value=value, covariance=covariance, flag=np.zeros(KELVIN.shape, dtype=int),
        pvalue=0.5 * ones, deviance=(400.0 if tie == "common" else 399.0) * ones, iterations=4 * ones.astype(int),
        modes=("LA", "TO"), dispersion=ones,
    )  # fmt: skip


def electrons_of(found: TemperatureMap) -> Array:
    """(3, 20, n) expected electrons."""
    image = SpectrumImage(np.zeros((1, ENERGY.size)), ENERGY, (np.zeros(1),))
    model = SpectrumModel(MODES)
    x = found.value.reshape(-1, len(found.names)) / model.units(image.step)
    return expected_spectrum(model, channel_grid(model, image.energy), x)[0].reshape(*found.shape, -1)


@pytest.fixture(scope="module")
def maps() -> dict[str, TemperatureMap]:
    return {tie: made_map(tie) for tie in ("common", "each")}


@pytest.fixture(scope="module")
def scan(maps: dict[str, TemperatureMap]) -> Scan:
    counts = np.random.default_rng(2).poisson(electrons_of(maps["common"]))
    image = SpectrumImage(counts, ENERGY, (Y, X), source="scan.h5")
    return Scan(Path("scan.h5"), image, assess_spectra(image))


def test_a_pixel_beside_its_fit(scan: Scan, maps: dict[str, TemperatureMap]) -> None:
    """Counts of this pixel alone, the expected spectrum of its own numbers, residuals of unit variance."""
    found = pixel_spectrum(scan, maps, MODES, (1, 4))
    assert found is not None
    np.testing.assert_allclose(found.counted, scan.image.block(24, 25)[0], rtol=0, atol=0)
    np.testing.assert_allclose(found.expected, electrons_of(maps["common"])[1, 4], rtol=1e-12, atol=0)
    assert 0.8 < float(np.mean(found.score**2)) < 1.2
    drawn = spectrum_figure("light", pixel_counts(scan, (1, 4)), found)
    np.testing.assert_allclose(drawn["data"][1]["y"], found.expected, rtol=1e-4, atol=0)
    np.testing.assert_allclose(drawn["data"][0]["x"], found.energy / meV, rtol=1e-4, atol=1e-3)
    titles = [drawn["layout"][name]["title"]["text"] for name in ("xaxis", "yaxis", "yaxis2")]
    assert titles == ["energy loss from the zero-loss peak (meV)", "electrons per channel", "residual (σ)"]


def test_a_pixel_without_a_fit_shows_its_counts(scan: Scan, maps: dict[str, TemperatureMap]) -> None:
    assert pixel_spectrum(scan, {}, MODES, (0, 0)) is None
    flag = np.zeros(KELVIN.shape, dtype=int)
    flag[0, 0] = int(PixelFlag.DEAD)
    bad = {"common": evolve(maps["common"], flag=flag)}
    assert pixel_spectrum(scan, bad, MODES, (0, 0)) is None
    assert "too few electrons" in pixel_text(bad, (Y, X), (0, 0))
    drawn = spectrum_figure("dark", pixel_counts(scan, (0, 0)), None)
    assert drawn["layout"]["xaxis"]["title"]["text"] == "energy loss (meV)"
    shown = next(one for one in map_choices(None, bad) if one.name == "temperature")
    assert np.isnan(shown.values[0, 0])
    assert np.isfinite(shown.values).sum() == KELVIN.size - 1


def test_the_map_is_that_of_the_record(scan: Scan, maps: dict[str, TemperatureMap]) -> None:
    choices = map_choices(scan, maps)
    assert [one.label for one in choices[:2]] == ["temperature (K)", "uncertainty of temperature (K)"]
    drawn = map_figure("light", (Y, X), choices[0], pixel=(1, 4), interface=0.0)
    np.testing.assert_allclose(drawn["data"][0]["z"], KELVIN, rtol=1e-4, atol=0)
    np.testing.assert_allclose(drawn["data"][0]["x"], X / nm, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose([drawn["data"][1]["x"], drawn["data"][1]["y"]], [[-11], [2]], rtol=1e-9, atol=0)
    assert drawn["layout"]["yaxis"]["title"]["text"] == "y (nm)"
    assert nearest_pixel((Y, X), (2.2 * nm, -11.3 * nm)) == (1, 4)


@pytest.mark.parametrize("shape", [(500, 500), (301, 997), (2, 100_000)])
def test_a_large_map_is_drawn_as_means(shape: tuple[int, int]) -> None:
    """Few enough blocks, whose means keep those of the map; an even slope stays where it is."""
    rows, columns = (np.arange(n, dtype=float) for n in shape)
    values = rows[:, None] + 0.5 * columns
    y, x, means = coarse_map((rows, columns), values)
    assert means.size <= 70_000
    np.testing.assert_allclose(means, y[:, None] + 0.5 * x, rtol=1e-12, atol=0)
    holed = values.copy()
    holed[0, 0] = holed[1, -1] = np.nan
    assert np.isfinite(coarse_map((rows, columns), holed)[2]).all()  # a pixel without a fit leaves no hole of a block


def test_the_jump_is_that_of_the_profile(maps: dict[str, TemperatureMap]) -> None:
    seen = see_jump(maps, JumpSettings(0.0, skip=2 * nm))
    assert seen.found is not None
    np.testing.assert_allclose(seen.found.jump.jump, 16.0, rtol=1e-6, atol=0)
    np.testing.assert_allclose(seen.found.jump.kapitza_lengths, [80 * nm, 16 / 0.15 * nm], rtol=1e-5, atol=0)
    assert jump_rows(seen.found)[0]["value"].startswith("16.00 ± ")
    drawn = profile_figure("light", seen)
    np.testing.assert_allclose(drawn["data"][0]["y"], KELVIN[0], rtol=1e-4, atol=0)
    np.testing.assert_allclose(drawn["data"][2]["y"][1] - drawn["data"][3]["y"][1], 16.0, rtol=1e-3, atol=0)
    assert drawn["data"][0]["marker"]["symbol"].count("circle-open") == 2  # left out on either side
    far = see_jump(maps, JumpSettings(500 * nm))
    assert far.found is None
    assert "points right" in far.fault
    assert len(profile_figure("dark", far)["data"]) == 1
    with pytest.raises(InputError, match="one temperature"):
        see_jump({"each": maps["each"]}, JumpSettings(0.0))
    assert len(profile_table(seen).splitlines()) == 1 + X.size


def test_modes_share_a_temperature_in_equilibrium(maps: dict[str, TemperatureMap]) -> None:
    found = occupations(maps)
    assert found is not None
    drawn = modes_figure("light", found, 0.0)
    assert [one["name"] for one in drawn["data"]] == ["LA, 47 meV", "TO, 90 meV"]
    for one in drawn["data"]:
        np.testing.assert_allclose(one["y"], KELVIN[0], rtol=1e-4, atol=0)
    assert any("out of equilibrium in 0 of 60 pixels" in line for line in verdict_lines(maps))


def test_maps_and_modes_of_files(tmp_path: Path, maps: dict[str, TemperatureMap]) -> None:
    path = save(maps, tmp_path / "map.npz")
    assert is_map_file(path)
    np.testing.assert_allclose(open_maps(path)["each"].value, maps["each"].value, rtol=0, atol=0)
    modes = tmp_path / "modes.toml"
    texts = spectra_texts(
        "scan.h5", [{"name": "LA", "energy": "47", "width": "5 meV"}], JumpSettings(1 * nm, across="y")
    )
    modes.write_text(texts["TOML"], encoding="utf-8")
    assert modes_of_rows(mode_rows(modes))[0] == MODES[0]
    assert "--at=1nm" in texts["Command line"]
    assert "--across y" in texts["Command line"]
    compile(texts["Python"], "copied", "exec")
    with pytest.raises(InputError, match="no modes"):
        modes_of_rows([])
    with pytest.raises(InputError, match="energy of mode LA"):
        modes_of_rows([{"name": "LA", "energy": "many", "width": "5"}])
    empty = save({"a": 1.0}, tmp_path / "other.json")
    with pytest.raises(DataError, match="neither spectra nor temperature maps"):
        open_maps(empty)


def test_numbers_are_sent_short() -> None:
    assert round_numbers([1.23456789, 0.0, -1234567.0, np.nan, np.inf, 1.5e-12]) == [
        1.2346,
        0.0,
        -1234600.0,
        None,
        None,
        1.5e-12,
    ]
    assert round_numbers([[1.0, 2.0]]) == [[1.0, 2.0]]
