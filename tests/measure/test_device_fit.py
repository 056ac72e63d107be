"""The inverse of a device: derivatives against differences, recovery, coverage, bounds, two roads to errors, faults."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.core.conductance import Conductance
from kapitza.core.profile import Profile
from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, ConductivityLaw, Device, HeatSource
from kapitza.device.layered.temperatures import solve_layered
from kapitza.device.setup import Plane
from kapitza.device.shapes import Rectangle
from kapitza.errors import InputError
from kapitza.measure.design import design
from kapitza.measure.device.fit import (
    DeviceProblem,
    boundary_flux,
    device_priors,
    device_problem,
    fit_device,
    fitted_conductance,
    fitted_device,
    predicted_temperatures,
    sampled_flux,
    updated_peak,
)
from kapitza.measure.device.thermometry import (
    MeasuredTemperatures,
    map_temperatures,
    patch_temperatures,
    point_temperatures,
    section_temperatures,
)
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.fit import fit
from kapitza.measure.least_squares import difference_jacobian
from kapitza.measure.likelihood import Bound
from kapitza.measure.problem import Free, Tie
from kapitza.units import nm, um

G = "film|body.conductance"
TOP = Plane("film")
LINE = Rectangle((0, 1 * um), (0, 2 * um))
KNOWN = {"body.conductivity": 3.0, "film.thickness": 2 * nm, "line.power": 2e-5, "coefficient": 2e5}
SPOTS = np.meshgrid(np.linspace(0.25, 4.75, 8) * um, np.linspace(0.25, 4.75, 8) * um, indexing="ij")


def temperature_map(position, value, covariance, flag):
    """A map of one temperature with nothing told of its fit."""
    return TemperatureMap(
        position=position,
        names=["temperature"],
        value=value,
        covariance=covariance,
        flag=flag,
        pvalue=np.ones(flag.shape),
        deviance=np.ones(flag.shape),
        iterations=flag,
    )


def chip(conductance: float | Conductance = 5e7, **more: object) -> Device:
    """A heated line on a film on a body, with calibrated numbers."""
    layers = [Layer("film", 100 * nm, 50.0), Layer("body", 20 * um, 150.0, in_plane=170.0)]
    options: dict[str, object] = {"coefficient": 1e7, "uncertain": KNOWN} | more
    return Device(Stack(layers, [conductance]), [HeatSource("line", 2e-3, LINE)], Box(10 * um, 10 * um), **options)


def surface(device: Device, sigma: float = 0.3, seed: int | None = None) -> MeasuredTemperatures:
    """What a map of the surface would show."""
    blank = point_temperatures(device.top(), *SPOTS, np.full(64, 400.0), sigma)
    kelvin = predicted_temperatures(device, blank)
    noise = 0.0 if seed is None else np.random.default_rng(seed).normal(0, sigma, 64)
    return point_temperatures(device.top(), *SPOTS, kelvin + noise, sigma)


def problem(device: Device, *sets: MeasuredTemperatures, free: tuple[str, ...] = (G,)) -> DeviceProblem:
    """With no uncertain number."""
    return device_problem(device, sets, {name: Free() for name in free}, {})


def off(device: Device, generator: np.random.Generator) -> Device:
    """A device whose calibrated numbers are off by their uncertainties."""
    names = list(KNOWN)
    return device.replace({n: device.value(n) * np.exp(generator.normal(0, KNOWN[n] / device.value(n))) for n in names})


@pytest.mark.parametrize("more", [{}, {"laws": {"body": ConductivityLaw.power(150.0, -1.3)}}])
def test_exact_derivatives_are_those_of_differences(more: dict[str, object]) -> None:
    """All kinds of numbers, seen on the surface, over a patch and at depths that count from either face."""
    device = chip(**more)
    places = [
        surface(chip()),
        patch_temperatures(device, {"line": (350.0, 0.1)}),
        section_temperatures(device, Profile([-30 * nm, 40 * nm], [340.0, 320.0], [1.0, 1.0]), "film|body", 0.0, x=um),
    ]
    names = (G, *KNOWN, "film.conductivity", "body.in_plane", "body.thickness", "sink", "width")
    names = names[:2] if more else names
    held = problem(device, *places, free=names)
    x = np.zeros(len(names))
    want = difference_jacobian(held.data_residual, x, scale=np.ones(x.size), order=4)
    got = held.jacobian(x)
    largest = np.abs(want).max(axis=0)
    np.testing.assert_allclose(got / largest, want / largest, rtol=0, atol=1e-6)


def test_exact_maps_give_the_truth() -> None:
    device = chip()
    start = evolve(device, uncertain={}).replace({G: 2e7, "body.conductivity": 100.0})
    found = fit_device(start, surface(device, 1e-3), [G, "body.conductivity"], starts=2)
    np.testing.assert_allclose(found.value, [5e7, 150.0], rtol=1e-6, atol=0)
    np.testing.assert_allclose(fitted_device(found).value(G), 5e7, rtol=1e-6, atol=0)
    flux = boundary_flux(found, "film|body", LINE)
    np.testing.assert_allclose(flux.resistance, 2e-8, rtol=1e-6, atol=0)
    all_of_it = boundary_flux(found, "film|body", Rectangle((0, 10 * um), (0, 10 * um)))
    np.testing.assert_allclose(all_of_it.flux, 2e-3 / (10 * um) ** 2, rtol=1e-6, atol=0)  # what enters above leaves


def test_covariance_is_that_of_the_total_error() -> None:
    """Second road: generalised least squares with the calibrated numbers as correlated errors of the data."""
    device = chip()
    found = fit_device(device, surface(device), [G], starts=1)
    jacobian = found.solution.jacobian[:64]
    known = jacobian[:, 1:]
    widths = np.array([KNOWN[name] / device.value(name) for name in found.names[1:]])
    total = np.eye(64) + known @ np.diag(widths**2) @ known.T
    want = 1 / (jacobian[:, 0] @ np.linalg.solve(total, jacobian[:, 0]))
    np.testing.assert_allclose(found.solution.covariance[0, 0], want, rtol=1e-6, atol=0)


def test_common_error_of_a_thermometer_is_an_uncertain_offset() -> None:
    """A covariance with a part that all pixels share is a sink that is uncertain by as much."""
    device = chip()
    plain = surface(device)
    joint = MeasuredTemperatures(plain.places, plain.temperature, covariance=0.09 * np.eye(64) + 0.25)
    both = fit_device(device, joint, [G], starts=1)
    offset = evolve(device, uncertain=KNOWN | {"sink": 0.5})
    other = fit_device(offset, plain, [G], starts=1)
    np.testing.assert_allclose(both.sigma[0], other.sigma[0], rtol=1e-5, atol=0)


def coverage(runs: int) -> tuple[float, float, float]:
    """Share of 95 % intervals of G and of R that hold the truth, and scatter of ln R over its stated error."""
    generator = np.random.default_rng(7)
    hits, scatter = np.zeros(2), np.zeros((runs, 2))
    for run in range(runs):
        really = off(chip(), generator)
        found = fit_device(chip(), surface(really, 0.3, seed=run), [G], starts=1)
        low, high = found.interval(G)
        flux = boundary_flux(found, "film|body")
        hits += low <= 5e7 <= high, abs(flux.resistance - 2e-8) <= 1.959964 * flux.sigma[2]
        scatter[run] = np.log(flux.resistance / 2e-8), flux.sigma[2] / flux.resistance
    return hits[0] / runs, hits[1] / runs, float(scatter[:, 0].std() / scatter[:, 1].mean())


@pytest.mark.slow
def test_intervals_cover_a_simulated_map() -> None:
    got = coverage(30)
    for share in got[:2]:
        assert share >= 0.83  # 95 % less three standard deviations of 30 runs
    assert abs(got[2] - 1) < 0.39


@pytest.mark.slow
def test_intervals_cover_in_1000_simulated_maps() -> None:
    got = coverage(1000)
    for share in got[:2]:
        assert 0.93 <= share <= 0.97
    assert abs(got[2] - 1) < 0.05  # fits of devices that were drawn scatter as the linear error says


def updated_coverage(runs: int) -> tuple[float, float]:
    """Shares of devices drawn from what is known, by a factor of three about a boundary, of which the conductance and
    the hottest point lie in the 95 % interval that temperatures measured on them leave.
    """
    spread, inside = 0.55, np.zeros(2)
    device = chip(uncertain=KNOWN | {G: spread * 5e7})
    for run in range(runs):
        generator = np.random.default_rng((1, run))  # not that of the noise
        truth = off(device, generator).replace({G: 5e7 * np.exp(generator.normal(0, spread))})
        found = fit_device(device, surface(truth, 0.3, seed=run), starts=1)
        low, high = found.interval(G)
        peak = updated_peak(found)
        hottest = solve_layered(truth, sensitivity=False).peak
        inside += low <= truth.value(G) <= high, abs(hottest - peak.after) <= 1.96 * peak.after_sigma
    return tuple((inside / runs).tolist())


def test_temperatures_update_a_boundary_that_was_estimated() -> None:
    for share in updated_coverage(8):
        assert share >= 0.75  # 95 % less three standard deviations of 8 runs
    device = chip(uncertain=KNOWN | {G: 0.55 * 5e7})
    found = fit_device(device, surface(chip(3e7), 0.3, seed=1))
    free = fit_device(evolve(device, uncertain=KNOWN), surface(chip(3e7), 0.3, seed=1), [G])
    peak = updated_peak(found)
    # a normal prior and a normal likelihood in ln G: precisions add, and the mean is weighted with them
    left, right = found.sigma[found.index(G)] / found.value[found.index(G)], free.sigma[0] / free.value[0]
    assert abs(left / (1 / np.hypot(1 / right, 1 / 0.55)) - 1) <= 0.03
    weighted = (np.log(free.value[0]) / right**2 + np.log(5e7) / 0.55**2) * left**2
    assert abs(np.log(found.value[found.index(G)]) - weighted) <= 0.1 * left
    assert peak.after_sigma < 0.2 * peak.before_sigma
    assert abs(fitted_conductance(found, "film|body").sigma[0] / found.sigma[found.index(G)] - 1) <= 1e-12
    with pytest.raises(InputError, match="nothing is free"):
        fit_device(evolve(device, uncertain={}), surface(device))


@pytest.mark.slow
def test_an_estimate_of_temperature_stays_one_after_a_fit() -> None:
    """What comes back stands in the next device, at all temperatures and with its smaller error."""
    held = Conductance([250.0, 800.0], [4e7, 6e7], [2e7, 3e7])
    device = chip(held, uncertain={"line.power": 2e-5})
    truth = device.replace({G: Conductance([250.0, 800.0], [3e7, 4.5e7])})
    found = fit_device(device, surface(truth, 0.3, seed=2), starts=1)
    after = fitted_conductance(found, "film|body")
    assert np.abs(after.value / [3e7, 4.5e7] - 1).max() <= 3 * (after.sigma / after.value)[0]
    assert (after.sigma / after.value)[0] <= 0.2 * 0.5
    assert abs(solve_layered(chip(after), sensitivity=False).peak - updated_peak(found).after) <= 0.5


@pytest.mark.slow
def test_updates_cover_in_500_simulated_devices() -> None:
    for share in updated_coverage(500):
        assert 0.93 <= share <= 0.97


def test_sampled_and_linear_errors_of_the_flux_agree() -> None:
    device = chip()
    found = fit_device(device, surface(device, 0.1, seed=1), [G], starts=1)
    linear = boundary_flux(found, "film|body", LINE)
    drawn = sampled_flux(found, "film|body", LINE, samples=500, seed=4)
    np.testing.assert_allclose(drawn.std(axis=0), linear.sigma, rtol=0.05, atol=0)
    correlation = np.corrcoef(drawn.T) - linear.covariance / np.outer(linear.sigma, linear.sigma)
    np.testing.assert_allclose(correlation, 0, rtol=0, atol=0.08)


def test_good_contact_is_a_bound() -> None:
    """A boundary that takes 1 mK of a map known to 0.3 K: no number, but a lower bound that the truth obeys."""
    device = chip(1e12)
    start = device.replace({G: 1e9})
    found = fit_device(start, surface(device, 0.3, seed=2), [G], starts=1)
    assert set(found.bounds) == {G}
    assert found.bounds[G].low is not None
    assert 1e8 < found.bounds[G].low < 1e12
    flux = boundary_flux(found, "film|body")
    assert np.isnan([flux.resistance, flux.sigma[2]]).all()
    assert flux.bound == Bound(None, 1 / found.bounds[G].low, 0.95)


def section_map(device: Device, depths: np.ndarray, across: np.ndarray, sigma: float) -> TemperatureMap:
    """What spectra would show of a section, (across, depths)."""
    shape = (across.size, depths.size)
    blank = np.full((*shape, 1), 350.0)
    errors = np.full((*shape, 1, 1), sigma**2)
    flag = np.zeros(shape, dtype=int)
    flag[0, 0] = 2  # a dead pixel
    held = temperature_map((across, depths), blank, errors, flag)
    seen = problem(device, section_temperatures(device, held, "film|body", 0.0, x=0.1 * um, normal=1))
    value = np.full(shape, np.nan)
    value.T[(flag == 0).T] = seen.prediction(0, np.zeros(1))
    return evolve(held, value=value[..., None])


def test_sections_give_flux_and_resistance() -> None:
    """Jump over flux of the truth, from a map across the boundary whose power nobody knows."""
    device = chip()
    held = section_map(device, np.array([-50, -20, 20, 100, 500]) * nm, np.linspace(0, 2, 4) * um, 0.01)
    seen = section_temperatures(device, held, "film|body", 0.0, x=0.1 * um, normal=1, skip=5 * nm)
    assert seen.temperature.size == 19
    start = device.replace({G: 2e7, "line.power": 1e-3})
    found = fit_device(start, seen, [G, "line.power"], starts=1)
    got, want = boundary_flux(found, "film|body"), solve_layered(device).drop["film|body"]
    assert abs(got.resistance - 2e-8) < 4 * got.sigma[2]
    np.testing.assert_allclose(got.jump, want, rtol=0.01, atol=0)
    assert abs(found.value[1] - 2e-3) < 4 * found.sigma[1]


def test_maps_of_a_plane_are_points_of_it() -> None:
    axis = np.linspace(0.25, 4.75, 8) * um
    flat = surface(chip())
    value = flat.temperature.reshape(8, 8, 1)
    covariance = np.full((8, 8, 1, 1), 0.09)
    count = np.zeros((8, 8), dtype=int)
    held = temperature_map((axis - um, axis), value, covariance, count)
    got = map_temperatures(held, chip().top(), x=um)
    np.testing.assert_allclose(got.places[0].at.x, flat.places[0].at.x, rtol=1e-12, atol=0)
    np.testing.assert_allclose(got.temperature, flat.temperature, rtol=1e-12, atol=0)


@pytest.mark.slow
def test_conductance_of_t_is_fitted_as_a_whole() -> None:
    """A curve of the wrong height, with the same course against T, comes out right."""
    truth = Conductance([250, 300, 400], [4e7, 5e7, 6e7])
    found = fit_device(chip(evolve(truth, value=truth.value * 0.7), uncertain={}), surface(chip(truth)), [G], starts=1)
    np.testing.assert_allclose(found.value[0], 5e7, rtol=1e-4, atol=0)


@pytest.mark.parametrize("more", [{}, {"laws": {"body": ConductivityLaw.power(150.0, -1.3)}}])
def test_uncertain_numbers_without_effect_are_left_out(more: dict[str, object]) -> None:
    device = chip(uncertain={"body.conductivity": 3.0, G: 1e6}, **more)
    assert set(device_priors(device, {G: Free()}, {})) == {"body.conductivity"}


def on(x: float, kelvin: float = 350.0, **more: object) -> MeasuredTemperatures:
    return point_temperatures(Plane("film"), [x], [1e-6], [kelvin], **({"sigma": 1.0} | more))


def profile(position: float) -> Profile:
    return Profile([position, position + 1 * nm], [350.0, 349.0], [1.0, 1.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fit_device(chip(), on(1.0), [G]), r"x = 1 m, outside of the box from 0 to 1e-05"),
        (lambda: fit_device(chip(), on(1e-6, 50.0), [G]), "K, not rises or °C"),
        (lambda: on(1e-6, np.nan), "nan"),
        (lambda: on(1e-6, sigma=None), "sigma or as covariance"),
        (lambda: on(1e-6, sigma=[1.0, 2.0]), "2 uncertainties for 1"),
        (lambda: point_temperatures(TOP, [0, 1], [0, 0], [350, 351], covariance=[[0, 1], [1, 0]]), "eigenvalue -1"),
        (lambda: point_temperatures(TOP, [0, 1], [0, 0], [350], 1.0), "1 temperatures for 2 places"),
        (lambda: fit_device(chip(), on(1e-6), ["film|air.conductance"]), "has no 'film|air.conductance'"),
        (lambda: fit_device(chip(), on(1e-6), ["top_coefficient"]), "do not depend on top_coefficient"),
        (lambda: fit_device(evolve(chip(), uncertain={}), on(1e-6), []), "nothing is free"),
        (lambda: fit_device(chip(), [], [G]), "no temperatures"),
        (lambda: patch_temperatures(chip(), {"gate": (350.0, 1.0)}), "no patch 'gate'"),
        (lambda: section_temperatures(chip(), profile(0.0), "film|body", -0.1), "outside of the device: lengths"),
        (lambda: section_temperatures(chip(), profile(0.0), "film|air", 0.0), "no boundary 'film|air'"),
        (lambda: section_temperatures(chip(), profile(0.0), "film|body", 0.0, skip=-1.0), "itself, where it jumps"),
        (lambda: boundary_flux(fit_device(chip(), surface(chip()), [G], starts=1), "body|sink"), "no boundary"),
    ],
)  # fmt: skip
def test_faults_are_told_in_one_line(make, message) -> None:
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_the_verb_fits_devices_and_the_design_has_the_errors_of_the_fit() -> None:
    """A plan with a setting at its present value has the relative errors of a fit of exact data."""
    device, names = chip(), [G, "body.conductivity"]
    blank = evolve(device, uncertain={name: KNOWN[name] for name in ("line.power", "coefficient")})
    seen = surface(blank)
    found = fit(blank, seen, free=names, starts=1)
    np.testing.assert_allclose(found.value, fit_device(blank, seen, names, starts=1).value, rtol=1e-12, atol=0)
    here, brighter = sorted(
        design(blank, seen, names, settings={"line.power": [2e-3, 4e-3]}), key=lambda one: one.settings["line.power"]
    )
    want = found.sigma[:2] / found.value[:2]
    np.testing.assert_allclose([here.sigma[name] for name in names], want, rtol=1e-5, atol=0)
    assert brighter.sigma[G] < here.sigma[G]
    assert brighter.merit > here.merit
    with pytest.raises(InputError, match="a fit of a device takes no ties"):
        fit(blank, seen, free=names, ties={"one": Tie((G,))})
    with pytest.raises(InputError, match="no setting 'oven'"):
        design(blank, seen, names, settings={"oven": [1.0]})
