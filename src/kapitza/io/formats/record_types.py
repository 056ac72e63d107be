"""Records that files can hold, with the units of their attributes."""

from collections.abc import Mapping
from types import MappingProxyType

from kapitza.applications.composite import CompositeConductivity
from kapitza.applications.cryogenic import OperatingPoint, RunawayCurrents
from kapitza.applications.exchanger import HeatExchange
from kapitza.applications.memory import ResetPulse
from kapitza.applications.superlattice import MinibandConductivity, SuperlatticeConductivity
from kapitza.applications.thermoelectric import LegState
from kapitza.device.description import (
    Box,
    ConductivityLaw,
    Device,
    HeatSource,
    PeriodicPower,
    PulsedPower,
    SteadyPower,
    StepPower,
)
from kapitza.device.elements.body import Body, Convection, FixedFlux, FixedTemperature
from kapitza.device.elements.interfaces import ContactFacets, SplitMesh
from kapitza.device.elements.mesh import Mesh
from kapitza.device.elements.steady import BodyTemperatures, BoundaryJump
from kapitza.device.elements.views import TriangulatedField
from kapitza.device.grid.box_grid import BoxGrid
from kapitza.device.grid.steady import GridTemperatures
from kapitza.device.layered.network import CauerNetwork, FosterNetwork
from kapitza.device.layout import Block, Layout
from kapitza.device.results import DeviceTemperatures, TemperatureField, TransientTemperatures
from kapitza.device.setup import Plane
from kapitza.device.shapes import Disc, GaussianSpot, HeatMap, Rectangle
from kapitza.simulate.md.analysis.sizes import SizeSeries
from kapitza.simulate.md.observers.interface_modes import ModeConductance
from kapitza.simulate.md.observers.spectral_flux import SpectralFlux
from kapitza.simulate.md.observers.velocity_spectra import VelocitySpectra
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.closed import ApproachRun, EquilibriumRun
from kapitza.simulate.md.runs.heat_flow import HeatRun

DEVICE_TYPES: tuple[type, ...] = (
    Body,
    BodyTemperatures,
    BoundaryJump,
    Box,
    BoxGrid,
    CauerNetwork,
    ConductivityLaw,
    ContactFacets,
    Convection,
    Device,
    DeviceTemperatures,
    Disc,
    GridTemperatures,
    FosterNetwork,
    GaussianSpot,
    FixedFlux,
    HeatMap,
    HeatSource,
    FixedTemperature,
    Block,
    Layout,
    Mesh,
    PeriodicPower,
    Plane,
    PulsedPower,
    Rectangle,
    TransientTemperatures,
    TriangulatedField,
    SplitMesh,
    SteadyPower,
    StepPower,
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
    "CauerNetwork": {"resistance": "K W^-1", "capacity": "J K^-1"},
    "ConductivityLaw": {"temperature": "K", "value": "W m^-1 K^-1"},
    "ContactFacets": {"regions": "1", "facets": "1", "one": "1", "other": "1"},
    "Convection": {"coefficient": "W m^-2 K^-1", "temperature": "K"},
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
    "GridTemperatures": {"rise": "K", "regions": "1", "top": "K", "bottom": "K", "escaped": "W"},
    "FosterNetwork": {"resistance": "K W^-1", "time": "s", "error": "K W^-1", "first": "s", "last": "s"},
    "GaussianSpot": {"x": "m", "y": "m", "radius": "m", "radius_y": "m"},
    "FixedFlux": {"flux": "W m^-2"},
    "HeatMap": {"value": "any, scaled by the power", "x": "m", "y": "m"},
    "HeatSource": {"power": "W"},
    "FixedTemperature": {"temperature": "K"},
    "Block": {"top": "m", "conductance": "W m^-2 K^-1", "contacts": "W m^-2 K^-1", "power": "W"},
    "Layout": {"sides": "W m^-2 K^-1", "uncertain": "SI"},
    "Mesh": {"points": "m", "cells": "1", "region": "1", "faces": "1"},
    "PeriodicPower": {"frequency": "Hz"},
    "Plane": {"depth": "m"},
    "PulsedPower": {"period": "s", "width": "s", "count": "1"},
    "Rectangle": {"x": "m", "y": "m"},
    "TransientTemperatures": {"time": "s", "peak": "K", "average": "K"},
    "TriangulatedField": {
        "points": "m",
        "triangles": "1",
        "value": "K",
        "region": "1",
        "places": "m",
        "flux": "W m^-2",
    },
    "SplitMesh": {"unknowns": "1", "point": "1"},
    "SteadyPower": {},
    "StepPower": {},
    "TemperatureField": {"x": "m", "y": "m", "value": "K", "at": "m"},
}


