"""Verbs on maps of heat flow, with maps made by hand: what they print, and one line for bad input."""

from pathlib import Path

import numpy as np
import pytest

import kapitza
from kapitza.cli import main
from kapitza.eels.heat_flow import FlowReversal, LocalResistance
from kapitza.matter.building.layers import chain_junction, mass_junction
from kapitza.measure.eels.comparison import OccupationComparison
from kapitza.theory.agf.mode_classes import ModeClasses
from kapitza.units import k_B, m_u, meV, nm
from printed_json import printed

QUANTA = np.array([45.0, 70.0, 95.0]) * meV
NAMES = ("acoustic", "alpha", "beta")
X = np.arange(-10, 11) * nm
DOSE, STRENGTH = 1e9, 5e-4


def by_mode_map(sign: float, rows: int = 6, seed: int = 1) -> kapitza.eels.TemperatureMap:
    """A fit with a temperature for each mode: alpha and beta follow the flow within 1.5 nm of the plane."""
    kelvin = np.repeat((380 - sign * (6 * np.sign(X) + 0.15 * X / nm))[:, None], 3, axis=1)
    kelvin[np.abs(X) < 1.6 * nm] += sign * np.array([0, -14, 10])
    x = QUANTA / (k_B * kelvin)
    sigma = kelvin * np.sqrt(2 * np.sinh(x)) / (x * np.sqrt(DOSE * STRENGTH))
    shape = (rows, X.size)
    rng = np.random.default_rng(seed)
    names = ["amplitude"]
    value, variance = [np.full(shape, DOSE)], [np.full(shape, DOSE)]
    for j, mode in enumerate(NAMES):
        names += [f"{mode}.energy", f"{mode}.intensity", f"{mode}.temperature"]
        value += [np.full(shape, QUANTA[j]), np.full(shape, DOSE * STRENGTH)]
        value.append(kelvin[:, j] + sigma[:, j] * rng.standard_normal(shape))
        variance += [np.full(shape, (1e-4 * meV) ** 2), np.full(shape, DOSE * STRENGTH)]
        variance.append(np.broadcast_to(sigma[:, j] ** 2, shape))
    return kapitza.eels.TemperatureMap(
        position=(np.arange(rows) * nm, X),
        names=tuple(names),
        value=np.stack(value, axis=-1),
        covariance=np.stack(variance, axis=-1)[..., None] * np.eye(len(names)),
        flag=np.zeros(shape, dtype=int),
        pvalue=np.full(shape, 0.5),
        deviance=np.zeros(shape),
        iterations=np.full(shape, 5),
        modes=NAMES,
    )


def common_map(rows: int = 12) -> kapitza.eels.TemperatureMap:
    """A fit with one temperature: a gradient with a slow band at 4 nm."""
    x = np.arange(-20, 21) * nm
    kelvin = 400 - 0.1 * np.cumsum(1 + 3 * np.exp(-(((x - 4 * nm) / (2 * nm)) ** 2)))
    kelvin = np.tile(kelvin, (rows, 1)) + 0.2 * np.random.default_rng(5).standard_normal((rows, x.size))
    return kapitza.eels.TemperatureMap(
        position=(np.arange(rows) * nm, x),
        names=("amplitude", "temperature"),
        value=np.stack([np.full(kelvin.shape, DOSE), kelvin], axis=-1),
        covariance=np.broadcast_to(np.diag([DOSE, 0.04]), (*kelvin.shape, 2, 2)),
        flag=np.zeros(kelvin.shape, dtype=int),
        pvalue=np.full(kelvin.shape, 0.5),
        deviance=np.zeros(kelvin.shape),
        iterations=np.full(kelvin.shape, 5),
    )


