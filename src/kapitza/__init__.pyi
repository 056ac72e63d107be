"""Types of the public names; `__init__.py` loads them on first use."""

from kapitza import core as core
from kapitza import device as device
from kapitza import errors as errors
from kapitza import io as io
from kapitza import matter as matter
from kapitza import measure as measure
from kapitza import plot as plot
from kapitza import run as run
from kapitza import simulate as simulate
from kapitza import theory as theory
from kapitza import units as units
from kapitza.core.average import mean_transmission as mean_transmission
from kapitza.core.conductance import DROPS as DROPS
from kapitza.core.conductance import (
    Conductance as Conductance,
)
from kapitza.core.conductance import (
    in_series as in_series,
)
from kapitza.core.flow import (
    finite_conductance as finite_conductance,
)
from kapitza.core.flow import (
    flux as flux,
)
from kapitza.core.flow import (
    noise as noise,
)
from kapitza.core.flow import (
    onsager as onsager,
)
from kapitza.core.flow import (
    power as power,
)
from kapitza.core.modal import ModalTransmission as ModalTransmission
from kapitza.core.phonons import Phonons as Phonons
from kapitza.core.populations import Occupation as Occupation
from kapitza.core.profile import (
    Jump as Jump,
)
from kapitza.core.profile import (
    Profile as Profile,
)
from kapitza.core.stack import (
    Boundary as Boundary,
)
from kapitza.core.stack import (
    Layer as Layer,
)
from kapitza.core.stack import (
    Stack as Stack,
)
from kapitza.core.transmission import Transmission as Transmission
from kapitza.device.admittance import admittance as admittance
from kapitza.device.admittance import impedance as impedance
from kapitza.device.beams import Beams as Beams
from kapitza.device.blocks import Inset as Inset
from kapitza.device.blocks import Layout as Layout
from kapitza.device.composite import critical_radius as critical_radius
from kapitza.device.composite import hasselman_johnson as hasselman_johnson
from kapitza.device.composite import sized_composite as sized_composite
from kapitza.device.courses import Periodic as Periodic
from kapitza.device.courses import Pulses as Pulses
from kapitza.device.courses import Steady as Steady
from kapitza.device.courses import Step as Step
from kapitza.device.cryogenic import Bath as Bath
from kapitza.device.cryogenic import Superconductor as Superconductor
from kapitza.device.cryogenic import steady_states as steady_states
from kapitza.device.description import Box as Box
from kapitza.device.description import ConductivityLaw as ConductivityLaw
from kapitza.device.description import Device as Device
from kapitza.device.description import HeatSource as HeatSource
from kapitza.device.dynamics import device_response as device_response
from kapitza.device.dynamics import step_response as step_response
from kapitza.device.dynamics import time_span as time_span
from kapitza.device.elements import Body as Body
from kapitza.device.elements import Cooled as Cooled
from kapitza.device.elements import Heated as Heated
from kapitza.device.elements import Held as Held
from kapitza.device.elements_adjoint import body_sensitivities as body_sensitivities
from kapitza.device.elements_cell import cell_conductivity as cell_conductivity
from kapitza.device.elements_solve import BodyTemperatures as BodyTemperatures
from kapitza.device.elements_solve import BoundaryJump as BoundaryJump
from kapitza.device.elements_solve import body_temperatures as body_temperatures
from kapitza.device.elements_view import body_flux as body_flux
from kapitza.device.elements_view import body_hottest as body_hottest
from kapitza.device.elements_view import body_means as body_means
from kapitza.device.elements_view import body_section as body_section
from kapitza.device.ellipsoids import Ellipsoid as Ellipsoid
from kapitza.device.ellipsoids import nan_composite as nan_composite
from kapitza.device.exchanger import Exchanger as Exchanger
from kapitza.device.exchanger import Stream as Stream
from kapitza.device.exchanger import exchange as exchange
from kapitza.device.fields import plane_map as plane_map
from kapitza.device.fields import section_map as section_map
from kapitza.device.film import film_across as film_across
from kapitza.device.film import film_along as film_along
from kapitza.device.free_paths import FreePaths as FreePaths
from kapitza.device.free_paths import fitted_paths as fitted_paths
from kapitza.device.grid import BoxGrid as BoxGrid
from kapitza.device.grid import automatic_grid as automatic_grid
from kapitza.device.layout_numbers import scaled_layout as scaled_layout
from kapitza.device.lengths import boundary_lengths as boundary_lengths
from kapitza.device.memory import Cell as Cell
from kapitza.device.memory import reset as reset
from kapitza.device.meshes import Mesh as Mesh
from kapitza.device.meshes import curved as curved
from kapitza.device.meshes_shapes import ball_mesh as ball_mesh
from kapitza.device.meshes_shapes import box_mesh as box_mesh
from kapitza.device.meshes_shapes import inclined_mesh as inclined_mesh
from kapitza.device.miniband import miniband as miniband
from kapitza.device.nanocomposite import nanocomposite as nanocomposite
from kapitza.device.nanotube import Tube as Tube
from kapitza.device.nanotube import nanotube_composite as nanotube_composite
from kapitza.device.network import Cauer as Cauer
from kapitza.device.network import Foster as Foster
from kapitza.device.network import cauer as cauer
from kapitza.device.network import foster as foster
from kapitza.device.optimise import coolest as coolest
from kapitza.device.polycrystal import polycrystal as polycrystal
from kapitza.device.quench import runaway as runaway
from kapitza.device.result import DeviceTemperatures as DeviceTemperatures
from kapitza.device.result import Response as Response
from kapitza.device.result import TemperatureField as TemperatureField
from kapitza.device.setup import Plane as Plane
from kapitza.device.setup import Setup as Setup
from kapitza.device.shapes import Disc as Disc
from kapitza.device.shapes import GaussianSpot as GaussianSpot
from kapitza.device.shapes import HeatMap as HeatMap
from kapitza.device.shapes import Rectangle as Rectangle
from kapitza.device.spin_pillar import Pillar as Pillar
from kapitza.device.spin_pillar import SpinContact as SpinContact
from kapitza.device.spin_pillar import SpinLayer as SpinLayer
from kapitza.device.spin_pillar import spin_profile as spin_profile
from kapitza.device.split_field import SplitField as SplitField
from kapitza.device.superlattice import series_superlattice as series_superlattice
from kapitza.device.superlattice import superlattice as superlattice
from kapitza.device.superlattice import with_conductance as with_conductance
from kapitza.device.temperatures import device_temperatures as device_temperatures
from kapitza.device.thermoelectric import Leg as Leg
from kapitza.device.thermoelectric import Property as Property
from kapitza.device.thermoelectric import best_length as best_length
from kapitza.device.thermoelectric import best_state as best_state
from kapitza.device.thermoelectric import figure_of_merit as figure_of_merit
from kapitza.device.thermoelectric import leg_state as leg_state
from kapitza.device.thomson import best_solved as best_solved
from kapitza.device.thomson import solved_leg as solved_leg
from kapitza.device.uncertainty import sampled_peaks as sampled_peaks
from kapitza.device.volumes_adjoint import field_sensitivities as field_sensitivities
from kapitza.device.volumes_solve import Fields as Fields
from kapitza.device.volumes_solve import layout_temperatures as layout_temperatures
from kapitza.device.volumes_solve import solve_fields as solve_fields
from kapitza.device.volumes_step import field_response as field_response
from kapitza.device.volumes_step import field_span as field_span
from kapitza.device.volumes_step import field_step as field_step
from kapitza.device.volumes_uncertainty import left_out as left_out
from kapitza.device.volumes_uncertainty import uncertain_field as uncertain_field
from kapitza.device.volumes_view import field_flux as field_flux
from kapitza.device.volumes_view import field_jumps as field_jumps
from kapitza.device.volumes_view import field_section as field_section
from kapitza.device.volumes_view import region_means as region_means
from kapitza.errors import (
    ConvergenceError as ConvergenceError,
)
from kapitza.errors import (
    DataError as DataError,
)
from kapitza.errors import (
    InputError as InputError,
)
from kapitza.errors import (
    KapitzaError as KapitzaError,
)
from kapitza.errors import (
    MissingEngine as MissingEngine,
)
from kapitza.errors import (
    ValidityWarning as ValidityWarning,
)
from kapitza.io.applications import read_cell as read_cell
from kapitza.io.applications import read_cryo as read_cryo
from kapitza.io.applications import read_exchanger as read_exchanger
from kapitza.io.applications import read_leg as read_leg
from kapitza.io.curves import read_table as read_table
from kapitza.io.device import read_device as read_device
from kapitza.io.device_blocks import read_layout as read_layout
from kapitza.io.device_measured import read_temperatures as read_temperatures
from kapitza.io.device_mesh import BodyFile as BodyFile
from kapitza.io.device_mesh import read_body as read_body
from kapitza.io.device_needs import device_needs as device_needs
from kapitza.io.device_write import write_boundaries as write_boundaries
from kapitza.io.device_write import write_spice as write_spice
from kapitza.io.domains import read_domain as read_domain
from kapitza.io.eels.hyperspy import from_hyperspy as from_hyperspy
from kapitza.io.eels.hyperspy import map_to_hyperspy as map_to_hyperspy
from kapitza.io.eels.hyperspy import to_hyperspy as to_hyperspy
from kapitza.io.eels.read import read_eels as read_eels
from kapitza.io.eels_files import read_experiment as read_experiment
from kapitza.io.eels_files import read_modes as read_modes
from kapitza.io.eels_write import write_eels as write_eels
from kapitza.io.films import read_films as read_films
from kapitza.io.lifetimes import read_lifetimes as read_lifetimes
from kapitza.io.md_files import read_gpumd as read_gpumd
from kapitza.io.md_files import read_lammps as read_lammps
from kapitza.io.md_runs import RunFile as RunFile
from kapitza.io.md_runs import read_run as read_run
from kapitza.io.md_studies import run_deck as run_deck
from kapitza.io.md_studies import size_study as size_study
from kapitza.io.meshes import read_mesh as read_mesh
from kapitza.io.meshes import write_body as write_body
from kapitza.io.potential_files import read_potential as read_potential
from kapitza.io.results import (
    load as load,
)
from kapitza.io.results import (
    save as save,
)
from kapitza.io.samples import read_sample as read_sample
from kapitza.io.vtk import write_fields as write_fields
from kapitza.matter.bands import Bands as Bands
from kapitza.matter.dispersion import (
    Dispersion as Dispersion,
)
from kapitza.matter.dispersion import (
    born_von_karman as born_von_karman,
)
from kapitza.matter.elastic import Elastic as Elastic
from kapitza.matter.electrons import (
    Electrons as Electrons,
)
from kapitza.matter.electrons import (
    SpinChannels as SpinChannels,
)
from kapitza.matter.electrons import (
    metal as metal,
)
from kapitza.matter.fluid import Fluid as Fluid
from kapitza.matter.lammps import crystal_from_lammps as crystal_from_lammps
from kapitza.matter.library import (
    elastic as elastic,
)
from kapitza.matter.library import (
    fluid as fluid,
)
from kapitza.matter.library import (
    load_materials as load_materials,
)
from kapitza.matter.library import (
    material as material,
)
from kapitza.matter.library import (
    materials as materials,
)
from kapitza.matter.library import (
    solid as solid,
)
from kapitza.matter.library import (
    source as source,
)
from kapitza.matter.material import Material as Material
from kapitza.matter.sheet import (
    Sheet as Sheet,
)
from kapitza.matter.sheet import (
    sheet as sheet,
)
from kapitza.matter.solid import Solid as Solid
from kapitza.measure.catalogue import (
    Measurement as Measurement,
)
from kapitza.measure.catalogue import (
    interfaces as interfaces,
)
from kapitza.measure.catalogue import (
    measured as measured,
)
from kapitza.measure.compare import (
    Comparison as Comparison,
)
from kapitza.measure.compare import (
    compare as compare,
)
from kapitza.measure.compare import (
    compare_all as compare_all,
)
from kapitza.measure.design import Design as Design
from kapitza.measure.design import design as design
from kapitza.measure.device_fit import fit_device as fit_device
from kapitza.measure.device_fit import fitted_device as fitted_device
from kapitza.measure.device_fit import predicted_temperatures as predicted_temperatures
from kapitza.measure.device_flux import BoundaryFlux as BoundaryFlux
from kapitza.measure.device_flux import boundary_flux as boundary_flux
from kapitza.measure.device_flux import sampled_flux as sampled_flux
from kapitza.measure.device_measured import MeasuredTemperatures as MeasuredTemperatures
from kapitza.measure.device_measured import map_temperatures as map_temperatures
from kapitza.measure.device_measured import patch_temperatures as patch_temperatures
from kapitza.measure.device_measured import section_temperatures as section_temperatures
from kapitza.measure.device_measured import temperatures_on as temperatures_on
from kapitza.measure.eels.contrast import SideContrast as SideContrast
from kapitza.measure.eels.contrast import side_contrast as side_contrast
from kapitza.measure.eels.dark import with_dark as with_dark
from kapitza.measure.eels.dark import with_dark_count as with_dark_count
from kapitza.measure.eels.design import EelsDesign as EelsDesign
from kapitza.measure.eels.design import design_eels as design_eels
from kapitza.measure.eels.fit import fit_spectra as fit_spectra
from kapitza.measure.eels.gradients import gradients as gradients
from kapitza.measure.eels.gradients import isotherm as isotherm
from kapitza.measure.eels.gradients import line_profile as line_profile
from kapitza.measure.eels.interface import InterfaceMode as InterfaceMode
from kapitza.measure.eels.interface import asymmetry as asymmetry
from kapitza.measure.eels.interface import interface_components as interface_components
from kapitza.measure.eels.interface import summed as summed
from kapitza.measure.eels.jump import InterfaceJump as InterfaceJump
from kapitza.measure.eels.jump import fit_jump as fit_jump
from kapitza.measure.eels.layout import best_dwell as best_dwell
from kapitza.measure.eels.map import Flag as Flag
from kapitza.measure.eels.map import TemperatureMap as TemperatureMap
from kapitza.measure.eels.mixture import mixed_temperatures as mixed_temperatures
from kapitza.measure.eels.mixture import mixture_test as mixture_test
from kapitza.measure.eels.model import Mode as Mode
from kapitza.measure.eels.model import SpectrumModel as SpectrumModel
from kapitza.measure.eels.plan import EelsExperiment as EelsExperiment
from kapitza.measure.eels.plan import cramer_rao as cramer_rao
from kapitza.measure.eels.plan import planned_spectra as planned_spectra
from kapitza.measure.eels.populations import counted_occupation as counted_occupation
from kapitza.measure.eels.populations import departure_power as departure_power
from kapitza.measure.eels.populations import departure_test as departure_test
from kapitza.measure.eels.populations import occupations as occupations
from kapitza.measure.eels.resistance import AbsoluteResistance as AbsoluteResistance
from kapitza.measure.eels.resistance import Known as Known
from kapitza.measure.eels.resistance import absolute_resistance as absolute_resistance
from kapitza.measure.eels.shortcuts import area_temperature as area_temperature
from kapitza.measure.eels.shortcuts import channel_temperature as channel_temperature
from kapitza.measure.eels.shortcuts import log_ratio_temperature as log_ratio_temperature
from kapitza.measure.eels.shortcuts import window_temperature as window_temperature
from kapitza.measure.eels.simulate import simulate_spectra as simulate_spectra
from kapitza.measure.eels.spectrum import SpectrumImage as SpectrumImage
from kapitza.measure.eels.spread import PointSpread as PointSpread
from kapitza.measure.eels.spread import delocalisation as delocalisation
from kapitza.measure.eels.survey import SpectrumSurvey as SpectrumSurvey
from kapitza.measure.eels.survey import survey_spectra as survey_spectra
from kapitza.measure.eels.turn import turned as turned
from kapitza.measure.eels.vacuum import zero_loss as zero_loss
from kapitza.measure.experiment import Curve as Curve
from kapitza.measure.experiment import Experiment as Experiment
from kapitza.measure.fit import Fit as Fit
from kapitza.measure.fit import Free as Free
from kapitza.measure.fit import Prior as Prior
from kapitza.measure.fit import Tie as Tie
from kapitza.measure.fit import fit as fit
from kapitza.measure.fit import told as told
from kapitza.measure.phase import Lockin as Lockin
from kapitza.measure.phase import auto_phase as auto_phase
from kapitza.measure.phase import find_echo as find_echo
from kapitza.measure.profiles import check_flux as check_flux
from kapitza.measure.profiles import correlated as correlated
from kapitza.measure.profiles import scan_exclusion as scan_exclusion
from kapitza.measure.report import report as report
from kapitza.measure.sampling import sample as sample
from kapitza.measure.sensitivity import Sensitivity as Sensitivity
from kapitza.measure.sensitivity import sensitivity as sensitivity
from kapitza.measure.series import ThicknessSeries as ThicknessSeries
from kapitza.measure.series import shared as shared
from kapitza.measure.simulate import simulate_curve as simulate_curve
from kapitza.measure.simulate import varied as varied
from kapitza.measure.spectral_data import SeenResistances as SeenResistances
from kapitza.measure.spectral_data import StackConductances as StackConductances
from kapitza.measure.spectral_inverse import Smoothness as Smoothness
from kapitza.measure.spectral_inverse import SpectralEstimate as SpectralEstimate
from kapitza.measure.spectral_inverse import spectral_transmission as spectral_transmission
from kapitza.measure.spectral_range import attained_spectra as attained_spectra
from kapitza.measure.thermoreflectance.cooling import FilmCooling as FilmCooling
from kapitza.measure.thermoreflectance.cooling import LaserFlash as LaserFlash
from kapitza.measure.thermoreflectance.cooling import ParticleCooling as ParticleCooling
from kapitza.measure.thermoreflectance.fdtr import Fdtr as Fdtr
from kapitza.measure.thermoreflectance.steady import Raman as Raman
from kapitza.measure.thermoreflectance.steady import SteadyState as SteadyState
from kapitza.measure.thermoreflectance.tdtr import Tdtr as Tdtr
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega as ThreeOmega
from kapitza.run.store import Store as Store
from kapitza.run.work import run_units as run_units
from kapitza.simulate.boltzmann.angular import AngularShare as AngularShare
from kapitza.simulate.boltzmann.angular import share_by_angle as share_by_angle
from kapitza.simulate.boltzmann.carriers import Carriers as Carriers
from kapitza.simulate.boltzmann.carriers import band_carriers as band_carriers
from kapitza.simulate.boltzmann.carriers import gray_carriers as gray_carriers
from kapitza.simulate.boltzmann.contacts import Crossing as Crossing
from kapitza.simulate.boltzmann.contacts import Wall as Wall
from kapitza.simulate.boltzmann.fourier import fourier_temperature as fourier_temperature
from kapitza.simulate.boltzmann.geometry import Domain as Domain
from kapitza.simulate.boltzmann.monte_carlo import Flights as Flights
from kapitza.simulate.boltzmann.monte_carlo import detector_temperature as detector_temperature
from kapitza.simulate.boltzmann.monte_carlo import monte_carlo as monte_carlo
from kapitza.simulate.boltzmann.rates import Rates as Rates
from kapitza.simulate.boltzmann.resistances import film_conductivities as film_conductivities
from kapitza.simulate.boltzmann.resistances import fourier_error as fourier_error
from kapitza.simulate.boltzmann.resistances import fourier_scale as fourier_scale
from kapitza.simulate.boltzmann.resistances import interface_conductances as interface_conductances
from kapitza.simulate.boltzmann.resistances import superlattice_conductivities as superlattice_conductivities
from kapitza.simulate.boltzmann.resistances import superlattice_resistances as superlattice_resistances
from kapitza.simulate.boltzmann.resistances import wall_slip as wall_slip
from kapitza.simulate.boltzmann.response import frequency_response as frequency_response
from kapitza.simulate.boltzmann.response import heated as heated
from kapitza.simulate.boltzmann.response import seen_resistance as seen_resistance
from kapitza.simulate.boltzmann.response import transient_profiles as transient_profiles
from kapitza.simulate.boltzmann.response import transient_response as transient_response
from kapitza.simulate.boltzmann.result import Transport as Transport
from kapitza.simulate.boltzmann.shapes import Block as Block
from kapitza.simulate.boltzmann.shapes import HotSpot as HotSpot
from kapitza.simulate.boltzmann.shapes import Prism as Prism
from kapitza.simulate.boltzmann.spectra import carriers as carriers
from kapitza.simulate.boltzmann.spectra import group_edges as group_edges
from kapitza.simulate.boltzmann.spectra import group_frequencies as group_frequencies
from kapitza.simulate.boltzmann.transport import Film as Film
from kapitza.simulate.boltzmann.transport import transport as transport
from kapitza.simulate.boltzmann.transport_map import Detected as Detected
from kapitza.simulate.boltzmann.transport_map import TransportMap as TransportMap
from kapitza.simulate.md.approach import Approach as Approach
from kapitza.simulate.md.approach import ApproachFit as ApproachFit
from kapitza.simulate.md.approach import approach_conductance as approach_conductance
from kapitza.simulate.md.ase_engine import calculated_field as calculated_field
from kapitza.simulate.md.ase_engine import from_ase as from_ase
from kapitza.simulate.md.build import mass_interface as mass_interface
from kapitza.simulate.md.build import stretched as stretched
from kapitza.simulate.md.campaign import ObserverMaker as ObserverMaker
from kapitza.simulate.md.campaign import Replica as Replica
from kapitza.simulate.md.campaign import longer_course as longer_course
from kapitza.simulate.md.campaign import replicas as replicas
from kapitza.simulate.md.campaign import size_runs as size_runs
from kapitza.simulate.md.closed_analysis import equilibrium_conductances as equilibrium_conductances
from kapitza.simulate.md.closed_analysis import relaxation_conductances as relaxation_conductances
from kapitza.simulate.md.closed_runs import ApproachRun as ApproachRun
from kapitza.simulate.md.closed_runs import EquilibriumRun as EquilibriumRun
from kapitza.simulate.md.closed_runs import approach_run as approach_run
from kapitza.simulate.md.closed_runs import equilibrium_run as equilibrium_run
from kapitza.simulate.md.engine import Baths as Baths
from kapitza.simulate.md.expansion import Expanded as Expanded
from kapitza.simulate.md.expansion import expanded as expanded
from kapitza.simulate.md.fake import Fake as Fake
from kapitza.simulate.md.field import Commands as Commands
from kapitza.simulate.md.field import Field as Field
from kapitza.simulate.md.fields import lennard_jones as lennard_jones
from kapitza.simulate.md.fields import stillinger_weber as stillinger_weber
from kapitza.simulate.md.fields import tersoff as tersoff
from kapitza.simulate.md.fluctuations import FluctuationFit as FluctuationFit
from kapitza.simulate.md.fluctuations import Fluctuations as Fluctuations
from kapitza.simulate.md.fluctuations import fluctuation_conductance as fluctuation_conductance
from kapitza.simulate.md.gpumd_text import gpumd_deck as gpumd_deck
from kapitza.simulate.md.green_kubo import GreenKubo as GreenKubo
from kapitza.simulate.md.green_kubo import converted as converted
from kapitza.simulate.md.green_kubo import green_kubo as green_kubo
from kapitza.simulate.md.harmonic_current import HarmonicCurrent as HarmonicCurrent
from kapitza.simulate.md.harmonic_current import constants_across as constants_across
from kapitza.simulate.md.harmonic_current import langevin_transmission as langevin_transmission
from kapitza.simulate.md.harmonic_system import harmonic_field as harmonic_field
from kapitza.simulate.md.harmonic_system import harmonic_system as harmonic_system
from kapitza.simulate.md.heat_analysis import HeatSpectrum as HeatSpectrum
from kapitza.simulate.md.heat_analysis import ModeTemperatures as ModeTemperatures
from kapitza.simulate.md.heat_analysis import heat_spectrum as heat_spectrum
from kapitza.simulate.md.heat_analysis import mode_temperatures_of as mode_temperatures_of
from kapitza.simulate.md.heat_run import HeatRun as HeatRun
from kapitza.simulate.md.heat_run import Looks as Looks
from kapitza.simulate.md.heat_run import heat_run as heat_run
from kapitza.simulate.md.interface_analysis import InterfaceAnalysis as InterfaceAnalysis
from kapitza.simulate.md.interface_analysis import body_modes as body_modes
from kapitza.simulate.md.jump import Nemd as Nemd
from kapitza.simulate.md.jump import analysed as analysed
from kapitza.simulate.md.jump import replicated as replicated
from kapitza.simulate.md.junctions import junction_system as junction_system
from kapitza.simulate.md.lammps_deck import lammps_deck as lammps_deck
from kapitza.simulate.md.lammps_engine import Lammps as Lammps
from kapitza.simulate.md.layer_spectra import EnergyDensity as EnergyDensity
from kapitza.simulate.md.layer_spectra import LayerSpectra as LayerSpectra
from kapitza.simulate.md.layer_spectra import spectral_temperatures as spectral_temperatures
from kapitza.simulate.md.modal import ModeEnergies as ModeEnergies
from kapitza.simulate.md.modal import slab_modes as slab_modes
from kapitza.simulate.md.nemd import Conservation as Conservation
from kapitza.simulate.md.nemd import conservation as conservation
from kapitza.simulate.md.nemd import nemd as nemd
from kapitza.simulate.md.own import Own as Own
from kapitza.simulate.md.packet import packet_state as packet_state
from kapitza.simulate.md.packet import side_energies as side_energies
from kapitza.simulate.md.plane import DifferencePlane as DifferencePlane
from kapitza.simulate.md.plane import PlanePower as PlanePower
from kapitza.simulate.md.plane import ase_energies as ase_energies
from kapitza.simulate.md.protocol import Course as Course
from kapitza.simulate.md.record import Record as Record
from kapitza.simulate.md.rectification import rectification as rectification
from kapitza.simulate.md.sizes import SizeSeries as SizeSeries
from kapitza.simulate.md.sizes import size_series as size_series
from kapitza.simulate.md.soft import Slabs as Slabs
from kapitza.simulate.md.soft import Soft as Soft
from kapitza.simulate.md.soft import liquid_on_solid as liquid_on_solid
from kapitza.simulate.md.soft import nanotube_in_matrix as nanotube_in_matrix
from kapitza.simulate.md.soft import slabs_of as slabs_of
from kapitza.simulate.md.soft import with_slabs as with_slabs
from kapitza.simulate.md.soft_runs import LiquidRun as LiquidRun
from kapitza.simulate.md.soft_runs import TubeRun as TubeRun
from kapitza.simulate.md.soft_runs import liquid_run as liquid_run
from kapitza.simulate.md.soft_runs import tube_run as tube_run
from kapitza.simulate.md.spectral_flux import SpectralFlux as SpectralFlux
from kapitza.simulate.md.spectrum import SpectralCurrent as SpectralCurrent
from kapitza.simulate.md.system import System as System
from kapitza.simulate.md.thermal import thermal_state as thermal_state
from kapitza.simulate.md.transmissions import classical_transmission as classical_transmission
from kapitza.simulate.md.transmissions import elastic_split as elastic_split
from kapitza.simulate.md.transmissions import spectral_conductance as spectral_conductance
from kapitza.theory.acoustics import Interlayer as Interlayer
from kapitza.theory.agf.conductance import agf as agf
from kapitza.theory.agf.decimated import agf_decimated as agf_decimated
from kapitza.theory.agf.interface_modes import InterfaceModes as InterfaceModes
from kapitza.theory.agf.interface_modes import interface_modes as interface_modes
from kapitza.theory.agf.local import LocalDensity as LocalDensity
from kapitza.theory.agf.local import local_density as local_density
from kapitza.theory.agf.local_current import LocalCurrent as LocalCurrent
from kapitza.theory.agf.local_current import local_current as local_current
from kapitza.theory.agf.modes import Conversion as Conversion
from kapitza.theory.agf.modes import accumulation as accumulation
from kapitza.theory.agf.modes import agf_modes as agf_modes
from kapitza.theory.agf.modes import mode_conversion as mode_conversion
from kapitza.theory.agf.scattering import eigenchannels as eigenchannels
from kapitza.theory.agf.scattering import scattering as scattering
from kapitza.theory.agf.scattering import specularity as specularity
from kapitza.theory.agf.wave_packet import wave_packet as wave_packet
from kapitza.theory.amm import amm as amm
from kapitza.theory.angles import (
    amm_modes as amm_modes,
)
from kapitza.theory.angles import (
    angle_map as angle_map,
)
from kapitza.theory.angles import (
    critical_angles as critical_angles,
)
from kapitza.theory.bodies import is_path as is_path
from kapitza.theory.chain import (
    Chain as Chain,
)
from kapitza.theory.chain import (
    chain_transmission as chain_transmission,
)
from kapitza.theory.contact import (
    RoughContact as RoughContact,
)
from kapitza.theory.contact import (
    pressed_contact as pressed_contact,
)
from kapitza.theory.contact import (
    spot_resistance as spot_resistance,
)
from kapitza.theory.dmm import dmm as dmm
from kapitza.theory.electrons import electron_phonon as electron_phonon
from kapitza.theory.grain import (
    boundary_specularity as boundary_specularity,
)
from kapitza.theory.grain import (
    effective_conductivity as effective_conductivity,
)
from kapitza.theory.grain import (
    grain_boundary as grain_boundary,
)
from kapitza.theory.grain import (
    twist_boundary as twist_boundary,
)
from kapitza.theory.inelastic import (
    capped as capped,
)
from kapitza.theory.inelastic import (
    capped_conductance as capped_conductance,
)
from kapitza.theory.inelastic import (
    capped_power as capped_power,
)
from kapitza.theory.khalatnikov import (
    Khalatnikov as Khalatnikov,
)
from kapitza.theory.khalatnikov import (
    khalatnikov as khalatnikov,
)
from kapitza.theory.khalatnikov import (
    rayleigh_speed as rayleigh_speed,
)
from kapitza.theory.knudsen import (
    Gas as Gas,
)
from kapitza.theory.knudsen import (
    gas as gas,
)
from kapitza.theory.knudsen import (
    gas_gap as gas_gap,
)
from kapitza.theory.knudsen import (
    phonon_slip as phonon_slip,
)
from kapitza.theory.knudsen import (
    temperature_jump as temperature_jump,
)
from kapitza.theory.layers import (
    ballistic_layers as ballistic_layers,
)
from kapitza.theory.layers import (
    thermalised_layers as thermalised_layers,
)
from kapitza.theory.limits import (
    elastic_limit as elastic_limit,
)
from kapitza.theory.limits import (
    inelastic_radiation_limit as inelastic_radiation_limit,
)
from kapitza.theory.limits import (
    radiation_limit as radiation_limit,
)
from kapitza.theory.limits import (
    specular_limit as specular_limit,
)
from kapitza.theory.models import (
    Estimate as Estimate,
)
from kapitza.theory.models import (
    Model as Model,
)
from kapitza.theory.models import (
    applicable as applicable,
)
from kapitza.theory.models import (
    model as model,
)
from kapitza.theory.models import (
    predict as predict,
)
from kapitza.theory.references import (
    citations as citations,
)
from kapitza.theory.references import (
    cite as cite,
)
from kapitza.theory.sheets import sheet_on_solid as sheet_on_solid
from kapitza.theory.specular import (
    mixed as mixed,
)
from kapitza.theory.specular import (
    rough as rough,
)
from kapitza.theory.spin import spin_kapitza as spin_kapitza
from kapitza.theory.three_phonon import (
    three_phonon as three_phonon,
)
from kapitza.theory.three_phonon import (
    three_phonon_conductance as three_phonon_conductance,
)

