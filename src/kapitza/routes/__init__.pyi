"""Every route to the conductance of one interface, side by side."""

from kapitza.routes.atomistic import make_junction as make_junction
from kapitza.routes.collect import routes as routes
from kapitza.routes.computed import ComputedInterface as ComputedInterface
from kapitza.routes.computed import computed_interface as computed_interface
from kapitza.routes.computed import list_computed_interfaces as list_computed_interfaces
from kapitza.routes.result import Deviation as Deviation
from kapitza.routes.result import Route as Route
from kapitza.routes.result import RouteKind as RouteKind
from kapitza.routes.result import Routes as Routes
