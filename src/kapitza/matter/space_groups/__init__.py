"""Symmetry: stiffness of the crystal classes, operations of crystals and junctions found from their force constants."""
