"""Deviational Monte Carlo: beside the deterministic solver, view factors, reciprocity, conservation, both roads."""

import csv
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from multiprocessing import get_context
from unittest import mock

import numpy as np
import pytest
from array_particles import draw_cosine_directions, simulate_batch
from scipy.stats import chi2
from scipy.stats import t as student

from kapitza.errors import ConvergenceError, InputError
from kapitza.run.store import Store
from kapitza.simulate.boltzmann.boundaries import AngularTransmission, InterfaceScattering, Wall
from kapitza.simulate.boltzmann.carriers import Carriers, band_carriers, gray_carriers
from kapitza.simulate.boltzmann.domain import Cuboid, Domain, HotSpot, Prism
from kapitza.simulate.boltzmann.layered.transport import Film, transport
from kapitza.simulate.boltzmann.monte_carlo import simulation
from kapitza.simulate.boltzmann.monte_carlo.simulation import MonteCarloSettings, detector_temperature, monte_carlo

pytest.importorskip("numba", reason="needs numba")

SPEED = 5000.0
ENDS = {"-x": Wall(300.5), "+x": Wall(299.5)}
MIRROR = Wall(None, 1.0)


def bands(flow, path, name="a"):
    """Bands with E = C v/4 in MW m⁻² K⁻¹ and mean free paths in nm."""
    flow = 1e6 * np.asarray(flow, dtype=float)
    return band_carriers(name, 4 * flow / SPEED, np.full(flow.size, SPEED), 1e-9 * np.asarray(path, dtype=float))


@cache
def gray(path=1e-8, name="gray"):
    return gray_carriers(name, heat_capacity=4e6, velocity=1000.0, mean_free_path=path)


def means(found, edges):
    """Mean temperature of a deterministic solution in cells."""
    fine = np.concatenate(
        [[0], np.cumsum(np.diff(found.position) * (found.temperature[1:] + found.temperature[:-1]) / 2)]
    )
    return np.diff(np.interp(edges, found.position, fine)) / np.diff(edges)


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def agree(got, want, sigma, worst=3.5):
    """Differences are those of a normal distribution of this standard error."""
    z = (got - want) / sigma
    assert np.abs(z).max() < worst
    assert (np.abs(z) < 2).mean() > 0.8


def slab_of_one_band():
    return [Film(1e-8, gray(), name="gray")], [], ENDS["-x"], ENDS["+x"]


def two_diffuse_layers():
    left, right = bands([300, 200], [20, 300]), bands([150, 250], [10, 100], "b")
    return [Film(4e-8, left), Film(6e-8, right)], [InterfaceScattering(coefficient=[0.3, 0.5])], ENDS["-x"], ENDS["+x"]


def partly_specular_layers():
    left, right = bands([300, 200], [20, 300]), bands([300, 200], [50, 30], "b")
    crossing = InterfaceScattering(coefficient=0.6, specular=0.7)
    return [Film(4e-8, left), Film(6e-8, right)], [crossing], Wall(300.5, [0.2, 0.6]), Wall(299.5)


