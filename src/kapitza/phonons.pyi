"""Phonons of crystals by name: force constants with their cards, dispersion, and published frequencies."""

from kapitza.matter.band_spectrum import BandSpectrum as BandSpectrum
from kapitza.matter.files.phonon_facts import MeasuredPhonons as MeasuredPhonons
from kapitza.matter.files.phonon_facts import PolarConstants as PolarConstants
from kapitza.matter.files.phonon_facts import measured_phonons as measured_phonons
from kapitza.matter.files.phonon_facts import polar_constants as polar_constants
from kapitza.matter.files.structures import read_structure as read_structure
from kapitza.matter.lattice_conductivity import LatticeConductivity as LatticeConductivity
from kapitza.matter.lattice_conductivity import lattice_conductivity as lattice_conductivity
from kapitza.matter.lattice_conductivity import slack_conductivity as slack_conductivity
from kapitza.matter.phonons import PhononCard as PhononCard
from kapitza.matter.phonons import phonon_card as phonon_card
from kapitza.matter.phonons import phonon_crystal as phonon_crystal
from kapitza.matter.phonons import phonon_names as phonon_names
from kapitza.matter.phonons import phonon_spectrum as phonon_spectrum
from kapitza.matter.phonons import phonons as phonons
from kapitza.matter.potentials.finite_displacements import FiniteDisplacements as FiniteDisplacements
from kapitza.matter.potentials.structure_files import StructureCrystal as StructureCrystal
from kapitza.matter.potentials.structure_files import crystal_from_file as crystal_from_file
from kapitza.matter.zone.comparison import computed_frequencies as computed_frequencies
from kapitza.matter.zone.dispersion import PhononDispersion as PhononDispersion
from kapitza.matter.zone.dispersion import phonon_dispersion as phonon_dispersion
from kapitza.matter.zone.dispersion import polar_crystal as polar_crystal
from kapitza.matter.zone.polar_crystal import effective_charges as effective_charges
from kapitza.plot.phonons import draw_dispersion as draw_dispersion
from kapitza.plot.phonons import draw_states as draw_states
