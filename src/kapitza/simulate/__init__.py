"""Atoms and distributions in motion: what carries heat between the atom and the continuum."""
