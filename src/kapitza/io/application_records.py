"""Results of applications that can be saved, and the units of their fields."""

from collections.abc import Mapping
from types import MappingProxyType

from kapitza.device.composite import CompositeConductivity
from kapitza.device.cryogenic import SteadyState
from kapitza.device.exchanger import Exchange
from kapitza.device.memory import Reset
from kapitza.device.miniband import Miniband
from kapitza.device.quench import Runaway
from kapitza.device.superlattice import SuperlatticeConductivity
from kapitza.device.thermoelectric import LegState

APPLICATION_TYPES: tuple[type, ...] = (
    CompositeConductivity,
    Exchange,
    LegState,
    Miniband,
    Reset,
    Runaway,
    SteadyState,
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
        "Exchange": {
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
        "Miniband": {"layers": "1", "value": "of the crystal of the mean mass", "free_path": "layers"},
        "Reset": {
            "thermal_resistance": "K W^-1",
            "power": "W",
            "current": "A",
            "energy": "J",
            "mean_rise": "K",
            "boundary_share": "1",
            "current_without": "A",
        },
        "Runaway": {"holding": "A", "propagating": "A", "critical": "A", "quench": "A"},
        "SteadyState": {"temperature": "K", "flux": "W m^-2"},
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
