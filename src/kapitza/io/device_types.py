"""Records of devices that files hold, with the units of their fields."""

from kapitza.device.courses import Periodic, Pulses, Steady, Step
from kapitza.device.description import Box, ConductivityLaw, Device, HeatSource
from kapitza.device.network import Cauer, Foster
from kapitza.device.result import DeviceTemperatures, Response, TemperatureField
from kapitza.device.setup import Plane
from kapitza.device.shapes import Disc, GaussianSpot, HeatMap, Rectangle

DEVICE_TYPES: tuple[type, ...] = (
    Box,
    Cauer,
    ConductivityLaw,
    Device,
    DeviceTemperatures,
    Disc,
    Foster,
    GaussianSpot,
    HeatMap,
    HeatSource,
    Periodic,
    Plane,
    Pulses,
    Rectangle,
    Response,
    Steady,
    Step,
    TemperatureField,
)

DEVICE_UNITS: dict[str, dict[str, str]] = {
    "Box": {"width": "m", "depth": "m"},
    "Cauer": {"resistance": "K W^-1", "capacity": "J K^-1"},
    "ConductivityLaw": {"temperature": "K", "value": "W m^-1 K^-1"},
    "Device": {"sink": "K", "coefficient": "W m^-2 K^-1", "top_coefficient": "W m^-2 K^-1", "uncertain": "SI"},
    "DeviceTemperatures": {
        "sink": "K",
        "power": "W",
        "peak": "K",
        "place": "m",
        "average": "K",
        "drop": "K",
        "sensitivity": "K",
        "contribution": "K",
        "kelvin": "K",
        "iterations": "1",
    },
    "Disc": {"x": "m", "y": "m", "radius": "m"},
    "Foster": {"resistance": "K W^-1", "time": "s", "error": "K W^-1", "first": "s", "last": "s"},
    "GaussianSpot": {"x": "m", "y": "m", "radius": "m", "radius_y": "m"},
    "HeatMap": {"value": "any, scaled by the power", "x": "m", "y": "m"},
    "HeatSource": {"power": "W"},
    "Periodic": {"frequency": "Hz"},
    "Plane": {"depth": "m"},
    "Pulses": {"period": "s", "width": "s", "count": "1"},
    "Rectangle": {"x": "m", "y": "m"},
    "Response": {"time": "s", "peak": "K", "average": "K"},
    "Steady": {},
    "Step": {},
    "TemperatureField": {"x": "m", "y": "m", "value": "K", "at": "m"},
}
