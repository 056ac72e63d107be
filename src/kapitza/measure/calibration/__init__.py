"""Calibrated estimate of the conductance: from the models and published measurements, with an interval."""