APPLICATION_TYPES: tuple[type, ...] = (
    CompositeConductivity,
    HeatExchange,
    LegState,
    MinibandConductivity,
    ResetPulse,
    RunawayCurrents,
    OperatingPoint,
    SuperlatticeConductivity,
)
APPLICATION_UNITS: Mapping[str, dict[str, str]] = MappingProxyType(
    {
        "CompositeConductivity": {
            "radius": "m",
            "value": "W m^-1 K^-1",
            "matrix": "W m^-1 K^-1",
            "particle": "W m^-1 K^-1",
            "conductance": "W m^-2 K^-1",
            "fraction": "1",
            "critical_radius": "m",
        },
        "HeatExchange": {
            "coefficient": "W m^-2 K^-1",
            "transfer_units": "1",
            "effectiveness": "1",
            "heat": "W",
            "hot_out": "K",
            "cold_out": "K",
            "boundary_share": "1",
        },
        "LegState": {
            "hot": "K",
            "cold": "K",
            "hot_junction": "K",
            "cold_junction": "K",
            "current": "A",
            "voltage": "V",
            "heat_in": "W",
            "heat_out": "W",
        },
        "MinibandConductivity": {"layers": "1", "value": "of the crystal of the mean mass", "free_path": "layers"},
        "ResetPulse": {
            "thermal_resistance": "K W^-1",
            "power": "W",
            "current": "A",
            "energy": "J",
            "mean_rise": "K",
            "boundary_share": "1",
            "current_without": "A",
        },
        "RunawayCurrents": {"holding": "A", "propagating": "A", "critical": "A", "quench": "A"},
        "OperatingPoint": {"temperature": "K", "flux": "W m^-2"},
        "SuperlatticeConductivity": {
            "period": "m",
            "series": "W m^-1 K^-1",
            "spectral": "W m^-1 K^-1",
            "ballistic": "W m^-1 K^-1",
            "share": "1",
            "temperature": "K",
        },
    }
)


MD_RECORD_TYPES: tuple[type, ...] = (
    ApproachRun,
    EquilibriumRun,
    HeatRun,
    ModeConductance,
    Record,
    SizeSeries,
    VelocitySpectra,
    SpectralFlux,
)

MD_UNITS: dict[str, dict[str, str]] = {
    "ApproachRun": {"length": "m", "density": "m^-3", "highest": "rad s^-1"},
    "EquilibriumRun": {"power": "W", "step": "s", "length": "m", "density": "m^-3", "highest": "rad s^-1"},
    "HeatRun": {"equilibrated": "s", "highest": "rad s^-1"},
    "ModeConductance": {
        "omega": "rad s^-1",
        "near": "1",
        "heat": "W m^-2",
        "heat_sigma": "W m^-2",
        "fluctuation": "W^2 s",
        "fluctuation_sigma": "W^2 s",
        "memory": "W^2",
        "interval": "s",
        "area": "m^2",
        "total": "W m^-2",
        "total_sigma": "W m^-2",
    },
    "Record": {
        "area": "m^2",
        "plane": "m",
        "heights": "m",
        "counts": "1",
        "roles": "0 free, 1 hot, 2 cold, 3 held",
        "block": "s",
        "temperature": "K",
        "heat": "J",
        "energy": "J",
        "power": "W",
        "timestep": "s",
        "ways": "1",
        "seed": "1",
    },
    "SizeSeries": {
        "length": "m",
        "bath": "m",
        "resistance": "m^2 K W^-1",
        "sigma": "m^2 K W^-1",
        "fitted": "m^2 K W^-1 and m^3 K W^-1",
        "mean": "m^2 K W^-1",
        "mean_sigma": "m^2 K W^-1",
        "covariance": "of fitted",
        "chi2": "1",
        "freedom": "1",
        "mean_chi2": "1",
    },
    "VelocitySpectra": {"omega": "rad s^-1", "place": "m or rad m^-1", "parts": "J s rad^-1", "counts": "1"},
    "SpectralFlux": {
        "omega": "rad s^-1",
        "parts": "W s rad^-1 m^-2",
        "direct": "W m^-2",
        "counts": "1",
        "motion": "J s rad^-1",
    },
}


TRANSPORT_UNITS: dict[str, dict[str, str]] = {
    "TransportMap": {
        "edges": "m",
        "region": "1",
        "base": "K",
        **dict.fromkeys(("temperature", "temperature_sigma", "lattice", "lattice_sigma"), "K"),
        **dict.fromkeys(("flux", "flux_sigma"), "W m^-2"),
        **dict.fromkeys(("power", "power_sigma", "spectrum", "spectrum_sigma"), "W, W m^-1 or W m^-2, by dimension"),
        **dict.fromkeys(("omega", "bounds"), "rad s^-1"),
        **dict.fromkeys(("modes", "modes_sigma"), "K"),
        **dict.fromkeys(("particles", "events", "seed"), "1"),
    },
    "SpectralEstimate": {
        "omega": "rad s^-1",
        **dict.fromkeys(("share", "covariance", "samples", "kernel", "residual", "slope", "whitening"), "1"),
        **dict.fromkeys(("limit", "left"), "W m^-2 K^-1"),
    },
}
