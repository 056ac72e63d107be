"""Spectral heat flux: bookkeeping to rounding, known signals, the harmonic limit, and reference runs."""

import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import frozen
from harmonic_flux import HarmonicCurrent, langevin_transmission
from harmonic_systems import harmonic_system
from scipy.linalg import expm, solve_continuous_lyapunov

from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.building.layers import chain_junction
from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.observers.mode_energies import force_constants_across
from kapitza.simulate.md.observers.plane_power import PlanePower
from kapitza.simulate.md.observers.spectral_flux import SpectralCurrent, SpectralFlux
from kapitza.simulate.md.observers.welch import SegmentSettings
from kapitza.theory.chain import Chain, chain_transmission
from kapitza.units import k_B

SPRING, MASS = 10.0, 4e-26  # N m⁻¹, kg
OMEGA = float(np.sqrt(SPRING / MASS))


@frozen(eq=False)
class Strings:
    """Bundle of chains between held ends, light on the left and heavier on the right; atoms run along the bundle first.

    Displacements stand for positions, and every direction is a chain of its own.
    """

    chains: int
    length: int
    ratio: float = 1.0
    quartic: float = 0.0  # N m⁻³

    @property
    def split(self) -> int:
        return self.length // 2

    @property
    def masses(self) -> np.ndarray:
        return np.repeat(np.where(np.arange(self.length) < self.split, MASS, MASS * self.ratio), self.chains)

    def gaps(self, u: np.ndarray) -> np.ndarray:
        """(length + 1, chains, 3) extension of each bond."""
        u = u.reshape(self.length, self.chains, 3)
        return np.concatenate([u[:1], u[1:] - u[:-1], -u[-1:]])

    def stretched(self, u: np.ndarray) -> np.ndarray:
        """(length + 1, chains, 3) tension of each bond."""
        gap = self.gaps(u)
        return SPRING * gap + self.quartic * gap * gap * gap

    def forces(self, u: np.ndarray) -> np.ndarray:
        pull = self.stretched(u)
        return (pull[1:] - pull[:-1]).reshape(-1, 3)

    def left_energy(self, u: np.ndarray, v: np.ndarray, plane: int) -> float:
        """Energy of the sites left of a plane, with half of the bond that crosses it."""
        gap = self.gaps(u)
        bond = (0.5 * SPRING * gap**2 + 0.25 * self.quartic * gap**4).sum(axis=(1, 2))
        left = plane * self.chains
        return float(bond[:plane].sum() + 0.5 * bond[plane] + (0.5 * self.masses[:, None] * v**2)[:left].sum())


class BondCrossing:
    """The plane between atoms `plane` - 1 and `plane` of every chain."""

    def __init__(self, strings: Strings, plane: int) -> None:
        self.strings, self.plane = strings, plane
        self.atoms = np.arange((plane - 1) * strings.chains, (plane + 1) * strings.chains)
        self.right = np.arange(self.atoms.size) >= strings.chains

    def forces(self, positions: np.ndarray) -> np.ndarray:
        pull = 0.5 * self.strings.stretched(positions)[self.plane]
        return np.concatenate([pull, -pull])


def bath_rates(length: int, span: int, damping: float) -> tuple[np.ndarray, np.ndarray]:
    """Rates of the two baths, which rise towards the ends."""
    ramp = (np.arange(span) + 0.5) / span / damping
    hot, cold = np.zeros(length), np.zeros(length)
    hot[:span], cold[-span:] = ramp[::-1], ramp
    return hot, cold


