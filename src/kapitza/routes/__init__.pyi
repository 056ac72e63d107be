"""Every route to the conductance of one interface, side by side."""

from kapitza.routes.collect import routes as routes
from kapitza.routes.result import Deviation as Deviation
from kapitza.routes.result import Route as Route
from kapitza.routes.result import RouteKind as RouteKind
from kapitza.routes.result import Routes as Routes
