"""Work on the crystals of a junction, and its cost by displaced atoms, before it is built: all steps without forces.

For the cost crystals stay as they are given and their leads have no forces, so that symmetry, supercells and the stack
are those of the work itself but for what relaxation changes.  How many evaluations a search for rest takes is a guess.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np

from kapitza.core.arrays import Array, IntArray
from kapitza.matter.building.interface_cell import crystal_counts, interface_counts, kept_cells, layered_crystal
from kapitza.matter.building.layers import crystal_lead, lead_from_force_constants
from kapitza.matter.building.stacking import SHIFTS_TRIED, AtomStack, Segment, continues_lattice, registry_layers
from kapitza.matter.junction import Lead
from kapitza.matter.potentials.displaced_forces import REST_TOLERANCE, planned_displacements
from kapitza.matter.potentials.force_constants import check_supercell, crystal_from_potential
from kapitza.matter.potentials.force_field import ForceField, PlannedForces
from kapitza.matter.potentials.relaxation import relax_cell, relax_once
from kapitza.matter.potentials.space_group import SpaceGroup, height_operations, space_group
from kapitza.matter.structure import Structure

_CELL_SEARCH = 30  # evaluations that a crystal takes to come to rest, about
_INTERFACE_SEARCH = 100  # the same of an interface
_PLACE_SEARCH = 15  # the same of a rigid crystal on another one


def structure_lead(one: Structure, force_field: ForceField) -> Lead:
    """Lead of a crystal at rest whose surface faces along z, with the fewest cells per principal layer."""
    return crystal_lead((crystal_from_potential if force_field.analytic else layered_crystal)(one, force_field))


class SegmentWork:
    """What is done with each crystal of a junction by forces, counted step by step."""

    def __init__(self, force_field: ForceField) -> None:
        self.force_field = force_field

    def rest(self, one: Structure, free: Literal["all", "normal"]) -> Structure:
        """Return a crystal at rest, relaxed once where forces come from displaced atoms."""
        self.force_field.next_step()
        if self.force_field.analytic:
            return relax_cell(one, self.force_field, free)
        return relax_once(one, self.force_field, partial(relax_cell, free=free), {"free": free})

    def lead(self, one: Structure) -> Lead:
        """Return the lead of a crystal at rest."""
        self.force_field.next_step()
        return structure_lead(one, self.force_field)


class Rehearsal(SegmentWork):
    """Goes through the steps of a junction and writes down which forces each of them needs."""

    def __init__(self, force_field: ForceField) -> None:
        super().__init__(force_field)
        self.plan: list[PlannedForces] = []

    def rest(self, one: Structure, free: Literal["all", "normal"]) -> Structure:
        """Return the crystal as it is."""
        what = f"{one.name} at rest" if free == "all" else f"{one.name} strained"
        self.plan.append(PlannedForces(what, _CELL_SEARCH, one.masses.size, guessed=True))
        return one

    def lead(self, one: Structure) -> Lead:
        """Return a lead of the right layers, whose force constants are those of no crystal."""
        atoms = one.masses.size
        self._add_displacements(one, crystal_counts(one, self.force_field), np.arange(atoms), space_group)
        kept = kept_cells(one, self.force_field)
        cells = np.array([[0, 0, -kept], [0, 0, 0], [0, 0, kept]])
        weak = np.array([-1.0, 2.0, -1.0])[:, None, None] * np.eye(3 * atoms)
        return lead_from_force_constants(
            one.name, one.lattice, one.masses, cells, weak, positions=one.positions, symbols=one.symbols
        )

    def places(self, segments: Sequence[Segment]) -> list[Array]:
        """Return no shift for each interface, the far one last."""
        for low, high in [*pairwise(segments), (segments[-1], segments[0])]:
            if not continues_lattice(low, high):
                layers = registry_layers(low, high, self.force_field)
                atoms = sum(n * len(one.places(0)) for n, one in zip(layers, (low, high), strict=True))
                what = f"{low.lead.name} under {high.lead.name}"
                self.plan.append(PlannedForces(what, SHIFTS_TRIED * _PLACE_SEARCH, atoms, guessed=True))
        return [np.zeros(3)] * len(segments)

    def interface(self, stack: AtomStack, periods: Array) -> None:
        """Write down what the atoms of the interface need."""
        atoms = stack.atoms
        self.plan.append(PlannedForces("interface at rest", _INTERFACE_SEARCH, atoms.masses.size, guessed=True))
        counts = interface_counts(periods, self.force_field)
        self._add_displacements(atoms, counts, np.flatnonzero(stack.inner), height_operations)

    def _add_displacements(
        self,
        one: Structure,
        counts: tuple[int, int, int],
        rows: IntArray,
        symmetry: Callable[[Structure, float], SpaceGroup],
    ) -> None:
        check_supercell(one, self.force_field, counts)
        moves = planned_displacements(one, counts, rows, symmetry(one, REST_TOLERANCE))
        self.plan.append(PlannedForces(f"{one.name} displaced", len(moves), one.masses.size * int(np.prod(counts))))
