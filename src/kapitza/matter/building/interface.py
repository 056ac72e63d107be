"""One way to a junction: what the two sides are says how they are joined."""

from typing import Any, overload

import numpy as np

from kapitza.errors import InputError
from kapitza.matter.building.contacts import ContactSprings, continued_junction, spring_junction
from kapitza.matter.building.disorder import Disorder
from kapitza.matter.building.layers import mass_junction
from kapitza.matter.building.matching import MAX_MATCH_STRAIN
from kapitza.matter.building.mixed_junction import MixingRule, SiteMixing, junction_from_crystals
from kapitza.matter.building.relaxed_junction import JunctionPlan, build_junction
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import Junction, Lead
from kapitza.matter.potentials.force_field import ForceField
from kapitza.matter.structure import Structure


@overload
def junction(
    left: str | Structure,
    right: str | Structure,
    forces: str | ForceField,
    *,
    layers: int | None = ...,
    limit: float = ...,
    supercell: tuple[int, int] = ...,
    disorder: Disorder | None = ...,
) -> Junction: ...
@overload
def junction(
    left: Crystal,
    right: Crystal,
    forces: MixingRule = ...,
    *,
    layers: int | None = ...,
    limit: float = ...,
    supercell: tuple[int, int] = ...,
    disorder: Disorder | None = ...,
) -> Junction: ...
@overload
def junction(
    left: Lead, right: Lead, forces: ContactSprings, *, limit: float = ..., sheet: Crystal | None = ...
) -> Junction: ...
@overload
def junction(left: Lead, right: Lead, *, limit: float = ...) -> Junction: ...
def junction(
    left: Any,
    right: Any,
    forces: Any = None,
    *,
    layers: int | None = None,
    limit: float = MAX_MATCH_STRAIN,
    supercell: tuple[int, int] = (1, 1),
    disorder: Disorder | None = None,
    sheet: Crystal | None = None,
) -> Junction:
    """Join two crystals at a plane, with the choices that most junctions need.

    Parameters
    ----------
    left, right : the sides, both of one kind.  Names or structures relax in a potential; crystals with force constants
        join site by site; leads touch by springs, differ in their masses alone, or each goes on onto the atoms of the
        other
    forces : the name of a published potential or a force field for names and structures; "mean" (the default),
        "left" or "right" for crystals; springs per area for leads, none where only the masses differ or where the mean
        of both crystals' forces is to hold across the plane
    layers : principal layers of the device on either side; None: as many as the forces need
    limit : largest strain with which the right side is fitted to the left one
    supercell : repeats of the cell in the plane, for disorder
    disorder : what is random; None: a sharp interface
    sheet : between leads that touch by springs, or None

    Raises
    ------
    InputError
        for sides of two kinds, forces or choices that these sides have no use for, and as the functions named below

    Notes
    -----
    All choices of each kind: `build_junction`, `junction_from_crystals`, `spring_junction`, `continued_junction`,
    `mass_junction`.
    """
    kinds = [str if isinstance(side, Structure) else type(side) for side in (left, right)]
    plain = layers is None and disorder is None and supercell == (1, 1)
    common: Any = {"limit": limit, "supercell": supercell, "disorder": disorder}
    if kinds == [str, str] and isinstance(forces, str | ForceField) and sheet is None:
        return build_junction(JunctionPlan(left=left, right=right, potential=forces, layers=layers, **common))
    if kinds == [Crystal, Crystal] and (forces is None or isinstance(forces, str)) and sheet is None:
        mixing: Any = "mean" if forces is None else forces
        sites = SiteMixing(mixing=mixing, layers=2 if layers is None else layers, **common)
        return junction_from_crystals(left, right, sites=sites)
    if kinds == [Lead, Lead] and isinstance(forces, ContactSprings) and plain:
        return spring_junction(left, right, forces, sheet=sheet, limit=limit)
    if kinds == [Lead, Lead] and forces is None and plain and sheet is None:
        blocks = ("periods", "step", "shifts", "onsite", "hop")
        if all(np.array_equal(getattr(left, name), getattr(right, name)) for name in blocks):
            return mass_junction(left, left.masses, right.masses)
        return continued_junction(left, right, limit=limit)
    raise InputError(
        f"no junction of {type(left).__name__} and {type(right).__name__} with forces {forces!r:.60}: wanted two "
        "names or structures and a potential, two crystals (and 'mean', 'left' or 'right'), two leads and springs "
        "(and a sheet), or two leads alone; layers, supercell and disorder are not for leads"
    )
