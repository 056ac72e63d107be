"""What is known of one side of an interface, from a record, a name of the library or a file."""

import os
import re
from collections.abc import Callable, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter, warn

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import temperatures
from kapitza.core.phonons import Phonons
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError, ValidityWarning
from kapitza.matter.bands import Bands, BandSpectrum
from kapitza.matter.crystal import Crystal
from kapitza.matter.elastic import Elastic
from kapitza.matter.electrons import Electrons, material_electrons
from kapitza.matter.files.structures import is_structure_file, structure_name
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.matter.library import atomic_masses, load_materials, material, materials
from kapitza.matter.material import GLASS_SYMMETRY, LIQUID_SYMMETRY, Material, composition, warn_of_state
from kapitza.matter.phonons import find_card, has_phonons, phonon_spectrum, primitive_atoms
from kapitza.matter.potentials.crystal_phonons import StructureCrystal, crystal_from_file
from kapitza.matter.potentials.finite_displacements import FiniteDisplacements
from kapitza.matter.sheet import LIBRARY_SHEETS
from kapitza.theory.plane_waves import is_light_liquid
from kapitza.units import m_u

DEFAULT_NORMAL = (0, 0, 1)
# K, of HfC, the highest that is known: O. Cedillos-Barraza et al., Sci. Rep. 6, 37962 (2016), doi:10.1038/srep37962
HIGHEST_MELTING_POINT = 4232.0
_SAME_DENSITY = 0.07  # lattice constants of calculators are up to about 2 % off the measured ones
_SAME_MASS = 3e-3  # of atoms: cobalt and nickel differ by 0.4 %
_SAME_SHARE = 0.03  # of an element among all atoms: carbides of the library lack some of their carbon
_AMBIGUOUS_NAMES = {"sio2": "SiO2 is taken for amorphous silica, a-SiO2; the crystal is alpha-quartz"}
_TUBE_NAMES = ("cnt", "swcnt", "mwcnt", "carbon nanotube", "nanotube")


_MATERIAL_FILE = re.compile(r"(?P<file>.+\.toml)(?::(?P<name>[^:]+))?", re.IGNORECASE)
_SEPARATORS = tuple({"/", os.sep})


@frozen
class CrystalName(BaseRecord):
    """A crystal of the package and the normal of its surface; its bands are computed when they are asked for."""

    name: str
    normal: tuple[float, ...]

    @property
    def spectrum(self) -> BandSpectrum:
        """Spectra of its bands, without those imaginary modes of which the card tells."""
        with catch_warnings():
            simplefilter("ignore", ValidityWarning)
            return phonon_spectrum(self.name, self.normal)


@frozen(eq=False, kw_only=True)
class InterfaceSide(BaseRecord):
    """One side in all the forms in which a model may ask for it; None where a form is not known."""

    name: str
    solid: Solid | None = None
    elastic: Elastic | None = None
    fluid: Fluid | None = None
    spectrum: Phonons | None = None  # a dispersion fit, a sheet, bands of a file, or any other `Phonons`
    # a crystal whose bands are in the package
    crystal: CrystalName | None = field(default=None, kw_only=True)
    # all that the library knows, where the side is one of its materials
    material: Material | None = field(default=None, kw_only=True)
    remark: str = field(default="", kw_only=True)  # what a reader has to know of what the name was taken for
    # of the material that a file holds, for what was measured on it; empty where it is none, and for other sides
    library_name: str = field(default="", kw_only=True)

    @property
    def phonons(self) -> Phonons | None:
        """The fullest spectrum that counts all modes: bands before Debye's; None where only a stiffness is known."""
        return next((form for form in (self.spectrum, self.solid, self.fluid) if form is not None), None)

    @property
    def electrons(self) -> Electrons | None:
        """Electrons and lattice of a metal at room temperature; None where they are not known in full."""
        return None if self.material is None else material_electrons(self.material)

    @property
    def is_metal(self) -> bool:
        """Whether the library knows that electrons carry heat here."""
        return self.material is not None and self.material.metal.conductivity is not None

    @property
    def isotropic(self) -> Solid | Fluid | None:
        """The side as a medium whose waves are alike in all directions."""
        return self.solid or self.fluid

    @property
    def medium(self) -> Elastic | Fluid | None:
        """The side with its stiffness, or as a liquid."""
        return self.elastic or self.fluid


