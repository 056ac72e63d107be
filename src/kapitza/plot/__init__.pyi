"""Records drawn on matplotlib axes: each function takes `ax`, where to draw (new axes if None), and returns it.

Without matplotlib they raise `MissingEngine`.
"""

from kapitza.plot.conductances import comparison as comparison
from kapitza.plot.conductances import conductance as conductance
from kapitza.plot.device import device_response as device_response
from kapitza.plot.device import device_section as device_section
from kapitza.plot.device import device_shares as device_shares
from kapitza.plot.eels import interface_jump as interface_jump
from kapitza.plot.eels import mode_temperatures as mode_temperatures
from kapitza.plot.eels import temperature_map as temperature_map
from kapitza.plot.fits import fit as fit
from kapitza.plot.fits import likelihood as likelihood
from kapitza.plot.fits import profile_jump as profile_jump
from kapitza.plot.fits import sensitivity as sensitivity
from kapitza.plot.fits import thickness_series as thickness_series
from kapitza.plot.fits import uncertainty_budget as uncertainty_budget
from kapitza.plot.md import md_profile as md_profile
from kapitza.plot.modal_transmission import angle_map as angle_map
from kapitza.plot.modal_transmission import branch_conversion_map as branch_conversion_map
from kapitza.plot.modal_transmission import incidence_map as incidence_map
from kapitza.plot.modal_transmission import specular_transmission as specular_transmission
from kapitza.plot.modal_transmission import transmission_by_angle as transmission_by_angle
from kapitza.plot.modal_transmission import transmission_by_branch as transmission_by_branch
from kapitza.plot.spectra import accumulation as accumulation
from kapitza.plot.spectra import transmission as transmission
from kapitza.plot.transport import flux_spectrum as flux_spectrum
from kapitza.plot.transport import transport_map as transport_map
from kapitza.plot.transport import transport_profile as transport_profile
from kapitza.plot.vibrations import density_map as density_map
from kapitza.plot.vibrations import interface_current as interface_current
from kapitza.plot.vibrations import localised_modes as localised_modes
from kapitza.plot.vibrations import projected_density as projected_density
