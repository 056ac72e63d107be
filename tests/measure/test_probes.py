"""Jumps from scanning probes: exact without noise, intervals that cover, and what a true disc changes."""

import json
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from scipy import integrate

from kapitza.cli import main
from kapitza.core.profile import Profile
from kapitza.errors import InputError
from kapitza.measure.probes import RamanProbe, ThermalProbe, fit_probe_jump, probe_reading, specimen_profile
from kapitza.thermometry import fit_probe_jump as public_fit
from kapitza.units import nm

TRUTH = np.array([420.0, 405.0, -0.18 / nm, -0.15 / nm])
X = (np.arange(-60, 60) + 0.5) * 2 * nm
THERMAL = ThermalProbe(radius=20 * nm, ambient=295, response_left=0.3, response_right=0.36)
RAMAN = RamanProbe(near_field=15 * nm, spot=400 * nm, far_share=0.25)


def scan(probe: ThermalProbe | RamanProbe, sigma: float, rng: np.random.Generator | None = None) -> Profile:
    noise = 0.0 if rng is None else rng.normal(0, sigma, X.size)
    return Profile(X, probe_reading(TRUTH, X, probe) + noise, np.full(X.size, sigma))


@pytest.mark.parametrize("probe", [THERMAL, RAMAN])
def test_exact_without_noise(probe: ThermalProbe | RamanProbe) -> None:
    found = public_fit(scan(probe, 0.1), 0.0, probe)
    np.testing.assert_allclose(found.value, TRUTH, rtol=1e-8, atol=0)
    np.testing.assert_allclose(found.jump.jump, 15.0, rtol=1e-8, atol=0)


@pytest.mark.parametrize("probe", [THERMAL, RAMAN])
def test_kernel_is_the_convolution_by_quadrature(probe: ThermalProbe | RamanProbe) -> None:
    """A second road: the integral of the branches over the kernel, point by point."""
    spread = probe.spread
    ambient = probe.ambient if isinstance(probe, ThermalProbe) else 0.0
    response = (probe.response_left, probe.response_right) if isinstance(probe, ThermalProbe) else (1.0, 1.0)

    def kernel(s: float) -> float:
        parts = [(1 - spread.share, spread.width), (spread.share, spread.length)]
        return sum(a * np.exp(-((s / w) ** 2) / 2) / (w * np.sqrt(2 * np.pi)) for a, w in parts)

    def source(x: float) -> float:
        side = int(x > 0)
        return response[side] * (TRUTH[side] + TRUTH[2 + side] * x - ambient)

    for x in (-15 * nm, 3 * nm):
        reach = 9 * max(spread.width, spread.length * (spread.share > 0))
        wanted = sum(
            integrate.quad(
                lambda s, x=x: kernel(s - x) * source(s), *ends, epsabs=0, epsrel=1e-9, limit=200, points=None
            )[0]
            for ends in (
                (x - reach, -4 * spread.width),
                (-4 * spread.width, 0.0),
                (0.0, 4 * spread.width),
                (4 * spread.width, x + reach),
            )
        )
        np.testing.assert_allclose(probe_reading(TRUTH, np.array([x]), probe)[0] - ambient, wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    "probe", [RamanProbe(near_field=15 * nm), RamanProbe(near_field=0.0, spot=15 * nm, far_share=1.0)]
)
def test_widths_of_the_raman_probe_are_full_widths_at_half_maximum(probe: RamanProbe) -> None:
    """The kernel is the derivative of what the tip reads across a step of 1 K."""
    step, h = np.array([0.0, 1.0, 0.0, 0.0]), 0.01 * nm
    ends = [np.array([0.0, 7.5 * nm, -7.5 * nm]) + side * h for side in (1, -1)]
    kernel = (probe_reading(step, ends[0], probe) - probe_reading(step, ends[1], probe)) / (2 * h)
    np.testing.assert_allclose(kernel[1:] / kernel[0], 0.5, rtol=1e-4, atol=0)


def test_a_response_that_differs_is_a_false_jump_without_it() -> None:
    probe = evolve(THERMAL, response_right=0.33)
    flat = np.array([400.0, 400.0, 0.0, 0.0])
    data = Profile(X, probe_reading(flat, X, probe), np.full(X.size, 0.1))
    np.testing.assert_allclose(fit_probe_jump(data, 0.0, probe).jump.jump, 0.0, rtol=0, atol=1e-6)
    naive = fit_probe_jump(data, 0.0, evolve(probe, response_right=0.3)).jump.jump
    np.testing.assert_allclose(naive, -(400 - 295) * (0.33 / 0.30 - 1), rtol=1e-9, atol=0)


def test_a_common_response_cancels_in_the_kapitza_length() -> None:
    sure = ThermalProbe(radius=20 * nm, ambient=295, response_left=0.3, response_right=0.3, common=True)
    unsure = evolve(sure, left_sigma=0.03, right_sigma=0.03)
    data = scan(sure, 0.1)
    one, other = (fit_probe_jump(data, 0.0, probe).jump for probe in (sure, unsure))
    np.testing.assert_allclose(one.kapitza_length_sigmas, other.kapitza_length_sigmas, rtol=1e-6, atol=0)
    np.testing.assert_allclose(other.sigma**2 - one.sigma**2, (0.1 * 15) ** 2, rtol=1e-6, atol=0)


