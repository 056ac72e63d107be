r"""Phonon dispersion of a crystal along the standard path of its Bravais lattice, and at measured points.

Points and path are those of seekpath: Y. Hinuma et al., Comput. Mater. Sci. 128, 140 (2017),
doi:10.1016/j.commatsci.2016.10.015.

The macroscopic field of longitudinal waves is added to a crystal whose force constants know none.  Force constants of a
supercell give the right frequencies at the wave vectors that fit into it, except at Γ, where a longitudinal wave of
charges makes a field.  Its non-analytic term is added there; it fades, with the mean phase over the cells of the
supercell, towards the next of these wave vectors, where it is zero (Y. Wang et al., J. Phys.: Condens. Matter 22,
202201 (2010), doi:10.1088/0953-8984/22/20/202201):

$$D_{i\alpha,j\beta}(q) \to D_{i\alpha,j\beta}(q) + \frac{e^2}{\epsilon_0 V \sqrt{m_i m_j}}
\frac{(q Z_i)_\alpha (q Z_j)_\beta}{q \epsilon q}\, e^{iq\cdot(r_i-r_j)}\, \frac{1}{N}\sum_{R} e^{iq\cdot R}$$

Forces of a potential of short range are not those of dipoles, and are not taken for them.
"""

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise, product
from types import MappingProxyType
from warnings import catch_warnings, simplefilter

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, ComplexArray, IntArray, about, finite, finite_array, integer_array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.phonon_facts import MeasuredPhonons, PolarConstants, polar_constants
from kapitza.matter.periodic import minkowski_basis, nearest_images
from kapitza.matter.phonons import phonon_card, phonon_crystal
from kapitza.matter.polar import COULOMB_CONSTANT, DipoleForces, pair_turns
from kapitza.units import angstrom

_NEAR_GAMMA = 1e-4  # of a reciprocal vector: where the limit of polar modes is taken
_SAME_LEVEL = 1e-6  # of the top frequency: modes closer than this are one level
_TOWARDS_GAMMA = 1e-4  # of a line: where the limit of polar modes towards Γ is taken
_SITE_TOLERANCE = 1e-3  # Å, by which an operation may miss an atom
_GREEK_LABELS = MappingProxyType({"GAMMA": "Γ", "SIGMA": "Σ", "DELTA": "Δ", "LAMBDA": "Λ"})
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
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
            if volume * np.prod(scale) == cells:
                multiple = np.diag(scale) @ basis
                pair, images, _ = nearest_images(vectors, minkowski_basis(multiple @ crystal.lattice))
                shortest = np.zeros(len(vectors))
                shortest[pair] = np.linalg.norm(images, axis=1)
                if (np.linalg.norm(vectors, axis=1) < shortest + _IMAGE_TOLERANCE).all():
                    return multiple
    raise InputError(f"{crystal.name}: its force constants fit into no supercell of {count} atoms")


@frozen(eq=False)
class ZonePath(BaseRecord):
    """Labelled points of the Brillouin zone and the lines between them."""

    points: Mapping[str, Array]  # (3,) Cartesian wave vector of each labelled point, rad/m
    lines: tuple[tuple[str, ...], ...]  # connected stretches of the path, each as the labels of its corners


@frozen(eq=False, kw_only=True)
class PhononDispersion(BaseRecord):
    """Frequencies along a path through the Brillouin zone.

    Attributes
    ----------
    name : of the crystal
    labels : (nc,) labels of the corners in their order; "U|K" where one line ends at U and the next begins at K
    polar_omega : at Γ the limit along the path; None where no charges are known
    """

    name: str
    labels: tuple[str, ...] = field(converter=tuple)
    corners: Array = field(converter=finite, metadata=about("rad m^-1", "(nc,) places of the corners along the path"))
    position: Array = field(
        converter=finite, metadata=about("rad m^-1", "(nq,) length of the path to each wave vector")
    )
    line: IntArray = field(converter=integer_array, metadata=about("1", "(nq,) connected line of each wave vector"))
    wavevector: Array = field(converter=finite_array, metadata=about("rad m^-1", "(nq, 3) Cartesian wave vectors"))
    omega: Array = field(
        converter=finite_array, metadata=about("rad s^-1", "(nq, 3n) angular frequencies, imaginary ones negative")
    )
    polar_omega: Array | None = field(
        default=None, metadata=about("rad s^-1", "(nq, 3n) the same with the macroscopic field of the charges")
    )


