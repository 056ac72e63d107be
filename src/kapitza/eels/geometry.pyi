"""Geometry of a scan: width of an edge and interfaces oblique to the beam or the scan."""

from kapitza.measure.eels.geometry import EdgeWidth as EdgeWidth
from kapitza.measure.eels.geometry import ObliqueJump as ObliqueJump
from kapitza.measure.eels.geometry import ObliquePlane as ObliquePlane
from kapitza.measure.eels.geometry import edge_width as edge_width
from kapitza.measure.eels.geometry import find_oblique_plane as find_oblique_plane
from kapitza.measure.eels.geometry import fit_oblique_jump as fit_oblique_jump