def occupation(sigma: float, *, classical: bool) -> kapitza.Occupation:
    """Occupations of two modes along a gradient, with noise."""
    x = np.arange(-10, 11) * nm
    noise = sigma * np.random.default_rng(int(10 * sigma)).standard_normal((21, 2))
    kelvin = (400 - 0.2e9 * x)[:, None] + noise
    n = k_B * kelvin / QUANTA[:2] if classical else 1 / np.expm1(QUANTA[:2] / (k_B * kelvin))
    slope = k_B / QUANTA[:2] if classical else n * (n + 1) * QUANTA[:2] / (k_B * kelvin**2)
    statistics = "classical" if classical else "quantum"
    return kapitza.Occupation(
        x, QUANTA[:2], n, slope * sigma * np.ones((21, 2)), statistics=statistics, modes=() if classical else NAMES[:2]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with maps of both directions of the flow."""
    path = tmp_path_factory.mktemp("flow")
    for name, sign in (("forward", 1.0), ("reverse", -1.0)):
        kapitza.save({"each": by_mode_map(sign, seed=int(2 + sign))}, path / f"{name}.h5")
    kapitza.save({"common": common_map()}, path / "common.h5")
    image = np.tile(np.exp(-(((np.arange(-20, 21) - 4) / 2) ** 2)), (12, 1))
    np.savetxt(path / "dark-field.txt", image)
    for name, sigma, classical in (("measured", 1.0, False), ("simulated", 0.5, True)):
        kapitza.save(occupation(sigma, classical=classical), path / f"{name}.json")
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    status = main([str(word) for word in words])
    out = capsys.readouterr()
    return status, out.out, out.err.strip()


def test_flow_names_the_modes_by_the_direction_of_the_heat(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("eels", "flow", folder / "forward.h5", folder / "reverse.h5", "--interface", "0nm")
    more = ("--reference", "acoustic", "--save", folder / "flow.json", "--plot", folder / "flow.png", "--json")
    status, out, _ = run(capsys, *words, *more)
    assert status == 0
    assert printed(out)["classes"] == ["neither", "alpha", "beta"]
    assert isinstance(kapitza.load(folder / "flow.json"), FlowReversal)
    status, out, _ = run(capsys, *words, "--reference", "acoustic")
    assert status == 0
    assert "beta" in out
    status, _, error = run(capsys, "eels", "flow", folder / "forward.h5", folder / "forward.h5", "--interface", "0nm")
    assert (status, "one file" in error) == (2, True)


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (("--interface", "50nm"), "widen the zone"),
        (("--interface", "0nm", "--zone", "-1nm"), "half width of 0 or more"),
        (("--interface", "0nm", "--ratio", "-1"), "above 0"),
        (("--interface", "0nm", "--mode", "gamma", "--plot", "out.png"), "no mode 'gamma'"),
        (("--interface", "0nm", "--reference", "gamma"), "reference gamma"),
    ],
)
def test_bad_options_of_flow_are_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], wanted: str, tmp_path: Path
) -> None:
    more = tuple(str(tmp_path / word) if word.endswith(".png") else word for word in more)
    status, _, error = run(capsys, "eels", "flow", folder / "forward.h5", folder / "reverse.h5", *more)
    assert status == 2
    assert wanted in error
    assert "\n" not in error


def test_resistance_finds_the_slow_band(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("eels", "resistance", folder / "common.h5", "--radius", "3nm", "--structure", folder / "dark-field.txt")
    status, out, _ = run(capsys, *words, "--plot", folder / "resistance.png", "--save", folder / "resistance.json")
    assert status == 0
    assert "surest at" in out
    assert "with dark-field" in out
    assert isinstance(kapitza.load(folder / "resistance.json"), LocalResistance)
    status, out, _ = run(capsys, *words, "--flux", "3GW/m2+-0.1GW/m2", "--json")
    assert status == 0
    held = printed(out)
    assert held["structure_slope"]["value"] > 3 * held["structure_slope"]["sigma"]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (("--radius", "0.3nm"), "larger radius"),
        (("--radius", "-3nm"), "above 0"),
        (("--radius", "6"), "every neighbourhood is the whole map"),
        (("--radius", "3nm", "--keep", "all"), "'misfit'"),
        (("--radius", "3K"), "unit of temperature"),
        (("--radius", "3nm", "--structure", "defects"), "neither a file nor one of amplitude, temperature"),
        (("--radius", "3nm", "--structure", "amplitude"), "everywhere"),
        (("--radius", "3nm", "--structure", "nowhere.txt"), "nowhere.txt"),
        (("--radius", "3nm", "--flux", "3nm"), "unit of length"),
    ],
)
def test_bad_options_of_resistance_are_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], wanted: str
) -> None:
    status, _, error = run(capsys, "eels", "resistance", folder / "common.h5", *more)
    assert status == 2
    assert wanted in error
    assert "\n" not in error


def test_compare_lays_measured_and_simulated_together(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("eels", "compare", folder / "measured.json", folder / "simulated.json")
    more = ("--plot", folder / "compare.png", "--save", folder / "compare.h5")
    status, out, _ = run(capsys, *words, *more)
    assert status == 0
    assert "they agree" in out
    assert (folder / "compare.png").stat().st_size > 1000
    assert isinstance(next(iter(kapitza.load(folder / "compare.h5").values())), OccupationComparison)
    status, out, _ = run(capsys, *words, "--align", "scale")
    assert status == 0
    assert "factor" in out


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("measured.json", "common.h5"), "holds no mode temperatures"),
        (("measured.json", "simulated.json", "--offset", "200nm"), "no places in common"),
        (("measured.json", "simulated.json", "--tolerance", "1K"), "unit of temperature"),
        (("measured.json", "simulated.json", "--width", "-1nm"), "width"),
        (("measured.json", "nowhere.json"), "nowhere.json"),
        (("measured.json", "measured.json"), "one file"),
    ],
)
def test_bad_options_of_compare_are_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], wanted: str
) -> None:
    status, _, error = run(
        capsys, "eels", "compare", *(folder / w if w.endswith((".json", ".h5")) else w for w in words)
    )
    assert status == 2
    assert wanted in error
    assert "\n" not in error


APERTURES = """
[beam]
current = "0.1 pA"
[sample]
temperature = "400 K"
gradient_left = "-0.18 K/nm"
[[mode]]
name = "A"
energy = "45 meV"
width = "4 meV"
left = 6e-3
right = 6e-3
"""


def test_apertures_are_designed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "aperture.toml").write_text(APERTURES)
    words = ("eels", "apertures", folder / "aperture.toml", "--offset", "20mrad", "--radius", "8mrad")
    status, out, _ = run(capsys, *words, "--plot", folder / "apertures.png")
    assert status == 0
    assert "mean cosine" in out
    for more, wanted in (
        (("--convergence", "15mrad"), "direct beam"),
        (("--free-path", "1nm,2nm"), "2 numbers for 1 modes"),
        (("--maps", str(folder / "common.h5"), str(folder / "forward.h5")), "one temperature for all modes only"),
        (("--maps", str(folder / "forward.h5"), str(folder / "forward.h5")), "one file"),
        (("--offset", "20nm"), "unit of length"),
        (("--offset", "20"), "expected 500 at most"),
        (("--free-path", "80"), "check its unit"),
        (("--free-path=-80nm",), "--free-path = '-80nm': expected lengths above 0"),
    ):
        status, _, error = run(capsys, *words, *more)
        assert status == 2
        assert wanted in error
        assert "\n" not in error
    (folder / "flat.toml").write_text(APERTURES.replace('gradient_left = "-0.18 K/nm"', ""))
    assert "both wave vectors are alike" in run(capsys, "eels", "apertures", folder / "flat.toml")[2]


def test_junction_modes_are_laid_beside_peaks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    m, k = 28 * m_u, 50.0
    lead = chain_junction((m, k), (m, k), bond=k).left
    kapitza.save(mass_junction(lead, m, m, device=[[m], [0.3 * m], [m]]), folder / "chain.h5")
    words = ("junction", "modes", folder / "chain.h5", "--mesh", "1")
    status, out, _ = run(capsys, *words, "--peak", "70meV+-3meV", "--save", folder / "classes.h5")
    assert status == 0
    assert "localised at the interface" in out
    assert isinstance(kapitza.load(folder / "classes.h5"), ModeClasses)
    kapitza.save(by_mode_map(1.0), folder / "fitted.h5")
    status, out, _ = run(capsys, *words, "--peak", folder / "fitted.h5", "--json")
    assert status == 0
    peaks = printed(out)["peaks"]["fields"]
    np.testing.assert_allclose(peaks["energy"], QUANTA, rtol=1e-9, atol=0)
    np.testing.assert_allclose(peaks["sigma"], 1e-4 * meV / np.sqrt(6 * X.size), rtol=1e-9, atol=0)
    for more, wanted in (
        (("--peak", folder / "common.h5"), "the energy of no mode"),
        (("--peak", "70meV"), "needs its uncertainty"),
        (("--peak", "70nm+-3nm"), "unit of length"),
        (("--scale", "x"), "--scale"),
    ):
        status, _, error = run(capsys, *words, *more)
        assert status == 2
        assert wanted in error
        assert "\n" not in error
