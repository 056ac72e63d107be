"""Records drawn on matplotlib axes: each function takes `ax`, where to draw (new axes if None), and returns it.

Without matplotlib they raise `MissingEngine`.
"""

from kapitza.plot import applications as applications
from kapitza.plot import device as device
from kapitza.plot import eels as eels
from kapitza.plot import md as md
from kapitza.plot import style as style
from kapitza.plot.conductances import comparison as comparison
from kapitza.plot.conductances import conductance as conductance
from kapitza.plot.conductances import probes_figure as probes_figure
from kapitza.plot.fits import design_front as design_front
from kapitza.plot.fits import experiment_axis as experiment_axis
from kapitza.plot.fits import fit as fit
from kapitza.plot.fits import fitted_spots as fitted_spots
from kapitza.plot.fits import likelihood as likelihood
from kapitza.plot.fits import profile_jump as profile_jump
from kapitza.plot.fits import sensitivity as sensitivity
from kapitza.plot.fits import signal_factor as signal_factor
from kapitza.plot.fits import signal_label as signal_label
from kapitza.plot.fits import thickness_series as thickness_series
from kapitza.plot.fits import uncertainty_budget as uncertainty_budget
from kapitza.plot.lamella import lamella_design as lamella_design
from kapitza.plot.lamella import lamella_fit as lamella_fit
from kapitza.plot.phonons import computed_phonon_figure as computed_phonon_figure
from kapitza.plot.phonons import phonon_figure as phonon_figure
from kapitza.plot.routes import routes as routes
from kapitza.plot.routes import routes_figure as routes_figure
from kapitza.plot.screening import screening_map as screening_map
from kapitza.plot.screening import screening_matrix as screening_matrix
from kapitza.plot.screening import screening_ranks as screening_ranks
from kapitza.plot.spectra import accumulation as accumulation
from kapitza.plot.spectra import angle_map as angle_map
from kapitza.plot.spectra import branch_conversion_map as branch_conversion_map
from kapitza.plot.spectra import estimate_figure as estimate_figure
from kapitza.plot.spectra import incidence_map as incidence_map
from kapitza.plot.spectra import modes_figure as modes_figure
from kapitza.plot.spectra import specular_transmission as specular_transmission
from kapitza.plot.spectra import transmission as transmission
from kapitza.plot.spectra import transmission_by_angle as transmission_by_angle
from kapitza.plot.spectra import transmission_by_branch as transmission_by_branch
from kapitza.plot.transport import flux_spectrum as flux_spectrum
from kapitza.plot.transport import transport_figure as transport_figure
from kapitza.plot.transport import transport_map as transport_map
from kapitza.plot.transport import transport_map_figure as transport_map_figure
from kapitza.plot.transport import transport_profile as transport_profile
from kapitza.plot.vibrations import density_map as density_map
from kapitza.plot.vibrations import interface_current as interface_current
from kapitza.plot.vibrations import localised_modes as localised_modes
from kapitza.plot.vibrations import projected_density as projected_density
from kapitza.plot.vibrations import vibrations_figure as vibrations_figure
