"""Files of electron energy-loss spectroscopy: experiments, modes, lamellae and objects of HyperSpy."""

from kapitza.io.eels.experiments import EelsExperimentFile as EelsExperimentFile
from kapitza.io.eels.experiments import ModesFile as ModesFile
from kapitza.io.eels.experiments import read_eels_experiment as read_eels_experiment
from kapitza.io.eels.experiments import read_modes as read_modes
from kapitza.io.eels.hyperspy import map_to_hyperspy as map_to_hyperspy
from kapitza.io.eels.hyperspy import to_hyperspy as to_hyperspy
from kapitza.io.eels.lamella import LamellaFile as LamellaFile
from kapitza.io.eels.lamella import read_lamella as read_lamella
from kapitza.io.eels.lamella import read_matrix as read_matrix
from kapitza.io.eels.lamella import write_virtual_scan as write_virtual_scan