def run(
    strings: Strings,
    span: int,
    kelvin: tuple[float, float],
    observers: list[Any],
    *,
    steps: int,
    settle: int,
    seed: int,
) -> np.ndarray:
    """Langevin dynamics (BAOAB); (2,) heat that the two baths gave in the observed part, J."""
    rng = np.random.default_rng(seed)
    count, rates = span * strings.chains, bath_rates(strings.length, span, 5 / OMEGA)
    baths = [slice(0, count), slice(-count, None)]
    mass = strings.masses[:, None]
    keep = [np.exp(-np.repeat(r, strings.chains)[b, None] * STEP) for r, b in zip(rates, baths, strict=True)]
    kick = [np.sqrt(k_B * t * (1 - k**2) / mass[b]) for t, k, b in zip(kelvin, keep, baths, strict=True)]
    u, v, heat = np.zeros((mass.size, 3)), np.zeros((mass.size, 3)), np.zeros(2)
    half = 0.5 * STEP / mass * strings.forces(u)
    for step in range(settle + steps):
        v += half
        u += 0.5 * STEP * v
        for side, bath in enumerate(baths):
            before = v[bath]
            after = keep[side] * before + kick[side] * rng.standard_normal(before.shape)
            heat[side] += (step >= settle) * (0.5 * mass[bath] * (after**2 - before**2)).sum()
            v[bath] = after
        u += 0.5 * STEP * v
        half = 0.5 * STEP / mass * strings.forces(u)
        v += half
        for one in observers:
            if step >= settle and (step - settle) % one.every == 0:
                one.sample(u, v)
    return heat


