r"""Phonons of crystals by name: harmonic force constants in the package, each with a card of their origin and quality.

They are computed at the lattice constants of room temperature from a machine-learned potential, or were fitted to
measured phonons where that is better (`tools/phonons` in the repository).  Polar crystals have Born charges.  A file
holds one pair of atoms of each symmetry class; the operations of the space group give all others, so that the symmetry
of the crystal is exact.
"""

import hashlib
import json
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
from attrs import converters, evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, about, read_only_mapping
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, InputError
from kapitza.matter.bands import Bands, BandSpectrum, cached_spectrum
from kapitza.matter.crystal import Crystal, unit_vector
from kapitza.matter.files.crystals import balanced_crystal, extend_dipole_forces
from kapitza.matter.files.phonon_facts import card_facts
from kapitza.matter.library import atomic_masses, material
from kapitza.matter.polar import DipoleForces
from kapitza.matter.structure import Structure, structure
from kapitza.units import angstrom, eV, m_u

_DIPOLE_CELL = 1.2e-9  # m: edges of the supercell that holds the dipole forces where they are not kept apart
_HEXAGONAL_GROUPS = frozenset(map(str, range(143, 195)))  # space groups of trigonal and hexagonal crystals


@frozen(kw_only=True)
class PhononCard(BaseRecord):
    """Where the force constants of a crystal come from, and how good they are.

    Attributes
    ----------
    name : of the crystal, as in the library of materials
    status : "accepted" as computed; "fitted": changed as little as possible to have the library's elastic constants;
        "unstable" at 0 K, as computed, with imaginary modes that bands leave out; "refused", for the `reason`
    reason : what a reader has to know, in one line; empty where there is nothing
    potential, doi : model and version that gave the forces, and the paper that describes it
    structure : prototype and space group
    lattice_source : where they are from
    longitudinal, transverse, worst_speed, library_debye : None where the library has none
    debye : None where sound is unstable in some direction
    worst_direction : Cartesian direction of `worst_speed`, and which of the three waves it is
    measured_top : None where none is known
    unverified : inputs that nobody has read in the source that is named
    """

    name: str
    status: str
    reason: str
    potential: str
    doi: str
    structure: str
    lattice: Mapping[str, float] = field(
        converter=read_only_mapping, metadata=about("Å", "constants of the conventional cell, angles in degrees")
    )
    lattice_source: str
    supercell: int = field(metadata=about("1", "atoms of the supercell, or in reach of measured force constants"))
    longitudinal: float | None = field(
        metadata=about("1", "mean longitudinal speed of sound as computed, over the library's")
    )
    transverse: float | None = field(
        metadata=about("1", "mean transverse speed of sound as computed, over the library's")
    )
    worst_speed: float | None = field(metadata=about("1", "ratio farthest from 1 of one wave along axes and diagonals"))
    worst_direction: str
    change: float = field(metadata=about("1", "root-mean-square change of frequencies by the fit, over the highest"))
    debye: float | None = field(metadata=about("K", "Debye temperature of the long waves"))
    library_debye: float | None = field(metadata=about("K", "Debye temperature of the library"))
    top: float = field(metadata=about("THz", "highest frequency"))
    lowest: float = field(metadata=about("THz", "lowest frequency, imaginary ones negative"))
    measured_top: tuple[float, str] | None = field(
        default=None,
        converter=converters.optional(tuple),
        metadata=about("THz", "published frequency of the highest mode that was measured, with mode and source"),
    )
    unverified: tuple[str, ...] = field(default=(), converter=tuple)

    @property
    def usable(self) -> bool:
        """Whether models take the bands without being asked: not refused, and sound is stable in all directions."""
        return self.status != "refused" and self.debye is not None

    @property
    def axes(self) -> Array:
        """(3, 3) vectors of the conventional cell in rows, m, to which Miller indices refer: a along x, or with c along
        z in the xz plane in monoclinic crystals, whose b is along y.
        """
        a = self.lattice["a"]
        b, c, beta = (self.lattice.get(key, other) for key, other in (("b", a), ("c", a), ("beta", 90.0)))
        hexagonal = self.structure.rpartition(" ")[2] in _HEXAGONAL_GROUPS
        one = [a * np.sin(np.radians(beta)), 0.0, a * np.cos(np.radians(beta))]
        two = [-b / 2, b * np.sqrt(0.75), 0.0] if hexagonal else [0.0, b, 0.0]
        return np.array([one, two, [0.0, 0.0, c]]) * angstrom


