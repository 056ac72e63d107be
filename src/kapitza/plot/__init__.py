"""Records drawn on matplotlib axes."""

from kapitza.plot.angles import angle_map, angles
from kapitza.plot.applications import composite, cryo, exchanger, leg, memory, superlattice
from kapitza.plot.comparison import comparison
from kapitza.plot.conductances import conductance
from kapitza.plot.device import (
    device_figure,
    device_plane,
    device_response,
    device_section,
    device_shares,
    device_sweep,
)
from kapitza.plot.device_fields import boundary_jumps, field_figure, field_section
from kapitza.plot.eels import eels_design, interface_jump, interface_modes, mode_temperatures, temperature_map
from kapitza.plot.fits import axis_of, budget, fit, likelihood, sensitivity
from kapitza.plot.lattice_modes import branches, conversion, incidence, specular_share, who_crosses
from kapitza.plot.lines import jump, series
from kapitza.plot.local import layer_map, local_share, localised_modes, near_interface, projected
from kapitza.plot.md import (
    md_approach,
    md_fluctuations,
    md_modes,
    md_profile,
    md_sizes,
    md_spectrum,
    md_spectrum_figure,
)
from kapitza.plot.spectra import accumulation, transmission
from kapitza.plot.spectral import spectral_figure
from kapitza.plot.style import new_figure
from kapitza.plot.transport import flux_spectrum, temperatures_along, three_resistances, transport_figure
from kapitza.plot.transport_map import beside_fourier, transport_map, transport_map_figure

__all__ = [
    "accumulation", "angle_map", "angles", "axis_of", "beside_fourier", "boundary_jumps", "branches", "budget",
    "comparison", "composite", "conductance", "conversion", "cryo", "device_figure", "device_plane",
    "device_response", "device_section", "device_shares", "device_sweep", "eels_design", "exchanger", "field_figure",
    "field_section", "fit", "flux_spectrum", "incidence", "interface_jump", "interface_modes", "jump", "layer_map",
    "leg", "likelihood", "local_share", "localised_modes", "md_approach", "md_fluctuations", "md_modes", "md_profile",
    "md_sizes", "md_spectrum", "md_spectrum_figure", "memory", "mode_temperatures", "near_interface", "new_figure",
    "projected", "sensitivity", "series", "spectral_figure", "specular_share", "superlattice", "temperature_map",
    "temperatures_along", "three_resistances", "transmission", "transport_figure", "transport_map",
    "transport_map_figure", "who_crosses",
]  # fmt: skip