@pytest.mark.parametrize("make", [slab_of_one_band, two_diffuse_layers, partly_specular_layers])
def test_both_solvers_differ_as_the_error_bars_say(make):
    """Over eighty independent runs: each cell scatters by its error bar (chi square), 95 % lie within two of them.

    The mean of all runs is then within 1 % of the fall of temperature, and of the flux, and within three of its own.
    """
    films, crossings, left, right = make()
    want = transport(films, crossings, left=left, right=right)
    stops = np.cumsum([0, *(one.thickness for one in films)])
    names = [one.carriers.name for one in films]
    boxes = [Cuboid([a], [b], one.carriers) for a, b, one in zip(stops, stops[1:], films, strict=False)]
    domain = Domain(boxes, dict(zip(["|".join(names)], crossings, strict=False)), {"-x": left, "+x": right})
    runs = [
        monte_carlo(domain, spacing=stops[-1] / 10, settings=MonteCarloSettings(4_000, seed=s))
        for s in range(1000, 1080)
    ]
    at = np.array([[*one.temperature, *(one.flux[0] / 1e9)] for one in runs])
    sigma = np.array([[*one.temperature_sigma, *(one.flux_sigma[0] / 1e9)] for one in runs])
    cells = runs[0].temperature.size
    exact = np.array([*means(want, runs[0].edges[0]), *[want.flux / 1e9] * cells])
    z = (at - exact) / sigma
    low, high = chi2.ppf([5e-4, 1 - 5e-4], len(runs)) * 39 / 37  # error bars from 40 batches: Student's distribution
    square = np.sum(z**2, axis=0)
    assert (square > low).all()
    assert (square < high).all()
    share = 2 * student.cdf(2, 39) - 1
    spread = np.std((np.abs(z) < 2).mean(axis=1)) / np.sqrt(len(runs))  # cells of one run are not independent
    assert abs((np.abs(z) < 2).mean() - share) < max(3 * spread, 0.015)
    mean, error = at.mean(axis=0), at.std(axis=0, ddof=1) / np.sqrt(len(runs))
    assert (np.abs(mean - exact) < 3.3 * error).all()
    assert error.max() < 0.004
    drop = left.temperature - right.temperature
    np.testing.assert_allclose(mean[:cells], exact[:cells], rtol=0, atol=0.01 * drop)
    np.testing.assert_allclose(mean[cells:], exact[cells:], rtol=0.01, atol=0)


@pytest.mark.parametrize("thickness", [0.1, 1.0, 5.0])
def test_gray_slab(data, thickness):
    """The exact flux to one per cent and two standard errors, and the temperature of every cell."""
    exact = {
        float(row["L_over_mfp"]): float(row["Q = q/(C v dT/4)"]) for row in table(data("device/gray_slab_exact.csv"))
    }
    length = thickness * 1e-8
    domain = Domain([Cuboid([0.0], [length], gray())], walls=ENDS)
    got = monte_carlo(domain, spacing=length / 5, settings=MonteCarloSettings(200_000, seed=3))
    power, sigma = got.net_power("+x")
    assert abs(power / 1e9 - exact[thickness]) < 2 * sigma / 1e9
    np.testing.assert_allclose(power / 1e9, exact[thickness], rtol=0.01, atol=0)
    agree(got.temperature, means(transport([Film(length, gray())]), got.edges[0]), got.temperature_sigma)
    agree(got.flux[0], exact[thickness] * 1e9, got.flux_sigma[0])


def test_two_layers_of_several_bands(data):
    """Flux from the reference, temperatures and spectra of the deterministic solver."""
    left, right = bands([300, 200], [20, 300]), bands([150, 250], [10, 100], "b")
    crossing = InterfaceScattering(coefficient=[0.3, 0.5])
    for row in table(data("device/nongray_two_layer_exact.csv")):
        thickness = float(row["L1=L2_nm"]) * 1e-9
        if thickness > 3e-7:
            continue
        boxes = [Cuboid([0.0], [thickness], left), Cuboid([thickness], [2 * thickness], right)]
        got = monte_carlo(
            Domain(boxes, {"a|b": crossing}, ENDS), spacing=thickness / 5, settings=MonteCarloSettings(200_000, seed=1)
        )
        exact = 1e6 * float(row["q_over_dT_MW_m2K"])
        power, sigma = got.net_power("a|b")
        assert abs(power - exact) < 2 * sigma
        np.testing.assert_allclose(power, exact, rtol=0.01, atol=0)
        one = transport([Film(thickness, left), Film(thickness, right)], [crossing])
        agree(got.temperature, means(one, got.edges[0]), got.temperature_sigma)
        at = int(np.argmin(np.abs(one.position - thickness)))
        s = got.surface("a|b")
        agree(got.spectrum[s], one.spectral_flux[at], got.spectrum_sigma[s])


