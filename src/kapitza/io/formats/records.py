"""Records as a tree of plain values and arrays, and back.

A record becomes ``{"type": name, "units": {...}, "meanings": {...}, "fields": {...}}``; tuples, mappings and infinite
numbers are told apart by a key that starts with "$".  Only types of `saved_types` are ever made: a file names data,
never code.  The units are those that the attributes carry themselves, ``field(metadata={"unit": "K"})``.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

import attrs
import numpy as np
from numpy.typing import NDArray

from kapitza.errors import DataError, InputError, KapitzaError
from kapitza.io.formats import saved_types
from kapitza.io.formats.arrays import array_to_json

_MAX_NESTING = 40
_MAX_LISTED_NUMBERS = 10_000  # of one array that ``--json`` prints
_FIT = ("kapitza.measure.fit_result", "Fit")
_LARGE_ARRAY = f"more than {_MAX_LISTED_NUMBERS} numbers: --save FILE keeps them"

# names of version 0.1
RENAMED_TYPES: Mapping[str, str] = MappingProxyType({
    "ApproachRun": "Run", "Cauer": "CauerNetwork", "Contact": "ContactFacets", "Conversion": "ModeConversion",
    "Cooled": "Convection", "EquilibriumRun": "Run", "Exchange": "HeatExchange", "Fields": "GridTemperatures",
    "Foster": "FosterNetwork", "Grid": "FrequencyGrid", "HeatRun": "Run", "Heated": "FixedFlux",
    "Held": "FixedTemperature", "Inset": "Block", "Miniband": "MinibandConductivity", "Periodic": "PeriodicPower",
    "Polar": "DipoleForces", "Pulses": "PulsedPower", "Reset": "ResetPulse", "Response": "TransientTemperatures",
    "Runaway": "RunawayCurrents", "Slab": "JunctionLayer", "Spectra": "VelocitySpectra",
    "SplitField": "TriangulatedField", "Steady": "SteadyPower", "SteadyState": "OperatingPoint", "Step": "StepPower",
})  # fmt: skip
# by the present name of a type: attributes of older versions and their present names, {"Jump": {"at": "plane"}}
RENAMED_ATTRIBUTES: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "BodyTemperatures": {"entered": "heat_generated"}, "BoundaryJump": {"one": "first", "other": "second"},
    "ContactFacets": {"one": "first", "other": "second"}, "DeviceTemperatures": {"kelvin": "property_temperature"},
    "FluctuationFit": {"scanned": "cutoff_conductances"}, "GridTemperatures": {"escaped": "heat_out"},
    "HeatSource": {"course": "waveform", "through": "volumetric"},
    "LayeredTemperatures": {"kelvin": "property_temperature"}, "Measurement": {"seen": "provenance"},
    "ModeConductance": {"memory": "autocorrelation", "near": "interface_weight"},
    "NemdResult": {"between_baths": "between_thermostats"}, "Record": {"ways": "interface_count"},
    "Run": {
        "equilibrated": "equilibration_time", "flowing": "driven", "highest": "highest_frequency",
        "record": "records", "still": "reference",
    },
    "SizeSeries": {"bath": "thermostat_length"},
    "Steadiness": {"sampled": "sampling_time", "slowest": "slowest_mode", "waited": "equilibration_time"},
    "Transport": {
        "arriving": "incident_temperature", "crossing": "boundary_flow", "leaving": "outgoing_temperature",
        "middle": "midplane_temperature",
    },
    "TriangulatedField": {"places": "centres"}, "WindowScan": {"bath": "thermostat"},
})  # fmt: skip
StoreArray = Callable[[str, Any], Any]  # takes the place and an array, returns what stands for it in the tree
FetchArray = Callable[[Any], Any]  # the way back: None where the node stands for no array


def pack(value: Any, store: StoreArray, place: str = "", depth: int = 0) -> Any:
    """Return a value as a tree of plain values; `store` takes the arrays."""
    if depth > _MAX_NESTING:
        raise InputError(f"nested deeper than {_MAX_NESTING} levels, or in itself: this cannot be saved")
    if isinstance(value, np.ndarray):
        return store(place, value)
    if isinstance(value, np.generic):
        return pack(value.item(), store, place, depth)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, (tuple, list)):
        return {"$items": [pack(item, store, _place_in(place, i), depth + 1) for i, item in enumerate(value)]}
    if isinstance(value, Mapping):
        if unnamed := [key for key in value if not isinstance(key, str)]:
            raise InputError(f"a mapping is saved by names, got the key {unnamed[0]!r:.60}")
        items = enumerate(value.items())
        return {"$mapping": {key: pack(item, store, _place_in(place, i), depth + 1) for i, (key, item) in items}}
    if (type(value).__module__, type(value).__name__) == _FIT:  # its data and its search are not kept
        return pack(value.numbers(), store, place, depth)
    kind, name = type(value), type(value).__name__
    if saved_type(name) is not kind:
        expected = f"{', '.join(dir(saved_types))}, or a tuple or dict of them"
        raise InputError(f"cannot save a {name} of {kind.__module__}: expected {expected}")
    known = [a.name for a in attrs.fields(kind) if a.init]
    fields = {key: pack(getattr(value, key), store, _place_in(place, key), depth + 1) for key in known}
    return {"type": name, **_describe_attributes(kind), "fields": fields}


def _place_in(place: str, name: str | int) -> str:
    """Return the place of an attribute or an item: ``stack.layers.0``, which no two of them share."""
    return f"{place}.{name}" if place else str(name)


def _describe_attributes(kind: type) -> dict[str, dict[str, str]]:
    """Units of the attributes of a record and, where their names do not say it, their meanings."""
    meanings = {a.name: str(a.metadata["meaning"]) for a in attrs.fields(kind) if "meaning" in a.metadata}
    return {"units": units_of(kind)} | ({"meanings": meanings} if meanings else {})


def units_of(kind: type) -> dict[str, str]:
    """Unit of each attribute of a record that is saved and has one, by name."""
    return {a.name: str(a.metadata["unit"]) for a in attrs.fields(kind) if a.init and a.metadata.get("unit")}


def saved_type(name: object) -> type | None:
    """Return the type that a file names, also by its name in an older version; None if files hold no such type."""
    if not isinstance(name, str):
        return None
    present = RENAMED_TYPES.get(name, name)
    return getattr(saved_types, present) if present in dir(saved_types) else None


def record_tree(result: Any) -> Any:
    """Return what no file holds as the plain values that ``--json`` prints.

    It becomes ``{"type": name, "units": {...}, "meanings": {...}, "fields": {...}}``; arrays and tuples become
    lists, complex numbers pairs.  An array of more than 10,000 numbers, or on a disk, gives its shape.
    """
    if isinstance(result, np.ndarray) and result.size > _MAX_LISTED_NUMBERS:
        return _describe_array(result, _LARGE_ARRAY)
    if isinstance(result, (np.ndarray, np.generic)):
        array = np.stack([np.real(result), np.imag(result)], axis=-1) if np.iscomplexobj(result) else result
        return array.tolist()
    if result is None or isinstance(result, (bool, int, float, str)):
        return result
    if isinstance(result, (list, tuple)):
        return [record_tree(item) for item in cast("Sequence[Any]", result)]
    if isinstance(result, Mapping):
        return {str(key): record_tree(item) for key, item in cast("Mapping[Any, Any]", result).items()}
    kind = type(result)
    if not attrs.has(kind) and hasattr(result, "shape"):
        return _describe_array(result, "on a disk, in the file that was read")
    if not attrs.has(kind):
        raise InputError(f"a {kind.__name__} of {kind.__module__} has no form in JSON: expected a record or numbers")
    fields = {a.name: record_tree(getattr(result, a.name)) for a in attrs.fields(kind) if a.init}
    return {"type": kind.__name__, **_describe_attributes(kind), "fields": fields}


def _describe_array(array: Any, why: str) -> dict[str, Any]:
    return {"shape": list(array.shape), "left_out": why}


def list_array(place: str, array: NDArray[Any]) -> dict[str, Any]:
    """Return an array as in a saved JSON file, or its shape where it has more than 10,000 numbers."""
    if array.size <= _MAX_LISTED_NUMBERS:
        return array_to_json(place, array)
    return {"$array": array.dtype.str, **_describe_array(array, _LARGE_ARRAY)}


def unpack(node: Any, fetch: FetchArray, depth: int = 0) -> Any:
    """Return the value that a tree stands for; `fetch` brings the arrays."""
    if depth > _MAX_NESTING:
        raise DataError(f"nested deeper than {_MAX_NESTING} levels: this is not a result of kapitza")
    if node is None or isinstance(node, (bool, int, float, str)):
        return node
    if isinstance(node, dict):
        array = fetch(node)
        if array is not None:
            return array
        if "$float" in node:
            if node["$float"] not in ("inf", "-inf", "nan"):
                raise DataError(f"expected inf, -inf or nan, got {node['$float']!r:.60}")
            return float(node["$float"])
        if isinstance(node.get("$items"), list):
            return tuple(unpack(item, fetch, depth + 1) for item in node["$items"])
        if isinstance(node.get("$mapping"), dict):
            return {str(key): unpack(item, fetch, depth + 1) for key, item in node["$mapping"].items()}
        if "type" in node:
            return _unpack_record(node, fetch, depth)
    raise DataError(f"expected a record, a list or a number, got {node!r:.60}")


def _unpack_record(node: dict[str, Any], fetch: FetchArray, depth: int) -> Any:
    """Return one record of a tree, checked by its own rules."""
    name, fields = node["type"], node.get("fields")
    kind = saved_type(name)
    if kind is None:
        raise DataError(f"holds a {name!r:.60}, which this version of kapitza does not know")
    if not isinstance(fields, dict):
        raise DataError(f"a {name} has no fields")
    renamed = RENAMED_ATTRIBUTES.get(kind.__name__, {})
    present = {renamed.get(key, key): item for key, item in fields.items()}
    aliases = {a.name: a.alias or a.name for a in attrs.fields(kind) if a.init}
    unknown = sorted(set(present) - set(aliases))
    if unknown:
        raise DataError(f"a {name} has no field {unknown[0]!r:.60}")
    values = {aliases[key]: unpack(item, fetch, depth + 1) for key, item in present.items()}
    try:
        return kind(**values)
    except KapitzaError as err:
        raise DataError(f"{name}: {err}") from err
    except (TypeError, ValueError, AttributeError) as err:
        raise DataError(f"a {name} cannot be made of these fields: {err}") from err
