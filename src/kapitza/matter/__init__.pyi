"""What an interface is made of: solids, liquids, crystals, bands, electrons, the library of materials."""

from kapitza.matter.crystal import ModeLevels as ModeLevels
from kapitza.matter.electrons import Electrons as Electrons
from kapitza.matter.electrons import SpinChannels as SpinChannels
from kapitza.matter.electrons import metal as metal
from kapitza.matter.files.crystals import load_crystal as load_crystal
from kapitza.matter.files.structures import is_structure_file as is_structure_file
from kapitza.matter.isotropic import Dispersion as Dispersion
from kapitza.matter.isotropic import PolynomialBranch as PolynomialBranch
from kapitza.matter.isotropic import SineBranch as SineBranch
from kapitza.matter.isotropic import born_von_karman as born_von_karman
from kapitza.matter.junction import JunctionBlocks as JunctionBlocks
from kapitza.matter.library import Source as Source
from kapitza.matter.library import fluid as fluid
from kapitza.matter.library import load_materials as load_materials
from kapitza.matter.library import source as source
from kapitza.matter.material import Material as Material
from kapitza.matter.material import MetalProperties as MetalProperties
from kapitza.matter.material import PropertyTable as PropertyTable
from kapitza.matter.material import Quantity as Quantity
from kapitza.matter.material import warn_of_state as warn_of_state
from kapitza.matter.phonons import has_phonons as has_phonons
from kapitza.matter.sheet import Sheet as Sheet
from kapitza.matter.sheet import sheet as sheet
from kapitza.matter.structure import Structure as Structure
from kapitza.matter.structure import structure as structure
