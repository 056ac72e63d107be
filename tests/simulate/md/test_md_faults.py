"""Whatever is wrong with atoms, states, baths or files of a run ends in one clear line."""

import sys
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import InputError

pytest.importorskip("numba")
sys.path.insert(0, str(Path(__file__).parent))
from lj_crystals import crystal


def small():
    return crystal((2, 2, 6), periodic=False, wall=1)


TILTED = np.array([[0, 0, 1e-10], [0, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {"species": s.species + 5}, "species from 5 to 6, wanted from 0 to 1"),
        (lambda s: {"species": s.species - 5}, "species from -5 to -4"),
        (lambda s: {"kinds": s.kinds[:1]}, "species from 0 to 1, wanted from 0 to 0"),
        (lambda s: {"role": s.role + 7}, "role from 7 to 10, wanted from 0 to 3"),
        (lambda s: {"role": s.role - 1}, "role from -1 to 2"),
        (lambda s: {"layer": s.layer - 1}, "numbered -1 to 10, wanted 0 to 11"),
        (lambda s: {"layer": 2 * s.layer}, "12 layers numbered 0 to 22, wanted 0 to 11"),
        (lambda s: {"lattice": 0 * s.lattice}, "has no volume"),
        (lambda s: {"lattice": s.lattice[[0, 0, 2]]}, "has no volume"),
        (lambda s: {"lattice": s.lattice + TILTED}, "wanted in the plane z = 0"),
        (lambda s: {"positions": s.positions * np.nan}, "NaN"),
        (lambda s: {"positions": s.positions[:-1]}, "positions of shape"),
        (lambda s: {"plane": np.nan}, "on one side of the plane"),
    ],
)
def test_atoms_that_are_none_are_refused(change, message):
    system = small()
    with pytest.raises(InputError, match=message) as caught:
        evolve(system, **change(system))
    assert "\n" not in str(caught.value)
