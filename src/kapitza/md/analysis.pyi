"""Analysis of runs of molecular dynamics: sizes, modes, lifetimes, liquids and rectification."""

from kapitza.simulate.md.analysis.rectification import Rectification as Rectification
from kapitza.simulate.md.analysis.rectification import rectification as rectification
from kapitza.simulate.md.analysis.sizes import SizeLimit as SizeLimit
from kapitza.simulate.md.analysis.sizes import SizeSeries as SizeSeries
from kapitza.simulate.md.analysis.sizes import size_limit as size_limit
from kapitza.simulate.md.analysis.sizes import size_series as size_series
from kapitza.simulate.md.analysis.transmission import ElasticSplit as ElasticSplit
from kapitza.simulate.md.observers.mode_energies import ModeEnergies as ModeEnergies
from kapitza.simulate.md.observers.mode_energies import SlabModes as SlabModes
from kapitza.simulate.md.observers.mode_energies import slab_modes as slab_modes
from kapitza.simulate.md.observers.velocity_spectra import spectral_temperatures as spectral_temperatures
from kapitza.simulate.md.runs.closed import SizeStudy as SizeStudy
from kapitza.simulate.md.runs.lifetimes import RestingRun as RestingRun
from kapitza.simulate.md.runs.lifetimes import ThermalModes as ThermalModes
from kapitza.simulate.md.runs.lifetimes import thermal_modes as thermal_modes
from kapitza.simulate.md.runs.single import EnergyConservation as EnergyConservation
from kapitza.simulate.md.runs.single import energy_conservation as energy_conservation
from kapitza.simulate.md.runs.soft import LiquidResult as LiquidResult
from kapitza.simulate.md.runs.soft import analyse_liquid as analyse_liquid
