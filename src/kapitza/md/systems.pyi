"""Systems of atoms for molecular dynamics: interfaces, liquids, nanotubes and wave packets."""

from kapitza.simulate.md.systems.soft import SlabThermometer as SlabThermometer
from kapitza.simulate.md.systems.soft import SoftSystem as SoftSystem
from kapitza.simulate.md.systems.soft import liquid_on_solid as liquid_on_solid
from kapitza.simulate.md.systems.soft import liquid_slabs as liquid_slabs
from kapitza.simulate.md.systems.soft import nanotube_in_matrix as nanotube_in_matrix
