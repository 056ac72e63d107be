"""Spectra of electrons from the files of microscopes: one door, `kapitza.eels.read_eels`, for all of them.

Nothing is loaded here, so that a file of one format does not wait for the readers of the others.
"""
