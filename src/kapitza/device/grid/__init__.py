"""Boxes on a rectilinear grid, by finite volumes."""
