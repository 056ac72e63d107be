"""Full bands: modes of a surface, density of states, heat capacity."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.matter.brute_modes import brute_modes, half_mesh

from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.phonons import Phonons
from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.bands import Bands
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import load_crystal
from kapitza.matter.spectrum import bin_modes
from kapitza.theory.dmm import dmm
from kapitza.units import MW, THz, angstrom, hbar, k_B, m_u

Data = Callable[[str], Path]
Published = Callable[[str, str], dict[str, Any]]

A, SPRING, MASS = 3.0 * angstrom, 30.0, 50 * m_u
STEP = 0.05 * THz
EDGES = np.arange(1001) * STEP


def cubic(soft: float = 1.0) -> Crystal:
    """Springs in all three directions, weaker along z: ω² = 4K/m (s_x² + s_y² + soft s_z²), s = sin(qa/2)."""
    steps = np.vstack([np.eye(3), -np.eye(3), np.zeros((1, 3))])
    strength = np.array([1.0, 1.0, soft] * 2 + [-4.0 - 2 * soft])
    blocks = -SPRING * strength[:, None, None] * np.eye(3)
    return Crystal(
        name="cubic",
        lattice=A * np.eye(3),
        positions=np.zeros((1, 3)),
        masses=[MASS],
        cells=steps,
        force_constants=blocks,
    )


def means(bands: Bands, edges: np.ndarray = EDGES) -> np.ndarray:
    """Means of the modes over bins."""
    fine = (edges[:-1, None] + np.diff(edges)[:, None] * (np.arange(8) + 0.5) / 8).ravel()
    return bands.modes(fine).reshape(-1, 8).mean(axis=1)


def test_is_a_phonons():
    assert isinstance(Bands(cubic()), Phonons)


def test_modes_of_a_simple_cubic_crystal():
    """The second road, without velocities: a wave vector in the plane has one mode from its least to its largest ω²."""
    bands = Bands(cubic())
    top = np.sqrt(12 * SPRING / MASS)
    edges = np.linspace(0, 1.01, 41) * top
    sine = np.sin((np.arange(1500) + 0.5) * np.pi / 1500 / 2) ** 2
    plane = np.sort((sine[:, None] + sine).ravel())
    level = (edges[:-1, None] + np.diff(edges)[:, None] * (np.arange(8) + 0.5) / 8).ravel() ** 2 * MASS / (4 * SPRING)
    part = (np.searchsorted(plane, level) - np.searchsorted(plane, level - 1)) / plane.size
    want = 3 / A**2 * part.reshape(-1, 8).mean(axis=1)
    got = means(bands, edges)
    np.testing.assert_allclose(got, want, rtol=0, atol=0.02 * want.max())
    np.testing.assert_allclose(got.sum(), want.sum(), rtol=3e-3, atol=0)


def test_modes_of_silicon_by_counting(data: Data):
    """The second road, without velocities: along lines normal to the surface, bands count where they rise through ω."""
    bands = Bands.from_phonopy(data("crystals/Si.yaml"))
    a = 2 * bands.crystal.lattice.max()
    flat = (np.arange(24) + 0.5) / 24
    plane = (flat[:, None, None] * np.array([1, 1, 0]) + flat[None, :, None] * np.array([1, -1, 0])).reshape(-1, 3)
    line = np.arange(64)[:, None] / 64 * np.array([0, 0, 2.0])
    omega = bands.crystal.frequencies(((plane[:, None] + line) * 2 * np.pi / a).reshape(-1, 3)).reshape(576, 64, 6)
    ahead = np.roll(omega, -1, axis=1)
    levels = np.linspace(0.02, 1, 45) * omega.max()
    count = np.array([((omega < level) & (ahead >= level)).sum() / 576 for level in levels])
    want = count * 2 / a**2
    got = bands.modes(levels)
    np.testing.assert_allclose(np.abs(got - want).mean(), 0, rtol=0, atol=0.03 * want.mean())
    np.testing.assert_allclose(got.sum(), want.sum(), rtol=1e-2, atol=0)


def test_equivalent_surfaces_are_equal(data: Data):
    """(100), (010), (001) of a cubic crystal, and either side of a plane."""
    crystal = Bands.from_phonopy(data("crystals/Si.yaml")).crystal
    omega = np.linspace(0, 16, 200) * THz
    want = Bands(crystal).modes(omega)
    for normal in ((1, 0, 0), (0, 1, 0), (0, 0, -1), (0, 0, 7)):
        np.testing.assert_allclose(Bands(crystal, normal).modes(omega), want, rtol=1e-3, atol=1e-9 * want.max())
    general = [Bands(crystal, normal).modes(omega) for normal in ((1, 2, 3), (-1, -2, -3), (3, -1, 2))]
    for other in general[1:]:
        np.testing.assert_allclose(other, general[0], rtol=3e-3, atol=1e-9 * want.max())


def test_radiation_of_all_surfaces_is_alike(data: Data):
    """Surfaces of a cubic crystal differ by a few per cent only, because the same velocities are projected."""
    crystal = Bands.from_phonopy(data("crystals/Al.yaml")).crystal
    values = [
        dmm(b, b).conductance(300.0, drop="emitted").value[0]
        for b in (Bands(crystal, n) for n in ((0, 0, 1), (1, 1, 1)))
    ]
    np.testing.assert_allclose(values[1], values[0], rtol=0.05, atol=0)
    assert values[0] != values[1]


@pytest.mark.parametrize("name", ["Si", "Ge", "GaN"])
def test_cubic_law_at_low_temperature(data: Data, name: str):
    """A DMM of equal sides: G = (π²/60)(k_B⁴/ħ³) T³ S with S = 4π a0 from the elastic limit; Si up to 3 K."""
    bands = Bands.from_phonopy(data(f"crystals/{name}.yaml"))
    temperature = np.array([0.05, 0.5, 1.0, *([2.0, 3.0] if name == "Si" else [])])
    got = dmm(bands, bands).conductance(temperature, drop="emitted").value
    slope = bands.long_wave.integrals(bands.normal)[0]
    want = np.pi**2 / 60 * k_B**4 / hbar**3 * 4 * np.pi * slope * temperature**3
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=0)


def test_density_of_states_counts_all_modes(data: Data):
    bands = Bands.from_phonopy(data("crystals/Si.yaml"))
    omega = np.linspace(0, bands.edges[-1], 20001)
    np.testing.assert_allclose(np.trapezoid(bands.density_of_states(omega), omega), 3 * bands.atoms, rtol=2e-3, atol=0)


def test_heat_capacity_of_the_mesh(data: Data):
    """The second road: a sum over wave vectors that are not those of the table."""
    bands = Bands.from_phonopy(data("crystals/Si.yaml"))
    fraction = (np.stack(np.meshgrid(*[np.arange(8)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) + 0.5) / 8
    omega = bands.crystal.frequencies(fraction @ bands.crystal.reciprocal).ravel()
    temperature = np.array([100.0, 300.0, 1000.0])
    want = mode_heat_capacity(np.sort(omega), temperature).sum(axis=1) / (512 * bands.crystal.volume)
    np.testing.assert_allclose(bands.heat_capacity(temperature), want, rtol=2e-3, atol=0)


def test_limits_of_the_heat_capacity(data: Data):
    r"""Hot: 3 k_B an atom.  Cold: Debye's $2\pi^2 k_B^4 T^3/15\hbar^3 \cdot 3/c^3$ with the mean over directions."""
    bands = Bands.from_phonopy(data("crystals/Si.yaml"))
    np.testing.assert_allclose(bands.heat_capacity(1e5), 3 * bands.atoms * k_B, rtol=1e-4, atol=0)
    states = bands.long_wave.integrals(bands.normal)[1]
    want = 4 * np.pi**4 / 15 * k_B**4 / hbar**3 * states
    np.testing.assert_allclose(bands.heat_capacity([0.5, 1.0]) / np.array([0.5, 1.0]) ** 3, want, rtol=3e-3, atol=0)


