r"""The macroscopic field of longitudinal waves, added to a crystal whose force constants know none.

Force constants of a supercell give the right frequencies at the wave vectors that fit into it, except at Γ, where a
longitudinal wave of charges makes a field.  Its non-analytic term is added there; it fades, with the mean phase over
the cells of the supercell, towards the next of these wave vectors, where it is zero (Y. Wang et al., J. Phys.: Condens.
Matter 22, 202201 (2010), doi:10.1088/0953-8984/22/20/202201):

$$D_{i\alpha,j\beta}(q) \to D_{i\alpha,j\beta}(q) + \frac{e^2}{\epsilon_0 V \sqrt{m_i m_j}}
\frac{(q Z_i)_\alpha (q Z_j)_\beta}{q \epsilon q}\, e^{iq\cdot(r_i-r_j)}\, \frac{1}{N}\sum_{R} e^{iq\cdot R}$$

Nothing else of the crystal changes: forces of a potential of short range are not those of dipoles, and are not taken
for them.
"""

from functools import cached_property
from itertools import product

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, ComplexArray, IntArray
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.phonon_facts import PolarConstants
from kapitza.matter.periodic import minkowski_basis, nearest_images
from kapitza.matter.polar import COULOMB_CONSTANT, DipoleForces, pair_turns
from kapitza.units import angstrom

_IMAGE_TOLERANCE = 1e-3 * angstrom  # by which the stored image of an atom may be farther than the nearest one
_MOST_MULTIPLES = 8  # of a lattice vector
_DIFFERENCE_STEP = 1e-4  # of a wave vector, or of the smallest reciprocal vector where it is longer


@frozen(eq=False)
class MacroscopicField(DipoleForces):
    """Field of longitudinal waves that fades within the Brillouin zone."""

    multiple: IntArray = field(metadata={"unit": "1"})  # (3, 3) primitive lattice vectors in those of the supercell

    @cached_property
    def cell_phases(self) -> tuple[Array, Array]:
        """(m, 3) nearest images of the cells of the supercell (m), and their shares."""
        reach = int(np.abs(self.multiple).sum(axis=0).max())
        steps = np.array(list(product(range(-reach, reach + 1), repeat=3)))
        inside = steps @ np.linalg.inv(self.multiple)
        cells = steps[((inside > -1e-9) & (inside < 1 - 1e-9)).all(axis=1)]
        pair, images, share = nearest_images(cells @ self.lattice, minkowski_basis(self.multiple @ self.lattice))
        return images, share / (pair.max() + 1)

    def matrix(self, q: Array) -> ComplexArray:
        """(nq, 3n, 3n) forces of the field at wave vectors (nq, 3), N m⁻¹; none at Γ, where it has no limit."""
        q = self.nearest(q)
        images, share = self.cell_phases
        charge = np.einsum("qa,iab->qib", q, self.born).reshape(len(q), -1)
        screen = np.einsum("qa,ab,qb->q", q, self.dielectric, q)
        fading = np.cos(q @ images.T) @ share
        strength = np.divide(fading, screen, out=np.zeros(len(q)), where=screen > 0)
        volume = abs(np.linalg.det(self.lattice))
        return (
            COULOMB_CONSTANT / volume * strength[:, None, None] * charge[:, :, None] * charge[:, None, :]
            * pair_turns(self.positions, q)
        )  # fmt: skip

    def gradient(self, q: Array) -> ComplexArray:
        """(nq, 3, 3n, 3n) derivatives of `matrix` with respect to the wave vector, N, by central differences."""
        q = self.nearest(q)
        smallest = 2 * np.pi / np.linalg.norm(self.lattice, axis=1).max()
        step = _DIFFERENCE_STEP * np.clip(np.linalg.norm(q, axis=1), 1e-3 * smallest, smallest)[:, None]
        parts = [(self.matrix(q + step * axis) - self.matrix(q - step * axis)) for axis in np.eye(3)]
        return np.stack(parts, axis=1) / (2 * step[:, :, None, None])