__version__: str
__all__: list[str]
from kapitza.io.junction import junction_from_options as junction_from_options
from kapitza.io.junction import read_junction as read_junction
from kapitza.io.moose import write_moose as write_moose
from kapitza.io.spectral_measured import read_spectral as read_spectral
from kapitza.matter.build import build_junction as build_junction
from kapitza.matter.build import configurations as configurations
from kapitza.matter.build import lead_mismatch as lead_mismatch
from kapitza.matter.contact_springs import Springs as Springs
from kapitza.matter.contact_springs import spring_junction as spring_junction
from kapitza.matter.crystal import Crystal as Crystal
from kapitza.matter.disorder import Disorder as Disorder
from kapitza.matter.engine import Engine as Engine
from kapitza.matter.engine import from_calculator as from_calculator
from kapitza.matter.extension import extended as extended
from kapitza.matter.harmonic import crystal_from_ase as crystal_from_ase
from kapitza.matter.harmonic import crystal_from_potential as crystal_from_potential
from kapitza.matter.junction import Junction as Junction
from kapitza.matter.junction import Lead as Lead
from kapitza.matter.layers import joined as joined
from kapitza.matter.layers import mass_junction as mass_junction
from kapitza.matter.loader import load_crystal as load_crystal
from kapitza.matter.matching import match_surfaces as match_surfaces
from kapitza.matter.mixing import junction_from_crystals as junction_from_crystals
from kapitza.matter.potentials import potential as potential
from kapitza.matter.potentials import potentials as potentials
from kapitza.matter.structure import Structure as Structure
from kapitza.matter.structure import structure as structure
from kapitza.matter.truncation import truncated as truncated