@frozen(eq=False)
class SideNeeds(BaseRecord):
    """What a model asks of two sides: in words, the form of each that it takes, and what else the pair has to be."""

    text: str
    form: Callable[[InterfaceSide], Any] = field(repr=False)
    pair: Callable[[InterfaceSide, InterfaceSide], bool] = field(default=lambda left, right: True, repr=False)
    fullest: bool = False  # True where the fullest spectra of both sides are taken

    def fits(self, left: InterfaceSide, right: InterfaceSide) -> bool:
        """Whether two sides have that."""
        return self.form(left) is not None and self.form(right) is not None and self.pair(left, right)


def liquid_and_solid(left: InterfaceSide, right: InterfaceSide) -> tuple[Fluid, Solid] | None:
    """The liquid and the solid that meet, whichever side the liquid stands on."""
    for wet, dry in ((left, right), (right, left)):
        if wet.fluid is not None and dry.solid is not None:
            return wet.fluid, dry.solid
    return None


def is_resolved(left: InterfaceSide, right: InterfaceSide) -> bool:
    """Whether there is a crystal, and no liquid too light for plane waves to be resolved."""
    one, other = left.medium, right.medium
    crystal = (left.elastic or right.elastic) is not None
    return crystal and one is not None and other is not None and not is_light_liquid(one, other)


def full_spectrum(side: InterfaceSide) -> InterfaceSide | None:
    """A side of the library with full bands."""
    return side if side.material is not None and isinstance(side.spectrum, BandSpectrum) else None


def softer_side(left: InterfaceSide, right: InterfaceSide) -> tuple[BandSpectrum, Material]:
    """Bands and material of the side whose spectrum ends first."""
    sides = [(side.spectrum, side.material) for side in (left, right)]
    known = [(s, m) for s, m in sides if isinstance(s, BandSpectrum) and m is not None]
    return min(known, key=lambda one: one[0].edges[-1])


def contact_electrons(left: InterfaceSide, right: InterfaceSide) -> Electrons | None:
    """Electrons of the metal side; None where they are not known, and between metals, which electrons cross."""
    if left.is_metal == right.is_metal:
        return None
    return (left if left.is_metal else right).electrons


SideDescription = str | PathLike[str] | Material | StructureCrystal | Phonons


def describe_side(
    side: SideDescription, normal: ArrayLike = DEFAULT_NORMAL, forces: FiniteDisplacements | None = None
) -> InterfaceSide:
    """Return all that is known of one side.

    It may be a record (`Solid`, `Elastic`, `Fluid`, `Bands`, `Sheet`, ...), a `Material`, a library name, the path of
    a phonopy file (a name with a folder or an ending such as ``.yaml``) or of the folder that it is in (a name that
    ends with ``/``), a structure file (``.cif``, ``POSCAR``, ...), whose forces come from a calculator, or a material
    of a file of your own, ``mine.toml:brass``.  The normal (3,), Cartesian in the axes of the crystal, is for names
    and files; a record has its own.
    """
    if isinstance(side, (str, PathLike)):
        if own := _MATERIAL_FILE.fullmatch(fspath(side)):
            return _side_of_material(_material_of_file(own["file"], own["name"]), normal)
        if is_structure_file(side):
            side = crystal_from_file(side, forces)
        elif is_path(side):
            bands = Bands.from_phonopy(side, normal)
            return _side_of_crystal(bands.crystal, bands)
        elif isinstance(side, str):
            return _side_of_name(side.strip(), normal)
        else:
            raise InputError(
                f"{fspath(side)!r} is no phonopy file and no structure file by its name: expected .yaml, .cif, "
                "POSCAR, ..."
            )
    if isinstance(side, Material):
        return _side_of_material(side, normal)
    if isinstance(side, StructureCrystal):
        return _side_of_crystal(side.crystal, side.spectrum(normal), side.remark)
    if isinstance(side, Solid):
        return InterfaceSide(name=side.name, solid=side)
    if isinstance(side, Elastic):
        return InterfaceSide(name=side.name, elastic=side)
    if isinstance(side, Fluid):
        return InterfaceSide(name=side.name, fluid=side)
    if isinstance(side, Phonons):  # pyright: ignore[reportUnnecessaryIsInstance]
        return InterfaceSide(name=side.name, spectrum=side)
    raise InputError(f"expected a solid, liquid, crystal, bands, name or path for a side, got {side!r:.60}")


