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
