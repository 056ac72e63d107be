"""Common periods of two surfaces: they fit, no smaller ones do, known coincidence lattices are found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.matter.building.matching import common_periods, gauss_reduction, match_surfaces, supercell_bases
from kapitza.matter.building.surface import orient_structure
from kapitza.matter.structure import structure

SQUARE = 3.84e-10 * np.eye(2)
HEXAGON = 2.46e-10 * np.array([[1, 0], [0.5, np.sqrt(0.75)]])


def turned(periods, angle):
    c, s = np.cos(angle), np.sin(angle)
    return periods @ np.array([[c, s], [-s, c]])


@given(st.floats(-0.04, 0.04), st.floats(-0.04, 0.04), st.floats(0, 2 * np.pi))
def test_periods_of_a_match_are_common(stretch, shear, angle):
    """Law: N_R B, strained and turned as the match says, is N_L A."""
    other = turned(SQUARE @ np.array([[1 + stretch, shear], [0, 1 - stretch]]), angle)
    for fit in match_surfaces(SQUARE, other, strain=0.08, area=60e-20):
        a, b = fit.left @ SQUARE, fit.right @ other
        f = np.linalg.inv(b) @ a
        values = np.linalg.svd(f)[1] - 1
        np.testing.assert_allclose(np.sort(np.abs(values)), np.sort(np.abs(fit.strain)), atol=1e-9)
        assert abs(fit.strain[0]) <= 0.08
        np.testing.assert_allclose(fit.area, np.linalg.det(a), rtol=1e-9)
        assert np.linalg.det(fit.left) > 0
        assert np.linalg.det(fit.right) > 0
        np.testing.assert_allclose(common_periods(SQUARE, other, fit, "right")[:, :2], a, rtol=1e-9, atol=1e-19)


@given(st.floats(0, 2 * np.pi))
def test_a_turned_lattice_matches_itself_without_strain(angle):
    best = match_surfaces(HEXAGON, turned(HEXAGON, angle), area=6e-20)[0]
    assert abs(best.strain[0]) < 1e-9
    step = (best.twist + angle) % (np.pi / 3)
    assert min(step, np.pi / 3 - step) < 1e-6


@given(st.integers(1, 12))
def test_there_are_as_many_supercells_as_number_theory_says(n):
    """A second road: lattices of index n in the plane are counted by the sum of divisors of n."""
    assert len(supercell_bases(SQUARE @ np.array([[1, 0.1], [0, 1.2]]), n)) == sum(
        d for d in range(1, n + 1) if n % d == 0
    )


@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(-9, 9), st.integers(-9, 9))
def test_reduced_vectors_are_the_shortest(a, b, c, d):
    grid = np.array([[a, b], [c, d]])
    if round(np.linalg.det(grid)) == 0:
        return
    found = gauss_reduction(grid, HEXAGON) @ HEXAGON
    steps = np.array([(i, j) for i in range(-4, 5) for j in range(-4, 5) if (i, j) != (0, 0)])
    shortest = np.linalg.norm(steps @ found, axis=1).min()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1).min(), shortest, rtol=1e-9)


def test_known_coincidences():
    """Al on Si (001) 4:3 with 0.6 %; graphene twisted by 21.79° in a cell of 7; Σ5 of a square lattice at 36.87°."""
    al, si = (orient_structure(structure(name), (0, 0, 1)).lattice[:2] for name in ("Al", "Si"))
    best = match_surfaces(al, si, strain=0.02, twist=0.0)[0]
    assert (round(np.linalg.det(best.left)), round(np.linalg.det(best.right))) == (16, 9)
    np.testing.assert_allclose(best.strain, 4 * 4.05 / (3 * 5.431) - 1, rtol=1e-6)
    seven = match_surfaces(HEXAGON, HEXAGON, strain=1e-4, area=8 * np.linalg.det(HEXAGON), twist=np.radians(21.787))
    assert round(np.linalg.det(seven[0].left)) == 7
    five = match_surfaces(SQUARE, SQUARE, strain=1e-4, twist=np.radians(36.8699))
    assert round(np.linalg.det(five[0].left)) == 5


def test_strain_is_shared_as_asked():
    wide = SQUARE * 1.04
    fit = match_surfaces(SQUARE, wide)[0]
    sizes = [np.linalg.norm(common_periods(SQUARE, wide, fit, side)[0]) for side in ("right", "both", "left")]
    np.testing.assert_allclose(sizes, 3.84e-10 * np.array([1, 1.02, 1.04]), rtol=1e-9)


def test_faults_are_one_clear_line():
    with pytest.raises(InputError, match=r"no common cell up to 20 Å² .* the best one is strained by 12 %"):
        match_surfaces(SQUARE, SQUARE * 1.14, strain=0.1, area=20e-20)
    with pytest.raises(InputError, match="no common cell"):
        match_surfaces(SQUARE, SQUARE * 1.3, strain=0.01, area=16e-20)
    with pytest.raises(InputError, match="strain = -1"):
        match_surfaces(SQUARE, SQUARE, strain=-1)
    with pytest.raises(InputError, match="two vectors in the plane"):
        match_surfaces(SQUARE[::-1], SQUARE)
    with pytest.raises(InputError, match="NaN"):
        match_surfaces(SQUARE * np.nan, SQUARE)
    with pytest.raises(InputError, match="side to be strained"):
        common_periods(SQUARE, SQUARE, match_surfaces(SQUARE, SQUARE)[0], "up")