def test_partly_specular_walls_and_boundary():
    """Mirrors among the walls, and a boundary that many phonons cross straight."""
    medium, other = bands([300, 200], [20, 300]), bands([300, 200], [50, 30], "b")
    crossing = InterfaceScattering(coefficient=0.6, specular=0.7)
    left, right = Wall(301.0, [0.2, 0.6]), Wall(299.0)
    films = [Film(4e-8, medium), Film(6e-8, other)]
    want = transport(films, [crossing], left=left, right=right)
    boxes = [Cuboid([0.0], [4e-8], medium), Cuboid([4e-8], [1e-7], other)]
    for name, sense in (("a|b", 1), ("b|a", -1)):
        domain = Domain(boxes, {name: crossing}, {"-x": left, "+x": right})
        got = monte_carlo(domain, spacing=2e-8, settings=MonteCarloSettings(300_000, seed=1))
        agree(got.power[[2, 3]], np.array([1, sense]) * want.flux, got.power_sigma[[2, 3]])
        agree(got.temperature, means(want, got.edges[0]), got.temperature_sigma)


def test_view_factors():
    """Without scattering, what one wall of a square channel or a cube sends to another is geometry."""
    free = gray(1.0)
    cold = {"-x": Wall(301.0), "+x": Wall(300.0), "-y": Wall(300.0), "+y": Wall(300.0)}
    got = monte_carlo(Domain([Cuboid([0, 0], [1e-6, 1e-6], free)], walls=cold), spacing=1e-6)
    sent = 1e9 * 1e-6  # C v/4 · 1 K · side
    for name, factor in (("+x", np.sqrt(2) - 1), ("-y", 1 - np.sqrt(2) / 2), ("+y", 1 - np.sqrt(2) / 2)):
        power, sigma = got.net_power(name)
        assert abs(power / sent - factor) < 2.5 * sigma / sent
        np.testing.assert_allclose(power / sent, factor, rtol=0.01, atol=0)
    cube = Domain([Cuboid([0, 0, 0], [1e-6] * 3, free)], walls={**cold, "-z": Wall(300.0), "+z": Wall(300.0)})
    opposite = 2 / np.pi * (np.log(2 / np.sqrt(3)) + 2 * np.sqrt(2) * np.arctan(1 / np.sqrt(2)) - np.pi / 2)
    power, sigma = monte_carlo(cube, spacing=1e-6).net_power("+x")
    assert abs(power / 1e-3 - opposite) < 2.5 * sigma / 1e-3
    np.testing.assert_allclose(power / 1e-3, opposite, rtol=0.02, atol=0)


def device():
    """A hot spot in a film on another material with a pore, periodic along x, a heat sink below."""
    top, bottom = bands([300, 200], [20, 300]), bands([150, 250], [10, 100], "b")
    boxes = [
        Cuboid([0, 0], [2e-7, 1e-7], bottom),
        Cuboid([0, 1e-7], [2e-7, 1.6e-7], top),
        Cuboid([1.2e-7, 3e-8], [1.6e-7, 7e-8], Wall(None, 0.5), "pore"),
    ]
    walls = {"-x": "periodic", "+x": "periodic", "-y": Wall(299.0), "+y": MIRROR}
    sources = [HotSpot([2e-8, 1.4e-7], [5e-8, 1.6e-7], 5.0), HotSpot([2e-8, 2e-8], [4e-8, 4e-8], 3.0, [0.9, 0.1])]
    return Domain(boxes, {"b|a": InterfaceScattering(coefficient=[0.5, 0.2])}, walls, sources)


@cache
def device_map(compiled=True, executor=1):
    count, batches = (60_000, 40) if compiled else (4_000, 12)
    settings = MonteCarloSettings(count, seed=7, batches=batches)
    with mock.patch.object(simulation, "_simulate_batch", simulation._simulate_batch if compiled else simulate_batch):
        probes = {"spot": ([2e-8, 1.4e-7], [5e-8, 1.6e-7])}
        return monte_carlo(device(), spacing=2e-8, settings=settings, probes=probes, executor=executor)


