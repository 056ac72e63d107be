"""Measured spectra compared with computed vibrations: occupations and assigned peaks."""

from kapitza.measure.eels.comparison import OccupationComparison as OccupationComparison
from kapitza.measure.eels.comparison import PeakAssignment as PeakAssignment
from kapitza.measure.eels.comparison import assign_peaks as assign_peaks
from kapitza.measure.eels.comparison import compare_occupations as compare_occupations
from kapitza.measure.eels.comparison import fitted_peaks as fitted_peaks
