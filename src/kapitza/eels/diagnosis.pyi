"""Checks of a fit of spectra: energy scale, gain of the detector, residuals and the verdict."""

from kapitza.measure.eels.diagnosis.dispersion import EnergyScale as EnergyScale
from kapitza.measure.eels.diagnosis.dispersion import energy_scale as energy_scale
from kapitza.measure.eels.diagnosis.dispersion import sample_pixels as sample_pixels
from kapitza.measure.eels.diagnosis.dispersion import with_energy_scale as with_energy_scale
from kapitza.measure.eels.diagnosis.gain import scan_response as scan_response
from kapitza.measure.eels.diagnosis.gain import with_gain_reference as with_gain_reference
from kapitza.measure.eels.diagnosis.residuals import CAUSES as CAUSES
from kapitza.measure.eels.diagnosis.residuals import MisfitCause as MisfitCause
from kapitza.measure.eels.diagnosis.residuals import SummedResiduals as SummedResiduals
from kapitza.measure.eels.diagnosis.residuals import misfit_cause as misfit_cause
from kapitza.measure.eels.diagnosis.residuals import summed_residuals as summed_residuals
from kapitza.measure.eels.diagnosis.verdict import FitVerdict as FitVerdict
from kapitza.measure.eels.diagnosis.verdict import fit_verdict as fit_verdict
from kapitza.measure.eels.diagnosis.verdict import widen_misfits as widen_misfits
