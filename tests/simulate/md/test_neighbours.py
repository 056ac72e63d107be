"""Lists of neighbours against a plain search through all images."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.md.kernels.forces import VerletList, list_neighbours

pytest.importorskip("numba")
from lj_crystals import SIGMA, argon, crystal

ANGSTROM = 1e-10


def searched(lattice, positions, reach, periodic) -> set[tuple[int, ...]]:
    """Pairs (i, j, image of j seen from i) nearer than the reach."""
    found = set()
    for image in product(*(range(-6, 7) if p else (0,) for p in periodic)):
        away = np.linalg.norm(positions + image @ lattice - positions[:, None], axis=2)
        found |= {
            (int(i), int(j), *image) for i, j in zip(*np.nonzero(away < reach), strict=True) if i != j or any(image)
        }
    return found


def listed(near) -> list[tuple[int, ...]]:
    rows = np.repeat(np.arange(near.start.size - 1), np.diff(near.start))
    image = near.image[near.near] - near.image[rows]
    return [(int(i), int(j), *map(int, m)) for i, j, m in zip(rows, near.owner[near.near], image, strict=True)]


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from([(3.0, 4.0, 5.0), (2.1, 6.0, 4.0), (14.0, 9.0, 2.3)]), st.booleans(), st.booleans(),
    st.integers(0, 1000),
)  # fmt: skip
def test_pairs_are_those_of_a_plain_search(edges, skew, repeats, seed):
    """In boxes shorter than the reach, skewed ones, slabs, and with atoms that have left their box."""
    rng = np.random.default_rng(seed)
    lattice = np.diag(edges) + (np.array([[0, 0, 0], [1.3, 0, 0], [0.4, -1, 0]]) if skew else 0.0)
    if not repeats:
        lattice[2, :2] = 0
    fractional = rng.random((9, 3))
    fractional[:3] += rng.integers(-1, 2, size=(3, 3)) * [1, 1, int(repeats)]
    positions = fractional @ lattice * ANGSTROM
    where = (lattice * ANGSTROM, positions, 4.017 * ANGSTROM)
    wanted = searched(*where, (True, True, repeats))
    full = listed(list_neighbours(*where, periodic=(True, True, repeats), half=False))
    half = listed(list_neighbours(*where, periodic=(True, True, repeats), half=True))
    assert len(full) == len(set(full))
    assert set(full) == wanted
    assert 2 * len(half) == len(wanted)
    assert set(half) | {(j, i, -a, -b, -c) for i, j, a, b, c in half} == wanted


@pytest.mark.parametrize("half", [False, True])
def test_crowded_clusters_have_more_neighbours_than_an_even_density(half):
    """Two clusters far apart, of a density that is far above the mean of the box."""
    rng = np.random.default_rng(4)
    positions = np.concatenate([rng.random((40, 3)), 30 + rng.random((40, 3))]) * ANGSTROM
    where = (np.diag([60.0, 60.0, 60.0]) * ANGSTROM, positions, 4 * ANGSTROM)
    found = listed(list_neighbours(*where, periodic=(True, True, True), half=half))
    assert len(found) == len(set(found)) == 2 * 40 * 39 // (2 if half else 1)
    assert {(i // 40, j // 40, *image) for i, j, *image in found} == {(0, 0, 0, 0, 0), (1, 1, 0, 0, 0)}


def test_neighbours_ascend_whatever_the_skin():
    """So sums run over the same atoms in the same order, and a run does not depend on when lists were made."""
    system, field = crystal(), argon()
    positions = system.positions + 0.02 * SIGMA * np.random.default_rng(0).normal(size=system.positions.shape)
    rows = []
    for skin in (0.0, 0.3):
        near = VerletList(system, field, skin * SIGMA).at(positions)
        x = near.extend(positions)
        i = np.repeat(np.arange(near.start.size - 1), np.diff(near.start))
        assert all((np.diff(near.near[a:b]) > 0).all() for a, b in zip(near.start[:-1], near.start[1:], strict=True))
        inside = np.linalg.norm(x[near.near] - x[i], axis=1) < field.cutoff
        rows.append([pair for pair, here in zip(listed(near), inside, strict=True) if here])
    assert rows[0] == rows[1]


def test_lists_last_until_an_atom_has_moved_half_the_skin():
    system = crystal()
    around = VerletList(system, argon(), 0.3 * SIGMA)
    first = around.at(system.positions)
    moved = system.positions.copy()
    moved[7, 1] += 0.149 * SIGMA
    assert around.at(moved) is first
    moved[7, 1] += 0.002 * SIGMA
    assert around.at(moved) is not first


def test_faults_are_named():
    system = crystal()
    flat = system.lattice * [[1], [1], [0]]
    with pytest.raises(InputError, match="no volume"):
        list_neighbours(flat, system.positions, 1e-9, periodic=(True,) * 3, half=True)
    lost = system.positions.copy()
    lost[5, 2] = np.nan
    with pytest.raises(ConvergenceError, match="atom 5 is at"):
        VerletList(system, argon()).at(lost)