def describe_sides(
    left: SideDescription,
    right: SideDescription,
    normals: tuple[ArrayLike, ArrayLike] = (DEFAULT_NORMAL, DEFAULT_NORMAL),
    forces: FiniteDisplacements | None = None,
) -> tuple[InterfaceSide, InterfaceSide]:
    """Return both sides, with full bands where either has them and as Debye solids where one has not.

    A side that is nothing but a spectrum (bands of a file, a sheet) is met by the bands of the other where the package
    has them.
    """
    sides = describe_side(left, normals[0], forces), describe_side(right, normals[1], forces)
    if all(side.spectrum is not None or side.crystal is not None for side in sides):
        one, other = (side if side.crystal is None else evolve(side, spectrum=side.crystal.spectrum) for side in sides)
        return one, other
    return sides


def warn_of_states(sides: Sequence[InterfaceSide], temperature: ArrayLike, *, stacklevel: int = 2) -> None:
    """Warn of temperatures (nT,) K at which a side is not what its numbers describe, or nothing is solid.

    Warns
    -----
    ValidityWarning
        in one line for each side
    """
    hottest = float(temperatures(temperature).max(initial=0.0))
    for side in sides:
        if side.material is not None:
            warn_of_state(side.material, temperature, stacklevel=stacklevel + 1)
        unknown = side.material is None or side.material.state.high is None
        if unknown and side.fluid is None and hottest > HIGHEST_MELTING_POINT:
            warn(
                f"{side.name} at {hottest:.6g} K: no solid is known to stay solid above {HIGHEST_MELTING_POINT:g} K",
                ValidityWarning,
                stacklevel=stacklevel + 1,
            )


def _side_of_name(name: str, normal: ArrayLike) -> InterfaceSide:
    """Return what the library, the sheets and the crystals with bands know under a name."""
    if name.casefold() in _TUBE_NAMES:
        raise InputError(
            f"{name}: heat leaves a tube along a line or at its ends, not through a plane; take graphene or graphite "
            "for its wall, or molecular dynamics of the tube itself",
            hint=Hint(python="`nanotube_in_matrix` builds one in a crystal"),
        )
    try:
        found = material(name)
    except InputError:
        card = find_card(name)
        if card is not None and card.usable:
            crystal = _crystal_name(name, normal)
            return InterfaceSide(name=name, crystal=crystal, spectrum=crystal.spectrum, remark=_crystal_remark(name))
        if name in LIBRARY_SHEETS:
            remark = (
                f"{name} is a single layer, here as if welded to the other side; the model of a sheet on a solid "
                "holds it by van der Waals bonds"
            )
            return InterfaceSide(name=name, spectrum=LIBRARY_SHEETS[name], remark=remark)
        if card is not None:
            raise InputError(
                f"{name} has no usable phonons: {card.reason}; give density and speeds of sound in a file of materials"
            ) from None
        raise
    card, remark = find_card(found.name), _crystal_remark(found.name) or name_remark(name)
    if card is None:
        return evolve(_side_of_material(found, normal), remark=remark)
    if not card.usable:
        remark = f"{found.name}: a Debye solid, as its bands are refused: {card.reason}"
        return evolve(_side_of_material(found, normal), remark=remark)
    if "unstable at 0 K" in card.reason:
        remark = f"{found.name}: {card.reason}"
    return evolve(_side_of_material(found, normal), crystal=_crystal_name(found.name, normal), remark=remark)


def name_remark(name: str) -> str:
    """Return what a name is taken for that may mean another material too; empty for most."""
    return _AMBIGUOUS_NAMES.get(name.strip().casefold(), "")


