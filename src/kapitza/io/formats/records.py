"""Records as a tree of plain values and arrays, and back.

A record becomes ``{"type": name, "units": {...}, "fields": {...}}``; tuples, mappings and infinite numbers are told
apart by a key that starts with "$".  Only types of the table below are ever made: a file names data, never code.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import attrs
import numpy as np

from kapitza.core.conductance import Conductance
from kapitza.core.heat_flow import Onsager
from kapitza.core.modal import ModalTransmission
from kapitza.core.occupation import Occupation
from kapitza.core.profile import Jump, Profile
from kapitza.core.quadrature import FrequencyGrid
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.core.transmission import Transmission
from kapitza.errors import DataError, InputError, KapitzaError
from kapitza.io.formats.record_types import (
    APPLICATION_TYPES,
    APPLICATION_UNITS,
    DEVICE_TYPES,
    DEVICE_UNITS,
    MD_RECORD_TYPES,
    MD_UNITS,
    TRANSPORT_UNITS,
)
from kapitza.matter.crystal import Crystal
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.matter.junction import Junction, JunctionLayer, Lead
from kapitza.matter.polar import DipoleForces
from kapitza.matter.sheet import Sheet
from kapitza.measure.catalogue import Measurement
from kapitza.measure.compare import Comparison, Prediction, Published
from kapitza.measure.eels.contrast import SideContrast
from kapitza.measure.eels.jump import InterfaceJump
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.eels.resistance import AbsoluteResistance
from kapitza.measure.spectral_inversion import SpectralEstimate
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.layered.transport import Transport
from kapitza.simulate.boltzmann.monte_carlo.result import TransportMap
from kapitza.theory.agf.interface_modes import InterfaceModes
from kapitza.theory.agf.local_current import LocalCurrent
from kapitza.theory.agf.local_density import LocalDensity
from kapitza.theory.agf.modal_transmission import ModeConversion
from kapitza.theory.khalatnikov import Khalatnikov
from kapitza.theory.models import Estimate

RECORD_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *DEVICE_TYPES,
        *APPLICATION_TYPES,
        *MD_RECORD_TYPES,
        AbsoluteResistance,
        Boundary,
        Carriers,
        Comparison,
        Conductance,
        ModeConversion,
        Crystal,
        Estimate,
        Fluid,
        FrequencyGrid,
        InterfaceJump,
        InterfaceModes,
        Jump,
        Junction,
        Khalatnikov,
        Layer,
        Lead,
        LocalCurrent,
        LocalDensity,
        Measurement,
        ModalTransmission,
        Occupation,
        Onsager,
        PointSpread,
        DipoleForces,
        Prediction,
        Profile,
        Published,
        Sheet,
        SideContrast,
        JunctionLayer,
        Solid,
        SpectralEstimate,
        Stack,
        TemperatureMap,
        Transmission,
        Transport,
        TransportMap,
    )
}

# names of types in files of version 0.1.0, where they have another name today
_RENAMED_TYPES = MappingProxyType(
    {
        "Cauer": "CauerNetwork",
        "Contact": "ContactFacets",
        "Conversion": "ModeConversion",
        "Cooled": "Convection",
        "Exchange": "HeatExchange",
        "Fields": "GridTemperatures",
        "Foster": "FosterNetwork",
        "Grid": "FrequencyGrid",
        "Heated": "FixedFlux",
        "Held": "FixedTemperature",
        "Inset": "Block",
        "Miniband": "MinibandConductivity",
        "Periodic": "PeriodicPower",
        "Polar": "DipoleForces",
        "Pulses": "PulsedPower",
        "Reset": "ResetPulse",
        "Response": "TransientTemperatures",
        "Runaway": "RunawayCurrents",
        "Slab": "JunctionLayer",
        "Spectra": "VelocitySpectra",
        "SplitField": "TriangulatedField",
        "Steady": "SteadyPower",
        "SteadyState": "OperatingPoint",
        "Step": "StepPower",
    }
)

RECORD_UNITS: dict[str, dict[str, str]] = {
    **DEVICE_UNITS,
    **APPLICATION_UNITS,
    **MD_UNITS,
    **TRANSPORT_UNITS,
    "AbsoluteResistance": {
        "interval": "W m^-2 K^-1",
        "level": "1",
        "jump": "K",
        "jump_sigma": "K",
        "flux": "W m^-2",
        "flux_sigma": "W m^-2",
        "fluxes": "W m^-2",
        "flux_sigmas": "W m^-2",
        "pvalue": "1",
    },
    "Boundary": {"conductance": "W m^-2 K^-1", "electron_conductance": "W m^-2 K^-1"},
    "Carriers": {
        "capacity": "J m^-3 K^-1",
        "velocity": "m s^-1",
        "lifetime": "s",
        "group": "1",
        "omega": "rad s^-1",
        "edges": "rad s^-1",
        "temperature": "K",
    },
    "Comparison": {"temperature": "K", "window": "1"},
    "Conductance": {"temperature": "K", "value": "W m^-2 K^-1", "sigma": "W m^-2 K^-1"},
    "ModeConversion": {"omega": "rad s^-1", "arriving": "m^-2", "transmitted": "m^-2", "reflected": "m^-2"},
    "Crystal": {
        "lattice": "m",
        "positions": "m",
        "masses": "kg",
        "cells": "1",
        "force_constants": "N m^-1",
        "residual": "of the largest force constant",
    },
    "Estimate": {},
    "Fluid": {"density": "kg m^-3", "speed": "m s^-1", "atoms": "m^-3"},
    "FrequencyGrid": {"omega": "rad s^-1", "weight": "rad s^-1"},
    "InterfaceJump": {
        "value": "K, K m^-1, m and 1, by name",
        "covariance": "of value",
        "freedom": "1",
        "position": "m",
        "residual": "K",
    },
    "InterfaceModes": {
        "omega": "rad s^-1",
        "k": "of the reciprocal vectors",
        "modes": "m^-2",
        "kind": "0 below the bands, 1 in a gap, 2 above the bands, 3 resonance",
        "width": "rad s^-1",
        "left_tail": "1",
        "right_tail": "1",
        "left_decay": "m",
        "right_decay": "m",
        "weight": "1",
        "layer": "1",
        "atom": "1",
        "interface": "1",
        "direction": "0 x, 1 y, 2 z",
    },
    "Jump": {
        "at": "m",
        "temperature": "K",
        "jump": "K",
        "gradient_left": "K m^-1",
        "gradient_right": "K m^-1",
        "covariance": "of (jump, gradient_left, gradient_right)",
        "chi2": "1",
        "freedom": "1",
    },
    "Junction": {"periods": "m", "residual": "of the largest force constant"},
    "Khalatnikov": {"bulk_factor": "1", "rayleigh_factor": "1"},
    "Layer": {
        "thickness": "m",
        "conductivity": "W m^-1 K^-1",
        "in_plane": "W m^-1 K^-1",
        "in_plane_y": "W m^-1 K^-1",
        "xy": "W m^-1 K^-1",
        "xz": "W m^-1 K^-1",
        "yz": "W m^-1 K^-1",
        "heat_capacity": "J m^-3 K^-1",
        "electron_conductivity": "W m^-1 K^-1",
        "electron_heat_capacity": "J m^-3 K^-1",
        "coupling": "W m^-3 K^-1",
    },
    "Lead": {
        "periods": "m",
        "step": "m",
        "masses": "kg",
        "shifts": "1",
        "onsite": "N m^-1",
        "hop": "N m^-1",
        "positions": "m",
        "residual": "of the largest force constant",
    },
    "LocalCurrent": {
        "omega": "rad s^-1",
        "first": "1",
        "second": "1",
        "value": "m^-2",
        "layer": "1",
        "interface": "1",
        "total": "m^-2",
        "localised": "m^-2",
    },
    "LocalDensity": {
        "omega": "rad s^-1",
        "value": "s rad^-1",
        "left": "s rad^-1",
        "right": "s rad^-1",
        "layer": "1",
        "atom": "1",
        "direction": "0 x, 1 y, 2 z",
        "height": "m",
        "width": "rad s^-1",
    },
    "Measurement": {"thickness": "m", "pressure": "Pa"},
    "ModalTransmission": {
        "omega": "rad s^-1",
        "wavevector": "rad m^-1",
        "side": "0 left, 1 right",
        "branch": "1",
        "velocity": "m s^-1",
        "weight": "m^-2",
        "transmission": "1",
        "specular": "1",
    },
    "Occupation": {"position": "m", "energy": "J", "value": "1", "sigma": "1"},
    "Onsager": {"temperature": "K", "coefficient": "W K m^-2"},
    "PointSpread": {
        "width": "m",
        "share": "1",
        "length": "m",
        "width_sigma": "m",
        "share_sigma": "1",
        "length_sigma": "m",
    },
    "DipoleForces": {"lattice": "m", "positions": "m", "born": "e", "dielectric": "1"},
    "Prediction": {
        "emitted": "W m^-2 K^-1",
        "local": "W m^-2 K^-1",
        "extrapolated": "W m^-2 K^-1",
        "sigma": "W m^-2 K^-1",
    },
    "Profile": {"position": "m", "temperature": "K", "sigma": "K", "covariance": "K^2"},
    "Published": {"temperature": "K", "value": "W m^-2 K^-1", "sigma": "W m^-2 K^-1"},
    "Sheet": {
        "density": "kg m^-2",
        "rigidity": "J",
        "longitudinal": "m s^-1",
        "transverse": "m s^-1",
        "atoms": "m^-2",
        "cells": "m^-2",
        "spring": "N m^-3",
    },
    "SideContrast": {"position": "m", "ratio": "1"},
    "JunctionLayer": {"masses": "kg", "shifts": "1", "onsite": "N m^-1", "hop": "N m^-1", "positions": "m"},
    "Solid": {"density": "kg m^-3", "longitudinal": "m s^-1", "transverse": "m s^-1", "atoms": "m^-3"},
    "Stack": {},
    "TemperatureMap": {
        "position": "m",
        "value": "J, K and electrons, by name",
        "covariance": "of value",
        "flag": "bits",
        "pvalue": "1",
        "deviance": "1",
        "iterations": "1",
    },
    "Transmission": {
        "omega": "rad s^-1",
        "total": "m^-2",
        "left": "m^-2",
        "right": "m^-2",
        "weight": "rad s^-1",
        "temperature": "K",
    },
    "Transport": {
        "edges": "m",
        "conductivity": "W m^-1 K^-1",
        "flux": "W m^-2",
        "difference": "K",
        "base": "K",
        "position": "m",
        "temperature": "K",
        "lattice": "K",
        "omega": "rad s^-1",
        "bounds": "rad s^-1",
        "modes": "K",
        "spectral_flux": "W m^-2",
        "middle": "K",
        "flow": "W m^-2 K^-1",
        "crossing": "W m^-2 K^-1",
        "arriving": "K",
        "leaving": "K",
    },
}

_MAX_NESTING = 40

StoreArray = Callable[[str, Any], Any]  # takes the place and an array, returns what stands for it in the tree
FetchArray = Callable[[Any], Any]  # the way back: None where the node stands for no array


def pack(value: Any, store: StoreArray, place: str = "") -> Any:
    """Return a value as a tree of plain values; `store` takes the arrays.

    Raises
    ------
    InputError
        for something that is no result: the message names the type and the types that can be saved
    """
    if isinstance(value, np.ndarray):
        return store(place, value)
    if isinstance(value, np.generic):
        return pack(value.item(), store, place)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, (tuple, list)):
        return {"$items": [pack(item, store, f"{place}{i}.") for i, item in enumerate(value)]}
    if isinstance(value, Mapping):
        return {"$mapping": _pack_mapping(value, store, place)}
    return _pack_record(value, store, place)


def _pack_mapping(value: Mapping[Any, Any], store: StoreArray, place: str) -> dict[str, Any]:
    """Return a mapping from names as a tree."""
    for key in value:
        if not isinstance(key, str):
            raise InputError(f"a mapping is saved by names, got the key {key!r:.60}")
    return {key: pack(item, store, f"{place}{i}.") for i, (key, item) in enumerate(value.items())}


def _pack_record(value: Any, store: StoreArray, place: str) -> dict[str, Any]:
    """Return one record as a tree."""
    name = type(value).__name__
    if RECORD_TYPES.get(name) is not type(value):
        raise InputError(
            f"cannot save a {name}: expected {', '.join(sorted(RECORD_TYPES))}, or a tuple or dict of them"
        )
    known = [a.name for a in attrs.fields(type(value)) if a.init]
    fields = {key: pack(getattr(value, key), store, place + key) for key in known}
    return {"type": name, "units": RECORD_UNITS.get(name, {}), "fields": fields}


def unpack(node: Any, fetch: FetchArray, depth: int = 0) -> Any:
    """Return the value that a tree stands for; `fetch` brings the arrays.

    Raises
    ------
    DataError
        for an unknown type, fields that the type does not have, or values that it refuses
    """
    if depth > _MAX_NESTING:
        raise DataError(f"nested deeper than {_MAX_NESTING} levels: this is no result of kapitza")
    if node is None or isinstance(node, (bool, int, float, str)):
        return node
    if isinstance(node, dict):
        array = fetch(node)
        if array is not None:
            return array
        if "$float" in node:
            return _special_float(node["$float"])
        if isinstance(node.get("$items"), list):
            return tuple(unpack(item, fetch, depth + 1) for item in node["$items"])
        if isinstance(node.get("$mapping"), dict):
            return {str(key): unpack(item, fetch, depth + 1) for key, item in node["$mapping"].items()}
        if "type" in node:
            return _unpack_record(node, fetch, depth)
    raise DataError(f"expected a record, a list or a number, got {node!r:.60}")


def _special_float(text: Any) -> float:
    """Return one of the floats that JSON cannot hold."""
    if text not in ("inf", "-inf", "nan"):
        raise DataError(f"expected inf, -inf or nan, got {text!r:.60}")
    return float(text)


def _unpack_record(node: dict[str, Any], fetch: FetchArray, depth: int) -> Any:
    """Return one record of a tree, checked by its own rules."""
    name, fields = node["type"], node.get("fields")
    kind = RECORD_TYPES.get(_RENAMED_TYPES.get(name, name)) if isinstance(name, str) else None
    if kind is None:
        raise DataError(f"holds a {name!r:.60}, which this version of kapitza does not know")
    if not isinstance(fields, dict):
        raise DataError(f"a {name} has no fields")
    aliases = {a.name: a.alias or a.name for a in attrs.fields(kind) if a.init}
    unknown = sorted(set(fields) - set(aliases))
    if unknown:
        raise DataError(f"a {name} has no field {unknown[0]!r:.60}")
    values = {aliases[key]: unpack(item, fetch, depth + 1) for key, item in fields.items()}
    try:
        return kind(**values)
    except KapitzaError as err:
        raise DataError(f"{name}: {err}") from err
    except (TypeError, ValueError, AttributeError) as err:
        raise DataError(f"a {name} cannot be made of these fields: {err}") from err