def phonon_dispersion(name: str, points: int = 300) -> PhononDispersion:
    """Return the dispersion of a crystal of the package along the standard path of its Bravais lattice.

    Parameters
    ----------
    name : name or alias, as in the library of materials
    points : wave vectors along the whole path, about

    Raises
    ------
    InputError
        for a name without force constants, with the nearest ones, and for a crystal whose force constants are refused
    """
    return crystal_dispersion(phonon_crystal(name), points, polar_crystal(name))


def crystal_dispersion(crystal: Crystal, points: int = 300, polar: Crystal | None = None) -> PhononDispersion:
    """Return the dispersion of any crystal along the standard path of its Bravais lattice, at about so many `points`;
    `polar` is the same crystal with the macroscopic field of its charges, for the limits towards Γ.
    """
    if points < 2:
        raise InputError(f"points = {points}, wanted at least 2 wave vectors along the path")
    labels, corners, position, line, waves = _sample_path(standard_path(crystal), points)
    limits = None if polar is None else polar.frequencies(_shift_from_gamma(waves, line))
    return PhononDispersion(
        name=crystal.name, labels=labels, corners=corners, position=position, line=line, wavevector=waves,
        omega=crystal.frequencies(waves), polar_omega=limits,
    )  # fmt: skip


def standard_path(crystal: Crystal) -> ZonePath:
    """Return the labelled points and the path that seekpath suggests for the lattice and the atoms of a crystal;
    InputError for atoms without a space group, such as two at one place.
    """
    import seekpath  # takes as long to load as numpy

    kinds = np.unique([f"{mass:.6g}" for mass in crystal.masses], return_inverse=True)[1]
    atoms = crystal.lattice / angstrom, crystal.positions @ np.linalg.inv(crystal.lattice), kinds
    with catch_warnings():
        simplefilter("ignore")  # of supercells, of lattices between two kinds, and of spglib's handling of errors
        try:
            path = seekpath.get_path_orig_cell(atoms, symprec=_SITE_TOLERANCE)
        except seekpath.SymmetryDetectionError as err:
            raise InputError(f"{crystal.name}: seekpath finds no space group of its {kinds.size} atoms") from err
    names: dict[str, str] = {}  # labels such as "GAMMA" or "SIGMA_0" with Greek letters and subscripts
    for label in path["point_coords"]:
        letter, _, number = label.partition("_")
        names[label] = _GREEK_LABELS.get(letter, letter) + number.translate(_SUBSCRIPTS)
    points = {names[label]: np.array(at) @ crystal.reciprocal for label, at in path["point_coords"].items()}
    lines: list[list[str]] = []
    for start, end in path["path"]:
        if not lines or lines[-1][-1] != names[start]:
            lines.append([names[start]])
        lines[-1].append(names[end])
    return ZonePath(points, tuple(map(tuple, lines)))


def polar_crystal(name: str) -> Crystal | None:
    """Return a crystal of the package with the macroscopic field of its charges; None where none are known.

    At Γ itself there is no field; towards Γ the longitudinal modes are above the transverse ones.

    Raises
    ------
    InputError
        as `phonon_dispersion`

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.phonons import phonon_crystal, polar_crystal
    >>> from kapitza.units import THz
    >>> near = [[0.0, 0.0, 1e7]]  # rad/m, near the zone centre
    >>> for crystal in (phonon_crystal("MgO"), polar_crystal("MgO")):
    ...     print((crystal.levels(near).omega[0, 3:] / THz).round(1), "THz")
    [11.9 11.9 21.5] THz
    [11.9 11.9 21.5] THz
    """
    card, crystal = phonon_card(name), phonon_crystal(name)
    constants = polar_constants(card.name)
    if crystal.polar is not None:
        return crystal
    if constants is None:
        return None
    return with_macroscopic_field(crystal, constants, card.axes, card.supercell)


