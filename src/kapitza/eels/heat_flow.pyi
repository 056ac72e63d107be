"""Heat flow from spectra: apertures, reversal of the flow, sides of modes and maps of the local resistance."""

from kapitza.measure.eels.heat_flow.local_resistance import LocalResistance as LocalResistance
from kapitza.measure.eels.heat_flow.local_resistance import local_resistance as local_resistance
from kapitza.measure.eels.heat_flow.reversal import FlowReversal as FlowReversal
from kapitza.measure.eels.heat_flow.reversal import ZoneReversal as ZoneReversal
from kapitza.measure.eels.heat_flow.sides import ApertureDesign as ApertureDesign
from kapitza.measure.eels.heat_flow.sides import ModeSides as ModeSides
from kapitza.measure.eels.heat_flow.sides import OppositeOccupations as OppositeOccupations
from kapitza.measure.eels.heat_flow.sides import design_apertures as design_apertures
from kapitza.measure.eels.heat_flow.sides import mode_sides as mode_sides
from kapitza.measure.eels.heat_flow.sides import opposite_occupations as opposite_occupations
from kapitza.measure.eels.heat_flow.sides import simulate_aperture_pair as simulate_aperture_pair
