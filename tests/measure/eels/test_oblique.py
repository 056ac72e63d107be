"""An interface that crosses the rows of a map at an angle: its plane is found, and the jump along the normal holds."""

from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

import kapitza
from kapitza.cli import main
from kapitza.core.arrays import real_array
from kapitza.errors import InputError
from kapitza.measure.eels.geometry import ObliquePlane, find_oblique_plane, fit_oblique_jump
from kapitza.measure.eels.jump import fit_jump
from kapitza.measure.eels.map import TemperatureMap, line_profile
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.units import nm

SEEN = PointSpread(0.8 * nm)
JUMP = 15.0  # K


def scan(
    tilt: float, noise: float, seed: int = 0, *, at: float = 0.0, curvature: float = 0.0, rows: int = 8
) -> TemperatureMap:
    """Map of rows of 60 pixels of 1 nm across a plane; without noise (K) errors of 0.1 K are stated."""
    x, y = (np.arange(60) - 29.5) * nm, np.arange(rows) * nm
    plane = ObliquePlane(
        at=at, tilt=np.radians(tilt), curvature=curvature, middle=y.mean(), covariance=np.zeros((3, 3)), gain=0.0
    )
    across, along = np.meshgrid(y, x, indexing="ij")
    seen = SEEN.branches(plane.distance(real_array(along.ravel()), real_array(across.ravel())))
    value = (seen @ [400 + JUMP / 2, 400 - JUMP / 2, -0.18 / nm, -0.15 / nm]).reshape(across.shape)
    value = value + np.random.default_rng(seed).normal(0, noise, value.shape)
    zero = np.zeros(value.shape)
    return TemperatureMap(
        position=(y, x), names=("temperature",), value=value[..., None],
        covariance=np.full((*value.shape, 1, 1), max(noise, 0.1) ** 2), flag=zero.astype(int), pvalue=zero + 0.5,
        deviance=zero, iterations=zero.astype(int),
    )  # fmt: skip


@pytest.mark.parametrize("tilt", [-35.0, -20.0, 0.0, 20.0, 50.0])
def test_plane_and_jump_without_noise(tilt: float) -> None:
    found = fit_oblique_jump(scan(tilt, 0.0), 0.0, SEEN)
    assert abs(np.degrees(found.plane.tilt) - tilt) <= 0.2
    assert abs(found.fit.jump.jump - JUMP) <= 0.05  # means over a quarter of a pixel round the step
    assert abs(found.fit.jump.gradient_left * nm + 0.18) <= 1e-3


def test_distances_are_those_of_a_line_and_a_circle() -> None:
    tilt, at, middle, radius = 0.4, 3 * nm, 5 * nm, 200 * nm
    plane = ObliquePlane(at=at, tilt=tilt, middle=middle, covariance=np.zeros((3, 3)), gain=0.0)
    along, normal = np.array([np.sin(tilt), np.cos(tilt)]), np.array([np.cos(tilt), -np.sin(tilt)])
    for s, d in ((7 * nm, 2 * nm), (-4 * nm, -9 * nm)):
        x, y = np.array([at, middle]) + s * along + d * normal
        assert abs(plane.distance(np.array([x]), np.array([y]))[0] - d) <= 1e-9 * nm
    arc = np.array([-0.05, -0.02, 0.04])  # a circle that touches the plane: its bend is 1/radius
    sideways, forward = radius * (1 - np.cos(arc)), radius * np.sin(arc)
    x = at + forward * along[0] + sideways * normal[0]
    y = middle + forward * along[1] + sideways * normal[1]
    bent = evolve(plane, curvature=1 / radius).distance(x, y)
    assert np.abs(bent).max() <= 0.05 * sideways.max()  # the parabola takes the height along y, not along the plane


def test_a_straight_plane_has_the_jump_of_its_rows() -> None:
    rows = scan(0.0, 3.0, seed=4)
    oblique, straight = fit_oblique_jump(rows, 0.0, SEEN).fit.jump, fit_jump(line_profile(rows), 0.0, SEEN).jump
    assert abs(oblique.jump - straight.jump) <= 0.3 * straight.sigma
    assert straight.sigma <= oblique.sigma <= 1.1 * straight.sigma