def stationary(strings: Strings, span: int, kelvin: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Drift of displacements and velocities of one chain in units of 1/Ω, and their stationary covariance."""
    n = strings.length
    mass = strings.masses[:: strings.chains]
    bonds = SPRING * (2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)) / mass[:, None] / OMEGA**2
    hot, cold = (r / OMEGA for r in bath_rates(n, span, 5 / OMEGA))
    drift = np.block([[np.zeros((n, n)), np.eye(n)], [-bonds, -np.diag(hot + cold)]])
    noise = np.diag(np.append(np.zeros(n), 2 * k_B * (hot * kelvin[0] + cold * kelvin[1]) / mass)) / OMEGA**2
    return drift, solve_continuous_lyapunov(drift, -noise)


def sampled(strings: Strings, span: int, kelvin: tuple[float, float], observers: list[Any], looks: int) -> None:
    """Exact samples of harmonic chains between two baths, without a time step: each look by the propagator."""
    drift, spread = stationary(strings, span, kelvin)
    step = expm(drift * observers[0].interval * OMEGA)
    rng = np.random.default_rng(21)

    def root(matrix: np.ndarray) -> np.ndarray:
        value, vector = np.linalg.eigh(matrix)
        return vector * np.sqrt(np.maximum(value, 0))

    kick, size = root(spread - step @ spread @ step.T), (len(step), 3 * strings.chains)
    state = root(spread) @ rng.standard_normal(size)
    for _ in range(looks):
        state = step @ state + kick @ rng.standard_normal(size)
        u, v = state.reshape(2, -1, 3)
        for one in observers:
            one.sample(u, v * OMEGA)


AREA, STEP, EVERY = 1e-18, 0.1 / OMEGA, 6


def segments(**more: Any) -> SegmentSettings:
    """Samples every sixth step."""
    return SegmentSettings(timestep=STEP, every=EVERY, **more)


def looked(strings: Strings, looks: int, **more: Any) -> tuple[SpectralCurrent, np.ndarray]:
    """An observer that saw noise, and the power at each look by a sum over bonds."""
    rng = np.random.default_rng(3)
    plane = strings.split
    seen = SpectralCurrent(BondCrossing(strings, plane), strings.masses, segments(**more), area=AREA)
    power = []
    for _ in range(looks):
        u, v = rng.standard_normal((2, strings.masses.size, 3)) * [[[1e-12]], [[300.0]]]
        seen.sample(u, v)
        speed = v.reshape(strings.length, -1, 3)[plane - 1 : plane + 1].sum(axis=0)
        power.append(-0.5 * (strings.stretched(u)[plane] * speed).sum())
    return seen, np.array(power)


@pytest.mark.parametrize(("window", "hop"), [("none", 64), ("hann", 32), ("sine", 32)])
@pytest.mark.filterwarnings("ignore::kapitza.errors.ValidityWarning")
def test_the_spectrum_sums_to_the_direct_power(window: Any, hop: int) -> None:
    seen, power = looked(Strings(70, 4, quartic=1e22), 64 * 6, segment=64, window=window)
    found = seen.flux()
    starts = range(0, power.size - 63, hop)
    t = np.arange(64)
    weight = {"none": t**0, "hann": np.sin(np.pi * t / 64) ** 4, "sine": np.sin(np.pi * (t + 0.5) / 64) ** 2}[window]
    wanted = np.array([np.average(power[s : s + 64], weights=weight) for s in starts]) / AREA
    np.testing.assert_allclose(found.parts @ found.weights, wanted, rtol=1e-10, atol=1e-10 * np.abs(wanted).max())
    np.testing.assert_allclose(found.direct, wanted, rtol=1e-10, atol=1e-10 * np.abs(wanted).max())
    if window == "none":
        np.testing.assert_allclose(found.total[0], power.mean() / AREA, rtol=1e-10, atol=0)


@pytest.mark.filterwarnings("ignore::kapitza.errors.ValidityWarning")
def test_single_precision_is_enough_for_spectra() -> None:
    double, single = (
        looked(Strings(40, 4), 256, segment=64, precision=p)[0].flux() for p in ("double", "single")
    )  # fmt: skip
    np.testing.assert_allclose(single.value, double.value, rtol=0, atol=1e-5 * np.abs(double.value).max())


class Played:
    """A crossing of one atom a side that feels a given force."""

    atoms = np.array([0, 1])
    right = np.array([False, True])

    def forces(self, positions: np.ndarray) -> np.ndarray:
        return positions


@pytest.mark.parametrize("window", ["none", "hann", "sine"])
def test_a_vibration_carries_half_the_product_of_force_and_velocity_in_phase(window: Any) -> None:
    seen = SpectralCurrent(Played(), np.array([MASS, MASS]), segments(segment=128, window=window), area=AREA)
    omega = 2 * np.pi * 20 / (128 * STEP * EVERY)
    for look in range(128 * 3):
        phase = omega * look * STEP * EVERY
        force, velocity = np.zeros((2, 3)), np.zeros((2, 3))
        force[1, 2], velocity[1, 2] = 3e-12 * np.cos(phase), 200 * np.cos(phase + 0.4)
        force[0, 0], velocity[0, 0] = 1e-12 * np.cos(phase), 100 * np.cos(phase)
        seen.sample(force, velocity)
    found = seen.flux()
    wanted = 0.5 * (3e-12 * 200 * np.cos(0.4) - 1e-12 * 100) / AREA
    near = np.abs(found.omega - omega) < 6 * found.omega[1]
    np.testing.assert_allclose(found.total[0], wanted, rtol=1e-12, atol=0)
    np.testing.assert_allclose((found.value * found.weights)[near].sum(), wanted, rtol=2e-3, atol=0)
    kinetic = found.motion @ found.weights
    np.testing.assert_allclose(kinetic, MASS / 4 * np.array([100.0, 200.0]) ** 2, rtol=1e-6, atol=0)


def test_power_through_the_plane_is_what_the_left_side_loses() -> None:
    strings = Strings(3, 8, ratio=2.0, quartic=1e23)
    rng = np.random.default_rng(5)
    u, v = rng.standard_normal((24, 3)) * 2e-12, rng.standard_normal((24, 3)) * 300
    crossing = BondCrossing(strings, 4)
    dt = 1e-4 / OMEGA
    lost = []
    for way in (-dt, dt):
        speed = v + way * strings.forces(u) / strings.masses[:, None]
        lost.append(strings.left_energy(u + way * v, speed, 4))
    power = np.where(crossing.right, 1, -1) @ (crossing.forces(u) * v[crossing.atoms]).sum(axis=1)
    np.testing.assert_allclose(power, (lost[0] - lost[1]) / (2 * dt), rtol=1e-6, atol=0)


@pytest.fixture(scope="module")
def harmonic() -> dict[str, SpectralFlux]:
    """Junction of chains with mass ratio 3 and baths that reflect less than 1 %, hot at 300 K and cold near zero."""
    strings = Strings(30, 90, ratio=3.0)
    rare = SegmentSettings(timestep=1.3 / OMEGA, every=1, segment=64)
    left, right = np.arange(44 * 30, 45 * 30), np.arange(45 * 30, 46 * 30)
    seen = {
        "junction": SpectralCurrent(BondCrossing(strings, 45), strings.masses, rare, area=AREA, highest=2 * OMEGA),
        "left": SpectralCurrent(BondCrossing(strings, 43), strings.masses, rare, area=AREA),
        "constants": HarmonicCurrent(left, right, -SPRING * np.eye(90), rare, area=AREA),
    }
    sampled(strings, 42, (300.0, 1e-3), list(seen.values()), 2400)
    return {name: one.flux(name) for name, one in seen.items()}


def test_a_harmonic_junction_has_the_transmission_of_its_chains(harmonic: dict[str, SpectralFlux]) -> None:
    edges = np.linspace(0.12, 1.1, 5) * OMEGA
    value, sigma = harmonic["junction"].bands(edges)
    fine = np.linspace(0.12, 1.1, 4 * 40 + 1) * OMEGA
    exact = chain_transmission(Chain(MASS, SPRING), Chain(3 * MASS, SPRING), fine, bond=SPRING)
    wanted = np.array([exact[40 * i : 40 * i + 41].mean() for i in range(4)]) * 90
    found = value * AREA * 2 * np.pi / (k_B * 300)
    # machines that round otherwise have other noise; a percent is what segments of this length smooth
    assert (np.abs(found / wanted - 1) < 4 * sigma / value + 0.01).all()
    assert (sigma / value).max() < 0.02
    np.testing.assert_allclose(found.sum(), wanted.sum(), rtol=0.04, atol=0)


def test_all_planes_carry_what_the_stationary_state_says(harmonic: dict[str, SpectralFlux]) -> None:
    spread = stationary(Strings(1, 90, ratio=3.0), 42, (300.0, 1e-3))[1] * OMEGA
    work = spread[:90, 90:]  # <u_i v_j>
    wanted = 0.5 * SPRING * (work[44, 45] - work[45, 44]) * 90 / AREA
    for name in ("junction", "left"):
        value, sigma = harmonic[name].total
        assert abs(value - wanted) < 3 * sigma < 0.05 * wanted
    np.testing.assert_allclose(harmonic["constants"].total[0], wanted, rtol=0.03, atol=0)


def test_force_constants_see_the_same_spectrum(harmonic: dict[str, SpectralFlux]) -> None:
    edges = np.linspace(0.12, 1.1, 5) * OMEGA
    direct, constants = (harmonic[name].bands(edges)[0] for name in ("junction", "constants"))
    np.testing.assert_allclose(constants, direct, rtol=0.02, atol=0)


@pytest.mark.slow
def test_our_own_engine_finds_the_transmission_of_a_harmonic_junction() -> None:
    pytest.importorskip("numba")
    junction = chain_junction((MASS, SPRING), (3 * MASS, SPRING), bond=SPRING, area=AREA / 9, spacing=3e-10)
    system, field = harmonic_system(junction, cells=(3, 3), layers=(108, 108), thermostat=100)
    still, step = MdState(system.positions.copy(), np.zeros_like(system.positions)), 0.12 / OMEGA
    baths = Thermostats("langevin", hot=300.0, cold=1e-3, damping=20 / OMEGA)
    motion = BuiltinEngine().begin(system, field, baths, still, timestep=step, seed=3)
    motion.advance(6700)
    plane, started = PlanePower(system, field), motion.heat
    seen = SpectralCurrent(
        plane, system.masses, SegmentSettings(timestep=step, every=11, segment=64), area=system.area, highest=2 * OMEGA
    )
    for _ in range(8000):
        motion.advance(11)
        seen.sample(motion.positions, motion.velocities)
    flux, edges = seen.flux(), np.linspace(0.12, 1.1, 5) * OMEGA
    value, sigma = flux.bands(edges)
    fine = np.linspace(0.12, 1.1, 4 * 40 + 1) * OMEGA
    exact = chain_transmission(Chain(MASS, SPRING), Chain(3 * MASS, SPRING), fine, bond=SPRING)
    wanted = np.array([exact[40 * i : 40 * i + 41].mean() for i in range(4)]) * 27
    assert np.abs(value * system.area * 2 * np.pi / (k_B * 300) / wanted - 1).max() < 0.03
    assert (sigma / value).max() < 0.015
    heat = (motion.heat - started) / (8000 * 11 * step) / system.area
    assert np.abs(heat * [1, -1] - flux.total[0]).max() < 3 * flux.total[1]


def test_baths_by_green_functions_give_the_transmission_of_the_chains() -> None:
    n = 140
    bonds = SPRING * (2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1))
    masses = np.where(np.arange(n) < 70, MASS, 3 * MASS)
    omega = np.linspace(0.1, 1.12, 24) * OMEGA
    found = langevin_transmission(bonds, masses, *bath_rates(n, 60, 7 / OMEGA), omega)
    wanted = chain_transmission(Chain(MASS, SPRING), Chain(3 * MASS, SPRING), omega, bond=SPRING)
    np.testing.assert_allclose(found, wanted, rtol=0.015, atol=0)


@pytest.mark.parametrize(("kelvin", "sign"), [((300.0, 50.0), 1), ((50.0, 300.0), -1)])
def test_baths_and_parallel_planes_see_one_flux(kelvin: tuple[float, float], sign: int) -> None:
    strings = Strings(16, 24, ratio=3.0, quartic=5e22)
    seen = [
        SpectralCurrent(BondCrossing(strings, at), strings.masses, segments(segment=64), area=AREA)
        for at in (10, 12, 14)
    ]
    heat = run(strings, 8, kelvin, seen, steps=6000, settle=1500, seed=11) / (6000 * STEP) / AREA
    flux = [one.flux() for one in seen]
    value, sigma = flux[1].total
    for other in (flux[0].total[0], flux[2].total[0], heat[0], -heat[1]):
        assert abs(other - value) < 3 * sigma
    assert sign * value > 12 * sigma


def test_force_constants_are_exact_where_vibrations_fit_the_segment() -> None:
    strings = Strings(2, 6, quartic=0.0)
    length, left, right = 64, np.array([4, 5]), np.array([6, 7])
    still = np.zeros((12, 3))
    constants = force_constants_across(strings.forces, still, left, right)
    np.testing.assert_allclose(constants, -SPRING * np.eye(6), rtol=0, atol=1e-9 * SPRING)
    harmonic = HarmonicCurrent(left, right, constants, segments(segment=length, window="none"), area=AREA)
    partial = SpectralCurrent(
        BondCrossing(strings, 3), strings.masses, segments(segment=length, window="none"), area=AREA
    )
    rng = np.random.default_rng(8)
    rate = 2 * np.pi / (length * STEP * EVERY) * np.array([3, 7, 12])
    shift, size = rng.uniform(0, 2 * np.pi, (3, 12, 3)), rng.uniform(0, 1e-12, (3, 12, 3))
    for look in range(length):
        angle = (rate * look * STEP * EVERY)[:, None, None] + shift
        u, v = (size * np.cos(angle)).sum(axis=0), (-size * rate[:, None, None] * np.sin(angle)).sum(axis=0)
        harmonic.sample(u, v)
        partial.sample(u, v)
    one, other = harmonic.flux().value, partial.flux().value
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-10 * np.abs(other).max())
    assert np.count_nonzero(np.abs(one) > 1e-6 * np.abs(one).max()) == 3


def test_nothing_flows_in_equilibrium() -> None:
    strings = Strings(20, 12, ratio=3.0, quartic=5e22)
    seen = SpectralCurrent(BondCrossing(strings, 6), strings.masses, segments(segment=64), area=AREA)
    run(strings, 4, (300.0, 300.0), [seen], steps=9000, settle=1000, seed=2)
    flux = seen.flux()
    value, sigma = flux.bands(np.linspace(0, 2.2, 12) * OMEGA)
    assert 2 < np.square(value / sigma).sum() < 30
    assert abs(flux.total[0]) < 3 * flux.total[1]
    kinetic = flux.motion @ flux.weights / (20 * 1.5 * k_B * 300)
    np.testing.assert_allclose(kinetic, [1.0, 1.0], rtol=0.05, atol=0)


@pytest.mark.filterwarnings("ignore::kapitza.errors.ValidityWarning")
def test_a_run_that_was_cut_off_goes_on() -> None:
    strings = Strings(3, 4)
    rng = np.random.default_rng(1)
    frames = rng.standard_normal((300, 2, 12, 3))
    whole, first, second = (
        SpectralCurrent(BondCrossing(strings, 2), strings.masses, segments(segment=32), area=AREA) for _ in range(3)
    )
    for i, frame in enumerate(frames):
        whole.sample(*frame)
        (first if i < 117 else second).sample(*frame)
        if i == 116:
            second.restore(first.arrays())
    np.testing.assert_array_equal(second.flux().parts, whole.flux().parts)
    other = SpectralCurrent(BondCrossing(strings, 2), strings.masses, segments(segment=64), area=AREA)
    with pytest.raises(InputError, match="the settings of the run differ"):
        other.restore(first.arrays())


@pytest.mark.filterwarnings("ignore::kapitza.errors.ValidityWarning")
def test_long_runs_keep_few_rows_and_lose_nothing() -> None:
    seen, power = looked(Strings(1, 4), 8 * 700, segment=8, window="none")
    found = seen.flux()
    assert len(found.parts) <= 256
    assert found.counts.sum() == 700
    np.testing.assert_allclose(found.total[0], power.mean() / AREA, rtol=1e-10, atol=0)


def test_looks_that_are_too_rare_are_told() -> None:
    strings = Strings(1, 4)
    settings = SegmentSettings(timestep=STEP, every=40)
    with pytest.warns(ValidityWarning, match="sample at least every"):
        SpectralCurrent(BondCrossing(strings, 2), strings.masses, settings, area=AREA, highest=2 * OMEGA)
    seen, _ = looked(strings, 64, segment=64)  # white noise reaches the highest frequency
    with pytest.warns(ValidityWarning, match="folded back"):
        seen.flux()


def test_what_cannot_be_is_refused() -> None:
    strings = Strings(1, 4)
    with pytest.raises(InputError, match="multiple of 4"):
        SpectralCurrent(BondCrossing(strings, 2), strings.masses, segments(segment=30), area=AREA)
    fresh = SpectralCurrent(BondCrossing(strings, 2), strings.masses, segments(segment=32), area=AREA)
    with pytest.raises(InputError, match="run longer"):
        fresh.flux()
    with pytest.raises(InputError, match="wanted"):
        HarmonicCurrent(np.array([0]), np.array([1]), np.eye(2), segments(), area=AREA)


def recorded(path: Path) -> tuple[SpectralFlux, float]:
    """A reference run as a record (its own units), and the ordinary frequency of the heavy side's cutoff."""
    run = np.load(path)
    spec = run["spec"].astype(float)
    omega = 2 * np.pi * np.fft.rfftfreq(int(run["nseg"]), float(run["dtS"]))
    width = np.full(omega.size, omega[1])
    width[[0, -1]] /= 2
    area = float(run["A"])
    parts = spec / width / area
    flux = SpectralFlux(
        omega, parts, spec.sum(axis=1) / area, np.ones(len(spec), dtype=np.int64), np.zeros((2, omega.size))
    )
    return flux, 2 * np.pi * 2.167


@pytest.mark.parametrize(
    ("name", "share", "sigma"), [("md/lj_r3_nz12.npz", 0.194, 0.013), ("md/lj_r3_nz24_s2.npz", 0.154, 0.017)]
)
def test_share_above_the_cutoff_of_the_heavy_side(
    data: Callable[[str], Path], name: str, share: float, sigma: float
) -> None:
    flux, cutoff = recorded(data(name))
    found, error = flux.share_above(cutoff)
    assert abs(found - share) < 0.5 * sigma
    np.testing.assert_allclose(error, sigma, rtol=0.35, atol=0)
    assert flux.direct is not None
    np.testing.assert_allclose(flux.total[0], flux.direct.mean(), rtol=1e-12, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [3, 8, 40])
def test_the_error_of_a_share_covers_it_as_often_as_it_says(blocks: int) -> None:
    """Blocks whose heat scatters by 23 %, as those of the reference runs do, in part at all frequencies together."""
    rng = np.random.default_rng(blocks)
    omega, cutoff, repeats = np.linspace(0, 1e14, 21), 6e13, 1000
    true = np.where(omega < cutoff, (omega / cutoff) ** 2, 0.15)
    counts, motion = np.ones(blocks, dtype=np.int64), np.zeros((2, omega.size))
    exact, _ = SpectralFlux(omega, true[None], None, counts[:1], motion).share_above(cutoff)
    held = 0
    for _ in range(repeats):
        noise = 0.15 * rng.standard_normal((blocks, omega.size)) + 0.03 * rng.standard_normal((blocks, 1))
        share, sigma = SpectralFlux(omega, true + noise, None, counts, motion).share_above(cutoff)
        held += abs(share - exact) < 1.96 * sigma
    assert 0.93 < held / repeats < 0.97


class NoisyBonds:
    """Two atoms on the right whose force is the last change of velocity: power 1 - cos ωΔt at each frequency."""

    atoms, right = np.arange(2), np.array([True, True])

    def forces(self, positions: np.ndarray) -> np.ndarray:
        return positions


def test_the_error_of_a_share_covers_it_though_segments_overlap() -> None:
    rng = np.random.default_rng(7)
    settings, cutoff, repeats, count = segments(segment=32), 0.5, 1000, 3
    window = 1 - np.cos(2 * np.pi * np.arange(32) / 32)
    leaked = (window[1:] @ window[:-1]) / (window @ window)  # of neighbouring samples in one segment
    shares: list[tuple[float, float]] = []
    for _ in range(repeats):
        seen = SpectralCurrent(NoisyBonds(), np.full(2, MASS), settings, area=AREA)
        velocity = rng.standard_normal((32 + 16 * (count - 1) + 1, 2, 3))
        for before, now in pairwise(velocity):
            seen.sample(now - before, now)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ValidityWarning)  # white noise reaches the highest frequency
            flux = seen.flux()
        assert flux.counts.sum() == count
        shares.append(flux.share_above(cutoff * flux.omega[-1]))
    expected = 1 - leaked * np.cos(np.pi * flux.omega / flux.omega[-1])
    exact, _ = SpectralFlux(flux.omega, expected[None], None, np.array([1]), flux.motion).share_above(
        cutoff * flux.omega[-1]
    )
    found, sigma = np.array(shares).T
    assert 0.93 < (np.abs(found - exact) < 1.96 * sigma).mean() < 0.97
