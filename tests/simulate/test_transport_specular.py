"""Specular boundaries between bands with velocities of their own, paired by the heat that is faster."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.simulate.boltzmann.boundaries import AngularTransmission, InterfaceScattering, Wall
from kapitza.simulate.boltzmann.carriers import Carriers, gray_carriers
from kapitza.simulate.boltzmann.layered.faces import boundary_redistribution, make_channels, pair_streams
from kapitza.simulate.boltzmann.layered.solver import solve_balance, solve_by_sweeps
from kapitza.simulate.boltzmann.layered.streams import make_streams
from kapitza.simulate.boltzmann.layered.transport import Film, assemble_layers, transport


def scattered(seed: int, sizes: tuple[int, ...], name: str) -> Carriers:
    """Bands with velocities of their own, some in each group."""
    draw = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    count = group.size
    return Carriers(
        name=name,
        capacity=1e6 * draw.uniform(0.1, 1, count),
        velocity=draw.uniform(100, 6000, count),
        lifetime=10.0 ** draw.uniform(-12, -10, count),
        omega=np.zeros(len(sizes)),
        group=group,
        isotropic=False,
    )


def nodes_of(medium: Carriers, count: int, *, panels: tuple[float, ...] = (1.0,)) -> Carriers:
    """One isotropic band as bands with velocities at the nodes of a quadrature in 1 - μ², in panels up to 1."""
    node, weight = np.polynomial.legendre.leggauss(count)
    node, weight = (node + 1) / 2, weight / 2
    starts = (0.0, *panels[:-1])
    counted = np.concatenate([high - (high - low) * node**2 for low, high in zip(starts, panels, strict=True)])
    share = np.concatenate([2 * (high - low) * node * weight for low, high in zip(starts, panels, strict=True)])
    cosine = np.sqrt(np.maximum(1 - counted, 1e-12))
    velocity = medium.velocity[0] * cosine
    flow = medium.flow[0] * share
    lifetime = np.full(flow.size, medium.lifetime[0])
    group = np.zeros(flow.size, int)
    return Carriers(
        name=medium.name,
        capacity=2 * flow / velocity,
        velocity=velocity,
        lifetime=lifetime,
        omega=[0.0],
        group=group,
        isotropic=False,
    )


LEFT, RIGHT = scattered(1, (5, 3, 1), "a"), scattered(2, (2, 6, 1), "b")
FAST = gray_carriers("fast", heat_capacity=1e6, velocity=6000.0, mean_free_path=5e-8)
SLOW = gray_carriers("slow", heat_capacity=2e6, velocity=4500.0, mean_free_path=2e-8)
MOST = np.minimum(LEFT.flow, RIGHT.flow)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), specular=st.floats(0.01, 1), share=st.floats(0, 1))
def test_laws_of_a_boundary(seed, specular, share):
    """Equilibrium stays, each group keeps its heat, and every pair of streams exchanges as much either way."""
    one, other = scattered(seed, (4, 2, 7), "a"), scattered(seed + 1, (3, 5, 1), "b")
    sides = [make_channels(make_streams(medium), resolved=True) for medium in (one, other)]
    flow = share * np.minimum(one.flow, other.flow)
    blocks = boundary_redistribution(InterfaceScattering(coefficient=flow / one.flow, specular=specular), flow, *sides)
    whole = np.concatenate([np.concatenate(blocks[:2], axis=2), np.concatenate(blocks[2:], axis=2)], axis=1)
    carried = np.concatenate([side.flow for side in sides], axis=1)
    there = carried > 0
    np.testing.assert_allclose(whole.sum(axis=2)[there], 1.0, rtol=1e-12, atol=0)
    exchanged = carried[:, :, None] * whole
    np.testing.assert_allclose(exchanged, exchanged.swapaxes(1, 2), rtol=0, atol=1e-12 * carried.max())
    assert exchanged.min() > -1e-12 * carried.max()
    crossed = exchanged[:, : sides[0].size, sides[0].size :].sum(axis=(1, 2))
    np.testing.assert_allclose(crossed, flow, rtol=0, atol=1e-12 * carried.max())


def test_a_share_of_the_specular_ones():
    """Whatever part of the specular phonons crosses, the diffuse ones make up for the rest of the heat."""
    sides = [make_channels(make_streams(medium), resolved=True) for medium in (LEFT, RIGHT)]
    for through in (0.1, 0.5, 0.8):
        _, blocks, _, _ = boundary_redistribution(
            InterfaceScattering(coefficient=0.1, specular=0.4, specular_transmission=through), 0.5 * MOST, *sides
        )
        crossed = np.sum(sides[0].flow * blocks.sum(axis=2), axis=1)
        np.testing.assert_allclose(crossed, 0.5 * MOST, rtol=1e-12, atol=0)


def test_pairs_are_counted_from_the_fastest():
    """By hand: flows 3 and 1 beside 2, 1 and 4, the fastest first; what is left over has no partner."""
    left = Carriers(
        name="l",
        capacity=[6e5, 4e5],
        velocity=[1000.0, 500.0],
        lifetime=[1e-11] * 2,
        omega=[0.0],
        group=[0, 0],
        isotropic=False,
    )
    right = Carriers(
        name="r",
        capacity=[16e5, 2e5, 2e5],
        velocity=[500.0, 1000.0, 2000.0],
        lifetime=[1e-11] * 3,
        omega=[0.0],
        group=[0] * 3,
        isotropic=False,
    )
    sides = [make_channels(make_streams(one), resolved=True) for one in (left, right)]
    np.testing.assert_allclose(pair_streams(*sides)[0] / 1e8, [[0, 1, 2], [1, 0, 0]], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("thickness", [1e-10, 3e-8, 1e-6])
@pytest.mark.parametrize("specular", [1.0, 0.6])
def test_one_isotropic_band_on_each_side_is_snells_law(thickness, specular):
    """Second road: the streams of refracted isotropic bands, here found again from velocities along the normal."""
    least = float(min(FAST.flow[0], SLOW.flow[0]))
    joint = InterfaceScattering(coefficient=0.7 * least / FAST.flow, specular=specular)
    want = transport([Film(thickness, FAST), Film(2 * thickness, SLOW)], [joint], angles=32).flux
    share = least / SLOW.flow[0]  # where total reflection starts
    sides = nodes_of(FAST, 48), nodes_of(SLOW, 48, panels=(share, 1.0))
    got = transport([Film(thickness, sides[0]), Film(2 * thickness, sides[1])], [joint]).flux
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=0)


@pytest.mark.parametrize("thickness", [1e-9, 1e-7, 1e-5])
def test_bands_that_are_almost_alike_cross_as_like_ones(thickness):
    """Flows that differ by a hair are paired by their count, equal ones one by one."""
    near = evolve(LEFT, capacity=LEFT.capacity * (1 + 1e-5), name="a'")
    joint = InterfaceScattering(coefficient=0.8, specular=0.9)
    like, almost = (transport([Film(thickness, LEFT), Film(thickness, one)], [joint]) for one in (LEFT, near))
    np.testing.assert_allclose(almost.flux, like.flux, rtol=1e-4, atol=0)


def test_without_scattering_all_that_may_cross_does():
    joint = InterfaceScattering(coefficient=MOST / LEFT.flow, specular=1.0)
    found = transport([Film(1e-13, LEFT), Film(1e-13, RIGHT)], [joint])
    np.testing.assert_allclose(found.flux, MOST.sum(), rtol=1e-3, atol=0)
    np.testing.assert_allclose(found.conductance("emitted").value, MOST.sum(), rtol=1e-9, atol=0)


@pytest.mark.parametrize("thickness", [1e-9, 1e-6])
def test_laws_of_a_stack(thickness):
    """Mirror images carry the same, one temperature drives nothing, and isotropic layers may stand beside."""
    films = [Film(thickness, LEFT), Film(2 * thickness, RIGHT), Film(thickness, LEFT, name="c")]
    joints = [InterfaceScattering(coefficient=0.5 * MOST / LEFT.flow, specular=0.7)]
    joints += [InterfaceScattering(coefficient=0.2 * MOST / RIGHT.flow, specular=0.3)]
    there = transport(films, joints)
    back = [InterfaceScattering(coefficient=0.2 * MOST / LEFT.flow, specular=0.3)]
    back += [InterfaceScattering(coefficient=0.5 * MOST / RIGHT.flow, specular=0.7)]
    np.testing.assert_allclose(transport(films[::-1], back).flux, there.flux, rtol=1e-9, atol=0)
    np.testing.assert_allclose(there.spectral_flux.sum(axis=1), there.flux, rtol=1e-4, atol=0)
    even = transport(films, joints, left=Wall(305.0), right=Wall(305.0))
    assert abs(even.flux) < 1e-9 * there.flux
    mixed = transport(
        [Film(thickness, FAST), Film(thickness, nodes_of(SLOW, 24))], [InterfaceScattering(coefficient=0.5, specular=1)]
    )
    alone = transport(
        [Film(thickness, FAST), Film(thickness, SLOW)], [InterfaceScattering(coefficient=0.5, specular=1)]
    )
    np.testing.assert_allclose(mixed.flux, alone.flux, rtol=0.01, atol=0)


def test_both_solvers_agree():
    films = [Film(1e-7, LEFT), Film(3e-7, RIGHT)]
    joint = InterfaceScattering(coefficient=0.5 * MOST / LEFT.flow, specular=0.8)
    slabs, _ = assemble_layers(films, [joint], Wall(300.5, 0.2), Wall(299.5))
    one, other = solve_balance(slabs), solve_by_sweeps(slabs)
    np.testing.assert_allclose(other.face_flux(), one.face_flux(), rtol=0, atol=1e-8 * one.face_flux().max())
    assert one.steps == 0 < other.steps <= 60


def test_an_endless_stack_falls_by_its_period():
    """Ever thinner layers: what crosses the two boundaries of a period is all that resists."""
    joint = InterfaceScattering(coefficient=0.5 * MOST / LEFT.flow, specular=0.5)
    back = InterfaceScattering(coefficient=0.5 * MOST / RIGHT.flow, specular=0.5)
    films = [Film(2e-8, LEFT), Film(5e-8, RIGHT)]
    whole = transport(films, [joint, back], period=1.0)
    twice = transport([*films, *(evolve(one, name=one.name + "2") for one in films)], [joint, back] * 2, period=2.0)
    np.testing.assert_allclose(twice.flux, whole.flux, rtol=1e-9, atol=0)


def test_shares_by_angle_need_angles():
    films = [Film(1e-8, FAST), Film(1e-8, nodes_of(SLOW, 4))]
    with pytest.raises(InputError, match="isotropic bands on both sides; 4 streams"):
        transport(
            films, [InterfaceScattering(specular=1.0, specular_transmission=AngularTransmission([0, 1], [0.1, 0.2]))]
        )
