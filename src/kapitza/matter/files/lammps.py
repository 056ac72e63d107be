r"""Force constants from the file that LAMMPS' command `dynamical_matrix ... regular` writes.

The file holds $\Phi_{i\alpha,j\beta}/\sqrt{m_im_j}$ of a supercell, three numbers a line: for each atom i and direction
α the rows of all atoms j.  In `metal` units a number 1 is 1 eV Å⁻² u⁻¹.  See the manual of LAMMPS
(A. P. Thompson et al., Comput. Phys. Commun. 271, 108171 (2022), doi:10.1016/j.cpc.2021.108171).
"""

from os import PathLike

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.files import read_limited
from kapitza.core.quantity_kinds import LARGEST
from kapitza.errors import DataError
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import balanced_crystal, fold_force_constants
from kapitza.matter.files.phonopy import AtomicCell, SupercellData, locate_atoms
from kapitza.matter.structure import Structure
from kapitza.units import angstrom, eV, m_u

_MAX_ATOMS = 3000
_MAX_LINE_LENGTH = 200  # characters of a line of three numbers
METAL_DYNAMICAL_UNIT = eV / angstrom**2 / m_u  # rad² s⁻² of 1 eV Å⁻² u⁻¹


def crystal_from_lammps(path: str | PathLike[str], primitive: Structure, supercell: Structure) -> Crystal:
    """Read a file of `dynamical_matrix all regular`, metal units; `supercell` in the order of the LAMMPS ids."""
    matrix = _read_dynamical_matrix(path, supercell.masses.size)
    weight = np.sqrt(np.repeat(supercell.masses, 3))
    constants = matrix * METAL_DYNAMICAL_UNIT * weight[:, None] * weight
    n = supercell.masses.size
    values = ((constants + constants.T) / 2).reshape(n, 3, n, 3).swapaxes(1, 2)
    one, many = AtomicCell.of_structure(primitive), AtomicCell.of_structure(supercell)
    origins = locate_atoms(one, many, path)
    data = SupercellData(one, many, values[list(origins)], origins=origins)
    return balanced_crystal(primitive, *fold_force_constants(data, path))


def _read_dynamical_matrix(path: str | PathLike[str], atoms: int) -> Array:
    if atoms > _MAX_ATOMS:
        raise DataError(f"a matrix of {atoms} atoms is more than the {_MAX_ATOMS} handled", file=path)
    wanted = 3 * atoms * atoms
    lines = read_limited(path, wanted * _MAX_LINE_LENGTH).decode("ascii", errors="replace").splitlines()
    if len(lines) != wanted:
        raise DataError(
            f"has {len(lines)} lines, wanted {wanted} for {atoms} atoms: is the supercell that of the file?", file=path
        )
    try:
        values = np.array(" ".join(lines).split(), dtype=float)
    except ValueError:
        values = np.empty(0)
    if values.size == 3 * wanted and (np.abs(values) <= LARGEST).all():
        return values.reshape(3 * atoms, 3 * atoms)
    for i, line in enumerate(lines):
        try:
            good = len(line.split()) == 3 and all(abs(float(word)) <= LARGEST for word in line.split())
        except ValueError:
            good = False
        if not good:
            raise DataError(f"expected three finite numbers, got {line!r:.60}", file=path, line=i + 1)
    raise DataError("the matrix cannot be read", file=path)
