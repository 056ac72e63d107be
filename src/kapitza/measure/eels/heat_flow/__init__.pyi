"""What a heat flow does to electron spectra: both directions, both sides of a spectrum, local resistance."""

from kapitza.measure.eels.heat_flow.local_resistance import LocalResistance as LocalResistance
from kapitza.measure.eels.heat_flow.local_resistance import local_resistance as local_resistance
from kapitza.measure.eels.heat_flow.reversal import FlowReversal as FlowReversal
from kapitza.measure.eels.heat_flow.reversal import ZoneReversal as ZoneReversal
from kapitza.measure.eels.heat_flow.sides import ModeSides as ModeSides
from kapitza.measure.eels.heat_flow.sides import mode_sides as mode_sides
