"""Noise of the map of t/λ and curved planes in a lamella, against other roads to the same numbers."""

from typing import Any

import numpy as np
import pytest
from attrs import evolve
from tests.measure.lamella_samples import MESH, SPREAD, lamella, pixels, priors, shown

from kapitza.errors import InputError
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.lamella import (
    LamellaMaterial,
    LamellaPlane,
    RelativeThickness,
    draw_numbers,
    draw_thickness,
    fit_lamella,
)
from kapitza.measure.lamella.scan import lamella_scan, thickness_noise
from kapitza.measure.lamella.sheet import Drive, make_sheet, sheet_resolution, solve_sheet
from kapitza.measure.problem import Prior
from kapitza.units import nm


def noisy(share: float, correlation: float = 0.0, shape: tuple[int, int] = (20, 12), length: float = 1200 * nm) -> Any:
    """Even thickness of 80 nm with noise of a share of it in each pixel."""
    x = (np.arange(shape[1]) + 0.5) * length / shape[1]
    y = (np.arange(shape[0]) + 0.5) * 2000 * nm / shape[0]
    value = np.full(shape, 0.8)
    return RelativeThickness(x, y, value, sigma=share * value, correlation=correlation)


@pytest.mark.parametrize("frequency", [0.0, 1e6])
def test_noise_shifts_pixels_and_powers_as_other_maps_do(frequency: float) -> None:
    """A second road: solutions with a pixel of t/λ raised and lowered, one pixel after another."""
    film = LamellaMaterial(name="AlN", conductivity=90.0, exponent=0.8, mean_free_path=40 * nm, heat_capacity=2.4e6)
    given = lamella(angle=0.1, materials=(film, lamella().materials[1]), thickness=noisy(1.0, shape=(3, 4)))
    drive: dict[str, Any] = {"frequency": frequency, "pad_temperatures": (9 + 2j, 1.0)} if frequency else {}
    scan = lamella_scan(given, (pixels(**drive),), SPREAD, **MESH)

    def seen(pixel: tuple[int, int], factor: float) -> np.ndarray:
        value = np.array(given.thickness.value)
        value[pixel] *= factor
        other = evolve(scan, lamella=evolve(given, thickness=evolve(given.thickness, value=value)))
        image = other.images()[0].ravel()
        parts = (image.real, image.imag) if frequency else (image,)
        return np.concatenate([*parts, [np.log(other.powers()[0])]])

    step = 1e-4
    rows = [(seen(pixel, 1 + step) - seen(pixel, 1 - step)) / (2 * step) for pixel in np.ndindex(3, 4)]
    wanted = np.array(rows).T @ np.array(rows)
    shift = thickness_noise(scan)
    found = shift @ shift.T
    size = np.sqrt(np.diag(wanted))
    assert np.abs((found - wanted) / np.outer(size, size)).max() <= 1e-5


def test_drawn_maps_have_the_noise_that_is_stated() -> None:
    held = noisy(0.02, 150 * nm)
    drawn = np.array([np.log(draw_thickness(held, seed=seed).value / 0.8) for seed in range(400)])
    assert abs(drawn.std() / 0.02 - 1) <= 0.05
    distance = held.x[1] - held.x[0]  # 100 nm apart along x, and along y
    wanted = np.exp(-((distance / held.correlation) ** 2) / 2)
    for one, other in ((drawn[:, :, :-1], drawn[:, :, 1:]), (drawn[:, :-1], drawn[:, 1:])):
        assert abs(np.mean(one * other) / 0.02**2 - wanted) <= 0.05
    exact = evolve(held, sigma=None)
    assert draw_thickness(exact) is exact


def test_an_error_common_to_all_pixels_is_one_of_the_mean_free_path() -> None:
    """Correlated over more than the lamella, the noise does what λ does, for which there is a closed form."""
    given = lamella(thickness=noisy(0.1, 1e-3), dead_layer=0.0)
    known = {name: prior for name, prior in priors().items() if name not in ("dead_layer", "inelastic_mean_free_path")}
    one = shown(given, pixels(0.3, power=1.4e-3, power_sigma=0.05))
    found = fit_lamella(given, one, known, spread=SPREAD, **MESH)
    exact = evolve(given, thickness=evolve(given.thickness, sigma=None))
    known["inelastic_mean_free_path"] = Prior.relative(0.1)
    other = fit_lamella(exact, one, known, spread=SPREAD, **MESH)
    assert abs(found.relative_sigma / other.relative_sigma - 1) <= 1e-3
    part, of_path = (
        fit.share[fit.sources.index(name)]
        for fit, name in ((found, "thickness map"), (other, "inelastic_mean_free_path"))
    )
    assert abs(part / of_path - 1) <= 1e-3
    assert abs(found.share.sum() - 1) <= 1e-9
    after = [dict(zip(fit.remedies, fit.remedy_sigma, strict=True)) for fit in (found, other)]
    for name in ("power known to 1 %", "four times the electrons"):
        if name in after[0]:
            assert abs(after[0][name] / after[1][name] - 1) <= 1e-3


