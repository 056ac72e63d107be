"""Checks of a fit of spectra: energy scale, gain of the detector, residuals and the verdict."""

from kapitza.measure.eels.diagnosis import CAUSES as CAUSES
from kapitza.measure.eels.diagnosis import EnergyScale as EnergyScale
from kapitza.measure.eels.diagnosis import FitVerdict as FitVerdict
from kapitza.measure.eels.diagnosis import MisfitCause as MisfitCause
from kapitza.measure.eels.diagnosis import SummedResiduals as SummedResiduals
from kapitza.measure.eels.diagnosis import energy_scale as energy_scale
from kapitza.measure.eels.diagnosis import fit_verdict as fit_verdict
from kapitza.measure.eels.diagnosis import misfit_cause as misfit_cause
from kapitza.measure.eels.diagnosis import sample_pixels as sample_pixels
from kapitza.measure.eels.diagnosis import scan_response as scan_response
from kapitza.measure.eels.diagnosis import summed_residuals as summed_residuals
from kapitza.measure.eels.diagnosis import widen_misfits as widen_misfits
from kapitza.measure.eels.diagnosis import with_energy_scale as with_energy_scale
from kapitza.measure.eels.diagnosis import with_gain_reference as with_gain_reference