def test_a_mirrored_map_has_the_mirrored_plane() -> None:
    rows = scan(17.0, 3.0, seed=2)
    one, other = fit_oblique_jump(rows, 0.0, SEEN), fit_oblique_jump(evolve(rows, value=rows.value[::-1]), 0.0, SEEN)
    assert abs(one.plane.tilt + other.plane.tilt) <= 1e-9
    assert abs(one.fit.jump.jump - other.fit.jump.jump) <= 1e-6


def test_a_bend_and_a_position_are_found() -> None:
    found = fit_oblique_jump(scan(10.0, 1.0, at=0.7 * nm, curvature=0.05 / nm), 0.0, SEEN, at_sigma=nm, curved=True)
    errors = np.sqrt(np.diag(found.plane.covariance))
    apart = np.array(
        [found.plane.at - 0.7 * nm, found.plane.tilt - np.radians(10.0), found.plane.curvature - 0.05 / nm]
    )
    assert (np.abs(apart) <= 3 * errors).all()
    assert errors[2] < 0.03 / nm, "the map shows the bend"
    assert abs(found.fit.jump.jump - JUMP) <= 3 * found.fit.jump.sigma


def test_a_loose_position_leaves_the_tilt_as_uncertain() -> None:
    rows = scan(20.0, 3.0, seed=7)
    errors = [fit_oblique_jump(rows, 0.0, SEEN, at_sigma=s * nm).plane.covariance[1, 1] ** 0.5 for s in (0, 5, 100)]
    assert np.ptp(errors) <= 0.15 * errors[0]


@pytest.mark.parametrize("noise", [3.0, 12.0])
def test_intervals_of_jump_and_tilt_hold_the_truth(noise: float) -> None:
    inside, count, pulls = np.zeros(2), 40, []
    for seed in range(count):
        found = fit_oblique_jump(scan(20.0, noise, seed), 0.0, SEEN)
        low, high = found.fit.interval()
        tilt = abs(found.plane.tilt - np.radians(20.0)) / found.plane.covariance[1, 1] ** 0.5
        inside += low <= JUMP <= high, tilt <= 1.96
        pulls.append(tilt)
    assert (inside >= 34).all(), "95 % in the mean; 34 of 40 is left of all but 1 in 100"
    assert 0.6 <= np.sqrt(np.mean(np.square(pulls))) <= 1.5, "3.5 standard deviations of 40 draws"


def test_a_tilt_is_said_where_there_is_one() -> None:
    found = [find_oblique_plane(scan(20.0, 3.0, seed), 0.0, SEEN) for seed in range(5)]
    assert sum(one is not None for one in found) >= 4
    assert all(find_oblique_plane(scan(0.0, 3.0, seed), 0.0, SEEN) is None for seed in range(5))


def test_maps_that_show_no_tilt_are_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(2, 60\) shows no tilt: expected \(y, x\) and 3 rows or more"):
        fit_oblique_jump(scan(0.0, 1.0, rows=2), 0.0)
    assert find_oblique_plane(scan(0.0, 1.0, rows=2), 0.0) is None
    with pytest.raises(InputError, match=r"x = 1000 nm has two good columns .* from -29\.5 to 29\.5 nm"):
        fit_oblique_jump(scan(0.0, 1.0), 1e-6)


def test_the_command_says_and_fits_the_angle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("h5py")
    path = tmp_path / "map.h5"
    kapitza.save(scan(20.0, 3.0, seed=7), path)
    words = ["eels", "jump", str(path), "--at", "0nm", "--width", "0.8nm"]
    assert main([*words, "--plane", "straight"]) == 0
    assert "--plane tilted fits the angle" in capsys.readouterr().err
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert "the jump is taken along its normal" in err
    assert "degrees to the rows' normal" in out
    assert main([*words, "--plane", "tilted", "--save", str(tmp_path / "j.json")]) == 0
    assert "degrees to the rows' normal" in capsys.readouterr().out
    saved = kapitza.load(tmp_path / "j.json")
    assert isinstance(saved["plane"], ObliquePlane)
    assert abs(np.degrees(saved["plane"].tilt) - 20) <= 8
