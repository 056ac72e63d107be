"""Measured spectra compared with computed vibrations: occupations and assigned peaks."""

from kapitza.measure.eels.comparison.occupations import OccupationComparison as OccupationComparison
from kapitza.measure.eels.comparison.occupations import compare_occupations as compare_occupations
from kapitza.measure.eels.comparison.peaks import PeakAssignment as PeakAssignment
from kapitza.measure.eels.comparison.peaks import assign_peaks as assign_peaks
from kapitza.measure.eels.comparison.peaks import fitted_peaks as fitted_peaks
