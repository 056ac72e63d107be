"""The point spread that the modes of two materials show at an interface, and the jump that it would shift."""

from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

import kapitza
from kapitza.cli import main
from kapitza.core.arrays import real_array
from kapitza.measure.eels.geometry import ObliquePlane, edge_width
from kapitza.measure.eels.jump import fit_jump
from kapitza.measure.eels.map import TemperatureMap, line_profile
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.units import nm

JUMP, NOISE, COUNTING = 15.0, 4.0, 0.01  # K, K, and relative error of an intensity
LEFT, RIGHT = (4e-4, 6e-4), (3e-4, 2e-4)
ROWS, COLUMNS = 8, 48


def scan(width: float, seed: int, *, tilt: float = 0.0, right: tuple[float, float] = RIGHT) -> TemperatureMap:
    """Two materials and a jump, seen through a normal point spread of this width (m)."""
    rng = np.random.default_rng(seed)
    y, x = np.arange(ROWS) * nm, (np.arange(COLUMNS) - 0.5 * COLUMNS + 0.5) * nm
    plane = ObliquePlane(at=0.0, tilt=tilt, middle=float(y.mean()), covariance=np.zeros((3, 3)), gain=0.0)
    across, along = np.meshgrid(y, x, indexing="ij")
    seen = PointSpread(width).branches(plane.distance(real_array(along.ravel()), real_array(across.ravel())))
    kelvin = (seen @ [400 + JUMP / 2, 400 - JUMP / 2, -0.18 / nm, -0.15 / nm]).reshape(across.shape)
    columns = [kelvin + NOISE * rng.standard_normal(kelvin.shape), np.full(kelvin.shape, 6e7)]
    errors = [np.full(kelvin.shape, NOISE), np.full(kelvin.shape, 8e3)]
    for one, other in zip(LEFT, right, strict=True):
        strength = 6e7 * (seen[:, :2] @ [one, other]).reshape(kelvin.shape)
        errors.append(COUNTING * strength)
        columns.append(strength * (1 + COUNTING * rng.standard_normal(kelvin.shape)))
    value, sigma, zero = np.stack(columns, axis=-1), np.stack(errors, axis=-1), np.zeros(kelvin.shape)
    return TemperatureMap(
        position=(y, x), names=("temperature", "amplitude", "a.intensity", "b.intensity"), modes=("a", "b"),
        value=value, covariance=sigma[..., None] ** 2 * np.eye(4), flag=zero.astype(int), pvalue=zero + 0.5,
        deviance=zero, iterations=zero.astype(int), dispersion=zero + 1,
    )  # fmt: skip


@pytest.mark.parametrize("width", [0.4, 0.8, 1.7])
def test_width_within_its_error(width: float) -> None:
    found = edge_width(scan(width * nm, 1), 0.3 * nm, PointSpread())
    assert found is not None
    assert found.sure
    assert abs(found.width / nm - width) <= 4 * found.sigma / nm
    assert found.sigma <= 0.1 * nm
    right = edge_width(scan(width * nm, 1), 0.3 * nm, PointSpread(width * nm))
    assert right is not None
    assert not right.sure


def test_a_point_contradicts_no_point() -> None:
    found = edge_width(scan(0.0, 2), 0.0, PointSpread())
    assert found is not None
    assert not found.sure


def test_width_along_the_normal_of_an_oblique_plane() -> None:
    plane = ObliquePlane(at=0.0, tilt=0.35, middle=3.5 * nm, covariance=np.zeros((3, 3)), gain=0.0)
    found = edge_width(scan(0.8 * nm, 3, tilt=0.35), 0.0, PointSpread(), plane=plane)
    assert found is not None
    assert abs(found.width / nm - 0.8) <= 4 * found.sigma / nm


def test_alike_materials_show_no_edge() -> None:
    assert edge_width(scan(0.8 * nm, 4, right=LEFT), 0.0, PointSpread()) is None


def test_jump_with_the_width_of_the_edge_is_not_shifted() -> None:
    """Taken as a point, a probe of 0.8 nm shifts the jump by 1.9 standard uncertainties."""
    off: list[tuple[float, float]] = []
    for seed in range(16):
        maps = scan(0.8 * nm, 100 + seed)
        edge = edge_width(maps, 0.0, PointSpread())
        assert edge is not None
        assert edge.sure
        spreads = PointSpread(edge.width, width_sigma=edge.sigma), PointSpread()
        seen, point = (fit_jump(line_profile(maps), 0.0, one, at_sigma=nm).jump for one in spreads)
        off.append(((seen.jump - JUMP) / seen.sigma, (point.jump - JUMP) / point.sigma))
    seen, point = np.array(off).T
    assert abs(seen.mean()) <= 3 / np.sqrt(16)
    assert point.mean() < -1


def test_command_takes_the_width_or_says_that_it_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "map.h5"
    kapitza.save({"common": scan(0.8 * nm, 5)}, path)
    assert main(["eels", "jump", str(path), "--at", "0nm"]) == 0
    assert "which is taken as the point spread" in capsys.readouterr().err
    assert main(["eels", "jump", str(path), "--at", "0nm", "--width", "0nm"]) == 0
    assert "which shifts the jump: --width 0.8nm+-" in capsys.readouterr().err.replace("\n", " ")
    assert main(["eels", "jump", str(path), "--at", "0nm", "--width", "0.8nm"]) == 0
    assert "the modes change" not in capsys.readouterr().err
    assert main(["eels", "info", str(path)]) == 2
    assert "holds a result that kapitza saved" in capsys.readouterr().err
    assert main(["eels", "jump", str(path), "--at", "0nm", "--layer", "2"]) == 2
    assert "--layer = '2'" in capsys.readouterr().err


def test_command_says_where_no_width_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "alike.h5"
    alike = scan(0.8 * nm, 4, right=LEFT)
    kapitza.save({"common": evolve(alike, pvalue=alike.pvalue + 0.4999, dispersion=0.3 * alike.dispersion)}, path)
    words = ["eels", "jump", str(path), "--at", "0nm"]
    assert main(words) == 0
    said = capsys.readouterr().err.replace("\n", " ")
    assert "do not show how wide the probe is" in said
    assert "fits too well" in said
    for more in (["--width", "0nm"], ["--skip", "3nm"]):
        assert main([*words, *more]) == 0
        assert "how wide the probe is" not in capsys.readouterr().err
