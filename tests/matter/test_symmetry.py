"""Stiffness of crystal classes: every rotation of the class leaves it as it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.matter.elastic import VOIGT_ENTRIES, cell_volume, rotate_tensor, stiffness_matrix, stiffness_tensor


def turn(axis: int, degrees: float) -> np.ndarray:
    """Rotation about a Cartesian axis."""
    angle = np.radians(degrees)
    i, j = [k for k in range(3) if k != axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = np.cos(angle)
    matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
    return matrix


# generators of the highest class of each system; the lower ones of trigonal and tetragonal crystals lack the last
GENERATORS = {
    "isotropic": [turn(0, 31.0), turn(1, 77.0)],
    "cubic": [turn(2, 90), turn(0, 90)],
    "hexagonal": [turn(2, 60), turn(0, 180)],
    "trigonal": [turn(2, 120), turn(0, 180)],
    "tetragonal": [turn(2, 90), turn(0, 180)],
    "orthorhombic": [turn(2, 180), turn(0, 180)],
    "monoclinic": [turn(1, 180)],
}
LOWER = {"trigonal": "C15", "tetragonal": "C16"}


@given(data=st.data(), symmetry=st.sampled_from(sorted(VOIGT_ENTRIES)))
def test_rotations_of_the_class_leave_the_stiffness(data: st.DataObject, symmetry: str):
    constants = {name: data.draw(st.floats(-300, 300), label=name) for name in VOIGT_ENTRIES[symmetry]}
    lower = constants.get(LOWER.get(symmetry, ""), 0.0) != 0
    full = stiffness_tensor(stiffness_matrix(symmetry, constants))
    scale = max(1.0, np.abs(full).max())
    for rotation in GENERATORS[symmetry][: 1 if lower else 2]:
        np.testing.assert_allclose(rotate_tensor(full, rotation) / scale, full / scale, rtol=0, atol=1e-12)


def test_half_turn_about_c_reverses_c14():
    """The two settings of the axes of quartz differ in the sign of C14 alone."""
    constants = {"C11": 86.1, "C12": 10.4, "C13": 12.9, "C14": -17.2, "C33": 108.6, "C44": 59.2}
    here = rotate_tensor(stiffness_tensor(stiffness_matrix("trigonal", constants)), turn(2, 180))
    there = stiffness_tensor(stiffness_matrix("trigonal", constants | {"C14": 17.2}))
    np.testing.assert_allclose(here, there, rtol=0, atol=1e-12 * 108.6)


@given(
    a=st.floats(2, 20),
    b=st.floats(2, 20),
    c=st.floats(2, 30),
    beta=st.floats(60, 120),
    symmetry=st.sampled_from(sorted(VOIGT_ENTRIES)),
)
def test_volume_is_the_determinant_of_the_cell(a: float, b: float, c: float, beta: float, symmetry: str):
    if symmetry == "isotropic":
        return
    gamma = 120.0 if symmetry in ("hexagonal", "trigonal") else 90.0
    full = {"a": a, "b": b, "c": c, "beta": np.radians(beta)}
    known = {"cubic": "a", "orthorhombic": "abc", "monoclinic": ("a", "b", "c", "beta")}.get(symmetry, "ac")
    lattice = {name: full[name] for name in known}
    b, c = lattice.get("b", a), lattice.get("c", a)
    tilt = lattice.get("beta", np.pi / 2)
    vectors = [
        [a, 0, 0],
        [b * np.cos(np.radians(gamma)), b * np.sin(np.radians(gamma)), 0],
        [c * np.cos(tilt), 0, c * np.sin(tilt)],
    ]
    np.testing.assert_allclose(cell_volume(symmetry, lattice), abs(np.linalg.det(vectors)), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("symmetry", "constants", "word"),
    [
        ("cubic", {"C11": 1.0, "C12": 0.1}, "C44 missing"),
        ("cubic", {"C11": 1.0, "C12": 0.1, "C44": 1.0, "C13": 1.0}, "C13 not independent"),
        ("triclinic", {}, "no stiffness"),
        ("cubic", {"C11": np.nan, "C12": 0.1, "C44": 1.0}, "finite"),
    ],
)
def test_wrong_constants_are_refused(symmetry: str, constants: dict[str, float], word: str):
    with pytest.raises(InputError, match=word):
        stiffness_matrix(symmetry, constants)


def test_cell_needs_its_own_constants():
    with pytest.raises(InputError, match="wanted a, c"):
        cell_volume("hexagonal", {"a": 1e-10})
    with pytest.raises(InputError, match="wanted none"):
        cell_volume("isotropic", {"a": 1e-10})
