"""Fits of spectra: likelihood, search, compiled kernels."""