def _crystal_name(name: str, normal: ArrayLike) -> CrystalName:
    return CrystalName(name, tuple(np.asarray(normal, dtype=float).tolist()))


def _crystal_remark(name: str) -> str:
    if name not in LIBRARY_SHEETS:
        return ""
    return f"{name} is taken for the bulk crystal, not for its single layer"


def side_name(side: SideDescription) -> str:
    """Return the name of a side; the phonons of a structure file are not computed for it."""
    if isinstance(side, (str, PathLike)) and is_structure_file(side):
        return structure_name(side)
    if isinstance(side, StructureCrystal):
        return side.crystal.name
    return describe_side(side).name


def is_path(side: str | PathLike[str]) -> bool:
    """Tell a path from the name of a material."""
    path = Path(side)
    if is_structure_file(path) or _MATERIAL_FILE.fullmatch(fspath(side)) or fspath(side).endswith(_SEPARATORS):
        return True
    if isinstance(side, PathLike) and path.is_dir():
        return True
    return len(path.parts) > 1 or {".yaml", ".yml"} & {suffix.lower() for suffix in path.suffixes} != set()


def _material_of_file(file: str, name: str | None) -> Material:
    """A material of a file of the user's own; its name may be left out where there is one alone."""
    found = load_materials(file)
    names = ", ".join(found)
    if name is None:
        if len(found) != 1:
            raise InputError(f"{file} holds {len(found)} materials ({names:.200}): name one, as in {file}:NAME")
        return next(iter(found.values()))
    if name not in found:
        raise InputError(f"no material {name!r:.60} in {file}: it holds {names:.200}")
    return found[name]


def library_name(crystal: Crystal) -> str:
    """Return which material of the library a crystal is, by its elements, its density and the atoms of its primitive
    cell; empty where it is none of them, or may be several.  The name of the crystal decides among those alone.
    """
    found = {one.name: one for one in map(material, materials()) if _is_same_substance(crystal, one)}
    size = crystal.masses.size
    atoms = {name: primitive_atoms(name) if has_phonons(name) else size for name in found}
    exact = [name for name in found if atoms[name] == size]
    likely = exact or [name for name in found if size % atoms[name] == 0]  # a phonopy file may have a larger cell
    called = crystal.name.casefold()
    own = [name for name in likely if called in (word.casefold() for word in (name, *found[name].aliases))]
    names = own or likely
    return names[0] if len(names) == 1 else ""


def _is_same_substance(crystal: Crystal, one: Material) -> bool:
    """Whether elements and density are those of a crystal of the library."""
    if one.symmetry in (GLASS_SYMMETRY, LIQUID_SYMMETRY):
        return False
    if abs(crystal.density / one.density.value - 1) > _SAME_DENSITY:
        return False
    parts, weights = composition(one.formula), atomic_masses()
    if not parts.keys() <= weights.keys():
        return False
    masses = np.array([weights[element] for element in parts]) * m_u
    apart = np.abs(crystal.masses[:, None] / masses - 1)
    if (apart.min(axis=1) > _SAME_MASS).any():
        return False
    counts = np.bincount(apart.argmin(axis=1), minlength=len(parts))
    share = np.array(list(parts.values()))
    return bool(counts.all() and (np.abs(counts / counts.sum() - share / share.sum()) < _SAME_SHARE).all())


def _side_of_crystal(crystal: Crystal, spectrum: Phonons, remark: str = "") -> InterfaceSide:
    known, remarks = library_name(crystal), [remark] if remark else []
    if not known:
        remarks.append(f"{crystal.name}: no material of the library by its elements and density")
    elif known != crystal.name:
        remarks.append(f"{crystal.name} holds {known}, by its elements and density")
    side = InterfaceSide(name=crystal.name, spectrum=spectrum, library_name=known, remark="; ".join(remarks))
    found = material(known) if known else None
    return side if found is None or found.metal.conductivity is None else evolve(side, material=found)


def _side_of_material(found: Material, normal: ArrayLike) -> InterfaceSide:
    solid, elastic, fluid = found.media(normal)
    return InterfaceSide(name=found.name, solid=solid, elastic=elastic, fluid=fluid, material=found)
