"""Phonon dispersion of a crystal of the package along the standard path of its lattice."""

import re
from itertools import pairwise

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, IntArray, about, finite, finite_array, integer_array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError, require
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.phonon_facts import polar_constants
from kapitza.matter.phonons import PhononCard, phonon_card, phonon_crystal
from kapitza.matter.zone.polar_crystal import with_macroscopic_field
from kapitza.matter.zone.symmetry_points import ZonePath, conventional_lattice, standard_path
from kapitza.units import angstrom

_TOWARDS_GAMMA = 1e-4  # of a line: where the limit of polar modes towards Γ is taken


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
    _check_points(points)
    card, crystal = phonon_card(name), phonon_crystal(name)
    cell = conventional_lattice(card.lattice, space_group(card)) * angstrom
    reciprocal = np.asarray(2 * np.pi * np.linalg.inv(cell).T, dtype=float)
    path = standard_path(space_group(card), reciprocal, crystal.lattice)
    corner = {label: np.asarray(np.array(point) @ reciprocal, dtype=float) for label, point in path.points.items()}
    labels, corners, position, line, waves = _sample_path(path, corner, points)
    polar = polar_crystal(name)
    return PhononDispersion(
        name=card.name,
        labels=labels,
        corners=corners,
        position=position,
        line=line,
        wavevector=waves,
        omega=crystal.frequencies(waves),
        polar_omega=None if polar is None else polar.frequencies(_shift_from_gamma(waves, line)),
    )


def crystal_dispersion(crystal: Crystal, points: int = 300) -> PhononDispersion:
    """Return the dispersion of any crystal along the path of its lattice after W. Setyawan and S. Curtarolo, Comput.
    Mater. Sci. 49, 299 (2010), doi:10.1016/j.commatsci.2010.05.010, as ASE finds it.

    Parameters
    ----------
    crystal : of any lattice; the path is that of the lattice alone, whatever the atoms
    points : wave vectors along the whole path, about

    Raises
    ------
    InputError
        for fewer than 2 wave vectors
    MissingEngine
        without ase
    """
    _check_points(points)
    ase = require("ase.cell", extra="atoms", why="the path through the Brillouin zone")
    found = ase.Cell(crystal.lattice / angstrom).bandpath(npoints=0)
    names = {label: label.replace("G", "Γ") for label in found.special_points}
    lines = tuple(
        tuple(names[label] for label in re.findall(r"[A-Z]\d*", line) if label) for line in found.path.split(",")
    )
    corner = {names[label]: np.asarray(point @ crystal.reciprocal) for label, point in found.special_points.items()}
    path = ZonePath({}, lines)
    labels, corners, position, line, waves = _sample_path(path, corner, points)
    return PhononDispersion(
        name=crystal.name,
        labels=labels,
        corners=corners,
        position=position,
        line=line,
        wavevector=waves,
        omega=crystal.frequencies(waves),
    )


def _check_points(points: int) -> None:
    """Refuse a path of no wave vectors."""
    if points < 2:
        raise InputError(f"points = {points}, wanted at least 2 wave vectors along the path")


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
    cell = conventional_lattice(card.lattice, space_group(card)) * angstrom
    return with_macroscopic_field(crystal, constants, cell, card.supercell)


def space_group(card: PhononCard) -> int:
    """Number of the space group that a card names."""
    found = re.search(r"space group (\d+)", card.structure)
    if found is None:
        raise InputError(f"{card.name}: its structure {card.structure!r:.60} names no space group")
    return int(found[1])


def _sample_path(
    path: ZonePath, corner: dict[str, Array], points: int
) -> tuple[tuple[str, ...], Array, Array, IntArray, Array]:
    """Labels and positions of the corners; positions, lines and wave vectors between them, evenly spread."""
    lines = [[(first, corner[first], corner[last]) for first, last in pairwise(line)] for line in path.lines]
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
