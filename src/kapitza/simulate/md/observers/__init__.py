"""Observers that sample a run as it proceeds: power through a plane, spectra, modes."""