def _sample_path(path: ZonePath, points: int) -> tuple[tuple[str, ...], Array, Array, IntArray, Array]:
    """Labels and positions of the corners; positions, lines and wave vectors between them, evenly spread."""
    steps = [path.points[end] - path.points[start] for line in path.lines for start, end in pairwise(line)]
    total = sum(float(np.linalg.norm(step)) for step in steps)
    labels, corners, at = [path.lines[0][0]], [0.0], 0.0
    parts: list[tuple[Array, IntArray, Array]] = []
    for index, line in enumerate(path.lines):
        if index:
            labels[-1] += f"|{line[0]}"
        for first, last in pairwise(line):
            start, step = path.points[first], path.points[last] - path.points[first]
            length = float(np.linalg.norm(step))
            part = np.linspace(0, 1, max(2, round(points * length / total) + 1))
            parts.append((at + part * length, np.full(part.size, index, dtype=np.int64), start + part[:, None] * step))
            at += length
            labels.append(last)
            corners.append(at)
    position, number, waves = (np.concatenate(column) for column in zip(*parts, strict=True))
    return tuple(labels), np.array(corners), position, number, waves


def _shift_from_gamma(waves: Array, line: IntArray) -> Array:
    """Wave vectors of which those at Γ are moved a little along their line, where polar modes have a limit."""
    moved = waves.copy()
    size = np.linalg.norm(waves, axis=1)
    for index in np.flatnonzero(size < 1e-9 * size.max()):
        after = index + 1 < len(waves) and line[index + 1] == line[index] and size[index + 1] > 0
        moved[index] = _TOWARDS_GAMMA * waves[index + 1 if after else index - 1]
    return moved


def computed_frequencies(measured: MeasuredPhonons) -> Array:
    """Return the frequencies of the bands that belong to measured ones.

    At each point the measured frequencies and the levels of the crystal are paired so that the sum of the differences
    is least.  At Γ the levels of a polar crystal are those towards Γ along the axes, where its charges are known.

    Returns
    -------
    (n,) angular frequencies in the order of the measured ones, rad s⁻¹
    """
    from scipy.optimize import linear_sum_assignment  # takes longer to load than the rest

    found = np.full(measured.omega.size, np.nan)
    for point in dict.fromkeys(measured.points):
        rows = np.array([i for i, one in enumerate(measured.points) if one == point])
        levels = _levels_at(measured.name, point)
        chosen = linear_sum_assignment(np.abs(measured.omega[rows][:, None] - levels))
        found[rows[chosen[0]]] = levels[chosen[1]]
    return found


def _levels_at(name: str, point: str) -> Array:
    """Frequencies of the levels at a labelled point, or in the middle of a line such as "Γ-X", rad s⁻¹."""
    crystal = phonon_crystal(name)
    points = standard_path(crystal).points
    wave = np.mean([points[label] for label in point.split("-")], axis=0)
    frequencies = crystal.frequencies(wave)[0]
    if point != "Γ":
        return frequencies
    polar = polar_crystal(name)
    if polar is not None:
        reciprocal = 2 * np.pi * np.linalg.inv(phonon_card(name).axes).T
        frequencies = np.sort(polar.frequencies(_NEAR_GAMMA * reciprocal).ravel())
    frequencies = frequencies[frequencies > 0.01 * frequencies[-1]]
    new = np.diff(frequencies, prepend=-np.inf) > _SAME_LEVEL * frequencies[-1]
    return frequencies[new]
