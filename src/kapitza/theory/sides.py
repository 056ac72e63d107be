"""What is known of one side of an interface, from a record, a name of the library or a file."""

from os import PathLike, fspath
from pathlib import Path

from attrs import frozen
from numpy.typing import ArrayLike

from kapitza.core.phonons import Phonons
from kapitza.errors import InputError
from kapitza.matter.bands import Bands
from kapitza.matter.elastic import Elastic
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.matter.library import material, materials
from kapitza.matter.material import Material
from kapitza.matter.sheet import LIBRARY_SHEETS
from kapitza.theory.plane_waves import is_light_liquid

DEFAULT_NORMAL = (0, 0, 1)


@frozen(eq=False)
class InterfaceSide:
    """One side, in all the forms in which a model may ask for it; None where a form is not known.

    Attributes
    ----------
    name : for legends and tables
    solid : isotropic Debye solid
    elastic : crystal with its stiffness and orientation
    fluid : liquid
    spectrum : full bands, a dispersion fit, a sheet, or any other `Phonons`
    """

    name: str
    solid: Solid | None = None
    elastic: Elastic | None = None
    fluid: Fluid | None = None
    spectrum: Phonons | None = None

    @property
    def phonons(self) -> Phonons | None:
        """The fullest spectrum that counts all modes: bands before Debye's; None where only a stiffness is known."""
        for form in (self.spectrum, self.solid, self.fluid):
            if form is not None:
                return form
        return None

    @property
    def isotropic(self) -> Solid | Fluid | None:
        """The side as a medium whose waves are alike in all directions."""
        return self.solid or self.fluid


SideDescription = str | PathLike[str] | Material | Phonons


def describe_side(side: SideDescription, normal: ArrayLike = DEFAULT_NORMAL) -> InterfaceSide:
    """Return all that is known of one side.

    Parameters
    ----------
    side : a record (`Solid`, `Elastic`, `Fluid`, `Bands`, `Sheet`, ...), a `Material`, a library name, or the path
        of a phonopy file (a name with a folder or an ending such as ``.yaml``)
    normal : (3,) Cartesian direction of the interface normal in the axes of the crystal, for names and files; a record
        has its own

    Raises
    ------
    InputError
        for an unknown name, something without phonons, or a direction that is none
    DataError
        for a file that is no phonopy file
    OSError
        for a file that cannot be read
    """
    if isinstance(side, (str, PathLike)) and is_path(side):
        bands = Bands.from_phonopy(side, normal)
        return InterfaceSide(bands.name, spectrum=bands)
    if isinstance(side, PathLike):
        raise InputError(f"{fspath(side)!r} is no phonopy file: expected a name that ends in .yaml")
    if isinstance(side, str) and side in LIBRARY_SHEETS and side not in materials():
        return InterfaceSide(side, spectrum=LIBRARY_SHEETS[side])
    if isinstance(side, (str, Material)):
        return _side_of_material(side if isinstance(side, Material) else material(side), normal)
    return _side_of_record(side)


def is_path(side: str | PathLike[str]) -> bool:
    """Tell a path from the name of a material."""
    path = Path(side)
    return len(path.parts) > 1 or {".yaml", ".yml"} & {suffix.lower() for suffix in path.suffixes} != set()


def _side_of_material(found: Material, normal: ArrayLike) -> InterfaceSide:
    """Return the forms that the numbers of a material allow."""
    solid = elastic = fluid = None
    if found.symmetry == "liquid":
        fluid = found.fluid()
    else:
        if found.longitudinal is not None and found.transverse is not None:
            solid = found.solid()
        if found.constants:
            elastic = found.elastic(normal)
    return InterfaceSide(found.name, solid, elastic, fluid)


def _side_of_record(side: object) -> InterfaceSide:
    """Return a record as the one form that it is."""
    if isinstance(side, Solid):
        return InterfaceSide(side.name, solid=side)
    if isinstance(side, Elastic):
        return InterfaceSide(side.name, elastic=side)
    if isinstance(side, Fluid):
        return InterfaceSide(side.name, fluid=side)
    if not isinstance(side, Phonons):
        raise InputError(f"expected a solid, liquid, crystal, bands, name or path for a side, got {side!r:.60}")
    return InterfaceSide(side.name, spectrum=side)


def side_phonons(side: InterfaceSide) -> Phonons:
    """Return the phonons of a side that has some."""
    found = side.phonons or side.elastic
    if found is None:
        raise InputError(f"{side.name} has no phonons that a model could use")
    return found


def isotropic_side(side: InterfaceSide) -> Solid | Fluid:
    """Return a side as an isotropic medium."""
    if side.isotropic is None:
        raise InputError(f"{side.name} is not known as an isotropic solid or liquid")
    return side.isotropic


def elastic_side(side: InterfaceSide) -> Elastic | Fluid:
    """Return a side with its stiffness, or as a liquid."""
    found = side.elastic or side.fluid
    if found is None:
        raise InputError(f"{side.name} has no stiffness here")
    return found


def have_phonons(left: InterfaceSide, right: InterfaceSide) -> bool:
    """Whether both sides have a spectrum."""
    return all((side.phonons or side.elastic) is not None for side in (left, right))


def are_isotropic(left: InterfaceSide, right: InterfaceSide) -> bool:
    """Whether both sides are known as isotropic media, one of them solid."""
    return left.isotropic is not None and right.isotropic is not None and (left.solid or right.solid) is not None


def are_solids(left: InterfaceSide, right: InterfaceSide) -> bool:
    """Whether both sides are known as isotropic solids."""
    return left.solid is not None and right.solid is not None


def are_crystals(left: InterfaceSide, right: InterfaceSide) -> bool:
    """Whether both sides have a stiffness, or one has and the other is a liquid."""
    sides = [side.elastic or side.fluid for side in (left, right)]
    return None not in sides and (left.elastic or right.elastic) is not None


def is_liquid_on_solid(left: InterfaceSide, right: InterfaceSide) -> bool:
    """Whether a liquid meets a solid."""
    return (left.fluid is not None and right.solid is not None) or (right.fluid is not None and left.solid is not None)


def are_refractive(left: InterfaceSide, right: InterfaceSide) -> bool:
    """Whether both sides have a stiffness, or one is a liquid heavy enough for plane waves to be resolved."""
    return are_crystals(left, right) and not is_light_liquid(elastic_side(left), elastic_side(right))