def test_debye_temperature_of_germanium(data: Data, published: Published):
    """Measured at helium temperatures; the springs were fitted to measured speeds of sound."""
    bands = Bands.from_phonopy(data("crystals/Ge.yaml"))
    want = published("bands", "ge_debye_temperature")
    cutoff = (9 * bands.atoms / bands.long_wave.integrals(bands.normal)[1]) ** (1 / 3)
    np.testing.assert_allclose(hbar * cutoff / k_B, want["value"], rtol=want["tolerance"], atol=0)


def test_speeds_are_those_of_sound(data: Data):
    """Si along [100]: two equal transverse speeds; longitudinal sound is faster along [110].

    Keating's elastic constants: a C11 = α + 3β, a C44 = 4αβ/(α + β).
    """
    bands = Bands.from_phonopy(data("crystals/Si.yaml"), (1, 0, 0))
    speeds = bands.speeds()
    np.testing.assert_allclose(speeds[0], speeds[1], rtol=1e-6, atol=0)
    assert bands.speeds((1, 1, 0))[2] > speeds[2]
    alpha, beta, a = 48.50, 13.81, 5.431 * angstrom
    want = np.sqrt(np.array([4 * alpha * beta / (alpha + beta), alpha + 3 * beta]) / a / bands.density)
    np.testing.assert_allclose(speeds[1:], want, rtol=1e-5, atol=0)


def test_miller_indices(data: Data):
    path = data("crystals/C.yaml")
    np.testing.assert_allclose(
        Bands.from_phonopy(path, miller=(1, 1, 1)).normal, np.ones(3) / np.sqrt(3), rtol=1e-12, atol=0
    )
    with pytest.raises(InputError, match="Miller"):
        Bands.from_phonopy(path, miller=(0, 0, 0))


