"""Records that files can hold: the module of each type, and its names in older versions."""

from collections.abc import Mapping
from types import MappingProxyType

SAVED_MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "applications.composite": ("CompositeConductivity",),
        "applications.cryogenic": ("OperatingPoint", "RunawayCurrents"),
        "applications.exchanger": ("HeatExchange",),
        "applications.memory": ("ResetPulse",),
        "applications.superlattice": ("MinibandConductivity", "SuperlatticeConductivity"),
        "applications.thermoelectric": ("LegState",),
        "core.conductance": ("Conductance",),
        "core.heat_flow": ("Onsager",),
        "core.modal": ("ModalTransmission",),
        "core.occupation": ("Occupation",),
        "core.profile": ("Jump", "Profile"),
        "core.quadrature": ("FrequencyGrid",),
        "core.stack": ("Boundary", "Layer", "Stack"),
        "core.transmission": ("Transmission",),
        "device.description": (
            "Box",
            "ConductivityLaw",
            "Device",
            "HeatSource",
            "PeriodicPower",
            "PulsedPower",
            "SteadyPower",
            "StepPower",
        ),
        "device.elements.body": ("Body", "Convection", "FixedFlux", "FixedTemperature"),
        "device.elements.interfaces": ("ContactFacets", "SplitMesh"),
        "device.elements.mesh": ("Mesh",),
        "device.elements.temperatures": ("BodyTemperatures",),
        "device.grid.box_grid": ("BoxGrid",),
        "device.grid.temperatures": ("GridTemperatures",),
        "device.layered.network": ("CauerNetwork", "FosterNetwork"),
        "device.layered.temperatures": ("LayeredTemperatures",),
        "device.layout": ("Block", "Layout"),
        "device.results": (
            "BoundaryJump",
            "DeviceTemperatures",
            "TemperatureField",
            "TransientTemperatures",
            "TriangulatedField",
        ),
        "device.setup": ("Plane", "Setup"),
        "device.shapes": ("Disc", "GaussianSpot", "HeatMap", "Rectangle"),
        "matter.crystal": ("Crystal",),
        "matter.isotropic": ("Fluid", "Solid"),
        "matter.junction": ("Junction", "JunctionLayer", "Lead"),
        "matter.polar": ("DipoleForces",),
        "matter.sheet": ("Sheet",),
        "measure.catalogue": ("Measurement",),
        "measure.compare": ("Comparison", "Prediction", "Published"),
        "measure.eels.contrast": ("SideContrast",),
        "measure.eels.jump": ("InterfaceJump",),
        "measure.eels.map": ("TemperatureMap",),
        "measure.eels.point_spread": ("PointSpread",),
        "measure.eels.resistance": ("AbsoluteResistance",),
        "measure.thermoreflectance.beams": ("Beams",),
        "measure.thermoreflectance.sstr": ("Sstr",),
        "measure.spectral_inversion": ("SpectralEstimate",),
        "simulate.boltzmann.carriers": ("Carriers",),
        "simulate.boltzmann.layered.transport": ("Transport",),
        "simulate.boltzmann.monte_carlo.result": ("TransportMap",),
        "simulate.md.analysis.equilibrium": ("FluctuationFit",),
        "simulate.md.analysis.nemd": ("NemdResult", "WindowScan"),
        "simulate.md.analysis.profiles": ("HeatBalance",),
        "simulate.md.analysis.relaxation": ("RelaxationFit",),
        "simulate.md.analysis.sizes": ("SizeSeries",),
        "simulate.md.analysis.steadiness": ("Steadiness",),
        "simulate.md.analysis.transmission": ("ElasticSplit",),
        "simulate.md.observers.interface_modes": ("ModeConductance",),
        "simulate.md.observers.spectral_flux": ("SpectralFlux",),
        "simulate.md.observers.velocity_spectra": ("VelocitySpectra",),
        "simulate.md.record": ("Record",),
        "simulate.md.runs.run": ("Run",),
        "theory.agf.interface_modes": ("InterfaceModes",),
        "theory.agf.local_current": ("LocalCurrent",),
        "theory.agf.local_density": ("LocalDensity",),
        "theory.agf.modal_transmission": ("ModeConversion",),
        "theory.khalatnikov": ("Khalatnikov",),
        "theory.models": ("Estimate",),
    }
)

SAVED_TYPES: Mapping[str, str] = MappingProxyType(
    {name: module for module, names in SAVED_MODULES.items() for name in names}
)

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
        "GridTemperatures": {"escaped": "heat_out"},
        "HeatSource": {"course": "waveform"},
        "Run": {"flowing": "driven", "record": "records", "still": "reference"},
        "TriangulatedField": {"places": "centres"},
    }
)
