"""The two sides of a closed cell: lengths, densities, and estimates of their conductivities."""

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, positive
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.analysis.slabs import ThermalSlab
from kapitza.simulate.md.system import System
from kapitza.units import k_B

# Speed of sound of a crystal from its highest frequency and the room of an atom, v = w n^(-1/3) / 2π: within a tenth
# for the classical ballistic conductance c v / 4 of the Lennard-Jones crystal.
_SOUND_FACTOR = 2 * np.pi
_FREE_PATH_SPACINGS = (
    5.0  # rooms of an atom that a phonon flies: the conductivity of a Lennard-Jones crystal at a third of melting
)


@frozen(eq=False)
class HalfCells(BaseRecord):
    """The two sides of a cell with two boundaries."""

    length: Array = field(converter=positive)  # (2,) from a boundary to the middle of each side, m
    density: Array = field(converter=positive)  # (2,) atoms per volume, m⁻³

    def slabs(self, conductivity: Array, ballistic: Array) -> tuple[ThermalSlab, ThermalSlab]:
        """Both sides with the classical heat capacity 3 n kB."""
        left, right = (
            ThermalSlab(
                float(self.length[i]), 3 * k_B * float(self.density[i]), float(conductivity[i]), float(ballistic[i])
            )
            for i in (0, 1)
        )
        return left, right

    def ballistic(self, highest: Array) -> Array:
        """(2,) classical ballistic conductances c v / 4, estimated from the highest frequencies, W m⁻² K⁻¹."""
        room = self.density ** (-1 / 3)
        return 3 * k_B * self.density * highest * room / _SOUND_FACTOR / 4

    def conductivity(self, highest: Array) -> Array:
        """(2,) conductivities, estimated from the highest frequencies within a factor of 2 or so, W m⁻¹ K⁻¹."""
        return 4 / 3 * self.ballistic(highest) * _FREE_PATH_SPACINGS * self.density ** (-1 / 3)  # κ = c v ℓ/3


def halve_cell(system: System) -> HalfCells:
    """Sides of a cell that repeats along z."""
    if not system.periodic:
        raise InputError(f"{system.name}: this run needs a cell that repeats along z: build with periodic = True")
    box = float(system.lattice[2, 2])
    closing = (system.heights.min() + system.heights.max() - box) / 2  # midway between outermost layers, as the plane
    thick = np.array([system.plane - closing, box - (system.plane - closing)])
    right = int(system.right.sum())
    return HalfCells(thick / 2, np.array([system.right.size - right, right]) / thick / system.area)
