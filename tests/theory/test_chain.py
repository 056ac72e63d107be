"""Two chains: a table, a lattice solved as equations, the acoustic limit."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.theory.chain import Chain, chain_transmission

positive = st.floats(0.1, 10)
chains = st.builds(Chain, positive, positive)


def test_table(data: Callable[[str], Path]):
    with data("agf/chain_interface_exact.csv").open() as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    for row in rows:
        sides = Chain(row["m1"], row["k1"]), Chain(row["m2"], row["k2"])
        found = chain_transmission(*sides, [row["omega"]], bond=row["kI"])
        np.testing.assert_allclose(found, row["T"], rtol=1e-9, atol=1e-10)


@given(chains, chains, positive, st.floats(0.01, 0.99))
def test_matching_of_lattice_waves(left, right, bond, share):
    """A second road: Newton's equations of the two end atoms, with Bloch waves on either side."""
    omega = share * min(left.cutoff, right.cutoff)
    one, two = (np.exp(2j * np.arcsin(omega / side.cutoff)) for side in (left, right))
    # left: 1·one^n + r·one^-n up to n = 0; right: t·two^n from n = 0
    matrix = np.array(
        [
            [left.mass * omega**2 - left.spring * (1 - one) - bond, bond],
            [bond, right.mass * omega**2 - right.spring * (1 - two) - bond],
        ]
    )
    source = np.array([-(left.mass * omega**2 - left.spring * (1 - 1 / one) - bond), -bond])
    t = np.linalg.solve(matrix, source)[1]
    flux = [side.spring * np.sin(2 * np.arcsin(omega / side.cutoff)) for side in (left, right)]
    found = chain_transmission(left, right, [omega], bond=bond)[0]
    np.testing.assert_allclose(found, abs(t) ** 2 * flux[1] / flux[0], rtol=1e-7, atol=1e-12)


@given(chains, chains, positive)
def test_laws(left, right, bond):
    omega = np.linspace(0, 1.1, 40) * max(left.cutoff, right.cutoff)
    there = chain_transmission(left, right, omega, bond=bond)
    np.testing.assert_allclose(there, chain_transmission(right, left, omega, bond=bond), rtol=1e-12, atol=0)
    assert there.min() >= 0
    assert there.max() <= 1 + 1e-12
    assert not there[omega > min(left.cutoff, right.cutoff)].any()
    z1, z2 = left.impedance, right.impedance
    np.testing.assert_allclose(there[0], 4 * z1 * z2 / (z1 + z2) ** 2, rtol=1e-12, atol=0)


def test_a_perfect_chain_passes_all():
    omega = np.linspace(0, 0.99, 20) * Chain(2, 3).cutoff
    np.testing.assert_allclose(chain_transmission(Chain(2, 3), Chain(2, 3), omega, bond=3), 1, rtol=1e-12, atol=0)


def test_a_missing_bond_is_refused():
    with pytest.raises(InputError, match="bond"):
        chain_transmission(Chain(1, 1), Chain(1, 1), [0.1], bond=0)
    with pytest.raises(InputError, match="mass"):
        Chain(-1, 1)
