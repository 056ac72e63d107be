"""The table of incoming modes."""

import numpy as np
import pytest

from kapitza.core.modal import ModalTransmission
from kapitza.errors import InputError

GOOD = {
    "omega": [1.0, 1.0, 2.0, 1.0, 2.0],
    "wavevector": [[0, 0, 1], [1, 0, 1], [0, 3, 3], [0, 0, -1], [3, 0, -3]],
    "side": [0, 0, 0, 1, 1],
    "branch": [0, 1, 0, 0, 2],
    "velocity": [1.0, 1, 2, -1, -2],
    "weight": [2.0, 1, 5, 1, 4],
    "transmission": [0.5, 0.0, 0.2, 1.0, 0.25],
    "specular": [0.5, 0.0, 0.1, 1.0, 0.25],
}


def test_sum_over_modes():
    found = ModalTransmission(**GOOD, method="x").total()
    np.testing.assert_array_equal(found.omega, [1, 2])
    np.testing.assert_allclose(found.total, [1, 1], rtol=1e-15, atol=0)
    np.testing.assert_array_equal(found.left, [3, 5])
    np.testing.assert_array_equal(found.right, [1, 4])
    assert found.method == "x"


def test_selection_and_angles():
    table = ModalTransmission(**GOOD)
    left = table.select("left")
    np.testing.assert_allclose(left.angle, [0, np.pi / 4, np.pi / 4], rtol=1e-15, atol=0)
    np.testing.assert_allclose(left.azimuth[1:], [0, np.pi / 2], rtol=1e-15, atol=0)
    assert table.select("right", 2).weight == [4]
    alone = left.total()
    assert alone.right is None
    np.testing.assert_allclose(alone.total, [1, 1], rtol=1e-15, atol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"transmission": [0, 0, 0, 0, 1.5]}, "1.5"),
        ({"weight": [1, 1, 1, 1, -1]}, "-1"),
        ({"branch": [0, 1]}, "2 labels"),
        ({"wavevector": [[0, 0, 1]]}, "1 wave vectors"),
        ({"wavevector": [0, 0, 1]}, "shape"),
        ({"velocity": [1, 2]}, "velocity"),
    ],
)
def test_bad_tables_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        ModalTransmission(**{**GOOD, **change})
    with pytest.raises(InputError, match="side"):
        ModalTransmission(**GOOD).select("up")  # type: ignore[arg-type]


def test_modes_sorted_by_angle_and_branch():
    table = ModalTransmission(**GOOD)
    found = table.by_angle(bins=2)
    np.testing.assert_allclose(found.incident, [2, 6], rtol=1e-15, atol=0)  # 45° belongs to the steeper half
    np.testing.assert_allclose(found.transmitted, [1, 1], rtol=1e-15, atol=0)
    np.testing.assert_allclose(found.coefficient, [0.5, 1 / 6], rtol=1e-15, atol=0)
    np.testing.assert_allclose(found.specularity, [1.0, 0.5], rtol=1e-15, atol=0)
    np.testing.assert_allclose(found.centre, [np.pi / 8, 3 * np.pi / 8], rtol=1e-15, atol=0)
    branch, omega, arriving, crossing = table.by_branch("left")
    assert branch.tolist() == [0, 1]
    np.testing.assert_array_equal(omega, [1, 2])
    np.testing.assert_array_equal(arriving, [[2, 1], [5, 0]])
    np.testing.assert_array_equal(crossing, [[1, 0], [1, 0]])
    np.testing.assert_allclose(crossing.sum(axis=1), table.select("left").total().total, rtol=1e-15, atol=0)


def test_sorted_conductances_are_the_whole():
    """With a temperature the bins add to the Landauer integral of the same table."""
    omega = np.repeat(np.linspace(1, 9, 5) * 1e12, 2)
    table = ModalTransmission(
        omega=omega, wavevector=np.tile([[0, 0, 1.0], [1, 0, 1]], (5, 1)), side=np.zeros(10),
        branch=np.tile([0, 1], 5), velocity=np.ones(10),
        weight=np.arange(1.0, 11), transmission=np.linspace(0.1, 0.9, 10), specular=np.zeros(10),
    )  # fmt: skip
    whole = table.total().conductance(300.0).value[0]
    for found in (table.by_angle(temperature=300.0), table.histogram(omega, [0, 5e12, 1e13], temperature=300.0)):
        np.testing.assert_allclose(found.transmitted.sum(), whole, rtol=1e-12, atol=0)
    assert np.isnan(found.specularity).sum() == 0
    assert np.isnan(table.by_angle("right").coefficient).all()
    for bad in (([1.0], [0, 1]), (omega, [1.0]), (omega, [1.0, 0.5])):
        with pytest.raises(InputError):
            table.histogram(*bad)
    with pytest.raises(InputError, match="no integral"):
        ModalTransmission(**{**GOOD, "omega": [1.0] * 5}).by_angle(temperature=300.0)
