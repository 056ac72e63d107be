"""Records of devices that files hold, with the units of their fields."""

from kapitza.device.blocks import Inset, Layout
from kapitza.device.courses import Periodic, Pulses, Steady, Step
from kapitza.device.description import Box, ConductivityLaw, Device, HeatSource
from kapitza.device.elements import Body, Cooled, Heated, Held
from kapitza.device.elements_solve import BodyTemperatures, BoundaryJump
from kapitza.device.elements_split import Contact, SplitMesh
from kapitza.device.grid import BoxGrid
from kapitza.device.meshes import Mesh
from kapitza.device.network import Cauer, Foster
from kapitza.device.result import DeviceTemperatures, Response, TemperatureField
from kapitza.device.setup import Plane
from kapitza.device.shapes import Disc, GaussianSpot, HeatMap, Rectangle
from kapitza.device.split_field import SplitField
from kapitza.device.volumes_solve import Fields

DEVICE_TYPES: tuple[type, ...] = (
    Body,
    BodyTemperatures,
    BoundaryJump,
    Box,
    BoxGrid,
    Cauer,
    ConductivityLaw,
    Contact,
    Cooled,
    Device,
    DeviceTemperatures,
    Disc,
    Fields,
    Foster,
    GaussianSpot,
    Heated,
    HeatMap,
    HeatSource,
    Held,
    Inset,
    Layout,
    Mesh,
    Periodic,
    Plane,
    Pulses,
    Rectangle,
    Response,
    SplitField,
    SplitMesh,
    Steady,
    Step,
    TemperatureField,
)

DEVICE_UNITS: dict[str, dict[str, str]] = {
    "Body": {"conductivity": "W m^-1 K^-1", "conductance": "W m^-2 K^-1", "heat": "W m^-3", "reference": "K"},
    "BodyTemperatures": {
        "temperature": "K",
        "flows": "W, W m^-1 in two dimensions",
        "entered": "as flows",
        "steps": "1",
    },
    "BoundaryJump": {
        "points": "m",
        "area": "m^2, m in two dimensions",
        "one": "K",
        "other": "K",
        "flux": "W m^-2",
        "flow": "W, W m^-1 in two dimensions",
    },
    "Box": {"width": "m", "depth": "m"},
    "BoxGrid": {"x": "m", "y": "m", "z": "m"},
    "Cauer": {"resistance": "K W^-1", "capacity": "J K^-1"},
    "ConductivityLaw": {"temperature": "K", "value": "W m^-1 K^-1"},
    "Contact": {"regions": "1", "facets": "1", "one": "1", "other": "1"},
    "Cooled": {"coefficient": "W m^-2 K^-1", "temperature": "K"},
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
    "Fields": {"rise": "K", "regions": "1", "top": "K", "bottom": "K", "escaped": "W"},
    "Foster": {"resistance": "K W^-1", "time": "s", "error": "K W^-1", "first": "s", "last": "s"},
    "GaussianSpot": {"x": "m", "y": "m", "radius": "m", "radius_y": "m"},
    "Heated": {"flux": "W m^-2"},
    "HeatMap": {"value": "any, scaled by the power", "x": "m", "y": "m"},
    "HeatSource": {"power": "W"},
    "Held": {"temperature": "K"},
    "Inset": {"top": "m", "conductance": "W m^-2 K^-1", "contacts": "W m^-2 K^-1", "power": "W"},
    "Layout": {"sides": "W m^-2 K^-1", "uncertain": "SI"},
    "Mesh": {"points": "m", "cells": "1", "region": "1", "faces": "1"},
    "Periodic": {"frequency": "Hz"},
    "Plane": {"depth": "m"},
    "Pulses": {"period": "s", "width": "s", "count": "1"},
    "Rectangle": {"x": "m", "y": "m"},
    "Response": {"time": "s", "peak": "K", "average": "K"},
    "SplitField": {"points": "m", "triangles": "1", "value": "K", "region": "1", "places": "m", "flux": "W m^-2"},
    "SplitMesh": {"unknowns": "1", "point": "1"},
    "Steady": {},
    "Step": {},
    "TemperatureField": {"x": "m", "y": "m", "value": "K", "at": "m"},
}
