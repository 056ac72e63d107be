"""Which numbers behind the estimates of models nobody has read in their sources, and which were left out."""

from collections.abc import Iterable

from kapitza.matter.elastic import Elastic
from kapitza.matter.electrons import material_electrons
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.matter.library import material, materials
from kapitza.matter.material import Material
from kapitza.theory.models import Model, contact_electrons, find_model
from kapitza.theory.sides import InterfaceSide

# forms of a side that are made of the numbers of its material; the whole side where a model sorts out liquid and solid
_LIBRARY_FORMS = (Solid, Elastic, Fluid, InterfaceSide)


def unverified_remarks(models: Iterable[str], left: InterfaceSide, right: InterfaceSide) -> tuple[str, ...]:
    """Return one line for each side whose numbers these models took unverified; empty where all were read.

    Parameters
    ----------
    models : names of models of the register
    left, right : sides to which they were applied
    """
    chosen = [find_model(name) for name in models]
    found = ((side.name, _unverified_names(chosen, side, (left, right))) for side in (left, right))
    lines = (f"numbers of {name} are not verified: {', '.join(names)}" for name, names in found if names)
    return tuple(dict.fromkeys(lines))


def left_out_remarks(left: InterfaceSide, right: InterfaceSide) -> tuple[str, ...]:
    """Return a line for what an estimate misses because nobody has verified numbers: electrons and conductivities."""
    if left.crystal is None or right.crystal is None:
        return ()
    metal, other = (left, right) if left.is_metal else (right, left)
    lines = [] if other.is_metal else [_left_out_electrons(metal), *map(_left_out_conductivity, (left, right))]
    return tuple(dict.fromkeys(filter(None, lines)))


def _left_out_electrons(side: InterfaceSide) -> str:
    """Return what is said of a metal of the library whose electrons have numbers that nobody has verified."""
    full = _full_material(side)
    if side.electrons is not None or full is None or material_electrons(full) is None:
        return ""
    names = _unverified_electrons(full)
    verb = "is" if len(names) == 1 else "are"
    return f"electrons of {side.name} are left out: their {' and '.join(names)} {verb} not verified"


def _left_out_conductivity(side: InterfaceSide) -> str:
    """Return what is said of a crystal of the library without which there is no apparent conductance."""
    full = _full_material(side)
    if full is None or full.conductivity_table is None or material(side.name).conductivity_table is not None:
        return ""
    return f"the apparent conductance is left out: the conductivity of {side.name} is not verified"


def _full_material(side: InterfaceSide) -> Material | None:
    """Return the material of the library with all of its numbers; None for a side that is none of the library."""
    if side.material is None or side.name not in materials() or side.material != material(side.name):
        return None
    return material(side.name, unverified=True)


def _unverified_names(
    models: Iterable[Model], side: InterfaceSide, sides: tuple[InterfaceSide, InterfaceSide]
) -> list[str]:
    """Return what models took of a side without anybody having read it, in words."""
    if side.material is None:
        return []
    models = list(models)
    takes_waves = any(isinstance(one.sides.form(side), _LIBRARY_FORMS) for one in models)
    takes_electrons = side.is_metal and any(one.electrons for one in models) and contact_electrons(*sides) is not None
    waves = _unverified_waves(side.material) if takes_waves else []
    return waves + (_unverified_electrons(side.material) if takes_electrons else [])


def _unverified_waves(material: Material) -> list[str]:
    """Return which of density, atoms, elastic constants and speeds of sound are not verified."""
    speeds = () if material.speeds == "hill" else (material.longitudinal, material.transverse)
    groups = {
        "density": (material.density,),
        "number of atoms": (material.atoms,),
        "elastic constants": tuple(material.constants.values()),
        "speed of sound": speeds,
    }
    return [name for name, numbers in groups.items() if any(one is not None and not one.verified for one in numbers)]


def _unverified_electrons(material: Material) -> list[str]:
    """Return which of the conductivities and the coupling of the electrons are not verified."""
    metal = material.metal
    groups = {
        "electronic conductivity": metal.conductivity,
        "lattice conductivity": metal.lattice,
        "electron-phonon coupling": metal.coupling,
    }
    return [name for name, one in groups.items() if one is not None and not one.verified]
