"""Junctions repeated in the plane, and a dispersion of silicon, for tests alone."""

import numpy as np
from attrs import evolve
from numpy.typing import ArrayLike

from kapitza.core.arrays import integer_array
from kapitza.matter.building.layers import repeat_blocks
from kapitza.matter.isotropic import Dispersion, PolynomialBranch
from kapitza.matter.junction import Junction, JunctionLayer, supercell_cells


def repeat_device(junction: Junction, tiling: ArrayLike) -> Junction:
    """Repeat the device in the plane, with the leads as they are.

    The new periods are N @ periods, with `tiling` the integers N, (2, 2) or its diagonal.
    """
    grid = integer_array(tiling)
    grid = np.diag(grid) if grid.shape == (2,) else grid
    count = len(supercell_cells(grid))
    made: list[JunctionLayer] = []
    for slab in junction.device:
        shifts, onsite = repeat_blocks(slab.shifts, slab.onsite, grid)
        hop = None if slab.hop is None else repeat_blocks(slab.shifts, slab.hop, grid)[1]
        made.append(JunctionLayer(np.tile(slab.masses, count), shifts, onsite, hop, symbols=slab.symbols * count))
    return evolve(junction, periods=grid @ junction.periods, device=tuple(made))


def silicon_dispersion() -> Dispersion:
    r"""Silicon by the quadratic fits along [100] in general use, on a sphere of radius $2\pi/a$, good to 10 % at its
    boundary: E. Pop, R. W. Dutton, K. E. Goodson, J. Appl. Phys. 96, 4998 (2004), doi:10.1063/1.1788838.
    """
    boundary = 1.157e10
    return Dispersion(
        "Si (quadratic fit)",
        (
            PolynomialBranch([0, 9.01e3, -2.00e-7], boundary),
            PolynomialBranch([0, 5.23e3, -2.26e-7], boundary, 2),
            PolynomialBranch([9.88e13, 0, -1.60e-7], boundary),
            PolynomialBranch([10.2e13, -2.57e3, 1.12e-7], boundary, 2),
        ),
    )
