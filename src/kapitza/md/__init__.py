"""Molecular dynamics of interfaces: systems, potentials, engines, runs and their analysis."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
