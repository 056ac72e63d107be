import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import lil_array
from scipy.sparse.linalg import spsolve

from kapitza.errors import InputError
from kapitza.matter.electrons import SpinChannels
from kapitza.theory.spin import spin_kapitza
from kapitza.units import nm

magnets = st.builds(SpinChannels, st.just("F"), st.floats(5, 100), st.floats(1 * nm, 50 * nm), st.floats(-0.9, 0.9))
normals = st.builds(SpinChannels, st.just("N"), st.floats(5, 400), st.floats(5 * nm, 500 * nm))
resistances = st.floats(1e-11, 1e-8)


def two_channels(magnet, normal, r_up, r_down, cells=1500, reach=15.0):
    """(T_up - T_down) on both sides and the extrapolated resistance, from a finite volume solution of both channels."""
    n, matrix, source = 2 * cells, lil_array((4 * cells, 4 * cells)), np.zeros(4 * cells)
    sides = (magnet, normal)
    dx = [reach * side.length / cells for side in sides]
    kappa = [[s.conductivity * (1 + z * s.polarisation) / 2 for s in sides] for z in (1, -1)]

    def link(a, b, conductance):
        for row, sign in ((a, 1), (b, -1)):
            matrix[row, a] += sign * conductance
            matrix[row, b] -= sign * conductance

    for spin, r in ((0, r_up), (1, r_down)):
        for i in range(n - 1):
            left, right = kappa[spin][i >= cells] / dx[i >= cells], kappa[spin][i + 1 >= cells] / dx[i + 1 >= cells]
            series = 0.5 / left + 0.5 / right + (r if i == cells - 1 else 0.0)
            link(2 * i + spin, 2 * i + 2 + spin, 1 / series)
        source[spin] = kappa[spin][0] / magnet.conductivity
        matrix[2 * n - 2 + spin, 2 * n - 2 + spin] += 2 * kappa[spin][1] / dx[1]
    for i in range(n):
        k = [kappa[spin][i >= cells] for spin in (0, 1)]
        exchange = sides[i >= cells].length ** -2 / (1 / k[0] + 1 / k[1])
        link(2 * i, 2 * i + 1, exchange * dx[i >= cells])
    t = spsolve(matrix.tocsr(), source).reshape(n, 2)
    edge = [cells - 1, cells]
    gap = t[:, 0] - t[:, 1]
    decay = [np.exp(0.5 * d / s.length) for d, s in zip(dx, sides, strict=True)]
    ends = [np.dot(t[i], [kappa[0][j], kappa[1][j]]) / sides[j].conductivity for i, j in ((0, 0), (n - 1, 1))]
    bulk = sum((reach * s.length - d / 2) / s.conductivity for s, d in zip(sides, dx, strict=True))
    return gap[edge] * decay, ends[0] - ends[1] - bulk


@pytest.mark.parametrize(
    ("p", "p_normal", "r_up", "r_down"), [(0.4, 0.0, 1e-9, 3e-9), (-0.6, 0.0, 2e-10, 1e-10), (0.3, -0.5, 5e-10, 5e-10)]
)
def test_boundary_equals_a_solution_of_both_channels(p, p_normal, r_up, r_down):
    magnet, normal = SpinChannels("F", 20.0, 8 * nm, p), SpinChannels("N", 200.0, 60 * nm, p_normal)
    got = spin_kapitza(magnet, normal, resistance_up=r_up, resistance_down=r_down)
    gap, resistance = two_channels(magnet, normal, r_up, r_down)
    np.testing.assert_allclose([got.accumulation_magnet, got.accumulation], gap, rtol=2e-4, atol=0)
    np.testing.assert_allclose(got.resistance, resistance, rtol=2e-4, atol=0)


@given(magnet=magnets, normal=normals, r_up=resistances, r_down=resistances)
@settings(max_examples=60, deadline=None)
def test_resistance_lies_between_parallel_and_locked_channels(magnet, normal, r_up, r_down):
    got = spin_kapitza(magnet, normal, resistance_up=r_up, resistance_down=r_down)
    parallel = r_up * r_down / (r_up + r_down)
    assert got.resistance >= parallel * (1 - 1e-12)
    assert abs(got.polarisation) <= 1
    swapped = spin_kapitza(normal, magnet, resistance_up=r_up, resistance_down=r_down)
    np.testing.assert_allclose(swapped.resistance, got.resistance, rtol=1e-9, atol=0)


def test_nothing_accumulates_without_polarisation():
    magnet, normal = SpinChannels("F", 20.0, 8 * nm), SpinChannels("N", 200.0, 60 * nm)
    got = spin_kapitza(magnet, normal, resistance_up=1e-9, resistance_down=1e-9)
    assert got.accumulation == got.accumulation_magnet == got.polarisation == 0.0
    np.testing.assert_allclose(got.resistance, 0.5e-9, rtol=1e-12, atol=0)


def test_strong_exchange_leaves_both_spins_in_parallel():
    magnet, normal = SpinChannels("F", 20.0, 1e-16, 0.5), SpinChannels("N", 200.0, 1e-16)
    got = spin_kapitza(magnet, normal, resistance_up=1e-9, resistance_down=3e-9)
    np.testing.assert_allclose(got.resistance, 0.75e-9, rtol=1e-6, atol=0)


@given(p=st.floats(0.01, 0.95), k_f=st.floats(5, 100), k_n=st.floats(5, 400), l_f=st.floats(1e-9, 5e-8))
@settings(max_examples=40, deadline=None)
def test_transparent_boundary_has_the_published_resistance(p, k_f, k_n, l_f):
    """van Son, van Kempen, Wyder, PRL 58, 2271 (1987), doi:10.1103/PhysRevLett.58.2271, for charge; α = (1 + P)/2."""
    l_n, alpha = 100 * nm, (1 + p) / 2
    f, n = l_f / k_f, l_n / k_n
    want = (2 * alpha - 1) ** 2 * f * n / (f + 4 * alpha * (1 - alpha) * n)
    got = spin_kapitza(
        SpinChannels("F", k_f, l_f, p), SpinChannels("N", k_n, l_n), resistance_up=0.0, resistance_down=0.0
    )
    np.testing.assert_allclose(got.resistance, want, rtol=1e-10, atol=0)


def test_wrong_input_is_refused():
    side = SpinChannels("F", 20.0, 8 * nm)
    with pytest.raises(InputError, match="resistance_down"):
        spin_kapitza(side, side, resistance_up=1e-9, resistance_down=-1e-9)