def covered_share(probe: ThermalProbe | RamanProbe, number: int, seed: int) -> float:
    """Share of 95 % intervals that hold the jump, with tips drawn from the errors of what is known of them."""
    rng, hits = np.random.default_rng(seed), 0
    for _ in range(number):
        if isinstance(probe, ThermalProbe):
            left, right, radius = rng.normal(0, [probe.left_sigma, probe.right_sigma, probe.radius_sigma])
            changes = {
                "response_left": probe.response_left + left,
                "response_right": probe.response_right + right,
                "radius": probe.radius + radius,
            }
        else:
            near, share = rng.normal(0, [probe.near_field_sigma, probe.far_share_sigma])
            changes = {"near_field": probe.near_field + near, "far_share": probe.far_share + share}
        low, high = fit_probe_jump(scan(evolve(probe, **changes), 0.5, rng), 0.0, probe).interval()
        hits += low <= 15.0 <= high
    return hits / number


def test_intervals_hold_the_errors_of_the_responses() -> None:
    probe = evolve(THERMAL, left_sigma=0.006, right_sigma=0.006)
    assert 0.93 <= covered_share(probe, 800, 4) <= 0.97


@pytest.mark.slow
def test_intervals_hold_the_errors_of_the_kernel() -> None:
    thermal = evolve(THERMAL, left_sigma=0.006, right_sigma=0.006, radius_sigma=3 * nm)
    raman = evolve(RAMAN, near_field_sigma=2 * nm, far_share_sigma=0.03)
    assert 0.93 <= covered_share(thermal, 800, 5) <= 0.97
    assert 0.93 <= covered_share(raman, 800, 6) <= 0.97


def test_a_true_disc_changes_the_jump_by_less_than_a_hundredth() -> None:
    """The contact is a disc, the kernel a normal one of the same variance."""
    t = np.sin((np.arange(400) + 0.5) / 400 * np.pi - np.pi / 2)  # of the disc, across the scan
    weight = 1 - t**2
    places = X[:, None] + THERMAL.radius * t
    side = places > 0
    kelvin = np.where(side, TRUTH[1] + TRUTH[3] * places, TRUTH[0] + TRUTH[2] * places) - THERMAL.ambient
    response = np.where(side, THERMAL.response_right, THERMAL.response_left)
    tip = THERMAL.ambient + (response * kelvin) @ weight / weight.sum()
    found = fit_probe_jump(Profile(X, tip, np.full(X.size, 0.05)), 0.0, THERMAL).jump
    np.testing.assert_allclose(found.jump, 15.0, rtol=0.01, atol=0)


def test_specimen_profile_is_what_the_fit_shows() -> None:
    data = scan(THERMAL, 0.1)
    found = fit_probe_jump(data, 0.0, THERMAL)
    np.testing.assert_allclose(
        specimen_profile(data, found, THERMAL).temperature, found.temperature(X), rtol=1e-9, atol=0
    )


THERMAL_FILE = """
[profile]
file = "scan.csv"

[probe]
kind = "thermal"
radius = "20 nm +- 3 nm"
ambient = "295 K"
response_left = "0.30 +- 0.006"
response_right = "0.36 +- 0.006"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = scan(THERMAL, 0.2, np.random.default_rng(3))
    rows = "\n".join(f"{x / nm:.3f},{t:.4f},0.2" for x, t in zip(X, data.temperature, strict=True))
    (tmp_path / "scan.csv").write_text(f"position (nm),temperature (K),sigma (K)\n{rows}\n")
    (tmp_path / "probe.toml").write_text(THERMAL_FILE)
    return tmp_path


def test_verb_reads_a_scan(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "all.toml").write_text("\n".join(line for line in THERMAL_FILE.splitlines() if "response" not in line))
    assert main(["jump", str(folder / "all.toml"), "--at", "0nm"]) == 0
    assert "what share it reads" in capsys.readouterr().err
    figure = folder / "jump.png"
    assert main(["jump", str(folder / "probe.toml"), "--at", "0nm+-2nm", "--plot", str(figure), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    value, sigma = printed["derived"]["jump"]["value"], printed["derived"]["jump"]["sigma"]
    assert abs(value - 15) < 4 * sigma
    assert figure.stat().st_size > 1000


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("radius = ", "radios = ", "did you mean 'radius'"),
        ('"thermal"', '"optical"', "'thermal' or 'raman'"),
        ('"0.36 +- 0.006"', '"1.3"', "1.3"),
        ('"20 nm +- 3 nm"', '"-20 nm"', "a finite number of 0 or more"),
        ('"295 K"', '"9e18 K"', "at most 10000"),
        ('"295 K"', '"22 nm"', "unit of length"),
        ("response_left", "response", "got both"),
        ('file = "scan.csv"', 'file = "nowhere.csv"', "nowhere.csv"),
    ],
)
def test_bad_files_are_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, wanted: str
) -> None:
    (folder / "probe.toml").write_text(THERMAL_FILE.replace(old, new))
    assert main(["jump", str(folder / "probe.toml"), "--at", "0nm"]) == 2
    error = capsys.readouterr().err.strip()
    assert wanted in error
    assert "\n" not in error


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="show no two branches"):
        fit_probe_jump(scan(THERMAL, 0.1), 0.0, evolve(THERMAL, radius=1.0))
    with pytest.raises(InputError, match="one response"):
        ThermalProbe(radius=1 * nm, response_left=0.3, response_right=0.4, common=True)
    with pytest.raises(InputError):
        RamanProbe(near_field=-1 * nm)
    with pytest.raises(InputError):
        RamanProbe(near_field=10 * nm, far_share=1.2)
    with pytest.raises(InputError, match="inside of the spot"):
        RamanProbe(near_field=10 * nm, spot=5 * nm, far_share=0.2)
