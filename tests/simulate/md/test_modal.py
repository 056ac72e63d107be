"""Modes: complete sets of waves, temperatures that come back, dispersion, and parts of the power that leave no rest."""

from typing import Any

import numpy as np
import pytest
from energy_density import SpectralEnergyDensity, spectral_peaks

from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal
from kapitza.simulate.md.observers.mode_energies import (
    BodyModes,
    InterfaceModeAnalysis,
    ModeEnergies,
    SlabModes,
    body_modes,
    slab_modes,
)
from kapitza.simulate.md.observers.spectral_flux import LayerSpectra, spectral_temperatures
from kapitza.simulate.md.observers.welch import SegmentSettings
from kapitza.units import hbar, k_B

A, MASS, SPRING = 3e-10, 4e-26, 10.0
OMEGA = float(np.sqrt(SPRING / MASS))
STEP = 0.1 / OMEGA
AREA = 1e-18


def diatomic() -> Crystal:
    """Light and heavy atoms in turn along z, alike atoms side by side; scalar springs, all of them of one strength."""
    cells = np.array([[0, 0, 0], [0, 0, 1], [0, 0, -1], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    scalar = np.zeros((7, 2, 2))
    scalar[0] = [[6, -1], [-1, 6]]
    scalar[1, 1, 0] = scalar[2, 0, 1] = -1
    scalar[3:] = -np.eye(2)
    constants = SPRING * np.einsum("kab,ij->kaibj", scalar, np.diag([1.0, 1.3, 1.7])).reshape(7, 6, 6)
    return Crystal(
        name="pair",
        lattice=np.diag([A, A, 2 * A]),
        positions=[[0, 0, 0], [0, 0, A]],
        masses=[MASS, 3 * MASS],
        cells=cells,
        force_constants=constants,
    )


def filled(crystal: Crystal, supercell: np.ndarray) -> np.ndarray:
    """All atoms of a crystal in a supercell, in no special order, shifted from the origin."""
    steps = np.array(np.meshgrid(*3 * [np.arange(-6, 7)], indexing="ij")).reshape(3, -1).T
    places = (steps @ crystal.lattice)[:, None] + crystal.positions
    inside = places.reshape(-1, 3) @ np.linalg.inv(supercell)
    inside = inside[((inside > -1e-9) & (inside < 1 - 1e-9)).all(axis=1)]
    return np.random.default_rng(1).permutation(inside @ supercell) + np.array([1e-10, 2e-10, 5e-10])


@pytest.mark.parametrize("repeats", [np.diag([3, 2, 2]), np.array([[1, 1, 0], [-1, 1, 0], [0, 0, 3]])])
def test_waves_of_a_slab_are_the_vibrations_of_its_supercell(repeats: np.ndarray) -> None:
    crystal = diatomic()
    supercell = repeats @ crystal.lattice
    positions = filled(crystal, supercell)
    n = len(positions)
    masses = np.where(np.round((positions[:, 2] - positions[:, 2].min()) / A) % 2 == 0, MASS, 3 * MASS)
    slab = slab_modes(crystal, supercell, positions, masses, np.arange(n))
    offset = positions[:, None] - positions
    matrix = np.zeros((n, 3, n, 3))
    strength = SPRING * np.array([1.0, 1.3, 1.7])
    for step in np.concatenate([np.eye(3), -np.eye(3)]) * A:  # each spring by its direction, through the walls
        gap = (offset + step) @ np.linalg.inv(supercell)
        near = np.linalg.norm((gap - np.round(gap)) @ supercell, axis=2) < 0.1 * A
        i, j = np.nonzero(near)
        for c in range(3):
            np.add.at(matrix, (i, c, i, c), strength[c])
            np.add.at(matrix, (i, c, j, c), -strength[c])
    root = np.repeat(np.sqrt(masses), 3)
    dynamical = matrix.reshape(3 * n, 3 * n) / np.outer(root, root)
    residual = slab.vectors @ dynamical.T - slab.omega[:, None] ** 2 * slab.vectors
    np.testing.assert_allclose(residual, 0, rtol=0, atol=1e-9 * OMEGA**2)
    np.testing.assert_allclose(slab.vectors @ slab.vectors.conj().T, np.eye(3 * n), rtol=0, atol=1e-10)


def three_slabs() -> tuple[list[SlabModes], np.ndarray]:
    """Three slabs of the diatomic crystal one above the other, and the masses."""
    crystal = diatomic()
    supercell = np.diag([3, 3, 2]) @ crystal.lattice
    one = filled(crystal, supercell)
    positions = np.concatenate([one + np.array([0, 0, 4 * A * k]) for k in range(3)])
    masses = np.where(np.round((positions[:, 2] - 5e-10) / A) % 2 == 0, MASS, 3 * MASS)
    slabs = [slab_modes(crystal, supercell, positions, masses, np.arange(len(one)) + k * len(one)) for k in range(3)]
    return slabs, masses


def test_temperatures_of_waves_come_back_and_add_up() -> None:
    slabs, masses = three_slabs()
    edges = np.array([0.0, 1.5, 2.5, 4.5]) * OMEGA
    wanted = np.array([[320.0, 300, 290], [300, 300, 300], [280, 290, 330]])
    seen = ModeEnergies(slabs, masses)
    rng = np.random.default_rng(2)
    kinetic = np.zeros(3)
    looks = 600
    for _ in range(looks):
        v = np.empty((masses.size, 3))
        for k, slab in enumerate(slabs):
            kelvin = wanted[k, np.digitize(slab.omega, edges) - 1]
            # a complex Gaussian amplitude of each wave; of the sum the real part moves
            amplitude = rng.standard_normal((2, slab.omega.size)) * np.sqrt(k_B * kelvin)
            wave = (amplitude[0] + 1j * amplitude[1]) @ slab.vectors
            v[slab.atoms] = wave.real.reshape(-1, 3) / np.sqrt(masses[slab.atoms])[:, None]
            kinetic[k] += (masses[slab.atoms, None] * v[slab.atoms] ** 2).sum() / looks
        seen.sample(v, v)
    for (each, _), energy, slab in zip(seen.temperatures(), kinetic, slabs, strict=True):
        np.testing.assert_allclose(each.sum() * k_B, energy, rtol=1e-10, atol=0)
        assert each.size == 3 * slab.atoms.size
    occupation = seen.occupation(edges)
    kelvin, sigma = occupation.temperature(), occupation.temperature_sigma()
    assert sigma is not None
    deviation = (kelvin - wanted) / sigma
    assert np.abs(deviation).max() < 3.5
    assert sigma.max() < 4
    assert 0.3 < np.square(deviation).mean() < 2.5
    value, error = seen.departure(edges)
    counts = np.array([np.histogram(slab.omega, edges)[0] for slab in slabs])
    mean = np.average(wanted, axis=1, weights=counts[0])
    assert np.abs((value - (wanted / mean[:, None] - 1)) / error).max() < 3.5
    assert value[0, 0] > 5 * error[0, 0]


def test_a_band_without_waves_has_no_temperature() -> None:
    slabs, masses = three_slabs()
    seen = ModeEnergies(slabs, masses)
    for _ in range(3):
        seen.sample(np.zeros((masses.size, 3)), np.ones((masses.size, 3)))
    occupation = seen.occupation(np.array([1.0, 2, 3]) * 10 * OMEGA)
    assert np.isnan(occupation.value).all()


def test_slabs_that_are_no_supercell_are_refused() -> None:
    crystal = diatomic()
    supercell = np.diag([3, 2, 2]) @ crystal.lattice
    positions = filled(crystal, supercell)
    masses = np.where(np.round((positions[:, 2] - 5e-10) / A) % 2 == 0, MASS, 3 * MASS)
    with pytest.raises(InputError, match="supercell of the crystal"):
        slab_modes(crystal, supercell, positions, masses, np.arange(5))
    bent = positions.copy()
    bent[3, 0] += 0.5 * A
    with pytest.raises(InputError, match="turn or strain"):
        slab_modes(crystal, supercell, bent, masses, np.arange(len(positions)))
    with pytest.raises(InputError, match="not those of the crystal"):
        slab_modes(crystal, supercell, positions, 2 * masses, np.arange(len(positions)))


def shaped(rng: np.random.Generator, looks: int, signals: int, low: float, high: float) -> np.ndarray:
    """(looks, signals) noise with one mean square below a quarter of the sampling rate and another above."""
    transform = np.fft.rfft(rng.standard_normal((looks, signals)), axis=0)
    half = len(transform) // 2
    transform[:half] *= np.sqrt(low)
    transform[half:] *= np.sqrt(high)
    return np.fft.irfft(transform, looks, axis=0)


def test_spectral_temperatures_of_layers_come_back() -> None:
    rng = np.random.default_rng(7)
    layers = [np.arange(8), np.arange(8, 20)]
    positions = np.zeros((20, 3))
    positions[8:, 2] = 2e-10
    masses = np.full(20, MASS)
    kelvin = {"still": [(300.0, 300.0)] * 2, "flowing": [(320.0, 280.0), (250.0, 300.0)]}
    found = {}
    for name, pairs in kelvin.items():
        seen = LayerSpectra(layers, positions, masses, SegmentSettings(timestep=STEP, segment=64, precision="single"))
        parts = [shaped(rng, 4096, 3 * len(layer), *pair) for layer, pair in zip(layers, pairs, strict=True)]
        velocities = np.concatenate(parts, axis=1).reshape(4096, 20, 3) * np.sqrt(k_B / MASS)
        for v in velocities:
            seen.sample(v, v)
        found[name] = seen.spectra()
    whole = found["still"].bands([0, found["still"].omega[-1]])[0][:, 0]
    np.testing.assert_allclose(whole, [8 * 1.5 * k_B * 300, 12 * 1.5 * k_B * 300], rtol=0.02, atol=0)
    top = np.pi / (10 * STEP)
    occupation = spectral_temperatures(found["flowing"], found["still"], 300.0, np.array([0.02, 0.45, 0.98]) * top)
    sigma = occupation.temperature_sigma()
    assert sigma is not None
    assert np.abs((occupation.temperature()[:, 0] - [320.0, 250.0]) / sigma[:, 0]).max() < 3.5
    assert sigma.max() < 8
    upper = spectral_temperatures(found["flowing"], found["still"], 300.0, np.array([0.55, 0.98]) * top)
    np.testing.assert_allclose(upper.temperature()[:, 0], [280.0, 300.0], rtol=0.06, atol=0)
    np.testing.assert_allclose(upper.energy, hbar * 0.765 * top, rtol=1e-12, atol=0)


def ring_forces(u: np.ndarray) -> np.ndarray:
    """Forces in a ring of springs."""
    return SPRING * (np.roll(u, 1, axis=0) + np.roll(u, -1, axis=0) - 2 * u)


def test_energy_density_peaks_at_the_dispersion() -> None:
    n, every = 40, 12
    rng = np.random.default_rng(3)
    places = np.zeros((n, 3))
    places[:, 2] = A * np.arange(n)
    q = np.zeros((n // 2, 3))
    q[:, 2] = 2 * np.pi * np.arange(1, n // 2 + 1) / (n * A)
    settings = SegmentSettings(timestep=STEP, every=every, segment=512)
    seen = SpectralEnergyDensity([np.arange(n)], q, places, np.full(n, MASS), settings)
    u, v = np.zeros((n, 3)), np.sqrt(k_B * 300 / MASS) * rng.standard_normal((n, 3))
    energy = np.zeros(len(q))
    steps, waves = 512 * every, np.exp(-1j * places @ q.T)
    for step in range(steps):
        v += 0.5 * STEP / MASS * ring_forces(u)
        u += STEP * v
        v += 0.5 * STEP / MASS * ring_forces(u)
        if step % every == 0:
            seen.sample(places + u, v)
            energy += 0.5 * MASS * (np.abs(waves.T @ v) ** 2).sum(axis=1) / n * every / steps
    found = seen.spectra()
    wanted = 2 * OMEGA * np.sin(q[:, 2] * A / 2)
    np.testing.assert_allclose(spectral_peaks(found), wanted, rtol=0, atol=0.5 * found.omega[1])
    total = found.value @ np.append(found.omega[1] * np.ones(found.omega.size - 1), 0)
    np.testing.assert_allclose(total, energy, rtol=0.05, atol=0)


class Line:
    """A chain of atoms that are held at both ends, heavier on the right, with its own bond across the plane."""

    def __init__(self, length: int, bond: float, quartic: float = 0.0) -> None:
        self.springs = np.full((length + 1, 1), SPRING)
        self.springs[length // 2] = bond
        self.quartic, half = quartic, length // 2
        self.masses = np.where(np.arange(length) < half, MASS, 3 * MASS)
        self.atoms, self.right = np.array([half - 1, half]), np.array([False, True])

    def tension(self, u: np.ndarray) -> np.ndarray:
        gap = np.concatenate([u[:1], u[1:] - u[:-1], -u[-1:]])
        return self.springs * gap + self.quartic * gap**3

    def pull(self, u: np.ndarray) -> np.ndarray:
        return np.diff(self.tension(u), axis=0)

    def forces(self, positions: np.ndarray) -> np.ndarray:
        half = 0.5 * self.tension(positions)[self.atoms[1]]
        return np.array([half, -half])


def analysed(
    line: Line, modes: BodyModes, frames: np.ndarray, *, segment: int = 512, **more: Any
) -> InterfaceModeAnalysis:
    """An analysis that has seen some frames (looks, 2, n, 3)."""
    seen = InterfaceModeAnalysis(
        line, line.masses, modes, SegmentSettings(timestep=STEP, segment=segment), area=AREA, **more
    )
    for u, v in frames:
        seen.sample(u, v)
    return seen


def test_parts_of_all_modes_are_the_power() -> None:
    line = Line(12, 3 * SPRING, quartic=1e22)
    modes = body_modes(line.pull, np.zeros((12, 3)), line.masses, np.arange(12))
    frames = np.random.default_rng(4).standard_normal((128, 2, 12, 3)) * [[[1e-12]], [[300.0]]]
    frames[:, 1] += 0.3 * frames[:, 0] * 3e14 + 0.5 * np.roll(frames[:, 1], 1, axis=0)
    found = analysed(line, modes, frames, segment=64, lags=5).result()
    power = np.array([-0.5 * line.tension(u)[6] @ (v[5] + v[6]) for u, v in frames])
    np.testing.assert_allclose(found.heat.sum(), power.mean() / AREA, rtol=1e-10, atol=0)
    memory = [np.mean([p[lag:] @ p[: 64 - lag] / (64 - lag) for p in power.reshape(2, 64)]) for lag in range(5)]
    np.testing.assert_allclose(found.autocorrelation, memory, rtol=1e-10, atol=1e-10 * memory[0])
    np.testing.assert_allclose(found.fluctuation.sum(), np.trapezoid(memory) * 10 * STEP, rtol=1e-10, atol=0)
    value, _ = found.conductance(300.0)
    wanted = np.trapezoid(memory) * 10 * STEP / (AREA * k_B * 300.0**2)
    np.testing.assert_allclose(value.sum(), wanted, rtol=1e-10, atol=0)


def test_a_body_near_the_plane_is_enough() -> None:
    line = Line(12, SPRING)
    frames = np.random.default_rng(5).standard_normal((32, 2, 12, 3)) * [[[1e-12]], [[300.0]]]
    totals = []
    for atoms in (np.arange(12), np.array([5, 4, 7, 6])):
        modes = body_modes(line.pull, np.zeros((12, 3)), line.masses, atoms)
        totals.append(analysed(line, modes, frames, segment=32, lags=4).result().heat.sum())
    np.testing.assert_allclose(totals[0], totals[1], rtol=1e-10, atol=0)
    modes = body_modes(line.pull, np.zeros((12, 3)), line.masses, np.array([6, 7, 8]))
    with pytest.raises(InputError, match="not in the body"):
        analysed(line, modes, frames)


def test_a_stiff_bond_binds_one_mode_to_the_interface() -> None:
    frames = np.random.default_rng(6).standard_normal((32, 2, 40, 3)) * [[[1e-12]], [[300.0]]]
    counts, tops = [], []
    for bond in (SPRING, 6 * SPRING):
        line = Line(40, bond)
        modes = body_modes(line.pull, np.zeros((40, 3)), line.masses, np.arange(40))
        found = analysed(line, modes, frames, segment=32, lags=4).result()
        counts.append(found.interface_modes().size)
        tops.append(found.omega.max())
        np.testing.assert_allclose(
            found.interface_weight.sum(), 6, rtol=1e-9, atol=0
        )  # two atoms hold two modes a direction
    assert counts == [0, 3]
    # bound above both bands: displacements fall off by r < 0 a bond on either side, K(1/r + r - 2) = -mω²
    omega = tops[1]
    ratios = []
    for mass in (MASS, 3 * MASS):
        c = 2 - mass * omega**2 / SPRING
        ratios.append((c + np.sqrt(c * c - 4)) / 2)
    inside = [7 * SPRING - m * omega**2 - SPRING * r for m, r in zip((MASS, 3 * MASS), ratios, strict=True)]
    np.testing.assert_allclose(inside[0] * inside[1], (6 * SPRING) ** 2, rtol=1e-6, atol=0)


def test_an_analysis_that_was_cut_off_goes_on() -> None:
    line = Line(8, SPRING)
    modes = body_modes(line.pull, np.zeros((8, 3)), line.masses, np.arange(8))
    frames = np.random.default_rng(7).standard_normal((100, 2, 8, 3)) * [[[1e-12]], [[300.0]]]
    whole, first = (analysed(line, modes, f, segment=32, lags=4) for f in (frames, frames[:41]))
    second = analysed(line, modes, frames[:0], segment=32, lags=4)
    second.restore(first.arrays())
    for u, v in frames[41:]:
        second.sample(u, v)
    np.testing.assert_allclose(second.result().heat, whole.result().heat, rtol=1e-12, atol=0)
    with pytest.raises(InputError, match="settings of the run differ"):
        second.restore(analysed(line, modes, frames[:3], segment=64, lags=4).arrays() | {"fold": np.zeros(2)})
    slabs, masses = three_slabs()
    one, other = ModeEnergies(slabs, masses), ModeEnergies(slabs, masses)
    one.sample(np.zeros((masses.size, 3)), np.ones((masses.size, 3)))
    other.restore(one.arrays())
    np.testing.assert_array_equal(other.temperatures()[0][0], one.temperatures()[0][0])


def test_some_modes_know_the_power_of_all() -> None:
    """Those that are left out carry the rest of a whole that is measured, not summed."""
    line = Line(12, 6 * SPRING)
    modes = body_modes(line.pull, np.zeros((12, 3)), line.masses, np.arange(12))
    frames = np.random.default_rng(8).standard_normal((64, 2, 12, 3)) * [[[1e-12]], [[300.0]]]
    bound = np.flatnonzero(modes.weight(line.atoms) > 0.5)
    whole = analysed(line, modes, frames, segment=32, lags=4).result()
    some = analysed(line, modes.select(bound), frames, segment=32, lags=4).result()
    power = np.array([-0.5 * line.tension(u)[6] @ (v[5] + v[6]) for u, v in frames])
    np.testing.assert_allclose([whole.total, some.total], power.mean() / AREA, rtol=1e-10, atol=0)
    assert 0 < bound.size < 36
    np.testing.assert_allclose(some.heat, whole.heat[bound], rtol=1e-10, atol=0)
    for equilibrium in (False, True):
        shares = [one.interface_share(equilibrium=equilibrium) for one in (whole, some)]
        np.testing.assert_allclose(shares[0], shares[1], rtol=1e-9, atol=0)
    far = analysed(line, modes, frames, segment=32, lags=4, interface=np.array([0])).result()
    np.testing.assert_allclose(far.interface_weight, np.square(modes.vectors[:, 0]).sum(axis=1), rtol=1e-12, atol=0)