@pytest.mark.parametrize("name", ["Si", "Al", "layers"])
def test_automatic_mesh_is_fine_enough(data: Data, name: str):
    """Against a mesh of three times as many points or more: 0.5 % of the conductance, as far as the mesh decides it."""
    bands = Bands(cubic(soft=0.03) if name == "layers" else load_crystal(data(f"crystals/{name}.yaml")))
    fine = Bands(bands.crystal, mesh=(54, 54, 54))
    got, want = (dmm(b, b).conductance([30.0, 300.0], drop="emitted").value for b in (bands, fine))
    np.testing.assert_allclose(got, want, rtol=5e-3 if name != "layers" else 1e-2, atol=0)


def test_unstable_crystals_say_so():
    """Springs along z that push: at the boundary the frequency is imaginary, 2√(0.1 K/m) at most."""
    deepest = 2 * np.sqrt(0.1 * SPRING / MASS) / THz
    with pytest.warns(ValidityWarning, match=rf"imaginary, to {deepest:.3g}i THz"):
        Bands(cubic(soft=-0.1), mesh=(6, 6, 6)).modes(np.array([1.0]) * THz)


def test_a_coarser_mesh_by_hand(data: Data):
    bands = Bands.from_phonopy(data("crystals/Si.yaml"), mesh=(8, 8, 8))
    assert bands.table.shape == (8, 8, 8)
    for mesh in ((1, 8, 8), (8, 8), (1000, 1000, 1000)):
        with pytest.raises(InputError, match="mesh"):
            Bands(bands.crystal, mesh=mesh)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="tolerance"):
        Bands(bands.crystal, tolerance=0.0)
    with pytest.raises(InputError, match="direction"):
        Bands(bands.crystal, (0, 0, 0))


def test_bins_keep_every_mode():
    rng = np.random.default_rng(3)
    omega, spread, weight = rng.uniform(20, 80, 500), rng.uniform(0.01, 5, 500), rng.uniform(0, 1, 500)
    curve = bin_modes(omega, spread, weight, 0.5, 220)
    np.testing.assert_allclose(curve.sum() * 0.5, weight.sum(), rtol=1e-12, atol=0)
    place = (np.arange(220) + 0.5) * 0.5
    np.testing.assert_allclose(curve @ place * 0.5, weight @ omega, rtol=1e-4, atol=0)
    second = curve @ place**2 * 0.5
    np.testing.assert_allclose(second, weight @ (omega**2 + spread**2 + 0.5**2 / 12), rtol=1e-4, atol=0)


# Points along each axis of the meshes of modes_z.npz, and how far these are shifted off the planes of symmetry.
POINTS = {"Al": 24, "Si": 20, "Ge": 20, "C": 36, "MgO": 20, "KCl": 18, "AlN": 16, "GaN": 14}
SHIFT = np.array([0.17, 0.29, 0.41])


@pytest.mark.parametrize("name", list(POINTS))
def test_modes_by_way_of_another_code(data: Data, name: str):
    """Modes summed from phonopy's frequencies and velocities, and from our own at the same wave vectors."""
    with np.load(data("crystals/modes_z.npz")) as table:
        want = table[name].astype(float)
    n = POINTS[name]
    grid = (np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) + SHIFT) / n
    got = brute_modes(load_crystal(data(f"crystals/{name}.yaml")), (grid, np.ones(n**3)), n, EDGES)
    np.testing.assert_allclose(np.abs(got - want).sum() / want.sum(), 0, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", list(POINTS))
def test_modes_in_the_mean(data: Data, name: str):
    """Mean of M(ω) of the converged bands against the table of another code."""
    with np.load(data("crystals/modes_z.npz")) as table:
        want = table[name].astype(float)
    got = means(Bands.from_phonopy(data(f"crystals/{name}.yaml")))
    np.testing.assert_allclose(got.sum(), want.sum(), rtol=0.01, atol=0)
    np.testing.assert_allclose(np.abs(np.cumsum(got - want)).max() / want.sum(), 0, rtol=0, atol=0.01)


def test_degenerate_modes_of_a_zone_boundary_count(data: Data):
    """On the boundary normal to the axis of wurtzite all bands meet in pairs: some get lost unless resolved."""
    crystal = load_crystal(data("crystals/GaN.yaml"))
    mesh = half_mesh(17, centred=False)
    whole = means(Bands(crystal)).sum()
    np.testing.assert_allclose(brute_modes(crystal, mesh, 17, EDGES).sum(), whole, rtol=0.01, atol=0)
    assert brute_modes(crystal, mesh, 17, EDGES, resolved=False).sum() < 0.98 * whole


def test_conductances_of_all_pairs(data: Data):
    """Against sums over the table of another code."""
    bands = {name: Bands.from_phonopy(data(f"crystals/{name}.yaml")) for name in POINTS}
    with data("crystals/dmm_z.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * len(POINTS) * (len(POINTS) - 1) // 2
    pairs = {(row["A"], row["B"]) for row in rows}
    spectra = {(one, other): dmm(bands[one], bands[other]) for one, other in pairs}
    for row in rows:
        pair = row["A"], row["B"]
        value = spectra[pair].conductance(float(row["T_K"]), drop="emitted").value[0] / MW
        message = f"{pair} at {row['T_K']} K"
        np.testing.assert_allclose(value, float(row["G_DMM_MW_m2K"]), rtol=0.02, atol=0, err_msg=message)