def with_macroscopic_field(crystal: Crystal, constants: PolarConstants, conventional: Array, count: int) -> Crystal:
    """Return a crystal without dipole forces with the macroscopic field of its charges, which follow from the optical
    frequencies; `conventional` (3, 3) m are vectors of the conventional cell in rows, `count` is the number of atoms of
    the supercell of the force constants.
    """
    born = np.array([np.diag(charge) for charge in effective_charges(crystal, constants)])
    multiple = supercell_multiple(crystal, conventional, count)
    polar = MacroscopicField(crystal.lattice, crystal.positions, born, np.diag(constants.dielectric), multiple)
    return evolve(crystal, polar=polar)


def effective_charges(crystal: Crystal, constants: PolarConstants) -> Array:
    r"""(n, 3) Born effective charges along x, y and z, e, that give the measured splitting of the optical modes.

    In a crystal of two elements in equal numbers, all atoms of one move against all of the other:
    $Z^2 = \epsilon_0 \epsilon_\infty V \mu\,(\omega_{LO}^2 - \omega_{TO}^2) / e^2$ with volume V and reduced mass µ of
    a pair (M. Born and K. Huang, Dynamical Theory of Crystal Lattices, Oxford 1954).  The first element is positive.

    Raises
    ------
    InputError
        for a crystal of other elements

    Examples
    --------
    >>> from kapitza.phonons import effective_charges, polar_constants, polar_crystal
    >>> charges = effective_charges(polar_crystal("MgO"), polar_constants("MgO"))
    >>> print(charges.shape)
    (2, 3)
    """
    kind = np.array([symbol == crystal.symbols[0] for symbol in crystal.symbols])
    if len(set(crystal.symbols)) != 2 or 2 * kind.sum() != kind.size:
        raise InputError(f"{crystal.name}: {' '.join(crystal.symbols):.60}, wanted two elements in equal numbers")
    reduced = 1 / (1 / crystal.masses[kind][0] + 1 / crystal.masses[~kind][0])
    pairs = 2 / crystal.masses.size * crystal.volume
    split = constants.longitudinal**2 - constants.transverse**2
    charge = np.sqrt(constants.dielectric * pairs * reduced * split / COULOMB_CONSTANT)
    return np.where(kind[:, None], charge, -charge)


def supercell_multiple(crystal: Crystal, conventional: Array, count: int) -> IntArray:
    """(3, 3) primitive lattice vectors in each vector of the supercell of so many atoms: the one in which every force
    constant belongs to the nearest image.
    """
    # vectors (m, 3) between the atoms whose force constant is not zero
    n = crystal.masses.size
    size = np.abs(crystal.force_constants.reshape(-1, n, 3, n, 3)).max(axis=(2, 4))
    cell, first, second = np.nonzero(size > 1e-9 * size.max())
    vectors = crystal.cells[cell] @ crystal.lattice + crystal.positions[second] - crystal.positions[first]
    primitive_steps = np.round(conventional @ np.linalg.inv(crystal.lattice)).astype(np.int64)
    cells = count / crystal.masses.size
    for basis in (np.eye(3, dtype=np.int64), primitive_steps):
        volume = round(abs(np.linalg.det(basis)))
        for scale in product(range(1, _MOST_MULTIPLES + 1), repeat=3):
            multiple = np.diag(scale) @ basis
            if volume * np.prod(scale) == cells and _are_nearest(vectors, multiple @ crystal.lattice):
                return multiple
    raise InputError(f"{crystal.name}: its force constants fit into no supercell of {count} atoms")


def _are_nearest(vectors: Array, supercell: Array) -> bool:
    """Whether each vector is the shortest of its images."""
    pair, images, _ = nearest_images(vectors, minkowski_basis(supercell))
    shortest = np.zeros(len(vectors))
    shortest[pair] = np.linalg.norm(images, axis=1)
    return bool((np.linalg.norm(vectors, axis=1) < shortest + _IMAGE_TOLERANCE).all())
