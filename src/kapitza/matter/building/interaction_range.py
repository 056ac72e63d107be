"""Range of force constants: cut off at a distance, or along a normal."""

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.matter.building.surface import layer_vectors, place_in_layer, plane_indices, upright_rotation
from kapitza.matter.crystal import Crystal, unit_vector
from kapitza.matter.files.crystals import enforce_sum_rule
from kapitza.units import THz, angstrom

_COMPARED_WAVEVECTORS = 200  # wave vectors at which frequencies are compared
_WAVEVECTOR_SEED = 5
_FREQUENCY_ROUNDING = 1e-9 * THz  # differences of frequencies below this are rounding


@frozen(eq=False, kw_only=True)
class Truncation(BaseRecord):
    """Crystal with force constants of finite range, and the change of its frequencies.

    Attributes
    ----------
    crystal : with the acoustic sum rule enforced
    direction : None: `reach` counts in every direction
    """

    crystal: Crystal
    reach: float = field(metadata=about("m", "range of the force constants"))
    dropped: float = field(metadata=about("1", "largest omitted force constant, over the largest one"))
    rms: float = field(metadata=about("rad s^-1", "root-mean-square change of frequencies over the Brillouin zone"))
    worst: float = field(metadata=about("rad s^-1", "largest change of a frequency"))
    acoustic: float = field(metadata=about("rad s^-1", "largest change in the three lowest branches"))
    direction: Array | None = field(default=None, metadata=about("1", "(3,) direction along which the range counts"))

    def __str__(self) -> str:
        """One line for notes and logs."""
        where = "" if self.direction is None else " along the normal"
        rms, worst, acoustic = (
            0.0 if value < _FREQUENCY_ROUNDING else value / THz for value in (self.rms, self.worst, self.acoustic)
        )
        return (
            f"{self.crystal.name}: forces beyond {self.reach / angstrom:.3g} Å{where} left out, the largest of them "
            f"{100 * self.dropped:.2g} % of the largest force constant; frequencies change by {rms:.2g} THz "
            f"rms, {worst:.2g} THz at most ({acoustic:.2g} THz acoustic)"
        )


def truncate_force_constants(
    crystal: Crystal, reach: float, *, reference: Crystal | None = None, normal: ArrayLike | None = None
) -> Truncation:
    """Leave out force constants between atoms further apart than `reach` (m), along the Cartesian `normal` or in space.

    A principal layer has to end along the normal alone: with `normal` forces along the plane stay as far as the crystal
    has them. Of dipoles these hold most, since waves of charges in a plane have fields that fall off exponentially
    along its normal. The cut is then between layers of whole cells, which are neutral; one between the planes of ions
    would leave forces of charges that nothing screens. Frequencies are compared with those of `reference`, or of
    `crystal`.
    """
    if crystal.polar is not None:
        raise InputError(
            f"{crystal.name}:",
            hint=Hint(
                python="load it with nac=False, so that the force constants of the supercell hold the dipole forces "
                "as far as it goes; compare with the other by `reference`",
                command="take its Born charges out of the file, so that the force constants of the supercell hold the "
                "dipole forces as far as it goes",
            ),
        )
    n = crystal.masses.size
    blocks = crystal.force_constants.reshape(-1, n, 3, n, 3).transpose(0, 1, 3, 2, 4)
    along = None if normal is None else unit_vector(normal)
    distance = np.linalg.norm(pair_vectors(crystal), axis=-1)
    far = distance > reach if along is None else _far_planes(crystal, along, reach)
    size = np.abs(blocks).max(axis=(3, 4))
    if not (size[~far & (distance > 0.1 * angstrom)] > 0).any():
        raise InputError(
            f"{crystal.name}: no two atoms are nearer than {reach / angstrom:.3g} Å; wanted a longer reach"
        )
    kept = np.where(far[..., None, None], 0.0, blocks)
    some = np.abs(kept).max(axis=(1, 2, 3, 4)) > 0
    values = kept[some].transpose(0, 1, 3, 2, 4).reshape(-1, 3 * n, 3 * n)
    cells = crystal.cells[some]
    residual, balanced = enforce_sum_rule(cells, values)
    short = evolve(crystal, cells=cells, force_constants=balanced, residual=residual)
    other = crystal if reference is None else reference
    # wave vectors (nq, 3) all over the Brillouin zone
    q = np.random.default_rng(_WAVEVECTOR_SEED).random((_COMPARED_WAVEVECTORS, 3)) - 0.5
    shift = np.abs(short.frequencies(q @ short.reciprocal) - other.frequencies(q @ other.reciprocal))
    return Truncation(
        crystal=short,
        reach=reach,
        dropped=float(size[far].max(initial=0.0) / size.max()),
        rms=float(np.sqrt((shift**2).mean())),
        worst=float(shift.max()),
        acoustic=float(shift[:, :3].max()),
        direction=along,
    )


def _far_planes(crystal: Crystal, along: Array, reach: float) -> NDArray[np.bool_]:
    """(nR, n, n) whether the layers, one cell thick, of two atoms are further apart than `reach` and not neighbours."""
    vectors = layer_vectors(crystal.lattice, plane_indices(crystal.lattice, along))
    lattice = vectors @ crystal.lattice
    turn = upright_rotation(lattice)
    moves, _ = place_in_layer(lattice @ turn, crystal.positions @ turn)
    own = np.round(crystal.cells @ np.linalg.inv(vectors.astype(float)))[:, 2]
    layers = np.abs(own[:, None, None] + moves[:, None, 2] - moves[:, 2])
    return np.asarray((layers > 1) & (layers * (lattice @ turn)[2, 2] > reach * (1 + 1e-9)))


def pair_vectors(crystal: Crystal) -> Array:
    """(nR, n, n, 3) from the atoms of a cell to those of the cell at R, m."""
    return np.asarray(
        (crystal.cells @ crystal.lattice)[:, None, None] + crystal.positions - crystal.positions[:, None], dtype=float
    )
