"""Precision of temperatures and jumps that a dose of electrons allows."""

from kapitza.measure.eels.experiment import cramer_rao as cramer_rao
from kapitza.measure.eels.experiment import jump_sigma as jump_sigma
from kapitza.measure.eels.experiment import optimum_energy as optimum_energy
from kapitza.measure.eels.experiment import temperature_sigma as temperature_sigma