def phonons(name: str, normal: ArrayLike = (0, 0, 1)) -> Bands:
    """Return the full phonon bands of a crystal of the package.

    Parameters
    ----------
    name : name or alias, as in the library of materials
    normal : (3,) Cartesian normal of the surface, in the axes of the crystal: z is the c axis of hexagonal, trigonal
        and tetragonal crystals, y the b axis of monoclinic ones

    Raises
    ------
    InputError
        for a name without force constants, with the nearest ones, and for a crystal whose force constants are refused
    DataError
        for a file whose content is not what was published

    Examples
    --------
    >>> from kapitza import dmm
    >>> from kapitza.phonons import phonons
    >>> bands = dmm(phonons("Al"), phonons("Si"))
    >>> print(f"{bands.conductance(300.0).value[0] / 1e6:.0f} MW m⁻² K⁻¹ from full phonon bands")
    416 MW m⁻² K⁻¹ from full phonon bands
    """
    return Bands(phonon_crystal(name), normal)


@lru_cache(maxsize=256)
def phonon_spectrum(name: str, normal: tuple[float, ...] = (0, 0, 1)) -> BandSpectrum:
    """Return the spectra of a crystal's bands, from the cache of this user; parameters and errors as in `phonons`."""
    resolved, masses = _resolve_name(name), atomic_masses()
    inputs = {"file": _checksums()[resolved], "masses": masses, "normal": unit_vector(normal)}
    return cached_spectrum(resolved, inputs, lambda: phonons(resolved, normal).spectrum)


def phonon_crystal(name: str, *, nac: bool = True) -> Crystal:
    """Return the crystal with its force constants; errors as in `phonons`.

    Parameters
    ----------
    name : name or alias, as in the library of materials
    nac : whether a crystal that has Born charges keeps its dipole forces apart, so that polar modes are split as they
        should; else the force constants hold them up to half of a supercell, as layers of atoms need

    Examples
    --------
    >>> from kapitza.phonons import phonon_crystal
    >>> silicon = phonon_crystal("Si")
    >>> print(len(silicon.masses), "atoms a cell")
    2 atoms a cell
    """
    content = _read_crystal_file(_resolve_name(name))
    card = _make_card(content)
    if card.status == "refused":
        raise InputError(f"the phonons of {card.name} are refused: {card.reason}")
    cell = _bare_structure(content)
    crystal = evolve(balanced_crystal(cell, *expand_symmetry(content)), polar=dipole_forces(cell, content))
    if nac or crystal.polar is None:
        return crystal
    repeats = np.ceil(_DIPOLE_CELL / np.linalg.norm(cell.lattice, axis=1)).astype(int)
    return extend_dipole_forces(crystal, repeats.tolist())


def phonon_card(name: str) -> PhononCard:
    """Return origin and quality of the force constants of a crystal; errors as in `phonons`."""
    return _read_card(_resolve_name(name))


def find_card(name: str) -> PhononCard | None:
    """Return the card of a crystal of this very name; None where the package has none."""
    return _read_card(name) if name in _checksums() else None


@lru_cache(maxsize=256)
def _read_card(name: str) -> PhononCard:
    """Card of a crystal, without the force constants that its file has beside it."""
    return _make_card(_read_crystal_file(name))


def named_structure(name: str) -> Structure:
    """Return a crystal by name, without forces: of the table of structures, with lattice constants to start from, or of
    a crystal with a card, with those of room temperature; a potential relaxes both to its own.
    """
    try:
        return structure(name)
    except InputError:
        try:
            content = _read_crystal_file(_resolve_name(name))
        except InputError as err:
            raise InputError(
                f"no crystal {name!r:.60} by name ({err}); expected one of these, or a structure file (.cif, POSCAR)"
            ) from None
    return _bare_structure(content, _make_card(content).axes)


def _bare_structure(content: Mapping[str, Any], axes: Array | None = None) -> Structure:
    lattice, masses, symbols = np.array(content["lattice"]) * angstrom, atomic_masses(), tuple(content["symbols"])
    weights = np.array([masses[symbol] for symbol in symbols]) * m_u
    return Structure(content["card"]["name"], lattice, np.array(content["points"]) @ lattice, weights, symbols, axes)


def has_phonons(name: str) -> bool:
    """Tell whether the package has force constants under this very name."""
    return name in _checksums()


@cache
def primitive_atoms(name: str) -> int:
    """Return the number of atoms in the primitive cell of a crystal; errors as in `phonons`."""
    return len(_read_crystal_file(_resolve_name(name))["symbols"])


