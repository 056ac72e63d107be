"""Figures of electron energy-loss spectroscopy: maps, jumps, comparisons and heat flow."""

from kapitza.plot.eels.flow import aperture_design as aperture_design
from kapitza.plot.eels.flow import flow_reversal as flow_reversal
from kapitza.plot.eels.flow import local_resistance_map as local_resistance_map
from kapitza.plot.eels.flow import opposite_temperatures as opposite_temperatures
from kapitza.plot.eels.maps import eels_design as eels_design
from kapitza.plot.eels.maps import interface_jump as interface_jump
from kapitza.plot.eels.maps import interface_modes as interface_modes
from kapitza.plot.eels.maps import mode_classes as mode_classes
from kapitza.plot.eels.maps import mode_temperatures as mode_temperatures
from kapitza.plot.eels.maps import occupation_comparison as occupation_comparison
from kapitza.plot.eels.maps import temperature_map as temperature_map
