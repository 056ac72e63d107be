"""Vibrational electron energy-loss spectra: from counts to temperature, populations and the jump at an interface."""
