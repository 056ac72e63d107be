"""Files of modes and plans: read as they are meant, every fault with its line; spectra that are written come back."""

from pathlib import Path

import numpy as np
import pytest

from kapitza.errors import DataError, InputError
from kapitza.io.eels.experiments import read_eels_experiment, read_modes
from kapitza.io.eels.nion import write_eels
from kapitza.io.eels.spectra import read_eels
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import e, meV, nm

MODE = '[[mode]]\nname = "TO"\nenergy = "82 meV"\nwidth = "4.5 meV"\nleft = 6e-4\nright = 1.2e-4\n'


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_modes_file(tmp_path: Path) -> None:
    text = (
        'shape = "split"\nbackground = 2\n' + MODE + '[[interface]]\nname = "a"\nenergy = "70 meV"\nfwhm = "0.01 eV"\n'
    )
    found = read_modes(written(tmp_path / "m.toml", text), tie="each")
    assert (found.model.shape, found.model.tie, found.model.background) == ("split", "each", 2)
    np.testing.assert_allclose(found.model.modes[0].energy, 82 * meV, rtol=1e-12, atol=0)
    np.testing.assert_allclose(found.interface[0].fwhm, 10 * meV, rtol=1e-12, atol=0)


def test_plan_file(tmp_path: Path) -> None:
    text = (
        '[beam]\ncurrent = "5 pA"\ndwell = "20 ms"\n'
        '[spectrometer]\nresolution = "10 meV"\ntail = 0.01\nchannels = 512\nstep = "1 meV"\ndark = 2.0\n'
        'dark_sigma = 3\ndrift = "0.2 meV"\n'
        '[scan]\ncolumns = 12\nrows = 7\npitch = "2 nm"\nskip = "3 nm"\n'
        '[spread]\nwidth = "0.5 nm"\nshare = "20 %"\nlength = "15 nm"\n'
        '[sample]\ntemperature = "400 K"\njump = "10 K"\n'
        'gradient_left = "-0.2 K/nm"\ngradient_right = "-100 K/um"\n'
    )
    found = read_eels_experiment(written(tmp_path / "p.toml", text + MODE + '[wanted]\nkapitza_left = "3 nm"\n'))
    plan = found.experiment
    np.testing.assert_allclose(plan.dose, 5e-12 * 0.02 / e, rtol=1e-12, atol=0)
    np.testing.assert_allclose((plan.gradient_left, plan.gradient_right), (-2e8, -1e8), rtol=1e-12, atol=0)
    np.testing.assert_allclose(plan.energy[[0, -1]] / meV, (-256, 255), rtol=1e-9, atol=0)
    assert (plan.columns, plan.rows, *plan.dark_variance, *plan.dark) == (12, 7, 9.0, 2.0)
    assert (plan.spread.share, found.targets) == (0.2, {"kapitza_left": 3 * nm})
    np.testing.assert_allclose((plan.left[0].intensity, plan.right[0].intensity), (6e-4, 1.2e-4), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        (MODE.replace('"82 meV"', '"82 K"'), "is a unit of temperature", 3),
        (MODE.replace("energy", "enrgy"), "did you mean 'energy'", 3),
        (MODE.replace('"4.5 meV"', '"-4.5 meV"'), "wanted a finite number above 0", None),
        ('shape = "round"\n' + MODE, "expected 'pseudo-voigt'", 1),
        ("background = 1.5\n" + MODE, "whole number", 1),
        ('shape = "split"\n', "no temperature", None),
        (MODE + MODE, "same name", None),
        ('[[interface]]\nname = "a"\nenergy = "0 meV"\nfwhm = "1 meV"\n' + MODE, "mode 'a'", None),
        ("mode = 3\n", "expected tables", 1),
        ("[[mode]\n", "not TOML", 1),
    ],
)
def test_faults_of_modes_files(tmp_path: Path, text: str, said: str, line: int | None) -> None:
    with pytest.raises(DataError, match=said) as caught:
        read_modes(written(tmp_path / "m.toml", text))
    assert caught.value.file is not None
    if line is not None:
        assert caught.value.line == line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MODE.replace("left = 6e-4\n", ""), "has no intensity"),
        ("[scan]\ncolumns = -1\n" + MODE, "whole number"),
        ("[scan]\ncolumns = 1\n" + MODE, "wanted a finite number above 1"),
        ("[spread]\nshare = 2\n" + MODE, "wanted 0 to 1"),
        ('[spectrometer]\nstep = "-1 meV"\n' + MODE, "above 0"),
        ("[spectrometer]\nchannels = 9999999999\n" + MODE, "whole number"),
        ('[wanted]\nsize = "1 K"\n' + MODE, "known are jump"),
        ('[sample]\njump = "1000 K"\n' + MODE, "goes below 0 K"),
        ('[beam]\ncurrent = "nan pA"\n' + MODE, "expected a number"),
    ],
)
def test_faults_of_plans(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_eels_experiment(written(tmp_path / "p.toml", text))


@pytest.mark.parametrize("suffix", ["h5", "ndata"])
@pytest.mark.parametrize("shape", [(), (5,), (3, 4)])
def test_spectra_come_back(tmp_path: Path, suffix: str, shape: tuple[int, ...]) -> None:
    if suffix == "h5":
        pytest.importorskip("h5py")
    counts = np.random.default_rng(1).poisson(5.0, (*shape, 64)).astype(np.int32)
    axes = tuple((np.arange(n) * 2 - 1.5) * nm for n in shape)
    image = SpectrumImage(
        counts, (np.arange(64) - 20.3) * meV, axes, electrons_per_count=2.0, dark=1.5, exposure=0.25,
        metadata={"title": "scan", "seed": 4, "list": [1]},
    )  # fmt: skip
    found = read_eels(write_eels(image, tmp_path / f"s.{suffix}"))
    np.testing.assert_array_equal(found.counts[...], counts)
    np.testing.assert_allclose(found.energy, image.energy, rtol=1e-9, atol=1e-9 * meV)
    for one, other in zip(found.position, axes, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=0)
    assert (found.electrons_per_count, found.exposure, float(found.dark[0])) == (2.0, 0.25, 1.5)


def test_faults_of_writing(tmp_path: Path) -> None:
    uneven = SpectrumImage(np.ones((3, 8)), np.arange(8) * meV, (np.array([0, 1, 5]) * nm,))
    with pytest.raises(InputError, match="unknown file ending"):
        write_eels(uneven, tmp_path / "s.hspy")
    with pytest.raises(InputError, match="not evenly spaced"):
        write_eels(uneven, tmp_path / "s.ndata")