@pytest.mark.slow
def test_intervals_cover_where_the_map_of_thickness_is_noisy() -> None:
    """Truths drawn from noise and priors; fits that take the map as exact are rejected."""
    given = lamella(thickness=noisy(0.1, 150 * nm))
    known = {"AlN|SiC.position": Prior(None, 4 * nm), "power_factor": Prior.relative(0.02)}
    known |= {"AlN.conductivity": Prior.relative(0.2), "SiC.conductivity": Prior.relative(0.2)}
    pulls: list[float] = []
    chances: list[float] = []
    blind: list[float] = []
    for seed in range(24):
        truth = draw_numbers(given, known, spread=SPREAD, seed=seed)
        true = evolve(given, thickness=draw_thickness(given.thickness, seed=seed))
        one = shown(true, pixels(0.7, power=1.4e-3, power_sigma=0.02), changes=truth, seed=seed)
        found = fit_lamella(given, one, known, spread=SPREAD, **MESH)
        pulls.append(float(np.log(found.resistance / 1.2e-9)) / found.relative_sigma)
        chances.append(found.pvalue)
        if seed < 6:
            exact = evolve(given, thickness=evolve(given.thickness, sigma=None))
            blind.append(fit_lamella(exact, one, known, spread=SPREAD, **MESH).pvalue)
    # of 24: beyond these limits less than once in 10³
    assert 0.35 <= np.mean(np.square(pulls)) <= 2.2
    assert np.mean(np.array(chances) < 0.05) <= 0.25
    assert 0.3 <= np.mean(chances) <= 0.7
    assert np.median(blind) < 0.01


def test_the_bow_of_a_plane_is_its_sagitta() -> None:
    plane = LamellaPlane(position=600 * nm, resistance=1.2e-9, angle=0.1, bow=20 * nm)
    mesh = make_sheet(lamella(planes=(plane,)), sheet_resolution(lamella(), 24, 8)).mesh
    column = mesh.x[mesh.first[1]]
    ends = column[[0, -1]].mean()
    assert abs(column[4] - 600 * nm) <= 1e-15
    assert abs(column[4] - ends - 20 * nm) <= 1e-15


def test_a_curved_plane_has_its_true_length() -> None:
    # all of the resistance is in the plane: both sides are isothermal, and the power is that of the length of an arc
    good = tuple(evolve(one, conductivity=1e6) for one in lamella().materials)
    plane = LamellaPlane(position=600 * nm, resistance=1e-7, bow=300 * nm)
    given = lamella(materials=good, planes=(plane,), left_conductance=1e15, right_conductance=1e15)
    found = solve_sheet(make_sheet(given, sheet_resolution(given, 48, 48)), Drive(485.0, 300.0)).power.real
    y = np.linspace(-1000, 1000, 20001) * nm
    length = np.hypot(np.diff(y), np.diff(300 * nm * (y / (1000 * nm)) ** 2)).sum()
    assert abs(found / (185 * 70 * nm * length / 1e-7) - 1) <= 3e-4


def test_a_scan_sees_a_curved_step_through_its_point_spread() -> None:
    from scipy.special import ndtr

    flat = tuple(evolve(one, conductivity=1e7) for one in lamella().materials)
    plane = LamellaPlane(position=600 * nm, resistance=1e-6, bow=30 * nm)
    given = lamella(materials=flat, planes=(plane,), left_conductance=1e15, right_conductance=1e15)
    one = evolve(pixels(), x=(585 + np.linspace(-40, 40, 30)) * nm)
    seen = lamella_scan(given, (one,), PointSpread(8 * nm), rows=20).images()[0]
    height = (one.y - 1000 * nm) / (1000 * nm)
    slope = -2 * 30 * nm * height / (1000 * nm)
    along = (one.x - 600 * nm + 30 * nm * height[:, None] ** 2) / np.hypot(1, slope)[:, None]
    assert np.abs(seen - (485 - 185 * ndtr(along / (8 * nm)))).max() <= 1e-3 * 185


def test_a_bow_is_found_beside_position_and_angle() -> None:
    plane = LamellaPlane(position=600 * nm, resistance=1.2e-9)
    given = lamella(planes=(plane,))
    known = priors() | {"AlN|SiC.bow": Prior(None, 20 * nm)}
    one = shown(given, pixels(0.5, power=1.4e-3), changes={"AlN|SiC.bow": 25 * nm}, seed=2)
    found = fit_lamella(given, one, known, spread=SPREAD, **MESH)
    at = found.names.index("AlN|SiC.bow")
    assert abs(found.value[at] - 25 * nm) <= 3.5 * found.sigma[at]
    assert found.sigma[at] <= 5 * nm
    assert found.pvalue > 1e-3


def test_bad_input_is_refused() -> None:
    held = noisy(0.02)
    with pytest.raises(InputError, match="wanted 0 or more"):
        evolve(held, sigma=-held.value)
    with pytest.raises(InputError, match="shape"):
        evolve(held, sigma=held.sigma[1:])
    with pytest.raises(InputError, match="wanted 0 or more"):
        evolve(held, correlation=-1 * nm)
    with pytest.raises(InputError, match="of its part"):
        lamella(planes=(LamellaPlane(position=600 * nm, resistance=1e-9, bow=700 * nm),))
