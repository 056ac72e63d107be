"""Absolute interface resistance from temperature maps of a lamella, powers, and what is known besides."""

from kapitza.measure.lamella.description import Lamella as Lamella
from kapitza.measure.lamella.description import LamellaMap as LamellaMap
from kapitza.measure.lamella.description import LamellaMaterial as LamellaMaterial
from kapitza.measure.lamella.description import LamellaPlane as LamellaPlane
from kapitza.measure.lamella.description import RelativeThickness as RelativeThickness
from kapitza.measure.lamella.design import LamellaDesign as LamellaDesign
from kapitza.measure.lamella.design import design_lamella as design_lamella
from kapitza.measure.lamella.design import draw_numbers as draw_numbers
from kapitza.measure.lamella.design import draw_thickness as draw_thickness
from kapitza.measure.lamella.design import simulate_lamella as simulate_lamella
from kapitza.measure.lamella.fit import LamellaFit as LamellaFit
from kapitza.measure.lamella.fit import fit_lamella as fit_lamella
