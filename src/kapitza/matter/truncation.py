r"""Force constants cut off at a distance, and what that costs.

Forces in a polar crystal fall off as 1/r³ and fit into no principal layer.  What is left out is stated, never hidden:
the largest force constant that is dropped, and the shift of the frequencies against the whole crystal, with its dipole
forces if it has them.
"""

import numpy as np
from attrs import evolve, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal, unit
from kapitza.matter.loader import summed
from kapitza.matter.surface import homes, layer_vectors, plane_indices, upright
from kapitza.units import THz, angstrom

SAMPLES = 200  # wave vectors at which frequencies are compared
SEED = 5
ROUNDING = 1e-9 * THz  # differences of frequencies below this are rounding


@frozen(eq=False)
class Truncation:
    """A crystal whose forces end, and how it differs from the one they were taken from.

    Attributes
    ----------
    crystal : with force constants up to `reach`, the acoustic sum rule enforced
    reach : m
    dropped : largest force constant left out, over the largest one
    rms, worst : difference of frequencies over the Brillouin zone, rad s⁻¹
    acoustic : the same of the three lowest branches, worst, rad s⁻¹
    along : (3,) direction along which `reach` counts; None: in every direction
    """

    crystal: Crystal
    reach: float
    dropped: float
    rms: float
    worst: float
    acoustic: float
    along: Array | None = None

    def __str__(self) -> str:
        """One line for notes and logs."""
        where = "" if self.along is None else " along the normal"
        rms, worst, acoustic = (
            0.0 if value < ROUNDING else value / THz for value in (self.rms, self.worst, self.acoustic)
        )
        return (
            f"{self.crystal.name}: forces beyond {self.reach / angstrom:.3g} Å{where} left out, the largest of them "
            f"{100 * self.dropped:.2g} % of the largest force constant; frequencies change by {rms:.2g} THz "
            f"rms, {worst:.2g} THz at most ({acoustic:.2g} THz acoustic)"
        )


def truncated(
    crystal: Crystal, reach: float, *, whole: Crystal | None = None, normal: ArrayLike | None = None
) -> Truncation:
    """Leave out force constants between atoms further apart than `reach`.

    A principal layer has to end along the normal alone.  With `normal` forces along the plane stay as far as the
    crystal has them: of dipoles these hold most, since waves of charges in a plane have fields that fall off
    exponentially along its normal.  The cut is then between layers of whole cells, which are neutral: one between the
    planes of ions would leave forces of charges that nothing screens.

    Parameters
    ----------
    crystal : with all its force constants in `force_constants` (loaded with nac=False)
    reach : m; along the normal between layers of one cell, of which neighbours always keep their forces
    whole : what frequencies are compared with, such as the same crystal with its dipole forces; None: `crystal`
    normal : (3,) Cartesian normal of a lattice plane, along which alone distances count; None: in space

    Raises
    ------
    InputError
        if nothing but self terms would be left
    """
    if crystal.polar is not None:
        raise InputError(
            f"{crystal.name}: load it with nac=False, so that the force constants of the supercell hold the dipole "
            "forces as far as it goes; compare with the other by `whole`"
        )
    n = crystal.masses.size
    blocks = crystal.force_constants.reshape(-1, n, 3, n, 3).transpose(0, 1, 3, 2, 4)
    along = None if normal is None else unit(normal)
    distance = np.linalg.norm(pair_vectors(crystal), axis=-1)
    far = distance > reach if along is None else far_planes(crystal, along, reach)
    size = np.abs(blocks).max(axis=(3, 4))
    if not (size[~far & (distance > 0.1 * angstrom)] > 0).any():
        raise InputError(
            f"{crystal.name}: no two atoms are nearer than {reach / angstrom:.3g} Å; wanted a longer reach"
        )
    kept = np.where(far[..., None, None], 0.0, blocks)
    some = np.abs(kept).max(axis=(1, 2, 3, 4)) > 0
    values = kept[some].transpose(0, 1, 3, 2, 4).reshape(-1, 3 * n, 3 * n)
    cells = crystal.cells[some]
    residual, balanced = summed(cells, values, np.zeros(values.shape[1:]))
    short = evolve(crystal, cells=cells, force_constants=balanced, residual=residual)
    shift = differences(short, crystal if whole is None else whole)
    return Truncation(
        short,
        reach,
        float(size[far].max(initial=0.0) / size.max()),
        float(np.sqrt((shift**2).mean())),
        float(shift.max()),
        float(shift[:, :3].max()),
        along,
    )


def far_planes(crystal: Crystal, along: Array, reach: float) -> NDArray[np.bool_]:
    """(nR, n, n) whether the layers of two atoms are further apart than `reach`, and not neighbours.

    Layers are those into which `oriented_crystal` cuts the crystal, each one cell thick.
    """
    vectors = layer_vectors(crystal.lattice, plane_indices(crystal.lattice, along))
    lattice = vectors @ crystal.lattice
    turn = upright(lattice)
    moves, _ = homes(lattice @ turn, crystal.positions @ turn)
    own = np.round(crystal.cells @ np.linalg.inv(vectors.astype(float)))[:, 2]
    layers = np.abs(own[:, None, None] + moves[:, None, 2] - moves[:, 2])
    return np.asarray((layers > 1) & (layers * (lattice @ turn)[2, 2] > reach * (1 + 1e-9)))


def pair_vectors(crystal: Crystal) -> Array:
    """(nR, n, n, 3) from the atoms of a cell to those of the cell at R, m."""
    return np.asarray(
        (crystal.cells @ crystal.lattice)[:, None, None] + crystal.positions - crystal.positions[:, None], dtype=float
    )


def differences(one: Crystal, other: Crystal) -> Array:
    """(nq, 3n) differences of the frequencies of two crystals at wave vectors all over the Brillouin zone, rad s⁻¹."""
    q = np.random.default_rng(SEED).random((SAMPLES, 3)) - 0.5
    return np.abs(one.frequencies(q @ one.reciprocal) - other.frequencies(q @ other.reciprocal))
