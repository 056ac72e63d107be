"""Lattice dynamics: crystals, junctions, interatomic potentials and atomistic Green's functions."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
