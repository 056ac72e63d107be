"""Atomistic Green's functions: from force constants to the transmission of a junction, mode by mode."""

from kapitza.theory.agf.buttiker_probes import ProbedJunction as ProbedJunction
from kapitza.theory.agf.buttiker_probes import ProbeSettings as ProbeSettings
from kapitza.theory.agf.buttiker_probes import anharmonic_conductance as anharmonic_conductance
from kapitza.theory.agf.conductance import ConvergedTransmission as ConvergedTransmission
from kapitza.theory.agf.conductance import agf_decimated as agf_decimated
from kapitza.theory.agf.conductance import refine_to_tolerance as refine_to_tolerance
from kapitza.theory.agf.relaxation import AnyRate as AnyRate
from kapitza.theory.agf.relaxation import BranchRates as BranchRates
from kapitza.theory.agf.relaxation import ModeVelocities as ModeVelocities
from kapitza.theory.agf.relaxation import RelaxationRate as RelaxationRate
from kapitza.theory.agf.relaxation import branch_conductivity as branch_conductivity
from kapitza.theory.agf.relaxation import mode_velocities as mode_velocities
from kapitza.theory.agf.relaxation import rate_for_conductivity as rate_for_conductivity
from kapitza.theory.agf.transmission import UnitRunner as UnitRunner
