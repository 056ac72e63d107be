"""Symmetry operations of crystals and junctions, found from their force constants."""
