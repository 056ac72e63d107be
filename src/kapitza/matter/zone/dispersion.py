"""Phonon dispersion of a crystal along the standard path of its Bravais lattice, and at measured points.

Points and path are those of seekpath: Y. Hinuma et al., Comput. Mater. Sci. 128, 140 (2017),
doi:10.1016/j.commatsci.2016.10.015.
"""

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from warnings import catch_warnings, simplefilter

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, IntArray, about, finite, finite_array, integer_array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.phonon_facts import MeasuredPhonons, polar_constants
from kapitza.matter.phonons import phonon_card, phonon_crystal
from kapitza.matter.zone.polar_crystal import with_macroscopic_field
from kapitza.units import angstrom

_NEAR_GAMMA = 1e-4  # of a reciprocal vector: where the limit of polar modes is taken
_SAME_LEVEL = 1e-6  # of the top frequency: modes closer than this are one level
_TOWARDS_GAMMA = 1e-4  # of a line: where the limit of polar modes towards Γ is taken
_SITE_TOLERANCE = 1e-3  # Å, by which an operation may miss an atom
_GREEK_LABELS = MappingProxyType({"GAMMA": "Γ", "SIGMA": "Σ", "DELTA": "Δ", "LAMBDA": "Λ"})
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@frozen(eq=False)
class ZonePath(BaseRecord):
    """Labelled points of the Brillouin zone and the lines between them.

    Attributes
    ----------
    points : (3,) Cartesian wave vector of each labelled point, rad/m
    lines : connected stretches of the path, each as the labels of its corners
    """

    points: Mapping[str, Array]
    lines: tuple[tuple[str, ...], ...]


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
    return PhononDispersion(
        name=crystal.name,
        labels=labels,
        corners=corners,
        position=position,
        line=line,
        wavevector=waves,
        omega=crystal.frequencies(waves),
        polar_omega=None if polar is None else polar.frequencies(_shift_from_gamma(waves, line)),
    )


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
    lines = [[(first, path.points[first], path.points[last]) for first, last in pairwise(line)] for line in path.lines]
    total = sum(float(np.linalg.norm(end - start)) for line in lines for _, start, end in line)
    labels, corners, at = [path.lines[0][0]], [0.0], 0.0
    position: list[Array] = []
    number: list[IntArray] = []
    waves: list[Array] = []
    for index, line in enumerate(lines):
        if index:
            labels[-1] += f"|{path.lines[index][0]}"
        for (_, start, end), label in zip(line, path.lines[index][1:], strict=True):
            length = float(np.linalg.norm(end - start))
            part = np.linspace(0, 1, max(2, round(points * length / total) + 1))
            position.append(at + part * length)
            number.append(np.full(part.size, index, dtype=np.int64))
            waves.append(start + part[:, None] * (end - start))
            at += length
            labels.append(label)
            corners.append(at)
    return tuple(labels), np.array(corners), np.concatenate(position), np.concatenate(number), np.concatenate(waves)


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