def test_energy_balance():
    """The sink takes what sources give, a boundary passes what is set free behind it, pores and mirrors nothing."""
    got = device_map()
    np.testing.assert_allclose(got.net_power("-y"), [8.0, 0.0], rtol=1e-9, atol=1e-9)
    power, sigma = got.net_power("b|a")
    assert abs(power + 5.0) < 2.5 * sigma
    np.testing.assert_allclose(power, -5.0, rtol=0.01, atol=0)
    for name in ("pore", "+y", "void"):
        assert got.net_power(name) == (0.0, 0.0)
    across = got.flux[1, :, 6] @ np.diff(got.edges[0])  # through cells between the boundary and the spot
    np.testing.assert_allclose(across, -5.0, rtol=0.02, atol=0)


def test_both_roads_agree():
    one, other = device_map(), device_map(compiled=False)
    both = np.isfinite(one.temperature)
    assert (both == np.isfinite(other.temperature)).all()
    for name in ("temperature", "lattice"):
        sigma = np.hypot(getattr(one, name + "_sigma"), getattr(other, name + "_sigma"))[both]
        agree(getattr(one, name)[both], getattr(other, name)[both], sigma, worst=5.0)
    agree(one.modes, other.modes, np.hypot(one.modes_sigma, other.modes_sigma))
    sigma = np.hypot(one.flux_sigma, other.flux_sigma)[:, both]
    agree(one.flux[:, both], other.flux[:, both], sigma, worst=5.0)
    (power, error), (again, more) = one.net_power("b|a"), other.net_power("b|a")
    assert abs(power - again) < 3 * np.hypot(error, more)
    np.testing.assert_allclose(again, power, rtol=0.2, atol=0)


def test_directions_off_a_plane_follow_the_cosine_law():
    """Unit vectors, as likely as the cosine: its mean is 2/3, its mean square 1/2, the other two share the rest."""
    count = 40_000
    axis, sense = np.arange(count) % 3, np.where(np.arange(count) % 2, 1.0, -1.0)
    way = draw_cosine_directions(np.random.default_rng(3), axis, sense)
    np.testing.assert_allclose(np.sum(way**2, axis=1), 1.0, rtol=1e-12, atol=0)
    row = np.arange(count)
    cosine = way[row, axis] * sense
    assert cosine.min() >= 0
    np.testing.assert_allclose(cosine.mean(), 2 / 3, rtol=0, atol=4 * np.sqrt(1 / 18 / count))
    np.testing.assert_allclose(np.mean(cosine**2), 1 / 2, rtol=0, atol=4 * np.sqrt(1 / 12 / count))
    np.testing.assert_allclose(np.mean(way[row, (axis + 1) % 3] ** 2), 1 / 4, rtol=0, atol=4 * 0.2 / np.sqrt(count))


def test_forward_and_backward_agree():
    """Reciprocity: the temperature of the hot spot from particles that end, or start, there."""
    low, high = [2e-8, 1.4e-7], [5e-8, 1.6e-7]
    back = detector_temperature(device(), low, high, settings=MonteCarloSettings(100_000, seed=2))
    got = device_map()
    inside = (got.centres[1] > 1.4e-7)[None, :] & ((got.centres[0] > 2e-8) & (got.centres[0] < 5e-8))[:, None]
    area = np.outer(*(np.diff(one) for one in got.edges))[inside]
    forward = float(got.temperature[inside] @ area / area.sum())
    sigma = np.hypot(back.sigma, float(got.temperature_sigma[inside].max()))
    assert abs(back.temperature - forward) < 2.5 * sigma
    np.testing.assert_allclose(back.temperature - 299.0, forward - 299.0, rtol=0.03, atol=0)
    np.testing.assert_allclose(back.share.sum(), 1.0, rtol=1e-9, atol=0)


