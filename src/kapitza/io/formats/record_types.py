"""Names that types of records, and their attributes, had in older versions."""

from collections.abc import Mapping
from types import MappingProxyType

RENAMED_TYPES: Mapping[str, str] = MappingProxyType(
    {  # names of version 0.1
        "ApproachRun": "Run",
        "Cauer": "CauerNetwork",
        "Contact": "ContactFacets",
        "Conversion": "ModeConversion",
        "Cooled": "Convection",
        "EquilibriumRun": "Run",
        "Exchange": "HeatExchange",
        "Fields": "GridTemperatures",
        "Foster": "FosterNetwork",
        "Grid": "FrequencyGrid",
        "HeatRun": "Run",
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

# by the present name of a type: attributes of older versions and their present names, {"Jump": {"at": "plane"}}
RENAMED_ATTRIBUTES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "BodyTemperatures": {"entered": "heat_generated"},
        "BoundaryJump": {"one": "first", "other": "second"},
        "ContactFacets": {"one": "first", "other": "second"},
        "DeviceTemperatures": {"kelvin": "property_temperature"},
        "FluctuationFit": {"scanned": "cutoff_conductances"},
        "GridTemperatures": {"escaped": "heat_out"},
        "HeatSource": {"course": "waveform", "through": "volumetric"},
        "LayeredTemperatures": {"kelvin": "property_temperature"},
        "Measurement": {"seen": "provenance"},
        "ModeConductance": {"memory": "autocorrelation", "near": "interface_weight"},
        "NemdResult": {"between_baths": "between_thermostats"},
        "Record": {"ways": "interface_count"},
        "Run": {
            "equilibrated": "equilibration_time",
            "flowing": "driven",
            "highest": "highest_frequency",
            "record": "records",
            "still": "reference",
        },
        "SizeSeries": {"bath": "thermostat_length"},
        "Steadiness": {"sampled": "sampling_time", "slowest": "slowest_mode", "waited": "equilibration_time"},
        "Transport": {
            "arriving": "incident_temperature",
            "crossing": "boundary_flow",
            "leaving": "outgoing_temperature",
            "middle": "midplane_temperature",
        },
        "TriangulatedField": {"places": "centres"},
        "WindowScan": {"bath": "thermostat"},
    }
)
