"""Measured temperatures of devices: fits, fluxes through boundaries, exclusion by a scan."""

from kapitza.measure.device.fit import BoundaryFlux as BoundaryFlux
from kapitza.measure.device.fit import UpdatedPeak as UpdatedPeak
from kapitza.measure.device.fit import boundary_flux as boundary_flux
from kapitza.measure.device.fit import fit_device as fit_device
from kapitza.measure.device.fit import fitted_conductance as fitted_conductance
from kapitza.measure.device.fit import fitted_device as fitted_device
from kapitza.measure.device.fit import predicted_temperatures as predicted_temperatures
from kapitza.measure.device.fit import sampled_flux as sampled_flux
from kapitza.measure.device.fit import updated_peak as updated_peak
from kapitza.measure.device.thermometry import MeasuredTemperatures as MeasuredTemperatures
from kapitza.measure.device.thermometry import MeasurementPlace as MeasurementPlace
from kapitza.measure.device.thermometry import map_temperatures as map_temperatures
from kapitza.measure.device.thermometry import patch_temperatures as patch_temperatures
from kapitza.measure.device.thermometry import point_temperatures as point_temperatures
from kapitza.measure.device.thermometry import section_temperatures as section_temperatures
from kapitza.measure.probes import RamanProbe as RamanProbe
from kapitza.measure.probes import ThermalProbe as ThermalProbe
from kapitza.measure.probes import fit_probe_jump as fit_probe_jump
from kapitza.measure.probes import probe_reading as probe_reading
from kapitza.measure.probes import specimen_profile as specimen_profile
from kapitza.measure.profiles import ExclusionScan as ExclusionScan
from kapitza.measure.profiles import FluxCheck as FluxCheck
from kapitza.measure.profiles import check_flux as check_flux
from kapitza.measure.profiles import correlate_errors as correlate_errors
from kapitza.measure.profiles import scan_exclusion as scan_exclusion
