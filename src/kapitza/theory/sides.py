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

DEFAULT_NORMAL = (0, 0, 1)


@frozen(eq=False)
class InterfaceSide:
    """One side in all the forms in which a model may ask for it; None where a form is not known."""

    name: str
    solid: Solid | None = None
    elastic: Elastic | None = None
    fluid: Fluid | None = None
    spectrum: Phonons | None = None  # full bands, a dispersion fit, a sheet, or any other `Phonons`

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

    @property
    def medium(self) -> Elastic | Fluid | None:
        """The side with its stiffness, or as a liquid."""
        return self.elastic or self.fluid


SideDescription = str | PathLike[str] | Material | Phonons


def describe_side(side: SideDescription, normal: ArrayLike = DEFAULT_NORMAL) -> InterfaceSide:
    """Return all that is known of one side.

    It may be a record (`Solid`, `Elastic`, `Fluid`, `Bands`, `Sheet`, ...), a `Material`, a library name, or the path
    of a phonopy file (a name with a folder or an ending such as ``.yaml``).  The normal (3,), Cartesian in the axes of
    the crystal, is for names and files; a record has its own.
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
