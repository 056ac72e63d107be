"""Layered devices solved by Fourier series and networks: pulses, transients, maps and the thinnest spreaders."""

from kapitza.device.layered.network import FosterNetwork as FosterNetwork
from kapitza.device.layered.network import foster_network as foster_network
from kapitza.device.layered.optimum import Optimum as Optimum
from kapitza.device.layered.optimum import minimize_peak as minimize_peak
from kapitza.device.layered.pulses import PulsedTemperatures as PulsedTemperatures
from kapitza.device.layered.pulses import layout_with_mean_power as layout_with_mean_power
from kapitza.device.layered.pulses import pulsed_peaks_at_interval_ends as pulsed_peaks_at_interval_ends
from kapitza.device.layered.pulses import pulsed_temperatures as pulsed_temperatures
from kapitza.device.layered.pulses import sample_pulsed_peaks as sample_pulsed_peaks
from kapitza.device.layered.temperatures import measured_uncertainties as measured_uncertainties
from kapitza.device.layered.temperatures import peaks_at_interval_ends as peaks_at_interval_ends
from kapitza.device.layered.temperatures import plane_map as plane_map
from kapitza.device.layered.temperatures import sample_peaks as sample_peaks
from kapitza.device.layered.temperatures import scale_device as scale_device
from kapitza.device.layered.temperatures import section_map as section_map
from kapitza.device.layered.temperatures import solve_layered as solve_layered
from kapitza.device.layered.transient import layered_response as layered_response
from kapitza.device.layered.transient import periodic_amplitudes as periodic_amplitudes
