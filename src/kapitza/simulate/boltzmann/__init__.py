"""Boltzmann transport of phonons through layers and across their boundaries, with one relaxation time per band."""