def test_fourier_limit():
    """A slab heated evenly, a hundred mean free paths thick: a parabola, with the slip of its walls."""
    length, medium = 1e-6, gray()
    domain = Domain(
        [Cuboid([0.0], [length], medium)],
        walls={"-x": Wall(300.0), "+x": Wall(300.0)},
        sources=[HotSpot([0.0], [length], 1e8)],
    )
    got = monte_carlo(domain, spacing=length / 8, settings=MonteCarloSettings(4_000, seed=4))
    x, half = got.centres[0] - length / 2, length / 2
    k = medium.conductivity
    width = length / 8
    slip = 0.7104 * 1e-8 * 1e8 / 2 / k
    want = 300 + 1e8 / length / (2 * k) * (half**2 - x**2 - width**2 / 12) + slip
    agree(got.temperature, want, got.temperature_sigma)


def test_error_bars_are_honest():
    """Over many seeds, the flux scatters as its error bars say."""
    domain = Domain([Cuboid([0.0], [1e-8], gray())], walls=ENDS)
    found = [
        monte_carlo(domain, spacing=1e-8, settings=MonteCarloSettings(2_000, seed=s)).net_power("+x") for s in range(60)
    ]
    z = [(power / 1e9 - 0.553405993) / (sigma / 1e9) for power, sigma in found]
    assert 0.75 < np.std(z) < 1.3
    assert abs(np.mean(z)) < 0.4


def test_the_seed_fixes_every_digit(tmp_path):
    one, many = device_map(), device_map(executor=3)
    np.testing.assert_array_equal(one.temperature, many.temperature)
    np.testing.assert_array_equal(one.spectrum_sigma, many.spectrum_sigma)
    other = monte_carlo(device(), spacing=2e-8, settings=MonteCarloSettings(400, seed=8))
    assert np.abs(other.power - one.power).max() > 0
    kept = [
        monte_carlo(device(), spacing=2e-8, settings=MonteCarloSettings(400, seed=8), store=Store(tmp_path))
        for _ in range(2)
    ]
    for got in kept:
        np.testing.assert_array_equal(got.temperature, other.temperature)


