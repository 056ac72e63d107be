"""An estimate of the conductance that has learnt from what was measured, with an honest interval."""

from kapitza.measure.calibration.estimate import CalibratedEstimate, calibrated_conductance

__all__ = ["CalibratedEstimate", "calibrated_conductance"]