def phonon_names() -> tuple[str, ...]:
    """Return the names of all crystals with a card, in alphabetical order."""
    return tuple(_checksums())


def dipole_forces(structure: Structure, content: Mapping[str, Any]) -> DipoleForces | None:
    """Charges and screening of a polar crystal whose file has them."""
    if "born" not in content:
        return None
    born, dielectric = np.array(content["born"]).reshape(-1, 3, 3), np.array(content["dielectric"])
    return DipoleForces(structure.lattice, structure.positions, born - born.mean(axis=0), dielectric)


def expand_symmetry(content: Mapping[str, Any]) -> tuple[IntArray, Array]:
    r"""(nR, 3) lattice vectors and (nR, 3n, 3n) blocks, N m⁻¹, from one pair of each symmetry class: an operation
    $\{W|t\}$ moves $\Phi_{ij}(R)$ to $w\,\Phi_{ij}(R)\,w^T$ between the atoms onto which it moves i and j.
    """
    lattice, points = np.array(content["lattice"]), np.array(content["points"])
    pairs = np.array(content["pairs"], dtype=np.int64)
    given = np.array(content["force_constants"]).reshape(-1, 3, 3) * (eV / angstrom**2)
    first, second, step = pairs[:, 0], pairs[:, 1], pairs[:, 2:]
    keys: list[IntArray] = []
    values: list[Array] = []
    for operation in content["operations"]:
        turn, shift = np.array(operation[:9]).reshape(3, 3), np.array(operation[9:])
        difference = (points @ turn.T + shift)[:, None] - points
        nearest = np.round(difference)
        atom = np.argmin(np.abs(difference - nearest).max(axis=2), axis=1)
        cell = nearest[np.arange(len(points)), atom]
        moved = np.round(step @ turn.T + cell[second] - cell[first]).astype(np.int64)
        cartesian = (np.linalg.inv(lattice) @ turn.T @ lattice).T
        keys.append(np.column_stack([moved, atom[first], atom[second]]))
        values.append(cartesian @ given @ cartesian.T)
    key, value = np.concatenate(keys), np.concatenate(values)
    key = np.concatenate([key, np.column_stack([-key[:, :3], key[:, 4], key[:, 3]])])
    key, row, count = np.unique(key, axis=0, return_inverse=True, return_counts=True)
    total = np.zeros((len(key), 3, 3))
    np.add.at(total, row.reshape(-1), np.concatenate([value, value.swapaxes(1, 2)]))
    value = total / count[:, None, None]  # the mean of all images is symmetric in spite of rounded numbers
    cells, row = np.unique(key[:, :3], axis=0, return_inverse=True)
    blocks = np.zeros((len(cells), len(points), 3, len(points), 3))
    blocks[row.reshape(-1), key[:, 3], :, key[:, 4]] = value
    return cells, blocks.reshape(len(cells), 3 * len(points), -1)


def _make_card(content: Mapping[str, Any]) -> PhononCard:
    return PhononCard(**content["card"] | card_facts(content["card"]["name"]))


def _resolve_name(name: str) -> str:
    known, wanted = {key.casefold(): key for key in _checksums()}, str(name).strip()
    try:
        found = known.get(wanted.casefold()) or known[material(wanted).name.casefold()]
    except (InputError, KeyError):
        close = [known[one] for one in get_close_matches(wanted.casefold(), known, n=3, cutoff=0.5)]
        hint = f"did you mean {' or '.join(close)}?" if close else "`kapitza phonons` lists all names"
        raise InputError(f"no force constants of {wanted!r:.60} in the package; {hint}") from None
    return found


def _read_crystal_file(name: str) -> dict[str, Any]:
    """Content of the file of a crystal, which must have its checksum."""
    content = (files("kapitza.matter") / "data" / "phonons" / f"{name}.json").read_bytes()
    found, wanted = hashlib.sha256(content).hexdigest(), _checksums()[name]
    if found != wanted:
        raise DataError(f"SHA-256 {found:.12}..., wanted {wanted:.12}...: reinstall the package", file=f"{name}.json")
    return json.loads(content)


@cache
def _checksums() -> Mapping[str, str]:
    """SHA-256 of each file by the name of its crystal, in the form of sha256sum."""
    lines = (files("kapitza.matter") / "data" / "phonons" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    return MappingProxyType({name.removesuffix(".json"): code for code, name in (line.split() for line in lines)})