def streams():
    return Carriers(name="s", capacity=[1e6], velocity=[5e3], lifetime=[1e-11], omega=[0.0], group=[0], isotropic=False)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Domain([Cuboid([0.0], [1e-8], gray())], walls={"-y": Wall()}), "unknown wall '-y'"),
        (lambda: Domain([Cuboid([0.0], [1e-8], gray())], walls={"-x": "periodic"}), "only one of them is periodic"),
        (lambda: Domain([]), "none of a material"),
        (lambda: Cuboid([0.0, 0.0], [1e-8], gray()), "2 and 1 coordinates"),
        (lambda: Cuboid([1e-8], [0.0], gray()), "expected an extent"),
        (lambda: Cuboid([0.0], [1e-8], streams()), "one normal only"),
        (lambda: Cuboid([0.0], [1e-8], "Si"), "Carriers or a Wall"),
        (lambda: HotSpot([0.0], [1e-8], 1.0, [0.5, 0.4]), "add up to 0.9"),
        (lambda: Domain([Cuboid([0.0], [1e-8], gray()), Cuboid([1e-8], [2e-8], gray(2e-8))]), "two boxes named 'gray'"),
        (lambda: monte_carlo(Domain([Cuboid([0.0], [1e-8], gray())]), spacing=1e-9), "heat cannot leave"),
        (
            lambda: monte_carlo(Domain([Cuboid([0.0], [1e-8], gray())], walls={"-x": Wall(300)}), spacing=1e-9),
            "nothing drives",
        ),
        (lambda: monte_carlo(Domain([Cuboid([0.0], [1e-8], gray())], walls=ENDS), spacing=0.0), "spacing = 0.0"),
        (lambda: monte_carlo(Domain([Cuboid([0.0], [1e-3], gray())], walls=ENDS), spacing=1e-12), "larger spacing"),
        (lambda: monte_carlo(two({}), spacing=1e-9), "has no transmission"),
        (lambda: monte_carlo(two({"a|b": 1e8}), spacing=1e-9), "counted twice"),
        (lambda: monte_carlo(two({"a|b": InterfaceScattering(coefficient=1.0)}), spacing=1e-9), "detailed balance"),
        (lambda: monte_carlo(two({"a|c": InterfaceScattering(coefficient=0.1)}), spacing=1e-9), "has no transmission"),
        (
            lambda: monte_carlo(
                two({name: InterfaceScattering(coefficient=0.1) for name in ("a|b", "b|a")}), spacing=1e-9
            ),
            "given twice",
        ),
        (
            lambda: monte_carlo(two({"a|b": InterfaceScattering(coefficient=0.1, specular=0.5)}), spacing=1e-9),
            "unlike bands",
        ),
        (
            lambda: monte_carlo(
                two(
                    {
                        "a|b": InterfaceScattering(
                            specular=1.0, specular_transmission=AngularTransmission([0.0, 1.0], [0.1, 0.9])
                        )
                    }
                ),
                spacing=1e-9,
            ),
            "share against the angle",
        ),
        (lambda: MonteCarloSettings(10), "two batches"),
        (lambda: MonteCarloSettings(seed=-1), "seed = -1"),
        (lambda: MonteCarloSettings(2000.5), "particles = 2000.5, expected a whole number"),
        (lambda: MonteCarloSettings(seed=np.nan), "seed = nan, expected a whole number"),
        (lambda: Domain([Cuboid([0.0], [1e-8], gray())], walls={"-x": 301.0}), "wall -x: expected a Wall"),
        (lambda: Prism("abc", gray()), "expected corners with x and y"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def two(boundaries):
    boxes = [Cuboid([0.0], [1e-8], gray(name="a")), Cuboid([1e-8], [2e-8], bands([300], [20], "b"))]
    return Domain(boxes, boundaries, ENDS)


def test_a_particle_that_is_shut_in():
    """A pocket behind a wall: said, not waited for."""
    boxes = [Cuboid([0.0], [1e-8], gray()), Cuboid([1e-8], [2e-8], Wall(), "plug"), Cuboid([2e-8], [3e-8], gray())]
    domain = Domain(boxes, walls={"-x": Wall(300.0)}, sources=[HotSpot([2e-8], [3e-8], 1.0)])
    with pytest.raises(ConvergenceError, match="trapped"):
        monte_carlo(domain, spacing=1e-8, settings=MonteCarloSettings(80, max_events=1000))


def test_probes_and_detectors_stay_inside_of_one_material():
    for low, high, message in (([0.5e-8], [1.5e-8], "2 regions"), ([0.0, 0.0], [1e-8, 1e-8], "coordinates")):
        domain = two({"a|b": InterfaceScattering(coefficient=0.1)})
        with pytest.raises(InputError, match=message):
            monte_carlo(domain, spacing=1e-8, probes={"p": (low, high)})
        with pytest.raises(InputError, match=r"several regions|coordinates"):
            detector_temperature(domain, low, high)
    with pytest.raises(InputError, match="reaches out"):
        monte_carlo(
            Domain([Cuboid([0.0], [1e-8], gray())], walls=ENDS, sources=[HotSpot([0.5e-8], [2e-8], 1.0)]), spacing=1e-8
        )


def test_an_executor_gives_the_same_digits(tmp_path):
    """Batches go to another process, and are kept where they came back from it."""
    domain, settings = Domain([Cuboid([0.0], [2e-8], gray())], walls=ENDS), MonteCarloSettings(800, batches=4)
    want = monte_carlo(domain, spacing=1e-8, settings=settings)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        got = monte_carlo(domain, spacing=1e-8, settings=settings, store=Store(tmp_path), executor=pool)
    np.testing.assert_array_equal(got.temperature, want.temperature)
    again = monte_carlo(domain, spacing=1e-8, settings=settings, store=Store(tmp_path))
    np.testing.assert_array_equal(again.flux, want.flux)
    block = [0.5e-8], [1.5e-8]
    seen = detector_temperature(domain, *block, settings=settings)
    with ThreadPoolExecutor(1) as pool:
        other = detector_temperature(domain, *block, settings=settings, executor=pool, store=Store(tmp_path))
    assert other.temperature == seen.temperature
    assert detector_temperature(domain, *block, settings=settings, executor=2).temperature == seen.temperature
