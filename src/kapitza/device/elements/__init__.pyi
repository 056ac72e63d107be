"""Bodies of any shape solved by finite elements: meshes and the conductivity of a unit cell."""

from kapitza.device.elements.mesh import Simplex as Simplex
from kapitza.device.elements.mesh import quadratic_mesh as quadratic_mesh
from kapitza.device.elements.mesh import simplex_of as simplex_of
from kapitza.device.elements.mesh_generators import ball_mesh as ball_mesh
from kapitza.device.elements.mesh_generators import box_mesh as box_mesh
from kapitza.device.elements.mesh_generators import inclined_mesh as inclined_mesh
from kapitza.device.elements.steady import cell_conductivity as cell_conductivity
